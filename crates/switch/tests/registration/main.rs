//! Users who register: let in by their password, rung where they are, gone when their registration ends
//! (RFC 3261 10.3, 22; RFC 7616).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod nat;
mod several;

use std::net::SocketAddr;
use std::time::Duration;

use acd::AgentState;
use base::Rng;
use bytes::Bytes;
use journal::Kind;
use sim::{SWITCH, World, company};
use sip::digest::{Algorithm, Challenge, Credentials, Secret};
use sip::{ConnectionId, Flow, Transport};
use sip_message::parse_datagram;
use switch::control::{NotSaid, Registrations, Request, Response, Saying};
use switch::{Destination, Place, Trunk, User};

const SECOND: Duration = Duration::from_secs(1);
const PASSWORD: &str = "open sesame";

/// A switch whose agent 101 registers from `phone`, where his telephone stands.
struct Scene {
    world: World,
    phone: SocketAddr,
    /// The listener that he sends to.
    listener: u16,
    /// The number of a page's connection, if he sends by that.
    page: Option<u64>,
    /// What he dials.
    dialled: &'static str,
    rng: Rng,
    cseq: u32,
}

fn config() -> switch::Config {
    let mut config = company();
    config.realm = "test".into();
    config.algorithms = vec![Algorithm::Sha256, Algorithm::Md5];
    config.users.insert("101".into(), User::at(Place::Registered));
    config.secrets.insert("101".into(), Secret::of("101", "test", PASSWORD));
    config.numbers.insert("101".into(), Destination::User("101".into()));
    config.queues[0].agents = vec!["101".into()];
    config
}

fn scene() -> Scene {
    scene_with(|_| {})
}

fn scene_with(change: impl FnOnce(&mut switch::Config)) -> Scene {
    let mut config = config();
    change(&mut config);
    let mut world = World::with(config, 1);
    let phone = world.phone("127.0.0.1:5077");
    Scene { world, phone, listener: 0, page: None, dialled: "", rng: Rng::from_number(9), cseq: 0 }
}

impl Scene {
    /// Sends a request from the phone's address and gives the switch's answer.
    fn ask(&mut self, method: &str, user: &str, fields: &str) -> String {
        self.cseq += 1;
        // A nonce is its time and source: no two requests come at once from one source.
        self.world.run(Duration::from_millis(1));
        let (cseq, phone) = (self.cseq, self.phone);
        let text = format!(
            "{method} sip:{}{SWITCH} SIP/2.0\r\nVia: SIP/2.0/UDP {phone};branch=z9hG4bKr{cseq}\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@test>;tag=1\r\nTo: <sip:{user}@test>\r\nCall-ID: reg\r\nCSeq: {cseq} {method}\r\n{fields}\
             Content-Length: 0\r\n\r\n",
            self.dialled
        );
        let mut flow = Flow::udp(self.listener, SWITCH.parse().unwrap(), phone);
        if let Some(page) = self.page {
            flow = Flow { transport: Transport::Ws, connection: Some(ConnectionId(page)), ..flow };
        }
        self.world.switch.handle_datagram(self.world.now, flow, parse_datagram(Bytes::from(text)));
        let answer = self.world.switch.poll_transmit().expect("an answer");
        String::from_utf8(answer.payload.to_vec()).unwrap()
    }

    fn proof(&mut self, challenged: &str, password: &str) -> String {
        self.proof_as("101", challenged, password)
    }

    fn proof_as(&mut self, user: &str, challenged: &str, password: &str) -> String {
        assert!(challenged.starts_with("SIP/2.0 401"), "{challenged}");
        let values = challenged.lines().filter_map(|line| line.strip_prefix("WWW-Authenticate: "));
        let challenge = Challenge::strongest(values).unwrap();
        let uri = format!("sip:{SWITCH}");
        let answer = Credentials::new(user, password).answer(&challenge, "REGISTER", &uri, &mut self.rng);
        format!("Authorization: {answer}\r\n")
    }

    /// As 101, registers his phone for `user`.
    fn register(&mut self, user: &str, password: &str) -> String {
        let fields = format!("Contact: <sip:101@{}>\r\nExpires: 600\r\n", self.phone);
        self.register_as(user, password, &fields)
    }

