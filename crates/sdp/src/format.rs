//! Payload formats of RTP/AVP: which codec a payload type stands for.

use std::fmt;

use crate::parse::{number, split};
use crate::{Attribute, Media};

/// The encoding name of RFC 4733 section 2.1.
const EVENTS: &str = "telephone-event";

/// A codec that we encode and decode ourselves. Both run at 8 kHz and one octet a sample (RFC 3551 section 4.5.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law; static payload type 0.
    Pcmu,
    /// G.711 A-law; static payload type 8.
    Pcma,
}

impl Codec {
    /// The static payload type of RFC 3551 section 6.
    #[must_use]
    pub const fn static_pt(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// The encoding name in a=rtpmap.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a payload type of an m= line stands for, as far as we know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Codec(Codec),
    /// telephone-event at 8 kHz (RFC 4733).
    Events,
}

/// The known formats of `media` in its order. The mapping is a=rtpmap's, which may give a static payload type another
/// meaning; without one it is that of RFC 3551's table or, in an answer, that of `offered`: some answers list a dynamic
/// payload type of the offer and leave its a=rtpmap out.
pub(crate) fn formats<'a>(media: &'a Media, offered: Option<&'a Media>) -> impl Iterator<Item = (u8, Meaning)> + 'a {
    media.formats().filter_map(move |format| {
        let pt = payload_type(format)?;
        let meaning = match mapping(media, pt).or_else(|| mapping(offered?, pt)) {
            Some(encoding) => meaning(encoding),
            None => [Codec::Pcmu, Codec::Pcma].into_iter().find(|codec| codec.static_pt() == pt).map(Meaning::Codec),
        };
        Some((pt, meaning?))
    })
}

/// A payload type has seven bits.
fn payload_type(text: &str) -> Option<u8> {
    number(text).and_then(|pt| u8::try_from(pt).ok()).filter(|&pt| pt < 128)
}

/// The encoding that the first a=rtpmap for `pt` names: `name/clock[/channels]` (RFC 8866 section 6.6).
fn mapping(media: &Media, pt: u8) -> Option<&str> {
    value_for(media, "rtpmap", pt)
}

/// What follows `pt` in the first attribute `name` that begins with it.
fn value_for<'a>(media: &'a Media, name: &'a str, pt: u8) -> Option<&'a str> {
    media.values(name).find_map(|value| {
        let (format, rest) = split(value, b' ')?;
        (payload_type(format)? == pt).then(|| rest.trim())
    })
}

fn meaning(encoding: &str) -> Option<Meaning> {
    let (name, clock) = split(encoding, b'/')?;
    let (clock, channels) = split(clock, b'/').unwrap_or((clock, "1"));
    // What may follow the channels says nothing of the codec.
    let channels = split(channels, b'/').map_or(channels, |(channels, _)| channels);
    if clock != "8000" || channels != "1" {
        return None;
    }
    let codec = [Codec::Pcmu, Codec::Pcma].into_iter().find(|codec| name.eq_ignore_ascii_case(codec.name()));
    codec.map(Meaning::Codec).or_else(|| name.eq_ignore_ascii_case(EVENTS).then_some(Meaning::Events))
}

/// True unless the peer's a=fmtp for `pt` lists events and no digit (0–15) among them. Nothing said means 0–15
/// (RFC 4733 section 2.4.1), and what does not read says nothing.
pub(crate) fn takes_digits(media: &Media, pt: u8) -> bool {
    let Some(events) = value_for(media, "fmtp", pt) else {
        return true;
    };
    events.split(',').any(|range| {
        let first = range.split_once('-').map_or(range, |(first, _)| first);
        number(first.trim()).is_none_or(|event| event <= 15)
    })
}

/// The packet length that `media` asks for, in milliseconds: a=ptime within a=maxptime (RFC 8866 sections 6.4, 6.5), a
/// multiple of 10 from 10 to 60.
pub(crate) fn packet_length(media: &Media) -> u8 {
    // Some write `20.0`, and 0 for "I don't know".
    let value = |name| {
        let text = media.attribute(name)?.trim();
        number(split(text, b'.').map_or(text, |(whole, _)| whole)).filter(|&ms| ms > 0)
    };
    let wanted = value("ptime").unwrap_or(20).min(value("maxptime").unwrap_or(u16::MAX));
    u8::try_from(wanted.clamp(10, 60) / 10 * 10).unwrap_or(20)
}

/// An m= line's attributes for one format: its a=rtpmap, and a=fmtp where there is something to say.
pub(crate) fn describe(pt: u8, meaning: Meaning) -> Vec<Attribute> {
    match meaning {
        Meaning::Codec(codec) => vec![Attribute::new("rtpmap", format_args!("{pt} {codec}/8000"))],
        Meaning::Events => vec![
            Attribute::new("rtpmap", format_args!("{pt} {EVENTS}/8000")),
            Attribute::new("fmtp", format_args!("{pt} 0-15")),
        ],
    }
}
