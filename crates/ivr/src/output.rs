//! What a session asks of its driver, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use base::Pii;
use serde::{Deserialize, Serialize};

use crate::Announce;
use crate::web::{Failure, Method, Origin, Request};

/// What the driver shall do next for the caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// A node was entered; for the journal.
    Entered {
        /// The flow that it is in.
        flow: Arc<str>,
        /// Its name.
        node: Arc<str>,
    },
    /// Play `items` one after the other, in the place of what plays now. The driver answers with
    /// [`crate::Session::handle_play_done`] when all were heard; it is not asked to if `repeat` is set.
    Play {
        /// What to play, never empty. Where something is read back it can be told from the names, so the list is personal
        /// data like it.
        items: Vec<Sound>,
        /// Over and over without a gap, until the next [`Output::Play`], [`Output::StopPlay`] or other order.
        repeat: bool,
    },
    /// A text could not be worked out, and is left out of what plays next; for the journal.
    Unsaid {
        /// Why, as a word.
        why: &'static str,
    },
    /// Stop what plays now, at once. No `handle_play_done` is due for it.
    StopPlay,
    /// Ask a calendar how it stands now. The driver answers with [`crate::Session::handle_hours`], at once.
    Hours {
        /// The calendar's name.
        calendar: Arc<str>,
    },
    /// Say how queues stand now. The driver answers with [`crate::Session::handle_figures`], at once.
    Figures {
        /// Their names.
        queues: Vec<Arc<str>>,
    },
    /// Ask a web server. The driver answers with [`crate::Session::handle_http`].
    Http {
        /// What.
        request: Box<Request>,
    },
    /// Give up the request that is under way: it is too late. No answer is due.
    HttpCancel,
    /// A request is over; for the journal.
    HttpDone {
        /// The node that asked.
        node: Arc<str>,
        /// What was asked for.
        method: Method,
        /// Of whom.
        origin: Origin,
        /// The status of the answer, if one came.
        status: Option<u16>,
        /// Why it failed; `None`: it did not.
        failure: Option<Failure>,
    },
    /// Put the caller into a queue. The driver answers with [`crate::Session::handle_queue_ended`].
    Queue {
        /// The queue's name.
        queue: Arc<str>,
        /// How long he waits at most; `None`: as long as the queue itself allows.
        max_wait: Option<Duration>,
        /// From 0 to 100; who has more is served first. `None`: as usual, 50.
        priority: Option<u8>,
        /// The skills that his agent must have, each with its least level from 0 to 100; the first matters most.
        skills: Vec<(Arc<str>, u8)>,
        /// What he hears over and over while he waits; empty: what the queue itself has.
        hear: Vec<Sound>,
        /// What he is told meanwhile: [`crate::Session::say_position`] and [`crate::Session::say_wait`] have the words.
        announce: Announce,
    },
    /// Promise to call back. The driver answers with [`crate::Session::handle_callback`], at once.
    Callback(Box<Promise>),
    /// A key leads the caller out of his queue, if he still waits there. Then the driver takes him out and answers with
    /// [`crate::Session::handle_queue_ended`] and [`QueueOutcome::Pressed`]; one who talks by now stays, and there is no answer.
    LeaveQueue {
        /// The key.
        key: char,
    },
    /// Ring someone and connect the caller. The driver answers with [`crate::Session::handle_dial_ended`].
    Dial {
        /// Whom.
        target: DialTarget,
        /// How long it rings at most.
        ring_time: Duration,
    },
    /// Send the caller on to someone, or to what a number leads to. If that works he has left his flow, and the session is to
    /// be dropped; else the driver answers with [`crate::Session::handle_dial_ended`].
    Transfer {
        /// Whom, or which number.
        target: DialTarget,
        /// How long it rings at most.
        ring_time: Duration,
    },
    /// A `survey` got its score; for the journal.
    Surveyed {
        /// The name of the node that asked.
        survey: Arc<str>,
        /// What was asked.
        scale: Scale,
        /// The score: 1–5 or 0–10.
        score: u8,
    },
    /// A message is to be left in a mailbox. The driver answers with [`crate::Session::handle_mailbox`].
    LeaveMessage {
        /// The mailbox's name.
        mailbox: Arc<str>,
    },
    /// Begin to take the message. The driver answers with [`crate::Session::handle_message`] when it has ended, which it does
    /// by itself if it can't go on.
    TakeMessage {
        /// When nothing is said for so long, [`crate::Session::handle_quiet`] is due.
        quiet: Duration,
    },
    /// End the message that is being taken.
    EndMessage,
    /// Put the message that was taken into the mailbox.
    KeepMessage,
    /// Throw the message away that was taken.
    DropMessage,
    /// The caller wants to hear what is in a mailbox. The driver answers with [`crate::Session::handle_mailbox`].
    OpenMailbox {
        /// The mailbox's name; `own`: the caller's.
        mailbox: Arc<str>,
    },
    /// A message of that mailbox was heard, or counts as if it were not.
    Heard {
        /// Which, as in [`Sound::Message`].
        index: u32,
        /// It was.
        heard: bool,
    },
    /// Delete a message of that mailbox.
    DeleteMessage {
        /// Which, as in [`Sound::Message`].
        index: u32,
    },
    /// The caller hears this language from now on, music and all. It comes before what is played in it.
    Language {
        /// Its name.
        language: Arc<str>,
    },
    /// Do this with the recording of the call.
    Record {
        /// What.
        order: Recording,
    },
    /// Keep what the caller says out of recordings, as he is asked for a secret; or no longer. Not put out while
    /// [`Recording::Mask`] holds, which is more.
    Mask {
        /// True: from now on.
        on: bool,
    },
    /// A `collect` got its digits; for the journal.
    Collected {
        /// The variable that holds them now.
        variable: Arc<str>,
        /// The digits; none if they are a secret.
        digits: Pii<Option<String>>,
    },
    /// A `when` chose; for the journal.
    Chosen {
        /// Which case, from 1; `None`: `otherwise`.
        case: Option<u32>,
        /// The case that could not be worked out, and why as a word, if that is why `otherwise` was chosen.
        failed: Option<(u32, &'static str)>,
    },
    /// A `set` set a variable; for the journal. [`crate::Session::variable`] has the value, which is personal data.
    Set {
        /// The variable.
        variable: Arc<str>,
        /// Why it is null, as a word, if its value could not be worked out.
        failed: Option<&'static str>,
    },
    /// End the call. The session is over; there is no output behind this one.
    Hangup {
        /// Why.
        cause: HangupCause,
    },
}

