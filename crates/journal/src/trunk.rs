//! What is told of trunks apart from calls: whether their far ends answer, where they are, and our registrations there.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::Name;

/// The far end of a trunk did not answer OPTIONS several times in a row, or with 503 or 408: calls do without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkDown {
    /// The trunk.
    pub trunk: Name,
    /// The last status; 408 for silence, 503 if it cannot be reached.
    pub status: u16,
    /// Which of its addresses, if it is known by a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<SocketAddr>,
}

/// The far end of a trunk answers again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkUp {
    /// The trunk.
    pub trunk: Name,
    /// Which of its addresses, if it is known by a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<SocketAddr>,
}

/// The far end of a trunk asks for a rest: 503 with Retry-After to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkRests {
    /// The trunk.
    pub trunk: Name,
    /// Which of its addresses.
    pub at: SocketAddr,
    /// For how many seconds it is sent no calls.
    pub seconds: u32,
}

/// The name of a trunk leads elsewhere than before, or is known again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkLocated {
    /// The trunk.
    pub trunk: Name,
    /// The name.
    pub name: String,
    /// Where calls go, in no order of choice.
    pub at: Vec<SocketAddr>,
}

/// The DNS does not say where the name of a trunk leads. Told once, until it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkNotLocated {
    /// The trunk.
    pub trunk: Name,
    /// The name.
    pub name: String,
    /// Why.
    pub why: String,
    /// So many addresses of the last good answer are used.
    pub kept: usize,
}

/// We are registered at the far end of a trunk. Renewals are not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkRegistered {
    /// The trunk.
    pub trunk: Name,
    /// For how many seconds, until it is renewed.
    pub seconds: u32,
}

/// We are not registered at the far end of a trunk, or not any more. Of failures in a row the first is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkUnregistered {
    /// The trunk.
    pub trunk: Name,
    /// The status that says why: 408 for silence, 503 if it cannot be reached; none if we left, or its connection closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}
