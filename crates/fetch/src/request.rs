//! One request: connect, ask, read the answer.

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
use ivr::web::{Failure, HeaderValue, MAX_REPLY, Origin, Reply, Request};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::dial::{bare, dial};
use crate::{Lines, Secrets};

/// Room for the head of an answer, in octets.
const MAX_HEAD: usize = 64 * 1024;

/// A failure, with the status if it came to that.
pub(crate) type Fault = (Option<u16>, Failure);

/// The headers of a request; none if one of them cannot be sent.
pub(crate) fn headers(request: &Request, secrets: &Secrets) -> Option<HeaderMap> {
    let kind = request.body.reveal().is_some().then_some(JSON);
    let mut headers = usual(&request.origin, JSON, kind)?;
    for (name, value) in &request.headers {
        match value {
            HeaderValue::Text(text) => add(&mut headers, name, text, false)?,
            HeaderValue::Secret(secret) => add(&mut headers, name, secrets.get(secret)?.reveal(), true)?,
        }
    }
    Some(headers)
}

/// What is sent, and wanted, of flows.
const JSON: &str = "application/json";

/// The headers that every request has: to whom, what is wanted, and what is sent.
pub(crate) fn usual(origin: &Origin, accept: &'static str, kind: Option<&'static str>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let shown = origin.to_string();
    let host = shown.split_once("://").map_or(shown.as_str(), |(_, host)| host);
    headers.insert(HOST, Line::from_str(host).ok()?);
    headers.insert(ACCEPT, Line::from_static(accept));
    headers.insert(USER_AGENT, Line::from_static("Strowger"));
    headers.insert(CONNECTION, Line::from_static("close"));
    headers.extend(kind.map(|kind| (CONTENT_TYPE, Line::from_static(kind))));
    Some(headers)
}

/// Adds a header; none if it cannot be sent.
pub(crate) fn add(headers: &mut HeaderMap, name: &str, text: &str, secret: bool) -> Option<()> {
    let mut line = if secret { Line::from_bytes(text.as_bytes()).ok()? } else { Line::from_str(text).ok()? };
    line.set_sensitive(secret);
    headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, line);
    Some(())
}

/// Asks, and reads the answer to its end.
pub(crate) async fn answer(request: &Request, headers: Option<HeaderMap>, lines: &Lines) -> Reply {
    let Some(headers) = headers else { return Reply::Failed { status: None, failure: Failure::Send } };
    let body = request.body.reveal().clone().unwrap_or_default();
    let (origin, method, path) = (&request.origin, request.method.word(), request.path.reveal());
    let question = Question { origin, method, path, headers, body: body.into(), most: MAX_REPLY };
    match timeout(request.timeout, exchange(question, lines)).await {
        Ok(Ok((status, body))) => Reply::Answer { status, body: Pii::new(body) },
        Ok(Err((status, failure))) => Reply::Failed { status, failure },
        Err(_) => Reply::Failed { status: None, failure: Failure::Timeout },
    }
}

/// What is asked of a server.
pub(crate) struct Question<'a> {
    pub origin: &'a Origin,
    pub method: &'static str,
    pub path: &'a str,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The most octets that an answer may have.
    pub most: usize,
}

/// Status and body of the answer.
pub(crate) async fn exchange(question: Question<'_>, lines: &Lines) -> Result<(u16, Vec<u8>), Fault> {
    let refused = (None, Failure::Refused);
    let stream = dial(question.origin, Arc::clone(&lines.lookups)).await.map_err(|_| refused)?;
    if !question.origin.is_https() {
        return ask(stream, question).await;
    }
    let name = ServerName::try_from(bare(question.origin).to_owned()).map_err(|_| refused)?;
    let stream = TlsConnector::from(Arc::clone(&lines.tls)).connect(name, stream).await.map_err(|_| refused)?;
    ask(stream, question).await
}

async fn ask<S>(stream: S, question: Question<'_>) -> Result<(u16, Vec<u8>), Fault>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let refused = (None, Failure::Refused);
    let shake = Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream));
    let (mut sender, connection) = shake.await.map_err(|_| refused)?;
    // Ends with this future, whichever way it ends.
    let mut background = JoinSet::new();
    background.spawn(connection);
    let mut asked = hyper::Request::builder().method(question.method).uri(question.path);
    if let Some(all) = asked.headers_mut() {
        *all = question.headers;
    }
    let asked = asked.body(Full::new(question.body)).map_err(|_| (None, Failure::Send))?;
    let answer = sender.send_request(asked).await.map_err(|_| refused)?;
    read(answer, question.most).await
}

async fn read(mut answer: Response<Incoming>, most: usize) -> Result<(u16, Vec<u8>), Fault> {
    let status = answer.status().as_u16();
    // Of what is no success nobody reads more.
    if !answer.status().is_success() {
        return Ok((status, Vec::new()));
    }
    let told = answer.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|told| told > most) {
        return Err((Some(status), Failure::TooLarge));
    }
    let mut body = Vec::new();
    while let Some(frame) = answer.body_mut().frame().await {
        let frame = frame.map_err(|_| (Some(status), Failure::Refused))?;
        let Some(data) = frame.data_ref() else { continue };
        if body.len() + data.len() > most {
            return Err((Some(status), Failure::TooLarge));
        }
        body.extend_from_slice(data);
    }
    Ok((status, body))
}
