//! `trace` of `strowger.yaml`: what is kept of what calls say on the wire.

use std::time::Duration;

use trace::Traces;
use yaml::{Map, Shape, Value};

use crate::or;

const TRACE: Shape = Shape { what: "`trace`", keys: &["megabytes", "keep", "per_call"] };

pub(crate) fn read(root: &Map<'_>) -> Traces {
    root.optional("trace").map_or_else(Traces::default, |value| traces(&value))
}

fn traces(value: &Value<'_>) -> Traces {
    let usual = Traces::default();
    if !value.is_map() {
        return Traces { on: value.bool().unwrap_or(usual.on), ..usual };
    }
    let Some(map) = value.map(&TRACE) else { return usual };
    let megabytes = or(&map, "megabytes", usual.size >> 20, |value| value.integer(16..=65_536));
    Traces {
        on: true,
        size: megabytes << 20,
        keep: or(&map, "keep", usual.keep, |value| {
            value.duration_in(Duration::from_secs(3600)..=Duration::from_secs(30 * 24 * 3600))
        }),
        per_call: or(&map, "per_call", usual.per_call, |value| value.integer(10..=100_000)),
    }
}
