//! What agents say of themselves: by their phones, by operators, by registering; kept over a restart.
//!
//! An agent whose phone registers is logged out while none of his phones is in reach. Else he is what was said of him last, and
//! without that what is usual: available, or logged out where agents log in by a code. So a break outlives a phone that is
//! lost for a while, a restart and a reload. Who takes his registration back has gone: nothing is said of him any more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use acd::{AgentName, OfferFailure, Status};
use base::{Now, Wall};
use journal::{AgentSaid, AgentStatus, Kind, Name, StatusBy, StatusChanged};
use serde::{Deserialize, Serialize};

use crate::switch::Switch;
use crate::{Codes, Config, LanguageName, UserName};

/// How agents log in and why they may pause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duties {
    /// The reasons for breaks, each with the number by which a phone names it.
    pub breaks: BTreeMap<Arc<str>, u32>,
    /// What may come of calls, each with the number by which a phone names it.
    pub dispositions: BTreeMap<Arc<str>, u32>,
    /// How they log in.
    pub login: Login,
    /// What they dial for it.
    pub codes: Codes,
    /// What users hear who dial a code, if it is not the usual language.
    pub languages: BTreeMap<UserName, LanguageName>,
}

/// How agents log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// By registering; who has a phone at a fixed place is logged in from the start.
    #[default]
    Registration,
    /// By a code on the phone, or by an operator.
    Code,
}

/// What is said of an agent: what is to become of his status, or of his last call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Saying {
    /// He comes.
    Login,
    /// He goes.
    Logout,
    /// He takes no calls for a while.
    Pause {
        /// Why, by the code of the configuration.
        reason: Arc<str>,
    },
    /// He takes calls again.
    Ready,
    /// He is done with what follows his call.
    EndWrapUp,
    /// He needs more time for it.
    ExtendWrapUp,
    /// This came of his call.
    Disposition {
        /// By the code of the configuration.
        code: Arc<str>,
    },
}

/// Why it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NotSaid {
    /// No such agent.
    #[error("there is no such agent")]
    NoSuchAgent,
    /// No such reason.
    #[error("there is no such reason")]
    NoSuchReason,
    /// He is logged out, and must come first.
    #[error("he is logged out, and has to log in first")]
    LoggedOut,
    /// Nothing of that name comes of calls.
    #[error("there is no such disposition")]
    NoSuchDisposition,
    /// He has no call of a queue, nor did one just end.
    #[error("he has no call from a queue, and none has just ended")]
    NoCall,
    /// No call of his has just ended.
    #[error("he is in no wrap-up")]
    NoWrapUp,
    /// His wrap-up is as long as his queue allows.
    #[error("his wrap-up lasts as long already as his queue allows")]
    Longest,
    /// None of his phones is registered, so that no call could reach him.
    #[error("none of his phones is registered")]
    OutOfReach,
}

/// What was said last.
#[derive(Clone, Debug)]
struct Said {
    status: Status,
    at: Wall,
}

/// What was said of all agents.
#[derive(Debug, Default)]
pub(crate) struct Duty {
    said: BTreeMap<UserName, Said>,
    /// What is still to be kept.
    changes: VecDeque<AgentSaid>,
}

impl Duty {
    fn note(&mut self, at: Wall, agent: &UserName, status: Option<Status>) {
        let kept = status.as_ref().map(words);
        match status {
            Some(status) => drop(self.said.insert(agent.clone(), Said { status, at })),
            None if self.said.remove(agent).is_none() => return,
            None => {}
        }
        let (status, reason) = kept.map_or((None, None), |(status, reason)| (Some(status), reason));
        self.changes.push_back(AgentSaid { agent: agent.clone(), status, reason, at });
    }

    /// Since when an agent is what he is, if that was said of him.
    pub fn since(&self, agent: &str, status: &Status) -> Option<Wall> {
        self.said.get(agent).filter(|said| said.status == *status).map(|said| said.at)
    }
}

/// A status as the journal has it.
pub(crate) fn words(status: &Status) -> (AgentStatus, Option<Name>) {
    match status {
        Status::Available => (AgentStatus::Available, None),
        Status::Break { reason } => (AgentStatus::Break, Some(reason.clone())),
        Status::LoggedOut => (AgentStatus::LoggedOut, None),
    }
}

impl Switch {
    /// What an agent is by all that is known.
    pub(crate) fn duty_of(&self, config: &Config, agent: &str) -> Status {
        if config.registers(agent) && !self.desk.registrar.is_in_reach(agent) {
            return Status::LoggedOut;
        }
        let usual = match config.duties.login {
            Login::Registration => Status::Available,
            Login::Code => Status::LoggedOut,
        };
        self.duty.said.get(agent).map_or(usual, |said| said.status.clone())
    }

    /// Something changed of which an agent's status may hang.
    pub(crate) fn renew_duty(&mut self, now: Now, agent: &AgentName, by: StatusBy, who: &str) {
        let status = self.duty_of(&self.config, agent.as_str());
        let told = words(&status);
        if self.acd.set_status(now, agent, status) {
            self.tell_status(now, agent, told, by, who);
        }
    }

    fn tell_status(
        &mut self,
        now: Now,
        agent: &AgentName,
        (status, reason): (AgentStatus, Option<Name>),
        by: StatusBy,
        who: &str,
    ) {
        let agent = agent.shared().clone();
        self.book
            .write_system(now, Kind::AgentStatus(StatusChanged { agent, status, reason, by, who: who.to_owned() }));
    }

