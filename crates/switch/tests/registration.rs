//! Users who register: let in by their password, rung where they are, gone when their registration ends
//! (RFC 3261 10.3, 22; RFC 7616).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

use std::net::SocketAddr;
use std::time::Duration;

use acd::AgentState;
use base::Rng;
use bytes::Bytes;
use journal::Kind;
use sim::{SWITCH, World, company};
use sip::Flow;
use sip::digest::{Algorithm, Challenge, Credentials, Secret};
use sip_message::parse_datagram;
use switch::{Destination, Place, User};

const SECOND: Duration = Duration::from_secs(1);
const PASSWORD: &str = "open sesame";

/// A switch whose agent 101 registers from `phone`, where his telephone stands.
struct Scene {
    world: World,
    phone: SocketAddr,
    rng: Rng,
    cseq: u32,
}

fn scene() -> Scene {
    let mut config = company();
    config.realm = "test".into();
    config.algorithms = vec![Algorithm::Sha256, Algorithm::Md5];
    config.users.insert("101".into(), User { display: None, place: Place::Registered });
    config.secrets.insert("101".into(), Secret::of("101", "test", PASSWORD));
    config.numbers.insert("101".into(), Destination::User("101".into()));
    let mut world = World::with(config, 1);
    let phone = world.phone("127.0.0.1:5077");
    Scene { world, phone, rng: Rng::from_number(9), cseq: 0 }
}

impl Scene {
    /// Sends a request from the phone's address and gives the switch's answer.
    fn ask(&mut self, method: &str, user: &str, fields: &str) -> String {
        self.cseq += 1;
        let (cseq, phone) = (self.cseq, self.phone);
        let text = format!(
            "{method} sip:{SWITCH} SIP/2.0\r\nVia: SIP/2.0/UDP {phone};branch=z9hG4bKr{cseq}\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@test>;tag=1\r\nTo: <sip:{user}@test>\r\nCall-ID: reg\r\nCSeq: {cseq} {method}\r\n{fields}\
             Content-Length: 0\r\n\r\n"
        );
        let flow = Flow::udp(0, SWITCH.parse().unwrap(), phone);
        self.world.switch.handle_datagram(self.world.now, flow, parse_datagram(Bytes::from(text)));
        let answer = self.world.switch.poll_transmit().expect("an answer");
        String::from_utf8(answer.payload.to_vec()).unwrap()
    }

    fn proof(&mut self, challenged: &str, password: &str) -> String {
        assert!(challenged.starts_with("SIP/2.0 401"), "{challenged}");
        let values = challenged.lines().filter_map(|line| line.strip_prefix("WWW-Authenticate: "));
        let challenge = Challenge::strongest(values).unwrap();
        let uri = format!("sip:{SWITCH}");
        let answer = Credentials::new("101", password).answer(&challenge, "REGISTER", &uri, &mut self.rng);
        format!("Authorization: {answer}\r\nContact: <sip:101@{}>\r\nExpires: 600\r\n", self.phone)
    }

    fn register(&mut self, user: &str, password: &str) -> String {
        let challenged = self.ask("REGISTER", user, "");
        let proof = self.proof(&challenged, password);
        self.ask("REGISTER", user, &proof)
    }

    fn agent(&self) -> Option<AgentState> {
        self.world.switch.agent_state(&"101".into())
    }
}

#[test]
fn who_registers_is_logged_in_and_rung_where_he_is() {
    let mut s = scene();
    assert_eq!(s.agent(), Some(AgentState::LoggedOut));
    let answer = s.register("101", PASSWORD);
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    s.world.run(SECOND);
    assert_eq!(s.agent(), Some(AgentState::Idle));
    let caller = s.world.phone("127.0.0.2:5090");
    s.world.with_phone(caller, |phone, now| phone.call(now, "1", "201"));
    s.world.run(SECOND);
    let phone = s.phone;
    assert!(s.world.at(phone).saw(&sim::Seen::Rings), "the queue finds him");
}

#[test]
fn a_registration_that_is_not_renewed_logs_him_out() {
    let mut s = scene();
    s.register("101", PASSWORD);
    s.world.run(599 * SECOND);
    assert_eq!(s.agent(), Some(AgentState::Idle));
    s.world.run(2 * SECOND);
    assert_eq!(s.agent(), Some(AgentState::LoggedOut));
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::Unbound { expired: true, .. })), 1);
    assert!(s.world.switch.is_quiet());
}

#[test]
fn a_wrong_password_and_anothers_name_change_nothing() {
    let mut s = scene();
    let wrong = s.register("101", "guess");
    assert!(wrong.starts_with("SIP/2.0 401"), "{wrong}");
    let other = s.register("102", PASSWORD);
    assert!(other.starts_with("SIP/2.0 403"), "{other}");
    s.world.run(SECOND);
    assert_eq!(s.agent(), Some(AgentState::LoggedOut));
}

#[test]
fn a_call_in_his_name_needs_his_password_and_nothing_is_kept_of_it() {
    let mut s = scene();
    // A trunk's address, from which anyone else may call without proof.
    s.phone = "127.0.0.2:5091".parse().unwrap();
    let answer = s.ask("INVITE", "101", &format!("Contact: <sip:101@{}>\r\n", s.phone));
    assert!(answer.starts_with("SIP/2.0 401"), "{answer}");
    assert_eq!(s.world.switch.sip_population(), sip::Population::default());
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::CallBegan { .. })), 0);
}
