//! The jitter buffer: audio placed by its timestamp, taken out 20 ms at a time.
//!
//! Packets of any length (10, 20, 30, 40 ms, …) are put at their place in a ring of octets, so that what comes out is
//! in frames of 20 ms whatever came in. The playing point advances by one frame a tick. How far behind the newest
//! audio it stays adapts: a late packet moves it back (up to [`MAX_DELAY`]), a long time without need moves it
//! forward. What is missing when its turn comes is concealed: the last frame again, fading, then silence.

use audio::{FRAME, Law};

use crate::ring::Ring;

/// A frame in timestamp units.
const STEP: u32 = 160;

/// Octets behind the playing point of which is known whether they came, to tell late packets from doubled ones.
const HISTORY: i32 = 1600;

/// Octets ahead of the playing point that are taken; what is further ahead is a new beginning of the timestamps.
/// History and this are less than the ring, so that no octet stands for two moments.
const AHEAD: u32 = 2400;

/// The delay that a stream begins with: 40 ms.
const FIRST_DELAY: u32 = 320;

/// The longest delay that late packets bring about: 120 ms.
const MAX_DELAY: u32 = 960;

/// The longest packet that is taken: 120 ms.
const MAX_PACKET: usize = 960;

/// Frames between two looks at whether the delay is longer than needed: 5 s.
const REVIEW: u16 = 250;

/// If each packet came earlier before its turn than this (40 ms), so much delay is given up.
const SPARE: i32 = 320;

/// Frames given up at once.
const MAX_GIVEN_UP: u32 = 3;

/// Missing frames in a row after which a stream that has nothing more to play begins anew: 200 ms.
const STARVED: u16 = 10;

/// Missing frames in a row that repeat the last one, before silence.
const REPEATS: u16 = 3;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// It is, at least in part, yet to be played.
    Taken,
    /// It came too late, or twice.
    Discarded,
}

/// What a frame is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Popped {
    /// No stream: silence.
    #[default]
    Idle,
    /// What was received, perhaps with a part concealed.
    Audio,
    /// Nothing came in time.
    Concealed,
}

/// The buffer of one stream; 5 kB, so made when the first packet comes.
pub(crate) struct JitterBuffer {
    ring: Ring,
    /// Timestamp of the next octet to play; of no meaning while `idle`.
    play: u32,
    /// Timestamp after the newest octet.
    end: u32,
    /// No stream: the next packet begins one.
    idle: bool,
    /// The stream's first packet is yet to be played.
    beginning: bool,
    /// How long before its turn a packet comes, if it comes as the first one did; in timestamp units.
    delay: u32,
    /// The least time before its turn at which a packet came since the last review.
    headroom: i32,
    until_review: u16,
    /// Frames missing in a row.
    missing: u16,
    /// A frame is to be inserted, for packets come too late but out of order.
    hold: bool,
    /// Where the packet after one that jumped would be.
    jump: Option<u32>,
}

impl JitterBuffer {
    pub(crate) const fn new() -> Self {
        Self {
            ring: Ring::new(),
            play: 0,
            end: 0,
            idle: true,
            beginning: false,
            delay: FIRST_DELAY,
            headroom: i32::MAX,
            until_review: REVIEW,
            missing: 0,
            hold: false,
            jump: None,
        }
    }

    /// Forgets the stream; the next packet begins one.
    pub(crate) const fn reset(&mut self) {
        self.idle = true;
        self.jump = None;
        self.delay = FIRST_DELAY;
    }

    /// Puts a packet's audio at its place, as `to`.
    pub(crate) fn insert(&mut self, timestamp: u32, audio: &[u8], from: Law, to: Law) -> Inserted {
        if audio.is_empty() || audio.len() > MAX_PACKET {
            return Inserted::Discarded;
        }
        let length = u32::try_from(audio.len()).unwrap_or(0);
        if self.idle {
            self.begin(timestamp);
        } else if !self.is_near(timestamp, length) && !self.follow_jump(timestamp, length) {
            return Inserted::Discarded;
        }
        self.jump = None;
        if self.ring.count(timestamp, audio.len()) == audio.len() {
            return Inserted::Discarded;
        }
        if distance(self.play, timestamp) < 0 {
            self.make_room_for(timestamp, length);
        }
        self.headroom = self.headroom.min(distance(self.play, timestamp));
        let late = distance(timestamp, self.play).max(0).cast_unsigned();
        let in_time = usize::try_from(late).ok().and_then(|late| audio.get(late..)).unwrap_or_default();
        if in_time.is_empty() {
            return Inserted::Discarded;
        }
        self.ring.put(timestamp.wrapping_add(late), in_time, from, to);
        let end = timestamp.wrapping_add(length);
        if distance(self.end, end) > 0 {
            self.end = end;
        }
        Inserted::Taken
    }

