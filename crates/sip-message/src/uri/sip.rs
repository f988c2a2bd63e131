//! SIP and SIPS URIs (RFC 3261 section 19.1).

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::AnyUri;
use crate::{Host, MAX_PARAMS, Params, ParseError, Str, chars, figures};

/// Which of the two schemes a [`Uri`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`.
    Sip,
    /// `sips:`: over TLS on every hop.
    Sips,
}

/// A `sip:` or `sips:` URI. It is kept as it came, escapes included; the getters decode, exactly once.
/// `==` compares what is written; [`Uri::matches`] compares what it means.
#[derive(Clone, PartialEq, Eq)]
pub struct Uri {
    scheme: Scheme,
    user: Str,
    password: Option<Str>,
    host: Host,
    port: Option<u16>,
    params: Params,
    /// Without the `?`.
    headers: Str,
}

impl Uri {
    /// `sip:host`.
    #[must_use]
    pub fn new(host: impl Into<Host>) -> Self {
        let (user, params, headers) = (Str::EMPTY, Params::NONE, Str::EMPTY);
        Self { scheme: Scheme::Sip, user, password: None, host: host.into(), port: None, params, headers }
    }

    /// `sip:address:port`.
    #[must_use]
    pub fn from_address(address: SocketAddr) -> Self {
        Self::new(address.ip()).with_port(Some(address.port()))
    }

    /// The same with this scheme.
    #[must_use]
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// The same with user part `user`, given decoded; an empty one takes the user part away.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> Self {
        self.user = Str::from(chars::escape(user, chars::is_plain_user));
        self
    }

    /// The same with this port.
    #[must_use]
    pub fn with_port(mut self, port: Option<u16>) -> Self {
        self.port = port;
        self
    }

    /// The same with parameter `name` set; name and value are given decoded.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Self {
        let name = chars::escape(name, chars::is_plain_uri_param);
        let value = value.map(|v| chars::escape(v, chars::is_plain_uri_param));
        self.params = self.params.with(&name, value.as_deref());
        self
    }

    /// `sip` or `sips`.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The user part, decoded; None if there is none. Octets that are not UTF-8 stay escaped.
    #[must_use]
    pub fn user(&self) -> Option<Cow<'_, str>> {
        if self.user.is_empty() { None } else { Some(decoded(&self.user)) }
    }

    /// The user part as it is written, empty if there is none.
    #[must_use]
    pub fn raw_user(&self) -> &str {
        &self.user
    }

    /// The password as it is written; its use is deprecated.
    #[must_use]
    pub fn raw_password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, if one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The port to send to: the one written, else 5060, or 5061 for SIPS and `transport=tls` (RFC 3261 section 19.1.2).
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        let tls =
            || self.scheme == Scheme::Sips || self.param("transport").is_some_and(|t| t.eq_ignore_ascii_case("tls"));
        self.port.unwrap_or_else(|| if tls() { 5061 } else { 5060 })
    }

    /// Where to send to, if the host is an address.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.host.ip()?, self.port_or_default()))
    }

    /// The parameters as they are written.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The value of parameter `name`, both decoded; None if it is missing or has no value.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.find(name)?.map(decoded)
    }

    /// True if parameter `name` is there, with or without a value.
    #[must_use]
    pub fn has_param(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<Option<&str>> {
        self.params.iter().find(|(n, _)| decoded(n).eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The header fields as they are written after the `?`, empty if there are none. Nobody may act on them unasked
    /// (RFC 3261 section 19.1.5).
    #[must_use]
    pub fn raw_headers(&self) -> &str {
        &self.headers
    }

    /// Reads what follows the scheme's colon, a piece of `source`.
    pub(crate) fn parse_rest(source: &Str, scheme: Scheme, rest: &str) -> Option<Self> {
        // The user part may hold `;` and `?`, so the `@` is looked for first.
        let (user, password, rest) = match chars::split(rest, b'@') {
            Some((userinfo, rest)) => {
                let (user, password) = match chars::split(userinfo, b':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (userinfo, None),
                };
                if !chars::is_user(user) || !password.is_none_or(chars::is_password) {
                    return None;
                }
                (source.share(user), password.map(|p| source.share(p)), rest)
            }
            None => (Str::EMPTY, None, rest),
        };
        let (rest, headers) = chars::split(rest, b'?').unwrap_or((rest, ""));
        let (host, params) = chars::before(rest, b';');
        let (host, port) =
            Host::parse_with_port(source, host).filter(|_| !host.bytes().any(|octet| matches!(octet, b' ' | b'\t')))?;
        let fits = |text: &str| text.is_empty() || chars::is_uri_param(text);
        let well_formed = params.strip_prefix(';').is_none_or(|params| {
            let all = params.split(';').all(|param| {
                let (name, value) = chars::split(param, b'=').unwrap_or((param, ""));
                !name.is_empty() && fits(name) && fits(value)
            });
            all && params.split(';').count() <= MAX_PARAMS
        });
        if !well_formed || !chars::is_uri_headers(headers) {
            return None;
        }
        let params = Params::unchecked(source.share(params));
        Some(Self { scheme, user, password, host, port, params, headers: source.share(headers) })
    }
}

pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    chars::unescape(text).map_or(Cow::Borrowed(text), Cow::Owned)
}

impl FromStr for Uri {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.parse()? {
            AnyUri::Sip(uri) => Ok(uri),
            _ => Err(ParseError::Uri),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.scheme == Scheme::Sip { "sip:" } else { "sips:" })?;
        if !self.user.is_empty() {
            f.write_str(&self.user)?;
            if let Some(password) = &self.password {
                f.write_str(":")?;
                f.write_str(password)?;
            }
            f.write_str("@")?;
        }
        fmt::Display::fmt(&self.host, f)?;
        if let Some(port) = self.port {
            f.write_str(":")?;
            figures::write_number(f, u32::from(port))?;
        }
        fmt::Display::fmt(&self.params, f)?;
        if !self.headers.is_empty() {
            f.write_str("?")?;
            f.write_str(&self.headers)?;
        }
        Ok(())
    }
}

