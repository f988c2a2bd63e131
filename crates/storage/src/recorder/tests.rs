//! Recordings on a disk that is well, full, read-only; on a virtual clock.

use std::sync::Mutex;

use leg::Law;

use super::*;
use crate::disk::fake::Fake;
use crate::take::header;

const DAY: Wall = Wall::from_unix_micros(1_795_253_400_000_000);
const CALL: CallId = CallId::from_raw(1);
const TAKE: TakeId = TakeId::from_raw(2);
/// Octets of half a second in the file.
const HALF: usize = 25 * 640;

struct Room {
    recorder: Recorder,
    disk: Fake,
    said: std::sync::Arc<Mutex<Vec<Notice>>>,
    now: Mono,
}

impl Room {
    fn new() -> Self {
        Self::with_open_takes(10)
    }

    fn with_open_takes(max_open: usize) -> Self {
        let (disk, said) = (Fake::default(), std::sync::Arc::new(Mutex::new(Vec::new())));
        let (log, _) = OpenLog::start(std::path::Path::new("/nowhere"));
        let ear = std::sync::Arc::clone(&said);
        let notify: Notify = std::sync::Arc::new(move |notice| ear.lock().unwrap().push(notice));
        let recorder = Recorder::new("data".into(), Box::new(disk.clone()), log, max_open, notify);
        Self { recorder, disk, said, now: Mono::ZERO }
    }

    fn begin(&mut self) {
        self.recorder.begin(self.now, DAY, CALL, TAKE);
    }

    /// Half a second of µ-law audio, from frame `first` on.
    fn chunk(&mut self, first: u64) {
        self.put(first, 25, false);
    }

    fn put(&mut self, first: u64, frames: usize, last: bool) {
        self.now = self.now + Duration::from_millis(500);
        let audio = Stereo { left: vec![0x80; frames * FRAME], right: vec![0x00; frames * FRAME] };
        let chunk = Chunk { take: TAKE, law: Law::Ulaw, first_frame: first, lost: 0, last, audio };
        self.recorder.chunk(self.now, chunk);
    }

    fn said(&self) -> Vec<Notice> {
        std::mem::take(&mut self.said.lock().unwrap())
    }

    fn events(&self) -> Vec<TakeEvent> {
        let events = self.said().into_iter().filter_map(|notice| match notice {
            Notice::Take { event, .. } => Some(event),
            _ => None,
        });
        events.collect()
    }

    fn file(&self) -> Vec<u8> {
        self.disk.file(".wav")
    }
}

/// What Python's wave and sox check first: the header says what the file holds.
fn frames_of(file: &[u8]) -> u64 {
    let frames = u64::try_from((file.len() - 44) / 640).unwrap();
    assert_eq!(file[..44], header(frames), "the header says {frames} frames");
    frames
}

fn finished(frames: u64, lost: u64) -> TakeEvent {
    let name = "recordings/2026/11/21/c0000000000001-t0000000000002.wav";
    TakeEvent::Finished { file: Some(name.into()), frames, lost }
}

#[test]
fn a_recording_can_be_read_after_every_chunk() {
    let mut room = Room::new();
    room.begin();
    assert_eq!(frames_of(&room.file()), 0);
    for half in 1..=4 {
        room.chunk((half - 1) * 25);
        assert_eq!(frames_of(&room.file()), half * 25);
    }
    // µ-law 0x80 and 0x00 are the greatest samples, 32124 and -32124: left, right.
    assert_eq!(room.file()[44..48], [0x7c, 0x7d, 0x84, 0x82]);
    room.put(100, 10, true);
    assert_eq!(frames_of(&room.file()), 110);
    assert_eq!(room.events().last(), Some(&finished(110, 0)));
}

#[test]
fn a_chunk_costs_two_system_calls() {
    let mut room = Room::new();
    room.begin();
    room.chunk(0);
    let before = room.disk.writes();
    (1..11).for_each(|half| room.chunk(half * 25));
    assert_eq!(room.disk.writes() - before, 20);
}

#[test]
fn frames_that_never_came_are_silence_at_their_place() {
    let mut room = Room::new();
    room.begin();
    room.chunk(0);
    room.chunk(75);
    let file = room.file();
    assert_eq!(frames_of(&file), 100);
    assert!(file[44 + HALF..44 + 3 * HALF].iter().all(|octet| *octet == 0));
    assert_eq!(file[44 + 3 * HALF..44 + 3 * HALF + 4], [0x7c, 0x7d, 0x84, 0x82]);
    assert!(room.events().contains(&TakeEvent::Lost { frames: 50, why: BEHIND.to_owned() }));
    room.put(100, 0, true);
    assert_eq!(room.events(), [finished(100, 50)]);
}

#[test]
fn frames_lost_at_the_end_are_silence_too() {
    let mut room = Room::new();
    room.begin();
    room.chunk(0);
    room.put(50, 0, true);
    let file = room.file();
    assert_eq!(frames_of(&file), 50);
    assert_eq!(room.events().last(), Some(&finished(50, 25)));
}

