//! Works an expression out.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use base::Wall;
use hours::{LocalTime, Zone};

use super::{Fact, Figure, Function, Macro, Operator, Part, Tree};
use crate::web::Last;
use crate::{Facts, Figures, Value};

/// Steps that one expression may take. Macros in macros multiply.
const MAX_COST: u32 = 20_000;

/// The longest text that may come of it, in octets.
const MAX_TEXT: usize = 4096;

/// The longest list that `+` makes.
const MAX_ITEMS: usize = 1000;

/// The room that a value may take, in octets.
const MAX_OCTETS: usize = 32 * 1024;

/// How deep lists and maps may lie in each other.
const MAX_NESTED: usize = 8;

/// What an expression may read.
pub(crate) struct Scope<'a> {
    pub variables: &'a BTreeMap<String, Value>,
    pub facts: &'a Facts,
    pub language: &'a str,
    pub now: Wall,
    /// Where the clock hangs.
    pub zone: &'a Zone,
    pub queues: &'a Figures,
    /// How the last request to a web server ended.
    pub http: Last,
    /// What is given beside all that, by name.
    pub given: &'a [(Arc<str>, Value)],
}

/// Why an expression could not be worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// An operator or function was given what it does not take: a text where a number should be.
    WrongKind,
    /// A variable that is not set, or a member, key or place that is not there.
    Missing,
    /// A number too large, a division by zero, a text that is no number.
    NoNumber,
    /// It takes too many steps, or what comes of it is too large.
    TooMuch,
}

impl Error {
    /// As a word of the journal.
    pub const fn word(self) -> &'static str {
        match self {
            Self::WrongKind => "wrong_kind",
            Self::Missing => "missing",
            Self::NoNumber => "no_number",
            Self::TooMuch => "too_much",
        }
    }
}

pub(super) fn evaluate(tree: &Tree, scope: &Scope<'_>) -> Result<Value, Error> {
    let value = Run { scope, locals: Vec::new(), cost: 0 }.value(tree)?;
    // A variable may be set to what it was and more, over and over.
    if room(&value, 0).is_some_and(|octets| octets <= MAX_OCTETS) { Ok(value) } else { Err(Error::TooMuch) }
}

/// About how many octets a value takes; `None` if it is nested too deep.
fn room(value: &Value, depth: usize) -> Option<usize> {
    if depth > MAX_NESTED {
        return None;
    }
    let inner = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(|item| room(item, depth + 1)).sum::<Option<usize>>()?,
        Value::Map(map) => {
            map.iter().map(|(key, item)| Some(key.len() + room(item, depth + 1)?)).sum::<Option<usize>>()?
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) => 0,
    };
    Some(16 + inner)
}

struct Run<'a> {
    scope: &'a Scope<'a>,
    /// Variables of macros, the innermost last.
    locals: Vec<(Arc<str>, Value)>,
    cost: u32,
}

