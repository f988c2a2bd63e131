//! What a caller hears before anybody answers: that it rings, or early media (RFC 3261 section 13.2.1, RFC 3960).

use base::{CallId, LegId, Now};
use journal::Kind;
use leg::Command;

use crate::call::{Leg, Stage};
use crate::incoming::{answer_to, keep_answer, with_warning};
use crate::switch::Switch;

/// The far end speaks before it answers (RFC 3261 section 21.1.5).
const SESSION_PROGRESS: u16 = 183;

impl Switch {
    /// A provisional response: a phone rings, or a network has something to say.
    ///
    /// Of several descriptions, be they of one fork or of many, the last one counts: a network that tries one place
    /// after the other speaks from each, and the one that answers has the last word.
    pub(crate) fn progressed(&mut self, now: Now, leg: LegId, status: u16, body: Option<&[u8]>) {
        let Some(call) = self.legs.get(&leg).map(|found| found.call) else { return };
        let Some(found) = self.calls.get(&call) else { return };
        if status < 180 || found.stage != Stage::Dialling(leg) {
            return;
        }
        if found.transfer.is_some() {
            self.transfer_rings(now, call, status);
        }
        let Some(found) = self.calls.get(&call) else { return };
        let Some(caller) = self.legs.get(&found.caller) else { return };
        // Who made no offer can hear nothing before he has answered ours.
        let can_hear = caller.agreed.is_some() || caller.has_offer();
        let (caller, silent) = (found.caller, found.play.is_none() && found.early != Some(leg));
        if body.is_some() && can_hear && self.conclude(leg, body) {
            self.hear_early(now, call, leg);
            return;
        }
        match self.legs.get(&caller) {
            Some(Leg { session: Some(session), answered: false, .. }) => {
                let status = if status == SESSION_PROGRESS { SESSION_PROGRESS } else { 180 };
                self.sip.ring(now, *session, status, None);
            }
            _ if silent => self.play_ringback(call),
            _ => {}
        }
    }

    /// Lets the caller hear a leg that has not answered. His own answer is not sent for it: he gets the description that
    /// the 200 will repeat.
    fn hear_early(&mut self, now: Now, call: CallId, leg: LegId) {
        let Some(caller) = self.calls.get(&call).map(|found| found.caller) else { return };
        let Some(found) = self.legs.get_mut(&caller) else { return };
        if let (false, Some(session)) = (found.answered, found.session) {
            match answer_to(found, &mut self.rng) {
                Ok(Some((answer, agreed))) => {
                    self.sip.ring(now, session, SESSION_PROGRESS, Some(answer.to_bytes()));
                    keep_answer(found, answer);
                    self.commands.extend(agreed.map(|agreed| Command::Start { leg: caller, agreed }));
                }
                Ok(None) => return,
                Err(refusal) => {
                    self.refuse_caller(now, call, with_warning(&refusal));
                    return;
                }
            }
        }
        let Some(found) = self.calls.get_mut(&call) else { return };
        if found.early.replace(leg) != Some(leg) {
            self.stop_play(call);
            self.commands.push_back(Command::Bridge { a: caller, b: leg });
            self.note(now, call, Kind::EarlyMedia { a: caller, b: leg });
        }
    }
}
