//! The command line.

pub(crate) mod operate;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::hours::MAX_DAYS;
use crate::turn::Deed;
use base::CallId;
use clap::{Args, Parser, Subcommand};
use phone::Key;
use sip::Transport;
use sip_message::{AnyUri, Scheme, Uri};

/// What the program is asked to do.
#[derive(Debug, Parser)]
#[command(
    name = "strowger",
    version,
    about = "A contact-centre softswitch: answers calls, plays menus, queues callers, connects agents, records.",
    after_help = "\
A first call, on one machine:
  strowger check --config config     says whether the configuration is right
  strowger run --config config       prints `listening udp ADDRESS` and `ready`
  strowger call sip:1000@127.0.0.1   calls it; so does any SIP phone.

What it writes (journal, call records, recordings) lies in the folder that `data:` in strowger.yaml names.
A running switch is asked by `status`, `calls`, `registrations`, `trunks`, `queues`, `agents`, `callbacks`, `explain`, `switch`, `hangup`, `trace --follow`, `reload` and `drain`, over a socket in that folder, which obeys root and
the user that the switch runs as. Their exit codes: 0 done; 1 refused (no such call, not allowed), or no configuration;
2 a fault of usage or of the machine; 3 no switch runs, or it does not answer.
Signals: SIGTERM or SIGINT once: no new calls, live ones may end in peace for `calls.grace`; twice: ends at once.
SIGHUP: as `reload`."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub task: Task,
}

