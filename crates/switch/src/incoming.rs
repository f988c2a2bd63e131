//! A call comes in: who sends it, what he dialled, and the first answer.

use base::{CallId, LegId, Now, Pii, Rng};
use bytes::Bytes;
use journal::{Asker, Direction, Kind, LegRole, Name, NoWayOut, Origin, Party};
use sdp::{Agreed, Description, Preferences};
use sip::{Flow, MAX_FORWARDS, Refusal, SessionId, Transport};
use sip_message::{HeaderName, Reason, Replaces, Request, UserToUser};

use crate::call::{Call, CallerSdp, Leg, Reach, Role, Stage};
use crate::codes::Dialled;
use crate::flow::{FlowInput, Wanted};
use crate::identity::Identity;
use crate::outgoing::DialEnd;
use crate::registration::retry_after;
use crate::secrecy::Secrecy;
use crate::switch::Switch;
use crate::timer::Timer;
use crate::{Destination, TrunkName, UserName, is_number};

/// Who sends a call, by the configuration.
struct Sender {
    origin: Origin,
    direction: Direction,
}

impl Sender {
    const fn trunk(name: TrunkName) -> Self {
        Self { origin: Origin::Trunk(name), direction: Direction::Inbound }
    }
}

impl Switch {
    /// A new INVITE: refused at once, or a call whose media is being opened.
    pub(crate) fn admit(
        &mut self,
        now: Now,
        session: SessionId,
        request: &Request,
        flow: Flow,
        user: Option<UserName>,
    ) {
        let claimed = || request.head.from.uri.user().unwrap_or_default().into_owned();
        // A trunk that has proven itself calls for others.
        let by_account = user.as_deref().and_then(|name| self.config.trunk_by_account(name));
        let by_account = by_account.map(|trunk| Sender::trunk(trunk.name.clone()));
        // Who has proven himself calls by his own name, whatever From says.
        let user = user.filter(|_| by_account.is_none());
        let from = user.as_deref().map_or_else(claimed, str::to_owned);
        let dialled = request.uri.user().unwrap_or_default().into_owned();
        let proven = user.map(|name| Sender { origin: Origin::User(name), direction: Direction::Internal });
        let names = self.desk.names_at(flow);
        let trunk = || self.trunks.of(&self.config, request, flow, names).map(Sender::trunk);
        let sender = by_account.or(proven).or_else(|| self.user_at(flow, &from).or_else(trunk));
        let Some(sender) = sender else {
            // The door lets none of these in.
            self.sip.refuse(now, session, Refusal::of(403));
            return;
        };
        let (mut from, mut dialled) = (from, dialled);
        match &sender.origin {
            Origin::Trunk(trunk) => {
                self.identify(now, session, trunk, flow.remote);
                dialled = self.dialled_by(trunk, dialled, &request.head.to.uri);
            }
            Origin::User(name) if flow.transport == Transport::Udp && self.registers(name) => {
                self.sip.keep_flow(session);
            }
            Origin::User(_) | Origin::Callback(_) | Origin::Unknown => {}
        }
        let (identity, received) = self.learn(&sender.origin, request, &mut from, &mut dialled);
        let reach = self.reach(&sender.origin, &dialled, request);
        // The door lets all in who dial for help, but help is for users.
        if !matches!(reach, Ok(Reach::Emergency(_))) && self.calls.len() >= self.max_calls() {
            self.book.overload(now);
            self.sip.refuse(now, session, Refusal { headers: vec![retry_after()], ..Refusal::of(503) });
            return;
        }
        let call = self.ids.call();
        self.note_dialog(call, session);
        let outbound = matches!(reach, Ok(Reach::Emergency(_) | Reach::Outside(_)));
        let began = Kind::CallBegan {
            direction: if outbound { Direction::Outbound } else { sender.direction },
            from: Pii::new(from.clone()),
            to: Pii::new(dialled.clone()),
            origin: sender.origin.clone(),
            source: Some(flow.remote),
            sip_call_id: request.head.call_id.as_str().to_owned(),
            received,
        };
        let destination = match reach {
            Ok(destination) => destination,
            Err(status) => {
                let nothing = (status == 404).then_some(&sender.origin);
                let why = nothing.and_then(|origin| self.no_grant(origin.clone(), &dialled));
                self.count_incoming(trunk_of(&sender.origin).as_ref(), status);
                self.turn_away(now, call, began, why, session, Refusal::of(status));
                return;
            }
        };
        let hops = request.head.max_forwards.unwrap_or(MAX_FORWARDS).checked_sub(1);
        // A flow or a code can do without anybody else; all others pass the call on.
        let stays = matches!(destination, Reach::Listed(Destination::Flow(_)) | Reach::Code(_));
        let offer = if stays || hops.is_some() { read_offer(request) } else { Err(Refusal::of(483)) };
        // Who calls for help is shown, and let through, whatever he asks for.
        let unmet = identity.privacy.is_unmet() && !matches!(destination, Reach::Emergency(_));
        let offer = if unmet { Err(no_privacy()) } else { offer };
        match offer {
            Ok(offer) => {
                let (trunk, user_to_user) = (trunk_of(&sender.origin), UserToUser::of(&request.head));
                let secrecy = self.secrecy_of_caller(&sender.origin, flow);
                let asker = asker(sender.origin);
                let incoming = Incoming {
                    session,
                    trunk,
                    flow,
                    from,
                    dialled,
                    destination,
                    offer,
                    secrecy,
                    user_to_user,
                    asker,
                    hops,
                    identity,
                };
                self.begin(now, call, began, incoming);
            }
            Err(refusal) => {
                self.count_incoming(trunk_of(&sender.origin).as_ref(), refusal.status);
                self.turn_away(now, call, began, None, session, refusal);
            }
        }
    }

