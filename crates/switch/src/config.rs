//! What the switch needs to know of a company: made and checked by crate `company`, taken whole and never half.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use journal::Asker;
use sip::digest::{Algorithm, Login, Secret};
use sip::health::Watch;
use sip::locate::Site;
use sip::registrar::KeepAlive;
use sip::{Flow, Transport};
use sip_message::{Scheme, Uri};

use crate::far_end::{FarEnd, NamedSources};
use crate::numbers::{NumberRules, Of};
use crate::prompts::{PromptName, Prompts};

/// Names a flow: the file's name without its ending.
pub type FlowName = Arc<str>;
/// Names a user: his extension or another short name, unique in the company.
pub type UserName = Arc<str>;
/// Names a grant.
pub type GrantName = Arc<str>;
/// Names a mailbox: a user's name, or another one.
pub type MailboxName = Arc<str>;
/// Names a trunk.
pub type TrunkName = Arc<str>;

/// The plan by which calls are taken, answered and connected.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Who may send calls without being a user, and where calls to the outside go.
    pub trunks: Vec<Trunk>,
    /// Who may call where through a trunk. Without one nobody may.
    pub grants: BTreeMap<GrantName, Grant>,
    /// The numbers that every user may call whatever the grants say.
    pub emergency: Option<Emergency>,
    /// The realm of digest authentication.
    pub realm: Arc<str>,
    /// The hashes that are offered to those who register, the strongest first, and taken of them.
    pub algorithms: Vec<Algorithm>,
    /// The same by a listener's index, where it differs.
    pub listener_algorithms: BTreeMap<u16, Vec<Algorithm>>,
    /// What those prove themselves with who register. Found by the driver, which keeps the passwords.
    pub secrets: BTreeMap<UserName, Secret>,
    /// Who else may see what a user's phone does, and pick up a call that rings there.
    pub watchers: BTreeMap<UserName, Watchers>,
    /// For which other users a user's phone may register, besides himself.
    pub registers_for: BTreeMap<UserName, BTreeSet<UserName>>,
    /// Everyone who has a phone.
    pub users: BTreeMap<UserName, User>,
    /// The number plan: which number reaches what.
    pub numbers: BTreeMap<Arc<str>, Destination>,
    /// The menus, read and checked.
    pub flows: Arc<ivr::Flows>,
    /// When the company is open, by name; flows ask.
    pub calendars: BTreeMap<Arc<str>, Arc<hours::Calendar>>,
    /// What people turn in an emergency, with what it means.
    pub switches: BTreeMap<Arc<str>, Arc<str>>,
    /// The queues.
    pub queues: Vec<acd::QueueConfig>,
    /// The agents of the queues: users, seen by the ACD.
    pub agents: Vec<acd::AgentConfig>,
    /// How they log in and pause.
    pub duties: crate::Duties,
    /// Where voice messages lie. Each user has one by his name.
    pub mailboxes: BTreeMap<MailboxName, Mailbox>,
    /// What each queue plays to those who wait in it.
    pub queue_music: HashMap<acd::QueueName, PromptName>,
    /// What those hear whom the other side holds, if they did not meet through a queue with music. Without either they hear
    /// what the phone that holds sends.
    pub hold_music: Option<PromptName>,
    /// What callers can hear. Shared with the calls that live, as their flows go on naming what was there when they began.
    pub prompts: Prompts,
    /// Whether audio is encrypted, where neither a user, a trunk nor a listener says otherwise.
    pub srtp: SrtpPolicy,
    /// The same by a listener's index.
    pub listener_srtp: BTreeMap<u16, SrtpPolicy>,
    /// Limits and times.
    pub limits: Limits,
}

/// Whether audio is encrypted (SRTP).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SrtpPolicy {
    /// It is not; offers of SRTP alone are refused.
    Never,
    /// What is offered is taken. We offer SRTP by TLS, and again in clear to who takes none; else in clear.
    #[default]
    Allowed,
    /// Offers without SRTP are refused, and we offer nothing else.
    Required,
}

