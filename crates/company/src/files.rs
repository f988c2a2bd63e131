//! The files of a company's folder, as a driver hands them in, and which of them it must read.

use std::collections::BTreeMap;
use std::fmt::Display;

use yaml::{Faults, Source, Span, did_you_mean};

use crate::report::{Notes, printable};
use crate::services::{DESCRIBES, MAX_DESCRIPTION_BYTES};
use crate::{Certificates, MAX_PLUGIN_BYTES, Plugins, Programs};

/// The largest prompt file that is read, in bytes: 25 minutes at 16 kHz.
const MAX_PROMPT_BYTES: usize = 48_000_000;

/// How deep folders below `prompts/LANGUAGE` may nest.
const MAX_FOLDERS: usize = 8;

/// The files that lie in the folder itself.
const TOP: [&str; 4] = ["strowger.yaml", "users.yaml", "queues.yaml", "hours.yaml"];

/// The folders in it.
const FOLDERS: [&str; 5] = ["flows", "languages", "plugins", "prompts", "tables"];

/// What a driver does with a file or folder that it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// A folder: look into it.
    Enter,
    /// A file: read it and hand it in by [`Files::insert`]; one that is larger than `limit` bytes, or that cannot be
    /// read, by [`Files::insert_unreadable`].
    Read {
        /// Bytes.
        limit: usize,
    },
    /// Hand in its name by [`Files::insert_name`]; it should not be there.
    Name,
    /// Leave it alone.
    Skip,
}

/// What to do with the file or folder at `path`, which is relative to the company's folder and has `/` between names.
#[must_use]
pub fn visit(path: &str, is_folder: bool) -> Visit {
    let names: Vec<&str> = path.split('/').collect();
    let Some(last) = names.last() else { return Visit::Skip };
    if last.is_empty() || last.starts_with('.') || last.ends_with('~') || *last == "README.md" {
        return Visit::Skip;
    }
    match (names.as_slice(), is_folder) {
        (["flows" | "languages" | "plugins" | "prompts" | "tables"], true) => Visit::Enter,
        (["prompts", below @ ..], true) if below.len() <= MAX_FOLDERS => Visit::Enter,
        ([name], false) if TOP.contains(name) => Visit::Read { limit: yaml::MAX_BYTES },
        (["flows" | "languages", name], false) if name.ends_with(".yaml") => Visit::Read { limit: yaml::MAX_BYTES },
        (["tables", name], false) if name.ends_with(".csv") => Visit::Read { limit: ivr::Rows::MAX_OCTETS },
        (["plugins", name], false) if name.ends_with(".wasm") => Visit::Read { limit: MAX_PLUGIN_BYTES },
        (["plugins", name], false) if name.ends_with(DESCRIBES) => Visit::Read { limit: MAX_DESCRIPTION_BYTES },
        (["prompts", _, .., name], false) if name.ends_with(".wav") => Visit::Read { limit: MAX_PROMPT_BYTES },
        // The data folder, and other companies such as `bench`, lie beside; only a slip of the pen is of interest.
        ([name], true) if did_you_mean(name, FOLDERS).is_none() => Visit::Skip,
        ([name], false) if !is_yaml(name) => Visit::Skip,
        _ => Visit::Name,
    }
}

/// The content of a company's folder.
#[derive(Debug, Default)]
pub struct Files {
    folder: String,
    entries: BTreeMap<String, Content>,
    /// Files with a secret each, by the path that the configuration names them by.
    secrets: BTreeMap<String, Result<Password, String>>,
    certificates: Option<Box<dyn Certificates>>,
    programs: Option<Box<dyn Programs>>,
    plugins: Option<Box<dyn Plugins>>,
}

/// The text of a file with a secret. It never prints.
pub(crate) struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("•••")
    }
}

#[derive(Debug)]
enum Content {
    Bytes(Vec<u8>),
    Unreadable(String),
    Unwanted,
}

