//! From an origin to a socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use ivr::web::Origin;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Why there is no connection.
#[derive(Debug)]
pub enum Undialled {
    /// The host has no address.
    Name(io::Error),
    /// None of its addresses takes connections.
    Connect(io::Error),
}

/// Looks the host up, and connects. `lookups` bounds how many names are looked up at once: the system's resolver cannot be
/// interrupted.
///
/// # Errors
/// What stands in the way.
pub async fn dial(origin: &Origin, lookups: Arc<Semaphore>) -> Result<TcpStream, Undialled> {
    let addresses = addresses(bare(origin), origin.port(), lookups).await.map_err(Undialled::Name)?;
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(Undialled::Connect)?;
    // A small request shall not wait for more.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The host without the brackets of IPv6.
pub fn bare(origin: &Origin) -> &str {
    origin.host().trim_start_matches('[').trim_end_matches(']')
}

/// Where a host is.
async fn addresses(host: &str, port: u16, lookups: Arc<Semaphore>) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    // What is sent there without TLS must not leave the machine, whatever the DNS says (RFC 6761 section 6.3).
    if host == "localhost" {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    let leave = lookups.acquire_owned().await.map_err(io::Error::other)?;
    let asked = (host.to_owned(), port);
    let looked_up = tokio::task::spawn_blocking(move || {
        let found = asked.to_socket_addrs().map(Iterator::collect);
        drop(leave);
        found
    });
    looked_up.await.map_err(io::Error::other)?
}
