//! What was spoken a moment ago: a caller who hears a text again, or the next one, need not wait for it. In memory alone, as
//! it may tell of callers.

use std::collections::VecDeque;

use audio::Prompt;

use crate::settings::Key;

/// The most prompts that are remembered.
const MOST: usize = 64;

/// The most octets that they take together, in one law: about four minutes.
const MOST_OCTETS: usize = 2 * 1024 * 1024;

/// The last prompts, the last used last.
#[derive(Debug, Default)]
pub(crate) struct Recent(VecDeque<(Key, Prompt)>);

impl Recent {
    pub fn get(&mut self, key: &Key) -> Option<Prompt> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        let found = self.0.remove(at)?;
        let prompt = found.1.clone();
        self.0.push_back(found);
        Some(prompt)
    }

    pub fn put(&mut self, key: Key, prompt: Prompt) {
        self.0.push_back((key, prompt));
        let octets =
            |recent: &VecDeque<(Key, Prompt)>| recent.iter().map(|(_, prompt)| prompt.ulaw.len()).sum::<usize>();
        while self.0.len() > MOST || octets(&self.0) > MOST_OCTETS {
            self.0.pop_front();
        }
    }
}
