//! `grants` and `emergency` of `strowger.yaml`: who may call out, and the numbers that every user may call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use switch::{Asker, Destination, Emergency, Grant, GrantName, Trunk, TrunkName};
use yaml::{Faults, Map, Place, Shape, Value};

use crate::names::{Names, short};
use crate::{Catalogue, Notes, peer};

const GRANT: Shape = Shape {
    what: "a grant",
    keys: &["users", "flows", "from_trunks", "prefixes", "trunk", "at_once", "minutes_a_day", "note"],
};
const EMERGENCY: Shape = Shape { what: "`emergency`", keys: &["numbers", "trunk"] };

/// More minutes than a day has for as many calls as there may be mean no limit to speak of.
const MAX_MINUTES: u32 = 1_440_000;

/// What grants and emergency calls name.
pub(crate) struct Reader<'a, 'c> {
    pub trunks: &'a [Trunk],
    pub names: Names,
    pub catalogue: &'c mut Catalogue,
    pub faults: &'a Faults,
    /// Who may call where, to find two grants for one thing.
    taken: BTreeMap<(Asker, Arc<str>), GrantName>,
}

impl<'a, 'c> Reader<'a, 'c> {
    /// Reads with the trunks that there are.
    pub fn new(trunks: &'a [Trunk], names: Names, catalogue: &'c mut Catalogue, faults: &'a Faults) -> Self {
        Self { trunks, names, catalogue, faults, taken: BTreeMap::new() }
    }

    /// Every grant of the map at `value`.
    pub fn grants(&mut self, value: &Value<'_>) -> BTreeMap<GrantName, Grant> {
        let mut grants = BTreeMap::new();
        for (key, value) in value.entries("a map of grants").unwrap_or_default() {
            let (Some(name), Some(map)) = (key.name(), value.map(&GRANT)) else { continue };
            let name: GrantName = name.into();
            if let Some(grant) = self.grant(name.clone(), &map) {
                grants.insert(name, grant);
            }
        }
        grants
    }

    fn grant(&mut self, name: GrantName, map: &Map<'_>) -> Option<Grant> {
        let _ = map.optional("note").map(|note| note.string());
        let askers = self.askers(map);
        let prefixes = prefixes(map);
        let trunk = map.required("trunk").and_then(|value| self.way_out(&value));
        let at_once = map.required("at_once").and_then(|value| value.integer(1..=10_000));
        let minutes_a_day = map.required("minutes_a_day").and_then(|value| value.integer(1..=MAX_MINUTES));
        let (askers, prefixes, trunk) = (askers?, prefixes?, trunk?);
        for (asker, place) in &askers {
            if *asker == Asker::Trunk(trunk.clone()) {
                let message = format!("calls from trunk `{trunk}` would go back to it");
                self.faults.add(place.clone(), message, "name another trunk, or take it out");
            }
            for prefix in &prefixes {
                self.take(asker, prefix, &name, place);
            }
        }
        let askers = askers.into_iter().map(|(asker, _)| asker).collect();
        Some(Grant { name, askers, prefixes, trunk, at_once: at_once?, minutes_a_day: minutes_a_day? })
    }

    /// Who has the grant, and where that stands.
    fn askers(&mut self, map: &Map<'_>) -> Option<Vec<(Asker, Place)>> {
        let kinds = ["users", "flows", "from_trunks"].map(|kind| (kind, map.optional(kind)));
        if kinds.iter().all(|(_, value)| value.is_none()) {
            let remedy = "add `users:`, `flows:` or `from_trunks:`, each a list of names";
            map.fault_if_missing("users", "a grant needs somebody who has it", remedy);
            return None;
        }
        let mut askers: Vec<(Asker, Place)> = Vec::new();
        for (kind, value) in kinds {
            for value in value.map_or_else(Vec::new, some) {
                let (Some(name), place) = (value.name(), value.place()) else { continue };
                let asker = match kind {
                    "users" => self.user(name, &place),
                    "flows" => self.flow(name, &place),
                    _ => self.source(name, &place),
                };
                if askers.iter().any(|(other, _)| *other == asker) {
                    value.fault(format!("`{name}` is given twice"), "keep one of them");
                    continue;
                }
                askers.push((asker, place));
            }
        }
        Some(askers)
    }

    fn user(&mut self, name: &str, place: &Place) -> Asker {
        // Who may call out is not thereby called by anybody, so this is no use of him.
        self.catalogue.users.check(name, place, "add it to `users.yaml`", self.faults);
        Asker::User(name.into())
    }

    fn flow(&mut self, name: &str, place: &Place) -> Asker {
        self.catalogue.flows.check(name, place, format!("write it as `flows/{name}.yaml`"), self.faults);
        Asker::Flow(name.into())
    }

