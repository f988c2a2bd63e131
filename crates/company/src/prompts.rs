//! `prompts/LANGUAGE/…`: each file decoded, and encoded once for every call that will play it.

use std::collections::{BTreeMap, BTreeSet};

use audio::Prompt;
use switch::PromptName;
use yaml::Faults;

use crate::{Files, Notes};

/// The names of all prompts of `language`, be the files good or not.
pub(crate) fn names(files: &Files, language: &str) -> BTreeSet<String> {
    files.between(&folder(language), ".wav").map(|(_, name)| name.to_owned()).collect()
}

/// Decodes every prompt of `language`.
pub(crate) fn read(files: &Files, language: &str, faults: &Faults, notes: &mut Notes) -> BTreeMap<PromptName, Prompt> {
    let mut prompts = BTreeMap::new();
    for (path, name) in files.between(&folder(language), ".wav") {
        if !name.split('/').all(is_name) {
            let remedy = "rename it: lower-case letters, digits and `-`, like `main-menu.wav`";
            faults.add(files.place(path), "this file name is not a name", remedy);
        }
        let Some(bytes) = files.bytes(path) else { continue };
        match Prompt::from_wav(bytes) {
            Ok(prompt) => {
                listen(&prompt, path, files, notes);
                prompts.insert(name.into(), prompt);
            }
            Err(error) => faults.add(files.place(path), error.to_string(), error.remedy(&files.shown(path))),
        }
    }
    prompts
}

fn listen(prompt: &Prompt, path: &str, files: &Files, notes: &mut Notes) {
    if prompt.levels.is_silent() {
        notes.add(files.place(path), "nothing can be heard in it");
    } else if prompt.levels.is_clipped() {
        notes.add(files.place(path), "it is too loud: its peaks are cut off");
    }
}

fn folder(language: &str) -> String {
    format!("prompts/{language}/")
}

/// What [`yaml::Value::name`] takes; a file of any other name could not be named in a flow.
pub(crate) fn is_name(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 64
        && text.bytes().all(|c| inner(c) || c == b'-')
        && text.bytes().next().is_some_and(inner)
        && text.bytes().last().is_some_and(inner)
}
