//! Trunks by Kamailio: it asks who calls, for each call and each BYE, and stands in the way of both (Record-Route) as a
//! session border controller does.

use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;
use tests::baresip::{self, Baresip};
use tests::company::{Company, tones};
use tests::kamailio::{Kamailio, Manner, REALM};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::{Counts, Sipp};
use tests::switch::Switch;
use tests::wait::SOON;

const NUMBER: &str = "+4930999";
/// The password that the carrier knows.
const PASSWORD: &str = "so secret";

/// The account that the switch registers.
const ACCOUNT: &str = "acct";

struct Scene {
    switch: Switch,
    /// A user's, who may call numbers in Germany.
    phone: Phone,
    kamailio: Kamailio,
    /// Behind Kamailio.
    callee: Sipp,
    _folder: TempDir,
}

/// A company whose carrier is Kamailio, with `login` in the trunk and `file` as the password.
fn scene(algorithm: &'static str, login: &str, file: &str) -> Scene {
    scene_by("", algorithm, login, file)
}

/// As [`scene`], over TCP if `way` says so.
fn scene_by(way: &'static str, algorithm: &'static str, login: &str, file: &str) -> Scene {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let (port, media) = (ports.take(2), ports.take(4));
    let callee = Sipp::answering("agent_answers", port, media, folder.path(), &["-rtp_echo"]);
    let behind = SocketAddr::from(([127, 0, 0, 1], port));
    let manner = Manner { algorithm, behind, password: PASSWORD };
    let kamailio = Kamailio::start(ports.take(2), &manner, folder.path());
    let mut phone = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let mut company = Company::new(&ports).agent("sip:agent1@127.0.0.1:9");
    company.agents.push(("phone".to_owned(), format!("sip:phone@{}", phone.address())));
    company.carrier = Some(kamailio.address().port());
    (company.carrier_way, company.tcp) = (way, !way.is_empty());
    company.carrier_more = login.to_owned();
    // Calls are known by where we registered, and not by where they come from.
    company.trunk = "127.0.0.99".to_owned();
    company.numbers.insert(ACCOUNT, "{ flow: talk }".to_owned());
    company.secrets.insert("carrier.password", file.to_owned());
    company.grants.insert(
        "germany",
        "{ users: phone, prefixes: \"+49\", trunk: carrier, at_once: 2, minutes_a_day: 60 }".to_owned(),
    );
    let switch = Switch::start(&company);
    phone.set_switch(switch.address());
    Scene { switch, phone, kamailio, callee, _folder: folder }
}

fn by_file(realm: &str) -> String {
    format!(", login: {{ user: acct, realm: {realm}, password_file: carrier.password }}")
}

#[test]
fn a_carrier_that_asks_who_calls_is_answered_for_each_request() {
    for algorithm in ["SHA-256", "MD5"] {
        let mut s = scene(algorithm, &by_file(REALM), &format!("{PASSWORD}\n"));
        for _ in 0..2 {
            let mut dialog = s.phone.call(NUMBER);
            assert_eq!(s.phone.bye(&mut dialog).status(), Some(200));
        }
        s.callee.wait_for_successes(2, SOON);
        let told = s.kamailio.told();
        let invites = told.iter().filter(|line| line.starts_with("INVITE ")).count();
        let byes = told.iter().filter(|line| line.starts_with("BYE +4930555")).count();
        assert_eq!((invites, byes), (2, 2), "{algorithm}: {told:?}");
        assert!(s.switch.events("login_failed").is_empty());
        let cdrs = s.switch.wait_for_cdrs(2);
        assert!(cdrs.iter().all(|cdr| cdr["disposition"] == "answered"), "{cdrs:#?}");
        s.switch.assert_quiet();
    }
}

