//! What can happen, to a call and to the switch.

use std::net::{IpAddr, SocketAddr};

use base::{CallId, LegId, Pii, PlayId, TakeId};
use serde::{Deserialize, Serialize};

use crate::words::is_hidden;
use crate::{
    AgentLost, Announced, Asker, CallChanged, CallbackTold, ConsultBegan, ConsultOutcome, Decided, DecisionRejected,
    Direction, Disposed, DivertedFrom, LegRole, LoginFault, MediaStats, MessageHeard, MessageLeft, MessageName,
    MessageNotLeft, Name, NoWayOut, OfferEnded, OfferMade, Origin, Party, PluginFailed, PluginLearnt, QueueExit,
    Reason, Received, Scale, StatusChanged, TransferKind, TrunkDown, TrunkLocated, TrunkNotLocated, TrunkRegistered,
    TrunkRests, TrunkUnregistered, TrunkUp,
};

/// What happened. In JSON the field `event` names the kind, in snake case: `{"event":"queue_joined","queue":"sales"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Kind {
    // ---- The call as such ----
    /// First event of a call.
    CallBegan {
        /// Which way it goes.
        direction: Direction,
        /// The caller's number as signalled; empty if withheld.
        #[serde(with = "base::revealed")]
        from: Pii<String>,
        /// The number that was dialled.
        #[serde(with = "base::revealed")]
        to: Pii<String>,
        /// The trunk or user that sent it.
        origin: Origin,
        /// The address that sent it; none of a call that the switch began.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<SocketAddr>,
        /// The SIP Call-ID of the caller's leg, to find it in traces; empty of a call that the switch began.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        sip_call_id: String,
        /// The numbers as they came, if they were others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        received: Option<Received>,
    },
    /// What is known of the caller besides his number.
    Identified {
        /// A trusted trunk says that it is his.
        asserted: bool,
        /// He wants to be hidden: no phone and no trunk that is not trusted is told who calls.
        private: bool,
        /// Whom the call was for before, by the word of a trusted trunk, the last one first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        diverted_from: Vec<DivertedFrom>,
    },
    /// A header field of a trusted trunk that says who calls, or whom the call was for, could not be believed.
    IdentityIgnored {
        /// The header field.
        header: Name,
        /// Why.
        why: Name,
    },
    /// The caller's system sent data along for that of whoever answers (RFC 7433).
    UserToUser {
        /// The data, in hexadecimal digits.
        #[serde(with = "base::revealed")]
        data: Pii<String>,
    },
    /// The switch answered the caller.
    Answered,
    /// Who ended the call and why. At most one a call.
    HungUp {
        /// Who.
        by: Party,
        /// Why, in one or few words: `bye`, `cancel`, `flow_end`, `max_call_time`, `media_silent`, `shutdown`, …
        cause: Name,
        /// What the phones that are still there were told (RFC 3326): the reason of the side that hung up, if it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// A fault of the program (a panic) while it handled something of this call, which is then ended; without a call:
    /// while it handled something else, which is then dropped.
    Fault {
        /// Where in the source: `file:line:column`. Nothing of what was being handled is told.
        place: Name,
    },
    /// Last event of a call: all its legs, offers and recordings are over.
    CallEnded {
        /// True if the switch died during the call and a later start ended it for the books. `at` is then the time of
        /// the last event that was found.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },

    // ---- Its way through the menu ----
    /// A flow came to a node.
    NodeEntered {
        /// The flow.
        flow: Name,
        /// The node.
        node: Name,
    },
    /// A flow asked a calendar.
    Hours {
        /// The calendar.
        calendar: Name,
        /// How it stands: `open`, `break`, `holiday`, `closed` or `emergency`.
        state: Name,
        /// Why, in words.
        why: String,
    },
    /// The caller pressed a key.
    Digit {
        /// The key: 0–9, `*`, `#`, A–D; none if it is a secret, or may be part of one.
        #[serde(with = "base::revealed", default, skip_serializing_if = "is_hidden")]
        key: Pii<Option<char>>,
    },
    /// A flow has collected digits into a variable.
    Collected {
        /// The variable.
        variable: Name,
        /// The digits; none if they are a secret.
        #[serde(with = "base::revealed", default, skip_serializing_if = "is_hidden")]
        digits: Pii<Option<String>>,
    },
    /// A `when` of a flow chose a way.
    Chosen {
        /// Which case held, from 1; none: `otherwise`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<u32>,
        /// The case that could not be worked out, for which reason `otherwise` was chosen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed_case: Option<u32>,
        /// Why it could not: `wrong_kind`, `missing`, `no_number`, `too_much`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Name>,
    },
    /// A `set` of a flow set a variable. What it holds is not told: nobody knows what it tells of the caller.
    VariableSet {
        /// The variable.
        variable: Name,
        /// Why it is null, if it could not be worked out; words as in `chosen`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Name>,
    },
    /// A text was not spoken, and is left out of what plays to the caller.
    Unsaid {
        /// Why: `missing`, `wrong_kind`, `too_much` (what it says could not be worked out), `too_late`, `busy`, `no_engine`,
        /// `not_started`, `failed`, `rubbish`, `too_long` (whoever speaks).
        why: Name,
    },
    /// A flow has asked a web server. Neither what was sent nor what came is told.
    Http {
        /// The node that asked.
        node: Name,
        /// Of whom: scheme, host and port.
        origin: Name,
        /// What was asked for: `GET`, `POST` or `PUT`.
        method: Name,
        /// The status of the answer, if one came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// How long it took.
        ms: u64,
        /// Why it failed, if it did: `send`, `timeout`, `refused`, `status`, `not_json`, `too_large`, `take`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Name>,
    },
    /// Something began to play to the caller.
    Play {
        /// Names the playout.
        play: PlayId,
        /// Prompts and tones, in order.
        items: Vec<Name>,
    },

    // ---- Queue and agents ----
    /// The call entered a queue. If it came from another one without an agent, this follows right after the `queue_left` by which
    /// it overflowed.
    QueueJoined {
        /// The queue.
        queue: Name,
    },
    /// The caller was told his place in the queue, or how long he will wait. Not told while a phone rings for him.
    Announced(Announced),
    /// The caller had waited in this queue, was gone, and stands where he stood.
    PlaceResumed {
        /// The queue.
        queue: Name,
        /// The call in which he waited.
        before: CallId,
        /// Time since he joined in that, in milliseconds (monotonic).
        waited_ms: u64,
    },
    /// What becomes of a callback.
    Callback(CallbackTold),
    /// The caller's number waits in this queue already.
    CalledTwice {
        /// The queue.
        queue: Name,
        /// The call in which it does.
        waits: CallId,
    },
    /// An agent is told something before he talks with the caller.
    Whispered {
        /// His leg.
        leg: LegId,
        /// The prompt.
        prompt: Name,
    },
    /// The call left the queue that it joined last.
    QueueLeft {
        /// The queue.
        queue: Name,
        /// Why.
        why: QueueExit,
        /// Time since it joined, in milliseconds (monotonic); if it came from another queue, since it joined the first one.
        waited_ms: u64,
        /// Why it was sent on or turned away, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A decision about the call was not used: another one follows, or longest idle decides.
    DecisionRejected(DecisionRejected),
    /// A plugin did not decide: the queue's strategy does.
    PluginFailed(PluginFailed),
    /// A decision with all that it went by: a plugin's, or any of a queue whose decisions are recorded.
    Decided(Decided),
    /// A plugin learnt from what became of offers and calls.
    PluginLearnt(PluginLearnt),
    /// The call that waits is another one from now on.
    CallChanged(CallChanged),
    /// An agent's phone is rung for the call.
    OfferMade(OfferMade),
    /// An offer is over.
    OfferEnded(OfferEnded),
    /// The time after a call of a queue begins for an agent. Told apart from calls: his last one may be over.
    WrapUpBegan {
        /// The agent.
        agent: Name,
    },
    /// The time after a call is over.
    WrapUpEnded {
        /// The agent.
        agent: Name,
    },

    // ---- Legs and media ----
    /// A leg came to be.
    LegBegan {
        /// The leg.
        leg: LegId,
        /// Whose.
        role: LegRole,
    },
    /// A leg answered: its INVITE has a 2xx.
    LegAnswered {
        /// The leg.
        leg: LegId,
    },
    /// A leg is over.
    LegEnded {
        /// The leg.
        leg: LegId,
        /// The final SIP status, if one refused it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// Why, in one or few words: `bye`, `cancelled`, `refused`, `redirected`, `no_ack`, `media_silent`, …
        cause: Name,
        /// Why, by its peer's own words (RFC 3326).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// Of a leg to a trunk that was answered: milliseconds since then (monotonic, rounded up), which its grant is
        /// charged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        charged_ms: Option<u64>,
    },
    /// A call was not let out to a trunk.
    OutsideRefused {
        /// Who asked.
        asked_by: Asker,
        /// The number.
        #[serde(with = "base::revealed")]
        number: Pii<String>,
        /// Why not.
        why: NoWayOut,
        /// The grant whose limit was met.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<Name>,
    },
    /// A trunk that a call may leave by was passed over for the one in its place.
    TrunkPassed {
        /// The trunk.
        trunk: Name,
        /// Why.
        why: NoWayOut,
    },
    /// The caller hears a leg that is not answered yet (183 with SDP): an announcement, or the ringing of its network.
    EarlyMedia {
        /// The caller's leg.
        a: LegId,
        /// The other one.
        b: LegId,
    },
    /// One side of a talk sent the other on, who talks, or waits, elsewhere from now on.
    Transferred {
        /// Who: a user, or the trunk that one of the two came by.
        by: Asker,
        /// How.
        kind: TransferKind,
        /// The number that it was asked for with.
        #[serde(with = "base::revealed")]
        target: Pii<String>,
        /// The call whose leg has joined this one, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joined: Option<CallId>,
    },
    /// A transfer did not come about.
    TransferFailed {
        /// Who wanted it.
        by: Asker,
        /// How.
        kind: TransferKind,
        /// The number.
        #[serde(with = "base::revealed")]
        target: Pii<String>,
        /// The SIP status that he was told.
        status: u16,
    },
    /// Somebody who talks with the caller has him wait, and asks a third one.
    ConsultBegan(ConsultBegan),
    /// All of them hear each other from now on; nobody waits.
    ConferenceBegan {
        /// The caller's leg, that of whoever asks, and the third one.
        legs: Vec<LegId>,
    },
    /// The question is over, and the conference that it became.
    ConsultEnded {
        /// How.
        outcome: ConsultOutcome,
        /// Of one that failed: the SIP status that says why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// A leg of this call has gone on in another one, which this call has become.
    Joined {
        /// The other one.
        into: CallId,
    },
    /// Two legs hear each other from now on.
    Bridged {
        /// The caller's leg.
        a: LegId,
        /// The other one.
        b: LegId,
    },
    /// The bridge is over.
    Unbridged {
        /// The caller's leg.
        a: LegId,
        /// The other one.
        b: LegId,
    },
    /// The peer of a bridged leg holds: the other side hears music.
    Held {
        /// The leg.
        leg: LegId,
    },
    /// The peer of a leg holds no longer.
    Resumed {
        /// The leg.
        leg: LegId,
    },
    /// What a leg's media carried, told when it closed.
    MediaStats(MediaStats),

    // ---- Recording ----
    /// The file of a recording is open.
    RecordingStarted {
        /// The recording.
        take: TakeId,
        /// Its file, below the data folder.
        file: Name,
    },
    /// Part of a recording could not be kept (disk full, failing, too slow), and is silence; the call goes on.
    RecordingLost {
        /// The recording.
        take: TakeId,
        /// Frames of 20 ms lost.
        frames: u64,
        /// Why, in words.
        why: String,
    },
    /// The file of a recording is complete.
    RecordingStopped {
        /// The recording.
        take: TakeId,
        /// Its file, below the data folder; empty if none could be made.
        file: Name,
        /// Its length in frames of 20 ms, lost ones included.
        frames: u64,
        /// Frames lost in all.
        lost: u64,
    },

    /// A caller left a message.
    VoicemailLeft(MessageLeft),
    /// A caller left none.
    VoicemailNotLeft(MessageNotLeft),
    /// The owner heard a message; or keeps it as if he had not.
    VoicemailHeard(MessageHeard),
    /// The owner deleted a message.
    VoicemailDeleted(MessageName),

    /// From here on recordings have silence in place of what the caller says, as he is asked for a secret.
    MaskBegan {
        /// And in place of what he hears: the flow says so.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        both: bool,
    },
    /// What is said is recorded again. A mask that the call's end cut ends with the call.
    MaskEnded,

    /// The caller answered a survey.
    Surveyed {
        /// The name of the flow's node that asked.
        survey: Name,
        /// What was asked.
        scale: Scale,
        /// The score: 1–5 or 0–10.
        score: u8,
    },

    /// The phone of the agent in the call is lost.
    AgentLost(AgentLost),
    /// An agent said what came of the call, in it or in the time after it.
    Disposition(Disposed),

    // ---- The switch itself (no call) ----
    /// The switch takes calls.
    Started {
        /// Its version.
        version: Name,
    },
    /// The switch took a new configuration; calls that lived then live on.
    Reloaded {
        /// What is new in it, in few words.
        changes: String,
    },
    /// A new configuration was not taken; the old one holds.
    ReloadRefused {
        /// How many faults it has.
        faults: u64,
        /// The first of them, with its place.
        first: String,
    },
    /// Somebody turned an emergency switch.
    Turned {
        /// The switch.
        switch: Name,
        /// On, or off.
        on: bool,
        /// Who: the name that he gave, and the user id that the system knows him by.
        by: String,
        /// Why, in his words; may be empty.
        reason: String,
    },
    /// The switch ended in order.
    Stopped {
        /// Why, in one or few words: `sigterm`, …
        cause: Name,
    },
    /// Messages that could not be read.
    Malformed {
        /// Who sent the first one.
        source: IpAddr,
        /// What was wrong with the first one.
        cause: String,
        /// How many since the last such event.
        count: u64,
    },
    /// Calls were refused, as their sources are neither a trunk nor a user.
    Strangers {
        /// Where the first of them came from.
        source: IpAddr,
        /// What it dialled.
        #[serde(with = "base::revealed")]
        dialled: Pii<String>,
        /// How many since the last such event.
        count: u64,
    },
    /// Requests with a wrong password, or for a user who is not there.
    Unproven {
        /// Where the first of them came from.
        source: IpAddr,
        /// How many since the last such event.
        count: u64,
    },
    /// A phone of a user registered. Renewals are not told.
    Bound {
        /// The user.
        user: Name,
    },
    /// A phone of a user is no longer registered.
    Unbound {
        /// The user.
        user: Name,
        /// Its time ran out; else the user took it back, or is not there any more.
        expired: bool,
    },
    /// A phone behind a NAT does not answer any more, and is not rung.
    PhoneLost {
        /// Its user.
        user: Name,
    },
    /// A phone that did not answer does again.
    PhoneFound {
        /// Its user.
        user: Name,
    },
    /// An agent is something else from now on.
    AgentStatus(StatusChanged),
    /// Registrations of the run before were taken over. Their phones get no `bound`.
    Restored {
        /// How many are registered again.
        contacts: u64,
        /// How many are not: their time is over, or their user or listener is gone.
        left_out: u64,
        /// Lines that could not be read.
        unreadable: u64,
    },
    /// The far end of a trunk asked who we are, and did not take us for that.
    LoginFailed {
        /// The trunk.
        trunk: Name,
        /// Why.
        why: LoginFault,
        /// The realm in which it asked first; empty if it named none.
        realm: String,
    },
    /// A short message to a user. What it said is not kept.
    Message {
        /// Who sent it.
        from: Origin,
        /// To whom.
        to: Name,
        /// Its length in octets.
        octets: u32,
        /// What its sender was answered: as the receiver's phone did, or 480 if that could not be reached.
        status: u16,
    },
    /// The far end of a trunk did not answer OPTIONS several times in a row, or with 503 or 408: calls do without it.
    TrunkDown(TrunkDown),
    /// The far end of a trunk answers again.
    TrunkUp(TrunkUp),
    /// The far end of a trunk asks for a rest: 503 with Retry-After to a call.
    TrunkRests(TrunkRests),
    /// The name of a trunk leads elsewhere than before, or is known again.
    TrunkLocated(TrunkLocated),
    /// The DNS does not say where the name of a trunk leads. Told once, until it does.
    TrunkNotLocated(TrunkNotLocated),
    /// We are registered at the far end of a trunk. Renewals are not told.
    TrunkRegistered(TrunkRegistered),
    /// We are not registered at the far end of a trunk, or not any more. Of failures in a row the first is told.
    TrunkUnregistered(TrunkUnregistered),
    /// Calls were turned away as the switch has as many as it may.
    Overload {
        /// How many since the last such event.
        refused: u64,
    },
    /// A queue between threads was full, or the system refused: what did not fit is gone. SIP sends datagrams again.
    Dropped {
        /// What: `datagrams_in`, `datagrams_out`, `media_events`, `media_commands`, `trace`.
        what: Name,
        /// How many since the last such event.
        count: u64,
    },
    /// A disk could not be written; or can be again.
    DiskFault {
        /// What for: `journal`, `cdr`, `recordings`, `locations`, `agents`, `switches`, `trace`.
        what: Name,
        /// The system's words; empty when all is well again.
        error: String,
    },
    /// What the switch knows contradicts itself: a fault of the program. Told once, until something else is found.
    Inconsistent {
        /// What was found first, in words.
        what: String,
    },
    /// Memory runs short, so that no more calls are taken than live.
    MemoryShort {
        /// How many those are.
        calls: u64,
    },
    /// Memory is no longer short.
    MemoryWell,
    /// Events, and changes of registrations, that were never written, as the queue was full or the disk failed.
    EventsLost {
        /// How many since the last such event.
        count: u64,
    },
}