/// The program's tasks.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Runs the switch
    ///
    /// Reads and checks the configuration first; nothing starts with a fault in it. Prints one line a listener
    /// (`listening udp 127.0.0.1:5060`) and then `ready`; what goes wrong later stands in the journal.
    Run {
        /// The folder that holds strowger.yaml
        #[arg(long, value_name = "DIR", default_value = "config")]
        config: PathBuf,
    },
    /// Says whether a configuration is right
    ///
    /// Prints every fault with file, line, column and remedy; with `--number`, what the rules of trunks make of a number, too.
    /// Exit code 0: it can run; 1: it has faults, or no such trunk.
    Check {
        /// The folder that holds strowger.yaml
        #[arg(long, value_name = "DIR", default_value = "config")]
        config: PathBuf,
        /// A number that comes or goes by a trunk, as it is written there or as the switch has it
        #[arg(long)]
        number: Option<String>,
        /// That trunk; without it, all
        #[arg(long, requires = "number", value_name = "NAME")]
        trunk: Option<String>,
        /// Prints faults and notes as JSON, each with file, line, column and length, for build servers and editors
        #[arg(long, conflicts_with = "number")]
        json: bool,
    },
    /// Says when the company is open: how its calendars stand at a time, and each change of the days behind it
    ///
    /// Reads hours.yaml with the rest of the configuration, in the time zone of each calendar; a running switch is not
    /// asked, so emergency switches count as off.
    Hours {
        /// The calendar; without it, all
        calendar: Option<String>,
        /// The time, as 2026-12-24T10:00 or 2026-12-24 [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// How many days of changes are shown, up to 400
        #[arg(long, value_name = "DAYS", default_value = "14", value_parser = clap::value_parser!(u16).range(0..=i64::from(MAX_DAYS)))]
        days: u16,
        /// The folder that holds strowger.yaml
        #[arg(long, value_name = "DIR", default_value = "config")]
        config: PathBuf,
    },
    /// Calls a number of any switch, as a phone
    ///
    /// Tells what happens with the seconds since the start, and at the end what the media carried and how loud it was.
    /// Speaks SIP over UDP, TCP or TLS, with PCMU and PCMA.
    Call(Box<Call>),
    /// Plays a contact centre's day, or scenarios of single phones, on a virtual clock and network
    ///
    /// A centre's file names a company's folder and says who calls how often, how patient callers are, how long they talk, who works
    /// when, and what goes wrong; the real switch plays it, faster than time. Prints calls, service level, waits and occupancy by
    /// queue and hour. A scenario of phones says who does what when, and what must come of it, in a small company of its own.
    /// Nothing is sent. Exit code 0: all hold; 1: an invariant or an expectation does not, or a file is wrong; 2: a file cannot
    /// be read.
    Sim(crate::sim::Sim),
    /// Runs the tests of flows: calls that are written as YAML, played without a phone
    ///
    /// Tests lie in `tests/*.yaml` beside the flows and say what a call meets, what the caller does, and what must come of it. What
    /// fails is told with its place, what was expected, what came and the way there; then how much of each flow was covered. Exit
    /// code 0: all pass; 1: one fails, or a file is wrong; 2: a file cannot be read.
    Test(crate::test::Test),
    /// Lets you be the caller of a flow, in the terminal
    ///
    /// Tells what is said and takes what you do, a line each: digits, `.` for silence, `hangup`, how queues and dials end, `help`.
    /// Nobody is called, and no time is waited for.
    Try {
        /// The flow that the call begins in, or a number that leads to it
        #[arg(value_name = "FLOW")]
        flow: String,
        /// The number that calls
        #[arg(long, value_name = "NUMBER")]
        caller: Option<String>,
        /// The time on the clocks of the calendars and of the company, such as 2026-12-24T10:00 [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Calls of that number earlier on that day, the last one an hour ago
        #[arg(long, value_name = "COUNT", default_value_t = 0)]
        repeat: u32,
        /// The folder that holds strowger.yaml
        #[arg(long, value_name = "DIR", default_value = "config")]
        config: PathBuf,
    },
    /// Draws flows: nodes, and the keys and outcomes that lead from one to the next
    ///
    /// As Mermaid, which many web pages draw, or for Graphviz: `strowger graph main --format dot | dot -Tsvg > main.svg`. Flows with
    /// faults are drawn, too, with what `check` says at the nodes; of one that cannot be read the faults are printed. Exit code 0: all
    /// are drawn; 1: one is not, or there is none of a name.
    Graph {
        /// Which flows [default: all]
        #[arg(value_name = "FLOW")]
        flows: Vec<String>,
        /// What it is written in
        #[arg(long, value_enum, default_value = "mermaid")]
        format: crate::graph::Format,
        /// The folder that holds strowger.yaml
        #[arg(long, value_name = "DIR", default_value = "config")]
        config: PathBuf,
    },
    /// Prints a JSON Schema by which editors complete, explain and check a kind of file
    ///
    /// Draft 2020-12. Editors with the YAML language server (VS Code, Neovim, Emacs and others) read it where the file begins with
    /// `# yaml-language-server: $schema=flow.schema.json`, the name of a file that holds what this printed.
    Schema {
        /// Which kind of file
        #[arg(value_enum, default_value = "flow", value_name = "KIND")]
        kind: crate::schema::FileKind,
    },
    /// Shows how the running switch is: calls, queues, agents
    Status {
        #[command(flatten)]
        at: operate::At,
        /// Prints one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Lists the live calls
    ///
    /// One line a call: its id, from, to, since when, and where it is (flow and node, queue, whose phone rings, with whom
    /// it talks). Numbers stand there in clear.
    Calls {
        #[command(flatten)]
        at: operate::At,
        /// Prints one JSON object a call
        #[arg(long)]
        json: bool,
    },
    /// Lists who is registered, and where
    ///
    /// One line a contact: the user, the URI that his calls go to, the transport, the address that it was registered
    /// from, the time left, its preference, when it was heard of last (UTC), `NAT` if it sits behind one, `unreachable` if it
    /// did not answer when asked and is not rung, and what the phone says it is.
    Registrations {
        #[command(flatten)]
        at: operate::At,
        /// Prints one JSON object a contact
        #[arg(long)]
        json: bool,
    },
    /// Shows the trunks: whether they live, whether we are registered there, their calls, what went wrong last
    ///
    /// One line a trunk, and below it one for each of its last failures.
    Trunks {
        #[command(flatten)]
        at: operate::At,
        /// Prints one JSON object a trunk
        #[arg(long)]
        json: bool,
    },
    /// Shows the agents: what they say of themselves, what they do; and logs them in and out, pauses them
    ///
    /// One line an agent: his name, his status (available, on a break with its reason, logged out) and for how long; what he
    /// does (idle, offered, in call, reserved, wrap up, resting) and for how long; calls of queues that he answered today; his
    /// queues; the caller and call that he has. Numbers stand there in clear. What a command changes stands in the journal with who gave
    /// it. Exit code 1: no such agent or reason, or he cannot be that.
    Agents(crate::agents::Agents),
    /// Lists who is to be called back, and takes callbacks back
    ///
    /// One line a callback: its name (the id of the call in which it was promised), the number, the queue whose agents call, since when he
    /// waits (UTC), the attempts that are left, and what he waits for. Numbers stand there in clear. Exit code 1: there is no callback of
    /// that name.
    Callbacks(crate::callbacks::Callbacks),
    /// Writes, builds, checks, tests and measures a routing plugin, without a switch
    ///
    /// crates/routing/README.md takes you from nothing to a queue that a plugin of yours decides for. `plugins` shows those that a
    /// running switch asks.
    Plugin {
        #[command(subcommand)]
        deed: crate::plugin::Deed,
    },
    /// Shows the plugins that decide for queues of the running switch, and how they fare
    ///
    /// One line a plugin: whether it is asked or rests after failures; how often it was asked, decided, failed, and was not asked as it
    /// rested; the mean and longest time of its answers; the queues that ask it. Below it its failures by what was wrong, and the last
    /// one. Counts are since the start.
    Plugins(crate::plugin_list::Plugins),
    /// Shows the queues: who waits, who could serve them, and the figures of today
    ///
    /// One line a queue: calls that wait or ring and the longest wait; agents who are free, busy (offered, in a call, after one,
    /// resting) and on a break; and of the calls that joined today how many there were, were answered and abandoned, the service
    /// level by both formulas, ASA, AHT, and the occupancy of the queue's agents. What each means stands in config/README.md under
    /// “Figures”.
    Queues(crate::queues::Queues),
    /// Explains what was decided about a call: who was asked, who else there was, and why not
    ///
    /// From the journal: where the call waited, each offer with the decision's reason, the candidates with their scores, those who
    /// could not be asked counted by reason, and how it ended. Of a call that waits now the running switch says why nobody has it,
    /// and what it waits for. Numbers stand there in clear. Exit code 1: no such call.
    Explain(crate::explain::Explain),
    /// Tells the figures of a span: service level, ASA, AHT, abandons, occupancy
    ///
    /// From the journal, by queue, agent, hour or day, be it that a switch runs or not. What each figure means stands in
    /// config/README.md under “Figures”. Calls count where they joined the queue, the time of agents by the clock; in time is what
    /// queues.yaml says now.
    Report(crate::report::Report),
    /// Shows emergency switches, and turns them
    ///
    /// A switch that is on closes the calendars that name it in hours.yaml, from the next caller on, until somebody turns it
    /// off; it stays as it is over a restart. Who turned it and why is shown by `status`, and stands in the journal. Exit code 1: no such switch.
    Switch {
        /// The switch; without it, all are shown
        name: Option<String>,
        /// What to do with it
        #[arg(value_enum, default_value = "show")]
        deed: Deed,
        /// Why, for those who look later
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
        #[command(flatten)]
        at: operate::At,
        /// Prints one JSON object a switch
        #[arg(long)]
        json: bool,
    },
    /// Lists, exports and deletes voice messages
    ///
    /// Works on the files in the data folder, be it that a switch runs or not; one that runs has the lamps of phones follow. Numbers
    /// stand there in clear. Exit code 1: no such message.
    Voicemail {
        #[command(subcommand)]
        deed: crate::voicemail::Deed,
        #[command(flatten)]
        at: operate::At,
    },
    /// Ends a live call
    ///
    /// Hangs up on everybody in it. Its record says `system`, its journal the cause `operator`.
    Hangup {
        /// The call's id, as `strowger calls` lists it
        #[arg(value_parser = operate::call_id)]
        call: CallId,
        #[command(flatten)]
        at: operate::At,
    },
    /// Has the running switch read its configuration again, while calls live
    ///
    /// The switch checks it first and takes it whole or, if there is a fault in it, not at all: then every fault is printed
    /// with its place and remedy, and the old one holds. Live calls go on. It prints what is new and, for each flow that
    /// changed, which of its nodes, and how many callers are inside. SIGHUP does the same, as does a changed file if
    /// strowger.yaml says `watch: true`; what came of it stands in the journal. Exit code 0: taken; 1: it has faults.
    Reload {
        /// Only says what is new and who is inside; nothing is taken
        #[arg(long)]
        plan: bool,
        #[command(flatten)]
        at: operate::At,
    },
    /// Shows what a call said on the wire: a ladder of its SIP messages
    ///
    /// Participants are columns, messages are arrows with their time; what was sent again is counted, and session descriptions
    /// are summed up. Numbers, names, digits and texts are masked unless `--clear` is asked for by root or the user that
    /// the switch runs as; credentials always are. Exit code 1: nothing is kept of such a call.
    Trace(Box<Trace>),
    /// Ends the switch in peace: no new calls (503), and its end when the live ones are over
    ///
    /// As SIGTERM does, with a grace time of choice. Returns at once; the switch ends when its calls have.
    Drain {
        /// How long live calls may go on before they are hung up, such as 20s, 5m or 1h [default: `calls.grace`]
        #[arg(long, value_name = "TIME", value_parser = operate::grace)]
        grace: Option<u32>,
        #[command(flatten)]
        at: operate::At,
    },
}

