//! What must be true after every input; checked whole, so for tests and reconciliation, not for each event.

use std::collections::BTreeSet;

use base::{CallId, Mono, Now};
use routing::Exclusions;

use crate::decide::Subject;
use crate::floor::{Agent, AgentIx, Held, LeaseKind, QueueIx, Standing};
use crate::machine::Acd;
use crate::queue::{self, Entry, Queue, Stage};
use crate::{Excess, Overflow, Status};

/// Fails with the words given unless the condition holds.
macro_rules! holds {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err(format!($($words)+));
        }
    };
}

/// What there is of a queue.
#[derive(Debug, Default)]
struct Found {
    agents: usize,
    idle: usize,
    excluded: Exclusions,
    logged_in: u32,
    working: u32,
    waiting: usize,
    offered: usize,
    asking: usize,
}

impl Acd {
    /// Checks that each agent, call and queue agrees with all others, that whatever is temporary has an end in the
    /// future, and that no call waits while somebody idle could take it. To be called after [`Self::handle_timeout`]
    /// for `now`; takes time in proportion to everything there is.
    ///
    /// # Errors
    /// The first thing found that is not so, in words.
    pub fn check_invariants(&self, now: Now) -> Result<(), String> {
        for (ix, agent) in self.floor.agents.iter().enumerate() {
            self.check_agent(ix, agent, now.monotonic)?;
        }
        let mut calls: Vec<_> = self.calls.iter().collect();
        calls.sort_unstable_by_key(|(id, _)| **id);
        for (id, entry) in &calls {
            self.check_call(**id, entry, now.monotonic)?;
        }
        for ((ix, queue), found) in self.floor.queues.iter().enumerate().zip(self.found()) {
            self.check_queue(ix, queue, &found)?;
            self.check_nobody_is_forgotten(queue)?;
        }
        let holding = self.floor.agents.iter().filter(|agent| matches!(agent.held, Some(Held::Offer(_)))).count();
        holds!(self.offers.len() == holding, "{} offers but {holding} agents with one", self.offers.len());
        self.check_timers(&calls)
    }

    fn check_agent(&self, ix: AgentIx, agent: &Agent, now: Mono) -> Result<(), String> {
        let name = &agent.name;
        match &agent.held {
            Some(Held::Offer(offer)) => {
                holds!(self.offers.get(&offer.id) == Some(&ix), "{name}'s offer is not his");
                holds!(offer.ring.at() > now, "{name}'s offer outlives its ring time");
                let stage = self.calls.get(&offer.call).map(|entry| entry.stage);
                let his = self.calls.get(&offer.call).is_some_and(|entry| entry.ringing.contains(&ix));
                holds!(stage == Some(Stage::Offered) && his, "{name} is offered a call that is {stage:?}");
            }
            Some(Held::Call { call, .. }) => {
                let stage = self.calls.get(call).map(|entry| entry.stage);
                holds!(stage == Some(Stage::Connected(ix)), "{name} speaks with a call that is {stage:?}");
            }
            Some(Held::LettingGo { end, .. }) => holds!(end.at() > now, "{name}'s phone is not let go"),
            Some(Held::Reserved(_)) | None => {}
        }
        let nothing = agent.queues.is_empty() && agent.lease.is_none() && agent.ask.is_none() && agent.wake.is_none();
        holds!(agent.listed || nothing, "{name} is configured no more and waits for something");
        if let Some(lease) = &agent.lease {
            holds!(lease.timer.at() > now, "{name}'s {:?} does not end", lease.kind);
            if let LeaseKind::WrapUp(after) = lease.kind {
                holds!(lease.timer.at() <= after.longest, "{name}'s wrap-up lasts longer than it may");
            }
        }
        if let Some(id) = agent.ask {
            holds!(self.asks.contains_key(&id), "the decision about {name} is not under way");
            holds!(agent.standing() == Standing::Undecided, "a decision is sought for {name}, who is not idle");
        }
        Ok(())
    }

