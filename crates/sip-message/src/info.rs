//! Digits in the bodies of INFO, as phones and gateways have sent them since before RFC 6086, in two forms.

use crate::{Request, chars};

/// The longest body that is looked into, in octets.
const MAX_BODY: usize = 256;

/// A key that an INFO tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InfoDigit {
    /// `0`–`9`, `*`, `#`, `A`–`D`.
    pub key: char,
    /// How long it was held, in milliseconds, if that is told.
    pub duration_ms: Option<u16>,
}

/// A body that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no digit")]
pub struct NoDigit;

impl InfoDigit {
    /// Reads the body of an INFO; `None` if it has none, or tells the flash hook, which is no digit.
    ///
    /// `application/dtmf` has the key alone; `application/dtmf-relay` has lines, of which `Signal=` and `Duration=` count.
    /// Some senders write the one form under the other's name, so the text decides.
    ///
    /// # Errors
    /// If it is neither.
    pub fn read(request: &Request) -> Result<Option<Self>, NoDigit> {
        if request.body.is_empty() {
            return Ok(None);
        }
        let text = request.body.get(..request.body.len().min(MAX_BODY)).unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| NoDigit)?;
        let (mut signal, mut duration_ms) = (None, None);
        for line in text.lines() {
            let Some((name, value)) = chars::split(line, b'=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("signal") {
                signal = signal.or(Some(value));
            } else if name.eq_ignore_ascii_case("duration") {
                duration_ms = duration_ms.or(chars::number(value));
            }
        }
        let signal = signal.unwrap_or_else(|| text.trim());
        if matches!(signal, "!" | "16") || signal.eq_ignore_ascii_case("hf") {
            return Ok(None);
        }
        let key = key(signal).ok_or(NoDigit)?;
        Ok(Some(Self { key, duration_ms }))
    }
}

/// The key that a signal names: itself, or its number among the events of RFC 4733.
fn key(signal: &str) -> Option<char> {
    const KEYS: &str = "0123456789*#ABCD";
    let mut chars = signal.chars();
    match (chars.next(), chars.next()) {
        (Some(key), None) => Some(key.to_ascii_uppercase()).filter(|key| KEYS.contains(*key)),
        _ => chars::number(signal).filter(|number| *number >= 10).and_then(|number: usize| KEYS.chars().nth(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, parse_datagram};

    fn read(body: &str) -> Result<Option<(char, Option<u16>)>, NoDigit> {
        let head = "INFO sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:h>;tag=2\r\nCall-ID: c\r\nCSeq: 2 INFO";
        let text =
            format!("{head}\r\nContent-Type: application/dtmf-relay\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let Ok(Message::Request(request)) = parse_datagram(text) else { panic!("no request") };
        InfoDigit::read(&request).map(|digit| digit.map(|digit| (digit.key, digit.duration_ms)))
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(read("Signal=5\r\nDuration=160\r\n"), Ok(Some(('5', Some(160)))));
        assert_eq!(read("Signal= *\r\nDuration= 250"), Ok(Some(('*', Some(250)))));
        assert_eq!(read("duration=99999\nSIGNAL = b\n"), Ok(Some(('B', None))));
        assert_eq!(read("Signal=11\r\n"), Ok(Some(('#', None))), "as the number of an event");
        assert_eq!(read("7"), Ok(Some(('7', None))));
        assert_eq!(read("#\r\n"), Ok(Some(('#', None))));
        assert_eq!(read(""), Ok(None), "a sign of life");
        assert_eq!(read("Signal=hf\r\n"), Ok(None));
        assert_eq!(read("!"), Ok(None));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for body in ["Signal=", "Signal=E", "Signal=17", "Signal=55", "55", "x", "=", "Duration=100", "\u{fffd}"] {
            assert_eq!(read(body), Err(NoDigit), "{body}");
        }
        assert_eq!(read(&format!("{}Signal=5", "x".repeat(300))), Err(NoDigit), "too far behind");
    }
}
