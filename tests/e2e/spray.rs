//! Good RTP and RTCP from strangers, sprayed at both legs of a recorded call: nobody hears it, and the recording is as without.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tests::company::tones;
use tests::phone::Media;
use tests::sound::{self, FRAME, assert_heard, heard, samples};
use tests::talk::{Talk, talk};
use tests::wait::{SOON, pause};

/// What the strangers say.
const SPRAYED: f64 = 3300.0;
const SECOND: Duration = Duration::from_secs(1);

/// A leg of the switch: where it receives, and whose stream.
#[derive(Clone, Copy)]
struct Target {
    port: SocketAddr,
    ssrc: u32,
}

impl Target {
    fn of(phone: &Media) -> Self {
        Self { port: phone.peer().expect("a call"), ssrc: phone.ssrc() }
    }

    /// What comes at step `n` from the stranger named `stranger`: a stream in good order, one at random, one in the phone's
    /// name, and a digit.
    fn rtp(self, n: u16, stranger: u32, frame: &[u8]) -> [Vec<u8>; 4] {
        let packet = |payload_type: u8, sequence: u16, ssrc: u32, payload: &[u8]| {
            let mut packet = vec![0x80, payload_type];
            packet.extend(sequence.to_be_bytes());
            packet.extend((u32::from(sequence) * FRAME as u32).to_be_bytes());
            packet.extend(ssrc.to_be_bytes());
            packet.extend(payload);
            packet
        };
        let random = u32::from(n).wrapping_mul(0x9e37_79b9);
        [
            packet(0, n, stranger, frame),
            packet(0, random as u16, random, frame),
            packet(0, 1000 + n, self.ssrc, frame),
            packet(101, n, stranger, &[5, 0x8a, 3, 32]),
        ]
    }

    /// RTCP's BYE in the phone's name, and where it goes.
    fn goodbye(self) -> (SocketAddr, Vec<u8>) {
        let control = SocketAddr::new(self.port.ip(), self.port.port() + 1);
        (control, [&[0x81, 203, 0, 1][..], &self.ssrc.to_be_bytes()].concat())
    }
}

/// Sends from the phones' own address and from others, 1,500 packets a second in all, until told to stop; gives how many
/// packets came back.
fn spray(targets: [Target; 2], stop: Arc<AtomicBool>) -> JoinHandle<usize> {
    let sources = ["127.0.0.1", "127.0.0.66", "127.0.0.67"].map(|ip| {
        let socket = UdpSocket::bind((ip.parse::<IpAddr>().expect("an address"), 0)).expect("a socket");
        socket.set_nonblocking(true).expect("a socket that does not wait");
        socket
    });
    let voice: Vec<u8> = sound::sine(SPRAYED, 1.0).iter().map(|sample| sound::to_ulaw(*sample)).collect();
    std::thread::spawn(move || {
        let mut back = 0;
        for (n, frame) in (0u16..).zip(voice.chunks_exact(FRAME).cycle()) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            for (stranger, socket) in (0x5151..).zip(&sources) {
                for target in targets {
                    for octets in target.rtp(n, stranger, frame) {
                        let _ = socket.send_to(&octets, target.port);
                    }
                    let (control, goodbye) = target.goodbye();
                    let _ = socket.send_to(&goodbye, control);
                }
                while socket.recv_from(&mut [0; 2000]).is_ok() {
                    back += 1;
                }
            }
            pause(Duration::from_millis(20));
        }
        back
    })
}

#[test]
fn a_recorded_call_is_as_without_them_also_while_it_is_held() {
    let mut talk = talk("1000", "1", |_| {});
    let Talk { switch, caller, agent, call, answer, .. } = &mut talk;
    let (stop, from) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let sprayer = spray([Target::of(&caller.media), Target::of(&agent.media)], Arc::clone(&stop));
    pause(3 * SECOND);
    // The agent's phone is silent for longer than a source must be before another may follow.
    let (hold, back) = (format!("{}a=sendonly\r\n", agent.sdp()), agent.sdp());
    let switch_side = agent.media.peer().expect("a call");
    assert_eq!(agent.reinvite(answer, &hold).status(), Some(200));
    agent.media.hush();
    pause(8 * SECOND);
    let resumed = Instant::now();
    assert_eq!(agent.reinvite(answer, &back).status(), Some(200));
    agent.media.send_to(switch_side);
    caller.media.wait_for_tone(tones::AGENT, resumed, SOON);
    pause(2 * SECOND);
    stop.store(true, Ordering::Relaxed);
    assert_eq!(sprayer.join().expect("it ends by itself"), 0, "a stranger was sent something");
    let sprayed = from.elapsed().as_secs_f64();
    let (caller_heard, agent_heard) = (caller.media.heard_since(from), agent.media.heard_since(from));
    assert_eq!(caller.bye(call).status(), Some(200));
    let cdr = switch.wait_for_cdr();
    assert_eq!((cdr["hung_up_by"].as_str(), cdr["recording_lost_ms"].as_u64()), (Some("caller"), Some(0)), "{cdr:#}");
    let digits: Vec<_> = switch.events("digit").iter().map(|event| event["key"].clone()).collect();
    assert_eq!(digits, ["1"], "nobody else pressed a key");

    let [left, right] = sound::read_wav(&switch.recordings()[0]).try_into().expect("stereo");
    for (title, sound) in [("caller", &caller_heard), ("agent", &agent_heard), ("left", &left), ("right", &right)] {
        assert_eq!(heard(sound, SPRAYED), None, "{title}");
    }
    let whole = &left[left.len() - samples(sprayed)..];
    assert_heard("the caller on the left, all the time", whole, tones::CALLER, sprayed - 0.5);
    assert!(heard(&right, tones::MUSIC).is_some_and(|music| music.total > 7.5));
    let after = heard(&caller_heard, tones::AGENT).expect("the agent");
    assert!(after.total > 4.0, "the agent before and after his hold: {after:?}");
    switch.assert_quiet();
}
