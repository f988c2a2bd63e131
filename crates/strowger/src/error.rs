//! Why the program cannot do what it was asked to.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use api::ClientError;

/// Why the program ends without having done its task.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A plugin that the configuration names cannot be run.
    #[error("the plugin `{plugin}` cannot be run: {why}")]
    Plugin {
        /// Its name.
        plugin: String,
        /// Why.
        why: String,
    },
    /// A strategy that is built in cannot be named.
    #[error("the strategy `{name}` cannot be used: {why}")]
    Strategy {
        /// Its name.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// A file or a service is no plugin, or none that decides.
    #[error("{what}: no plugin: {why}")]
    NoPlugin {
        /// Which.
        what: String,
        /// Why.
        why: String,
    },
    /// What a plugin was to be named is no name.
    #[error("{} is no name of a plugin: lower-case letters, digits and `-`, a letter first, such as `gold-first`", name.escape_debug())]
    NoPluginName {
        /// What was given, or the folder by which it would be named.
        name: String,
    },
    /// What was to be written is there already.
    #[error("{} is there already; choose another name, or take it away", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// A folder has nothing of which a plugin could be made.
    #[error("{} has nothing to build: a plugin has Cargo.toml of a `cdylib`, strategy.py or strategy.js; `strowger plugin new` writes one", folder.display())]
    NoSource {
        /// Which.
        folder: PathBuf,
    },
    /// A plugin was not built yet.
    #[error("{} is not there; `strowger plugin build {}` makes it", path.display(), folder.display())]
    NotBuilt {
        /// Its component.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// A service is asked where it listens.
    #[error("{} is a service: start it, and name its URL with --plugin", folder.display())]
    NoUrl {
        /// Its folder.
        folder: PathBuf,
    },
    /// The configuration has no such plugin.
    #[error("there is no plugin {plugin} in {}; it has {}", folder.display(), if known.is_empty() { "none" } else { known })]
    NoSuchPlugin {
        /// Which.
        plugin: String,
        /// The configuration's folder.
        folder: PathBuf,
        /// Those there are.
        known: String,
    },
    /// An option does not go with what it stands beside.
    #[error("{0}")]
    Option(String),
    /// A tool that is needed is not there.
    #[error("{tool} is not there; install it: {remedy}")]
    NoTool {
        /// Which.
        tool: String,
        /// How.
        remedy: &'static str,
    },
    /// A tool found a fault, which stands above.
    #[error("{tool} made nothing; its words stand above")]
    NotMade {
        /// Which.
        tool: String,
    },
    /// The journals have no decision with what it went by, or no call that can be played again.
    #[error("nothing is recorded there{}: write `record_decisions: true` to a queue that has no plugin, or name other journals", queue.as_ref().map_or_else(String::new, |queue| format!(" of the queue `{queue}`")))]
    NothingRecorded {
        /// The queue that was asked for.
        queue: Option<String>,
    },
    /// The configuration has faults.
    #[error("{0}")]
    Faults(company::Report),
    /// The configuration's folder cannot be read.
    #[error("cannot read the folder {path}: {source}; name the one that holds strowger.yaml with --config")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A listener cannot work.
    #[error(transparent)]
    Net(#[from] net::NetError),
    /// The thread that asks web servers cannot start.
    #[error("cannot start the thread that asks web servers: {0}")]
    Fetch(io::Error),
    /// The data folder cannot be written.
    #[error(transparent)]
    Storage(#[from] storage::StartError),
    /// The media threads cannot start.
    #[error(transparent)]
    Media(#[from] media::MediaError),
    /// A host's name has no address, or none that can be reached from here.
    #[error("cannot reach {host}: {source}")]
    Host {
        /// Its name.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file to play is no prompt.
    #[error("cannot play {}: {source}; {}", path.display(), source.remedy(&path.to_string_lossy()))]
    Sound {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: audio::AudioError,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of certificates or keys cannot be used.
    #[error("{}: {source}", path.display())]
    Tls {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: net::tls::TlsError,
    },
    /// The TLS library takes none of it.
    #[error("TLS cannot work: {0}")]
    Handshakes(net::tls::TlsError),
    /// There is no port for audio.
    #[error("no port for audio is free from {0} to {1}")]
    NoPort(u16, u16),
    /// The control socket or the port for metrics cannot work.
    #[error(transparent)]
    Api(#[from] api::ApiError),
    /// The running switch cannot be asked.
    #[error(transparent)]
    Client(#[from] api::ClientError),
    /// The running switch has no such call.
    #[error("no such call: {call}; `strowger calls` lists those that live")]
    NoSuchCall {
        /// Which.
        call: base::CallId,
    },
    /// The configuration has no such trunk.
    #[error("there is no trunk {}; `trunks` in strowger.yaml has them", trunk.escape_debug())]
    NoSuchTrunk {
        /// Which.
        trunk: String,
    },
    /// The configuration has no such calendar.
    #[error("there is no calendar {}; hours.yaml has {}", calendar.escape_debug(), if known.is_empty() { "none" } else { known })]
    NoSuchCalendar {
        /// Which.
        calendar: String,
        /// Those there are.
        known: String,
    },
    /// What was given as a time is none.
    #[error("{} is no time; write one as 2026-12-24T10:00, or a date as 2026-12-24", text.escape_debug())]
    NoTime {
        /// What was given.
        text: String,
    },
    /// There is no such voice message.
    #[error("there is no message {} in the mailbox {}; `strowger voicemail list` shows which there are", message.escape_debug(), mailbox.escape_debug())]
    NoSuchMessage {
        /// The mailbox.
        mailbox: String,
        /// The message.
        message: String,
    },
    /// The running switch has no such emergency switch.
    #[error("there is no switch {}; hours.yaml has {}", switch.escape_debug(), if known.is_empty() { "none" } else { known })]
    NoSuchSwitch {
        /// Which.
        switch: String,
        /// Those there are.
        known: String,
    },
    /// Nobody is to be called back by that name.
    #[error("there is no callback {}; `strowger callbacks` lists them", callback.escape_debug())]
    NoSuchCallback {
        /// Which.
        callback: String,
    },
    /// The running switch has no such agent.
    #[error("there is no agent {}; `strowger agents` shows those there are, `agents` of queues in queues.yaml names them", agent.escape_debug())]
    NoSuchAgent {
        /// Whom.
        agent: String,
    },
    /// There is no such reason for a break.
    #[error("there is no break {}; `breaks` in queues.yaml has {}", reason.escape_debug(), if known.is_empty() { "none" } else { known })]
    NoSuchReason {
        /// Which.
        reason: String,
        /// Those there are.
        known: String,
    },
    /// Nothing of that name comes of calls.
    #[error("there is no disposition {}; `dispositions` in queues.yaml has {}", code.escape_debug(), if known.is_empty() { "none" } else { known })]
    NoSuchDisposition {
        /// Which.
        code: String,
        /// Those there are.
        known: String,
    },
    /// An agent cannot be what he was to be.
    #[error("agent {} stays what he is: {why}", agent.escape_debug())]
    AgentStays {
        /// Whom.
        agent: String,
        /// Why, in words.
        why: String,
    },
    /// The configuration has no such flow.
    #[error("there is no flow {}{}", flow.escape_debug(), near.as_ref().map_or_else(|| "; `flows/` has them".to_owned(), |near| format!("; did you mean {near}?")))]
    NoSuchFlow {
        /// Which.
        flow: String,
        /// One of nearly that name.
        near: Option<String>,
    },
    /// A report is of one file, and several were named.
    #[error("{} is the report of one scenario; name one file alone with --report", path.display())]
    OneReport {
        /// The report.
        path: PathBuf,
    },
    /// There is nothing to test.
    #[error("there are no tests in {}; a file of them is `NAME.yaml` there", folder.display())]
    NoTests {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// Nothing is kept of a call.
    #[error(
        "no message of {call} is kept; `strowger calls` lists live calls, the journal and the CDRs those that are over \
         (`trace` in strowger.yaml says what is kept)"
    )]
    NoTrace {
        /// What was asked for.
        call: String,
    },
    /// Personal data is not for everybody.
    #[error("only root and the user that the switch runs as may see personal data; leave `--clear` out")]
    NotInClear,
    /// The switch has ended in order, but the disk did not take all of its books.
    #[error(
        "the last events and records were not written, as the disk takes nothing; the next start closes the books of their calls"
    )]
    Unwritten,
    /// The switch is about to end, or met a fault of its own on the way.
    #[error("the switch did not take the new configuration; its journal says why")]
    NotTaken,
    /// A thread without which there is nothing to do panicked; its place stands above.
    #[error("the {thread} thread died; this is a fault of the program, please report it")]
    Died {
        /// Which.
        thread: &'static str,
    },
    /// The switch met too many faults of its own.
    #[error("too many faults of the program, whose places stand above; please report them")]
    Faulty,
    /// The system has no randomness or no thread for us.
    #[error("the system gives no {what}: {source}")]
    System {
        /// What is missing.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Says to people what is wrong.
    pub fn print(&self) {
        eprint!("{}", self.text());
    }

    /// What is wrong, in lines. Faults of a configuration stand as they are; all else begins like them.
    pub fn text(&self) -> String {
        match self {
            Self::Faults(report) => report.to_string(),
            Self::Client(ClientError::Faulty { report }) => report.clone(),
            other => format!("strowger: error: {other}\n"),
        }
    }

    /// How many faults these are, and the first of them in one line.
    pub fn faults(&self) -> (u64, String) {
        let count = match self {
            Self::Faults(report) => u64::try_from(report.faults.len()).unwrap_or(u64::MAX),
            _ => 1,
        };
        (count, self.text().lines().next().unwrap_or_default().to_owned())
    }

    /// 1 for faults that an operator mends in the configuration and for what a running switch refuses, 3 if no switch
    /// answers, 2 for what the machine does not allow.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Faults(_) | Self::Folder { .. } | Self::NoSuchCall { .. } => ExitCode::from(1),
            Self::NoTrace { .. }
            | Self::NotInClear
            | Self::NoSuchTrunk { .. }
            | Self::NoSuchCalendar { .. }
            | Self::NoSuchSwitch { .. }
            | Self::NoSuchAgent { .. }
            | Self::NoSuchCallback { .. }
            | Self::NoSuchReason { .. }
            | Self::NoSuchDisposition { .. }
            | Self::AgentStays { .. }
            | Self::NoSuchMessage { .. }
            | Self::NoSuchFlow { .. }
            | Self::NoTests { .. }
            | Self::NoPlugin { .. }
            | Self::NoPluginName { .. }
            | Self::Exists { .. }
            | Self::NoSource { .. }
            | Self::NotBuilt { .. }
            | Self::NoUrl { .. }
            | Self::NoSuchPlugin { .. }
            | Self::NotMade { .. } => ExitCode::from(1),
            Self::Client(ClientError::Refused { .. } | ClientError::NotAllowed { .. } | ClientError::Faulty { .. }) => {
                ExitCode::from(1)
            }
            Self::Client(_) => ExitCode::from(3),
            _ => ExitCode::from(2),
        }
    }
}
