//! Parameters: `;name=value` lists of URIs and header fields.

use std::fmt;

use crate::{MAX_PARAMS, Str, chars};

/// A list of parameters, checked when it was read and kept as it stood. Names are compared without regard to case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params {
    /// Empty, or text that begins with `;`.
    text: Str,
}

impl Params {
    /// No parameters.
    pub const NONE: Self = Self { text: Str::EMPTY };

    /// Reads what follows a value: nothing, or `;name[=value]` as often as may be.
    pub(crate) fn parse_in(source: &Str, text: &str) -> Option<Self> {
        let text = chars::trim(text);
        if text.is_empty() {
            return Some(Self::NONE);
        }
        let params = Self { text: source.share(text) };
        let mut count = 0;
        let well_formed = params.iter().all(|(name, value)| {
            count += 1;
            count <= MAX_PARAMS && chars::is_token(name) && value.is_none_or(is_value)
        });
        (text.starts_with(';') && well_formed).then_some(params)
    }

    /// Takes text that a caller has checked more narrowly: empty, or beginning with `;`.
    pub(crate) fn unchecked(text: Str) -> Self {
        Self { text }
    }

    /// Names and values in order, a quoted value with its quotes; nothing is unescaped.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let mut rest = self.text.strip_prefix(';');
        std::iter::from_fn(move || {
            let (param, tail) = chars::cut(rest?, b';');
            rest = tail;
            Some(split(param))
        })
    }

    /// The value of the first parameter `name` that has one, without its quotes.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let value = self.iter().find_map(|(n, value)| value.filter(|_| n.eq_ignore_ascii_case(name)));
        value.map(|v| chars::quoted(v).map_or(v, |(inner, _)| inner))
    }

    /// True if parameter `name` is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// This list without `name` and, if it is acceptable, with `name=value` at its end. The value is put in quotes if
    /// it could not stand without.
    #[must_use]
    pub fn with(&self, name: &str, value: Option<&str>) -> Self {
        let mut kept = self.without(name).text.to_string();
        if !chars::is_token(name) {
            return Self { text: Str::from(kept) };
        }
        kept.extend([";", name]);
        match value {
            Some(value) if chars::is_param_value(value) => kept.extend(["=", value]),
            Some(value) => {
                kept.push_str("=\"");
                push_quoted(&mut kept, value);
                kept.push('"');
            }
            None => {}
        }
        Self { text: Str::from(kept) }
    }

    /// This list without `name`.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        if !self.has(name) {
            return self.clone();
        }
        let mut kept = String::with_capacity(self.text.len());
        for (n, value) in self.iter().filter(|(n, _)| !n.eq_ignore_ascii_case(name)) {
            kept.extend([";", n]);
            if let Some(value) = value {
                kept.extend(["=", value]);
            }
        }
        Self { text: Str::from(kept) }
    }
}

fn split(param: &str) -> (&str, Option<&str>) {
    match chars::split(param, b'=') {
        Some((name, value)) => (chars::trim(name), Some(chars::trim(value))),
        None => (chars::trim(param), None),
    }
}

fn is_value(value: &str) -> bool {
    chars::is_param_value(value) || chars::quoted(value).is_some_and(|(_, rest)| rest.is_empty())
}

/// Writes the inside of a quoted string. Line ends and other control characters, which have no business in what we
/// send, are left out.
pub(crate) fn push_quoted(out: &mut String, plain: &str) {
    for c in plain.chars().filter(|c| !c.is_ascii_control()) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
}

/// Without the white space that may stand round `;` and `=`.
impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.iter() {
            f.write_str(";")?;
            f.write_str(name)?;
            if let Some(value) = value {
                f.write_str("=")?;
                f.write_str(value)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Params> {
        Params::parse_in(&Str::from(text), text)
    }

    #[test]
    fn names_values_and_quoted_values_are_read() {
        let params = read(" ; tag = 98asjd8; lr ;note=\"a;b=\\\"c\\\"\";x==").unwrap();
        assert_eq!(params.value("TAG"), Some("98asjd8"));
        assert_eq!(params.value("note"), Some("a;b=\\\"c\\\""));
        assert_eq!(params.value("x"), Some("="));
        assert!(params.has("lr") && params.value("lr").is_none() && !params.has("l"));
        assert_eq!(params.to_string(), ";tag=98asjd8;lr;note=\"a;b=\\\"c\\\"\";x==");
    }

    #[test]
    fn empty_and_broken_parameters_are_refused() {
        for text in [";", ";;a", ";a;", ";a=", ";a=b c", ";a=\"b", ";a=\"b\"c", "a=b", ";=b", ";a=b,c", ";a b"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("  "), Some(Params::NONE));
        assert_eq!(read(&";a".repeat(MAX_PARAMS + 1)), None, "too many");
    }

    #[test]
    fn a_parameter_is_set_once_and_quoted_where_needed() {
        let params = read(";tag=old;a=1").unwrap().with("tag", Some("new")).with("note", Some("x \"y\"\r\n"));
        assert_eq!(params.to_string(), ";a=1;tag=new;note=\"x \\\"y\\\"\"");
        assert_eq!(params.without("tag").value("tag"), None);
        assert_eq!(read(";a=1").unwrap().with("bad name", None).to_string(), ";a=1");
    }
}
