//! Somebody who talks with a caller asks a third one: the caller is held meanwhile, or all three talk with each other.
//!
//! All of it is one call. The caller stays its caller, and whoever consults stays the other side of its talk, with a third leg
//! beside him. Who goes first decides what becomes of it:
//!
//! | who goes | while it rings | while the two talk | while all three talk |
//! |---|---|---|---|
//! | whom he asks | tone; back to the caller | tone; back to the caller | the other two talk on |
//! | who asks | it rings for the caller | caller and third talk: a transfer | caller and third talk: a transfer |
//! | the caller | the call is over for all | the call is over for all | the call is over for all |

use base::{CallId, LegId, Now, Pii};
use journal::{Asker, ConsultBegan, ConsultOutcome, Kind, TransferKind};
use leg::{Command, Item, Tone};

use crate::Destination;
use crate::call::{Call, Stage};
use crate::outgoing::DialEnd;
use crate::switch::Switch;
use crate::talk::NORMAL_CLEARING;
use crate::transfer::{Target, Transfer};

/// A question to a third one.
#[derive(Debug)]
pub(crate) struct Consult {
    /// The leg of whoever asks, the other side of the call's talk.
    pub by: LegId,
    /// Who that is.
    pub who: Asker,
    /// The number of whom he asks.
    pub target: Pii<String>,
    /// How far it is.
    pub with: With,
}

/// How far a question to a third one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    /// The third one is about to be rung.
    Nobody,
    /// His phone rings.
    Rings(LegId),
    /// He talks with whoever asks, and the caller is held.
    Third(LegId),
    /// All three talk.
    All(LegId),
}

impl Consult {
    /// The leg of whom is asked.
    pub const fn third(&self) -> Option<LegId> {
        match self.with {
            With::Nobody => None,
            With::Rings(leg) | With::Third(leg) | With::All(leg) => Some(leg),
        }
    }
}

impl Call {
    /// Whom a leg hears in a talk; the first alone unless all of three talk.
    pub(crate) fn partners(&self, leg: LegId) -> [Option<LegId>; 2] {
        let Stage::Talking(peer) = self.stage else { return [None; 2] };
        let pair = |one: LegId, other: LegId| match leg {
            _ if leg == one => [Some(other), None],
            _ if leg == other => [Some(one), None],
            _ => [None; 2],
        };
        match self.consult.as_ref().map(|consult| consult.with) {
            None => pair(self.caller, peer),
            Some(With::Nobody | With::Rings(_)) => [None; 2],
            Some(With::Third(third)) => pair(peer, third),
            Some(With::All(third)) => match leg {
                _ if leg == self.caller => [Some(peer), Some(third)],
                _ if leg == peer => [Some(self.caller), Some(third)],
                _ if leg == third => [Some(self.caller), Some(peer)],
                _ => [None; 2],
            },
        }
    }

    /// Everybody in the call's talk: the caller, the other side, and a third one who has answered.
    pub(crate) fn talkers(&self) -> impl Iterator<Item = LegId> + use<> {
        let peer = match self.stage {
            Stage::Talking(peer) => Some(peer),
            _ => None,
        };
        let third = match self.consult.as_ref().map(|consult| consult.with) {
            Some(With::Third(third) | With::All(third)) => Some(third),
            Some(With::Nobody | With::Rings(_)) | None => None,
        };
        peer.map(|_| self.caller).into_iter().chain(peer).chain(third)
    }

    /// True if this leg is rung for the call: for its caller, or for whoever asks a third one.
    pub(crate) fn rings(&self, leg: LegId) -> bool {
        self.stage == Stage::Dialling(leg)
            || self.consult.as_ref().is_some_and(|consult| consult.with == With::Rings(leg))
    }
}

impl Switch {
    /// The call of a user who may do something with his talk now, and as whom he does: he is not its caller, and nobody is being
    /// sent on.
    pub(crate) fn talker(&self, leg: LegId) -> Option<(CallId, Asker)> {
        let call = self.legs.get(&leg).filter(|found| !found.closed)?.call;
        let found = self.calls.get(&call).filter(|found| !found.over && found.transfer.is_none())?;
        let who = self.owner(leg).filter(|who| matches!(who, Asker::User(_)))?;
        (found.stage == Stage::Talking(leg)).then_some((call, who))
    }

