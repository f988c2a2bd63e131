//! SIP over TCP, TLS and WebSocket (RFC 3261 §18, §26.3, RFC 7118): a listener with all connections that came in by it or go out from it.
//!
//! One thread a listener runs them all. The domain thread puts messages into the queue of a connection and never waits:
//! a queue that is full belongs to a peer who does not read, and is cut off. What comes is read no faster than the domain
//! thread takes it. A connection is found by its number, or by the peer's address, or opened.

mod connection;
mod failures;
mod registry;
mod websocket;

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use sip::{Flow, Transmit, Transport};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsStream;
use tokio_tungstenite::WebSocketStream;

use crate::addr::unmapped;
use crate::tls::{Tls, names_of};
use crate::{NetError, Received, sys};
use connection::Connection;
use failures::Failures;
use registry::{Entry, Registry};

pub use failures::Failure;
pub use websocket::Origins;

/// How long to wait when the system has no descriptor for a new connection.
const NO_DESCRIPTOR: Duration = Duration::from_millis(100);

/// How long the end of a listener waits for what is still to be written.
const LAST_ANSWERS: Duration = Duration::from_millis(300);

/// Takes what came; gives it back if there is no room now.
pub type Sink = Arc<dyn Fn(Received) -> Result<(), Received> + Send + Sync>;

/// What lies between the octets of a connection and its messages.
#[derive(Clone, Debug)]
pub enum Layer {
    /// Nothing: SIP over TCP.
    Plain,
    /// TLS.
    Tls(Arc<Tls>),
    /// WebSocket.
    Ws(Arc<Origins>),
    /// WebSocket over TLS.
    Wss(Arc<Tls>, Arc<Origins>),
}

impl Layer {
    /// What carries SIP then.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        match self {
            Self::Plain => Transport::Tcp,
            Self::Tls(_) => Transport::Tls,
            Self::Ws(_) => Transport::Ws,
            Self::Wss(..) => Transport::Wss,
        }
    }
}

/// What one listener's peers may take of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections from one address.
    pub per_source: usize,
    /// A handshake must be over so long after the connection began.
    pub handshake: Duration,
    /// A message must be whole so long after its first octet, and the first one so long after the connection began or the handshake was over.
    pub message: Duration,
    /// A connection on which nothing comes for so long is closed.
    pub idle: Duration,
    /// How long the network may take to open a connection of ours: three attempts of the system, after 0, 1 and 3 s.
    pub reach: Duration,
    /// How long a connection of ours may take to be opened, its handshake included.
    pub connect: Duration,
    /// A peer that takes nothing for so long while we write is cut off.
    pub write: Duration,
    /// Over WebSocket: a peer of whom nothing is heard for so long is asked whether he is there, and given up after as long.
    pub ping: Duration,
    /// Octets that may wait to be written to one peer.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            per_source: 256,
            handshake: Duration::from_secs(10),
            message: Duration::from_secs(10),
            idle: Duration::from_secs(30 * 60),
            reach: Duration::from_millis(3500),
            connect: Duration::from_secs(5),
            write: Duration::from_secs(10),
            ping: Duration::from_secs(30),
            queue: 256 * 1024,
        }
    }
}

/// A listener and its connections, which end when this is dropped.
pub struct Listener {
    socket: StdListener,
    local: SocketAddr,
    index: u16,
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

/// What the accepting thread, the connections and the domain thread share.
pub(crate) struct Shared {
    pub registry: Registry,
    pub limits: Limits,
    pub layer: Layer,
    pub local: SocketAddr,
    pub index: u16,
    /// Handshakes that did not come about, of either side's connections.
    pub failures: Failures,
}

impl Listener {
    /// Binds `address` (port 0: any free one) as listener number `index`. Nothing is accepted before [`Listener::start`].
    ///
    /// One on `[::]` serves peers of IPv4, too, unless `ipv6_only`.
    ///
    /// # Errors
    /// [`NetError::Bind`] if the address is taken or not ours, [`NetError::Prepare`] if the system refuses an option.
    pub fn bind(
        index: u16,
        address: SocketAddr,
        ipv6_only: bool,
        layer: Layer,
        limits: Limits,
    ) -> Result<Self, NetError> {
        let transport = layer.transport().name();
        let socket = sys::bind(address, libc::SOCK_STREAM, ipv6_only);
        let socket = StdListener::from(socket.map_err(|source| NetError::Bind { transport, address, source })?);
        let prepare = |source| NetError::Prepare { transport, address, source };
        socket.set_nonblocking(true).map_err(prepare)?;
        let local = socket.local_addr().map_err(prepare)?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(prepare)?;
        let shared = Arc::new(Shared {
            registry: Registry::new(index),
            limits,
            layer,
            local,
            index,
            failures: Failures::default(),
        });
        Ok(Self { socket, local, index, runtime: Some(runtime), shared, stop: Arc::default(), thread: None })
    }