/// One thing to play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    /// A prompt, by its name below the folder of the caller's language: `welcome`, `digits/4`.
    Prompt(Arc<str>),
    /// Nothing, for a time.
    Silence(Duration),
    /// A text, to be spoken.
    Text(Speech),
    /// The tone after which one speaks.
    Beep,
    /// The message that was taken, and neither kept nor dropped.
    Taken,
    /// A message of the mailbox that is open, from 0 on: first those that nobody has heard, each kind the oldest first. One that was
    /// deleted keeps its number.
    Message(u32),
}

impl Sound {
    /// The text, if it is one.
    #[must_use]
    pub const fn speech(&self) -> Option<&Speech> {
        match self {
            Self::Text(speech) => Some(speech),
            _ => None,
        }
    }
}

/// A text to be spoken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Speech {
    /// The language that it is in.
    pub language: Arc<str>,
    /// The words, on one line; never empty.
    pub text: Pii<Arc<str>>,
}

/// Whom a `dial` rings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DialTarget {
    /// A user of the company, by name.
    User(Arc<str>),
    /// A number, to be routed by the number plan: digits, `*`, `#`, maybe with a leading `+`.
    Number(Arc<str>),
}

/// What a survey asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Customer satisfaction: 1 (not at all) to 5.
    Csat,
    /// Net promoter score: would he recommend us, 0 (never) to 10.
    Nps,
}

impl Scale {
    /// Both, each with its word.
    pub(crate) const NAMES: &[(&str, Self)] = &[("csat", Self::Csat), ("nps", Self::Nps)];
}

/// What is done with the recording of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recording {
    /// It begins; one that runs goes on.
    Start,
    /// It ends.
    Stop,
    /// From here on it has silence in place of what both sides say, be it that it begins later.
    Mask,
    /// What is said is recorded again.
    Unmask,
}

impl Recording {
    /// All of them, each with its word.
    pub(crate) const NAMES: &[(&str, Self)] = &[
        (Self::Start.word(), Self::Start),
        (Self::Stop.word(), Self::Stop),
        (Self::Mask.word(), Self::Mask),
        (Self::Unmask.word(), Self::Unmask),
    ];

    /// The word of a flow's file for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Mask => "mask",
            Self::Unmask => "unmask",
        }
    }
}

/// A callback that a flow asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The queue whose agents call.
    pub queue: Arc<str>,
    /// The calendar in whose open hours he is called.
    pub hours: Arc<str>,
    /// Whoever is called; not checked.
    pub number: Pii<String>,
    /// How often it is tried.
    pub attempts: u8,
    /// How long after an attempt that failed the next one comes.
    pub retry: Duration,
    /// The table of numbers that are not called.
    pub except: Option<Arc<str>>,
}

/// How a wait in a queue ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueOutcome {
    /// The caller talked with an agent, and the agent's side ended the talk.
    AgentEnded,
    /// Nobody took the call in time.
    TimedOut,
    /// The caller pressed a key that led him out of it: [`Output::LeaveQueue`].
    Pressed(char),
    /// The queue had no place left.
    Full,
    /// Nobody works on this queue now.
    NoAgents,
    /// The queue is closed.
    Closed,
    /// There is no such queue (any more).
    Unknown,
}

/// How a `dial` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialOutcome {
    /// They talked, then the other side hung up.
    Ended,
    /// The other side is in a call.
    Busy,
    /// Nobody answered within the ring time.
    NoAnswer,
    /// The other side pressed the red key.
    Declined,
    /// Nobody can be rung there: no phone, no route, no such number.
    Unreachable,
    /// The far end or our own limits do not allow the call.
    Refused,
}

/// Why a flow ends a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangupCause {
    /// All is said.
    #[default]
    Normal,
    /// The one whom the caller wanted is busy.
    Busy,
    /// The one whom the caller wanted does not answer.
    NoAnswer,
    /// The call is not wanted.
    Rejected,
    /// The service is not available now.
    Unavailable,
}

impl HangupCause {
    /// All of them, each with its word.
    pub const NAMES: &[(&str, Self)] = &[
        (Self::Normal.word(), Self::Normal),
        (Self::Busy.word(), Self::Busy),
        (Self::NoAnswer.word(), Self::NoAnswer),
        (Self::Rejected.word(), Self::Rejected),
        (Self::Unavailable.word(), Self::Unavailable),
    ];

    /// The word of a flow's file for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
        }
    }

    /// The cause value of ITU-T Q.850, for a Reason header (RFC 3326).
    #[must_use]
    pub const fn q850(self) -> u8 {
        match self {
            Self::Normal => 16,
            Self::Busy => 17,
            Self::NoAnswer => 19,
            Self::Rejected => 21,
            Self::Unavailable => 41,
        }
    }
}
