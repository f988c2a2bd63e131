//! Limits hold whatever the order of calls and days.

use std::collections::BTreeSet;

use base::{Rng, Wall};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn grant(name: &str, at_once: usize, minutes_a_day: u32) -> Grant {
    let (askers, prefixes) = (BTreeSet::new(), Vec::new());
    Grant { name: name.into(), askers, prefixes, trunk: "carrier".into(), at_once, minutes_a_day }
}

/// Nine minutes before midnight.
fn evening() -> Now {
    Now { monotonic: Mono::from_nanos(1), wall: Wall::from_unix_micros(1_795_305_060_000_000) }
}

/// Calls and the meter that counts them.
struct Exchange {
    meter: Meter,
    now: Now,
    /// Live legs, with the moment of their answers.
    live: BTreeMap<LegId, (GrantName, Option<Now>)>,
    /// What the records of calls that are over say.
    records: Charges,
    placed: u64,
}

impl Exchange {
    fn new() -> Self {
        let live = BTreeMap::new();
        Self { meter: Meter::default(), now: evening(), live, records: Charges::default(), placed: 0 }
    }

    /// Places a call if the meter lets it.
    fn place(&mut self, grant: &Grant) -> Result<LegId, NoWayOut> {
        self.meter.check(self.now, grant)?;
        self.placed += 1;
        let leg = LegId::from_raw(self.placed);
        self.meter.placed(self.now, grant, leg);
        self.live.insert(leg, (grant.name.clone(), None));
        Ok(leg)
    }

    fn answer(&mut self, leg: LegId) {
        if let Some((grant, since)) = self.live.get_mut(&leg) {
            since.get_or_insert(self.now);
            self.meter.answered(self.now, grant, leg);
        }
    }

    fn close(&mut self, leg: LegId) {
        let Some((grant, since)) = self.live.remove(&leg) else { return };
        let charged = self.meter.closed(self.now, Some(&grant), leg);
        assert_eq!(charged.is_some(), since.is_some());
        self.records.add(&grant, &by_day(self.now.wall, charged.unwrap_or(0)));
    }

    /// A call that talks.
    fn talk(&mut self, grant: &Grant) -> LegId {
        let leg = self.place(grant).unwrap();
        self.answer(leg);
        leg
    }

    /// Lets time pass as a driver does, and hangs up whom the meter says.
    fn run(&mut self, time: Duration) {
        let end = self.now.monotonic + time;
        while let Some(due) = self.meter.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.after(due.since(self.now.monotonic));
            self.meter.handle_timeout(self.now);
            while let Some(leg) = self.meter.poll_used_up() {
                self.close(leg);
            }
        }
        self.now = self.now.after(end.since(self.now.monotonic));
    }

    /// No limit is exceeded, and what the meter counts is what records say, with the calls that are up.
    fn check(&self, grant: &Grant) {
        let (name, today) = (&grant.name, Day::of(self.now.wall));
        let up: Vec<Option<Now>> = self.live.values().filter(|(of, _)| of == name).map(|(_, since)| *since).collect();
        assert!(up.len() <= grant.at_once, "{} at once of {name}", up.len());
        let used = self.meter.used_ms(self.now, name);
        assert!(used <= limit_ms(grant), "{used} ms of {name}");
        let of_live = up.iter().flatten().map(|since| {
            let lasted = whole_ms(self.now.monotonic.since(since.monotonic));
            by_day(self.now.wall, lasted).get(&today).copied().unwrap_or(0)
        });
        assert_eq!(used, self.records.of(name, today) + of_live.sum::<u64>(), "{name}");
    }
}

