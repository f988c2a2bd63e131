//! A scenario: who is there, what the network is like, what everybody does when, and what must come of it.
//!
//! It is data: read from a file ([`Scenario::read`]), made from a seed ([`Scenario::random`]), made smaller
//! ([`crate::shrink`]), written down as the file that it could have been read from (`Display`), and played
//! ([`Scenario::play`]).

mod expect;
mod play;
mod print;
mod random;
pub(crate) mod read;

use std::net::SocketAddr;
use std::time::Duration;

use sip::Transport;

use crate::company::{Company, carrier_address};
use crate::{Manners, Node, Pace};

pub use expect::{CallExpected, Expected};
pub use play::{Played, Told};
pub(crate) use play::{Stage, or_breaches, text_of};

/// A scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What it is about.
    pub about: String,
    /// The seed of all that is random in it.
    pub seed: u64,
    /// What everything passes on its way.
    pub network: Vec<Node>,
    /// How long media and disks take.
    pub pace: Pace,
    /// Whose phones there are.
    pub phones: Vec<Cast>,
    /// Who does what when, in order of time.
    pub timeline: Vec<Step>,
    /// What must have come of it when all is over.
    pub expected: Expected,
}

/// A phone and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Cast {
    /// What it is called in the scenario.
    pub name: String,
    /// Whose it is.
    pub whose: Whose,
    /// What it calls and registers over.
    pub transport: Transport,
    /// What it answers by itself when it is called, with which status.
    pub answers: Option<u16>,
    /// How long it rings before that.
    pub rings_for: Duration,
    /// When it hangs up by itself.
    pub talks_for: Option<Duration>,
    /// How it was built.
    pub manners: Manners,
}

/// Whose a phone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Somebody outside with this number, who comes by the trunk.
    Outside(String),
    /// A user's.
    User(String),
    /// Somebody's whom nobody knows, with this number.
    Stranger(String),
    /// The far end of the trunk that calls leave by.
    Carrier,
}

/// Something that is done at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, from the scenario's start.
    pub at: Duration,
    /// What.
    pub act: Act,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A phone's owner does something; the phone by its place in [`Scenario::phones`].
    Phone(usize, Deed),
    /// The switch is killed and starts again.
    Restart,
    /// The switch takes no new calls, and ends the others after some seconds.
    Drain,
    /// An operator ends the call that has lived longest.
    EndCall,
    /// The switch is told that handling its last input ended by a panic.
    Fault,
    /// The switch reads its configuration again, which is this one now.
    Reload(Company),
    /// The wall clock jumps so many milliseconds.
    Jump(i64),
    /// There are no more ports for media; or there are again.
    NoPorts(bool),
    /// The disk says nothing any more; or does again.
    DiskStalls(bool),
    /// This must be so now.
    Expect(Expected),
}

/// What a phone's owner does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Calls this number, if the phone has no call.
    Call(String),
    /// The same, and leaves the offer to the switch.
    CallOfferless(String),
    /// Lets it ring (180).
    Ring,
    /// Speaks before the call is taken (183 with SDP).
    SpeakEarly,
    /// Takes the call.
    Answer,
    /// Refuses it with this status.
    Refuse(u16),
    /// Sends the call on to this number (302).
    Redirect(String),
    /// Hangs up: CANCEL, BYE or a refusal.
    HangUp,
    /// Hangs up by BYE although the phone only rings, which it may not (RFC 3261 15).
    ByeEarly,
    /// Sends the other side of the call on to this number (REFER).
    Refer(String),
    /// Puts the call aside and calls this number.
    Consult(String),
    /// Brings the other sides of both calls together (REFER with Replaces).
    Join,
    /// Calls to take the place of this user's phone (INVITE with Replaces).
    TakeOver(String),
    /// Watches this user's calls (SUBSCRIBE for `dialog`).
    Watch(String),
    /// Watches nobody any more.
    Unwatch,
    /// Sends a re-INVITE with this direction.
    Change(sdp::Direction),
    /// Sends a re-INVITE without an offer, so that the switch makes one.
    Ask,
    /// Sends an UPDATE with this direction, also before the call is taken.
    Update(sdp::Direction),
    /// Sends a re-INVITE with another port for media.
    Move,
    /// Presses a key.
    Press(char),
    /// Types some keys, one after the other.
    Type(String),
    /// Sends no media any more.
    Silence,
    /// Registers.
    Register,
    /// Ends the registration.
    Unregister,
    /// The phone loses its power, and all that it knew.
    Vanish,
    /// It is there again after that.
    Return,
    /// Its cable is pulled.
    CutOff,
    /// Its cable is in again.
    Reconnect,
    /// Its connections break.
    BreakLines,
}

impl Scenario {
    /// A scenario in which nothing happens.
    #[must_use]
    pub fn empty(seed: u64) -> Self {
        Self {
            about: String::new(),
            seed,
            network: Vec::new(),
            pace: Pace::default(),
            phones: Vec::new(),
            timeline: Vec::new(),
            expected: Expected::default(),
        }
    }

    /// Where each phone is.
    pub(crate) fn address(&self, phone: usize) -> SocketAddr {
        let port = 5100 + u16::try_from(phone).unwrap_or(0);
        match self.phones.get(phone).map(|cast| &cast.whose) {
            Some(Whose::User(user)) => fixed_address(user).unwrap_or_else(|| ([127, 0, 0, 3], port).into()),
            Some(Whose::Carrier) => carrier_address(),
            Some(Whose::Stranger(_)) => ([127, 0, 0, 4], port).into(),
            Some(Whose::Outside(_)) | None => ([127, 0, 0, 2], port).into(),
        }
    }
}

/// The address of a user who does not register.
pub(crate) fn fixed_address(user: &str) -> Option<SocketAddr> {
    match user {
        "101" => Some(([127, 0, 0, 1], 5071).into()),
        "102" => Some(([127, 0, 0, 1], 5072).into()),
        _ => None,
    }
}

/// The users of the company, as scenarios may name them.
pub(crate) const USERS: [&str; 4] = ["101", "102", "103", "104"];