impl Run<'_> {
    fn pay(&mut self, steps: usize) -> Result<(), Error> {
        self.cost = self.cost.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
        if self.cost > MAX_COST { Err(Error::TooMuch) } else { Ok(()) }
    }

    fn value(&mut self, tree: &Tree) -> Result<Value, Error> {
        self.pay(1)?;
        match tree {
            Tree::Constant(value) => Ok(value.clone()),
            Tree::Variable(_) | Tree::Local(_) => {
                let value = self.place(tree).unwrap_or(Err(Error::Missing))?.clone();
                self.pay(weight(&value))?;
                Ok(value)
            }
            Tree::Fact(fact) => Ok(self.fact(*fact)),
            Tree::Queue(queue, figure) => {
                let found = self.scope.queues.get(queue).ok_or(Error::Missing)?;
                Ok(Value::Integer(match figure {
                    Figure::Waiting => found.waiting.into(),
                    Figure::LongestWait => i64::try_from(found.longest_wait.as_secs()).unwrap_or(i64::MAX),
                    Figure::Free => found.free.into(),
                }))
            }
            Tree::Part(part, inner) => match self.value(inner)? {
                Value::Integer(micros) => Ok(Value::Integer(ask(*part, self.clock(micros)))),
                _ => Err(Error::WrongKind),
            },
            Tree::Spell(inner) => Ok(match self.value(inner)? {
                Value::Integer(micros) => Value::Text(self.clock(micros).rfc3339()),
                other => other,
            }),
            Tree::Seconds(inner) => Ok(match self.value(inner)? {
                Value::Integer(micros) => Value::Integer(micros.div_euclid(1_000_000)),
                other => other,
            }),
            Tree::Not(inner) => Ok(Value::Bool(!self.bool(inner)?)),
            Tree::Negate(inner) => match self.value(inner)? {
                Value::Integer(number) => number.checked_neg().map(Value::Integer).ok_or(Error::NoNumber),
                Value::Decimal(number) => Ok(Value::Decimal(-number)),
                _ => Err(Error::WrongKind),
            },
            Tree::And(left, right) => self.decide(left, right, false),
            Tree::Or(left, right) => self.decide(left, right, true),
            Tree::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                if self.bool(condition)? { self.value(yes) } else { self.value(no) }
            }
            Tree::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.pay(weight(&left) + weight(&right))?;
                binary(*operator, left, right)
            }
            Tree::Member(..) | Tree::Index(..) if self.place(tree).is_some() => {
                let value = self.place(tree).unwrap_or(Err(Error::Missing))?.clone();
                self.pay(weight(&value))?;
                Ok(value)
            }
            Tree::Member(inner, name) => match self.value(inner)? {
                Value::Map(mut map) => map.remove(&**name).ok_or(Error::Missing),
                _ => Err(Error::WrongKind),
            },
            Tree::Has(inner, name) if self.place(inner).is_some() => {
                match member(self.place(inner).unwrap_or(Err(Error::Missing))?, name) {
                    Err(Error::WrongKind) => Err(Error::WrongKind),
                    found => Ok(Value::Bool(found.is_ok())),
                }
            }
            Tree::Has(inner, name) => match self.value(inner)? {
                Value::Map(map) => Ok(Value::Bool(map.contains_key(&**name))),
                _ => Err(Error::WrongKind),
            },
            Tree::Index(inner, at) => match (self.value(inner)?, self.value(at)?) {
                (Value::Map(mut map), Value::Text(key)) => map.remove(&key).ok_or(Error::Missing),
                (Value::List(mut list), Value::Integer(at)) => match usize::try_from(at) {
                    Ok(at) if at < list.len() => Ok(list.swap_remove(at)),
                    _ => Err(Error::Missing),
                },
                _ => Err(Error::WrongKind),
            },
            Tree::Call(function, arguments) => self.call(*function, arguments),
            Tree::Each(each, name, list, body) => self.each(*each, name, list, body),
            Tree::List(items) => items.iter().map(|item| self.value(item)).collect::<Result<_, _>>().map(Value::List),
            Tree::Map(entries) => {
                let mut map = BTreeMap::new();
                for (key, value) in entries {
                    let Value::Text(key) = self.value(key)? else { return Err(Error::WrongKind) };
                    map.insert(key, self.value(value)?);
                }
                Ok(Value::Map(map))
            }
        }
    }

    /// What a tree stands for that only leads into something, so that the whole of that need not be copied; `None` for
    /// other trees.
    fn place(&self, tree: &Tree) -> Option<Result<&Value, Error>> {
        match tree {
            Tree::Variable(name) => Some(self.scope.variables.get(&**name).ok_or(Error::Missing)),
            Tree::Local(name) => {
                let found = self.locals.iter().rev().chain(self.scope.given).find(|(known, _)| known == name);
                Some(found.map(|(_, value)| value).ok_or(Error::Missing))
            }
            Tree::Member(inner, name) => Some(self.place(inner)?.and_then(|value| member(value, name))),
            Tree::Index(inner, at) => {
                let Tree::Constant(at) = &**at else { return None };
                Some(self.place(inner)?.and_then(|value| match (value, at) {
                    (Value::Map(_), Value::Text(key)) => member(value, key),
                    (Value::List(list), Value::Integer(at)) => {
                        usize::try_from(*at).ok().and_then(|at| list.get(at)).ok_or(Error::Missing)
                    }
                    _ => Err(Error::WrongKind),
                }))
            }
            _ => None,
        }
    }

    fn fact(&self, fact: Fact) -> Value {
        let facts = self.scope.facts;
        match fact {
            Fact::CallerNumber => Value::Text(facts.caller_number.reveal().clone()),
            Fact::CallerName => Value::Text(facts.caller_name.reveal().clone()),
            Fact::Dialled => Value::Text(facts.dialled.clone()),
            Fact::Language => Value::Text(self.scope.language.to_owned()),
            Fact::Now => Value::Integer(self.scope.now.as_unix_micros()),
            Fact::CallsToday => Value::Integer(facts.calls_today.into()),
            Fact::HttpStatus => self.scope.http.status.map_or(Value::Null, |status| Value::Integer(status.into())),
            Fact::HttpFailure => self.scope.http.failure.map_or(Value::Null, |failure| Value::from(failure.word())),
            Fact::LastCall => facts.last_call.map_or(Value::Null, |at| Value::Integer(at.as_unix_micros())),
        }
    }

    fn clock(&self, micros: i64) -> LocalTime {
        self.scope.zone.clock(Wall::from_unix_micros(micros))
    }

    fn bool(&mut self, tree: &Tree) -> Result<bool, Error> {
        match self.value(tree)? {
            Value::Bool(value) => Ok(value),
            _ => Err(Error::WrongKind),
        }
    }

    /// `&&` and `||`: as CEL has it, an error of one side counts only if the other does not decide.
    fn decide(&mut self, left: &Tree, right: &Tree, decisive: bool) -> Result<Value, Error> {
        let first = self.bool(left);
        if first == Ok(decisive) || first == Err(Error::TooMuch) {
            return first.map(Value::Bool);
        }
        match (first, self.bool(right)) {
            (_, Ok(second)) if second == decisive => Ok(Value::Bool(decisive)),
            (Err(error), _) | (_, Err(error)) => Err(error),
            (Ok(_), Ok(second)) => Ok(Value::Bool(second)),
        }
    }

    fn call(&mut self, function: Function, arguments: &[Tree]) -> Result<Value, Error> {
        let mut values = arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>, _>>()?;
        self.pay(values.iter().map(weight).sum())?;
        let second = if values.len() > 1 { values.pop() } else { None };
        let first = values.pop().ok_or(Error::Missing)?;
        let parts = |first: &Value, second: Option<Value>, test: fn(&str, &str) -> bool| match (first, second) {
            (Value::Text(text), Some(Value::Text(part))) => Ok(Value::Bool(test(text, &part))),
            _ => Err(Error::WrongKind),
        };
        match function {
            Function::Size => size(&first),
            Function::Contains => parts(&first, second, |text, part| text.contains(part)),
            Function::StartsWith => parts(&first, second, |text, part| text.starts_with(part)),
            Function::EndsWith => parts(&first, second, |text, part| text.ends_with(part)),
            Function::Int => to_integer(first),
            Function::Double => match to_decimal(&first)? {
                number if number.is_finite() => Ok(Value::Decimal(number)),
                _ => Err(Error::NoNumber),
            },
            Function::Text => match first {
                Value::Text(text) => Ok(Value::Text(text)),
                Value::Integer(number) => Ok(Value::Text(number.to_string())),
                Value::Decimal(number) => Ok(Value::Text(number.to_string())),
                Value::Bool(value) => Ok(Value::Text(value.to_string())),
                _ => Err(Error::WrongKind),
            },
        }
    }

    fn each(&mut self, each: Macro, name: &Arc<str>, list: &Tree, body: &Tree) -> Result<Value, Error> {
        let items = match self.value(list)? {
            Value::List(items) => items,
            Value::Map(map) => map.into_keys().map(Value::Text).collect(),
            _ => return Err(Error::WrongKind),
        };
        let (mut kept, mut count, mut error) = (Vec::new(), 0usize, None);
        let total = items.len();
        for item in items {
            self.pay(weight(&item))?;
            self.locals.push((Arc::clone(name), item));
            let found = if each == Macro::Map { self.value(body) } else { self.bool(body).map(Value::Bool) };
            let item = self.locals.pop().map(|(_, item)| item).unwrap_or_default();
            match (each, found) {
                (_, Err(Error::TooMuch)) => return Err(Error::TooMuch),
                // As with `&&` and `||`: another item may decide all the same.
                (Macro::All | Macro::Exists, Err(found)) => error = error.or(Some(found)),
                (_, Err(found)) => return Err(found),
                (Macro::All, Ok(Value::Bool(false))) => return Ok(Value::Bool(false)),
                (Macro::Exists, Ok(Value::Bool(true))) => return Ok(Value::Bool(true)),
                (Macro::Map, Ok(value)) => kept.push(value),
                (Macro::Filter, Ok(Value::Bool(true))) => kept.push(item),
                (_, Ok(value)) => count += usize::from(value == Value::Bool(true)),
            }
        }
        match (each, error) {
            (_, Some(error)) => Err(error),
            (Macro::All, None) => Ok(Value::Bool(count == total)),
            (Macro::Exists, None) => Ok(Value::Bool(false)),
            (Macro::ExistsOne, None) => Ok(Value::Bool(count == 1)),
            (Macro::Filter | Macro::Map, None) => Ok(Value::List(kept)),
        }
    }
}

