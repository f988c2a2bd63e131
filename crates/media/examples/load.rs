//! What media costs: CPU of the media threads a call-second, and the spacing of what they send.
//!
//! `cargo run --release -p media --example load -- [ivr|record|bridge] [CALLS] [SECONDS] [THREADS] [SUITE]`
//!
//! Callers are one socket that sends 50 packets a second to each leg, as SIPp does; one more call is measured by its
//! own thread. A bridge's second leg is such a caller too. With a SUITE (`AES_CM_128_HMAC_SHA1_80`) all legs have SRTP; as all
//! callers say the same under one key, they cost no more than without.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unsafe_code,
    reason = "a tool that measures a driver"
)]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base::{LegId, PlayId, Rng, TakeId};
use leg::{Chunk, Command, Event, Item, Stereo, TakeSink};
use media::{Config, Media, Sinks};
use rtp::srtp::{MasterKey, Outbound, RTP_TRAILER, Suite};
use sdp::{Agreed, Codec, Direction, Srtp};

/// A writer that is always ready: the pool is one buffer a thread.
struct Drain(Vec<Stereo>);

impl TakeSink for Drain {
    fn buffer(&mut self) -> Option<Stereo> {
        Some(self.0.pop().unwrap_or_else(Stereo::with_room))
    }

