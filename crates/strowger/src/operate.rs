//! `strowger status`, `calls`, `registrations`, `hangup`, `reload`, `drain`: asks a running switch, and prints what it says.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::{Client, ClientError, Reloaded};
use base::CallId;
use company::{Files, Visit, visit};
use journal::Carrier;
use switch::control::{CallLine, MAX_PAGE, Page, Place, Registration, Registrations, Request, Response, Status};

use crate::error::Error;
use crate::folder::read_file;

/// Prints how the switch is.
///
/// # Errors
/// If it cannot be asked.
pub(crate) fn status(config: &Path, json: bool) -> Result<(), Error> {
    let mut switch = connect(config)?;
    let Response::Status(status) = switch.client.ask(&Request::Status)? else { return Err(switch.garbled()) };
    if json {
        print(&to_json(&status))
    } else {
        print(&describe(&status))
    }
    Ok(())
}

/// Prints the live calls, a page after the other.
///
/// # Errors
/// If it cannot be asked.
pub(crate) fn calls(config: &Path, json: bool) -> Result<(), Error> {
    let mut switch = connect(config)?;
    let (mut after, mut listed) = (None, 0);
    if !json {
        print(&row(["CALL", "FROM", "TO", "SINCE", "WHERE"]));
    }
    loop {
        let Response::Calls(page) = switch.client.ask(&Request::Calls { after, limit: MAX_PAGE })? else {
            return Err(switch.garbled());
        };
        let Page { calls, next, .. } = page;
        let text: String = calls.iter().map(if json { to_json } else { line }).collect();
        print(&text);
        listed += calls.len();
        // Pages go onwards only, or a faulty answer would keep us here for ever.
        after = next.filter(|next| after.is_none_or(|before| *next > before));
        if after.is_none() {
            break;
        }
    }
    if !json {
        print(&format!("{listed} {}\n", if listed == 1 { "call" } else { "calls" }));
    }
    Ok(())
}

/// Prints the registered contacts, a page after the other.
///
/// # Errors
/// If it cannot be asked.
pub(crate) fn registrations(config: &Path, json: bool) -> Result<(), Error> {
    let mut switch = connect(config)?;
    let (mut after, mut listed) = (None, 0);
    if !json {
        print(&contact_row(["USER", "CONTACT", "BY", "FROM", "LEFT", "Q", "SEEN", "STATE", "PHONE"]));
    }
    loop {
        let request = Request::Registrations { after: after.clone(), limit: MAX_PAGE };
        let Response::Registrations(page) = switch.client.ask(&request)? else { return Err(switch.garbled()) };
        let Registrations { contacts, next, .. } = page;
        let text: String = contacts.iter().map(if json { to_json } else { contact_line }).collect();
        print(&text);
        listed += contacts.len();
        // As with calls, pages go onwards only.
        after = next.filter(|next| after.as_ref().is_none_or(|before| next > before));
        if after.is_none() {
            break;
        }
    }
    if !json {
        print(&format!("{listed} {}\n", if listed == 1 { "contact" } else { "contacts" }));
    }
    Ok(())
}

/// Ends a call.
///
/// # Errors
/// If the switch cannot be asked or has no such call.
pub(crate) fn hangup(config: &Path, call: CallId) -> Result<(), Error> {
    let mut switch = connect(config)?;
    match switch.client.ask(&Request::Hangup { call })? {
        Response::HungUp => {
            print(&format!("{call} hung up\n"));
            Ok(())
        }
        Response::NoSuchCall => Err(Error::NoSuchCall { call }),
        _ => Err(switch.garbled()),
    }
}

/// Has the switch read its configuration again and take it.
///
/// # Errors
/// If it cannot be asked, or the configuration has faults.
pub(crate) fn reload(config: &Path, plan: bool) -> Result<(), Error> {
    let Reloaded { changes, flows } = connect(config)?.client.reload(plan)?;
    let what = if plan { "plan" } else { "reloaded" };
    let flows: String = flows.iter().map(|line| format!("  {line}\n")).collect();
    print(&format!("{what}: {changes}\n{flows}"));
    Ok(())
}

