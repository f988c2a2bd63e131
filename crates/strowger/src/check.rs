//! `strowger check`: says whether a configuration is right.

use std::path::Path;

use company::Outlook;
use switch::Config;

use crate::error::Error;
use crate::folder::read_company;

/// Reads a company and says what it holds, or what is wrong with it.
///
/// # Errors
/// As [`read_company`].
pub(crate) fn check(folder: &Path) -> Result<(), Error> {
    let company = read_company(folder)?;
    for note in &company.notes {
        print!("{note}");
    }
    let switch = &company.switch;
    print!("{}", Outlook(switch));
    println!("{} is right: {}", folder.display(), contents(switch));
    Ok(())
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
