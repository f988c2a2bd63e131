//! Users: who has a phone, and where it is.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sip::Transport;
use sip_message::{Scheme, Uri};

use super::{SrtpPolicy, UserName};

/// Somebody with a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name shown to those whom he calls.
    pub display: Option<String>,
    /// Where his phone is.
    pub place: Place,
    /// What his calls to the outside show, in place of what their trunk says.
    pub caller_id: Option<Arc<str>>,
    /// Which of his phones ring together, if he registers several.
    pub ring: Ring,
    /// How long they ring before those do that he prefers less.
    pub turn: Duration,
    /// Whether audio is encrypted with his phones, whatever the listener.
    pub srtp: Option<SrtpPolicy>,
}

/// Which of a user's phones ring together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ring {
    /// Those that he prefers equally.
    #[default]
    All,
    /// One after the other; of those that he prefers equally, the one first that registered last.
    InTurn,
}

/// How long phones ring before those do that their user prefers less, if nothing else is said.
const USUAL_TURN: Duration = Duration::from_secs(15);

/// Where a user's phone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a fixed address, by which it is known.
    Fixed(Peer),
    /// Where it registers from. It proves itself with the user's secret.
    Registered,
}

/// Something at an address that calls are sent to: a user's phone, or the far end of a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its URI. That of a trunk has no user part: there stands the number that is called.
    pub contact: Uri,
    /// The address that requests for `contact` are sent to. A user's own calls are known by it.
    pub address: SocketAddr,
    /// The address of this machine that it reaches us at, where the listener is bound to every address. Found by
    /// the driver, as only the system knows; without it the listener's own stands.
    pub reached_at: Option<IpAddr>,
    /// The listener that its calls go out by, as an index, where the configuration says so.
    pub listener: Option<u16>,
}

impl Peer {
    /// What carries requests to it: the `transport` of its contact.
    #[must_use]
    pub fn transport(&self) -> Transport {
        let named = self.contact.param("transport").and_then(|name| Transport::by_name(&name));
        match self.contact.scheme() {
            // Above TCP if nothing else is said (RFC 3261 26.2.2).
            Scheme::Sips => Transport::Tls,
            Scheme::Sip => named.unwrap_or_default(),
        }
    }
}

/// Who may see what a user's phone does, besides himself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watchers {
    /// Every user.
    All,
    /// These.
    Only(BTreeSet<UserName>),
}

impl User {
    /// A user without a display name whose calls show what their trunk says.
    #[must_use]
    pub const fn at(place: Place) -> Self {
        Self { display: None, place, caller_id: None, ring: Ring::All, turn: USUAL_TURN, srtp: None }
    }

    /// His phone, if it is at a fixed address.
    #[must_use]
    pub fn fixed(&self) -> Option<&Peer> {
        match &self.place {
            Place::Fixed(phone) => Some(phone),
            Place::Registered => None,
        }
    }
}
