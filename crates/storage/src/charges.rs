//! What the records of a day charge to grants, for a switch that starts in the middle of it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use base::Day;
use journal::{Charges, OutsideLeg};
use serde::Deserialize;

/// The part of a call's record that is wanted.
#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    outside: Vec<OutsideLeg>,
}

/// What the records of calls that ended on `day` charge to grants. To be asked once [`crate::Storage::start`] has made
/// those of calls that a crash had cut, and before calls come in.
///
/// What cannot be read is passed over: a switch that cannot read its own records takes calls all the same.
#[must_use]
pub fn charges_of(folder: &Path, day: Day) -> Charges {
    let mut charges = Charges::default();
    let Ok(file) = File::open(folder.join("cdr").join(format!("{day}.jsonl"))) else { return charges };
    let (mut lines, mut line) = (BufReader::new(file), Vec::new());
    while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        // A line that is torn, or of a version that knew no trunks, charges nothing.
        if let Ok(record) = serde_json::from_slice::<Record>(&line) {
            record.outside.iter().for_each(|leg| charges.feed(leg));
        }
        line.clear();
    }
    charges
}
