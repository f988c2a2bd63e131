//! Refer-To and Replaces: whom a peer wants its other side to talk to, and in whose place (RFC 3515, RFC 3891).

use std::fmt;

use crate::{AnyUri, Head, HeaderName, NameAddr, chars};

/// A dialog that another one shall take the place of (RFC 3891 section 6.1). The tags are as seen by whoever receives the INVITE.
#[derive(Clone, PartialEq, Eq)]
pub struct Replaces {
    /// The dialog's Call-ID.
    pub call_id: Box<str>,
    /// The receiver's own tag.
    pub to_tag: Box<str>,
    /// The tag of the receiver's peer.
    pub from_tag: Box<str>,
    /// Only if the dialog is not answered yet.
    pub early_only: bool,
}

/// A Replaces that cannot be read, or one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no sound replaces")]
pub struct BadReplaces;

impl Replaces {
    /// What the Replaces of an INVITE names; none if it has none.
    ///
    /// # Errors
    /// If it is malformed, or there are several (RFC 3891 section 3).
    pub fn of(head: &Head) -> Result<Option<Self>, BadReplaces> {
        let mut values = head.headers(HeaderName::Replaces);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Self::read(value).map(Some).ok_or(BadReplaces),
            (Some(_), Some(_)) => Err(BadReplaces),
        }
    }

    fn read(value: &str) -> Option<Self> {
        let (call_id, mut rest) = chars::cut(value, b';');
        let call_id = chars::trim(call_id);
        let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
        while let Some(params) = rest {
            let (param, tail) = chars::cut(params, b';');
            rest = tail;
            let (name, value) = chars::split(param, b'=').unwrap_or((param, ""));
            let (name, value) = (chars::trim(name), chars::trim(value));
            if name.eq_ignore_ascii_case("to-tag") {
                to_tag = once(to_tag, value)?;
            } else if name.eq_ignore_ascii_case("from-tag") {
                from_tag = once(from_tag, value)?;
            } else if name.eq_ignore_ascii_case("early-only") {
                early_only = true;
            }
        }
        let well_formed = !call_id.is_empty() && call_id.bytes().all(|byte| byte.is_ascii_graphic());
        let (to_tag, from_tag) = (to_tag?.into(), from_tag?.into());
        well_formed.then(|| Self { call_id: call_id.into(), to_tag, from_tag, early_only })
    }
}

/// Takes a tag, of which there is one.
fn once<'a>(before: Option<&'a str>, value: &'a str) -> Option<Option<&'a str>> {
    (before.is_none() && chars::is_token(value)).then_some(Some(value))
}

/// It names nobody, but it is the key to a call.
impl fmt::Debug for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replaces").field("early_only", &self.early_only).finish_non_exhaustive()
    }
}

/// What a REFER asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct ReferTo {
    /// Whom to call.
    pub target: AnyUri,
    /// In the place of which dialog.
    pub replaces: Option<Replaces>,
}

/// Why a Refer-To cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReferTo {
    /// It is missing, malformed, or there is more than one (RFC 3515 section 2.4.2).
    #[error("no sound refer-to")]
    Malformed,
    /// It asks for something other than a call.
    #[error("refer-to asks for another method than INVITE")]
    Method,
}

impl ReferTo {
    /// What the Refer-To of a REFER asks for.
    ///
    /// # Errors
    /// If it cannot be followed.
    pub fn of(head: &Head) -> Result<Self, BadReferTo> {
        let mut values = head.headers(HeaderName::ReferTo);
        let (Some(value), None) = (values.next(), values.next()) else { return Err(BadReferTo::Malformed) };
        let address: NameAddr = value.parse().map_err(|_| BadReferTo::Malformed)?;
        let Some(uri) = address.uri.as_sip() else {
            return match address.uri.as_tel() {
                Some(_) => Ok(Self { target: address.uri, replaces: None }),
                None => Err(BadReferTo::Malformed),
            };
        };
        if uri.param("method").is_some_and(|method| !method.eq_ignore_ascii_case("INVITE")) {
            return Err(BadReferTo::Method);
        }
        let mut replaces = None;
        for field in uri.raw_headers().split('&').filter(|field| !field.is_empty()) {
            let (name, value) = chars::split(field, b'=').unwrap_or((field, ""));
            if HeaderName::parse(&decoded(name)) != Some(HeaderName::Replaces) {
                // Other header fields are wishes that we need not follow (RFC 3261 section 19.1.5).
                continue;
            }
            let read = Replaces::read(&decoded(value)).filter(|_| replaces.is_none());
            replaces = Some(read.ok_or(BadReferTo::Malformed)?);
        }
        Ok(Self { target: address.uri, replaces })
    }
}

