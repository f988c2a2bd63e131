//! Session descriptions (RFC 8866) and offer/answer (RFC 3264) as pure functions.
//!
//! The one contract: [`parse`] what the peer sent, then either [`answer`] it, or [`conclude`] from it what our own
//! [`offer`] came to. Both end in one [`Agreed`], which holds all that media needs, or in a [`Refusal`], which holds
//! the status code and the Warning to send.
//!
//! Where to find what: `parse` reads text, `description` holds and prints it, `format` maps payload types to codecs,
//! `address` says where media may go, `crypto` by which keys it is protected, `negotiate` is offer/answer, `refusal` what is
//! said when it fails.
//!
//! Invariants: an answer has as many m= lines as its offer, in the same order (RFC 3264 section 6). We send with the
//! payload types that the peer's description gave and receive with those of ours (section 5.1). No key reaches a `Debug`
//! text. Nothing here panics
//! or grows beyond the limits in `parse`, whatever the text.

mod address;
mod crypto;
mod description;
mod format;
mod negotiate;
mod parse;
mod refusal;

pub use crypto::{Keys, Security, Srtp};
pub use description::{Attribute, Connection, Description, Direction, Media, Origin};
pub use format::Codec;
pub use negotiate::{Agreed, Local, Preferences, answer, conclude, offer};
pub use parse::{MAX_BYTES, MAX_FORMATS, MAX_LINES, MAX_MEDIA, SdpError, parse};
pub use refusal::{Refusal, Warning};
