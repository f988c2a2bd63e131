//! `menu`: keys that lead on, and extensions that may be dialled beside them.

use std::sync::Arc;

use yaml::{Map, Place, Value};

use super::ask::{digit_count, duration};
use super::{BESIDE, Reader, table};
use crate::ReferenceKind;
use crate::flow::{DirectDial, Extension, Menu, MenuKey, Outcome, Prompt, Target, Way};
use crate::key_range::{KeyRange, MAX_KEY, NoKey};

/// The most keys and ranges of a menu.
pub(super) const MAX_KEYS: usize = 200;

impl<'a> Reader<'a> {
    pub(super) fn menu(&mut self, value: Value<'a>) -> Option<Menu> {
        let map = value.map_with(&table::MENU.shape, BESIDE)?;
        let question = self.question(map);
        let keys = map.required("keys").and_then(|keys| self.keys(keys));
        let direct_dial = match map.optional("direct_dial") {
            Some(value) => self.direct_dial(value).map(Some),
            None => Some(None),
        };
        let digit_timeout = duration(map, "digit_timeout", 3, 1..=60);
        let (keys, direct_dial) = (keys?, direct_dial?);
        let written = map.optional("digit_timeout");
        if let Some(value) = written
            && direct_dial.is_none()
            && keys.iter().all(|key| key.range.len() == 1)
        {
            let message = "`digit_timeout` is never used: each key is one digit";
            value.fault_at_key(message, "remove it");
            return None;
        }
        if written.is_none() {
            check_beginnings(&keys, value);
        }
        Some(Menu {
            question: question?,
            keys,
            digit_timeout: digit_timeout?,
            may_wait: written.is_some(),
            direct_dial,
        })
    }

    fn keys(&mut self, value: Value<'a>) -> Option<Vec<MenuKey>> {
        let entries = value.entries("the keys of a menu, such as `1: sales`")?;
        let mut good = !entries.is_empty();
        if entries.is_empty() {
            value.fault_at_key("a menu needs a key", "add one, such as `1: sales`");
        }
        if entries.len() > MAX_KEYS {
            let message = format!("a menu has at most {MAX_KEYS} keys, not {}", entries.len());
            value.fault_at_key(message, "write ranges such as `20-29`, or split the menu");
            return None;
        }
        let mut keys: Vec<MenuKey> = Vec::new();
        for (key, value) in entries {
            let (range, answer) = (key_range(key), self.answer(value, None));
            let (Some(range), Some(answer)) = (range, answer) else {
                good = false;
                continue;
            };
            if let Some(shared) = keys.iter().find_map(|known| range.shared(&known.range)) {
                let message = match shared.is_one() {
                    true => format!("the key `{shared}` is given twice"),
                    false => format!("the keys `{shared}` are given twice"),
                };
                key.fault(message, "take it out of one of the ranges");
                good = false;
            }
            keys.push(MenuKey { range, answer, place: key.place() });
        }
        good.then_some(keys)
    }

    fn direct_dial(&mut self, value: Value<'a>) -> Option<DirectDial> {
        let map = value.map(&table::DIRECT_DIAL.shape)?;
        let digits = map.required("digits").and_then(|value| Some((digit_count(value, MAX_KEY)?, value.place())));
        let users = match map.optional("users") {
            Some(value) if value.raw() == Some("all") => Some(None),
            Some(value) => self.users(value).map(Some),
            None => Some(None),
        };
        let prefix = map.optional("prefix").map_or(Some(""), prefix);
        let ring_time = duration(map, "ring_time", 30, 1..=300);
        let next = self.talk_over(map);
        let again = Outcome { prompt: Prompt::default(), way: Way::Repeat };
        let mut outcome = |key| match map.optional(key) {
            Some(value) => self.answer(value, Some(Way::Repeat)),
            None => Some(again.clone()),
        };
        let (busy, no_answer) = (outcome("busy"), outcome("no_answer"));
        let (declined, failed) = (outcome("declined"), outcome("failed"));
        let (digits, place) = digits?;
        Some(DirectDial {
            extension: Extension { digits, users: users?, prefix: prefix?.into(), place },
            ring_time: ring_time?,
            next: next?,
            busy: busy?,
            no_answer: no_answer?,
            declined: declined?,
            failed: failed?,
        })
    }

    /// The users that may be dialled, with their places.
    fn users(&mut self, value: Value<'a>) -> Option<Vec<(Arc<str>, Place)>> {
        let users: Vec<_> = value
            .one_or_list()
            .into_iter()
            .map(|value| {
                let name: Arc<str> = value.name()?.into();
                self.refer(ReferenceKind::User, name.clone(), value);
                Some((name, value.place()))
            })
            .collect();
        if users.is_empty() {
            value.fault_at_key("a list without users", "name one, or write `all`");
            return None;
        }
        users.into_iter().collect()
    }

    /// Where a caller goes when the one whom he dialled has hung up.
    fn talk_over(&mut self, map: Map<'a>) -> Option<Target> {
        if let Some(value) = map.optional("next") {
            return self.names.target(value);
        }
        let message = "nothing says what follows when the one who was dialled has hung up";
        map.fault_if_missing("next", message, "add `next:` with a node's name, or `next: hangup`");
        None
    }
}

/// `1`, `*`, `12`, or a range of as many digits: `20-29`.
fn key_range(key: Value<'_>) -> Option<KeyRange> {
    let text = key.string()?;
    let (message, remedy) = match KeyRange::read(text) {
        Ok(range) => return Some(range),
        Err(NoKey::Malformed) => (
            "this is not a key of a phone",
            format!(
                "a key is `\"*\"`, `\"#\"` or digits such as `4` and `12`, {MAX_KEY} at most, or a range such as `4-6` and `20-29`"
            ),
        ),
        Err(NoKey::Uneven) => {
            ("the ends of this range have not as many digits", "write two ranges, such as `5-9` and `10-12`".to_owned())
        }
        Err(NoKey::Backwards) => ("this range has its ends the wrong way round", {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            if first == last { format!("write `{first}`") } else { format!("write `{last}-{first}`") }
        }),
    };
    key.fault(message, remedy);
    None
}

fn prefix(value: Value<'_>) -> Option<&str> {
    let text = value.string()?;
    if (1..=4).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit() || b"*#".contains(&c)) {
        return Some(text);
    }
    value.fault("this cannot stand before an extension", "write 1 to 4 keys in quotes, such as `\"*\"`");
    None
}

/// Who presses a key that begins another one is understood at once only if something says how long to wait.
fn check_beginnings(keys: &[MenuKey], menu: Value<'_>) {
    for key in keys {
        let begun = keys.iter().find_map(|longer| Some((key.range.begun(&longer.range)?, longer)));
        let Some(((short, long), longer)) = begun else { continue };
        menu.faults().add(
            key.place.clone(),
            format!("the key `{short}` is also the beginning of `{long}` in line {}", longer.place.span.line),
            WAIT,
        );
    }
}

/// What to do about a key that may go on.
pub(crate) const WAIT: &str =
    "write how long a further digit may take, such as `digit_timeout: 3s`, or choose keys that do not begin each other";
