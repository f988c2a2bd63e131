//! Names of header fields.

use std::fmt;

macro_rules! names {
    ($($variant:ident $name:literal $compact:literal;)*) => {
        /// The header fields that this project or its near future reads or writes. Others are found by their text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each is named as on the wire")]
        pub enum HeaderName {
            $($variant,)*
        }

        /// Every name with its full and compact form, the most frequent first.
        const NAMES: &[(HeaderName, &str, &str)] = &[$((HeaderName::$variant, $name, $compact),)*];

        impl HeaderName {
            /// The full form as it stands on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

names! {
    Via "Via" "v";
    From "From" "f";
    To "To" "t";
    CallId "Call-ID" "i";
    CSeq "CSeq" "";
    MaxForwards "Max-Forwards" "";
    Contact "Contact" "m";
    ContentLength "Content-Length" "l";
    ContentType "Content-Type" "c";
    UserAgent "User-Agent" "";
    Allow "Allow" "";
    Supported "Supported" "k";
    Expires "Expires" "";
    Route "Route" "";
    RecordRoute "Record-Route" "";
    Server "Server" "";
    Date "Date" "";
    Require "Require" "";
    Accept "Accept" "";
    Authorization "Authorization" "";
    WwwAuthenticate "WWW-Authenticate" "";
    ProxyAuthorization "Proxy-Authorization" "";
    ProxyAuthenticate "Proxy-Authenticate" "";
    ProxyRequire "Proxy-Require" "";
    Unsupported "Unsupported" "";
    Subject "Subject" "s";
    Event "Event" "o";
    AllowEvents "Allow-Events" "u";
    SubscriptionState "Subscription-State" "";
    ReferTo "Refer-To" "r";
    ReferredBy "Referred-By" "b";
    ReferSub "Refer-Sub" "";
    Replaces "Replaces" "";
    Reason "Reason" "";
    Warning "Warning" "";
    RetryAfter "Retry-After" "";
    Timestamp "Timestamp" "";
    RSeq "RSeq" "";
    RAck "RAck" "";
    SessionExpires "Session-Expires" "x";
    MinSe "Min-SE" "";
    MinExpires "Min-Expires" "";
    AcceptEncoding "Accept-Encoding" "";
    AcceptLanguage "Accept-Language" "";
    AlertInfo "Alert-Info" "";
    CallInfo "Call-Info" "";
    ContentDisposition "Content-Disposition" "";
    ContentEncoding "Content-Encoding" "e";
    ContentLanguage "Content-Language" "";
    AuthenticationInfo "Authentication-Info" "";
    Diversion "Diversion" "";
    HistoryInfo "History-Info" "";
    Identity "Identity" "y";
    InReplyTo "In-Reply-To" "";
    Join "Join" "";
    MimeVersion "MIME-Version" "";
    Organization "Organization" "";
    PAssertedIdentity "P-Asserted-Identity" "";
    PPreferredIdentity "P-Preferred-Identity" "";
    Path "Path" "";
    Priority "Priority" "";
    Privacy "Privacy" "";
    RemotePartyId "Remote-Party-ID" "";
    ReplyTo "Reply-To" "";
    ServiceRoute "Service-Route" "";
    SipEtag "SIP-ETag" "";
    SipIfMatch "SIP-If-Match" "";
    UserToUser "User-to-User" "";
}

impl HeaderName {
    /// The name that `text` is, in its full or compact form (RFC 3261 section 7.3.3) and any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_octets(text.as_bytes())
    }

    pub(crate) fn parse_octets(text: &[u8]) -> Option<Self> {
        let found = if text.len() == 1 {
            NAMES.iter().find(|(_, _, compact)| compact.as_bytes().eq_ignore_ascii_case(text))
        } else {
            // Mostly it is written as here, which is seen faster.
            NAMES.iter().find(|(_, name, _)| name.as_bytes() == text || name.as_bytes().eq_ignore_ascii_case(text))
        };
        found.map(|(name, ..)| *name)
    }
}

impl AsRef<str> for HeaderName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_every_form() {
        for &(name, full, compact) in NAMES {
            assert_eq!(HeaderName::parse(full), Some(name));
            assert_eq!(HeaderName::parse(&full.to_uppercase()), Some(name));
            if !compact.is_empty() {
                assert_eq!(HeaderName::parse(compact), Some(name), "{compact}");
                assert_eq!(HeaderName::parse(&compact.to_uppercase()), Some(name), "{compact}");
            }
        }
    }

    #[test]
    fn unknown_names_are_none() {
        for text in ["", "z", "C%6Fntact", "Subjec", "X-Thing"] {
            assert_eq!(HeaderName::parse(text), None, "{text}");
        }
    }
}
