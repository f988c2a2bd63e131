//! What another version of the flows means for the callers who are in the old one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ivr::{Flow, Flows};
use switch::control::Inside;

/// The nodes that a line names, at most; the others are counted.
const MOST_NAMED: usize = 12;

/// A line for each flow that is not the same in `new`: its nodes that are new, changed and gone, and how many callers are
/// `inside`, who stay in what they began.
#[must_use]
pub fn plan(old: &Flows, new: &Flows, inside: &Inside) -> Vec<String> {
    let names: BTreeSet<_> = old.iter().chain(new.iter()).map(|flow| flow.name()).collect();
    let line = |name: &Arc<str>| {
        let differs = match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old.hash() == new.hash() => return None,
            (Some(old), Some(new)) => differences(old, new),
            (Some(_), None) => "gone".to_owned(),
            (None, _) => "new".to_owned(),
        };
        Some(format!("flow {name}: {differs}{}", inside.get(name).map_or_else(String::new, callers)))
    };
    names.into_iter().filter_map(line).collect()
}

fn differences(old: &Flow, new: &Flow) -> String {
    let (before, after): (BTreeMap<_, _>, BTreeMap<_, _>) = (old.versions().collect(), new.versions().collect());
    let added = new.nodes().filter(|name| !before.contains_key(name));
    let gone = old.nodes().filter(|name| !after.contains_key(name));
    let changed = new.nodes().filter(|name| before.get(name).is_some_and(|hash| after.get(name) != Some(hash)));
    let told = [
        listed("new", added.map(|name| &**name).collect()),
        listed("changed", changed.map(|name| &**name).collect()),
        listed("gone", gone.map(|name| &**name).collect()),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() { "no node changed".to_owned() } else { told.join("; ") }
}

fn listed(word: &str, names: Vec<&str>) -> Option<String> {
    let more = names.len().saturating_sub(MOST_NAMED);
    let shown: Vec<&str> = names.into_iter().take(MOST_NAMED).collect();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!shown.is_empty()).then(|| format!("{word} {}{rest}", shown.join(", ")))
}

fn callers(nodes: &BTreeMap<Arc<str>, usize>) -> String {
    let total: usize = nodes.values().sum();
    let each: Vec<String> = nodes.iter().map(|(node, count)| format!("{count} in {node}")).collect();
    let (who, stay) = if total == 1 { ("caller is", "stays in what he") } else { ("callers are", "stay in what they") };
    format!("; {total} {who} inside ({}) and {stay} began", each.join(", "))
}
