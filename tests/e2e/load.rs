//! 300 calls at once: SIPp callers go through the menu to SIPp agents by a digit, with audio, on three media threads.

use std::time::Duration;

use tests::company::Company;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait;

const CALLS: usize = 300;

#[test]
fn three_hundred_calls_at_once_reach_their_agents_and_none_is_lost() {
    let mut ports = Ports::slices(6);
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let mut agents =
        Sipp::answering("agent_answers", port, media, folder.path(), &["-rtp_echo", "-m", &CALLS.to_string()]);
    let mut company = Company::new(&ports);
    company.agents = (1..=CALLS).map(|n| (format!("agent{n}"), format!("sip:agent{n}@127.0.0.1:{port}"))).collect();
    company.calls.insert("max", "400".to_owned());
    company.media.insert("threads", "3".to_owned());
    // No key is pressed within the first 3 s: the menu's prompt and time-out must not end the call before.
    for flow in company.flows.values_mut() {
        *flow = flow.replace("timeout: 1s", "timeout: 10s");
    }
    let mut switch = Switch::start(&company);
    let pid = switch.process().pid();
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("its threads").count();
    assert!(threads >= 4, "three media threads and the domain's: {threads}");

    let (port, media) = (ports.take(2), ports.take(4));
    // 30 a second: the last one begins at 10 s; each stays for 3 s in the menu and 15 s behind it.
    let options = ["-m", "300", "-l", "300", "-r", "30", "-d", "15000", "-rtp_threadtasks", "125"];
    let mut callers = Sipp::calling("caller_presses_1", "1001", switch.address(), port, media, folder.path(), &options);
    wait::until_true("all calls are up at once", Duration::from_secs(40), || {
        // Seldom: reading the whole journal would itself be a load.
        wait::pause(Duration::from_millis(500));
        assert_eq!(callers.counts().failed, 0);
        switch.events("bridged").len() == CALLS && switch.events("hung_up").is_empty()
    });
    assert_eq!(callers.succeed(Duration::from_secs(90)).successful, CALLS as u64);
    assert_eq!(agents.succeed(Duration::from_secs(30)).successful, CALLS as u64);

    let cdrs = switch.wait_for_cdrs(CALLS);
    let good = |cdr: &&serde_json::Value| cdr["disposition"] == "answered" && cdr["offers"] == 1 && cdr["cut"] == false;
    assert_eq!(cdrs.iter().filter(good).count(), CALLS, "{:#}", cdrs.iter().find(|cdr| !good(cdr)).unwrap_or(&cdrs[0]));
    let mut names: Vec<_> = cdrs.iter().map(|cdr| cdr["agent"].as_str().unwrap_or_default()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CALLS, "each agent had one call");
    switch.assert_quiet();
}
