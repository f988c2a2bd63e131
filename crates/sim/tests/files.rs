//! Scenarios as files: what is written reads back, and what is wrong with a file is said with place and remedy.
#![allow(clippy::unwrap_used, reason = "this is test code")]

use sim::Scenario;

fn read(text: &str) -> Result<Scenario, String> {
    Scenario::from_bytes("a.yaml", text.as_bytes())
}

#[test]
fn a_scenario_of_any_seed_reads_back_as_it_was() {
    for seed in 0..300 {
        let scenario = Scenario::random(seed);
        assert_eq!(read(&scenario.to_string()).unwrap(), scenario, "{scenario}");
    }
}

#[test]
fn expectations_read_back_as_they_were() {
    let text = "\
version: 1
about: all that can be expected
phones:
  ada: {user: 101, answers: 302, rings_for: 1500ms, talks_for: 2s, reliable: required, session_timer: 90}
timeline:
  - {at: 1s, expect: {seen: {ada: [rings, refused 486, changed sendonly, not_changed 491, gone]}, live: 2}}
expect:
  agents: {101: wrap_up, 102: resting}
  calls: [{disposition: answered, hung_up_by: agent, cause: bye, agent: 101, queue: sales, offers: 1, cut: false}, {}]
";
    let scenario = read(text).unwrap();
    assert_eq!(read(&scenario.to_string()).unwrap(), scenario, "{scenario}");
    assert_eq!(scenario.expected.calls.map(|calls| calls.len()), Some(2));
}

#[test]
fn each_fault_is_told_with_its_remedy() {
    let cases = [
        ("phones: {ada: {user: 101}}", "phones: {ada: {user: 101, rings: 5s}}", "unknown key `rings` in a phone"),
        ("phones: {ada: {user: 101}}", "phones: {ada: {user: 105}}", "`101`, `102`, `103` or `104`"),
        ("phones: {ada: {user: 101}}", "phones: {ada: {user: 101}, bob: {user: 101}}", "101 has one phone only"),
        ("phones: {ada: {user: 101}}", "phones: {ada: {user: 101, rings_for: 1s}}", "add `answers: 200`"),
        ("phones: {ada: {user: 101}}", "phones: {ada: {trunk: local}}", "`carrier`"),
        ("phones: {ada: {user: 101}}", "phones: {ada: {trunk: carrier}, far: {trunk: carrier}}", "one far end only"),
        ("phones: {ada: {user: 101}}", "phones: {clock: {user: 101}}", "`clock` is not a phone"),
        ("who: ada, does: answer", "who: eda, does: answer", "did you mean `ada`?"),
        (
            "who: ada, does: answer",
            "who: ada, does: anser",
            "it is one of call NUMBER, call_offerless NUMBER, refuse STATUS",
        ),
        ("who: ada, does: answer", "who: ada, does: press x", "is nothing that a phone's owner does"),
        ("who: ada, does: answer", "who: ada, does: refuse 200", "is nothing that a phone's owner does"),
        ("who: ada, does: answer", "who: clock, does: leap", "write `jump 1h` or `jump -90s`"),
        ("who: ada, does: answer", "who: switch, does: restat", "did you mean `restart`?"),
        ("who: ada, does: answer", "does: answer", "`who` is missing in a step"),
        ("who: ada, does: answer", "who: ada", "a step needs one of `does` or `expect`"),
        ("at: 1s", "at: 1", "a duration has a unit: `1s`"),
        ("at: 2s", "at: 500ms", "write the steps in order of time"),
        ("network: [{lose: 5}]", "network: [{lose: 101}]", "a whole number from 0 to 100"),
        ("network: [{lose: 5}]", "network: [{lose: 5, jitter: 1s}]", "`jitter` belongs to a `delay`"),
        ("[rings]", "[rung]", "`rung` is nothing that one sees"),
        ("live: 0", "alive: 0", "did you mean `live`?"),
        ("version: 1", "version: 2", "1 to 1"),
    ];
    let right = "\
version: 1
about: a scenario
network: [{lose: 5}]
phones: {ada: {user: 101}}
timeline:
  - {at: 1s, who: ada, does: answer}
  - {at: 2s, expect: {seen: {ada: [rings]}, live: 0}}
";
    assert!(read(right).is_ok());
    for (was, is, told) in cases {
        let wrong = right.replace(was, is);
        assert_ne!(wrong, right, "{was}");
        let faults = read(&wrong).unwrap_err();
        assert!(faults.contains(told) && faults.starts_with("a.yaml:"), "{is}:\n{faults}");
    }
}
