//! SIP over TCP: SIPp's calls over connections, calls that outlive theirs, and peers who only hold them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::phone::{Media, Message, media_address};
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

/// A caller over TCP goes through the menu to the agent, who is called by `transport`.
fn menu_to_agent(suffix: &str, options: &[&str]) {
    const CALLS: u64 = 5;
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let mut agent = Sipp::answering("agent_answers", port, media, folder.path(), &[&["-rtp_echo"], options].concat());
    let mut company = Company::new(&ports).agent(&format!("sip:agent@127.0.0.1:{port}{suffix}"));
    company.tcp = true;
    company.queue.insert("wrap_up", "1ms".to_owned());
    for flow in company.flows.values_mut() {
        *flow = flow.replace("timeout: 1s", "timeout: 10s");
    }
    let switch = Switch::start(&company);
    let (port, media) = (ports.take(2), ports.take(4));
    let options = ["-t", "t1", "-m", "5", "-l", "1", "-r", "5", "-d", "1000"];
    let mut callers = Sipp::calling("caller_presses_1", "1001", switch.tcp(), port, media, folder.path(), &options);
    assert_eq!(callers.succeed(Duration::from_secs(90)).successful, CALLS);
    agent.wait_for_successes(CALLS, SOON);
    for cdr in switch.wait_for_cdrs(5) {
        assert_eq!((cdr["disposition"].as_str(), cdr["agent"].as_str()), (Some("answered"), Some("agent1")), "{cdr:#}");
    }
    switch.assert_quiet();
}

#[test]
fn a_caller_over_tcp_reaches_an_agent_over_udp() {
    menu_to_agent("", &[]);
}

#[test]
fn a_caller_over_tcp_reaches_an_agent_over_tcp() {
    menu_to_agent(";transport=tcp", &["-t", "t1"]);
}

/// A phone over TCP, as exact as the test wants it.
struct Phone {
    stream: TcpStream,
    read: Vec<u8>,
    media: Media,
    contact: TcpListener,
    /// To, once answered.
    to: String,
    target: String,
}

impl Phone {
    fn new(switch: SocketAddr, ports: &mut Ports) -> Self {
        let media = Media::bind((Ipv4Addr::LOCALHOST, ports.take(2)).into());
        let contact = TcpListener::bind((Ipv4Addr::LOCALHOST, ports.take(2))).expect("a port");
        let stream = TcpStream::connect(switch).expect("a connection");
        let target = format!("sip:1002@{switch}");
        Self { stream, read: Vec::new(), media, contact, to: format!("<{target}>"), target }
    }

    fn request(&mut self, method: &str, cseq: u32, body: &str) {
        let me = self.contact.local_addr().expect("bound");
        let Self { to, target, .. } = self;
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/TCP {me};branch=z9hG4bK{method}{cseq}{me};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:phone@{me}>;tag=phone\r\nTo: {to}\r\nCall-ID: {me}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:phone@{me};transport=tcp>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(text.as_bytes()).expect("sent");
    }

    /// The next message of the stream.
    fn next(&mut self) -> Message {
        let end = Instant::now() + SOON;
        loop {
            let text = String::from_utf8_lossy(&self.read).into_owned();
            if let Some(head) = text.find("\r\n\r\n") {
                let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
                let size = head + 4 + length.unwrap_or(0);
                if self.read.len() >= size {
                    return Message::new(&self.read.drain(..size).collect::<Vec<_>>());
                }
            }
            let mut buffer = [0; 4096];
            self.stream.set_read_timeout(Some(end.saturating_duration_since(Instant::now()))).expect("in time");
            let size = self.stream.read(&mut buffer).expect("in time");
            assert!(size > 0, "the switch closed the connection");
            self.read.extend_from_slice(&buffer[..size]);
        }
    }

    /// The next final response.
    fn answer(&mut self) -> Message {
        loop {
            let message = self.next();
            if message.status().is_some_and(|status| status >= 200) {
                return message;
            }
        }
    }

    /// Calls `1002`, which talks for ever.
    fn call(&mut self) {
        let local = self.media.local();
        let sdp = format!(
            "v=0\r\no=p 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n",
            local.port(),
            ip = local.ip()
        );
        self.request("INVITE", 1, &sdp);
        let answer = self.answer();
        assert_eq!(answer.status(), Some(200), "{answer}");
        assert!(answer.contact().ends_with(";transport=tcp"), "{answer}");
        (self.to, self.target) = (answer.must("To").to_owned(), answer.contact());
        self.request("ACK", 1, "");
        self.media.send_to(media_address(&answer));
        self.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    }
}

fn open_company(ports: &Ports) -> Company {
    let mut company = Company::new(ports);
    company.tcp = true;
    company.trunk = "127.0.0.0/8".to_owned();
    company
}

