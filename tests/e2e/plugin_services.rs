//! What the author of a plugin that is a service works with: the folder that `strowger plugin new --lang http` writes, taken by its
//! README word by word from nothing to a queue that the service decides for; and each way in which a service or what is said of it
//! can be wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::certificates::Authority;
use tests::company::Company;
use tests::ports::Ports;
use tests::process::Process;
use tests::sipp::Sipp;
use tests::switch::{Switch, binary};
use tests::wait::SOON;

use super::plugin_load::component;

/// Exit code of `strowger plugin`, and all that it says.
fn told(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command.arg("plugin").args(arguments).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache"));
    let output = command.output().expect("the binary runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// The fenced blocks of a language, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().expect("an end").to_owned()).collect()
}

/// `new --lang http` in a folder; the new one.
fn new(folder: &Path) -> PathBuf {
    let (code, text) = told(&["new", "gold-first", "--lang", "http"], folder);
    assert_eq!((code, text.as_str()), (Some(0), "gold-first/ is written; gold-first/README.md says what to do next\n"));
    folder.join("gold-first")
}

/// Runs Python until it says that it listens.
fn python(arguments: &[&str], folder: &Path) -> Process {
    let mut command = Command::new("python3");
    command.args(arguments).current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1");
    let mut process = Process::start("service", command, folder);
    process.wait_for_line("that it listens", SOON, |line| line.starts_with("listening"));
    process
}

#[test]
fn whoever_follows_the_readme_of_a_new_service_has_a_queue_that_it_decides_for() {
    let (mut ports, place) = (Ports::slices(2), tempfile::tempdir().expect("a folder"));
    let (agents, media) = (ports.take(2), ports.take(4));
    let port = ports.take(1).to_string();
    let folder = new(place.path());
    let readme = fs::read_to_string(folder.join("README.md")).expect("a README").replace("8080", &port);
    let tools = place.path().join("bin");
    fs::create_dir(&tools).expect("a folder");
    std::os::unix::fs::symlink(fs::canonicalize(binary()).expect("it is there"), tools.join("strowger"))
        .expect("a link");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").expect("a path"));
    let mut service = None;
    for line in blocks(&readme, "sh").concat().lines() {
        if let Some(started) = line.strip_prefix("python3 ").and_then(|line| line.strip_suffix(" &")) {
            service = Some(python(&started.split(' ').collect::<Vec<_>>(), &folder));
            continue;
        }
        // A busy machine may be late.
        let patient = line.replace("plugin check ", "plugin check --deadline 1s ");
        let mut shell = Command::new("sh");
        shell.args(["-c", &patient]).current_dir(&folder).env("PATH", &path);
        let output = shell.output().expect("a shell");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{line}\n{text}");
        let wanted: &[&str] = match line.split_whitespace().nth(2) {
            Some("check") => &[
                "signed      yes\norder       fewest-calls\nparameters  {\"additionalProperties\":false,",
                "limits      1s a decision\nconnected   HTTP/1.1 (",
                "agents      {\"action\":\"offer\",\"agent\":\"agent1\",\"call\":1} “1 calls today, fewest of 3” (",
                "told        keeps a state of ",
                "it is fit\n",
            ],
            Some("test") => &["3 tests, 0 failed\n"],
            Some("bench") => &["UNDER WAY ", "\n1  ", "\n32  ", "time on the clock"],
            _ => &[],
        };
        assert!(wanted.iter().all(|wanted| text.contains(wanted)), "{line}\n{text}");
    }
    // He changes it: what it decides hangs on its parameters.
    service.take().expect("the README has it started").kill();
    let script = fs::read_to_string(folder.join("service.py")).expect("a script");
    let changed = script.replace("[-c[\"calls_today\"]", "[most - c[\"calls_today\"]");
    assert_ne!(changed, script);
    fs::write(folder.join("service.py"), changed).expect("a script");
    let _service = python(&["service.py", &port, "secret"], &folder);

    let mut phones = Sipp::answering("agent_answers", agents, media, place.path(), &[]);
    let mut company = Company::new(&ports);
    company.agents = (1..=3).map(|n| (format!("agent{n}"), format!("sip:agent{n}@127.0.0.1:{agents}"))).collect();
    company.queue.insert("wrap_up", "1ms".to_owned());
    let switch = Switch::start(&company);
    // What he writes into strowger.yaml and queues.yaml, and what he copies.
    let [secrets, binding] = &blocks(&readme, "yaml")[..] else { panic!("two texts of YAML: {readme}") };
    let (plugins, queue) = binding.split_once("queues:\n  sales:\n").expect("a queue");
    assert_eq!(queue.trim(), "plugin: gold-first");
    company.secrets.insert("gold-first.secret", fs::read_to_string(folder.join("secret")).expect("a secret"));
    company.web = Some(secrets.clone());
    // The machine may be busy.
    company.duties = plugins.replace("{ url:", "{ deadline: 1s, url:").leak();
    assert!(company.duties.contains("deadline"), "{plugins}");
    company.queue.insert("plugin", "{ name: gold-first, parameters: { misses: 0 } }".to_owned());
    let config = switch.folder().join("config");
    fs::create_dir_all(config.join("plugins")).expect("a folder");
    fs::copy(folder.join("gold-first.json"), config.join("plugins/gold-first.json")).expect("a copy");
    company.write(&config);
    let checked = Command::new(binary()).args(["check", "--config"]).arg(&config).output().expect("it runs");
    let text = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(text.contains("the plugin `gold-first` does not take this: 0 is less than the minimum of 1"), "{text}");
    company.queue.insert("plugin", "{ name: gold-first, parameters: { misses: 7 } }".to_owned());
    company.write(&config);
    let text = switch.told(&["reload"]);
    assert!(text.contains("queues: 1 changed"), "{text}");
    for call in 1..=3 {
        let called = ["call", &format!("sip:2000@{}", switch.address()), "--hold", "1"].map(str::to_owned);
        let output = Command::new(binary()).args(called).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        switch.wait_for_event("call_ended", call, SOON);
    }
    let offers = switch.events("offer_made");
    assert!(offers.iter().all(|offer| offer["strategy"] == "gold-first"), "{offers:?}");
    assert!(switch.told(&["plugins"]).contains("gold-first "));

    let url = format!("http://127.0.0.1:{port}/decide");
    let journal = fs::read_dir(switch.data().join("journal")).expect("a journal");
    let journals: Vec<String> = journal.map(|entry| entry.expect("an entry").path().display().to_string()).collect();
    let replay = |options: &[&str]| {
        let mut arguments = vec!["replay", &url, "--sign", "secret", "--journal"];
        arguments.extend(journals.iter().map(String::as_str));
        arguments.extend(options);
        told(&arguments, &folder)
    };
    let count = switch.events("decided").len();
    let (code, text) = replay(&["--name", "gold-first"]);
    let wanted = format!("{count} decisions: {count} the same to the last octet, ");
    assert!(code == Some(0) && text.starts_with(&wanted), "{code:?} {text}");
    // What it learnt comes out the same, too.
    let learnt = switch.events("plugin_learnt").len();
    let wanted_of_told =
        format!("\n{learnt} times told of outcomes: {learnt} times the same learnt to the last octet, 0 failed\n");
    assert!(learnt > 0 && text.contains(&wanted_of_told), "{learnt}: {text}");
    let (code, text) = replay(&["--name", "other"]);
    assert!(
        code == Some(0) && text.contains(&format!("\n{learnt} times told of outcomes: 0 times")),
        "{code:?} {text}"
    );
    let (code, text) = replay(&["--name", "gold-first", "--config", &config.display().to_string()]);
    assert!(code == Some(0) && text.contains("sales                plugin "), "{code:?} {text}");
    let (code, text) = replay(&[]);
    assert!(code == Some(2) && text.contains("say it with --name"), "{code:?} {text}");

    // By its name in the configuration it is asked as that says.
    let config = &config.display().to_string();
    let (code, text) = told(&["check", "gold-first", "--config", config, "--deadline", "1s"], &folder);
    assert!(code == Some(0) && text.contains("signed      yes\norder       fewest-calls\n"), "{code:?} {text}");
    let (code, text) = told(&["test", "--plugin", "gold-first", "--config", config], &folder);
    assert!(code == Some(0) && text.ends_with("3 tests, 0 failed\n"), "{code:?} {text}");
    let mut arguments = vec!["replay", "gold-first", "--config", config, "--journal"];
    arguments.extend(journals.iter().map(String::as_str));
    let (code, text) = told(&arguments, &folder);
    assert!(code == Some(0) && text.starts_with(&wanted), "{code:?} {text}");
    let (code, text) = told(&["bench", "gold-first", "--config", config, "--sign", "secret"], &folder);
    assert!(code == Some(2) && text.contains("gold-first is asked as queues.yaml says; leave"), "{code:?} {text}");
    let (code, text) = told(&["check", "gold", "--config", config], &folder);
    assert!(
        code == Some(1) && text.contains("there is no plugin gold in ") && text.contains("it has gold-first"),
        "{text}"
    );
    phones.wait_for_successes(3, SOON);
    switch.assert_quiet();
}

#[test]
fn what_is_wrong_with_a_service_or_said_of_it_is_told_with_what_to_do() {
    let (mut ports, place) = (Ports::slices(1), tempfile::tempdir().expect("a folder"));
    let folder = new(place.path());
    let write = |name: &str, text: &str, mode: u32| {
        fs::write(folder.join(name), text).expect("a file");
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).expect("its mode");
    };
    write("secret", "word of honour\n", 0o600);
    write("other", "another word\n", 0o600);
    write("open", "word of honour\n", 0o644);
    write("two", "word\nof honour\n", 0o600);
    write("none.json", "{ \"name\": 1 }", 0o600);
    write("any.wasm", "any", 0o600);
    let (port, nobody) = (ports.take(1).to_string(), ports.take(1));
    let _service = python(&["service.py", &port, "secret"], &folder);
    let url = &format!("http://127.0.0.1:{port}/decide");
    let refused = &format!("http://127.0.0.1:{nobody}/decide");
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["build"], 0, &["there is nothing to build: it is a service"]),
        (&["test"], 1, &["is a service: start it, and name its URL with --plugin"]),
        (&["check", url], 1, &["agents      failed: status: answered 401", "look at `sign`", "it is not fit\n"]),
        (&["check", url, "--sign", "other"], 1, &["connected   HTTP/1.1 (", "failed: status: answered 401"]),
        (
            &["check", refused],
            1,
            &["connected   failed: connect: cannot connect to http://127.0.0.1:", "is it running?"],
        ),
        (&["bench", refused], 1, &["no plugin: connect: cannot connect to"]),
        (&["test", "--plugin", refused], 1, &["connect: cannot connect to", "3 tests, 3 failed\n"]),
        (
            &["check", url, "--sign", "open"],
            2,
            &["no secret in open: others than its owner", "(mode 0644)", "chmod 600"],
        ),
        (&["check", url, "--sign", "two"], 2, &["no secret in two: it does not hold one line of text alone"]),
        (&["check", url, "--sign", "nowhere"], 2, &["no secret in nowhere: No such file"]),
        (&["check", url, "--description", "none.json"], 1, &["none.json: no plugin: this describes none: "]),
        (
            &["check", url, "--description", "gold-first.json", "--parameters", "{\"misses\":0}"],
            1,
            &["/misses: 0 is less"],
        ),
        (
            &["check", "http://routing.example/decide"],
            2,
            &["everybody on the way to `http://routing.example`", "https://"],
        ),
        (&["check", "http://127.0.0.1:port/"], 2, &["this is not a URL: "]),
        (&["check", url, "--memory", "5"], 2, &["--memory is for components, and http://127.0.0.1:"]),
        (&["check", url, "--ca", "secret"], 2, &["--ca is for services with https://"]),
        (&["check", url, "--certificate", "secret"], 2, &["--key"]),
        (&["check", url, "--config", "config"], 2, &["with --config a plugin is named as queues.yaml has it"]),
        (&["bench", "any.wasm", "--config", "config"], 2, &["any.wasm is no such name; leave --config out"]),
        (&["test", "--config", "config"], 2, &["the folder's own plugin is no such name"]),
        (&["check", "any.wasm", "--sign", "secret"], 2, &["--sign is for services, and any.wasm is a file"]),
        (&["check", "any.wasm", "--description", "none.json"], 2, &["--description is for services"]),
        (&["replay", url, "--sign", "secret", "--journal", "none"], 2, &["say it with --name"]),
    ];
    for (arguments, exit, wanted) in cases {
        let (code, text) = told(arguments, &folder);
        assert!(
            code == Some(*exit) && wanted.iter().all(|wanted| text.contains(wanted)),
            "{arguments:?}: {code:?} {text}"
        );
    }
    // What the folder says of the parameters holds for the tests in it, too.
    let tests = fs::read_to_string(folder.join("tests/first.yaml")).expect("tests");
    fs::write(folder.join("tests/first.yaml"), tests.replace("misses: 2", "misses: 0")).expect("tests");
    let (code, text) = told(&["test", "--plugin", url, "--sign", "secret"], &folder);
    assert!(code == Some(1) && text.contains("the parameters do not fit: /misses: 0 is less than"), "{code:?} {text}");
}

