//! Another configuration for the running switch: read, checked and prepared on a thread of its own, since files may take
//! their time, and handed to the domain thread whole or not at all. One after the other, in the order in which they were
//! asked for.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use ::speech::Speaker;
use api::Reloaded;
use base::Rng;
use company::{Company, NOTHING, Plugin, System, changes, plan};
use journal::Kind;
use routing::PluginName;
use switch::Config;
use tokio::sync::oneshot;

use crate::domain::Input;
use crate::error::Error;
use crate::folder::read_company_again;
use crate::mailbox::Sender;
use crate::passwords;
use crate::plugins::bind;
use crate::run::{own_address_towards, seed};
use crate::speech;
use crate::tls::{Handshakes, Vault};

/// Reloads that may wait while one is under way; whoever asks for more is told to try again.
const WAITING: usize = 4;

/// Where the outcome goes: what is new, or every fault.
type Reply = oneshot::Sender<Result<Reloaded, String>>;

/// Why the files are read.
#[derive(Debug)]
pub(crate) enum Why {
    /// By a signal.
    Signal,
    /// A file changed: nothing is told if that means nothing.
    Change,
    /// An operator asks, and waits.
    Asked(Reply),
    /// An operator asks what would come of it.
    Plan(Reply),
}

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
    /// What decides for its queues.
    pub plugins: BTreeMap<PluginName, Plugin>,
    /// Whether [`Self::system`] says that the folder be watched, for the thread that does.
    pub watch: Arc<AtomicBool>,
    /// What listeners show and believe.
    pub handshakes: Handshakes,
    /// Who speaks.
    pub speaker: Arc<Speaker>,
    /// To the domain thread.
    pub inputs: Sender<Input>,
}

/// The way to the thread that reloads.
#[derive(Clone, Debug)]
pub(crate) struct Reloads(SyncSender<Why>);

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
    /// error and to whoever waits.
    pub fn ask(&self, why: Why) -> bool {
        self.0.try_send(why).is_ok()
    }
}

impl Running {
    fn serve(mut self, requests: &Receiver<Why>) {
        // The last one was refused.
        let mut refused = false;
        for why in requests {
            // Unwind safety: `self.config` is replaced in one step.
            let outcome = catch_unwind(AssertUnwindSafe(|| match &why {
                Why::Plan(_) => self.plan(),
                Why::Change => self.reload(true),
                Why::Signal | Why::Asked(_) => self.reload(false),
            }));
            let outcome = outcome.unwrap_or(Err(Error::Died { thread: "reload" }));
            let reply = match why {
                Why::Plan(reply) => Some(reply),
                Why::Change if matches!(&outcome, Ok(taken) if taken.changes == NOTHING) => {
                    if std::mem::take(&mut refused) {
                        let _ = writeln!(io::stderr().lock(), "strowger: right again, and as before");
                    }
                    None
                }
                Why::Change | Why::Signal => {
                    refused = outcome.is_err();
                    self.tell(&outcome);
                    None
                }
                Why::Asked(reply) => {
                    refused = outcome.is_err();
                    self.tell(&outcome);
                    Some(reply)
                }
            };
            if let Some(reply) = reply {
                // Who has gone meanwhile finds it in the journal.
                let _ = reply.send(outcome.map_err(|error| error.text()));
            }
        }
    }

    fn plan(&self) -> Result<Reloaded, Error> {
        let Company { system, switch: mut config, plugins, .. } = read_company_again(&self.vault.folder, &self.system)?;
        let ready = self.handshakes.prepare(self.vault.settings(&system, &config)?)?;
        // No password is made for a plan.
        let known = self.config.secrets.iter().filter(|(name, _)| config.registers(name));
        config.secrets = known.map(|(name, secret)| (name.clone(), secret.clone())).collect();
        reach(&mut config);
        let (asked, told) = oneshot::channel();
        self.inputs.send(Input::Inside(asked));
        let inside = told.blocking_recv().map_err(|_| Error::NotTaken)?;
        let flows = plan(&self.config.flows, &config.flows, &inside);
        Ok(Reloaded { changes: self.changes(&config, &system, &plugins, ready.len()), flows })
    }

