//! Snapshots of the moment, for decisions. Their cost grows with [`MAX_CANDIDATES`], with the sets of needs of those who
//! wait and with the queues of one agent; not with agents or calls.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use base::{CallId, DecisionId, Mono, Now};
use routing::{
    AgentName, Call, Candidate, Exclusions, LastAgent, MAX_CANDIDATES, Presence, Question, QueueName, Service,
    Snapshot, VERSION,
};

use crate::decide::Subject;
use crate::floor::{Agent, AgentIx, Membership, QueueIx, Standing};
use crate::line::Place;
use crate::machine::Acd;
use crate::queue::{Entry, Queue};

pub(crate) fn millis(from: Mono, to: Mono) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

/// What there is to choose from, and of the idle agents of the queue that asks those who are not among it.
struct Choosing {
    queue: QueueIx,
    question: Question,
    tried: u32,
    unskilled: u32,
    taken: u32,
}

impl Acd {
    /// What is known of the moment for a decision about `subject`; none if there is nothing to choose from. With it the
    /// queue that asks.
    pub(crate) fn snapshot(&self, now: Now, id: DecisionId, subject: Subject) -> Option<(QueueIx, Snapshot)> {
        let Choosing { queue: queue_ix, question, tried, unskilled, taken } = match subject {
            Subject::Call(call) => self.agents_for(now, call)?,
            Subject::Agent(agent) => self.calls_for(now, agent)?,
        };
        let queue = self.floor.queue(queue_ix)?;
        let surplus = count(queue.idle.len()).saturating_sub(tried + unskilled + taken);
        let excluded = Exclusions { tried, unskilled, surplus, ..queue.excluded };
        let mut snapshot = Snapshot {
            version: VERSION,
            id,
            epoch: self.epoch(subject, queue_ix),
            at: now.wall,
            seed: draw(id),
            queue: describe_queue(queue, excluded, now),
            other_queues: self.other_queues(&question, &queue.config.name, now),
            state: queue.state.clone(),
            question,
        };
        let left_out = snapshot.fit();
        if let Question::Agent { .. } = snapshot.question {
            snapshot.queue.excluded.surplus += left_out;
        }
        Some((queue_ix, snapshot))
    }

    /// Counts the changes that could let a decision about `subject` come out differently.
    pub(crate) fn epoch(&self, subject: Subject, queue: QueueIx) -> u64 {
        match subject {
            Subject::Call(_) => self.floor.queue(queue).map(|queue| queue.epoch).unwrap_or_default(),
            Subject::Agent(agent) => self.floor.agent_epoch(agent),
        }
    }

    /// Agent surplus: the best idle agents for a waiting call.
    fn agents_for(&self, now: Now, id: CallId) -> Option<Choosing> {
        let entry = self.calls.get(&id)?;
        let queue = self.floor.queue(entry.queue)?;
        let pool = queue.pool(&entry.needs);
        let (mut tried, mut candidates) = (0, Vec::new());
        let mut unskilled = count(queue.idle.len().saturating_sub(pool.len()));
        for &ix in pool.values() {
            if candidates.len() == queue.config.most_candidates() {
                break;
            }
            let Some(agent) = self.floor.agent(ix) else { continue };
            if !agent.skills.meet(&entry.needs) {
                unskilled += 1;
            } else if entry.was_tried(ix, now.monotonic) {
                tried += 1;
            } else if let Some(membership) = agent.membership(entry.queue) {
                candidates.push(candidate(agent, membership, now));
            }
        }
        let call = self.describe_call(id, entry, None, now)?;
        self.add_last_agent(&call, entry, now, &mut candidates);
        let taken = u32::try_from(candidates.len()).ok().filter(|&taken| taken > 0)?;
        Some(Choosing { queue: entry.queue, question: Question::Agent { call, candidates }, tried, unskilled, taken })
    }

