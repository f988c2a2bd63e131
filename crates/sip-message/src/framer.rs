//! Cuts a stream of octets into messages (RFC 3261 section 18.3) and keep-alives (RFC 5626 section 4.4.1).

use bytes::{Buf, Bytes, BytesMut};

use crate::fields::{Tokens, tokenize};
use crate::message::read;
use crate::{HeaderName, MAX_MESSAGE, Message, ParseError, Reject, chars};

/// A machine that finds where each message of a stream ends. Put octets in with [`Framer::push`], in whatever pieces they
/// came, and take frames out with [`Framer::poll`] until there are none: any cutting of one stream gives the same frames.
///
/// It holds one message at most (plus what one `push` added), and once it cannot tell where the next message begins it
/// says so ([`Frame::Lost`]) and reads nothing more.
#[derive(Default)]
pub struct Framer {
    buffer: BytesMut,
    /// Octets of the buffer in which no end of a head begins.
    scanned: usize,
    /// Ends of lines since the last message or keep-alive.
    line_ends: u8,
    /// The head of a message whose body is still to come.
    head: Option<Pending>,
    lost: bool,
}

/// A message whose head is whole.
struct Pending {
    tokens: Box<Tokens>,
    /// The octets of the body.
    length: usize,
}

/// What a stream held.
#[derive(Debug)]
pub enum Frame {
    /// A message, or one that was malformed while its end is known; the stream goes on.
    Message(Result<Message, Reject>),
    /// Two empty lines between messages: to be answered with one (RFC 5626 section 4.4.1).
    Ping,
    /// Where the next message begins can no longer be told. Answer this one if it can be answered, and close.
    Lost(Box<Reject>),
}

impl Framer {
    /// A stream at its beginning.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next octets of the stream. Poll until there is nothing before the next, so that no more than one message
    /// waits here.
    pub fn push(&mut self, octets: &[u8]) {
        if !self.lost {
            self.buffer.extend_from_slice(octets);
        }
    }

    /// The next frame; `None`: more octets are needed, or the framing is lost.
    pub fn poll(&mut self) -> Option<Frame> {
        if self.lost {
            return None;
        }
        if self.head.is_none() {
            if self.scanned == 0 && self.skip_line_ends() {
                return Some(Frame::Ping);
            }
            match self.read_head() {
                Some(Ok(pending)) => self.head = Some(pending),
                Some(Err(reject)) => return Some(self.lose(reject)),
                None => return None,
            }
        }
        let Pending { tokens, length } = self.head.take_if(|pending| pending.length <= self.buffer.len())?;
        // A copy, so that a body that is kept does not keep the buffer of the stream.
        let body = Bytes::copy_from_slice(self.buffer.get(..length).unwrap_or_default());
        self.buffer.advance(body.len());
        let parsed = read(*tokens, &body);
        match parsed {
            // A start line like this is what follows a body that was longer than its Content-Length.
            Err(reject) if matches!(reject.cause, ParseError::StartLine | ParseError::NotSip) => {
                Some(self.lose(reject))
            }
            parsed => Some(Frame::Message(parsed)),
        }
    }

    /// True while a message has begun and its end has not come.
    #[must_use]
    pub fn is_within_message(&self) -> bool {
        !self.lost && (self.head.is_some() || !self.buffer.is_empty())
    }

    /// Takes what may stand between messages off the buffer. True: two ends of lines were among it.
    fn skip_line_ends(&mut self) -> bool {
        loop {
            match (self.buffer.first(), self.buffer.get(1)) {
                (Some(b'\r'), Some(b'\n')) => {
                    self.buffer.advance(2);
                    self.line_ends += 1;
                }
                // What datagrams may begin with, streams may hold too; it counts for nothing.
                (Some(b'\n' | b' ' | b'\t' | 0), _) | (Some(b'\r'), Some(_)) => {
                    self.buffer.advance(1);
                    self.line_ends = 0;
                }
                (Some(b'\r') | None, None) => return false,
                _ => {
                    self.line_ends = 0;
                    return false;
                }
            }
            if self.line_ends == 2 {
                self.line_ends = 0;
                return true;
            }
        }
    }

    /// Takes the head off the buffer, once it is whole. The error is the end of the framing.
    fn read_head(&mut self) -> Option<Result<Pending, Reject>> {
        if matches!(self.buffer.first(), None | Some(b'\r')) {
            return None;
        }
        let end = self.find_head_end();
        let size = end.unwrap_or(self.buffer.len());
        if size > MAX_MESSAGE {
            return Some(Err(self.reject(MAX_MESSAGE, ParseError::TooLarge)));
        }
        let end = end?;
        let tokens = tokenize(self.buffer.get(..end)?);
        let Some(tokens) = tokens else { return Some(Err(Reject::silent(ParseError::NotSip))) };
        if tokens.fault == Some(ParseError::TooManyFields) {
            return Some(Err(self.reject(end, ParseError::TooManyFields)));
        }
        let length = match body_length(&tokens) {
            Ok(length) if length <= MAX_MESSAGE - end => length,
            Ok(_) => return Some(Err(self.reject(end, ParseError::TooLarge))),
            Err(cause) => return Some(Err(self.reject(end, cause))),
        };
        self.buffer.advance(end);
        self.scanned = 0;
        Some(Ok(Pending { tokens: Box::new(tokens), length }))
    }

    /// Where the empty line behind the header fields ends. What was looked at before is not looked at again.
    fn find_head_end(&mut self) -> Option<usize> {
        let from = self.scanned;
        let rest = self.buffer.get(from..).unwrap_or_default();
        for at in memchr::memchr_iter(b'\n', rest) {
            match (rest.get(at + 1), rest.get(at + 2)) {
                (Some(b'\n'), _) => return Some(from + at + 2),
                (Some(b'\r'), Some(b'\n')) => return Some(from + at + 3),
                (None, _) | (Some(b'\r'), None) => {
                    self.scanned = from + at;
                    return None;
                }
                _ => {}
            }
        }
        self.scanned = self.buffer.len();
        None
    }

    /// The refusal of the message whose head is in the first `size` octets.
    fn reject(&self, size: usize, cause: ParseError) -> Reject {
        let head = self.buffer.get(..size).unwrap_or(&self.buffer);
        let Some(tokens) = tokenize(head) else { return Reject::silent(cause) };
        let start_line = tokens.fields.text(tokens.start_line).to_owned();
        Reject::new(cause, &start_line, tokens.fields)
    }

    fn lose(&mut self, reject: Reject) -> Frame {
        self.lost = true;
        self.buffer = BytesMut::new();
        self.head = None;
        Frame::Lost(Box::new(reject))
    }
}

/// The Content-Length, which a stream must say (RFC 3261 section 20.14), and in one way only.
fn body_length(tokens: &Tokens) -> Result<usize, ParseError> {
    const NAME: HeaderName = HeaderName::ContentLength;
    let mut found = None;
    for value in tokens.fields.values(NAME) {
        let length = chars::number(value).ok_or(ParseError::Malformed(NAME))?;
        match found.replace(length) {
            Some(before) if before != length => return Err(ParseError::Repeated(NAME)),
            _ => {}
        }
    }
    found.ok_or(ParseError::Missing(NAME))
}
