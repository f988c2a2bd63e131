//! How much of a trunk is in use, and whether one more call may be: `channels` and `calls_per_second`.

use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now};
use journal::NoWayOut;
use serde::{Deserialize, Serialize};

use super::Trunks;
use crate::{Trunk, TrunkName};

/// Calls of a trunk that live, and what is counted of its limits.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Live legs to it.
    pub out: usize,
    /// Live legs of callers who came by it.
    pub inward: usize,
    rate_out: Bucket,
    rate_in: Bucket,
    /// How often its limits were met.
    pub met: LimitsMet,
}

/// How often the limits of a trunk stood against a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsMet {
    /// Calls out that found no channel.
    pub channels_out: u64,
    /// Calls in that found no channel.
    pub channels_in: u64,
    /// Calls out that came too fast.
    pub rate_out: u64,
    /// Calls in that came too fast.
    pub rate_in: u64,
}

/// Tokens for calls: one comes in a second's part, and no more are kept than a second brings. Kept as the moment at which it
/// will be full again (the generic cell rate algorithm of ITU-T I.371), so that nothing has to fill it.
#[derive(Debug, Default)]
struct Bucket {
    full_at: Mono,
}

impl Bucket {
    const SECOND: Duration = Duration::from_secs(1);

    /// True if there is a token. What is left of a token by rounding is for the caller.
    fn has_token(&self, now: Mono, per_second: u32) -> bool {
        let missing = self.full_at.since(now);
        missing + Self::SECOND / per_second.max(1) <= Self::SECOND
    }

    fn take(&mut self, now: Mono, per_second: u32) {
        self.full_at = self.full_at.max(now) + Self::SECOND / per_second.max(1);
    }
}

impl Load {
    /// What stands against one more call.
    fn check(&self, now: Now, trunk: &Trunk, bucket: &Bucket) -> Result<(), NoWayOut> {
        if trunk.channels.is_some_and(|most| self.out.saturating_add(self.inward) >= most) {
            return Err(NoWayOut::TrunkFull);
        }
        if trunk.calls_per_second.is_some_and(|rate| !bucket.has_token(now.monotonic, rate)) {
            return Err(NoWayOut::TrunkRate);
        }
        Ok(())
    }
}

impl Trunks {
    /// Whether one more call may go out by a trunk; if not, that is counted.
    ///
    /// # Errors
    /// The limit that stands against it.
    pub fn room_out(&mut self, now: Now, trunk: &Trunk) -> Result<(), NoWayOut> {
        let load = self.load.entry(trunk.name.clone()).or_default();
        let checked = load.check(now, trunk, &load.rate_out);
        match checked {
            Err(NoWayOut::TrunkFull) => load.met.channels_out += 1,
            Err(_) => load.met.rate_out += 1,
            Ok(()) => {}
        }
        checked
    }

    /// Lets one more call in by a trunk, if it may be; if not, that is counted.
    ///
    /// # Errors
    /// The limit that stands against it.
    pub fn let_in(&mut self, now: Now, trunk: &Trunk) -> Result<(), NoWayOut> {
        let load = self.load.entry(trunk.name.clone()).or_default();
        let checked = load.check(now, trunk, &load.rate_in);
        match checked {
            Ok(()) => {
                if let Some(rate) = trunk.calls_per_second {
                    load.rate_in.take(now.monotonic, rate);
                }
            }
            Err(NoWayOut::TrunkFull) => load.met.channels_in += 1,
            Err(_) => load.met.rate_in += 1,
        }
        checked
    }

    /// A leg to a trunk began, to one of its addresses.
    pub fn left_by(&mut self, name: &TrunkName, address: SocketAddr) {
        self.target_began(name, address);
        self.load.entry(name.clone()).or_default().out += 1;
    }

    /// A call goes out by a trunk, however many of its addresses are tried.
    pub fn placed(&mut self, now: Now, trunk: &Trunk) {
        if let Some(rate) = trunk.calls_per_second {
            self.load.entry(trunk.name.clone()).or_default().rate_out.take(now.monotonic, rate);
        }
    }

    /// A leg to a trunk ended.
    pub fn out_ended(&mut self, name: &TrunkName, address: SocketAddr) {
        self.target_ended(name, address);
        if let Some(load) = self.load.get_mut(name) {
            load.out = load.out.saturating_sub(1);
        }
    }

    /// A call from a trunk began.
    pub fn came_by(&mut self, name: &TrunkName) {
        self.load.entry(name.clone()).or_default().inward += 1;
    }

    /// The leg of a caller who came by a trunk ended.
    pub fn in_ended(&mut self, name: &TrunkName) {
        if let Some(load) = self.load.get_mut(name) {
            load.inward = load.inward.saturating_sub(1);
        }
    }
}

impl Trunks {
    /// Live legs by trunk, out and in.
    pub fn loads(&self) -> impl Iterator<Item = (&TrunkName, (usize, usize))> {
        self.load.iter().map(|(name, load)| (name, (load.out, load.inward)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_brings_as_many_tokens_as_the_rate_and_keeps_no_more() {
        for rate in [1, 3, 7, 1000] {
            let (mut bucket, mut now) = (Bucket::default(), Mono::from_nanos(5_000_000_000));
            let mut taken_at = |now: Mono| {
                let mut taken = 0;
                while bucket.has_token(now, rate) {
                    bucket.take(now, rate);
                    taken += 1;
                }
                taken
            };
            assert_eq!(taken_at(now), rate, "full at first");
            assert_eq!(taken_at(now), 0);
            now = now + Duration::from_secs(1) / rate;
            assert_eq!(taken_at(now), 1, "{rate}");
            now = now + Duration::from_secs(3600);
            assert_eq!(taken_at(now), rate, "an hour's rest is no hour's calls");
        }
    }
}
