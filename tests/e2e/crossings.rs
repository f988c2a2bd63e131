//! What crosses in the calls of a queue, among strangers: callers who are gone at any moment, and configurations that change under them. No caller
//! is lost, no agent is stuck, and the records are right. (Every order of it: `crates/sim/tests/orders.rs`.)

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tests::company::Company;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::{Switch, binary};
use tests::wait::{SOON, pause, until_true};

const AGENTS: usize = 5;
const CALLS: usize = 120;

struct Scene {
    ports: Ports,
    company: Company,
    switch: Switch,
    agents: Sipp,
    _folder: tempfile::TempDir,
}

/// Agents who ring for 300 ms each and are free again at once.
fn scene() -> Scene {
    let mut ports = Ports::slices(3);
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let agents = Sipp::answering("agent_whatever_comes", port, media, folder.path(), &[]);
    let mut company = Company::new(&ports);
    company.agents = (1..=AGENTS).map(|n| (format!("agent{n}"), format!("sip:agent{n}@127.0.0.1:{port}"))).collect();
    company.queue.insert("wrap_up", "1ms".to_owned());
    let switch = Switch::start(&company);
    Scene { ports, company, switch, agents, _folder: folder }
}

impl Scene {
    /// So many callers who are gone within a second each, 12 a second.
    fn callers(&mut self) -> Sipp {
        let (port, media) = (self.ports.take(2), self.ports.take(4));
        let options = ["-m", &CALLS.to_string(), "-r", "12"];
        let (to, folder) = (self.switch.address(), self.switch.folder());
        Sipp::calling("caller_gone_some_time", "2000", to, port, media, folder, &options)
    }

    /// All have hung up by themselves; each offer ended once, answered or withdrawn, and as SIPp saw it.
    fn judge(&mut self) -> Vec<Value> {
        let cdrs = self.switch.wait_for_cdrs(CALLS);
        let good = |cdr: &&Value| {
            cdr["hung_up_by"] == "caller" && (cdr["disposition"] == "answered" || cdr["disposition"] == "abandoned")
        };
        assert_eq!(
            cdrs.iter().filter(good).count(),
            CALLS,
            "{:#}",
            cdrs.iter().find(|cdr| !good(cdr)).unwrap_or(&cdrs[0])
        );
        let (made, ended) = (self.switch.events("offer_made"), self.switch.events("offer_ended"));
        let ids = |events: &[Value]| events.iter().map(|event| event["offer"].to_string()).collect::<BTreeSet<_>>();
        assert_eq!((ids(&made), made.len()), (ids(&ended), ended.len()), "each offer ends once");
        let of_cdrs: u64 = cdrs.iter().filter_map(|cdr| cdr["offers"].as_u64()).sum();
        assert_eq!(of_cdrs, made.len() as u64);
        let count = |outcome: &str| ended.iter().filter(|event| event["outcome"] == outcome).count();
        let (answered, withdrawn) = (count("answered"), count("caller_left"));
        assert_eq!(answered + withdrawn, ended.len(), "nobody missed or declined anything: {ended:#?}");
        assert!(answered >= 10 && withdrawn >= 10, "{answered} answered, {withdrawn} withdrawn");
        assert_eq!(answered, cdrs.iter().filter(|cdr| cdr["disposition"] == "answered").count());
        self.agents.wait_for_successes(made.len() as u64, SOON);
        cdrs
    }

    /// All agents are free as the switch says, and each takes a call when as many call at once.
    fn each_takes_another(&mut self) {
        let status = self.switch.told(&["status", "--json"]);
        let status: Value = serde_json::from_str(&status).expect("JSON");
        let queue = &status["queues"][0];
        assert_eq!(
            (queue["agents"]["idle"].as_u64(), queue["waiting"].as_u64()),
            (Some(AGENTS as u64), Some(0)),
            "{status:#}"
        );
        let (port, media) = (self.ports.take(2), self.ports.take(4));
        let options = ["-m", &AGENTS.to_string(), "-r", "50", "-d", "3000"];
        let (to, folder) = (self.switch.address(), self.switch.folder());
        let mut callers = Sipp::calling("caller_hangs_up", "2000", to, port, media, folder, &options);
        assert_eq!(callers.succeed(Duration::from_secs(30)).successful, AGENTS as u64);
        let cdrs = self.switch.wait_for_cdrs(CALLS + AGENTS);
        let agents: BTreeSet<_> = cdrs.iter().skip(CALLS).map(|cdr| cdr["agent"].to_string()).collect();
        assert_eq!(agents.len(), AGENTS, "{agents:?}");
        self.switch.assert_quiet();
    }
}

#[test]
fn callers_are_gone_at_any_moment_and_no_agent_is_stuck() {
    let mut scene = scene();
    let mut callers = scene.callers();
    assert_eq!(callers.succeed(Duration::from_secs(60)).successful, CALLS as u64);
    scene.judge();
    scene.each_takes_another();
}

#[test]
fn under_load_the_configuration_is_read_anew_and_no_call_is_lost() {
    let mut scene = scene();
    let mut callers = scene.callers();
    let config = scene.switch.folder().join("config");
    let mut reloads = 0;
    until_true("all callers are through", Duration::from_secs(60), || {
        let fewer = reloads % 2 == 0;
        // Two agents come and go, with all that they are in: users, and the queue's list.
        let all = scene.company.agents.clone();
        if fewer {
            scene.company.agents.truncate(AGENTS - 2);
        }
        scene.company.write(&config);
        scene.company.agents = all;
        let output =
            Command::new(binary()).args(["reload", "--config"]).arg(&config).output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        reloads += 1;
        pause(Duration::from_millis(200));
        !fewer && callers.counts().successful + callers.counts().failed >= CALLS as u64
    });
    assert_eq!(callers.succeed(Duration::from_secs(10)).successful, CALLS as u64);
    assert!(reloads >= 6, "{reloads}");
    scene.judge();
    scene.each_takes_another();
}