    /// Who spoke with the caller last is a candidate, however many others stand before him.
    fn add_last_agent(&self, call: &Call, entry: &Entry, now: Now, candidates: &mut Vec<Candidate>) {
        let Some(last) = call.last_agent.as_ref().filter(|last| last.presence == Presence::Free) else { return };
        let most = self.floor.queue(entry.queue).map_or(MAX_CANDIDATES, |queue| queue.config.most_candidates());
        if candidates.len() < most || candidates.iter().any(|candidate| candidate.agent == last.agent) {
            return;
        }
        let agent = self.floor.find(&last.agent).and_then(|ix| self.floor.agent(ix));
        if let Some((agent, membership)) = agent.and_then(|agent| Some((agent, agent.membership(entry.queue)?))) {
            candidates.pop();
            candidates.push(candidate(agent, membership, now));
        }
    }

    /// Call surplus: the calls of all his queues that an idle agent could take, in their order.
    fn calls_for(&self, now: Now, ix: AgentIx) -> Option<Choosing> {
        let agent = self.floor.agent(ix)?;
        let open = self.open_calls(now, ix, agent);
        let (_, _, first) = open.first()?;
        let queue = self.calls.get(first)?.queue;
        let membership = agent.membership(queue)?;
        let described =
            open.iter().filter_map(|(level, _, id)| self.describe_call(*id, self.calls.get(id)?, Some(*level), now));
        let calls = described.collect();
        let question = Question::Call { agent: candidate(agent, membership, now), calls };
        Some(Choosing { queue, question, tried: 0, unskilled: 0, taken: 1 })
    }

    /// The first calls in order that the agent could take, among them the first of each of his queues.
    fn open_calls(&self, now: Now, ix: AgentIx, agent: &Agent) -> Vec<(u8, Place, CallId)> {
        let takes = |id: &CallId| {
            let entry = self.calls.get(id);
            entry.is_some_and(|entry| {
                entry.is_wanting() && !entry.was_tried(ix, now.monotonic) && agent.skills.meet(&entry.needs)
            })
        };
        // The first of each line of each queue; the heap gives the first of all, and its line's next one follows.
        let mut heap = BinaryHeap::new();
        let mut lines = Vec::new();
        let mut heads: Vec<(u8, Place, CallId)> = Vec::new();
        for membership in &agent.queues {
            let Some(queue) = self.floor.queue(membership.queue) else { continue };
            let mut head = None;
            for line in queue.line.for_skills(&agent.skills) {
                let mut calls = line.iter().filter(|(_, id)| takes(id)).map(|(place, id)| (*place, *id));
                let Some((place, id)) = calls.next() else { continue };
                heap.push(Reverse((membership.level, place, id, lines.len())));
                lines.push((membership.level, calls));
                head = head.into_iter().chain([(membership.level, place, id)]).min();
            }
            heads.extend(head);
        }
        let mut open = Vec::new();
        while let Some(Reverse((level, place, id, line))) = heap.pop() {
            open.push((level, place, id));
            if open.len() == MAX_CANDIDATES {
                break;
            }
            if let Some((level, calls)) = lines.get_mut(line)
                && let Some((place, id)) = calls.next()
            {
                heap.push(Reverse((*level, place, id, line)));
            }
        }
        let asking = open.first().and_then(|(_, _, id)| self.floor.queue(self.calls.get(id)?.queue));
        let most = asking.map_or(MAX_CANDIDATES, |queue| queue.config.most_candidates());
        open.truncate(most);
        with_heads(open, heads, most)
    }

    pub(crate) fn describe_call(&self, id: CallId, entry: &Entry, level: Option<u8>, now: Now) -> Option<Call> {
        let caller = &entry.caller;
        let last_agent = caller.last_agent.as_ref();
        Some(Call {
            queue: self.floor.queue(entry.queue)?.config.name.clone(),
            caller: caller.number.clone(),
            dialled: caller.dialled.clone(),
            diverted_from: caller.diverted_from.clone(),
            waited_ms: millis(entry.joined, now.monotonic),
            offers: entry.offers,
            priority: caller.priority,
            needs: entry.needs.clone(),
            language: caller.language.as_deref().map(str::to_owned),
            way: caller.way.clone(),
            variables: caller.variables.clone(),
            repeats: caller.repeats,
            last_agent: last_agent.and_then(|agent| self.last_agent(agent, entry, now)),
            level: level.unwrap_or_default(),
            ..Call::new(id, "")
        })
    }

