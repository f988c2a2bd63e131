//! `strowger run`: starts the drivers around the switch, and ends them.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use api::{Api, Post, Query};
use base::{Day, Rng};
use company::{Company, System};
use fetch::Fetcher;
use journal::kpi::KpiFold;
use media::{Media, Sinks};
use net::dns::Dns;
use net::tcp::{Layer, Origins};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sip::Transport;
use storage::{Notice, Storage, TracePort};
use switch::{Setup, Switch};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::domain::{Domain, Drops, End, Input};
use crate::error::Error;
use crate::fault::{Guard, watch_panics};
use crate::folder::read_company;
use crate::listener::{Listener, Sink};
use crate::mailbox::{Receiver, Sender, mailbox};
use crate::memory::{self, Memory};
use crate::plugins::{Lanes, bind as bind_all, restore_states};
use crate::reload::{Reloads, Running, Why, prepare};
use crate::speech;
use crate::tls::{Handshakes, Vault};
use crate::watch::watch_folder;

/// Inputs that may wait for the domain thread: about a second of the heaviest load. What comes on top is dropped by
/// the drivers that can (datagrams, which SIP sends again, and those of strangers long before: `listener`), and waited for
/// by those that cannot.
const INPUTS: usize = 65_536;

/// Longer than packets of a call that is over linger in a network.
const PORT_REST: Duration = Duration::from_secs(5);

/// Runs the company in `folder` until a signal ends it.
///
/// # Errors
/// Whatever keeps the switch from starting.
pub(crate) fn run(folder: &Path) -> Result<(), Error> {
    let Company { system, switch, plugins, .. } = read_company(folder)?;
    watch_panics();
    memory::keep_little();
    raise_descriptor_limit();
    let clock = Clock::start();
    let data = system.data_folder(folder);
    let (inputs_tx, inputs) = mailbox(INPUTS);
    let vault = Vault { folder: folder.to_owned() };
    let handshakes = Handshakes::new(vault.settings(&system, &switch)?)?;
    let mut listeners = bind(&system, &handshakes)?;
    let mut storage = start_storage(&data, system.traces, inputs_tx.clone())?;
    // Storage holds the folder's lock by now, so that a socket that lies there is nobody's.
    let api = Api::bind(&data, system.metrics)?;
    let speaker = Arc::new(speech::start(&system, &data)?);
    let (config, unspoken) = prepare(switch, &data, (&speaker, &system))?;
    speech::tell(&unspoken);
    let watch = Arc::new(AtomicBool::new(system.watch));
    let inputs_of_reload = inputs_tx.clone();
    let running = Running {
        vault,
        data,
        system,
        config,
        plugins,
        watch: Arc::clone(&watch),
        handshakes,
        speaker,
        inputs: inputs_of_reload,
    };
    let domain = wire(&running, clock, &listeners, inputs, &mut storage)?;
    let reloads = Reloads::start(running)?;
    watch_folder(folder, watch, reloads.clone())?;
    for listener in &mut listeners {
        listener.start(&Sink::new(&inputs_tx, Input::Sip))?;
    }
    let (ended_tx, ended) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("domain".to_owned())
        .spawn(move || {
            let end = domain.run();
            // Nobody listens any more if a second signal came first.
            let _ = ended_tx.send(());
            end
        })
        .map_err(|source| Error::System { what: "thread", source })?;
    let (metrics, traces) = (api.metrics_address(), storage.trace_port());
    let ready = || announce(&listeners, metrics);
    // Without these there is nothing that the others could do; those of media threads the domain thread looks after.
    let dead = || match (listeners.iter().all(Listener::is_running), storage.is_running()) {
        (false, _) => Some("listener's"),
        (true, false) => Some("storage"),
        (true, true) => None,
    };
    wait(api, (&inputs_tx, &reloads, &traces), ended, ready, dead)?;
    drop(listeners);
    match thread.join() {
        Ok(End::Asked) => {
            if storage.stop() {
                Ok(())
            } else {
                Err(Error::Unwritten)
            }
        }
        // Storage is not stopped in order: the next start closes the books of the calls that were cut.
        Ok(End::MediaDied) => Err(Error::Died { thread: "media" }),
        Ok(End::Faulty) => Err(Error::Faulty),
        Err(_) => Err(Error::Died { thread: "domain" }),
    }
}

/// A leg takes up to two descriptors, so the usual 1,024 would end at some hundred calls.
fn raise_descriptor_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // If it is refused, calls beyond the limit are answered with 503.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

fn start_storage(data: &Path, traces: trace::Traces, inputs: Sender<Input>) -> Result<Storage, Error> {
    let config = storage::Config { traces, ..storage::Config::new(data) };
    // A writer may wait for the domain thread, which never waits for it.
    let notify = move |notice| {
        tell(&notice);
        inputs.send(Input::Storage(notice));
    };
    Ok(Storage::start(&config, notify)?)
}

