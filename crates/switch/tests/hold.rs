//! Hold, resume and change by re-INVITE, from either side and from both, before, in and after a talk: who hears music when.
//!
//! RFC 3264: 4 (no offer), 8.4 (hold; 0.0.0.0 as RFC 2543 had it), 8.3.1 (another port); RFC 3261: 14 (re-INVITE); RFC 5407:
//! 3.1.5 (a lost ACK).
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

use base::LegId;
use common::{QUIET, SECOND, Scene};
use journal::Kind;
use sdp::Direction;
use sim::{Node, Seen, company};

impl Scene {
    fn offer(&mut self, phone: SocketAddr, direction: &str) {
        self.offer_at_once(phone, direction);
        self.world.run(SECOND);
    }

    fn offer_at_once(&mut self, phone: SocketAddr, direction: &str) {
        assert!(self.world.with_phone(phone, |phone, now| phone.change(now, direction)), "{direction}");
    }

    /// The leg of whom the caller talks to.
    fn peer(&self) -> LegId {
        self.world.media.bridges[&self.world.caller_leg()]
    }

    /// Who hears music: caller, agent.
    fn music(&self) -> (bool, bool) {
        let plays = |leg: &LegId| self.world.media.plays.contains_key(leg);
        (plays(&self.world.caller_leg()), plays(&self.peer()))
    }
}

/// They talk, through the queue that has music.
fn talk() -> Scene {
    let mut scene = Scene::new();
    scene.call("201");
    scene.answer(scene.ada);
    assert_eq!(scene.music(), (false, false));
    scene
}

#[test]
fn who_is_held_hears_music_until_the_other_is_back_in_either_direction() {
    let mut s = talk();
    for direction in ["sendonly", "inactive"] {
        s.offer(s.ada, direction);
        assert_eq!(s.music(), (true, false), "the agent holds: {direction}");
        s.offer(s.ada, "sendrecv");
        assert_eq!(s.music(), (false, false), "the agent is back");
        s.offer(s.caller, direction);
        assert_eq!(s.music(), (false, true), "the caller holds: {direction}");
        s.offer(s.caller, "sendrecv");
        assert_eq!(s.music(), (false, false), "the caller is back");
    }
    assert_eq!(s.world.media.bridges.len(), 2, "the bridge was there all the time");
    s.hang_up(s.caller);
    let cdr = s.end();
    assert_eq!((cdr.hold_ms, cdr.talk_ms), (4_000, 5_000));
}

#[test]
fn an_address_of_zeros_is_a_hold() {
    let mut s = talk();
    let zeros = s.world.at(s.ada).sdp("PCMU/8000", 0, "sendrecv").replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0");
    assert!(s.world.with_phone(s.ada, |phone, now| phone.change_with(now, zeros.into())));
    assert_eq!(s.music(), (true, false));
    s.offer(s.ada, "sendrecv");
    assert_eq!(s.music(), (false, false));
}

#[test]
fn a_phone_that_only_listens_holds_nobody() {
    let mut s = talk();
    s.offer(s.ada, "recvonly");
    assert_eq!(s.music(), (false, false));
    assert_eq!(s.world.media.directions[&s.peer()], Direction::SendOnly);
}

#[test]
fn both_may_hold_and_each_is_back_by_himself() {
    let mut s = talk();
    let now = s.world.now;
    assert!(s.world.at(s.ada).change(now, "sendonly") && s.world.at(s.caller).change(now, "inactive"));
    s.world.run(SECOND);
    assert!(s.world.at(s.ada).saw(&Seen::Changed("recvonly".to_owned())));
    assert!(s.world.at(s.caller).saw(&Seen::Changed("inactive".to_owned())));
    assert_eq!(s.music(), (true, true));
    s.offer(s.ada, "sendrecv");
    assert_eq!(s.music(), (false, true), "the agent is back, and held");
    s.offer(s.caller, "sendrecv");
    assert_eq!(s.music(), (false, false));
}

#[test]
fn a_hold_said_again_and_a_new_port_in_it_change_nothing_for_who_is_held() {
    let mut s = talk();
    s.offer(s.ada, "sendonly");
    let play = s.world.media.plays.clone();
    s.offer(s.ada, "inactive");
    let moved = s.world.at(s.ada).sdp("PCMU/8000", 0, "sendonly").replace("m=audio 40000", "m=audio 40002");
    assert!(s.world.with_phone(s.ada, |phone, now| phone.change_with(now, moved.into())));
    assert_eq!(s.world.media.plays, play, "the music goes on, from where it was");
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::Held { .. })), 1);
}

/// RFC 5407 3.1.5: whoever sends another change has the answer to the last one, though his ACK is lost.
#[test]
fn a_change_behind_one_whose_ack_is_lost_is_taken() {
    let mut s = talk();
    let way = Duration::from_millis(10);
    s.world.network.nodes = vec![Node::Delay { least: way, jitter: Duration::from_micros(1) }];
    s.offer_at_once(s.ada, "sendonly");
    // The 200 is on its way when the network breaks; the ACK is lost.
    s.world.run(way + way / 2);
    s.world.network.nodes = vec![Node::Lose(100)];
    s.world.run(way);
    assert!(s.saw(s.ada, &Seen::Changed("recvonly".to_owned())));
    s.world.network.nodes.clear();
    s.offer_at_once(s.ada, "sendrecv");
    assert!(s.saw(s.ada, &Seen::Changed("sendrecv".to_owned())), "{:?}", s.world.at(s.ada).seen);
    assert_eq!(s.music(), (false, false));
    // That ACK is waited for no more.
    s.world.run(QUIET);
    s.hang_up(s.ada);
    s.end();
}

