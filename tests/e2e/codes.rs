//! Feature codes: an agent's baresip, which registers, dials them; what it hears is measured, and operators see what became of it.

use tests::baresip::{Baresip, Manner, Registrar};
use tests::company::{Company, tones};
use tests::ports::Ports;
use tests::sound::{assert_heard, heard};
use tests::switch::Switch;
use tests::wait::{self, SOON};

/// The tone of a beep.
const BEEP: f64 = 1000.0;

#[test]
fn an_agent_logs_in_pauses_and_is_ready_by_his_phone_and_hears_what_became_of_it() {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let mut company = Company::new(&ports).agent("register");
    company.duties = "breaks: { lunch: 1, coaching: 2 }\nlogin: code\n";
    let switch = Switch::start(&company);
    let registrar = Registrar { address: switch.address(), transport: "udp" };
    let manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: false };
    let password = switch.password("agent1");
    let mut phone = Baresip::register("agent1", &password, registrar, manner, &mut ports, folder.path());
    wait::until_true("he is registered", SOON, || switch.told(&["registrations"]).contains("agent1"));
    let status = |switch: &Switch| {
        let told = switch.told(&["agents", "--json"]);
        let line: serde_json::Value = serde_json::from_str(told.lines().next().expect("a line")).expect("JSON");
        let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        (word("status"), word("reason"))
    };
    let said = |status: &str, reason: &str| (status.to_owned(), reason.to_owned());
    assert_eq!(status(&switch), said("logged_out", ""));
    for (number, (code, tone, seconds, other, wanted)) in [
        ("*50", tones::DONE, 0.4, tones::REFUSED, said("available", "")),
        ("*529", tones::REFUSED, 0.4, tones::DONE, said("available", "")),
        ("*521", tones::DONE, 0.4, tones::REFUSED, said("break", "lunch")),
        ("*53", BEEP, 0.3, tones::DONE, said("available", "")),
    ]
    .into_iter()
    .enumerate()
    {
        phone.dial(code, switch.address());
        phone.wait_for("CALL_CLOSED", number + 1, SOON);
        assert_eq!(status(&switch), wanted, "{code}");
        let sound = phone.heard();
        let told = heard(&sound, tone).unwrap_or_else(|| panic!("{code}: nothing is said"));
        assert!(told.total >= seconds, "{code}: {told:?}");
        assert_eq!(heard(&sound, other), None, "{code}");
        if tone != BEEP {
            assert_heard(code, &sound, tone, seconds);
        }
    }
    let cdrs = switch.wait_for_cdrs(4);
    assert!(cdrs.iter().all(|cdr| cdr["disposition"] == "self_served" && cdr["cause"] == "code"), "{cdrs:#?}");
    let told: Vec<_> = switch.events("agent_status").into_iter().map(|event| event["by"].clone()).collect();
    assert_eq!(told, ["phone", "phone", "phone"]);
    switch.assert_quiet();
}