#[test]
fn a_call_over_midnight_has_the_minutes_of_both_days() {
    let (mut exchange, grant) = (Exchange::new(), grant("a", 1, 10));
    exchange.talk(&grant);
    exchange.run(19 * MINUTE - Duration::from_millis(1));
    assert_eq!(exchange.live.len(), 1);
    exchange.run(Duration::from_millis(1));
    assert!(exchange.live.is_empty() && exchange.meter.is_idle());
    assert_eq!(exchange.records.of("a", Day::of(evening().wall)), 9 * MINUTE_MS);
    assert_eq!(exchange.place(&grant), Err(NoWayOut::Minutes));
}

#[test]
fn two_calls_use_the_minutes_up_in_half_the_time() {
    let (mut exchange, grant) = (Exchange::new(), grant("a", 3, 10));
    let ringing = exchange.place(&grant).unwrap();
    exchange.talk(&grant);
    exchange.run(2 * MINUTE);
    exchange.talk(&grant);
    exchange.run(4 * MINUTE - Duration::from_millis(1));
    assert_eq!(exchange.live.len(), 3);
    exchange.run(Duration::from_millis(1));
    assert_eq!(exchange.live.keys().collect::<Vec<_>>(), [&ringing], "who only rings has used nothing");
    exchange.answer(ringing);
    exchange.run(Duration::ZERO);
    assert!(exchange.live.is_empty(), "there is nothing left to talk with");
}

#[test]
fn other_limits_hold_at_once_for_calls_that_are_up() {
    let mut exchange = Exchange::new();
    exchange.talk(&grant("a", 1, 60));
    exchange.run(3 * MINUTE);
    exchange.meter.reconfigure(exchange.now, &BTreeMap::new());
    exchange.run(MINUTE);
    assert_eq!(exchange.live.len(), 1, "its grant is gone, and it goes on");
    exchange.meter.reconfigure(exchange.now, &[("a".into(), grant("a", 1, 5))].into());
    exchange.run(MINUTE);
    assert!(exchange.live.is_empty());
}

#[test]
fn a_wall_clock_that_steps_back_over_midnight_gives_no_minutes_twice() {
    let (mut exchange, grant) = (Exchange::new(), grant("a", 1, 10));
    let leg = exchange.talk(&grant);
    exchange.run(8 * MINUTE);
    exchange.close(leg);
    exchange.run(2 * MINUTE);
    assert_eq!(exchange.meter.used_ms(exchange.now, "a"), 0, "another day");
    exchange.now.wall = evening().wall;
    assert_eq!(exchange.meter.used_ms(exchange.now, "a"), 8 * MINUTE_MS);
}

#[test]
fn grants_are_never_exceeded() {
    let mut refused = BTreeSet::new();
    for seed in 0..200 {
        match std::panic::catch_unwind(|| play(seed)) {
            Ok(limits) => refused.extend(limits),
            Err(_) => panic!("seed {seed}"),
        }
    }
    assert_eq!(refused, ["AtOnce".to_owned(), "Minutes".to_owned()].into(), "each limit was met");
}

/// Gives the limits that calls met.
fn play(seed: u64) -> BTreeSet<String> {
    let mut refused = BTreeSet::new();
    let mut dice = Rng::from_number(seed);
    let grants = [grant("a", 1, 3), grant("b", 3, 5), grant("c", 40, 7)];
    let mut exchange = Exchange::new();
    for _ in 0..400 {
        let among = u32::try_from(exchange.live.len()).unwrap().max(1);
        let one = exchange.live.keys().nth(dice.below(among) as usize).copied();
        match (dice.below(5), one) {
            (0 | 1, _) => {
                let placed = exchange.place(&grants[dice.below(3) as usize]);
                refused.extend(placed.err().map(|why| format!("{why:?}")));
            }
            (2 | 3, Some(leg)) => exchange.answer(leg),
            (_, Some(leg)) => exchange.close(leg),
            (_, None) => {}
        }
        let pause = if dice.percent(3) { 18_000_000 } else { [0, 7, 1_500, 20_000][dice.below(4) as usize] };
        exchange.run(Duration::from_millis(pause));
        grants.iter().for_each(|grant| exchange.check(grant));
    }
    refused
}
