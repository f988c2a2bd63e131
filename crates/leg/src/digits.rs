//! Digits in: from the packets of RFC 4733 events, whatever is lost, doubled or reordered, one digit an event.
//!
//! An event is known by its SSRC, timestamp and code. It begins with the first of its packets that comes, be it its
//! last, and ends with an end packet, with the next event, or when its packets cease.

use std::time::Duration;

use base::Mono;
use rtp::{Digit, EventPayload, Header};

/// Without a packet for this long an event has ended.
const CEASED: Duration = Duration::from_millis(200);

/// Packets of an event whose end was seen are late ones for this long. Then they are a new event: who replays
/// recorded packets repeats timestamps too.
const LATE: Duration = Duration::from_millis(300);

/// The same for an event whose end was not seen, that may come back after a gap.
const LATE_UNENDED: Duration = Duration::from_secs(2);

/// Digits remembered, to know late packets by and for a bridged peer to ask about.
const REMEMBERED: usize = 8;

/// The receiving side of one leg's digits.
#[derive(Debug, Default)]
pub(crate) struct Digits {
    events: [Option<Event>; REMEMBERED],
    /// Digits so far; the last one's serial number.
    serial: u32,
    running: bool,
}

/// One press of a key.
#[derive(Clone, Copy, Debug)]
struct Event {
    serial: u32,
    digit: Digit,
    ssrc: u32,
    timestamp: u32,
    /// Timestamp units of segments before this one (RFC 4733 section 2.5.1.3).
    before: u32,
    duration: u16,
    state: State,
    last: Mono,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// Its packets ceased.
    Ceased,
    Ended,
}

/// What a packet brought about: at most the end of one digit and then the begin of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub began: Option<Digit>,
    /// The digit that was let go before `began`, and for how many timestamp units it was held.
    pub ended: Option<(Digit, u32)>,
    /// `began` has ended already, after so many.
    pub also_ended: Option<u32>,
}

/// A digit as a bridged peer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Press {
    pub digit: Digit,
    /// How long it was held so far, in timestamp units.
    pub duration: u32,
    pub running: bool,
}

impl Digits {
    /// Takes an event packet of the latched source.
    pub(crate) fn handle_packet(&mut self, now: Mono, header: &Header, payload: &[u8]) -> Change {
        let Some(payload) = EventPayload::parse(payload) else { return Change::default() };
        let Some(digit) = Digit::from_code(payload.code) else { return Change::default() };
        if let Some(event) = self.find(now, header, digit) {
            let ended = event.update(now, &payload);
            if ended.is_some() {
                self.running = false;
            }
            return Change { ended, ..Change::default() };
        }
        if self.continue_segment(now, header, digit, &payload) {
            return Change::default();
        }
        let ended = self.end_running(State::Ceased);
        let state = if payload.end { State::Ended } else { State::Running };
        self.serial = self.serial.wrapping_add(1);
        self.running = !payload.end;
        let event = Event {
            serial: self.serial,
            digit,
            ssrc: header.ssrc,
            timestamp: header.timestamp,
            before: 0,
            duration: payload.duration,
            state,
            last: now,
        };
        if let Some(slot) = self.events.get_mut(slot(self.serial)) {
            *slot = Some(event);
        }
        Change { began: Some(digit), ended, also_ended: payload.end.then_some(u32::from(payload.duration)) }
    }

    /// Ends a digit whose packets ceased; to be called every tick.
    pub(crate) fn handle_tick(&mut self, now: Mono) -> Option<(Digit, u32)> {
        if !self.running || now.since(self.current()?.last) < CEASED {
            return None;
        }
        self.end_running(State::Ceased)
    }

    /// True while a key is held.
    pub(crate) const fn is_running(&self) -> bool {
        self.running
    }

    /// The number of the last digit that began.
    pub(crate) const fn serial(&self) -> u32 {
        self.serial
    }

