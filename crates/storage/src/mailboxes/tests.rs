use std::os::unix::fs::PermissionsExt;

use super::*;

const ID: &str = "c0000000000001-t0000000000002";

fn head() -> Voicemail {
    Voicemail {
        mailbox: "sales".into(),
        call: CallId::from_raw(1),
        from: Pii::new("101".to_owned()),
        from_name: Pii::default(),
        to: Pii::default(),
        at: Wall::from_unix_micros(5),
        length_ms: 0,
        lost_ms: 0,
        heard: false,
    }
}

/// A switch that died when so many frames were in the file, and its header said less.
fn die_with(mailboxes: &Mailboxes, id: &str, frames: usize, loud: bool) {
    let path = mailboxes.begin(id, &head()).unwrap();
    let mut octets = header(1).to_vec();
    octets.extend((0..frames * FRAME).flat_map(|_| (if loud { 8000i16 } else { 3 }).to_le_bytes()));
    octets.push(7);
    fs::write(path, octets).unwrap();
}

#[test]
fn what_was_said_until_a_crash_becomes_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let mailboxes = Mailboxes::of(folder.path());
    assert_eq!(mailboxes.recover(), [], "nobody ever left one");
    die_with(&mailboxes, ID, 60, true);
    die_with(&mailboxes, "c0000000000003-t0000000000004", 60, false);
    assert_eq!(mailboxes.recover(), [("sales".into(), (1, 0))]);
    let found = mailboxes.list("sales").unwrap();
    assert_eq!((&*found[0].id, found[0].head.length_ms), (ID, 1200));
    assert_eq!(Wav::parse(&mailboxes.sound("sales", ID).unwrap()).unwrap().samples.len(), 60 * FRAME);
    assert_eq!(fs::read_dir(folder.path().join("mailboxes/sales")).unwrap().count(), 2, "nothing else is left");
    assert_eq!(mailboxes.recover(), [("sales".into(), (1, 0))]);
}

#[test]
fn files_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mailboxes = Mailboxes::of(folder.path());
    mailboxes.begin(ID, &head()).unwrap();
    let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("mailboxes/sales"), mode(&format!("mailboxes/sales/.{ID}.json"))), (0o700, 0o600));
}

#[test]
fn names_that_are_not_ours_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let mailboxes = Mailboxes::of(folder.path());
    fs::create_dir_all(folder.path().join("mailboxes/sales")).unwrap();
    fs::write(folder.path().join("secret.wav"), "x").unwrap();
    for (mailbox, id) in [("..", "secret"), ("sales", "../../secret"), ("sales", ""), ("", ID), ("sales", ID)] {
        assert!(mailboxes.sound(mailbox, id).is_err(), "{mailbox} {id}");
        assert!(mailboxes.delete(mailbox, id).is_err(), "{mailbox} {id}");
        assert!(mailboxes.set_heard(mailbox, id, true).is_err(), "{mailbox} {id}");
    }
    assert!(folder.path().join("secret.wav").exists());
}

#[test]
fn a_message_without_its_companion_is_one_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mailboxes = Mailboxes::of(folder.path());
    die_with(&mailboxes, ID, 60, true);
    mailboxes.recover();
    fs::write(folder.path().join(format!("mailboxes/sales/{ID}.json")), "{").unwrap();
    assert_eq!(mailboxes.count("sales").unwrap(), (1, 0));
    mailboxes.set_heard("sales", ID, true).unwrap();
    assert_eq!(mailboxes.count("sales").unwrap(), (0, 1));
}
