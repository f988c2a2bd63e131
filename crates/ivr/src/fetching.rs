//! The session's steps at nodes that ask a web server.

use std::sync::Arc;

use base::{Now, Pii};

use crate::flow::{Http, Target, Verb, Written};
use crate::state::Phase;
use crate::web::{Failure, Last, MAX_REQUEST, Reply, Request, body, json, query};
use crate::{Figures, Output, Session, Value};

impl Session {
    /// What came of the request that is under way.
    pub fn handle_http(&mut self, now: Now, reply: &Reply) {
        if self.state.phase != Phase::Fetching {
            return;
        }
        let flow = Arc::clone(&self.flow);
        let Some(Verb::Http(http)) = flow.node(self.state.node).map(|node| &node.verb) else { return };
        let target = self.replied(http, now, reply);
        self.advance(now, target);
    }

    /// True while a request is under way.
    #[must_use]
    pub fn is_fetching(&self) -> bool {
        self.state.phase == Phase::Fetching
    }

    /// Asks.
    pub(crate) fn fetch(&mut self, http: &Http, now: Now, figures: &Figures) -> Option<Target> {
        let Some(request) = self.request(http, now, figures) else {
            return self.failed_to_fetch(http, Last { status: None, failure: Some(Failure::Send) });
        };
        self.deadline = Some(now.monotonic + http.timeout);
        self.outputs.push_back(Output::Http { request: Box::new(request) });
        if !http.hear.0.is_empty() {
            self.play(&[&http.hear], true);
        }
        self.state.phase = Phase::Fetching;
        None
    }

    /// The answer did not come in time.
    pub(crate) fn fetch_timed_out(&mut self, http: &Http) -> Option<Target> {
        self.outputs.push_back(Output::HttpCancel);
        self.failed_to_fetch(http, Last { status: None, failure: Some(Failure::Timeout) })
    }

    fn request(&self, http: &Http, now: Now, figures: &Figures) -> Option<Request> {
        let work_out = |parts: &[(Arc<str>, Written)]| {
            let part = |(name, written): &(Arc<str>, Written)| {
                Some((Arc::clone(name), self.evaluate(&written.expression, now, figures, &[]).ok()?))
            };
            parts.iter().map(part).collect::<Option<Vec<_>>>()
        };
        let asked = query(&work_out(&http.query)?, if http.path.contains('?') { '&' } else { '?' })?;
        let path = format!("{}{asked}", http.path);
        let body = match &http.send {
            Some(send) => Some(body(&work_out(send)?)?),
            None => None,
        };
        (path.len() <= MAX_REQUEST).then(|| Request {
            method: http.method,
            origin: http.origin.clone(),
            path: Pii::new(path),
            headers: http.headers.clone(),
            body: Pii::new(body),
            timeout: http.timeout,
        })
    }

    fn replied(&mut self, http: &Http, now: Now, reply: &Reply) -> Option<Target> {
        let (status, body) = match reply {
            Reply::Answer { status, body } => (*status, body.reveal()),
            Reply::Failed { status, failure } => {
                return self.failed_to_fetch(http, Last { status: *status, failure: Some(*failure) });
            }
        };
        let taken =
            if (200..300).contains(&status) { self.take(http, now, status, body) } else { Err(Failure::Status) };
        let values = match taken {
            Ok(values) => values,
            Err(failure) => {
                return self.failed_to_fetch(http, Last { status: Some(status), failure: Some(failure) });
            }
        };
        self.state.http = Last { status: Some(status), failure: None };
        self.deadline = None;
        self.stop_play();
        self.tell_done(http);
        self.keep(http, values);
        self.took("next");
        Some(http.next)
    }

    /// What is taken of an answer: all of it, or nothing.
    fn take(&self, http: &Http, now: Now, status: u16, body: &[u8]) -> Result<Vec<Value>, Failure> {
        // Who takes nothing does not care what it is.
        if http.take.is_empty() {
            return Ok(Vec::new());
        }
        let reply = json(body).ok_or(Failure::NotJson)?;
        let given = [(Arc::from("reply"), reply), (Arc::from("status"), Value::Integer(status.into()))];
        let none = Figures::new();
        let taken = http.take.iter().map(|written| self.evaluate(&written.expression, now, &none, &given));
        taken.collect::<Result<_, _>>().map_err(|_| Failure::Take)
    }

    fn failed_to_fetch(&mut self, http: &Http, last: Last) -> Option<Target> {
        self.state.http = last;
        self.stop_play();
        self.tell_done(http);
        self.keep(http, std::iter::repeat_n(Value::Null, http.names.len()).collect());
        self.took("failed");
        self.leave(&http.failed, true)
    }

    fn tell_done(&mut self, http: &Http) {
        let Some(node) = self.flow.node(self.state.node).map(|node| Arc::clone(&node.name)) else { return };
        let Last { status, failure } = self.state.http;
        let (method, origin) = (http.method, http.origin.clone());
        self.outputs.push_back(Output::HttpDone { node, method, origin, status, failure });
    }

    fn keep(&mut self, http: &Http, values: Vec<Value>) {
        for (name, value) in http.names.iter().zip(values) {
            self.state.set(name, value);
            self.outputs.push_back(Output::Set { variable: Arc::clone(name), failed: None });
        }
    }
}
