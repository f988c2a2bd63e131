//! Scenarios of centres as files: what is read, what is refused and how that is said, and what is made of the outcome.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

use std::time::Duration;

use journal::kpi::Figures;
use sim::{Arrivals, Centre, CentreFile, Fault, Load, Spread, bare_company, is_centre};

const FILE: &str = "\
version: 1
about: A <short> morning
config: company
seed: 3
begin: 2026-11-26T08:00
length: 2h
calls:
  sales:
    number: 200
    rate: { 8:00: 60, 9:00: 0 }
    patience: { exponential: 3m }
    talk: { lognormal: 2m, deviation: 1m }
  twice:
    number: 200
    at: [0s, 90m, 90m]
    talk: 10s
    keys: [{ after: 1s, press: 5 }]
agents:
  - users: [ada]
    shifts: [7:30-9:45]
    breaks: [8:15-8:30]
    ignores: 10
  - queue: q
    answers_after: { exponential: 4s }
faults:
  phones_die: { every: 20m, for: 1m }
  reloads: { every: 30m }
  decisions_err: 200
check: 1s
";

fn company() -> switch::Config {
    bare_company(&[("200", "q", ["ada", "bob", "cy"].map(str::to_owned).into())])
}

fn load(text: &str) -> Result<Load, String> {
    assert!(is_centre("day.yaml", text.as_bytes()));
    CentreFile::from_bytes("day.yaml", text.as_bytes())?.load(&company())
}

