//! Two legs talk: connected, changed by re-INVITE, and parted.

use base::{CallId, LegId, Now};
use ivr::{DialOutcome, QueueOutcome};
use journal::{Kind, Party};
use leg::Command;
use sdp::Preferences;
use sip::EndCause;
use sip_message::Reason;

use crate::call::{Role, Stage};
use crate::incoming::with_warning;
use crate::lost::is_loss;
use crate::switch::Switch;

impl Switch {
    /// Bridges the caller to a leg that has answered.
    pub(crate) fn connect(&mut self, now: Now, call: CallId, leg: LegId) {
        if !self.callback_answered(now, call) {
            return self.drop_leg(now, leg, "too_late", Reason::default());
        }
        let Some(found) = self.calls.get_mut(&call).filter(|found| !found.over) else {
            self.drop_leg(now, leg, "too_late", Reason::default());
            return;
        };
        if let Stage::Queued(Some(limit)) = found.stage {
            self.timers.cancel(limit);
        }
        if self.consult_answered(now, call, leg) {
            return;
        }
        let Some(found) = self.calls.get_mut(&call) else { return };
        found.stage = Stage::Talking(leg);
        self.end_awaiting(call);
        self.end_announcing(call);
        let Some(found) = self.calls.get_mut(&call) else { return };
        let (caller, early) = (found.caller, found.early.take());
        self.transfer_done(now, call);
        if !self.accept_caller(now, call) {
            return;
        }
        self.stop_play(call);
        self.keep_digits(leg);
        if early != Some(leg) {
            self.commands.push_back(Command::Bridge { a: caller, b: leg });
        }
        self.note(now, call, Kind::Bridged { a: caller, b: leg });
        self.attend_holds(now, call);
    }

    /// An ACK of a 2xx of ours. If the offer was ours, the ACK brings the answer.
    pub(crate) fn acknowledged(&mut self, now: Now, leg: LegId, body: Option<&[u8]>) {
        let Some(found) = self.legs.get(&leg) else { return };
        let call = found.call;
        if found.offered.is_some() && !self.conclude(leg, body) {
            self.drop_leg(now, leg, "bad_answer", BAD_ANSWER);
            self.side_gone(now, leg, Party::System, "bad_answer", Reason::default());
            return;
        }
        if let Some(found) = self.legs.get_mut(&leg) {
            found.offered = None;
        }
        self.attend_holds(now, call);
        let caller = self.calls.get(&call).is_some_and(|found| found.caller == leg);
        if caller {
            self.caller_acknowledged(now, call);
        }
    }

