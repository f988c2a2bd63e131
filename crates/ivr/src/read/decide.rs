//! `when` and `set`: nodes that do something with what is known.

use std::sync::Arc;

use yaml::{Map, Value};

use super::{Reader, table};
use crate::expression::{self, Kind, Kinds};
use crate::flow::{Look, Set, Target, When, Written};
use crate::rows::By;
use crate::{Reference, ReferenceKind};

/// The most cases of a `when`.
pub(super) const MAX_CASES: usize = 100;

/// The most variables that one `set` sets.
pub(super) const MAX_SET: usize = 50;

impl<'a> Reader<'a> {
    pub(super) fn when(&mut self, value: Value<'a>) -> Option<When> {
        let items = value.list()?;
        let Some((last, cases)) = items.split_last() else {
            value.fault_at_key("a `when` needs a case", "write `[{ if: \"…\", next: NAME }, { otherwise: NAME }]`");
            return None;
        };
        if items.len() > MAX_CASES {
            value.fault_at_key(format!("a `when` has at most {MAX_CASES} cases, not {}", items.len()), "");
            return None;
        }
        let cases: Vec<Option<(Written, Target)>> = cases.iter().map(|case| self.case(*case)).collect();
        let otherwise = self.otherwise(*last);
        if items.len() == 1 && !last.has("if") {
            last.fault(
                "a `when` with `otherwise` alone decides nothing",
                "add `{ if: \"…\", next: NAME }` before it, or use `goto`",
            );
            return None;
        }
        Some(When { cases: cases.into_iter().collect::<Option<_>>()?, otherwise: otherwise? })
    }

    /// `when` by a table.
    pub(super) fn look(&mut self, value: Value<'a>) -> Option<Look> {
        let map = value.map(&table::LOOK.shape)?;
        let text = map.required("value").and_then(|value| {
            let written = self.expression(value, None)?;
            match written.expression.kind.as_key() {
                Ok(()) => Some(written),
                Err((message, remedy)) => {
                    value.fault(message, remedy);
                    None
                }
            }
        });
        let rows = map.required("in").and_then(|value| {
            let name: Arc<str> = Arc::from(value.name()?);
            self.refer(ReferenceKind::Table, Arc::clone(&name), value);
            Some(name)
        });
        let by =
            map.optional("by").map_or(Some(By::Exact), |by| by.choose(&[("exact", By::Exact), ("prefix", By::Prefix)]));
        let into = map.optional("into").map(|into| self.names.variable(into));
        let found = map.required("found").and_then(|value| self.last_outcome(value));
        let otherwise = map.required("otherwise").and_then(|value| self.last_outcome(value));
        Some(Look {
            value: text?,
            rows: rows?,
            by: by?,
            into: into.map_or(Some(None), |into| into.map(Some))?,
            found: found?,
            otherwise: otherwise?,
        })
    }

    fn case(&mut self, value: Value<'a>) -> Option<(Written, Target)> {
        if value.has("otherwise") {
            value.fault(
                "`otherwise` is not the last case, so that those behind it are never reached",
                "move it to the end",
            );
            return None;
        }
        let map = value.map(&table::CASE.shape)?;
        let condition = map.required("if").and_then(|text| self.expression(text, Some(Kind::Bool)));
        let next = map.required("next").and_then(|next| self.names.target(next));
        Some((condition?, next?))
    }

    fn otherwise(&mut self, value: Value<'a>) -> Option<Target> {
        if value.has("if") {
            value.fault("nothing says what follows when no case holds", "add `{ otherwise: NAME }` as the last case");
            // Its own faults are told, too.
            let _ = self.case(value);
            return None;
        }
        let map = value.map(&table::OTHERWISE.shape)?;
        map.required("otherwise").and_then(|target| self.names.target(target))
    }

    pub(super) fn set(&mut self, node: Map<'a>, value: Value<'a>) -> Option<Set> {
        let next = self.next(node);
        let entries = value.entries("variables, such as `vip: \"true\"`")?;
        if entries.is_empty() || entries.len() > MAX_SET {
            value.fault_at_key(format!("a `set` sets 1 to {MAX_SET} variables, not {}", entries.len()), "");
            return None;
        }
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (key, value) in entries {
            names.push(self.names.variable(key));
            values.push(self.expression(value, None));
        }
        let (names, values) = (names.into_iter().collect::<Option<_>>(), values.into_iter().collect::<Option<_>>());
        Some(Set { names: names?, values: values?, next: next? })
    }

    pub(super) fn expression(&mut self, value: Value<'a>, wanted: Option<Kind>) -> Option<Written> {
        self.expression_given(value, wanted, &[])
    }

    /// An expression that may read what is `given`, beside variables.
    pub(super) fn expression_given(
        &mut self,
        value: Value<'a>,
        wanted: Option<Kind>,
        given: &[(&str, Kind)],
    ) -> Option<Written> {
        let text = value.string_for("an expression, such as `account == \"4711\"`")?;
        self.expression_of(value, text, wanted, given)
    }

    /// The same of a text that stands for one which is not written at `value`.
    pub(super) fn expression_of(
        &mut self,
        value: Value<'a>,
        text: &str,
        wanted: Option<Kind>,
        given: &[(&str, Kind)],
    ) -> Option<Written> {
        let read = match expression::read(text, given, &Kinds::new()) {
            Ok(read) => read,
            Err(wrong) => {
                for wrong in wrong {
                    value.faults().add(value.place_of(&wrong.at), wrong.message, wrong.remedy);
                }
                return None;
            }
        };
        if wanted == Some(Kind::Bool)
            && let Err((message, remedy)) = read.kind.as_condition()
        {
            value.fault(message, remedy);
            return None;
        }
        let queues = read.queues.iter().map(|(name, at)| (ReferenceKind::QueueFigures, Arc::clone(name), at));
        let clock = read.clock.iter().map(|at| (ReferenceKind::Zone, Arc::from(""), at));
        let references =
            queues.chain(clock).map(|(kind, name, at)| Reference { kind, name, place: value.place_of(at) });
        self.references.extend(references);
        let reads = read.reads.iter().map(|(name, at)| (Arc::clone(name), value.place_of(at))).collect();
        Some(Written { text: text.into(), place: value.text_place(), expression: read, reads })
    }
}
