//! The machine: its inputs, outputs and timers.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use base::{LegId, Mono, Now, PlayId, Rng, TakeId};
use leg::{Chunk, Command, Event, Item, Stats};
use sdp::{Agreed, Description, Keys, Local, Preferences, Security};
use sip::digest::Credentials;
use sip::{ConnectionId, Flow, Invite, SessionId, Stack, StackConfig, Transmit, Transport};
use sip_message::{AnyUri, Message, NameAddr, Reject, Uri};

use crate::{Ear, Ending, Hearing, Key, Milestone, Outcome, Plan, Step};

/// The phone's one leg, recording and playout.
const LEG: LegId = LegId::from_raw(1);
const TAKE: TakeId = TakeId::from_raw(1);
const PLAY: PlayId = PlayId::from_raw(1);

/// The user part of our Contact.
const CONTACT: &str = "call";

/// From the answer to the first key: time for the other side to begin to listen.
const FIRST_KEY: Duration = Duration::from_millis(500);
/// How long a key is held, in milliseconds, and how long after it the next one follows.
const KEY_MS: u16 = 100;
const NEXT_KEY: Duration = Duration::from_millis(250);
/// What a comma stands for.
const PAUSE: Duration = Duration::from_secs(1);
/// After how many seconds a call ends whose other side is gone without a word (RFC 4028).
const SESSION_TIMER: u32 = 1800;
/// How long the media may take to tell that the leg is closed.
const CLOSING: Duration = Duration::from_secs(2);

/// What a phone is made with, next to its plan.
#[derive(Debug)]
pub struct Setup {
    /// The signalling's settings; one listener.
    pub sip: StackConfig,
    /// From which address of ours, and whereto, the call goes.
    pub flow: Flow,
    /// Who to be if the other side asks.
    pub credentials: Option<Credentials>,
    /// Randomness.
    pub rng: Rng,
}

/// A telephone with one call.
pub struct Phone {
    pub(crate) plan: Plan,
    pub(crate) sip: Stack,
    flow: Flow,
    rng: Rng,
    credentials: Option<Credentials>,
    pub(crate) session: Option<SessionId>,
    pub(crate) local: Local,
    /// Our keys, if the audio shall be encrypted.
    srtp: Option<Box<Keys>>,
    /// Our offer that waits for its answer.
    pub(crate) offered: Option<Description>,
    pub(crate) agreed: Option<Agreed>,
    pub(crate) answered: bool,
    /// The last provisional status that was told.
    pub(crate) progress: u16,
    trying: bool,
    keys: VecDeque<Key>,
    ear: Ear,
    /// When the recording began.
    record_began: Option<Mono>,
    /// How the call ends; set once.
    pub(crate) ending: Option<Ending>,
    timers: Timers,
    media: Option<Stats>,
    closed: bool,
    commands: VecDeque<Command>,
    milestones: VecDeque<Milestone>,
}

/// What is due when.
#[derive(Debug, Default)]
struct Timers {
    ring: Option<Mono>,
    hold: Option<Mono>,
    key: Option<Mono>,
    closing: Option<Mono>,
}

impl Phone {
    /// A phone that asks for its media port, and calls when it has it.
    #[must_use]
    pub fn new(plan: Plan, setup: Setup) -> Self {
        let Setup { sip, flow, credentials, mut rng } = setup;
        let session_id = rng.u64() >> 2;
        let srtp = plan.srtp.then(|| Box::new(Keys::random(&mut rng)));
        Self {
            keys: plan.keys.iter().copied().collect(),
            plan,
            sip: Stack::new(StackConfig { session_timer: Some(SESSION_TIMER), ..sip }, rng.fork()),
            rng,
            flow,
            credentials,
            session: None,
            local: Local { address: flow.local.ip(), port: 0, session_id, version: 1 },
            srtp,
            offered: None,
            agreed: None,
            answered: false,
            progress: 0,
            trying: false,
            ear: Ear::default(),
            record_began: None,
            ending: None,
            timers: Timers::default(),
            media: None,
            closed: false,
            commands: VecDeque::from([Command::Open { leg: LEG }]),
            milestones: VecDeque::new(),
        }
    }

