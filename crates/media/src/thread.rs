//! A media thread: sleeps, receives shortly before each tick, ticks; and what it is told by messages.
//!
//! Datagrams wait in their sockets until 3 ms before the tick. One look at epoll then serves all legs, a digit is told
//! in time for the switch to have its answer played by that tick, and nothing wakes the thread between.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::{LegId, Mono, Now, Rng};
use crossbeam_channel::{Receiver, Sender};
use leg::{Event, MAX_REPORT, Order, Tones};

use crate::clock::{Clock, TICK, Ticks};
use crate::config::{Sinks, Tally};
use crate::roster::{Message, Roster, Slot};
use crate::socket::{Alarm, Mailbag, Poller, Reports, be_exact, be_urgent};
use crate::work::bay_of;

/// How long before a tick datagrams are received.
const LEAD: Duration = Duration::from_millis(3);

/// How often the thread looks at how busy it is: every second.
const REVIEW: u32 = 50;

/// Share of its time, in percent, from which a thread gives up its urgency, so that an overloaded machine still hears
/// its signalling; and from which it takes it again.
const TOO_BUSY: u128 = 80;
const CALM: u128 = 50;

/// Events kept while their queue is full.
const MAX_EVENTS: usize = 65_536;

/// For so many times 20 ms the end of a thread waits for room for events and recordings.
const LAST_TICKS: usize = 25;

/// How to reach a thread.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) messages: Sender<Message>,
    pub(crate) alarm: Arc<Alarm>,
    /// The thread sleeps until it is rung.
    pub(crate) dormant: Arc<AtomicBool>,
}

impl Line {
    /// Wakes the thread if it would not see its messages soon by itself.
    pub(crate) fn wake_if_dormant(&self) {
        if self.dormant.swap(false, Ordering::SeqCst) {
            self.alarm.ring();
        }
    }
}

/// What a thread is made of.
pub(crate) struct Setup {
    pub(crate) clock: Clock,
    /// This thread's share of 20 ms.
    pub(crate) offset: Duration,
    pub(crate) messages: Receiver<Message>,
    pub(crate) own: Line,
    /// All threads, this one too.
    pub(crate) lines: Vec<Line>,
    /// Where ports go when their leg is closed.
    pub(crate) ports: Sender<u16>,
    pub(crate) sinks: Sinks,
    pub(crate) tally: Arc<Tally>,
    pub(crate) tones: Arc<Tones>,
    pub(crate) rtp_timeout: Duration,
    pub(crate) bind: IpAddr,
    pub(crate) dscp: u8,
    pub(crate) rng: Rng,
}

/// A running thread.
pub(crate) struct Worker {
    pub(crate) setup: Setup,
    pub(crate) ticks: Ticks,
    pub(crate) roster: Roster,
    /// Legs that are closed but for their recordings' ends.
    #[allow(clippy::vec_box, reason = "legs move by their boxes")]
    pub(crate) closing: Vec<Box<Slot>>,
    /// Legs that go to threads whose queue was full.
    leaving: Vec<(usize, Box<Slot>)>,
    pub(crate) events: Vec<Event>,
    pub(crate) poller: Poller,
    pub(crate) reports: Reports,
    pub(crate) bag: Mailbag,
    stopping: bool,
    urgent: bool,
    /// Ticks until the next look at the load, and the time slept since the last.
    until_review: u32,
    slept: Duration,
}

impl Worker {
    pub(crate) fn new(setup: Setup) -> std::io::Result<Self> {
        Ok(Self {
            ticks: Ticks::new(setup.clock.monotonic(), setup.offset),
            roster: Roster::default(),
            closing: Vec::new(),
            leaving: Vec::new(),
            events: Vec::new(),
            poller: Poller::new()?,
            reports: Poller::reports(),
            bag: Mailbag::new(),
            stopping: false,
            urgent: true,
            until_review: REVIEW,
            slept: Duration::ZERO,
            setup,
        })
    }

