//! The figures against a naive reading of the whole list of events, for random days of a small centre; and each rule by itself.
//!
//! Covered: joined, turned away, answered in and out of time, abandoned, short, overflow and each other way out, callbacks promised,
//! reached and given up, places resumed, several visits of a call, hold, consultations, agents who are asked or lost, time after
//! calls, breaks in a call, offers missed, intervals, a restart, a day that turns, a clock that is put back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::{CallId, DecisionId, LegId, OfferId, Rng, Wall};
use journal::kpi::{Board, Figures, KpiFold, Targets};
use journal::{
    AgentStatus, CallbackStep, CallbackTold, Event, Kind, LegRole, OfferEnded, OfferMade, OfferOutcome, OfferReason,
    QueueExit, StatusBy, StatusChanged,
};

const BEGAN: u64 = 1_795_253_400;
const WITHIN: u64 = 20;

fn wall(second: u64) -> Wall {
    Wall::from_unix_micros(i64::try_from(second * 1_000_000).unwrap())
}

fn second(at: Wall) -> u64 {
    u64::try_from(at.as_unix_micros()).unwrap() / 1_000_000
}

/// A list of events in the making.
#[derive(Default)]
struct Journal {
    now: u64,
    events: Vec<Event>,
    seq: BTreeMap<u64, u32>,
    legs: u64,
}

impl Journal {
    fn call(&mut self, call: u64, kind: Kind) {
        let seq = self.seq.entry(call).or_default();
        self.events.push(Event { seq: *seq, at: wall(self.now), call: Some(CallId::from_raw(call)), kind });
        *seq += 1;
    }

    fn system(&mut self, kind: Kind) {
        self.events.push(Event { seq: 0, at: wall(self.now), call: None, kind });
    }

    fn status(&mut self, agent: &str, status: AgentStatus) {
        let by = StatusBy::Operator;
        self.system(Kind::AgentStatus(StatusChanged {
            agent: agent.into(),
            status,
            reason: None,
            by,
            who: String::new(),
        }));
    }

    fn join(&mut self, call: u64, queue: &str) {
        self.call(call, Kind::QueueJoined { queue: queue.into() });
    }

    fn left(&mut self, call: u64, queue: &str, why: QueueExit, waited: u64) {
        let json =
            serde_json::json!({ "event": "queue_left", "queue": queue, "why": why, "waited_ms": waited * 1_000 });
        self.call(call, serde_json::from_value(json).unwrap());
    }

    /// An agent's phone rings; its leg.
    fn offer(&mut self, call: u64, queue: &str, agent: &str) -> u64 {
        self.legs += 1;
        let leg = self.legs;
        let why = OfferReason {
            decision: DecisionId::from_raw(leg),
            strategy: "linear".into(),
            fallback: false,
            decided_on: wall(self.now),
            reason: String::new(),
            candidates: Vec::new(),
            calls: Vec::new(),
            excluded: BTreeMap::new(),
        };
        let (offer, queue, agent) = (OfferId::from_raw(leg), queue.into(), std::sync::Arc::<str>::from(agent));
        self.call(call, Kind::OfferMade(OfferMade { offer, queue, agent: agent.clone(), ring_ms: 20_000, why }));
        self.call(call, Kind::LegBegan { leg: LegId::from_raw(leg), role: LegRole::Agent(agent) });
        leg
    }

    fn offer_ended(&mut self, call: u64, leg: u64, agent: &str, outcome: OfferOutcome, rang: u64) {
        let (offer, agent, rang_ms) = (OfferId::from_raw(leg), agent.into(), rang * 1_000);
        self.call(call, Kind::OfferEnded(OfferEnded { offer, agent, outcome, rang_ms }));
        if outcome == OfferOutcome::Answered {
            self.call(call, Kind::LegAnswered { leg: LegId::from_raw(leg) });
            self.call(call, Kind::Bridged { a: LegId::from_raw(0), b: LegId::from_raw(leg) });
        } else {
            self.leg_ended(call, leg);
        }
    }

    fn callback(&mut self, call: u64, step: CallbackStep) {
        self.call(call, Kind::Callback(CallbackTold { callback: "1".into(), step }));
    }

