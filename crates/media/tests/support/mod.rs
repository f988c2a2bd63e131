//! Media threads on loopback, and phones with real sockets that send a tone and keep what they hear.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not know for such"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use audio::{Prompt, Tone, ToneGenerator};
use base::LegId;
use crossbeam_channel::{Receiver, Sender, unbounded};
use leg::{Chunk, Command, Event, FRAME, Law, Stereo, TakeSink};
use media::{Config, Media, Sinks};
use rtp::{Header, Packet};
use sdp::{Agreed, Codec, Direction};

pub const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub struct System {
    pub media: Media,
    pub events: Receiver<Event>,
    pub seen: Vec<Event>,
    pub chunks: Receiver<Chunk>,
    started: Instant,
}

struct Takes(Sender<Chunk>);

impl TakeSink for Takes {
    fn buffer(&mut self) -> Option<Stereo> {
        Some(Stereo::with_room())
    }

    fn deliver(&mut self, chunk: Chunk) -> Result<(), Chunk> {
        self.0.send(chunk).map_err(|refused| refused.0)
    }
}

/// A range of ports that no other test has, also not of another process: whoever holds the port above it has it. All
/// are below those that the system gives out by itself.
pub fn port_range(pairs: u16) -> std::ops::RangeInclusive<u16> {
    for first in (20_000..32_000).step_by(128) {
        if let Ok(claim) = UdpSocket::bind((LOCAL, first + 127)) {
            // Held until the process ends.
            std::mem::forget(claim);
            return first..=first + pairs * 2 - 1;
        }
    }
    panic!("no free range of ports");
}

pub fn config(threads: usize) -> Config {
    Config {
        threads,
        bind: LOCAL,
        ports: port_range(50),
        port_rest: Duration::from_millis(200),
        dscp: 46,
        rtp_timeout: Duration::from_secs(30),
        seed: [7; 32],
    }
}

/// A prompt of 10 s of a sine.
pub fn prompt(hertz: u16) -> Prompt {
    let mut samples = vec![0; 80_000];
    ToneGenerator::new(Tone::Sine(hertz)).fill(&mut samples);
    Prompt::from_samples(&samples)
}

impl System {
    pub fn start(config: Config) -> Self {
        let ((events_in, events), (chunks_in, chunks)) = (unbounded(), unbounded());
        let media = Media::start(config, |_| {
            let events = events_in.clone();
            Sinks {
                events: Box::new(move |event| events.send(event).map_err(|refused| refused.0)),
                takes: Box::new(Takes(chunks_in.clone())),
            }
        })
        .unwrap();
        Self { media, events, seen: vec![], chunks, started: Instant::now() }
    }

    pub fn open(&mut self, leg: u64) -> u16 {
        match self.media.execute(Command::Open { leg: LegId::from_raw(leg) }) {
            Some(Event::Opened { port, .. }) => port,
            other => panic!("{other:?}"),
        }
    }

    /// Opens a leg and starts it towards a new phone.
    pub fn phone(&mut self, leg: u64, law: Law, hertz: u16) -> Phone {
        let port = self.open(leg);
        let phone = Phone::new(leg, port, law, hertz);
        self.media.execute(Command::Start { leg: phone.leg, agreed: phone.agreed() });
        phone
    }

    /// Takes events in until one is as asked for; panics after 10 s.
    pub fn wait_for(&mut self, what: impl Fn(&Event) -> bool) -> Event {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let event = self.events.recv_deadline(until).expect("the event within 10 s");
            self.seen.push(event.clone());
            if what(&event) {
                return event;
            }
        }
    }

    pub fn close(&mut self, leg: LegId) -> leg::Stats {
        self.media.execute(Command::Close { leg });
        let event = self.wait_for(|event| matches!(event, Event::Closed { leg: closed, .. } if *closed == leg));
        let Event::Closed { stats, .. } = event else { unreachable!() };
        stats
    }
}

pub struct Phone {
    pub leg: LegId,
    pub socket: UdpSocket,
    pub switch: SocketAddr,
    pub law: Law,
    pub dtmf: u8,
    tone: ToneGenerator,
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    pub heard: Vec<Heard>,
}

/// A packet as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub at: Instant,
    pub header: Header,
    pub payload: Vec<u8>,
}

