//! The caller hangs up: in the menu, in the queue, while the agent rings, while the agent answers.

use std::time::Duration;

use tests::company::Company;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

/// A switch whose first agent is SIPp with `scenario`.
fn with_agent(scenario: &str, options: &[&str]) -> (Ports, Switch, Sipp, tempfile::TempDir) {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let agent = Sipp::answering(scenario, port, media, folder.path(), options);
    let switch = Switch::start(&Company::new(&ports).agent(&format!("sip:agent1@127.0.0.1:{port}")));
    (ports, switch, agent, folder)
}

/// SIPp calls `number`, stays for `ms` and hangs up, which must go well.
fn call_and_hang_up(ports: &mut Ports, switch: &Switch, number: &str, ms: u32) {
    let (port, media) = (ports.take(2), ports.take(4));
    let ms = ms.to_string();
    let options = ["-m", "1", "-d", &ms];
    Sipp::calling("caller_hangs_up", number, switch.address(), port, media, switch.folder(), &options)
        .succeed(Duration::from_secs(40));
}

#[test]
fn in_the_menu() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    call_and_hang_up(&mut ports, &switch, "1001", 1000);
    let cdr = switch.wait_for_cdr();
    assert_eq!((cdr["hung_up_by"].as_str(), cdr["queue"].as_str()), (Some("caller"), None), "{cdr:#}");
    switch.assert_quiet();
}

#[test]
fn in_the_queue() {
    let (mut ports, switch, mut agent, _folder) = with_agent("agent_busy", &[]);
    call_and_hang_up(&mut ports, &switch, "1003", 3000);
    let cdr = switch.wait_for_cdr();
    assert_eq!((cdr["disposition"].as_str(), cdr["queue"].as_str()), (Some("abandoned"), Some("sales")), "{cdr:#}");
    assert!(cdr["wait_ms"].as_u64().is_some_and(|ms| (2500..5000).contains(&ms)), "{cdr:#}");
    assert_eq!(switch.wait_for_event("queue_left", 1, SOON)["why"], "abandoned");
    agent.wait_for_successes(1, SOON);
    switch.assert_quiet();
}

#[test]
fn while_the_agent_rings() {
    let (mut ports, switch, mut agent, _folder) = with_agent("agent_rings", &["-m", "1"]);
    call_and_hang_up(&mut ports, &switch, "1003", 1500);
    // SIPp ends well only if CANCEL came and 487 was acknowledged.
    agent.succeed(SOON);
    let cdr = switch.wait_for_cdr();
    assert_eq!((cdr["disposition"].as_str(), cdr["offers"].as_u64()), (Some("abandoned"), Some(1)), "{cdr:#}");
    assert_eq!(switch.wait_for_event("offer_ended", 1, SOON)["outcome"], "caller_left");
    switch.assert_quiet();
}

#[test]
fn while_the_agent_answers() {
    let (mut ports, switch, mut agent, _folder) = with_agent("agent_glare", &["-m", "1"]);
    call_and_hang_up(&mut ports, &switch, "1003", 1500);
    // SIPp ends well only if its late 200 was acknowledged and ended by BYE.
    agent.succeed(SOON);
    assert_eq!(switch.wait_for_cdr()["hung_up_by"], "caller");
    switch.assert_quiet();
}

#[test]
fn before_anything_is_answered() {
    // A user who is dialled by his number: nothing is answered before he answers, so CANCEL is what hangs up.
    let (mut ports, switch, mut agent, _folder) = with_agent("agent_rings", &["-m", "1"]);
    let mut phone = Phone::new(switch.address(), &mut ports);
    let dialog = phone.invite("3000", &phone.sdp());
    phone
        .wait_for("ringing or an answer", SOON, |m| m.cseq_method() == "INVITE" && m.status().is_some_and(|s| s > 100));
    phone.cancel(&dialog);
    let refusal = phone.final_response(&dialog, SOON);
    phone.acknowledge(&dialog, &refusal);
    assert_eq!(refusal.status(), Some(487), "{refusal}");
    agent.succeed(SOON);
    switch.wait_for_cdr();
    switch.assert_quiet();
}

#[test]
fn a_caller_who_falls_silent_is_hung_up() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.media.insert("silence", "5s".to_owned());
    let switch = Switch::start(&company);
    let mut phone = Phone::new(switch.address(), &mut ports);
    phone.call("1002");
    pause(Duration::from_secs(1));
    phone.media.hush();
    phone.wait_for_request("BYE", Duration::from_secs(20));
    assert_eq!(switch.wait_for_cdr()["hung_up_by"], "system");
    switch.assert_quiet();
}

#[test]
fn an_answer_that_is_never_acknowledged_ends_the_call() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let mut phone = Phone::new(switch.address(), &mut ports);
    let dialog = phone.invite("1002", &phone.sdp());
    let answer = phone.final_response(&dialog, SOON);
    assert_eq!(answer.status(), Some(200), "{answer}");
    // 200 is sent again until 64 × T1 = 32 s have passed (RFC 3261 section 13.3.1.4), then BYE.
    pause(Duration::from_secs(5));
    let again = phone.seen(Duration::ZERO).iter().filter(|m| m.status() == Some(200)).count();
    assert!((2..=5).contains(&again), "200 was sent {again} more times within 5 s");
    phone.wait_for_request("BYE", Duration::from_secs(40));
    switch.wait_for_cdr();
    switch.assert_quiet();
}
