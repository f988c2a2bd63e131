//! Whether the far ends of trunks live: OPTIONS, and what operators see of it.

use std::time::Duration;

use base::{Mono, Now, Wall};
use journal::Kind;
use serde::{Deserialize, Serialize};
use sip::health::{Health, Verdict};
use sip::{Inquiry, InquiryId};
use sip_message::{Method, NameAddr, Uri};

use super::{About, LimitsMet, Trunks};
use crate::switch::Switch;
use crate::{Config, Trunk, TrunkName};

/// A far end that is watched.
pub(super) struct Watched {
    pub health: Health,
    /// The OPTIONS that waits for its answer.
    inquiry: Option<InquiryId>,
    /// When its state began, by the calendar.
    since: Wall,
}

/// The last thing that went wrong with a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkFailure {
    /// When.
    pub at: Wall,
    /// What was asked of its far end: `INVITE`, `OPTIONS`, `REGISTER`.
    pub what: String,
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
    /// True unless it is watched and down.
    pub up: bool,
    /// Since when; none if it is not watched.
    pub since: Option<Wall>,
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

/// How many failures of a trunk are kept.
const MAX_FAILURES: usize = 5;

/// Keeps a failure in front of those that were before, of which the oldest go.
pub(super) fn keep(failures: &mut Vec<TrunkFailure>, failure: TrunkFailure) {
    failures.truncate(MAX_FAILURES - 1);
    failures.insert(0, failure);
}

impl Watched {
    pub fn new(now: Now, trunk: &Trunk) -> Option<Self> {
        let watch = trunk.health?;
        Some(Self { health: Health::new(now.monotonic, watch), inquiry: None, since: now.wall })
    }

    pub fn poll_timeout(&self) -> Mono {
        self.health.poll_timeout()
    }
}

impl Trunks {
    /// True for a trunk that is watched and down.
    pub fn is_down(&self, name: &str) -> bool {
        self.by_name.get(name).and_then(|state| state.watched.as_ref()).is_some_and(|watched| !watched.health.is_up())
    }

    /// Keeps what went wrong with a trunk.
    pub fn note_failure(&mut self, now: Now, name: &str, what: &str, status: u16) {
        if let Some(state) = self.by_name.get_mut(name) {
            keep(&mut state.failures, TrunkFailure { at: now.wall, what: what.to_owned(), status });
        }
    }

    /// All trunks by name.
    pub fn states(&self, config: &Config, now: Now) -> Vec<TrunkState> {
        let told = |(name, state): (&TrunkName, &super::State)| {
            let (calls_out, calls_in, met) =
                self.load.get(name).map(|load| (load.out, load.inward, load.met)).unwrap_or_default();
            let limits = config.trunk(name);
            TrunkState {
                trunk: name.to_string(),
                to: state.trunk.to.as_ref().map(|to| to.contact.to_string()).unwrap_or_default(),
                up: state.watched.as_ref().is_none_or(|watched| watched.health.is_up()),
                since: state.watched.as_ref().map(|watched| watched.since),
                registered: state.enrolled.as_ref().map(|enrolled| enrolled.enrolment.is_bound(now.monotonic)),
                calls_out,
                calls_in,
                channels: limits.and_then(|trunk| trunk.channels),
                calls_per_second: limits.and_then(|trunk| trunk.calls_per_second),
                met,
                failures: state.failures.clone(),
            }
        };
        self.by_name.iter().map(told).collect()
    }
}

impl Switch {
    /// Asks a far end whether it lives, if that is due, or finds that it has not answered.
    pub(super) fn watch(&mut self, now: Now, name: &TrunkName) {
        let Trunks { by_name, rng, inquiries, .. } = &mut self.trunks;
        let Some(state) = by_name.get_mut(name) else { return };
        let (Some(watched), Some(to)) = (&mut state.watched, &state.trunk.to) else { return };
        if watched.poll_timeout() > now.monotonic {
            return;
        }
        if let Some(verdict) = watched.health.handle_timeout(now.monotonic, rng) {
            // What is said to it later counts no more.
            watched.inquiry.take().map(|inquiry| inquiries.remove(&inquiry));
            self.judged(now, name, verdict, 408);
            return;
        }
        let (to, login) = (to.clone(), self.login_of(name));
        let flow = self.flow_to(&to);
        let ours = NameAddr::new(Uri::from_address(flow.local).with_user("strowger"));
        let inquiry = Inquiry {
            flow,
            method: Method::Options,
            target: to.contact.clone().into(),
            from: ours,
            to: NameAddr::new(to.contact),
            call_id: None,
            cseq: 1,
            contact: None,
            headers: Vec::new(),
            body: None,
            login,
            onward: sip::Onward::default(),
        };
        let id = self.sip.inquire(now, inquiry);
        self.trunks.inquiries.insert(id, (name.clone(), About::Health));
        if let Some(watched) = self.trunks.by_name.get_mut(name).and_then(|state| state.watched.as_mut()) {
            watched.inquiry = Some(id);
        }
    }

    /// The answer to an OPTIONS came.
    pub(super) fn health_answered(&mut self, now: Now, name: &TrunkName, status: u16) {
        let Trunks { by_name, rng, .. } = &mut self.trunks;
        let Some(watched) = by_name.get_mut(name).and_then(|state| state.watched.as_mut()) else { return };
        watched.inquiry = None;
        let verdict = watched.health.handle_reply(now.monotonic, status, rng);
        self.judged(now, name, verdict, status);
    }

    fn judged(&mut self, now: Now, name: &TrunkName, verdict: Verdict, status: u16) {
        if matches!(status, 408 | 503) {
            self.trunks.note_failure(now, name, Method::Options.as_str(), status);
        }
        let kind = match verdict {
            Verdict::Same => return,
            Verdict::Down { status } => Kind::TrunkDown { trunk: name.clone(), status },
            Verdict::Up => Kind::TrunkUp { trunk: name.clone() },
        };
        if let Some(watched) = self.trunks.by_name.get_mut(name).and_then(|state| state.watched.as_mut()) {
            watched.since = now.wall;
        }
        self.book.write_system(now, kind);
    }
}

/// How a trunk is watched where only `true` is written.
#[must_use]
pub const fn usual_watch() -> sip::health::Watch {
    sip::health::Watch { every: Duration::from_secs(30), timeout: Duration::from_secs(5), down_after: 3, up_after: 2 }
}
