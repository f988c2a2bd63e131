//! SIP over UDP (RFC 3261 §18): one socket a listener, received and sent in batches.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::vec::Drain;

use sip::{Flow, Transmit, Transport, stun};
use sip_message::{Message, Reject, parse_datagram};

use crate::addr::for_family_of;
use crate::sys::{self, BATCH, Inbox};
use crate::{NetError, Received};

/// Room for a burst of some thousand messages while the receiving thread waits for a processor.
const SOCKET_BUFFER: i32 = 4 << 20;
/// How often a datagram is tried before its error is taken as its own. Each try takes one error of another off the
/// socket, and the receiving thread takes them off as well.
const ATTEMPTS: u32 = 64;
/// So many datagrams in a [`SPELL`], 5,000 a second, are a flood, in which the thread lets some gather: to be woken for each
/// alone costs as much as to read and answer it. With fewer there is mostly nothing that could gather, and to sleep costs
/// more than it saves.
const FLOOD: usize = 50;
/// How long datagrams are counted.
const SPELL: Duration = Duration::from_millis(10);
/// Those that come closer together than this come in a burst.
const BURST: Duration = Duration::from_micros(100);
/// How long it lets them gather.
const GATHER: Duration = Duration::from_micros(300);
/// Answers to STUN that a listener gives in a second at most: enough for 100,000 phones that ask every 25 s, and little work
/// for who asks without end.
const MOST_STUN: u32 = 4000;
/// How often a silent receiving thread looks whether it shall end.
const STOP_INTERVAL: Duration = Duration::from_millis(200);

/// A UDP listener: its socket and its receiving thread, which ends when this is dropped.
#[derive(Debug)]
pub struct Listener {
    socket: Arc<UdpSocket>,
    local: SocketAddr,
    index: u16,
    dropped: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Binds `address` (port 0: any free one) as listener number `index`. Nothing is received before
    /// [`Listener::start`].
    ///
    /// One on `[::]` serves peers of IPv4, too, unless `ipv6_only`.
    ///
    /// # Errors
    /// [`NetError::Bind`] if the address is taken or not ours, [`NetError::Prepare`] if the system refuses an option.
    pub fn bind(index: u16, address: SocketAddr, ipv6_only: bool) -> Result<Self, NetError> {
        let transport = "udp";
        let socket = sys::bind(address, libc::SOCK_DGRAM, ipv6_only);
        let socket = UdpSocket::from(socket.map_err(|source| NetError::Bind { transport, address, source })?);
        let local = prepare(&socket).map_err(|source| NetError::Prepare { transport, address, source })?;
        Ok(Self { socket: Arc::new(socket), local, index, dropped: Arc::default(), stop: Arc::default(), thread: None })
    }

    /// The address bound, with the port that was found.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Counts datagrams that `sink` could not take, or that no parser of ours survives, as long as somebody looks.
    #[must_use]
    pub fn dropped(&self) -> Arc<AtomicU64> {
        self.dropped.clone()
    }

    /// The sending side.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender { socket: Arc::clone(&self.socket), local: self.local.ip(), unsent: 0 }
    }

    /// False once its thread has ended by a fault of ours: nothing is received any more.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_none_or(|thread| !thread.is_finished())
    }

    /// Starts to receive. `sink` takes all that came at once and says how much of it found no room; it must not wait.
    ///
    /// # Errors
    /// [`NetError::Thread`] if the system gives no thread.
    pub fn start(&mut self, sink: impl FnMut(Drain<'_, Received>) -> usize + Send + 'static) -> Result<(), NetError> {
        self.start_with(|octets| parse_datagram(octets), sink)
    }

    fn start_with(
        &mut self,
        parse: fn(&[u8]) -> Result<Message, Reject>,
        sink: impl FnMut(Drain<'_, Received>) -> usize + Send + 'static,
    ) -> Result<(), NetError> {
        let receiver = Receiver {
            socket: Arc::clone(&self.socket),
            local: self.local,
            index: self.index,
            dropped: Arc::clone(&self.dropped),
            stop: Arc::clone(&self.stop),
        };
        let thread = std::thread::Builder::new()
            .name(format!("sip-udp-{}", self.index))
            .spawn(move || receiver.run(parse, sink))
            .map_err(|source| NetError::Thread { transport: "udp", address: self.local, source })?;
        self.thread = Some(thread);
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported by the panic hook; there is nothing left to save here.
            let _ = thread.join();
        }
    }
}

