//! `strowger switch`: shows emergency switches of a running switch, and turns them.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use switch::control::{Request, Response, SwitchState};

use crate::error::Error;
use crate::operate::{connect, print, shown, to_json};

/// What is to be done with a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Deed {
    /// Turns it on.
    On,
    /// Turns it off.
    Off,
    /// Shows it.
    Show,
}

/// Shows a switch, or all, or turns one.
///
/// # Errors
/// If the running switch cannot be asked, or has no such emergency switch.
pub(crate) fn switch(config: &Path, name: Option<&str>, deed: Deed, reason: String, json: bool) -> Result<(), Error> {
    let mut switch = connect(config)?;
    let request = match (name, deed) {
        (Some(name), Deed::On | Deed::Off) => {
            Request::Turn { switch: name.into(), on: deed == Deed::On, reason, by: whoever_asks() }
        }
        _ => Request::Switches,
    };
    let none = |known: Vec<Arc<str>>| Error::NoSuchSwitch {
        switch: name.unwrap_or_default().to_owned(),
        known: crate::hours::names(known),
    };
    let states = match switch.client.ask(&request)? {
        Response::Turned(state) => vec![state],
        Response::NoSuchSwitch { known } => return Err(none(known)),
        Response::Switches(states) => {
            let known: Vec<_> = states.iter().map(|state| state.switch.clone()).collect();
            let chosen: Vec<_> =
                states.into_iter().filter(|state| name.is_none_or(|name| *state.switch == *name)).collect();
            if name.is_some() && chosen.is_empty() {
                return Err(none(known));
            }
            chosen
        }
        _ => return Err(switch.garbled()),
    };
    if json {
        print(&states.iter().map(to_json).collect::<String>());
    } else if states.is_empty() {
        print("there are no switches; hours.yaml has them\n");
    } else {
        print(&states.iter().map(line).collect::<String>());
    }
    Ok(())
}

/// The name of whoever is logged in, also behind `sudo`. The running switch adds whom the system knows him as.
pub(crate) fn whoever_asks() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    name.unwrap_or_default()
}

/// A switch as a line.
pub(crate) fn line(state: &SwitchState) -> String {
    let mut text = format!("switch {}: {}", shown(&state.switch), if state.on { "ON" } else { "off" });
    if let Some(since) = state.since {
        let _ = write!(text, " since {since} by {}", printable(&state.by));
    }
    if !state.reason.is_empty() {
        let _ = write!(text, ", {}", printable(&state.reason));
    }
    let closes = crate::hours::names(&state.closes);
    let _ = writeln!(
        text,
        " ({}; closes {})",
        printable(&state.means),
        if closes.is_empty() { "nothing" } else { &closes }
    );
    text
}

/// What people wrote may be in any language, but must not steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
            {
                '?'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use base::Wall;

    use super::*;

    #[test]
    fn a_line_says_who_closed_what_and_why_and_steers_no_terminal() {
        let state = SwitchState {
            switch: "flood".into(),
            means: "Wasser im Büro".into(),
            closes: vec!["office".into(), "shop".into()],
            ..SwitchState::default()
        };
        assert_eq!(line(&state), "switch flood: off (Wasser im Büro; closes office, shop)\n");
        let since = Some(Wall::from_unix_micros(1_795_253_400_000_000));
        let (by, reason) = ("ada (uid 0)".to_owned(), "水\u{1b}[2J\u{202e}".to_owned());
        let on = SwitchState { on: true, since, by, reason, closes: Vec::new(), ..state };
        let said = "switch flood: ON since 2026-11-21T09:30:00.000Z by ada (uid 0), 水?[2J? (Wasser im Büro; closes nothing)\n";
        assert_eq!(line(&on), said);
    }
}
