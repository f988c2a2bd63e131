//! A phone: a SIP stack, a registration, and what its owner does.

mod asides;
mod changes;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now, Rng, Timers};
use bytes::Bytes;
use sip::{EndCause, Event, Flow, Invite, MAX_FORWARDS, Refusal, SessionId, Stack, Transmit, Transport};
use sip_message::{AnyUri, Message, Method, NameAddr, Reason, Reject, Request, Uri};

use self::changes::{answer_to, direction};
use crate::carrier::{Carrier, Entrance};
use crate::manners::Manners;
use crate::registration::{Account, EXPIRES, Outcome, Registration};
use crate::switch_address;
use crate::watching::Watches;

/// What a phone's owner sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It rings.
    Rings,
    /// The other side's phone rings.
    Ringback,
    /// The other side speaks before it answers (183 with SDP).
    Early,
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
    /// Our change was refused.
    NotChanged(u16),
    /// We were told how our REFER goes.
    Told(u16),
    /// The call is over.
    Ended,
    /// The call is over: the switch knew nothing of it (481).
    Gone,
    /// We are registered.
    Registered,
    /// We are not registered any more.
    Unregistered,
    /// Our registration was refused; 408: nobody answered.
    NotRegistered(u16),
}

/// What a phone does by itself when its time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// It takes or refuses the call.
    React(SessionId),
    /// It hangs up.
    HangUp(SessionId),
}

/// Whom a call of ours is for, so that it can be placed again with credentials.
#[derive(Clone, Debug)]
struct Dialled {
    me: String,
    number: String,
    offer: Bytes,
}

/// A phone with at most one call.
pub struct Phone {
    pub(crate) address: SocketAddr,
    stack: Stack,
    manners: Manners,
    rng: Rng,
    registration: Option<Registration>,
    /// Whom its call is for, until it was placed with credentials.
    dialled: Option<Dialled>,
    placed: bool,
    agenda: Timers<Due>,
    /// What it calls and registers over.
    pub transport: Transport,
    /// Its call.
    pub session: Option<SessionId>,
    /// A call that it has put aside while it has another.
    pub aside: Option<SessionId>,
    /// What it was told of its REFERs: status, and whether it was the last word.
    pub notified: Vec<(u16, bool)>,
    /// The NOTIFYs among these, by Call-ID and number.
    notices: Vec<(String, u32)>,
    /// Answers, and what it asks to watch, that are to be sent.
    pub(crate) replying: VecDeque<Transmit>,
    /// Whom it watches.
    pub(crate) watches: Watches,
    /// What its owner saw, in order.
    pub seen: Vec<Seen>,
    /// The number that called last, as it shows it, and the one that was called.
    pub display: Option<(String, String)>,
    /// The descriptions that came with the other side's 183 and 200, in order.
    pub heard: Vec<Bytes>,
    /// More header fields of the INVITEs that it sends.
    pub headers: Vec<(String, String)>,
    /// The INVITE that came last.
    pub invited: Option<Box<Request>>,
    /// What stood in the Reason of the CANCEL, BYE or refusal that ended its last call.
    pub reason: Reason,
    /// The seconds of Retry-After in the last refusal.
    pub told_to_wait: Option<u32>,
    /// The statuses that its requests beside a call were answered with.
    pub replies: Vec<u16>,
    /// Messages that came: from whom, and what they say.
    pub texts: Vec<(String, String)>,
    /// What it answers to messages.
    pub takes_texts: u16,
    /// The statuses that its messages were answered with.
    pub answers: Vec<u16>,
    /// Reacts to a call by itself, if set: refuses with this status, or answers with 200.
    pub reflex: Option<u16>,
    /// The seconds of Retry-After in its refusals, if it asks for a rest.
    pub retry_after: Option<u32>,
    /// How long it rings before its reflex.
    pub rings_for: Duration,
    /// Hangs up by itself when a call has lasted so long, if set.
    pub talks_for: Option<Duration>,
    /// The parameter `line` of the URI that it calls, if it has one.
    pub line: Option<String>,
    /// Whom it says in To that it calls, if not the number in the URI.
    pub to: Option<String>,
    /// What it is more if it is the far end of a trunk.
    pub carrier: Option<Carrier>,
    /// True if the switch may know nothing of its call any more: a restart or a broken line lies between.
    pub(crate) estranged: bool,
    /// Where it wants to be sent media.
    media: SocketAddr,
}

