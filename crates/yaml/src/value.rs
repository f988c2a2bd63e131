//! A value of the file and its typed getters.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use serde_json::Value as Json;

use crate::map::list;
use crate::tree::{Entry, Kind, Node, shorten};
use crate::{Faults, Map, Place, Prefix, Shape, Source, Span, TextPlace, did_you_mean, scalar};

/// One value of a [`crate::Document`]. Each getter gives `None` after it has added a fault.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    pub(crate) node: &'a Node,
    pub(crate) context: Context<'a>,
}

/// What a value needs to report a fault.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub source: &'a Source,
    pub faults: &'a Faults,
    /// The key that the value stands under.
    pub key: Option<(&'a str, Span)>,
}

impl<'a> Context<'a> {
    pub fn under(self, entry: &'a Entry) -> Self {
        Self { key: entry.key.text().map(|text| (text, entry.key.span)), ..self }
    }
}

impl<'a> Value<'a> {
    /// Where the value is; at its key if there is nothing behind that.
    #[must_use]
    pub fn place(&self) -> Place {
        let span = match self.context.key {
            Some((_, span)) if self.node.is_empty() => span,
            _ => self.node.span,
        };
        self.context.source.place(span)
    }

    /// Where the value's key is; where the value itself is if it has none (an item of a list, the whole file).
    #[must_use]
    pub fn key_place(&self) -> Place {
        let span = self.context.key.map_or(self.node.span, |(_, span)| span);
        self.context.source.place(span)
    }

    /// Where characters of the value's text stand, counted from 0; where the whole value is if that cannot be told: it has
    /// several lines, or escapes.
    #[must_use]
    pub fn place_of(&self, characters: &Range<usize>) -> Place {
        self.text_place().part(characters)
    }

    /// Where the value's text stands, to be kept beside it: [`Self::place_of`] for later.
    #[must_use]
    pub fn text_place(&self) -> TextPlace {
        let whole = self.place();
        let first = self.raw().filter(|text| !text.is_empty()).and_then(|text| {
            let line: Vec<char> = self.context.source.line(whole.span.line)?.chars().collect();
            let column = usize::try_from(whole.span.column).ok()?.checked_sub(1)?;
            let quote = usize::from(matches!(line.get(column), Some('"' | '\'')));
            let rest = line.get(column + quote..)?;
            let as_written = text.chars().count() <= rest.len() && text.chars().zip(rest).all(|(a, b)| a == *b);
            u32::try_from(column + quote + 1).ok().filter(|_| as_written)
        });
        TextPlace { whole, first }
    }

    /// Adds a fault at this value.
    pub fn fault(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.context.faults.add(self.place(), message, remedy);
    }

    /// Adds a fault at this value's key.
    pub fn fault_at_key(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.context.faults.add(self.key_place(), message, remedy);
    }

