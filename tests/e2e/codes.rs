//! Feature codes: an agent's baresip, which registers, dials them; what it hears is measured, and operators see what became of it.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::baresip::{Baresip, Manner, Registrar};
use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sound::{assert_heard, heard};
use tests::switch::Switch;
use tests::wait::{self, SOON, pause};

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

#[test]
fn an_agent_says_by_his_phone_what_came_of_a_call_and_extends_and_ends_the_time_after_it() {
    let wrap_up = Duration::from_secs(8);
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let mut company = Company::new(&ports).agent("register");
    company.duties = "dispositions: { sold: 1, lost: 2 }\n";
    company.queue.insert("wrap_up", "8s".to_owned());
    company.queue.insert("wrap_up_max", "16s".to_owned());
    let switch = Switch::start(&company);
    let registrar = Registrar { address: switch.address(), transport: "udp" };
    let manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: true };
    let password = switch.password("agent1");
    let mut phone = Baresip::register("agent1", &password, registrar, manner, &mut ports, folder.path());
    wait::until_true("he is registered", SOON, || switch.told(&["registrations"]).contains("agent1"));
    let mut caller = Phone::new(switch.address(), &mut ports);
    let start = Instant::now();
    let mut call = caller.call("2000");
    caller.media.wait_for_tone(tones::AGENT, start, SOON);
    assert_eq!(caller.bye(&mut call).status(), Some(200));
    let freed = Instant::now();
    phone.wait_for("CALL_CLOSED", 1, SOON);
    let state = |switch: &Switch| {
        let line: serde_json::Value = serde_json::from_str(switch.told(&["agents", "--json"]).trim()).expect("JSON");
        line["state"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(state(&switch), "wrap_up");
    let mut dialled = 1;
    let mut dial = |code: &str, tone: f64, wanted: &str| {
        phone.dial(code, switch.address());
        dialled += 1;
        phone.wait_for("CALL_CLOSED", dialled, SOON);
        assert_heard(code, &phone.heard(), tone, 0.4);
        assert_eq!(state(&switch), wanted, "{code}");
    };
    dial("*562", tones::DONE, "wrap_up");
    dial("*55", tones::DONE, "wrap_up");
    dial("*55", tones::REFUSED, "wrap_up");
    dial("*561", tones::DONE, "wrap_up");
    dial("*569", tones::REFUSED, "wrap_up");
    pause((wrap_up + Duration::from_secs(1)).saturating_sub(freed.elapsed()));
    assert_eq!(state(&switch), "wrap_up", "he has longer");
    dial("*54", tones::DONE, "idle");
    assert!(freed.elapsed() < 2 * wrap_up, "it ended by his code");
    dial("*54", tones::REFUSED, "idle");
    dial("*561", tones::REFUSED, "idle");
    let cdrs = switch.wait_for_cdrs(9);
    let talked: Vec<_> = cdrs.iter().filter(|cdr| cdr["cause"] != "code").collect();
    assert_eq!(talked.len(), 1, "{cdrs:#?}");
    assert_eq!(talked[0]["dispositions"], json!([{ "agent": "agent1", "code": "sold" }]), "{:#}", talked[0]);
    switch.assert_quiet();
}
