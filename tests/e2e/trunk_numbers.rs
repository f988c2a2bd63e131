//! A carrier that writes numbers otherwise: SIPp calls by them, and is called.

use std::path::Path;
use std::process::Command;

use tests::company::Company;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::{Switch, binary};
use tests::wait::SOON;

const RULES: &str = r#"{ in: [{ prefix: "00", replace: "+" }, { prefix: "0", not: "00", replace: "+49" }], out: [{ prefix: "+49", replace: "0" }] }"#;

/// SIPp calls as the carrier at 127.0.0.1; whom it is called for is at `carrier`.
fn company(ports: &mut Ports, carrier: u16) -> (Company, Phone) {
    let phone = Phone::new("127.0.0.1:9".parse().expect("an address"), ports);
    let mut company = Company::new(ports).agent("sip:agent1@127.0.0.1:9");
    company.agents.push(("phone".to_owned(), format!("sip:phone@{}", phone.address())));
    company.trunk = "127.0.0.99".to_owned();
    company.carrier = Some(carrier);
    company.carrier_more = format!(", from: 127.0.0.1, numbers: {RULES}");
    company.numbers.insert("+4930100", "{ flow: talk }".to_owned());
    company.grants.insert(
        "germany",
        "{ users: phone, prefixes: \"+49\", trunk: carrier, at_once: 2, minutes_a_day: 60 }".to_owned(),
    );
    (company, phone)
}

#[test]
fn sipp_reaches_and_is_reached_by_numbers_as_it_writes_them_and_records_have_e164() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let mut carrier = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let (company, mut phone) = company(&mut ports, carrier.address().port());
    let switch = Switch::start(&company);
    phone.set_switch(switch.address());
    carrier.set_switch(switch.address());
    let (port, media) = (ports.take(2), ports.take(4));
    let options = ["-m", "1", "-d", "100"];
    let to = switch.address();
    Sipp::calling("caller_hangs_up", "030100", to, port, media, folder.path(), &options).succeed(SOON);
    let cdr = switch.wait_for_cdr();
    assert_eq!((&cdr["to"], &cdr["received"]["to"]), (&"+4930100".into(), &"030100".into()), "{cdr:#}");
    // What stands on the wire.
    let dialog = phone.invite("+4930999", &phone.sdp());
    let invite = carrier.wait_for("INVITE", SOON, |m| m.method() == Some("INVITE"));
    assert!(invite.to_string().starts_with("INVITE sip:030999@"), "{invite}");
    carrier.respond(&invite, "486 Busy Here", "", "");
    let refusal = phone.final_response(&dialog, SOON);
    assert_eq!(refusal.status(), Some(486), "{refusal}");
    phone.acknowledge(&dialog, &refusal);
    let cdr = switch.wait_for_cdrs(2).remove(1);
    assert_eq!((&cdr["outside"][0]["number"], &cdr["outside"][0]["sent"]), (&"+4930999".into(), &"030999".into()));
    // The carrier's way of writing is no way round the grant.
    let dialog = phone.invite("030999", &phone.sdp());
    let refusal = phone.final_response(&dialog, SOON);
    assert_eq!(refusal.status(), Some(404), "{refusal}");
    phone.acknowledge(&dialog, &refusal);
}

#[test]
fn check_tells_what_becomes_of_a_number() {
    let (folder, mut ports) = (tempfile::tempdir().expect("a folder"), Ports::slice());
    company(&mut ports, 9).0.write(folder.path());
    let check = |path: &Path, trunk: &str| {
        let path = path.to_string_lossy();
        let arguments = ["check", "--config", &path, "--number", "030100", "--trunk", trunk];
        let output = Command::new(binary()).args(arguments).output().expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, told) = check(folder.path(), "carrier");
    assert_eq!(code, Some(0));
    assert!(told.contains("trunk carrier, 030100 comes in: called +4930100, calling +4930100\n"), "{told}");
    assert!(told.contains("trunk carrier, 030100 goes out: called as it is, calling as it is\n"), "{told}");
    assert_eq!(check(folder.path(), "carier").0, Some(1));
}