    /// Runs until stopped.
    pub(crate) fn run(mut self) {
        be_exact();
        be_urgent(true);
        while !self.stopping {
            if self.is_idle() {
                self.doze();
                continue;
            }
            let due = self.ticks.due();
            self.sleep_until(Mono::from_nanos(due.as_nanos().saturating_sub(nanos(LEAD))));
            self.sweep();
            self.pass_events();
            self.sleep_until(due);
            self.run_ticks();
            self.pass_events();
            self.review_urgency();
        }
        self.end();
    }

    /// Nothing to do until a message comes.
    fn is_idle(&self) -> bool {
        self.roster.is_empty() && self.closing.is_empty() && self.leaving.is_empty() && self.events.is_empty()
    }

    fn doze(&mut self) {
        self.setup.own.dormant.store(true, Ordering::SeqCst);
        // Who sends after this sees the flag and rings; who sent before it is seen here.
        if self.setup.messages.is_empty() {
            self.setup.own.alarm.sleep(None);
        }
        self.setup.own.dormant.store(false, Ordering::SeqCst);
        // Before the messages: legs that come have had ticks by the common clock.
        self.ticks = Ticks::new(self.setup.clock.monotonic(), self.setup.offset);
        self.take_messages();
        (self.until_review, self.slept) = (REVIEW, Duration::ZERO);
    }

    /// Sleeps, but for messages that are urgent enough to ring.
    fn sleep_until(&mut self, time: Mono) {
        loop {
            let before = self.setup.clock.monotonic();
            let left = time.since(before);
            let rung = !left.is_zero() && self.setup.own.alarm.sleep(Some(left));
            self.slept += left.min(self.setup.clock.monotonic().since(before));
            self.take_messages();
            if !rung || self.stopping {
                return;
            }
        }
    }

    fn review_urgency(&mut self) {
        self.until_review -= 1;
        if self.until_review > 0 {
            return;
        }
        let idle = std::mem::take(&mut self.slept).as_nanos() * 100 / (TICK * REVIEW).as_nanos();
        let busy = 100u128.saturating_sub(idle);
        if busy >= TOO_BUSY && self.urgent || busy < CALM && !self.urgent {
            self.urgent = !self.urgent;
            be_urgent(self.urgent);
        }
        self.until_review = REVIEW;
    }

    fn take_messages(&mut self) {
        // Those that come meanwhile wait for the next time.
        for _ in 0..self.setup.messages.len() {
            let Ok(message) = self.setup.messages.try_recv() else { return };
            self.handle_message(message);
        }
    }

    fn handle_message(&mut self, message: Message) {
        match message {
            Message::Open(slot) => self.attach(slot),
            Message::Attach(slot) => {
                let id = slot.leg.id();
                self.attach(slot);
                let mut kept = self.roster.arrived(id);
                while let Some(message) = kept.pop_front() {
                    self.handle_message(message);
                }
            }
            Message::Expect(id) => self.roster.expect(id),
            Message::Order(id, order) => {
                if let Some(Message::Order(id, order)) = self.roster.keep(id, Message::Order(id, order)) {
                    self.order(id, order);
                }
            }
            Message::Detach(id, to) => {
                if let Some(Message::Detach(id, to)) = self.roster.keep(id, Message::Detach(id, to)) {
                    self.detach(id, to);
                }
            }
            Message::Stop => self.stopping = true,
        }
    }

    fn attach(&mut self, slot: Box<Slot>) {
        let place = self.roster.insert(slot);
        let Some(slot) = self.roster.at(place) else { return };
        for (socket, is_rtcp) in [(&slot.rtp, false), (&slot.rtcp, true)] {
            if let Some(socket) = socket {
                // Without memory for it the leg receives nothing; its time-out will tell.
                let _ = self.poller.add(socket, key(place, is_rtcp));
            }
        }
        self.make_up(place);
    }

