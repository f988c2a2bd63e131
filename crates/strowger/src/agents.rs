//! `strowger agents`: what agents say of themselves and do, and what an operator has them say.

use std::path::Path;
use std::sync::Arc;

use base::Wall;
use clap::{Args, Subcommand, ValueEnum};
use journal::AgentStatus;
use switch::control::{AgentLine, AgentPage, MAX_PAGE, NotSaid, Request, Response, Saying};

use crate::cli::operate::At;
use crate::error::Error;
use crate::operate::{Running, connect, print, shown, to_json, watch_table, whole_seconds};
use crate::turn::whoever_asks;

/// `strowger agents`.
#[derive(Debug, Args)]
pub(crate) struct Agents {
    #[command(subcommand)]
    pub deed: Option<Deed>,
    #[command(flatten)]
    pub at: At,
    /// Prints one JSON object an agent
    #[arg(long)]
    pub json: bool,
    /// Shows it again every second, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
}

/// What an agent is to be.
#[derive(Debug, Subcommand)]
pub(crate) enum Deed {
    /// Logs an agent in
    Login {
        /// The agent: a user's name
        agent: String,
    },
    /// Logs an agent out; what he has goes on
    Logout {
        /// The agent: a user's name
        agent: String,
    },
    /// Has an agent take a break; what he has goes on
    Pause {
        /// Why: one of `breaks` in queues.yaml
        reason: String,
        /// The agent: a user's name
        agent: String,
    },
    /// Ends an agent's break
    Ready {
        /// The agent: a user's name
        agent: String,
    },
    /// Ends the time that an agent has after a call, or makes it longer
    WrapUp {
        /// What to do with it
        what: WrapUp,
        /// The agent: a user's name
        agent: String,
    },
    /// Says what came of the call that an agent has or has just had
    Disposition {
        /// What: one of `dispositions` in queues.yaml
        code: String,
        /// The agent: a user's name
        agent: String,
    },
}

/// What becomes of a wrap-up.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum WrapUp {
    /// It is over
    End,
    /// It lasts as much longer as the queue gives for one, up to its `wrap_up_max` in all
    Extend,
}

/// Shows agents, or has one be something else.
///
/// # Errors
/// If the switch cannot be asked, or refuses.
pub(crate) fn agents(request: Agents) -> Result<(), Error> {
    let Agents { deed, at, json, watch } = request;
    let Some(deed) = deed else { return show(&at.config, json, watch) };
    let (agent, saying) = match deed {
        Deed::Login { agent } => (agent, Saying::Login),
        Deed::Logout { agent } => (agent, Saying::Logout),
        Deed::Pause { reason, agent } => (agent, Saying::Pause { reason: reason.into() }),
        Deed::Ready { agent } => (agent, Saying::Ready),
        Deed::WrapUp { what: WrapUp::End, agent } => (agent, Saying::EndWrapUp),
        Deed::WrapUp { what: WrapUp::Extend, agent } => (agent, Saying::ExtendWrapUp),
        Deed::Disposition { code, agent } => (agent, Saying::Disposition { code: code.into() }),
    };
    say(&at.config, &agent, saying)
}

fn say(config: &Path, agent: &str, saying: Saying) -> Result<(), Error> {
    let mut switch = connect(config)?;
    let wanted = match &saying {
        Saying::Pause { reason: word } | Saying::Disposition { code: word } => word.to_string(),
        _ => String::new(),
    };
    let of_status = matches!(saying, Saying::Login | Saying::Logout | Saying::Pause { .. } | Saying::Ready);
    let request = Request::SetAgent { agent: agent.into(), saying, by: whoever_asks() };
    match switch.client.ask(&request)? {
        Response::Agent(line) => {
            let now = if of_status { status(&line) } else { state(&line) };
            print(&format!("{}: {now}\n", shown(&line.agent)));
            Ok(())
        }
        Response::NoSuchReason { known } => {
            Err(Error::NoSuchReason { reason: wanted, known: crate::hours::names(known) })
        }
        Response::NoSuchDisposition { known } => {
            Err(Error::NoSuchDisposition { code: wanted, known: crate::hours::names(known) })
        }
        Response::NotSaid { why: NotSaid::NoSuchAgent } => Err(Error::NoSuchAgent { agent: agent.to_owned() }),
        Response::NotSaid { why } => Err(Error::AgentStays { agent: agent.to_owned(), why: why.to_string() }),
        _ => Err(switch.garbled()),
    }
}

