//! What the machine says to its driver, and the words that both use.

use std::sync::Arc;
use std::time::Duration;

use base::{CallId, DecisionId, OfferId, Pii};
use routing::{
    AgentName, Happened, Levels, Method, QueueName, Snapshot, Strategy as _, Target, USUAL_PRIORITY, Variables,
};

use crate::Binding;

/// What the driver is to do or to know.
#[derive(Clone, Debug)]
pub enum Event {
    /// A decision is wanted: ask the queue's strategy and hand its answer to [`crate::Acd::handle_decision`], now or
    /// later. In the place of a plugin that does not answer in time the queue's method decides; in that of a method longest
    /// idle.
    DecisionNeeded {
        /// Names the decision.
        id: DecisionId,
        /// Whose strategy is asked.
        queue: QueueName,
        /// How it decides, unless there is a plugin.
        method: Method,
        /// The plugin to ask; [`crate::Acd::decide_otherwise`] if it will not answer.
        plugin: Option<Arc<Binding>>,
        /// What it may look at. (Also in it: the id and the epoch.)
        snapshot: Arc<Snapshot>,
    },
    /// A decision was not used; another one, the queue's method in a plugin's place, or longest idle decides.
    DecisionRejected {
        /// Names the decision.
        id: DecisionId,
        /// The plugin whose it was, or would have been.
        plugin: Option<Arc<Binding>>,
        /// The call that it was about; of those that an agent could take, the one that it named, or the first.
        call: CallId,
        /// Whose strategy was asked.
        queue: QueueName,
        /// What was wrong with it.
        fault: DecisionFault,
        /// The decision's reason, cut to a bounded length; none if it did not come.
        reason: Option<String>,
    },
    /// A call that waits is another one from now on: a decision said so, or its queue's rule.
    Changed {
        /// The call.
        call: CallId,
        /// Its queue.
        queue: QueueName,
        /// What is new.
        change: Change,
        /// Why, in words of a bounded length.
        reason: String,
    },
    /// Ring this agent's phone. Answer with [`crate::Acd::offer_answered`] or [`crate::Acd::offer_failed`].
    Offer(Offer),
    /// An offer is over without an answer: cancel the agent's phone if it still rings. Every offer ends by exactly one
    /// of this event and a successful [`crate::Acd::offer_answered`].
    OfferEnded {
        /// The offer.
        offer: OfferId,
        /// The call that was offered.
        call: CallId,
        /// The agent to whom.
        agent: AgentName,
        /// Why it ended.
        end: OfferEnd,
        /// How long it was live.
        rang: Duration,
    },
    /// Of a queue that asks a plugin: what became of an offer, be it by the plugin's decision or by another in its place, or of the
    /// call that came of it. A call that was accepted has `Ended` later, after the agent's wrap-up; its disposition is the
    /// driver's to fill in.
    Outcome {
        /// The queue by which the call was offered.
        queue: QueueName,
        /// The plugin that it asks now.
        plugin: Arc<Binding>,
        /// The agent.
        agent: AgentName,
        /// The call.
        call: CallId,
        /// What happened.
        happened: Happened,
    },
    /// A call left its queue. Every call that joined leaves by exactly one of these.
    LeftQueue {
        /// The call.
        call: CallId,
        /// Its queue.
        queue: QueueName,
        /// Why.
        why: LeaveReason,
        /// Time since it joined.
        waited: Duration,
    },
    /// A call came into a queue from another one, right after it left that.
    Moved {
        /// The call.
        call: CallId,
        /// Its queue now.
        queue: QueueName,
    },
    /// A call that an agent had is in its queue again, as he was lost. It leaves again by [`Self::LeftQueue`], which counts what
    /// it waited since.
    Returned {
        /// The call.
        call: CallId,
        /// Its queue.
        queue: QueueName,
        /// Who is lost.
        agent: AgentName,
    },
    /// An agent did not take so many offers in a row that he is on a break from now on, for the reason
    /// [`OfferFailure::reason`].
    Paused {
        /// The agent.
        agent: AgentName,
        /// What happened last, and that often.
        failure: OfferFailure,
    },
    /// The time after a call began for an agent.
    WrapUpBegan {
        /// The agent.
        agent: AgentName,
        /// The call.
        call: CallId,
        /// How long it lasts, if nobody extends it.
        lasts: Duration,
    },
    /// The time after a call is over; the agent is idle unless a direct call holds him.
    WrapUpEnded {
        /// The agent.
        agent: AgentName,
        /// The call.
        call: CallId,
    },
}