    fn detach(&mut self, id: LegId, to: usize) {
        let Some(slot) = self.roster.remove(id) else { return };
        for socket in [&slot.rtp, &slot.rtcp].into_iter().flatten() {
            self.poller.remove(socket);
        }
        self.leaving.push((to, slot));
        self.send_leaving();
    }

    /// Sends legs to their new threads, after their events so that none overtakes another. Where there is no room for
    /// either it is tried again at the next tick.
    pub(crate) fn send_leaving(&mut self) {
        if self.leaving.is_empty() {
            return;
        }
        self.pass_events();
        if !self.events.is_empty() {
            return;
        }
        for (to, slot) in std::mem::take(&mut self.leaving) {
            let Some(line) = self.setup.lines.get(to) else { continue };
            match line.messages.try_send(Message::Attach(slot)) {
                Ok(()) => line.alarm.ring(),
                Err(refused) => {
                    if let Message::Attach(slot) = refused.into_inner() {
                        self.leaving.push((to, slot));
                    }
                }
            }
        }
    }

    fn order(&mut self, id: LegId, order: Order) {
        let now = self.setup.clock.now();
        let Some(slot) = self.roster.find(id) else { return };
        let closes = matches!(order, Order::Close);
        slot.leg.handle_order(now.monotonic, order, &mut bay_of(&mut self.setup, &mut self.events));
        // A new address is heard from its first packet on.
        slot.follow_source(now.monotonic);
        if closes {
            self.close(id, now);
        }
    }

    fn close(&mut self, id: LegId, now: Now) {
        let Some(mut slot) = self.roster.remove(id) else { return };
        if let Some(rtcp) = slot.rtcp.take() {
            let mut report = [0; MAX_REPORT];
            if let (Some(length), Some(to)) = (slot.leg.farewell(now, &mut report), slot.leg.rtcp_destination()) {
                let _ = rtcp.send_to(report.get(..length).unwrap_or_default(), to);
            }
        }
        // The sockets are gone from epoll when they are closed, and before their port rests.
        slot.rtp = None;
        let _ = self.setup.ports.try_send(slot.port);
        self.closing.push(slot);
        self.finish_closing();
    }

    /// Tells of closed legs whose recordings have been passed on; tries that again for the others.
    pub(crate) fn finish_closing(&mut self) {
        for mut slot in std::mem::take(&mut self.closing) {
            slot.leg.finish(&mut bay_of(&mut self.setup, &mut self.events));
            if slot.leg.is_finished() {
                self.events.push(Event::Closed { leg: slot.leg.id(), stats: slot.leg.stats() });
            } else {
                self.closing.push(slot);
            }
        }
    }

    fn pass_events(&mut self) {
        let mut events = std::mem::take(&mut self.events).into_iter();
        for event in events.by_ref() {
            if let Err(event) = (self.setup.sinks.events)(event) {
                self.events.push(event);
                break;
            }
        }
        self.events.extend(events);
        let excess = self.events.len().saturating_sub(MAX_EVENTS);
        self.events.truncate(MAX_EVENTS);
        let excess = u64::try_from(excess).unwrap_or(u64::MAX);
        self.setup.tally.dropped_events.fetch_add(excess, Ordering::Relaxed);
    }

    /// Closes all legs, and gives their recordings a while to be passed on.
    fn end(mut self) {
        let legs: Vec<LegId> = self.roster.iter_mut().map(|slot| slot.leg.id()).collect();
        legs.into_iter().for_each(|leg| self.order(leg, Order::Close));
        for _ in 0..LAST_TICKS {
            self.finish_closing();
            self.pass_events();
            if self.closing.is_empty() && self.events.is_empty() {
                return;
            }
            std::thread::sleep(TICK);
        }
    }
}

pub(crate) fn key(place: usize, is_rtcp: bool) -> u64 {
    u64::try_from(place).unwrap_or(0) << 1 | u64::from(is_rtcp)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
