//! Questions: keys of several digits, extensions, the way back, confirmations, checks and secrets, on a virtual clock.

mod support;

use std::sync::Arc;
use std::time::Duration;

use ivr::{DialOutcome, Flows, Saved, Session};
use support::{Caller, nodes};
use yaml::Faults;

const SECOND: Duration = Duration::from_secs(1);

/// A caller in a menu with these keys, whose prompt has just begun.
fn menu(more: &str) -> Caller {
    let flow = nodes(&format!(
        "  m: {{menu: {{prompt: q, wrong_input: {{prompt: w}}, attempts: 2, exhausted: hangup, {more}}}}}
  a: {{play: a, next: hangup}}
  b: {{play: b, next: hangup}}"
    ));
    let (caller, heard) = Caller::new(&flow);
    assert_eq!(heard, "@m play:q");
    caller
}

const AMBIGUOUS: &str = "digit_timeout: 2s, keys: {1: a, 12: b}";

#[test]
fn a_key_of_several_digits_answers_with_its_last_one() {
    let mut caller = menu("keys: {12: a, 200-299: b}");
    assert_eq!(caller.presses("2"), "stop");
    assert_eq!(caller.presses("5"), "");
    assert_eq!(caller.presses("0"), "@b play:b");
    let mut caller = menu("keys: {12: a, 200-299: b}");
    assert_eq!(caller.presses("12"), "stop @a play:a", "nothing goes on behind it");
}

#[test]
fn a_key_that_begins_another_waits_for_a_further_digit() {
    let mut caller = menu(AMBIGUOUS);
    assert_eq!(caller.presses("1"), "stop");
    assert_eq!(caller.waits(), (2000, "@a play:a".to_owned()));
    let mut caller = menu(AMBIGUOUS);
    assert_eq!(caller.presses("1"), "stop");
    assert_eq!(caller.passes(Duration::from_millis(1999)), "");
    assert_eq!(caller.presses("2"), "@b play:b");
    let mut caller = menu(AMBIGUOUS);
    assert_eq!(caller.presses("1#"), "stop @a play:a", "who presses # need not wait");
}

#[test]
fn of_a_wrong_entry_all_that_was_typed_is_thrown_away() {
    let mut caller = menu(AMBIGUOUS);
    assert_eq!(caller.presses("13"), "stop play:w+q");
    assert_eq!(caller.presses("12"), "stop @b play:b", "nothing of it is left");
    let mut caller = menu("keys: {12: a, 13: b}");
    assert_eq!(caller.presses("1"), "stop");
    assert_eq!(
        caller.waits(),
        (3000, "play:w+q".to_owned()),
        "half a key is a wrong one, after 3 s if nothing is written"
    );
    assert_eq!(caller.presses("1#"), "stop hangup:Normal", "the second attempt is the last");
}

#[test]
fn keys_of_several_digits_may_be_typed_ahead() {
    let flow = nodes(
        "  p: {play: p, next: m}
  m: {menu: {prompt: q, keys: {12: n}, exhausted: hangup}}
  n: {menu: {prompt: r, keys: {3: hangup}, exhausted: hangup}}",
    );
    let (mut caller, _) = Caller::new(&flow);
    assert_eq!(caller.presses("123"), "stop @m @n play:r stop hangup:Normal");
    let (mut caller, _) = Caller::new(&flow);
    assert_eq!(caller.presses("1"), "stop @m", "the menu is silent: its key has begun");
    assert_eq!(caller.presses("2"), "@n play:r");
}

