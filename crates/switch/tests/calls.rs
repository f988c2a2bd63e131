//! Whole calls through the switch machine: menu, queue, agents, hang-up by each side at each moment, refusals.
//!
//! RFC 3261: 8.2 (refusals), 9 (CANCEL), 13 (INVITE), 15 (BYE); RFC 3264: 4 (delayed offer), 8 (hold).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::time::Duration;

use acd::AgentState;
use common::{QUIET, SECOND, Scene};
use journal::{Disposition, Kind, OfferEnded, OfferOutcome, Party, QueueExit};
use sim::{Seen, World, company};

impl Scene {
    /// Calls the menu and presses a key; gives the caller's leg.
    fn press_in_menu(&mut self, key: char) -> base::LegId {
        self.call("1000");
        let leg = self.world.caller_leg();
        self.world.press(leg, key);
        leg
    }

    /// Calls the menu and presses 1: the caller waits, agent 101's phone rings.
    fn call_queue(&mut self) {
        self.press_in_menu('1');
        self.world.run(SECOND);
    }

    fn call_agent(&mut self) {
        self.call_queue();
        self.world.with_phone(self.ada, |phone, now| phone.answer(now));
        self.world.run(10 * SECOND);
    }
}

#[test]
fn a_caller_reaches_an_agent_through_the_menu() {
    let mut s = Scene::new();
    s.call_agent();
    assert_eq!(s.world.media.bridges.len(), 2, "caller and agent hear each other");
    assert!(s.world.media.plays.is_empty(), "the music stops when they talk");
    assert!(matches!(s.agent("101"), Some(AgentState::InCall(_))));
}

#[test]
fn the_callers_hang_up_ends_the_call_for_both() {
    let mut s = Scene::new();
    s.call_agent();
    s.hang_up(s.caller);
    assert!(s.world.at(s.ada).saw(&Seen::Ended));
    assert_eq!(s.agent("101"), Some(AgentState::WrapUp));
    let cdr = s.end();
    assert_eq!((cdr.disposition, cdr.hung_up_by), (Disposition::Answered, Some(Party::Caller)));
    assert_eq!((cdr.queue.as_deref(), cdr.agent.as_deref()), (Some("sales"), Some("101")));
    assert!((9_900..=10_100).contains(&cdr.talk_ms), "{}", cdr.talk_ms);
    assert!((900..=1_100).contains(&cdr.wait_ms), "{}", cdr.wait_ms);
    assert_eq!(s.agent("101"), Some(AgentState::Idle), "wrap-up ends");
}

#[test]
fn the_agents_hang_up_ends_the_call_and_is_put_down_to_him() {
    let mut s = Scene::new();
    s.call_agent();
    s.hang_up(s.ada);
    s.world.run(SECOND);
    assert!(s.world.at(s.caller).saw(&Seen::Ended));
    let cdr = s.end();
    assert_eq!((cdr.disposition, cdr.hung_up_by), (Disposition::Answered, Some(Party::Agent)));
}

#[test]
fn a_caller_who_hangs_up_in_the_menu_leaves_nothing() {
    let mut s = Scene::new();
    s.call("1000");
    assert!(s.world.at(s.caller).saw(&Seen::Answered));
    s.hang_up(s.caller);
    let cdr = s.end();
    assert_eq!((cdr.disposition, cdr.hung_up_by), (Disposition::SelfServed, Some(Party::Caller)));
}

#[test]
fn a_caller_who_hangs_up_while_the_agent_rings_cancels_him() {
    let mut s = Scene::new();
    s.call_queue();
    assert!(s.world.at(s.ada).saw(&Seen::Rings));
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!(s.agent("101"), Some(AgentState::Idle), "he is free at once");
    let cdr = s.end();
    assert!(s.world.at(s.ada).saw(&Seen::Cancelled) || s.world.at(s.ada).saw(&Seen::Ended));
    assert_eq!(cdr.disposition, Disposition::Abandoned);
    let left = |k: &Kind| matches!(k, Kind::QueueLeft { why: QueueExit::Abandoned, .. });
    assert_eq!(s.world.count(left), 1);
}

