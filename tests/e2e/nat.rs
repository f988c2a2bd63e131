//! A phone behind a NAT that the kernel makes: it registers, calls, is called, and is asked whether it is there.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::baresip::{Baresip, Manner, Registrar};
use tests::company::{Company, tones};
use tests::netns::{HOME, Networks, WORLD, is_nat};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sound;
use tests::switch::Switch;
use tests::wait::{SOON, pause, until, until_true};

const MANNER: Manner = Manner { hertz: tones::AGENT, codecs: "pcmu", answers: true };

/// A switch in the world, a caller beside it, and a phone at home.
struct Scene {
    networks: Networks,
    switch: Switch,
    /// In the world.
    caller: Phone,
    /// At home, registered as `agent1`.
    agent: Baresip,
    _folder: tempfile::TempDir,
}

fn scene(change: impl FnOnce(&mut Company)) -> Option<Scene> {
    let Some(networks) = Networks::make() else {
        println!("skipped");
        return None;
    };
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let mut company = Company::new(&ports).agent("register");
    company.address = WORLD.into();
    company.media.insert("bind", WORLD.to_string());
    company.trunk = WORLD.to_string();
    company.registrations.insert("keep_alive", "5s".to_owned());
    change(&mut company);
    let switch = networks.world.within(|| Switch::start(&company));
    let address = switch.address();
    let caller = networks.world.within(|| Phone::at(WORLD.into(), address, &mut ports));
    let password = switch.password("agent1");
    let registrar = Registrar { address, transport: "udp" };
    let agent = networks.home.within(|| {
        Baresip::register_from(HOME.into(), ("agent1", &password), registrar, MANNER, &mut ports, folder.path())
    });
    let scene = Scene { networks, switch, caller, agent, _folder: folder };
    scene.registered();
    Some(scene)
}

impl Scene {
    /// The registration, once it is there.
    fn registered(&self) -> Value {
        until("the phone is registered", SOON, || self.line())
    }

    fn line(&self) -> Option<Value> {
        let text = self.switch.told(&["registrations", "--json"]);
        text.lines().next().map(|line| serde_json::from_str(line).expect("JSON"))
    }

    /// What the only call said, once it has said `last`: messages are written a moment after they were said.
    fn ladder(&self, last: &str) -> String {
        let call = self.switch.wait_for_cdr()["call"].as_str().expect("an id").to_owned();
        crate::trace::traced(&self.switch, &[&call], last)
    }
}

/// The source that a registration came from.
fn source(line: &Value) -> SocketAddr {
    line["source"].as_str().expect("a source").parse().expect("an address")
}

/// A ladder in which everything was heard at once: an ACK came, so that no 2xx was sent again, and the BYE was answered.
fn is_smooth(ladder: &str) {
    let has = |what: &str| ladder.lines().filter(|line| line.contains(what)).count();
    assert_eq!((has("─ACK"), has("─BYE"), has("200 OK (BYE)")), (2, 2, 2), "{ladder}");
    assert!(!ladder.contains("(INVITE) ×") && !ladder.contains("BYE ×"), "sent again:\n{ladder}");
}

#[test]
fn a_phone_behind_a_nat_is_called_heard_and_hangs_up() {
    let Some(mut s) = scene(|_| {}) else { return };
    let line = s.registered();
    assert!(is_nat(source(&line).ip()) && line["nat"] == true, "{line:#}");
    assert!(line["contact"].as_str().expect("a contact").contains("10.77.0.2"), "{line:#}");
    s.caller.media.say(Some(tones::CALLER));
    let start = Instant::now();
    s.caller.call("3000");
    s.caller.media.wait_for_tone(tones::AGENT, start, SOON);
    s.agent.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(Duration::from_secs(1));
    // It hangs up, through the NAT.
    s.agent.hang_up();
    let bye = s.caller.wait_for_request("BYE", SOON);
    s.caller.respond(&bye, "200 OK", "", "");
    s.agent.wait_for("CALL_CLOSED", 1, SOON);
    is_smooth(&s.ladder("200 OK (BYE)"));
    sound::assert_heard("the phone at home hears the caller", &s.agent.heard(), tones::CALLER, 0.5);
}

#[test]
fn the_other_side_hangs_up_and_the_phone_behind_the_nat_hears_of_it() {
    let Some(mut s) = scene(|_| {}) else { return };
    let mut dialog = s.caller.call("3000");
    s.agent.wait_for("CALL_ESTABLISHED", 1, SOON);
    s.caller.bye(&mut dialog);
    s.agent.wait_for("CALL_CLOSED", 1, SOON);
    is_smooth(&s.ladder("200 OK (BYE)"));
}

#[test]
fn a_phone_behind_a_nat_calls_and_hears() {
    let Some(mut s) = scene(|company| drop(company.numbers.insert("9000", "{ flow: talk }".to_owned()))) else {
        return;
    };
    s.agent.dial("9000", s.switch.address());
    s.agent.wait_for("CALL_ESTABLISHED", 1, SOON);
    // The flow begins with the ACK: what it plays is heard, so that the ACK came.
    s.switch.wait_for_event("node_entered", 1, SOON);
    pause(Duration::from_secs(1));
    s.agent.hang_up();
    s.agent.wait_for("CALL_CLOSED", 1, SOON);
    sound::assert_heard("the phone at home hears the menu", &s.agent.heard(), tones::WELCOME, 0.5);
    let ladder = s.ladder("200 OK (BYE)");
    assert!(!ladder.contains("(INVITE) ×") && ladder.contains("─ACK"), "{ladder}");
}

#[test]
fn a_phone_whose_nat_forgot_it_is_unreachable_and_not_rung() {
    let give_up = |company: &mut Company| drop(company.registrations.insert("give_up_after", "1".to_owned()));
    let Some(mut s) = scene(give_up) else { return };
    // It answers questions.
    let first = s.registered()["seen"].as_i64();
    until_true("the phone answers a question", SOON, || s.line().is_some_and(|line| line["seen"].as_i64() > first));
    s.networks.forget();
    s.switch.wait_for_event("phone_lost", 1, Duration::from_secs(90));
    let table = s.switch.told(&["registrations"]);
    assert!(table.contains("unreachable"), "{table}");
    let dialog = s.caller.invite("3000", &s.caller.sdp());
    let refusal = s.caller.final_response(&dialog, SOON);
    s.caller.acknowledge(&dialog, &refusal);
    assert_eq!(refusal.status(), Some(480), "{refusal}");
}
