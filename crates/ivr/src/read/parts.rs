//! What many nodes have: prompts, numbers of times, outcomes.

use std::sync::Arc;

use yaml::{Map, Value};

use super::names::Names;
use super::{Reader, table};
use crate::flow::{Item, Outcome, Prompt, Target, Times, Way};
use crate::{Reference, ReferenceKind};

const MAX_ITEMS: usize = 32;
const MAX_TIMES: u32 = 100;

/// `3`, or `forever`.
pub(super) fn times(value: Value<'_>) -> Option<Times> {
    let times = value.integer_or(1..=MAX_TIMES, "forever")?;
    Some(times.map_or(Times::Forever, Times::Count))
}

impl<'a> Reader<'a> {
    /// One item, or a list of them; plain words name recordings.
    pub(super) fn prompt(&mut self, value: Value<'a>) -> Option<Prompt> {
        self.words(value, false)
    }

    /// One item, or a list of them; plain words are spoken if `says`, and name recordings if not.
    pub(super) fn words(&mut self, value: Value<'a>, says: bool) -> Option<Prompt> {
        let items = value.one_or_list();
        if items.len() > MAX_ITEMS || items.is_empty() {
            if value.is_list() {
                value.fault_at_key(format!("a prompt has 1 to {MAX_ITEMS} items, not {}", items.len()), "");
            }
            return None;
        }
        let items: Vec<_> = items.into_iter().map(|item| self.item(item, says)).collect();
        items.into_iter().collect::<Option<_>>().map(Prompt)
    }

    fn item(&mut self, value: Value<'a>, says: bool) -> Option<Item> {
        if says && !super::items::is_item(value) {
            return self.text(value);
        }
        if value.is_map() {
            return self.said(value);
        }
        let name: Arc<str> = Arc::from(value.path()?);
        self.refer(ReferenceKind::Prompt, name.clone(), value);
        Some(Item::Recording(name))
    }

    pub(super) fn refer(&mut self, kind: ReferenceKind, name: Arc<str>, value: Value<'a>) {
        self.references.push(Reference { kind, name, place: value.place() });
    }

    /// The outcome under `key`: a target, or a map of `prompt` and `next`. If it or its `next` is not written, it leads
    /// to `otherwise`.
    pub(super) fn outcome(&mut self, map: Map<'a>, key: &'static str, otherwise: Target) -> Option<Outcome> {
        match map.optional(key) {
            Some(value) => self.outcome_at(value, Some(otherwise), |names, value| names.target(value)),
            None => Some(Outcome { prompt: Prompt::default(), way: otherwise }),
        }
    }

    /// An outcome that must say where it leads.
    pub(super) fn last_outcome(&mut self, value: Value<'a>) -> Option<Outcome> {
        self.outcome_at(value, None, |names, value| names.target(value))
    }

    /// An outcome of a question, which may lead back to it; it does so if `otherwise` says so and nothing is written.
    pub(super) fn answer(&mut self, value: Value<'a>, otherwise: Option<Way>) -> Option<Outcome<Way>> {
        self.outcome_at(value, otherwise, |names, value| match value.raw() {
            Some("repeat") => Some(Way::Repeat),
            Some("back") => Some(Way::Back),
            _ => names.target(value).map(Way::To),
        })
    }

    fn outcome_at<W>(
        &mut self,
        value: Value<'a>,
        otherwise: Option<W>,
        way: impl Fn(&Names<'a>, Value<'a>) -> Option<W>,
    ) -> Option<Outcome<W>> {
        if !value.is_map() {
            return Some(Outcome { prompt: Prompt::default(), way: way(&self.names, value)? });
        }
        let map = value.map(&table::OUTCOME.shape)?;
        let prompt = map.optional("prompt").map_or(Some(Prompt::default()), |value| self.prompt(value));
        let way = match map.optional("next") {
            Some(next) => way(&self.names, next),
            None if otherwise.is_some() => otherwise,
            None => map.required("next").and(None),
        };
        Some(Outcome { prompt: prompt?, way: way? })
    }
}
