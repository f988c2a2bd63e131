//! The switch among simulated phones, on a virtual clock and network.
//!
//! A [`World`] holds the real [`switch::Switch`] machine and [`Phone`]s on a faulty [`Network`]; [`World::run`] lets time
//! pass. What media threads and disks do in production is played by [`Media`]. Nothing here reads a clock or opens a
//! socket: the same seed and the same acts give the same events.
//!
//! Phones are the project's own SIP stack, which is fine here: these tests are about what the switch decides. What it sends is
//! judged by an oracle that knows the standards by itself.
//!
//! | what | where |
//! |---|---|
//! | loss, delay, doubling, reordering, cables, connections | `network.rs` |
//! | who calls, rings, answers, changes | `phone.rs`; his registration `registration.rs` |
//! | whom he watches, and what he is told of that | `watching.rs` |
//! | of what make a phone is | `manners.rs` |
//! | what names lead to | `dns.rs` |
//! | ports, prompts, recordings | `media.rs` |
//! | the company that they play in | `company.rs` |
//! | time, and everybody reacting to everybody; a restart | `world.rs` |
//! | what tests ask of a world, panicking where it is not so | `probe.rs` |
//! | what must be true whatever happens | `laws/` |
//! | what a peer may see on the wire, by the RFCs | `oracle/` |
//! | who does what when, as data: read, made from a seed, played | `scenario/` |
//! | all orders of what crosses in a call | `orders/` |
//! | a failing scenario made small | `shrink.rs` |
//! | a whole contact centre at full load | `centre/` |
//! | what theory says of queues | `erlang.rs` |

mod carrier;
mod centre;
mod company;
mod dns;
pub mod erlang;
mod kept;
mod laws;
mod letters;
mod manners;
mod media;
mod network;
mod oracle;
pub mod orders;
mod phone;
mod probe;
mod registration;
mod scenario;
mod shrink;
mod watching;
mod world;

use std::net::{Ipv4Addr, SocketAddr};

pub use carrier::{Carrier, Register};
pub use centre::{
    Arrivals, Beside, Centre, CentreFile, Deciders, Fault, Load, Outcome, Reader, Recorded, Spread, Stream, Tally,
    Team, Trial, bare_company, is_centre,
};
pub use company::{Company, MENU, company, feature_codes, talk_keys};
pub use dns::Dns;
pub use laws::Breach;
pub use letters::Letters;
pub use manners::{Manners, Reliable};
pub use media::{Media, Pace};
pub use network::{Arrival, Arrived, Network, Node};
pub use orders::{Crossing, Failed, Move, Tried};
pub use phone::{Phone, Seen};
pub use registration::Account;
pub use scenario::{Act, CallExpected, Cast, Deed, Expected, Played, Scenario, Step, Told, Whose};
pub use shrink::shrink;
pub use world::World;

/// The switch's address.
pub const SWITCH: &str = "127.0.0.1:5060";

/// [`SWITCH`], read.
pub(crate) const fn switch_address() -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5060)
}
