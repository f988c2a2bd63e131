//! `strowger call`, the phone of the command line: against the switch, SIPp and baresip.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tests::baresip::{Baresip, Manner};
use tests::company::{Company, tones};
use tests::ports::Ports;
use tests::process::Process;
use tests::sipp::Sipp;
use tests::sound::{self, assert_heard, heard};
use tests::switch::{Switch, binary};
use tests::wait::{self, SOON};

/// Longer than any call here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

fn call(target: &str, options: &[&str], folder: &Path) -> Process {
    call_with(target, options, None, folder)
}

/// With a password in the environment.
fn call_with(target: &str, options: &[&str], password: Option<&str>, folder: &Path) -> Process {
    let mut command = Command::new(binary());
    command.args(["call", target]).args(options);
    match password {
        Some(password) => command.env("STROWGER_PASSWORD", password),
        None => command.env_remove("STROWGER_PASSWORD"),
    };
    Process::start("call", command, folder)
}

/// Waits for its end: the exit code, and what it printed.
fn end(call: &mut Process) -> (Option<i32>, String) {
    let code = call.wait(LIMIT).code();
    // The last lines may still be on their way through the pipe.
    wait::pause(Duration::from_millis(200));
    (code, call.lines().join("\n"))
}

/// SIPp answers as `scenario` says; the URI to call it by.
fn callee(scenario: &str, ports: &mut Ports, folder: &Path, options: &[&str]) -> (Sipp, String) {
    let (port, media) = (ports.take(2), ports.take(4));
    (Sipp::answering(scenario, port, media, folder, options), format!("sip:callee@127.0.0.1:{port}"))
}

#[test]
fn the_menu_is_heard_digits_arrive_and_the_recording_holds_both_sides() {
    let ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let folder = switch.folder();
    let (hello, both) = (folder.join("hello.wav"), folder.join("both.wav"));
    sound::write_wav(&hello, &sound::sine(tones::CALLER, 1.0));
    let files = [&hello, &both].map(|path| path.to_str().expect("text"));
    // 7 is a wrong key, which is told; the second one ends the call.
    let options = ["--press", ",7,,8", "--play", files[0], "--record", files[1], "--from", "tester"];
    let (code, told) = end(&mut call(&format!("sip:1001@{}", switch.address()), &options, folder));
    assert_eq!(code, Some(0), "{told}");
    for line in ["answered", "first audio received", "pressed 7", "pressed 8", "hung up by the other side", "level -1"]
    {
        assert!(told.contains(line), "no {line:?} in\n{told}");
    }
    let digits: Vec<_> = switch.events("digit").iter().map(|event| event["key"].clone()).collect();
    assert_eq!(digits, ["7", "8"]);
    let [left, right] = sound::read_wav(&both).try_into().expect("stereo");
    // Until the first key stops it, 1.5 s after the answer.
    assert_heard("the menu", &left[..sound::samples(1.4)], tones::WELCOME, 1.2);
    assert!(heard(&left, tones::WRONG).is_some() && heard(&left, tones::GOODBYE).is_some());
    let said = heard(&right, tones::CALLER).expect("what was played");
    assert!(said.total > 3.0, "a second of sound goes on in a loop: {said:?}");
    assert_eq!(heard(&left, tones::CALLER), None);
    assert_eq!(heard(&right, tones::WELCOME), None);
    let cdr = switch.wait_for_cdr();
    assert_eq!((cdr["hung_up_by"].as_str(), cdr["from"].as_str()), (Some("system"), Some("tester")), "{cdr:#}");
    switch.assert_quiet();
}

#[test]
fn the_hold_time_hangs_up() {
    let ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let (code, told) = end(&mut call(&format!("sip:1003@{}", switch.address()), &["--hold", "1.5"], switch.folder()));
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("hung up by this phone"), "{told}");
    assert_eq!(switch.wait_for_cdr()["hung_up_by"], "caller");
    switch.assert_quiet();
}

