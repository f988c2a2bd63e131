//! Secrets that a caller types: no key of them in the journal, and silence in recordings in place of what he says meanwhile.

use base::{CallId, LegId, Now, Pii};
use journal::Kind;
use leg::Command;

use crate::switch::Switch;

/// Whether what a caller says is kept out of recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mask {
    #[default]
    Off,
    On,
    /// Its media was told to end it, and has not done so yet: a key may be held still.
    Ending,
}

impl Switch {
    /// The caller is asked for a secret, or no longer.
    pub(crate) fn mask(&mut self, now: Now, call: CallId, on: bool) {
        if !on {
            return self.unmask(call);
        }
        let Some(found) = self.calls.get_mut(&call) else { return };
        let before = std::mem::replace(&mut found.mask, Mask::On);
        if before != Mask::On {
            self.commands.push_back(Command::Mask { leg: found.caller, on: true });
        }
        if before == Mask::Off {
            self.note(now, call, Kind::MaskBegan);
        }
    }

    /// The caller is not asked for a secret any more, be it that he has left his flow.
    pub(crate) fn unmask(&mut self, call: CallId) {
        let Some(found) = self.calls.get_mut(&call).filter(|found| found.mask == Mask::On) else { return };
        found.mask = Mask::Ending;
        self.commands.push_back(Command::Mask { leg: found.caller, on: false });
    }

    /// The media of a leg records again what its peer says.
    pub(crate) fn mask_ended(&mut self, now: Now, leg: LegId) {
        let Some(call) = self.legs.get(&leg).map(|found| found.call) else { return };
        let Some(found) = self.calls.get_mut(&call).filter(|found| found.mask == Mask::Ending && !found.over) else {
            return;
        };
        found.mask = Mask::Off;
        self.note(now, call, Kind::MaskEnded);
    }

    /// Writes down a key that the caller pressed; which one, only if his flow asks for no secret.
    pub(crate) fn note_digit(&mut self, now: Now, call: CallId, key: char) {
        let Some(found) = self.calls.get(&call).filter(|found| !found.over) else { return };
        let is_secret = found.flow.as_ref().is_some_and(ivr::Session::is_secret);
        self.note(now, call, Kind::Digit { key: Pii::new((!is_secret).then_some(key)) });
    }
}