    /// A re-INVITE or UPDATE of the peer: hold, resume, a new address or codec (RFC 3264 section 8).
    pub(crate) fn changed(&mut self, now: Now, leg: LegId, body: Option<&[u8]>) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Some(session) = found.session else { return };
        let call = found.call;
        let local = found.local.next_version();
        let mut preferences = Preferences::default();
        if let Some(agreed) = found.agreed {
            // A stable sort: the codec in use comes first, so that it changes only if the peer wants it to.
            preferences.codecs.sort_by_key(|codec| *codec != agreed.codec);
        }
        let Some(body) = body else {
            preferences.security = found.secrecy.for_offer(found.agreed.as_ref(), &mut self.rng);
            let offer = sdp::offer(&local, &preferences);
            found.local = local;
            let text = offer.to_bytes();
            found.offered = Some(offer);
            self.sip.accept_change(now, session, text);
            return;
        };
        let outcome = sdp::parse(body).map_err(sdp::Refusal::from).and_then(|offer| {
            preferences.security = found.secrecy.for_answer(&offer, &mut self.rng);
            sdp::answer(&offer, &local, &preferences)
        });
        match outcome {
            Ok((answer, agreed)) => {
                found.local = local;
                found.secrecy.settle(&agreed, &mut self.rng);
                found.agreed = Some(agreed);
                self.commands.push_back(Command::Start { leg, agreed });
                self.sip.accept_change(now, session, answer.to_bytes());
                self.attend_holds(now, call);
            }
            Err(refusal) => self.sip.refuse_change(now, session, with_warning(&refusal)),
        }
    }

    /// The peer's answer to what we said again to refresh his session: mostly as before (RFC 4028 section 7.4).
    pub(crate) fn refreshed(&mut self, now: Now, leg: LegId, offer: &[u8], answer: &[u8]) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let read = sdp::parse(offer).ok().zip(sdp::parse(answer).ok());
        let agreed = read.and_then(|(offer, answer)| sdp::conclude(&offer, &answer).ok());
        // One that cannot be met changes nothing: what was agreed before still stands.
        let Some(agreed) = agreed.filter(|agreed| found.agreed != Some(*agreed)) else { return };
        found.secrecy.settle(&agreed, &mut self.rng);
        found.agreed = Some(agreed);
        let call = found.call;
        self.commands.push_back(Command::Start { leg, agreed });
        self.attend_holds(now, call);
    }

    /// The peer of a leg hung up, maybe saying why, or its session broke. The session is over.
    pub(crate) fn peer_gone(&mut self, now: Now, leg: LegId, cause: &'static str, status: Option<u16>, reason: Reason) {
        self.close_leg(now, leg, cause, status, reason);
        let caller = self.is_caller(leg);
        // Of a callback the agent's leg stands in the caller's place.
        let callers = self.legs.get(&leg).is_some_and(|found| caller != self.is_callback(found.call));
        let by = match cause {
            "bye" | "cancel" if callers => Party::Caller,
            "bye" => Party::Agent,
            _ => Party::System,
        };
        // A phone may not end a call by BYE that it only rings for (RFC 3261 15), and some do: they do not take it.
        if !caller && self.legs.get(&leg).is_some_and(|found| !found.answered) {
            return self.outgoing_failed(now, leg, (HUNG_UP_EARLY, false), reason, None);
        }
        self.side_gone(now, leg, by, cause, reason);
    }

    /// A peer that should send media is silent for too long.
    pub(crate) fn media_silent(&mut self, now: Now, leg: LegId) {
        let Some(found) = self.legs.get(&leg) else { return };
        // A phone that only rings has nothing to send; one that is closed is over anyway.
        if found.closed || !found.answered {
            return;
        }
        self.drop_leg(now, leg, "media_silent", RECOVERY_ON_TIMER);
        self.side_gone(now, leg, Party::System, "media_silent", Reason::default());
    }

    /// What follows for the call when one of its legs is gone. The other side is told the reason that its peer gave.
    pub(crate) fn side_gone(&mut self, now: Now, leg: LegId, by: Party, cause: &'static str, reason: Reason) {
        let Some(found) = self.legs.get(&leg) else { return };
        let call = found.call;
        if self.is_caller(leg) {
            if is_loss(cause) {
                self.callback_cut(now, call, leg);
            }
            self.end_call(now, call, by, cause, reason.or(Reason::q850(NORMAL_CLEARING)));
            return;
        }
        if self.transferor_gone(now, leg) || self.consult_gone(now, leg) {
            return;
        }
        self.whisper_broken(now, leg, cause);
        let Some(found) = self.legs.get(&leg) else { return };
        let agent = match &found.role {
            Role::Agent { agent, queue, .. } => Some((agent.clone(), queue.clone())),
            // A user who is rung directly is given back with his leg.
            Role::Party { .. } | Role::Outside { .. } | Role::Joined { .. } | Role::Caller { .. } => None,
        };
        let Some(found) = self.calls.get_mut(&call) else { return };
        if found.over || found.stage != Stage::Talking(leg) {
            return;
        }
        let caller = found.caller;
        found.peer_gone = Some((by, cause, reason));
        self.note(now, call, Kind::Unbridged { a: caller, b: leg });
        self.forget_holds(caller, leg);
        match agent {
            Some((agent, queue)) => {
                if is_loss(cause) && self.agent_lost(now, call, (&agent, &queue), cause) {
                    return;
                }
                self.acd.agent_released(now, &agent);
                self.queue_over(now, call, QueueOutcome::AgentEnded);
            }
            None => self.dial_over(now, call, DialOutcome::Ended),
        }
    }

    /// True if the call is about this leg: with its end it is over.
    fn is_caller(&self, leg: LegId) -> bool {
        self.legs.get(&leg).and_then(|found| self.calls.get(&found.call)).is_some_and(|call| call.caller == leg)
    }
}

/// What a phone says that hangs up before it takes a call.
const HUNG_UP_EARLY: u16 = 480;
/// Why we hang up on a peer whose SDP answer cannot be met: Q.850 cause 88, incompatible destination.
pub(crate) const BAD_ANSWER: u8 = 88;
/// Q.850 cause 16: normal call clearing.
pub(crate) const NORMAL_CLEARING: u8 = 16;
/// Q.850 cause 102: recovery on timer expiry.
const RECOVERY_ON_TIMER: u8 = 102;

/// One word for how a session ended.
pub(crate) const fn word(cause: &EndCause) -> &'static str {
    match cause {
        EndCause::Bye { .. } | EndCause::ByeGlare => "bye",
        EndCause::HungUp => "hung_up",
        EndCause::AckTimeout => "no_ack",
        EndCause::TransactionTimeout => "timeout",
        EndCause::Gone => "gone",
        EndCause::Expired => "session_expired",
    }
}

/// What the peer said of why a session ended.
pub(crate) fn reason_of(cause: &EndCause) -> Reason {
    match cause {
        EndCause::Bye { reason: Some(reason) } => Reason::read(reason),
        _ => Reason::default(),
    }
}
