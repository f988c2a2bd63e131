//! Messages of real products, where the corpus is at hand: all are read, but for those listed with the reason.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use sip_message::{HeaderName, Message, ParseError, ResponseBuilder, StatusCode};

/// Messages that are rightly refused.
const REFUSED: &[(&str, ParseError)] = &[
    // Both have `From: \"arik\" <sip:…>`, the marks of a shell they were pasted through (their bodies are longer than
    // Content-Length says by those too): a backslash can stand in a quoted string only.
    ("221-sip-compact-form", ParseError::Malformed(HeaderName::From)),
    ("243-sip-sdp-sdp", ParseError::Malformed(HeaderName::From)),
];

fn files() -> Option<Vec<(String, Vec<u8>)>> {
    let dir = common::corpus_dir().join("messages");
    if !dir.is_dir() {
        println!("skipped: no corpus");
        return None;
    }
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
    };
    Some(std::fs::read_dir(dir).unwrap().map(read).collect())
}

#[test]
fn captured_messages_are_read() {
    let Some(files) = files() else { return };
    let mut wrong = Vec::new();
    for (name, bytes) in &files {
        let expected = REFUSED.iter().find(|(n, _)| name.starts_with(n)).map(|(_, cause)| *cause);
        let cause = common::parse(bytes.clone()).err().map(|reject| reject.cause);
        if cause != expected {
            wrong.push(format!("{name}: {cause:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(files.len(), 122);
}

/// The value of the first line that begins with one of `names`, by a reading that knows nothing of SIP.
fn naive<'a>(head: &'a str, names: &[&str]) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        names.iter().any(|n| n.eq_ignore_ascii_case(name)).then(|| value.trim())
    })
}

#[test]
fn what_is_read_is_what_stands_there() {
    for (name, bytes) in files().unwrap_or_default() {
        let (head, body) = match common::parse(bytes.clone()) {
            Ok(Message::Request(request)) => (request.head, request.body),
            Ok(Message::Response(response)) => (response.head, response.body),
            _ => continue,
        };
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let text = String::from_utf8_lossy(&bytes[..end]);
        assert_eq!(Some(head.call_id.as_str()), naive(&text, &["Call-ID", "i"]), "{name}");
        let cseq = naive(&text, &["CSeq"]).unwrap();
        assert_eq!(head.cseq.to_string(), cseq, "{name}");
        let tag = |field: &str| field.split_once(";tag=").map(|(_, tag)| tag.to_owned());
        assert_eq!(head.from.tag().map(str::to_owned), tag(naive(&text, &["From", "f"]).unwrap()), "{name}");
        assert_eq!(head.to.tag().map(str::to_owned), tag(naive(&text, &["To", "t"]).unwrap()), "{name}");
        let branch = naive(&text, &["Via", "v"]).unwrap().split(";branch=").nth(1);
        assert_eq!(head.via.branch(), branch.and_then(|b| b.split([';', ',']).next()), "{name}");
        assert_eq!(body, bytes[end + 4..], "{name}");
    }
}

#[test]
fn responses_to_captured_requests_carry_what_they_must() {
    for (name, bytes) in files().unwrap_or_default() {
        let Ok(Message::Request(request)) = common::parse(bytes) else { continue };
        let source = "198.51.100.7:40000".parse().unwrap();
        let built = ResponseBuilder::to(&request, source, StatusCode::OK).to_tag("ours").build();
        let response = common::response(built.to_vec());
        let (asked, got) = (&request.head, &response.head);
        assert_eq!((&got.from, &got.call_id, &got.cseq), (&asked.from, &asked.call_id, &asked.cseq), "{name}");
        assert_eq!(got.to.tag(), asked.to.tag().or(Some("ours")), "{name}");
        assert_eq!(got.raw_vias().skip(1).collect::<Vec<_>>(), asked.raw_vias().skip(1).collect::<Vec<_>>(), "{name}");
        assert_eq!((got.via.branch(), got.via.received()), (asked.via.branch(), Some(source.ip())), "{name}");
        assert_eq!(got.via.rport(), asked.via.wants_rport().then_some(40000), "{name}");
    }
}
