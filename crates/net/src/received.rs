//! What the transports hand to the domain thread.

use std::net::SocketAddr;

use sip::{ConnectionId, Flow, Transport};
use sip_message::{Message, Reject};

/// Something that came, or that went wrong.
#[derive(Debug)]
pub enum Received {
    /// A message, read or refused: a datagram, or a piece of a stream.
    Message {
        /// Where it came from and on which listener.
        flow: Flow,
        /// What it says.
        parsed: Result<Message, Reject>,
    },
    /// Nobody listens at `remote`: an ICMP error, or a connection that could not be opened.
    Unreachable {
        /// What should have carried a message there.
        transport: Transport,
        /// The address that it was sent to.
        remote: SocketAddr,
    },
    /// Who is at the other end of a connection, by a certificate that was verified.
    Proven {
        /// Which one.
        connection: ConnectionId,
        /// The names of hosts that the certificate bears, in lower case.
        names: Vec<String>,
    },
    /// A connection is gone, by whichever side.
    Closed {
        /// Which one.
        connection: ConnectionId,
        /// What it carried.
        transport: Transport,
        /// The peer's address.
        remote: SocketAddr,
    },
}
