//! One queue: the calls that wait in it and the agents who could take them, each in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base::{CallId, DecisionId, Mono, TimerToken};
use routing::{Exclusions, Levels, Order, SkillName, USUAL_PRIORITY};

use crate::defer::Deferred;
use crate::floor::{Agent, AgentIx, Figures, Membership, QueueIx, Standing};
use crate::line::{Line, Place};
use crate::offer::Choice;
use crate::{Attendance, Caller, Chosen, Door, QueueConfig};

/// A call that joined a queue and has not left this machine.
#[derive(Debug)]
pub struct Entry {
    pub queue: QueueIx,
    /// When it joined its first queue.
    pub joined: Mono,
    /// When it came into this one.
    pub entered: Mono,
    /// How long it had waited when an agent took it who was lost then.
    pub waited: Duration,
    /// It was taken from an agent who was lost: it stands in front of all others.
    pub returned: bool,
    /// Tells calls that joined at the same moment apart.
    pub serial: u64,
    pub place: Place,
    pub caller: Caller,
    /// What its agent must know by now.
    pub needs: Levels,
    pub stage: Stage,
    /// The agents whose phones ring for it.
    pub ringing: Vec<AgentIx>,
    /// While it is offered: whoever becomes free may be rung for it, too.
    pub open: bool,
    /// Who is rung next if nobody of those takes it, and by which decision.
    pub turns: VecDeque<(Choice, Arc<Chosen>)>,
    /// Offers made so far.
    pub offers: u32,
    /// How long a plugin had it wait in this queue though somebody could take it.
    pub deferred: Deferred,
    /// How often decisions changed what it is; bounded, so that they cannot do so for ever.
    pub changes: u32,
    /// Agents who did not take it, and until when it is not offered to them again.
    pub tried: Vec<(AgentIx, Mono)>,
    /// The end of its longest wait.
    pub max_wait: Option<TimerToken>,
    /// When it has waited so long that it may go on to another queue.
    pub overflow: Option<TimerToken>,
    /// When it needs less.
    pub widen: Option<TimerToken>,
    /// When to look again for an agent, though nothing changed: a retry delay or a decision to wait is over.
    pub wake: Option<TimerToken>,
}

/// Where a call is: in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting; with the decision under way that chooses an agent for it.
    Waiting(Option<DecisionId>),
    /// Offered to one agent or several.
    Offered,
    /// With an agent.
    Connected(AgentIx),
}

impl Entry {
    /// How long it has waited, since an agent had it if one had.
    pub fn waits(&self, now: Mono) -> Duration {
        (now - self.joined).saturating_sub(self.waited)
    }

    /// True if the call may not be offered to the agent yet.
    pub fn was_tried(&self, agent: AgentIx, now: Mono) -> bool {
        self.tried.iter().any(|&(tried, until)| tried == agent && until > now)
    }

    /// Notes that the agent did not take it.
    pub fn note_tried(&mut self, agent: AgentIx, now: Mono, until: Mono) {
        self.tried.retain(|&(tried, until)| until > now && tried != agent);
        self.tried.push((agent, until));
    }

    /// When the next retry delay is over.
    pub fn next_retry(&self, now: Mono) -> Option<Mono> {
        self.tried.iter().map(|&(_, until)| until).filter(|&until| until > now).min()
    }

    /// True if an agent who is free could be rung for it now, were he not tried.
    pub fn is_wanting(&self) -> bool {
        self.stage == Stage::Waiting(None) || (self.stage == Stage::Offered && self.open)
    }

    /// The timers of its wait.
    pub fn take_timers(&mut self) -> impl Iterator<Item = TimerToken> + use<> {
        [self.max_wait.take(), self.overflow.take(), self.widen.take(), self.wake.take()].into_iter().flatten()
    }
}

/// Where an agent stands among those who are idle: by level, by what the strategy goes by, by how long he is idle, by
/// the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    level: u8,
    skill: u8,
    figure: u64,
    pub since: Mono,
    position: u32,
}

