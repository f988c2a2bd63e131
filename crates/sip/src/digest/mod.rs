//! Digest authentication (RFC 7616, and RFC 8760 for SIP): the server's side is [`Authenticator`], the client's is
//! [`Credentials`]. Only `qop=auth` is offered and taken; SHA-256 is offered before MD5, which policy may leave out.
//!
//! | what | where |
//! |---|---|
//! | the text of the header fields | `fields.rs` |
//! | hashes over user, realm, password and request | `hash.rs` |
//! | our nonces, and which nonce counts came | `nonce.rs` |
//! | who sent a request | `server.rs` |
//! | the answer to a peer's challenge | `client.rs` |
//!
//! Nothing is kept of a source that has not proven who it is: a nonce is a keyed hash over its time and source, checked
//! when it comes back. Unknown and known users take one path, with one hash each.

mod client;
mod fields;
mod hash;
mod nonce;
mod server;

pub use client::{Challenge, Credentials, Login};
pub(crate) use hash::hex;
pub use hash::{Algorithm, Secret};
pub use server::{Authenticator, AuthenticatorConfig, Outcomes, Proof};
