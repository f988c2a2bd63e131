//! Voice messages: leaving one, and hearing those that others left.

mod support;

use ivr::{MailboxState, MessageOutcome};
use std::time::Duration;

use support::{Caller, flow};

const OPEN: MailboxState = MailboxState::Open { new: 0, old: 0 };

const LEAVE: &str = "
version: 1
nodes:
  leave:
    voicemail:
      mailbox: sales
      greeting: leave-a-message
      max_time: 1m
      silence: 4s
      review: { prompt: review-menu, deleted: { prompt: deleted, next: hangup } }
      full: { prompt: mailbox-full, next: hangup }
      empty: again
    next: goodbye
  again: { play: nothing-said, next: leave }
  goodbye: { play: goodbye, next: hangup }
";

fn leave() -> Caller {
    let (caller, heard) = Caller::new(&flow(LEAVE));
    assert_eq!(heard, "@leave leave:sales");
    caller
}

/// A caller whose message was taken.
fn taken() -> Caller {
    let mut caller = leave();
    caller.mailbox(OPEN);
    caller.hears_all();
    caller.presses("#");
    assert_eq!(caller.message(MessageOutcome::Taken), "play:review-menu");
    caller
}

#[test]
fn a_message_begins_behind_the_beep_and_ends_by_key_silence_or_time() {
    let mut by_key = leave();
    assert_eq!(by_key.mailbox(OPEN), "play:leave-a-message+beep");
    assert_eq!(by_key.hears_all(), "take/4s");
    assert_eq!(by_key.presses("5"), "", "no key of its own");
    assert_eq!(by_key.presses("#"), "end-message");
    assert_eq!(by_key.presses("#"), "", "it ends once");
    let mut by_silence = leave();
    by_silence.mailbox(OPEN);
    assert_eq!(by_silence.presses("1"), "stop play:beep", "a key skips the greeting");
    assert_eq!(by_silence.presses("1"), "");
    assert_eq!(by_silence.hears_all(), "take/4s");
    assert_eq!(by_silence.quiet(), "end-message");
    assert_eq!(by_silence.quiet(), "");
    let mut by_time = leave();
    by_time.mailbox(OPEN);
    by_time.hears_all();
    assert_eq!(by_time.passes(Duration::from_secs(59)), "");
    assert_eq!(by_time.passes(Duration::from_secs(1)), "end-message");
}

#[test]
fn a_message_is_heard_taken_anew_kept_or_deleted_as_the_caller_says() {
    let mut caller = taken();
    assert_eq!(caller.presses("1"), "stop play:taken+review-menu");
    assert_eq!(caller.presses("2"), "drop stop play:beep");
    assert_eq!(caller.hears_all(), "take/4s");
    caller.presses("#");
    caller.message(MessageOutcome::Taken);
    assert_eq!(caller.presses("3"), "stop keep @goodbye play:goodbye");
    assert_eq!(taken().presses("4"), "stop drop play:deleted");
}

#[test]
fn who_says_nothing_about_his_message_keeps_it() {
    let mut silent = taken();
    assert_eq!(silent.hears_all(), "");
    assert_eq!(silent.passes(Duration::from_secs(5)), "keep @goodbye play:goodbye");
    let mut wrong = taken();
    assert_eq!(wrong.presses("9"), "stop play:review-menu");
    assert_eq!(wrong.presses("9"), "stop play:review-menu");
    assert_eq!(wrong.presses("9"), "stop keep @goodbye play:goodbye");
}

#[test]
fn without_a_place_or_a_word_there_is_no_message() {
    assert_eq!(leave().mailbox(MailboxState::Full), "play:mailbox-full");
    let mut caller = leave();
    caller.mailbox(OPEN);
    caller.hears_all();
    assert_eq!(caller.message(MessageOutcome::Failed), "drop play:mailbox-full");
    let mut caller = leave();
    caller.mailbox(OPEN);
    caller.hears_all();
    caller.quiet();
    assert_eq!(caller.message(MessageOutcome::NothingSaid), "drop @again play:nothing-said");
}

#[test]
fn a_mailbox_alone_is_enough() {
    let (mut caller, heard) = Caller::new(&flow("version: 1\nnodes:\n  leave: { voicemail: anna, next: hangup }\n"));
    assert_eq!(heard, "@leave leave:anna");
    assert_eq!(caller.mailbox(OPEN), "play:beep");
    assert_eq!(caller.hears_all(), "take/5s");
    caller.presses("#");
    assert_eq!(caller.message(MessageOutcome::Taken), "keep hangup:Normal");
}

const HEAR: &str = "
version: 1
nodes:
  hear:
    mailbox:
      name: own
      into: new_messages
      greeting: [you-have, { number: new_messages }]
      menu: message-menu
      empty: { prompt: no-messages, next: hangup }
      denied: { prompt: not-yours, next: hangup }
    next: hangup
";

fn hear(new: u32, old: u32) -> (Caller, String) {
    let (mut caller, heard) = Caller::new(&flow(HEAR));
    assert_eq!(heard, "@hear open:own");
    let heard = caller.mailbox(MailboxState::Open { new, old });
    (caller, heard)
}

#[test]
fn messages_are_heard_one_after_the_other_and_count_as_heard_when_they_were() {
    let (mut caller, said) = hear(1, 1);
    assert_eq!(said, "play:you-have+digits/1");
    assert_eq!(caller.hears_all(), "play:message-0");
    assert_eq!(caller.hears_all(), "heard:0 play:message-menu");
    assert_eq!(caller.presses("1"), "stop play:message-0", "again");
    assert_eq!(caller.presses("7"), "", "who listens is not asked");
    assert_eq!(caller.presses("4"), "unheard:0 stop play:message-1", "kept as new");
    assert_eq!(caller.presses("3"), "delete:1 stop hangup:Normal");
}

#[test]
fn who_does_not_answer_or_leaves_goes_on() {
    let (mut caller, _) = hear(3, 0);
    assert_eq!(caller.presses("5"), "stop play:message-0");
    caller.hears_all();
    caller.hears_all();
    assert_eq!(caller.passes(Duration::from_secs(5)), "play:message-menu");
    assert_eq!(caller.presses("9"), "stop play:message-menu");
    caller.hears_all();
    assert_eq!(caller.passes(Duration::from_secs(5)), "hangup:Normal");
    let (mut caller, _) = hear(3, 0);
    caller.presses("5");
    assert_eq!(caller.presses("2"), "heard:0 stop play:message-1");
    assert_eq!(caller.presses("*"), "heard:1 stop hangup:Normal");
}

#[test]
fn an_empty_mailbox_and_somebody_elses_are_told() {
    assert_eq!(hear(0, 0).1, "play:no-messages");
    let (mut caller, _) = Caller::new(&flow(HEAR));
    assert_eq!(caller.mailbox(MailboxState::Denied), "play:not-yours");
}
