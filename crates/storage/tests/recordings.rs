//! Recordings on a real disk, read by strangers.
//!
//! Covered: sox and Python's wave agree on length, sides and alignment · a copy taken in the middle · a crash in the middle,
//! mended by the next start · a file that may not grow (RLIMIT_FSIZE) · a folder that may not be written · a queue that is
//! full. Where sox or Python is missing the test says so and checks the octets alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the test of a driver")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use base::{CallId, TakeId};
use common::{NOON, call, start, start_with, tones, wait_until};
use leg::TakeSink;
use storage::{Config, Notice, Storage, TakeEvent};

const TAKE: TakeId = TakeId::from_raw(7);
const NAME: &str = "recordings/2026/11/21/c0000000000001-t0000000000007.wav";

/// Left and right samples, after checking that the header fits the file.
fn read(path: &Path) -> (Vec<i16>, Vec<i16>) {
    let octets = fs::read(path).unwrap();
    assert_eq!(&octets[..4], b"RIFF");
    let data = u32::from_le_bytes(octets[40..44].try_into().unwrap()) as usize;
    assert!(octets.len() >= 44 + data, "the header promises no more than there is");
    let samples: Vec<i16> =
        octets[44..44 + data].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    (samples.iter().step_by(2).copied().collect(), samples.iter().skip(1).step_by(2).copied().collect())
}

/// How often the samples rise through zero in a second, to the next ten: the tone's frequency.
fn hertz(samples: &[i16]) -> usize {
    let rises = samples.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
    (rises * 8000 / samples.len() + 5) / 10 * 10
}

/// Seconds and channels as sox and Python's wave see them.
fn strangers(path: &Path) -> Vec<(f64, u32)> {
    let mut found = Vec::new();
    let sox = |flag: &str| {
        let output = Command::new("sox").args(["--i", flag]).arg(path).output().ok()?;
        assert!(output.status.success(), "sox: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "sox warns: {}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    match (sox("-D"), sox("-c")) {
        (Some(seconds), Some(channels)) => found.push((seconds.parse().unwrap(), channels.parse().unwrap())),
        _ => eprintln!("skipped: no sox"),
    }
    let script = "import sys,wave; w=wave.open(sys.argv[1]); n=w.getnframes(); \
                  assert len(w.readframes(n))==4*n; print(n/w.getframerate(), w.getnchannels())";
    match Command::new("python3").args(["-c", script]).arg(path).output() {
        Ok(output) => {
            assert!(output.status.success(), "wave: {}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).unwrap();
            let (seconds, channels) = text.trim().split_once(' ').unwrap();
            found.push((seconds.parse().unwrap(), channels.parse().unwrap()));
        }
        Err(_) => eprintln!("skipped: no python3"),
    }
    found
}

#[test]
fn each_side_of_a_call_stands_on_its_side_and_strangers_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    running.storage.take_port().begin(NOON, call(1), TAKE);
    let mut port = running.storage.chunk_port();
    (0..6).for_each(|half| tones(&mut port, TAKE, half * 25, 400.0, 1000.0, half == 5));
    assert_eq!(running.hear_end(TAKE), (Some(NAME.to_owned()), 150, 0));
    let path = folder.path().join(NAME);
    let (left, right) = read(&path);
    assert_eq!((left.len(), hertz(&left), hertz(&right)), (24_000, 400, 1000));
    for (seconds, channels) in strangers(&path) {
        assert_eq!((seconds, channels), (3.0, 2));
    }
}

#[test]
fn a_copy_taken_at_any_moment_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    running.storage.take_port().begin(NOON, call(1), TAKE);
    let mut port = running.storage.chunk_port();
    let path = folder.path().join(NAME);
    wait_until("the file is made", || fs::metadata(&path).is_ok_and(|meta| meta.len() >= 44));
    for half in 0..8 {
        tones(&mut port, TAKE, half * 25, 400.0, 1000.0, false);
        // Whatever the writer has done by now: the copy must be a file in its own right.
        let copy = folder.path().join("copy.wav");
        fs::copy(&path, &copy).unwrap();
        let (left, _) = read(&copy);
        assert_eq!(left.len() % 4000, 0, "whole chunks");
        if half % 3 == 0 {
            strangers(&copy);
        }
    }
    wait_until("all is written", || read(&path).0.len() == 32_000);
}

#[test]
fn a_lost_stretch_is_silence_and_what_follows_keeps_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    running.storage.take_port().begin(NOON, call(1), TAKE);
    let mut port = running.storage.chunk_port();
    tones(&mut port, TAKE, 0, 400.0, 1000.0, false);
    tones(&mut port, TAKE, 75, 400.0, 1000.0, true);
    assert_eq!(running.hear_end(TAKE), (Some(NAME.to_owned()), 100, 50));
    let (left, right) = read(&folder.path().join(NAME));
    assert_eq!(left.len(), 16_000);
    assert!(left[4000..12_000].iter().chain(&right[4000..12_000]).all(|sample| *sample == 0));
    assert_eq!((hertz(&left[12_000..]), hertz(&right[12_000..])), (400, 1000));
}

