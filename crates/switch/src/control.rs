//! What an operator may ask of the running switch, and what it answers: the port that crate `api` is written against.
//!
//! Questions cost what they show: a page of calls looks at that many calls, the figures at one entry a queue. The types
//! serialise as the control socket's JSON (`api::protocol` has the lines around them).

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use acd::QueueFigures;
use base::{CallId, LegId, Now, Pii, Wall};
use hours::Turned;
pub use journal::kpi::Kpis;
use journal::{Asker, Name, Party};
use serde::{Deserialize, Serialize};

pub use crate::agents::{AgentLine, AgentPage};
use crate::call::{Call, Role, Stage};
pub use crate::duty::{NotSaid, Saying};
use crate::fault::Hand;
pub use crate::hours::SwitchState;
use crate::plugins::PluginState;
pub use crate::queues::{QueueLine, QueuePage, Standing};
pub use crate::registrations::{Registration, Registrations};
use crate::switch::Switch;
use crate::talk::NORMAL_CLEARING;
pub use crate::trunk_counts::TrunkCount;
pub use crate::trunks::{LimitsMet, NameState, TargetState, TrunkFailure, TrunkState};

/// The most calls on one page.
pub const MAX_PAGE: u16 = 500;
/// The longest grace time of a drain, in seconds; as in the configuration.
pub const MAX_GRACE: u32 = 3_600;

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How the switch is: answered by [`Response::Status`].
    Status,
    /// Live calls in the order in which they began: answered by [`Response::Calls`].
    Calls {
        /// Only calls that began after this one, which may be over by now.
        #[serde(default)]
        after: Option<CallId>,
        /// How many at most; 0 and more than [`MAX_PAGE`] mean [`MAX_PAGE`].
        #[serde(default)]
        limit: u16,
    },
    /// Registered contacts by user: answered by [`Response::Registrations`].
    Registrations {
        /// Only users behind this one, who may be gone by now.
        #[serde(default)]
        after: Option<Arc<str>>,
        /// How many contacts at most, but for those of the last user, who is told whole; 0 and more than [`MAX_PAGE`]
        /// mean [`MAX_PAGE`].
        #[serde(default)]
        limit: u16,
    },
    /// How emergency switches stand: answered by [`Response::Switches`].
    Switches,
    /// Turn an emergency switch: answered by [`Response::Turned`] or [`Response::NoSuchSwitch`].
    Turn {
        /// Which.
        switch: Arc<str>,
        /// On, or off.
        on: bool,
        /// Why, in a line of at most 200 characters.
        #[serde(default)]
        reason: String,
        /// Who, by his own word; the control socket's server adds whom the system knows him as.
        #[serde(default)]
        by: String,
    },
    /// Agents, in an order that stays: answered by [`Response::Agents`].
    Agents {
        /// Only agents behind this one.
        #[serde(default)]
        after: Option<Arc<str>>,
        /// How many at most; 0 and more than [`MAX_PAGE`] mean [`MAX_PAGE`].
        #[serde(default)]
        limit: u16,
    },
    /// Have an agent come, go, pause, take calls again or be done after a call, or say what came of it: answered by
    /// [`Response::Agent`], [`Response::NoSuchReason`], [`Response::NoSuchDisposition`] or [`Response::NotSaid`].
    SetAgent {
        /// Whom.
        agent: Arc<str>,
        /// What he is to be, or to say.
        saying: Saying,
        /// Who, by his own word; the control socket's server adds whom the system knows him as.
        #[serde(default)]
        by: String,
    },
    /// Those who are to be called back, in an order that stays: answered by [`Response::Callbacks`].
    Callbacks {
        /// Only those behind this one.
        #[serde(default)]
        after: Option<Name>,
        /// How many at most; 0 and more than [`MAX_PAGE`] mean [`MAX_PAGE`].
        #[serde(default)]
        limit: u16,
    },
    /// Queues with their figures, in the order of the configuration: answered by [`Response::Queues`].
    Queues {
        /// Only queues behind this one.
        #[serde(default)]
        after: Option<String>,
        /// How many at most; 0 and more than [`MAX_PAGE`] mean [`MAX_PAGE`].
        #[serde(default)]
        limit: u16,
    },
    /// All plugins: answered by [`Response::Plugins`].
    Plugins,
    /// Take a callback back: answered by [`Response::Cancelled`] or [`Response::NoSuchCallback`].
    CancelCallback {
        /// Its name.
        callback: Name,
        /// Who, by his own word; the control socket's server adds whom the system knows him as.
        #[serde(default)]
        by: String,
    },
    /// Where a call stands in its queue: answered by [`Response::Standing`] or [`Response::NoSuchCall`].
    Explain {
        /// Which.
        call: CallId,
    },
    /// The files of a mailbox were changed: count them anew. Answered by [`Response::Counting`].
    CountMailbox {
        /// Its name.
        mailbox: Arc<str>,
    },
    /// End a call: answered by [`Response::HungUp`] or [`Response::NoSuchCall`].
    Hangup {
        /// Which.
        call: CallId,
    },
    /// Take no new calls, hang up those that live after the grace time, and end: answered by [`Response::Draining`].
    Drain {
        /// Seconds; more than [`MAX_GRACE`] mean [`MAX_GRACE`]. `None`: as the configuration says.
        #[serde(default)]
        grace_s: Option<u32>,
    },
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// How the switch is.
    Status(Status),
    /// Some of the live calls.
    Calls(Page),
    /// Some of the registered contacts.
    Registrations(Registrations),
    /// Every emergency switch, by name.
    Switches(Vec<SwitchState>),
    /// How the switch stands now.
    Turned(SwitchState),
    /// No such switch; these there are.
    NoSuchSwitch {
        /// By name.
        known: Vec<Arc<str>>,
    },
    /// Some of the agents.
    Agents(AgentPage),
    /// The agent as he is now.
    Agent(AgentLine),
    /// There is no such reason for a break; these there are.
    NoSuchReason {
        /// By name.
        known: Vec<Arc<str>>,
    },
    /// Nothing of that name comes of calls; these there are.
    NoSuchDisposition {
        /// By name.
        known: Vec<Arc<str>>,
    },
    /// The agent stays what he is.
    NotSaid {
        /// Why.
        why: NotSaid,
    },
    /// Some of those who are to be called back.
    Callbacks(crate::CallbackPage),
    /// Nobody is called back.
    Cancelled,
    /// There is no callback of that name.
    NoSuchCallback,
    /// Some of the queues.
    Queues(QueuePage),
    /// Every plugin, by name.
    Plugins(Vec<PluginState>),
    /// Where the call stands; nothing if it lives and is in no queue.
    Standing(Option<Box<Standing>>),
    /// They are being counted; phones are told then.
    Counting,
    /// The call is ended.
    HungUp,
    /// No such call lives.
    NoSuchCall,
    /// No new calls are taken.
    Draining {
        /// Calls that still live.
        calls: usize,
        /// True if it was so before: then the first grace time counts.
        already: bool,
    },
}