    /// A user whose phones register.
    fn registers(&self, user: &UserName) -> bool {
        self.config.users.get(user).is_some_and(|user| user.fixed().is_none())
    }

    /// A user is known by the address of his phone and the name that he calls himself. (Else the source's trunk counts.)
    fn user_at(&self, flow: Flow, from: &str) -> Option<Sender> {
        let (name, _) = self.config.user_of(flow, from)?;
        Some(Sender { origin: Origin::User(name.clone()), direction: Direction::Internal })
    }

    /// The leg whose place an INVITE is to take; none if it names none.
    fn replaced(&mut self, origin: &Origin, request: &Request) -> Result<Option<LegId>, u16> {
        let Some(replaces) = Replaces::of(&request.head).map_err(|_| 400_u16)? else { return Ok(None) };
        // Nobody can take a place and join it at once (RFC 3911 section 4).
        if request.head.header(HeaderName::Join).is_some() {
            return Err(400);
        }
        self.replaced_by(asker(origin.clone()).as_ref(), &replaces).map(Some)
    }

    /// What an INVITE reaches for whoever sends it: the place of a leg that it names; else what the number plan says, what a code
    /// does, or what a grant allows. If nothing, the status that says so.
    fn reach(&mut self, origin: &Origin, dialled: &str, request: &Request) -> Result<Reach, u16> {
        if let Some(leg) = self.replaced(origin, request)? {
            return Ok(Reach::Replace(leg));
        }
        if let Some(listed) = self.config.numbers.get(dialled) {
            return Ok(Reach::Listed(listed.clone()));
        }
        if let Origin::User(user) = origin
            && let Some((feature, number)) = self.config.duties.codes.find(dialled)
        {
            return Ok(Reach::Code(Dialled { user: user.clone(), feature, number }));
        }
        if let Origin::User(user) = origin
            && self.config.is_emergency(dialled)
        {
            return Ok(Reach::Emergency(user.clone()));
        }
        let granted = asker(origin.clone()).filter(|asker| self.config.grant_of(asker, dialled).is_some());
        granted.map(Reach::Outside).ok_or(404)
    }

    /// What is told of a number that nothing reaches, if it may have been meant to go out.
    fn no_grant(&self, origin: Origin, dialled: &str) -> Option<Kind> {
        let asked_by = asker(origin).filter(|_| is_number(dialled) && !self.config.grants.is_empty())?;
        let number = Pii::new(dialled.to_owned());
        Some(Kind::OutsideRefused { asked_by, number, why: NoWayOut::NoGrant, grant: None })
    }

