//! Who called on some days, and who talked with whom, for a switch that starts in the middle of one.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::{Day, Pii, Wall};
use serde::Deserialize;

/// The part of a call's record that is wanted.
#[derive(Deserialize)]
struct Record {
    from: String,
    began: String,
    /// The number that was called.
    to: String,
    direction: String,
    #[serde(default)]
    visits: Vec<Visit>,
}

/// A stay in a queue.
#[derive(Deserialize)]
struct Visit {
    agent: Option<Arc<str>>,
}

/// When calls began that ended on `days`, and from which number, in the order in which they began. Calls of callers who withhold
/// theirs are left out. What cannot be read is passed over.
#[must_use]
pub fn callers_of(folder: &Path, days: &[Day]) -> Vec<(Wall, Pii<String>)> {
    let mut calls = Vec::new();
    for day in days {
        read(folder, *day, u64::MAX, |at, record| {
            if !record.from.is_empty() {
                calls.push((at, Pii::new(record.from)));
            }
        });
    }
    calls.sort_by_key(|(at, _)| *at);
    calls
}

/// Which numbers talked with which agents of queues in calls that ended on `days`, in the order in which those began; of each number
/// the last one alone. Of the records' text the last `most` octets are read. What cannot be read is passed over.
#[must_use]
pub fn talks_of(folder: &Path, days: &[Day], most: u64) -> Vec<(Pii<String>, Arc<str>)> {
    let (mut left, mut talks) = (most, HashMap::new());
    let mut newest_first = days.to_vec();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    for day in newest_first {
        let octets = read(folder, day, left, |at, Record { from, to, direction, visits, .. }| {
            // Who is called back is the one who is called.
            let number = if direction == "outbound" { to } else { from };
            let agent = visits.into_iter().rev().find_map(|visit| visit.agent);
            if let Some(agent) = agent.filter(|_| !number.is_empty()) {
                let last = talks.entry(number).or_insert((at, Arc::clone(&agent)));
                if last.0 <= at {
                    *last = (at, agent);
                }
            }
        });
        left = left.saturating_sub(octets);
        if left == 0 {
            break;
        }
    }
    let mut talks: Vec<_> = talks.into_iter().map(|(number, (at, agent))| (at, number, agent)).collect();
    talks.sort_unstable();
    talks.into_iter().map(|(_, number, agent)| (Pii::new(number), agent)).collect()
}

/// Reads the last `most` octets of the records of a day. Gives how many those were.
fn read(folder: &Path, day: Day, most: u64, mut take: impl FnMut(Wall, Record)) -> u64 {
    let Ok(mut file) = File::open(folder.join("cdr").join(format!("{day}.jsonl"))) else { return 0 };
    let length = file.metadata().map_or(0, |about| about.len());
    // The first line may be the end of one: then it is no record.
    if length > most && file.seek(SeekFrom::Start(length - most)).is_err() {
        return 0;
    }
    let (mut lines, mut line) = (BufReader::new(file), Vec::new());
    while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        if let Ok(record) = serde_json::from_slice::<Record>(&line)
            && let Some(at) = wall(&record.began)
        {
            take(at, record);
        }
        line.clear();
    }
    length.min(most)
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

    fn line(from: &str, began: &str, agents: &[Option<&str>]) -> String {
        let visits: Vec<_> =
            agents.iter().map(|agent| serde_json::json!({ "queue": "sales", "agent": agent })).collect();
        let record = serde_json::json!({
            "from": from, "to": "1000", "direction": "inbound", "began": format!("2026-11-{began}:00.000Z"), "visits": visits
        });
        record.to_string() + "\n"
    }

    #[test]
    fn of_each_number_the_last_talk_is_known_and_no_more_is_read_than_may_be() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("cdr")).unwrap();
        let first = line("49301", "20T23:00", &[Some("ann")]);
        let second = [
            line("49301", "21T09:00", &[Some("bob"), None]),
            line("49302", "21T08:00", &[None]),
            line("", "21T08:30", &[Some("bob")]),
            "rubbish\n".to_owned(),
            line("49303", "21T08:50", &[Some("ann"), Some("cid")]),
            r#"{"from":"1000","to":"49304","direction":"outbound","began":"2026-11-21T10:00:00.000Z","visits":[{"agent":"bob"}]}"#
                .to_owned(),
        ]
        .concat();
        std::fs::write(folder.path().join("cdr/2026-11-20.jsonl"), &first).unwrap();
        std::fs::write(folder.path().join("cdr/2026-11-21.jsonl"), &second).unwrap();
        let days: Vec<Day> = ["2026-11-20", "2026-11-21"].map(|day| day.parse().unwrap()).into();
        let talks = |most| -> Vec<(String, String)> {
            let talks = talks_of(folder.path(), &days, most);
            talks.into_iter().map(|(number, agent)| (number.reveal().clone(), agent.to_string())).collect()
        };
        let of = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(number, agent)| ((*number).to_owned(), (*agent).to_owned())).collect()
        };
        assert_eq!(talks(u64::MAX), of(&[("49303", "cid"), ("49301", "bob"), ("49304", "bob")]));
        let without_the_first_line = u64::try_from(second.len()).unwrap() - 10;
        assert_eq!(talks(without_the_first_line), of(&[("49303", "cid"), ("49304", "bob")]));
        let with_half_of_the_day_before = u64::try_from(second.len() + first.len() / 2).unwrap();
        assert_eq!(talks(with_half_of_the_day_before).len(), 3);
    }

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