/// Says on standard error what a journal on a disk that fails cannot.
fn tell(notice: &Notice) {
    let mut out = io::stderr().lock();
    // Nobody reads a standard error that is closed.
    let _ = match notice {
        Notice::DiskFault { what, error } => writeln!(out, "strowger: disk fault: {what}: {error}"),
        Notice::DiskWell { what } => writeln!(out, "strowger: disk well again: {what}"),
        _ => Ok(()),
    };
}

fn bind(system: &System, handshakes: &Handshakes) -> Result<Vec<Listener>, Error> {
    let bound = system.listeners.iter().zip(&handshakes.0).zip(0u16..).map(|((listener, tls), index)| {
        let origins = || Arc::new(listener.origins.clone().map_or(Origins::Any, Origins::These));
        let layer = match (listener.transport, tls) {
            (Transport::Udp, _) => None,
            (Transport::Wss, Some(tls)) => Some(Layer::Wss(Arc::clone(tls), origins())),
            (Transport::Ws | Transport::Wss, _) => Some(Layer::Ws(origins())),
            (Transport::Tcp | Transport::Tls, Some(tls)) => Some(Layer::Tls(Arc::clone(tls))),
            (Transport::Tcp | Transport::Tls, None) => Some(Layer::Plain),
        };
        Listener::bind(index, layer, listener.address, system.is_ipv6_only(listener))
    });
    Ok(bound.collect::<Result<_, _>>()?)
}

/// Makes the switch and its drivers, and puts them together.
fn wire(
    running: &Running,
    clock: Clock,
    listeners: &[Listener],
    inputs: Receiver<Input>,
    storage: &mut Storage,
) -> Result<Domain, Error> {
    let Running { system, config, data, inputs: inputs_tx, .. } = running;
    let told: Vec<sip::Listener> = listeners
        .iter()
        .zip(&system.listeners)
        .map(|(listener, config)| {
            let local = listener.local();
            let transport = listener.transport();
            sip::Listener { transport, local, advertised: config.advertise.map(|_| config.advertised(local)) }
        })
        .collect();
    let sip = sip::StackConfig::new(concat!("Strowger/", env!("CARGO_PKG_VERSION")), told);
    let setup = Setup {
        sip,
        node: 0,
        version: env!("CARGO_PKG_VERSION").into(),
        strategy: None,
        rng: Rng::from_seed(seed()?),
        charges: storage::charges_of(data, Day::of(clock.now().wall)),
    };
    let mut switch = Switch::new(clock.now(), Arc::clone(config), setup);
    let left = storage.take_left();
    restore_figures(&mut switch, clock, data);
    switch.restore_switches(left.switches);
    if config.flows.ask_for_repeats() {
        // A day of the company's zone lies in two of UTC at most.
        let today = Day::of(clock.now().wall);
        switch.restore_callers(storage::callers_of(data, &[today.before(), today]));
    }
    if config.queues.iter().any(|queue| queue.method.patience_ms.is_some()) {
        switch.restore_acquaintances(storage::talks_of(data, &last_days(clock), KNOWN));
    }
    restore_states(&mut switch, config, data, clock.now().wall);
    switch.restore_mailboxes(left.mailboxes);
    switch.restore_agents(clock.now(), left.agents);
    switch.restore(clock.now(), left.locations, left.unreadable);
    switch.restore_callbacks(clock.now(), left.callbacks);
    switch.trace();
    Ok(Domain {
        clock,
        switch,
        inputs,
        senders: listeners.iter().filter_map(|listener| listener.sender(&Sink::new(inputs_tx, Input::Sip))).collect(),
        media: start_media(&system.media, inputs_tx, storage)?,
        journal: storage.journal(),
        takes: storage.take_port(),
        traces: storage.trace_port(),
        strangers: VecDeque::new(),
        records: storage.records(),
        drops: Drops::new(listeners.iter().filter_map(Listener::dropped).collect()),
        guard: Guard::default(),
        memory: Memory::open(),
        dns: start_dns(system, inputs_tx)?,
        fetcher: start_fetcher(system, inputs_tx)?,
        lanes: Lanes::start(bind_all(config, &running.plugins, &running.vault)?, inputs_tx.clone())?,
        handshakes: running.handshakes.clone(),
        speaker: Arc::clone(&running.speaker),
        inputs_tx: inputs_tx.clone(),
    })
}

/// What the journal has of today is counted on. If it cannot be read, figures begin anew: calls come in all the same.
fn restore_figures(switch: &mut Switch, clock: Clock, data: &Path) {
    let now = clock.now();
    // A day of the company's zone lies in two of UTC at most.
    let days = Day::of(now.wall).before()..=Day::of(now.wall);
    switch.restore_figures(now, |figures| {
        let wanted = |head: storage::Head<'_>| KpiFold::wants(head.event);
        let _ = storage::read_journal(data, days, RESTORED, wanted, |event| figures.feed(&event));
    });
}

/// Days whose records say who talked with whom.
fn last_days(clock: Clock) -> Vec<Day> {
    std::iter::successors(Some(Day::of(clock.now().wall)), |day| Some(day.before())).take(7).collect()
}

