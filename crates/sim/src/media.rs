//! Media threads and the writer of recordings, played: ports open, prompts end and legs close when their time has come.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::{LegId, PlayId, TakeId};
use leg::{Command, Item, Masked};
use switch::TakeReport;

/// How long things take. By default: no time, and prompts last until told to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// From a command to what the media tells of it.
    pub media: Duration,
    /// The length of every prompt; none: they last until [`crate::World::finish_play`].
    pub prompt: Option<Duration>,
    /// From the end of a recording's media to that of its file.
    pub disk: Duration,
}

/// What media threads and the writer of recordings were told.
#[derive(Default)]
pub struct Media {
    /// Open legs with their ports.
    pub open: BTreeMap<LegId, u16>,
    /// What each leg plays.
    pub plays: BTreeMap<LegId, PlayId>,
    /// What each leg was told to play last.
    pub heard: BTreeMap<LegId, Arc<[Item]>>,
    /// What legs were told over what they play.
    pub told: Vec<(LegId, Arc<[Item]>)>,
    /// Who is bridged with whom, both ways.
    pub bridges: BTreeMap<LegId, LegId>,
    /// Whom each leg of a conference hears.
    pub conferences: BTreeMap<LegId, [LegId; 2]>,
    /// Legs whose digits go no further by themselves.
    pub kept: BTreeSet<LegId>,
    /// Messages that are being taken.
    pub letters: BTreeMap<LegId, TakeId>,
    /// Recordings that run.
    pub takes: BTreeMap<LegId, TakeId>,
    /// Legs whose peers are kept out of recordings.
    pub masks: BTreeMap<LegId, Masked>,
    /// The last direction of each leg.
    pub directions: BTreeMap<LegId, sdp::Direction>,
    /// How each leg protects its audio, if it does.
    pub protections: BTreeMap<LegId, sdp::Srtp>,
    /// Where each leg sends to.
    pub remotes: BTreeMap<LegId, SocketAddr>,
    /// Digits that legs were told to send, in order.
    pub digits: Vec<(LegId, char)>,
    /// No more ports if set.
    pub exhausted: bool,
    /// Ends of recordings that a slow disk has not told yet; none if the disk is quick.
    pub slow_disk: Option<Vec<TakeReport>>,
    /// How long things take.
    pub pace: Pace,
    /// Commands that made no sense.
    pub(crate) nonsense: Vec<String>,
    ports: u16,
}

/// What follows from a command.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The media tells this.
    Told(leg::Event),
    /// A playout began that ends by itself.
    Plays(LegId, PlayId),
}

impl Media {
    /// Does what a command says; gives what follows.
    pub(crate) fn execute(&mut self, command: Command) -> Vec<Effect> {
        self.judge(&command);
        match command {
            Command::Open { leg } if self.exhausted => {
                told([leg::Event::OpenFailed { leg, reason: leg::OpenFailure::NoPort }])
            }
            Command::Open { leg } => {
                let port = self.free_port();
                self.open.insert(leg, port);
                told([leg::Event::Opened { leg, port }])
            }
            Command::Close { leg } => told(self.close(leg)),
            Command::Play { leg, play, items, repeat } => {
                self.heard.insert(leg, items);
                self.plays.insert(leg, play);
                if repeat { Vec::new() } else { vec![Effect::Plays(leg, play)] }
            }
            // What plays goes on behind it.
            Command::Interject { leg, items } => {
                self.told.push((leg, items));
                Vec::new()
            }
            Command::StopPlay { leg } => {
                self.plays.remove(&leg);
                Vec::new()
            }
            Command::Bridge { a, b } => {
                [a, b].iter().for_each(|leg| self.unbridge(*leg));
                self.bridges.extend([(a, b), (b, a)]);
                Vec::new()
            }
            Command::Confer { legs: [a, b, c] } => {
                [a, b, c].iter().for_each(|leg| self.unbridge(*leg));
                self.conferences.extend([(a, [b, c]), (b, [a, c]), (c, [a, b])]);
                Vec::new()
            }
            Command::Unbridge { leg } => {
                self.unbridge(leg);
                Vec::new()
            }
            Command::KeepDigits { leg } => {
                self.kept.insert(leg);
                Vec::new()
            }
            Command::Record { leg, take } => {
                self.takes.insert(leg, take);
                Vec::new()
            }
            Command::TakeMessage { leg, take, .. } => {
                self.letters.insert(leg, take);
                Vec::new()
            }
            Command::EndMessage { leg } => told(self.end_letter(leg)),
            Command::StopRecord { leg } => told(self.end_take(leg)),
            Command::Mask { leg, what: Masked::Nothing } => {
                told(self.masks.remove(&leg).map(|_| leg::Event::MaskEnded { leg }))
            }
            Command::Mask { leg, what } => {
                self.masks.insert(leg, what);
                Vec::new()
            }
            Command::Start { leg, agreed } => {
                self.directions.insert(leg, agreed.direction);
                match agreed.srtp {
                    Some(srtp) => drop(self.protections.insert(leg, srtp)),
                    None => drop(self.protections.remove(&leg)),
                }
                if let Some(remote) = agreed.remote {
                    self.remotes.insert(leg, remote);
                }
                Vec::new()
            }
            Command::SendDigit { leg, digit, .. } => {
                self.digits.push((leg, digit.symbol()));
                Vec::new()
            }
        }
    }