    fn promise(&mut self, call: u64, queue: &str) {
        let number = base::Pii::new("+4930123".to_owned());
        self.callback(call, CallbackStep::Promised { queue: queue.into(), number });
    }

    fn leg_ended(&mut self, call: u64, leg: u64) {
        let (leg, cause) = (LegId::from_raw(leg), "bye".into());
        self.call(call, Kind::LegEnded { leg, status: None, cause, reason: None, charged_ms: None });
    }

    fn done(&mut self, call: u64, leg: u64) {
        self.call(call, Kind::Unbridged { a: LegId::from_raw(0), b: LegId::from_raw(leg) });
        self.leg_ended(call, leg);
    }
}

const QUEUES: [&str; 2] = ["sales", "support"];
const AGENTS: [&str; 3] = ["ann", "bob", "cid"];

/// How those leave who wait, the most likely one thrice.
const WAYS: [QueueExit; 9] = [
    QueueExit::Abandoned,
    QueueExit::Abandoned,
    QueueExit::Abandoned,
    QueueExit::MovedOn,
    QueueExit::WaitedTooLong,
    QueueExit::NoAgents,
    QueueExit::Closed,
    QueueExit::Refused,
    QueueExit::Cut,
];

/// True if a call with these events is an attempt to call somebody back, who has not talked yet.
fn is_attempt<'a>(mut events: impl Iterator<Item = &'a Event>) -> bool {
    let begun = |e: &Event| matches!(e.kind, Kind::Callback(CallbackTold { step: CallbackStep::Begun, .. }));
    let answered = |e: &Event| matches!(e.kind, Kind::QueueLeft { why: QueueExit::Answered, .. });
    events.find(|e| begun(e)).is_some() && !events.any(answered)
}

/// Where a call of the random day is.
#[derive(Clone, Copy)]
enum At {
    Waiting { queue: usize, first: u64 },
    Ringing { queue: usize, first: u64, agent: usize, leg: u64, since: u64 },
    Talking { agent: usize, leg: u64, held: bool },
}

/// A random day: whoever may do something does so with some chance each second.
fn day(seed: u64, seconds: u64) -> Vec<Event> {
    let mut rng = Rng::from_number(seed);
    let mut journal = Journal { now: BEGAN, ..Journal::default() };
    let mut calls: BTreeMap<u64, At> = BTreeMap::new();
    let (mut busy, mut wrapping) = (BTreeSet::new(), BTreeSet::new());
    let mut next = 0;
    journal.system(Kind::Started { version: "1".into() });
    for now in BEGAN..BEGAN + seconds {
        journal.now = now;
        if rng.percent(1) {
            let status = [AgentStatus::Available, AgentStatus::Break, AgentStatus::LoggedOut];
            journal.status(AGENTS[rng.below(3) as usize], status[rng.below(3) as usize]);
        }
        if rng.percent(3) {
            next += 1;
            let queue = rng.below(2) as usize;
            if rng.percent(10) {
                let ways = [QueueExit::Full, QueueExit::NoAgents, QueueExit::Closed, QueueExit::Refused];
                journal.left(next, QUEUES[queue], ways[rng.below(4) as usize], 0);
                if rng.percent(50) {
                    journal.promise(next, QUEUES[queue]);
                }
                journal.call(next, Kind::CallEnded { cut: false });
            } else {
                if rng.percent(20) {
                    journal.callback(next, CallbackStep::Begun);
                }
                journal.join(next, QUEUES[queue]);
                calls.insert(next, At::Waiting { queue, first: now });
            }
        }
        for (agent, name) in AGENTS.iter().enumerate() {
            if wrapping.contains(&agent) && rng.percent(10) {
                wrapping.remove(&agent);
                journal.system(Kind::WrapUpEnded { agent: (*name).into() });
            }
        }
        for (call, at) in calls.clone() {
            let next = step(&mut rng, &mut journal, (call, at), &mut busy, &mut wrapping);
            match next {
                Some(next) => drop(calls.insert(call, next)),
                None => drop(calls.remove(&call)),
            }
        }
    }
    journal.now = BEGAN + seconds;
    journal.system(Kind::Stopped { cause: "test".into() });
    journal.events
}

