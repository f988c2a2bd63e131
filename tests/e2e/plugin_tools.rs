//! `strowger plugin`, and the way of `crates/routing/README.md` from nothing to a queue that a plugin decides for, taken word by
//! word. Python's components are made by componentize-py, which `scripts/test` puts into `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tests::company::Company;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::{Switch, binary};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A plugin that offers the first call to the first agent, and keeps nothing.
fn first() -> String {
    root().join("crates/plugins/tests/frozen/first-1.0.0.wasm").display().to_string()
}

fn plugin(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(binary());
    command.arg("plugin").args(arguments).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache"));
    command.output().expect("the binary runs")
}

/// Its exit code, and all that it says.
fn told(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let output = plugin(arguments, folder);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_plugin_is_checked_as_the_switch_does_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    // A busy machine may be late.
    let (code, text) = told(&["check", &first(), "--deadline", "1s"], folder);
    assert_eq!(code, Some(0), "{text}");
    for line in
        ["plugin      first 1.0.0\n", "SHA-256 ", "order       longest-idle\n", "limits      1s a decision, 16 MiB\n"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    for line in ["agents      {\"action\":\"offer\",\"agent\":\"agent1\",\"call\":1} “first of all” (", "it is fit\n"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    fs::write(folder.join("none.wasm"), "no component").expect("a file");
    let broken: &[(&[&str], i32, &str)] = &[
        (&["check", "nowhere.wasm"], 2, "nowhere.wasm: No such file"),
        (&["check", "none.wasm"], 1, "none.wasm: no plugin: no component that can run here"),
        (&["bench", "none.wasm"], 1, "none.wasm: no plugin"),
        (&["check", &first(), "--parameters", "{"], 2, "this is no JSON"),
        (&["check", &first(), "--deadline", "2s"], 2, "from 1ms to 1s"),
        (&["check", &first(), "--memory", "0"], 2, "--memory"),
    ];
    for (arguments, exit, wanted) in broken {
        let (code, text) = told(arguments, folder);
        assert!(code == Some(*exit) && text.contains(wanted), "{arguments:?}: {code:?} {text}");
    }
}

#[test]
fn what_a_plugin_costs_is_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, text) = told(&["bench", &first(), "--seconds", "1"], folder.path());
    assert_eq!(code, Some(0), "{text}");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(text.starts_with("load: ") && text.contains(" ms from the cache\n"), "{text}");
    for (line, name) in [(2, "fresh"), (3, "kept")] {
        assert_eq!((lines[line][0], lines[line][2]), (name, "µs"), "{text}");
        let [half, most] = [1, 3].map(|at| lines[line][at].parse::<f64>().expect("a time"));
        assert!(half > 0.0 && half <= most && lines[line][5].parse::<u64>().expect("a rate") > 0, "{text}");
    }
}

#[test]
fn a_plugin_s_tests_are_played_and_what_fails_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::create_dir_all(folder.join("own/tests")).expect("folders");
    let cases = folder.join("own/tests/a.yaml");
    let test = |text: &str| {
        fs::write(&cases, text).expect("a file");
        told(&["test", "own", "--plugin", &first()], folder)
    };
    let right = "version: 1\ntests:\n  a:\n    agents: [eva, ben]\n    expect: { agent: eva }\n";
    assert_eq!(test(right), (Some(0), "1 test, 0 failed\n".to_owned()));
    let (code, text) = test(&right.replace("agent: eva }", "agent: ben }"));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("own/tests/a.yaml:5:22: failed: a\n") && text.ends_with("1 test, 1 failed\n"), "{text}");
    assert!(text.contains("expected: ben\n   came:     eva in "), "{text}");
    let (code, text) = test(&right.replace("expect", "expct"));
    assert!(code == Some(1) && text.contains("own/tests/a.yaml:5:5: error: unknown key `expct`"), "{text}");
    let (code, text) = told(&["test", "own"], folder);
    assert!(code == Some(1) && text.contains("own/own.wasm is not there; `strowger plugin build own`"), "{text}");
    fs::remove_file(&cases).expect("it was there");
    let (code, text) = told(&["test", "own", "--plugin", &first()], folder);
    assert!(code == Some(1) && text.contains("there are no tests in own/tests"), "{text}");
}

#[test]
fn a_new_plugin_needs_a_name_and_a_place_of_its_own_and_what_is_missing_to_build_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for name in ["Gold", "../gold", "2fast", "gold.first"] {
        let (code, text) = told(&["new", name, "--lang", "python"], folder);
        assert!(code == Some(1) && text.contains("is no name of a plugin"), "{name}: {text}");
    }
    assert_eq!(fs::read_dir(folder).expect("a folder").count(), 0);
    let (code, text) = told(&["new", "gold", "--lang", "javascript"], folder);
    assert_eq!((code, text.as_str()), (Some(0), "gold/ is written; gold/README.md says what to do next\n"));
    let script = fs::read_to_string(folder.join("gold/strategy.js")).expect("a text");
    let (code, text) = told(&["new", "gold", "--lang", "rust"], folder);
    assert!(code == Some(1) && text.contains("gold is there already"), "{text}");
    assert_eq!(fs::read_to_string(folder.join("gold/strategy.js")).expect("a text"), script);
    let mut build = Command::new(binary());
    build.args(["plugin", "build", "gold"]).current_dir(folder).env("PATH", folder);
    let output = build.output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2) && text.contains("npm install @bytecodealliance/componentize-js@"),
        "{text}"
    );
    fs::create_dir(folder.join("empty")).expect("a folder");
    let (code, text) = told(&["build", "empty"], folder);
    assert!(code == Some(1) && text.contains("empty has nothing to build"), "{text}");
}

