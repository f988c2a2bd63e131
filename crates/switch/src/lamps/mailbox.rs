//! Whether messages wait for a user (RFC 3842).

use crate::UserName;

/// What waits for somebody.
pub(super) struct Mailbox {
    /// Messages that he has not heard, and that he has.
    voice: Option<(u32, u32)>,
}

/// What waits for a user. The one place that knows: as nobody can leave a message yet, there is none, and no mailbox.
pub(super) const fn of(_user: &UserName) -> Mailbox {
    Mailbox { voice: None }
}

impl Mailbox {
    /// What is told of it (5.2).
    pub fn summary(&self, account: &str) -> String {
        let waiting = if self.voice.is_some_and(|(new, _)| new > 0) { "yes" } else { "no" };
        let counts = self.voice.map(|(new, old)| format!("Voice-Message: {new}/{old}\r\n")).unwrap_or_default();
        format!("Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\n{counts}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_counted_where_there_is_a_mailbox() {
        let told = |voice| Mailbox { voice }.summary("sip:101@h");
        assert_eq!(told(None), "Messages-Waiting: no\r\nMessage-Account: sip:101@h\r\n");
        assert_eq!(told(Some((2, 5))), "Messages-Waiting: yes\r\nMessage-Account: sip:101@h\r\nVoice-Message: 2/5\r\n");
        assert!(told(Some((0, 5))).starts_with("Messages-Waiting: no\r\n"));
    }
}
