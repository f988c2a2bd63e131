//! A storage on a real folder, with an ear for what it says.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base::{CallId, Mono, Now, Pii, TakeId, Wall};
use journal::{Direction, Event, Kind, Origin, Party};
use leg::{CHUNK_FRAMES, Chunk, FRAME, Law, TakeSink};
use storage::{ChunkPort, Config, Notice, Storage, TakeEvent};

pub const NOON: Now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(1_795_262_400_000_000) };
/// Far longer than any writer takes, so that a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Running {
    pub storage: Storage,
    pub said: Receiver<Notice>,
}

pub fn start(folder: &Path) -> Running {
    start_with(&Config::new(folder))
}

pub fn start_with(config: &Config) -> Running {
    let (mouth, said) = channel();
    let storage = Storage::start(config, move |notice| drop(mouth.send(notice))).unwrap();
    Running { storage, said }
}

impl Running {
    /// Waits for something to be said that `wanted` takes.
    pub fn hear<T>(&self, mut wanted: impl FnMut(Notice) -> Option<T>) -> T {
        loop {
            let notice = self.said.recv_timeout(PATIENCE).expect("something else should be said");
            if let Some(found) = wanted(notice) {
                return found;
            }
        }
    }

    /// Waits for the end of a recording.
    pub fn hear_end(&self, of: TakeId) -> (Option<String>, u64, u64) {
        self.hear(|notice| match notice {
            Notice::Take { take, event: TakeEvent::Finished { file, frames, lost } } if take == of => {
                Some((file.map(|file| file.to_string()), frames, lost))
            }
            _ => None,
        })
    }
}

/// Waits until the condition holds.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let (_keep, never) = channel::<()>();
    for _ in 0..2_000 {
        if holds() {
            return;
        }
        let _ = never.recv_timeout(Duration::from_millis(10));
    }
    panic!("waited too long until {what}");
}

pub fn call(number: u64) -> CallId {
    CallId::from_raw(number)
}

pub fn began(number: u64) -> Event {
    let kind = Kind::CallBegan {
        direction: Direction::Inbound,
        from: Pii::new("+4930901820".to_owned()),
        to: Pii::new("1000".to_owned()),
        origin: Origin::Trunk("local".into()),
        source: Some(([127, 0, 0, 1], 5062).into()),
        sip_call_id: "x".to_owned(),
        received: None,
    };
    Event { seq: 0, at: NOON.wall, call: Some(call(number)), kind }
}

pub fn event(number: u64, seq: u32, kind: Kind) -> Event {
    Event { seq, at: NOON.wall + Duration::from_secs(seq.into()), call: Some(call(number)), kind }
}

pub fn hung_up() -> Kind {
    Kind::HungUp { by: Party::Caller, cause: "bye".into(), reason: None }
}

/// The file's lines as JSON.
pub fn lines(folder: &Path, name: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Half a second of a tone: `left` and `right` Hz, from frame `first` on, as µ-law.
pub fn tones(port: &mut ChunkPort, take: TakeId, first: u64, left: f64, right: f64, last: bool) {
    let mut audio = port.buffer().expect("a buffer");
    let begin = first * FRAME as u64;
    let sample = |hertz: f64, at: u64| {
        let phase = hertz * at as f64 / 8000.0;
        Law::Ulaw.encode_sample(((phase * std::f64::consts::TAU).sin() * 8000.0) as i16)
    };
    for at in begin..begin + (CHUNK_FRAMES * FRAME) as u64 {
        audio.left.push(sample(left, at));
        audio.right.push(sample(right, at));
    }
    port.deliver(Chunk { take, law: Law::Ulaw, first_frame: first, lost: 0, last, audio }).expect("room");
}
