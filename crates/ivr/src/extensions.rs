//! Extensions: the numbers of the number plan that lead to users, which a menu with `direct_dial` takes beside its keys.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use yaml::Faults;

use crate::flow::{Extension, Flow, Menu, Outcome, Verb, Way};
use crate::key_range::{KeyRange, digits};
use crate::read::WAIT;

/// Numbers, each with the user that it leads to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions(BTreeMap<Arc<str>, Arc<str>>);

/// What the keys that were typed in a menu mean so far.
#[derive(Debug, Default)]
pub(crate) struct Weighed<'a> {
    pub answer: Option<Answer<'a>>,
    /// Further keys can make them mean something else.
    pub goes_on: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer<'a> {
    Key(&'a Outcome<Way>),
    /// The user to ring.
    Extension(&'a Arc<str>),
}

impl Menu {
    pub fn weigh<'a>(&'a self, extensions: &'a Extensions, typed: &str) -> Weighed<'a> {
        let key = self.keys.iter().find(|key| key.range.has(typed)).map(|key| Answer::Key(&key.answer));
        let goes_on = self.keys.iter().any(|key| key.range.goes_on_from(typed));
        let Some(dial) = &self.direct_dial else { return Weighed { answer: key, goes_on } };
        let (user, dials_on) = extensions.weigh(&dial.extension, typed);
        Weighed { answer: key.or(user.map(Answer::Extension)), goes_on: goes_on || dials_on }
    }
}

impl Extensions {
    /// Those of the numbers that a caller can type.
    pub fn new(numbers: impl IntoIterator<Item = (Arc<str>, Arc<str>)>) -> Self {
        let typed = |number: &str| number.bytes().all(|c| c.is_ascii_digit());
        Self(numbers.into_iter().filter(|(number, _)| typed(number)).collect())
    }

    /// The user whom `typed` dials, and whether further digits dial another.
    fn weigh(&self, extension: &Extension, typed: &str) -> (Option<&Arc<str>>, bool) {
        let Some(number) = typed.strip_prefix(&*extension.prefix) else {
            return (None, extension.prefix.starts_with(typed) && self.all(extension, "").next().is_some());
        };
        let user = self.0.get(number).filter(|user| extension.takes(number, user));
        (user, self.all(extension, number).any(|(longer, _)| longer.len() > number.len()))
    }

    /// The extensions that begin so.
    fn all<'a>(
        &'a self,
        extension: &'a Extension,
        begin: &'a str,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<str>)> {
        let behind = self.0.range::<str, _>((Bound::Included(begin), Bound::Unbounded));
        behind
            .take_while(move |(number, _)| number.starts_with(begin))
            .filter(|(number, user)| extension.takes(number, user))
    }

    /// Adds the faults of a flow's menus that only the number plan shows.
    pub fn check(&self, flow: &Flow, faults: &Faults) {
        for menu in flow.nodes.iter().filter_map(|node| match &node.verb {
            Verb::Menu(menu) => Some(menu),
            _ => None,
        }) {
            if let Some(dial) = &menu.direct_dial {
                self.check_there_are(&dial.extension, faults);
                self.check_apart(menu, &dial.extension, faults);
            }
        }
    }

    fn check_there_are(&self, extension: &Extension, faults: &Faults) {
        let remedy = "add one to `numbers` in `strowger.yaml`, or correct `digits`";
        let wanted = digits(&extension.digits);
        let lacking = |user: &str| !self.all(extension, "").any(|(_, known)| **known == *user);
        for (user, place) in extension.users.iter().flatten().filter(|(user, _)| lacking(user)) {
            faults.add(place.clone(), format!("no number of {wanted} leads to the user `{user}`"), remedy);
        }
        if extension.users.is_none() && self.all(extension, "").next().is_none() {
            faults.add(extension.place.clone(), format!("no number of {wanted} leads to a user"), remedy);
        }
    }

    /// Keys and extensions are to be told apart: at once, or by how long a further digit takes.
    fn check_apart(&self, menu: &Menu, extension: &Extension, faults: &Faults) {
        for key in &menu.keys {
            let found = self.all(extension, "").find_map(|(number, user)| {
                let typed = format!("{}{number}", extension.prefix);
                Some((clash(&key.range, &typed, menu.may_wait)?, typed, user))
            });
            let Some((clash, typed, user)) = found else { continue };
            let message = match &clash {
                Clash::Same => format!("`{typed}` is both a key and the extension of `{user}`"),
                Clash::KeyFirst(short) => {
                    format!("the key `{short}` is also the beginning of `{typed}`, the extension of `{user}`")
                }
                Clash::ExtensionFirst(long) => {
                    format!("the extension `{typed}` of `{user}` is also the beginning of the key `{long}`")
                }
            };
            let remedy = match clash {
                Clash::Same => "choose another key, or write a `prefix` for extensions",
                _ => {
                    "write how long a further digit may take, such as `digit_timeout: 3s`, or a `prefix` for extensions"
                }
            };
            faults.add(key.place.clone(), message, remedy);
        }
        if menu.may_wait {
            return;
        }
        let longer =
            |short: &str| self.all(extension, "").find(|(long, _)| long.len() > short.len() && long.starts_with(short));
        let found = self.all(extension, "").find_map(|(short, user)| Some((short, user, longer(short)?)));
        if let Some((short, user, (long, other))) = found {
            let message =
                format!("the extension `{short}` of `{user}` is also the beginning of `{long}`, that of `{other}`");
            faults.add(extension.place.clone(), message, WAIT);
        }
    }
}

enum Clash {
    Same,
    /// The key begins the extension.
    KeyFirst(String),
    /// The extension begins the key.
    ExtensionFirst(String),
}

/// How a key and what dials an extension get in each other's way.
fn clash(keys: &KeyRange, typed: &str, may_wait: bool) -> Option<Clash> {
    if keys.has(typed) {
        return Some(Clash::Same);
    }
    if may_wait {
        return None;
    }
    let begun = (1..typed.len()).filter_map(|length| typed.get(..length)).find(|begin| keys.has(begin));
    match begun {
        Some(key) => Some(Clash::KeyFirst(key.to_owned())),
        None => keys.goes_on_from(typed).then(|| Clash::ExtensionFirst(keys.to_string())),
    }
}

impl Extension {
    fn takes(&self, number: &str, user: &str) -> bool {
        let known = |users: &Vec<(Arc<str>, _)>| users.iter().any(|(name, _)| **name == *user);
        self.digits.contains(&number.len()) && self.users.as_ref().is_none_or(known)
    }
}
