//! Who calls, as SIPp reads it on the wire: as a trunk that is trusted, as one that is not, and as an agent's phone.

use tests::company::Company;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::SOON;

/// SIPp calls from 127.0.0.1 as a trunk that is `trusted` or not; `called` is SIPp at the carrier that is trusted, at one that is
/// not, and at the agent's phone.
fn call(trusted: bool, number: &str, called: &str) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let (port, media) = (ports.take(2), ports.take(4));
    let mut callee = Sipp::answering(called, port, media, folder.path(), &["-m", "1"]);
    let mut company = Company::new(&ports).agent(&format!("sip:agent1@127.0.0.1:{port}"));
    company.trunk = "127.0.0.99".to_owned();
    company.carrier = Some(port);
    company.carrier_more = ", trusted: true".to_owned();
    company.trunks.push(format!("second: {{ to: \"sip:127.0.0.1:{port}\", caller_id: caller }}"));
    company.trunks.push(format!("far: {{ from: 127.0.0.1, trusted: {trusted} }}"));
    for (name, prefix, trunk) in [("germany", "+49", "carrier"), ("britain", "+44", "second")] {
        let grant = format!("from_trunks: far, prefixes: \"{prefix}\", trunk: {trunk}, at_once: 2, minutes_a_day: 60");
        company.grants.insert(name, format!("{{ {grant} }}"));
    }
    let switch = Switch::start(&company);
    let (port, media) = (ports.take(2), ports.take(4));
    let options = ["-m", "1", "-d", "300"];
    let to = switch.address();
    Sipp::calling("caller_in_confidence", number, to, port, media, folder.path(), &options).succeed(2 * SOON);
    callee.succeed(SOON);
    let cdr = switch.wait_for_cdr();
    switch.assert_quiet();
    cdr
}

#[test]
fn a_trusted_carrier_is_told_what_another_says_in_confidence() {
    let cdr = call(true, "+49999", "carrier_is_told");
    assert_eq!(
        (&cdr["from"], &cdr["asserted"], &cdr["private"]),
        (&"+49301".into(), &true.into(), &true.into()),
        "{cdr:#}"
    );
    assert_eq!(cdr["diverted_from"][0]["number"], "+49302", "{cdr:#}");
}

#[test]
fn an_untrusted_carrier_and_an_agents_phone_are_told_nothing() {
    for number in ["+44999", "3000"] {
        let cdr = call(true, number, "carrier_is_not_told");
        assert_eq!((&cdr["from"], &cdr["private"]), (&"+49301".into(), &true.into()), "{cdr:#}");
    }
}

#[test]
fn what_an_untrusted_trunk_says_of_identities_is_not_read_and_what_it_wants_hidden_is_hidden() {
    for number in ["+44999", "3000"] {
        let cdr = call(false, number, "carrier_is_not_told");
        assert_eq!((&cdr["asserted"], &cdr["private"]), (&false.into(), &true.into()), "{cdr:#}");
        assert!(cdr["diverted_from"].is_null(), "{cdr:#}");
    }
}
