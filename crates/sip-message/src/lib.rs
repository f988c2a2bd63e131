//! SIP messages: octets to typed values, and back.
//!
//! The one contract: [`parse_datagram`] gives a [`Message`] whose mandatory values are there, unique and in range, or a
//! [`Reject`] that says why not and holds the answer RFC 3261 wants. Nobody after it parses a header field to find out
//! whether it is sound. What a UAS may understand and still refuse (an unknown method, URI scheme, extension or body type:
//! 405, 501, 416, 420, 415) is no fault of the message and is read.
//!
//! ```
//! use sip_message::{Message, ResponseBuilder, StatusCode, parse_datagram};
//! # let datagram = bytes::Bytes::from_static(b"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\n\
//! # To: <sip:h>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n");
//! # let source = "192.0.2.7:5060".parse().unwrap();
//! let reply = match parse_datagram(datagram) {
//!     Ok(Message::Request(request)) => Some(ResponseBuilder::to(&request, source, StatusCode::OK).to_tag("x").build()),
//!     Ok(_) => None,
//!     Err(reject) => reject.answer(source),
//! };
//! # assert!(reply.unwrap().starts_with(b"SIP/2.0 200 OK\r\n"));
//! ```
//!
//! # Where things are
//! Reading goes top-down: `message` (start line, body framing, [`Message`]) → `fields` (the tokenizer: lines, folds, compact
//! names, faults noted and passed over) → `head` (mandatory fields typed, duplicates and counts) → a file a value: `via`
//! (also where a response goes), `name_addr`, `cseq`, `uri` (`sip`, `tel`, `equality`), `host`, `params`, `method`, `status`,
//! `header_name`, `reason`, `refer`, `info`, `user_to_user`. `chars` holds the grammar's character classes and cutting. `reject` makes the answer to what could not
//! be read; `build` writes all messages. `text` is the shared piece of text that values are made of.
//!
//! # Invariants
//! - No octets can make this crate panic, and every size and count has a limit (the `MAX_` constants).
//! - Each octet of the head keeps its place: folds become spaces, octets that are not UTF-8 become `?`, and what a response
//!   echoes is echoed as it came.
//! - Escapes are decoded once, by the getter that is asked; methods, names and tags have none.
//! - No value can add a header field to a message of ours: control characters become spaces on the way out.
//! - `Debug` output hides display names and users; errors carry no text of a message.
//! - What is malformed is refused, unless it can have one meaning only and is in use (RFC 4475): lines that end with LF
//!   alone, spaces after the start line, other characters in an unquoted display name, Max-Forwards beyond 255 (as if
//!   missing), one Content-Length said twice.
//!
//! # rsip, and why so little of it
//! [`StatusCode::reason`] takes its phrases from rsip's table, and digest credentials are to go to its types, which read
//! those rightly. The rest is ours because rsip 0.4 cannot read, or loses, what real messages have: folded lines, compact
//! names, unknown methods, `tel`, IPv6 in Via and Contact, quoted names with `,` or `<`, several values on a line,
//! Content-Length, binary bodies.
//!
//! # Streams
//! [`Framer`] cuts a stream of octets (TCP, and later TLS) into messages and keep-alives; it is a machine that is fed what
//! came, in whatever pieces. Only the place where a body ends differs from datagrams: a stream must say Content-Length.

mod asserted;
mod build;
mod chars;
mod cseq;
mod diversion;
mod error;
mod event;
mod fields;
mod figures;
mod framer;
mod head;
mod header_name;
mod host;
mod info;
mod message;
mod method;
mod name_addr;
mod params;
mod privacy;
mod rack;
mod reason;
mod refer;
mod reject;
mod session_expires;
mod status;
mod text;
mod uri;
mod user_to_user;
mod via;

pub use asserted::{Asserted, BadIdentity};
pub use build::{RequestBuilder, ResponseBuilder};
pub use cseq::CSeq;
pub use diversion::{DiversionReason, Diverted};
pub use error::ParseError;
pub use event::{BadFilter, DialogFilter, EventValue};
pub use framer::{Frame, Framer};
pub use head::Head;
pub use header_name::HeaderName;
pub use host::Host;
pub use info::{InfoDigit, NoDigit};
pub use message::{Message, Request, Response, parse_datagram};
pub use method::Method;
pub use name_addr::{Contacts, NameAddr};
pub use params::Params;
pub use privacy::{PrivValue, Privacy};
pub use rack::RAck;
pub use reason::Reason;
pub use refer::{BadReferTo, BadReplaces, ReferTo, Replaces};
pub use reject::Reject;
pub use session_expires::{Refresher, SessionExpires};
pub use status::StatusCode;
pub use text::Str;
pub use uri::{AnyUri, Scheme, TelUri, Uri};
pub use user_to_user::UserToUser;
pub use via::{MAGIC_COOKIE, Transport, Via, response_destination};

/// The longest message that is read, in octets: what a UDP datagram could hold.
pub const MAX_MESSAGE: usize = 65_535;

/// The most header fields that a message may have.
pub const MAX_FIELDS: usize = 256;

/// The most Via values that a message may have; Max-Forwards starts at 70.
pub const MAX_VIAS: usize = 100;

/// The most values that each of Contact, Route and Record-Route may have.
pub const MAX_ADDRESSES: usize = 64;

/// The most parameters that one list may have, so that comparing two lists stays cheap.
pub const MAX_PARAMS: usize = 64;
