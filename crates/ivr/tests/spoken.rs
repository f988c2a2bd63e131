//! What a caller hears of what he typed, and in which language.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

mod support;

use std::sync::Arc;

use ivr::{Flows, Languages, Session, Table, shipped_table};
use support::{Caller, nodes};
use yaml::{Faults, Source};

/// A company with English and Mandarin.
fn in_two_languages(text: &str) -> Arc<Flows> {
    let table = |language: &str| {
        let source = Source::new("table.yaml", shipped_table(language).unwrap());
        Arc::new(Table::read(language, &source, &Faults::default()).unwrap())
    };
    let languages = Languages::new("en".into(), ["en", "zh"].map(table));
    Arc::new(Flows::clone(&nodes(text)).with_languages(languages))
}

/// Asks for something and says it back by `items`.
fn read_back(items: &str) -> Arc<Flows> {
    in_two_languages(&format!(
        "  ask: {{collect: {{prompt: q, into: x, digits: 1-12, exhausted: hangup}}, next: say}}
  say: {{play: [{items}], next: again}}
  again: {{menu: {{prompt: m, keys: {{1: ask, 2: mandarin}}, exhausted: hangup}}}}
  mandarin: {{language: zh, next: say}}"
    ))
}

#[test]
fn the_same_item_is_said_in_the_language_of_the_caller() {
    let (mut caller, heard) = Caller::new(&read_back("a, {number: x}, {silence: 500ms}, b"));
    assert_eq!(heard, "@ask play:q");
    assert_eq!(
        caller.presses("215#"),
        "stop x=215 @say play:a+numbers/2+numbers/hundred+numbers/and+numbers/15+500ms+b"
    );
    assert_eq!(caller.session.language(), "en");
    assert_eq!(caller.hears_all(), "@again play:m");
    let heard = caller.presses("2");
    assert_eq!(
        heard,
        "stop @mandarin language:zh @say play:a+numbers/2+numbers/hundred+numbers/1+numbers/10+numbers/5+500ms+b"
    );
    assert_eq!(caller.session.language(), "zh");
}

#[test]
fn each_item_is_said_as_what_it_is() {
    let items = "{digits: x}, {money: x, currency: EUR}, {date: x}, {time: x, clock: 24}, {spell: x}";
    let (mut caller, _) = Caller::new(&read_back(items));
    let digits = "digits/1+digits/2+digits/3+digits/0";
    // 1230 is no date: its digits are read.
    let heard = caller.presses("1230#").replace(digits, "DIGITS");
    assert_eq!(
        heard,
        "stop x=1230 @say play:DIGITS+numbers/1+numbers/thousand+numbers/2+numbers/hundred+numbers/and+numbers/30+currencies/euros\
         +DIGITS+numbers/12+numbers/30+DIGITS"
    );
}

#[test]
fn a_saved_session_keeps_its_language() {
    let flows = read_back("{number: x}");
    let (mut caller, _) = Caller::new(&flows);
    caller.presses("2#");
    caller.hears_all();
    assert_eq!(caller.presses("2"), "stop @mandarin language:zh @say play:numbers/2");
    let saved = serde_json::to_string(&caller.session.save(caller.now)).unwrap();
    let session = Session::resume(flows, serde_json::from_str(&saved).unwrap(), caller.now).unwrap();
    assert_eq!(session.language(), "zh");
}

#[test]
fn a_driver_may_choose_the_language() {
    let flows = in_two_languages("  a: {play: p, next: hangup}");
    let mut session = Session::new(flows, "test").unwrap();
    assert_eq!(session.language(), "en");
    session.set_language("zh");
    assert_eq!(session.language(), "zh");
}