    fn check_call(&self, id: CallId, entry: &Entry, now: Mono) -> Result<(), String> {
        let Some(queue) = self.floor.queue(entry.queue) else { return Err(format!("{id} is in no queue")) };
        let waits = queue.line.all.get(&entry.place) == Some(&id);
        let open = queue.line.open.get(&entry.place) == Some(&id);
        holds!(open == (entry.stage == Stage::Offered && entry.open), "{id} is open for more agents by half");
        let rings = entry.stage == Stage::Offered;
        holds!(rings != entry.ringing.is_empty(), "{id} is {:?} and rings {:?}", entry.stage, entry.ringing);
        holds!(rings || entry.turns.is_empty(), "{id} is not offered, and who is next is known");
        holds!(entry.widen.is_none_or(|token| token.at() > now), "{id} needs more than it should");
        match entry.stage {
            Stage::Waiting(ask) => {
                holds!(waits, "{id} waits but is not in line");
                holds!(ask.is_none_or(|ask| self.asks.contains_key(&ask)), "the decision about {id} is not under way");
                let max = entry.max_wait.is_none_or(|token| token.at() > now);
                holds!(max, "{id} waits longer than it may");
                let waited = |rule: &Overflow| matches!(rule.when, Excess::Waited(_));
                let goes_on = queue.config.overflow.iter().any(waited);
                let looked_at = entry.overflow.is_some_and(|token| token.at() > now) || !goes_on;
                holds!(looked_at, "{id} should go on to another queue and does not");
                let retry = entry.next_retry(now);
                let woken = retry.is_none_or(|at| entry.wake.is_some_and(|wake| wake.at() <= at));
                holds!(woken, "{id} is not looked after when its retry delay is over");
            }
            Stage::Offered => {
                holds!(!waits, "{id} is offered and waits");
                for (number, agent) in entry.ringing.iter().enumerate() {
                    let held = self.floor.agent(*agent).and_then(|agent| agent.held.as_ref());
                    let his = matches!(held, Some(Held::Offer(offer)) if offer.call == id);
                    holds!(his, "{id} is offered to one who does not know");
                    holds!(!entry.ringing.iter().take(number).any(|other| other == agent), "{id} rings one twice");
                }
            }
            Stage::Connected(agent) => {
                holds!(!waits, "{id} is connected and waits");
                let held = self.floor.agent(agent).and_then(|agent| agent.held.as_ref());
                let his = matches!(held, Some(Held::Call { call, .. }) if *call == id);
                holds!(his, "{id} is with one who does not know");
            }
        }
        Ok(())
    }

    /// What there is of each queue, by looking once at everybody.
    fn found(&self) -> Vec<Found> {
        let mut found: Vec<Found> = self.floor.queues.iter().map(|_| Found::default()).collect();
        for agent in &self.floor.agents {
            for his in &agent.queues {
                let Some(found) = found.get_mut(his.queue) else { continue };
                found.agents += 1;
                found.logged_in += u32::from(agent.status != Status::LoggedOut);
                found.working += u32::from(agent.status == Status::Available);
                match queue::counter(&mut found.excluded, agent.standing()) {
                    Some(counter) => *counter += 1,
                    None => found.idle += 1,
                }
            }
        }
        let mut count = |entry: &Entry| {
            let Some(found) = found.get_mut(entry.queue) else { return };
            match entry.stage {
                Stage::Waiting(ask) => {
                    found.waiting += 1;
                    found.asking += usize::from(ask.is_some());
                }
                Stage::Offered => found.offered += 1,
                Stage::Connected(_) => {}
            }
        };
        // Counting comes to the same in any order.
        self.calls.values().for_each(&mut count);
        found
    }

