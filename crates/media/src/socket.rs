//! The system calls: UDP sockets, several datagrams received at once, epoll, a wake-up call.
//!
//! The only unsafe code of the crate. Addresses are read and written as octets (Linux's `sockaddr_in` and
//! `sockaddr_in6`), so that none is reached through a cast pointer.
#![allow(unsafe_code, reason = "recvmmsg, epoll, eventfd, IP_TOS and the dissolving of a connection are not in std")]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Octets of the longer of the two address structures.
const NAME: usize = 28;

/// Octets of a datagram that are looked at; longer ones are no RTP of ours and come cut.
const DATAGRAM: usize = 1500;

/// Datagrams received by one call. A peer sends one or two between two sweeps; fewer than this many means that there
/// are no more.
const BATCH: usize = 4;

/// Descriptors that audio leaves to others: operators, connections, recordings and the journal.
const RESERVE: libc::rlim_t = 32;

/// Readiness reports taken by one call.
const REPORTS: usize = 256;

/// A UDP socket.
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd, Family);

/// What a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// IPv4 or IPv6, as its address is.
    One,
    /// IPv6, and IPv4 mapped into it.
    Both,
}

impl Socket {
    /// Binds `address`; what is sent bears `dscp`. On `[::]` it carries IPv4, too.
    pub(crate) fn bind(address: SocketAddr, dscp: u8) -> io::Result<Self> {
        let both = address.is_ipv6() && address.ip().is_unspecified();
        let socket = if both { bind_both(address)? } else { Self(UdpSocket::bind(address)?.into(), Family::One) };
        if is_reserved(&socket.0) {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        // A system that does not allow the mark still carries calls.
        let _ = socket.set_traffic_class(address.ip(), dscp);
        if both {
            let _ = socket.set_traffic_class(Ipv4Addr::UNSPECIFIED.into(), dscp);
        }
        Ok(socket)
    }

    /// From now on only `peer` is heard, and [`Self::send`] sends to it.
    pub(crate) fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        let (name, length) = write_name(self.mapped(peer));
        self.connect_to(&name, length)
    }

    /// From now on everybody is heard again. The port stays ours, as it was bound by number.
    pub(crate) fn disconnect(&self) -> io::Result<()> {
        // connect(2): an address of family AF_UNSPEC (0) dissolves the association.
        self.connect_to(&[0; NAME], 16)
    }

