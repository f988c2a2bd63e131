//! Calendars against one that looks at each minute of a year: as simple as can be, and written from what the operators' page says.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base::Wall;
use hours::{Hours, State};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use yaml::{Faults, Source};

type Spans = Vec<(i32, i32)>;

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Shanghai",
    // Half an hour of summer time; and an odd offset.
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
];

/// Some of them lie where clocks are put forward or back.
const PLANS: [&[(i32, i32)]; 9] = [
    &[],
    &[(540, 1080)],
    &[(540, 720), (780, 1080)],
    &[(1320, 1800)],
    &[(0, 1440)],
    &[(125, 170)],
    &[(0, 61), (90, 150), (165, 210)],
    &[(30, 121), (121, 185), (600, 1500)],
    &[(1080, 1980)],
];

/// Lines of holidays, and by hand the dates of 2025 to 2027 that they mean.
const HOLIDAYS: [(&str, &[&str]); 8] = [
    ("12-25", &["2025-12-25", "2026-12-25", "2027-12-25"]),
    ("01-01", &["2025-01-01", "2026-01-01", "2027-01-01"]),
    ("easter+1", &["2025-04-21", "2026-04-06", "2027-03-29"]),
    ("easter-7", &["2025-04-13", "2026-03-29", "2027-03-21"]),
    ("1st sunday of november", &["2025-11-02", "2026-11-01", "2027-11-07"]),
    ("last sunday of october", &["2025-10-26", "2026-10-25", "2027-10-31"]),
    ("2026-02-16..2026-02-18", &["2026-02-16", "2026-02-17", "2026-02-18"]),
    ("2026-03-08", &["2026-03-08"]),
];

const EXCEPTIONS: [(&str, &[&str]); 5] = [
    ("2026-03-29", &["2026-03-29"]),
    ("2026-03-07..2026-03-08", &["2026-03-07", "2026-03-08"]),
    ("2026-10-25", &["2026-10-25"]),
    ("2026-10-31..2026-11-01", &["2026-10-31", "2026-11-01"]),
    ("2026-12-24..2026-12-26", &["2026-12-24", "2026-12-25", "2026-12-26"]),
];

#[derive(Clone, Debug)]
struct Spec {
    zone: &'static str,
    week: [Spans; 7],
    breaks: [Spans; 7],
    holidays: Vec<usize>,
    exceptions: Vec<(usize, Spans, Spans)>,
}

fn specs() -> impl Strategy<Value = Spec> {
    let plan = || select(PLANS.to_vec());
    let exception = (0..EXCEPTIONS.len(), plan(), any::<bool>());
    let parts = (
        select(ZONES.to_vec()),
        proptest::array::uniform7((plan(), any::<bool>())),
        subsequence((0..HOLIDAYS.len()).collect::<Vec<_>>(), 0..=HOLIDAYS.len()),
        proptest::collection::btree_map(0..EXCEPTIONS.len(), exception, 0..=3),
    );
    parts.prop_map(|(zone, days, holidays, exceptions)| {
        let mut week: [Spans; 7] = Default::default();
        let mut breaks: [Spans; 7] = Default::default();
        for (day, (spans, rests)) in days.iter().enumerate() {
            // What would overlap the night of the day before, or with that of the last day the first one, is left out.
            let night = week[(day + 6) % 7].iter().map(|span| span.1 - 1440).max().unwrap_or(0);
            let morning = week[(day + 1) % 7].iter().map(|span| span.0 + 1440).min().unwrap_or(9999);
            week[day] = spans.iter().copied().filter(|span| span.0 >= night && span.1 <= morning).collect();
            breaks[day] = if *rests { rest(&week[day]) } else { Vec::new() };
        }
        if week.iter().all(Vec::is_empty) {
            week[2] = vec![(540, 1080)];
        }
        let exceptions = exceptions.into_iter().map(|(index, (_, spans, rests))| {
            (index, spans.to_vec(), if rests { rest_of_date(spans) } else { Vec::new() })
        });
        Spec { zone, week, breaks, holidays, exceptions: exceptions.collect() }
    })
}

