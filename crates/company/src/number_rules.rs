//! `numbers` of a trunk: what its far end writes in place of numbers of E.164. No two rules may match the same number, so that
//! their order means nothing. `number_rules` holds sets of them that trunks share by name.

use std::collections::{BTreeMap, BTreeSet};

use switch::{NumberRules, NumbersOf, Rule, RuleFault, RuleWay};
use yaml::{Map, Shape, Value};

use crate::Notes;
use crate::names::short;

const RULES: Shape = Shape { what: "a set of rules", keys: &["in", "out", "note"] };
const RULE: Shape = Shape { what: "a rule for numbers", keys: &["prefix", "replace", "not", "digits", "only", "note"] };
/// More are no rules but a table.
const MAX_RULES: usize = 200;
/// More exceptions to a rule are none, either.
const MAX_EXCEPTIONS: usize = 100;
const ONLY: &[(&str, NumbersOf)] = &[("called", NumbersOf::Called), ("calling", NumbersOf::Calling)];

/// The sets of rules that have a name.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    /// Each with its rules; none if they are faulty.
    sets: BTreeMap<String, Option<NumberRules>>,
    used: BTreeSet<String>,
}

impl Sets {
    /// Those of `number_rules`.
    pub fn read(root: &Map<'_>) -> Self {
        let value = root.optional("number_rules");
        let entries = value.and_then(|value| value.entries("a map of sets of rules")).unwrap_or_default();
        let read = |(key, value): (Value<'_>, Value<'_>)| {
            let rules = rules_of(&value);
            Some((key.name()?.to_owned(), rules))
        };
        Self { sets: entries.into_iter().filter_map(read).collect(), used: BTreeSet::new() }
    }

    /// The `numbers` of a trunk: rules of its own, or the name of a set.
    pub fn of_trunk(&mut self, value: &Value<'_>) -> Option<NumberRules> {
        if value.is_map() {
            return rules_of(value);
        }
        if value.raw().is_none() {
            value.fault(
                "`numbers` must be a map of rules, or the name of one",
                "write `{ in: […], out: […] }`, or a name of `number_rules`",
            );
            return None;
        }
        let name = value.name()?;
        let Some(rules) = self.sets.get(name) else {
            let meant = yaml::did_you_mean(name, self.sets.keys().map(String::as_str));
            let remedy = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    "add it to `number_rules`, or write the trunk's own rules here: `{ in: […], out: […] }`".to_owned()
                }
            };
            value.fault(format!("there are no rules `{name}`"), remedy);
            return None;
        };
        self.used.insert(name.to_owned());
        rules.clone()
    }

    /// Notes each set that no trunk names.
    pub fn note_unused(&self, root: &Map<'_>, notes: &mut Notes) {
        let entries = root.optional("number_rules").and_then(|value| value.entries("a map of sets of rules"));
        for (key, _) in entries.unwrap_or_default() {
            if key.raw().is_some_and(|name| !self.used.contains(name)) {
                notes.add(key.place(), "no trunk has these rules as its `numbers`");
            }
        }
    }
}

/// The rules at `value`.
fn rules_of(value: &Value<'_>) -> Option<NumberRules> {
    let map = value.map(&RULES)?;
    let _ = map.optional("note").map(|note| note.string());
    let list = |key, way| map.optional(key).map(|value| rules(&value, way)).unwrap_or_default();
    Some(NumberRules { inward: list("in", RuleWay::In), outward: list("out", RuleWay::Out) })
}

