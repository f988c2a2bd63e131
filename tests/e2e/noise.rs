//! Malformed SIP, SDP, RTP and RTCP at live ports: one answer or silence, one counted event, and the call hears nothing of it.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::phone::{Phone, media_address};
use tests::ports::Ports;
use tests::sound;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

/// A generator that gives the same octets at each run (SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.next() % most).map(|_| self.next() as u8).collect()
    }

    /// `message` with a few octets changed, doubled or cut.
    fn spoil(&mut self, message: &[u8]) -> Vec<u8> {
        let mut spoilt = message.to_vec();
        for _ in 0..1 + self.next() % 4 {
            let at = self.next() as usize % spoilt.len().max(1);
            match self.next() % 4 {
                0 => spoilt.truncate(at),
                1 => spoilt.insert(at.min(spoilt.len()), self.next() as u8),
                2 => drop(spoilt.drain(at.min(spoilt.len())..(at + 9).min(spoilt.len()))),
                _ => spoilt.iter_mut().skip(at).take(1).for_each(|octet| *octet = self.next() as u8),
            }
            if spoilt.is_empty() {
                break;
            }
        }
        spoilt
    }
}

fn invite(phone: &Phone, switch: SocketAddr, n: u64, body: &str) -> String {
    format!(
        "INVITE sip:1002@{switch} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bKnoise{n};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:noise@{me}>;tag=n{n}\r\nTo: <sip:1002@{switch}>\r\nCall-ID: noise{n}\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:noise@{me}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
        me = phone.address(),
    )
}

/// A phone in a call that hears a tone without end.
fn in_a_call() -> (Ports, Switch, Phone, SocketAddr) {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    let flow = "version: 1\nnodes:\n  talk:\n    play: { prompt: music, repeat: forever }\n";
    company.flows.insert("talk", flow.to_owned());
    let switch = Switch::start(&company);
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.invite("1002", &phone.sdp());
    let answer = phone.final_response(&dialog, SOON);
    phone.establish(&mut dialog, &answer);
    phone.media.wait_for_tone(tones::MUSIC, Instant::now(), SOON);
    let audio = media_address(&answer);
    (ports, switch, phone, audio)
}

/// The call goes on: its tone was heard without a hole since `from`, and it still ends by neither side.
fn assert_unharmed(phone: &mut Phone, from: Instant) {
    let heard = sound::heard(&phone.media.heard_since(from), tones::MUSIC).expect("the tone");
    assert!(heard.gap <= 0.1, "{heard:?}");
    assert!(heard.total + 0.5 > from.elapsed().as_secs_f64(), "{heard:?}");
    assert!(phone.seen(Duration::ZERO).iter().all(|message| message.method() != Some("BYE")));
    assert!(phone.probe(), "OPTIONS is answered");
}