/// `strowger trace`: which messages, and how they are shown.
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// The call's id, as `strowger calls`, journal and CDRs have it, or a SIP Call-ID
    #[arg(required_unless_present = "follow")]
    pub call: Option<String>,
    /// Shows messages as they come and go, also those that belong to no call; until Ctrl-C
    #[arg(long, conflicts_with = "call")]
    pub follow: bool,
    /// With --follow: only dialogs in which somebody calls from this user or number
    #[arg(long, value_name = "NUMBER", requires = "follow")]
    pub from: Option<String>,
    /// Shows numbers, names, digits and texts
    #[arg(long)]
    pub clear: bool,
    /// Shows the messages whole, behind the ladder
    #[arg(long)]
    pub full: bool,
    /// Writes a capture for Wireshark instead, each message in a UDP datagram
    #[arg(long, value_name = "FILE", conflicts_with_all = ["follow", "full"])]
    pub pcap: Option<PathBuf>,
    #[command(flatten)]
    pub at: operate::At,
}

/// `strowger call`: whom, and what to do in the call.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  strowger call sip:1000@127.0.0.1                           listens until the other side hangs up
  strowger call sip:1000@127.0.0.1 --press 3,,4711#          presses 3, waits 2 s, presses 4711#
  strowger call sip:1000@pbx.example --user 105 --transport tcp   asked who it is, it answers with STROWGER_PASSWORD
  strowger call sip:1000@pbx.example:5080 --hold 10 --play hello.wav --record both.wav
  strowger call sips:1000@pbx.example --srtp                 nobody on the way reads SIP or hears the audio

