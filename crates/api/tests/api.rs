//! Both listeners on real sockets, with a made-up domain thread: who may ask, bounds, deadlines, what is left behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_types,
    reason = "this is test code, and drives real sockets"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use api::{Api, Client, ClientError, ErrorCode, Figures, MAX_LINE, Post, Query, Reloaded, SOCKET, Tracing};
use switch::control::{Request, Response, Status};
use tokio::sync::oneshot;

const LIMIT: Duration = Duration::from_secs(20);

/// How the made-up domain thread behaves.
#[derive(Default)]
struct Domain {
    full: AtomicBool,
    /// Drops questions unanswered, as one that ends does.
    gone: AtomicBool,
    draining: AtomicBool,
    asked: AtomicUsize,
}

impl Domain {
    fn take(&self, query: Query) -> bool {
        if self.full.load(Ordering::Relaxed) {
            return false;
        }
        if self.gone.load(Ordering::Relaxed) {
            return true;
        }
        let calls = self.asked.fetch_add(1, Ordering::Relaxed);
        let status = Status { calls, draining: self.draining.load(Ordering::Relaxed), ..Status::default() };
        match query {
            Query::Control { request: Request::Status, reply } => drop(reply.send(Response::Status(status))),
            Query::Control { reply, .. } => drop(reply.send(Response::NoSuchCall)),
            Query::Figures { reply } => drop(reply.send(Box::new(Figures { status, ..Figures::default() }))),
            Query::Reload { reply, .. } if status.draining => {
                drop(reply.send(Err("users.yaml:1:1: error\n".to_owned())))
            }
            Query::Reload { plan, reply } => {
                let flows = vec![if plan { "planned" } else { "taken" }.to_owned()];
                drop(reply.send(Ok(Reloaded { changes: "users: 1 added".to_owned(), flows })));
            }
            Query::Watch(watch) => {
                // Says more than any client can take, until there is none.
                let mut watcher = trace::Watcher::new(watch);
                std::thread::Builder::new().spawn(move || while watcher.see(&packet()) {}).unwrap();
            }
        }
        true
    }
}

fn packet() -> trace::Packet {
    trace::Packet {
        at: base::Wall::from_unix_micros(7),
        sent: true,
        transport: sip_message::Transport::Udp,
        local: "127.0.0.1:5060".parse().unwrap(),
        remote: "127.0.0.1:5070".parse().unwrap(),
        octets: bytes::Bytes::from_static(b"BYE sip:101@h SIP/2.0\r\nCall-ID: 1\r\n\r\n").into(),
    }
}

