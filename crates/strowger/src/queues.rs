//! `strowger queues`: who waits, who could serve them, and the figures of today.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use switch::control::{MAX_PAGE, QueueLine, QueuePage, Request, Response};

use crate::cli::operate::At;
use crate::error::Error;
use crate::operate::{Running, connect, shown, to_json, watch_table, whole_seconds};
use crate::report::{percent, seconds};

/// `strowger queues`.
#[derive(Debug, Args)]
pub(crate) struct Queues {
    #[command(flatten)]
    pub at: At,
    /// Prints one JSON object a queue, with the figures of today, of the last hour and of the last 15 minutes
    #[arg(long)]
    pub json: bool,
    /// Shows it again every second, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
}

/// Shows the queues.
///
/// # Errors
/// If the switch cannot be asked.
pub(crate) fn queues(request: &Queues) -> Result<(), Error> {
    show(&request.at.config, request.json, request.watch)
}

fn show(config: &Path, json: bool, watch: bool) -> Result<(), Error> {
    let mut switch = connect(config)?;
    watch_table(json, watch, || table(&mut switch, json))
}

/// All queues, a page after the other.
fn table(switch: &mut Running, json: bool) -> Result<String, Error> {
    let mut text = String::new();
    if !json {
        text += &row([
            "QUEUE",
            "WAITING",
            "LONGEST",
            "FREE",
            "BUSY",
            "BREAK",
            "OFFERED",
            "ANSWERED",
            "ABANDONED",
            "SL",
            "SL-OFFERED",
            "ASA",
            "AHT",
            "OCCUPANCY",
        ]);
    }
    let (mut after, mut listed): (Option<String>, usize) = (None, 0);
    loop {
        let request = Request::Queues { after: after.take(), limit: MAX_PAGE };
        let Response::Queues(page) = switch.client.ask(&request)? else { return Err(switch.garbled()) };
        let QueuePage { total, queues, next } = page;
        listed += queues.len();
        text.extend(queues.iter().map(|queue| if json { to_json(queue) } else { line(queue) }));
        // A faulty answer must not keep us here for ever.
        after = next.filter(|_| !queues.is_empty() && listed < total);
        if after.is_none() {
            return Ok(text);
        }
    }
}

fn line(line: &QueueLine) -> String {
    let QueueLine { queue, today, .. } = line;
    let agents = queue.agents;
    row([
        &shown(&queue.name),
        &(queue.waiting + queue.offered).to_string(),
        &whole_seconds(Duration::from_millis(queue.longest_wait_ms)),
        &agents.idle.to_string(),
        &(agents.offered + agents.in_call + agents.wrap_up + agents.resting).to_string(),
        &agents.on_break.to_string(),
        &today.offered.to_string(),
        &today.answered.to_string(),
        &today.abandoned.to_string(),
        &percent(today.service_level),
        &percent(today.service_level_offered),
        &seconds(today.asa_s),
        &seconds(today.aht_s),
        &percent(today.occupancy),
    ])
}

fn row([queue, cells @ ..]: [&str; 14]) -> String {
    let cells: String = cells.iter().map(|cell| format!("  {cell:>9}")).collect();
    format!("{queue:<20}{cells}\n")
}

#[cfg(test)]
mod tests {
    use switch::control::{Agents, Kpis, Queue};

    use super::*;

    #[test]
    fn a_line_says_who_waits_who_could_serve_him_and_how_the_day_went() {
        let agents = Agents { idle: 1, offered: 1, in_call: 2, wrap_up: 1, resting: 1, on_break: 3, logged_out: 9 };
        let queue = Queue {
            name: "sales".to_owned(),
            waiting: 4,
            offered: 1,
            longest_wait_ms: 65_000,
            agents,
            ..Queue::default()
        };
        let today = Kpis {
            offered: 20,
            answered: 12,
            abandoned: 3,
            service_level: Some(0.8),
            service_level_offered: Some(0.6),
            asa_s: Some(12.34),
            occupancy: Some(0.7),
            ..Kpis::default()
        };
        let line = line(&QueueLine { queue, today, ..QueueLine::default() });
        let words: Vec<&str> = line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
        assert_eq!(
            words,
            ["sales", "5", "0:01:05", "1", "5", "3", "20", "12", "3", "80.0 %", "60.0 %", "12.3 s", "-", "70.0 %"]
        );
    }
}
