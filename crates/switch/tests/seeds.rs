//! Random sequences of what callers, agents, phones, the network, the clock and the machine do, crossing each other.
//! Whatever their order, no law is broken (`sim`'s `laws/`, `Switch::check_invariants`) and nothing is left behind.
//!
//! A failing seed is printed with the smallest scenario found that breaks the same law, as a file for `crates/sim/scenarios`.
//! `STROWGER_SEEDS` sets how many seeds are tried; `STROWGER_SEED` tries that one alone.
#![allow(clippy::panic, reason = "this is test code")]

use std::panic;

use sim::Scenario;

const SEEDS: u64 = 10_000;

/// The seeds of one of four tests, which run side by side.
fn quarter(which: u64) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("STROWGER_SEED") {
        Some(seed) if seed % 4 == which => try_seed(seed),
        Some(_) => {}
        None => (0..number("STROWGER_SEEDS").unwrap_or(SEEDS)).filter(|seed| seed % 4 == which).for_each(try_seed),
    }
}

#[test]
fn whatever_the_order_nothing_is_left_behind_1() {
    quarter(0);
}

#[test]
fn whatever_the_order_nothing_is_left_behind_2() {
    quarter(1);
}

#[test]
fn whatever_the_order_nothing_is_left_behind_3() {
    quarter(2);
}

#[test]
fn whatever_the_order_nothing_is_left_behind_4() {
    quarter(3);
}

fn try_seed(seed: u64) {
    let scenario = Scenario::random(seed);
    let breaches = scenario.play(false).breaches;
    if breaches.is_empty() {
        return;
    }
    // What panics while it gets smaller has been said once.
    panic::set_hook(Box::new(|_| {}));
    let smallest =
        sim::shrink(&scenario, &mut |candidate| Some(candidate.play(false).breaches.first()?.law.to_owned()));
    let _ = panic::take_hook();
    let told: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    let of_smallest: Vec<String> = smallest.play(false).breaches.iter().map(ToString::to_string).collect();
    panic!(
        "seed {seed} (alone: STROWGER_SEED={seed}) breaks\n  {}\nas does this scenario, in this way:\n  {}\n{smallest}",
        told.join("\n  "),
        of_smallest.join("\n  "),
    );
}
