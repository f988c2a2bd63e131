//! The addresses that calls to a trunk go to: one, or those that its name leads to (RFC 3263). Each lives, fails and rests
//! by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base::{LegId, Mono, Now};
use journal::{Kind, TrunkLocated, TrunkNotLocated, TrunkRests};
use sip::locate::{Answer, Ask, Families, Fault, Hop, Located, Site};
use sip_message::{HeaderName, Response};

use super::enrolments::leading_number;
use super::watch::Watched;
use super::{State, Trunks};
use crate::call::Role;
use crate::far_end::{FarEnd, NamedSources, families, is_of, is_ours, written};
use crate::switch::Switch;
use crate::{Config, Peer, Trunk, TrunkName};

/// The longest that a far end can keep calls away from itself by Retry-After.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// An address that calls to a trunk go to.
pub(super) struct Target {
    pub peer: Peer,
    /// As it was found, if the trunk is known by a name.
    pub hop: Option<Hop>,
    pub watched: Option<Watched>,
    /// It asked for no calls until then.
    pub rests_until: Option<Mono>,
    /// Live calls to it.
    pub calls: usize,
    /// The name leads here no more; it is kept while calls live.
    pub gone: bool,
}

impl Target {
    fn new(now: Now, trunk: &Trunk, peer: Peer, hop: Option<Hop>) -> Self {
        Self { peer, hop, watched: Watched::new(now, trunk), rests_until: None, calls: 0, gone: false }
    }

    /// The only one of a trunk at a fixed address.
    pub fn fixed(now: Now, trunk: &Trunk) -> Option<Self> {
        match &trunk.to {
            Some(FarEnd::At(peer)) => Some(Self::new(now, trunk, peer.clone(), None)),
            Some(FarEnd::Named { .. }) | None => None,
        }
    }

    /// True unless it is watched and down.
    pub fn is_up(&self) -> bool {
        self.watched.as_ref().is_none_or(|watched| watched.health.is_up())
    }

    fn takes_calls(&self) -> bool {
        !self.gone && self.is_up() && self.rests_until.is_none()
    }

    pub fn poll_timeout(&self) -> Option<Mono> {
        self.watched.as_ref().map(Watched::poll_timeout).into_iter().chain(self.rests_until).min()
    }
}

impl State {
    pub fn target(&self, address: SocketAddr) -> Option<&Target> {
        self.targets.iter().find(|target| target.peer.address == address)
    }

    pub fn target_mut(&mut self, address: SocketAddr) -> Option<&mut Target> {
        self.targets.iter_mut().find(|target| target.peer.address == address)
    }

    /// Addresses that its name leads to.
    pub fn live(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| !target.gone)
    }

    /// Takes what was found. What is there already stays as it is; what is gone is kept while calls live.
    fn relocate(&mut self, now: Now, found: &[Hop]) {
        let Some(to) = self.trunk.to.clone() else { return };
        for target in &mut self.targets {
            let hop = found.iter().find(|hop| hop.address == target.peer.address);
            target.gone = hop.is_none();
            match hop {
                Some(hop) => (target.peer, target.hop) = (to.at(hop), Some(hop.clone())),
                // Whether it lives is nobody's concern any more.
                None => (target.watched, target.rests_until) = (None, None),
            }
            if !target.gone && target.watched.is_none() {
                target.watched = Watched::new(now, &self.trunk);
            }
        }
        self.targets.retain(|target| !target.gone || target.calls > 0);
        for hop in found {
            if self.target(hop.address).is_none() {
                self.targets.push(Target::new(now, &self.trunk, to.at(hop), Some(hop.clone())));
            }
        }
    }
}

