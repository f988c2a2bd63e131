//! Why an agent is rung: the decision behind an offer, as the journal has it.

use std::collections::BTreeMap;

use acd::Chosen;
use journal::{Candidate, Kind, Name, OfferMade, OfferReason, Rival};
use routing::{Exclusions, Question};

use crate::outgoing::millis;
use crate::switch::Switch;

impl Switch {
    /// The journal's word on why this agent is rung for this call.
    pub(crate) fn offer_made(&self, offer: &acd::Offer) -> Kind {
        let chosen = &offer.chosen;
        let strategy = match &self.strategy {
            Some(strategy) if !chosen.fallback => strategy.name(),
            _ => chosen.strategy(),
        };
        Kind::OfferMade(OfferMade {
            offer: offer.id,
            queue: offer.queue.shared().clone(),
            agent: offer.agent.shared().clone(),
            ring_ms: millis(offer.ring_time),
            why: OfferReason {
                decision: chosen.decision,
                strategy: strategy.into(),
                fallback: chosen.fallback,
                decided_on: chosen.snapshot.at,
                reason: chosen.reason.clone(),
                candidates: candidates(chosen),
                calls: rivals(chosen),
                excluded: excluded(&chosen.snapshot.queue.excluded),
            },
        })
    }
}

/// Who could not be chosen, counted by why.
pub(crate) fn excluded(excluded: &Exclusions) -> BTreeMap<Name, u32> {
    let counts = [
        ("unavailable", excluded.unavailable),
        ("on_break", excluded.on_break),
        ("offered", excluded.offered),
        ("in_call", excluded.in_call),
        ("wrap_up", excluded.wrap_up),
        ("resting", excluded.resting),
        ("unskilled", excluded.unskilled),
        ("tried", excluded.tried),
        ("undecided", excluded.undecided),
        ("surplus", excluded.surplus),
    ];
    counts.into_iter().filter(|(_, n)| *n > 0).map(|(why, n)| (why.into(), n)).collect()
}

/// The agents whom the decision could choose, with their scores if it chose among agents.
fn candidates(chosen: &Chosen) -> Vec<Candidate> {
    let among_agents = matches!(chosen.snapshot.question, Question::Agent { .. });
    let score = |number: usize| chosen.scores.get(number).copied().filter(|_| among_agents);
    let described = chosen.snapshot.candidates().iter().enumerate().map(|(number, c)| Candidate {
        agent: c.agent.shared().clone(),
        idle_ms: c.idle_ms,
        calls: c.calls,
        level: c.level,
        calls_today: c.calls_today,
        talk_today_ms: c.talk_today_ms,
        skills: c.skills.iter().map(|(skill, level)| (skill.shared().clone(), level)).collect(),
        score: score(number),
    });
    described.collect()
}

/// The waiting calls among which the decision chose for an agent, with their scores; none if it chose an agent for a call.
fn rivals(chosen: &Chosen) -> Vec<Rival> {
    let Question::Call { calls, .. } = &chosen.snapshot.question else { return Vec::new() };
    let described = calls.iter().enumerate().map(|(number, call)| Rival {
        call: call.id,
        queue: call.queue.shared().clone(),
        waited_ms: call.waited_ms,
        priority: call.priority,
        score: chosen.scores.get(number).copied(),
    });
    described.collect()
}
