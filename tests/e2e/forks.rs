//! A user with several phones: SIPp, baresip and our own ring together, and one of them has the call; encrypted, too.

use std::time::{Duration, Instant};

use tests::baresip::{Baresip, Manner, Registrar};
use tests::company::{Company, tones};
use tests::phone::{Message, Phone};
use tests::ports::Ports;
use tests::sound::assert_heard;
use tests::switch::Switch;
use tests::wait::{SOON, pause, until_true};

use crate::registration::Registering;

const MANNER: Manner = Manner { hertz: tones::AGENT, codecs: "pcmu", answers: false };

/// A switch, a caller, and two phones of `agent1`: baresip, and one of ours with such a q.
struct Scene {
    switch: Switch,
    caller: Phone,
    baresip: Baresip,
    ours: Registering,
    _ports: Ports,
    _folder: tempfile::TempDir,
}

fn scene(q: &str) -> Scene {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let switch = Switch::start(&Company::new(&ports).agent("register"));
    let registrar = Registrar { address: switch.address(), transport: "udp" };
    let password = switch.password("agent1");
    let baresip = Baresip::register("agent1", &password, registrar, MANNER, &mut ports, folder.path());
    let mut ours = Registering::new(&switch, &mut ports);
    let contact = format!("Contact: <sip:agent1@{}>;q={q}\r\n", ours.phone.address());
    let proof = ours.authorization("agent1", &password);
    assert_eq!(ours.send("REGISTER", "agent1", &format!("{proof}{contact}")).status(), Some(200));
    until_true("both are registered", SOON, || switch.told(&["registrations"]).contains("2 contacts"));
    let caller = Phone::new(switch.address(), &mut ports);
    Scene { switch, caller, baresip, ours, _ports: ports, _folder: folder }
}

impl Scene {
    /// The INVITE that our phone gets, which it does not answer.
    fn invited(&mut self) -> Message {
        self.ours.phone.wait_for("INVITE", SOON, |message| message.method() == Some("INVITE"))
    }
}

#[test]
fn both_phones_ring_and_the_one_that_does_not_get_the_call_is_told_why() {
    let mut s = scene("1.0");
    let dialog = s.caller.invite("3000", &s.caller.sdp());
    s.baresip.wait_for("CALL_INCOMING", 1, SOON);
    let invite = s.invited();
    s.ours.phone.respond(&invite, "180 Ringing", "", "");
    s.baresip.accept();
    let cancel = s.ours.phone.wait_for_request("CANCEL", SOON);
    assert!(cancel.must("Reason").contains("Call completed elsewhere"), "{cancel}");
    s.ours.phone.respond(&invite, "487 Request Terminated", "", "");
    s.ours.phone.wait_for("ACK", SOON, |message| message.method() == Some("ACK"));
    let answer = s.caller.final_response(&dialog, SOON);
    assert_eq!(answer.status(), Some(200), "{answer}");
    let mut dialog = dialog;
    s.caller.establish(&mut dialog, &answer);
    s.baresip.wait_for("CALL_ESTABLISHED", 1, SOON);
    s.caller.bye(&mut dialog);
    s.baresip.wait_for("CALL_CLOSED", 1, SOON);
    assert_eq!(s.switch.wait_for_cdr()["disposition"], "answered");
    s.switch.assert_quiet();
}

#[test]
fn baresip_is_told_that_the_other_phone_has_the_call() {
    let mut s = scene("1.0");
    let dialog = s.caller.invite("3000", &s.caller.sdp());
    s.baresip.wait_for("CALL_INCOMING", 1, SOON);
    let mut taken = s.ours.phone.take_call(SOON);
    s.baresip.wait_for("CALL_CLOSED", 1, SOON);
    let answer = s.caller.final_response(&dialog, SOON);
    let mut dialog = dialog;
    s.caller.establish(&mut dialog, &answer);
    s.ours.phone.bye(&mut taken);
    let bye = s.caller.wait_for_request("BYE", SOON);
    s.caller.respond(&bye, "200 OK", "", "");
    s.switch.wait_for_cdr();
    s.switch.assert_quiet();
}

