//! As much HTTP/1.1 (RFC 9112) as a scraper and a health check need: one GET or HEAD a connection, without a body.
//!
//! Strict: whatever is not plainly such a request is refused and the connection closed, so that no two readers can
//! understand it differently.

use std::io::Write as _;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::metrics;
use crate::port::{Post, Unanswered, figures};

/// The longest head of a request, in octets.
const MAX_HEAD: usize = 8_192;
/// The most header fields of a request.
const MAX_FIELDS: usize = 64;
/// How long a client may take for its request, and for taking the answer.
const TIME: Duration = Duration::from_secs(5);
/// What a refused client may still send before the connection is cut, so that it gets to read why.
const LINGER: (usize, Duration) = (65_536, Duration::from_secs(1));

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ask {
    page: Page,
    /// The answer's head alone is wanted.
    head_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Metrics,
    Health,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    text: String,
}

/// Serves one request.
pub(crate) async fn serve(mut stream: TcpStream, post: Post) {
    let asked = match timeout(TIME, read_head(&mut stream)).await {
        Ok(Ok(Some(head))) => parse(&head),
        Ok(Ok(None)) => Err(431),
        // Gone before it asked anything.
        Ok(Err(_)) => return,
        Err(_) => Err(408),
    };
    let (answer, head_only) = match asked {
        Ok(ask) => (respond(ask.page, &post).await, ask.head_only),
        Err(status) => (Answer { status, text: format!("{}\n", reason(status)) }, false),
    };
    let octets = write(&answer, head_only);
    if let Ok(Ok(())) = timeout(TIME, stream.write_all(&octets)).await
        && stream.shutdown().await.is_ok()
    {
        linger(&mut stream).await;
    }
}

/// Tells a client for whom there is no room, without waiting for it.
pub(crate) fn turn_away(stream: TcpStream) {
    let answer = Answer { status: 503, text: "too many clients; try again\n".to_owned() };
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(&write(&answer, false));
    }
}

/// The octets up to the empty line, it included; `None` if there are too many.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = Vec::with_capacity(1_024);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            head.truncate(end + 4);
            return Ok(Some(head).filter(|head| head.len() <= MAX_HEAD));
        }
        if head.len() > MAX_HEAD {
            return Ok(None);
        }
    }
}

/// Reads a head; the status to refuse it with if it is not what is understood.
fn parse(head: &[u8]) -> Result<Ask, u16> {
    let text = std::str::from_utf8(head).ok().filter(|text| text.is_ascii()).ok_or(400u16)?;
    let mut lines = text.strip_suffix("\r\n\r\n").ok_or(400u16)?.split("\r\n");
    let mut parts = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(400);
    };
    if !is_token(method) || !target.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(400);
    }
    let hosts = check_fields(lines)?;
    match version {
        // RFC 9112 section 3.2: exactly one Host.
        "HTTP/1.1" if hosts == 1 => {}
        "HTTP/1.0" if hosts <= 1 => {}
        "HTTP/1.1" | "HTTP/1.0" => return Err(400),
        other if other.starts_with("HTTP/") => return Err(505),
        _ => return Err(400),
    }
    let head_only = match method {
        "GET" => false,
        "HEAD" => true,
        _ => return Err(405),
    };
    let page = match target.split_once('?').map_or(target, |(path, _)| path) {
        "/metrics" => Page::Metrics,
        "/health" => Page::Health,
        _ => return Err(404),
    };
    Ok(Ask { page, head_only })
}

/// Checks the header fields; the number of Hosts among them.
fn check_fields<'a>(lines: impl Iterator<Item = &'a str>) -> Result<usize, u16> {
    let (mut fields, mut hosts) = (0, 0);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(400u16)?;
        fields += 1;
        if fields > MAX_FIELDS {
            return Err(431);
        }
        // Also refuses a field that is continued on a line of its own: its line begins with a space.
        if !is_token(name) || value.bytes().any(|octet| octet.is_ascii_control() && octet != b'\t') {
            return Err(400);
        }
        hosts += usize::from(name.eq_ignore_ascii_case("host"));
        let has_body = name.eq_ignore_ascii_case("transfer-encoding")
            || (name.eq_ignore_ascii_case("content-length") && value.trim() != "0");
        if has_body {
            return Err(413);
        }
    }
    Ok(hosts)
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet))
}

