//! `dns` of `strowger.yaml`, and names of hosts wherever they stand: checked for their form alone, as a check asks nobody.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use sip::locate::MAX_NAME;
use yaml::{Map, Shape, Value};

const DNS: Shape = Shape { what: "`dns`", keys: &["servers"] };
/// The port of DNS (RFC 1035 4.2).
const PORT: u16 = 53;
/// The most servers that are asked.
const MAX_SERVERS: usize = 8;
const REMEDY: &str =
    "write the IP address of a DNS server, with its port unless that is 53: `192.0.2.53` or `127.0.0.1:5353`";

/// The servers that are asked; those of the system if none.
pub(crate) fn read(root: &Map<'_>) -> Vec<SocketAddr> {
    let Some(map) = root.optional("dns").and_then(|value| value.map(&DNS)) else { return Vec::new() };
    let Some(value) = map.required("servers") else { return Vec::new() };
    let mut servers: Vec<SocketAddr> = Vec::new();
    let values = value.one_or_list();
    if values.len() > MAX_SERVERS {
        value.fault(format!("{} servers are too many", values.len()), format!("name at most {MAX_SERVERS}"));
    }
    for value in values {
        let Some(server) = server(&value) else { continue };
        if servers.contains(&server) {
            value.fault(format!("`{server}` is given twice"), "take one of them out");
        } else {
            servers.push(server);
        }
    }
    servers
}

fn server(value: &Value<'_>) -> Option<SocketAddr> {
    let text = value.string()?;
    let bare = || text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, PORT));
    let Some(server) = text.parse::<SocketAddr>().ok().or_else(bare) else {
        value.fault(format!("`{}` is not the address of a DNS server", crate::names::short(text)), REMEDY);
        return None;
    };
    if server.ip().is_unspecified() || server.ip().is_multicast() || server.port() == 0 {
        value.fault(format!("nobody can be asked at `{server}`"), REMEDY);
        return None;
    }
    Some(server)
}

/// A name that the DNS may know (RFC 1123 2.1), in lower case and without the dot at its end. What looks like a faulty
/// address is none.
pub(crate) fn host(text: &str) -> Option<Arc<str>> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        let inner = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    // No top-level domain has a single letter or a digit in front.
    let top =
        text.rsplit('.').next().is_some_and(|top| top.len() > 1 && top.starts_with(|c: char| c.is_ascii_alphabetic()));
    (text.len() <= MAX_NAME && top && text.split('.').all(label)).then(|| text.to_ascii_lowercase().into())
}
