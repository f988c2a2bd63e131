//! What the switch keeps of a call and of each of its legs.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acd::{AgentName, QueueName};
use base::{CallId, LegId, OfferId, Pii, PlayId, Rng, TakeId, TimerToken, Wall};
use bytes::Bytes;
use journal::{Asker, Outside, Party};
use sdp::{Agreed, Description, Local, Preferences};
use sip::{Flow, Onward, SessionId};
use sip_message::{Reason, Uri, UserToUser};

use crate::announce::Announcing;
use crate::callbacks::{Attempt, Stood};
use crate::codes::{CodeCall, Dialled};
use crate::consult::Consult;
use crate::digits::Keys;
use crate::fetch::Fetch;
use crate::identity::Identity;
use crate::lost::Lost;
use crate::mask::Mask;
use crate::places::Places;
use crate::repeats::Earlier;
use crate::secrecy::Secrecy;
use crate::speech::Speaking;
use crate::talk_keys::Typed;
use crate::transfer::Transfer;
use crate::voicemail::{Letter, OpenMailbox, Waiting};
use crate::whisper::Whisper;
use crate::{Destination, LanguageName, Prompts, TrunkName, UserName};

/// One call: a caller and what is done for him.
#[derive(Debug)]
pub(crate) struct Call {
    /// The caller's leg.
    pub caller: LegId,
    /// When it came in.
    pub began: Wall,
    /// The trunk that it came by, if it came by one.
    pub trunk: Option<TrunkName>,
    /// The caller's number as signalled; empty if withheld.
    pub number: Pii<String>,
    /// The number that was dialled.
    pub dialled: Arc<str>,
    /// What that number reaches.
    pub destination: Reach,
    /// Where the caller is in his flow; none if his number reaches no flow. He stays in the flow that he began, though there
    /// may be another of its name by now.
    pub flow: Option<ivr::Session>,
    /// Earlier calls of his number.
    pub earlier: Earlier,
    /// The flows and nodes by which he came, the last ones.
    pub way: VecDeque<(Arc<str>, Arc<str>)>,
    /// What his flow names when it plays.
    pub prompts: Prompts,
    /// The language that he hears, if a flow chose one.
    pub language: Option<LanguageName>,
    /// What is being done for him now.
    pub stage: Stage,
    /// A leg that is not answered and that the caller hears all the same.
    pub early: Option<LegId>,
    /// Who was rung by the dial that runs, one after the other, as each redirected to the next.
    pub rung: Vec<Callee>,
    /// How often it has left to a trunk.
    pub left: u32,
    /// How often flows have sent the caller on.
    pub sent_on: u8,
    /// How many hops whoever is rung for it may be away (Max-Forwards); none: nobody may be rung (RFC 7332).
    pub hops: Option<u8>,
    /// What the caller hears, if a playout runs whose end matters.
    pub play: Option<PlayId>,
    /// What he will hear once its texts are spoken.
    pub speaking: Option<Speaking>,
    /// What it plays, if that waits for a message to be read.
    pub waiting: Option<Waiting>,
    /// The message that the caller leaves.
    pub letter: Option<Letter>,
    /// The mailbox that he hears.
    pub mailbox: Option<OpenMailbox>,
    /// The recording that runs.
    pub take: Option<TakeId>,
    /// Whether recordings have silence in place of what he says.
    pub mask: Mask,
    /// Recordings whose files are not complete.
    pub open_takes: Vec<TakeId>,
    /// Legs whose media is not closed.
    pub open_legs: Vec<LegId>,
    /// Agents who are in the wrap-up of it and may still say what came of it.
    pub wrap_ups: u32,
    /// Who ended the talk with the other side, and why, until the flow does something else: then it was not what ended
    /// the call.
    pub peer_gone: Option<(Party, &'static str, Reason)>,
    /// Number of the next journal event.
    pub seq: u32,
    /// True once somebody hung up; what is left is to close media and files.
    pub over: bool,
    /// The switch did, of its own accord: its caller did not go.
    pub cut: bool,
    /// Why, as phones are told.
    pub reason: Reason,
    /// What the caller's system sends along for the one of whoever answers.
    pub user_to_user: Option<UserToUser>,
    /// What is known of the caller, and what he wants hidden.
    pub identity: Identity,
    /// As whom the caller asks for what needs leave.
    pub asker: Option<Asker>,
    /// One side is being sent on, and nobody has answered yet.
    pub transfer: Option<Transfer>,
    /// The other side of the talk asks a third one.
    pub consult: Option<Consult>,
    /// The end of the longest time that a call may last; after the call is over, of the time to tidy up.
    pub limit: Option<TimerToken>,
    /// The queue that he came to, from which he may have gone on to others, while he waits.
    pub came_to: Option<QueueName>,
    /// The place in line that he had last, should he want to be called back.
    pub stood: Option<Stood>,
    /// It is an attempt to call somebody back.
    pub callback: Option<Attempt>,
    /// The agent who is told something before they talk.
    pub whisper: Option<Whisper>,
    /// What he hears while he waits in a queue is what his flow says, not the queue's music.
    pub hears_own: bool,
    /// What he is told while he waits in a queue, and when.
    pub announcing: Option<Announcing>,
    /// The request to a web server that is under way.
    pub fetch: Option<Fetch>,
    /// The agent who is lost and awaited.
    pub lost: Option<Lost>,
    /// What the caller dialled for, if that was a code.
    pub code: Option<CodeCall>,
    /// The flow's own timer, or a code's.
    pub flow_timer: Option<TimerToken>,
}

/// What the number reaches that a caller dialled.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// What the number plan says.
    Listed(Destination),
    /// That number outside, by a grant of who calls.
    Outside(Asker),
    /// Help, which a user calls without a grant.
    Emergency(UserName),
    /// The place of another leg (RFC 3891).
    Replace(LegId),
    /// What a code does.
    Code(Dialled),
}

