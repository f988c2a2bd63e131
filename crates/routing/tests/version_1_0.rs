//! A strategy as somebody wrote it for version 1.0, by the rules of the README. It is not changed as long as the version is 1.x:
//! that it still compiles, and still decides the same, is what is tested.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use base::CallId;
use routing::{
    Action, Builtin, Call, Candidate, Decision, Happened, Levels, MAX_CANDIDATES, MAX_REASON, MAX_STATE, Order,
    Outcome, Presence, Question, Ring, Snapshot, Strategy, Target, VERSION,
};

/// Looks at all that it is told, and says all that can be said.
struct Written {
    /// Gives no reasons.
    shy: bool,
}

impl Written {
    /// Each priority leads to something else.
    fn choose(&self, snapshot: &Snapshot, call: &Call, agents: &[Candidate]) -> Decision {
        let id = call.id;
        let Some(first) = agents.first() else {
            return Decision::new(Action::Wait { at_most_ms: Some(2_000) }, "nobody");
        };
        let ring = |agent: &Candidate| Ring { agent: agent.agent.clone(), ring_ms: Some(9_000) };
        let action = match call.priority {
            0 => Action::Refuse { call: id },
            1 => Action::Overflow { call: id, to: Target::Queue("support".into()) },
            2 => Action::Overflow { call: id, to: Target::Flow("sorry".to_owned()) },
            3 => Action::Overflow { call: id, to: Target::Voicemail("sales".to_owned()) },
            4 => Action::Overflow { call: id, to: Target::Number("2000".to_owned()) },
            5 => Action::Prioritise { call: id, priority: 90 },
            6 => Action::Widen { call: id, needs: Levels::new([("spanish".into(), 10)]) },
            7 => Action::OfferAll { call: id, agents: agents.iter().map(ring).collect() },
            8 => Action::OfferInTurn { call: id, agents: agents.iter().map(ring).collect() },
            9 => return Builtin::LongestIdle.decide(snapshot),
            10 => Action::Wait { at_most_ms: None },
            _ => Action::Offer { call: id, agent: first.agent.clone(), ring_ms: None },
        };
        let reason = if self.shy { String::new() } else { told_of(snapshot, call, first) };
        let scores = agents.iter().map(|agent| i64::from(agent.weight)).collect();
        Decision { scores, state: snapshot.state.clone(), ..Decision::new(action, reason) }
    }
}

impl Strategy for Written {
    fn name(&self) -> &str {
        "written"
    }

    fn order(&self) -> Order {
        Order::Turn
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        match &snapshot.question {
            Question::Agent { call, candidates, .. } => self.choose(snapshot, call, candidates),
            Question::Call { agent, calls, .. } => {
                self.choose(snapshot, calls.first().unwrap(), std::slice::from_ref(agent))
            }
        }
    }

    fn told(&self, outcomes: &[Outcome], state: Option<&str>) -> Option<String> {
        let mut seen: BTreeMap<String, u64> =
            state.and_then(|state| serde_json::from_str(state).ok()).unwrap_or_default();
        for outcome in outcomes {
            let (what, time) = match &outcome.happened {
                Happened::Accepted { rang_ms, .. } => ("accepted", *rang_ms),
                Happened::Declined { rang_ms, .. } => ("declined", *rang_ms),
                Happened::TimedOut { rang_ms, .. } => ("timed out", *rang_ms),
                Happened::Unreachable { rang_ms, .. } => ("unreachable", *rang_ms),
                Happened::Withdrawn { rang_ms, .. } => ("withdrawn", *rang_ms),
                Happened::Ended { talk_ms, disposition, .. } => (disposition.as_deref().unwrap_or("ended"), *talk_ms),
                // What a later version tells.
                _ => continue,
            };
            *seen.entry(format!("{}/{}/{} {what}", outcome.queue, outcome.call, outcome.agent)).or_default() += time;
        }
        Some(serde_json::to_string(&seen).unwrap())
    }
}