#[test]
fn a_carrier_that_asks_within_a_call_is_answered_for_prack_notify_and_bye_each_time() {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let mut sipp = |scenario| {
        let (port, media) = (ports.take(2), ports.take(4));
        (Sipp::answering(scenario, port, media, folder.path(), &["-m", "1", "-rtp_echo"]), port)
    };
    let (mut carrier, to) = sipp("carrier_asks_each_time");
    let (mut agent, at) = sipp("agent_answers");
    let mut phone = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let mut company = Company::new(&ports).agent(&format!("sip:agent@127.0.0.1:{at}"));
    company.agents.push(("phone".to_owned(), format!("sip:phone@{}", phone.address())));
    company.carrier = Some(to);
    company.carrier_more = by_file("sipp") + ", transfers: true";
    company.secrets.insert("carrier.password", PASSWORD.to_owned());
    company.grants.insert(
        "germany",
        "{ users: phone, prefixes: \"+49\", trunk: carrier, at_once: 2, minutes_a_day: 60 }".to_owned(),
    );
    let switch = Switch::start(&company);
    phone.set_switch(switch.address());
    let mut dialog = phone.call(NUMBER);
    // Ends well only if each of them came again with the password and the nonce that it was asked by.
    carrier.succeed(SOON);
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    agent.succeed(SOON);
    let cdr = switch.wait_for_cdr();
    assert_eq!((&cdr["transfers"][0]["by"]["trunk"], &cdr["agent"]), (&"carrier".into(), &"agent1".into()), "{cdr:#}");
    assert!(switch.events("login_failed").is_empty());
    switch.assert_quiet();
}

#[test]
fn a_wrong_password_and_a_wrong_realm_let_nothing_through_and_are_told() {
    for (login, file, why) in [
        (by_file(REALM), "wrong", "refused"),
        (by_file("another.test"), PASSWORD, "other_realm"),
        (String::new(), "", "no_login"),
    ] {
        let mut s = scene("MD5", &login, file);
        let dialog = s.phone.invite(NUMBER, &s.phone.sdp());
        let refusal = s.phone.final_response(&dialog, SOON);
        assert_eq!(refusal.status(), Some(503), "{refusal}");
        s.phone.acknowledge(&dialog, &refusal);
        let failed = s.switch.wait_for_event("login_failed", 1, Duration::from_secs(10));
        assert_eq!((failed["why"].as_str(), failed["realm"].as_str()), (Some(why), Some(REALM)), "{failed:#}");
        s.switch.wait_for_cdr();
        assert_eq!(s.callee.counts(), Counts::default());
        let written = std::fs::read_dir(s.switch.data().join("journal")).expect("the journal");
        for file in written {
            let text = std::fs::read_to_string(file.expect("a file").path()).expect("its text");
            assert!(!text.contains(PASSWORD), "the password stands nowhere");
        }
    }
}

fn registered(way: &'static str) -> Scene {
    let s = scene_by(way, "SHA-256", &format!("{}, register: true", by_file(REALM)), PASSWORD);
    s.switch.wait_for_event("trunk_registered", 1, SOON);
    s
}

/// A call by baresip to our account at Kamailio, from where nobody is known, through Kamailio both ways: it is the trunk's.
fn call_in(s: &mut Scene) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let manner = baresip::Manner { hertz: tones::CALLER, codecs: "PCMU/8000/1", answers: true };
    let mut stranger = Baresip::start("stranger", manner, &mut ports, folder.path());
    stranger.dial(ACCOUNT, s.kamailio.address());
    stranger.wait_for("CALL_ESTABLISHED", 1, SOON);
    stranger.hang_up();
    stranger.wait_for("CALL_CLOSED", 1, SOON);
    let cdr = s.switch.wait_for_cdr();
    assert_eq!(
        (cdr["origin"]["trunk"].as_str(), cdr["disposition"].as_str()),
        (Some("carrier"), Some("self_served")),
        "{cdr:#}"
    );
}

#[test]
fn the_switch_registers_and_takes_the_calls_that_come_by_that() {
    let mut s = registered("");
    assert_eq!(s.switch.events("trunk_registered")[0]["seconds"], 120, "what Kamailio grants");
    call_in(&mut s);
    let told = s.kamailio.told();
    let contact = told.iter().find(|line| line.starts_with("INVITE to ")).expect("a call");
    assert!(contact.contains(";line="), "{contact}");
    // It takes its registration back before it ends.
    assert!(s.switch.terminate(SOON).success());
    s.kamailio.wait_for(&format!("REGISTER {ACCOUNT} 0"));
    assert_eq!(s.switch.events("trunk_unregistered").len(), 1);
}

#[test]
fn over_tcp_calls_come_by_the_connection_that_it_registered_by() {
    let mut s = registered(";transport=tcp");
    call_in(&mut s);
    let told = s.kamailio.told();
    let by = told.iter().find(|line| line.starts_with("INVITE to ")).expect("a call");
    let (_, by) = by.split_once(" by ").expect("the way");
    let port = |text: &str| text.split(':').nth(2).map(|rest| rest.split(';').next().expect("a port").to_owned());
    assert_ne!(port(by), Some(s.switch.tcp().port().to_string()), "not a connection of Kamailio's own: {by}");
    assert!(s.switch.terminate(SOON).success());
    s.kamailio.wait_for(&format!("REGISTER {ACCOUNT} 0"));
}