    /// Puts the caller on hold and rings whom the number reaches: a user, or somebody outside by a grant of whoever asks. False if he
    /// cannot be rung.
    pub(crate) fn consult(&mut self, now: Now, leg: LegId, number: String) -> bool {
        let Some((call, who)) = self.talker(leg) else { return false };
        let Some(found) = self.calls.get(&call).filter(|found| found.consult.is_none()) else { return false };
        let caller = found.caller;
        let target = self.target_for(now, call, &who, &number);
        self.note(
            now,
            call,
            Kind::ConsultBegan(ConsultBegan { by: who.clone(), leg, target: Pii::new(number.clone()) }),
        );
        let user = match target {
            Ok(Target::Listed(Destination::User(user))) => Some(user),
            Ok(Target::Outside) => None,
            // A flow or a queue has nobody yet who could be asked.
            Ok(Target::Listed(Destination::Flow(_) | Destination::Queue(_))) => {
                self.note_consult_failed(now, call, NOT_ACCEPTABLE);
                return false;
            }
            Err(status) => {
                self.note_consult_failed(now, call, status);
                return false;
            }
        };
        if let Some(found) = self.calls.get_mut(&call) {
            let target = Pii::new(number.clone());
            found.rung.clear();
            found.consult = Some(Consult { by: leg, who: who.clone(), target, with: With::Nobody });
        }
        self.commands.push_back(Command::Unbridge { leg: caller });
        let play = self.ids.play();
        let items = [Item::Tone(Tone::Ringback)].into();
        self.commands.push_back(Command::Play { leg, play, items, repeat: true });
        self.attend_music(call);
        let deadline = now.monotonic + self.config.limits.ring_time;
        let outcome = match user {
            Some(user) => self.try_user(now, call, &user, deadline).map_err(DialEnd::of),
            None => self.dial_outside(now, call, who, &number, deadline).map_err(DialEnd::of_limit),
        };
        if let Err(end) = outcome {
            self.consult_failed(now, call, end.status);
        }
        true
    }

    /// Whom a call consults has answered. True if it was that.
    pub(crate) fn consult_answered(&mut self, now: Now, call: CallId, leg: LegId) -> bool {
        let Some(found) = self.calls.get_mut(&call) else { return false };
        let consult = found.consult.as_mut().filter(|consult| consult.with == With::Rings(leg));
        let Some(consult) = consult else { return false };
        consult.with = With::Third(leg);
        let by = consult.by;
        found.early = None;
        self.commands.push_back(Command::StopPlay { leg: by });
        self.commands.push_back(Command::Bridge { a: by, b: leg });
        self.attend_holds(now, call);
        true
    }

    /// Whom a call consults does not answer.
    pub(crate) fn consult_failed(&mut self, now: Now, call: CallId, status: u16) {
        let Some(consult) = self.calls.get_mut(&call).and_then(|found| found.consult.take()) else { return };
        self.note_consult_failed(now, call, status);
        self.commands.push_back(Command::StopPlay { leg: consult.by });
        self.come_back(now, call, consult.by);
        self.sound_refusal(consult.by);
    }

    fn note_consult_failed(&mut self, now: Now, call: CallId, status: u16) {
        self.note(now, call, Kind::ConsultEnded { outcome: ConsultOutcome::Failed, status: Some(status) });
    }

    /// All three talk. False if there are no three.
    pub(crate) fn confer(&mut self, now: Now, leg: LegId) -> bool {
        let Some((call, _)) = self.talker(leg) else { return false };
        let Some(found) = self.calls.get_mut(&call) else { return false };
        let caller = found.caller;
        let Some(consult) = &mut found.consult else { return false };
        let With::Third(third) = consult.with else { return false };
        consult.with = With::All(third);
        self.note(now, call, Kind::ConferenceBegan { legs: vec![caller, leg, third] });
        self.commands.push_back(Command::Confer { legs: [caller, leg, third] });
        self.attend_music(call);
        true
    }

