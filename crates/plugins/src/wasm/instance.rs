//! One plugin at work: an instance, its limits, and what ended it.

use std::time::Duration;

use routing::{Decision, Description, MAX_STATE, Outcome, Snapshot};
use wasmtime::component::TypedFunc;
use wasmtime::{Error, PoolConcurrencyLimitError, ResourceLimiter, Store, Trap};

use super::ticker::Ticker;
use super::{Code, Limits, MAX_ANSWER, MAX_MEMORIES, MAX_MEMORY, Module, PARTS, STRATEGY, TABLE, contract};
use crate::decide::within_bounds;
use crate::{Decide, Fault};

/// How long an instance is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// For one call: a plugin finds nothing that an earlier call left in its memory.
    #[default]
    Fresh,
    /// Until it does something wrong. What it keeps in its memory is not in the journal, so only a plugin that keeps nothing
    /// decides the same when a day is replayed.
    Kept,
}

/// A plugin that can be asked, by one at a time. The caller waits.
#[derive(Debug)]
pub struct Instance {
    module: Module,
    limits: Limits,
    keep: Keep,
    live: Option<Live>,
}

impl Instance {
    /// Makes none yet: [`Decide::prepare`] does, or the first call.
    #[must_use]
    pub fn new(module: Module, limits: Limits, keep: Keep) -> Self {
        Self { module, limits, keep, live: None }
    }

    fn call<F, R>(
        &mut self,
        function: impl FnOnce(&Live) -> F,
        call: impl FnOnce(F, &mut Store<Guard>) -> Result<R, Error>,
    ) -> Result<R, Fault> {
        let code = &self.module.0.code;
        let mut live = match self.live.take() {
            Some(live) => live,
            None => Live::new(code, &self.limits)?,
        };
        let function = function(&live);
        let answer = run(code, &mut live.store, self.limits.deadline, |store| call(function, store))?;
        if self.keep == Keep::Kept {
            self.live = Some(live);
        }
        Ok(answer)
    }
}

impl Decide for Instance {
    fn decide(&mut self, snapshot: &Snapshot, parameters: &str) -> Result<Decision, Fault> {
        let asked = contract::Snapshot::from(snapshot);
        let decide = |live: &Live| live.decide;
        let (answer,) = self.call(decide, |decide, store| decide.call(store, (&asked, parameters)))?;
        within_bounds(answer.map_err(Fault::Declined)?.try_into()?)
    }

    fn told(&mut self, outcomes: &[Outcome], state: Option<&str>, parameters: &str) -> Result<Option<String>, Fault> {
        let outcomes: Vec<contract::Outcome> = outcomes.iter().filter_map(contract::Outcome::known).collect();
        let told = |live: &Live| live.told;
        let (state,) = self.call(told, |told, store| told.call(store, (&outcomes, state, parameters)))?;
        match state {
            Some(state) if state.len() > MAX_STATE => Err(Fault::TooLarge(MAX_STATE)),
            state => Ok(state),
        }
    }

    fn prepare(&mut self) {
        if self.live.is_none() {
            // What is wrong is told to whoever asks.
            self.live = Live::new(&self.module.0.code, &self.limits).ok();
        }
    }
}

type DescribeFunc = TypedFunc<(), (contract::Description,)>;
type DecideFunc = TypedFunc<(&'static contract::Snapshot, &'static str), (Result<contract::Decision, String>,)>;
type ToldFunc = TypedFunc<(&'static [contract::Outcome], Option<&'static str>, &'static str), (Option<String>,)>;

/// An instance with its memory.
pub struct Live {
    store: Store<Guard>,
    describe: DescribeFunc,
    decide: DecideFunc,
    told: ToldFunc,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Live {
    fn new(code: &Code, limits: &Limits) -> Result<Self, Fault> {
        let mut store = Store::new(&code.host.0.engine, Guard::new(limits.memory));
        store.limiter(|guard| guard);
        store.set_hostcall_fuel(MAX_ANSWER);
        let instance = run(code, &mut store, limits.start, |store| code.ready.instantiate(store))?;
        let wrong = |error: Error| Fault::World(format!("its `{STRATEGY}` is not that of `routing.wit`: {error:#}"));
        Ok(Self {
            describe: instance.get_typed_func(&mut store, code.exports.describe).map_err(wrong)?,
            decide: instance.get_typed_func(&mut store, code.exports.decide).map_err(wrong)?,
            told: instance.get_typed_func(&mut store, code.exports.told).map_err(wrong)?,
            store,
        })
    }

    /// Makes an instance to ask what it is.
    pub fn describe(code: &Code, limits: &Limits) -> Result<Description, Fault> {
        let Self { mut store, describe, .. } = Self::new(code, limits)?;
        let (said,) = run(code, &mut store, limits.start, |store| describe.call(store, ()))?;
        said.try_into()
    }
}

/// Runs something of a plugin, for so long at most.
fn run<R>(
    code: &Code,
    store: &mut Store<Guard>,
    limit: Duration,
    call: impl FnOnce(&mut Store<Guard>) -> Result<R, Error>,
) -> Result<R, Fault> {
    store.data_mut().refused = false;
    store.set_epoch_deadline(Ticker::ticks(limit));
    let running = code.host.0.ticker.run();
    let done = call(store);
    drop(running);
    done.map_err(|error| fault(&error, store.data(), limit))
}

/// What went wrong, by what wasmtime says of it.
fn fault(error: &Error, guard: &Guard, limit: Duration) -> Fault {
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => Fault::Deadline(limit),
        Some(Trap::StackOverflow) => Fault::Stack,
        // Who gets no more memory usually gives up by a trap of his own.
        _ if guard.refused => Fault::Memory(guard.most),
        Some(trap) => Fault::Trap(trap.to_string()),
        None if error.is::<PoolConcurrencyLimitError>() => Fault::Busy,
        None => {
            let text = error.root_cause().to_string();
            // wasmtime has no type for it.
            if text.contains("fuel allocated for hostcalls") {
                Fault::TooLarge(MAX_ANSWER)
            } else {
                Fault::Answer(text)
            }
        }
    }
}

/// Counts what an instance has, over all its memories and tables.
#[derive(Debug)]
pub struct Guard {
    most: usize,
    memory: usize,
    entries: usize,
    /// True if it wanted more than it may have, since it was called.
    refused: bool,
}

impl Guard {
    fn new(most: usize) -> Self {
        Self { most: most.min(MAX_MEMORY), memory: 0, entries: 0, refused: false }
    }

    /// True if a part may grow; then it has.
    fn grow(has: &mut usize, most: usize, current: usize, desired: usize) -> bool {
        let grown = has.saturating_add(desired.saturating_sub(current));
        let fits = grown <= most;
        if fits {
            *has = grown;
        }
        fits
    }
}

impl ResourceLimiter for Guard {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool, Error> {
        let fits = Self::grow(&mut self.memory, self.most, current, desired);
        self.refused |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool, Error> {
        let fits = Self::grow(&mut self.entries, TABLE, current, desired);
        self.refused |= !fits;
        Ok(fits)
    }

    fn instances(&self) -> usize {
        PARTS as usize
    }

    fn tables(&self) -> usize {
        PARTS as usize
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES as usize
    }
}
