//! Session timers: intervals as agreed, who refreshes, 422.

use std::collections::BTreeMap;

use sip_message::{Method, Refresher, Request, Response, SessionExpires};

use super::server::{self, Key};
use super::{Findings, told, told_of};

/// RFC 4028 section 4: no interval is shorter.
const LEAST: u32 = 90;

/// What a request of the peer says.
#[derive(Clone, Copy, Debug)]
struct Asked {
    supports: bool,
    expires: Option<SessionExpires>,
    least: u32,
}

/// All that was said of them.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    asked: BTreeMap<Key, Asked>,
    /// The largest Min-SE that a 422 told the switch, by Call-ID.
    told_least: BTreeMap<String, u32>,
}

impl Sessions {
    pub(super) fn arrived(&mut self, request: &Request) {
        let head = &request.head;
        if !is_refresh(&request.method) {
            return;
        }
        let least = head.min_se().unwrap_or(LEAST).max(LEAST);
        let asked = Asked { supports: head.supports("timer"), expires: head.session_expires(), least };
        self.asked.insert(server::key(head, &request.method), asked);
    }

    /// The switch sends a request.
    pub(super) fn sent(&mut self, request: &Request, found: &mut Findings) {
        let (head, text) = (&request.head, told(request));
        let Some(expires) = head.session_expires() else { return };
        let is_other = !is_refresh(&request.method);
        found.add_if(is_other, "RFC 4028 4", "Session-Expires where it is nothing", &text);
        found.add_if(!head.supports("timer"), "RFC 4028 7.1", "Session-Expires without Supported: timer", &text);
        let told = self.told_least.get(head.call_id.as_str()).copied();
        let least = head.min_se().into_iter().chain(told).max().unwrap_or(LEAST).max(LEAST);
        found.add_if(expires.seconds < least, "RFC 4028 7.4", "an interval that is too short", &text);
        // RFC 4028 7.4: what a 422 said is repeated from then on.
        let is_forgotten = told.is_some_and(|told| head.min_se().is_none_or(|least| least < told));
        found.add_if(is_forgotten, "RFC 4028 7.3", "a Min-SE of a 422 is forgotten", &text);
    }

    /// A response reached the switch.
    pub(super) fn is_answered(&mut self, response: &Response) {
        let head = &response.head;
        if let (422, Some(least)) = (response.status.code(), head.min_se()) {
            let known = self.told_least.entry(head.call_id.to_string()).or_default();
            *known = least.max(*known);
        }
    }

    /// The switch answers.
    pub(super) fn answers(&mut self, response: &Response, found: &mut Findings) {
        let (head, method, text) = (&response.head, &response.head.cseq.method, told_of(response));
        let asked = self.asked.get(&server::key(head, method)).copied().filter(|_| is_refresh(method));
        let (status, expires) = (response.status.code(), head.session_expires());
        let Some(asked) = asked else {
            return found.add_if(expires.is_some(), "RFC 4028 4", "Session-Expires where it is nothing", &text);
        };
        if status == 422 {
            let is_short = asked.expires.is_some_and(|asked| head.min_se().is_some_and(|least| asked.seconds < least));
            return found.add_if(!is_short, "RFC 4028 9", "a 422 without its reason", &text);
        }
        if !(200..300).contains(&status) {
            return;
        }
        let Some(expires) = expires else { return };
        let shorter = asked.expires.map_or(asked.least, |asked_for| asked_for.seconds.min(asked.least));
        let longer = asked.expires.map_or(u32::MAX, |asked| asked.seconds);
        let is_out = expires.seconds < shorter || expires.seconds > longer.max(asked.least);
        found.add_if(is_out, "RFC 4028 9", "an interval that was not offered", &text);
        let asked_for = asked.expires.and_then(|asked| asked.refresher);
        let section = "RFC 4028 9";
        match expires.refresher {
            None => found.add(section, "no refresher", &text),
            Some(refresher) => {
                let is_other = asked.supports && asked_for.is_some_and(|asked_for| asked_for != refresher);
                found.add_if(is_other, section, "another refresher than was asked for", &text);
                let is_lone = refresher == Refresher::Uac && !asked.supports;
                found.add_if(is_lone, section, "one is to refresh who does not know how", &text);
                let lacks = refresher == Refresher::Uac && !head.requires("timer");
                found.add_if(lacks, section, "no Require: timer for the one who is to refresh", &text);
            }
        }
    }
}

const fn is_refresh(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Update)
}
