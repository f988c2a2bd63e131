//! Who is let in, and where those users are who register: digest at the door, the registrar behind it.

use base::{Mono, Now, Rng};
use journal::{Kind, NoWayOut, StatusBy};
use sip::digest::{Authenticator, AuthenticatorConfig, Outcomes, Proof};
use sip::registrar::{Ping, Registrar, RegistrarConfig, RegistrarEvent};
use sip::{ConnectionId, Flow, Gate, Inquiry, InquiryId, Pending, Verdict};
use sip_message::{HeaderName, Method, NameAddr, Reason, Request, Uri};

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::book::Book;
use crate::locations::Changes;
use crate::outside::until_room;
use crate::switch::Switch;
use crate::trunks::Trunks;
use crate::{Config, Trunk};

/// How long a challenge can be answered.
const NONCE_LIFETIME: Duration = Duration::from_secs(300);
/// Challenges that were answered and are known for their counts: a few megabytes at most.
const MAX_PROVEN: usize = 50_000;

/// Q.850: no circuit or channel available.
pub(crate) const NO_CIRCUIT: u8 = 34;
/// Q.850: switching equipment congestion.
pub(crate) const CONGESTION: u8 = 42;

/// The seconds after which a call that found no room may be tried again.
const RETRY_AFTER: &str = "10";

/// What is known of those who register.
pub(crate) struct Desk {
    authenticator: Authenticator,
    pub registrar: Registrar,
    pub changes: Changes,
    /// The names that were proven by certificates, of the connections that are open.
    pub certificates: HashMap<ConnectionId, Vec<String>>,
    /// Questions to phones that wait for their answer: about which binding.
    pings: HashMap<InquiryId, (Arc<str>, u64)>,
    /// Who is registered on a connection that cannot be opened anew.
    browsers: HashMap<ConnectionId, BTreeSet<Arc<str>>>,
}

impl Desk {
    pub fn new(now: Now, config: &Config, rng: &mut Rng) -> Self {
        let mut registrar = Registrar::new(registrar_config(config));
        let authenticator = authenticator(config, rng);
        registrar.keep_alive(now, config.limits.registration.keep_alive, rng.fork());
        Self {
            authenticator,
            registrar,
            changes: Changes::default(),
            pings: HashMap::new(),
            certificates: HashMap::new(),
            browsers: HashMap::new(),
        }
    }

    /// A connection is gone: what was proven on it, and who can be reached by it alone.
    pub fn handle_connection_closed(&mut self, connection: ConnectionId) {
        self.certificates.remove(&connection);
        for record in self.browsers.remove(&connection).unwrap_or_default() {
            self.registrar.lose(&record, connection);
        }
    }

    /// The names that the other end of a flow has proven by a certificate.
    pub fn names_at(&self, flow: Flow) -> &[String] {
        flow.connection.and_then(|connection| self.certificates.get(&connection)).map_or(&[], Vec::as_slice)
    }

    /// Whoever registers no more, by the new configuration, has no phones. Another realm asks everybody anew.
    pub fn reconfigure(&mut self, now: Now, old: &Config, new: &Config, rng: &mut Rng) {
        if old.realm != new.realm {
            self.authenticator = authenticator(new, rng);
        }
        self.registrar.keep(|record| new.registers(record));
        self.registrar.configure(registrar_config(new));
        let keep_alive = new.limits.registration.keep_alive;
        if keep_alive != old.limits.registration.keep_alive {
            self.registrar.keep_alive(now, keep_alive, rng.fork());
        }
    }

    pub fn outcomes(&self) -> Outcomes {
        self.authenticator.outcomes()
    }

    pub fn handle_timeout(&mut self, now: Now) {
        self.authenticator.handle_timeout(now);
        self.registrar.handle_timeout(now);
    }

    pub fn poll_timeout(&self) -> Option<Mono> {
        [self.authenticator.poll_timeout(), self.registrar.poll_timeout()].into_iter().flatten().min()
    }
}

fn registrar_config(config: &Config) -> RegistrarConfig {
    let times = config.limits.registration;
    RegistrarConfig { min_expires: times.shortest, max_expires: times.longest, ..RegistrarConfig::default() }
}

fn authenticator(config: &Config, rng: &mut Rng) -> Authenticator {
    let realm = config.realm.to_string();
    Authenticator::new(AuthenticatorConfig { realm, lifetime: NONCE_LIFETIME, max_proven: MAX_PROVEN }, rng)
}

