//! Who speaks the texts of flows: by what settings, which of them before anybody calls, and which programs there are.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use company::{Programs, Speech};
use speech::{Engine, Settings, Speaker, Utterance};
use switch::{Config, Speak};

use crate::domain::Input;
use crate::error::Error;
use crate::mailbox::Sender;

/// Below the data folder: what was spoken.
const FOLDER: &str = "speech";

/// The programs of this machine.
#[derive(Debug)]
pub(crate) struct OnPath;

impl Programs for OnPath {
    fn has(&self, program: &str) -> bool {
        let is_program = |path: &Path| {
            let found = path.metadata();
            found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        if program.contains('/') {
            return is_program(Path::new(program));
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program)))
    }
}

/// Starts those who speak.
///
/// # Errors
/// If the system has no thread.
pub(crate) fn start(speech: &Speech, data: &Path) -> Result<Speaker, Error> {
    let started = Speaker::start(settings(speech), &data.join(FOLDER));
    started.map_err(|source| Error::System { what: "thread", source })
}

/// What the company says of speech, as those who speak want it.
pub(crate) fn settings(speech: &Speech) -> Settings {
    let engine = speech.command.clone().map_or(Engine::Nobody, Engine::Command);
    Settings { engine, voices: speech.voices.clone(), deadline: speech.timeout }
}

/// Has all texts of the flows spoken that are the same for all callers. Those that cannot be are tried again when a call
/// comes to them; what is said of them is for people, and empty if there is none.
pub(crate) fn prepare(config: &mut Config, speaker: &Speaker) -> String {
    let usual = config.prompts.usual().clone();
    let fixed = config.flows.iter().flat_map(|flow| flow.texts()).flat_map(|text| text.fixed());
    let speech = |(language, text): (Option<&std::sync::Arc<str>>, _)| {
        let language = language.unwrap_or(&usual).clone();
        ivr::Speech { language, text: base::Pii::new(text) }
    };
    let mut all: Vec<ivr::Speech> = fixed.map(speech).collect();
    all.sort_unstable();
    all.dedup();
    let utterances: Vec<Utterance> = all.iter().cloned().map(utterance).collect();
    let (mut spoken, mut failed) = (BTreeMap::new(), Vec::new());
    for (speech, outcome) in all.into_iter().zip(speaker.prepare(&utterances)) {
        match outcome {
            Ok(prompt) => drop(spoken.insert(speech, prompt)),
            Err(fault) => failed.push(fault),
        }
    }
    let prompts = std::mem::take(&mut config.prompts);
    config.prompts = prompts.with_spoken(spoken);
    match failed.as_slice() {
        [] => String::new(),
        [first, rest @ ..] => {
            let of = utterances.len();
            format!("{} of {of} texts could not be spoken ({first}): each is tried again for callers", 1 + rest.len())
        }
    }
}

/// Says on standard error what [`prepare`] said.
pub(crate) fn tell(what: &str) {
    if !what.is_empty() {
        // Nobody reads a standard error that is closed.
        let _ = writeln!(io::stderr().lock(), "strowger: {what}");
    }
}

/// Has a text spoken for a caller. Gives the word for why not if there is no room.
pub(crate) fn ask(speaker: &Speaker, Speak { id, speech }: Speak, inputs: &Sender<Input>) -> Result<(), &'static str> {
    let inputs = inputs.clone();
    // A thread that speaks may wait for the domain thread, which never waits for it.
    let reply = move |outcome: Result<audio::Prompt, speech::Fault>| {
        inputs.send(Input::Spoken { id, outcome: outcome.map_err(speech::Fault::word) });
    };
    speaker.ask(utterance(speech), reply).map_err(|speech::Busy| "busy")
}

fn utterance(speech: ivr::Speech) -> Utterance {
    Utterance { language: speech.language, text: speech.text }
}
