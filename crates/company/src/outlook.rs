//! Who can call where, for people to read.

use std::fmt;

use switch::{Asker, Config, Grant};

/// Prints who can call out, a grant a line, and the emergency numbers.
#[derive(Debug)]
pub struct Outlook<'a>(pub &'a Config);

impl fmt::Display for Outlook<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(config) = self;
        let mut rows: Vec<[String; 5]> = config.grants.values().map(row).collect();
        if let Some(emergency) = &config.emergency {
            let numbers: Vec<&str> = emergency.numbers.iter().map(|number| &**number).collect();
            let who = "every user".to_owned();
            rows.push([
                who,
                numbers.join(", "),
                emergency.trunk.to_string(),
                "emergency: no limit".into(),
                String::new(),
            ]);
        }
        if rows.is_empty() {
            return writeln!(f, "nobody can call out: there are no `grants`");
        }
        let heading = ["WHO", "NUMBERS", "TRUNK", "AT ONCE", "MINUTES A DAY (UTC)"].map(str::to_owned);
        rows.insert(0, heading);
        let mut widths = [0; 5];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &rows {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

fn row(grant: &Grant) -> [String; 5] {
    let mut who = Vec::new();
    for (kind, pick) in KINDS {
        let names: Vec<&str> = grant.askers.iter().filter_map(pick).collect();
        match &*names {
            [] => {}
            [name] => who.push(format!("{kind} {name}")),
            names => who.push(format!("{kind}s {}", names.join(", "))),
        }
    }
    let numbers: Vec<String> = grant.prefixes.iter().map(|prefix| format!("{prefix}…")).collect();
    let trunk = grant.trunk.to_string();
    [who.join("; "), numbers.join(", "), trunk, grant.at_once.to_string(), grant.minutes_a_day.to_string()]
}

/// A kind of asker, and the name of one that is of it.
type Kind = (&'static str, fn(&Asker) -> Option<&str>);

const KINDS: [Kind; 3] = [
    ("user", |asker| if let Asker::User(name) = asker { Some(name) } else { None }),
    ("flow", |asker| if let Asker::Flow(name) = asker { Some(name) } else { None }),
    ("trunk", |asker| if let Asker::Trunk(name) = asker { Some(name) } else { None }),
];
