//! Voice messages: left, heard again over the phone, exported; what was said till a hang-up or a crash; full mailboxes; the lamp.

use std::time::{Duration, Instant};

use tests::baresip::{Baresip, Manner};
use tests::company::{Company, tones};
use tests::phone::{Dialog, Phone};
use tests::ports::Ports;
use tests::sound::{self, heard};
use tests::switch::Switch;
use tests::wait::{SOON, pause};

const LEAVE: &str =
    "version: 1\nnodes:\n  leave:\n    voicemail: { mailbox: agent1, review: { prompt: music } }\n    next: hangup\n";
const HEAR: &str = "version: 1\nnodes:\n  hear:\n    mailbox: { name: own, menu: music }\n    next: hangup\n";

struct Scene {
    switch: Switch,
    caller: Phone,
    owner: Phone,
    _ports: Ports,
}

fn scene(most: u32) -> Scene {
    let mut ports = Ports::slice();
    let nowhere = "127.0.0.1:9".parse().expect("an address");
    let (mut caller, mut owner) = (Phone::new(nowhere, &mut ports), Phone::new(nowhere, &mut ports));
    let switch = Switch::start(&company(&ports, &format!("sip:agent1@{}", owner.address()), most));
    caller.set_switch(switch.address());
    owner.set_switch(switch.address());
    Scene { switch, caller, owner, _ports: ports }
}

/// A mailbox for so many messages of the agent whose phone is there; 1005 takes them, and 1006 plays them.
fn company(ports: &Ports, agent: &str, most: u32) -> Company {
    let mut company = Company::new(ports).agent(agent);
    company.mailboxes.insert("agent1", format!("{{ max_messages: {most} }}"));
    company.flows.insert("leave", LEAVE.to_owned());
    company.flows.insert("hear", HEAR.to_owned());
    company.numbers.insert("1005", "{ flow: leave }".to_owned());
    company.numbers.insert("1006", "{ flow: hear }".to_owned());
    company
}

impl Scene {
    /// The caller hears the beep and speaks.
    fn speak(&mut self) -> Dialog {
        let (start, dialog) = (Instant::now(), self.caller.call("1005"));
        self.caller.media.wait_for_tone(1000.0, start, SOON);
        self.caller.media.say(Some(tones::CALLER));
        pause(Duration::from_secs(3));
        dialog
    }

    /// The only message in the owner's mailbox, with what `list` says of it.
    fn message(&self) -> serde_json::Value {
        let list = self.switch.told(&["voicemail", "list", "agent1", "--json"]);
        assert_eq!(list.lines().count(), 1, "{list}");
        serde_json::from_str(&list).expect("JSON")
    }

    fn assert_told(&self, message: &serde_json::Value) {
        let to = self.switch.folder().join("message.wav");
        let name = message["message"].as_str().expect("its name");
        self.switch.told(&["voicemail", "export", "agent1", name, to.to_str().expect("a path")]);
        let [sound] = sound::read_wav(&to).try_into().expect("mono");
        let tone = heard(&sound, tones::CALLER).expect("the caller's tone");
        assert!(tone.total > 2.0, "{} s of 3 s are in the file", tone.total);
    }

    /// What the owner's phone is told next of its messages.
    fn lamp(&mut self) -> String {
        let notify = self.owner.wait_for_request("NOTIFY", SOON);
        self.owner.respond(&notify, "200 OK", "", "");
        notify.body().to_owned()
    }

    fn subscribe(&mut self) {
        let (at, switch) = (self.owner.address(), self.switch.address());
        let text = format!(
            "SUBSCRIBE sip:agent1@{switch} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKmwi;rport\r\nMax-Forwards: 70\r\n\
             From: <sip:agent1@{switch}>;tag=mwi\r\nTo: <sip:agent1@{switch}>\r\nCall-ID: mwi\r\nCSeq: 1 SUBSCRIBE\r\n\
             Contact: <sip:agent1@{at}>\r\nEvent: message-summary\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
        );
        self.owner.send(text.as_bytes());
        assert!(self.lamp().contains("Voice-Message: 0/0\r\n"));
    }
}

