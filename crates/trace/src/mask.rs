//! Numbers, names, digits and secrets hidden: each octet of them becomes an `x` in its place, so that lengths stay true.
//!
//! Header fields that are known to hold nothing of a person are shown; those with addresses are shown without users and
//! names; of credentials only what says how they were made; all others are hidden whole.

mod address;
mod body;

pub(crate) use body::{digits, keys};

use sip_message::HeaderName;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Nothing that tells about a person.
    Masked,
    /// All but secrets.
    Clear,
}

/// What a header field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing of a person.
    Plain,
    /// Addresses of persons.
    Address,
    /// Credentials.
    Secret,
    /// Whatever.
    Unknown,
}

/// What stands in place of each octet that is hidden.
const HIDDEN: u8 = b'x';

/// A message as it may be shown, octet for octet.
#[must_use]
pub fn mask(octets: &[u8], view: View) -> Vec<u8> {
    let mut out = octets.to_vec();
    digits(&mut out);
    let (mut at, mut is_first, mut is_sdp) = (0, true, None);
    while let Some(next) = line_behind(&out, at) {
        let Some(line) = out.get_mut(at..next) else { break };
        if matches!(&*line, b"\n" | b"\r\n") {
            if let Some(rest) = out.get_mut(next..) {
                body::mask(rest, is_sdp, view);
            }
            return out;
        }
        at = next;
        if std::mem::take(&mut is_first) {
            start_line(line, view);
            continue;
        }
        let colon = memchr::memchr(b':', line).unwrap_or(0);
        let (name, rest) = line.split_at_mut(colon);
        let name = std::str::from_utf8(name).ok().and_then(|name| HeaderName::parse(name.trim()));
        if name == Some(HeaderName::ContentType) {
            is_sdp = Some(rest.windows(3).any(|three| three.eq_ignore_ascii_case(b"sdp")));
        }
        value(rest.get_mut(1..).unwrap_or_default(), kind_of(name), view);
    }
    // No end of the head: what is left belongs to no line that could be judged.
    hide(out.get_mut(at..).unwrap_or_default());
    out
}

/// Where the line behind the one at `at` begins; lines that go on with it by a fold belong to it.
fn line_behind(text: &[u8], at: usize) -> Option<usize> {
    let mut next = at;
    loop {
        next += memchr::memchr(b'\n', text.get(next..)?)? + 1;
        let is_empty = matches!(text.get(at), Some(b'\r' | b'\n'));
        if is_empty || !matches!(text.get(next), Some(b' ' | b'\t')) {
            return Some(next);
        }
    }
}

/// The Request-URI; a status line has none.
fn start_line(line: &mut [u8], view: View) {
    let is_response = line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"));
    if view == View::Masked
        && !is_response
        && let Some(space) = memchr::memchr(b' ', line)
        && let Some(uri) = line.get_mut(space..)
    {
        address::uris(uri);
    }
}

fn value(value: &mut [u8], kind: Kind, view: View) {
    match (kind, view) {
        (Kind::Secret, _) => secret(value, view),
        (Kind::Plain, _) | (_, View::Clear) => {}
        (Kind::Address, View::Masked) => address::mask(value),
        (Kind::Unknown, View::Masked) => hide(value),
    }
}

/// Parameters of credentials that tell neither who nor what he knows.
const HARMLESS: &[&str] = &["realm", "algorithm", "qop", "stale", "nc"];

/// Of credentials and challenges, the scheme and what is harmless stay.
fn secret(value: &mut [u8], view: View) {
    let lead = value.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
    let scheme = value.iter().skip(lead).take_while(|octet| !octet.is_ascii_whitespace()).count();
    let Some(mut rest) = value.get_mut(lead + scheme..) else { return };
    while !rest.is_empty() {
        let length = parameter_length(rest);
        let (parameter, behind) = rest.split_at_mut(length);
        if let Some(equals) = memchr::memchr(b'=', parameter) {
            let (name, value) = parameter.split_at_mut(equals);
            let name = std::str::from_utf8(name).unwrap_or_default();
            let name = name.trim_matches([' ', '\t', ',', '\r', '\n']).to_ascii_lowercase();
            let clear = view == View::Clear && matches!(&*name, "username" | "uri");
            if !clear && !HARMLESS.contains(&&*name) {
                hide(value.get_mut(1..).unwrap_or_default());
            }
        } else {
            hide(parameter);
        }
        rest = behind;
    }
}