#[test]
fn an_agent_who_answers_as_the_caller_hangs_up_is_let_go() {
    let mut s = Scene::new();
    s.call_queue();
    let now = s.world.now;
    s.world.at(s.ada).ring(now);
    s.world.react();
    // Both act at the same moment; neither has heard of the other.
    s.world.at(s.ada).answer(now);
    s.world.at(s.caller).hang_up(now);
    s.world.react();
    let cdr = s.end();
    assert!(s.world.at(s.ada).is_quiet() && s.world.at(s.ada).session.is_none());
    assert_eq!(cdr.hung_up_by, Some(Party::Caller));
    assert_eq!(s.agent("101"), Some(AgentState::Idle));
}

#[test]
fn the_next_agent_gets_the_call_when_one_is_busy_declines_or_does_not_answer() {
    let cases = [(Some(486), OfferOutcome::Busy), (Some(603), OfferOutcome::Declined), (None, OfferOutcome::NoAnswer)];
    for (status, outcome) in cases {
        let mut s = Scene::new();
        s.world.at(s.ada).reflex = status;
        s.world.at(s.alan).reflex = Some(200);
        s.call_queue();
        s.world.run(25 * SECOND);
        assert!(s.world.at(s.alan).saw(&Seen::Acked), "{outcome:?}");
        assert_eq!(s.world.media.bridges.len(), 2);
        let failed = |k: &Kind| matches!(k, Kind::OfferEnded(OfferEnded { outcome: o, agent, .. }) if *o == outcome && &**agent == "101");
        assert_eq!(s.world.count(failed), 1, "{outcome:?}");
        s.hang_up(s.caller);
        assert_eq!(s.end().agent.as_deref(), Some("102"));
    }
}

#[test]
fn an_agents_phone_that_asks_to_be_left_alone_gets_no_call_for_so_long_but_five_minutes_at_most() {
    for (status, asked, rests) in [
        (480, "60", 60),
        (486, "4000", 300),
        (500, "45", 45),
        (503, "45 (rebooting)", 45),
        (600, "45", 45),
        (603, "45", 45),
        (486, "1", 10),
    ] {
        let mut s = Scene::new();
        s.call_queue();
        s.world.with_phone(s.ada, |phone, now| phone.refuse_with(now, status, Some(("Retry-After", asked))));
        s.world.run((rests - 1) * SECOND);
        assert_eq!(s.agent("101"), Some(AgentState::Resting), "{status} {asked}");
        s.world.run(2 * SECOND);
        assert_ne!(s.agent("101"), Some(AgentState::Resting), "{status} {asked}");
    }
}

#[test]
fn an_agent_whose_phone_is_gone_is_passed_over_at_once() {
    let mut s = Scene::new();
    s.world.unplug(s.ada);
    s.world.at(s.alan).reflex = Some(200);
    s.call_queue();
    let address = s.ada;
    let now = s.world.now;
    s.world.switch.handle_unreachable(now, sip::Transport::Udp, address);
    s.world.react();
    assert!(s.world.at(s.alan).saw(&Seen::Acked));
}

#[test]
fn an_agent_who_vanishes_in_mid_call_frees_the_caller() {
    let mut s = Scene::new();
    s.call_agent();
    let agent_leg = *s.world.media.bridges.get(&s.world.caller_leg()).unwrap();
    s.world.unplug(s.ada);
    s.world.silence(agent_leg);
    s.world.run(SECOND);
    assert!(s.world.at(s.caller).saw(&Seen::Ended));
    let cdr = s.end();
    assert_eq!((cdr.hung_up_by, &*cdr.cause), (Some(Party::System), "media_silent"));
    assert_eq!(s.agent("101"), Some(AgentState::Idle));
}

