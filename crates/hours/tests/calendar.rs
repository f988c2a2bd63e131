//! How times stand in calendars, and the words for it; also where clocks are put forward and back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use base::Wall;
use hours::{Calendar, Hours, State, Turned};
use yaml::{Faults, Source};

fn read(text: &str) -> Hours {
    let faults = Faults::default();
    let hours = Hours::read(&Source::new("hours.yaml", text), &faults);
    let told: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{told}");
    hours.unwrap()
}

/// A calendar of its keys.
fn calendar(keys: &str) -> Calendar {
    let hours = read(&format!("calendars:\n  office:\n{keys}"));
    Calendar::clone(&hours.calendars["office"])
}

const OFFICE: &str = "
    zone: Europe/Berlin
    week: { monday-friday: 09:00-18:00 }
    breaks: { monday-thursday: 12:00-13:00 }
    holidays: { 12-25: Christmas Day, 12-26: Boxing Day, easter+1: Easter Monday }
    exceptions:
      2026-12-24: { open: 09:00-12:00, name: Christmas Eve }
      2026-07-01..2026-07-14: { closed: Summer holidays }
      2026-04-06: 10:00-11:00
";

fn why(calendar: &Calendar, at: &str) -> String {
    calendar.decide(calendar.at(at).unwrap(), None).why
}

#[test]
fn a_decision_says_why_and_until_when() {
    let office = calendar(OFFICE);
    for (at, expected) in [
        ("2026-11-26T08:59", "closed until 09:00"),
        ("2026-11-26T09:00", "open until 12:00"),
        ("2026-11-26T12:00", "break until 13:00"),
        ("2026-11-26T17:59", "open until 18:00"),
        ("2026-11-26T18:00", "closed until 27 Nov 09:00"),
        ("2026-11-27T18:00", "closed until 30 Nov 09:00"),
        ("2026-12-24T10:00", "open: Christmas Eve until 12:00"),
        ("2026-12-24T12:00", "closed: Christmas Eve until 28 Dec 09:00"),
        ("2026-12-25T00:00", "closed: holiday Christmas Day until 28 Dec 09:00"),
        ("2026-12-26T23:59", "closed: holiday Boxing Day until 28 Dec 09:00"),
        ("2026-12-31T18:30", "closed until 1 Jan 2027 09:00"),
        ("2026-06-30T18:00", "closed until 15 Jul 09:00"),
        ("2026-07-08T12:00", "closed: Summer holidays until 15 Jul 09:00"),
        ("2026-04-06T09:30", "closed until 10:00"),
        ("2026-04-06T10:30", "open until 11:00"),
        ("2027-03-29T10:30", "closed: holiday Easter Monday until 30 Mar 09:00"),
    ] {
        assert_eq!(why(&office, at), expected, "{at}");
    }
}

#[test]
fn an_emergency_counts_before_everything() {
    let office = calendar(OFFICE);
    let at = office.at("2026-12-25T10:00").unwrap();
    let turned = |reason: &str| Turned {
        switch: "evacuation".into(),
        on: true,
        at,
        by: "ada".to_owned(),
        reason: reason.to_owned(),
    };
    let decision = office.decide(at, Some(&turned("burst pipe")));
    assert_eq!((decision.state, decision.until), (State::Emergency, None));
    assert_eq!(decision.why, "closed: emergency switch evacuation: burst pipe");
    assert_eq!(office.decide(at, Some(&turned(""))).why, "closed: emergency switch evacuation");
}

#[test]
fn hours_belong_to_the_day_on_which_they_begin() {
    let night = calendar(
        "
    zone: Asia/Shanghai
    week: { monday-sunday: 22:00-06:00 }
    breaks: { monday-sunday: 02:00-02:30 }
    holidays: { 2026-10-01: National Day }
",
    );
    for (at, expected) in [
        ("2026-09-30T23:00", "open until 1 Oct 02:00"),
        ("2026-10-01T05:59", "open until 06:00"),
        ("2026-10-01T06:00", "closed: holiday National Day until 2 Oct 22:00"),
        ("2026-10-01T22:30", "closed: holiday National Day until 2 Oct 22:00"),
        ("2026-10-02T03:00", "closed until 22:00"),
        ("2026-10-03T02:10", "break until 02:30"),
    ] {
        assert_eq!(why(&night, at), expected, "{at}");
    }
}

/// The changes that come after a time, as UTC and the word.
fn changes(calendar: &Calendar, from: &str, count: usize) -> Vec<String> {
    let mut at = calendar.at(from).unwrap();
    let mut told = Vec::new();
    for _ in 0..count {
        let (next, situation) = calendar.next_change(at).unwrap();
        told.push(format!("{} {}", &next.to_string()[5..16], situation.state.word()));
        at = next;
    }
    told
}

