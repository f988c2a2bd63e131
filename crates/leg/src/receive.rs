//! The receiving side of a leg: whose packet, which stream, what in it; and the frame of a tick.

use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now};
use rtp::{Arrival, Header, Packet, Reception};
use sdp::{Agreed, Codec};

use crate::control::{Event, Law, Stats};
use crate::digits::Change;
use crate::jitter::{Inserted, JitterBuffer, Popped};
use crate::latch::Verdict;
use crate::leg::{Bay, Leg, law_of, should_send};

/// Comfort noise (RFC 3389): tells that the peer is there; we play silence for it.
const COMFORT_NOISE: u8 = 13;

/// After this long without audio of the present stream, another SSRC takes over with its first packet.
const STREAM_GONE: Duration = Duration::from_millis(60);

/// What is received on a leg.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    reception: Option<Reception>,
    /// Another SSRC that sent audio, and the sequence number that would be its next: two in order and it takes over.
    challenger: Option<(u32, u16)>,
    jitter: Option<Box<JitterBuffer>>,
    /// When the peer was last heard, or we began to listen.
    last: Mono,
    last_audio: Mono,
    silent: bool,
    /// Packets lost in streams before the present one.
    lost_before: i64,
}

/// What a payload type stands for.
#[derive(Clone, Copy)]
enum Payload {
    Audio(Law),
    Event,
    Noise,
}

impl Leg {
    /// Takes a datagram from the leg's RTP port. It is decrypted in place.
    pub fn handle_rtp(&mut self, now: Now, source: SocketAddr, datagram: &mut [u8], bay: &mut Bay<'_>) {
        if rtp::is_rtcp(datagram) {
            // A peer that sends both to one port (RFC 5761) though it was not agreed.
            return self.handle_rtcp(now, source, datagram);
        }
        // Before all else, so that who has not the key is no candidate for the peer's place either.
        let Some(datagram) = self.protection.open_rtp(now.monotonic, datagram, &mut self.stats) else { return };
        let parsed = self.agreed.as_ref().and_then(|agreed| {
            let packet = Packet::parse(datagram).ok()?;
            Some((packet, payload(agreed, packet.header.payload_type)?, agreed.direction.receives()))
        });
        let Some((packet, payload, receives)) = parsed else { return self.ignore() };
        let now = now.monotonic;
        // Events may have an SSRC and a sequence of their own, so they prove nothing about an unknown source.
        if matches!(payload, Payload::Event) && !self.latch.knows(now, source) {
            return self.ignore();
        }
        match self.latch.admit(now, source, &packet.header) {
            Verdict::Stranger => return self.ignore(),
            Verdict::Latched(moved) => {
                self.receiver.follow_source(&packet.header);
                self.stats.moves += u32::from(moved);
            }
            Verdict::Peer => {}
        }
        self.stats.received += 1;
        self.receiver.last = now;
        self.receiver.silent = false;
        if !receives {
            return;
        }
        match payload {
            Payload::Audio(law) => self.handle_audio(now, &packet, law),
            Payload::Event => self.handle_event(now, &packet, bay),
            Payload::Noise => drop(self.receiver.count(&packet.header)),
        }
    }

    /// Counts a datagram that was not taken.
    fn ignore(&mut self) {
        self.stats.strangers += 1;
    }

    fn handle_audio(&mut self, now: Mono, packet: &Packet<'_>, law: Law) {
        let header = &packet.header;
        if !self.receiver.follow_stream(now, header) {
            self.stats.discarded += 1;
            return;
        }
        self.receiver.last_audio = now;
        if self.receiver.count(header) == Some(Arrival::Suspect) {
            self.stats.discarded += 1;
            return;
        }
        self.receiver.time(now, header);
        let jitter = self.receiver.jitter.get_or_insert_with(|| Box::new(JitterBuffer::new()));
        if jitter.insert(header.timestamp, packet.payload, law, self.law) == Inserted::Discarded {
            self.stats.discarded += 1;
        }
    }

    fn handle_event(&mut self, now: Mono, packet: &Packet<'_>, bay: &mut Bay<'_>) {
        // Whatever its SSRC: some send digits as a stream of their own, which has no loss of interest.
        let _ = self.receiver.count(&packet.header);
        let change = self.digits.handle_packet(now, &packet.header, packet.payload);
        self.tell(change, bay);
    }

    fn tell(&mut self, change: Change, bay: &mut Bay<'_>) {
        let leg = self.id;
        let milliseconds = |duration: u32| duration / 8;
        if let Some((digit, duration)) = change.ended {
            bay.events.push(Event::DigitEnd { leg, digit, duration_ms: milliseconds(duration) });
        }
        let Some(digit) = change.began else { return };
        self.stats.digits += 1;
        bay.events.push(Event::Digit { leg, digit });
        if let Some(duration) = change.also_ended {
            bay.events.push(Event::DigitEnd { leg, digit, duration_ms: milliseconds(duration) });
        }
    }

