//! A whole centre on the virtual clock, measured against the models of the theory of queues.
//!
//! Each model is played with twenty seeds (batches); the first two hours of each, in which the centre fills, are left out. What the model
//! says must lie within the confidence interval of 99 % of each figure, and the interval must be narrow enough to mean something.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

use std::time::Duration;

use journal::kpi::Figures;
use sim::erlang::Model;
use sim::{Arrivals, Centre, Load, Outcome, Spread, Stream, Team, bare_company};

/// Student's t for 19 degrees of freedom, 99 % in the middle.
const T: f64 = 2.861;
const SEEDS: u64 = 20;
const FILLING: usize = 2;

fn users(count: u32) -> Vec<String> {
    (1..=count).map(|number| format!("a{number}")).collect()
}

fn play(seed: u64, model: Model, hours: u64) -> Outcome {
    let mut load = Load::new(seed, Duration::from_secs(hours * 3_600));
    load.streams.push(Stream {
        name: "all".into(),
        number: "200".into(),
        caller: None,
        arrivals: Arrivals::Rate(vec![(Duration::ZERO, model.arrivals * 3_600.0)]),
        patience: model.patience.map_or(Spread::Endless, |time| Spread::Exponential(Duration::from_secs_f64(time))),
        talk: Spread::Exponential(Duration::from_secs_f64(model.talk)),
        keys: Vec::new(),
    });
    load.teams.push(Team::always(users(model.agents)));
    load.check = Duration::from_secs(600);
    let outcome = Centre::play(load, bare_company(&[("200", "q", users(model.agents))]));
    assert!(outcome.breaches.is_empty(), "seed {seed}: {:?}", outcome.breaches);
    outcome
}

/// What was measured of one batch: the figures of the model, in its units.
fn measure(outcome: &Outcome, hours: usize) -> [f64; 5] {
    let rows = || outcome.tally.hours.iter().take(hours).skip(FILLING);
    let sum = |of: fn(&Figures) -> u64| rows().map(of).sum::<u64>() as f64;
    let offered = sum(|row| row.offered);
    // All who did not find a free agent waited: whoever was answered later than at once, and whoever gave up.
    let at_once = rows().map(|row| row.waits[0]).sum::<u64>() as f64;
    [
        1.0 - at_once / offered,
        sum(|row| row.wait_ms) / offered / 1_000.0,
        sum(|row| row.answered_in_time) / offered,
        sum(|row| row.abandoned) / offered,
        sum(|row| row.talk_ms) / sum(|row| row.staffed_ms),
    ]
}

/// Plays the model, and holds what is measured against what it says. `width`: how wide an interval may be, as a share of the value.
fn agrees(model: Model, hours: usize, width: f64) {
    let batches: Vec<[f64; 5]> = (1..=SEEDS).map(|seed| measure(&play(seed, model, hours as u64), hours)).collect();
    let predicted = model.predict();
    let expected = [
        ("waits", predicted.waits),
        ("mean wait", predicted.mean_wait),
        ("service level", model.answered_within(20.0)),
        ("abandons", predicted.abandons),
        ("occupancy", predicted.occupancy),
    ];
    let count = SEEDS as f64;
    for (at, (what, expected)) in expected.into_iter().enumerate() {
        let values: Vec<f64> = batches.iter().filter_map(|batch| batch.get(at).copied()).collect();
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let half = T * (variance / count).sqrt();
        println!("{what}: {mean:.4} ± {half:.4}, by the model {expected:.4}");
        assert!((mean - expected).abs() <= half, "{what}: {mean} ± {half}, by the model {expected}");
        assert!(half <= width * expected, "{what}: {mean} ± {half} says nothing");
    }
}

#[test]
fn with_endless_patience_it_is_as_erlang_c_says() {
    agrees(Model { arrivals: 150.0 / 3_600.0, talk: 180.0, agents: 10, patience: None }, 20, 0.3);
}

#[test]
fn with_exponential_patience_it_is_as_erlang_a_says() {
    agrees(Model { arrivals: 220.0 / 3_600.0, talk: 180.0, agents: 10, patience: Some(120.0) }, 12, 0.15);
}
