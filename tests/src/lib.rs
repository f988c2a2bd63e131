//! The project's own tests: the architecture's rules, and the harness that sets the real binary among strangers.
//!
//! A test here sees the switch as a phone does: a process with a configuration folder, datagrams on loopback, files in a
//! data folder. Nothing here knows a type of the product.
//!
//! - [`architecture`]: the layer table and the rules of the source, as functions over text; `architecture.rs` runs them.
//! - [`company`] writes a configuration folder, [`switch`] runs the binary on it, [`records`] reads what it wrote.
//! - [`certificates`] makes those that TLS needs, [`tunnel`] is OpenSSL at the other end.
//! - [`sipp`], [`baresip`], [`jssip`], [`kamailio`], [`dnsmasq`], [`libsrtp`], [`linphone`] and [`scanner`] are the strangers; [`phone`] is a scripted phone of our own
//!   for what they cannot do, [`line`] a way for requests that no phone would send, [`flood`] a crowd of strangers in the bad sense.
//! - [`shaper`] is the bad network between them and the switch, [`tap`] listens on the wire.
//! - [`sound`] makes and measures audio; [`ports`] keeps tests off each other's ports; [`wait`] waits for conditions.
//!
//! The tests themselves are in `e2e/`. Run them by `scripts/test`, which installs what they need.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests drive real processes and sockets in real time"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test helper that panics fails the test with its place, which is what a test wants"
)]

pub mod architecture;
pub mod baresip;
pub mod certificates;
pub mod company;
pub mod dnsmasq;
pub mod flood;
pub mod jssip;
pub mod kamailio;
pub mod libsrtp;
pub mod line;
pub mod linphone;
pub mod netns;
pub mod phone;
pub mod ports;
pub mod process;
pub mod records;
pub mod scanner;
pub mod shaper;
pub mod sipp;
pub mod sound;
pub mod stun;
pub mod switch;
pub mod talk;
pub mod tap;
pub mod tunnel;
pub mod wait;
