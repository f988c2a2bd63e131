//! What a day of a large centre costs on the virtual clock: `cargo run --release -p sim --example day [SEATS] [CALLS]`.
//!
//! So many seats (1,000) in ten queues, half of the agents in two of them, in two shifts with breaks; so many calls (80,000) between
//! 8:00 and 20:00 with a peak before noon, impatient callers, lognormal talks of four minutes. Prints the summary.

use std::time::Duration;

use sim::{Arrivals, Centre, Load, Spread, Stream, Team, bare_company};

const QUEUES: u32 = 10;

fn main() {
    let mut words = std::env::args().skip(1).filter_map(|word| word.parse::<u32>().ok());
    let (seats, calls) = (words.next().unwrap_or(1_000), words.next().unwrap_or(80_000));
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let mut load = Load::new(1, minutes(24 * 60));
    let name = |seat: u32| format!("a{seat}");
    let mut queues = Vec::new();
    // Of twelve hours' calls: the weights of each two hours are 3, 5, 4, 4, 3, 1.
    let rate = f64::from(calls) / f64::from(QUEUES) / 40.0;
    for queue in 0..QUEUES {
        let serves = |seat: &u32| seat % QUEUES == queue || (seat.is_multiple_of(2) && (seat + 1) % QUEUES == queue);
        queues.push((
            format!("2{queue:02}"),
            format!("q{queue}"),
            (0..seats).filter(serves).map(name).collect::<Vec<_>>(),
        ));
        let rates = [(0, 0.0), (8, 3.0), (10, 5.0), (12, 4.0), (14, 4.0), (16, 3.0), (18, 1.0), (20, 0.0)];
        load.streams.push(Stream {
            name: format!("q{queue}"),
            number: format!("2{queue:02}"),
            caller: None,
            arrivals: Arrivals::Rate(rates.map(|(hour, weight)| (minutes(hour * 60), weight * rate)).into()),
            patience: Spread::Exponential(minutes(3)),
            talk: Spread::Lognormal { mean: minutes(4), deviation: minutes(3) },
            keys: Vec::new(),
        });
    }
    for (first, from, lunch) in [(0, 7, 12), (1, 8, 13), (2, 12, 16)] {
        load.teams.push(Team {
            users: (0..seats).filter(|seat| seat % 3 == first).map(name).collect(),
            shifts: vec![(minutes(from * 60 + 45), minutes((from + 9) * 60))],
            breaks: vec![(minutes(lunch * 60), minutes(lunch * 60 + 30))],
            answers_after: Spread::Exponential(minutes(1) / 15),
            ignores: 2,
            declines: 1,
        });
    }
    let queues: Vec<_> =
        queues.iter().map(|(number, name, agents)| (number.as_str(), name.as_str(), agents.clone())).collect();
    let outcome = Centre::play(load, bare_company(&queues));
    print!("{}", outcome.summary());
    for (at, breach) in &outcome.breaches {
        println!("broken at {at:?}: {breach}");
    }
}