impl Phone {
    /// A phone at `address` that does nothing by itself.
    #[must_use]
    pub fn new(address: SocketAddr, mut rng: Rng) -> Self {
        let manners = Manners::default();
        Self {
            address,
            stack: Stack::new(manners.config(address), rng.fork()),
            manners,
            rng,
            registration: None,
            dialled: None,
            placed: false,
            agenda: Timers::default(),
            transport: Transport::Udp,
            session: None,
            aside: None,
            notified: Vec::new(),
            notices: Vec::new(),
            replying: VecDeque::new(),
            watches: Watches::default(),
            seen: Vec::new(),
            display: None,
            heard: Vec::new(),
            headers: Vec::new(),
            invited: None,
            reason: Reason::default(),
            told_to_wait: None,
            replies: Vec::new(),
            texts: Vec::new(),
            takes_texts: 200,
            answers: Vec::new(),
            reflex: None,
            retry_after: None,
            rings_for: Duration::ZERO,
            talks_for: None,
            line: None,
            to: None,
            carrier: None,
            estranged: false,
            media: SocketAddr::new(address.ip(), FIRST_MEDIA_PORT + 2 * (address.port() % 10_000)),
        }
    }

    /// Makes it another phone, which has no call.
    pub fn set_manners(&mut self, manners: Manners) {
        self.manners = manners;
        self.stack = Stack::new(manners.config(self.address), self.rng.fork());
    }

    /// Calls `number` at the switch, as `me`.
    pub fn call(&mut self, now: Now, me: &str, number: &str) {
        self.call_with(now, me, number, self.sdp("PCMU/8000", 0, "sendrecv").into());
    }

    /// As [`Phone::call`], with a body of one's own.
    pub fn call_with(&mut self, now: Now, me: &str, number: &str, offer: Bytes) {
        self.dialled = Some(Dialled { me: me.to_owned(), number: number.to_owned(), offer });
        (self.estranged, self.placed) = (false, true);
        self.invite(now, self.headers.clone());
    }

    /// It rings: 180.
    pub fn ring(&mut self, now: Now) {
        if let Some(session) = self.session {
            self.stack.ring(now, session, 180, None);
        }
    }

    /// It speaks before it answers: 183 with SDP.
    pub fn speak_early(&mut self, now: Now) {
        self.speak_early_with(now, self.sdp("PCMU/8000", 0, "sendrecv").into());
    }

    /// As [`Phone::speak_early`], with a body of one's own.
    pub fn speak_early_with(&mut self, now: Now, body: Bytes) {
        if let Some(session) = self.session {
            self.stack.ring(now, session, 183, Some(body));
        }
    }

