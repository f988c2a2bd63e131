//! `strowger try`: be the caller of a flow, in the terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;

use base::{Pii, Wall};
use ivr::Facts;
use workbench::{Given, Rehearsal};
use yaml::did_you_mean;

use crate::clock::Clock;
use crate::error::Error;
use crate::folder::read_company;
use crate::operate::print;
use crate::test::world;

/// Leads a person who types through a flow.
///
/// # Errors
/// If the configuration has faults, or no such flow.
pub(crate) fn try_flow(
    folder: &Path,
    flow: &str,
    caller: Option<&str>,
    at: Option<&str>,
    repeat: u32,
) -> Result<ExitCode, Error> {
    let world = world(&read_company(folder)?.switch);
    if let Some(text) = at
        && world.flows.zone().at(text).is_none()
    {
        return Err(Error::NoTime { text: text.to_owned() });
    }
    let by_name = world.numbers.iter().find(|(_, leads_to)| leads_to == flow);
    // Who names a number means the flow that it leads to.
    let dialled = by_name.or_else(|| world.numbers.iter().find(|(number, _)| number == flow));
    let flow = dialled.filter(|_| world.flows.get(flow).is_none()).map_or(flow, |(_, leads_to)| leads_to);
    let wall = at.and_then(|at| world.flows.zone().at(at)).unwrap_or_else(|| Clock::start().now().wall);
    let facts = Facts {
        caller_number: Pii::new(caller.unwrap_or_default().to_owned()),
        dialled: dialled.map(|(number, _)| number.clone()).unwrap_or_default(),
        calls_today: repeat,
        // An hour ago.
        last_call: (repeat > 0).then(|| Wall::from_unix_micros(wall.as_unix_micros() - 3_600_000_000)),
        ..Facts::default()
    };
    let given = Given { facts, wall, at: at.map(str::to_owned), ..Given::default() };
    let Some((mut rehearsal, heard)) = Rehearsal::begin(&world, flow, &given) else {
        let near = did_you_mean(flow, world.flows.iter().map(|flow| &**flow.name())).map(str::to_owned);
        return Err(Error::NoSuchFlow { flow: flow.to_owned(), near });
    };
    print(&heard);
    let asks = stdin().is_terminal();
    let mut lines = stdin().lock().lines();
    while !rehearsal.is_over() {
        if asks {
            print("> ");
        }
        let _ = stdout().flush();
        let Some(Ok(line)) = lines.next() else { break };
        print(&rehearsal.line(&line));
    }
    Ok(ExitCode::SUCCESS)
}