#[test]
fn ctrl_c_hangs_up_an_answered_call() {
    let ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let mut call = call(&format!("sip:1003@{}", switch.address()), &[], switch.folder());
    call.wait_for_line("the answer", SOON, |line| line.ends_with("answered"));
    call.signal("INT");
    let (code, told) = end(&mut call);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(switch.wait_for_cdr()["hung_up_by"], "caller");
    switch.assert_quiet();
}

#[test]
fn a_user_proves_himself_over_udp_and_tcp_and_a_wrong_password_is_a_refusal() {
    let ports = Ports::slice();
    let mut company = Company::new(&ports).agent("register");
    company.tcp = true;
    let switch = Switch::start(&company);
    let (password, folder) = (switch.password("agent1"), switch.folder());
    let udp = format!("sip:1003@{}", switch.address());
    let tcp = format!("sip:1003@{};transport=tcp", switch.tcp());
    let options = ["--user", "agent1", "--hold", "1"];
    for (target, way) in [(&udp, "calling udp"), (&tcp, "calling tcp")] {
        let (code, told) = end(&mut call_with(target, &options, Some(&password), folder));
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains(way) && told.contains("first audio received"), "{told}");
        let (code, told) = end(&mut call_with(target, &options, Some("guess"), folder));
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains("refused: 401 Unauthorized"), "{told}");
    }
    let asked = switch.wait_for_cdrs(2);
    assert!(asked.iter().all(|cdr| cdr["from"] == "agent1" && cdr["origin"]["user"] == "agent1"), "{asked:#?}");
    switch.assert_quiet();
}

#[test]
fn over_tcp_the_option_counts_before_the_uri_and_nobody_there_is_exit_code_3() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.tcp = true;
    let switch = Switch::start(&company);
    let options = ["--transport", "tcp", "--hold", "1"];
    let (code, told) = end(&mut call(&format!("sip:1003@{};transport=udp", switch.tcp()), &options, switch.folder()));
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("calling tcp") && told.contains("hung up by this phone"), "{told}");
    assert_eq!(switch.wait_for_cdr()["hung_up_by"], "caller");
    let nobody = format!("sip:1003@127.0.0.1:{};transport=tcp", ports.take(2));
    let (code, told) = end(&mut call(&nobody, &[], switch.folder()));
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("no answer: nobody answers there"), "{told}");
    switch.assert_quiet();
}

#[test]
fn a_stranger_who_asks_is_answered_also_in_the_ack() {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    for (password, code) in [("secret", 0), ("guess", 1)] {
        let (mut sipp, target) = callee("callee_asks", &mut ports, folder.path(), &["-m", "1", "-rtp_echo"]);
        let options = ["--user", "105", "--password", password];
        let (ended, told) = end(&mut call(&target, &options, folder.path()));
        assert_eq!(ended, Some(code), "{told}");
        assert_eq!(told.contains("refused: 403 Forbidden"), code == 1, "{told}");
        sipp.succeed(SOON);
    }
}

#[test]
fn ctrl_c_cancels_a_call_that_rings() {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let (mut sipp, target) = callee("agent_rings", &mut ports, folder.path(), &["-m", "1"]);
    let mut call = call(&target, &[], folder.path());
    call.wait_for_line("ringing", SOON, |line| line.ends_with("ringing"));
    call.signal("INT");
    let (code, told) = end(&mut call);
    assert_eq!(code, Some(3), "{told}");
    // SIPp ends well only if CANCEL came and 487 was acknowledged.
    sipp.succeed(SOON);
}

#[test]
fn a_busy_callee_is_exit_code_1_with_code_and_reason() {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let (mut sipp, target) = callee("agent_busy", &mut ports, folder.path(), &["-m", "1"]);
    let (code, told) = end(&mut call(&target, &[], folder.path()));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("refused: 486 Busy Here"), "{told}");
    sipp.succeed(SOON);
}

