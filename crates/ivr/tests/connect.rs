//! Nodes that send the caller on, ask what he thought of it, and keep talks out of recordings.

mod support;

use ivr::{DialOutcome, QueueOutcome, Value};
use support::{Caller, nodes};

const TRANSFERS: &str = "
  ask: {transfer: {number: \"1003\", ring_time: 10s, busy: {prompt: busy, next: ask}, failed: sorry}}
  sorry: {play: sorry, next: hangup}
";

#[test]
fn who_cannot_be_sent_on_goes_where_the_outcome_leads() {
    let flow = nodes(TRANSFERS);
    for (outcome, then) in [
        (DialOutcome::Busy, "play:busy"),
        (DialOutcome::NoAnswer, "@sorry play:sorry"),
        (DialOutcome::Declined, "@sorry play:sorry"),
        (DialOutcome::Unreachable, "@sorry play:sorry"),
        (DialOutcome::Refused, "@sorry play:sorry"),
        // A driver drops the session of whoever was sent on; told so all the same, it is over.
        (DialOutcome::Ended, "hangup:Normal"),
    ] {
        let (mut caller, heard) = Caller::new(&flow);
        assert_eq!(heard, "@ask transfer:1003/10s");
        assert_eq!(caller.presses("1"), "", "keys mean nothing meanwhile");
        assert_eq!(caller.dial_ends(outcome), then, "{outcome:?}");
    }
}

fn asks(scale: &str) -> Caller {
    let text = format!(
        "\n  rate: {{survey: {{scale: {scale}, prompt: p, attempts: 2, into: stars}}, next: end}}\n  end: {{hangup: normal}}\n"
    );
    Caller::new(&nodes(&text)).0
}

#[test]
fn a_score_counts_at_once_unless_a_zero_may_follow() {
    for (scale, keys, score) in
        [("csat", "5", 5), ("csat", "1", 1), ("nps", "0", 0), ("nps", "9", 9), ("nps", "10", 10)]
    {
        let mut caller = asks(scale);
        assert_eq!(caller.presses(keys), format!("stop rate:{scale}={score} @end hangup:Normal"), "{scale} {keys}");
        assert_eq!(caller.session.variable("stars"), Some(&Value::Integer(score)));
    }
    let mut caller = asks("nps");
    assert_eq!(caller.presses("1"), "stop");
    assert_eq!(caller.waits(), (3000, "rate:nps=1 @end hangup:Normal".to_owned()));
    assert_eq!(asks("nps").presses("1#"), "stop rate:nps=1 @end hangup:Normal");
}

#[test]
fn what_is_off_the_scale_is_asked_again_and_holds_nobody_up() {
    for (scale, wrong) in [("csat", ["0", "6"]), ("nps", ["12", "*"])] {
        let mut caller = asks(scale);
        assert_eq!(caller.presses(wrong[0]), "stop play:p", "{scale}");
        assert_eq!(caller.presses(wrong[1]), "stop @end hangup:Normal", "{scale}: the last attempt");
        assert_eq!(caller.session.variable("stars").and_then(Value::text), None);
    }
    let mut caller = asks("csat");
    caller.hears_all();
    assert_eq!(caller.waits().1, "play:p");
    caller.hears_all();
    assert_eq!(caller.waits().1, "@end hangup:Normal");
}

#[test]
fn a_secret_within_a_mask_of_both_sides_does_not_end_it() {
    let text = "
  mask: {record: mask, next: pin}
  pin: {collect: {prompt: p, into: pin, digits: 2, secret: true, exhausted: hangup}, next: agent}
  agent: {queue: sales, next: unmask}
  unmask: {record: unmask, next: card}
  card: {collect: {prompt: p, into: card, digits: 2, secret: true, exhausted: hangup}, next: hangup}
";
    let (mut caller, heard) = Caller::new(&nodes(text));
    assert_eq!(heard, "@mask record:mask @pin play:p");
    assert!(caller.session.is_secret());
    assert_eq!(caller.presses("47"), "stop pin=••• @agent queue:sales");
    assert_eq!(caller.queue_ends(QueueOutcome::AgentEnded), "@unmask record:unmask @card mask play:p");
    assert_eq!(caller.presses("11"), "stop card=••• unmask hangup:Normal");
}

#[test]
fn a_queue_is_told_how_urgent_a_call_is_and_what_it_needs() {
    let text = "
  urgent: {queue: {name: sales, priority: 70, skills: [spanish, cards]}, next: expert}
  expert: {queue: {name: sales, skills: {contracts: 80, spanish: 0}}, next: hangup}
";
    let (mut caller, heard) = Caller::new(&nodes(text));
    assert_eq!(heard, "@urgent queue:sales^70+spanish/1+cards/1");
    assert_eq!(caller.queue_ends(QueueOutcome::AgentEnded), "@expert queue:sales+contracts/80+spanish/0");
}
