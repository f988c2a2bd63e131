//! Skill widening by time (bullseye): the longer a call waits, the less it needs.

use serde::{Deserialize, Serialize};

use crate::Levels;

/// A ring of the target: from when on it counts, and what it lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Widening {
    /// Since the call joined, in milliseconds.
    pub after_ms: u64,
    /// By how much each needed level is lower than at first; it does not go below 0, where the skill itself is still
    /// needed. None: no skills are needed any more.
    pub lower: Option<u8>,
}

/// What a call needs that needed `needs` at first and has waited for `waited_ms`: by the last of the rings whose time has
/// come, of `rings` in the order of their times. With it, when it needs less (after how many milliseconds since it joined).
#[must_use]
pub fn needs_after(needs: &Levels, rings: &[Widening], waited_ms: u64) -> (Levels, Option<u64>) {
    if needs.is_empty() {
        return (needs.clone(), None);
    }
    let next = rings.iter().map(|ring| ring.after_ms).find(|after| *after > waited_ms);
    let ring = rings.iter().take_while(|ring| ring.after_ms <= waited_ms).last();
    let now = match ring {
        None => needs.clone(),
        Some(Widening { lower: None, .. }) => Levels::default(),
        Some(Widening { lower: Some(lower), .. }) => {
            Levels::new(needs.iter().map(|(skill, level)| (skill.clone(), level.saturating_sub(*lower))))
        }
    };
    let next = next.filter(|_| !now.is_empty());
    (now, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_a_call_waits_the_less_it_needs() {
        let needs = Levels::new([("spanish".into(), 60), ("billing".into(), 10)]);
        let rings = [
            Widening { after_ms: 20_000, lower: Some(20) },
            Widening { after_ms: 40_000, lower: Some(60) },
            Widening { after_ms: 60_000, lower: None },
        ];
        let at = |waited| {
            let (needs, next) = needs_after(&needs, &rings, waited);
            (needs.to_string(), next)
        };
        assert_eq!(at(0), ("spanish 60, billing 10".to_owned(), Some(20_000)));
        assert_eq!(at(19_999), ("spanish 60, billing 10".to_owned(), Some(20_000)));
        assert_eq!(at(20_000), ("spanish 40, billing 0".to_owned(), Some(40_000)));
        assert_eq!(at(59_999), ("spanish 0, billing 0".to_owned(), Some(60_000)));
        assert_eq!(at(60_000), (String::new(), None));
        assert_eq!(needs_after(&Levels::default(), &rings, 0), (Levels::default(), None));
    }
}
