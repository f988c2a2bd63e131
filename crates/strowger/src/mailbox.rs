//! The queue into the domain thread: bounded, many senders, one receiver who takes all that waits at once.
//!
//! A general channel hands over value by value and spins before it sleeps, which at some thousand datagrams a second costs
//! more than the calls themselves. Here the receiver swaps the whole queue for an empty one under a lock that is held for
//! the time of a push, and is woken only when it sleeps.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The sending side; clones send to the same receiver.
#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The receiving side.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    /// Something came for a receiver who sleeps.
    filled: Condvar,
    /// There is room for a sender who waits.
    emptied: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    waiting: Vec<T>,
    /// The receiver sleeps; it takes one wake-up however many values come.
    asleep: bool,
    /// The receiver is gone.
    closed: bool,
}

/// A queue for at most `capacity` values.
pub(crate) fn mailbox<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let state = Mutex::new(State { waiting: Vec::new(), asleep: false, closed: false });
    let shared = Arc::new(Shared { state, filled: Condvar::new(), emptied: Condvar::new(), capacity });
    (Sender(shared.clone()), Receiver(shared))
}

impl<T> Sender<T> {
    /// Hands over a value without waiting.
    ///
    /// # Errors
    /// Gives it back if the queue is full. Once the receiver is gone, values vanish.
    pub fn try_send(&self, value: T) -> Result<(), T> {
        self.try_put(usize::MAX, value, |value| value)
    }

    /// As [`Sender::try_send`], for what is worth less: it finds the queue full when `most` values wait. `wrap` makes a
    /// value of what finds room.
    ///
    /// # Errors
    /// As there.
    pub fn try_put<V>(&self, most: usize, value: V, wrap: impl FnOnce(V) -> T) -> Result<(), V> {
        let state = self.0.lock();
        if !self.0.has_room(&state, most) {
            return Err(value);
        }
        self.0.push(state, wrap(value));
        Ok(())
    }

    /// As [`Sender::try_put`] with each of `values`, each with its own `most`; the receiver is woken once for all of them.
    /// Says how many found no room.
    pub fn put_all<V>(&self, values: impl Iterator<Item = (usize, V)>, wrap: impl Fn(V) -> T) -> usize {
        let mut state = self.0.lock();
        let mut refused = 0;
        for (most, value) in values {
            if self.0.has_room(&state, most) {
                state.waiting.push(wrap(value));
            } else {
                refused += 1;
            }
        }
        self.0.wake(state);
        refused
    }

    /// Hands over a value; waits while the queue is full.
    pub fn send(&self, value: T) {
        let mut state = self.0.lock();
        while state.waiting.len() >= self.0.capacity && !state.closed {
            state = self.0.emptied.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.0.push(state, value);
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Receiver<T> {
    /// Moves all that waits into `into`, which must be empty. Waits for something for at most `patience`.
    pub fn take_all(&self, into: &mut Vec<T>, patience: Duration) {
        let mut state = self.0.lock();
        if state.waiting.is_empty() && !patience.is_zero() {
            state.asleep = true;
            let nothing = |state: &mut State<T>| state.waiting.is_empty();
            let woken = self.0.filled.wait_timeout_while(state, patience, nothing);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
            state.asleep = false;
        }
        let was_full = state.waiting.len() >= self.0.capacity;
        std::mem::swap(&mut state.waiting, into);
        drop(state);
        if was_full {
            self.0.emptied.notify_all();
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.waiting.clear();
        drop(state);
        self.0.emptied.notify_all();
    }
}

impl<T> Shared<T> {
    /// A thread that panicked with the lock held left a queue that is whole: nothing under the lock can stop half-way.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Once the receiver is gone there is room for all, and it vanishes.
    fn has_room(&self, state: &State<T>, most: usize) -> bool {
        state.waiting.len() < self.capacity.min(most) || state.closed
    }

    fn push(&self, mut state: MutexGuard<'_, State<T>>, value: T) {
        state.waiting.push(value);
        self.wake(state);
    }

    fn wake(&self, mut state: MutexGuard<'_, State<T>>) {
        if state.closed {
            return state.waiting.clear();
        }
        let wake = !state.waiting.is_empty() && std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            self.filled.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Generous: the machines that run this are shared.
    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn values_arrive_in_order_and_all_at_once() {
        let (tx, rx) = mailbox(8);
        for n in 0..5 {
            tx.try_send(n).unwrap();
        }
        let mut got = Vec::new();
        rx.take_all(&mut got, LIMIT);
        assert_eq!(got, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_full_queue_gives_the_value_back() {
        let (tx, rx) = mailbox(1);
        tx.try_send(1).unwrap();
        assert_eq!(tx.try_send(2), Err(2));
        rx.take_all(&mut Vec::new(), LIMIT);
        tx.try_send(3).unwrap();
    }

    #[test]
    fn a_sender_that_waits_goes_on_when_there_is_room_and_when_the_receiver_is_gone() {
        let (tx, rx) = mailbox(1);
        tx.try_send(1).unwrap();
        let sender = std::thread::Builder::new().spawn(move || (2..4).for_each(|n| tx.send(n))).unwrap();
        let (mut got, mut all) = (Vec::new(), Vec::new());
        while all.len() < 2 {
            rx.take_all(&mut got, LIMIT);
            all.append(&mut got);
        }
        assert_eq!(all, [1, 2]);
        drop(rx);
        sender.join().unwrap();
    }

    #[test]
    fn what_is_worth_less_finds_the_queue_full_before_others_do() {
        let (tx, rx) = mailbox(4);
        assert_eq!([1, 2, 3].map(|n| tx.try_put(2, n, |n| n)), [Ok(()), Ok(()), Err(3)]);
        assert_eq!([4, 5, 6].map(|n| tx.try_send(n)), [Ok(()), Ok(()), Err(6)]);
        let mut got = Vec::new();
        rx.take_all(&mut got, LIMIT);
        assert_eq!(got, [1, 2, 4, 5]);
        let refused = tx.put_all([(2, 7), (2, 8), (2, 9), (9, 10), (9, 11), (9, 12)].into_iter(), |n| n);
        assert_eq!(refused, 2, "there is room again, for each to his own mark");
        got.clear();
        rx.take_all(&mut got, LIMIT);
        assert_eq!(got, [7, 8, 10, 11]);
    }

    #[test]
    fn a_receiver_that_sleeps_is_woken() {
        let (tx, rx) = mailbox(4);
        let sender = std::thread::Builder::new().spawn(move || tx.send(7)).unwrap();
        let mut got = Vec::new();
        while got.is_empty() {
            rx.take_all(&mut got, LIMIT);
        }
        assert_eq!(got, [7]);
        sender.join().unwrap();
    }
}
