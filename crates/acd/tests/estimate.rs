//! How long callers wait, foreseen: calibrated while things go on as they did, silent when they do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::VecDeque;
use std::time::Duration;

use acd::{NOMINAL, Staff, WaitEstimator, WaitRange};
use base::{CallId, Mono, Rng};
use common::{Centre, SECOND, queue};

/// A line before some agents, all of them busy from the start: who waits, who serves, and the estimator that looks on.
struct Line {
    estimator: WaitEstimator,
    now: Mono,
    rng: Rng,
    /// Those who wait: since when, and when they give up.
    waiting: VecDeque<(CallId, Mono, Mono)>,
    busy_until: Vec<Mono>,
    next_arrival: Mono,
    next_call: u64,
    between: f64,
    talk: f64,
    patience: Option<f64>,
    /// How many asked, and how many were told something.
    asked: (u32, u32),
}

impl Line {
    fn new(seed: u64, agents: usize, between: f64, talk: f64, patience: Option<f64>) -> Self {
        let rng = Rng::from_number(seed);
        let busy_until = vec![Mono::ZERO; agents];
        let (estimator, waiting) = (WaitEstimator::default(), VecDeque::new());
        let (now, next_arrival, next_call) = (Mono::ZERO, Mono::ZERO, 0);
        Self {
            estimator,
            now,
            rng,
            waiting,
            busy_until,
            next_arrival,
            next_call,
            between,
            talk,
            patience,
            asked: (0, 0),
        }
    }

    fn exponential(&mut self, mean: f64) -> Duration {
        let uniform = (f64::from(self.rng.u32()) + 1.0) / (f64::from(u32::MAX) + 2.0);
        Duration::from_secs_f64(-uniform.ln() * mean)
    }

    fn staff(&self) -> Staff {
        let idle = self.busy_until.iter().filter(|until| **until <= self.now).count();
        Staff { working: u32::try_from(self.busy_until.len()).unwrap(), idle: u32::try_from(idle).unwrap() }
    }

    /// Lets things happen until `end`.
    fn run(&mut self, end: Duration) {
        loop {
            let free = self.busy_until.iter().copied().min().filter(|_| !self.waiting.is_empty());
            let gives_up = self.waiting.iter().map(|(_, _, until)| *until).min();
            let next = [Some(self.next_arrival), free, gives_up].into_iter().flatten().min().unwrap().max(self.now);
            if next > Mono::ZERO + end {
                self.now = Mono::ZERO + end;
                return;
            }
            self.now = next;
            if gives_up.is_some_and(|at| at <= next) {
                let at = self.waiting.iter().position(|(_, _, until)| *until <= next).unwrap();
                let (call, ..) = self.waiting.remove(at).unwrap();
                self.estimator.left(self.now, call, false, self.staff());
            } else if free.is_some_and(|at| at <= next) {
                self.serve();
            } else {
                self.arrive();
            }
        }
    }

    fn serve(&mut self) {
        let agent = self.busy_until.iter().position(|until| *until <= self.now).unwrap();
        let (call, ..) = self.waiting.pop_front().unwrap();
        let talk = self.exponential(self.talk);
        self.busy_until[agent] = self.now + talk;
        self.estimator.left(self.now, call, true, self.staff());
    }

    fn arrive(&mut self) {
        self.next_arrival = self.now + self.exponential(self.between);
        let staff = self.staff();
        let (call, position) = (CallId::from_raw(self.next_call), u32::try_from(self.waiting.len() + 1).unwrap());
        self.next_call += 1;
        let patience = self.patience.map_or(Duration::from_secs(1_000_000), |mean| self.exponential(mean));
        self.waiting.push_back((call, self.now, self.now + patience));
        self.estimator.joined(self.now, call, position, staff);
        if staff.idle == 0 {
            let told = self.estimator.ask(self.now, call, position, staff);
            self.asked = (self.asked.0 + 1, self.asked.1 + u32::from(told.is_some()));
        }
    }

