//! Callers who wait: what becomes of them until somebody talks with them.

use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::sound;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

/// An agent who answers and repeats what he hears, and the contact of his phone.
fn agent(ports: &mut Ports, folder: &std::path::Path) -> (Sipp, String) {
    let (port, media) = (ports.take(2), ports.take(4));
    let sipp = Sipp::answering("agent_answers", port, media, folder, &["-rtp_echo"]);
    (sipp, format!("sip:agent@127.0.0.1:{port}"))
}

#[test]
fn the_agent_is_told_of_the_call_while_the_caller_hears_music_and_then_they_talk() {
    let mut ports = Ports::slices(2);
    // The agent is a phone of our own, which tells when it hears what.
    let mut agent = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let contact = format!("sip:agent1@{}", agent.address());
    let mut company = Company::new(&ports).agent(&contact);
    company.queue.insert("whisper", "goodbye".to_owned());
    let switch = Switch::start(&company);
    agent.set_switch(switch.address());
    let mut caller = Phone::new(switch.address(), &mut ports);
    let start = Instant::now();
    let mut dialog = caller.call("1000");
    caller.media.wait_for_tone(tones::WELCOME, start, SOON);
    caller.media.press("1");
    caller.media.say(Some(tones::CALLER));
    agent.media.say(Some(tones::AGENT));
    agent.take_call(SOON);
    let answered = Instant::now();
    agent.media.wait_for_tone(tones::GOODBYE, answered, SOON);
    agent.media.wait_for_tone(tones::CALLER, answered, SOON);
    let talk = Instant::now();
    caller.media.wait_for_tone(tones::AGENT, answered, SOON);
    let whispered = agent.media.heard_since(answered);
    let told = sound::heard(&whispered, tones::GOODBYE).expect("he was told");
    let heard = sound::heard(&whispered, tones::CALLER).expect("he hears the caller");
    assert!(told.to <= heard.from, "one after the other: {told:?}, {heard:?}");
    // The caller heard music until then, nothing of what the agent was told, and not the agent before.
    let his = caller.media.heard_since(answered);
    assert_eq!(sound::heard(&his, tones::GOODBYE), None);
    let music = sound::heard(&his, tones::MUSIC).expect("music");
    let agents = sound::heard(&his, tones::AGENT).expect("the agent");
    assert!(music.to <= agents.from + 0.1, "{music:?}, {agents:?}");
    pause(Duration::from_secs(1).saturating_sub(talk.elapsed()));
    assert_eq!(caller.bye(&mut dialog).status(), Some(200));
    agent.wait_for_request("BYE", SOON);
    let cdr = switch.wait_for_cdr();
    assert_eq!(cdr["recordings"].as_array().map(Vec::len), Some(1), "{cdr:#}");
    switch.assert_quiet();
}

