//! What is kept: the messages of calls, so many of each.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::mem;
use std::time::Duration;

use base::{CallId, Wall, give_back};

use crate::Packet;
use crate::packet::hash;
use crate::record::{write_call, write_full, write_message};

/// Call-IDs that are known in a generation; two generations are. Calls are told when they end, so this bounds only what
/// was never told.
const GENERATION: usize = 50_000;
/// How long a Call-ID is known after its dialog's end: for so long the transactions that ended it may speak
/// (64 × T1, RFC 3261 17).
const LINGER: Duration = Duration::from_secs(32);

/// Decides which messages are kept, and writes those as octets of a file. Of what belongs to no call nothing is.
#[derive(Debug)]
pub struct Keeper {
    /// Messages of one Call-ID at most.
    per_call: u32,
    /// What is known of Call-IDs, by their hash. When the younger is full, the older one is forgotten.
    young: HashMap<u64, Known>,
    old: HashMap<u64, Known>,
    /// Dialogs that are over, in the order of their ends.
    leaving: VecDeque<(Wall, u64)>,
}

/// What is known of a Call-ID.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Its messages that were kept.
    kept: u32,
    /// Its dialogs: a call that comes back to us by a proxy has two.
    dialogs: u32,
}

impl Keeper {
    /// Keeps at most `per_call` messages of a Call-ID.
    #[must_use]
    pub fn new(per_call: u32) -> Self {
        Self { per_call, young: HashMap::new(), old: HashMap::new(), leaving: VecDeque::new() }
    }

    /// From here on, `call_id` belongs to `call`: to be told before the message that began it.
    pub fn call(&mut self, at: Wall, call: CallId, call_id: &[u8], out: &mut Vec<u8>) {
        write_call(out, at, call, call_id);
        let key = hash(call_id);
        let dialogs = self.known(key).map_or(0, |known| known.dialogs);
        self.remember(key, Known { kept: 0, dialogs: dialogs + 1 });
    }

    /// A dialog of `call_id` is over; its messages are kept until [`Keeper::forget`] finds that enough time has passed.
    pub fn ended(&mut self, at: Wall, call_id: &[u8]) {
        if self.leaving.len() >= 2 * GENERATION {
            self.leaving.pop_front();
        }
        self.leaving.push_back((at, hash(call_id)));
    }

    /// Forgets dialogs that ended long ago. To be called now and then.
    pub fn forget(&mut self, now: Wall) {
        while let Some((_, key)) = self.leaving.pop_front_if(|(ended, _)| *ended + LINGER <= now) {
            for table in [&mut self.young, &mut self.old] {
                let Entry::Occupied(mut known) = table.entry(key) else { continue };
                known.get_mut().dialogs -= 1;
                if known.get().dialogs == 0 {
                    known.remove();
                }
                give_back(table);
                break;
            }
        }
        if self.leaving.is_empty() {
            self.leaving = VecDeque::new();
        }
    }

    /// A message came or went.
    pub fn packet(&mut self, packet: &Packet, out: &mut Vec<u8>) {
        let Some(call_id) = packet.octets.call_id() else { return };
        let key = hash(call_id);
        let per_call = self.per_call;
        let Some(known) = self.known(key).filter(|known| known.kept <= per_call) else { return };
        if known.kept < per_call {
            write_message(out, call_id, packet);
        } else {
            write_full(out, packet.at, call_id);
        }
        known.kept += 1;
    }

    /// What is known of a Call-ID, which is among the younger from now on.
    fn known(&mut self, key: u64) -> Option<&mut Known> {
        if let Some(known) = self.old.remove(&key) {
            self.remember(key, known);
        }
        self.young.get_mut(&key)
    }

    fn remember(&mut self, key: u64, known: Known) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, known);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip_message::Transport;

    use super::*;
    use crate::{HEAD, Record, records};

    fn packet(call_id: &str, cseq: usize) -> Packet {
        let text = format!("OPTIONS sip:x SIP/2.0\r\nCall-ID: {call_id}\r\nCSeq: {cseq} OPTIONS\r\n\r\n");
        Packet {
            at: Wall::from_unix_micros(1),
            sent: false,
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "127.0.0.1:5070".parse().unwrap(),
            octets: Bytes::from(text).into(),
        }
    }

    fn kinds(out: &[u8]) -> String {
        let file = [HEAD, out].concat();
        let kind = |record| match record {
            Record::Message { .. } => 'm',
            Record::Call { .. } => 'c',
            Record::Full { .. } => 'f',
        };
        records(&file).map(kind).collect()
    }

    #[test]
    fn of_what_belongs_to_no_call_nothing_is_written() {
        let (mut keeper, mut out) = (Keeper::new(10), Vec::new());
        for n in 0..100_000 {
            keeper.packet(&packet(&format!("stranger{n}"), 1), &mut out);
        }
        assert!(out.is_empty() && keeper.young.is_empty());
    }

    #[test]
    fn a_call_has_its_bound_and_says_once_that_it_was_met() {
        let (mut keeper, mut out) = (Keeper::new(3), Vec::new());
        keeper.call(Wall::default(), CallId::from_raw(1), b"a", &mut out);
        (0..10).for_each(|n| keeper.packet(&packet("a", n), &mut out));
        assert_eq!(kinds(&out), "cmmmf");
    }

    #[test]
    fn calls_are_forgotten_in_generations_and_live_ones_are_not() {
        let (mut keeper, mut out) = (Keeper::new(1_000_000), Vec::new());
        keeper.call(Wall::default(), CallId::from_raw(1), b"lives", &mut out);
        for n in 0..5 * GENERATION {
            out.clear();
            keeper.call(Wall::default(), CallId::from_raw(2), format!("c{n}").as_bytes(), &mut out);
            if n % 1000 == 0 {
                out.clear();
                keeper.packet(&packet("lives", 1), &mut out);
                assert_eq!(kinds(&out), "m");
            }
        }
        assert!(keeper.young.len() + keeper.old.len() <= 2 * GENERATION);
    }

    #[test]
    fn a_call_is_known_until_its_last_dialog_has_been_over_for_a_while() {
        let (mut keeper, mut out) = (Keeper::new(10), Vec::new());
        let at = |second: i64| Wall::from_unix_micros(second * 1_000_000);
        let mut says = |keeper: &mut Keeper| {
            out.clear();
            keeper.packet(&packet("a", 1), &mut out);
            kinds(&out)
        };
        // It came back to us by a proxy.
        (0..2).for_each(|_| keeper.call(at(0), CallId::from_raw(1), b"a", &mut Vec::new()));
        keeper.ended(at(1), b"a");
        keeper.ended(at(10), b"a");
        keeper.forget(at(41));
        assert_eq!(says(&mut keeper), "m");
        keeper.forget(at(42));
        assert_eq!(says(&mut keeper), "");
        assert!(keeper.young.is_empty() && keeper.leaving.is_empty());
        // An end that nothing is known of does no harm.
        keeper.ended(at(50), b"b");
        keeper.forget(at(90));
    }
}
