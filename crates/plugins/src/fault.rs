//! What can be wrong with a plugin or with its answer.

use std::time::Duration;

use crate::Native;

/// Why a plugin is not taken, or did not decide.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file is no component that could run here.
    #[error("no component that can run here: {0}")]
    Component(String),
    /// It needs or offers other things than the contract has.
    #[error("{0}")]
    World(String),
    /// It is built for another version of the contract.
    #[error("built for {found}, and this switch speaks {known}")]
    Version {
        /// What it exports.
        found: String,
        /// What it would have to export.
        known: &'static str,
    },
    /// What it says of itself is not usable.
    #[error("its description: {0}")]
    Description(String),
    /// It did not come to an end in its time.
    #[error("took longer than {} ms", .0.as_millis())]
    Deadline(Duration),
    /// It wanted more memory than it may have.
    #[error("wanted more than {} KiB of memory", .0 / 1024)]
    Memory(usize),
    /// It called itself too deeply.
    #[error("ran out of stack")]
    Stack,
    /// It did what WebAssembly forbids, or gave up by `unreachable` (a panic does that).
    #[error("trapped: {0}")]
    Trap(String),
    /// A strategy in Rust panicked.
    #[error("panicked: {0}")]
    Panic(String),
    /// A strategy in Rust is at an earlier question still, or too many are.
    #[error(
        "has not come back from an earlier question; a reload begins with it anew, unless {} threads were left behind so",
        Native::MOST_LEFT_BEHIND
    )]
    Hangs,
    /// The host of its `url` has no address.
    #[error("no address of {0}; look at `url`")]
    Dns(String),
    /// It does not take connections.
    #[error("cannot connect to {0}; is it running?")]
    Connect(String),
    /// TLS did not come about: one of the two does not believe the other.
    #[error("TLS: {0}")]
    Tls(String),
    /// The connection ended before the answer did.
    #[error("the connection ended before its answer did: {0}")]
    Closed(String),
    /// It answered with another status than 200.
    #[error("answered {0}, not 200{remedy}", remedy = remedy(*.0))]
    Status(u16),
    /// Its answer has more octets than an answer may have.
    #[error("its answer is larger than {0} octets")]
    TooLarge(usize),
    /// Its answer is none: a text that is not UTF-8, an id that is none, a pointer beyond its memory.
    #[error("its answer cannot be read: {0}")]
    Answer(String),
    /// It said itself that it does not decide.
    #[error("does not decide: {0}")]
    Declined(String),
    /// As many questions wait for it already as may, or as many plugins run as can.
    #[error("too busy")]
    Busy,
    /// Nothing is bound to the queue, or its thread has ended.
    #[error("no plugin answers for this queue")]
    Unbound,
}

impl Fault {
    /// One word for the journal and for figures. It does not change.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Component(_) => "component",
            Self::World(_) => "world",
            Self::Version { .. } => "version",
            Self::Description(_) => "description",
            Self::Deadline(_) => "deadline",
            Self::Memory(_) => "memory",
            Self::Stack => "stack",
            Self::Trap(_) => "trap",
            Self::Panic(_) => "panic",
            Self::Hangs => "hangs",
            Self::Dns(_) => "dns",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::Closed(_) => "closed",
            Self::Status(_) => "status",
            Self::TooLarge(_) => "too_large",
            Self::Answer(_) => "answer",
            Self::Declined(_) => "declined",
            Self::Busy => "busy",
            Self::Unbound => "unbound",
        }
    }
}

/// What may help against a status.
const fn remedy(status: u16) -> &'static str {
    match status {
        300..=399 => ": no redirect is followed; write where it leads as `url`",
        401 | 403 => ": it does not know us; look at `sign` and `certificate`",
        404 | 405 => ": look at the path of `url`",
        _ => "",
    }
}
