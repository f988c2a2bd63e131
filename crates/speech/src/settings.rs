//! Who speaks, and how.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::Web;

/// Who speaks, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who speaks.
    pub engine: Engine,
    /// The voice by language; the language's own name where none is given.
    pub voices: BTreeMap<String, String>,
    /// How long a text may take, its wait for others included.
    pub deadline: Duration,
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Nobody: every text is a fault.
    Nobody,
    /// A program and its arguments, which gets the text at its standard input and writes a WAV file to its standard output.
    /// `{voice}`, `{language}` and `{text}` in an argument stand for these; with `{text}` there is nothing at its input.
    Command(Vec<String>),
    /// A web server that answers with a WAV file.
    Web(Box<Web>),
}

impl Settings {
    /// The voice that speaks a language.
    pub(crate) fn voice<'a>(&'a self, language: &'a str) -> &'a str {
        self.voices.get(language).map_or(language, String::as_str)
    }

    /// Names what a text becomes: the same for the same engine, voice and text.
    pub(crate) fn key(&self, language: &str, text: &str) -> Key {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(text.as_bytes());
            hash.update([0]);
        };
        match &self.engine {
            Engine::Nobody => {}
            Engine::Command(words) => words.iter().for_each(|word| part(word)),
            Engine::Web(web) => web.parts().iter().for_each(|word| part(word)),
        }
        // Samples of another kind than these would need another number.
        ["1", language, self.voice(language), text].into_iter().for_each(&mut part);
        Key(hash.finalize().into())
    }
}

/// Names what a text becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub fn file_name(&self) -> String {
        let hex: String = self.0.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{hex}.wav")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_the_sound_changes_the_name() {
        let of = |command: &[&str], voice: &str, language: &str, text: &str| {
            let engine = Engine::Command(command.iter().map(ToString::to_string).collect());
            let voices = BTreeMap::from([("en".to_owned(), voice.to_owned())]);
            Settings { engine, voices, deadline: Duration::ZERO }.key(language, text).file_name()
        };
        let names = [
            of(&["a", "b"], "v", "en", "Hello"),
            of(&["ab"], "v", "en", "Hello"),
            of(&["a", "b"], "w", "en", "Hello"),
            of(&["a", "b"], "v", "de", "Hello"),
            of(&["a", "b"], "v", "en", "hello"),
        ];
        let different: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len());
        assert_eq!(names[0], of(&["a", "b"], "v", "en", "Hello"));
        assert_eq!(names[0].len(), 68);
    }
}
