//! What the switch needs to know of a company: made and checked by crate `company`, taken whole and never half.

mod limits;
mod trunk;
mod user;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use journal::Asker;
use journal::kpi::Targets;
use routing::PluginName;
use sip::Flow;
use sip::digest::{Algorithm, Secret};

use crate::far_end::{FarEnd, NamedSources};
use crate::numbers::Of;
use crate::plugins::Rest;
use crate::prompts::{PromptName, Prompts};
use crate::talk_keys::TalkKeys;

pub use limits::{Limits, Registration};
pub use trunk::{Account, CallerId, Register, Trunk};
pub use user::{Peer, Place, Ring, User, Watchers};

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
    /// Plugins that queues may ask, and when they are left alone.
    pub plugins: BTreeMap<PluginName, Rest>,
    /// Queues of which every decision is kept with all that it went by, be it a plugin's or not.
    pub recorded: BTreeSet<acd::QueueName>,
    /// What each queue is to those who wait in it, besides what the ACD knows.
    pub waiting: BTreeMap<acd::QueueName, Waiting>,
    /// What those hear whom the other side holds, if they did not meet through a queue with music. Without either they hear
    /// what the phone that holds sends.
    pub hold_music: Option<PromptName>,
    /// The codes that users may type while they talk.
    pub talk_keys: TalkKeys,
    /// What callers can hear. Shared with the calls that live, as their flows go on naming what was there when they began.
    pub prompts: Prompts,
    /// Whether audio is encrypted, where neither a user, a trunk nor a listener says otherwise.
    pub srtp: SrtpPolicy,
    /// The same by a listener's index.
    pub listener_srtp: BTreeMap<u16, SrtpPolicy>,
    /// Limits and times.
    pub limits: Limits,
}

/// A queue as those meet it who wait in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// What is played to them.
    pub music: Option<PromptName>,
    /// What an agent is told before he talks with one of them.
    pub whisper: Option<PromptName>,
    /// For how long one who is gone has his place back when he calls again; not at all if none.
    pub resume: Option<Duration>,
    /// How long an agent has to come back whose phone is lost in mid-call. Without it such a talk is over.
    pub return_time: Option<Duration>,
    /// When it takes callers; always if none.
    pub hours: Option<crate::QueueHours>,
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

impl Config {
    /// Within what time its queues are to answer.
    #[must_use]
    pub fn targets(&self) -> Targets {
        let within = self.queues.iter().map(|queue| (queue.name.shared().clone(), queue.service_level.within));
        Targets { within: within.collect(), ..Targets::default() }
    }

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
    use std::net::SocketAddr;

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
