//! A request that its thread waits for: of those who have a thread to spare, and want another thing than JSON.

use std::io;
use std::time::{Duration, Instant};

use base::Pii;
use bytes::Bytes;
use ivr::web::{Failure, Method, Origin};
use tokio::runtime::Builder;

use crate::request::{Fault, Question, add, exchange, usual};
use crate::{Lines, trusted};

/// Status and body, or why there are none.
type Answered = Result<(u16, Vec<u8>), Fault>;

/// Asks, and waits for the answer.
#[derive(Debug)]
pub struct Patient {
    lines: Lines,
}

/// What is asked.
#[derive(Debug)]
pub struct Ask<'a> {
    /// How.
    pub method: Method,
    /// Whom.
    pub origin: &'a Origin,
    /// The path, with the query. Begins with `/`.
    pub path: &'a str,
    /// The kind of thing that is wanted, such as `audio/wav`.
    pub accept: &'static str,
    /// More headers, each with what it says, and whether that is a secret.
    pub headers: &'a [(String, Pii<String>, bool)],
    /// What is sent, and of what kind it is.
    pub body: Option<(&'static str, String)>,
    /// The most octets of an answer.
    pub most: usize,
}

impl Patient {
    /// Reads whom the system trusts.
    #[must_use]
    pub fn new() -> Self {
        Self { lines: Lines::new(trusted()) }
    }

    /// What the server answers, if that is a success.
    ///
    /// # Errors
    /// Why there is none. No redirect is followed.
    pub fn ask(&self, ask: Ask<'_>, due: Instant) -> Result<Vec<u8>, Failure> {
        let kind = ask.body.as_ref().map(|(kind, _)| *kind);
        let mut headers = usual(ask.origin, ask.accept, kind).ok_or(Failure::Send)?;
        for (name, text, secret) in ask.headers {
            add(&mut headers, name, text.reveal(), *secret).ok_or(Failure::Send)?;
        }
        let question = Question {
            origin: ask.origin,
            method: ask.method.word(),
            path: ask.path,
            headers,
            body: ask.body.map_or_else(Bytes::new, |(_, body)| body.into()),
            most: ask.most,
        };
        let left = due.saturating_duration_since(Instant::now());
        let outcome = self.wait(question, left).map_err(|_| Failure::Refused)?;
        match outcome {
            Some(Ok((200..=299, body))) => Ok(body),
            Some(Ok(_)) => Err(Failure::Status),
            Some(Err((_, failure))) => Err(failure),
            None => Err(Failure::Timeout),
        }
    }

    /// None if the time was over.
    fn wait(&self, question: Question<'_>, time: Duration) -> io::Result<Option<Answered>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let outcome = runtime.block_on(async { tokio::time::timeout(time, exchange(question, &self.lines)).await });
        // A look-up of a name that hangs is not waited for.
        runtime.shutdown_background();
        Ok(outcome.ok())
    }
}

impl Default for Patient {
    fn default() -> Self {
        Self::new()
    }
}
