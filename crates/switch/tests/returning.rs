//! Callers who are gone while they wait and call again, and those who call twice.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "this is test code")]

mod common;

use std::time::Duration;

use common::{SECOND, Scene};
use journal::Kind;
use sim::{Seen, company};

/// One talks with the only agent; a first and a second caller wait.
fn scene(resume: Option<Duration>) -> Scene {
    let mut config = company();
    config.queues[0].agents = vec!["101".into()];
    config.queues[0].wrap_up = Duration::ZERO;
    config.waiting.get_mut("sales").unwrap().resume = resume;
    let mut s = Scene::of(config);
    let talks = s.world.phone("127.0.0.2:5092");
    s.dial(talks, "4930100", "201");
    s.answer(s.ada);
    s.call("201");
    s.world.run(SECOND * 5);
    s.dial(s.other, "4930124", "201");
    s
}

impl Scene {
    /// The first caller is gone, and calls again after a time.
    fn calls_again(&mut self, after: Duration) {
        self.hang_up(self.caller);
        self.world.run(after);
        self.call("201");
    }

    /// The agent is free: true if the first caller is connected with him, not the second.
    fn first_is_served(&mut self) -> bool {
        self.hang_up(self.ada);
        self.world.run(SECOND);
        assert!(self.saw(self.ada, &Seen::Rings));
        self.answer(self.ada);
        let call = self.world.last(|kind| match kind {
            Kind::OfferMade(made) => Some(made.offer),
            _ => None,
        });
        let of =
            self.world.journal.iter().find(|event| matches!(&event.kind, Kind::OfferMade(made) if made.offer == call));
        let call = of.unwrap().call.unwrap();
        self.world.journal.iter().any(|event| {
            event.call == Some(call)
                && matches!(&event.kind, Kind::CallBegan { from, .. } if from.reveal() == "4930123")
        })
    }

    fn resumed(&self) -> usize {
        self.world.count(|kind| matches!(kind, Kind::PlaceResumed { .. }))
    }
}

#[test]
fn who_calls_again_in_time_stands_where_he_stood() {
    let mut s = scene(Some(SECOND * 60));
    s.calls_again(SECOND * 50);
    let (waited_ms, before) = s.world.last(|kind| match kind {
        Kind::PlaceResumed { waited_ms, before, .. } => Some((*waited_ms, *before)),
        _ => None,
    });
    assert!((56_000..60_000).contains(&waited_ms), "{waited_ms}");
    assert!(s.world.cdrs.iter().any(|cdr| cdr.call == before && cdr.from.reveal() == "4930123"));
    assert!(s.first_is_served());
    s.hang_up(s.caller);
    s.world.run(SECOND);
    let cdr = s.world.cdrs.iter().rev().find(|cdr| cdr.from.reveal() == "4930123").unwrap();
    assert!(cdr.wait_ms < 10_000, "the time before is in the record before: {}", cdr.wait_ms);
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn who_calls_again_too_late_or_where_nothing_is_kept_stands_at_the_end() {
    for (resume, after) in [(Some(SECOND * 60), SECOND * 61), (None, SECOND * 5)] {
        let mut s = scene(resume);
        s.calls_again(after);
        assert_eq!(s.resumed(), 0);
        assert!(!s.first_is_served());
    }
}

#[test]
fn who_was_served_has_no_place_to_come_back_to() {
    let mut s = scene(Some(SECOND * 60));
    assert!(s.first_is_served());
    s.calls_again(SECOND);
    assert_eq!(s.resumed(), 0);
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn who_calls_twice_is_seen_and_gets_no_second_place_in_front() {
    let mut s = scene(Some(SECOND * 60));
    let twice = s.world.phone("127.0.0.2:5093");
    s.dial(twice, "4930123", "201");
    let first = s.world.last(|kind| match kind {
        Kind::CalledTwice { waits, .. } => Some(*waits),
        _ => None,
    });
    // The second call ends: it leaves no place behind, as the first still waits.
    s.hang_up(twice);
    s.world.run(SECOND);
    s.dial(twice, "4930123", "201");
    assert_eq!((s.resumed(), s.world.count(|kind| matches!(kind, Kind::CalledTwice { .. }))), (0, 2));
    // The first is gone and comes again: the one place is his, not that of the second call.
    s.calls_again(SECOND);
    assert_eq!(s.resumed(), 1);
    let before = s.world.last(|kind| match kind {
        Kind::PlaceResumed { before, .. } => Some(*before),
        _ => None,
    });
    assert_eq!(before, first);
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn who_withholds_his_number_is_known_neither_again_nor_twice() {
    let mut s = scene(Some(SECOND * 60));
    for port in [5094, 5095] {
        let phone = s.world.phone(&format!("127.0.0.2:{port}"));
        s.dial(phone, "anonymous", "201");
        s.hang_up(phone);
        s.world.run(SECOND);
    }
    assert_eq!((s.resumed(), s.world.count(|kind| matches!(kind, Kind::CalledTwice { .. }))), (0, 0));
}
