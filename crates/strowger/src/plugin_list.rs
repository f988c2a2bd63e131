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