#[test]
fn a_call_outlives_its_connection_and_ends_by_another() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&open_company(&ports));
    let mut phone = Phone::new(switch.tcp(), &mut ports);
    phone.call();
    phone.stream = TcpStream::connect(switch.tcp()).expect("another connection");
    pause(Duration::from_secs(1));
    phone.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    assert!(switch.events("hung_up").is_empty());
    phone.request("BYE", 2, "");
    assert_eq!(phone.answer().status(), Some(200));
    assert_eq!(switch.wait_for_cdr()["hung_up_by"], "caller");
    switch.assert_quiet();
}

#[test]
fn the_switch_hangs_up_by_a_new_connection_to_the_contact_when_the_old_one_is_gone() {
    let mut ports = Ports::slice();
    let mut company = open_company(&ports);
    company.calls.insert("grace", "1s".to_owned());
    let mut switch = Switch::start(&company);
    let mut phone = Phone::new(switch.tcp(), &mut ports);
    phone.call();
    phone.stream.shutdown(std::net::Shutdown::Both).expect("it was open");
    pause(Duration::from_millis(500));
    switch.process().signal("TERM");
    phone.stream = phone.contact.accept().expect("the switch comes to the contact").0;
    let bye = phone.next();
    assert_eq!(bye.method(), Some("BYE"), "{bye}");
    let lines: Vec<String> =
        ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| format!("{name}: {}", bye.must(name))).into();
    let answer = format!("SIP/2.0 200 OK\r\n{}\r\nContent-Length: 0\r\n\r\n", lines.join("\r\n"));
    phone.stream.write_all(answer.as_bytes()).expect("sent");
    assert!(switch.process().wait(SOON).success());
}

/// The beginning of a message.
const BEGINNING: &[u8] = b"INVITE sip:1002@h SIP/2.0\r\nVia: SIP/2.0/TCP h";

/// `count` connections from `source`, each of which has sent `octets`.
pub fn slow(source: [u8; 4], count: usize, switch: SocketAddr, octets: &[u8]) -> Vec<TcpStream> {
    // The standard library cannot choose the source of a connection.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    runtime.block_on(async {
        let mut found = Vec::new();
        for _ in 0..count {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            socket.bind((source, 0).into()).expect("an address of this machine");
            let stream = socket.connect(switch).await.expect("a connection").into_std().expect("a stream");
            stream.set_nonblocking(false).expect("a blocking stream");
            // One that was turned away may be gone already.
            let _ = (&stream).write_all(octets);
            found.push(stream);
        }
        found
    })
}

/// True if the switch has closed it.
pub fn is_closed(stream: &mut TcpStream, patience: Duration) -> bool {
    stream.set_read_timeout(Some(patience)).expect("a limit");
    match stream.read(&mut [0; 8]) {
        Ok(size) => size == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn five_hundred_slow_connections_keep_no_call_waiting_and_are_cut_off() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&open_company(&ports));
    let mut held: Vec<TcpStream> =
        (2..7).flat_map(|last| slow([127, 0, 0, last], 100, switch.tcp(), BEGINNING)).collect();
    let began = Instant::now();
    assert_eq!(held.len(), 500);
    let mut phone = Phone::new(switch.tcp(), &mut ports);
    phone.call();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let mut by_udp = tests::phone::Phone::new(switch.address(), &mut ports);
    let mut dialog = by_udp.call("1002");
    assert_eq!(by_udp.bye(&mut dialog).status(), Some(200));
    assert!(!is_closed(&mut held[0], Duration::from_millis(1)), "they are held until their time is over");
    for stream in &mut held {
        assert!(is_closed(stream, SOON));
    }
    assert!(began.elapsed() > Duration::from_secs(8), "{:?}", began.elapsed());
    // The call by a connection of the same listener has gone on.
    phone.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    phone.request("BYE", 2, "");
    assert_eq!(phone.answer().status(), Some(200));
    switch.wait_for_cdrs(2);
    switch.assert_quiet();
}

#[test]
fn a_source_that_takes_all_the_connections_it_may_leaves_room_for_others() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&open_company(&ports));
    let mut held = slow([127, 0, 0, 2], 256 + 20, switch.tcp(), BEGINNING);
    let mut turned_away = held.split_off(256);
    // Long before the deadline for slow messages, which closes connections, too.
    for stream in &mut turned_away {
        assert!(is_closed(stream, Duration::from_secs(1)));
    }
    assert!(!is_closed(&mut held[255], Duration::from_millis(50)), "this one was within the limit");
    let mut phone = Phone::new(switch.tcp(), &mut ports);
    phone.call();
    phone.request("BYE", 2, "");
    assert_eq!(phone.answer().status(), Some(200));
}

/// What keeps the way through a NAT open, or is meant to: over UDP it has no answer.
#[test]
fn empty_lines_by_datagram_are_passed_over() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let mut phone = tests::phone::Phone::new(switch.address(), &mut ports);
    for octets in [&b"\r\n"[..], b"\r\n\r\n", b"\0\0\0\0", b" "] {
        phone.send(octets);
    }
    assert!(phone.seen(Duration::from_millis(300)).is_empty());
    assert!(phone.probe());
    assert!(switch.events("malformed").is_empty());
}
