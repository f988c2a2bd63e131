use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use base::{CallId, Pii, Wall};
use leg::Law;

use super::*;
use crate::disk::System;
use crate::disk::fake::Fake;

const TAKE: TakeId = TakeId::from_raw(2);

fn head() -> Voicemail {
    Voicemail {
        mailbox: "sales".into(),
        call: CallId::from_raw(1),
        from: Pii::new("+4930123".to_owned()),
        from_name: Pii::default(),
        to: Pii::new("1000".to_owned()),
        at: Wall::from_unix_micros(1_795_253_400_000_000),
        length_ms: 0,
        lost_ms: 0,
        heard: false,
    }
}

fn letters(data: &Path, disk: Box<dyn Disk>) -> (Letters, Receiver<Notice>) {
    let (mouth, ear) = channel();
    let mouth = Mutex::new(mouth);
    let notify: Notify = std::sync::Arc::new(move |notice| drop(mouth.lock().unwrap().send(notice)));
    (Letters::new(data, disk, notify), ear)
}

/// So many frames, loud or silent.
fn chunk(first: u64, frames: usize, loud: bool) -> Chunk {
    let octet = if loud { 0x80 } else { 0xff };
    let audio = Stereo { left: vec![octet; frames * FRAME], right: vec![0xff; frames * FRAME] };
    Chunk { take: TAKE, law: Law::Ulaw, first_frame: first, lost: 0, last: false, audio }
}

fn told(ear: &Receiver<Notice>) -> Vec<LetterEvent> {
    ear.try_iter()
        .filter_map(|notice| match notice {
            Notice::Letter { event, .. } => Some(event),
            _ => None,
        })
        .collect()
}

#[test]
fn a_message_is_in_its_mailbox_once_it_is_kept_and_its_sound_is_what_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let (mut letters, ear) = letters(folder.path(), Box::new(System));
    letters.begin(TAKE, head());
    letters.chunk(chunk(0, 25, true)).unwrap();
    // Ten frames in between got lost.
    letters.chunk(chunk(35, 25, false)).unwrap();
    assert!(letters.finish(TAKE) && letters.finish(TAKE));
    assert_eq!(told(&ear), [LetterEvent::Taken], "told once");
    assert_eq!(letters.list("sales"), [], "nobody has decided yet");
    assert_eq!(letters.load_draft(TAKE).unwrap().ulaw.len(), 60 * FRAME);
    letters.keep(TAKE);
    let kept = letters.list("sales");
    assert_eq!(kept[0].head, Voicemail { length_ms: 1200, lost_ms: 200, ..head() });
    let notices: Vec<_> = ear.try_iter().collect();
    let counted = Notice::Mailbox { mailbox: "sales".into(), new: 1, old: 0 };
    assert_eq!(notices, [Notice::Letter { take: TAKE, event: LetterEvent::Kept(kept[0].clone()) }, counted]);
    let sound = letters.load("sales", &kept[0].id).unwrap();
    assert!(sound.ulaw[..25 * FRAME].iter().all(|octet| *octet == 0x80));
    letters.set_heard("sales", &kept[0].id, true);
    letters.delete("sales", &kept[0].id);
    letters.delete("sales", &kept[0].id);
    let count = |new, old| Notice::Mailbox { mailbox: "sales".into(), new, old };
    assert_eq!(ear.try_iter().collect::<Vec<_>>(), [count(0, 1), count(0, 0), count(0, 0)]);
}

#[test]
fn who_says_nothing_leaves_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let (mut letters, ear) = letters(folder.path(), Box::new(System));
    letters.begin(TAKE, head());
    letters.chunk(chunk(0, 25, false)).unwrap();
    letters.chunk(chunk(25, 14, true)).unwrap();
    letters.finish(TAKE);
    letters.discard(TAKE);
    assert_eq!(told(&ear), [LetterEvent::NothingSaid, LetterEvent::Discarded]);
    assert_eq!(std::fs::read_dir(folder.path().join("mailboxes/sales")).unwrap().count(), 0);
}

#[test]
fn a_disk_that_is_full_says_so_and_one_that_becomes_full_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    for (room, outcome) in [(0, LetterEvent::Failed), (44 + 25 * 320, LetterEvent::Taken)] {
        let disk = Fake::default();
        disk.set_room(Some(room));
        let (mut letters, ear) = letters(folder.path(), Box::new(disk));
        letters.begin(TAKE, head());
        letters.chunk(chunk(0, 25, true)).unwrap();
        letters.chunk(chunk(25, 25, true)).unwrap();
        letters.finish(TAKE);
        assert_eq!(told(&ear), [outcome]);
    }
}

#[test]
fn a_stop_keeps_what_callers_have_said() {
    let folder = tempfile::tempdir().unwrap();
    let (mut letters, _ear) = letters(folder.path(), Box::new(System));
    letters.begin(TAKE, head());
    letters.chunk(chunk(0, 25, true)).unwrap();
    letters.stop();
    assert_eq!(Mailboxes::of(folder.path()).count("sales").unwrap(), (1, 0));
}

#[test]
fn what_is_no_message_goes_on_to_the_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let (mut letters, _ear) = letters(folder.path(), Box::new(System));
    assert!(letters.chunk(chunk(0, 1, true)).is_err());
    assert!(!letters.finish(TAKE));
}

#[test]
fn of_a_message_whose_beginning_got_lost_the_end_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (mut letters, ear) = letters(folder.path(), Box::new(System));
    letters.discard(TAKE);
    letters.keep(TAKE);
    assert_eq!(told(&ear), [LetterEvent::Discarded, LetterEvent::Lost]);
}
