//! One leg: its state, and what the switch orders of it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::{LegId, Mono, PlayId, Rng, TakeId};
use sdp::{Agreed, Codec, Direction};

use crate::control::{Digit, Event, FRAME, Item, Law, Masked, Stats, TakeSink};
use crate::digits::Digits;
use crate::jitter::Popped;
use crate::keys::Keys;
use crate::latch::Latch;
use crate::mask::Mask;
use crate::message::Message;
use crate::playout::Playout;
use crate::protect::Protection;
use crate::receive::Receiver;
use crate::report::Reporter;
use crate::send::Sender;
use crate::tap::Tap;
use crate::tones::Tones;

/// Recordings that wait for room to pass on their end; a leg that is asked for more drops the oldest's end.
const MAX_ENDING: usize = 8;

/// The media of one leg.
///
/// Inputs are `handle_order`, `handle_rtp` and `handle_rtcp`. Every 20 ms the driver calls, for all legs of a thread,
/// first [`Leg::hear`] and then [`Leg::speak`] with whom it hears, whose frames of this tick are thereby there; and
/// [`Leg::report`]. What comes out is at most one RTP and one RTCP packet a tick; events and recorded audio go to the
/// [`Bay`].
#[derive(Debug)]
pub struct Leg {
    pub(crate) id: LegId,
    pub(crate) agreed: Option<Agreed>,
    pub(crate) protection: Protection,
    pub(crate) latch: Latch,
    pub(crate) receiver: Receiver,
    pub(crate) digits: Digits,
    /// The frame of this tick, in `law`; between ticks the last one, which concealment repeats.
    pub(crate) frame: [u8; FRAME],
    pub(crate) law: Law,
    pub(crate) heard: Popped,
    pub(crate) sender: Sender,
    pub(crate) keys: Keys,
    pub(crate) playout: Option<Playout>,
    /// What plays first, while that waits.
    pub(crate) interjection: Option<Playout>,
    /// Whom it hears: one in a bridge, two in a conference.
    peers: [Option<LegId>; 2],
    /// Its digits are kept from them.
    pub(crate) keeps_digits: bool,
    /// The peer whose digits are passed on, and the number of the last one that was.
    pub(crate) relayed: Option<(LegId, u32)>,
    pub(crate) tap: Option<Box<Tap>>,
    pub(crate) message: Option<Box<Message>>,
    ending: VecDeque<Tap>,
    pub(crate) mask: Mask,
    pub(crate) reporter: Reporter,
    pub(crate) stats: Stats,
    closing: bool,
    /// The number of the last tick.
    last_tick: Option<u64>,
    /// Ticks that passed with the present one; 0 if it was run already (on the thread that the leg came from).
    pub(crate) ticks: u32,
}

/// What a leg needs of its surroundings: shared by all legs of a thread.
pub struct Bay<'a> {
    /// The tones.
    pub tones: &'a Tones,
    /// Where recorded audio goes.
    pub takes: &'a mut dyn TakeSink,
    /// Where events go, in order.
    pub events: &'a mut Vec<Event>,
    /// Randomness, for the intervals of reports.
    pub rng: &'a mut Rng,
    /// How long nothing may be received before [`Event::Silent`].
    pub rtp_timeout: Duration,
}

/// What the switch orders of one leg; [`Command`](crate::Command)s, taken apart by the driver so that each concerns
/// one leg.
#[derive(Clone, Debug)]
pub enum Order {
    /// See [`Command::Start`](crate::Command::Start).
    Start(Agreed),
    /// See [`Command::Play`](crate::Command::Play).
    Play(PlayId, Arc<[Item]>, bool),
    /// See [`Command::Interject`](crate::Command::Interject).
    Interject(Arc<[Item]>),
    /// See [`Command::StopPlay`](crate::Command::StopPlay).
    StopPlay,
    /// This leg's half of [`Command::Bridge`](crate::Command::Bridge). A bridge carries when both halves are there.
    Join(LegId),
    /// This leg's share of [`Command::Confer`](crate::Command::Confer): the other two.
    Confer([LegId; 2]),
    /// It is in no bridge and no conference any more.
    Part,
    /// See [`Command::KeepDigits`](crate::Command::KeepDigits).
    KeepDigits,
    /// See [`Command::SendDigit`](crate::Command::SendDigit).
    SendDigit(Digit, u16),
    /// See [`Command::Record`](crate::Command::Record).
    Record(TakeId),
    /// See [`Command::StopRecord`](crate::Command::StopRecord).
    StopRecord,
    /// See [`Command::TakeMessage`](crate::Command::TakeMessage).
    TakeMessage(TakeId, Duration),
    /// See [`Command::EndMessage`](crate::Command::EndMessage).
    EndMessage,
    /// See [`Command::Mask`](crate::Command::Mask).
    Mask(Masked),
    /// See [`Command::Close`](crate::Command::Close). The leg runs on until [`Leg::is_finished`].
    Close,
}

impl Leg {
    /// A leg that was given its port.
    #[must_use]
    pub fn new(id: LegId, rng: &mut Rng) -> Self {
        Self {
            id,
            agreed: None,
            protection: Protection::default(),
            latch: Latch::default(),
            receiver: Receiver::default(),
            digits: Digits::default(),
            frame: [Law::Ulaw.silence(); FRAME],
            law: Law::Ulaw,
            heard: Popped::Idle,
            sender: Sender::new(rng),
            keys: Keys::default(),
            playout: None,
            interjection: None,
            peers: [None; 2],
            keeps_digits: false,
            relayed: None,
            tap: None,
            message: None,
            ending: VecDeque::new(),
            mask: Mask::default(),
            reporter: Reporter::new(rng),
            stats: Stats::default(),
            closing: false,
            last_tick: None,
            ticks: 0,
        }
    }

