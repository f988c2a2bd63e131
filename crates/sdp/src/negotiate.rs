//! Offer and answer (RFC 3264) for one audio stream of G.711 with telephone-events.

use std::iter;
use std::net::{IpAddr, SocketAddr};

use compact_str::{CompactString, ToCompactString as _};

use crate::address::endpoints;
use crate::format::{Meaning, describe, formats, packet_length, takes_digits};
use crate::refusal::Warning;
use crate::{Attribute, Codec, Connection, Description, Direction, Media, Origin, Refusal};

/// The only transport for now (RFC 3551).
const RTP_AVP: &str = "RTP/AVP";

/// The payload type of telephone-event in our offers: dynamic, and the one that most phones use.
const EVENTS_PT: u8 = 101;

/// The o= numbers must fit 63 bits (RFC 3264 section 5).
const MAX_NUMBER: u64 = i64::MAX.cast_unsigned();

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
    let codecs = preferences.codecs.iter().map(|&codec| (codec.static_pt(), Meaning::Codec(codec)));
    let events = preferences.dtmf.then_some((EVENTS_PT, Meaning::Events));
    let formats: Vec<_> = codecs.chain(events).collect();
    describe_session(local, Vec::new(), vec![audio(local.port, &formats, preferences.ptime, Direction::SendRecv)])
}

/// Our answer to the peer's offer, and what it comes to (RFC 3264 section 6). The first audio line that we can use is
/// taken, with the first codec in the offer's order that we have; every other m= line is rejected in place.
///
/// # Errors
/// [`Refusal`] if no line can be used; it names the fault of the first audio line.
pub fn answer(offer: &Description, local: &Local, preferences: &Preferences) -> Result<(Description, Agreed), Refusal> {
    let mut refusal = None;
    let mut taken = None;
    for (index, media) in offer.media().iter().enumerate().filter(|(_, media)| is_audio(media)) {
        match agree(offer, media, local, preferences) {
            Ok(agreed) => {
                taken = Some((index, agreed));
                break;
            }
            Err(fault) => refusal = refusal.or(Some(fault)),
        }
    }
    let no_audio = || Refusal::not_acceptable(Warning::MediaType, "no audio offered");
    let (taken, agreed) = taken.ok_or_else(|| refusal.unwrap_or_else(no_audio))?;
    let events = agreed.dtmf_receive_pt.map(|pt| (pt, Meaning::Events));
    let formats: Vec<_> = iter::once((agreed.receive_pt, Meaning::Codec(agreed.codec))).chain(events).collect();
    let ours = audio(local.port, &formats, preferences.ptime, agreed.direction);
    let lines = offer.media().iter().enumerate();
    let media = lines.map(|(index, line)| if index == taken { ours.clone() } else { line.rejected() }).collect();
    Ok((describe_session(local, offer.times.clone(), media), agreed))
}

/// What the peer's answer makes of our offer (RFC 3264 section 7).
///
/// # Errors
/// [`Refusal`] if the peer took nothing or answered something else than was offered. Its status is the one to name in
/// a Reason header field when the call is ended for it.
pub fn conclude(offer: &Description, answer: &Description) -> Result<Agreed, Refusal> {
    if offer.media.len() != answer.media.len() {
        return Err(Refusal::malformed("answer of more or fewer media than the offer"));
    }
    let mut lines = offer.media.iter().zip(&answer.media);
    let Some((ours, theirs)) = lines.find(|(ours, _)| is_audio(ours) && ours.port != 0) else {
        return Err(Refusal::not_acceptable(Warning::MediaType, "no audio offered"));
    };
    if !is_audio(theirs) {
        return Err(Refusal::malformed("answer of another media type than the offer"));
    }
    check_transport(theirs)?;
    let offered = |wanted| formats(ours, None).find(|&(_, meaning)| meaning == wanted).map(|(pt, _)| pt);
    let mut codecs = formats(theirs, Some(ours)).filter_map(|(send_pt, meaning)| match meaning {
        Meaning::Codec(codec) => Some((send_pt, offered(meaning)?, codec)),
        Meaning::Events => None,
    });
    let Some((send_pt, receive_pt, codec)) = codecs.next() else {
        return Err(Refusal::not_acceptable(Warning::MediaFormat, "answer without a codec that was offered"));
    };
    let receive_other = codecs.find(|&(_, _, other)| other != codec).map(|(_, pt, other)| (pt, other));
    let events = offered(Meaning::Events).zip(events(theirs, Some(ours)));
    let family = offer.connection.as_ref().and_then(|connection| connection.address.parse().ok());
    let (remote, remote_rtcp) = endpoints(answer, theirs, family)?;
    let allowed = offer.direction(ours);
    let flow = flow(answer, theirs, remote.is_some());
    Ok(Agreed {
        remote,
        remote_rtcp,
        direction: Direction::of(allowed.sends() && flow.sends(), allowed.receives() && flow.receives()),
        codec,
        send_pt,
        receive_pt,
        receive_other,
        dtmf_send_pt: events.and_then(|(_, theirs)| theirs.digits()),
        dtmf_receive_pt: events.map(|(ours, _)| ours),
        send_ptime_ms: packet_length(theirs),
    })
}

