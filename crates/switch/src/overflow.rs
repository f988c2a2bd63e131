//! Decisions that send callers out of their queue.

use base::{CallId, DecisionId, Now};
use ivr::QueueOutcome;
use routing::{Action, Decision, Target};

use crate::call::Stage;
use crate::flow::Wanted;
use crate::switch::Switch;
use crate::transfer::MAX_SENT_ON;
use crate::{Destination, MailboxName};

/// Where a decision sends callers.
enum Place {
    /// Somewhere that the number plan could name, too.
    Listed(Destination),
    /// To leave a message.
    Mailbox(MailboxName),
}

impl Switch {
    /// A strategy has decided. What it says of places beside the queues is checked here: the ACD does not know them. True if
    /// it is carried out.
    pub(crate) fn take_decision(&mut self, now: Now, id: DecisionId, mut decision: Decision) -> bool {
        if let Action::Overflow { call, to } = &mut decision.action {
            match self.overflow_target(*call, to) {
                Some(target) => *to = target,
                None => {
                    self.acd.handle_bad_decision(now, id, &decision);
                    return false;
                }
            }
        }
        self.acd.handle_decision(now, id, &decision)
    }

    /// Where a call goes by its queue's decision; none if there is no such place, or it was sent on too often.
    fn overflow_target(&self, call: CallId, to: &Target) -> Option<Target> {
        self.calls.get(&call).filter(|found| found.hops.is_some() && found.sent_on < MAX_SENT_ON)?;
        match self.place_by(to)? {
            // There it keeps the time since which it waits, by whatever number that queue was called.
            Place::Listed(Destination::Queue(queue)) => Some(Target::Queue(queue)),
            Place::Mailbox(mailbox) if self.is_mailbox_full(&mailbox) => None,
            Place::Listed(_) | Place::Mailbox(_) => Some(to.clone()),
        }
    }

    fn place_by(&self, to: &Target) -> Option<Place> {
        Some(Place::Listed(match to {
            // Whether there is such a queue is the ACD's to say.
            Target::Queue(queue) => Destination::Queue(queue.clone()),
            Target::Flow(name) => Destination::Flow(self.config.flows.get(name)?.name().clone()),
            Target::Number(number) => self.config.numbers.get(number.as_str())?.clone(),
            Target::Voicemail(mailbox) => {
                let (mailbox, _) = self.config.mailboxes.get_key_value(mailbox.as_str())?;
                return Some(Place::Mailbox(mailbox.clone()));
            }
        }))
    }

    /// A call has left its queue for a flow, a mailbox or a user. The flow that it came by is over.
    pub(crate) fn overflowed(&mut self, now: Now, call: CallId, to: &Target) {
        // Nothing is read anew between a decision and what comes of it.
        let Some(place) = self.place_by(to) else { return self.queue_over(now, call, QueueOutcome::Full) };
        self.end_announcing(call);
        let Some(found) = self.calls.get_mut(&call) else { return };
        if let Stage::Queued(Some(limit)) = found.stage {
            self.timers.cancel(limit);
        }
        found.sent_on += 1;
        self.leave_flow(call);
        match place {
            Place::Listed(Destination::User(user)) => {
                let deadline = now.monotonic + self.config.limits.ring_time;
                self.play_ringback(call);
                self.dial_user(now, call, &user, deadline);
            }
            Place::Listed(flow_or_queue) => self.begin_anew(now, call, flow_or_queue, Wanted::default()),
            Place::Mailbox(mailbox) => {
                let flow = ivr::Session::for_message(self.config.flows.clone(), &mailbox);
                self.begin_flow(now, call, flow);
            }
        }
    }
}