    fn register_as(&mut self, user: &str, password: &str, fields: &str) -> String {
        let challenged = self.ask("REGISTER", user, "");
        let proof = self.proof(&challenged, password);
        self.ask("REGISTER", user, &format!("{proof}{fields}"))
    }

    fn ask_to_leave(&mut self) {
        self.register_as("101", PASSWORD, "Contact: *\r\nExpires: 0\r\n");
    }

    fn query(&mut self) -> String {
        self.register_as("101", PASSWORD, "")
    }

    fn reconfigure(&mut self, change: impl FnOnce(&mut switch::Config)) {
        let mut config = config();
        change(&mut config);
        self.world.reconfigure(config);
        // A challenge of another second, which nobody has answered yet.
        self.world.run(SECOND);
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

/// What storage would give to a switch that starts after `s` ended.
fn kept(s: &Scene) -> Vec<journal::Locations> {
    s.world.locations.values().cloned().collect()
}

#[test]
fn after_a_restart_he_is_registered_for_the_time_he_had_left_and_his_agent_logged_in() {
    let mut before = scene();
    before.register("101", PASSWORD);
    before.world.run(200 * SECOND);
    let mut s = scene();
    // What the clock of a new process begins with is no matter.
    s.world.now.wall = before.world.now.wall;
    s.world.switch.restore(s.world.now, kept(&before), 2);
    s.world.run(SECOND);
    assert_eq!(s.agent(), Some(AgentState::Idle));
    assert_eq!(
        s.world.last(|kind| if let Kind::Restored { contacts, left_out, unreadable } = kind {
            Some((*contacts, *left_out, *unreadable))
        } else {
            None
        }),
        (1, 0, 2)
    );
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::Bound { .. })), 0, "nobody registered");
    let (caller, phone) = (s.world.phone("127.0.0.2:5090"), s.phone);
    s.world.with_phone(caller, |phone, now| phone.call(now, "1", "201"));
    s.world.run(SECOND);
    assert!(s.world.at(phone).saw(&sim::Seen::Rings), "the queue finds him");
    s.world.with_phone(caller, sim::Phone::hang_up);
    s.world.run(397 * SECOND);
    assert_eq!(s.agent(), Some(AgentState::Idle));
    s.world.run(2 * SECOND);
    assert_eq!(s.agent(), Some(AgentState::LoggedOut), "600 s after he registered");
    assert!(s.world.switch.is_quiet());
}

#[test]
fn who_left_or_ended_before_a_restart_is_not_registered_after_it() {
    let mut before = scene();
    before.register("101", PASSWORD);
    before.world.react();
    let registered = kept(&before);
    before.ask_to_leave();
    before.world.react();
    assert!(before.world.locations["101"].contacts.is_empty(), "what is kept says that he left");
    let restore = |config: switch::Config, after: Duration, kept: Vec<journal::Locations>| {
        let mut world = World::with(config, 1);
        world.now.wall = world.now.wall + after;
        world.switch.restore(world.now, kept, 0);
        world.react();
        let mut told = world.journal.iter().filter_map(|event| match event.kind {
            Kind::Restored { contacts, left_out, .. } => Some((contacts, left_out)),
            _ => None,
        });
        (told.next_back(), world.locations.get("101").map(|kept| kept.contacts.len()))
    };
    let registers = || {
        let mut config = company();
        config.users.insert("101".into(), User::at(Place::Registered));
        config
    };
    assert_eq!(restore(registers(), Duration::ZERO, registered.clone()), (Some((1, 0)), None), "kept as it is");
    assert_eq!(restore(registers(), 601 * SECOND, registered.clone()), (Some((0, 1)), Some(0)), "his time is over");
    assert_eq!(restore(company(), Duration::ZERO, registered), (Some((0, 1)), Some(0)), "he has a fixed phone now");
    assert_eq!(restore(registers(), Duration::ZERO, kept(&before)), (None, None));
}

