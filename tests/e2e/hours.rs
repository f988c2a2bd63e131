//! Calendars and emergency switches of a running switch.

use std::process::Command;
use std::time::Instant;

use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::sound;
use tests::switch::{Switch, binary};
use tests::wait::SOON;

const HOURS: &str = "\
switches: { evacuation: The building is empty }
calendars:
  office:
    zone: Europe/Berlin
    week: { monday-sunday: 00:00-24:00 }
    emergency: evacuation
  xmas:
    zone: America/New_York
    week: { monday-friday: 09:00-17:00 }
    holidays: { 12-25: Christmas Day }
";

const FLOW: &str = "\
version: 1
nodes:
  doors:
    hours: { calendar: office, open: open, closed: closed, emergency: { prompt: goodbye, next: hangup } }
  open:
    play: { prompt: welcome, repeat: forever }
  closed:
    hours: { calendar: xmas, open: hangup, closed: hangup }
";

fn company(ports: &Ports) -> Company {
    let mut company = Company::new(ports);
    company.hours = Some(HOURS);
    company.flows.insert("talk", FLOW.to_owned());
    company
}

/// Exit code and all that is printed.
fn run(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("the binary runs");
    let [told, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    (output.status.code(), told + &errors)
}

fn ask(switch: &Switch, arguments: &[&str]) -> (Option<i32>, String) {
    run(Command::new(binary()).args(arguments).arg("--config").arg(switch.folder().join("config")))
}

#[test]
fn an_emergency_switch_meets_the_next_caller_also_after_a_restart() {
    let mut ports = Ports::slice();
    let mut switch = Switch::start(&company(&ports));
    let start = Instant::now();
    let mut before = Phone::new(switch.address(), &mut ports);
    let mut dialog = before.call("1002");
    before.media.wait_for_tone(tones::WELCOME, start, SOON);
    let (code, told) = ask(&switch, &["switch", "evacuation", "on", "--reason", "burst pipe"]);
    let on = told.starts_with("switch evacuation: ON since ");
    assert!(code == Some(0) && on && told.contains("burst pipe (The building is empty; closes office)"), "{told}");
    let mut next = Phone::new(switch.address(), &mut ports);
    let turned = Instant::now();
    next.call("1002");
    next.media.wait_for_tone(tones::GOODBYE, turned, SOON);
    next.wait_for_request("BYE", SOON);
    assert_eq!(sound::heard(&next.media.heard_since(turned), tones::WELCOME), None);
    assert_eq!(before.bye(&mut dialog).status(), Some(200), "who was let in before stays");
    let event = switch.wait_for_event("turned", 1, SOON);
    assert_eq!((event["switch"].as_str(), event["on"].as_bool()), (Some("evacuation"), Some(true)));
    let by = event["by"].as_str().unwrap_or_default();
    assert!(by.contains(&format!("uid {}", rustix::process::geteuid().as_raw())), "{by}");
    assert!(ask(&switch, &["status"]).1.contains("switch evacuation: ON since "));

    switch.restart();
    let (port, media) = (ports.take(2), ports.take(4));
    let mut callers =
        Sipp::calling("caller_waits_for_bye", "1002", switch.address(), port, media, switch.folder(), &["-m", "3"]);
    assert_eq!(callers.succeed(SOON).successful, 3, "each is told, and hung up on");
    let event = switch.wait_for_event("hours", 5, SOON);
    let why = "closed: emergency switch evacuation: burst pipe";
    assert_eq!((event["state"].as_str(), event["why"].as_str()), (Some("emergency"), Some(why)));
    let (code, told) = ask(&switch, &["switch", "evacuation", "off"]);
    assert!(code == Some(0) && told.starts_with("switch evacuation: off since "), "{told}");
    let off = Instant::now();
    let mut after = Phone::new(switch.address(), &mut ports);
    let mut dialog = after.call("1002");
    after.media.wait_for_tone(tones::WELCOME, off, SOON);
    assert_eq!(after.bye(&mut dialog).status(), Some(200));
    let (code, told) = ask(&switch, &["switch", "evacution", "on"]);
    assert!(code == Some(1) && told.contains("there is no switch evacution; hours.yaml has evacuation"), "{told}");
    switch.wait_for_cdrs(6);
    switch.assert_quiet();
}

#[test]
fn an_emergency_switch_closes_a_queue_and_lets_out_who_waits_in_it() {
    let mut ports = Ports::slice();
    let mut company = company(&ports);
    for (key, value) in [("hours", "office"), ("when_closed", "leave"), ("empty", "{ join: always }")] {
        company.queue.insert(key, value.to_owned());
    }
    let wait = "version: 1\nnodes:\n  wait:\n    queue: { name: sales, closed: bye }\n    next: hangup\n  bye: { play: goodbye, next: hangup }\n";
    company.flows = [("wait", wait.to_owned())].into();
    company.numbers = [("1003", "{ flow: wait }".to_owned())].into();
    let switch = Switch::start(&company);
    let mut waiting = Phone::new(switch.address(), &mut ports);
    let start = Instant::now();
    waiting.call("1003");
    waiting.media.wait_for_tone(tones::MUSIC, start, SOON);
    assert_eq!(ask(&switch, &["switch", "evacuation", "on"]).0, Some(0));
    let turned = Instant::now();
    waiting.media.wait_for_tone(tones::GOODBYE, turned, SOON);
    waiting.wait_for_request("BYE", SOON);
    let (port, media) = (ports.take(2), ports.take(4));
    let mut callers =
        Sipp::calling("caller_waits_for_bye", "1003", switch.address(), port, media, switch.folder(), &["-m", "3"]);
    assert_eq!(callers.succeed(SOON).successful, 3, "each is told, and hung up on");
    switch.wait_for_cdrs(4);
    let left = switch.events("queue_left");
    assert!(left.len() == 4 && left.iter().all(|event| event["why"] == "closed"), "{left:#?}");
    assert_eq!(ask(&switch, &["switch", "evacuation", "off"]).0, Some(0));
    let off = Instant::now();
    let mut after = Phone::new(switch.address(), &mut ports);
    let mut dialog = after.call("1003");
    after.media.wait_for_tone(tones::MUSIC, off, SOON);
    assert_eq!(after.bye(&mut dialog).status(), Some(200));
    switch.wait_for_cdrs(5);
    switch.assert_quiet();
}

#[test]
fn hours_are_shown_without_a_switch_that_runs() {
    let ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    company(&ports).write(folder.path());
    let hours = |arguments: &[&str]| {
        run(Command::new(binary()).arg("hours").args(arguments).arg("--config").arg(folder.path()))
    };
    let shown = "\
xmas (America/New_York)
  Thu 24 Dec 2026 10:00  open until 17:00
  Thu 24 Dec 2026 17:00  closed
  Fri 25 Dec 2026 00:00  holiday: Christmas Day
  Sat 26 Dec 2026 00:00  closed
  Mon 28 Dec 2026 09:00  open
";
    assert_eq!(hours(&["xmas", "--at", "2026-12-24T10:00", "--days", "4"]), (Some(0), shown.to_owned()));
    let (code, all) = hours(&["--at", "2026-12-25", "--days", "0"]);
    let office =
        "office (Europe/Berlin)\n  Fri 25 Dec 2026 00:00  open\n  unless a switch is on that closes it: evacuation\n";
    assert!(code == Some(0) && all.starts_with(office), "{all}");
    let (code, told) = hours(&["shop"]);
    assert!(code == Some(1) && told.contains("there is no calendar shop; hours.yaml has office, xmas"), "{told}");
    let (code, told) = hours(&["--at", "noon"]);
    assert!(code == Some(2) && told.contains("noon is no time"), "{told}");
}