/// Every field of what it was asked, in words.
fn told_of(snapshot: &Snapshot, call: &Call, agent: &Candidate) -> String {
    let Snapshot { version, id, epoch, at, seed, queue, other_queues, .. } = snapshot;
    let (excluded, service) = (&queue.excluded, &queue.service);
    let gone = [
        excluded.unavailable,
        excluded.on_break,
        excluded.unskilled,
        excluded.offered,
        excluded.in_call,
        excluded.wrap_up,
        excluded.resting,
        excluded.tried,
        excluded.undecided,
        excluded.surplus,
    ];
    let last = call.last_agent.as_ref().map(|last| match last.presence {
        Presence::Free => format!("{} is free", last.agent),
        Presence::Busy => format!("{} is busy", last.agent),
        Presence::Away => format!("{} is away", last.agent),
    });
    let needs: Vec<_> = call.needs.iter().map(|(skill, level)| format!("{skill} {level}")).collect();
    let spanish = agent.skills.of(&"spanish".into());
    let parts = [
        format!("{version} {id} {epoch} {} {seed}", at.as_unix_micros()),
        format!("{} {} {} {} {}", queue.name, queue.waiting, queue.longest_wait_ms, queue.ring_ms, other_queues.len()),
        format!("{gone:?} {} {} {:?} {}", service.within_ms, service.target, service.kept, service.behind()),
        format!("{} {} {} {:?}", call.queue, call.caller.reveal(), call.dialled, call.diverted_from.reveal()),
        format!("{} {} {} {needs:?} {:?}", call.waited_ms, call.offers, call.priority, call.language),
        format!(
            "{:?} {} {:?} {} {last:?} {}",
            call.way,
            call.repeats,
            call.variables.get("tier"),
            call.variables.left_out(),
            call.level
        ),
        format!("{} {} {} {} {}", agent.agent, agent.idle_ms, agent.calls, agent.level, agent.position),
        format!(
            "{} {} {} {} {} {spanish:?}",
            agent.weight, agent.turn, agent.calls_today, agent.talk_today_ms, agent.occupancy
        ),
        format!("{} {}", snapshot.candidates().len(), snapshot.queue_of(call).name),
    ];
    parts.join("; ")
}

/// A snapshot of version 1.0, as its JSON was then, of a call with this priority.
fn snapshot(priority: u8) -> Snapshot {
    let text =
        include_str!("version_1_0/snapshot.json").replace("\"priority\": 50", &format!("\"priority\": {priority}"));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_strategy_of_1_0_decides_as_it_did() {
    let written = Written { shy: false };
    let decided: Vec<String> = (0..=11)
        .map(|priority| {
            let decision = Written { shy: priority != 11 }.decide(&snapshot(priority));
            serde_json::to_string(&decision).unwrap()
        })
        .collect();
    let expected: Vec<&str> = include_str!("version_1_0/decisions.jsonl").lines().collect();
    assert_eq!(decided, expected);
    assert_eq!((written.name(), written.order()), ("written", Order::Turn));
    assert_eq!((VERSION, MAX_CANDIDATES, MAX_REASON, MAX_STATE), (1, 32, 256, 4_096));
}

#[test]
fn a_strategy_of_1_0_is_told_as_it_was() {
    let outcomes: Vec<Outcome> = serde_json::from_str(include_str!("version_1_0/outcomes.json")).unwrap();
    let state = Written { shy: true }.told(&outcomes, Some(r#"{"sales/c0000000000007/eva accepted":1}"#)).unwrap();
    let expected = r#"{"sales/c0000000000007/eva accepted":4001,"sales/c0000000000007/eva declined":3000,"#.to_owned()
        + r#""sales/c0000000000007/eva ended":1,"sales/c0000000000007/eva sold":60000,"sales/c0000000000007/eva timed out":20000,"#
        + r#""sales/c0000000000007/eva unreachable":5,"sales/c0000000000007/eva withdrawn":6}"#;
    assert_eq!(state, expected);
}

/// What it makes itself, as the README says: what came later has its usual value.
#[test]
fn what_a_strategy_of_1_0_makes_is_made_still() {
    let call = Call { waited_ms: 3, ..Call::new(CallId::from_raw(1), "sales") };
    let agent = Candidate { idle_ms: 5, ..Candidate::new("eva") };
    assert_eq!((call.priority, agent.weight), (50, 1));
    let orders = [
        Order::LongestIdle,
        Order::List,
        Order::Turn,
        Order::FewestCalls,
        Order::LeastTalkTime,
        Order::MostSkilled,
        Order::LeastSkilled,
    ];
    let names = serde_json::to_string(&orders).unwrap();
    let expected = r#"["longest_idle","list","turn","fewest_calls","least_talk_time","most_skilled","least_skilled"]"#;
    assert_eq!(names, expected);
}