/// A peer that is known by its address: it sends calls, takes calls, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Its name in configuration, journal and CDRs.
    pub name: TrunkName,
    /// Calls from these addresses are this trunk's.
    pub sources: Vec<IpNet>,
    /// Calls from the addresses that these names lead to are this trunk's, too.
    pub source_names: Vec<Site>,
    /// Calls by connections whose other end has proven this name by a certificate are this trunk's, and no others; if there
    /// are `sources`, too, only from there. In lower case.
    pub certificate: Option<Box<str>>,
    /// Where calls through it go; none if it takes none.
    pub to: Option<FarEnd>,
    /// The name that its certificate must bear when calls go there under TLS; its own name or address if none.
    pub to_name: Option<Box<str>>,
    /// The number that calls through it show.
    pub caller_id: CallerId,
    /// Who we are to its far end, when that asks.
    pub login: Option<Login>,
    /// Those who come by it, or are called through it, may transfer.
    pub transfers: bool,
    /// Those who come by it may send messages to users.
    pub messages: bool,
    /// We register at its far end, which sends calls to where that says we are.
    pub register: Option<Register>,
    /// Who its far end must prove to be, for each call that it sends.
    pub authenticate: Option<Account>,
    /// How its far end is watched by OPTIONS, if it is.
    pub health: Option<Watch>,
    /// The trunk that calls go to when this one is down, busy (503) or silent (408). No trunk leads to itself by these.
    pub failover: Option<TrunkName>,
    /// How long its far end may say nothing at all to a call before that counts as silence; without it, as RFC 3261 has it.
    pub silence: Option<Duration>,
    /// Whether audio is encrypted with it, whatever the listener.
    pub srtp: Option<SrtpPolicy>,
    /// What it says of identities is believed, and it is told what is said of them in confidence (RFC 3325).
    pub trusted: bool,
    /// How it writes numbers.
    pub numbers: NumberRules,
    /// The most calls at once by it, in and out together.
    pub channels: Option<usize>,
    /// The most calls that may begin in a second, each way for itself; as many may begin at once after a second's rest.
    pub calls_per_second: Option<u32>,
}

/// How we register at the far end of a trunk, as the user of its login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The user part of our contact: calls come for it, or for the number in their To.
    pub contact: Arc<str>,
    /// For how long at a time, if the far end grants it.
    pub expires: Duration,
}

/// A name that proves itself to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub user: Arc<str>,
    /// Its secret in our own realm.
    pub secret: Secret,
}

impl Trunk {
    /// A trunk that sends calls and takes none.
    #[must_use]
    pub fn incoming(name: &str, sources: Vec<IpNet>) -> Self {
        Self {
            name: name.into(),
            sources,
            source_names: Vec::new(),
            certificate: None,
            to: None,
            to_name: None,
            caller_id: CallerId::Anonymous,
            login: None,
            srtp: None,
            transfers: false,
            messages: false,
            register: None,
            authenticate: None,
            health: None,
            failover: None,
            silence: None,
            trusted: false,
            numbers: NumberRules::default(),
            channels: None,
            calls_per_second: None,
        }
    }
}

/// The number that a call to the outside shows as its caller's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CallerId {
    /// None.
    #[default]
    Anonymous,
    /// This one, whoever calls.
    Number(Arc<str>),
    /// The caller's own, if it is a number: as it came in, or his name as a user.
    Caller,
}

/// Somebody with a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name shown to those whom he calls.
    pub display: Option<String>,
    /// Where his phone is.
    pub place: Place,
    /// What his calls to the outside show, in place of what their trunk says.
    pub caller_id: Option<Arc<str>>,
    /// Which of his phones ring together, if he registers several.
    pub ring: Ring,
    /// How long they ring before those do that he prefers less.
    pub turn: Duration,
    /// Whether audio is encrypted with his phones, whatever the listener.
    pub srtp: Option<SrtpPolicy>,
}

/// Which of a user's phones ring together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ring {
    /// Those that he prefers equally.
    #[default]
    All,
    /// One after the other; of those that he prefers equally, the one first that registered last.
    InTurn,
}

/// How long phones ring before those do that their user prefers less, if nothing else is said.
const USUAL_TURN: Duration = Duration::from_secs(15);

/// Where a user's phone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a fixed address, by which it is known.
    Fixed(Peer),
    /// Where it registers from. It proves itself with the user's secret.
    Registered,
}

