//! Every message counted: by direction, transport, and method or class of status.

use sip_message::{Message, Method, Transport};

/// The methods that are told apart; the last one stands for all others.
const METHODS: [&str; 15] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "PRACK",
    "UPDATE",
    "INFO",
    "REFER",
    "SUBSCRIBE",
    "NOTIFY",
    "MESSAGE",
    "PUBLISH",
    "other",
];
/// The classes of statuses (RFC 3261 7.2), by their first digit.
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "6xx"];
/// As metrics call them; the last one stands for all others.
const TRANSPORTS: [&str; 6] = ["udp", "tcp", "tls", "ws", "wss", "other"];

/// Messages in one direction by one transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lane {
    requests: [u64; METHODS.len()],
    responses: [u64; CLASSES.len()],
}

/// Messages since the start, repeats included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    received: [Lane; TRANSPORTS.len()],
    sent: [Lane; TRANSPORTS.len()],
}

/// How often one kind of message came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// We sent it; else it came.
    pub sent: bool,
    /// `udp`, `tcp`, `tls`, `ws`, `wss` or `other`.
    pub transport: &'static str,
    /// A method (`other` for those that we do not know), or a class of statuses, such as `2xx`.
    pub kind: &'static str,
    /// True for a method.
    pub is_request: bool,
    /// How often.
    pub count: u64,
}

impl Traffic {
    /// All kinds that came or went at all, in a fixed order.
    pub fn counts(&self) -> impl Iterator<Item = Count> + '_ {
        let lanes = self.received.iter().zip(TRANSPORTS).map(|(lane, transport)| (false, transport, lane));
        let lanes = lanes.chain(self.sent.iter().zip(TRANSPORTS).map(|(lane, transport)| (true, transport, lane)));
        lanes.flat_map(|(sent, transport, lane)| {
            let requests = lane.requests.iter().zip(METHODS).map(|(count, kind)| (*count, kind, true));
            let responses = lane.responses.iter().zip(CLASSES).map(|(count, kind)| (*count, kind, false));
            let kinds = requests.chain(responses).filter(|(count, ..)| *count > 0);
            kinds.map(move |(count, kind, is_request)| Count { sent, transport, kind, is_request, count })
        })
    }

    pub(crate) fn received(&mut self, transport: crate::Transport, message: &Message) {
        let Some(lane) = self.received.get_mut(place(transport)) else { return };
        match message {
            Message::Request(request) => lane.request(method(&request.method)),
            Message::Response(response) => lane.response(response.status.code() / 100),
            Message::KeepAlive => {}
        }
    }

    /// Told by its first octets, as we know what we write.
    pub(crate) fn sent(&mut self, transport: crate::Transport, payload: &[u8]) {
        let Some(lane) = self.sent.get_mut(place(transport)) else { return };
        match payload.strip_prefix(b"SIP/2.0 ") {
            Some(status) => lane.response(status.first().map_or(0, |digit| u16::from(digit.wrapping_sub(b'0')))),
            None => {
                let known = METHODS.iter().position(|name| {
                    let rest = payload.strip_prefix(name.as_bytes());
                    rest.is_some_and(|rest| rest.first() == Some(&b' '))
                });
                lane.request(known.unwrap_or(METHODS.len() - 1));
            }
        }
    }
}

impl Lane {
    fn request(&mut self, method: usize) {
        if let Some(count) = self.requests.get_mut(method) {
            *count += 1;
        }
    }

    fn response(&mut self, class: u16) {
        if let Some(count) = usize::from(class).checked_sub(1).and_then(|class| self.responses.get_mut(class)) {
            *count += 1;
        }
    }
}

fn method(method: &Method) -> usize {
    match method {
        Method::Invite => 0,
        Method::Ack => 1,
        Method::Bye => 2,
        Method::Cancel => 3,
        Method::Options => 4,
        Method::Register => 5,
        Method::Prack => 6,
        Method::Update => 7,
        Method::Info => 8,
        Method::Refer => 9,
        Method::Subscribe => 10,
        Method::Notify => 11,
        Method::Message => 12,
        Method::Publish => 13,
        Method::Other(_) => 14,
    }
}

fn place(transport: crate::Transport) -> usize {
    match transport.in_via() {
        Transport::Udp => 0,
        Transport::Tcp => 1,
        Transport::Tls => 2,
        Transport::Ws => 3,
        Transport::Wss => 4,
        Transport::Other(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip_message::parse_datagram;

    use super::*;

    fn read(start: &str, method: &str) -> Message {
        let text = format!(
            "{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        parse_datagram(Bytes::from(text)).unwrap()
    }

    #[test]
    fn what_came_and_what_went_count_under_the_same_names() {
        for name in METHODS.iter().take(14).copied().chain(["FLY"]) {
            let start = format!("{name} sip:h SIP/2.0");
            let (mut came, mut went) = (Traffic::default(), Traffic::default());
            came.received(crate::Transport::Tcp, &read(&start, name));
            went.sent(crate::Transport::Tcp, start.as_bytes());
            let (came, went) = (came.counts().next().unwrap(), went.counts().next().unwrap());
            assert_eq!((came.kind, came.transport, came.is_request), (went.kind, went.transport, true));
            assert_eq!(came.kind, if name == "FLY" { "other" } else { name });
            assert!(!came.sent && went.sent);
        }
        for (status, class) in [(100, "1xx"), (200, "2xx"), (302, "3xx"), (486, "4xx"), (503, "5xx"), (603, "6xx")] {
            let start = format!("SIP/2.0 {status} X");
            let mut both = Traffic::default();
            both.received(crate::Transport::Udp, &read(&start, "BYE"));
            both.sent(crate::Transport::Udp, start.as_bytes());
            let counts: Vec<_> = both.counts().map(|count| (count.sent, count.kind, count.count)).collect();
            assert_eq!(counts, [(false, class, 1), (true, class, 1)]);
        }
    }

    #[test]
    fn what_is_neither_counts_as_another_request_or_not_at_all() {
        let mut traffic = Traffic::default();
        for octets in ["", "SIP/2.0 ", "SIP/2.0 9", "SIP/2.0 x"] {
            traffic.sent(crate::Transport::Udp, octets.as_bytes());
        }
        assert_eq!(traffic.counts().map(|count| (count.kind, count.count)).collect::<Vec<_>>(), [("other", 1)]);
    }
}
