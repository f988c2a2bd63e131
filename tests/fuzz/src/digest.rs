//! Digest challenges and credentials.

use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now, Rng, Wall};
use bytes::Bytes;
use sip::digest::{Algorithm, Authenticator, AuthenticatorConfig, Challenge, Credentials, Proof, Secret};
use sip_message::{AnyUri, CSeq, HeaderName, Message, Method, Request, RequestBuilder, parse_datagram};

use crate::octets::Octets;

const BOTH: &[Algorithm] = &[Algorithm::Sha256, Algorithm::Md5];

/// Reads the input as a challenge and as credentials, and takes it for the names and the password of a user who proves himself.
///
/// # Panics
/// If somebody is proven who has no password, or nobody is who has, or what is written does not read back.
pub fn digest(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data).replace(char::is_control, " ");
    let is_read = a_challenge_is_answered_in_its_own_words(&text);
    let mut server = Server::new("strowger");
    let request = request(&[&text, &text.replace("NONCE", &server.nonce())], "sip:strowger");
    assert!(!matches!(server.check(&request, "secret"), Proof::Proven { .. }), "{text}");
    assert_eq!(server.authenticator.proven(), 0, "nothing is kept of the unproven");
    only_who_has_the_password_is_proven(&mut Octets::of(data));
    is_read
}

/// True: it is a challenge.
fn a_challenge_is_answered_in_its_own_words(text: &str) -> bool {
    let Some(mut challenge) = Challenge::read(text) else { return false };
    let mut credentials = Credentials::new("user", "secret");
    let answer = credentials.answer(&challenge, "INVITE", "sip:h", &mut Rng::from_number(1));
    assert!(!answer.contains(char::is_control), "{answer:?}");
    // Credentials hold all that a challenge does, but for this. Long ones are beyond what is read.
    challenge.stale = false;
    assert!(answer.len() > 2000 || Challenge::read(&answer) == Some(challenge), "{text} and {answer}");
    true
}

struct Server {
    authenticator: Authenticator,
    now: Now,
}

impl Server {
    fn new(realm: &str) -> Self {
        let lifetime = Duration::from_secs(300);
        let config = AuthenticatorConfig { realm: realm.to_owned(), lifetime, max_proven: 2 };
        let now = Now { monotonic: Mono::from_nanos(1), wall: Wall::from_unix_micros(0) };
        Self { authenticator: Authenticator::new(config, &mut Rng::from_number(1)), now }
    }

    fn challenges(&self) -> Vec<(String, String)> {
        self.authenticator.challenges(self.now, peer(5060), BOTH, false)
    }

    fn nonce(&self) -> String {
        let challenge = self.challenges().swap_remove(0).1;
        let (_, nonce) = challenge.split_once("nonce=\"").unwrap();
        nonce.split_once('"').unwrap().0.to_owned()
    }

    fn check(&mut self, request: &Request, password: &str) -> Proof {
        self.check_from(peer(5060), request, "user", password)
    }

    /// Checks a request; every user has `password`.
    fn check_from(&mut self, source: SocketAddr, request: &Request, user: &str, password: &str) -> Proof {
        let secret = Secret::of(user, "strowger", password);
        self.authenticator.check(self.now, request, source, BOTH, |_| Some(&secret))
    }
}

/// The whole exchange with any user, password and Request-URI.
fn only_who_has_the_password_is_proven(octets: &mut Octets<'_>) {
    let mut word = || octets.text().replace(char::is_control, "x");
    let (user, password, uri) = (word(), word(), word());
    // Behind the whole of a text there is no room for more names.
    let uri = match uri.parse::<AnyUri>() {
        Ok(uri) if uri.as_sip().is_none_or(|uri| uri.raw_headers().is_empty()) => uri.to_string(),
        _ => "sip:strowger".to_owned(),
    };
    let mut server = Server::new("strowger");
    let challenges = server.challenges();
    let challenge =
        Challenge::strongest(challenges.iter().map(|(_, value)| value.as_str())).expect("a challenge of ours");
    let mut credentials = Credentials::new(&user, &password);
    let mut sign = |password: Option<&str>| {
        let mut other = password.map(|password| Credentials::new(&user, password));
        let credentials = other.as_mut().unwrap_or(&mut credentials);
        credentials.answer(&challenge, "REGISTER", &uri, &mut Rng::from_number(2))
    };
    let (first, second, forged) = (sign(None), sign(None), sign(Some(&format!("{password}x"))));
    let mut check = |value: &str, source| server.check_from(source, &request(&[value], &uri), &user, &password);
    let proven = Proof::Proven { user: user.clone() };
    assert_eq!(check(&forged, peer(5060)), Proof::Unproven { stale: false });
    assert_eq!(check(&first, peer(5061)), Proof::Unproven { stale: true }, "the nonce is another's");
    assert_eq!(check(&first, peer(5060)), proven, "{first} for {uri}");
    assert_eq!(check(&first, peer(5060)), Proof::Unproven { stale: true }, "replayed");
    assert_eq!(check(&second, peer(5060)), proven);
    let moved = request(&[&sign(None)], "sip:elsewhere@example.net");
    assert!(!matches!(server.check_from(peer(5060), &moved, &user, &password), Proof::Proven { .. }));
}

fn peer(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

/// A REGISTER with these Authorization header fields.
fn request(credentials: &[&str], uri: &str) -> Request {
    let via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1".parse().unwrap();
    let (from, to) = ("<sip:a@h>;tag=1".parse().unwrap(), "<sip:a@h>".parse().unwrap());
    let mut builder = RequestBuilder::new(&Method::Register, &uri.parse().unwrap());
    builder = builder.via(&via).from(&from).to(&to).call_id("c").cseq(&CSeq { number: 1, method: Method::Register });
    for value in credentials {
        builder = builder.header(HeaderName::Authorization, value);
    }
    let built: Bytes = builder.build();
    match parse_datagram(built.clone()) {
        Ok(Message::Request(request)) => *request,
        other => panic!("{built:?}: {other:?}"),
    }
}
