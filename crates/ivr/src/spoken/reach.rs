//! What a phrase can come to, whatever the number: which clips it names, how many at once, and whether it always ends.
//!
//! Numbers are followed as ranges. A set that calls itself does so with a smaller number ([`report_circles`] sees to it),
//! so the ranges shrink and the walk ends.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use yaml::Faults;

use super::rules::{Figure, Part, Phrase, Rule, RuleSet, Word};

/// Clips that one number, amount, date or time may take.
const MAX_CLIPS: usize = 200;

/// Names that one word such as `numbers/<n>` may have.
const MAX_NAMES: u64 = 1000;

/// Ranges that are looked at; a table of the worst kind must not take for ever.
const MAX_RANGES: usize = 20_000;

/// The least and the greatest that a number can be.
pub(super) type Range = RangeInclusive<u64>;

/// Looks at phrases of one table.
pub(super) struct Reach<'a> {
    sets: &'a [RuleSet],
    faults: &'a Faults,
    pub clips: BTreeSet<Arc<str>>,
    /// By set and range: how many clips at most.
    seen: BTreeMap<(usize, u64, u64), usize>,
}

impl<'a> Reach<'a> {
    pub fn new(sets: &'a [RuleSet], faults: &'a Faults) -> Self {
        Self { sets, faults, clips: BTreeSet::new(), seen: BTreeMap::new() }
    }

    /// Gathers what `phrase` names if its figures lie in `figures`, and reports what it cannot say.
    pub fn phrase(&mut self, phrase: &Phrase, figures: &[Range]) {
        if self.words(&phrase.words, phrase, figures) > MAX_CLIPS {
            let message = format!("this can come to more than {MAX_CLIPS} prompts in a row");
            self.faults.add(phrase.place.clone(), message, "make the rules that it names shorter");
        }
    }

    fn words(&mut self, words: &[Word], phrase: &Phrase, figures: &[Range]) -> usize {
        let counts = words.iter().map(|word| match word {
            Word::Clip(name) => {
                self.clips.insert(Arc::clone(name));
                1
            }
            Word::Numbered { before, figure, after } => self.numbered(before, figure.range(figures), after, phrase),
            Word::Set { set, figure } => self.set(*set, &figure.range(figures), phrase),
            Word::Optional(words) => self.optional(words, phrase, figures),
        });
        counts.fold(0, usize::saturating_add)
    }

    /// A part that is there only if no number in it is 0.
    fn optional(&mut self, words: &[Word], phrase: &Phrase, figures: &[Range]) -> usize {
        let never = words.iter().filter_map(Word::figure).any(|figure| *figure.range(figures).end() == 0);
        if never {
            return 0;
        }
        let counts = words.iter().map(|word| match (word, word.figure().map(|figure| figure.range(figures))) {
            (Word::Numbered { before, after, .. }, Some(range)) => {
                self.numbered(before, not_zero(&range), after, phrase)
            }
            (Word::Set { set, .. }, Some(range)) => self.set(*set, &not_zero(&range), phrase),
            _ => self.words(std::slice::from_ref(word), phrase, figures),
        });
        counts.fold(0, usize::saturating_add)
    }

    fn numbered(&mut self, before: &str, range: Range, after: &str, phrase: &Phrase) -> usize {
        if range.end() - range.start() >= MAX_NAMES {
            let message = format!(
                "`{before}<…>{after}` would be more than {MAX_NAMES} prompts: the number can be up to {}",
                range.end()
            );
            self.faults.add(phrase.place.clone(), message, "add a rule for the larger numbers below this one");
            return 1;
        }
        self.clips.extend(range.map(|n| Arc::from(format!("{before}{n}{after}"))));
        1
    }

