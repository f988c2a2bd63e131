//! Users and display names of addresses.

use super::{HIDDEN, hide};

/// Hides display names and users in a list of addresses.
pub(super) fn mask(value: &mut [u8]) {
    // The place where what may be a display name begins, outside of angle brackets.
    let (mut from, mut quoted, mut within, mut at) = (0, false, false, 0);
    while let Some(&octet) = value.get(at) {
        match octet {
            b'\\' if quoted => {
                cover(value, at);
                at += 1;
                cover(value, at);
            }
            b'"' => quoted = !quoted,
            _ if quoted => cover(value, at),
            b'<' if !within => {
                hide(value.get_mut(from..at).unwrap_or_default());
                within = true;
            }
            b'>' => within = false,
            b',' if !within => from = at + 1,
            _ => {}
        }
        at += 1;
    }
    uris(value);
}

fn cover(value: &mut [u8], at: usize) {
    if let Some(octet) = value.get_mut(at)
        && !octet.is_ascii_whitespace()
    {
        *octet = HIDDEN;
    }
}

/// Hides users and numbers of the URIs in a text, and the header fields that URIs bring along.
pub(super) fn uris(text: &mut [u8]) {
    let mut at = 0;
    while let Some(colon) = memchr::memchr(b':', text.get(at..).unwrap_or_default()) {
        let start = at + colon + 1;
        let scheme = text.get(at..start - 1).unwrap_or_default();
        let length = scheme.iter().rev().take_while(|octet| octet.is_ascii_alphanumeric()).count();
        let scheme = scheme.get(scheme.len() - length..).unwrap_or_default().to_ascii_lowercase();
        let rest = text.get(start..).unwrap_or_default();
        let end =
            rest.iter().position(|octet| matches!(octet, b'>' | b'<' | b'"' | b',') || octet.is_ascii_whitespace());
        let end = start + end.unwrap_or(rest.len());
        at = start;
        let Some(uri) = text.get_mut(start..end) else { continue };
        match &*scheme {
            b"sip" | b"sips" => {
                let host = memchr::memrchr(b'@', uri).map_or(0, |at| at);
                hide(uri.get_mut(..host).unwrap_or_default());
                if let Some(headers) = memchr::memchr(b'?', uri.get(host..).unwrap_or_default()) {
                    hide(uri.get_mut(host + headers + 1..).unwrap_or_default());
                }
                at = end;
            }
            b"tel" => {
                hide(uri);
                at = end;
            }
            _ => {}
        }
    }
}
