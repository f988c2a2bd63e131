//! Secrets: of those that a caller types no key is in the journal, and recordings have silence in place of what he says
//! meanwhile; a flow may have them hold silence in place of all that is said.

use base::{CallId, LegId, Now, Pii};
use journal::Kind;
use leg::{Command, Masked};

use crate::switch::Switch;

/// Whether what is said is kept out of recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mask {
    #[default]
    Off,
    On(Masked),
    /// Its media was told to end it, and has not done so yet: a key may be held still.
    Ending,
}

impl Switch {
    /// What is said is not to be recorded from now on: by the caller, who is asked for a secret, or by both sides.
    pub(crate) fn mask(&mut self, now: Now, call: CallId, what: Masked) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        let before = std::mem::replace(&mut found.mask, Mask::On(what));
        if before == Mask::On(what) {
            return;
        }
        self.commands.push_back(Command::Mask { leg: found.caller, what });
        if before == Mask::Off || what == Masked::Both {
            self.note(now, call, Kind::MaskBegan { both: what == Masked::Both });
        }
    }

    /// The caller has left the flow that asked for a secret. What a flow said of both sides holds on: it may have sent him to where
    /// the secret is told.
    pub(crate) fn unmask_secret(&mut self, call: CallId) {
        if self.calls.get(&call).is_some_and(|found| found.mask == Mask::On(Masked::Peer)) {
            self.unmask(call);
        }
    }

    /// The call is about another leg from now on: what is not to be recorded of it is the same.
    pub(crate) fn move_mask(&mut self, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        match found.mask {
            Mask::On(what) => self.commands.push_back(Command::Mask { leg: found.caller, what }),
            // The leg that would tell its end is no longer the one that is recorded.
            Mask::Ending => found.mask = Mask::Off,
            Mask::Off => {}
        }
    }

    /// What is said is recorded again, be it that the caller has left his flow.
    pub(crate) fn unmask(&mut self, call: CallId) {
        let Some(found) = self.calls.get_mut(&call).filter(|found| matches!(found.mask, Mask::On(_))) else { return };
        found.mask = Mask::Ending;
        self.commands.push_back(Command::Mask { leg: found.caller, what: Masked::Nothing });
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
