//! An answer of a server from which expressions can be worked out, as far as one can tell: for those who try flows.

use super::{Expression, Operator, Tree};
use crate::Value;

/// The longest list that is made.
const MAX_ITEMS: usize = 100;

/// One step into a value.
enum At<'t> {
    Key(&'t str),
    Item(usize),
}

impl Expression {
    /// Puts into `sample` what the expression reads of what is given as `name`.
    pub fn sample(&self, name: &str, sample: &mut Value) {
        walk(&self.root, name, &Value::from("1"), sample);
    }
}

/// `leaf` is what is put where `tree` is nothing but such a place.
fn walk(tree: &Tree, name: &str, leaf: &Value, sample: &mut Value) {
    if let Some(path) = path(tree, name) {
        put(sample, &path, leaf);
        return;
    }
    let (truth, number, text) = (Value::Bool(true), Value::Integer(1), Value::from("1"));
    match tree {
        Tree::And(left, right) | Tree::Or(left, right) => {
            walk(left, name, &truth, sample);
            walk(right, name, &truth, sample);
        }
        Tree::Not(inner) => walk(inner, name, &truth, sample),
        Tree::Negate(inner) => walk(inner, name, &number, sample),
        Tree::Choose(parts) => {
            let [condition, yes, no] = &**parts;
            walk(condition, name, &truth, sample);
            walk(yes, name, leaf, sample);
            walk(no, name, leaf, sample);
        }
        Tree::Binary(operator, left, right) => {
            let usual = match operator {
                Operator::Equal | Operator::NotEqual | Operator::Add => &text,
                _ => &number,
            };
            walk(left, name, constant(right).unwrap_or(usual), sample);
            walk(right, name, constant(left).unwrap_or(usual), sample);
        }
        Tree::Each(_, local, list, body) => {
            let mut item = Value::Null;
            walk(body, local, leaf, &mut item);
            walk(body, name, leaf, sample);
            walk(list, name, &Value::List(vec![item]), sample);
        }
        Tree::Index(inner, at) => {
            walk(inner, name, leaf, sample);
            walk(at, name, &text, sample);
        }
        Tree::Part(_, inner)
        | Tree::Spell(inner)
        | Tree::Seconds(inner)
        | Tree::Member(inner, _)
        | Tree::Has(inner, _) => {
            walk(inner, name, leaf, sample);
        }
        Tree::Call(_, items) | Tree::List(items) => items.iter().for_each(|item| walk(item, name, &text, sample)),
        Tree::Map(entries) => entries.iter().for_each(|(key, value)| {
            walk(key, name, &text, sample);
            walk(value, name, leaf, sample);
        }),
        Tree::Constant(_) | Tree::Variable(_) | Tree::Local(_) | Tree::Fact(_) | Tree::Queue(..) => {}
    }
}

fn constant(tree: &Tree) -> Option<&Value> {
    match tree {
        Tree::Constant(value) => Some(value),
        _ => None,
    }
}

/// Where a tree leads in what is given as `name`, if that is all it does.
fn path<'t>(tree: &'t Tree, name: &str) -> Option<Vec<At<'t>>> {
    let (inner, at) = match tree {
        Tree::Local(local) => return (**local == *name).then(Vec::new),
        Tree::Member(inner, key) | Tree::Has(inner, key) => (inner, At::Key(key)),
        Tree::Index(inner, at) => match constant(at)? {
            Value::Text(key) => (inner, At::Key(key)),
            Value::Integer(at) => (inner, At::Item(usize::try_from(*at).ok().filter(|at| *at < MAX_ITEMS)?)),
            _ => return None,
        },
        _ => return None,
    };
    let mut path = path(inner, name)?;
    path.push(at);
    Some(path)
}

fn put(into: &mut Value, path: &[At<'_>], leaf: &Value) {
    match path.split_first() {
        None => merge(into, leaf),
        Some((At::Key(key), rest)) => {
            if !matches!(into, Value::Map(_)) {
                *into = Value::Map(std::collections::BTreeMap::new());
            }
            if let Value::Map(map) = into {
                put(map.entry((*key).to_owned()).or_default(), rest, leaf);
            }
        }
        Some((At::Item(at), rest)) => {
            if !matches!(into, Value::List(_)) {
                *into = Value::List(Vec::new());
            }
            if let Value::List(list) = into {
                list.resize(list.len().max(at + 1), Value::Null);
                list.get_mut(*at).into_iter().for_each(|item| put(item, rest, leaf));
            }
        }
    }
}

/// Adds what `more` has and `into` has not; what is there stays.
fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Map(into), Value::Map(more)) => {
            more.iter().for_each(|(key, value)| merge(into.entry(key.clone()).or_default(), value));
        }
        (Value::List(into), Value::List(more)) => {
            into.resize(into.len().max(more.len()), Value::Null);
            into.iter_mut().zip(more).for_each(|(into, more)| merge(into, more));
        }
        (into @ Value::Null, more) => *into = more.clone(),
        _ => {}
    }
}