    /// The address bound, with the port that was found.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// False once its thread has ended by a fault of ours: nothing is received or sent any more.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_none_or(|thread| !thread.is_finished())
    }

    /// What its connections carry.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.shared.layer.transport()
    }

    /// Connections that are open or being opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.registry.len()
    }

    /// The sending side, which hands what goes wrong to `sink`. None once [`Listener::start`] was called.
    #[must_use]
    pub fn sender(&self, sink: Sink) -> Option<Sender> {
        let handle = self.runtime.as_ref()?.handle().clone();
        Some(Sender { shared: self.shared.clone(), handle, sink, unsent: 0 })
    }

    /// Starts to accept and to read. What `sink` gives back is offered again, and its connection read no further before.
    ///
    /// # Errors
    /// [`NetError::Thread`] if the system gives no thread.
    pub fn start(&mut self, sink: Sink) -> Result<(), NetError> {
        let (address, transport) = (self.local, self.transport().name());
        let failed = |source| NetError::Thread { transport, address, source };
        let Some(runtime) = self.runtime.take() else { return Ok(()) };
        let socket = self.socket.try_clone().map_err(failed)?;
        let (shared, stop) = (self.shared.clone(), self.stop.clone());
        let run = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(socket, &shared, &sink) => {}
                    () = stop.notified() => {}
                }
                // The last answers are on their way to peers who read.
                let end = Instant::now() + LAST_ANSWERS;
                while shared.registry.is_waiting() && Instant::now() < end {
                    sleep(Duration::from_millis(5)).await;
                }
            });
            // Waits for nothing: what is still queued is lost with the process.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name(format!("sip-{transport}-{}", self.index)).spawn(run);
        self.thread = Some(thread.map_err(failed)?);
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported by the panic hook; there is nothing left to save here.
            let _ = thread.join();
        }
    }
}

/// Takes connections in, and turns those away that are too many.
async fn accept(socket: StdListener, shared: &Arc<Shared>, sink: &Sink) {
    // The socket was made non-blocking when it was bound, so this fails only if the runtime is going.
    let Ok(listener) = TcpListener::from_std(socket) else { return };
    loop {
        let Ok((stream, remote)) = listener.accept().await else {
            sleep(NO_DESCRIPTOR).await;
            continue;
        };
        let remote = unmapped(remote);
        // Turned away by being dropped: who has too many connections gets no more of our time.
        let Some((entry, queue)) = shared.registry.enter(remote, &shared.limits) else { continue };
        let local = stream.local_addr().map_or(shared.local, unmapped);
        let _ = stream.set_nodelay(true);
        let local = SocketAddr::new(local.ip(), shared.local.port());
        tokio::spawn(take(Line { shared: shared.clone(), sink: sink.clone(), entry, queue }, stream, local));
    }
}

/// A connection that has its place among the others, and what is to be written to it.
struct Line {
    shared: Arc<Shared>,
    sink: Sink,
    entry: Arc<Entry>,
    queue: mpsc::Receiver<Bytes>,
}

/// One connection that came in, from its beginning to its end.
async fn take(line: Line, stream: TcpStream, local: SocketAddr) {
    let (layer, entry) = (line.shared.layer.clone(), line.entry.clone());
    let shake_hands = async {
        match layer {
            Layer::Plain => Ok(Stream::Plain(stream)),
            Layer::Tls(tls) => Ok(Stream::Tls(Box::new(secured(&tls, stream).await?))),
            Layer::Ws(origins) => Ok(Stream::Ws(Box::new(websocket::accept(stream, &origins).await?))),
            Layer::Wss(tls, origins) => {
                let stream = secured(&tls, stream).await?;
                Ok(Stream::Wss(Box::new(websocket::accept(stream, &origins).await?)))
            }
        }
    };
    let stream = tokio::select! {
        done = timeout(line.shared.limits.handshake, shake_hands) => done.unwrap_or(Err(Failure::Timeout)),
        () = entry.cut.notified() => Err(Failure::Closed),
    };
    match stream {
        Ok(Stream::Plain(stream)) => line.serve(stream, local).await,
        Ok(Stream::Tls(stream)) => line.serve_tls(*stream, local).await,
        Ok(Stream::Ws(stream)) => line.serve_websocket(*stream, local).await,
        Ok(Stream::Wss(stream)) => {
            line.tell_names(stream.get_ref()).await;
            line.serve_websocket(*stream, local).await;
        }
        Err(failure) => {
            line.shared.failures.add(failure);
            line.leave().await;
        }
    }
}

/// The TLS handshake with who connected.
async fn secured(tls: &Tls, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
    tls.accept(stream).await.map_err(|error| Failure::of_tls(&error))
}

/// A connection whose handshakes are over.
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Ws(Box<WebSocketStream<TcpStream>>),
    Wss(Box<WebSocketStream<TlsStream<TcpStream>>>),
}

impl Line {
    async fn serve_tls(self, stream: TlsStream<TcpStream>, local: SocketAddr) {
        self.tell_names(&stream).await;
        self.serve(stream, local).await;
    }

