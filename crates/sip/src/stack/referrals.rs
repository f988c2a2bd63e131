//! REFER inside a session, and the subscription that it implies (RFC 3515, RFC 4488, RFC 6665 4.2): the peer is told how what
//! he asked for goes, also when he has hung up meanwhile.

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{BadReferTo, HeaderName, Method, ReferTo, Replaces, Response, StatusCode};

use std::time::Duration;

use super::Stack;
use crate::core::printed;
use crate::dialog::Dialog;
use crate::identity::Identity;
use crate::inspect::Fault;
use crate::session::{Asked, State};
use crate::transaction::key;
use crate::{Aside, Event, Pending, SessionId};

/// A REFER of a peer that is being followed. Never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferralId(SessionId);

/// What a Replaces names (RFC 3891 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// No dialog of ours.
    Unknown,
    /// One that is ending.
    Ended,
    /// A call of ours that rings at the peer.
    Ringing(SessionId),
    /// A call of the peer's that we have not answered: it cannot be replaced.
    Asking(SessionId),
    /// One that is answered.
    Answered(SessionId),
}

pub(super) struct Referral {
    session: SessionId,
    /// The session's dialog, once it is over: the subscription outlives it.
    dialog: Option<Box<Dialog>>,
    /// As whom its NOTIFYs answer a challenge, once the session is over.
    identity: Option<Box<Identity>>,
    /// What the NOTIFY under way says.
    told: (u16, bool),
    /// The value of Event: with an id from the second REFER of a dialog on (RFC 3515 2.4.6).
    event: String,
    /// How long it lasts at most, in seconds.
    lasts: u64,
    /// A NOTIFY is not answered yet.
    running: bool,
    /// It says the last word.
    closing: bool,
    /// What is to be told next: a status, and whether it is the last word. A newer one takes the place of an older.
    next: Option<(u16, bool)>,
}

/// What names a dialog, seen from our side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogName {
    /// The Call-ID.
    pub call_id: Box<str>,
    /// Our tag.
    pub local_tag: Box<str>,
    /// The peer's.
    pub remote_tag: Box<str>,
}

/// What names the dialogs of a session, seen from our side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DialogNames {
    /// The Call-ID.
    pub call_id: Box<str>,
    /// Our tag.
    pub local_tag: Box<str>,
    /// The peers': one of an answered call and of one that came; of one that we place one for each fork that rings, none before.
    pub remote_tags: Vec<Box<str>>,
    /// The peer who calls was told that it rings.
    pub rings: bool,
}

impl Stack {
    /// The names of a session's dialogs.
    #[must_use]
    pub fn dialog_names(&self, session: SessionId) -> Option<DialogNames> {
        let session = self.sessions.get(&session)?;
        let (local_tag, call_id) = session.dialog_key.split_once('|')?;
        let (remote_tags, rings) = match &session.state {
            State::Outgoing(state) => {
                (state.early.iter().map(|early| early.dialog.remote_tag.clone()).collect(), false)
            }
            State::Incoming(state) => (vec![state.dialog.remote_tag.clone()], state.refresh.is_some()),
            _ => (session.dialog().iter().map(|dialog| dialog.remote_tag.clone()).collect(), false),
        };
        Some(DialogNames { call_id: call_id.into(), local_tag: local_tag.into(), remote_tags, rings })
    }

    /// The name of a session's dialog: of an unanswered call of ours, of the first that a fork began; none before that.
    #[must_use]
    pub fn dialog_name(&self, session: SessionId) -> Option<DialogName> {
        let session = self.sessions.get(&session)?;
        let dialog = match &session.state {
            State::Outgoing(state) => state.early.first().map(|early| &early.dialog),
            _ => session.dialog(),
        }?;
        let Dialog { call_id, local_tag, remote_tag, .. } = dialog.clone();
        Some(DialogName { call_id, local_tag, remote_tag })
    }

