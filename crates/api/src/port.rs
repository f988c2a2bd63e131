//! The way from clients to the domain thread, and to whoever reads the configuration.

use std::sync::Arc;
use std::time::Duration;

use switch::PluginState;
use switch::control::{QueueLine, Request, Response, Status, TrunkCount};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::protocol::{ErrorCode, Failure, Reloaded};

/// How long the domain thread may take. It takes microseconds; what is longer is a fault, and told as one.
const PATIENCE: Duration = Duration::from_secs(5);

/// A question to the domain thread or, where it says so, to the program.
#[derive(Debug)]
pub enum Query {
    /// To the switch.
    Control {
        /// What.
        request: Request,
        /// Where the answer goes.
        reply: oneshot::Sender<Response>,
    },
    /// To the switch and its drivers.
    Figures {
        /// Where the answer goes.
        reply: oneshot::Sender<Box<Figures>>,
    },
    /// To the program: the configuration is to be read again and taken, whole or not at all.
    Reload {
        /// It is only to be told what would come of it.
        plan: bool,
        /// Where the outcome goes: what is new, or every fault.
        reply: oneshot::Sender<Result<Reloaded, String>>,
    },
    /// To whoever sees all messages: one more wants to see them.
    Watch(trace::Watch),
}

/// How long the files of a configuration may take to be read, from a disk that stalls.
pub(crate) const READING: Duration = Duration::from_secs(60);

/// Hands a query to whom it is for without waiting; false if there is no room.
pub type Post = Arc<dyn Fn(Query) -> bool + Send + Sync>;

/// What is counted, by the switch and by its drivers.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// How the switch is.
    pub status: Status,
    /// Every queue with what is counted of it.
    pub queues: Vec<QueueLine>,
    /// The plugins that decide for queues.
    pub plugins: Vec<PluginState>,
    /// Calls that ended since the start, by the disposition of their CDR.
    pub ended: Vec<(&'static str, u64)>,
    /// Calls from and to trunks.
    pub trunks: Vec<TrunkCount>,
    /// The SIP stack's counts.
    pub sip: sip::Counters,
    /// What became of the requests whose senders were to prove themselves.
    pub digest: sip::digest::Outcomes,
    /// The media threads' counts.
    pub media: MediaFigures,
    /// What got lost between threads, by its kind.
    pub drops: Vec<(&'static str, u64)>,
    /// Handshakes of TLS and WebSocket that failed, by listener and by why.
    pub handshakes: Vec<(String, Vec<(&'static str, u64)>)>,
}

/// Counts of the media threads since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct MediaFigures {
    /// Ticks of 20 ms, over all threads.
    pub ticks: u64,
    /// Ticks that began late.
    pub late_ticks: u64,
    /// Ticks that were left out.
    pub skipped_ticks: u64,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The domain thread has too much to do.
    Busy,
    /// It is about to end, or stands still.
    Gone,
}

/// Asks the switch.
pub(crate) async fn ask(post: &Post, request: Request) -> Result<Response, Unanswered> {
    let (reply, answer) = oneshot::channel();
    exchange(post, Query::Control { request, reply }, answer).await
}

/// Asks for all figures.
pub(crate) async fn figures(post: &Post) -> Result<Box<Figures>, Unanswered> {
    let (reply, answer) = oneshot::channel();
    exchange(post, Query::Figures { reply }, answer).await
}

/// Has the configuration read again and, but for a `plan`, taken.
pub(crate) async fn reload(post: &Post, plan: bool) -> Result<Reloaded, Failure> {
    let (reply, answer) = oneshot::channel();
    if !post(Query::Reload { plan, reply }) {
        return Err(Unanswered::Busy.into());
    }
    match timeout(READING, answer).await {
        Ok(Ok(outcome)) => outcome.map_err(|report| Failure::new(ErrorCode::Faulty, report)),
        Ok(Err(_)) => Err(Unanswered::Gone.into()),
        Err(_) => {
            Err(Failure::new(ErrorCode::Busy, "the files are still being read; the journal will tell the outcome"))
        }
    }
}

async fn exchange<T>(post: &Post, query: Query, answer: oneshot::Receiver<T>) -> Result<T, Unanswered> {
    if !post(query) {
        return Err(Unanswered::Busy);
    }
    match timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(Unanswered::Gone),
    }
}
