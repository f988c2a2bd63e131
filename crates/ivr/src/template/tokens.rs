//! The words within the tags of a text, each with where it stands: enough to tell what it names.

use std::ops::Range;

/// A word or sign within `{{ }}` or `{% %}`. What stands in quotes is left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub text: String,
    /// In characters.
    pub at: Range<usize>,
    /// The first word of a `{% %}`.
    pub begins_statement: bool,
}

impl Token {
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// All tokens of a text that could be read as a template.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let text: Vec<char> = text.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some((open, close)) = tag(&text, &mut at) {
        if open == '#' {
            while at < text.len() && !ends(&text, at, close) {
                at += 1;
            }
        } else {
            inside(&text, &mut at, (open, close), &mut tokens);
        }
        at += 2;
    }
    tokens
}

/// Goes behind the next opening; gives its sign and the one that closes it.
fn tag(text: &[char], at: &mut usize) -> Option<(char, char)> {
    loop {
        if *text.get(*at)? == '{' {
            match text.get(*at + 1) {
                Some('{') => {
                    *at += 2;
                    return Some(('{', '}'));
                }
                Some(sign @ ('%' | '#')) => {
                    *at += 2;
                    return Some((*sign, *sign));
                }
                _ => {}
            }
        }
        *at += 1;
    }
}

fn ends(text: &[char], at: usize, close: char) -> bool {
    text.get(at) == Some(&close) && text.get(at + 1) == Some(&'}')
}

fn inside(text: &[char], at: &mut usize, (open, close): (char, char), tokens: &mut Vec<Token>) {
    let mut is_first = open == '%';
    // A map's own bracket may stand before the end: `{{ {"a": 1}}}`.
    let mut depth = 0usize;
    while let Some(c) = text.get(*at) {
        if depth == 0 && ends(text, *at, close) {
            return;
        }
        let start = *at;
        *at += 1;
        match c {
            '"' | '\'' => quoted(text, at, *c),
            c if c.is_alphabetic() || *c == '_' => {
                while text.get(*at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                    *at += 1;
                }
                let word = text.get(start..*at).unwrap_or_default().iter().collect();
                tokens.push(Token { text: word, at: start..*at, begins_statement: std::mem::take(&mut is_first) });
            }
            c if c.is_whitespace() || (is_first && matches!(c, '-' | '+')) => {}
            c => {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                tokens.push(Token { text: c.to_string(), at: start..*at, begins_statement: false });
            }
        }
    }
}

/// Goes behind the end of what stands in quotes.
fn quoted(text: &[char], at: &mut usize, quote: char) {
    while let Some(c) = text.get(*at) {
        *at += if *c == '\\' { 2 } else { 1 };
        if *c == quote {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_fall_into_words_and_signs() {
        let words = |text: &str| tokens(text).into_iter().map(|token| token.text).collect::<Vec<_>>().join(" ");
        assert_eq!(
            words("a {{ b|c('}} d', \"e\") }} f {# g #}{%- if h.i %}j{% endif %}"),
            "b | c ( , ) if h . i endif"
        );
        assert_eq!(words("{{ {'a': {'b': c}}.a }} d"), "{ : { : c } } . a");
        assert_eq!(words("{ { a } } {"), "");
        assert!(tokens("{%+ if x %}").first().is_some_and(|token| token.begins_statement && token.at == (4..6)));
    }
}
