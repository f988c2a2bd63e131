//! The timers of the switch itself, and what is done when each is due.

use base::{CallId, LegId, Now};
use journal::Party;

use crate::flow::FlowInput;
use crate::switch::Switch;

/// Every timer of the switch itself; those of its parts are theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// When a call has lasted as long as any may: hang up.
    CallLimit(CallId),
    /// When a flow wants to go on by itself.
    Flow(CallId),
    /// When a text should have been spoken: go on without it.
    Speech(CallId),
    /// When a flow's own limit of a wait in a queue is over: take the call out.
    QueueWait(CallId),
    /// When the callback that was promised in this call is to be looked at.
    Callback(CallId),
    /// When the next minute begins: queues may open or close.
    Doors,
    /// When the agent of a call, who is lost, has had his time to come back.
    Return(CallId),
    /// When the phone of such an agent is rung again.
    RingAnew(CallId),
    /// When a caller who waits is to be told something.
    Announce(CallId),
    /// When a phone has rung long enough: cancel it.
    Ring(LegId),
    /// When the far end of a trunk should have said something: go to the next trunk.
    Silence(LegId),
    /// When keys that a talking phone told by INFO should have come by RFC 4733, too: send them on.
    Keys(LegId),
    /// When whoever types a code should have typed the next key: take it as it is.
    Typed(LegId),
    /// When a call that is over should long have closed its media and files: end it without them.
    Tidy(CallId),
    /// When the grace time of a shutdown is over: hang up all calls.
    Grace,
    /// Right after that, one for each call: hang it up.
    Shutdown(CallId),
}

impl Switch {
    /// Does what is due.
    pub(crate) fn on_timer(&mut self, now: Now, timer: Timer) {
        match timer {
            Timer::CallLimit(call) => self.end_call(now, call, Party::System, "max_call_time", 16),
            Timer::Flow(call) => {
                if let Some(found) = self.calls.get_mut(&call) {
                    found.flow_timer = None;
                }
                self.flow_inputs.push_back((call, FlowInput::Timeout));
            }
            Timer::Speech(call) => self.speech_late(now, call),
            Timer::QueueWait(call) => self.queue_wait_over(now, call),
            Timer::Return(call) => self.return_over(now, call),
            Timer::RingAnew(call) => self.ring_again(now, call),
            Timer::Announce(call) => self.announce(now, call),
            Timer::Doors => {
                self.doors.timer = None;
                self.renew_doors(now);
            }
            Timer::Callback(promised_in) => self.callback_due(now, promised_in),
            Timer::Ring(leg) => self.ring_over(now, leg),
            Timer::Silence(leg) => self.trunk_silent(now, leg),
            Timer::Keys(leg) => self.pass_keys_on(leg),
            Timer::Typed(leg) => self.typed_no_more(now, leg),
            Timer::Tidy(call) => self.tidy(now, call),
            Timer::Grace => {
                for call in self.calls.keys() {
                    self.timers.set(now.monotonic, Timer::Shutdown(*call));
                }
            }
            Timer::Shutdown(call) => self.end_call(now, call, Party::System, "shutdown", 16),
        }
    }
}