fn rules(value: &Value<'_>, way: RuleWay) -> Vec<Rule> {
    let mut rules: Vec<(Rule, Value<'_>)> = Vec::new();
    let values = value.list().unwrap_or_default();
    if values.len() > MAX_RULES {
        value.fault(format!("more than {MAX_RULES} rules"), "let fewer, with shorter prefixes, say the same");
        return Vec::new();
    }
    for value in values {
        let Some(rule) = value.map(&RULE).and_then(|map| rule(&value, &map, way)) else { continue };
        for (other, at) in &rules {
            let Some(example) = rule.overlap(other) else { continue };
            let place = at.place();
            let (path, line, column) = (place.source.path().to_owned(), place.span.line, place.span.column);
            let message = format!("the rule at {path}:{line}:{column} matches `{example}`, too");
            value.fault(message, "keep them apart by `not`, `digits` or `only`: order does not count");
        }
        rules.push((rule, value));
    }
    rules.into_iter().map(|(rule, _)| rule).collect()
}

fn rule(value: &Value<'_>, map: &Map<'_>, way: RuleWay) -> Option<Rule> {
    let _ = map.optional("note").map(|note| note.string());
    let (prefix, replace) = (map.required("prefix"), map.required("replace"));
    let exceptions = map.optional("not").map(|value| value.one_or_list()).unwrap_or_default();
    let digits = map.optional("digits").map(|value| range(&value));
    let only = map.optional("only").map(|value| value.choose(ONLY));
    let (prefix, replace) = (prefix?, replace?);
    if exceptions.len() > MAX_EXCEPTIONS {
        value.fault(format!("more than {MAX_EXCEPTIONS} exceptions"), "write shorter ones, or another rule");
        return None;
    }
    let not: Vec<&str> = exceptions.iter().map(Value::string).collect::<Option<_>>()?;
    // What is written and wrong was told.
    let (digits, only) = (digits.map_or(Some(None), |found| found.map(Some)), only.map_or(Some(None), |o| o.map(Some)));
    let (from, to) = (text(&prefix)?, text(&replace)?);
    match Rule::new(way, from, to, &not, digits?, only?) {
        Ok(rule) => Some(rule),
        Err(fault) => {
            tell(fault, (value, &prefix, &replace), &exceptions);
            None
        }
    }
}

/// A text that may be `""`.
fn text<'a>(value: &Value<'a>) -> Option<&'a str> {
    value.raw().filter(|text| text.is_empty() && !value.is_empty()).or_else(|| value.string())
}

fn tell(fault: RuleFault, (rule, prefix, replace): (&Value<'_>, &Value<'_>, &Value<'_>), not: &[Value<'_>]) {
    let digits = "write digits, with a `+` before them or not";
    let said = |value: &Value<'_>| short(value.raw().unwrap_or_default()).to_string();
    match fault {
        RuleFault::Prefix => prefix.fault(format!("`{}` is {fault}", said(prefix)), digits),
        RuleFault::NoNumber => replace.fault(format!("`{}` {fault}", said(replace)), digits),
        RuleFault::NotE164 => {
            let remedy = "calls that come in have numbers with `+` and a country code: `\"+49\"`, or `\"+\"` alone";
            replace.fault(format!("`{}` {fault}", said(replace)), remedy);
        }
        RuleFault::Exception(index) => {
            if let Some(value) = not.get(index) {
                let remedy = "write the whole beginning of numbers that are left out, the prefix included";
                value.fault(format!("`{}` {fault}", said(value)), remedy);
            }
        }
        RuleFault::Never => {
            let remedy = "a number has at least one digit behind `prefix`, 32 at most, and 15 if it is one of E.164; \
                          look at `digits` and `not`";
            rule.fault(format!("this rule {fault}"), remedy);
        }
    }
}

/// `FIRST-LAST`, or one number.
fn range(value: &Value<'_>) -> Option<(usize, usize)> {
    let text = value.string()?;
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let digits = |text: &str| text.trim().parse().ok().filter(|n| (1..=32usize).contains(n));
    match digits(low).zip(digits(high)) {
        Some((low, high)) if low <= high => Some((low, high)),
        _ => {
            let remedy = "write how many digits the whole number has, 1 to 32: `11`, or `9-12`";
            value.fault(format!("`{}` is no count of digits", short(text)), remedy);
            None
        }
    }
}
