//! Whether a leg's audio is encrypted, and by which keys of ours (SRTP, RFC 4568).
//!
//! A leg keeps the policy that it began with, and its keys for as long as it lives: what is offered again has the same key,
//! so that its packets are counted on. Of several phones that it rings each is offered keys of its own (`places`).

use base::Rng;
use journal::Origin;
use sdp::{Agreed, Description, Keys, Security};
use sip::Flow;

use crate::call::{Leg, Role};
use crate::config::SrtpPolicy;
use crate::switch::Switch;

/// A leg's policy and keys.
#[derive(Debug)]
pub(crate) struct Secrecy {
    policy: SrtpPolicy,
    /// Nobody on the way reads its signalling: TLS.
    is_secret: bool,
    /// Made when they are first needed: most calls are plain.
    keys: Option<Box<Keys>>,
    /// SRTP was offered though it need not be, and the phone takes none.
    declined: bool,
}

impl Secrecy {
    /// Of a leg that begins.
    pub const fn new(policy: SrtpPolicy, is_secret: bool) -> Self {
        Self { policy, is_secret, keys: None, declined: false }
    }

    /// What an offer of the peer's is answered by.
    pub fn for_answer(&mut self, offer: &Description, rng: &mut Rng) -> Security {
        match self.policy {
            SrtpPolicy::Never => Security::Never,
            SrtpPolicy::Allowed if !offer.offers_srtp() => Security::Never,
            SrtpPolicy::Allowed => Security::Allowed(self.keys(rng)),
            SrtpPolicy::Required => Security::Required(self.keys(rng)),
        }
    }

    /// What an offer of ours says. Where either would do, keys are offered to whom nobody else can read: by TLS.
    pub fn for_offer(&mut self, agreed: Option<&Agreed>, rng: &mut Rng) -> Security {
        let wanted = match (self.policy, agreed) {
            (SrtpPolicy::Never, _) => false,
            (SrtpPolicy::Required, _) => true,
            (SrtpPolicy::Allowed, Some(agreed)) => agreed.srtp.is_some(),
            (SrtpPolicy::Allowed, None) => self.is_secret && !self.declined,
        };
        if wanted { Security::Required(self.keys(rng)) } else { Security::Never }
    }

    /// Takes up what came of it.
    pub fn settle(&mut self, agreed: &Agreed, rng: &mut Rng) {
        if let Some(keys) = &mut self.keys {
            keys.settle(agreed.srtp.as_ref(), rng);
        }
    }

    /// The peer does not take our offer. True if it may be asked again in clear.
    fn decline(&mut self) -> bool {
        let may = self.policy == SrtpPolicy::Allowed && self.keys.is_some() && !self.declined;
        self.declined |= may;
        may
    }

    /// Goes on with these keys; gives back those that it had.
    pub const fn exchange(&mut self, keys: Option<Box<Keys>>) -> Option<Box<Keys>> {
        std::mem::replace(&mut self.keys, keys)
    }

    fn keys(&mut self, rng: &mut Rng) -> Box<Keys> {
        self.keys.get_or_insert_with(|| Box::new(Keys::random(rng))).clone()
    }
}

impl Switch {
    /// The leg of a call that came in.
    pub(crate) fn secrecy_of_caller(&self, origin: &Origin, flow: Flow) -> Secrecy {
        let own = match origin {
            Origin::User(name) => self.config.users.get(name).and_then(|user| user.srtp),
            Origin::Trunk(name) => self.config.trunk(name).and_then(|trunk| trunk.srtp),
            Origin::Callback(_) | Origin::Unknown => None,
        };
        let policy = own.unwrap_or_else(|| self.config.srtp_at(flow.listener));
        Secrecy::new(policy, flow.transport.is_secure())
    }

    /// A leg of ours that begins.
    pub(crate) fn secrecy_of(&self, role: &Role) -> Secrecy {
        let (own, route) = match role {
            Role::Agent { agent, route, .. } | Role::Party { agent, route } => {
                (self.config.users.get(agent.as_str()).and_then(|user| user.srtp), route)
            }
            Role::Outside { outside, route, .. } => {
                (self.config.trunk(&outside.trunk).and_then(|trunk| trunk.srtp), route)
            }
            Role::Caller { .. } | Role::Joined { .. } => return Secrecy::new(self.config.srtp, false),
        };
        let policy = own.unwrap_or_else(|| self.config.srtp_at(route.flow.listener));
        // All phones that are rung for it are offered the same, but for the keys.
        let others = route.others.phones.iter().map(|(_, other)| other);
        let is_secret = std::iter::once(route).chain(others).all(|route| route.flow.transport.is_secure());
        Secrecy::new(policy, is_secret)
    }

    /// A phone that was offered SRTP, and need not have it, does not take the offer: true if it is asked again in clear.
    pub(crate) fn falls_back(&mut self, leg: base::LegId, status: u16) -> bool {
        let Some(Leg { secrecy, closed: false, .. }) = self.legs.get_mut(&leg) else { return false };
        matches!(status, 415 | 488 | 606) && secrecy.decline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(secrecy: &mut Secrecy) -> bool {
        matches!(secrecy.for_offer(None, &mut Rng::from_number(1)), Security::Required(_))
    }

    #[test]
    fn srtp_is_offered_by_tls_or_where_it_is_required() {
        let cases = [
            (SrtpPolicy::Never, false, false),
            (SrtpPolicy::Never, true, false),
            (SrtpPolicy::Allowed, false, false),
            (SrtpPolicy::Allowed, true, true),
            (SrtpPolicy::Required, false, true),
            (SrtpPolicy::Required, true, true),
        ];
        for (policy, is_secret, wanted) in cases {
            assert_eq!(offered(&mut Secrecy::new(policy, is_secret)), wanted, "{policy:?} {is_secret}");
        }
    }

    #[test]
    fn who_takes_none_is_asked_in_clear_once_unless_it_is_required() {
        let mut allowed = Secrecy::new(SrtpPolicy::Allowed, true);
        assert!(offered(&mut allowed) && allowed.decline() && !offered(&mut allowed));
        assert!(!allowed.decline(), "a phone that takes neither has declined");
        let mut required = Secrecy::new(SrtpPolicy::Required, true);
        assert!(offered(&mut required) && !required.decline() && offered(&mut required));
        let mut plain = Secrecy::new(SrtpPolicy::Allowed, false);
        assert!(!offered(&mut plain) && !plain.decline());
    }
}