fn member<'v>(value: &'v Value, name: &str) -> Result<&'v Value, Error> {
    match value {
        Value::Map(map) => map.get(name).ok_or(Error::Missing),
        _ => Err(Error::WrongKind),
    }
}

fn ask(part: Part, clock: LocalTime) -> i64 {
    match part {
        Part::FullYear => clock.year(),
        Part::Month => clock.month() - 1,
        Part::Date => clock.day(),
        Part::DayOfMonth => clock.day() - 1,
        Part::DayOfWeek => clock.weekday(),
        Part::DayOfYear => clock.day_of_year() - 1,
        Part::Hours => clock.hour(),
        Part::Minutes => clock.minute(),
        Part::Seconds => clock.second(),
    }
}

/// What it costs to copy or compare a value, in steps.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) => 0,
        Value::Text(text) => text.len() / 64,
        Value::List(items) => items.iter().map(|item| 1 + weight(item)).sum(),
        Value::Map(map) => map.iter().map(|(key, item)| 1 + key.len() / 64 + weight(item)).sum(),
    }
}

fn size(value: &Value) -> Result<Value, Error> {
    let count = match value {
        Value::Text(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        _ => return Err(Error::WrongKind),
    };
    i64::try_from(count).map(Value::Integer).map_err(|_| Error::NoNumber)
}

fn to_integer(value: Value) -> Result<Value, Error> {
    match value {
        Value::Integer(_) => Ok(value),
        Value::Text(text) => text.parse().map(Value::Integer).map_err(|_| Error::NoNumber),
        // 2^53: beyond it a decimal is no exact number any more.
        Value::Decimal(number) if number.abs() <= 9_007_199_254_740_992.0 => {
            #[allow(clippy::cast_possible_truncation, reason = "it was seen to fit")]
            let whole = number as i64;
            Ok(Value::Integer(whole))
        }
        Value::Decimal(_) => Err(Error::NoNumber),
        _ => Err(Error::WrongKind),
    }
}

fn to_decimal(value: &Value) -> Result<f64, Error> {
    match value {
        #[allow(clippy::cast_precision_loss, reason = "a decimal of a large whole number is near it")]
        Value::Integer(number) => Ok(*number as f64),
        Value::Decimal(number) => Ok(*number),
        Value::Text(text) => text.parse().map_err(|_| Error::NoNumber),
        _ => Err(Error::WrongKind),
    }
}

fn binary(operator: Operator, left: Value, right: Value) -> Result<Value, Error> {
    match operator {
        Operator::Equal => Ok(Value::Bool(equal(&left, &right))),
        Operator::NotEqual => Ok(Value::Bool(!equal(&left, &right))),
        Operator::Less => order(&left, &right).map(|order| Value::Bool(order == Ordering::Less)),
        Operator::LessEqual => order(&left, &right).map(|order| Value::Bool(order != Ordering::Greater)),
        Operator::Greater => order(&left, &right).map(|order| Value::Bool(order == Ordering::Greater)),
        Operator::GreaterEqual => order(&left, &right).map(|order| Value::Bool(order != Ordering::Less)),
        Operator::In => match right {
            Value::List(items) => Ok(Value::Bool(items.iter().any(|item| equal(item, &left)))),
            Value::Map(map) => Ok(Value::Bool(left.text().is_some_and(|key| map.contains_key(key)))),
            _ => Err(Error::WrongKind),
        },
        Operator::Add => match (left, right) {
            (Value::Text(mut text), Value::Text(more)) if text.len() + more.len() <= MAX_TEXT => {
                text.push_str(&more);
                Ok(Value::Text(text))
            }
            (Value::List(mut items), Value::List(more)) if items.len() + more.len() <= MAX_ITEMS => {
                items.extend(more);
                Ok(Value::List(items))
            }
            (Value::Text(_), Value::Text(_)) | (Value::List(_), Value::List(_)) => Err(Error::TooMuch),
            (left, right) => count(operator, &left, &right),
        },
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            count(operator, &left, &right)
        }
    }
}

