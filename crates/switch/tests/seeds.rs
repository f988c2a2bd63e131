//! Random sequences of what callers, agents, phones and the network do, crossing each other under loss. Whatever their
//! order, nothing is left behind and the books are right. A failing seed is printed and fails again.
//!
//! `STROWGER_SEEDS` sets how many seeds are tried; `STROWGER_SEED` tries that one alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use acd::AgentState;
use base::Rng;
use journal::Kind;
use sim::World;

const SEEDS: u64 = 400;
/// Longer than a cancelled INVITE and the BYE after it linger, with the time to tidy up.
const QUIET: Duration = Duration::from_secs(200);

#[test]
fn whatever_the_order_nothing_is_left_behind() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("STROWGER_SEED") {
        Some(seed) => try_seed(seed),
        None => (0..number("STROWGER_SEEDS").unwrap_or(SEEDS)).for_each(try_seed),
    }
}

fn try_seed(seed: u64) {
    let result = std::panic::catch_unwind(|| play(seed));
    assert!(result.is_ok(), "seed {seed}: try it alone with STROWGER_SEED={seed}");
}

fn play(seed: u64) {
    let mut dice = Rng::from_number(seed ^ 0x5eed);
    let mut world = World::with(sim::company(), seed);
    world.loss = [0, 5, 20][dice.below(3) as usize];
    let callers: Vec<SocketAddr> = (5090..5094).map(|port| world.phone(&format!("127.0.0.2:{port}"))).collect();
    let agents = ["127.0.0.1:5071", "127.0.0.1:5072"].map(|address| world.phone(address));
    for _ in 0..60 {
        act(&mut world, &mut dice, &callers, &agents);
        let pause = [0, 5, 300, 2_500][dice.below(4) as usize];
        world.run(Duration::from_millis(pause));
    }
    for &phone in callers.iter().chain(&agents) {
        world.at(phone).reflex = Some(486);
        world.with_phone(phone, |phone, now| phone.hang_up(now));
    }
    world.reconfigure(sim::company());
    if dice.percent(20) {
        let now = world.now;
        world.switch.drain(now, Duration::from_secs(1));
    }
    world.run(QUIET);
    check(&world);
}

fn act(world: &mut World, dice: &mut Rng, callers: &[SocketAddr], agents: &[SocketAddr]) {
    let pick = |dice: &mut Rng, of: &[SocketAddr]| of[dice.below(of.len() as u32) as usize];
    match dice.below(16) {
        0..=3 => {
            let number = ["1000", "1000", "101", "201", "999"][dice.below(5) as usize];
            let caller = pick(dice, callers);
            if world.at(caller).session.is_none() {
                world.with_phone(caller, |phone, now| phone.call(now, "1", number));
            }
        }
        4 => world.with_phone(pick(dice, callers), |phone, now| phone.hang_up(now)),
        5 => world.with_phone(pick(dice, agents), |phone, now| phone.hang_up(now)),
        6 => world.with_phone(pick(dice, agents), |phone, now| phone.ring(now)),
        7 | 8 => world.with_phone(pick(dice, agents), |phone, now| phone.answer(now)),
        9 => world.with_phone(pick(dice, agents), |phone, now| phone.refuse(now, 486)),
        10 => {
            let of = if dice.percent(50) { callers } else { agents };
            let direction = ["sendonly", "inactive", "sendrecv"][dice.below(3) as usize];
            let _ = world.with_phone(pick(dice, of), |phone, now| phone.change(now, direction));
        }
        11 => {
            if let Some(leg) = any(dice, world.media.open.keys().copied().collect()) {
                world.press(leg, ['1', '2', '3', '4', '9'][dice.below(5) as usize]);
            }
        }
        12 => {
            let mut playing: Vec<_> = world.media.plays.keys().copied().collect();
            playing.sort();
            if let Some(leg) = any(dice, playing) {
                world.finish_play(leg);
            }
        }
        14 => world.reconfigure(some_company(dice)),
        // As if handling whatever came last had panicked.
        13 => {
            if dice.percent(20) {
                let now = world.now;
                world.switch.handle_fault(now, "test");
                world.react();
            }
        }
        _ => {
            if let Some(leg) = any(dice, world.media.open.keys().copied().collect()).filter(|_| dice.percent(20)) {
                world.silence(leg);
            }
        }
    }
}

