//! A scripted phone of our own, for what must be exact to the message or the millisecond. The proof that others understand
//! us is SIPp and baresip; this one does what they cannot.

mod media;
mod message;

pub use media::{Media, Packet};
pub use message::Message;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::ports::Ports;
use crate::wait;

/// A phone: a SIP socket, driven by the test, and its audio.
#[derive(Debug)]
pub struct Phone {
    socket: UdpSocket,
    /// Its audio.
    pub media: Media,
    switch: SocketAddr,
    seen: Vec<Message>,
}

/// One side of a dialog.
#[derive(Clone, Debug)]
pub struct Dialog {
    call_id: String,
    local: String,
    remote: String,
    target: String,
    cseq: u32,
    invite_branch: String,
}

/// A string that is used nowhere else.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:x}x{:x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Phone {
    /// A phone on 127.0.0.1.
    pub fn new(switch: SocketAddr, ports: &mut Ports) -> Self {
        Self::at(Ipv4Addr::LOCALHOST.into(), switch, ports)
    }

    /// A phone on another address of this machine.
    ///
    /// # Panics
    /// If a port is taken.
    pub fn at(address: IpAddr, switch: SocketAddr, ports: &mut Ports) -> Self {
        let socket = UdpSocket::bind((address, ports.take(2))).expect("a port for SIP");
        let media = Media::bind((address, ports.take(2)).into());
        Self { socket, media, switch, seen: Vec::new() }
    }

    /// Sends to `switch` from now on.
    pub fn set_switch(&mut self, switch: SocketAddr) {
        self.switch = switch;
    }

    /// Where it receives SIP.
    ///
    /// # Panics
    /// Never: the socket is bound.
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    /// Its offer or answer: PCMU and telephone-event.
    pub fn sdp(&self) -> String {
        self.sdp_with(self.media.local().port(), "0 101", "a=rtpmap:0 PCMU/8000\r\n")
    }

    /// An SDP with other formats.
    pub fn sdp_with(&self, port: u16, formats: &str, attributes: &str) -> String {
        let ip = self.media.local().ip();
        let kind = if ip.is_ipv4() { "IP4" } else { "IP6" };
        format!(
            "v=0\r\no=phone 1 1 IN {kind} {ip}\r\ns=-\r\nc=IN {kind} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\n\
             {attributes}a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
        )
    }

    /// Sends octets as they are.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn send(&self, octets: &[u8]) {
        self.socket.send_to(octets, self.switch).expect("a datagram is sent");
    }

    /// Sends INVITE for `number` with `body`.
    pub fn invite(&self, number: &str, body: &str) -> Dialog {
        self.invite_as("phone", number, body)
    }

    /// Sends INVITE for `number` with `body`, by a name of one's own.
    pub fn invite_as(&self, me: &str, number: &str, body: &str) -> Dialog {
        let dialog = Dialog {
            call_id: unique(),
            local: format!("<sip:{me}@{}>;tag={}", self.address(), unique()),
            remote: format!("<sip:{number}@{}>", self.switch),
            target: format!("sip:{number}@{}", self.switch),
            cseq: 1,
            invite_branch: format!("z9hG4bK{}", unique()),
        };
        self.request(&dialog, "INVITE", &dialog.invite_branch, content(body), body);
        dialog
    }

    /// Calls `number` and waits until it is answered; audio flows then.
    ///
    /// # Panics
    /// If the call is refused or not answered in time.
    pub fn call(&mut self, number: &str) -> Dialog {
        self.call_as("phone", number)
    }

    /// As [`Self::call`], by a name of one's own.
    ///
    /// # Panics
    /// If the call is refused or not answered in time.
    pub fn call_as(&mut self, me: &str, number: &str) -> Dialog {
        let mut dialog = self.invite_as(me, number, &self.sdp());
        let answer = self.final_response(&dialog, wait::SOON);
        assert_eq!(answer.status(), Some(200), "{answer}");
        self.establish(&mut dialog, &answer);
        dialog
    }

    /// Takes a 200 to our INVITE: sends ACK and begins to talk.
    ///
    /// # Panics
    /// If its SDP cannot be read.
    pub fn establish(&mut self, dialog: &mut Dialog, answer: &Message) {
        dialog.remote = answer.must("To").to_owned();
        dialog.target = answer.contact();
        self.request(dialog, "ACK", &format!("z9hG4bK{}", unique()), "", "");
        self.media.send_to(media_address(answer));
    }

    /// Waits for the final response to the INVITE of `dialog`.
    ///
    /// # Panics
    /// If none comes within `limit`.
    pub fn final_response(&mut self, dialog: &Dialog, limit: Duration) -> Message {
        self.wait_for("a final response", limit, |m| {
            m.header("Call-ID") == Some(&dialog.call_id)
                && m.cseq_method() == "INVITE"
                && m.status().is_some_and(|status| status >= 200)
        })
    }

    /// Takes back an INVITE that is not answered.
    pub fn cancel(&self, dialog: &Dialog) {
        self.request(dialog, "CANCEL", &dialog.invite_branch, "", "");
    }

    /// ACK of a refusal, in the INVITE's transaction.
    pub fn acknowledge(&self, dialog: &Dialog, refusal: &Message) {
        let dialog = Dialog { remote: refusal.must("To").to_owned(), ..dialog.clone() };
        self.request(&dialog, "ACK", &dialog.invite_branch, "", "");
    }

    /// Ends a dialog and waits for the answer.
    ///
    /// # Panics
    /// If none comes.
    pub fn bye(&mut self, dialog: &mut Dialog) -> Message {
        dialog.cseq += 1;
        self.request(dialog, "BYE", &format!("z9hG4bK{}", unique()), "", "");
        self.wait_for("the answer to BYE", wait::SOON, |m| m.cseq_method() == "BYE" && m.status().is_some())
    }

    /// Waits for a call and answers it; audio flows then.
    ///
    /// # Panics
    /// If none comes within `limit`.
    pub fn take_call(&mut self, limit: Duration) -> Dialog {
        let invite = self.wait_for("INVITE", limit, |m| m.method() == Some("INVITE"));
        self.respond(&invite, "200 OK", "", &self.sdp());
        self.media.send_to(media_address(&invite));
        self.side_of(&invite)
    }

    /// The phone's side of the dialog that it begins by a response to `invite`.
    pub fn side_of(&self, invite: &Message) -> Dialog {
        Dialog {
            call_id: invite.must("Call-ID").to_owned(),
            local: format!("{};tag=phone{}", invite.must("To"), self.address().port()),
            remote: invite.must("From").to_owned(),
            target: invite.contact(),
            cseq: 0,
            invite_branch: String::new(),
        }
    }

    /// Sends a re-INVITE with `body`, waits for its final response, and acknowledges it.
    ///
    /// # Panics
    /// If none comes.
    pub fn reinvite(&mut self, dialog: &mut Dialog, body: &str) -> Message {
        self.reinvite_with(dialog, body, "")
    }

    /// A re-INVITE with an offer, or one without and the `answer` in the ACK.
    ///
    /// # Panics
    /// If no final response comes.
    pub fn reinvite_with(&mut self, dialog: &mut Dialog, offer: &str, answer: &str) -> Message {
        let response = self.ask(dialog, "INVITE", offer);
        self.confirm(dialog, &response, answer);
        response
    }

    /// Sends a REFER in the dialog: its other side shall talk to `number`, or to the other side of `instead`.
    ///
    /// # Panics
    /// If no final response comes.
    pub fn refer(&mut self, dialog: &mut Dialog, number: &str, instead: Option<&Dialog>) -> Message {
        dialog.cseq += 1;
        let tag = |address: &str| address.split(";tag=").nth(1).unwrap_or_default().to_owned();
        let replaces = instead.map_or_else(String::new, |other| {
            let (to, from) = (tag(&other.remote), tag(&other.local));
            format!("?Replaces={}%3Bto-tag%3D{to}%3Bfrom-tag%3D{from}", other.call_id)
        });
        let headers = format!("Refer-To: <sip:{number}@{}{replaces}>\r\n", self.switch);
        self.request(dialog, "REFER", &format!("z9hG4bK{}", unique()), &headers, "");
        let cseq = format!("{} REFER", dialog.cseq);
        self.wait_for("the answer to REFER", wait::SOON, |m| m.header("CSeq") == Some(&cseq) && m.status().is_some())
    }

    /// Sends a request in the dialog, with an offer if there is one, and waits for its final response. Nothing is acknowledged.
    ///
    /// # Panics
    /// If no final response comes.
    pub fn ask(&mut self, dialog: &mut Dialog, method: &str, offer: &str) -> Message {
        dialog.cseq += 1;
        dialog.invite_branch = format!("z9hG4bK{}", unique());
        self.request(dialog, method, &dialog.invite_branch, content(offer), offer);
        let cseq = format!("{} {method}", dialog.cseq);
        self.wait_for(&format!("the answer to {method}"), wait::SOON, |m| {
            m.header("CSeq") == Some(&cseq) && m.status().is_some_and(|status| status >= 200)
        })
    }

    /// ACK of the final response to an INVITE in the dialog, the latest one if it is a refusal.
    pub fn confirm(&self, dialog: &Dialog, response: &Message, answer: &str) {
        let is_success = response.status() == Some(200);
        let branch = if is_success { format!("z9hG4bK{}", unique()) } else { dialog.invite_branch.clone() };
        let cseq = response.must("CSeq").split(' ').next().and_then(|number| number.parse().ok());
        let of_then = Dialog { cseq: cseq.unwrap_or(dialog.cseq), ..dialog.clone() };
        self.request(&of_then, "ACK", &branch, content(answer), answer);
    }

    /// Asks whether the switch answers OPTIONS.
    pub fn probe(&mut self) -> bool {
        let id = unique();
        let text = format!(
            "OPTIONS sip:alive@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{id};rport\r\nFrom: <sip:phone@{me}>;tag={id}\r\n\
             To: <sip:alive@{to}>\r\nCall-ID: {id}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            to = self.switch,
            me = self.address(),
        );
        self.send(text.as_bytes());
        let end = Instant::now() + Duration::from_secs(2);
        while let Some(message) = self.read(end) {
            if message.header("Call-ID") == Some(&id) {
                return true;
            }
            self.seen.push(message);
        }
        false
    }

    /// Waits for a request of `method`, answers it with 200, and gives it.
    ///
    /// # Panics
    /// If none comes within `limit`.
    pub fn wait_for_request(&mut self, method: &str, limit: Duration) -> Message {
        let request = self.wait_for(method, limit, |m| m.method() == Some(method));
        self.respond(&request, "200 OK", "", "");
        request
    }

    /// Answers `request`. A `To` without a tag gets one that its Call-ID makes, and without a Contact in `headers` it has
    /// the phone's own.
    pub fn respond(&self, request: &Message, status: &str, headers: &str, body: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for via in request.headers("Via") {
            text += &format!("Via: {via}\r\n");
        }
        let to = request.must("To");
        let tag = if to.contains(";tag=") { String::new() } else { format!(";tag=phone{}", self.address().port()) };
        text += &format!(
            "From: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n{headers}",
            request.must("From"),
            request.must("Call-ID"),
            request.must("CSeq"),
        );
        if !headers.contains("Contact:") {
            text += &format!("Contact: <sip:phone@{}>\r\n", self.address());
        }
        if !body.is_empty() {
            text += "Content-Type: application/sdp\r\n";
        }
        self.send(format!("{text}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    /// Waits for a message that `wanted` accepts; others are kept in [`Self::seen`].
    ///
    /// # Panics
    /// If none comes within `limit`.
    pub fn wait_for(&mut self, title: &str, limit: Duration, wanted: impl Fn(&Message) -> bool) -> Message {
        if let Some(at) = self.seen.iter().position(&wanted) {
            return self.seen.remove(at);
        }
        let end = Instant::now() + limit;
        while let Some(message) = self.read(end) {
            if wanted(&message) {
                return message;
            }
            self.seen.push(message);
        }
        panic!(
            "waited {limit:?} in vain for {title}; saw {:?}",
            self.seen.iter().map(Message::start_line).collect::<Vec<_>>()
        );
    }

    /// What came and nobody waited for, until now and for `time` longer.
    pub fn seen(&mut self, time: Duration) -> &[Message] {
        // What has come already is read even if no time is given.
        let end = Instant::now() + time.max(Duration::from_millis(20));
        while let Some(message) = self.read(end) {
            self.seen.push(message);
        }
        &self.seen
    }

    fn read(&self, end: Instant) -> Option<Message> {
        let mut buffer = vec![0; 65_535];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.set_read_timeout(Some(left)).expect("a limit");
            // An error here is the limit, or an ICMP error of an earlier send.
            if let Ok((size, _)) = self.socket.recv_from(&mut buffer) {
                return Some(Message::new(&buffer[..size]));
            }
        }
    }

    fn request(&self, dialog: &Dialog, method: &str, branch: &str, headers: &str, body: &str) {
        let Dialog { call_id, local, remote, target, cseq, .. } = dialog;
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch={branch};rport\r\nMax-Forwards: 70\r\nFrom: {local}\r\n\
             To: {remote}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:phone@{me}>\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len(),
            me = self.address(),
        );
        self.send(text.as_bytes());
    }
}

/// The header field that tells what a body is.
fn content(body: &str) -> &'static str {
    if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" }
}

impl Dialog {
    /// The dialog that a 200 to an INVITE of one's own begins.
    pub fn of_answer(answer: &Message) -> Self {
        Self {
            call_id: answer.must("Call-ID").to_owned(),
            local: answer.must("From").to_owned(),
            remote: answer.must("To").to_owned(),
            target: answer.contact(),
            cseq: 1,
            invite_branch: String::new(),
        }
    }

    /// The early dialog that a provisional response to its INVITE begins.
    pub fn early(&self, ringing: &Message) -> Self {
        Self { remote: ringing.must("To").to_owned(), target: ringing.contact(), ..self.clone() }
    }

    /// Its Call-ID.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }
}

/// Where a message's SDP wants audio.
///
/// # Panics
/// If it does not say.
pub fn media_address(message: &Message) -> SocketAddr {
    let address = message.sdp('c').and_then(|line| line.split_whitespace().nth(2)?.parse().ok());
    let port = message.sdp('m').and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    address
        .zip(port)
        .map_or_else(|| panic!("no address for audio in:\n{message}"), |(ip, port): (IpAddr, u16)| (ip, port).into())
}