    /// What the agent who spoke with a caller last is doing; none if he is no agent any more.
    fn last_agent(&self, name: &AgentName, entry: &Entry, now: Now) -> Option<LastAgent> {
        let ix = self.floor.find(name)?;
        let agent = self.floor.agent(ix)?;
        let could = agent.membership(entry.queue).is_some()
            && agent.skills.meet(&entry.needs)
            && !entry.was_tried(ix, now.monotonic);
        let presence = match agent.standing() {
            _ if !could => Presence::Away,
            Standing::Idle | Standing::Undecided => Presence::Free,
            Standing::Offered | Standing::InCall | Standing::WrapUp => Presence::Busy,
            Standing::Unavailable | Standing::OnBreak | Standing::Resting => Presence::Away,
        };
        Some(LastAgent { agent: name.clone(), presence })
    }

    fn other_queues(&self, question: &Question, asking: &QueueName, now: Now) -> Vec<routing::Queue> {
        let Question::Call { calls, .. } = question else { return Vec::new() };
        let names: BTreeSet<&QueueName> = calls.iter().map(|call| &call.queue).filter(|name| *name != asking).collect();
        let queues = names.into_iter().filter_map(|name| self.floor.queue(self.floor.find_queue(name)?));
        queues.map(|queue| describe_queue(queue, queue.excluded, now)).collect()
    }
}

/// The calls, with the first of each queue in the place of the last that are not. As there may be more queues than places, the first
/// of those.
fn with_heads(
    mut open: Vec<(u8, Place, CallId)>,
    mut heads: Vec<(u8, Place, CallId)>,
    most: usize,
) -> Vec<(u8, Place, CallId)> {
    if open.len() < most {
        return open;
    }
    heads.sort_unstable();
    heads.truncate(most);
    let lacking: Vec<_> = heads.iter().filter(|head| !open.contains(head)).copied().collect();
    for _ in 0..lacking.len() {
        if let Some(at) = open.iter().rposition(|call| !heads.contains(call)) {
            open.remove(at);
        }
    }
    open.extend(lacking);
    open.sort_unstable();
    open.truncate(most);
    open
}

fn describe_queue(queue: &Queue, excluded: Exclusions, now: Now) -> routing::Queue {
    let service = queue.config.service_level;
    routing::Queue {
        name: queue.config.name.clone(),
        waiting: count(queue.line.all.len()),
        longest_wait_ms: queue.line.longest().map(|joined| millis(joined, now.monotonic)).unwrap_or_default(),
        excluded,
        ring_ms: u64::try_from(queue.config.ring_time.as_millis()).unwrap_or(u64::MAX),
        service: Service {
            within_ms: u64::try_from(service.within.as_millis()).unwrap_or(u64::MAX),
            target: service.target,
            kept: queue.kept.share(),
        },
    }
}

fn candidate(agent: &Agent, membership: &Membership, now: Now) -> Candidate {
    Candidate {
        agent: agent.name.clone(),
        idle_ms: millis(agent.idle_since, now.monotonic),
        calls: agent.answered,
        level: membership.level,
        position: membership.position,
        weight: membership.weight,
        turn: membership.turn,
        calls_today: agent.today.calls,
        talk_today_ms: u64::try_from(agent.today.talk.as_millis()).unwrap_or(u64::MAX),
        occupancy: agent.today.occupancy(now.monotonic),
        skills: agent.skills.clone(),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A number from a decision's id, as if drawn (the finaliser of SplitMix64): the same for the same decision, so that it
/// can be repeated.
fn draw(id: DecisionId) -> u64 {
    let mut x = id.as_raw().wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
