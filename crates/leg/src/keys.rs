//! Digits out: RFC 4733 events in place of audio, asked for by the switch or passed on from a bridged peer.

use std::collections::VecDeque;

use rtp::{Digit, EventPayload};

use crate::digits::{Digits, Press};

/// Digits that wait to be sent; more are dropped.
const MAX_WAITING: usize = 32;

/// Packets that tell an event's end (RFC 4733 section 2.5.1.4).
const END_PACKETS: u8 = 3;

/// The longest event, 8 s: its duration still fits one segment.
const MAX_DURATION: u32 = 64_000;

/// How much longer than the packets took a relayed event may be by what its end says: 200 ms.
const MAX_BEHIND: u32 = 1600;

/// Level of the digits that we send, −10 dBm0 as phones do.
const VOLUME: u8 = 10;

/// A frame in timestamp units.
const STEP: u32 = 160;

/// The sending side of one leg's digits.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    waiting: VecDeque<Key>,
    running: Option<Running>,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    digit: Digit,
    until: Until,
}

/// When a key is let go.
#[derive(Clone, Copy, Debug)]
enum Until {
    /// After so many timestamp units.
    Duration(u32),
    /// When the bridged peer's digit of this number ends.
    Peer(u32),
}

#[derive(Clone, Copy, Debug)]
struct Running {
    key: Key,
    timestamp: u32,
    duration: u32,
    ends_sent: u8,
}

/// An event packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventPacket {
    /// The event's first.
    pub marker: bool,
    /// When the event began.
    pub timestamp: u32,
    pub payload: [u8; 4],
}

impl Keys {
    /// Queues a digit to be held for `duration_ms`.
    pub(crate) fn press(&mut self, digit: Digit, duration_ms: u16) {
        let duration = u32::from(duration_ms.clamp(40, 8000)) * 8;
        self.queue(Key { digit, until: Until::Duration(duration) });
    }

    /// Queues a digit that a bridged peer holds.
    pub(crate) fn relay(&mut self, digit: Digit, serial: u32) {
        self.queue(Key { digit, until: Until::Peer(serial) });
    }

    /// Forgets what waits; an event that runs ends.
    pub(crate) fn stop(&mut self) {
        self.waiting.clear();
        if let Some(running) = &mut self.running {
            running.key.until = Until::Duration(0);
        }
    }

    /// The event packet of this tick, if one is due; `timestamp` is the tick's, `ticks` have passed since the last
    /// one, `peer` is the bridged peer's receiving side.
    pub(crate) fn poll(&mut self, timestamp: u32, ticks: u32, peer: Option<&Digits>) -> Option<EventPacket> {
        let marker = self.running.is_none();
        let running = match &mut self.running {
            Some(running) => running,
            none => {
                let key = self.waiting.pop_front()?;
                none.insert(Running { key, timestamp, duration: 0, ends_sent: 0 })
            }
        };
        running.advance(ticks, peer);
        let end = running.ends_sent > 0;
        let payload = EventPayload {
            code: running.key.digit.code(),
            end,
            volume: VOLUME,
            duration: u16::try_from(running.duration).unwrap_or(u16::MAX),
        };
        let packet = EventPacket { marker, timestamp: running.timestamp, payload: payload.to_bytes() };
        self.running.take_if(|running| running.ends_sent >= END_PACKETS);
        Some(packet)
    }

    fn queue(&mut self, key: Key) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(key);
        }
    }
}

