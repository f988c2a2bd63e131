//! A phone against another SIP stack, on a virtual clock. RFC 3261 9.1 (CANCEL), 13 (INVITE), 15 (BYE); RFC 3264 6, 7.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use std::net::SocketAddr;
use std::time::Duration;

use base::{LegId, Mono, Now, Rng, Wall};
use bytes::Bytes;
use leg::{Command, Digit, OpenFailure, Stats};
use phone::{Ending, Key, Milestone, Outcome, Phone, Plan, Setup, Side, Step};
use sdp::{Local, Preferences};
use sip::digest::{Algorithm, Authenticator, AuthenticatorConfig, Credentials, Proof, Secret};
use sip::{Event, Flow, Gate, Invite, Listener, OpenGate, Refusal, SessionId, Stack, StackConfig, Transport, Verdict};
use sip_message::{AnyUri, NameAddr, Request, parse_datagram};

const LEG: LegId = LegId::from_raw(1);
/// A datagram's way.
const DELAY: Duration = Duration::from_millis(1);

fn ours() -> SocketAddr {
    ([192, 0, 2, 1], 5060).into()
}

fn theirs() -> SocketAddr {
    ([192, 0, 2, 2], 5060).into()
}

fn plan() -> Plan {
    Plan {
        target: "sip:1000@192.0.2.2".parse().unwrap(),
        from: "tester".to_owned(),
        keys: Vec::new(),
        play: None,
        srtp: false,
        ring: Duration::from_secs(60),
        hold: None,
    }
}

/// The phone, a peer, and what lies between them.
struct World {
    now: Now,
    phone: Phone,
    peer: Stack,
    /// Whom the peer lets in.
    gate: Box<dyn Gate>,
    /// The peer is there at all.
    present: bool,
    /// What it sends comes twice.
    doubled: bool,
    wire: Vec<(Mono, bool, Bytes)>,
    /// What the peer was told, and what it heard of the phone: start lines with their time.
    told: Vec<Event>,
    lines: Vec<String>,
    commands: Vec<(Mono, Command)>,
    milestones: Vec<Milestone>,
}

impl World {
    fn new(plan: Plan) -> Self {
        Self::with(plan, None, Box::new(OpenGate))
    }

