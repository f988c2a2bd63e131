//! What breaks a law is made as small as it can be.

use sim::{Act, Deed, Scenario};

/// A law of the test's own: somebody calls, and somebody hangs up after that.
fn broken(scenario: &Scenario) -> Option<String> {
    let mut calls = scenario.timeline.iter().skip_while(|step| !matches!(step.act, Act::Phone(_, Deed::Call(_))));
    let hung_up = calls.any(|step| matches!(step.act, Act::Phone(_, Deed::HangUp)));
    hung_up.then(|| "nobody hangs up".to_owned())
}

#[test]
fn nothing_is_left_but_what_breaks_the_law() {
    for seed in 0..20 {
        let Some(law) = broken(&Scenario::random(seed)) else { continue };
        let mut played = 0;
        let smallest = sim::shrink(&Scenario::random(seed), &mut |candidate| {
            played += 1;
            broken(candidate)
        });
        assert_eq!(broken(&smallest), Some(law));
        assert_eq!(smallest.timeline.len(), 2, "{smallest}");
        assert!(smallest.network.is_empty() && smallest.phones.len() <= 2, "{smallest}");
        assert!(played < 400, "{played}");
    }
}

#[test]
fn another_law_than_the_first_is_not_what_is_looked_for() {
    let by_length = |scenario: &Scenario| {
        let law = if scenario.timeline.len() > 30 { "long" } else { "short" };
        Some(law.to_owned())
    };
    let smallest = sim::shrink(&Scenario::random(1), &mut |candidate| by_length(candidate));
    assert_eq!(smallest.timeline.len(), 31);
}
