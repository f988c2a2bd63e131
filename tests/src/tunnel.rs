//! `openssl s_client`: what a test writes goes through TLS as it is, and what comes back is kept.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::wait;

/// A connection under TLS. It ends with the test.
#[derive(Debug)]
pub struct Tunnel {
    child: Child,
    stdin: Option<ChildStdin>,
    came: Arc<Mutex<Vec<u8>>>,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Tunnel {
    /// Connects to `address`, believing those in the file `ca`, with more options of `openssl s_client`.
    ///
    /// # Panics
    /// If OpenSSL is not there.
    pub fn open(address: SocketAddr, ca: &Path, options: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-verify_return_error", "-connect", &address.to_string(), "-CAfile"]);
        command.arg(ca).args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("openssl; scripts/test installs it");
        let (came, said) = (Arc::default(), Arc::default());
        collect(child.stdout.take().expect("piped"), Arc::clone(&came));
        collect(child.stderr.take().expect("piped"), Arc::clone(&said));
        let stdin = child.stdin.take();
        Self { child, stdin, came, said }
    }

    /// Sends `octets`, once there is a connection; not at all if it is gone.
    pub fn send(&mut self, octets: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(octets).and_then(|()| stdin.flush());
        }
    }

    /// What came so far, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.came.lock().unwrap()).into_owned()
    }

    /// What OpenSSL itself says.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    /// Waits until `words` have come.
    ///
    /// # Panics
    /// If they do not come within `limit`.
    pub fn wait_for(&self, words: &str, limit: Duration) -> String {
        let title = format!("`{words}` under TLS");
        wait::until(&title, limit, || Some(self.text()).filter(|text| text.contains(words)))
    }

    /// True once the connection is over, or never came about.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_some()
    }

    /// Waits until it is over.
    ///
    /// # Panics
    /// If it is not within `limit`.
    pub fn wait_for_end(&mut self, limit: Duration) {
        wait::until_true("the end of a connection", limit, || self.is_over());
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut from: impl std::io::Read + Send + 'static, sink: Arc<Mutex<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(size @ 1..) = from.read(&mut buffer) {
            sink.lock().unwrap().extend_from_slice(&buffer[..size]);
        }
    });
}