/// An offer of a call to an agent.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Names the offer.
    pub id: OfferId,
    /// The call.
    pub call: CallId,
    /// The queue in which it waits.
    pub queue: QueueName,
    /// The agent whose phone is to ring.
    pub agent: AgentName,
    /// How long it rings; the machine ends the offer then by itself.
    pub ring_time: Duration,
    /// Why him.
    pub chosen: Arc<Chosen>,
}

/// The decision behind one offer or several.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Which one.
    pub decision: DecisionId,
    /// How the queue decides.
    pub method: Method,
    /// The plugin that decided.
    pub plugin: Option<Arc<Binding>>,
    /// True if the queue's plugin or strategy did not decide, and its method or longest idle did.
    pub fallback: bool,
    /// The decision's reason, cut to a bounded length.
    pub reason: String,
    /// The decision's scores ([`routing::Decision::scores`]), as many as candidates at most.
    pub scores: Vec<i64>,
    /// What was known when it was decided: candidates with their figures, exclusions counted.
    pub snapshot: Arc<Snapshot>,
}

impl Chosen {
    /// The name of the plugin or strategy that decided.
    #[must_use]
    pub fn strategy(&self) -> &str {
        self.plugin.as_ref().map_or_else(|| self.method.name(), |plugin| plugin.plugin.as_str())
    }
}

/// Why an offer ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferEnd {
    /// The driver said so. The agent rests; the call goes to the next agent.
    Failed(OfferFailure),
    /// The caller hung up or left the queue; the agent is idle as before.
    CallerLeft,
    /// The call had waited as long as it may; the agent is idle as before.
    WaitedTooLong,
    /// Of several agents who were rung another one was faster; this one is idle as before.
    AnsweredElsewhere,
}

impl OfferEnd {
    /// One word for the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.as_str(),
            Self::CallerLeft => "caller_left",
            Self::WaitedTooLong => "waited_too_long",
            Self::AnsweredElsewhere => "answered_elsewhere",
        }
    }
}

/// Why an agent did not take an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferFailure {
    /// His phone is busy (486, 600).
    Busy,
    /// He declined (603, 480 by hand).
    Declined,
    /// He let it ring. The machine says this by itself when the ring time is over.
    NoAnswer,
    /// His phone could not be reached (408, 503, …) or refused with another error.
    Unreachable,
}

impl OfferFailure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Busy, Self::Declined, Self::NoAnswer, Self::Unreachable];

    /// One word for the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Declined => "declined",
            Self::NoAnswer => "no_answer",
            Self::Unreachable => "unreachable",
        }
    }

    /// The reason of the break that follows too many of these.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Declined => "declined",
            Self::NoAnswer => "no-answer",
            Self::Unreachable => "unreachable",
        }
    }
}

/// Why a call left its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaveReason {
    /// An agent answered.
    Answered {
        /// Who.
        agent: AgentName,
    },
    /// The driver took it out: the caller hung up or his flow went on.
    Left,
    /// It had waited as long as it may.
    WaitedTooLong,
    /// Nobody is there (any more) for whom it may wait.
    NoAgents,
    /// The queue closed, and those who wait do not stay then.
    Closed,
    /// A decision turned it away.
    Refused {
        /// The decision's reason.
        reason: String,
    },
    /// A decision sent it elsewhere. To another queue it goes by itself, keeping the time since which it waits, and joins
    /// that by [`Event::Moved`]; to other places the driver takes it.
    Overflowed {
        /// Where to.
        to: Target,
        /// The decision's reason.
        reason: String,
    },
}

