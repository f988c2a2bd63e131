//! How long a session lives without being refreshed, and who refreshes it: what two sides agree on (RFC 4028).

use base::TimerToken;
use sip_message::{Head, HeaderName, Method, Refresher, Request, SessionExpires};

use crate::StackConfig;
use crate::abilities::TIMER;
use crate::inspect::Fault;
use crate::transaction::TransactionId;

/// The least that a session may live unrefreshed, in seconds (section 5).
pub(crate) const LEAST: u32 = 90;

/// A session that ends unless it is refreshed.
pub(crate) struct Lifetime {
    /// In seconds.
    pub(crate) interval: u32,
    /// We refresh it; else the peer does.
    pub(crate) ours: bool,
    /// When we refresh it next.
    pub(crate) renew: Option<TimerToken>,
    /// When it ends if nobody has.
    pub(crate) lapse: TimerToken,
    /// Our UPDATE without an offer that waits for its answer.
    pub(crate) pending: Option<TransactionId>,
}

impl Lifetime {
    /// What a request of ours says of it: whoever refreshes goes on with that (section 7.4).
    pub(crate) fn value(&self) -> SessionExpires {
        let refresher = if self.ours { Refresher::Uac } else { Refresher::Uas };
        SessionExpires { seconds: self.interval, refresher: Some(refresher) }
    }
}

/// 422 if a request asks for less than we allow, and would understand that (section 9).
pub(crate) fn check(request: &Request, config: &StackConfig) -> Result<(), Fault> {
    if !matches!(request.method, Method::Invite | Method::Update) {
        return Ok(());
    }
    let head = &request.head;
    let too_short = head.session_expires().is_some_and(|asked| asked.seconds < LEAST);
    if config.session_timer.is_some() && too_short && head.supports(TIMER) {
        return Err(Fault { status: 422, header: Some((HeaderName::MinSe, LEAST.to_string())) });
    }
    Ok(())
}

/// What our 2xx to a request says: what the peer asks for, at most our own interval, and ours if he asks for nothing but
/// could (section 9, table 2). None: the session has no end.
pub(crate) fn agree(head: &Head, config: &StackConfig) -> Option<SessionExpires> {
    let own = config.session_timer?;
    let supports = head.supports(TIMER);
    let asked = head.session_expires();
    if asked.is_none() && !supports {
        return None;
    }
    let least = head.min_se().unwrap_or(0).max(LEAST);
    let own = own.max(least);
    let seconds = asked.map_or(own, |asked| asked.seconds.min(own));
    let refresher = asked.and_then(|asked| asked.refresher).filter(|_| supports).unwrap_or(Refresher::Uas);
    Some(SessionExpires { seconds, refresher: Some(refresher) })
}

/// The header fields of a request that asks for so much; `least` is what the peer demands, 0 if nothing.
pub(crate) fn asking(expires: SessionExpires, least: u32) -> Vec<(String, String)> {
    let expires = SessionExpires { seconds: expires.seconds.max(least), ..expires };
    let mut headers = vec![(HeaderName::SessionExpires.as_str().to_owned(), expires.to_string())];
    if least > 0 {
        headers.push((HeaderName::MinSe.as_str().to_owned(), least.to_string()));
    }
    headers
}
