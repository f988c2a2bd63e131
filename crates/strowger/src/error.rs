//! Why the program cannot do what it was asked to.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why the program ends without having done its task.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The configuration has faults.
    #[error("{0}")]
    Faults(company::Report),
    /// The configuration's folder cannot be read.
    #[error("cannot read the folder {path}: {source}; name the one that holds strowger.yaml with --config")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A listener cannot work.
    #[error(transparent)]
    Net(#[from] net::NetError),
    /// The data folder cannot be written.
    #[error(transparent)]
    Storage(#[from] storage::StartError),
    /// The media threads cannot start.
    #[error(transparent)]
    Media(#[from] media::MediaError),
    /// A thread without which there is nothing to do panicked; the panic's own message stands above.
    #[error("a {thread} thread died; this is a fault of the program, please report it")]
    Died {
        /// Which.
        thread: &'static str,
    },
    /// The system has no randomness or no thread for us.
    #[error("the system gives no {what}: {source}")]
    System {
        /// What is missing.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Says to people what is wrong. Faults of a configuration stand as they are; all else begins like them.
    pub fn print(&self) {
        match self {
            Self::Faults(report) => eprint!("{report}"),
            other => eprintln!("strowger: error: {other}"),
        }
    }

    /// 1 for faults that an operator mends in the configuration, 2 for what the machine does not allow.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Faults(_) | Self::Folder { .. } => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }
}
