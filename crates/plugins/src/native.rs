//! Strategies in Rust, built into the program.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use routing::{Decision, MAX_STATE, Outcome, Snapshot, Strategy};

use crate::decide::within_bounds;
use crate::{Decide, Fault};

/// Makes a strategy.
pub type Make = Arc<dyn Fn() -> Box<dyn Strategy> + Send + Sync>;

/// A strategy that can be asked. A panic costs its say, and the strategy is made anew.
///
/// Nothing ends a strategy that never returns: its queue's thread is lost to it, and the queue goes on by other means.
pub struct Native {
    make: Make,
    strategy: Option<Box<dyn Strategy>>,
}

impl Native {
    /// Makes none yet: [`Decide::prepare`] does, or the first call.
    #[must_use]
    pub fn new(make: Make) -> Self {
        Self { make, strategy: None }
    }

    fn call<T>(&mut self, ask: impl FnOnce(&dyn Strategy) -> T) -> Result<T, Fault> {
        let (made, make) = (self.strategy.take(), &self.make);
        let call = || {
            let strategy = made.unwrap_or_else(|| make());
            let answer = ask(&*strategy);
            (strategy, answer)
        };
        // Unwind safety: a strategy that panicked is dropped with all that it had.
        let (strategy, answer) = catch_unwind(AssertUnwindSafe(call)).map_err(|panic| Fault::Panic(text(&*panic)))?;
        self.strategy = Some(strategy);
        Ok(answer)
    }
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Native").field("made", &self.strategy.is_some()).finish_non_exhaustive()
    }
}

impl Decide for Native {
    fn decide(&mut self, snapshot: &Snapshot, _parameters: &str) -> Result<Decision, Fault> {
        within_bounds(self.call(|strategy| strategy.decide(snapshot))?)
    }

    fn told(&mut self, outcomes: &[Outcome], state: Option<&str>, _parameters: &str) -> Result<Option<String>, Fault> {
        match self.call(|strategy| strategy.told(outcomes, state))? {
            Some(state) if state.len() > MAX_STATE => Err(Fault::TooLarge(MAX_STATE)),
            state => Ok(state),
        }
    }

    fn prepare(&mut self) {
        if self.strategy.is_none() {
            // What is wrong is told to whoever asks.
            let _ = self.call(|_| ());
        }
    }
}

/// What a panic says.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a word").to_owned()
}
