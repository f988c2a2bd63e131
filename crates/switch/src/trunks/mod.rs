//! What is known of trunks while the switch runs, beside their configuration.
//!
//! `targets`: the addresses that calls go to. `enrolments`: where we register, and which calls come by that. `watch`:
//! whether far ends live. `limits`: how many calls they have, and may have. `states`: what operators see.

mod enrolments;
mod limits;
mod states;
mod targets;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base::{Mono, Now, Rng, TimerToken, Timers};
use journal::{Kind, TrunkUnregistered};
use sip::locate::{Locator, Site};
use sip::{ConnectionId, Flow, InquiryId};
use sip_message::Request;

use crate::config::by_address;
use crate::far_end::NamedSources;
use crate::switch::Switch;
use crate::{Config, Trunk, TrunkName};

use enrolments::Enrolled;
pub use limits::LimitsMet;
use limits::Load;
pub use states::{NameState, TargetState, TrunkFailure, TrunkState};
use targets::Target;
pub use watch::usual_watch;

/// What is known of all trunks.
pub(crate) struct Trunks {
    by_name: BTreeMap<TrunkName, State>,
    /// What each request of ours that waits for an answer is about.
    inquiries: HashMap<InquiryId, (TrunkName, About)>,
    /// Live calls to and from trunks, be they still in the configuration or not.
    load: BTreeMap<TrunkName, Load>,
    /// Trunks by the parameter of the contact that they know us by.
    by_line: HashMap<Arc<str>, TrunkName>,
    /// Trunks by the connection that they were told to reach us by.
    by_connection: HashMap<ConnectionId, TrunkName>,
    timers: Timers<TrunkName>,
    rng: Rng,
    /// Our own sockets: no call is sent to them.
    listeners: Vec<sip::Listener>,
    /// Where their names lead.
    locator: Locator,
    /// Who calls from there.
    pub named: NamedSources,
    /// What was told of each name last: where it leads, and whether the DNS failed.
    told: BTreeMap<Site, (BTreeSet<SocketAddr>, bool)>,
    /// The names that must be proven at addresses that the DNS gave.
    proofs: BTreeMap<SocketAddr, String>,
    /// The same when they have changed.
    new_proofs: Option<BTreeMap<SocketAddr, String>>,
}

/// What a request of ours is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Enrolment,
    /// Of the target at that address.
    Health(SocketAddr),
}

/// What is known of a trunk.
struct State {
    /// As it was configured when this began.
    trunk: Trunk,
    /// Where its calls go, as far as that is known.
    targets: Vec<Target>,
    /// Why it has not all of the addresses that its name leads to.
    clash: Option<String>,
    enrolled: Option<Enrolled>,
    failures: Vec<TrunkFailure>,
    timer: Option<TimerToken>,
}

impl State {
    fn poll_timeout(&self) -> Option<Mono> {
        // Nobody can be asked before it is known where he is.
        let enrolled = self.enrolled.as_ref().filter(|_| self.live().next().is_some());
        let enrolled = enrolled.and_then(|enrolled| enrolled.enrolment.poll_timeout());
        enrolled.into_iter().chain(self.targets.iter().filter_map(Target::poll_timeout)).min()
    }
}

impl Trunks {
    pub fn new(now: Now, config: &Config, listeners: &[sip::Listener], rng: Rng) -> Self {
        let mut trunks = Self {
            by_name: BTreeMap::new(),
            inquiries: HashMap::new(),
            load: BTreeMap::new(),
            by_line: HashMap::new(),
            by_connection: HashMap::new(),
            timers: Timers::default(),
            rng,
            listeners: listeners.to_vec(),
            locator: Locator::default(),
            named: NamedSources::default(),
            told: BTreeMap::new(),
            proofs: BTreeMap::new(),
            new_proofs: None,
        };
        trunks.look_for(now, config);
        for trunk in &config.trunks {
            trunks.add(now, trunk.clone());
        }
        trunks
    }

    fn add(&mut self, now: Now, trunk: Trunk) {
        let name = trunk.name.clone();
        let enrolled = trunk.register.as_ref().map(|register| {
            let line: Arc<str> = format!("{:016x}{:016x}", self.rng.u64(), self.rng.u64()).into();
            self.by_line.insert(line.clone(), name.clone());
            Enrolled::new(now.monotonic, register, line)
        });
        let targets = Target::fixed(now, &trunk).into_iter().collect();
        let state = State { trunk, targets, clash: None, enrolled, failures: Vec::new(), timer: None };
        self.by_name.insert(name.clone(), state);
        self.relocate(now, &name);
        self.arm(&name);
    }

    /// The trunk that a request comes from: by what we told its far end, which is our contact or a connection of ours; by the
    /// networks that it calls from and the `names` that its certificate bears; by the address that we register at.
    pub fn of(&self, config: &Config, request: &Request, flow: Flow, names: &[String]) -> Option<TrunkName> {
        let by_source = || config.trunk_of(flow, names, &self.named).map(|trunk| trunk.name.clone());
        if self.by_line.is_empty() {
            return by_source();
        }
        let by_connection = || flow.connection.and_then(|connection| self.by_connection.get(&connection));
        let line = request.uri.as_sip().and_then(|uri| uri.param(enrolments::LINE));
        let told = line.and_then(|line| self.by_line.get(&*line)).or_else(by_connection);
        told.cloned().or_else(by_source).or_else(|| self.registrar_at(by_address(flow)?))
    }

    /// The trunk at whose far end we register, if that is at `source`.
    fn registrar_at(&self, source: IpAddr) -> Option<TrunkName> {
        let is_there =
            |state: &&State| state.enrolled.is_some() && state.live().any(|target| target.peer.address.ip() == source);
        self.by_name.values().find(is_there).map(|state| state.trunk.name.clone())
    }