impl Trunks {
    /// True unless there is an address of a trunk that takes calls now.
    pub fn is_down(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|state| !state.targets.iter().any(Target::takes_calls))
    }

    /// True if an address of a trunk is known.
    pub fn is_somewhere(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|state| state.live().next().is_some())
    }

    /// True of an address that calls to a trunk go to.
    pub fn is_at(&self, name: &str, address: IpAddr) -> bool {
        let state = self.by_name.get(name);
        state.is_some_and(|state| state.targets.iter().any(|target| target.peer.address.ip() == address))
    }

    /// Where a call to a trunk is to be tried, in order, by a new roll; an `urgent` one last where no others are.
    pub fn roll(&mut self, name: &str, urgent: bool) -> Vec<SocketAddr> {
        let Some(state) = self.by_name.get(name) else { return Vec::new() };
        let found: Vec<Hop> = state.live().filter_map(|target| target.hop.clone()).collect();
        let mut order = sip::locate::order(&found, &mut self.rng);
        order.extend(state.live().filter(|target| target.hop.is_none()).map(|target| target.peer.address));
        let takes = |address: &SocketAddr| state.target(*address).is_some_and(Target::takes_calls);
        let (mut first, last): (Vec<_>, Vec<_>) = order.into_iter().partition(takes);
        if urgent {
            first.extend(last);
        }
        first
    }

    /// Of places that a call was to be tried at, those that still take it.
    pub fn still(&self, name: &str, ways: &[SocketAddr], urgent: bool) -> Vec<SocketAddr> {
        let state = self.by_name.get(name);
        let takes = |way: &&SocketAddr| {
            let target = state.and_then(|state| state.target(**way));
            target.is_some_and(|target| !target.gone && (urgent || target.takes_calls()))
        };
        ways.iter().filter(takes).copied().collect()
    }

    /// The far end of a trunk at one of its addresses.
    pub fn peer_at(&self, name: &str, address: SocketAddr) -> Option<Peer> {
        Some(self.by_name.get(name)?.target(address)?.peer.clone())
    }

    /// A leg to an address of a trunk began.
    pub(super) fn target_began(&mut self, name: &str, address: SocketAddr) {
        let target = self.by_name.get_mut(name).and_then(|state| state.target_mut(address));
        if let Some(target) = target {
            target.calls += 1;
        }
    }

    /// A leg to an address of a trunk ended.
    pub(super) fn target_ended(&mut self, name: &str, address: SocketAddr) {
        let Some(state) = self.by_name.get_mut(name) else { return };
        if let Some(target) = state.target_mut(address) {
            target.calls = target.calls.saturating_sub(1);
        }
        state.targets.retain(|target| !target.gone || target.calls > 0);
    }

    /// Looks for the names of these trunks, and for no others.
    pub(super) fn look_for(&mut self, now: Now, config: &Config) {
        let mut wanted: BTreeMap<Site, Families> = BTreeMap::new();
        for trunk in &config.trunks {
            let to = trunk.to.as_ref().and_then(|to| Some((to.site()?, to.listener())));
            for (site, listener) in to.into_iter().chain(trunk.source_names.iter().map(|site| (site, None))) {
                let more = families(&self.listeners, site.transport, listener);
                let all = wanted.entry(site.clone()).or_insert(more);
                *all = Families { v4: all.v4 || more.v4, v6: all.v6 || more.v6 };
            }
        }
        self.told.retain(|site, _| wanted.contains_key(site));
        self.locator.want(now, &wanted);
    }

    /// What else hangs on where names lead: who calls from there, and which names are to be proven there.
    pub(super) fn follow(&mut self, config: &Config) {
        self.named = NamedSources::of(config, &self.locator, &self.listeners);
        let mut proofs = BTreeMap::new();
        for state in self.by_name.values() {
            let found = state.targets.iter().filter(|target| target.hop.is_some()).map(|target| target.peer.address);
            proofs.extend(found.filter_map(|address| Some((address, state.trunk.proof(address.ip())?))));
        }
        if proofs != self.proofs {
            self.proofs.clone_from(&proofs);
            self.new_proofs = Some(proofs);
        }
    }

    /// Takes what is known of a trunk's name, if it has one.
    pub(super) fn relocate(&mut self, now: Now, name: &TrunkName) {
        let site = self.by_name.get(name).and_then(|state| state.trunk.to.as_ref()?.site());
        let Some(located) = site.and_then(|site| self.locator.located(site)) else { return };
        let (free, clash) = self.unclaimed(name, &located.hops);
        if let Some(state) = self.by_name.get_mut(name) {
            state.clash = clash;
            state.relocate(now, &free);
        }
    }

    /// Of what was found for a trunk, what its listener can send to, what is not ourselves, and what no other trunk has by
    /// another name: one connection cannot prove both.
    fn unclaimed(&self, name: &TrunkName, found: &[Hop]) -> (Vec<Hop>, Option<String>) {
        let mut clash = None;
        let Some(own) = self.by_name.get(name) else { return (Vec::new(), None) };
        let Some(to) = &own.trunk.to else { return (Vec::new(), None) };
        let families = families(&self.listeners, to.transport(), to.listener());
        let mut free = |hop: &&Hop| {
            let ip = hop.address.ip();
            if !is_of(families, ip) {
                return false;
            }
            if is_ours(&self.listeners, to.transport(), hop) {
                clash = Some(ours(hop));
                return false;
            }
            let Some(proof) = own.trunk.proof(ip) else { return true };
            let differs = |state: &&State| {
                let theirs = state.trunk.name != *name && state.target(hop.address).is_some();
                theirs && state.trunk.proof(ip).is_some_and(|theirs| theirs != proof)
            };
            let other = self.by_name.values().find(differs);
            if let Some(other) = other {
                let theirs = &other.trunk.name;
                clash = Some(format!("{} is trunk {theirs}'s, which must prove another name there", hop.address));
            }
            other.is_none()
        };
        let hops: Vec<Hop> = found.iter().filter(&mut free).cloned().collect();
        if hops.is_empty() && !found.is_empty() && clash.is_none() {
            clash = Some("it has no address of the IP version of the listener that calls go out by".to_owned());
        }
        (hops, clash)
    }
}

