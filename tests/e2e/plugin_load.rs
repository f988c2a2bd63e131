//! Calls at once into queues whose plugins are all bad, seventy and more: nobody is lost, and nobody waits for what is bad.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tests::certificates::Authority;
use tests::company::Company;
use tests::ports::Ports;
use tests::process::Process;
use tests::sipp::Sipp;
use tests::switch::{Switch, binary};
use tests::wait::SOON;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A queue whose plugin is bad in the way of its name. `plain` has none.
#[derive(Clone, Copy)]
struct Queue {
    name: &'static str,
    /// What its faults may be.
    faults: &'static [&'static str],
    /// How many of its calls are offered by its own decision, at least and at most.
    own: [usize; 2],
}

const fn bad(name: &'static str, faults: &'static [&'static str]) -> Queue {
    Queue { name, faults, own: [0, 0] }
}

/// What services do. `refused` has nobody at its port, `dns` no address; `stranger`, `expired` and `named` have no good
/// certificate.
const SERVICES: [Queue; 16] = [
    bad("plain", &[]),
    bad("refused", &["connect"]),
    bad("hang", &["deadline", "late"]),
    bad("late", &["deadline", "late"]),
    bad("half", &["closed"]),
    bad("json", &["answer"]),
    bad("error", &["status"]),
    bad("redirect", &["status"]),
    bad("huge", &["too_large"]),
    bad("other", &["impossible"]),
    bad("wait", &["wait"]),
    // Whatever it is asked, it offers the first call that it heard of.
    Queue { name: "twice", faults: &["impossible"], own: [1, 1] },
    bad("stranger", &["tls"]),
    bad("expired", &["tls"]),
    bad("named", &["tls"]),
    // Who looks names up may take long to find that there is none.
    bad("dns", &["dns", "deadline", "late"]),
];
/// Of each queue.
const CALLS: usize = 5;

/// A service that is bad in the way that its path says, and others at whose ports TLS is. What hangs does so for ten seconds.
const BAD: &str = r#"
import json, ssl, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

first = []

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        way = self.path[1:]
        if way == "hang":
            time.sleep(10)
        if way == "late":
            time.sleep(0.3)
        other = {"action": "offer", "call": "c0000000000007", "agent": "agent1", "reason": "of another call"}
        body = {"json": b"<html>", "half": b'{"action":'}.get(way, b"{}")
        if asked["ask"] == "decide" and way == "other":
            body = json.dumps(other).encode()
        if asked["ask"] == "decide" and way == "wait":
            body = b'{"action":"wait","reason":"for ever"}'
        if asked["ask"] == "decide" and way == "twice":
            question = asked["snapshot"]["question"]
            first.append({"call": question["call"]["id"], "agent": question["candidates"][0]["agent"]})
            body = json.dumps({**other, **first[0]}).encode()
        self.send_response({"error": 500, "redirect": 307}.get(way, 200))
        self.send_header("Location", "/other")
        length = {"half": 90, "huge": 100_000_000}.get(way, len(body))
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = way in ("half", "huge")

    def log_message(self, *_):
        pass

def serve(port, *pair):
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.daemon_threads = True
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    return server

servers = [serve(*words.split("|")) for words in sys.argv[1:]]
for server in servers[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
print("listening", flush=True)
servers[0].serve_forever()
"#;

/// What components do, with what stands for that in `plugin.wat`: as its decision is made, and beside.
const COMPONENTS: [(Queue, [&str; 2]); 14] = [
    (bad("plain", &[]), ["", ""]),
    (bad("loops", &["deadline", "late"]), ["(loop $for_ever (br $for_ever))", ""]),
    (bad("deep", &["stack"]), ["(drop (call $deep (i32.const 1)))", DEEP]),
    (
        bad("memory", &["memory"]),
        ["(if (i32.eq (memory.grow (i32.const 65000)) (i32.const -1)) (then unreachable))", ""],
    ),
    (bad("trap", &["trap"]), ["unreachable", ""]),
    (bad("reason", &["too_large"]), [REASON, ""]),
    (bad("state", &["too_large"]), [STATE, ""]),
    (bad("action", &["answer"]), ["(i32.store8 (i32.const 1032) (i32.const 99))", ""]),
    (bad("call", &["answer"]), ["(i32.store (i32.const 1044) (i32.const 3))", ""]),
    // The text of the reason in the place of the agent.
    (
        bad("unknown", &["impossible"]),
        ["(i32.store (i32.const 1048) (i32.const 80)) (i32.store (i32.const 1052) (i32.const 12))", ""],
    ),
    (
        bad("wait", &["wait"]),
        ["(i32.store8 (i32.const 1032) (i32.const 3)) (i64.store (i32.const 1040) (i64.const 0))", ""],
    ),
    // Kept, it knows the first call that it saw, and offers that one whatever it is asked.
    (
        Queue { name: "twice", faults: &["impossible"], own: [1, 1] },
        [TWICE, "(global $octets (mut i32) (i32.const 0))"],
    ),
    // A fresh instance is made for each decision, ahead of it; one that is not ready in time is late.
    (Queue { name: "starts", faults: &["deadline", "late"], own: [0, CALLS] }, ["", STARTS]),
    // Is good, and shall be replaced by what is none.
    (Queue { name: "world", faults: &[], own: [CALLS, CALLS] }, ["", ""]),
];
const DEEP: &str =
    "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (call $deep (local.get 0))))";
const REASON: &str = "(drop (memory.grow (i32.const 180))) (i32.store (i32.const 1076) (i32.const 10000000))";
const STATE: &str = "(drop (memory.grow (i32.const 180)))
    (i32.store (i32.const 1088) (i32.const 1)) (i32.store (i32.const 1096) (i32.const 10000000))";
const TWICE: &str = "(if (i32.eqz (global.get $octets)) (then (global.set $octets (i32.load (i32.const 1044)))
        (memory.copy (i32.const 160) (i32.load (i32.const 1040)) (global.get $octets))))
    (i32.store (i32.const 1040) (i32.const 160)) (i32.store (i32.const 1044) (global.get $octets))";
