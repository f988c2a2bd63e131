//! One request: connect, ask, read the answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use base::Pii;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::Builder;
use hyper::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue as Line, USER_AGENT,
};
use hyper::{Response, body::Incoming};
use hyper_util::rt::TokioIo;
use ivr::web::{Failure, HeaderValue, MAX_REPLY, Reply, Request};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::{Lines, Secrets};

/// Room for the head of an answer, in octets.
const MAX_HEAD: usize = 64 * 1024;

/// A failure, with the status if it came to that.
type Fault = (Option<u16>, Failure);

/// The headers of a request; none if one of them cannot be sent.
pub(crate) fn headers(request: &Request, secrets: &Secrets) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let shown = request.origin.to_string();
    let host = shown.split_once("://").map_or(shown.as_str(), |(_, host)| host);
    headers.insert(HOST, Line::from_str(host).ok()?);
    headers.insert(ACCEPT, Line::from_static("application/json"));
    headers.insert(USER_AGENT, Line::from_static("Strowger"));
    headers.insert(CONNECTION, Line::from_static("close"));
    if request.body.reveal().is_some() {
        headers.insert(CONTENT_TYPE, Line::from_static("application/json"));
    }
    for (name, value) in &request.headers {
        let mut line = match value {
            HeaderValue::Text(text) => Line::from_str(text).ok()?,
            HeaderValue::Secret(secret) => Line::from_bytes(secrets.get(secret)?.reveal().as_bytes()).ok()?,
        };
        line.set_sensitive(matches!(value, HeaderValue::Secret(_)));
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, line);
    }
    Some(headers)
}

/// Asks, and reads the answer to its end.
pub(crate) async fn answer(request: &Request, headers: Option<HeaderMap>, lines: &Lines) -> Reply {
    let Some(headers) = headers else { return Reply::Failed { status: None, failure: Failure::Send } };
    match timeout(request.timeout, connect(request, headers, lines)).await {
        Ok(Ok((status, body))) => Reply::Answer { status, body: Pii::new(body) },
        Ok(Err((status, failure))) => Reply::Failed { status, failure },
        Err(_) => Reply::Failed { status: None, failure: Failure::Timeout },
    }
}

async fn connect(request: &Request, headers: HeaderMap, lines: &Lines) -> Result<(u16, Vec<u8>), Fault> {
    let refused = (None, Failure::Refused);
    let host = request.origin.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let addresses = addresses(&host, request.origin.port(), lines).await.ok_or(refused)?;
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|_| refused)?;
    // A small request shall not wait for more.
    let _ = stream.set_nodelay(true);
    if !request.origin.is_https() {
        return ask(stream, request, headers).await;
    }
    let name = ServerName::try_from(host).map_err(|_| refused)?;
    let stream = TlsConnector::from(Arc::clone(&lines.tls)).connect(name, stream).await.map_err(|_| refused)?;
    ask(stream, request, headers).await
}

/// Where a host is.
async fn addresses(host: &str, port: u16, lines: &Lines) -> Option<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(vec![SocketAddr::new(address, port)]);
    }
    // What is sent there without TLS must not leave the machine, whatever the DNS says (RFC 6761 section 6.3).
    if host == "localhost" {
        return Some(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    let leave = Arc::clone(&lines.lookups).acquire_owned().await.ok()?;
    let asked = (host.to_owned(), port);
    let looked_up = tokio::task::spawn_blocking(move || {
        let found = asked.to_socket_addrs().map(Iterator::collect);
        drop(leave);
        found
    });
    looked_up.await.ok()?.ok()
}

async fn ask<S>(stream: S, request: &Request, headers: HeaderMap) -> Result<(u16, Vec<u8>), Fault>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let refused = (None, Failure::Refused);
    let shake = Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream));
    let (mut sender, connection) = shake.await.map_err(|_| refused)?;
    // Ends with this future, whichever way it ends.
    let mut background = JoinSet::new();
    background.spawn(connection);
    let body = request.body.reveal().clone().unwrap_or_default();
    let mut asked = hyper::Request::builder().method(request.method.word()).uri(request.path.reveal().as_str());
    if let Some(all) = asked.headers_mut() {
        *all = headers;
    }
    let asked = asked.body(Full::new(Bytes::from(body))).map_err(|_| (None, Failure::Send))?;
    let answer = sender.send_request(asked).await.map_err(|_| refused)?;
    read(answer).await
}

async fn read(mut answer: Response<Incoming>) -> Result<(u16, Vec<u8>), Fault> {
    let status = answer.status().as_u16();
    // Of what is no success nobody reads more.
    if !answer.status().is_success() {
        return Ok((status, Vec::new()));
    }
    let told = answer.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|told| told > MAX_REPLY) {
        return Err((Some(status), Failure::TooLarge));
    }
    let mut body = Vec::new();
    while let Some(frame) = answer.body_mut().frame().await {
        let frame = frame.map_err(|_| (Some(status), Failure::Refused))?;
        let Some(data) = frame.data_ref() else { continue };
        if body.len() + data.len() > MAX_REPLY {
            return Err((Some(status), Failure::TooLarge));
        }
        body.extend_from_slice(data);
    }
    Ok((status, body))
}
