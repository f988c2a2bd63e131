//! Flows that ask a web server, which Python plays: right, slow, down, and lying; in the open and under TLS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tests::certificates::{Authority, Pair};
use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::process::Process;
use tests::records;
use tests::switch::{Switch, binary};
use tests::wait::{SOON, until_true};

/// Answers by what the path says. Tells its port, then each request with the header X-Key, and when somebody has given up.
const SERVER: &str = r#"
import http.server, ssl, sys
def tell(*words): sys.stdout.write(' '.join(map(str, words)) + '\n'); sys.stdout.flush()
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
        tell('asked', self.path, self.headers.get('X-Key'))
        path = self.path.split('?')[0]
        try:
            if path == '/right': self.say(200, b'{"name": "Ada Lovelace"}')
            elif path == '/slow': self.connection.recv(1) or tell('given up')
            elif path == '/trickle':
                self.send_response(200); self.send_header('Content-Length', '1000'); self.end_headers()
                self.wfile.write(b'{'); self.connection.recv(1) or tell('given up')
            elif path == '/text': self.say(200, b'<html>')
            elif path == '/nothing': self.say(200, b'')
            elif path == '/latin': self.say(200, b'{"name": "\xff"}')
            elif path == '/kinds': self.say(200, b'{"name": ["Ada"]}')
            elif path == '/without': self.say(200, b'{}')
            elif path == '/deep': self.say(200, b'[' * 60000)
            elif path == '/huge': self.say(200, b'"' + b'x' * 70000 + b'"')
            elif path == '/short': self.say(200, b'{"name": "Ada"}', length=400)
            elif path == '/long': self.say(200, b'{"name": "Ada"}', length=5)
            elif path == '/error': self.say(500, b'{"name": "Ada"}')
            elif path.startswith('/away/'): self.say(302, b'', ('Location', 'http://127.0.0.1:' + path[6:] + '/right'))
            elif path == '/rubbish': self.wfile.write(b'\0' * 1000)
            elif path == '/endless':
                self.send_response(200); self.send_header('Transfer-Encoding', 'chunked'); self.end_headers()
                while True: self.wfile.write(b'400\r\n' + b' ' * 1024 + b'\r\n')
        except OSError: pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100
    def handle_error(self, *args): pass
server = Server(('127.0.0.1', 0), Handler)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
tell('port', server.server_port)
server.serve_forever()
"#;