const STARTS: &str = "(func $begin (local $i i32)
    (loop $on (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 60000000)))))
    (start $begin)";

fn core([decide, more]: [&str; 2]) -> Vec<u8> {
    let core = include_str!("../../crates/plugins/tests/common/plugin.wat")
        .replace("{pages}", "4")
        .replace("{decide}", decide)
        .replace("{more}", more);
    let core = ["{describe}", "{after}", "{told}"].iter().fold(core, |core, place| core.replace(place, ""));
    wat::parse_str(core).expect("a module")
}

/// A plugin that does this as its decision is made, and has that beside.
pub(crate) fn component(parts: [&str; 2]) -> Vec<u8> {
    encode(core(parts), include_str!("../../crates/routing/wit/routing.wit"))
}

/// A component of a core module, for the only world of a WIT.
fn encode(mut module: Vec<u8>, wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("routing.wit", wit).expect("WIT");
    let world = *resolve.packages[package].worlds.values().next().expect("a world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a module");
    ComponentEncoder::default().module(&module).expect("a module").encode().expect("a component")
}

/// Each queue has agents of its own, all at one port, and a number from 2100 on.
fn company(ports: &Ports, agents: u16, queues: &[Queue]) -> Company {
    let mut company = Company::new(ports);
    let name = |number: usize| format!("agent{number}");
    let count = queues.len() * CALLS;
    company.agents = (1..=count).map(|n| (name(n), format!("sip:{}@127.0.0.1:{agents}", name(n)))).collect();
    company.calls.insert("max", "200".to_owned());
    for (index, queue) in queues.iter().enumerate() {
        let own: Vec<String> = (1..=CALLS).map(|n| name(index * CALLS + n)).collect();
        let text = format!("{{ agents: [{}], music: music, wrap_up: 1ms }}", own.join(", "));
        company.queues.insert(queue.name, text);
        company.numbers.insert(format!("21{index:02}").leak(), format!("{{ queue: {} }}", queue.name));
    }
    company
}

