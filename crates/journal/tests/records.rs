//! Records folded from events: what became of a call, its times, its recordings; and the events' JSON.
//!
//! Covered: answered by an agent · abandoned in the queue · ended in the menu · cancelled before the answer · refused ·
//! two queues and two talks · visits and offers, also of calls that overflow, are turned away, or are cut by a crash · recordings whole, with losses, never opened · cut by a crash or a fault · other calls between ·
//! a wall clock that goes back · events that come after the end or without a beginning.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::net::{Ipv4Addr, SocketAddr};

use std::collections::BTreeMap;

use base::{CallId, DecisionId, LegId, OfferId, Pii, TakeId, Wall};
use journal::{
    Candidate, Cdr, CdrFold, Direction, Disposed, Disposition, Event, Kind, LegRole, OfferEnded, OfferMade,
    OfferOutcome, OfferReason, Origin, Party, QueueExit, Scale, StatusBy,
};

const BEGAN: i64 = 1_795_253_400_000_000;

/// Writes events of one call at given seconds.
struct Story {
    call: CallId,
    events: Vec<Event>,
}

impl Story {
    fn new(call: u64) -> Self {
        let mut story = Self { call: CallId::from_raw(call), events: Vec::new() };
        story.at(
            0.0,
            Kind::CallBegan {
                direction: Direction::Inbound,
                from: Pii::new("+4930901820".to_owned()),
                to: Pii::new("1000".to_owned()),
                origin: Origin::Trunk("local".into()),
                source: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 5062))),
                sip_call_id: "1-77@127.0.0.1".to_owned(),
                received: None,
            },
        );
        story
    }

    fn at(&mut self, seconds: f64, kind: Kind) -> &mut Self {
        let at = Wall::from_unix_micros(BEGAN + (seconds * 1e6) as i64);
        let seq = u32::try_from(self.events.len()).unwrap();
        self.events.push(Event { seq, at, call: Some(self.call), kind });
        self
    }

    fn joined(&mut self, seconds: f64, queue: &str) -> &mut Self {
        self.at(seconds, Kind::QueueJoined { queue: queue.into() })
    }

    fn left(&mut self, seconds: f64, queue: &str, why: QueueExit, waited_ms: u64) -> &mut Self {
        self.at(seconds, Kind::QueueLeft { queue: queue.into(), why, waited_ms, reason: None })
    }

    fn hung_up(&mut self, seconds: f64, by: Party, cause: &str) -> &mut Self {
        self.at(seconds, Kind::HungUp { by, cause: cause.into(), reason: None })
    }

    fn end(&mut self, seconds: f64) -> Cdr {
        self.at(seconds, Kind::CallEnded { cut: false });
        fold(&self.events).remove(0)
    }
}

fn fold(events: &[Event]) -> Vec<Cdr> {
    let mut fold = CdrFold::default();
    let records = events.iter().filter_map(|event| fold.feed(event)).collect();
    assert_eq!(fold.live(), 0, "nothing is left of calls that ended");
    records
}

#[test]
fn who_has_his_place_back_waited_before_in_another_call() {
    let mut story = Story::new(1);
    let resumed = Kind::PlaceResumed { queue: "sales".into(), before: CallId::from_raw(9), waited_ms: 60_000 };
    let cdr = story.joined(1.0, "sales").at(1.0, resumed).left(6.0, "sales", QueueExit::Abandoned, 65_000).end(6.0);
    assert_eq!((cdr.wait_ms, cdr.visits[0].waited_ms), (5_000, 5_000));
}

fn leg(raw: u64) -> LegId {
    LegId::from_raw(raw)
}