    /// A call that may have come by a trunk got its final response.
    pub(crate) fn count_incoming(&mut self, trunk: Option<&TrunkName>, status: u16) {
        if let Some(trunk) = trunk {
            self.trunk_counts.add(trunk, false, status);
        }
    }

    fn begin(&mut self, now: Now, call: CallId, began: Kind, incoming: Incoming) {
        let caller = self.ids.leg();
        let address = self.config.limits.media_address(incoming.flow);
        // RFC 8866 5.2 wants a session id that is unique; 62 bits keep readers with signed numbers content.
        let session_id = self.rng.u64() >> 2;
        let role = Role::Caller { sdp: incoming.offer.map(CallerSdp::Offer) };
        let mut leg = Leg::new(call, role, address, session_id, incoming.secrecy);
        leg.session = Some(incoming.session);
        leg.came_by.clone_from(&incoming.trunk);
        self.legs.insert(caller, leg);
        self.sessions.insert(incoming.session, caller);
        let limit = self.timers.set(now.monotonic + self.config.limits.max_call_time, Timer::CallLimit(call));
        let earlier = self.repeat(now.wall, &incoming.from);
        let facts = ivr::Facts {
            caller_number: Pii::new(incoming.from.clone()),
            caller_name: incoming.identity.display.clone().unwrap_or(Pii::new(String::new())),
            dialled: incoming.dialled.to_string(),
            calls_today: earlier.today,
            last_call: earlier.last,
        };
        let flow = match &incoming.destination {
            Reach::Listed(Destination::Flow(name)) => {
                ivr::Session::new(self.config.flows.clone(), name).map(|flow| flow.with_facts(facts))
            }
            _ => None,
        };
        let incoming_data = incoming.user_to_user.as_ref().map(|data| data.hex().to_owned());
        if let Some(trunk) = &incoming.trunk {
            self.trunks.came_by(trunk);
        }
        self.calls.insert(
            call,
            Call {
                trunk: incoming.trunk,
                number: Pii::new(incoming.from),
                flow,
                earlier,
                prompts: self.config.prompts.clone(),
                hops: incoming.hops,
                open_legs: vec![caller],
                user_to_user: incoming.user_to_user,
                asker: incoming.asker,
                identity: incoming.identity,
                ..Call::new(caller, now.wall, incoming.dialled.into(), incoming.destination, limit)
            },
        );
        let told = incoming_data.map(|data| Kind::UserToUser { data: Pii::new(data) });
        self.note(now, call, began);
        self.note_identity(now, call);
        if let Some(told) = told {
            self.note(now, call, told);
        }
        self.note(now, call, Kind::LegBegan { leg: caller, role: LegRole::Caller });
        self.commands.push_back(leg::Command::Open { leg: caller });
    }

    /// A call that never becomes one: refused, and told in the journal.
    fn turn_away(
        &mut self,
        now: Now,
        call: CallId,
        began: Kind,
        why: Option<Kind>,
        session: SessionId,
        refusal: Refusal,
    ) {
        let mut seq = 0;
        let cause: Name = format!("refused_{}", refusal.status).into();
        let end = [Kind::HungUp { by: Party::System, cause, reason: None }, Kind::CallEnded { cut: false }];
        for kind in std::iter::once(began).chain(why).chain(end) {
            self.book.write(now, call, &mut seq, kind);
        }
        self.sip.refuse(now, session, refusal);
    }

