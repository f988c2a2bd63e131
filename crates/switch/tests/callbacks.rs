//! Callers who are called back: their place in line, the agent first and then they, attempts, hours, who must not be called.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acd::AgentState;
use common::{SECOND, Scene};
use ivr::Rows;
use journal::{CallbackStep, Cdr, Direction, Disposition, Kind, NoCallback, OfferOutcome, Origin, QueueExit};
use sim::{Seen, company};
use switch::control::{Request, Response, Saying};
use switch::{Asker, CallbackLine, CallbackWait, CallerId, Config, Destination, Grant, Peer, Trunk};
use yaml::{Faults, Source};

const MINUTE: Duration = Duration::from_secs(60);
const NUMBER: &str = "+4930123";

const FLOW: &str = "\
version: 1
nodes:
  wait: {queue: {name: sales, priority: 70, keys: {1: call-me}, closed: hangup}, next: hangup}
  call-me: {callback: {queue: sales, hours: office, attempts: 2, retry: 5m, except: never, refused: sorry}, next: hangup}
  sorry: {play: goodbye, next: hangup}
";

/// The clock of the simulated world begins at 10:30 in Berlin on Saturday 21 November 2026.
const HOURS: &str = "\
calendars:
  office: {zone: Europe/Berlin, week: {saturday: 09:00-10:40, sunday: 09:00-18:00}}
";

fn calendars(text: &str) -> BTreeMap<Arc<str>, Arc<hours::Calendar>> {
    hours::Hours::read(&Source::new("hours.yaml", text), &Faults::default()).unwrap().calendars
}

/// One agent, and a flow that may call in Germany.
fn with_callbacks() -> Config {
    let faults = Faults::default();
    let flows = ivr::Flows::read([("main", &Source::new("main.yaml", FLOW))], &faults);
    let said: Vec<String> = faults.into_sorted().iter().map(ToString::to_string).collect();
    let flows = flows.unwrap_or_else(|| panic!("{said:?}"));
    let never = Rows::read("tables/never.csv", b"number\n+4930666\n", &Faults::default()).unwrap();
    let mut config = Config {
        calendars: calendars(HOURS),
        flows: Arc::new(flows.with_rows([("never".into(), Arc::new(never))].into())),
        ..company()
    };
    let address = "127.0.0.3:5060".parse().unwrap();
    let to = Peer { contact: sip_message::Uri::from_address(address), address, reached_at: None, listener: None };
    let carrier = Trunk { to: Some(to.into()), caller_id: CallerId::Caller, ..Trunk::incoming("carrier", Vec::new()) };
    config.trunks.push(carrier);
    let grant = Grant {
        name: "back".into(),
        askers: [Asker::Flow("main".into())].into(),
        prefixes: vec!["+49".into()],
        trunk: "carrier".into(),
        at_once: 5,
        minutes_a_day: 100,
    };
    config.grants = [("back".into(), grant)].into();
    config.numbers =
        [("1000".into(), Destination::Flow("main".into())), ("201".into(), Destination::Queue("sales".into()))].into();
    config.queues[0].agents = vec!["101".into()];
    config.queues[0].wrap_up = SECOND;
    config
}

/// The agent talks with somebody.
fn busy() -> Scene {
    busy_in(with_callbacks())
}

fn busy_in(config: Config) -> Scene {
    let mut s = Scene::of(config);
    s.dial(s.other, "4930124", "201");
    s.answer(s.ada);
    s
}

impl Scene {
    /// Somebody waits for a while, and then wants to be called back.
    fn wants(&mut self, number: &str) {
        self.dial(self.caller, number, "1000");
        self.world.run(SECOND * 5);
        self.press('1');
        self.world.run(SECOND);
    }

    /// The agent's talk ends, and his wrap-up.
    fn is_free(&mut self) {
        self.hang_up(self.other);
        self.world.run(SECOND * 3);
    }

    fn steps(&self) -> Vec<CallbackStep> {
        let steps = self.world.journal.iter().filter_map(|event| match &event.kind {
            Kind::Callback(told) => Some(told.step.clone()),
            _ => None,
        });
        steps.collect()
    }

    fn last_step(&self) -> CallbackStep {
        self.steps().pop().unwrap()
    }

    fn rings(&mut self) -> usize {
        let carrier = self.carrier;
        self.world.at(carrier).seen.iter().filter(|seen| **seen == Seen::Rings).count()
    }

    fn attempt(&self) -> &Cdr {
        self.world.cdrs.iter().find(|cdr| cdr.direction == Direction::Outbound).unwrap()
    }

    fn say(&mut self, saying: Saying) {
        let request = Request::SetAgent { agent: "101".into(), saying, by: "ada".to_owned() };
        self.world.switch.handle_control(self.world.now, request);
        self.world.react();
    }

