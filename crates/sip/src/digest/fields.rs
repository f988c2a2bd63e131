//! `Digest name=value, name="value"`: the text of challenges and credentials (RFC 7616 3.3, 3.4).

/// The longest header field that is read, in octets.
const MAX_LENGTH: usize = 2048;
/// The most parameters that are read.
const MAX_FIELDS: usize = 32;

/// The parameters of one digest challenge or of one set of credentials, unquoted.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a header field's value. `Ok(None)`: another scheme. `Err`: it says Digest and is malformed, or beyond
    /// our limits, or says something twice.
    pub(super) fn read(text: &str) -> Result<Option<Self>, ()> {
        let (scheme, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        if !scheme.eq_ignore_ascii_case("digest") {
            return Ok(None);
        }
        if rest.len() > MAX_LENGTH {
            return Err(());
        }
        let mut fields = Self::default();
        let mut rest = rest.trim_start();
        while !rest.is_empty() {
            let (name, after) = rest.split_once('=').ok_or(())?;
            let (value, after) = value(after.trim_start()).ok_or(())?;
            let name = name.trim().to_ascii_lowercase();
            let token =
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;".contains(&byte));
            if !token || fields.value(&name).is_some() || fields.0.len() == MAX_FIELDS {
                return Err(());
            }
            fields.0.push((name, value));
            let after = after.trim_start();
            // Commas may stand alone in a list (RFC 3261 25.1 allows it in none, RFC 7235 in all).
            let next = after.trim_start_matches([',', ' ', '\t']);
            if !after.is_empty() && !after.starts_with(',') {
                return Err(());
            }
            rest = next;
        }
        Ok(Some(fields))
    }

    /// The value of parameter `name` (in lower case).
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A token or a quoted string at the start of `text`, unquoted, and what follows.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (token, rest) = text.split_at_checked(end)?;
        return (!token.is_empty() && !token.contains('"')).then(|| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, character)) = chars.next() {
        match character {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// `text` as a quoted string.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_bare_values_are_read_in_any_order_and_case() {
        let fields = Fields::read("dIgEsT Nonce=\"a,b\\\"c\" ,QOP = auth,, nc=00000001").unwrap().unwrap();
        assert_eq!(fields.value("nonce"), Some("a,b\"c"));
        assert_eq!((fields.value("qop"), fields.value("nc")), (Some("auth"), Some("00000001")));
        assert_eq!(fields.value("cnonce"), None);
    }

    #[test]
    fn what_is_malformed_doubled_or_too_long_is_refused() {
        for text in [
            "Digest a",
            "Digest a=\"b",
            "Digest a=1,A=2",
            "Digest a=\"b\\",
            "Digest =b",
            "Digest a=\"b\"c=d",
            "Digest a=,b=c",
        ] {
            assert!(Fields::read(text).is_err(), "{text}");
        }
        assert!(Fields::read(&format!("Digest a=\"{}\"", "x".repeat(MAX_LENGTH))).is_err());
        let many: Vec<String> = (0..=MAX_FIELDS).map(|n| format!("a{n}=1")).collect();
        assert!(Fields::read(&format!("Digest {}", many.join(","))).is_err());
    }

    #[test]
    fn another_scheme_is_no_fault() {
        assert!(Fields::read("Basic QWxhZGRpbg==").unwrap().is_none());
        assert!(Fields::read("").unwrap().is_none());
    }

    #[test]
    fn quoting_keeps_what_reading_gives_back() {
        let text = "a \"b\" \\ c";
        let fields = Fields::read(&format!("Digest x={}", quote(text))).unwrap().unwrap();
        assert_eq!(fields.value("x"), Some(text));
    }
}