/// Somebody who is rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Callee {
    /// A user.
    User(UserName),
    /// A number outside.
    Outside(Arc<str>),
}

/// What is being done for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// He is not answered, or has not acknowledged the answer.
    Setup,
    /// He hears his flow.
    Flow,
    /// He waits in a queue; the timer is his flow's limit of that.
    Queued(Option<TimerToken>),
    /// Someone is rung for him by his flow or his number.
    Dialling(LegId),
    /// He talks with the other leg.
    Talking(LegId),
    /// He talked with an agent whose phone is lost, and who may come back.
    Awaiting,
}

/// One leg: a SIP session and its media.
#[derive(Debug)]
pub(crate) struct Leg {
    /// The call that it belongs to.
    pub call: CallId,
    /// Whose leg it is.
    pub role: Role,
    /// Its SIP session; none before its INVITE is sent and after it is over.
    pub session: Option<SessionId>,
    /// The address that its SDP names; the port is 0 until the media is open.
    pub local: Local,
    /// Whether its audio is encrypted.
    pub secrecy: Secrecy,
    /// An offer of ours that is not answered.
    pub offered: Option<Description>,
    /// What was offered where, if the leg rings several phones.
    pub places: Places,
    /// What offer and answer agreed last.
    pub agreed: Option<Agreed>,
    /// True once a 2xx answered its INVITE.
    pub answered: bool,
    /// Its peer holds the other side of the talk, which hears music.
    pub holds: bool,
    /// It hears music, as whom it talks with holds.
    pub music: bool,
    /// True once its media is told to close; what it still holds is of no more use.
    pub closed: bool,
    /// The end of its ringing.
    pub ring: Option<TimerToken>,
    /// The end of the time in which the far end of its trunk is to say something.
    pub silence: Option<TimerToken>,
    /// The keys that its peer pressed just now.
    pub keys: Keys,
    /// Its media passes keys on to nobody.
    pub keeps_digits: bool,
    /// What its peer has typed of a code.
    pub typed: Typed,
    /// The trunk that it came by and uses a channel of, until it is closed.
    pub came_by: Option<TrunkName>,
}

/// Whose leg it is, with what is needed until it is answered.
#[derive(Debug)]
pub(crate) enum Role {
    /// The caller's.
    Caller {
        /// What is kept of his INVITE's offer, if he made one, until the 2xx.
        sdp: Option<CallerSdp>,
    },
    /// An agent's, rung for an offer.
    Agent {
        /// The offer; none if he is rung anew for a call that he had.
        offer: Option<OfferId>,
        /// The queue that the caller waits in.
        queue: QueueName,
        /// The agent.
        agent: AgentName,
        /// The way to his phone.
        route: Route,
    },
    /// A user's, rung by a flow or by its number.
    Party {
        /// Who, as an agent: he is reserved while he is rung and talks.
        agent: AgentName,
        /// The way to his phone.
        route: Route,
    },
    /// A caller's, whose call has become another one.
    Joined {
        /// As whom he asks for what needs leave.
        who: Option<Asker>,
    },
    /// Of somebody outside, called through a trunk.
    Outside {
        /// Whom, and by whose leave.
        outside: Outside,
        /// The way to the trunk.
        route: Route,
        /// Other addresses of the trunk that are to be tried if this one fails, in order.
        ways: Vec<SocketAddr>,
    },
}

