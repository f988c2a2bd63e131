//! Plugins that decide in a simulated centre, and a recorded day that is played again.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "this is test code")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use acd::Binding;
use journal::Kind;
use journal::kpi::Figures;
use routing::{Action, Decision, Order, Question};
use sim::{Arrivals, Beside, Centre, Deciders, Load, Outcome, Reader, Recorded, Spread, Stream, Team, bare_company};
use switch::{Config, PluginAsk, PluginFault, PluginTell, Rest};

const HOUR: Duration = Duration::from_secs(3_600);

fn users() -> Vec<String> {
    (1..=6).map(|number| format!("a{number}")).collect()
}

/// Four hours, in which two of six agents come after the first one, another has a break, and not all are quick.
fn load() -> Load {
    let mut load = Load::new(7, 4 * HOUR);
    (load.begin, load.clock) = (load.begin + 8 * HOUR, 8 * HOUR);
    load.streams.push(Stream {
        name: "all".into(),
        number: "200".into(),
        caller: None,
        arrivals: Arrivals::Rate(vec![(Duration::ZERO, 80.0)]),
        patience: Spread::Exponential(Duration::from_secs(90)),
        talk: Spread::Exponential(Duration::from_secs(200)),
        keys: Vec::new(),
    });
    let team = |users: &[&str]| Team::always(users.iter().map(|user| (*user).to_owned()).collect());
    load.teams = vec![
        team(&["a1", "a2"]),
        Team { shifts: vec![(9 * HOUR, 18 * HOUR)], ..team(&["a3", "a4"]) },
        Team { breaks: vec![(10 * HOUR, 11 * HOUR)], ..team(&["a5"]) },
        Team { ignores: 20, answers_after: Spread::Constant(Duration::from_secs(4)), ..team(&["a6"]) },
    ];
    load
}

fn company(plugin: bool) -> Config {
    let mut config = bare_company(&[("200", "q", users())]);
    if plugin {
        let binding = Binding::new("ours", Order::List);
        config.queues[0].plugin = Some(Arc::new(binding));
        config.plugins = [("ours".into(), Rest::default())].into();
    }
    config
}

/// What a plugin was asked and told.
#[derive(Default)]
struct Seen {
    asked: usize,
    told: usize,
    states: Vec<Option<String>>,
}

/// The last of the list gets each call; every tenth time it fails.
struct Ours(Rc<RefCell<Seen>>);

impl Deciders for Ours {
    fn decide(&mut self, ask: &PluginAsk) -> Result<Decision, PluginFault> {
        let mut seen = self.0.borrow_mut();
        seen.asked += 1;
        seen.states.push(ask.snapshot.state.clone());
        if seen.asked.is_multiple_of(10) {
            return Err(PluginFault { kind: "trap", text: String::new() });
        }
        let (call, agent) = match &ask.snapshot.question {
            Question::Agent { call, candidates } => (call.id, candidates.last().unwrap()),
            Question::Call { agent, calls } => (calls[0].id, agent),
        };
        Ok(Decision::new(Action::Offer { call, agent: agent.agent.clone(), ring_ms: None }, ""))
    }

    fn told(&mut self, tell: &PluginTell) -> Result<Option<String>, PluginFault> {
        let mut seen = self.0.borrow_mut();
        seen.told += tell.outcomes.len();
        Ok(Some(seen.told.to_string()))
    }
}

fn figures(outcome: &Outcome) -> &Figures {
    assert!(outcome.breaches.is_empty(), "{:?}", outcome.breaches);
    &outcome.tally.queues["q"]
}