fn offer_made(offer: u64, agent: &str) -> Kind {
    Kind::OfferMade(OfferMade {
        offer: OfferId::from_raw(offer),
        queue: "sales".into(),
        agent: agent.into(),
        ring_ms: 20_000,
        why: OfferReason {
            decision: DecisionId::from_raw(offer),
            strategy: "longest-idle".into(),
            fallback: false,
            decided_on: Wall::from_unix_micros(BEGAN),
            reason: "idle 9 ms, longest of 1".to_owned(),
            candidates: vec![Candidate {
                agent: agent.into(),
                idle_ms: 9,
                calls: 0,
                level: 1,
                calls_today: 0,
                talk_today_ms: 0,
                skills: BTreeMap::new(),
                score: Some(9),
            }],
            calls: Vec::new(),
            excluded: [("wrap_up".into(), 2)].into(),
        },
    })
}

fn offer_ended(offer: u64, agent: &str, outcome: OfferOutcome, rang_ms: u64) -> Kind {
    Kind::OfferEnded(OfferEnded { offer: OfferId::from_raw(offer), agent: agent.into(), outcome, rang_ms })
}

fn stopped(take: u64, file: &str, frames: u64, lost: u64) -> Kind {
    Kind::RecordingStopped { take: TakeId::from_raw(take), file: file.into(), frames, lost }
}

fn talk(story: &mut Story, from: f64, to: f64, agent: &str, raw: u64) {
    story.at(from - 1.0, Kind::LegBegan { leg: leg(raw), role: LegRole::Agent(agent.into()) });
    story.at(from, Kind::Bridged { a: leg(1), b: leg(raw) });
    story.at(to, Kind::Unbridged { a: leg(1), b: leg(raw) });
}

#[test]
fn a_score_is_put_down_to_the_queue_and_agent_of_the_talk_before_it() {
    let mut story = Story::new(1);
    let score = |survey: &str, scale, score| Kind::Surveyed { survey: survey.into(), scale, score };
    story.at(0.1, Kind::Answered).at(0.2, score("first", Scale::Nps, 10)).joined(1.0, "sales");
    talk(&mut story, 3.0, 9.0, "anna", 2);
    story.at(12.0, score("rate", Scale::Csat, 4)).hung_up(13.0, Party::Caller, "bye");
    let cdr = story.end(13.0);
    let answers: Vec<_> =
        cdr.surveys.iter().map(|a| (&*a.survey, a.scale, a.score, a.queue.as_deref(), a.agent.as_deref())).collect();
    assert_eq!(answers, [("first", Scale::Nps, 10, None, None), ("rate", Scale::Csat, 4, Some("sales"), Some("anna"))]);
}

#[test]
fn the_last_word_of_each_agent_on_a_call_is_in_its_record_which_ends_when_it_was_hung_up() {
    let mut story = Story::new(1);
    let said = |agent: &str, code: &str| {
        let (agent, code, who) = (agent.into(), code.into(), String::new());
        Kind::Disposition(Disposed { agent, code, by: StatusBy::Phone, who })
    };
    story.at(0.1, Kind::Answered).at(5.0, said("anna", "callback")).hung_up(9.0, Party::Caller, "bye");
    let cdr = story.at(20.0, said("bob", "wrong")).at(30.0, said("anna", "sold")).end(40.0);
    let codes: Vec<_> = cdr.dispositions.iter().map(|said| (&*said.agent, &*said.code)).collect();
    assert_eq!(codes, [("anna", "sold"), ("bob", "wrong")]);
    assert_eq!(cdr.duration_ms, 9_000, "its book stayed open for them, and it was over");
    let mut story = Story::new(2);
    for n in 0..20 {
        story.at(f64::from(n), said(&n.to_string(), "sold"));
    }
    assert_eq!(story.end(30.0).dispositions.len(), 16);
}

#[test]
fn a_call_that_an_agent_took() {
    let mut story = Story::new(1);
    story.at(0.1, Kind::Answered).joined(5.0, "sales");
    story.at(5.0, offer_made(1, "bob")).at(25.0, offer_ended(1, "bob", OfferOutcome::NoAnswer, 20_000));
    story.at(25.0, offer_made(2, "ann")).at(29.0, offer_ended(2, "ann", OfferOutcome::Answered, 4_000));
    story.left(29.0, "sales", QueueExit::Answered, 24_000);
    talk(&mut story, 29.0, 89.5, "ann", 2);
    let cdr = story.hung_up(89.5, Party::Agent, "bye").end(89.6);
    assert_eq!(cdr.disposition, Disposition::Answered);
    assert_eq!((cdr.queue.as_deref(), cdr.agent.as_deref()), (Some("sales"), Some("ann")));
    assert_eq!((cdr.wait_ms, cdr.ring_ms, cdr.talk_ms, cdr.hold_ms), (24_000, 24_000, 60_500, 0));
    assert_eq!((cdr.duration_ms, cdr.offers), (89_500, 2));
    assert_eq!((cdr.hung_up_by, &*cdr.cause, cdr.cut), (Some(Party::Agent), "bye", false));
}