/// Two breaks in each span; of one over midnight, one behind it.
fn rest(spans: &[(i32, i32)]) -> Spans {
    let breaks = spans.iter().flat_map(|(from, to)| [(from + 7, from + 25), (to - 20, to - 5)]);
    breaks.filter(|span| spans.iter().any(|(from, to)| from <= &span.0 && span.1 <= *to)).collect()
}

/// Those that can be told from the time alone: where hours begin at 00:30 and others end at 01:00 behind midnight, a break at
/// 00:40 is one of the first.
fn rest_of_date(spans: &[(i32, i32)]) -> Spans {
    let told = |rest: &(i32, i32)| rest.0 < 1440 || spans.iter().all(|span| span.0 >= rest.1 - 1440);
    rest(spans).into_iter().filter(told).collect()
}

fn show(spans: &[(i32, i32)]) -> String {
    let time = |minute: i32| {
        if minute == 1440 { "24:00".to_owned() } else { format!("{:02}:{:02}", minute / 60 % 24, minute % 60) }
    };
    let spans: Vec<String> = spans.iter().map(|(from, to)| format!("{}-{}", time(*from), time(*to))).collect();
    format!("[{}]", spans.join(", "))
}

impl Spec {
    fn text(&self) -> String {
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let mut text = format!("calendars:\n  x:\n    zone: {}\n    week:\n", self.zone);
        for (day, spans) in days.iter().zip(&self.week) {
            let _ = writeln!(text, "      {day}: {}", if spans.is_empty() { "closed".to_owned() } else { show(spans) });
        }
        // Behind midnight a break is written under the day that has begun then.
        let mut breaks: [Spans; 7] = Default::default();
        for (day, span) in
            self.breaks.iter().enumerate().flat_map(|(day, spans)| spans.iter().map(move |span| (day, span)))
        {
            let days = span.0 / 1440;
            let shift = days * 1440;
            breaks[(day + usize::try_from(days).unwrap()) % 7].push((span.0 - shift, span.1 - shift));
        }
        if breaks.iter().any(|spans| !spans.is_empty()) {
            text += "    breaks:\n";
            for (day, spans) in days.iter().zip(&breaks).filter(|(_, spans)| !spans.is_empty()) {
                let _ = writeln!(text, "      {day}: {}", show(spans));
            }
        }
        text += "    holidays:\n      1999-05-05: Never\n";
        for index in &self.holidays {
            let _ = writeln!(text, "      {}: H{index}", HOLIDAYS[*index].0);
        }
        text += "    exceptions:\n      1999-01-01: closed\n";
        for (index, spans, breaks) in &self.exceptions {
            let _ = match (spans.is_empty(), breaks.is_empty()) {
                (true, _) => writeln!(text, "      {}: {{ closed: E{index} }}", EXCEPTIONS[*index].0),
                (_, true) => {
                    writeln!(text, "      {}: {{ open: {}, name: E{index} }}", EXCEPTIONS[*index].0, show(spans))
                }
                _ => writeln!(
                    text,
                    "      {}: {{ open: {}, break: {}, name: E{index} }}",
                    EXCEPTIONS[*index].0,
                    show(spans),
                    show(breaks)
                ),
            };
        }
        text
    }

