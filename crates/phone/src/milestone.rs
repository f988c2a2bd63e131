//! What a phone tells of its call, and how the call came out.

use base::Mono;
use leg::{Digit, Stats};

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// When.
    pub at: Mono,
    /// What.
    pub step: Step,
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The INVITE is sent.
    Calling,
    /// The first 100: somebody has the INVITE.
    Trying,
    /// A provisional response above 100 with another status than the one before.
    Ringing {
        /// Its status, 101–199.
        status: u16,
    },
    /// The other side sends audio before it answers (a provisional response with an answer to our offer).
    EarlyMedia,
    /// The audio will be encrypted, by this suite.
    Encrypted(&'static str),
    /// The call is answered.
    Answered,
    /// The first sound was received that is not silence.
    FirstAudio,
    /// A digit began to be sent.
    Pressed(Digit),
    /// The other side takes no digits by RFC 4733: none are sent.
    NoDigits,
    /// The other side pressed a key.
    Received(Digit),
    /// The other side changed the session (hold, resume, another address).
    Changed,
    /// Nothing is received any more, or at all, though the other side should send.
    Silent,
    /// The call is over, or is being ended.
    Over(Ending),
}

/// Who ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This phone.
    Us,
    /// The other side.
    Them,
}

/// How a call ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was answered, and somebody hung up.
    HungUp {
        /// Who.
        by: Side,
        /// What the other side gave as Reason (RFC 3326). It is the other side's text: not to be printed unfiltered.
        reason: Option<String>,
    },
    /// The other side said no.
    Refused {
        /// The status, 300–699.
        status: u16,
        /// The reason phrase: the other side's text, as above.
        reason: String,
    },
    /// Nobody said anything, or nobody can be reached there.
    Unreachable,
    /// It rang for as long as it may.
    RangOut,
    /// The user gave up before there was an answer.
    GaveUp,
    /// The answer cannot be met: no codec in common, no audio, or nonsense.
    BadAnswer,
    /// The call was answered, and then the other side no longer answered requests or knew nothing of the call.
    Broken,
    /// There is no port for audio here; nothing was sent.
    NoPort,
}

/// How a call came out, when all is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// What its media carried; `None` if that was not told in time.
    pub media: Option<Stats>,
}
