//! What is told of a user's dialogs: a whole document each time (RFC 4235 4).

use std::fmt::Write as _;

use sip_message::{Host, Uri};

use super::dialogs::{Dialog, Identity, State};

/// The most dialogs of a document: there are never as many, and it fits into one message.
const MAX_DIALOGS: usize = 32;
/// The longest name or number that is told, in characters.
const MAX_NAME: usize = 64;

/// The address of somebody, without what belongs to one phone of his.
pub(super) fn address(user: &str, host: &Host) -> String {
    Uri::new(host.clone()).with_user(&shorten(user)).to_string()
}

/// The document. `version` is how many came before it (4.1.1).
pub(super) fn write<'d>(entity: &str, host: &str, version: u32, dialogs: impl Iterator<Item = &'d Dialog>) -> String {
    let mut text = String::with_capacity(256);
    let entity = escaped(entity);
    // Writing to a string cannot fail, here and below.
    let _ = write!(
        text,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
         version=\"{version}\" state=\"full\" entity=\"{entity}\">\r\n"
    );
    for dialog in dialogs.take(MAX_DIALOGS) {
        write_dialog(&mut text, &entity, host, dialog);
    }
    text.push_str("</dialog-info>\r\n");
    text
}

fn write_dialog(text: &mut String, entity: &str, host: &str, dialog: &Dialog) {
    let (call_id, remote_tag) = (escaped(&dialog.call_id), escaped(&dialog.remote_tag));
    let _ = write!(text, "<dialog id=\"d{}\" call-id=\"{call_id}\"", dialog.id);
    if let Some(tag) = &dialog.local_tag {
        let _ = write!(text, " local-tag=\"{}\"", escaped(tag));
    }
    let direction = if dialog.initiator { "initiator" } else { "recipient" };
    let _ = write!(text, " remote-tag=\"{remote_tag}\" direction=\"{direction}\">\r\n");
    let _ = match dialog.state {
        State::Trying => write!(text, "<state>trying</state>"),
        State::Early => write!(text, "<state>early</state>"),
        State::Confirmed => write!(text, "<state>confirmed</state>"),
        State::Terminated(event, None) => write!(text, "<state event=\"{event}\">terminated</state>"),
        State::Terminated(event, Some(code)) => {
            write!(text, "<state event=\"{event}\" code=\"{code}\">terminated</state>")
        }
    };
    let _ = write!(text, "\r\n<local><identity>{entity}</identity><target uri=\"{entity}\"/></local>\r\n");
    let Identity { user, display } = &dialog.remote;
    let display = display.as_deref().map(|display| format!(" display=\"{}\"", escaped(&shorten(display))));
    let remote = match user {
        Some(user) => match host.parse::<Host>() {
            Ok(host) => escaped(&address(user, &host)),
            Err(_) => ANONYMOUS.to_owned(),
        },
        None => ANONYMOUS.to_owned(),
    };
    let display = display.unwrap_or_default();
    let _ = write!(
        text,
        "<remote><identity{display}>{remote}</identity><target uri=\"{remote}\"/></remote>\r\n</dialog>\r\n"
    );
}

/// Who does not say who he is (RFC 3323 4.1.1.3).
const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

fn shorten(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

/// As text of XML 1.0, in attributes, too; what no such text may hold becomes `?`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_name_becomes_markup() {
        assert_eq!(escaped("a&b<c>\"d'\u{1}\u{fffe}ü"), "a&amp;b&lt;c&gt;&quot;d&apos;??ü");
    }
}
