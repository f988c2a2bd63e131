//! A phone: a SIP stack and what its owner does.

use std::net::SocketAddr;

use base::{Mono, Now, Rng};
use bytes::Bytes;
use sip::{Event, Flow, Invite, Refusal, SessionId, Stack, StackConfig, Transmit};
use sip_message::{Message, NameAddr, Reject, Uri};

use crate::SWITCH;

/// What a phone's owner sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It rings.
    Rings,
    /// The other side's phone rings.
    Ringback,
    /// The other side answered.
    Answered,
    /// The other side refused.
    Refused(u16),
    /// The caller gave up before it was answered.
    Cancelled,
    /// Our answer was acknowledged.
    Acked,
    /// Our change was taken; the direction line of the answer.
    Changed(String),
    /// The call is over.
    Ended,
}

/// A phone with at most one call.
pub struct Phone {
    address: SocketAddr,
    stack: Stack,
    /// Its call.
    pub session: Option<SessionId>,
    /// What its owner saw, in order.
    pub seen: Vec<Seen>,
    /// Reacts to a call by itself, if set: refuses with this status, or answers with 200.
    pub reflex: Option<u16>,
}

impl Phone {
    /// A phone at `address` that does nothing by itself.
    #[must_use]
    pub fn new(address: SocketAddr, rng: Rng) -> Self {
        let config = StackConfig::new(
            "phone",
            vec![sip::Listener { transport: sip::Transport::Udp, local: address, advertised: None }],
        );
        Self { address, stack: Stack::new(config, rng), session: None, seen: Vec::new(), reflex: None }
    }

    /// Calls `number` at the switch, as `me`.
    pub fn call(&mut self, now: Now, me: &str, number: &str) {
        self.call_with(now, me, number, self.sdp("PCMU/8000", 0, "sendrecv").into());
    }

    /// As [`Phone::call`], with a body of one's own.
    pub fn call_with(&mut self, now: Now, me: &str, number: &str, offer: Bytes) {
        let switch: SocketAddr = SWITCH.parse().unwrap();
        let target = Uri::from_address(switch).with_user(number);
        self.session = Some(self.stack.invite(
            now,
            Invite {
                flow: Flow::udp(0, self.address, switch),
                target: target.clone().into(),
                from: NameAddr::new(Uri::from_address(self.address).with_user(me)),
                to: NameAddr::new(target),
                contact_user: me.to_owned(),
                headers: Vec::new(),
                offer,
            },
        ));
    }

    /// It rings: 180.
    pub fn ring(&mut self, now: Now) {
        if let Some(session) = self.session {
            self.stack.ring(now, session, 180, None);
        }
    }

    /// Its owner takes the call: 200.
    pub fn answer(&mut self, now: Now) {
        self.answer_with(now, self.sdp("PCMU/8000", 0, "sendrecv").into());
    }

    /// As [`Phone::answer`], with a body of one's own.
    pub fn answer_with(&mut self, now: Now, answer: Bytes) {
        if let Some(session) = self.session {
            self.stack.accept(now, session, answer);
        }
    }

    /// Its owner refuses the call.
    pub fn refuse(&mut self, now: Now, status: u16) {
        if let Some(session) = self.session {
            self.stack.refuse(now, session, Refusal::of(status));
        }
    }

    /// Its owner hangs up: CANCEL, BYE, or a refusal.
    pub fn hang_up(&mut self, now: Now) {
        if let Some(session) = self.session {
            self.stack.hang_up(now, session, None);
        }
    }

    /// Offers a new direction by re-INVITE. False if the stack does not allow it now.
    pub fn change(&mut self, now: Now, direction: &str) -> bool {
        self.change_with(now, self.sdp("PCMU/8000", 0, direction).into())
    }

    /// As [`Phone::change`], with a body of one's own.
    pub fn change_with(&mut self, now: Now, offer: Bytes) -> bool {
        self.session.is_some_and(|session| self.stack.change(now, session, offer).is_ok())
    }

    /// A description of one audio line.
    #[must_use]
    pub fn sdp(&self, codec: &str, payload_type: u8, direction: &str) -> String {
        let ip = self.address.ip();
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 40000 RTP/AVP {payload_type} 101\r\n\
             a=rtpmap:{payload_type} {codec}\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na={direction}\r\n"
        )
    }

    /// True if its owner saw that.
    #[must_use]
    pub fn saw(&self, what: &Seen) -> bool {
        self.seen.contains(what)
    }

    /// True if nothing lives in its stack.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.stack.is_quiet()
    }

    /// A datagram came in.
    pub fn handle_datagram(&mut self, now: Now, flow: Flow, parsed: Result<Message, Reject>) {
        self.stack.handle_datagram(now, flow, parsed, &mut sip::OpenGate);
        self.watch(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.stack.poll_timeout().is_some_and(|due| due <= now.monotonic) {
            self.stack.handle_timeout(now);
            self.watch(now);
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.stack.poll_transmit()
    }

    /// When to call [`Phone::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.stack.poll_timeout()
    }

    fn watch(&mut self, now: Now) {
        while let Some(event) = self.stack.poll_event() {
            let seen = match event {
                Event::Invited { session, .. } => {
                    if self.session.is_some() {
                        self.stack.refuse(now, session, Refusal::of(486));
                        continue;
                    }
                    self.session = Some(session);
                    match self.reflex {
                        Some(200) => self.answer(now),
                        Some(status) => self.refuse(now, status),
                        None => {}
                    }
                    Seen::Rings
                }
                Event::Progress { status: 180.., .. } => Seen::Ringback,
                Event::Answered { .. } => Seen::Answered,
                Event::Acked { .. } => Seen::Acked,
                Event::ChangeAnswered { body, .. } => {
                    let text = body.map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
                    let directions = ["sendrecv", "sendonly", "recvonly", "inactive"];
                    let found = directions.into_iter().find(|d| text.contains(&format!("a={d}")));
                    Seen::Changed(found.unwrap_or("sendrecv").to_owned())
                }
                Event::Refused { session, status, .. } => self.over(session, Seen::Refused(status)),
                Event::Cancelled { session } => self.over(session, Seen::Cancelled),
                Event::Ended { session, .. } => self.over(session, Seen::Ended),
                _ => continue,
            };
            self.seen.push(seen);
        }
    }

    fn over(&mut self, session: SessionId, seen: Seen) -> Seen {
        if self.session == Some(session) {
            self.session = None;
        }
        seen
    }
}
