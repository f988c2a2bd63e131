//! `strowger voicemail`: what lies in mailboxes, for operators.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use storage::{Mailboxes, Message};
use switch::control::Request;

use crate::error::Error;
use crate::operate::{connect, data_folder, print, shown, to_json};

/// What is to be done.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Deed {
    /// Lists messages, the oldest of each mailbox first
    List {
        /// The mailbox; without it, all
        #[arg(value_name = "MAILBOX")]
        mailbox: Option<String>,
        /// Prints one JSON object a message
        #[arg(long)]
        json: bool,
    },
    /// Writes the sound of a message to a WAV file: mono, 16 bits, 8 kHz
    Export {
        /// The mailbox
        mailbox: String,
        /// The message, as `list` names it
        message: String,
        /// The file; one of this name is replaced
        #[arg(value_name = "FILE")]
        to: PathBuf,
    },
    /// Deletes a message
    Delete {
        /// The mailbox
        mailbox: String,
        /// The message, as `list` names it
        message: String,
    },
}

/// Does it.
///
/// # Errors
/// If there is no such message, or a file cannot be read or written.
pub(crate) fn voicemail(config: &Path, deed: &Deed) -> Result<(), Error> {
    let mailboxes = Mailboxes::of(&data_folder(config)?);
    let failed = |mailbox: &str, message: &str, error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Error::NoSuchMessage { mailbox: mailbox.to_owned(), message: message.to_owned() },
        _ => Error::System { what: "mailbox", source: error },
    };
    match deed {
        Deed::List { mailbox, json } => {
            let read = |source| Error::System { what: "mailbox", source };
            let names = match mailbox {
                Some(name) => vec![name.clone()],
                None => mailboxes.names().map_err(read)?,
            };
            let mut text = String::new();
            for name in names {
                for message in mailboxes.list(&name).map_err(|error| failed(&name, "", error))? {
                    text += &if *json { to_json(&as_json(&message)) } else { line(&message) };
                }
            }
            print(if text.is_empty() && !json { "there are no messages\n" } else { &text });
        }
        Deed::Export { mailbox, message, to } => {
            let sound = mailboxes.sound(mailbox, message).map_err(|error| failed(mailbox, message, error))?;
            // It is as private as the message.
            storage::replace(to, |file| io::Write::write_all(file, &sound))
                .map_err(|source| Error::System { what: "file", source })?;
        }
        Deed::Delete { mailbox, message } => {
            mailboxes.delete(mailbox, message).map_err(|error| failed(mailbox, message, error))?;
            // Without a switch that runs there is no lamp to put out.
            if let Ok(mut switch) = connect(config) {
                switch.client.ask(&Request::CountMailbox { mailbox: mailbox.as_str().into() })?;
            }
        }
    }
    Ok(())
}

fn as_json(message: &Message) -> serde_json::Value {
    let mut value = serde_json::to_value(&message.head).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("message".to_owned(), message.id.as_ref().into());
    }
    value
}

/// A message as a line.
fn line(message: &Message) -> String {
    let head = &message.head;
    let mut text =
        format!("{} {} {} {}", shown(&head.mailbox), message.id, head.at, if head.heard { "heard" } else { "new" });
    let from = head.from.reveal();
    let _ = write!(
        text,
        " {}.{} s from {}",
        head.length_ms / 1000,
        head.length_ms % 1000 / 100,
        if from.is_empty() { "-" } else { from }
    );
    let _ = writeln!(text, " to {}", if head.to.reveal().is_empty() { "-" } else { head.to.reveal() });
    text
}