    fn deliver(&mut self, chunk: Chunk) -> Result<(), Chunk> {
        let mut audio = chunk.audio;
        audio.left.clear();
        audio.right.clear();
        self.0.push(audio);
        Ok(())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mode = arguments.first().map_or("ivr", String::as_str);
    let number = |index: usize, default: u64| arguments.get(index).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (calls, seconds, threads) = (number(1, 300), number(2, 10), number(3, 2));
    let suite = arguments.get(4).map(|name| Suite::named(name).expect("a suite, named as in SDP"));
    let mut rng = Rng::from_number(1);
    let callers_key = suite.map(|suite| MasterKey::random(suite, &mut rng));
    let legs = if mode == "bridge" { calls * 2 } else { calls };

    let before = resident_kb();
    let config = Config {
        threads: usize::try_from(threads).unwrap(),
        bind: Ipv4Addr::LOCALHOST.into(),
        ports: 16_384..=32_766,
        port_rest: Duration::from_secs(5),
        dscp: 46,
        rtp_timeout: Duration::from_secs(60),
        seed: [1; 32],
    };
    let sinks = |_| Sinks { events: Box::new(|_| Ok(())), takes: Box::new(Drain(vec![])) };
    let mut media = Media::start(config, sinks).unwrap();

    let caller = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let probe = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let items: Arc<[Item]> = [Item::Prompt(audio::Prompt::from_samples(&vec![1000; 80_000]))].into();
    let mut open = |leg| {
        let srtp =
            callers_key.map(|remote| Srtp { local: MasterKey::random(remote.suite(), &mut rng), remote, mki: None });
        start(&mut media, leg, if leg == 0 { &probe } else { &caller }, mode, &items, srtp)
    };
    let targets: Vec<SocketAddr> = (0..legs).map(&mut open).collect();
    if mode == "bridge" {
        for call in 0..calls {
            media.execute(Command::Bridge { a: id(call * 2), b: id(call * 2 + 1) });
        }
    }

    let stop = Arc::new(AtomicBool::new(false));
    let spacing = std::thread::spawn({
        let (probe, stop) = (probe.try_clone().unwrap(), Arc::clone(&stop));
        move || measure(&probe, &stop)
    });
    let speaking = std::thread::spawn({
        let stop = Arc::clone(&stop);
        let outbound = callers_key.map(|key| Outbound::new(&key));
        move || speak(&caller, &probe, &targets, outbound, &stop)
    });
    std::thread::sleep(Duration::from_secs(2));
    let (cpu, start) = (media_cpu(), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    let (cpu, time, after) = (media_cpu() - cpu, start.elapsed(), resident_kb());
    stop.store(true, Ordering::Relaxed);
    let sent = speaking.join().unwrap();
    let mut gaps = spacing.join().unwrap();
    gaps.sort_by(f64::total_cmp);
    let at = |share: f64| gaps[((gaps.len() - 1) as f64 * share) as usize];
    println!(
        "{mode} {} calls={calls} threads={threads}: {:.3} CPU-ms a call-second, {:.1} kB a call; spacing ms p50 {:.2} p99 \
         {:.2} p99.9 {:.2} max {:.2}; sent {sent}; {:?}",
        suite.map_or("in clear", Suite::name),
        cpu.as_secs_f64() * 1000.0 / (calls as f64 * time.as_secs_f64()),
        (after - before) as f64 / calls as f64,
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
        media.counters()
    );
}

fn id(leg: u64) -> LegId {
    LegId::from_raw(leg)
}

fn start(
    media: &mut Media,
    leg: u64,
    phone: &UdpSocket,
    mode: &str,
    items: &Arc<[Item]>,
    srtp: Option<Srtp>,
) -> SocketAddr {
    let leg = id(leg);
    let Some(Event::Opened { port, .. }) = media.execute(Command::Open { leg }) else { panic!("no port") };
    let agreed = Agreed {
        remote: phone.local_addr().ok(),
        remote_rtcp: None,
        direction: Direction::SendRecv,
        codec: Codec::Pcmu,
        send_pt: 0,
        receive_pt: 0,
        receive_other: None,
        dtmf_send_pt: Some(101),
        dtmf_receive_pt: Some(101),
        send_ptime_ms: 20,
        srtp,
    };
    media.execute(Command::Start { leg, agreed });
    if mode != "bridge" {
        let play = PlayId::from_raw(1);
        media.execute(Command::Play { leg, play, items: items.clone(), repeat: true });
    }
    if mode == "record" {
        media.execute(Command::Record { leg, take: TakeId::from_raw(1) });
    }
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Sends to all legs every 20 ms, on one grid; how many packets.
fn speak(
    caller: &UdpSocket,
    probe: &UdpSocket,
    targets: &[SocketAddr],
    mut outbound: Option<Outbound>,
    stop: &AtomicBool,
) -> usize {
    let (begin, mut sent) = (Instant::now(), 0);
    for n in 0u32.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let sequence = u16::try_from(n & 0xffff).unwrap();
        let header = rtp::Header { marker: n == 0, payload_type: 0, sequence, timestamp: n * 160, ssrc: 7 };
        let mut packet = [&header.to_bytes()[..], &[0xff; 160]].concat();
        if let Some(outbound) = &mut outbound {
            let length = packet.len();
            packet.extend([0; RTP_TRAILER]);
            let sealed = outbound.protect_rtp(&mut packet, length).unwrap();
            packet.truncate(sealed);
        }
        for (index, target) in targets.iter().enumerate() {
            let socket = if index == 0 { probe } else { caller };
            sent += usize::from(socket.send_to(&packet, target).is_ok());
        }
        std::thread::sleep((begin + Duration::from_millis(20) * (n + 1)).saturating_duration_since(Instant::now()));
    }
    sent
}

/// Times between packets, by the kernel's time stamps, so that this thread's own scheduling does not count.
fn measure(probe: &UdpSocket, stop: &AtomicBool) -> Vec<f64> {
    probe.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (fd, on) = (probe.as_raw_fd(), 1i32);
    // SAFETY: the value is an int, given with its size.
    unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, (&raw const on).cast(), 4) };
    let (mut gaps, mut last) = (vec![0.0], None::<f64>);
    let (mut datagram, mut control) = ([0u8; 500], [0u64; 16]);
    while !stop.load(Ordering::Relaxed) {
        let mut vector = libc::iovec { iov_base: datagram.as_mut_ptr().cast(), iov_len: datagram.len() };
        // SAFETY: zero is a valid value of all fields.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        (header.msg_iov, header.msg_iovlen) = (&raw mut vector, 1);
        (header.msg_control, header.msg_controllen) = (control.as_mut_ptr().cast(), size_of_val(&control));
        // SAFETY: the header's pointers are to arrays that live during the call, with their true lengths.
        if unsafe { libc::recvmsg(fd, &raw mut header, 0) } < 12 {
            continue;
        }
        // The one control message is a header of 16 octets and the seconds and nanoseconds.
        let now = control[2] as f64 * 1000.0 + control[3] as f64 / 1e6;
        gaps.extend(last.map(|last| now - last));
        last = Some(now);
    }
    gaps
}

/// CPU time of the media threads so far.
fn media_cpu() -> Duration {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        if read("comm").starts_with("media-") {
            let run: u64 = read("schedstat").split(' ').next().unwrap().parse().unwrap();
            nanos += run;
        }
    }
    Duration::from_nanos(nanos)
}

fn resident_kb() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