    /// A datagram of the signalling.
    pub fn handle_datagram(&mut self, now: Now, flow: Flow, parsed: Result<Message, Reject>) {
        // The stack keeps a 100 to itself: it means nothing to a dialog.
        let is_100 = matches!(&parsed, Ok(Message::Response(response)) if response.status.code() == 100);
        if is_100 && self.progress == 0 && !self.answered && !std::mem::replace(&mut self.trying, true) {
            self.tell(now, Step::Trying);
        }
        self.sip.handle_datagram(now, flow, parsed, &mut sip::OpenGate);
        self.settle(now);
    }

    /// Nobody listens at `remote`.
    pub fn handle_unreachable(&mut self, now: Now, transport: Transport, remote: SocketAddr) {
        self.sip.handle_unreachable(now, transport, remote);
        self.settle(now);
    }

    /// A connection of the signalling is gone.
    pub fn handle_connection_closed(
        &mut self,
        now: Now,
        connection: ConnectionId,
        transport: Transport,
        remote: SocketAddr,
    ) {
        self.sip.handle_connection_closed(now, connection, transport, remote);
        self.settle(now);
    }

    /// What the media tells.
    pub fn handle_media(&mut self, now: Now, event: &Event) {
        match event {
            Event::Opened { port, .. } => self.invite(now, *port),
            Event::OpenFailed { .. } => {
                self.closed = true;
                self.end(now, Ending::NoPort);
            }
            Event::Digit { digit, .. } => self.tell(now, Step::Received(*digit)),
            Event::Silent { .. } if self.answered && self.ending.is_none() => self.tell(now, Step::Silent),
            Event::Closed { stats, .. } => {
                self.closed = true;
                self.media = Some(*stats);
            }
            Event::Silent { .. }
            | Event::DigitEnd { .. }
            | Event::PlayDone { .. }
            | Event::TakeEnded { .. }
            | Event::MaskEnded { .. }
            | Event::Quiet { .. } => {}
        }
        self.settle(now);
    }

    /// A piece of the leg's recording, to be listened to.
    pub fn handle_audio(&mut self, chunk: &Chunk) {
        if let (Some(after), Some(began)) = (self.ear.hear(chunk), self.record_began) {
            self.milestones.push_back(Milestone { at: began + after, step: Step::FirstAudio });
        }
    }

    /// A timer has run out.
    pub fn handle_timeout(&mut self, now: Now) {
        let is_due = |timer: &mut Option<Mono>| timer.take_if(|due| *due <= now.monotonic).is_some();
        if is_due(&mut self.timers.ring) {
            self.leave(now, Ending::RangOut);
        }
        if is_due(&mut self.timers.hold) {
            self.hang_up(now);
        }
        if is_due(&mut self.timers.key) {
            self.press(now);
        }
        if is_due(&mut self.timers.closing) {
            self.closed = true;
        }
        self.sip.handle_timeout(now);
        self.settle(now);
    }

    /// The user ends the call, whatever its state: CANCEL or BYE.
    pub fn hang_up(&mut self, now: Now) {
        let ending = if self.answered { Ending::HungUp { by: crate::Side::Us, reason: None } } else { Ending::GaveUp };
        self.leave(now, ending);
        self.settle(now);
    }