    fn with(plan: Plan, credentials: Option<Credentials>, gate: Box<dyn Gate>) -> Self {
        let config =
            |local| StackConfig::new("test", vec![Listener { transport: Transport::Udp, local, advertised: None }]);
        let flow = Flow::udp(0, ours(), theirs());
        let phone = Phone::new(plan, Setup { sip: config(ours()), flow, credentials, rng: Rng::from_number(1) });
        let mut world = Self {
            now: Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(0) },
            phone,
            peer: Stack::new(config(theirs()), Rng::from_number(2)),
            gate,
            present: true,
            doubled: false,
            wire: Vec::new(),
            told: Vec::new(),
            lines: Vec::new(),
            commands: Vec::new(),
            milestones: Vec::new(),
        };
        world.flush();
        world
    }

    fn run_ms(&mut self, millis: u64) {
        let end = self.now.monotonic + Duration::from_millis(millis);
        self.flush();
        while let Some(at) = self.next().filter(|at| *at <= end) {
            self.now = self.now.after(at - self.now.monotonic);
            while let Some(index) = self.wire.iter().position(|(due, ..)| *due <= at) {
                let (_, to_peer, payload) = self.wire.remove(index);
                self.deliver(to_peer, payload);
            }
            self.phone.handle_timeout(self.now);
            self.peer.handle_timeout(self.now);
            self.flush();
        }
        self.now = self.now.after(end - self.now.monotonic);
    }

    fn next(&self) -> Option<Mono> {
        let wire = self.wire.iter().map(|(at, ..)| *at);
        wire.chain(self.phone.poll_timeout()).chain(self.peer.poll_timeout()).min()
    }

    fn deliver(&mut self, to_peer: bool, payload: Bytes) {
        let (local, remote) = if to_peer { (theirs(), ours()) } else { (ours(), theirs()) };
        let flow = Flow::udp(0, local, remote);
        if to_peer && self.present {
            self.peer.handle_datagram(self.now, flow, parse_datagram(payload), &mut *self.gate);
        } else if !to_peer {
            self.phone.handle_datagram(self.now, flow, parse_datagram(payload.clone()));
            if self.doubled {
                self.phone.handle_datagram(self.now, flow, parse_datagram(payload));
            }
        }
    }

    fn flush(&mut self) {
        while let Some(command) = self.phone.poll_media() {
            let event = match &command {
                Command::Open { leg } => Some(leg::Event::Opened { leg: *leg, port: 40_000 }),
                Command::Close { leg } => Some(leg::Event::Closed { leg: *leg, stats: Stats::default() }),
                _ => None,
            };
            self.commands.push((self.now.monotonic, command));
            if let Some(event) = event {
                self.phone.handle_media(self.now, &event);
            }
        }
        let due = self.now.monotonic + DELAY;
        while let Some(transmit) = self.phone.poll_transmit() {
            let text = String::from_utf8_lossy(&transmit.payload).into_owned();
            self.lines.push(text.lines().next().unwrap().split(' ').next().unwrap().to_owned());
            self.wire.push((due, true, transmit.payload));
        }
        while let Some(transmit) = self.peer.poll_transmit() {
            self.wire.push((due, false, transmit.payload));
        }
        while let Some(event) = self.peer.poll_event() {
            self.told.push(event);
        }
        while let Some(milestone) = self.phone.poll_milestone() {
            self.milestones.push(milestone);
        }
    }

    /// The call has reached the peer.
    fn invited(&mut self) -> SessionId {
        self.run_ms(5);
        let invited = self.told.iter().find(|event| matches!(event, Event::Invited { .. }));
        invited.and_then(Event::session).expect("an INVITE")
    }

    /// The peer's answer to the phone's offer.
    fn answer(&self, preferences: &Preferences) -> Bytes {
        let offer = self.told.iter().find_map(|event| match event {
            Event::Invited { request, .. } => Some(sdp::parse(&request.body).unwrap()),
            _ => None,
        });
        let local = Local { address: theirs().ip(), port: 20_000, session_id: 1, version: 1 };
        sdp::answer(&offer.unwrap(), &local, preferences).unwrap().0.to_bytes()
    }

    /// The peer answers; the time of the answer at the phone.
    fn connect(&mut self) -> (SessionId, Mono) {
        let session = self.invited();
        let answer = self.answer(&Preferences::default());
        self.peer.accept(self.now, session, answer);
        self.run_ms(5);
        (session, self.at(&Step::Answered).expect("answered"))
    }

    fn at(&self, step: &Step) -> Option<Mono> {
        self.milestones.iter().find(|milestone| milestone.step == *step).map(|milestone| milestone.at)
    }

    fn ending(&self) -> Ending {
        let Outcome { ending, media } = self.phone.outcome().expect("the call is over");
        assert!(media.is_some(), "the leg is closed");
        ending
    }

    fn sent(&self, method: &str) -> usize {
        self.lines.iter().filter(|line| *line == method).count()
    }
}

fn digit(symbol: char) -> Digit {
    Digit::from_char(symbol).unwrap()
}

const BY_US: Ending = Ending::HungUp { by: Side::Us, reason: None };

#[test]
fn an_answered_call_goes_on_until_the_other_side_hangs_up_with_its_reason() {
    let mut world = World::new(plan());
    let session = world.invited();
    world.peer.ring(world.now, session, 180, None);
    world.run_ms(500);
    let answer = world.answer(&Preferences::default());
    world.peer.accept(world.now, session, answer);
    world.run_ms(3_600_000);
    assert_eq!(world.phone.outcome(), None, "nobody hung up");
    let reason = Some("Q.850;cause=16".to_owned());
    world.peer.hang_up(world.now, session, reason.clone());
    world.run_ms(5);
    assert_eq!(world.ending(), Ending::HungUp { by: Side::Them, reason });
    let steps: Vec<&Step> = world.milestones.iter().map(|milestone| &milestone.step).collect();
    assert_eq!(steps[..3], [&Step::Calling, &Step::Ringing { status: 180 }, &Step::Answered]);
    assert_eq!((world.sent("ACK"), world.sent("BYE")), (1, 0));
}

#[test]
fn a_100_is_told_once() {
    let mut world = World::new(plan());
    world.doubled = true;
    world.invited();
    world.run_ms(2000);
    assert_eq!(world.milestones.iter().filter(|milestone| milestone.step == Step::Trying).count(), 1);
}

