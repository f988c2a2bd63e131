//! `calls` of `strowger.yaml`: how many, how long.

use std::ops::RangeInclusive;
use std::time::Duration;

use switch::{Limits, PromptName};
use yaml::{Faults, Map, Shape};

use crate::system::System;
use crate::{Catalogue, Notes, or};

const CALLS: Shape = Shape { what: "`calls`", keys: &["max", "max_time", "ring_time", "grace", "hold_music"] };

/// Live calls may go on for so long after SIGTERM if nothing else is said.
const USUAL_GRACE: Duration = Duration::from_secs(20);

/// What the switch keeps to.
pub(crate) fn read(root: &Map<'_>, system: &System, notes: &mut Notes) -> Limits {
    let mut limits = Limits { media_address: system.media_address(), ..Limits::default() };
    if let Some(map) = root.optional("calls").and_then(|value| value.map(&CALLS)) {
        limits.max_calls = or(&map, "max", limits.max_calls, |value| value.integer(1..=100_000));
        limits.max_call_time = time(&map, "max_time", limits.max_call_time, 60..=86_400);
        limits.ring_time = time(&map, "ring_time", limits.ring_time, 5..=300);
    }
    limits.grace = system.grace;
    check_ports(root, system, &limits, notes);
    limits
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