/// How the switch is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// When it started, in microseconds since 1970.
    pub started: Wall,
    /// The switch's time at the answer.
    pub now: Wall,
    /// True if it takes no new calls.
    pub draining: bool,
    /// Live calls.
    pub calls: usize,
    /// The most that it takes: as configured, or fewer while memory is short.
    pub max_calls: usize,
    /// Legs whose media is not closed.
    pub legs: usize,
    /// Live SIP sessions, early ones included.
    pub sessions: usize,
    /// Registered contacts.
    #[serde(default)]
    pub registrations: usize,
    /// Subscriptions of phones to lamps.
    #[serde(default)]
    pub subscriptions: usize,
    /// True while memory is short.
    #[serde(default)]
    pub memory_short: bool,
    /// What cannot be written (`journal`, `cdr`, `recordings`, `locations`, `agents`, `switches`, `trace`), and why in the system's words.
    #[serde(default)]
    pub disk_faults: BTreeMap<Name, String>,
    /// How often something was found that contradicts itself: a fault of the program, which the journal has (`inconsistent`).
    #[serde(default)]
    pub inconsistencies: u64,
    /// Decisions of queues' strategies that were not used.
    #[serde(default)]
    pub decisions_rejected: DecisionsRejected,
    /// Every emergency switch, by name.
    #[serde(default)]
    pub switches: Vec<SwitchState>,
    /// Every queue, in the order of the configuration.
    pub queues: Vec<Queue>,
    /// Every trunk, by name.
    #[serde(default)]
    pub trunks: Vec<TrunkState>,
}

