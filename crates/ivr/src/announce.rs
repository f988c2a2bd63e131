//! What callers who wait are told: how often, and in what words.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Session, Sound, Spoken};

/// What a caller who waits is told, each how often; the first time at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announce {
    /// His place; `None`: never.
    pub position: Option<Duration>,
    /// How long he will wait, as far as that is certain enough; `None`: never.
    pub wait: Option<Duration>,
}

impl Announce {
    /// True if he is told nothing.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.position.is_none() && self.wait.is_none()
    }
}

impl Session {
    /// How a caller is told his place in his language; nothing if that is beyond what is said.
    #[must_use]
    pub fn say_position(&self, position: u32) -> Vec<Sound> {
        self.say_of_line(&Spoken::Position, &position.to_string())
    }

    /// How he is told that he will wait for `low` to `high` minutes, or for less than `high` if `low` is 0.
    #[must_use]
    pub fn say_wait(&self, low: u32, high: u32) -> Vec<Sound> {
        self.say_of_line(&Spoken::Wait, &format!("{low}-{high}"))
    }

    fn say_of_line(&self, spoken: &Spoken, text: &str) -> Vec<Sound> {
        let table = self.flows.languages().table(self.language());
        table.map_or_else(Vec::new, |table| table.say(spoken, text).into_iter().map(Sound::Prompt).collect())
    }
}