struct Web {
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Web {
    fn new() -> Self {
        Self::with(None)
    }

    /// Under TLS if it has a certificate to show.
    fn with(shows: Option<&Pair>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("python3");
        command.args(["-c", SERVER]).args(shows.iter().flat_map(|pair| [&pair.certificate, &pair.key]));
        let mut process = Process::start("web", command, folder.path());
        let line = process.wait_for_line("its port", SOON, |line| line.starts_with("port "));
        let port = line.trim_start_matches("port ").trim().parse().expect("a port");
        Self { process, port, _folder: folder }
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn asked(&self) -> Vec<String> {
        self.process.lines().into_iter().filter(|line| line.starts_with("asked ")).collect()
    }
}

/// Hears the music while he waits, then a tone without an end: that of welcome if all went well, else that of a wrong key.
fn asking(url: &str, more: &str) -> String {
    format!(
        "version: 1
nodes:
  ask:
    http:
      get: \"{url}\"
      query: {{ n: dialled }}
      hear: music
      take: {{ name: \"reply.name + '!'\" }}
      failed: bad
{more}
    next: good
  good: {{ play: {{ prompt: welcome, repeat: forever }} }}
  bad: {{ play: {{ prompt: wrong, repeat: forever }} }}
"
    )
}

fn allow(origins: &[String]) -> Option<String> {
    Some(format!("http: {{ allow: [{}] }}", origins.iter().map(|o| format!("\"{o}\"")).collect::<Vec<_>>().join(", ")))
}

/// Whether none of the folder's files has this text, journal and traces among them.
fn is_nowhere(folder: &Path, text: &str) -> bool {
    records::files(folder, "").iter().filter(|path| path.is_file()).all(|path| {
        let held = fs::read(path).expect("a file");
        !held.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

#[test]
fn a_web_server_is_believed_no_more_than_it_deserves() {
    let (web, elsewhere) = (Web::new(), Web::new());
    let mut ports = Ports::slice();
    let nobody = format!("http://127.0.0.1:{}", ports.take(2));
    let away = format!("/away/{}", elsewhere.port);
    let cases: [(&str, &str, Option<u16>, Option<&str>); 17] = [
        (&web.origin(), "/right", Some(200), None),
        (&web.origin(), "/text", Some(200), Some("not_json")),
        (&web.origin(), "/nothing", Some(200), Some("not_json")),
        (&web.origin(), "/latin", Some(200), Some("not_json")),
        (&web.origin(), "/deep", Some(200), Some("not_json")),
        (&web.origin(), "/long", Some(200), Some("not_json")),
        (&web.origin(), "/kinds", Some(200), Some("take")),
        (&web.origin(), "/without", Some(200), Some("take")),
        (&web.origin(), "/huge", Some(200), Some("too_large")),
        (&web.origin(), "/endless", Some(200), Some("too_large")),
        (&web.origin(), "/short", Some(200), Some("refused")),
        (&web.origin(), "/rubbish", None, Some("refused")),
        (&web.origin(), "/error", Some(500), Some("status")),
        (&web.origin(), &away, Some(302), Some("status")),
        (&web.origin(), "/slow", None, Some("timeout")),
        (&web.origin(), "/trickle", None, Some("timeout")),
        (&nobody, "/right", None, Some("refused")),
    ];
    let mut company = Company::new(&ports);
    company.web = allow(&[web.origin(), nobody.clone()]);
    let names: Vec<String> = (0..cases.len()).map(|at| format!("case{at}")).collect();
    for (at, (origin, path, _, failure)) in cases.iter().enumerate() {
        let timeout = if *failure == Some("timeout") { "1s" } else { "30s" };
        let flow = asking(&format!("{origin}{path}"), &format!("      timeout: {timeout}"));
        company.flows.insert(names[at].clone().leak(), flow);
        company.numbers.insert(format!("{}", 1100 + at).leak(), format!("{{ flow: {} }}", names[at]));
    }
    let switch = Switch::start(&company);
    let mut phone = Phone::new(switch.address(), &mut ports);
    for (at, (origin, path, status, failure)) in cases.iter().enumerate() {
        let start = Instant::now();
        let mut call = phone.call(&format!("{}", 1100 + at));
        let told = switch.wait_for_event("http", at + 1, SOON);
        assert_eq!(told["failure"].as_str(), *failure, "{path}: {told}");
        assert_eq!(told["status"].as_u64(), status.map(u64::from), "{path}: {told}");
        assert_eq!(
            (&told["origin"], &told["node"], &told["method"]),
            (&(*origin).into(), &"ask".into(), &"GET".into())
        );
        phone.media.wait_for_tone(if failure.is_none() { tones::WELCOME } else { tones::WRONG }, start, SOON);
        phone.bye(&mut call);
    }
    assert!(web.asked().contains(&"asked /right?n=1100 None".to_owned()), "{:?}", web.asked());
    assert_eq!(elsewhere.asked(), Vec::<String>::new(), "a redirect was followed");
    assert!(is_nowhere(&switch.data(), "Lovelace"), "what a server said was written down");
    switch.assert_quiet();
}

#[test]
fn a_caller_hears_something_while_he_waits_and_others_go_on() {
    let web = Web::new();
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.web = allow(&[web.origin()]);
    company.flows.insert("slow", asking(&format!("{}/slow", web.origin()), "      timeout: 20s"));
    company.flows.insert("quick", asking(&format!("{}/right", web.origin()), ""));
    for (number, flow) in [("1100", "slow"), ("1101", "quick")] {
        company.numbers.insert(number, format!("{{ flow: {flow} }}"));
    }
    let switch = Switch::start(&company);
    let mut slow: Vec<Phone> = (0..5).map(|_| Phone::new(switch.address(), &mut ports)).collect();
    let start = Instant::now();
    let mut waiting: Vec<_> = slow.iter_mut().map(|phone| phone.call("1100")).collect();
    for phone in &slow {
        phone.media.wait_for_tone(tones::MUSIC, start, SOON);
    }
    let mut other = Phone::new(switch.address(), &mut ports);
    for (number, tone) in [("1001", tones::WELCOME), ("1101", tones::WELCOME)] {
        let start = Instant::now();
        let mut call = other.call(number);
        other.media.wait_for_tone(tone, start, SOON);
        other.bye(&mut call);
    }
    // He was done before any of those who wait.
    let all = |count| -> Vec<Value> {
        switch.wait_for_event("http", count, Duration::from_secs(60));
        switch.events("http")
    };
    assert_eq!(all(6).iter().map(|told| told["failure"].as_str()).position(|failure| failure.is_none()), Some(0));
    for (phone, call) in slow.iter_mut().zip(&mut waiting) {
        phone.media.wait_for_tone(tones::WRONG, start, SOON);
        phone.bye(call);
    }
    until_true("all requests are given up", SOON, || {
        web.process.lines().iter().filter(|line| *line == "given up").count() == 5
    });
    switch.assert_quiet();
}

#[test]
fn a_caller_who_hangs_up_takes_his_request_with_him() {
    let mut web = Web::new();
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.web = allow(&[web.origin()]);
    company.flows.insert("slow", asking(&format!("{}/slow", web.origin()), "      timeout: 30s"));
    company.numbers.insert("1100", "{ flow: slow }".to_owned());
    let switch = Switch::start(&company);
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut call = phone.call("1100");
    web.process.wait_for_line("a request", SOON, |line| line.starts_with("asked "));
    phone.bye(&mut call);
    web.process.wait_for_line("that it is given up", SOON, |line| line == "given up");
    switch.wait_for_cdr();
    assert_eq!(switch.events("http"), Vec::<Value>::new());
    switch.assert_quiet();
}

#[test]
fn secrets_go_out_by_tls_alone_and_are_read_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(folder.path(), "authority");
    let pair = authority.issue("web", &["DNS:localhost"], 30);
    let web = Web::with(Some(&pair));
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    // The certificate is that of the name, not of the address.
    let (good, bad) = (format!("https://localhost:{}", web.port), format!("https://127.0.0.1:{}", web.port));
    let allowed = allow(&[good.clone(), bad.clone()]).expect("some");
    company.web = Some(format!("{allowed}\nsecrets: {{ crm: {{ file: crm.key }} }}"));
    company.secrets.insert("crm.key", "first-s3cret\n".to_owned());
    for (number, name, origin) in [("1100", "good", good), ("1101", "bad", bad)] {
        company.flows.insert(name, asking(&format!("{origin}/right"), "      headers: { X-Key: { secret: crm } }"));
        company.numbers.insert(number, format!("{{ flow: {name} }}"));
    }
    let call = |switch: &Switch, phone: &mut Phone, number: &str, tone: f64| {
        let start = Instant::now();
        let mut call = phone.call(number);
        phone.media.wait_for_tone(tone, start, SOON);
        phone.bye(&mut call);
        switch.assert_quiet();
    };
    let believing = |mut command: Command| {
        command.env("SSL_CERT_FILE", authority.file());
        command
    };
    let switch = Switch::start_with(&company, believing);
    let mut phone = Phone::new(switch.address(), &mut ports);
    call(&switch, &mut phone, "1100", tones::WELCOME);
    call(&switch, &mut phone, "1101", tones::WRONG);
    fs::write(switch.folder().join("config/crm.key"), "second-s3cret\n").expect("written");
    switch.told(&["reload"]);
    call(&switch, &mut phone, "1100", tones::WELCOME);
    assert_eq!(web.asked(), ["first", "second"].map(|word| format!("asked /right?n=1100 {word}-s3cret")));
    assert!(is_nowhere(&switch.data(), "s3cret"), "a secret was written down");
    // A switch to whom nobody vouches for it.
    let switch = Switch::start(&company);
    let mut phone = Phone::new(switch.address(), &mut ports);
    call(&switch, &mut phone, "1100", tones::WRONG);
    assert_eq!(web.asked().len(), 2);
}

/// The shipped company, but for its ports, and where the customer database is.
fn shipped(ports: &Ports, crm: u16, folder: &Path) -> PathBuf {
    let config = folder.join("config");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    for path in records::files(&shipped, "").into_iter().filter(|path| !path.starts_with(shipped.join("data"))) {
        let to = config.join(path.strip_prefix(&shipped).expect("below"));
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(path, to).expect("copied");
    }
    let changes =
        [("8099", crm.to_string()), ("0.0.0.0:5060", "127.0.0.1:0".to_owned()), ("16384-32766", ports.for_media())];
    for name in ["strowger.yaml", "flows/main.yaml"] {
        let text = fs::read_to_string(config.join(name)).expect("there");
        let text = changes.iter().fold(text, |text, (from, to)| text.replace(from, to));
        fs::write(config.join(name), text).expect("written");
    }
    config
}

#[test]
fn the_shipped_company_looks_accounts_up_and_copes_without_its_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/crm"));
    command.arg("0");
    let mut crm = Process::start("crm", command, folder.path());
    let line = crm.wait_for_line("its port", SOON, |line| line.starts_with("listening http 127.0.0.1:"));
    let port = line.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let mut ports = Ports::slice();
    let config = shipped(&ports, port, folder.path());
    let mut command = Command::new(binary());
    command.args(["run", "--config"]).arg(&config);
    let mut switch = Process::start("strowger", command, folder.path());
    switch.wait_for_line("ready", Duration::from_secs(30), |line| line == "ready");
    let line = switch.wait_for_line("listener", SOON, |line| line.starts_with("listening udp "));
    let mut phone = Phone::new(line.trim_start_matches("listening udp ").parse().expect("an address"), &mut ports);
    let nodes = || -> Vec<String> {
        let journal = records::json_lines(&config.join("data"));
        let entered = journal.iter().filter(|line| line["event"] == "node_entered");
        entered.filter_map(|line| line["node"].as_str().map(str::to_owned)).collect()
    };
    let mut before = 0;
    for (keys, leads_to) in [("34711#1", "known"), ("39999#1", "no-such-account"), ("34711#1", "accounts-away")] {
        if leads_to == "accounts-away" {
            crm.kill();
        }
        let mut call = phone.call("1000");
        phone.media.press(keys);
        until_true(leads_to, Duration::from_secs(30), || nodes().iter().skip(before).any(|node| node == leads_to));
        assert!(nodes().iter().skip(before).any(|node| node == "look-up"));
        phone.bye(&mut call);
        until_true("the call's end", SOON, || {
            let ended = |line: &Value| line["event"] == "call_ended";
            let journal = records::json_lines(&config.join("data"));
            journal.iter().filter(|line| line["event"] == "call_began").count()
                == journal.iter().filter(|line| ended(line)).count()
        });
        before = nodes().len();
    }
    let asked = crm.lines();
    assert_eq!(asked.get(1).map(String::as_str), Some("\"GET /customers?account=4711 HTTP/1.1\" 200 -"), "{asked:?}");
    assert!(is_nowhere(&config.join("data"), "Lovelace"), "what the database said was written down");
}
