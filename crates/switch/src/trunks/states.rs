//! What operators see of trunks.

use std::net::SocketAddr;

use base::{Now, Wall};
use serde::{Deserialize, Serialize};

use super::targets::{Target, ours};
use super::{LimitsMet, State, Trunks};
use crate::far_end::{FarEnd, is_any_of_ours, written};
use crate::{Config, TrunkName};

/// The last thing that went wrong with a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkFailure {
    /// When.
    pub at: Wall,
    /// What was asked of its far end: `INVITE`, `OPTIONS`, `REGISTER`.
    pub what: String,
    /// Where.
    #[serde(default)]
    pub target: Option<SocketAddr>,
    /// The status; 408 for silence, 503 if it cannot be reached.
    pub status: u16,
}

/// A trunk, for operators.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkState {
    /// Its name.
    pub trunk: String,
    /// Where its calls go; empty if it takes none.
    pub to: String,
    /// True while one of its addresses is not known to be down.
    pub up: bool,
    /// Since when; none if it is not watched.
    pub since: Option<Wall>,
    /// The names that lead to it, and what is known of them.
    #[serde(default)]
    pub names: Vec<NameState>,
    /// The addresses that its calls go to.
    #[serde(default)]
    pub targets: Vec<TargetState>,
    /// True while we are registered there; none if we are not to be.
    pub registered: Option<bool>,
    /// Live calls to it.
    pub calls_out: usize,
    /// Live calls from it.
    pub calls_in: usize,
    /// How many calls may live at once, both ways together; none if nobody counts.
    #[serde(default)]
    pub channels: Option<usize>,
    /// How many calls may begin in a second, each way; none if nobody counts.
    #[serde(default)]
    pub calls_per_second: Option<u32>,
    /// How often these limits stood against a call, since the start.
    #[serde(default)]
    pub met: LimitsMet,
    /// What went wrong last, the newest first.
    pub failures: Vec<TrunkFailure>,
}

/// A name that leads to a trunk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameState {
    /// The name, and the port if one is given.
    pub name: String,
    /// How many addresses it leads to.
    pub addresses: usize,
    /// Until when that holds; none if nothing is known of it.
    pub until: Option<Wall>,
    /// Why there is nothing newer, or nothing at all.
    pub fault: Option<String>,
}

/// An address that calls to a trunk go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetState {
    /// The address.
    pub address: SocketAddr,
    /// The host whose it is, by its SRV record or the trunk's name; none if the configuration has the address.
    pub host: Option<String>,
    /// The priority of the SRV record.
    pub priority: u16,
    /// The weight of the SRV record.
    pub weight: u16,
    /// True unless it is watched and down.
    pub up: bool,
    /// Since when; none if it is not watched.
    pub since: Option<Wall>,
    /// It asked for no calls until then.
    pub rests_until: Option<Wall>,
    /// No name leads to it any more; it goes with its last call.
    pub leaving: bool,
    /// Live calls to it.
    pub calls: usize,
}

/// How many failures of a trunk are kept.
const MAX_FAILURES: usize = 5;

/// Keeps a failure in front of those that were before, of which the oldest go.
pub(super) fn keep(failures: &mut Vec<TrunkFailure>, failure: TrunkFailure) {
    failures.truncate(MAX_FAILURES - 1);
    failures.insert(0, failure);
}

impl Trunks {
    /// Keeps what went wrong with a trunk.
    pub fn note_failure(&mut self, now: Now, name: &str, what: &str, at: SocketAddr, status: u16) {
        if let Some(state) = self.by_name.get_mut(name) {
            let failure = TrunkFailure { at: now.wall, what: what.to_owned(), target: Some(at), status };
            keep(&mut state.failures, failure);
        }
    }

    /// All trunks by name.
    pub fn states(&self, config: &Config, now: Now) -> Vec<TrunkState> {
        self.by_name.iter().map(|(name, state)| self.state(config, now, name, state)).collect()
    }

    fn state(&self, config: &Config, now: Now, name: &TrunkName, state: &State) -> TrunkState {
        let load = self.load.get(name).map(|load| (load.out, load.inward, load.met));
        let (calls_out, calls_in, met) = load.unwrap_or_default();
        let limits = config.trunk(name);
        let is_up = state.trunk.to.is_none() || state.live().any(Target::is_up);
        let since = state.live().filter(|target| target.is_up() == is_up);
        TrunkState {
            trunk: name.to_string(),
            to: state.trunk.to.as_ref().map(|to| to.contact().to_string()).unwrap_or_default(),
            up: is_up,
            since: since.filter_map(|target| Some(target.watched.as_ref()?.since)).max(),
            names: self.names(state),
            targets: state.targets.iter().map(|target| target.state(now)).collect(),
            registered: state.enrolled.as_ref().map(|enrolled| enrolled.enrolment.is_bound(now.monotonic)),
            calls_out,
            calls_in,
            channels: limits.and_then(|trunk| trunk.channels),
            calls_per_second: limits.and_then(|trunk| trunk.calls_per_second),
            met,
            failures: state.failures.clone(),
        }
    }

    fn names(&self, state: &State) -> Vec<NameState> {
        let to = state.trunk.to.as_ref().and_then(FarEnd::site);
        let mut names: Vec<NameState> = Vec::new();
        for site in state.trunk.sites() {
            let name = written(site);
            if names.iter().any(|other| other.name == name) {
                continue;
            }
            let located = self.locator.located(site);
            let until = located.filter(|located| !located.hops.is_empty()).map(|located| located.until);
            let own = || located?.hops.iter().find(|hop| is_any_of_ours(&self.listeners, hop)).map(ours);
            let clash = state.clash.clone().filter(|_| to == Some(site));
            let clash = clash.or_else(|| own().filter(|_| state.trunk.source_names.contains(site)));
            let fault = located.and_then(|located| located.fault).map(|fault| fault.to_string()).or(clash);
            let addresses = located.map_or(0, |located| located.hops.len());
            names.push(NameState { name, addresses, until, fault });
        }
        names
    }
}

impl Target {
    fn state(&self, now: Now) -> TargetState {
        let hop = self.hop.as_ref();
        TargetState {
            address: self.peer.address,
            host: hop.map(|hop| hop.host.to_string()),
            priority: hop.map_or(0, |hop| hop.priority),
            weight: hop.map_or(0, |hop| hop.weight),
            up: self.is_up(),
            since: self.watched.as_ref().map(|watched| watched.since),
            rests_until: self.rests_until.map(|end| now.wall + end.since(now.monotonic)),
            leaving: self.gone,
            calls: self.calls,
        }
    }
}
