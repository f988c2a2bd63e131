//! A flow sends its caller on.

use super::*;

const FLOW: &str = "
version: 1
nodes:
  main:
    menu: {prompt: p, keys: {1: user, 2: queue, 3: flow, 4: outside, 5: round, 6: empty, 7: hide}, exhausted: hangup}
  user:
    record: start
    next: bob
  bob:
    transfer: {user: 105, ring_time: 10s, busy: {prompt: busy, next: main}, failed: sorry}
  queue:
    transfer: {number: \"201\", failed: sorry}
  flow:
    set: {known: \"true\"}
    next: other
  other:
    transfer: {number: \"1001\", failed: sorry}
  outside:
    transfer: {number: \"+4930777\", failed: sorry}
  round:
    transfer: {number: \"1002\", failed: sorry}
  empty:
    transfer: {number: \"202\", failed: sorry}
  hide:
    record: start
    next: mask
  mask:
    record: mask
    next: queue
  sorry:
    play: sorry
    next: main
";
const OTHER: &str = "
version: 1
nodes:
  hello:
    play: hello
    next: hangup
";
/// It leads to its own number.
const ROUND: &str = "
version: 1
nodes:
  again:
    transfer: {number: \"1002\", failed: {prompt: lost, next: hangup}}
";

fn flows() -> Scene {
    let mut config = with_carrier();
    config.trunks[0].transfers = true;
    let faults = yaml::Faults::default();
    let sources = [("main", FLOW), ("other", OTHER), ("round", ROUND)]
        .map(|(name, text)| (name, yaml::Source::new(format!("{name}.yaml"), text)));
    config.flows = ivr::Flows::read(sources.iter().map(|(name, source)| (*name, source)), &faults).unwrap().into();
    config.queues.push(acd::QueueConfig::new("empty", vec!["103".into()]));
    config.numbers.insert("202".into(), switch::Destination::Queue("empty".into()));
    for (number, flow) in [("1000", "main"), ("1001", "other"), ("1002", "round")] {
        config.numbers.insert(number.into(), switch::Destination::Flow(flow.into()));
    }
    let mut s = with(config);
    s.call("1000");
    s
}

fn of(flow: &str) -> Asker {
    Asker::Flow(flow.into())
}

impl Scene {
    /// The caller hears what plays to its end.
    fn hears_all(&mut self) {
        let caller = self.world.caller_leg();
        self.world.finish_play(caller);
        self.world.run(SECOND);
    }

    fn entered(&self) -> Vec<String> {
        let node = |event: &journal::Event| match &event.kind {
            Kind::NodeEntered { flow, node } => Some(format!("{flow}/{node}")),
            _ => None,
        };
        self.world.journal.iter().filter_map(node).collect()
    }
}

#[test]
fn a_caller_who_is_sent_to_a_user_has_left_his_flow() {
    let mut s = flows();
    s.press('1');
    let caller = s.world.caller_leg();
    assert!(s.saw(bob(), &Seen::Rings) && s.world.media.plays.contains_key(&caller), "he hears that it rings");
    s.sound();
    s.answer(bob());
    assert!(s.hear(s.caller, bob()));
    assert_eq!(s.transfers(), [(of("main"), TransferKind::Blind, "105".to_owned())]);
    s.press('1');
    s.hang_up(bob());
    assert!(s.saw(s.caller, &Seen::Ended));
    let cdr = s.end();
    assert_eq!((cdr.agent.as_deref(), cdr.transfers.len(), cdr.recordings.len()), (Some("105"), 1, 1));
    assert_eq!(s.entered(), ["main/main", "main/user", "main/bob"], "nobody came back");
}

#[test]
fn if_nobody_answers_he_goes_where_the_outcome_leads() {
    for (status, node) in [(486, "main/main"), (603, "main/sorry"), (480, "main/sorry"), (0, "main/sorry")] {
        let mut s = flows();
        s.press('1');
        match status {
            0 => s.world.run(11 * SECOND),
            status => s.world.with_phone(bob(), |phone, now| phone.refuse(now, status)),
        }
        s.world.run(SECOND);
        s.hears_all();
        assert_eq!(s.entered().get(3).map(String::as_str), Some(node), "{status}");
        assert_eq!((s.transfers(), s.failures().len()), (vec![], 1));
        s.sound();
        s.hang_up(s.caller);
        s.end();
    }
}

#[test]
fn a_number_of_a_queue_or_a_flow_takes_him_at_once() {
    let mut s = flows();
    s.press('2');
    s.answer(s.ada);
    assert!(s.hear(s.caller, s.ada));
    assert_eq!(s.transfers(), [(of("main"), TransferKind::Blind, "201".to_owned())]);
    s.hang_up(s.ada);
    let cdr = s.end();
    assert_eq!((cdr.queue.as_deref(), cdr.agent.as_deref()), (Some("sales"), Some("101")));

    let mut s = flows();
    s.press('3');
    s.hears_all();
    assert!(s.saw(s.caller, &Seen::Ended), "that flow has said all it has to say");
    assert_eq!(s.entered(), ["main/main", "main/flow", "main/other", "other/hello"]);
    s.end();
}

#[test]
fn a_queue_that_nobody_serves_takes_nobody() {
    let mut s = flows();
    s.press('6');
    assert_eq!((s.transfers(), s.failures()), (vec![], vec![480]));
    assert_eq!(s.entered()[1..], ["main/empty", "main/sorry"]);
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn outside_he_goes_by_a_grant_of_the_flow_alone() {
    let mut s = flows();
    s.press('4');
    assert!(!s.saw(s.carrier, &Seen::Rings));
    assert_eq!(s.failures().len(), 1);
    assert!(s.entered().ends_with(&["main/sorry".to_owned()]), "{:?}", s.entered());
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn numbers_that_lead_round_come_to_an_end() {
    let mut s = flows();
    s.press('5');
    assert_eq!((s.transfers().len(), s.failures()), (16, vec![482]));
    s.hears_all();
    assert!(s.saw(s.caller, &Seen::Ended), "he was told, and his flow went on");
    s.end();
}

#[test]
fn what_a_flow_keeps_out_of_the_recording_stays_out_wherever_the_call_goes_on() {
    let mut s = flows();
    s.press('7');
    s.answer(s.ada);
    let caller = s.world.caller_leg();
    assert_eq!(s.world.media.masks.get(&caller), Some(&leg::Masked::Both), "he has left the flow that said so");
    // The caller sends the agent on, so that the call is about her leg, which is recorded from then on.
    s.refer(s.caller, "105");
    s.answer(bob());
    let recorded: Vec<_> = s.world.media.takes.keys().copied().collect();
    assert!(recorded.len() == 1 && recorded[0] != caller, "{recorded:?}");
    assert_eq!(s.world.media.masks.get(&recorded[0]), Some(&leg::Masked::Both));
    s.hang_up(bob());
    s.end();
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_ends_it() {
    let mut s = flows();
    s.press('1');
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert!(s.saw(bob(), &Seen::Cancelled));
    assert_eq!(s.failures(), [487]);
    s.end();
}
