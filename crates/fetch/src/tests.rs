//! Against servers of a few lines each, on sockets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use ivr::web::{HeaderValue, MAX_REPLY, Method};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// Nothing here takes so long, however slow the machine is.
const LIMIT: Duration = Duration::from_secs(60);

/// Serves each connection on a thread of its own.
fn server(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Says this to whoever asks, and hands on what was asked.
fn says(answer: impl Into<Vec<u8>>) -> (SocketAddr, Receiver<String>) {
    let (told, asked) = channel();
    let answer = answer.into();
    let serve = move |mut stream: TcpStream| {
        let head = head(&mut stream);
        let _ = told.send(head);
        let _ = stream.write_all(&answer);
    };
    (server(serve), asked)
}

fn head(stream: &mut impl std::io::Read) -> String {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut octet).is_ok_and(|count| count == 1) {
        head.extend(octet);
    }
    String::from_utf8(head).unwrap()
}

fn request(origin: &str) -> Request {
    Request {
        method: Method::Get,
        origin: Origin::read(origin).unwrap(),
        path: Pii::new("/who?n=1".to_owned()),
        headers: Vec::new(),
        body: Pii::new(None),
        timeout: LIMIT,
    }
}

fn start(secrets: Secrets) -> (Fetcher, Receiver<(u64, Reply)>) {
    let (told, replies) = channel::<(u64, Reply)>();
    let told: Sender<_> = told;
    (Fetcher::start(secrets, move |id, reply| drop(told.send((id, reply)))).unwrap(), replies)
}

fn answer(request: Request) -> Reply {
    let (fetcher, replies) = start(Secrets::new());
    fetcher.ask(7, Box::new(request));
    let (id, reply) = replies.recv_timeout(LIMIT).unwrap();
    assert_eq!(id, 7);
    reply
}

fn failed(status: Option<u16>, failure: Failure) -> Reply {
    Reply::Failed { status, failure }
}

fn answered(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply::Answer { status, body: Pii::new(body.into()) }
}

#[test]
fn a_request_says_what_it_must_and_no_more() {
    let (address, asked) = says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let mut request = request(&format!("http://{address}"));
    request.headers = vec![
        ("X-Key".into(), HeaderValue::Secret("crm".into())),
        ("X-Tenant".into(), HeaderValue::Text("blue".into())),
    ];
    let (fetcher, replies) = start([("crm".into(), Pii::new("old".to_owned()))].into());
    fetcher.ask(1, Box::new(request.clone()));
    assert_eq!(replies.recv_timeout(LIMIT).unwrap(), (1, answered(200, "{}")));
    assert_eq!(
        asked.recv_timeout(LIMIT).unwrap().to_ascii_lowercase(),
        format!(
            "get /who?n=1 http/1.1\r\nhost: {address}\r\naccept: application/json\r\nuser-agent: strowger\r\n\
             connection: close\r\nx-key: old\r\nx-tenant: blue\r\n\r\n"
        )
    );
    // Secrets are taken anew; without one, nothing is sent.
    fetcher.set_secrets([("crm".into(), Pii::new("new".to_owned()))].into());
    fetcher.ask(2, Box::new(request.clone()));
    assert_eq!(replies.recv_timeout(LIMIT).unwrap(), (2, answered(200, "{}")));
    assert!(asked.recv_timeout(LIMIT).unwrap().contains("new"));
    fetcher.set_secrets(Secrets::new());
    fetcher.ask(3, Box::new(request));
    assert_eq!(replies.recv_timeout(LIMIT).unwrap(), (3, failed(None, Failure::Send)));
    assert!(asked.try_recv().is_err());
}

#[test]
fn json_is_sent_with_its_length() {
    let (told, asked) = channel();
    let address = server(move |mut stream| {
        let head = head(&mut stream);
        let mut body = [0; 7];
        stream.read_exact(&mut body).unwrap();
        told.send((head, body)).unwrap();
        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
    });
    let mut request = request(&format!("http://localhost:{}", address.port()));
    (request.method, request.body) = (Method::Post, Pii::new(Some("{\"a\":1}".to_owned())));
    assert_eq!(answer(request), answered(204, ""));
    let (head, body) = asked.recv_timeout(LIMIT).unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /who?n=1 ") && head.contains("content-type: application/json\r\n"), "{head}");
    assert!(head.contains("content-length: 7\r\n") && head.contains("host: localhost:"), "{head}");
    assert_eq!(&body, b"{\"a\":1}");
}

