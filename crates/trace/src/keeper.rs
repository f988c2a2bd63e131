//! What is kept: the messages of calls, so many of each.

use std::collections::HashMap;
use std::mem;

use base::{CallId, Wall};

use crate::Packet;
use crate::packet::hash;
use crate::record::{write_call, write_full, write_message};

/// Call-IDs that are known in a generation; two generations are.
const GENERATION: usize = 50_000;
/// Decides which messages are kept, and writes those as octets of a file. Of what belongs to no call nothing is.
#[derive(Debug)]
pub struct Keeper {
    /// Messages of one Call-ID at most.
    per_call: u32,
    /// How many messages of a Call-ID were kept, by its hash. When the younger is full, the older one is forgotten.
    young: HashMap<u64, u32>,
    old: HashMap<u64, u32>,
}

impl Keeper {
    /// Keeps at most `per_call` messages of a Call-ID.
    #[must_use]
    pub fn new(per_call: u32) -> Self {
        Self { per_call, young: HashMap::new(), old: HashMap::new() }
    }

    /// From here on, `call_id` belongs to `call`: to be told before the message that began it.
    pub fn call(&mut self, at: Wall, call: CallId, call_id: &[u8], out: &mut Vec<u8>) {
        write_call(out, at, call, call_id);
        self.remember(hash(call_id), 0);
    }

    /// A message came or went.
    pub fn packet(&mut self, packet: &Packet, out: &mut Vec<u8>) {
        let Some(call_id) = packet.octets.call_id() else { return };
        let key = hash(call_id);
        let Some(kept) = self.young.get(&key).or_else(|| self.old.get(&key)).copied() else { return };
        if kept > self.per_call {
            return;
        }
        if kept < self.per_call {
            write_message(out, call_id, packet);
        } else {
            write_full(out, packet.at, call_id);
        }
        self.remember(key, kept + 1);
    }

    fn remember(&mut self, key: u64, kept: u32) {
        self.young.insert(key, kept);
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
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
}
