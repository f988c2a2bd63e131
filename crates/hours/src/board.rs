//! The switches that people turn in an emergency.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Wall;
use serde::{Deserialize, Serialize};

use crate::Calendar;

/// How a switch was turned last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turned {
    /// Its name.
    pub switch: Arc<str>,
    /// On, or off.
    pub on: bool,
    /// When, in microseconds since 1970.
    pub at: Wall,
    /// Who turned it.
    pub by: String,
    /// Why, in his words; may be empty.
    pub reason: String,
}

/// No switch has that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such switch")]
pub struct NoSuchSwitch;

/// The longest reason and name of who turned a switch, in characters.
const MAX_TEXT: usize = 200;

/// All switches that were ever turned. Those that a configuration no longer has keep how they were turned, but nobody is told of
/// them: it may be by mistake that they are gone.
#[derive(Clone, Debug, Default)]
pub struct Board {
    turned: BTreeMap<Arc<str>, Turned>,
}

impl Board {
    /// Takes over how switches were turned before a restart.
    pub fn restore(&mut self, kept: Vec<Turned>) {
        self.turned.extend(kept.into_iter().map(|turned| (turned.switch.clone(), turned)));
    }

    /// All that is to be kept over a restart.
    #[must_use]
    pub fn kept(&self) -> Vec<Turned> {
        self.turned.values().cloned().collect()
    }

    /// Turns a switch, one of `known`. Gives how it stands then; texts are cut to a line.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn turn(&mut self, known: &BTreeMap<Arc<str>, Arc<str>>, mut turned: Turned) -> Result<Turned, NoSuchSwitch> {
        let (name, _) = known.get_key_value(&turned.switch).ok_or(NoSuchSwitch)?;
        turned.switch = name.clone();
        turned.by = line(&turned.by);
        turned.reason = line(&turned.reason);
        self.turned.insert(name.clone(), turned.clone());
        Ok(turned)
    }

    /// How a switch was turned last, if it ever was.
    #[must_use]
    pub fn of(&self, switch: &str) -> Option<&Turned> {
        self.turned.get(switch)
    }

    /// The first of the calendar's switches that is on.
    #[must_use]
    pub fn emergency(&self, calendar: &Calendar) -> Option<&Turned> {
        calendar.switches().iter().filter_map(|name| self.turned.get(name)).find(|turned| turned.on)
    }
}

/// One line that steers no terminal.
fn line(text: &str) -> String {
    text.trim().chars().take(MAX_TEXT).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(switch: &str, on: bool, reason: &str) -> Turned {
        Turned { switch: switch.into(), on, at: Wall::default(), by: "ada".to_owned(), reason: reason.to_owned() }
    }

    #[test]
    fn a_switch_stays_as_it_was_turned_last_and_comes_back_so() {
        let known = BTreeMap::from([("fire".into(), "".into()), ("flood".into(), "".into())]);
        let mut board = Board::default();
        assert_eq!(board.of("fire"), None);
        board.turn(&known, turned("fire", true, "smoke\n\u{1b}[2J")).unwrap();
        board.turn(&known, turned("flood", true, &"w".repeat(1_000))).unwrap();
        board.turn(&known, turned("flood", false, "")).unwrap();
        assert_eq!(board.turn(&known, turned("fires", true, "")).unwrap_err(), NoSuchSwitch);
        let mut after = Board::default();
        after.restore(board.kept());
        let fire = after.of("fire").unwrap();
        assert_eq!((fire.on, fire.reason.as_str()), (true, "smoke  [2J"));
        assert!(!after.of("flood").unwrap().on && after.of("fires").is_none());
        assert!(after.kept().iter().all(|turned| turned.reason.chars().count() <= MAX_TEXT));
    }
}
