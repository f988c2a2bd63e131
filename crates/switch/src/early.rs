//! What a caller hears before anybody answers: that it rings, or early media (RFC 3261 section 13.2.1, RFC 3262 section 5,
//! RFC 3960).

use base::{CallId, LegId, Now};
use journal::{Kind, Party};
use leg::Command;
use sip_message::Reason;

use crate::call::{Leg, Stage};
use crate::consult::With;
use crate::incoming::{answer_to, keep_answer, with_warning};
use crate::switch::Switch;
use crate::talk::BAD_ANSWER;

/// The far end speaks before it answers (RFC 3261 section 21.1.5).
const SESSION_PROGRESS: u16 = 183;

impl Switch {
    /// A provisional response: a phone rings, or a network has something to say.
    ///
    /// Of several descriptions, be they of one fork or of many, the last one counts: a network that tries one place
    /// after the other speaks from each, and the one that answers has the last word.
    pub(crate) fn progressed(&mut self, now: Now, leg: LegId, status: u16, body: Option<&[u8]>) {
        let Some(call) = self.legs.get(&leg).map(|found| found.call) else { return };
        // Also of an agent's phone, which nobody hears yet: what it says reliably it does not say again in its 2xx.
        let speaks = body.is_some() && self.conclude(leg, body);
        self.touch(leg);
        let Some(found) = self.calls.get(&call) else { return };
        if status >= 180 && speaks && found.consult.as_ref().is_some_and(|consult| consult.with == With::Rings(leg)) {
            return self.hear_third_early(now, call, leg);
        }
        if status < 180 || found.stage != Stage::Dialling(leg) {
            return;
        }
        if found.transfer.is_some() {
            self.transfer_rings(now, call, status);
        }
        let Some(found) = self.calls.get(&call) else { return };
        let (caller, silent) = (found.caller, found.play.is_none() && found.early != Some(leg));
        self.touch(caller);
        if speaks && self.hear_early(now, call, leg) {
            return;
        }
        match self.legs.get(&caller) {
            Some(Leg { session: Some(_), answered: false, .. }) => {
                let status = if status == SESSION_PROGRESS { SESSION_PROGRESS } else { 180 };
                self.ring_caller(now, caller, status);
            }
            _ if silent => self.play_ringback(call),
            _ => {}
        }
    }

    /// Whoever consults hears what the network of the third one says in place of ringing.
    fn hear_third_early(&mut self, now: Now, call: CallId, third: LegId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        let Some(by) = found.consult.as_ref().map(|consult| consult.by) else { return };
        if found.early.replace(third) != Some(third) {
            self.commands.push_back(Command::StopPlay { leg: by });
            self.commands.push_back(Command::Bridge { a: by, b: third });
            self.note(now, call, Kind::EarlyMedia { a: by, b: third });
        }
    }

    /// Tells a caller that it rings. If he takes nothing unreliable and has offered nothing, our offer goes with it
    /// (RFC 3262 section 5).
    fn ring_caller(&mut self, now: Now, caller: LegId, status: u16) {
        let Some(found) = self.legs.get_mut(&caller) else { return };
        let Some(session) = found.session else { return };
        let offers = found.lacks_offer() && self.sip.requires_reliable(session);
        let offer = offers.then(|| found.make_offer(&mut self.rng));
        self.sip.ring(now, session, status, offer);
    }

    /// The PRACK of a reliable response to a caller. If that made our offer, the PRACK brings his answer.
    pub(crate) fn pracked(&mut self, now: Now, caller: LegId, body: Option<&[u8]>) {
        let Some(found) = self.legs.get(&caller) else { return };
        let call = found.call;
        if found.offered.is_none() {
            return;
        }
        if !self.conclude(caller, body) {
            self.drop_leg(now, caller, "bad_answer", BAD_ANSWER);
            self.side_gone(now, caller, Party::System, "bad_answer", Reason::default());
            return;
        }
        if let Some(found) = self.legs.get_mut(&caller) {
            found.offered = None;
        }
        let Some(Stage::Dialling(leg)) = self.calls.get(&call).map(|found| found.stage) else { return };
        if self.legs.get(&leg).is_some_and(|found| found.agreed.is_some()) {
            self.hear_early(now, call, leg);
        }
    }

    /// Lets the caller hear a leg that has not answered. His own answer is not sent for it: he gets the description that
    /// the 200 will repeat, or our offer, if he made none and can answer it now. False if he cannot hear anything yet and
    /// was told nothing.
    fn hear_early(&mut self, now: Now, call: CallId, leg: LegId) -> bool {
        let Some(caller) = self.calls.get(&call).map(|found| found.caller) else { return false };
        let Some(found) = self.legs.get_mut(&caller) else { return false };
        if let (false, Some(session)) = (found.answered, found.session) {
            match answer_to(found, &mut self.rng) {
                Ok(Some((answer, agreed))) => {
                    self.sip.ring(now, session, SESSION_PROGRESS, Some(answer.to_bytes()));
                    keep_answer(found, answer);
                    self.commands.extend(agreed.map(|agreed| Command::Start { leg: caller, agreed }));
                }
                Ok(None) if found.lacks_offer() && self.sip.can_offer_early(session) => {
                    let offer = found.make_offer(&mut self.rng);
                    self.sip.ring(now, session, SESSION_PROGRESS, Some(offer));
                    return true;
                }
                Ok(None) => {}
                Err(refusal) => {
                    self.refuse_caller(now, call, with_warning(&refusal));
                    return true;
                }
            }
        }
        // Who made no offer can hear nothing before he has answered ours.
        if self.legs.get(&caller).is_none_or(|found| found.agreed.is_none()) {
            return false;
        }
        let Some(found) = self.calls.get_mut(&call) else { return false };
        if found.early.replace(leg) != Some(leg) {
            self.stop_play(call);
            self.commands.push_back(Command::Bridge { a: caller, b: leg });
            self.note(now, call, Kind::EarlyMedia { a: caller, b: leg });
        }
        true
    }
}
