//! A bad line: of the datagrams between the switch and its phones 5 % are lost, some come twice, and they overtake each other, both
//! ways. Every call completes, each has one record, and nothing is left.

use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;
use tests::baresip::{Baresip, Manner};
use tests::company::{Company, tones};
use tests::ports::Ports;
use tests::shaper::{BAD, HERE, Shaper, Weather};
use tests::sipp::Sipp;
use tests::sound;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

/// 64*T1, after which a transaction is given up: no call takes longer than two of them.
const LIMIT: Duration = Duration::from_secs(64);

/// The most calls of one test.
const CALLS: usize = 200;

/// A message that comes at another time than the scenario has it is no reason to give a call up: it will come again if it matters.
const PATIENT: [&str; 2] = ["-default_behaviors", "all,-abortunexp"];

struct Scene {
    ports: Ports,
    switch: Switch,
    /// What callers take for the switch.
    front: SocketAddr,
    shaper: Shaper,
    /// At the other end of a bad line, too.
    agent: Option<Sipp>,
    folder: TempDir,
}

fn scene(seed: u64, agent: Option<&str>) -> Scene {
    let (mut ports, mut shaper) = (Ports::slices(8), Shaper::new(seed));
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let far = shaper.relay(([127, 0, 0, 1], port).into(), BAD);
    // Its contact is at the other end of the line, as it would be behind a NAT.
    let contact = far.to_string();
    let options = [&["-key", "contact", &contact], &PATIENT[..]].concat();
    let agent = agent.map(|scenario| Sipp::answering(scenario, port, media, folder.path(), &options));
    let mut company = Company::new(&ports);
    company.agents = (1..=CALLS).map(|n| (format!("agent{n}"), format!("sip:agent{n}@{far}"))).collect();
    // Each caller has an agent of his own: 31 and so on; and a number that answers by itself: 41 and so on.
    for n in 1..=CALLS {
        company.numbers.insert(format!("3{n}").leak(), format!("{{ user: agent{n} }}"));
        company.numbers.insert(format!("4{n}").leak(), "{ flow: talk }".to_owned());
    }
    company.trunk = HERE.to_string();
    company.calls.insert("max", "250".to_owned());
    company.users = (1..=100).map(|n| (5_000 + n).to_string()).collect();
    let passwords: String = company.users.iter().map(|name| format!("{name}: p{name}\n")).collect();
    let switch = Switch::start_with_passwords(&company, &passwords);
    let front = shaper.relay(switch.address(), BAD);
    Scene { ports, switch, front, shaper, agent, folder }
}

impl Scene {
    fn call(&mut self, scenario: &str, number: &str, count: usize, options: &[&str]) {
        let (port, media) = (self.ports.take(2), self.ports.take(4));
        let count = count.to_string();
        let options = [&["-m", &count], &PATIENT[..], options].concat();
        let mut callers = Sipp::calling(scenario, number, self.front, port, media, self.folder.path(), &options);
        assert_eq!(callers.succeed(LIMIT).successful.to_string(), count);
    }

    /// So many calls were answered and ended by their callers, each with one record; nothing is left.
    fn all_went_well(&mut self, count: usize) {
        let cdrs = self.switch.wait_for_cdrs(count);
        let is_good = |cdr: &&serde_json::Value| cdr["hung_up_by"] == "caller" && cdr["cut"] == false;
        let bad: Vec<_> = cdrs.iter().filter(|cdr| !is_good(cdr)).collect();
        assert!(bad.is_empty(), "{bad:#?}");
        let mut ids: Vec<_> = cdrs.iter().map(|cdr| cdr["call"].as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "one record a call");
        self.switch.assert_quiet();
        let counts = self.shaper.counts();
        println!("{counts:?}");
        assert!(counts.lost > 0 && counts.doubled > 0 && counts.overtaken > 0, "a fine line: {counts:?}");
        if let Some(agent) = &self.agent {
            assert_eq!(agent.counts().failed, 0);
        }
    }
}

