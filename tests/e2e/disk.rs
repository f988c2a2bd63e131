//! A full disk: the call goes on, and the CDR tells what was lost.
//!
//! The switch runs in a mount namespace of its own, with a data folder of 512 kB. Where that is not permitted, the test says
//! so and passes.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::records;
use tests::sound;
use tests::switch::Switch;
use tests::wait::{self, SOON, pause};

fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["--mount", "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]).output();
    tried.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_costs_the_recording_and_not_the_call() {
    if !may_mount() {
        println!("skipped: no mount namespace here");
        return;
    }
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    let flow = "version: 1\nnodes:\n  begin:\n    record: start\n    next: talk\n  talk:\n    play: { prompt: music, repeat: forever }\n";
    company.flows.insert("recorded", flow.to_owned());
    company.numbers.insert("1004", "{ flow: recorded }".to_owned());
    // 32 kB a second: the disk is full after some 6 s.
    let script = "mkdir -p \"$3/data\" && mount -t tmpfs -o size=512k none \"$3/data\" && head -c 300000 /dev/zero > \"$3/data/filler\" \
                  && exec \"$0\" \"$@\"";
    let mut switch = Switch::start_with(&company, |command| {
        let mut wrapped = Command::new("unshare");
        wrapped.args(["--mount", "sh", "-c", script]).arg(command.get_program()).args(command.get_args());
        wrapped
    });
    // The mount is seen through the process alone.
    let data: PathBuf = format!("/proc/{}/root{}", switch.process().pid(), switch.data().display()).into();
    let mut phone = Phone::new(switch.address(), &mut ports);
    phone.media.say(Some(tones::CALLER));
    let start = Instant::now();
    let mut dialog = phone.call("1004");
    phone.media.wait_for_tone(tones::MUSIC, start, SOON);
    pause(Duration::from_secs(11));
    let heard = sound::heard(&phone.media.heard_since(start), tones::MUSIC).expect("music");
    assert!(heard.total > 10.0 && heard.gap < 0.2, "the call goes on while the disk is full: {heard:?}");
    std::fs::remove_file(data.join("filler")).expect("room is made again");
    pause(Duration::from_secs(1));
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    let cdr = wait::until("the CDR", SOON, || {
        records::json_lines(&data).into_iter().find(|line| line.get("disposition").is_some())
    });
    assert!(cdr["recording_lost_ms"].as_u64().is_some_and(|ms| ms >= 1000), "{cdr:#}");
    let told = |kind: &str| records::json_lines(&data).iter().any(|line| line["event"] == kind);
    wait::until_true("the loss is an event", SOON, || told("recording_lost") || told("disk_fault"));
}
