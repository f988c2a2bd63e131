//! A company of fifty agents, SIPp and baresip, in three queues: callers of all kinds at once, an agent whose phone dies in mid-call, and a
//! configuration that changes under them. Nobody is lost, nobody is stuck, and all of it is explained.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::baresip::{Baresip, Manner};
use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::{Switch, binary};
use tests::wait::{SOON, pause, until_true};

const AGENTS: usize = 50;
/// Whose phones are baresips; all others but the last one's are SIPp's.
const BARESIPS: std::ops::RangeInclusive<usize> = 23..=25;
/// Who call each of two numbers and are gone within a second.
const HASTY: usize = 150;
/// Who call a queue of two agents, and stay.
const PATIENT: usize = 12;

fn name(number: usize) -> String {
    format!("agent{number}")
}

fn names(numbers: impl Iterator<Item = usize>) -> String {
    format!("[{}]", numbers.map(name).collect::<Vec<_>>().join(", "))
}

/// 1 to 25 serve sales, 26 to 50 support, and 26 and 27 billing, too. 26 to 40 know the technics, the last two something rare.
fn company(ports: &Ports, contacts: impl Fn(usize) -> String) -> Company {
    let mut company = Company::new(ports);
    company.agents = (1..=AGENTS).map(|n| (name(n), contacts(n))).collect();
    for n in 26..=40 {
        company.user_lines.insert(name(n).leak(), format!("skills: {{ tech: {} }}", 40 + n));
    }
    company.user_lines.insert("agent49", "skills: { rare: 10 }".to_owned());
    company.user_lines.insert("agent50", "skills: { rare: 90 }".to_owned());
    company.calls.insert("max", "200".to_owned());
    company.media.insert("silence", "5s".to_owned());
    for (key, value) in [("agents", names(1..=25)), ("sticky", "5s".to_owned()), ("wrap_up", "1ms".to_owned())] {
        company.queue.insert(key, value);
    }
    let support = format!(
        "{{ strategy: most-skilled, agents: {}, music: music, ring_time: 5s, wrap_up: 1ms, return_time: 1s }}",
        names(26..=50)
    );
    company.queues.insert("support", support);
    let billing = "{ strategy: linear, agents: [agent26, agent27], music: hold, wrap_up: 1ms, overflow: [{ after: 1s, to: support }] }";
    company.queues.insert("billing", billing.to_owned());
    let flow = |queue: &str| format!("version: 1\nnodes:\n  wait:\n    queue: {{ {queue} }}\n    next: hangup\n");
    for (number, flow_name, queue) in [
        ("2002", "technics", "name: support, skills: { tech: 50 }, priority: 80"),
        ("2003", "rare", "name: support, skills: { rare: 1 }"),
        ("2004", "important", "name: support, skills: { rare: 1 }, priority: 90"),
    ] {
        company.flows.insert(flow_name, flow(queue));
        company.numbers.insert(number, format!("{{ flow: {flow_name} }}"));
    }
    company.numbers.insert("2001", "{ queue: billing }".to_owned());
    company
}

struct Scene {
    ports: Ports,
    company: Company,
    switch: Switch,
    /// All SIPp agents but the last one, and that.
    agents: Sipp,
    last: Sipp,
    _baresips: Vec<Baresip>,
    _more_ports: Ports,
    _folder: tempfile::TempDir,
}

fn scene() -> Scene {
    let (mut ports, mut more_ports) = (Ports::slices(5), Ports::slice());
    let folder = tempfile::tempdir().expect("a folder");
    let manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: true };
    let baresips: Vec<Baresip> =
        BARESIPS.map(|n| Baresip::start(&name(n), manner, &mut more_ports, folder.path())).collect();
    let (port, media) = (ports.take(2), ports.take(4));
    let agents = Sipp::answering("agent_whatever_comes", port, media, folder.path(), &[]);
    let (last_port, media) = (ports.take(2), ports.take(4));
    let last = Sipp::answering("agent_answers", last_port, media, folder.path(), &["-rtp_echo"]);
    let company = company(&ports, |n| match n {
        AGENTS => format!("sip:agent50@127.0.0.1:{last_port}"),
        n if BARESIPS.contains(&n) => baresips[n - BARESIPS.start()].contact(&name(n)),
        n => format!("sip:{}@127.0.0.1:{port}", name(n)),
    });
    let switch = Switch::start(&company);
    Scene { ports, company, switch, agents, last, _baresips: baresips, _more_ports: more_ports, _folder: folder }
}

impl Scene {
    fn callers(&mut self, scenario: &str, number: &str, options: &[&str]) -> Sipp {
        let (port, media) = (self.ports.take(2), self.ports.take(4));
        Sipp::calling(scenario, number, self.switch.address(), port, media, self.switch.folder(), options)
    }

