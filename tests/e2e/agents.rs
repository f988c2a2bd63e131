//! Agents who are busy, decline, never answer, or vanish: the next one gets the call, and nobody is stuck.

use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

struct Scene {
    ports: Ports,
    switch: Switch,
    first: Sipp,
    second: Sipp,
    /// The first agent's ports, for SIP and audio.
    place: (u16, u16),
    folder: tempfile::TempDir,
}

/// Two agents: the first behaves as `scenario` says, the second answers and repeats what he hears.
fn scene(scenario: &str) -> Scene {
    scene_with(scenario, &[("return_time", "15s")])
}

/// As [`scene`], with these lines of the queue.
fn scene_with(scenario: &str, queue: &[(&'static str, &str)]) -> Scene {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let mut agent = |scenario: &str, options: &[&str]| {
        let (port, media) = (ports.take(2), ports.take(4));
        (Sipp::answering(scenario, port, media, folder.path(), options), (port, media))
    };
    let (first, place) = agent(scenario, &["-rtp_echo"]);
    let (second, other) = agent("agent_answers", &["-rtp_echo"]);
    let contact = |port: u16| format!("sip:agent@127.0.0.1:{port}");
    let mut company = Company::new(&ports).agent(&contact(place.0)).agent(&contact(other.0));
    company.media.insert("silence", "5s".to_owned());
    company.queue.insert("ring_time", "3s".to_owned());
    company.queue.extend(queue.iter().map(|(key, value)| (*key, (*value).to_owned())));
    let switch = Switch::start(&company);
    Scene { ports, switch, first, second, place, folder }
}

/// The first agent is tried and ends as `outcome`; the second one answers, the caller hears him, and hangs up.
fn second_answers(scenario: &str, outcome: &str) {
    let Scene { mut ports, switch, mut first, mut second, folder: _folder, .. } = scene(scenario);
    let mut phone = Phone::new(switch.address(), &mut ports);
    phone.media.say(Some(tones::CALLER));
    let start = Instant::now();
    let mut dialog = phone.call("1003");
    // His own tone comes back once the agent who repeats it is on the line.
    phone.media.wait_for_tone(tones::CALLER, start, SOON);
    pause(Duration::from_secs(1));
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    first.wait_for_successes(1, SOON);
    second.wait_for_successes(1, SOON);
    let cdr = switch.wait_for_cdr();
    let facts = (cdr["disposition"].as_str(), cdr["agent"].as_str(), cdr["offers"].as_u64());
    assert_eq!(facts, (Some("answered"), Some("agent2"), Some(2)), "{cdr:#}");
    let offers = switch.events("offer_ended");
    let told: Vec<_> =
        offers.iter().map(|o| (o["agent"].as_str().unwrap_or(""), o["outcome"].as_str().unwrap_or(""))).collect();
    assert_eq!(told, [("agent1", outcome), ("agent2", "answered")]);
    switch.assert_quiet();
}

#[test]
fn a_busy_agent_is_passed_over() {
    second_answers("agent_busy", "busy");
}

#[test]
fn an_agent_who_declines_is_passed_over() {
    second_answers("agent_declines", "declined");
}

#[test]
fn an_agent_who_never_answers_is_cancelled_and_passed_over() {
    second_answers("agent_rings", "no_answer");
}

#[test]
fn an_agent_whose_phone_is_gone_is_passed_over() {
    let Scene { mut ports, switch, mut first, mut second, folder: _folder, .. } = scene("agent_answers");
    first.vanish();
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.call("1003");
    // Either the system says that nobody listens there, or the INVITE runs into the ring time.
    second_on_the_line(&mut phone);
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    second.wait_for_successes(1, SOON);
    let outcome = switch.events("offer_ended")[0]["outcome"].clone();
    assert!(["unreachable", "no_answer"].contains(&outcome.as_str().unwrap_or_default()), "{outcome}");
    switch.assert_quiet();
}

fn second_on_the_line(phone: &mut Phone) {
    phone.media.say(Some(tones::CALLER));
    phone.media.wait_for_tone(tones::CALLER, Instant::now(), SOON);
}

/// A recorded caller talks with the first agent, whose process is killed then. Gives when the caller was told.
fn first_vanishes(phone: &mut Phone, first: &mut Sipp) -> Instant {
    phone.media.say(Some(tones::CALLER));
    let start = Instant::now();
    phone.media.wait_for_tone(tones::WELCOME, start, SOON);
    phone.media.press("1");
    phone.media.wait_for_tone(tones::CALLER, start, SOON);
    first.vanish();
    // The agent's audio has ceased, which shows after the configured 5 s of silence.
    let gone = Instant::now();
    phone.media.wait_for_tone(tones::LOST, gone, Duration::from_secs(20));
    assert!(gone.elapsed() >= Duration::from_secs(4), "an ICMP error alone is no loss");
    phone.media.wait_for_tone(tones::MUSIC, gone, SOON);
    Instant::now()
}

#[test]
fn the_call_of_an_agent_who_vanishes_and_stays_away_is_the_next_agents_on_one_recording() {
    let Scene { mut ports, switch, mut first, mut second, folder: _folder, .. } =
        scene_with("agent_answers", &[("return_time", "3s")]);
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.call("1000");
    let told = first_vanishes(&mut phone, &mut first);
    assert!(switch.told(&["agents"]).contains("in call"), "his time has begun");
    phone.media.wait_for_tone(tones::CALLER, told, Duration::from_secs(20));
    pause(Duration::from_secs(1));
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    second.wait_for_successes(1, SOON);
    let cdr = switch.wait_for_cdr();
    let facts = (cdr["disposition"].as_str(), cdr["agent"].as_str(), cdr["offers"].as_u64());
    assert_eq!(facts, (Some("answered"), Some("agent2"), Some(2)), "{cdr:#}");
    let recordings = cdr["recordings"].as_array().expect("recordings");
    let (length, duration) = (recordings[0]["length_ms"].as_u64(), cdr["duration_ms"].as_u64());
    assert_eq!((recordings.len(), recordings[0]["lost_ms"].as_u64()), (1, Some(0)), "{cdr:#}");
    assert!(duration > Some(9_000) && length.zip(duration).is_some_and(|(l, d)| l + 500 > d), "{cdr:#}");
    let lost = &switch.events("agent_lost")[0];
    assert_eq!((lost["agent"].as_str(), lost["cause"].as_str()), (Some("agent1"), Some("media_silent")));
    assert_eq!(switch.events("queue_joined").len(), 2);
    assert!(switch.told(&["agents"]).contains("resting"), "he gets no offer yet");
    switch.assert_quiet();
}

#[test]
fn an_agent_whose_phone_is_back_in_time_talks_on_with_his_caller() {
    let Scene { mut ports, switch, mut first, place, folder, .. } =
        scene_with("agent_answers", &[("return_time", "30s")]);
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.call("1000");
    let told = first_vanishes(&mut phone, &mut first);
    let mut again = Sipp::answering("agent_answers", place.0, place.1, folder.path(), &["-rtp_echo"]);
    phone.media.wait_for_tone(tones::CALLER, told, Duration::from_secs(20));
    pause(Duration::from_secs(1));
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    again.wait_for_successes(1, SOON);
    let cdr = switch.wait_for_cdr();
    let facts = (cdr["disposition"].as_str(), cdr["agent"].as_str(), cdr["offers"].as_u64());
    assert_eq!(facts, (Some("answered"), Some("agent1"), Some(1)), "{cdr:#}");
    assert_eq!(cdr["recordings"].as_array().map(Vec::len), Some(1), "{cdr:#}");
    assert_eq!(switch.events("queue_joined").len(), 1);
    switch.assert_quiet();
}

#[test]
fn an_agent_gets_one_call_at_a_time_and_rests_between_them() {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let mut agent = Sipp::answering("agent_answers", port, media, folder.path(), &["-rtp_echo"]);
    let mut company = Company::new(&ports).agent(&format!("sip:agent@127.0.0.1:{port}"));
    company.queue.insert("wrap_up", "2s".to_owned());
    let switch = Switch::start(&company);
    let mut phones = [Phone::new(switch.address(), &mut ports), Phone::new(switch.address(), &mut ports)];
    let mut first = phones[0].call("1003");
    second_on_the_line(&mut phones[0]);
    let mut second = phones[1].call("1003");
    phones[1].media.wait_for_tone(tones::MUSIC, Instant::now(), SOON);
    pause(Duration::from_secs(1));
    assert_eq!(switch.events("offer_made").len(), 1, "the agent is on the line: nothing is offered");
    assert_eq!(phones[0].bye(&mut first).status(), Some(200));
    let freed = Instant::now();
    second_on_the_line(&mut phones[1]);
    assert!(freed.elapsed() >= Duration::from_millis(1900), "offered within his wrap-up");
    assert_eq!(phones[1].bye(&mut second).status(), Some(200));
    agent.wait_for_successes(2, SOON);
    switch.wait_for_cdrs(2);
    switch.assert_quiet();
}

#[test]
fn what_became_of_a_call_is_explained_and_counted_also_after_a_restart() {
    let Scene { mut ports, mut switch, first: _first, mut second, folder: _folder, .. } = scene("agent_declines");
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.call("1003");
    second_on_the_line(&mut phone);
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    second.wait_for_successes(1, SOON);
    let cdr = switch.wait_for_cdr();
    let call = cdr["call"].as_str().expect("a call").to_owned();
    assert_eq!(cdr["visits"][0]["agent"], "agent2", "{cdr:#}");
    assert_eq!(cdr["offered_to"][0]["outcome"], "declined", "{cdr:#}");

    let told = switch.told(&["explain", &call]);
    for part in ["joined the queue", "the offer to agent1 ended after", ": he declined", ": he answered", "ended\n"] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    let json = |told: String| -> serde_json::Value { serde_json::from_str(told.trim()).expect("one JSON object") };
    let explained = json(switch.told(&["explain", &call, "--json"]));
    assert_eq!((&explained["call"], &explained["now"]), (&serde_json::json!(call), &serde_json::Value::Null));

    let today = |switch: &Switch| {
        let line = json(switch.told(&["queues", "--json"]));
        ["offered", "answered", "service_level"].map(|figure| line["today"][figure].clone())
    };
    let counted = [serde_json::json!(1), serde_json::json!(1), serde_json::json!(1.0)];
    assert_eq!(today(&switch), counted);
    let table = switch.told(&["queues"]);
    assert!(table.contains("100.0 %"), "{table}");
    switch.restart();
    assert_eq!(today(&switch), counted, "a start counts on");
    let by_agent = switch.told(&["report", "--by", "agent", "--json"]);
    let agents: Vec<serde_json::Value> = by_agent.lines().map(|line| json(line.to_owned())).collect();
    let told: Vec<_> =
        agents.iter().map(|line| (line["key"].as_str(), line["offers"].as_u64(), line["missed"].as_u64())).collect();
    assert_eq!(told, [(Some("agent1"), Some(1), Some(1)), (Some("agent2"), Some(1), Some(0))], "{by_agent}");
    assert!(agents[1]["busy_s"].as_f64() > Some(0.5) && agents[1]["occupancy"].as_f64() < Some(1.0), "{by_agent}");
    assert!(switch.told(&["report", "--csv"]).starts_with("queue,"));
}

#[test]
fn a_caller_gets_whom_he_knows_after_a_kill_9_too() {
    let queue = [("strategy", "linear"), ("sticky", "20s")];
    let Scene { mut ports, mut switch, first: _first, second: _second, folder: _folder, .. } =
        scene_with("agent_declines", &queue);
    let mut phone = Phone::new(switch.address(), &mut ports);
    let agents = |cdr: &serde_json::Value| -> Vec<String> {
        let offers = cdr["offered_to"].as_array().expect("a list");
        offers.iter().map(|offer| offer["agent"].as_str().expect("a name").to_owned()).collect()
    };
    let mut dialog = phone.call("1003");
    second_on_the_line(&mut phone);
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    let cdrs = switch.wait_for_cdrs(1);
    assert_eq!(agents(&cdrs[0]), ["agent1", "agent2"], "by the list the first one is asked first");
    switch.restart();
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.call("1003");
    second_on_the_line(&mut phone);
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    let cdrs = switch.wait_for_cdrs(2);
    assert_eq!(agents(&cdrs[1]), ["agent2"], "he knows the second one");
    switch.assert_quiet();
}
