//! What can go wrong with a socket.

use std::io;
use std::net::SocketAddr;

/// A transport that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The address is taken, not ours, or not allowed to us.
    #[error("cannot listen on {transport} {address}: {source}")]
    Bind {
        /// `udp`, `tcp` or another.
        transport: &'static str,
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A socket option that the transport stands on was refused.
    #[error("cannot prepare the socket on {transport} {address}: {source}")]
    Prepare {
        /// `udp`, `tcp` or another.
        transport: &'static str,
        /// The address of the socket.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The receiving thread could not be started.
    #[error("cannot start the receiving thread of {transport} {address}: {source}")]
    Thread {
        /// `udp`, `tcp` or another.
        transport: &'static str,
        /// The address of the socket.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The thread that asks DNS servers could not be started.
    #[error("cannot start the thread that asks DNS servers: {0}")]
    Dns(io::Error),
}