fn show(config: &Path, json: bool, watch: bool) -> Result<(), Error> {
    let mut switch = connect(config)?;
    watch_table(json, watch, || table(&mut switch, json))
}

/// All agents, a page after the other.
fn table(switch: &mut Running, json: bool) -> Result<String, Error> {
    let Response::Status(now) = switch.client.ask(&Request::Status)? else { return Err(switch.garbled()) };
    let mut text = String::new();
    if !json {
        text += &row(["AGENT", "NAME", "STATUS", "FOR", "STATE", "FOR", "CALLS", "QUEUES", "WITH"]);
    }
    let (mut after, mut listed): (Option<Arc<str>>, usize) = (None, 0);
    loop {
        let request = Request::Agents { after: after.clone(), limit: MAX_PAGE };
        let Response::Agents(page) = switch.client.ask(&request)? else { return Err(switch.garbled()) };
        let AgentPage { total, agents, next } = page;
        listed += agents.len();
        text.extend(agents.iter().map(|agent| if json { to_json(agent) } else { line(now.now, agent) }));
        // A faulty answer must not keep us here for ever.
        after = next.filter(|_| !agents.is_empty() && listed < total);
        if after.is_none() {
            break;
        }
    }
    if !json {
        text += &format!("{listed} {}\n", if listed == 1 { "agent" } else { "agents" });
    }
    Ok(text)
}

fn line(now: Wall, agent: &AgentLine) -> String {
    let queues: Vec<String> = agent.queues.iter().map(|queue| shown(queue)).collect();
    let with = match agent.call {
        None => "-".to_owned(),
        Some(call) if agent.caller.reveal().is_empty() => call.to_string(),
        Some(call) => format!("{} ({call})", shown(agent.caller.reveal())),
    };
    let since = |at: Wall| whole_seconds(now.since(at));
    row([
        &shown(&agent.agent),
        &or_dash(shown(&agent.display)),
        &status(agent),
        &since(agent.status_since),
        &state(agent),
        &since(agent.state_since),
        &agent.calls_today.to_string(),
        &or_dash(queues.join(",")),
        &with,
    ])
}

/// `break: lunch`.
fn status(agent: &AgentLine) -> String {
    match (agent.status, &agent.reason) {
        (AgentStatus::Available, _) => "available".to_owned(),
        (AgentStatus::LoggedOut, _) => "logged out".to_owned(),
        (AgentStatus::Break, Some(reason)) => format!("break: {}", shown(reason)),
        (AgentStatus::Break, None) => "break".to_owned(),
    }
}

fn state(agent: &AgentLine) -> String {
    agent.state.replace('_', " ")
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

fn row([agent, name, status, status_for, state, state_for, calls, queues, with]: [&str; 9]) -> String {
    format!(
        "{agent:<10}  {name:<18}  {status:<18}  {status_for:>8}  {state:<10}  {state_for:>8}  {calls:>5}  {queues:<26}  {with}\n"
    )
}

#[cfg(test)]
mod tests {
    use base::Pii;

    use super::*;

    #[test]
    fn a_line_says_what_an_agent_is_and_does_and_since_when() {
        let agent = AgentLine {
            agent: "101".into(),
            display: "Ada Lovelace".to_owned(),
            status: AgentStatus::Break,
            reason: Some("lunch".into()),
            status_since: Wall::from_unix_micros(0),
            state: "in_call".into(),
            state_since: Wall::from_unix_micros(90_000_000),
            call: None,
            caller: Pii::new(String::new()),
            queues: vec!["sales".into(), "billing".into()],
            calls_today: 7,
        };
        let now = Wall::from_unix_micros(120_000_000);
        let words: Vec<String> = line(now, &agent).split("  ").map(str::trim).map(str::to_owned).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
        assert_eq!(
            words,
            ["101", "Ada Lovelace", "break: lunch", "0:02:00", "in call", "0:00:30", "7", "sales,billing", "-"]
        );
    }
}