#[test]
fn back_leads_to_the_question_before_and_the_first_one_is_asked_again() {
    let flow = nodes(
        "  one: {menu: {prompt: q1, keys: {1: two, 9: back}, exhausted: hangup}}
  two: {menu: {prompt: q2, keys: {1: words, \"*\": back, 9: {prompt: p, next: back}}, no_input: back, exhausted: hangup}}
  words: {play: w, next: three}
  three: {collect: {prompt: q3, into: x, digits: 2, wrong_input: back, exhausted: hangup}, next: one}",
    );
    let (mut caller, _) = Caller::new(&flow);
    assert_eq!(caller.presses("9"), "stop play:q1", "nothing is before it");
    assert_eq!(caller.presses("11"), "stop @two play:q2 stop @words play:w");
    assert_eq!(caller.hears_all(), "@three play:q3");
    assert_eq!(caller.presses("*"), "stop @two play:q2", "a play is no question");
    assert_eq!(caller.presses("9"), "stop play:p");
    assert_eq!(caller.hears_all(), "@one play:q1");
    assert_eq!(caller.presses("9"), "stop play:q1");
    caller.presses("1");
    assert_eq!(caller.hears_all(), "");
    assert_eq!(caller.waits(), (5000, "@one play:q1".to_owned()));
    // Who is led to a question again has gone back to it: from there nothing lies before it.
    caller.presses("11");
    caller.hears_all();
    assert_eq!(caller.presses("12"), "stop x=12 @one play:q1");
    assert_eq!(caller.presses("9"), "stop play:q1");
}

#[test]
fn who_cannot_go_back_runs_out_of_attempts_all_the_same() {
    let flow = nodes("  one: {menu: {prompt: q, keys: {1: hangup}, no_input: back, attempts: 2, exhausted: hangup}}");
    let (mut caller, _) = Caller::new(&flow);
    assert_eq!(caller.hears_all(), "");
    assert_eq!(caller.waits().1, "play:q");
    assert_eq!(caller.hears_all(), "");
    assert_eq!(caller.waits().1, "hangup:Normal");
}

#[test]
fn the_way_back_is_remembered_up_to_a_bound_and_survives_being_written_down() {
    let menus: String = (0..40)
        .map(|n| {
            format!("  m{n}: {{menu: {{prompt: q, keys: {{1: m{}, 2: back}}, exhausted: hangup}}}}\n", (n + 1) % 40)
        })
        .collect();
    let flow = nodes(&menus);
    let (mut caller, _) = Caller::new(&flow);
    caller.presses(&"1".repeat(39));
    let text = serde_json::to_string(&caller.session.save(caller.now)).unwrap();
    let saved: Saved = serde_json::from_str(&text).unwrap();
    caller.session = Session::resume(Arc::clone(&flow), saved, caller.now).unwrap();
    let heard = caller.presses(&"2".repeat(20));
    assert!(heard.contains("@m38 ") && heard.contains("@m24 ") && !heard.contains("@m23 "), "{heard}");
}

const EXTENSIONS: &[(&str, &str)] =
    &[("101", "anna"), ("102", "bob"), ("2001", "carol"), ("+49", "dora"), ("9", "eve")];

fn plan(flow: Arc<Flows>) -> Arc<Flows> {
    let faults = Faults::default();
    let numbers = EXTENSIONS.iter().map(|(number, user)| ((*number).into(), (*user).into()));
    let flows = Arc::unwrap_or_clone(flow).with_extensions(numbers, &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    assert_eq!(said, "");
    Arc::new(flows)
}

fn dials(dial: &str, more: &str) -> Caller {
    let flow = nodes(&format!(
        "  m: {{menu: {{prompt: q, keys: {{5: t}}, exhausted: hangup, direct_dial: {{{dial}}}{more}}}}}
  t: {{play: t, next: hangup}}"
    ));
    Caller::new(&plan(flow)).0
}

#[test]
fn an_extension_is_rung_and_each_end_leads_where_it_is_written() {
    let dial = "digits: 3, next: t, ring_time: 20s, busy: {prompt: busy}, no_answer: t";
    let cases = [
        (DialOutcome::Ended, "@t play:t"),
        (DialOutcome::Busy, "play:busy+q"),
        (DialOutcome::NoAnswer, "@t play:t"),
        (DialOutcome::Declined, "play:q"),
        (DialOutcome::Unreachable, "play:q"),
        (DialOutcome::Refused, "play:q"),
    ];
    for (outcome, expected) in cases {
        let mut caller = dials(dial, "");
        assert_eq!(caller.presses("10"), "stop");
        assert_eq!(caller.presses("2"), "dial:user/bob/20s");
        assert_eq!(caller.presses("5"), "", "keys in a talk mean nothing");
        assert_eq!(caller.dial_ends(outcome), expected, "{outcome:?}");
    }
}

#[test]
fn only_extensions_that_are_asked_for_are_dialled() {
    let mut caller = dials("digits: 3, next: t", "");
    assert_eq!(caller.presses("5"), "stop @t play:t", "keys answer at once");
    let mut caller = dials("digits: 3, next: t", "");
    assert_eq!(caller.presses("103"), "stop play:q", "nobody has it");
    assert_eq!(caller.presses("2"), "stop play:q", "no extension of three digits begins so");
    let mut caller = dials("digits: 3-4, next: t", "");
    assert_eq!(caller.presses("2001"), "stop dial:user/carol/30s");
    let mut caller = dials("digits: 3, users: [bob], next: t", "");
    assert_eq!(caller.presses("101"), "stop play:q");
    assert_eq!(caller.presses("102"), "stop dial:user/bob/30s");
    let mut caller = dials("digits: 1-4, prefix: \"*8\", users: all, next: t", "");
    assert_eq!(caller.presses("*89"), "stop dial:user/eve/30s");
}

/// A caller who is asked for four to six digits, which are read back.
fn confirming(more: &str) -> Caller {
    let flow = nodes(&format!(
        "  c: {{collect: {{prompt: q, into: x, digits: 2-6, attempts: 2, exhausted: hangup,
      confirm: {{prompt: [is, {{digits: x}}], yes: 1, no: 2}}{more}}}, next: d}}
  d: {{play: d, next: hangup}}"
    ));
    Caller::new(&flow).0
}

