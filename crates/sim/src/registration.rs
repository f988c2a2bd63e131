//! A phone's registration: REGISTER with digest, sent again while nobody answers, renewed at half of its time
//! (RFC 3261 10.2, 17.1.2, 22.2).

use std::time::Duration;

use base::{Mono, Rng};
use bytes::Bytes;
use sip::digest::{Challenge, Credentials};
use sip::{Flow, Times, Transmit, Transport};
use sip_message::{AnyUri, CSeq, HeaderName, Method, NameAddr, RequestBuilder, Response, Uri, Via};

/// A user's name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// His name.
    pub user: String,
    /// His password.
    pub password: String,
}

/// What came of a REGISTER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// We are bound.
    Bound,
    /// We are not bound any more, as we wished.
    Removed,
    /// It was refused with this status, or 408: nobody answered.
    Failed(u16),
}

/// The client's side of one registration.
pub(crate) struct Registration {
    account: Account,
    credentials: Credentials,
    flow: Flow,
    rng: Rng,
    call_id: String,
    cseq: u32,
    asking: Option<Asking>,
    renew: Option<Mono>,
    /// For how many seconds it asks when it renews.
    expires: u32,
    transmit: Option<Transmit>,
}

/// A REGISTER that is not answered.
struct Asking {
    seconds: u32,
    payload: Bytes,
    proven: bool,
    interval: Duration,
    again: Mono,
    give_up: Mono,
}

impl Registration {
    pub(crate) fn new(account: Account, flow: Flow, mut rng: Rng) -> Self {
        let credentials = Credentials::new(&account.user, &account.password);
        let call_id = format!("{:016x}", rng.u64());
        let (asking, renew, transmit) = (None, None, None);
        Self { account, credentials, flow, rng, call_id, cseq: 0, asking, renew, expires: EXPIRES, transmit }
    }

    /// Asks to be bound for so many seconds; 0: not any more.
    pub(crate) fn ask(&mut self, now: Mono, seconds: u32) {
        self.renew = None;
        if seconds > 0 {
            self.expires = seconds;
        }
        self.send(now, seconds, None);
    }

    /// A response to a REGISTER of ours.
    pub(crate) fn handle_response(&mut self, now: Mono, response: &Response) -> Option<Outcome> {
        if !response.status.is_final() || response.head.cseq.number != self.cseq {
            return None;
        }
        let Asking { seconds, proven, .. } = self.asking.take()?;
        if response.status.code() == 401 {
            let challenge = Challenge::strongest(response.head.headers(HeaderName::WwwAuthenticate));
            // Once more if only the nonce was old; never in a circle.
            if let Some(challenge) = challenge.filter(|challenge| !proven || challenge.stale) {
                self.send(now, seconds, Some(&challenge));
                return None;
            }
        }
        Some(match response.status.is_success() {
            true if seconds == 0 => Outcome::Removed,
            true => {
                self.renew = Some(now + Duration::from_secs(u64::from(seconds)) / 2);
                Outcome::Bound
            }
            false => Outcome::Failed(response.status.code()),
        })
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Mono) -> Option<Outcome> {
        if self.renew.take_if(|at| *at <= now).is_some() {
            self.send(now, self.expires, None);
        }
        let asking = self.asking.as_mut().filter(|asking| asking.again <= now)?;
        if asking.give_up <= now {
            self.asking = None;
            return Some(Outcome::Failed(408));
        }
        asking.interval = Times::default().next_interval(asking.interval);
        asking.again = (now + asking.interval).min(asking.give_up);
        self.transmit = Some(Transmit { flow: self.flow, payload: asking.payload.clone() });
        None
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmit.take()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        self.asking.as_ref().map(|asking| asking.again).into_iter().chain(self.renew).min()
    }

    /// True if no answer is awaited.
    pub(crate) fn is_quiet(&self) -> bool {
        self.asking.is_none()
    }

    /// The Authorization header field for an INVITE of ours that a 401 refused.
    pub(crate) fn authorize(&mut self, response: &Response, target: &AnyUri) -> Option<(String, String)> {
        let challenge = Challenge::strongest(response.head.headers(HeaderName::WwwAuthenticate))?;
        let value = self.credentials.answer(&challenge, "INVITE", &target.to_string(), &mut self.rng);
        Some((HeaderName::Authorization.as_str().to_owned(), value))
    }

    fn send(&mut self, now: Mono, seconds: u32, challenge: Option<&Challenge>) {
        self.cseq += 1;
        let registrar = Uri::from_address(self.flow.remote);
        let record = NameAddr::new(registrar.clone().with_user(&self.account.user));
        let transport = (self.flow.transport == Transport::Tcp).then_some("tcp");
        let contact = Uri::from_address(self.flow.local).with_user(&self.account.user);
        let contact = transport.map_or(contact.clone(), |name| contact.with_param("transport", Some(name)));
        let target = AnyUri::from(registrar);
        let branch = format!("z9hG4bKr{:016x}", self.rng.u64());
        let mut builder = RequestBuilder::new(&Method::Register, &target)
            .via(&Via::new(self.flow.transport.in_via(), self.flow.local, &branch))
            .max_forwards(70)
            .from(&record.clone().with_tag("r"))
            .to(&record)
            .call_id(&self.call_id)
            .cseq(&CSeq { number: self.cseq, method: Method::Register })
            .contact(&NameAddr::new(contact))
            .header(HeaderName::Expires, &seconds.to_string());
        if let Some(challenge) = challenge {
            let value = self.credentials.answer(challenge, "REGISTER", &target.to_string(), &mut self.rng);
            builder = builder.header(HeaderName::Authorization, &value);
        }
        let (payload, times) = (builder.build(), Times::default());
        let give_up = now + times.patience();
        let again = if self.flow.transport.is_reliable() { give_up } else { now + times.t1 };
        self.transmit = Some(Transmit { flow: self.flow, payload: payload.clone() });
        self.asking =
            Some(Asking { seconds, payload, proven: challenge.is_some(), interval: times.t1, again, give_up });
    }
}

/// For how long phones register, in seconds.
pub(crate) const EXPIRES: u32 = 600;
