//! The command line's end of the control socket. It waits, so it is for programs that do nothing else.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use switch::control::{Request, Response};

use crate::port::READING;
use crate::protocol::{ErrorCode, Reloaded, Tracing, Watched, Wish, read_response, write_request};
use crate::serve::Door;

/// How long the switch may take for an answer: more than it gives its own domain thread.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer: a page of calls has some hundred kilobytes at most.
const MAX_ANSWER: u64 = 8 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no switch runs here: nobody answers at {path}")]
    NoSwitch {
        /// The socket.
        path: PathBuf,
    },
    /// The system or the switch does not let us.
    #[error("not allowed: only root and the user that the switch runs as may ask at {path}")]
    NotAllowed {
        /// The socket.
        path: PathBuf,
    },
    /// The connection broke, or took too long.
    #[error("the switch does not answer at {path}: {source}")]
    Broken {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What came is no answer.
    #[error("what answers at {path} is no switch of this version")]
    Garbled {
        /// The socket.
        path: PathBuf,
    },
    /// The configuration was not taken, as it has faults; the old one holds.
    #[error("{report}")]
    Faulty {
        /// All faults, as `strowger check` prints them.
        report: String,
    },
    /// The switch did not carry out the request.
    #[error("the switch refuses: {text}")]
    Refused {
        /// Why.
        code: ErrorCode,
        /// Why, in its words.
        text: String,
    },
}

/// A connection to a running switch.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    path: PathBuf,
}

impl Client {
    /// Connects to the switch that writes to the folder `data`.
    ///
    /// # Errors
    /// [`ClientError::NoSwitch`], [`ClientError::NotAllowed`] or [`ClientError::Broken`].
    pub fn connect(data: &Path) -> Result<Self, ClientError> {
        let path = Door::path(data);
        let failed = |source: io::Error| match source.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => ClientError::NoSwitch { path: path.clone() },
            ErrorKind::PermissionDenied => ClientError::NotAllowed { path: path.clone() },
            _ => ClientError::Broken { path: path.clone(), source },
        };
        let door = Door::open(data).map_err(failed)?;
        let stream = UnixStream::connect(door.address()).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        Ok(Self { stream: BufReader::new(stream), path })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// Any but [`ClientError::NoSwitch`].
    pub fn ask(&mut self, request: &Request) -> Result<Response, ClientError> {
        self.request(&Wish::Switch(request.clone()))
    }

    /// Has the switch read its configuration again and take it, or, for a `plan`, say what would come of that; waits for the
    /// outcome.
    ///
    /// # Errors
    /// [`ClientError::Faulty`] with every fault; any other but [`ClientError::NoSwitch`].
    pub fn reload(&mut self, plan: bool) -> Result<Reloaded, ClientError> {
        let patience = self.stream.get_ref().set_read_timeout(Some(READING + PATIENCE));
        patience.map_err(|source| ClientError::Broken { path: self.path.clone(), source })?;
        self.request(&Wish::Reload { plan })
    }

    /// Shows messages as they come and go, until `each` has seen enough and says false.
    ///
    /// # Errors
    /// Any but [`ClientError::NoSwitch`]; also when the switch ends.
    pub fn watch(&mut self, tracing: Tracing, mut each: impl FnMut(Watched) -> bool) -> Result<(), ClientError> {
        let _: String = self.request(&Wish::Trace(tracing))?;
        let broken = |path: &PathBuf, source| ClientError::Broken { path: path.clone(), source };
        // Nobody may call for hours.
        self.stream.get_ref().set_read_timeout(None).map_err(|source| broken(&self.path, source))?;
        loop {
            let line = self.next_line().map_err(|source| broken(&self.path, source))?;
            if !each(self.response(&line)?) {
                return Ok(());
            }
        }
    }

    fn request<R: DeserializeOwned>(&mut self, wish: &Wish) -> Result<R, ClientError> {
        let line = self.exchange(wish).map_err(|source| ClientError::Broken { path: self.path.clone(), source })?;
        self.response(&line)
    }

    fn response<R: DeserializeOwned>(&self, line: &[u8]) -> Result<R, ClientError> {
        match read_response(line) {
            Some(Ok(response)) => Ok(response),
            Some(Err(failure)) if failure.code == ErrorCode::NotAllowed => {
                Err(ClientError::NotAllowed { path: self.path.clone() })
            }
            Some(Err(failure)) if failure.code == ErrorCode::Faulty => {
                Err(ClientError::Faulty { report: failure.text })
            }
            Some(Err(failure)) => Err(ClientError::Refused { code: failure.code, text: failure.text }),
            None => Err(ClientError::Garbled { path: self.path.clone() }),
        }
    }

    fn exchange(&mut self, wish: &Wish) -> io::Result<Vec<u8>> {
        // A switch that turned us away has answered already, and takes no request; its answer counts.
        let sent = self.stream.get_mut().write_all(&write_request(wish));
        match self.next_line() {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => sent.and(Err(error)),
            other => other,
        }
    }

    fn next_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.stream).take(MAX_ANSWER).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the connection was closed"));
        }
        Ok(line)
    }
}
