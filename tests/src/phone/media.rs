//! The audio of a scripted phone: a packet each 20 ms, keys by RFC 4733, and a log of what came.

use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sound::{self, FRAME};
use crate::wait;

const TICK: Duration = Duration::from_millis(20);
/// Payload type of telephone-event in our SDP.
pub const DTMF_TYPE: u8 = 101;
/// Packets while a key is held, and end packets behind them (RFC 4733 section 2.5.1.4).
const HELD: u16 = 5;
const ENDS: u16 = 3;

/// A received RTP packet.
#[derive(Clone, Debug)]
pub struct Packet {
    /// When it was read.
    pub at: Instant,
    /// Whence.
    pub source: SocketAddr,
    /// Its octets.
    pub bytes: Vec<u8>,
}

impl Packet {
    /// The payload type.
    pub fn payload_type(&self) -> u8 {
        self.bytes[1] & 0x7f
    }

    /// The sequence number.
    pub fn sequence(&self) -> u16 {
        u16::from_be_bytes([self.bytes[2], self.bytes[3]])
    }

    /// The timestamp.
    pub fn timestamp(&self) -> u32 {
        u32::from_be_bytes([self.bytes[4], self.bytes[5], self.bytes[6], self.bytes[7]])
    }

    /// Whose stream it is.
    pub fn ssrc(&self) -> u32 {
        u32::from_be_bytes([self.bytes[8], self.bytes[9], self.bytes[10], self.bytes[11]])
    }

    /// The payload (no extension, no CSRC: the switch sends none).
    pub fn payload(&self) -> &[u8] {
        &self.bytes[12..]
    }
}

#[derive(Debug)]
struct Outgoing {
    peer: Option<SocketAddr>,
    hertz: Option<f64>,
    keys: VecDeque<u8>,
}

/// The RTP side of a phone, with a thread for each direction.
#[derive(Debug)]
pub struct Media {
    local: SocketAddr,
    outgoing: Arc<Mutex<Outgoing>>,
    received: Arc<Mutex<Vec<Packet>>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Media {
    /// Binds `local`; nothing is sent before [`Self::send_to`].
    ///
    /// # Panics
    /// If the port is taken.
    pub fn bind(local: SocketAddr) -> Self {
        let socket = UdpSocket::bind(local).expect("a port for RTP");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a limit");
        let outgoing = Arc::new(Mutex::new(Outgoing { peer: None, hertz: None, keys: VecDeque::new() }));
        let received = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let reader = {
            let (socket, received, over) =
                (socket.try_clone().expect("a clone"), Arc::clone(&received), Arc::clone(&over));
            std::thread::spawn(move || read(&socket, &received, &over))
        };
        let writer = {
            let (outgoing, over) = (Arc::clone(&outgoing), Arc::clone(&over));
            std::thread::spawn(move || write(&socket, &outgoing, &over))
        };
        Self { local, outgoing, received, over, threads: vec![reader, writer] }
    }

    /// Where it receives.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends to `peer` from now on: silence, or what [`Self::say`] asks for.
    pub fn send_to(&self, peer: SocketAddr) {
        self.outgoing.lock().unwrap().peer = Some(peer);
    }

    /// The SSRC of what it sends.
    pub fn ssrc(&self) -> u32 {
        ssrc_of(self.local)
    }

    /// Where it sends to.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.outgoing.lock().unwrap().peer
    }

    /// Sends nothing any more.
    pub fn hush(&self) {
        self.outgoing.lock().unwrap().peer = None;
    }

    /// Says a tone; `None` is silence.
    pub fn say(&self, hertz: Option<f64>) {
        self.outgoing.lock().unwrap().hertz = hertz;
    }

    /// Presses keys one after the other, each for 100 ms.
    ///
    /// # Panics
    /// If one is no key.
    pub fn press(&self, keys: &str) {
        let codes = keys.chars().map(|key| "0123456789*#ABCD".find(key).expect("a key") as u8);
        self.outgoing.lock().unwrap().keys.extend(codes);
    }

    /// All that came so far.
    pub fn received(&self) -> Vec<Packet> {
        self.received.lock().unwrap().clone()
    }

