//! The order in which a strategy wants to see the candidates.

use serde::{Deserialize, Serialize};

/// The order in which the candidates of a snapshot stand, so that the best ones are among them however many agents are
/// free. Agents of a lower level always stand before those of a higher one; who is equal by the order stands by how long
/// he has been idle, then by the queue's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Longest idle first.
    #[default]
    LongestIdle,
    /// As the queue's list has them.
    List,
    /// Whose last offer from the queue lies furthest back first; before them who had none.
    Turn,
    /// Fewest calls answered today first.
    FewestCalls,
    /// Least time spoken today first.
    LeastTalkTime,
    /// The highest level of the first skill that the call needs first.
    MostSkilled,
    /// The lowest level of the first skill that the call needs first.
    LeastSkilled,
}
