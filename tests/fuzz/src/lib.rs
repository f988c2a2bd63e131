//! What must hold for any input: a function for each kind, fed by the stable tests in `tests/`, which mutate the seeds, and
//! by `cargo fuzz`, which looks for inputs that take new ways through the code. README.md says how to run it.
//!
//! Each function takes any octets and panics if one of its crate's promises is broken. True: there was something sound among
//! them, so that more was looked at than how it is refused.
//!
//! | function | promise |
//! |---|---|
//! | [`message`] | what is read prints and reads the same; answers are whole messages with nothing added; values print and read back |
//! | [`framing`] | any split of a stream gives the same frames, and messages come out of it as they went in |
//! | [`sdp`] | what is read prints and reads the same; an answer mirrors its offer and both sides conclude alike |
//! | [`rtp`] | headers, payloads and events read back as written, whatever stands between them; counts stay in range |
//! | [`rtcp`] | lengths add up; reports read back as written |
//! | [`digest`] | a user proves himself once with one nonce, and nobody else does; challenges and credentials read back |
//! | [`configuration`] | reading ends in a company or in faults, each at a place of its file |
//! | [`flow`] | a flow without faults leads any caller to an end, and outputs never run on |
//! | [`stack`] | whatever comes in whatever order, each session ends once and nothing is left behind |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a promise that is broken shows by a panic"
)]

mod configuration;
mod digest;
mod flow;
mod framing;
mod message;
mod octets;
mod rtcp;
mod rtp;
mod sdp;
mod stack;

pub use configuration::configuration;
pub use digest::digest;
pub use flow::flow;
pub use framing::framing;
pub use message::message;
pub use rtcp::rtcp;
pub use rtp::rtp;
pub use sdp::sdp;
pub use stack::stack;
