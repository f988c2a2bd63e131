//! Texts that flows speak.

#[path = "support/mod.rs"]
mod support;

use base::Pii;
use ivr::Facts;
use support::{Caller, flow, nodes};

fn known() -> Facts {
    Facts { caller_name: Pii::new("Anna".to_owned()), dialled: "1000".to_owned(), ..Facts::default() }
}

#[test]
fn a_text_stands_among_recordings_and_in_a_say() {
    let flows = nodes(
        "  a: {play: [welcome, {text: 'Hello {{ caller.name }}'}], next: b}
  b: {say: ['You called', {digits: x}, {silence: 300ms}, '{{ dialled }}'], next: c}
  c: {say: {prompt: Goodbye, repeat: 2}, next: hangup}
"
        .replace("{digits: x}, ", "")
        .as_str(),
    );
    let (mut caller, heard) = Caller::known(&flows, "test", known());
    assert_eq!(heard, "@a play:welcome+en:“Hello Anna”");
    assert_eq!(caller.hears_all(), "@b play:en:“You called”+300ms+en:“1000”");
    assert_eq!(caller.hears_all(), "@c play:en:“Goodbye”");
    assert_eq!(caller.hears_all(), "play:en:“Goodbye”");
    assert_eq!(caller.hears_all(), "hangup:Normal");
}

#[test]
fn a_text_is_in_the_language_of_the_caller() {
    let flows = nodes(
        "  a: {say: {en: Hello, zh: 你好}, next: b}
  b: {language: zh, next: c}
  c: {play: {text: {en: Hello, zh: '{{ dialled }}你好'}}, next: hangup}
",
    );
    let (mut caller, heard) = Caller::known(&flows, "test", known());
    assert_eq!(heard, "@a play:en:“Hello”");
    assert_eq!(caller.hears_all(), "@b language:zh @c play:zh:“1000你好”");
}

#[test]
fn what_cannot_be_worked_out_is_left_out_and_told() {
    let flows = nodes(
        "  a: {set: {x: '{\"name\": 1}'}, next: b}
  b: {say: ['one', '{{ x.nome }}', '{% if x.name > 1 %}two{% endif %}'], next: c}
  c: {say: '{{ x }}', next: hangup}
",
    );
    let (mut caller, heard) = Caller::new(&flows);
    assert_eq!(heard, "@a set:x @b unsaid:missing play:en:“one”");
    assert_eq!(caller.hears_all(), "@c unsaid:wrong_kind play:200ms");
}

#[test]
fn what_is_to_be_confirmed_can_be_spoken() {
    let flows = nodes(
        "  a:
    collect: {prompt: ask, into: x, digits: 1, confirm: {prompt: {text: 'You typed {{ x }}'}}, exhausted: hangup}
    next: hangup
",
    );
    let (mut caller, _) = Caller::new(&flows);
    assert!(caller.presses("7").ends_with("play:en:“You typed 7”"));
}

#[test]
fn texts_that_never_change_are_known_before_a_call() {
    let flows = flow(
        "version: 1\nnodes:\n  a: {say: [' Hello  there', {en: 'x {{ dialled }}', zh: 你好}, {text: Bye}], next: hangup}\n",
    );
    let flow = flows.get("test").unwrap();
    let fixed = flow.texts().iter().flat_map(|text| text.fixed());
    let fixed: Vec<String> =
        fixed.map(|(language, text)| format!("{}:{text}", language.map_or("", |name| name))).collect();
    assert_eq!(fixed, [":Hello there", "zh:你好", ":Bye"]);
}
