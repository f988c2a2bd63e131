//! What a caller hears: the shipped verbs on a virtual clock.

mod support;

use std::time::Duration;

use hours::State;
use ivr::{DialOutcome, Output, QueueOutcome, ReferenceKind, Spoken};
use support::{Caller, flow, nodes};

const MAIN: &str = include_str!("flows/main.yaml");

/// A caller in the main menu, whose prompt has just begun.
fn in_menu() -> Caller {
    let (mut caller, heard) = Caller::new(&flow(MAIN));
    assert_eq!(heard, "@welcome play:welcome");
    assert_eq!(caller.hears_all(), "@main play:main-menu");
    caller
}

#[test]
fn a_key_cuts_the_menu_short_and_leads_on() {
    let mut caller = in_menu();
    assert_eq!(caller.presses("1"), "stop @sales record:start @sales-queue queue:sales/120s");
    assert_eq!(caller.queue_ends(QueueOutcome::AgentEnded), "@goodbye play:goodbye");
    assert_eq!(caller.hears_all(), "@end hangup:Normal");
    assert!(caller.session.is_over());
    assert_eq!(caller.session.poll_timeout(), None);
}

#[test]
fn a_key_after_the_prompt_counts_as_well() {
    let mut caller = in_menu();
    assert_eq!(caller.hears_all(), "");
    assert_eq!(caller.presses("2"), "@support queue:support");
}

#[test]
fn silence_and_wrong_keys_share_the_attempts() {
    let mut caller = in_menu();
    assert_eq!(caller.hears_all(), "");
    assert_eq!(caller.waits(), (5000, "play:sorry-no-key+main-menu".to_owned()));
    assert_eq!(caller.presses("7"), "stop play:sorry-wrong-key+main-menu");
    assert_eq!(caller.hears_all(), "");
    assert_eq!(caller.waits().1, "@operator dial:user/operator/20s", "three attempts are all");
}

#[test]
fn the_timeout_runs_from_the_prompts_end() {
    let mut caller = in_menu();
    assert_eq!(caller.session.poll_timeout(), None);
    assert_eq!(caller.passes(Duration::from_secs(60)), "");
    assert_eq!(caller.hears_all(), "");
    assert_eq!(caller.passes(Duration::from_millis(4999)), "");
    assert_eq!(caller.passes(Duration::from_millis(1)), "play:sorry-no-key+main-menu");
}

#[test]
fn the_repeat_key_costs_no_attempt() {
    let mut caller = in_menu();
    for _ in 0..10 {
        assert_eq!(caller.presses("9"), "stop play:main-menu");
    }
    assert_eq!(caller.presses("7"), "stop play:sorry-wrong-key+main-menu");
    assert_eq!(caller.presses("7"), "stop play:sorry-wrong-key+main-menu");
    assert_eq!(caller.presses("7"), "stop @operator dial:user/operator/20s");
}

#[test]
fn coming_back_to_a_menu_gives_all_attempts_again() {
    let mut caller = in_menu();
    assert_eq!(caller.presses("7"), "stop play:sorry-wrong-key+main-menu");
    assert_eq!(caller.presses("*"), "stop @welcome play:welcome");
    assert_eq!(caller.hears_all(), "@main play:main-menu");
    assert_eq!(caller.presses("7"), "stop play:sorry-wrong-key+main-menu");
    assert_eq!(caller.presses("7"), "stop play:sorry-wrong-key+main-menu");
    assert_eq!(caller.presses("7"), "stop @operator dial:user/operator/20s");
}

#[test]
fn a_key_of_a_range_may_have_words_of_its_own() {
    let mut caller = in_menu();
    assert_eq!(caller.presses("5"), "stop play:closed");
    assert_eq!(caller.hears_all(), "hangup:Normal");
}

#[test]
fn keys_in_a_play_count_for_the_menu_behind_it() {
    let (mut caller, _) = Caller::new(&flow(MAIN));
    assert_eq!(caller.presses("1"), "stop @main @sales record:start @sales-queue queue:sales/120s");
}

#[test]
fn who_knows_the_way_types_through_menu_and_collect() {
    let (mut caller, _) = Caller::new(&flow(MAIN));
    let heard = caller.presses("3123456#");
    assert_eq!(
        heard,
        "stop @main @ask-account play:enter-account stop account=123456 @read-back \
         play:your-account-is+digits/1+digits/2+digits/3+digits/4+digits/5+digits/6+thank-you"
    );
}

#[test]
fn a_wrong_key_throws_away_what_was_typed_behind_it() {
    let text = "
  a: {play: {prompt: p, barge_in: false}, next: b}
  b: {menu: {prompt: q, keys: {1: hangup}, exhausted: hangup}}";
    let (mut caller, _) = Caller::new(&nodes(text));
    assert_eq!(caller.presses("71"), "", "the play must be heard");
    assert_eq!(caller.hears_all(), "@b play:q");
    assert_eq!(caller.hears_all(), "", "the 1 was meant for something else");
    assert_eq!(caller.waits(), (5000, "play:q".to_owned()));
}