/// Options of a signalling socket. Returns the address that it is bound to.
fn prepare(socket: &UdpSocket) -> io::Result<SocketAddr> {
    let local = socket.local_addr()?;
    socket.set_read_timeout(Some(STOP_INTERVAL))?;
    // A smaller buffer than asked for is no fault: the system clamps it to its own limit.
    sys::set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, SOCKET_BUFFER)?;
    sys::set_option(socket, libc::SOL_SOCKET, libc::SO_SNDBUF, SOCKET_BUFFER)?;
    match local {
        SocketAddr::V4(_) => {
            sys::set_option(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
            sys::set_option(socket, libc::IPPROTO_IP, libc::IP_RECVERR, 1)?;
        }
        SocketAddr::V6(_) => {
            sys::set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
            sys::set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1)?;
        }
    }
    Ok(local)
}

/// The receiving thread's share of a listener.
struct Receiver {
    socket: Arc<UdpSocket>,
    local: SocketAddr,
    index: u16,
    dropped: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Receiver {
    fn run(self, parse: fn(&[u8]) -> Result<Message, Reject>, mut sink: impl FnMut(Drain<'_, Received>) -> usize) {
        let mut inbox = Inbox::new();
        let mut batch = Vec::with_capacity(BATCH);
        let mut pace = Pace::new(Instant::now());
        let mut told = Told::new(Instant::now());
        while !self.stop.load(Ordering::Relaxed) {
            let result = inbox.receive(&self.socket, |payload, remote, destination| {
                if stun::is_stun(payload) {
                    return told.put(Instant::now(), remote, stun::answer(payload, remote));
                }
                let flow = Flow::udp(self.index, self.local_for(destination), remote);
                // A datagram that should make our parser panic costs itself alone. (It is a function of these octets, so
                // nothing is left half-changed.)
                match catch_unwind(AssertUnwindSafe(|| parse(payload))) {
                    Ok(parsed) => batch.push(Received::Message { flow, parsed }),
                    Err(_) => drop(self.dropped.fetch_add(1, Ordering::Relaxed)),
                }
            });
            told.send(&self.socket, self.local.ip());
            if let Err(error) = &result {
                self.after(error, &mut batch);
            }
            let refused = sink(batch.drain(..));
            if refused > 0 {
                self.dropped.fetch_add(u64::try_from(refused).unwrap_or_default(), Ordering::Relaxed);
            }
            if let Ok(count) = result
                && pace.lets_gather(Instant::now(), count)
            {
                std::thread::sleep(GATHER);
            }
        }
    }

    /// The address that the peer sees us at: on a wildcard listener the one that this datagram was sent to.
    fn local_for(&self, destination: Option<IpAddr>) -> SocketAddr {
        match destination {
            Some(ip) if self.local.ip().is_unspecified() => SocketAddr::new(ip, self.local.port()),
            _ => self.local,
        }
    }

    fn after(&self, error: &io::Error, batch: &mut Vec<Received>) {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {}
            // ICMP: the error queue says for whom. Other errors (no memory) pass; the next call tries again.
            _ => {
                while let Some(remote) = sys::take_unreachable(&self.socket) {
                    batch.push(Received::Unreachable { transport: Transport::Udp, remote });
                }
            }
        }
    }
}

/// How fast datagrams come.
struct Pace {
    /// When the last ones came.
    last: Instant,
    /// How many came since then, and whether it was a flood before.
    count: usize,
    since: Instant,
    flood: bool,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self { last: now, count: 0, since: now, flood: false }
    }