impl Rank {
    /// `skill` is the level of the skill by which the pool is kept.
    fn of(order: Order, agent: &Figures, membership: &Membership, skill: Option<u8>) -> Self {
        let figure = match order {
            Order::LongestIdle | Order::MostSkilled | Order::LeastSkilled => 0,
            Order::List => u64::from(membership.position),
            Order::Turn => membership.turn,
            Order::FewestCalls => u64::from(agent.calls_today),
            Order::LeastTalkTime => u64::try_from(agent.talk_today.as_millis()).unwrap_or(u64::MAX),
        };
        let skill = match (order, skill) {
            (Order::MostSkilled, Some(level)) => u8::MAX - level,
            (Order::LeastSkilled, Some(level)) => level,
            _ => 0,
        };
        Self { level: membership.level, skill, figure, since: agent.idle_since, position: membership.position }
    }
}

/// Idle agents in the order in which they are wanted.
pub type Pool = BTreeMap<Rank, AgentIx>;

/// A queue's indexes.
#[derive(Debug)]
pub struct Queue {
    pub config: QueueConfig,
    /// The calls that wait.
    pub line: Line,
    /// Those of them for which an agent is to be looked for now; empty between inputs unless decisions are under way.
    pub due: BTreeMap<Place, CallId>,
    /// Idle agents without a decision under way.
    pub idle: Pool,
    /// Those of them who have a skill, for each that some call needed.
    pub skilled: BTreeMap<SkillName, Pool>,
    /// The other agents, counted.
    pub excluded: Exclusions,
    /// Agents who are not logged out.
    pub logged_in: u32,
    /// Those of them who are not on a break, either.
    pub working: u32,
    pub door: Door,
    /// Calls that wait or are offered.
    pub length: usize,
    /// Decisions under way that choose an agent for a call of this queue.
    pub asking: usize,
    /// Counts calls that began to wait and agents who became free.
    pub epoch: u64,
    /// Counts offers.
    pub turns: u64,
    /// What its strategy wants to find in the next snapshot.
    pub state: Option<String>,
    pub kept: Kept,
}

impl Queue {
    pub fn new(config: QueueConfig) -> Self {
        Self {
            config,
            line: Line::default(),
            due: BTreeMap::new(),
            idle: Pool::new(),
            skilled: BTreeMap::new(),
            excluded: Exclusions::default(),
            logged_in: 0,
            working: 0,
            door: Door::default(),
            length: 0,
            asking: 0,
            epoch: 0,
            turns: 0,
            state: None,
            kept: Kept::default(),
        }
    }

    /// No agent serves it any more, and nobody may come or stay without one.
    pub fn dismiss_all(&mut self) {
        self.config.agents.clear();
        self.config.attendance = Attendance::default();
        self.config.overflow.clear();
        self.idle.clear();
        self.skilled.values_mut().for_each(Pool::clear);
        self.excluded = Exclusions::default();
        (self.logged_in, self.working) = (0, 0);
    }

    /// Puts an agent into the indexes, where these figures have him.
    pub fn enter(&mut self, ix: AgentIx, membership: &Membership, agent: &Figures, skills: &Levels) {
        self.logged_in += u32::from(agent.logged_in);
        self.working += u32::from(agent.working);
        if let Some(counter) = counter(&mut self.excluded, agent.standing) {
            *counter += 1;
            return;
        }
        let order = self.config.order();
        self.idle.insert(Rank::of(order, agent, membership, None), ix);
        if self.skilled.is_empty() {
            return;
        }
        for (skill, level) in skills.iter() {
            if let Some(pool) = self.skilled.get_mut(skill) {
                pool.insert(Rank::of(order, agent, membership, Some(level)), ix);
            }
        }
    }

