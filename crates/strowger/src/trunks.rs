//! `strowger trunks`: how the trunks of the running switch are.

use std::fmt::Write as _;
use std::path::Path;

use switch::control::{Request, Response, TrunkState};

use crate::error::Error;
use crate::operate::{connect, print, shown, to_json};

/// Prints the trunks.
///
/// # Errors
/// If the switch cannot be asked.
pub(crate) fn trunks(config: &Path, json: bool) -> Result<(), Error> {
    let mut switch = connect(config)?;
    let Response::Status(status) = switch.client.ask(&Request::Status)? else { return Err(switch.garbled()) };
    let mut text = String::new();
    if !json {
        text += &row(["TRUNK", "STATE", "SINCE", "REGISTERED", "OUT", "IN", "CHANNELS", "TO"]);
    }
    text.extend(status.trunks.iter().map(if json { to_json } else { describe }));
    print(&text);
    Ok(())
}

fn describe(trunk: &TrunkState) -> String {
    let state = match (trunk.since, trunk.up) {
        (None, _) => "not watched",
        (Some(_), true) => "up",
        (Some(_), false) => "down",
    };
    let since = trunk.since.map_or_else(|| "-".to_owned(), |since| since.to_string());
    let registered = match trunk.registered {
        None => "-",
        Some(true) => "yes",
        Some(false) => "no",
    };
    let to = if trunk.to.is_empty() { "-".to_owned() } else { shown(&trunk.to) };
    let (out, inward) = (trunk.calls_out.to_string(), trunk.calls_in.to_string());
    let used = trunk.calls_out + trunk.calls_in;
    let channels = trunk.channels.map_or_else(|| "-".to_owned(), |channels| format!("{used} of {channels}"));
    let mut text = row([&shown(&trunk.trunk), state, &since, registered, &out, &inward, &channels, &to]);
    let met = &trunk.met;
    for (limit, out, inward) in
        [("channels", met.channels_out, met.channels_in), ("calls_per_second", met.rate_out, met.rate_in)]
    {
        if out + inward > 0 {
            let _ = writeln!(text, "    {limit} met: {out} calls out, {inward} in");
        }
    }
    for failure in &trunk.failures {
        let why = match failure.status {
            408 => "no answer".to_owned(),
            503 => "503, or out of reach".to_owned(),
            status => status.to_string(),
        };
        let _ = writeln!(text, "    {}  {}: {why}", failure.at, shown(&failure.what));
    }
    text
}

fn row([trunk, state, since, registered, out, inward, channels, to]: [&str; 8]) -> String {
    format!("{trunk:<16}  {state:<11}  {since:<24}  {registered:<10}  {out:>4}  {inward:>4}  {channels:<10}  {to}\n")
}