    /// It sends the call elsewhere: 302.
    pub fn redirect(&mut self, now: Now, contact: &str) {
        if let Some(session) = self.session {
            let headers = vec![("Contact".to_owned(), format!("<{contact}>"))];
            self.stack.refuse(now, session, Refusal { status: 302, reason: None, headers });
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

    /// Its owner refuses the call; with 302, as he can be reached elsewhere.
    pub fn refuse(&mut self, now: Now, status: u16) {
        self.refuse_for(now, status, None);
    }

    /// As [`Phone::refuse`], with the value of a Reason.
    pub fn refuse_for(&mut self, now: Now, status: u16, reason: Option<&str>) {
        self.refuse_with(now, status, reason.map(|value| ("Reason", value)));
    }

    /// As [`Phone::refuse`], with another header field.
    pub fn refuse_with(&mut self, now: Now, status: u16, field: Option<(&str, &str)>) {
        if let Some(session) = self.session {
            let elsewhere = NameAddr::new(Uri::from_address(self.address).with_user("elsewhere"));
            let contact = || ("Contact".to_owned(), elsewhere.to_string());
            let field = field.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let rest = self.retry_after.map(|seconds| ("Retry-After".to_owned(), seconds.to_string()));
            let headers = (300..400).contains(&status).then(contact).into_iter().chain(field).chain(rest).collect();
            self.stack.refuse(now, session, Refusal { status, reason: None, headers });
        }
    }

    /// Its owner hangs up: CANCEL, BYE, or a refusal.
    pub fn hang_up(&mut self, now: Now) {
        self.hang_up_for(now, None);
    }

    /// As [`Phone::hang_up`], with the value of a Reason.
    pub fn hang_up_for(&mut self, now: Now, reason: Option<&str>) {
        for session in self.session.into_iter().chain(self.aside) {
            self.stack.hang_up(now, session, reason.map(str::to_owned));
        }
    }

    /// Gives the phone an account to register and to call with.
    pub fn set_account(&mut self, account: Account) {
        let flow = self.flow();
        self.registration = Some(Registration::new(account, flow, self.rng.fork()));
    }

    /// Registers, and renews that until told to end it. Nothing without an account.
    pub fn register(&mut self, now: Now) {
        if let Some(registration) = &mut self.registration {
            registration.ask(now.monotonic, EXPIRES);
        }
    }

    /// Ends its registration.
    pub fn unregister(&mut self, now: Now) {
        if let Some(registration) = &mut self.registration {
            registration.ask(now.monotonic, 0);
        }
    }

    /// A description of one audio line.
    #[must_use]
    pub fn sdp(&self, codec: &str, payload_type: u8, direction: &str) -> String {
        let (ip, port) = (self.media.ip(), self.media.port());
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {payload_type} 101\r\n\
             a=rtpmap:{payload_type} {codec}\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na={direction}\r\n"
        )
    }

    /// Where its media is to be sent.
    #[must_use]
    pub const fn media(&self) -> SocketAddr {
        self.media
    }

    /// True if its owner saw that.
    #[must_use]
    pub fn saw(&self, what: &Seen) -> bool {
        self.seen.contains(what)
    }

    /// True if nothing lives in its stack.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.stack.is_quiet() && self.watches_nobody() && self.registration.as_ref().is_none_or(Registration::is_quiet)
    }

    /// True if its call, or its last one, was placed by its owner.
    pub(crate) const fn placed_its_call(&self) -> bool {
        self.placed
    }

    /// A message came in.
    pub fn handle_message(&mut self, now: Now, flow: Flow, parsed: Result<Message, Reject>) {
        if let (Some(registration), Ok(Message::Response(response))) = (&mut self.registration, &parsed)
            && response.head.cseq.method == Method::Register
        {
            let outcome = registration.handle_response(now.monotonic, response);
            self.seen.extend(outcome.map(Seen::from));
            return;
        }
        if self.is_of_watching(now, flow, &parsed) {
            return;
        }
        if let Ok(Message::Request(request)) = &parsed
            && request.method == Method::Notify
        {
            return self.take_notice(flow, request);
        }
        self.stack.handle_datagram(now, flow, parsed, &mut Entrance(self.carrier.as_mut()));
        self.watch(now);
    }

    /// A connection is gone.
    pub fn handle_closed(&mut self, now: Now, connection: sip::ConnectionId, remote: SocketAddr) {
        self.estranged = true;
        self.stack.handle_connection_closed(now, connection, Transport::Tcp, remote);
        self.watch(now);
    }

