//! Tests of plugins: read, played and told, with strategies that are built in as the plugins.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use routing::{Action, Builtin, Decision, Happened, Outcome, Snapshot, Strategy as _};
use workbench::{Failed, PluginCase, Tested};
use yaml::{Faults, Source};

/// Fewest calls, in a state that counts what was told, and faults on demand.
struct Fewest;

impl Tested for Fewest {
    fn decide(&mut self, snapshot: &Snapshot, parameters: &str) -> Result<Decision, Failed> {
        if parameters.contains("fail") {
            return Err(Failed { kind: "declined", text: "does not decide: told so".to_owned() });
        }
        let mut decision = Builtin::FewestCalls.decide(snapshot);
        if parameters.contains("stranger")
            && let Action::Offer { agent, .. } = &mut decision.action
        {
            *agent = "stranger".into();
        }
        Ok(decision)
    }

    fn told(&mut self, outcomes: &[Outcome], state: Option<&str>, _parameters: &str) -> Result<Option<String>, Failed> {
        let before: usize = state.map_or(0, |state| state.parse().unwrap());
        let missed = outcomes.iter().filter(|outcome| matches!(outcome.happened, Happened::TimedOut { .. })).count();
        Ok(Some((before + missed).to_string()))
    }
}

fn read(text: &str) -> Result<Vec<PluginCase>, String> {
    let faults = Faults::default();
    let cases = PluginCase::read(&Source::new("tests/a.yaml", text), &faults);
    let faults = faults.into_sorted();
    if faults.is_empty() { Ok(cases) } else { Err(faults.iter().map(|fault| format!("{fault}")).collect()) }
}

/// What is told of tests, one after the other.
fn played(text: &str) -> String {
    let cases = read(text).unwrap_or_else(|faults| panic!("{faults}"));
    cases.iter().map(|case| case.report(&case.run(&mut Fewest))).collect()
}

#[test]
fn what_is_as_expected_passes_and_what_is_left_out_is_as_in_a_quiet_queue() {
    let told = played(
        r#"
version: 1
note: All keys of a decision that can be compared here
tests:
  agents:
    queue: { name: gold, waiting: 4, excluded: { in_call: 2 }, service: { kept: 9000 } }
    at: 2026-12-24T10:30
    call: { caller: "+4930", needs: { spanish: 40 }, variables: { tier: gold }, way: [main/a], last_agent: { agent: eva, presence: busy } }
    agents: [{ agent: eva, calls_today: 2, skills: { spanish: 50 } }, ben]
    expect: { action: offer, call: 1, agent: ben, reason: "0 calls today, fewest of 2", scores: [-2, 0] }
  calls:
    agent: eva
    calls: [{ waited_ms: 9000 }, {  priority: 80 }]
    expect: { call: 1, agent: eva, state: }
  steps:
    state: "1"
    steps:
      - told: [{ agent: eva, happened: timed_out, rang_ms: 20000 }, { agent: eva, happened: ended, disposition: sold }]
      - agents: [eva]
        expect: { state: "2" }
  fails:
    parameters: { fail: true }
    agents: [eva]
    expect: { fault: declined }
"#,
    );
    assert_eq!(told, "");
}

#[test]
fn what_is_not_as_expected_is_told_with_its_place_and_with_what_came() {
    let told = played(
        r#"version: 1
tests:
  another agent:
    agents: [{ agent: eva, calls_today: 2 }, ben]
    expect: { agent: eva }
  another call:
    agent: eva
    calls: [{ waited_ms: 9000 }, { waited_ms: 1000 }]
    expect: { call: 2 }
  a fault that does not come:
    agents: [eva]
    expect: { fault: declined }
  a fault that comes:
    parameters: { fail: true }
    agents: [eva]
  nobody knows him:
    parameters: { stranger: true }
    agents: [eva]
  a step:
    steps:
      - agents: [eva]
      - agents: [eva]
        expect: { action: wait }
"#,
    );
    let wanted = [
        "tests/a.yaml:5:22: failed: another agent",
        "expected: eva\n   came:     ben in ",
        "tests/a.yaml:9:21: failed: another call",
        "expected: 2\n   came:     1 in ",
        "tests/a.yaml:12:22: failed: a fault that does not come",
        "failed: a fault that comes\n   `decide` failed\n   expected: an answer\n   came:     declined: does not decide: told so",
        "failed: nobody knows him\n   the switch cannot do that",
        "`stranger` is not among the agents",
        "tests/a.yaml:23:27: failed: a step",
        "expected: wait\n   came:     offer in ",
    ];
    for wanted in wanted {
        assert!(told.contains(wanted), "{wanted}\n\n{told}");
    }
}

#[test]
fn what_is_written_wrongly_is_told_with_its_place() {
    let within = |test: &str| format!("version: 1\ntests:\n  a:\n    {test}\n");
    let mut wrong = Vec::new();
    for (test, place, wanted) in [
        ("agents: [eva]\n    expct: { agent: eva }", "5:5", "did you mean `expect`?"),
        ("agents: [{ agent: eva, call_today: 2 }]", "4:28", "did you mean `calls_today`?"),
        ("agents: [{ calls_today: 2 }]", "4:5", "`agent` is missing"),
        ("agents: [eva]\n    expect: { action: offr }", "5:23", "offer"),
        ("agents: [eva]\n    call: { priority: 101 }", "5:23", "from 0 to 100"),
        ("agents: [Eva]", "4:14", "is not a name"),
        ("agents: [eva]\n    calls: [{ priority: 1 }]", "4:5", "either a call is given"),
        ("agent: eva", "3:3", "`calls` is missing"),
        ("expect: { agent: eva }", "4:5", "nothing is asked"),
        ("agents: [eva]\n    steps: [{ agents: [eva] }]", "4:5", "exclude each other"),
        ("agents: [eva]\n    at: noon", "5:9", "not a time"),
        ("agents: [eva]\n    expect: { to: { queue: a, flow: b } }", "5:31", "exclude each other"),
        ("agents: [eva]\n    expect: { fault: declined, agent: eva }", "5:15", "decides nothing"),
        (
            "agents: [eva]\n    told: [{ agent: eva, happened: ended, rang_ms: 5 }]",
            "5:43",
            "`rang_ms` is not told then",
        ),
    ] {
        let told = read(&within(test)).expect_err(test);
        if !(told.contains(wanted) && told.contains(&format!("tests/a.yaml:{place}: "))) {
            wrong.push(format!("{wanted} at {place}:\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read("version: 2\ntests: { a: { agents: [eva] } }\n").unwrap_err().contains("a.yaml:1:10"));
    assert!(read("tests: { a: { agents: [eva] } }\n").unwrap_err().contains("`version` is missing"));
    for (count, wanted) in [(0, "these are 0;"), (33, "these are 33;")] {
        let agents = vec!["eva"; count].join(", ");
        assert!(read(&within(&format!("agents: [{agents}]"))).unwrap_err().contains(wanted));
    }
}