#[test]
fn a_change_that_is_refused_leaves_the_hold_as_it_was() {
    let mut s = talk();
    s.offer(s.ada, "sendonly");
    let strange = s.world.at(s.ada).sdp("G729/8000", 18, "sendrecv");
    assert!(s.world.with_phone(s.ada, |phone, now| phone.change_with(now, strange.into())));
    s.world.run(SECOND);
    assert_eq!(s.music(), (true, false));
}

#[test]
fn a_caller_who_holds_while_he_waits_is_held_in_the_talk_that_follows() {
    let mut s = Scene::new();
    s.call("201");
    let caller = s.world.caller_leg();
    let waiting = s.world.media.plays[&caller];
    s.offer(s.caller, "sendonly");
    assert_eq!(s.world.media.plays[&caller], waiting, "his place and the queue's music stay");
    s.answer(s.ada);
    assert_eq!(s.music(), (false, true), "the agent hears that he is held");
    s.offer(s.caller, "sendrecv");
    assert_eq!(s.music(), (false, false));
}

#[test]
fn a_phone_that_answers_with_a_hold_holds() {
    let mut s = Scene::new();
    s.call("201");
    s.world.with_phone(s.ada, |phone, now| phone.answer_with(now, phone.sdp("PCMU/8000", 0, "inactive").into()));
    assert_eq!(s.music(), (true, false));
}

#[test]
fn a_hang_up_by_either_side_ends_a_held_call() {
    for (holder, who_ends) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let mut s = talk();
        let phones = [s.caller, s.ada];
        s.offer(phones[holder], "sendonly");
        s.world.run(120 * SECOND);
        s.hang_up(phones[who_ends]);
        s.world.run(SECOND);
        assert!(phones.iter().all(|phone| s.world.at(*phone).saw(&Seen::Ended)));
        assert!(s.end().hold_ms >= 120_000, "{holder} {who_ends}");
    }
}

/// A caller who is with the queue's agents until he hangs up.
const AGAIN: &str = "\
version: 1
nodes:
  again:
    queue: {name: sales, timed_out: bye, full: bye, no_agents: bye}
    next: again
  bye:
    play: goodbye
    next: hangup
";

#[test]
fn a_hold_does_not_outlast_its_talk() {
    let faults = yaml::Faults::default();
    let flows = ivr::Flows::read([("main", &yaml::Source::new("main.yaml", AGAIN))], &faults);
    assert!(faults.is_empty(), "{:?}", faults.into_sorted().iter().map(ToString::to_string).collect::<Vec<_>>());
    let mut config = company();
    config.flows = flows.unwrap().into();
    config.waiting.clear();
    config.hold_music = Some("music".into());
    let mut s = Scene::of(config);
    s.call("1000");
    s.answer(s.ada);
    s.offer(s.ada, "sendonly");
    s.offer(s.caller, "inactive");
    assert_eq!(s.music(), (true, true));
    s.hang_up(s.ada);
    s.world.run(SECOND);
    assert!(s.world.media.plays.is_empty(), "the next queue has no music, and the last talk's is over");
    s.answer(s.alan);
    assert_eq!(s.music(), (false, true), "he holds the next one, too");
}

#[test]
fn without_music_who_is_held_hears_what_the_holding_phone_sends() {
    let mut s = Scene::new();
    s.call("101");
    s.answer(s.ada);
    s.offer(s.ada, "sendonly");
    assert_eq!(s.music(), (false, false), "no queue led here, and the company has no music");
    assert_eq!(s.world.media.directions[&s.peer()], Direction::RecvOnly, "what he sends is passed on");
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::Held { .. })), 1);
}

#[test]
fn the_companys_music_is_for_talks_that_no_queue_with_music_led_to() {
    let mut config = company();
    config.hold_music = Some("welcome".into());
    let mut s = Scene::of(config);
    s.call("101");
    s.answer(s.ada);
    s.offer(s.ada, "sendonly");
    assert_eq!(s.music(), (true, false));
}

#[test]
fn a_recording_goes_on_through_a_hold() {
    let mut s = Scene::new();
    s.call("1000");
    let caller = s.world.caller_leg();
    s.world.press(caller, '3');
    s.world.run(SECOND);
    s.answer(s.ada);
    let take = s.world.media.takes[&caller];
    for direction in ["sendonly", "sendrecv"] {
        s.offer(s.ada, direction);
        s.offer(s.caller, direction);
        assert_eq!(s.world.media.takes[&caller], take);
    }
}

#[test]
fn a_change_that_leaves_the_offer_to_us_keeps_bridge_hold_and_recording() {
    let mut s = talk();
    s.world.with_phone(s.ada, |phone, now| phone.change(now, "sendonly"));
    let (bridges, plays) = (s.world.media.bridges.clone(), s.world.media.plays.clone());
    let before = s.world.media.remotes.clone();
    assert!(s.world.with_phone(s.caller, |phone, now| phone.change_with(now, bytes::Bytes::new())));
    s.world.run(SECOND);
    assert!(s.saw(s.caller, &Seen::Changed("sendrecv".to_owned())), "our offer");
    assert_eq!((&s.world.media.bridges, &s.world.media.plays, &s.world.media.remotes), (&bridges, &plays, &before));
    // The phone that holds answers that it is back.
    assert!(s.world.with_phone(s.ada, |phone, now| phone.change_with(now, bytes::Bytes::new())));
    s.world.run(SECOND);
    assert_eq!(s.music(), (false, false));
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::Resumed { .. })), 1);
    s.hang_up(s.caller);
    s.end();
}
