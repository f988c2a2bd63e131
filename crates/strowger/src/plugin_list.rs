//! `strowger plugins`: shows the plugins that decide for queues, and how they fare.

use clap::Args;
use switch::PluginState;
use switch::control::{Request, Response};

use crate::cli::operate::At;
use crate::error::Error;
use crate::operate::{connect, print, shown, to_json};

/// `strowger plugins`.
#[derive(Debug, Args)]
pub(crate) struct Plugins {
    #[command(flatten)]
    at: At,
    /// Prints one JSON object a plugin
    #[arg(long)]
    json: bool,
}

/// Shows all of them.
///
/// # Errors
/// If the running switch cannot be asked.
pub(crate) fn plugins(request: &Plugins) -> Result<(), Error> {
    let mut switch = connect(&request.at.config)?;
    let Response::Plugins(states) = switch.client.ask(&Request::Plugins)? else { return Err(switch.garbled()) };
    if request.json {
        print(&states.iter().map(to_json).collect::<String>());
        return Ok(());
    }
    print(&row(["PLUGIN", "STATE", "ASKED", "DECIDED", "FAILED", "RESTED", "TOLD", "MEAN", "LONGEST"], "QUEUES"));
    for state in &states {
        print(&lines(state));
    }
    print(&format!("{} {}\n", states.len(), if states.len() == 1 { "plugin" } else { "plugins" }));
    Ok(())
}

fn lines(state: &PluginState) -> String {
    let failed: u64 = state.failed.values().sum();
    let at_work = match (state.rests_ms, state.queues.is_empty()) {
        (Some(left), _) => format!("rests {}s", left.div_ceil(1_000)),
        (None, true) => "not asked".to_owned(),
        (None, false) => "ready".to_owned(),
    };
    let answered = state.answered.max(1);
    let figures = [state.asked, state.decided, failed, state.rested, state.told].map(|count| count.to_string());
    let [asked, decided, failed, rested, told] = &figures;
    let [mean, longest] = [state.took_us / answered, state.longest_us].map(|us| format!("{us} µs"));
    let line = row(
        [&shown(&state.plugin), &at_work, asked, decided, failed, rested, told, &mean, &longest],
        &state.queues.join(" "),
    );
    let faults: Vec<String> = state.failed.iter().map(|(fault, count)| format!("{count} {}", shown(fault))).collect();
    let Some((at, fault, text)) = &state.last_failure else { return line };
    line + &format!("  failed: {}; last at {at}: {}: {}\n", faults.join(", "), shown(fault), shown(text))
}

fn row([plugin, state, asked, decided, failed, rested, told, mean, longest]: [&str; 9], queues: &str) -> String {
    format!(
        "{plugin:<20} {state:<10} {asked:>8} {decided:>8} {failed:>7} {rested:>7} {told:>7} {mean:>9} {longest:>9}  {queues}\n"
    )
}

#[cfg(test)]
mod tests {
    use base::Wall;

    use super::*;

    #[test]
    fn a_plugin_that_fails_is_shown_with_what_was_wrong_and_how_long_it_rests() {
        let mut state = PluginState {
            plugin: "ours".to_owned(),
            queues: vec!["sales".to_owned(), "support".to_owned()],
            asked: 9,
            decided: 2,
            failed: [("trap".into(), 6), ("late".into(), 1)].into(),
            answered: 8,
            took_us: 1_600,
            longest_us: 900,
            ..PluginState::default()
        };
        let words =
            |state: &PluginState| lines(state).split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        assert_eq!(words(&state), "ours ready 9 2 7 0 0 200 µs 900 µs sales support");
        state.rests_ms = Some(29_001);
        state.last_failure = Some((Wall::default(), "trap".into(), "unre\u{1b}achable".to_owned()));
        let told = words(&state);
        assert!(told.starts_with("ours rests 30s 9 2 7 "), "{told}");
        assert!(told.contains("failed: 1 late, 6 trap; last at 1970-01-01T00:00:00.000Z: trap: unre"), "{told}");
        assert!(!told.contains('\u{1b}'), "{told}");
        state.queues.clear();
        state.rests_ms = None;
        assert!(words(&state).starts_with("ours not asked 9 "));
    }
}
