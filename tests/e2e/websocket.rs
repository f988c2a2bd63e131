//! SIP over WebSocket: JsSIP registers, asks and is called; who leaves is registered no more.

use std::io::Write;

use tests::certificates::Authority;
use tests::company::Company;
use tests::jssip;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::switch::Switch;
use tests::wait::{SOON, until_true};

use crate::control::{get, metrics_of};

const PAGE: &str = "https://phone.example";

fn jssip_registers_and_is_called(transport: &str) {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(folder.path(), "authority");
    let certificate = match transport {
        "wss" => format!("\n    {}", authority.issue("switch", &["IP:127.0.0.1"], 30).lines()),
        _ => String::new(),
    };
    let mut company = Company::new(&ports).agent("register");
    company.listeners.push(format!("{transport}: 127.0.0.1:0\n    origins: [{PAGE}]{certificate}"));
    let switch = Switch::start(&company);
    let url = format!("{transport}://{}", switch.listening(transport));
    let (password, ca) = (switch.password("agent1"), authority.file());
    let mut phone = jssip::start(&url, "agent1", &password, PAGE, Some(&ca), switch.folder());
    phone.wait_for_line("registered", SOON, |line| line == "registered");
    phone.wait_for_line("OPTIONS answered", SOON, |line| line == "options 200");
    phone.wait_for_line("MESSAGE refused", SOON, |line| line == "message 404");
    let table = switch.told(&["registrations", "--json"]);
    assert!(table.contains(&format!("\"transport\":\"{transport}\"")) && table.contains(".invalid"), "{table}");

    let mut caller = Phone::new(switch.address(), &mut ports);
    let dialog = caller.invite("3000", &caller.sdp());
    phone.wait_for_line("the call", SOON, |line| line.starts_with("remote call from ") && line.ends_with(" v=0"));
    caller.wait_for("ringing", SOON, |message| message.status() == Some(180));
    let refusal = caller.final_response(&dialog, SOON);
    assert_eq!(refusal.status(), Some(486), "{refusal}");
    caller.acknowledge(&dialog, &refusal);

    // The page is closed: nobody rings in vain.
    phone.kill();
    switch.wait_for_event("unbound", 1, SOON);
    assert!(switch.told(&["registrations"]).ends_with("\n0 contacts\n"), "{}", switch.told(&["registrations"]));
    let dialog = caller.invite("3000", &caller.sdp());
    assert_eq!(caller.final_response(&dialog, SOON).status(), Some(480));
    switch.wait_for_cdrs(2);
}

#[test]
fn jssip_registers_and_is_called_by_ws() {
    jssip_registers_and_is_called("ws");
}

#[test]
fn jssip_registers_and_is_called_by_wss() {
    jssip_registers_and_is_called("wss");
}

#[test]
fn a_page_of_another_origin_and_a_wrong_password_do_not_get_in() {
    let ports = Ports::slice();
    let mut company = Company::new(&ports).agent("register");
    company.listeners.push(format!("ws: 127.0.0.1:0\n    origins: [{PAGE}]"));
    let switch = Switch::start(&company);
    let url = format!("ws://{}", switch.listening("ws"));
    let password = switch.password("agent1");
    let mut stranger = jssip::start(&url, "agent1", &password, "https://evil.example", None, switch.folder());
    stranger.wait_for_line("the refusal", SOON, |line| line.starts_with("error ") && line.contains("403"));
    let mut guess = jssip::start(&url, "agent1", "guess", PAGE, None, switch.folder());
    guess.wait_for_line("the refusal", SOON, |line| line == "refused 401");
    assert!(switch.events("bound").is_empty());
}

#[test]
fn handshakes_that_fail_are_counted_by_why() {
    let ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.listeners.push(format!("ws: 127.0.0.1:0\n    origins: [{PAGE}]"));
    company.control.insert("metrics", "127.0.0.1:0".to_owned());
    let mut switch = Switch::start(&company);
    let (metrics, at) = (metrics_of(&mut switch), switch.listening("ws"));
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (reason, fields) in [
        ("origin", format!("Origin: https://evil.example\r\nSec-WebSocket-Protocol: sip\r\n{upgrade}")),
        ("not_websocket", format!("Origin: {PAGE}\r\n")),
    ] {
        let mut page = std::net::TcpStream::connect(at).expect("a connection");
        write!(page, "GET / HTTP/1.1\r\nHost: {at}\r\n{fields}\r\n").expect("sent");
        let series = format!("strowger_handshakes_failed_total{{listener=\"ws {at}\",reason=\"{reason}\"}} 1\n");
        until_true(&series, SOON, || get(metrics, "/metrics").contains(&series));
    }
    switch.assert_quiet();
}
