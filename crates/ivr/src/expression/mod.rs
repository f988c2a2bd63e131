//! Conditions and computed values: a part of CEL (the Common Expression Language).
//!
//! The text is read by crate `cel`; what it means is ours: read once into a tree whose kinds were checked as far as they can be
//! told (`read`; `known` what stands for no variable, `times` times and durations, `remedy` what is said against faults), then worked out with a bound on cost and on what it may
//! hold (`evaluate`; `sample` makes up what could be given). Macros, functions and operators
//! are those of CEL but for what `config/README.md` says.

mod evaluate;
mod kind;
mod known;
mod read;
mod remedy;
mod sample;
#[cfg(test)]
mod tests;
mod times;

use std::ops::Range;
use std::sync::Arc;

pub(crate) use evaluate::{Error, Scope};
pub(crate) use kind::Kind;
pub(crate) use known::BUILT_IN;
pub(crate) use read::{Kinds, Wrong, read};

use crate::Value;

/// An expression without faults, as far as they can be told before it is worked out.
#[derive(Debug)]
pub(crate) struct Expression {
    root: Tree,
    /// What comes of it.
    pub kind: Kind,
    /// The variables that it reads, each with where, in characters of its text.
    pub reads: Vec<(Arc<str>, Range<usize>)>,
    /// The queues whose figures it reads, likewise.
    pub queues: Vec<(Arc<str>, Range<usize>)>,
    /// Where it asks for the time of day, or what day it is.
    pub clock: Vec<Range<usize>>,
    /// It reads earlier calls of the caller's number.
    pub repeats: bool,
}

impl Expression {
    /// Works it out.
    ///
    /// # Errors
    /// If it cannot be: see [`Error`].
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, Error> {
        evaluate::evaluate(&self.root, scope)
    }
}

#[derive(Debug)]
enum Tree {
    Constant(Value),
    Variable(Arc<str>),
    /// The variable of a macro.
    Local(Arc<str>),
    Fact(Fact),
    Queue(Arc<str>, Figure),
    /// A part of what the clock on the wall shows at a time.
    Part(Part, Box<Tree>),
    /// A time as a text.
    Spell(Box<Tree>),
    /// A duration in whole seconds.
    Seconds(Box<Tree>),
    Not(Box<Tree>),
    Negate(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
    Choose(Box<[Tree; 3]>),
    Binary(Operator, Box<Tree>, Box<Tree>),
    Member(Box<Tree>, Arc<str>),
    Has(Box<Tree>, Arc<str>),
    Index(Box<Tree>, Box<Tree>),
    Call(Function, Vec<Tree>),
    /// A macro over the items of a list or the keys of a map.
    Each(Macro, Arc<str>, Box<Tree>, Box<Tree>),
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

/// What is known of the call besides its variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    CallerNumber,
    CallerName,
    Dialled,
    Language,
    /// In microseconds since 1970, like all times here.
    Now,
    CallsToday,
    LastCall,
    /// Of the answer that came last.
    HttpStatus,
    HttpFailure,
}

/// What is known of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Waiting,
    LongestWait,
    Free,
}

/// What can be asked of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Int,
    Double,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Macro {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}
