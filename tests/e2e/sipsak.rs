//! sipsak: it asks, registers, traces, floods and spoils. (Debian's one crashes when it sends MESSAGE, and does not call itself.)

use std::process::Command;

use tests::company::Company;
use tests::ports::Ports;
use tests::switch::Switch;
use tests::wait::SOON;

/// Runs it against `agent1` at the switch; gives whether it was content, and what it said.
fn sipsak(options: &[&str], target: std::net::SocketAddr) -> (bool, String) {
    let uri = format!("sip:agent1@{target}");
    let limit = SOON.as_secs().to_string();
    let output = Command::new("timeout").args([&limit, "sipsak"]).args(options).args(["-s", &uri]).output();
    let output = output.expect("scripts/test installs sipsak");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (output.status.success(), said)
}

fn switch() -> Switch {
    let mut company = Company::new(&Ports::slice()).agent("register");
    company.tcp = true;
    Switch::start(&company)
}

#[test]
fn it_sees_a_server_that_answers_options() {
    let switch = switch();
    for (way, target) in [("udp", switch.address()), ("tcp", switch.tcp())] {
        let (is_content, said) = sipsak(&["-vv", "-E", way], target);
        assert!(is_content && said.contains("200 OK"), "{said}");
        for header in ["Allow:", "Accept:", "Supported:"] {
            assert!(said.contains(header), "no {header} in\n{said}");
        }
    }
    // Its way to the switch has one hop.
    let (is_content, said) = sipsak(&["-T", "-v"], switch.address());
    assert!(is_content && said.contains("0: ") && !said.contains("1: "), "{said}");
}

#[test]
fn it_registers_and_takes_that_back() {
    let switch = switch();
    let password = switch.password("agent1");
    let contact = "sip:agent1@127.0.0.1:5099";
    let register = |password: &str, contact: &str, expires: &str| {
        let who = ["-U", "-u", "agent1", "-a", password, "-C", contact, "-x", expires, "-v"];
        sipsak(&who, switch.address())
    };
    let (is_content, said) = register("wrong", contact, "600");
    assert!(!is_content && said.contains("authorization failed"), "{said}");
    let listed = || switch.told(&["registrations", "--json"]);
    assert_eq!(listed(), "");
    let (is_content, said) = register(&password, contact, "600");
    assert!(is_content && said.contains("All usrloc tests completed successful"), "{said}");
    assert!(listed().contains("\"agent\":\"sipsak") && listed().contains(contact), "{}", listed());
    let (_, said) = register(&password, "*", "0");
    assert_eq!(listed(), "", "{said}");
}

#[test]
fn its_flood_and_its_spoilt_requests_harm_nothing() {
    let switch = switch();
    let (is_content, said) = sipsak(&["-F", "-e", "2000"], switch.address());
    assert!(is_content && said.contains("flood end reached"), "{said}");
    // It is content when it is answered, and not when a letter of its Via is wrong.
    sipsak(&["-R", "-t", "20"], switch.address());
    let (is_content, said) = sipsak(&["-v"], switch.address());
    assert!(is_content && said.contains("200 OK"), "{said}");
    switch.assert_quiet();
}
