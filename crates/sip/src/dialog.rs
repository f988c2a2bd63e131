//! A dialog: RFC 3261 12. Its ids, sequence numbers, route set, remote target, and where its requests go.

use std::net::{IpAddr, SocketAddr};

use sip_message::{AnyUri, Head, HeaderName, Method, NameAddr, Request, Response, Via};

use crate::core::printed;
use crate::outline::Outline;
use crate::oversize::Carriage;
use crate::{Flow, MAX_FORWARDS, SessionId, Transport};

/// One side's view of a dialog, early or confirmed. Text in it is copied, so that it keeps no datagram alive.
#[derive(Clone)]
pub(crate) struct Dialog {
    pub(crate) call_id: Box<str>,
    pub(crate) local_tag: Box<str>,
    pub(crate) remote_tag: Box<str>,
    /// Our address with our tag, as From of our requests.
    local: Box<str>,
    /// The peer's address with his tag, as To of our requests.
    remote: Box<str>,
    /// The CSeq of our last request, ACK and CANCEL aside.
    pub(crate) local_cseq: u32,
    /// The highest CSeq that the peer used; none before his first request.
    remote_cseq: Option<u32>,
    /// In the order in which our requests pass them.
    routes: Vec<Hop>,
    target: Hop,
    /// The flow on which the peer's last message came.
    flow: Flow,
    /// Our requests go to where the peer's messages come from, not to his Contact.
    symmetric: Symmetric,
    /// The peer is a phone that registered over UDP, and is reached on that flow alone.
    pub(crate) by_flow: bool,
    /// The flow of datagrams that the dialog left for TCP, for the size of a request.
    datagrams: Option<Flow>,
    /// The peer serves UPDATE, as his last Allow says (RFC 3311 4).
    pub(crate) updates: bool,
    /// Our Contact's value.
    pub(crate) contact: Box<str>,
    /// The REFER of the peer that is being followed.
    pub(crate) referral: Option<SessionId>,
    /// The peer has sent one, be it over or not.
    pub(crate) referred: bool,
}

/// A URI that a request may be sent to.
#[derive(Clone)]
struct Hop {
    uri: AnyUri,
    /// Its address; none if its host is a name.
    address: Option<SocketAddr>,
    /// It is a loose router (RFC 3261 16.12); always true of a target.
    loose: bool,
}

/// How the choice of [`crate::StackConfig::symmetric`] fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Symmetric {
    wanted: Option<bool>,
    /// The peer's only Via named another address than his message came from; or he is known to sit behind a NAT.
    behind_nat: bool,
}

/// What is known of a peer's place before he has said anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tie {
    /// He sits behind a NAT.
    pub(crate) behind_nat: bool,
    /// He registered over UDP, and is reached on that flow alone.
    pub(crate) by_flow: bool,
}

impl Tie {
    /// What requests to him may change about their transport.
    pub(crate) const fn carriage(self) -> Carriage {
        if self.by_flow || self.behind_nat { Carriage::Fixed } else { Carriage::BySize }
    }
}

impl Dialog {
    /// The dialog that a peer's INVITE begins once we answer it with `local_tag` (12.1.1).
    pub(crate) fn of_request(
        request: &Request,
        flow: Flow,
        local_tag: &str,
        contact: &str,
        symmetric: Option<bool>,
    ) -> Self {
        let head = &request.head;
        Self {
            call_id: Box::from(head.call_id.as_str()),
            local_tag: Box::from(local_tag),
            remote_tag: Box::from(head.from.tag().unwrap_or_default()),
            local: printed(head.to.clone().with_tag(local_tag)).into(),
            remote: printed(&head.from).into(),
            local_cseq: 0,
            remote_cseq: Some(head.cseq.number),
            routes: head.record_routes.iter().map(Hop::of_route).collect(),
            target: Hop::of_contact(head).unwrap_or_else(|| Hop::of_target(&head.from.uri)),
            flow,
            symmetric: Symmetric { wanted: symmetric, behind_nat: is_behind_nat(head, flow) },
            by_flow: false,
            datagrams: None,
            updates: head.allows(&Method::Update),
            contact: Box::from(contact),
            referral: None,
            referred: false,
        }
    }

