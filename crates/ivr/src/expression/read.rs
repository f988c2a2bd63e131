//! From text to an [`Expression`], with its faults.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use yaml::did_you_mean;

use super::known::Known;
use super::remedy::{remedy_for, remedy_for_sides};
use super::times;
use super::{Expression, Function, Kind, Macro, Operator, Tree};
use crate::Value;

/// The longest expression, in characters. A parser that goes down for each bracket and operator cannot go deeper than that.
const MAX_LENGTH: usize = 400;

/// How deep brackets and calls may nest.
const MAX_DEPTH: u16 = 32;

/// One fault of an expression.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Where in the text, in characters.
    pub at: Range<usize>,
    pub message: String,
    pub remedy: String,
}

const FUNCTIONS: &[(&str, Function, usize)] = &[
    ("size", Function::Size, 1),
    ("contains", Function::Contains, 2),
    ("startsWith", Function::StartsWith, 2),
    ("endsWith", Function::EndsWith, 2),
    ("int", Function::Int, 1),
    ("double", Function::Double, 1),
    ("string", Function::Text, 1),
];

const MACROS: &[(&str, Macro)] = &[
    ("all", Macro::All),
    ("exists", Macro::Exists),
    ("exists_one", Macro::ExistsOne),
    ("filter", Macro::Filter),
    ("map", Macro::Map),
];

const OPERATORS: &[(&str, &str, Operator)] = &[
    (operators::ADD, "+", Operator::Add),
    (operators::SUBSTRACT, "-", Operator::Subtract),
    (operators::MULTIPLY, "*", Operator::Multiply),
    (operators::DIVIDE, "/", Operator::Divide),
    (operators::MODULO, "%", Operator::Remainder),
    (operators::EQUALS, "==", Operator::Equal),
    (operators::NOT_EQUALS, "!=", Operator::NotEqual),
    (operators::LESS, "<", Operator::Less),
    (operators::LESS_EQUALS, "<=", Operator::LessEqual),
    (operators::GREATER, ">", Operator::Greater),
    (operators::GREATER_EQUALS, ">=", Operator::GreaterEqual),
    (operators::IN, "in", Operator::In),
];

/// What is known of variables before a call: the kind of what each holds, or null.
pub(crate) type Kinds = BTreeMap<Arc<str>, Kind>;

/// Reads an expression, which may read what is `given` beside variables: names, each with the kind of what it stands for.
/// Of variables that are not in `kinds` nothing is known.
///
/// # Errors
/// Every fault of it, in the order of the text; at least one.
pub(crate) fn read(text: &str, given: &[(&str, Kind)], kinds: &Kinds) -> Result<Expression, Vec<Wrong>> {
    let length = text.chars().count();
    if length > MAX_LENGTH {
        let message = format!("an expression has at most {MAX_LENGTH} characters, not {length}");
        return Err(vec![Wrong {
            at: 0..length,
            message,
            remedy: "keep parts of it in variables, by `set`".to_owned(),
        }]);
    }
    let parser = cel::Env::default().with_optional_support(false).parser().max_recursion_depth(MAX_DEPTH);
    let (expr, info) = parser.parse_with_source_info(text).map_err(|errors| not_cel(text, &errors))?;
    let locals = given.iter().map(|(name, kind)| (Arc::from(*name), *kind)).collect();
    let (known, reads, wrong) = (Known::default(), Vec::new(), Vec::new());
    let mut reader = Reader { info, length, locals, kinds, known, reads, wrong };
    let (root, kind) = reader.kept(&expr);
    if reader.wrong.is_empty() {
        let Known { queues, clock, repeats } = reader.known;
        return Ok(Expression { root, kind, reads: reader.reads, queues, clock, repeats });
    }
    reader.wrong.sort_by_key(|wrong| wrong.at.start);
    Err(reader.wrong)
}

/// What the parser says, in words that a person may read: its own speak of the grammar.
fn not_cel(text: &str, errors: &cel::ParseErrors) -> Vec<Wrong> {
    let length = text.chars().count();
    let Some(first) = errors.errors.first() else {
        return vec![Wrong { at: 0..length, message: "this is no expression".to_owned(), remedy: String::new() }];
    };
    let column = usize::try_from(first.pos.1).unwrap_or(1).saturating_sub(1).min(length);
    let too_deep = nesting(text) > usize::from(MAX_DEPTH);
    let single = text.contains('=') && !["==", "!=", "<=", ">="].iter().any(|operator| text.contains(operator));
    let word = |word: &str| text.split_whitespace().any(|part| part.eq_ignore_ascii_case(word));
    let (message, remedy) = if too_deep {
        (format!("brackets nest deeper than {MAX_DEPTH}"), "keep parts of it in variables, by `set`")
    } else if column >= length {
        ("the expression stops in the middle".to_owned(), "is a bracket, a quote or the right side missing?")
    } else {
        let remedy = match () {
            () if single => "equal is written `==`",
            () if word("and") => "write `&&` for and",
            () if word("or") => "write `||` for or",
            () if word("not") => "write `!` for not",
            () => "conditions are CEL, such as `caller.number.startsWith(\"+49\") && account != \"\"`",
        };
        ("the expression cannot be read from here on".to_owned(), remedy)
    };
    vec![Wrong { at: column..length.max(column + 1), message, remedy: remedy.to_owned() }]
}

