//! `strowger check`: says whether a configuration is right.

use std::path::Path;

use company::Outlook;

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
    println!(
        "{} is right: {} numbers, {} flows, {} queues, {} users, {} trunks, {} prompts",
        folder.display(),
        switch.numbers.len(),
        switch.flows.len(),
        switch.queues.len(),
        switch.users.len(),
        switch.trunks.len(),
        switch.prompts.len(),
    );
    Ok(())
}
