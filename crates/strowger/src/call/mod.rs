//! `strowger call`: drives the machine `phone` with one socket, one media thread and the terminal.
//!
//! `report` words for what happens · `recording` the WAV file and the way of recorded audio to it.

mod recording;
mod report;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use audio::Prompt;
use base::Rng;
use leg::Chunk;
use media::{Media, Sinks};
use net::Received;
use net::tcp::Layer;
use net::tls::{Authorities, Settings, Tls};
use phone::{Ending, Outcome, Phone, Plan, Setup};
use sip::digest::Credentials;
use sip::{Flow, StackConfig, Transport};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Call;
use crate::clock::Clock;
use crate::error::Error;
use crate::listener::{Listener, Sender, Sink};
use crate::mailbox::{self, mailbox};
use crate::run::{own_address_towards, seed};
use recording::{ChunkSink, Recording};

/// Inputs that may wait.
const INPUTS: usize = 4096;
/// The longest sleep, when the machine has no timer.
const IDLE: Duration = Duration::from_secs(1);
/// Ports for audio: clear of those that a switch on the same machine uses by default.
const PORTS: (u16, u16) = (40_000, 48_000);
/// How long nothing may be received before it is told.
const SILENCE: Duration = Duration::from_secs(5);
/// Expedited forwarding (RFC 4594 section 4.1).
const DSCP: u8 = 46;

/// Everything that reaches the phone.
#[derive(Debug)]
enum Input {
    Sip(Received),
    Media(leg::Event),
    Audio(Chunk),
    /// A signal: hang up.
    HangUp,
}

/// Places the call and sees it through. The exit code says how it came out.
///
/// # Errors
/// What this machine lacks for the call: an address, a port, a file.
pub(crate) fn call(request: &Call) -> Result<ExitCode, Error> {
    let play = request.play.as_deref().map(read_prompt).transpose()?;
    let recording = request.record.as_deref().map(Recording::create).transpose()?;
    let (inputs_tx, inputs) = mailbox(INPUTS);
    let remote = resolve(request)?;
    let mut listener = bind(request, remote)?;
    let transport = listener.transport();
    let flow = Flow { transport, connection: None, listener: 0, local: local_of(&listener, remote), remote };
    let sink = Sink::new(&inputs_tx, Input::Sip);
    let sender = listener.sender(&sink);
    listener.start(&sink)?;
    let media = start_media(flow, &inputs_tx)?;
    hang_up_on_signal(inputs_tx)?;
    let own = sip::Listener { transport, local: listener.local(), advertised: None };
    let sip = StackConfig::new(concat!("Strowger/", env!("CARGO_PKG_VERSION")), vec![own]);
    let plan = Plan {
        target: request.target.clone(),
        from: request.from().to_owned(),
        keys: request.press.clone().map(|keys| keys.0).unwrap_or_default(),
        play,
        srtp: request.srtp,
        ring: request.ring,
        hold: request.hold,
    };
    let credentials = request.user.as_deref().zip(request.password.as_deref());
    let credentials = credentials.map(|(user, password)| Credentials::new(user, password));
    let phone = Phone::new(plan, Setup { sip, flow, credentials, rng: Rng::from_seed(seed()?) });
    let desk = Desk { clock: Clock::start(), phone, media, flow, sender, inputs, recording };
    desk.run()
}

/// The phone with its drivers.
struct Desk {
    clock: Clock,
    phone: Phone,
    media: Media,
    flow: Flow,
    /// None only if the listener had started before.
    sender: Option<Sender>,
    inputs: mailbox::Receiver<Input>,
    recording: Option<Recording>,
}

impl Desk {
    fn run(mut self) -> Result<ExitCode, Error> {
        let mut inputs = Vec::new();
        loop {
            self.flush();
            if let Some(outcome) = self.phone.outcome() {
                return self.conclude(&outcome);
            }
            if !self.media.is_running() {
                return Err(Error::Died { thread: "media" });
            }
            let now = self.clock.now().monotonic;
            let sleep = self.phone.poll_timeout().map_or(IDLE, |due| due.since(now).min(IDLE));
            self.inputs.take_all(&mut inputs, sleep);
            for input in inputs.drain(..) {
                self.take(input)?;
            }
            let now = self.clock.now();
            if self.phone.poll_timeout().is_some_and(|due| due <= now.monotonic) {
                self.phone.handle_timeout(now);
            }
        }
    }

    fn take(&mut self, input: Input) -> Result<(), Error> {
        let now = self.clock.now();
        match input {
            Input::Sip(Received::Message { flow, parsed }) => self.phone.handle_datagram(now, flow, parsed),
            Input::Sip(Received::Unreachable { transport, remote }) => {
                self.phone.handle_unreachable(now, transport, remote);
            }
            // Whom we called has proven to be it, or there would be no connection.
            Input::Sip(Received::Proven { .. }) => {}
            Input::Sip(Received::Closed { connection, transport, remote }) => {
                self.phone.handle_connection_closed(now, connection, transport, remote);
            }
            Input::Media(event) => self.phone.handle_media(now, &event),
            Input::HangUp => self.phone.hang_up(now),
            Input::Audio(chunk) => {
                self.phone.handle_audio(&chunk);
                if let Some(recording) = &mut self.recording {
                    recording.write(&chunk)?;
                }
            }
        }
        Ok(())
    }

