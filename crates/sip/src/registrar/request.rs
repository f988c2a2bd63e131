//! What a REGISTER asks for (RFC 3261 10.2, 10.3 steps 6 and 7).

use std::sync::Arc;
use std::time::Duration;

use base::{Now, Wall};
use sip_message::{AnyUri, Contacts, HeaderName, NameAddr, Request};

use super::{RegistrarConfig, Reply};
use crate::dialog::is_behind_nat;
use crate::{Flow, Transport};

/// What is taken for an Expires that is missing or malformed, in seconds (10.2.1.1, 20.10).
const USUAL_EXPIRES: u32 = 3600;
/// A q that is missing or malformed: the highest.
const USUAL_Q: u16 = 1000;
/// Proxies on the way to a phone.
const MAX_HOPS: usize = 8;
/// So much of a User-Agent is kept, in octets.
const MAX_AGENT: usize = 64;

/// One contact and how long it shall stay; zero: it shall go.
pub(super) struct Wish {
    pub(super) contact: AnyUri,
    pub(super) q: u16,
    pub(super) time: Duration,
}

/// What all contacts have of the request that sets them. Text is copied, so that it keeps no datagram alive.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) flow: Flow,
    pub(super) agent: Box<str>,
    pub(super) call_id: Arc<str>,
    pub(super) cseq: u32,
    pub(super) path: Vec<AnyUri>,
    /// The sender sits behind a NAT, as his Via tells.
    pub(super) nat: bool,
    pub(super) seen: Wall,
}

impl Sent {
    pub(super) fn read(now: Now, request: &Request, flow: Flow) -> Self {
        let agent = request.head.header(HeaderName::UserAgent).unwrap_or_default();
        // It is for people's eyes: what steers terminals is left out.
        let agent: String = agent.chars().filter(|c| *c == ' ' || c.is_ascii_graphic()).take(MAX_AGENT).collect();
        let (call_id, cseq) = (request.head.call_id.as_str().into(), request.head.cseq.number);
        let path = path(request);
        // What proxies there are know the way to the phone.
        let nat = path.is_empty() && is_behind_nat(&request.head, flow);
        Self { flow, agent: agent.into(), call_id, cseq, path, nat, seen: now.wall }
    }

    /// True if a phone with this contact sits behind a NAT: its own idea of its address is not where it sends from.
    pub(super) fn is_behind_nat(&self, contact: &AnyUri) -> bool {
        let address = contact.as_sip().and_then(sip_message::Uri::socket_addr);
        let differs = address.is_some_and(|address| address != self.flow.remote);
        self.nat || (differs && self.path.is_empty() && self.flow.transport == Transport::Udp)
    }
}

/// The proxies that a request passed and that want to be passed by requests to its contacts (RFC 3327 5.3), the one next
/// to us first.
fn path(request: &Request) -> Vec<AnyUri> {
    let hops = request.head.list(HeaderName::Path).filter_map(|hop| hop.parse::<NameAddr>().ok());
    // A copy, so that it keeps no datagram alive.
    hops.filter_map(|hop| hop.uri.to_string().parse().ok()).collect()
}

/// A whole request.
pub(super) enum Wishes {
    /// Contacts to bind or to remove, in order; none is a query.
    Each(Vec<Wish>),
    /// `*`: all are to be removed.
    RemoveAll,
}

impl Wishes {
    /// Reads a request. What it asks for is possible as far as it alone can tell.
    pub(super) fn read(request: &Request, config: &RegistrarConfig) -> Result<Self, Reply> {
        if request.head.call_id.as_str().len() > config.max_text {
            return Err(Reply::of(400));
        }
        let hops: Vec<&str> = request.head.list(HeaderName::Path).collect();
        let usable = hops.iter().all(|hop| hop.parse::<NameAddr>().is_ok_and(|hop| hop.uri.as_sip().is_some()));
        // A way that we could not send along leads nowhere.
        if !usable || hops.len() > MAX_HOPS || hops.iter().map(|hop| hop.len()).sum::<usize>() > config.max_text {
            return Err(Reply::of(400));
        }
        let expires = request.head.expires();
        let list = match &request.head.contacts {
            Contacts::Star if expires == Some(0) => return Ok(Self::RemoveAll),
            Contacts::Star => return Err(Reply::of(400)),
            Contacts::List(list) => list,
        };
        let wishes = list.iter().map(|contact| wish(contact, expires, config));
        Ok(Self::Each(wishes.collect::<Result<_, _>>()?))
    }
}

fn wish(contact: &NameAddr, header: Option<u32>, config: &RegistrarConfig) -> Result<Wish, Reply> {
    // Nothing but SIP could be sent there; a URI with header fields would put words into our requests.
    let usable = contact.uri.as_sip().is_some_and(|uri| uri.raw_headers().is_empty());
    let text = contact.uri.to_string();
    if !usable || text.len() > config.max_text {
        return Err(Reply::of(400));
    }
    let copy = text.parse().map_err(|_| Reply::of(400))?;
    let own = contact.params.value("expires").map(|text| text.parse().unwrap_or(USUAL_EXPIRES));
    let seconds = own.or(header).unwrap_or(USUAL_EXPIRES);
    let time = Duration::from_secs(u64::from(seconds)).min(config.max_expires);
    if !time.is_zero() && time < config.min_expires {
        let least = config.min_expires.as_secs().to_string();
        return Err(Reply { status: 423, headers: vec![(HeaderName::MinExpires.as_str().to_owned(), least)] });
    }
    let q = contact.params.value("q").and_then(thousandths).unwrap_or(USUAL_Q);
    Ok(Wish { contact: copy, q, time })
}

/// `0`, `0.7`, `1.000`: at most three digits behind the point (RFC 3261 25.1, qvalue).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole: u16 = whole.parse().ok()?;
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u16 = format!("{part:0<3}").parse().ok()?;
    let value = whole.checked_mul(1000)?.checked_add(part)?;
    (value <= 1000).then_some(value)
}

/// The value as it is written in a Contact.
pub(super) fn q_text(thousandths: u16) -> String {
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

impl Reply {
    /// A reply without header fields.
    pub(super) fn of(status: u16) -> Self {
        Self { status, headers: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_is_read_as_thousandths_or_not_at_all() {
        let read =
            ["0", "0.7", "1.000", "1", "0.25", "1.001", "2", "0.1234", "-1", "", "0.x", "99999"].map(thousandths);
        let wanted = [Some(0), Some(700), Some(1000), Some(1000), Some(250), None, None, None, None, None, None, None];
        assert_eq!(read, wanted);
        assert_eq!(q_text(700), "0.700");
    }
}
