//! Making a scenario that breaks a law as small as it can be while it still breaks that law.

use std::time::Duration;

use crate::{Act, Scenario};

/// The smallest scenario found that still breaks the law: `law_of` plays one and says which law it breaks. Steps are taken
/// out in ever smaller pieces (delta debugging); what is left is made simpler.
pub fn shrink(scenario: &Scenario, law_of: &mut dyn FnMut(&Scenario) -> Option<String>) -> Scenario {
    let mut smallest = scenario.clone();
    let Some(law) = law_of(&smallest) else { return smallest };
    let mut breaks = |candidate: &Scenario| law_of(candidate).as_ref() == Some(&law);
    loop {
        let before = smallest.clone();
        remove_steps(&mut smallest, &mut breaks);
        for simpler in SIMPLER {
            let mut index = 0;
            while let Some(candidate) = simpler(&smallest, index) {
                if candidate != smallest && breaks(&candidate) {
                    smallest = candidate;
                } else {
                    index += 1;
                }
            }
        }
        if smallest == before {
            return smallest;
        }
    }
}

fn remove_steps(smallest: &mut Scenario, breaks: &mut dyn FnMut(&Scenario) -> bool) {
    let mut piece = smallest.timeline.len().div_ceil(2);
    while piece > 0 {
        let mut from = 0;
        while from < smallest.timeline.len() {
            let mut candidate = smallest.clone();
            let end = (from + piece).min(candidate.timeline.len());
            candidate.timeline.drain(from..end);
            if breaks(&candidate) {
                *smallest = candidate;
            } else {
                from += piece;
            }
        }
        piece = if piece == 1 { 0 } else { piece.div_ceil(2) };
    }
}

/// Ways to make a scenario simpler: each gives it with its so many-th thing simpler, until there are no more.
const SIMPLER: [fn(&Scenario, usize) -> Option<Scenario>; 5] =
    [without_node, with_plain_phone, without_phone, without_pace, at_full_seconds];

fn without_node(scenario: &Scenario, index: usize) -> Option<Scenario> {
    let mut simpler = scenario.clone();
    scenario.network.get(index)?;
    simpler.network.remove(index);
    Some(simpler)
}

fn with_plain_phone(scenario: &Scenario, index: usize) -> Option<Scenario> {
    let mut simpler = scenario.clone();
    let cast = simpler.phones.get_mut(index)?;
    (cast.answers, cast.rings_for, cast.talks_for) = (None, Duration::ZERO, None);
    cast.transport = sip::Transport::Udp;
    cast.manners = crate::Manners::default();
    Some(simpler)
}

/// Without a phone whose owner does nothing; if he does something, as it is.
fn without_phone(scenario: &Scenario, index: usize) -> Option<Scenario> {
    let mut simpler = scenario.clone();
    scenario.phones.get(index)?;
    if scenario.timeline.iter().any(|step| matches!(step.act, Act::Phone(phone, _) if phone == index)) {
        return Some(simpler);
    }
    simpler.phones.remove(index);
    for step in &mut simpler.timeline {
        if let Act::Phone(phone, _) = &mut step.act
            && *phone > index
        {
            *phone -= 1;
        }
    }
    Some(simpler)
}

fn without_pace(scenario: &Scenario, index: usize) -> Option<Scenario> {
    let mut simpler = scenario.clone();
    let pace = [&mut simpler.pace.media, &mut simpler.pace.disk].into_iter().nth(index)?;
    *pace = Duration::ZERO;
    Some(simpler)
}

/// With a step at the next full second after the one before it.
fn at_full_seconds(scenario: &Scenario, index: usize) -> Option<Scenario> {
    let mut simpler = scenario.clone();
    let before = index.checked_sub(1).and_then(|before| scenario.timeline.get(before)).map(|step| step.at);
    let step = simpler.timeline.get_mut(index)?;
    step.at = Duration::from_secs(before.map_or(0, |before| before.as_secs() + 1)).min(step.at);
    Some(simpler)
}
