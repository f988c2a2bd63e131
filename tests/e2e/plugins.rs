//! A plugin decides for a queue whose agents and callers are SIPp.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tests::company::Company;
use tests::ports::Ports;
use tests::process::Process;
use tests::sipp::Sipp;
use tests::switch::{Switch, binary};
use tests::wait::SOON;

use crate::plugin_load::component;

const AGENTS: usize = 5;

/// Agents whose phones answer, and the company whose queue they serve.
struct Scene {
    ports: Ports,
    folder: tempfile::TempDir,
    phones: Sipp,
    company: Company,
}

fn scene() -> Scene {
    let (mut ports, folder) = (Ports::slices(2), tempfile::tempdir().expect("a folder"));
    let (agents, media) = (ports.take(2), ports.take(4));
    let phones = Sipp::answering("agent_answers", agents, media, folder.path(), &[]);
    let mut company = Company::new(&ports);
    company.agents = (1..=AGENTS).map(|n| (format!("agent{n}"), format!("sip:agent{n}@127.0.0.1:{agents}"))).collect();
    company.queue.insert("wrap_up", "1ms".to_owned());
    Scene { ports, folder, phones, company }
}

/// A component that offers the first call to the first agent that it sees.
fn first() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/plugins/tests/frozen/first-1.0.0.wasm")
}

/// So many callers, one after the other.
fn calls(switch: &Switch, ports: &mut Ports, count: usize) {
    let (port, media) = (ports.take(2), ports.take(4));
    let count_text = count.to_string();
    let options = ["-m", &count_text, "-l", "1", "-r", "10", "-d", "800"];
    let mut callers =
        Sipp::calling("caller_hangs_up", "2000", switch.address(), port, media, switch.folder(), &options);
    assert_eq!(callers.succeed(Duration::from_secs(60)).successful, count as u64);
    switch.wait_for_event("call_ended", switch.events("call_began").len(), SOON);
}

/// Of the offers from the one of that number on: who decided, and for whom.
fn deciders(switch: &Switch, from: usize) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let made = switch.events("offer_made");
    assert!(made.len() > from, "{made:?}");
    made.iter().skip(from).map(|offer| (text(&offer["strategy"]), text(&offer["agent"]))).collect()
}

/// Asked again what it was asked, the plugin decides the same; and its day is played again.
fn replays(switch: &Switch, plugin: &Path) {
    let folder = std::fs::read_dir(switch.data().join("journal")).expect("a journal");
    let mut journals: Vec<PathBuf> = folder.map(|entry| entry.expect("an entry").path()).collect();
    journals.sort();
    let replay = |plugin: &Path, options: &[&str]| {
        let mut command = Command::new(binary());
        command.args(["plugin", "replay"]).arg(plugin).arg("--journal").args(&journals).args(options);
        let output = command.output().expect("it runs");
        let text = |octets: Vec<u8>| String::from_utf8(octets).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, told, _) = replay(plugin, &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("8 decisions: 8 the same to the last octet, 0 with the same deed"), "{told}");
    let config = switch.folder().join("config").display().to_string();
    let (code, told, error) = replay(plugin, &["--json", "--queue", "sales", "--config", &config]);
    assert_eq!(code, Some(0), "{told}{error}");
    let lines: Vec<serde_json::Value> = told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["decisions"], &lines[0]["same"]), (&8.into(), &8.into()), "{told}");
    for played in ["recorded", "strategy", "plugin"] {
        let figures = &lines[1][played]["sales"];
        assert_eq!((&figures["offered"], &figures["answered"]), (&14.into(), &14.into()), "{played}: {told}");
    }
    let (code, _, error) = replay(plugin, &["--queue", "support"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(
        error.contains("nothing is recorded there of the queue `support`: write `record_decisions: true`"),
        "{error}"
    );
    let (code, _, error) = replay(&journals[0], &[]);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("no component"), "{error}");
}

