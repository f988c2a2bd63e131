//! A leg that rings several phones: what each of them is offered.
//!
//! Each has keys of its own (RFC 4568), so that what the phone hears that answers, no other phone can decipher; and is told the
//! address of ours that leads from it to us.

use base::LegId;
use sdp::{Description, Keys, Local, Preferences, Security};
use sip::{Fork, Search};
use sip_message::AnyUri;

use crate::call::{Leg, Others, Route};
use crate::switch::Switch;

/// What was offered where; empty if the leg rings one phone.
#[derive(Debug, Default)]
pub(crate) struct Places {
    offers: Vec<Offer>,
    /// The place whose offer and keys are the leg's.
    at: usize,
}

/// What one place was offered.
#[derive(Debug)]
struct Offer {
    description: Description,
    /// The keys in it; at the leg while it is that place's.
    keys: Option<Box<Keys>>,
}

impl Switch {
    /// The other phones that a leg rings, and what all of them are offered, beginning with the first.
    pub(crate) fn offer_elsewhere(
        &mut self,
        others: Others,
        (first, local): (&Description, Local),
        mut preferences: Preferences,
    ) -> (Search, Places) {
        let Others { phones, patience } = others;
        if phones.is_empty() {
            return (Search::default(), Places::default());
        }
        let mut offers = vec![Offer { description: first.clone(), keys: None }];
        let mut forks = Vec::with_capacity(phones.len());
        for (turn, Route { target, flow, onward, .. }) in phones {
            let keys = match &mut preferences.security {
                Security::Never => None,
                Security::Allowed(keys) | Security::Required(keys) => {
                    **keys = Keys::random(&mut self.rng);
                    Some(keys.clone())
                }
            };
            let local = Local { address: self.config.limits.media_address(flow), ..local };
            let description = sdp::offer(&local, &preferences);
            forks.push(Fork { turn, target: AnyUri::Sip(target), flow, onward, offer: description.to_bytes() });
            offers.push(Offer { description, keys });
        }
        (Search { forks, patience }, Places { offers, at: 0 })
    }

    /// What is said next was said at `place`: it answers the offer made there.
    pub(crate) fn spoken_at(&mut self, leg: LegId, place: usize) {
        if let Some(found) = self.legs.get_mut(&leg) {
            found.turn_to(place);
        }
    }
}

impl Leg {
    fn turn_to(&mut self, place: usize) {
        let Places { offers, at } = &mut self.places;
        if place == *at || place >= offers.len() {
            return;
        }
        let keys = offers.get_mut(place).and_then(|offer| offer.keys.take());
        let before = self.secrecy.exchange(keys);
        if let Some(offer) = offers.get_mut(*at) {
            offer.keys = before;
        }
        self.offered = offers.get(place).map(|offer| offer.description.clone());
        *at = place;
    }
}
