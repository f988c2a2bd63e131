//! Status codes and their reason phrases.

use std::fmt;
use std::sync::LazyLock;

/// A response's status code, 100 to 699 (RFC 3261 section 7.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(u16);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $code:literal;)*) => {
        impl StatusCode {
            $($(#[$doc])* pub const $name: Self = Self($code);)*
        }
    };
}

codes! {
    /// 100, hop by hop: the request was received.
    TRYING 100;
    /// 180: the callee is alerted.
    RINGING 180;
    /// 183: something about the session before it is answered, mostly early media.
    SESSION_PROGRESS 183;
    /// 200.
    OK 200;
    /// 400: malformed.
    BAD_REQUEST 400;
    /// 403: understood and refused.
    FORBIDDEN 403;
    /// 404: no such user here.
    NOT_FOUND 404;
    /// 405: method known but not allowed here; the answer carries Allow.
    METHOD_NOT_ALLOWED 405;
    /// 408: no answer in time.
    REQUEST_TIMEOUT 408;
    /// 415: the body's type is not supported; the answer carries Accept.
    UNSUPPORTED_MEDIA_TYPE 415;
    /// 416: the Request-URI's scheme is not supported.
    UNSUPPORTED_URI_SCHEME 416;
    /// 420: an extension in Require is not supported; the answer carries Unsupported.
    BAD_EXTENSION 420;
    /// 480: reachable, but not now.
    TEMPORARILY_UNAVAILABLE 480;
    /// 481: no such dialog or transaction.
    CALL_DOES_NOT_EXIST 481;
    /// 482: the request came by two ways, or in a circle.
    LOOP_DETECTED 482;
    /// 486: busy.
    BUSY_HERE 486;
    /// 487: ended by CANCEL or BYE before it was answered.
    REQUEST_TERMINATED 487;
    /// 488: the offered session is not acceptable.
    NOT_ACCEPTABLE_HERE 488;
    /// 491: another request of the same dialog is pending.
    REQUEST_PENDING 491;
    /// 500: our fault.
    SERVER_INTERNAL_ERROR 500;
    /// 501: method unknown.
    NOT_IMPLEMENTED 501;
    /// 503: overloaded or closing.
    SERVICE_UNAVAILABLE 503;
    /// 505: SIP version not supported.
    VERSION_NOT_SUPPORTED 505;
    /// 513: message too large.
    MESSAGE_TOO_LARGE 513;
    /// 603: declined.
    DECLINE 603;
}

impl StatusCode {
    /// The code, or None outside 100 to 699.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if matches!(code, 100..=699) { Some(Self(code)) } else { None }
    }

    /// Exactly three digits, so that no code can wrap round into another.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 3 {
            return None;
        }
        crate::chars::number(text).and_then(Self::new)
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// 1xx.
    #[must_use]
    pub const fn is_provisional(self) -> bool {
        self.0 < 200
    }

    /// 2xx.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self.0, 200..=299)
    }

    /// 2xx to 6xx: the transaction's last response.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.0 >= 200
    }

    /// The registered reason phrase, or that of the code's class (`x00`) for an unknown code (RFC 3261 section 8.1.3.2).
    #[must_use]
    pub fn reason(self) -> &'static str {
        let phrase = |code: u16| PHRASES.get(usize::from(code).wrapping_sub(100)).map_or("", String::as_str);
        match phrase(self.0) {
            "" => match self.0 / 100 {
                1 => "Session Progress",
                3 => "Redirection",
                6 => "Global Failure",
                class => phrase(class * 100),
            },
            phrase => phrase,
        }
    }
}

/// Phrases of 100 to 699, from rsip's table of registered codes, empty where it has none. It holds Rust names
/// (`BusyHere`): they are parted into words here, once; those that are more than words stand by themselves.
static PHRASES: LazyLock<Vec<String>> = LazyLock::new(|| (100..=699).map(phrase).collect());

fn phrase(code: u16) -> String {
    match code {
        200 => return "OK".to_owned(),
        414 => return "Request-URI Too Long".to_owned(),
        416 => return "Unsupported URI Scheme".to_owned(),
        481 => return "Call/Transaction Does Not Exist".to_owned(),
        504 => return "Server Time-out".to_owned(),
        606 => return "Not Acceptable".to_owned(),
        _ => {}
    }
    let known = rsip::StatusCode::from(code);
    if matches!(known, rsip::StatusCode::Other(..)) {
        return String::new();
    }
    let printed = known.to_string();
    let name = printed.split_once(' ').map_or("", |(_, name)| name);
    let mut words = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c);
    }
    words
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_phrases_are_those_of_the_rfcs() {
        let cases = [
            (100, "Trying"),
            (180, "Ringing"),
            (181, "Call Is Being Forwarded"),
            (183, "Session Progress"),
            (200, "OK"),
            (302, "Moved Temporarily"),
            (400, "Bad Request"),
            (405, "Method Not Allowed"),
            (416, "Unsupported URI Scheme"),
            (480, "Temporarily Unavailable"),
            (481, "Call/Transaction Does Not Exist"),
            (486, "Busy Here"),
            (488, "Not Acceptable Here"),
            (501, "Not Implemented"),
            (503, "Service Unavailable"),
            (603, "Decline"),
        ];
        for (code, phrase) in cases {
            assert_eq!(StatusCode::new(code).unwrap().reason(), phrase);
        }
    }

    #[test]
    fn an_unknown_code_speaks_for_its_class() {
        assert_eq!(StatusCode::new(499).unwrap().reason(), "Bad Request");
        assert_eq!(StatusCode::new(599).unwrap().reason(), "Server Internal Error");
        assert!((100..700).all(|code| !StatusCode::new(code).unwrap().reason().is_empty()));
    }

    #[test]
    fn a_code_has_three_digits() {
        assert_eq!(StatusCode::parse("100"), Some(StatusCode::TRYING));
        for wrong in ["4294967301", "99", "0200", "700", "+20", "2 0", ""] {
            assert_eq!(StatusCode::parse(wrong), None, "{wrong}");
        }
    }
}
