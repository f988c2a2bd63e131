//! The vocabulary between the switch and the media threads: commands down, events up, recorded audio aside.

use std::sync::Arc;
use std::time::Duration;

pub use audio::{FRAME, Law, Prompt};
use base::{LegId, PlayId, TakeId};
pub use rtp::Digit;
use sdp::Agreed;

/// What the switch asks of a leg's media. Commands of one leg take effect in the order in which they were given;
/// those of a leg that is not open are ignored.
#[derive(Clone, Debug)]
pub enum Command {
    /// Binds the leg's port; answered by [`Event::Opened`] or [`Event::OpenFailed`].
    Open {
        /// The leg, new.
        leg: LegId,
    },
    /// Takes up what offer and answer agreed; again after each re-INVITE (new address, direction or codec).
    Start {
        /// The leg.
        leg: LegId,
        /// The outcome of offer and answer.
        agreed: Agreed,
    },
    /// Plays items from the next tick on, in place of what plays; ends by [`Event::PlayDone`] unless `repeat`.
    /// While something plays, it is sent in place of a bridged peer's audio.
    Play {
        /// The leg.
        leg: LegId,
        /// Names this playout in its [`Event::PlayDone`].
        play: PlayId,
        /// What to play, in order.
        items: Arc<[Item]>,
        /// Whether to begin again after the last item, until stopped or replaced.
        repeat: bool,
    },
    /// Plays items once over what plays, which goes on behind them where it was; no [`Event::PlayDone`] follows for them. They end
    /// with whatever [`Command::Play`] or [`Command::StopPlay`] comes next.
    Interject {
        /// The leg.
        leg: LegId,
        /// What to play, in order.
        items: Arc<[Item]>,
    },
    /// Stops what plays; no [`Event::PlayDone`] follows.
    StopPlay {
        /// The leg.
        leg: LegId,
    },
    /// Sends each leg's audio and digits to the other. A bridge that either leg had ends first. If they are on two
    /// threads, one moves.
    Bridge {
        /// One leg.
        a: LegId,
        /// The other.
        b: LegId,
    },
    /// Has each of three legs hear the other two; digits go to none of them. Bridges and conferences that any of them had end first.
    /// All move to one thread.
    Confer {
        /// The legs.
        legs: [LegId; 3],
    },
    /// Ends the leg's bridge, for both sides; or takes it out of its conference, whose other two are a bridge from then on.
    Unbridge {
        /// The leg.
        leg: LegId,
    },
    /// Keeps the digits of the leg's peer from whom it is bridged with, from now on: they are told ([`Event::Digit`]) and go no
    /// further by themselves.
    KeepDigits {
        /// The leg.
        leg: LegId,
    },
    /// Sends a digit to the peer by RFC 4733 after those already asked for; ignored if it takes none.
    SendDigit {
        /// The leg.
        leg: LegId,
        /// The digit.
        digit: Digit,
        /// How long the key is held, in milliseconds; 40–8,000 is kept to.
        duration_ms: u16,
    },
    /// Begins a recording of both directions; a recording that runs ends first.
    Record {
        /// The leg: left is what it received, right what it was sent.
        leg: LegId,
        /// Names the recording in its [`Chunk`]s.
        take: TakeId,
    },
    /// Ends the recording; its last [`Chunk`] and [`Event::TakeEnded`] follow.
    StopRecord {
        /// The leg.
        leg: LegId,
    },
    /// Begins to take a message: a recording beside that of [`Command::Record`], whose right side is silence; one that runs ends
    /// first. [`Event::Quiet`] tells that the peer says no more.
    TakeMessage {
        /// The leg.
        leg: LegId,
        /// Names the recording in its [`Chunk`]s.
        take: TakeId,
        /// How long nothing is said before that is told, in steps of 20 ms.
        quiet: Duration,
    },
    /// Ends the message; its last [`Chunk`] and [`Event::TakeEnded`] follow.
    EndMessage {
        /// The leg.
        leg: LegId,
    },
    /// Keeps out of recordings what is said from the next tick on, in place of which they have silence; or, with
    /// [`Masked::Nothing`], no longer, a second after the last key was let go: [`Event::MaskEnded`] follows. The leg is masked
    /// whether it is recorded or not.
    Mask {
        /// The leg.
        leg: LegId,
        /// Whose words.
        what: Masked,
    },
    /// Ends the leg, its recording and its part in a bridge or conference; answered by [`Event::Closed`]. The port rests before its next use.
    Close {
        /// The leg.
        leg: LegId,
    },
}

/// Whose words are kept out of recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Masked {
    /// Nobody's.
    #[default]
    Nothing,
    /// What is received: the left of a recording.
    Peer,
    /// What is received, and what is sent.
    Both,
}

/// One thing to play.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A prompt from its beginning to its end. What plays holds its sound, whatever becomes of the configuration meanwhile.
    Prompt(Prompt),
    /// Nothing, for a time (played in steps of 1/8000 s).
    Silence(Duration),
    /// One period of a tone; with `repeat` it goes on without a seam.
    Tone(Tone),
}

/// A tone that the switch makes itself. One period each, so that a playlist repeats it at will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// 425 Hz, 1 s on, 4 s off (ITU-T E.180, as most of Europe rings).
    Ringback,
    /// 425 Hz, 500 ms on, 500 ms off.
    Busy,
    /// 425 Hz, 250 ms on, 250 ms off.
    Congestion,
    /// 1,000 Hz for 200 ms: speak now.
    Beep,
}