#[test]
fn what_a_server_says_is_bounded() {
    let body = |length: usize| [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'1'; length]].concat();
    let long_head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(400_000));
    let many_headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: 1\r\n".repeat(200));
    let cases = [
        (body(MAX_REPLY), answered(200, vec![b'1'; MAX_REPLY])),
        (body(MAX_REPLY + 1), failed(Some(200), Failure::TooLarge)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n".to_vec(), failed(Some(200), Failure::TooLarge)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}".to_vec(), failed(Some(200), Failure::Refused)),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ".to_vec(),
            failed(None, Failure::Refused),
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(), failed(Some(200), Failure::Refused)),
        (b"SIP/2.0 200 OK\r\n\r\n".to_vec(), failed(None, Failure::Refused)),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec(), answered(200, "{}")),
        (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}".to_vec(), answered(500, "")),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_vec(), answered(101, "")),
        (long_head.into_bytes(), failed(None, Failure::Refused)),
        (many_headers.into_bytes(), failed(None, Failure::Refused)),
        (Vec::new(), failed(None, Failure::Refused)),
    ];
    for (said, expected) in cases {
        let start = String::from_utf8_lossy(&said).chars().take(60).collect::<String>();
        let (address, _asked) = says(said);
        let reply = answer(request(&format!("http://{address}")));
        assert!(reply == expected, "{start:?}: {reply:?}");
    }
}

#[test]
fn no_redirect_is_followed() {
    let (elsewhere, asked) = says("HTTP/1.1 200 OK\r\n\r\n{}");
    for status in [301, 302, 303, 307, 308] {
        let (address, _asked) = says(format!("HTTP/1.1 {status} Gone\r\nLocation: http://{elsewhere}/\r\n\r\n"));
        assert_eq!(answer(request(&format!("http://{address}"))), answered(status, ""));
    }
    assert!(asked.try_recv().is_err());
}

#[test]
fn a_request_ends_by_its_time_whatever_the_server_does() {
    for said in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"] {
        let address = server(move |mut stream| {
            let _ = head(&mut stream);
            let _ = stream.write_all(said.as_bytes());
            // Until the other side closes.
            let _ = stream.read(&mut [0]);
        });
        let mut request = request(&format!("http://{address}"));
        request.timeout = Duration::from_millis(100);
        assert_eq!(answer(request), failed(None, Failure::Timeout), "{said:?}");
    }
}

#[test]
fn a_slow_server_gets_no_more_than_its_share_and_is_let_go_of() {
    let (told, closed) = channel();
    let slow = server(move |mut stream| {
        let _ = head(&mut stream);
        let ended = stream.read(&mut [0]);
        let _ = told.send(ended.unwrap_or(0));
    });
    let (fast, _asked) = says("HTTP/1.1 200 OK\r\n\r\n{}");
    let (slow, fast) = (request(&format!("http://{slow}")), request(&format!("http://{fast}")));
    let (fetcher, replies) = start(Secrets::new());
    let share = u64::try_from(MAX_TO_ONE).unwrap();
    let patient = Request { timeout: 10 * LIMIT, ..slow.clone() };
    (0..=share).for_each(|id| fetcher.ask(id, Box::new(patient.clone())));
    assert_eq!(replies.recv_timeout(LIMIT).unwrap(), (share, failed(None, Failure::Refused)));
    fetcher.ask(1000, Box::new(fast));
    assert_eq!(replies.recv_timeout(LIMIT).unwrap(), (1000, answered(200, "{}")));
    // Each that is given up is closed, told of no more, and makes room.
    (0..share).for_each(|id| fetcher.give_up(id));
    (0..share).for_each(|_| assert_eq!(closed.recv_timeout(LIMIT).unwrap(), 0));
    fetcher.ask(2000, Box::new(Request { timeout: Duration::from_millis(100), ..slow }));
    assert_eq!(replies.recv_timeout(LIMIT).unwrap(), (2000, failed(None, Failure::Timeout)));
    assert!(replies.try_recv().is_err());
}

/// One who answers under TLS, with a certificate for `name` that vouches for itself.
fn tls_server(name: &str) -> (SocketAddr, RootCertStore) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let mut roots = RootCertStore::empty();
    roots.add(chain[0].clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let address = server(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        if head(&mut stream).is_empty() {
            return;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        let _ = stream.flush();
    });
    (address, roots)
}

#[test]
fn a_certificate_must_be_vouched_for_and_be_of_the_host() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let ask = |address: SocketAddr, roots| {
        let request = request(&format!("https://{address}"));
        let headers = request::headers(&request, &Secrets::new());
        runtime.block_on(request::answer(&request, headers, &Lines::new(roots)))
    };
    let refused = failed(None, Failure::Refused);
    let (address, roots) = tls_server("127.0.0.1");
    assert_eq!(ask(address, roots), answered(200, "{}"));
    assert_eq!(ask(address, RootCertStore::empty()), refused);
    assert_eq!(answer(request(&format!("https://{address}"))), refused);
    let (address, roots) = tls_server("crm.example");
    assert_eq!(ask(address, roots), refused);
    // One who speaks no TLS.
    let address = server(|mut stream| drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{}")));
    assert_eq!(ask(address, RootCertStore::empty()), refused);
}