#[test]
fn media_starts_and_is_recorded_from_the_answer_on() {
    let mut world = World::new(Plan { play: Some(audio::Prompt::from_samples(&[1_000; 160])), ..plan() });
    world.connect();
    let kinds: Vec<_> = world
        .commands
        .iter()
        .map(|(_, command)| match command {
            Command::Open { .. } => "open",
            Command::Start { agreed, .. } if agreed.remote == Some(([192, 0, 2, 2], 20_000).into()) => "start",
            Command::Record { .. } => "record",
            Command::Play { repeat: true, .. } => "play",
            _ => "?",
        })
        .collect();
    assert_eq!(kinds, ["open", "start", "record", "play"]);
}

#[test]
fn early_media_starts_before_the_answer_and_is_told_once() {
    let mut world = World::new(plan());
    let session = world.invited();
    let answer = world.answer(&Preferences::default());
    world.peer.ring(world.now, session, 183, Some(answer.clone()));
    world.run_ms(100);
    assert!(world.at(&Step::EarlyMedia).is_some());
    let starts = |world: &World| world.commands.iter().filter(|(_, c)| matches!(c, Command::Start { .. })).count();
    assert_eq!(starts(&world), 1);
    world.peer.accept(world.now, session, answer);
    world.run_ms(100);
    assert_eq!(starts(&world), 1, "the same answer again changes nothing");
    assert!(world.at(&Step::Answered).is_some());
}

#[test]
fn a_refusal_is_told_with_code_and_reason() {
    let mut world = World::new(plan());
    let session = world.invited();
    world.peer.refuse(world.now, session, Refusal { reason: Some("Gone Fishing".into()), ..Refusal::of(486) });
    world.run_ms(5);
    assert_eq!(world.ending(), Ending::Refused { status: 486, reason: "Gone Fishing".to_owned() });
    assert_eq!(world.sent("ACK"), 1);
}

#[test]
fn nobody_there_ends_after_timer_b() {
    let mut world = World::new(plan());
    world.present = false;
    world.run_ms(31_000);
    assert_eq!(world.phone.outcome(), None);
    world.run_ms(2_000);
    assert_eq!(world.ending(), Ending::Unreachable);
}

#[test]
fn a_port_where_nobody_listens_ends_the_call_at_once() {
    let mut world = World::new(plan());
    world.present = false;
    world.run_ms(5);
    world.phone.handle_unreachable(world.now, Transport::Udp, theirs());
    world.run_ms(100);
    assert_eq!(world.ending(), Ending::Unreachable);
}

/// Lets user 105 in, whose password is `secret`.
struct Asking(Authenticator);

impl Asking {
    fn gate() -> Box<dyn Gate> {
        let config = AuthenticatorConfig { realm: "r".to_owned(), lifetime: Duration::from_secs(60), max_proven: 9 };
        Box::new(Self(Authenticator::new(config, &mut Rng::from_number(3))))
    }
}

impl Gate for Asking {
    fn check(&mut self, now: Now, request: &Request, flow: Flow) -> Verdict {
        let (both, secret) = ([Algorithm::Sha256, Algorithm::Md5], Secret::of("105", "r", "secret"));
        match self.0.check(now, request, flow.remote, &both, |user| (user == "105").then_some(&secret)) {
            Proof::Proven { user } => Verdict::Pass { user: Some(user.into()) },
            _ => Verdict::Answer { status: 401, headers: self.0.challenges(now, flow.remote, &both, false) },
        }
    }
}

#[test]
fn who_is_asked_answers_with_his_password_and_is_through() {
    let mut world = World::with(plan(), Some(Credentials::new("105", "secret")), Asking::gate());
    let session = world.invited();
    world.peer.ring(world.now, session, 180, None);
    world.run_ms(10);
    assert_eq!(world.sent("INVITE"), 2);
    assert!(world.milestones.iter().any(|milestone| milestone.step == Step::Ringing { status: 180 }));
}

#[test]
fn a_wrong_password_or_none_is_a_refusal_and_is_not_tried_again() {
    for (credentials, invites) in [(Some(Credentials::new("105", "guess")), 2), (None, 1)] {
        let mut world = World::with(plan(), credentials, Asking::gate());
        world.run_ms(10_000);
        assert_eq!(world.ending(), Ending::Refused { status: 401, reason: "Unauthorized".to_owned() });
        assert_eq!(world.sent("INVITE"), invites);
    }
}

