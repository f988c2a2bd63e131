//! Callers who are to be called back: promised by flows, kept over restarts, and in line where they stood.
//!
//! Who is due stands in his queue's line by when he joined it first, as a call without anybody on it. Once an agent is rung for
//! him it becomes one (`callback_call.rs`): the agent answers, then the number outside is called. So there are never more attempts
//! under way than agents who have answered, and one at most for each callback.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::time::Duration;

use acd::{Caller, QueueName};
use base::{CallId, Mono, Now, TimerToken, Wall};
use hours::State;
use journal::{Asker, CallbackKept, CallbackPromise, CallbackStep, CallbackTold, Kind, Name, NoCallback, Party};
use routing::{Levels, SkillName};
use serde::{Deserialize, Serialize};

use crate::control::MAX_PAGE;
use crate::flow::{FlowInput, Wanted};
use crate::is_number;
use crate::lost::is_loss;
use crate::switch::Switch;
use crate::timer::Timer;

/// The most that are promised at a time.
const MAX_CALLBACKS: usize = 10_000;
/// So many attempts that agents ended while the number was rung, or were lost in, cost none; more of them do.
const MAX_EXCUSED: u8 = 3;
/// How soon it is looked again whether one that is due may stand in line: the clock on the wall may be put, a queue open.
pub(crate) const RECHECK: Duration = Duration::from_secs(60);

/// The place in line that a caller had last.
#[derive(Clone, Debug)]
pub(crate) struct Stood {
    pub queue: QueueName,
    pub joined: Mono,
    pub wanted: Wanted,
}

/// All that were promised.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    pub kept: BTreeMap<Name, Callback>,
    /// One for each number and queue.
    numbers: BTreeSet<(Name, String)>,
    /// Those that stand in line or are being called.
    pub in_line: BTreeMap<CallId, Name>,
    /// What is still to be kept.
    changes: VecDeque<CallbackKept>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Callback {
    pub promise: CallbackPromise,
    /// By its `since`; of before the start it is that.
    joined: Mono,
    /// When it is looked at; none while it stands in line or is being called.
    timer: Option<TimerToken>,
}

impl Callbacks {
    /// How many are to be looked at.
    pub fn timers(&self) -> usize {
        self.kept.values().filter(|callback| callback.timer.is_some()).count()
    }

    fn note(&mut self, name: &Name) {
        let promise = self.kept.get(name).map(|callback| callback.promise.clone());
        self.changes.push_back(CallbackKept { callback: name.clone(), promise });
    }
}

impl Switch {
    /// A flow asks for a callback.
    pub(crate) fn promise_callback(&mut self, now: Now, call: CallId, wanted: ivr::Promise) {
        let callback: Name = call.to_string().into();
        let checked = self.check_promise(call, &wanted);
        let step = match &checked {
            Ok(_) => CallbackStep::Promised { queue: wanted.queue.clone(), number: wanted.number.clone() },
            Err(why) => CallbackStep::Refused { why: *why },
        };
        self.note(now, call, Kind::Callback(CallbackTold { callback: callback.clone(), step }));
        self.flow_inputs.push_back((call, FlowInput::Callback(checked.is_ok())));
        let Ok(flow) = checked else { return };
        let number = wanted.number.reveal().clone();
        if !self.callbacks.numbers.insert((wanted.queue.clone(), number)) {
            // He has been promised that before, and keeps the place that he had.
            return;
        }
        let Some(found) = self.calls.get(&call) else { return };
        let stood = found.stood.as_ref().filter(|stood| *stood.queue.as_str() == *wanted.queue);
        let joined = stood.map_or(now.monotonic, |stood| stood.joined);
        let needs = stood.map(|stood| &stood.wanted.needs).into_iter().flat_map(Levels::iter);
        let promise = CallbackPromise {
            queue: wanted.queue,
            number: wanted.number,
            dialled: found.dialled.clone(),
            flow,
            hours: wanted.hours,
            except: wanted.except,
            since: shifted(now.wall, now.monotonic - joined, false),
            priority: stood.map_or(routing::USUAL_PRIORITY, |stood| stood.wanted.priority),
            needs: needs.map(|(skill, least)| (skill.shared().clone(), least)).collect(),
            attempts: wanted.attempts,
            excused: 0,
            retry_s: wanted.retry.as_secs(),
            not_before: now.wall,
        };
        self.callbacks.kept.insert(callback.clone(), Callback { promise, joined, timer: None });
        self.callbacks.note(&callback);
        self.look_at_callback(now, &callback, Duration::ZERO);
    }