/// Has the switch end in peace.
///
/// # Errors
/// If it cannot be asked.
pub(crate) fn drain(config: &Path, grace_s: Option<u32>) -> Result<(), Error> {
    let mut switch = connect(config)?;
    let Response::Draining { calls, already } = switch.client.ask(&Request::Drain { grace_s })? else {
        return Err(switch.garbled());
    };
    let so_far = if already { " since an earlier request, whose grace time counts" } else { "" };
    print(&format!("draining{so_far}; live calls: {calls}\n"));
    Ok(())
}

/// A running switch, and where it was found.
pub(crate) struct Running {
    /// The connection to it.
    pub client: Client,
    path: PathBuf,
}

impl Running {
    pub fn garbled(&self) -> Error {
        Error::Client(ClientError::Garbled { path: self.path.join(api::SOCKET) })
    }
}

/// Connects to the switch that runs on the folder `config`.
pub(crate) fn connect(config: &Path) -> Result<Running, Error> {
    let path = data_folder(config)?;
    Ok(Running { client: Client::connect(&path)?, path })
}

/// The data folder of the company in the folder `config`.
pub(crate) fn data_folder(config: &Path) -> Result<PathBuf, Error> {
    let mut files = Files::new(config.display().to_string());
    let name = "strowger.yaml";
    if let Visit::Read { limit } = visit(name, false) {
        match read_file(&config.join(name), limit) {
            Ok(bytes) => files.insert(name, bytes),
            Err(source) => return Err(Error::Folder { path: config.to_owned(), source }),
        }
    }
    Ok(config.join(company::data_folder(&files).map_err(Error::Faults)?))
}

fn describe(status: &Status) -> String {
    let up = whole_seconds(status.now.since(status.started));
    let state = if status.draining { "draining: no new calls" } else { "takes calls" };
    let mut text = format!(
        "strowger {}, up {up}: {state}\ncalls     {} of {}\nlegs      {}\nsessions  {}\ncontacts  {} registered\nlamps     {} subscriptions\n",
        shown(&status.version),
        status.calls,
        status.max_calls,
        status.legs,
        status.sessions,
        status.registrations,
        status.subscriptions
    );
    if status.memory_short {
        text += "memory is short: no more calls are taken\n";
    }
    for (what, error) in &status.disk_faults {
        let _ = writeln!(text, "disk fault: {what}: {}", shown(error));
    }
    if status.inconsistencies > 0 {
        let _ = writeln!(
            text,
            "a fault of the program: {} contradictions found (journal: inconsistent)",
            status.inconsistencies
        );
    }
    text.extend(status.switches.iter().map(crate::turn::line));
    for queue in &status.queues {
        let agents = queue.agents;
        let longest = whole_seconds(Duration::from_millis(queue.longest_wait_ms));
        let _ = writeln!(
            text,
            "queue {}: {} waiting (longest {longest}), {} offered; agents: {} idle, {} offered, {} in call, {} wrap-up, \
             {} resting, {} on a break, {} logged out",
            shown(&queue.name),
            queue.waiting,
            queue.offered,
            agents.idle,
            agents.offered,
            agents.in_call,
            agents.wrap_up,
            agents.resting,
            agents.on_break,
            agents.logged_out,
        );
        text.extend(expected(queue));
    }
    text
}

/// How long one waits who joins now, and how good such forecasts were lately.
fn expected(queue: &switch::control::Queue) -> Option<String> {
    let recent = queue.forecasts.recent?;
    let said = match queue.expected_wait_s.map(|range| range.map(|seconds| whole_seconds(Duration::from_secs(seconds))))
    {
        Some([low, high]) => format!("who joins now waits {low} to {high}"),
        None => "how long one waits who joins now is uncertain".to_owned(),
    };
    Some(format!("queue {}: {said}; of 100 such forecasts {recent} were right lately\n", shown(&queue.name)))
}

