//! Who spoke with which number last: for queues that bring callers back to whom they know.

use std::collections::{BTreeMap, HashMap};

use acd::AgentName;
use base::{CallId, Pii};
use journal::Name;

use crate::switch::Switch;

/// So many numbers are known; beyond them the one is forgotten whose talk began longest ago.
const MAX_NUMBERS: usize = 50_000;

/// The last agent of each number.
#[derive(Default)]
pub(crate) struct Acquaintances {
    by_number: HashMap<String, (u64, AgentName)>,
    oldest: BTreeMap<u64, String>,
    talks: u64,
}

impl Acquaintances {
    /// A number and an agent begin to talk. Nobody is remembered of those who withhold theirs.
    pub fn meet(&mut self, number: &str, agent: AgentName) {
        if number.is_empty() {
            return;
        }
        self.talks += 1;
        if let Some((talk, _)) = self.by_number.insert(number.to_owned(), (self.talks, agent)) {
            self.oldest.remove(&talk);
        }
        self.oldest.insert(self.talks, number.to_owned());
        if self.by_number.len() > MAX_NUMBERS
            && let Some((_, number)) = self.oldest.pop_first()
        {
            self.by_number.remove(&number);
        }
    }

    /// Who spoke with a number last.
    pub fn of(&self, number: &str) -> Option<&AgentName> {
        self.by_number.get(number).map(|(_, agent)| agent)
    }
}

impl Switch {
    /// Who talked with which agent in an earlier run, the last talk last. To be called at the start.
    pub fn restore_acquaintances(&mut self, talks: Vec<(Pii<String>, Name)>) {
        for (number, agent) in talks.into_iter().filter(|_| self.acd.asks_for_last_agents()) {
            self.acquaintances.meet(number.reveal(), AgentName::from(agent));
        }
    }

    /// A caller talks with an agent. That is remembered only if a queue reads it.
    pub(crate) fn note_acquaintance(&mut self, call: CallId, agent: &AgentName) {
        if !self.acd.asks_for_last_agents() {
            self.acquaintances = Acquaintances::default();
            return;
        }
        if let Some(found) = self.calls.get(&call) {
            self.acquaintances.meet(found.number.reveal(), agent.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_agent_is_known_and_the_oldest_number_is_forgotten() {
        let mut known = Acquaintances::default();
        known.meet("", "ann".into());
        assert_eq!(known.of(""), None);
        known.meet("49301", "ann".into());
        known.meet("49301", "bob".into());
        assert_eq!(known.of("49301"), Some(&"bob".into()));
        for number in 0..MAX_NUMBERS {
            known.meet(&format!("0{number}"), "cid".into());
        }
        assert_eq!(known.of("49301"), None);
        assert_eq!((known.by_number.len(), known.oldest.len()), (MAX_NUMBERS, MAX_NUMBERS));
        assert_eq!(known.of("01"), Some(&"cid".into()));
    }
}
