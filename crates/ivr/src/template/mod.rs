//! Texts with variables: what is written, and what is spoken of it.
//!
//! The text is read and rendered by crate `minijinja`, of which a small part is known here (`read` says what is not): no
//! includes, no macros, no `set`, so that a text costs no more than its bounds allow. A text without a variable is no template.

mod read;
mod tokens;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, LazyLock};

use minijinja::{Environment, ErrorKind, Output, State, UndefinedBehavior, Value as Jinja};

use self::read::Read;
use crate::expression::Error;
use crate::{Facts, Value, expression};

pub(crate) use self::read::MAX_LENGTH;

/// Steps that one text may take.
const MAX_COST: u64 = 20_000;

/// The name of the one template of an environment.
const NAME: &str = "text";

/// A text without faults, as far as they can be told before it is spoken.
pub(crate) struct Template {
    /// As it is written.
    text: Arc<str>,
    /// None if it reads nothing: then it is spoken as it is written.
    compiled: Option<Environment<'static>>,
    /// The variables that it reads, each once, with where first, in characters.
    pub reads: Vec<(Arc<str>, std::ops::Range<usize>)>,
    /// The parts of built-ins that it reads, such as `caller.number`.
    facts: Vec<Arc<str>>,
}

/// What a text may read.
pub(crate) struct Known<'a> {
    pub variables: &'a BTreeMap<String, Value>,
    pub facts: &'a Facts,
    pub language: &'a str,
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// Its faults, in their order; at least one.
    pub fn read(text: &str) -> Result<Self, Vec<expression::Wrong>> {
        let Read { compiled, reads, facts } = read::read(text)?;
        Ok(Self { text: Arc::from(text), compiled, reads, facts })
    }

    /// As it is written.
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// What is spoken, if that is always the same.
    pub fn fixed(&self) -> Option<Arc<str>> {
        self.compiled.is_none().then(|| tidy(&self.text).into())
    }

    /// What is spoken.
    ///
    /// # Errors
    /// If it reads what is not there, cannot be spoken, or comes to more than [`MAX_LENGTH`] characters.
    pub fn render(&self, known: &Known<'_>) -> Result<String, Error> {
        let Some(compiled) = &self.compiled else { return Ok(tidy(&self.text)) };
        let template = compiled.get_template(NAME).map_err(|error| word(&error))?;
        let mut out = Bounded(Vec::new());
        template.render_captured_to(self.context(known), &mut out).map_err(|error| word(&error))?;
        let said = tidy(&String::from_utf8_lossy(&out.0));
        if said.chars().count() > MAX_LENGTH { Err(Error::TooMuch) } else { Ok(said) }
    }

    /// What it reads, and no more.
    fn context(&self, known: &Known<'_>) -> Jinja {
        let Known { variables, facts, language } = known;
        let mut known: BTreeMap<&str, Jinja> = BTreeMap::new();
        for (name, _) in &self.reads {
            if let Some(value) = variables.get(&**name) {
                known.insert(name, jinja(value));
            }
        }
        let mut caller: BTreeMap<&str, Jinja> = BTreeMap::new();
        for fact in &self.facts {
            match &**fact {
                "caller.number" => {
                    caller.insert("number", Jinja::from(facts.caller_number.reveal().as_str()));
                }
                "caller.name" => {
                    caller.insert("name", Jinja::from(facts.caller_name.reveal().as_str()));
                }
                "dialled" => {
                    known.insert("dialled", Jinja::from(facts.dialled.as_str()));
                }
                "language" => {
                    known.insert("language", Jinja::from(*language));
                }
                _ => {}
            }
        }
        if !caller.is_empty() {
            known.insert("caller", Jinja::from_pairs(caller));
        }
        Jinja::from_pairs(known)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

/// What templates are read and rendered by, without a template.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut known = Environment::empty();
    known.set_undefined_behavior(UndefinedBehavior::Strict);
    known.set_fuel(Some(MAX_COST));
    known.set_formatter(speak);
    known.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    {
        use minijinja::filters::{default, first, int, join, last, length, lower, replace, round, trim, upper};
        known.add_filter("default", default);
        known.add_filter("first", first);
        known.add_filter("int", int);
        known.add_filter("join", join);
        known.add_filter("last", last);
        known.add_filter("length", length);
        known.add_filter("lower", lower);
        known.add_filter("replace", replace);
        known.add_filter("round", round);
        known.add_filter("trim", trim);
        known.add_filter("upper", upper);
    }
    known.add_test("defined", minijinja::tests::is_defined);
    known.add_test("none", minijinja::tests::is_none);
    known
});

