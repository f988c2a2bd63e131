//! SIP over WebSocket (RFC 7118): the handshake over HTTP, and messages, one a message of the WebSocket.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use sip_message::{Message, parse_datagram};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::{ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message as Frame, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use super::connection::{Connection, tell};
use super::failures::Failure;
use crate::Received;

/// The sub-protocol (RFC 7118 section 4).
const PROTOCOL: &str = "sip";
/// The largest message, in octets: as for datagrams, which no SIP of ours exceeds.
const MAX_MESSAGE: usize = sip_message::MAX_MESSAGE;
/// How long the word that ends a connection may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// From which pages browsers may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// From any, and programs that are no browsers.
    Any,
    /// From these alone: `https://phone.example`, with a port if it is not the usual one (RFC 6454 section 6.2).
    These(Vec<String>),
}

impl Origins {
    fn allow(&self, origin: Option<&HeaderValue>) -> bool {
        match self {
            Self::Any => true,
            Self::These(list) => {
                let origin = origin.and_then(|value| value.to_str().ok());
                origin.is_some_and(|origin| list.iter().any(|one| one.eq_ignore_ascii_case(origin)))
            }
        }
    }
}

/// The handshake with who connected.
pub(super) async fn accept<S>(stream: S, origins: &Arc<Origins>) -> Result<WebSocketStream<S>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let origins = origins.clone();
    #[allow(clippy::result_large_err, reason = "the library wants its error so")]
    let check = move |request: &Request, response: Response| admit(request, response, &origins);
    accept_hdr_async_with_config(stream, check, Some(config)).await.map_err(|error| Failure::of_websocket(&error))
}

#[allow(clippy::result_large_err, reason = "the library wants its error so")]
fn admit(request: &Request, mut response: Response, origins: &Origins) -> Result<Response, ErrorResponse> {
    let refused = |status: StatusCode, why: &str| {
        let mut refusal = ErrorResponse::new(Some(why.to_owned()));
        *refusal.status_mut() = status;
        Err(refusal)
    };
    if !origins.allow(request.headers().get(ORIGIN)) {
        return refused(StatusCode::FORBIDDEN, "pages of this origin may not connect\n");
    }
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    if !offered.flat_map(|list| list.split(',')).any(|name| name.trim().eq_ignore_ascii_case(PROTOCOL)) {
        return refused(StatusCode::BAD_REQUEST, "the sub-protocol here is sip\n");
    }
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    Ok(response)
}

impl Connection {
    /// Reads and writes until either side has enough.
    pub async fn run_websocket<S>(&self, stream: WebSocketStream<S>, queue: &mut mpsc::Receiver<Bytes>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut sink, mut source) = stream.split();
        let mut watch = Watch::new(self.limits.message, self.limits.ping);
        loop {
            tokio::select! {
                came = source.next() => match came {
                    Some(Ok(Frame::Text(text))) => {
                        watch.heard(self.take(text.into()).await.then_some(self.limits.idle));
                    }
                    Some(Ok(Frame::Binary(octets))) => {
                        watch.heard(self.take(octets).await.then_some(self.limits.idle));
                    }
                    // A ping is answered by the library.
                    Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => watch.heard(None),
                    Some(Err(Error::Capacity(_) | Error::Protocol(_) | Error::Utf8(_))) => break,
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
                },
                payload = queue.recv() => {
                    let Some(payload) = payload else { return };
                    let size = payload.len();
                    let Ok(Ok(())) = timeout(self.limits.write, sink.send(frame(payload))).await else { return };
                    self.entry.written(size);
                }
                () = sleep_until(watch.due()) => {
                    if watch.is_over() {
                        break;
                    }
                    watch.pinged();
                    let ping = sink.send(Frame::Ping(Bytes::new()));
                    let Ok(Ok(())) = timeout(self.limits.write, ping).await else { return };
                }
                () = self.entry.cut.notified() => return,
            }
        }
        let _ = timeout(GOODBYE, sink.close()).await;
    }

    /// Hands a message over. True if it was SIP.
    async fn take(&self, octets: Bytes) -> bool {
        let parsed = parse_datagram(octets);
        if matches!(parsed, Ok(Message::KeepAlive)) {
            return false;
        }
        let whole = parsed.is_ok();
        tell(&self.sink, Received::Message { flow: self.flow, parsed }).await;
        whole
    }
}

/// SIP is text if it is UTF-8 (RFC 7118 section 5.1: either kind of frame may carry it).
fn frame(payload: Bytes) -> Frame {
    match Utf8Bytes::try_from(payload.clone()) {
        Ok(text) => Frame::Text(text),
        Err(_) => Frame::Binary(payload),
    }
}

/// When the peer is to be pinged, and when he is given up.
struct Watch {
    ping: Duration,
    /// No SIP came: the connection is over.
    end: Instant,
    /// Nothing at all came: it is asked whether anybody is there.
    ask: Instant,
    asked: bool,
}

impl Watch {
    fn new(first: Duration, ping: Duration) -> Self {
        let now = Instant::now();
        Self { ping, end: now + first, ask: now + ping, asked: false }
    }

    /// Something came; SIP, if there is a new time until the end.
    fn heard(&mut self, idle: Option<Duration>) {
        let now = Instant::now();
        if let Some(idle) = idle {
            self.end = now + idle;
        }
        (self.ask, self.asked) = (now + self.ping, false);
    }

    fn pinged(&mut self) {
        (self.ask, self.asked) = (Instant::now() + self.ping, true);
    }

    fn due(&self) -> Instant {
        self.end.min(self.ask)
    }

    /// At the time that was due: nobody is there, or he said nothing for too long.
    fn is_over(&self) -> bool {
        self.asked || Instant::now() >= self.end
    }
}
