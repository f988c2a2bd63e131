//! The types of `routing.wit` as wasmtime passes them, made of those of `routing` and made into them.
//!
//! Written by hand rather than generated: names are shared and not copied, and a test loads a component with the types of the
//! WIT file, so that a difference is found at once.

use std::sync::Arc;

use routing::Levels;
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::Fault;

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Snapshot {
    version: u16,
    id: String,
    epoch: u64,
    at: i64,
    seed: u64,
    queue: Queue,
    #[component(name = "other-queues")]
    other_queues: Vec<Queue>,
    state: Option<String>,
    question: Question,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
pub enum Question {
    #[component(name = "agent")]
    Agent(AgentSurplus),
    #[component(name = "call")]
    Call(CallSurplus),
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct AgentSurplus {
    call: Call,
    candidates: Vec<Candidate>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct CallSurplus {
    agent: Candidate,
    calls: Vec<Call>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Queue {
    name: Arc<str>,
    waiting: u32,
    #[component(name = "longest-wait-ms")]
    longest_wait_ms: u64,
    excluded: Exclusions,
    #[component(name = "ring-ms")]
    ring_ms: u64,
    service: Service,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Service {
    #[component(name = "within-ms")]
    within_ms: u64,
    target: u8,
    kept: Option<u16>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Exclusions {
    unavailable: u32,
    #[component(name = "on-break")]
    on_break: u32,
    unskilled: u32,
    offered: u32,
    #[component(name = "in-call")]
    in_call: u32,
    #[component(name = "wrap-up")]
    wrap_up: u32,
    resting: u32,
    tried: u32,
    undecided: u32,
    surplus: u32,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Call {
    id: String,
    queue: Arc<str>,
    caller: String,
    dialled: String,
    #[component(name = "diverted-from")]
    diverted_from: Option<String>,
    #[component(name = "waited-ms")]
    waited_ms: u64,
    offers: u32,
    priority: u8,
    needs: Vec<Level>,
    language: Option<String>,
    way: Vec<String>,
    variables: Variables,
    repeats: u32,
    #[component(name = "last-agent")]
    last_agent: Option<LastAgent>,
    level: u8,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub struct Level {
    skill: Arc<str>,
    level: u8,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Variables {
    values: Vec<Variable>,
    #[component(name = "left-out")]
    left_out: u32,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Variable {
    name: String,
    value: String,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct LastAgent {
    agent: Arc<str>,
    presence: Presence,
}

#[derive(Clone, Copy, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "the derived code reads the cases by their number")]
pub enum Presence {
    #[component(name = "free")]
    Free,
    #[component(name = "busy")]
    Busy,
    #[component(name = "away")]
    Away,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Candidate {
    agent: Arc<str>,
    #[component(name = "idle-ms")]
    idle_ms: u64,
    calls: u32,
    level: u8,
    position: u32,
    weight: u16,
    turn: u64,
    #[component(name = "calls-today")]
    calls_today: u32,
    #[component(name = "talk-today-ms")]
    talk_today_ms: u64,
    occupancy: u16,
    skills: Vec<Level>,
}

impl From<&routing::Snapshot> for Snapshot {
    fn from(snapshot: &routing::Snapshot) -> Self {
        Self {
            version: snapshot.version,
            id: snapshot.id.to_string(),
            epoch: snapshot.epoch,
            at: snapshot.at.as_unix_micros(),
            seed: snapshot.seed,
            queue: (&snapshot.queue).into(),
            other_queues: snapshot.other_queues.iter().map(Queue::from).collect(),
            state: snapshot.state.clone(),
            question: match &snapshot.question {
                routing::Question::Agent { call, candidates } => Question::Agent(AgentSurplus {
                    call: call.into(),
                    candidates: candidates.iter().map(Candidate::from).collect(),
                }),
                routing::Question::Call { agent, calls } => {
                    Question::Call(CallSurplus { agent: agent.into(), calls: calls.iter().map(Call::from).collect() })
                }
            },
        }
    }
}

impl From<&routing::Queue> for Queue {
    fn from(queue: &routing::Queue) -> Self {
        let routing::Exclusions {
            unavailable,
            on_break,
            unskilled,
            offered,
            in_call,
            wrap_up,
            resting,
            tried,
            undecided,
            surplus,
        } = queue.excluded;
        let routing::Service { within_ms, target, kept } = queue.service;
        Self {
            name: Arc::clone(queue.name.shared()),
            waiting: queue.waiting,
            longest_wait_ms: queue.longest_wait_ms,
            excluded: Exclusions {
                unavailable,
                on_break,
                unskilled,
                offered,
                in_call,
                wrap_up,
                resting,
                tried,
                undecided,
                surplus,
            },
            ring_ms: queue.ring_ms,
            service: Service { within_ms, target, kept },
        }
    }
}

impl From<&routing::Call> for Call {
    fn from(call: &routing::Call) -> Self {
        let values = call.variables.iter();
        Self {
            id: call.id.to_string(),
            queue: Arc::clone(call.queue.shared()),
            // The contract says that plugins see personal data.
            caller: call.caller.reveal().clone(),
            dialled: call.dialled.clone(),
            diverted_from: call.diverted_from.reveal().clone(),
            waited_ms: call.waited_ms,
            offers: call.offers,
            priority: call.priority,
            needs: levels(&call.needs),
            language: call.language.clone(),
            way: call.way.clone(),
            variables: Variables {
                values: values
                    .map(|(name, value)| Variable { name: name.to_owned(), value: value.to_string() })
                    .collect(),
                left_out: call.variables.left_out(),
            },
            repeats: call.repeats,
            last_agent: call.last_agent.as_ref().map(|last| LastAgent {
                agent: Arc::clone(last.agent.shared()),
                presence: match last.presence {
                    routing::Presence::Free => Presence::Free,
                    routing::Presence::Busy => Presence::Busy,
                    routing::Presence::Away => Presence::Away,
                },
            }),
            level: call.level,
        }
    }
}

impl From<&routing::Candidate> for Candidate {
    fn from(candidate: &routing::Candidate) -> Self {
        Self {
            agent: Arc::clone(candidate.agent.shared()),
            idle_ms: candidate.idle_ms,
            calls: candidate.calls,
            level: candidate.level,
            position: candidate.position,
            weight: candidate.weight,
            turn: candidate.turn,
            calls_today: candidate.calls_today,
            talk_today_ms: candidate.talk_today_ms,
            occupancy: candidate.occupancy,
            skills: levels(&candidate.skills),
        }
    }
}

fn levels(levels: &Levels) -> Vec<Level> {
    levels.iter().map(|(skill, level)| Level { skill: Arc::clone(skill.shared()), level }).collect()
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Description {
    name: String,
    version: String,
    order: Order,
    parameters: String,
}

#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "the derived code makes the cases by their number")]
pub enum Order {
    #[component(name = "longest-idle")]
    LongestIdle,
    #[component(name = "list")]
    List,
    #[component(name = "turn")]
    Turn,
    #[component(name = "fewest-calls")]
    FewestCalls,
    #[component(name = "least-talk-time")]
    LeastTalkTime,
    #[component(name = "most-skilled")]
    MostSkilled,
    #[component(name = "least-skilled")]
    LeastSkilled,
}

impl TryFrom<Description> for routing::Description {
    type Error = Fault;

    fn try_from(description: Description) -> Result<Self, Fault> {
        let Description { name, version, order, parameters } = description;
        let parameters = serde_json::from_str(&parameters)
            .map_err(|error| Fault::Description(format!("the schema of its parameters is no JSON: {error}")))?;
        let order = match order {
            Order::LongestIdle => routing::Order::LongestIdle,
            Order::List => routing::Order::List,
            Order::Turn => routing::Order::Turn,
            Order::FewestCalls => routing::Order::FewestCalls,
            Order::LeastTalkTime => routing::Order::LeastTalkTime,
            Order::MostSkilled => routing::Order::MostSkilled,
            Order::LeastSkilled => routing::Order::LeastSkilled,
        };
        let description = Self { name, version, order, parameters };
        description.fault().map_or(Ok(description), |what| Err(Fault::Description(what)))
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Decision {
    action: Action,
    reason: String,
    scores: Vec<i64>,
    state: Option<String>,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum Action {
    #[component(name = "offer")]
    Offer(Offer),
    #[component(name = "offer-all")]
    OfferAll(Offers),
    #[component(name = "offer-in-turn")]
    OfferInTurn(Offers),
    #[component(name = "wait")]
    Wait(Wait),
    #[component(name = "widen")]
    Widen(Widen),
    #[component(name = "prioritise")]
    Prioritise(Prioritise),
    #[component(name = "overflow")]
    Overflow(Overflow),
    #[component(name = "refuse")]
    Refuse(Refuse),
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Offer {
    call: String,
    agent: Arc<str>,
    #[component(name = "ring-ms")]
    ring_ms: Option<u64>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Offers {
    call: String,
    agents: Vec<Ring>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Ring {
    agent: Arc<str>,
    #[component(name = "ring-ms")]
    ring_ms: Option<u64>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Wait {
    #[component(name = "at-most-ms")]
    at_most_ms: Option<u64>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Widen {
    call: String,
    needs: Vec<Level>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Prioritise {
    call: String,
    priority: u8,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Overflow {
    call: String,
    to: Target,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Refuse {
    call: String,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum Target {
    #[component(name = "queue")]
    Queue(Arc<str>),
    #[component(name = "flow")]
    Flow(String),
    #[component(name = "number")]
    Number(String),
    #[component(name = "voicemail")]
    Voicemail(String),
}

impl TryFrom<Decision> for routing::Decision {
    type Error = Fault;

    fn try_from(decision: Decision) -> Result<Self, Fault> {
        let id = |text: String| text.parse().map_err(|_| Fault::Answer(format!("`{text}` is no id of a call")));
        let rings = |agents: Vec<Ring>| {
            agents.into_iter().map(|Ring { agent, ring_ms }| routing::Ring { agent: agent.into(), ring_ms }).collect()
        };
        let action = match decision.action {
            Action::Offer(Offer { call, agent, ring_ms }) => {
                routing::Action::Offer { call: id(call)?, agent: agent.into(), ring_ms }
            }
            Action::OfferAll(Offers { call, agents }) => {
                routing::Action::OfferAll { call: id(call)?, agents: rings(agents) }
            }
            Action::OfferInTurn(Offers { call, agents }) => {
                routing::Action::OfferInTurn { call: id(call)?, agents: rings(agents) }
            }
            Action::Wait(Wait { at_most_ms }) => routing::Action::Wait { at_most_ms },
            Action::Widen(Widen { call, needs }) => {
                let needs = Levels::new(needs.into_iter().map(|Level { skill, level }| (skill.into(), level)));
                routing::Action::Widen { call: id(call)?, needs }
            }
            Action::Prioritise(Prioritise { call, priority }) => {
                routing::Action::Prioritise { call: id(call)?, priority }
            }
            Action::Overflow(Overflow { call, to }) => {
                let to = match to {
                    Target::Queue(queue) => routing::Target::Queue(queue.into()),
                    Target::Flow(flow) => routing::Target::Flow(flow),
                    Target::Number(number) => routing::Target::Number(number),
                    Target::Voicemail(mailbox) => routing::Target::Voicemail(mailbox),
                };
                routing::Action::Overflow { call: id(call)?, to }
            }
            Action::Refuse(Refuse { call }) => routing::Action::Refuse { call: id(call)? },
        };
        let Decision { reason, scores, state, .. } = decision;
        Ok(Self { action, reason, scores, state })
    }
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Outcome {
    at: i64,
    queue: Arc<str>,
    call: String,
    agent: Arc<str>,
    happened: Happened,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
pub enum Happened {
    #[component(name = "accepted")]
    Accepted(Rang),
    #[component(name = "declined")]
    Declined(Rang),
    #[component(name = "timed-out")]
    TimedOut(Rang),
    #[component(name = "unreachable")]
    Unreachable(Rang),
    #[component(name = "withdrawn")]
    Withdrawn(Rang),
    #[component(name = "ended")]
    Ended(Ended),
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Rang {
    #[component(name = "rang-ms")]
    rang_ms: u64,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Ended {
    #[component(name = "talk-ms")]
    talk_ms: u64,
    disposition: Option<String>,
}

impl Outcome {
    /// As version 1.0 has it; none if it came later.
    pub fn known(outcome: &routing::Outcome) -> Option<Self> {
        use routing::Happened as H;
        let happened = match &outcome.happened {
            H::Accepted { rang_ms } => Happened::Accepted(Rang { rang_ms: *rang_ms }),
            H::Declined { rang_ms } => Happened::Declined(Rang { rang_ms: *rang_ms }),
            H::TimedOut { rang_ms } => Happened::TimedOut(Rang { rang_ms: *rang_ms }),
            H::Unreachable { rang_ms } => Happened::Unreachable(Rang { rang_ms: *rang_ms }),
            H::Withdrawn { rang_ms } => Happened::Withdrawn(Rang { rang_ms: *rang_ms }),
            H::Ended { talk_ms, disposition } => {
                Happened::Ended(Ended { talk_ms: *talk_ms, disposition: disposition.clone() })
            }
            _ => return None,
        };
        Some(Self {
            at: outcome.at.as_unix_micros(),
            queue: Arc::clone(outcome.queue.shared()),
            call: outcome.call.to_string(),
            agent: Arc::clone(outcome.agent.shared()),
            happened,
        })
    }
}
