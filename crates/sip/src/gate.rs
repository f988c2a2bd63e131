//! Who is let in: asked before anything is kept of a request.

use std::fmt;
use std::sync::Arc;

use base::Now;
use sip_message::Request;

use crate::Flow;
use crate::session::Asked;

/// What decides on INVITE, REGISTER, MESSAGE and SUBSCRIBE outside dialogs, before anything is kept of them. Other requests there are none
/// that we serve but OPTIONS, which anyone may send; those inside a dialog have its tags to show.
pub trait Gate {
    /// Decides on `request`, which came on `flow`.
    fn check(&mut self, now: Now, request: &Request, flow: Flow) -> Verdict;
}

/// What a [`Gate`] says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Pass {
        /// Who has been proven to have sent it.
        user: Option<Arc<str>>,
    },
    /// It is answered, and nothing is kept of it.
    Answer {
        /// 300 to 699; anything else is sent as 500.
        status: u16,
        /// More header fields, in order.
        headers: Vec<(String, String)>,
    },
}

/// The gate that lets everyone pass and proves nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenGate;

impl Gate for OpenGate {
    fn check(&mut self, _now: Now, _request: &Request, _flow: Flow) -> Verdict {
        Verdict::Pass { user: None }
    }
}

/// A request that the application answers, once: give it back to [`crate::Stack::respond`]. Until then, its transaction
/// stays. It prints without what tells about a person.
#[derive(Clone)]
pub struct Pending(pub(crate) Box<Asked>);

impl Pending {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.0.request
    }

    /// Where it came from.
    #[must_use]
    pub fn flow(&self) -> Flow {
        self.0.flow
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("flow", &self.0.flow).finish_non_exhaustive()
    }
}
