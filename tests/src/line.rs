//! A way to the switch for requests that no phone would send: a socket or a connection, and what comes back by it.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::phone::Message;

/// A socket, or a connection.
#[derive(Debug)]
pub enum Line {
    /// Datagrams to and from there.
    Udp(UdpSocket),
    /// A stream, and what of it was received and not yet read.
    Tcp(TcpStream, Vec<u8>),
}

impl Line {
    /// A socket at `from` that sends to `switch`.
    ///
    /// # Panics
    /// If there is none.
    pub fn udp(from: IpAddr, switch: SocketAddr) -> Self {
        let socket = UdpSocket::bind((from, 0)).expect("a port");
        socket.connect(switch).expect("an address");
        Self::Udp(socket)
    }

    /// A connection to `switch`.
    ///
    /// # Panics
    /// If it is refused.
    pub fn tcp(switch: SocketAddr) -> Self {
        Self::Tcp(TcpStream::connect(switch).expect("a connection"), Vec::new())
    }

    /// Its name in a Via.
    pub const fn transport(&self) -> &'static str {
        match self {
            Self::Udp(_) => "UDP",
            Self::Tcp(..) => "TCP",
        }
    }

    /// Its own end.
    ///
    /// # Panics
    /// Never: it is bound.
    pub fn local(&self) -> SocketAddr {
        match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp(stream, _) => stream.local_addr(),
        }
        .expect("bound")
    }

    /// Sends octets as they are.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn send(&mut self, octets: &[u8]) {
        match self {
            Self::Udp(socket) => drop(socket.send(octets).expect("sent")),
            Self::Tcp(stream, _) => stream.write_all(octets).expect("sent"),
        }
    }

    /// The next message, if one comes within `limit`.
    ///
    /// # Panics
    /// If the switch closes the connection.
    pub fn next(&mut self, limit: Duration) -> Option<Message> {
        let end = Instant::now() + limit;
        loop {
            if let Self::Tcp(_, read) = self
                && let Some(size) = first_message(read)
            {
                return Some(Message::new(&read.drain(..size).collect::<Vec<_>>()));
            }
            let left = Some(end.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())?;
            let mut buffer = vec![0; 65_535];
            match self {
                Self::Udp(socket) => {
                    socket.set_read_timeout(Some(left)).expect("a limit");
                    if let Ok(size) = socket.recv(&mut buffer) {
                        return Some(Message::new(&buffer[..size]));
                    }
                }
                Self::Tcp(stream, read) => {
                    stream.set_read_timeout(Some(left)).expect("a limit");
                    if let Ok(size) = stream.read(&mut buffer) {
                        assert!(size > 0, "the switch closed the connection");
                        read.extend_from_slice(&buffer[..size]);
                    }
                }
            }
        }
    }
}

/// The size of the message that a stream begins with, if it is whole.
fn first_message(stream: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(stream);
    let head = text.find("\r\n\r\n")?;
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
    Some(head + 4 + length.unwrap_or(0)).filter(|size| *size <= stream.len())
}