    /// Everybody is what is usual for him; it is told of those who are not logged out.
    pub(crate) fn begin_duties(&mut self, now: Now) {
        for agent in self.config.clone().agents.iter().map(|agent| &agent.name) {
            let status = self.duty_of(&self.config, agent.as_str());
            if status != Status::LoggedOut {
                self.tell_status(now, agent, words(&status), StatusBy::Start, "");
            }
            self.acd.set_status(now, agent, status);
        }
    }

    /// A day began: who is there is told again, so that its journal can be read by itself.
    pub(crate) fn tell_duties(&mut self, now: Now) {
        for agent in self.config.clone().agents.iter().map(|agent| &agent.name) {
            let Some(status) = self.acd.agent_status(agent).filter(|status| **status != Status::LoggedOut) else {
                continue;
            };
            let told = words(status);
            self.tell_status(now, agent, told, StatusBy::Day, "");
        }
    }

    /// The time after a call began for an agent, or is over.
    pub(crate) fn tell_wrap_up(&mut self, now: Now, agent: &AgentName, began: bool) {
        let agent = agent.shared().clone();
        let kind = if began { Kind::WrapUpBegan { agent } } else { Kind::WrapUpEnded { agent } };
        self.book.write_system(now, kind);
    }

    /// Tells what another configuration has made of agents, who were this before.
    pub(crate) fn tell_new_duties(&mut self, now: Now, before: &BTreeMap<AgentName, Status>) {
        let agents: Vec<AgentName> = self.config.agents.iter().map(|agent| agent.name.clone()).collect();
        for agent in &agents {
            let Some(status) = self.acd.agent_status(agent) else { continue };
            if before.get(agent).unwrap_or(&Status::LoggedOut) != status {
                let told = words(status);
                self.tell_status(now, agent, told, StatusBy::Configuration, "");
            }
        }
        for agent in before.keys().filter(|agent| !agents.contains(agent)) {
            if before.get(agent) != Some(&Status::LoggedOut) {
                self.tell_status(now, agent, (AgentStatus::LoggedOut, None), StatusBy::Configuration, "");
            }
        }
    }

    /// A user has taken back his last registration: he is gone.
    pub(crate) fn forget_duty(&mut self, now: Now, agent: &UserName) {
        self.duty.note(now.wall, agent, None);
    }

    /// Somebody says what an agent is from now on.
    pub(crate) fn say_duty(
        &mut self,
        now: Now,
        agent: &AgentName,
        saying: &Saying,
        by: StatusBy,
        who: &str,
    ) -> Result<(), NotSaid> {
        let Some(present) = self.acd.agent_status(agent).cloned() else { return Err(NotSaid::NoSuchAgent) };
        let out = present == Status::LoggedOut;
        let out_of_reach = self.config.registers(agent.as_str()) && !self.desk.registrar.is_in_reach(agent.as_str());
        let status = match saying {
            Saying::Pause { reason } if !self.config.duties.breaks.contains_key(reason) => {
                return Err(NotSaid::NoSuchReason);
            }
            Saying::Login if out && out_of_reach => return Err(NotSaid::OutOfReach),
            Saying::Pause { .. } | Saying::Ready if out => return Err(NotSaid::LoggedOut),
            // Who is there already stays what he is.
            Saying::Login if !out => return Ok(()),
            Saying::Login | Saying::Ready => Status::Available,
            Saying::Logout => Status::LoggedOut,
            Saying::Pause { reason } => Status::Break { reason: reason.clone() },
            Saying::EndWrapUp => return Ok(self.acd.end_wrap_up(now, agent)?),
            Saying::ExtendWrapUp => return Ok(self.acd.extend_wrap_up(now, agent).map(drop)?),
            Saying::Disposition { code } => return self.dispose(now, agent, code, by, who),
        };
        if *saying == Saying::Ready {
            self.acd.forgive(agent);
        }
        if present != status {
            self.duty.note(now.wall, agent.shared(), Some(status));
            self.renew_duty(now, agent, by, who);
        }
        Ok(())
    }

    /// An agent did not take so many offers that he is on a break.
    pub(crate) fn paused_for(&mut self, now: Now, agent: &AgentName, failure: OfferFailure) {
        let status = Status::Break { reason: failure.reason().into() };
        // He may be something else again before this is told.
        if self.acd.agent_status(agent) == Some(&status) {
            let told = words(&status);
            self.duty.note(now.wall, agent.shared(), Some(status));
            self.tell_status(now, agent, told, StatusBy::Automatic, "");
        }
    }

    /// Takes over what [`Switch::poll_said`] gave before a restart. To be called at the start, before [`Switch::restore`].
    pub fn restore_agents(&mut self, now: Now, left: Vec<AgentSaid>) {
        for AgentSaid { agent, status, reason, at } in left {
            let status = match (status, reason) {
                (Some(AgentStatus::Available), _) => Status::Available,
                (Some(AgentStatus::Break), Some(reason)) => Status::Break { reason },
                (Some(AgentStatus::LoggedOut), _) => Status::LoggedOut,
                (Some(AgentStatus::Break) | None, _) => continue,
            };
            self.duty.said.insert(agent.clone(), Said { status, at });
            self.renew_duty(now, &agent.into(), StatusBy::Start, "");
        }
        self.settle(now);
    }

    /// The next word on an agent, to be kept for [`Switch::restore_agents`].
    pub fn poll_said(&mut self) -> Option<AgentSaid> {
        self.duty.changes.pop_front()
    }
}