/// What a switch that was killed leaves: no end was written, the last audio perhaps without its header. The next start
/// makes the header fit, by the list of open recordings alone.
#[test]
fn a_recording_that_a_crash_cut_is_mended_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    running.storage.take_port().begin(NOON, call(1), TAKE);
    let mut port = running.storage.chunk_port();
    (0..4).for_each(|half| tones(&mut port, TAKE, half * 25, 400.0, 1000.0, false));
    let path = folder.path().join(NAME);
    wait_until("all is written", || fs::metadata(&path).is_ok_and(|meta| meta.len() == 44 + 100 * 640));
    let crashed = tempfile::tempdir().unwrap();
    copy_tree(folder.path(), crashed.path());
    let cut = crashed.path().join(NAME);
    let mut octets = fs::read(&cut).unwrap();
    // Killed between the audio and the header.
    octets[..44].copy_from_slice(&audio::WavHeader::stereo(8000).with_data_bytes(75 * 640));
    fs::write(&cut, octets).unwrap();
    assert_eq!(read(&cut).0.len(), 12_000);
    drop(start(crashed.path()));
    assert_eq!(read(&cut).0.len(), 16_000);
    strangers(&cut);
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (source, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if source.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_tree(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap();
        }
    }
}

#[test]
fn what_is_open_when_the_switch_stops_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    running.storage.take_port().begin(NOON, call(1), TAKE);
    tones(&mut running.storage.chunk_port(), TAKE, 0, 400.0, 1000.0, false);
    assert!(running.storage.stop());
    let last = running.said.iter().last().unwrap();
    let file = Some(NAME.into());
    assert_eq!(last, Notice::Take { take: TAKE, event: TakeEvent::Finished { file, frames: 25, lost: 0 } });
    assert!(!folder.path().join("recordings/.open").exists());
}

#[test]
fn a_folder_that_cannot_be_made_costs_the_recording_alone() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    // In the way of the folder: no rights would stop root.
    fs::write(folder.path().join("recordings/2026"), b"").unwrap();
    running.storage.take_port().begin(NOON, call(1), TAKE);
    let mut port = running.storage.chunk_port();
    tones(&mut port, TAKE, 0, 400.0, 1000.0, false);
    let error = running.hear(|notice| match notice {
        Notice::DiskFault { what: "recordings", error } => Some(error),
        _ => None,
    });
    assert!(!error.is_empty());
    // The fault came when the recording began; the way is cleared when the first chunk has met it, too.
    let lost = running.hear(|notice| match notice {
        Notice::Take { event: TakeEvent::Lost { frames, .. }, .. } => Some(frames),
        _ => None,
    });
    assert_eq!(lost, 25);
    fs::remove_file(folder.path().join("recordings/2026")).unwrap();
    tones(&mut port, TAKE, 25, 400.0, 1000.0, true);
    assert_eq!(running.hear_end(TAKE), (Some(NAME.to_owned()), 50, 25));
}

/// The writer stands still: chunks are refused when as many wait as may, and buffers are not given.
#[test]
fn a_full_queue_refuses_and_never_waits() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.chunks = 4;
    let (mouth, said) = std::sync::mpsc::channel();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    // The writer waits at its first word until the gate opens.
    let storage = storage::Storage::start(&config, move |notice| {
        drop(mouth.send(notice));
        let _ = gate.lock().unwrap().recv();
    })
    .unwrap();
    storage.take_port().begin(NOON, call(1), TAKE);
    said.recv().unwrap();
    let mut port = storage.chunk_port();
    (0..4).for_each(|half| tones(&mut port, TAKE, half * 25, 400.0, 1000.0, false));
    assert!(port.buffer().is_none());
    let chunk = leg::Chunk {
        take: TAKE,
        law: leg::Law::Ulaw,
        first_frame: 100,
        lost: 0,
        last: true,
        audio: leg::Stereo::default(),
    };
    let chunk = port.deliver(chunk).expect_err("no room");
    drop(open);
    wait_until("there is room", || port.buffer().is_some());
    port.deliver(chunk).unwrap();
    assert!(storage.stop());
    let finished = said.iter().last().unwrap();
    assert!(matches!(finished, Notice::Take { event: TakeEvent::Finished { frames: 100, lost: 0, .. }, .. }));
}

/// The file may not grow beyond 32 kB: as with a full disk, the rest is lost and told, and the file can be read. The limit
/// is the process's, so a shell sets it for a copy of this test program that runs [`under_a_file_size_limit`] alone.
#[test]
fn a_file_that_may_not_grow_keeps_what_it_has() {
    let program = std::env::current_exe().unwrap();
    // XFSZ would end the process; ignored, the write fails with EFBIG. Blocks are of 512 octets.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact under_a_file_size_limit --ignored";
    let output = Command::new("sh").arg("-c").arg(script).arg(program).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[test]
#[ignore = "run by a_file_that_may_not_grow_keeps_what_it_has, which sets the limit"]
fn under_a_file_size_limit() {
    let folder = tempfile::tempdir().unwrap();
    let running = start_with(&Config::new(folder.path()));
    running.storage.take_port().begin(NOON, call(1), TAKE);
    let mut port = running.storage.chunk_port();
    (0..4).for_each(|half| tones(&mut port, TAKE, half * 25, 400.0, 1000.0, half == 3));
    let fault = running.hear(|notice| match notice {
        Notice::DiskFault { error, .. } => Some(error),
        _ => None,
    });
    assert!(fault.contains("large"), "{fault}");
    let (file, frames, lost) = running.hear_end(TAKE);
    assert_eq!((file.as_deref(), frames, lost), (Some(NAME), 100, 50));
    let path = folder.path().join(NAME);
    let (left, right) = read(&path);
    assert!(left.len() >= 8_000, "{}", left.len());
    assert_eq!((hertz(&left[..8_000]), hertz(&right[..8_000])), (400, 1000));
    strangers(&path);
}

#[test]
fn a_storage_whose_writer_has_died_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::start(&Config::new(folder.path()), |_| panic!("a fault on purpose")).unwrap();
    assert!(storage.is_running());
    storage.take_port().begin(NOON, CallId::from_raw(1), TakeId::from_raw(1));
    wait_until("the writer has died of what it told", || !storage.is_running());
}
