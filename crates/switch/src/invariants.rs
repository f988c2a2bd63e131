//! What must be true after every input; checked whole, so for tests and not for each event.

use std::collections::BTreeMap;

use base::{CallId, LegId, Now};
use journal::Asker;

use crate::call::{Call, Leg, Role, Stage};
use crate::consult::With;
use crate::lost::Lost;
use crate::switch::Switch;
use crate::{GrantName, TrunkName};

/// Fails with the words given unless the condition holds.
macro_rules! holds {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err(format!($($words)+));
        }
    };
}

impl Switch {
    /// Checks that calls, legs, sessions, offers, recordings and timers agree with each other, that a call waits or is
    /// offered and no agent has two offers. To be called when everything that is due at `now` is done, and everything is
    /// polled; takes time in proportion to everything there is.
    ///
    /// # Errors
    /// The first thing found that is not so, in words.
    pub fn check_invariants(&self, now: Now) -> Result<(), String> {
        self.acd.check_invariants(now)?;
        let mut legs: Vec<_> = self.legs.iter().collect();
        legs.sort_unstable_by_key(|(id, _)| **id);
        for (id, leg) in legs {
            self.check_leg(*id, leg)?;
        }
        for (id, call) in &self.calls {
            self.check_call(*id, call)?;
        }
        let awaiting = self.calls.values().filter(|call| call.lost.is_some()).count();
        holds!(self.awaited.len() == awaiting, "{} agents are awaited by {awaiting} calls", self.awaited.len());
        for (id, book) in &self.open_books {
            holds!(book.wrap_ups > 0 && !self.calls.contains_key(id), "the book of {id} is open for nothing");
        }
        let wrap_ups = self.acd.wrap_ups();
        let books = self.open_books.iter().map(|(id, book)| (id, book.wrap_ups));
        for (id, waits) in books.chain(self.calls.iter().map(|(id, call)| (id, call.wrap_ups))) {
            let there = wrap_ups.get(id).copied().unwrap_or_default();
            holds!(waits as usize <= there, "{id} waits for {waits} wrap-ups of {there}");
        }
        let of_legs = self.legs.values().filter(|leg| leg.session.is_some()).count();
        holds!(self.sessions.len() == of_legs, "{} sessions, {of_legs} legs with one", self.sessions.len());
        let sessions = self.sip.population().sessions;
        holds!(sessions >= of_legs, "{of_legs} legs with a session, {sessions} in the stack");
        let of_offers = self.legs.values().filter(|leg| self.is_rung_for_offer(leg)).count();
        holds!(self.offers.len() == of_offers, "{} offers, {of_offers} legs of one", self.offers.len());
        let takes: usize = self.calls.values().map(|call| call.open_takes.len()).sum();
        holds!(self.takes.len() == takes, "{} takes, {takes} of calls", self.takes.len());
        holds!(self.letters.taken().all(|take| self.takes.contains_key(&take)), "a message is taken in no call");
        let of_user = |(id, leg): &(&LegId, &Leg)| !leg.closed && matches!(self.owner(**id), Some(Asker::User(_)));
        let of_users = self.legs.iter().filter(of_user).count();
        holds!(self.lamps.legs() == of_users, "{of_users} legs of users, {} are known", self.lamps.legs());
        holds!(self.lamps.are_indexed(), "a subscription ended or began and is not known so");
        self.check_grants()?;
        self.check_channels()?;
        self.check_timers()
    }

    /// What is counted of a grant is what its legs are. How many they may be is checked as each is placed: a new
    /// configuration can allow fewer than there are.
    fn check_grants(&self) -> Result<(), String> {
        let mut live: BTreeMap<&GrantName, usize> = BTreeMap::new();
        for leg in self.legs.values().filter(|leg| !leg.closed) {
            if let Role::Outside { outside, .. } = &leg.role
                && let Some(grant) = &outside.grant
            {
                *live.entry(grant).or_default() += 1;
            }
        }
        for (grant, legs) in &live {
            let counted = self.meter.legs(grant);
            holds!(counted == *legs, "{legs} legs by grant {grant}, {counted} counted");
        }
        holds!(self.meter.grants() == live.len(), "grants are counted that no leg has");
        Ok(())
    }

    /// What is counted of a trunk is what its legs are, in whatever call they go on.
    fn check_channels(&self) -> Result<(), String> {
        let mut live: BTreeMap<&TrunkName, (usize, usize)> = BTreeMap::new();
        for leg in self.legs.values().filter(|leg| !leg.closed) {
            if let Role::Outside { outside, .. } = &leg.role {
                live.entry(&outside.trunk).or_default().0 += 1;
            }
            if let Some(trunk) = &leg.came_by {
                live.entry(trunk).or_default().1 += 1;
            }
        }
        for (trunk, counted) in self.trunks.loads() {
            let legs = live.remove(trunk).unwrap_or_default();
            holds!(counted == legs, "{legs:?} legs out and in by trunk {trunk}, {counted:?} counted");
        }
        holds!(live.is_empty(), "legs by trunks that nobody counts: {live:?}");
        Ok(())
    }