/// How deep brackets nest, those in texts aside.
fn nesting(text: &str) -> usize {
    let (mut depth, mut most, mut quote) = (0usize, 0, None);
    for c in text.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (_, Some(open)) if open == c => quote = None,
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

pub(super) struct Reader<'k> {
    info: SourceInfo,
    length: usize,
    /// What is given, and variables of macros, the innermost last, with the kind of each.
    locals: Vec<(Arc<str>, Kind)>,
    kinds: &'k Kinds,
    pub known: Known,
    reads: Vec<(Arc<str>, Range<usize>)>,
    wrong: Vec<Wrong>,
}

/// What stands for a tree with a fault.
const LOST: (Tree, Kind) = (Tree::Constant(Value::Null), Kind::Any);

impl Reader<'_> {
    pub fn place(&self, id: u64) -> Range<usize> {
        let offset = |at: u32| usize::try_from(at).unwrap_or(usize::MAX).min(self.length);
        let (start, stop) = self.info.offset_for(id).map_or((0, self.length), |(a, b)| (offset(a), offset(b)));
        start..stop.saturating_add(1).clamp(start + 1, self.length.max(start + 1))
    }

    pub fn fault(&mut self, id: u64, message: impl Into<String>, remedy: impl Into<String>) -> (Tree, Kind) {
        self.wrong.push(Wrong { at: self.place(id), message: message.into(), remedy: remedy.into() });
        LOST
    }

    pub fn tree(&mut self, expr: &IdedExpr) -> (Tree, Kind) {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr.id, literal),
            Expr::Ident(name) => self.name(expr.id, name),
            Expr::Select(select) => {
                if let Some(known) = self.member_known(expr.id, &select.operand, &select.field) {
                    return known;
                }
                let (inner, kind) = self.tree(&select.operand);
                self.expect(select.operand.id, kind, Kind::Map, "members belong to maps");
                (Tree::Member(Box::new(inner), Arc::from(select.field.as_str())), Kind::Any)
            }
            Expr::Call(call) => self.call(expr.id, call),
            Expr::List(list) => (Tree::List(list.elements.iter().map(|item| self.kept(item).0).collect()), Kind::List),
            Expr::Map(map) => {
                let mut entries = Vec::new();
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else { continue };
                    let (key, kind) = self.tree(&entry.key);
                    self.expect(entry.key.id, kind, Kind::Text, "the key of a map is a text");
                    entries.push((key, self.kept(&entry.value).0));
                }
                (Tree::Map(entries), Kind::Map)
            }
            Expr::Struct(_) | Expr::Comprehension(_) | Expr::Unspecified => {
                self.fault(expr.id, "this part of CEL is not known here", "")
            }
        }
    }

    fn literal(&mut self, id: u64, literal: &LiteralValue) -> (Tree, Kind) {
        let value = match literal {
            LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
            LiteralValue::Int(number) => Value::Integer(*number.inner()),
            LiteralValue::Double(number) if number.inner().is_finite() => Value::Decimal(*number.inner()),
            LiteralValue::String(text) => Value::Text(text.inner().to_owned()),
            LiteralValue::Null => Value::Null,
            LiteralValue::UInt(_) | LiteralValue::Bytes(_) | LiteralValue::Double(_) => {
                return self.fault(id, "this kind of value is not known here", "write a number, or a text in quotes");
            }
        };
        let kind = Kind::of(&value);
        (Tree::Constant(value), kind)
    }

    fn name(&mut self, id: u64, name: &str) -> (Tree, Kind) {
        if let Some((name, kind)) = self.locals.iter().rev().find(|(known, _)| **known == *name) {
            return (Tree::Local(Arc::clone(name)), *kind);
        }
        if let Some(known) = self.name_known(id, name) {
            return known;
        }
        let name: Arc<str> = Arc::from(name);
        self.reads.push((Arc::clone(&name), self.place(id)));
        let kind = self.kinds.get(&name).copied().unwrap_or(Kind::Any);
        (Tree::Variable(name), kind)
    }

    /// What can be kept in a variable, a list or a map: a time becomes a text, a duration a number.
    fn kept(&mut self, expr: &IdedExpr) -> (Tree, Kind) {
        let (tree, kind) = self.tree(expr);
        times::keep(tree, kind)
    }

    /// A fault if a value of this kind cannot be of the one that is wanted.
    pub fn expect(&mut self, id: u64, kind: Kind, wanted: Kind, why: &str) {
        let fits = kind == Kind::Any || kind == wanted || (wanted == Kind::Decimal && kind.is_number());
        if !fits {
            self.fault(id, format!("this is {}: {why}", kind.spell()), remedy_for(kind, wanted));
        }
    }

    fn call(&mut self, id: u64, call: &CallExpr) -> (Tree, Kind) {
        if let Some((_, sign, operator)) = OPERATORS.iter().find(|(name, ..)| *name == call.func_name) {
            return match call.args.as_slice() {
                [left, right] => self.binary(id, sign, *operator, left, right),
                _ => self.fault(id, "this operator needs two sides", ""),
            };
        }
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                let is_and = call.func_name == operators::LOGICAL_AND;
                let why = if is_and { "`&&` joins conditions" } else { "`||` joins conditions" };
                let [left, right] = [left, right].map(|side| {
                    let (tree, kind) = self.tree(side);
                    self.expect(side.id, kind, Kind::Bool, why);
                    Box::new(tree)
                });
                (if is_and { Tree::And(left, right) } else { Tree::Or(left, right) }, Kind::Bool)
            }
            (operators::LOGICAL_NOT, [inner]) => {
                let (tree, kind) = self.tree(inner);
                self.expect(inner.id, kind, Kind::Bool, "`!` turns a condition round");
                (Tree::Not(Box::new(tree)), Kind::Bool)
            }
            (operators::NEGATE, [inner]) => {
                let (tree, kind) = self.tree(inner);
                self.expect(inner.id, kind, Kind::Decimal, "`-` stands before a number");
                (Tree::Negate(Box::new(tree)), if kind.is_number() { kind } else { Kind::Any })
            }
            (operators::CONDITIONAL, [condition, yes, no]) => {
                let (test, kind) = self.tree(condition);
                self.expect(condition.id, kind, Kind::Bool, "`?` stands behind a condition");
                let (mut yes, mut no) = (self.tree(yes), self.tree(no));
                if yes.1 != no.1 {
                    (yes, no) = (times::keep(yes.0, yes.1), times::keep(no.0, no.1));
                }
                let kind = yes.1.join(no.1);
                (Tree::Choose(Box::new([test, yes.0, no.0])), kind)
            }
            (operators::INDEX, [inner, at]) => {
                let ((tree, kind), (at_tree, at_kind)) = (self.tree(inner), self.tree(at));
                match kind {
                    Kind::List => self.expect(at.id, at_kind, Kind::Integer, "items of a list are counted, from 0"),
                    Kind::Map => self.expect(at.id, at_kind, Kind::Text, "the key of a map is a text"),
                    _ => self.expect(inner.id, kind, Kind::Map, "`[ ]` stands behind a list or a map"),
                }
                (Tree::Index(Box::new(tree), Box::new(at_tree)), Kind::Any)
            }
            _ => self.function(id, call),
        }
    }

    fn binary(&mut self, id: u64, sign: &str, operator: Operator, left: &IdedExpr, right: &IdedExpr) -> (Tree, Kind) {
        let ((left_tree, a), (right_tree, b)) = (self.tree(left), self.tree(right));
        if operator != Operator::In && (a.is_of_time() || b.is_of_time()) {
            let kind = self.with_times(id, sign, operator, a, b);
            return (Tree::Binary(operator, Box::new(left_tree), Box::new(right_tree)), kind);
        }
        let (left_tree, a) = times::keep(left_tree, a);
        let kind = match operator {
            Operator::Equal | Operator::NotEqual => {
                if !a.may_equal(b) {
                    let message = format!("{} is never equal to {}", a.spell(), b.spell());
                    self.fault(id, message, remedy_for_sides(operator, (left, a), (right, b)));
                }
                Kind::Bool
            }
            Operator::In => {
                if !matches!(b, Kind::Any | Kind::List | Kind::Map) {
                    let message = format!("this is {}: behind `in` stands a list or a map", b.spell());
                    self.fault(right.id, message, "for a part of a text, write `text.contains(part)`");
                }
                Kind::Bool
            }
            Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
                let ordered =
                    |kind| kind == Kind::Any || kind == Kind::Text || kind == Kind::Bool || Kind::is_number(kind);
                if !ordered(a) || !ordered(b) || !a.may_equal(b) {
                    let message = format!("`{sign}` cannot compare {} with {}", a.spell(), b.spell());
                    self.fault(id, message, remedy_for_sides(operator, (left, a), (right, b)));
                }
                Kind::Bool
            }
            Operator::Add if a == b && matches!(a, Kind::Text | Kind::List) => a,
            _ => {
                let counts = |kind| kind == Kind::Any || Kind::is_number(kind);
                let adds = operator == Operator::Add && (a == Kind::Any || b == Kind::Any);
                if !adds && (!counts(a) || !counts(b)) {
                    let message = format!("`{sign}` cannot take {} and {}", a.spell(), b.spell());
                    self.fault(id, message, remedy_for_sides(operator, (left, a), (right, b)));
                }
                if a == b { a } else { Kind::Any }
            }
        };
        (Tree::Binary(operator, Box::new(left_tree), Box::new(right_tree)), kind)
    }

    fn function(&mut self, id: u64, call: &CallExpr) -> (Tree, Kind) {
        let name = call.func_name.as_str();
        if let (Some(list), Some((_, each))) = (&call.target, MACROS.iter().find(|(known, _)| *known == name)) {
            return self.each(id, *each, list, &call.args);
        }
        if let ("has", None, [argument]) = (name, &call.target, call.args.as_slice()) {
            let Expr::Select(select) = &argument.expr else {
                return self.fault(argument.id, "`has` asks for a member", "write it as `has(map.member)`");
            };
            let (inner, kind) = self.tree(&select.operand);
            self.expect(select.operand.id, kind, Kind::Map, "members belong to maps");
            return (Tree::Has(Box::new(inner), Arc::from(select.field.as_str())), Kind::Bool);
        }
        if let Some(found) = self.of_time(id, call) {
            return found;
        }
        let Some((_, function, wanted)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            let known =
                FUNCTIONS.iter().map(|(known, ..)| *known).chain(MACROS.iter().map(|(known, _)| *known)).chain(["has"]);
            let known = known.chain(times::NAMES);
            let remedy = match did_you_mean(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
            };
            return self.fault(id, format!("there is no function `{name}`"), remedy);
        };
        let arguments: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let (mut trees, mut kinds) = (Vec::new(), Vec::new());
        for argument in &arguments {
            let (tree, kind) = self.kept(argument);
            trees.push(tree);
            kinds.push((argument.id, kind));
        }
        if arguments.len() != *wanted || (*wanted == 2 && call.target.is_none()) {
            let shape = if *wanted == 2 { format!("text.{name}(part)") } else { format!("{name}(value)") };
            return self.fault(id, format!("`{name}` is not called like this"), format!("write it as `{shape}`"));
        }
        if *wanted == 2 {
            for (id, kind) in kinds {
                self.expect(id, kind, Kind::Text, &format!("`{name}` looks into a text"));
            }
        }
        let kind = match function {
            Function::Size | Function::Int => Kind::Integer,
            Function::Contains | Function::StartsWith | Function::EndsWith => Kind::Bool,
            Function::Double => Kind::Decimal,
            Function::Text => Kind::Text,
        };
        (Tree::Call(*function, trees), kind)
    }

    fn each(&mut self, id: u64, each: Macro, list: &IdedExpr, arguments: &[IdedExpr]) -> (Tree, Kind) {
        let (list_tree, kind) = self.tree(list);
        if !matches!(kind, Kind::Any | Kind::List | Kind::Map) {
            self.expect(list.id, kind, Kind::List, "it goes through a list");
        }
        let [IdedExpr { expr: Expr::Ident(name), .. }, body] = arguments else {
            return self.fault(
                id,
                "this is not called like this",
                "name an item, then say what of it: `list.exists(x, x == 1)`",
            );
        };
        let name: Arc<str> = Arc::from(name.as_str());
        self.locals.push((Arc::clone(&name), if kind == Kind::Map { Kind::Text } else { Kind::Any }));
        let (body_tree, body_kind) = self.kept(body);
        self.locals.pop();
        if each != Macro::Map {
            self.expect(body.id, body_kind, Kind::Bool, "it asks for a condition");
        }
        let kind = if matches!(each, Macro::Filter | Macro::Map) { Kind::List } else { Kind::Bool };
        (Tree::Each(each, name, Box::new(list_tree), Box::new(body_tree)), kind)
    }
}
