//! kill -9 with 300 calls up, and a start on the same folder: the switch answers at once, ghost dialogs are told that they
//! are gone, recordings are finished, every call has its record, agents are free.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::company::Company;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::sound;
use tests::switch::{Switch, binary};
use tests::wait::{self, SOON};

/// Calls that are recorded and talk with an agent; and calls that hear a prompt.
const BRIDGED: usize = 150;
const OTHERS: usize = 148;

#[test]
fn kill_9_with_300_calls_up_leaves_books_recordings_and_agents_in_order() {
    let mut ports = Ports::slices(6);
    let folder = tempfile::tempdir().expect("a folder");
    let mut company = Company::new(&ports);
    company.port = ports.take(2);
    let address = (Ipv4Addr::LOCALHOST, company.port).into();
    // Before SIPp, whose calls have audio at the ports above the one that it is given.
    let mut phones = || Phone::new(address, &mut ports);
    let (mut ghosts, mut phone) = ([phones(), phones()], phones());
    let (port, media) = (ports.take(2), ports.take(4));
    let _agents = Sipp::answering("agent_answers", port, media, folder.path(), &["-rtp_echo"]);
    company.agents = (1..=BRIDGED).map(|n| (format!("agent{n}"), format!("sip:agent{n}@127.0.0.1:{port}"))).collect();
    company.calls.insert("max", "400".to_owned());
    for flow in company.flows.values_mut() {
        *flow = flow.replace("timeout: 1s", "timeout: 10s");
    }
    let mut switch = Switch::start(&company);
    let mut call = |scenario: &str, number: &str, count: usize| {
        let (port, media, count) = (ports.take(2), ports.take(4), count.to_string());
        let options = ["-m", &count, "-l", &count, "-r", "30", "-d", "120000", "-rtp_threadtasks", "125"];
        Sipp::calling(scenario, number, switch.address(), port, media, folder.path(), &options)
    };
    let mut callers = [call("caller_presses_1", "1000", BRIDGED), call("caller_waits_for_bye", "1002", OTHERS)];
    let mut dialogs = ghosts.each_mut().map(|phone| phone.call("1002"));
    wait::until_true("all calls are up at once", Duration::from_secs(40), || {
        wait::pause(Duration::from_millis(500));
        let up = switch.events("call_began").len() == BRIDGED + OTHERS + 2 && switch.events("hung_up").is_empty();
        up && switch.events("bridged").len() == BRIDGED && switch.recordings().len() == BRIDGED
    });

    let killed = Instant::now();
    switch.restart();
    assert!(ghosts[0].probe(), "OPTIONS is answered");
    println!("OPTIONS is answered {:?} after the kill", killed.elapsed());
    let body = ghosts[0].sdp();
    assert_eq!(ghosts[0].reinvite(&mut dialogs[0], &body).status(), Some(481), "a re-INVITE of a call that is gone");
    for (phone, dialog) in ghosts.iter_mut().zip(&mut dialogs) {
        assert_eq!(phone.bye(dialog).status(), Some(481), "a BYE of a call that is gone");
    }
    callers.iter_mut().for_each(Sipp::vanish);

    let cdrs = switch.wait_for_cdrs(BRIDGED + OTHERS + 2);
    let mut ids: Vec<&str> = cdrs.iter().map(|cdr| cdr["call"].as_str().expect("an id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), cdrs.len(), "one record a call");
    for cdr in &cdrs {
        assert_eq!((&cdr["cut"], cdr["cause"].as_str()), (&Value::Bool(true), Some("crash")), "{cdr:#}");
        for recording in cdr["recordings"].as_array().expect("a list") {
            assert!(recording["length_ms"].as_u64() > Some(0), "its file was finished: {cdr:#}");
        }
    }
    let recorded = |cdr: &&Value| cdr["recordings"].as_array().is_some_and(|list| list.len() == 1);
    assert_eq!(cdrs.iter().filter(recorded).count(), BRIDGED);
    let files = switch.recordings();
    assert_eq!(files.len(), BRIDGED);
    for file in &files {
        let header = std::fs::read(file).expect("a recording");
        let declared = u32::from_le_bytes(header[4..8].try_into().expect("four")) as usize + 8;
        assert_eq!(declared, header.len(), "{}: its header tells its size", file.display());
        assert_eq!(sound::read_wav(file).len(), 2, "stereo");
    }
    let sox = Command::new("soxi").arg("-D").args(&files).output().expect("scripts/test installs it");
    assert!(sox.status.success() && sox.stderr.is_empty(), "{}", String::from_utf8_lossy(&sox.stderr));

    let asked =
        Command::new(binary()).args(["status", "--json", "--config"]).arg(switch.folder().join("config")).output();
    let status: Value = serde_json::from_slice(&asked.expect("the binary runs").stdout).expect("JSON");
    assert_eq!(status["calls"], 0, "{status:#}");
    assert_eq!(status["queues"][0]["agents"]["idle"], BRIDGED, "{status:#}");
    let mut dialog = phone.call("2000");
    switch.wait_for_event("bridged", BRIDGED + 1, SOON);
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    switch.wait_for_cdrs(BRIDGED + OTHERS + 3);
}