    fn check_leg(&self, id: LegId, leg: &Leg) -> Result<(), String> {
        let call = self.calls.get(&leg.call);
        holds!(call.is_some_and(|call| call.open_legs.contains(&id)), "{id} belongs to no call");
        holds!(!(leg.closed && leg.session.is_some()), "{id} is closed and has a session");
        holds!(leg.session.is_none_or(|session| self.sessions.get(&session) == Some(&id)), "{id}'s session is not its");
        // Whoever rings or talks does it for somebody: no phone is left ringing behind a call's back.
        let wanted = call.is_some_and(|call| match (&leg.role, call.stage) {
            _ if call.over => self.is_rung_for_offer(leg),
            _ if call.caller == id => true,
            _ if call.lost.as_ref().is_some_and(|lost| lost.leg() == Some(id)) => true,
            _ if call.transfer.as_ref().is_some_and(|transfer| transfer.by == Some(id)) => true,
            _ if call.consult.as_ref().is_some_and(|consult| consult.third() == Some(id)) => true,
            (_, Stage::Talking(other) | Stage::Dialling(other)) if other == id => true,
            (Role::Agent { .. }, _) => self.is_rung_for_offer(leg),
            (Role::Party { .. } | Role::Outside { .. } | Role::Caller { .. } | Role::Joined { .. }, _) => false,
        });
        holds!(leg.closed || wanted, "{id} is open and nobody wants it");
        Ok(())
    }

    /// True if a live offer of the ACD has this leg rung.
    fn is_rung_for_offer(&self, leg: &Leg) -> bool {
        matches!(&leg.role, Role::Agent { offer: Some(offer), .. } if self.offers.contains_key(offer) && (!leg.answered || self.is_told(leg)))
    }

    fn check_call(&self, id: CallId, call: &Call) -> Result<(), String> {
        let known = call.open_legs.iter().all(|leg| self.legs.get(leg).is_some_and(|leg| leg.call == id));
        holds!(known, "{id} has legs that are gone");
        let takes = call.open_takes.iter().all(|take| self.takes.get(take) == Some(&id));
        holds!(takes, "{id} has takes that are gone");
        holds!(call.limit.is_some(), "{id} never ends");
        if call.over {
            let open = !call.open_legs.is_empty() || !call.open_takes.is_empty();
            holds!(open, "{id} is over and still there");
            return Ok(());
        }
        // Of a callback whom no agent has taken yet nobody stands in the caller's place.
        let nobody = call.callback.is_some() && matches!(call.stage, Stage::Queued(_));
        holds!(nobody || self.legs.get(&call.caller).is_some_and(|leg| !leg.closed), "{id} has no caller");
        holds!((call.stage == Stage::Awaiting) == call.lost.is_some(), "{id} awaits an agent by half");
        let dials = matches!(call.stage, Stage::Dialling(_));
        holds!(dials || call.transfer.is_none(), "{id} is transferred to nobody");
        if let Some(consult) = &call.consult {
            holds!(call.stage == Stage::Talking(consult.by), "{id} consults and does not talk");
            let third = consult.third().and_then(|third| self.legs.get(&third));
            holds!(third.is_some_and(|leg| !leg.closed), "{id} consults nobody");
            let talks = !matches!(consult.with, With::Nobody | With::Rings(_));
            holds!(third.is_some_and(|leg| leg.answered == talks), "{id} consults one who {consult:?}");
        }
        for leg in call.talkers().filter_map(|leg| Some((leg, self.legs.get(&leg)?))) {
            let partners = call.partners(leg.0);
            let alone = partners == [None; 2] && call.stage != Stage::Talking(leg.0);
            let held = partners != [None; 2]
                && partners.iter().flatten().all(|other| self.legs.get(other).is_some_and(|leg| leg.holds));
            holds!(leg.1.music == (alone || held), "{} hears music, or none, for no reason", leg.0);
        }
        let queued = self.acd.queue_of(id).is_some();
        match call.stage {
            Stage::Queued(_) => holds!(queued, "{id} waits in no queue"),
            Stage::Awaiting => holds!(queued, "{id} awaits an agent of no queue"),
            Stage::Talking(leg) => {
                let other = self.legs.get(&leg);
                holds!(other.is_some_and(|leg| leg.answered && !leg.closed), "{id} talks with nobody");
                let agent = other.is_some_and(|leg| matches!(leg.role, Role::Agent { .. }));
                holds!((agent || call.callback.is_some()) == queued, "{id} talks, and the queue does not know");
            }
            Stage::Dialling(leg) => {
                holds!(self.legs.get(&leg).is_some_and(|leg| !leg.closed), "{id} dials nobody");
                let may = call.transfer.is_some() || call.callback.is_some();
                holds!(!queued || may, "{id} dials and waits in a queue");
            }
            Stage::Setup | Stage::Flow => holds!(!queued, "{id} is at {:?} and waits in a queue", call.stage),
        }
        Ok(())
    }

    /// Each timer belongs to something that is there.
    fn check_timers(&self) -> Result<(), String> {
        let of_call = |call: &Call| {
            let queue = matches!(call.stage, Stage::Queued(Some(_))) && !call.over;
            usize::from(call.limit.is_some())
                + usize::from(call.flow_timer.is_some())
                + usize::from(queue)
                + usize::from(call.speaking.is_some())
                + usize::from(call.announcing.is_some())
                + call.lost.as_ref().map_or(0, Lost::timers)
        };
        let of_calls: usize = self.calls.values().map(of_call).sum();
        let of_leg = |leg: &Leg| {
            let rings = usize::from(leg.ring.is_some()) + usize::from(leg.silence.is_some());
            rings + usize::from(leg.keys.waits()) + usize::from(leg.typed.waits())
        };
        let of_legs: usize = self.legs.values().map(of_leg).sum();
        let known = of_calls + of_legs + usize::from(self.doors.timer.is_some()) + self.callbacks.timers();
        // While draining, one more: the end of the grace time, until it comes.
        let right = known..=known + usize::from(self.is_draining());
        holds!(right.contains(&self.timers.len()), "{} timers are set, {known} are known", self.timers.len());
        Ok(())
    }
}