impl Phone {
    pub fn new(leg: u64, switch_port: u16, law: Law, hertz: u16) -> Self {
        let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            leg: LegId::from_raw(leg),
            socket,
            switch: (LOCAL, switch_port).into(),
            law,
            dtmf: 101,
            tone: ToneGenerator::new(Tone::Sine(hertz)),
            ssrc: leg as u32 + 1,
            sequence: 65_530,
            timestamp: leg as u32 * 1000,
            heard: vec![],
        }
    }

    pub fn agreed(&self) -> Agreed {
        let codec = if self.law == Law::Ulaw { Codec::Pcmu } else { Codec::Pcma };
        Agreed {
            remote: Some(self.socket.local_addr().unwrap()),
            remote_rtcp: None,
            direction: Direction::SendRecv,
            codec,
            send_pt: codec.static_pt(),
            receive_pt: codec.static_pt(),
            receive_other: None,
            dtmf_send_pt: Some(self.dtmf),
            dtmf_receive_pt: Some(self.dtmf),
            send_ptime_ms: 20,
            srtp: None,
        }
    }

    pub fn speak(&mut self) {
        let mut samples = [0; FRAME];
        self.tone.fill(&mut samples);
        let mut octets = [0; FRAME];
        self.law.encode(&samples, &mut octets);
        let payload_type = if self.law == Law::Ulaw { 0 } else { 8 };
        self.send(payload_type, self.timestamp, &octets);
        self.timestamp = self.timestamp.wrapping_add(160);
    }

    pub fn send(&mut self, payload_type: u8, timestamp: u32, payload: &[u8]) {
        let header = Header { marker: false, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc };
        self.sequence = self.sequence.wrapping_add(1);
        let _ = self.socket.send_to(&[&header.to_bytes(), payload].concat(), self.switch);
    }

    pub fn listen(&mut self) {
        let mut datagram = [0; 2048];
        while let Ok(length) = self.socket.recv(&mut datagram) {
            let packet = Packet::parse(&datagram[..length]).unwrap();
            self.heard.push(Heard { at: Instant::now(), header: packet.header, payload: packet.payload.to_vec() });
        }
    }

    /// What was heard as audio, by timestamps; packets that did not come are silence.
    pub fn sound(&self) -> Vec<i16> {
        let audio: Vec<&Heard> = self.heard.iter().filter(|packet| packet.header.payload_type != self.dtmf).collect();
        let Some(first) = audio.first().map(|packet| packet.header.timestamp) else { return vec![] };
        let mut sound = vec![];
        for packet in audio {
            let at = packet.header.timestamp.wrapping_sub(first) as usize;
            sound.resize(sound.len().max(at + packet.payload.len()), 0);
            self.law.decode(&packet.payload, &mut sound[at..at + packet.payload.len()]);
        }
        sound
    }

    /// Sequence numbers that did not come.
    pub fn lost(&self) -> usize {
        self.heard
            .windows(2)
            .map(|pair| usize::from(pair[1].header.sequence.wrapping_sub(pair[0].header.sequence)) - 1)
            .sum()
    }

    pub fn longest_spacing(&self) -> Duration {
        self.heard.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap_or_default()
    }
}

/// All phones speak every 20 ms for a time, and listen all the time.
pub fn talk(phones: &mut [&mut Phone], time: Duration) {
    let start = Instant::now();
    let ticks = (time.as_millis() / 20) as u32;
    for tick in 0..ticks {
        phones.iter_mut().for_each(|phone| phone.speak());
        while Instant::now() < start + Duration::from_millis(20) * (tick + 1) {
            phones.iter_mut().for_each(|phone| phone.listen());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Asserts that `hertz` is what sounds, in each whole 20 ms but `allowed` in a row.
pub fn assert_tone(sound: &[i16], hertz: f64, allowed: usize) {
    let mut quiet = 0;
    for (window, samples) in sound.chunks_exact(FRAME).enumerate() {
        let loud = audio::analysis::amplitude_at(samples, 8000, hertz) > 1000.0;
        quiet = if loud { 0 } else { quiet + 1 };
        assert!(quiet <= allowed, "no {hertz} Hz for {quiet} frames at frame {window} of {}", sound.len() / FRAME);
    }
}