#[test]
fn a_menu_that_discards_type_ahead_is_heard() {
    let text = "
  a: {play: p, next: b}
  b: {menu: {prompt: q, keys: {1: hangup}, exhausted: hangup, type_ahead: discard}}";
    let (mut caller, _) = Caller::new(&nodes(text));
    assert_eq!(caller.presses("1"), "stop @b play:q");
    assert_eq!(caller.presses("1"), "stop hangup:Normal");
}

#[test]
fn a_menu_without_barge_in_is_heard_to_its_end_and_then_takes_the_key() {
    let text = "  b: {menu: {prompt: q, keys: {1: hangup}, exhausted: hangup, barge_in: false}}";
    let (mut caller, heard) = Caller::new(&nodes(text));
    assert_eq!(heard, "@b play:q");
    assert_eq!(caller.presses("1"), "");
    assert_eq!(caller.hears_all(), "hangup:Normal");
}

#[test]
fn a_menu_without_barge_in_that_discards_takes_only_later_keys() {
    let text = "  b: {menu: {prompt: q, keys: {1: hangup}, exhausted: hangup, barge_in: false, type_ahead: discard}}";
    let (mut caller, _) = Caller::new(&nodes(text));
    assert_eq!(caller.presses("1"), "");
    assert_eq!(caller.hears_all(), "");
    assert_eq!(caller.presses("1"), "hangup:Normal");
}

#[test]
fn digits_are_collected_until_the_end_key() {
    let mut caller = in_menu();
    assert_eq!(caller.presses("3"), "stop @ask-account play:enter-account");
    assert_eq!(caller.presses("0"), "stop");
    assert_eq!(caller.presses("0422"), "");
    let heard = caller.presses("#");
    assert!(heard.starts_with("account=00422 @read-back play:your-account-is+digits/0+digits/0+"), "{heard}");
}

#[test]
fn the_most_digits_end_a_collect_without_a_key() {
    let mut caller = in_menu();
    caller.presses("3");
    assert!(caller.presses("12345678").starts_with("stop account=12345678 @read-back"));
}

#[test]
fn a_pause_ends_a_collect_that_has_enough_digits() {
    let mut caller = in_menu();
    caller.presses("31234");
    assert_eq!(caller.passes(Duration::from_millis(1999)), "");
    let (waited, heard) = caller.waits();
    assert_eq!(waited, 1);
    assert!(heard.starts_with("account=1234 @read-back"), "{heard}");
}

#[test]
fn too_few_digits_are_wrong_input_and_the_attempts_end() {
    let mut caller = in_menu();
    caller.presses("3");
    assert_eq!(caller.presses("123#"), "stop play:sorry-wrong-number+enter-account");
    assert_eq!(caller.presses("1"), "stop");
    assert_eq!(caller.waits(), (2000, "@main play:main-menu".to_owned()));
}

#[test]
fn silence_in_a_collect_asks_again() {
    let mut caller = in_menu();
    caller.presses("3");
    assert_eq!(caller.hears_all(), "");
    assert_eq!(caller.waits(), (5000, "play:enter-account".to_owned()));
}

#[test]
fn every_end_of_a_queue_leads_where_it_is_written() {
    let cases = [
        (QueueOutcome::AgentEnded, "@goodbye play:goodbye"),
        (QueueOutcome::TimedOut, "play:all-busy"),
        (QueueOutcome::Full, "@goodbye play:goodbye"),
        (QueueOutcome::NoAgents, "play:closed"),
        (QueueOutcome::Closed, "@goodbye play:goodbye"),
        (QueueOutcome::Unknown, "play:closed"),
    ];
    for (outcome, expected) in cases {
        let mut caller = in_menu();
        caller.presses("1");
        assert_eq!(caller.queue_ends(outcome), expected, "{outcome:?}");
    }
}

#[test]
fn every_end_of_a_dial_leads_where_it_is_written() {
    let cases = [
        (DialOutcome::Ended, "@goodbye play:goodbye"),
        (DialOutcome::Busy, "play:all-busy"),
        (DialOutcome::NoAnswer, "@main play:main-menu"),
        (DialOutcome::Declined, "@goodbye play:goodbye"),
        (DialOutcome::Unreachable, "@goodbye play:goodbye"),
        (DialOutcome::Refused, "@goodbye play:goodbye"),
    ];
    for (outcome, expected) in cases {
        let mut caller = in_menu();
        caller.presses("0");
        assert_eq!(caller.dial_ends(outcome), expected, "{outcome:?}");
    }
}

