//! `flows/*.yaml`: read by crate `ivr`; what they name outside of themselves is looked up here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ivr::{Flow, Flows, Reference, ReferenceKind};
use switch::{Asker, Config, Destination, FlowName};
use yaml::{Faults, Source};

use crate::{Catalogue, Files, Notes};

const FOLDER: &str = "flows/";

/// The names of all flows, be the files good or not.
pub(crate) fn names(files: &Files) -> BTreeSet<String> {
    files.between(FOLDER, ".yaml").map(|(_, name)| name.to_owned()).collect()
}

/// Each flow's name and text, by name, be it good or not; those that cannot be read are left out.
#[must_use]
pub fn flow_sources(files: &Files) -> Vec<(String, Source)> {
    files.between(FOLDER, ".yaml").filter_map(|(path, name)| Some((name.to_owned(), files.source(path)?))).collect()
}

/// Every flow, read by itself; none where a file has a fault.
pub(crate) type Read = BTreeMap<FlowName, Option<Flow>>;

/// Reads every flow.
pub(crate) fn read(files: &Files, catalogue: &mut Catalogue, faults: &Faults) -> Read {
    let mut flows = Read::new();
    for (path, name) in files.between(FOLDER, ".yaml") {
        if !crate::prompts::is_name(name) {
            let remedy = "rename it: lower-case letters, digits and `-`, like `main-menu.yaml`";
            faults.add(files.place(path), "this file name is not a name", remedy);
        }
        let Some(source) = files.source(path) else { continue };
        let flow = Flow::read(name, &source, faults);
        if let Some(flow) = &flow {
            check(flow, catalogue, faults);
        }
        flows.insert(name.into(), flow);
    }
    flows
}

/// Checks all flows together. Calls begin in those that the number plan leads to.
pub(crate) fn join(
    flows: Read,
    numbers: &BTreeMap<Arc<str>, Destination>,
    catalogue: &Catalogue,
    faults: &Faults,
) -> Option<Flows> {
    let first = |destination: &Destination| match destination {
        Destination::Flow(name) => Some(name.clone()),
        Destination::User(_) | Destination::Queue(_) => None,
    };
    let begins: BTreeSet<FlowName> = numbers.values().filter_map(first).collect();
    let flows = Flows::new(flows, |name| begins.contains(name), faults)?;
    Some(flows.with_languages(catalogue.languages.tables()))
}

/// Notes flows that nothing leads to.
pub(crate) fn note_unused(files: &Files, catalogue: &Catalogue, notes: &mut Notes) {
    for (path, name) in files.between(FOLDER, ".yaml") {
        if !catalogue.flows.is_used(name) {
            notes.add(files.place(path), "no number and no other flow leads to this flow");
        }
    }
}

/// Looks the numbers up that flows dial, and send callers on to. A dial rings a phone, so its number must lead to a user, or
/// outside by a grant of the flow; that of a transfer may lead to whatever there is.
pub(crate) fn check_numbers(config: &Config, faults: &Faults) {
    let references = config.flows.iter().flat_map(|flow| flow.references().iter().map(move |found| (flow, found)));
    let numbers = references.filter(|(_, found)| matches!(found.kind, ReferenceKind::Number | ReferenceKind::Onward));
    for (flow, Reference { kind, name, place }) in numbers {
        let (message, remedy) = match config.numbers.get(name) {
            Some(Destination::User(_)) => continue,
            Some(_) if *kind == ReferenceKind::Onward => continue,
            Some(Destination::Flow(flow)) => (
                format!("`{name}` leads to the flow `{flow}`, and a dial rings a phone"),
                "name a user's number, or send the caller on by `transfer`",
            ),
            Some(Destination::Queue(queue)) => {
                (format!("`{name}` leads to the queue `{queue}`, and a dial rings a phone"), "use a `queue` node")
            }
            None if config.grant_of(&Asker::Flow(flow.name().clone()), name).is_some() => continue,
            None => (
                format!("no number `{name}` in the number plan, and no grant of this flow to call it outside"),
                "add it to `numbers` in `strowger.yaml`, or the flow to a grant",
            ),
        };
        faults.add(place.clone(), message, remedy);
    }
}

/// A flow that promises to call back needs leave to call somebody.
pub(crate) fn check_callbacks(config: &Config, faults: &Faults) {
    for flow in config.flows.iter() {
        let asker = Asker::Flow(flow.name().clone());
        if config.grants.values().any(|grant| grant.askers.contains(&asker)) {
            continue;
        }
        for place in flow.callbacks() {
            let message = format!("no grant lets the flow `{}` call anybody back", flow.name());
            faults.add(place.clone(), message, "add the flow to a grant of `grants` in `strowger.yaml`");
        }
    }
}

fn check(flow: &Flow, catalogue: &mut Catalogue, faults: &Faults) {
    for reference in flow.references() {
        let (name, place) = (&*reference.name, &reference.place);
        match reference.kind {
            ReferenceKind::Prompt => catalogue.languages.refer_prompt(name, place, faults),
            ReferenceKind::Queue => catalogue.queues.refer(name, place, "add it to `queues.yaml`", faults),
            // Who reads its figures leads nobody into it.
            ReferenceKind::QueueFigures => catalogue.queues.check(name, place, "add it to `queues.yaml`", faults),
            ReferenceKind::Table => {
                catalogue.tables.refer(name, place, format!("write it as `tables/{name}.csv`"), faults)
            }
            ReferenceKind::Origin => {
                let remedy = format!("add `{name}` to `allow` of `http` in `strowger.yaml`, if flows may ask it");
                catalogue.origins.refer(name, place, remedy, faults)
            }
            ReferenceKind::Secret => {
                catalogue.secrets.refer(name, place, "add it to `secrets` in `strowger.yaml`", faults)
            }
            ReferenceKind::Zone => catalogue.refer_zone(place, faults),
            ReferenceKind::User => catalogue.users.refer(name, place, "add it to `users.yaml`", faults),
            ReferenceKind::Language => {
                catalogue.languages.refer(name, place, faults);
                true
            }
            ReferenceKind::Mailbox => {
                let remedy = "name a user, or add it to `mailboxes` in `strowger.yaml`";
                catalogue.mailboxes.refer(name, place, remedy, faults)
            }
            ReferenceKind::Calendar => catalogue.calendars.refer(name, place, "add it to `hours.yaml`", faults),
            ReferenceKind::EmergencyOf => catalogue.refer_emergency(name, place, faults),
            // Judged when the number plan is read: see `check_numbers`.
            ReferenceKind::Number | ReferenceKind::Onward => true,
            // Judged when all flows are read: see `join`.
            ReferenceKind::Flow => catalogue.flows.note_use(name),
        };
    }
    for reference in flow.spoken() {
        catalogue.languages.refer_spoken(&reference.spoken, &reference.place, faults);
    }
}
