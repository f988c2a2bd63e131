//! Calls that go from one queue to another, and whether they come back to where they were.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use acd::{Excess, Overflow, QueueConfig};
use yaml::{Faults, Kind, Map, Place, Value, form, key};

use super::{DURATION, NAME};
use crate::Catalogue;

const MAX_RULES: usize = 10;

/// The rules of a queue.
pub(super) static RULES: Kind = Kind::List(&Kind::Form(&RULE), MAX_RULES);

form! {
    RULE, "a rule of `overflow`", one of ["after", "longest_wait", "waiting"],
    key("after", DURATION, "A call goes on that has waited here for so long, 1s to 24h.", "60s"),
    key("longest_wait", DURATION, "Whoever comes goes on while the first of those who wait has done so for this long, 1s to 24h.", "5m"),
    key("waiting", &Kind::Whole(1, 100_000), "Whoever comes goes on while so many wait.", "30"),
    key("to", NAME, "The queue that it goes to.", "support").needed(),
}

/// A way from one queue to another.
#[derive(Debug)]
pub(crate) struct WayOn {
    pub from: String,
    pub to: String,
    /// Where its rule names the other queue.
    pub place: Place,
}

/// Reads the rules of `queue`, of which all else has been read.
pub(super) fn read(map: &Map<'_>, queue: &mut QueueConfig, catalogue: &mut Catalogue, faults: &Faults) -> Vec<WayOn> {
    let mut ways = Vec::new();
    for item in map.optional("overflow").and_then(|value| value.list()).unwrap_or_default() {
        let Some(rule) = item.map(&RULE.shape) else { continue };
        let when = rule.one_of(&["after", "longest_wait", "waiting"]).and_then(|when| excess(when, queue));
        let Some((to, name)) = rule.required("to").and_then(|value| Some((value, value.name()?))) else { continue };
        if !catalogue.queues.refer(name, &to.place(), "add it to `queues.yaml`", faults) {
            continue;
        }
        ways.push(WayOn { from: queue.name.to_string(), to: name.to_owned(), place: to.place() });
        queue.overflow.extend(when.map(|when| Overflow { when, to: name.into() }));
    }
    ways
}

fn excess((key, value): (&str, Value<'_>), queue: &QueueConfig) -> Option<Excess> {
    if key == "waiting" {
        let most = value.integer(1..=100_000_usize)?;
        if queue.max_length.is_some_and(|length| most >= length) {
            value.fault(
                "so many never wait here: `max_length` turns them away before",
                "write fewer, or raise `max_length`",
            );
        }
        return Some(Excess::Waiting(most));
    }
    let time = value.duration_in(Duration::from_secs(1)..=Duration::from_secs(86_400))?;
    if queue.max_wait.is_some_and(|longest| time >= longest) {
        value.fault("nobody waits here for so long: `max_wait` ends it before", "write less, or raise `max_wait`");
    }
    Some(if key == "after" { Excess::Waited(time) } else { Excess::LongestWait(time) })
}

/// All queues that a call of each may come to by rules, be it over others.
#[derive(Debug, Default)]
pub(crate) struct Reach(BTreeMap<String, BTreeSet<String>>);

impl Reach {
    /// Queues that lead back to themselves are a fault.
    pub fn new(ways: &[WayOn], faults: &Faults) -> Self {
        let mut to: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        ways.iter().for_each(|way| to.entry(&way.from).or_default().push(&way.to));
        for way in ways {
            // Each circle is told once, at its first queue by name.
            let Some(path) = path(&to, &way.to, &way.from, |queue| queue >= &*way.from) else { continue };
            let circle = std::iter::once(&*way.from).chain(path).collect::<Vec<_>>().join(" → ");
            faults.add(
                way.place.clone(),
                format!("calls that overflow from `{}` may come back to it: {circle}", way.from),
                "take one of these steps out",
            );
        }
        let all: BTreeSet<&str> = to.keys().chain(to.values().flatten()).copied().collect();
        let reach = to.keys().map(|from| {
            let there = all.iter().filter(|queue| *queue != from && path(&to, from, queue, |_| true).is_some());
            ((*from).to_owned(), there.map(|queue| (*queue).to_owned()).collect())
        });
        Self(reach.collect())
    }

    /// Those that a call of this one may come to, itself first.
    pub fn of<'a>(&'a self, queue: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::once(queue).chain(self.0.get(queue).into_iter().flatten().map(String::as_str))
    }
}

/// The shortest way from one queue to another over queues that are wanted, both named; one to itself is that alone.
fn path<'a>(
    to: &BTreeMap<&'a str, Vec<&'a str>>,
    from: &'a str,
    end: &str,
    wanted: impl Fn(&str) -> bool,
) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut next = VecDeque::from([from]);
    while let Some(queue) = next.pop_front() {
        if queue == end {
            let mut path = vec![queue];
            while let Some(step) = path.last().and_then(|last| before.get(last)).filter(|_| path.last() != Some(&from))
            {
                path.push(step);
            }
            path.reverse();
            return Some(path);
        }
        for other in to.get(queue).into_iter().flatten().filter(|other| wanted(other)) {
            if *other != from && !before.contains_key(other) {
                before.insert(other, queue);
                next.push_back(other);
            }
        }
    }
    None
}
