//! Offer and answer (RFC 3264) for one audio stream of G.711 with telephone-events.

use std::net::{IpAddr, SocketAddr};

use crate::refusal::Warning;
use crate::{Codec, Description, Direction, Refusal};

/// Our side of a session: where we receive, and the numbers of our o= line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// The address that the peer shall send media to (the advertised one).
    pub address: IpAddr,
    /// The RTP port; RTCP is received on the next one.
    pub port: u16,
    /// The o= session id: one number for all our descriptions in a dialog (RFC 3264 section 8).
    pub session_id: u64,
    /// The o= version: one more for each description that differs from our last one in this dialog.
    pub version: u64,
}

impl Local {
    /// The same session with the version of our next description (RFC 3264 section 8).
    #[must_use]
    pub const fn next_version(self) -> Self {
        Self { version: self.version.wrapping_add(1), ..self }
    }
}

/// What we want of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// The codecs that we take. An offer lists them in this order; an answer follows the offer's order
    /// (RFC 3264 section 6.1).
    pub codecs: Vec<Codec>,
    /// Whether digits go by telephone-event (RFC 4733).
    pub dtmf: bool,
    /// The packet length that we like to receive, in milliseconds (a=ptime).
    pub ptime: u8,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { codecs: vec![Codec::Pcmu, Codec::Pcma], dtmf: true, ptime: 20 }
    }
}

/// What two sides came to: all that media needs of one audio stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Where to send RTP; `None` if the peer holds at 0.0.0.0 or `::` (RFC 3264 section 8.4).
    pub remote: Option<SocketAddr>,
    /// Where to send RTCP: a=rtcp (RFC 3605) or the port after RTP's; `None` where there is none.
    pub remote_rtcp: Option<SocketAddr>,
    /// Which way media flows, seen from us.
    pub direction: Direction,
    /// The codec that we send.
    pub codec: Codec,
    /// The payload type that we send it with: the peer's.
    pub send_pt: u8,
    /// The payload type that it comes with: ours.
    pub receive_pt: u8,
    /// A second codec that the peer may send, with its payload type: our offer held both and so did the answer.
    /// Our own answers hold one codec, so it is `None` for them.
    pub receive_other: Option<(u8, Codec)>,
    /// The payload type for digits that we send; `None` if the peer takes no telephone-events for 0–9, *, #, A–D.
    pub dtmf_send_pt: Option<u8>,
    /// The payload type that the peer's digits come with.
    pub dtmf_receive_pt: Option<u8>,
    /// The packet length that the peer asks for, in milliseconds: a multiple of 10 from 10 to 60; 20 if it says
    /// nothing (RFC 8866 sections 6.4 and 6.5). A sender bound to 20 ms may send that.
    pub send_ptime_ms: u8,
}

/// Our offer: one audio line, both ways (RFC 3264 section 5).
#[must_use]
pub fn offer(local: &Local, preferences: &Preferences) -> Description {
    let _ = preferences;
    Description {
        origin: crate::Origin {
            username: "-".to_owned(),
            session_id: local.session_id.to_string(),
            version: local.version.to_string(),
            address: local.address.into(),
        },
        name: "-".to_owned(),
        connection: Some(local.address.into()),
        times: Vec::new(),
        attributes: Vec::new(),
        media: Vec::new(),
    }
}

/// Our answer to the peer's offer, and what it comes to (RFC 3264 section 6). The first audio line that we can use is
/// taken; every other m= line is rejected in place.
///
/// # Errors
/// [`Refusal`] if no line can be used; it names the fault of the first audio line.
pub fn answer(offer: &Description, local: &Local, preferences: &Preferences) -> Result<(Description, Agreed), Refusal> {
    let _ = (offer, local, preferences);
    Err(Refusal::not_acceptable(Warning::MediaType, "no audio"))
}

/// What the peer's answer makes of our offer (RFC 3264 section 7).
///
/// # Errors
/// [`Refusal`] if the peer took nothing or answered something else than was offered. Its status is the one to name in
/// a Reason header field when the call is ended for it.
pub fn conclude(offer: &Description, answer: &Description) -> Result<Agreed, Refusal> {
    let _ = (offer, answer);
    Err(Refusal::not_acceptable(Warning::MediaType, "no audio"))
}
