//! What the system gives comes to its end: descriptors, memory. New calls get 503 then, those that live go on, operators
//! are answered; and when calls end, others are taken again.

use std::process::Command;
use std::time::Instant;

use serde_json::Value;
use tests::company::{Company, tones};
use tests::phone::{Dialog, Phone};
use tests::ports::Ports;
use tests::sound::assert_heard;
use tests::switch::Switch;
use tests::wait::{SOON, until_true};

/// Calls until one is refused; gives those that are up.
fn call_until_refused(phone: &mut Phone, most: usize) -> Vec<Dialog> {
    let mut up = Vec::new();
    while up.len() < most {
        match try_call(phone) {
            Some(dialog) => up.push(dialog),
            None => return up,
        }
    }
    panic!("{most} calls, and none is refused");
}

/// A call that is answered; `None`: refused with 503, as it should be.
fn try_call(phone: &mut Phone) -> Option<Dialog> {
    let mut dialog = phone.invite("1002", &phone.sdp());
    let answer = phone.final_response(&dialog, SOON);
    if answer.status() == Some(200) {
        phone.establish(&mut dialog, &answer);
        return Some(dialog);
    }
    phone.acknowledge(&dialog, &answer);
    assert_eq!(answer.status(), Some(503), "{answer}");
    assert!(answer.header("Retry-After").is_some(), "{answer}");
    None
}

fn status(switch: &Switch) -> Value {
    serde_json::from_str(&switch.told(&["status", "--json"])).expect("JSON")
}

#[test]
fn when_descriptors_are_used_up_new_calls_get_503_and_all_else_goes_on() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.calls.insert("max", "90".to_owned());
    let mut switch = Switch::start_with(&company, |command| {
        let mut limited = Command::new("prlimit");
        limited.arg("--nofile=96:96").arg(command.get_program()).args(command.get_args());
        limited
    });
    let (mut talker, mut crowd) = (Phone::new(switch.address(), &mut ports), Phone::new(switch.address(), &mut ports));
    let mut talk = talker.call("1002");
    let from = Instant::now();
    let mut up = call_until_refused(&mut crowd, 90);
    assert!(up.len() > 5, "{}", up.len());
    assert_eq!(status(&switch)["calls"], up.len() + 1, "an operator is answered");
    switch.wait_for_event("overload", 1, SOON);
    talker.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    assert_heard("who talks", &talker.media.heard_since(from), tones::WELCOME, 1.0);
    // Those that end make room for as many.
    for dialog in &mut up {
        assert_eq!(crowd.bye(dialog).status(), Some(200));
    }
    until_true("the sockets are closed", SOON, || tests::switch::udp_sockets(switch.process().pid()) <= 3);
    let mut again = try_call(&mut crowd).expect("there is room again");
    assert_eq!(crowd.bye(&mut again).status(), Some(200));
    assert_eq!(talker.bye(&mut talk).status(), Some(200));
    switch.assert_quiet();
    assert!(switch.terminate(SOON).success());
}

#[test]
fn when_memory_runs_short_no_more_calls_are_taken_than_live() {
    let mut ports = Ports::slice();
    let mut switch = Switch::start(&Company::new(&ports));
    let pid = switch.process().pid();
    let (mut talker, mut crowd) = (Phone::new(switch.address(), &mut ports), Phone::new(switch.address(), &mut ports));
    let mut talk = talker.call("1002");
    let mut second = try_call(&mut crowd).expect("there is room");
    let from = Instant::now();
    // So much is left for those that live.
    limit_space(pid, Some(space(pid) + (8 << 20)));
    until_true("that is seen", SOON, || status(&switch)["max_calls"] == 2);
    switch.wait_for_event("memory_short", 1, SOON);
    assert_eq!(call_until_refused(&mut crowd, 1).len(), 0);
    // The memory of a call that ends is good for another.
    assert_eq!(crowd.bye(&mut second).status(), Some(200));
    switch.wait_for_cdr();
    let mut third = try_call(&mut crowd).expect("there is room");
    assert_eq!(call_until_refused(&mut crowd, 1).len(), 0);
    talker.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    assert_heard("who talks", &talker.media.heard_since(from), tones::WELCOME, 0.5);
    limit_space(pid, None);
    until_true("that is seen", SOON, || status(&switch)["max_calls"] == 50);
    let mut fourth = try_call(&mut crowd).expect("there is room");
    for dialog in [&mut third, &mut fourth] {
        assert_eq!(crowd.bye(dialog).status(), Some(200));
    }
    assert_eq!(talker.bye(&mut talk).status(), Some(200));
    switch.assert_quiet();
}

/// The address space of a process, in octets.
fn space(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("its size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// Sets the limit of a running process's address space.
fn limit_space(pid: u32, octets: Option<u64>) {
    let soft = octets.map_or("unlimited".to_owned(), |octets| octets.to_string());
    let mut command = Command::new("prlimit");
    let set = command.args(["--pid", &pid.to_string()]).arg(format!("--as={soft}:unlimited")).status();
    assert!(set.expect("prlimit").success());
}
