//! Busy lamps among strangers: a call between two baresips is watched, its documents are read by Python's XML parser, and it is
//! picked up by the names that they give. SIPp asks whether messages wait.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::baresip::{Baresip, Manner};
use tests::company::{Company, tones};
use tests::phone::{Dialog, Message, Phone};
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

const MANNER: Manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: false };
const CALLER: Manner = Manner { hertz: tones::CALLER, ..MANNER };

/// Reads a document as any XML parser does, and says what of it a lamp needs.
const READER: &str = r#"
import json, sys, xml.etree.ElementTree as tree
ns = "{urn:ietf:params:xml:ns:dialog-info}"
root = tree.fromstring(sys.stdin.buffer.read())
assert root.tag == ns + "dialog-info", root.tag
dialogs = []
for dialog in root:
    assert dialog.tag == ns + "dialog", dialog.tag
    state = dialog.find(ns + "state")
    identity = dialog.find(ns + "remote").find(ns + "identity")
    dialogs.append(dict(dialog.attrib, state=state.text, event=state.get("event"), remote=identity.text))
print(json.dumps(dict(root.attrib, dialogs=dialogs)))
"#;

fn read(document: &str) -> Value {
    let mut python = Command::new("python3")
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    python.stdin.take().expect("its input").write_all(document.as_bytes()).expect("it reads");
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success(), "no document:\n{document}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A switch, the baresip of `agent1`, one that calls it, and a phone of `agent2` that watches.
struct Scene {
    switch: Switch,
    agent: Baresip,
    caller: Baresip,
    console: Phone,
    documents: u64,
    _ports: Ports,
    _folder: tempfile::TempDir,
}

fn scene() -> Scene {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let agent = Baresip::start("agent1", MANNER, &mut ports, folder.path());
    let caller = Baresip::start("caller", CALLER, &mut ports, folder.path());
    let mut console = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let mut company = Company::new(&ports).agent(&agent.contact("agent1"));
    company = company.agent(&format!("sip:agent2@{}", console.address()));
    company.user_lines = BTreeMap::from([("agent1", "watched_by: agent2".to_owned())]);
    company.control.insert("metrics", "127.0.0.1:0".to_owned());
    let switch = Switch::start(&company);
    console.set_switch(switch.address());
    Scene { switch, agent, caller, console, documents: 0, _ports: ports, _folder: folder }
}

impl Scene {
    /// A request of the console outside dialogs.
    fn ask(&mut self, method: &str, fields: &str, body: &str) -> Message {
        let (at, switch, id) = (self.console.address(), self.switch.address(), self.documents);
        let text = format!(
            "{method} sip:3000@{switch} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKlamp{method}{id};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:agent2@{switch}>;tag=lamp{method}{id}\r\nTo: <sip:3000@{switch}>\r\nCall-ID: lamp{method}{id}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:agent2@{at}>\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.console.send(text.as_bytes());
        self.console.wait_for(&format!("the answer to {method}"), SOON, |message| {
            message.cseq_method() == method && message.status().is_some_and(|status| status >= 200)
        })
    }

    fn subscribe(&mut self) {
        let answer =
            self.ask("SUBSCRIBE", "Event: dialog\r\nAccept: application/dialog-info+xml\r\nExpires: 3600\r\n", "");
        assert_eq!((answer.status(), answer.must("Expires")), (Some(200), "3600"), "{answer}");
    }

    /// What it is told next: the states of all dialogs, and the last dialog.
    fn told(&mut self) -> (Vec<String>, Value) {
        let notify = self.console.wait_for_request("NOTIFY", SOON);
        assert_eq!(notify.must("Content-Type"), "application/dialog-info+xml");
        assert!(notify.must("Subscription-State").starts_with("active;expires="), "{notify}");
        let document = read(notify.body());
        assert_eq!(document["version"], self.documents.to_string(), "{document:#}");
        assert_eq!(document["state"], "full");
        self.documents += 1;
        let dialogs = document["dialogs"].as_array().cloned().unwrap_or_default();
        let states = dialogs.iter().map(|dialog| dialog["state"].as_str().unwrap_or_default().to_owned()).collect();
        (states, dialogs.last().cloned().unwrap_or_default())
    }

    fn wait_for(&mut self, state: &str) -> Value {
        let (states, dialog) = self.told();
        assert_eq!(states, [state], "{dialog:#}");
        dialog
    }

    /// The caller calls, and the agent's phone rings: what the console is told of that.
    fn ring(&mut self) -> Value {
        self.subscribe();
        assert!(self.told().0.is_empty());
        self.caller.dial("3000", self.switch.address());
        self.wait_for("trying");
        self.wait_for("early")
    }
}

#[test]
fn a_call_between_two_baresips_is_watched_from_its_first_ring_to_its_end() {
    let mut s = scene();
    let ringing = s.ring();
    assert_eq!((&ringing["direction"], &ringing["event"]), (&"recipient".into(), &Value::Null), "{ringing:#}");
    assert!(ringing["remote"].as_str().expect("an identity").starts_with("sip:caller@"), "{ringing:#}");
    s.agent.accept();
    let talking = s.wait_for("confirmed");
    for name in ["id", "call-id", "local-tag", "remote-tag"] {
        assert_eq!(talking[name], ringing[name], "{name}");
    }
    assert!(s.switch.told(&["status"]).contains("1 subscriptions"), "{}", s.switch.told(&["status"]));
    s.agent.hang_up();
    let over = s.wait_for("terminated");
    assert_eq!((&over["event"], &over["id"]), (&"local-bye".into(), &ringing["id"]), "{over:#}");
    s.caller.wait_for("CALL_CLOSED", 1, SOON);
    s.switch.wait_for_cdr();
    s.switch.assert_quiet();
}

#[test]
fn a_ringing_call_is_picked_up_by_the_names_that_the_lamp_gave() {
    let mut s = scene();
    let ringing = s.ring();
    let name = |name: &str| ringing[name].as_str().expect("a name").to_owned();
    let replaces = format!(
        "Replaces: {};to-tag={};from-tag={};early-only\r\nRequire: replaces\r\nContent-Type: application/sdp\r\n",
        name("call-id"),
        name("remote-tag"),
        name("local-tag")
    );
    let offer = s.console.sdp();
    s.console.media.say(Some(tones::OTHER_AGENT));
    let start = Instant::now();
    let answer = s.ask("INVITE", &replaces, &offer);
    assert_eq!(answer.status(), Some(200), "{answer}");
    let mut dialog = Dialog::of_answer(&answer);
    s.console.establish(&mut dialog, &answer);
    s.agent.wait_for("CALL_CLOSED", 1, SOON);
    s.caller.wait_for("CALL_ESTABLISHED", 1, SOON);
    s.console.media.wait_for_tone(tones::CALLER, start, SOON);
    assert_eq!(s.wait_for("terminated")["event"], "replaced");
    pause(Duration::from_millis(500));
    assert_eq!(s.console.bye(&mut dialog).status(), Some(200));
    s.caller.wait_for("CALL_CLOSED", 1, SOON);
    let heard = tests::sound::heard(&s.caller.heard(), tones::OTHER_AGENT);
    assert!(heard.is_some_and(|voice| voice.total > 0.3), "both ways");
    s.switch.wait_for_cdrs(2);
    s.switch.assert_quiet();
}

#[test]
fn a_user_who_proves_himself_is_told_that_no_messages_wait_until_he_wants_to_know_no_more() {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let switch = Switch::start(&Company::new(&ports).agent("register"));
    let (users, password) = (folder.path().join("users.csv"), switch.password("agent1"));
    let row = format!("SEQUENTIAL\nagent1;[authentication username=agent1 password={password}]\n");
    std::fs::write(&users, row).expect("written");
    let (users, uri) = (users.display().to_string(), format!("agent1@{}", switch.address()));
    let options = ["-inf", &users, "-auth_uri", &uri, "-m", "1"];
    let (port, media) = (ports.take(2), ports.take(4));
    // Ends well only if each NOTIFY says what it should, and the last one that it is the last.
    Sipp::calling("user_asks_for_messages", "agent1", switch.address(), port, media, folder.path(), &options)
        .succeed(SOON);
    assert!(switch.told(&["status"]).contains("0 subscriptions"), "{}", switch.told(&["status"]));
    switch.assert_quiet();
}