    /// The queue's indexes are what one would find by looking at everybody.
    fn check_queue(&self, ix: QueueIx, queue: &Queue, found: &Found) -> Result<(), String> {
        let name = &queue.config.name;
        holds!(queue.excluded == found.excluded, "{name} counts {:?}, there are {:?}", queue.excluded, found.excluded);
        holds!(queue.idle.len() == found.idle, "{name} has other idle agents than it knows");
        for (rank, agent) in &queue.idle {
            let right = self.floor.agent(*agent).and_then(|agent| Some(queue.rank(agent, agent.membership(ix)?)));
            holds!(right == Some(*rank), "{name} has an agent at a wrong place");
        }
        for (skill, pool) in &queue.skilled {
            let having = |ix: &&AgentIx| self.floor.agent(**ix).is_some_and(|agent| agent.skills.of(skill).is_some());
            let found: BTreeSet<_> = queue.idle.values().filter(having).collect();
            holds!(found == pool.values().collect(), "{name} does not know who has {skill}");
        }
        holds!(queue.line.is_sound(), "the line of {name} is not what it was");
        holds!(queue.logged_in == found.logged_in, "{name} counts {} logged in", queue.logged_in);
        holds!(queue.working == found.working, "{name} counts {} at work", queue.working);
        let turned_out = queue.turns_out();
        holds!(turned_out.is_none() || queue.line.all.is_empty(), "in {name} calls wait though {turned_out:?}");
        let listed = self.floor.listed.contains(&ix);
        holds!(listed || found.agents == 0, "{name} is configured no more and has agents");
        let &Found { waiting, offered, asking, .. } = found;
        holds!(queue.line.all.len() == waiting, "{name} has {} in line, {waiting} wait", queue.line.all.len());
        holds!(queue.length == waiting + offered, "{name} counts {} calls", queue.length);
        holds!(queue.asking == asking, "{name} counts {} decisions, {asking} are under way", queue.asking);
        let due = queue.due.iter().all(|(place, call)| queue.line.all.get(place) == Some(call));
        holds!(due, "{name} looks for agents for a call that does not wait");
        Ok(())
    }

    /// Without a decision under way, no call waits beside an idle agent unless something is set to bring them together.
    fn check_nobody_is_forgotten(&self, queue: &Queue) -> Result<(), String> {
        let name = &queue.config.name;
        if queue.asking > 0 || queue.excluded.undecided > 0 {
            return Ok(());
        }
        holds!(queue.due.is_empty() || queue.idle.is_empty(), "{name} has calls to look after and does not");
        let idle = queue.idle.values().filter_map(|ix| self.floor.agent(*ix));
        for agent in idle.filter(|agent| agent.wake.is_none()) {
            let calls = queue.line.all.values().filter_map(|id| Some((id, self.calls.get(id)?)));
            let mut fitting = calls.filter(|(_, entry)| agent.skills.meet(&entry.needs));
            let forgotten = fitting.find(|(_, entry)| entry.wake.is_none());
            let agent = &agent.name;
            holds!(forgotten.is_none(), "{name}: {:?} waits though {agent} is idle", forgotten.map(|(id, _)| id));
        }
        Ok(())
    }

    /// Each timer belongs to something that is there.
    fn check_timers(&self, calls: &[(&CallId, &Entry)]) -> Result<(), String> {
        let of_calls =
            calls.iter().map(|(_, e)| [e.max_wait, e.overflow, e.wake, e.widen].into_iter().flatten().count());
        let agents = self.floor.agents.iter();
        let of_agents = agents.map(|agent| usize::from(agent.lease.is_some()) + usize::from(agent.wake.is_some()));
        let letting_go = self.floor.agents.iter().filter(|agent| matches!(agent.held, Some(Held::LettingGo { .. })));
        let known = self.offers.len()
            + self.asks.len()
            + letting_go.count()
            + of_calls.sum::<usize>()
            + of_agents.sum::<usize>();
        holds!(self.timers.len() == known, "{} timers are set, {known} are known", self.timers.len());
        let about_agents = self.asks.values().filter(|ask| matches!(ask.subject, Subject::Agent(_))).count();
        let agents = self.floor.agents.iter().filter(|agent| agent.ask.is_some()).count();
        holds!(about_agents == agents, "{about_agents} decisions about agents, {agents} agents know of one");
        Ok(())
    }
}
