//! Media threads and the writer of recordings, played: ports open at once, legs close when told to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base::{LegId, PlayId, TakeId};
use leg::{Command, Item};
use switch::TakeReport;

/// What media threads and the writer of recordings were told.
pub struct Media {
    /// Open legs with their ports.
    pub open: BTreeMap<LegId, u16>,
    /// What each leg plays.
    pub plays: HashMap<LegId, PlayId>,
    /// What each leg was told to play last.
    pub heard: HashMap<LegId, Arc<[Item]>>,
    /// Who is bridged with whom, both ways.
    pub bridges: BTreeMap<LegId, LegId>,
    /// Recordings that run.
    pub takes: HashMap<LegId, TakeId>,
    /// The last direction of each leg.
    pub directions: HashMap<LegId, sdp::Direction>,
    /// No more ports if set.
    pub exhausted: bool,
    /// Ends of recordings that a slow disk has not told yet; none if the disk is quick.
    pub slow_disk: Option<Vec<TakeReport>>,
    ports: u16,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            open: BTreeMap::new(),
            plays: HashMap::new(),
            heard: HashMap::new(),
            bridges: BTreeMap::new(),
            takes: HashMap::new(),
            directions: HashMap::new(),
            exhausted: false,
            slow_disk: None,
            ports: 16_384,
        }
    }
}

impl Media {
    /// Does what a command says; gives the events that follow at once.
    ///
    /// # Panics
    /// If the command makes no sense: a leg opened twice, a playout or bridge of a leg that is not open.
    pub(crate) fn execute(&mut self, command: Command) -> Vec<leg::Event> {
        match command {
            Command::Open { leg } if self.exhausted => {
                vec![leg::Event::OpenFailed { leg, reason: leg::OpenFailure::NoPort }]
            }
            Command::Open { leg } => {
                self.ports += 2;
                assert!(self.open.insert(leg, self.ports).is_none(), "opened twice");
                vec![leg::Event::Opened { leg, port: self.ports }]
            }
            Command::Close { leg } => self.close(leg),
            Command::Play { leg, play, items, .. } => {
                assert!(self.open.contains_key(&leg));
                self.heard.insert(leg, items);
                self.plays.insert(leg, play);
                vec![]
            }
            Command::StopPlay { leg } => {
                self.plays.remove(&leg);
                vec![]
            }
            Command::Bridge { a, b } => {
                assert!(self.open.contains_key(&a) && self.open.contains_key(&b));
                self.bridges.extend([(a, b), (b, a)]);
                vec![]
            }
            Command::Unbridge { leg } => {
                self.unbridge(leg);
                vec![]
            }
            Command::Record { leg, take } => {
                self.takes.insert(leg, take);
                vec![]
            }
            Command::StopRecord { leg } => self.end_take(leg),
            Command::Start { leg, agreed } => {
                self.directions.insert(leg, agreed.direction);
                vec![]
            }
            Command::SendDigit { .. } => vec![],
        }
    }

    fn close(&mut self, leg: LegId) -> Vec<leg::Event> {
        if self.open.remove(&leg).is_none() {
            return vec![];
        }
        self.plays.remove(&leg);
        self.unbridge(leg);
        let mut events = self.end_take(leg);
        events.push(leg::Event::Closed { leg, stats: leg::Stats::default() });
        events
    }

    fn unbridge(&mut self, leg: LegId) {
        if let Some(other) = self.bridges.remove(&leg) {
            self.bridges.remove(&other);
        }
    }

    fn end_take(&mut self, leg: LegId) -> Vec<leg::Event> {
        let ended = self.takes.remove(&leg);
        ended.map(|take| leg::Event::TakeEnded { leg, take, frames: 100, lost: 0 }).into_iter().collect()
    }
}
