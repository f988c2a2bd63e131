//! A queue that rings all, with SIPp as its agents: one has the call, and the others are let go without a penalty.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tests::company::Company;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::SOON;

const CALLS: usize = 15;
const AGENTS: usize = 5;

/// The switch with so many agents, the first of them at the first port and the others at the second, after a row of calls.
fn after_calls(ports: &mut Ports, first: u16, others: u16) -> Switch {
    let mut company = Company::new(ports);
    let at = |n| if n == 1 { first } else { others };
    company.agents = (1..=AGENTS).map(|n| (format!("agent{n}"), format!("sip:agent{n}@127.0.0.1:{}", at(n)))).collect();
    company.queue.insert("strategy", "ring-all".to_owned());
    company.queue.insert("wrap_up", "1ms".to_owned());
    let switch = Switch::start(&company);
    let (port, media) = (ports.take(2), ports.take(4));
    let count = CALLS.to_string();
    let options = ["-m", &count, "-l", "1", "-r", "10", "-d", "800"];
    let mut callers =
        Sipp::calling("caller_hangs_up", "2000", switch.address(), port, media, switch.folder(), &options);
    assert_eq!(callers.succeed(Duration::from_secs(60)).successful, CALLS as u64);
    switch
}

/// Each call was answered by one agent and rang the others, who are idle at once. Gives how many phones were rung, and who answered.
fn judge(switch: &Switch) -> (u64, BTreeSet<String>) {
    let cdrs = switch.wait_for_cdrs(CALLS);
    assert!(cdrs.iter().all(|cdr| cdr["disposition"] == "answered" && cdr["hung_up_by"] == "caller"), "{cdrs:#?}");
    let ended = switch.events("offer_ended");
    assert_eq!(ended.len(), switch.events("offer_made").len(), "each offer ends");
    for cdr in &cdrs {
        let of = |outcome: &str| {
            let of_call = ended.iter().filter(|event| event["call"] == cdr["call"] && event["outcome"] == outcome);
            of_call.map(|event| event["agent"].to_string()).collect::<Vec<_>>()
        };
        let (mut rung, others) = (of("answered"), of("answered_elsewhere"));
        assert_eq!((rung.len(), others.len()), (1, AGENTS - 1), "{:#?}", switch.told(&["explain", &text(cdr, "call")]));
        rung.extend(others);
        assert_eq!(rung.iter().collect::<BTreeSet<_>>().len(), AGENTS, "each once");
    }
    let agents = switch.told(&["agents", "--json"]);
    for line in agents.lines() {
        let agent: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(
            (text(&agent, "status"), text(&agent, "state")),
            ("available".to_owned(), "idle".to_owned()),
            "{line}"
        );
    }
    assert!(switch.events("agent_status").iter().all(|event| event["by"] == "start"), "nobody is paused");
    (ended.len() as u64, cdrs.iter().map(|cdr| text(cdr, "agent")).collect())
}

fn text(line: &Value, key: &str) -> String {
    line[key].as_str().unwrap_or_default().to_owned()
}

#[test]
fn one_answers_and_the_others_are_cancelled_and_lose_nothing() {
    let (mut ports, folder) = (Ports::slices(2), tempfile::tempdir().expect("a folder"));
    let (one, media) = (ports.take(2), ports.take(4));
    let mut answers = Sipp::answering("agent_answers", one, media, folder.path(), &[]);
    let (other, media) = (ports.take(2), ports.take(4));
    // Each ends well only if CANCEL comes.
    let mut ring = Sipp::answering("agent_rings", other, media, folder.path(), &[]);
    let switch = after_calls(&mut ports, one, other);
    let (rung, who) = judge(&switch);
    assert_eq!(who, BTreeSet::from(["agent1".to_owned()]));
    answers.wait_for_successes(CALLS as u64, SOON);
    ring.wait_for_successes(rung - CALLS as u64, SOON);
    switch.assert_quiet();
}

#[test]
fn all_answer_at_once_and_those_who_come_too_late_get_ack_and_bye() {
    let (mut ports, folder) = (Ports::slices(2), tempfile::tempdir().expect("a folder"));
    let (port, media) = (ports.take(2), ports.take(4));
    let trace = folder.path().join("messages");
    let options = ["-trace_msg", "-message_file", &trace.display().to_string()];
    let mut agents = Sipp::answering("agent_whatever_comes", port, media, folder.path(), &options);
    let switch = after_calls(&mut ports, port, port);
    let (rung, _) = judge(&switch);
    agents.wait_for_successes(rung, SOON);
    // More than one for each call were answered, or nothing crossed.
    let messages = std::fs::read_to_string(trace).expect("a trace");
    let byes = messages.lines().filter(|line| line.starts_with("BYE sip:")).count();
    assert!(byes > CALLS, "{byes}");
    switch.assert_quiet();
}