#[test]
fn hold_is_no_talk_and_counts_once_when_both_sides_hold() {
    let mut story = Story::new(1);
    story.at(0.1, Kind::Answered).at(1.0, Kind::LegBegan { leg: leg(2), role: LegRole::Agent("ann".into()) });
    story.at(2.0, Kind::Bridged { a: leg(1), b: leg(2) });
    story.at(10.0, Kind::Held { leg: leg(2) }).at(15.0, Kind::Held { leg: leg(1) });
    story.at(20.0, Kind::Resumed { leg: leg(2) }).at(30.0, Kind::Resumed { leg: leg(1) });
    story.at(40.0, Kind::Held { leg: leg(1) }).at(45.0, Kind::Unbridged { a: leg(1), b: leg(2) });
    let cdr = story.hung_up(45.0, Party::Caller, "bye").end(45.1);
    assert_eq!((cdr.talk_ms, cdr.hold_ms), (8_000 + 10_000, 20_000 + 5_000));
}

#[test]
fn a_call_that_hung_up_in_the_queue_is_abandoned() {
    let mut story = Story::new(1);
    story.at(0.1, Kind::Answered).joined(5.0, "sales").hung_up(17.0, Party::Caller, "bye");
    let cdr = story.left(17.0, "sales", QueueExit::Abandoned, 12_000).end(17.0);
    assert_eq!((cdr.disposition, cdr.wait_ms, cdr.talk_ms), (Disposition::Abandoned, 12_000, 0));
}

#[test]
fn a_call_that_a_queue_gave_up_and_that_ended_in_the_menu_is_not_abandoned() {
    let mut story = Story::new(1);
    story.at(0.1, Kind::Answered).joined(5.0, "sales").left(15.0, "sales", QueueExit::WaitedTooLong, 10_000);
    let cdr = story.hung_up(20.0, Party::Caller, "bye").end(20.0);
    assert_eq!((cdr.disposition, cdr.wait_ms), (Disposition::SelfServed, 10_000));
}

#[test]
fn waits_and_talks_of_a_call_add_up() {
    let mut story = Story::new(1);
    story.at(0.1, Kind::Answered).joined(1.0, "sales").left(3.0, "sales", QueueExit::Answered, 2_000);
    talk(&mut story, 3.0, 13.0, "ann", 2);
    story.joined(13.0, "support").left(18.0, "support", QueueExit::Answered, 5_000);
    talk(&mut story, 18.0, 20.0, "bob", 3);
    let cdr = story.end(20.0);
    assert_eq!((cdr.wait_ms, cdr.talk_ms), (7_000, 12_000));
    assert_eq!((cdr.queue.as_deref(), cdr.agent.as_deref()), (Some("support"), Some("bob")));
}

type VisitLine<'a> = (&'a str, u64, Option<QueueExit>, Option<&'a str>, u32);

/// A visit as a test reads it: queue, wait, how it left, agent, offers.
fn visits(cdr: &Cdr) -> Vec<VisitLine<'_>> {
    cdr.visits.iter().map(|v| (&*v.queue, v.waited_ms, v.left, v.agent.as_deref(), v.offers)).collect()
}