    /// Whether he may be called back; by which flow.
    fn check_promise(&self, call: CallId, wanted: &ivr::Promise) -> Result<Name, NoCallback> {
        let number = wanted.number.reveal();
        let ours = self.config.numbers.contains_key(number.as_str()) || self.config.is_emergency(number);
        if !is_number(number) || ours {
            return Err(NoCallback::NoNumber);
        }
        let flow = self.calls.get(&call).and_then(|found| found.flow.as_ref()).map(|flow| flow.flow().name().clone());
        let flow = flow.ok_or(NoCallback::NoGrant)?;
        if self.config.grant_of(&Asker::Flow(flow.clone()), number).is_none() {
            return Err(NoCallback::NoGrant);
        }
        if self.is_barred(wanted.except.as_deref(), number) {
            return Err(NoCallback::Barred);
        }
        if self.callbacks.kept.len() >= MAX_CALLBACKS {
            return Err(NoCallback::TooMany);
        }
        Ok(flow)
    }

    fn is_barred(&self, table: Option<&str>, number: &str) -> bool {
        table.and_then(|table| self.config.flows.rows().get(table)).is_some_and(|rows| rows.has(number))
    }

    /// Looks at a callback after a time.
    fn look_at_callback(&mut self, now: Now, name: &Name, after: Duration) {
        let Some(callback) = self.callbacks.kept.get_mut(name) else { return };
        let timer = self.timers.set(now.monotonic + after, Timer::Callback(call_of(name)));
        if let Some(before) = callback.timer.replace(timer) {
            self.timers.cancel(before);
        }
    }

    /// A callback is to be looked at: it takes its place in line if it is due, and its calendar and queue are open.
    pub(crate) fn callback_due(&mut self, now: Now, promised_in: CallId) {
        let name: Name = promised_in.to_string().into();
        let Some(callback) = self.callbacks.kept.get_mut(&name) else { return };
        callback.timer = None;
        let promise = callback.promise.clone();
        let early = promise.not_before.since(now.wall);
        if !early.is_zero() {
            return self.look_at_callback(now, &name, early.min(RECHECK));
        }
        if self.is_barred(promise.except.as_deref(), promise.number.reveal()) {
            self.book.write_system(now, told(&name, CallbackStep::Barred));
            return self.forget_callback(&name);
        }
        let joined = callback_joined(&self.callbacks, &name).unwrap_or(now.monotonic);
        let call = self.ids.call();
        let skills = promise.needs.iter().map(|(skill, least)| (SkillName::from(skill.clone()), *least));
        let caller = Caller {
            number: promise.number.clone(),
            dialled: promise.dialled.to_string(),
            priority: promise.priority,
            needs: Levels::new(skills),
            last_agent: self.acquaintances.of(promise.number.reveal()).cloned(),
            patient: true,
            ..Caller::default()
        };
        self.callbacks.in_line.insert(call, name.clone());
        let queue = QueueName::from(promise.queue.clone());
        let open = self.may_call_back(now, &promise);
        if !open
            || self.check_join(now, &queue).is_err()
            || self.acd.join_since(now, call, &queue, caller, joined).is_err()
        {
            self.callbacks.in_line.remove(&call);
            self.look_at_callback(now, &name, RECHECK);
        }
    }

