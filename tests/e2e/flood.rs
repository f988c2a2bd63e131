//! Floods of INVITE and REGISTER from hundreds of addresses: calls that are up notice nothing, new ones succeed right after,
//! and the memory is given back.

use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::flood::Flood;
use tests::phone::{Packet, Phone};
use tests::ports::Ports;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

use crate::control::{metric, metrics_of};

const RATE: u32 = 10_000;
const TIME: Duration = Duration::from_secs(20);
const SOURCES: u16 = 400;
/// Resident memory in kB that a flood may leave or add; were each of its requests kept, it would be hundreds of MB.
const ROOM: u64 = 24 << 10;

#[test]
fn a_flood_of_refused_invites_harms_no_call_and_leaves_nothing() {
    endure(Flood::Invite, &[]);
}

#[test]
fn a_flood_of_registers_that_are_asked_for_a_password_harms_no_call_and_leaves_nothing() {
    endure(Flood::Register, &["sip:agent1@127.0.0.1:9", "register"]);
}

fn endure(flood: Flood, agents: &[&str]) {
    let mut ports = Ports::slice();
    let mut company = agents.iter().fold(Company::new(&ports), |company, place| company.agent(place));
    company.control.insert("metrics", "127.0.0.1:0".to_owned());
    let mut switch = Switch::start(&company);
    let metrics = metrics_of(&mut switch);
    let pid = switch.process().pid();
    let mut phones: Vec<Phone> = (0..3).map(|_| Phone::new(switch.address(), &mut ports)).collect();
    let mut dialogs: Vec<_> = phones.iter_mut().map(|phone| phone.call("1002")).collect();
    phones.iter().for_each(|phone| phone.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON));
    let (began, before) = (Instant::now(), memory(pid));

    let sender = flood.start(switch.address(), SOURCES, RATE, TIME);
    pause(TIME / 2);
    // The phone does not repeat itself: what belongs to a call is not lost in the flood.
    let body = phones[0].sdp();
    assert_eq!(phones[0].reinvite(&mut dialogs[0], &body).status(), Some(200));
    let middle = memory(pid);
    let sent = sender.join().expect("the flood");
    let after = memory(pid);
    let mut late = Phone::new(switch.address(), &mut ports);
    let mut dialog = late.call("1002");

    let answered = metric(metrics, "strowger_sip_total{kind=\"refused\"}");
    println!(
        "{sent} requests in {TIME:?}, {answered} refused; memory {before} kB, in the middle {middle}, at the end {after}"
    );
    assert!(sent > RATE * 10 && answered > f64::from(sent) / 2.0, "{answered} of {sent} requests make no flood");
    assert!(after.saturating_sub(middle) < ROOM && after.saturating_sub(before) < ROOM, "{before} {middle} {after} kB");
    for (phone, dialog) in phones.iter_mut().zip(&mut dialogs) {
        let packets: Vec<Packet> = phone.media.received().into_iter().filter(|packet| packet.at >= began).collect();
        let gaps = packets.windows(2).map(|pair| pair[1].at - pair[0].at);
        println!("{} packets, longest gap {:?}", packets.len(), gaps.max().unwrap_or_default());
        let (first, last) = (&packets[0], &packets[packets.len() - 1]);
        assert_eq!(usize::from(last.sequence().wrapping_sub(first.sequence())) + 1, packets.len(), "packets were lost");
        let missing = began.elapsed().as_secs_f64() - packets.len() as f64 * 0.02;
        assert!(missing < 0.5, "{missing} s of audio were not sent");
        assert_eq!(phone.bye(dialog).status(), Some(200));
    }
    assert_eq!(late.bye(&mut dialog).status(), Some(200));
    switch.wait_for_cdrs(4);
    switch.assert_quiet();
}

/// Resident memory of a process in kB.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
