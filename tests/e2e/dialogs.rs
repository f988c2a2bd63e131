//! Dialogs among strangers: reliable provisional responses, UPDATE and session timers through SIPp on both legs.

use std::time::Duration;

use tempfile::TempDir;
use tests::company::Company;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::SOON;

/// The number of the company's first agent.
const AGENT: &str = "3000";

struct Scene {
    ports: Ports,
    switch: Switch,
    agent: Option<Sipp>,
    folder: TempDir,
}

fn scene(agent: Option<&str>) -> Scene {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let agent = agent.map(|scenario| Sipp::answering(scenario, port, media, folder.path(), &["-rtp_echo"]));
    let mut company = Company::new(&ports).agent(&format!("sip:agent1@127.0.0.1:{port}"));
    // The agent's phone sends nothing by itself.
    company.media.insert("silence", "5m".to_owned());
    let switch = Switch::start(&company);
    Scene { ports, switch, agent, folder }
}

impl Scene {
    /// A caller dials the agent as `scenario` says, and ends within `limit` as that says.
    fn call(&mut self, scenario: &str, limit: Duration) {
        let (port, media) = (self.ports.take(2), self.ports.take(4));
        let options = ["-m", "1"];
        let mut caller =
            Sipp::calling(scenario, AGENT, self.switch.address(), port, media, self.folder.path(), &options);
        caller.succeed(limit);
    }
}

#[test]
fn early_media_is_acknowledged_on_both_legs_and_changed_by_update() {
    let mut s = scene(Some("agent_speaks_reliably"));
    s.call("caller_requires_100rel", SOON);
    s.agent.as_mut().expect("an agent").wait_for_successes(1, SOON);
    let cdr = s.switch.wait_for_cdr();
    assert_eq!(cdr["disposition"], "answered", "{cdr:#}");
    assert_eq!(s.switch.events("early_media").len(), 1);
    assert_eq!((s.switch.events("held").len(), s.switch.events("resumed").len()), (1, 1));
    s.switch.assert_quiet();
}

#[test]
fn one_leg_is_refreshed_by_us_and_the_other_ends_as_its_phone_forgets() {
    let mut s = scene(Some("agent_forgets_to_refresh"));
    // 45 s to our refresh, 60 s to the end.
    s.call("caller_with_session_timer", Duration::from_secs(60) + SOON);
    s.agent.as_mut().expect("an agent").wait_for_successes(1, SOON);
    let cdr = s.switch.wait_for_cdr();
    assert_eq!(cdr["cause"], "session_expired", "{cdr:#}");
    s.switch.assert_quiet();
}

#[test]
fn a_session_that_is_to_be_refreshed_too_often_is_refused() {
    let mut s = scene(None);
    s.call("caller_asks_too_little", SOON);
    s.switch.assert_quiet();
}