    /// `count` came at once; true if it is worth while to let the next ones gather.
    fn lets_gather(&mut self, now: Instant, count: usize) -> bool {
        if now - self.since >= SPELL {
            // What comes after a long silence is no flood, however many they are.
            self.flood = self.count >= FLOOD && now - self.since < 2 * SPELL;
            (self.count, self.since) = (0, now);
        }
        self.count += count;
        // A full batch has more behind it already.
        let gather = self.flood && count < BATCH && now - self.last < BURST;
        self.last = now;
        gather
    }
}

/// Answers to STUN, given by the receiving thread itself: they concern nobody else.
struct Told {
    waiting: Vec<(SocketAddr, Vec<u8>)>,
    /// How many more may be given in the second that began then.
    left: u32,
    since: Instant,
}

impl Told {
    fn new(now: Instant) -> Self {
        Self { waiting: Vec::new(), left: MOST_STUN, since: now }
    }

    fn put(&mut self, now: Instant, remote: SocketAddr, answer: Option<Vec<u8>>) {
        let Some(answer) = answer else { return };
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            (self.left, self.since) = (MOST_STUN, now);
        }
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.waiting.push((remote, answer));
        }
    }

    /// Sends what waits. What the system does not take is lost: who asked asks again.
    fn send(&mut self, socket: &UdpSocket, local: IpAddr) {
        for (remote, answer) in self.waiting.drain(..) {
            let datagram = [(for_family_of(local, remote), &answer[..])];
            // The first tries may only bring the ICMP errors of other datagrams.
            let tried = (0..4).map(|_| sys::send_batch(socket, &datagram));
            let _ = tried.into_iter().find(|sent| !matches!(sent, Err(e) if e.kind() != io::ErrorKind::WouldBlock));
        }
    }
}

/// The sending side of a listener, for the domain thread.
#[derive(Debug)]
pub struct Sender {
    socket: Arc<UdpSocket>,
    local: IpAddr,
    unsent: u64,
}

impl Sender {
    /// Sends all of `transmits`, which must be this listener's. What the system refuses is dropped and counted: SIP
    /// over UDP sends again what matters.
    pub fn send(&mut self, transmits: &[Transmit]) {
        for batch in transmits.chunks(BATCH) {
            self.send_batch(batch);
        }
    }

