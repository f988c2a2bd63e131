//! A text that is spoken: as it is written for each language.

use std::sync::Arc;

use yaml::Place;

use crate::template::Template;

/// How many characters of a text a drawing shows.
const SHOWN: usize = 60;

/// A text that a flow speaks, written once, or once for each language.
#[derive(Debug)]
pub struct Text {
    pub(crate) place: Place,
    pub(crate) versions: Vec<Version>,
}

/// A text in one language.
#[derive(Debug)]
pub(crate) struct Version {
    /// Which one, and where that is written; none if the text is written once.
    pub language: Option<(Arc<str>, Place)>,
    pub template: Template,
    /// The variables that it reads, each with where.
    pub reads: Vec<(Arc<str>, Place)>,
}

impl Text {
    /// Where it is written.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// The languages that it is written for, each with where; `None` if it is written once, for whatever language there is.
    #[must_use]
    pub fn languages(&self) -> Option<Vec<(&Arc<str>, &Place)>> {
        self.versions.iter().map(|version| version.language.as_ref().map(|(name, place)| (name, place))).collect()
    }

    /// What is spoken whoever calls, each with its language, as far as it is written for one: versions without a variable.
    pub fn fixed(&self) -> impl Iterator<Item = (Option<&Arc<str>>, Arc<str>)> {
        self.versions
            .iter()
            .filter_map(|version| Some((version.language.as_ref().map(|(name, _)| name), version.template.fixed()?)))
    }

    /// As a drawing shows it: in quotes, a long one cut, in the language that it is written in first.
    pub(crate) fn shown(&self) -> String {
        let text = self.versions.first().map_or("", |version| version.template.text());
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match words.char_indices().nth(SHOWN) {
            Some((cut, _)) => format!("“{}…”", words.get(..cut).unwrap_or_default().trim_end()),
            None => format!("“{words}”"),
        }
    }

    pub(crate) fn reads(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.versions.iter().flat_map(|version| &version.reads).map(|(name, place)| (&**name, place))
    }

    /// As it is written in `language`. That it is was checked by whoever knows the languages.
    pub(crate) fn template(&self, language: &str) -> Option<&Template> {
        let is_in = |version: &&Version| version.language.as_ref().is_none_or(|(name, _)| **name == *language);
        self.versions.iter().find(is_in).or(self.versions.first()).map(|version| &version.template)
    }
}
