//! `http`: asks a web server, on a virtual clock.

mod support;

use ivr::Value;
use ivr::web::Failure;
use support::{Caller, nodes};

const ASK: &str = "
  ask:
    http:
      get: https://crm.example/customers?v=1
      query: {number: \"'+49 30'\", limit: \"1\"}
      timeout: 2s
      hear: music
      take: {name: \"reply.items[0].name\", code: status}
      failed: {prompt: sorry, next: why}
    next: end
  end: {play: bye, next: hangup}
  why:
    when:
      - {if: \"http.failure == 'status' && http.status == 404\", next: nobody}
      - {if: \"http.failure == 'timeout'\", next: late}
      - {otherwise: hangup}
  nobody: {play: nobody, next: hangup}
  late: {play: late, next: hangup}
";
const REQUEST: &str = "@ask GET:https://crm.example/customers?v=1&number=%2B49%2030&limit=1 loop:music";

#[test]
fn what_is_taken_of_an_answer_is_kept() {
    let (mut caller, heard) = Caller::new(&nodes(ASK));
    assert_eq!(heard, REQUEST);
    let heard = caller.server_says(200, "{\"items\": [{\"name\": \"Ada\"}]}");
    assert_eq!(heard, "stop http:200 set:name set:code @end play:bye");
    assert_eq!(caller.session.variable("name"), Some(&Value::from("Ada")));
    assert_eq!(caller.session.variable("code"), Some(&Value::Integer(200)));
    // An answer out of place changes nothing.
    assert_eq!(caller.server_says(500, ""), "");
}

#[test]
fn an_answer_that_does_not_come_in_time_is_given_up() {
    let (mut caller, _) = Caller::new(&nodes(ASK));
    assert_eq!(caller.waits(), (2000, "cancel stop http:-/timeout set:name set:code play:sorry".to_owned()));
    assert_eq!(caller.session.variable("name"), Some(&Value::Null));
    assert_eq!(caller.server_says(200, "{\"items\": [{\"name\": \"Ada\"}]}"), "");
    assert_eq!(caller.hears_all(), "@why case:2 @late play:late");
}

#[test]
fn a_failure_leads_where_it_says_and_conditions_can_tell_it() {
    let cases = [
        (404, "{}", "status"),
        (302, "{\"items\": []}", "status"),
        (200, "<html>", "not_json"),
        (200, "{\"items\": []}", "take"),
    ];
    for (status, body, word) in cases {
        let (mut caller, _) = Caller::new(&nodes(ASK));
        assert_eq!(caller.server_says(status, body), format!("stop http:{status}/{word} set:name set:code play:sorry"));
    }
    let (mut caller, _) = Caller::new(&nodes(ASK));
    caller.server_says(404, "");
    assert_eq!(caller.hears_all(), "@why case:1 @nobody play:nobody");
    let (mut caller, _) = Caller::new(&nodes(ASK));
    assert_eq!(caller.request_fails(Failure::Refused), "stop http:-/refused set:name set:code play:sorry");
    assert_eq!(caller.hears_all(), "@why otherwise hangup:Normal");
}

#[test]
fn a_post_sends_json_and_who_takes_nothing_cares_for_the_status_alone() {
    let text = "
  ask: {http: {post: \"http://127.0.0.1:8080\", send: {number: dialled, list: \"[1, 'a']\"}, failed: hangup}, next: end}
  end: {play: bye, next: hangup}
";
    let (mut caller, heard) = Caller::new(&nodes(text));
    assert_eq!(heard, "@ask POST:http://127.0.0.1:8080/={\"list\":[1,\"a\"],\"number\":\"\"}");
    assert_eq!(caller.server_says(204, ""), "http:204 @end play:bye");
}

#[test]
fn what_cannot_be_worked_out_is_not_sent() {
    let text = "
  ask: {http: {get: \"https://crm.example/\", query: {x: \"1 / int(dialled)\"}, failed: end}, next: hangup}
  end: {play: bye, next: hangup}
";
    let (_, heard) = Caller::new(&nodes(text));
    assert_eq!(heard, "@ask http:-/send @end play:bye");
}

#[test]
fn keys_that_are_pressed_meanwhile_count_for_what_follows() {
    let text = "
  ask: {http: {get: \"https://crm.example/\", failed: menu}, next: menu}
  menu: {menu: {prompt: choose, keys: {1: one}, exhausted: hangup}}
  one: {play: one, next: hangup}
";
    let (mut caller, _) = Caller::new(&nodes(text));
    assert_eq!(caller.presses("1"), "");
    assert_eq!(caller.server_says(200, ""), "http:200 @menu @one play:one");
}