#[test]
fn plugins_decide_and_learn_in_a_centre_and_nothing_breaks_by_them() {
    let play = || {
        let (seen, offers) = (Rc::new(RefCell::new(Seen::default())), Rc::new(RefCell::new(BTreeMap::new())));
        let made = Rc::clone(&offers);
        let beside = Beside {
            plugins: Some(Box::new(Ours(Rc::clone(&seen)))),
            journal: Some(Box::new(move |event| {
                if let Kind::OfferMade(offer) = &event.kind {
                    *made.borrow_mut().entry((offer.why.strategy.to_string(), offer.why.fallback)).or_insert(0) += 1;
                }
            })),
        };
        let outcome = Centre::play_beside(load(), company(true), beside);
        let offers = offers.borrow().clone();
        (*figures(&outcome), seen.take(), offers)
    };
    let (first, seen, offers) = play();
    assert!(seen.asked > 200 && seen.told > 300, "{} {}", seen.asked, seen.told);
    // What was told last is known when the next is asked.
    let known = seen.states.iter().flatten().map(|state| state.parse::<usize>().unwrap()).collect::<Vec<_>>();
    assert!(known.is_sorted() && known.last().unwrap() + 20 > seen.told, "{known:?}");
    let [by_plugin, by_fallback] =
        [("ours", false), ("longest-idle", true)].map(|(strategy, fallback)| offers[&(strategy.to_owned(), fallback)]);
    assert!(by_plugin > 8 * by_fallback && by_fallback >= seen.asked / 10, "{offers:?}");
    let (again, ..) = play();
    assert_eq!(first, again, "the same day is the same day");
}

#[test]
fn a_recorded_day_is_played_again_much_as_it_was() {
    let recorded = Rc::new(RefCell::new(Recorded::default()));
    let told = Rc::clone(&recorded);
    let journal: Reader = Box::new(move |event| told.borrow_mut().feed(event));
    let before = Centre::play_beside(load(), company(false), Beside { journal: Some(journal), ..Beside::default() });
    let mut config = company(false);
    let load = recorded.borrow().load(&mut config, 3).unwrap();
    assert_eq!((load.clock, load.teams.len()), (8 * HOUR, 6));
    let team = |name: &str| load.teams.iter().find(|team| team.users == [name]).unwrap();
    let hours = |spans: &[(Duration, Duration)]| {
        spans.iter().map(|(from, _)| (from.as_secs() + 30) / 3_600).collect::<Vec<_>>()
    };
    assert_eq!((hours(&team("a3").shifts), hours(&team("a5").breaks)), (vec![9], vec![10]));
    assert!((3..=35).contains(&team("a6").ignores) && team("a1").ignores == 0, "{}", team("a6").ignores);
    let after = Centre::play(load, config);
    let (before, after) = (figures(&before), figures(&after));
    assert_eq!(before.offered, after.offered);
    let share = |part: u64, of: &Figures| part as f64 / of.offered as f64;
    for (what, was, is) in [
        ("answered", share(before.answered, before), share(after.answered, after)),
        ("abandoned", share(before.abandoned, before), share(after.abandoned, after)),
        ("in time", share(before.answered_in_time, before), share(after.answered_in_time, after)),
    ] {
        assert!((was - is).abs() < 0.05, "{what}: {was} {is}");
    }
    assert!(before.abandoned > 10 && before.answered > 200, "{before:?}");
}

#[test]
fn callers_show_the_numbers_that_they_had_and_a_day_without_calls_is_none() {
    let recorded = Rc::new(RefCell::new((Recorded::default(), Vec::new())));
    let mut load = load();
    load.length = HOUR / 2;
    load.streams[0].caller = Some("+4930123".to_owned());
    let told = Rc::clone(&recorded);
    let journal: Reader = Box::new(move |event| {
        let (day, numbers) = &mut *told.borrow_mut();
        day.feed(event);
        if let Kind::CallBegan { from, .. } = &event.kind {
            numbers.push(from.reveal().clone());
        }
    });
    let outcome = Centre::play_beside(load, company(false), Beside { journal: Some(journal), ..Beside::default() });
    figures(&outcome);
    let (day, numbers) = &*recorded.borrow();
    assert!(numbers.len() > 20 && numbers.iter().all(|number| number == "+4930123"), "{numbers:?}");
    let again = day.load(&mut company(false), 1).unwrap();
    assert!(again.streams.iter().all(|stream| stream.caller.as_deref() == Some("+4930123")));
    assert!(Recorded::default().load(&mut company(false), 1).is_none());
    let mut other = bare_company(&[("300", "other", users())]);
    assert!(day.load(&mut other, 1).is_none(), "nobody came to its queues");
}