/// Why an address is not used.
pub(super) fn ours(hop: &Hop) -> String {
    format!("{} is a listener of ours", hop.address)
}

impl Switch {
    /// The next question to ask the DNS; its answer is to go to [`Switch::handle_answer`].
    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.trunks.locator.poll_ask()
    }

    /// The names that must be proven under TLS at addresses that the DNS gave, all of them, when they have changed. To be
    /// taken out before [`Switch::poll_transmit`].
    pub fn poll_proofs(&mut self) -> Option<BTreeMap<SocketAddr, String>> {
        self.trunks.new_proofs.take()
    }

    /// The DNS has answered a question, or will not.
    pub fn handle_answer(&mut self, now: Now, id: u64, answer: Result<Answer, Fault>) {
        self.hand = crate::fault::Hand::Nothing;
        let Trunks { locator, rng, .. } = &mut self.trunks;
        if let Some(site) = locator.handle_answer(now, id, answer, rng) {
            self.located(now, &site);
        }
        self.settle(now);
    }

    /// Other DNS servers are asked from now on: for all names, at once. What is known holds until they have answered.
    pub fn ask_anew(&mut self, now: Now) {
        self.hand = crate::fault::Hand::Nothing;
        self.trunks.locator.renew(now);
        self.settle(now);
    }

    /// Searches for names whose time has come.
    pub(super) fn locate(&mut self, now: Now) {
        let Trunks { locator, rng, .. } = &mut self.trunks;
        for site in locator.handle_timeout(now, rng) {
            self.located(now, &site);
        }
    }

    /// A search is over.
    fn located(&mut self, now: Now, site: &Site) {
        let Some(found) = self.trunks.locator.located(site).cloned() else { return };
        let names: Vec<TrunkName> = self.trunks.by_name.keys().cloned().collect();
        for name in names {
            let leads = |state: &State| state.trunk.to.as_ref().and_then(FarEnd::site) == Some(site);
            if self.trunks.by_name.get(&name).is_some_and(leads) {
                self.trunks.relocate(now, &name);
                self.trunks.stay_enrolled(now, &name);
                self.trunks.arm(&name);
            }
        }
        self.trunks.follow(&self.config);
        self.tell_located(now, site, &found);
    }

    /// Tells the journal what has changed, for each trunk that is concerned.
    fn tell_located(&mut self, now: Now, site: &Site, found: &Located) {
        let addresses: BTreeSet<SocketAddr> = found.hops.iter().map(|hop| hop.address).collect();
        let before = self.trunks.told.insert(site.clone(), (addresses.clone(), found.fault.is_some()));
        let was_faulty = before.as_ref().is_some_and(|(_, faulty)| *faulty);
        let moved = before.is_none_or(|(before, _)| before != addresses) && !addresses.is_empty();
        let states = self.trunks.by_name.values().filter(|state| state.trunk.sites().any(|other| other == site));
        let trunks: Vec<TrunkName> = states.map(|state| state.trunk.name.clone()).collect();
        for trunk in trunks {
            let name = written(site);
            if moved || (was_faulty && found.fault.is_none()) {
                let kind = Kind::TrunkLocated(TrunkLocated {
                    trunk: trunk.clone(),
                    name,
                    at: addresses.iter().copied().collect(),
                });
                self.book.write_system(now, kind);
            }
            if let Some(fault) = found.fault.filter(|_| !was_faulty) {
                let (name, why) = (written(site), fault.to_string());
                self.book.write_system(
                    now,
                    Kind::TrunkNotLocated(TrunkNotLocated { trunk, name, why, kept: addresses.len() }),
                );
            }
        }
    }

    /// The far end of a leg's trunk refused it with a Retry-After: it is left in peace for that time (RFC 3261 21.5.4).
    pub(crate) fn trunk_rests(&mut self, now: Now, leg: LegId, response: &Response) {
        let Some(Role::Outside { outside, route, .. }) = self.legs.get(&leg).map(|found| &found.role) else { return };
        let (trunk, at) = (outside.trunk.clone(), route.flow.remote);
        let asked = response.head.header(HeaderName::RetryAfter).and_then(leading_number).unwrap_or(0);
        let rest = Duration::from_secs(u64::from(asked)).min(LONGEST_REST);
        let state = self.trunks.by_name.get_mut(&trunk);
        let Some(target) = state.and_then(|state| state.target_mut(at)).filter(|_| !rest.is_zero()) else { return };
        if target.rests_until.replace(now.monotonic + rest).is_none() {
            let seconds = u32::try_from(rest.as_secs()).unwrap_or(u32::MAX);
            self.book.write_system(now, Kind::TrunkRests(TrunkRests { trunk: trunk.clone(), at, seconds }));
        }
        self.trunks.arm(&trunk);
    }
}
