//! Numbers, amounts, dates and times as sequences of clips, by a table for each language.
//!
//! The one contract: [`Table::read`] gives a table only if nothing is wrong with it; then [`Table::say`] is a pure function
//! from a text to names of prompts, and each name that it can ever give is in [`Table::clips`]. A table is a YAML file
//! (`languages/en.yaml`): sets of rules by range, in which a number is divided and handed on, so that a language needs no
//! code. How to write one stands in `config/README.md`.
//!
//! Where to find what: `figures` what a text says · `rules` what a table holds, worked out · `parse` phrases as they are
//! written · `read` the file · `reach` what a table can come to, and whether it ends.
//!
//! What is not what its item wants (`{date: x}` of `tomorrow`) is read digit by digit, and what has no digit is passed over:
//! a caller who hears what he typed can tell what is wrong with it.

mod figures;
mod languages;
mod line;
mod parse;
mod reach;
mod read;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::figures::{Date, Number, Time};
use self::line::LineForm;
use self::reach::Reach;
use self::rules::{Phrase, Sets};
use yaml::Faults;

pub use self::languages::Languages;
pub(crate) use self::read::{clock, currency};
use crate::FlowHash;

/// The greatest whole part of a number; [`Number::parse`] takes none of more digits.
const MOST: u64 = 999_999_999_999_999_999;

/// Years, months, days and weekdays of a date.
const DATE: [std::ops::RangeInclusive<u64>; 4] = [1..=9999, 1..=12, 1..=31, 1..=7];

/// Hours of both clocks, the half of the day, and minutes.
const TIME: [std::ops::RangeInclusive<u64>; 4] = [0..=23, 1..=12, 0..=1, 0..=59];

/// What is said of a text, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spoken {
    /// Digits one by one; all else is passed over.
    Digits,
    /// Each letter, digit and sign.
    Spell,
    /// A number.
    Number,
    /// An amount of money.
    Money {
        /// ISO 4217: `EUR`.
        currency: Arc<str>,
    },
    /// A date.
    Date,
    /// A time of day.
    Time {
        /// On which clock; `None`: as the language usually does.
        clock: Option<Clock>,
    },
    /// A place in a queue, as those who wait are told it.
    Position,
    /// From how many to how many minutes one will wait: `2-4`; `0-4`: less than four.
    Wait,
}

/// How hours are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clock {
    /// 12, 1, …, 11, twice a day.
    Twelve,
    /// 0 to 23.
    TwentyFour,
}

/// A language cannot say something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsayable {
    /// What is wrong, as a fault says it.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// How one language says numbers and the like. Immutable; calls share it.
#[derive(Debug)]
pub struct Table {
    language: Arc<str>,
    /// Of the text that it was read from.
    hash: FlowHash,
    sets: Sets,
    /// Of 0 to 9.
    digits: [Arc<str>; 10],
    number: Option<NumberForm>,
    money: BTreeMap<Arc<str>, MoneyForm>,
    date: Option<Phrase>,
    time: Option<TimeForm>,
    spell: Option<Spelling>,
    line: Option<LineForm>,
}

#[derive(Debug)]
struct NumberForm {
    whole: Phrase,
    minus: Arc<str>,
    point: Arc<str>,
    /// Each digit behind the point.
    decimal: Phrase,
}

#[derive(Debug)]
struct MoneyForm {
    /// 10 to the power of this is how many minor units make one; 0 if there are none.
    places: u32,
    units: Phrase,
    /// `None` only if there are no minor units.
    minor: Option<Phrase>,
    /// `None`: one after the other.
    both: Option<Phrase>,
}

#[derive(Debug)]
struct TimeForm {
    usual: Clock,
    twelve: Phrase,
    twenty_four: Phrase,
}

#[derive(Debug)]
struct Spelling {
    /// Of a to z.
    letters: [Arc<str>; 26],
    signs: BTreeMap<char, Arc<str>>,
}

/// The table that is shipped for `language`, if there is one.
#[must_use]
pub fn shipped_table(language: &str) -> Option<&'static str> {
    match language {
        "en" => Some(include_str!("../../../../config/languages/en.yaml")),
        "zh" => Some(include_str!("../../../../config/languages/zh.yaml")),
        _ => None,
    }
}

