//! Calls from and to trunks, counted by the class of the final response that they got.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::switch::Switch;

/// How many calls from or to a trunk got a final response of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkCount {
    /// The trunk.
    pub trunk: Arc<str>,
    /// To the trunk; else from it.
    pub out: bool,
    /// The first digit of the status, 2 to 6.
    pub class: u8,
    /// How many.
    pub count: u64,
}

/// The counts. There is one entry a trunk of a configuration, which bounds them.
#[derive(Debug, Default)]
pub(crate) struct TrunkCounts(BTreeMap<Arc<str>, [[u64; 5]; 2]>);

impl TrunkCounts {
    /// A call got its final response.
    pub fn add(&mut self, trunk: &Arc<str>, out: bool, status: u16) {
        let lanes = match self.0.get_mut(trunk) {
            Some(lanes) => lanes,
            None => self.0.entry(trunk.clone()).or_default(),
        };
        let class = usize::from(status / 100).checked_sub(2);
        let count = lanes.get_mut(usize::from(out)).zip(class).and_then(|(lane, class)| lane.get_mut(class));
        if let Some(count) = count {
            *count += 1;
        }
    }
}

impl Switch {
    /// Calls from and to trunks since the start, in a fixed order.
    #[must_use]
    pub fn trunk_counts(&self) -> Vec<TrunkCount> {
        let mut found = Vec::new();
        for (trunk, lanes) in &self.trunk_counts.0 {
            for (lane, out) in lanes.iter().zip([false, true]) {
                let counts = lane.iter().zip(2..).filter(|(count, _)| **count > 0);
                found.extend(counts.map(|(&count, class)| TrunkCount { trunk: trunk.clone(), out, class, count }));
            }
        }
        found
    }
}