    pub fn poll_timeout(&self) -> Option<Mono> {
        self.timers.poll_timeout().into_iter().chain(self.locator.poll_timeout()).min()
    }

    /// True while a far end is told that we leave.
    pub fn is_leaving(&self) -> bool {
        self.by_name.values().filter_map(|state| state.enrolled.as_ref()).any(|e| e.enrolment.is_leaving())
    }

    /// Sets the timer of a trunk anew.
    fn arm(&mut self, name: &TrunkName) {
        let Some(state) = self.by_name.get_mut(name) else { return };
        if let Some(timer) = state.timer.take() {
            self.timers.cancel(timer);
        }
        state.timer = state.poll_timeout().map(|at| self.timers.set(at, name.clone()));
    }
}

impl Switch {
    /// Does for trunks what is due.
    pub(crate) fn trunks_due(&mut self, now: Now) {
        self.locate(now);
        while let Some(name) = self.trunks.timers.pop_due(now.monotonic) {
            if let Some(state) = self.trunks.by_name.get_mut(&name) {
                state.timer = None;
            }
            self.enrol(now, &name);
            self.watch(now, &name);
            self.trunks.arm(&name);
        }
    }

    /// A far end has answered a request of ours, or will not.
    pub(crate) fn replied(&mut self, now: Now, inquiry: InquiryId, cseq: u32, answer: Answer) {
        let Some((name, about)) = self.trunks.inquiries.remove(&inquiry) else { return };
        base::give_back(&mut self.trunks.inquiries);
        match about {
            About::Enrolment => self.enrolment_answered(now, &name, cseq, answer),
            About::Health(at) => self.health_answered(now, &name, at, answer.0),
        }
        self.trunks.arm(&name);
    }

    /// Another configuration: trunks that register otherwise, or no more, are left, and those that are new are entered.
    pub(crate) fn reconfigure_trunks(&mut self, now: Now, config: &Config) {
        let gone: Vec<TrunkName> = self.trunks.by_name.keys().cloned().collect();
        for name in gone {
            let known = self.trunks.by_name.get(&name).map(|state| &state.trunk);
            let same = config.trunk(&name).zip(known).is_some_and(|(new, old)| is_same(new, old));
            if same {
                if let (Some(state), Some(new)) = (self.trunks.by_name.get_mut(&name), config.trunk(&name)) {
                    state.trunk = new.clone();
                }
                continue;
            }
            let is_bound = |e: &Enrolled| e.enrolment.is_bound(now.monotonic);
            let state = self.trunks.by_name.get(&name);
            if state.and_then(|state| state.enrolled.as_ref()).is_some_and(is_bound) {
                self.book.write_system(
                    now,
                    Kind::TrunkUnregistered(TrunkUnregistered { trunk: name.clone(), status: None }),
                );
            }
            self.leave_trunk(now, &name);
            // What is said to that is of no more interest.
            self.trunks.inquiries.retain(|_, (trunk, _)| *trunk != name);
            self.trunks.by_line.retain(|_, trunk| *trunk != name);
            self.trunks.by_connection.retain(|_, trunk| *trunk != name);
            if let Some(timer) = self.trunks.by_name.remove(&name).and_then(|state| state.timer) {
                self.trunks.timers.cancel(timer);
            }
        }
        let live = |load: &Load| load.out + load.inward > 0;
        self.trunks.load.retain(|name, load| config.trunk(name).is_some() || live(load));
        self.trunks.look_for(now, config);
        for trunk in &config.trunks {
            if !self.trunks.by_name.contains_key(&trunk.name) {
                self.trunks.add(now, trunk.clone());
            }
        }
        self.trunks.follow(config);
    }

    /// The switch takes no more calls: far ends are told.
    pub(crate) fn leave_trunks(&mut self, now: Now) {
        let names: Vec<TrunkName> = self.trunks.by_name.keys().cloned().collect();
        for name in names {
            self.leave_trunk(now, &name);
        }
    }

    fn leave_trunk(&mut self, now: Now, name: &TrunkName) {
        if let Some(enrolled) = self.trunks.by_name.get_mut(name).and_then(|state| state.enrolled.as_mut()) {
            enrolled.enrolment.leave(now.monotonic);
        }
        self.enrol(now, name);
        self.trunks.arm(name);
    }

    /// A connection is gone; where we were to be reached by it, we register anew.
    pub(crate) fn trunk_connection_closed(&mut self, now: Now, connection: ConnectionId) {
        let Some(name) = self.trunks.by_connection.remove(&connection) else { return };
        let Trunks { by_name, rng, .. } = &mut self.trunks;
        if let Some(enrolled) = by_name.get_mut(&name).and_then(|state| state.enrolled.as_mut()) {
            enrolled.connection = None;
            let was_bound = enrolled.enrolment.is_bound(now.monotonic);
            enrolled.enrolment.handle_closed(now.monotonic, rng);
            if was_bound {
                self.book.write_system(
                    now,
                    Kind::TrunkUnregistered(TrunkUnregistered { trunk: name.clone(), status: None }),
                );
            }
        }
        self.trunks.arm(&name);
    }
}

/// What a far end answered: the status, and the message and its flow if there is one.
pub(crate) type Answer = (u16, Option<(Flow, Box<sip_message::Response>)>);

/// True if a trunk goes on as it is under another configuration.
fn is_same(new: &Trunk, old: &Trunk) -> bool {
    (&new.to, &new.login, &new.register, &new.health) == (&old.to, &old.login, &old.register, &old.health)
}