fn decoded(text: &str) -> String {
    chars::unescape(text).unwrap_or_else(|| text.to_owned())
}

/// Whom it names is personal.
impl fmt::Debug for ReferTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReferTo").field("replaces", &self.replaces).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, parse_datagram};

    fn head(lines: &str) -> Head {
        let text = format!(
            "REFER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:h>;tag=2\r\nCall-ID: c\r\n\
             CSeq: 2 REFER\r\n{lines}\r\n"
        );
        let Ok(Message::Request(request)) = parse_datagram(text) else { panic!("no request") };
        request.head
    }

    fn refer(value: &str) -> Result<ReferTo, BadReferTo> {
        ReferTo::of(&head(&format!("Refer-To: {value}\r\n")))
    }

    #[test]
    fn whom_to_call_is_read_with_the_dialog_to_replace() {
        let plain = refer("<sip:102@192.0.2.1;transport=udp>").unwrap();
        assert_eq!((plain.target.user().as_deref(), plain.replaces), (Some("102"), None));
        let value = "\"Ada\" <sip:102@h?Require=replaces&rePlaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>";
        let replaces = refer(value).unwrap().replaces.unwrap();
        let parts = (&*replaces.call_id, &*replaces.to_tag, &*replaces.from_tag, replaces.early_only);
        assert_eq!(parts, ("12345@192.168.118.3", "12345", "5FFE-3994", false));
        assert_eq!(refer("sip:102@h").unwrap().target.user().as_deref(), Some("102"));
        assert_eq!(refer("<tel:+4930123>").unwrap().target.user().as_deref(), Some("+4930123"));
        assert!(refer("<sip:102@h;method=INVITE>").is_ok());
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        assert_eq!(refer("<sip:102@h;method=BYE>"), Err(BadReferTo::Method));
        let bad = ["", "x", "<mailto:a@h>", "<sip:1@h?Replaces=>", "<sip:1@h?Replaces=c%3Bto-tag%3D1>"];
        let twice = "<sip:1@h?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2&Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2>";
        for value in bad.into_iter().chain([twice, "<sip:1@h>\r\nRefer-To: <sip:2@h>"]) {
            assert_eq!(refer(value), Err(BadReferTo::Malformed), "{value}");
        }
        assert_eq!(ReferTo::of(&head("")), Err(BadReferTo::Malformed));
    }

    #[test]
    fn a_replaces_of_an_invite_names_one_dialog() {
        let of = |lines: &str| Replaces::of(&head(lines));
        assert_eq!(of(""), Ok(None));
        let found =
            of("Replaces: 98732@sip.example.com ;from-tag=r33th4x0r ;to-tag=ff87ff;early-only\r\n").unwrap().unwrap();
        assert_eq!((&*found.to_tag, &*found.from_tag, found.early_only), ("ff87ff", "r33th4x0r", true));
        for value in [
            "",
            "c",
            "c;to-tag=1",
            "c;to-tag=1;from-tag=",
            "c;to-tag=1;to-tag=1;from-tag=2",
            ";to-tag=1;from-tag=2",
            "a b;to-tag=1;from-tag=2",
        ] {
            assert_eq!(of(&format!("Replaces: {value}\r\n")), Err(BadReplaces), "{value}");
        }
        assert_eq!(of("Replaces: c;to-tag=1;from-tag=2\r\nReplaces: d;to-tag=1;from-tag=2\r\n"), Err(BadReplaces));
    }
}