/// Something at an address that calls are sent to: a user's phone, or the far end of a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its URI. That of a trunk has no user part: there stands the number that is called.
    pub contact: Uri,
    /// The address that requests for `contact` are sent to. A user's own calls are known by it.
    pub address: SocketAddr,
    /// The address of this machine that it reaches us at, where the listener is bound to every address. Found by
    /// the driver, as only the system knows; without it the listener's own stands.
    pub reached_at: Option<IpAddr>,
    /// The listener that its calls go out by, as an index, where the configuration says so.
    pub listener: Option<u16>,
}

impl Peer {
    /// What carries requests to it: the `transport` of its contact.
    #[must_use]
    pub fn transport(&self) -> Transport {
        let named = self.contact.param("transport").and_then(|name| Transport::by_name(&name));
        match self.contact.scheme() {
            // Above TCP if nothing else is said (RFC 3261 26.2.2).
            Scheme::Sips => Transport::Tls,
            Scheme::Sip => named.unwrap_or_default(),
        }
    }
}

/// A mailbox for voice messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Who may hear its messages from his own phone, and whose lamp is lit while there is a new one.
    pub users: BTreeSet<UserName>,
    /// With so many it is full.
    pub max_messages: u32,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { users: BTreeSet::new(), max_messages: 100 }
    }
}

/// What a number reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A menu.
    Flow(FlowName),
    /// A user's phone.
    User(UserName),
    /// A queue, without a menu before it.
    Queue(acd::QueueName),
}

/// Leave to call out: to numbers with these prefixes, through this trunk, within these limits. They are shared by all
/// whom the grant names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its name in configuration, journal and CDRs.
    pub name: GrantName,
    /// Who has it.
    pub askers: BTreeSet<Asker>,
    /// How the numbers begin: digits, with a `+` before them or not. Of all that fit, the longest decides.
    pub prefixes: Vec<Arc<str>>,
    /// The trunk that the calls go through.
    pub trunk: TrunkName,
    /// Calls at once, those included that ring.
    pub at_once: usize,
    /// What its calls may last in a day (UTC) together, from their answers on, in minutes.
    pub minutes_a_day: u32,
}

/// Numbers that users call without a grant and whatever limits say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emergency {
    /// The numbers, as they are dialled.
    pub numbers: BTreeSet<Arc<str>>,
    /// The trunk that the calls go through.
    pub trunk: TrunkName,
}

/// Limits and times of the whole switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live calls at once; more get 503.
    pub max_calls: usize,
    /// The longest a call may last.
    pub max_call_time: Duration,
    /// After how long a session ends that was not refreshed, as the switch asks for it and at most; none: there are no
    /// session timers (RFC 4028).
    pub session_timer: Option<Duration>,
    /// How long a user's phone rings when nothing else says so.
    pub ring_time: Duration,
    /// At a drain: how long live calls may go on when nothing else says so.
    pub grace: Duration,
    /// How long a text may take to be spoken while a caller waits for it.
    pub speech: Duration,
    /// The addresses that peers send media to, written into SDP, by the index of the listener that a call comes or goes by;
    /// without one, the address that its signalling uses.
    pub media_addresses: BTreeMap<u16, IpAddr>,
    /// Of those who register.
    pub registration: Registration,
}

/// Times of registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Who asks for less is refused, and told so.
    pub shortest: Duration,
    /// Who asks for more gets this.
    pub longest: Duration,
    /// How often phones behind NATs are asked whether they are there; `None`: never.
    pub keep_alive: Option<KeepAlive>,
}

impl Default for Registration {
    fn default() -> Self {
        let (shortest, longest) = (Duration::from_secs(60), Duration::from_secs(3600));
        Self { shortest, longest, keep_alive: Some(KeepAlive::default()) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_calls: 2_000,
            max_call_time: Duration::from_secs(4 * 3600),
            session_timer: Some(Duration::from_secs(30 * 60)),
            ring_time: Duration::from_secs(30),
            grace: Duration::from_secs(20),
            speech: Duration::from_secs(5),
            media_addresses: BTreeMap::new(),
            registration: Registration::default(),
        }
    }
}

impl Limits {
    /// The address that the peer of a flow sends media to. One of the other IP version is none to him.
    #[must_use]
    pub fn media_address(&self, flow: Flow) -> IpAddr {
        let own = flow.local.ip();
        let told = self.media_addresses.get(&flow.listener).copied();
        told.filter(|address| address.is_ipv4() == own.is_ipv4()).unwrap_or(own)
    }

