//! What an operator sees of queues, and of a call in one: figures of today, and why it is not served now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acd::{CallStage, CallStanding};
use base::{CallId, Mono, Now};
use journal::Name;
use journal::kpi::{Board, Figures, Kpis};
use serde::{Deserialize, Serialize};

use crate::control::{MAX_PAGE, Queue};
use crate::offering::excluded;
use crate::switch::Switch;

/// Some of the queues.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueuePage {
    /// How many there are in all.
    pub total: usize,
    /// The queues of this page.
    pub queues: Vec<QueueLine>,
    /// Where the next page begins ([`crate::control::Request::Queues`] › `after`); `None` if this is the last.
    pub next: Option<String>,
}

/// A queue with its figures, as [`journal::kpi`] defines them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueLine {
    /// As it is now.
    #[serde(flatten)]
    pub queue: Queue,
    /// In so many of a hundred cases calls are to be answered in time.
    pub share: u8,
    /// That is within so many seconds.
    pub within_s: f64,
    /// Calls that joined on this day of the company's time zone. Occupancy is that of its agents, in all their queues.
    pub today: Kpis,
    /// Calls that joined in the last hour, by quarters of an hour: the present one and the four before.
    pub hour: Kpis,
    /// Calls that joined in the last 15 minutes, the present one included.
    pub recent: Kpis,
}

/// Where a call in a queue stands, and why nobody has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The queue.
    pub queue: Name,
    /// How long it has waited, in milliseconds.
    pub waited_ms: u64,
    /// `waiting`, `deciding`, `offered` or `connected`.
    pub stage: Name,
    /// The agents to whom it is offered, or whom it has.
    #[serde(default)]
    pub agents: Vec<Name>,
    /// Its place from 1 on, while it waits; none behind the first 200.
    pub position: Option<u32>,
    /// Its priority, 0 to 100.
    pub priority: u8,
    /// The skills that its agent must have by now, with the least level.
    #[serde(default)]
    pub needs: BTreeMap<Name, u8>,
    /// The agents of the queue who cannot be asked now, counted by reason, in the words of `offer_made`.
    #[serde(default)]
    pub excluded: BTreeMap<Name, u32>,
    /// Agents who could be asked.
    pub free: u32,
    /// In so many milliseconds it needs less.
    pub widens_in_ms: Option<u64>,
    /// In so many it may be offered again to somebody who did not take it, or to whom a decision had it wait for.
    pub looks_again_in_ms: Option<u64>,
    /// In so many it leaves the queue, as it will have waited as long as it may.
    pub leaves_in_ms: Option<u64>,
}

impl Switch {
    /// A page of queues, in the order of the configuration.
    pub(crate) fn queue_page(&mut self, now: Now, after: Option<&str>, limit: u16) -> QueuePage {
        let limit = usize::from(if (1..=MAX_PAGE).contains(&limit) { limit } else { MAX_PAGE });
        let total = self.config.queues.len();
        let place = |name: &str| self.config.queues.iter().position(|queue| queue.name.as_str() == name);
        let from = after.map_or(0, |name| place(name).map_or(total, |at| at + 1));
        let mut lines: Vec<QueueLine> = Vec::new();
        let figures: Vec<Queue> = self.acd.queues(now).skip(from).take(limit).map(Queue::from).collect();
        for (place, queue) in (from..).zip(figures) {
            lines.push(self.queue_line(now, place, queue));
        }
        let next = lines.last().map(|line| line.queue.name.clone()).filter(|_| from + lines.len() < total);
        QueuePage { total, queues: lines, next }
    }

    /// Every queue with its figures.
    pub fn queue_lines(&mut self, now: Now) -> Vec<QueueLine> {
        let figures: Vec<Queue> = self.acd.queues(now).map(Queue::from).collect();
        figures.into_iter().enumerate().map(|(place, queue)| self.queue_line(now, place, queue)).collect()
    }

    fn queue_line(&mut self, now: Now, place: usize, queue: Queue) -> QueueLine {
        self.begin_day_if_new(now);
        let config = Arc::clone(&self.config);
        let found = config.queues.get(place).filter(|found| found.name.as_str() == queue.name);
        let figures = &mut self.book.figures;
        let mut counted = figures.queue(&queue.name, now.wall);
        for member in found.map(|found| &found.agents).into_iter().flatten() {
            let Figures { staffed_ms, busy_ms, .. } = figures.agent(member.agent.shared(), now.wall);
            counted.today.add(&Figures { staffed_ms, busy_ms, ..Figures::default() });
        }
        let service = found.map(|found| found.service_level).unwrap_or_default();
        QueueLine {
            queue,
            share: service.target,
            within_s: service.within.as_secs_f64(),
            today: counted.today.kpis(),
            hour: counted.hour.kpis(),
            recent: counted.recent.kpis(),
        }
    }

    /// Where a call stands; none if it is in no queue.
    pub(crate) fn standing(&self, now: Now, call: CallId) -> Option<Standing> {
        let found = self.acd.standing(now, call)?;
        let CallStanding { queue, joined, stage, position, priority, needs, free, .. } = found;
        let until = |at: Option<Mono>| at.map(|at| millis(at.since(now.monotonic)));
        let (stage, agents) = match stage {
            CallStage::Waiting => ("waiting", Vec::new()),
            CallStage::Deciding => ("deciding", Vec::new()),
            CallStage::Offered(agents) => ("offered", agents),
            CallStage::Connected(agent) => ("connected", vec![agent]),
        };
        Some(Standing {
            queue: queue.shared().clone(),
            waited_ms: millis(now.monotonic.since(joined)),
            stage: stage.into(),
            agents: agents.iter().map(|agent| agent.shared().clone()).collect(),
            position,
            priority,
            needs: needs.iter().map(|(skill, level)| (skill.shared().clone(), level)).collect(),
            excluded: excluded(&found.excluded),
            free,
            widens_in_ms: until(found.widens),
            looks_again_in_ms: until(found.looks_again),
            leaves_in_ms: until(found.leaves),
        })
    }

    /// Counts on from what an earlier run journaled, which `read` feeds to the board. To be called at the start, before anything
    /// is polled.
    pub fn restore_figures(&mut self, now: Now, read: impl FnOnce(&mut Board)) {
        let mut board = Board::default();
        board.set_targets(self.config.targets());
        board.turn_to(self.config.flows.zone().day_of(now.wall));
        read(&mut board);
        self.book.restore(board);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