    /// What came since `from`, as sound. Packets that were lost on the way, or came late by a packet or more, are silence.
    pub fn heard_since(&self, from: Instant) -> Vec<i16> {
        let packets = self.received();
        let mut sound: Vec<i16> = Vec::new();
        let mut start: Option<(Instant, u32)> = None;
        for packet in packets.iter().filter(|p| p.at >= from && matches!(p.payload_type(), 0 | 8)) {
            let (first, base) = *start.get_or_insert((packet.at, packet.timestamp()));
            // Placed by arrival, in steps of 20 ms as the timestamps have it: a pause on the wire is a pause here.
            let by_time = ((packet.at - first).as_secs_f64() / 0.02).round() as usize * FRAME;
            let by_stamp = packet.timestamp().wrapping_sub(base) as usize;
            let at = if by_stamp.abs_diff(by_time) <= 2 * FRAME { by_stamp } else { by_time };
            let decode = if packet.payload_type() == 0 { sound::from_ulaw } else { sound::from_alaw };
            sound.resize(sound.len().max(at + packet.payload().len()), 0);
            for (slot, octet) in sound[at..].iter_mut().zip(packet.payload()) {
                *slot = decode(*octet);
            }
        }
        sound
    }

    /// Waits until a tone of `hertz` has been heard for 200 ms since `from`.
    ///
    /// # Panics
    /// If it is not within `limit`.
    pub fn wait_for_tone(&self, hertz: f64, from: Instant, limit: Duration) {
        wait::until_true(&format!("a tone of {hertz} Hz"), limit, || {
            sound::heard(&self.heard_since(from), hertz).is_some_and(|heard| heard.total >= 0.2)
        });
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn read(socket: &UdpSocket, received: &Mutex<Vec<Packet>>, over: &AtomicBool) {
    let mut buffer = [0; 2048];
    while !over.load(Ordering::Relaxed) {
        // An ICMP error of an earlier send is reported here; it says nothing about what comes.
        let Ok((size, source)) = socket.recv_from(&mut buffer) else { continue };
        if size >= 12 {
            received.lock().unwrap().push(Packet { at: Instant::now(), source, bytes: buffer[..size].to_vec() });
        }
    }
}

fn write(socket: &UdpSocket, outgoing: &Mutex<Outgoing>, over: &AtomicBool) {
    let ssrc = socket.local_addr().map_or(0, ssrc_of).to_be_bytes();
    let (mut sequence, mut timestamp, mut sample) = (1000u16, 160_000u32, 0usize);
    let mut event: Option<(u8, u32, u16)> = None;
    let mut due = Instant::now();
    while !over.load(Ordering::Relaxed) {
        due += TICK;
        wait::pause(due.saturating_duration_since(Instant::now()));
        let (peer, hertz) = {
            let mut out = outgoing.lock().unwrap();
            if event.is_none() && out.peer.is_some() {
                event = out.keys.pop_front().map(|code| (code, timestamp, 0));
            }
            (out.peer, out.hertz)
        };
        let mut packet = vec![0x80, 0];
        packet.extend(sequence.to_be_bytes());
        match &mut event {
            Some((code, stamp, sent)) => {
                *sent += 1;
                packet[1] = DTMF_TYPE | if *sent == 1 { 0x80 } else { 0 };
                let end = if *sent > HELD { 0x80 } else { 0 };
                packet.extend(stamp.to_be_bytes());
                packet.extend(ssrc);
                packet.extend([*code, end | 10]);
                packet.extend((FRAME as u16 * (*sent).min(HELD)).to_be_bytes());
            }
            None => {
                packet.extend(timestamp.to_be_bytes());
                packet.extend(ssrc);
                packet
                    .extend((sample..sample + FRAME).map(|n| sound::to_ulaw(hertz.map_or(0, |hertz| tone(hertz, n)))));
            }
        }
        if event.is_some_and(|(.., sent)| sent == HELD + ENDS) {
            event = None;
        }
        if let Some(peer) = peer {
            let _ = socket.send_to(&packet, peer);
            sequence = sequence.wrapping_add(1);
        }
        timestamp = timestamp.wrapping_add(FRAME as u32);
        sample += FRAME;
    }
}

/// The name of what is sent from `local`.
fn ssrc_of(local: SocketAddr) -> u32 {
    std::process::id().wrapping_mul(0x9e37_79b9) ^ u32::from(local.port())
}

fn tone(hertz: f64, n: usize) -> i16 {
    ((std::f64::consts::TAU * hertz * n as f64 / sound::RATE as f64).sin() * 10_000.0) as i16
}
