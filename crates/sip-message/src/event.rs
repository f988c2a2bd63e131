//! Event: what a SUBSCRIBE is about (RFC 6665 8.2.1), and of whose dialogs the package `dialog` means which (RFC 4235 3.2).

use std::fmt;

use crate::{Head, HeaderName, chars};

/// The value of an Event header field.
#[derive(Clone, Copy)]
pub struct EventValue<'h> {
    package: &'h str,
    params: Option<&'h str>,
}

/// The dialogs that a subscriber asks about. The tags are as seen by the one that they are dialogs of.
#[derive(Clone, PartialEq, Eq)]
pub struct DialogFilter {
    /// Their Call-ID.
    pub call_id: Box<str>,
    /// His own tag: `to-tag`.
    pub local_tag: Box<str>,
    /// The tag of his peer, `from-tag`; without it, all that forks of one INVITE began are meant.
    pub remote_tag: Option<Box<str>>,
}

/// Dialogs are asked about, but `call-id` or `to-tag` is missing or malformed, or one of the three comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no sound dialog in event")]
pub struct BadFilter;

impl<'h> EventValue<'h> {
    /// The one of a message, if it has one.
    #[must_use]
    pub fn of(head: &'h Head) -> Option<Self> {
        let (package, params) = chars::cut(head.header(HeaderName::Event)?, b';');
        Some(Self { package: chars::trim(package), params })
    }

    /// The event type, as it is written.
    #[must_use]
    pub const fn package(self) -> &'h str {
        self.package
    }

    /// The value of `id`, which tells subscriptions of one dialog apart.
    #[must_use]
    pub fn id(self) -> Option<&'h str> {
        self.params().find(|(name, _)| name.eq_ignore_ascii_case("id")).map(|(_, value)| value)
    }

    /// The dialogs that it asks about; none: all of them.
    ///
    /// # Errors
    /// If they are named by half, or malformed (RFC 4235 3.2).
    pub fn dialogs(self) -> Result<Option<DialogFilter>, BadFilter> {
        let (mut call_id, mut to_tag, mut from_tag) = (None, None, None);
        for (name, value) in self.params() {
            let place = match name.to_ascii_lowercase().as_str() {
                "call-id" => &mut call_id,
                "to-tag" => &mut to_tag,
                "from-tag" => &mut from_tag,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(BadFilter);
            }
        }
        let tag = |value: &str| if chars::is_token(value) { Ok(Box::from(value)) } else { Err(BadFilter) };
        let (call_id, to_tag) = match (call_id, to_tag) {
            (None, None) if from_tag.is_none() => return Ok(None),
            (Some(call_id), Some(to_tag)) => (call_id, to_tag),
            _ => return Err(BadFilter),
        };
        let call_id = match chars::quoted(call_id) {
            Some((inner, "")) => chars::unquote(inner).unwrap_or_else(|| inner.to_owned()),
            Some(_) => return Err(BadFilter),
            // Many write an `@` without the quotes.
            None => call_id.to_owned(),
        };
        if call_id.is_empty() || !call_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadFilter);
        }
        let remote_tag = from_tag.map(tag).transpose()?;
        Ok(Some(DialogFilter { call_id: call_id.into(), local_tag: tag(to_tag)?, remote_tag }))
    }

    /// Names and values as they stand; an empty value of a name alone.
    fn params(self) -> impl Iterator<Item = (&'h str, &'h str)> {
        let mut rest = self.params;
        std::iter::from_fn(move || {
            let (param, tail) = chars::cut(rest?, b';');
            rest = tail;
            let (name, value) = chars::split(param, b'=').unwrap_or((param, ""));
            Some((chars::trim(name), chars::trim(value)))
        })
    }
}

impl DialogFilter {
    /// True of a dialog that is meant; one without a tag of the one that it is of is not there yet.
    #[must_use]
    pub fn fits(&self, call_id: &str, local_tag: Option<&str>, remote_tag: &str) -> bool {
        *self.call_id == *call_id
            && local_tag == Some(&*self.local_tag)
            && self.remote_tag.as_deref().is_none_or(|tag| tag == remote_tag)
    }

    /// How long it is, in octets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.call_id.len() + self.local_tag.len() + self.remote_tag.as_ref().map_or(0, |tag| tag.len())
    }

    /// Never: it has a Call-ID.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// It names nobody, but it is the key to a call.
impl fmt::Debug for DialogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DialogFilter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, parse_datagram};

    fn head(event: &str) -> Head {
        let text = format!(
            "SUBSCRIBE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:h>\r\nCall-ID: c\r\n\
             CSeq: 1 SUBSCRIBE\r\nEvent: {event}\r\n\r\n"
        );
        let Ok(Message::Request(request)) = parse_datagram(text) else { panic!("no request") };
        request.head
    }

    fn dialogs(params: &str) -> Result<Option<DialogFilter>, BadFilter> {
        EventValue::of(&head(&format!("dialog{params}"))).unwrap().dialogs()
    }

    #[test]
    fn package_and_id_are_read_whatever_stands_in_quotes() {
        let head = head("dialog ; call-id=\"x;id=8\" ; ID = 7;include-session-description");
        let event = EventValue::of(&head).unwrap();
        assert_eq!((event.package(), event.id()), ("dialog", Some("7")));
    }

    #[test]
    fn dialogs_are_named_whole_or_not_at_all() {
        assert_eq!(dialogs(""), Ok(None));
        assert_eq!(dialogs(";id=7;include-session-description;x=y"), Ok(None));
        let one = dialogs(";call-id=\"a\\\"b@h\";To-Tag=1;from-tag=2").unwrap().unwrap();
        assert_eq!((&*one.call_id, &*one.local_tag, one.remote_tag.as_deref()), ("a\"b@h", "1", Some("2")));
        assert!(one.fits("a\"b@h", Some("1"), "2"));
        let others =
            [("a", Some("1"), "2"), ("a\"b@h", Some("3"), "2"), ("a\"b@h", None, "2"), ("a\"b@h", Some("1"), "3")];
        assert!(others.iter().all(|(call_id, local, remote)| !one.fits(call_id, *local, remote)));
        let of_an_invite = dialogs("; call-id = c@h ; to-tag = 1").unwrap().unwrap();
        assert!(of_an_invite.fits("c@h", Some("1"), "2") && of_an_invite.fits("c@h", Some("1"), "3"));
        for half in [
            ";call-id=c",
            ";to-tag=1",
            ";from-tag=2",
            ";call-id=c;from-tag=2",
            ";to-tag=1;from-tag=2",
            ";call-id=;to-tag=1",
            ";call-id=\"\";to-tag=1",
            ";call-id=\"a\"b;to-tag=1",
            ";call-id=\"a b\";to-tag=1",
            ";call-id=c;to-tag=",
            ";call-id=c;to-tag=\"1\"",
            ";call-id=c;to-tag=1;from-tag",
            ";call-id=c;to-tag=1;to-tag=1",
        ] {
            assert_eq!(dialogs(half), Err(BadFilter), "{half}");
        }
    }
}
