//! What must be so at the end of every order: nobody is left in between, and all can take another call.

use std::time::Duration;

use acd::AgentState;
use journal::{Kind, OfferEnded, OfferMade, OfferOutcome};

use super::stage::Order;
use crate::company::Company;
use crate::laws::Breach;
use crate::scenario::{Act, Deed};

/// In this time all are let go, and every rest and wrap-up is over.
const LET_GO: Duration = Duration::from_secs(100);
/// The time for a call to be offered and taken.
const SOON: Duration = Duration::from_secs(2);
/// Longer than anything lingers.
const QUIET: Duration = Duration::from_secs(200);
/// How long the switch has to come to know that a phone is gone that says nothing.
const GIVEN_UP: Duration = Duration::from_secs(40);

impl Order<'_> {
    /// Nothing is under way any more: that is judged; then all callers hang up, and call once more.
    pub fn judge(&mut self) -> Result<(), Vec<Breach>> {
        self.stage().tell(|_| "nothing is under way any more".to_owned());
        Self::or(self.in_between().into_iter().chain(self.forgotten()).chain(self.punished()).collect())?;
        self.world().let_go();
        self.everybody_rests()?;
        self.once_more()?;
        self.world().run(QUIET);
        self.stage().check()?;
        Self::or(self.world().left_behind())
    }

    /// Phones that ring or talk for nobody, agents who do what their phones do not, callers without a call.
    fn in_between(&self) -> Vec<Breach> {
        let law = "what an agent does is what his phone does";
        let agents = self.agents().filter_map(|(at, name)| {
            let phone = self.phone(at).filter(|phone| !phone.placed_its_call())?;
            let state = self.state(name)?;
            let (has_call, took) = (phone.session.is_some(), phone.session == self.took(at));
            let right = match state {
                AgentState::Offered(_) => has_call && !took,
                AgentState::InCall(_) => has_call && took,
                AgentState::Reserved(_) => has_call,
                // An INVITE that was answered by nothing cannot be cancelled yet (RFC 3261 9.1).
                _ => !has_call || self.is_mute(at),
            };
            (!right).then(|| Breach::new(law, &format!("{name} is {state:?}, his phone {:?}", phone.seen)))
        });
        let calls =
            |at: &usize| self.phone(*at).is_some_and(|phone| phone.session.is_some() && phone.placed_its_call());
        let calling = self.phones().filter(calls).count();
        let live = self.world_ref().switch.live_calls();
        let gone = self.phones().filter(|at| self.phone(*at).is_none()).count();
        let right = (calling..=calling + gone).contains(&live);
        let calls = (!right)
            .then(|| Breach::new("a call lives while its caller does", &format!("{live} calls, {calling} call")));
        agents.chain(calls).collect()
    }

    /// Calls that wait though somebody idle could take them to whom they were never offered.
    fn forgotten(&self) -> Vec<Breach> {
        let world = self.world_ref();
        let was_offered = |call, name: &str| {
            let mut offers = world.journal.iter().filter(|event| event.call == Some(call));
            offers.any(|event| matches!(&event.kind, Kind::OfferMade(OfferMade { agent, .. }) if **agent == *name))
        };
        let idle: Vec<&str> =
            self.agents().map(|(_, name)| name).filter(|name| self.state(name) == Some(AgentState::Idle)).collect();
        // Where all are rung, one who rings is no reason for another one not to.
        let offered = |call| {
            !self.crossing.rings_all
                && self.agents().any(|(_, name)| {
                    matches!(self.state(name), Some(AgentState::Offered(_))) && was_offered(call, name)
                })
        };
        let waiting: Vec<_> = self.queued().into_iter().filter(|call| !offered(*call)).collect();
        let is_listed = |name: &str| {
            let mut queues = world.config().queues.iter();
            queues.any(|queue| queue.agents.iter().any(|member| member.agent.as_str() == name))
        };
        let serves = |name: &str| is_listed(name) && self.state(name) != Some(AgentState::LoggedOut);
        if !waiting.is_empty() && !self.agents().any(|(_, name)| serves(name)) {
            return vec![Breach::new("nobody waits in a queue that nobody serves", &format!("{waiting:?}"))];
        }
        let beside = |call| idle.iter().find(|name| !was_offered(call, name)).map(|name| (call, *name));
        let law = "nobody waits beside an idle agent";
        waiting
            .into_iter()
            .filter_map(beside)
            .map(|(call, name)| Breach::new(law, &format!("{call} waits, {name} is idle")))
            .collect()
    }

    /// Agents who rest though they missed nothing.
    fn punished(&self) -> Vec<Breach> {
        let missed = |name: &str| {
            let last = self.world_ref().journal.iter().rev().find_map(|event| match &event.kind {
                Kind::OfferEnded(OfferEnded { agent, outcome, .. }) if **agent == *name => Some(*outcome),
                _ => None,
            });
            use OfferOutcome::{Busy, Declined, NoAnswer, Unreachable};
            matches!(last, Some(Busy | Declined | NoAnswer | Unreachable))
        };
        let resting = self.agents().filter(|(_, name)| self.state(name) == Some(AgentState::Resting));
        let wrongly = resting.filter(|(_, name)| !missed(name));
        wrongly.map(|(_, name)| Breach::new("who missed nothing does not rest", name)).collect()
    }

    /// All callers hang up: all phones are let go, and all agents free.
    fn everybody_rests(&mut self) -> Result<(), Vec<Breach>> {
        self.stage().tell(|_| "all callers hang up".to_owned());
        self.stage().act(&Act::Reload(Company::Whole))?;
        for phone in self.phones() {
            if self.phone(phone).is_some_and(crate::Phone::placed_its_call) {
                self.stage().act(&Act::Phone(phone, Deed::HangUp))?;
            }
        }
        self.world().run(LET_GO);
        self.stage().check()?;
        let held = self.phones().filter(|at| self.phone(*at).is_some_and(|phone| phone.session.is_some()));
        let name = |at: usize| self.crossing.name(at).to_owned();
        let held = held.map(|at| Breach::new("whoever rings or talks for nobody is let go", &name(at)));
        let free = |name: &str| matches!(self.state(name), Some(AgentState::Idle | AgentState::LoggedOut));
        let stuck = self.agents().filter(|(_, name)| !free(name));
        let stuck =
            stuck.map(|(_, name)| Breach::new("no agent is stuck", &format!("{name} is {:?}", self.state(name))));
        Self::or(held.chain(stuck).collect())
    }

    /// As many call again as agents are there: each gets one.
    fn once_more(&mut self) -> Result<(), Vec<Breach>> {
        self.stage().tell(|_| "they call again".to_owned());
        let there: Vec<&str> = self
            .agents()
            .filter(|(at, name)| self.phone(*at).is_some() && self.state(name) == Some(AgentState::Idle))
            .map(|(_, name)| name)
            .collect();
        let agents: Vec<usize> = self.agents().map(|(at, _)| at).collect();
        for at in agents {
            let address = self.address(at);
            if let Some(phone) = self.world().phones.get_mut(&address) {
                phone.reflex = Some(200);
            }
        }
        let callers: Vec<usize> = self.callers().filter(|at| self.phone(*at).is_some()).take(there.len()).collect();
        for caller in &callers {
            self.stage().act(&Act::Phone(*caller, Deed::Call("201".to_owned())))?;
        }
        // A phone that is gone may be tried first.
        let all_are_there = self.agents().all(|(at, _)| self.phone(at).is_some());
        self.world().run(if all_are_there { SOON } else { GIVEN_UP });
        self.stage().check()?;
        let in_call = there.iter().filter(|name| matches!(self.state(name), Some(AgentState::InCall(_)))).count();
        let law = "whoever is free can take a call";
        let what = format!("{} called, {in_call} of {there:?} talk", callers.len());
        Self::or(Vec::from_iter((in_call != callers.len()).then(|| Breach::new(law, &what))))?;
        for caller in callers {
            self.stage().act(&Act::Phone(caller, Deed::HangUp))?;
        }
        self.world().run(LET_GO);
        self.stage().check()
    }

    fn state(&self, agent: &str) -> Option<AgentState> {
        self.world_ref().switch.agent_state(&agent.into())
    }
}
