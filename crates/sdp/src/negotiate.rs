//! Offer and answer (RFC 3264) for one audio stream of G.711 with telephone-events, plain or as SRTP (RFC 4568).

use std::iter;
use std::net::{IpAddr, SocketAddr};

use compact_str::{CompactString, ToCompactString as _};

use crate::address::endpoints;
use crate::crypto;
use crate::format::{Meaning, describe, formats, packet_length, takes_digits};
use crate::refusal::Warning;
use crate::{Attribute, Codec, Connection, Description, Direction, Media, Origin, Refusal, Security, Srtp};

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
    /// Whether it is protected, and by which keys of ours.
    pub security: Security,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { codecs: vec![Codec::Pcmu, Codec::Pcma], dtmf: true, ptime: 20, security: Security::Never }
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
    /// How both sides protect what they send; `None` if it goes in clear.
    pub srtp: Option<Srtp>,
}

/// The transports of an m= line that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    /// RTP (RFC 3551); by the best effort of some phones with a=crypto, and then as SRTP.
    Avp,
    /// SRTP (RFC 3711).
    Savp,
    /// SRTP with feedback (RFC 5124), of which we send none: nobody must.
    Savpf,
}

impl Transport {
    const ALL: [Self; 3] = [Self::Avp, Self::Savp, Self::Savpf];

    const fn name(self) -> &'static str {
        match self {
            Self::Avp => "RTP/AVP",
            Self::Savp => "RTP/SAVP",
            Self::Savpf => "RTP/SAVPF",
        }
    }

    fn of(media: &Media) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| media.protocol.eq_ignore_ascii_case(transport.name()))
    }
}

/// What stands in an audio line of ours besides its formats.
#[derive(Clone, Debug)]
struct Line {
    port: u16,
    ptime: u8,
    direction: Direction,
    transport: Transport,
    crypto: Vec<Attribute>,
}

/// Our offer: one audio line, both ways (RFC 3264 section 5); as SRTP if protection is required.
#[must_use]
pub fn offer(local: &Local, preferences: &Preferences) -> Description {
    let codecs = preferences.codecs.iter().map(|&codec| (codec.static_pt(), Meaning::Codec(codec)));
    let events = preferences.dtmf.then_some((EVENTS_PT, Meaning::Events));
    let formats: Vec<_> = codecs.chain(events).collect();
    let keys = preferences.security.keys().filter(|_| preferences.security.is_required());
    let line = Line {
        port: local.port,
        ptime: preferences.ptime,
        direction: Direction::SendRecv,
        transport: if keys.is_some() { Transport::Savp } else { Transport::Avp },
        crypto: keys.into_iter().flat_map(crypto::offer).collect(),
    };
    describe_session(local, Vec::new(), vec![audio(&formats, line)])
}

/// Our answer to the peer's offer, and what it comes to (RFC 3264 section 6). The first audio line that we can use is
/// taken, those first that can be protected if that is allowed; with the first codec in the offer's order that we have.
/// Every other m= line is rejected in place.
///
/// # Errors
/// [`Refusal`] if no line can be used; it names the fault of the first audio line.
pub fn answer(offer: &Description, local: &Local, preferences: &Preferences) -> Result<(Description, Agreed), Refusal> {
    let mut refusal = None;
    let mut taken: Option<(usize, Agreed, Transport, Option<Attribute>)> = None;
    for (index, media) in offer.media().iter().enumerate().filter(|(_, media)| is_audio(media)) {
        match agree(offer, media, local, preferences) {
            Ok((agreed, transport, crypto)) => {
                // A phone that leaves us the choice lists the same audio as SRTP and as RTP, in whatever order.
                if taken.as_ref().is_none_or(|(_, before, ..)| before.srtp.is_none() && agreed.srtp.is_some()) {
                    taken = Some((index, agreed, transport, crypto));
                }
            }
            Err(fault) => refusal = refusal.or(Some(fault)),
        }
    }
    let no_audio = || Refusal::not_acceptable(Warning::MediaType, "no audio offered");
    let (taken, agreed, transport, crypto) = taken.ok_or_else(|| refusal.unwrap_or_else(no_audio))?;
    let events = agreed.dtmf_receive_pt.map(|pt| (pt, Meaning::Events));
    let formats: Vec<_> = iter::once((agreed.receive_pt, Meaning::Codec(agreed.codec))).chain(events).collect();
    let (port, ptime, direction) = (local.port, preferences.ptime, agreed.direction);
    let line = Line { port, ptime, direction, transport, crypto: crypto.into_iter().collect() };
    let ours = audio(&formats, line);
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
    check_ports(theirs)?;
    let srtp = protected(ours, theirs)?;
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
        srtp,
    })
}