#[test]
fn spoilt_sip_harms_nothing() {
    let (mut ports, switch, mut phone, _) = in_a_call();
    let sprayer = Phone::new(switch.address(), &mut ports);
    let (from, mut noise) = (Instant::now(), Noise(1));
    for n in 0..1500 {
        let message = match n % 3 {
            0 => noise.bytes(600),
            // INVITEs that might still be whole would open calls: they ask for a number that is not there.
            1 => noise.spoil(invite(&sprayer, switch.address(), n, "").replace("1002", "4711").as_bytes()),
            _ => noise.spoil(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nCSeq: 1 BYE\r\n\r\n"),
        };
        sprayer.send(&message);
        pause(Duration::from_millis(2));
    }
    assert_unharmed(&mut phone, from);
    switch.wait_for_event("malformed", 1, SOON);
}

#[test]
fn spoilt_sdp_is_refused_with_a_4xx() {
    let (mut ports, switch, mut phone, _) = in_a_call();
    let mut sprayer = Phone::new(switch.address(), &mut ports);
    let (from, good) = (Instant::now(), sprayer.sdp());
    let bad = [
        good.replace("v=0\r\n", ""),
        good.replace("m=audio", "m=audio audio"),
        good.replace("IN IP4 127.0.0.1\r\nt=", "IN IP4 999.0.0.1\r\nt="),
        good.replace("RTP/AVP 0 101", "RTP/AVP 300"),
        good.replace(&format!("m=audio {}", sprayer.media.local().port()), "m=audio 99999"),
        good.replace("t=0 0", "t"),
        "v=0\r\n".to_owned(),
        "\u{0}\u{1}\u{2}".to_owned(),
    ];
    for (n, body) in (0u64..).zip(&bad) {
        sprayer.send(invite(&sprayer, switch.address(), n, body).as_bytes());
        let id = format!("noise{n}");
        let answer = sprayer.wait_for("an answer", SOON, |m| {
            m.header("Call-ID") == Some(&id) && m.status().is_some_and(|status| status >= 200)
        });
        let status = answer.status().unwrap_or(0);
        assert!((400..500).contains(&status), "{body:?} got\n{answer}");
        assert!(answer.header("Warning").is_some(), "{body:?} got no Warning:\n{answer}");
        let ack = invite(&sprayer, switch.address(), n, "").replace("INVITE", "ACK");
        let ack = ack.replace(&format!("To: <sip:1002@{}>", switch.address()), &format!("To: {}", answer.must("To")));
        sprayer.send(ack.as_bytes());
    }
    pause(Duration::from_secs(1));
    assert_unharmed(&mut phone, from);
}

#[test]
fn spoilt_rtp_and_rtcp_from_a_stranger_are_neither_heard_nor_answered() {
    let (_ports, _switch, mut phone, audio) = in_a_call();
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    stranger.set_read_timeout(Some(Duration::from_millis(1))).expect("a limit");
    let (from, mut noise) = (Instant::now(), Noise(2));
    let control = SocketAddr::new(audio.ip(), audio.port() + 1);
    let voice = [&[0x80, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9][..], &[0x11; 160]].concat();
    let goodbye = [0x81, 203, 0, 1, 9, 9, 9, 9];
    for n in 0..1500 {
        let (to, packet) = match n % 4 {
            0 => (audio, noise.bytes(1400)),
            1 => (audio, noise.spoil(&voice)),
            2 => (control, noise.spoil(&goodbye)),
            _ => (control, noise.bytes(200)),
        };
        let _ = stranger.send_to(&packet, to);
        pause(Duration::from_millis(2));
    }
    assert!(stranger.recv_from(&mut [0; 2000]).is_err(), "the stranger hears nothing");
    assert_unharmed(&mut phone, from);
}

#[test]
fn a_stranger_with_good_rtp_takes_over_no_call() {
    let (_ports, switch, mut phone, audio) = in_a_call();
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    stranger.set_read_timeout(Some(Duration::from_millis(1))).expect("a limit");
    let from = Instant::now();
    for n in 0..150u16 {
        let mut packet = vec![0x80, 0];
        packet.extend((2000 + n).to_be_bytes());
        packet.extend((u32::from(n) * 160).to_be_bytes());
        packet.extend([1, 2, 3, 4]);
        // Now and then a digit that is not the caller's.
        if n % 10 == 0 {
            packet[1] = 101;
            packet.extend([1, 0x8a, 0, 160]);
        } else {
            packet.extend([0x55; 160]);
        }
        stranger.send_to(&packet, audio).expect("sent");
        pause(Duration::from_millis(20));
    }
    assert!(stranger.recv_from(&mut [0; 2000]).is_err(), "the stranger hears nothing");
    assert_unharmed(&mut phone, from);
    assert_eq!(switch.events("digit").len(), 0, "his digits are nobody's");
}

/// The switch once lost an answer now and then: an ICMP error that came back for one datagram is reported when another one is
/// sent, and that one was given up when two such errors came in a row. Each answer here must come.
#[test]
fn answers_that_nobody_takes_cost_nobody_else_his() {
    let ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a limit");
    let (me, switch_address) = (socket.local_addr().expect("bound"), switch.address());
    let options = |n: usize, answer_to: SocketAddr| {
        format!(
            "OPTIONS sip:a@{switch_address} SIP/2.0\r\nVia: SIP/2.0/UDP {answer_to};branch=z9hG4bKd{n}\r\nMax-Forwards: 70\r\n\
             From: <sip:a@{me}>;tag=1\r\nTo: <sip:a@{switch_address}>\r\nCall-ID: dead{n}\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        )
    };
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    let (mut lost, bursts, size) = (0, 300, 8);
    for burst in 0..bursts {
        for n in (0..2 * size).step_by(2).map(|n| burst * 2 * size + n) {
            socket.send_to(options(n, nobody).as_bytes(), switch_address).expect("sent");
            socket.send_to(options(n + 1, me).as_bytes(), switch_address).expect("sent");
        }
        lost += size - (0..size).take_while(|_| socket.recv_from(&mut [0; 2000]).is_ok()).count();
    }
    assert_eq!(lost, 0, "answers lost of {}", bursts * size);
}
