//! `http`: asks a web server.

use std::sync::Arc;
use std::time::Duration;

use yaml::{Map, Value};

use super::{BESIDE, Reader, table};
use crate::ReferenceKind;
use crate::expression::Kind;
use crate::flow::{Http, Outcome, Prompt, Target, Written};
use crate::web::{Method, Origin, read_headers, read_url};

/// The most names of a query, a body, headers, or of what is taken.
pub(super) const MAX_PARTS: usize = 50;

/// How long a request may take if nothing is written.
const TIMEOUT: Duration = Duration::from_secs(3);

impl<'a> Reader<'a> {
    pub(super) fn http(&mut self, node: Map<'a>, value: Value<'a>) -> Option<Http> {
        let next = self.next(node);
        // If `next` is at fault, that was said; the outcome need not repeat it.
        let otherwise = next.unwrap_or(Target::Hangup);
        let map = value.map_with(&table::HTTP.shape, BESIDE)?;
        let asked = map.one_of(table::HTTP.one_of).and_then(|(method, url)| {
            let method = match method {
                "get" => Method::Get,
                "post" => Method::Post,
                _ => Method::Put,
            };
            Some((method, self.url(url)?, url.place()))
        });
        let query = self.parts(map, "query", &[]);
        if let (Some((Method::Get, ..)), Some(send)) = (&asked, map.optional("send")) {
            send.fault_at_key("a `get` sends nothing", "write `query:`, or `post:` in the place of `get:`");
        }
        let sends = map.optional("send").is_some();
        let send = self.parts(map, "send", &[]);
        let origin = asked.as_ref().map(|(_, (origin, _), _)| origin);
        let headers = read_headers(map, origin, |name, place| self.refer(ReferenceKind::Secret, name, place));
        let timeout = map
            .optional("timeout")
            .map_or(Some(TIMEOUT), |value| value.duration_in(Duration::from_millis(100)..=Duration::from_secs(30)));
        let hear = map.optional("hear").map_or(Some(Prompt::default()), |value| self.prompt(value));
        let take = self.take(map);
        let failed: Option<Outcome> = match map.optional("failed") {
            Some(_) => self.outcome(map, "failed", otherwise),
            None => map.required("failed").and(None),
        };
        let (names, values) = take?;
        let (method, (origin, path), place) = asked?;
        Some(Http {
            method,
            origin,
            path,
            place,
            query: query?,
            headers: headers?,
            send: if sends { Some(send?) } else { None },
            timeout: timeout?,
            hear: hear?,
            names,
            take: values,
            failed: failed?,
            next: next?,
        })
    }

    /// The origin of a URL, which must be allowed, and its path.
    fn url(&mut self, value: Value<'a>) -> Option<(Origin, Arc<str>)> {
        let text = value.string_for("a URL, such as `https://crm.example/customers`")?;
        match read_url(text) {
            Ok((origin, path)) => {
                self.refer(ReferenceKind::Origin, origin.to_string().into(), value);
                Some((origin, path.into()))
            }
            Err(why) => {
                value.fault(format!("this is not a URL: {why}"), "write one such as `https://crm.example/customers`");
                None
            }
        }
    }

    /// Names, each with an expression.
    fn parts(&mut self, map: Map<'a>, key: &'static str, given: &[(&str, Kind)]) -> Option<Vec<(Arc<str>, Written)>> {
        let Some(value) = map.optional(key) else { return Some(Vec::new()) };
        let entries = value.entries("names, each with an expression")?;
        if entries.is_empty() || entries.len() > MAX_PARTS {
            value.fault_at_key(format!("`{key}` has 1 to {MAX_PARTS} names, not {}", entries.len()), "");
            return None;
        }
        let parts: Vec<_> = entries
            .into_iter()
            .map(|(name, value)| {
                let text = name.string_for("a name").filter(|text| !text.is_empty());
                let written = self.expression_given(value, None, given);
                Some((Arc::from(text?), written?))
            })
            .collect();
        parts.into_iter().collect()
    }

    /// Variables, each with what it takes of the answer.
    fn take(&mut self, map: Map<'a>) -> Option<(Vec<Arc<str>>, Vec<Written>)> {
        let entries = map.optional("take").and_then(|value| value.entries("variables, each with an expression"));
        let known: Vec<Option<Arc<str>>> =
            entries.into_iter().flatten().map(|(name, _)| self.names.variable(name)).collect();
        let parts = self.parts(map, "take", &[("reply", Kind::Any), ("status", Kind::Integer)])?;
        let values: Vec<Written> = parts.into_iter().map(|(_, written)| written).collect();
        if let Some(take) = map.optional("take")
            && values.iter().any(|written| !written.expression.queues.is_empty())
        {
            let remedy = "read them by a `set` before or behind this node";
            take.fault_at_key("`take` is about the answer, and cannot read how queues stand", remedy);
            return None;
        }
        Some((known.into_iter().collect::<Option<_>>()?, values))
    }
}
