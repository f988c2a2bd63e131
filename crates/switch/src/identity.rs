//! Who calls, by whose word, and who may learn of it (RFC 3325, RFC 3323); whom the call was for before (RFC 5806, RFC 7044).
//!
//! Trunks that are `trusted` are within the trust domain, and nobody else is: no other trunk, no phone, no agent's either. What the
//! others say of identities is not read, and nothing is said to them. What they ask to be hidden is hidden.

use std::net::IpAddr;

use base::{CallId, Now, Pii};
use journal::{DivertedFrom, Kind, Origin, Received};
use sip_message::{
    Asserted, BadIdentity, DiversionReason, Diverted, Head, HeaderName, NameAddr, PrivValue, Privacy, Request, Uri,
};

use crate::call::{Call, Callee, Route};
use crate::switch::Switch;
use crate::{Asker, CallerId, Destination, NumbersOf, Trunk, UserName, is_number};

/// The most of those whom a call was for before that are kept and told.
const MAX_DIVERTED: usize = 10;

/// What is known of a caller besides his number.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    /// A trusted trunk says that his number is his.
    pub asserted: bool,
    /// The name that it says with that.
    pub display: Option<Pii<String>>,
    /// What he wants hidden.
    pub privacy: Privacy,
    /// Whom the call was for before, by the word of a trusted trunk, the last one first.
    pub diverted: Vec<Diverted>,
    /// Header fields of a trusted trunk that could not be believed.
    ignored: Vec<(HeaderName, BadIdentity)>,
}

impl Identity {
    /// True if no phone and nobody outside the trust domain may learn who calls.
    pub const fn is_private(&self) -> bool {
        self.privacy.hides_caller()
    }

    /// What the journal is told.
    pub fn events(&self) -> Vec<Kind> {
        let told = |one: &Diverted| DivertedFrom {
            number: Pii::new(one.number.clone()),
            reason: one.reason.as_str().into(),
            private: one.private,
        };
        let ignored = self.ignored.iter();
        let mut events: Vec<Kind> = ignored
            .map(|(header, why)| Kind::IdentityIgnored { header: header.as_str().into(), why: why.to_string().into() })
            .collect();
        if self.asserted || self.is_private() || !self.diverted.is_empty() {
            let diverted_from = self.diverted.iter().map(told).collect();
            events.push(Kind::Identified { asserted: self.asserted, private: self.is_private(), diverted_from });
        }
        events
    }

    /// Takes what a trusted trunk says of the caller; gives his number, if it says that.
    fn believe(&mut self, head: &Head) -> Option<String> {
        let asserted = Asserted::of(head);
        let asserted = self.sound(HeaderName::PAssertedIdentity, asserted).flatten();
        let by_history = Diverted::by_history(head);
        let by_diversion = Diverted::by_diversion(head);
        let by_history = self.sound(HeaderName::HistoryInfo, by_history).unwrap_or_default();
        let by_diversion = self.sound(HeaderName::Diversion, by_diversion).unwrap_or_default();
        // Where both stand, the tree says more (RFC 7544 section 3.2).
        self.diverted = if by_history.is_empty() { by_diversion } else { by_history };
        self.diverted.truncate(MAX_DIVERTED);
        let number = asserted.as_ref().and_then(Asserted::number)?;
        self.asserted = true;
        self.display = asserted.as_ref().and_then(Asserted::display).map(|name| Pii::new(name.to_owned()));
        Some(number)
    }

    fn sound<T>(&mut self, header: HeaderName, read: Result<T, BadIdentity>) -> Option<T> {
        read.map_err(|why| self.ignored.push((header, why))).ok()
    }
}