    /// The first half of a tick, `tick` by the clock that all threads share: takes out the frame whose turn it is.
    pub fn hear(&mut self, now: Now, tick: u64, bay: &mut Bay<'_>) {
        self.begin_tick(tick);
        self.finish(bay);
        if self.ticks == 0 {
            return;
        }
        self.heard = match &mut self.receiver.jitter {
            Some(jitter) => {
                jitter.skip(self.ticks - 1);
                jitter.pop(self.law, &mut self.frame)
            }
            None => Popped::Idle,
        };
        self.stats.concealed += u64::from(self.heard == Popped::Concealed);
        if let Some(ended) = self.digits.handle_tick(now.monotonic) {
            self.tell(Change { ended: Some(ended), ..Change::default() }, bay);
        }
        if self.agreed.as_ref().is_some_and(should_send) && self.receiver.is_silent(now.monotonic, bay.rtp_timeout) {
            bay.events.push(Event::Silent { leg: self.id });
        }
    }
}

impl Receiver {
    /// The peer's packets come from another source, the first with this header. A stream goes on if it is the same.
    fn follow_source(&mut self, header: &Header) {
        if self.reception.as_ref().is_none_or(|present| present.ssrc() != header.ssrc) {
            self.forget_stream();
        }
    }

    /// The next packet begins a stream: another one, or another law.
    pub(crate) fn forget_stream(&mut self) {
        self.end_stream();
        if let Some(jitter) = &mut self.jitter {
            jitter.reset();
        }
    }

    /// From now on the peer should send.
    pub(crate) fn expect(&mut self, now: Mono) {
        self.last = now;
        self.silent = false;
    }

    pub(crate) fn add_to(&self, stats: &mut Stats) {
        stats.lost = self.lost_before;
        if let Some(reception) = &self.reception {
            stats.lost += i64::from(reception.lost());
            stats.jitter_us = reception.jitter().saturating_mul(125);
        }
    }

    pub(crate) fn reception(&mut self) -> Option<&mut Reception> {
        self.reception.as_mut()
    }

    /// True once a silence, when nothing was received for `timeout`.
    fn is_silent(&mut self, now: Mono, timeout: Duration) -> bool {
        if self.silent || now.since(self.last) < timeout {
            return false;
        }
        self.silent = true;
        true
    }

    /// True if the packet is of the present stream or of one that takes over.
    fn follow_stream(&mut self, now: Mono, header: &Header) -> bool {
        let (ssrc, sequence) = (header.ssrc, header.sequence);
        match &self.reception {
            Some(present) if present.ssrc() == ssrc => {
                self.challenger = None;
                return true;
            }
            Some(_) if self.challenger != Some((ssrc, sequence)) && now.since(self.last_audio) < STREAM_GONE => {
                self.challenger = Some((ssrc, sequence.wrapping_add(1)));
                return false;
            }
            Some(_) => self.forget_stream(),
            None => {}
        }
        self.challenger = None;
        self.reception = Some(Reception::new(ssrc, sequence));
        true
    }

    /// Counts a packet of the present stream; `None` for one of another.
    fn count(&mut self, header: &Header) -> Option<Arrival> {
        let reception = self.reception.as_mut().filter(|reception| reception.ssrc() == header.ssrc)?;
        Some(reception.handle_packet(header.sequence))
    }

    fn time(&mut self, now: Mono, header: &Header) {
        if let Some(reception) = &mut self.reception {
            // Timestamp units of 1/8000 s; the remainder modulo 2³² is what RFC 3550 appendix A.8 asks for.
            let units = (now.as_nanos() / 125_000) & u64::from(u32::MAX);
            reception.handle_timing(header.timestamp, u32::try_from(units).unwrap_or(0));
        }
    }

    fn end_stream(&mut self) {
        if let Some(reception) = self.reception.take() {
            self.lost_before += i64::from(reception.lost());
        }
    }
}

/// What a payload type means to this leg. The static types of both laws pass even if only one was agreed: some peers
/// change the codec without a word, and nothing else can be meant.
fn payload(agreed: &Agreed, payload_type: u8) -> Option<Payload> {
    if payload_type == agreed.receive_pt {
        return Some(Payload::Audio(law_of(agreed.codec)));
    }
    if agreed.dtmf_receive_pt == Some(payload_type) {
        return Some(Payload::Event);
    }
    match agreed.receive_other {
        Some((other, codec)) if other == payload_type => Some(Payload::Audio(law_of(codec))),
        _ if payload_type == Codec::Pcmu.static_pt() => Some(Payload::Audio(Law::Ulaw)),
        _ if payload_type == Codec::Pcma.static_pt() => Some(Payload::Audio(Law::Alaw)),
        _ if payload_type == COMFORT_NOISE => Some(Payload::Noise),
        _ => None,
    }
}
