//! Addresses as From, To, Contact, Route and Record-Route carry them (RFC 3261 section 20.10).

use std::fmt;
use std::str::FromStr;

use crate::params::push_quoted;
use crate::{AnyUri, Params, ParseError, Str, chars};

/// `"display" <uri>;params`, or the short form `uri;params`, whose parameters belong to the header field.
/// It is printed in the long form always.
#[derive(Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name, without quotes and backslashes; None if there is none or it is empty.
    pub display: Option<Str>,
    /// The URI.
    pub uri: AnyUri,
    /// The header field's own parameters (`tag`, `expires`, …).
    pub params: Params,
}

impl NameAddr {
    /// `<uri>`.
    #[must_use]
    pub fn new(uri: impl Into<AnyUri>) -> Self {
        Self { display: None, uri: uri.into(), params: Params::NONE }
    }

    /// The same with a display name.
    #[must_use]
    pub fn with_display(mut self, display: &str) -> Self {
        self.display = (!display.is_empty()).then(|| Str::from(display));
        self
    }

    /// The same with the tag set.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params = self.params.with("tag", Some(tag));
        self
    }

    /// The same with parameter `name` set.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Self {
        self.params = self.params.with(name, value);
        self
    }

    /// The tag, which names one side of a dialog.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.value("tag")
    }

    /// Reads one whole value, a piece of `source`.
    pub(crate) fn parse_in(source: &Str, text: &str) -> Option<Self> {
        let text = chars::trim(text);
        if text.starts_with('"') {
            let (inner, rest) = chars::quoted(text)?;
            let display = chars::unquote(inner).map_or_else(|| source.share(inner), Str::from);
            return Self::parse_bracketed(source, Some(display), chars::trim_start(rest));
        }
        match memchr::memchr2(b'<', b'"', text.as_bytes()) {
            Some(at) if text.get(at..)?.starts_with('<') && !is_addr_spec_before(text, at) => {
                let (display, rest) = text.split_at(at);
                let display = chars::trim(display);
                is_display(display).then(|| Self::parse_bracketed(source, Some(source.share(display)), rest))?
            }
            _ => Self::parse_short(source, text),
        }
    }

    fn parse_bracketed(source: &Str, display: Option<Str>, text: &str) -> Option<Self> {
        let (uri, params) = chars::split(text.strip_prefix('<')?, b'>')?;
        let display = display.filter(|d| !d.is_empty());
        Some(Self { display, uri: AnyUri::parse_in(source, uri)?, params: Params::parse_in(source, params)? })
    }

    /// Without brackets the first `;` ends the URI, and a URI with `?` or `,` may not stand so.
    fn parse_short(source: &Str, text: &str) -> Option<Self> {
        let (uri, params) = chars::before(text, b';');
        if uri.contains(['?', ',']) {
            return None;
        }
        let uri = AnyUri::parse_in(source, chars::trim(uri))?;
        Some(Self { display: None, uri, params: Params::parse_in(source, params)? })
    }
}

/// True if the `<` at `at` stands in a parameter of the short form, where it is a fault to be found there.
fn is_addr_spec_before(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.contains(';'))
}

/// Unquoted display names should be tokens and spaces. Other characters are borne, UTF-8 above all, where they can
/// have one meaning only.
fn is_display(text: &str) -> bool {
    text.bytes()
        .all(|b| (b >= b' ' || b == b'\t') && b != 0x7f && !matches!(b, b'"' | b'\\' | b',' | b';' | b'<' | b'>'))
}

impl FromStr for NameAddr {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let source = Str::from(text);
        Self::parse_in(&source, &source).ok_or(ParseError::Address)
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            let mut quoted = String::with_capacity(display.len() + 2);
            push_quoted(&mut quoted, display);
            f.write_str("\"")?;
            f.write_str(&quoted)?;
            f.write_str("\" ")?;
        }
        f.write_str("<")?;
        fmt::Display::fmt(&self.uri, f)?;
        f.write_str(">")?;
        fmt::Display::fmt(&self.params, f)
    }
}

