//! What tests that play a scene by hand ask of a world. Where there is not what they ask for, the test fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "for tests alone: a panic fails the test with its place, which is what it wants"
)]

use std::net::SocketAddr;

use base::{CallId, LegId, Now};
use bytes::Bytes;
use journal::Kind;
use sip::{Flow, Transmit, Transport};

use crate::{Phone, World, switch_address};

impl World {
    /// Adds a phone that does nothing by itself.
    pub fn phone(&mut self, address: &str) -> SocketAddr {
        let address: SocketAddr = address.parse().unwrap();
        self.add_phone(address);
        address
    }

    /// A phone.
    pub fn at(&mut self, address: SocketAddr) -> &mut Phone {
        self.phones.get_mut(&address).unwrap()
    }

    /// Does something with a phone at the current time, and lets everything react.
    pub fn with_phone<T>(&mut self, address: SocketAddr, act: impl FnOnce(&mut Phone, Now) -> T) -> T {
        let now = self.now;
        let result = act(self.at(address), now);
        self.react();
        result
    }

    /// Sends octets to the switch as they are, from an address where there is no phone, and gives what came back at once.
    pub fn say(&mut self, transport: Transport, from: SocketAddr, text: &str) -> Vec<String> {
        self.network.add(from);
        self.ears.entry(from).or_default();
        let flow = Flow { transport, connection: None, listener: 0, local: from, remote: switch_address() };
        let payload = Bytes::copy_from_slice(text.as_bytes());
        self.network.send(self.now.monotonic, from, Transmit { flow, payload });
        self.react();
        self.overhear(from)
    }

    /// What came to an address since it said something there last.
    pub fn overhear(&mut self, at: SocketAddr) -> Vec<String> {
        let heard = self.ears.get_mut(&at).map(std::mem::take).unwrap_or_default();
        heard.iter().map(|octets| String::from_utf8_lossy(octets).into_owned()).collect()
    }

    /// Presses a key on a leg's phone.
    pub fn press(&mut self, leg: LegId, key: char) {
        let digit = leg::Digit::from_char(key).unwrap();
        self.tell(|switch, now| switch.handle_media(now, &leg::Event::Digit { leg, digit }));
        self.react();
    }

    /// What a leg plays comes to its end.
    pub fn finish_play(&mut self, leg: LegId) {
        assert!(self.media.plays.contains_key(&leg), "nothing plays");
        self.end_play(leg, None);
        self.react();
    }

    /// A leg's peer sends no media any more.
    pub fn silence(&mut self, leg: LegId) {
        self.tell(|switch, now| switch.handle_media(now, &leg::Event::Silent { leg }));
        self.react();
    }

    /// The caller's leg of the call that began last.
    pub fn caller_leg(&self) -> LegId {
        self.last(|kind| match kind {
            Kind::LegBegan { leg, role: journal::LegRole::Caller } => Some(*leg),
            _ => None,
        })
    }

    /// The last value that `pick` finds in the journal.
    pub fn last<T>(&self, pick: impl Fn(&Kind) -> Option<T>) -> T {
        self.journal.iter().rev().find_map(|event| pick(&event.kind)).expect("not in the journal")
    }

    /// How many events fit.
    pub fn count(&self, fits: impl Fn(&Kind) -> bool) -> usize {
        self.journal.iter().filter(|event| fits(&event.kind)).count()
    }

    /// Everything that was journaled about a call, for messages.
    pub fn story(&self, call: CallId) -> Vec<&Kind> {
        self.journal.iter().filter(|event| event.call == Some(call)).map(|event| &event.kind).collect()
    }
}
