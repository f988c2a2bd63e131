//! From a text to a [`super::Template`], with its faults.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use minijinja::Environment;
use yaml::did_you_mean;

use super::tokens::{Token, tokens};
use super::{ENVIRONMENT, NAME};
use crate::expression::Wrong;

/// The longest text, in characters, written as well as spoken: about a minute of speech.
pub(crate) const MAX_LENGTH: usize = 1000;

/// The statements that texts know.
const STATEMENTS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor"];
const FILTERS: &[&str] =
    &["default", "first", "int", "join", "last", "length", "lower", "replace", "round", "trim", "upper"];
/// What is known of a caller.
const CALLER: [&str; 2] = ["number", "name"];
const TESTS: &[&str] = &["defined", "none"];

/// Words that name nothing.
const WORDS: &[&str] =
    &["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];

/// What was read.
pub(super) struct Read {
    pub compiled: Option<Environment<'static>>,
    pub reads: Vec<(Arc<str>, Range<usize>)>,
    pub facts: Vec<Arc<str>>,
}

/// Reads a text.
///
/// # Errors
/// Its faults, in their order; at least one.
pub(super) fn read(text: &str) -> Result<Read, Vec<Wrong>> {
    let length = text.chars().count();
    let fault = |at: Range<usize>, message: String, remedy: &str| Wrong { at, message, remedy: remedy.to_owned() };
    if length > MAX_LENGTH {
        let message = format!("a text has at most {MAX_LENGTH} characters, not {length}");
        return Err(vec![fault(0..length, message, "split it")]);
    }
    if super::tidy(text).is_empty() {
        return Err(vec![fault(0..length, "there is nothing to say".to_owned(), "write a text")]);
    }
    if !["{{", "{%", "{#"].iter().any(|tag| text.contains(tag)) {
        return Ok(Read { compiled: None, reads: Vec::new(), facts: Vec::new() });
    }
    let mut names = Names { tokens: tokens(text), reads: Vec::new(), facts: BTreeSet::new(), wrong: Vec::new() };
    // Its own parser tells of these in words that nobody expects.
    names.statements();
    if !names.wrong.is_empty() {
        return Err(names.wrong);
    }
    let mut compiled = ENVIRONMENT.clone();
    let undeclared = match compiled.add_template_owned(NAME, text.to_owned()) {
        Ok(()) => compiled.get_template(NAME).map(|template| template.undeclared_variables(false)),
        Err(error) => Err(error),
    };
    let undeclared = undeclared.map_err(|error| vec![not_a_template(text, &error)])?;
    names.judge(&undeclared.into_iter().collect());
    if names.wrong.is_empty() {
        let facts = names.facts.into_iter().map(Arc::from).collect();
        return Ok(Read { compiled: Some(compiled), reads: names.reads, facts });
    }
    names.wrong.sort_by_key(|wrong| wrong.at.start);
    Err(names.wrong)
}

/// What the parser says.
fn not_a_template(text: &str, error: &minijinja::Error) -> Wrong {
    let length = text.chars().count();
    let chars = |octets: usize| text.get(..octets).map_or(length, |before| before.chars().count());
    let at = error.range().map_or(0..length, |range| chars(range.start)..chars(range.end));
    // At the end of the text there is nothing to point at but what stands before it.
    let start = at.start.min(length.saturating_sub(1));
    let line = match error.line() {
        Some(line) if text.trim_end().contains('\n') => format!(" (line {line} of the text)"),
        _ => String::new(),
    };
    let detail = error.detail().unwrap_or("it is no template");
    Wrong {
        at: start..at.end.max(start + 1),
        message: format!("the text cannot be read from here on{line}: {detail}"),
        remedy: "a variable is written as `{{ name }}`, a choice as `{% if name %}…{% else %}…{% endif %}`".to_owned(),
    }
}

struct Names {
    tokens: Vec<Token>,
    reads: Vec<(Arc<str>, Range<usize>)>,
    facts: BTreeSet<String>,
    wrong: Vec<Wrong>,
}

impl Names {
    fn statements(&mut self) {
        for token in self.tokens.iter().filter(|token| token.begins_statement) {
            if !STATEMENTS.contains(&token.text.as_str()) {
                let remedy = match (did_you_mean(&token.text, STATEMENTS.iter().copied()), token.text.as_str()) {
                    (_, "set") => "set it in a `set` node before this one".to_owned(),
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, _) => format!("there are {}", STATEMENTS.join(", ")),
                };
                let message = format!("`{}` is not known in texts", token.text);
                self.wrong.push(Wrong { at: token.at.clone(), message, remedy });
            }
        }
    }

    /// Looks at every word: what it names, and whether there is such a thing.
    fn judge(&mut self, undeclared: &BTreeSet<String>) {
        let tokens = std::mem::take(&mut self.tokens);
        let text = |index: Option<usize>| index.and_then(|index| tokens.get(index)).map_or("", |token| &token.text);
        for (index, token) in tokens.iter().enumerate() {
            if !token.is_word() || token.begins_statement {
                continue;
            }
            let before = text(index.checked_sub(1));
            let is_test = before == "is" || (before == "not" && text(index.checked_sub(2)) == "is");
            let is_called = text(Some(index + 1)) == "(";
            match before {
                "|" => self.known(token, "filter", FILTERS),
                _ if is_test && token.text != "not" => self.known(token, "test", TESTS),
                _ if is_called && !WORDS.contains(&token.text.as_str()) => {
                    let remedy =
                        format!("change a value by a filter, such as `{{{{ name | upper }}}}`: {}", FILTERS.join(", "));
                    self.wrong.push(Wrong {
                        at: token.at.clone(),
                        message: "texts call no functions".to_owned(),
                        remedy,
                    });
                }
                "." => {}
                _ if undeclared.contains(&token.text) => {
                    let member = if text(Some(index + 1)) == "." { text(Some(index + 2)) } else { "" };
                    let end = if member.is_empty() { index } else { index + 2 };
                    let end = tokens.get(end).map_or(token.at.end, |token| token.at.end);
                    self.name(token, member, token.at.start..end);
                }
                _ => {}
            }
        }
    }

    fn known(&mut self, token: &Token, what: &str, known: &[&str]) {
        if known.contains(&token.text.as_str()) {
            return;
        }
        let remedy = match did_you_mean(&token.text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        let message = format!("there is no {what} `{}`", token.text);
        self.wrong.push(Wrong { at: token.at.clone(), message, remedy });
    }

    /// A variable, or what stands for what is known of the call.
    fn name(&mut self, token: &Token, member: &str, at: Range<usize>) {
        let mut fault = |message: String, remedy: String| self.wrong.push(Wrong { at: at.clone(), message, remedy });
        match token.text.as_str() {
            name @ ("dialled" | "language") => drop(self.facts.insert(name.to_owned())),
            "caller" if member.is_empty() => {
                fault("`caller` alone says nothing".to_owned(), "write `caller.number` or `caller.name`".to_owned());
            }
            "caller" => {
                if CALLER.contains(&member) {
                    self.facts.insert(format!("caller.{member}"));
                    return;
                }
                let remedy = match did_you_mean(member, CALLER) {
                    Some(near) => format!("did you mean `caller.{near}`?"),
                    None => "a caller has `caller.number` and `caller.name`".to_owned(),
                };
                fault(format!("there is no `caller.{member}`"), remedy);
            }
            name @ ("now" | "repeat" | "queues" | "http") => {
                fault(format!("texts cannot read `{name}`"), "keep it in a variable by `set` first".to_owned())
            }
            name => {
                if !self.reads.iter().any(|(known, _)| **known == *name) {
                    self.reads.push((Arc::from(name), token.at.clone()));
                }
            }
        }
    }
}