#[test]
fn keys_in_a_queue_do_nothing_and_are_not_kept() {
    let text = "
  a: {queue: sales, next: b}
  b: {menu: {prompt: q, keys: {1: hangup}, exhausted: hangup}}";
    let (mut caller, heard) = Caller::new(&nodes(text));
    assert_eq!(heard, "@a queue:sales");
    assert_eq!(caller.presses("111"), "");
    assert_eq!(caller.queue_ends(QueueOutcome::AgentEnded), "@b play:q");
}

#[test]
fn a_caller_in_a_queue_hears_what_is_written_and_leaves_by_its_keys() {
    let text = "
  a: {queue: {name: sales, hear: [p, {silence: 1s}], keys: {1: b, \"*\": {prompt: q, next: hangup}}}, next: c}
  b: {menu: {prompt: r, keys: {1: hangup}, exhausted: hangup}}
  c: {hangup: busy}";
    let flow = nodes(text);
    let (mut caller, heard) = Caller::new(&flow);
    assert_eq!(heard, "@a queue:sales~p~1000ms");
    assert_eq!(caller.presses("5"), "");
    assert!(caller.session.may_leave_queue_by('1') && !caller.session.may_leave_queue_by('5'));
    // Whether he still waits is the driver's to know: an agent may have come.
    assert_eq!(caller.presses("1"), "leave:1");
    assert_eq!(caller.queue_ends(QueueOutcome::Pressed('7')), "", "a key that nobody pressed");
    assert_eq!(caller.queue_ends(QueueOutcome::Pressed('1')), "@b play:r", "it answers no menu behind the queue");
    assert!(!caller.session.may_leave_queue_by('1'));
    let (mut caller, _) = Caller::new(&flow);
    assert_eq!(caller.presses("*"), "leave:*");
    assert_eq!(caller.queue_ends(QueueOutcome::Pressed('*')), "play:q");
    assert_eq!(caller.hears_all(), "hangup:Normal");
    let (mut caller, _) = Caller::new(&flow);
    assert_eq!(caller.presses("1"), "leave:1");
    assert_eq!(caller.queue_ends(QueueOutcome::AgentEnded), "@c hangup:Busy", "he talked with an agent by then");
}

#[test]
fn what_was_typed_before_a_talk_is_stale_after_it() {
    let text = "
  a: {play: {prompt: p, barge_in: false}, next: b}
  b: {menu: {prompt: q, keys: {1: c}, exhausted: hangup}}
  c: {queue: sales, next: d}
  d: {menu: {prompt: r, keys: {1: hangup}, exhausted: hangup}}";
    let (mut caller, _) = Caller::new(&nodes(text));
    assert_eq!(caller.presses("111"), "");
    assert_eq!(caller.hears_all(), "@b @c queue:sales");
    assert_eq!(caller.queue_ends(QueueOutcome::AgentEnded), "@d play:r");
}

#[test]
fn no_more_than_32_keys_are_kept() {
    let text = "
  a: {play: {prompt: p, barge_in: false}, next: b}
  b: {collect: {prompt: q, into: x, digits: 32, exhausted: hangup}, next: c}
  c: {menu: {prompt: r, keys: {1: hangup}, exhausted: hangup}}";
    let (mut caller, _) = Caller::new(&nodes(text));
    caller.presses(&"1".repeat(1000));
    assert_eq!(caller.hears_all(), format!("@b x={} @c play:r", "1".repeat(32)));
}

#[test]
fn news_out_of_place_change_nothing() {
    let mut caller = in_menu();
    assert_eq!(caller.queue_ends(QueueOutcome::AgentEnded), "");
    assert_eq!(caller.dial_ends(DialOutcome::Busy), "");
    assert_eq!(caller.passes(Duration::from_secs(1)), "");
    assert_eq!(caller.presses("x?9"), "stop play:main-menu");
    caller.session.handle_start(caller.now);
    assert_eq!(caller.heard(), "");
    caller.presses("2");
    assert_eq!(caller.hears_all(), "", "nothing plays");
}

#[test]
fn a_play_repeats_as_often_as_it_says() {
    let (mut caller, heard) = Caller::new(&nodes("  a: {play: {prompt: [p, q], repeat: 2}, next: hangup}"));
    assert_eq!(heard, "@a play:p+q");
    assert_eq!(caller.hears_all(), "play:p+q");
    assert_eq!(caller.hears_all(), "hangup:Normal");
}

/// What the load scenarios need, in plain configuration.
#[test]
fn a_menu_may_loop_until_a_key_and_a_play_until_the_end() {
    let text = "
  menu: {menu: {prompt: menu-8s, timeout: 0s, attempts: forever, keys: {0-9: talk}}}
  talk: {play: {prompt: talk-10s, repeat: forever}}";
    let (mut caller, heard) = Caller::new(&nodes(text));
    assert_eq!(heard, "@menu loop:menu-8s");
    assert_eq!(caller.presses("*"), "stop play:menu-8s".replace("play", "loop"));
    assert_eq!(caller.presses("1"), "stop @talk loop:talk-10s");
    assert_eq!(caller.presses("1"), "", "no key ends it");
    assert_eq!(caller.session.poll_timeout(), None);
}

#[test]
fn a_key_ends_a_play_that_repeats_for_ever_if_something_follows() {
    let (mut caller, heard) = Caller::new(&nodes("  a: {play: {prompt: p, repeat: forever}, next: hangup}"));
    assert_eq!(heard, "@a loop:p");
    assert_eq!(caller.presses("1"), "stop hangup:Normal");
}

#[test]
fn a_flow_may_hang_up_at_once() {
    let (caller, heard) = Caller::new(&nodes("  a:\n    hangup:"));
    assert_eq!(heard, "@a hangup:Normal");
    assert!(caller.session.is_over());
}

#[test]
fn recording_begins_before_the_dialling_and_ends_after_it() {
    let text = "
  a: {record: start, next: b}
  b: {dial: {number: \"+49*30#\"}, next: c}
  c: {record: stop, next: hangup}";
    let (mut caller, heard) = Caller::new(&nodes(text));
    assert_eq!(heard, "@a record:start @b dial:+49*30#/30s");
    assert_eq!(caller.dial_ends(DialOutcome::Ended), "@c record:stop hangup:Normal");
}

#[test]
fn the_start_may_be_any_node() {
    let text = "version: 1\nstart: b\nnodes:\n  a: {hangup: busy}\n  b: {play: p, next: a}\n";
    let (mut caller, heard) = Caller::new(&flow(text));
    assert_eq!(heard, "@b play:p");
    assert_eq!(caller.hears_all(), "@a hangup:Busy");
}

#[test]
fn what_a_flow_names_is_told_with_its_places() {
    let flow = flow(MAIN);
    let named = |kind| {
        let wanted = flow.get("test").unwrap().references().iter().filter(|r| r.kind == kind);
        wanted.map(|r| format!("{}@{}:{}", r.name, r.place.span.line, r.place.span.column)).collect::<Vec<_>>()
    };
    assert_eq!(named(ReferenceKind::Queue), ["sales@52:13", "support@60:12"]);
    assert_eq!(named(ReferenceKind::User), ["operator@65:13"]);
    let prompts = named(ReferenceKind::Prompt);
    assert!(
        prompts.contains(&"welcome@8:11".to_owned()) && !prompts.iter().any(|name| name.starts_with("digits/")),
        "{prompts:?}"
    );
    let spoken = flow.get("test").unwrap().spoken();
    let spoken: Vec<_> = spoken.iter().map(|one| (&one.spoken, one.place.span.line, one.place.span.column)).collect();
    assert_eq!(spoken, [(&Spoken::Digits, 43, 38)]);
}

#[test]
fn digits_of_a_caller_do_not_print() {
    let (mut caller, _) = Caller::new(&flow(MAIN));
    "3123456#".chars().for_each(|key| caller.session.handle_digit(caller.now, key));
    let outputs: Vec<Output> = std::iter::from_fn(|| caller.session.poll_output()).collect();
    assert!(outputs.iter().any(|output| matches!(output, Output::Collected { .. })));
    let collected: Vec<&Output> = outputs.iter().filter(|output| matches!(output, Output::Collected { .. })).collect();
    assert!(!format!("{collected:?}{:?}", caller.session).contains("123456"));
}

#[test]
fn a_calendar_leads_where_it_is_written_and_else_where_closed_does() {
    let office = nodes(
        "  start: {hours: {calendar: office, open: in, closed: {prompt: closed, next: hangup}, holiday: in, break: hangup}}\n\
         \x20 in: {play: welcome, next: hangup}\n",
    );
    for (state, heard) in [
        (State::Open, "@in play:welcome"),
        (State::Break, "hangup:Normal"),
        (State::Holiday, "@in play:welcome"),
        (State::Closed, "play:closed"),
        (State::Emergency, "play:closed"),
    ] {
        let (mut caller, first) = Caller::new(&office);
        assert_eq!(first, "@start hours:office");
        assert_eq!(caller.presses("1"), "", "nothing is pressed while a calendar is asked");
        assert_eq!(caller.calendar_says(state), heard, "{state:?}");
        assert_eq!(caller.calendar_says(State::Open), "", "it was asked once");
    }
    let kinds = [ReferenceKind::Calendar, ReferenceKind::Prompt, ReferenceKind::Prompt];
    let named: Vec<_> = office.get("test").unwrap().references().iter().map(|reference| reference.kind).collect();
    assert_eq!(named, kinds);
}