/// agent1 serves `sales`, from which callers go on to `support` after two seconds, and agent2 that.
#[test]
fn who_waits_for_long_goes_on_to_another_queue_and_keeps_his_place() {
    let mut ports = Ports::slices(2);
    let folder = tempfile::tempdir().expect("a folder");
    let ((mut first, one), (mut second, two)) = (agent(&mut ports, folder.path()), agent(&mut ports, folder.path()));
    let mut company = Company::new(&ports).agent(&one).agent(&two);
    company.queue.insert("agents", "[agent1]".to_owned());
    company.queue.insert("overflow", "[{ after: 2s, to: support }]".to_owned());
    company.queue.insert("wrap_up", "1m".to_owned());
    company.queues.insert("support", "{ agents: [agent2], music: hold, wrap_up: 0s }".to_owned());
    company.numbers.insert("2001", "{ queue: support }".to_owned());
    let switch = Switch::start(&company);
    let mut call = |number: &str| {
        let mut phone = Phone::new(switch.address(), &mut ports);
        let dialog = phone.call(number);
        (phone, dialog)
    };
    let talks = |phone: &mut Phone| {
        phone.media.say(Some(tones::CALLER));
        phone.media.wait_for_tone(tones::CALLER, Instant::now(), SOON);
    };
    // Both agents talk.
    let (mut ann, mut anns) = call("2000");
    talks(&mut ann);
    let (mut bob, mut bobs) = call("2001");
    talks(&mut bob);
    // One waits for sales, then another for support; the first goes on to support, and stands before the other.
    let start = Instant::now();
    let (mut early, mut earlys) = call("2000");
    early.media.wait_for_tone(tones::MUSIC, start, SOON);
    pause(Duration::from_millis(500));
    let (mut late, mut lates) = call("2001");
    early.media.wait_for_tone(tones::HOLD, start, SOON);
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!(bob.bye(&mut bobs).status(), Some(200));
    talks(&mut early);
    assert_eq!(early.bye(&mut earlys).status(), Some(200));
    talks(&mut late);
    assert_eq!(late.bye(&mut lates).status(), Some(200));
    assert_eq!(ann.bye(&mut anns).status(), Some(200));
    first.wait_for_successes(1, SOON);
    second.wait_for_successes(3, SOON);
    let cdrs = switch.wait_for_cdrs(4);
    let moved: Vec<_> = cdrs.iter().filter(|cdr| cdr["visits"].as_array().is_some_and(|all| all.len() == 2)).collect();
    assert_eq!(moved.len(), 1, "{cdrs:#?}");
    let visits = &moved[0]["visits"];
    let (first, second) = (&visits[0], &visits[1]);
    assert_eq!((first["queue"].as_str(), first["left"].as_str()), (Some("sales"), Some("overflowed")), "{visits:#}");
    assert_eq!((second["queue"].as_str(), second["agent"].as_str()), (Some("support"), Some("agent2")), "{visits:#}");
    assert!(moved[0]["wait_ms"].as_u64() >= Some(2_000), "{:#}", moved[0]);
    let left = switch.events("queue_left");
    let reasons: Vec<_> = left.iter().filter_map(|event| event["reason"].as_str()).collect();
    assert_eq!(reasons, ["waited for 2 s"]);
    switch.assert_quiet();
}

const NUMBER: &str = "+4930123";

/// The agent is a phone of our own; the carrier is SIPp, which repeats what it hears.
struct CallingBack {
    ports: Ports,
    switch: Switch,
    agent: Phone,
    carrier: Sipp,
    _folder: tempfile::TempDir,
}

fn calling_back(carrier: &str) -> CallingBack {
    let mut ports = Ports::slices(2);
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let carrier = Sipp::answering(carrier, port, media, folder.path(), &["-rtp_echo"]);
    let mut agent = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let mut company = Company::new(&ports).agent(&format!("sip:agent1@{}", agent.address()));
    company.carrier = Some(port);
    company
        .grants
        .insert("back", "{ flows: wait, prefixes: \"+49\", trunk: carrier, at_once: 1, minutes_a_day: 10 }".to_owned());
    company.hours = Some("calendars: { always: { zone: Europe/Berlin, week: { monday-sunday: 00:00-24:00 } } }\n");
    company.queue.insert("wrap_up", "0s".to_owned());
    company.queue.insert("empty", "{ join: always }".to_owned());
    let wait = "version: 1
nodes:
  wait:
    queue: { name: sales, keys: { 1: call-me } }
    next: hangup
  call-me:
    callback: { queue: sales, hours: always, attempts: 2, retry: 1m, refused: hangup }
    next: bye
  bye:
    play: goodbye
    next: hangup
";
    company.flows = [("wait", wait.to_owned())].into();
    company.numbers =
        [("1003", "{ flow: wait }"), ("2000", "{ queue: sales }")].map(|(n, to)| (n, to.to_owned())).into();
    let switch = Switch::start(&company);
    agent.set_switch(switch.address());
    CallingBack { ports, switch, agent, carrier, _folder: folder }
}

impl CallingBack {
    /// Somebody who waits presses a key, hears that he will be called back, and is hung up on.
    fn wants(&mut self) {
        let mut caller = Phone::new(self.switch.address(), &mut self.ports);
        let start = Instant::now();
        caller.call_as(NUMBER, "1003");
        caller.media.wait_for_tone(tones::MUSIC, start, SOON);
        caller.media.press("1");
        caller.media.wait_for_tone(tones::GOODBYE, start, SOON);
        caller.wait_for_request("BYE", SOON);
    }