fn count(operator: Operator, left: &Value, right: &Value) -> Result<Value, Error> {
    if let (Value::Integer(left), Value::Integer(right)) = (left, right) {
        let found = match operator {
            Operator::Add => left.checked_add(*right),
            Operator::Subtract => left.checked_sub(*right),
            Operator::Multiply => left.checked_mul(*right),
            Operator::Divide => left.checked_div(*right),
            _ => left.checked_rem(*right),
        };
        return found.map(Value::Integer).ok_or(Error::NoNumber);
    }
    let is_number = |value: &Value| matches!(value, Value::Integer(_) | Value::Decimal(_));
    if !is_number(left) || !is_number(right) || operator == Operator::Remainder {
        return Err(Error::WrongKind);
    }
    let (left, right) = (to_decimal(left)?, to_decimal(right)?);
    let found = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        _ => left / right,
    };
    if found.is_finite() { Ok(Value::Decimal(found)) } else { Err(Error::NoNumber) }
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Integer(_), Value::Decimal(_)) | (Value::Decimal(_), Value::Integer(_)) => {
            order(left, right) == Ok(Ordering::Equal)
        }
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Result<Ordering, Error> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => Ok(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => Ok(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Ok(left.cmp(right)),
        (Value::Integer(_) | Value::Decimal(_), Value::Integer(_) | Value::Decimal(_)) => {
            to_decimal(left)?.partial_cmp(&to_decimal(right)?).ok_or(Error::NoNumber)
        }
        _ => Err(Error::WrongKind),
    }
}
