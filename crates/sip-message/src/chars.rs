//! Character classes and cutting of RFC 3261 section 25.1, shared by all parsers.

/// A class of octets: one flag for each. ASCII letters and digits are in all of them.
type Class = [bool; 256];

const fn class(extra: &[u8]) -> Class {
    let mut table = [false; 256];
    let mut rest = table.as_mut_slice();
    let mut byte = 0u8;
    while let [flag, tail @ ..] = rest {
        *flag = byte.is_ascii_alphanumeric() || contains(extra, byte);
        rest = tail;
        byte = byte.wrapping_add(1);
    }
    table
}

const fn contains(bytes: &[u8], wanted: u8) -> bool {
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        if *first == wanted {
            return true;
        }
        rest = tail;
    }
    false
}

static TOKEN: Class = class(b"-.!%*_+`'~");
/// `user` without its escapes, and `#`, which phones send unescaped in feature codes.
static USER: Class = class(b"-_.!~*'()&=+$,;?/#");
static PASSWORD: Class = class(b"-_.!~*'()&=+$,");
static URI_PARAM: Class = class(b"-_.!~*'()[]/:&+$");
/// `hname` and `hvalue`, and `@`, `;` and `,`, which some write unescaped.
static URI_HEADER: Class = class(b"-_.!~*'()[]/?:+$@;,&=");
/// Host names; `_` is against RFC 1123 but in use.
static HOST: Class = class(b"-._");

fn is_in(class: &Class, byte: u8) -> bool {
    class.get(usize::from(byte)).copied().unwrap_or(false)
}

/// A non-empty `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| is_in(&TOKEN, b))
}

/// A host name's characters, at least one.
pub(crate) fn is_host_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| is_in(&HOST, b)) && text.bytes().any(|b| b.is_ascii_alphanumeric())
}

fn is_escaped(text: &str, allowed: &Class) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                bytes.next().is_some_and(|b| b.is_ascii_hexdigit())
                    && bytes.next().is_some_and(|b| b.is_ascii_hexdigit())
            }
            // Unescaped UTF-8 is against the grammar but has one meaning only.
            0x80.. => true,
            _ => is_in(allowed, byte),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// The `user` part of a URI, escapes included.
pub(crate) fn is_user(text: &str) -> bool {
    !text.is_empty() && is_escaped(text, &USER)
}

/// The `password` part of a URI, which may be empty.
pub(crate) fn is_password(text: &str) -> bool {
    is_escaped(text, &PASSWORD)
}

/// A `pname` or `pvalue` of a URI.
pub(crate) fn is_uri_param(text: &str) -> bool {
    !text.is_empty() && is_escaped(text, &URI_PARAM)
}

/// The `headers` part of a URI.
pub(crate) fn is_uri_headers(text: &str) -> bool {
    is_escaped(text, &URI_HEADER)
}

/// Characters of a user part that need no escape; what `=+$,;?/&` may mean elsewhere does not matter before the `@`.
pub(crate) fn is_plain_user(byte: u8) -> bool {
    is_in(&USER, byte) && byte != b'#'
}

/// Characters of a URI parameter that need no escape.
pub(crate) fn is_plain_uri_param(byte: u8) -> bool {
    is_in(&URI_PARAM, byte)
}

/// A parameter's value without quotes: wider than `token`, for hosts, base 64 and what products put there, but never
/// what would end it.
pub(crate) fn is_param_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b > b' ' && b != 0x7f && !matches!(b, b'"' | b',' | b';' | b'<' | b'>'))
}

/// White space of one line; folds have become spaces before.
pub(crate) fn trim(text: &str) -> &str {
    let text = trim_start(text);
    text.get(..trim_octets_end(text.as_bytes()).len()).unwrap_or("")
}

