//! A message with its time, direction and addresses.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use base::Wall;
use bytes::{BufMut, Bytes};
use sip_message::{Message, Str, Transport};

/// A message as it went over the wire. Cloning it copies none of its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When it came or went.
    pub at: Wall,
    /// We sent it; else it came.
    pub sent: bool,
    /// What carried it.
    pub transport: Transport,
    /// Our address.
    pub local: SocketAddr,
    /// The peer's.
    pub remote: SocketAddr,
    /// What it says.
    pub octets: Octets,
}

impl Packet {
    /// A number that all messages of one Call-ID share, and hardly any others.
    #[must_use]
    pub fn dialog(&self) -> u64 {
        hash(self.octets.call_id().unwrap_or_default())
    }
}

pub(crate) fn hash(call_id: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    call_id.hash(&mut hasher);
    hasher.finish()
}

/// The octets of a message, in one piece or as its reader left them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Octets {
    head: Str,
    rest: Bytes,
}

impl Octets {
    /// Those of a message that was read. None of a keep-alive, which says nothing.
    #[must_use]
    pub fn of(message: &Message) -> Option<Self> {
        let (head, body) = match message {
            Message::Request(request) => (&request.head, &request.body),
            Message::Response(response) => (&response.head, &response.body),
            Message::KeepAlive => return None,
        };
        Some(Self { head: head.source().clone(), rest: body.clone() })
    }

    /// As many octets as there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.head.len() + self.rest.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The octets, copied.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.rest].concat()
    }

    /// Puts the octets behind those of `out`.
    pub fn write(&self, out: &mut impl BufMut) {
        out.put_slice(self.head.as_bytes());
        out.put_slice(&self.rest);
    }

    /// What holds the header fields.
    fn fields(&self) -> &[u8] {
        if self.head.is_empty() { &self.rest } else { self.head.as_bytes() }
    }

    /// The message's Call-ID, without reading the message.
    pub(crate) fn call_id(&self) -> Option<&[u8]> {
        field(self.fields(), b"call-id", b'i')
    }
}

impl From<Bytes> for Octets {
    fn from(rest: Bytes) -> Self {
        Self { head: Str::EMPTY, rest }
    }
}

/// True if a message's From names the user or number `number`.
#[must_use]
pub fn calls_from(octets: &Octets, number: &str) -> bool {
    let Some(from) = field(octets.fields(), b"from", b'f').and_then(|value| std::str::from_utf8(value).ok()) else {
        return false;
    };
    let uri = from.rsplit_once('<').map_or(from, |(_, uri)| uri);
    let scheme = uri.split_once(':').map(|(scheme, rest)| (scheme.trim().to_ascii_lowercase(), rest));
    let user = match scheme {
        Some((scheme, rest)) if scheme == "tel" => rest.split(['>', ';', ',']).next(),
        Some((_, rest)) => rest.split_once('@').map(|(user, _)| user.split([':', ';']).next().unwrap_or(user)),
        None => None,
    };
    user.is_some_and(|user| user.trim() == number)
}

/// The value of the first header field of this name, full or compact.
fn field<'a>(head: &'a [u8], name: &[u8], compact: u8) -> Option<&'a [u8]> {
    let mut rest = head;
    loop {
        let end = memchr::memchr(b'\n', rest)?;
        let (_, behind) = rest.split_at_checked(end + 1)?;
        rest = behind;
        let first = rest.first()?.to_ascii_lowercase();
        if matches!(first, b'\r' | b'\n') {
            return None;
        }
        if first != compact && name.first() != Some(&first) {
            continue;
        }
        let line = memchr::memchr(b'\n', rest).and_then(|end| rest.get(..end)).unwrap_or(rest);
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let (found, value) = line.split_at_checked(colon)?;
        let found = found.trim_ascii();
        if found.eq_ignore_ascii_case(name) || found.eq_ignore_ascii_case(&[compact]) {
            return value.get(1..).map(<[u8]>::trim_ascii);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_id_is_found_in_either_form_and_only_among_header_fields() {
        let id = |text: &'static str| {
            let octets = Octets::from(Bytes::from_static(text.as_bytes()));
            octets.call_id().map(|id| String::from_utf8(id.to_vec()).unwrap())
        };
        assert_eq!(id("BYE sip:a SIP/2.0\r\nCSeq: 1 BYE\r\nCall-ID: a@b\r\n\r\n").as_deref(), Some("a@b"));
        assert_eq!(id("BYE sip:a SIP/2.0\r\ni : x\r\n\r\n").as_deref(), Some("x"));
        assert_eq!(id("BYE sip:a SIP/2.0\nCALL-ID:x\n\n").as_deref(), Some("x"));
        assert_eq!(id("BYE sip:a SIP/2.0\r\nContact: <sip:a>\r\n\r\nCall-ID: body\r\n"), None);
        assert_eq!((id(""), id("Call-ID: x"), id("x\r\n")), (None, None, None));
    }

    #[test]
    fn who_calls_is_told_by_from() {
        let from = |value: &str, number| {
            let text = format!("INVITE sip:1 SIP/2.0\r\nFrom: {value}\r\n\r\n");
            calls_from(&Octets::from(Bytes::from(text)), number)
        };
        for value in
            ["<sip:101@h>;tag=1", "\"A <sip:9@h>\" <sip:101@h>", "sip:101@h;tag=1", "<tel:101;phone-context=x>"]
        {
            assert!(from(value, "101"), "{value}");
        }
        for value in ["<sip:1012@h>", "<sip:h>", "101 <sip:h>", ""] {
            assert!(!from(value, "101"), "{value}");
        }
    }
}
