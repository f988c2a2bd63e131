//! The orders of a crossing, one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::stage::{Order, Step};
use super::{Crossing, Failed, Tried};
use crate::laws::Breach;
use crate::scenario::text_of;

/// More orders than anybody waits for.
const MOST: usize = 100_000;

/// A point at which an order may go on in several ways.
struct Fork {
    ways: Vec<Step>,
    /// Those that need not be tried: they were, or they were before and meet nothing of what came since.
    asleep: Vec<Step>,
    /// The one that is tried.
    tried: Step,
}

/// How an order ended.
enum End {
    Over,
    /// It is the same as one that was played.
    Redundant,
    Broken(Vec<Breach>),
}

impl Crossing {
    /// Plays all orders.
    ///
    /// # Errors
    /// The first order that breaks a law.
    pub fn try_all(&self) -> Result<Tried, Box<Failed>> {
        let configs = self.configs();
        let config = |company: crate::Company| configs.get(company.word()).cloned().unwrap_or_default();
        let mut tried = Tried::default();
        let mut path: Vec<Fork> = Vec::new();
        loop {
            let mut order = Order::begin(self, false, &config);
            let end = catch_unwind(AssertUnwindSafe(|| play(&mut order, &mut path)));
            match end.unwrap_or_else(|panic| End::Broken(vec![Breach::new("nothing panics", text_of(&*panic))])) {
                End::Over => tried.orders += 1,
                End::Redundant => tried.redundant += 1,
                End::Broken(breaches) => {
                    let steps: Vec<String> = path.iter().map(|fork| self.word(fork.tried)).collect();
                    let told = self.replay(&steps.join(", ")).err().map(|failed| failed.told).unwrap_or_default();
                    return Err(Box::new(Failed { steps, breaches, told }));
                }
            }
            if !turn(&mut path) {
                return Ok(tried);
            }
            if tried.orders + tried.redundant > MOST {
                let breaches = vec![Breach::new("a crossing is small", &format!("{MOST} orders were not all"))];
                return Err(Box::new(Failed { steps: Vec::new(), breaches, told: Vec::new() }));
            }
        }
    }

    /// Plays one order, told by its steps: those of [`Failed`].
    ///
    /// # Errors
    /// If it breaks a law, or there is no such order; whatever it is, what happened is told.
    pub fn replay(&self, steps: &str) -> Result<(), Box<Failed>> {
        let configs = self.configs();
        let config = |company: crate::Company| configs.get(company.word()).cloned().unwrap_or_default();
        let steps: Vec<String> = steps.split(", ").filter(|step| !step.is_empty()).map(str::to_owned).collect();
        let mut order = Order::begin(self, true, &config);
        let played = catch_unwind(AssertUnwindSafe(|| replay(self, &mut order, &steps)));
        let played = played.unwrap_or_else(|panic| Err(vec![Breach::new("nothing panics", text_of(&*panic))]));
        played.map_err(|breaches| Box::new(Failed { steps, breaches, told: order.into_told() }))
    }
}

fn replay(crossing: &Crossing, order: &mut Order<'_>, steps: &[String]) -> Result<(), Vec<Breach>> {
    for word in steps {
        let ways = order.ways();
        let Some(step) = ways.iter().find(|step| crossing.word(**step) == *word) else {
            let ways: Vec<String> = ways.iter().map(|step| crossing.word(*step)).collect();
            let what = format!("there is no step `{word}` here, but {}", ways.join(", "));
            return Err(vec![Breach::new("an order goes its way", &what)]);
        };
        order.take(*step)?;
        order.check()?;
    }
    // What an order does not say comes as it may.
    while let Some(step) = order.ways().first().copied() {
        order.take(step)?;
        order.check()?;
    }
    order.judge()
}

/// Goes the way that is known, and from there on the first one.
fn play(order: &mut Order<'_>, path: &mut Vec<Fork>) -> End {
    // What led here was found to be right before.
    let known = path.len();
    for (at, fork) in path.iter().enumerate() {
        let checked = at + 1 < known;
        if let Err(breaches) = order.take(fork.tried).and_then(|()| if checked { Ok(()) } else { order.check() }) {
            return End::Broken(breaches);
        }
    }
    loop {
        let ways = order.ways();
        if ways.is_empty() {
            return order.judge().map_or_else(End::Broken, |()| End::Over);
        }
        let asleep = path.last().map(Fork::still_asleep).unwrap_or_default();
        let Some(tried) = ways.iter().copied().find(|way| !asleep.contains(way)) else { return End::Redundant };
        path.push(Fork { ways, asleep, tried });
        if let Err(breaches) = order.take(tried).and_then(|()| order.check()) {
            return End::Broken(breaches);
        }
    }
}

/// Goes back to the last fork where a way is left, and takes that. False if there is none.
fn turn(path: &mut Vec<Fork>) -> bool {
    while let Some(fork) = path.last_mut() {
        fork.asleep.push(fork.tried);
        if let Some(next) = fork.ways.iter().copied().find(|way| !fork.asleep.contains(way)) {
            fork.tried = next;
            return true;
        }
        path.pop();
    }
    false
}

impl Fork {
    /// What is asleep after the step that is tried: what does not meet it.
    fn still_asleep(&self) -> Vec<Step> {
        self.asleep.iter().copied().filter(|step| !step.meets(self.tried)).collect()
    }
}