    /// The leg's name.
    #[must_use]
    pub const fn id(&self) -> LegId {
        self.id
    }

    /// Whom the leg hears, the first alone in a bridge. Each is heard if it names this one, too.
    #[must_use]
    pub const fn peers(&self) -> [Option<LegId>; 2] {
        self.peers
    }

    /// True if it hears two others.
    pub(crate) const fn confers(&self) -> bool {
        matches!(self.peers, [Some(_), Some(_)])
    }

    /// Where RTP is to be sent.
    #[must_use]
    pub fn destination(&self) -> Option<SocketAddr> {
        self.agreed.as_ref()?.remote?;
        self.latch.destination()
    }

    /// The only source that can be the peer; while `None`, datagrams of all sources are to be handed in.
    #[must_use]
    pub fn only_source(&self, now: Mono) -> Option<SocketAddr> {
        self.latch.only_source(now)
    }

    /// True once a closed leg has passed its recordings on.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.closing && self.ending.is_empty()
    }

    /// What the leg carried so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats;
        self.receiver.add_to(&mut stats);
        stats.sent = self.sender.packets();
        stats
    }

    /// Counts a datagram that the system refused to send (ICMP errors among them); nothing else follows from it.
    pub fn handle_send_error(&mut self) {
        self.stats.send_errors += 1;
    }

    /// Does what the switch ordered.
    pub fn handle_order(&mut self, now: Mono, order: Order, bay: &mut Bay<'_>) {
        match order {
            Order::Start(agreed) => self.start(now, agreed, bay),
            Order::Play(play, items, repeat) => {
                self.playout = Some(Playout::new(play, items, repeat));
                self.interjection = None;
            }
            Order::Interject(items) => self.interjection = Some(Playout::new(PlayId::from_raw(0), items, false)),
            Order::StopPlay => (self.playout, self.interjection) = (None, None),
            Order::Join(peer) => self.peers = [Some(peer), None],
            Order::Confer(others) => self.peers = others.map(Some),
            Order::Part => self.peers = [None; 2],
            Order::KeepDigits => self.keeps_digits = true,
            Order::SendDigit(digit, duration_ms) => self.keys.press(digit, duration_ms),
            Order::Record(take) => {
                self.end_take(bay);
                self.tap = Some(Box::new(Tap::new(take, self.law)));
            }
            Order::StopRecord => self.end_take(bay),
            Order::TakeMessage(take, quiet) => self.begin_message(take, quiet, bay),
            Order::EndMessage => self.end_message(bay),
            Order::Mask(what) => self.set_mask(what),
            Order::Close => {
                self.closing = true;
                self.peers = [None; 2];
                self.end_take(bay);
                self.end_message(bay);
            }
        }
    }

    /// How many ticks before that one this leg has not had; none if it has had no tick at all.
    #[must_use]
    pub fn missed(&self, tick: u64) -> u64 {
        self.last_tick.map_or(0, |last| tick.saturating_sub(last + 1))
    }

    /// Counts a tick in; how many passed since the last one that this leg had.
    pub(crate) fn begin_tick(&mut self, tick: u64) {
        let passed = self.last_tick.map_or(1, |last| tick.saturating_sub(last));
        self.ticks = u32::try_from(passed).unwrap_or(u32::MAX);
        self.last_tick = Some(self.last_tick.map_or(tick, |last| last.max(tick)));
    }

    /// Tries again to pass on the ends of recordings; each tick does, and a closed leg's driver until
    /// [`Leg::is_finished`].
    pub fn finish(&mut self, bay: &mut Bay<'_>) {
        while let Some(tap) = self.ending.front_mut() {
            let Some(ended) = tap.finish(bay.takes) else { return };
            self.ending.pop_front();
            let (take, frames, lost) = (ended.take, ended.frames, ended.lost);
            bay.events.push(Event::TakeEnded { leg: self.id, take, frames, lost });
        }
    }

    fn start(&mut self, now: Mono, agreed: Agreed, bay: &mut Bay<'_>) {
        self.protection.start(now, agreed.srtp.as_ref());
        self.latch.start(now, agreed.remote, should_send(&agreed));
        let law = law_of(agreed.codec);
        if law != self.law {
            self.receiver.forget_stream();
            self.law = law;
            self.frame.fill(law.silence());
        }
        self.receiver.expect(now);
        self.reporter.start(now, bay.rng);
        self.agreed = Some(agreed);
    }

    fn end_take(&mut self, bay: &mut Bay<'_>) {
        if let Some(tap) = self.tap.take() {
            self.pass_on(*tap, bay);
        }
    }

    /// A recording is over: what is left of it goes on its way.
    pub(crate) fn pass_on(&mut self, tap: Tap, bay: &mut Bay<'_>) {
        if self.ending.len() >= MAX_ENDING {
            self.ending.pop_front();
        }
        self.ending.push_back(tap);
        self.finish(bay);
    }
}

/// True if the peer should send all the time. One that holds, or only sends, may send nothing for as long as it likes.
pub(crate) fn should_send(agreed: &Agreed) -> bool {
    agreed.direction == Direction::SendRecv && agreed.remote.is_some()
}

/// The law of a codec.
pub(crate) const fn law_of(codec: Codec) -> Law {
    match codec {
        Codec::Pcmu => Law::Ulaw,
        Codec::Pcma => Law::Alaw,
    }
}