/// The gate of the SIP stack. REGISTER is for users who prove themselves. A call needs proof if it is said to come from
/// such a user, or if its source is neither the phone of a user nor a trunk. Who cannot be let in, or has to wait for
/// other calls to end, is told so here, where nothing is kept of him.
pub(crate) struct Door<'a> {
    pub config: &'a Config,
    pub desk: &'a mut Desk,
    pub book: &'a mut Book,
    pub trunks: &'a mut Trunks,
    /// As many calls live as may.
    pub is_full: bool,
}

/// What a call is at the door.
enum Knock<'a> {
    /// From a trunk, or, without one, a phone that is known by its address.
    Known(Option<&'a Trunk>),
    /// From whoever can prove to be a user who registers, or a trunk that must.
    ToProve,
    /// From somewhere that nobody is known at, where nobody registers.
    Stranger,
}

/// When a call that found no room may be tried again.
pub(crate) fn retry_after() -> (String, String) {
    (HeaderName::RetryAfter.as_str().to_owned(), RETRY_AFTER.to_owned())
}

impl Gate for Door<'_> {
    fn check(&mut self, now: Now, request: &Request, flow: Flow) -> Verdict {
        if request.method != Method::Register {
            let knock = self.knock(request, flow);
            if matches!(knock, Knock::Stranger) {
                let dialled = || request.uri.user().unwrap_or_default().into_owned();
                self.book.stranger(now, flow.remote.ip(), dialled);
                return Verdict::Answer { status: 403, headers: Vec::new() };
            }
            let for_help = || request.uri.user().is_some_and(|number| self.config.is_emergency(&number));
            if self.is_full && request.method == Method::Invite && !for_help() {
                self.book.overload(now);
                return Verdict::Answer { status: 503, headers: vec![retry_after()] };
            }
            if let Knock::Known(trunk) = knock {
                return self.within_limits(now, request, trunk).unwrap_or(Verdict::Pass { user: None });
            }
        }
        let config = self.config;
        // A trunk calls, and registers nowhere.
        let account = |user: &str| {
            let trunk = config.trunk_by_account(user).filter(|_| request.method != Method::Register)?;
            Some(&trunk.authenticate.as_ref()?.secret)
        };
        let secret_of = |user: &str| config.secrets.get(user).or_else(|| account(user));
        let algorithms = self.config.algorithms_of(flow.listener);
        match self.desk.authenticator.check(now, request, flow.remote, algorithms, secret_of) {
            Proof::Proven { user } if self.is_misplaced(&user, request, flow) => {
                self.book.unproven(now, flow.remote.ip());
                Verdict::Answer { status: 403, headers: Vec::new() }
            }
            Proof::Proven { user } => {
                // Who has not proven himself takes nothing away from the trunk.
                let trunk = config.trunk_by_account(&user);
                self.within_limits(now, request, trunk).unwrap_or_else(|| Verdict::Pass { user: Some(user.into()) })
            }
            Proof::Malformed => Verdict::Answer { status: 400, headers: Vec::new() },
            Proof::Unproven { stale } => {
                if !stale && request.head.header(HeaderName::Authorization).is_some() {
                    self.book.unproven(now, flow.remote.ip());
                }
                let headers = self.desk.authenticator.challenges(now, flow.remote, algorithms, stale);
                Verdict::Answer { status: 401, headers }
            }
        }
    }
}

impl<'a> Door<'a> {
    fn knock(&self, request: &Request, flow: Flow) -> Knock<'a> {
        let name = request.head.from.uri.user().unwrap_or_default();
        let trunk = self.trunk(request, flow);
        let must_prove = trunk.is_some_and(|trunk| trunk.authenticate.is_some());
        let is_user = self.config.user_of(flow, &name).is_some();
        if (is_user || (trunk.is_some() && !must_prove)) && !self.config.registers(&name) {
            return Knock::Known(trunk.filter(|_| !is_user));
        }
        // Where nobody registers, nobody could prove anything.
        let somebody = !self.config.secrets.is_empty() || self.config.trunks.iter().any(|t| t.authenticate.is_some());
        if somebody { Knock::ToProve } else { Knock::Stranger }
    }

    /// The trunk that a request comes from, by where it knows us or by its address.
    fn trunk(&self, request: &Request, flow: Flow) -> Option<&'a Trunk> {
        let name = self.trunks.of(self.config, request, flow, self.desk.names_at(flow))?;
        self.config.trunk(&name)
    }

    /// What a call is told that is one too many for its trunk.
    fn within_limits(&mut self, now: Now, request: &Request, trunk: Option<&Trunk>) -> Option<Verdict> {
        let trunk = trunk.filter(|_| request.method == Method::Invite)?;
        let why = self.trunks.let_in(now, trunk).err()?;
        let cause = if why == NoWayOut::TrunkFull { NO_CIRCUIT } else { CONGESTION };
        let again = until_room(why).map(|seconds| (HeaderName::RetryAfter, seconds.to_string()));
        let reason = Reason::q850(cause).value().map(|value| (HeaderName::Reason, value));
        let headers = again.into_iter().chain(reason).map(|(name, value)| (name.as_str().to_owned(), value)).collect();
        Some(Verdict::Answer { status: 503, headers })
    }

    /// A trunk has proven itself that must come from elsewhere.
    fn is_misplaced(&self, proven: &str, request: &Request, flow: Flow) -> bool {
        if request.method == Method::Register {
            return false;
        }
        let here = self.trunk(request, flow).filter(|trunk| trunk.authenticate.is_some());
        match self.config.trunk_by_account(proven) {
            Some(trunk) => here.map_or(!trunk.sources.is_empty(), |here| here.name != trunk.name),
            None => false,
        }
    }
}

