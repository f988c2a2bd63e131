//! What operators are told is true: the example of `config/README.md` passes the check, and no key of the language is left out.

mod support;

use support::{Caller, flow};

const README: &str = include_str!("../../../config/README.md");

fn flows_part() -> &'static str {
    let part = README.split("\n## ").find(|part| part.starts_with("`flows/NAME.yaml`"));
    part.unwrap_or_default()
}

#[test]
fn the_example_passes_the_check_and_plays() {
    let example = flows_part().split("```").nth(1).and_then(|block| block.strip_prefix("yaml\n")).unwrap();
    let (mut caller, heard) = Caller::new(&flow(example));
    assert_eq!(heard, "@welcome play:welcome");
    assert_eq!(caller.presses("1"), "stop @main @sales record:start @sales-queue queue:sales");
}

#[test]
fn the_example_of_conditions_passes_the_check() {
    let example = flows_part().split("```").nth(3).and_then(|block| block.strip_prefix("yaml\n")).unwrap();
    let others: String = ["german", "vip", "main"]
        .iter()
        .map(|name| format!("  {name}: {{play: {name}, next: {name}-end}}\n  {name}-end: {{hangup: normal}}\n"))
        .collect();
    let start = "  start: {set: {tries: \"0\", account: \"'4711'\"}, next: who}\n";
    let (_, heard) = Caller::new(&flow(&format!("version: 1\nnodes:\n{start}{example}{others}")));
    assert_eq!(heard, "@start set:tries set:account @who case:2 @vip play:vip");
}

#[test]
fn the_example_of_tables_passes_the_check() {
    let example = flows_part().split("```").nth(5).and_then(|block| block.strip_prefix("yaml\n")).unwrap();
    let others: String = ["greet", "near", "main"]
        .iter()
        .map(|name| format!("  {name}: {{play: p, next: {name}-end}}\n  {name}-end: {{hangup: normal}}\n"))
        .collect();
    let start = "  start: {menu: {prompt: p, keys: {1: vip, 2: area}, exhausted: hangup}}\n";
    let (_, heard) = Caller::new(&flow(&format!("version: 1\nnodes:\n{start}{example}{others}")));
    assert_eq!(heard, "@start play:p");
}

#[test]
fn the_example_of_callbacks_passes_the_check() {
    let example = flows_part().split("```").nth(11).and_then(|block| block.strip_prefix("yaml\n")).unwrap();
    let others: String = ["sorry", "we-call-you"]
        .iter()
        .map(|name| format!("  {name}: {{play: p, next: {name}-end}}\n  {name}-end: {{hangup: normal}}\n"))
        .collect();
    let (_, heard) = Caller::new(&flow(&format!("version: 1\nnodes:\n{example}{others}")));
    assert_eq!(heard, "@sales queue:sales");
}

#[test]
fn the_example_of_questions_passes_the_check() {
    let example = flows_part().split("```").nth(13).and_then(|block| block.strip_prefix("yaml\n")).unwrap();
    let others: String = ["sales", "fax", "rooms", "goodbye"]
        .iter()
        .map(|name| format!("  {name}: {{play: p, next: {name}-end}}\n  {name}-end: {{hangup: normal}}\n"))
        .collect();
    let start = "  start: {menu: {prompt: p, keys: {1: main, 2: card, 3: account}, exhausted: goodbye}}\n";
    let (_, heard) = Caller::new(&flow(&format!("version: 1\nnodes:\n{start}{example}{others}")));
    assert_eq!(heard, "@start play:p");
}

#[test]
fn the_example_of_web_servers_passes_the_check() {
    let example = flows_part().split("```").nth(9).and_then(|block| block.strip_prefix("yaml\n")).unwrap();
    let others: String = ["greet", "main"]
        .iter()
        .map(|name| format!("  {name}: {{play: p, next: {name}-end}}\n  {name}-end: {{hangup: normal}}\n"))
        .collect();
    let (_, heard) = Caller::new(&flow(&format!("version: 1\nnodes:\n{example}{others}")));
    assert_eq!(heard, "@look-up GET:https://crm.example/customers?number= loop:one-moment");
}

#[test]
fn every_key_is_explained() {
    let keys = [
        "version",
        "start",
        "nodes",
        "note",
        "next",
        "play",
        "say",
        "menu",
        "collect",
        "hours",
        "queue",
        "callback",
        "dial",
        "voicemail",
        "mailbox",
        "transfer",
        "survey",
        "record",
        "language",
        "when",
        "set",
        "http",
        "call",
        "goto",
        "hangup",
        "return",
    ];
    let options = [
        "prompt",
        "repeat",
        "barge_in",
        "type_ahead",
        "timeout",
        "attempts",
        "no_input",
        "wrong_input",
        "exhausted",
        "keys",
        "into",
        "digits",
        "end_key",
        "direct_dial",
        "check",
        "invalid",
        "confirm",
        "scale",
        "secret",
        "users",
        "prefix",
        "digit_timeout",
        "calendar",
        "open",
        "break",
        "holiday",
        "closed",
        "emergency",
        "if",
        "otherwise",
        "value",
        "in",
        "by",
        "found",
        "name",
        "max_wait",
        "hear",
        "priority",
        "skills",
        "announce",
        "timed_out",
        "full",
        "no_agents",
        "closed",
        "user",
        "number",
        "ring_time",
        "busy",
        "no_answer",
        "declined",
        "failed",
        "greeting",
        "max_time",
        "silence",
        "review",
        "empty",
        "menu",
        "denied",
    ];
    for key in keys {
        assert!(flows_part().contains(&format!("{key}:")) || flows_part().contains(&format!("`{key}`")), "{key}");
    }
    for key in options {
        let row = flows_part().lines().any(|line| line.starts_with("| `") && line.contains(&format!("`{key}`")));
        assert!(row, "no row for {key}");
    }
}
