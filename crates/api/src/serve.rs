//! Both listeners: bound, started, ended.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::port::Post;
use crate::{control, http};

/// The control socket's name in the data folder.
pub const SOCKET: &str = "control.sock";

/// Clients of each listener at once; a further one is told to try again.
const CLIENTS: u32 = 16;
/// How long to wait after the system refused a connection (descriptors are at their end) before the next is taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a listener cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The control socket cannot be made.
    #[error("cannot make the control socket {path}: {source}")]
    Control {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The HTTP port cannot be bound.
    #[error("cannot listen for metrics on {address}: {source}")]
    Metrics {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Both listeners, bound.
#[derive(Debug)]
pub struct Api {
    control: UnixListener,
    metrics: Option<TcpListener>,
    file: SocketFile,
}

/// Both listeners at work. Dropped, they end at once.
#[derive(Debug)]
pub struct Serving {
    acceptors: Vec<JoinHandle<()>>,
    seats: Arc<Semaphore>,
    _file: SocketFile,
}

impl Api {
    /// Binds the control socket in the folder `data`, which the caller holds the lock of, and the HTTP port if there is
    /// to be one.
    ///
    /// # Errors
    /// [`ApiError`] for either.
    pub fn bind(data: &Path, metrics: Option<SocketAddr>) -> Result<Self, ApiError> {
        let failed = |source| ApiError::Control { path: Door::path(data), source };
        let (control, file) = bind_control(data).map_err(failed)?;
        let metrics = metrics.map(|address| {
            let bound = TcpListener::bind(address).and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok(listener)
            });
            bound.map_err(|source| ApiError::Metrics { address, source })
        });
        Ok(Self { control, metrics: metrics.transpose()?, file })
    }

    /// Where the HTTP port is, if there is one.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Starts both on the current tokio runtime. `post` takes what clients ask.
    ///
    /// # Errors
    /// What the runtime's reactor says.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(self, post: &Post) -> io::Result<Serving> {
        let seats = Arc::new(Semaphore::new(seat_count()));
        let control = tokio::net::UnixListener::from_std(self.control)?;
        let mut acceptors = vec![tokio::spawn(accept_control(control, Arc::clone(&seats), post.clone()))];
        if let Some(listener) = self.metrics {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            acceptors.push(tokio::spawn(accept_http(listener, post.clone())));
        }
        Ok(Serving { acceptors, seats, _file: self.file })
    }
}

impl Serving {
    /// Takes no more clients, and lets those of the control socket take their answers, for at most `patience`.
    pub async fn finish(mut self, patience: Duration) {
        self.stop();
        // Over once every seat is free; who stays is cut off.
        let _ = timeout(patience, self.seats.acquire_many(CLIENTS)).await;
    }

    fn stop(&mut self) {
        self.acceptors.drain(..).for_each(|acceptor| acceptor.abort());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept_control(listener: tokio::net::UnixListener, seats: Arc<Semaphore>, post: Post) {
    let own = rustix::process::geteuid().as_raw();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
            control::turn_away(stream);
            continue;
        };
        let post = post.clone();
        tokio::spawn(async move {
            control::serve(stream, own, post).await;
            drop(seat);
        });
    }
}

async fn accept_http(listener: tokio::net::TcpListener, post: Post) {
    let seats = Arc::new(Semaphore::new(seat_count()));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
            http::turn_away(stream);
            continue;
        };
        let post = post.clone();
        tokio::spawn(async move {
            http::serve(stream, post).await;
            drop(seat);
        });
    }
}

fn seat_count() -> usize {
    usize::try_from(CLIENTS).unwrap_or(1)
}

fn bind_control(data: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let path = Door::path(data);
    match fs::symlink_metadata(&path) {
        // Left by a switch that was killed: whoever holds the folder's lock is the only one alive.
        Ok(found) if found.file_type().is_socket() => fs::remove_file(&path)?,
        Ok(_) => return Err(io::Error::new(ErrorKind::AlreadyExists, "something else has this name")),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(Door::open(data)?.address())?;
    let file = SocketFile(path);
    // Who connects before this is still asked for his credentials.
    fs::set_permissions(&file.0, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok((listener, file))
}

/// The socket's file, removed in the end.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The data folder held open, so that its socket has a short address: the system takes 107 octets, and a folder's path
/// may be longer.
pub(crate) struct Door {
    folder: File,
}

impl Door {
    /// Where the socket of the folder `data` is, for people.
    pub fn path(data: &Path) -> PathBuf {
        data.join(SOCKET)
    }

    pub fn open(data: &Path) -> io::Result<Self> {
        Ok(Self { folder: File::open(data)? })
    }

    /// The address to bind or connect to, as long as the door is open.
    pub fn address(&self) -> PathBuf {
        format!("/proc/self/fd/{}/{SOCKET}", self.folder.as_raw_fd()).into()
    }
}
