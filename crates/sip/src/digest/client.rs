//! The answer to a peer's challenge: the client's side (RFC 3261 22.2, RFC 7616 3.4, RFC 8760 2.4).

use std::fmt;
use std::sync::Arc;

use base::Rng;

use super::fields::{Fields, quote};
use super::hash::{Algorithm, Asked, Secret};

/// One challenge of a 401 or 407 that we can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// The server knows `qop=auth`.
    counted: bool,
    /// The password was right, only the nonce was old: try again without asking anyone.
    pub stale: bool,
}

impl Challenge {
    /// Reads the value of a WWW-Authenticate or Proxy-Authenticate header field. `None`: malformed, or with an algorithm,
    /// scheme or protection that we don't know.
    #[must_use]
    pub fn read(value: &str) -> Option<Self> {
        let fields = Fields::read(value).ok()??;
        let counted = match fields.value("qop") {
            None => false,
            Some(list) if list.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth")) => true,
            Some(_) => return None,
        };
        Some(Self {
            realm: fields.value("realm")?.to_owned(),
            nonce: fields.value("nonce")?.to_owned(),
            opaque: fields.value("opaque").map(str::to_owned),
            algorithm: Algorithm::read(fields.value("algorithm"))?,
            counted,
            stale: fields.value("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// The realm that asks.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The strongest challenge of a response's header fields; the first of equals (RFC 8760 2.4).
    pub fn strongest<'v>(values: impl Iterator<Item = &'v str>) -> Option<Self> {
        values.filter_map(Self::read).min_by_key(|challenge| challenge.algorithm)
    }
}

/// Who we are in one realm of a peer's. The password itself is not needed, nor kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The only realm whose challenges are answered.
    pub realm: Arc<str>,
    /// Our name there.
    pub user: Arc<str>,
    /// The secret of that name in that realm.
    pub secret: Secret,
}

/// A user's name and password, and how often the server's nonce has been used.
pub struct Credentials {
    user: String,
    known: Known,
    nonce: String,
    count: u32,
}

/// What proves the user.
enum Known {
    /// A password, for any realm that asks.
    Password(String),
    /// The secret of one realm.
    Secret(Arc<str>, Secret),
}

impl Credentials {
    /// Credentials for any realm that have not been used.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), known: Known::Password(password.to_owned()), nonce: String::new(), count: 0 }
    }

    /// Credentials for the realm of a login alone.
    #[must_use]
    pub fn of(login: &Login) -> Self {
        let known = Known::Secret(login.realm.clone(), login.secret.clone());
        Self { user: login.user.to_string(), known, nonce: String::new(), count: 0 }
    }

    /// The strongest challenge of a response's header fields that these may answer: with those of a login, one of its
    /// realm.
    pub fn choose<'v>(&self, values: impl Iterator<Item = &'v str>) -> Option<Challenge> {
        let fits = |challenge: &Challenge| match &self.known {
            Known::Password(_) => true,
            Known::Secret(realm, _) => challenge.realm == **realm,
        };
        values.filter_map(Challenge::read).filter(fits).min_by_key(|challenge| challenge.algorithm)
    }

    /// The value of Authorization (for a 401) or Proxy-Authorization (for a 407) in a request with this method and
    /// Request-URI, both as they are sent. Each use of a nonce is counted. The challenge is one that
    /// [`Credentials::choose`] gave.
    pub fn answer(&mut self, challenge: &Challenge, method: &str, uri: &str, rng: &mut Rng) -> String {
        if self.nonce == challenge.nonce {
            self.count = self.count.saturating_add(1);
        } else {
            self.nonce.clone_from(&challenge.nonce);
            self.count = 1;
        }
        let (nc, cnonce) = (format!("{:08x}", self.count), format!("{:016x}{:016x}", rng.u64(), rng.u64()));
        let count = challenge.counted.then_some((nc.as_str(), cnonce.as_str()));
        let asked = Asked { method, uri, nonce: &challenge.nonce, count };
        let response = match &self.known {
            Known::Password(password) => {
                Secret::of(&self.user, &challenge.realm, password).response(challenge.algorithm, &asked)
            }
            Known::Secret(_, secret) => secret.response(challenge.algorithm, &asked),
        };
        let mut text = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, algorithm={}, response=\"{response}\"",
            quote(&self.user),
            quote(&challenge.realm),
            quote(&challenge.nonce),
            quote(uri),
            challenge.algorithm.as_str(),
        );
        if challenge.counted {
            text += &format!(", qop=auth, nc={nc}, cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &challenge.opaque {
            text += &format!(", opaque={}", quote(opaque));
        }
        text
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(•••)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_challenge_that_we_know_is_chosen() {
        let values = [
            "Digest realm=\"r\", nonce=\"1\", algorithm=MD5, qop=\"auth\"",
            "Digest realm=\"r\", nonce=\"2\", algorithm=SHA-512-256, qop=\"auth\"",
            "Digest realm=\"r\", nonce=\"3\", algorithm=sha-256, qop=\"auth,auth-int\"",
            "Basic realm=\"r\"",
        ];
        assert_eq!(Challenge::strongest(values.into_iter()).unwrap().nonce, "3");
        assert_eq!(Challenge::read("Digest realm=\"r\", nonce=\"1\", qop=\"auth-int\""), None);
    }

    #[test]
    fn a_login_answers_its_own_realm_alone() {
        let login = Login { realm: "carrier".into(), user: "u".into(), secret: Secret::of("u", "carrier", "p") };
        let mut credentials = Credentials::of(&login);
        let ask = |realm, algorithm| format!("Digest realm=\"{realm}\", nonce=\"1\", algorithm={algorithm}");
        let (foreign, own) = (ask("other", "SHA-256"), ask("carrier", "MD5"));
        assert_eq!(credentials.choose([foreign.as_str()].into_iter()), None);
        let chosen = credentials.choose([foreign.as_str(), own.as_str()].into_iter()).unwrap();
        assert_eq!(chosen.realm(), "carrier");
        let mut by_password = Credentials::new("u", "p");
        let answers =
            [&mut credentials, &mut by_password].map(|c| c.answer(&chosen, "BYE", "sip:h", &mut Rng::from_number(1)));
        assert_eq!(answers[0], answers[1], "the secret says what the password says");
    }

    #[test]
    fn the_count_goes_on_with_a_nonce_and_starts_again_with_the_next() {
        let mut credentials = Credentials::new("105", "secret");
        let mut rng = Rng::from_number(1);
        let counts = ["a", "a", "b"].map(|nonce| {
            let challenge = Challenge::read(&format!("Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\"")).unwrap();
            let answer = credentials.answer(&challenge, "REGISTER", "sip:h", &mut rng);
            Fields::read(&answer).unwrap().unwrap().value("nc").unwrap().to_owned()
        });
        assert_eq!(counts, ["00000001", "00000002", "00000001"]);
    }

    #[test]
    fn a_server_without_qop_gets_the_answer_of_rfc_2069_and_its_opaque() {
        let challenge = Challenge::read("Digest realm=\"r\", nonce=\"n\", opaque=\"o\", stale=TRUE").unwrap();
        let answer = Credentials::new("u", "p").answer(&challenge, "INVITE", "sip:h", &mut Rng::from_number(1));
        let fields = Fields::read(&answer).unwrap().unwrap();
        assert!(challenge.stale && fields.value("nc").is_none() && fields.value("qop").is_none());
        assert_eq!(fields.value("opaque"), Some("o"));
    }
}
