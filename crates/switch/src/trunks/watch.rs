//! Whether the far ends of trunks live: OPTIONS.

use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now, Wall};
use journal::{Kind, TrunkDown, TrunkUp};
use sip::health::{Health, Verdict};
use sip::{Inquiry, InquiryId};
use sip_message::{Method, NameAddr, Uri};

use super::{About, Trunks};
use crate::switch::Switch;
use crate::{Trunk, TrunkName};

/// A far end that is watched.
pub(super) struct Watched {
    pub health: Health,
    /// The OPTIONS that waits for its answer.
    inquiry: Option<InquiryId>,
    /// When its state began, by the calendar.
    pub since: Wall,
}

impl Watched {
    pub fn new(now: Now, trunk: &Trunk) -> Option<Self> {
        let watch = trunk.health?;
        Some(Self { health: Health::new(now.monotonic, watch), inquiry: None, since: now.wall })
    }

    pub fn poll_timeout(&self) -> Mono {
        self.health.poll_timeout()
    }

    fn is_due(&self, now: Now) -> bool {
        self.poll_timeout() <= now.monotonic
    }
}

impl Switch {
    /// Asks a far end whether it lives, at each address where that is due, or finds that it has not answered.
    pub(super) fn watch(&mut self, now: Now, name: &TrunkName) {
        let Some(state) = self.trunks.by_name.get_mut(name) else { return };
        for target in &mut state.targets {
            target.rests_until.take_if(|end| *end <= now.monotonic);
        }
        let due = state.targets.iter().filter(|target| target.watched.as_ref().is_some_and(|w| w.is_due(now)));
        let due: Vec<SocketAddr> = due.map(|target| target.peer.address).collect();
        for at in due {
            self.watch_at(now, name, at);
        }
    }

    fn watch_at(&mut self, now: Now, name: &TrunkName, at: SocketAddr) {
        let Trunks { by_name, rng, inquiries, .. } = &mut self.trunks;
        let Some(target) = by_name.get_mut(name).and_then(|state| state.target_mut(at)) else { return };
        let (Some(watched), peer) = (&mut target.watched, target.peer.clone()) else { return };
        if let Some(verdict) = watched.health.handle_timeout(now.monotonic, rng) {
            // What is said to it later counts no more.
            watched.inquiry.take().map(|inquiry| inquiries.remove(&inquiry));
            self.judged(now, name, at, verdict, 408);
            return;
        }
        let login = self.login_of(name);
        let flow = self.flow_to(&peer);
        let ours = NameAddr::new(Uri::from_address(flow.local).with_user("strowger"));
        let inquiry = Inquiry {
            flow,
            method: Method::Options,
            target: peer.contact.clone().into(),
            from: ours,
            to: NameAddr::new(peer.contact),
            call_id: None,
            cseq: 1,
            contact: None,
            headers: Vec::new(),
            body: None,
            login,
            onward: sip::Onward::default(),
        };
        let id = self.sip.inquire(now, inquiry);
        self.trunks.inquiries.insert(id, (name.clone(), About::Health(at)));
        if let Some(watched) = self.trunks.watched(name, at) {
            watched.inquiry = Some(id);
        }
    }

    /// The answer to an OPTIONS came.
    pub(super) fn health_answered(&mut self, now: Now, name: &TrunkName, at: SocketAddr, status: u16) {
        let Trunks { by_name, rng, .. } = &mut self.trunks;
        let target = by_name.get_mut(name).and_then(|state| state.target_mut(at));
        let Some(watched) = target.and_then(|target| target.watched.as_mut()) else { return };
        watched.inquiry = None;
        let verdict = watched.health.handle_reply(now.monotonic, status, rng);
        self.judged(now, name, at, verdict, status);
    }

    fn judged(&mut self, now: Now, name: &TrunkName, at: SocketAddr, verdict: Verdict, status: u16) {
        if matches!(status, 408 | 503) {
            self.trunks.note_failure(now, name, Method::Options.as_str(), at, status);
        }
        let target = self.trunks.by_name.get(name).and_then(|state| state.target(at));
        let named = target.and_then(|target| target.hop.as_ref()).map(|_| at);
        let kind = match verdict {
            Verdict::Same => return,
            Verdict::Down { status } => Kind::TrunkDown(TrunkDown { trunk: name.clone(), status, at: named }),
            Verdict::Up => Kind::TrunkUp(TrunkUp { trunk: name.clone(), at: named }),
        };
        if let Some(watched) = self.trunks.watched(name, at) {
            watched.since = now.wall;
        }
        self.book.write_system(now, kind);
    }
}

impl Trunks {
    fn watched(&mut self, name: &TrunkName, at: SocketAddr) -> Option<&mut Watched> {
        self.by_name.get_mut(name)?.target_mut(at)?.watched.as_mut()
    }
}

/// How a trunk is watched where only `true` is written.
#[must_use]
pub const fn usual_watch() -> sip::health::Watch {
    sip::health::Watch { every: Duration::from_secs(30), timeout: Duration::from_secs(5), down_after: 3, up_after: 2 }
}