#[test]
fn a_plugin_decides_is_replaced_while_calls_go_on_and_one_that_is_none_changes_nothing() {
    let Scene { mut ports, folder, mut phones, mut company } = scene();
    let cache = folder.path().join("cache");
    let switch = Switch::start_with(&company, |mut command| {
        command.env("XDG_CACHE_HOME", &cache);
        command
    });
    let config = switch.folder().join("config");
    calls(&switch, &mut ports, 6);
    assert!(deciders(&switch, 0).iter().all(|(who, _)| who == "longest-idle"));

    // The first of the list, always: nobody else decides so.
    let plugins = config.join("plugins");
    std::fs::create_dir_all(&plugins).expect("a folder");
    let file = plugins.join("first.wasm");
    std::fs::copy(first(), &file).expect("a plugin");
    company.queue.insert("plugin", "{ name: first, order: list }".to_owned());
    company.write(&config);
    let told = switch.told(&["reload"]);
    assert!(told.contains("plugins") && told.contains("queues: 1 changed"), "{told}");
    calls(&switch, &mut ports, 6);
    let by_first = ("first".to_owned(), "agent1".to_owned());
    assert!(deciders(&switch, 6).iter().all(|decided| *decided == by_first), "{:?}", deciders(&switch, 6));

    // What is no plugin is not taken, and the one that is there goes on.
    std::fs::write(&file, "no component").expect("a file");
    let refused = Command::new(binary()).args(["reload", "--config"]).arg(&config).output().expect("it runs");
    let told = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("plugins/first.wasm:1:1: error: no plugin"), "{told}");
    calls(&switch, &mut ports, 2);
    assert!(deciders(&switch, 12).iter().all(|decided| *decided == by_first));
    std::fs::copy(first(), &file).expect("a plugin");

    let states = switch.told(&["plugins", "--json"]);
    let state: serde_json::Value = serde_json::from_str(&states).expect("one line of JSON");
    assert_eq!(
        (&state["plugin"], &state["asked"], &state["decided"]),
        (&"first".into(), &8.into(), &8.into()),
        "{state}"
    );
    let line = switch.told(&["plugins"]);
    assert!(line.contains("first ") && line.contains(" ready ") && line.ends_with("1 plugin\n"), "{line}");
    // Each decision is kept with what it went by.
    let decided = switch.events("decided");
    assert_eq!(decided.len(), 8);
    for kept in &decided {
        let (snapshot, decision) = (&kept["snapshot"], &kept["decision"]);
        assert_eq!(decision["agent"], "agent1", "{kept}");
        assert_eq!(snapshot["question"]["candidates"].as_array().map(Vec::len), Some(AGENTS), "{kept}");
    }
    replays(&switch, &file);
    let compiled = std::fs::read_dir(cache.join("strowger/plugins")).expect("a cache").count();
    assert_eq!(compiled, 1, "for the next start");
    phones.wait_for_successes(14, SOON);
    switch.assert_quiet();
}

/// A switch that watches its folder takes another component by itself: calls that live go on, and the next ones are decided by it.
#[test]
fn another_file_takes_the_place_of_a_plugin_while_calls_live() {
    let Scene { mut ports, folder, mut phones, mut company } = scene();
    company.watch = true;
    let cache = folder.path().join("cache");
    let switch = Switch::start_with(&company, |mut command| {
        command.env("XDG_CACHE_HOME", &cache);
        command
    });
    let config = switch.folder().join("config");
    let plugins = config.join("plugins");
    std::fs::create_dir_all(&plugins).expect("a folder");
    std::fs::write(plugins.join("one.wasm"), component(["", ""])).expect("a plugin");
    company.queue.insert("plugin", "one".to_owned());
    company.duties = "plugins: { one: { deadline: 1s } }\n";
    company.write(&config);
    switch.told(&["reload"]);
    let reasons = || {
        let reason = |kept: &serde_json::Value| kept["decision"]["reason"].as_str().unwrap_or_default().to_owned();
        switch.events("decided").iter().map(reason).collect::<Vec<_>>()
    };
    let (port, media) = (ports.take(2), ports.take(4));
    let own = folder.path().join("long");
    std::fs::create_dir_all(&own).expect("a folder");
    let options = ["-m", "2", "-l", "2", "-r", "10", "-d", "20000"];
    let mut long = Sipp::calling("caller_hangs_up", "2000", switch.address(), port, media, &own, &options);
    switch.wait_for_event("bridged", 2, SOON);
    // The same, but for the first letter of its reason.
    let other = component(["(i32.store8 (i32.const 80) (i32.const 70))", ""]);
    std::fs::write(folder.path().join("new"), other).expect("a file");
    std::fs::rename(folder.path().join("new"), plugins.join("one.wasm")).expect("a plugin");
    let own = folder.path().join("short");
    std::fs::create_dir_all(&own).expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let options = ["-m", "1", "-l", "1", "-r", "10", "-d", "800"];
    while reasons().last().is_some_and(|reason| reason != "First of all") {
        let mut short = Sipp::calling("caller_hangs_up", "2000", switch.address(), port, media, &own, &options);
        assert_eq!(short.succeed(Duration::from_secs(60)).successful, 1);
    }
    let (began, ended) = (switch.events("call_began"), switch.events("call_ended"));
    let is_over = |long: &serde_json::Value| ended.iter().any(|ended| ended["call"] == long["call"]);
    assert!(!began.iter().take(2).any(is_over), "the two who talk are there still");
    assert!(reasons().iter().all(|reason| reason == "first of all" || reason == "First of all"), "{:?}", reasons());
    assert_eq!(reasons().len(), switch.events("offer_made").len(), "each was decided by the plugin");
    assert_eq!(long.succeed(Duration::from_secs(60)).successful, 2);
    phones.wait_for_successes(switch.events("bridged").len() as u64, SOON);
    assert!(switch.events("plugin_failed").is_empty());
    switch.assert_quiet();
}

