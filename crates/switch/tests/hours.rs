//! Flows that ask calendars, and the switch that people turn in the middle of a day.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is test code")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{SECOND, Scene};
use journal::Kind;
use sim::company;
use switch::control::{Request, Response, Status, SwitchState};
use switch::{Config, Destination};
use yaml::{Faults, Source};

const FLOW: &str = "\
version: 1
nodes:
  start:
    hours: {calendar: office, open: open, closed: closed, break: {prompt: closed, next: start}, emergency: emergency}
  open: {play: welcome, next: start}
  closed: {play: goodbye, next: hangup}
  emergency: {play: music, next: hangup}
";

/// The clock of the simulated world begins at 10:30 in Berlin on Saturday 21 November 2026.
const HOURS: &str = "\
switches: {evacuation: The building is empty, flood: Water}
calendars:
  office:
    zone: Europe/Berlin
    week: {saturday: 09:00-18:00}
    emergency: [evacuation, flood]
  other: {zone: Europe/Berlin, week: {monday: 09:00-18:00}}
";

fn with_hours(text: &str) -> Config {
    let faults = Faults::default();
    let hours = hours::Hours::read(&Source::new("hours.yaml", text), &faults).unwrap();
    let source = Source::new("main.yaml", FLOW);
    let flows = ivr::Flows::read([("main", &source)], &faults).unwrap();
    assert!(faults.is_empty());
    Config {
        calendars: hours.calendars,
        switches: hours.switches,
        flows: Arc::new(flows),
        numbers: [("1000".into(), Destination::Flow("main".into()))].into(),
        ..company()
    }
}

impl Scene {
    fn ask(&mut self, request: Request) -> Response {
        let response = self.world.switch.handle_control(self.world.now, request);
        self.world.react();
        response
    }

    fn turn(&mut self, switch: &str, on: bool) -> Response {
        let (reason, by) = ("fire drill".to_owned(), "ada (uid 0)".to_owned());
        self.ask(Request::Turn { switch: switch.into(), on, reason, by })
    }

    fn status(&mut self) -> Status {
        let Response::Status(status) = self.ask(Request::Status) else { panic!("no status") };
        status
    }

    /// What was said of the calendar that was asked last.
    fn told(&self) -> (String, String) {
        self.world.last(|kind| match kind {
            Kind::Hours { calendar, state, why } if **calendar == *"office" => Some((state.to_string(), why.clone())),
            _ => None,
        })
    }

    fn heard(&self) -> String {
        self.world.last(|kind| match kind {
            Kind::Play { items, .. } => Some(items.join("+")),
            _ => None,
        })
    }
}

fn two(state: &str, why: &str) -> (String, String) {
    (state.to_owned(), why.to_owned())
}

#[test]
fn the_calendar_decides_and_the_journal_says_why() {
    let mut s = Scene::of(with_hours(HOURS));
    s.call("1000");
    assert_eq!(s.told(), two("open", "open until 18:00"));
    assert_eq!(s.heard(), "welcome");
    // In the night the clock is put past the end.
    s.world.run(Duration::from_secs(8 * 3600));
    s.dial(s.other, "4930124", "1000");
    assert_eq!(s.told(), two("closed", "closed until 28 Nov 09:00"));
    assert_eq!(s.heard(), "goodbye");
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn an_emergency_in_mid_day_meets_the_next_caller_and_who_comes_to_the_calendar_again() {
    let mut s = Scene::of(with_hours(HOURS));
    s.call("1000");
    assert_eq!(s.heard(), "welcome");
    let first = s.world.caller_leg();
    let Response::Turned(state) = s.turn("flood", true) else { panic!("turned") };
    assert_eq!((state.on, &*state.means, state.closes.len()), (true, "Water", 1));
    s.dial(s.other, "4930124", "1000");
    assert_eq!(s.told(), two("emergency", "closed: emergency switch flood: fire drill"));
    assert_eq!(s.heard(), "music");
    // The first caller hears his prompt to the end, and then meets it, too.
    let count = |s: &Scene| s.world.count(|kind| matches!(kind, Kind::Hours { state, .. } if **state == *"emergency"));
    assert_eq!(count(&s), 1);
    let second = s.world.caller_leg();
    s.world.finish_play(first);
    assert_eq!((count(&s), s.heard().as_str()), (2, "music"));
    for leg in [first, second] {
        s.world.finish_play(leg);
    }
    s.world.run(SECOND);
    let turned = s.world.last(|kind| match kind {
        Kind::Turned { switch, on, by, reason } => Some((switch.to_string(), *on, by.clone(), reason.clone())),
        _ => None,
    });
    assert_eq!(turned, ("flood".to_owned(), true, "ada (uid 0)".to_owned(), "fire drill".to_owned()));
    assert!(matches!(s.turn("flood", false), Response::Turned(SwitchState { on: false, .. })));
    s.dial(s.caller, "4930123", "1000");
    assert_eq!(s.told().0, "open");
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn switches_stand_as_they_were_turned_over_a_restart_and_a_reload() {
    let mut s = Scene::of(with_hours(HOURS));
    let Response::NoSuchSwitch { known } = s.turn("floods", true) else { panic!("there is none") };
    assert_eq!(known, ["evacuation".into(), "flood".into()]);
    s.turn("evacuation", true);
    s.world.restart();
    let states = s.status().switches;
    assert_eq!((states.len(), states[0].on, states[1].on, states[1].since), (2, true, false, None));
    assert_eq!((states[0].by.as_str(), states[0].reason.as_str()), ("ada (uid 0)", "fire drill"));
    s.call("1000");
    assert_eq!(s.told().0, "emergency");
    // By mistake its calendar is gone for a while, and the switch; the flow is answered all the same.
    s.world.reconfigure(with_hours("calendars: {other: {zone: Europe/Berlin, week: {monday: 09:00-18:00}}}\n"));
    assert_eq!(s.status().switches, []);
    s.dial(s.other, "4930124", "1000");
    assert_eq!(s.told(), two("closed", "closed: there is no calendar office any more"));
    s.world.reconfigure(with_hours(HOURS));
    assert!(s.status().switches[0].on);
    s.world.run(SECOND);
    s.world.run(Duration::from_secs(60));
    s.call("1000");
    assert_eq!(s.told().0, "emergency");
    assert_eq!(s.world.breaches(), []);
}
