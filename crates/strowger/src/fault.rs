//! Faults of ours: a panic in the switch ends the call that it was about, not the process, as long as they are few.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::{Mono, Now};
use switch::Switch;

/// More faults than this within [`WINDOW`] are no accidents of single calls: the process ends, so that whoever supervises it
/// starts a new one.
const MOST: usize = 20;
const WINDOW: Duration = Duration::from_secs(60);

/// Panics that are printed, of all threads: one that datagrams cause could be caused ten thousand times a second.
const MOST_PRINTED: u64 = 100;

/// Panics so far.
static PRINTED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Where this thread panicked last.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Notes the place of every panic and prints that of the first ones, with a backtrace if `RUST_BACKTRACE` asks for one. The panic's message is
/// left out: it may quote what a caller sent.
pub(crate) fn watch_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = place(info);
        if PRINTED.fetch_add(1, Ordering::Relaxed) < MOST_PRINTED {
            print(&place);
        }
        PLACE.with(|last| last.replace(place));
    }));
}

fn print(place: &str) {
    let thread = std::thread::current();
    let mut out = io::stderr().lock();
    // Nobody reads a standard error that is closed.
    let _ = writeln!(out, "strowger: fault at {place} in thread {}", thread.name().unwrap_or("main"));
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        let _ = writeln!(out, "{trace}");
    }
}

fn place(info: &PanicHookInfo<'_>) -> String {
    info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string)
}

/// The switch cannot be trusted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GaveUp;

/// Keeps panics of the switch from ending its thread.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    /// When the last ones were.
    recent: VecDeque<Mono>,
}

impl Guard {
    /// Hands the switch an input. If it panics, that input's call is ended, and None is given.
    ///
    /// # Errors
    /// [`GaveUp`] if ending the call panicked, too, or if there were too many faults.
    pub fn tell<T>(
        &mut self,
        now: Now,
        switch: &mut Switch,
        input: impl FnOnce(&mut Switch) -> T,
    ) -> Result<Option<T>, GaveUp> {
        // Unwind safety: the switch is all that outlives a panic in here, and `handle_fault` is made for what it finds.
        // The input is used up.
        if let Ok(done) = catch_unwind(AssertUnwindSafe(|| input(switch))) {
            return Ok(Some(done));
        }
        self.recent.push_back(now.monotonic);
        while self.recent.front().is_some_and(|first| now.monotonic.since(*first) > WINDOW) {
            self.recent.pop_front();
        }
        let place = PLACE.with(RefCell::take);
        // Unwind safety: if this panics, the switch is asked for nothing any more.
        let ended = catch_unwind(AssertUnwindSafe(|| switch.handle_fault(now, &place)));
        if ended.is_err() || self.recent.len() > MOST { Err(GaveUp) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use base::{Rng, Wall};
    use journal::{Charges, Kind};
    use switch::{Config, Setup};

    use super::*;

    fn switch(now: Now) -> Switch {
        let sip = sip::StackConfig::new("test", Vec::new());
        let setup = Setup {
            sip,
            node: 0,
            version: "test".into(),
            strategy: None,
            rng: Rng::from_number(1),
            charges: Charges::default(),
        };
        Switch::new(now, Config::default(), setup)
    }

    fn at(seconds: u64) -> Now {
        Now { monotonic: Mono::ZERO + Duration::from_secs(seconds), wall: Wall::default() }
    }

    fn fail(guard: &mut Guard, now: Now, switch: &mut Switch) -> Result<Option<()>, GaveUp> {
        guard.tell(now, switch, |_| panic!("with a caller's number in it"))
    }

    #[test]
    fn a_panic_is_journaled_with_its_place_and_the_switch_goes_on() {
        watch_panics();
        let (now, mut guard) = (at(0), Guard::default());
        let mut switch = switch(now);
        assert_eq!(fail(&mut guard, now, &mut switch), Ok(None));
        let events: Vec<Kind> = std::iter::from_fn(|| switch.poll_journal()).map(|event| event.kind).collect();
        let places: Vec<&str> = events
            .iter()
            .filter_map(|kind| if let Kind::Fault { place } = kind { Some(&**place) } else { None })
            .collect();
        let [place] = &*places else { panic!("{events:?}") };
        assert!(place.contains("fault.rs:"), "{place}");
        assert_eq!(guard.tell(now, &mut switch, |switch| switch.live_calls()), Ok(Some(0)));
    }

    #[test]
    fn too_many_faults_in_a_minute_are_the_end_and_few_over_hours_are_not() {
        let mut switch = switch(at(0));
        let mut guard = Guard::default();
        for minute in 0..200 {
            assert_eq!(fail(&mut guard, at(minute * 10), &mut switch), Ok(None), "one in ten seconds");
        }
        let outcomes: Vec<_> = (0..=MOST).map(|_| fail(&mut guard, at(3_000), &mut switch)).collect();
        assert!(outcomes[..MOST].iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(outcomes[MOST], Err(GaveUp));
    }
}