    /// The dialog that a response with a To tag to our INVITE begins (12.1.2).
    pub(crate) fn of_response(
        response: &Response,
        flow: Flow,
        contact: &str,
        symmetric: Option<bool>,
        tie: Tie,
    ) -> Self {
        let head = &response.head;
        Self {
            call_id: Box::from(head.call_id.as_str()),
            local_tag: Box::from(head.from.tag().unwrap_or_default()),
            remote_tag: Box::from(head.to.tag().unwrap_or_default()),
            local: printed(&head.from).into(),
            remote: printed(&head.to).into(),
            local_cseq: head.cseq.number,
            remote_cseq: None,
            routes: head.record_routes.iter().rev().map(Hop::of_route).collect(),
            target: Hop::of_contact(head).unwrap_or_else(|| Hop::of_target(&head.to.uri)),
            flow,
            symmetric: Symmetric { wanted: symmetric, behind_nat: tie.behind_nat },
            by_flow: tie.by_flow,
            datagrams: None,
            updates: head.allows(&Method::Update),
            contact: Box::from(contact),
            referral: None,
            referred: false,
        }
    }

    /// The next request of ours in the dialog (12.2.1.1).
    pub(crate) fn next_request(&mut self, branch: String) -> Outline {
        self.local_cseq = self.local_cseq.saturating_add(1);
        self.request(self.local_cseq, branch)
    }

    /// The ACK of a 2xx to the INVITE numbered `cseq` (13.2.2.4).
    pub(crate) fn ack(&self, cseq: u32, branch: String) -> Outline {
        self.request(cseq, branch)
    }

    /// Takes the CSeq of a request of the peer. `false`: it is lower than one before, or the same (12.2.2).
    pub(crate) fn advance(&mut self, cseq: u32) -> bool {
        let in_order = self.remote_cseq.is_none_or(|last| cseq > last);
        if in_order {
            self.remote_cseq = Some(cseq);
        }
        in_order
    }

    /// Takes the Contact of a target refresh request or of its 2xx (12.2).
    pub(crate) fn refresh(&mut self, head: &Head, flow: Flow) {
        if let Some(target) = Hop::of_contact(head) {
            self.target = target;
        }
        if head.header(HeaderName::Allow).is_some() {
            self.updates = head.allows(&Method::Update);
        }
        self.take_flow(flow);
    }

    /// Goes on from the early dialog that this one confirms: what the requests of both sides counted to.
    pub(crate) fn follow(&mut self, early: &Self) {
        self.remote_cseq = early.remote_cseq;
        self.local_cseq = self.local_cseq.max(early.local_cseq);
        self.updates |= early.updates;
    }

    /// Takes the flow that a message came on. One by TCP where there were datagrams came that way for its size, or the size of
    /// what it answers.
    fn take_flow(&mut self, flow: Flow) {
        let left = (self.flow.transport == Transport::Udp).then_some(self.flow).or(self.datagrams);
        self.datagrams = left.filter(|_| flow.transport == Transport::Tcp);
        self.flow = flow;
    }

    /// The request that the dialog came from would have gone by `flow`, had it not been too large.
    pub(crate) fn came_from(&mut self, datagrams: Option<Flow>) {
        self.datagrams = datagrams.filter(|_| self.flow.transport == Transport::Tcp);
    }

    /// What the next request may change about its transport.
    fn carriage(&self, flow: Flow) -> Carriage {
        let there = self.routes.is_empty() && self.target.address.is_none_or(|target| self.is_symmetric(target));
        match (flow.transport, self.datagrams) {
            (Transport::Tcp, Some(datagrams)) => Carriage::Otherwise(Flow { remote: flow.remote, ..datagrams }),
            (Transport::Udp, _) if !self.by_flow && !there => Carriage::BySize,
            _ => Carriage::Fixed,
        }
    }

