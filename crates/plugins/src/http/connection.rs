//! One connection: a name looked up, a socket, TLS, and HTTP/1.1 or, where TLS agreed on it (ALPN), HTTP/2.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fetch::{Undialled, bare};
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ProtocolVersion;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsConnector;

use super::Settings;
use crate::Fault;

/// Room for the head of an answer, in octets.
const MAX_HEAD: usize = 16 << 10;
/// How often a connection of HTTP/2 is looked after, and how long that may take.
const PING: Duration = Duration::from_secs(10);
const PONG: Duration = Duration::from_secs(5);

/// A connection that was made.
#[derive(Debug)]
pub(super) struct Connection {
    sender: Sender,
    pub about: Arc<About>,
    /// What ended it, once that has happened.
    ended: watch::Receiver<Option<Fault>>,
}

/// What has become of a connection.
#[derive(Debug)]
pub(super) struct About {
    pub since: Instant,
    /// How the two speak, for people.
    pub spoken: String,
    /// Something was asked over it.
    pub asked: AtomicBool,
    /// Something was answered.
    pub answered: AtomicBool,
    /// We left it, as an answer did not come in time.
    pub given_up: AtomicBool,
}

#[derive(Debug)]
enum Sender {
    /// HTTP/1.1: one question at a time.
    One(http1::SendRequest<Full<Bytes>>),
    /// HTTP/2: as many as one likes.
    Many(http2::SendRequest<Full<Bytes>>),
}

/// Makes one. What runs it is spawned; `end` is called when it has ended.
pub(super) async fn connect(
    settings: &Settings,
    lookups: Arc<Semaphore>,
    end: impl FnOnce(&About, &Fault) + Send + 'static,
) -> Result<Connection, Fault> {
    let origin = &settings.origin;
    let stream = fetch::dial(origin, lookups).await.map_err(|error| match error {
        Undialled::Name(error) => Fault::Dns(format!("`{}`: {error}", origin.host())),
        Undialled::Connect(error) => Fault::Connect(format!("{origin}: {error}")),
    })?;
    if !origin.is_https() {
        return shake_one(stream, "", end).await;
    }
    let name = ServerName::try_from(bare(origin).to_owned()).map_err(|error| Fault::Tls(error.to_string()))?;
    let stream = TlsConnector::from(Arc::clone(&settings.tls)).connect(name, stream).await;
    let stream = stream.map_err(|error| tls(&error).unwrap_or_else(|| Fault::Tls(error.to_string())))?;
    let session = stream.get_ref().1;
    let over = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => " over TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => " over TLS 1.2",
        _ => "",
    };
    if session.alpn_protocol() == Some(b"h2") {
        return shake_many(stream, over, end).await;
    }
    shake_one(stream, over, end).await
}

async fn shake_one<S>(
    stream: S,
    over: &str,
    end: impl FnOnce(&About, &Fault) + Send + 'static,
) -> Result<Connection, Fault>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shaken = http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = shaken.map_err(|error| broken(&error))?;
    Ok(run(Sender::One(sender), format!("HTTP/1.1{over}"), connection, end))
}

async fn shake_many<S>(
    stream: S,
    over: &str,
    end: impl FnOnce(&About, &Fault) + Send + 'static,
) -> Result<Connection, Fault>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .keep_alive_while_idle(true)
        .max_header_list_size(16 << 10);
    let shaken = builder.handshake(TokioIo::new(stream)).await;
    let (sender, connection) = shaken.map_err(|error| broken(&error))?;
    Ok(run(Sender::Many(sender), format!("HTTP/2{over}"), connection, end))
}

fn run<F>(
    sender: Sender,
    spoken: String,
    connection: F,
    end: impl FnOnce(&About, &Fault) + Send + 'static,
) -> Connection
where
    F: Future<Output = hyper::Result<()>> + Send + 'static,
{
    let (tell, ended) = watch::channel(None);
    let [asked, answered, given_up] = [false; 3].map(AtomicBool::new);
    let about = Arc::new(About { since: Instant::now(), spoken, asked, answered, given_up });
    let its = Arc::clone(&about);
    tokio::spawn(async move {
        let fault = match connection.await {
            Ok(()) => Fault::Closed("the service closed the connection".to_owned()),
            Err(error) => broken(&error),
        };
        tell.send_replace(Some(fault.clone()));
        end(&its, &fault);
    });
    Connection { sender, about, ended }
}

impl Connection {
    /// Another way to it, if several questions can share it.
    pub fn share(&self) -> Option<Self> {
        let Sender::Many(sender) = &self.sender else { return None };
        let sender = Sender::Many(sender.clone());
        Some(Self { sender, about: Arc::clone(&self.about), ended: self.ended.clone() })
    }

    /// True if several questions can share it.
    pub const fn is_shared(&self) -> bool {
        matches!(self.sender, Sender::Many(_))
    }

    pub fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::One(sender) => sender.is_closed(),
            Sender::Many(sender) => sender.is_closed(),
        }
    }

    /// True once it takes a question; false if it has ended.
    pub async fn is_ready(&mut self) -> bool {
        match &mut self.sender {
            Sender::One(sender) => sender.ready().await.is_ok(),
            Sender::Many(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Asks, and gives the head of the answer. Without an answer: why, and whether the question surely was not sent.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, (Fault, bool)> {
        self.about.asked.store(true, Ordering::Relaxed);
        let sent = match &mut self.sender {
            Sender::One(sender) => sender.try_send_request(request).await,
            Sender::Many(sender) => sender.try_send_request(request).await,
        };
        match sent {
            Ok(response) => {
                self.about.answered.store(true, Ordering::Relaxed);
                Ok(response)
            }
            Err(mut error) => {
                let unsent = error.take_message().is_some();
                Err((self.why(error.error()).await, unsent))
            }
        }
    }

    /// What is behind an error of one exchange: what ended the connection, if that did.
    pub async fn why(&mut self, error: &hyper::Error) -> Fault {
        let told = broken(error);
        if !matches!(told, Fault::Closed(_)) || self.is_shared() && !self.is_closed() {
            return told;
        }
        match self.ended.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or(told),
            Err(_) => told,
        }
    }
}

/// A connection, or an exchange, that did not come to its end.
fn broken(error: &hyper::Error) -> Fault {
    if let Some(fault) = tls(error) {
        return fault;
    }
    if error.is_parse() {
        return Fault::Answer(format!("it is no HTTP: {error}"));
    }
    let text = innermost(error).to_string();
    // Of what TLS said under HTTP/2 only the text is left.
    if text.starts_with("received fatal alert") {
        return Fault::Tls(format!("{text}; the service may want another `certificate` of ours"));
    }
    Fault::Closed(text)
}

/// A fault of TLS, if one is behind an error.
fn tls(error: &(dyn StdError + 'static)) -> Option<Fault> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let found = error.downcast_ref().or_else(|| inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()));
        if let Some(found) = found {
            return Some(Fault::Tls(remedy(found)));
        }
        next = error.source();
    }
    None
}

/// What TLS says, and what may help.
fn remedy(error: &rustls::Error) -> String {
    use rustls::{AlertDescription, CertificateError, Error};
    let help = match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "name who vouches for it as `ca`"
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate must bear the host of `url`",
        Error::InvalidCertificate(_) => "the service needs another certificate",
        Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::HandshakeFailure
            | AlertDescription::AccessDenied,
        ) => "the service wants another `certificate` of ours",
        _ => return error.to_string(),
    };
    format!("{error}; {help}")
}

fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last
}