struct Stage {
    domain: Arc<Domain>,
    folder: tempfile::TempDir,
    metrics: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn stage() -> Stage {
    stage_in(tempfile::tempdir().unwrap())
}

fn stage_in(folder: tempfile::TempDir) -> Stage {
    let api = Api::bind(folder.path(), Some("127.0.0.1:0".parse().unwrap())).unwrap();
    let metrics = api.metrics_address().unwrap();
    let domain = Arc::new(Domain::default());
    let (behind, (stop, stopped)) = (Arc::clone(&domain), oneshot::channel());
    let post: Post = Arc::new(move |query| behind.take(query));
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let serving = api.start(&post).unwrap();
            let _ = stopped.await;
            serving.finish(Duration::from_millis(100)).await;
        });
    };
    let thread = std::thread::Builder::new().spawn(serve).unwrap();
    Stage { domain, folder, metrics, stop: Some(stop), thread: Some(thread) }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Stage {
    fn path(&self) -> PathBuf {
        self.folder.path().join(SOCKET)
    }

    fn client(&self) -> Client {
        Client::connect(self.folder.path()).unwrap()
    }

    fn line(&self) -> BufReader<UnixStream> {
        let stream = UnixStream::connect(self.path()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        BufReader::new(stream)
    }

    /// What comes back for `octets`, until the server closes.
    fn http(&self, octets: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.metrics).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // The server may have refused before all is sent.
        let _ = stream.write_all(octets);
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn get(&self, path: &str) -> String {
        self.http(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
    }
}

/// Sends a line and reads the answer; empty at the end of the connection.
fn exchange(stream: &mut BufReader<UnixStream>, octets: &[u8]) -> String {
    let _ = stream.get_mut().write_all(octets);
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line
}

#[test]
fn a_reload_tells_what_is_new_or_every_fault() {
    let stage = stage();
    let mut client = stage.client();
    let told = |reloaded: Reloaded| (reloaded.changes, reloaded.flows.concat());
    assert_eq!(told(client.reload(false).unwrap()), ("users: 1 added".to_owned(), "taken".to_owned()));
    assert_eq!(told(client.reload(true).unwrap()), ("users: 1 added".to_owned(), "planned".to_owned()));
    let answer = exchange(&mut stage.line(), b"{\"v\":1,\"request\":\"reload\"}\n");
    assert_eq!(answer, "{\"v\":1,\"response\":{\"changes\":\"users: 1 added\",\"flows\":[\"taken\"]}}\n");
    stage.domain.draining.store(true, Ordering::Relaxed);
    let refused = client.reload(false).unwrap_err();
    assert!(matches!(&refused, ClientError::Faulty { report } if report == "users.yaml:1:1: error\n"), "{refused:?}");
    stage.domain.full.store(true, Ordering::Relaxed);
    let refused = client.reload(false).unwrap_err();
    assert!(matches!(refused, ClientError::Refused { code: ErrorCode::Busy, .. }), "{refused:?}");
    stage.domain.full.store(false, Ordering::Relaxed);
    stage.domain.gone.store(true, Ordering::Relaxed);
    let refused = client.reload(false).unwrap_err();
    assert!(matches!(refused, ClientError::Refused { code: ErrorCode::Gone, .. }), "{refused:?}");
}

#[test]
fn requests_of_a_connection_are_answered_in_order() {
    let stage = stage();
    let mut client = stage.client();
    for calls in 0..3 {
        let status = Status { calls, ..Status::default() };
        assert_eq!(client.ask(&Request::Status).unwrap(), Response::Status(status));
    }
    let call = base::CallId::from_raw(1);
    assert_eq!(client.ask(&Request::Hangup { call }).unwrap(), Response::NoSuchCall);
}

#[test]
fn the_socket_is_for_its_owner_alone() {
    let stage = stage();
    assert_eq!(stage.path().metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn garbage_is_told_and_the_connection_goes_on() {
    let stage = stage();
    let mut line = stage.line();
    for garbage in [&b"\n"[..], b"status\n", b"\xff\xfe\x00\n", b"{\"v\":1,\"request\":\"reboot\"}\n"] {
        let answer = exchange(&mut line, garbage);
        assert!(answer.starts_with("{\"v\":1,\"error\":{\"code\":\"bad_request\""), "{answer}");
    }
    assert!(exchange(&mut line, b"{\"v\":2,\"request\":\"status\"}\n").contains("\"version\""));
    assert!(exchange(&mut line, b"{\"v\":1,\"request\":\"status\"}\n").contains("\"response\""));
    assert_eq!(stage.domain.asked.load(Ordering::Relaxed), 1, "garbage reached the domain thread");
}

#[test]
fn a_line_that_is_too_long_ends_the_connection() {
    let stage = stage();
    let mut line = stage.line();
    let answer = exchange(&mut line, &vec![b' '; MAX_LINE + 1]);
    assert!(answer.contains("\"too_long\""), "{answer}");
    assert_eq!(line.read_line(&mut String::new()).unwrap_or(0), 0, "still open");
    // The longest that is allowed is read.
    let mut longest = b"{\"v\":1,\"request\":\"status\"}".to_vec();
    longest.resize(MAX_LINE - 1, b' ');
    longest.push(b'\n');
    assert!(exchange(&mut stage.line(), &longest).contains("\"response\""));
}

#[test]
fn a_client_that_says_nothing_is_cut_off() {
    let stage = stage();
    let mut line = stage.line();
    let answer = exchange(&mut line, b"{\"v\":1,");
    assert!(answer.contains("\"too_slow\""), "{answer}");
    assert_eq!(line.read_line(&mut String::new()).unwrap_or(0), 0, "still open");
}

#[test]
fn too_many_clients_are_told_to_try_again_and_seats_come_free() {
    let stage = stage();
    let mut seated: Vec<_> = (0..16).map(|_| stage.client()).collect();
    // Each has been served, so that each has its seat.
    for client in &mut seated {
        client.ask(&Request::Status).unwrap();
    }
    let refused = stage.client().ask(&Request::Status).unwrap_err();
    assert!(matches!(refused, ClientError::Refused { code: api::ErrorCode::Busy, .. }), "{refused}");
    drop(seated);
    let mut tries = 0;
    while stage.client().ask(&Request::Status).is_err() {
        tries += 1;
        assert!(tries < 10_000, "no seat comes free");
    }
}

#[test]
fn a_domain_thread_that_is_full_or_gone_is_told() {
    let stage = stage();
    let mut client = stage.client();
    stage.domain.full.store(true, Ordering::Relaxed);
    let busy = client.ask(&Request::Status).unwrap_err();
    assert!(matches!(busy, ClientError::Refused { code: api::ErrorCode::Busy, .. }), "{busy}");
    assert!(stage.get("/health").starts_with("HTTP/1.1 503 "));
    stage.domain.full.store(false, Ordering::Relaxed);
    stage.domain.gone.store(true, Ordering::Relaxed);
    let gone = client.ask(&Request::Status).unwrap_err();
    assert!(matches!(gone, ClientError::Refused { code: api::ErrorCode::Gone, .. }), "{gone}");
    assert!(stage.get("/health").ends_with("\r\n\r\nnot running\n"));
}

#[test]
fn where_no_switch_runs_the_client_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let told = |folder: &std::path::Path| Client::connect(folder).unwrap_err();
    assert!(matches!(told(folder.path()), ClientError::NoSwitch { .. }));
    assert!(matches!(told(&folder.path().join("none")), ClientError::NoSwitch { .. }));
    // A switch that was killed leaves its socket.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap());
    assert!(matches!(told(folder.path()), ClientError::NoSwitch { .. }));
}

#[test]
fn a_socket_left_by_a_dead_switch_is_replaced_and_an_end_in_order_leaves_none() {
    let folder = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap());
    let stage = stage_in(folder);
    stage.client().ask(&Request::Status).unwrap();
    let (mut stage, path) = (stage, PathBuf::new());
    drop(path);
    drop(stage.stop.take());
    let path = stage.path();
    let mut waits = 0;
    while path.exists() {
        waits += 1;
        assert!(waits < 1_000_000, "the socket stays");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_no_socket_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SOCKET);
    std::fs::write(&path, "mine").unwrap();
    let error = Api::bind(folder.path(), None).unwrap_err().to_string();
    assert!(error.contains("something else has this name"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn a_folder_with_a_long_path_has_its_socket_too() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("a".repeat(120)).join("b".repeat(120));
    std::fs::create_dir_all(&folder).unwrap();
    let api = Api::bind(&folder, None).unwrap();
    assert!(folder.join(SOCKET).exists() && Client::connect(&folder).is_ok());
    drop(api);
}

#[test]
fn a_port_that_is_taken_is_told() {
    let stage = stage();
    let folder = tempfile::tempdir().unwrap();
    let error = Api::bind(folder.path(), Some(stage.metrics)).unwrap_err().to_string();
    assert!(error.contains(&stage.metrics.to_string()), "{error}");
    assert!(!folder.path().join(SOCKET).exists(), "a start that failed leaves its socket");
}

#[test]
fn metrics_and_health_are_served() {
    let stage = stage();
    let page = stage.get("/metrics");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("\nstrowger_calls 0\n"), "{page}");
    assert!(stage.get("/metrics").contains("\nstrowger_calls 1\n"), "figures stand still");
    assert!(stage.get("/health").ends_with("\r\n\r\nok\n"));
    stage.domain.draining.store(true, Ordering::Relaxed);
    let health = stage.get("/health");
    assert!(health.starts_with("HTTP/1.1 503 ") && health.ends_with("draining\n"), "{health}");
    assert!(stage.get("/metrics").contains("\nstrowger_draining 1\n"));
}

#[test]
fn bad_requests_are_refused_and_the_connection_is_closed() {
    let stage = stage();
    for (octets, status) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], 404),
        (b"DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"INVITE sip:1000@localhost SIP/2.0\r\nVia: x\r\n\r\n", 400),
    ] {
        let answer = stage.http(octets);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    assert!(stage.http(&vec![b'a'; 100_000]).starts_with("HTTP/1.1 431 "));
    assert_eq!(stage.domain.asked.load(Ordering::Relaxed), 0);
}

#[test]
fn a_slow_http_client_is_cut_off_and_keeps_nobody_waiting() {
    let stage = stage();
    let mut slow = TcpStream::connect(stage.metrics).unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHost: ").unwrap();
    assert!(stage.get("/health").contains("200 OK"));
    slow.set_read_timeout(Some(LIMIT)).unwrap();
    let mut text = String::new();
    slow.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
}

#[test]
fn too_many_http_clients_are_told_to_try_again() {
    let stage = stage();
    let idle: Vec<_> = (0..16).map(|_| TcpStream::connect(stage.metrics).unwrap()).collect();
    let answer = stage.http(b"");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("too many clients"), "{answer}");
    drop(idle);
}

#[test]
fn who_watches_sees_messages_masked_unless_he_wants_them_clear_and_is_told_what_he_missed() {
    let stage = stage();
    for (clear, text) in [(false, "BYE sip:xxx@h SIP/2.0"), (true, "BYE sip:101@h SIP/2.0")] {
        let (mut seen, mut missed) = (0, 0);
        let watched = stage.client().watch(Tracing { from: None, clear }, |message| {
            assert!(message.text.starts_with(text), "{}", message.text);
            assert_eq!((message.at.as_unix_micros(), message.sent, message.transport.as_str()), (7, true, "UDP"));
            seen += 1;
            missed += message.left_out;
            missed == 0
        });
        assert!(watched.is_ok() && missed > 0 && seen > 1, "{watched:?} {seen} {missed}");
    }
    // Others are served meanwhile and afterwards.
    assert!(stage.client().ask(&Request::Status).is_ok());
}

#[test]
fn who_watches_and_says_anything_sees_no_more() {
    let stage = stage();
    let mut stream = stage.line();
    stream.get_mut().write_all(b"{\"v\":1,\"request\":{\"trace\":{}}}\n").unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert_eq!(line, "{\"v\":1,\"response\":\"watching\"}\n");
    stream.get_mut().write_all(b"x").unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
}
