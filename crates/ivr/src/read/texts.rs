//! Texts that are spoken: `{text: …}` and what stands in a `say`.

use std::sync::Arc;

use yaml::Value;

use super::Reader;
use crate::flow::Item;
use crate::template::Template;
use crate::text::{Text, Version};

/// More languages than a company has.
pub(super) const MAX_LANGUAGES: usize = 16;

impl<'a> Reader<'a> {
    /// A text, or a map of languages with a text each.
    pub(super) fn text(&mut self, value: Value<'a>) -> Option<Item> {
        let versions = if value.is_map() {
            let entries = value.entries("languages, each with its text, such as `en: Hello`")?;
            if entries.is_empty() || entries.len() > MAX_LANGUAGES {
                let message = format!("a text is written for 1 to {MAX_LANGUAGES} languages, not {}", entries.len());
                value.fault_at_key(message, "write it as `{ en: Hello, zh: 你好 }`");
                return None;
            }
            let versions: Vec<_> = entries
                .into_iter()
                .map(|(key, value)| {
                    let (name, version) = (key.name(), version(value));
                    Some(Version { language: Some((name?.into(), key.place())), ..version? })
                })
                .collect();
            versions.into_iter().collect::<Option<_>>()?
        } else {
            vec![version(value)?]
        };
        let text = Arc::new(Text { place: value.place(), versions });
        self.texts.push(Arc::clone(&text));
        Some(Item::Text(text))
    }
}

fn version(value: Value<'_>) -> Option<Version> {
    let text = value.string_for("a text, such as `Hello {{ caller.name }}`")?;
    let template = match Template::read(text) {
        Ok(template) => template,
        Err(wrong) => {
            for wrong in wrong {
                value.faults().add(value.place_of(&wrong.at), wrong.message, wrong.remedy);
            }
            return None;
        }
    };
    let reads = template.reads.iter().map(|(name, at)| (Arc::clone(name), value.place_of(at))).collect();
    Some(Version { language: None, template, reads })
}