    /// Sends to the connected peer.
    pub(crate) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        let (fd, flags) = (self.0.as_raw_fd(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
        // SAFETY: pointer and length are those of a slice that lives during the call; the kernel only reads it.
        let sent = unsafe { libc::send(fd, datagram.as_ptr().cast(), datagram.len(), flags) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Sends to `peer`.
    pub(crate) fn send_to(&self, datagram: &[u8], peer: SocketAddr) -> io::Result<()> {
        let (fd, flags) = (self.0.as_raw_fd(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
        let (name, length) = write_name(self.mapped(peer));
        let (octets, to) = (datagram.as_ptr().cast(), name.as_ptr().cast());
        // SAFETY: both pointers are to arrays that live during the call and are at least as long as the lengths given
        // with them; the kernel only reads them.
        let sent = unsafe { libc::sendto(fd, octets, datagram.len(), flags, to, length) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// `peer` as this socket can send to it.
    fn mapped(&self, peer: SocketAddr) -> SocketAddr {
        match (self.1, peer.ip()) {
            (Family::Both, IpAddr::V4(ip)) => SocketAddr::new(ip.to_ipv6_mapped().into(), peer.port()),
            _ => peer,
        }
    }

    fn connect_to(&self, name: &[u8; NAME], length: libc::socklen_t) -> io::Result<()> {
        // SAFETY: `name` lives during the call, is at least `length` long, and is only read.
        check(unsafe { libc::connect(self.0.as_raw_fd(), name.as_ptr().cast(), length) }).map(drop)
    }

    fn set_traffic_class(&self, address: IpAddr, dscp: u8) -> io::Result<()> {
        let class = libc::c_int::from(dscp << 2);
        let (level, option) = match address {
            IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_TOS),
            IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_TCLASS),
        };
        let length = libc::socklen_t::try_from(size_of_val(&class)).unwrap_or(0);
        let value = (&raw const class).cast();
        // SAFETY: the value is an int that lives during the call, given with its size; it is only read.
        check(unsafe { libc::setsockopt(self.0.as_raw_fd(), level, option, value, length) }).map(drop)
    }
}

/// A socket for both families, whatever the system's settings say of such.
fn bind_both(address: SocketAddr) -> io::Result<Socket> {
    // SAFETY: takes integers only.
    let raw = check(unsafe { libc::socket(libc::AF_INET6, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the descriptor was made just now and is nobody else's.
    let socket = Socket(unsafe { OwnedFd::from_raw_fd(raw) }, Family::Both);
    let alone: libc::c_int = 0;
    let length = libc::socklen_t::try_from(size_of_val(&alone)).unwrap_or(0);
    let value = (&raw const alone).cast();
    // SAFETY: the value is an int that lives during the call, given with its size; it is only read.
    check(unsafe { libc::setsockopt(raw, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, value, length) })?;
    let (name, length) = write_name(address);
    // SAFETY: `name` lives during the call, is at least `length` long, and is only read.
    check(unsafe { libc::bind(raw, name.as_ptr().cast(), length) })?;
    Ok(socket)
}

/// Room for the datagrams of one call, used again for each.
pub(crate) struct Mailbag {
    octets: Box<[[u8; DATAGRAM]; BATCH]>,
    names: [[u8; NAME]; BATCH],
    lengths: [usize; BATCH],
}

impl Mailbag {
    pub(crate) fn new() -> Self {
        Self { octets: Box::new([[0; DATAGRAM]; BATCH]), names: [[0; NAME]; BATCH], lengths: [0; BATCH] }
    }

    /// Receives what is there, up to a batch; how many datagrams, and whether there may be more.
    pub(crate) fn receive(&mut self, socket: &Socket) -> io::Result<(usize, bool)> {
        let mut vectors = self
            .octets
            .each_mut()
            .map(|octets| libc::iovec { iov_base: octets.as_mut_ptr().cast(), iov_len: octets.len() });
        // SAFETY: all fields of mmsghdr are integers and pointers, for which zero is a valid value.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        for ((header, vector), name) in headers.iter_mut().zip(&mut vectors).zip(&mut self.names) {
            header.msg_hdr.msg_name = name.as_mut_ptr().cast();
            header.msg_hdr.msg_namelen = libc::socklen_t::try_from(NAME).unwrap_or(0);
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        let count = libc::c_uint::try_from(BATCH).unwrap_or(0);
        let (fd, no_limit) = (socket.0.as_raw_fd(), std::ptr::null_mut());
        // SAFETY: `headers` are `count` headers. Their pointers are to arrays of this value and of this frame that
        // live during the call, each with its true length, and that nothing else refers to meanwhile.
        let got = unsafe { libc::recvmmsg(fd, headers.as_mut_ptr(), count, libc::MSG_DONTWAIT, no_limit) };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        for (length, header) in self.lengths.iter_mut().zip(&headers) {
            *length = usize::try_from(header.msg_len).unwrap_or(0);
        }
        Ok((got, got == BATCH))
    }

    /// A datagram of the last call, with its source.
    pub(crate) fn datagram(&mut self, index: usize) -> Option<(SocketAddr, &mut [u8])> {
        let source = read_name(self.names.get(index)?)?;
        Some((source, self.octets.get_mut(index)?.get_mut(..*self.lengths.get(index)?)?))
    }
}

/// Readiness of many sockets.
#[derive(Debug)]
pub(crate) struct Poller(OwnedFd);

/// Room for reports of readiness: each the key of a socket.
pub(crate) type Reports = Vec<libc::epoll_event>;

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor is new and owned by nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Reports `socket` as `key` whenever datagrams came that were not there before, and now if any wait.
    pub(crate) fn add(&self, socket: &Socket, key: u64) -> io::Result<()> {
        let events = libc::EPOLLIN | libc::EPOLLET;
        let mut event = libc::epoll_event { events: events.cast_unsigned(), u64: key };
        self.control(libc::EPOLL_CTL_ADD, socket, &mut event)
    }

    /// Reports `socket` no more.
    pub(crate) fn remove(&self, socket: &Socket) {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        let _ = self.control(libc::EPOLL_CTL_DEL, socket, &mut event);
    }

    /// Room for reports.
    pub(crate) fn reports() -> Reports {
        vec![libc::epoll_event { events: 0, u64: 0 }; REPORTS]
    }

    /// Takes the reports that there are, without waiting; how many, and whether there may be more.
    pub(crate) fn poll(&self, reports: &mut Reports) -> (usize, bool) {
        let room = libc::c_int::try_from(reports.len()).unwrap_or(0);
        // SAFETY: the pointer is to `room` events that the kernel may write.
        let got = unsafe { libc::epoll_wait(self.0.as_raw_fd(), reports.as_mut_ptr(), room, 0) };
        (usize::try_from(got).unwrap_or(0), got == room)
    }

    fn control(&self, operation: libc::c_int, socket: &Socket, event: &mut libc::epoll_event) -> io::Result<()> {
        let (epoll, fd) = (self.0.as_raw_fd(), socket.0.as_raw_fd());
        // SAFETY: the event lives during the call; both descriptors are open, as they are owned.
        check(unsafe { libc::epoll_ctl(epoll, operation, fd, event) }).map(drop)
    }
}

/// A call that wakes a sleeping thread.
#[derive(Debug)]
pub(crate) struct Alarm(OwnedFd);

impl Alarm {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the descriptor is new and owned by nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Ends the present [`Self::sleep`], or the next one if there is none.
    pub(crate) fn ring(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight octets are given, as eventfd(2) asks; they are only read. It fails only when it has been rung
        // 2⁶⁴ − 1 times, when it wakes the sleeper all the same.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Sleeps until rung, but at most `time`; `None` is for ever. True if it was rung.
    pub(crate) fn sleep(&self, time: Option<Duration>) -> bool {
        let mut wait = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let time = time.map(|time| libc::timespec {
            tv_sec: libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: libc::c_long::from(time.subsec_nanos().cast_signed()),
        });
        let limit = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: one pollfd is given, and a timespec or null, which live during the call; the signal mask is null.
        let ready = unsafe { libc::ppoll(&raw mut wait, 1, limit, std::ptr::null()) };
        if ready <= 0 {
            return false;
        }
        let mut count = [0; 8];
        // SAFETY: room for eight octets is given, as eventfd(2) asks.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
        true
    }
}

/// Asks the system to wake this thread as exactly as it can (50 µs late is usual).
pub(crate) fn be_exact() {
    // SAFETY: takes no pointer; it sets the slack of this thread's timers to 1 ns.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}

/// Asks the system to run this thread before others, or as it runs others. Before others is real-time scheduling; where
/// that is not allowed (it takes CAP_SYS_NICE or RLIMIT_RTPRIO) it is a better nice value, or nothing.
pub(crate) fn be_urgent(urgent: bool) {
    let policy = if urgent { libc::SCHED_FIFO } else { libc::SCHED_OTHER };
    // SCHED_RESET_ON_FORK: no thread or process that this one might start has it too.
    let policy = policy | libc::SCHED_RESET_ON_FORK;
    let parameter = libc::sched_param { sched_priority: if urgent { 10 } else { 0 } };
    // SAFETY: the parameter lives during the call and is only read; 0 is the calling thread.
    let refused = unsafe { libc::sched_setscheduler(0, policy, &raw const parameter) } < 0;
    if refused || !urgent {
        // SAFETY: takes no pointer; 0 is the calling thread.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -10) };
    }
}

/// True for one of the last descriptors that the process may have: the system gives the lowest that is free.
fn is_reserved(fd: &OwnedFd) -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit lives during the call, which writes it.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0;
    let number = libc::rlim_t::try_from(fd.as_raw_fd()).unwrap_or(0);
    known && number >= limit.rlim_cur.saturating_sub(RESERVE)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// An address as Linux lays it out: family in host order, port and address in network order.
fn write_name(address: SocketAddr) -> ([u8; NAME], libc::socklen_t) {
    let mut name = [0; NAME];
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let family = u16::try_from(family).unwrap_or(0).to_ne_bytes();
    let port = address.port().to_be_bytes();
    let length = match address {
        SocketAddr::V4(v4) => {
            fill(&mut name, [&family, &port, &v4.ip().octets()]);
            16
        }
        SocketAddr::V6(v6) => {
            let (flow, scope) = (v6.flowinfo().to_be_bytes(), v6.scope_id().to_ne_bytes());
            fill(&mut name, [&family, &port, &flow, &v6.ip().octets(), &scope]);
            28
        }
    };
    (name, length)
}

fn fill<const N: usize>(name: &mut [u8; NAME], parts: [&[u8]; N]) {
    name.iter_mut().zip(parts.into_iter().flatten()).for_each(|(octet, part)| *octet = *part);
}

fn read_name(name: &[u8; NAME]) -> Option<SocketAddr> {
    let [f0, f1, p0, p1, a, b, c, d, rest @ ..] = *name;
    let port = u16::from_be_bytes([p0, p1]);
    match libc::c_int::from(u16::from_ne_bytes([f0, f1])) {
        libc::AF_INET => Some(SocketAddr::from(([a, b, c, d], port))),
        libc::AF_INET6 => {
            let (ip, scope) = rest.split_first_chunk::<16>()?;
            let scope = u32::from_ne_bytes(*scope.first_chunk()?);
            let ip = Ipv6Addr::from(*ip);
            // One peer has one address, whatever socket he is heard by.
            Some(match ip.to_ipv4_mapped() {
                Some(ip) => SocketAddr::from((ip, port)),
                None => SocketAddr::V6(std::net::SocketAddrV6::new(ip, port, 0, scope)),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_laid_out_and_read_back() {
        for text in ["127.0.0.1:40000", "[::1]:5004", "[fe80::1%3]:65535"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(read_name(&write_name(address).0), Some(address));
        }
    }

    #[test]
    fn datagrams_come_with_their_sources_and_a_connection_can_be_dissolved() {
        // By number: a port that the system chose would be lost with the connection.
        let ours = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let socket = Socket::bind(ours, 46).unwrap();
        let (friend, stranger) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let mut bag = Mailbag::new();
        for expected in [2, 1, 2] {
            friend.send_to(b"friend", ours).unwrap();
            stranger.send_to(b"stranger", ours).unwrap();
            let (count, more) = bag.receive(&socket).unwrap();
            let got = |bag: &mut Mailbag, index| bag.datagram(index).map(|(source, octets)| (source, octets.to_vec()));
            let got: Vec<_> = (0..count).map(|index| got(&mut bag, index).unwrap()).collect();
            assert!(!more);
            assert_eq!(got.len(), expected);
            assert_eq!(got[0], (friend.local_addr().unwrap(), b"friend".to_vec()));
            if expected == 2 {
                socket.connect(friend.local_addr().unwrap()).unwrap();
            }
            if expected == 1 {
                socket.disconnect().unwrap();
                assert_eq!(local_address(&socket), ours, "the port stays bound");
            }
        }
    }

    #[test]
    fn a_socket_for_both_families_hears_and_reaches_peers_of_either_by_their_own_addresses() {
        let mut bag = Mailbag::new();
        // A socket each: a call keeps to one version, and Linux frees no socket for the other that was connected before.
        for host in ["127.0.0.1", "::1"] {
            let host: IpAddr = host.parse().unwrap();
            let free = UdpSocket::bind("[::]:0").unwrap().local_addr().unwrap().port();
            let socket = Socket::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, free)), 46).unwrap();
            let peer = UdpSocket::bind((host, 0)).unwrap();
            let own = peer.local_addr().unwrap();
            peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            peer.send_to(b"hello", (host, free)).unwrap();
            assert_eq!(bag.receive(&socket).unwrap(), (1, false));
            let (source, octets) = bag.datagram(0).unwrap();
            assert_eq!((source, &*octets), (own, &b"hello"[..]));
            let mut octets = [0; 8];
            socket.send_to(b"one", own).unwrap();
            assert_eq!(peer.recv_from(&mut octets).unwrap(), (3, (host, free).into()));
            socket.connect(own).unwrap();
            socket.send(b"two").unwrap();
            assert_eq!(peer.recv_from(&mut octets).unwrap(), (3, (host, free).into()));
            socket.disconnect().unwrap();
            let other = UdpSocket::bind((host, 0)).unwrap();
            other.send_to(b"another", (host, free)).unwrap();
            assert_eq!(bag.receive(&socket).unwrap(), (1, false));
        }
    }

    #[test]
    fn what_is_sent_bears_its_class() {
        for (address, level, option) in
            [("127.0.0.1:0", libc::IPPROTO_IP, libc::IP_TOS), ("[::1]:0", libc::IPPROTO_IPV6, libc::IPV6_TCLASS)]
        {
            let socket = Socket::bind(address.parse().unwrap(), 46).unwrap();
            let (mut class, mut length) = (0i32, 4);
            // SAFETY: the value is an int that lives during the call, given with its size.
            let result = unsafe {
                libc::getsockopt(socket.0.as_raw_fd(), level, option, (&raw mut class).cast(), &raw mut length)
            };
            assert_eq!((result, class), (0, 46 << 2), "{address}");
        }
    }

    #[test]
    fn an_alarm_ends_the_sleep_and_is_not_lost() {
        let alarm = Alarm::new().unwrap();
        assert!(!alarm.sleep(Some(Duration::ZERO)));
        alarm.ring();
        alarm.ring();
        assert!(alarm.sleep(None));
        assert!(!alarm.sleep(Some(Duration::from_millis(1))));
    }

    fn local_address(socket: &Socket) -> SocketAddr {
        UdpSocket::from(socket.0.try_clone().unwrap()).local_addr().unwrap()
    }
}
