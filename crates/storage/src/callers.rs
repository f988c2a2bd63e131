//! Who called on some days, for a switch that starts in the middle of one.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use base::{Day, Pii, Wall};
use serde::Deserialize;

/// The part of a call's record that is wanted.
#[derive(Deserialize)]
struct Record {
    from: String,
    began: String,
}

/// When calls began that ended on `days`, and from which number, in the order in which they began. Calls of callers who withhold
/// theirs are left out. What cannot be read is passed over.
#[must_use]
pub fn callers_of(folder: &Path, days: &[Day]) -> Vec<(Wall, Pii<String>)> {
    let mut calls = Vec::new();
    for day in days {
        let Ok(file) = File::open(folder.join("cdr").join(format!("{day}.jsonl"))) else { continue };
        let (mut lines, mut line) = (BufReader::new(file), Vec::new());
        while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            if let Ok(Record { from, began }) = serde_json::from_slice(&line)
                && let Some(at) = wall(&began).filter(|_| !from.is_empty())
            {
                calls.push((at, Pii::new(from)));
            }
            line.clear();
        }
    }
    calls.sort_by_key(|(at, _)| *at);
    calls
}

/// The inverse of how a [`Wall`] prints.
fn wall(text: &str) -> Option<Wall> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, ms) = time.split_once('.')?;
    let parts: Vec<u64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour, minute, second] = *parts else { return None };
    let ms = ((hour * 60 + minute) * 60 + second).checked_mul(1000)?.checked_add(ms.parse().ok()?)?;
    Some(day.parse::<Day>().ok()?.start() + Duration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_was_written() {
        for text in ["2026-11-21T09:30:00.125Z", "1970-01-01T00:00:00.000Z"] {
            assert_eq!(wall(text).unwrap().to_string(), text);
        }
        assert_eq!(wall("2026-11-21 09:30"), None);
        assert_eq!(wall("2026-13-21T09:30:00.125Z"), None);
        assert_eq!(wall("2026-11-21T99999999999999999999:30:00.125Z"), None);
    }
}