async fn respond(page: Page, post: &Post) -> Answer {
    match (figures(post).await, page) {
        (Ok(figures), Page::Metrics) => Answer { status: 200, text: metrics::render(&figures) },
        (Ok(figures), Page::Health) if figures.status.draining => Answer { status: 503, text: "draining\n".to_owned() },
        (Ok(_), Page::Health) => Answer { status: 200, text: "ok\n".to_owned() },
        (Err(Unanswered::Busy), _) => Answer { status: 503, text: "busy\n".to_owned() },
        (Err(Unanswered::Gone), _) => Answer { status: 503, text: "not running\n".to_owned() },
    }
}

fn write(answer: &Answer, head_only: bool) -> Vec<u8> {
    let Answer { status, text } = answer;
    let kind = if *status == 200 { "text/plain; version=0.0.4; charset=utf-8" } else { "text/plain; charset=utf-8" };
    let allow = if *status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
    let body = if head_only { "" } else { text };
    format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
        reason(*status),
        text.len(),
    )
    .into_bytes()
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        505 => "HTTP Version Not Supported",
        _ => "Service Unavailable",
    }
}

/// Reads what the client still sends: closing with octets unread would take the answer away from it.
async fn linger(stream: &mut TcpStream) {
    let (most, time) = LINGER;
    let mut bounded = stream.take(u64::try_from(most).unwrap_or(u64::MAX));
    let _ = timeout(time, tokio::io::copy(&mut bounded, &mut tokio::io::sink())).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "Host: localhost:9090\r\n";

    fn ask(line: &str, fields: &str) -> Result<Ask, u16> {
        parse(format!("{line}\r\n{fields}\r\n").as_bytes())
    }

    #[test]
    fn the_two_pages_are_found() {
        let metrics = Ask { page: Page::Metrics, head_only: false };
        assert_eq!(ask("GET /metrics HTTP/1.1", HOST), Ok(metrics));
        assert_eq!(ask("GET /metrics?x=1 HTTP/1.1", "host: a\r\nAccept: */*\r\n"), Ok(metrics));
        assert_eq!(ask("HEAD /health HTTP/1.0", ""), Ok(Ask { page: Page::Health, head_only: true }));
        assert_eq!(ask("GET /metrics HTTP/1.1", "Host: a\r\nContent-Length: 0\r\n"), Ok(metrics));
    }

    #[test]
    fn other_requests_are_refused_with_their_reason() {
        for (line, fields, status) in [
            ("GET / HTTP/1.1", HOST, 404),
            ("GET /metrics/ HTTP/1.1", HOST, 404),
            ("POST /metrics HTTP/1.1", HOST, 405),
            ("GET /metrics HTTP/2.0", HOST, 505),
            ("GET /metrics HTTP/1.1", "", 400),
            ("GET /metrics HTTP/1.1", "Host: a\r\nHost: b\r\n", 400),
            ("GET  /metrics HTTP/1.1", HOST, 400),
            ("GET /metrics", HOST, 400),
            ("GET /metrics HTTP/1.1 x", HOST, 400),
            ("", HOST, 400),
            ("GET /met\trics HTTP/1.1", HOST, 400),
            ("GET /metrics HTTP/1.1", "Host: a\r\n folded: b\r\n", 400),
            ("GET /metrics HTTP/1.1", "Host : a\r\n", 400),
            ("GET /metrics HTTP/1.1", "Host: a\nX: b\r\n", 400),
            ("GET /metrics HTTP/1.1", "Host: a\r\nno colon\r\n", 400),
            ("GET /metrics HTTP/1.1", "Host: a\r\nContent-Length: 5\r\n", 413),
            ("GET /metrics HTTP/1.1", "Host: a\r\nTransfer-Encoding: chunked\r\n", 413),
            ("GET /metrics HTTP/1.1", "Host: \u{e9}\r\n", 400),
        ] {
            assert_eq!(ask(line, fields), Err(status), "{line:?} {fields:?}");
        }
        let many: String = (0..MAX_FIELDS).map(|n| format!("X-{n}: y\r\n")).collect();
        assert_eq!(ask("GET /metrics HTTP/1.1", &format!("{HOST}{many}")), Err(431));
    }

    #[test]
    fn an_answer_to_head_has_the_length_and_no_body() {
        let answer = Answer { status: 200, text: "ok\n".to_owned() };
        let head = String::from_utf8(write(&answer, true)).unwrap();
        assert!(head.contains("Content-Length: 3\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(String::from_utf8(write(&answer, false)).unwrap().ends_with("\r\n\r\nok\n"));
    }
}
