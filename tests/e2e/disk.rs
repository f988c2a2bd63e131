//! Disks that fail under calls: full, standing still, read-only. Calls go on, new ones are answered, and what is lost is told.
//!
//! The switch runs in a mount namespace of its own, where its data folder is a file system of the test's. Where that is not
//! permitted, the tests say so and pass.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::process::Process;
use tests::records;
use tests::sound::{self, assert_heard};
use tests::switch::{Switch, binary};
use tests::wait::{self, SOON, pause};

/// 512 kB in memory, of which 300 are taken. A recording takes 32 kB a second: it is full after some 6 s.
const SMALL: &str = "mount -t tmpfs -o size=512k none \"$3/data\" && head -c 300000 /dev/zero > \"$3/data/filler\"";
/// A file system that can be frozen, and that turns read-only by itself after a fault.
const EXT4: &str = "truncate -s 32M \"$3/disk\" && mkfs.ext4 -q \"$3/disk\" && mount -o loop \"$3/disk\" \"$3/data\"";

/// A switch whose data folder is a disk of its own. Number 1004 records, and plays music for ever.
struct Stage {
    switch: Switch,
    ports: Ports,
    /// The data folder as the switch sees it.
    data: PathBuf,
}

/// The company on the disk that `mount` makes; `None` where that is not permitted.
fn stage(mount: &str) -> Option<Stage> {
    let script = |then: &str| format!("mkdir -p \"$3/data\" && {mount} && {then}");
    let place = tempfile::tempdir().expect("a folder");
    let mut try_it = Command::new("unshare");
    try_it.args(["--mount", "sh", "-c", &script("true"), "0", "1", "2"]).arg(place.path());
    if !try_it.output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no such disk can be mounted here: {mount}");
        return None;
    }
    let ports = Ports::slice();
    let mut company = Company::new(&ports);
    let flow = "version: 1\nnodes:\n  begin:\n    record: start\n    next: talk\n  talk:\n    play: { prompt: music, repeat: forever }\n";
    company.flows.insert("recorded", flow.to_owned());
    company.numbers.insert("1004", "{ flow: recorded }".to_owned());
    let mut switch = Switch::start_with(&company, |command| {
        let mut wrapped = Command::new("unshare");
        wrapped.args(["--mount", "sh", "-c", &script("exec \"$0\" \"$@\"")]);
        wrapped.arg(command.get_program()).args(command.get_args());
        wrapped
    });
    let data = format!("/proc/{}/root{}", switch.process().pid(), switch.data().display()).into();
    Some(Stage { switch, ports, data })
}

impl Stage {
    fn phone(&mut self) -> Phone {
        Phone::new(self.switch.address(), &mut self.ports)
    }

    /// A command that sees the disk as the switch does.
    fn inside(&mut self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--target", &self.switch.process().pid().to_string()]).arg(program.as_ref());
        command
    }

    fn status(&mut self) -> Output {
        let config = self.switch.folder().join("config");
        self.inside(binary()).args(["status", "--config"]).arg(config).output().expect("it runs")
    }

    fn cdrs(&self) -> Vec<Value> {
        records::json_lines(&self.data).into_iter().filter(|line| line.get("disposition").is_some()).collect()
    }

    fn events(&self, kind: &str) -> Vec<Value> {
        records::json_lines(&self.data).into_iter().filter(|line| line["event"] == kind).collect()
    }
}

#[test]
fn a_full_disk_costs_the_recording_and_not_the_call() {
    let Some(mut stage) = stage(SMALL) else { return };
    let mut phone = stage.phone();
    phone.media.say(Some(tones::CALLER));
    let start = Instant::now();
    let mut dialog = phone.call("1004");
    phone.media.wait_for_tone(tones::MUSIC, start, SOON);
    pause(Duration::from_secs(11));
    let heard = sound::heard(&phone.media.heard_since(start), tones::MUSIC).expect("music");
    assert!(heard.total > 10.0 && heard.gap < 0.2, "the call goes on while the disk is full: {heard:?}");
    std::fs::remove_file(stage.data.join("filler")).expect("room is made again");
    pause(Duration::from_secs(1));
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    let cdr = wait::until("the CDR", SOON, || stage.cdrs().pop());
    assert!(cdr["recording_lost_ms"].as_u64().is_some_and(|ms| ms >= 1000), "{cdr:#}");
    let told = || !stage.events("recording_lost").is_empty() || !stage.events("disk_fault").is_empty();
    wait::until_true("the loss is an event", SOON, told);
}

