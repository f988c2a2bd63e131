//! Calls to the outside through SIPp as the carrier: let out by a grant, heard before the answer, refused without.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tests::company::{Company, tones};
use tests::phone::{Message, Phone, media_address};
use tests::ports::Ports;
use tests::sipp::{Counts, Sipp};
use tests::switch::{Switch, binary};
use tests::wait::SOON;

const NUMBER: &str = "+4930999";

struct Scene {
    ports: Ports,
    switch: Switch,
    /// A user's, who may call numbers in Germany, one at a time.
    phone: Phone,
    carrier: Sipp,
    _folder: TempDir,
}

/// A company with a carrier that does as `scenario` says, and with users who may call out: `phone`, who is known by his
/// address, and `agent1`, who registers, or whose phone is at `agent`.
fn scene(scenario: &str, agent: Option<&Phone>, mut ports: Ports) -> Scene {
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let carrier = Sipp::answering(scenario, port, media, folder.path(), &["-rtp_echo"]);
    let mut phone = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let place = agent.map_or_else(|| "register".to_owned(), |agent| format!("sip:agent1@{}", agent.address()));
    let mut company = Company::new(&ports).agent(&place);
    company.agents.push(("phone".to_owned(), format!("sip:phone@{}", phone.address())));
    company.carrier = Some(port);
    let limits = "trunk: carrier, at_once: 1, minutes_a_day: 60";
    company.grants.insert("germany", format!("{{ users: phone, prefixes: \"+49\", {limits} }}"));
    if agent.is_none() {
        company.grants.insert("proven", format!("{{ users: agent1, prefixes: \"+49\", {limits} }}"));
    }
    let switch = Switch::start(&company);
    phone.set_switch(switch.address());
    Scene { ports, switch, phone, carrier, _folder: folder }
}

/// The only leg outside of the only call.
fn outside(cdr: &Value) -> &Value {
    let legs = cdr["outside"].as_array().expect("legs outside");
    assert_eq!(legs.len(), 1, "{cdr:#}");
    &legs[0]
}

#[test]
fn a_user_calls_out_hears_the_other_side_and_the_record_names_his_grant() {
    let mut s = scene("agent_answers", None, Ports::slice());
    s.phone.media.say(Some(tones::CALLER));
    let start = Instant::now();
    let mut dialog = s.phone.call(NUMBER);
    s.phone.media.wait_for_tone(tones::CALLER, start, SOON);
    let began = s.switch.wait_for_event("leg_began", 2, SOON);
    let call = &began["role"]["outside"];
    assert_eq!((call["trunk"].as_str(), call["number"].as_str()), (Some("carrier"), Some(NUMBER)), "{began:#}");
    assert_eq!(s.phone.bye(&mut dialog).status(), Some(200));
    s.carrier.wait_for_successes(1, SOON);
    let cdr = s.switch.wait_for_cdr();
    let leg = outside(&cdr);
    let facts = (cdr["direction"].as_str(), leg["asked_by"]["user"].as_str(), leg["grant"].as_str());
    assert_eq!(facts, (Some("outbound"), Some("phone"), Some("germany")), "{cdr:#}");
    let charged: u64 = leg["charged_ms"].as_object().expect("days").values().filter_map(Value::as_u64).sum();
    let talked = cdr["talk_ms"].as_u64().expect("a time");
    assert!(charged > 0 && charged.abs_diff(talked) < 1_000, "{cdr:#}");
    s.switch.assert_quiet();
}

#[test]
fn a_user_who_registers_calls_out_by_his_password() {
    let mut s = scene("agent_answers", None, Ports::slice());
    let text = std::fs::read_to_string(s.switch.data().join("passwords")).expect("the passwords");
    let password = text.trim().strip_prefix("agent1: ").expect("agent1's").to_owned();
    let call = |password: &str| {
        let uri = format!("sip:{NUMBER}@{}", s.switch.address());
        let mut command = Command::new(binary());
        command.args(["call", &uri, "--user", "agent1", "--password", password, "--hold", "1"]);
        command.output().expect("it runs").status.code()
    };
    assert_eq!(call("wrong"), Some(1));
    assert_eq!(call(&password), Some(0));
    s.carrier.wait_for_successes(1, SOON);
    let cdr = s.switch.wait_for_cdr();
    assert_eq!(outside(&cdr)["asked_by"]["user"], "agent1", "{cdr:#}");
}

#[test]
fn without_a_grant_nothing_reaches_the_carrier() {
    let mut s = scene("agent_answers", None, Ports::slice());
    for number in ["+1212555", "0049301", "112"] {
        let dialog = s.phone.invite(number, &s.phone.sdp());
        let refusal = s.phone.final_response(&dialog, SOON);
        assert_eq!(refusal.status(), Some(404), "{refusal}");
        s.phone.acknowledge(&dialog, &refusal);
    }
    s.switch.wait_for_cdrs(3);
    assert_eq!(s.carrier.counts(), Counts::default());
    assert_eq!(s.switch.events("outside_refused").len(), 3);
}

