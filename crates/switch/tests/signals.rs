//! What peers say in the signalling of a call besides the call itself: digits by INFO, why they hang up, data for another
//! system.
//!
//! RFC 6086 (INFO) and `application/dtmf-relay`; RFC 3326 (Reason): 3.1 (answered elsewhere); RFC 7433 (User-to-User).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{SECOND, Scene};
use journal::{Kind, Reason};
use sim::{Node, Seen};

const RELAY: &str = "application/dtmf-relay";

impl Scene {
    fn info(&mut self, phone: SocketAddr, kind: &str, body: &str) {
        self.world.with_phone(phone, |phone, now| phone.tell(now, kind, body));
        self.world.run(Duration::from_millis(50));
    }

    fn hang_up_for(&mut self, phone: SocketAddr, reason: &str) {
        self.world.with_phone(phone, |phone, now| phone.hang_up_for(now, Some(reason)));
        self.world.run(SECOND);
    }

    /// The reason that the phone was told when its call ended.
    fn reason(&mut self, phone: SocketAddr) -> (Option<u16>, Option<u8>) {
        let reason = self.world.at(phone).reason;
        (reason.sip, reason.q850)
    }

    fn keys(&self) -> String {
        let key = |event: &journal::Event| match &event.kind {
            Kind::Digit { key } => *key.reveal(),
            _ => None,
        };
        self.world.journal.iter().filter_map(key).collect()
    }

    /// What legs were told to send, as the caller's leg or another one's.
    fn sent(&self) -> Vec<(bool, char)> {
        let caller = self.world.caller_leg();
        self.world.media.digits.iter().map(|(leg, key)| (*leg == caller, *key)).collect()
    }

    /// The caller comes to talk with Ada through the queue.
    fn talk(&mut self) {
        self.call("201");
        self.answer(self.ada);
    }
}

