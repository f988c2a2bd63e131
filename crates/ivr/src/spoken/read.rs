//! `languages/LANGUAGE.yaml`: from the file to a [`Table`].

use std::collections::BTreeMap;
use std::sync::Arc;

use yaml::{Faults, Map, Shape, Source, Value};

use crate::FlowHash;

use super::line::LineForm;
use super::parse::{Scope, is_clip};
use super::reach::{Reach, report_circles};
use super::rules::{Rule, RuleSet, Sets};
use super::{Clock, DATE, MoneyForm, NumberForm, Spelling, TIME, Table, TimeForm, numbered};

/// The version of the format that is read.
const VERSION: u32 = 1;
const MAX_SETS: usize = 64;
const MAX_RULES: usize = 200;

const TABLE: Shape = Shape {
    what: "a table of a language",
    keys: &["version", "note", "rules", "digits", "number", "money", "date", "time", "spell", "queue"],
};
const NUMBER: Shape = Shape { what: "`number`", keys: &["whole", "minus", "point", "decimal"] };
const MONEY: Shape = Shape { what: "a currency", keys: &["units", "minor", "both", "places"] };
const TIMES: Shape = Shape { what: "`time`", keys: &["usual", "12", "24"] };

impl Table {
    /// Reads the table of `language` from its file. `None` if it has a fault; all of them are in `faults` then.
    #[must_use]
    pub fn read(language: &str, source: &Source, faults: &Faults) -> Option<Self> {
        let before = faults.len();
        let table = read(language, source, faults)?;
        if faults.len() > before {
            return None;
        }
        report_circles(&table.sets, faults);
        // What never ends cannot be followed.
        if faults.len() == before {
            table.report_unsayable(faults);
        }
        (faults.len() == before).then_some(table)
    }

    /// Follows all phrases to what they can come to.
    fn report_unsayable(&self, faults: &Faults) {
        let mut reach = Reach::new(&self.sets, faults);
        self.number.iter().for_each(|form| form.reach(&mut reach));
        self.money.values().for_each(|form| form.reach(&mut reach));
        self.date.iter().for_each(|phrase| reach.phrase(phrase, &DATE));
        if let Some(form) = &self.time {
            reach.phrase(&form.twelve, &TIME);
            reach.phrase(&form.twenty_four, &TIME);
        }
        if let Some(form) = &self.line {
            form.reach_position(&mut reach);
            form.reach_wait(&mut reach);
        }
    }
}

fn read(language: &str, source: &Source, faults: &Faults) -> Option<Table> {
    let document = yaml::read(source, faults)?;
    let map = document.root(faults).map(&TABLE)?;
    let version = map.required("version")?;
    let known = version.integer(1..=u32::MAX)?;
    if known != VERSION {
        let message = format!("version {known} of tables of languages is not known");
        version.fault(message, format!("this Strowger reads version {VERSION}"));
        return None;
    }
    let _ = map.optional("note").and_then(|note| note.string());
    let rules =
        map.optional("rules").map_or(Some(Vec::new()), |rules| rules.entries("sets of rules, such as `cardinal:`"))?;
    if rules.len() > MAX_SETS {
        map.fault(format!("a table has at most {MAX_SETS} sets of rules, not {}", rules.len()), "");
        return None;
    }
    let names: BTreeMap<&str, usize> =
        rules.iter().zip(0..).filter_map(|((key, _), at)| Some((key.raw()?, at))).collect();
    let scope = |figures| Scope { sets: &names, figures };
    let sets: Vec<_> = rules.iter().map(|(key, value)| rule_set(*key, *value, scope(&["n"]))).collect();
    let digits = map.optional("digits").map_or(Some("digits"), |value| value.path());
    let number = map.required("number").and_then(|value| number(value, scope(&["n"])));
    let money = map.optional("money").map_or(Some(BTreeMap::new()), |value| money(value, scope(&["units", "minor"])));
    let date = map.optional("date").map(|value| scope(&["year", "month", "day", "weekday"]).phrase(value));
    let time = map.optional("time").map(|value| time(value, scope(&["hour", "hour12", "half", "minute"])));
    let spell = map.optional("spell").map(spelling);
    let line = map.optional("queue").map(|value| LineForm::read(value, scope(&[])));
    Some(Table {
        language: language.into(),
        hash: FlowHash::of(source.text()),
        sets: sets.into_iter().collect::<Option<Sets>>()?,
        digits: numbered(digits?),
        number: Some(number?),
        money: money?,
        date: settled(date)?,
        time: settled(time)?,
        spell: settled(spell)?,
        line: settled(line)?,
    })
}

/// Something optional that was not written is good; something written must be.
fn settled<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    read.map_or(Some(None), |read| read.map(Some))
}

fn rule_set(key: Value<'_>, value: Value<'_>, scope: Scope<'_>) -> Option<RuleSet> {
    let name = key.name();
    let entries = value.entries("rules by number, such as `0: numbers/<n>`")?;
    if entries.is_empty() || entries.len() > MAX_RULES {
        value.fault_at_key(format!("a set has 1 to {MAX_RULES} rules, not {}", entries.len()), "");
        return None;
    }
    let mut rules: Vec<Rule> = Vec::new();
    let mut good = true;
    for (key, value) in entries {
        let (from, phrase) = (key.integer(0..=1_000_000_000_000_000_000u64), scope.phrase(value));
        let (Some(from), Some(phrase)) = (from, phrase) else {
            good = false;
            continue;
        };
        if rules.last().is_some_and(|last| last.from >= from) {
            key.fault("the rules of a set stand in the order of their numbers", "move this one up");
            good = false;
        }
        rules.push(Rule { from, phrase });
    }
    good.then_some(RuleSet { name: Arc::from(name?), place: key.place(), rules })
}