    /// Where our requests go, and from which listener.
    pub(crate) fn flow(&self) -> Flow {
        // Who came by what cannot be opened is reached there alone, whatever he thinks of his address (RFC 7118 5.4).
        if !self.flow.transport.can_be_opened() {
            return self.flow;
        }
        let observed = self.flow.remote;
        let remote = match self.routes.first() {
            Some(first) => first.address.unwrap_or(observed),
            None => self.target.address.filter(|&target| !self.is_symmetric(target)).unwrap_or(observed),
        };
        // A connection leads to one machine only; another one has its own.
        let connection = self.flow.connection.filter(|_| remote.ip() == observed.ip());
        match self.datagrams {
            // It was TCP for a request's size, with a machine that has it; of this one nothing is known.
            Some(datagrams) if connection.is_none() && remote.ip() != observed.ip() => Flow { remote, ..datagrams },
            _ => Flow { remote, connection, ..self.flow },
        }
    }

    fn is_symmetric(&self, target: SocketAddr) -> bool {
        let out_of_reach = || reach(target.ip()) < reach(self.flow.remote.ip());
        self.symmetric.wanted.unwrap_or_else(|| self.symmetric.behind_nat || out_of_reach())
    }

    fn request(&self, cseq: u32, branch: String) -> Outline {
        let hops = |hops: &[Hop]| hops.iter().map(|hop| hop.uri.clone()).collect::<Vec<_>>();
        let (target, flow) = (self.target.uri.clone(), self.flow());
        let (uri, routes) = match self.routes.split_first() {
            // A strict router wants its own URI on the request line, and puts the last Route there (12.2.1.1).
            Some((first, rest)) if !first.loose => {
                let mut routes = hops(rest);
                routes.push(target);
                (first.uri.clone(), routes)
            }
            _ => (target, hops(&self.routes)),
        };
        Outline {
            uri,
            branch: branch.into(),
            flow,
            from: self.local.clone(),
            to: self.remote.clone(),
            call_id: self.call_id.clone(),
            cseq,
            routes,
            max_forwards: MAX_FORWARDS,
            carriage: self.carriage(flow),
        }
    }
}

impl Hop {
    fn of_route(route: &NameAddr) -> Self {
        let sip = route.uri.as_sip();
        Self {
            uri: without_headers(&route.uri),
            address: sip.and_then(sip_message::Uri::socket_addr),
            loose: sip.is_some_and(|uri| uri.has_param("lr")),
        }
    }

    fn of_target(uri: &AnyUri) -> Self {
        let address = uri.as_sip().and_then(sip_message::Uri::socket_addr);
        Self { uri: without_headers(uri), address, loose: true }
    }

    fn of_contact(head: &Head) -> Option<Self> {
        head.contacts.first().map(|contact| Self::of_target(&contact.uri))
    }
}

/// A URI as it may stand on a request line: without header fields (19.1.1, table 1). It is a copy, so that it keeps no
/// datagram alive.
fn without_headers(uri: &AnyUri) -> AnyUri {
    let mut text = printed(uri);
    if uri.as_sip().is_some_and(|uri| !uri.raw_headers().is_empty()) {
        let host = text.rfind('@').unwrap_or(0);
        if let Some(headers) = text.get(host..).and_then(|rest| rest.find('?')) {
            text.truncate(host + headers);
        }
    }
    text.parse().unwrap_or_else(|_| uri.clone())
}

/// True if the request passed no proxy, and its sender thinks that he has another address than the one seen here.
/// A port says so only if he asked for `rport` (RFC 3581 4); without, he may well send from another than he listens on.
/// A connection always comes from another port than its sender listens on.
pub(crate) fn is_behind_nat(head: &Head, flow: Flow) -> bool {
    head.via_count == 1 && differs(&head.via, flow)
}

fn differs(via: &Via, flow: Flow) -> bool {
    let source = flow.remote;
    let address = via.host.ip().is_some_and(|ip| ip != source.ip());
    let port = flow.transport == Transport::Udp && via.wants_rport() && via.port.unwrap_or(5060) != source.port();
    address || port
}

/// From how far away an address can be reached: 0 this machine, 1 this network, 2 everywhere.
fn reach(ip: IpAddr) -> u8 {
    match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_loopback() || ip.is_unspecified() => 0,
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            if ip.is_private() || ip.is_link_local() || shared { 1 } else { 2 }
        }
        IpAddr::V6(ip) if ip.is_loopback() || ip.is_unspecified() => 0,
        IpAddr::V6(ip) => {
            let first = ip.segments().first().copied().unwrap_or(0);
            if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 { 1 } else { 2 }
        }
    }
}
