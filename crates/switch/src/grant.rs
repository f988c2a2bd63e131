//! How much of each grant is in use: its calls at once, and the minutes of the day (UTC) that they have taken.
//!
//! A machine within the machine: legs are told to it as they are placed, answered and closed, and
//! [`Meter::poll_used_up`] says which have used their grant's minutes up. Accounts go by the grant's name, so that a
//! new configuration finds them as they are.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{Day, LegId, Mono, Now, TimerToken, Timers};
use journal::{Charges, NoWayOut, by_day};

use crate::{Grant, GrantName};

const MINUTE_MS: u64 = 60_000;

/// What is used of all grants.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Calls that are over.
    charges: Charges,
    /// Grants with live calls.
    accounts: BTreeMap<GrantName, Account>,
    timers: Timers<GrantName>,
    /// Legs to be hung up.
    used_up: VecDeque<LegId>,
}

/// The live calls of a grant.
#[derive(Debug)]
struct Account {
    /// Their legs, with the moment of their answers.
    legs: BTreeMap<LegId, Option<Mono>>,
    /// What the grant's calls may take in a day, in milliseconds.
    limit_ms: u64,
    /// When its minutes are used up, or the day is over.
    due: Option<TimerToken>,
}

impl Meter {
    /// A meter that goes on from what earlier runs charged.
    pub fn new(charges: Charges) -> Self {
        Self { charges, ..Self::default() }
    }

    /// Whether one more call may be placed.
    ///
    /// # Errors
    /// The limit that stands against it.
    pub fn check(&self, now: Now, grant: &Grant) -> Result<(), NoWayOut> {
        if self.legs(&grant.name) >= grant.at_once {
            return Err(NoWayOut::AtOnce);
        }
        if self.used_ms(now, &grant.name) >= limit_ms(grant) {
            return Err(NoWayOut::Minutes);
        }
        Ok(())
    }

    /// A leg is placed.
    pub fn placed(&mut self, now: Now, grant: &Grant, leg: LegId) {
        let account = self.accounts.entry(grant.name.clone()).or_insert_with(|| Account {
            legs: BTreeMap::new(),
            limit_ms: 0,
            due: None,
        });
        account.limit_ms = limit_ms(grant);
        account.legs.insert(leg, None);
        self.arm(now, &grant.name);
    }

    /// A leg was answered: from now on it is charged.
    pub fn answered(&mut self, now: Now, grant: &GrantName, leg: LegId) {
        if let Some(since) = self.accounts.get_mut(grant).and_then(|account| account.legs.get_mut(&leg)) {
            since.get_or_insert(now.monotonic);
        }
        self.arm(now, grant);
    }

    /// A leg is over. Gives what its grant is charged, in milliseconds, if there is one and the leg was answered.
    pub fn closed(&mut self, now: Now, grant: Option<&GrantName>, leg: LegId) -> Option<u64> {
        let grant = grant?;
        let account = self.accounts.get_mut(grant)?;
        let charged = account.legs.remove(&leg)?.map(|since| whole_ms(now.monotonic.since(since)));
        if let Some(charged) = charged {
            self.charges.add(grant, &by_day(now.wall, charged));
        }
        self.arm(now, grant);
        if self.accounts.get(grant).is_some_and(|account| account.legs.is_empty()) {
            self.accounts.remove(grant);
        }
        charged
    }

    /// A leg goes on in another call, whose record has what it is charged from now on. Gives what it is charged up to now, in
    /// milliseconds.
    pub fn split(&mut self, now: Now, grant: &GrantName, leg: LegId) -> Option<u64> {
        let since = self.accounts.get_mut(grant)?.legs.get_mut(&leg)?.as_mut()?;
        let charged = whole_ms(now.monotonic.since(std::mem::replace(since, now.monotonic)));
        self.charges.add(grant, &by_day(now.wall, charged));
        self.arm(now, grant);
        Some(charged)
    }

    /// The limits of grants may be others now. One that is gone keeps those that it had, for its calls that are up.
    pub fn reconfigure(&mut self, now: Now, grants: &BTreeMap<GrantName, Grant>) {
        for (name, account) in &mut self.accounts {
            account.limit_ms = grants.get(name).map_or(account.limit_ms, limit_ms);
        }
        let names: Vec<GrantName> = self.accounts.keys().cloned().collect();
        for name in names {
            self.arm(now, &name);
        }
    }

    /// What a grant's calls have taken of today, in milliseconds, those that are up included.
    pub fn used_ms(&self, now: Now, grant: &str) -> u64 {
        let today = Day::of(now.wall);
        let live = self.accounts.get(grant).into_iter().flat_map(|account| account.legs.values().flatten());
        let live =
            live.map(|since| by_day(now.wall, whole_ms(now.monotonic.since(*since))).remove(&today).unwrap_or(0));
        live.fold(self.charges.of(grant, today), u64::saturating_add)
    }

    /// Finds the grants whose minutes are used up.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(grant) = self.timers.pop_due(now.monotonic) {
            let left = self.left(now, &grant);
            let Some(account) = self.accounts.get_mut(&grant) else { continue };
            account.due = None;
            if left.is_zero() {
                let talking = account.legs.iter().filter(|(_, since)| since.is_some());
                self.used_up.extend(talking.map(|(leg, _)| *leg));
            } else {
                self.arm(now, &grant);
            }
        }
    }

    /// The next leg that is to be hung up, as its grant has no minutes left.
    pub fn poll_used_up(&mut self) -> Option<LegId> {
        self.used_up.pop_front()
    }

    /// The live legs of a grant.
    pub fn legs(&self, grant: &str) -> usize {
        self.accounts.get(grant).map_or(0, |account| account.legs.len())
    }

    /// Grants with live legs.
    pub fn grants(&self) -> usize {
        self.accounts.len()
    }

    /// True if no leg is live.
    pub fn is_idle(&self) -> bool {
        self.accounts.is_empty() && self.timers.is_empty()
    }

    /// When to call [`Meter::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.timers.poll_timeout()
    }

    /// How long all calls of the grant that talk now may go on together. What is less than a millisecond for each is
    /// nothing.
    fn left(&self, now: Now, grant: &str) -> Duration {
        let Some(account) = self.accounts.get(grant) else { return Duration::ZERO };
        let talking = account.legs.values().flatten().count();
        let left = account.limit_ms.saturating_sub(self.used_ms(now, grant));
        Duration::from_millis(left / u64::try_from(talking).unwrap_or(u64::MAX).max(1))
    }

    /// Sets the grant's timer anew, as the number of its calls that talk may have changed.
    fn arm(&mut self, now: Now, grant: &GrantName) {
        let left = self.left(now, grant);
        let Some(account) = self.accounts.get_mut(grant) else { return };
        if let Some(due) = account.due.take() {
            self.timers.cancel(due);
        }
        if account.legs.values().all(Option::is_none) {
            return;
        }
        // With the day its minutes begin anew. A wall clock that lags behind is waited for in steps.
        let midnight = Day::of(now.wall).rest(now.wall).max(Duration::from_millis(1));
        account.due = Some(self.timers.set(now.monotonic + left.min(midnight), grant.clone()));
    }
}

fn limit_ms(grant: &Grant) -> u64 {
    u64::from(grant.minutes_a_day).saturating_mul(MINUTE_MS)
}

/// Rounded up: nobody talks for nothing.
fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
