//! What callers can hear, in every language.

use std::collections::BTreeMap;
use std::sync::Arc;

use ivr::Speech;
use leg::Prompt;

/// Names a prompt: its path below `prompts/LANGUAGE/` without the ending, such as `digits/4`.
pub type PromptName = Arc<str>;

/// Names a language: its folder below `prompts/`, such as `en`.
pub type LanguageName = Arc<str>;

/// What callers can hear, in every language. A clone shares it all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prompts(Arc<Shelf>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Shelf {
    usual: LanguageName,
    languages: BTreeMap<LanguageName, BTreeMap<PromptName, Prompt>>,
    common: BTreeMap<PromptName, Prompt>,
    /// Texts that were spoken before anybody called.
    spoken: BTreeMap<Speech, Prompt>,
}

impl Prompts {
    /// The prompts of all `languages`, of which callers hear `usual` until a flow says otherwise, and those of no language,
    /// such as music.
    #[must_use]
    pub fn new(
        usual: LanguageName,
        languages: BTreeMap<LanguageName, BTreeMap<PromptName, Prompt>>,
        common: BTreeMap<PromptName, Prompt>,
    ) -> Self {
        Self(Arc::new(Shelf { usual, languages, common, spoken: BTreeMap::new() }))
    }

    /// The prompts of a company with one language.
    #[must_use]
    pub fn of_one(language: &str, prompts: BTreeMap<PromptName, Prompt>) -> Self {
        let language = LanguageName::from(language);
        Self::new(language.clone(), BTreeMap::from([(language, prompts)]), BTreeMap::new())
    }

    /// The same prompts, and texts that were spoken.
    #[must_use]
    pub fn with_spoken(self, spoken: BTreeMap<Speech, Prompt>) -> Self {
        Self(Arc::new(Shelf { spoken, ..Arc::unwrap_or_clone(self.0) }))
    }

    /// A text that was spoken before; none if it was not.
    #[must_use]
    pub fn spoken(&self, speech: &Speech) -> Option<&Prompt> {
        self.0.spoken.get(speech)
    }

    /// The language that callers hear first.
    #[must_use]
    pub fn usual(&self) -> &LanguageName {
        &self.0.usual
    }

    /// A prompt in `language`; in the usual one if there is no such language (any more).
    #[must_use]
    pub fn get(&self, language: Option<&str>, name: &str) -> Option<&Prompt> {
        let Shelf { usual, languages, common, .. } = &*self.0;
        let known = language.and_then(|language| languages.get(language)).or_else(|| languages.get(usual));
        known.and_then(|prompts| prompts.get(name)).or_else(|| common.get(name))
    }

    /// All prompts, each with its language; those of no language come last, with an empty one.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PromptName, &Prompt)> {
        let Shelf { languages, common, .. } = &*self.0;
        let of_all =
            languages.iter().flat_map(|(language, prompts)| prompts.iter().map(move |(n, p)| (&**language, n, p)));
        of_all.chain(common.iter().map(|(name, prompt)| ("", name, prompt)))
    }

    /// How many files that is.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_its_own_prompts_and_those_of_all() {
        let shelf = |names: &[(&str, i16)]| -> BTreeMap<PromptName, Prompt> {
            names.iter().map(|(name, sample)| ((*name).into(), Prompt::from_samples(&[*sample]))).collect()
        };
        let languages = [("en", shelf(&[("hello", 1000)])), ("zh", shelf(&[("hello", 2000), ("music", 3000)]))];
        let languages = languages.into_iter().map(|(name, prompts)| (name.into(), prompts)).collect();
        let prompts = Prompts::new("en".into(), languages, shelf(&[("music", 4000)]));
        let peak = |language, name| prompts.get(language, name).map(|prompt| prompt.levels.peak);
        assert_eq!(
            (peak(None, "hello"), peak(Some("en"), "hello"), peak(Some("zh"), "hello")),
            (Some(1000), Some(1000), Some(2000))
        );
        assert_eq!(peak(Some("fr"), "hello"), Some(1000), "a language that is gone");
        assert_eq!(
            (peak(Some("en"), "music"), peak(Some("zh"), "music"), peak(None, "other")),
            (Some(4000), Some(3000), None)
        );
        assert_eq!(prompts.len(), 4);
    }
}