    /// The switch takes no connections.
    pub fn handle_unreachable(&mut self, now: Now, remote: SocketAddr) {
        self.estranged = true;
        self.stack.handle_unreachable(now, Transport::Tcp, remote);
        self.watch(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        let is_due = |at: Option<Mono>| at.is_some_and(|due| due <= now.monotonic);
        if let Some(registration) = self.registration.as_mut().filter(|known| is_due(known.poll_timeout())) {
            self.seen.extend(registration.handle_timeout(now.monotonic).map(Seen::from));
        }
        self.watch_on(now.monotonic);
        while let Some(due) = self.agenda.pop_due(now.monotonic) {
            self.act(now, due);
        }
        if is_due(self.stack.poll_timeout()) {
            self.stack.handle_timeout(now);
            self.watch(now);
        }
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.replying
            .pop_front()
            .or_else(|| self.stack.poll_transmit())
            .or_else(|| self.registration.as_mut()?.poll_transmit())
    }

    /// When to call [`Phone::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let registration = self.registration.as_ref().and_then(Registration::poll_timeout);
        let own = [registration, self.agenda.poll_timeout(), self.stack.poll_timeout(), self.watches_due()];
        own.into_iter().flatten().min()
    }

    fn flow(&self) -> Flow {
        let listener = u16::from(self.transport == Transport::Tcp);
        let (transport, local, remote) = (self.transport, self.address, switch_address());
        Flow { transport, connection: None, listener, local, remote }
    }

    fn invite(&mut self, now: Now, headers: Vec<(String, String)>) {
        let Some(Dialled { me, number, offer }) = self.dialled.clone() else { return };
        let uri = Uri::from_address(switch_address()).with_user(&number);
        let to = self.to.as_ref().map_or_else(|| uri.clone(), |to| uri.clone().with_user(to));
        let to = NameAddr::new(to);
        let target = AnyUri::from(match &self.line {
            Some(line) => uri.with_param("line", Some(line)),
            None => uri,
        });
        let from = NameAddr::new(Uri::from_address(self.address).with_user(&me));
        let headers = self.manners.headers().chain(headers).collect();
        let invite = Invite {
            flow: self.flow(),
            target,
            from,
            to,
            contact_user: me,
            max_forwards: MAX_FORWARDS,
            headers,
            offer,
            login: None,
            onward: sip::Onward::default(),
        };
        self.session = Some(self.stack.invite(now, invite));
    }

    fn act(&mut self, now: Now, due: Due) {
        match due {
            Due::React(session) if self.session == Some(session) => match self.reflex {
                Some(200) => self.answer(now),
                Some(status) => self.refuse(now, status),
                None => {}
            },
            Due::HangUp(session) if self.session == Some(session) => self.hang_up(now),
            Due::React(_) | Due::HangUp(_) => {}
        }
    }