#[test]
fn digits_are_kept_once_they_are_confirmed() {
    let mut caller = confirming("");
    assert_eq!(caller.presses("47#"), "stop play:is+digits/4+digits/7");
    assert_eq!(caller.presses("1"), "stop x=47 @d play:d");
}

#[test]
fn a_no_asks_again_and_costs_an_attempt() {
    let mut caller = confirming("");
    caller.presses("47#");
    assert_eq!(caller.presses("2"), "stop play:q");
    assert_eq!(caller.session.variable("x"), None, "what was denied is not kept");
    assert_eq!(caller.presses("48#"), "stop play:is+digits/4+digits/8");
    assert_eq!(caller.presses("2"), "stop hangup:Normal");
}

#[test]
fn silence_and_other_keys_repeat_the_confirmation_once() {
    let mut caller = confirming("");
    caller.presses("47#");
    assert_eq!(caller.hears_all(), "");
    assert_eq!(caller.waits(), (5000, "play:is+digits/4+digits/7".to_owned()));
    assert_eq!(caller.presses("7"), "stop play:q", "then it is a no");
    caller.presses("48#");
    assert_eq!(caller.presses("9"), "stop play:is+digits/4+digits/8");
    assert_eq!(caller.presses("1"), "stop x=48 @d play:d");
}

#[test]
fn the_end_key_behind_the_last_digit_is_no_answer() {
    let mut caller = confirming("");
    assert_eq!(caller.presses("123456#"), "stop play:is+digits/1+digits/2+digits/3+digits/4+digits/5+digits/6");
    assert_eq!(caller.presses("1"), "stop x=123456 @d play:d");
}

#[test]
fn what_was_confirmed_before_stays_when_a_second_entry_is_denied() {
    let flow = nodes(
        "  c: {collect: {prompt: q, into: x, digits: 2, exhausted: hangup}, next: d}
  d: {collect: {prompt: r, into: x, digits: 2, attempts: 1, exhausted: e, confirm: {prompt: {digits: x}}}, next: e}
  e: {play: {digits: x}, next: hangup}",
    );
    let (mut caller, _) = Caller::new(&flow);
    assert_eq!(caller.presses("12"), "stop x=12 @d play:r");
    assert_eq!(caller.presses("34"), "stop play:digits/3+digits/4");
    assert_eq!(caller.presses("2"), "stop @e play:digits/1+digits/2");
}

#[test]
fn the_answer_may_be_typed_ahead_unless_the_node_says_otherwise() {
    let ahead = |more: &str| {
        let flow = nodes(&format!(
            "  p: {{play: {{prompt: p, barge_in: false}}, next: c}}
  c: {{collect: {{prompt: q, into: x, digits: 2, exhausted: hangup, confirm: {{prompt: {{digits: x}}}}{more}}}, next: hangup}}"
        ));
        let (mut caller, _) = Caller::new(&flow);
        caller.presses("121");
        caller.hears_all()
    };
    assert_eq!(ahead(""), "@c x=12 hangup:Normal");
    assert_eq!(ahead(", type_ahead: discard"), "@c play:q");
    assert_eq!(ahead(", barge_in: false"), "@c play:q");
}

#[test]
fn a_confirmation_goes_on_after_being_written_down() {
    let mut caller = confirming("");
    let flows = Arc::clone(caller.session.flows());
    caller.presses("47#");
    let text = serde_json::to_string(&caller.session.save(caller.now)).unwrap();
    caller.session = Session::resume(flows, serde_json::from_str(&text).unwrap(), caller.now).unwrap();
    assert_eq!(caller.presses("2"), "stop play:q");
    assert_eq!(caller.session.variable("x"), None);
}

/// What a caller hears who types these digits where they are checked.
fn checked(check: &str, typed: &str) -> String {
    let flow = nodes(&format!(
        "  c: {{collect: {{prompt: q, into: x, digits: 2-16, attempts: 2, exhausted: hangup,
      check: {{{check}}}, invalid: {{prompt: bad}}}}, next: hangup}}"
    ));
    // The sixteenth digit ends them.
    let end = if typed.len() < 16 { "#" } else { "" };
    Caller::new(&flow).0.presses(&format!("{typed}{end}"))
}

