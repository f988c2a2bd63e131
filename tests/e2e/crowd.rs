//! 10,000 users of a file register with SIPp by digest, are listed, and survive kill -9; every tenth is then rung where he is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tests::company::Company;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::{SOON, until, until_true};

const USERS: usize = 10_000;
const CALLED: usize = USERS / 10;
/// Long enough for a machine that is busy and a build that is not optimised.
const LIMIT: Duration = Duration::from_secs(180);

/// A file of users for SIPp.
fn csv<'a>(path: PathBuf, names: impl Iterator<Item = &'a String>) -> String {
    let row = |name| format!("{name};[authentication username={name} password=p{name}]\n");
    std::fs::write(&path, "SEQUENTIAL\n".to_owned() + &names.map(row).collect::<String>()).expect("written");
    path.display().to_string()
}

#[test]
fn ten_thousand_users_register_and_survive_a_kill_and_calls_find_them() {
    // A port rests for 5 s after a call: 100 calls a second with two legs each use 2,000.
    let mut ports = Ports::slices(9);
    let mut company = Company::new(&ports);
    company.users = (0..USERS).map(|n| (10_000 + n).to_string()).collect();
    company.calls.insert("max", "200".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| Path::join(folder.path(), name);
    let all = csv(file("all.csv"), company.users.iter());
    let called = csv(file("called.csv"), company.users.iter().step_by(USERS / CALLED));
    let passwords: String = company.users.iter().map(|name| format!("{name}: p{name}\n")).collect();
    let mut switch = Switch::start_with_passwords(&company, &passwords);

    let (phones, media, count) = (ports.take(2), ports.take(4), USERS.to_string());
    let options = ["-inf", &all, "-m", &count, "-r", "1000", "-l", "1000"];
    let mut sipp = Sipp::calling("user_registers", "x", switch.address(), phones, media, folder.path(), &options);
    assert_eq!(sipp.succeed(LIMIT).successful, USERS as u64);
    assert_eq!(switch.told(&["registrations", "--json"]).lines().count(), USERS);
    let kept = || std::fs::read_to_string(switch.data().join("locations.jsonl")).unwrap_or_default();
    until_true("all registrations are kept", SOON, || kept().lines().count() >= USERS);

    switch.restart();
    let restored = switch.wait_for_event("restored", 1, SOON);
    assert_eq!((restored["contacts"].as_u64(), restored["left_out"].as_u64()), (Some(USERS as u64), Some(0)));

    // These are busy, and only for whom the call was dialled.
    let count = CALLED.to_string();
    let mut users = Sipp::answering("user_declines", phones, media, folder.path(), &["-m", &count]);
    let (port, media) = (ports.take(2), ports.take(4));
    let options = ["-inf", &called, "-m", &count, "-r", "100", "-l", "50"];
    let mut callers =
        Sipp::calling("caller_finds_user_busy", "x", switch.address(), port, media, folder.path(), &options);
    assert_eq!(callers.succeed(LIMIT).successful, CALLED as u64);
    assert_eq!(users.succeed(SOON).successful, CALLED as u64);
    let mut rung = until("all calls have ended", SOON, || {
        let cdrs = switch.cdrs();
        (cdrs.len() == CALLED).then(|| cdrs.iter().map(|cdr| cdr["to"].to_string()).collect::<Vec<_>>())
    });
    rung.sort();
    rung.dedup();
    assert_eq!(rung.len(), CALLED, "each of them once");
    switch.assert_quiet();
}