fn line(call: &CallLine) -> String {
    let place = match &call.place {
        Place::Setup => "being set up".to_owned(),
        Place::Flow { flow, node } => format!("flow {flow}/{node}"),
        Place::Queue { queue } => format!("queue {queue}"),
        Place::Dialling { user } => format!("ringing {user}"),
        Place::Talking { user } => format!("talking to {user}"),
        Place::DiallingOut { number, trunk } => format!("ringing {} via {trunk}", number.reveal()),
        Place::TalkingOut { number, trunk } => format!("talking to {} via {trunk}", number.reveal()),
        Place::Ending => "ending".to_owned(),
    };
    let (id, since) = (call.call.to_string(), call.since.to_string());
    let number = |text: &str| if text.is_empty() { "-".to_owned() } else { shown(text) };
    row([&id, &number(call.from.reveal()), &number(call.to.reveal()), &since, &shown(&place)])
}

fn row([call, from, to, since, place]: [&str; 5]) -> String {
    format!("{call:<14}  {from:<16}  {to:<12}  {since:<24}  {place}\n")
}

fn contact_line(contact: &Registration) -> String {
    let by = match contact.transport {
        Carrier::Udp => "udp",
        Carrier::Tcp => "tcp",
        Carrier::Tls => "tls",
        Carrier::Ws => "ws",
        Carrier::Wss => "wss",
    };
    let (left, source) = (whole_seconds(Duration::from_secs(contact.expires_s)), contact.source.to_string());
    let q = f64::from(contact.q_thousandths) / 1000.0;
    let (user, uri, agent) = (shown(&contact.user), shown(&contact.contact), shown(&contact.agent));
    let seen: String = contact.seen.to_string().chars().skip(11).take(8).collect();
    let state = match (contact.lost, contact.nat, contact.path.is_empty()) {
        (true, ..) => "unreachable",
        (false, true, _) => "NAT",
        (false, false, false) => "by proxy",
        (false, false, true) => "-",
    };
    let agent = if agent.is_empty() { "-" } else { &agent };
    contact_row([&user, &uri, by, &source, &left, &q.to_string(), &seen, state, agent])
}

fn contact_row([user, contact, by, source, left, q, seen, state, agent]: [&str; 9]) -> String {
    format!("{user:<12}  {contact:<36}  {by:<3}  {source:<21}  {left:<7}  {q:<5}  {seen:<8}  {state:<11}  {agent}\n")
}

/// What a caller sent must not steer the terminal that it is shown on.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}

pub(crate) fn whole_seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

pub(crate) fn to_json(value: &impl serde::Serialize) -> String {
    // Our own types have string keys only, so that this cannot fail.
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

/// Prints a table once, or every second.
pub(crate) fn watch_table(
    json: bool,
    watch: bool,
    mut table: impl FnMut() -> Result<String, Error>,
) -> Result<(), Error> {
    loop {
        let text = table()?;
        if !watch {
            print(&text);
            return Ok(());
        }
        let screen = !json && io::stdout().is_terminal();
        print(&format!("{}{text}{}", if screen { CLEAR } else { "" }, if screen || json { "" } else { "\n" }));
        std::thread::sleep(WATCH);
    }
}

/// How often `--watch` looks.
const WATCH: Duration = Duration::from_secs(1);
/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Who reads no further has what he wanted.
pub(crate) fn print(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use base::{Pii, Wall};

    use super::*;

    #[test]
    fn a_line_shows_the_call_and_steers_no_terminal() {
        let call = CallLine {
            call: CallId::from_raw(1),
            from: Pii::new("\u{1b}[2J+49\u{202e}".to_owned()),
            to: Pii::new("1000".to_owned()),
            since: Wall::from_unix_micros(1_795_253_400_000_000),
            place: Place::Flow { flow: "main".into(), node: "menu".into() },
        };
        let line = line(&call);
        assert!(line.contains("?[2J+49?") && line.contains("flow main/menu"), "{line}");
        assert!(line.trim_end().chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{line:?}");
        assert!(line.starts_with("c0000000000001  ") && line.contains("2026-"), "{line}");
    }
}