/// End-of-text form of [`trim`], of octets.
pub(crate) fn trim_octets_end(mut octets: &[u8]) -> &[u8] {
    // Patterns, as most texts have nothing to trim and this runs a hundred times a message.
    while let [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}

/// Start-of-text form of [`trim`].
pub(crate) fn trim_start(text: &str) -> &str {
    let mut octets = text.as_bytes();
    while let [b' ' | b'\t', rest @ ..] = octets {
        octets = rest;
    }
    text.get(text.len() - octets.len()..).unwrap_or("")
}

/// What stands before the first `separator`, an ASCII character, and what after it; None if there is none. Texts here are
/// short, where `str::split_once` takes several times as long.
pub(crate) fn split(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(separator, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands before the first `separator`, an ASCII character, and the rest that begins with it; all and nothing if there
/// is none.
pub(crate) fn before(text: &str, separator: u8) -> (&str, &str) {
    text.split_at_checked(memchr::memchr(separator, text.as_bytes()).unwrap_or(text.len())).unwrap_or((text, ""))
}

/// Cuts at the first `separator` that stands neither in a quoted string nor in angle brackets: what comes before, and
/// what comes after if there was one. A quote or bracket that is never closed hides the separators after it.
pub(crate) fn cut(text: &str, separator: u8) -> (&str, Option<&str>) {
    // Mostly nothing can hide the separator, and it is found at once.
    match memchr::memchr3(separator, b'"', b'<', text.as_bytes()) {
        None => return (text, None),
        Some(at) if text.as_bytes().get(at) == Some(&separator) => {
            return (text.get(..at).unwrap_or(""), text.get(at + 1..));
        }
        Some(_) => {}
    }
    let mut quoted = false;
    let mut escaped = false;
    let mut bracketed = false;
    for (at, byte) in text.bytes().enumerate() {
        if escaped {
            escaped = false;
        } else if quoted {
            escaped = byte == b'\\';
            quoted = byte != b'"';
        } else if byte == separator && !bracketed {
            return (text.get(..at).unwrap_or(""), Some(text.get(at + 1..).unwrap_or("")));
        } else {
            match byte {
                b'"' if !bracketed => quoted = true,
                b'<' => bracketed = true,
                b'>' => bracketed = false,
                _ => {}
            }
        }
    }
    (text, None)
}

/// The trimmed values of a comma list, empty ones included.
pub(crate) fn commas(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (value, tail) = cut(rest?, b',');
        rest = tail;
        Some(trim(value))
    })
}

/// Reads a quoted string at the start of `text`: what stands between the quotes (escapes kept), and what follows the
/// closing one. None if it is not closed, or holds a control character that is not escaped.
pub(crate) fn quoted(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'\r' | b'\n' => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some((inner.get(..at)?, inner.get(at + 1..)?)),
            b'\t' => {}
            0..b' ' | 0x7f => return None,
            _ => {}
        }
    }
    None
}

/// Takes the backslashes out of the inside of a quoted string; None if there is none.
pub(crate) fn unquote(inner: &str) -> Option<String> {
    if !inner.contains('\\') {
        return None;
    }
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    Some(plain)
}

/// Decodes `%` escapes exactly once; None if there is none, or if the octets are not UTF-8 (then the escaped form is
/// the only text there is).
pub(crate) fn unescape(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    String::from_utf8(unescaped_bytes(text).collect()).ok()
}

/// The octets that `text` stands for, escapes decoded once.
pub(crate) fn unescaped_bytes(text: &str) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (&first, tail) = rest.split_first()?;
        if let (b'%', [high, low, after @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            rest = after;
            return Some(high << 4 | low);
        }
        rest = tail;
        Some(first)
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

/// Escapes every octet that `plain` refuses.
pub(crate) fn escape(text: &str, plain: fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            escaped.push(char::from(byte));
        } else {
            let digit = |d: u8| char::from_digit(u32::from(d), 16).unwrap_or('0').to_ascii_uppercase();
            escaped.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    escaped
}

/// A decimal number of digits only; None if there is none or it does not fit.
pub(crate) fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_in_quotes_and_brackets_do_not_cut() {
        let list: Vec<_> = commas(r#""a, \"b" <sip:x,y@h> , c,,d"#).collect();
        assert_eq!(list, [r#""a, \"b" <sip:x,y@h>"#, "c", "", "d"]);
    }

    #[test]
    fn a_quoted_string_ends_at_the_first_quote_without_a_backslash() {
        assert_eq!(quoted(r#""a\"b\\" rest"#), Some((r#"a\"b\\"#, " rest")));
        assert_eq!(quoted("\"never closed"), None);
        assert_eq!(quoted("\"bell \u{7}\""), None, "a control character stands escaped only");
        assert_eq!(quoted("\"bell \\\u{7}\""), Some(("bell \\\u{7}", "")));
        assert_eq!(unquote(r#"a\"b\\"#).as_deref(), Some(r#"a"b\"#));
    }

    #[test]
    fn escapes_are_decoded_exactly_once() {
        assert_eq!(unescape("%2541").as_deref(), Some("%41"));
        assert_eq!(unescape("100%").as_deref(), Some("100%"));
        assert_eq!(unescape("%FF"), None, "not UTF-8");
        assert_eq!(unescape("a%00b").as_deref(), Some("a\0b"));
        assert_eq!(escape("a b@ü", is_plain_user), "a%20b%40%C3%BC");
    }

    #[test]
    fn numbers_take_no_sign_and_no_overflow() {
        assert_eq!(number::<u8>("0068"), Some(68));
        assert_eq!(number::<u8>("300"), None);
        assert_eq!(number::<u8>("+1"), None);
        assert_eq!(number::<u8>(""), None);
    }
}