impl Table {
    /// The table of a language for which none is written: it can only read digits, `digits/0` to `digits/9`.
    #[must_use]
    pub fn digits_only(language: &str) -> Self {
        Self {
            language: language.into(),
            hash: FlowHash::of(""),
            sets: Vec::new(),
            digits: numbered("digits"),
            number: None,
            money: BTreeMap::new(),
            date: None,
            time: None,
            spell: None,
            line: None,
        }
    }

    /// The language that it is for.
    #[must_use]
    pub const fn language(&self) -> &Arc<str> {
        &self.language
    }

    /// Two tables of one language that were read from the same text have the same.
    #[must_use]
    pub const fn hash(&self) -> FlowHash {
        self.hash
    }

    /// What is played for `text`: names of prompts. Empty if nothing in it can be said.
    #[must_use]
    pub fn say(&self, spoken: &Spoken, text: &str) -> Vec<Arc<str>> {
        let said = match spoken {
            Spoken::Digits => None,
            Spoken::Spell => Some(self.say_spelt(text)),
            Spoken::Number => self.say_number(text),
            Spoken::Money { currency } => self.say_money(text, currency),
            Spoken::Date => self.say_date(text),
            Spoken::Time { clock } => self.say_time(text, *clock),
            Spoken::Position => self.line.as_ref().and_then(|form| form.say_position(&self.sets, text)),
            Spoken::Wait => self.line.as_ref().and_then(|form| form.say_wait(&self.sets, text)),
        };
        if matches!(spoken, Spoken::Position | Spoken::Wait) {
            return said.unwrap_or_default();
        }
        said.unwrap_or_else(|| text.chars().filter_map(|c| self.digit(c)).collect())
    }

    /// Every prompt that [`Self::say`] may give.
    ///
    /// # Errors
    /// If the table does not say how.
    pub fn clips(&self, spoken: &Spoken) -> Result<BTreeSet<Arc<str>>, Unsayable> {
        // What can be wrong with a phrase was said when the table was read.
        let nobody = Faults::default();
        let mut reach = Reach::new(&self.sets, &nobody);
        self.reach(spoken, &mut reach)?;
        reach.clips.extend(self.digits.iter().cloned());
        Ok(reach.clips)
    }

    fn reach(&self, spoken: &Spoken, reach: &mut Reach<'_>) -> Result<(), Unsayable> {
        let need = |key: &str| self.lack(format!("how to say {key}"), key);
        match spoken {
            Spoken::Digits => {}
            Spoken::Spell => {
                let Some(spell) = &self.spell else { return Err(self.lack("how to spell", "spell")) };
                reach.clips.extend(spell.letters.iter().chain(spell.signs.values()).cloned());
            }
            Spoken::Number => {
                let form = self.number.as_ref().ok_or_else(|| self.lack("how to say a number", "number"))?;
                form.reach(reach);
            }
            Spoken::Money { currency } => {
                let form =
                    self.money.get(currency).ok_or_else(|| self.lack(format!("the currency `{currency}`"), "money"))?;
                reach.clips.extend(self.number.iter().map(|number| number.minus.clone()));
                form.reach(reach);
            }
            Spoken::Date => reach.phrase(self.date.as_ref().ok_or_else(|| need("date"))?, &DATE),
            Spoken::Time { clock } => {
                let form = self.time.as_ref().ok_or_else(|| need("time"))?;
                reach.phrase(form.on(*clock), &TIME);
            }
            Spoken::Position | Spoken::Wait => {
                let lack = || self.lack("what callers who wait are told", "queue");
                let form = self.line.as_ref().ok_or_else(lack)?;
                match spoken {
                    Spoken::Position => form.reach_position(reach),
                    _ => form.reach_wait(reach),
                }
            }
        }
        Ok(())
    }

    fn lack(&self, what: impl std::fmt::Display, key: &str) -> Unsayable {
        let file = format!("languages/{}.yaml", self.language);
        if self.number.is_none() {
            let message = format!("the language `{}` has no table that tells {what}", self.language);
            return Unsayable { message, remedy: format!("write `{file}`; README.md shows how") };
        }
        Unsayable { message: format!("`{file}` does not tell {what}"), remedy: format!("add it to `{key}` there") }
    }