    fn look(&self, position: u32) -> Option<WaitRange> {
        self.estimator.look(position, Staff { idle: 0, ..self.staff() })
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// Share of checked forecasts that were right, over seeds; and of those who asked, how many were told something.
fn coverage(agents: usize, between: f64, talk: f64, patience: Option<f64>) -> (f64, f64) {
    let (mut checked, mut right, mut asked, mut told) = (0, 0, 0, 0);
    for seed in 0..10 {
        let mut line = Line::new(seed, agents, between, talk, patience);
        line.run(HOUR * 12);
        let found = line.estimator.forecasts();
        (checked, right) = (checked + found.checked, right + found.right);
        (asked, told) = (asked + line.asked.0, told + line.asked.1);
    }
    (right as f64 / checked as f64, f64::from(told) / f64::from(asked))
}

#[test]
fn as_many_waits_as_promised_lie_within_their_forecast_when_calls_come_steadily() {
    // Agents, seconds between calls, of talk, of patience.
    let centres = [
        (1, 110.0, 100.0, None),
        (5, 21.0, 100.0, None),
        (20, 9.3, 180.0, Some(120.0)),
        (50, 3.0, 180.0, Some(300.0)),
        (3, 100.0, 300.0, Some(600.0)),
    ];
    for (agents, between, talk, patience) in centres {
        let (right, told) = coverage(agents, between, talk, patience);
        println!("{agents} agents: {right:.3} right, {told:.3} told");
        assert!((right - NOMINAL).abs() < 0.08, "{agents} agents: {right:.3} of the forecasts were right");
        assert!(told > 0.7, "{agents} agents: only {told:.3} were told something");
    }
}

#[test]
fn nothing_is_said_once_the_agents_stop() {
    let mut spoke = 0;
    for seed in 0..20 {
        let mut line = Line::new(seed, 10, 9.0, 100.0, Some(200.0));
        line.run(HOUR * 3);
        let before = line.look(3);
        // They neither log out nor take a call any more; the gap was ten seconds.
        line.busy_until.iter_mut().for_each(|until| *until = Mono::ZERO + HOUR * 100);
        line.patience = None;
        line.waiting.iter_mut().for_each(|(_, _, until)| *until = Mono::ZERO + HOUR * 100);
        line.run(HOUR * 3 + Duration::from_secs(200));
        spoke += usize::from(before.is_some());
        assert_eq!(line.look(3), None, "seed {seed}");
    }
    assert!(spoke >= 15, "only {spoke} of 20 said something before");
}

const BUSY: Staff = Staff { working: 2, idle: 0 };

/// A line of five that an agent takes the first from every `gap` seconds, `count` times.
fn steadily(estimator: &mut WaitEstimator, next: &mut (u64, f64), gap: f64, count: u32) {
    for _ in 0..count {
        // Not as regular as a clock.
        let (call, at) = (next.0, next.1 + gap * [0.7, 1.2, 0.9, 1.3, 0.9][usize::try_from(next.0 % 5).unwrap()]);
        let now = Mono::ZERO + Duration::from_secs_f64(at);
        if let Some(first) = call.checked_sub(4) {
            estimator.left(now, CallId::from_raw(first), true, BUSY);
        }
        estimator.joined(now, CallId::from_raw(call), 4.min(u32::try_from(call + 1).unwrap()), BUSY);
        *next = (call + 1, at);
    }
}

#[test]
fn nothing_is_said_while_forecasts_prove_wrong_and_something_again_when_they_are_right() {
    let (mut estimator, mut next) = (WaitEstimator::default(), (0, 0.0));
    steadily(&mut estimator, &mut next, 10.0, 20);
    assert_eq!(estimator.look(4, BUSY), None, "too little is known");
    steadily(&mut estimator, &mut next, 10.0, 100);
    let range = estimator.look(4, BUSY).unwrap();
    assert!((20..=40).contains(&range.low.as_secs()) && (38..=55).contains(&range.high.as_secs()), "{range:?}");
    let ahead = estimator.look(2, BUSY).unwrap();
    assert!(ahead.low < range.low && ahead.high < range.high, "who is nearer waits less: {ahead:?}");

    // Slower and slower: whatever was learnt is out of date.
    let mut gap = 10.0;
    for _ in 0..40 {
        gap *= 1.12;
        steadily(&mut estimator, &mut next, gap, 1);
    }
    assert!(estimator.forecasts().recent.unwrap() < 60, "{:?}", estimator.forecasts());
    assert_eq!(estimator.look(4, BUSY), None, "it was wrong lately");
    steadily(&mut estimator, &mut next, gap, 300);
    assert!(estimator.look(4, BUSY).is_some(), "{:?}", estimator.forecasts());
}

#[test]
fn with_half_of_the_agents_one_waits_twice_as_long_and_with_an_idle_one_not_at_all() {
    let (mut estimator, mut next) = (WaitEstimator::default(), (0, 0.0));
    steadily(&mut estimator, &mut next, 10.0, 120);
    let both = estimator.look(4, BUSY).unwrap();
    let one = estimator.look(4, Staff { working: 1, idle: 0 }).unwrap();
    assert!((one.high.as_secs_f64() / both.high.as_secs_f64() - 2.0).abs() < 0.01, "{both:?} {one:?}");
    assert_eq!(estimator.look(4, Staff { working: 2, idle: 1 }), None);
    assert_eq!(estimator.look(4, Staff::default()), None);
}

#[test]
fn the_night_is_forgotten_in_the_morning() {
    let (mut estimator, mut next) = (WaitEstimator::default(), (0, 0.0));
    steadily(&mut estimator, &mut next, 10.0, 120);
    let now = Mono::ZERO + Duration::from_secs_f64(next.1);
    for call in 116..120 {
        estimator.left(now, CallId::from_raw(call), false, BUSY);
    }
    assert!(estimator.look(1, BUSY).is_some());
    estimator.joined(now + HOUR * 9, CallId::from_raw(1000), 1, BUSY);
    assert_eq!(estimator.look(1, BUSY), None);
}

#[test]
fn a_caller_knows_his_place_in_line() {
    let mut centre = Centre::new(vec![queue("sales", &["anna"])], &["anna"]);
    let calls: Vec<CallId> = (0..4).map(|_| centre.join("sales")).collect();
    let places = |centre: &Centre| calls.iter().map(|call| centre.acd.position(*call)).collect::<Vec<_>>();
    assert_eq!(places(&centre), [None, Some(1), Some(2), Some(3)], "a phone rings for the first one");
    let offer = centre.offer();
    centre.answer(offer.id);
    assert_eq!(places(&centre), [None, Some(1), Some(2), Some(3)]);
    centre.leave(calls[2]);
    assert_eq!(places(&centre), [None, Some(1), None, Some(2)]);
    for _ in 0..300 {
        centre.join("sales");
    }
    let last = centre.join("sales");
    assert_eq!(centre.acd.position(last), None, "so far behind nobody counts");
}

#[test]
fn a_queue_learns_from_its_calls_and_tells_operators() {
    let mut centre = Centre::new(vec![queue("sales", &["anna"])], &["anna"]);
    let figures = |centre: &Centre| centre.acd.queues(centre.now).next().unwrap();
    for _ in 0..3 {
        centre.join("sales");
    }
    for _ in 0..80 {
        let offer = centre.offer();
        centre.pass(SECOND * 2);
        centre.answer(offer.id);
        centre.join("sales");
        centre.pass(SECOND * 13);
        centre.release("anna");
        centre.take();
        // Wrap-up: five seconds.
        centre.pass(SECOND * 5);
    }
    let estimate = figures(&centre).estimate.expect("all is regular");
    // A call every 20 s, and three ahead.
    assert!(
        estimate.low <= SECOND * 80 && estimate.high >= SECOND * 60 && estimate.high < SECOND * 120,
        "{estimate:?}"
    );
    assert!(figures(&centre).forecasts.recent.unwrap() > 80, "{:?}", figures(&centre).forecasts);
    let call = centre.join("sales");
    let told = centre.acd.estimate(centre.now, call).unwrap();
    assert_eq!(figures(&centre).forecasts.told, 1, "{told:?}");
}
