//! Tests of flows: what fails and how it is told; exploring; a person as the caller.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what panics fails the test, which is what a test wants"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use ivr::Flows;
use workbench::{Case, Coverage, Given, Ran, Rehearsal, World, explore, junit};
use yaml::{Faults, Source};

const FLOW: &str = "\
version: 1
nodes:
  main:
    menu:
      prompt: main-menu
      keys: { 1: sales, 2: account, 3: ring, 9: repeat }
      no_input: { prompt: no-key }
      exhausted: goodbye
  account:
    collect: { prompt: enter-account, into: account, digits: 3-5, exhausted: hangup }
    next: goodbye
  sales:
    queue: { name: sales, hear: music, keys: { 7: { prompt: nobody, next: main } }, full: main, no_agents: { prompt: nobody, next: hangup }, closed: ring }
    next: goodbye
  ring:
    dial: { user: anna, busy: main }
    next: goodbye
  goodbye:
    play: goodbye
    next: end
  end:
    hangup: busy
";

fn world() -> World {
    let faults = Faults::default();
    let flows = Flows::read([("main", &Source::new("flows/main.yaml", FLOW))], &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    World {
        flows: Arc::new(flows.unwrap_or_else(|| panic!("{said}"))),
        numbers: vec![("1000".to_owned(), "main".to_owned())],
        prompts: names(&["main-menu", "no-key", "enter-account", "nobody", "goodbye", "music"]),
        calendars: BTreeMap::new(),
        languages: names(&["en", "zh"]),
        queues: names(&["sales"]),
        mailboxes: names(&["sales", "own"]),
        phones: names(&["anna"]),
    }
}

fn read(text: &str) -> (Vec<Case>, String) {
    let faults = Faults::default();
    let cases = Case::read(&Source::new("tests/main.yaml", text), &world(), &faults);
    (cases, faults.into_sorted().iter().map(ToString::to_string).collect())
}

/// Runs the one test of these lines, and gives what is told of it: nothing if it passes.
fn told(test: &str) -> String {
    let lines: String = test.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "    {line}");
        text
    });
    let (cases, faults) = read(&format!("version: 1\nflow: main\ntests:\n  one:\n{lines}"));
    assert_eq!((cases.len(), faults.as_str()), (1, ""));
    cases[0].report(&cases[0].run(&world()))
}