    fn listed(&mut self) -> Vec<CallbackLine> {
        let request = Request::Callbacks { after: None, limit: 0 };
        let Response::Callbacks(page) = self.world.switch.handle_control(self.world.now, request) else { panic!() };
        page.callbacks
    }

    fn names(&mut self) -> Vec<String> {
        self.listed().iter().map(|line| line.callback.to_string()).collect()
    }

    /// What the only one waits for.
    fn waits_for(&mut self) -> CallbackWait {
        self.listed()[0].waits_for
    }
}

#[test]
fn the_agent_is_rung_in_his_turn_and_then_he_who_waits_no_more() {
    let mut s = busy();
    s.wants(NUMBER);
    assert!(matches!(s.last_step(), CallbackStep::Promised { .. }));
    assert!(s.saw(s.caller, &Seen::Ended), "he may go");
    // Somebody else waits on the line, who came after him.
    let later = s.world.phone("127.0.0.2:5092");
    s.dial(later, "4930125", "201");
    s.world.run(SECOND * 20);
    s.is_free();
    s.answer(s.ada);
    assert!(s.saw(s.carrier, &Seen::Rings), "his number is called once the agent has answered");
    assert!(s.world.media.bridges.is_empty());
    assert!(matches!(s.agent("101"), Some(AgentState::Offered(_))));
    s.answer(s.carrier);
    assert_eq!(s.world.media.bridges.len(), 2, "they talk");
    assert!(matches!(s.agent("101"), Some(AgentState::InCall(_))));
    s.hang_up(s.carrier);
    s.world.run(SECOND);
    assert_eq!(s.last_step(), CallbackStep::Reached);
    assert_eq!(s.names(), [] as [&str; 0]);
    let cdr = s.attempt();
    assert_eq!((cdr.agent.as_deref(), cdr.queue.as_deref()), (Some("101"), Some("sales")));
    assert_eq!((cdr.disposition, cdr.to.reveal().as_str()), (Disposition::Answered, NUMBER));
    assert!(cdr.answered.is_some());
    assert!(matches!(&cdr.origin, Origin::Callback(_)) && cdr.hung_up_by == Some(journal::Party::Caller));
    assert!((25_000..40_000).contains(&cdr.wait_ms), "since he joined: {}", cdr.wait_ms);
    s.world.run(SECOND * 3);
    assert!(s.saw(s.ada, &Seen::Rings), "then the other one");
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn his_place_is_that_of_when_he_came_not_of_when_he_asked() {
    let mut s = busy();
    s.dial(s.caller, NUMBER, "1000");
    let leg = s.world.caller_leg();
    let later = s.world.phone("127.0.0.2:5092");
    s.dial(later, "4930125", "1000");
    s.world.run(SECOND * 5);
    s.world.press(leg, '1');
    s.world.run(SECOND);
    s.is_free();
    s.answer(s.ada);
    assert!(s.saw(s.carrier, &Seen::Rings) && s.world.media.bridges.is_empty());
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn the_longest_wait_of_the_queue_ends_no_callback() {
    let mut config = with_callbacks();
    config.queues[0].max_wait = Some(SECOND * 20);
    let mut s = Scene::of(config);
    s.dial(s.other, "4930124", "201");
    s.answer(s.ada);
    s.wants(NUMBER);
    s.world.run(SECOND * 22);
    assert_eq!(s.waits_for(), CallbackWait::Turn);
}

#[test]
fn who_is_not_reached_is_tried_again_as_often_as_was_promised_and_the_agent_is_free_at_once() {
    let mut s = busy();
    s.wants(NUMBER);
    s.is_free();
    s.answer(s.ada);
    s.world.with_phone(s.carrier, |phone, now| phone.refuse(now, 486));
    s.world.run(SECOND);
    assert_eq!(s.last_step(), CallbackStep::Missed { left: 1 });
    assert!(s.saw(s.ada, &Seen::Ended));
    assert_eq!(s.agent("101"), Some(AgentState::Idle), "no wrap-up, no rest");
    let left = s.world.last(|kind| match kind {
        Kind::QueueLeft { why, .. } => Some(*why),
        _ => None,
    });
    assert_eq!(left, QueueExit::NotReached);
    s.world.run(MINUTE * 4);
    assert_eq!(s.waits_for(), CallbackWait::Time);
    assert_eq!(s.steps().iter().filter(|step| **step == CallbackStep::Begun).count(), 1);
    s.world.run(MINUTE * 2);
    s.answer(s.ada);
    // This time he lets it ring.
    s.world.run(SECOND * 46);
    assert_eq!(s.last_step(), CallbackStep::Missed { left: 0 });
    assert_eq!((s.agent("101"), s.names().len()), (Some(AgentState::Idle), 0));
    s.world.run(MINUTE * 20);
    assert_eq!(s.steps().iter().filter(|step| **step == CallbackStep::Begun).count(), 2);
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn an_agent_who_does_not_answer_costs_no_attempt() {
    let mut s = busy();
    s.wants(NUMBER);
    s.is_free();
    s.world.with_phone(s.ada, |phone, now| phone.refuse(now, 603));
    s.world.run(SECOND * 40);
    assert_eq!(s.rings(), 0);
    assert!(s.saw(s.ada, &Seen::Rings), "he is rung again");
    s.answer(s.ada);
    assert!(s.saw(s.carrier, &Seen::Rings));
    // And one who hangs up while it rings ends the attempt, which is made again later.
    s.hang_up(s.ada);
    s.world.run(SECOND);
    assert!(s.saw(s.carrier, &Seen::Cancelled));
    assert_eq!(s.last_step(), CallbackStep::Missed { left: 2 });
    s.world.run(MINUTE * 4);
    assert_eq!(s.steps().iter().filter(|step| **step == CallbackStep::Begun).count(), 1);
    s.world.run(MINUTE * 2);
    assert_eq!(s.steps().iter().filter(|step| **step == CallbackStep::Begun).count(), 2);
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn agents_who_always_hang_up_while_it_rings_do_not_make_his_phone_ring_without_end() {
    let mut s = busy_in(Config { calendars: calendars(&HOURS.replace("10:40", "18:00")), ..with_callbacks() });
    s.wants(NUMBER);
    s.is_free();
    for left in [2, 2, 2, 1, 0] {
        let rung = (0..60).any(|_| {
            s.world.run(SECOND * 10);
            matches!(s.agent("101"), Some(AgentState::Offered(_)))
        });
        assert!(rung, "{left}");
        s.answer(s.ada);
        s.hang_up(s.ada);
        s.world.run(SECOND);
        assert_eq!(s.last_step(), CallbackStep::Missed { left });
    }
    s.world.run(MINUTE * 10);
    assert_eq!((s.names().len(), s.rings()), (0, 5), "given up");
    assert_eq!(s.world.breaches(), []);
}

/// Her phone dies, which shows by her silence.
fn ada_dies(s: &mut Scene) {
    let media = s.world.at(s.ada).media();
    let leg = s.world.media.leg_to(media).unwrap();
    s.world.unplug(s.ada);
    s.world.silence(leg);
    s.world.run(SECOND);
}

#[test]
fn an_agent_who_is_lost_while_it_rings_costs_no_attempt() {
    let mut s = busy();
    s.wants(NUMBER);
    s.is_free();
    s.answer(s.ada);
    assert!(s.saw(s.carrier, &Seen::Rings));
    ada_dies(&mut s);
    assert!(s.saw(s.carrier, &Seen::Cancelled));
    assert_eq!(s.last_step(), CallbackStep::Missed { left: 2 });
}

#[test]
fn whom_a_lost_agent_leaves_in_mid_call_is_called_again_in_his_turn() {
    let mut s = busy();
    s.wants(NUMBER);
    s.is_free();
    for attempt in 1..=4 {
        let rung = (0..60).any(|_| {
            s.world.run(SECOND * 10);
            matches!(s.agent("101"), Some(AgentState::Offered(_)))
        });
        assert!(rung, "{attempt}");
        s.answer(s.ada);
        s.world.run(SECOND);
        s.answer(s.carrier);
        s.world.run(SECOND * 5);
        ada_dies(&mut s);
        assert!(s.saw(s.carrier, &Seen::Ended));
        // With the fourth it is enough.
        assert_eq!(s.last_step(), if attempt < 4 { CallbackStep::Cut } else { CallbackStep::Reached });
        assert_eq!(s.agent("101"), Some(AgentState::Resting));
        s.world.add_phone(s.ada);
    }
    s.world.run(MINUTE * 10);
    assert_eq!((s.names().len(), s.rings()), (0, 4));
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn no_more_are_called_than_agents_have_answered() {
    let mut s = busy();
    s.wants(NUMBER);
    s.wants("+4930222");
    assert_eq!(s.names().len(), 2);
    s.is_free();
    s.answer(s.ada);
    s.world.run(SECOND * 5);
    assert_eq!(s.rings(), 1, "the agent is one");
    assert_eq!(s.steps().iter().filter(|step| **step == CallbackStep::Begun).count(), 1);
    s.answer(s.carrier);
    s.hang_up(s.ada);
    s.world.run(SECOND * 3);
    s.answer(s.ada);
    assert_eq!(s.rings(), 2);
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn who_must_not_or_cannot_be_called_is_told_so() {
    for (number, why) in [
        ("+4930666", NoCallback::Barred),
        ("+33123", NoCallback::NoGrant),
        ("anonymous", NoCallback::NoNumber),
        ("1000", NoCallback::NoNumber),
    ] {
        let mut s = busy();
        s.wants(number);
        assert_eq!(s.last_step(), CallbackStep::Refused { why }, "{number}");
        assert_eq!(s.names().len(), 0);
        let node = s.world.last(|kind| match kind {
            Kind::NodeEntered { node, .. } => Some(node.to_string()),
            _ => None,
        });
        assert_eq!(node, "sorry");
    }
}

#[test]
fn who_asks_twice_is_promised_it_once() {
    let mut s = busy();
    s.wants(NUMBER);
    let first = s.names();
    s.wants(NUMBER);
    assert!(matches!(s.last_step(), CallbackStep::Promised { .. }));
    assert_eq!(s.names(), first);
}

#[test]
fn nobody_is_called_out_of_hours_and_everybody_after_them() {
    let mut s = busy();
    s.wants(NUMBER);
    s.world.run(MINUTE * 11);
    s.is_free();
    s.world.run(MINUTE);
    assert_eq!((s.rings(), s.agent("101")), (0, Some(AgentState::Idle)), "it is past 10:40");
    assert_eq!(s.waits_for(), CallbackWait::Hours);
    // Sunday, shortly before 9 o'clock.
    s.world.run(Duration::from_secs(22 * 3600 + 15 * 60));
    assert!(!s.steps().contains(&CallbackStep::Begun));
    for _ in 0..600 {
        if s.steps().contains(&CallbackStep::Begun) {
            break;
        }
        s.world.run(SECOND);
    }
    s.answer(s.ada);
    assert_eq!(s.rings(), 1);
    s.answer(s.carrier);
    s.hang_up(s.carrier);
    s.world.run(SECOND);
    assert_eq!(s.last_step(), CallbackStep::Reached);
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn a_promise_outlives_a_restart_with_its_place() {
    let mut s = busy();
    s.wants(NUMBER);
    s.wants("+4930222");
    let names = s.names();
    // The agent goes home, and comes after the restart.
    s.say(Saying::Logout);
    s.is_free();
    s.world.restart();
    assert_eq!(s.names(), names);
    s.world.run(SECOND);
    assert_eq!(s.waits_for(), CallbackWait::Queue, "nobody serves it");
    let offers = |s: &Scene| s.world.count(|kind| matches!(kind, Kind::OfferMade(_)));
    let before = offers(&s);
    s.say(Saying::Login);
    for _ in 0..90 {
        if offers(&s) > before {
            break;
        }
        s.world.run(SECOND);
    }
    s.answer(s.ada);
    let called = s.world.last(|kind| match kind {
        Kind::LegBegan { role: journal::LegRole::Outside(outside), .. } => Some(outside.number.reveal().clone()),
        _ => None,
    });
    assert_eq!(called, NUMBER, "who came first");
    s.wants("+4930222");
    assert_eq!(s.names(), names, "he has been promised it before");
}

#[test]
fn an_operator_takes_one_back() {
    let mut s = busy();
    s.wants(NUMBER);
    let name = s.names().remove(0);
    let cancel = |name: &str| Request::CancelCallback { callback: name.into(), by: "ada".to_owned() };
    assert_eq!(s.world.switch.handle_control(s.world.now, cancel("c1")), Response::NoSuchCallback);
    assert_eq!(s.world.switch.handle_control(s.world.now, cancel(&name)), Response::Cancelled);
    s.world.react();
    assert_eq!(s.last_step(), CallbackStep::Cancelled { by: "ada".to_owned() });
    s.is_free();
    s.world.run(MINUTE * 2);
    assert_eq!((s.names().len(), s.rings(), s.agent("101")), (0, 0, Some(AgentState::Idle)));
    let offers =
        s.world.count(|kind| matches!(kind, Kind::OfferEnded(ended) if ended.outcome == OfferOutcome::NoAnswer));
    assert_eq!(offers, 0);
    // Who asks again is promised it anew.
    s.say(Saying::Pause { reason: "lunch".into() });
    s.wants(NUMBER);
    assert_eq!(s.names().len(), 1);
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn whom_a_new_table_or_grant_bars_is_called_no_more() {
    let mut s = busy();
    s.wants(NUMBER);
    let mut config = with_callbacks();
    let never = Rows::read("tables/never.csv", format!("number\n{NUMBER}\n").as_bytes(), &Faults::default()).unwrap();
    let flows = Arc::try_unwrap(config.flows).expect("nobody else has them");
    config.flows = Arc::new(flows.with_rows([("never".into(), Arc::new(never))].into()));
    s.world.reconfigure(config);
    s.is_free();
    s.world.run(MINUTE * 2);
    assert_eq!((s.last_step(), s.rings(), s.names().len()), (CallbackStep::Barred, 0, 0));
    assert_eq!(s.world.breaches(), []);
}
