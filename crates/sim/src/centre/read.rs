//! Reading a centre's scenario: first by itself, then with the company that it names.

use std::collections::BTreeSet;
use std::time::Duration;

use base::Rng;
use switch::Config;
use yaml::{Faults, Map, Place, Source, Value};

use super::forms::{DRAWN, FAULT, FAULT_BY, FAULT_FOR, FAULTS, FILE, KEY, STREAM, TEAM};
use super::load::{Arrivals, DAY, Fault, Load, Stream, Team};
use super::spread::{Spread, unit};
use crate::scenario::read::read_node;

/// A centre's scenario as it stands in its file.
pub struct CentreFile {
    /// What is tried.
    pub about: String,
    /// The company's folder, relative to the file.
    pub config: String,
    load: Load,
    begin: (Place, String),
    numbers: Vec<(Place, String)>,
    /// Who works, of each team: users one by one, or all of a queue.
    staff: Vec<Staffed>,
    faults: Vec<Frequent>,
}

/// Whom a team is made of.
enum Staffed {
    Users(Vec<(Place, String)>),
    Queue(Place, String),
}

/// A fault that comes again and again.
struct Frequent {
    what: What,
    every: Duration,
    time: Duration,
}

#[derive(Clone, Copy)]
enum What {
    PhoneDies,
    LogsOut,
    ClockJumps,
    Reload,
}

/// The most faults of one kind in a scenario.
const MOST: usize = 100_000;
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// True for a file that is to be read as a centre's scenario, right or not: a scenario of phones names no folder.
#[must_use]
pub fn is_centre(path: &str, octets: &[u8]) -> bool {
    let (source, faults) = (Source::from_bytes(path, octets), Faults::default());
    let document = yaml::read(&source, &faults);
    document.is_some_and(|document| {
        let root = document.root(&faults);
        ["config", "calls", "agents"].iter().any(|key| root.has(key))
    })
}

impl CentreFile {
    /// Reads a file's octets; `path` is what people shall see in faults.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place and remedy.
    pub fn from_bytes(path: &str, octets: &[u8]) -> Result<Self, String> {
        let faults = Faults::default();
        let file = Self::read(&Source::from_bytes(path, octets), &faults);
        match file {
            Some(file) if faults.is_empty() => Ok(file),
            _ => Err(said(faults)),
        }
    }

    /// The load, now that the company is known.
    ///
    /// # Errors
    /// Every number, user and queue that the company does not have, with its place and remedy.
    pub fn load(self, config: &Config) -> Result<Load, String> {
        let faults = Faults::default();
        let mut load = self.load;
        let (place, text) = self.begin;
        match config.flows.zone().at(&text) {
            Some(begin) => {
                let clock = config.flows.zone().clock(begin);
                let seconds = (clock.hour() * 60 + clock.minute()) * 60 + clock.second();
                (load.begin, load.clock) = (begin, Duration::from_secs(seconds.unsigned_abs()));
            }
            None => faults.add(place, format!("`{text}` is no time"), "write it as `2026-11-26T08:00`"),
        }
        for (place, number) in self.numbers {
            if !config.numbers.contains_key(number.as_str()) {
                let near = yaml::did_you_mean(&number, config.numbers.keys().map(|known| &**known));
                let remedy = near.map_or_else(
                    || "it is to be one of `numbers` in `strowger.yaml`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                faults.add(place, format!("nothing is reached by the number `{number}`"), remedy);
            }
        }
        staff(&mut load, self.staff, config, &faults);
        if !faults.is_empty() {
            return Err(said(faults));
        }
        let agents = load.teams.iter().map(|team| team.users.len()).sum();
        // Of its own, so that what calls do does not hang on what goes wrong.
        let mut rng = Rng::from_number(load.seed ^ 0x5eed_fa17);
        for frequent in &self.faults {
            frequent.plan(&mut load, agents, &mut rng);
        }
        load.faults.sort_by_key(|(at, _)| *at);
        Ok(load)
    }

    /// With another seed than that in the file.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.load.seed = seed;
        self
    }