    fn reload(&mut self, only_if_new: bool) -> Result<Reloaded, Error> {
        let Company { system, switch: mut config, plugins, .. } = read_company_again(&self.vault.folder, &self.system)?;
        let ready = self.handshakes.prepare(self.vault.settings(&system, &config)?)?;
        Arc::make_mut(&mut config.flows).share(&self.config.flows);
        let (config, unspoken) = prepare(config, &self.data, (&self.speaker, &system))?;
        let mut changes = self.changes(&config, &system, &plugins, ready.len());
        if only_if_new && changes == NOTHING {
            return Ok(Reloaded { changes, flows: Vec::new() });
        }
        if !unspoken.is_empty() {
            changes += &format!("; {unspoken}");
        }
        let servers = (system.dns != self.system.dns).then(|| system.dns.clone());
        let secrets = (system.secrets != self.system.secrets).then(|| system.secrets.clone());
        let (taken, is_taken) = oneshot::channel();
        self.inputs.send(Input::Reconfigure {
            config: Arc::clone(&config),
            servers,
            secrets,
            plugins: bind(&config, &plugins, &self.vault)?,
            changes: changes.clone(),
            taken,
        });
        let inside = is_taken.blocking_recv().map_err(|_| Error::NotTaken)?;
        let flows = plan(&self.config.flows, &config.flows, &inside);
        self.system.dns = system.dns;
        self.system.secrets = system.secrets;
        self.system.watch = system.watch;
        self.system.speech = system.speech;
        self.watch.store(self.system.watch, Ordering::Relaxed);
        // What the old one held and no call holds is given back here, not on the domain thread.
        self.config = config;
        self.plugins = plugins;
        // Live connections keep what they began with.
        ready.into_iter().for_each(|(tls, ready)| tls.replace(ready));
        Ok(Reloaded { changes, flows })
    }

    /// What is new, in few words.
    fn changes(
        &self,
        config: &Config,
        system: &System,
        plugins: &BTreeMap<PluginName, Plugin>,
        certificates: usize,
    ) -> String {
        let mut told = vec![changes(&self.config, config)];
        told.retain(|told| told != NOTHING);
        if certificates > 0 {
            told.push(format!("TLS of listeners: {certificates} changed"));
        }
        for (what, same) in [
            ("dns", system.dns == self.system.dns),
            ("secrets", system.secrets == self.system.secrets),
            ("watch", system.watch == self.system.watch),
            ("speech", system.speech == self.system.speech),
            ("plugins", *plugins == self.plugins),
        ] {
            if !same {
                told.push(format!("{what} changed"));
            }
        }
        if told.is_empty() { NOTHING.to_owned() } else { told.join("; ") }
    }

    fn tell(&self, outcome: &Result<Reloaded, Error>) {
        let mut out = io::stderr().lock();
        // Nobody reads a standard error that is closed; the journal has it, too.
        match outcome {
            Ok(taken) => drop(writeln!(out, "strowger: reloaded: {}", taken.changes)),
            Err(error) => {
                let _ = writeln!(out, "{}strowger: not reloaded; what was there before holds", error.text());
                let (faults, first) = error.faults();
                self.inputs.send(Input::Notice(Kind::ReloadRefused { faults, first }));
            }
        }
    }
}

/// Adds to a configuration what only the system knows: passwords, from where each peer is reached, and how the texts of its
/// flows sound, as they are spoken from now on. Says what of them could not be spoken.
///
/// # Errors
/// If the passwords cannot be read or kept.
pub(crate) fn prepare(
    mut config: Config,
    data: &std::path::Path,
    (speaker, system): (&Speaker, &System),
) -> Result<(Arc<Config>, String), Error> {
    passwords::give(&mut config, data, &mut Rng::from_seed(seed()?))?;
    reach(&mut config);
    speaker.set(speech::settings(system));
    let unspoken = speech::prepare(&mut config, speaker);
    Ok((Arc::new(config), unspoken))
}

fn reach(config: &mut Config) {
    for peer in config.peers_mut() {
        peer.reached_at = own_address_towards(peer.address);
    }
}
