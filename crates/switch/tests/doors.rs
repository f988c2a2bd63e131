//! Queues with hours: who comes when they are closed, and who waits when they close.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{SECOND, Scene};
use journal::{Kind, QueueExit};
use sim::{Seen, company};
use switch::control::{Request, Saying};
use switch::{Config, Destination, QueueHours};
use yaml::{Faults, Source};

const FLOW: &str = "\
version: 1
nodes:
  wait: {queue: {name: sales, closed: closed, no_agents: hangup}, next: hangup}
  closed: {play: goodbye, next: hangup}
";

/// The clock of the simulated world begins at 10:30 in Berlin on Saturday 21 November 2026.
const HOURS: &str = "\
switches: {evacuation: The building is empty}
calendars:
  office:
    zone: Europe/Berlin
    week: {saturday: 09:00-10:32}
    emergency: evacuation
";

fn open_until_10_32(clears: bool) -> Config {
    let faults = Faults::default();
    let hours = hours::Hours::read(&Source::new("hours.yaml", HOURS), &faults).unwrap();
    let source = Source::new("main.yaml", FLOW);
    let flows = ivr::Flows::read([("main", &source)], &faults).unwrap();
    assert!(faults.is_empty());
    let numbers = [("1000", Destination::Flow("main".into())), ("201", Destination::Queue("sales".into()))];
    let numbers = numbers.map(|(number, to)| (number.into(), to)).into();
    let mut config =
        Config { calendars: hours.calendars, switches: hours.switches, flows: Arc::new(flows), numbers, ..company() };
    config.queues.iter_mut().for_each(|queue| queue.max_wait = None);
    config.duties.breaks = [("lunch".into(), 1)].into();
    let calendar = "office".into();
    config.waiting.values_mut().for_each(|waiting| {
        waiting.hours = Some(QueueHours { calendar: Arc::clone(&calendar), clears });
    });
    config
}

impl Scene {
    fn turn(&mut self, on: bool) {
        let (reason, by) = ("fire drill".to_owned(), "ada".to_owned());
        self.world.switch.handle_control(self.world.now, Request::Turn { switch: "evacuation".into(), on, reason, by });
        self.world.react();
    }

    fn exits(&self) -> Vec<QueueExit> {
        let exits = self.world.journal.iter().filter_map(|event| match event.kind {
            Kind::QueueLeft { why, .. } => Some(why),
            _ => None,
        });
        exits.collect()
    }

    fn why(&self) -> String {
        self.world.last(|kind| match kind {
            Kind::Hours { why, .. } => Some(why.clone()),
            _ => None,
        })
    }

    fn hears_goodbye(&self) -> bool {
        let heard = self.world.last(|kind| match kind {
            Kind::Play { items, .. } => Some(items.join("+")),
            _ => None,
        });
        heard == "goodbye"
    }
}

#[test]
fn who_comes_after_hours_is_told_so_and_who_waits_is_served() {
    let mut s = Scene::of(open_until_10_32(false));
    s.call("1000");
    assert!(s.saw(s.ada, &Seen::Rings));
    s.world.run(Duration::from_secs(125));
    assert_eq!(s.exits(), [], "he waits on");
    s.dial(s.other, "4930124", "1000");
    assert_eq!(s.exits(), [QueueExit::Closed]);
    assert!(s.hears_goodbye());
    assert_eq!(s.why(), "closed until 28 Nov 09:00");
    s.world.finish_play(s.world.caller_leg());
    s.world.run(Duration::from_secs(20));
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn who_waits_leaves_when_the_queue_closes_if_it_wants_it_so() {
    let mut s = Scene::of(open_until_10_32(true));
    for agent in ["101", "102"] {
        let saying = Saying::Pause { reason: "lunch".into() };
        let request = Request::SetAgent { agent: agent.into(), saying, by: "ada".to_owned() };
        s.world.switch.handle_control(s.world.now, request);
    }
    s.call("1000");
    s.world.run(Duration::from_secs(117));
    assert_eq!(s.exits(), [], "two minutes are not over");
    s.world.run(SECOND * 3);
    assert_eq!((s.exits(), s.why().as_str()), (vec![QueueExit::Closed], "closed until 28 Nov 09:00"));
    assert!(s.hears_goodbye());
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn who_waits_leaves_as_the_emergency_switch_is_turned_though_nothing_else_happens() {
    let mut s = Scene::of(open_until_10_32(true));
    s.call("1000");
    for who in [s.ada, s.alan] {
        s.world.with_phone(who, |phone, now| phone.refuse(now, 603));
        s.world.run(SECOND);
    }
    assert_eq!(s.exits(), [], "nobody is rung");
    s.turn(true);
    assert_eq!(s.exits(), [QueueExit::Closed]);
    assert!(s.hears_goodbye());
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn an_emergency_switch_closes_the_queue_at_once_and_opens_it_again() {
    let mut s = Scene::of(open_until_10_32(true));
    s.call("1000");
    s.answer(s.ada);
    s.dial(s.other, "4930124", "1000");
    assert!(s.saw(s.alan, &Seen::Rings));
    s.turn(true);
    s.world.run(SECOND);
    assert_eq!(s.exits(), [QueueExit::Answered], "a phone that rings may still be answered");
    s.world.with_phone(s.alan, |phone, now| phone.refuse(now, 603));
    s.world.run(SECOND);
    assert_eq!(s.exits(), [QueueExit::Answered, QueueExit::Closed]);
    assert_eq!(s.why(), "closed: emergency switch evacuation: fire drill");
    assert_eq!(s.world.media.bridges.len(), 2, "who talks talks on");
    // By its number, without a flow.
    s.hang_up(s.other);
    s.world.run(SECOND);
    s.dial(s.other, "4930124", "201");
    assert_eq!(s.exits().last(), Some(&QueueExit::Closed));
    assert!(s.saw(s.other, &Seen::Ended));
    s.turn(false);
    s.world.run(Duration::from_secs(10));
    s.dial(s.other, "4930124", "201");
    assert_eq!(s.exits().len(), 3, "it is open");
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn a_reload_opens_and_closes_queues() {
    let mut config = open_until_10_32(true);
    config.waiting.values_mut().for_each(|waiting| waiting.hours = None);
    let mut s = Scene::of(config.clone());
    s.call("1000");
    s.world.run(Duration::from_secs(125));
    assert_eq!(s.exits(), []);
    s.world.reconfigure(open_until_10_32(true));
    s.world.run(SECOND);
    assert_eq!(s.exits(), [], "he is rung for");
    s.world.run(Duration::from_secs(30));
    assert_eq!(s.exits(), [QueueExit::Closed]);
    s.world.reconfigure(config);
    s.dial(s.other, "4930124", "1000");
    assert_eq!(s.exits().len(), 1, "it is open");
    assert_eq!(s.world.breaches(), []);
}