    /// What each date holds: hours, breaks, what it is outside of them, and its name.
    fn dates(&self) -> BTreeMap<Date, (Spans, Spans, State, String)> {
        let mut dates = BTreeMap::new();
        let mut date = Date::constant(2025, 12, 30);
        while date < Date::constant(2027, 1, 4) {
            let at = date.to_string();
            let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap();
            let mut plan = (self.week[day].clone(), self.breaks[day].clone(), State::Closed, String::new());
            if let Some(index) = self.holidays.iter().find(|index| HOLIDAYS[**index].1.contains(&at.as_str())) {
                plan = (Vec::new(), Vec::new(), State::Holiday, format!("H{index}"));
            }
            let exception = self.exceptions.iter().find(|(index, ..)| EXCEPTIONS[*index].1.contains(&at.as_str()));
            if let Some((index, spans, breaks)) = exception {
                plan = (spans.clone(), breaks.clone(), State::Closed, format!("E{index}"));
            }
            dates.insert(date, plan);
            date = date.tomorrow().unwrap();
        }
        dates
    }
}

/// How each minute of 2026 (UTC) stands, and by what.
fn minute_by_minute(spec: &Spec) -> Vec<(State, String)> {
    let zone = TimeZoneDatabase::bundled().get(spec.zone).unwrap();
    let dates = spec.dates();
    let stands = |minute: i64| {
        let local = zone.to_datetime(Timestamp::from_second(START + minute * 60).unwrap());
        let time = i32::from(local.hour()) * 60 + i32::from(local.minute());
        let today = &dates[&local.date()];
        let eve = &dates[&local.date().yesterday().unwrap()];
        let within = |spans: &Spans, time: i32| spans.iter().any(|span| span.0 <= time && time < span.1);
        let open = |rests: bool| if rests { State::Break } else { State::Open };
        if within(&today.0, time) {
            (open(within(&today.1, time)), today.3.clone())
        } else if within(&eve.0, time + 1440) {
            (open(within(&eve.1, time + 1440)), eve.3.clone())
        } else {
            (today.2, today.3.clone())
        }
    };
    (0..MINUTES).map(stands).collect()
}

/// 2026-01-01T00:00Z.
const START: i64 = 1_767_225_600;
const MINUTES: i64 = 365 * 1440;

fn wall(minute: usize) -> Wall {
    Wall::from_unix_micros((START + i64::try_from(minute).unwrap() * 60) * 1_000_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_calendar_stands_as_one_that_looks_at_each_minute(spec in specs()) {
        let (text, faults) = (spec.text(), Faults::default());
        let hours = Hours::read(&Source::new("hours.yaml", text.as_str()), &faults);
        let told: String = faults.into_sorted().iter().map(ToString::to_string).collect();
        prop_assert!(told.is_empty(), "{told}\n{text}");
        let calendar = hours.unwrap().calendars["x"].clone();
        let naive = minute_by_minute(&spec);
        let mut at = 0;
        while at < naive.len() {
            // A run of minutes that stand alike.
            let end = (at..naive.len()).find(|minute| naive[*minute] != naive[at]);
            for minute in [Some(at), end.map(|end| end - 1), Some(at + (end.unwrap_or(naive.len()) - at) / 2)].into_iter().flatten() {
                let found = calendar.situation(wall(minute));
                let found = (found.state, found.name.unwrap_or_default().to_string());
                prop_assert_eq!(&found, &naive[minute], "{} {}\n{}", wall(minute), calendar.local(wall(minute)), text);
            }
            let state = naive[at].0;
            let over = |minute: &usize| match state {
                State::Open | State::Break => naive[*minute].0 != state,
                _ => naive[*minute].0 == State::Open,
            };
            if let Some(until) = (at..naive.len()).find(over) {
                let decision = calendar.decide(wall(at), None);
                prop_assert_eq!((decision.state, decision.until), (state, Some(wall(until))), "{}\n{}", wall(at), text);
            }
            let Some(end) = end else { break };
            let change = calendar.next_change(wall(end - 1)).map(|(at, _)| at);
            prop_assert_eq!(change, Some(wall(end)), "from {}\n{}", wall(end - 1), text);
            let change = calendar.next_change(wall(at)).map(|(at, _)| at);
            prop_assert_eq!(change, Some(wall(end)), "from {}\n{}", wall(at), text);
            at = end;
        }
    }
}
