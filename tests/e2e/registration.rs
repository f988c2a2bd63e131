//! Phones that register: proven by digest, called where they are, unreachable when they are gone (RFC 3261 10, 22; RFC 7616).

use std::os::unix::fs::PermissionsExt;

use base::Rng;
use serde_json::Value;
use sip::digest::{Challenge, Credentials};
use tests::baresip::{Baresip, Manner, Registrar};
use tests::company::{Company, tones};
use tests::phone::{Message, Phone};
use tests::ports::Ports;
use tests::switch::Switch;
use tests::wait::{SOON, until_true};

/// A company whose `agent1` registers.
fn company(ports: &Ports) -> Company {
    Company::new(ports).agent("register")
}

/// The password that the switch made.
fn password(switch: &Switch) -> String {
    switch.password("agent1")
}

/// A phone and what it says of itself.
pub(crate) struct Registering {
    pub(crate) phone: Phone,
    cseq: u32,
    rng: Rng,
}

impl Registering {
    pub(crate) fn new(switch: &Switch, ports: &mut Ports) -> Self {
        Self { phone: Phone::new(switch.address(), ports), cseq: 0, rng: Rng::from_number(1) }
    }

    /// Sends a request for `user` and gives the answer.
    pub(crate) fn send(&mut self, method: &str, user: &str, fields: &str) -> Message {
        self.cseq += 1;
        let (cseq, address) = (self.cseq, self.phone.address());
        let text = format!(
            "{method} sip:strowger SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK{method}{cseq};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@strowger>;tag=1\r\nTo: <sip:{user}@strowger>\r\nCall-ID: {address}\r\nCSeq: {cseq} {method}\r\n\
             {fields}Content-Length: 0\r\n\r\n"
        );
        self.phone.send(text.as_bytes());
        let wanted = format!("{cseq} {method}");
        self.phone.wait_for("an answer", SOON, |message| {
            message.status().is_some_and(|status| status >= 200) && message.must("CSeq") == wanted
        })
    }

    fn contact(&self) -> String {
        format!("Contact: <sip:agent1@{}>\r\n", self.phone.address())
    }

    /// Asks for a challenge and gives the answer to it.
    pub(crate) fn authorization(&mut self, user: &str, password: &str) -> String {
        let challenged = self.send("REGISTER", user, "");
        assert_eq!(challenged.status(), Some(401), "{challenged}");
        let challenge = Challenge::strongest(challenged.headers("WWW-Authenticate").into_iter()).expect("a challenge");
        let answer = Credentials::new(user, password).answer(&challenge, "REGISTER", "sip:strowger", &mut self.rng);
        format!("Authorization: {answer}\r\n")
    }

    fn register(&mut self, password: &str, fields: &str) -> Message {
        let authorization = self.authorization("agent1", password);
        self.send("REGISTER", "agent1", &format!("{authorization}{fields}"))
    }
}

#[test]
fn a_registered_phone_is_rung_by_its_number_and_unreachable_once_it_has_gone() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&company(&ports));
    let mut agent = Registering::new(&switch, &mut ports);
    let mut caller = Phone::new(switch.address(), &mut ports);
    let dialog = caller.invite("3000", &caller.sdp());
    assert_eq!(caller.final_response(&dialog, SOON).status(), Some(480), "nobody is registered");

    let password = password(&switch);
    let contact = agent.contact();
    let answer = agent.register(&password, &contact);
    assert_eq!(answer.status(), Some(200), "{answer}");
    assert!(answer.must("Contact").ends_with("expires=3600"), "{answer}");
    switch.wait_for_event("bound", 1, SOON);
    let _dialog = caller.invite("3000", &caller.sdp());
    let invite = agent.phone.wait_for_request("INVITE", SOON);
    agent.phone.respond(&invite, "486 Busy Here", "", "");

    let answer = agent.register(&password, "Contact: *\r\nExpires: 0\r\n");
    assert_eq!((answer.status(), answer.header("Contact")), (Some(200), None), "{answer}");
    let dialog = caller.invite("3000", &caller.sdp());
    assert_eq!(caller.final_response(&dialog, SOON).status(), Some(480));
}

#[test]
fn after_kill_9_a_registered_phone_is_rung_where_it_was() {
    let mut ports = Ports::slice();
    let mut switch = Switch::start(&company(&ports));
    let mut agent = Registering::new(&switch, &mut ports);
    let password = password(&switch);
    let contact = agent.contact();
    assert_eq!(agent.register(&password, &contact).status(), Some(200));
    let file = switch.data().join("locations.jsonl");
    let kept = || std::fs::read_to_string(&file).unwrap_or_default();
    until_true("the registration is kept", SOON, || kept().contains(&agent.phone.address().to_string()));
    let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it is nobody else's");
    // As if the machine had died while a line was written.
    switch.process().kill();
    std::fs::write(&file, kept() + "{\"user\":\"agent1\",\"conta").expect("written");
    switch.restart();
    let restored = switch.wait_for_event("restored", 1, SOON);
    assert_eq!((restored["contacts"].as_u64(), restored["unreadable"].as_u64()), (Some(1), Some(1)), "{restored}");
    let caller = Phone::new(switch.address(), &mut ports);
    agent.phone.set_switch(switch.address());
    let _dialog = caller.invite("3000", &caller.sdp());
    let invite = agent.phone.wait_for_request("INVITE", SOON);
    agent.phone.respond(&invite, "486 Busy Here", "", "");
}

