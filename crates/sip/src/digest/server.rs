//! Who sent a request: the server's side (RFC 3261 22, RFC 7616 3.4, RFC 8760).

use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now, Rng};
use sip_message::{AnyUri, HeaderName, Request};
use subtle::ConstantTimeEq;

use super::fields::{Fields, quote};
use super::hash::{Algorithm, Asked, Secret};
use super::nonce::Nonces;

/// The most Authorization header fields of a request that are read.
const MAX_CREDENTIALS: usize = 4;

/// What an [`Authenticator`] is told at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatorConfig {
    /// The realm of our users.
    pub realm: String,
    /// How long a nonce of ours can be used.
    pub lifetime: Duration,
    /// How many nonces that proved a user are known at a time. When there are more, the oldest end before their time:
    /// their users are challenged once more.
    pub max_proven: usize,
}

/// What a request proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It was sent by this user.
    Proven {
        /// The user's name, which has a secret.
        user: String,
    },
    /// Nothing: it is answered 401 with [`Authenticator::challenges`]. `stale`: the password was right, but the nonce had
    /// ended or its count had come before.
    Unproven {
        /// The user need not be asked for his password again (RFC 7616 3.3).
        stale: bool,
    },
    /// Its credentials for our realm are malformed, or name another resource: it is answered 400 (RFC 7616 3.4).
    Malformed,
}

/// What became of the requests that were checked; counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// They proved a user.
    pub proven: u64,
    /// They had no credentials that we could take, and were asked for some.
    pub asked: u64,
    /// Their credentials proved nothing: a wrong password, or a user who is not there.
    pub failed: u64,
    /// Their password was right, but their nonce had ended or its count had come before.
    pub stale: u64,
    /// Their credentials were malformed.
    pub malformed: u64,
}

/// Credentials for our realm, as they came.
struct Given {
    algorithm: Algorithm,
    user: String,
    uri: String,
    nonce: String,
    cnonce: String,
    nc: String,
    response: String,
}

/// Proves users by digest. It keeps nothing of who has not proven himself.
pub struct Authenticator {
    realm: String,
    nonces: Nonces,
    /// The secret that stands in for that of a user who is not there.
    decoy: Secret,
    outcomes: Outcomes,
}

impl Authenticator {
    /// One with a key drawn from `rng`.
    #[must_use]
    pub fn new(config: AuthenticatorConfig, rng: &mut Rng) -> Self {
        let nonces = Nonces::new(rng, config.lifetime, config.max_proven);
        let decoy = Secret::of("", &config.realm, &format!("{:x}{:x}", rng.u64(), rng.u64()));
        Self { realm: config.realm, nonces, decoy, outcomes: Outcomes::default() }
    }

    /// Says who sent `request`, which came from `source`. `algorithms` is what policy lets its sender use;
    /// `secret_of` gives the secret of a user. A user who is not there is treated as one with another password.
    pub fn check<'s>(
        &mut self,
        now: Now,
        request: &Request,
        source: SocketAddr,
        algorithms: &[Algorithm],
        secret_of: impl FnOnce(&str) -> Option<&'s Secret>,
    ) -> Proof {
        let given = match self.given(request) {
            Err(()) => {
                self.outcomes.malformed += 1;
                return Proof::Malformed;
            }
            Ok(given) => given.filter(|given| algorithms.contains(&given.algorithm)),
        };
        let Some(given) = given else {
            self.outcomes.asked += 1;
            return Proof::Unproven { stale: false };
        };
        let secret = secret_of(&given.user);
        let (known, secret) = (secret.is_some(), secret.unwrap_or(&self.decoy));
        let asked = Asked {
            method: request.method.as_str(),
            uri: &given.uri,
            nonce: &given.nonce,
            count: Some((&given.nc, &given.cnonce)),
        };
        let expected = secret.response(given.algorithm, &asked);
        let same = bool::from(expected.as_bytes().ct_eq(given.response.to_ascii_lowercase().as_bytes()));
        let nonce = self.nonces.read(now.monotonic, source, &given.nonce);
        if !(same && known) {
            self.outcomes.failed += 1;
            return Proof::Unproven { stale: false };
        }
        let count = u32::from_str_radix(&given.nc, 16).unwrap_or(0);
        match nonce {
            Some(nonce) if self.nonces.take(now.monotonic, nonce, count) => {
                self.outcomes.proven += 1;
                Proof::Proven { user: given.user }
            }
            _ => {
                self.outcomes.stale += 1;
                Proof::Unproven { stale: true }
            }
        }
    }

    /// The header fields of a 401: one challenge for each of `algorithms`, in that order. Nothing is kept of them.
    #[must_use]
    pub fn challenges(
        &self,
        now: Now,
        source: SocketAddr,
        algorithms: &[Algorithm],
        stale: bool,
    ) -> Vec<(String, String)> {
        let nonce = self.nonces.make(now.monotonic, source);
        let realm = quote(&self.realm);
        let stale = if stale { ", stale=true" } else { "" };
        // Put together without `format!`: strangers may ask for this ten thousand times a second.
        let challenge = |algorithm: &Algorithm| {
            let parts = [
                "Digest realm=",
                &realm,
                ", nonce=\"",
                &nonce,
                "\", algorithm=",
                algorithm.as_str(),
                ", qop=\"auth\"",
                stale,
            ];
            parts.concat()
        };
        let name = HeaderName::WwwAuthenticate.as_str();
        algorithms.iter().map(|algorithm| (name.to_owned(), challenge(algorithm))).collect()
    }

    /// Forgets the counts of nonces that have ended.
    pub fn handle_timeout(&mut self, now: Now) {
        self.nonces.forget_ended(now.monotonic);
    }

    /// When to call [`Authenticator::handle_timeout`]; `None`: nothing is kept.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.nonces.poll_timeout()
    }

    /// How many nonces have proven a user and are kept for their counts.
    #[must_use]
    pub fn proven(&self) -> usize {
        self.nonces.len()
    }

    /// What became of the requests so far.
    #[must_use]
    pub fn outcomes(&self) -> Outcomes {
        self.outcomes
    }

    /// The first credentials for our realm, if the request has any.
    fn given(&self, request: &Request) -> Result<Option<Given>, ()> {
        for value in request.head.headers(HeaderName::Authorization).take(MAX_CREDENTIALS) {
            if let Some(fields) = Fields::read(value)?
                && fields.value("realm") == Some(&self.realm)
            {
                return read(&fields, &request.uri);
            }
        }
        Ok(None)
    }
}

/// Credentials whose algorithm is not ours are none.
fn read(fields: &Fields, target: &AnyUri) -> Result<Option<Given>, ()> {
    let Some(algorithm) = Algorithm::read(fields.value("algorithm")) else { return Ok(None) };
    let text = |name: &str| fields.value(name).map(str::to_owned).ok_or(());
    // A client that knows no qop would leave us without a count to refuse replays by.
    let Some(qop) = fields.value("qop") else { return Ok(None) };
    let given = Given {
        algorithm,
        user: text("username")?,
        uri: text("uri")?,
        nonce: text("nonce")?,
        cnonce: text("cnonce")?,
        nc: text("nc")?,
        response: text("response")?,
    };
    let counted = given.nc.len() == 8 && given.nc.bytes().all(|byte| byte.is_ascii_hexdigit());
    let same = given.uri.parse::<AnyUri>().is_ok_and(|uri| uri.matches(target));
    if qop.eq_ignore_ascii_case("auth") && counted && same { Ok(Some(given)) } else { Err(()) }
}