    /// The caller's leg has its port: answer, or ring whom he dialled.
    pub(crate) fn caller_opened(&mut self, now: Now, call: CallId) {
        let Some(found) = self.calls.get(&call) else { return };
        let (destination, number) = (found.destination.clone(), found.dialled.clone());
        let deadline = now.monotonic + self.config.limits.ring_time;
        match destination {
            Reach::Listed(Destination::User(user)) => self.dial_user(now, call, &user, deadline),
            Reach::Listed(Destination::Flow(_) | Destination::Queue(_)) | Reach::Code(_) => {
                // If his offer cannot be met, he is refused and the call is over.
                let _ = self.accept_caller(now, call);
            }
            Reach::Outside(asker) => {
                if let Err(not) = self.dial_outside(now, call, asker, &number, deadline) {
                    self.dial_over(now, call, DialEnd::of_limit(not));
                }
            }
            Reach::Emergency(user) => self.dial_emergency(now, call, user, number, deadline),
            Reach::Replace(leg) => self.replace(now, call, leg),
        }
    }

    /// Answers the caller with a 2xx, if he is not yet. False if his offer cannot be met: then the call is over.
    pub(crate) fn accept_caller(&mut self, now: Now, call: CallId) -> bool {
        let Some(caller) = self.calls.get(&call).map(|found| found.caller) else { return false };
        let Some(leg) = self.legs.get_mut(&caller) else { return false };
        let Some(session) = leg.session else { return false };
        if leg.answered {
            return true;
        }
        let body = match answer_to(leg, &mut self.rng) {
            Ok(Some((answer, agreed))) => {
                self.commands.extend(agreed.map(|agreed| leg::Command::Start { leg: caller, agreed }));
                answer.to_bytes()
            }
            // He made no offer: ours goes with the 2xx, his answer comes with the ACK (RFC 3264 section 4).
            Ok(None) if leg.lacks_offer() => leg.make_offer(&mut self.rng),
            // It went with a reliable provisional response, whose PRACK brings his answer.
            Ok(None) => Bytes::new(),
            Err(refusal) => {
                self.refuse_caller(now, call, with_warning(&refusal));
                return false;
            }
        };
        leg.answered = true;
        let trunk = self.calls.get(&call).and_then(|found| found.trunk.clone());
        self.count_incoming(trunk.as_ref(), 200);
        self.sip.accept(now, session, body);
        self.note(now, call, Kind::LegAnswered { leg: caller });
        self.note(now, call, Kind::Answered);
        true
    }

    /// The caller's ACK came: his flow begins, or his wait.
    pub(crate) fn caller_acknowledged(&mut self, now: Now, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        if found.stage != Stage::Setup {
            return;
        }
        match found.destination.clone() {
            Reach::Listed(Destination::Flow(_)) => {
                found.stage = Stage::Flow;
                self.flow_inputs.push_back((call, FlowInput::Start));
            }
            Reach::Listed(Destination::Queue(queue)) => {
                self.join_queue(now, call, &queue, Wanted::default(), Vec::new())
            }
            Reach::Code(dialled) => {
                found.stage = Stage::Flow;
                self.begin_code(now, call, dialled);
            }
            Reach::Listed(Destination::User(_)) | Reach::Outside(_) | Reach::Emergency(_) | Reach::Replace(_) => {}
        }
    }
}

/// The trunk that a call came by.
fn trunk_of(origin: &Origin) -> Option<TrunkName> {
    match origin {
        Origin::Trunk(name) => Some(name.clone()),
        Origin::User(_) | Origin::Callback(_) | Origin::Unknown => None,
    }
}

/// What is known of a call that may go on.
struct Incoming {
    session: SessionId,
    trunk: Option<TrunkName>,
    flow: Flow,
    from: String,
    dialled: String,
    destination: Reach,
    offer: Option<Description>,
    secrecy: Secrecy,
    user_to_user: Option<UserToUser>,
    hops: Option<u8>,
    asker: Option<Asker>,
    identity: Identity,
}

/// Something that the caller wants hidden at any price cannot be, as nobody here knows what it is (RFC 3323 section 5).
fn no_privacy() -> Refusal {
    Refusal { reason: Some("Privacy Not Available".to_owned()), ..Refusal::of(500) }
}

