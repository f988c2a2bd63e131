//! Names that stand for what is known of a call, and so for no variable.

use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use yaml::did_you_mean;

use super::read::Reader;
use super::{Fact, Figure, Kind, Tree};

/// Those names; and words of CEL.
pub(crate) const BUILT_IN: &[&str] = &[
    "caller",
    "dialled",
    "language",
    "now",
    "repeat",
    "queues",
    "http",
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// A member, and what it stands for.
type Member = (&'static str, Fact, Kind);

/// Names with members.
const OWNERS: &[(&str, &[Member])] = &[
    ("caller", &[("number", Fact::CallerNumber, Kind::Text), ("name", Fact::CallerName, Kind::Text)]),
    ("repeat", &[("today", Fact::CallsToday, Kind::Integer), ("last", Fact::LastCall, Kind::Time)]),
    ("http", &[("status", Fact::HttpStatus, Kind::Integer), ("failure", Fact::HttpFailure, Kind::Text)]),
];

const FIGURES: &[(&str, Figure)] =
    &[("waiting", Figure::Waiting), ("longest_wait", Figure::LongestWait), ("free", Figure::Free)];

/// What an expression reads beside variables.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub queues: Vec<(Arc<str>, Range<usize>)>,
    pub clock: Vec<Range<usize>>,
    pub repeats: bool,
}

impl Reader<'_> {
    /// What `name` stands for, if it is no variable.
    pub fn name_known(&mut self, id: u64, name: &str) -> Option<(Tree, Kind)> {
        Some(match name {
            "dialled" => (Tree::Fact(Fact::Dialled), Kind::Text),
            "language" => (Tree::Fact(Fact::Language), Kind::Text),
            "now" => {
                self.known.clock.push(self.place(id));
                (Tree::Fact(Fact::Now), Kind::Time)
            }
            "queues" => self.fault(id, "`queues` alone says nothing", "write `queues[\"sales\"].waiting`"),
            _ => {
                let (owner, members) = OWNERS.iter().find(|(owner, _)| *owner == name)?;
                self.fault(id, format!("`{owner}` alone says nothing"), format!("write {}", listed(owner, members)))
            }
        })
    }

    /// What a member stands for, if its owner is no variable.
    pub fn member_known(&mut self, id: u64, owner: &IdedExpr, member: &str) -> Option<(Tree, Kind)> {
        if let Some((name, at)) = queue_of(owner) {
            return Some(self.figure(id, name, at, member));
        }
        let Expr::Ident(name) = &owner.expr else { return None };
        let (owner, members) = OWNERS.iter().find(|(owner, _)| owner == name)?;
        if let Some((_, fact, kind)) = members.iter().find(|(known, ..)| *known == member) {
            if *owner == "repeat" {
                self.known.clock.push(self.place(id));
                self.known.repeats = true;
            }
            return Some((Tree::Fact(*fact), *kind));
        }
        let remedy = match did_you_mean(member, members.iter().map(|(known, ..)| *known)) {
            Some(near) => format!("did you mean `{owner}.{near}`?"),
            None => format!("there is {}", listed(owner, members)),
        };
        Some(self.fault(id, format!("there is no `{owner}.{member}`"), remedy))
    }

    fn figure(&mut self, id: u64, queue: Option<&str>, at: u64, member: &str) -> (Tree, Kind) {
        let Some(queue) = queue else {
            return self.fault(at, "a queue is named in quotes", "write `queues[\"sales\"].waiting`");
        };
        let queue: Arc<str> = Arc::from(queue);
        self.known.queues.push((Arc::clone(&queue), self.place(at)));
        if let Some((_, figure)) = FIGURES.iter().find(|(known, _)| *known == member) {
            return (Tree::Queue(queue, *figure), Kind::Integer);
        }
        let remedy = match did_you_mean(member, FIGURES.iter().map(|(known, _)| *known)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "of a queue there is `waiting`, `longest_wait` (in seconds) and `free`".to_owned(),
        };
        self.fault(id, format!("nothing is known of a queue's `{member}`"), remedy)
    }
}

/// The queue that is named by `queues["sales"]` or `queues.sales`, if it is named plainly, and the part of the text that does.
fn queue_of(expr: &IdedExpr) -> Option<(Option<&str>, u64)> {
    let is_queues = |expr: &IdedExpr| matches!(&expr.expr, Expr::Ident(name) if name == "queues");
    match &expr.expr {
        Expr::Select(select) if is_queues(&select.operand) => Some((Some(&select.field), expr.id)),
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [owner, at] if is_queues(owner) => match &at.expr {
                Expr::Literal(LiteralValue::String(name)) => Some((Some(name.inner()), at.id)),
                _ => Some((None, at.id)),
            },
            _ => None,
        },
        _ => None,
    }
}

fn listed(owner: &str, members: &[Member]) -> String {
    members.iter().map(|(member, ..)| format!("`{owner}.{member}`")).collect::<Vec<_>>().join(" or ")
}
