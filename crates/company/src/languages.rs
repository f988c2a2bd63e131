//! The languages that callers can hear: which there are, which prompts each has, and how it says numbers and dates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ivr::{Spoken, Table, shipped_table};
use switch::LanguageName;
use yaml::{Faults, Map, Place, Source, Value, did_you_mean};

use crate::names::short;
use crate::report::Notes;
use crate::{Files, prompts};

/// The folder below `prompts/` of what has no language, such as music.
pub(crate) const COMMON: &str = "common";

/// Languages of a company.
const MAX_LANGUAGES: usize = 16;

/// The languages of a company, the usual one first, and what each can say.
#[derive(Debug)]
pub(crate) struct Languages {
    all: Vec<Language>,
    /// The prompts of no language.
    common: BTreeSet<String>,
    /// What was looked at by language: once is enough.
    judged: BTreeSet<(usize, Spoken)>,
}

#[derive(Debug)]
struct Language {
    name: LanguageName,
    prompts: BTreeSet<String>,
    /// None if its file has a fault: then nothing that needs it is judged.
    table: Option<Arc<Table>>,
}

impl Languages {
    /// The languages that `strowger.yaml` names, by `languages` or, if there is one, `language`.
    pub fn read(files: &Files, root: Option<&Map<'_>>, faults: &Faults) -> Self {
        let written = root.and_then(|root| root.at_most_one_of(&["languages", "language"]));
        let mut names: Vec<LanguageName> = match written {
            Some(("languages", value)) => names(value),
            Some((_, value)) => name(value).into_iter().collect(),
            None => Vec::new(),
        };
        if names.is_empty() {
            names.push("en".into());
        }
        let language = |name: LanguageName| {
            let (prompts, table) = (prompts::names(files, &name), table(files, &name, faults));
            Language { name, prompts, table }
        };
        let common = prompts::names(files, COMMON);
        Self { all: names.into_iter().map(language).collect(), common, judged: BTreeSet::new() }
    }

    /// All names, the usual language first.
    pub fn names(&self) -> impl Iterator<Item = &LanguageName> {
        self.all.iter().map(|language| &language.name)
    }

    /// How each language says numbers and the like.
    pub fn tables(&self) -> ivr::Languages {
        let usual = self.names().next().cloned().unwrap_or_default();
        ivr::Languages::new(usual, self.all.iter().filter_map(|language| language.table.clone()))
    }

