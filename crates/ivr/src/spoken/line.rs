//! What those are told who wait: their place, and how long they will wait.

use std::sync::Arc;

use yaml::{Map, Shape, Value};

use super::parse::Scope;
use super::reach::Reach;
use super::rules::{self, Phrase, Sets};

const LINE: Shape = Shape { what: "`queue`", keys: &["position", "wait", "below"] };

/// The greatest position and the most minutes that are said.
const POSITIONS: u64 = 200;
const MINUTES: u64 = 120;

/// How a language says it.
#[derive(Debug)]
pub(super) struct LineForm {
    /// Of `n`.
    position: Phrase,
    /// Between `low` and `high` minutes.
    wait: Phrase,
    /// Less than `high` minutes.
    below: Phrase,
}

impl LineForm {
    pub fn read(value: Value<'_>, of: Scope<'_>) -> Option<Self> {
        let map = value.map(&LINE)?;
        let phrase = |map: Map<'_>, key, figures| {
            let scope = Scope { figures, ..of };
            map.required(key).and_then(|value| scope.phrase(value))
        };
        let position = phrase(map, "position", &["n"]);
        let (wait, below) = (phrase(map, "wait", &["low", "high"]), phrase(map, "below", &["high"]));
        Some(Self { position: position?, wait: wait?, below: below? })
    }

    pub fn reach_position(&self, reach: &mut Reach<'_>) {
        reach.phrase(&self.position, &[1..=POSITIONS]);
    }

    pub fn reach_wait(&self, reach: &mut Reach<'_>) {
        reach.phrase(&self.wait, &[1..=MINUTES, 2..=MINUTES]);
        reach.phrase(&self.below, &[1..=MINUTES]);
    }

    /// Says `3`; nothing if that is no place.
    pub fn say_position(&self, sets: &Sets, text: &str) -> Option<Vec<Arc<str>>> {
        let n: u64 = text.parse().ok().filter(|n| (1..=POSITIONS).contains(n))?;
        let mut clips = Vec::new();
        rules::say(sets, &self.position, &[n], &mut clips);
        Some(clips)
    }

    /// Says `2-4`, in minutes; `0-4`: less than four. Nothing if that is no range.
    pub fn say_wait(&self, sets: &Sets, text: &str) -> Option<Vec<Arc<str>>> {
        let (low, high) = text.split_once('-')?;
        let (low, high): (u64, u64) = (low.parse().ok()?, high.parse().ok()?);
        let mut clips = Vec::new();
        match low {
            _ if low >= high || high > MINUTES => return None,
            0 => rules::say(sets, &self.below, &[high], &mut clips),
            _ => rules::say(sets, &self.wait, &[low, high], &mut clips),
        }
        Some(clips)
    }
}
