//! What an operator sees of agents, and has them do.

use std::sync::Arc;

use acd::{AgentFigures, AgentName, AgentState};
use base::{CallId, Mono, Now, Pii, Wall};
use journal::{AgentStatus, StatusBy};
use serde::{Deserialize, Serialize};

use crate::control::{MAX_PAGE, Response, shorten};
use crate::duty::{NotSaid, Saying, words};
use crate::switch::Switch;

/// Some of the agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentPage {
    /// How many there are in all.
    pub total: usize,
    /// The agents of this page.
    pub agents: Vec<AgentLine>,
    /// Where the next page begins ([`crate::control::Request::Agents`] › `after`); `None` if this is the last.
    pub next: Option<Arc<str>>,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentLine {
    /// His name as a user.
    pub agent: Arc<str>,
    /// His name for people; empty if he has none.
    #[serde(default)]
    pub display: String,
    /// What he says of himself.
    pub status: AgentStatus,
    /// Why he is on a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// Since when, in microseconds since 1970.
    pub status_since: Wall,
    /// What he does: `logged_out`, `on_break`, `idle`, `offered`, `in_call`, `reserved`, `wrap_up`, `resting`.
    pub state: Arc<str>,
    /// Since when, in microseconds since 1970.
    pub state_since: Wall,
    /// The call that he has, is offered or is held for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// The number of its caller as signalled; empty if withheld, or without a call.
    #[serde(default, with = "base::revealed")]
    pub caller: Pii<String>,
    /// The queues that he serves.
    pub queues: Vec<Arc<str>>,
    /// Calls of queues that he answered on this day of the company's time zone, as far as the switch ran.
    pub calls_today: u32,
}

impl Switch {
    /// What an agent is doing.
    #[must_use]
    pub fn agent_state(&self, agent: &AgentName) -> Option<AgentState> {
        self.acd.agent_state(agent)
    }

    /// A page of agents.
    pub(crate) fn agent_page(&mut self, now: Now, after: Option<Arc<str>>, limit: u16) -> AgentPage {
        let limit = usize::from(if (1..=MAX_PAGE).contains(&limit) { limit } else { MAX_PAGE });
        self.begin_day_if_new(now);
        let (page, more) = self.acd.agents(after.map(AgentName::from).as_ref(), limit);
        let agents: Vec<AgentLine> = page.into_iter().map(|agent| self.agent_line(now, agent)).collect();
        let next = agents.last().filter(|_| more).map(|last| last.agent.clone());
        AgentPage { total: self.acd.agent_count(), agents, next }
    }

    /// An operator has an agent come, go, pause, take calls again, or says something of his last call.
    pub(crate) fn order_agent(&mut self, now: Now, agent: Arc<str>, saying: &Saying, by: &str) -> Response {
        self.begin_day_if_new(now);
        let agent = AgentName::from(agent);
        let outcome = self.say_duty(now, &agent, saying, StatusBy::Operator, by);
        self.settle(now);
        match (outcome, self.acd.agent(&agent)) {
            (Ok(()), Some(found)) => Response::Agent(self.agent_line(now, found)),
            (Err(NotSaid::NoSuchReason), _) => {
                Response::NoSuchReason { known: self.config.duties.breaks.keys().cloned().collect() }
            }
            (Err(NotSaid::NoSuchDisposition), _) => {
                Response::NoSuchDisposition { known: self.config.duties.dispositions.keys().cloned().collect() }
            }
            (Err(why), _) => Response::NotSaid { why },
            (Ok(()), None) => Response::NotSaid { why: NotSaid::NoSuchAgent },
        }
    }

    fn agent_line(&self, now: Now, agent: AgentFigures) -> AgentLine {
        let AgentFigures { name, status, status_since, state, state_since, call, queues, calls_today } = agent;
        let said = self.duty.since(name.as_str(), &status);
        let (status, reason) = words(&status);
        let user = self.config.users.get(name.as_str());
        let caller = call.and_then(|call| self.calls.get(&call)).map(|call| shorten(call.number.reveal()));
        AgentLine {
            display: user.and_then(|user| user.display.clone()).unwrap_or_default(),
            status,
            reason,
            status_since: said.unwrap_or_else(|| at(now, status_since)),
            state: state_word(state).into(),
            state_since: at(now, state_since),
            call,
            caller: Pii::new(caller.unwrap_or_default()),
            queues: queues.iter().map(|queue| queue.shared().clone()).collect(),
            calls_today,
            agent: name.shared().clone(),
        }
    }
}

/// A moment of the monotonic clock on the wall clock as it stands now.
fn at(now: Now, moment: Mono) -> Wall {
    let ago = i64::try_from(now.monotonic.since(moment).as_micros()).unwrap_or(i64::MAX);
    Wall::from_unix_micros(now.wall.as_unix_micros().saturating_sub(ago))
}

const fn state_word(state: AgentState) -> &'static str {
    match state {
        AgentState::LoggedOut => "logged_out",
        AgentState::OnBreak => "on_break",
        AgentState::Idle => "idle",
        AgentState::Offered(_) => "offered",
        AgentState::InCall(_) => "in_call",
        AgentState::Reserved(_) => "reserved",
        AgentState::WrapUp => "wrap_up",
        AgentState::Resting => "resting",
    }
}
