//! What an agent is told before he talks with the caller, who hears on what he heard while he waited.
//!
//! Until then the call is offered to him still: the caller may give up, or leave by a key, and the agent is free at once; an
//! agent who hangs up has not taken the call, which waits at its old place.

use std::sync::Arc;
use std::time::Duration;

use acd::OfferFailure;
use base::{CallId, LegId, Now, OfferId, PlayId};
use journal::{Kind, OfferEnded, OfferOutcome};
use leg::{Command, Item};
use sip_message::Reason;

use crate::call::{Leg, Role};
use crate::outgoing::millis;
use crate::switch::Switch;

/// How much longer than the prompt its playout may take.
const MARGIN: Duration = Duration::from_secs(5);

/// An agent who is being told something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whisper {
    leg: LegId,
    offer: OfferId,
    play: PlayId,
}

impl Switch {
    /// An agent's phone answered: he is told what his queue has to tell. False if that is nothing, or the offer is over.
    pub(crate) fn whisper(&mut self, now: Now, leg: LegId) -> bool {
        let role = self.legs.get(&leg).map(|found| &found.role);
        let Some(&Role::Agent { offer: Some(offer), ref queue, .. }) = role else { return false };
        let Some(name) = self.config.waiting.get(queue).and_then(|waiting| waiting.whisper.clone()) else {
            return false;
        };
        // Of the agent one knows no language.
        let Some(prompt) = self.config.prompts.get(None, &name).cloned() else { return false };
        if self.acd.offer_taken(now, offer, prompt.duration() + MARGIN).is_err() {
            return false;
        }
        let play = self.ids.play();
        let Some(call) = self.legs.get(&leg).map(|found| found.call) else { return false };
        let Some(found) = self.calls.get_mut(&call) else { return false };
        found.whisper = Some(Whisper { leg, offer, play });
        let items: Arc<[Item]> = [Item::Prompt(prompt)].into();
        self.commands.push_back(Command::Play { leg, play, items, repeat: false });
        self.note(now, call, Kind::Whispered { leg, prompt: name });
        true
    }

    /// A playout ended; true if it was that of a whisper: the two talk now.
    pub(crate) fn whisper_over(&mut self, now: Now, call: CallId, play: PlayId) -> bool {
        let Some(found) = self.calls.get_mut(&call) else { return false };
        let Some(Whisper { leg, offer, .. }) = found.whisper.take_if(|whisper| whisper.play == play) else {
            return false;
        };
        if self.offer_won(now, call, leg, offer) {
            self.connect(now, call, leg);
        }
        true
    }

    /// Whoever was rung for an offer takes the call. False if the offer is over: then he is too late.
    pub(crate) fn offer_won(&mut self, now: Now, call: CallId, leg: LegId, offer: OfferId) -> bool {
        self.offers.remove(&offer);
        match self.acd.offer_answered(now, offer) {
            Ok(connected) => {
                let (outcome, rang_ms) = (OfferOutcome::Answered, millis(connected.rang));
                let agent = connected.agent.shared().clone();
                self.note(now, call, Kind::OfferEnded(OfferEnded { offer, agent, outcome, rang_ms }));
                true
            }
            Err(acd::OfferOver) => {
                self.drop_leg(now, leg, "too_late", Reason::default());
                false
            }
        }
    }

    /// An agent is gone who was being told something: he has not taken the call.
    pub(crate) fn whisper_broken(&mut self, now: Now, leg: LegId, cause: &str) {
        let Some(call) = self.legs.get(&leg).map(|found| found.call) else { return };
        let whisper = self.calls.get_mut(&call).and_then(|found| found.whisper.take_if(|whisper| whisper.leg == leg));
        if let Some(Whisper { offer, .. }) = whisper {
            self.offers.remove(&offer);
            let failure = if cause == "bye" { OfferFailure::Declined } else { OfferFailure::Unreachable };
            self.acd.offer_failed(now, offer, failure);
        }
    }

    /// True if an agent has answered by this leg who does not talk yet: he is being told something, or another one is called.
    pub(crate) fn is_told(&self, leg: &Leg) -> bool {
        let found = self.calls.get(&leg.call);
        let whisper = found.and_then(|found| found.whisper).map(|whisper| whisper.offer);
        let called_back = found.and_then(|found| found.callback).and_then(|attempt| attempt.taken);
        matches!(&leg.role, Role::Agent { offer: offer @ Some(_), .. } if [whisper, called_back].contains(offer))
    }

    /// An offer is over: whoever was told something for it is told no more.
    pub(crate) fn forget_whisper(&mut self, call: CallId, offer: OfferId) {
        if let Some(found) = self.calls.get_mut(&call) {
            found.whisper.take_if(|whisper| whisper.offer == offer);
        }
    }
}