    fn digit(&self, c: char) -> Option<Arc<str>> {
        self.digits.get(usize::try_from(c.to_digit(10)?).ok()?).cloned()
    }

    fn say_spelt(&self, text: &str) -> Vec<Arc<str>> {
        let clip = |c: char| {
            let spell = self.spell.as_ref()?;
            let letter = u32::from(c.to_ascii_lowercase()).checked_sub(u32::from('a'));
            let letter = letter.and_then(|at| spell.letters.get(usize::try_from(at).ok()?));
            letter.or_else(|| spell.signs.get(&c)).cloned()
        };
        text.chars().filter_map(|c| self.digit(c).or_else(|| clip(c))).collect()
    }

    fn say_number(&self, text: &str) -> Option<Vec<Arc<str>>> {
        let (form, number) = (self.number.as_ref()?, Number::parse(text)?);
        let mut clips = Vec::new();
        clips.extend(number.negative.then(|| form.minus.clone()));
        rules::say(&self.sets, &form.whole, &[number.whole], &mut clips);
        clips.extend((!number.decimals.is_empty()).then(|| form.point.clone()));
        for digit in number.decimals.chars().filter_map(|c| c.to_digit(10)) {
            rules::say(&self.sets, &form.decimal, &[digit.into()], &mut clips);
        }
        Some(clips)
    }

    fn say_money(&self, text: &str, currency: &str) -> Option<Vec<Arc<str>>> {
        let (form, number) = (self.money.get(currency)?, Number::parse(text)?);
        let (units, minor) = number.amount(form.places)?;
        let mut clips = Vec::new();
        let negative = number.negative && (units, minor) != (0, 0);
        clips.extend(self.number.iter().filter(|_| negative).map(|form| form.minus.clone()));
        let mut say = |phrase: &Phrase| rules::say(&self.sets, phrase, &[units, minor], &mut clips);
        match (&form.minor, &form.both) {
            (Some(_), Some(both)) if units > 0 && minor > 0 => say(both),
            (Some(phrase), _) if minor > 0 => {
                if units > 0 {
                    say(&form.units);
                }
                say(phrase);
            }
            _ => say(&form.units),
        }
        Some(clips)
    }

    fn say_date(&self, text: &str) -> Option<Vec<Arc<str>>> {
        let (phrase, date) = (self.date.as_ref()?, Date::parse(text)?);
        let mut clips = Vec::new();
        rules::say(&self.sets, phrase, &[date.year, date.month, date.day, date.weekday()], &mut clips);
        Some(clips)
    }

    fn say_time(&self, text: &str, clock: Option<Clock>) -> Option<Vec<Arc<str>>> {
        let (form, time) = (self.time.as_ref()?, Time::parse(text)?);
        let mut clips = Vec::new();
        rules::say(&self.sets, form.on(clock), &[time.hour, time.hour12(), time.half(), time.minute], &mut clips);
        Some(clips)
    }
}

impl NumberForm {
    fn reach(&self, reach: &mut Reach<'_>) {
        reach.clips.extend([self.minus.clone(), self.point.clone()]);
        reach.phrase(&self.whole, &[0..=MOST]);
        reach.phrase(&self.decimal, &[0..=9]);
    }
}

impl MoneyForm {
    fn reach(&self, reach: &mut Reach<'_>) {
        let most_minor = 10u64.saturating_pow(self.places).saturating_sub(1);
        reach.phrase(&self.units, &[0..=MOST + 1, 0..=0]);
        if let Some(minor) = &self.minor {
            reach.phrase(minor, &[0..=MOST + 1, 1..=most_minor]);
        }
        if let Some(both) = &self.both {
            reach.phrase(both, &[1..=MOST + 1, 1..=most_minor]);
        }
    }
}

impl TimeForm {
    fn on(&self, clock: Option<Clock>) -> &Phrase {
        match clock.unwrap_or(self.usual) {
            Clock::Twelve => &self.twelve,
            Clock::TwentyFour => &self.twenty_four,
        }
    }
}

/// `FOLDER/0`, `FOLDER/1`, …
fn numbered<const N: usize>(folder: &str) -> [Arc<str>; N] {
    std::array::from_fn(|n| format!("{folder}/{n}").into())
}
