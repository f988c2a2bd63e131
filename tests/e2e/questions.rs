//! What a caller types, by SIPp: keys of several digits, extensions, digits that are confirmed, typed ahead or a secret.

use std::path::Path;
use std::time::Duration;

use tests::company::{Company, tones};
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::sound;
use tests::switch::Switch;
use tests::wait::SOON;

/// A company whose number 1005 leads to a flow of these nodes.
fn asking(company: Company, nodes: &str) -> Switch {
    let mut company = company;
    company.flows.insert("ask", format!("version: 1\nnodes:\n{nodes}"));
    company.numbers.insert("1005", "{ flow: ask }".to_owned());
    Switch::start(&company)
}

/// SIPp calls 1005, types `keys` after so many milliseconds, and is hung up on.
fn types(switch: &Switch, ports: &mut Ports, scenario: &str, wait: &str, keys: &str) {
    let (port, media) = (ports.take(2), ports.take(6));
    let options = ["-m", "1", "-d", wait, "-key", "keys", keys];
    Sipp::calling(scenario, "1005", switch.address(), port, media, switch.folder(), &options)
        .succeed(Duration::from_secs(60));
}

fn nodes(switch: &Switch) -> Vec<String> {
    switch.wait_for_cdr();
    let nodes = switch.events("node_entered");
    nodes.iter().filter_map(|event| Some(event["node"].as_str()?.to_owned())).collect()
}

const MENU: &str = "
  menu:
    menu:
      prompt: welcome
      keys: { 1: one, 12: twelve, 20-29: twenties }
      digit_timeout: 2s
      direct_dial: { digits: 4, next: goodbye }
      exhausted: one
  one: { hangup: busy }
  twelve: { hangup: normal }
  twenties: { hangup: rejected }
  goodbye: { play: goodbye, next: hangup }
";

#[test]
fn keys_of_several_digits_lead_on_and_cut_the_prompt_short() {
    for (keys, node) in [("1", "one"), ("12", "twelve"), ("27", "twenties")] {
        let mut ports = Ports::slice();
        let switch = asking(Company::new(&ports), MENU);
        types(&switch, &mut ports, "caller_types", "300", keys);
        assert_eq!(nodes(&switch), ["menu", node], "{keys}");
        switch.assert_quiet();
    }
}

#[test]
fn an_extension_that_is_typed_in_a_menu_rings_its_users_phone() {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let mut agent = Sipp::answering("callee_hangs_up", port, media, folder.path(), &["-m", "1", "-d", "1000"]);
    let switch = asking(Company::new(&ports).agent(&format!("sip:agent1@127.0.0.1:{port}")), MENU);
    types(&switch, &mut ports, "caller_types", "300", "3000");
    agent.succeed(SOON);
    assert_eq!(nodes(&switch), ["menu", "goodbye"]);
    switch.assert_quiet();
}

#[test]
fn digits_are_kept_once_they_are_confirmed() {
    let mut ports = Ports::slice();
    let nodes = "
  ask:
    collect:
      prompt: welcome
      into: account
      digits: 4
      confirm: { prompt: [welcome, { digits: account }], yes: 1, no: 2 }
      exhausted: hangup
    next: hangup
";
    let switch = asking(Company::new(&ports), nodes);
    // Denied, typed anew and confirmed.
    types(&switch, &mut ports, "caller_types", "300", "4711247121");
    switch.wait_for_cdr();
    let collected = switch.events("collected");
    assert_eq!(collected.len(), 1, "{collected:?}");
    assert_eq!((collected[0]["variable"].as_str(), collected[0]["digits"].as_str()), (Some("account"), Some("4712")));
}

#[test]
fn keys_that_are_typed_ahead_count_unless_the_node_throws_them_away() {
    for (policy, expected) in [("keep", vec!["4711"]), ("discard", vec![])] {
        let mut ports = Ports::slice();
        let nodes = format!(
            "
  first: {{ play: {{ prompt: [welcome, welcome], barge_in: false }}, next: ask }}
  ask:
    collect: {{ prompt: welcome, into: account, digits: 4, type_ahead: {policy}, timeout: 1s, attempts: 1, exhausted: hangup }}
    next: hangup
"
        );
        let switch = asking(Company::new(&ports), &nodes);
        types(&switch, &mut ports, "caller_types", "300", "4711");
        switch.wait_for_cdr();
        assert_eq!(switch.events("digit").len(), 4, "all came");
        let collected = switch.events("collected");
        let digits: Vec<_> = collected.iter().filter_map(|event| event["digits"].as_str()).collect();
        assert_eq!(digits, expected, "{policy}");
    }
}

