//! Fifty calls at once into queues whose services are all bad: nobody is lost, and nobody waits for them.

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

/// What a service does, and the faults that this may be. `refused` has nobody at its port, `plain` no plugin at all.
const QUEUES: [(&str, &[&str]); 10] = [
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

fn company(ports: &Ports, (agents, service, nobody): (u16, u16, u16)) -> Company {
    let mut company = Company::new(ports);
    let name = |number: usize| format!("agent{number}");
    let count = QUEUES.len() * CALLS;
    company.agents = (1..=count).map(|n| (name(n), format!("sip:{}@127.0.0.1:{agents}", name(n)))).collect();
    company.calls.insert("max", "200".to_owned());
    let mut plugins = "plugins:\n".to_owned();
    for (index, (queue, _)) in QUEUES.iter().enumerate() {
        let mut more = String::new();
        if *queue != "plain" {
            let port = if *queue == "refused" { nobody } else { service };
            // It never rests, so that each decision meets it.
            plugins += &format!("  {queue}: {{ url: \"http://127.0.0.1:{port}/{queue}\", rest: {{ after: 100 }} }}\n");
            more = format!(", plugin: {queue}");
        }
        let own: Vec<String> = (1..=CALLS).map(|n| name(index * CALLS + n)).collect();
        let queue_text = format!("{{ agents: [{}], music: music, wrap_up: 1ms{more} }}", own.join(", "));
        company.queues.insert(queue, queue_text);
        company.numbers.insert(format!("21{index:02}").leak(), format!("{{ queue: {queue} }}"));
    }
    company.duties = plugins.leak();
    company
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
    let switch = Switch::start(&company(&ports, (agents, service, nobody)));
    let (count, text) = (QUEUES.len() * CALLS, CALLS.to_string());
    let mut callers: Vec<Sipp> = (0..QUEUES.len())
        .map(|index| {
            let options = ["-m", &text, "-l", &text, "-r", "4", "-d", "5000"];
            let some = if index % 2 == 0 { &mut ports } else { &mut more_ports };
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
    let joined: BTreeMap<String, u64> = switch
        .events("queue_joined")
        .iter()
        .map(|event| (text(&event["call"]), event["at"].as_u64().expect("a time")))
        .collect();
    let mut waits: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let made = switch.events("offer_made");
    assert_eq!(made.len(), count, "each call is offered once");
    for offer in &made {
        assert_eq!(offer["strategy"], "longest-idle", "{offer}");
        let wait = offer["at"].as_u64().expect("a time") - joined[&text(&offer["call"])];
        waits.entry(text(&offer["queue"])).or_default().push(wait / 1_000);
    }
    let most = |queue: &str| waits[queue].iter().copied().max().expect("calls");
    eprintln!("ms from joined to offered: {waits:?}");
    let failed = switch.events("plugin_failed");
    for (queue, faults) in QUEUES.iter().filter(|(queue, _)| *queue != "plain") {
        let of_it: Vec<String> =
            failed.iter().filter(|failed| failed["queue"] == *queue).map(|failed| text(&failed["fault"])).collect();
        assert!(
            of_it.len() >= CALLS && of_it.iter().all(|fault| faults.contains(&fault.as_str())),
            "{queue}: {of_it:?}"
        );
        // What hangs does so for ten seconds: who waited for it would show. The machine may be busy, for those of `plain`, too.
        assert!(most(queue) < most("plain") + 2_000, "{queue}: {waits:?}");
    }
    switch.assert_quiet();
}
