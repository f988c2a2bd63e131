//! SIGTERM: no new calls, a grace time for live ones, BYE, recordings closed; a second SIGTERM ends at once.

use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sound;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

fn company(ports: &Ports, grace: &str) -> Company {
    let mut company = Company::new(ports);
    company.calls.insert("grace", grace.to_owned());
    let flow = "version: 1\nnodes:\n  begin:\n    record: start\n    next: talk\n  talk:\n    play: { prompt: music, repeat: forever }\n";
    company.flows.insert("recorded", flow.to_owned());
    company.numbers.insert("1004", "{ flow: recorded }".to_owned());
    company
}

#[test]
fn without_calls_it_ends_at_once() {
    let ports = Ports::slice();
    let mut switch = Switch::start(&company(&ports, "60s"));
    let status = switch.terminate(Duration::from_secs(5));
    assert!(status.success(), "{status}");
}

#[test]
fn new_calls_get_503_and_live_ones_end_by_bye_after_the_grace_time() {
    let mut ports = Ports::slice();
    let mut switch = Switch::start(&company(&ports, "3s"));
    let mut phone = Phone::new(switch.address(), &mut ports);
    phone.media.say(Some(tones::CALLER));
    let start = Instant::now();
    phone.call("1004");
    phone.media.wait_for_tone(tones::MUSIC, start, SOON);
    switch.process().signal("TERM");
    let told = Instant::now();
    pause(Duration::from_millis(300));
    let mut late = Phone::new(switch.address(), &mut ports);
    let dialog = late.invite("1004", &late.sdp());
    let refusal = late.final_response(&dialog, SOON);
    late.acknowledge(&dialog, &refusal);
    assert_eq!(refusal.status(), Some(503), "{refusal}");
    assert!(refusal.header("Retry-After").is_some(), "{refusal}");
    phone.wait_for_request("BYE", Duration::from_secs(10));
    let grace = told.elapsed();
    assert!(
        (Duration::from_millis(2500)..Duration::from_secs(6)).contains(&grace),
        "BYE after {grace:?}, grace time 3 s"
    );
    let status = switch.process().wait(Duration::from_secs(5));
    assert!(status.success(), "{status}");
    let cdr = switch.wait_for_cdr();
    assert_eq!(cdr["hung_up_by"], "system", "{cdr:#}");
    let files = switch.recordings();
    let [left, _] = sound::read_wav(&files[0]).try_into().expect("stereo");
    let header = std::fs::read(&files[0]).expect("the recording");
    let declared = u32::from_le_bytes(header[4..8].try_into().expect("four")) as usize + 8;
    assert_eq!(declared, header.len(), "the recording was closed: its header tells its size");
    assert!(left.len() > sound::samples(2.5), "{} samples", left.len());
}

#[test]
fn it_ends_as_soon_as_the_last_caller_hangs_up() {
    let mut ports = Ports::slice();
    let mut switch = Switch::start(&company(&ports, "60s"));
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.call("1002");
    switch.process().signal("TERM");
    pause(Duration::from_secs(1));
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    let status = switch.process().wait(Duration::from_secs(5));
    assert!(status.success(), "{status}");
    assert_eq!(switch.wait_for_cdr()["hung_up_by"], "caller");
}

#[test]
fn a_second_sigterm_ends_at_once() {
    let mut ports = Ports::slice();
    let mut switch = Switch::start(&company(&ports, "60s"));
    let mut phone = Phone::new(switch.address(), &mut ports);
    phone.call("1004");
    pause(Duration::from_secs(2));
    switch.process().signal("TERM");
    pause(Duration::from_millis(500));
    switch.process().signal("TERM");
    switch.process().wait(Duration::from_secs(3));
    let files = switch.recordings();
    assert!(sound::read_wav(&files[0])[0].len() > sound::samples(1.0), "the recording was kept");
}