    /// True if he may be called now.
    pub(crate) fn may_call_back(&self, now: Now, promise: &CallbackPromise) -> bool {
        !self.is_draining()
            && self.calls.len() < self.max_calls()
            && self.decide_hours(now, &promise.hours).state == State::Open
            && !self.is_barred(promise.except.as_deref(), promise.number.reveal())
    }

    /// One that stood in line does so no more, and is looked at again.
    pub(crate) fn callback_out_of_line(&mut self, now: Now, call: CallId) {
        if let Some(name) = self.callbacks.in_line.remove(&call) {
            self.look_at_callback(now, &name, RECHECK);
        }
    }

    /// An attempt is over: he was reached, or is tried again as often as was promised.
    pub(crate) fn callback_tried(&mut self, now: Now, call: CallId, attempt: Attempt, by: Party, cause: &str) {
        let Some(name) = self.callbacks.in_line.remove(&call) else { return };
        let Some(callback) = self.callbacks.kept.get_mut(&name) else { return };
        let promise = &mut callback.promise;
        let mut again = RECHECK;
        let step = match attempt {
            Attempt { cut: true, .. } if promise.excused < MAX_EXCUSED => {
                promise.excused += 1;
                again = Duration::ZERO;
                CallbackStep::Cut
            }
            Attempt { talked: true, .. } => CallbackStep::Reached,
            // Nobody was called: an agent did not answer, or hung up before.
            Attempt { dialled: false, .. } => return self.look_at_callback(now, &name, RECHECK),
            _ if cause == "shutdown" => return self.look_at_callback(now, &name, RECHECK),
            _ => {
                // An agent who hangs up or is lost while it rings there leaves him what he was promised, later.
                // But his phone is not made to ring without end.
                let excused = (by == Party::Agent || is_loss(cause)) && promise.excused < MAX_EXCUSED;
                promise.excused += u8::from(excused);
                promise.attempts = promise.attempts.saturating_sub(u8::from(!excused));
                promise.not_before = shifted(now.wall, Duration::from_secs(promise.retry_s), true);
                CallbackStep::Missed { left: promise.attempts }
            }
        };
        let over = step == CallbackStep::Reached || step == CallbackStep::Missed { left: 0 };
        self.note(now, call, told(&name, step));
        if over {
            return self.forget_callback(&name);
        }
        self.callbacks.note(&name);
        self.look_at_callback(now, &name, again);
    }

    /// An operator takes a callback back. An attempt under way goes on, as the last one. False if there is none.
    pub(crate) fn cancel_callback(&mut self, now: Now, name: &str, by: &str) -> bool {
        let Some(name) = self.callbacks.kept.get_key_value(name).map(|(name, _)| name.clone()) else { return false };
        let by = by.chars().filter(|c| !c.is_control()).take(200).collect();
        self.book.write_system(now, told(&name, CallbackStep::Cancelled { by }));
        let call = self.callbacks.in_line.iter().find(|(_, of)| **of == name).map(|(call, _)| *call);
        self.forget_callback(&name);
        if let Some(call) = call.filter(|call| !self.calls.contains_key(call)) {
            self.callbacks.in_line.remove(&call);
            self.acd.leave(now, call);
        }
        true
    }

    /// Those who are to be called back, for operators.
    pub(crate) fn callback_page(&self, now: Now, after: Option<Name>, limit: u16) -> CallbackPage {
        let limit = if (1..=MAX_PAGE).contains(&limit) { limit } else { MAX_PAGE };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = self.callbacks.kept.range::<Name, _>((from, Bound::Unbounded));
        let line = |(name, callback): (&Name, &Callback)| CallbackLine {
            callback: name.clone(),
            promise: callback.promise.clone(),
            waits_for: self.callback_waits_for(now, callback),
        };
        let callbacks: Vec<CallbackLine> = found.by_ref().take(usize::from(limit)).map(line).collect();
        let next = found.next().and(callbacks.last()).map(|last| last.callback.clone());
        CallbackPage { callbacks, next }
    }