#[test]
fn each_visit_to_a_queue_and_each_offer_stands_in_the_record() {
    let mut story = Story::new(1);
    story.at(0.1, Kind::Answered).joined(1.0, "sales");
    story.at(1.0, offer_made(1, "ann")).at(9.0, offer_ended(1, "ann", OfferOutcome::Declined, 8_000));
    // Overflow: the second queue tells the wait since the first was joined.
    story.left(11.0, "sales", QueueExit::Overflowed, 10_000).joined(11.0, "support");
    story.at(11.0, offer_made(2, "bob")).at(14.0, offer_ended(2, "bob", OfferOutcome::Answered, 3_000));
    story.left(14.0, "support", QueueExit::Answered, 13_000);
    talk(&mut story, 14.0, 20.0, "bob", 2);
    // Later the flow sends him to a queue that is full.
    story.left(21.0, "billing", QueueExit::Full, 0);
    let cdr = story.end(22.0);
    assert_eq!(
        visits(&cdr),
        [
            ("sales", 10_000, Some(QueueExit::Overflowed), None, 1),
            ("support", 3_000, Some(QueueExit::Answered), Some("bob"), 1),
            ("billing", 0, Some(QueueExit::Full), None, 0),
        ]
    );
    assert_eq!((cdr.wait_ms, cdr.offers, cdr.ring_ms), (13_000, 2, 11_000), "no second of the wait counts twice");
    let offers: Vec<_> = cdr.offered_to.iter().map(|o| (&*o.agent, o.rang_ms, o.outcome)).collect();
    assert_eq!(offers, [("ann", 8_000, Some(OfferOutcome::Declined)), ("bob", 3_000, Some(OfferOutcome::Answered))]);
    let value = serde_json::to_value(&cdr).unwrap();
    assert_eq!(value["visits"][0]["joined"], "2026-11-21T09:30:01.000Z");
    assert_eq!(value["offered_to"][1]["outcome"], "answered");
}

#[test]
fn a_call_that_overflows_to_a_flow_and_joins_again_waits_anew() {
    let mut story = Story::new(1);
    let node = |node: &str| Kind::NodeEntered { flow: "main".into(), node: node.into() };
    story.joined(1.0, "sales").left(11.0, "sales", QueueExit::Overflowed, 10_000).at(11.0, node("other"));
    let cdr = story.joined(11.0, "support").left(13.0, "support", QueueExit::Abandoned, 2_000).end(13.0);
    assert_eq!(visits(&cdr)[1], ("support", 2_000, Some(QueueExit::Abandoned), None, 0));
    assert_eq!(cdr.wait_ms, 12_000);
}

#[test]
fn the_visit_and_the_offer_that_a_crash_cut_end_with_the_last_event() {
    let mut story = Story::new(1);
    story.at(0.1, Kind::Answered).joined(1.0, "sales").at(4.0, offer_made(1, "ann"));
    story.at(9.0, Kind::Digit { key: Pii::new(Some('5')) });
    let mut fold = CdrFold::default();
    assert!(story.events.iter().all(|event| fold.feed(event).is_none()));
    let last = fold.cut();
    let cdr = fold.feed(&last[0]).unwrap();
    assert_eq!(visits(&cdr), [("sales", 8_000, None, None, 1)]);
    assert_eq!((cdr.offered_to[0].rang_ms, cdr.offered_to[0].outcome), (5_000, None));
    assert_eq!(cdr.wait_ms, 8_000);
}

#[test]
fn the_lists_of_a_record_are_bounded_and_its_sums_are_not() {
    let mut story = Story::new(1);
    for second in 0..100_u32 {
        let at = f64::from(second);
        story.joined(at, "sales").left(at + 0.5, "sales", QueueExit::MovedOn, 500);
    }
    story.joined(100.0, "support");
    for offer in 0..300 {
        story.at(101.0, offer_made(offer, "ann")).at(102.0, offer_ended(offer, "ann", OfferOutcome::Busy, 1_000));
    }
    let cdr = story.left(103.0, "support", QueueExit::Abandoned, 3_000).end(104.0);
    assert_eq!((cdr.visits.len(), cdr.offered_to.len()), (64, 256));
    assert_eq!(&*cdr.visits[63].queue, "support", "the last visit is always there");
    assert_eq!((cdr.wait_ms, cdr.offers, cdr.ring_ms), (53_000, 300, 300_000));
    assert_eq!(cdr.visits[63].offers, 300);
}

