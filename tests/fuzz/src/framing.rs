//! SIP over streams.

use bytes::Bytes;
use sip_message::{Frame, Framer, MAX_MESSAGE, Message, Reject, parse_datagram};

use crate::message::{check_echo, source};
use crate::octets::Octets;

/// Cuts a stream, which comes in pieces, into frames. The input begins with the places of the cuts; what follows is taken
/// once for the stream itself, and once for the bodies of messages that make one.
///
/// # Panics
/// If another split gives other frames, or messages do not come out as they went in.
pub fn framing(data: &[u8]) -> bool {
    let mut octets = Octets::of(data);
    let cuts: Vec<u16> = (0..octets.byte() % 8).map(|_| octets.u16()).collect();
    let rest = octets.rest();
    let is_read = same_at_any_split(rest, &cuts);
    messages_come_out_as_they_went_in(rest, &cuts);
    is_read
}

/// True: the stream held a sound message.
fn same_at_any_split(stream: &[u8], cuts: &[u16]) -> bool {
    let whole = frames([stream]);
    assert_eq!(frames(pieces(stream, cuts)), whole);
    assert_eq!(frames(stream.chunks(1)), whole);
    whole.iter().any(|frame| frame.starts_with("read "))
}

/// Messages with any bodies, empty lines between them, and the header field that says their length in any form.
fn messages_come_out_as_they_went_in(bodies: &[u8], cuts: &[u16]) {
    let (mut stream, mut expected) = (Vec::new(), Vec::new());
    let mut octets = Octets::of(bodies);
    while !octets.is_empty() {
        let between = octets.choose(&["", "\r\n", "\r\n\r\n", "\r\n\r\n\r\n"]);
        let name = octets.choose(&["Content-Length: ", "l:", "CONTENT-LENGTH :\t", "l:\r\n "]);
        let end = octets.choose(&["\r\n", "\n"]);
        let body = octets.piece();
        let message = format!(
            "MESSAGE sip:b@h SIP/2.0{end}Via: SIP/2.0/TCP h;branch=z9hG4bK1{end}From: <sip:a@h>;tag=1{end}To: <sip:b@h>{end}\
             Call-ID: c{end}CSeq: 1 MESSAGE{end}{name}{}{end}Subject: x{end}{end}",
            body.len(),
        );
        let message = [message.as_bytes(), body].concat();
        if between.len() >= 4 {
            expected.push("ping".to_owned());
        }
        expected.push(describe(parse_datagram(Bytes::copy_from_slice(&message))));
        stream.extend_from_slice(between.as_bytes());
        stream.extend(message);
    }
    // Where this one ends is a guess, so nothing is read behind it.
    let lengths = no_length(cuts);
    stream.extend(format!("BYE sip:b@h SIP/2.0\r\n{lengths}\r\nBYE sip:b@h SIP/2.0\r\nl: 0\r\n\r\n").bytes());
    let mut found = frames(pieces(&stream, cuts));
    let lost = found.pop();
    assert!(lost.as_ref().is_some_and(|lost| lost.starts_with("lost")), "{lost:?} with {lengths:?}");
    assert_eq!(found, expected);
    assert!(found.iter().all(|frame| frame == "ping" || frame.starts_with("read ")), "{found:?}");
}

/// Header fields that do not say how long a body is, or say it in two ways.
fn no_length(cuts: &[u16]) -> &'static str {
    let choices = [
        "",
        "l: 1\r\nContent-Length: 2\r\n",
        "l: +1\r\n",
        "l: 1 \u{3}\r\n",
        "l:\r\n",
        "l: 65536\r\n",
        "l: 1\r\nl: x\r\n",
    ];
    choices[cuts.iter().map(|cut| usize::from(*cut)).sum::<usize>() % choices.len()]
}

/// `stream`, cut at these places (modulo its length).
fn pieces<'a>(stream: &'a [u8], cuts: &[u16]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| usize::from(*cut) % (stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// Every frame of a stream that comes in these pieces, as text.
fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut framer = Framer::new();
    let mut found = Vec::new();
    for piece in pieces {
        framer.push(piece);
        while let Some(frame) = framer.poll() {
            found.push(match frame {
                Frame::Message(parsed) => describe(parsed),
                Frame::Ping => "ping".to_owned(),
                Frame::Lost(reject) => format!("lost: {}", describe_reject(&reject)),
            });
        }
    }
    let lost = found.last().is_some_and(|last| last.starts_with("lost"));
    if framer.is_within_message() {
        assert!(!lost, "nothing follows what is lost");
        found.push("unfinished".to_owned());
    }
    found
}

fn describe(parsed: Result<Message, Reject>) -> String {
    match parsed {
        Ok(Message::Request(request)) => {
            format!("read {} {:?} {:?}", request.method, request.head.all().collect::<Vec<_>>(), request.body)
        }
        Ok(Message::Response(response)) => {
            format!("read {:?} {:?} {:?}", response.status, response.head.all().collect::<Vec<_>>(), response.body)
        }
        Ok(Message::KeepAlive) => panic!("a keep-alive is no message of a stream"),
        Err(reject) => describe_reject(&reject),
    }
}

fn describe_reject(reject: &Reject) -> String {
    let answer = reject.answer(source());
    if let Some(answer) = &answer {
        assert!(answer.len() < MAX_MESSAGE + 600);
        check_echo(answer, reject.status);
    }
    format!("{} {answer:?}", reject.cause)
}
