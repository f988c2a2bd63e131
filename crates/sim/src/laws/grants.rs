//! The law of grants: nobody calls outside without leave, and no grant is exceeded, neither in calls at once nor in
//! minutes. It is reckoned from the journal and the configuration alone, by a clock that does not jump.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::{CallId, Day, LegId, Mono, Now};
use journal::{Event, Kind, LegRole, Name, Outside};
use switch::Config;

use super::Breach;

const LAW: &str = "grants are never exceeded";
/// By how much a timer may be late.
const LATE: Duration = Duration::from_millis(50);

/// What is used of all grants.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    legs: BTreeMap<LegId, Leg>,
    /// Legs that go on in another call.
    moved: BTreeSet<LegId>,
    /// What calls took that are over.
    spent: BTreeMap<Name, Duration>,
    /// How long all calls of a grant may last in a day, as was said last.
    limits: BTreeMap<Name, Duration>,
    today: Option<Day>,
    /// How many days it has been, of which each has its minutes. A jump of the wall clock may make one.
    days: u32,
    breaches: Vec<Breach>,
}

/// A leg to the outside that has not ended.
#[derive(Debug)]
struct Leg {
    call: CallId,
    grant: Option<Name>,
    answered: Option<Mono>,
}

impl Grants {
    /// Takes the next event, which happened just now.
    pub(crate) fn feed(&mut self, now: Now, event: &Event, config: &Config) {
        let Some(call) = event.call else { return };
        match &event.kind {
            Kind::LegBegan { leg, role: LegRole::Outside(outside) } => {
                self.take_down(now, config);
                // What was let out once may go on in another call.
                if !self.moved.remove(leg)
                    && let Err(what) = self.judge(now, outside, config)
                {
                    self.breaches.push(Breach::new(LAW, &format!("{call}: {what}")));
                }
                self.legs.insert(*leg, Leg { call, grant: outside.grant.clone(), answered: None });
            }
            Kind::LegAnswered { leg } => {
                if let Some(found) = self.legs.get_mut(leg) {
                    found.answered = Some(now.monotonic);
                }
            }
            Kind::LegEnded { leg, charged_ms, cause, .. } => {
                if &**cause == "joined" && self.legs.contains_key(leg) {
                    self.moved.insert(*leg);
                }
                let Some(Leg { grant: Some(grant), answered, .. }) = self.legs.remove(leg) else { return };
                let talked = answered.map(|since| now.monotonic.since(since));
                if talked.map(|time| time.as_nanos().div_ceil(1_000_000)) != charged_ms.map(u128::from) {
                    let what = format!("{leg} talked {talked:?} and is charged {charged_ms:?} ms");
                    self.breaches.push(Breach::new("what is talked is charged", &what));
                }
                *self.spent.entry(grant).or_default() += talked.unwrap_or_default();
            }
            // When the switch is killed, its last words are all that anybody knows: what is charged is less than was talked.
            Kind::CallEnded { cut: true } => self.legs.retain(|_, leg| leg.call != call),
            _ => {}
        }
    }

    /// Looks whether somebody still talks by a grant whose minutes are used up; when all that is due is done.
    pub(crate) fn observe(&mut self, now: Now, config: &Config) {
        self.take_down(now, config);
        let talking = self.legs.values().filter(|leg| leg.answered.is_some()).filter_map(|leg| leg.grant.as_ref());
        let over: Vec<Name> = talking.filter(|grant| self.left(now, grant).is_none()).cloned().collect();
        for grant in over {
            let what = format!("{grant} has no minutes left, and somebody talks");
            self.breaches.push(Breach::new(LAW, &what));
        }
    }

    /// Takes down which day it is and what the limits are.
    fn take_down(&mut self, now: Now, config: &Config) {
        let today = Day::of(now.wall);
        if self.today.replace(today) != Some(today) {
            self.days += 1;
        }
        for (name, grant) in &config.grants {
            self.limits.insert(name.clone(), Duration::from_secs(60 * u64::from(grant.minutes_a_day)));
        }
    }

    pub(crate) fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    /// What a grant has left; none if it is exceeded.
    fn left(&self, now: Now, grant: &Name) -> Option<Duration> {
        let limit = self.limits.get(grant).map_or(Duration::ZERO, |limit| *limit * self.days);
        let live = self.legs.values().filter(|leg| leg.grant.as_ref() == Some(grant)).filter_map(|leg| leg.answered);
        let live: Duration = live.map(|since| now.monotonic.since(since)).sum();
        (limit + LATE).checked_sub(self.spent.get(grant).copied().unwrap_or_default() + live)
    }

    /// Whether one more leg may leave.
    fn judge(&self, now: Now, outside: &Outside, config: &Config) -> Result<(), String> {
        let number = outside.number.reveal().as_str();
        let Some(name) = &outside.grant else {
            let emergency = config.emergency.as_ref().filter(|emergency| emergency.numbers.contains(number));
            let right = emergency.is_some_and(|emergency| stands_in(config, &emergency.trunk, &outside.trunk));
            return if right { Ok(()) } else { Err("a call leaves without a grant".to_owned()) };
        };
        let Some(grant) = config.grants.get(name) else { return Err(format!("there is no grant {name}")) };
        let allows = grant.askers.contains(&outside.asked_by)
            && grant.prefixes.iter().any(|prefix| number.starts_with(&**prefix))
            && stands_in(config, &grant.trunk, &outside.trunk);
        let live = self.legs.values().filter(|leg| leg.grant.as_ref() == Some(name)).count();
        if !allows {
            return Err(format!("{name} does not allow {outside:?}"));
        }
        if live >= grant.at_once {
            return Err(format!("{name} has {live} calls already"));
        }
        if self.left(now, name).is_none_or(|left| left <= LATE) {
            return Err(format!("{name} has no minutes left"));
        }
        Ok(())
    }
}

/// True for the trunk itself, and for those that calls go to in its place.
fn stands_in(config: &Config, trunk: &str, taken: &str) -> bool {
    let next = |trunk: &&switch::Trunk| config.trunk(trunk.failover.as_deref()?);
    // No trunk leads to itself; a law does not rely on that.
    let chain = std::iter::successors(config.trunk(trunk), next).take(config.trunks.len());
    chain.into_iter().any(|trunk| *trunk.name == *taken)
}