/// Writes a value as it is spoken: null is nothing, and of lists and maps nobody knows how.
fn speak(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Jinja) -> Result<(), minijinja::Error> {
    let fault = |kind, what: &'static str| Err(minijinja::Error::new(kind, what));
    if value.is_undefined() {
        return fault(ErrorKind::UndefinedError, "a value that is not there");
    }
    if value.is_none() {
        return Ok(());
    }
    let written = match value.as_str() {
        Some(text) => out.write_str(text),
        None if value.is_number() && !value.is_integer() => {
            let number = f64::try_from(value.clone())?;
            out.write_str(&Value::Decimal(number).spoken())
        }
        None if value.is_number() || value.kind() == minijinja::value::ValueKind::Bool => {
            out.write_str(&value.to_string())
        }
        None => return fault(ErrorKind::InvalidOperation, "a value that cannot be spoken"),
    };
    written.map_err(|_| minijinja::Error::new(ErrorKind::WriteFailure, "too long"))
}

/// What is spoken of a text: its words with a blank between them, and nothing else that a speaker could take for a sign.
fn tidy(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn jinja(value: &Value) -> Jinja {
    match value {
        Value::Null => Jinja::from(()),
        Value::Bool(value) => Jinja::from(*value),
        Value::Integer(number) => Jinja::from(*number),
        Value::Decimal(number) => Jinja::from(*number),
        Value::Text(text) => Jinja::from(text.as_str()),
        Value::List(items) => Jinja::from_iter(items.iter().map(jinja)),
        Value::Map(map) => Jinja::from_pairs(map.iter().map(|(key, value)| (key.as_str(), jinja(value)))),
    }
}

/// Why it failed, in the words that conditions have for it.
fn word(error: &minijinja::Error) -> Error {
    match error.kind() {
        ErrorKind::UndefinedError => Error::Missing,
        ErrorKind::OutOfFuel | ErrorKind::WriteFailure => Error::TooMuch,
        _ => Error::WrongKind,
    }
}

/// Takes no more than a text may have.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        // Blanks are tidied away later, so that somewhat more may come; a character has up to four octets.
        if self.0.len() + octets.len() > 8 * MAX_LENGTH {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base::Pii;

    use super::*;

    fn said(text: &str, variables: &[(&str, Value)]) -> Result<String, Error> {
        let template = Template::read(text).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let facts = Facts {
            caller_number: Pii::new("+4930123".to_owned()),
            caller_name: Pii::new("Anna".to_owned()),
            dialled: "1000".to_owned(),
            ..Facts::default()
        };
        template.render(&Known { variables: &variables, facts: &facts, language: "en" })
    }

    fn faults(text: &str) -> Vec<String> {
        let Err(wrong) = Template::read(text) else { panic!("no fault in {text}") };
        wrong
            .into_iter()
            .map(|wrong| format!("{}-{} {} ({})", wrong.at.start, wrong.at.end, wrong.message, wrong.remedy))
            .collect()
    }

    #[test]
    fn a_text_says_variables_as_they_are_spoken() {
        let is = |text: &str, value: Value, expected: &str| {
            assert_eq!(said(text, &[("x", value)]).as_deref(), Ok(expected), "{text}");
        };
        is("It is {{ x }}.", Value::from("007"), "It is 007.");
        is("{{ x }}", Value::Decimal(0.1 + 0.2), "0.3");
        is("{{ x }}", Value::Decimal(100.0), "100");
        is("{{ x + 1 }}", Value::Integer(-8), "-7");
        is("a{{ x }}b", Value::Null, "ab");
        is("{{ x | upper }}", Value::from("ab"), "AB");
        is("{% if x > 1 %}{{ x }} calls{% else %}a call{% endif %}", Value::Integer(3), "3 calls");
        is("{% for y in x %}{{ y }}, {% endfor %}", Value::List(vec![Value::from("a"), Value::from("b")]), "a, b,");
        is("{{ x.name }}", Value::Map([("name".to_owned(), Value::from("Bo"))].into()), "Bo");
        is("  Hello\n\u{7} {{ x }}\r", Value::from("a\0b\nc"), "Hello a b c");
        is("<{{ x }}>", Value::from("a & b"), "<a & b>");
    }

    #[test]
    fn a_text_says_who_calls() {
        let text = "Hello {{ caller.name }}, {{ caller.number }} at {{ dialled }} in {{ language }}";
        assert_eq!(said(text, &[]).as_deref(), Ok("Hello Anna, +4930123 at 1000 in en"));
    }

    #[test]
    fn what_cannot_be_spoken_is_an_error() {
        let list = Value::List(vec![Value::Integer(1); 200]);
        let map = Value::Map([("name".to_owned(), Value::Null)].into());
        let fails = |text: &str, value: &Value| said(text, &[("x", value.clone())]).unwrap_err();
        assert_eq!(fails("{{ x.nome }}", &map), Error::Missing);
        assert_eq!(fails("{% if x.nome %}a{% endif %}", &map), Error::Missing);
        assert_eq!(fails("{{ x }}", &list), Error::WrongKind);
        assert_eq!(fails("{{ x / 0 }}", &Value::from("a")), Error::WrongKind);
        assert_eq!(fails("{{ x }}{{ x }}", &Value::from("ab ".repeat(300).as_str())), Error::TooMuch);
        assert_eq!(fails("{{ x * 5000 }}", &Value::from("abc")), Error::TooMuch);
        let nested = "{% for a in x %}{% for b in x %}{% for c in x %}{% if c > 1 %}.{% endif %}{% endfor %}{% endfor %}{% endfor %}";
        assert_eq!(fails(nested, &list), Error::TooMuch);
    }

    #[test]
    fn a_text_without_variables_is_known_before() {
        assert_eq!(Template::read(" Hello\n there ").unwrap().fixed().as_deref(), Some("Hello there"));
        assert_eq!(Template::read("{{ x }}").unwrap().fixed(), None);
    }

    #[test]
    fn faults_are_found_where_they_are() {
        assert_eq!(faults("Hi {{ caller.nam }}"), ["6-16 there is no `caller.nam` (did you mean `caller.name`?)"]);
        assert_eq!(faults("{{ x | uper }}"), ["7-11 there is no filter `uper` (did you mean `upper`?)"]);
        assert!(faults("{{ x is odd }}")[0].starts_with("8-11 there is no test `odd`"));
        assert!(faults("{{ range(3) }}")[0].starts_with("3-8 texts call no functions"));
        assert!(faults("{{ x.upper() }}")[0].starts_with("5-10 texts call no functions"));
        assert!(faults("{% set x = 1 %}{{ x }}")[0].starts_with("3-6 `set` is not known in texts"));
        assert!(faults("{% include 'x' %}")[0].contains("`include` is not known in texts"));
        assert!(
            faults("Your name is {{ x }")[0].starts_with("18-19 the text cannot be read from here on"),
            "{:?}",
            faults("Your name is {{ x }")
        );
        assert!(faults("{{ caller }}")[0].contains("`caller` alone says nothing"));
        assert!(faults("{{ now }}")[0].contains("texts cannot read `now`"));
        assert_eq!(faults(&"a".repeat(1001)).len(), 1);
    }

    #[test]
    fn a_variable_is_found_where_it_is_read_first() {
        let template = Template::read("äx {{ 'x' }} {{ a.x }} {{ x }} {{ x }}{# b #}").unwrap();
        let reads: Vec<_> = template.reads.iter().map(|(name, at)| (&**name, at.clone())).collect();
        assert_eq!(reads, [("a", 16..17), ("x", 26..27)]);
        let inner = Template::read("{% for y in x %}{{ y }}{{ loop.index }}{% endfor %}").unwrap();
        assert_eq!(inner.reads.len(), 1, "{:?}", inner.reads);
    }
}
