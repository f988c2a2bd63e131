//! The legs of a thread, and the messages of those that are on their way to it.
//!
//! A leg moves by three messages. The handle tells the new thread to `Expect` it, and then the old one to `Detach` it;
//! from then on it sends the leg's orders to the new thread. The old thread answers the `Detach`, which came after all
//! earlier orders, by an `Attach` with the whole leg. As `Expect` was sent before that, the new thread knows by it
//! which orders to keep until the leg is there. Thus orders of one leg never overtake one another. What concerns two
//! legs is told to each of them, so none has to wait for another leg.

use std::collections::VecDeque;
use std::net::SocketAddr;

use base::{IdMap, LegId};
use leg::{Leg, Order};

use crate::socket::Socket;

/// What a thread is told.
#[derive(Debug)]
pub(crate) enum Message {
    /// A new leg, with its socket.
    Open(Box<Slot>),
    /// An order to a leg.
    Order(LegId, Order),
    /// A leg is about to come: its messages are to be kept.
    Expect(LegId),
    /// A leg is to go to the thread of this number.
    Detach(LegId, usize),
    /// A leg that comes from another thread.
    Attach(Box<Slot>),
    /// The end.
    Stop,
}

/// A leg with its sockets: what moves.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) leg: Leg,
    pub(crate) port: u16,
    pub(crate) rtp: Option<Socket>,
    /// The source that `rtp` was last to be connected to.
    pub(crate) connected: Option<SocketAddr>,
    /// It is: the system did not refuse.
    pub(crate) is_connected: bool,
    /// Opened with the first report; `None` before, and if the port was taken.
    pub(crate) rtcp: Option<Socket>,
    /// Opening `rtcp` failed; it is not tried again.
    pub(crate) no_rtcp: bool,
}

/// The legs of a thread by name and by place.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    slots: Vec<Option<Box<Slot>>>,
    free: Vec<usize>,
    places: IdMap<LegId, usize>,
    expected: IdMap<LegId, VecDeque<Message>>,
}

impl Roster {
    /// Puts a leg in; its place.
    pub(crate) fn insert(&mut self, slot: Box<Slot>) -> usize {
        let id = slot.leg.id();
        let place = self.free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(place) {
            Some(free) => *free = Some(slot),
            None => self.slots.push(Some(slot)),
        }
        self.places.insert(id, place);
        place
    }

    /// Takes a leg out.
    pub(crate) fn remove(&mut self, id: LegId) -> Option<Box<Slot>> {
        let place = self.places.remove(&id)?;
        base::give_back(&mut self.places);
        let slot = self.slots.get_mut(place)?.take()?;
        self.free.push(place);
        Some(slot)
    }

    /// A leg by name.
    pub(crate) fn find(&mut self, id: LegId) -> Option<&mut Slot> {
        let place = *self.places.get(&id)?;
        self.at(place)
    }

    /// A leg by place.
    pub(crate) fn at(&mut self, place: usize) -> Option<&mut Slot> {
        self.slots.get_mut(place)?.as_deref_mut()
    }

    /// The leg at `place` with those whom it hears, as far as they hear it, too, and are here.
    pub(crate) fn group(&mut self, place: usize) -> Option<(&mut Slot, [Option<&Leg>; 2])> {
        let slot = self.slots.get(place)?.as_deref()?;
        let id = slot.leg.id();
        let place_of = |peer: Option<LegId>| self.places.get(&peer?).copied();
        let [one, other] = slot.leg.peers();
        match (place_of(one), place_of(other)) {
            (None, None) => Some((self.at(place)?, [None; 2])),
            (Some(other), None) | (None, Some(other)) => {
                let [slot, other] = self.slots.get_disjoint_mut([place, other]).ok()?;
                Some((slot.as_deref_mut()?, [hears(other.as_deref(), id), None]))
            }
            (Some(one), Some(other)) => {
                let [slot, one, other] = self.slots.get_disjoint_mut([place, one, other]).ok()?;
                Some((slot.as_deref_mut()?, [hears(one.as_deref(), id), hears(other.as_deref(), id)]))
            }
        }
    }

    /// All legs.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().flatten().map(|slot| &mut **slot)
    }

    /// How many places there are, with and without a leg.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// True if there are no legs and none is expected.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty() && self.expected.is_empty()
    }

    /// Keeps the messages of a leg from now on. One that is to come, go and come again before it has come for the first
    /// time is expected once more by its kept messages.
    pub(crate) fn expect(&mut self, id: LegId) {
        if self.keep(id, Message::Expect(id)).is_some() {
            self.expected.insert(id, VecDeque::new());
        }
    }

    /// Keeps a message if its leg is expected; gives it back if it is to be done now.
    pub(crate) fn keep(&mut self, id: LegId, message: Message) -> Option<Message> {
        match self.expected.get_mut(&id) {
            Some(kept) => {
                kept.push_back(message);
                None
            }
            None => Some(message),
        }
    }

    /// The leg has come: its messages, in order.
    pub(crate) fn arrived(&mut self, id: LegId) -> VecDeque<Message> {
        self.expected.remove(&id).unwrap_or_default()
    }
}

/// A leg, if it hears the one of that name.
fn hears(slot: Option<&Slot>, id: LegId) -> Option<&Leg> {
    slot.map(|slot| &slot.leg).filter(|leg| leg.peers().contains(&Some(id)))
}
