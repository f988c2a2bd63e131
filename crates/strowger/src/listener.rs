//! The listeners of all transports, as one kind: of the switch, and of the phone for the command line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::vec::Drain;

use net::tcp::Layer;
use net::{NetError, Received, tcp, udp};
use sip::{Transmit, Transport};
use sip_message::{Message, Method};

use crate::mailbox::Sender as Mailbox;

/// Inputs that may wait before requests of strangers are dropped: some ten milliseconds of work, so that under a flood live
/// calls wait no longer than that behind it. Who meant it sends again.
const ROOM_FOR_STRANGERS: usize = 2_048;
/// Inputs that may wait before any SIP is dropped. The rest is for media threads and storage, whose reports come once.
const ROOM_FOR_SIP: usize = 32_768;

/// A listener that is bound.
pub(crate) enum Listener {
    Udp(udp::Listener),
    Stream(tcp::Listener),
}

impl Listener {
    /// Binds `address` as listener number `index`: for streams with `layer`, else for datagrams.
    /// One on `[::]` serves IPv4, too, unless `ipv6_only`.
    pub fn bind(index: u16, layer: Option<Layer>, address: SocketAddr, ipv6_only: bool) -> Result<Self, NetError> {
        let limits = tcp::Limits::default();
        match layer {
            None => udp::Listener::bind(index, address, ipv6_only).map(Self::Udp),
            Some(layer) => tcp::Listener::bind(index, address, ipv6_only, layer, limits).map(Self::Stream),
        }
    }

    /// What carries its messages.
    pub fn transport(&self) -> Transport {
        match self {
            Self::Udp(_) => Transport::Udp,
            Self::Stream(listener) => listener.transport(),
        }
    }

    pub fn local(&self) -> SocketAddr {
        match self {
            Self::Udp(listener) => listener.local(),
            Self::Stream(listener) => listener.local(),
        }
    }

    /// Counts what the domain thread had no room for; over connections that waits instead.
    pub fn dropped(&self) -> Option<Arc<AtomicU64>> {
        match self {
            Self::Udp(listener) => Some(listener.dropped()),
            Self::Stream(_) => None,
        }
    }

    /// The sending side, for the thread that owns the machine. None once it has started.
    pub fn sender(&self, sink: &Sink) -> Option<Sender> {
        match self {
            Self::Udp(listener) => Some(Sender::Udp(listener.sender())),
            Self::Stream(listener) => listener.sender(sink.one.clone()).map(Sender::Stream),
        }
    }

    /// False once its thread has died.
    pub fn is_running(&self) -> bool {
        match self {
            Self::Udp(listener) => listener.is_running(),
            Self::Stream(listener) => listener.is_running(),
        }
    }

    /// Starts to receive.
    pub fn start(&mut self, sink: &Sink) -> Result<(), NetError> {
        match self {
            Self::Udp(listener) => {
                let batch = sink.batch.clone();
                listener.start(move |received| batch(received))
            }
            Self::Stream(listener) => listener.start(sink.one.clone()),
        }
    }
}

/// Takes all that came at once; says how much of it found no room.
type PutAll = dyn Fn(Drain<'_, Received>) -> usize + Send + Sync;

/// Where listeners put what they receive.
#[derive(Clone)]
pub(crate) struct Sink {
    one: tcp::Sink,
    batch: Arc<PutAll>,
}

impl Sink {
    /// Into `inputs`, as `wrap` makes inputs of it.
    pub fn new<T: Send + 'static>(inputs: &Mailbox<T>, wrap: fn(Received) -> T) -> Self {
        let (one, batch) = (inputs.clone(), inputs.clone());
        Self {
            one: Arc::new(move |received| one.try_put(room_for(&received), received, wrap)),
            batch: Arc::new(move |all| batch.put_all(all.map(|received| (room_for(&received), received)), wrap)),
        }
    }
}

/// How many inputs may wait for this one to find room.
fn room_for(received: &Received) -> usize {
    if is_strangers(received) { ROOM_FOR_STRANGERS } else { ROOM_FOR_SIP }
}

/// True for what anyone may send without knowing anything of a call: requests outside dialogs, and what is no SIP. A
/// CANCEL is a call's, though it has no tag of ours.
fn is_strangers(received: &Received) -> bool {
    let Received::Message { parsed, .. } = received else { return false };
    match parsed {
        Ok(Message::Request(request)) => request.head.to.tag().is_none() && request.method != Method::Cancel,
        Ok(Message::Response(_)) => false,
        Ok(Message::KeepAlive) | Err(_) => true,
    }
}

/// The sending side of a listener.
pub(crate) enum Sender {
    Udp(udp::Sender),
    Stream(tcp::Sender),
}

impl Sender {
    pub fn send(&mut self, transmits: &[Transmit]) {
        match self {
            Self::Udp(sender) => sender.send(transmits),
            Self::Stream(sender) => sender.send(transmits),
        }
    }

    /// Handshakes that did not come about, by the listener as `TRANSPORT ADDRESS` and by why.
    pub fn failed_handshakes(&self) -> Option<(String, Vec<(&'static str, u64)>)> {
        let Self::Stream(sender) = self else { return None };
        let (transport, local) = sender.listens();
        let counts = sender.failed_handshakes();
        (!counts.is_empty()).then(|| (format!("{} {local}", transport.name()), counts))
    }

    /// Messages that could not be sent.
    pub fn unsent(&self) -> u64 {
        match self {
            Self::Udp(sender) => sender.unsent(),
            Self::Stream(sender) => sender.unsent(),
        }
    }
}

#[cfg(test)]
mod tests {
    use sip::Flow;
    use sip_message::parse_datagram;

    use super::*;
    use crate::domain::Input;
    use crate::mailbox::mailbox;

    fn received(start: &str, to: &str, method: &str) -> Received {
        let text = format!(
            "{start}\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>{to}\r\n\
             Call-ID: 1\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        let address = SocketAddr::from(([127, 0, 0, 1], 5060));
        Received::Message { flow: Flow::udp(0, address, address), parsed: parse_datagram(text) }
    }

    fn put(inputs: &Mailbox<Input>, received: Received) -> Result<(), Received> {
        (Sink::new(inputs, Input::Sip).one)(received)
    }

    #[test]
    fn a_flood_of_strangers_leaves_room_for_calls_and_calls_leave_room_for_their_media() {
        let (inputs, _receiver) = mailbox(65_536);
        let stranger = || received("INVITE sip:b@h SIP/2.0", "", "INVITE");
        let within = || received("INVITE sip:b@h SIP/2.0", ";tag=2", "INVITE");
        let flood = (0..40_000).filter(|_| put(&inputs, stranger()).is_ok()).count();
        assert_eq!(flood, ROOM_FOR_STRANGERS);
        for refused in [received("REGISTER sip:h SIP/2.0", "", "REGISTER"), received("no SIP", "", "INVITE")] {
            assert!(put(&inputs, refused).is_err());
        }
        let calls = [
            within(),
            received("CANCEL sip:b@h SIP/2.0", "", "CANCEL"),
            received("SIP/2.0 200 OK", ";tag=2", "INVITE"),
            Received::Unreachable { transport: Transport::Udp, remote: SocketAddr::from(([127, 0, 0, 1], 9)) },
        ];
        for call in calls {
            assert!(put(&inputs, call).is_ok());
        }
        let calls = (0..40_000).filter(|_| put(&inputs, within()).is_ok()).count();
        assert_eq!(calls + 4 + ROOM_FOR_STRANGERS, ROOM_FOR_SIP);
        assert!(inputs.try_send(Input::Drain).is_ok());
    }
}
