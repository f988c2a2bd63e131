use super::*;

const START: Mono = Mono::from_nanos(1);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn reply(status: u16) -> Reply {
    Reply { status, ..Reply::default() }
}

/// A bench with a clock that goes to whatever is due.
struct Bench {
    now: Mono,
    enrolment: Enrolment,
    rng: Rng,
}

impl Bench {
    fn new() -> Self {
        Self { now: START, enrolment: Enrolment::new(START, 600), rng: Rng::from_number(3) }
    }

    /// Goes on to the next REGISTER: how long that took, and for how many seconds it asks.
    fn next(&mut self) -> (Duration, u32) {
        let due = self.enrolment.poll_timeout().unwrap();
        let waited = due.since(self.now);
        self.now = due;
        (waited, self.enrolment.poll_ask(due).unwrap())
    }

    fn reply(&mut self, reply: Reply) -> Outcome {
        self.enrolment.handle_reply(self.now, reply, &mut self.rng)
    }
}

#[test]
fn it_is_renewed_while_a_tenth_to_a_quarter_of_its_time_is_left() {
    let mut bench = Bench::new();
    assert_eq!(bench.next(), (Duration::ZERO, 600));
    assert_eq!(bench.enrolment.poll_timeout(), None, "one at a time");
    assert_eq!(bench.reply(Reply { granted: Some(100), ..reply(200) }), Outcome::Bound { seconds: 100 });
    for _ in 0..20 {
        let (waited, asks) = bench.next();
        assert!((secs(75)..=secs(90)).contains(&waited) && asks == 600, "{waited:?}");
        assert!(bench.enrolment.is_bound(bench.now));
        assert_eq!(bench.reply(Reply { granted: Some(100), ..reply(200) }), Outcome::Renewed);
    }
    // However short it is, the peer is not flooded.
    bench.next();
    bench.reply(Reply { granted: Some(1), ..reply(200) });
    assert_eq!(bench.next().0, MIN_RENEWAL);
}

#[test]
fn each_failure_doubles_the_wait_and_chance_scatters_it() {
    let mut bench = Bench::new();
    for longest in [10, 20, 40, 80, 160, 300, 300] {
        bench.next();
        assert_eq!(bench.reply(reply(503)), Outcome::Failed { status: 503 });
        let wait = bench.enrolment.poll_timeout().unwrap().since(bench.now);
        assert!((secs(longest) / 2..=secs(longest)).contains(&wait), "{longest}: {wait:?}");
    }
    bench.next();
    assert!(matches!(bench.reply(reply(200)), Outcome::Bound { seconds: 600 }));
    bench.next();
    bench.reply(reply(408));
    assert!(bench.next().0 <= secs(10), "it begins anew");
}

#[test]
fn seeds_scatter_and_repeat() {
    let wait = |seed| {
        let mut bench = Bench { rng: Rng::from_number(seed), ..Bench::new() };
        bench.next();
        bench.reply(reply(503));
        bench.next().0
    };
    assert_eq!(wait(1), wait(1));
    assert!((2..20).any(|seed| wait(seed) != wait(1)));
}

#[test]
fn a_wrong_password_is_tried_seldom() {
    let mut bench = Bench::new();
    bench.next();
    bench.reply(reply(403));
    assert!(bench.next().0 >= secs(60));
}

#[test]
fn the_peers_least_time_is_asked_for_at_once_and_only_once() {
    let mut bench = Bench::new();
    bench.next();
    let brief = |seconds| Reply { min_expires: Some(seconds), ..reply(423) };
    bench.reply(brief(1800));
    assert_eq!(bench.next(), (Duration::ZERO, 1800));
    bench.reply(brief(3600));
    let (waited, asks) = bench.next();
    assert!(waited >= secs(5) && asks == 1800, "{waited:?} {asks}");
    bench.reply(reply(200));
    assert!(bench.enrolment.is_bound(bench.now + secs(1799)));
    // What is less than asked for, or beyond a day, is no reason to go on asking.
    bench.next();
    bench.reply(brief(60));
    assert!(bench.next().0 >= secs(5));
    bench.reply(brief(u32::MAX));
    assert_eq!(bench.next(), (Duration::ZERO, 86_400));
}

#[test]
fn retry_after_is_waited_for_up_to_an_hour() {
    for (asked, least) in [(120, 120), (1_000_000, 3600)] {
        let mut bench = Bench::new();
        bench.next();
        bench.reply(Reply { retry_after: Some(asked), ..reply(503) });
        assert_eq!(bench.next().0, secs(least));
    }
}

#[test]
fn leaving_takes_back_what_there_is() {
    let mut bench = Bench::new();
    bench.next();
    bench.reply(reply(200));
    bench.enrolment.leave(bench.now);
    assert!(bench.enrolment.is_leaving() && !bench.enrolment.is_bound(bench.now));
    assert_eq!(bench.next(), (Duration::ZERO, 0));
    assert_eq!(bench.reply(reply(200)), Outcome::Left);
    assert!(!bench.enrolment.is_leaving() && bench.enrolment.poll_timeout().is_none());
    // Nothing is there to take back.
    let mut bench = Bench::new();
    bench.enrolment.leave(bench.now);
    assert!(!bench.enrolment.is_leaving() && bench.enrolment.poll_timeout().is_none());
    // It may come to be while we leave.
    let mut bench = Bench::new();
    bench.next();
    bench.enrolment.leave(bench.now);
    assert_eq!(bench.enrolment.poll_timeout(), None, "not before the answer to the first");
    bench.reply(reply(200));
    assert_eq!(bench.next(), (Duration::ZERO, 0));
}

#[test]
fn without_its_connection_it_is_made_anew_soon() {
    let mut bench = Bench::new();
    bench.next();
    bench.reply(reply(200));
    bench.enrolment.handle_closed(bench.now, &mut bench.rng);
    assert!(!bench.enrolment.is_bound(bench.now));
    assert!(bench.next().0 < secs(2));
}

#[test]
fn a_grant_of_nothing_is_a_failure() {
    let mut bench = Bench::new();
    bench.next();
    assert_eq!(bench.reply(Reply { granted: Some(0), ..reply(200) }), Outcome::Failed { status: 200 });
}
