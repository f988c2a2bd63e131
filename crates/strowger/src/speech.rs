//! Who speaks the texts of flows: by what settings, which of them before anybody calls, and which programs there are.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use base::Pii;
use company::{Programs, Scalar, Sent, SpeechEngine, System, WebVoice};
use fetch::Secrets;
use ivr::web::HeaderValue;
use speech::{Engine, Send, Settings, Speaker, Utterance, Web};
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
pub(crate) fn start(system: &System, data: &Path) -> Result<Speaker, Error> {
    let started = Speaker::start(settings(system), &data.join(FOLDER));
    started.map_err(|source| Error::System { what: "thread", source })
}

/// What the company says of speech, as those who speak want it.
pub(crate) fn settings(system: &System) -> Settings {
    let engine = match &system.speech.engine {
        None => Engine::Nobody,
        Some(SpeechEngine::Command(command)) => Engine::Command(command.clone()),
        Some(SpeechEngine::Web(voice)) => Engine::Web(Box::new(web(voice, &system.secrets))),
    };
    Settings { engine, voices: system.speech.voices.clone(), deadline: system.speech.timeout }
}

/// How a web server is asked, with the secrets that it is told.
fn web(voice: &WebVoice, secrets: &Secrets) -> Web {
    let header = |(name, value): &(Arc<str>, HeaderValue)| {
        let (text, secret) = match value {
            HeaderValue::Text(text) => (Pii::new(text.to_string()), false),
            // The configuration names no other secrets than there are.
            HeaderValue::Secret(secret) => (secrets.get(secret).cloned().unwrap_or_default(), true),
        };
        (name.to_string(), text, secret)
    };
    let json = |(name, value): &(String, Scalar)| {
        let value = match value {
            Scalar::Text(text) => serde_json::Value::from(text.as_str()),
            Scalar::Bool(truth) => serde_json::Value::from(*truth),
            Scalar::Number(number) => serde_json::from_str(number).unwrap_or_default(),
        };
        (name.clone(), value)
    };
    Web {
        method: voice.method,
        origin: voice.origin.clone(),
        path: voice.path.clone(),
        query: voice.query.clone(),
        headers: voice.headers.iter().map(header).collect(),
        send: voice.send.as_ref().map(|sent| match sent {
            Sent::Text(text) => Send::Text(text.clone()),
            Sent::Json(all) => Send::Json(all.iter().map(json).collect()),
        }),
    }
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
