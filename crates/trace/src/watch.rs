//! Those who watch while it is said.

use std::collections::VecDeque;
use std::fmt;

use crate::{Packet, calls_from};

/// Dialogs that one who watches a single number sees; of more, the first is forgotten.
const DIALOGS: usize = 1_024;

/// Somebody who wants to watch: each message is given to `tell` as it comes.
pub struct Watch {
    /// Only dialogs in which a message came from this user or number.
    pub from: Option<String>,
    /// Is given each message, and how many were left out before it for want of room. It must not wait.
    pub tell: Tell,
}

/// Takes a message, and how many were left out before it.
pub type Tell = Box<dyn FnMut(&Packet, u64) -> Told + Send>;

/// What became of a message that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was taken.
    Taken,
    /// There was no room.
    Full,
    /// Nobody watches any more.
    Gone,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Somebody who watches.
#[derive(Debug)]
pub struct Watcher {
    watch: Watch,
    left_out: u64,
    /// The dialogs that he sees if he does not see all.
    dialogs: VecDeque<u64>,
}

impl Watcher {
    /// He has seen nothing yet.
    #[must_use]
    pub fn new(watch: Watch) -> Self {
        Self { watch, left_out: 0, dialogs: VecDeque::new() }
    }

    /// Shows him a message, if it is for him. False once he is gone.
    #[must_use]
    pub fn see(&mut self, packet: &Packet) -> bool {
        if !self.is_for_him(packet) {
            return true;
        }
        match (self.watch.tell)(packet, self.left_out) {
            Told::Taken => self.left_out = 0,
            Told::Full => self.left_out += 1,
            Told::Gone => return false,
        }
        true
    }

    fn is_for_him(&mut self, packet: &Packet) -> bool {
        let Some(number) = &self.watch.from else { return true };
        let dialog = packet.dialog();
        if self.dialogs.contains(&dialog) {
            return true;
        }
        let calls = calls_from(&packet.octets, number);
        if calls {
            if self.dialogs.len() >= DIALOGS {
                self.dialogs.pop_front();
            }
            self.dialogs.push_back(dialog);
        }
        calls
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use base::Wall;
    use bytes::Bytes;
    use sip_message::Transport;

    use super::*;

    fn packet(call_id: &str, from: &str) -> Packet {
        Packet {
            at: Wall::default(),
            sent: true,
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "127.0.0.1:5070".parse().unwrap(),
            octets: Bytes::from(format!("BYE sip:h SIP/2.0\r\nFrom: <sip:{from}@h>\r\nCall-ID: {call_id}\r\n\r\n"))
                .into(),
        }
    }

    fn watcher(from: Option<&str>, room: usize) -> (Watcher, mpsc::Receiver<u64>) {
        let (told, seen) = mpsc::sync_channel(room);
        let tell = Box::new(move |_: &Packet, left_out: u64| match told.try_send(left_out) {
            Ok(()) => Told::Taken,
            Err(mpsc::TrySendError::Full(_)) => Told::Full,
            Err(mpsc::TrySendError::Disconnected(_)) => Told::Gone,
        });
        (Watcher::new(Watch { from: from.map(str::to_owned), tell }), seen)
    }

    #[test]
    fn who_watches_a_number_sees_whole_dialogs_of_it_and_no_others() {
        let (mut watcher, seen) = watcher(Some("101"), 10);
        for (call_id, from, is_seen) in
            [("a", "102", false), ("a", "101", true), ("a", "102", true), ("b", "102", false), ("b", "1011", false)]
        {
            assert!(watcher.see(&packet(call_id, from)));
            assert_eq!(seen.try_recv().is_ok(), is_seen, "{call_id} {from}");
        }
        for n in 0..10_000 {
            let _ = (watcher.see(&packet(&n.to_string(), "101")), seen.try_recv());
        }
        assert!(watcher.dialogs.len() <= DIALOGS);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_told_with_the_next_and_who_left_is_known() {
        let (mut watcher, seen) = watcher(None, 1);
        for _ in 0..5 {
            assert!(watcher.see(&packet("a", "1")));
        }
        assert_eq!(seen.try_recv(), Ok(0));
        assert!(watcher.see(&packet("a", "1")));
        assert_eq!(seen.try_recv(), Ok(4));
        drop(seen);
        assert!(!watcher.see(&packet("a", "1")));
    }
}
