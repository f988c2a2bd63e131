//! The journal, read back: its events, of which those that nobody wants are not even parsed.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::Path;

use base::{CallId, Day};
use journal::Event;

/// Octets within which a line names its call and event: `seq`, `at` and `call` come first and are short.
const HEAD: usize = 160;

/// What a line of the journal says of itself first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The call, as it is written; none for events of the switch itself.
    pub call: Option<&'a str>,
    /// The name of the event.
    pub event: &'a str,
}

/// The days of which there is a journal, in their order.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn journal_days(folder: &Path) -> io::Result<Vec<Day>> {
    let entries = match fs::read_dir(folder.join("journal")) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut days = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        days.extend(name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse::<Day>().ok()));
    }
    days.sort_unstable();
    Ok(days)
}

/// Hands over the events of some days (UTC) that are `wanted`, in the order in which they were written, from the last `most` octets
/// of them. Lines that are torn, or of another version, are passed over.
///
/// # Errors
/// If a file is there and cannot be read.
pub fn read_journal(
    folder: &Path,
    days: RangeInclusive<Day>,
    most: u64,
    wanted: impl Fn(Head<'_>) -> bool,
    mut each: impl FnMut(Event),
) -> io::Result<()> {
    let (mut room, mut parts) = (most, Vec::new());
    for day in journal_days(folder)?.into_iter().rev().filter(|day| days.contains(day)) {
        let path = folder.join("journal").join(format!("{day}.jsonl"));
        let length = fs::metadata(&path)?.len();
        parts.push((path, length.saturating_sub(room)));
        room = room.saturating_sub(length);
    }
    for (path, from) in parts.into_iter().rev() {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut lines = BufReader::with_capacity(1 << 18, file);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            if head(&line).is_some_and(&wanted)
                && let Ok(event) = serde_json::from_slice(&line)
            {
                each(event);
            }
            line.clear();
        }
    }
    Ok(())
}

/// All that the journal has of a call, in its order; nothing if it knows none.
///
/// # Errors
/// As for [`read_journal`].
pub fn events_of(folder: &Path, call: CallId) -> io::Result<Vec<Event>> {
    let name = call.to_string();
    let mut events: Vec<Event> = Vec::new();
    // A call goes over midnight at times; those of today are asked for most.
    for day in journal_days(folder)?.into_iter().rev() {
        let mut earlier = Vec::new();
        read_journal(folder, day..=day, u64::MAX, |head| head.call == Some(&*name), |event| earlier.push(event))?;
        earlier.append(&mut events);
        events = earlier;
        if events.first().is_some_and(|first| first.seq == 0) {
            break;
        }
    }
    Ok(events)
}

fn head(line: &[u8]) -> Option<Head<'_>> {
    let start = line.get(..HEAD).unwrap_or(line);
    // A cut may fall into a letter of the fields behind.
    let start = match std::str::from_utf8(start) {
        Ok(start) => start,
        Err(error) => std::str::from_utf8(start.get(..error.valid_up_to())?).ok()?,
    };
    let (before, after) = start.split_once(",\"event\":\"")?;
    let call = before.split_once(",\"call\":\"").and_then(|(_, call)| call.get(..call.find('"')?));
    Some(Head { call, event: after.get(..after.find('"')?)? })
}

#[cfg(test)]
mod tests {
    use base::Wall;
    use journal::Kind;

    use super::*;

    const NOON: i64 = 1_795_262_400_000_000;

    fn line(seq: u32, at: i64, call: Option<u64>, kind: Kind) -> String {
        let event = Event { seq, at: Wall::from_unix_micros(at), call: call.map(CallId::from_raw), kind };
        serde_json::to_string(&event).unwrap() + "\n"
    }

    fn ended() -> Kind {
        Kind::CallEnded { cut: false }
    }

    #[test]
    fn a_line_says_first_whose_and_what_it_is() {
        let of_call = line(3, NOON, Some(7), Kind::QueueJoined { queue: "é".repeat(90).into() });
        let call = CallId::from_raw(7).to_string();
        assert_eq!(head(of_call.as_bytes()), Some(Head { call: Some(&call), event: "queue_joined" }));
        let own = line(3, NOON, None, Kind::MemoryWell);
        assert_eq!(head(own.as_bytes()), Some(Head { call: None, event: "memory_well" }));
        assert_eq!(head(b"{\"seq\":1,"), None);
        assert_eq!(head(b"\xff\xff"), None);
    }

    #[test]
    fn a_call_is_found_whole_over_midnight_and_torn_lines_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("journal")).unwrap();
        let put =
            |day: &str, text: String| fs::write(folder.path().join(format!("journal/{day}.jsonl")), text).unwrap();
        let joined = || Kind::QueueJoined { queue: "sales".into() };
        put("2026-11-20", line(0, NOON - 1, Some(7), Kind::Answered) + &line(0, NOON, Some(8), ended()));
        put(
            "2026-11-21",
            line(1, NOON, Some(7), joined()) + "{\"seq\":2,\"at\":1,\"call\":\"c0000000000007\",\"event\":\"ca",
        );
        put("2026-11-22", line(0, NOON, None, Kind::MemoryWell) + &line(2, NOON, Some(7), ended()));
        let events = events_of(folder.path(), CallId::from_raw(7)).unwrap();
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(events_of(folder.path(), CallId::from_raw(9)).unwrap().is_empty());
        let days = journal_days(folder.path()).unwrap();
        let mut seen = 0;
        read_journal(folder.path(), days[1]..=days[2], u64::MAX, |head| head.event == "queue_joined", |_| seen += 1)
            .unwrap();
        assert_eq!((days.len(), seen), (3, 1));
        let last = line(2, NOON, Some(7), ended()).len() as u64;
        let mut tail = Vec::new();
        read_journal(folder.path(), days[0]..=days[2], last + 3, |_| true, |event| tail.push(event.seq)).unwrap();
        assert_eq!(tail, [2], "a line that the bound cuts is torn");
        assert!(journal_days(&folder.path().join("none")).unwrap().is_empty());
    }
}