impl Switch {
    /// Reads who calls whom: numbers as the switch writes them, whose they are, and how they came if they were others. Whatever
    /// is decided of the call, is decided by these.
    pub(crate) fn learn(
        &self,
        origin: &Origin,
        request: &Request,
        from: &mut String,
        to: &mut String,
    ) -> (Identity, Option<Received>) {
        let mut identity = Identity { privacy: Privacy::of(&request.head), ..Identity::default() };
        let Origin::Trunk(name) = origin else { return (identity, None) };
        let Some(trunk) = self.config.trunk(name) else { return (identity, None) };
        let received = Received { from: Pii::new(from.clone()), to: Pii::new(to.clone()) };
        let asserted = if trunk.trusted { identity.believe(&request.head) } else { None };
        let inward = |number: String, of| trunk.numbers.inward(&number, of).unwrap_or(number);
        *from = inward(asserted.unwrap_or_else(|| std::mem::take(from)), NumbersOf::Calling);
        *to = inward(std::mem::take(to), NumbersOf::Called);
        for one in &mut identity.diverted {
            one.number = inward(std::mem::take(&mut one.number), NumbersOf::Called);
        }
        let others = received.from.reveal() != from || received.to.reveal() != to;
        (identity, others.then_some(received))
    }

    /// Tells the journal who calls.
    pub(crate) fn note_identity(&mut self, now: Now, call: CallId) {
        let events = self.calls.get(&call).map(|found| found.identity.events()).unwrap_or_default();
        for kind in events {
            self.note(now, call, kind);
        }
    }

    /// Whom the far end of a trunk sees calling, and what it is told of that in confidence, if it is trusted.
    pub(crate) fn shown_outside(
        &self,
        call: &Call,
        outside: &journal::Outside,
        route: &Route,
    ) -> (NameAddr, Vec<(String, String)>) {
        let Some(trunk) = self.config.trunk(&outside.trunk) else { return (anonymous(), Vec::new()) };
        let host = Uri::new(self.told_host(route));
        // Help has to know who calls for it.
        let is_private = call.identity.is_private() && outside.grant.is_some();
        let (number, is_ours) = self.caller_id(call, outside, trunk);
        let written = |number: &str| trunk.numbers.outward(number, NumbersOf::Calling).unwrap_or(number.to_owned());
        let shown = number.as_deref().filter(|_| !is_private);
        let from = shown.map_or_else(anonymous, |number| NameAddr::new(host.clone().with_user(&written(number))));
        if !trunk.trusted {
            return (from, Vec::new());
        }
        let asserted = match call.identity.asserted {
            true => Some(call.number.reveal().as_str()),
            false => number.as_deref().filter(|_| is_ours),
        };
        let mut headers = Vec::new();
        let mut tell = |name: HeaderName, value: String| headers.push((name.as_str().to_owned(), value));
        if let Some(number) = asserted {
            let address = NameAddr::new(host.clone().with_user(&written(number)));
            let display = call.identity.display.as_ref().filter(|_| call.identity.asserted);
            let address = display.map_or(address.clone(), |name| address.with_display(name.reveal()));
            tell(HeaderName::PAssertedIdentity, address.to_string());
        }
        if is_private || (shown.is_none() && asserted.is_some()) {
            // What concerns addresses of ours alone is done: ours stand in place of his.
            let asked = [PrivValue::User, PrivValue::History].into_iter().filter(|v| call.identity.privacy.has(*v));
            let privacy = asked.fold(Privacy::default().with(PrivValue::Id), Privacy::with);
            tell(HeaderName::Privacy, privacy.to_string());
        }
        let diverted = self.diverted(call, outside, trunk);
        if !diverted.is_empty() {
            diverted.iter().for_each(|one| tell(HeaderName::Diversion, one.diversion(&host)));
            tell(HeaderName::HistoryInfo, Diverted::history(&diverted, &host, &route.target));
        }
        (from, headers)
    }

    /// What the phone that rings shows: the caller's number, and his name if he is one of ours or a trusted trunk says it; nothing
    /// of who wants to be hidden. Who asks a third one calls him himself.
    pub(crate) fn caller_identity(&self, call: &Call, ours: IpAddr) -> NameAddr {
        if let Some(Asker::User(user)) = call.consult.as_ref().map(|consult| &consult.who) {
            return self.named_address(user, None, ours);
        }
        if call.identity.is_private() {
            return anonymous();
        }
        let number = call.number.reveal();
        let asserted = call.identity.display.as_ref().map(|name| name.reveal().clone());
        self.named_address(if number.is_empty() { "anonymous" } else { number }, asserted, ours)
    }