#[test]
fn after_kill_9_a_phone_on_a_connection_is_reached_by_a_new_one() {
    let mut ports = Ports::slice();
    let mut company = company(&ports);
    company.tcp = true;
    let mut switch = Switch::start(&company);
    let manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: true };
    let password = password(&switch);
    let registrar = Registrar { address: switch.tcp(), transport: "tcp" };
    let phone = Baresip::register("agent1", &password, registrar, manner, &mut ports, switch.folder());
    switch.wait_for_event("bound", 1, SOON);
    let kept = || std::fs::read_to_string(switch.data().join("locations.jsonl")).unwrap_or_default();
    until_true("the registration is kept", SOON, || kept().contains("\"tcp\""));
    switch.restart();
    let mut caller = Phone::new(switch.address(), &mut ports);
    let mut dialog = caller.call("3000");
    phone.wait_for("CALL_ESTABLISHED", 1, SOON);
    caller.bye(&mut dialog);
    phone.wait_for("CALL_CLOSED", 1, SOON);
}

#[test]
fn baresip_registers_and_is_called_and_calls_over_udp() {
    baresip_registers_and_is_called_and_calls("udp");
}

#[test]
fn baresip_registers_and_is_called_and_calls_over_tcp() {
    baresip_registers_and_is_called_and_calls("tcp");
}

fn baresip_registers_and_is_called_and_calls(transport: &'static str) {
    let mut ports = Ports::slice();
    let mut company = company(&ports);
    company.tcp = true;
    let switch = Switch::start(&company);
    let address = if transport == "tcp" { switch.tcp() } else { switch.address() };
    let manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: true };
    let password = password(&switch);
    let registrar = Registrar { address, transport };
    let mut phone = Baresip::register("agent1", &password, registrar, manner, &mut ports, switch.folder());
    // The phone's own word for it may come before anyone listens to it.
    switch.wait_for_event("bound", 1, SOON);
    let listed = switch.told(&["registrations", "--json"]);
    let line: Value = serde_json::from_str(&listed).expect("one contact");
    assert_eq!((&line["user"], &line["transport"]), (&"agent1".into(), &transport.into()), "{line}");
    assert!(line["agent"].as_str().is_some_and(|agent| agent.starts_with("baresip")), "{line}");
    assert!(line["expires_s"].as_u64().is_some_and(|left| (1..=60).contains(&left)), "{line}");
    let table = switch.told(&["registrations"]);
    assert!(table.contains("agent1") && table.ends_with("\n1 contact\n"), "{table}");
    let mut caller = Phone::new(switch.address(), &mut ports);
    let mut dialog = caller.call("3000");
    phone.wait_for("CALL_ESTABLISHED", 1, SOON);
    caller.bye(&mut dialog);
    phone.wait_for("CALL_CLOSED", 1, SOON);
    assert_eq!(switch.wait_for_cdr()["agent"], "agent1");

    // Its call is challenged, and then his, though his address is a trunk's.
    phone.dial("1002", address);
    phone.wait_for("CALL_ESTABLISHED", 2, SOON);
    let began = switch.wait_for_event("call_began", 2, SOON);
    assert_eq!((began["from"].as_str(), began["origin"]["user"].as_str()), (Some("agent1"), Some("agent1")), "{began}");
    phone.hang_up();
    switch.wait_for_cdrs(2);
}

#[test]
fn a_wrong_password_an_unknown_user_and_a_replay_prove_nothing() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&company(&ports));
    let mut phone = Registering::new(&switch, &mut ports);
    let password = password(&switch);
    let contact = phone.contact();
    assert_eq!(phone.register("wrong", &contact).status(), Some(401));
    let unknown = phone.authorization("nobody", &password);
    assert_eq!(phone.send("REGISTER", "nobody", &unknown).status(), Some(401));

    let authorization = phone.authorization("agent1", &password);
    let fields = format!("{authorization}{contact}");
    assert_eq!(phone.send("REGISTER", "agent1", &fields).status(), Some(200));
    let replayed = phone.send("REGISTER", "agent1", &fields);
    assert_eq!(replayed.status(), Some(401));
    assert!(replayed.must("WWW-Authenticate").contains("stale=true"), "{replayed}");
    let count = switch.wait_for_event("unproven", 1, SOON)["count"].as_u64();
    assert_eq!(count, Some(2), "a replay is no wrong password");
}

#[test]
fn a_nonce_that_is_not_ours_proves_nothing() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&company(&ports));
    let mut phone = Registering::new(&switch, &mut ports);
    let password = password(&switch);
    let text = "Digest realm=\"strowger\", nonce=\"0123456789abcdef0123456789abcdef0123456789abcdef\", qop=\"auth\"";
    let challenge = Challenge::read(text).expect("a challenge");
    let mut credentials = Credentials::new("agent1", &password);
    let answer = credentials.answer(&challenge, "REGISTER", "sip:strowger", &mut phone.rng);
    let fields = format!("Authorization: {answer}\r\n{}", phone.contact());
    assert_eq!(phone.send("REGISTER", "agent1", &fields).status(), Some(401));
    assert!(switch.events("bound").is_empty());
}

#[test]
fn a_user_registers_himself_only_and_his_name_calls_only_with_his_password() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&company(&ports));
    let mut phone = Registering::new(&switch, &mut ports);
    let password = password(&switch);
    let (authorization, contact) = (phone.authorization("agent1", &password), phone.contact());
    let other = phone.send("REGISTER", "agent2", &format!("{authorization}{contact}"));
    assert_eq!(other.status(), Some(403), "{other}");
    assert_eq!(phone.send("INVITE", "agent1", &contact).status(), Some(401), "though its address is a trunk's");
}