    /// The most SIP sessions: each call has two legs at most; what is above comes from sessions that linger.
    #[must_use]
    pub const fn max_sessions(&self) -> usize {
        self.max_calls.saturating_mul(3)
    }
}

/// Who may see what a user's phone does, besides himself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watchers {
    /// Every user.
    All,
    /// These.
    Only(BTreeSet<UserName>),
}

impl User {
    /// A user without a display name whose calls show what their trunk says.
    #[must_use]
    pub const fn at(place: Place) -> Self {
        Self { display: None, place, caller_id: None, ring: Ring::All, turn: USUAL_TURN, srtp: None }
    }

    /// His phone, if it is at a fixed address.
    #[must_use]
    pub fn fixed(&self) -> Option<&Peer> {
        match &self.place {
            Place::Fixed(phone) => Some(phone),
            Place::Registered => None,
        }
    }
}

impl Config {
    /// The trunk that sends on `flow`, over a connection whose other end has shown a certificate with `names`: the one with
    /// one of them; else the one that the address belongs to, of several the one with the longest prefix.
    #[must_use]
    pub(crate) fn trunk_of(&self, flow: Flow, names: &[String], named: &NamedSources) -> Option<&Trunk> {
        let source = flow.remote.ip();
        let bears =
            |trunk: &&Trunk| trunk.certificate.as_deref().is_some_and(|own| names.iter().any(|name| name == own));
        let from_anywhere = |trunk: &Trunk| trunk.sources.is_empty() && trunk.source_names.is_empty();
        let from_there = |trunk: &&Trunk| {
            let within = || trunk.sources.iter().any(|net| net.contains(&source));
            from_anywhere(trunk) || within() || named.has(source, &trunk.name)
        };
        let proven = || self.trunks.iter().filter(bears).find(from_there);
        let by_source = || {
            let source = by_address(flow)?;
            // An address is longer than any prefix of a network.
            named.first(self, source).or_else(|| self.trunk_at(source))
        };
        (!names.is_empty()).then(proven).flatten().or_else(by_source)
    }

    /// The trunk that `source` belongs to, of those that need not show a certificate: of several, the one with the longest prefix.
    #[must_use]
    pub fn trunk_at(&self, source: IpAddr) -> Option<&Trunk> {
        self.trunks
            .iter()
            .filter(|trunk| trunk.certificate.is_none())
            .filter_map(|trunk| {
                let longest = trunk.sources.iter().filter(|net| net.contains(&source)).map(IpNet::prefix_len).max()?;
                Some((longest, trunk))
            })
            .max_by_key(|(prefix, _)| *prefix)
            .map(|(_, trunk)| trunk)
    }

