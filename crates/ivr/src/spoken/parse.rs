//! Phrases as they are written: `<cardinal n/100> numbers/hundred [numbers/and <cardinal n%100>]`.

use std::collections::BTreeMap;

use yaml::{Value, did_you_mean};

use super::rules::{Figure, Part, Phrase, Word};

/// Words of one phrase.
const MAX_WORDS: usize = 32;

/// What a phrase may name.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub sets: &'a BTreeMap<&'a str, usize>,
    /// The names of the numbers: `n`, or `hour`, `minute`.
    pub figures: &'a [&'static str],
}

/// What is wrong, and what to do.
type Wrong = (String, String);

impl Scope<'_> {
    /// Reads a phrase; `None` after it has added a fault.
    pub fn phrase(&self, value: Value<'_>) -> Option<Phrase> {
        let text = value.string_for("words, such as `<cardinal n/100> numbers/hundred`")?;
        match self.words(text) {
            Ok(words) => Some(Phrase { words, place: value.place() }),
            Err((message, remedy)) => {
                value.fault(message, remedy);
                None
            }
        }
    }

    fn words(&self, text: &str) -> Result<Vec<Word>, Wrong> {
        let (mut words, mut optional, mut count) = (Vec::new(), None::<Vec<Word>>, 0);
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            count += 1;
            if count > MAX_WORDS {
                return Err((
                    format!("more than {MAX_WORDS} words"),
                    "give a part of them a set of its own".to_owned(),
                ));
            }
            let length = match first {
                '[' if optional.is_some() => {
                    return Err((
                        "a `[` within a `[`".to_owned(),
                        "close the first with `]`, or take it out".to_owned(),
                    ));
                }
                '[' => {
                    optional = Some(Vec::new());
                    1
                }
                ']' => {
                    words.push(close(optional.take())?);
                    1
                }
                _ => {
                    let length = word_length(rest)?;
                    let (word, _) = rest.split_at_checked(length).unwrap_or((rest, ""));
                    optional.as_mut().unwrap_or(&mut words).push(self.word(word)?);
                    length
                }
            };
            rest = rest.get(length..).unwrap_or("").trim_start();
        }
        if optional.is_some() {
            return Err((
                "a `[` without a `]`".to_owned(),
                "close it where the part that may be left out ends".to_owned(),
            ));
        }
        Ok(words)
    }

    fn word(&self, word: &str) -> Result<Word, Wrong> {
        let Some((before, behind)) = word.split_once('<') else {
            return match is_clip(word) {
                true => Ok(Word::Clip(word.into())),
                false => Err(no_clip(word)),
            };
        };
        let (inner, after) = behind.split_once('>').unwrap_or((behind, ""));
        if let Some((set, figure)) = inner.trim().split_once(char::is_whitespace) {
            if !before.is_empty() || !after.is_empty() {
                let message = format!("`<{inner}>` says several words and cannot be a part of one");
                return Err((message, "put a blank on either side of it".to_owned()));
            }
            return Ok(Word::Set { set: self.set(set)?, figure: self.figure(figure.trim())? });
        }
        if self.sets.contains_key(inner) && !self.figures.contains(&inner) {
            let remedy = format!("write `<{inner} {}>`", self.figures.first().unwrap_or(&"n"));
            return Err((format!("the set `{inner}` says a number, and none is given"), remedy));
        }
        let figure = self.figure(inner)?;
        if !is_clip(&format!("{before}0{after}")) || before.is_empty() && after.is_empty() {
            return Err(no_clip(word));
        }
        Ok(Word::Numbered { before: before.into(), figure, after: after.into() })
    }

    fn set(&self, name: &str) -> Result<usize, Wrong> {
        self.sets.get(name).copied().ok_or_else(|| {
            let remedy = match did_you_mean(name, self.sets.keys().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `{name}:` to `rules`, or name one that is there"),
            };
            (format!("there is no set of rules `{name}`"), remedy)
        })
    }

    fn figure(&self, text: &str) -> Result<Figure, Wrong> {
        let known = || format!("`{}`", self.figures.join("`, `"));
        let split = text.find(['/', '%']).unwrap_or(text.len());
        let (name, part) = text.split_at_checked(split).unwrap_or((text, ""));
        let (name, part) = (name.trim(), part.trim());
        let Some(of) = self.figures.iter().position(|known| *known == name) else {
            return Err((format!("`{name}` is no number here"), format!("write {}", known())));
        };
        let by =
            |digits: &str| digits.trim().parse::<u64>().ok().filter(|by| (2..=1_000_000_000_000_000_000).contains(by));
        let part = match part.split_at_checked(1) {
            None => Some(Part::Whole),
            Some(("/", digits)) => by(digits).map(Part::Quotient),
            Some((_, digits)) => by(digits).map(Part::Remainder),
        };
        let remedy =
            format!("write `{name}`, `{name}/100` (how often 100 goes into it) or `{name}%100` (what is left)");
        part.map(|part| Figure { of, part }).ok_or_else(|| (format!("`{text}` cannot be worked out"), remedy))
    }
}

/// An optional part that is left out when a number in it is 0 needs one.
fn close(optional: Option<Vec<Word>>) -> Result<Word, Wrong> {
    let Some(words) = optional else {
        return Err((
            "a `]` without a `[`".to_owned(),
            "open it where the part that may be left out begins".to_owned(),
        ));
    };
    if !words.iter().any(|word| word.figure().is_some()) {
        let message = "nothing says when this part is left out: no number is in it".to_owned();
        return Err((message, "take the `[` and `]` away, or put the number into it".to_owned()));
    }
    Ok(Word::Optional(words))
}

/// The octets of the word that `text` begins with. Blanks within `<…>` belong to it.
fn word_length(text: &str) -> Result<usize, Wrong> {
    let mut open = false;
    for (at, c) in text.char_indices() {
        match c {
            '<' => open = true,
            '>' => open = false,
            '[' | ']' if !open => return Ok(at),
            c if c.is_whitespace() && !open => return Ok(at),
            _ => {}
        }
    }
    if open {
        return Err(("a `<` without a `>`".to_owned(), "close it behind the number".to_owned()));
    }
    Ok(text.len())
}

fn no_clip(word: &str) -> Wrong {
    let shown: String = word.chars().take(60).collect();
    let remedy = "write the name of a prompt, such as `numbers/hundred` or `numbers/<n>`, or a set and its number, such as `<cardinal n/100>`";
    (format!("`{shown}` is not the name of a prompt"), remedy.to_owned())
}

/// What [`Value::path`] takes.
pub(super) fn is_clip(name: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_name = |name: &str| {
        name.bytes().all(|c| inner(c) || c == b'-')
            && name.bytes().next().is_some_and(inner)
            && name.bytes().last().is_some_and(inner)
    };
    name.len() <= 64 && name.split('/').all(is_name)
}