#[test]
fn a_file_says_who_calls_who_works_and_what_goes_wrong() {
    let load = load(FILE).unwrap();
    assert_eq!((load.seed, load.clock), (3, Duration::from_secs(8 * 3_600)));
    assert_eq!(load.begin.to_string(), "2026-11-26T08:00:00.000Z");
    assert_eq!(
        load.streams[0].arrivals,
        Arrivals::Rate(vec![(load.clock, 60.0), (Duration::from_secs(9 * 3_600), 0.0)])
    );
    let minute = Duration::from_secs(60);
    assert_eq!(load.streams[0].talk, Spread::Lognormal { mean: 2 * minute, deviation: minute });
    assert_eq!(load.streams[1].patience, Spread::Endless);
    let Arrivals::At(times) = &load.streams[1].arrivals else { panic!("{:?}", load.streams[1]) };
    assert_eq!(times.len(), 3);
    assert!(times.windows(2).all(|two| two[0] < two[1]), "two that come at once are two calls: {times:?}");
    let users: Vec<Vec<&str>> = load.teams.iter().map(|team| team.users.iter().map(String::as_str).collect()).collect();
    assert_eq!(users, [vec!["ada"], vec!["bob", "cy"]]);
    assert!(load.faults.iter().any(|(_, fault)| matches!(fault, Fault::PhoneDies(0..=2, _))), "{:?}", load.faults);
    assert!(load.faults.is_sorted_by_key(|(at, _)| *at));
    assert_eq!(load.errs, 200);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_remedy() {
    for (right, wrong, told) in [
        ("seed: 3", "sed: 3", "day.yaml:4:1: error: unknown key `sed` in a centre's scenario"),
        ("    number: 200\n    rate", "    rate", "`number` is missing in calls"),
        (
            "number: 200\n    rate",
            "number: 20\n    rate",
            "day.yaml:9:13: error: nothing is reached by the number `20`",
        ),
        ("    at: [0s, 90m, 90m]\n", "", "calls needs one of"),
        ("at: [0s, 90m, 90m]", "at: [90m, 0s]", "this call is earlier than the one before it"),
        ("9:00: 0", "7:00: 0", "this time is not after the one before it"),
        ("9:00: 0", "9.00: 0", "`9.00` is no time of day"),
        ("{ exponential: 3m }", "{ exponential: 3m, deviation: 1m }", "`deviation` belongs to `lognormal`"),
        (", deviation: 1m", "", "`deviation` is missing in a distribution"),
        ("[7:30-9:45]", "[7:30-7:30]", "`7:30-7:30` is no part of a day"),
        ("press: 5", "press: 55", "`55` is no key"),
        ("users: [ada]", "users: [eva]", "day.yaml:19:13: error: `eva` serves no queue"),
        ("users: [ada]", "users: [ada, ada]", "`ada` works twice"),
        ("users: [ada]", "users: [ada, bob, cy]", "nobody of the queue `q` is left"),
        ("queue: q\n", "queue: r\n", "there is no queue `r`"),
        ("ignores: 10", "ignores: 90\n    declines: 20", "more than 100 together"),
        ("every: 30m", "every: 30", "a duration has a unit"),
        (", for: 1m", "", "`for` is missing in a fault"),
        ("2026-11-26T08:00", "26.11.2026", "`26.11.2026` is no time"),
        ("decisions_err: 200", "decisions_err: 2000", "a whole number from 0 to 1000"),
        ("version: 1", "version: 2", "day.yaml:1:10"),
    ] {
        let text = FILE.replacen(right, wrong, 1);
        assert_ne!(text, FILE, "{right}");
        let said = load(&text).expect_err(told);
        assert!(said.contains(told) && said.contains("day.yaml:"), "{wrong}: {said}");
    }
    assert!(!is_centre("a.yaml", b"version: 1\nabout: x\nphones: {}\ntimeline: []\n"));
}

#[test]
fn who_is_on_a_break_is_offered_nothing_and_is_not_counted_as_there() {
    let text =
        FILE.replace("  - queue: q\n    answers_after: { exponential: 4s }\n", "").replace("    ignores: 10\n", "");
    let text =
        text.split("faults:").next().unwrap().replace("[7:30-9:45]", "[8:00-9:45]").replace("8:15-8:30", "8:15-9:15");
    let outcome = Centre::play(load(&text).unwrap(), company());
    assert!(outcome.breaches.is_empty(), "{:?}", outcome.breaches);
    // From 8:00 to 9:45, but for an hour of break: 15 minutes in the first hour, 30 in the second.
    let here: Vec<u64> = outcome.tally.hours.iter().map(|hour| (hour.staffed_ms + 500) / 60_000).collect();
    assert_eq!(here, [15, 30], "{:?}", outcome.tally.hours);
    // Who comes in the break waits for its end, or gives up: nobody turns him away, as ada is there.
    let first = &outcome.tally.hours[0];
    assert!(first.others() == 0 && first.abandoned > 10 && first.answered > 0, "{first:?}");
}

#[test]
fn what_came_of_it_is_told_in_lines_and_as_a_page_of_its_own() {
    let outcome = Centre::play(load(FILE).unwrap(), company());
    assert!(outcome.breaches.is_empty(), "{:?}", outcome.breaches);
    let all = &outcome.tally.all;
    assert!(all.answered > 10, "{all:?}");
    assert_eq!(all.offered, all.answered + all.abandoned + all.others(), "nobody is counted twice or not at all");
    let mut hours = Figures::default();
    outcome.tally.hours.iter().for_each(|hour| hours.add(hour));
    assert_eq!(hours, *all, "a day is the sum of its hours");
    let of_agents =
        Figures { staffed_ms: all.staffed_ms, busy_ms: all.busy_ms, break_ms: all.break_ms, ..Figures::default() };
    hours = outcome.tally.queues["q"];
    hours.add(&of_agents);
    assert_eq!(hours, *all, "the calls of its one queue, and the time of its agents");
    let said = outcome.summary();
    assert!(said.contains("\n08:00 ") && said.contains("\n09:00 ") && said.contains("offers: "), "{said}");
    assert!(outcome.tally.fallbacks > 0 && said.contains("by the fallback"), "decisions err: {said}");
    let page = outcome.html("A <short> morning", 3);
    assert!(page.contains("<title>A &lt;short&gt; morning</title>") && page.matches("<svg").count() == 4, "{page}");
    assert!(!page.contains("http") && !page.contains("<script") && !page.contains("NaN"), "it loads nothing: {page}");
    // The same seed gives the same day, another one another.
    let again = Centre::play(load(FILE).unwrap(), company());
    assert_eq!((again.messages, again.summary()), (outcome.messages, said));
    let never = load(&FILE.replace("decisions_err: 200", "decisions_err: 0")).unwrap();
    assert_eq!(Centre::play(never, company()).tally.fallbacks, 0);
    let other = CentreFile::from_bytes("day.yaml", FILE.as_bytes()).unwrap().with_seed(4).load(&company()).unwrap();
    assert_ne!(Centre::play(other, company()).messages, outcome.messages);
}