/// What a leg's media tells the switch.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The leg has its port (even; RTCP is one above).
    Opened {
        /// The leg.
        leg: LegId,
        /// Where it receives RTP.
        port: u16,
    },
    /// The leg has no port; it is not open.
    OpenFailed {
        /// The leg.
        leg: LegId,
        /// Why.
        reason: OpenFailure,
    },
    /// The peer pressed a key: told at the event's first packet, once an event.
    Digit {
        /// The leg.
        leg: LegId,
        /// The key.
        digit: Digit,
    },
    /// The key of the last [`Event::Digit`] was let go, or its packets ceased.
    DigitEnd {
        /// The leg.
        leg: LegId,
        /// The key.
        digit: Digit,
        /// How long it was held, in milliseconds.
        duration_ms: u32,
    },
    /// The last item was sent.
    PlayDone {
        /// The leg.
        leg: LegId,
        /// The playout that ended.
        play: PlayId,
    },
    /// Nothing was received for the RTP time-out, though the peer should send. Told once a silence.
    Silent {
        /// The leg.
        leg: LegId,
    },
    /// The peer has said nothing for as long as [`Command::TakeMessage`] named. Told once a silence.
    Quiet {
        /// The leg.
        leg: LegId,
    },
    /// A recording ended, or a message; its last [`Chunk`] is on its way.
    TakeEnded {
        /// The leg.
        leg: LegId,
        /// The recording.
        take: TakeId,
        /// Its length in frames of 20 ms, lost ones included.
        frames: u64,
        /// Frames that the writer had no room for.
        lost: u64,
    },
    /// What the peer says is recorded again.
    MaskEnded {
        /// The leg.
        leg: LegId,
    },
    /// The leg is closed; nothing of it follows.
    Closed {
        /// The leg.
        leg: LegId,
        /// What it carried.
        stats: Stats,
    },
}

impl Event {
    /// The leg that it is about.
    #[must_use]
    pub const fn leg(&self) -> LegId {
        match self {
            Self::Opened { leg, .. }
            | Self::OpenFailed { leg, .. }
            | Self::Digit { leg, .. }
            | Self::DigitEnd { leg, .. }
            | Self::PlayDone { leg, .. }
            | Self::Silent { leg }
            | Self::Quiet { leg }
            | Self::TakeEnded { leg, .. }
            | Self::MaskEnded { leg }
            | Self::Closed { leg, .. } => *leg,
        }
    }
}

/// Why a leg got no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenFailure {
    /// Each port of the range is in use or at rest.
    NoPort,
    /// The system gives no more sockets (descriptors or memory).
    NoSocket,
    /// The leg is open already.
    AlreadyOpen,
}

/// What a leg carried; counts since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// RTP packets sent.
    pub sent: u64,
    /// RTP packets of the peer taken.
    pub received: u64,
    /// Packets that the peer's sequence numbers say were lost (RFC 3550 appendix A.3; doubles can make it negative).
    pub lost: i64,
    /// Packets that came too late to be played, or doubled.
    pub discarded: u64,
    /// Frames of 20 ms that were filled in for missing audio while the peer was sending.
    pub concealed: u64,
    /// Datagrams that were no RTP of this leg: another source, another payload type, malformed.
    pub strangers: u64,
    /// Packets on a leg with SRTP that did not prove themselves: under another key, changed, or in clear.
    pub unauthentic: u64,
    /// Packets on a leg with SRTP that came before, or too late to tell.
    pub replayed: u64,
    /// Interarrival jitter at the end, in microseconds (RFC 3550 section 6.4.1). The driver looks for packets once a
    /// tick, so it is coarse: what does not cross a tick does not show.
    pub jitter_us: u32,
    /// Loss that the peer last reported of our packets, in 1/256.
    pub remote_loss: u8,
    /// Round-trip time by the peer's last report, in microseconds.
    pub round_trip_us: Option<u32>,
    /// Digits received.
    pub digits: u32,
    /// Times that the source moved after it was first latched.
    pub moves: u32,
    /// Datagrams that the system refused to send (ICMP errors, full buffers).
    pub send_errors: u64,
}

/// About half a second of a recording, on its way to be written.
#[derive(Debug)]
pub struct Chunk {
    /// The recording.
    pub take: TakeId,
    /// The law of both sides.
    pub law: Law,
    /// Place of the chunk's first frame: frames of 20 ms since the take began. A gap after the chunk before is audio
    /// that was lost; written as silence it keeps both sides aligned.
    pub first_frame: u64,
    /// Frames lost since the chunk before.
    pub lost: u32,
    /// True for the last chunk of the take, which may be empty.
    pub last: bool,
    /// The audio. To be handed back to the pool that [`TakeSink::buffer`] draws from.
    pub audio: Stereo,
}

/// Both sides of a stretch of audio: raw G.711, of equal length, a whole number of 160-octet frames.
#[derive(Debug, Default)]
pub struct Stereo {
    /// What the leg received.
    pub left: Vec<u8>,
    /// What the leg was sent.
    pub right: Vec<u8>,
}

/// Frames of 20 ms in a full [`Chunk`].
pub const CHUNK_FRAMES: usize = 25;

impl Stereo {
    /// Empty buffers with room for a full chunk; for pools.
    #[must_use]
    pub fn with_room() -> Self {
        Self { left: Vec::with_capacity(CHUNK_FRAMES * FRAME), right: Vec::with_capacity(CHUNK_FRAMES * FRAME) }
    }
}

/// The port through which recordings leave a media thread. Neither method may block or wait.
///
/// A leg may move between threads during a take: the sinks of all threads feed one queue, so that chunks stay in order.
pub trait TakeSink: Send {
    /// Empty buffers with room for a chunk; `None` when the pool is empty because the writer is behind (frames are
    /// then dropped and counted).
    fn buffer(&mut self) -> Option<Stereo>;

    /// Passes a chunk on.
    ///
    /// # Errors
    /// Gives the chunk back when the queue is full.
    fn deliver(&mut self, chunk: Chunk) -> Result<(), Chunk>;
}
