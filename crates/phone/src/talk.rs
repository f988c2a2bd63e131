//! What the signalling's events mean to the phone.

use base::Now;
use sdp::Agreed;
use sip::{EndCause, Event, Refusal};

use crate::{Ending, Phone, Side, Step};

impl Phone {
    /// Takes in what the stack tells.
    pub(crate) fn settle(&mut self, now: Now) {
        while let Some(event) = self.sip.poll_event() {
            match event {
                // Somebody calls us; this phone has its call.
                Event::Invited { session, .. } => self.sip.refuse(now, session, Refusal::of(486)),
                // Nobody registers with a phone.
                Event::Registered { pending, .. } | Event::Subscribed { pending, .. } => {
                    self.sip.respond(now, pending, 403, &[]);
                }
                event if event.session() == self.session => self.take(now, event),
                _ => {}
            }
        }
    }

    fn take(&mut self, now: Now, event: Event) {
        match event {
            Event::Progress { status, body, .. } => self.progressed(now, status, body.as_deref()),
            Event::Answered { body, .. } => self.answered(now, body.as_deref()),
            Event::Changed { body, .. } => self.changed(now, body.as_deref()),
            Event::Acked { body, .. } if self.offered.is_some() => match self.conclude(body.as_deref()) {
                Some(agreed) => {
                    self.offered = None;
                    self.start(now, agreed);
                    self.tell(now, Step::Changed);
                }
                None => self.leave(now, Ending::BadAnswer),
            },
            Event::Refused { status, reason, local, .. } => {
                self.end(now, if local { Ending::Unreachable } else { Ending::Refused { status, reason } });
                self.close(now);
            }
            Event::Ended { cause, .. } => {
                let ending = ending(cause);
                if ending == Ending::Broken && self.answered {
                    // Also when we had hung up: our BYE was never answered.
                    self.ending = None;
                }
                self.end(now, ending);
                self.close(now);
            }
            Event::Cancelled { .. } => self.close(now),
            Event::Invited { .. }
            | Event::Acked { .. }
            | Event::Pracked { .. }
            | Event::ForkEnded { .. }
            | Event::ChangeCancelled { .. }
            | Event::ChangeAnswered { .. }
            | Event::ChangeRefused { .. }
            | Event::Info { .. }
            | Event::Referred { .. }
            | Event::Messaged { .. }
            | Event::Subscribed { .. }
            | Event::NotifyWanted { .. }
            | Event::Unsubscribed { .. }
            | Event::AsideReplied { .. }
            | Event::Replied { .. }
            | Event::Registered { .. }
            | Event::Malformed { .. } => {}
        }
    }

    fn progressed(&mut self, now: Now, status: u16, body: Option<&[u8]>) {
        if std::mem::replace(&mut self.progress, status) != status {
            self.tell(now, Step::Ringing { status });
        }
        // The offer stays: the 2xx answers it again, perhaps for another fork.
        let Some(agreed) = body.and_then(|body| self.conclude(Some(body))) else { return };
        if self.agreed.is_none() {
            self.tell(now, Step::EarlyMedia);
        }
        self.start(now, agreed);
    }

    fn answered(&mut self, now: Now, body: Option<&[u8]>) {
        // A 2xx without SDP stands by what a provisional response said: rightly if that was reliable (RFC 3262), else against
        // RFC 3261 13.2.1, and met all the same.
        let agreed = match body {
            Some(_) => self.conclude(body),
            None => self.agreed,
        };
        self.offered = None;
        match agreed {
            Some(agreed) => {
                self.start(now, agreed);
                self.talk(now);
            }
            None => self.leave(now, Ending::BadAnswer),
        }
    }

    fn conclude(&mut self, body: Option<&[u8]>) -> Option<Agreed> {
        let answer = sdp::parse(body?).ok()?;
        let offer = self.offered.as_ref()?;
        sdp::conclude(offer, &answer).ok()
    }

    /// A re-INVITE or UPDATE of the peer (RFC 3264 section 8).
    fn changed(&mut self, now: Now, body: Option<&[u8]>) {
        let Some(session) = self.session else { return };
        let local = self.local.next_version();
        let preferences = self.preferences();
        let Some(body) = body else {
            let offer = sdp::offer(&local, &preferences);
            self.local = local;
            self.sip.accept_change(now, session, offer.to_bytes());
            self.offered = Some(offer);
            return;
        };
        let outcome =
            sdp::parse(body).map_err(sdp::Refusal::from).and_then(|offer| sdp::answer(&offer, &local, &preferences));
        match outcome {
            Ok((answer, agreed)) => {
                self.local = local;
                self.sip.accept_change(now, session, answer.to_bytes());
                self.start(now, agreed);
                self.tell(now, Step::Changed);
            }
            Err(refusal) => self.sip.refuse_change(now, session, Refusal::of(refusal.status)),
        }
    }
}

/// How a session's end reads to who placed the call.
fn ending(cause: EndCause) -> Ending {
    match cause {
        EndCause::Bye { reason } => Ending::HungUp { by: Side::Them, reason },
        EndCause::HungUp | EndCause::ByeGlare => Ending::HungUp { by: Side::Us, reason: None },
        EndCause::AckTimeout | EndCause::TransactionTimeout | EndCause::Expired | EndCause::Gone => Ending::Broken,
    }
}
