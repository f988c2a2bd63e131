//! Who must be there for callers to wait, and when a queue takes any.

use std::collections::BTreeMap;

use acd::{Attendance, Presence, QueueName};
use ivr::WayIn;
use switch::{QueueHours, Waiting};
use yaml::{Faults, Kind, Map, form, key};

use super::Reach;
use crate::{Catalogue, or};

form! {
    pub(super) EMPTY, "`empty` of a queue", one of [],
    key("join", &Kind::Word(&["always", "logged-in", "working", "free"]), "Who must be there for a caller to join: nobody, one who is logged in, one who is not on a break, either, or one who could be rung at once.", "working").usual("logged-in"),
    key("stay", &Kind::Word(&["always", "logged-in", "working"]), "Who must be there for callers to go on waiting.", "always").otherwise("as `join`, but one who is logged in is enough"),
}

const JOIN: &[(&str, Presence)] = &[
    ("always", Presence::Nobody),
    ("logged-in", Presence::LoggedIn),
    ("working", Presence::Working),
    ("free", Presence::Free),
];

/// Who must be there.
pub(super) fn attendance(map: &Map<'_>) -> Attendance {
    let usual = Attendance::default();
    let Some(map) = map.optional("empty").and_then(|value| value.map(&EMPTY.shape)) else { return usual };
    let join = or(&map, "join", usual.join, |value| value.choose(JOIN));
    let without_free = JOIN.split_last().map_or(JOIN, |(_, words)| words);
    let Some(value) = map.optional("stay") else { return Attendance { join, stay: join.min(usual.stay) } };
    let stay = value.choose(without_free).unwrap_or(usual.stay);
    if stay > join {
        value.fault(
            "`stay` asks for more than `join`: whoever joins would be sent away at once",
            "ask for as much by `join`, or for less by `stay`",
        );
    }
    Attendance { join, stay }
}

/// When it takes callers.
pub(super) fn hours(map: &Map<'_>, catalogue: &mut Catalogue, faults: &Faults) -> Option<QueueHours> {
    let calendar = map.optional("hours").and_then(|value| Some((value, value.name()?)));
    let clears = map.optional("when_closed").map(|value| {
        if map.optional("hours").is_none() {
            value
                .fault_at_key("a queue without `hours` never closes", "add `hours:` with a calendar, or take this out");
        }
        value.choose(&[("stay", false), ("leave", true)]).unwrap_or_default()
    });
    let (value, calendar) = calendar?;
    catalogue.calendars.refer(calendar, &value.place(), "add it to `calendars` in `hours.yaml`", faults);
    Some(QueueHours { calendar: calendar.into(), clears: clears.unwrap_or_default() })
}

/// Where flows lead into a queue that closes they must say what follows then, and nowhere else.
pub(crate) fn check_ways_in<'a>(
    ways_in: impl Iterator<Item = &'a WayIn>,
    queues: &BTreeMap<QueueName, Waiting>,
    reach: &Reach,
    faults: &Faults,
) {
    let hours = |queue: &str| queues.get(queue).and_then(|waiting| waiting.hours.as_ref());
    for WayIn { queue, place, closed } in ways_in.filter(|way| queues.contains_key(&*way.queue)) {
        // It takes nobody itself, or those are let out who have come to another one.
        let closes = |other: &&str| hours(other).is_some_and(|hours| **other == **queue || hours.clears);
        let closing = reach.of(queue).find(closes).and_then(|name| Some((name, hours(name)?)));
        match (closing, closed) {
            (Some((name, hours)), None) => faults.add(
                place.clone(),
                format!(
                    "the queue `{name}` closes by the calendar `{}`, and nothing says what follows then",
                    hours.calendar
                ),
                "add `closed:` with a node to this one",
            ),
            (None, Some(closed)) => faults.add(
                closed.clone(),
                format!("the queue `{queue}` never closes"),
                "give it `hours` in `queues.yaml`, or take this out",
            ),
            _ => {}
        }
    }
}
