//! Why a message or a value could not be read.

use crate::HeaderName;

/// The cause of a failed reading. It carries no text of the message, so it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ParseError {
    /// The first line is neither a request's nor a response's.
    #[error("not a SIP message")]
    NotSip,
    /// Larger than [`crate::MAX_MESSAGE`] octets.
    #[error("message too large")]
    TooLarge,
    /// The empty line after the header fields is missing (RFC 3261 section 7).
    #[error("no empty line ends the header fields")]
    UnfinishedHead,
    /// The request line's parts are not three, parted by one space each (RFC 3261 section 7.1).
    #[error("malformed start line")]
    StartLine,
    /// A SIP version other than 2.0.
    #[error("SIP version is not 2.0")]
    Version,
    /// A status code outside 100 to 699.
    #[error("malformed status code")]
    StatusCode,
    /// A line that is no header field (no colon, no token before it, a lone carriage return).
    #[error("malformed header line")]
    HeaderLine,
    /// More than [`crate::MAX_FIELDS`] header fields.
    #[error("too many header fields")]
    TooManyFields,
    /// More values of one header field than this crate's limits allow.
    #[error("too many {0} values")]
    TooManyValues(HeaderName),
    /// The Request-URI is malformed, or holds header fields (RFC 3261 section 19.1.1).
    #[error("malformed Request-URI")]
    RequestUri,
    /// A header field that RFC 3261 section 8.1.1 makes mandatory is missing.
    #[error("{0} is missing")]
    Missing(HeaderName),
    /// A header field that may stand once only stands twice.
    #[error("{0} stands more than once")]
    Repeated(HeaderName),
    /// The value of a header field breaks its grammar or range.
    #[error("malformed {0}")]
    Malformed(HeaderName),
    /// CSeq names another method than the start line (RFC 3261 section 8.1.1.5).
    #[error("CSeq and start line name different methods")]
    MethodMismatch,
    /// The body is shorter than Content-Length says (RFC 3261 section 18.3).
    #[error("body shorter than Content-Length")]
    ShortBody,
    /// A text that is no URI, given to a value's own parser.
    #[error("malformed URI")]
    Uri,
    /// A text that is no name-addr or addr-spec.
    #[error("malformed address")]
    Address,
    /// A text that is no Via value.
    #[error("malformed Via value")]
    Via,
    /// A text that is no host.
    #[error("malformed host")]
    Host,
    /// A text that is no method.
    #[error("malformed method")]
    Method,
}
