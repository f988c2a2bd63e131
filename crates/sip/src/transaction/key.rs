//! What makes two messages belong to one transaction: RFC 3261 17.1.3, 17.2.3 and 8.2.2.2.

use std::fmt::Write as _;

use sip_message::{MAGIC_COOKIE, Method, Request, Response};

/// The key of the transaction that `request` begins or repeats, or, for ACK and CANCEL, of that of `method`.
///
/// A branch with the magic cookie and something after it is unique together with the sender's address and the method.
/// Without, the fields that RFC 2543 compared are (17.2.3); the To tag is left out, since the ACK of a failure has one
/// and its INVITE has none.
pub(crate) fn server(key: &mut String, request: &Request, method: &Method) {
    let head = &request.head;
    key.clear();
    let written = match head.via.unique_branch() {
        Some(branch) => {
            key.push_str(branch);
            // The host alone needs the formatter, which is slow.
            let written = write!(key, "|{}|", head.via.host);
            key.push_str(itoa::Buffer::new().format(head.via.port.unwrap_or(0)));
            key.push('|');
            key.push_str(method.as_str());
            written
        }
        None => {
            let via = head.raw_vias().next().unwrap_or_default();
            let from = head.from.tag().unwrap_or_default();
            write!(key, "{}|{from}|{}|{}|{via}|{method}", request.uri, head.call_id, head.cseq.number)
        }
    };
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

/// The identity of a request outside dialogs, whichever way it came (8.2.2.2).
pub(crate) fn merge(key: &mut String, request: &Request) {
    let head = &request.head;
    key.clear();
    let from = head.from.tag().unwrap_or_default();
    let mut number = itoa::Buffer::new();
    for part in [from, "|", &head.call_id, "|", number.format(head.cseq.number), "|", head.cseq.method.as_str()] {
        key.push_str(part);
    }
}

/// The key of a dialog, or of all dialogs that one INVITE of ours may begin: our side of its id (12).
pub(crate) fn dialog(key: &mut String, call_id: &str, local_tag: &str) {
    key.clear();
    key.push_str(local_tag);
    key.push('|');
    key.push_str(call_id);
}

/// The key of a transaction of ours. Our branches are unique, so nothing of our address is needed.
pub(crate) fn client(branch: &str, method: &str) -> String {
    let mut key = String::with_capacity(branch.len() + 1 + method.len());
    key.push_str(branch);
    key.push('|');
    key.push_str(method);
    key
}

/// The key of the transaction that `response` answers; none if it has no branch of ours, or passed a proxy that left
/// its Via in it (8.1.3.3).
pub(crate) fn of_response(response: &Response) -> Option<String> {
    let head = &response.head;
    if head.via_count != 1 {
        return None;
    }
    Some(client(head.via.branch()?, head.cseq.method.as_str()))
}

/// A new branch, `token` being random.
pub(crate) fn branch(token: &str) -> String {
    let mut branch = String::with_capacity(MAGIC_COOKIE.len() + token.len());
    branch.push_str(MAGIC_COOKIE);
    branch.push_str(token);
    branch
}