/// What is built is what stands in the source: its words are changed, and its tests want those.
#[test]
fn a_new_plugin_in_rust_and_one_in_javascript_are_built_by_the_command() {
    let tools = root().join("target");
    let path = format!(
        "{}:{}",
        tools.join("componentize-js/node_modules/.bin").display(),
        std::env::var("PATH").expect("a path")
    );
    let folder = tempfile::tempdir().expect("a folder");
    for (language, source) in [("rust", "src/lib.rs"), ("javascript", "strategy.js")] {
        let name = format!("own-{language}");
        let (code, text) = told(&["new", &name, "--lang", language], folder.path());
        assert_eq!(code, Some(0), "{text}");
        for file in [source, "tests/first.yaml"] {
            let file = folder.path().join(&name).join(file);
            let text = fs::read_to_string(&file).expect("a text");
            let changed = text.replace("calls today, fewest of", "calls today, the least of");
            assert_ne!(text, changed);
            fs::write(&file, changed).expect("a file");
        }
        let mut build = Command::new(binary());
        // With what the examples are built with, its dependencies need not be built again.
        build
            .env("CARGO", tools.join("rust-wasm/cargo"))
            .env("CARGO_TARGET_DIR", tools.join("plugins"))
            .env("PATH", &path);
        let output =
            build.args(["plugin", "build", &name]).current_dir(folder.path()).output().expect("the binary runs");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && text.contains(&format!("{name}/{name}.wasm: ")), "{text}");
        assert_eq!(told(&["test", &name], folder.path()), (Some(0), "3 tests, 0 failed\n".to_owned()));
        let (code, text) = told(&["check", &format!("{name}/{name}.wasm"), "--deadline", "1s"], folder.path());
        assert!(
            code == Some(0) && text.contains(&format!("{name} 1.0.0\n")) && text.ends_with("it is fit\n"),
            "{text}"
        );
    }
}

/// The fenced blocks of a language, below a heading, in order.
fn blocks(text: &str, heading: &str, language: &str) -> Vec<String> {
    let below = text.split_once(&format!("\n## {heading}\n")).expect("the heading").1;
    let below = below.split("\n## ").next().expect("a text");
    let fence = format!("```{language}\n");
    below.split(&fence).skip(1).map(|rest| rest.split("```").next().expect("an end").to_owned()).collect()
}

#[test]
fn whoever_follows_the_readme_word_by_word_has_a_queue_that_his_plugin_decides_for() {
    let text = fs::read_to_string(root().join("crates/routing/README.md")).expect("the README");
    let heading = "Ten minutes to a queue of your own";
    let (commands, settings) = (blocks(&text, heading, "sh").concat(), blocks(&text, heading, "yaml").concat());
    let (mut ports, place) = (Ports::slices(2), tempfile::tempdir().expect("a folder"));
    let (agents, media) = (ports.take(2), ports.take(4));
    let mut phones = Sipp::answering("agent_answers", agents, media, place.path(), &[]);
    let mut company = Company::new(&ports);
    company.agents = (1..=3).map(|n| (format!("agent{n}"), format!("sip:agent{n}@127.0.0.1:{agents}"))).collect();
    let cache = place.path().join("cache");
    let switch = Switch::start_with(&company, |mut command| {
        command.env("XDG_CACHE_HOME", &cache);
        command
    });
    let folder = switch.folder();
    // The programs that he has: this one, and what pip installed.
    let tools = place.path().join("bin");
    fs::create_dir(&tools).expect("a folder");
    std::os::unix::fs::symlink(fs::canonicalize(binary()).expect("it is there"), tools.join("strowger"))
        .expect("a link");
    let path = std::env::var("PATH").expect("a path");
    let path = format!("{}:{}:{path}", tools.display(), root().join("target/componentize-py/bin").display());
    let mut installed = false;
    for line in commands.lines() {
        if line.starts_with("pip install ") {
            installed = true;
            continue;
        }
        if line.starts_with("strowger plugin test ") {
            // What it shows of tests is right, too.
            let shown = blocks(&text, "Tests of a plugin", "yaml").concat();
            fs::write(folder.join("gold-first/tests/shown.yaml"), shown).expect("a file");
        }
        if line == "strowger check" {
            // What he writes into queues.yaml stands there before.
            let queues = folder.join("config/queues.yaml");
            let written = fs::read_to_string(&queues).expect("a text");
            let (plugins, queue) = settings.split_once("queues:\n  sales:\n").expect("a queue");
            let with = written.replacen("queues:\n  sales:\n", &format!("{plugins}queues:\n  sales:\n{queue}"), 1);
            assert_ne!(with, written);
            fs::write(&queues, with).expect("a file");
        }
        let line = line.replace("127.0.0.1:5060", &switch.address().to_string());
        let line = match switch.events("offer_made").last() {
            Some(offer) => line.replace("CALL", offer["call"].as_str().expect("an id")),
            None => line,
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(folder).env("PATH", &path).env("XDG_CACHE_HOME", &cache);
        let output = shell.output().expect("a shell");
        let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{line}\n{told}");
        let wanted = match line.split_whitespace().take(3).collect::<Vec<_>>()[..] {
            ["strowger", "plugin", "test"] => "6 tests, 0 failed",
            ["strowger", "plugin", "check"] => "it is fit",
            ["strowger", "plugins", ..] => "gold-first",
            ["strowger", "explain", _] => "calls today, fewest of 3",
            _ => "",
        };
        assert!(told.contains(wanted), "{line}\n{told}");
    }
    assert!(installed, "{commands}");
    let offers = switch.events("offer_made");
    assert!(!offers.is_empty() && offers.iter().all(|offer| offer["strategy"] == "gold-first"), "{offers:?}");
    phones.wait_for_successes(1, tests::wait::SOON);
    switch.assert_quiet();
}
