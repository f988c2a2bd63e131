//! Fifty calls at once into queues whose plugins are all bad: nobody is lost, and nobody waits for them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tests::company::Company;
use tests::ports::Ports;
use tests::process::Process;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::SOON;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A queue, whose plugin is bad in the way of its name, and the faults that this may be. `plain` has no plugin.
type Queue = (&'static str, &'static [&'static str]);

/// What services do. `refused` has nobody at its port.
const SERVICES: [Queue; 10] = [
    ("plain", &[]),
    ("refused", &["connect"]),
    ("hang", &["deadline", "late"]),
    ("late", &["deadline", "late"]),
    ("half", &["closed"]),
    ("json", &["answer"]),
    ("error", &["status"]),
    ("redirect", &["status"]),
    ("huge", &["too_large"]),
    ("other", &["impossible"]),
];
const CALLS: usize = 5;

/// A service that is bad in the way that its path says. What hangs does so for ten seconds.
const BAD: &str = r#"
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self):
        told = b'"ask":"told"' in self.rfile.read(int(self.headers["Content-Length"]))
        way = self.path[1:]
        if way == "hang":
            time.sleep(10)
        if way == "late":
            time.sleep(0.3)
        other = b'{"action":"offer","call":"c0000000000007","agent":"agent1","reason":"of another call"}'
        body = {"json": b"<html>", "half": b'{"action":', "other": b"{}" if told else other}.get(way, b"{}")
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

server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.daemon_threads = True
print("listening", flush=True)
server.serve_forever()
"#;

/// What components do, with what stands for that in `plugin.wat`: as its decision is made, and beside.
const COMPONENTS: [(Queue, [&str; 2]); 10] = [
    (("plain", &[]), ["", ""]),
    (("loops", &["deadline", "late"]), ["(loop $for_ever (br $for_ever))", ""]),
    (("deep", &["stack"]), ["(drop (call $deep (i32.const 1)))", DEEP]),
    (("memory", &["memory"]), ["(if (i32.eq (memory.grow (i32.const 65000)) (i32.const -1)) (then unreachable))", ""]),
    (("trap", &["trap"]), ["unreachable", ""]),
    (("reason", &["too_large"]), [REASON, ""]),
    (("state", &["too_large"]), [STATE, ""]),
    (("action", &["answer"]), ["(i32.store8 (i32.const 1032) (i32.const 99))", ""]),
    (("call", &["answer"]), ["(i32.store (i32.const 1044) (i32.const 3))", ""]),
    // The text of the reason in the place of the agent.
    (
        ("unknown", &["impossible"]),
        ["(i32.store (i32.const 1048) (i32.const 80)) (i32.store (i32.const 1052) (i32.const 12))", ""],
    ),
];
const DEEP: &str =
    "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (call $deep (local.get 0))))";
const REASON: &str = "(drop (memory.grow (i32.const 180))) (i32.store (i32.const 1076) (i32.const 10000000))";
const STATE: &str = "(drop (memory.grow (i32.const 180)))
    (i32.store (i32.const 1088) (i32.const 1)) (i32.store (i32.const 1096) (i32.const 10000000))";

pub(crate) fn component([decide, more]: [&str; 2]) -> Vec<u8> {
    let core = include_str!("../../crates/plugins/tests/common/plugin.wat")
        .replace("{pages}", "4")
        .replace("{decide}", decide)
        .replace("{more}", more);
    let core = ["{describe}", "{after}", "{told}"].iter().fold(core, |core, place| core.replace(place, ""));
    let mut resolve = Resolve::default();
    let package = resolve.push_str("routing.wit", include_str!("../../crates/routing/wit/routing.wit")).expect("WIT");
    let world = *resolve.packages[package].worlds.values().next().expect("a world");
    let mut module = wat::parse_str(core).expect("a module");
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
    for (index, (queue, _)) in queues.iter().enumerate() {
        let own: Vec<String> = (1..=CALLS).map(|n| name(index * CALLS + n)).collect();
        let text = format!("{{ agents: [{}], music: music, wrap_up: 1ms }}", own.join(", "));
        company.queues.insert(queue, text);
        company.numbers.insert(format!("21{index:02}").leak(), format!("{{ queue: {queue} }}"));
    }
    company
}

/// Has each queue ask its plugin, with these lines for each. None rests, so that each decision meets it; what does not hang has
/// so much time that it is not late on a busy machine.
fn bind(company: &mut Company, line: impl Fn(&str) -> String) {
    let mut plugins = "plugins:\n".to_owned();
    for (queue, text) in company.queues.iter_mut().filter(|(queue, _)| **queue != "plain") {
        let deadline = if ["hang", "late", "loops"].contains(queue) { "" } else { "deadline: 1s, " };
        plugins += &format!("  {queue}: {{ {}{deadline}rest: {{ after: 100 }} }}\n", line(queue));
        *text = text.replace(" }", &format!(", plugin: {queue} }}"));
    }
    company.duties = plugins.leak();
}

/// Fifty calls at once: each is offered once, to whom longest idle chose, and none waits for what is bad.
fn load(switch: &Switch, phones: &mut Sipp, [ports, more_ports]: [&mut Ports; 2], queues: &[Queue]) {
    let (count, text) = (queues.len() * CALLS, CALLS.to_string());
    let mut callers: Vec<Sipp> = (0..queues.len())
        .map(|index| {
            let options = ["-m", &text, "-l", &text, "-r", "4", "-d", "5000"];
            let some = if index % 2 == 0 { &mut *ports } else { &mut *more_ports };
            let (port, media) = (some.take(2), some.take(4));
            // SIPp names its files by the scenario.
            let own: &Path = &switch.folder().join(index.to_string());
            std::fs::create_dir_all(own).expect("a folder");
            Sipp::calling("caller_hangs_up", &format!("21{index:02}"), switch.address(), port, media, own, &options)
        })
        .collect();
    for caller in &mut callers {
        assert_eq!(caller.succeed(Duration::from_secs(60)).successful, CALLS as u64);
    }
    switch.wait_for_event("call_ended", count, SOON);
    phones.wait_for_successes(count as u64, SOON);

    // From the time that each call joined to its offer, by queue.
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let at = |event: &serde_json::Value| event["at"].as_u64().expect("a time");
    let joined = switch.events("queue_joined");
    let joined: BTreeMap<String, u64> = joined.iter().map(|event| (text(&event["call"]), at(event))).collect();
    let mut waits: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let made = switch.events("offer_made");
    assert_eq!(made.len(), count, "each call is offered once");
    for offer in &made {
        assert_eq!(offer["strategy"], "longest-idle", "{offer}");
        let wait = at(offer) - joined[&text(&offer["call"])];
        waits.entry(text(&offer["queue"])).or_default().push(wait / 1_000);
    }
    let most = |queue: &str| waits[queue].iter().copied().max().expect("calls");
    eprintln!("ms from joined to offered: {waits:?}");
    let failed = switch.events("plugin_failed");
    for (queue, faults) in queues.iter().filter(|(queue, _)| *queue != "plain") {
        let of_it = failed.iter().filter(|failed| failed["queue"] == *queue);
        let of_it: Vec<String> = of_it.map(|failed| text(&failed["fault"])).collect();
        assert!(
            of_it.len() >= CALLS && of_it.iter().all(|fault| faults.contains(&fault.as_str())),
            "{queue}: {of_it:?}"
        );
        // What hangs does so for ten seconds or for ever: who waited for it would show. The machine may be busy, for those of
        // `plain`, too.
        assert!(most(queue) < most("plain") + 2_000, "{queue}: {waits:?}");
    }
    switch.assert_quiet();
}

#[test]
fn fifty_callers_do_not_notice_that_all_services_are_bad() {
    let (mut ports, mut more_ports) = (Ports::slices(4), Ports::slices(2));
    let folder = tempfile::tempdir().expect("a folder");
    let (agents, media, service, nobody) = (ports.take(2), ports.take(4), ports.take(1), ports.take(1));
    let mut command = Command::new("python3");
    command.arg("-c").arg(BAD).arg(service.to_string());
    let mut bad = Process::start("bad", command, folder.path());
    bad.wait_for_line("that it listens", SOON, |line| line == "listening");
    let mut phones = Sipp::answering("agent_answers", agents, media, folder.path(), &[]);
    let mut company = company(&ports, agents, &SERVICES);
    bind(&mut company, |queue| {
        let port = if queue == "refused" { nobody } else { service };
        format!("url: \"http://127.0.0.1:{port}/{queue}\", ")
    });
    let switch = Switch::start(&company);
    load(&switch, &mut phones, [&mut ports, &mut more_ports], &SERVICES);
}

#[test]
fn fifty_callers_do_not_notice_that_all_components_are_bad() {
    let (mut ports, mut more_ports) = (Ports::slices(4), Ports::slices(2));
    let folder = tempfile::tempdir().expect("a folder");
    let (agents, media) = (ports.take(2), ports.take(4));
    let mut phones = Sipp::answering("agent_answers", agents, media, folder.path(), &[]);
    let queues = COMPONENTS.map(|(queue, _)| queue);
    let mut company = company(&ports, agents, &queues);
    let switch = Switch::start_with(&company, |mut command| {
        command.env("XDG_CACHE_HOME", folder.path().join("cache"));
        command
    });
    let config = switch.folder().join("config");
    std::fs::create_dir_all(config.join("plugins")).expect("a folder");
    for ((queue, _), parts) in COMPONENTS.iter().filter(|((queue, _), _)| *queue != "plain") {
        std::fs::write(config.join(format!("plugins/{queue}.wasm")), component(*parts)).expect("a file");
    }
    bind(&mut company, |_| String::new());
    company.write(&config);
    switch.told(&["reload"]);
    load(&switch, &mut phones, [&mut ports, &mut more_ports], &queues);
}