    /// Tells who is at the other end, if he has shown that.
    async fn tell_names(&self, stream: &TlsStream<TcpStream>) {
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let names = shown.map(names_of).unwrap_or_default();
        if !names.is_empty() {
            connection::tell(&self.sink, Received::Proven { connection: self.entry.id, names }).await;
        }
    }

    async fn serve(mut self, stream: impl AsyncRead + AsyncWrite, local: SocketAddr) {
        self.connection(local).run(stream, &mut self.queue).await;
        self.leave().await;
    }

    async fn serve_websocket<S>(mut self, stream: WebSocketStream<S>, local: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.connection(local).run_websocket(stream, &mut self.queue).await;
        self.leave().await;
    }

    fn connection(&self, local: SocketAddr) -> Connection {
        let Self { shared, sink, entry, .. } = self;
        let (transport, connection, listener) = (shared.layer.transport(), Some(entry.id), shared.index);
        let flow = Flow { transport, connection, listener, local, remote: entry.remote };
        Connection { flow, entry: entry.clone(), limits: shared.limits, sink: sink.clone() }
    }

    /// The connection is over.
    async fn leave(self) {
        let Self { shared, sink, entry, .. } = self;
        shared.registry.leave(&entry);
        let (connection, transport, remote) = (entry.id, shared.layer.transport(), entry.remote);
        connection::tell(&sink, Received::Closed { connection, transport, remote }).await;
    }
}

/// Opens a connection for what waits in `queue`.
async fn open(line: Line) {
    let Line { shared, entry, .. } = &line;
    let end = Instant::now() + shared.limits.connect;
    let reached = timeout(shared.limits.reach, TcpStream::connect(entry.remote)).await;
    let Ok(Ok(stream)) = reached else { return line.fail().await };
    let local = stream.local_addr().map_or(shared.local, unmapped);
    let _ = stream.set_nodelay(true);
    // The peer is told the port that we listen on, not the one that this connection happens to have.
    let local = SocketAddr::new(local.ip(), shared.local.port());
    match &shared.layer {
        Layer::Plain => line.serve(stream, local).await,
        Layer::Tls(tls) => match timeout_at(end, tls.connect(stream, entry.remote)).await {
            Ok(Ok(stream)) => line.serve_tls(stream, local).await,
            Ok(Err(error)) => {
                shared.failures.add(Failure::of_tls(&error));
                line.fail().await;
            }
            Err(_) => {
                shared.failures.add(Failure::Timeout);
                line.fail().await;
            }
        },
        // Nobody connects to a browser; the sender does not come here.
        Layer::Ws(_) | Layer::Wss(..) => line.fail().await,
    }
}

impl Line {
    /// A connection of ours did not come about.
    async fn fail(self) {
        self.shared.registry.leave(&self.entry);
        let (transport, remote) = (self.shared.layer.transport(), self.entry.remote);
        connection::tell(&self.sink, Received::Unreachable { transport, remote }).await;
    }
}

/// The sending side of a listener, for the domain thread.
pub struct Sender {
    shared: Arc<Shared>,
    handle: Handle,
    sink: Sink,
    unsent: u64,
}

impl Sender {
    /// Queues all of `transmits`, which must be this listener's, and waits for nothing.
    pub fn send(&mut self, transmits: &[Transmit]) {
        for Transmit { flow, payload } in transmits {
            if !self.queue(*flow, payload.clone()) {
                self.unsent += 1;
            }
        }
    }

    /// What carries its messages, and the address that it is bound to.
    #[must_use]
    pub fn listens(&self) -> (Transport, SocketAddr) {
        (self.shared.layer.transport(), self.shared.local)
    }

    /// Handshakes of TLS and WebSocket that did not come about since the start, by [`Failure`]: those that there were.
    #[must_use]
    pub fn failed_handshakes(&self) -> Vec<(&'static str, u64)> {
        self.shared.failures.counts()
    }

    /// Messages that found no connection and no room for a new one, or a peer that does not read.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.unsent
    }

    fn queue(&self, flow: Flow, payload: Bytes) -> bool {
        let registry = &self.shared.registry;
        if let Some(entry) = registry.find(flow.connection, flow.remote) {
            return entry.put(payload, self.shared.limits.queue);
        }
        let room = flow.transport.can_be_opened().then(|| registry.enter(flow.remote, &self.shared.limits)).flatten();
        let Some((entry, queue)) = room else {
            let sink = self.sink.clone();
            let failed = Received::Unreachable { transport: self.shared.layer.transport(), remote: flow.remote };
            self.handle.spawn(async move { connection::tell(&sink, failed).await });
            return false;
        };
        let queued = entry.put(payload, self.shared.limits.queue);
        let line = Line { shared: self.shared.clone(), sink: self.sink.clone(), entry, queue };
        self.handle.spawn(open(line));
        queued
    }
}