/// What is new of a call that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// What its agent must know; less than before.
    Needs(Levels),
    /// Its priority.
    Priority(u8),
}

/// What was wrong with a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionFault {
    /// It did not come in time.
    Late,
    /// The agent or call that it names was free in the snapshot, but is not any more.
    Stale,
    /// It names what was not in the snapshot, or a ring time that cannot be.
    Impossible,
    /// It is to wait, and did so already as long as the plugin may have it wait ([`crate::Binding::may_wait`]).
    Wait,
}

/// What is known of a call that joins a queue.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The caller's number as signalled; empty if withheld.
    pub number: Pii<String>,
    /// The number that was dialled.
    pub dialled: String,
    /// Who sent the call on last, if a trusted trunk says that it was for somebody else.
    pub diverted_from: Pii<Option<String>>,
    /// From 0 to 100; who has more is served first.
    pub priority: u8,
    /// What its agent must know, beside what the queue needs anyway.
    pub needs: Levels,
    /// The language that he chose.
    pub language: Option<Arc<str>>,
    /// The flows and nodes by which he came, the last ones.
    pub way: Vec<String>,
    /// The variables of his flow, no secrets among them.
    pub variables: Variables,
    /// Earlier calls of his number today.
    pub repeats: u32,
    /// Who spoke with him last.
    pub last_agent: Option<AgentName>,
    /// He waits as long as it takes: nobody is on the line.
    pub patient: bool,
}

impl Default for Caller {
    fn default() -> Self {
        Self {
            number: Pii::default(),
            dialled: String::new(),
            diverted_from: Pii::default(),
            priority: USUAL_PRIORITY,
            needs: Levels::default(),
            language: None,
            way: Vec::new(),
            variables: Variables::default(),
            repeats: 0,
            last_agent: None,
            patient: false,
        }
    }
}

/// An offer became a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The call to bridge.
    pub call: CallId,
    /// The agent who answered.
    pub agent: AgentName,
    /// The queue from which the call came.
    pub queue: QueueName,
    /// How long the caller waited.
    pub waited: Duration,
    /// How long the agent's phone rang.
    pub rang: Duration,
}

/// The offer that was answered is over: whoever answered is too late, his leg gets BYE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the offer is over")]
pub struct OfferOver;

/// Why a call could not join a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// There is no such queue.
    #[error("no such queue")]
    UnknownQueue,
    /// As many calls wait as may.
    #[error("queue is full")]
    Full,
    /// Nobody is there who must be.
    #[error("nobody serves the queue")]
    NoAgents,
    /// It takes no calls now.
    #[error("queue is closed")]
    Closed,
    /// The call is in a queue or with an agent already.
    #[error("call is in a queue already")]
    AlreadyIn,
}

/// Why an agent could not be reserved for a direct call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReserveError {
    /// There is no such agent.
    #[error("no such agent")]
    UnknownAgent,
    /// He has an offer or a call.
    #[error("agent is busy")]
    Busy,
}

/// What an agent says of himself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Takes calls.
    #[default]
    Available,
    /// Takes none for a while; what he has goes on, and so do calls wait that only he serves: he is logged in.
    Break {
        /// Why, by the code of the configuration.
        reason: Arc<str>,
    },
    /// Takes none; what he has goes on.
    LoggedOut,
}

/// What an agent is doing: derived from his live offer, call or lease, never stored beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentState {
    /// Takes no calls.
    LoggedOut,
    /// Takes none for a while. The time after a call counts first, be it in a break or not.
    OnBreak,
    /// Can be offered a call.
    Idle,
    /// A call is being offered to him.
    Offered(OfferId),
    /// Speaks with a caller from a queue.
    InCall(CallId),
    /// Held for a direct call, or in one.
    Reserved(CallId),
    /// Has time for himself after a call.
    WrapUp,
    /// Gets no offer for a while, as he did not take one.
    Resting,
}
