//! Reading a session description, as strictly as RFC 8866 asks and as tolerantly as it allows.
//!
//! Tolerated: LF for CRLF and no line end at the end (section 5), empty lines, text that is not UTF-8, lines in another
//! order than section 5's within their section, s= or t= missing (RFC 4475 and its like leave them out), unknown
//! attributes. Refused as a whole: an unknown type letter (section 5 asks for it), NUL, and whatever else does not
//! read.

use compact_str::{CompactString, format_compact};

use crate::{Attribute, Connection, Description, Media, Origin};

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
    /// The first line is not v=.
    #[error("description does not begin with v=")]
    NoVersion,
    /// A version other than 0.
    #[error("protocol version is not 0")]
    UnknownVersion,
    /// A type letter that RFC 8866 section 5 does not list.
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
    /// A line of a known type whose value does not read as RFC 8866 says, or which stands where it may not.
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
    // Only s= and attributes that we don't read may be in another charset (section 6.10), so nothing of use is lost.
    let text = String::from_utf8_lossy(text);
    let mut reader = Reader::default();
    let mut rest = Some(&*text);
    let mut number = 0;
    while let Some(text) = rest {
        if number == MAX_LINES {
            return Err(SdpError::TooManyLines);
        }
        number += 1;
        let line = match memchr::memchr(b'\n', text.as_bytes()) {
            Some(end) => {
                rest = text.get(end + 1..);
                text.get(..end).unwrap_or_default()
            }
            None => {
                rest = None;
                text
            }
        };
        reader.line(number, line.strip_suffix('\r').unwrap_or(line))?;
    }
    reader.finish()
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    version: bool,
    origin: Option<Origin>,
    name: Option<CompactString>,
    connection: Option<Connection>,
    times: Vec<CompactString>,
    attributes: Vec<Attribute>,
    media: Vec<Media>,
}

impl Reader {
    fn line(&mut self, line: usize, text: &str) -> Result<(), SdpError> {
        if text.is_empty() {
            return Ok(());
        }
        let (kind, value) = split_line(text).ok_or(SdpError::NotALine { line })?;
        if !self.version {
            return self.read_version(kind, value);
        }
        let malformed = SdpError::Malformed { line, kind };
        let repeated = SdpError::Repeated { line, kind };
        match (kind, self.media.last_mut()) {
            ('m', _) => self.read_media(line, value)?,
            ('c', Some(media)) => media.connections.push(connection(value).ok_or(malformed)?),
            ('a', Some(media)) => media.attributes.push(attribute(value).ok_or(malformed)?),
            ('i' | 'b' | 'k', _) => {}
            ('v', _) => return Err(repeated),
            ('o', None) => put(&mut self.origin, origin(value).ok_or(malformed)?, repeated)?,
            ('s', None) => put(&mut self.name, value.into(), repeated)?,
            ('c', None) => put(&mut self.connection, connection(value).ok_or(malformed)?, repeated)?,
            ('a', None) => self.attributes.push(attribute(value).ok_or(malformed)?),
            ('t', None) => self.times.push(times(value).ok_or(malformed)?),
            ('u' | 'e' | 'p' | 'r' | 'z', None) => {}
            // Session lines after an m= line: what session they would describe is a guess.
            ('o' | 's' | 't' | 'u' | 'e' | 'p' | 'r' | 'z', Some(_)) => return Err(malformed),
            _ => return Err(SdpError::UnknownType { line }),
        }
        Ok(())
    }

    fn read_version(&mut self, kind: char, value: &str) -> Result<(), SdpError> {
        match (kind, value.trim_end()) {
            ('v', "0") => {
                self.version = true;
                Ok(())
            }
            ('v', _) => Err(SdpError::UnknownVersion),
            _ => Err(SdpError::NoVersion),
        }
    }

    fn read_media(&mut self, line: usize, value: &str) -> Result<(), SdpError> {
        if self.media.len() >= MAX_MEDIA {
            return Err(SdpError::TooManyMedia);
        }
        let media = media(value).ok_or(SdpError::Malformed { line, kind: 'm' })?;
        if media.formats.len() > MAX_FORMATS {
            return Err(SdpError::TooManyFormats { line });
        }
        self.media.push(media);
        Ok(())
    }

