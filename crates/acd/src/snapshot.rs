//! Snapshots of the moment, for decisions. Their cost grows with [`MAX_CANDIDATES`], not with agents or calls.

use base::{CallId, DecisionId, Mono, Now};
use routing::{Call, Candidate, Exclusions, MAX_CANDIDATES, Question, Snapshot, VERSION};

use crate::decide::Subject;
use crate::floor::{Agent, AgentIx, QueueIx};
use crate::machine::Acd;
use crate::queue::{Entry, Place, Queue, Stage};

pub(crate) fn millis(from: Mono, to: Mono) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

impl Acd {
    /// What is known of the moment for a decision about `subject`; none if there is nothing to choose from. With it the
    /// queue that asks.
    pub(crate) fn snapshot(&self, now: Now, id: DecisionId, subject: Subject) -> Option<(QueueIx, Snapshot)> {
        let (queue_ix, question, tried, taken) = match subject {
            Subject::Call(call) => self.agents_for(now, call)?,
            Subject::Agent(agent) => self.calls_for(now, agent)?,
        };
        let queue = self.floor.queue(queue_ix)?;
        let idle = u32::try_from(queue.idle.len()).unwrap_or(u32::MAX);
        let surplus = idle.saturating_sub(tried).saturating_sub(taken);
        let excluded = Exclusions { tried, surplus, ..queue.excluded };
        let snapshot = Snapshot {
            version: VERSION,
            id,
            epoch: self.epoch(subject, queue_ix),
            at: now.wall,
            queue: describe(queue, excluded, now),
            question,
        };
        Some((queue_ix, snapshot))
    }

    /// Counts the changes that could let a decision about `subject` come out differently.
    pub(crate) fn epoch(&self, subject: Subject, queue: QueueIx) -> u64 {
        match subject {
            Subject::Call(_) => self.floor.queue(queue).map(|queue| queue.epoch).unwrap_or_default(),
            Subject::Agent(agent) => self.floor.agent_epoch(agent),
        }
    }

    /// Agent surplus: the best idle agents for a waiting call, and how many were passed over and taken.
    fn agents_for(&self, now: Now, id: CallId) -> Option<(QueueIx, Question, u32, u32)> {
        let entry = self.calls.get(&id)?;
        let queue = self.floor.queue(entry.queue)?;
        let (mut tried, mut candidates) = (0, Vec::new());
        for &agent in queue.idle.values() {
            if candidates.len() == MAX_CANDIDATES {
                break;
            }
            if entry.was_tried(agent, now.monotonic) {
                tried += 1;
            } else if let Some(agent) = self.floor.agent(agent) {
                candidates.push(candidate(agent, now));
            }
        }
        let taken = u32::try_from(candidates.len()).ok().filter(|&taken| taken > 0)?;
        let call = self.describe_call(id, entry, now)?;
        Some((entry.queue, Question::Agent { call, candidates }, tried, taken))
    }

    /// Call surplus: the calls of all his queues that an idle agent could take, the first in front.
    fn calls_for(&self, now: Now, ix: AgentIx) -> Option<(QueueIx, Question, u32, u32)> {
        let agent = self.floor.agent(ix)?;
        let mut open: Vec<(Place, CallId, &Entry)> = Vec::new();
        for queue in agent.queues.iter().filter_map(|(queue, _)| self.floor.queue(*queue)) {
            let entries = queue.waiting.iter().filter_map(|(place, id)| Some((*place, *id, self.calls.get(id)?)));
            let free = entries.filter(|(_, _, entry)| entry.stage == Stage::Waiting(None));
            open.extend(free.filter(|(_, _, entry)| !entry.was_tried(ix, now.monotonic)).take(MAX_CANDIDATES));
        }
        open.sort_unstable_by_key(|(place, ..)| *place);
        open.truncate(MAX_CANDIDATES);
        let queue = open.first().map(|(_, _, entry)| entry.queue)?;
        let calls = open.iter().filter_map(|(_, id, entry)| self.describe_call(*id, entry, now)).collect();
        Some((queue, Question::Call { agent: candidate(agent, now), calls }, 0, 1))
    }

    fn describe_call(&self, id: CallId, entry: &Entry, now: Now) -> Option<Call> {
        Some(Call {
            id,
            queue: self.floor.queue(entry.queue)?.config.name.clone(),
            caller: entry.caller.number.clone(),
            dialled: entry.caller.dialled.clone(),
            diverted_from: entry.caller.diverted_from.clone(),
            waited_ms: millis(entry.place.joined, now.monotonic),
            offers: entry.offers,
        })
    }
}

fn describe(queue: &Queue, excluded: Exclusions, now: Now) -> routing::Queue {
    let longest = queue.waiting.first_key_value();
    routing::Queue {
        name: queue.config.name.clone(),
        waiting: u32::try_from(queue.waiting.len()).unwrap_or(u32::MAX),
        longest_wait_ms: longest.map(|(place, _)| millis(place.joined, now.monotonic)).unwrap_or_default(),
        excluded,
        ring_ms: u64::try_from(queue.config.ring_time.as_millis()).unwrap_or(u64::MAX),
    }
}

fn candidate(agent: &Agent, now: Now) -> Candidate {
    let idle_ms = millis(agent.idle_since, now.monotonic);
    Candidate { agent: agent.name.clone(), idle_ms, calls: agent.answered }
}