#[test]
fn a_call_that_rings_for_too_long_is_cancelled() {
    let mut world = World::new(Plan { ring: Duration::from_secs(3), ..plan() });
    let session = world.invited();
    world.peer.ring(world.now, session, 180, None);
    world.run_ms(2_900);
    assert_eq!(world.sent("CANCEL"), 0);
    world.run_ms(200);
    assert_eq!((world.sent("CANCEL"), world.ending()), (1, Ending::RangOut));
}

#[test]
fn who_gives_up_while_it_rings_sends_cancel() {
    let mut world = World::new(plan());
    let session = world.invited();
    world.peer.ring(world.now, session, 180, None);
    world.run_ms(100);
    world.phone.hang_up(world.now);
    world.run_ms(10);
    assert_eq!((world.sent("CANCEL"), world.sent("BYE"), world.ending()), (1, 0, Ending::GaveUp));
    assert!(world.told.iter().any(|event| matches!(event, Event::Cancelled { .. })));
}

#[test]
fn an_answer_that_crosses_our_cancel_is_ended_by_bye() {
    let mut world = World::new(plan());
    let session = world.invited();
    world.peer.ring(world.now, session, 180, None);
    world.run_ms(100);
    let answer = world.answer(&Preferences::default());
    world.peer.accept(world.now, session, answer);
    world.phone.hang_up(world.now);
    world.run_ms(100);
    assert_eq!((world.sent("BYE"), world.ending()), (1, Ending::GaveUp));
    assert_eq!(world.at(&Step::Answered), None);
}

#[test]
fn a_hang_up_before_the_port_is_there_sends_nothing() {
    let flow = Flow::udp(0, ours(), theirs());
    let sip = StackConfig::new("test", vec![Listener { transport: Transport::Udp, local: ours(), advertised: None }]);
    let mut phone = Phone::new(plan(), Setup { sip, flow, credentials: None, rng: Rng::from_number(1) });
    let now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(0) };
    phone.hang_up(now);
    phone.handle_media(now, &leg::Event::Opened { leg: LEG, port: 40_000 });
    phone.handle_media(now, &leg::Event::Closed { leg: LEG, stats: Stats::default() });
    assert!(phone.poll_transmit().is_none());
    assert_eq!(phone.outcome().map(|outcome| outcome.ending), Some(Ending::GaveUp));
}

#[test]
fn without_a_port_there_is_no_call() {
    let flow = Flow::udp(0, ours(), theirs());
    let sip = StackConfig::new("test", vec![Listener { transport: Transport::Udp, local: ours(), advertised: None }]);
    let mut phone = Phone::new(plan(), Setup { sip, flow, credentials: None, rng: Rng::from_number(1) });
    let now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(0) };
    phone.handle_media(now, &leg::Event::OpenFailed { leg: LEG, reason: OpenFailure::NoPort });
    assert!(phone.poll_transmit().is_none());
    assert_eq!(phone.outcome().map(|outcome| outcome.ending), Some(Ending::NoPort));
}

#[test]
fn the_hold_time_begins_with_the_answer_and_ends_in_bye() {
    let mut world = World::new(Plan { hold: Some(Duration::from_secs(10)), ..plan() });
    world.connect();
    world.run_ms(9_900);
    assert_eq!(world.sent("BYE"), 0);
    world.run_ms(200);
    assert_eq!((world.sent("BYE"), world.ending()), (1, BY_US));
}

#[test]
fn keys_are_pressed_half_a_second_after_the_answer_and_a_comma_waits_a_second() {
    let mut world = World::new(Plan { keys: Key::parse_all("1,,2#").unwrap(), ..plan() });
    let (_, answered) = world.connect();
    world.run_ms(10_000);
    let pressed: Vec<(u128, Digit)> = world
        .commands
        .iter()
        .filter_map(|(at, command)| match command {
            Command::SendDigit { digit, .. } => Some((at.since(answered).as_millis(), *digit)),
            _ => None,
        })
        .collect();
    assert_eq!(pressed, [(500, digit('1')), (2750, digit('2')), (3000, digit('#'))]);
    assert!(world.at(&Step::Pressed(digit('#'))).is_some());
}

