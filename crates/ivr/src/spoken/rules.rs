//! Rules that turn a number into clips: what a table holds, and how it is worked out.

use std::sync::Arc;

use yaml::Place;

/// Sets of rules, which name each other by index.
pub(super) type Sets = Vec<RuleSet>;

/// Rules by range: each holds from its number to the next one's.
#[derive(Clone, Debug)]
pub(super) struct RuleSet {
    pub name: Arc<str>,
    pub place: Place,
    /// By `from`, ascending. Empty only while it is read.
    pub rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub from: u64,
    pub phrase: Phrase,
}

/// Words, one after the other, of the figures that its owner has: `n`, or `hour` and `minute`.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    pub words: Vec<Word>,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub(super) enum Word {
    /// `numbers/hundred`
    Clip(Arc<str>),
    /// `numbers/<n/10>0`: one number within the name of a clip.
    Numbered { before: Box<str>, figure: Figure, after: Box<str> },
    /// `<cardinal n/100>`: what the rules of a set say of a number.
    Set { set: usize, figure: Figure },
    /// `[numbers/and <cardinal n%100>]`: nothing if a number in it is 0.
    Optional(Vec<Word>),
}

/// `n`, `n/100` or `n%100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Figure {
    /// Which of the owner's figures.
    pub of: usize,
    pub part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// Whole quotient; the divisor is at least 2.
    Quotient(u64),
    Remainder(u64),
}

impl Figure {
    /// Its value, of its owner's `figures`.
    fn of(self, figures: &[u64]) -> u64 {
        let n = figures.get(self.of).copied().unwrap_or(0);
        match self.part {
            Part::Whole => n,
            Part::Quotient(by) => n.checked_div(by).unwrap_or(0),
            Part::Remainder(by) => n.checked_rem(by).unwrap_or(0),
        }
    }
}

impl RuleSet {
    /// The rule that holds for `n`.
    fn rule(&self, n: u64) -> Option<&Rule> {
        let above = self.rules.partition_point(|rule| rule.from <= n);
        self.rules.get(above.checked_sub(1)?)
    }
}

/// Adds the clips of `phrase` to `clips`. The check of the table saw that this ends, soon, and that no rule is missing.
pub(super) fn say(sets: &[RuleSet], phrase: &Phrase, figures: &[u64], clips: &mut Vec<Arc<str>>) {
    say_words(sets, &phrase.words, figures, clips);
}

fn say_words(sets: &[RuleSet], words: &[Word], figures: &[u64], clips: &mut Vec<Arc<str>>) {
    for word in words {
        match word {
            Word::Clip(name) => clips.push(Arc::clone(name)),
            Word::Numbered { before, figure, after } => {
                clips.push(format!("{before}{}{after}", figure.of(figures)).into());
            }
            Word::Set { set, figure } => {
                let n = figure.of(figures);
                if let Some(rule) = sets.get(*set).and_then(|set| set.rule(n)) {
                    say_words(sets, &rule.phrase.words, &[n], clips);
                }
            }
            Word::Optional(words) if words.iter().any(|word| word.figure().is_some_and(|f| f.of(figures) == 0)) => {}
            Word::Optional(words) => say_words(sets, words, figures, clips),
        }
    }
}

impl Word {
    /// The number that is in it; an optional part has its own.
    pub fn figure(&self) -> Option<Figure> {
        match self {
            Self::Numbered { figure, .. } | Self::Set { figure, .. } => Some(*figure),
            Self::Clip(_) | Self::Optional(_) => None,
        }
    }
}