    /// The trunk whose far end proves itself by the name `user`.
    #[must_use]
    pub fn trunk_by_account(&self, user: &str) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| trunk.authenticate.as_ref().is_some_and(|account| *account.user == *user))
    }

    /// Whether audio is encrypted with those who come by a listener.
    #[must_use]
    pub fn srtp_at(&self, listener: u16) -> SrtpPolicy {
        self.listener_srtp.get(&listener).copied().unwrap_or(self.srtp)
    }

    /// The hashes that are offered and taken at a listener.
    #[must_use]
    pub fn algorithms_of(&self, listener: u16) -> &[Algorithm] {
        self.listener_algorithms.get(&listener).unwrap_or(&self.algorithms)
    }

    /// The user `named`, if `user` may register for him.
    #[must_use]
    pub fn record_of(&self, user: &UserName, named: &str) -> Option<UserName> {
        if **user == *named {
            return Some(user.clone());
        }
        self.registers_for.get(user)?.get(named).cloned()
    }

    /// True if `watcher` may see what the phone of `user` does, and pick up a call that rings there.
    #[must_use]
    pub fn may_watch(&self, watcher: &UserName, user: &UserName) -> bool {
        watcher == user
            || match self.watchers.get(user) {
                Some(Watchers::All) => true,
                Some(Watchers::Only(names)) => names.contains(watcher),
                None => false,
            }
    }

    /// True for a user whose phone says where it is.
    #[must_use]
    pub fn registers(&self, user: &str) -> bool {
        self.users.get(user).is_some_and(|user| user.place == Place::Registered)
    }

    /// The trunk of that name.
    #[must_use]
    pub fn trunk(&self, name: &str) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| &*trunk.name == name)
    }

    /// A number that came by a trunk, as the switch writes it.
    #[must_use]
    pub fn number_in(&self, trunk: &str, number: String, of: Of) -> String {
        let rules = self.trunk(trunk).map(|trunk| &trunk.numbers);
        rules.and_then(|rules| rules.inward(&number, of)).unwrap_or(number)
    }

    /// True for a number that every user may call.
    #[must_use]
    pub fn is_emergency(&self, number: &str) -> bool {
        self.emergency.as_ref().is_some_and(|emergency| emergency.numbers.contains(number))
    }

    /// The grant by which `asker` may call `number`, limits aside: the one with the longest prefix that fits. No two
    /// grants of one asker have the same.
    #[must_use]
    pub fn grant_of(&self, asker: &Asker, number: &str) -> Option<&Grant> {
        if !is_number(number) {
            return None;
        }
        let fitting = self.grants.values().filter(|grant| grant.askers.contains(asker)).filter_map(|grant| {
            let fits = grant.prefixes.iter().filter(|prefix| number.starts_with(&***prefix));
            Some((fits.map(|prefix| prefix.len()).max()?, grant))
        });
        fitting.max_by_key(|(length, _)| *length).map(|(_, grant)| grant)
    }

    /// Everything at a fixed address that calls are sent to, for the driver to find [`Peer::reached_at`].
    pub fn peers_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        let users = self.users.values_mut().filter_map(|user| match &mut user.place {
            Place::Fixed(peer) => Some(peer),
            Place::Registered => None,
        });
        users.chain(self.trunks.iter_mut().filter_map(|trunk| match &mut trunk.to {
            Some(FarEnd::At(peer)) => Some(peer),
            Some(FarEnd::Named { .. }) | None => None,
        }))
    }

    /// The user whose phone sends on `flow`, from its fixed address, and calls himself `name`.
    #[must_use]
    pub fn user_of(&self, flow: Flow, name: &str) -> Option<(&UserName, &User)> {
        let source = by_address(flow)?;
        self.users
            .get_key_value(name)
            .filter(|(_, user)| user.fixed().is_some_and(|phone| phone.address.ip() == source))
    }
}

/// The address by which whoever sends on `flow` may be known. A page of anyone's may be open in a browser of a trusted
/// network: by WebSocket an address says nothing.
pub(crate) fn by_address(flow: Flow) -> Option<IpAddr> {
    flow.transport.can_be_opened().then(|| flow.remote.ip())
}

/// True for what may be called outside: 1 to 32 digits, with a `+` before them or not.
#[must_use]
pub fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=32).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_counts_before_the_address_and_both_must_fit_where_both_are_asked_for() {
        let trunk = |name: &str, from: &str, certificate: Option<&str>| {
            let sources = if from.is_empty() { Vec::new() } else { vec![from.parse().unwrap()] };
            Trunk { certificate: certificate.map(Into::into), ..Trunk::incoming(name, sources) }
        };
        let trunks = vec![
            trunk("plain", "192.0.2.0/24", None),
            trunk("proven", "", Some("a.example")),
            trunk("both", "192.0.2.0/30", Some("b.example")),
        ];
        let config = Config { trunks, ..Config::default() };
        let of = |source: &str, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let source = SocketAddr::new(source.parse().unwrap(), 5060);
            let flow = Flow::udp(0, source, source);
            config.trunk_of(flow, &names, &NamedSources::default()).map(|trunk| trunk.name.to_string())
        };
        let found = |name: &str| Some(name.to_owned());
        assert_eq!(of("192.0.2.1", &[]), found("plain"), "nobody has both by his address alone");
        assert_eq!(of("192.0.2.1", &["a.example"]), found("proven"));
        assert_eq!(of("198.51.100.1", &["x.example", "a.example"]), found("proven"));
        assert_eq!(of("192.0.2.1", &["b.example"]), found("both"));
        assert_eq!(of("192.0.2.9", &["b.example"]), found("plain"));
        assert_eq!(of("198.51.100.1", &["b.example"]), None);
    }
}
