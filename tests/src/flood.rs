//! A flood: requests from many addresses of this machine, so many a second for so long and no more.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::wait;

/// How often the sender wakes.
const STEP: Duration = Duration::from_millis(2);

/// What a flood sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flood {
    /// INVITE with an offer, for a number that is there.
    Invite,
    /// REGISTER without credentials.
    Register,
}

impl Flood {
    /// Sends `rate` requests a second for `time` from `sources` addresses of 127.1.0.0/16, each with a socket of its own.
    /// Nobody reads the answers. Gives how many were sent.
    ///
    /// # Panics
    /// If the system gives no sockets.
    pub fn start(self, switch: SocketAddr, sources: u16, rate: u32, time: Duration) -> JoinHandle<u32> {
        let socket = |n: u16| UdpSocket::bind((Ipv4Addr::new(127, 1, n.to_be_bytes()[0], n.to_be_bytes()[1]), 0));
        let sockets: Vec<UdpSocket> = (0..sources).map(|n| socket(n).expect("a socket")).collect();
        std::thread::spawn(move || {
            let start = Instant::now();
            let mut sent = 0;
            while start.elapsed() < time {
                let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as u32;
                for n in sent..due {
                    let socket = &sockets[n as usize % sockets.len()];
                    // What the system has no room for is lost, as in a network.
                    let _ = socket.send_to(self.request(n, socket, switch).as_bytes(), switch);
                }
                sent = sent.max(due);
                wait::pause(STEP);
            }
            sent
        })
    }

    fn request(self, n: u32, socket: &UdpSocket, switch: SocketAddr) -> String {
        let me = socket.local_addr().expect("bound");
        let (method, user, body) = match self {
            Self::Invite => ("INVITE", "1002", OFFER),
            Self::Register => ("REGISTER", "agent2", ""),
        };
        format!(
            "{method} sip:{user}@{switch} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bKflood{n};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@{me}>;tag=f{n}\r\nTo: <sip:{user}@{switch}>\r\nCall-ID: flood{n}@{me}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:{user}@{me}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len(),
        )
    }
}

/// Nobody is meant to answer it.
const OFFER: &str = "v=0\r\no=f 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
