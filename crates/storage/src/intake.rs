//! The queue into a writer's thread: bounded, never waited for by who puts, taken all at once.
//!
//! A general channel hands over value by value, and what is boxed for it is freed by another thread than made it, which
//! the allocator pays for each time. Here values lie in two vectors that the two sides exchange, and the writer is woken
//! only when it sleeps.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So much room is kept though few values came.
const KEPT: usize = 64;

/// The putting side. When the last one is gone, the queue is closed.
#[derive(Debug)]
pub(crate) struct Port<T>(Arc<Shared<T>>);

/// The writer's side.
#[derive(Debug)]
pub(crate) struct Intake<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    /// Something came for a writer who sleeps, or nothing more will.
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: Vec<T>,
    capacity: usize,
    ports: usize,
    /// The writer waits for something to come.
    asleep: bool,
    closed: bool,
}

/// A queue for at most `capacity` values.
pub(crate) fn intake<T>(capacity: usize) -> (Port<T>, Intake<T>) {
    let state = State { waiting: Vec::new(), capacity, ports: 1, asleep: false, closed: false };
    let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
    (Port(Arc::clone(&shared)), Intake(shared))
}

impl<T> Port<T> {
    /// Puts a value. False if `most` values wait already, or as many as may; or if the queue is closed.
    pub fn put(&self, most: usize, value: T) -> bool {
        let mut state = self.0.lock();
        if state.closed || state.waiting.len() >= state.capacity.min(most) {
            return false;
        }
        state.waiting.push(value);
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            self.0.changed.notify_one();
        }
        true
    }

    /// Nothing more comes. What waits is still taken.
    pub fn close(&self) {
        self.0.lock().closed = true;
        self.0.changed.notify_one();
    }
}

impl<T> Clone for Port<T> {
    fn clone(&self) -> Self {
        self.0.lock().ports += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Port<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ports -= 1;
        let last = state.ports == 0;
        drop(state);
        if last {
            self.close();
        }
    }
}

impl<T> Intake<T> {
    /// Waits until something waits or nothing more will come, but at most `time`. True if something waits.
    pub fn wait(&self, time: Duration) -> bool {
        let mut state = self.0.lock();
        state.asleep = true;
        let idle = |state: &mut State<T>| state.waiting.is_empty() && !state.closed;
        let woken = self.0.changed.wait_timeout_while(state, time, idle);
        state = woken.unwrap_or_else(PoisonError::into_inner).0;
        state.asleep = false;
        !state.waiting.is_empty()
    }

    /// Lets what comes gather for `time`, or until nothing more will come.
    pub fn gather(&self, time: Duration) {
        let until = Instant::now() + time;
        let state = self.0.lock();
        let open = |state: &mut State<T>| !state.closed && Instant::now() < until;
        drop(self.0.changed.wait_timeout_while(state, time, open));
    }

    /// Exchanges all that waits for `into`, which is emptied, and keeps as much of its room as lately was used. True if
    /// nothing more will come.
    pub fn take_all(&self, into: &mut Vec<T>) -> bool {
        into.clear();
        let mut state = self.0.lock();
        into.shrink_to(KEPT.max(2 * state.waiting.len()));
        std::mem::swap(&mut state.waiting, into);
        state.closed
    }
}

impl<T> Drop for Intake<T> {
    /// Nobody takes any more.
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.waiting = Vec::new();
    }
}

impl<T> Shared<T> {
    /// A thread that panicked with the lock held left a queue that is whole: nothing under the lock can stop half-way.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Generous: the machines that run this are shared.
    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn values_arrive_in_order_and_all_at_once() {
        let (port, intake) = intake(8);
        let other = port.clone();
        assert!((0..4).all(|n| port.put(8, n)) && other.put(8, 4));
        let mut got = Vec::new();
        assert!(intake.wait(LIMIT) && !intake.take_all(&mut got));
        assert_eq!(got, [0, 1, 2, 3, 4]);
        assert!(!intake.wait(Duration::ZERO) && !intake.take_all(&mut got));
        assert!(got.is_empty());
    }

    #[test]
    fn what_is_worth_less_finds_the_queue_full_before_others_do() {
        let (port, intake) = intake(3);
        assert_eq!([1, 2, 3].map(|n| port.put(2, n)), [true, true, false]);
        assert_eq!([4, 5].map(|n| port.put(usize::MAX, n)), [true, false]);
        let mut got = Vec::new();
        intake.take_all(&mut got);
        assert_eq!(got, [1, 2, 4]);
        assert!(port.put(2, 6), "there is room again");
    }

    #[test]
    fn who_waits_is_woken_by_what_comes_and_by_the_end() {
        let (port, intake) = intake(4);
        let (told, went) = std::sync::mpsc::channel();
        // Left alone, each wait lasts longer than anybody here waits for what it brings.
        let long = 10 * LIMIT;
        let writer = std::thread::Builder::new().spawn(move || {
            let mut got = Vec::new();
            assert!(intake.wait(long) && !intake.take_all(&mut got));
            told.send(got[0]).unwrap();
            assert!(!intake.wait(long), "nothing came, but the end did");
            intake.gather(long);
            assert!(intake.take_all(&mut got));
            told.send(0).unwrap();
        });
        // It must sleep first, or nothing need wake it.
        let begun = Instant::now();
        while !port.0.lock().asleep && begun.elapsed() < LIMIT {
            std::thread::yield_now();
        }
        assert!(port.put(4, 7));
        assert_eq!(went.recv_timeout(LIMIT), Ok(7));
        drop(port.clone());
        drop(port);
        assert_eq!(went.recv_timeout(LIMIT), Ok(0));
        writer.unwrap().join().unwrap();
    }

    #[test]
    fn what_is_put_after_the_end_is_refused_and_what_waited_is_taken() {
        let (port, intake) = intake(4);
        port.put(4, 1);
        port.close();
        assert!(!port.put(4, 2));
        let mut got = Vec::new();
        assert!(intake.wait(LIMIT) && intake.take_all(&mut got));
        assert_eq!(got, [1]);
    }

    #[test]
    fn the_room_of_a_burst_is_not_kept() {
        let (port, intake) = intake(usize::MAX);
        let mut got = Vec::new();
        for count in [10_000, 10, 10] {
            assert!((0..count).all(|n| port.put(usize::MAX, n)));
            intake.take_all(&mut got);
        }
        assert!(got.capacity() <= 2 * KEPT && intake.0.lock().waiting.capacity() <= 2 * KEPT);
    }
}