    /// What a Replaces names here.
    #[must_use]
    pub fn find_replaced(&mut self, replaces: &Replaces) -> Replaced {
        key::dialog(&mut self.key, &replaces.call_id, &replaces.to_tag);
        let Some(&id) = self.dialogs.get(self.key.as_str()) else { return Replaced::Unknown };
        let Some(session) = self.sessions.get_mut(&id) else { return Replaced::Unknown };
        if session.dialog_mut(&replaces.from_tag).is_none() {
            return Replaced::Unknown;
        }
        match &session.state {
            State::Incoming(_) => Replaced::Asking(id),
            State::Outgoing(state) if state.left.is_some() => Replaced::Ended,
            State::Outgoing(_) => Replaced::Ringing(id),
            State::Established(_) => Replaced::Answered(id),
            State::Leaving(_) => Replaced::Ended,
        }
    }

    /// Follows a REFER: answers 202 and tells its sender 100 (Trying), if he wants to be told. He is told more by
    /// [`Stack::notify_referral`], the last of it within `lasts`. `None` if he wants to know nothing (RFC 4488).
    pub fn accept_refer(
        &mut self,
        now: Now,
        session: SessionId,
        pending: Pending,
        lasts: Duration,
    ) -> Option<ReferralId> {
        let asked = *pending.0;
        let now = now.monotonic;
        let Some(found) = self.sessions.get_mut(&session) else {
            self.answer_fault(now, &asked, Fault::of(481));
            return None;
        };
        let quiet = asked
            .request
            .head
            .header(HeaderName::ReferSub)
            .is_some_and(|value| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("false"));
        let State::Established(state) = &mut found.state else {
            self.answer_fault(now, &asked, Fault::of(481));
            return None;
        };
        let dialog = &mut state.dialog;
        let mut builder = self.core.response_in(&asked, dialog, 202, None);
        if quiet {
            builder = builder.header(HeaderName::ReferSub, "false");
        }
        let response = builder.build();
        if quiet {
            self.servers.answer(&mut self.core, now, asked.id, true, response);
            return None;
        }
        let event = match std::mem::replace(&mut dialog.referred, true) {
            false => "refer".to_owned(),
            true => format!("refer;id={}", asked.request.head.cseq.number),
        };
        let id = SessionId(self.core.next_serial());
        dialog.referral = Some(id);
        self.servers.answer(&mut self.core, now, asked.id, true, response);
        let (lasts, next) = (lasts.as_secs().max(1), None);
        let (dialog, identity, told) = (None, None, (100, false));
        let referral = Referral { session, dialog, identity, told, event, lasts, running: false, closing: false, next };
        self.referrals.insert(id, referral);
        self.tell_referral(now, id, (100, false), None);
        Some(ReferralId(id))
    }

    /// Tells the sender of a REFER what came of it so far; `last`: there is no more to tell.
    pub fn notify_referral(&mut self, now: Now, referral: ReferralId, status: u16, last: bool) {
        let Some(found) = self.referrals.get_mut(&referral.0) else { return };
        if found.closing || found.next.is_some_and(|(_, last)| last) {
            return;
        }
        if found.running {
            found.next = Some((status, last));
        } else {
            self.tell_referral(now.monotonic, referral.0, (status, last), None);
        }
    }

    /// A REFER inside a session that is answered. One at a time is followed.
    pub(super) fn handle_refer(&mut self, now: Mono, session: SessionId, asked: Asked) {
        let refer = match ReferTo::of(&asked.request.head) {
            Ok(refer) => refer,
            Err(BadReferTo::Malformed) => return self.answer_fault(now, &asked, Fault::of(400)),
            Err(BadReferTo::Method) => return self.answer_fault(now, &asked, Fault::of(403)),
        };
        let Some(found) = self.sessions.get(&session) else { return };
        match &found.state {
            State::Established(state) if state.dialog.referral.is_some() => {
                self.answer_fault(now, &asked, Fault::of(491))
            }
            State::Established(_) => {
                let pending = Pending(Box::new(asked));
                self.core.tell(Event::Referred { session, pending, refer: Box::new(refer) });
            }
            _ => self.answer_fault(now, &asked, Fault::of(403)),
        }
    }

