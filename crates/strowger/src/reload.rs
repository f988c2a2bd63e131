//! Another configuration for the running switch: read, checked and prepared on a thread of its own, since files may take
//! their time, and handed to the domain thread whole or not at all. One after the other, in the order in which they were
//! asked for.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use api::Reloaded;
use base::Rng;
use company::{System, changes};
use journal::Kind;
use switch::Config;
use tokio::sync::oneshot;

use crate::domain::Input;
use crate::error::Error;
use crate::folder::read_company_again;
use crate::mailbox::Sender;
use crate::passwords;
use crate::run::{own_address_towards, seed};
use crate::tls::{Handshakes, Vault};

/// Reloads that may wait while one is under way; whoever asks for more is told to try again.
const WAITING: usize = 4;

/// Where the outcome goes: what is new, or every fault.
type Reply = oneshot::Sender<Result<Reloaded, String>>;

/// What the switch runs on, and where another configuration is read from and goes to.
pub(crate) struct Running {
    /// The folder that is read, and its certificates.
    pub vault: Vault,
    /// The data folder, which has the passwords.
    pub data: PathBuf,
    /// What cannot change before a restart, but for the DNS servers.
    pub system: System,
    /// What the switch has now.
    pub config: Arc<Config>,
    /// What listeners show and believe.
    pub handshakes: Handshakes,
    /// To the domain thread.
    pub inputs: Sender<Input>,
}

/// The way to the thread that reloads.
#[derive(Clone, Debug)]
pub(crate) struct Reloads(SyncSender<Option<Reply>>);

impl Reloads {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has none.
    pub fn start(running: Running) -> Result<Self, Error> {
        let (requests, received) = sync_channel(WAITING);
        std::thread::Builder::new()
            .name("reload".to_owned())
            .spawn(move || running.serve(&received))
            .map_err(|source| Error::System { what: "thread", source })?;
        Ok(Self(requests))
    }

    /// Asks for a reload without waiting; false if too many are asked for. The outcome is told to the journal, to standard
    /// error and to `reply`.
    pub fn ask(&self, reply: Option<Reply>) -> bool {
        self.0.try_send(reply).is_ok()
    }
}

impl Running {
    fn serve(mut self, requests: &Receiver<Option<Reply>>) {
        for reply in requests {
            // Unwind safety: `self.config` is replaced in one step.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.reload()));
            let outcome = outcome.unwrap_or(Err(Error::Died { thread: "reload" }));
            self.tell(&outcome);
            if let Some(reply) = reply {
                let told = outcome.map(|changes| Reloaded { changes }).map_err(|error| error.text());
                // Who has gone meanwhile finds it in the journal.
                let _ = reply.send(told);
            }
        }
    }

    fn reload(&mut self) -> Result<String, Error> {
        let company = read_company_again(&self.vault.folder, &self.system)?;
        let ready = self.handshakes.prepare(self.vault.settings(&company.system, &company.switch)?)?;
        let mut config = company.switch;
        Arc::make_mut(&mut config.flows).share(&self.config.flows);
        let config = prepare(config, &self.data)?;
        let mut changes = changes(&self.config, &config);
        if !ready.is_empty() {
            changes += &format!("; TLS of listeners: {} changed", ready.len());
            changes = changes.replace("nothing changed", "nothing else changed");
        }
        let servers = (company.system.dns != self.system.dns).then(|| company.system.dns.clone());
        if servers.is_some() {
            changes += "; dns changed";
        }
        let changes = changes.strip_prefix("nothing changed; ").unwrap_or(&changes).to_owned();
        let (taken, is_taken) = oneshot::channel();
        self.inputs.send(Input::Reconfigure { config: Arc::clone(&config), servers, changes: changes.clone(), taken });
        is_taken.blocking_recv().map_err(|_| Error::NotTaken)?;
        self.system.dns = company.system.dns;
        // What the old one held and no call holds is given back here, not on the domain thread.
        self.config = config;
        // Live connections keep what they began with.
        ready.into_iter().for_each(|(tls, ready)| tls.replace(ready));
        Ok(changes)
    }

    fn tell(&self, outcome: &Result<String, Error>) {
        let mut out = io::stderr().lock();
        // Nobody reads a standard error that is closed; the journal has it, too.
        match outcome {
            Ok(changes) => drop(writeln!(out, "strowger: reloaded: {changes}")),
            Err(error) => {
                let _ = writeln!(out, "{}strowger: not reloaded; what was there before holds", error.text());
                let (faults, first) = error.faults();
                self.inputs.send(Input::Notice(Kind::ReloadRefused { faults, first }));
            }
        }
    }
}

/// Adds to a configuration what only the system knows: passwords, and from where each peer is reached.
///
/// # Errors
/// If the passwords cannot be read or kept.
pub(crate) fn prepare(mut config: Config, data: &std::path::Path) -> Result<Arc<Config>, Error> {
    passwords::give(&mut config, data, &mut Rng::from_seed(seed()?))?;
    for peer in config.peers_mut() {
        peer.reached_at = own_address_towards(peer.address);
    }
    Ok(Arc::new(config))
}
