//! `strowger callbacks`: shows who is to be called back, and takes callbacks back.

use clap::{Args, Subcommand};
use switch::control::{MAX_PAGE, Request, Response};
use switch::{CallbackLine, CallbackWait};

use crate::cli::operate::At;
use crate::error::Error;
use crate::operate::{connect, print, shown, to_json};
use crate::turn::whoever_asks;

/// `strowger callbacks`.
#[derive(Debug, Args)]
pub(crate) struct Callbacks {
    #[command(subcommand)]
    deed: Option<Deed>,
    #[command(flatten)]
    at: At,
    /// Prints one JSON object a callback
    #[arg(long)]
    json: bool,
}

/// What is to be done with one.
#[derive(Debug, Subcommand)]
pub(crate) enum Deed {
    /// Takes one back: he is not called any more
    Cancel {
        /// Its name, as the list has it
        callback: String,
    },
}

/// Shows all, or takes one back.
///
/// # Errors
/// If the running switch cannot be asked, or there is no such callback.
pub(crate) fn callbacks(request: Callbacks) -> Result<(), Error> {
    let Callbacks { deed, at, json } = request;
    let mut switch = connect(&at.config)?;
    if let Some(Deed::Cancel { callback }) = deed {
        let request = Request::CancelCallback { callback: callback.as_str().into(), by: whoever_asks() };
        return match switch.client.ask(&request)? {
            Response::Cancelled => {
                print(&format!("callback {} is cancelled\n", shown(&callback)));
                Ok(())
            }
            Response::NoSuchCallback => Err(Error::NoSuchCallback { callback }),
            _ => Err(switch.garbled()),
        };
    }
    let (mut after, mut listed) = (None, 0);
    if !json {
        print(&row(["CALLBACK", "NUMBER", "QUEUE", "SINCE", "LEFT", "STATE"]));
    }
    loop {
        let request = Request::Callbacks { after: after.clone(), limit: MAX_PAGE };
        let Response::Callbacks(page) = switch.client.ask(&request)? else { return Err(switch.garbled()) };
        print(&page.callbacks.iter().map(if json { to_json } else { line }).collect::<String>());
        listed += page.callbacks.len();
        // As with calls, pages go onwards only.
        after = page.next.filter(|next| after.as_ref().is_none_or(|before| next > before));
        if after.is_none() {
            break;
        }
    }
    if !json {
        print(&format!("{listed} {}\n", if listed == 1 { "callback" } else { "callbacks" }));
    }
    Ok(())
}

fn line(line: &CallbackLine) -> String {
    let CallbackLine { callback, promise, waits_for } = line;
    let (since, left) = (promise.since.to_string(), promise.attempts.to_string());
    let state = match waits_for {
        CallbackWait::Turn => "in line".to_owned(),
        CallbackWait::Time => format!("not before {}", promise.not_before),
        CallbackWait::Hours => format!("until `{}` opens", promise.hours),
        CallbackWait::Queue => "until the queue takes calls".to_owned(),
    };
    row([callback, &shown(promise.number.reveal()), &promise.queue, &since, &left, &state])
}

fn row([callback, number, queue, since, left, state]: [&str; 6]) -> String {
    format!("{callback:<18} {number:<18} {queue:<16} {since:<24} {left:>4}  {state}\n")
}
