//! All connections of a listener, by number and by the peer's address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sip::ConnectionId;
use tokio::sync::{Notify, mpsc};

use super::Limits;

/// Messages that may wait to be written to one peer; their octets are limited too.
const QUEUE: usize = 256;

/// What others know of a connection.
pub(crate) struct Entry {
    pub id: ConnectionId,
    pub remote: SocketAddr,
    queue: mpsc::Sender<Bytes>,
    /// Octets in the queue.
    waiting: AtomicUsize,
    /// Messages that were written.
    sent: AtomicUsize,
    /// Cuts the connection off.
    pub cut: Notify,
}

impl Entry {
    /// Queues a message. A queue that is full cuts its connection off.
    pub fn put(&self, payload: Bytes, limit: usize) -> bool {
        let size = payload.len();
        let waiting = self.waiting.fetch_add(size, Ordering::Relaxed) + size;
        let queued = waiting <= limit.max(size) && self.queue.try_send(payload).is_ok();
        if !queued {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            self.cut.notify_one();
        }
        queued
    }

    /// Messages that were written so far.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// A message of so many octets was written.
    pub fn written(&self, size: usize) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.waiting.fetch_sub(size, Ordering::Relaxed);
    }
}

pub(crate) struct Registry(Mutex<State>);

#[derive(Default)]
struct State {
    /// The number of the last connection. Listeners count in ranges of their own, so that no two share a number.
    last: u64,
    by_id: HashMap<ConnectionId, Arc<Entry>>,
    /// The newest connection with each address.
    by_remote: HashMap<SocketAddr, ConnectionId>,
    per_source: HashMap<IpAddr, usize>,
}

impl Registry {
    /// No connections yet, of listener number `index`.
    pub fn new(index: u16) -> Self {
        Self(Mutex::new(State { last: u64::from(index) << 48, ..State::default() }))
    }

    /// True while anything is to be written.
    pub fn is_waiting(&self) -> bool {
        self.lock().by_id.values().any(|entry| entry.waiting.load(Ordering::Relaxed) > 0)
    }

    /// The connection of this number; if it is gone or none is named, the one with `remote`.
    pub fn find(&self, connection: Option<ConnectionId>, remote: SocketAddr) -> Option<Arc<Entry>> {
        let state = self.lock();
        let named = connection.and_then(|id| state.by_id.get(&id));
        named.or_else(|| state.by_id.get(state.by_remote.get(&remote)?)).cloned()
    }

    /// A new connection with `remote`, and the queue of what is to be written to it; none if there are too many.
    pub fn enter(&self, remote: SocketAddr, limits: &Limits) -> Option<(Arc<Entry>, mpsc::Receiver<Bytes>)> {
        let mut state = self.lock();
        let from_there = state.per_source.get(&remote.ip()).copied().unwrap_or(0);
        if state.by_id.len() >= limits.connections || from_there >= limits.per_source {
            return None;
        }
        state.per_source.insert(remote.ip(), from_there + 1);
        state.last += 1;
        let (queue, receiver) = mpsc::channel(QUEUE);
        let id = ConnectionId(state.last);
        let entry = Arc::new(Entry {
            id,
            remote,
            queue,
            waiting: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
            cut: Notify::new(),
        });
        state.by_id.insert(id, entry.clone());
        state.by_remote.insert(remote, id);
        Some((entry, receiver))
    }

    /// A connection is gone.
    pub fn leave(&self, entry: &Entry) {
        let mut state = self.lock();
        if state.by_id.remove(&entry.id).is_none() {
            return;
        }
        if state.by_remote.get(&entry.remote) == Some(&entry.id) {
            state.by_remote.remove(&entry.remote);
        }
        if let Some(count) = state.per_source.get_mut(&entry.remote.ip()) {
            *count -= 1;
            if *count == 0 {
                state.per_source.remove(&entry.remote.ip());
            }
        }
    }

    pub fn len(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Nothing under the lock can stop half-way, so what a panic left is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_octets_that_wait_for_a_peer_are_limited_and_those_written_make_room() {
        let registry = Registry::new(3);
        let remote = "127.0.0.1:5060".parse().unwrap();
        let (entry, _queue) = registry.enter(remote, &Limits::default()).unwrap();
        let put = || entry.put(Bytes::from_static(&[0; 400]), 1000);
        assert!(put() && put() && registry.is_waiting());
        assert!(!put());
        entry.written(400);
        assert!(put());
    }

    #[test]
    fn listeners_share_no_numbers_and_the_newest_connection_with_an_address_is_found() {
        let (one, other) = (Registry::new(0), Registry::new(1));
        let remote = "127.0.0.1:5060".parse().unwrap();
        let limits = Limits::default();
        let (old, _a) = one.enter(remote, &limits).unwrap();
        let (new, _b) = one.enter(remote, &limits).unwrap();
        assert_ne!(old.id, other.enter(remote, &limits).unwrap().0.id);
        assert_eq!(one.find(None, remote).unwrap().id, new.id);
        assert_eq!(one.find(Some(old.id), remote).unwrap().id, old.id);
        one.leave(&old);
        one.leave(&old);
        assert_eq!((one.find(Some(old.id), remote).unwrap().id, one.len()), (new.id, 1));
        one.leave(&new);
        assert!(one.find(None, remote).is_none());
    }
}
