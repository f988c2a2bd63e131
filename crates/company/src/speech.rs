//! `speech` of `strowger.yaml`: who speaks the texts of flows, and in which voices.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use ivr::Flow;
use switch::LanguageName;
use yaml::{Faults, Map, Shape, Value, did_you_mean};

use crate::Files;
use crate::languages::Languages;
use crate::names::{Names, short};
use crate::voice::{self, WebVoice};

const SPEECH: Shape = Shape { what: "`speech`", keys: &["command", "http", "voices", "timeout"] };

/// Who speaks if nothing is written: the text comes by its input, so that none is taken for an option.
const USUAL: [&str; 5] = ["espeak-ng", "--stdin", "--stdout", "-v", "{voice}"];

/// The voices of [`USUAL`] that are not named like their language. Its `cmn` reads characters by the sounds of English.
const USUAL_VOICES: &[(&str, &str)] = &[("en", "en-gb"), ("zh", "cmn-latn-pinyin")];

/// How long a text may take.
const USUAL_TIME: Duration = Duration::from_secs(5);
const TIMES: std::ops::RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(30);

/// More words than any command has.
const MAX_WORDS: usize = 64;

/// Who speaks texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speech {
    /// Who. None: nobody speaks, as nothing is written and the usual program is not installed.
    pub engine: Option<SpeechEngine>,
    /// The voice by language, where it is not named like that.
    pub voices: BTreeMap<String, String>,
    /// How long a text may take while a caller waits.
    pub timeout: Duration,
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeechEngine {
    /// A program and its arguments, in which `{voice}`, `{language}` and `{text}` stand for these; without `{text}` that comes by
    /// its input. It writes a WAV file to its output.
    Command(Vec<String>),
    /// A web server that answers with a WAV file.
    Web(Box<WebVoice>),
}

impl Default for Speech {
    fn default() -> Self {
        Self { engine: None, voices: BTreeMap::new(), timeout: USUAL_TIME }
    }
}

/// The driver that knows which programs this machine has.
pub trait Programs: Debug {
    /// True if there is a program of that name or path.
    fn has(&self, program: &str) -> bool;
}

pub(crate) fn read(root: &Map<'_>, files: &Files, languages: &Languages, secrets: &mut Names) -> Speech {
    let written = root.optional("speech").and_then(|value| value.map(&SPEECH));
    let engine = written.and_then(|map| map.at_most_one_of(&["command", "http"]));
    let is_usual = engine.is_none();
    let engine = match engine {
        Some(("http", value)) => voice::read(value, secrets).map(|voice| SpeechEngine::Web(Box::new(voice))),
        Some((_, value)) => words(value, files).map(SpeechEngine::Command),
        None => files.has_program(USUAL[0]).then(|| SpeechEngine::Command(USUAL.map(str::to_owned).to_vec())),
    };
    let usual_voices = USUAL_VOICES.iter().filter(|_| is_usual).map(|(name, voice)| ((*name).into(), (*voice).into()));
    let mut all: BTreeMap<String, String> = usual_voices.collect();
    if let Some(value) = written.and_then(|map| map.optional("voices")) {
        all.extend(voices(value, languages));
    }
    let timeout = written.and_then(|map| map.optional("timeout")).and_then(|value| value.duration_in(TIMES));
    Speech { engine, voices: all, timeout: timeout.unwrap_or(USUAL_TIME) }
}

fn words(value: Value<'_>, files: &Files) -> Option<Vec<String>> {
    let items = value.list()?;
    if items.is_empty() || items.len() > MAX_WORDS {
        let message = format!("a command has 1 to {MAX_WORDS} words, not {}", items.len());
        value.fault_at_key(message, "write it like `[espeak-ng, --stdin, --stdout, -v, \"{voice}\"]`");
        return None;
    }
    let words: Vec<_> = items.iter().map(|item| item.string().filter(|_| known_words(*item))).collect();
    let words: Vec<&str> = words.into_iter().collect::<Option<_>>()?;
    if let (Some(program), Some(item)) = (words.first(), items.first())
        && !files.has_program(program)
    {
        item.fault(
            format!("there is no program `{}`", short(program)),
            "install it, or write where it lies: `/usr/bin/…`",
        );
        return None;
    }
    Some(words.into_iter().map(str::to_owned).collect())
}

/// A fault if something in braces means nothing.
pub(crate) fn known_words(value: Value<'_>) -> bool {
    const KNOWN: [&str; 3] = ["voice", "language", "text"];
    let text = value.raw().unwrap_or_default();
    let inner = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(inner, _)| inner);
    let mut good = true;
    for unknown in inner.filter(|inner| !KNOWN.contains(inner)) {
        good = false;
        let remedy = match did_you_mean(unknown, KNOWN) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None => "there are `{voice}`, `{language}` and `{text}`".to_owned(),
        };
        value.fault(format!("`{{{}}}` means nothing here", short(unknown)), remedy);
    }
    good
}

fn voices(value: Value<'_>, languages: &Languages) -> BTreeMap<String, String> {
    let mut voices = BTreeMap::new();
    for (key, value) in value.entries("languages, each with its voice, such as `en: en-gb`").unwrap_or_default() {
        let (Some(language), Some(voice)) = (key.name(), value.string()) else { continue };
        languages.refer(language, &key.place(), key.faults());
        if voice.starts_with('-') || voice.chars().any(char::is_control) {
            value.fault("this is not the name of a voice", "write it as the engine lists it, such as `en-gb`");
            continue;
        }
        voices.insert(language.to_owned(), voice.to_owned());
    }
    voices
}

/// Looks at the texts of flows: each must be there in all languages, and somebody must speak them.
pub(crate) fn check<'a>(
    flows: impl Iterator<Item = &'a Flow>,
    speech: &Speech,
    languages: &Languages,
    faults: &Faults,
) {
    let mut told = false;
    for text in flows.flat_map(Flow::texts) {
        // One is enough of this. An engine with a fault was told where it stands.
        if speech.engine.is_none() && faults.is_empty() && !std::mem::replace(&mut told, true) {
            faults.add(
                text.place().clone(),
                "nobody can speak this text: `espeak-ng` is not installed",
                "install it (`apt-get install espeak-ng`), or name who speaks as `speech` in `strowger.yaml`",
            );
        }
        let known: Vec<&LanguageName> = languages.names().collect();
        let Some(written) = text.languages() else {
            if known.len() > 1 {
                let all = known.iter().map(|name| format!("{name}: …")).collect::<Vec<_>>().join(", ");
                let message = format!("this text is written once, and callers hear {} languages", known.len());
                faults.add(text.place().clone(), message, format!("write it for each: `{{ {all} }}`"));
            }
            continue;
        };
        for (name, place) in &written {
            languages.refer(name, place, faults);
        }
        for lacking in known.into_iter().filter(|known| written.iter().all(|(name, _)| *name != *known)) {
            let message = format!("the language `{lacking}` lacks this text");
            faults.add(text.place().clone(), message, format!("add it: `{lacking}: …`"));
        }
    }
}