    fn read(source: &Source, faults: &Faults) -> Option<Self> {
        let document = yaml::read(source, faults)?;
        let map = document.root(faults).map(&FILE.shape)?;
        if let Some(version) = map.required("version") {
            let _ = version.integer(1..=1);
        }
        let text = |key| map.required(key).and_then(|value| Some((value.place(), value.string()?.to_owned())));
        let (about, config, begin) = (text("about"), text("config"), text("begin"));
        let seed = map.optional("seed").and_then(|value| value.integer(0..=i64::MAX)).unwrap_or(1);
        let length = map.required("length").and_then(|value| value.duration_in(SECOND..=LONGEST));
        let mut load = Load::new(seed.unsigned_abs(), length.unwrap_or(SECOND));
        if let Some(check) = map.optional("check").and_then(|value| value.duration_in(SECOND..=DAY)) {
            load.check = check;
        }
        for node in map.optional("network").and_then(|value| value.list()).unwrap_or_default() {
            load.network.extend(read_node(node));
        }
        let mut numbers = Vec::new();
        for (name, value) in map.required("calls").and_then(|value| value.entries("a map of calls")).unwrap_or_default()
        {
            if let (Some(name), Some(map)) = (name.name(), value.map(&STREAM.shape)) {
                load.streams.extend(read_stream(name, &map, &mut numbers));
            }
        }
        let mut staff = Vec::new();
        for value in map.required("agents").and_then(|value| value.list()).unwrap_or_default() {
            if let Some((team, who)) = value.map(&TEAM.shape).and_then(|map| read_team(&map)) {
                load.teams.push(team);
                staff.push(who);
            }
        }
        let frequent = map.optional("faults").map(|value| read_faults(value, &mut load)).unwrap_or_default();
        let ((_, about), (_, config)) = (about?, config?);
        Some(Self { about, config, load, begin: begin?, numbers, staff, faults: frequent })
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn said(faults: Faults) -> String {
    faults.into_sorted().iter().map(ToString::to_string).collect()
}

/// Finds who works in which team.
fn staff(load: &mut Load, staff: Vec<Staffed>, config: &Config, faults: &Faults) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (team, who) in load.teams.iter_mut().zip(staff) {
        match who {
            Staffed::Users(users) => {
                for (place, user) in users {
                    let known = config.agents.iter().map(|agent| agent.name.as_str());
                    if !known.clone().any(|known| known == user) {
                        let near = yaml::did_you_mean(&user, known).map(|near| format!("did you mean `{near}`?"));
                        let remedy = near.unwrap_or_else(|| "name one of `agents` in `queues.yaml`".to_owned());
                        faults.add(place, format!("`{user}` serves no queue"), remedy);
                    } else if taken.insert(user.clone()) {
                        team.users.push(user);
                    } else {
                        faults.add(place, format!("`{user}` works twice"), "keep one of them");
                    }
                }
            }
            Staffed::Queue(place, name) => {
                let Some(queue) = config.queues.iter().find(|queue| queue.name.as_str() == name) else {
                    let known = config.queues.iter().map(|queue| queue.name.as_str());
                    let near = yaml::did_you_mean(&name, known).map(|near| format!("did you mean `{near}`?"));
                    let remedy = near.unwrap_or_else(|| "name one of `queues.yaml`".to_owned());
                    faults.add(place, format!("there is no queue `{name}`"), remedy);
                    continue;
                };
                let free = queue.agents.iter().map(|member| member.agent.to_string());
                team.users.extend(free.filter(|agent| taken.insert(agent.clone())));
                if team.users.is_empty() {
                    let remedy = "leave this out; they are named above";
                    faults.add(place, format!("nobody of the queue `{name}` is left"), remedy);
                }
            }
        }
    }
}

fn read_stream(name: &str, map: &Map<'_>, numbers: &mut Vec<(Place, String)>) -> Option<Stream> {
    let number = map.required("number").and_then(|value| Some((value.place(), value.string()?.to_owned())));
    let arrivals = match map.one_of(&["rate", "at"]) {
        Some(("rate", value)) => read_rates(value),
        Some((_, value)) => read_times(value),
        None => None,
    };
    let patience = map.optional("patience").map_or(Some(Spread::Endless), read_spread);
    let talk = map.required("talk").and_then(read_spread);
    let mut keys = Vec::new();
    for value in map.optional("keys").and_then(|value| value.list()).unwrap_or_default() {
        let Some(map) = value.map(&KEY.shape) else { continue };
        let after =
            map.required("after").and_then(|value| value.duration_in(Duration::ZERO..=Duration::from_secs(3_600)));
        let press = map.required("press").and_then(|value| {
            let text = value.string()?;
            let mut letters = text.chars();
            let digit = letters.next().filter(|_| letters.next().is_none()).and_then(leg::Digit::from_char);
            if digit.is_none() {
                value.fault(format!("`{text}` is no key"), "write one of 0 to 9, `\"*\"` and `\"#\"`");
            }
            digit
        });
        keys.extend(after.zip(press));
    }
    let (place, number) = number?;
    numbers.push((place, number.clone()));
    Some(Stream {
        name: name.to_owned(),
        number,
        caller: None,
        arrivals: arrivals?,
        patience: patience?,
        talk: talk?,
        keys,
    })
}

fn read_rates(value: Value<'_>) -> Option<Arrivals> {
    let rate = |value: Value<'_>| value.integer(0..=1_000_000_u32).map(f64::from);
    if !value.is_map() {
        return Some(Arrivals::Rate(vec![(Duration::ZERO, rate(value)?)]));
    }
    let mut rates: Vec<(Duration, f64)> = Vec::new();
    for (time, value) in value.entries("a map of times of day")? {
        let text = time.string()?;
        let Some(from) = time_of_day(text) else {
            time.fault(format!("`{text}` is no time of day"), "write it as `8:00`");
            return None;
        };
        if rates.last().is_some_and(|(before, _)| *before >= from) {
            time.fault("this time is not after the one before it", "write the times in order");
        }
        rates.push((from, rate(value)?));
    }
    Some(Arrivals::Rate(rates))
}

fn read_times(value: Value<'_>) -> Option<Arrivals> {
    let mut times: Vec<Duration> = Vec::new();
    for value in value.list()? {
        let at = value.duration_in(Duration::ZERO..=LONGEST)?;
        if times.last().is_some_and(|before| *before > at) {
            value.fault("this call is earlier than the one before it", "write the calls in order of time");
        }
        // Two at once come a microsecond apart.
        let after = times.last().map_or(Duration::ZERO, |before| *before + Duration::from_micros(1));
        times.push(at.max(after).max(Duration::from_micros(1)));
    }
    Some(Arrivals::At(times))
}

fn read_spread(value: Value<'_>) -> Option<Spread> {
    let time = |value: Value<'_>| value.duration_in(Duration::ZERO..=DAY);
    if value.raw() == Some("endless") {
        return Some(Spread::Endless);
    }
    if !value.is_map() {
        return time(value).map(Spread::Constant);
    }
    let map = value.map(&DRAWN.shape)?;
    match map.one_of(&["exponential", "lognormal"])? {
        ("exponential", mean) => {
            if let Some(deviation) = map.optional("deviation") {
                deviation.fault_at_key(
                    "`deviation` belongs to `lognormal`",
                    "leave it out: that of `exponential` is its mean",
                );
            }
            time(mean).map(Spread::Exponential)
        }
        (_, mean) => {
            let deviation = map.required("deviation").and_then(time);
            Some(Spread::Lognormal { mean: time(mean)?, deviation: deviation? })
        }
    }
}

fn read_team(map: &Map<'_>) -> Option<(Team, Staffed)> {
    let mut team = Team::always(Vec::new());
    team.answers_after = map.optional("answers_after").map_or(Some(Spread::Constant(3 * SECOND)), read_spread)?;
    team.shifts = read_spans(map, "shifts")?;
    team.breaks = read_spans(map, "breaks")?;
    let percent = |key| map.optional(key).and_then(|value| value.integer(0..=100_u32)).unwrap_or_default();
    (team.ignores, team.declines) = (percent("ignores"), percent("declines"));
    if team.ignores + team.declines > 100 {
        map.fault("`ignores` and `declines` are more than 100 together", "write of how many of 100 offers");
    }
    let who = match map.one_of(&["users", "queue"])? {
        ("queue", value) => Staffed::Queue(value.place(), value.name()?.to_owned()),
        (_, value) => {
            let users = value.list()?.into_iter().filter_map(|value| Some((value.place(), value.name()?.to_owned())));
            Staffed::Users(users.collect())
        }
    };
    Some((team, who))
}

/// Spans of the day, such as `8:00-16:30`.
fn read_spans(map: &Map<'_>, key: &'static str) -> Option<Vec<(Duration, Duration)>> {
    let Some(value) = map.optional(key) else { return Some(Vec::new()) };
    let mut spans = Vec::new();
    for value in value.list()? {
        let text = value.string()?;
        let span = text.split_once('-').and_then(|(from, to)| time_of_day(from.trim()).zip(time_of_day(to.trim())));
        match span.filter(|(from, to)| from != to) {
            Some(span) => spans.push(span),
            None => {
                value.fault(format!("`{text}` is no part of a day"), "write it as `8:00-16:30`");
                return None;
            }
        }
    }
    Some(spans)
}

/// Time since midnight: `8:00`, up to `24:00`.
fn time_of_day(text: &str) -> Option<Duration> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, most: usize| {
        (1..=most).contains(&text.len()).then(|| text.parse::<u64>().ok()).flatten().filter(|_| !text.starts_with('+'))
    };
    let minutes = number(hour, 2)? * 60 + number(minute, 2).filter(|minute| *minute < 60 && text.len() > 3)?;
    (minutes <= 24 * 60).then(|| Duration::from_secs(minutes * 60))
}