/// Decisions that were not used since the start, by what was wrong with them ([`journal::DecisionFault`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionsRejected {
    /// They came too late.
    pub late: u64,
    /// What they named was taken meanwhile.
    pub stale: u64,
    /// They named what could not be chosen.
    pub impossible: u64,
    /// They were to wait longer than a plugin may have a call wait.
    #[serde(default)]
    pub wait: u64,
}

/// A queue and its agents. An agent of several queues counts in each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Calls that wait and are offered to nobody.
    pub waiting: u64,
    /// Calls that are offered to an agent.
    pub offered: u64,
    /// How long the first of those that wait has waited, in milliseconds.
    pub longest_wait_ms: u64,
    /// Agents by state.
    pub agents: Agents,
    /// From how many to how many seconds one would wait who joined now: of ten callers one waits less, and one longer. None if
    /// that is uncertain, or somebody is free.
    #[serde(default)]
    pub expected_wait_s: Option<[u64; 2]>,
    /// What became of such forecasts.
    #[serde(default)]
    pub forecasts: Forecasts,
}

/// What became of forecasts of waits, since the switch runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecasts {
    /// Those that callers were told.
    pub told: u64,
    /// Those, told or not, of which is known whether they were right.
    pub checked: u64,
    /// Those of them that were right.
    pub right: u64,
    /// Of the last 50 of them, so many of a hundred were right; none before 10 are known. Below 60 callers are told nothing.
    pub recent: Option<u8>,
}

/// Agents of a queue, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agents {
    /// Free.
    pub idle: u32,
    /// A call is being offered to them.
    pub offered: u32,
    /// In a call, or reserved for one.
    pub in_call: u32,
    /// In the time after a call.
    pub wrap_up: u32,
    /// Did not take an offer a short while ago.
    pub resting: u32,
    /// On a break.
    #[serde(default)]
    pub on_break: u32,
    /// Logged out.
    pub logged_out: u32,
}

/// Some of the live calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// How many live in all.
    pub total: usize,
    /// The calls of this page.
    pub calls: Vec<CallLine>,
    /// Where the next page begins ([`Request::Calls`] › `after`); `None` if this is the last.
    pub next: Option<CallId>,
}

/// A live call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLine {
    /// Its id.
    pub call: CallId,
    /// The caller's number as signalled; empty if withheld. An operator sees whom he helps.
    #[serde(with = "base::revealed")]
    pub from: Pii<String>,
    /// The number that was dialled.
    #[serde(with = "base::revealed")]
    pub to: Pii<String>,
    /// When it came in, in microseconds since 1970.
    pub since: Wall,
    /// Where it is.
    pub place: Place,
}

/// Where a call is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It is being set up.
    Setup,
    /// In a flow.
    Flow {
        /// The flow.
        flow: Arc<str>,
        /// Its node.
        node: Arc<str>,
    },
    /// It waits in a queue, or is offered to one of its agents.
    Queue {
        /// The queue.
        queue: Arc<str>,
    },
    /// Somebody's phone rings for it.
    Dialling {
        /// Whose.
        user: Arc<str>,
    },
    /// It talks with somebody.
    Talking {
        /// With whom.
        user: Arc<str>,
    },
    /// A number outside is called for it.
    DiallingOut {
        /// The number.
        #[serde(with = "base::revealed")]
        number: Pii<String>,
        /// The trunk that it goes through.
        trunk: Arc<str>,
    },
    /// It talks with a number outside.
    TalkingOut {
        /// The number.
        #[serde(with = "base::revealed")]
        number: Pii<String>,
        /// The trunk that it goes through.
        trunk: Arc<str>,
    },
    /// It is over; its media and files are being closed.
    Ending,
}

