//! `strowger check`: says whether a configuration is right.

use std::path::Path;
use std::process::ExitCode;

use company::Outlook;
use serde::Serialize;
use serde_json::json;
use switch::{Config, NumbersOf, Trunk};
use yaml::{Place, Span};

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
    let told = json!({
        "right": faults.is_empty(),
        "faults": faults.iter().map(|fault| Told::of(&fault.place, &fault.message, &fault.remedy)).collect::<Vec<_>>(),
        "notes": notes.iter().map(|note| Told::of(&note.place, &note.text, "")).collect::<Vec<_>>(),
    });
    print(&format!("{told:#}\n"));
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A fault or a note, as machines read it.
#[derive(Serialize)]
struct Told<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    length: u32,
    message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    remedy: &'a str,
}

impl<'a> Told<'a> {
    fn of(place: &'a Place, message: &'a str, remedy: &'a str) -> Self {
        let Span { line, column, length } = place.span;
        Self { file: place.source.path(), line, column, length, message, remedy }
    }
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