/// What a component uses up of the processor, its own thread does; the thread on which calls are decided has none of it.
#[test]
fn a_component_that_never_returns_runs_on_a_thread_of_its_own() {
    let Scene { mut ports, folder: _folder, mut phones, mut company } = scene();
    company.queue.insert("plugin", "spins".to_owned());
    company.duties = "plugins: { spins: { deadline: 300ms, rest: { after: 100 } } }\n";
    let switch = Switch::start_with(&company, |command| {
        let config = Path::new(command.get_args().last().expect("a folder"));
        std::fs::create_dir_all(config.join("plugins")).expect("a folder");
        let spins = component(["(loop $for_ever (br $for_ever))", ""]);
        std::fs::write(config.join("plugins/spins.wasm"), spins).expect("a plugin");
        command
    });
    calls(&switch, &mut ports, 6);
    phones.wait_for_successes(6, SOON);
    let faults = switch.events("plugin_failed");
    let late = |fault: &&serde_json::Value| fault["fault"] == "deadline" || fault["fault"] == "late";
    assert!(faults.iter().filter(late).count() >= 6, "{faults:?}");
    let [plugin, domain] = ["plugin", "domain"].map(|thread| switch.processor_time(thread));
    assert!(plugin > 4 * domain, "{plugin} and {domain}");
    switch.assert_quiet();
}

/// `examples/last_of_list.rs` of the program: its own `main` with a strategy of somebody's own.
fn own_program() -> PathBuf {
    let here = std::env::current_exe().expect("a path");
    let built = here.ancestors().nth(2).expect("a folder of what was built").join("examples/last_of_list");
    assert!(built.exists(), "{}: run cargo build -p strowger --example last_of_list", built.display());
    built
}