#[test]
fn a_caller_who_waits_too_long_goes_on_in_his_flow() {
    let mut s = Scene::new();
    s.world.at(s.ada).reflex = Some(486);
    s.world.at(s.alan).reflex = Some(486);
    s.call_queue();
    s.world.run(125 * SECOND);
    let leg = s.world.caller_leg();
    s.world.finish_play(leg);
    let cdr = s.end();
    assert_eq!((cdr.disposition, cdr.hung_up_by), (Disposition::SelfServed, Some(Party::System)));
    assert!((119_000..=121_500).contains(&cdr.wait_ms), "{}", cdr.wait_ms);
}

#[test]
fn wrong_keys_and_no_keys_use_up_the_attempts() {
    for key in [Some('9'), None] {
        let mut s = Scene::new();
        s.call("1000");
        let leg = s.world.caller_leg();
        for _ in 0..3 {
            match key {
                Some(key) => s.world.press(leg, key),
                None => s.world.finish_play(leg),
            }
            s.world.run(3 * SECOND);
        }
        s.world.finish_play(leg);
        let cdr = s.end();
        assert_eq!(cdr.disposition, Disposition::SelfServed, "{key:?}");
        assert!(s.world.at(s.caller).saw(&Seen::Ended));
    }
}

#[test]
fn a_dialled_user_rings_and_talks() {
    let mut s = Scene::new();
    let leg = s.press_in_menu('2');
    s.world.with_phone(s.alan, |phone, now| phone.ring(now));
    assert!(s.world.media.plays.contains_key(&leg), "the caller hears it ring");
    assert!(matches!(s.agent("102"), Some(AgentState::Reserved(_))), "nobody else gets him meanwhile");
    s.world.with_phone(s.alan, |phone, now| phone.answer(now));
    assert_eq!(s.world.media.bridges.len(), 2);
    s.hang_up(s.alan);
    let cdr = s.end();
    assert_eq!((cdr.agent.as_deref(), cdr.hung_up_by), (Some("102"), Some(Party::Agent)));
    assert_eq!(s.agent("102"), Some(AgentState::Idle));
}

#[test]
fn a_user_called_by_his_number_answers_for_himself() {
    let mut s = Scene::new();
    s.call("101");
    assert!(!s.world.at(s.caller).saw(&Seen::Answered));
    s.world.with_phone(s.ada, |phone, now| phone.ring(now));
    assert!(s.world.at(s.caller).saw(&Seen::Ringback));
    s.world.with_phone(s.ada, |phone, now| phone.answer(now));
    assert!(s.world.at(s.caller).saw(&Seen::Answered));
    assert_eq!(s.world.media.bridges.len(), 2);
    s.hang_up(s.ada);
    assert_eq!(s.end().hung_up_by, Some(Party::Agent));
}

#[test]
fn a_user_called_by_his_number_passes_his_refusal_on() {
    for (his, ours) in [(Some(486), 486), (Some(603), 603), (Some(404), 480), (None, 480)] {
        let mut s = Scene::new();
        s.world.at(s.ada).reflex = his;
        s.call("101");
        s.world.run(35 * SECOND);
        assert!(s.world.at(s.caller).saw(&Seen::Refused(ours)), "{his:?}: {:?}", s.world.at(s.caller).seen);
        assert_eq!(s.end().disposition, Disposition::Refused);
    }
}

#[test]
fn a_queue_called_by_its_number_answers_and_waits() {
    let mut s = Scene::new();
    s.world.at(s.ada).reflex = Some(200);
    s.call("201");
    assert_eq!(s.world.media.bridges.len(), 2);
    s.hang_up(s.ada);
    assert_eq!(s.end().hung_up_by, Some(Party::Agent));
}

