//! Times and durations: microseconds within an expression, a text or seconds wherever they are kept.

use cel::common::ast::{CallExpr, Expr, LiteralValue};

use super::read::Reader;
use super::remedy::remedy_for;
use super::{Kind, Operator, Part, Tree};
use crate::Value;

/// As CEL has them: months, days of the month by `getDayOfMonth`, of the year and of the week are counted from 0.
const PARTS: &[(&str, Part)] = &[
    ("getFullYear", Part::FullYear),
    ("getMonth", Part::Month),
    ("getDate", Part::Date),
    ("getDayOfMonth", Part::DayOfMonth),
    ("getDayOfWeek", Part::DayOfWeek),
    ("getDayOfYear", Part::DayOfYear),
    ("getHours", Part::Hours),
    ("getMinutes", Part::Minutes),
    ("getSeconds", Part::Seconds),
];

/// The names of the functions here.
pub(super) const NAMES: [&str; 10] = [
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "duration",
];

/// The units of a duration, in microseconds.
const UNITS: &[(&str, i64)] = &[("ms", 1_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)];

/// What is kept of a tree of this kind.
pub(super) fn keep(tree: Tree, kind: Kind) -> (Tree, Kind) {
    match kind {
        Kind::Time => (Tree::Spell(Box::new(tree)), Kind::Text),
        Kind::Duration => (Tree::Seconds(Box::new(tree)), Kind::Integer),
        _ => (tree, kind),
    }
}

impl Reader<'_> {
    /// What comes of an operator of which one side is a time or a duration.
    pub fn with_times(&mut self, id: u64, sign: &str, operator: Operator, a: Kind, b: Kind) -> Kind {
        let compared = match operator {
            Operator::Equal | Operator::NotEqual => a == b || a == Kind::Null || b == Kind::Null,
            Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => a == b,
            _ => false,
        };
        match (operator, a, b) {
            _ if compared => return Kind::Bool,
            (Operator::Subtract, Kind::Time, Kind::Time)
            | (Operator::Add | Operator::Subtract, Kind::Duration, Kind::Duration) => return Kind::Duration,
            (Operator::Add | Operator::Subtract, Kind::Time, Kind::Duration)
            | (Operator::Add, Kind::Duration, Kind::Time) => return Kind::Time,
            _ => {}
        }
        let remedy = match (a, b) {
            (Kind::Duration, _) | (_, Kind::Duration) => "write a duration as `duration(\"10m\")`",
            _ => remedy_for(a, b),
        };
        self.fault(id, format!("`{sign}` cannot take {} and {}", a.spell(), b.spell()), remedy).1
    }

    /// A function of this module; `None` if it is none.
    pub fn of_time(&mut self, id: u64, call: &CallExpr) -> Option<(Tree, Kind)> {
        let name = call.func_name.as_str();
        if name == "duration" {
            return Some(self.duration(id, call));
        }
        let (_, part) = PARTS.iter().find(|(known, _)| *known == name)?;
        let (Some(of), []) = (call.target.as_deref(), call.args.as_slice()) else {
            let remedy = format!("write it as `now.{name}()`");
            return Some(self.fault(id, format!("`{name}` is not called like this"), remedy));
        };
        let (tree, kind) = self.tree(of);
        if kind != Kind::Time {
            let message = format!("this is {}: `{name}` asks a time", kind.spell());
            return Some(self.fault(of.id, message, "there are the times `now` and `repeat.last`"));
        }
        Some((Tree::Part(*part, Box::new(tree)), Kind::Integer))
    }

    fn duration(&mut self, id: u64, call: &CallExpr) -> (Tree, Kind) {
        let micros = match (&call.target, call.args.as_slice()) {
            (None, [argument]) => match &argument.expr {
                Expr::Literal(LiteralValue::String(text)) => micros(text.inner()),
                _ => None,
            },
            _ => None,
        };
        let Some(micros) = micros else {
            let (message, remedy) =
                ("this is no duration", "write one such as `duration(\"90s\")` or `duration(\"1h30m\")`");
            return (self.fault(id, message, remedy).0, Kind::Duration);
        };
        (Tree::Constant(Value::Integer(micros)), Kind::Duration)
    }
}

/// `1h30m`, `90s`, `500ms`.
fn micros(text: &str) -> Option<i64> {
    let (mut rest, mut sum) = (text, 0i64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at_checked(digits)?;
        let (unit, micros) = UNITS.iter().find(|(unit, _)| behind.starts_with(unit))?;
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(*micros)?)?;
        rest = behind.strip_prefix(unit)?;
    }
    (!text.is_empty()).then_some(sum)
}
