//! What the queues say: decisions to make, phones to ring and to let go, calls that have left.

use std::sync::Arc;
use std::time::Duration;

use acd::{AgentName, Binding, Change, DecisionFault, Event, OfferEnd, OfferFailure, QueueName};
use base::{CallId, Now, OfferId};
use journal::{CallChanged, DecisionRejected, Kind, Name, OfferEnded, OfferOutcome};
use routing::Outcome;
use sip::SessionId;
use sip_message::Reason;

use crate::outgoing::millis;
use crate::plugin_lines::PluginAsk;
use crate::switch::Switch;

impl Switch {
    pub(crate) fn on_acd(&mut self, now: Now, event: acd::Event) {
        match event {
            Event::DecisionNeeded { id, queue, method, plugin, snapshot } => match (&self.strategy, plugin) {
                (None, Some(binding)) => self.ask_plugin(now, PluginAsk { id, queue, binding, snapshot }),
                (strategy, _) => {
                    let strategy = strategy.as_deref().unwrap_or(&method);
                    let decision = strategy.decide(&snapshot);
                    if self.config.recorded.contains(&queue) {
                        let strategy = Name::from(strategy.name());
                        self.note_decided(now, &queue, &strategy, None, None, &snapshot, &decision);
                    }
                    self.take_decision(now, id, decision);
                }
            },
            Event::Outcome { queue, plugin, agent, call, happened } => {
                let happened = self.with_disposition(&agent, call, happened);
                self.tell_plugin(now, &plugin, Outcome { at: now.wall, queue, call, agent, happened });
            }
            Event::DecisionRejected { plugin, call, queue, fault, reason, .. } => {
                self.decision_rejected(now, plugin, call, &queue, fault, reason);
            }
            Event::Changed { call, queue, change, reason } => self.call_changed(now, call, &queue, change, reason),
            Event::Offer(offer) => self.place_offer(now, offer),
            Event::OfferEnded { offer, call, agent, end, rang } => {
                self.offer_ended(now, offer, call, &agent, end, rang);
            }
            Event::LeftQueue { call, queue, why, waited } => self.left_queue(now, call, &queue, &why, waited),
            Event::Moved { call, queue } => self.moved_to_queue(now, call, &queue),
            Event::Returned { call, queue, .. } => self.returned_to_queue(now, call, &queue),
            Event::Paused { agent, failure } => self.paused_for(now, &agent, failure),
            Event::WrapUpBegan { call, agent, .. } => {
                self.tell_wrap_up(now, &agent, true);
                self.wrap_up_began(call);
            }
            Event::WrapUpEnded { call, agent } => {
                self.tell_wrap_up(now, &agent, false);
                self.wrap_up_ended(now, call);
            }
        }
    }

    /// A decision was not used: another one takes its place, or whoever made it is asked once more.
    fn decision_rejected(
        &mut self,
        now: Now,
        plugin: Option<Arc<Binding>>,
        call: CallId,
        queue: &QueueName,
        fault: DecisionFault,
        reason: Option<String>,
    ) {
        let counts = &mut self.rejected;
        let (kind, count) = match fault {
            DecisionFault::Late => ("late", &mut counts.late),
            DecisionFault::Stale => ("stale", &mut counts.stale),
            DecisionFault::Impossible => ("impossible", &mut counts.impossible),
            DecisionFault::Wait => ("wait", &mut counts.wait),
        };
        *count += 1;
        // That somebody was taken meanwhile is no fault of a plugin.
        if let Some(plugin) = plugin.filter(|_| fault != DecisionFault::Stale) {
            let reason = reason.unwrap_or_default();
            let text = match fault {
                DecisionFault::Wait => format!(
                    "it may not have the call wait (any longer) though somebody is free, see `may_wait`: {reason}"
                ),
                _ => reason,
            };
            return self.plugin_failed(now, &plugin.plugin, queue, Some(call), kind, text);
        }
        let fault = match fault {
            DecisionFault::Late => journal::DecisionFault::Late,
            DecisionFault::Stale => journal::DecisionFault::Stale,
            // Strategies may wait as long as they like.
            DecisionFault::Impossible | DecisionFault::Wait => journal::DecisionFault::Impossible,
        };
        let rejected = DecisionRejected { queue: queue.shared().clone(), fault, reason };
        self.note(now, call, Kind::DecisionRejected(rejected));
    }

    fn call_changed(&mut self, now: Now, call: CallId, queue: &QueueName, change: Change, reason: String) {
        let mut changed = CallChanged { queue: queue.shared().clone(), needs: None, priority: None, reason };
        match change {
            Change::Needs(needs) => {
                let needs = needs.iter().map(|(skill, least)| (skill.shared().clone(), least));
                changed.needs = Some(needs.collect());
            }
            Change::Priority(priority) => changed.priority = Some(priority),
        }
        self.note(now, call, Kind::CallChanged(changed));
    }

    /// The ACD ended an offer that was not answered.
    fn offer_ended(
        &mut self,
        now: Now,
        offer: OfferId,
        call: CallId,
        agent: &AgentName,
        end: OfferEnd,
        rang: Duration,
    ) {
        let outcome = match end {
            OfferEnd::Failed(OfferFailure::Busy) => OfferOutcome::Busy,
            OfferEnd::Failed(OfferFailure::Declined) => OfferOutcome::Declined,
            OfferEnd::Failed(OfferFailure::NoAnswer) => OfferOutcome::NoAnswer,
            OfferEnd::Failed(OfferFailure::Unreachable) => OfferOutcome::Unreachable,
            OfferEnd::CallerLeft => OfferOutcome::CallerLeft,
            OfferEnd::WaitedTooLong => OfferOutcome::WaitedTooLong,
            OfferEnd::AnsweredElsewhere => OfferOutcome::AnsweredElsewhere,
        };
        let event =
            Kind::OfferEnded(OfferEnded { offer, agent: agent.shared().clone(), outcome, rang_ms: millis(rang) });
        self.note(now, call, event);
        // Why the caller hung up may matter to the phone: a call that was answered elsewhere is not one missed.
        let reason = match end {
            OfferEnd::AnsweredElsewhere => Reason::ANSWERED_ELSEWHERE,
            _ => self.calls.get(&call).filter(|found| found.over).map(|found| found.reason).unwrap_or_default(),
        };
        self.forget_whisper(call, offer);
        if let Some(leg) = self.offers.remove(&offer) {
            let session = self.legs.get(&leg).and_then(|found| found.session);
            self.drop_leg(now, leg, end.as_str(), reason);
            // His phone may have answered just now, and would be busy for the next call until it knows that it was too late.
            if let Some(session) = session.filter(|_| !matches!(end, OfferEnd::Failed(_))) {
                self.letting_go.insert(session, (agent.clone(), call));
                self.acd.keep_back(now, agent, call);
            }
        }
    }

    /// A session is over: if it was one that an agent's phone still had to let go of, the agent is free.
    pub(crate) fn phone_let_go(&mut self, now: Now, session: SessionId) {
        if let Some((agent, call)) = self.letting_go.remove(&session) {
            base::give_back(&mut self.letting_go);
            self.acd.let_go(now, &agent, call);
        }
    }
}
