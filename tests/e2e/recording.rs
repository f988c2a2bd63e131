//! Recordings when the switch is killed in mid-call.

use std::process::Command;
use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sound::{self, heard};
use tests::switch::Switch;
use tests::wait::{SOON, pause};

#[test]
fn kill_9_in_mid_call_leaves_a_recording_that_others_read_and_loses_at_most_a_second() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    let flow = "version: 1\nnodes:\n  begin:\n    record: start\n    next: talk\n  talk:\n    play: { prompt: music, repeat: forever }\n";
    company.flows.insert("recorded", flow.to_owned());
    company.numbers.insert("1004", "{ flow: recorded }".to_owned());
    let mut switch = Switch::start(&company);
    let mut phone = Phone::new(switch.address(), &mut ports);
    phone.media.say(Some(tones::CALLER));
    phone.call("1004");
    switch.wait_for_event("recording_started", 1, SOON);
    let start = Instant::now();
    pause(Duration::from_secs(6));
    switch.process().kill();
    let talked = start.elapsed().as_secs_f64();

    let files = switch.recordings();
    assert_eq!(files.len(), 1, "{files:?}");
    let read = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).arg(&files[0]).output().expect("scripts/test installs it");
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        text.parse::<f64>().unwrap_or_else(|_| panic!("{program} says {text}"))
    };
    let by_sox = read("soxi", &["-D"]);
    let python = "import sys, wave; w = wave.open(sys.argv[1]); n = w.getnframes(); \
                  assert w.getnchannels() == 2 and len(w.readframes(n)) == 4 * n; print(n / w.getframerate())";
    let by_python = read("python3", &["-c", python]);
    for length in [by_sox, by_python] {
        assert!((talked - 1.0..talked + 0.5).contains(&length), "{length} s of {talked} s are in the file");
    }
    let [left, right] = sound::read_wav(&files[0]).try_into().expect("stereo");
    let whole = |side: &[i16], hertz| heard(side, hertz).is_some_and(|heard| heard.total > by_sox - 0.5);
    assert!(whole(&left, tones::CALLER) && whole(&right, tones::MUSIC));
}