impl Switch {
    /// A REGISTER of a user who is proven. The address of record is his own name, or that of a user for whom he may
    /// register; of all others he learns nothing, not even whether there are such.
    pub(crate) fn register(&mut self, now: Now, pending: Pending, user: Option<Arc<str>>) {
        let to = &pending.request().head.to.uri;
        let named = to.as_sip().map(|uri| uri.user().unwrap_or_default());
        let record = named.as_deref().zip(user).and_then(|(named, user)| self.config.record_of(&user, named));
        let (status, headers) = match (named, record) {
            (None, _) => (400, Vec::new()),
            (Some(_), Some(record)) => {
                let flow = pending.flow();
                let reply = self.desk.registrar.register(now, &record, pending.request(), flow);
                if let Some(connection) = flow.connection.filter(|_| !flow.transport.can_be_opened())
                    && reply.status == 200
                {
                    self.desk.browsers.entry(connection).or_default().insert(record.clone());
                }
                (reply.status, reply.headers)
            }
            (Some(_), None) => (403, Vec::new()),
        };
        self.sip.respond(now, pending, status, &headers);
    }

    /// A phone behind a NAT is to be asked whether it is there. What it answers does not matter: any answer will do.
    pub(crate) fn ping(&mut self, now: Now, ping: Ping) {
        let Ping { record, order, target, flow } = ping;
        let ours = NameAddr::new(Uri::new(flow.local.ip()).with_user("strowger"));
        let inquiry = Inquiry {
            flow,
            method: Method::Options,
            to: NameAddr::new(target.clone()),
            target,
            from: ours,
            call_id: None,
            cseq: 1,
            contact: None,
            headers: Vec::new(),
            body: None,
            login: None,
            onward: sip::Onward::default(),
        };
        let id = self.sip.inquire(now, inquiry);
        self.desk.pings.insert(id, (record, order));
    }

    /// A phone answered a question, or did not. False: the question was not one of these.
    pub(crate) fn pong(&mut self, now: Now, inquiry: InquiryId, answered: bool) -> bool {
        let Some((record, order)) = self.desk.pings.remove(&inquiry) else { return false };
        base::give_back(&mut self.desk.pings);
        self.desk.registrar.handle_pong(now, &record, order, answered);
        true
    }

    pub(crate) fn on_registrar(&mut self, now: Now, event: RegistrarEvent) {
        match event {
            RegistrarEvent::Bound { record, new, refreshed, first } => {
                self.desk.changes.note(record.clone());
                self.agent_in_reach(now, &record.clone().into(), refreshed);
                if first {
                    self.renew_duty(now, &record.clone().into(), StatusBy::Registration, "");
                }
                // Renewals are many and change nothing.
                if new {
                    self.book.write_system(now, Kind::Bound { user: record });
                }
            }
            RegistrarEvent::Unbound { record, expired, last } => {
                self.desk.changes.note(record.clone());
                if last && self.config.registers(&record) {
                    if !expired {
                        self.forget_duty(now, &record);
                    }
                    self.renew_duty(now, &record.clone().into(), StatusBy::Registration, "");
                }
                self.book.write_system(now, Kind::Unbound { user: record, expired });
            }
            RegistrarEvent::Lost { record, last } => {
                if last {
                    self.renew_duty(now, &record.clone().into(), StatusBy::Registration, "");
                }
                self.book.write_system(now, Kind::PhoneLost { user: record });
            }
            RegistrarEvent::Found { record, first } => {
                if first {
                    self.renew_duty(now, &record.clone().into(), StatusBy::Registration, "");
                }
                self.agent_in_reach(now, &record.clone().into(), false);
                self.book.write_system(now, Kind::PhoneFound { user: record });
            }
        }
    }
}
