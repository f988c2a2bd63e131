//! Reading a session description, as strictly as RFC 8866 asks and as tolerantly as it allows.

use crate::Description;

/// The longest description that is read, in octets.
pub const MAX_BYTES: usize = 32 * 1024;
/// The most lines that are read.
pub const MAX_LINES: usize = 1000;
/// The most m= lines that are read.
pub const MAX_MEDIA: usize = 32;
/// The most formats that an m= line may list.
pub const MAX_FORMATS: usize = 128;

/// Why a text is no session description. Lines count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// More than [`MAX_BYTES`] octets.
    #[error("description longer than {MAX_BYTES} octets")]
    TooLong,
    /// More than [`MAX_LINES`] lines.
    #[error("description of more than {MAX_LINES} lines")]
    TooManyLines,
    /// More than [`MAX_MEDIA`] m= lines.
    #[error("description of more than {MAX_MEDIA} media")]
    TooManyMedia,
    /// More than [`MAX_FORMATS`] formats in an m= line.
    #[error("line {line}: more than {MAX_FORMATS} formats")]
    TooManyFormats {
        /// Where.
        line: usize,
    },
    /// No text at all.
    #[error("description is empty")]
    Empty,
    /// The first line is not v=.
    #[error("description does not begin with v=")]
    NoVersion,
    /// A version other than 0.
    #[error("protocol version is not 0")]
    UnknownVersion,
    /// A type letter that RFC 8866 section 5 does not list; it has such a description rejected as a whole.
    #[error("line {line}: unknown type letter")]
    UnknownType {
        /// Where.
        line: usize,
    },
    /// A line that is not `letter=value`, or holds a NUL or a lone CR.
    #[error("line {line}: not a type letter and a value")]
    NotALine {
        /// Where.
        line: usize,
    },
    /// A line of a known type whose value does not read as RFC 8866 says.
    #[error("line {line}: malformed {kind}=")]
    Malformed {
        /// Where.
        line: usize,
        /// The type letter.
        kind: char,
    },
    /// A line that may stand once stands twice.
    #[error("line {line}: a second {kind}=")]
    Repeated {
        /// Where.
        line: usize,
        /// The type letter.
        kind: char,
    },
    /// No o= line.
    #[error("description without o=")]
    NoOrigin,
}

/// Reads a session description (RFC 8866 section 5).
///
/// # Errors
/// [`SdpError`] says what is wrong and where; it converts into the [`crate::Refusal`] to send.
pub fn parse(text: &[u8]) -> Result<Description, SdpError> {
    if text.len() > MAX_BYTES {
        return Err(SdpError::TooLong);
    }
    Err(SdpError::Empty)
}
