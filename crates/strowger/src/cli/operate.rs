//! What the commands to a running switch take.

use std::path::PathBuf;

use base::CallId;
use clap::Args;
use switch::control::MAX_GRACE;

/// Which switch is meant.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// The folder that holds the strowger.yaml that the switch was started with
    #[arg(long, global = true, value_name = "DIR", default_value = "config")]
    pub config: PathBuf,
}

pub(crate) fn call_id(text: &str) -> Result<CallId, String> {
    text.parse().map_err(|_| "not a call's id; `strowger calls` lists them".to_owned())
}

/// Whole seconds, minutes or hours, up to the longest grace time.
pub(crate) fn grace(text: &str) -> Result<u32, String> {
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).unwrap_or_default();
    let unit = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        _ => None,
    };
    let digits = number.bytes().all(|octet| octet.is_ascii_digit());
    let seconds = unit.filter(|_| digits).and_then(|unit| number.parse::<u32>().ok()?.checked_mul(unit));
    seconds
        .filter(|&seconds| seconds <= MAX_GRACE)
        .ok_or_else(|| "write a time up to 1h, such as `20s` or `5m`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_time_has_a_unit_and_an_end() {
        assert_eq!((grace("0s"), grace("20s"), grace("5m"), grace("1h")), (Ok(0), Ok(20), Ok(300), Ok(3_600)));
        for wrong in ["", "s", "20", "+20s", "-1s", "2h", "99999999h", "1.5s", "20 s", "2é"] {
            assert!(grace(wrong).is_err(), "{wrong}");
        }
    }
}
