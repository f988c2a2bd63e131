//! Strategies in Rust, built into the program.
//!
//! Nothing ends a strategy that does not return. So each has a thread of its own, whose answer is waited for as long as its
//! deadline says; while it owes one it is asked nothing.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::time::Duration;

use routing::{Decision, MAX_STATE, Outcome, Snapshot, Strategy};

use crate::decide::within_bounds;
use crate::{Decide, Fault};

/// Makes a strategy.
pub type Make = Arc<dyn Fn() -> Box<dyn Strategy> + Send + Sync>;

/// A strategy that can be asked. A panic costs its say, and the strategy is made anew; so does an answer that does not come in
/// time, and until that one has come there is no other.
pub struct Native {
    make: Make,
    deadline: Duration,
    thread: Option<Thread>,
    /// A strategy is made.
    made: bool,
}

impl Native {
    /// With so many threads of a process that were left behind at what they are, no other strategy is begun with.
    pub const MOST_LEFT_BEHIND: usize = 8;

    /// Makes none yet: [`Decide::prepare`] does, or the first call. Each call may take as long as `deadline`.
    #[must_use]
    pub const fn new(make: Make, deadline: Duration) -> Self {
        Self { make, deadline, thread: None, made: false }
    }

    fn call<T: Send + 'static>(&mut self, ask: impl FnOnce(&dyn Strategy) -> T + Send + 'static) -> Result<T, Fault> {
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => Thread::start(Arc::clone(&self.make))?,
        };
        let answer = thread.ask(self.deadline, ask);
        self.made = answer.is_ok();
        self.thread = Some(thread);
        answer
    }
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Native").field("made", &self.made).finish_non_exhaustive()
    }
}

impl Decide for Native {
    fn decide(&mut self, snapshot: &Snapshot, _parameters: &str) -> Result<Decision, Fault> {
        let snapshot = snapshot.clone();
        within_bounds(self.call(move |strategy| strategy.decide(&snapshot))?)
    }

    fn told(&mut self, outcomes: &[Outcome], state: Option<&str>, _parameters: &str) -> Result<Option<String>, Fault> {
        let (outcomes, state) = (outcomes.to_vec(), state.map(str::to_owned));
        match self.call(move |strategy| strategy.told(&outcomes, state.as_deref()))? {
            Some(state) if state.len() > MAX_STATE => Err(Fault::TooLarge(MAX_STATE)),
            state => Ok(state),
        }
    }

    fn hangs(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| thread.standing.load(Ordering::Acquire) == BUSY)
    }

    fn prepare(&mut self) {
        if !self.made {
            // What is wrong is told to whoever asks.
            let _ = self.call(|_| ());
        }
    }
}

/// A thread waits for a job, is at one, or is at one that nobody waits for any more.
const IDLE: u8 = 0;
const BUSY: u8 = 1;
const LEFT: u8 = 2;

/// Threads of this process that are [`LEFT`].
static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

/// Is given the strategy, which it may lose.
type Job = Box<dyn FnOnce(&mut Option<Box<dyn Strategy>>, &Make) + Send>;

/// The thread that has a strategy. It ends when this is dropped, after what it is at.
struct Thread {
    jobs: Sender<Job>,
    standing: Arc<AtomicU8>,
}

impl Thread {
    fn start(make: Make) -> Result<Self, Fault> {
        if LEFT_BEHIND.load(Ordering::Acquire) >= Native::MOST_LEFT_BEHIND {
            return Err(Fault::Hangs);
        }
        let (jobs, given): (Sender<Job>, Receiver<Job>) = channel();
        let serve = move || {
            let mut strategy = None;
            for job in given {
                job(&mut strategy, &make);
            }
        };
        std::thread::Builder::new().name("strategy".to_owned()).spawn(serve).map_err(|_| Fault::Busy)?;
        Ok(Self { jobs, standing: Arc::default() })
    }

    /// Has the strategy say something, and waits for that so long.
    fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        ask: impl FnOnce(&dyn Strategy) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        if self.standing.compare_exchange(IDLE, BUSY, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return Err(Fault::Hangs);
        }
        let (tell, told) = sync_channel(1);
        let standing = Arc::clone(&self.standing);
        let job: Job = Box::new(move |strategy, make| {
            let made = strategy.take();
            let call = || {
                let strategy = made.unwrap_or_else(|| make());
                let answer = ask(&*strategy);
                (strategy, answer)
            };
            // Unwind safety: a strategy that panicked is dropped with all that it had.
            let said = catch_unwind(AssertUnwindSafe(call)).map_err(|panic| Fault::Panic(text(&*panic)));
            let said = said.map(|(its, answer)| {
                *strategy = Some(its);
                answer
            });
            if standing.swap(IDLE, Ordering::AcqRel) == LEFT {
                LEFT_BEHIND.fetch_sub(1, Ordering::AcqRel);
            }
            // Nobody waits any more if it was late.
            let _ = tell.send(said);
        });
        self.jobs.send(job).map_err(|_| Fault::Unbound)?;
        match told.recv_timeout(limit) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => Err(Fault::Deadline(limit)),
            Err(RecvTimeoutError::Disconnected) => Err(Fault::Unbound),
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // It counts before the thread may come back and take it off again.
        LEFT_BEHIND.fetch_add(1, Ordering::AcqRel);
        if self.standing.compare_exchange(BUSY, LEFT, Ordering::AcqRel, Ordering::Acquire).is_err() {
            LEFT_BEHIND.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// What a panic says.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a word").to_owned()
}