#[test]
fn what_a_caller_said_till_he_hung_up_lights_the_lamp_and_is_heard_by_phone() {
    let mut s = scene(9);
    s.subscribe();
    let mut dialog = s.speak();
    s.caller.bye(&mut dialog);
    let lit = s.lamp();
    assert!(lit.starts_with("Messages-Waiting: yes\r\n") && lit.contains("Voice-Message: 1/0\r\n"), "{lit}");
    let left = s.switch.wait_for_event("voicemail_left", 1, SOON);
    let message = s.message();
    assert_eq!((&message["message"], &message["heard"]), (&left["message"], &false.into()));
    s.assert_told(&message);

    let (start, mut dialog) = (Instant::now(), s.owner.call_as("agent1", "1006"));
    s.owner.media.wait_for_tone(tones::CALLER, start, SOON);
    s.owner.media.wait_for_tone(tones::MUSIC, start, SOON);
    assert!(s.lamp().contains("Voice-Message: 0/1\r\n"));
    s.owner.bye(&mut dialog);

    let name = message["message"].as_str().expect("its name");
    s.switch.told(&["voicemail", "delete", "agent1", name]);
    assert!(s.lamp().contains("Voice-Message: 0/0\r\n"), "what operators delete is told, too");
}

#[test]
fn what_a_caller_said_till_a_kill_9_is_there_after_the_restart() {
    let mut s = scene(9);
    let _dialog = s.speak();
    s.switch.process().kill();
    s.switch.restart();
    let message = s.message();
    s.assert_told(&message);
    let file =
        s.switch.data().join("mailboxes/agent1").join(format!("{}.wav", message["message"].as_str().unwrap_or("?")));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).expect("the message's file").permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_message_is_heard_and_kept_by_key_and_a_full_mailbox_takes_no_other() {
    let mut s = scene(1);
    let _dialog = s.speak();
    s.caller.media.say(None);
    let asked = Instant::now();
    s.caller.media.press("#");
    s.caller.media.wait_for_tone(tones::MUSIC, asked, SOON);
    let review = Instant::now();
    s.caller.media.press("1");
    s.caller.media.wait_for_tone(tones::CALLER, review, SOON);
    s.caller.media.press("3");
    s.switch.wait_for_event("voicemail_left", 1, SOON);
    s.caller.wait_for_request("BYE", SOON);
    s.caller.call("1005");
    s.caller.wait_for_request("BYE", SOON);
    let refused = s.switch.wait_for_event("voicemail_not_left", 1, SOON);
    assert_eq!(refused["why"], "full");
    assert!(s.message()["from"].is_string());
}

#[test]
fn a_stranger_with_baresip_leaves_a_message_that_the_owner_hears_with_his() {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let manner = |hertz| Manner { hertz, codecs: "PCMU/8000/1", answers: false };
    let mut owner = Baresip::start("agent1", manner(tones::AGENT), &mut ports, folder.path());
    let mut stranger = Baresip::start("4930123", manner(tones::CALLER), &mut ports, folder.path());
    let switch = Switch::start(&company(&ports, &owner.contact("agent1"), 9));
    stranger.dial("1005", switch.address());
    stranger.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(Duration::from_secs(5));
    stranger.hang_up();
    switch.wait_for_event("voicemail_left", 1, SOON);
    owner.dial("1006", switch.address());
    // It was played to its end.
    switch.wait_for_event("voicemail_heard", 1, SOON);
    owner.press('3');
    switch.wait_for_event("voicemail_deleted", 1, SOON);
    owner.wait_for("CALL_CLOSED", 1, SOON);
    let sound = owner.heard();
    let tone = heard(&sound, tones::CALLER).expect("the stranger's tone");
    assert!(tone.total > 2.5, "{} s of some 4 s were heard", tone.total);
    assert_eq!(switch.told(&["voicemail", "list"]), "there are no messages\n");
}