    /// A session ends; who sent a REFER in it goes on being told.
    pub(super) fn keep_referral(&mut self, dialog: Option<&Dialog>, identity: Option<Box<Identity>>) {
        let Some(dialog) = dialog else { return };
        if let Some(found) = dialog.referral.and_then(|id| self.referrals.get_mut(&id)) {
            (found.dialog, found.identity) = (Some(Box::new(dialog.clone())), identity);
        }
    }

    /// A NOTIFY was answered, or was not. False if it was none.
    pub(super) fn referral_told(&mut self, now: Mono, id: SessionId, status: Option<StatusCode>) -> bool {
        let Some(found) = self.referrals.get_mut(&id) else { return false };
        found.running = false;
        // Who knows nothing of it any more, or is gone, is told nothing more (RFC 6665 4.2.2).
        let taken = status.is_some_and(|status| status.is_success());
        match found.next.take() {
            Some(next) if taken && !found.closing => drop(self.tell_referral(now, id, next, None)),
            _ if taken && !found.closing => {}
            _ => self.forget_referral(id),
        }
        true
    }

    fn forget_referral(&mut self, id: SessionId) {
        let Some(found) = self.referrals.remove(&id) else { return };
        base::give_back(&mut self.referrals);
        if let Some(State::Established(state)) = self.sessions.get_mut(&found.session).map(|session| &mut session.state)
        {
            state.dialog.referral.take_if(|known| *known == id);
        }
    }

    /// The NOTIFY once more, if `response` challenges it and there is an answer.
    pub(super) fn prove_referral(&mut self, now: Mono, id: SessionId, response: &Response) -> bool {
        let Some(told) = self.referrals.get(&id).map(|found| found.told) else { return false };
        self.tell_referral(now, id, told, Some(response))
    }

    /// Sends a NOTIFY; with the answer to the challenge of the one before, if there was one. False: it cannot be.
    fn tell_referral(
        &mut self,
        now: Mono,
        id: SessionId,
        (status, last): (u16, bool),
        challenge: Option<&Response>,
    ) -> bool {
        let branch = key::branch(&self.core.token());
        let Some(referral) = self.referrals.get_mut(&id) else { return false };
        let (mut of_session, mut identity) = (None, referral.identity.as_deref_mut());
        if let Some(session) = self.sessions.get_mut(&referral.session) {
            identity = session.identity.as_deref_mut();
            of_session = match &mut session.state {
                State::Established(state) => Some(&mut state.dialog),
                State::Leaving(state) => Some(&mut state.dialog),
                State::Incoming(_) | State::Outgoing(_) => None,
            };
        }
        let Some(dialog) = referral.dialog.as_deref_mut().or(of_session) else {
            self.forget_referral(id);
            return false;
        };
        let (outline, flow, contact) = (dialog.next_request(branch), dialog.flow(), dialog.contact.clone());
        let asked = (&Method::Notify, &*printed(&outline.uri), flow.remote.ip());
        let Ok(proof) = self.core.proof(identity, challenge, asked) else { return false };
        let state =
            if last { "terminated;reason=noresource".to_owned() } else { format!("active;expires={}", referral.lasts) };
        let phrase = StatusCode::new(status).map_or("", StatusCode::reason);
        let aside = Aside {
            method: Method::Notify,
            headers: vec![
                (HeaderName::Event.as_str().to_owned(), referral.event.clone()),
                (HeaderName::SubscriptionState.as_str().to_owned(), state),
            ],
            // RFC 3420: a response's first line is a fragment of a message.
            body: Some((FRAGMENT.to_owned(), Bytes::from(format!("SIP/2.0 {status} {phrase}\r\n")))),
        };
        (referral.running, referral.closing, referral.told) = (true, last, (status, last));
        let payload = outline.encode_aside(&self.core, &contact, &aside, proof.as_ref());
        self.clients.open(&mut self.core, now, (outline, &Method::Notify), flow, (Some(id), true), payload);
        true
    }
}

/// The type of a piece of a SIP message (RFC 3420).
const FRAGMENT: &str = "message/sipfrag;version=2.0";