/// Our answer to the offer in a caller's INVITE: with what it comes to if it is new, else as it was kept. `None` if he
/// made no offer.
pub(crate) fn answer_to(leg: &mut Leg, rng: &mut Rng) -> Result<Option<(Description, Option<Agreed>)>, sdp::Refusal> {
    let Role::Caller { sdp } = &mut leg.role else { return Ok(None) };
    match sdp.take() {
        Some(CallerSdp::Answer(kept)) => Ok(Some((kept, None))),
        Some(CallerSdp::Offer(offer)) => {
            let security = leg.secrecy.for_answer(&offer, rng);
            let preferences = Preferences { security, ..Preferences::default() };
            let (answer, agreed) = sdp::answer(&offer, &leg.local, &preferences)?;
            leg.secrecy.settle(&agreed, rng);
            leg.agreed = Some(agreed);
            Ok(Some((answer, Some(agreed))))
        }
        None => Ok(None),
    }
}

/// Keeps an answer that went out early, to be repeated in the 2xx.
pub(crate) fn keep_answer(leg: &mut Leg, answer: Description) {
    if let Role::Caller { sdp } = &mut leg.role {
        *sdp = Some(CallerSdp::Answer(answer));
    }
}

/// As whom the sender of a call asks for grants. Who is known by his address alone is a trunk, and has those of a trunk.
fn asker(origin: Origin) -> Option<Asker> {
    match origin {
        Origin::User(name) => Some(Asker::User(name)),
        Origin::Trunk(name) => Some(Asker::Trunk(name)),
        Origin::Callback(_) | Origin::Unknown => None,
    }
}

impl Switch {
    /// Who sends a request outside dialogs: whoever has proven himself, else who is known by his address.
    pub(crate) fn origin_of(&self, user: Option<UserName>, flow: Flow, claimed: &str) -> Option<Origin> {
        if let Some(user) = user {
            let trunk = self.config.trunk_by_account(&user).map(|trunk| Origin::Trunk(trunk.name.clone()));
            return Some(trunk.unwrap_or(Origin::User(user)));
        }
        let trunk = || self.config.trunk_of(flow, self.desk.names_at(flow), &self.trunks.named);
        let trunk = || Some(Origin::Trunk(trunk()?.name.clone()));
        self.user_at(flow, claimed).map(|sender| sender.origin).or_else(trunk)
    }
}

fn read_offer(request: &Request) -> Result<Option<Description>, Refusal> {
    if request.body.is_empty() {
        return Ok(None);
    }
    sdp::parse(&request.body).map(Some).map_err(|error| with_warning(&sdp::Refusal::from(error)))
}

/// The answer to a session description that cannot be met, with the Warning that says why (RFC 3261 section 20.43).
pub(crate) fn with_warning(refusal: &sdp::Refusal) -> Refusal {
    let headers = vec![("Warning".to_owned(), refusal.warning("strowger"))];
    Refusal { status: refusal.status, reason: None, headers }
}

impl Switch {
    /// Media of a leg has its port.
    pub(crate) fn media_opened(&mut self, now: Now, leg: LegId, port: u16) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.local.port = port;
        let call = found.call;
        // An offer may be withdrawn while its leg waits for a port.
        if found.closed {
            return;
        }
        if self.calls.get(&call).is_none_or(|call| call.over) {
            return;
        }
        match &found.role {
            Role::Caller { .. } => self.caller_opened(now, call),
            Role::Agent { .. } | Role::Party { .. } | Role::Outside { .. } => self.send_invite(now, leg),
            // It had its port long before it joined.
            Role::Joined { .. } => {}
        }
    }

    /// There is no port for a leg.
    pub(crate) fn media_failed(&mut self, now: Now, leg: LegId, reason: leg::OpenFailure) {
        let Some(found) = self.legs.get(&leg) else { return };
        let call = found.call;
        let caller = matches!(found.role, Role::Caller { .. });
        self.book.overload(now);
        if caller {
            let reason = format!("{reason:?}");
            let headers = vec![retry_after(), ("Warning".to_owned(), format!("399 strowger \"no media: {reason}\""))];
            self.refuse_caller(now, call, Refusal { status: 503, reason: None, headers });
        } else {
            self.close_leg(now, leg, "no_media", None, Reason::default());
            self.outgoing_failed(now, leg, (503, true), Reason::default(), None);
        }
        self.forget_leg(now, leg);
    }
}