Ctrl-C hangs up, or gives up while it rings; twice: ends at once.

Exit code: 0 answered and ended by either side; 1 refused, with code and reason, or answered with media that cannot be
met; 2 wrong usage, or this machine lacks what the call needs; 3 no answer: nobody there, rung for too long, given up,
or the other side vanished.")]
pub(crate) struct Call {
    /// Whom to call: sip:USER@HOST[:PORT]
    #[arg(value_name = "URI", value_parser = target)]
    pub target: Uri,
    /// What to press once it is answered: 0-9, *, #, A-D, and a comma for a pause of 1 s
    ///
    /// Sent by RFC 4733, the first half a second after the answer, four a second.
    #[arg(long, value_name = "DIGITS", value_parser = keys, allow_hyphen_values = true)]
    pub press: Option<Keys>,
    /// A WAV file (16 bits, mono, 8 or 16 kHz) to play once it is answered, again and again
    #[arg(long, value_name = "FILE")]
    pub play: Option<PathBuf>,
    /// A WAV file to record to, from the first audio on: left what is received, right what is sent
    ///
    /// It can be read at any moment. A file of this name is replaced.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Hangs up so many seconds after the answer; else the other side must
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub hold: Option<Duration>,
    /// Gives up after so many seconds without an answer
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub ring: Duration,
    /// Who calls: the user part of From [default: USER, else strowger]
    #[arg(long, value_name = "NAME")]
    pub from: Option<String>,
    /// Who to be if the other side asks (401, 407), by digest: MD5 or SHA-256
    #[arg(long, value_name = "USER", requires = "password")]
    pub user: Option<String>,
    /// The password of USER
    ///
    /// As an argument every user of this machine can see it; from the environment they cannot.
    #[arg(long, value_name = "PASSWORD", env = "STROWGER_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// What carries SIP [default: `transport` of the URI, else udp]; sips: goes by tls in any case
    #[arg(long, value_name = "udp|tcp|tls", value_parser = transport, hide_default_value = true)]
    pub transport: Option<Transport>,
    /// With TLS: a PEM file with those who may vouch for HOST [default: whom this machine believes]
    ///
    /// The certificate must be for HOST, be that a name or an address.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Encrypts the audio (SRTP with keys in SDP), or there is no call
    ///
    /// The keys are as secret as what carries SIP: over udp and tcp, whoever reads it can listen.
    #[arg(long)]
    pub srtp: bool,
    /// The address to call from: IP or IP:PORT; else the one that leads to HOST, and any port
    #[arg(long, value_name = "ADDR", value_parser = local)]
    pub local: Option<SocketAddr>,
}

impl Call {
    /// The user part of From.
    pub fn from(&self) -> &str {
        self.from.as_deref().or(self.user.as_deref()).unwrap_or("strowger")
    }

    /// What carries SIP.
    pub fn transport(&self) -> Transport {
        if self.target.scheme() == Scheme::Sips {
            return Transport::Tls;
        }
        let in_uri = self.target.param("transport").and_then(|name| transport(&name).ok());
        self.transport.or(in_uri).unwrap_or_default()
    }
}