#[test]
fn a_strategy_that_somebody_built_into_his_own_program_decides() {
    let Scene { mut ports, folder: _folder, mut phones, mut company } = scene();
    company.queue.insert("plugin", "last-of-list".to_owned());
    let switch = Switch::start_with(&company, |command| {
        let mut own = Command::new(own_program());
        own.args(command.get_args());
        own
    });
    let config = switch.folder().join("config");
    calls(&switch, &mut ports, 4);
    // The last of the list, always: no strategy that is built in decides so.
    let by_own = ("last-of-list".to_owned(), format!("agent{AGENTS}"));
    assert!(deciders(&switch, 0).iter().all(|decided| *decided == by_own), "{:?}", deciders(&switch, 0));
    let line = switch.told(&["plugins"]);
    assert!(line.contains("last-of-list ") && line.contains(" ready "), "{line}");
    // What a queue writes as parameters is what its strategy goes by.
    company.queue.insert("plugin", "{ name: last-of-list, parameters: { spared: 2 } }".to_owned());
    company.write(&config);
    let reloaded = Command::new(own_program()).args(["reload", "--config"]).arg(&config).output().expect("it runs");
    assert!(reloaded.status.success(), "{reloaded:?}");
    calls(&switch, &mut ports, 2);
    let by_own = ("last-of-list".to_owned(), format!("agent{}", AGENTS - 2));
    assert!(deciders(&switch, 4).iter().all(|decided| *decided == by_own), "{:?}", deciders(&switch, 4));
    phones.wait_for_successes(6, SOON);
    switch.assert_quiet();
    for (parameters, agent) in [("{}", "agent3"), ("{\"spared\":1}", "agent2")] {
        let mut command = Command::new(own_program());
        command.args(["plugin", "check", "last-of-list", "--parameters", parameters, "--config"]).arg(&config);
        let told = String::from_utf8_lossy(&command.output().expect("it runs").stdout).into_owned();
        assert!(told.contains(&format!("\"agent\":\"{agent}\"")) && told.ends_with("it is fit\n"), "{told}");
    }
    // Who does not bring it along says so.
    let checked = |program: &Path| {
        let told = Command::new(program).args(["check", "--config"]).arg(&config).output().expect("it runs");
        (
            told.status.code(),
            String::from_utf8_lossy(&told.stderr).into_owned() + &String::from_utf8_lossy(&told.stdout),
        )
    };
    let (code, told) = checked(&own_program());
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = checked(&binary());
    assert!(code == Some(1) && told.contains("there is no plugin `last-of-list`"), "{told}");
    company.queue.insert("plugin", "{ name: last-of-list, parameters: { spared: -1 } }".to_owned());
    company.write(&config);
    let (code, told) = checked(&own_program());
    let wrong = "error: the plugin `last-of-list` does not take this: -1 is less than the minimum of 0";
    assert!(code == Some(1) && told.contains("queues.yaml:") && told.contains(wrong), "{told}");
}

/// The example service in Python, at a port, with the secret of a file.
fn service(port: u16, secret: &Path, folder: &Path) -> Process {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/plugins/examples/http/fewest_calls.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(port.to_string()).arg(secret);
    let mut process = Process::start("service", command, folder);
    process.wait_for_line("that it listens", SOON, |line| line.starts_with("listening"));
    process
}

#[test]
fn a_service_decides_and_while_it_is_down_the_queues_strategy_does() {
    let Scene { mut ports, folder, mut phones, mut company } = scene();
    let port = ports.take(1);
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "word of honour\n").expect("a file");
    let mut decides = service(port, &secret, folder.path());
    company.queue.insert("plugin", "{ name: fewest, order: fewest-calls }".to_owned());
    company.secrets.insert("routing", "word of honour".to_owned());
    company.web = Some("secrets: { routing: { file: routing } }".to_owned());
    let url = format!(
        "plugins: {{ fewest: {{ url: \"http://127.0.0.1:{port}/decide\", deadline: 1s, rest: {{ after: 100 }}, sign: {{ secret: routing }} }} }}\n"
    );
    company.duties = url.leak();
    let switch = Switch::start(&company);
    calls(&switch, &mut ports, 4);
    assert!(deciders(&switch, 0).iter().all(|(who, _)| who == "fewest"), "{:?}", deciders(&switch, 0));
    let decided = switch.events("decided");
    let reason = |kept: &serde_json::Value| kept["decision"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(decided.len() == 4 && decided.iter().all(|kept| reason(kept).contains("calls today, fewest of")));
    decides.kill();
    calls(&switch, &mut ports, 2);
    assert!(deciders(&switch, 4).iter().all(|(who, _)| who == "longest-idle"), "{:?}", deciders(&switch, 4));
    // Two decisions, and what it could not be told.
    let failed = switch.events("plugin_failed");
    assert!(
        failed.len() >= 2 && failed.iter().all(|failed| failed["fault"] == "connect" || failed["fault"] == "closed"),
        "{failed:?}"
    );
    // It is found again without a reload.
    let _decides = service(port, &secret, folder.path());
    let until = std::time::Instant::now() + SOON;
    while deciders(&switch, 5).last().is_some_and(|(who, _)| who != "fewest") {
        assert!(std::time::Instant::now() < until, "{}", switch.told(&["plugins"]));
        calls(&switch, &mut ports, 1);
    }
    phones.wait_for_successes(7, SOON);
    switch.assert_quiet();
}
