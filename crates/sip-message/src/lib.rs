//! SIP messages on the wire.

mod build;
mod chars;
mod cseq;
mod error;
mod fields;
mod head;
mod header_name;
mod host;
mod message;
mod method;
mod name_addr;
mod params;
mod reject;
mod status;
mod text;
mod uri;
mod via;

pub use build::{RequestBuilder, ResponseBuilder};
pub use cseq::CSeq;
pub use error::ParseError;
pub use head::Head;
pub use header_name::HeaderName;
pub use host::Host;
pub use message::{Message, Request, Response, parse_datagram};
pub use method::Method;
pub use name_addr::{Contacts, NameAddr};
pub use params::Params;
pub use reject::Reject;
pub use status::StatusCode;
pub use text::Str;
pub use uri::{AnyUri, Scheme, TelUri, Uri};
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
