//! Flows that call each other, and come back.

mod support;

use std::sync::Arc;

use ivr::{ResumeError, Session};
use support::{Caller, flows};

const MAIN: &str = "
version: 1
nodes:
  hello: {play: p, next: ask}
  ask: {call: account, next: read-back}
  read-back: {play: {digits: account}, next: again}
  again: {menu: {prompt: q, keys: {1: ask, 2: elsewhere}, exhausted: hangup}}
  elsewhere: {goto: {flow: closed}}
";
const ACCOUNT: &str = "
version: 1
nodes:
  collect: {collect: {prompt: enter, into: account, digits: 2, exhausted: sorry}, next: return}
  sorry: {play: sorry, next: hangup}
";
const CLOSED: &str = "
version: 1
nodes:
  say: {play: closed, next: return}
";

fn caller() -> (Caller, String) {
    Caller::begin(&flows(&[("main", MAIN), ("account", ACCOUNT), ("closed", CLOSED)]), "main")
}

#[test]
fn a_flow_that_was_called_returns_to_what_follows_and_shares_the_variables() {
    let (mut caller, heard) = caller();
    assert_eq!(heard, "@main/hello play:p");
    assert_eq!(caller.hears_all(), "@main/ask @account/collect play:enter");
    assert_eq!(caller.presses("42"), "stop account=42 @main/read-back play:digits/4+digits/2");
    assert_eq!(caller.hears_all(), "@main/again play:q");
    assert_eq!(caller.presses("1"), "stop @main/ask @account/collect play:enter");
    assert_eq!(caller.presses("71"), "stop account=71 @main/read-back play:digits/7+digits/1");
}

#[test]
fn a_goto_into_another_flow_is_for_good_and_its_return_ends_the_call() {
    let (mut caller, _) = caller();
    caller.hears_all();
    caller.presses("42");
    caller.hears_all();
    assert_eq!(caller.presses("2"), "stop @main/elsewhere @closed/say play:closed");
    assert_eq!(caller.hears_all(), "hangup:Normal");
}

#[test]
fn a_goto_out_of_a_flow_that_was_called_forgets_who_called() {
    let sub = "version: 1\nnodes:\n  a: {goto: {flow: closed}}\n  b: {play: p, next: return}\nstart: m\n";
    let sub = sub.replace("nodes:\n", "nodes:\n  m: {menu: {prompt: q, keys: {1: a, 2: b}, exhausted: a}}\n");
    let main = "version: 1\nnodes:\n  a: {call: sub, next: b}\n  b: {play: back, next: hangup}\n";
    let all = flows(&[("main", main), ("sub", &sub), ("closed", CLOSED)]);
    let (mut caller, heard) = Caller::begin(&all, "main");
    assert_eq!(heard, "@main/a @sub/m play:q");
    assert_eq!(caller.presses("1"), "stop @sub/a @closed/say play:closed");
    assert_eq!(caller.hears_all(), "hangup:Normal");
    let (mut caller, _) = Caller::begin(&all, "main");
    caller.presses("2");
    assert_eq!(caller.hears_all(), "@main/b play:back");
}

#[test]
fn a_caller_within_a_call_can_be_written_down_and_returns_later() {
    let (mut caller, _) = caller();
    caller.hears_all();
    let saved = caller.session.save(caller.now);
    let names: Vec<_> = saved.flows().iter().map(|flow| flow.name.as_str()).collect();
    assert_eq!(names, ["main", "account"]);
    let text = serde_json::to_string(&saved).unwrap();

    let all = flows(&[("main", MAIN), ("account", ACCOUNT), ("closed", CLOSED)]);
    caller.session = Session::resume(Arc::clone(&all), serde_json::from_str(&text).unwrap(), caller.now).unwrap();
    assert_eq!(caller.presses("42"), "stop account=42 @main/read-back play:digits/4+digits/2");

    // The flow that waits for the return is another one now.
    let other = flows(&[("main", &MAIN.replace("hello", "hi")), ("account", ACCOUNT), ("closed", CLOSED)]);
    let saved = serde_json::from_str(&text).unwrap();
    assert_eq!(Session::resume(other, saved, caller.now).err(), Some(ResumeError::OtherFlow));
}