/// What is pressed; a type of its own, as clap takes a bare list for an option that may be given many times.
#[derive(Clone, Debug)]
pub(crate) struct Keys(pub Vec<Key>);

/// Reads the URI that is called.
fn target(text: &str) -> Result<Uri, String> {
    let uri = match text.parse::<AnyUri>() {
        Ok(AnyUri::Sip(uri)) => uri,
        Ok(_) => return Err("only sip: and sips: can be called".to_owned()),
        Err(error) => return Err(format!("{error}; a SIP URI looks like sip:1000@127.0.0.1")),
    };
    if let Some(name) = uri.param("transport")
        && transport(&name)? == Transport::Udp
        && uri.scheme() == Scheme::Sips
    {
        return Err("sips: goes over TLS; leave out the transport".to_owned());
    }
    if !uri.raw_headers().is_empty() {
        return Err("header fields in the URI (after `?`) are not sent; leave them out".to_owned());
    }
    Ok(uri)
}

fn transport(text: &str) -> Result<Transport, String> {
    let known = Transport::by_name(text).filter(|transport| transport.can_be_opened());
    known.ok_or_else(|| "transports are udp, tcp and tls".to_owned())
}

fn keys(text: &str) -> Result<Keys, String> {
    Key::parse_all(text).map(Keys).map_err(|error| error.to_string())
}

/// The longest time that can be asked for: a day.
const MAX_SECONDS: f64 = 86_400.0;

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse::<f64>().ok().filter(|seconds| (0.0..=MAX_SECONDS).contains(seconds));
    number.map(Duration::from_secs_f64).ok_or_else(|| "not a number of seconds from 0 to 86400".to_owned())
}

fn local(text: &str) -> Result<SocketAddr, String> {
    let with_port = text.parse::<SocketAddr>().ok();
    with_port
        .or_else(|| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 0)))
        .ok_or_else(|| "neither IP nor IP:PORT".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn only_sip_is_called_and_the_rest_is_told_why() {
        assert!(target("sip:1000@127.0.0.1:5080").is_ok());
        assert!(target("sip:1000@example.org;transport=udp").is_ok());
        for (text, why) in [
            ("sips:1000@127.0.0.1;transport=udp", "over TLS"),
            ("tel:+4930", "only sip:"),
            ("1000@127.0.0.1", "looks like"),
            ("sip:1000@127.0.0.1;transport=sctp", "udp, tcp and tls"),
            ("sip:1000@127.0.0.1?Subject=x", "header fields"),
        ] {
            assert!(target(text).is_err_and(|told| told.contains(why)), "{text}: {:?}", target(text));
        }
    }

    fn call(arguments: &[&str]) -> Result<Box<Call>, clap::Error> {
        let all = ["strowger", "call"].into_iter().chain(arguments.iter().copied());
        Cli::try_parse_from(all).map(|cli| match cli.task {
            Task::Call(call) => call,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_transport_is_the_options_else_the_uris_else_udp() {
        let transport = |arguments: &[&str]| call(arguments).unwrap().transport();
        assert_eq!(transport(&["sip:1@h"]), Transport::Udp);
        assert_eq!(transport(&["sip:1@h;transport=TCP"]), Transport::Tcp);
        assert_eq!(transport(&["sip:1@h;transport=tcp", "--transport", "udp"]), Transport::Udp);
        assert_eq!(transport(&["sip:1@h", "--transport", "tls"]), Transport::Tls);
        assert_eq!(transport(&["sips:1@h", "--transport", "udp"]), Transport::Tls);
        assert_eq!(transport(&["sips:1@h;transport=tcp"]), Transport::Tls);
        assert!(call(&["sip:1@h", "--transport", "sctp"]).is_err());
    }

    #[test]
    fn a_user_needs_a_password_and_calls_in_his_own_name() {
        assert!(call(&["sip:1@h", "--user", "105"]).is_err());
        let named = call(&["sip:1@h", "--user", "105", "--password", "x"]).unwrap();
        assert_eq!(named.from(), "105");
        assert_eq!(call(&["sip:1@h"]).unwrap().from(), "strowger");
    }

    #[test]
    fn seconds_and_addresses_are_read() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert!(seconds("-1").is_err() && seconds("nan").is_err() && seconds("1e9").is_err());
        assert_eq!(local("127.0.0.1"), Ok(([127, 0, 0, 1], 0).into()));
        assert_eq!(local("127.0.0.1:5070"), Ok(([127, 0, 0, 1], 5070).into()));
        assert!(local("localhost").is_err());
    }
}