    /// Datagrams that the system refused to send.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.unsent
    }

    fn send_batch(&mut self, batch: &[Transmit]) {
        let empty: (SocketAddr, &[u8]) = (SocketAddr::new(self.local, 0), &[]);
        let mut datagrams = [empty; BATCH];
        for (slot, transmit) in datagrams.iter_mut().zip(batch) {
            *slot = (for_family_of(self.local, transmit.flow.remote), &transmit.payload);
        }
        let mut rest = datagrams.get(..batch.len()).unwrap_or_default();
        // The system reports ICMP errors of earlier datagrams to whoever sends next, one a call, and each time has sent
        // nothing. As many come in a row as peers are gone, so the call is made again; a datagram is given up only when
        // the error is plainly its own.
        let mut attempts = ATTEMPTS;
        while !rest.is_empty() {
            match sys::send_batch(&self.socket, rest) {
                Ok(0) => break,
                Ok(sent) => {
                    rest = rest.get(sent..).unwrap_or_default();
                    attempts = ATTEMPTS;
                }
                Err(error) if attempts > 0 && error.kind() != io::ErrorKind::WouldBlock => attempts -= 1,
                Err(_) => {
                    self.unsent += 1;
                    rest = rest.get(1..).unwrap_or_default();
                    attempts = ATTEMPTS;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A Binding request (RFC 5389 6).
    const BINDING: &[u8] = b"\x00\x01\x00\x00\x21\x12\xa4\x42transaction!";

    #[test]
    fn stun_is_answered_by_the_listener_itself_and_broken_stun_by_nobody() {
        let mut listener = Listener::bind(0, SocketAddr::from(([127, 0, 0, 1], 0)), false).unwrap();
        let (tx, received) = mpsc::sync_channel(4);
        listener.start(move |batch| batch.filter_map(|received| tx.try_send(received).err()).count()).unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        for octets in [&BINDING[..19], &[BINDING, b"more"].concat(), BINDING, b"\r\n"] {
            peer.send_to(octets, listener.local()).unwrap();
        }
        let mut buffer = [0; 100];
        let (size, _) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!((size, &buffer[..2], &buffer[8..20]), (32, &[1, 1][..], &b"transaction!"[..]));
        let port = u16::from_be_bytes([buffer[26] ^ 0x21, buffer[27] ^ 0x12]);
        assert_eq!(port, peer.local_addr().unwrap().port());
        // What is no STUN is SIP, and the first that is whole is the keep-alive.
        let sip = [received.recv_timeout(Duration::from_secs(20)), received.recv_timeout(Duration::from_secs(20))];
        assert!(matches!(&sip[0], Ok(Received::Message { parsed: Err(_), .. })), "no cookie in its place");
        assert!(matches!(&sip[1], Ok(Received::Message { parsed: Ok(Message::KeepAlive), .. })), "{sip:?}");
        peer.set_nonblocking(true).unwrap();
        assert!(peer.recv_from(&mut buffer).is_err(), "one answer");
    }

    #[test]
    fn in_a_flood_datagrams_gather_and_those_of_calls_do_not() {
        let begin = Instant::now();
        // Every so many microseconds one comes.
        let gathered = |every: u64, count: usize| {
            let mut pace = Pace::new(begin);
            let times = (1..=100_000 / every).map(|n| begin + Duration::from_micros(n * every));
            times.filter(|now| pace.lets_gather(*now, count)).count()
        };
        assert!(gathered(50, 1) > 1_500, "20,000 a second");
        assert_eq!((gathered(50, BATCH), gathered(250, 1)), (0, 0), "more is there already; 4,000 a second");
        // 1,000 calls a second, of three messages close together each.
        let mut pace = Pace::new(begin);
        let at = |n: u64| begin + Duration::from_micros(n / 3 * 1000 + n % 3 * 30);
        assert!((1..300).all(|n| !pace.lets_gather(at(n), 1)));
        // A flood that is over is none.
        let flood = (0..2_000).filter(|n| pace.lets_gather(at(300) + Duration::from_micros(n * 20), 1)).count();
        assert!(flood > 500, "{flood}");
        let later = at(300) + Duration::from_secs(1);
        assert!(!pace.lets_gather(later, 1) && !pace.lets_gather(later + BURST / 2, 1));
    }

    #[test]
    fn who_asks_by_stun_without_end_gets_no_answer_in_the_rest_of_the_second() {
        let start = Instant::now();
        let mut told = Told::new(start);
        let remote = SocketAddr::from(([192, 0, 2, 1], 5060));
        for _ in 0..MOST_STUN + 10 {
            told.put(start, remote, stun::answer(BINDING, remote));
        }
        assert_eq!(told.waiting.len(), MOST_STUN as usize);
        told.put(start + Duration::from_secs(1), remote, stun::answer(BINDING, remote));
        assert_eq!(told.waiting.len(), MOST_STUN as usize + 1);
    }

    #[test]
    #[allow(clippy::panic, reason = "a fault on purpose")]
    fn a_datagram_that_makes_the_parser_panic_is_lost_and_counted_and_the_next_arrives() {
        let mut listener = Listener::bind(0, SocketAddr::from(([127, 0, 0, 1], 0)), false).unwrap();
        let (tx, received) = mpsc::sync_channel(4);
        let parse = |octets: &[u8]| if octets == b"boom" { panic!("boom") } else { parse_datagram(octets) };
        listener
            .start_with(parse, move |batch| batch.filter_map(|received| tx.try_send(received).err()).count())
            .unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        for text in ["boom", "\r\n"] {
            peer.send_to(text.as_bytes(), listener.local()).unwrap();
        }
        let arrived = received.recv_timeout(Duration::from_secs(20));
        assert!(matches!(arrived, Ok(Received::Message { parsed, .. }) if matches!(parsed, Ok(Message::KeepAlive))));
        assert_eq!(listener.dropped().load(Ordering::Relaxed), 1);
        assert!(listener.is_running());
    }
}