#[test]
fn hours_that_the_clock_skips_are_skipped_and_those_that_it_shows_twice_count_twice() {
    let week = "week: { monday-sunday: [01:30-02:30, 02:45-03:30] }";
    // Berlin: 02:00 → 03:00 on 29 March, 03:00 → 02:00 on 25 October 2026; at 01:00 UTC both.
    let berlin = calendar(&format!("    zone: Europe/Berlin\n    {week}\n"));
    assert_eq!(
        changes(&berlin, "2026-03-28T12:00", 3),
        ["03-29T00:30 open", "03-29T01:30 closed", "03-29T23:30 open"],
        "from 01:30 to 03:30 on the wall in one hour, as 02:30 to 02:45 never is"
    );
    assert_eq!(
        changes(&berlin, "2026-10-24T12:00", 8),
        [
            "10-24T23:30 open",
            "10-25T00:30 closed",
            "10-25T00:45 open",
            "10-25T01:30 closed",
            "10-25T01:45 open",
            "10-25T02:30 closed",
            "10-26T00:30 open",
            "10-26T01:30 closed",
        ],
        "at 01:00 UTC the clock goes from 03:00 back to 02:00, which is open, too"
    );
    // New York: 02:00 → 03:00 on 8 March at 07:00 UTC, 02:00 → 01:00 on 1 November at 06:00 UTC.
    let york = calendar(&format!("    zone: America/New_York\n    {week}\n"));
    assert_eq!(changes(&york, "2026-03-07T12:00", 3), ["03-08T06:30 open", "03-08T07:30 closed", "03-09T05:30 open"]);
    assert_eq!(
        changes(&york, "2026-10-31T12:00", 6),
        [
            "11-01T05:30 open",
            "11-01T06:00 closed",
            "11-01T06:30 open",
            "11-01T07:30 closed",
            "11-01T07:45 open",
            "11-01T08:30 closed"
        ],
        "open at 01:30, back to 01:00, which is closed, and open again at 01:30"
    );
    let shanghai = calendar(&format!("    zone: Asia/Shanghai\n    {week}\n"));
    assert_eq!(
        changes(&shanghai, "2026-03-28T12:00", 4),
        ["03-28T17:30 open", "03-28T18:30 closed", "03-28T18:45 open", "03-28T19:30 closed"]
    );
}

#[test]
fn a_day_of_23_or_25_hours_is_open_as_the_clock_says() {
    let office = calendar("    zone: Europe/Berlin\n    week: { monday-sunday: 09:00-18:00 }\n");
    assert_eq!(
        changes(&office, "2026-03-28T12:00", 3),
        ["03-28T17:00 closed", "03-29T07:00 open", "03-29T16:00 closed"]
    );
    assert_eq!(
        changes(&office, "2026-10-24T12:00", 3),
        ["10-24T16:00 closed", "10-25T08:00 open", "10-25T17:00 closed"]
    );
    // A time that is not is taken behind the gap, one that is twice is the first.
    assert_eq!(office.at("2026-03-29T02:30").unwrap().to_string(), "2026-03-29T01:30:00.000Z");
    assert_eq!(office.at("2026-10-25T02:30").unwrap().to_string(), "2026-10-25T00:30:00.000Z");
    let shown = office.local(office.at("2026-12-24T10:05").unwrap()).to_string();
    assert_eq!(shown, "Thu 24 Dec 2026 10:05");
}

#[test]
fn what_never_changes_is_told_at_once_and_what_is_closed_for_good_in_bounded_time() {
    let always = calendar("    zone: Europe/Berlin\n    week: { monday-sunday: 00:00-24:00 }\n");
    assert_eq!(why(&always, "2026-03-28T12:00"), "open");
    assert_eq!(always.next_change(always.at("2026-03-28T12:00").unwrap()), None);
    let gone = calendar(
        "
    zone: Europe/Berlin
    week: { monday: 09:00-18:00 }
    exceptions: { 2026-01-01..9999-12-31: { closed: Gone } }
",
    );
    assert_eq!(why(&gone, "2026-03-28T12:00"), "closed: Gone");
    // Where the calendar itself ends, nothing breaks.
    for micros in [i64::MIN, -1, 0, i64::MAX] {
        let _ = gone.decide(Wall::from_unix_micros(micros), None);
        let _ = always.decide(Wall::from_unix_micros(micros), None);
    }
}

#[test]
fn lists_of_holidays_are_shared_and_what_nobody_uses_is_noted() {
    let hours = read(
        "
switches: { evacuation: The building is empty, flood: Water }
holidays:
  germany: { 10-03: German Unity Day }
  china-2026: { 2026-10-01..2026-10-07: National Day }
  moon: { 07-20: Landing }
calendars:
  office:
    zone: Europe/Berlin
    week: { monday-sunday: 09:00-18:00 }
    holidays: [germany, china-2026, { 12-25: Christmas Day }]
    exceptions:
      2026-11-25: closed
      2026-11-26: closed
    emergency: evacuation
  shop: { zone: Asia/Shanghai, week: { monday: 09:00-18:00 } }
",
    );
    let office = &hours.calendars["office"];
    let name = |at: &str| office.situation(office.at(at).unwrap()).name.unwrap_or_default().to_string();
    assert_eq!(name("2026-10-03"), "German Unity Day", "the first that means a date names it");
    assert_eq!(name("2026-10-04"), "National Day");
    assert_eq!(name("2026-12-25"), "Christmas Day");
    assert!(hours.has_switch("office") && !hours.has_switch("shop"));
    let told = |now| {
        let mut notes: Vec<String> = hours
            .notes(|name| name == "office", now)
            .into_iter()
            .map(|(place, text)| format!("{}: {text}", place.span.line))
            .collect();
        notes.sort();
        notes
    };
    let now = office.at("2026-11-26T00:30");
    let unused =
        ["16: no flow asks this calendar", "2: no calendar names this switch", "6: no calendar has these holidays"];
    assert_eq!(told(None), unused);
    assert_eq!(told(now), [&["13: this exception is over"], unused.as_slice()].concat());
}
