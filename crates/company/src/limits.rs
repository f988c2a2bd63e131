//! `calls` of `strowger.yaml`: how many, how long.

use std::ops::RangeInclusive;
use std::time::Duration;

use sip::registrar::KeepAlive;
use switch::{Limits, PromptName, Registration, TalkKeys};
use yaml::{Faults, Map, Shape};

use crate::system::System;
use crate::{Catalogue, Notes, or, talk_keys};

const REGISTRATIONS: Shape =
    Shape { what: "`registrations`", keys: &["shortest", "longest", "keep_alive", "give_up_after"] };
const CALLS: Shape = Shape {
    what: "`calls`",
    keys: &["max", "max_time", "session_timer", "ring_time", "grace", "hold_music", "talk_keys"],
};

/// Live calls may go on for so long after SIGTERM if nothing else is said.
const USUAL_GRACE: Duration = Duration::from_secs(20);

/// What the switch keeps to.
pub(crate) fn read(root: &Map<'_>, system: &System, notes: &mut Notes) -> Limits {
    let mut limits = Limits { media_addresses: system.media_addresses(), ..Limits::default() };
    if let Some(map) = root.optional("calls").and_then(|value| value.map(&CALLS)) {
        limits.max_calls = or(&map, "max", limits.max_calls, |value| value.integer(1..=100_000));
        limits.max_call_time = time(&map, "max_time", limits.max_call_time, 60..=86_400);
        limits.session_timer = session_timer(&map, limits.session_timer);
        limits.ring_time = time(&map, "ring_time", limits.ring_time, 5..=300);
    }
    limits.grace = system.grace;
    limits.speech = system.speech.timeout;
    limits.registration = registration(root);
    check_ports(root, system, &limits, notes);
    limits
}

/// Times of those who register.
fn registration(root: &Map<'_>) -> Registration {
    let usual = Registration::default();
    let Some(map) = root.optional("registrations").and_then(|value| value.map(&REGISTRATIONS)) else { return usual };
    let shortest = time(&map, "shortest", usual.shortest, 10..=3_600);
    let longest = time(&map, "longest", usual.longest, 60..=86_400);
    if shortest > longest
        && let Some(value) = map.optional("shortest").or_else(|| map.optional("longest"))
    {
        let times = (yaml::show_duration(shortest), yaml::show_duration(longest));
        value.fault(
            format!("`shortest` ({}) is longer than `longest` ({})", times.0, times.1),
            "write a shorter one, or another `longest`",
        );
    }
    let keep_alive = KeepAlive::default();
    let failures = or(&map, "give_up_after", keep_alive.failures, |value| value.integer(1..=100));
    let off = map.optional("keep_alive").is_some_and(|value| value.raw() == Some("false"));
    let interval = if off { keep_alive.interval } else { time(&map, "keep_alive", keep_alive.interval, 5..=600) };
    let keep_alive = (!off).then_some(KeepAlive { interval, failures, ..keep_alive });
    Registration { shortest, longest, keep_alive }
}

/// After how long a session ends that nobody refreshes: a time, or `off`.
fn session_timer(map: &Map<'_>, usual: Option<Duration>) -> Option<Duration> {
    let Some(value) = map.optional("session_timer") else { return usual };
    if value.raw() == Some("off") {
        return None;
    }
    let (least, most) = (Duration::from_secs(90), Duration::from_secs(86_400));
    // One that cannot be read is a fault, and then this is not looked at.
    value.duration_in(least..=most).or(usual)
}

/// How long live calls may go on at shutdown.
pub(crate) fn grace(root: &Map<'_>) -> Duration {
    let map = root.optional("calls").and_then(|value| value.map(&CALLS));
    map.map_or(USUAL_GRACE, |map| time(&map, "grace", USUAL_GRACE, 0..=3_600))
}

/// What those hear who are held.
pub(crate) fn hold_music(root: &Map<'_>, catalogue: &mut Catalogue, faults: &Faults) -> Option<PromptName> {
    let map = root.optional("calls").and_then(|value| value.map(&CALLS))?;
    catalogue.prompt(&map, "hold_music", faults)
}

/// The codes that users type while they talk.
pub(crate) fn talk_keys(root: &Map<'_>) -> TalkKeys {
    let map = root.optional("calls").and_then(|value| value.map(&CALLS));
    map.map_or_else(TalkKeys::default, |map| talk_keys::read(&map))
}

fn time(map: &Map<'_>, key: &'static str, usual: Duration, seconds: RangeInclusive<u64>) -> Duration {
    let range = Duration::from_secs(*seconds.start())..=Duration::from_secs(*seconds.end());
    or(map, key, usual, |value| value.duration_in(range))
}

/// Says if calls may lack ports for their audio.
fn check_ports(root: &Map<'_>, system: &System, limits: &Limits, notes: &mut Notes) {
    let legs = system.media.legs();
    if legs < limits.max_calls.saturating_mul(2) {
        let place = root.optional("media").map_or_else(|| root.place(), |value| value.key_place());
        let text = format!(
            "the ports for audio carry {legs} legs; {} calls that are connected to agents need twice as many as calls",
            limits.max_calls
        );
        notes.add(place, text);
    }
}
