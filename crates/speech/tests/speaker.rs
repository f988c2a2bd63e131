//! The speaker with a script in the place of an engine, which counts how often it is started.

#![allow(clippy::unwrap_used, reason = "what panics fails the test, which is what a test wants")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use audio::wav_of;
use base::Pii;
use speech::{Busy, Engine, Fault, Settings, Speaker, Utterance};
use tempfile::TempDir;

/// A folder with the sound of the engine.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sound: Vec<i16> = (0..4000).map(|n| if n % 16 < 8 { 3000 } else { -3000 }).collect();
    fs::write(folder.path().join("sound.wav"), wav_of(&sound)).unwrap();
    folder
}

/// A speaker by a script, which is run in the folder; `started` has a line for each start: the text.
fn speaker(folder: &Path, script: &str, deadline: Duration) -> Speaker {
    let script = format!("cd {}; read -r text; echo \"$text\" >> started; {script}", folder.display());
    let engine = Engine::Command(["sh", "-c", &script].map(String::from).to_vec());
    let settings = Settings { engine, voices: BTreeMap::new(), deadline };
    Speaker::start(settings, &folder.join("kept")).unwrap()
}

fn utterance(text: &str) -> Utterance {
    Utterance { language: "en".into(), text: Pii::new(text.into()) }
}

fn started(folder: &Path) -> usize {
    fs::read_to_string(folder.join("started")).unwrap_or_default().lines().count()
}

const LONG: Duration = Duration::from_secs(60);
const SPEAKS: &str = "cat sound.wav";

#[test]
fn a_text_is_spoken_once_though_many_want_it_at_once() {
    let folder = folder();
    let script = "while [ ! -e go ]; do sleep 0.01; done; cat sound.wav";
    let speaker = speaker(folder.path(), script, LONG);
    let (told, outcome) = channel();
    for _ in 0..10 {
        let told = told.clone();
        speaker.ask(utterance("Hello"), move |outcome| told.send(outcome).unwrap()).unwrap();
    }
    fs::write(folder.path().join("go"), "").unwrap();
    for _ in 0..10 {
        let prompt = outcome.recv_timeout(LONG).unwrap().unwrap();
        assert_eq!(prompt.duration(), Duration::from_millis(500));
    }
    assert_eq!(started(folder.path()), 1);
    // A moment later it is still known; but never on disk.
    let again = told.clone();
    speaker.ask(utterance("Hello"), move |outcome| again.send(outcome).unwrap()).unwrap();
    assert!(outcome.recv_timeout(LONG).unwrap().is_ok());
    assert_eq!(started(folder.path()), 1);
    assert!(!folder.path().join("kept").exists());
}

#[test]
fn texts_that_are_known_before_are_spoken_once_and_not_once_a_start() {
    let folder = folder();
    let texts: Vec<Utterance> = ["a", "b", "c", "d", "e"].map(utterance).to_vec();
    let all_well = |speaker: &Speaker| assert!(speaker.prepare(&texts).iter().all(Result::is_ok));
    all_well(&speaker(folder.path(), SPEAKS, LONG));
    assert_eq!(started(folder.path()), 5);
    all_well(&speaker(folder.path(), SPEAKS, LONG));
    assert_eq!(started(folder.path()), 5);
    // One that is broken is made again, alone.
    let first = fs::read_dir(folder.path().join("kept")).unwrap().next().unwrap().unwrap().path();
    fs::write(first, "RIFF").unwrap();
    all_well(&speaker(folder.path(), SPEAKS, LONG));
    assert_eq!(started(folder.path()), 6);
}

#[test]
fn what_goes_wrong_is_told() {
    let folder = folder();
    let outcome = |script: &str| speaker(folder.path(), script, LONG).prepare(&[utterance("a")]).remove(0).unwrap_err();
    assert_eq!(outcome("exit 1"), Fault::Failed);
    assert_eq!(outcome("echo rubbish"), Fault::Rubbish);
    assert_eq!(outcome("head -c 2000 sound.wav"), Fault::Rubbish);
    let nobody = Settings { engine: Engine::Nobody, voices: BTreeMap::new(), deadline: LONG };
    let speaker = Speaker::start(nobody, &folder.path().join("none")).unwrap();
    assert_eq!(speaker.prepare(&[utterance("a")]), [Err(Fault::NoEngine)]);
    // From now on there is one.
    let engine =
        Engine::Command(["cat", &folder.path().join("sound.wav").display().to_string()].map(String::from).to_vec());
    speaker.set(Settings { engine, voices: BTreeMap::new(), deadline: LONG });
    assert!(speaker.prepare(&[utterance("a")]).remove(0).is_ok());
}

#[test]
fn an_engine_that_hangs_costs_its_time_and_no_more_room_than_there_is() {
    let folder = folder();
    let speaker = speaker(folder.path(), "exec sleep 1000", Duration::from_secs(1));
    let (told, outcome) = channel();
    let mut asked = 0;
    let busy = loop {
        let told = told.clone();
        let answer = speaker.ask(utterance(&format!("text {asked}")), move |outcome| told.send(outcome).unwrap());
        match answer {
            Ok(()) => asked += 1,
            Err(busy) => break busy,
        }
    };
    assert_eq!(busy, Busy);
    assert!((64..=70).contains(&asked), "{asked}");
    // Those that waited longer than they may are not begun any more.
    for _ in 0..asked {
        assert_eq!(outcome.recv_timeout(LONG).unwrap(), Err(Fault::TooLate));
    }
    assert!(started(folder.path()) <= 6, "{}", started(folder.path()));
}