    /// Takes an agent out of the indexes, with the figures by which he was put in.
    pub fn exit(&mut self, membership: &Membership, agent: &Figures, skills: &Levels) {
        self.logged_in -= u32::from(agent.logged_in);
        self.working -= u32::from(agent.working);
        if let Some(counter) = counter(&mut self.excluded, agent.standing) {
            *counter -= 1;
            return;
        }
        let order = self.config.order();
        self.idle.remove(&Rank::of(order, agent, membership, None));
        if self.skilled.is_empty() {
            return;
        }
        for (skill, level) in skills.iter() {
            if let Some(pool) = self.skilled.get_mut(skill) {
                pool.remove(&Rank::of(order, agent, membership, Some(level)));
            }
        }
    }

    /// The idle agents among whom those are who have what is needed: all of them, or those who have a skill of it. By which
    /// skill depends on the strategy: it wants those who know most or least of the first; to others the rarest one saves
    /// looking at most.
    pub fn pool(&self, needs: &Levels) -> &Pool {
        let by_first = matches!(self.config.order(), Order::MostSkilled | Order::LeastSkilled);
        let mut pools = needs.iter().filter_map(|(skill, _)| self.skilled.get(skill));
        let pool = if by_first { pools.next() } else { pools.min_by_key(|pool| pool.len()) };
        pool.unwrap_or(&self.idle)
    }

    pub fn rank(&self, agent: &Agent, membership: &Membership) -> Rank {
        Rank::of(self.config.order(), &agent.figures(), membership, None)
    }

    /// A call begins to wait, or waits again after an offer.
    pub fn put(&mut self, call: CallId, entry: &Entry) {
        self.line.put(entry.place, call, entry.joined, &entry.needs);
        self.due.insert(entry.place, call);
        self.epoch += 1;
    }

    /// A call waits no longer.
    pub fn take(&mut self, entry: &Entry) {
        self.line.take(entry.place, entry.joined, &entry.needs);
        self.due.remove(&entry.place);
    }

    /// Where a call of this queue stands.
    pub fn place(&self, entry: &Entry, priority: u8) -> Place {
        let (joined, serial) = (entry.joined, entry.serial);
        if entry.returned {
            return Place { class: 0, at: nanos_at(joined) - i64::MAX, serial };
        }
        match self.config.aging {
            Some(step) => {
                let ahead = (i64::from(priority) - i64::from(USUAL_PRIORITY)) * nanos(step);
                Place { class: 100 - USUAL_PRIORITY, at: nanos_at(joined) - ahead, serial }
            }
            None => Place { class: 100 - priority.min(100), at: nanos_at(joined), serial },
        }
    }
}

/// Where an agent is counted who is not idle.
pub fn counter(excluded: &mut Exclusions, standing: Standing) -> Option<&mut u32> {
    match standing {
        Standing::Idle => None,
        Standing::Undecided => Some(&mut excluded.undecided),
        Standing::Unavailable => Some(&mut excluded.unavailable),
        Standing::OnBreak => Some(&mut excluded.on_break),
        Standing::Offered => Some(&mut excluded.offered),
        Standing::InCall => Some(&mut excluded.in_call),
        Standing::WrapUp => Some(&mut excluded.wrap_up),
        Standing::Resting => Some(&mut excluded.resting),
    }
}

fn nanos(time: Duration) -> i64 {
    // A step of a day times fifty is far from the greatest number; more is cut to that.
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX).min(86_400_000_000_000)
}

fn nanos_at(at: Mono) -> i64 {
    i64::try_from(at.as_nanos()).unwrap_or(i64::MAX)
}

/// How well a queue kept its service objective of late: a mean in which the last hundred calls or so count.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    calls: u32,
    share: f64,
}

impl Kept {
    /// So many calls weigh.
    const WEIGHING: u32 = 100;

    pub fn note(&mut self, in_time: bool) {
        self.calls = (self.calls + 1).min(Self::WEIGHING);
        self.share += (f64::from(u8::from(in_time)) - self.share) / f64::from(self.calls);
    }

    /// In hundredths of a percent; none if there were no calls.
    pub fn share(&self) -> Option<u16> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 1")]
        (self.calls > 0).then(|| (self.share * 10_000.0).round() as u16)
    }
}