fn step(
    rng: &mut Rng,
    journal: &mut Journal,
    (call, at): (u64, At),
    busy: &mut BTreeSet<usize>,
    wrapping: &mut BTreeSet<usize>,
) -> Option<At> {
    let now = journal.now;
    match at {
        At::Waiting { queue, first } => {
            let agent = rng.below(3) as usize;
            if rng.percent(20) && !busy.contains(&agent) && !wrapping.contains(&agent) {
                busy.insert(agent);
                let leg = journal.offer(call, QUEUES[queue], AGENTS[agent]);
                return Some(At::Ringing { queue, first, agent, leg, since: now });
            }
            if rng.percent(3) {
                journal.left(call, QUEUES[queue], QueueExit::Overflowed, now - first);
                journal.join(call, QUEUES[1 - queue]);
                return Some(At::Waiting { queue: 1 - queue, first });
            }
            if rng.percent(6) {
                let of_call = journal.events.iter().filter(|e| e.call == Some(CallId::from_raw(call)));
                let why = match is_attempt(of_call) {
                    true => QueueExit::NotReached,
                    false => WAYS[rng.below(9) as usize],
                };
                journal.left(call, QUEUES[queue], why, now - first);
                match why {
                    QueueExit::NotReached => journal.callback(call, CallbackStep::Missed { left: rng.below(2) as u8 }),
                    QueueExit::MovedOn if rng.percent(50) => journal.promise(call, QUEUES[queue]),
                    _ => {}
                }
                journal.call(call, Kind::CallEnded { cut: false });
                return None;
            }
        }
        At::Ringing { queue, first, agent, leg, since } => {
            if rng.percent(20) {
                journal.offer_ended(call, leg, AGENTS[agent], OfferOutcome::Answered, now - since);
                journal.left(call, QUEUES[queue], QueueExit::Answered, now - first);
                return Some(At::Talking { agent, leg, held: false });
            }
            if rng.percent(5) {
                busy.remove(&agent);
                journal.offer_ended(call, leg, AGENTS[agent], OfferOutcome::NoAnswer, now - since);
                return Some(At::Waiting { queue, first });
            }
        }
        At::Talking { agent, leg, held } => {
            let id = LegId::from_raw(leg);
            if rng.percent(10) {
                journal.call(call, if held { Kind::Resumed { leg: id } } else { Kind::Held { leg: id } });
                return Some(At::Talking { agent, leg, held: !held });
            }
            if rng.percent(5) {
                busy.remove(&agent);
                journal.done(call, leg);
                if rng.percent(70) {
                    wrapping.insert(agent);
                    journal.system(Kind::WrapUpBegan { agent: AGENTS[agent].into() });
                }
                if rng.percent(30) {
                    let queue = rng.below(2) as usize;
                    journal.join(call, QUEUES[queue]);
                    return Some(At::Waiting { queue, first: now });
                }
                journal.call(call, Kind::CallEnded { cut: false });
                return None;
            }
        }
    }
    Some(at)
}

/// Figures by queue and quarter of an hour, and by agent.
type Sums = (BTreeMap<(String, u64), Figures>, BTreeMap<String, Figures>);

fn folded(events: &[Event]) -> Sums {
    let mut fold = KpiFold::new(Targets { within: BTreeMap::new(), usual: Duration::from_secs(WITHIN) });
    let (mut queues, mut agents) = Sums::default();
    for event in events {
        fold.feed(event, &mut |credit| {
            if let Some(queue) = credit.queue {
                let key = (queue.to_string(), second(credit.at) / 900);
                queues.entry(key).or_default().add(&credit.figures);
            } else {
                agents.entry(credit.agent.unwrap().to_string()).or_default().add(&credit.figures);
            }
        });
    }
    (queues, agents)
}