/// What one audio line of an offer comes to, if we answer it. We receive with the payload types of the offer: nothing
/// in RFC 3264 section 6.1 keeps an answer from others, but many peers expect the same ones.
fn agree(offer: &Description, media: &Media, local: &Local, preferences: &Preferences) -> Result<Agreed, Refusal> {
    check_transport(media)?;
    let codecs = formats(media, None).filter_map(|(pt, meaning)| match meaning {
        Meaning::Codec(codec) if preferences.codecs.contains(&codec) => Some((pt, codec)),
        Meaning::Codec(_) | Meaning::Events => None,
    });
    let Some((pt, codec)) = { codecs }.next() else {
        return Err(Refusal::not_acceptable(Warning::MediaFormat, "no codec in common: PCMU and PCMA are spoken here"));
    };
    let (remote, remote_rtcp) = endpoints(offer, media, Some(local.address))?;
    let events = events(media, None).filter(|_| preferences.dtmf);
    Ok(Agreed {
        remote,
        remote_rtcp,
        direction: flow(offer, media, remote.is_some()),
        codec,
        send_pt: pt,
        receive_pt: pt,
        receive_other: None,
        dtmf_send_pt: events.and_then(Events::digits),
        dtmf_receive_pt: events.map(|events| events.pt),
        send_ptime_ms: packet_length(media),
    })
}

/// Which way media flows, seen from us, by what the peer says. To a peer that holds at 0.0.0.0 we cannot send.
fn flow(description: &Description, media: &Media, reachable: bool) -> Direction {
    let ours = description.direction(media).reversed();
    Direction::of(ours.sends() && reachable, ours.receives())
}

/// A peer's telephone-event format.
#[derive(Clone, Copy)]
struct Events {
    pt: u8,
    digits: bool,
}

impl Events {
    /// The payload type for digits, if it takes them.
    fn digits(self) -> Option<u8> {
        self.digits.then_some(self.pt)
    }
}

fn events(media: &Media, offered: Option<&Media>) -> Option<Events> {
    let (pt, _) = formats(media, offered).find(|&(_, meaning)| meaning == Meaning::Events)?;
    Some(Events { pt, digits: takes_digits(media, pt) })
}

fn is_audio(media: &Media) -> bool {
    media.kind.eq_ignore_ascii_case("audio")
}

/// Refuses what is not one plain RTP stream.
fn check_transport(media: &Media) -> Result<(), Refusal> {
    if media.port == 0 {
        return Err(Refusal::not_acceptable(Warning::MediaType, "audio is switched off (port 0)"));
    }
    if !media.protocol.eq_ignore_ascii_case(RTP_AVP) {
        return Err(Refusal::not_acceptable(Warning::TransportProtocol, "transport other than RTP/AVP"));
    }
    if media.port_count != 1 {
        return Err(Refusal::not_acceptable(Warning::Miscellaneous, "audio over several ports"));
    }
    Ok(())
}

fn audio(port: u16, formats: &[(u8, Meaning)], ptime: u8, direction: Direction) -> Media {
    let mut attributes: Vec<_> = formats.iter().flat_map(|&(pt, meaning)| describe(pt, meaning)).collect();
    attributes.push(Attribute::new("ptime", ptime));
    attributes.push(Attribute::flag(direction.name()));
    Media {
        kind: CompactString::const_new("audio"),
        port,
        port_count: 1,
        protocol: RTP_AVP.into(),
        formats: formats.iter().map(|(pt, _)| pt.to_compact_string()).collect(),
        connections: Vec::new(),
        attributes,
    }
}

/// Our session lines. An answer repeats the offer's t= (RFC 3264 section 6); an offer says `0 0` (section 5).
fn describe_session(local: &Local, mut times: Vec<CompactString>, media: Vec<Media>) -> Description {
    if times.is_empty() {
        times.push(CompactString::const_new("0 0"));
    }
    let connection = Connection::from(local.address);
    let origin = Origin {
        username: CompactString::const_new("-"),
        session_id: (local.session_id & MAX_NUMBER).to_compact_string(),
        version: (local.version & MAX_NUMBER).to_compact_string(),
        address: connection.clone(),
    };
    let attributes = Vec::new();
    Description { origin, name: CompactString::const_new("-"), connection: Some(connection), times, attributes, media }
}
