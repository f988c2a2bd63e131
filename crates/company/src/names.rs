//! What a company holds, by name, so that a reference to something else is a fault at the place where it stands.

use std::collections::BTreeSet;

use switch::PromptName;
use yaml::{Faults, Map, Place, did_you_mean};

use crate::languages::Languages;

/// The names of one kind of thing. Those of a faulty thing count: a second fault for each use of it would help nobody.
#[derive(Debug)]
pub(crate) struct Names {
    what: &'static str,
    /// None if the file that holds them could not be read: then no reference is judged.
    known: Option<BTreeSet<String>>,
    used: BTreeSet<String>,
}

impl Names {
    /// `what` is the kind as a fault names it: `user`.
    pub fn new(what: &'static str, known: Option<BTreeSet<String>>) -> Self {
        Self { what, known, used: BTreeSet::new() }
    }

    /// Notes a use of `name`, which is a fault at `place` if there is no such thing; `remedy` tells how to make one.
    pub fn refer(&mut self, name: &str, place: &Place, remedy: impl Into<String>, faults: &Faults) -> bool {
        let known = self.check(name, place, remedy, faults);
        if known {
            self.used.insert(name.to_owned());
        }
        known
    }

    /// As [`Names::refer`], for a word about a thing that leads nobody to it.
    pub fn check(&self, name: &str, place: &Place, remedy: impl Into<String>, faults: &Faults) -> bool {
        let Some(known) = &self.known else { return false };
        if known.contains(name) {
            return true;
        }
        // Of two numbers, one is not a misspelt other.
        let is_number = name.bytes().all(|c| c.is_ascii_digit());
        let remedy = match did_you_mean(name, known.iter().map(String::as_str)) {
            Some(meant) if !is_number => format!("did you mean `{meant}`?"),
            _ => remedy.into(),
        };
        faults.add(place.clone(), format!("there is no {} `{}`", self.what, short(name)), remedy);
        false
    }

    /// Notes a use of `name` that somebody else judges. True if there is such a thing.
    pub fn note_use(&mut self, name: &str) -> bool {
        self.used.insert(name.to_owned());
        self.has(name)
    }

    /// True if there surely is a thing of that name.
    pub fn has(&self, name: &str) -> bool {
        self.known.as_ref().is_some_and(|known| known.contains(name))
    }

    /// True if something referred to `name`.
    pub fn is_used(&self, name: &str) -> bool {
        self.used.contains(name)
    }
}

/// Everything that can be named.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub users: Names,
    pub queues: Names,
    pub flows: Names,
    pub tables: Names,
    /// Web servers that flows may ask, by their origins.
    pub origins: Names,
    /// What headers may hold.
    pub secrets: Names,
    pub languages: Languages,
    /// Those of users included.
    pub mailboxes: Names,
    pub calendars: Names,
    /// Those of them that have a switch.
    pub emergencies: BTreeSet<String>,
    /// Something says in which time zone the company is.
    pub has_zone: bool,
}

impl Catalogue {
    /// A flow says what follows when a switch closes the calendar `name`, which is a fault if it has none. That there is such a
    /// calendar is looked up elsewhere.
    pub fn refer_emergency(&self, name: &str, place: &Place, faults: &Faults) -> bool {
        let never = self.calendars.has(name) && !self.emergencies.contains(name);
        if never {
            let message = format!("the calendar `{}` has no switch, so that this never happens", short(name));
            let remedy = "add `emergency:` with a switch to it in `hours.yaml`, or take this out";
            faults.add(place.clone(), message, remedy);
        }
        !never
    }

    /// A flow reads the clock.
    pub fn refer_zone(&self, place: &Place, faults: &Faults) -> bool {
        if !self.has_zone {
            let message = "this asks for the time of day or the date, and nothing says in which time zone";
            faults.add(place.clone(), message, "add `zone:` to `strowger.yaml`, such as `zone: Europe/Berlin`");
        }
        self.has_zone
    }

    /// The prompt that an optional key names.
    pub fn prompt(&self, map: &Map<'_>, key: &'static str, faults: &Faults) -> Option<PromptName> {
        let value = map.optional(key)?;
        let name = value.path()?;
        self.languages.refer_prompt(name, &value.place(), faults).then(|| name.into())
    }
}

/// A name as it may stand in a message: what the file holds must not flood a terminal.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
