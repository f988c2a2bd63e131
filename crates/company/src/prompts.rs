//! `prompts/LANGUAGE/…`: each file decoded, and encoded once for every call that will play it.

use std::collections::{BTreeMap, BTreeSet};

use audio::Prompt;
use switch::{PromptName, Prompts};
use yaml::Faults;

use crate::languages::{COMMON, Languages};
use crate::{Files, Notes};

/// The names of all prompts of `language`, be the files good or not.
pub(crate) fn names(files: &Files, language: &str) -> BTreeSet<String> {
    files.between(&folder(language), ".wav").map(|(_, name)| name.to_owned()).collect()
}

/// Decodes every prompt of the languages, and those of no language.
pub(crate) fn read(files: &Files, languages: &Languages, faults: &Faults, notes: &mut Notes) -> Prompts {
    let mut reader = Reader { files, faults, notes, decoded: BTreeMap::new() };
    let all = languages.names().map(|language| (language.clone(), reader.language(language))).collect();
    let common = reader.language(COMMON);
    Prompts::new(languages.names().next().cloned().unwrap_or_default(), all, common)
}

struct Reader<'a> {
    files: &'a Files,
    faults: &'a Faults,
    notes: &'a mut Notes,
    /// By content: what languages have in common is in memory once.
    decoded: BTreeMap<&'a [u8], Prompt>,
}

impl<'a> Reader<'a> {
    fn language(&mut self, language: &str) -> BTreeMap<PromptName, Prompt> {
        let (files, folder) = (self.files, folder(language));
        let mut prompts = BTreeMap::new();
        for (path, name) in files.between(&folder, ".wav") {
            if !name.split('/').all(is_name) {
                let remedy = "rename it: lower-case letters, digits and `-`, like `main-menu.wav`";
                self.faults.add(files.place(path), "this file name is not a name", remedy);
            }
            let Some(bytes) = files.bytes(path) else { continue };
            if let Some(prompt) = self.decode(path, bytes) {
                prompts.insert(name.into(), prompt);
            }
        }
        prompts
    }

    fn decode(&mut self, path: &str, bytes: &'a [u8]) -> Option<Prompt> {
        let prompt = match self.decoded.get(bytes) {
            Some(prompt) => prompt.clone(),
            None => match Prompt::from_wav(bytes) {
                Ok(prompt) => prompt,
                Err(error) => {
                    let remedy = error.remedy(&self.files.shown(path));
                    self.faults.add(self.files.place(path), error.to_string(), remedy);
                    return None;
                }
            },
        };
        if prompt.levels.is_silent() {
            let remedy = "record it anew; a pause within a prompt is `{ silence: 1s }` in the flow";
            self.faults.add(self.files.place(path), "nothing can be heard in it", remedy);
        } else if prompt.levels.is_clipped() {
            self.notes.add(self.files.place(path), "it is too loud: its peaks are cut off");
        }
        self.decoded.insert(bytes, prompt.clone());
        Some(prompt)
    }
}

fn folder(language: &str) -> String {
    format!("prompts/{language}/")
}

/// What [`yaml::Value::name`] takes; a file of any other name could not be named in a flow.
pub fn is_name(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 64
        && text.bytes().all(|c| inner(c) || c == b'-')
        && text.bytes().next().is_some_and(inner)
        && text.bytes().last().is_some_and(inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_two_languages_have_in_common_is_in_memory_once() {
        let mut files = Files::new("");
        let wav: Vec<u8> = include_bytes!("../../../config/prompts/en/digits/4.wav").to_vec();
        for path in ["prompts/en/beep.wav", "prompts/zh/beep.wav", "prompts/common/beep.wav"] {
            files.insert(path, wav.clone());
        }
        files.insert("strowger.yaml", "version: 1\nlanguages: [en, zh]\n");
        let faults = Faults::default();
        let source = files.source("strowger.yaml").unwrap();
        let document = yaml::read(&source, &faults).unwrap();
        let root = document.root(&faults).map(&crate::ROOT).unwrap();
        let prompts = read(&files, &Languages::read(&files, Some(&root), &faults), &faults, &mut Notes::default());
        let sounds: Vec<&Prompt> = prompts.iter().map(|(_, _, prompt)| prompt).collect();
        assert_eq!(sounds.len(), 3);
        assert!(sounds.iter().all(|sound| Arc::ptr_eq(&sound.ulaw, &sounds[0].ulaw)));
    }
}
