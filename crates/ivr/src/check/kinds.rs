//! Variables that are read where a value of another kind should stand: what callers type is text, and no number.

use std::collections::btree_map::Entry;
use std::sync::Arc;

use yaml::Faults;

use crate::expression::{self, Kind, Kinds};
use crate::flow::{Collect, Flow, Look, Mailbox, Verb, Written};

/// What each variable holds, or null, as far as all who set it agree. Of those that `set` makes of others nothing is known, nor
/// of what a server answers.
fn of(flows: &[&Flow]) -> Kinds {
    let mut kinds = Kinds::new();
    for node in flows.iter().flat_map(|flow| &flow.nodes) {
        for (name, kind) in sets(&node.verb) {
            match kinds.entry(Arc::clone(name)) {
                Entry::Vacant(entry) => drop(entry.insert(kind)),
                // What cannot be worked out is null all the same.
                Entry::Occupied(mut entry) => match (*entry.get(), kind) {
                    (_, Kind::Null) => {}
                    (Kind::Null, kind) => drop(entry.insert(kind)),
                    (known, kind) => drop(entry.insert(known.join(kind))),
                },
            }
        }
    }
    kinds.retain(|_, kind| !matches!(kind, Kind::Any | Kind::Null));
    kinds
}

/// The variables that a node sets, each with the kind of what it gets.
fn sets(verb: &Verb) -> Vec<(&Arc<str>, Kind)> {
    match verb {
        Verb::Collect(Collect { variable, survey: None, .. }) => vec![(variable, Kind::Text)],
        Verb::Collect(Collect { variable, survey: Some(_), .. })
        | Verb::Mailbox(Mailbox { into: Some(variable), .. }) => {
            vec![(variable, Kind::Integer)]
        }
        Verb::Look(Look { into: Some(variable), .. }) => vec![(variable, Kind::Map)],
        Verb::Set(set) => set.names.iter().zip(set.values.iter().map(|written| written.expression.kind)).collect(),
        Verb::Http(http) => http.names.iter().map(|name| (name, Kind::Any)).collect(),
        _ => Vec::new(),
    }
}

/// Reports what is wrong with expressions if variables hold what they do.
pub(super) fn report(flows: &[&Flow], faults: &Faults) {
    let kinds = of(flows);
    for node in flows.iter().flat_map(|flow| &flow.nodes) {
        match &node.verb {
            Verb::When(when) => {
                when.cases.iter().for_each(|(case, _)| again(case, &kinds, Kind::as_condition, faults));
            }
            Verb::Callback(callback) => again(&callback.number, &kinds, |_| Ok(()), faults),
            Verb::Look(look) => again(&look.value, &kinds, Kind::as_key, faults),
            Verb::Set(set) => set.values.iter().for_each(|value| again(value, &kinds, |_| Ok(()), faults)),
            Verb::Http(http) => http.sends().for_each(|value| again(value, &kinds, |_| Ok(()), faults)),
            _ => {}
        }
    }
}

/// Reads an expression that is without fault as long as nothing is known of variables. `fits` tells whether what comes of it does.
fn again(written: &Written, kinds: &Kinds, fits: impl Fn(Kind) -> Result<(), (String, &'static str)>, faults: &Faults) {
    if !written.reads.iter().any(|(name, _)| kinds.contains_key(name)) {
        return;
    }
    match expression::read(&written.text, &[], kinds) {
        Ok(read) => {
            if let Err((message, remedy)) = fits(read.kind) {
                faults.add(written.place.whole.clone(), message, remedy);
            }
        }
        Err(wrong) => {
            for wrong in wrong {
                faults.add(written.place.part(&wrong.at), wrong.message, wrong.remedy);
            }
        }
    }
}