    /// A number of ours as phones show it, with the name of the user whose it is, else this one.
    fn named_address(&self, number: &str, otherwise: Option<String>, ours: IpAddr) -> NameAddr {
        let identity = NameAddr::new(Uri::new(ours).with_user(number));
        match self.config.users.get(number).and_then(|user| user.display.clone()).or(otherwise) {
            Some(display) => identity.with_display(&display),
            None => identity,
        }
    }

    /// The number that a call out shows, and whether we can stand up for it.
    fn caller_id(&self, call: &Call, outside: &journal::Outside, trunk: &Trunk) -> (Option<std::sync::Arc<str>>, bool) {
        let own = match &outside.asked_by {
            Asker::User(user) => self.config.users.get(user).and_then(|user| user.caller_id.clone()),
            Asker::Flow(_) | Asker::Trunk(_) => None,
        };
        match (own, &trunk.caller_id) {
            (Some(number), _) => (Some(number), true),
            (None, CallerId::Number(number)) => (Some(number.clone()), true),
            // Whoever is called back sees the number that he had dialled.
            (None, CallerId::Caller) if call.callback.is_some() => {
                (is_number(&call.dialled).then(|| call.dialled.clone()), false)
            }
            (None, CallerId::Caller) => {
                let number = call.number.reveal().as_str();
                // A user's number is his name, by which he is known; anybody else's may be anything.
                let is_user = matches!(&call.asker, Some(Asker::User(user)) if **user == *number);
                (is_number(number).then(|| number.into()), is_user)
            }
            (None, CallerId::Anonymous) => (None, false),
        }
    }

    /// Whom a call that leaves was for before, the last one first: who sent it on here, and before that what came with it.
    fn diverted(&self, call: &Call, outside: &journal::Outside, trunk: &Trunk) -> Vec<Diverted> {
        let one = |number: String, reason| Diverted { number, reason, private: false };
        let mut found: Vec<Diverted> = Vec::new();
        let mut rung = call.rung.iter().rev();
        let mut last = rung.next();
        for callee in rung {
            // A trunk in the place of another calls the same one.
            if last != Some(callee) {
                let number = match callee {
                    Callee::User(user) => self.number_of(user),
                    Callee::Outside(number) => number.to_string(),
                };
                found.push(one(number, DiversionReason::Unconditional));
            }
            last = Some(callee);
        }
        match call.transfer.as_ref().map(|transfer| &transfer.who) {
            Some(Asker::User(user)) => found.push(one(self.number_of(user), DiversionReason::Unknown)),
            Some(Asker::Trunk(_) | Asker::Flow(_)) => {
                found.push(one(call.dialled.to_string(), DiversionReason::Unknown));
            }
            None if call.flow.is_some() && matches!(outside.asked_by, Asker::Flow(_)) => {
                found.push(one(call.dialled.to_string(), DiversionReason::Unconditional));
            }
            None => {}
        }
        found.extend(call.identity.diverted.iter().cloned());
        found.truncate(MAX_DIVERTED);
        for one in &mut found {
            one.number =
                trunk.numbers.outward(&one.number, NumbersOf::Called).unwrap_or(std::mem::take(&mut one.number));
        }
        found
    }

    /// The number by which a user is known outside; else one that leads to him; else his name.
    fn number_of(&self, user: &UserName) -> String {
        let own = self.config.users.get(user).and_then(|found| found.caller_id.clone());
        let leads = |(_, to): &(_, &Destination)| matches!(to, Destination::User(name) if name == user);
        let listed = || self.config.numbers.iter().find(leads).map(|(number, _)| number.clone());
        own.or_else(listed).unwrap_or_else(|| user.clone()).to_string()
    }
}

/// Nobody that anybody need know (RFC 3323 section 4.1.1.3).
pub(crate) fn anonymous() -> NameAddr {
    NameAddr::new(Uri::new(sip_message::Host::Name("anonymous.invalid".into())).with_user("anonymous"))
        .with_display("Anonymous")
}