#[test]
fn keys_end_with_the_call() {
    let mut world = World::new(Plan { keys: Key::parse_all("11111").unwrap(), ..plan() });
    let (session, _) = world.connect();
    world.run_ms(600);
    world.peer.hang_up(world.now, session, None);
    world.run_ms(5_000);
    assert_eq!(world.commands.iter().filter(|(_, c)| matches!(c, Command::SendDigit { .. })).count(), 1);
}

#[test]
fn a_peer_that_takes_no_digits_gets_none_and_that_is_told() {
    let mut world = World::new(Plan { keys: Key::parse_all("1").unwrap(), ..plan() });
    let session = world.invited();
    let answer = world.answer(&Preferences { dtmf: false, ..Preferences::default() });
    world.peer.accept(world.now, session, answer);
    world.run_ms(5_000);
    assert!(world.at(&Step::NoDigits).is_some());
    assert!(!world.commands.iter().any(|(_, command)| matches!(command, Command::SendDigit { .. })));
}

#[test]
fn an_answer_that_cannot_be_met_is_hung_up() {
    let mut world = World::new(plan());
    let session = world.invited();
    world.peer.accept(world.now, session, Bytes::from_static(b"nonsense"));
    world.run_ms(100);
    assert_eq!((world.sent("ACK"), world.sent("BYE"), world.ending()), (1, 1, Ending::BadAnswer));
}

#[test]
fn two_byes_that_cross_end_the_call_once() {
    let mut world = World::new(plan());
    let (session, _) = world.connect();
    world.peer.hang_up(world.now, session, None);
    world.phone.hang_up(world.now);
    world.run_ms(100);
    assert_eq!(world.ending(), BY_US);
    assert_eq!(world.milestones.iter().filter(|milestone| matches!(milestone.step, Step::Over(_))).count(), 1);
}

#[test]
fn a_peer_that_never_answers_our_bye_has_broken_off() {
    let mut world = World::new(plan());
    world.connect();
    world.present = false;
    world.phone.hang_up(world.now);
    world.run_ms(31_000);
    assert_eq!(world.phone.outcome(), None);
    world.run_ms(2_000);
    assert_eq!(world.ending(), Ending::Broken);
}

#[test]
fn hold_by_the_peer_is_answered_and_media_follows() {
    let mut world = World::new(plan());
    let (session, _) = world.connect();
    let local = Local { address: theirs().ip(), port: 20_000, session_id: 1, version: 2 };
    let offer = sdp::offer(&local, &Preferences::default()).to_bytes();
    let text = String::from_utf8(offer.to_vec()).unwrap().replace("sendrecv", "inactive");
    world.peer.change(world.now, session, Bytes::from(text)).unwrap();
    world.run_ms(100);
    assert!(world.at(&Step::Changed).is_some());
    let last = world.commands.iter().rev().find_map(|(_, command)| match command {
        Command::Start { agreed, .. } => Some(agreed.direction),
        _ => None,
    });
    assert_eq!(last, Some(sdp::Direction::Inactive));
    let inactive = |event: &Event| match event {
        Event::ChangeAnswered { body: Some(body), .. } => String::from_utf8_lossy(body).contains("a=inactive"),
        _ => false,
    };
    assert!(world.told.iter().any(inactive), "{:?}", world.told);
}

#[test]
fn somebody_who_calls_us_meanwhile_is_told_busy() {
    let mut world = World::new(plan());
    world.connect();
    let target: AnyUri = format!("sip:call@{}", ours()).parse().unwrap();
    let invite = Invite {
        flow: Flow::udp(0, theirs(), ours()),
        from: NameAddr::new("sip:1000@192.0.2.2".parse::<AnyUri>().unwrap()),
        to: NameAddr::new(target.clone()),
        target,
        contact_user: "1000".to_owned(),
        max_forwards: sip::MAX_FORWARDS,
        headers: vec![],
        offer: Bytes::from_static(b"v=0\r\n"),
        login: None,
        onward: sip::Onward::default(),
    };
    world.peer.invite(world.now, invite);
    world.run_ms(100);
    assert!(world.told.iter().any(|event| matches!(event, Event::Refused { status: 486, .. })), "{:?}", world.told);
    assert_eq!(world.phone.outcome(), None);
}