#[test]
fn who_waits_hears_nothing_of_an_agents_phone_before_it_is_answered() {
    let mut s = Scene::new();
    s.call_queue();
    let plays = s.world.media.plays.clone();
    s.world.with_phone(s.ada, |phone, now| phone.speak_early(now));
    s.world.with_phone(s.ada, |phone, now| phone.ring(now));
    assert!(s.world.media.bridges.is_empty());
    assert_eq!(s.world.media.plays, plays, "the queue's music goes on");
    s.world.with_phone(s.ada, |phone, now| phone.answer(now));
    assert_eq!(s.world.media.bridges.len(), 2);
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_stranger_is_refused_and_only_counted() {
    let mut s = Scene::new();
    let mut config = company();
    // Where nobody registers, there is nothing to prove, and no 401.
    config.secrets.clear();
    s.world = World::with(config, 1);
    let stranger = s.world.phone("127.0.0.9:5090");
    s.world.with_phone(stranger, |phone, now| phone.call(now, "101", "1000"));
    assert!(s.world.at(stranger).saw(&Seen::Refused(403)));
    assert_eq!(s.world.switch.sip_population(), sip::Population::default(), "nothing is kept of him");
    s.world.run(QUIET);
    assert!(s.world.cdrs.is_empty() && s.world.switch.is_quiet());
    assert_eq!(s.world.count(|k| matches!(k, Kind::Strangers { count: 1, .. })), 1);
}

#[test]
fn a_user_calls_from_his_own_phone() {
    let mut s = Scene::new();
    s.world.with_phone(s.ada, |phone, now| phone.call(now, "101", "1000"));
    s.world.run(SECOND);
    assert!(s.world.at(s.ada).saw(&Seen::Answered));
}

#[test]
fn an_unknown_number_is_refused() {
    let mut s = Scene::new();
    s.call("999");
    assert!(s.world.at(s.caller).saw(&Seen::Refused(404)));
    assert_eq!(s.end().disposition, Disposition::Refused);
}

#[test]
fn a_body_that_is_no_description_is_refused() {
    let mut s = Scene::new();
    s.world.with_phone(s.caller, |phone, now| phone.call_with(now, "1", "1000", "nonsense".into()));
    assert!(s.world.at(s.caller).saw(&Seen::Refused(400)), "{:?}", s.world.at(s.caller).seen);
    s.end();
}

#[test]
fn an_offer_without_a_codec_of_ours_is_refused() {
    let mut s = Scene::new();
    s.world.with_phone(s.caller, |phone, now| {
        let offer = phone.sdp("G729/8000", 18, "sendrecv");
        phone.call_with(now, "1", "1000", offer.into());
    });
    assert!(s.world.at(s.caller).saw(&Seen::Refused(488)), "{:?}", s.world.at(s.caller).seen);
    assert_eq!(s.end().disposition, Disposition::Refused);
}

#[test]
fn more_calls_than_allowed_are_turned_away() {
    let mut config = company();
    config.limits.max_calls = 1;
    let mut world = World::with(config, 1);
    let (first, second) = (world.phone("127.0.0.2:5090"), world.phone("127.0.0.2:5091"));
    world.with_phone(first, |phone, now| phone.call(now, "1", "1000"));
    let before = world.switch.sip_population();
    world.with_phone(second, |phone, now| phone.call(now, "2", "1000"));
    assert!(world.at(second).saw(&Seen::Refused(503)));
    assert_eq!(world.switch.sip_population(), before, "nothing is kept of him");
    assert!(world.at(first).saw(&Seen::Answered));
}

#[test]
fn without_a_port_a_caller_gets_503_and_an_agent_is_passed_over() {
    let mut s = Scene::new();
    s.world.media.exhausted = true;
    s.call("1000");
    assert!(s.world.at(s.caller).saw(&Seen::Refused(503)));
    s.end();
    let mut s = Scene::new();
    s.call("1000");
    s.world.media.exhausted = true;
    let leg = s.world.caller_leg();
    s.world.press(leg, '1');
    let failed = |k: &Kind| matches!(k, Kind::OfferEnded(OfferEnded { outcome: OfferOutcome::Unreachable, .. }));
    assert_eq!(s.world.count(failed), 2, "both agents were tried");
    s.hang_up(s.caller);
    s.end();
}

/// A bug: a leg that got no port was forgotten without its end in the journal, and the user whom it was for stayed
/// reserved, so that he was never offered a call again.
#[test]
fn a_leg_without_a_port_ends_by_the_books_and_frees_whom_it_was_for() {
    let mut s = Scene::new();
    s.call("1000");
    s.world.media.exhausted = true;
    let leg = s.world.caller_leg();
    s.world.press(leg, '2');
    assert_eq!(s.agent("102"), Some(AgentState::Idle));
    s.hang_up(s.caller);
    s.end();
    let began = s.world.count(|k| matches!(k, Kind::LegBegan { .. }));
    assert_eq!((began, s.world.count(|k| matches!(k, Kind::LegEnded { .. }))), (2, 2));
}

/// A bug: an agent's phone was rung for an offer that had been withdrawn before the leg had its port, and for good, as
/// nothing was left that could have ended that.
#[test]
fn a_phone_is_not_rung_for_an_offer_that_is_over_before_its_leg_is_open() {
    let mut config = company();
    config.queues[0].max_wait = Some(2 * SECOND);
    let mut world = World::with(config, 1);
    let [caller, ada, alan] =
        ["127.0.0.2:5090", "127.0.0.1:5071", "127.0.0.1:5072"].map(|address| world.phone(address));
    world.media.pace.media = Duration::from_millis(40);
    world.with_phone(caller, |phone, now| phone.call(now, "1", "1000"));
    world.run(SECOND);
    let leg = world.caller_leg();
    world.press(leg, '1');
    world.run(2 * SECOND - Duration::from_millis(20));
    world.with_phone(ada, |phone, now| phone.refuse(now, 486));
    assert_eq!(world.count(|k| matches!(k, Kind::OfferMade(_))), 2);
    world.run(SECOND);
    let over = |k: &Kind| matches!(k, Kind::OfferEnded(OfferEnded { outcome: OfferOutcome::WaitedTooLong, .. }));
    assert_eq!(world.count(over), 1, "the second offer");
    assert!(!world.at(alan).saw(&Seen::Rings));
    world.switch.check_invariants(world.now).unwrap();
}

#[test]
fn a_recording_runs_from_the_menu_to_the_end_of_the_talk() {
    let mut s = Scene::new();
    s.world.at(s.ada).reflex = Some(200);
    s.press_in_menu('3');
    s.world.run(SECOND);
    assert_eq!((s.world.media.takes.len(), s.world.media.bridges.len()), (1, 2));
    s.hang_up(s.caller);
    let cdr = s.end();
    let [recording] = &*cdr.recordings else { panic!("{:?}", cdr.recordings) };
    assert_eq!((recording.length_ms, recording.lost_ms), (2_000, 0));
    assert!(recording.file.is_some());
}

#[test]
fn the_books_of_a_call_wait_for_its_recording() {
    let mut s = Scene::new();
    s.world.media.slow_disk = Some(Vec::new());
    s.press_in_menu('3');
    s.hang_up(s.caller);
    s.world.run(5 * SECOND);
    assert!(s.world.cdrs.is_empty(), "the file is not complete");
    s.world.finish_takes();
    assert_eq!(s.end().recordings.len(), 1);
}

#[test]
fn a_disk_that_never_answers_holds_no_call_for_ever() {
    let mut s = Scene::new();
    s.world.media.slow_disk = Some(Vec::new());
    s.press_in_menu('3');
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn an_agent_who_hangs_up_is_free_while_the_caller_hears_goodbye() {
    let mut s = Scene::new();
    s.world.at(s.ada).reflex = Some(200);
    let leg = s.press_in_menu('5');
    s.world.run(SECOND);
    s.hang_up(s.ada);
    assert_eq!(s.agent("101"), Some(AgentState::WrapUp));
    assert!(s.world.at(s.caller).session.is_some(), "the caller is still there");
    s.world.finish_play(leg);
    assert_eq!(s.end().hung_up_by, Some(Party::System), "the flow had the last word");
}

#[test]
fn the_end_of_a_playout_that_was_overtaken_counts_for_nothing() {
    let mut s = Scene::new();
    s.call("1000");
    let leg = s.world.caller_leg();
    let overtaken = s.world.media.plays[&leg];
    s.world.press(leg, '9');
    assert_ne!(s.world.media.plays[&leg], overtaken, "the menu is said again");
    let now = s.world.now;
    s.world.switch.handle_media(now, &leg::Event::PlayDone { leg, play: overtaken });
    s.world.react();
    let played = s.world.count(|kind| matches!(kind, Kind::Play { .. }));
    s.world.run(5 * SECOND);
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::Play { .. })), played, "the menu still plays; no time runs");
}

