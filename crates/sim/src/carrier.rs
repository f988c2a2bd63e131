//! What a phone is more if it is the far end of a trunk: it asks who calls, and is a registrar.

use std::sync::Arc;
use std::time::Duration;

use base::{Now, Rng};
use sip::digest::{Algorithm, Authenticator, AuthenticatorConfig, Proof, Secret};
use sip::{Flow, Gate, Pending, Verdict};
use sip_message::{HeaderName, Method, Request};

/// Both hashes, the stronger first.
const BOTH: &[Algorithm] = &[Algorithm::Sha256, Algorithm::Md5];

/// The far end of a trunk.
pub struct Carrier {
    authenticator: Authenticator,
    /// Who is let in, and by what; whoever asks is, if there is none.
    pub account: Option<(String, Secret)>,
    /// What a REGISTER that is let in is answered with.
    pub reply: u16,
    /// More header fields of that answer.
    pub headers: Vec<(String, String)>,
    /// The fewest seconds that it takes, and the most that it grants.
    pub grants: (u32, u32),
    /// The REGISTERs that were let in, in order.
    pub registers: Vec<Register>,
    /// The Contact that is bound.
    pub bound: Option<String>,
}

/// A REGISTER that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// When.
    pub at: base::Mono,
    /// Its Contact.
    pub contact: String,
    /// The seconds that it asks for.
    pub expires: u32,
    /// Its Call-ID.
    pub call_id: String,
    /// Its number.
    pub cseq: u32,
}

impl Carrier {
    /// One in `realm` that lets `user` in by his password, and everybody if there is none.
    #[must_use]
    pub fn new(realm: &str, account: Option<(&str, &str)>) -> Self {
        let lifetime = Duration::from_secs(300);
        let config = AuthenticatorConfig { realm: realm.to_owned(), lifetime, max_proven: 100 };
        let account = account.map(|(user, password)| (user.to_owned(), Secret::of(user, realm, password)));
        Self {
            authenticator: Authenticator::new(config, &mut Rng::from_number(7)),
            account,
            reply: 200,
            headers: Vec::new(),
            grants: (60, 3600),
            registers: Vec::new(),
            bound: None,
        }
    }

    /// Takes a REGISTER: the status and the header fields of its answer.
    pub(crate) fn register(&mut self, now: Now, pending: &Pending) -> (u16, Vec<(String, String)>) {
        let head = &pending.request().head;
        let contact = head.contacts.first().map(ToString::to_string).unwrap_or_default();
        let expires = head.expires().unwrap_or(3600);
        self.registers.push(Register {
            at: now.monotonic,
            contact: contact.clone(),
            expires,
            call_id: head.call_id.to_string(),
            cseq: head.cseq.number,
        });
        let mut headers = self.headers.clone();
        let (least, most) = self.grants;
        if self.reply == 200 && (1..least).contains(&expires) {
            headers.push((HeaderName::MinExpires.as_str().to_owned(), least.to_string()));
            return (423, headers);
        }
        if self.reply == 200 {
            self.bound = (expires > 0).then(|| contact.clone());
            if expires > 0 {
                let granted = format!("{contact};expires={}", expires.min(most));
                headers.push((HeaderName::Contact.as_str().to_owned(), granted));
            }
        }
        (self.reply, headers)
    }
}

/// A phone lets everybody in; the far end of a trunk with an account only who has it.
pub(crate) struct Entrance<'a>(pub Option<&'a mut Carrier>);

impl Gate for Entrance<'_> {
    fn check(&mut self, now: Now, request: &Request, flow: Flow) -> Verdict {
        let Some(carrier) = &mut self.0 else { return Verdict::Pass { user: None } };
        if request.method == Method::Register && carrier.reply != 200 {
            return Verdict::Pass { user: None };
        }
        let Some((user, secret)) = &carrier.account else { return Verdict::Pass { user: None } };
        let secret_of = |name: &str| (name == user).then_some(secret);
        match carrier.authenticator.check(now, request, flow.remote, BOTH, secret_of) {
            Proof::Proven { user } => Verdict::Pass { user: Some(Arc::from(user)) },
            Proof::Malformed => Verdict::Answer { status: 400, headers: Vec::new() },
            Proof::Unproven { stale } => {
                let headers = carrier.authenticator.challenges(now, flow.remote, BOTH, stale);
                Verdict::Answer { status: 401, headers }
            }
        }
    }
}
