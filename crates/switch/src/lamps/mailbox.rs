//! What a user is told of messages that wait for him (RFC 3842 section 5.2).

/// `counts` are the messages that he has not heard, and that he has; none if he has no mailbox.
pub(super) fn summary(counts: Option<(u32, u32)>, account: &str) -> String {
    let waiting = if counts.is_some_and(|(new, _)| new > 0) { "yes" } else { "no" };
    let counts = counts.map(|(new, old)| format!("Voice-Message: {new}/{old}\r\n")).unwrap_or_default();
    format!("Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\n{counts}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_counted_where_there_is_a_mailbox() {
        let told = |counts| summary(counts, "sip:101@h");
        assert_eq!(told(None), "Messages-Waiting: no\r\nMessage-Account: sip:101@h\r\n");
        assert_eq!(told(Some((2, 5))), "Messages-Waiting: yes\r\nMessage-Account: sip:101@h\r\nVoice-Message: 2/5\r\n");
        assert!(told(Some((0, 5))).starts_with("Messages-Waiting: no\r\n"));
    }
}
