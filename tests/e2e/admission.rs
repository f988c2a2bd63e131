//! Who may call, and what.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tests::company::Company;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::switch::{self, Switch};
use tests::wait::SOON;

fn refusal(phone: &mut Phone, number: &str, body: &str) -> u16 {
    let dialog = phone.invite(number, body);
    let refusal = phone.final_response(&dialog, SOON);
    phone.acknowledge(&dialog, &refusal);
    refusal.status().expect("a response")
}

#[test]
fn a_call_from_an_unknown_source_is_refused() {
    let mut ports = Ports::slice();
    let mut switch = Switch::start(&Company::new(&ports));
    let stranger = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
    let mut phone = Phone::at(stranger, switch.address(), &mut ports);
    let body = phone.sdp();
    assert_eq!(refusal(&mut phone, "1000", &body), 403);
    let pid = switch.process().pid();
    assert_eq!(switch::udp_sockets(pid), 1, "no port for audio was opened for him");
    assert_eq!(phone.media.received().len(), 0);
}

#[test]
fn a_number_that_is_not_in_the_plan_is_not_found() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let mut phone = Phone::new(switch.address(), &mut ports);
    let body = phone.sdp();
    assert_eq!(refusal(&mut phone, "4711", &body), 404);
    switch.assert_quiet();
}

#[test]
fn an_offer_without_a_codec_of_ours_is_refused() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let mut phone = Phone::new(switch.address(), &mut ports);
    let body = phone.sdp_with(40_000, "18", "a=rtpmap:18 G729/8000\r\n");
    assert_eq!(refusal(&mut phone, "1000", &body), 488);
    switch.assert_quiet();
}

#[test]
fn a_call_without_an_offer_gets_one() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let mut phone = Phone::new(switch.address(), &mut ports);
    let dialog = phone.invite("1002", "");
    let answer = phone.final_response(&dialog, SOON);
    assert_eq!(answer.status(), Some(200), "{answer}");
    assert!(answer.sdp('m').is_some_and(|line| line.starts_with("audio ")), "{answer}");
}

#[test]
fn more_calls_than_configured_are_refused() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.calls.insert("max", "2".to_owned());
    let switch = Switch::start(&company);
    let mut phones: Vec<Phone> = (0..3).map(|_| Phone::new(switch.address(), &mut ports)).collect();
    let mut first = phones[0].call("1002");
    phones[1].call("1002");
    let body = phones[2].sdp();
    assert_eq!(refusal(&mut phones[2], "1002", &body), 503);
    phones[0].bye(&mut first);
    // A call makes room when its record is written; one that was turned away for want of room has none, but is an event.
    switch.wait_for_cdr();
    switch.wait_for_event("overload", 1, SOON);
    phones[2].call("1002");
}

#[test]
fn a_re_invite_moves_the_audio() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.call("1002");
    let other = Phone::new(switch.address(), &mut ports);
    let body = phone.sdp_with(other.media.local().port(), "0 101", "a=rtpmap:0 PCMU/8000\r\n");
    let answer = phone.reinvite(&mut dialog, &body);
    assert_eq!(answer.status(), Some(200), "{answer}");
    other.media.send_to(tests::phone::media_address(&answer));
    phone.media.hush();
    tests::wait::until_true("audio at the new port", SOON, || other.media.received().len() > 50);
    let before = phone.media.received().len();
    tests::wait::pause(Duration::from_millis(500));
    assert!(phone.media.received().len() <= before + 2, "audio still goes to the old port");
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
}