/// Has each queue ask its plugin, with these lines for each. None rests, so that each decision meets it. What is bad by the time
/// that it takes has the usual deadline; the rest so much time that it is not late on a busy machine.
fn bind(company: &mut Company, line: impl Fn(&str) -> String) {
    let mut plugins = "plugins:\n".to_owned();
    for (queue, text) in company.queues.iter_mut().filter(|(queue, _)| **queue != "plain") {
        let deadline = if ["hang", "late", "dns", "loops", "starts"].contains(queue) { "" } else { "deadline: 1s, " };
        plugins += &format!("  {queue}: {{ {}{deadline}rest: {{ after: 100 }} }}\n", line(queue));
        *text = text.replace(" }", &format!(", plugin: {queue} }}"));
    }
    company.duties = plugins.leak();
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Calls at once to all queues, and something that is done meanwhile: each is offered once, to whom longest idle chose unless
/// the plugin had its say, and none waits for what is bad.
fn load(switch: &Switch, phones: &mut Sipp, ports: &mut [Ports], queues: &[Queue], meanwhile: impl FnOnce()) {
    let (count, number) = (queues.len() * CALLS, CALLS.to_string());
    let mut callers: Vec<Sipp> = (0..queues.len())
        .map(|index| {
            let options = ["-m", &number, "-l", &number, "-r", "4", "-d", "5000"];
            let some = index % ports.len();
            let (port, media) = (ports[some].take(2), ports[some].take(4));
            // SIPp names its files by the scenario.
            let own: &Path = &switch.folder().join(index.to_string());
            std::fs::create_dir_all(own).expect("a folder");
            Sipp::calling("caller_hangs_up", &format!("21{index:02}"), switch.address(), port, media, own, &options)
        })
        .collect();
    meanwhile();
    for caller in &mut callers {
        assert_eq!(caller.succeed(Duration::from_secs(60)).successful, CALLS as u64);
    }
    switch.wait_for_event("call_ended", count, SOON);
    phones.wait_for_successes(count as u64, SOON);
    let (made, failed) = (switch.events("offer_made"), switch.events("plugin_failed"));
    assert_eq!(made.len(), count, "each call is offered once");
    let waits = waits(switch, &made);
    let mut plain = 0;
    eprintln!("ms from joined to offered: queue, median, most, own decisions, faults");
    for Queue { name, faults, own } in queues {
        let of_it = |event: &&Value| event["queue"] == *name;
        let by: Vec<String> = made.iter().filter(of_it).map(|offer| text(&offer["strategy"])).collect();
        let mut its: BTreeMap<String, usize> = BTreeMap::new();
        for failed in failed.iter().filter(of_it) {
            *its.entry(text(&failed["fault"])).or_default() += 1;
        }
        let waits = &waits[*name];
        let (median, most) = (waits[CALLS / 2], waits[CALLS - 1]);
        let (others, by_itself) = by.iter().partition::<Vec<_>, _>(|by| *by == "longest-idle");
        eprintln!("{name:>9} {median:>4} {most:>4} {} {its:?}", by_itself.len());
        assert!((own[0]..=own[1]).contains(&by_itself.len()), "{name}: {by:?}");
        // It is told of outcomes, too.
        let failing = if *name == "plain" { 0 } else { others.len() };
        assert!(its.keys().all(|fault| faults.contains(&fault.as_str())), "{name}: {its:?}");
        assert!(its.values().sum::<usize>() >= failing, "{name}: {its:?}");
        if *name == "plain" {
            plain = median;
        }
        // Beside those of the same run that wait for no plugin: the machine may be busy, and is so for them, too.
        assert!(median <= plain + 100, "{name}: {waits:?}");
    }
    switch.assert_quiet();
}

/// From the time that each call joined to its offer, in milliseconds, by queue in order.
fn waits(switch: &Switch, made: &[Value]) -> BTreeMap<String, Vec<u64>> {
    let at = |event: &Value| event["at"].as_u64().expect("a time");
    let joined = switch.events("queue_joined");
    let joined: BTreeMap<String, u64> = joined.iter().map(|event| (text(&event["call"]), at(event))).collect();
    let mut waits: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for offer in made {
        let wait = at(offer) - joined[&text(&offer["call"])];
        waits.entry(text(&offer["queue"])).or_default().push(wait / 1_000);
    }
    waits.values_mut().for_each(|waits| waits.sort_unstable());
    waits
}

#[test]
fn callers_do_not_notice_that_all_services_are_bad() {
    let mut ports = [Ports::slices(4), Ports::slice(), Ports::slice()];
    let folder = tempfile::tempdir().expect("a folder");
    let (agents, media) = (ports[0].take(2), ports[0].take(4));
    let [service, nobody, stranger, expired, named] = [(); 5].map(|()| ports[1].take(1));
    let (ours, theirs) = (Authority::new(folder.path(), "ours"), Authority::new(folder.path(), "theirs"));
    let pairs = [
        (stranger, theirs.issue("stranger", &["IP:127.0.0.1"], 10)),
        (expired, ours.issue("expired", &["IP:127.0.0.1"], -1)),
        (named, ours.issue("named", &["DNS:other.example"], 10)),
    ];
    let mut command = Command::new("python3");
    command.arg("-c").arg(BAD).arg(service.to_string());
    for (port, pair) in &pairs {
        command.arg(format!("{port}|{}|{}", pair.certificate.display(), pair.key.display()));
    }
    let mut bad = Process::start("bad", command, folder.path());
    bad.wait_for_line("that it listens", SOON, |line| line == "listening");
    let mut phones = Sipp::answering("agent_answers", agents, media, folder.path(), &[]);
    let mut company = company(&ports[0], agents, &SERVICES);
    bind(&mut company, |queue| {
        let safe = format!("ca: {}, ", ours.file().display());
        let (origin, more) = match queue {
            "refused" => (format!("http://127.0.0.1:{nobody}"), ""),
            "stranger" => (format!("https://127.0.0.1:{stranger}"), &*safe),
            "expired" => (format!("https://127.0.0.1:{expired}"), &*safe),
            "named" => (format!("https://127.0.0.1:{named}"), &*safe),
            "dns" => ("https://nobody.invalid".to_owned(), ""),
            _ => (format!("http://127.0.0.1:{service}"), ""),
        };
        format!("url: \"{origin}/{queue}\", {more}")
    });
    let switch = Switch::start(&company);
    load(&switch, &mut phones, &mut ports, &SERVICES, || ());
}

/// What is no plugin, and what is told of it.
fn no_plugins() -> [(Vec<u8>, &'static str); 3] {
    let other = "package other:contract@1.0.0; world other { export answer: func() -> u32; }";
    let answers = "(module (func (export \"answer\") (result i32) (i32.const 42)))";
    let needs = "package other:contract@1.0.0; world needs { import clock: func() -> u32; }";
    let asks = "(module (import \"$root\" \"clock\" (func (result i32))))";
    let made = |text: &str, wit: &str| encode(wat::parse_str(text).expect("a module"), wit);
    [
        (core(["", ""]), "make a component of it (`wasm-tools component new`)"),
        (made(answers, other), "it does not export `strowger:routing/strategy@1.0.0`"),
        (made(asks, needs), "Build it for the world `plugin` of `routing.wit` alone"),
    ]
}

#[test]
fn callers_do_not_notice_that_all_components_are_bad() {
    let mut ports = [Ports::slices(4), Ports::slice(), Ports::slice()];
    let folder = tempfile::tempdir().expect("a folder");
    let (agents, media) = (ports[0].take(2), ports[0].take(4));
    let mut phones = Sipp::answering("agent_answers", agents, media, folder.path(), &[]);
    let queues = COMPONENTS.map(|(queue, _)| queue);
    let mut company = company(&ports[0], agents, &queues);
    let switch = Switch::start_with(&company, |mut command| {
        command.env("XDG_CACHE_HOME", folder.path().join("cache"));
        command
    });
    let config = switch.folder().join("config");
    let plugins = config.join("plugins");
    std::fs::create_dir_all(&plugins).expect("a folder");
    for (queue, parts) in COMPONENTS.iter().filter(|(queue, _)| queue.name != "plain") {
        std::fs::write(plugins.join(format!("{}.wasm", queue.name)), component(*parts)).expect("a file");
    }
    bind(&mut company, |queue| if queue == "twice" { "instance: kept, ".to_owned() } else { String::new() });
    company.write(&config);
    switch.told(&["reload"]);
    // While the calls come, what is none shall take the place of one: it does not, and that one goes on.
    load(&switch, &mut phones, &mut ports, &queues, || {
        for (file, remedy) in no_plugins() {
            std::fs::write(plugins.join("world.wasm"), file).expect("a file");
            let Output { status, stderr, .. } =
                Command::new(binary()).args(["reload", "--config"]).arg(&config).output().expect("it runs");
            let told = String::from_utf8_lossy(&stderr);
            assert_eq!(status.code(), Some(1), "{told}");
            assert!(told.contains("plugins/world.wasm:1:1: error: no plugin: ") && told.contains(remedy), "{told}");
        }
    });
}
