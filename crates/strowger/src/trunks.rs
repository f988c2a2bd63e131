//! `strowger trunks`: how the trunks of the running switch are.

use std::fmt::Write as _;
use std::path::Path;

use base::Wall;
use switch::control::{NameState, Request, Response, TargetState, TrunkState};

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
    let told = |trunk: &TrunkState| if json { to_json(trunk) } else { describe(status.now, trunk) };
    text.extend(status.trunks.iter().map(told));
    print(&text);
    Ok(())
}

fn describe(now: Wall, trunk: &TrunkState) -> String {
    let nowhere = !trunk.to.is_empty() && trunk.targets.iter().all(|target| target.leaving);
    let state = if nowhere { "not found" } else { state(trunk.since, trunk.up) };
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
    for name in &trunk.names {
        text += &describe_name(now, name);
    }
    // That of a trunk without a name stands above.
    for target in trunk.targets.iter().filter(|target| target.host.is_some() || target.rests_until.is_some()) {
        text += &describe_target(target);
    }
    for failure in &trunk.failures {
        let why = match failure.status {
            408 => "no answer".to_owned(),
            503 => "503, or out of reach".to_owned(),
            status => status.to_string(),
        };
        let at = failure.target.map(|target| format!(" to {target}")).unwrap_or_default();
        let _ = writeln!(text, "    {}  {}{at}: {why}", failure.at, shown(&failure.what));
    }
    text
}

const fn state(since: Option<Wall>, up: bool) -> &'static str {
    match (since, up) {
        (None, _) => "not watched",
        (Some(_), true) => "up",
        (Some(_), false) => "down",
    }
}

/// `sip.example.org: 3 addresses, for 54 s`.
fn describe_name(now: Wall, name: &NameState) -> String {
    let mut text = format!("    {}: ", shown(&name.name));
    let _ = match (name.until, &name.fault) {
        (None, None) => write!(text, "being looked up"),
        (None, Some(fault)) => write!(text, "{fault}"),
        (Some(until), fault) => {
            let seconds = until.since(now).as_secs();
            let age = if until > now { format!("for {seconds} s") } else { format!("stale since {until}") };
            let why = fault.as_ref().map(|fault| format!(" ({fault})")).unwrap_or_default();
            write!(text, "addresses: {}, {age}{why}", name.addresses)
        }
    };
    text + "\n"
}

fn describe_target(target: &TargetState) -> String {
    let TargetState { address, host, priority, weight, up, since, rests_until, leaving, calls } = target;
    let mut text = format!("      {address}");
    if let Some(host) = host {
        let _ = write!(text, "  {}  priority {priority} weight {weight}", shown(host));
    }
    let _ = write!(text, "  {}", if *leaving { "leaving" } else { state(*since, *up) });
    if let Some(since) = since {
        let _ = write!(text, " since {since}");
    }
    if let Some(until) = rests_until {
        let _ = write!(text, "  rests until {until}");
    }
    text + &format!("  calls {calls}\n")
}

fn row([trunk, state, since, registered, out, inward, channels, to]: [&str; 8]) -> String {
    format!("{trunk:<16}  {state:<11}  {since:<24}  {registered:<10}  {out:>4}  {inward:>4}  {channels:<10}  {to}\n")
}
