//! SIP signalling as one machine: the transactions of RFC 3261 17 and RFC 6026, dialogs, and the UAS and UAC cores for
//! INVITE, ACK, PRACK, BYE, CANCEL, OPTIONS, INFO, UPDATE and REGISTER; the notifier of RFC 6665.
//!
//! Contract: put in what came ([`Stack::handle_datagram`], [`Stack::handle_timeout`]) and what the application wants
//! (`invite`, `ring`, `accept`, …), each with the time; then take out everything: [`Stack::poll_transmit`] until
//! `None`, [`Stack::poll_event`] until `None`, and come back at [`Stack::poll_timeout`]. The stack reads no clock, opens
//! no socket, resolves no name, and draws its tags, branches and Call-IDs from the generator that it is given.
//!
//! | what | where |
//! |---|---|
//! | what we send again until it is answered, but for a 2xx; timers A–M | `transaction/`: one file a machine, two tables that run them |
//! | the order of checks, 405 to 420 (RFC 3261 8.2) | `inspect.rs` |
//! | which request belongs where: 481, 482, 500 for an old CSeq, CANCEL | `stack/requests.rs` |
//! | what we can do: Allow, Supported, Accept | `abilities.rs` |
//! | re-INVITE, UPDATE and offers in PRACK, glare | `stack/changes.rs` |
//! | who refreshes a session when, and what ends one that nobody does | `lifetime.rs`, `stack/refreshes.rs` |
//! | provisional responses: ours until their PRACK, the peer's and our PRACK | `stack/ringing.rs`, `stack/progress.rs` |
//! | the application's answers to an INVITE | `stack/answers.rs` |
//! | a 2xx sent again until its ACK; what a timer of a session means | `stack/timeouts.rs` |
//! | our INVITE, BYE, re-INVITE | `stack/calls.rs` |
//! | our requests again, when the peer asks who we are | `stack/challenges.rs`, `identity.rs` |
//! | our REGISTER and OPTIONS | `stack/inquiries.rs` |
//! | our requests beside a session: INFO, REFER | `stack/within.rs` |
//! | REFER of the peer, and what he is told of it | `stack/referrals.rs` |
//! | SUBSCRIBE, and the NOTIFYs that follow | `subscription.rs`, `stack/subscriptions.rs` |
//! | what a response means; forks of proxies | `stack/responses.rs` |
//! | a call to several places | `stack/forks.rs` |
//! | route set, remote target, NAT | `dialog.rs` |
//! | what differs over connections: no repeats, where responses go | `transaction/mod.rs`, `api.rs` ([`Flow`]) |
//! | who is let in, before anything is kept of him | `gate.rs` |
//! | who sent a request, and answers to peers who ask that of us | `digest/` |
//! | where users can be reached | `registrar/` |
//! | STUN on the port of SIP | `stun.rs` |
//! | every message counted, by what it is | `traffic.rs` |
//! | where the host of a URI is: SRV, A, AAAA | `locate/` |
//! | our registration at a peer, and whether it lives | `enrolment.rs`, `health.rs` |
//! | requests too large for a datagram: over TCP, and back | `oversize.rs` |
//! | the text of our messages | `outline.rs`, `stack/write.rs` |
//!
//! Invariants:
//! - Each session ends by exactly one of `Cancelled`, `Refused` and `Ended`, whatever is lost, doubled or reordered.
//! - Each INVITE gets exactly one final response.
//! - Nothing scans all transactions or sessions; each leaves by its own timer. What lingers keeps its key and its last
//!   message only. When the last timer has fired, nothing is left ([`Stack::is_quiet`]).
//! - A request is found by its transaction first, so that a repeat never reaches a core twice.
//! - Everything that the network can grow is bounded: sessions, transactions, forks of an INVITE, subscriptions.

mod abilities;
mod api;
mod config;
mod core;
mod counters;
mod dialog;
pub mod digest;
pub mod enrolment;
mod event;
mod gate;
pub mod health;
mod identity;
mod inspect;
mod lifetime;
pub mod locate;
mod outline;
mod oversize;
pub mod registrar;
mod session;
mod stack;
pub mod stun;
mod subscription;
mod traffic;
mod transaction;

pub use api::{
    ChangeError, ConnectionId, Flow, Fork, Inquiry, InquiryId, Invite, MAX_FORWARDS, Onward, Own, Population, Refusal,
    Search, SessionId, Transmit, Transport,
};
pub use config::{Listener, StackConfig, Times};
pub use counters::Counters;
pub use event::{EndCause, Event};
pub use gate::{Gate, OpenGate, Pending, Verdict};
pub use stack::{Aside, DialogName, DialogNames, ReferralId, Replaced, Stack, expires};
pub use subscription::{Package, SubscriptionEnd, SubscriptionId};
pub use traffic::{Count, Traffic};