    fn steps(&self) -> Vec<String> {
        let events = self.switch.events("callback");
        events.iter().map(|event| event["step"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[test]
fn who_wants_no_longer_to_wait_is_called_back_through_the_carrier_in_his_turn() {
    let mut s = calling_back("agent_answers");
    // The agent talks with somebody else.
    let mut other = Phone::new(s.switch.address(), &mut s.ports);
    let mut others = other.call("2000");
    s.agent.take_call(SOON);
    s.wants();
    assert_eq!(s.steps(), ["promised"]);
    let listed = s.switch.told(&["callbacks"]);
    assert!(listed.contains(NUMBER) && listed.contains("in line") && listed.ends_with("1 callback\n"), "{listed}");
    assert_eq!(other.bye(&mut others).status(), Some(200));
    s.agent.wait_for_request("BYE", SOON);
    // His turn: the agent answers, then the carrier is called, which repeats what the agent says.
    s.agent.media.say(Some(tones::AGENT));
    let start = Instant::now();
    s.agent.take_call(SOON);
    s.agent.media.wait_for_tone(tones::AGENT, start, SOON);
    pause(Duration::from_secs(1));
    assert!(s.switch.told(&["callbacks"]).ends_with("1 callback\n"), "until it is over");
    let cdrs = s.switch.cdrs();
    assert!(cdrs.iter().all(|cdr| cdr["direction"] != "outbound"), "{cdrs:#?}");
    let live = s.switch.told(&["calls", "--json"]);
    let call: serde_json::Value = serde_json::from_str(live.lines().next().expect("a call")).expect("JSON");
    s.switch.told(&["hangup", call["call"].as_str().expect("an id")]);
    s.carrier.wait_for_successes(1, SOON);
    let cdrs = s.switch.wait_for_cdrs(3);
    let back = cdrs.iter().find(|cdr| cdr["direction"] == "outbound").expect("a call out");
    let facts = (back["to"].as_str(), back["agent"].as_str(), back["disposition"].as_str());
    assert_eq!(facts, (Some(NUMBER), Some("agent1"), Some("answered")), "{back:#}");
    assert_eq!(back["outside"][0]["grant"].as_str(), Some("back"), "{back:#}");
    assert_eq!(s.steps(), ["promised", "begun", "reached"]);
    assert!(s.switch.told(&["callbacks"]).ends_with("0 callbacks\n"));
    s.switch.assert_quiet();
}

#[test]
fn a_promise_to_call_back_outlives_kill_9_and_a_busy_line_and_can_be_taken_back() {
    let mut s = calling_back("agent_busy");
    s.switch.told(&["agents", "logout", "agent1"]);
    s.wants();
    s.switch.wait_for_event("callback", 1, SOON);
    pause(Duration::from_millis(500));
    s.switch.restart();
    s.agent.set_switch(s.switch.address());
    assert!(s.switch.told(&["callbacks"]).contains(NUMBER), "it is kept");
    s.switch.told(&["agents", "login", "agent1"]);
    s.agent.take_call(SOON);
    s.carrier.wait_for_successes(1, SOON);
    s.agent.wait_for_request("BYE", SOON);
    let missed = s.switch.wait_for_event("callback", 3, SOON);
    assert_eq!((missed["step"].as_str(), missed["left"].as_u64()), (Some("missed"), Some(1)), "{missed:#}");
    let listed = s.switch.told(&["callbacks"]);
    assert!(listed.contains("not before"), "{listed}");
    let name = listed.lines().nth(1).and_then(|line| line.split_whitespace().next()).expect("a name").to_owned();
    assert_eq!(s.switch.told(&["callbacks", "cancel", &name]), format!("callback {name} is cancelled\n"));
    assert!(s.switch.told(&["callbacks"]).ends_with("0 callbacks\n"));
    s.switch.assert_quiet();
}
