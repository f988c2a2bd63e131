//! Short messages to users: who may send, what is taken, and what comes back (RFC 3428).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::net::SocketAddr;

use common::{QUIET, SECOND, Scene};
use journal::{Kind, Origin};
use sim::{Node, company};

impl Scene {
    /// Sends a message, as `me`, and gives what it was answered in the end.
    fn write(&mut self, who: SocketAddr, me: &str, to: &str, kind: &str, text: &str) -> Option<u16> {
        self.world.at(who).answers.clear();
        self.world.with_phone(who, |phone, now| phone.write(now, me, to, kind, text));
        self.world.run(SECOND);
        self.world.at(who).answers.last().copied()
    }

    fn read(&mut self, who: SocketAddr) -> Vec<(String, String)> {
        self.world.at(who).texts.clone()
    }

    fn told(&self) -> Vec<(Origin, String, u32, u16)> {
        let told = |event: &journal::Event| match &event.kind {
            Kind::Message { from, to, octets, status } => Some((from.clone(), to.to_string(), *octets, *status)),
            _ => None,
        };
        self.world.journal.iter().filter_map(told).collect()
    }
}

#[test]
fn a_users_message_comes_to_the_phone_of_another() {
    let mut s = Scene::new();
    assert_eq!(s.write(s.ada, "101", "102", "text/plain;charset=utf-8", "Später?"), Some(200));
    assert_eq!(s.read(s.alan), [("101".to_owned(), "Später?".to_owned())]);
    assert_eq!(s.told(), [(Origin::User("101".into()), "102".to_owned(), 8, 200)]);
    s.world.run(QUIET);
    assert!(s.world.switch.is_quiet());
}

#[test]
fn what_the_phone_answers_is_what_the_sender_is_answered() {
    for (status, answered) in [(486, 486), (603, 603), (302, 480), (401, 480), (415, 415)] {
        let mut s = Scene::new();
        s.world.at(s.alan).takes_texts = status;
        assert_eq!(s.write(s.ada, "101", "102", "text/plain", "?"), Some(answered), "{status}");
    }
    let mut s = Scene::new();
    s.world.unplug(s.alan);
    s.write(s.ada, "101", "102", "text/plain", "?");
    s.world.run(QUIET);
    assert_eq!(s.told()[0].3, 480, "his phone is gone");
    assert!(s.world.switch.is_quiet());
}

#[test]
fn what_is_no_short_text_to_a_user_is_refused() {
    let mut s = Scene::new();
    let ada = s.ada;
    assert_eq!(s.write(ada, "101", "102", "text/html", "<b>"), Some(415));
    assert_eq!(s.write(ada, "101", "102", "text/plain", &"x".repeat(1025)), Some(413));
    assert_eq!(s.write(ada, "101", "102", "text/plain", &"x".repeat(1024)), Some(200));
    for nobody in ["999", "1000", "201", "+4930999"] {
        assert_eq!(s.write(ada, "101", nobody, "text/plain", "?"), Some(404), "{nobody}");
    }
    assert_eq!(s.write(ada, "101", "103", "text/plain", "?"), Some(480), "his phone has not registered");
    assert_eq!(s.read(s.alan).len(), 1);
    assert!(s.read(s.carrier).is_empty(), "nothing leaves the company");
}

#[test]
fn strangers_and_trunks_send_none_but_those_trunks_that_may() {
    let mut s = Scene::new();
    let stranger = s.world.phone("127.0.0.9:5060");
    assert_eq!(s.write(stranger, "101", "102", "text/plain", "?"), Some(401), "who registers could prove himself");
    assert_eq!(s.write(s.caller, "4930123", "102", "text/plain", "?"), Some(403));
    assert!(s.read(s.alan).is_empty());
    let mut config = company();
    config.trunks[0].messages = true;
    let mut s = Scene::of(config);
    assert_eq!(s.write(s.caller, "4930123", "102", "text/plain", "?"), Some(200));
    assert_eq!(s.told()[0].0, Origin::Trunk("local".into()));
}

#[test]
fn a_message_that_is_sent_again_comes_once() {
    for seed in 1..20 {
        let mut s = Scene::within(sim::World::with(company(), seed));
        s.world.network.nodes = vec![Node::Lose(30), Node::Double(30)];
        s.write(s.ada, "101", "102", "text/plain", "once");
        s.world.run(QUIET);
        assert!(s.read(s.alan).len() <= 1 && s.world.switch.is_quiet(), "seed {seed}");
    }
}
