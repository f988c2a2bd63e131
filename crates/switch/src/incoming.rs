//! A call comes in: who sends it, what he dialled, and the first answer.

use base::{CallId, LegId, Now, Pii};
use journal::{Direction, Kind, LegRole, Name, Origin, Party};
use sdp::{Description, Preferences};
use sip::{Flow, Refusal, SessionId};
use sip_message::Request;

use crate::call::{Call, Leg, Role, Stage};
use crate::flow::FlowInput;
use crate::switch::{Switch, Timer};
use crate::{Config, Destination, UserName};

/// Who sends a call, by the configuration.
struct Sender {
    origin: Origin,
    direction: Direction,
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
        // Who has proven himself calls by his own name, whatever From says.
        let from = user.as_deref().map_or_else(claimed, str::to_owned);
        let dialled = request.uri.user().unwrap_or_default().into_owned();
        let proven = user.map(|name| Sender { origin: Origin::User(name), direction: Direction::Internal });
        let Some(sender) = proven.or_else(|| sender(&self.config, flow, &from)) else {
            // The door lets none of these in.
            self.sip.refuse(now, session, Refusal::of(403));
            return;
        };
        let call = self.ids.call();
        let began = Kind::CallBegan {
            direction: sender.direction,
            from: Pii::new(from.clone()),
            to: Pii::new(dialled.clone()),
            origin: sender.origin,
            source: flow.remote,
            sip_call_id: request.head.call_id.as_str().to_owned(),
        };
        let checked = self.destination(&dialled).and_then(|to| Ok((to, read_offer(request)?)));
        match checked {
            Ok((destination, offer)) => {
                let incoming = Incoming { session, flow, from, dialled, destination, offer };
                self.begin(now, call, began, incoming);
            }
            Err(refusal) => self.turn_away(now, call, began, session, refusal),
        }
    }

    fn destination(&self, dialled: &str) -> Result<Destination, Refusal> {
        self.config.numbers.get(dialled).cloned().ok_or_else(|| Refusal::of(404))
    }

    fn begin(&mut self, now: Now, call: CallId, began: Kind, incoming: Incoming) {
        let caller = self.ids.leg();
        let address = self.config.limits.media_address.unwrap_or(incoming.flow.local.ip());
        // RFC 8866 5.2 wants a session id that is unique; 62 bits keep readers with signed numbers content.
        let session_id = self.rng.u64() >> 2;
        let mut leg = Leg::new(call, Role::Caller { offer: incoming.offer }, address, session_id);
        leg.session = Some(incoming.session);
        self.legs.insert(caller, leg);
        self.sessions.insert(incoming.session, caller);
        let limit = self.timers.set(now.monotonic + self.config.limits.max_call_time, Timer::CallLimit(call));
        let flow = match &incoming.destination {
            Destination::Flow(name) => self.config.flows.get(name).map(|flow| ivr::Session::new(flow.clone())),
            Destination::User(_) | Destination::Queue(_) => None,
        };
        self.calls.insert(
            call,
            Call {
                caller,
                began: now.wall,
                number: Pii::new(incoming.from),
                dialled: incoming.dialled.into(),
                destination: incoming.destination,
                flow,
                prompts: self.config.prompts.clone(),
                stage: Stage::Setup,
                play: None,
                take: None,
                open_takes: Vec::new(),
                open_legs: vec![caller],
                peer_gone: None,
                seq: 0,
                over: false,
                limit: Some(limit),
                flow_timer: None,
            },
        );
        self.note(now, call, began);
        self.note(now, call, Kind::LegBegan { leg: caller, role: LegRole::Caller });
        self.commands.push_back(leg::Command::Open { leg: caller });
    }

    /// A call that never becomes one: refused, and told in the journal.
    fn turn_away(&mut self, now: Now, call: CallId, began: Kind, session: SessionId, refusal: Refusal) {
        let mut seq = 0;
        let cause: Name = format!("refused_{}", refusal.status).into();
        let events = [began, Kind::HungUp { by: Party::System, cause }, Kind::CallEnded { cut: false }];
        for kind in events {
            self.book.write(now, call, &mut seq, kind);
        }
        self.sip.refuse(now, session, refusal);
    }

    /// The caller's leg has its port: answer, or ring the user whom he dialled.
    pub(crate) fn caller_opened(&mut self, now: Now, call: CallId) {
        match self.calls.get(&call).map(|found| found.destination.clone()) {
            Some(Destination::User(user)) => self.dial_user(now, call, &user, self.config.limits.ring_time),
            Some(Destination::Flow(_) | Destination::Queue(_)) => {
                // If his offer cannot be met, he is refused and the call is over.
                let _ = self.accept_caller(now, call);
            }
            None => {}
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
        let offer = match &mut leg.role {
            Role::Caller { offer } => offer.take(),
            Role::Agent { .. } | Role::Party { .. } => None,
        };
        let body = match offer {
            Some(offer) => match sdp::answer(&offer, &leg.local, &Preferences::default()) {
                Ok((answer, agreed)) => {
                    leg.agreed = Some(agreed);
                    self.commands.push_back(leg::Command::Start { leg: caller, agreed });
                    answer
                }
                Err(refusal) => {
                    self.refuse_caller(now, call, with_warning(&refusal));
                    return false;
                }
            },
            // He made no offer: ours goes with the 2xx, his answer comes with the ACK (RFC 3264 section 4).
            None => leg.offered.insert(sdp::offer(&leg.local, &Preferences::default())).clone(),
        };
        leg.answered = true;
        self.sip.accept(now, session, body.to_bytes());
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
            Destination::Flow(_) => {
                found.stage = Stage::Flow;
                self.flow_inputs.push_back((call, FlowInput::Start));
            }
            Destination::Queue(queue) => self.join_queue(now, call, &queue, None),
            Destination::User(_) => {}
        }
    }
}

/// What is known of a call that may go on.
struct Incoming {
    session: SessionId,
    flow: Flow,
    from: String,
    dialled: String,
    destination: Destination,
    offer: Option<Description>,
}

/// A user is known by the address of his phone and the name that he calls himself; else the source's trunk counts.
fn sender(config: &Config, flow: Flow, from: &str) -> Option<Sender> {
    let source = flow.remote.ip();
    if let Some((name, _)) = config.user_of(source, from) {
        return Some(Sender { origin: Origin::User(name.clone()), direction: Direction::Internal });
    }
    let trunk = config.trunk_of(source)?;
    Some(Sender { origin: Origin::Trunk(trunk.name.clone()), direction: Direction::Inbound })
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
        if self.calls.get(&call).is_none_or(|call| call.over) {
            return;
        }
        match &found.role {
            Role::Caller { .. } => self.caller_opened(now, call),
            Role::Agent { .. } | Role::Party { .. } => self.send_invite(now, leg),
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
            let headers = vec![
                ("Retry-After".to_owned(), "10".to_owned()),
                ("Warning".to_owned(), format!("399 strowger \"no media: {reason}\"")),
            ];
            self.refuse_caller(now, call, Refusal { status: 503, reason: None, headers });
        } else {
            self.close_leg(now, leg, "no_media", None);
            self.outgoing_failed(now, leg, 503, true);
        }
        self.forget_leg(now, leg);
    }
}