fn number(value: Value<'_>, scope: Scope<'_>) -> Option<NumberForm> {
    let map = value.map(&NUMBER)?;
    let phrase = |key| map.required(key).and_then(|value| scope.phrase(value));
    let clip = |key| map.required(key).and_then(|value| clip(value));
    let (whole, minus, point, decimal) = (phrase("whole"), clip("minus"), clip("point"), phrase("decimal"));
    Some(NumberForm { whole: whole?, minus: minus?, point: point?, decimal: decimal? })
}

fn money(value: Value<'_>, scope: Scope<'_>) -> Option<BTreeMap<Arc<str>, MoneyForm>> {
    let entries = value.entries("currencies, such as `EUR:`")?;
    let read = entries.into_iter().map(|(key, value)| {
        let (currency, form) = (currency(key), value.map(&MONEY).and_then(|map| money_form(map, scope)));
        Some((currency?, form?))
    });
    // All of them are read, so that all faults show.
    read.collect::<Vec<_>>().into_iter().collect()
}

/// The code of a currency by ISO 4217.
pub(crate) fn currency(value: Value<'_>) -> Option<Arc<str>> {
    let text = value.string_for("a currency, such as `EUR`")?;
    if text.len() == 3 && text.bytes().all(|c| c.is_ascii_uppercase()) {
        return Some(text.into());
    }
    let code = text.to_ascii_uppercase();
    let remedy = match code.len() == 3 && code.bytes().all(|c| c.is_ascii_uppercase()) {
        true => format!("write `{code}`"),
        false => "write its three letters by ISO 4217, such as `EUR`, `USD` or `CNY`".to_owned(),
    };
    value.fault("this is not the code of a currency", remedy);
    None
}

fn money_form(map: Map<'_>, scope: Scope<'_>) -> Option<MoneyForm> {
    let places = map.optional("places").map_or(Some(2), |value| value.integer(0..=3u32));
    let units = map.required("units").and_then(|value| scope.phrase(value));
    let [minor, both] = ["minor", "both"].map(|key| settled(map.optional(key).map(|value| scope.phrase(value))));
    let (places, minor, both) = (places?, minor?, both?);
    match (places, &minor, map.optional("minor").or(map.optional("both"))) {
        (0, _, Some(value)) => {
            value.fault_at_key("with `places: 0` there are no minor units", "remove it, or `places`");
            return None;
        }
        (1.., None, _) => {
            let remedy = "add `minor:`, such as `<cardinal minor> currencies/cent`; of a currency without, `places: 0`";
            map.fault_if_missing("minor", "nothing tells how to say the minor units", remedy);
            return None;
        }
        _ => {}
    }
    Some(MoneyForm { places, units: units?, minor, both })
}

fn time(value: Value<'_>, scope: Scope<'_>) -> Option<TimeForm> {
    let map = value.map(&TIMES)?;
    let usual = map.required("usual").and_then(clock);
    let phrase = |key| map.required(key).and_then(|value| scope.phrase(value));
    let (twelve, twenty_four) = (phrase("12"), phrase("24"));
    Some(TimeForm { usual: usual?, twelve: twelve?, twenty_four: twenty_four? })
}

/// `12` or `24`.
pub(crate) fn clock(value: Value<'_>) -> Option<Clock> {
    value.choose(&[("12", Clock::Twelve), ("24", Clock::TwentyFour)])
}

fn spelling(value: Value<'_>) -> Option<Spelling> {
    let entries = value.entries("`letters:`, and signs such as `\"-\": symbols/dash`")?;
    let (mut letters, mut signs, mut good) = (None, BTreeMap::new(), true);
    for (key, value) in entries {
        let Some(text) = key.string() else {
            good = false;
            continue;
        };
        if text == "letters" {
            letters = value.path();
            good &= letters.is_some();
            continue;
        }
        let mut chars = text.chars();
        let sign = chars.next().filter(|c| chars.next().is_none() && !c.is_ascii_alphanumeric());
        match (sign, clip(value)) {
            (Some(sign), Some(clip)) => drop(signs.insert(sign, clip)),
            (None, _) => {
                let remedy = "write one sign in quotes; letters are in the folder `letters`, digits in `digits`";
                key.fault("this is no sign that can be spelt", remedy);
                good = false;
            }
            (Some(_), None) => good = false,
        }
    }
    let Some(folder) = letters else {
        if good {
            value.fault_at_key("`letters` is missing in `spell`", "add `letters: letters`, the folder of `a` to `z`");
        }
        return None;
    };
    let letters = std::array::from_fn(|at| {
        let letter = u8::try_from(at).map_or('a', |at| char::from(b'a'.saturating_add(at)));
        format!("{folder}/{letter}").into()
    });
    good.then_some(Spelling { letters, signs })
}

/// The name of one prompt.
fn clip(value: Value<'_>) -> Option<Arc<str>> {
    let path = value.path()?;
    debug_assert!(is_clip(path), "a path is the name of a clip");
    Some(path.into())
}
