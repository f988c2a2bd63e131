//! Digest authentication of requests, both sides together: RFC 3261 22.1–22.4, RFC 7616 3.3–3.5, RFC 8760 2.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests stop the test when something is not as they say"
)]

use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now, Rng, Wall};
use sip::digest::{Algorithm, Authenticator, AuthenticatorConfig, Challenge, Credentials, Proof, Secret};
use sip_message::{Message, Request, parse_datagram};

const REALM: &str = "example.org";
const BOTH: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];
const LIFETIME: Duration = Duration::from_secs(300);

struct Bench {
    authenticator: Authenticator,
    secret: Secret,
    now: Now,
    rng: Rng,
    allowed: Vec<Algorithm>,
}

fn bench() -> Bench {
    let config = AuthenticatorConfig { realm: REALM.to_owned(), lifetime: LIFETIME, max_proven: 100 };
    let now = Now { monotonic: Mono::ZERO + Duration::from_secs(9), wall: Wall::from_unix_micros(0) };
    let authenticator = Authenticator::new(config, &mut Rng::from_number(1));
    Bench {
        authenticator,
        secret: Secret::of("105", REALM, "right"),
        now,
        rng: Rng::from_number(2),
        allowed: BOTH.into(),
    }
}

fn phone() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 5060))
}

fn request(method: &str, authorization: &str) -> Request {
    let more = if authorization.is_empty() { String::new() } else { format!("Authorization: {authorization}\r\n") };
    let text = format!(
        "{method} sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:105@example.org>;tag=1\r\n\
         To: <sip:105@example.org>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n{more}\r\n"
    );
    match parse_datagram(text) {
        Ok(Message::Request(request)) => *request,
        _ => panic!("{authorization}"),
    }
}

impl Bench {
    fn check(&mut self, request: &Request, source: SocketAddr) -> Proof {
        let secret = &self.secret;
        let secret_of = |user: &str| (user == "105").then_some(secret);
        self.authenticator.check(self.now, request, source, &self.allowed, secret_of)
    }

    fn challenge(&self, algorithm: Algorithm) -> Challenge {
        let fields = self.authenticator.challenges(self.now, phone(), &[algorithm], false);
        Challenge::read(&fields[0].1).unwrap()
    }

    fn answer(&mut self, user: &str, password: &str, algorithm: Algorithm) -> String {
        let challenge = self.challenge(algorithm);
        Credentials::new(user, password).answer(&challenge, "REGISTER", "sip:example.org", &mut self.rng)
    }

    fn try_answer(&mut self, answer: &str) -> Proof {
        self.check(&request("REGISTER", answer), phone())
    }
}

fn proven() -> Proof {
    Proof::Proven { user: "105".to_owned() }
}

const REFUSED: Proof = Proof::Unproven { stale: false };
const STALE: Proof = Proof::Unproven { stale: true };

#[test]
fn the_right_password_proves_the_user_with_either_algorithm() {
    for algorithm in BOTH {
        let mut bench = bench();
        let answer = bench.answer("105", "right", algorithm);
        assert_eq!(bench.try_answer(&answer), proven(), "{algorithm:?}");
    }
}

#[test]
fn sha_256_is_offered_first_and_nothing_is_kept_of_a_challenge() {
    let bench = bench();
    let offered = bench.authenticator.challenges(bench.now, phone(), &BOTH, true);
    assert!(offered[0].1.contains("algorithm=SHA-256") && offered[1].1.contains("algorithm=MD5"));
    assert!(offered.iter().all(|(name, value)| name == "WWW-Authenticate" && value.contains("stale=true")));
    assert_eq!((bench.authenticator.proven(), bench.authenticator.poll_timeout()), (0, None));
}

#[test]
fn no_credentials_a_wrong_password_and_an_unknown_user_are_refused_alike() {
    let mut bench = bench();
    assert_eq!(bench.try_answer(""), REFUSED);
    for (user, password) in [("105", "wrong"), ("999", "right"), ("", "")] {
        let answer = bench.answer(user, password, Algorithm::Sha256);
        assert_eq!(bench.try_answer(&answer), REFUSED, "{user}");
    }
    assert_eq!(bench.authenticator.proven(), 0);
}