#[test]
fn hold_and_resume_change_the_direction_and_nothing_else() {
    let mut s = Scene::new();
    s.call_agent();
    let leg = s.world.caller_leg();
    assert!(s.world.with_phone(s.caller, |phone, now| phone.change(now, "sendonly")));
    assert!(s.world.at(s.caller).saw(&Seen::Changed("recvonly".to_owned())), "{:?}", s.world.at(s.caller).seen);
    assert_eq!(s.world.media.directions[&leg], sdp::Direction::RecvOnly);
    s.world.run(SECOND);
    assert!(s.world.with_phone(s.caller, |phone, now| phone.change(now, "sendrecv")));
    assert_eq!(s.world.media.directions[&leg], sdp::Direction::SendRecv);
    assert_eq!(s.world.media.bridges.len(), 2);
}

#[test]
fn a_call_ends_at_its_longest_time() {
    let mut config = company();
    config.limits.max_call_time = Duration::from_secs(30);
    let mut world = World::with(config, 1);
    let caller = world.phone("127.0.0.2:5090");
    world.with_phone(caller, |phone, now| phone.call(now, "1", "201"));
    world.run(Duration::from_secs(31));
    assert!(world.at(caller).saw(&Seen::Ended));
    world.run(QUIET);
    assert_eq!(&*world.cdrs[0].cause, "max_call_time");
    assert!(world.switch.is_quiet());
}