#[test]
fn what_is_kept_changes_with_the_contacts_and_not_with_questions() {
    let mut s = scene();
    s.register("101", PASSWORD);
    s.world.react();
    let first = s.world.locations.remove("101").expect("he registered");
    assert_eq!(first.contacts.len(), 1);
    s.query();
    s.world.react();
    assert!(s.world.locations.is_empty(), "a query changes nothing");
    s.world.run(10 * SECOND);
    s.register("101", PASSWORD);
    s.world.react();
    let renewed = &s.world.locations["101"].contacts[0];
    assert_eq!(renewed.ends.since(first.contacts[0].ends).as_secs(), 10);
    assert!(renewed.cseq > first.contacts[0].cseq);
    s.world.run(700 * SECOND);
    assert!(s.world.locations["101"].contacts.is_empty(), "his time is over");
}

#[test]
fn a_user_registers_for_those_who_were_granted_to_him_and_for_nobody_else() {
    let mut s = scene_with(|config| {
        config.users.insert("desk".into(), User::at(Place::Registered));
        config.registers_for.insert("101".into(), ["desk".into()].into());
    });
    let answer = s.register("desk", PASSWORD);
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    s.world.react();
    assert_eq!(s.world.locations["desk"].contacts.len(), 1);
    assert_eq!(s.agent(), Some(AgentState::LoggedOut), "his own name is not bound by it");
    let alike = |answer: String| {
        let differs = |line: &&str| !["To:", "CSeq:", "Via:", "From:"].iter().any(|name| line.starts_with(name));
        answer.lines().filter(differs).map(str::to_owned).collect::<Vec<_>>()
    };
    let (other, unknown) = (s.register("102", PASSWORD), s.register("nobody", PASSWORD));
    assert!(other.starts_with("SIP/2.0 403"), "{other}");
    assert_eq!(alike(other), alike(unknown), "he learns nothing of who is there");
}

#[test]
fn operators_see_who_is_registered_page_by_page_and_no_user_is_torn() {
    let mut s = scene_with(|config| {
        for name in ["anna", "bert"] {
            config.users.insert(name.into(), User::at(Place::Registered));
        }
        config.registers_for.insert("101".into(), ["anna".into(), "bert".into()].into());
    });
    let two = "Contact: <sip:a@192.0.2.1>;q=0.5, <sip:b@192.0.2.2>;expires=100\r\nUser-Agent: phone/1\r\n";
    for user in ["bert", "anna", "101"] {
        s.register_as(user, PASSWORD, two);
    }
    s.world.run(10 * SECOND);
    let mut page = |after: Option<&str>, limit| {
        let request = Request::Registrations { after: after.map(Into::into), limit };
        match s.world.switch.handle_control(s.world.now, request) {
            Response::Registrations(page) => page,
            other => panic!("{other:?}"),
        }
    };
    let users = |page: &Registrations| page.contacts.iter().map(|line| line.user.to_string()).collect::<Vec<_>>();
    let all = page(None, 0);
    assert_eq!((users(&all).join(" "), all.total, &all.next), ("101 101 anna anna bert bert".to_owned(), 6, &None));
    let line = &all.contacts[0];
    assert_eq!(
        (&*line.contact, line.expires_s, line.q_thousandths, &*line.agent),
        ("sip:b@192.0.2.2", 90, 1000, "phone/1")
    );
    assert_eq!((line.source, line.transport), (s.phone, journal::Carrier::Udp));
    let first = page(None, 3);
    assert_eq!((users(&first).len(), first.next.as_deref()), (4, Some("anna")));
    let last = page(first.next.as_deref(), 3);
    assert_eq!((users(&last).join(" "), last.next), ("bert bert".to_owned(), None));
    assert_eq!(users(&page(Some("b"), 1)).join(" "), "bert bert", "behind a user who is gone");
    assert_eq!(s.world.switch.status(s.world.now).registrations, 6);
}