/// The service that was written, under TLS, for those who show a certificate.
const UNDER_TLS: &str = r#"
import ssl, sys
sys.path.insert(0, ".")
import service
port, certificate, key, ca = sys.argv[1:]
server = service.Server(("127.0.0.1", int(port)), service.Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
context.load_verify_locations(ca)
context.verify_mode = ssl.CERT_REQUIRED
server.socket = context.wrap_socket(server.socket, server_side=True)
print("listening", flush=True)
server.serve_forever()
"#;

#[test]
fn a_service_under_tls_is_asked_with_certificates_and_told_what_it_lacks() {
    let (mut ports, place) = (Ports::slices(1), tempfile::tempdir().expect("a folder"));
    let folder = new(place.path());
    let authority = Authority::new(place.path(), "authority");
    let (server, client) = (authority.issue("server", &["IP:127.0.0.1"], 5), authority.issue("client", &["DNS:us"], 5));
    let shown = |path: &Path| path.display().to_string();
    let (ca, certificate, key) = (shown(&authority.file()), shown(&client.certificate), shown(&client.key));
    let port = ports.take(1).to_string();
    let _service = python(&["-c", UNDER_TLS, &port, &shown(&server.certificate), &shown(&server.key), &ca], &folder);
    let url = format!("https://127.0.0.1:{port}/decide");
    let with = ["--certificate", &certificate, "--key", &key, "--deadline", "1s"];
    let check = |options: &[&str]| told(&[&["check", &url], options].concat(), &folder);
    let (code, text) = check(&[&with[..], &["--ca", &ca]].concat());
    assert!(code == Some(0) && text.contains("connected   HTTP/1.1 over TLS 1.3 ("), "{code:?} {text}");
    assert!(text.contains(&format!("tls         shows a certificate, believes {ca}\n")), "{text}");
    let (code, text) = check(&with);
    assert!(
        code == Some(1) && text.contains("failed: tls: ") && text.contains("name who vouches for it as `ca`"),
        "{text}"
    );
    let (code, text) = check(&["--ca", &ca]);
    assert!(code == Some(1) && text.contains("the service wants another `certificate` of ours"), "{code:?} {text}");
}

#[test]
fn a_component_that_is_bad_is_not_fit_and_how_is_told() {
    let place = tempfile::tempdir().expect("a folder");
    let stranger = ["(i32.store (i32.const 1048) (i32.const 80)) (i32.store (i32.const 1052) (i32.const 12))", ""];
    let endless = ["(loop $for_ever (br $for_ever))", ""];
    let agents = "agents      failed: ";
    for (name, file, options, wanted) in [
        ("trap", component(["unreachable", ""]), ["--deadline", "1s"], "trap: trapped: "),
        ("endless", component(endless), ["--memory", "16"], "deadline: took longer than 5 ms ("),
        ("patient", component(endless), ["--deadline", "40ms"], "deadline: took longer than 40 ms ("),
        (
            "stranger",
            component(stranger),
            ["--deadline", "1s"],
            "impossible: `first of all` is not among the agents; it says {",
        ),
    ] {
        fs::write(place.path().join(name), file).expect("a file");
        let (code, text) = told(&[&["check", name], &options[..]].concat(), place.path());
        assert!(code == Some(1) && text.ends_with("it is not fit\n"), "{name}: {code:?} {text}");
        assert!(text.contains(&format!("{agents}{wanted}")), "{name}: {text}");
    }
    let other = r#"(component (core module $m (func (export "run"))) (core instance $i (instantiate $m))
        (func (export "run") (canon lift (core func $i "run"))))"#;
    fs::write(place.path().join("other.wasm"), wat::parse_str(other).expect("a component")).expect("a file");
    let (code, text) = told(&["check", "other.wasm"], place.path());
    assert!(code == Some(1) && text.contains("other.wasm: no plugin: ") && text.contains("strowger:routing"), "{text}");
}