/// How many callers are in which nodes of which flows.
pub type Inside = BTreeMap<Arc<str>, BTreeMap<Arc<str>, usize>>;

impl Switch {
    /// Answers an operator.
    pub fn handle_control(&mut self, now: Now, request: Request) -> Response {
        self.hand = Hand::Nothing;
        match request {
            Request::Status => Response::Status(self.status(now)),
            Request::Calls { after, limit } => Response::Calls(self.page(after, limit)),
            Request::Registrations { after, limit } => {
                Response::Registrations(self.registrations(now, after.as_deref(), limit))
            }
            Request::Switches => Response::Switches(self.switch_states()),
            Request::Turn { switch, on, reason, by } => {
                let turned = Turned { switch, on, at: now.wall, by, reason };
                self.turn(now, turned).map_or_else(
                    || Response::NoSuchSwitch { known: self.config.switches.keys().cloned().collect() },
                    Response::Turned,
                )
            }
            Request::Agents { after, limit } => Response::Agents(self.agent_page(now, after, limit)),
            Request::SetAgent { agent, saying, by } => self.order_agent(now, agent, &saying, &by),
            Request::Callbacks { after, limit } => Response::Callbacks(self.callback_page(now, after, limit)),
            Request::CancelCallback { callback, by } => {
                let known = self.cancel_callback(now, &callback, &by);
                self.settle(now);
                if known { Response::Cancelled } else { Response::NoSuchCallback }
            }
            Request::Plugins => Response::Plugins(self.plugin_states(now)),
            Request::Queues { after, limit } => Response::Queues(self.queue_page(now, after.as_deref(), limit)),
            Request::Explain { call } if !self.calls.contains_key(&call) => Response::NoSuchCall,
            Request::Explain { call } => Response::Standing(self.standing(now, call).map(Box::new)),
            Request::CountMailbox { mailbox } => {
                self.letters.order(journal::LetterOrder::Count(mailbox));
                Response::Counting
            }
            Request::Hangup { call } => {
                if self.calls.get(&call).is_none_or(|found| found.over) {
                    return Response::NoSuchCall;
                }
                self.hand = Hand::Call(call);
                self.end_call(now, call, Party::System, "operator", NORMAL_CLEARING);
                self.settle(now);
                Response::HungUp
            }
            Request::Drain { grace_s } => {
                let already = self.is_draining();
                let grace = grace_s.map(|seconds| Duration::from_secs(u64::from(seconds.min(MAX_GRACE))));
                self.drain(now, grace.unwrap_or(self.config.limits.grace));
                Response::Draining { calls: self.calls.len(), already }
            }
        }
    }

    /// How the switch is.
    #[must_use]
    pub fn status(&self, now: Now) -> Status {
        Status {
            version: self.version.to_string(),
            started: self.started,
            now: now.wall,
            draining: self.is_draining(),
            calls: self.calls.len(),
            max_calls: self.max_calls(),
            legs: self.legs.len(),
            sessions: self.sip.population().sessions,
            registrations: self.desk.registrar.len(),
            subscriptions: self.lamps.subscriptions(),
            memory_short: self.health.is_memory_short(),
            disk_faults: self.health.disk_faults.clone(),
            inconsistencies: self.health.inconsistencies,
            decisions_rejected: self.rejected,
            switches: self.switch_states(),
            queues: self.acd.queues(now).map(Queue::from).collect(),
            trunks: self.trunks.states(&self.config, now),
        }
    }

