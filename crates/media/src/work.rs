//! What a thread does with its legs: receive what came, tick.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::{Mono, Now};
use leg::{Bay, Event, MAX_REPORT, PACKET};

use crate::clock::CATCH_UP;
use crate::roster::Slot;
use crate::socket::Socket;
use crate::thread::{Setup, Worker, key};

/// Beyond this a tick counts as late.
const LATE: Duration = Duration::from_millis(5);

/// How often a socket is asked in one sweep; a flood must not keep the thread from its tick.
const MAX_BATCHES: usize = 8;

impl Worker {
    /// Receives what came since the last time.
    pub(crate) fn sweep(&mut self) {
        let now = self.setup.clock.now();
        loop {
            let (count, more) = self.poller.poll(&mut self.reports);
            for index in 0..count {
                let Some(key) = self.reports.get(index).map(|report| report.u64) else { break };
                self.receive(now, key);
            }
            if !more {
                return;
            }
        }
    }

    /// Runs the ticks whose time has come: one, or some if the thread was stopped.
    pub(crate) fn run_ticks(&mut self) {
        let skipped = self.ticks.leave_out(self.setup.clock.monotonic());
        if skipped > 0 {
            self.setup.tally.skipped_ticks.fetch_add(skipped, Ordering::Relaxed);
        }
        loop {
            let (due, now) = (self.ticks.due(), self.setup.clock.now());
            if now.monotonic < due {
                return;
            }
            if now.monotonic.since(due) > LATE {
                self.setup.tally.late_ticks.fetch_add(1, Ordering::Relaxed);
                self.sweep();
            }
            self.tick(now, self.ticks.next);
            self.ticks.next += 1;
        }
    }

    fn receive(&mut self, now: Now, key: u64) {
        let (place, is_rtcp) = (usize::try_from(key >> 1).unwrap_or(usize::MAX), key & 1 != 0);
        let Some(slot) = self.roster.at(place) else { return };
        let Some(socket) = (if is_rtcp { &slot.rtcp } else { &slot.rtp }) else { return };
        let mut bay = bay_of(&mut self.setup, &mut self.events);
        for _ in 0..MAX_BATCHES {
            let (count, more) = match self.bag.receive(socket) {
                Ok(received) => received,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                // An ICMP error of an earlier datagram of ours. What was received comes behind it.
                Err(_) => continue,
            };
            for index in 0..count {
                let Some((source, datagram)) = self.bag.datagram(index) else { continue };
                if is_rtcp {
                    slot.leg.handle_rtcp(now, source, datagram);
                } else {
                    slot.leg.handle_rtp(now, source, datagram, &mut bay);
                }
            }
            if !more {
                return;
            }
        }
    }

    pub(crate) fn tick(&mut self, now: Now, number: u64) {
        self.setup.tally.ticks.fetch_add(1, Ordering::Relaxed);
        let mut bay = bay_of(&mut self.setup, &mut self.events);
        for slot in self.roster.iter_mut() {
            slot.follow_source(now.monotonic);
            slot.leg.hear(now, number, &mut bay);
        }
        for place in 0..self.roster.len() {
            self.speak(now, place);
        }
        self.finish_closing();
        self.send_leaving();
    }

    /// A leg's second half of a tick.
    fn speak(&mut self, now: Now, place: usize) {
        let (mut packet, mut report) = ([0; PACKET], [0; MAX_REPORT]);
        let mut bay = bay_of(&mut self.setup, &mut self.events);
        let Some((slot, peers)) = self.roster.group(place) else { return };
        if let Some(length) = slot.leg.speak(peers, &mut packet, &mut bay) {
            slot.send(packet.get(..length).unwrap_or_default());
        }
        if let Some(length) = slot.leg.report(now, &mut report, &mut bay) {
            self.send_report(place, report.get(..length).unwrap_or_default());
        }
    }

    /// A leg that has come here has the ticks now that passed while it was on its way, at most as many as a late thread
    /// makes up for: its peer hears no gap, and nor does its recording.
    pub(crate) fn make_up(&mut self, place: usize) {
        let next = self.ticks.next;
        let Some(missed) = self.roster.at(place).map(|slot| slot.leg.missed(next)).filter(|missed| *missed > 0) else {
            return;
        };
        let now = self.setup.clock.now();
        self.receive(now, key(place, false));
        for number in next - missed.min(CATCH_UP)..next {
            let mut bay = bay_of(&mut self.setup, &mut self.events);
            let Some(slot) = self.roster.at(place) else { return };
            slot.leg.hear(now, number, &mut bay);
            self.speak(now, place);
        }
    }

    /// Sends a report, for the first one from a new socket on the port above RTP's.
    fn send_report(&mut self, place: usize, report: &[u8]) {
        let (bind, dscp) = (self.setup.bind, self.setup.dscp);
        let Some(slot) = self.roster.at(place) else { return };
        if slot.rtcp.is_none() && !slot.no_rtcp {
            // A range of ports holds the one above each even one.
            slot.rtcp = Socket::bind(SocketAddr::new(bind, slot.port | 1), dscp).ok();
            slot.no_rtcp = slot.rtcp.is_none();
            if let Some(socket) = &slot.rtcp {
                let _ = self.poller.add(socket, key(place, true));
            }
        }
        if let (Some(socket), Some(to)) = (&slot.rtcp, slot.leg.rtcp_destination()) {
            let _ = socket.send_to(report, to);
        }
    }
}

impl Slot {
    /// Connects the socket to the source that the leg holds for its peer, so that the kernel keeps strangers out; or
    /// dissolves that.
    pub(crate) fn follow_source(&mut self, now: Mono) {
        let wanted = self.leg.only_source(now);
        if wanted == self.connected {
            return;
        }
        let Some(socket) = &self.rtp else { return };
        // Not tried again if the system refuses: the leg tells strangers from the peer itself.
        let result = match wanted {
            Some(source) => socket.connect(source),
            None => socket.disconnect(),
        };
        self.is_connected = result.is_ok() && wanted.is_some();
        self.connected = wanted;
    }

    fn send(&mut self, packet: &[u8]) {
        let (Some(socket), Some(to)) = (&self.rtp, self.leg.destination()) else { return };
        let connected = self.is_connected && self.connected == Some(to);
        // It may be an ICMP error of an earlier packet, told in place of sending this one: nothing follows from it.
        if (if connected { socket.send(packet) } else { socket.send_to(packet, to) }).is_err() {
            self.leg.handle_send_error();
        }
    }
}

/// The surroundings of a leg.
pub(crate) fn bay_of<'a>(setup: &'a mut Setup, events: &'a mut Vec<Event>) -> Bay<'a> {
    Bay {
        tones: &setup.tones,
        takes: &mut *setup.sinks.takes,
        events,
        rng: &mut setup.rng,
        rtp_timeout: setup.rtp_timeout,
    }
}