/// The company of the tests, or one that lacks some of it.
fn some_company(dice: &mut Rng) -> switch::Config {
    let mut config = sim::company();
    match dice.below(6) {
        0 => {
            config.queues.clear();
            config.agents.clear();
        }
        1 => config.agents.retain(|agent| agent.name.as_str() != "102"),
        2 => {
            config.users.remove("101");
            config.agents.retain(|agent| agent.name.as_str() != "101");
        }
        3 => {
            config.flows.clear();
            config.numbers.clear();
            config.prompts = std::sync::Arc::default();
        }
        4 => config.queues[0].max_wait = Some(Duration::from_secs(2)),
        _ => {}
    }
    config
}

fn any<T: Copy>(dice: &mut Rng, of: Vec<T>) -> Option<T> {
    of.get(dice.below(of.len() as u32) as usize).copied()
}

fn check(world: &World) {
    assert!(world.switch.is_quiet(), "{:?} {:?}", world.switch, world.switch.sip_population());
    assert!(world.media.open.is_empty() && world.media.bridges.is_empty() && world.media.takes.is_empty());
    for agent in ["101", "102"] {
        assert_eq!(world.switch.agent_state(&agent.into()), Some(AgentState::Idle), "{agent}");
    }
    let mut calls = BTreeMap::new();
    for event in world.journal.iter() {
        if let Some(call) = event.call {
            let events: &mut Vec<_> = calls.entry(call).or_default();
            assert_eq!(event.seq as usize, events.len(), "a gap in the numbers of {call}");
            events.push(&event.kind);
        }
    }
    assert_eq!(world.cdrs.len(), calls.len(), "one CDR a call");
    for (call, events) in calls {
        assert!(matches!(events.first(), Some(Kind::CallBegan { .. })), "{call}: {events:#?}");
        assert!(matches!(events.last(), Some(Kind::CallEnded { .. })), "{call}: {events:#?}");
        let count = |fits: fn(&Kind) -> bool| events.iter().filter(|kind| fits(kind)).count();
        let (joined, left) = queue_visits(&events);
        let pairs: [(&str, usize, usize); 5] = [
            ("call", count(|k| matches!(k, Kind::CallBegan { .. })), count(|k| matches!(k, Kind::CallEnded { .. }))),
            ("hang-up", 1, count(|k| matches!(k, Kind::HungUp { .. }))),
            ("queue", joined, left),
            ("offer", count(|k| matches!(k, Kind::OfferMade { .. })), count(|k| matches!(k, Kind::OfferEnded { .. }))),
            ("bridge", count(|k| matches!(k, Kind::Bridged { .. })), count(|k| matches!(k, Kind::Unbridged { .. }))),
        ];
        for (what, began, ended) in pairs {
            assert_eq!(began, ended, "{what} of {call}: {events:#?}");
        }
        let legs =
            |pick: fn(&Kind) -> Option<base::LegId>| -> BTreeSet<_> { events.iter().filter_map(|k| pick(k)).collect() };
        let began = legs(|k| if let Kind::LegBegan { leg, .. } = k { Some(*leg) } else { None });
        let ended = legs(|k| if let Kind::LegEnded { leg, .. } = k { Some(*leg) } else { None });
        assert_eq!(began, ended, "{call}: {events:#?}");
    }
}

/// Visits to queues that began and that ended. A queue that did not take a caller says only that he left.
fn queue_visits(events: &[&Kind]) -> (usize, usize) {
    let (mut joined, mut left) = (0, 0);
    for kind in events {
        match kind {
            Kind::QueueJoined { .. } => joined += 1,
            Kind::QueueLeft { waited_ms: 0, .. } if left == joined => {}
            Kind::QueueLeft { .. } => left += 1,
            _ => {}
        }
    }
    (joined, left)
}