    /// A digit by its number, if it is among the last ones.
    pub(crate) fn press(&self, serial: u32) -> Option<Press> {
        let event = self.events.get(slot(serial))?.as_ref().filter(|event| event.serial == serial)?;
        let running = event.state == State::Running;
        Some(Press { digit: event.digit, duration: event.held(), running })
    }

    fn current(&mut self) -> Option<&mut Event> {
        self.events.get_mut(slot(self.serial))?.as_mut()
    }

    /// The event that a packet belongs to, also when it comes late.
    fn find(&mut self, now: Mono, header: &Header, digit: Digit) -> Option<&mut Event> {
        self.events.iter_mut().flatten().find(|event| {
            let late = match event.state {
                State::Running => Duration::MAX,
                State::Ceased => LATE_UNENDED,
                State::Ended => LATE,
            };
            event.ssrc == header.ssrc
                && event.timestamp == header.timestamp
                && event.digit == digit
                && now.since(event.last) < late
        })
    }

    /// A key held longer than a duration can say goes on in a new segment, whose timestamp is where the last one
    /// reached its limit (RFC 4733 section 2.5.1.3).
    fn continue_segment(&mut self, now: Mono, header: &Header, digit: Digit, payload: &EventPayload) -> bool {
        if !self.running || header.marker {
            return false;
        }
        let Some(event) = self.current() else { return false };
        let step = header.timestamp.wrapping_sub(event.timestamp);
        let continues = event.digit == digit && event.ssrc == header.ssrc && (0xf000..=0xffff).contains(&step);
        if !continues || now.since(event.last) >= CEASED {
            return false;
        }
        event.before = event.before.saturating_add(step);
        event.timestamp = header.timestamp;
        event.duration = 0;
        event.update(now, payload);
        true
    }

    fn end_running(&mut self, state: State) -> Option<(Digit, u32)> {
        if !std::mem::take(&mut self.running) {
            return None;
        }
        let event = self.current()?;
        event.state = state;
        Some((event.digit, event.held()))
    }
}

impl Event {
    /// Takes a further packet; the digit and its length if that ended it.
    fn update(&mut self, now: Mono, payload: &EventPayload) -> Option<(Digit, u32)> {
        self.last = now;
        // A late packet tells a shorter duration.
        self.duration = self.duration.max(payload.duration);
        if !payload.end || self.state == State::Ended {
            return None;
        }
        let was_running = self.state == State::Running;
        self.state = State::Ended;
        was_running.then(|| (self.digit, self.held()))
    }

    fn held(&self) -> u32 {
        self.before.saturating_add(u32::from(self.duration))
    }
}

