//! Tables of keys: one row a key, from which come both the [`Shape`] that the reader holds a map against and what an editor
//! tells of it (`strowger schema`). So neither knows a key that the other does not.

use crate::Shape;

/// A map of a language: its keys, each with what may stand there and what people want to know of it.
#[derive(Debug)]
pub struct Form {
    /// What the reader compares with.
    pub shape: Shape,
    /// The keys, in the order of [`Shape::keys`].
    pub keys: &'static [Key],
    /// Keys of which one must be written, and no two; empty if there are none.
    pub one_of: &'static [&'static str],
}

/// One key of a [`Form`]. Made by [`key`] and the methods that follow it.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What may stand behind it.
    pub kind: &'static Kind,
    /// What it means, in a sentence or two.
    pub about: &'static str,
    /// It must be written.
    pub needed: bool,
    /// What holds if it is not written.
    pub usual: Usual,
    /// A value as one would write it, in YAML's flow style; never empty.
    pub example: &'static str,
    /// Where the key of this name has this value, it has no place; else it must be written.
    pub unless: Option<(&'static str, &'static str)>,
    /// Keys beside it in the same map that must be written where this one is.
    pub with: &'static [&'static str],
    /// But they need not where the map behind this key has this value under this key.
    pub with_unless: Option<(&'static str, &'static str)>,
    /// Keys that have no place beside it.
    pub without: &'static [&'static str],
}

/// What holds if a key is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usual {
    /// It must be written, or nothing holds then.
    None,
    /// This value, as one would write it.
    Value(&'static str),
    /// What these words say.
    Words(&'static str),
}

/// What may stand behind a key.
#[derive(Debug)]
pub enum Kind {
    /// Any text, numbers included.
    Text,
    /// A text that matches this regular expression (ECMA 262), which is anchored. A number is taken by what it looks like
    /// as a text, which a schema cannot say; so all numbers pass.
    Like(&'static str),
    /// As [`Self::Like`], and no number passes: `5s`.
    Unlike(&'static str),
    /// `true` or `false`.
    Bool,
    /// A whole number, least and most.
    Whole(i64, i64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Whatever YAML can say.
    Anything,
    /// Nothing: `key:`.
    Empty,
    /// A map with known keys.
    Form(&'static Form),
    /// A list of at least one and at most so many.
    List(&'static Kind, usize),
    /// A map with free keys, which match this regular expression; at least one, at most so many.
    Map(&'static str, &'static Kind, usize),
    /// Any of these.
    Any(&'static [&'static Kind]),
    /// Another one, under a name of its own, because it stands in many places.
    Named(&'static str, &'static Kind),
}

/// A row: an optional key without more to say.
#[must_use]
pub const fn key(name: &'static str, kind: &'static Kind, about: &'static str, example: &'static str) -> Key {
    let (usual, unless, with_unless) = (Usual::None, None, None);
    Key { name, kind, about, needed: false, usual, example, unless, with: &[], with_unless, without: &[] }
}

impl Key {
    /// It must be written.
    #[must_use]
    pub const fn needed(self) -> Self {
        Self { needed: true, ..self }
    }

    /// It must be written, but where the key `other` has the value `value`: there it has no place.
    #[must_use]
    pub const fn needed_unless(self, other: &'static str, value: &'static str) -> Self {
        Self { unless: Some((other, value)), ..self }
    }

    /// The value that holds if it is not written.
    #[must_use]
    pub const fn usual(self, value: &'static str) -> Self {
        Self { usual: Usual::Value(value), ..self }
    }

    /// What holds if it is not written, in words.
    #[must_use]
    pub const fn otherwise(self, words: &'static str) -> Self {
        Self { usual: Usual::Words(words), ..self }
    }

    /// Where it is written, these must be written beside it.
    #[must_use]
    pub const fn with(self, keys: &'static [&'static str]) -> Self {
        Self { with: keys, ..self }
    }

    /// As [`Self::with`], but for a map behind this key that has `value` under `own`.
    #[must_use]
    pub const fn with_unless(self, keys: &'static [&'static str], own: &'static str, value: &'static str) -> Self {
        Self { with: keys, with_unless: Some((own, value)), ..self }
    }

    /// Where it is written, these must not be written beside it.
    #[must_use]
    pub const fn without(self, keys: &'static [&'static str]) -> Self {
        Self { without: keys, ..self }
    }
}

/// Defines a [`Form`]: its name, what it is (with its article), maybe `one of` its keys that must be written, and its rows.
///
/// ```
/// use yaml::{Form, Kind, form, key};
///
/// form! {
///     MENU, "a menu", one of [],
///     key("timeout", &Kind::Unlike("^[0-9]+s$"), "How long it waits.", "8s").usual("5s"),
/// }
/// assert_eq!(MENU.shape.keys, ["timeout"]);
/// ```
#[macro_export]
macro_rules! form {
    ($vis:vis $name:ident, $what:expr, one of $one_of:expr, $($key:expr),+ $(,)?) => {
        $vis static $name: $crate::Form = $crate::Form {
            shape: $crate::Shape { what: $what, keys: &[$($key.name),+] },
            keys: &[$($key),+],
            one_of: &$one_of,
        };
    };
}
