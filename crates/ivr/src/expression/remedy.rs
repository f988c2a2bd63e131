//! What is said to those who wrote an expression that makes no sense.

use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use super::{Kind, Operator};

/// For something of kind `a` where `b` should stand.
pub(super) fn remedy_for(a: Kind, b: Kind) -> &'static str {
    let either = |kind| a == kind || b == kind;
    match () {
        () if a == Kind::Text && b.is_number() => {
            "what a caller types is text: make a number of the text by `int(text)`"
        }
        () if a.is_number() && b == Kind::Text => {
            "write the number in quotes, or make a text of it by `string(number)`"
        }
        () if a == Kind::Time || b == Kind::Time => "ask for a part of it, such as `now.getHours()`",
        () if either(Kind::Text) && either(Kind::Bool) => "compare it, such as `text != \"\"`",
        () if either(Kind::Bool) && (a.is_number() || b.is_number()) => "compare it, such as `count > 0`",
        () => "",
    }
}

/// For the two sides of an operator, each with its kind.
pub(super) fn remedy_for_sides(operator: Operator, left: (&IdedExpr, Kind), right: (&IdedExpr, Kind)) -> String {
    let (text, number) = match (left, right) {
        ((text, Kind::Text), (number, kind)) | ((number, kind), (text, Kind::Text)) if kind.is_number() => {
            (text, number)
        }
        ((word, Kind::Text), (_, Kind::Bool)) | ((_, Kind::Bool), (word, Kind::Text)) if is_bool(word) => {
            return "`true` and `false` are written without quotes".to_owned();
        }
        _ => return remedy_for(left.1, right.1).to_owned(),
    };
    let adds = operator == Operator::Add;
    let of_text = adds || matches!(operator, Operator::Equal | Operator::NotEqual);
    if let Expr::Literal(LiteralValue::String(literal)) = &text.expr {
        return match literal.inner().parse::<f64>() {
            Ok(_) => format!("write the number without quotes: `{}`", literal.inner()),
            Err(_) if adds => format!("make a text of the number by `string({})`", spell(number, "number")),
            Err(_) => "write a number in place of the text".to_owned(),
        };
    }
    let text = spell(text, "text");
    match number.expr {
        Expr::Literal(_) if of_text => {
            format!("what a caller types is text: write the number in quotes, or make one of the text by `int({text})`")
        }
        _ => format!("what a caller types is text: make a number of it by `int({text})`"),
    }
}

/// `"true"` and `"false"`.
fn is_bool(expr: &IdedExpr) -> bool {
    matches!(&expr.expr, Expr::Literal(LiteralValue::String(text)) if matches!(text.inner(), "true" | "false"))
}

/// A name, or a member of one, as it is written; `other` if it is more than that.
fn spell(expr: &IdedExpr, other: &str) -> String {
    match &expr.expr {
        Expr::Ident(name) => name.clone(),
        Expr::Select(select) => match &select.operand.expr {
            Expr::Ident(owner) => format!("{owner}.{}", select.field),
            _ => other.to_owned(),
        },
        Expr::Literal(LiteralValue::Int(number)) => number.inner().to_string(),
        _ => other.to_owned(),
    }
}