/// Every file below a folder that holds one of these texts.
fn files_with(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, texts));
        } else if path.extension().is_none_or(|ending| ending != "wav") {
            let octets = std::fs::read(&path).unwrap_or_default();
            for text in texts {
                let at = (0..octets.len())
                    .find(|&at| octets[at..].starts_with(text.as_bytes()) && stands(&octets, at, text));
                let around = |at: usize| {
                    String::from_utf8_lossy(&octets[at.saturating_sub(60)..octets.len().min(at + 60)]).into_owned()
                };
                found.extend(at.map(|at| format!("{text} in {}: {}", path.display(), around(at))));
            }
        }
    }
    found
}

/// False for digits that are so by chance: within a longer word, as an id or a port is, or as a number of JSON, as times are. Keys are
/// text.
fn stands(octets: &[u8], at: usize, text: &str) -> bool {
    let before = at.checked_sub(1).map_or(b' ', |before| octets[before]);
    let behind = octets.get(at + text.len()).copied().unwrap_or(b' ');
    !text.bytes().all(|octet| octet.is_ascii_digit())
        || !(before.is_ascii_alphanumeric() || behind.is_ascii_alphanumeric() || matches!(before, b':' | b'.'))
}

#[test]
fn a_secret_is_in_no_file_and_the_recording_is_silent_while_it_is_typed() {
    let mut ports = Ports::slice();
    let nodes = "
  begin: { record: start, next: hello }
  hello: { play: { prompt: [welcome, welcome], barge_in: false }, next: ask }
  ask:
    collect: { prompt: nothing, into: card, digits: 8, secret: true, exhausted: hangup }
    next: after
  after: { play: { prompt: [goodbye, welcome, welcome], barge_in: false }, next: hangup }
";
    let switch = asking(Company::new(&ports), nodes);
    types(&switch, &mut ports, "caller_types_a_secret", "5500", "4711");
    switch.wait_for_cdr();
    let digits = switch.events("digit");
    assert_eq!(digits.len(), 8, "all came: {digits:?}");
    assert!(digits.iter().all(|event| event.get("key").is_none()), "{digits:?}");
    let collected = switch.events("collected");
    assert!(collected.len() == 1 && collected[0].get("digits").is_none(), "{collected:?}");
    let (began, ended) = (switch.events("mask_began"), switch.events("mask_ended"));
    assert_eq!((began.len(), ended.len()), (1, 1));
    switch.told(&["trace", collected[0]["call"].as_str().expect("an id")]);
    // As numbers that the four keys of each way are, and as a message or an event has one.
    let texts = [
        "4711",
        "9863",
        "47119863",
        "98634711",
        "Signal=9",
        "Signal=8",
        "Signal=6",
        "Signal=3",
        "\"key\":\"",
        "\"digits\":\"",
    ];
    assert_eq!(files_with(&switch.data(), &texts), Vec::<String>::new());

    let files = switch.recordings();
    let [left, right] = sound::read_wav(&files[0]).try_into().expect("stereo");
    let asked = sound::heard(&right, tones::NOTHING).expect("what he is asked is recorded").from;
    let told = sound::heard(&right, tones::GOODBYE).expect("what follows is recorded").from;
    assert!(told - asked > 2.0, "from {asked} to {told}");
    let energy = |from: f64, to: f64| {
        let part = &left[sound::samples(from)..sound::samples(to)];
        (part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / part.len() as f64).sqrt()
    };
    let (before, during, tail) = (energy(1.0, asked - 0.2), energy(asked, told), energy(told, told + 0.9));
    let after = energy(told + 1.4, told + 2.4);
    assert!(before > 300.0 && after > 300.0, "he talks: {before} before, {after} after");
    assert!(during == 0.0 && tail == 0.0, "not a sample: {during} while he is asked, {tail} behind the last key");
}