    fn finish(self) -> Result<Description, SdpError> {
        if !self.version {
            return Err(SdpError::NoVersion);
        }
        let Self { origin, name, connection, times, attributes, media, .. } = self;
        let origin = origin.ok_or(SdpError::NoOrigin)?;
        let name = name.unwrap_or_else(|| CompactString::const_new("-"));
        Ok(Description { origin, name, connection, times, attributes, media })
    }
}

fn put<T>(place: &mut Option<T>, value: T, repeated: SdpError) -> Result<(), SdpError> {
    if place.is_some() {
        return Err(repeated);
    }
    *place = Some(value);
    Ok(())
}

/// A lower-case letter, `=` without space around it (section 5), and a value without NUL or CR.
fn split_line(text: &str) -> Option<(char, &str)> {
    let [kind @ b'a'..=b'z', b'=', ..] = *text.as_bytes() else { return None };
    let value = text.get(2..)?;
    let is_clean = memchr::memchr2(0, b'\r', value.as_bytes()).is_none();
    is_clean.then_some((char::from(kind), value))
}

/// `username sess-id sess-version nettype addrtype address`. The address is for people: whatever stands there is read.
fn origin(value: &str) -> Option<Origin> {
    let mut fields = value.split_ascii_whitespace();
    let username = CompactString::from(fields.next()?);
    let number = |field: &str| field.bytes().all(|digit| digit.is_ascii_digit()).then(|| CompactString::from(field));
    let (session_id, version) = (number(fields.next()?)?, number(fields.next()?)?);
    let address = three(fields)?;
    Some(Origin { username, session_id, version, address })
}

fn connection(value: &str) -> Option<Connection> {
    three(value.split_ascii_whitespace())
}

fn three<'a>(mut fields: impl Iterator<Item = &'a str>) -> Option<Connection> {
    let [net_type, address_type, address] = [fields.next()?, fields.next()?, fields.next()?].map(CompactString::from);
    fields.next().is_none().then_some(Connection { net_type, address_type, address })
}

/// `start stop`; kept as text, for the answer repeats it (RFC 3264 section 6) and nothing else reads it.
fn times(value: &str) -> Option<CompactString> {
    let mut fields = value.split_ascii_whitespace();
    let (start, stop) = (fields.next()?, fields.next()?);
    let digits = |field: &str| field.bytes().all(|digit| digit.is_ascii_digit());
    (fields.next().is_none() && digits(start) && digits(stop)).then(|| format_compact!("{start} {stop}"))
}

fn attribute(value: &str) -> Option<Attribute> {
    let (name, value) = match split(value, b':') {
        Some((name, value)) => (name, Some(value.into())),
        None => (value, None),
    };
    (!name.is_empty()).then(|| Attribute { name: name.into(), value })
}

/// `media port[/count] proto fmt…` (section 5.14).
fn media(value: &str) -> Option<Media> {
    let mut fields = value.split_ascii_whitespace();
    let kind = CompactString::from(fields.next()?);
    let port = fields.next()?;
    let (port, count) = port.split_once('/').unwrap_or((port, "1"));
    let (port, port_count) = (number(port)?, number(count).filter(|&count| count > 0)?);
    let protocol = CompactString::from(fields.next()?);
    let formats: Vec<CompactString> = fields.take(MAX_FORMATS + 1).map(CompactString::from).collect();
    let (connections, attributes) = (Vec::new(), Vec::new());
    (!formats.is_empty()).then_some(Media { kind, port, port_count, protocol, formats, connections, attributes })
}

/// What stands before the first `separator`, an ASCII character, and what after it. Texts here are short, where
/// `str::split_once` takes several times as long.
pub(crate) fn split(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|octet| octet == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// A number of digits alone: `str::parse` would take a sign too.
pub(crate) fn number(text: &str) -> Option<u16> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok())?
}