fn read_faults(value: Value<'_>, load: &mut Load) -> Vec<Frequent> {
    let mut all = Vec::new();
    let Some(map) = value.map(&FAULTS.shape) else { return all };
    load.errs = map.optional("decisions_err").and_then(|value| value.integer(0..=1_000_u32)).unwrap_or_default();
    let kinds = [
        ("phones_die", What::PhoneDies, &FAULT_FOR.shape, Some("for")),
        ("log_outs", What::LogsOut, &FAULT_FOR.shape, Some("for")),
        ("clock_jumps", What::ClockJumps, &FAULT_BY.shape, Some("by")),
        ("reloads", What::Reload, &FAULT.shape, None),
    ];
    for (key, what, shape, time) in kinds {
        let Some(map) = map.optional(key).and_then(|value| value.map(shape)) else { continue };
        let every = map.required("every").and_then(|value| value.duration_in(SECOND..=LONGEST));
        let time = match time {
            Some(key) => map.required(key).and_then(|value| value.duration_in(SECOND..=DAY)),
            None => Some(Duration::ZERO),
        };
        all.extend(every.zip(time).map(|(every, time)| Frequent { what, every, time }));
    }
    all
}

impl Frequent {
    /// Puts it into the load, by chance.
    fn plan(&self, load: &mut Load, agents: usize, rng: &mut Rng) {
        let mut at = Duration::ZERO;
        let mut changed = false;
        for _ in 0..MOST {
            at += Duration::from_secs_f64(-unit(rng).ln() * self.every.as_secs_f64());
            if at >= load.length {
                return;
            }
            let agent = rng.below(u32::try_from(agents).unwrap_or(u32::MAX));
            let agent = usize::try_from(agent).unwrap_or_default();
            let seconds = i64::try_from(self.time.as_secs()).unwrap_or(i64::MAX);
            let fault = match self.what {
                What::PhoneDies => Fault::PhoneDies(agent, self.time),
                What::LogsOut => Fault::LogsOut(agent, self.time),
                What::ClockJumps => Fault::ClockJumps(if rng.percent(50) { seconds } else { -seconds }),
                What::Reload => {
                    changed = !changed;
                    Fault::Reload(if changed { rng.u64() | 1 } else { 0 })
                }
            };
            load.faults.push((at, fault));
        }
    }
}