    /// Lets whom a user consults go. False if there is nobody.
    pub(crate) fn return_from_consult(&mut self, now: Now, leg: LegId) -> bool {
        let Some((call, _)) = self.talker(leg) else { return false };
        let Some(consult) = self.calls.get_mut(&call).and_then(|found| found.consult.take()) else { return false };
        if let Some(third) = consult.third() {
            self.drop_leg(now, third, "let_go", NORMAL_CLEARING);
        }
        if let With::Nobody | With::Rings(_) = consult.with {
            self.commands.push_back(Command::StopPlay { leg });
        }
        self.note(now, call, Kind::ConsultEnded { outcome: ConsultOutcome::Returned, status: None });
        self.come_back(now, call, leg);
        true
    }

    /// Caller and whoever asked talk again.
    fn come_back(&mut self, now: Now, call: CallId, by: LegId) {
        let Some(caller) = self.calls.get(&call).filter(|found| !found.over).map(|found| found.caller) else { return };
        self.commands.push_back(Command::Bridge { a: caller, b: by });
        self.attend_holds(now, call);
    }

    /// The leg of whom a call consults, or of whoever consults, is gone. True if it was one of those.
    pub(crate) fn consult_gone(&mut self, now: Now, leg: LegId) -> bool {
        let Some(call) = self.legs.get(&leg).map(|found| found.call) else { return false };
        let Some(found) = self.calls.get_mut(&call).filter(|found| !found.over) else { return false };
        let is_in = |consult: &mut Consult| consult.by == leg || consult.third() == Some(leg);
        let Some(consult) = found.consult.take_if(is_in) else { return false };
        if consult.by == leg {
            self.hand_caller_on(now, call, consult);
            return true;
        }
        self.note(now, call, Kind::ConsultEnded { outcome: ConsultOutcome::ThirdLeft, status: None });
        self.come_back(now, call, consult.by);
        if let With::Third(_) = consult.with {
            self.sound_refusal(consult.by);
        }
        true
    }

    /// Whoever consults has hung up: the caller talks with the third one, or waits until he answers.
    fn hand_caller_on(&mut self, now: Now, call: CallId, consult: Consult) {
        let Consult { by, who, target, with } = consult;
        self.note(now, call, Kind::ConsultEnded { outcome: ConsultOutcome::Transferred, status: None });
        self.part(now, call);
        self.release_agent(now, by);
        self.leave_flow(call);
        match with {
            With::Third(third) | With::All(third) => {
                let kind = TransferKind::Attended;
                self.note(now, call, Kind::Transferred { by: who, kind, target, joined: None });
                self.unite(now, call, third);
            }
            With::Nobody | With::Rings(_) => {
                let ring_time = self.config.limits.ring_time;
                let Some(found) = self.calls.get_mut(&call) else { return };
                // It was the one who asked who heard the network of the third one.
                found.early = None;
                found.transfer = Some(Transfer { by: None, who, target, referral: None, ring_time });
                if let With::Rings(third) = with {
                    found.stage = Stage::Dialling(third);
                    self.play_ringback(call);
                } else {
                    self.dial_over(now, call, ivr::DialOutcome::Unreachable);
                }
            }
        }
    }

    /// A call ends while its other side consults.
    pub(crate) fn abandon_consult(&mut self, now: Now, call: CallId) {
        if self.calls.get_mut(&call).and_then(|found| found.consult.take()).is_some() {
            self.note(now, call, Kind::ConsultEnded { outcome: ConsultOutcome::CallOver, status: None });
        }
    }

    /// Sends the caller on to a number, as by a REFER. False if it cannot be.
    pub(crate) fn transfer_by_key(&mut self, now: Now, leg: LegId, number: String) -> bool {
        let Some((call, who)) = self.talker(leg) else { return false };
        if self.calls.get(&call).is_some_and(|found| found.consult.is_some()) {
            return false;
        }
        let target = match self.target_for(now, call, &who, &number) {
            Ok(target) => target,
            Err(status) => {
                let (kind, target) = (TransferKind::Blind, Pii::new(number));
                self.note(now, call, Kind::TransferFailed { by: who, kind, target, status });
                return false;
            }
        };
        let ring_time = self.config.limits.ring_time;
        let transfer = Transfer { by: Some(leg), who, target: Pii::new(number), referral: None, ring_time };
        self.send_on(now, call, transfer, target);
        true
    }
}

/// Whom a number reaches cannot be asked.
const NOT_ACCEPTABLE: u16 = 488;