#[test]
fn what_becomes_of_requests_for_proof_is_counted() {
    let mut s = scene();
    s.register("101", "guess");
    s.register("101", PASSWORD);
    s.ask("REGISTER", "101", "Authorization: Digest realm=\"test\", nonce=1, qop=auth\r\n");
    let outcomes = s.world.switch.digest_outcomes();
    assert_eq!((outcomes.asked, outcomes.failed, outcomes.proven, outcomes.stale, outcomes.malformed), (2, 1, 1, 0, 1));
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
fn a_break_outlives_a_phone_that_is_lost_and_ends_when_it_is_taken_back() {
    let mut s = scene_with(|config| config.duties.breaks = [("lunch".into(), 1)].into());
    s.register("101", PASSWORD);
    let pause = || Request::SetAgent {
        agent: "101".into(),
        saying: Saying::Pause { reason: "lunch".into() },
        by: String::new(),
    };
    s.world.switch.handle_control(s.world.now, pause());
    s.world.run(601 * SECOND);
    assert_eq!(s.agent(), Some(AgentState::LoggedOut), "no call could reach him");
    let refused = s.world.switch.handle_control(s.world.now, pause());
    assert_eq!(refused, Response::NotSaid { why: NotSaid::LoggedOut });
    s.register("101", PASSWORD);
    s.world.run(SECOND);
    assert_eq!(s.agent(), Some(AgentState::OnBreak), "he is still at lunch");
    s.ask_to_leave();
    s.world.run(SECOND);
    let login = Request::SetAgent { agent: "101".into(), saying: Saying::Login, by: String::new() };
    let refused = s.world.switch.handle_control(s.world.now, login);
    assert_eq!(refused, Response::NotSaid { why: NotSaid::OutOfReach });
    s.register("101", PASSWORD);
    s.world.run(SECOND);
    assert_eq!(s.agent(), Some(AgentState::Idle), "he went, and came again");
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

/// An answer without what it repeats of the request, and without its nonces and tag.
fn bare(answer: &str) -> String {
    let repeated = ["Via:", "From:", "CSeq:"];
    let kept = answer.lines().filter(|line| !repeated.iter().any(|name| line.starts_with(name)));
    let line = |line: &str| match (line.split_once("nonce=\""), line.starts_with("To:")) {
        (Some((before, nonce)), _) => format!("{before}{}", nonce.get(48..).unwrap_or_default()),
        (None, true) => format!("To: {}", line.len() - line.find(';').unwrap_or(0)),
        (None, false) => line.to_owned(),
    };
    kept.map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_stranger_cannot_tell_who_or_what_is_there() {
    let mut s = scene_with(|config| {
        config.users.insert("105".into(), User::at(Place::Registered));
        config.secrets.insert("105".into(), Secret::of("105", "test", PASSWORD));
    });
    s.register("101", PASSWORD);
    // A source that is nobody's, whoever it says it is.
    s.phone = "192.0.2.66:5060".parse().unwrap();
    let mut answers = Vec::new();
    for user in ["101", "102", "105", "999"] {
        for dialled in ["101@", "1000@", "201@", "999@"] {
            s.dialled = dialled;
            answers.push(bare(&s.ask("INVITE", user, "Contact: <sip:x@192.0.2.66>\r\n")));
        }
    }
    assert!(
        answers[0].starts_with("SIP/2.0 401") && answers.iter().all(|answer| *answer == answers[0]),
        "{answers:#?}"
    );
    s.dialled = "";
    let wrong = ["101", "102", "105", "999"].map(|user| {
        let challenged = s.ask("REGISTER", user, "");
        let proof = s.proof_as(user, &challenged, "guess");
        (bare(&challenged), bare(&s.ask("REGISTER", user, &proof)))
    });
    assert!(wrong[0].1.starts_with("SIP/2.0 401") && wrong.iter().all(|answers| *answers == wrong[0]), "{wrong:#?}");
    let outcomes = s.world.switch.digest_outcomes();
    assert_eq!((outcomes.failed, outcomes.stale, outcomes.malformed), (4, 0, 0), "all went one way");
    s.world.run(60 * SECOND);
    assert_eq!(s.world.switch.sip_population(), sip::Population::default());
}

#[test]
fn a_listener_takes_the_hashes_of_its_own_policy_alone() {
    let mut s = scene_with(|config| {
        config.algorithms = vec![Algorithm::Md5];
        config.listener_algorithms.insert(1, vec![Algorithm::Sha256]);
    });
    let by_md5 = s.ask("REGISTER", "101", "");
    assert!(by_md5.contains("algorithm=MD5") && !by_md5.contains("SHA-256"), "{by_md5}");
    let proof = s.proof(&by_md5, PASSWORD);
    s.listener = 1;
    let refused = s.ask("REGISTER", "101", &proof);
    assert!(refused.starts_with("SIP/2.0 401"), "the nonce is his and the password right: {refused}");
    assert!(refused.contains("algorithm=SHA-256") && !refused.contains("MD5"), "{refused}");
    s.listener = 0;
    assert!(s.ask("REGISTER", "101", &proof).starts_with("SIP/2.0 200"), "it was the listener alone");
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

#[test]
fn a_new_configuration_leaves_registrations_as_they_are() {
    let mut s = scene();
    s.register("101", PASSWORD);
    s.reconfigure(|_| {});
    assert_eq!(s.agent(), Some(AgentState::Idle));
    assert!(s.register("101", PASSWORD).starts_with("SIP/2.0 200"));
}

#[test]
fn who_registers_no_more_loses_his_phone_and_stays_logged_in_at_his_new_one() {
    let mut s = scene();
    s.register("101", PASSWORD);
    s.reconfigure(|config| {
        config.users.insert("101".into(), company().users["101"].clone());
        config.secrets.clear();
    });
    assert_eq!(s.agent(), Some(AgentState::Idle));
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::Unbound { .. })), 1);
    assert!(!s.ask("REGISTER", "101", "").starts_with("SIP/2.0 200"));
    // Back again, he is out until his phone registers.
    s.reconfigure(|_| {});
    assert_eq!(s.agent(), Some(AgentState::LoggedOut));
    s.register("101", PASSWORD);
    assert_eq!(s.agent(), Some(AgentState::Idle));
}

#[test]
fn a_new_password_and_a_new_realm_hold_at_once() {
    let mut s = scene();
    s.reconfigure(|config| {
        config.secrets.insert("101".into(), Secret::of("101", "test", "another"));
    });
    assert!(s.register("101", PASSWORD).starts_with("SIP/2.0 401"));
    s.world.run(SECOND);
    assert!(s.register("101", "another").starts_with("SIP/2.0 200"));
    s.reconfigure(|config| {
        config.realm = "elsewhere".into();
        config.secrets.insert("101".into(), Secret::of("101", "elsewhere", PASSWORD));
    });
    assert!(s.register("101", PASSWORD).starts_with("SIP/2.0 200"));
}

#[test]
fn a_page_is_registered_on_its_connection_for_as_long_as_that_lives() {
    let mut s = scene();
    s.page = Some(7);
    let contact = "Contact: <sip:x@df7jal23ls0d.invalid;transport=ws>\r\nExpires: 600\r\n";
    let answer = s.register_as("101", PASSWORD, contact);
    assert!(answer.starts_with("SIP/2.0 200") && answer.contains("df7jal23ls0d.invalid"), "{answer}");
    assert_eq!(s.agent(), Some(AgentState::Idle));
    let (now, remote) = (s.world.now, s.phone);
    s.world.switch.handle_connection_closed(now, ConnectionId(8), Transport::Ws, remote);
    assert_eq!(s.agent(), Some(AgentState::Idle), "that was another's");
    s.world.switch.handle_connection_closed(now, ConnectionId(7), Transport::Ws, remote);
    assert_eq!(s.agent(), Some(AgentState::LoggedOut));
    s.page = Some(9);
    assert!(!s.query().contains("Contact"), "nobody is registered");
}

/// A page of anyone's may be open on a machine whose address is a trunk's.
#[test]
fn by_a_page_nobody_is_known_by_his_address() {
    let here = || Trunk::incoming("here", vec!["127.0.0.1/32".parse().unwrap()]);
    let mut s = scene_with(|config| config.trunks.push(here()));
    s.dialled = "999@";
    let known = s.ask("INVITE", "stranger", "");
    assert!(!known.starts_with("SIP/2.0 401"), "the address is a trunk's: {known}");
    s.page = Some(7);
    assert!(s.ask("INVITE", "stranger", "").starts_with("SIP/2.0 401"));
}
