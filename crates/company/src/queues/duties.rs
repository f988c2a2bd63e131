//! `breaks`, `dispositions`, `login` and `codes` of `queues.yaml`: why agents may pause, what they say of calls, how they log in, and what they dial for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use acd::OfferFailure;
use switch::{Codes, Duties, Feature, Login};
use yaml::{Key, Kind, Map, Value, form, key};

use super::NAME_PATTERN;
use crate::or;

/// The highest number of a break or a disposition.
const MAX_NUMBER: u32 = 99;

pub(super) const BREAKS: Key = key(
    "breaks",
    &Kind::Map(NAME_PATTERN, &Kind::Whole(0, MAX_NUMBER as i64), 100),
    "Why agents may take a break, each with the number by which a phone names it.",
    "{ lunch: 1, coaching: 2 }",
)
.otherwise("nobody takes a break");

pub(super) const DISPOSITIONS: Key = key(
    "dispositions",
    &Kind::Map(NAME_PATTERN, &Kind::Whole(0, MAX_NUMBER as i64), 100),
    "What agents may say came of a call, in it or in the time after it, each with the number by which a phone names it.",
    "{ sold: 1, callback: 2 }",
)
.otherwise("nobody says");

pub(super) const LOGIN: Key = key(
    "login",
    &Kind::Word(&["registration", "code"]),
    "How agents log in: by `registration` of their phones (one at a fixed place is logged in from the start), or by a `code` or an operator alone.",
    "code",
)
.usual("registration");

pub(super) const CODES: Key = key(
    "codes",
    &CODE_MAP,
    "What agents dial on their own phones: `*` or `#`, and up to seven more of these and digits; `none` for no code.",
    "{ login: \"*50\", pause: \"*7\" }",
)
.otherwise("the usual ones");

form! {
    CODE_FORM, "the codes of agents", one of [],
    key("login", CODE, "He comes.", "\"*50\"").usual("\"*50\""),
    key("logout", CODE, "He goes.", "\"*51\"").usual("\"*51\""),
    key("pause", CODE, "He takes a break; the number of the reason follows, or is asked for.", "\"*52\"").usual("\"*52\""),
    key("ready", CODE, "He takes calls again.", "\"*53\"").usual("\"*53\""),
    key("end_wrap_up", CODE, "He is done with what follows his call.", "\"*54\"").usual("\"*54\""),
    key("extend_wrap_up", CODE, "He needs more time for it.", "\"*55\"").usual("\"*55\""),
    key("disposition", CODE, "What came of his call; its number follows, or is asked for.", "\"*56\"").usual("\"*56\""),
}

static CODE_MAP: Kind = Kind::Form(&CODE_FORM);
const CODE: &Kind = &Kind::Any(&[&Kind::Unlike("^[*#][0-9*#]{1,7}$"), &Kind::Word(&[NO_CODE])]);
/// Stands in the place of a code that there is none of.
const NO_CODE: &str = "none";

/// Reads these keys of the file's map.
pub(crate) fn read(file: &Map<'_>) -> Duties {
    let breaks = file.optional("breaks").map(|value| breaks(&value)).unwrap_or_default();
    let words = [("registration", Login::Registration), ("code", Login::Code)];
    let login = or(file, "login", Login::default(), |value| value.choose(&words));
    let dispositions = file.optional("dispositions");
    let dispositions =
        dispositions.map(|value| numbered(&value, "a map of dispositions", |_, _| {})).unwrap_or_default();
    let codes = codes(file.optional("codes").and_then(|value| value.map(&CODE_FORM.shape)));
    Duties { breaks, dispositions, login, codes, ..Duties::default() }
}

/// The codes that are written, and the usual ones of the others.
fn codes(map: Option<Map<'_>>) -> Codes {
    let mut codes: Vec<(Feature, Arc<str>, Option<Value<'_>>)> = Vec::new();
    for feature in Feature::ALL {
        let written = map.and_then(|map| map.optional(feature.as_str()));
        let code = match &written {
            Some(value) if value.raw() == Some(NO_CODE) => continue,
            Some(value) => code(value),
            None => Some(feature.usual()),
        };
        codes.extend(code.map(|code| (feature, code.into(), written)));
    }
    for (at, later) in codes.iter().enumerate() {
        for earlier in codes.iter().take(at) {
            check_apart(earlier, later);
        }
    }
    Codes::new(codes.into_iter().map(|(feature, code, _)| (code, feature)))
}

/// A fault if what one dials for a feature may be another one's code, too.
fn check_apart(one: &(Feature, Arc<str>, Option<Value<'_>>), other: &(Feature, Arc<str>, Option<Value<'_>>)) {
    // The usual ones are told apart, so that one of the two is written.
    let Some(place) = other.2.or(one.2) else { return };
    let reaches = |one: &(Feature, Arc<str>, _), other: &(Feature, Arc<str>, _)| {
        Codes::new([(one.1.clone(), one.0)]).find(&other.1).is_some()
    };
    let words = |(feature, code, _): &(Feature, Arc<str>, _)| format!("`{code}` for `{}`", feature.as_str());
    let message = if one.1 == other.1 {
        format!("`{}` is the code for `{}` and for `{}`", one.1, one.0.as_str(), other.0.as_str())
    } else if reaches(one, other) {
        format!("{} is also {} with a number", words(other), words(one))
    } else if reaches(other, one) {
        format!("{} is also {} with a number", words(one), words(other))
    } else {
        return;
    };
    place.fault(message, "choose another code, or write `none` if nobody needs it");
}

fn code<'a>(value: &Value<'a>) -> Option<&'a str> {
    let text = value.string()?;
    let dialled = |c: u8| c.is_ascii_digit() || b"*#".contains(&c);
    if text.starts_with(['*', '#']) && (2..=8).contains(&text.len()) && text.bytes().all(dialled) {
        return Some(text);
    }
    value.fault(
        format!("`{}` is no code", crate::names::short(text)),
        "write `*` or `#` and up to seven digits, `*` or `#` behind it, in quotes: `\"*50\"`",
    );
    None
}

fn breaks(value: &Value<'_>) -> BTreeMap<Arc<str>, u32> {
    numbered(value, "a map of breaks", |key, name| {
        if OfferFailure::ALL.iter().any(|failure| failure.reason() == name) {
            key.fault(
                format!("breaks for the reason `{name}` begin by themselves"),
                "choose another name for this one; `penalties` of a queue say when they do",
            );
        }
    })
}

/// Names, each with the number by which a phone names it.
fn numbered(value: &Value<'_>, what: &str, check: impl Fn(&Value<'_>, &str)) -> BTreeMap<Arc<str>, u32> {
    let mut names = BTreeMap::new();
    let mut taken: BTreeMap<u32, &str> = BTreeMap::new();
    for (key, value) in value.entries(what).unwrap_or_default() {
        let (name, number) = (key.name(), value.integer(0..=MAX_NUMBER));
        let (Some(name), Some(number)) = (name, number) else { continue };
        check(&key, name);
        if let Some(other) = taken.insert(number, name) {
            value.fault(format!("`{other}` has this number, too"), "give each a number of its own");
        }
        names.insert(name.into(), number);
    }
    names
}