    fn callback_waits_for(&self, now: Now, callback: &Callback) -> CallbackWait {
        let promise = &callback.promise;
        if callback.timer.is_none() {
            CallbackWait::Turn
        } else if !promise.not_before.since(now.wall).is_zero() {
            CallbackWait::Time
        } else if self.decide_hours(now, &promise.hours).state == State::Open {
            CallbackWait::Queue
        } else {
            CallbackWait::Hours
        }
    }

    fn forget_callback(&mut self, name: &Name) {
        let Some(callback) = self.callbacks.kept.remove(name) else { return };
        if let Some(timer) = callback.timer {
            self.timers.cancel(timer);
        }
        let CallbackPromise { queue, number, .. } = callback.promise;
        self.callbacks.numbers.remove(&(queue, number.reveal().clone()));
        self.callbacks.note(name);
    }

    /// Takes over what [`Switch::poll_callback`] gave before a restart. To be called at the start.
    pub fn restore_callbacks(&mut self, now: Now, mut left: Vec<CallbackKept>) {
        left.sort_by_key(|kept| kept.promise.as_ref().map(|promise| promise.since));
        for CallbackKept { callback, promise } in left {
            // Its name says which call promised it; nothing else writes such a file.
            let Some(promise) = promise.filter(|_| callback.parse::<CallId>().is_ok()) else { continue };
            let waited = now.wall.since(promise.since).as_nanos();
            let waited = u64::try_from(waited).unwrap_or(u64::MAX);
            let joined = Mono::from_nanos(now.monotonic.as_nanos().saturating_sub(waited));
            self.callbacks.numbers.insert((promise.queue.clone(), promise.number.reveal().clone()));
            self.callbacks.kept.insert(callback.clone(), Callback { promise, joined, timer: None });
            self.look_at_callback(now, &callback, Duration::ZERO);
        }
    }

    /// The next change of a callback, to be kept over a restart.
    pub fn poll_callback(&mut self) -> Option<CallbackKept> {
        self.callbacks.changes.pop_front()
    }
}

/// Some of those who are to be called back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackPage {
    /// Those of this page.
    pub callbacks: Vec<CallbackLine>,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<Name>,
}

/// Somebody who is to be called back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackLine {
    /// The name of it: the id of the call in which it was promised.
    pub callback: Name,
    /// What was promised.
    #[serde(flatten)]
    pub promise: CallbackPromise,
    /// What it waits for.
    pub waits_for: CallbackWait,
}

/// What somebody waits for who is to be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackWait {
    /// His turn: he stands in line, or is being called.
    Turn,
    /// The time of the next attempt.
    Time,
    /// The open hours of his calendar.
    Hours,
    /// A queue that takes calls: his has nobody who serves it, is closed or full; or the switch is.
    Queue,
}

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attempt {
    /// The offer of the agent who answered.
    pub taken: Option<base::OfferId>,
    /// The number was called.
    pub dialled: bool,
    /// The two talked.
    pub talked: bool,
    /// The agent was lost while they did.
    pub cut: bool,
}

fn callback_joined(callbacks: &Callbacks, name: &Name) -> Option<Mono> {
    callbacks.kept.get(name).map(|callback| callback.joined)
}

/// A time of the clock on the wall so much later, or earlier.
fn shifted(at: Wall, by: Duration, later: bool) -> Wall {
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    let at = at.as_unix_micros();
    Wall::from_unix_micros(if later { at.saturating_add(by) } else { at.saturating_sub(by) })
}

/// The call in which a callback was promised.
fn call_of(name: &Name) -> CallId {
    name.parse().unwrap_or(CallId::from_raw(0))
}

pub(crate) fn told(name: &Name, step: CallbackStep) -> Kind {
    Kind::Callback(CallbackTold { callback: name.clone(), step })
}
