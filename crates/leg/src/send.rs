//! The sending side of a leg: one packet a tick, of an event, what plays, the bridged peer or two voices mixed, or silence.

use base::Rng;
use rtp::srtp::RTP_TRAILER;
use rtp::{HEADER, Header};

use crate::control::{Event, FRAME};
use crate::jitter::Popped;
use crate::leg::{Bay, Leg};
use crate::playout::Progress;

/// Octets of an RTP packet with a frame of 20 ms, and of what protects it.
pub const PACKET: usize = HEADER + FRAME + RTP_TRAILER;

/// Timestamp units of a frame.
const STEP: u32 = 160;

/// Our stream. Its timestamp goes on with every tick, sent or not, so that a receiver sees pauses as pauses.
#[derive(Debug)]
pub(crate) struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// The packet before this tick was sent: no marker.
    talking: bool,
    packets: u64,
    octets: u64,
}

impl Sender {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let [low, high, ..] = rng.u32().to_be_bytes();
        Self {
            ssrc: rng.u32(),
            // In the lower half, so that a peer that misses our first packets under SRTP misses no wrap (RFC 3711 section 3.3.1).
            sequence: u16::from_be_bytes([low & 0x7f, high]),
            timestamp: rng.u32(),
            talking: false,
            packets: 0,
            octets: 0,
        }
    }

    pub(crate) const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    pub(crate) const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    pub(crate) const fn packets(&self) -> u64 {
        self.packets
    }

    pub(crate) const fn octets(&self) -> u64 {
        self.octets
    }

    /// The header of the next packet, which is thereby counted.
    fn header(&mut self, payload_type: u8, marker: bool, timestamp: u32, octets: u64) -> [u8; HEADER] {
        let header = Header { marker, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc };
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += octets;
        self.talking = true;
        header.to_bytes()
    }
}

impl Leg {
    /// The second half of a tick: writes the packet to send to [`Leg::destination`] and returns its length. `peers` are those whom it
    /// hears, the other side of a bridge first; they have heard this tick.
    pub fn speak(&mut self, peers: [Option<&Self>; 2], out: &mut [u8; PACKET], bay: &mut Bay<'_>) -> Option<usize> {
        if self.ticks == 0 {
            return None;
        }
        let skipped = self.ticks - 1;
        self.sender.timestamp = self.sender.timestamp.wrapping_add(STEP.wrapping_mul(skipped));
        let (head, frame) = out.split_first_chunk_mut::<HEADER>()?;
        let frame: &mut [u8; FRAME] = frame.first_chunk_mut()?;
        // Of three, nobody's keys are for the two others.
        let peer = peers[0].filter(|_| !self.confers());
        self.relay_digits(peer);
        self.fill(peers, frame, bay);
        let sent = self.packet(peer, head, frame);
        self.record(sent == Some(FRAME), frame, bay);
        self.tick_mask(bay);
        self.sender.timestamp = self.sender.timestamp.wrapping_add(STEP);
        self.protection.seal_rtp(out, HEADER + sent?)
    }

    /// Makes what is in `frame` a packet, or an event's packet in its place; the length of its payload.
    fn packet(&mut self, peer: Option<&Self>, head: &mut [u8; HEADER], frame: &mut [u8; FRAME]) -> Option<usize> {
        let sends = self.agreed.as_ref().filter(|agreed| agreed.direction.sends());
        let Some((audio, event)) = sends.map(|agreed| (agreed.send_pt, agreed.dtmf_send_pt)) else {
            self.keys.stop();
            self.sender.talking = false;
            return None;
        };
        if self.destination().is_none() {
            self.sender.talking = false;
            return None;
        }
        let now = self.sender.timestamp;
        if let Some(event) = event {
            if let Some(packet) = self.keys.poll(now, self.ticks, peer.map(|peer| &peer.digits)) {
                *head = self.sender.header(event, packet.marker, packet.timestamp, 4);
                *frame.first_chunk_mut()? = packet.payload;
                return Some(packet.payload.len());
            }
        } else {
            self.keys.stop();
        }
        let marker = !self.sender.talking;
        *head = self.sender.header(audio, marker, now, FRAME as u64);
        Some(FRAME)
    }

    /// The audio of this tick: what plays, else whoever speaks, else silence.
    fn fill(&mut self, peers: [Option<&Self>; 2], frame: &mut [u8; FRAME], bay: &mut Bay<'_>) {
        // Before offer and answer are through nobody would hear it; it waits.
        if let Some(over) = self.interjection.as_mut().filter(|_| self.agreed.is_some()) {
            let progress = over.fill(bay.tones, self.law, frame);
            if progress != Progress::Playing {
                self.interjection = None;
            }
            if progress != Progress::Empty {
                return;
            }
        }
        if let Some(playout) = self.playout.as_mut().filter(|_| self.agreed.is_some()) {
            let play = playout.play();
            let progress = playout.fill(bay.tones, self.law, frame);
            if progress != Progress::Playing {
                self.playout = None;
                bay.events.push(Event::PlayDone { leg: self.id, play });
            }
            if progress != Progress::Empty {
                return;
            }
        }
        let speaks = |peer: &&Self| peer.heard != Popped::Idle;
        let [one, other] = peers;
        match (one.filter(speaks), other.filter(speaks)) {
            (Some(peer), None) | (None, Some(peer)) => peer.law.transcode(self.law, &peer.frame, frame),
            (Some(one), Some(other)) => {
                let (mut sum, mut voice) = ([0; FRAME], [0; FRAME]);
                one.law.decode(&one.frame, &mut sum);
                other.law.decode(&other.frame, &mut voice);
                audio::mix(&mut sum, &voice);
                self.law.encode(&sum, frame);
            }
            (None, None) => frame.fill(self.law.silence()),
        }
    }

    /// Queues the digits that the peer's peer pressed since the last tick. Those from before the bridge are not ours.
    fn relay_digits(&mut self, peer: Option<&Self>) {
        let Some(peer) = peer else {
            self.relayed = None;
            return;
        };
        let newest = peer.digits.serial();
        let mut last = match self.relayed {
            Some((id, last)) if id == peer.id && !peer.keeps_digits => last,
            _ => newest,
        };
        while last != newest {
            last = last.wrapping_add(1);
            if let Some(press) = peer.digits.press(last) {
                self.keys.relay(press.digit, last);
            }
        }
        self.relayed = Some((peer.id, last));
    }

    /// Gives this tick's frames to the recording, if one runs; what was not sent as audio is silence.
    fn record(&mut self, sent: bool, frame: &[u8; FRAME], bay: &mut Bay<'_>) {
        if self.tap.is_none() && self.message.is_none() {
            return;
        }
        let silence = [self.law.silence(); FRAME];
        let said = if self.heard == Popped::Idle { silence } else { self.frame };
        let left = if self.mask.hides_peer() { silence } else { said };
        let right = if sent && !self.mask.hides_sent() { frame } else { &silence };
        if let Some(tap) = &mut self.tap {
            if self.ticks > 1 {
                tap.skip(bay.takes, u64::from(self.ticks - 1));
            }
            tap.push(bay.takes, self.law, &left, right);
        }
        // What a flow keeps out of the recording may be said to a mailbox.
        self.take_message(&said, bay);
    }
}