/// A company whose carrier is at `first`, and SIPp at its second one, which answers.
fn two_carriers(first: u16, more: &str, ports: &mut Ports, folder: &std::path::Path) -> (Switch, Phone, Sipp) {
    let (port, media) = (ports.take(2), ports.take(4));
    let second = Sipp::answering("agent_answers", port, media, folder, &["-rtp_echo"]);
    let mut phone = Phone::new("127.0.0.1:9".parse().expect("an address"), ports);
    let mut company = Company::new(ports).agent("sip:agent1@127.0.0.1:9");
    company.agents.push(("phone".to_owned(), format!("sip:phone@{}", phone.address())));
    company.carrier = Some(first);
    let other = format!("second: {{ to: \"sip:127.0.0.1:{port}\", caller_id: \"+4930556\"");
    company.carrier_more = format!(", failover: second{more} }}\n  {other}");
    company.grants.insert(
        "germany",
        "{ users: phone, prefixes: \"+49\", trunk: carrier, at_once: 2, minutes_a_day: 60 }".to_owned(),
    );
    let switch = Switch::start(&company);
    phone.set_switch(switch.address());
    (switch, phone, second)
}

/// The trunks that the only call was sent to, in order.
fn tried(switch: &Switch) -> Vec<String> {
    let cdr = switch.wait_for_cdr();
    let legs = cdr["outside"].as_array().expect("legs outside").clone();
    legs.iter().map(|leg| leg["trunk"].as_str().expect("a trunk").to_owned()).collect()
}

#[test]
fn a_call_goes_on_to_the_next_carrier_where_the_first_is_closed_silent_or_busy() {
    // Nobody at the port (ICMP); somebody who says nothing; one who answers 503.
    for first in ["closed", "silent", "busy"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ports = Ports::slice();
        let closed = ports.take(2);
        let mut carrier = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
        let port = if first == "closed" { closed } else { carrier.address().port() };
        let (switch, mut phone, mut second) = two_carriers(port, ", silence: 1s", &mut ports, folder.path());
        carrier.set_switch(switch.address());
        let dialog = phone.invite(NUMBER, &phone.sdp());
        if first == "busy" {
            let invite = carrier.wait_for("INVITE", SOON, |m| m.method() == Some("INVITE"));
            carrier.respond(&invite, "503 Service Unavailable", "", "");
        }
        let answer = phone.final_response(&dialog, SOON);
        assert_eq!(answer.status(), Some(200), "{first}: {answer}");
        let mut dialog = dialog;
        phone.establish(&mut dialog, &answer);
        assert_eq!(phone.bye(&mut dialog).status(), Some(200));
        second.wait_for_successes(1, SOON);
        assert_eq!(tried(&switch), ["carrier", "second"], "{first}");
        switch.assert_quiet();
    }
}

#[test]
fn a_carrier_that_dies_is_found_down_and_up_again_and_operators_see_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let port = ports.take(2);
    let manner =
        Manner { algorithm: "MD5", behind: SocketAddr::from(([127, 0, 0, 1], ports.take(2))), password: PASSWORD };
    let kamailio = Kamailio::start(port, &manner, folder.path());
    let watch = ", health: { every: 1s, timeout: 1s, down_after: 2, up_after: 1 }";
    let (switch, mut phone, mut second) = two_carriers(port, watch, &mut ports, folder.path());
    kamailio.wait_for("OPTIONS");
    let line = |switch: &Switch| {
        let told = switch.told(&["trunks"]);
        told.lines().find(|line| line.starts_with("carrier ")).expect("the carrier's line").to_owned()
    };
    assert!(line(&switch).contains(" up "), "{}", line(&switch));
    drop(kamailio);
    switch.wait_for_event("trunk_down", 1, SOON);
    assert!(line(&switch).contains(" down "), "{}", line(&switch));
    let mut dialog = phone.call(NUMBER);
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    second.wait_for_successes(1, SOON);
    assert_eq!(tried(&switch), ["second"], "the one that is down is not tried");
    let _kamailio = Kamailio::start(port, &manner, folder.path());
    switch.wait_for_event("trunk_up", 1, SOON);
    assert!(line(&switch).contains(" up "), "{}", line(&switch));
}
