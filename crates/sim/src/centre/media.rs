//! Virtual media of a large centre: what media threads and disks would tell, without sound.

use std::time::Duration;

use base::{IdMap, LegId, PlayId, TakeId};
use leg::{Command, Event, Item};

/// For how long somebody who leaves a message speaks.
const MESSAGE: Duration = Duration::from_secs(12);
/// Ports are given in turn from here.
const FIRST_PORT: u16 = 16_384;
const LAST_PORT: u16 = 32_764;

/// What follows from a command: now, or after a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Later {
    /// A playout is at its end.
    PlayEnds(LegId, PlayId),
    /// Who left a message says no more.
    Quiet(LegId, TakeId),
}

/// An open leg.
#[derive(Debug, Default)]
struct Line {
    play: Option<PlayId>,
    take: Option<TakeId>,
    letter: Option<TakeId>,
    /// Whom it hears: one in a bridge, two in a conference.
    peers: [Option<LegId>; 2],
}

/// All open legs.
#[derive(Debug)]
pub(super) struct Lines {
    open: IdMap<LegId, Line>,
    port: u16,
    /// Events that the media tells at once.
    pub told: Vec<Event>,
    /// What it tells later.
    pub later: Vec<(Duration, Later)>,
    /// Commands that made no sense.
    pub nonsense: Vec<String>,
}

impl Default for Lines {
    fn default() -> Self {
        let (open, told, later) = (IdMap::default(), Vec::new(), Vec::new());
        Self { open, port: FIRST_PORT, told, later, nonsense: Vec::new() }
    }
}

impl Lines {
    pub(super) fn execute(&mut self, command: Command) {
        match command {
            Command::Open { leg } => {
                if self.open.insert(leg, Line::default()).is_some() {
                    self.nonsense.push(format!("{leg} is opened twice"));
                }
                self.port = if self.port < LAST_PORT { self.port + 2 } else { FIRST_PORT };
                self.told.push(Event::Opened { leg, port: self.port });
            }
            Command::Close { leg } => self.close(leg),
            Command::Play { leg, play, items, repeat } => {
                let Some(line) = self.open.get_mut(&leg) else {
                    return self.nonsense.push(format!("{leg} plays and is not open"));
                };
                line.play = Some(play);
                if !repeat {
                    self.later.push((items.iter().map(length).sum(), Later::PlayEnds(leg, play)));
                }
            }
            Command::StopPlay { leg } => self.change(leg, |line| line.play = None),
            Command::Bridge { a, b } => {
                if a == b || [a, b].iter().any(|leg| !self.open.contains_key(leg)) {
                    self.nonsense.push(format!("{a} and {b} are bridged and are not open"));
                }
                [a, b].iter().for_each(|leg| self.unbridge(*leg));
                self.join(a, b);
            }
            Command::Confer { legs } => {
                if legs.iter().any(|leg| !self.open.contains_key(leg)) {
                    self.nonsense.push(format!("{legs:?} confer and are not open"));
                }
                legs.iter().for_each(|leg| self.unbridge(*leg));
                let [a, b, c] = legs;
                for (leg, others) in [(a, [b, c]), (b, [a, c]), (c, [a, b])] {
                    self.change(leg, |line| line.peers = others.map(Some));
                }
            }
            Command::Unbridge { leg } => self.unbridge(leg),
            Command::Record { leg, take } => {
                self.end_take(leg);
                self.change(leg, |line| line.take = Some(take));
            }
            Command::StopRecord { leg } => self.end_take(leg),
            Command::TakeMessage { leg, take, quiet } => {
                self.end_letter(leg);
                self.change(leg, |line| line.letter = Some(take));
                self.later.push((MESSAGE + quiet, Later::Quiet(leg, take)));
            }
            Command::EndMessage { leg } => self.end_letter(leg),
            Command::Mask { leg, what: leg::Masked::Nothing } => self.told.push(Event::MaskEnded { leg }),
            Command::Mask { .. } | Command::Start { .. } | Command::SendDigit { .. } => {}
            Command::Interject { .. } | Command::KeepDigits { .. } => {}
        }
    }

    /// What is to be told now that its time has come, if it is still so.
    pub(super) fn due(&mut self, later: Later) -> Option<Event> {
        match later {
            Later::PlayEnds(leg, play) => {
                self.open.get_mut(&leg)?.play.take_if(|known| *known == play)?;
                Some(Event::PlayDone { leg, play })
            }
            Later::Quiet(leg, take) => {
                self.open.get(&leg).filter(|line| line.letter == Some(take)).map(|_| Event::Quiet { leg })
            }
        }
    }

    /// Legs that are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// True if the leg is open.
    pub(super) fn is_open(&self, leg: LegId) -> bool {
        self.open.contains_key(&leg)
    }

    fn change(&mut self, leg: LegId, change: impl FnOnce(&mut Line)) {
        if let Some(line) = self.open.get_mut(&leg) {
            change(line);
        }
    }

    fn close(&mut self, leg: LegId) {
        if !self.open.contains_key(&leg) {
            return;
        }
        self.unbridge(leg);
        self.end_take(leg);
        self.end_letter(leg);
        self.open.remove(&leg);
        self.told.push(Event::Closed { leg, stats: leg::Stats::default() });
    }

    fn unbridge(&mut self, leg: LegId) {
        let Some(line) = self.open.get_mut(&leg) else { return };
        match std::mem::take(&mut line.peers) {
            [Some(a), Some(b)] => self.join(a, b),
            others => others.into_iter().flatten().for_each(|other| self.change(other, |line| line.peers = [None; 2])),
        }
    }

    fn join(&mut self, a: LegId, b: LegId) {
        self.change(a, |line| line.peers = [Some(b), None]);
        self.change(b, |line| line.peers = [Some(a), None]);
    }

    fn end_take(&mut self, leg: LegId) {
        if let Some(take) = self.open.get_mut(&leg).and_then(|line| line.take.take()) {
            self.told.push(Event::TakeEnded { leg, take, frames: 100, lost: 0 });
        }
    }

    fn end_letter(&mut self, leg: LegId) {
        if let Some(take) = self.open.get_mut(&leg).and_then(|line| line.letter.take()) {
            self.told.push(Event::TakeEnded { leg, take, frames: 100, lost: 0 });
        }
    }
}

fn length(item: &Item) -> Duration {
    match item {
        Item::Prompt(prompt) => prompt.duration(),
        Item::Silence(time) => *time,
        Item::Tone(_) => Duration::ZERO,
    }
}