/// Octets of records that a start reads for that, from the end: a few seconds.
const KNOWN: u64 = 1 << 29;

/// Octets of the journal that a start reads back for figures, from its end: a second or so.
const RESTORED: u64 = 1 << 30;

/// The address of this machine from which `remote` is reached, so that the phone there is told an address that it can
/// answer to, though our sockets may be bound to all. Nothing is sent to find that out.
pub(crate) fn own_address_towards(remote: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(remote).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn start_dns(system: &System, inputs: &Sender<Input>) -> Result<Dns, Error> {
    let inputs = inputs.clone();
    // The thread that asks may wait for the domain thread, which never waits for it.
    let sink = move |id, answer| inputs.send(Input::Answer { id, answer });
    Ok(Dns::start(system.dns.clone(), own_address_towards, sink)?)
}

fn start_fetcher(system: &System, inputs: &Sender<Input>) -> Result<Fetcher, Error> {
    let inputs = inputs.clone();
    // As with the DNS: the domain thread never waits for the one that asks.
    let sink = move |id, reply| inputs.send(Input::Fetched { id, reply });
    Fetcher::start(system.secrets.clone(), sink).map_err(Error::Fetch)
}

fn start_media(wanted: &company::Media, inputs: &Sender<Input>, storage: &Storage) -> Result<Media, Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let config = media::Config {
        threads: wanted.threads.unwrap_or(cores),
        bind: wanted.bind,
        ports: wanted.first_port..=wanted.last_port,
        port_rest: PORT_REST,
        dscp: wanted.dscp,
        rtp_timeout: wanted.silence,
        seed: seed()?,
    };
    Ok(Media::start(config, |_thread| {
        let inputs = inputs.clone();
        Sinks {
            events: Box::new(move |event| match inputs.try_send(Input::Media(event)) {
                Err(Input::Media(event)) => Err(event),
                // Sent, as nothing else than what was given can come back.
                _ => Ok(()),
            }),
            takes: Box::new(storage.chunk_port()),
        }
    })?)
}

/// A seed from the system's generator.
pub(crate) fn seed() -> Result<[u8; 32], Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Error::System { what: "randomness", source: io::Error::other(error) })?;
    Ok(seed)
}

/// The lines that scripts wait for. A closed standard output keeps no call from coming in.
fn announce(listeners: &[Listener], metrics: Option<SocketAddr>) {
    let mut out = io::stdout().lock();
    for listener in listeners {
        let _ = writeln!(out, "listening {} {}", listener.transport().name(), listener.local());
    }
    if let Some(address) = metrics {
        let _ = writeln!(out, "listening metrics {address}");
    }
    let _ = writeln!(out, "ready");
    let _ = out.flush();
}

/// Serves operators and waits for signals: SIGHUP reloads; of the others the first drains, the second ends at once. Says
/// that all is `ready` once none of them is missed. Returns when all calls have ended, or when a thread is `dead`.
fn wait(
    api: Api,
    (inputs, reloads, traces): (&Sender<Input>, &Reloads, &TracePort),
    mut ended: oneshot::Receiver<()>,
    ready: impl FnOnce(),
    dead: impl Fn() -> Option<&'static str>,
) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::System { what: "event loop", source })?;
    runtime.block_on(async {
        let (to_domain, to_reload, to_trace) = (inputs.clone(), reloads.clone(), traces.clone());
        let post: Post = Arc::new(move |query| match query {
            Query::Reload { plan: false, reply } => to_reload.ask(Why::Asked(reply)),
            Query::Reload { plan: true, reply } => to_reload.ask(Why::Plan(reply)),
            Query::Watch(watch) => to_trace.watch(watch),
            query => to_domain.try_send(Input::Control(query)).is_ok(),
        });
        let serving = api.start(&post).map_err(|source| Error::System { what: "event loop", source })?;
        let no_signals = |source| Error::System { what: "signals", source };
        let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(no_signals)?;
        ready();
        let mut asked = false;
        loop {
            tokio::select! {
                _ = &mut ended => break,
                () = tokio::time::sleep(LOOK) => match dead() {
                    Some(thread) => return Err(Error::Died { thread }),
                    None => continue,
                },
                _ = hangup.recv() => {
                    // If there is no room, as many as that are still to read the files, and will find what is new.
                    let _ = reloads.ask(Why::Signal);
                    continue;
                }
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if asked {
                std::process::exit(EXIT_AT_ONCE);
            }
            asked = true;
            // Nobody reads a standard error that is closed.
            let _ = writeln!(
                io::stderr().lock(),
                "strowger: ending; live calls may go on for `calls` › `grace`, and a second signal cuts them off"
            );
            inputs.send(Input::Drain);
        }
        // Whoever asked for the end shall hear that it comes.
        serving.finish(LAST_ANSWERS).await;
        Ok(())
    })
}

/// How often threads are looked after.
const LOOK: Duration = Duration::from_secs(1);

/// How long operators may take their last answers.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// The exit code after a second signal: calls were cut off.
const EXIT_AT_ONCE: i32 = 3;