    /// A caller talks with the last agent, whose process is killed; another one goes on with him. Gives the call.
    fn an_agent_dies(&mut self) -> String {
        let mut phone = Phone::new(self.switch.address(), &mut self.ports);
        phone.media.say(Some(tones::CALLER));
        let start = Instant::now();
        let mut dialog = phone.call_as("eve", "2003");
        phone.media.wait_for_tone(tones::CALLER, start, SOON);
        self.last.vanish();
        let gone = Instant::now();
        phone.media.wait_for_tone(tones::LOST, gone, SOON);
        let lost = self.switch.wait_for_event("agent_lost", 1, SOON);
        assert_eq!(lost["agent"], "agent50");
        let call = lost["call"].as_str().expect("a call").to_owned();
        until_true("another agent has him", SOON, || {
            let ended = self.switch.events("offer_ended");
            ended
                .iter()
                .any(|event| event["call"] == *call && event["agent"] == "agent49" && event["outcome"] == "answered")
        });
        pause(Duration::from_millis(500));
        assert_eq!(phone.bye(&mut dialog).status(), Some(200));
        call
    }

    /// Two agents come and go in the files, and with them what their queue's list says, until `done`.
    fn reload_until(&mut self, mut done: impl FnMut() -> bool) {
        let config = self.switch.folder().join("config");
        let mut reloads = 0;
        until_true("all callers are through", Duration::from_secs(90), || {
            let fewer = reloads % 2 == 0;
            let mut company = self.company.clone();
            if fewer {
                company.queue.insert("agents", names(3..=25));
                company.queue.insert("strategy", "round-robin".to_owned());
            }
            company.write(&config);
            let output =
                Command::new(binary()).args(["reload", "--config"]).arg(&config).output().expect("the binary runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            reloads += 1;
            pause(Duration::from_millis(300));
            !fewer && done()
        });
        assert!(reloads >= 6, "{reloads}");
    }

    /// Whoever calls again comes to the agent of before, though others have been idle for longer; and of two who wait the more
    /// important one is served first.
    fn quiet_callers(&mut self) {
        for _ in 0..2 {
            let mut anna = Phone::new(self.switch.address(), &mut self.ports);
            let before = self.switch.events("bridged").len();
            let mut dialog = anna.call_as("anna", "2000");
            until_true("she talks", SOON, || self.switch.events("bridged").len() > before);
            pause(Duration::from_millis(300));
            assert_eq!(anna.bye(&mut dialog).status(), Some(200));
            pause(Duration::from_millis(500));
        }
        // Agent 49 alone knows it now.
        let mut phones: Vec<Phone> = (0..3).map(|_| Phone::new(self.switch.address(), &mut self.ports)).collect();
        let mut dialogs = Vec::new();
        for (phone, (me, number)) in phones.iter_mut().zip([("first", "2003"), ("plain", "2003"), ("urgent", "2004")]) {
            dialogs.push(phone.call_as(me, number));
            pause(Duration::from_millis(700));
        }
        for (next, expected) in [(0, "first"), (2, "urgent"), (1, "plain")] {
            // Who is served out of turn is not hung up on, and the one who should be waits in vain.
            until_true(expected, SOON, || {
                let served = self.switch.events("queue_left").into_iter().rfind(|event| event["why"] == "answered");
                let began = self.switch.events("call_began");
                let from =
                    |call: &Value| began.iter().find(|event| event["call"] == *call).map(|event| text(event, "from"));
                served.and_then(|event| from(&event["call"])).is_some_and(|from| from == expected)
            });
            pause(Duration::from_millis(300));
            assert_eq!(phones[next].bye(&mut dialogs[next]).status(), Some(200));
        }
    }

    /// Nobody is stuck: all are idle, but for him whose phone died.
    fn all_are_idle(&self) {
        let states = || -> BTreeMap<String, String> {
            let told = self.switch.told(&["agents", "--json"]);
            let lines = told.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
            lines.map(|line| (text(&line, "agent"), text(&line, "state"))).collect()
        };
        let expected: BTreeMap<String, String> =
            (1..=AGENTS).map(|n| (name(n), if n == AGENTS { "resting" } else { "idle" }.to_owned())).collect();
        until_true("all agents are idle", SOON, || states() == expected);
        let status: Value = serde_json::from_str(&self.switch.told(&["status", "--json"])).expect("JSON");
        assert_eq!((status["inconsistencies"].as_u64(), status["calls"].as_u64()), (Some(0), Some(0)), "{status:#}");
        assert!(self.switch.events("inconsistent").is_empty());
    }
}

fn text(line: &Value, key: &str) -> String {
    line[key].as_str().unwrap_or_default().to_owned()
}

/// The queue that a call was in last, and the agent who answered there.
fn last_visit(cdr: &Value) -> (String, String) {
    let visit = cdr["visits"].as_array().and_then(|visits| visits.last()).expect("a visit");
    (text(visit, "queue"), text(visit, "agent"))
}

/// Each call has one record, has come to an end that its caller wanted, and met agents only whom it may meet.
fn judge_records(cdrs: &[Value]) {
    let calls: BTreeSet<String> = cdrs.iter().map(|cdr| text(cdr, "call")).collect();
    assert_eq!(calls.len(), cdrs.len(), "one record each");
    let number = |agent: &str| agent.trim_start_matches("agent").parse::<usize>().unwrap_or(0);
    for cdr in cdrs {
        assert_eq!(cdr["hung_up_by"], "caller", "{cdr:#}");
        let (queue, agent) = last_visit(cdr);
        match cdr["disposition"].as_str() {
            Some("answered") => {
                let may = match (&*text(cdr, "to"), &*queue) {
                    ("2000", "sales") => 1..=25,
                    ("2001", "billing") => 26..=27,
                    ("2001", "support") => 26..=50,
                    ("2002", "support") => 26..=40,
                    ("2003" | "2004", "support") => 49..=50,
                    _ => panic!("{cdr:#}"),
                };
                assert!(may.contains(&number(&agent)), "{cdr:#}");
            }
            Some("abandoned") => assert!(["2000", "2002"].contains(&&*text(cdr, "to")), "{cdr:#}"),
            _ => panic!("{cdr:#}"),
        }
    }
    let of = |number: &str| cdrs.iter().filter(|cdr| cdr["to"] == number).collect::<Vec<_>>();
    for number in ["2000", "2002"] {
        let answered = of(number).iter().filter(|cdr| cdr["disposition"] == "answered").count();
        assert!((20..HASTY - 10).contains(&answered), "{number}: {answered} answered");
    }
    let overflowed = of("2001").iter().filter(|cdr| cdr["visits"][0]["left"] == "overflowed").count();
    assert!((5..=PATIENT - 2).contains(&overflowed), "{overflowed} overflowed");
    let annas: Vec<_> = cdrs.iter().filter(|cdr| cdr["from"] == "anna").map(last_visit).collect();
    assert!(annas.len() == 2 && annas[0] == annas[1], "{annas:?}");
}

#[test]
fn fifty_agents_serve_all_who_call_and_nobody_is_lost_or_stuck() {
    let mut s = scene();
    let hasty = ["-m", &HASTY.to_string(), "-r", "8"];
    let mut sales = s.callers("caller_gone_some_time", "2000", &hasty);
    let mut technics = s.callers("caller_gone_some_time", "2002", &hasty);
    let patient = ["-m", &PATIENT.to_string(), "-r", "20", "-d", "4000"];
    let mut billing = s.callers("caller_hangs_up", "2001", &patient);
    let cut = s.an_agent_dies();
    let through = |sipp: &Sipp, count: usize| sipp.counts().successful + sipp.counts().failed >= count as u64;
    s.reload_until(|| through(&sales, HASTY) && through(&technics, HASTY) && through(&billing, PATIENT));
    let mut called = 0;
    for sipp in [&mut sales, &mut technics, &mut billing] {
        called += sipp.succeed(SOON).successful;
    }
    assert_eq!(called, (2 * HASTY + PATIENT) as u64);
    s.quiet_callers();
    // And those whom this test called as: eve, anna twice, and three.
    let cdrs = s.switch.wait_for_cdrs(2 * HASTY + PATIENT + 6);
    judge_records(&cdrs);
    s.all_are_idle();

    let (made, ended) = (s.switch.events("offer_made"), s.switch.events("offer_ended"));
    let ids = |events: &[Value]| events.iter().map(|event| event["offer"].to_string()).collect::<BTreeSet<_>>();
    assert_eq!((ids(&made), made.len()), (ids(&ended), ended.len()), "each offer ends once");
    let of_cdrs: u64 = cdrs.iter().filter_map(|cdr| cdr["offers"].as_u64()).sum();
    assert_eq!(of_cdrs, made.len() as u64);
    let elsewhere: Vec<String> = BARESIPS.chain([AGENTS]).map(name).collect();
    let by_sipp = made.iter().filter(|offer| !elsewhere.contains(&text(offer, "agent"))).count();
    s.agents.wait_for_successes(by_sipp as u64, SOON);

    // Each tenth call, and the one that was cut: each of its offers is explained.
    let cut_one = cdrs.iter().find(|cdr| cdr["call"] == *cut).expect("its record");
    assert_eq!((cut_one["agent"].as_str(), cut_one["offers"].as_u64()), (Some("agent49"), Some(2)), "{cut_one:#}");
    for cdr in cdrs.iter().step_by(10).chain([cut_one]) {
        let told = s.switch.told(&["explain", &text(cdr, "call")]);
        for offer in cdr["offered_to"].as_array().into_iter().flatten() {
            let ended = format!("the offer to {} ended after", text(offer, "agent"));
            assert!(told.contains(&ended), "{ended} is not in\n{told}");
        }
        assert!(told.contains("joined the queue"), "{told}");
    }
    s.switch.assert_quiet();
}