    fn set(&mut self, index: usize, range: &Range, caller: &Phrase) -> usize {
        let Some(set) = self.sets.get(index) else { return 0 };
        let key = (index, *range.start(), *range.end());
        if let Some(known) = self.seen.get(&key) {
            return *known;
        }
        if self.seen.len() >= MAX_RANGES {
            self.faults.add(set.place.clone(), "these rules are too many to be followed", "make them fewer");
            return 0;
        }
        self.seen.insert(key, 0);
        if let Some(first) = set.rules.first().filter(|first| first.from > *range.start()) {
            let message = format!("`{}` has no rule for {}, and this can come to it", set.name, range.start());
            let remedy = format!(
                "add a rule to `{}` below {}, or put this in `[…]` if 0 is not to be said",
                set.name, first.from
            );
            self.faults.add(caller.place.clone(), message, remedy);
        }
        let mut most = 0;
        for (rule, within) in parts(set) {
            let (least, greatest) = (*within.start().max(range.start()), *within.end().min(range.end()));
            if least <= greatest {
                most = most.max(self.words(&rule.phrase.words, &rule.phrase, &[least..=greatest]));
            }
        }
        self.seen.insert(key, most);
        most
    }
}

/// Each rule with the numbers that it holds for.
fn parts(set: &RuleSet) -> impl Iterator<Item = (&Rule, Range)> {
    let ends = set.rules.iter().skip(1).map(|next| next.from.saturating_sub(1)).chain([u64::MAX]);
    set.rules.iter().zip(ends).map(|(rule, end)| (rule, rule.from..=end))
}

fn not_zero(range: &Range) -> Range {
    (*range.start()).max(1)..=*range.end()
}

impl Figure {
    /// What it can be if its owner's figures lie in `figures`.
    fn range(self, figures: &[Range]) -> Range {
        let whole = figures.get(self.of).cloned().unwrap_or(0..=0);
        let (least, greatest) = whole.clone().into_inner();
        match self.part {
            Part::Whole => whole,
            Part::Quotient(by) => least / by.max(1)..=greatest / by.max(1),
            Part::Remainder(by) => {
                let by = by.max(1);
                let (low, high) = (least % by, greatest % by);
                if greatest - least < by && low <= high { low..=high } else { 0..=by - 1 }
            }
        }
    }
}

/// Reports sets that come back to themselves with the same number: they would never end.
pub(super) fn report_circles(sets: &[RuleSet], faults: &Faults) {
    let mut reported = BTreeSet::new();
    for start in 0..sets.len() {
        let Some(way) = way_round(sets, start) else { continue };
        if way.iter().any(|set| reported.contains(set)) {
            continue;
        }
        reported.extend(way.iter().copied());
        let names: Vec<String> =
            way.iter().chain(way.first()).filter_map(|set| Some(format!("`{}`", sets.get(*set)?.name))).collect();
        if let Some(set) = sets.get(start) {
            let message = format!(
                "these rules never end: they call each other with a number that gets no smaller: {}",
                names.join(" → ")
            );
            faults.add(
                set.place.clone(),
                message,
                "divide, or take a remainder of at most the number that the rule begins at",
            );
        }
    }
}

/// A way of calls with the same number from `start` back to it.
fn way_round(sets: &[RuleSet], start: usize) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut waiting = vec![start];
    while let Some(at) = waiting.pop() {
        for next in sets.get(at).into_iter().flat_map(|set| &set.rules).flat_map(same_number) {
            if next == start {
                let mut way: Vec<usize> = std::iter::successors(Some(at), |set| came_from.get(set).copied()).collect();
                way.reverse();
                return Some(way);
            }
            if let Entry::Vacant(from) = came_from.entry(next) {
                from.insert(at);
                waiting.push(next);
            }
        }
    }
    None
}

/// The sets that a rule calls with a number that may be as large as its own.
fn same_number(rule: &Rule) -> Vec<usize> {
    let calls = |word: &Word, optional: bool| match word {
        Word::Set { set, figure } => {
            let shrinks = match figure.part {
                Part::Whole => false,
                // 0 stays 0.
                Part::Quotient(_) => optional || rule.from > 0,
                Part::Remainder(by) => by <= rule.from,
            };
            (!shrinks).then_some(*set)
        }
        _ => None,
    };
    let words = rule.phrase.words.iter().flat_map(|word| match word {
        Word::Optional(words) => words.iter().map(|word| calls(word, true)).collect::<Vec<_>>(),
        word => vec![calls(word, false)],
    });
    words.flatten().collect()
}
