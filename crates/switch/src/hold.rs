//! One side of a talk holds the other, who hears music until it is back.
//!
//! A side holds when its phone takes no audio: `sendonly`, `inactive`, or 0.0.0.0 (RFC 3264 section 8.4). A hold is between
//! a phone and the switch; the other side's session stays as it is, so that it can hold at any time, too.

use std::sync::Arc;

use base::{CallId, LegId, Now};
use journal::Kind;
use leg::{Command, Item};

use crate::call::{Role, Stage};
use crate::switch::Switch;

impl Switch {
    /// Somebody began to talk, or agreed on something new: music begins and ends by who holds now.
    pub(crate) fn attend_holds(&mut self, now: Now, call: CallId) {
        let Some(found) = self.calls.get(&call) else { return };
        for leg in found.talkers() {
            let Some(found) = self.legs.get_mut(&leg) else { continue };
            let holds = found.agreed.is_some_and(|agreed| !agreed.direction.sends());
            if std::mem::replace(&mut found.holds, holds) != holds {
                self.note(now, call, if holds { Kind::Held { leg } } else { Kind::Resumed { leg } });
            }
        }
        self.attend_music(call);
    }

    /// Who talks with nobody who does not hold hears music, but for whoever hears that a third one's phone rings.
    pub(crate) fn attend_music(&mut self, call: CallId) {
        let Some(found) = self.calls.get(&call) else { return };
        let Stage::Talking(peer) = found.stage else { return };
        for leg in found.talkers() {
            let Some(found) = self.calls.get(&call) else { return };
            let partners = found.partners(leg);
            let rings = leg == peer && partners == [None; 2];
            let holds = |other: &LegId| self.legs.get(other).is_some_and(|other| other.holds);
            let wanted = !rings && partners.iter().flatten().all(holds);
            let Some(found) = self.legs.get_mut(&leg) else { continue };
            match (std::mem::replace(&mut found.music, wanted), wanted) {
                (false, true) => self.play_hold_music(leg, peer),
                (true, false) => self.commands.push_back(Command::StopPlay { leg }),
                _ => {}
            }
        }
    }

    /// The leg `gone` has left its talk with a caller: nobody holds any more.
    pub(crate) fn forget_holds(&mut self, caller: LegId, gone: LegId) {
        for leg in [caller, gone] {
            let Some(found) = self.legs.get_mut(&leg) else { continue };
            found.holds = false;
            if std::mem::take(&mut found.music) && !found.closed {
                self.commands.push_back(Command::StopPlay { leg });
            }
        }
    }

    /// Plays the music of the queue through which the leg `peer` was reached, else the company's. Without either, what the
    /// phone that holds sends goes on: its own music, or nothing.
    fn play_hold_music(&mut self, leg: LegId, peer: LegId) {
        let queue = match self.legs.get(&peer).map(|found| &found.role) {
            Some(Role::Agent { queue, .. }) => {
                self.config.waiting.get(queue).and_then(|waiting| waiting.music.as_ref())
            }
            _ => None,
        };
        let call = self.legs.get(&leg).and_then(|found| self.calls.get(&found.call));
        let language = call.and_then(|found| found.language.as_deref());
        let music = queue.or(self.config.hold_music.as_ref());
        let music = music.and_then(|name| self.config.prompts.get(language, name));
        if let Some(music) = music {
            let play = self.ids.play();
            let items: Arc<[Item]> = [Item::Prompt(music.clone())].into();
            self.commands.push_back(Command::Play { leg, play, items, repeat: true });
        }
    }
}
