//! Requests of flows to web servers: handed to a driver, given up when the call or its time is over.

use std::collections::VecDeque;

use base::{CallId, IdMap, Mono, Now};
use ivr::web::{Reply, Request};
use journal::{Kind, Name};

use crate::fault::Hand;
use crate::flow::FlowInput;
use crate::switch::Switch;

/// What the driver of web requests is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum HttpOrder {
    /// Ask; [`Switch::handle_http`] is to be told what came of it.
    Ask {
        /// The number of the request.
        id: u64,
        /// What to ask.
        request: Box<Request>,
    },
    /// Give that up. An answer is of no use any more.
    GiveUp {
        /// The number of the request.
        id: u64,
    },
}

/// All requests.
#[derive(Debug, Default)]
pub(crate) struct Fetches {
    last: u64,
    orders: VecDeque<HttpOrder>,
    under_way: IdMap<u64, CallId>,
}

impl Fetches {
    pub(crate) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}

/// The request of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetch {
    id: u64,
    /// When it began.
    since: Mono,
}

impl Switch {
    /// The next order to the driver of web requests.
    pub fn poll_http(&mut self) -> Option<HttpOrder> {
        self.fetches.orders.pop_front()
    }

    /// What came of a request. One that was given up changes nothing.
    pub fn handle_http(&mut self, now: Now, id: u64, reply: Reply) {
        let Some(call) = self.fetches.under_way.remove(&id) else { return };
        self.hand = Hand::Call(call);
        self.flow_inputs.push_back((call, FlowInput::Http(reply)));
        self.settle(now);
    }

    pub(crate) fn fetch(&mut self, now: Now, call: CallId, request: Box<Request>) {
        self.fetches.last += 1;
        let id = self.fetches.last;
        let Some(found) = self.calls.get_mut(&call) else { return };
        found.fetch = Some(Fetch { id, since: now.monotonic });
        self.fetches.under_way.insert(id, call);
        self.fetches.orders.push_back(HttpOrder::Ask { id, request });
    }

    /// Nobody waits for the answer of a call's request any more, if one is under way.
    pub(crate) fn give_fetch_up(&mut self, call: CallId) {
        let Some(Fetch { id, .. }) = self.calls.get(&call).and_then(|found| found.fetch) else { return };
        if self.fetches.under_way.remove(&id).is_some() {
            self.fetches.orders.push_back(HttpOrder::GiveUp { id });
        }
    }

    pub(crate) fn fetched(&mut self, now: Now, call: CallId, output: ivr::Output) {
        let ivr::Output::HttpDone { node, method, origin, status, failure } = output else { return };
        let since = self.calls.get_mut(&call).and_then(|found| found.fetch.take()).map(|fetch| fetch.since);
        let ms = since.map_or(0, |since| u64::try_from(now.monotonic.since(since).as_millis()).unwrap_or(u64::MAX));
        let (origin, method) = (Name::from(origin.to_string()), Name::from(method.word()));
        let failure = failure.map(|failure| Name::from(failure.word()));
        self.note(now, call, Kind::Http { node, origin, method, status, ms, failure });
    }
}