    /// Carries out all that the phone asks for.
    fn flush(&mut self) {
        while let Some(command) = self.phone.poll_media() {
            if let Some(event) = self.media.execute(command) {
                self.phone.handle_media(self.clock.now(), &event);
            }
        }
        while let Some(transmit) = self.phone.poll_transmit() {
            if let Some(sender) = &mut self.sender {
                sender.send(&[transmit]);
            }
        }
        while let Some(milestone) = self.phone.poll_milestone() {
            report::tell(&milestone, self.flow);
        }
    }

    fn conclude(self, outcome: &Outcome) -> Result<ExitCode, Error> {
        if outcome.ending == Ending::NoPort {
            return Err(Error::NoPort(PORTS.0, PORTS.1));
        }
        report::sum_up(outcome, &self.phone.hearing());
        Ok(report::exit_code(&outcome.ending))
    }
}

fn read_prompt(path: &Path) -> Result<Prompt, Error> {
    let file = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    Prompt::from_wav(&file).map_err(|source| Error::Sound { path: path.to_owned(), source })
}

/// The address of the URI's host; of several the first of the local address's family.
fn resolve(request: &Call) -> Result<SocketAddr, Error> {
    let (target, local) = (&request.target, request.local);
    let port = target.port().unwrap_or_else(|| request.transport().default_port());
    if let Some(ip) = target.host().ip() {
        return Ok(SocketAddr::new(ip, port));
    }
    let host = target.host().to_string();
    let failed = |source| Error::Host { host: host.clone(), source };
    let mut found = (host.as_str(), port).to_socket_addrs().map_err(failed)?;
    found
        .find(|address| local.is_none_or(|local| local.is_ipv4() == address.is_ipv4()))
        .ok_or_else(|| failed(io::Error::other("no address of the family of --local")))
}

fn bind(request: &Call, remote: SocketAddr) -> Result<Listener, Error> {
    let no_way = || Error::Host { host: remote.ip().to_string(), source: io::Error::other("no route") };
    let address = match request.local {
        Some(address) => address,
        None => SocketAddr::new(own_address_towards(remote).ok_or_else(no_way)?, 0),
    };
    Ok(Listener::bind(0, layer(request, remote)?, address, false)?)
}

/// What lies between octets and messages, if it is not datagrams.
fn layer(request: &Call, remote: SocketAddr) -> Result<Option<Layer>, Error> {
    let tls = || -> Result<Layer, Error> {
        let servers = request.ca.as_deref().map_or_else(|| Ok(Authorities::of_machine()), crate::tls::authorities)?;
        // The host that was asked for must prove to be it, whatever address a name server gave for it.
        let name = request.target.host().to_string();
        let names = request.target.host().ip().is_none().then_some((remote, name));
        let settings = Settings { identities: Vec::new(), clients: None, servers, names: names.into_iter().collect() };
        Ok(Layer::Tls(Arc::new(Tls::new(settings).map_err(Error::Handshakes)?)))
    };
    match request.transport() {
        Transport::Udp => Ok(None),
        Transport::Tcp => Ok(Some(Layer::Plain)),
        // A page in a browser calls by those; the command line lets none through.
        Transport::Tls | Transport::Ws | Transport::Wss => tls().map(Some),
    }
}

/// The address that the peer is told: that of the socket, or, if that is bound to all, the one that leads to him.
fn local_of(listener: &Listener, remote: SocketAddr) -> SocketAddr {
    let bound = listener.local();
    let towards = own_address_towards(remote).filter(|_| bound.ip().is_unspecified());
    SocketAddr::new(towards.unwrap_or(bound.ip()), bound.port())
}

fn start_media(flow: Flow, inputs: &mailbox::Sender<Input>) -> Result<Media, Error> {
    let config = media::Config {
        threads: 1,
        bind: flow.local.ip(),
        ports: PORTS.0..=PORTS.1,
        port_rest: Duration::ZERO,
        dscp: DSCP,
        rtp_timeout: SILENCE,
        seed: seed()?,
    };
    Ok(Media::start(config, |_thread| {
        let events = inputs.clone();
        Sinks {
            events: Box::new(move |event| match events.try_send(Input::Media(event)) {
                Err(Input::Media(event)) => Err(event),
                // Sent, as nothing else than what was given can come back.
                _ => Ok(()),
            }),
            takes: Box::new(ChunkSink::new(inputs.clone())),
        }
    })?)
}

/// The first signal hangs up, the second ends at once.
fn hang_up_on_signal(inputs: mailbox::Sender<Input>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::System { what: "event loop", source })?;
    let no_signals = |source| Error::System { what: "signals", source };
    // Made here, so that no signal finds the phone without.
    let inside = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    drop(inside);
    let watch = async move {
        let mut asked = false;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if asked {
                std::process::exit(report::NO_ANSWER.into());
            }
            asked = true;
            inputs.send(Input::HangUp);
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(watch))
        .map_err(|source| Error::System { what: "thread", source })?;
    Ok(())
}
