//! What was said on the wire in a call: kept, found again and shown.
//!
//! One contract: a driver gives a [`Keeper`] every message ([`Packet`]) and which call each SIP Call-ID belongs to, and
//! writes the octets that it gets back to files. [`records`] reads them again; [`Wanted`] picks a call's messages out of
//! them, [`ladder`] draws those, [`capture`] makes a file for Wireshark of them. Whatever is shown to people goes through
//! [`mask`] first, which keeps every octet's place.
//!
//! | what | where |
//! |---|---|
//! | a message with its time, direction and addresses | `packet.rs` |
//! | what is kept: of calls only, so much of each | `keeper.rs` |
//! | how much is kept | `traces.rs` |
//! | the octets of a file | `record.rs` |
//! | a call's messages found again | `find.rs` |
//! | numbers, names, digits and secrets hidden | `mask.rs`, `mask/address.rs`, `mask/body.rs` |
//! | a message in a few words | `summary.rs` |
//! | arrows between columns | `ladder.rs` |
//! | pcap | `pcap.rs` |
//! | who watches while it is said | `watch.rs` |
//!
//! Invariants: nothing here is kept for ever or grows without bound; a secret (digest response, nonce, key of SRTP) is
//! never shown; reading stops at the first octet that makes no sense and keeps what stood before it.

mod find;
mod keeper;
mod ladder;
mod mask;
mod packet;
mod pcap;
mod record;
mod summary;
mod traces;
mod watch;

pub use find::{Found, Wanted};
pub use keeper::Keeper;
pub use ladder::{ladder, row, transcript};
pub use mask::{View, mask};
pub use packet::{Octets, Packet, calls_from};
pub use pcap::capture;
pub use record::{HEAD, Record, records};
pub use summary::{Summary, summary};
pub use traces::Traces;
pub use watch::{Tell, Told, Watch, Watcher};
