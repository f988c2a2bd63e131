//! A user's dialogs, as his phones see them (RFC 4235 3.7.1, 4.1).

use base::LegId;
use sip::DialogNames;
use sip_message::DialogFilter;

use super::{Ends, Watched};
use crate::UserName;
use crate::call::{Leg, Reach, Role, Stage};
use crate::switch::Switch;

/// A dialog of a phone. It is named as that phone names it, so that a Replaces made from it is right: its to-tag is
/// `remote_tag`, its from-tag `local_tag` (RFC 3891 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialog {
    /// Unique among all that are told.
    pub id: u64,
    /// The leg that it belongs to; one that rings at several phones has several.
    pub leg: LegId,
    pub call_id: Box<str>,
    /// The phone's tag; none before it has one.
    pub local_tag: Option<Box<str>>,
    /// Ours.
    pub remote_tag: Box<str>,
    /// The phone called; else it was called.
    pub initiator: bool,
    pub state: State,
    /// Who is on the other side.
    pub remote: Identity,
}

/// Where a dialog stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Trying,
    Early,
    Confirmed,
    /// It is over: the event that ended it, and the status if it was refused.
    Terminated(&'static str, Option<u16>),
}

/// Somebody, as phones show him. It prints nothing: it tells about a person.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// His number or name; none if he withholds it.
    pub user: Option<String>,
    pub display: Option<String>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

impl Dialog {
    /// Whether a subscriber is told of it who asked about these, or all (RFC 4235 3.3).
    pub(super) fn is_shown(&self, filter: Option<&DialogFilter>) -> bool {
        filter.is_none_or(|filter| filter.fits(&self.call_id, self.local_tag.as_deref(), &self.remote_tag))
    }
}

impl Switch {
    /// Looks at the dialogs of a user who is watched: as they were before, and those that are over.
    pub(super) fn look_at(&mut self, user: &UserName) -> (Vec<Dialog>, Vec<Dialog>) {
        let legs = self.lamps.legs.get(user).cloned().unwrap_or_default();
        let mut now: Vec<Dialog> = legs.into_iter().flat_map(|leg| self.dialogs_of(leg)).collect();
        let Some(Watched { dialogs: before, .. }) = self.lamps.watched.get_mut(user) else {
            return (Vec::new(), Vec::new());
        };
        let mut gone = std::mem::take(before);
        let looked = gone.clone();
        for dialog in &mut now {
            // A phone that begins to ring goes on with what was there before it did.
            let same = |old: &Dialog, tag: bool| {
                old.leg == dialog.leg && (if tag { old.local_tag == dialog.local_tag } else { old.local_tag.is_none() })
            };
            let place =
                gone.iter().position(|old| same(old, true)).or_else(|| gone.iter().position(|old| same(old, false)));
            dialog.id = match place {
                Some(place) => gone.remove(place).id,
                None => {
                    self.lamps.dialogs += 1;
                    self.lamps.dialogs
                }
            };
        }
        *before = now;
        let ends = &self.lamps.ends;
        let over: Vec<Dialog> = gone
            .into_iter()
            .map(|dialog| {
                let state = end(&dialog, ends.get(&dialog.leg));
                Dialog { state, ..dialog }
            })
            .collect();
        (looked, over)
    }

    /// The dialogs of a leg that lives.
    fn dialogs_of(&self, id: LegId) -> Vec<Dialog> {
        let Some((leg, names)) = self.legs.get(&id).and_then(|leg| Some((leg, self.sip.dialog_names(leg.session?)?)))
        else {
            return Vec::new();
        };
        let DialogNames { call_id, local_tag, remote_tags, rings } = names;
        let initiator = matches!(leg.role, Role::Caller { .. } | Role::Joined { .. });
        let state = |has_tag: bool| match leg.answered {
            true => State::Confirmed,
            false if initiator && !rings => State::Trying,
            false if has_tag => State::Early,
            false => State::Trying,
        };
        let remote = self.other_side(id, leg);
        let dialog = |tag: Option<Box<str>>| Dialog {
            id: 0,
            leg: id,
            call_id: call_id.clone(),
            state: state(tag.is_some()),
            local_tag: tag,
            remote_tag: local_tag.clone(),
            initiator,
            remote: remote.clone(),
        };
        if remote_tags.is_empty() {
            return vec![dialog(None)];
        }
        remote_tags.into_iter().map(|tag| dialog(Some(tag))).collect()
    }

