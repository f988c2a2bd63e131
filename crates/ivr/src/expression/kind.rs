//! What an expression comes to, as far as it can be told before it is worked out.

use crate::Value;

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It cannot be told.
    Any,
    Null,
    Bool,
    Integer,
    Decimal,
    Text,
    List,
    Map,
    /// A moment. Within an expression alone: what is kept of it is a text.
    Time,
    /// Time between two moments, likewise; what is kept of it is a number.
    Duration,
}

impl Kind {
    pub const fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Integer(_) => Self::Integer,
            Value::Decimal(_) => Self::Decimal,
            Value::Text(_) => Self::Text,
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
        }
    }

    pub const fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal)
    }

    pub const fn is_of_time(self) -> bool {
        matches!(self, Self::Time | Self::Duration)
    }

    /// True if a value of this kind may be one of the other. Numbers are compared by what they are worth.
    pub fn may_equal(self, other: Self) -> bool {
        let any = |kind| kind == Self::Any || kind == Self::Null;
        any(self) || any(other) || self == other || (self.is_number() && other.is_number())
    }

    /// The one that both are, if they are.
    pub fn join(self, other: Self) -> Self {
        if self == other { self } else { Self::Any }
    }

    /// The fault of something of this kind as a condition, with its remedy, if it is one.
    pub fn as_condition(self) -> Result<(), (String, &'static str)> {
        let remedy = match self {
            Self::Any | Self::Bool => return Ok(()),
            _ if self.is_number() => "compare it with a number, such as `… > 5`",
            _ => "compare it with something, such as `… == \"4711\"`",
        };
        Err((format!("a condition is true or false, and this is {}", self.spell()), remedy))
    }

    /// The fault of something of this kind as what is looked for in a table, with its remedy, if it is one.
    pub fn as_key(self) -> Result<(), (String, &'static str)> {
        match self {
            Self::Any | Self::Text | Self::Integer => Ok(()),
            _ => Err((
                format!("a text is looked for in a table, and this is {}", self.spell()),
                "name what a key of the table is, such as `caller.number`",
            )),
        }
    }

    /// With its article.
    pub const fn spell(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Integer => "a whole number",
            Self::Decimal => "a decimal",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Time => "a time",
            Self::Duration => "a duration",
        }
    }
}