#[test]
fn calls_that_were_never_answered_are_cancelled_or_refused() {
    let cancelled = Story::new(1).hung_up(1.0, Party::Caller, "cancel").end(1.0);
    assert_eq!((cancelled.disposition, cancelled.answered), (Disposition::Cancelled, None));
    let refused = Story::new(1).hung_up(0.0, Party::System, "no such number").end(0.0);
    assert_eq!(refused.disposition, Disposition::Refused);
}

#[test]
fn recordings_stand_in_the_record_with_what_was_lost() {
    let mut story = Story::new(1);
    let file = "recordings/2026/11/21/a.wav";
    story.at(1.0, Kind::RecordingStarted { take: TakeId::from_raw(1), file: file.into() });
    story.at(9.0, Kind::RecordingLost { take: TakeId::from_raw(1), frames: 50, why: "disk full".to_owned() });
    story.at(10.0, stopped(1, file, 450, 60)).at(11.0, stopped(2, "", 100, 100));
    let cdr = story.end(12.0);
    assert_eq!(cdr.recordings.len(), 2);
    assert_eq!(cdr.recordings[0].file.as_deref(), Some(file));
    assert_eq!((cdr.recordings[0].length_ms, cdr.recordings[0].lost_ms), (9_000, 1_200));
    assert_eq!(cdr.recordings[1].file, None);
    assert_eq!(cdr.recording_lost_ms, 1_200 + 2_000);
}

#[test]
fn calls_that_a_crash_cut_get_their_records_from_what_was_journaled() {
    let mut story = Story::new(1);
    story.at(0.1, Kind::Answered).joined(1.0, "sales").left(3.0, "sales", QueueExit::Answered, 2_000);
    story.at(2.0, Kind::LegBegan { leg: leg(2), role: LegRole::Agent("ann".into()) });
    story.at(3.0, Kind::Bridged { a: leg(1), b: leg(2) });
    story.at(9.0, Kind::Digit { key: Pii::new(Some('5')) });
    let mut fold = CdrFold::default();
    assert!(story.events.iter().all(|event| fold.feed(event).is_none()));
    let last = fold.cut();
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].seq, story.events.last().unwrap().seq + 1);
    let cdr = fold.feed(&last[0]).unwrap();
    assert!(cdr.cut);
    assert_eq!((cdr.duration_ms, cdr.talk_ms), (9_000, 6_000), "up to the last event");
    assert_eq!((cdr.disposition, &*cdr.cause), (Disposition::Answered, "crash"));
    assert_eq!(fold.live(), 0);
}

#[test]
fn a_call_that_was_over_when_the_switch_died_was_not_cut() {
    let mut story = Story::new(1);
    story.at(0.1, Kind::Answered);
    talk(&mut story, 1.0, 5.0, "ann", 2);
    story.hung_up(5.0, Party::Caller, "bye");
    // In her wrap-up the agent says what came of it.
    let said = Disposed { agent: "ann".into(), code: "sold".into(), by: StatusBy::Phone, who: String::new() };
    story.at(8.0, Kind::Disposition(said));
    let mut fold = CdrFold::default();
    assert!(story.events.iter().all(|event| fold.feed(event).is_none()));
    let last = fold.cut();
    assert_eq!(last[0].kind, Kind::CallEnded { cut: false });
    let cdr = fold.feed(&last[0]).unwrap();
    assert_eq!((cdr.cut, &*cdr.cause, cdr.duration_ms, cdr.dispositions.len()), (false, "bye", 5_000, 1));
}

#[test]
fn a_call_whose_hang_up_a_fault_cut_short_ended_by_that_fault() {
    let fault = || Kind::Fault { place: "crates/acd/src/floor.rs:1:1".into() };
    let cdr = Story::new(1).at(1.0, fault()).end(2.0);
    assert_eq!((&*cdr.cause, cdr.hung_up_by), ("fault", Some(Party::System)));
    let cdr = Story::new(1).hung_up(1.0, Party::Caller, "bye").at(1.5, fault()).end(2.0);
    assert_eq!((&*cdr.cause, cdr.hung_up_by), ("bye", Some(Party::Caller)), "one that came later changes nothing");
}