#[test]
fn a_disk_that_stands_still_for_ten_seconds_costs_nothing() {
    let Some(mut stage) = stage(EXT4) else { return };
    let (mut phone, mut other, mut third) = (stage.phone(), stage.phone(), stage.phone());
    phone.media.say(Some(tones::CALLER));
    let mut dialog = phone.call("1004");
    phone.media.wait_for_tone(tones::MUSIC, Instant::now(), SOON);
    wait::until_true("it is recorded", SOON, || !stage.events("recording_started").is_empty());
    let from = Instant::now();

    // One command that ends by itself, so that nothing is left frozen whatever becomes of the test.
    let script = "fsfreeze -f \"$0\" && echo frozen && sleep 10; fsfreeze -u \"$0\"";
    let mut stall = stage.inside("sh");
    stall.args(["-c", script]).arg(stage.switch.data());
    let mut stall = Process::start("stall", stall, stage.switch.folder());
    stall.wait_for_line("the disk stands still", SOON, |line| line == "frozen");
    let frozen = Instant::now();
    // Calls that begin meanwhile: one that is over before the disk moves again, and one that is to be recorded.
    let mut over = other.call("1002");
    other.media.wait_for_tone(tones::WELCOME, frozen, SOON);
    assert_eq!(other.bye(&mut over).status(), Some(200));
    third.media.say(Some(tones::CALLER));
    let mut recorded = third.call("1004");
    third.media.wait_for_tone(tones::MUSIC, frozen, SOON);
    assert!(stage.status().status.success(), "operators are answered");
    pause(Duration::from_secs(3));
    assert_eq!(stage.cdrs().len(), 0, "the disk takes nothing");
    assert!(stall.wait(Duration::from_secs(30)).success());
    pause(Duration::from_secs(1));

    assert_heard("who was there before", &phone.media.heard_since(from), tones::MUSIC, 10.0);
    for (phone, dialog) in [(&mut phone, &mut dialog), (&mut third, &mut recorded)] {
        assert_eq!(phone.bye(dialog).status(), Some(200));
    }
    let cdrs = wait::until("all CDRs", SOON, || Some(stage.cdrs()).filter(|cdrs| cdrs.len() == 3));
    assert!(cdrs.iter().all(|cdr| cdr["recording_lost_ms"].as_u64().unwrap_or(0) == 0), "{cdrs:#?}");
    let files = records::files(&stage.data, ".wav");
    assert_eq!(files.len(), 2);
    for file in files {
        let [left, right] = sound::read_wav(&file).try_into().expect("stereo");
        assert_heard("what the caller said", &left, tones::CALLER, 5.0);
        assert_heard("what he heard", &right, tones::MUSIC, 5.0);
    }
    for call in cdrs.iter().map(|cdr| &cdr["call"]) {
        let events = records::json_lines(&stage.data.join("journal"));
        let numbers: Vec<u64> =
            events.iter().filter(|event| event["call"] == *call).filter_map(|event| event["seq"].as_u64()).collect();
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "an event of {call} is missing: {numbers:?}");
    }
}

#[test]
fn a_disk_that_turns_read_only_is_told_while_calls_go_on() {
    let Some(mut stage) = stage(EXT4) else { return };
    let (mut phone, mut other) = (stage.phone(), stage.phone());
    phone.media.say(Some(tones::CALLER));
    let mut dialog = phone.call("1004");
    phone.media.wait_for_tone(tones::MUSIC, Instant::now(), SOON);
    wait::until_true("audio is in the file", SOON, || {
        let files = records::files(&stage.data, ".wav");
        files.iter().any(|file| std::fs::metadata(file).is_ok_and(|meta| meta.len() > 40_000))
    });
    // What the system does to a disk that fails.
    let from = Instant::now();
    let data = stage.switch.data();
    let aborted = stage.inside("mount").args(["-o", "remount,abort"]).arg(data).output().expect("it runs");
    assert!(aborted.status.success(), "{}", String::from_utf8_lossy(&aborted.stderr));

    let told = |stage: &mut Stage| String::from_utf8_lossy(&stage.status().stdout).into_owned();
    for what in ["journal", "recordings"] {
        let line = format!("disk fault: {what}: Read-only file system");
        wait::until_true(&line, SOON, || told(&mut stage).contains(&line));
        assert!(stage.switch.process().errors().contains(&format!("strowger: {line}")));
    }
    let mut second = other.call("1004");
    other.media.wait_for_tone(tones::MUSIC, from, SOON);
    assert_eq!(other.bye(&mut second).status(), Some(200));
    assert_heard("who was there before", &phone.media.heard_since(from), tones::MUSIC, 0.5);
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    let files = records::files(&stage.data, ".wav");
    let [left, _] = sound::read_wav(files.first().expect("the first recording")).try_into().expect("stereo");
    assert_heard("what was written before", &left, tones::CALLER, 0.5);
    let ended = stage.switch.terminate(SOON);
    assert_eq!(ended.code(), Some(2), "not all is well");
    let errors = stage.switch.process().errors();
    assert!(errors.contains("were not written"), "{errors}");
}
