//! What a variable holds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a variable holds. Variables belong to the call: whatever flow it is in, it sees and sets the same ones.
///
/// It may have come from the caller, so it is personal data: `Debug` shows its kind alone.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction. Never infinite and never no number at all.
    Decimal(f64),
    /// A text. What a caller typed is one: `007` stays `007`.
    Text(String),
    /// Values in order.
    List(Vec<Self>),
    /// Values by name.
    Map(BTreeMap<String, Self>),
}

impl Value {
    /// What it is, as one would say it: `a text`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "a whole number",
            Self::Decimal(_) => "a decimal",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// What is said of it: a text as it is, a number in decimal notation with six decimals at most, of all else nothing.
    #[must_use]
    pub(crate) fn spoken(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Integer(number) => number.to_string().into(),
            Self::Decimal(number) => {
                let digits = format!("{number:.6}");
                digits.trim_end_matches('0').trim_end_matches('.').to_owned().into()
            }
            Self::Null | Self::Bool(_) | Self::List(_) | Self::Map(_) => Cow::Borrowed(""),
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_itself_again_after_it_was_written_down() {
        let map = [("pin".to_owned(), Value::from("007")), ("none".to_owned(), Value::Null)];
        let all = vec![
            Value::Null,
            Value::Bool(true),
            Value::Integer(i64::MIN),
            Value::Decimal(1.0),
            Value::Decimal(-0.25),
            Value::from("1"),
            Value::List(vec![Value::Integer(1)]),
            Value::Map(map.into()),
        ];
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(text, r#"[null,true,-9223372036854775808,1.0,-0.25,"1",[1],{"none":null,"pin":"007"}]"#);
        assert_eq!(serde_json::from_str::<Vec<Value>>(&text).unwrap(), all);
    }

    #[test]
    fn numbers_are_said_without_the_noise_of_binary_fractions() {
        let said = |value: Value| value.spoken().into_owned();
        assert_eq!(said(Value::Decimal(0.1 + 0.2)), "0.3");
        assert_eq!(said(Value::Decimal(100.0)), "100");
        assert_eq!(said(Value::Integer(-7)), "-7");
        assert_eq!(said(Value::from("007")), "007");
        assert_eq!(said(Value::Bool(true)), "");
    }

    #[test]
    fn a_value_does_not_print_what_it_holds() {
        assert_eq!(format!("{:?}", Value::from("4711")), "a text");
        assert_eq!(format!("{:?}", Value::Integer(4711)), "a whole number");
    }
}
