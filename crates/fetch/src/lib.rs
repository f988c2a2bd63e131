//! Requests of flows to web servers: asked by a thread of its own, over HTTP/1.1 and TLS.
//!
//! The one contract: [`Fetcher::ask`] never waits; what came of it is handed to the sink, unless it was given up. What a server
//! says is not trusted: an answer has a bound in octets and in time, no redirect is followed, and a connection serves one
//! request. Where it may be asked at all is the configuration's to check. [`Patient`] does the same for a thread that waits;
//! [`dial`] is for those who keep their connections.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a driver: it owns sockets and threads")]

mod dial;
mod patient;
mod request;
#[cfg(test)]
mod tests;

pub use dial::{Undialled, bare, dial};
pub use patient::{Ask, Patient};

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use base::Pii;
use ivr::web::{Failure, Origin, Reply, Request};
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;

/// Requests that are under way at once.
const MAX_REQUESTS: usize = 512;
/// Those of them to one server, so that a slow one leaves the others alone.
const MAX_TO_ONE: usize = 64;
/// Names that are looked up at once. The system's resolver cannot be interrupted: it may go on when a request is long given up.
const MAX_LOOKUPS: usize = 64;

/// Takes the number of a request and what came of it.
type Sink = Arc<dyn Fn(u64, Reply) + Send + Sync>;

/// What headers may hold that is in no file of flows, by name.
pub type Secrets = BTreeMap<Arc<str>, Pii<String>>;

/// The way to the thread that asks. It ends when this is dropped.
#[derive(Debug)]
pub struct Fetcher {
    orders: mpsc::UnboundedSender<Order>,
}

#[derive(Debug)]
enum Order {
    Ask(u64, Box<Request>),
    GiveUp(u64),
    Secrets(Secrets),
}

impl Fetcher {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no thread.
    pub fn start(secrets: Secrets, sink: impl Fn(u64, Reply) + Send + Sync + 'static) -> io::Result<Self> {
        let (orders, ordered) = mpsc::unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let serve = move || {
            runtime.block_on(Desk::new(secrets, Arc::new(sink)).serve(ordered));
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("fetch".to_owned()).spawn(serve)?;
        Ok(Self { orders })
    }

    /// Asks without waiting.
    pub fn ask(&self, id: u64, request: Box<Request>) {
        self.order(Order::Ask(id, request));
    }

    /// Gives a request up: nothing is told of it any more, but for what is on its way to the sink.
    pub fn give_up(&self, id: u64) {
        self.order(Order::GiveUp(id));
    }

    /// Takes other secrets for requests that are still to come.
    pub fn set_secrets(&self, secrets: Secrets) {
        self.order(Order::Secrets(secrets));
    }

    fn order(&self, order: Order) {
        // If the thread has died, each request ends by the time that its flow gives it.
        let _ = self.orders.send(order);
    }
}

/// What all requests go out by.
#[derive(Clone, Debug)]
struct Lines {
    tls: Arc<ClientConfig>,
    lookups: Arc<Semaphore>,
}

impl Lines {
    fn new(roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        // The provider is compiled in with the versions that it has.
        let tls = match versions {
            Ok(builder) => builder.with_root_certificates(roots).with_no_client_auth(),
            Err(error) => unreachable!("the shipped provider has no version of TLS: {error}"),
        };
        Self { tls: Arc::new(tls), lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)) }
    }
}

/// Whom the system trusts.
fn trusted() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// What the thread keeps.
struct Desk {
    secrets: Secrets,
    sink: Sink,
    lines: Lines,
    under_way: HashMap<u64, (Origin, AbortHandle)>,
    by_origin: HashMap<Origin, usize>,
}

impl Desk {
    fn new(secrets: Secrets, sink: Sink) -> Self {
        Self { secrets, sink, lines: Lines::new(trusted()), under_way: HashMap::new(), by_origin: HashMap::new() }
    }

    async fn serve(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let (done, mut ended) = mpsc::unbounded_channel();
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Ask(id, request)) => self.ask(id, *request, &done),
                    Some(Order::GiveUp(id)) => self.forget(id),
                    Some(Order::Secrets(secrets)) => self.secrets = secrets,
                    None => return,
                },
                Some((id, reply)) = ended.recv() => {
                    if self.under_way.contains_key(&id) {
                        self.forget(id);
                        (self.sink)(id, reply);
                    }
                }
            }
        }
    }

    fn ask(&mut self, id: u64, request: Request, done: &mpsc::UnboundedSender<(u64, Reply)>) {
        let to_one = self.by_origin.get(&request.origin).copied().unwrap_or_default();
        if self.under_way.len() >= MAX_REQUESTS || to_one >= MAX_TO_ONE {
            (self.sink)(id, Reply::Failed { status: None, failure: Failure::Refused });
            return;
        }
        let origin = request.origin.clone();
        self.by_origin.insert(origin.clone(), to_one + 1);
        let headers = request::headers(&request, &self.secrets);
        let (lines, done) = (self.lines.clone(), done.clone());
        let task = tokio::spawn(async move {
            let reply = request::answer(&request, headers, &lines).await;
            // Nobody listens once the switch is gone.
            let _ = done.send((id, reply));
        });
        self.under_way.insert(id, (origin, task.abort_handle()));
    }

    fn forget(&mut self, id: u64) {
        let Some((origin, task)) = self.under_way.remove(&id) else { return };
        task.abort();
        if let Some(count) = self.by_origin.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                self.by_origin.remove(&origin);
            }
        }
    }
}
