//! The batched socket calls: `recvmmsg`, `sendmmsg` and the error queue. All of this crate's `unsafe` but one union.
#![allow(unsafe_code, reason = "the standard library has no batched socket calls")]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd as _, OwnedFd};

use crate::addr::{RawAddr, unmapped};

/// Datagrams taken or given by one system call.
pub(crate) const BATCH: usize = 32;
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;
/// The largest datagram that UDP can carry.
const DATAGRAM: usize = 65_535;
/// Room for the packet-info control message of either family.
const CONTROL: usize = 64;

/// Binds a socket for datagrams, or for connections with `SOCK_STREAM`, which then may come. Whether one on `[::]` serves
/// IPv4, too, is said here and not left to the system's settings.
pub(crate) fn bind(address: SocketAddr, kind: i32, ipv6_only: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let checked = |result: i32| if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) };
    // SAFETY: takes integers only.
    let raw = checked(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the descriptor was made just now and is nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(raw) };
    if address.is_ipv6() {
        set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, i32::from(ipv6_only))?;
    }
    if kind == libc::SOCK_STREAM {
        // Connections of an earlier run that linger do not keep the port.
        set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    }
    let (name, length) = RawAddr::new(address);
    // SAFETY: the address lives during the call and is at least as long as is said.
    checked(unsafe { libc::bind(socket.as_raw_fd(), (&raw const name).cast(), length) })?;
    if kind == libc::SOCK_STREAM {
        // SAFETY: takes integers only.
        checked(unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) })?;
    }
    Ok(socket)
}

/// Sets an integer option.
pub(crate) fn set_option(socket: &impl AsRawFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let size = size_of::<i32>() as libc::socklen_t;
    // SAFETY: the descriptor is open while `socket` is borrowed, and the value outlives the call.
    let done = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), size) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Buffers for one `recvmmsg`. They are allocated once and used for every batch.
pub(crate) struct Inbox {
    data: Vec<u8>,
    control: Vec<[u64; CONTROL / 8]>,
    names: Vec<RawAddr>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            data: vec![0; BATCH * DATAGRAM],
            control: vec![[0; CONTROL / 8]; BATCH],
            names: vec![RawAddr::empty(); BATCH],
        }
    }

    /// Waits for datagrams (until the socket's time-out) and hands each to `take`: payload, sender, and the local
    /// address that it was sent to where the system says so. Returns how many came.
    pub(crate) fn receive(
        &mut self,
        socket: &UdpSocket,
        mut take: impl FnMut(&[u8], SocketAddr, Option<IpAddr>),
    ) -> io::Result<usize> {
        let mut vectors: [libc::iovec; BATCH] =
            std::array::from_fn(|_| libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 });
        // SAFETY: an all-zero mmsghdr is a valid one: null pointers with zero lengths.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        let slots = self.data.chunks_exact_mut(DATAGRAM).zip(&mut self.control).zip(&mut self.names);
        for (((header, vector), ((data, control), name)), _) in
            headers.iter_mut().zip(&mut vectors).zip(slots).zip(0..BATCH)
        {
            *vector = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: data.len() };
            header.msg_hdr.msg_name = std::ptr::from_mut(name).cast();
            header.msg_hdr.msg_namelen = RawAddr::SIZE;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = CONTROL;
        }
        // SAFETY: every pointer in `headers` is into `self` or `vectors`, which outlive the call, with its true length.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_WAITFORONE,
                std::ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (header, (data, name)) in headers.iter().zip(self.data.chunks_exact(DATAGRAM).zip(&self.names)).take(count)
        {
            let payload = data.get(..header.msg_len as usize).unwrap_or_default();
            if let Some(sender) = name.read() {
                take(payload, unmapped(sender), destination(&header.msg_hdr));
            }
        }
        Ok(count)
    }
}

/// The local address in a packet-info control message.
fn destination(header: &libc::msghdr) -> Option<IpAddr> {
    // SAFETY: the system wrote the control messages that `header` describes; the macros stay inside them, and the
    // pieces are read without asking for alignment.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(found) = message.as_ref() {
            let data = libc::CMSG_DATA(message);
            match (found.cmsg_level, found.cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info = data.cast::<libc::in_pktinfo>().read_unaligned();
                    return Some(IpAddr::V4(Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes())));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                    return Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)).to_canonical());
                }
                _ => message = libc::CMSG_NXTHDR(header, message),
            }
        }
    }
    None
}

/// Sends up to [`BATCH`] datagrams with one call and says how many went. Never waits.
pub(crate) fn send_batch(socket: &UdpSocket, datagrams: &[(SocketAddr, &[u8])]) -> io::Result<usize> {
    // Most often there is one, and the arrays below cost more to fill than the call.
    if let [(to, payload)] = datagrams {
        let (name, length) = RawAddr::new(*to);
        // SAFETY: the payload and the name outlive the call and have the lengths given; sendto only reads them.
        let sent = unsafe {
            libc::sendto(
                socket.as_raw_fd(),
                payload.as_ptr().cast(),
                payload.len(),
                libc::MSG_DONTWAIT,
                (&raw const name).cast(),
                length,
            )
        };
        return if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(1) };
    }
    let mut names: [RawAddr; BATCH] = [RawAddr::empty(); BATCH];
    let mut vectors: [libc::iovec; BATCH] =
        std::array::from_fn(|_| libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 });
    // SAFETY: an all-zero mmsghdr is a valid one: null pointers with zero lengths.
    let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
    let count = datagrams.len().min(BATCH);
    for (((header, vector), name), (to, payload)) in headers.iter_mut().zip(&mut vectors).zip(&mut names).zip(datagrams)
    {
        let (raw, length) = RawAddr::new(*to);
        *name = raw;
        *vector = libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: payload.len() };
        header.msg_hdr.msg_name = std::ptr::from_mut(name).cast();
        header.msg_hdr.msg_namelen = length;
        header.msg_hdr.msg_iov = vector;
        header.msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: the first `count` headers point at names, vectors and payloads that outlive the call; sendmmsg only
    // reads the payloads.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count as u32, libc::MSG_DONTWAIT) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Takes one entry of the error queue: the destination of a datagram that a peer's system sent back as undeliverable.
/// `None` when the queue is empty.
pub(crate) fn take_unreachable(socket: &UdpSocket) -> Option<SocketAddr> {
    let mut name = RawAddr::empty();
    let mut control = [0u64; 32];
    let mut data = [0u8; 64];
    let mut vector = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: data.len() };
    // SAFETY: an all-zero msghdr is a valid one: null pointers with zero lengths.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = (&raw mut name).cast();
    header.msg_namelen = RawAddr::SIZE;
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&control);
    // SAFETY: all pointers are to locals that outlive the call, with their true lengths.
    let got = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT) };
    if got < 0 {
        return None;
    }
    name.read().map(unmapped)
}
