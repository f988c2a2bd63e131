//! Bodies: of session descriptions what media needs is shown, of all others nothing.

use super::{View, hide};

/// Hides what a body tells about a person or keeps secret. `is_sdp` says what its Content-Type is, if it has one.
pub(super) fn mask(body: &mut [u8], is_sdp: Option<bool>, view: View) {
    if is_sdp.unwrap_or_else(|| body.starts_with(b"v=0")) {
        return lines(body, |line| description(line, view));
    }
    if view == View::Clear {
        return;
    }
    let mut first = true;
    lines(body, |line| {
        // What a transfer came to (RFC 3515): the status line of a message fragment.
        let status = first && line.starts_with(b"SIP/2.0 ");
        first = false;
        if !status {
            hide(line);
        }
    });
}

fn lines(text: &mut [u8], mut each: impl FnMut(&mut [u8])) {
    for line in text.split_mut(|octet| *octet == b'\n') {
        each(line);
    }
}

/// Hides the keys that a caller pressed in a whole message, if it is an INFO: they may be a secret, as a card's number is,
/// and an INFO that is repeated comes when nobody knows any more whether it was one. So they are never kept. What may be
/// kept stands in the journal.
pub(crate) fn digits(message: &mut [u8]) {
    if !message.starts_with(b"INFO ") {
        return;
    }
    let end = [&b"\r\n\r\n"[..], b"\n\n"]
        .into_iter()
        .filter_map(|empty| memchr::memmem::find(message, empty).map(|at| at + empty.len()));
    let Some(body) = end.min().and_then(|at| message.get_mut(at..)) else { return };
    lines(body, |line| {
        let from = memchr::memchr(b'=', line).map_or(0, |equals| equals + 1);
        let (name, value) = line.split_at_mut(from);
        if !name.trim_ascii().eq_ignore_ascii_case(b"duration=") {
            hide(value);
        }
    });
}

/// Attributes whose values are keys, and how many words of them are not.
const KEYS: &[(&[u8], usize)] =
    &[(b"a=crypto:", 2), (b"a=ice-pwd:", 0), (b"a=key-mgmt:", 0), (b"k=", 0), (b"a=identity:", 0)];

/// Hides the keys of media in a whole message, wherever they stand: they are not even kept.
pub(crate) fn keys(message: &mut [u8]) {
    let mut start = 0;
    while let Some(rest) = message.get_mut(start..).filter(|rest| !rest.is_empty()) {
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        if let Some(line) = rest.get_mut(..length) {
            key(line);
        }
        start += length + 1;
    }
}

/// Hides what a line tells of a key; false if it tells none.
fn key(line: &mut [u8]) -> bool {
    // Each of them begins so, and hardly any line does that is none.
    if !matches!(line, [b'a' | b'A' | b'k' | b'K', b'=', ..]) {
        return false;
    }
    let begins = |prefix: &[u8]| line.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    if let Some((prefix, words)) = KEYS.iter().find(|(prefix, _)| begins(prefix)) {
        let value = line.get_mut(prefix.len()..).unwrap_or_default();
        let spaces = value.iter().enumerate().filter(|(_, octet)| **octet == b' ').map(|(at, _)| at + 1);
        let from = if *words == 0 { 0 } else { spaces.take(*words).last().unwrap_or(0) };
        let key = value.get_mut(from..).unwrap_or_default();
        let lead = if key.starts_with(b"inline:") { b"inline:".len() } else { 0 };
        hide(key.get_mut(lead..).unwrap_or_default());
        return true;
    }
    false
}

fn description(line: &mut [u8], view: View) {
    if key(line) {
        return;
    }
    if view == View::Clear {
        return;
    }
    let (kind, value) = line.split_at_mut(line.len().min(2));
    match &*kind {
        b"o=" => {
            let user = value.iter().position(|octet| *octet == b' ').unwrap_or(value.len());
            hide(value.get_mut(..user).unwrap_or_default());
        }
        b"v=" | b"c=" | b"t=" | b"m=" | b"b=" | b"a=" => {}
        _ => hide(value),
    }
}