/// Hides the display name and the user.
impl fmt::Debug for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.display.is_some() { "\"•••\" " } else { "" })?;
        write!(f, "<{:?}>", self.uri)?;
        self.tag().map_or(Ok(()), |tag| write!(f, ";tag={tag}"))
    }
}

/// The value of Contact: a list of addresses, or `*`, which a REGISTER uses to remove all bindings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Contacts {
    /// The addresses of all Contact header fields in order; empty if there are none.
    List(Vec<NameAddr>),
    /// `*`.
    Star,
}

impl Contacts {
    /// The first address, which is the remote target of a dialog.
    #[must_use]
    pub fn first(&self) -> Option<&NameAddr> {
        self.as_slice().first()
    }

    /// All addresses; empty for `*`.
    #[must_use]
    pub fn as_slice(&self) -> &[NameAddr] {
        if let Self::List(list) = self { list } else { &[] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> NameAddr {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    fn display(text: &str) -> Option<String> {
        read(text).display.map(|d| d.to_string())
    }

    /// A `tag` without a value was taken for the address's tag, so that the response to a request with `;tag;tag=x` got a second
    /// tag, which its reader did not see either. The one that has a value counts.
    #[test]
    fn a_tag_without_a_value_hides_none_that_has_one() {
        assert_eq!(read("<sip:b@h>;tag;tag=x").tag(), Some("x"));
        assert_eq!(read("<sip:b@h>;tag").tag(), None);
    }

    #[test]
    fn display_names_are_read_in_all_their_forms() {
        let cases = [
            ("<sip:a@h>", None),
            ("\"\" <sip:a@h>", None),
            ("caller<sip:a@h>", Some("caller")),
            ("A. Bell <sip:a@h>", Some("A. Bell")),
            ("\"J Rosenberg \\\\\\\"\"   <sip:a@h>", Some("J Rosenberg \\\"")),
            ("\"a, <b>\"<sip:a@h>", Some("a, <b>")),
            ("Jürgen (Büro) <sip:a@h>", Some("Jürgen (Büro)")),
        ];
        for (text, name) in cases {
            assert_eq!(display(text).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn parameters_outside_brackets_belong_to_the_header_field() {
        let short = read("sip:+1972@gw1.example.net;unknownparam");
        assert!(short.params.has("unknownparam") && !short.uri.as_sip().unwrap().has_param("unknownparam"));
        let long = read("<sip:+1972@gw1.example.net;unknownparam>");
        assert!(!long.params.has("unknownparam") && long.uri.as_sip().unwrap().has_param("unknownparam"));
        assert_eq!(read("sip:a@h ; tag = x").tag(), Some("x"));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        let wrong = [
            "",
            "\"Mr. J. User <sip:a@h>",
            "Bell, Alexander <sip:a@h>",
            "< sip:a@h >",
            "<sip:a@h",
            "sip:a@h?x=y",
            "sip:a,b@h",
            "<sip:a@h>;;;;",
            "<sip:a@h> x",
            "\\\"arik\\\" <sip:a@h>",
            "\"a\" sip:a@h",
            "sip:a@h;x=<y>",
            "<sip:a@h>>",
            "a\u{7}b <sip:a@h>",
        ];
        for text in wrong {
            assert_eq!(text.parse::<NameAddr>(), Err(ParseError::Address), "{text}");
        }
    }

    #[test]
    fn printing_and_reading_give_the_same_back() {
        let address = read("Ann <sip:a@h;lr>;tag=1").with_display("O\"Neil \\ \r\nX: y").with_tag("2");
        let printed = address.to_string();
        assert_eq!(printed, "\"O\\\"Neil \\\\ X: y\" <sip:a@h;lr>;tag=2");
        assert_eq!(read(&printed).to_string(), printed);
    }
}
