//! What an operator sees of those who are registered.

use std::net::SocketAddr;
use std::sync::Arc;

use base::{Now, Wall};
use journal::Carrier;
use serde::{Deserialize, Serialize};
use sip::registrar::Binding;

use crate::control::MAX_PAGE;
use crate::locations::carrier;
use crate::switch::Switch;

/// Some of the registered contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registrations {
    /// How many contacts are registered in all.
    pub total: usize,
    /// The contacts of this page, by user, each user's newest first.
    pub contacts: Vec<Registration>,
    /// Where the next page begins ([`crate::control::Request::Registrations`] › `after`); `None` if this is the last.
    pub next: Option<Arc<str>>,
}

/// A registered contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The user who can be reached there.
    pub user: Arc<str>,
    /// The URI that his calls go to.
    pub contact: String,
    /// What carries them.
    pub transport: Carrier,
    /// The address that it was registered from.
    pub source: SocketAddr,
    /// Seconds until it ends, if it is not renewed.
    pub expires_s: u64,
    /// How much he prefers it, in thousandths: of several, the highest rings.
    pub q_thousandths: u16,
    /// What the phone says it is; empty if it does not say.
    pub agent: Box<str>,
    /// When it was heard of last, in microseconds since 1970.
    #[serde(default)]
    pub seen: Wall,
    /// It sits behind a NAT, as far as its Via and Contact tell.
    #[serde(default)]
    pub nat: bool,
    /// It did not answer when it was asked, and is not rung.
    #[serde(default)]
    pub lost: bool,
    /// The proxies on the way to it.
    #[serde(default)]
    pub path: Vec<String>,
}

impl Switch {
    /// A page of whole users, with `limit` contacts or a few more.
    pub(crate) fn registrations(&self, now: Now, after: Option<&str>, limit: u16) -> Registrations {
        let limit = usize::from(if (1..=MAX_PAGE).contains(&limit) { limit } else { MAX_PAGE });
        let registrar = &self.desk.registrar;
        let mut page = Registrations { total: registrar.len(), ..Registrations::default() };
        let mut last: Option<&Arc<str>> = None;
        for user in registrar.records(after) {
            if page.contacts.len() >= limit {
                page.next = last.cloned();
                break;
            }
            page.contacts.extend(registrar.bindings(user).into_iter().map(|binding| line(now, user, binding)));
            last = Some(user);
        }
        page
    }
}

fn line(now: Now, user: &Arc<str>, binding: &Binding) -> Registration {
    Registration {
        user: user.clone(),
        contact: binding.contact.to_string(),
        transport: carrier(binding.flow.transport),
        source: binding.flow.remote,
        expires_s: binding.ends.since(now.monotonic).as_secs(),
        q_thousandths: binding.q,
        agent: binding.agent.clone(),
        seen: binding.seen,
        nat: binding.nat,
        lost: binding.is_lost(),
        path: binding.path.iter().map(ToString::to_string).collect(),
    }
}
