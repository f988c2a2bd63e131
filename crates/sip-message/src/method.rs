//! Request methods.

use std::fmt;
use std::str::FromStr;

use crate::{ParseError, Str, chars};

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// A request's method (RFC 3261 section 7.1). Case matters, and an unknown one is kept as it came, so that the
        /// UAS core can refuse it with 501 or 405.
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub enum Method {
            $($(#[$doc])* $variant,)*
            /// Any other token.
            Other(Str),
        }

        impl Method {
            /// The method's name as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// Reads `text`, a piece of `source`.
            pub(crate) fn parse_in(source: &Str, text: &str) -> Option<Self> {
                match text {
                    $($name => Some(Self::$variant),)*
                    _ => chars::is_token(text).then(|| Self::Other(source.share(text))),
                }
            }
        }
    };
}

methods! {
    /// RFC 3261: asks for a session.
    Invite "INVITE",
    /// RFC 3261: confirms a final response to INVITE.
    Ack "ACK",
    /// RFC 3261: ends a session.
    Bye "BYE",
    /// RFC 3261: takes a pending request back.
    Cancel "CANCEL",
    /// RFC 3261: asks what a server can do.
    Options "OPTIONS",
    /// RFC 3261: binds an address to a contact.
    Register "REGISTER",
    /// RFC 3262: confirms a reliable provisional response.
    Prack "PRACK",
    /// RFC 3311: changes a session before it is answered.
    Update "UPDATE",
    /// RFC 6086: carries application data in a dialog (digits, from some phones).
    Info "INFO",
    /// RFC 3515: asks to call someone else (transfer).
    Refer "REFER",
    /// RFC 6665: asks for events.
    Subscribe "SUBSCRIBE",
    /// RFC 6665: reports an event.
    Notify "NOTIFY",
    /// RFC 3428: an instant message.
    Message "MESSAGE",
    /// RFC 3903: publishes event state.
    Publish "PUBLISH",
}

impl FromStr for Method {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse_in(&Str::EMPTY, text).ok_or(ParseError::Method)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_case_sensitive_and_unknown_ones_are_kept() {
        assert_eq!("INVITE".parse(), Ok(Method::Invite));
        assert_eq!("invite".parse(), Ok(Method::Other(Str::from("invite"))));
        assert_eq!("RE%47IST%45R".parse::<Method>().unwrap().as_str(), "RE%47IST%45R", "never unescaped");
        assert_eq!("TWO WORDS".parse::<Method>(), Err(ParseError::Method));
        assert_eq!("".parse::<Method>(), Err(ParseError::Method));
    }
}
