//! A load of short calls over TCP or TLS, which SIPp's packages often cannot do: INVITE, 200, ACK, and the switch hangs up.
//!
//! `signal --target 127.0.0.1:5061 --tls CA.pem --extension 1000 --rate 500 --count 3000 --connections 10`
//!
//! Without `--tls` it goes over TCP, where SIPp can tell whether it measures alike. Calls begin at the given rate, each on
//! the next connection. Prints one JSON object: how many ended well, how many not, and the milliseconds from INVITE to 200.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program: it owns its clock and its sockets")]

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip_message::{Frame, Framer, HeaderName, Message, Method, Request, Response, ResponseBuilder, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long the last calls may take once no more begin.
const LAST_CALLS: Duration = Duration::from_secs(15);
/// What one read takes at most.
const READ: usize = 16 * 1024;

/// What was asked for on the command line.
struct Asked {
    target: SocketAddr,
    /// The file with the certificate that vouches for the switch; without one, no TLS.
    tls: Option<String>,
    extension: String,
    rate: f64,
    count: u64,
    connections: usize,
}

impl Asked {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut given: HashMap<String, String> = HashMap::new();
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("what is `{word}`?"))?.to_owned();
            given.insert(name, words.next().ok_or_else(|| format!("`{word}` needs a value"))?);
        }
        let mut take = |name: &str| given.remove(name);
        let asked = Self {
            target: take("target").ok_or("--target is missing")?.parse()?,
            tls: take("tls"),
            extension: take("extension").unwrap_or_else(|| "1000".to_owned()),
            rate: take("rate").ok_or("--rate is missing")?.parse()?,
            count: take("count").ok_or("--count is missing")?.parse()?,
            connections: take("connections").map_or(Ok(10), |text| text.parse())?,
        };
        match given.keys().next() {
            Some(name) => Err(format!("there is no --{name}").into()),
            None if asked.connections == 0 || asked.rate <= 0.0 => {
                Err("--rate and --connections are more than 0".into())
            }
            None => Ok(asked),
        }
    }
}

/// What became of the calls of all connections.
#[derive(Default)]
struct Tally {
    ok: AtomicU64,
    failed: AtomicU64,
}

/// One connection's calls.
struct Caller {
    extension: String,
    local: SocketAddr,
    target: SocketAddr,
    transport: &'static str,
    tally: Arc<Tally>,
    /// When each call that has no answer began, by Call-ID.
    asked: HashMap<String, Instant>,
    answer_ms: Vec<f64>,
}