/// Hides the user part and what follows the host.
impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = if self.user.is_empty() { "" } else { "•••@" };
        write!(f, "{}:{user}{}", if self.scheme == Scheme::Sip { "sip" } else { "sips" }, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn all_parts_are_read_and_printed_back() {
        let text = "sips:alice:secret@[2001:db8::10]:5070;transport=tcp;lr?Subject=a%20b&x=";
        let read = uri(text);
        assert_eq!(
            (read.scheme(), read.user().as_deref(), read.raw_password()),
            (Scheme::Sips, Some("alice"), Some("secret"))
        );
        assert_eq!((read.host().to_string().as_str(), read.port()), ("[2001:db8::10]", Some(5070)));
        assert_eq!(read.param("Transport").as_deref(), Some("tcp"));
        assert!(read.has_param("lr") && read.param("lr").is_none());
        assert_eq!(read.raw_headers(), "Subject=a%20b&x=");
        assert_eq!(read.to_string(), text);
    }

    #[test]
    fn the_user_part_is_decoded_exactly_once() {
        let cases = [
            ("sip:sips%3Auser%40example.com@example.net", "sips:user@example.com"),
            ("sip:%2541@example.net", "%41"),
            ("sip:null-%00-null@example.com", "null-\0-null"),
            ("sip:user;par=u%40example.net@example.com", "user;par=u@example.net"),
            ("sip:%FF@example.com", "%FF"),
            ("sip:*72#@example.com", "*72#"),
            ("sip:jürgen@example.com", "jürgen"),
        ];
        for (text, user) in cases {
            assert_eq!(uri(text).user().as_deref(), Some(user), "{text}");
        }
        assert_eq!(uri("sip:example.com").user(), None);
        let at_in_header = uri("sip:a@h?to=sip:b@c");
        assert_eq!((at_in_header.user().as_deref(), at_in_header.raw_headers()), (Some("a"), "to=sip:b@c"));
    }

    #[test]
    fn parameters_are_decoded_exactly_once() {
        let read = uri("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31");
        assert!(read.has_param("lr"));
        assert_eq!(read.param("name").as_deref(), Some("value%41"));
    }

    #[test]
    fn malformed_uris_are_refused() {
        let wrong = [
            "sip:",
            "sip:@h",
            "sip:a@",
            "sip:a@b@c",
            "sip:a b@h",
            "sip:a@h;",
            "sip:a@h;;x",
            "sip:a@h;x=a b",
            "sip:a@h:x",
            "sip:2001:db8::10",
            "sip:a@h ;x",
            "sip:<a@h>",
            "sip:%4@h",
            "sip:%zz@h",
            "sip:a@h\r\nX: y",
            "sip:a@h?x=\"",
            "sip::pw@h",
        ];
        for text in wrong {
            assert_eq!(text.parse::<Uri>(), Err(ParseError::Uri), "{text}");
        }
    }

    #[test]
    fn built_uris_escape_what_they_are_given() {
        let built = Uri::new("h".parse::<Host>().unwrap()).with_user("a b@c\r\n").with_port(Some(5070));
        let built = built.with_param("x", Some("1;2")).with_param("lr", None);
        assert_eq!(built.to_string(), "sip:a%20b%40c%0D%0A@h:5070;x=1%3B2;lr");
        assert_eq!(uri(&built.to_string()).user().as_deref(), Some("a b@c\r\n"));
    }

    #[test]
    fn the_default_port_follows_scheme_and_transport() {
        assert_eq!(uri("sip:192.0.2.1").socket_addr(), Some("192.0.2.1:5060".parse().unwrap()));
        assert_eq!(uri("sips:192.0.2.1").port_or_default(), 5061);
        assert_eq!(uri("sip:192.0.2.1;transport=TLS").port_or_default(), 5061);
        assert_eq!(uri("sip:[::1]:99").socket_addr(), Some("[::1]:99".parse().unwrap()));
        assert_eq!(uri("sip:example.com").socket_addr(), None);
    }
}
