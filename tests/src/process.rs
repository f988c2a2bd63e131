//! Processes that end with the test, whatever happens in it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::wait;

/// A child process with its output kept. Killed on drop; if the test fails, its output is printed then.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    errors: PathBuf,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts `command`; its standard error goes to a file in `folder`.
    ///
    /// # Panics
    /// If the program is not there.
    pub fn start(name: &str, mut command: Command, folder: &Path) -> Self {
        command.stdin(Stdio::null());
        Self::run(name, command, folder)
    }

    /// As [`Self::start`]; what it reads is written to what comes with it.
    ///
    /// # Panics
    /// As there.
    pub fn start_with_input(name: &str, mut command: Command, folder: &Path) -> (Self, ChildStdin) {
        command.stdin(Stdio::piped());
        let mut process = Self::run(name, command, folder);
        let stdin = process.child.stdin.take().expect("piped");
        (process, stdin)
    }

    fn run(name: &str, mut command: Command, folder: &Path) -> Self {
        let errors = folder.join(format!("{name}.stderr"));
        let file = File::create(&errors).expect("a file for standard error");
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().unwrap_or_else(|error| {
            panic!("cannot start {name} ({command:?}): {error}; scripts/test installs what tests need")
        });
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stdout, sink) = (child.stdout.take().expect("piped"), Arc::clone(&lines));
        std::thread::spawn(move || {
            // Split at CR too: some programs draw a status line over and over.
            for chunk in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                sink.lock().unwrap().push(String::from_utf8_lossy(&chunk).trim_end().to_owned());
            }
        });
        Self { name: name.to_owned(), child, lines, errors, status: None }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// What it wrote to standard error so far.
    pub fn errors(&self) -> String {
        std::fs::read(&self.errors).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    /// Sends a signal by name (`TERM`, `KILL`, `STOP`…).
    ///
    /// # Panics
    /// If it is gone already.
    pub fn signal(&mut self, signal: &str) {
        assert!(self.poll().is_none(), "{} ended before SIG{signal}: {}", self.name, self.errors());
        let sent = Command::new("kill").args(["-s", signal, &self.pid().to_string()]).status().expect("kill");
        assert!(sent.success());
    }

    /// Its exit status if it has ended.
    pub fn poll(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("our own child");
        }
        self.status
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// If it does not within `limit`.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        wait::until(&format!("{} ends", self.name), limit, || self.poll())
    }

    /// Waits for a line that `wanted` accepts.
    ///
    /// # Panics
    /// If none comes within `limit`, or the process ends first.
    pub fn wait_for_line(&mut self, title: &str, limit: Duration, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + limit;
        loop {
            if let Some(line) = self.lines().into_iter().find(|line| wanted(line)) {
                return line;
            }
            let ended = self.poll();
            assert!(ended.is_none(), "{} ended ({ended:?}) before {title}:\n{}", self.name, self.errors());
            assert!(Instant::now() < end, "{}: no {title} within {limit:?}:\n{}", self.name, self.errors());
            wait::pause(Duration::from_millis(10));
        }
    }

    /// Kills it and waits for its end. Does nothing if it has ended.
    pub fn kill(&mut self) {
        if self.poll().is_none() {
            self.child.kill().expect("our own child");
            self.status = Some(self.child.wait().expect("our own child"));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let lines = self.lines();
            let tail = &lines[lines.len().saturating_sub(40)..];
            let errors = self.errors();
            let cut = errors.char_indices().rev().nth(4000).map_or(0, |(at, _)| at);
            eprintln!("---- {} printed:\n{}\n---- and said:\n{}", self.name, tail.join("\n"), &errors[cut..]);
        }
    }
}