/// What an answer says of the protection that we offered.
fn protected(ours: &Media, theirs: &Media) -> Result<Option<Srtp>, Refusal> {
    if !ours.protocol.eq_ignore_ascii_case(&theirs.protocol) {
        let text = "answer of another transport than the offer";
        return Err(Refusal::not_acceptable(Warning::TransportProtocol, text));
    }
    let has_keys = |media: &Media| media.values(crypto::CRYPTO).next().is_some();
    match Transport::of(ours).ok_or_else(no_transport)? {
        Transport::Savp | Transport::Savpf => crypto::conclude(ours, theirs).map(Some),
        // Best effort, as phones offer it: protected if the answer has a key.
        Transport::Avp if has_keys(ours) && has_keys(theirs) => crypto::conclude(ours, theirs).map(Some),
        Transport::Avp => Ok(None),
    }
}

/// What one audio line of an offer comes to, if we answer it. We receive with the payload types of the offer: nothing
/// in RFC 3264 section 6.1 keeps an answer from others, but many peers expect the same ones.
fn agree(
    offer: &Description,
    media: &Media,
    local: &Local,
    preferences: &Preferences,
) -> Result<(Agreed, Transport, Option<Attribute>), Refusal> {
    check_ports(media)?;
    let (transport, protection) = protection(media, &preferences.security)?;
    let (srtp, crypto) = protection.unzip();
    let codecs = formats(media, None).filter_map(|(pt, meaning)| match meaning {
        Meaning::Codec(codec) if preferences.codecs.contains(&codec) => Some((pt, codec)),
        Meaning::Codec(_) | Meaning::Events => None,
    });
    let Some((pt, codec)) = { codecs }.next() else {
        return Err(Refusal::not_acceptable(Warning::MediaFormat, "no codec in common: PCMU and PCMA are spoken here"));
    };
    let (remote, remote_rtcp) = endpoints(offer, media, Some(local.address))?;
    let events = events(media, None).filter(|_| preferences.dtmf);
    let agreed = Agreed {
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
        srtp,
    };
    Ok((agreed, transport, crypto))
}

/// How an offered line is protected, with the a=crypto to answer; nothing if it goes in clear.
fn protection(media: &Media, security: &Security) -> Result<(Transport, Option<(Srtp, Attribute)>), Refusal> {
    let transport = Transport::of(media).ok_or_else(no_transport)?;
    let best = security.keys().and_then(|keys| crypto::answer(media, keys));
    let refused = |text| Err(Refusal::not_acceptable(Warning::TransportProtocol, text));
    match (transport, best) {
        (_, Some(best)) => Ok((transport, Some(best))),
        (Transport::Avp, None) if security.is_required() => refused("encrypted audio is required here: RTP/SAVP"),
        (Transport::Avp, None) => Ok((transport, None)),
        _ if security.keys().is_none() => refused("encrypted audio is not allowed here: RTP/AVP alone"),
        _ => refused("no usable a=crypto: AES_CM_128_HMAC_SHA1_80 and AEAD_AES_128_GCM are spoken here"),
    }
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

/// Refuses what is not one stream.
fn check_ports(media: &Media) -> Result<(), Refusal> {
    if media.port == 0 {
        return Err(Refusal::not_acceptable(Warning::MediaType, "audio is switched off (port 0)"));
    }
    if media.port_count != 1 {
        return Err(Refusal::not_acceptable(Warning::Miscellaneous, "audio over several ports"));
    }
    Ok(())
}

fn no_transport() -> Refusal {
    Refusal::not_acceptable(Warning::TransportProtocol, "transport other than RTP/AVP and RTP/SAVP")
}

fn audio(formats: &[(u8, Meaning)], line: Line) -> Media {
    let mut attributes: Vec<_> = formats.iter().flat_map(|&(pt, meaning)| describe(pt, meaning)).collect();
    attributes.push(Attribute::new("ptime", line.ptime));
    attributes.extend(line.crypto);
    attributes.push(Attribute::flag(line.direction.name()));
    Media {
        kind: CompactString::const_new("audio"),
        port: line.port,
        port_count: 1,
        protocol: CompactString::const_new(line.transport.name()),
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