    /// A fault at `place` if `name` is no language of the company.
    pub fn refer(&self, name: &str, place: &Place, faults: &Faults) {
        if self.names().any(|known| **known == *name) {
            return;
        }
        let remedy = match did_you_mean(name, self.names().map(|name| &**name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add it to `languages` in `strowger.yaml`, and its prompts as `prompts/{}/…`", short(name)),
        };
        faults.add(place.clone(), format!("callers cannot hear the language `{}`", short(name)), remedy);
    }

    /// A fault at `place` for each language that lacks the prompt `name`.
    pub fn refer_prompt(&self, name: &str, place: &Place, faults: &Faults) -> bool {
        if self.common.contains(name) {
            return true;
        }
        let lacking: Vec<&Language> = self.all.iter().filter(|language| !language.prompts.contains(name)).collect();
        let record = |language: &Language| format!("record it as `prompts/{}/{}.wav`", language.name, short(name));
        if lacking.len() == self.all.len() {
            let known = self.all.iter().flat_map(|language| &language.prompts).chain(&self.common);
            let remedy = match did_you_mean(name, known.map(String::as_str)) {
                Some(meant) => Some(format!("did you mean `{meant}`?")),
                None => lacking.first().map(|language| record(language)),
            };
            faults.add(place.clone(), format!("there is no prompt `{}`", short(name)), remedy.unwrap_or_default());
        } else {
            for language in &lacking {
                let message = format!("the language `{}` lacks the prompt `{}`", language.name, short(name));
                faults.add(place.clone(), message, record(language));
            }
        }
        lacking.is_empty()
    }

    /// A fault at `place` for each language that cannot say `spoken`: its table does not tell how, or prompts are missing.
    pub fn refer_spoken(&mut self, spoken: &Spoken, place: &Place, faults: &Faults) {
        for (index, language) in self.all.iter().enumerate() {
            let Some(table) = language.table.as_ref().filter(|_| self.judged.insert((index, spoken.clone()))) else {
                continue;
            };
            let (message, remedy) = match table.clips(spoken) {
                Ok(clips) => {
                    let there =
                        |clip: &&Arc<str>| language.prompts.contains(&***clip) || self.common.contains(&***clip);
                    let missing: Vec<&str> = clips.iter().filter(|clip| !there(clip)).map(|clip| &**clip).collect();
                    match missing.len() {
                        0 => continue,
                        count => lacks(&language.name, count, &missing),
                    }
                }
                Err(unsayable) => (unsayable.message, unsayable.remedy),
            };
            faults.add(place.clone(), message, remedy);
        }
    }
}

/// Message and remedy.
fn lacks(language: &str, count: usize, missing: &[&str]) -> (String, String) {
    let what = if count == 1 { "a prompt".to_owned() } else { format!("{count} prompts") };
    let message = format!("this needs {what} that the language `{language}` lacks: {}", by_folder(missing));
    (
        message,
        format!("record each as `prompts/{language}/NAME.wav`, or write another table, `languages/{language}.yaml`"),
    )
}

/// `numbers/ 0–20 hundred thousand; months/ 1–12`: names with the same folder together, numbers in a row as a range.
fn by_folder(names: &[&str]) -> String {
    let mut folders: BTreeMap<&str, (Vec<u64>, Vec<&str>)> = BTreeMap::new();
    for (folder, name) in names.iter().map(|name| name.rsplit_once('/').unwrap_or(("", name))) {
        let (numbers, words) = folders.entry(folder).or_default();
        // Letters in a row are as many as numbers in a row, and read as well.
        match name.parse() {
            Ok(number) => numbers.push(number),
            Err(_) => words.push(name),
        }
    }
    let told = folders.into_iter().map(|(folder, (mut numbers, words))| {
        numbers.sort_unstable();
        let rows = numbers.chunk_by(|a, b| a + 1 == *b).map(|row| match row {
            [first, _, .., last] => format!("{first}–{last}"),
            few => few.iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
        });
        let told: Vec<String> = rows.chain(words.into_iter().map(str::to_owned)).collect();
        format!("{folder}/ {}", told.join(" "))
    });
    told.collect::<Vec<_>>().join("; ")
}

/// The table of a language: the company's own, else the shipped one, else one that says digits alone. `None` after faults.
fn table(files: &Files, language: &str, faults: &Faults) -> Option<Arc<Table>> {
    let path = format!("languages/{language}.yaml");
    let source = match files.source(&path) {
        Some(source) => source,
        None if files.holds(&path) => return None,
        None => match shipped_table(language) {
            Some(text) => Source::new(path, text),
            None => return Some(Arc::new(Table::digits_only(language))),
        },
    };
    Table::read(language, &source, faults).map(Arc::new)
}

fn names(value: Value<'_>) -> Vec<LanguageName> {
    let Some(values) = value.list() else { return Vec::new() };
    if values.is_empty() || values.len() > MAX_LANGUAGES {
        let message = format!("a company has 1 to {MAX_LANGUAGES} languages, not {}", values.len());
        value.fault_at_key(message, "write them like `[en, zh]`, the one that callers hear first in front");
        return Vec::new();
    }
    let mut names: Vec<LanguageName> = Vec::new();
    for value in values {
        let Some(name) = name(value) else { continue };
        if names.contains(&name) {
            value.fault(format!("the language `{name}` stands here twice"), "remove one of them");
        } else {
            names.push(name);
        }
    }
    names
}

fn name(value: Value<'_>) -> Option<LanguageName> {
    let name = value.name()?;
    if name == COMMON {
        value.fault(
            format!("`{COMMON}` is no language: in `prompts/{COMMON}/` lies what all of them use"),
            "name the language",
        );
        return None;
    }
    Some(name.into())
}

/// Notes files of languages that callers cannot hear.
pub(crate) fn note_unused(files: &Files, languages: &Languages, notes: &mut Notes) {
    let is_known = |name: &str| name == COMMON || languages.names().any(|known| **known == *name);
    for (path, name) in files.between("languages/", ".yaml").filter(|(_, name)| !is_known(name)) {
        notes
            .add(files.place(path), format!("not used: `{}` is not among `languages` in `strowger.yaml`", short(name)));
    }
    let mut last = "";
    for (path, name) in files.between("prompts/", ".wav") {
        let folder = name.split('/').next().unwrap_or("");
        if folder != last && !is_known(folder) {
            let text = format!(
                "not used, like all of this folder: `{}` is not among `languages` in `strowger.yaml`",
                short(folder)
            );
            notes.add(files.place(path), text);
        }
        last = folder;
    }
}

#[cfg(test)]
mod tests {
    use super::by_folder;

    #[test]
    fn many_names_read_as_few() {
        let names =
            ["numbers/10", "numbers/11", "numbers/9", "numbers/and", "months/1", "months/2", "numbers/20", "top"];
        assert_eq!(by_folder(&names), "/ top; months/ 1 2; numbers/ 9–11 20 and");
    }
}
