//! Names within a flow: of nodes and of variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use yaml::{Value, did_you_mean};

use crate::expression::BUILT_IN;
use crate::flow::Target;

/// Words that stand where a node's name could stand. `back` is kept for later versions.
const WORDS: &[&str] = &["hangup", "repeat", "back", "return"];

pub(super) struct Names<'a> {
    nodes: BTreeMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    /// The names that `entries`, the nodes of the file, define.
    pub fn of(entries: &[(Value<'a>, Value<'a>)]) -> Self {
        let nodes = entries.iter().zip(0..).filter_map(|((key, _), index)| Some((key.raw()?, index))).collect();
        Self { nodes }
    }

    /// The node that `value` names.
    pub fn node(&self, value: Value<'a>) -> Option<usize> {
        let name = value.string_for("a node's name")?;
        if let Some(index) = self.nodes.get(name) {
            return Some(*index);
        }
        if matches!(name, "repeat" | "back") {
            let message = format!(
                "`{name}` can only stand where a menu or collect {}",
                if name == "back" { "asks" } else { "asks again" }
            );
            value.fault(message, "name a node");
            return None;
        }
        let close: String = name.chars().filter(char::is_ascii_alphabetic).collect();
        let word = WORDS.iter().find(|word| **word == close.to_ascii_lowercase()).copied();
        let remedy = match word.or_else(|| did_you_mean(name, self.nodes.keys().copied())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add a node `{name}:`, or name one that there is"),
        };
        value.fault(format!("there is no node `{name}`"), remedy);
        None
    }

    /// Where `value` sends a caller: a node, or one of the words `hangup` and `return`.
    pub fn target(&self, value: Value<'a>) -> Option<Target> {
        match value.string_for("a node's name, or `hangup`")? {
            "hangup" => Some(Target::Hangup),
            "return" => Some(Target::Return),
            _ => self.node(value).map(Target::Node),
        }
    }

    /// The variable that `value` names.
    pub fn variable(&self, value: Value<'a>) -> Option<Arc<str>> {
        let name = value.string_for("a variable's name")?;
        if BUILT_IN.contains(&name) {
            let message = format!("`{name}` has a meaning of its own and cannot name a variable");
            value.fault(message, format!("choose another name, such as `my_{name}`"));
            return None;
        }
        if is_variable(name) {
            return Some(Arc::from(name));
        }
        let plain = name.to_ascii_lowercase().replace([' ', '-'], "_");
        let remedy = match is_variable(&plain) {
            true => format!("write `{plain}`"),
            false => "a variable has lower-case letters, digits and `_`, like `account_number`".to_owned(),
        };
        value.fault("this is not the name of a variable", remedy);
        None
    }
}

/// The name that a node's key gives it.
pub(super) fn node_name(key: Value<'_>) -> Option<Arc<str>> {
    let name = key.name()?;
    if WORDS.contains(&name) {
        key.fault(format!("`{name}` has a meaning of its own and cannot name a node"), "choose another name");
        return None;
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        key.fault(
            format!("`{name}` does not begin with a letter"),
            "name the node for what it does, like `sales-menu`",
        );
        return None;
    }
    Some(Arc::from(name))
}

/// Conditions and templates will name variables, so they are written as those languages want them.
pub(crate) fn is_variable(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
}