impl Running {
    fn advance(&mut self, ticks: u32, peer: Option<&Digits>) {
        if self.ends_sent > 0 {
            self.ends_sent += 1;
            return;
        }
        let reached = self.duration.saturating_add(STEP.saturating_mul(ticks.max(1)));
        if let Until::Peer(serial) = self.key.until {
            let press = peer.and_then(|digits| digits.press(serial));
            let ended = press.map_or(Some(0), |press: Press| (!press.running).then_some(press.duration));
            if let Some(duration) = ended {
                // The peer's length, as far as its packets were lost; not hours because one packet says so.
                self.key.until = Until::Duration(duration.min(self.duration.saturating_add(MAX_BEHIND)));
            }
        }
        let goal = match self.key.until {
            Until::Duration(duration) => duration,
            Until::Peer(_) => u32::MAX,
        };
        // What was told cannot be taken back: the end is never before the last update.
        let goal = goal.min(MAX_DURATION);
        if reached >= goal {
            self.duration = goal.max(self.duration).max(STEP);
            self.ends_sent = 1;
        } else {
            self.duration = reached;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Mono;
    use rtp::Header;

    fn digit(symbol: char) -> Digit {
        Digit::from_char(symbol).unwrap()
    }

    /// Ticks until no packet is due: (marker, timestamp, code, end, duration) of each.
    fn sent(keys: &mut Keys, peer: Option<&Digits>) -> Vec<(bool, u32, u8, bool, u16)> {
        (0..)
            .map_while(|n| keys.poll(1000 + n * 160, 1, peer))
            .map(|packet| {
                let payload = EventPayload::parse(&packet.payload).unwrap();
                (packet.marker, packet.timestamp, payload.code, payload.end, payload.duration)
            })
            .collect()
    }

    #[test]
    fn an_event_grows_and_ends_with_three_end_packets() {
        let mut keys = Keys::default();
        keys.press(digit('3'), 60);
        let packets = sent(&mut keys, None);
        let end = (false, 1000, 3, true, 480);
        assert_eq!(packets, [(true, 1000, 3, false, 160), (false, 1000, 3, false, 320), end, end, end]);
    }

    #[test]
    fn digits_follow_one_another_with_timestamps_of_their_own() {
        let mut keys = Keys::default();
        keys.press(digit('1'), 40);
        keys.press(digit('1'), 40);
        let begins: Vec<_> =
            sent(&mut keys, None).into_iter().filter(|packet| packet.0).map(|packet| packet.1).collect();
        assert_eq!(begins, [1000, 1000 + 4 * 160]);
    }

    #[test]
    fn a_relayed_digit_ends_when_the_peers_does_and_is_as_long() {
        let mut peer = Digits::default();
        let header = Header { marker: true, payload_type: 101, sequence: 0, timestamp: 7, ssrc: 1 };
        let packet = |duration: u16, end| EventPayload { code: 9, end, volume: 0, duration }.to_bytes();
        peer.handle_packet(Mono::ZERO, &header, &packet(160, false));
        let mut keys = Keys::default();
        keys.relay(digit('9'), peer.serial());
        for n in 0..5 {
            let payload = EventPayload::parse(&keys.poll(n * 160, 1, Some(&peer)).unwrap().payload).unwrap();
            assert!(!payload.end);
        }
        peer.handle_packet(Mono::ZERO, &header, &packet(1200, true));
        let rest = sent(&mut keys, Some(&peer));
        assert_eq!(
            rest.iter().map(|packet| (packet.3, packet.4)).collect::<Vec<_>>(),
            [(false, 960), (false, 1120), (true, 1200), (true, 1200), (true, 1200)]
        );
    }

    #[test]
    fn a_relayed_digit_of_one_packet_is_not_as_long_as_that_says() {
        let mut peer = Digits::default();
        let header = Header { marker: true, payload_type: 101, sequence: 0, timestamp: 7, ssrc: 1 };
        let packet = EventPayload { code: 9, end: true, volume: 0, duration: 60_000 }.to_bytes();
        peer.handle_packet(Mono::ZERO, &header, &packet);
        let mut keys = Keys::default();
        keys.relay(digit('9'), peer.serial());
        assert_eq!(sent(&mut keys, Some(&peer)).last().map(|packet| packet.4), Some(1600));
    }

    #[test]
    fn a_relayed_digit_ends_when_the_bridge_does() {
        let mut keys = Keys::default();
        keys.relay(digit('9'), 1);
        assert!(sent(&mut keys, None).iter().all(|packet| packet.3));
    }

    #[test]
    fn more_digits_than_wait_are_dropped() {
        let mut keys = Keys::default();
        (0..100).for_each(|_| keys.press(digit('1'), 40));
        assert_eq!(sent(&mut keys, None).iter().filter(|packet| packet.0).count(), MAX_WAITING);
    }
}