    /// A datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.sip.poll_transmit()
    }

    /// What the media shall do.
    pub fn poll_media(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// What happened.
    pub fn poll_milestone(&mut self) -> Option<Milestone> {
        self.milestones.pop_front()
    }

    /// When to come back.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let Timers { ring, hold, key, closing } = self.timers;
        [ring, hold, key, closing, self.sip.poll_timeout()].into_iter().flatten().min()
    }

    /// How the call came out, once signalling and media are over.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let over = self.session.is_none() && self.closed;
        self.ending.clone().filter(|_| over).map(|ending| Outcome { ending, media: self.media })
    }

    /// What was heard so far.
    #[must_use]
    pub fn hearing(&self) -> Hearing {
        self.ear.hearing()
    }

    pub(crate) fn tell(&mut self, now: Now, step: Step) {
        self.milestones.push_back(Milestone { at: now.monotonic, step });
    }

    /// The call ends this way, unless its end was told before.
    pub(crate) fn end(&mut self, now: Now, ending: Ending) {
        if self.ending.is_none() {
            self.timers = Timers { closing: self.timers.closing, ..Timers::default() };
            self.ending = Some(ending.clone());
            self.tell(now, Step::Over(ending));
        }
    }

    /// We end the call.
    pub(crate) fn leave(&mut self, now: Now, ending: Ending) {
        if self.ending.is_some() {
            return;
        }
        let reason = (ending == Ending::BadAnswer).then(|| BAD_ANSWER.to_owned());
        self.end(now, ending);
        match self.session {
            Some(session) => self.sip.hang_up(now, session, reason),
            // Asked before the media had a port: there is no call.
            None => self.close(now),
        }
    }

    /// The session is over: the leg is closed.
    pub(crate) fn close(&mut self, now: Now) {
        self.session = None;
        if !self.closed && self.timers.closing.is_none() {
            self.timers.closing = Some(now.monotonic + CLOSING);
            self.commands.push_back(Command::Close { leg: LEG });
        }
    }

    /// What it offers and answers with: SRTP and nothing else, or none.
    pub(crate) fn preferences(&self) -> Preferences {
        let security = self.srtp.clone().map_or(Security::Never, Security::Required);
        Preferences { security, ..Preferences::default() }
    }

    /// Media flows as agreed, for the first time or in another way.
    pub(crate) fn start(&mut self, now: Now, agreed: Agreed) {
        if let (None, Some(srtp)) = (&self.agreed, &agreed.srtp) {
            self.tell(now, Step::Encrypted(srtp.local.suite().name()));
        }
        if let Some(keys) = &mut self.srtp {
            keys.settle(agreed.srtp.as_ref(), &mut self.rng);
        }
        if self.agreed.replace(agreed) != Some(agreed) {
            self.commands.push_back(Command::Start { leg: LEG, agreed });
        }
        if self.record_began.is_none() {
            self.record_began = Some(now.monotonic);
            self.commands.push_back(Command::Record { leg: LEG, take: TAKE });
        }
    }

    /// The call is answered: it is talked from now on.
    pub(crate) fn talk(&mut self, now: Now) {
        self.answered = true;
        self.tell(now, Step::Answered);
        self.timers.ring = None;
        self.timers.hold = self.plan.hold.map(|hold| now.monotonic + hold);
        if let Some(prompt) = self.plan.play.take() {
            let items = [Item::Prompt(prompt)].into();
            self.commands.push_back(Command::Play { leg: LEG, play: PLAY, items, repeat: true });
        }
        if self.keys.is_empty() {
            return;
        }
        if self.agreed.is_some_and(|agreed| agreed.dtmf_send_pt.is_some()) {
            self.timers.key = Some(now.monotonic + FIRST_KEY);
        } else {
            self.tell(now, Step::NoDigits);
        }
    }

    fn press(&mut self, now: Now) {
        let Some(key) = self.keys.pop_front() else { return };
        let after = match key {
            Key::Pause => PAUSE,
            Key::Digit(digit) => {
                self.commands.push_back(Command::SendDigit { leg: LEG, digit, duration_ms: KEY_MS });
                self.tell(now, Step::Pressed(digit));
                NEXT_KEY
            }
        };
        self.timers.key = Some(now.monotonic + after).filter(|_| !self.keys.is_empty());
    }

    /// The media has its port: the call is placed.
    fn invite(&mut self, now: Now, port: u16) {
        if self.ending.is_some() {
            return;
        }
        self.local.port = port;
        let offer = sdp::offer(&self.local, &self.preferences());
        let target = AnyUri::Sip(self.plan.target.clone());
        let invite = Invite {
            flow: self.flow,
            to: NameAddr::new(target.clone()),
            target,
            from: NameAddr::new(Uri::new(self.flow.local.ip()).with_user(&self.plan.from)),
            contact_user: CONTACT.to_owned(),
            max_forwards: sip::MAX_FORWARDS,
            headers: Vec::new(),
            offer: offer.to_bytes(),
            login: None,
            onward: sip::Onward::default(),
        };
        self.offered = Some(offer);
        self.tell(now, Step::Calling);
        self.session = Some(match self.credentials.take() {
            Some(credentials) => self.sip.invite_as(now, invite, credentials),
            None => self.sip.invite(now, invite),
        });
        self.timers.ring = Some(now.monotonic + self.plan.ring);
    }
}

/// Why we hang up on an answer that cannot be met: Q.850 cause 88, incompatible destination.
const BAD_ANSWER: &str = "Q.850;cause=88;text=\"incompatible destination\"";
