//! Where secrets go: into which variables, and out of which nobody may hear them.

use std::collections::BTreeMap;
use std::sync::Arc;

use yaml::Faults;

use super::{confirmation, prompts};
use crate::expression::Kind;
use crate::flow::{Flow, Verb, Written};

/// The variables that hold a secret or something made of one, each with the secret. Variables belong to the call, so that it may
/// have been typed in another flow.
pub(super) fn of<'a>(flows: &[&'a Flow]) -> BTreeMap<&'a Arc<str>, &'a Arc<str>> {
    let mut tainted: BTreeMap<_, _> = flows.iter().flat_map(|flow| flow.secrets()).map(|name| (name, name)).collect();
    let nodes = || flows.iter().flat_map(|flow| &flow.nodes);
    loop {
        let before = tainted.len();
        for node in nodes() {
            let made: Vec<(&Arc<str>, &Written)> = match &node.verb {
                Verb::Set(set) => set.names.iter().zip(&set.values).collect(),
                Verb::Http(http) => http.names.iter().zip(&http.take).collect(),
                // The row has the key that was found.
                Verb::Look(look) => look.into.iter().map(|name| (name, &look.value)).collect(),
                _ => continue,
            };
            for (name, written) in made {
                if let Some(secret) = in_value(written, &tainted) {
                    tainted.entry(name).or_insert(secret);
                }
            }
        }
        if tainted.len() == before {
            return tainted;
        }
    }
}

/// The secret of which a value is made. What is true or false of a secret does not give it away.
pub(super) fn in_value<'a>(written: &Written, tainted: &BTreeMap<&'a Arc<str>, &'a Arc<str>>) -> Option<&'a Arc<str>> {
    if written.expression.kind == Kind::Bool {
        return None;
    }
    written.reads.iter().find_map(|(name, _)| tainted.get(name).copied())
}

/// Reports secrets that are read back: a recording would hear them, and the journal says what was played.
pub(super) fn report(flows: &[&Flow], faults: &Faults) {
    let tainted = of(flows);
    report_sent(flows, &tainted, faults);
    let confirmations = |node| confirmation(node).map(|(prompt, _)| prompt);
    let nodes = flows.iter().flat_map(|flow| &flow.nodes);
    let items =
        nodes.flat_map(|node| prompts(node).into_iter().chain(confirmations(node))).flat_map(|prompt| &prompt.0);
    for (variable, place) in items.flat_map(|item| item.reads()) {
        let Some((_, secret)) = tainted.iter().find(|(name, _)| ****name == *variable) else { continue };
        let (message, where_from) = match ***secret == *variable {
            true => (format!("`{variable}` is a secret and cannot be read back"), "it"),
            false => (format!("`{variable}` is made of the secret `{secret}` and cannot be read back"), "that"),
        };
        let remedy = format!("leave it out, or remove `secret: true` where {where_from} is collected");
        faults.add(place.clone(), message, remedy);
    }
}

/// Reports secrets that are sent where others can read them.
fn report_sent<'a>(flows: &[&'a Flow], tainted: &BTreeMap<&'a Arc<str>, &'a Arc<str>>, faults: &Faults) {
    for node in flows.iter().flat_map(|flow| &flow.nodes) {
        let Verb::Http(http) = &node.verb else { continue };
        // Of what is true or false of it alone nobody can tell the secret.
        let secret = |written: &'a Written| {
            let name = in_value(written, tainted)?;
            let read = written.reads.iter().find(|(read, _)| tainted.get(read) == Some(&name));
            Some((name, read.map_or(&http.place, |(_, place)| place)))
        };
        for (name, place) in http.query.iter().filter_map(|(_, written)| secret(written)) {
            let message = format!("`{name}` is a secret, and servers write down what stands in a URL");
            faults.add(place.clone(), message, "write it in `send`, with `post:`");
        }
        if http.origin.is_private() {
            continue;
        }
        for (name, place) in http.send.iter().flatten().filter_map(|(_, written)| secret(written)) {
            let message = format!("`{name}` is a secret, and everybody on the way to `{}` could read it", http.origin);
            faults.add(place.clone(), message, "ask the server by `https://`");
        }
    }
}