/// The same by reading the list from the front for every question.
fn naive(events: &[Event]) -> Sums {
    let (mut queues, mut agents) = Sums::default();
    for (ix, event) in events.iter().enumerate() {
        let Some(call) = event.call else { continue };
        let of_call = |range: std::ops::Range<usize>| events[range].iter().filter(move |e| e.call == Some(call));
        let later = || of_call(ix + 1..events.len());
        let attempt = is_attempt(of_call(0..ix));
        let promised = || later().any(|e| matches!(e.kind, Kind::Callback(_)));
        let sum = match &event.kind {
            Kind::QueueJoined { queue } => {
                let sum = queues.entry((queue.to_string(), second(event.at) / 900)).or_insert_with(Figures::default);
                let end = later().find(|e| matches!(e.kind, Kind::QueueLeft { .. }));
                let stopped = Event { at: events.last().unwrap().at, ..event.clone() };
                let (at, why) = match end {
                    Some(Event { at, kind: Kind::QueueLeft { why, .. }, .. }) => (*at, *why),
                    _ => (stopped.at, QueueExit::Cut),
                };
                if attempt {
                    sum.callbacks_reached += u64::from(why == QueueExit::Answered);
                    let failed =
                        Kind::Callback(CallbackTold { callback: "1".into(), step: CallbackStep::Missed { left: 0 } });
                    // Of an attempt that overflowed, the last visit failed.
                    let last = !later().any(|e| matches!(e.kind, Kind::QueueJoined { .. }));
                    sum.callbacks_failed += u64::from(last && later().any(|e| e.kind == failed));
                } else {
                    sum.offered += 1;
                    exit(sum, why, second(at) - second(event.at));
                    sum.callbacks += u64::from(why == QueueExit::MovedOn && promised());
                }
                sum
            }
            Kind::QueueLeft { queue, why, .. } if of_call(0..ix).next().is_none() => {
                let sum = queues.entry((queue.to_string(), second(event.at) / 900)).or_default();
                sum.callbacks += u64::from(promised());
                if *why == QueueExit::Closed {
                    sum.out_of_hours += 1;
                } else {
                    sum.offered += 1;
                    exit(sum, *why, 0);
                }
                continue;
            }
            _ => continue,
        };
        // The offers of this visit: up to the call's next one.
        let until = later().take_while(|e| !matches!(e.kind, Kind::QueueJoined { .. }));
        for event in until.clone() {
            if let Kind::OfferEnded(OfferEnded { outcome, rang_ms, .. }) = &event.kind {
                sum.offers += 1;
                sum.missed += u64::from(*outcome == OfferOutcome::NoAnswer);
                sum.ring_ms += rang_ms;
            }
        }
        let answer = until.clone().find_map(|e| match &e.kind {
            Kind::OfferEnded(OfferEnded { outcome: OfferOutcome::Answered, agent, .. }) => Some((e.at, agent.clone())),
            _ => None,
        });
        let Some((at, agent)) = answer else { continue };
        sum.handled += 1;
        let talk = until.clone().skip_while(|e| !matches!(e.kind, Kind::Bridged { .. }));
        let over = talk.clone().find(|e| matches!(e.kind, Kind::LegEnded { .. }));
        let end = over.map_or(second(events.last().unwrap().at), |e| second(e.at));
        let begun = second(at);
        for now in begun..end {
            let held = talk.clone().filter(|e| second(e.at) <= now);
            let held = held.fold(false, |held, e| match e.kind {
                Kind::Held { .. } => true,
                Kind::Resumed { .. } => false,
                _ => held,
            });
            if held { sum.hold_ms += 1_000 } else { sum.talk_ms += 1_000 }
        }
        // The time after it, if it comes before his next offer is answered.
        if let Some(over) = over {
            let place = events.iter().position(|e| std::ptr::eq(e, over)).unwrap();
            let his = |e: &&Event| match &e.kind {
                Kind::WrapUpBegan { agent: a } | Kind::WrapUpEnded { agent: a } => *a == agent,
                Kind::OfferMade(OfferMade { agent: a, .. }) => *a == agent,
                _ => false,
            };
            let mut his = events[place..].iter().filter(his);
            if let Some(began) = his.next().filter(|e| matches!(e.kind, Kind::WrapUpBegan { .. })) {
                let ended = his.next().unwrap_or_else(|| events.last().unwrap());
                sum.wrap_up_ms += 1_000 * (second(ended.at) - second(began.at));
            }
        }
    }
    for agent in AGENTS {
        let mut sum = Figures::default();
        let (mut available, mut on_break, mut in_call, mut wrap, mut leg) = (false, false, false, false, None);
        let mut events = events.iter().peekable();
        let last = second(events.clone().last().unwrap().at);
        for now in BEGAN..last {
            while let Some(event) = events.next_if(|e| second(e.at) <= now) {
                match &event.kind {
                    Kind::AgentStatus(s) if *s.agent == *agent => {
                        available = s.status == AgentStatus::Available;
                        on_break = s.status == AgentStatus::Break;
                    }
                    Kind::LegBegan { leg: its, role: LegRole::Agent(a) } if **a == *agent => leg = Some(*its),
                    Kind::OfferEnded(o) if *o.agent == *agent => in_call = o.outcome == OfferOutcome::Answered,
                    Kind::LegEnded { leg: its, .. } if leg == Some(*its) => in_call = false,
                    Kind::WrapUpBegan { agent: a } if **a == *agent => wrap = true,
                    Kind::WrapUpEnded { agent: a } if **a == *agent => wrap = false,
                    _ => {}
                }
            }
            sum.busy_ms += 1_000 * u64::from(in_call || wrap);
            sum.staffed_ms += 1_000 * u64::from(available || in_call || wrap);
            sum.break_ms += 1_000 * u64::from(on_break && !in_call && !wrap);
        }
        if sum != Figures::default() {
            agents.insert(agent.to_owned(), sum);
        }
    }
    (queues, agents)
}

