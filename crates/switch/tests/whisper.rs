//! What agents are told before they talk with a caller, and what becomes of the call if either hangs up meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "this is test code")]

mod common;

use acd::AgentState;
use base::LegId;
use common::{SECOND, Scene};
use journal::{Disposition, Kind, OfferOutcome, QueueExit};
use sim::{Seen, company};

fn scene() -> Scene {
    let mut config = company();
    config.waiting.get_mut("sales").unwrap().whisper = Some("welcome".into());
    Scene::of(config)
}

impl Scene {
    /// The leg of the agent who is being told something.
    fn told(&self) -> LegId {
        self.world.last(|kind| match kind {
            Kind::Whispered { leg, prompt } if **prompt == *"welcome" => Some(*leg),
            _ => None,
        })
    }

    fn outcomes(&self) -> Vec<OfferOutcome> {
        let ended = self.world.journal.iter().filter_map(|event| match &event.kind {
            Kind::OfferEnded(ended) => Some(ended.outcome),
            _ => None,
        });
        ended.collect()
    }

    fn exits(&self) -> Vec<QueueExit> {
        let exits = self.world.journal.iter().filter_map(|event| match event.kind {
            Kind::QueueLeft { why, .. } => Some(why),
            _ => None,
        });
        exits.collect()
    }
}

#[test]
fn the_agent_is_told_first_while_the_caller_hears_his_music() {
    let mut s = scene();
    s.call("201");
    let caller = s.world.caller_leg();
    s.answer(s.ada);
    let told = s.told();
    assert!(s.world.media.plays.contains_key(&told), "he is told");
    assert!(s.world.media.plays.contains_key(&caller), "the music goes on");
    assert!(s.world.media.bridges.is_empty() && s.exits().is_empty());
    s.world.finish_play(told);
    s.world.run(SECOND);
    assert_eq!(s.world.media.bridges.len(), 2);
    assert!(!s.world.media.plays.contains_key(&caller), "the music has ended");
    assert_eq!((s.exits(), s.outcomes()), (vec![QueueExit::Answered], vec![OfferOutcome::Answered]));
    s.hang_up(s.caller);
    assert_eq!(s.end().agent.as_deref(), Some("101"));
}

#[test]
fn a_caller_who_hangs_up_meanwhile_frees_the_agent() {
    let mut s = scene();
    s.call("201");
    s.answer(s.ada);
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert!(s.saw(s.ada, &Seen::Ended));
    assert_eq!(s.agent("101"), Some(AgentState::Idle), "he did not talk, and has no wrap-up");
    let cdr = s.end();
    assert_eq!((cdr.disposition, cdr.agent), (Disposition::Abandoned, None));
    assert_eq!(s.outcomes(), [OfferOutcome::CallerLeft]);
}

#[test]
fn an_agent_who_hangs_up_meanwhile_has_not_taken_the_call() {
    let mut s = scene();
    s.call("201");
    s.answer(s.ada);
    s.hang_up(s.ada);
    s.world.run(SECOND);
    assert_eq!(s.outcomes(), [OfferOutcome::Declined]);
    assert!(s.exits().is_empty() && s.saw(s.alan, &Seen::Rings), "the next one is rung");
    s.answer(s.alan);
    s.world.finish_play(s.told());
    s.world.run(SECOND);
    s.hang_up(s.caller);
    assert_eq!(s.end().agent.as_deref(), Some("102"));
}

#[test]
fn the_limit_of_the_wait_counts_no_more_once_an_agent_is_told() {
    let mut config = company();
    config.queues[0].max_wait = Some(SECOND * 4);
    config.waiting.get_mut("sales").unwrap().whisper = Some("welcome".into());
    let mut s = Scene::of(config);
    s.call("201");
    s.answer(s.ada);
    s.world.run(SECOND * 4);
    assert!(s.exits().is_empty());
    s.world.finish_play(s.told());
    s.world.run(SECOND);
    assert_eq!(s.exits(), [QueueExit::Answered]);
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn whoever_holds_meanwhile_or_is_let_go_leaves_nothing_behind() {
    let mut s = scene();
    s.call("201");
    s.answer(s.ada);
    // The one prompt that was to end it never does: the media is stuck.
    s.world.run(SECOND * 10);
    assert_eq!(s.outcomes(), [OfferOutcome::NoAnswer]);
    assert!(s.saw(s.ada, &Seen::Ended) && s.saw(s.alan, &Seen::Rings));
    s.hang_up(s.caller);
    s.end();
}