#[test]
fn a_disk_that_fills_up_costs_what_did_not_fit_and_no_more() {
    let mut room = Room::new();
    room.begin();
    room.chunk(0);
    room.disk.set_room(Some(1000));
    (1..5).for_each(|half| room.chunk(half * 25));
    room.disk.set_room(None);
    room.chunk(125);
    let file = room.file();
    assert_eq!(frames_of(&file), 150, "what comes later stands at its place");
    room.put(150, 0, true);
    let said = room.said();
    let faults = said.iter().filter(|notice| matches!(notice, Notice::DiskFault { what: "recordings", .. })).count();
    assert_eq!(faults, 1, "told once");
    assert!(said.contains(&Notice::DiskWell { what: "recordings" }));
    let lost = said.iter().filter_map(|notice| match notice {
        Notice::Take { event: TakeEvent::Lost { frames, .. }, .. } => Some(*frames),
        _ => None,
    });
    assert_eq!(lost.sum::<u64>(), 100, "each lost frame is told once");
    assert_eq!(said.last(), Some(&Notice::Take { take: TAKE, event: finished(150, 100) }));
}

#[test]
fn losses_are_told_at_most_once_a_second() {
    let mut room = Room::new();
    room.begin();
    room.disk.set_room(Some(0));
    (0..20).for_each(|half| room.chunk(half * 25));
    let lost: Vec<TakeEvent> =
        room.events().into_iter().filter(|event| matches!(event, TakeEvent::Lost { .. })).collect();
    assert_eq!(lost.len(), 10);
}

#[test]
fn a_file_that_cannot_be_made_is_tried_again_with_each_chunk() {
    let mut room = Room::new();
    room.disk.set_read_only(true);
    room.begin();
    room.chunk(0);
    room.disk.set_read_only(false);
    room.chunk(25);
    assert_eq!(frames_of(&room.file()), 50);
    room.put(50, 0, true);
    let events = room.events();
    assert!(matches!(events[0], TakeEvent::Lost { frames: 25, .. }), "{events:?}");
    assert!(matches!(events[1], TakeEvent::Started { .. }), "{events:?}");
    assert_eq!(events.last(), Some(&finished(50, 25)));
}

#[test]
fn a_recording_without_a_file_ends_all_the_same() {
    let mut room = Room::new();
    room.disk.set_read_only(true);
    room.begin();
    room.chunk(0);
    room.put(25, 5, true);
    let events = room.events();
    assert_eq!(events.last(), Some(&TakeEvent::Finished { file: None, frames: 30, lost: 30 }));
}

#[test]
fn no_more_files_are_open_than_may_be() {
    let mut room = Room::with_open_takes(1);
    room.recorder.begin(room.now, DAY, CALL, TakeId::from_raw(9));
    room.begin();
    room.chunk(0);
    room.recorder.finish(TakeId::from_raw(9));
    room.chunk(25);
    room.put(50, 0, true);
    let events = room.events();
    assert!(events.contains(&TakeEvent::Lost { frames: 25, why: TOO_MANY.to_owned() }), "{events:?}");
    assert_eq!(events.last(), Some(&finished(50, 25)));
}

#[test]
fn a_recording_ends_once() {
    let mut room = Room::new();
    room.begin();
    room.put(0, 25, true);
    room.recorder.finish(TAKE);
    room.put(25, 25, true);
    let ends = room.events().into_iter().filter(|event| matches!(event, TakeEvent::Finished { .. })).count();
    assert_eq!(ends, 1);
    assert_eq!(frames_of(&room.file()), 25);
}

#[test]
fn a_recording_whose_last_chunk_got_lost_ends_when_asked_to_or_after_a_minute() {
    let mut room = Room::new();
    room.begin();
    room.chunk(0);
    room.recorder.finish(TAKE);
    assert_eq!(room.events().last(), Some(&finished(25, 0)));
    let mut room = Room::new();
    room.begin();
    (0..100).for_each(|half| room.chunk(half * 25));
    room.recorder.handle_timeout(room.now + (IDLE - Duration::from_millis(1)));
    assert_eq!(room.events().len(), 1, "it only began");
    room.recorder.handle_timeout(room.now + IDLE);
    assert_eq!(room.events(), [finished(2500, 0)]);
}

#[test]
fn an_end_without_a_beginning_is_told() {
    let mut room = Room::new();
    room.chunk(0);
    room.recorder.finish(TAKE);
    assert_eq!(room.events(), [TakeEvent::Finished { file: None, frames: 0, lost: 0 }]);
}

#[test]
fn a_chunk_that_cannot_be_makes_no_giant_file() {
    let mut room = Room::new();
    room.begin();
    room.chunk(u64::MAX - 3);
    room.chunk(0);
    room.chunk(0);
    assert_eq!(frames_of(&room.file()), 25);
}
