//! linphonec: it registers by digest, calls the menu and presses keys, and is called; who hears whom is measured.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tests::baresip::{Baresip, Manner};
use tests::certificates::Authority;
use tests::company::{Company, tones};
use tests::linphone::{Account, Linphone};
use tests::ports::Ports;
use tests::sound::{assert_heard, heard};
use tests::switch::Switch;
use tests::wait::{SOON, pause};

#[test]
fn it_registers_calls_and_is_called_over_udp() {
    registers_calls_and_is_called("udp");
}

#[test]
fn it_registers_calls_and_is_called_over_tcp() {
    registers_calls_and_is_called("tcp");
}

#[test]
fn it_registers_calls_and_is_called_over_tls() {
    registers_calls_and_is_called("tls");
}

fn registers_calls_and_is_called(transport: &'static str) {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let manner = Manner { hertz: tones::CALLER, codecs: "PCMU/8000/1", answers: false };
    let mut caller = Baresip::start("caller", manner, &mut ports, folder.path());
    let mut company = Company::new(&ports).agent("register").agent(&caller.contact("agent2"));
    company.tcp = true;
    let ca = (transport == "tls").then(|| listen_by_tls(&mut company, folder.path()));
    let switch = Switch::start(&company);
    let address: SocketAddr = if transport == "udp" { switch.address() } else { switch.listening(transport) };
    let password = switch.password("agent1");
    let account = Account { user: "agent1", password: &password, address, transport, ca: ca.as_deref() };
    let mut phone = Linphone::register(account, tones::AGENT, &mut ports, folder.path());
    switch.wait_for_event("bound", 1, SOON);
    let listed = switch.told(&["registrations", "--json"]);
    let line: serde_json::Value = serde_json::from_str(&listed).expect("one contact");
    assert_eq!(line["transport"], transport, "{line}");
    assert!(line["agent"].as_str().is_some_and(|agent| agent.contains("inphone")), "{line}");

    // It is called by one who hears it, and hears him.
    caller.dial("3000", switch.address());
    phone.wait_for("Receiving new incoming call", 1, SOON);
    phone.accept();
    caller.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(Duration::from_secs(3));
    caller.hang_up();
    caller.wait_for("CALL_CLOSED", 1, SOON);
    phone.wait_for("ended", 1, SOON);
    assert_heard("the caller", &caller.heard(), tones::AGENT, 2.0);
    assert_heard("linphonec", &phone.heard(), tones::CALLER, 2.0);
    assert_eq!(switch.wait_for_cdr()["agent"], "agent1");

    // It calls the menu and presses a wrong key: it hears so.
    phone.dial("1001", address);
    phone.wait_for("connected", 2, SOON);
    let node = |count| switch.wait_for_event("node_entered", count, SOON);
    node(1);
    pause(Duration::from_millis(700));
    phone.press("7");
    let digit = switch.wait_for_event("digit", 1, SOON);
    pause(Duration::from_millis(1200));
    phone.hang_up();
    let cdrs = switch.wait_for_cdrs(2);
    assert!(cdrs.iter().all(|cdr| cdr["hung_up_by"] == "caller"), "{digit}\n{cdrs:#?}");
    phone.wait_for("ended", 2, SOON);
    let sound = phone.heard();
    assert!(heard(&sound, tones::WELCOME).is_some() && heard(&sound, tones::WRONG).is_some(), "the menu's two tones");
    switch.assert_quiet();
}

/// A TLS listener for the company; gives the file of who vouches for it.
fn listen_by_tls(company: &mut Company, folder: &std::path::Path) -> PathBuf {
    let authority = Authority::new(folder, "authority");
    let pair = authority.issue("switch", &["IP:127.0.0.1", "DNS:localhost"], 30);
    company.listeners.push(format!("tls: 127.0.0.1:0\n    {}", pair.lines()));
    authority.file()
}
