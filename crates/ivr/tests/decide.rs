//! `when` and `set`: what is known of a call decides where it goes.

mod support;

use base::Pii;
use ivr::{Facts, QueueFigures, Session, Value};
use support::{Caller, flow, flows};

const MAIN: &str = "
version: 1
nodes:
  note: {set: {german: \"caller.number.startsWith('+49')\", tries: \"0\"}, next: decide}
  decide:
    when:
      - {if: \"german && dialled == '1000'\", next: ask}
      - {if: \"caller.number == ''\", next: withheld}
      - {otherwise: abroad}
  ask: {call: account, next: known}
  known:
    when:
      - {if: \"account == '4711'\", next: vip}
      - {if: \"tries > 1\", next: abroad}
      - {otherwise: again}
  again: {set: {tries: \"tries + 1\"}, next: ask}
  vip: {play: vip, next: hangup}
  withheld: {play: withheld, next: hangup}
  abroad: {play: abroad, next: hangup}
";
const ACCOUNT: &str = "
version: 1
nodes:
  ask: {collect: {prompt: enter, into: account, digits: 4, exhausted: none}, next: return}
  none: {set: {account: \"''\"}, next: return}
";

fn facts(number: &str) -> Facts {
    Facts { caller_number: Pii::new(number.to_owned()), dialled: "1000".to_owned(), ..Facts::default() }
}

#[test]
fn the_callers_number_and_what_he_typed_in_another_flow_decide() {
    let all = flows(&[("main", MAIN), ("account", ACCOUNT)]);
    let (mut caller, heard) = Caller::known(&all, "main", facts("+4930123"));
    assert_eq!(heard, "@main/note set:german set:tries @main/decide case:1 @main/ask @account/ask play:enter");
    assert_eq!(
        caller.presses("1234"),
        "stop account=1234 @main/known otherwise @main/again set:tries @main/ask @account/ask play:enter"
    );
    assert_eq!(caller.session.variable("tries"), Some(&Value::Integer(1)));
    assert_eq!(caller.presses("4711"), "stop account=4711 @main/known case:1 @main/vip play:vip");

    let (_, heard) = Caller::known(&all, "main", facts(""));
    assert!(heard.ends_with("@main/decide case:2 @main/withheld play:withheld"), "{heard}");
    let (_, heard) = Caller::known(&all, "main", facts("+15551234"));
    assert!(heard.ends_with("@main/decide otherwise @main/abroad play:abroad"), "{heard}");
}

#[test]
fn a_case_that_cannot_be_worked_out_leads_to_otherwise_and_a_variable_becomes_null() {
    let text = "
version: 1
nodes:
  a: {set: {n: \"int(dialled)\", m: \"int('x' + dialled)\"}, next: b}
  b: {when: [{if: \"m > 1\", next: c}, {if: \"true\", next: c}, {otherwise: d}], note: the second is not looked at}
  c: {play: c, next: hangup}
  d: {play: d, next: hangup}
";
    let (caller, heard) = Caller::known(&flow(text), "test", facts("1"));
    assert_eq!(heard, "@a set:n set:m/no_number @b case:1/wrong_kind @d play:d");
    assert_eq!(
        (caller.session.variable("n"), caller.session.variable("m")),
        (Some(&Value::Integer(1000)), Some(&Value::Null))
    );
}

#[test]
fn what_was_known_goes_with_a_session_that_is_written_down() {
    let all = flows(&[("main", MAIN), ("account", ACCOUNT)]);
    let (mut caller, _) = Caller::known(&all, "main", facts("+4930123"));
    let text = serde_json::to_string(&caller.session.save(caller.now)).unwrap();
    assert!(text.contains("+4930123"));
    assert!(!format!("{:?}", caller.session).contains("4930123"), "it is personal data");
    caller.session = Session::resume(all, serde_json::from_str(&text).unwrap(), caller.now).unwrap();
    assert!(caller.presses("4711").ends_with("play:vip"));
}

#[test]
fn how_queues_stand_is_asked_when_it_is_needed_and_then_decides() {
    let all = flow(
        "
version: 1
nodes:
  note: {set: {waiting: \"queues['sales'].waiting + queues['support'].waiting\"}, next: decide}
  decide:
    when:
      - {if: \"queues['sales'].free > 0\", next: free}
      - {if: \"queues['sales'].longest_wait > 60\", next: long}
      - {otherwise: free}
  free: {play: free, next: hangup}
  long: {play: long, next: hangup}
",
    );
    let (mut caller, heard) = Caller::new(&all);
    assert_eq!(heard, "@note figures:sales+support");
    let stand =
        |waiting, seconds, free| QueueFigures { waiting, longest_wait: std::time::Duration::from_secs(seconds), free };
    let heard = caller.queues_stand(&[("sales", stand(2, 0, 0)), ("support", stand(3, 0, 0))]);
    assert_eq!(heard, "set:waiting @decide figures:sales");
    assert_eq!(caller.session.variable("waiting"), Some(&Value::Integer(5)));
    assert_eq!(caller.queues_stand(&[("sales", stand(2, 61, 0))]), "case:2 @long play:long");
    // Told out of place, it changes nothing.
    assert_eq!(caller.queues_stand(&[]), "");

    let (mut caller, _) = Caller::new(&all);
    let saved = caller.session.save(caller.now);
    caller.session = Session::resume(all.clone(), saved, caller.now).unwrap();
    assert_eq!(caller.queues_stand(&[]), "set:waiting/missing @decide figures:sales");
    assert_eq!(caller.queues_stand(&[]), "case:1/missing @free play:free");
}

#[test]
fn a_table_decides_and_gives_its_row() {
    let text = "
version: 1
nodes:
  who:
    when: {value: caller.number, in: areas, by: prefix, into: row, found: {prompt: p, next: kept}, otherwise: {prompt: other, next: hangup}}
  kept: {when: [{if: \"row.name == 'Berlin' && row.key == '+4930'\", next: berlin}, {otherwise: exact}]}
  exact: {when: {value: \"int(dialled) + 1\", in: areas, found: berlin, otherwise: hangup}}
  berlin: {play: berlin, next: hangup}
";
    let rows =
        ivr::Rows::read("areas.csv", b"key,name\n+49,Germany\n+4930,Berlin\n1001,Hall\n", &yaml::Faults::default());
    let rows = [("areas".into(), std::sync::Arc::new(rows.unwrap()))].into();
    let all = std::sync::Arc::new((*flow(text)).clone().with_rows(rows));
    let (mut caller, heard) = Caller::known(&all, "test", facts("+4930123"));
    assert_eq!(heard, "@who case:1 set:row play:p");
    assert_eq!(caller.hears_all(), "@kept case:1 @berlin play:berlin");
    let (mut caller, heard) = Caller::known(&all, "test", facts("+4989123"));
    assert_eq!(heard, "@who case:1 set:row play:p");
    assert_eq!(caller.hears_all(), "@kept otherwise @exact case:1 @berlin play:berlin");
    let (_, heard) = Caller::known(&all, "test", facts("+1"));
    assert_eq!(heard, "@who otherwise play:other");
    // What cannot be looked for leads to `otherwise`, too.
    let no_number = Facts { dialled: "x".to_owned(), ..facts("+4989123") };
    let (mut caller, _) = Caller::known(&all, "test", no_number);
    assert_eq!(caller.hears_all(), "@kept otherwise @exact case:1/no_number hangup:Normal");
}
