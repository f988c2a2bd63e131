//! `penalties` of a queue: what follows for agents who do not take its offers.

use std::time::Duration;

use acd::{OfferFailure, Penalties, Penalty};
use yaml::{Kind, Map, Value, form, key};

use super::DURATION;
use crate::or;

/// The most in a row after which an agent is put on a break.
const MOST: u32 = 100;
/// One failure's penalty.
const PENALTY_MAP: &Kind = &Kind::Form(&PENALTY);

form! {
    pub(super) PENALTIES, "the penalties of a queue", one of [],
    key("no_answer", PENALTY_MAP, "After he let it ring.", "{ rest: 15s, retry: 1m, pause_after: 3 }").otherwise("he rests 15s, has the same call again after 30s, and is not paused"),
    key("declined", PENALTY_MAP, "After he declined.", "{ rest: 5s }").otherwise("he rests 5s, has the same call again after 30s, and is not paused"),
    key("busy", PENALTY_MAP, "After his phone was busy.", "{ rest: 10s }").otherwise("he rests 10s, has the same call again after 30s, and is not paused"),
    key("unreachable", PENALTY_MAP, "After his phone could not be reached, or refused with an error.", "{ rest: 30s, pause_after: 2 }").otherwise("he rests 30s, has the same call again after 30s, and is not paused"),
}

form! {
    PENALTY, "a penalty", one of [],
    key("rest", DURATION, "How long he gets no offer, 0s to 1h.", "10s").otherwise("the usual rest after that failure"),
    key("retry", DURATION, "How long he is not offered the same call again, 1s to 1h, and no less than `rest`.", "1m").usual("30s"),
    key("pause_after", &Kind::Whole(1, MOST as i64), "After so many in a row he is put on a break.", "3").otherwise("he never is"),
}

/// Reads the map at `value`.
pub(super) fn read(value: &Value<'_>) -> Penalties {
    let mut penalties = Penalties::default();
    let Some(map) = value.map(&PENALTIES.shape) else { return penalties };
    for (failure, key) in OfferFailure::ALL.map(|failure| (failure, failure.as_str())) {
        let Some(value) = map.optional(key) else { continue };
        if let Some(map) = value.map(&PENALTY.shape) {
            let penalty = penalties.of_mut(failure);
            *penalty = read_one(&map, *penalty);
        }
    }
    penalties
}

fn read_one(map: &Map<'_>, usual: Penalty) -> Penalty {
    let seconds = |from| Duration::from_secs(from)..=Duration::from_secs(3_600);
    let rest = or(map, "rest", usual.rest, |value| value.duration_in(seconds(0)));
    let written = map.optional("retry").and_then(|value| Some((value, value.duration_in(seconds(1))?)));
    if let Some((value, _)) = written.filter(|(_, retry)| *retry < rest) {
        value.fault(
            format!("`retry` is over before his rest of {} is, so it does nothing", yaml::show_duration(rest)),
            "write as long as `rest` or longer, or leave it out",
        );
    }
    // Nothing is wrong with a long rest alone.
    let retry = written.map_or(usual.retry.max(rest), |(_, retry)| retry);
    let pause_after = map.optional("pause_after").and_then(|value| value.integer(1..=MOST));
    Penalty { rest, retry, pause_after }
}