/// What is kept of the offer in a caller's INVITE.
#[derive(Debug)]
pub(crate) enum CallerSdp {
    /// The offer: it is not answered yet.
    Offer(Description),
    /// Our answer, which went out early and which the 2xx repeats (RFC 3261 section 13.2.1).
    Answer(Description),
}

/// The way that an outgoing INVITE takes.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The Request-URI.
    pub target: Uri,
    /// Which listener sends the request, from which address of ours, and whereto.
    pub flow: Flow,
    /// What is known of the way beyond that.
    pub onward: Onward,
    /// The other phones of the same user, each with its turn, and how long a turn rings.
    pub others: Others,
}

/// The other phones of a user who has several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Others {
    /// Turn and way of each.
    pub phones: Vec<(u8, Route)>,
    /// How long the phones of a turn ring before those of the next one do.
    pub patience: Duration,
}

/// So many of the nodes that a caller came by are known.
const MAX_WAY: usize = 8;

impl Call {
    /// A call of which nothing else is known.
    pub fn new(caller: LegId, began: Wall, dialled: Arc<str>, destination: Reach, limit: TimerToken) -> Self {
        Self {
            caller,
            began,
            trunk: None,
            number: Pii::default(),
            dialled,
            destination,
            flow: None,
            earlier: Earlier::default(),
            way: VecDeque::new(),
            prompts: Prompts::default(),
            language: None,
            stage: Stage::Setup,
            early: None,
            rung: Vec::new(),
            left: 0,
            sent_on: 0,
            hops: None,
            play: None,
            waiting: None,
            letter: None,
            mailbox: None,
            take: None,
            mask: Mask::default(),
            open_takes: Vec::new(),
            open_legs: Vec::new(),
            wrap_ups: 0,
            peer_gone: None,
            seq: 0,
            over: false,
            cut: false,
            reason: Reason::default(),
            user_to_user: None,
            asker: None,
            identity: Identity::default(),
            transfer: None,
            consult: None,
            limit: Some(limit),
            came_to: None,
            stood: None,
            callback: None,
            whisper: None,
            hears_own: false,
            announcing: None,
            lost: None,
            fetch: None,
            code: None,
            flow_timer: None,
            speaking: None,
        }
    }

    /// The caller came to a node of a flow.
    pub fn went_to(&mut self, flow: &Arc<str>, node: &Arc<str>) {
        if self.way.len() == MAX_WAY {
            self.way.pop_front();
        }
        self.way.push_back((Arc::clone(flow), Arc::clone(node)));
    }

    /// Whom the end of the call is put down to if it ends now without the caller's doing, and to what: `otherwise` if it
    /// is not the end of his talk. And what his phone is told: what the other side said, or `usual`.
    pub fn end(&self, otherwise: &'static str, usual: u8) -> (Party, &'static str, Reason) {
        let (by, cause, reason) = self.peer_gone.unwrap_or((Party::System, otherwise, Reason::default()));
        (by, cause, reason.or(Reason::q850(usual)))
    }
}

impl Leg {
    /// True if the peer's INVITE brought an offer that has not been answered.
    pub const fn has_offer(&self) -> bool {
        matches!(self.role, Role::Caller { sdp: Some(CallerSdp::Offer(_)) })
    }

    /// True if neither side has offered anything yet.
    pub const fn lacks_offer(&self) -> bool {
        self.agreed.is_none() && self.offered.is_none() && !self.has_offer()
    }

    /// Our first offer, to be sent.
    pub fn make_offer(&mut self, rng: &mut Rng) -> Bytes {
        let security = self.secrecy.for_offer(None, rng);
        let preferences = Preferences { security, ..Preferences::default() };
        self.offered.insert(sdp::offer(&self.local, &preferences)).to_bytes()
    }

    /// A leg whose media is about to be opened.
    pub fn new(call: CallId, role: Role, address: IpAddr, session_id: u64, secrecy: Secrecy) -> Self {
        Self {
            call,
            role,
            session: None,
            local: Local { address, port: 0, session_id, version: 1 },
            secrecy,
            offered: None,
            places: Places::default(),
            agreed: None,
            answered: false,
            holds: false,
            music: false,
            closed: false,
            ring: None,
            silence: None,
            keys: Keys::default(),
            keeps_digits: false,
            typed: Typed::default(),
            came_by: None,
        }
    }
}
