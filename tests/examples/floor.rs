//! What a bridge costs the kernel alone: the least that any program pays that receives each packet of audio on a socket of
//! its own and sends it out of another.
//!
//! `floor --calls 300 --seconds 10`
//!
//! Two legs a call, each with its own connected socket on loopback, 50 packets of 172 octets a second each way. One thread
//! waits by epoll, receives, and sends what it got to the other leg; another plays both sides' phones. Prints one JSON
//! object: packets passed on and lost, and the CPU milliseconds of the passing thread for a second of a call.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program: it owns its clock and its sockets")]

use std::error::Error;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// RTP with 20 ms of G.711.
const PACKET: [u8; 172] = [0x80; 172];
/// How long a phone waits between two packets.
const INTERVAL: Duration = Duration::from_millis(20);
/// The phones' packets are spread over the interval in so many steps.
const STEPS: usize = 20;
/// Sockets that one look at epoll may show.
const EVENTS: usize = 256;

/// What the passing thread did.
struct Passed {
    packets: u64,
    lost: u64,
    cpu: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut calls, mut seconds) = (300_usize, 10_u64);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
        match word.as_str() {
            "--calls" => calls = value.parse()?,
            "--seconds" => seconds = value.parse()?,
            _ => return Err(format!("there is no {word}").into()),
        }
    }
    let (mut legs, mut phones) = (Vec::new(), Vec::new());
    for _ in 0..2 * calls {
        let (leg, phone) = pair()?;
        legs.push(leg);
        phones.push(phone);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let passing = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || pass(&legs, &stop)
    });
    play(&phones, Duration::from_secs(seconds));
    stop.store(true, Ordering::Relaxed);
    let passed = passing.join().map_err(|_| "the passing thread panicked")??;
    let ms = passed.cpu.as_secs_f64() * 1000.0 / (calls as f64 * seconds as f64);
    println!("{{\"packets\": {}, \"lost\": {}, \"ms\": {ms:.4}}}", passed.packets, passed.lost);
    Ok(())
}

/// Two sockets that are connected with each other.
fn pair() -> std::io::Result<(UdpSocket, UdpSocket)> {
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    let (a, b) = (bind()?, bind()?);
    a.connect(b.local_addr()?)?;
    b.connect(a.local_addr()?)?;
    a.set_nonblocking(true)?;
    b.set_nonblocking(true)?;
    Ok((a, b))
}

/// Passes on what comes, each packet to the other leg of its call, until `stop`.
fn pass(legs: &[UdpSocket], stop: &AtomicBool) -> std::io::Result<Passed> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (place, leg) in legs.iter().enumerate() {
        epoll::add(&epoll, leg, epoll::EventData::new_u64(place as u64), epoll::EventFlags::IN)?;
    }
    let patience = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let mut events = Vec::with_capacity(EVENTS);
    let mut octets = [0; 1500];
    let mut passed = Passed { packets: 0, lost: 0, cpu: Duration::ZERO };
    let begin = clock_gettime(ClockId::ThreadCPUTime);
    while !stop.load(Ordering::Relaxed) {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), Some(&patience))?;
        for event in &events {
            let place = event.data.u64() as usize;
            let (Some(leg), Some(other)) = (legs.get(place), legs.get(place ^ 1)) else { continue };
            let Ok(length) = leg.recv(&mut octets) else { continue };
            let sent = other.send(octets.get(..length).unwrap_or_default());
            passed.packets += u64::from(sent.is_ok());
            passed.lost += u64::from(sent.is_err());
        }
    }
    let end = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = |at: Timespec| at.tv_sec as u64 * 1_000_000_000 + at.tv_nsec as u64;
    passed.cpu = Duration::from_nanos(nanos(end) - nanos(begin));
    Ok(passed)
}

/// Plays the phones: each sends a packet every interval, and takes what it is sent.
fn play(phones: &[UdpSocket], lasts: Duration) {
    let begin = Instant::now();
    let step = INTERVAL / STEPS as u32;
    let mut octets = [0; 1500];
    let mut turn = 0;
    while begin.elapsed() < lasts {
        for phone in phones.iter().skip(turn % STEPS).step_by(STEPS) {
            while phone.recv(&mut octets).is_ok() {}
            // What finds no room is missed by the other side, and counted there.
            let _ = phone.send(&PACKET);
        }
        turn += 1;
        std::thread::sleep((step * turn as u32).saturating_sub(begin.elapsed()));
    }
}
