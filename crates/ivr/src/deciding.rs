//! The session's steps at nodes that work expressions out.

use std::sync::Arc;

use base::{Now, Pii};

use crate::expression::{Error, Expression, Scope};
use crate::flow::{Callback, Look, Set, Target, Verb, When};
use crate::outline::case;
use crate::state::Phase;
use crate::{Figures, Output, Promise, Session, Value};

impl Session {
    /// Works the expressions of a node out, or asks first how the queues stand that they read.
    pub(crate) fn decide(&mut self, verb: &Verb, now: Now) -> Option<Target> {
        let mut queues: Vec<Arc<str>> =
            verb.expressions().flat_map(|read| &read.queues).map(|(queue, _)| Arc::clone(queue)).collect();
        if queues.is_empty() {
            return self.work_out(verb, now, &Figures::new());
        }
        queues.sort_unstable();
        queues.dedup();
        self.state.phase = Phase::Weighing;
        self.outputs.push_back(Output::Figures { queues });
        None
    }

    /// Works the expressions of a node out.
    pub(crate) fn work_out(&mut self, verb: &Verb, now: Now, figures: &Figures) -> Option<Target> {
        match verb {
            Verb::When(when) => Some(self.choose(when, now, figures)),
            Verb::Look(look) => self.look(look, now, figures),
            Verb::Set(set) => {
                self.took("next");
                Some(self.set(set, now, figures))
            }
            Verb::Http(http) => self.fetch(http, now, figures),
            Verb::Callback(callback) => self.promise(callback, now, figures),
            _ => None,
        }
    }

    /// What an expression comes to, which may read what is `given` beside all that is known.
    pub(crate) fn evaluate(
        &self,
        expression: &Expression,
        now: Now,
        figures: &Figures,
        given: &[(Arc<str>, Value)],
    ) -> Result<Value, Error> {
        expression.evaluate(&Scope {
            variables: &self.state.variables,
            facts: &self.state.facts,
            language: self.language(),
            now: now.wall,
            zone: self.flows.zone(),
            queues: figures,
            http: self.state.http,
            given,
        })
    }

    /// Asks for a callback. What is no number is for the driver to refuse.
    fn promise(&mut self, callback: &Callback, now: Now, figures: &Figures) -> Option<Target> {
        let number = match self.evaluate(&callback.number.expression, now, figures, &[]) {
            Ok(Value::Text(text)) => text,
            Ok(Value::Integer(number)) => number.to_string(),
            Ok(_) | Err(_) => String::new(),
        };
        self.state.phase = Phase::Deciding;
        self.outputs.push_back(Output::Callback(Box::new(Promise {
            queue: Arc::clone(&callback.queue),
            hours: Arc::clone(&callback.hours),
            number: Pii::new(number),
            attempts: callback.attempts,
            retry: callback.retry,
            except: callback.except.clone(),
        })));
        None
    }

    /// Whether he will be called back.
    pub fn handle_callback(&mut self, now: Now, promised: bool) {
        let flow = Arc::clone(&self.flow);
        let verb = flow.node(self.state.node).map(|node| &node.verb);
        let (Phase::Deciding, Some(Verb::Callback(callback))) = (self.state.phase, verb) else { return };
        let target = if promised {
            self.took("next");
            Some(callback.next)
        } else {
            self.took("refused");
            self.leave(&callback.refused, true)
        };
        self.advance(now, target);
    }

    /// The first case that holds. One that cannot be worked out leads to `otherwise`: what the operator meant is not known.
    fn choose(&mut self, when: &When, now: Now, figures: &Figures) -> Target {
        let (mut chosen, mut failed) = (None, None);
        for (number, (condition, to)) in (1..).zip(&when.cases) {
            match self.evaluate(&condition.expression, now, figures, &[]) {
                Ok(Value::Bool(false)) => continue,
                Ok(Value::Bool(true)) => chosen = Some((number, *to)),
                Ok(_) => failed = Some((number, Error::WrongKind.word())),
                Err(error) => failed = Some((number, error.word())),
            }
            break;
        }
        self.outputs.push_back(Output::Chosen { case: chosen.map(|(number, _)| number), failed });
        match chosen {
            Some((number, _)) => self.took(case(number)),
            None => self.took("otherwise"),
        }
        chosen.map_or(when.otherwise, |(_, to)| to)
    }

    /// Where a table leads. Told like a `when` of one case, which is that there is a row.
    fn look(&mut self, look: &Look, now: Now, figures: &Figures) -> Option<Target> {
        let text = match self.evaluate(&look.value.expression, now, figures, &[]) {
            Ok(Value::Text(text)) => Ok(text),
            Ok(Value::Integer(number)) => Ok(number.to_string()),
            Ok(_) => Err(Error::WrongKind),
            Err(error) => Err(error),
        };
        let rows = self.flows.rows().get(&look.rows);
        let row = text.as_ref().ok().and_then(|text| rows?.find(text, look.by));
        let case = row.as_ref().map(|_| 1);
        self.outputs.push_back(Output::Chosen { case, failed: text.err().map(|error| (1, error.word())) });
        let Some(row) = row else {
            self.took("otherwise");
            return self.leave(&look.otherwise, true);
        };
        if let Some(name) = &look.into {
            self.state.set(name, row);
            self.outputs.push_back(Output::Set { variable: Arc::clone(name), failed: None });
        }
        self.took("found");
        self.leave(&look.found, true)
    }

    /// Sets variables in their order. What cannot be worked out is null.
    fn set(&mut self, set: &Set, now: Now, figures: &Figures) -> Target {
        for (name, written) in set.names.iter().zip(&set.values) {
            let (value, failed) = match self.evaluate(&written.expression, now, figures, &[]) {
                Ok(value) => (value, None),
                Err(error) => (Value::Null, Some(error.word())),
            };
            self.state.set(name, value);
            self.outputs.push_back(Output::Set { variable: Arc::clone(name), failed });
        }
        set.next
    }
}
