//! What a phone watches: SUBSCRIBE for `dialog`, sent again while nobody answers, refreshed, and ended (RFC 6665 4.1, RFC 4235). It
//! shares the parser alone with the stack, and judges what it is told.

use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now};
use bytes::Bytes;
use sip::{Flow, Transmit};
use sip_message::{HeaderName, Message, Method, Reject, Request, Response, ResponseBuilder, StatusCode};

use crate::laws::Breach;
use crate::{Phone, SWITCH, switch_address};

/// For how long it asks, in seconds: what is left of it when half of it is over is enough for all to hang up at the end of a
/// scenario.
const LASTS: u32 = 390;
/// When it refreshes.
const REFRESH: Duration = Duration::from_secs(195);
/// The time after which it asks again (RFC 3261 17.1.2: T1), and twice that, and so on.
const T1: Duration = Duration::from_millis(500);
/// How often it asks in vain.
const TRIES: u32 = 5;
/// How many users one phone watches.
const MOST: usize = 3;

/// All subscriptions of a phone.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    all: Vec<Watching>,
    /// What it was told and cannot be.
    pub(crate) misled: Vec<Breach>,
}

/// One subscription, as its phone knows it.
#[derive(Debug)]
struct Watching {
    whom: String,
    me: String,
    address: SocketAddr,
    call_id: String,
    /// The switch's tag.
    tag: Option<String>,
    cseq: u32,
    asking: Option<Asking>,
    refresh: Option<Mono>,
    /// The number of the NOTIFY that came last, and what it said.
    told: Option<(u32, Document)>,
    /// It is to end.
    ending: bool,
    over: bool,
}

/// A SUBSCRIBE that is not answered.
#[derive(Debug)]
struct Asking {
    payload: Bytes,
    at: Mono,
    tries: u32,
}

/// What a lamp is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Document {
    version: Option<u32>,
    /// The states of those dialogs that are not over.
    lit: Vec<String>,
}

impl Document {
    fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let (_, info) = text.split_once("<dialog-info ").unwrap_or_default();
        let (_, version) = info.split_once(" version=\"").unwrap_or_default();
        let version = version.split('"').next().and_then(|number| number.parse().ok());
        let states = text.split("<state").skip(1).filter_map(|rest| rest.split_once('>')?.1.split('<').next());
        Self { version, lit: states.filter(|state| *state != "terminated").map(str::to_owned).collect() }
    }
}

impl Watching {
    fn ask(&mut self, now: Mono, lasts: u32) -> Bytes {
        self.cseq += 1;
        self.refresh = None;
        self.ending = lasts == 0;
        let Self { whom, me, address, call_id, cseq, .. } = &*self;
        let tag = self.tag.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let payload = Bytes::from(format!(
            "SUBSCRIBE sip:{whom}@{SWITCH} SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK{call_id}{cseq}\r\n\
             From: <sip:{me}@{address}>;tag=w\r\nTo: <sip:{whom}@{SWITCH}>{tag}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} SUBSCRIBE\r\nContact: <sip:{me}@{address}>\r\nMax-Forwards: 70\r\nEvent: dialog\r\n\
             Expires: {lasts}\r\nContent-Length: 0\r\n\r\n"
        ));
        self.asking = Some(Asking { payload: payload.clone(), at: now + T1, tries: 1 });
        payload
    }

    fn is_due(&self, now: Mono) -> bool {
        self.poll_timeout().is_some_and(|at| at <= now)
    }

    fn poll_timeout(&self) -> Option<Mono> {
        self.asking.as_ref().map(|asking| asking.at).or(self.refresh)
    }

    /// What is to be sent, if anything.
    fn handle_timeout(&mut self, now: Mono) -> Option<Bytes> {
        let Some(asking) = &mut self.asking else { return Some(self.ask(now, LASTS)) };
        if asking.tries > TRIES {
            (self.asking, self.over) = (None, true);
            return None;
        }
        asking.at = now + T1 * 2_u32.pow(asking.tries);
        asking.tries += 1;
        Some(asking.payload.clone())
    }

    fn answered(&mut self, now: Mono, response: &Response) {
        if response.head.cseq.number != self.cseq || response.status.code() < 200 || self.asking.is_none() {
            return;
        }
        self.asking = None;
        if response.status.is_success() {
            self.is_with(response.head.to.tag());
            self.refresh = (!self.ending && !self.over).then(|| now + REFRESH);
        } else {
            self.over = true;
        }
    }

    /// A first SUBSCRIBE that is sent again to a switch that was started anew begins another dialog, whose NOTIFYs are counted
    /// from the beginning.
    fn is_with(&mut self, tag: Option<&str>) {
        if self.tag.is_some() && self.tag.as_deref() != tag {
            self.told = None;
        }
        self.tag = tag.map(str::to_owned);
    }