impl Files {
    /// No files yet, of the folder that people shall see as `folder` in faults.
    #[must_use]
    pub fn new(folder: impl Into<String>) -> Self {
        Self { folder: folder.into(), ..Self::default() }
    }

    /// Who reads the files of certificates and keys, which may lie anywhere. Without, there is no TLS.
    #[must_use]
    pub fn with_certificates(mut self, certificates: Box<dyn Certificates>) -> Self {
        self.certificates = Some(certificates);
        self
    }

    /// Who knows which programs there are. Without, any is taken to be there.
    #[must_use]
    pub fn with_programs(mut self, programs: Box<dyn Programs>) -> Self {
        self.programs = Some(programs);
        self
    }

    /// Who runs plugins. Without, any is taken to be one.
    #[must_use]
    pub fn with_plugins(mut self, plugins: Box<dyn Plugins>) -> Self {
        self.plugins = Some(plugins);
        self
    }

    /// Who runs plugins.
    pub(crate) fn plugins(&self) -> Option<&dyn Plugins> {
        self.plugins.as_deref()
    }

    /// True if there is a program of that name or path.
    pub(crate) fn has_program(&self, program: &str) -> bool {
        self.programs.as_ref().is_none_or(|programs| programs.has(program))
    }

    /// Who reads certificates.
    pub(crate) fn certificates(&self) -> Option<&dyn Certificates> {
        self.certificates.as_deref()
    }

    /// A file that was read.
    pub fn insert(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.entries.insert(path.into(), Content::Bytes(bytes.into()));
    }

    /// A file or folder that could not be read, and why.
    pub fn insert_unreadable(&mut self, path: impl Into<String>, why: impl Display) {
        self.entries.insert(path.into(), Content::Unreadable(why.to_string()));
    }

    /// One of the files that [`crate::secret_files`] asked for: its bytes, or why it cannot be read or may not be trusted.
    pub fn insert_secret(&mut self, path: impl Into<String>, content: Result<Vec<u8>, String>) {
        let text = content.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is no text".to_owned()));
        self.secrets.insert(path.into(), text.map(Password));
    }

    /// The text of a file with a secret, or why there is none.
    pub(crate) fn secret(&self, path: &str) -> Result<&str, &str> {
        match self.secrets.get(path) {
            Some(Ok(password)) => Ok(&password.0),
            Some(Err(why)) => Err(why),
            None => Err("there is no such file"),
        }
    }

    /// A file or folder for which [`visit`] said [`Visit::Name`].
    pub fn insert_name(&mut self, path: impl Into<String>) {
        self.entries.insert(path.into(), Content::Unwanted);
    }

    /// A file's text.
    pub(crate) fn source(&self, path: &str) -> Option<Source> {
        match self.entries.get(path)? {
            Content::Bytes(bytes) => Some(Source::from_bytes(self.shown(path), bytes)),
            _ => None,
        }
    }

