//! Who we are to the far end of a trunk that asks: the stack answers, here stands what comes of it.

use std::net::SocketAddr;
use std::sync::Arc;

use base::{LegId, Now};
use journal::{Kind, LoginFault};
use sip::SessionId;
use sip::digest::{Challenge, Login};
use sip_message::{HeaderName, Response};

use crate::call::Role;
use crate::switch::Switch;
use crate::{Config, Trunk, TrunkName};

/// The logins of all trunks.
pub(crate) fn logins(config: &Config) -> impl Iterator<Item = (Arc<str>, Login)> {
    config.trunks.iter().filter_map(|trunk| Some((trunk.name.clone(), trunk.login.clone()?)))
}

impl Switch {
    /// The name of a trunk's login, if it has one.
    pub(crate) fn login_of(&self, trunk: &TrunkName) -> Option<Arc<str>> {
        self.config.trunk(trunk)?.login.as_ref().map(|_| trunk.clone())
    }

    /// A call that came from a trunk: should its far end ask who we are when we end or change it, it is told, if our requests go
    /// to where calls through that trunk go.
    pub(crate) fn identify(&mut self, now: Now, session: SessionId, trunk: &str, source: SocketAddr) {
        let Some(Trunk { name, login: Some(_), .. }) = self.config.trunk(trunk) else { return };
        if self.trunks.is_at(name, source.ip()) {
            self.sip.identify(now, session, name.clone(), source.ip());
        }
    }

    /// The far end of a trunk wants to know who we are, and has not taken us for that.
    pub(crate) fn tell_login_failed(&mut self, now: Now, leg: LegId, response: &Response) {
        let Some(Role::Outside { outside, .. }) = self.legs.get(&leg).map(|found| &found.role) else { return };
        let trunk = outside.trunk.clone();
        let login = self.config.trunk(&trunk).and_then(|trunk| trunk.login.as_ref());
        let (why, realm) = login_fault(login, response);
        self.book.write_system(now, Kind::LoginFailed { trunk, why, realm });
    }
}

/// The most of a realm that is told.
const MAX_REALM: usize = 128;

/// Why a peer that answered 401 or 407 was not satisfied, and the realm in which it asked.
pub(crate) fn login_fault(login: Option<&Login>, response: &Response) -> (LoginFault, String) {
    let asks = match response.status.code() {
        401 => HeaderName::WwwAuthenticate,
        _ => HeaderName::ProxyAuthenticate,
    };
    let challenges: Vec<Challenge> = response.head.headers(asks).filter_map(Challenge::read).collect();
    let realm = challenges.first().map(|challenge| challenge.realm().chars().take(MAX_REALM).collect());
    let why = match login {
        None => LoginFault::NoLogin,
        Some(login) if challenges.iter().any(|challenge| challenge.realm() == &*login.realm) => LoginFault::Refused,
        Some(_) => LoginFault::OtherRealm,
    };
    (why, realm.unwrap_or_default())
}