    fn source(&mut self, name: &str, place: &Place) -> Asker {
        let found = self.trunks.iter().find(|trunk| &*trunk.name == name);
        if self.names.check(name, place, "add it to `trunks`", self.faults)
            && let Some(trunk) = found
        {
            let is_proven = trunk.authenticate.is_some();
            if trunk.sources.is_empty() && !is_proven && trunk.register.is_none() {
                let message = format!("trunk `{name}` sends no calls");
                self.faults.add(place.clone(), message, "give it `from`, or take it out of the grant");
            } else if !is_proven && trunk.sources.iter().any(|net| net.prefix_len() == 0) {
                let message = format!(
                    "trunk `{name}` takes calls from any address: with this grant all the world could call out"
                );
                self.faults.add(place.clone(), message, "name the addresses of the trunk in its `from`");
            }
        }
        Asker::Trunk(name.into())
    }

    /// The trunk that calls go through.
    fn way_out(&mut self, value: &Value<'_>) -> Option<TrunkName> {
        let name = value.name()?;
        if !self.names.refer(name, &value.place(), "add it to `trunks`", self.faults) {
            return None;
        }
        let trunk = self.trunks.iter().find(|trunk| &*trunk.name == name)?;
        if trunk.to.is_none() {
            value.fault(format!("trunk `{name}` takes no calls"), "give it `to: sip:ADDRESS:PORT`");
        }
        Some(trunk.name.clone())
    }

    /// Of two grants with one prefix for one who calls, nobody could say which counts.
    fn take(&mut self, asker: &Asker, prefix: &Arc<str>, grant: &GrantName, place: &Place) {
        let other = self.taken.entry((asker.clone(), prefix.clone())).or_insert_with(|| grant.clone());
        if other != grant {
            let (Asker::User(name) | Asker::Flow(name) | Asker::Trunk(name)) = asker;
            let message =
                format!("`{name}` may call `{prefix}` by grant `{other}`, too: nobody could say which counts");
            self.faults.add(place.clone(), message, "take it out of one of them, or make one prefix longer");
        }
    }

    /// The emergency numbers at `value`.
    pub fn emergency(&mut self, value: &Value<'_>, numbers: &BTreeMap<Arc<str>, Destination>) -> Option<Emergency> {
        let map = value.map(&EMERGENCY)?;
        let trunk = map.required("trunk").and_then(|value| self.way_out(&value));
        let mut found = BTreeSet::new();
        for value in map.required("numbers").map_or_else(Vec::new, some) {
            let Some(number) = peer::number(&value) else { continue };
            if numbers.contains_key(number) {
                value
                    .fault(format!("`{number}` stands in `numbers`, too"), "an emergency number leads to a trunk only");
            }
            found.insert(number.into());
        }
        Some(Emergency { numbers: found, trunk: trunk? })
    }
}

/// The items of a list that is not to be empty.
fn some(value: Value<'_>) -> Vec<Value<'_>> {
    let items = value.one_or_list();
    if value.is_list() && items.is_empty() {
        value.fault("this list is empty", "");
    }
    items
}

/// How the numbers begin that a grant allows.
fn prefixes(map: &Map<'_>) -> Option<Vec<Arc<str>>> {
    let mut prefixes: Vec<Arc<str>> = Vec::new();
    for value in some(map.required("prefixes")?) {
        let Some(text) = value.string() else { continue };
        let digits = text.strip_prefix('+').unwrap_or(text);
        if digits.len() > 32 || !digits.bytes().all(|c| c.is_ascii_digit()) {
            let message = format!("`{}` is not how a number begins", short(text));
            value.fault(
                message,
                "write digits, with a `+` before them or not: `\"+49\"`; `+` alone is every number with one",
            );
            continue;
        }
        if prefixes.iter().any(|other| &**other == text) {
            value.fault(format!("`{text}` is given twice"), "keep one of them");
            continue;
        }
        prefixes.push(text.into());
    }
    Some(prefixes)
}

/// Says what a person may want to look at.
pub(crate) fn note(root: &Map<'_>, names: &Names, trunks: &[Trunk], has_users: bool, notes: &mut Notes) {
    let entries = root.optional("trunks").and_then(|value| value.entries("a map of trunks")).unwrap_or_default();
    let out = |name: &str| trunks.iter().any(|trunk| &*trunk.name == name && trunk.to.is_some());
    for (key, _) in &entries {
        let stands_in = |name: &str| trunks.iter().any(|trunk| trunk.failover.as_deref() == Some(name));
        if key.raw().is_some_and(|name| out(name) && !names.is_used(name) && !stands_in(name)) {
            notes.add(key.place(), "no grant lets anybody call out through this trunk");
        }
    }
    if has_users
        && root.optional("emergency").is_none()
        && let Some((key, _)) = entries.iter().find(|(key, _)| key.raw().is_some_and(out))
    {
        notes.add(
            key.place(),
            "users can call no emergency number: there is no `emergency` with the numbers and a trunk",
        );
    }
}