#[test]
fn a_callee_who_never_answers_is_exit_code_3() {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let (mut sipp, target) = callee("agent_rings", &mut ports, folder.path(), &["-m", "1"]);
    let (code, told) = end(&mut call(&target, &["--ring", "2"], folder.path()));
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("no answer: it rang for too long"), "{told}");
    sipp.succeed(SOON);
}

#[test]
fn a_callee_who_hangs_up_is_exit_code_0_with_his_reason() {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let (mut sipp, target) = callee("callee_hangs_up", &mut ports, folder.path(), &["-m", "1", "-rtp_echo"]);
    let hello = folder.path().join("hello.wav");
    sound::write_wav(&hello, &sound::sine(tones::CALLER, 1.0));
    let (code, told) = end(&mut call(&target, &["--play", hello.to_str().expect("text")], folder.path()));
    assert_eq!(code, Some(0), "{told}");
    let reason = "hung up by the other side, Reason: Q.850;cause=16;text=\"enough\"";
    // He repeats what he hears.
    for line in [reason, "first audio received", "heard: sound for"] {
        assert!(told.contains(line), "no {line:?} in\n{told}");
    }
    sipp.succeed(SOON);
}

#[test]
fn a_callee_who_asks_for_an_offer_and_then_holds_stays_in_the_call() {
    // The ACK of the second re-INVITE was taken for the answer to the offer in the 200 of the first: without a body, it had
    // the phone hang up.
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let (mut sipp, target) = callee("callee_changes", &mut ports, folder.path(), &["-m", "1", "-rtp_echo"]);
    let (code, told) = end(&mut call(&target, &[], folder.path()));
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told.matches("session changed by the other side").count(), 2, "{told}");
    assert!(told.contains("hung up by the other side"), "{told}");
    sipp.succeed(SOON);
}

#[test]
fn a_baresip_is_heard_and_hears() {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let manner = Manner { hertz: tones::AGENT, codecs: "PCMA/8000/1", answers: true };
    let baresip = Baresip::start("callee", manner, &mut ports, folder.path());
    let (hello, both) = (folder.path().join("hello.wav"), folder.path().join("both.wav"));
    sound::write_wav(&hello, &sound::sine(tones::CALLER, 1.0));
    let files = [&hello, &both].map(|path| path.to_str().expect("text"));
    let options = ["--play", files[0], "--record", files[1], "--hold", "4"];
    let (code, told) = end(&mut call(&baresip.contact("callee"), &options, folder.path()));
    assert_eq!(code, Some(0), "{told}");
    baresip.wait_for("CALL_CLOSED", 1, SOON);
    let [left, _] = sound::read_wav(&both).try_into().expect("stereo");
    assert!(heard(&left, tones::AGENT).is_some_and(|heard| heard.total > 2.0), "{told}");
    assert!(heard(&baresip.heard(), tones::CALLER).is_some_and(|heard| heard.total > 2.0), "baresip hears us");
}

#[test]
fn wrong_usage_is_exit_code_2_and_calls_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = "sip:1000@127.0.0.1:9";
    for (target, options, why) in [
        ("tel:+4930", &[][..], "only sip:"),
        ("sips:1000@127.0.0.1;transport=udp", &[], "over TLS"),
        (target, &["--press", "1x"], "no key"),
        (target, &["--transport", "sctp"], "udp, tcp and tls"),
        (target, &["--user", "105"], "--password"),
        (target, &["--play", "/nonexistent.wav"], "/nonexistent.wav"),
        (target, &["--record", "/nonexistent/both.wav"], "/nonexistent/both.wav"),
        ("sip:1000@no-such-host.invalid", &[], "no-such-host.invalid"),
    ] {
        let mut call = call(target, options, folder.path());
        let (code, told) = end(&mut call);
        assert_eq!(code, Some(2), "{target} {options:?}: {told}{}", call.errors());
        assert!(call.errors().contains(why), "{target} {options:?}: {}", call.errors());
        assert_eq!(told, "");
    }
}
