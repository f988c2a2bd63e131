//! Services that decide, asked over HTTP: JSON by the schemas of crate `routing`, over connections that are kept.
//!
//! [`Web`] is the thread that all of them share, [`Service`] one of them with its connections, [`Asker`] the face of it that a
//! queue's thread has; that thread waits, the caller's time-out at most. `connection.rs` makes connections, `pool.rs` keeps them,
//! `exchange.rs` asks one question over one of them.

mod connection;
mod exchange;
mod pool;

use std::io;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use base::Pii;
use bytes::Bytes;
use ivr::web::Origin;
use routing::{Decision, MAX_STATE, Outcome, Snapshot};
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot};

use crate::decide::within_bounds;
use crate::{Decide, Fault};
use pool::Pool;

/// The most octets of an answer.
const MAX_ANSWER: usize = 64 << 10;

/// Names that are looked up at once.
const MAX_LOOKUPS: usize = 16;

/// Where a service is, and how it is asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Scheme, host and port.
    pub origin: Origin,
    /// The path, maybe with a query. Begins with `/`.
    pub path: String,
    /// Whom TLS believes, and what it shows of us; used if the scheme is `https`.
    pub tls: Arc<ClientConfig>,
    /// What requests are signed with, if they are.
    pub key: Option<Pii<String>>,
    /// The most questions that may be under way to it at once, of all queues.
    pub outstanding: usize,
}

/// The thread that asks all services. It ends when this is dropped.
#[derive(Debug)]
pub struct Web {
    runtime: Handle,
    lookups: Arc<Semaphore>,
    _end: oneshot::Sender<()>,
}

impl Web {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no thread.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let serve = move || {
            // Whether it is told or dropped, it is the end.
            let _ = runtime.block_on(ended);
            // A look-up of a name that hangs is not waited for.
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("plugins-http".to_owned()).spawn(serve)?;
        Ok(Self { runtime: handle, lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)), _end: end })
    }

    /// A service. Its first connection is made at once.
    #[must_use]
    pub fn service(&self, mut settings: Settings) -> Service {
        Arc::make_mut(&mut settings.tls).alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let line = Arc::new(Line {
            runtime: self.runtime.clone(),
            lookups: Arc::clone(&self.lookups),
            free: Arc::new(Semaphore::new(settings.outstanding)),
            pool: Pool::new(&settings),
            settings,
        });
        Pool::warm(&line);
        Service(line)
    }
}

/// A service, with its connections. They are closed when the last clone of this is dropped.
#[derive(Clone, Debug)]
pub struct Service(Arc<Line>);

/// A [`Service`] that lives only as long as somebody asks it.
#[derive(Clone, Debug)]
pub struct Known(Weak<Line>);

/// What a service and what is under way to it share.
#[derive(Debug)]
struct Line {
    runtime: Handle,
    lookups: Arc<Semaphore>,
    settings: Settings,
    free: Arc<Semaphore>,
    pool: Pool,
}

impl PartialEq for Service {
    /// The same one, not one like it.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Service {
    /// For whoever wants to find it as long as it is there.
    #[must_use]
    pub fn known(&self) -> Known {
        Known(Arc::downgrade(&self.0))
    }

    /// Waits for a connection, and says how the two speak: `HTTP/2 over TLS 1.3`, `HTTP/1.1`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn connect(&self, limit: Duration) -> Result<String, Fault> {
        let line = Arc::clone(&self.0);
        self.wait(limit, async move {
            let connection = Pool::lease(&line).await?;
            let spoken = connection.about.spoken.clone();
            Pool::give_back(&line, connection);
            Ok(spoken)
        })
    }

    /// Asks, and waits for the answer. `once`: it must not be asked twice, whatever becomes of the connection.
    fn ask(&self, body: Bytes, limit: Duration, once: bool) -> Result<Bytes, Fault> {
        let leave = Arc::clone(&self.0.free).try_acquire_owned().map_err(|_| Fault::Busy)?;
        let line = Arc::clone(&self.0);
        self.wait(limit, async move {
            let answer = exchange::ask(&line, &body, once).await;
            drop(leave);
            answer
        })
    }

    /// Has the thread do it, and waits for what comes of that.
    fn wait<T: Send + 'static>(
        &self,
        limit: Duration,
        deed: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let (tell, told) = sync_channel(1);
        let due = Instant::now() + limit;
        self.0.runtime.spawn(async move {
            let answer = tokio::time::timeout_at(due.into(), deed).await;
            // Nobody waits any more if the thread was late.
            let _ = tell.send(answer.unwrap_or(Err(Fault::Deadline(limit))));
        });
        // The thread keeps the time; should it have died, nobody waits for it.
        told.recv().unwrap_or(Err(Fault::Busy))
    }
}

impl Known {
    /// The service, if somebody asks it still.
    #[must_use]
    pub fn find(&self) -> Option<Service> {
        self.0.upgrade().map(Service)
    }
}

/// A service, as one queue asks it.
#[derive(Debug)]
pub struct Asker {
    service: Service,
    deadline: Duration,
}

impl Asker {
    /// Asks `service`, which has so long for each answer.
    #[must_use]
    pub const fn new(service: Service, deadline: Duration) -> Self {
        Self { service, deadline }
    }
}

/// What a service answers, but for a decision.
#[derive(Deserialize)]
struct Said {
    declined: Option<String>,
    state: Option<String>,
}

impl Decide for Asker {
    fn decide(&mut self, snapshot: &Snapshot, parameters: &str) -> Result<Decision, Fault> {
        let snapshot = json(snapshot)?;
        let question = format!(r#"{{"ask":"decide","parameters":{parameters},"snapshot":{snapshot}}}"#);
        let answer = self.service.ask(question.into(), self.deadline, false)?;
        let decision: Decision = match serde_json::from_slice(&answer) {
            Ok(decision) => decision,
            Err(error) => {
                let said = serde_json::from_slice::<Said>(&answer).ok().and_then(|said| said.declined);
                return Err(said.map_or_else(|| Fault::Answer(error.to_string()), Fault::Declined));
            }
        };
        within_bounds(decision)
    }

    fn told(&mut self, outcomes: &[Outcome], state: Option<&str>, parameters: &str) -> Result<Option<String>, Fault> {
        let (outcomes, state) = (json(outcomes)?, json(&state)?);
        let question = format!(r#"{{"ask":"told","outcomes":{outcomes},"parameters":{parameters},"state":{state}}}"#);
        let answer = self.service.ask(question.into(), self.deadline, true)?;
        if answer.is_empty() {
            return Ok(None);
        }
        let said: Said = serde_json::from_slice(&answer).map_err(|error| Fault::Answer(error.to_string()))?;
        match said.state {
            Some(state) if state.len() > MAX_STATE => Err(Fault::TooLarge(MAX_STATE)),
            state => Ok(state),
        }
    }
}

/// As JSON, which all types of the contract can be written as.
fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Answer(error.to_string()))
}
