//! What follows for an agent who does not take an offer.

use std::time::Duration;

use crate::OfferFailure;

/// What follows an offer that failed in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Penalty {
    /// How long the agent gets no offer at all.
    pub rest: Duration,
    /// How long the same call is not offered to him again.
    pub retry: Duration,
    /// With so many of them since he last took an offer or became available, he is put on a break; never if none.
    pub pause_after: Option<u32>,
}

impl Penalty {
    const fn resting(seconds: u64) -> Self {
        Self { rest: Duration::from_secs(seconds), retry: Duration::from_secs(30), pause_after: None }
    }
}

/// A queue's penalties, by what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Penalties {
    /// His phone was busy.
    pub busy: Penalty,
    /// He declined.
    pub declined: Penalty,
    /// He let it ring.
    pub no_answer: Penalty,
    /// His phone could not be reached, or refused with an error.
    pub unreachable: Penalty,
}

impl Penalties {
    /// That for one failure.
    #[must_use]
    pub const fn of(&self, failure: OfferFailure) -> Penalty {
        match failure {
            OfferFailure::Busy => self.busy,
            OfferFailure::Declined => self.declined,
            OfferFailure::NoAnswer => self.no_answer,
            OfferFailure::Unreachable => self.unreachable,
        }
    }

    /// That for one failure, to be changed.
    pub const fn of_mut(&mut self, failure: OfferFailure) -> &mut Penalty {
        match failure {
            OfferFailure::Busy => &mut self.busy,
            OfferFailure::Declined => &mut self.declined,
            OfferFailure::NoAnswer => &mut self.no_answer,
            OfferFailure::Unreachable => &mut self.unreachable,
        }
    }
}

impl Default for Penalties {
    fn default() -> Self {
        Self {
            busy: Penalty::resting(10),
            declined: Penalty::resting(5),
            no_answer: Penalty::resting(15),
            unreachable: Penalty::resting(30),
        }
    }
}

/// How many offers an agent did not take in a row, by what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missed {
    busy: u32,
    declined: u32,
    no_answer: u32,
    unreachable: u32,
}

impl Missed {
    /// One more. Gives how many of its kind there are.
    pub const fn add(&mut self, failure: OfferFailure) -> u32 {
        let count = match failure {
            OfferFailure::Busy => &mut self.busy,
            OfferFailure::Declined => &mut self.declined,
            OfferFailure::NoAnswer => &mut self.no_answer,
            OfferFailure::Unreachable => &mut self.unreachable,
        };
        *count = count.saturating_add(1);
        *count
    }
}