#[test]
fn a_text_is_told_as_it_is_spoken() {
    let faults = Faults::default();
    let text = "version: 1\nnodes:\n  a: { say: ['Hello {{ caller.name }}', bye, '{{ x.y }}'], next: hangup }\n\
                  b: { set: { x: '1' }, next: a }\nstart: b\n";
    let text = text.replace("\nb:", "\n  b:");
    let source = Source::new("flows/main.yaml", text);
    let flows = Flows::read([("main", &source)], &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    let world = World { flows: Arc::new(flows.unwrap_or_else(|| panic!("{said}"))), ..world() };
    let run = |said: &str| {
        let text = format!(
            "version: 1\nflow: main\ntests:\n  one:\n    given: {{ caller_name: Anna }}\n    expect: {{ said: {said} }}\n"
        );
        let faults = Faults::default();
        let cases = Case::read(&Source::new("tests/main.yaml", text), &world, &faults);
        let told: String = faults.into_sorted().iter().map(ToString::to_string).collect();
        told + &cases.first().map(|case| case.report(&case.run(&world))).unwrap_or_default()
    };
    assert_eq!(run("[Hello Anna, bye]"), "");
    assert!(run("[Hello Bob, bye]").contains("Hello Anna, bye"), "{}", run("[Hello Bob, bye]"));
    assert!(run("[Hello Anna, by]").contains("there is no prompt `by`"));
    let given = Given::default();
    let (_, heard) = Rehearsal::begin(&world, "main", &given).unwrap();
    assert!(heard.contains("says: “Hello”, “bye”"), "{heard}");
    assert!(heard.contains("leaves out a text that could not be worked out (missing)"), "{heard}");
    let explored = explore(&world, 3);
    assert!(!explored.good && explored.report.contains("a text of `a` cannot be worked out"), "{}", explored.report);
}

#[test]
fn what_is_as_expected_passes() {
    let passes = [
        "expect: { said: main-menu, nodes: main, ends: { waits: main } }",
        "does: { press: 1 }\nexpect: { nodes: [main, sales], ends: { queue: sales } }",
        "does: { press: 3 }\nexpect: { ends: { dial: anna } }",
        "given: { dials: { anna: answered } }\ndoes: { press: 3 }\nexpect: { said: [main-menu, goodbye], ends: { hangup: busy } }",
        "does: [{ press: 1 }, { press: \"57\" }]\nexpect: { said: [main-menu, music, nobody, main-menu], ends: { waits: main } }",
        "given: { queues: { sales: [waits, agent] } }\ndoes: [{ press: 1 }, { interrupt: 7 }, { press: 1 }]\nexpect: { nodes: [main, sales, main, sales, goodbye, end] }",
        "given: { queues: { sales: closed }, dials: { anna: answered } }\ndoes: { press: 1 }\nexpect: { nodes: [main, sales, ring, goodbye, end] }",
        "given: { queues: { sales: [full, no_agents] } }\ndoes: [{ press: 1 }, { press: 1 }]\nexpect: { nodes: [main, sales, main, sales], includes: nobody, ends: hangup }",
        "does: [{ press: 2 }, { press: \"007\" }, { silence: 3s }]\nexpect: { variables: { account: \"007\" }, ends: { hangup: busy } }",
        "does: { interrupt: \"2123#\" }\nexpect: { variables: { account: 123 } }",
        "does: { silence: 5s }\nexpect: { said: [main-menu, no-key, main-menu] }",
        "does: { silence: 4s }\nexpect: { said: [main-menu] }",
        "does: [{ silence: }, { silence: }, { silence: }]\nexpect: { includes: [no-key, no-key, goodbye] }",
        "does: [{ press: 9 }, { hangup: }]\nexpect: { ends: caller, variables: { account: } }",
        "given: { variables: { account: \"1\" } }\nexpect: { variables: { account: \"1\" } }",
    ];
    for test in passes {
        assert_eq!(told(test), "", "{test}");
    }
}

#[test]
fn what_is_not_as_expected_is_told_with_place_expectation_and_path() {
    let test = "does: { press: 1 }\nexpect:\n  said: [main-menu, goodbye]\n  ends: hangup";
    assert_eq!(
        told(test),
        "\
tests/main.yaml:7:7: failed: one
   other prompts were played
   expected: main-menu, goodbye
   came:     main-menu, music
   path:     main → sales
tests/main.yaml:8:7: failed: one
   the call ended elsewhere
   expected: the flow hangs up (normal)
   came:     in the queue sales
   path:     main → sales
"
    );
    let fails = [
        ("expect: { includes: [main-menu, goodbye] }", "`goodbye` was not played, or not in this order"),
        ("does: { press: 9 }\nexpect: { nodes: [main, main] }", "the call went another way"),
        ("does: { press: \"2123#\" }\nexpect: { variables: { account: 124 } }", "came:     123"),
        ("expect: { variables: { account: 124 } }", "came:     not set"),
        (
            "does: [{ press: 1 }, { press: 2 }]\nexpect: { nodes: [main, sales] }",
            "over before he could do this: it ended in the queue sales",
        ),
        ("expect: { ends: { hangup: busy } }", "came:     waiting at main"),
    ];
    for (test, wanted) in fails {
        let told = told(test);
        assert!(told.contains(wanted), "{test}:\n{told}");
    }
}

#[test]
fn a_faulty_file_is_told_what_to_do() {
    let cases = [
        ("flow: mian\ntests: { a: { expect: { ends: hangup } } }", "there is no flow `mian`", "did you mean `main`?"),
        ("number: 1001\ntests: { a: { expect: { ends: hangup } } }", "no number `1001` leads to a flow", ""),
        ("tests: { a: { expect: { ends: hangup } } }", "nothing says which flow is tested", "add `flow:`"),
        (
            "flow: main\ntests: { a: { expect: { said: main-meun } } }",
            "there is no prompt `main-meun`",
            "did you mean `main-menu`?",
        ),
        (
            "flow: main\ntests: { a: { expect: { nodes: godbye } } }",
            "the flow `main` has no node `godbye`",
            "`goodbye`",
        ),
        ("flow: main\ntests: { a: { expect: { ends: { queue: slaes } } } }", "there is no queue `slaes`", "`sales`"),
        (
            "flow: main\ntests: { a: { given: { dials: { ana: busy } }, expect: { ends: hangup } } }",
            "there is no user or number `ana`",
            "`anna`",
        ),
        (
            "flow: main\ntests: { a: { given: { queues: { sales: ful } }, expect: { ends: hangup } } }",
            "must be `waits`, `agent`, `timed_out`, `full`, `no_agents` or `closed`",
            "`full`",
        ),
        (
            "flow: main\ntests: { a: { does: { pres: 1 }, expect: { ends: hangup } } }",
            "unknown key `pres`",
            "did you mean `press`?",
        ),
        (
            "flow: main\ntests: { a: { does: { press: x }, expect: { ends: hangup } } }",
            "these are not keys of a phone",
            "keys are",
        ),
        ("flow: main\ntests: { a: { expect: {} } }", "nothing is expected, so this test cannot fail", "add `ends:`"),
        ("flow: main\ntests: { a: { does: { press: 1 } } }", "`expect` is missing in a test", "add `expect:`"),
    ];
    let faulty = "version: 1\nflow: main\ntests: { a: { given: { language: zj }, expect: { ends: hangup } } }\n";
    assert!(read(faulty).1.contains("there is no language `zj`"), "{}", read(faulty).1);
    for (text, message, remedy) in cases {
        let (_, said) = read(&format!("version: 1\n{text}\n"));
        assert!(said.contains(message) && said.contains(remedy), "{text}:\n{said}");
    }
    assert!(read("version: 2\nflow: main\ntests: {}").1.contains("this version of the format is not known"));
}

#[test]
fn ways_that_no_test_takes_are_listed() {
    let (cases, _) = read(
        "version: 1\nflow: main\ntests: { a: { does: [{ press: 9 }, { press: 1 }], expect: { ends: { queue: sales } } } }",
    );
    let world = world();
    let mut coverage = Coverage::default();
    coverage.add(&cases[0].run(&world));
    assert_eq!(coverage.ways(&world.flows), (2, 17));
    let report = coverage.report(&world.flows, true);
    assert!(report.starts_with("flow main: 2 of 6 nodes, 2 of 17 ways (11 %)\n"), "{report}");
    assert!(report.contains("   not taken: sales › full\n") && !report.contains("main › 9"), "{report}");
    assert!(!report.contains("wrong_input"), "what is not written is none: {report}");
}

#[test]
fn exploring_takes_every_way_that_is_written_and_finds_an_end_for_each_call() {
    let explored = explore(&world(), 40);
    assert!(explored.good, "{}", explored.report);
    assert!(explored.report.contains("flow main: 6 of 6 nodes, 17 of 17 ways (100 %)"), "{}", explored.report);
    let shallow = explore(&world(), 1);
    assert!(shallow.good && shallow.report.contains("not all was tried"), "{}", shallow.report);
}

#[test]
fn junits_xml_escapes_what_it_holds() {
    let (cases, _) = read(
        "version: 1\nflow: main\ntests: { \"<a> & \\\"b\\\"\": { expect: { ends: hangup } }, good: { expect: { ends: { waits: main } } } }",
    );
    let ran: Vec<(Case, Ran)> = cases
        .into_iter()
        .map(|case| {
            let ran = case.run(&world());
            (case, ran)
        })
        .collect();
    let xml = junit(&ran);
    assert!(xml.contains("<testsuites name=\"strowger\" tests=\"2\" failures=\"1\">"), "{xml}");
    assert!(
        xml.contains(
            "<testcase name=\"&lt;a&gt; &amp; &quot;b&quot;\" classname=\"main\" file=\"tests/main.yaml\" line=\"3\">"
        ),
        "{xml}"
    );
    assert!(xml.contains("<failure message=\"the call ended elsewhere\">"), "{xml}");
}

#[test]
fn a_person_hears_what_is_said_and_is_helped() {
    let (mut call, heard) = Rehearsal::begin(&world(), "main", &Given::default()).unwrap();
    assert_eq!(heard, "@ main\n  says: main-menu\n  waits for a key\n");
    assert_eq!(call.line("."), "  says: no-key, main-menu\n  waits for a key\n");
    assert!(call.line("what?").contains("`help` lists them") && call.line("help").contains("hangup"));
    assert_eq!(call.line("1"), "@ sales\n  says, over and over: music\n  you are in the queue sales\n");
    let help =
        "you are in the queue sales: type agent, timed_out, full, no_agents, closed, a key that leads out, or hangup\n";
    assert_eq!(call.line("5"), help);
    assert_eq!(call.line("7"), "  says: nobody\n@ main\n  says: main-menu\n  waits for a key\n");
    assert!(call.line("1").ends_with("you are in the queue sales\n"));
    assert_eq!(call.line("full"), "@ main\n  says: main-menu\n  waits for a key\n");
    assert_eq!(call.line("set account=42"), "");
    assert!(call.line("language xx").contains("there are en, zh"));
    assert_eq!(call.line("language zh"), "");
    assert_eq!(call.line("vars"), "  account = 42\n");
    assert_eq!(
        call.line("2123#"),
        "@ account\n  says: enter-account\n  keeps account = 123\n@ goodbye\n  says: goodbye\n@ end\n  hangs up (busy)\n"
    );
    assert!(call.is_over());
    let (mut call, _) = Rehearsal::begin(&world(), "main", &Given::default()).unwrap();
    assert!(!call.line("hangup").is_empty() && call.is_over());
    assert!(Rehearsal::begin(&world(), "mian", &Given::default()).is_none());
}

/// A company whose flow asks a calendar and decides by who calls.
fn deciding(flow: &str) -> World {
    let faults = Faults::default();
    let hours = "calendars:\n  office:\n    zone: Europe/Berlin\n    week: { monday-friday: 09:00-17:00 }\n";
    let hours = hours::Hours::read(&Source::new("hours.yaml", hours), &faults).unwrap();
    let flows = Flows::read([("main", &Source::new("flows/main.yaml", flow))], &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    World { flows: Arc::new(flows.unwrap_or_else(|| panic!("{said}"))), calendars: hours.calendars, ..world() }
}

const DECIDING: &str = "\
version: 1
nodes:
  door:
    hours: { calendar: office, open: who, closed: goodbye }
  who:
    when: [{ if: 'caller.number == \"+491\"', next: vip }, { otherwise: main }]
  vip:
    set: { vip: 'true' }
    next: main
  main:
    play: main-menu
    next: hangup
  goodbye:
    play: goodbye
    next: hangup
";

#[test]
fn the_clock_the_calendar_and_the_caller_are_what_the_test_says() {
    let world = deciding(DECIDING);
    let nodes = |given: &str, nodes: &str| {
        let faults = Faults::default();
        let text =
            format!("version: 1\nflow: main\ntests: {{ a: {{ given: {given}, expect: {{ nodes: [{nodes}] }} }} }}\n");
        let cases = Case::read(&Source::new("a.yaml", text), &world, &faults);
        assert!(faults.is_empty(), "{:?}", faults.into_sorted());
        cases[0].report(&cases[0].run(&world))
    };
    assert_eq!(nodes("{ at: 2026-11-26T16:59, caller: \"+492\" }", "door, who, main"), "");
    assert_eq!(nodes("{ at: 2026-11-26T17:00, caller: \"+492\" }", "door, goodbye"), "");
    assert_eq!(
        nodes("{ at: 2026-11-28T10:00, hours: { office: open }, caller: \"+491\" }", "door, who, vip, main"),
        ""
    );
    assert_ne!(nodes("{ at: 2026-11-28T10:00 }", "door, who, main"), "", "a Saturday");
}

#[test]
fn exploring_has_calendars_stand_in_every_way_and_finds_what_cannot_be_worked_out() {
    let explored = explore(&deciding(DECIDING), 40);
    assert!(explored.good, "{}", explored.report);
    // Nobody of that number calls, so this way is not taken.
    assert!(explored.report.contains("not taken: who › case 1"), "{}", explored.report);
    let faulty = DECIDING.replace("caller.number == \"+491\"", "1 / size(caller.number) > 0");
    let explored = explore(&deciding(&faulty), 40);
    assert!(!explored.good, "{}", explored.report);
    for words in ["case 1 of `who` cannot be worked out", "hours: { \"office\": [open] }", "expect: { ends: hangup }"] {
        assert!(explored.report.contains(words), "{words}: {}", explored.report);
    }
}

#[test]
fn a_way_through_a_queues_key_is_told_as_a_test() {
    let text = "version: 1\nnodes:
  wait: { queue: { name: sales, keys: { 1: bad } }, next: hangup }
  bad: { set: { v: \"int(caller.name)\" }, next: hangup }\n";
    let explored = explore(&deciding(text), 40);
    assert!(!explored.good, "{}", explored.report);
    for words in ["`bad` sets `v`", "queues: { \"sales\": [waits] }", "does: [{ press: \"1\" }]"] {
        assert!(explored.report.contains(words), "{words}: {}", explored.report);
    }
}

const CLOCK: &str = "
version: 1
nodes:
  who:
    when:
      - { if: \"queues['sales'].waiting > 2\", next: long }
      - { if: \"repeat.today > 1 && now.getHours() < 12 && repeat.last.getMinutes() == 12\", next: again }
      - { otherwise: first }
  long: { play: nobody, next: who }
  again: { play: goodbye, next: hangup }
  first: { play: main-menu, next: hangup }
";

fn clocks() -> World {
    let faults = Faults::default();
    let flows = Flows::read([("main", &Source::new("flows/main.yaml", CLOCK))], &faults);
    World { flows: Arc::new(flows.unwrap()), ..world() }
}

fn told_of_clocks(test: &str) -> String {
    let text = format!("version: 1\nflow: main\ntests:\n  it:\n{test}");
    let (world, faults) = (clocks(), Faults::default());
    let cases = Case::read(&Source::new("tests/main.yaml", text.as_str()), &world, &faults);
    let faulty: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    faulty + &cases.iter().map(|case| case.report(&case.run(&world))).collect::<String>()
}

#[test]
fn a_test_gives_how_queues_stand_the_time_and_earlier_calls() {
    let passes = "    given: { figures: { sales: [{ waiting: 3 }, { free: 1 }] }, at: 2026-12-24T10:00, repeat: { today: 2, last: 2026-12-24T09:12 } }
    expect: { nodes: [who, long, who, again] }\n";
    assert_eq!(told_of_clocks(passes), "");
    assert_eq!(told_of_clocks("    given: { at: 2026-12-24T10:00 }\n    expect: { said: main-menu }\n"), "");
    let late = passes.replace("T10:00", "T12:00");
    assert!(told_of_clocks(&late).contains("→ first"), "{}", told_of_clocks(&late));
    let faulty = told_of_clocks(
        "    given: { figures: { slaes: { wait: 3 } }, repeat: { todya: 1 } }\n    expect: { ends: hangup }\n",
    );
    for words in ["there is no queue `slaes`", "did you mean `sales`?", "wait", "did you mean `today`?"] {
        assert!(faulty.contains(words), "{words} in {faulty}");
    }
}

#[test]
fn a_rehearsal_says_how_queues_stand() {
    let (mut rehearsal, heard) = Rehearsal::begin(&clocks(), "main", &Given::default()).unwrap();
    assert!(heard.contains("the queue sales: waiting=0 longest_wait=0 free=0\n  chooses otherwise"), "{heard}");
    assert!(rehearsal.line("queue slaes waiting=3").starts_with("there is no such queue; there are sales"));
    assert!(rehearsal.line("queue sales waits=3").starts_with("write `queue NAME"));
    assert_eq!(rehearsal.line("queue sales waiting=3"), "");
}

#[test]
fn exploring_tries_queues_that_are_empty_and_full() {
    let explored = workbench::explore(&clocks(), 20);
    assert!(explored.good, "{}", explored.report);
    assert!(!explored.report.contains("`long`") && !explored.report.contains("node long"), "{}", explored.report);
    assert!(explored.report.contains("2 of 3") || explored.report.contains("ways"), "{}", explored.report);
}

const ASKING: &str = "\
version: 1
nodes:
  ask:
    http:
      get: https://crm.example/customers
      query: { number: caller.number }
      take: { name: \"reply.items[0].name\", old: reply.age > 60, all: \"reply.items.map(i, i.id + 1)\" }
      failed: why
    next: good
  good: { play: goodbye, next: hangup }
  why:
    when:
      - { if: \"http.failure == 'timeout'\", next: late }
      - { otherwise: bad }
  late: { hangup: busy }
  bad: { hangup: unavailable }
";

fn asking() -> World {
    let faults = Faults::default();
    let flows = Flows::read([("main", &Source::new("flows/main.yaml", ASKING))], &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    World { flows: Arc::new(flows.unwrap_or_else(|| panic!("{said}"))), ..world() }
}

#[test]
fn a_test_says_what_a_web_server_answers() {
    let text = "\
version: 1
flow: main
tests:
  good:
    given: { http: { ask: { json: { items: [{ name: \"007\", id: 1 }], age: 61 } } } }
    expect: { variables: { name: \"007\", old: \"true\", all: \"[2]\" }, ends: hangup }
  bad: { given: { http: { main/ask: { body: <html> } } }, expect: { ends: { hangup: unavailable } } }
  late: { given: { http: { ask: [{ failed: timeout }] } }, expect: { ends: { hangup: busy } } }
  nothing: { expect: { ends: { waits: ask } } }
";
    let world = asking();
    let faults = Faults::default();
    let cases = Case::read(&Source::new("tests/main.yaml", text), &world, &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    assert_eq!(said, "");
    for case in &cases {
        assert_eq!(case.report(&case.run(&world)), "");
    }
    assert_eq!(cases.len(), 4);
}

#[test]
fn exploring_has_servers_answer_well_and_badly() {
    let explored = explore(&asking(), 10);
    assert!(explored.good, "{}", explored.report);
    assert!(explored.report.contains("100"), "{}", explored.report);
    assert!(!explored.report.contains("never"), "{}", explored.report);
}

#[test]
fn a_person_is_the_web_server() {
    let (mut rehearsal, heard) = Rehearsal::begin(&asking(), "main", &Given::default()).unwrap();
    assert!(heard.contains("asks GET https://crm.example/customers?number="), "{heard}");
    assert!(rehearsal.line("what").contains("type a status"));
    let told = rehearsal.line("200 {\"items\": [{\"name\": \"Ada\", \"id\": 1}], \"age\": 5}");
    assert!(told.contains("sets name = Ada") && told.contains("@ good"), "{told}");
}
