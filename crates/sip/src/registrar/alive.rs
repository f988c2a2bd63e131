//! Phones behind NATs: asked from time to time, so that the NAT keeps the way to them open, and whether they are there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base::{Mono, Now, Rng, TimerToken, Timers};
use sip_message::AnyUri;

use super::{Binding, Registrar, RegistrarEvent};
use crate::{Flow, Transport};

/// How often phones behind NATs are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// The time between two questions to a phone, a fifth more or less by chance. NATs forget a way that nobody uses after
    /// 30 s at the earliest (RFC 4787 4.3 wants 2 minutes, and few obey).
    pub interval: Duration,
    /// So many questions in a row without an answer, and the phone counts as out of reach.
    pub failures: u32,
    /// Questions to all phones together in a second; what comes on top is asked a second later.
    pub per_second: u32,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self { interval: Duration::from_secs(30), failures: 3, per_second: 500 }
    }
}

/// A question to ask: an OPTIONS to send. What comes of it is told by [`Registrar::handle_pong`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// The address of record.
    pub record: Arc<str>,
    /// The binding, as it is now: once it is renewed, nobody waits for the answer any more.
    pub order: u64,
    /// The Request-URI.
    pub target: AnyUri,
    /// The way to the phone.
    pub flow: Flow,
}

/// Who is asked when.
pub(super) struct Asker {
    pub(super) settings: KeepAlive,
    rng: Rng,
    pub(super) timers: Timers<(Arc<str>, u64)>,
    pub(super) pings: VecDeque<Ping>,
    /// The second that counts, and what was asked in it.
    since: Mono,
    asked: u32,
}

const SECOND: Duration = Duration::from_secs(1);

impl Asker {
    fn new(settings: KeepAlive, rng: Rng) -> Self {
        Self { settings, rng, timers: Timers::default(), pings: VecDeque::new(), since: Mono::ZERO, asked: 0 }
    }

    /// Sets the time of the next question to a phone; none if it need not be asked.
    pub(super) fn arm(&mut self, now: Mono, record: &Arc<str>, binding: &Binding, at_once: bool) -> Option<TimerToken> {
        if !binding.nat || binding.flow.transport != Transport::Udp {
            return None;
        }
        let whole = u32::try_from(self.settings.interval.as_millis()).unwrap_or(u32::MAX).max(10);
        // After a restart all are asked within the time of one round, in no order.
        let millis = if at_once { self.rng.below(whole) } else { whole - whole / 5 + self.rng.below(whole / 5 * 2) };
        let after = Duration::from_millis(u64::from(millis));
        Some(self.timers.set(now + after, (record.clone(), binding.order)))
    }

    /// True if one more may be asked now.
    fn has_room(&mut self, now: Mono) -> bool {
        if now.since(self.since) >= SECOND {
            self.since = now;
            self.asked = 0;
        }
        self.asked += 1;
        self.asked <= self.settings.per_second
    }
}

impl Registrar {
    /// Has phones behind NATs asked from now on, or otherwise than before, or no more. `rng` spreads the questions.
    pub fn keep_alive(&mut self, now: Now, settings: Option<KeepAlive>, rng: Rng) {
        self.asker = settings.map(|settings| Asker::new(settings, rng));
        for (record, list) in &mut self.records {
            for kept in list {
                let asker = self.asker.as_mut();
                kept.ping = asker.and_then(|asker| asker.arm(now.monotonic, record, &kept.binding, true));
            }
        }
    }

    /// The next question to ask.
    pub fn poll_ping(&mut self) -> Option<Ping> {
        self.asker.as_mut()?.pings.pop_front()
    }

    /// A phone has answered a question, or not.
    pub fn handle_pong(&mut self, now: Now, record: &Arc<str>, order: u64, answered: bool) {
        let Some(most) = self.asker.as_ref().map(|asker| asker.settings.failures) else { return };
        let Some(list) = self.records.get_mut(record) else { return };
        let others = list.iter().any(|kept| kept.binding.order != order && !kept.binding.lost);
        let Some(kept) = list.iter_mut().find(|kept| kept.binding.order == order) else { return };
        let binding = &mut kept.binding;
        if answered {
            (binding.failures, binding.seen) = (0, now.wall);
            if std::mem::take(&mut binding.lost) {
                self.events.push_back(RegistrarEvent::Found { record: record.clone(), first: !others });
            }
            return;
        }
        binding.failures = binding.failures.saturating_add(1);
        if binding.failures >= most && !binding.lost {
            binding.lost = true;
            self.events.push_back(RegistrarEvent::Lost { record: record.clone(), last: !others });
        }
    }

    /// Takes the questions that are due.
    pub(super) fn ask_due(&mut self, now: Mono) {
        let Some(asker) = &mut self.asker else { return };
        while let Some((record, order)) = asker.timers.pop_due(now) {
            let list = self.records.get_mut(&record);
            let Some(kept) = list.and_then(|list| list.iter_mut().find(|kept| kept.binding.order == order)) else {
                continue;
            };
            if !asker.has_room(now) {
                let wait = SECOND + Duration::from_millis(u64::from(asker.rng.below(1000)));
                kept.ping = Some(asker.timers.set(now + wait, (record, order)));
                continue;
            }
            let (target, flow) = (kept.binding.contact.clone(), kept.binding.way());
            kept.ping = asker.arm(now, &record, &kept.binding, false);
            asker.pings.push_back(Ping { record, order, target, flow });
        }
    }
}
