//! What a scenario expects, and whether it is so.

use acd::AgentState;
use journal::{Cdr, Disposition, Party};

use crate::laws::Breach;
use crate::{Scenario, Seen, World};

/// What must be so. What is not said may be as it likes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// What the owners of phones saw, from the beginning, whole: phones by their place.
    pub seen: Vec<(usize, Vec<Seen>)>,
    /// What agents do, by name and word.
    pub agents: Vec<(String, String)>,
    /// How many calls live.
    pub live: Option<usize>,
    /// The records of all calls, in the order in which they began.
    pub calls: Option<Vec<CallExpected>>,
}

/// What must stand in a call's record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallExpected {
    /// What became of it.
    pub disposition: Option<Disposition>,
    /// Who ended it.
    pub hung_up_by: Option<Party>,
    /// Why.
    pub cause: Option<String>,
    /// With whom it was connected.
    pub agent: Option<String>,
    /// In which queue it was.
    pub queue: Option<String>,
    /// How many offers were made.
    pub offers: Option<u32>,
    /// Whether the switch died in it.
    pub cut: Option<bool>,
}

/// The law that is broken where a scenario's expectation is.
const LAW: &str = "what the scenario expects";

impl Expected {
    /// What is not as it must be.
    pub(crate) fn check(&self, scenario: &Scenario, world: &World) -> Vec<Breach> {
        let mut breaches = Vec::new();
        let mut differs = |what: String| breaches.push(Breach::new(LAW, &what));
        for (phone, expected) in &self.seen {
            let saw = world.phones.get(&scenario.address(*phone)).map(|phone| phone.seen.clone()).unwrap_or_default();
            if saw != *expected {
                let name = scenario.phones.get(*phone).map_or("", |cast| &cast.name);
                differs(format!("{name} saw {}, not {}", words(&saw), words(expected)));
            }
        }
        for (agent, expected) in &self.agents {
            let state = world.switch.agent_state(&agent.as_str().into());
            let word = state.map_or("unknown", state_word);
            if word != expected {
                differs(format!("agent {agent} is {word}, not {expected}"));
            }
        }
        let live = world.switch.live_calls();
        if self.live.is_some_and(|expected| expected != live) {
            differs(format!("{live} calls live"));
        }
        let mut cdrs: Vec<&Cdr> = world.cdrs.iter().collect();
        cdrs.sort_by_key(|cdr| cdr.call);
        for (at, expected) in self.calls.iter().flatten().enumerate() {
            match cdrs.get(at) {
                Some(cdr) if expected.fits(cdr) => {}
                Some(cdr) => differs(format!("call {} was {}, not {expected}", at + 1, CallExpected::of(cdr))),
                None => differs(format!("there is no call {}", at + 1)),
            }
        }
        if self.calls.as_ref().is_some_and(|expected| expected.len() < cdrs.len()) {
            differs(format!("{} calls were recorded", cdrs.len()));
        }
        breaches
    }
}

impl CallExpected {
    /// All that can be expected of a call, as its record has it.
    fn of(cdr: &Cdr) -> Self {
        Self {
            disposition: Some(cdr.disposition),
            hung_up_by: cdr.hung_up_by,
            cause: Some(cdr.cause.to_string()),
            agent: cdr.agent.as_deref().map(str::to_owned),
            queue: cdr.queue.as_deref().map(str::to_owned),
            offers: Some(cdr.offers),
            cut: Some(cdr.cut),
        }
    }

    fn fits(&self, cdr: &Cdr) -> bool {
        let is = Self::of(cdr);
        (self.disposition.is_none() || self.disposition == is.disposition)
            && (self.hung_up_by.is_none() || self.hung_up_by == is.hung_up_by)
            && (self.cause.is_none() || self.cause == is.cause)
            && (self.agent.is_none() || self.agent == is.agent)
            && (self.queue.is_none() || self.queue == is.queue)
            && (self.offers.is_none() || self.offers == is.offers)
            && (self.cut.is_none() || self.cut == is.cut)
    }
}

/// The words of what became of a call, as in its record.
pub(super) const DISPOSITIONS: [(&str, Disposition); 5] = [
    ("answered", Disposition::Answered),
    ("abandoned", Disposition::Abandoned),
    ("self_served", Disposition::SelfServed),
    ("cancelled", Disposition::Cancelled),
    ("refused", Disposition::Refused),
];

/// The words of who ended a call.
pub(super) const PARTIES: [(&str, Party); 3] =
    [("caller", Party::Caller), ("agent", Party::Agent), ("system", Party::System)];

/// The words of what agents do.
pub(super) const STATES: [&str; 8] =
    ["logged_out", "on_break", "idle", "offered", "in_call", "reserved", "wrap_up", "resting"];

fn state_word(state: AgentState) -> &'static str {
    let [logged_out, on_break, idle, offered, in_call, reserved, wrap_up, resting] = STATES;
    match state {
        AgentState::LoggedOut => logged_out,
        AgentState::OnBreak => on_break,
        AgentState::Idle => idle,
        AgentState::Offered(_) => offered,
        AgentState::InCall(_) => in_call,
        AgentState::Reserved(_) => reserved,
        AgentState::WrapUp => wrap_up,
        AgentState::Resting => resting,
    }
}

fn words(seen: &[Seen]) -> String {
    let words: Vec<String> = seen.iter().map(ToString::to_string).collect();
    format!("[{}]", words.join(", "))
}