    /// The collector that this value's faults go to.
    #[must_use]
    pub const fn faults(&self) -> &'a Faults {
        self.context.faults
    }

    /// True if nothing is written (`key:`), or `~` or `null`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.node.is_empty()
    }

    /// True for a list.
    #[must_use]
    pub const fn is_list(&self) -> bool {
        matches!(self.node.kind, Kind::List(_))
    }

    /// True for a map.
    #[must_use]
    pub const fn is_map(&self) -> bool {
        matches!(self.node.kind, Kind::Map(_))
    }

    /// True for a map in which `key` is written.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        matches!(&self.node.kind, Kind::Map(entries) if entries.iter().any(|entry| entry.key.text() == Some(key)))
    }

    /// True for a text in quotes, or in a block, which is no number whatever it looks like.
    #[must_use]
    pub const fn is_quoted(&self) -> bool {
        matches!(self.node.kind, Kind::Scalar { quoted: true, .. })
    }

    /// The text as written, whatever it looks like; `None` without a fault for a list or a map.
    #[must_use]
    pub fn raw(&self) -> Option<&'a str> {
        self.node.text()
    }

    /// As JSON that looks the same, whatever is written. A number keeps its zeros in front: as a text.
    #[must_use]
    pub fn json(&self) -> Json {
        if self.is_map() {
            let entries = self.entries("").unwrap_or_default().into_iter();
            return Json::Object(
                entries.filter_map(|(key, value)| Some((key.raw()?.to_owned(), value.json()))).collect(),
            );
        }
        if self.is_list() {
            return Json::Array(self.list().unwrap_or_default().iter().map(Value::json).collect());
        }
        let text = self.raw().unwrap_or_default();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
            && !(digits.starts_with('0') && digits.chars().nth(1).is_some_and(|c| c.is_ascii_digit()));
        match text {
            _ if self.is_quoted() => Json::from(text),
            "" | "~" | "null" => Json::Null,
            "true" | "false" => Json::Bool(text == "true"),
            _ if is_number => serde_json::from_str(text).unwrap_or_else(|_| Json::from(text)),
            _ => Json::from(text),
        }
    }

    /// A text that is not empty. Numbers keep their text as written: `0123` is `0123`.
    #[must_use]
    pub fn string(&self) -> Option<&'a str> {
        self.scalar("a text")
    }

    /// As [`Self::string`]; a fault says that `expected` (with its article) was to be written.
    #[must_use]
    pub fn string_for(&self, expected: &str) -> Option<&'a str> {
        self.scalar(expected)
    }

    /// A lower-case name such as `sales-menu` or `101`, of at most 64 letters, digits and `-`.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        let text = self.scalar("a name")?;
        if scalar::is_name(text) {
            return Some(text);
        }
        let remedy = match scalar::nearest_name(text) {
            Some(name) => format!("write `{name}`"),
            None => "a name has lower-case letters, digits and `-`, like `sales-menu`".to_owned(),
        };
        self.fault(format!("`{}` is not a name", shorten(text)), remedy);
        None
    }

    /// Names joined by `/`, such as `welcome` or `digits/4`; at most 128 characters.
    #[must_use]
    pub fn path(&self) -> Option<&'a str> {
        let text = self.scalar("a name")?;
        if text.len() <= 128 && text.split('/').all(scalar::is_name) {
            return Some(text);
        }
        if text.contains('/') {
            let remedy = "write names with lower-case letters, digits and `-`, joined by `/`";
            self.fault(format!("`{}` is not a name", shorten(text)), remedy);
            return None;
        }
        self.name()
    }

    /// A whole number in `range`.
    #[must_use]
    pub fn integer<T>(&self, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let text = self.scalar(&expected)?;
        let number = text.parse::<i64>().ok().and_then(|number| T::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => self.wrong(&expected, text),
        }
    }

    /// A whole number in `range`, or `word`, which gives `Some(None)`.
    #[must_use]
    pub fn integer_or<T>(&self, range: RangeInclusive<T>, word: &str) -> Option<Option<T>>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let expected = format!("a whole number from {} to {}, or `{word}`", range.start(), range.end());
        let text = self.scalar(&expected)?;
        if text == word {
            return Some(None);
        }
        let number = text.parse::<i64>().ok().and_then(|number| T::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(Some(number)),
            None => self.wrong(&expected, text),
        }
    }

    /// `true` or `false`. The `yes`, `no`, `on` and `off` of older YAML are faults.
    #[must_use]
    pub fn bool(&self) -> Option<bool> {
        match self.scalar("`true` or `false`")? {
            "true" => Some(true),
            "false" => Some(false),
            text => {
                let remedy = match text.to_ascii_lowercase().as_str() {
                    "yes" | "y" | "on" | "true" => "write `true`",
                    "no" | "n" | "off" | "false" => "write `false`",
                    _ => "",
                };
                self.wrong_with("`true` or `false`", text, remedy)
            }
        }
    }

    /// A duration such as `300ms`, `5s`, `2m` or `1h`, of at most 30 days.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        let expected = "a duration such as `300ms`, `5s`, `2m` or `1h`";
        let text = self.scalar(expected)?;
        scalar::duration(text).or_else(|| {
            let is_number = text.len() < 10 && text.bytes().all(|c| c.is_ascii_digit());
            let remedy = if is_number { format!("a duration has a unit: `{text}s`") } else { String::new() };
            self.wrong_with(expected, text, remedy)
        })
    }

    /// A duration in `range`.
    #[must_use]
    pub fn duration_in(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let duration = self.duration()?;
        if range.contains(&duration) {
            return Some(duration);
        }
        let (least, most) = (scalar::show_duration(*range.start()), scalar::show_duration(*range.end()));
        self.wrong(&format!("from {least} to {most}"), self.raw().unwrap_or(""))
    }

    /// An IP address.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.parsed("an IP address such as `192.0.2.1` or `2001:db8::1`", |text| text.parse().ok())
    }

    /// An IP address and port.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        self.parsed("an address with a port such as `0.0.0.0:5060` or `\"[::]:5060\"`", |text| text.parse().ok())
    }

    /// A network, or one address.
    #[must_use]
    pub fn prefix(&self) -> Option<Prefix> {
        let expected = "a network such as `192.0.2.0/24`, or an IP address";
        let text = self.scalar(expected)?;
        Prefix::parse(text).or_else(|| {
            let meant = Prefix::parse_rounded(text).map(|prefix| format!("did you mean `{prefix}`?"));
            self.wrong_with(expected, text, meant.unwrap_or_default())
        })
    }

    /// The value of the one of `choices` that is written; a fault suggests the nearest.
    #[must_use]
    pub fn choose<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let expected = list(&words);
        let text = self.scalar(&expected)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let remedy = did_you_mean(text, words).map(|word| format!("did you mean `{word}`?")).unwrap_or_default();
        self.fault(format!("{} must be {expected}, not `{}`", self.what(), shorten(text)), remedy);
        None
    }

    /// The items of a list.
    #[must_use]
    pub fn list(&self) -> Option<Vec<Value<'a>>> {
        match &self.node.kind {
            Kind::List(items) => Some(items.iter().map(|node| Value { node, ..*self }).collect()),
            Kind::Refused => None,
            _ => self.mismatch("a list"),
        }
    }

    /// The items of a list, or the value itself as the only item.
    #[must_use]
    pub fn one_or_list(&self) -> Vec<Value<'a>> {
        if self.is_list() { self.list().unwrap_or_default() } else { vec![*self] }
    }

    /// A map with known keys; unknown ones are reported here.
    #[must_use]
    pub fn map(&self, shape: &'static Shape) -> Option<Map<'a>> {
        self.map_with(shape, &[])
    }

    /// As [`Self::map`], with a remedy for each key that people are known to write here though it belongs elsewhere.
    #[must_use]
    pub fn map_with(&self, shape: &'static Shape, remedies: &[(&str, &str)]) -> Option<Map<'a>> {
        let entries = self.raw_entries(shape.what)?;
        for entry in entries {
            let Some(key) = entry.key.text() else { continue };
            if shape.keys.contains(&key) {
                continue;
            }
            let known = remedies.iter().find(|(misplaced, _)| *misplaced == key);
            let remedy = match (known, did_you_mean(key, shape.keys.iter().copied())) {
                (Some((_, remedy)), _) => (*remedy).to_owned(),
                (None, Some(word)) => format!("did you mean `{word}`?"),
                (None, None) => format!("{} has the keys {}", shape.what, shape.keys.join(", ")),
            };
            let message = format!("unknown key `{}` in {}", shorten(key), shape.what);
            self.context.faults.add(self.context.source.place(entry.key.span), message, remedy);
        }
        Some(Map { entries, shape, owner: *self })
    }

    /// The entries of a map whose keys are free: names, numbers. `what` names the map with its article. The getters of
    /// a key work as those of a value.
    #[must_use]
    pub fn entries(&self, what: &str) -> Option<Vec<(Value<'a>, Value<'a>)>> {
        let context = self.context;
        let pair = |entry: &'a Entry| {
            let key = Value { node: &entry.key, context: Context { key: None, ..context } };
            (key, Value { node: &entry.value, context: context.under(entry) })
        };
        Some(self.raw_entries(what)?.iter().map(pair).collect())
    }

    fn raw_entries(&self, what: &str) -> Option<&'a [Entry]> {
        match &self.node.kind {
            Kind::Map(entries) => Some(entries),
            Kind::Refused => None,
            _ if self.is_empty() => {
                self.fault(format!("{} is empty", self.what()), format!("write {what} below it, indented"));
                None
            }
            _ if what.starts_with("a map") => self.mismatch(what),
            _ => self.mismatch(&format!("a map ({what})")),
        }
    }

    fn parsed<T>(&self, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.scalar(expected)?;
        let parsed = parse(text);
        if parsed.is_some() { parsed } else { self.wrong(expected, text) }
    }

    fn scalar(&self, expected: &str) -> Option<&'a str> {
        match &self.node.kind {
            Kind::Scalar { text, .. } if !self.is_empty() && !text.is_empty() => Some(text),
            Kind::Scalar { .. } => {
                self.fault(format!("{} is empty", self.what()), format!("write {expected}"));
                None
            }
            Kind::Refused => None,
            _ => self.mismatch(expected),
        }
    }

    fn wrong<T>(&self, expected: &str, text: &str) -> Option<T> {
        self.wrong_with(expected, text, "")
    }

    fn wrong_with<T>(&self, expected: &str, text: &str, remedy: impl Into<String>) -> Option<T> {
        self.fault(format!("{} must be {expected}, not `{}`", self.what(), shorten(text)), remedy);
        None
    }

    fn mismatch<T>(&self, expected: &str) -> Option<T> {
        let found = match &self.node.kind {
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            _ => "a text",
        };
        self.fault(format!("{} must be {expected}, not {found}", self.what()), "");
        None
    }

    /// How a message names this value.
    fn what(&self) -> String {
        self.context.key.map_or_else(|| "this".to_owned(), |(key, _)| format!("`{}`", shorten(key)))
    }
}