    /// Who is on the other side of a leg.
    fn other_side(&self, id: LegId, leg: &Leg) -> Identity {
        let Some(call) = self.calls.get(&leg.call) else { return Identity::default() };
        let other = match call.stage {
            _ if call.caller != id => Some(call.caller),
            Stage::Talking(other) => Some(other),
            _ => None,
        };
        if let Some(other) = other {
            return self.who_is(other);
        }
        // Whom he dialled, or, if he takes a place, nobody of whom one knows yet.
        match &call.destination {
            Reach::Replace(_) => Identity::default(),
            _ => self.named(&call.dialled),
        }
    }

    /// Whose a leg is, as phones show him.
    fn who_is(&self, leg: LegId) -> Identity {
        let Some(found) = self.legs.get(&leg) else { return Identity::default() };
        match &found.role {
            Role::Agent { agent, .. } | Role::Party { agent, .. } => self.named(agent.shared()),
            Role::Outside { outside, .. } => self.named(outside.number.reveal()),
            Role::Joined { who: Some(journal::Asker::User(user)) } => self.named(user),
            Role::Joined { .. } => Identity::default(),
            Role::Caller { .. } => match self.calls.get(&found.call).filter(|call| !call.identity.is_private()) {
                Some(call) => {
                    let shown = self.named(call.number.reveal());
                    let asserted = || call.identity.display.as_ref().map(|name| name.reveal().clone());
                    Identity { display: shown.display.or_else(asserted), ..shown }
                }
                None => Identity::default(),
            },
        }
    }

    fn named(&self, name: &str) -> Identity {
        let display = self.config.users.get(name).and_then(|user| user.display.clone());
        // Phones that withhold their number say so (RFC 3323 4.1.1.3).
        let withheld = name.is_empty() || name.eq_ignore_ascii_case("anonymous");
        Identity { user: (!withheld).then(|| name.to_owned()), display }
    }
}

/// What ended a dialog (RFC 4235 3.7.1), by how its phone or its leg ended; one of which neither is known is another phone's that
/// rings no more.
fn end(dialog: &Dialog, ends: Option<&Ends>) -> State {
    let Some(Ends { leg, forks }) = ends else { return CANCELLED };
    match dialog.local_tag.as_ref().and_then(|tag| forks.get(tag)) {
        Some(Some(status)) => return State::Terminated("rejected", Some(*status)),
        Some(None) => return CANCELLED,
        None => {}
    }
    let Some((cause, status)) = leg else { return CANCELLED };
    let talked = dialog.state == State::Confirmed;
    match (&**cause, status) {
        ("transferred" | "answered_elsewhere", _) => State::Terminated("replaced", None),
        ("timeout" | "no_ack" | "session_expired" | "media_silent" | "no_prack", _) => {
            State::Terminated("timeout", None)
        }
        ("bye", _) if talked => State::Terminated("local-bye", None),
        // Another of the user's phones did, and for all of them.
        ("refused" | "challenged", Some(_)) if !forks.is_empty() => CANCELLED,
        ("refused" | "challenged", Some(status)) => State::Terminated("rejected", Some(*status)),
        ("fault" | "gone" | "bad_answer" | "unreachable", _) => State::Terminated("error", None),
        _ if talked => State::Terminated("remote-bye", None),
        _ => CANCELLED,
    }
}

/// The end of a dialog that the phone did not bring about.
const CANCELLED: State = State::Terminated("cancelled", None);