    /// Passes over frames whose ticks were not run.
    pub(crate) fn skip(&mut self, frames: u32) {
        for _ in 0..frames.min(AHEAD / STEP) {
            self.advance();
        }
    }

    /// Takes out the frame whose turn it is. `frame` comes in as the last one, which concealment repeats.
    pub(crate) fn pop(&mut self, law: Law, frame: &mut [u8; FRAME]) -> Popped {
        if self.idle {
            frame.fill(law.silence());
            return Popped::Idle;
        }
        if std::mem::take(&mut self.hold) && self.delay + STEP <= MAX_DELAY {
            self.delay += STEP;
            conceal(law, frame, 0);
            return Popped::Concealed;
        }
        self.review();
        let popped = self.fill(law, frame);
        self.advance();
        if self.missing >= STARVED && distance(self.play, self.end) <= 0 {
            self.idle = true;
        }
        popped
    }

    fn fill(&mut self, law: Law, frame: &mut [u8; FRAME]) -> Popped {
        let present = self.ring.count(self.play, FRAME);
        if present == FRAME {
            self.ring.copy(self.play, frame);
            self.missing = 0;
            self.beginning = false;
            return Popped::Audio;
        }
        if present == 0 && self.beginning {
            frame.fill(law.silence());
            return Popped::Idle;
        }
        conceal(law, frame, if self.beginning { REPEATS } else { self.missing });
        if present == 0 {
            self.missing = self.missing.saturating_add(1);
            return Popped::Concealed;
        }
        for (octet, at) in frame.iter_mut().zip(0..) {
            *octet = self.ring.octet(self.play.wrapping_add(at)).unwrap_or(*octet);
        }
        self.missing = 0;
        self.beginning = false;
        Popped::Audio
    }

    fn advance(&mut self) {
        // What enters the window ahead has the place of what left it behind.
        self.ring.forget(self.play.wrapping_add(AHEAD), FRAME);
        self.play = self.play.wrapping_add(STEP);
    }

    fn begin(&mut self, timestamp: u32) {
        self.ring.clear();
        self.play = timestamp.wrapping_sub(self.delay);
        self.end = timestamp;
        self.idle = false;
        self.beginning = true;
        self.missing = 0;
        self.hold = false;
        self.headroom = i32::MAX;
        self.until_review = REVIEW;
    }

    fn is_near(&self, timestamp: u32, length: u32) -> bool {
        let offset = distance(self.play, timestamp);
        offset > -HISTORY && offset.saturating_add_unsigned(length) <= AHEAD.cast_signed()
    }

    /// A packet far from the others is a new beginning if nothing else is left to play or the packet before it
    /// led there; one stray packet must not cost what is buffered.
    fn follow_jump(&mut self, timestamp: u32, length: u32) -> bool {
        if self.jump != Some(timestamp) && distance(self.play, self.end) > 0 {
            self.jump = Some(timestamp.wrapping_add(length));
            return false;
        }
        self.begin(timestamp);
        true
    }

    /// A packet came after its turn. If nothing that follows it was played, the playing point goes back to it: the
    /// rest will come as late. If packets came out of order, this one is lost and one frame inserted for the next.
    fn make_room_for(&mut self, timestamp: u32, length: u32) {
        let back = distance(timestamp, self.play).max(0).cast_unsigned();
        if self.delay + back > MAX_DELAY {
            return;
        }
        let followers = usize::try_from(back.saturating_sub(length)).unwrap_or(0);
        if self.ring.count(timestamp.wrapping_add(length), followers) > 0 {
            self.hold = true;
            return;
        }
        self.play = timestamp;
        self.delay += back;
    }

    /// Gives up delay that no packet needed for long.
    fn review(&mut self) {
        self.until_review = self.until_review.saturating_sub(1);
        if self.until_review > 0 {
            return;
        }
        if self.headroom != i32::MAX {
            let spare = u32::try_from(self.headroom - SPARE).unwrap_or(0).div_ceil(STEP).min(MAX_GIVEN_UP);
            for _ in 0..spare {
                self.advance();
                self.delay = self.delay.saturating_sub(STEP);
            }
        }
        self.headroom = i32::MAX;
        self.until_review = REVIEW;
    }
}

impl std::fmt::Debug for JitterBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JitterBuffer").field("idle", &self.idle).field("delay", &self.delay).finish_non_exhaustive()
    }
}

/// Timestamp units from `from` to `to`, over the wrap.
const fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

/// Turns the last frame into one that stands for a missing one: the same at 5/8 of its amplitude, then silence.
fn conceal(law: Law, frame: &mut [u8; FRAME], missing: u16) {
    if missing >= REPEATS {
        frame.fill(law.silence());
        return;
    }
    for octet in frame {
        *octet = law.encode_sample(law.decode_sample(*octet) / 8 * 5);
    }
}

#[cfg(test)]
mod tests;