    fn told(&mut self, request: &Request) -> Option<Breach> {
        self.is_with(request.head.from.tag());
        let number = request.head.cseq.number;
        let before = self.told.as_ref().map(|(number, _)| *number);
        if before.is_some_and(|before| number <= before) {
            return None;
        }
        if request.head.header(HeaderName::SubscriptionState).unwrap_or_default().starts_with("terminated") {
            (self.over, self.refresh) = (true, None);
        }
        let document = Document::read(&request.body);
        let expected = self.told.as_ref().map_or(Some(0), |(_, before)| before.version.map(|version| version + 1));
        let right = document.version.is_some() && document.version == expected;
        let what = format!("{} by {}: {:?}, not {expected:?}", self.whom, self.me, document.version);
        self.told = Some((number, document));
        (!right).then(|| Breach::new("documents are counted from 0 on without a gap", &what))
    }
}

impl Phone {
    /// Watches a user, as `me`, unless it does so already.
    pub fn subscribe(&mut self, now: Now, me: &str, whom: &str) {
        self.watches.all.retain(|watching| !watching.over || watching.asking.is_some());
        if self.watches.all.len() >= MOST || self.watches.all.iter().any(|watching| watching.whom == whom) {
            return;
        }
        let mut watching = Watching {
            whom: whom.to_owned(),
            me: me.to_owned(),
            address: self.address,
            call_id: format!("w{}-{whom}-{}", now.monotonic.as_nanos(), self.address.port()),
            tag: None,
            cseq: 0,
            asking: None,
            refresh: None,
            told: None,
            ending: false,
            over: false,
        };
        let payload = watching.ask(now.monotonic, LASTS);
        self.watches.all.push(watching);
        self.say(payload);
    }

    /// Watches nobody any more.
    pub fn unsubscribe(&mut self, now: Now) {
        self.ask_all(now, 0);
    }

    /// Asks once more how all are that it watches, for a minute.
    pub(crate) fn look_again(&mut self, now: Now) {
        self.ask_all(now, 60);
    }

    /// From now on it refreshes nothing by itself.
    pub(crate) fn stop_refreshing(&mut self) {
        self.watches.all.iter_mut().for_each(|watching| watching.refresh = None);
    }

    fn ask_all(&mut self, now: Now, lasts: u32) {
        let live = self.watches.all.iter_mut().filter(|watching| !watching.over && watching.tag.is_some());
        let payloads: Vec<Bytes> = live.map(|watching| watching.ask(now.monotonic, lasts)).collect();
        payloads.into_iter().for_each(|payload| self.say(payload));
    }

    /// Whose lamps are lit, by what it was told last of those whom it watches still.
    pub(crate) fn lit(&self) -> impl Iterator<Item = String> {
        let live = self.watches.all.iter().filter(|watching| !watching.over);
        live.filter_map(|watching| {
            let (number, document) = watching.told.as_ref()?;
            let lit = document.lit.join(", ");
            (!lit.is_empty()).then(|| format!("{} by {}, told {number} times: {lit}", watching.whom, watching.me))
        })
    }

    /// True if it watches still whom that is said of, by [`Phone::lit`].
    pub(crate) fn is_alive(&self, what: &str) -> bool {
        self.watches.all.iter().any(|watching| !watching.over && what.starts_with(&format!("{} by", watching.whom)))
    }

    pub(crate) fn watches_nobody(&self) -> bool {
        self.watches.all.iter().all(|watching| watching.over && watching.asking.is_none())
    }

    pub(crate) fn watches_due(&self) -> Option<Mono> {
        self.watches.all.iter().filter_map(Watching::poll_timeout).min()
    }

    pub(crate) fn watch_on(&mut self, now: Mono) {
        let due = self.watches.all.iter_mut().filter(|watching| watching.is_due(now));
        let payloads: Vec<Bytes> = due.filter_map(|watching| watching.handle_timeout(now)).collect();
        payloads.into_iter().for_each(|payload| self.say(payload));
    }

    /// Takes the answer to a SUBSCRIBE, or a NOTIFY of what it watches. False if it is neither.
    pub(crate) fn is_of_watching(&mut self, now: Now, flow: Flow, parsed: &Result<Message, Reject>) -> bool {
        match parsed {
            Ok(Message::Response(response)) if response.head.cseq.method == Method::Subscribe => {
                let call_id = response.head.call_id.as_str();
                let known = self.watches.all.iter_mut().find(|watching| watching.call_id == call_id);
                known.into_iter().for_each(|watching| watching.answered(now.monotonic, response));
                true
            }
            Ok(Message::Request(request))
                if request.method == Method::Notify && request.head.header(HeaderName::Event) == Some("dialog") =>
            {
                self.take_document(flow, request);
                true
            }
            _ => false,
        }
    }

    /// A NOTIFY of what it watches; of what it knows nothing of, 481.
    fn take_document(&mut self, flow: Flow, request: &Request) {
        let call_id = request.head.call_id.as_str();
        let known = self.watches.all.iter_mut().find(|watching| watching.call_id == call_id);
        let status = if known.is_some() { Some(StatusCode::OK) } else { StatusCode::new(481) };
        self.watches.misled.extend(known.and_then(|watching| watching.told(request)));
        let Some(status) = status else { return };
        let payload = ResponseBuilder::to(request, flow.remote, status).build();
        self.replying.push_back(Transmit { flow: flow.reply(&request.head.via), payload });
    }

    fn say(&mut self, payload: Bytes) {
        let flow = Flow::udp(0, self.address, switch_address());
        self.replying.push_back(Transmit { flow, payload });
    }
}