#[test]
fn events_of_other_calls_between_change_nothing() {
    let mut one = Story::new(1);
    let mut two = Story::new(2);
    one.at(0.1, Kind::Answered).joined(1.0, "sales").left(8.0, "sales", QueueExit::Abandoned, 7_000);
    two.at(0.2, Kind::Answered).joined(2.0, "support").left(3.0, "support", QueueExit::MovedOn, 1_000);
    let (first, second) = (one.end(9.0), two.end(9.0));
    let mixed: Vec<Event> = one.events.iter().zip(&two.events).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    assert_eq!(fold(&mixed), [first, second]);
}

#[test]
fn a_wall_clock_that_goes_back_gives_no_negative_times() {
    let mut story = Story::new(1);
    story.at(0.1, Kind::Answered);
    talk(&mut story, 5.0, 3.0, "ann", 2);
    let cdr = story.end(-3600.0);
    assert_eq!((cdr.duration_ms, cdr.talk_ms), (0, 0));
}

#[test]
fn events_without_a_beginning_or_after_the_end_are_ignored() {
    let mut story = Story::new(1);
    story.end(1.0);
    let mut fold = CdrFold::default();
    assert!(fold.feed(&story.events[1]).is_none(), "ended but never began");
    for event in &story.events {
        fold.feed(event);
    }
    assert!(fold.feed(&story.events[1]).is_none());
    assert_eq!(fold.live(), 0);
}

#[test]
fn a_call_whose_end_got_lost_can_be_closed() {
    let mut fold = CdrFold::default();
    for call in [7, 8] {
        fold.feed(&Story::new(call).events[0]);
    }
    assert_eq!(fold.evict().map(|cdr| (cdr.call, cdr.cut)), Some((CallId::from_raw(7), true)));
    assert_eq!(fold.live(), 1);
}

#[test]
fn an_event_is_one_flat_json_object() {
    let mut story = Story::new(1);
    story.at(5.0, offer_made(1, "ann"));
    let json = serde_json::to_string(&story.events[1]).unwrap();
    let start = r#"{"seq":1,"at":1795253405000000,"call":"c0000000000001","event":"offer_made","#;
    assert!(json.starts_with(start), "{json}");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["excluded"]["wrap_up"], 2);
    assert_eq!(value["candidates"][0]["agent"], "ann");
    assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), story.events[1]);
}

#[test]
fn a_system_event_names_no_call() {
    let kind = Kind::DiskFault { what: "journal".into(), error: "no space".to_owned() };
    let event = Event { seq: 3, at: Wall::from_unix_micros(BEGAN), call: None, kind };
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(json, r#"{"seq":3,"at":1795253400000000,"event":"disk_fault","what":"journal","error":"no space"}"#);
    assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
}

#[test]
fn personal_data_stands_in_the_journal_and_nowhere_else() {
    let mut story = Story::new(1);
    let cdr = story.end(1.0);
    assert!(!format!("{:?}{cdr:?}", story.events).contains("+4930901820"));
    assert!(serde_json::to_string(&story.events[0]).unwrap().contains("+4930901820"));
    assert!(serde_json::to_string(&cdr).unwrap().contains("+4930901820"));
}

#[test]
fn a_record_gives_times_as_people_read_them() {
    let mut story = Story::new(1);
    let cdr = story.at(0.125, Kind::Answered).end(2.0);
    let value = serde_json::to_value(&cdr).unwrap();
    assert_eq!(value["began"], "2026-11-21T09:30:00.000Z");
    assert_eq!(value["answered"], "2026-11-21T09:30:00.125Z");
    assert_eq!(value["ended"], "2026-11-21T09:30:02.000Z");
    assert_eq!(value["origin"]["trunk"], "local");
    assert_eq!(value["disposition"], "self_served");
}
