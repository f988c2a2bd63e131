//! Skills and their levels: what an agent has, what a call needs.

use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::SkillName;

/// The most skills that a call may need.
pub const MAX_NEEDS: usize = 8;

/// Skills, each with a level from 0 to 100, in the order in which they were written. Cheap to copy.
///
/// Of an agent: how well he knows each. Of a call: the least that its agent must know; of two needs, the one that stands
/// first matters more.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Levels(Arc<[(SkillName, u8)]>);

impl Levels {
    /// These skills; of two entries for one skill the first counts.
    #[must_use]
    pub fn new(skills: impl IntoIterator<Item = (SkillName, u8)>) -> Self {
        let mut kept: Vec<(SkillName, u8)> = Vec::new();
        for (skill, level) in skills {
            if !kept.iter().any(|(other, _)| *other == skill) {
                kept.push((skill, level.min(100)));
            }
        }
        Self(kept.into())
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The level of a skill; none if it is not there.
    #[must_use]
    pub fn of(&self, skill: &SkillName) -> Option<u8> {
        self.iter().find_map(|(other, level)| (other == skill).then_some(level))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&SkillName, u8)> {
        self.0.iter().map(|(skill, level)| (skill, *level))
    }

    /// True if an agent with these skills has all that `needs` asks for. A skill that he lacks is not level 0 of it.
    #[must_use]
    pub fn meet(&self, needs: &Self) -> bool {
        needs.iter().all(|(skill, least)| self.of(skill).is_some_and(|level| level >= least))
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self(Arc::from([]))
    }
}

/// As `spanish 60, billing 40`.
impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (skill, level)) in self.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}{skill} {level}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// As a map of names to levels.
impl Serialize for Levels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Levels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of skills to levels from 0 to 100")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Levels, A::Error> {
                let mut skills = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    skills.push(entry);
                }
                Ok(Levels::new(skills))
            }
        }
        deserializer.deserialize_map(Map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(skills: &[(&str, u8)]) -> Levels {
        Levels::new(skills.iter().map(|(skill, level)| ((*skill).into(), *level)))
    }

    #[test]
    fn whoever_has_every_skill_at_its_level_meets_the_needs() {
        let his = levels(&[("spanish", 60), ("billing", 0)]);
        assert!(his.meet(&levels(&[])) && his.meet(&levels(&[("spanish", 60), ("billing", 0)])));
        assert!(!his.meet(&levels(&[("spanish", 61)])));
        assert!(!his.meet(&levels(&[("french", 0)])), "a skill that is lacking is not one of level 0");
    }

    #[test]
    fn a_map_keeps_its_order_and_the_first_of_two() {
        let levels = levels(&[("b", 7), ("a", 200), ("b", 9)]);
        let json = serde_json::to_string(&levels).unwrap();
        assert_eq!(json, r#"{"b":7,"a":100}"#);
        assert_eq!(serde_json::from_str::<Levels>(&json).unwrap(), levels);
        assert_eq!(levels.to_string(), "b 7, a 100");
    }
}
