//! As whom we speak to a peer that asks who we are (RFC 3261 22.2, 22.3; RFC 7616 3.3).
//!
//! What answers a challenge once is remembered: the next request to that peer carries credentials by itself, with the next count
//! of the nonce, until the peer says that it is stale. Credentials go to the machine that the session was placed with, and
//! nowhere else.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use sip_message::{HeaderName, Method, Response};

use crate::core::{Core, printed};
use crate::digest::{Challenge, Credentials, Login};

/// A header field that proves us.
pub(crate) type Proof = (String, String);

/// A challenge that cannot be answered.
pub(crate) struct LastWord;

/// As whom a session or a request speaks.
pub(crate) struct Identity {
    who: Who,
    answered: Answered,
}

enum Who {
    /// These alone, wherever the request goes.
    Given(Box<Credentials>),
    /// The login of this name, at this machine alone.
    Login(Arc<str>, IpAddr),
}

/// What was answered, so that a wrong password is sent once and nobody is asked for ever.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    Nothing,
    Challenge,
    StaleNonce,
}

impl Identity {
    /// Speaks by credentials that nobody else uses.
    pub(crate) fn given(credentials: Credentials) -> Self {
        Self { who: Who::Given(Box::new(credentials)), answered: Answered::Nothing }
    }

    /// Speaks by the login `name` to the machine at `home`.
    pub(crate) fn login(name: Arc<str>, home: IpAddr) -> Self {
        Self { who: Who::Login(name, home), answered: Answered::Nothing }
    }
}

/// Our logins by name, with what each peer asked last.
#[derive(Default)]
pub(crate) struct Logins(BTreeMap<Arc<str>, Account>);

struct Account {
    login: Login,
    credentials: Credentials,
    remembered: Option<(Challenge, HeaderName)>,
}

impl Logins {
    /// Takes all logins anew. What was asked of one that stays is still known.
    pub(crate) fn replace(&mut self, logins: impl Iterator<Item = (Arc<str>, Login)>) {
        let mut before = std::mem::take(&mut self.0);
        let account = |(name, login): (Arc<str>, Login)| {
            let kept = before.remove(&name).filter(|account| account.login == login);
            let fresh = |login| Account { credentials: Credentials::of(&login), login, remembered: None };
            (name, kept.unwrap_or_else(|| fresh(login)))
        };
        self.0 = logins.map(account).collect();
    }
}

impl Core {
    /// The header field for a new request of `identity` that goes to `to`, if its peer is known to ask for one.
    pub(crate) fn known_proof(
        &mut self,
        identity: Option<&mut Identity>,
        method: &Method,
        uri: impl Display,
        to: IpAddr,
    ) -> Option<Proof> {
        let identity = identity?;
        identity.answered = Answered::Nothing;
        let Who::Login(name, home) = &identity.who else { return None };
        let account = self.logins.0.get_mut(name).filter(|_| *home == to)?;
        let (challenge, field) = account.remembered.as_ref()?;
        let value = account.credentials.answer(challenge, method.as_str(), &printed(uri), &mut self.rng);
        Some((field.as_str().to_owned(), value))
    }

    /// The header field for a request that answers `challenge`; or for a new one, if there is none and the peer is known to ask.
    ///
    /// # Errors
    /// If the challenge is the last word.
    pub(crate) fn proof(
        &mut self,
        identity: Option<&mut Identity>,
        challenge: Option<&Response>,
        (method, uri, to): (&Method, &str, IpAddr),
    ) -> Result<Option<Proof>, LastWord> {
        match challenge {
            Some(response) => self.answer_challenge(identity, response, (method, uri, to)).map(Some).ok_or(LastWord),
            None => Ok(self.known_proof(identity, method, uri, to)),
        }
    }

    /// The header field with which a request may be sent to `to` again that `response` challenges: one answer to a first
    /// challenge, one more if the peer says that only the nonce was old. None: the response is the last word.
    pub(crate) fn answer_challenge(
        &mut self,
        identity: Option<&mut Identity>,
        response: &Response,
        (method, uri, to): (&Method, &str, IpAddr),
    ) -> Option<Proof> {
        let (asks, proves) = match response.status.code() {
            401 => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
            407 => (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
            _ => return None,
        };
        let Identity { who, answered } = identity?;
        let (credentials, remembered) = match who {
            Who::Given(credentials) => (&mut **credentials, None),
            Who::Login(name, home) => {
                let account = self.logins.0.get_mut(name).filter(|_| *home == to)?;
                (&mut account.credentials, Some(&mut account.remembered))
            }
        };
        let challenge = credentials.choose(response.head.headers(asks));
        let next = match (*answered, &challenge) {
            (Answered::Nothing, Some(_)) => Some(Answered::Challenge),
            (Answered::Challenge, Some(challenge)) if challenge.stale => Some(Answered::StaleNonce),
            _ => None,
        };
        let (Some(challenge), Some(next)) = (challenge, next) else {
            // What proves nothing is not sent by itself another time.
            remembered.map(Option::take);
            return None;
        };
        *answered = next;
        let value = credentials.answer(&challenge, method.as_str(), uri, &mut self.rng);
        if let Some(remembered) = remembered {
            *remembered = Some((challenge, proves));
        }
        Some((proves.as_str().to_owned(), value))
    }
}