#[test]
fn an_algorithm_that_policy_leaves_out_is_refused() {
    let mut bench = bench();
    bench.allowed = vec![Algorithm::Sha256];
    let answer = bench.answer("105", "right", Algorithm::Md5);
    assert_eq!(bench.try_answer(&answer), REFUSED);
}

#[test]
fn a_replay_is_refused_as_stale_and_the_next_count_is_taken() {
    let mut bench = bench();
    let challenge = bench.challenge(Algorithm::Sha256);
    let mut credentials = Credentials::new("105", "right");
    let mut next = |bench: &mut Bench| credentials.answer(&challenge, "REGISTER", "sip:example.org", &mut bench.rng);
    let first = next(&mut bench);
    assert_eq!(bench.try_answer(&first), proven());
    assert_eq!(bench.try_answer(&first), STALE);
    let second = next(&mut bench);
    assert_eq!(bench.try_answer(&second), proven());
}

#[test]
fn an_ended_nonce_one_of_another_source_and_an_invented_one_prove_nothing() {
    let mut bench = bench();
    let answer = bench.answer("105", "right", Algorithm::Sha256);
    let elsewhere = SocketAddr::from(([192, 0, 2, 8], 5060));
    assert_eq!(bench.check(&request("REGISTER", &answer), elsewhere), STALE);
    bench.now = bench.now.after(LIFETIME);
    assert_eq!(bench.try_answer(&answer), STALE);
    let invented = Challenge::read(&format!("Digest realm=\"{REALM}\", nonce=\"made up\", qop=\"auth\"")).unwrap();
    let answer_to = |password| {
        Credentials::new("105", password).answer(&invented, "REGISTER", "sip:example.org", &mut Rng::from_number(3))
    };
    assert_eq!(bench.try_answer(&answer_to("right")), STALE);
    assert_eq!(bench.try_answer(&answer_to("wrong")), REFUSED);
}

#[test]
fn an_answer_for_another_method_proves_nothing_and_one_for_another_resource_is_malformed() {
    let mut bench = bench();
    let answer = bench.answer("105", "right", Algorithm::Sha256);
    assert_eq!(bench.check(&request("INVITE", &answer), phone()), REFUSED);
    let moved = answer.replace("uri=\"sip:example.org\"", "uri=\"sip:example.com\"");
    assert_eq!(bench.try_answer(&moved), Proof::Malformed);
}

#[test]
fn credentials_without_what_rfc_7616_wants_are_malformed() {
    let mut bench = bench();
    let answer = bench.answer("105", "right", Algorithm::Sha256);
    for (from, to) in
        [("nc=00000001", "nc=1"), ("nc=00000001", "nc=0000000g"), ("qop=auth", "qop=auth-int"), ("username=", "user=")]
    {
        assert_eq!(bench.try_answer(&answer.replace(from, to)), Proof::Malformed, "{to}");
    }
    assert_eq!(bench.try_answer(&answer.replace("nc=00000001", "nc=00000000")), REFUSED);
}

#[test]
fn an_answer_that_was_stripped_of_its_count_proves_nothing() {
    let mut bench = bench();
    let challenge = bench.challenge(Algorithm::Md5);
    let nonce = challenge_nonce(&bench);
    // What a client answers that was shown the challenge without its qop, as RFC 2069 had it.
    let stripped = Challenge::read(&format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm=MD5")).unwrap();
    assert_ne!(stripped, challenge);
    let answer = Credentials::new("105", "right").answer(&stripped, "REGISTER", "sip:example.org", &mut bench.rng);
    assert!(!answer.contains("qop"));
    assert_eq!(bench.try_answer(&answer), REFUSED);
    assert_eq!(bench.authenticator.proven(), 0);
}

/// The nonce that is offered now.
fn challenge_nonce(bench: &Bench) -> String {
    let fields = bench.authenticator.challenges(bench.now, phone(), &[Algorithm::Md5], false);
    fields[0].1.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn another_scheme_or_realm_counts_as_no_credentials() {
    let mut bench = bench();
    let answer = bench.answer("105", "right", Algorithm::Sha256);
    assert_eq!(bench.try_answer(&answer.replace(REALM, "example.net")), REFUSED);
    assert_eq!(bench.try_answer("NoOneKnowsThisScheme opaque-data=here"), REFUSED);
}