    fn page(&self, after: Option<CallId>, limit: u16) -> Page {
        let limit = if (1..=MAX_PAGE).contains(&limit) { limit } else { MAX_PAGE };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = self.calls.range((from, Bound::Unbounded));
        let calls: Vec<CallLine> =
            found.by_ref().take(usize::from(limit)).map(|(id, call)| self.line(*id, call)).collect();
        let next = found.next().and(calls.last()).map(|last| last.call);
        Page { total: self.calls.len(), calls, next }
    }

    /// Where callers are in flows, whatever version of them.
    #[must_use]
    pub fn inside(&self) -> Inside {
        let mut inside = Inside::new();
        let sessions = self.calls.values().filter_map(|call| call.flow.as_ref());
        for (flow, node) in sessions.filter_map(|session| Some((session.flow(), session.node()?))) {
            let nodes = inside.entry(Arc::clone(flow.name())).or_default();
            *nodes.entry(Arc::clone(node)).or_default() += 1;
        }
        inside
    }

    fn line(&self, id: CallId, call: &Call) -> CallLine {
        let from = Pii::new(shorten(call.number.reveal()));
        let to = Pii::new(shorten(&call.dialled));
        CallLine { call: id, from, to, since: call.began, place: self.place(id, call) }
    }

    fn place(&self, id: CallId, call: &Call) -> Place {
        if call.over {
            return Place::Ending;
        }
        match call.stage {
            Stage::Setup => Place::Setup,
            Stage::Flow => match &call.flow {
                Some(flow) => {
                    let node = flow.node().cloned().unwrap_or_default();
                    Place::Flow { flow: flow.flow().name().clone(), node }
                }
                None => Place::Setup,
            },
            Stage::Queued(_) => {
                Place::Queue { queue: self.acd.queue_of(id).map(|queue| queue.shared().clone()).unwrap_or_default() }
            }
            Stage::Awaiting => {
                Place::Queue { queue: call.lost.as_ref().map(|lost| lost.queue().shared().clone()).unwrap_or_default() }
            }
            Stage::Dialling(leg) => self.with(leg, false),
            Stage::Talking(leg) => self.with(leg, true),
        }
    }

    /// The place of a call that rings or talks with another leg.
    fn with(&self, leg: LegId, talks: bool) -> Place {
        match self.legs.get(&leg).map(|found| &found.role) {
            Some(Role::Agent { agent, .. } | Role::Party { agent, .. }) => {
                let user = agent.shared().clone();
                if talks { Place::Talking { user } } else { Place::Dialling { user } }
            }
            Some(Role::Outside { outside, .. }) => {
                let (number, trunk) = (outside.number.clone(), outside.trunk.clone());
                if talks { Place::TalkingOut { number, trunk } } else { Place::DiallingOut { number, trunk } }
            }
            Some(Role::Joined { who: Some(Asker::User(user)) }) => Place::Talking { user: user.clone() },
            Some(Role::Caller { .. } | Role::Joined { .. }) | None => Place::Setup,
        }
    }
}

/// What a caller sent may be as long as a datagram; a page must not grow with it.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(MAX_NUMBER).collect()
}

/// The most characters of a number that are shown.
const MAX_NUMBER: usize = 64;

impl From<QueueFigures> for Queue {
    fn from(figures: QueueFigures) -> Self {
        let QueueFigures { name, waiting, offered, longest_wait_ms, idle, others, estimate, forecasts } = figures;
        let acd::Forecasts { told, checked, right, recent } = forecasts;
        Self {
            name: name.to_string(),
            waiting,
            offered,
            longest_wait_ms,
            agents: Agents {
                // A decision about him takes no time that one could see.
                idle: idle + others.undecided,
                offered: others.offered,
                in_call: others.in_call,
                wrap_up: others.wrap_up,
                resting: others.resting,
                on_break: others.on_break,
                logged_out: others.unavailable,
            },
            expected_wait_s: estimate.map(|range| [range.low.as_secs(), range.high.as_secs()]),
            forecasts: Forecasts { told, checked, right, recent },
        }
    }
}