#[test]
fn digits_by_info_steer_a_menu_and_stand_in_the_journal() {
    let mut s = Scene::new();
    s.call("1000");
    s.info(s.caller, RELAY, "Signal=1\r\nDuration=160\r\n");
    assert!(s.saw(s.ada, &Seen::Rings), "the menu took it");
    assert_eq!((s.keys().as_str(), s.world.at(s.caller).replies.clone()), ("1", vec![200]));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_digit_that_comes_by_media_and_by_info_counts_once() {
    let mut s = Scene::new();
    s.call("1000");
    let leg = s.world.caller_leg();
    s.world.press(leg, '9');
    s.info(s.caller, "application/dtmf", "9");
    s.info(s.caller, "application/dtmf", "8");
    s.world.press(leg, '8');
    assert_eq!(s.keys(), "98", "a menu with three attempts has one left");
    s.world.press(leg, '1');
    assert!(s.saw(s.ada, &Seen::Rings));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn what_is_no_digit_is_refused_and_harms_nothing() {
    let mut s = Scene::new();
    s.call("1000");
    s.info(s.caller, "text/plain", "1");
    s.info(s.caller, RELAY, "Signal=x");
    s.info(s.caller, RELAY, "Signal=!");
    assert_eq!(s.world.at(s.caller).replies, [415, 400, 200]);
    assert_eq!((s.keys().as_str(), s.world.switch.live_calls()), ("", 1));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn digits_by_info_pass_a_bridge_both_ways_and_those_of_both_ways_once() {
    let mut s = Scene::new();
    s.talk();
    s.info(s.caller, RELAY, "Signal=4");
    s.info(s.ada, RELAY, "Signal=5");
    assert!(s.sent().is_empty(), "the media may pass them on, too");
    s.world.run(SECOND);
    assert_eq!(s.sent(), [(false, '4'), (true, '5')]);
    s.info(s.caller, RELAY, "Signal=6");
    let leg = s.world.caller_leg();
    s.world.press(leg, '6');
    s.world.run(SECOND);
    assert_eq!(s.sent().len(), 2, "the media passes it on by itself");
    assert_eq!(s.keys(), "46", "the caller's alone are journaled");
    s.info(s.caller, RELAY, "Signal=7");
    s.hang_up(s.caller);
    s.end();
    assert_eq!(s.world.media.digits.len(), 2, "nobody is there any more");
}

#[test]
fn an_info_that_is_lost_and_sent_again_is_no_second_digit() {
    let mut s = Scene::new();
    s.call("1000");
    s.world.network.nodes = vec![Node::Lose(100)];
    s.info(s.caller, RELAY, "Signal=9");
    s.world.network.nodes.clear();
    let leg = s.world.caller_leg();
    s.world.press(leg, '9');
    s.world.run(Duration::from_millis(600));
    assert_eq!((s.keys().as_str(), s.world.at(s.caller).replies.clone()), ("9", vec![200]));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn why_one_side_hangs_up_is_told_to_the_other_and_recorded() {
    for by_agent in [false, true] {
        let mut s = Scene::new();
        s.talk();
        let (by, other) = if by_agent { (s.ada, s.caller) } else { (s.caller, s.ada) };
        s.hang_up_for(by, "Q.850;cause=31;text=\"Normal, unspecified\"");
        assert_eq!(s.reason(other), (None, Some(31)));
        let cdr = s.end();
        assert_eq!(cdr.reason, Some(Reason { sip: None, q850: Some(31) }));
        let told = |kind: &Kind| matches!(kind, Kind::LegEnded { reason: Some(_), cause, .. } if &**cause == "bye");
        assert_eq!(s.world.count(told), 1, "it is put down to the leg that said it");
    }
}

#[test]
fn who_gives_no_reason_hangs_up_normally() {
    let mut s = Scene::new();
    s.talk();
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!(s.reason(s.ada), (None, Some(16)));
    assert_eq!(s.end().reason, Some(Reason { sip: None, q850: Some(16) }));
}

#[test]
fn a_call_that_was_answered_elsewhere_is_missed_by_nobody() {
    for number in ["201", "101"] {
        let mut s = Scene::new();
        s.call(number);
        s.world.with_phone(s.ada, |phone, now| phone.ring(now));
        s.hang_up_for(s.caller, "SIP;cause=200;text=\"Call completed elsewhere\"");
        assert!(s.saw(s.ada, &Seen::Cancelled));
        assert_eq!(s.reason(s.ada).0, Some(200), "{number}");
        assert_eq!(s.end().reason.unwrap().sip, Some(200));
    }
}

#[test]
fn why_a_phone_refuses_is_told_to_who_dialled_it() {
    let mut s = Scene::new();
    s.call("101");
    s.world.with_phone(s.ada, |phone, now| phone.refuse_for(now, 486, Some("Q.850;cause=17, SIP;cause=486")));
    s.world.run(SECOND);
    assert!(s.saw(s.caller, &Seen::Refused(486)));
    assert_eq!(s.reason(s.caller), (Some(486), Some(17)));
    assert_eq!(s.end().reason, Some(Reason { sip: Some(486), q850: Some(17) }));
}

#[test]
fn data_of_the_callers_system_comes_to_the_agent_and_stays_in_the_company() {
    let mut s = Scene::new();
    let data = "56a390f3d2b7310023a2;encoding=hex;purpose=isdn-uui";
    s.world.at(s.caller).headers = vec![("User-to-User".to_owned(), data.to_owned())];
    s.talk();
    let invited = s.world.at(s.ada).invited.clone().unwrap();
    assert_eq!(invited.head.header(sip_message::HeaderName::UserToUser), Some(data));
    let told = |kind: &Kind| matches!(kind, Kind::UserToUser { data } if data.reveal() == "56a390f3d2b7310023a2");
    assert_eq!(s.world.count(told), 1);
    let shown = s.world.journal.iter().any(|event| format!("{event:?}").contains("56a390f3"));
    assert!(!shown, "it is about a person");
    s.hang_up(s.caller);
    s.end();
    let longest = format!("{};encoding=hex", "5a".repeat(256));
    let mut s = Scene::new();
    s.world.at(s.caller).headers = vec![("User-to-User".to_owned(), longest.clone())];
    s.talk();
    let invited = s.world.at(s.ada).invited.clone().unwrap();
    assert_eq!(invited.head.header(sip_message::HeaderName::UserToUser), Some(&*longest));
}

#[test]
fn data_that_cannot_be_read_is_left_out_and_the_call_goes_on() {
    let mut s = Scene::new();
    let long = format!("{};encoding=hex", "00".repeat(257));
    s.world.at(s.caller).headers =
        [long.as_str(), "zz", "00;encoding=x"].map(|data| ("User-to-User".into(), data.into())).into();
    s.talk();
    let invited = s.world.at(s.ada).invited.clone().unwrap();
    assert_eq!(invited.head.header(sip_message::HeaderName::UserToUser), None);
    s.hang_up(s.caller);
    s.end();
}