fn slot(serial: u32) -> usize {
    usize::try_from(serial).unwrap_or(0) % REMEMBERED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_nanos(ms * 1_000_000)
    }

    struct Bench {
        digits: Digits,
        began: String,
        ended: Vec<u32>,
    }

    impl Bench {
        fn new() -> Self {
            Self { digits: Digits::default(), began: String::new(), ended: vec![] }
        }

        /// A packet at `ms` of key `symbol` whose event began at `timestamp`.
        fn packet(&mut self, ms: u64, symbol: char, timestamp: u32, duration: u16, end: bool) {
            let header = Header { marker: false, payload_type: 101, sequence: 0, timestamp, ssrc: 1 };
            let code = Digit::from_char(symbol).unwrap().code();
            let payload = EventPayload { code, end, volume: 10, duration }.to_bytes();
            let change = self.digits.handle_packet(at(ms), &header, &payload);
            self.ended.extend(change.ended.map(|(_, duration)| duration));
            self.began.extend(change.began.map(Digit::symbol));
            self.ended.extend(change.also_ended);
        }

        fn ticks(&mut self, from: u64, to: u64) {
            for ms in (from..to).step_by(20) {
                self.ended.extend(self.digits.handle_tick(at(ms)).map(|(_, duration)| duration));
            }
        }
    }

    #[test]
    fn a_digit_is_told_at_its_first_packet_and_its_end_once() {
        let mut bench = Bench::new();
        bench.packet(0, '5', 100, 160, false);
        assert_eq!((bench.began.as_str(), bench.ended.len()), ("5", 0));
        bench.packet(20, '5', 100, 320, false);
        (0..3).for_each(|n| bench.packet(40 + n, '5', 100, 480, true));
        assert_eq!((bench.began.as_str(), &bench.ended[..]), ("5", &[480][..]));
    }

    #[test]
    fn an_end_packet_alone_is_a_digit() {
        let mut bench = Bench::new();
        bench.packet(0, '#', 100, 800, true);
        bench.packet(1, '#', 100, 800, true);
        assert_eq!((bench.began.as_str(), &bench.ended[..]), ("#", &[800][..]));
    }

    #[test]
    fn lost_end_packets_still_give_one_digit_each() {
        let mut bench = Bench::new();
        bench.packet(0, '1', 100, 160, false);
        bench.packet(100, '1', 1000, 160, false);
        assert_eq!((bench.began.as_str(), &bench.ended[..]), ("11", &[160][..]), "a new timestamp is a new digit");
        bench.ticks(120, 400);
        assert_eq!(bench.ended, [160, 160]);
        bench.packet(420, '1', 1000, 1600, true);
        assert_eq!((bench.began.as_str(), bench.ended.len()), ("11", 2), "late, after its packets ceased");
    }

    #[test]
    fn packets_of_an_earlier_digit_that_come_late_are_no_new_digit() {
        let mut bench = Bench::new();
        bench.packet(0, '1', 100, 160, false);
        bench.packet(20, '2', 1000, 160, false);
        bench.packet(30, '1', 100, 320, false);
        bench.packet(40, '1', 100, 480, true);
        bench.packet(50, '2', 1000, 320, true);
        assert_eq!((bench.began.as_str(), &bench.ended[..]), ("12", &[160, 320][..]));
    }

    #[test]
    fn the_same_packets_replayed_later_are_a_new_digit() {
        let mut bench = Bench::new();
        for begin in [0, 500, 1000] {
            bench.packet(begin, '1', 100, 160, false);
            bench.packet(begin + 20, '1', 100, 320, true);
        }
        assert_eq!(bench.began, "111");
    }

    #[test]
    fn a_key_held_beyond_the_longest_duration_is_one_digit() {
        let mut bench = Bench::new();
        let mut ms = 0;
        for (timestamp, segments) in [(0u32, 409u16), (65_535, 409), (131_070, 10)] {
            for n in 1..=segments {
                bench.packet(ms, '7', timestamp, n * 160, false);
                bench.ticks(ms, ms + 20);
                ms += 20;
            }
        }
        bench.packet(ms, '7', 131_070, 1600, true);
        assert_eq!((bench.began.as_str(), &bench.ended[..]), ("7", &[132_670][..]));
    }

    #[test]
    fn events_that_are_no_digits_are_ignored() {
        let mut digits = Digits::default();
        let header = Header { marker: true, payload_type: 101, sequence: 0, timestamp: 0, ssrc: 1 };
        assert_eq!(digits.handle_packet(at(0), &header, &[16, 0x8a, 0, 160]), Change::default());
        assert_eq!(digits.handle_packet(at(0), &header, &[1, 2]), Change::default());
    }

    #[test]
    fn a_bridged_peer_sees_the_last_digits_by_their_number() {
        let mut bench = Bench::new();
        bench.packet(0, '1', 100, 160, false);
        let first = bench.digits.serial();
        let press = bench.digits.press(first).unwrap();
        assert_eq!((press.digit.symbol(), press.duration, press.running), ('1', 160, true));
        bench.packet(20, '1', 100, 320, true);
        assert_eq!(bench.digits.press(first).map(|press| (press.duration, press.running)), Some((320, false)));
        (0..8).for_each(|n| bench.packet(100 + n, '2', 1000 + n as u32, 160, true));
        assert_eq!(bench.digits.press(first), None);
    }
}