impl Caller {
    fn invite(&mut self, number: u64) -> String {
        let (local, ip, target, transport, extension) =
            (self.local, self.local.ip(), self.target, self.transport, &self.extension);
        let sdp = format!(
            "v=0\r\no=bench 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\n\
             a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        );
        let call_id = format!("{number}@{local}");
        self.asked.insert(call_id.clone(), Instant::now());
        format!(
            "INVITE sip:{extension}@{target} SIP/2.0\r\nVia: SIP/2.0/{transport} {local};branch=z9hG4bKi{number}\r\n\
             From: \"bench\" <sip:bench{number}@{local}>;tag={number}\r\nTo: <sip:{extension}@{target}>\r\n\
             Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContact: <sip:bench@{local};transport={transport}>\r\n\
             Max-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        )
    }

    /// What to send for a message that came.
    fn answer(&mut self, message: Message) -> Option<Bytes> {
        match message {
            Message::Response(response) => self.heard(&response),
            Message::Request(request) => Some(self.asked_for(&request)),
            Message::KeepAlive => None,
        }
    }

    fn heard(&mut self, response: &Response) -> Option<Bytes> {
        let code = response.status.code();
        if code < 200 {
            return None;
        }
        let call_id = response.head.call_id.as_str();
        if let Some(began) = self.asked.remove(call_id) {
            if code < 300 {
                self.answer_ms.push(began.elapsed().as_secs_f64() * 1000.0);
            } else {
                self.tally.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        let number = response.head.from.tag().unwrap_or_default();
        let target = match response.head.contacts.first() {
            Some(contact) if code < 300 => contact.uri.to_string(),
            _ => format!("sip:{}@{}", self.extension, self.target),
        };
        // The ACK of a failure is of the INVITE's transaction (RFC 3261 17.1.1.3).
        let branch = if code < 300 { 'a' } else { 'i' };
        let text = format!(
            "ACK {target} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{branch}{number}\r\nFrom: {}\r\nTo: {}\r\n\
             Call-ID: {call_id}\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            self.transport,
            self.local,
            response.header(HeaderName::From).unwrap_or_default(),
            response.header(HeaderName::To).unwrap_or_default(),
        );
        Some(text.into())
    }

    fn asked_for(&self, request: &Request) -> Bytes {
        let status = if request.method == Method::Bye {
            self.tally.ok.fetch_add(1, Ordering::Relaxed);
            StatusCode::OK
        } else {
            StatusCode::NOT_IMPLEMENTED
        };
        ResponseBuilder::to(request, self.target, status).build()
    }

    /// Serves one connection until it is told to end, or closed. Gives the times to answer.
    async fn run(
        mut self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        mut orders: mpsc::UnboundedReceiver<u64>,
    ) -> Vec<f64> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let (mut framer, mut octets) = (Framer::new(), vec![0; READ]);
        loop {
            let mut out = Vec::new();
            tokio::select! {
                order = orders.recv() => match order {
                    Some(number) => out.extend_from_slice(self.invite(number).as_bytes()),
                    None => return self.answer_ms,
                },
                read = reader.read(&mut octets) => {
                    let Ok(count @ 1..) = read else { return self.answer_ms };
                    framer.push(octets.get(..count).unwrap_or_default());
                    while let Some(frame) = framer.poll() {
                        if let Frame::Message(Ok(message)) = frame {
                            out.extend_from_slice(&self.answer(message).unwrap_or_default());
                        }
                    }
                }
            }
            if !out.is_empty() && (writer.write_all(&out).await.is_err() || writer.flush().await.is_err()) {
                return self.answer_ms;
            }
        }
    }
}

fn connector(ca: &str) -> Result<TlsConnector, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        roots.add(certificate?)?;
    }
    Ok(TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())))
}

/// Begins the calls at their rate, and waits for the last of them.
async fn begin(asked: &Asked, callers: &[mpsc::UnboundedSender<u64>], tally: &Tally) {
    let start = Instant::now();
    for (number, caller) in (0..asked.count).zip(callers.iter().cycle()) {
        let due = start + Duration::from_secs_f64(number as f64 / asked.rate);
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
        // A connection that is gone leaves its calls undone, which the tally shows.
        let _ = caller.send(number);
    }
    let over = Instant::now() + LAST_CALLS;
    while tally.ok.load(Ordering::Relaxed) + tally.failed.load(Ordering::Relaxed) < asked.count && Instant::now() < over
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let asked = Asked::read()?;
    let tls = asked.tls.as_deref().map(connector).transpose()?;
    let tally = Arc::new(Tally::default());
    let (mut callers, mut tasks) = (Vec::new(), Vec::new());
    for _ in 0..asked.connections {
        let stream = TcpStream::connect(asked.target).await?;
        stream.set_nodelay(true)?;
        let caller = Caller {
            extension: asked.extension.clone(),
            local: stream.local_addr()?,
            target: asked.target,
            transport: if tls.is_some() { "TLS" } else { "TCP" },
            tally: tally.clone(),
            asked: HashMap::new(),
            answer_ms: Vec::new(),
        };
        let (orders, todo) = mpsc::unbounded_channel();
        callers.push(orders);
        tasks.push(match &tls {
            Some(tls) => {
                let stream = tls.connect(ServerName::from(asked.target.ip()), stream).await?;
                tokio::spawn(caller.run(stream, todo))
            }
            None => tokio::spawn(caller.run(stream, todo)),
        });
    }
    let start = Instant::now();
    begin(&asked, &callers, &tally).await;
    let seconds = start.elapsed().as_secs_f64();
    drop(callers);
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await?);
    }
    times.sort_by(f64::total_cmp);
    let (ok, failed) = (tally.ok.load(Ordering::Relaxed), tally.failed.load(Ordering::Relaxed));
    println!("{}", serde_json::json!({ "ok": ok, "failed": failed, "seconds": seconds, "times": times }));
    Ok(())
}
