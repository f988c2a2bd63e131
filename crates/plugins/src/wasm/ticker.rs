//! The clock that ends what runs too long: it moves wasmtime's epoch while something runs, and rests otherwise.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmtime::Engine;

/// How often the epoch moves.
const TICK: Duration = Duration::from_millis(1);

/// The way to the thread that moves the epoch. It ends when this is dropped.
#[derive(Debug)]
pub struct Ticker(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    ended: bool,
}

/// While it lives, the epoch moves.
#[derive(Debug)]
pub struct Running<'a>(&'a Shared);

impl Ticker {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no thread.
    pub fn start(engine: &Engine) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, its) = (engine.clone(), Arc::clone(&shared));
        std::thread::Builder::new().name("plugins-clock".to_owned()).spawn(move || its.tick(&engine))?;
        Ok(Self(shared))
    }

    /// Lets the epoch move.
    pub fn run(&self) -> Running<'_> {
        self.0.state().running += 1;
        self.0.changed.notify_one();
        Running(&self.0)
    }

    /// How many times the epoch may move for something that may take so long. One more, since the first comes early.
    pub fn ticks(limit: Duration) -> u64 {
        u64::try_from(limit.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX / 2).saturating_add(1)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.changed.notify_one();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self, engine: &Engine) {
        loop {
            let idle = self.changed.wait_while(self.state(), |state| state.running == 0 && !state.ended);
            if idle.unwrap_or_else(PoisonError::into_inner).ended {
                return;
            }
            std::thread::sleep(TICK);
            engine.increment_epoch();
        }
    }
}