fn exit(sum: &mut Figures, why: QueueExit, waited: u64) {
    sum.wait_ms += waited * 1_000;
    sum.longest_wait_ms = sum.longest_wait_ms.max(waited * 1_000);
    match why {
        QueueExit::Answered => {
            sum.answered += 1;
            sum.answered_in_time += u64::from(waited <= WITHIN);
            sum.answer_wait_ms += waited * 1_000;
            let step = [0, 5, 10, 20, 30, 60, 120, 300, 600].iter().position(|most| waited <= *most).unwrap_or(9);
            sum.waits[step] += 1;
        }
        QueueExit::Abandoned => {
            sum.abandoned += 1;
            sum.abandoned_short += u64::from(waited < 5);
        }
        QueueExit::Overflowed => sum.overflowed += 1,
        QueueExit::WaitedTooLong => sum.waited_too_long += 1,
        QueueExit::NoAgents => sum.no_agents += 1,
        QueueExit::Full => sum.full += 1,
        QueueExit::Closed => sum.closed += 1,
        QueueExit::Refused => sum.refused += 1,
        QueueExit::MovedOn => sum.moved_on += 1,
        QueueExit::Cut => sum.cut += 1,
        QueueExit::NotReached => panic!("an attempt is no visit"),
    }
}

#[test]
fn random_days_count_as_a_naive_reading_of_all_events_does() {
    for seed in 0..60 {
        let events = day(seed, 3_000);
        let ((queues, agents), (all_queues, all_agents)) = (folded(&events), naive(&events));
        assert_eq!(queues, all_queues, "seed {seed}");
        assert_eq!(agents, all_agents, "seed {seed}");
        assert!(queues.len() > 4 && agents.len() == 3, "the day is worth its name");
        let all = queues.values().fold(Figures::default(), |mut all, one| {
            all.add(one);
            all
        });
        assert_eq!(all.offered, all.answered + all.abandoned + all.others(), "seed {seed}: each is one thing");
        assert!(all.callbacks > 0 && all.callbacks_reached > 0, "the day has callbacks");
    }
}

#[test]
fn the_board_has_of_today_and_of_late_what_the_whole_list_has() {
    let events = day(7, 3_000);
    let ((queues, _), mut board) = (folded(&events), Board::default());
    board.turn_to(wall(BEGAN - 3_600));
    events.iter().for_each(|event| board.feed(event));
    for name in QUEUES {
        let mut sum = Figures::default();
        queues.iter().filter(|((queue, _), _)| queue == name).for_each(|(_, figures)| sum.add(figures));
        assert_eq!(board.queue(name, wall(BEGAN + 3_000)).today, sum);
        assert_eq!(board.queue(name, wall(BEGAN + 3_000)).hour, sum, "the list is shorter than an hour");
        let recent = board.queue(name, wall(BEGAN + 3_000)).recent;
        assert!(recent.offered > 0 && recent.offered < sum.offered);
        assert_eq!(board.queue(name, wall(BEGAN + 90_000)).recent, Figures::default());
    }
    board.turn_to(wall(BEGAN + 86_400));
    assert_eq!(board.queue("sales", wall(BEGAN + 86_400)).today, Figures::default());
}