    /// The open leg that sends to this address.
    #[must_use]
    pub fn leg_to(&self, remote: SocketAddr) -> Option<LegId> {
        self.remotes.iter().find(|(_, to)| **to == remote).map(|(leg, _)| *leg)
    }

    /// The machine's process is gone, and all its sockets with it.
    pub(crate) fn restart(&mut self) {
        let (pace, ports) = (self.pace, self.ports);
        *self = Self { pace, ports, nonsense: std::mem::take(&mut self.nonsense), ..Self::default() };
    }

    /// Takes down what no media thread should ever be told.
    fn judge(&mut self, command: &Command) {
        let is_open = |leg: &LegId| self.open.contains_key(leg);
        let right = match command {
            Command::Open { leg } => !is_open(leg),
            Command::Play { leg, .. } | Command::Interject { leg, .. } => is_open(leg),
            Command::Bridge { a, b } => a != b && is_open(a) && is_open(b),
            Command::Confer { legs: [a, b, c] } => a != b && b != c && a != c && [a, b, c].into_iter().all(is_open),
            Command::KeepDigits { leg } => is_open(leg),
            Command::Record { leg, .. } => is_open(leg) && !self.takes.contains_key(leg),
            _ => true,
        };
        if !right {
            self.nonsense.push(format!("{command:?}"));
        }
    }

    /// Each leg with whom it hears.
    pub(crate) fn hearing(&self) -> BTreeSet<(LegId, LegId)> {
        let pairs = self.bridges.iter().map(|(a, b)| (*a, *b));
        pairs.chain(self.conferences.iter().flat_map(|(a, others)| others.map(|b| (*a, b)))).collect()
    }

    /// The next even port that no open leg has.
    fn free_port(&mut self) -> u16 {
        let taken: BTreeSet<u16> = self.open.values().copied().collect();
        loop {
            self.ports = if (16_384..32_764).contains(&self.ports) { self.ports + 2 } else { 16_384 };
            if !taken.contains(&self.ports) {
                return self.ports;
            }
        }
    }

    fn close(&mut self, leg: LegId) -> Vec<leg::Event> {
        if self.open.remove(&leg).is_none() {
            return Vec::new();
        }
        self.plays.remove(&leg);
        self.masks.remove(&leg);
        self.kept.remove(&leg);
        self.directions.remove(&leg);
        self.remotes.remove(&leg);
        self.unbridge(leg);
        let mut events = self.end_take(leg);
        events.extend(self.end_letter(leg));
        events.push(leg::Event::Closed { leg, stats: leg::Stats::default() });
        events
    }

    /// Takes a leg out of its bridge or conference; two of a conference who are left are a bridge.
    fn unbridge(&mut self, leg: LegId) {
        if let Some(other) = self.bridges.remove(&leg) {
            self.bridges.remove(&other);
        }
        if let Some([a, b]) = self.conferences.remove(&leg) {
            self.conferences.retain(|member, _| *member != a && *member != b);
            self.bridges.extend([(a, b), (b, a)]);
        }
    }

    fn end_letter(&mut self, leg: LegId) -> Vec<leg::Event> {
        let ended = self.letters.remove(&leg);
        ended.map(|take| leg::Event::TakeEnded { leg, take, frames: 100, lost: 0 }).into_iter().collect()
    }

    fn end_take(&mut self, leg: LegId) -> Vec<leg::Event> {
        let ended = self.takes.remove(&leg);
        ended.map(|take| leg::Event::TakeEnded { leg, take, frames: 100, lost: 0 }).into_iter().collect()
    }
}

fn told(events: impl IntoIterator<Item = leg::Event>) -> Vec<Effect> {
    events.into_iter().map(Effect::Told).collect()
}