#[test]
fn a_second_call_at_once_is_refused_and_goes_out_when_the_first_is_over() {
    let mut s = scene("agent_answers", None, Ports::slice());
    let mut other = Phone::new(s.switch.address(), &mut s.ports);
    let mut first = s.phone.call(NUMBER);
    let second = other.invite(NUMBER, &other.sdp());
    let refusal = other.final_response(&second, SOON);
    assert_eq!(refusal.status(), Some(503), "{refusal}");
    other.acknowledge(&second, &refusal);
    assert_eq!(s.phone.bye(&mut first).status(), Some(200));
    let mut third = other.call(NUMBER);
    assert_eq!(other.bye(&mut third).status(), Some(200));
    s.carrier.wait_for_successes(2, SOON);
    assert_eq!(s.switch.events("outside_refused")[0]["why"], "at_once");
}

#[test]
fn the_carrier_is_heard_before_it_answers() {
    let mut s = scene("carrier_announces", None, Ports::slice());
    s.phone.media.say(Some(tones::CALLER));
    let start = Instant::now();
    let dialog = s.phone.invite(NUMBER, &s.phone.sdp());
    let progress = s.phone.wait_for("183", SOON, |m| m.status() == Some(183));
    assert!(progress.sdp('m').is_some(), "{progress}");
    // The carrier gives back what it hears, and never answers.
    s.phone.media.send_to(media_address(&progress));
    s.phone.media.wait_for_tone(tones::CALLER, start, SOON);
    s.phone.cancel(&dialog);
    let refusal = s.phone.final_response(&dialog, SOON);
    assert_eq!(refusal.status(), Some(487), "{refusal}");
    s.phone.acknowledge(&dialog, &refusal);
    s.carrier.wait_for_successes(1, SOON);
    let cdr = s.switch.wait_for_cdr();
    assert_eq!((cdr["disposition"].as_str(), cdr["talk_ms"].as_u64()), (Some("cancelled"), Some(0)), "{cdr:#}");
    assert!(outside(&cdr)["charged_ms"].as_object().is_some_and(serde_json::Map::is_empty), "{cdr:#}");
    s.switch.assert_quiet();
}

#[test]
fn the_answer_repeats_the_early_description_and_the_sound_goes_on() {
    let mut s = scene("carrier_speaks_first", None, Ports::slice());
    s.phone.media.say(Some(tones::CALLER));
    let mut dialog = s.phone.invite(NUMBER, &s.phone.sdp());
    let progress = s.phone.wait_for("183", SOON, |m| m.status() == Some(183));
    s.phone.media.send_to(media_address(&progress));
    let answer = s.phone.final_response(&dialog, SOON);
    assert_eq!((answer.status(), answer.body()), (Some(200), progress.body()));
    s.phone.establish(&mut dialog, &answer);
    let answered = Instant::now();
    s.phone.media.wait_for_tone(tones::CALLER, answered, SOON);
    assert_eq!(s.phone.bye(&mut dialog).status(), Some(200));
    s.carrier.wait_for_successes(1, Duration::from_secs(20));
    assert_eq!(s.switch.wait_for_cdr()["disposition"], "answered");
    s.switch.assert_quiet();
}

#[test]
fn a_phone_that_sends_calls_outside_without_a_grant_has_declined() {
    let mut ports = Ports::slice();
    let mut agent = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let mut s = scene("agent_answers", Some(&agent), ports);
    agent.set_switch(s.switch.address());
    let dialog = s.phone.invite("3000", &s.phone.sdp());
    let invite = agent.wait_for("INVITE", SOON, |m| m.method() == Some("INVITE"));
    agent.respond(&invite, "302 Moved Temporarily", &format!("Contact: <sip:{NUMBER}@127.0.0.1>\r\n"), "");
    let refusal = s.phone.final_response(&dialog, SOON);
    assert_eq!(refusal.status(), Some(603), "{refusal}");
    s.phone.acknowledge(&dialog, &refusal);
    s.switch.wait_for_cdr();
    assert_eq!(s.carrier.counts(), Counts::default());
    let refused = s.switch.wait_for_event("outside_refused", 1, SOON);
    assert_eq!((refused["asked_by"]["user"].as_str(), refused["why"].as_str()), (Some("agent1"), Some("no_grant")));
}

#[test]
fn a_trunk_is_called_by_the_listener_that_it_names() {
    let mut ports = Ports::slice();
    let (theirs, ours) = (ports.take(2), ports.take(2));
    let carrier = UdpSocket::bind((Ipv4Addr::LOCALHOST, theirs)).expect("a port");
    carrier.set_read_timeout(Some(SOON)).expect("a limit");
    let mut phone = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let mut company = Company::new(&ports).agent("register");
    company.agents.push(("phone".to_owned(), format!("sip:phone@{}", phone.address())));
    company.listeners.push(format!("udp: 127.0.0.1:{ours}\n    name: outside"));
    (company.carrier, company.carrier_more) = (Some(theirs), ", listener: outside".to_owned());
    let limits = "trunk: carrier, at_once: 1, minutes_a_day: 60";
    company.grants.insert("germany", format!("{{ users: phone, prefixes: \"+49\", {limits} }}"));
    let switch = Switch::start(&company);
    assert_ne!(switch.address().port(), ours, "the first listener is another one");
    phone.set_switch(switch.address());
    let _dialog = phone.invite(NUMBER, &phone.sdp());
    let mut buffer = [0; 4096];
    let (size, from) = carrier.recv_from(&mut buffer).expect("an INVITE");
    let invite = Message::new(&buffer[..size]);
    assert_eq!((invite.method(), from.port()), (Some("INVITE"), ours), "{invite}");
    assert!(
        invite.must("Via").contains(&format!(":{ours};")) && invite.contact().contains(&format!(":{ours}")),
        "{invite}"
    );
}