    fn watch(&mut self, now: Now) {
        while let Some(event) = self.stack.poll_event() {
            let seen = match event {
                Event::Invited { session, request, .. } => {
                    let user = |uri: &AnyUri| uri.user().unwrap_or_default().into_owned();
                    self.display = Some((user(&request.head.from.uri), user(&request.uri)));
                    self.invited = Some(request);
                    if self.session.is_some() {
                        self.stack.refuse(now, session, Refusal::of(486));
                        continue;
                    }
                    self.rings(now, session);
                    Seen::Rings
                }
                Event::Subscribed { pending, .. } => {
                    self.stack.respond(now, pending, 403, &[]);
                    continue;
                }
                Event::Registered { pending, .. } => {
                    let Some(carrier) = &mut self.carrier else { continue };
                    let (status, headers) = carrier.register(now, &pending);
                    self.stack.respond(now, pending, status, &headers);
                    continue;
                }
                Event::Progress { session, body: Some(body), .. } => {
                    self.heard.push(body);
                    self.answer_late(now, session);
                    Seen::Early
                }
                Event::Progress { status: 180.., .. } => Seen::Ringback,
                Event::Answered { session, body, .. } => {
                    self.heard.extend(body);
                    self.answer_late(now, session);
                    self.talks(now, session, Seen::Answered)
                }
                Event::Acked { session, .. } => self.talks(now, session, Seen::Acked),
                Event::ChangeAnswered { session, body, .. } => {
                    self.answer_late(now, session);
                    Seen::Changed(direction(body.as_ref()).to_owned())
                }
                Event::ChangeRefused { status, .. } => Seen::NotChanged(status),
                Event::Changed { session, body } => {
                    let answer = self.sdp("PCMU/8000", 0, answer_to(direction(body.as_ref())));
                    self.stack.accept_change(now, session, answer.into());
                    continue;
                }
                Event::Refused { session, status: 401, response: Some(response), .. }
                    if self.session == Some(session) && self.proves_itself(now, &response) =>
                {
                    continue;
                }
                Event::Refused { session, status, response, .. } => {
                    let head = response.map(|response| response.head);
                    self.reason = head.as_ref().map(Reason::of).unwrap_or_default();
                    self.told_to_wait = head.as_ref().and_then(sip_message::Head::retry_after);
                    self.over(session, Seen::Refused(status))
                }
                Event::Cancelled { session, reason } => {
                    self.reason = reason;
                    self.over(session, Seen::Cancelled)
                }
                Event::Ended { session, cause: EndCause::Gone } => self.over(session, Seen::Gone),
                Event::Ended { session, cause } => {
                    self.reason = match cause {
                        EndCause::Bye { reason } => reason.as_deref().map(Reason::read).unwrap_or_default(),
                        _ => Reason::default(),
                    };
                    self.over(session, Seen::Ended)
                }
                Event::Messaged { pending, .. } => {
                    let from = pending.request().head.from.uri.user().unwrap_or_default().into_owned();
                    let text = String::from_utf8_lossy(&pending.request().body).into_owned();
                    self.texts.push((from, text));
                    self.stack.respond(now, pending, self.takes_texts, &[]);
                    continue;
                }
                Event::Replied { status, .. } => {
                    self.answers.push(status);
                    continue;
                }
                Event::AsideReplied { status, .. } => {
                    self.replies.push(status);
                    continue;
                }
                _ => continue,
            };
            self.seen.push(seen);
        }
    }

    /// The switch made the offer, if ours was empty: it is answered by PRACK or ACK, once.
    fn answer_late(&mut self, now: Now, session: SessionId) {
        let answer = self.sdp("PCMU/8000", 0, "sendrecv");
        self.stack.answer(now, session, &answer.into());
    }

    fn rings(&mut self, now: Now, session: SessionId) {
        self.session = Some(session);
        (self.estranged, self.placed) = (false, false);
        if self.reflex.is_none() {
            return;
        }
        if self.rings_for.is_zero() {
            self.act(now, Due::React(session));
        } else {
            self.ring(now);
            self.agenda.set(now.monotonic + self.rings_for, Due::React(session));
        }
    }

    fn talks(&mut self, now: Now, session: SessionId, seen: Seen) -> Seen {
        if let Some(time) = self.talks_for {
            self.agenda.set(now.monotonic + time, Due::HangUp(session));
        }
        seen
    }

    /// Places a call again that was refused as it needs proof. False if there is none, or it was not taken.
    fn proves_itself(&mut self, now: Now, response: &sip_message::Response) -> bool {
        let Some(Dialled { number, .. }) = &self.dialled else { return false };
        let target = AnyUri::from(Uri::from_address(switch_address()).with_user(number));
        let header = self.registration.as_mut().and_then(|known| known.authorize(response, &target));
        let Some(header) = header else { return false };
        let headers = std::iter::once(header).chain(self.headers.clone()).collect();
        self.invite(now, headers);
        self.dialled = None;
        true
    }

    fn over(&mut self, session: SessionId, seen: Seen) -> Seen {
        self.session.take_if(|known| *known == session);
        self.aside.take_if(|known| *known == session);
        seen
    }
}

impl From<Outcome> for Seen {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Bound => Self::Registered,
            Outcome::Removed => Self::Unregistered,
            Outcome::Failed(status) => Self::NotRegistered(status),
        }
    }
}

/// Phones take media at an even port from here on, that of their signalling deciding which.
const FIRST_MEDIA_PORT: u16 = 20_000;
/// How many ports that makes.
const MEDIA_PORTS: u16 = 20_000;
/// Where they take it when they have moved.
const SECOND_MEDIA_PORT: u16 = FIRST_MEDIA_PORT + MEDIA_PORTS;