#[test]
fn a_shutdown_refuses_new_calls_and_ends_old_ones_after_the_grace_time() {
    let mut s = Scene::new();
    s.call_agent();
    let now = s.world.now;
    s.world.switch.drain(now, 5 * SECOND);
    let late = s.world.phone("127.0.0.2:5099");
    s.world.with_phone(late, |phone, now| phone.call(now, "1", "1000"));
    assert!(s.world.at(late).saw(&Seen::Refused(503)), "{:?}", s.world.at(late).seen);
    s.world.run(4 * SECOND);
    assert!(s.world.at(s.caller).session.is_some(), "the old call goes on");
    s.world.run(2 * SECOND);
    assert!(s.world.at(s.caller).saw(&Seen::Ended) && s.world.at(s.ada).saw(&Seen::Ended));
    assert_eq!(&*s.end().cause, "shutdown");
}

#[test]
fn a_call_whose_sides_refresh_it_goes_on_and_nothing_of_it_is_told() {
    // Phones that refresh by UPDATE, that leave it to us, and that know of nothing.
    for (of_caller, of_agent) in [(Some(90), None), (None, Some(90)), (Some(100), Some(90))] {
        let mut s = Scene::new();
        let manners = |session_timer| sim::Manners { session_timer, ..sim::Manners::default() };
        s.world.at(s.caller).set_manners(manners(of_caller));
        s.world.at(s.ada).set_manners(manners(of_agent));
        s.call("201");
        s.answer(s.ada);
        let before = s.world.journal.len();
        s.world.run(3600 * SECOND);
        assert_eq!(s.world.journal.len(), before);
        assert!(s.world.breaches().is_empty(), "{:?}", s.world.breaches());
        s.hang_up(s.caller);
        let cdr = s.end();
        assert!((3_600_000..3_605_000).contains(&cdr.talk_ms), "{}", cdr.talk_ms);
    }
}