#[test]
fn digits_that_do_not_pass_the_check_are_told_and_cost_an_attempt() {
    let cases = [
        ("regex: \"4[0-9]*\"", "4711", "5711"),
        ("luhn: true", "4111111111111111", "4111111111111112"),
        ("date: ddmmyyyy", "29022024", "29022023"),
        ("in: [12, 2000-2999]", "2001", "3000"),
        ("luhn: true, regex: \"[0-9]{2}\"", "18", "4111111111111111"),
    ];
    for (check, good, bad) in cases {
        assert_eq!(checked(check, good), format!("stop x={good} hangup:Normal"), "{check}");
        assert_eq!(checked(check, bad), "stop play:bad+q", "{check}");
    }
    let twice = format!("{}{}", "3000#", "3001");
    assert_eq!(checked("in: 12", &twice), "stop play:bad+q stop hangup:Normal");
}

#[test]
fn without_words_of_its_own_what_fails_the_check_is_wrong_input() {
    let flow = nodes(
        "  c: {collect: {prompt: q, into: x, digits: 2, check: {luhn: true}, wrong_input: {prompt: w, next: d}, exhausted: hangup}, next: hangup}
  d: {play: d, next: hangup}",
    );
    assert_eq!(Caller::new(&flow).0.presses("12"), "stop play:w");
}

#[test]
fn a_secret_is_masked_while_it_is_asked_for_and_told_to_nobody() {
    let flow = nodes(
        "  p: {play: p, next: s}
  s: {collect: {prompt: q, into: pin, digits: 4, secret: true, exhausted: {prompt: e, next: hangup}, attempts: 2}, next: d}
  d: {menu: {prompt: m, keys: {1: hangup}, exhausted: hangup}}",
    );
    let (mut caller, _) = Caller::new(&flow);
    assert!(caller.session.is_secret(), "what he types now could be meant for the question");
    assert_eq!(caller.presses("1"), "stop @s mask play:q", "and none of it counts");
    assert!(caller.session.is_secret());
    assert_eq!(caller.presses("47"), "stop");
    assert_eq!(caller.presses("11"), "pin=••• unmask @d play:m");
    assert!(!caller.session.is_secret());
    assert_eq!(caller.session.variable("pin").and_then(|value| value.text()), Some("4711"));
    assert!(!format!("{:?}", caller.session).contains("4711"));
    // Attempts that fail stay masked, and their end is not.
    let (mut caller, _) = Caller::new(&flow);
    caller.hears_all();
    assert_eq!(caller.presses("1#"), "stop play:q");
    assert_eq!(caller.presses("*"), "stop unmask play:e");
}

#[test]
fn what_is_typed_where_no_flow_asks_for_a_secret_is_none() {
    let flow = nodes(
        "  p: {play: p, next: c}\n  c: {collect: {prompt: q, into: x, digits: 4, exhausted: hangup}, next: hangup}",
    );
    let (mut caller, _) = Caller::new(&flow);
    assert!(!caller.session.is_secret());
    caller.presses("4");
    assert!(!caller.session.is_secret());
    assert_eq!(caller.passes(SECOND * 3), "play:q");
}

#[test]
fn a_secret_of_one_flow_is_not_read_back_in_another() {
    let faults = Faults::default();
    let source =
        |name: &str, nodes: &str| yaml::Source::new(format!("{name}.yaml"), format!("version: 1\nnodes:\n{nodes}"));
    let one = source(
        "one",
        "  a: {collect: {prompt: p, into: pin, digits: 4, secret: true, exhausted: hangup}, next: hangup}\n",
    );
    let two = source(
        "two",
        "  a: {collect: {prompt: p, into: pin, digits: 4, exhausted: hangup}, next: b}\n  b: {play: {digits: pin}, next: hangup}\n",
    );
    assert!(Flows::read([("one", &one), ("two", &two)], &faults).is_none());
    let said = faults.into_sorted();
    assert_eq!(said.len(), 1);
    assert!(
        said[0].to_string().starts_with("two.yaml:4:22: error: `pin` is a secret and cannot be read back"),
        "{}",
        said[0]
    );
}

#[test]
fn the_way_back_does_not_leave_a_flow_and_goes_on_behind_a_call() {
    let main = "version: 1\nnodes:
  one: {menu: {prompt: q1, keys: {1: two}, exhausted: hangup}}
  two: {menu: {prompt: q2, keys: {1: sub, 9: back}, exhausted: hangup}}
  sub: {call: sub, next: three}
  three: {menu: {prompt: q3, keys: {9: back}, exhausted: hangup}}\n";
    let sub = "version: 1\nnodes:\n  ask: {menu: {prompt: s, keys: {1: return, 9: back}, exhausted: hangup}}\n";
    let flows = support::flows(&[("main", main), ("sub", sub)]);
    let (mut caller, _) = Caller::begin(&flows, "main");
    caller.presses("11");
    assert!(caller.presses("9").ends_with("play:s"), "it is the first question of its flow");
    assert!(caller.presses("1").ends_with("play:q3"));
    assert!(caller.presses("9").ends_with("play:q2"));
    assert!(caller.presses("9").ends_with("play:q1"));
}