#[test]
fn the_service_level_is_told_by_both_formulas() {
    let figures = Figures {
        offered: 100,
        answered: 80,
        answered_in_time: 60,
        abandoned: 15,
        abandoned_short: 5,
        full: 5,
        answer_wait_ms: 800_000,
        handled: 40,
        talk_ms: 4_000_000,
        hold_ms: 400_000,
        wrap_up_ms: 600_000,
        staffed_ms: 1_000,
        busy_ms: 850,
        ..Figures::default()
    };
    assert_eq!(figures.service_level(), Some(60.0 / 95.0));
    assert_eq!(figures.service_level_offered(), Some(60.0 / 95.0));
    let figures = Figures { offered: 105, ..figures };
    assert_eq!(figures.service_level_offered(), Some(0.6));
    assert_eq!(figures.abandonment(), Some(0.1));
    assert_eq!((figures.speed_of_answer(), figures.handle_time()), (Some(10.0), Some(125.0)));
    assert_eq!(figures.occupancy(), Some(0.85));
    assert_eq!(Figures::default().kpis().service_level, None, "nothing of nothing");
}

#[test]
fn calls_count_where_they_joined_and_the_time_of_agents_by_the_clock() {
    let mut journal = Journal { now: 900 * 1_000 - 10, ..Journal::default() };
    journal.status("ann", AgentStatus::Available);
    journal.join(1, "sales");
    let leg = journal.offer(1, "sales", "ann");
    journal.now += 20;
    journal.offer_ended(1, leg, "ann", OfferOutcome::Answered, 20);
    journal.left(1, "sales", QueueExit::Answered, 20);
    journal.now += 900;
    journal.done(1, leg);
    journal.status("ann", AgentStatus::LoggedOut);
    let mut fold = KpiFold::default();
    let (mut visits, mut staffed) = (Vec::new(), Vec::new());
    for event in &journal.events {
        fold.feed(event, &mut |credit| match credit.queue {
            Some(_) => visits.push(second(credit.at) / 900),
            None if credit.figures.staffed_ms > 0 => staffed.push((second(credit.at) / 900, credit.figures.staffed_ms)),
            None => {}
        });
    }
    assert!(visits.iter().all(|quarter| *quarter == 999), "{visits:?}");
    assert_eq!(staffed, [(999, 10_000), (1_000, 10_000), (1_000, 890_000), (1_001, 10_000)]);
}

#[test]
fn what_went_on_when_the_switch_died_ends_with_its_last_event() {
    let mut journal = Journal { now: BEGAN, ..Journal::default() };
    journal.status("ann", AgentStatus::Available);
    journal.join(1, "sales");
    journal.now += 60;
    journal.join(2, "sales");
    journal.now += 3_600;
    journal.system(Kind::Started { version: "1".into() });
    let (queues, agents) = folded(&journal.events);
    assert_eq!(agents["ann"].staffed_ms, 60_000);
    let sales: Vec<_> = queues.values().map(|sum| (sum.offered, sum.cut, sum.wait_ms)).collect();
    assert_eq!(sales, [(2, 2, 60_000)]);
}

#[test]
fn a_clock_that_is_put_back_counts_no_time_twice() {
    let mut journal = Journal { now: BEGAN, ..Journal::default() };
    journal.status("ann", AgentStatus::Available);
    journal.now += 600;
    journal.status("ann", AgentStatus::Available);
    journal.now -= 600;
    journal.status("ann", AgentStatus::Available);
    journal.now += 700;
    journal.status("ann", AgentStatus::LoggedOut);
    assert!(folded(&journal.events).1["ann"].staffed_ms <= 1_300_000);
}