#[test]
fn the_phone_that_he_prefers_less_rings_when_the_other_is_busy() {
    let mut s = scene("0.5");
    let dialog = s.caller.invite("3000", &s.caller.sdp());
    s.baresip.wait_for("CALL_INCOMING", 1, SOON);
    s.baresip.hang_up();
    let invite = s.invited();
    s.ours.phone.respond(&invite, "486 Busy Here", "", "");
    let refusal = s.caller.final_response(&dialog, SOON);
    s.caller.acknowledge(&dialog, &refusal);
    assert_eq!(refusal.status(), Some(486), "{refusal}");
    s.switch.wait_for_cdr();
    s.switch.assert_quiet();
}

/// The keys of SRTP that an offer tells.
fn keys(invite: &Message) -> Vec<String> {
    let text = invite.to_string();
    text.lines().filter_map(|line| line.split_once("inline:")).map(|(_, key)| key.to_owned()).collect()
}

/// Two of them are ours, who ring, and one is baresip, who answers, whichever was rung first: each has keys of its own, and he
/// and the caller hear each other.
#[test]
fn each_phone_has_srtp_keys_of_its_own_and_the_one_that_answers_is_heard_and_hears() {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let mut company = Company::new(&ports).agent("register");
    company.user_lines.insert("agent1", "srtp: required".to_owned());
    let switch = Switch::start(&company);
    let (password, registrar) = (switch.password("agent1"), Registrar { address: switch.address(), transport: "udp" });
    let manner = Manner { codecs: "PCMU/8000/1;mediaenc=srtp-mand", ..MANNER };
    let ours = |ports: &mut Ports| {
        let mut ours = Registering::new(&switch, ports);
        let contact = format!("Contact: <sip:agent1@{}>\r\n", ours.phone.address());
        let proof = ours.authorization("agent1", &password);
        assert_eq!(ours.send("REGISTER", "agent1", &format!("{proof}{contact}")).status(), Some(200));
        ours
    };
    let mut first = ours(&mut ports);
    let mut baresip = Baresip::register("agent1", &password, registrar, manner, &mut ports, folder.path());
    until_true("both are registered", SOON, || switch.told(&["registrations"]).contains("2 contacts"));
    let mut last = ours(&mut ports);
    let mut caller = Phone::new(switch.address(), &mut ports);
    caller.media.say(Some(tones::CALLER));
    let mut dialog = caller.invite("3000", &caller.sdp());
    let offers =
        [&mut first, &mut last].map(|ours| ours.phone.wait_for("INVITE", SOON, |m| m.method() == Some("INVITE")));
    let [known, others] = offers.each_ref().map(keys);
    assert!(known.len() == 3 && others.len() == 3, "{offers:?}");
    assert!(known.iter().all(|key| !others.contains(key)), "nobody reads what another hears");
    baresip.wait_for("CALL_INCOMING", 1, SOON);
    baresip.accept();
    let answer = caller.final_response(&dialog, SOON);
    assert_eq!(answer.status(), Some(200), "{answer}");
    caller.establish(&mut dialog, &answer);
    baresip.wait_for("CALL_ESTABLISHED", 1, SOON);
    caller.media.wait_for_tone(tones::AGENT, Instant::now(), SOON);
    pause(Duration::from_secs(2));
    caller.bye(&mut dialog);
    baresip.wait_for("CALL_CLOSED", 1, SOON);
    assert_heard("the agent hears the caller", &baresip.heard(), tones::CALLER, 1.0);
    let stats = switch.wait_for_event("media_stats", 2, SOON);
    assert!(stats["unauthentic"].is_null(), "{stats}");
    assert!(switch.events("media_stats").iter().any(|stats| stats["srtp"] == "AEAD_AES_256_GCM"));
}
