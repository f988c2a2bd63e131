//! One question to a service, and its answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, body::Incoming};
use sha2::Sha256;

use super::connection::Connection;
use super::pool::Pool;
use super::{Line, MAX_ANSWER};
use crate::Fault;

/// `t=SECONDS,v1=HEX`: when it was signed, in seconds since 1970 UTC, and the HMAC-SHA256 of `SECONDS.BODY`.
const SIGNATURE: HeaderName = HeaderName::from_static("strowger-signature");

/// The body of the answer. A question that a kept connection lost on its way is asked once more over another one; one that is to
/// be asked `once` only if it surely was not sent.
pub(super) async fn ask(line: &Arc<Line>, body: &Bytes, once: bool) -> Result<Bytes, Fault> {
    loop {
        let connection = Pool::lease(line).await?;
        let kept = connection.about.answered.load(Ordering::Relaxed);
        // Who gives up meanwhile leaves no connection behind on which the answer is still to come.
        let mut leased = Leased { line, connection: Some(connection), done: false };
        let Some(connection) = &mut leased.connection else { continue };
        let request = request(line, body, connection.is_shared())?;
        match connection.send(request).await {
            Ok(response) => {
                let answer = read(response, connection).await;
                leased.done = true;
                if matches!(answer, Ok(_) | Err(Fault::Status(_))) {
                    leased.give_back();
                }
                return answer;
            }
            Err((fault, unsent)) => {
                leased.done = true;
                // A server may close what it kept just when it is used again.
                if kept && (unsent || !once) {
                    continue;
                }
                drop(leased);
                if kept {
                    Pool::warm(line)
                } else {
                    Pool::came_to_nothing(line, &fault)
                }
                return Err(fault);
            }
        }
    }
}

struct Leased<'a> {
    line: &'a Arc<Line>,
    connection: Option<Connection>,
    /// The question has come to its end, be it good or bad.
    done: bool,
}

impl Leased<'_> {
    fn give_back(&mut self) {
        if let Some(connection) = self.connection.take() {
            Pool::give_back(self.line, connection);
        }
    }
}

impl Drop for Leased<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        connection.about.given_up.fetch_or(!self.done, Ordering::Relaxed);
        if connection.is_shared() {
            self.line.pool.retire_shared();
        }
    }
}

fn request(line: &Line, body: &Bytes, shared: bool) -> Result<Request<Full<Bytes>>, Fault> {
    let wrong = |error: &dyn std::fmt::Display| Fault::Connect(format!("`url`: {error}"));
    let settings = &line.settings;
    let shown = settings.origin.to_string();
    // HTTP/2 has the host in the address alone, HTTP/1.1 in the header alone.
    let address = if shared { format!("{shown}{}", settings.path) } else { settings.path.clone() };
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(address)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, HeaderValue::from_static("Strowger"));
    if !shared {
        request = request.header(HOST, shown.split_once("://").map_or(&*shown, |(_, host)| host));
    }
    if let Some(key) = &settings.key {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        request = request.header(SIGNATURE, signature(key.reveal(), at, body).map_err(|error| wrong(&error))?);
    }
    request.body(Full::new(body.clone())).map_err(|error| wrong(&error))
}

fn signature(key: &str, at: u64, body: &[u8]) -> Result<String, hmac::digest::InvalidLength> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())?;
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(format!("t={at},v1={hex}"))
}

async fn read(mut response: Response<Incoming>, connection: &mut Connection) -> Result<Bytes, Fault> {
    let status = response.status();
    let is_good = matches!(status, StatusCode::OK | StatusCode::NO_CONTENT);
    let too_large = if is_good { Fault::TooLarge(MAX_ANSWER) } else { Fault::Status(status.as_u16()) };
    let told = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|told| told > MAX_ANSWER) {
        return Err(too_large);
    }
    let mut body = Vec::new();
    while let Some(frame) = response.body_mut().frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return Err(connection.why(&error).await),
        };
        let Some(data) = frame.data_ref() else { continue };
        if body.len() + data.len() > MAX_ANSWER {
            return Err(too_large);
        }
        body.extend_from_slice(data);
    }
    if is_good { Ok(body.into()) } else { Err(Fault::Status(status.as_u16())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reckoned by `printf '1795253400.{}' | openssl dgst -sha256 -hmac secret`.
    #[test]
    fn a_request_is_signed_as_anybody_can_reckon() {
        let expected = "t=1795253400,v1=7e0d864f1001baf8e10da601ab107d59ac1eff218144ba29e67960cea7899c45";
        assert_eq!(signature("secret", 1_795_253_400, b"{}").unwrap(), expected);
    }
}
