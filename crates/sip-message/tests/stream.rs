//! Streams: RFC 3261 18.3 and 20.14 (Content-Length), 7.5 (leading line ends); RFC 5626 4.4.1 (keep-alive).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::fmt::Write as _;

use proptest::prelude::*;
use sip_message::{Frame, Framer, MAX_FIELDS, MAX_MESSAGE, Message, ParseError};

fn request(call: &str, extra: &str, body: &str) -> String {
    format!(
        "INVITE sip:1000@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK{call}\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:1000@h>\r\n\
         Call-ID: {call}\r\nCSeq: 1 INVITE\r\n{extra}\r\n{body}"
    )
}

fn whole(call: &str, body: &str) -> String {
    request(call, &format!("Content-Length: {}\r\n", body.len()), body)
}

/// Every frame of a stream that comes in the given pieces, as text.
fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut framer = Framer::new();
    let mut found = Vec::new();
    for piece in pieces {
        framer.push(piece);
        while let Some(frame) = framer.poll() {
            found.push(match frame {
                Frame::Message(parsed) => match parsed {
                    Ok(Message::Request(r)) => format!("{} {:?}", r.head.call_id, String::from_utf8_lossy(&r.body)),
                    Ok(other) => format!("{other:?}"),
                    Err(reject) => format!("400 {}", reject.cause),
                },
                Frame::Ping => "ping".to_owned(),
                Frame::Lost(reject) => format!("lost {} {:?}", reject.cause, reject.status.map(|s| s.code())),
            });
        }
    }
    found
}

fn of(stream: &str) -> Vec<String> {
    frames([stream.as_bytes()])
}

#[test]
fn two_messages_in_one_piece_are_two() {
    let stream = whole("a", "one") + &whole("b", "");
    assert_eq!(of(&stream), ["a \"one\"", "b \"\""]);
}

#[test]
fn a_message_waits_for_its_last_octet() {
    let stream = whole("a", "body");
    let mut framer = Framer::new();
    framer.push(&stream.as_bytes()[..stream.len() - 1]);
    assert!(framer.poll().is_none() && framer.is_within_message());
    framer.push(&stream.as_bytes()[stream.len() - 1..]);
    assert!(matches!(framer.poll(), Some(Frame::Message(_))) && !framer.is_within_message());
}

#[test]
fn two_empty_lines_between_messages_are_a_ping_and_one_is_nothing() {
    let stream = format!("\r\n{}\r\n\r\n\r\n{}\r\n\r\n\r\n\r\n", whole("a", ""), whole("b", ""));
    assert_eq!(of(&stream), ["a \"\"", "ping", "b \"\"", "ping", "ping"]);
    assert!(of("\r").is_empty() && of("\r\n").is_empty() && of("\n\n \0").is_empty());
}

#[test]
fn a_ping_is_no_message_under_way() {
    let mut framer = Framer::new();
    framer.push(b"\r\n");
    assert!(framer.poll().is_none() && !framer.is_within_message());
}

#[test]
fn a_malformed_message_whose_end_is_known_does_not_end_the_stream() {
    let stream = request("a", "Contact: <\r\nContent-Length: 2\r\n", "xx") + &whole("b", "");
    assert_eq!(of(&stream), ["400 malformed Contact", "b \"\""]);
}

#[test]
fn without_one_content_length_the_framing_is_lost_and_nothing_more_is_read() {
    let cases = [
        ("", "Content-Length is missing"),
        ("Content-Length: -1\r\n", "malformed Content-Length"),
        ("Content-Length: 1 2\r\n", "malformed Content-Length"),
        ("Content-Length: 99999999999999999999999\r\n", "malformed Content-Length"),
        ("Content-Length: 3\r\nl: 4\r\n", "Content-Length stands more than once"),
    ];
    for (field, cause) in cases {
        let stream = request("a", field, "xxx") + &whole("b", "");
        assert_eq!(of(&stream), [format!("lost {cause} Some(400)")], "{field}");
    }
    assert_eq!(of(&request("a", "Content-Length: 3\r\nl: 3\r\n", "xxx")), ["a \"xxx\""]);
}

#[test]
fn a_body_that_is_longer_than_it_says_is_noticed() {
    let stream = request("a", "Content-Length: 3\r\n", "xxxv=0\r\n") + &whole("b", "");
    assert_eq!(of(&stream)[0], "a \"xxx\"");
    assert!(of(&stream)[1].starts_with("lost "), "{:?}", of(&stream));
    assert_eq!(of("GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), ["lost malformed start line None"]);
}

#[test]
fn sizes_are_limited() {
    let body = request("a", &format!("Content-Length: {MAX_MESSAGE}\r\n"), "");
    assert_eq!(of(&body), ["lost message too large Some(513)"]);
    let mut endless = request("a", "X: ", "");
    endless.truncate(endless.len() - 2);
    endless += &"x".repeat(MAX_MESSAGE);
    assert_eq!(of(&endless), ["lost message too large Some(513)"]);
    let fields = request("a", &("X: y\r\n".repeat(MAX_FIELDS) + "Content-Length: 0\r\n"), "");
    assert_eq!(of(&fields), ["lost too many header fields Some(400)"]);
}

#[test]
fn what_is_lost_is_answered_where_it_can_be() {
    let mut framer = Framer::new();
    framer.push(request("a", "", "").as_bytes());
    let Some(Frame::Lost(reject)) = framer.poll() else { panic!("the framing is lost") };
    assert_eq!(reject.cause, ParseError::Missing(sip_message::HeaderName::ContentLength));
    let answer = reject.answer("192.0.2.1:9".parse().unwrap()).unwrap();
    assert!(answer.starts_with(b"SIP/2.0 400 ") && answer.ends_with(b"Content-Length: 0\r\n\r\n"));
    framer.push(whole("b", "").as_bytes());
    assert!(framer.poll().is_none() && !framer.is_within_message());
}

/// Parts of streams, sound and unsound.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => ("[a-z]{1,8}", "[ -~\\r\\n]{0,40}").prop_map(|(call, body)| whole(&call, &body)),
        2 => Just("\r\n".to_owned()),
        1 => Just("\r\n\r\n".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just(" \0".to_owned()),
        1 => Just("\r".to_owned()),
        1 => "[a-z]{1,4}".prop_map(|call| request(&call, "Contact: <\nContent-Length: 1\n", "\n")),
        1 => "[a-z]{1,4}".prop_map(|call| request(&call, "", "x")),
        1 => "[ -~\\r\\n]{0,60}",
    ]
}

proptest! {
    #[test]
    fn any_split_of_a_stream_gives_the_same_frames(
        parts in prop::collection::vec(part(), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let stream = parts.iter().fold(String::new(), |mut stream, part| {
            let _ = write!(stream, "{part}");
            stream
        });
        let octets = stream.as_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
        cuts.extend([0, octets.len()]);
        cuts.sort_unstable();
        let whole = frames([octets]);
        prop_assert_eq!(&frames(cuts.windows(2).map(|cut| &octets[cut[0]..cut[1]])), &whole);
        prop_assert_eq!(&frames(octets.chunks(1)), &whole);
    }

    #[test]
    fn no_octets_make_the_framer_panic_or_hold_more_than_a_message(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        frames(octets.chunks(7));
    }
}
