//! `strowger check`: says whether a configuration is right.

use std::path::Path;
use std::process::ExitCode;

use company::{Note, Outlook};
use serde_json::{Value, json};
use switch::{Config, NumbersOf, Trunk};
use yaml::{Fault, Place, Span};

use crate::error::Error;
use crate::folder::{read_company, read_files};
use crate::operate::print;

/// Reads a company and says what it holds, or what is wrong with it.
///
/// # Errors
/// As [`read_company`]; [`Error::NoSuchTrunk`] if `trunk` names none.
pub(crate) fn check(folder: &Path, number: Option<&str>, trunk: Option<&str>) -> Result<(), Error> {
    let company = read_company(folder)?;
    for note in &company.notes {
        print(&note.to_string());
    }
    let switch = &company.switch;
    print(&Outlook(switch).to_string());
    if let Some(number) = number {
        let trunks: Vec<&Trunk> = match trunk {
            Some(name) => {
                vec![switch.trunk(name).ok_or_else(|| Error::NoSuchTrunk { trunk: name.to_owned() })?]
            }
            None => switch.trunks.iter().collect(),
        };
        trunks.into_iter().for_each(|trunk| print(&becomes(trunk, number)));
    }
    print(&format!("{} is right: {}\n", folder.display(), contents(switch)));
    Ok(())
}

/// The same for a build server: every fault and note as JSON.
///
/// # Errors
/// [`Error::Folder`] if there is no such folder.
pub(crate) fn check_for_machines(folder: &Path) -> Result<ExitCode, Error> {
    let (faults, notes) = match company::read(&read_files(folder)?) {
        Ok(company) => (Vec::new(), company.notes),
        Err(report) => (report.faults, report.notes),
    };
    let at = |place: &Place, what: Value| {
        let Span { line, column, length } = place.span;
        let mut entry = json!({ "file": place.source.path(), "line": line, "column": column, "length": length });
        entry.as_object_mut().into_iter().for_each(|entry| entry.extend(what.as_object().cloned().unwrap_or_default()));
        entry
    };
    let fault = |fault: &Fault| at(&fault.place, json!({ "message": fault.message, "remedy": fault.remedy }));
    let note = |note: &Note| at(&note.place, json!({ "message": note.text }));
    let told = json!({
        "right": faults.is_empty(),
        "faults": faults.iter().map(fault).collect::<Vec<_>>(),
        "notes": notes.iter().map(note).collect::<Vec<_>>(),
    });
    print(&format!("{told:#}\n"));
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What the rules of a trunk make of a number, either way.
fn becomes(trunk: &Trunk, number: &str) -> String {
    let of = [("called", NumbersOf::Called), ("calling", NumbersOf::Calling)];
    let line = |way: &str, rule: &dyn Fn(NumbersOf) -> Option<String>| {
        let told = of.map(|(what, of)| match rule(of) {
            Some(number) => format!("{what} {number}"),
            None => format!("{what} as it is"),
        });
        format!("trunk {}, {} {way}: {}\n", trunk.name, number.escape_debug(), told.join(", "))
    };
    line("comes in", &|of| trunk.numbers.inward(number, of))
        + &line("goes out", &|of| trunk.numbers.outward(number, of))
}

/// How much of everything there is.
fn contents(switch: &Config) -> String {
    let counts = [
        (switch.numbers.len(), "number"),
        (switch.flows.len(), "flow"),
        (switch.queues.len(), "queue"),
        (switch.users.len(), "user"),
        (switch.trunks.len(), "trunk"),
        (switch.prompts.len(), "prompt"),
    ];
    counts.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" })).join(", ")
}
