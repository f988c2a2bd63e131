//! Small centres in which phones die, agents log out in mid-call, the clock jumps, the configuration changes and messages are lost,
//! doubled and overtaken. Whatever happens, no invariant is broken, everybody is served or gives up, and nothing is left behind.
//!
//! A failing seed is printed with the smallest trial found that breaks the same law. `STROWGER_CENTRES` sets how many seeds are
//! tried; `STROWGER_CENTRE` tries that one alone.
#![allow(clippy::panic, reason = "this is test code")]

use sim::Trial;

const SEEDS: u64 = 10_000;

/// The seeds of one of two tests, which run side by side.
fn half(which: u64) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("STROWGER_CENTRE") {
        Some(seed) if seed % 2 == which => try_seed(seed),
        Some(_) => {}
        None => (0..number("STROWGER_CENTRES").unwrap_or(SEEDS)).filter(|seed| seed % 2 == which).for_each(try_seed),
    }
}

#[test]
fn whatever_goes_wrong_the_centre_goes_on_1() {
    half(0);
}

#[test]
fn whatever_goes_wrong_the_centre_goes_on_2() {
    half(1);
}

fn try_seed(seed: u64) {
    let trial = Trial::random(seed);
    let broken = |trial: &Trial| -> Vec<String> {
        trial.play().breaches.iter().map(|(at, breach)| format!("  at {at:?}: {breach}")).collect()
    };
    let told = broken(&trial);
    if told.is_empty() {
        return;
    }
    std::panic::set_hook(Box::new(|_| {}));
    let smallest = trial.shrink();
    let _ = std::panic::take_hook();
    panic!(
        "seed {seed} (alone: STROWGER_CENTRE={seed}) breaks\n{}\nas does this trial, in this way:\n{}\n{smallest}",
        told.join("\n"),
        broken(&smallest).join("\n"),
    );
}