#[test]
fn two_hundred_calls_of_one_leg_complete() {
    let mut s = scene(1, None);
    s.call("caller_on_a_bad_line", "4", 200, &["-r", "100", "-l", "200", "-d", "300"]);
    s.all_went_well(200);
}

#[test]
fn a_hundred_calls_to_an_agent_complete() {
    let mut s = scene(2, Some("agent_on_a_bad_line"));
    s.call("caller_on_a_bad_line", "3", 100, &["-r", "50", "-l", "100", "-d", "500"]);
    s.all_went_well(100);
}

#[test]
fn calls_with_reliable_responses_and_refreshes_complete() {
    let mut s = scene(3, Some("agent_on_a_bad_line_reliably"));
    s.call("caller_on_a_bad_line_reliably", "3", 50, &["-r", "25", "-l", "50", "-d", "300"]);
    s.all_went_well(50);
    assert_eq!(s.switch.events("early_media").len(), 50);
}

#[test]
fn a_hundred_phones_register() {
    let mut s = scene(4, None);
    let path = s.folder.path().join("users.csv");
    let row = |n| format!("{n};[authentication username={n} password=p{n}]\n");
    std::fs::write(&path, "SEQUENTIAL\n".to_owned() + &(5_001..=5_100).map(row).collect::<String>()).expect("written");
    let path = path.display().to_string();
    s.call("user_registers", "x", 100, &["-inf", &path, "-r", "100", "-l", "100"]);
    assert_eq!(s.switch.told(&["registrations", "--json"]).lines().count(), 100);
    s.all_went_well(0);
}

/// 5 % of the packets of audio are lost both ways: what arrives is heard, and what does not leaves a gap of its own length.
#[test]
fn what_arrives_of_the_audio_is_heard() {
    let (mut ports, mut shaper) = (Ports::slice(), Shaper::new(5));
    let folder = tempfile::tempdir().expect("a folder");
    let manner = Manner { hertz: tones::CALLER, codecs: "PCMU/8000/1", answers: false };
    let mut caller = Baresip::start("caller", manner, &mut ports, folder.path());
    let agent = Manner { hertz: tones::AGENT, answers: true, ..manner };
    let agent = Baresip::start("agent1", agent, &mut ports, folder.path());
    let mut company = Company::new(&ports).agent(&agent.contact("agent1"));
    company.media.insert("ports", ports.few_for_media(8));
    company.media.insert("advertise", HERE.to_string());
    let (first, last) = company.media["ports"].split_once('-').expect("a range");
    // Nothing overtakes here: that is the jitter buffers' affair.
    let weather = Weather { lost: 5, doubled: 2, least: 1, most: 2 };
    for port in first.parse::<u16>().expect("a port")..=last.parse().expect("a port") {
        shaper.relay_at(port, ([127, 0, 0, 1], port).into(), weather);
    }
    let switch = Switch::start(&company);
    caller.dial("3000", switch.address());
    caller.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(Duration::from_secs(8));
    caller.hang_up();
    agent.wait_for("CALL_CLOSED", 1, SOON);
    let counts = shaper.counts();
    assert!(counts.lost > 20 && counts.doubled > 5, "a fine line: {counts:?}");
    for (who, heard, hertz) in
        [("the caller", caller.heard(), tones::AGENT), ("the agent", agent.heard(), tones::CALLER)]
    {
        let heard = sound::heard(&heard, hertz).unwrap_or_else(|| panic!("{who} hears nothing"));
        println!("{who}: {heard:?}");
        // Lost twice on its way through the switch: about a tenth.
        assert!(heard.total > 6.4, "{who}: {heard:?}");
        assert!(heard.gap <= 0.12, "{who}: {heard:?}");
    }
    switch.wait_for_cdr();
    switch.assert_quiet();
}