/// The octets up to the comma that ends a parameter, the comma included.
fn parameter_length(rest: &[u8]) -> usize {
    let mut quoted = false;
    for (at, octet) in rest.iter().enumerate() {
        match octet {
            b'"' => quoted = !quoted,
            b',' if !quoted => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Hides all but white space and what holds a text together.
pub(crate) fn hide(octets: &mut [u8]) {
    for octet in octets {
        if !matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b'"' | b',') {
            *octet = HIDDEN;
        }
    }
}

fn kind_of(name: Option<HeaderName>) -> Kind {
    use HeaderName as N;
    match name {
        Some(N::From | N::To | N::Contact | N::Route | N::RecordRoute | N::Path | N::ServiceRoute) => Kind::Address,
        Some(N::ReferTo | N::ReferredBy | N::Diversion | N::HistoryInfo | N::ReplyTo) => Kind::Address,
        Some(N::PAssertedIdentity | N::PPreferredIdentity | N::RemotePartyId) => Kind::Address,
        Some(N::Authorization | N::ProxyAuthorization | N::WwwAuthenticate | N::ProxyAuthenticate) => Kind::Secret,
        Some(N::AuthenticationInfo) => Kind::Secret,
        Some(N::Subject | N::AlertInfo | N::CallInfo | N::Identity | N::Organization | N::UserToUser) | None => {
            Kind::Unknown
        }
        Some(_) => Kind::Plain,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(text: &str) -> String {
        String::from_utf8(mask(text.replace('\n', "\r\n").as_bytes(), View::Masked)).unwrap().replace("\r\n", "\n")
    }

    fn clear(text: &str) -> String {
        String::from_utf8(mask(text.replace('\n', "\r\n").as_bytes(), View::Clear)).unwrap().replace("\r\n", "\n")
    }

    const INVITE: &str = "\
INVITE sip:+4930123456@192.0.2.1:5060;user=phone SIP/2.0
Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1;rport
From: \"Anna \\\"A\\\" Arndt\" <sip:anna;x=y@example.org>;tag=77
t: Bob Berg <tel:+49301;phone-context=+49>, <sip:0815@h>
Call-ID: 1234@10.0.0.1
CSeq: 1 INVITE
Contact: sip:anna@10.0.0.1;q=0.5
P-Asserted-Identity: Anna
 <sip:+4917@h>
X-Customer: 4711
Authorization: Digest username=\"anna\", realm=\"strowger\", nonce=\"abc,def\", uri=\"sip:1@h\",response=\"0123\", algorithm=MD5
Content-Type: application/sdp
Content-Length: 0

v=0
o=anna 1 2 IN IP4 10.0.0.1
s=Call with Bob
c=IN IP4 10.0.0.1
m=audio 4000 RTP/SAVP 0
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0
a=sendrecv
";

    #[test]
    fn nothing_of_a_person_is_left_and_every_octet_keeps_its_place() {
        let out = masked(INVITE);
        assert_eq!(out.len(), INVITE.len());
        for gone in
            ["4930", "nna", "rndt", "Bob", "Berg", "0815", "4711", "4917", "abc", "def", "0123", "c2Vj", "49301"]
        {
            assert!(!out.contains(gone), "{gone}:\n{out}");
        }
        for left in [
            "INVITE sip:xxxxxxxxxxx@192.0.2.1:5060;user=phone SIP/2.0\n",
            ";branch=z9hG4bK1;rport\n",
            "@example.org>;tag=77\n",
            "Call-ID: 1234@10.0.0.1\n",
            "Contact: sip:xxxx@10.0.0.1;q=0.5\n",
            "Digest username=\"xxxx\", realm=\"strowger\", nonce=\"xxx,xxx\"",
            "algorithm=MD5\n",
            "o=xxxx 1 2 IN IP4 10.0.0.1\n",
            "c=IN IP4 10.0.0.1\nm=audio 4000 RTP/SAVP 0\n",
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxxxxxx\na=sendrecv\n",
        ] {
            assert!(out.contains(left), "{left}:\n{out}");
        }
    }

    #[test]
    fn in_clear_secrets_alone_are_hidden() {
        let out = clear(INVITE);
        for left in ["sip:+4930123456@", "Anna", "username=\"anna\"", "uri=\"sip:1@h\"", "4711", "Call with Bob"] {
            assert!(out.contains(left), "{left}:\n{out}");
        }
        for gone in ["abc", "def", "0123\"", "c2Vj"] {
            assert!(!out.contains(gone), "{gone}:\n{out}");
        }
    }

    #[test]
    fn digits_and_texts_in_bodies_are_hidden() {
        let info = "INFO sip:h SIP/2.0\nContent-Type: application/dtmf-relay\n\nSignal=5\nDuration=160\n";
        assert_eq!(masked(info).split("\n\n").nth(1), Some("xxxxxxxx\nxxxxxxxxxxxx\n"));
        assert_eq!(clear(info), info.replace('5', "x"), "a digit may be a secret");
        let bare = "INFO sip:h SIP/2.0\nContent-Type: application/dtmf\n\n5";
        assert_eq!(clear(bare), bare.replace('5', "x"));
        let text = masked("MESSAGE sip:h SIP/2.0\nContent-Type: text/plain\n\nMeet me at 5");
        assert!(text.ends_with("\n\nxxxx xx xx x"), "{text}");
        let frag =
            masked("NOTIFY sip:h SIP/2.0\nContent-Type: message/sipfrag\n\nSIP/2.0 180 Ringing\nTo: <sip:5@h>\n");
        assert!(frag.contains("SIP/2.0 180 Ringing\nxx"), "{frag}");
    }

    #[test]
    fn what_is_no_message_is_hidden() {
        assert_eq!(masked("secret"), "xxxxxx");
        assert_eq!(masked("OPTIONS sip:h SIP/2.0\nTo: 5"), "OPTIONS sip:h SIP/2.0\nxxx x");
        assert_eq!(masked("SIP/2.0 200 OK\n\n"), "SIP/2.0 200 OK\n\n");
    }

    proptest! {
        #[test]
        fn every_length_stays_and_a_number_in_an_address_is_hidden(
            name in "[ -~&&[^<>\"\\\\,]]{0,12}", number in "[0-9]{5,12}", field in "(From|f|To|Contact|Refer-To)",
            scheme in "(sip|sips|SIP|tel)",
        ) {
            let host = if scheme == "tel" { "" } else { "@h" };
            let text = format!("BYE sip:h SIP/2.0\n{field}: {name}<{scheme}:{number}{host}>;tag=a\nX-Y: {number}\n\n");
            let out = masked(&text);
            prop_assert_eq!(out.len(), text.len());
            prop_assert!(!out.contains(&number), "{}", out);
        }

        #[test]
        fn any_octets_keep_their_number(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(mask(&octets, View::Masked).len(), octets.len());
            prop_assert_eq!(mask(&octets, View::Clear).len(), octets.len());
        }
    }
}
