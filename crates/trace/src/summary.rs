//! A message in a few words.

use sip_message::{Message, parse_datagram};

/// What a message is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// `INVITE`, or `200 OK (INVITE)`; `?` for what cannot be read.
    pub what: String,
    /// Its session description, if it has one: codecs, where media goes, which way: `PCMA PCMU 192.0.2.1:4000 sendonly`.
    pub media: Option<String>,
}

/// What a message is, in a few words.
#[must_use]
pub fn summary(octets: &[u8]) -> Summary {
    let Ok(message) = parse_datagram(octets) else {
        return Summary { what: "?".to_owned(), media: None };
    };
    let (what, body) = match &message {
        Message::Request(request) => (request.method.to_string(), &request.body),
        Message::Response(response) => {
            let reason = if response.reason.is_empty() { response.status.reason() } else { &response.reason };
            (format!("{} {reason} ({})", response.status.code(), response.head.cseq.method), &response.body)
        }
        Message::KeepAlive => return Summary { what: "keep-alive".to_owned(), media: None },
    };
    Summary { what: plain(&what), media: media(body).map(|media| plain(&media)) }
}

/// What came must not steer the terminal that it is shown on.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// The first line of audio.
fn media(body: &[u8]) -> Option<String> {
    let description = sdp::parse(body).ok()?;
    let text = description.to_string();
    let audio = description.media().iter().find(|media| media.kind() == "audio")?;
    let codecs: Vec<String> = audio.formats().map(|format| codec(audio, format)).collect();
    let address = address(&text);
    let direction = description.direction(audio).name();
    let port = audio.port();
    let secure = if audio.protocol().contains("SAVP") { "SRTP " } else { "" };
    Some(format!("{secure}{} {address}:{port} {direction}", codecs.join(" ")))
}

/// The name of a payload type: as its rtpmap says, or as RFC 3551 does.
fn codec(media: &sdp::Media, format: &str) -> String {
    let mapped = media.values("rtpmap").find_map(|value| {
        let (number, name) = value.split_once(' ')?;
        (number == format).then(|| name.split('/').next().unwrap_or(name).to_owned())
    });
    let usual = || match format {
        "0" => "PCMU",
        "3" => "GSM",
        "8" => "PCMA",
        "9" => "G722",
        "18" => "G729",
        other => other,
    };
    mapped.unwrap_or_else(|| usual().to_owned())
}

/// The address of the first line of audio: its own, or the session's.
fn address(text: &str) -> String {
    let (mut session, mut own, mut audio) = ("?", None, false);
    for line in text.lines() {
        match line.split_at_checked(2) {
            Some(("m=", _)) if audio => break,
            Some(("m=", media)) => audio = media.starts_with("audio"),
            Some(("c=", connection)) => {
                let address = connection.rsplit(' ').next().unwrap_or("?");
                if audio {
                    own = Some(address);
                } else {
                    session = address;
                }
            }
            _ => {}
        }
    }
    let address = own.unwrap_or(session);
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(start: &str, method: &str, body: &str) -> Vec<u8> {
        format!(
            "{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n\
                       c=IN IP4 192.0.2.1\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n";

    #[test]
    fn requests_responses_and_descriptions_are_told() {
        let invite = summary(&message("INVITE sip:b@h SIP/2.0", "INVITE", SDP));
        assert_eq!(invite.what, "INVITE");
        assert_eq!(invite.media.as_deref(), Some("PCMA PCMU telephone-event 192.0.2.1:4000 sendonly"));
        let ringing = summary(&message("SIP/2.0 180 ", "INVITE", ""));
        assert_eq!((ringing.what.as_str(), ringing.media), ("180 Ringing (INVITE)", None));
        assert_eq!(summary(&message("SIP/2.0 200 \u{1b}[2J", "BYE", "")).what, "200 ?[2J (BYE)");
        assert_eq!(summary(b"\r\n\r\n").what, "keep-alive");
        assert_eq!(summary(b"nonsense").what, "?");
    }
}
