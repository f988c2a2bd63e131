//! Flows that ask a web server, which Python plays: right, slow, down, and lying.

use std::process::{Command, Stdio};
use std::time::Duration;

use tests::company::Company;
use tests::ports::Ports;
use tests::process::Process;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::SOON;

/// Answers by what the path says, and tells its port first.
const SERVER: &str = r#"
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *args): pass
    def say(self, status, body, *headers, length=None):
        self.send_response(status)
        for name, value in headers: self.send_header(name, value)
        self.send_header('Content-Length', str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True
    def do_GET(self):
        print(self.path, flush=True)
        path = self.path.split('?')[0]
        try:
            if path == '/right': self.say(200, b'{"name": "Ada"}')
            elif path == '/slow': time.sleep(30)
            elif path == '/text': self.say(200, b'<html>')
            elif path == '/latin': self.say(200, b'{"name": "\xff"}')
            elif path == '/huge': self.say(200, b'"' + b'x' * 70000 + b'"')
            elif path == '/short': self.say(200, b'{"name": "Ada"}', length=400)
            elif path == '/away': self.say(302, b'', ('Location', '/right'))
            elif path == '/endless':
                self.send_response(200); self.send_header('Transfer-Encoding', 'chunked'); self.end_headers()
                while True: self.wfile.write(b'400\r\n' + b' ' * 1024 + b'\r\n')
        except OSError: pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
server.daemon_threads = True
print('port', server.server_port, flush=True)
server.serve_forever()
"#;

fn server(ports: &Ports) -> (Process, u16, tempfile::TempDir) {
    let _ = ports;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("python3");
    command.args(["-c", SERVER]).stdin(Stdio::null());
    let mut process = Process::start("web", command, folder.path());
    let line = process.wait_for_line("its port", SOON, |line| line.starts_with("port "));
    let port = line.trim_start_matches("port ").trim().parse().expect("a port");
    (process, port, folder)
}

fn asking(ports: &Ports, port: u16, path: &str, timeout: &str) -> Switch {
    let mut company = Company::new(ports);
    company.web = Some(format!("http://127.0.0.1:{port}"));
    let nodes = format!(
        "version: 1\nnodes:\n  ask:\n    http:\n      get: \"http://127.0.0.1:{port}{path}\"\n      query: {{ n: dialled }}\n      timeout: {timeout}\n      hear: welcome\n      take: {{ name: reply.name }}\n      failed: bad\n    next: good\n  good: {{ play: goodbye, next: hangup }}\n  bad: {{ play: goodbye, next: hangup }}\n"
    );
    company.flows.insert("ask", nodes);
    company.numbers.insert("1005", "{ flow: ask }".to_owned());
    Switch::start(&company)
}

#[test]
fn a_web_server_is_believed_no_more_than_it_deserves() {
    let cases = [
        ("/right", "good", None),
        ("/slow", "bad", Some("timeout")),
        ("/text", "bad", Some("not_json")),
        ("/latin", "bad", Some("not_json")),
        ("/huge", "bad", Some("too_large")),
        ("/endless", "bad", Some("too_large")),
        ("/short", "bad", Some("refused")),
        ("/away", "bad", Some("status")),
        ("/down", "bad", Some("refused")),
    ];
    for (path, node, failure) in cases {
        let mut ports = Ports::slice();
        let (mut web, port, _folder) = server(&ports);
        if path == "/down" {
            web.kill();
        }
        let switch = asking(&ports, port, path, "2s");
        let (port, media) = (ports.take(2), ports.take(6));
        let options = ["-m", "1", "-d", "300", "-key", "keys", "1"];
        Sipp::calling("caller_types", "1005", switch.address(), port, media, switch.folder(), &options)
            .succeed(Duration::from_secs(60));
        switch.wait_for_cdr();
        let told = switch.events("http");
        assert_eq!(told.len(), 1, "{path}");
        assert_eq!(told[0]["failure"].as_str(), failure, "{path}: {}", told[0]);
        let nodes = switch.events("node_entered");
        assert_eq!(nodes.last().unwrap()["node"], node, "{path}");
        if path == "/right" {
            assert!(web.lines().iter().any(|line| line == "/right?n=1005"), "{:?}", web.lines());
        }
        if path == "/away" {
            assert!(!web.lines().iter().any(|line| line.contains("right")), "a redirect was followed");
        }
        switch.assert_quiet();
    }
}