    /// A file's bytes.
    pub(crate) fn bytes(&self, path: &str) -> Option<&[u8]> {
        match self.entries.get(path)? {
            Content::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// True if the file is there, be it readable or not.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// Files whose path begins with `prefix` and ends in `suffix`, with what stands between, sorted.
    pub(crate) fn between<'a>(&'a self, prefix: &'a str, suffix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.entries.iter().filter_map(move |(path, content)| {
            let name = path.strip_prefix(prefix)?.strip_suffix(suffix)?;
            (!matches!(content, Content::Unwanted)).then_some((path.as_str(), name))
        })
    }

    /// A stand-in for a file as a whole: its faults have no line to show.
    pub(crate) fn place(&self, path: &str) -> yaml::Place {
        Source::new(self.shown(path), "").place(Span::START)
    }

    /// Reports what could not be read and what should not be there.
    pub(crate) fn check(&self, faults: &Faults, notes: &mut Notes) {
        for (path, content) in &self.entries {
            match content {
                Content::Bytes(_) => {}
                Content::Unreadable(why) => {
                    faults.add(self.place(path), format!("cannot be read: {why}"), "");
                }
                Content::Unwanted => self.unwanted(path, faults, notes),
            }
        }
    }

    fn unwanted(&self, path: &str, faults: &Faults, notes: &mut Notes) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let remedy = match folder {
            "" if is_yaml(name) => match did_you_mean(name, TOP) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("menus lie in `flows/`; this folder itself has {}", TOP.join(", ")),
            },
            "flows" | "languages" if is_yaml(name) => format!("rename it to `{stem}.yaml`"),
            _ => String::new(),
        };
        if is_yaml(name) {
            faults.add(self.place(path), "nothing reads this file", remedy);
        } else if folder.starts_with("prompts") {
            notes.add(self.place(path), format!("not used: prompts are `prompts/LANGUAGE/{stem}.wav`"));
        } else if folder == "plugins" {
            notes.add(
                self.place(path),
                format!("not used: a plugin is `plugins/{stem}.wasm`, or has a `url` in `queues.yaml`"),
            );
        } else if folder == "tables" {
            notes.add(self.place(path), format!("not used: a table is `tables/{stem}.csv`"));
        } else if let Some(meant) = did_you_mean(path, FOLDERS) {
            notes.add(self.place(path), format!("not used; did you mean the folder `{meant}`?"));
        } else {
            notes.add(self.place(path), "not used");
        }
    }

    /// The path as people shall see it.
    pub(crate) fn shown(&self, path: &str) -> String {
        let folder = self.folder.trim_end_matches('/');
        printable(&if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") })
    }
}

fn is_yaml(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_reads_what_belongs_to_a_company_and_leaves_the_rest_alone() {
        let text = Visit::Read { limit: yaml::MAX_BYTES };
        let sound = Visit::Read { limit: MAX_PROMPT_BYTES };
        let cases = [
            ("strowger.yaml", false, text),
            ("users.yaml", false, text),
            ("hours.yaml", false, text),
            ("hour.yaml", false, Visit::Name),
            ("user.yaml", false, Visit::Name),
            ("queues.yml", false, Visit::Name),
            ("README.md", false, Visit::Skip),
            (".gitignore", false, Visit::Skip),
            ("users.yaml~", false, Visit::Skip),
            ("notes.txt", false, Visit::Skip),
            ("flows", true, Visit::Enter),
            ("flow", true, Visit::Name),
            ("data", true, Visit::Skip),
            ("bench", true, Visit::Skip),
            ("tests", true, Visit::Skip),
            ("flows/main.yaml", false, text),
            ("flows/main.yaml~", false, Visit::Skip),
            ("flows/main.yml", false, Visit::Name),
            ("flows/old", true, Visit::Name),
            ("tables", true, Visit::Enter),
            ("tables/vip.csv", false, Visit::Read { limit: ivr::Rows::MAX_OCTETS }),
            ("tables/vip.csv~", false, Visit::Skip),
            ("tables/vip.xlsx", false, Visit::Name),
            ("table", true, Visit::Name),
            ("plugins/value.wasm", false, Visit::Read { limit: MAX_PLUGIN_BYTES }),
            ("plugins/value.json", false, Visit::Read { limit: MAX_DESCRIPTION_BYTES }),
            ("plugins/value.py", false, Visit::Name),
            ("languages", true, Visit::Enter),
            ("languages/en.yaml", false, text),
            ("languages/en.yml", false, Visit::Name),
            ("languages/old", true, Visit::Name),
            ("prompts", true, Visit::Enter),
            ("prompts/en", true, Visit::Enter),
            ("prompts/en/digits", true, Visit::Enter),
            ("prompts/en/welcome.wav", false, sound),
            ("prompts/en/digits/4.wav", false, sound),
            ("prompts/welcome.wav", false, Visit::Name),
            ("prompts/en/welcome.mp3", false, Visit::Name),
            ("prompts/a/b/c/d/e/f/g/h/i", true, Visit::Name),
            ("", true, Visit::Skip),
        ];
        for (path, is_folder, expected) in cases {
            assert_eq!(visit(path, is_folder), expected, "{path}");
        }
    }
}
