//! Questions such as queues ask, to try a plugin with.

use base::{CallId, DecisionId, Pii, Wall};
use routing::{
    Call, Candidate, Exclusions, Happened, LastAgent, Levels, Outcome, Presence, Question, Queue, Service, Snapshot,
    VERSION, Variables,
};

/// When the samples play: the 5th of January 2026, at 9:00 UTC.
const AT: Wall = Wall::from_unix_micros(1_767_603_600_000_000);

/// Agent surplus: a call, and so many agents for it.
#[must_use]
pub fn sample_agents(agents: u32) -> Snapshot {
    let candidates = (1..=agents).map(agent).collect();
    snapshot(Question::Agent { call: call(1), candidates })
}

/// Call surplus: an agent, and so many calls for him.
#[must_use]
pub fn sample_calls(calls: u64) -> Snapshot {
    snapshot(Question::Call { agent: agent(1), calls: (1..=calls).map(call).collect() })
}

/// One outcome of each kind.
#[must_use]
pub fn sample_outcomes() -> Vec<Outcome> {
    let rang_ms = 4_000;
    let all = [
        Happened::Accepted { rang_ms },
        Happened::Declined { rang_ms },
        Happened::TimedOut { rang_ms },
        Happened::Unreachable { rang_ms },
        Happened::Withdrawn { rang_ms },
        Happened::Ended { talk_ms: 90_000, disposition: Some("sold".to_owned()) },
    ];
    let told = |(number, happened)| {
        let call = CallId::from_raw(number);
        Outcome { at: AT, queue: "sales".into(), call, agent: format!("agent{number}").into(), happened }
    };
    (1..).zip(all).map(told).collect()
}

fn snapshot(question: Question) -> Snapshot {
    let service = Service { kept: Some(7_500), ..Service::default() };
    let excluded = Exclusions { in_call: 7, wrap_up: 2, ..Exclusions::default() };
    let queue = Queue { name: "sales".into(), waiting: 3, longest_wait_ms: 41_000, excluded, ring_ms: 20_000, service };
    let (id, other_queues) = (DecisionId::from_raw(1), Vec::new());
    Snapshot { version: VERSION, id, epoch: 1, at: AT, seed: 7, queue, other_queues, state: None, question }
}

fn agent(number: u32) -> Candidate {
    Candidate {
        idle_ms: 1_000 * u64::from(40 - number.min(40)),
        calls: 3 + number,
        calls_today: number % 5,
        talk_today_ms: 60_000 * u64::from(number),
        occupancy: 700,
        position: number - 1,
        skills: Levels::new([("spanish".into(), 60)]),
        ..Candidate::new(format!("agent{number}"))
    }
}

fn call(number: u64) -> Call {
    Call {
        caller: Pii::new(format!("+4930{:06}", 123_000 + number)),
        dialled: "1000".to_owned(),
        waited_ms: 1_000 * (42 - number.min(42)),
        language: Some("es".to_owned()),
        way: vec!["main/welcome".to_owned()],
        variables: Variables::copied([("tier", "gold")]),
        last_agent: (number == 1).then(|| LastAgent { agent: "agent2".into(), presence: Presence::Free }),
        ..Call::new(CallId::from_raw(number), "sales")
    }
}
