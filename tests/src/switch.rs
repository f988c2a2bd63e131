//! The real binary, on a configuration folder of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::company::Company;
use crate::process::Process;
use crate::{records, wait};

/// A running switch; killed on drop.
#[derive(Debug)]
pub struct Switch {
    process: Process,
    address: SocketAddr,
    tcp: Option<SocketAddr>,
    folder: TempDir,
}

/// The binary under test: `STROWGER_BIN`, or what `cargo build` or `cargo build --release` left.
///
/// # Panics
/// If there is none.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("STROWGER_BIN") {
        return path.into();
    }
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let built = ["release", "debug"].map(|profile| target.join(profile).join("strowger"));
    let built = built
        .into_iter()
        .filter(|path| path.exists())
        .max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok());
    built.expect("no binary: run scripts/test, or cargo build --release -p strowger")
}

impl Switch {
    /// Starts the switch for `company` and waits until it is ready.
    pub fn start(company: &Company) -> Self {
        Self::start_with(company, |command| command)
    }

    /// As [`Self::start`], with the command changed first (limits, environment).
    ///
    /// # Panics
    /// If it does not get ready.
    pub fn start_with(company: &Company, change: impl FnOnce(Command) -> Command) -> Self {
        let folder = written(company);
        let (process, address, tcp) = run(folder.path(), change);
        Self { process, address, tcp, folder }
    }

    /// As [`Self::start`], with passwords of users that an operator wrote: a line each, `NAME: PASSWORD`.
    ///
    /// # Panics
    /// If it does not get ready.
    pub fn start_with_passwords(company: &Company, passwords: &str) -> Self {
        let folder = written(company);
        let data = folder.path().join("config/data");
        std::fs::create_dir_all(&data).expect("a folder");
        std::fs::write(data.join("passwords"), passwords).expect("a file");
        let (process, address, tcp) = run(folder.path(), |command| command);
        Self { process, address, tcp, folder }
    }

    /// Kills it (`kill -9`) if it runs, and starts it again on the same folder. Unless its company names a
    /// port, it listens at others then.
    pub fn restart(&mut self) {
        self.process.kill();
        (self.process, self.address, self.tcp) = run(self.folder.path(), |command| command);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for TCP.
    ///
    /// # Panics
    /// If its company has no such listener.
    pub fn tcp(&self) -> SocketAddr {
        self.tcp.expect("a TCP listener")
    }

    /// Where it listens for `transport`, if it does so more than once the first place.
    ///
    /// # Panics
    /// If it does not.
    pub fn listening(&self, transport: &str) -> SocketAddr {
        let lines = self.process.lines();
        let mut told = lines.iter().filter_map(|line| line.strip_prefix("listening ")?.split_once(' '));
        let (_, address) = told.find(|(name, _)| *name == transport).expect("such a listener");
        address.parse().expect("an address")
    }

    /// Where it listens for `transport` by IPv6.
    ///
    /// # Panics
    /// If it does not.
    pub fn listening_by_ipv6(&self, transport: &str) -> SocketAddr {
        let lines = self.process.lines();
        let told = lines.iter().filter_map(|line| line.strip_prefix("listening ")?.split_once(' '));
        let mut addresses = told.filter(|(name, _)| *name == transport).filter_map(|(_, address)| address.parse().ok());
        addresses.find(SocketAddr::is_ipv6).expect("such a listener")
    }

    /// A folder that lives as long as the switch, for the files of phones.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("config/data")
    }

    /// The password that it made for a user.
    ///
    /// # Panics
    /// If there is none.
    pub fn password(&self, user: &str) -> String {
        let text = std::fs::read_to_string(self.data().join("passwords")).expect("the passwords");
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(user)?.strip_prefix(": "));
        lines.next().expect("his password").to_owned()
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What a command to it (`status`, `calls`…) prints.
    ///
    /// # Panics
    /// If it fails.
    pub fn told(&self, arguments: &[&str]) -> String {
        let config = self.folder.path().join("config");
        let mut command = Command::new(binary());
        let output = command.args(arguments).arg("--config").arg(config).output().expect("the binary runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The CDRs so far.
    pub fn cdrs(&self) -> Vec<Value> {
        records::json_lines(&self.data()).into_iter().filter(|line| line.get("disposition").is_some()).collect()
    }

    /// Waits for `count` CDRs.
    ///
    /// # Panics
    /// If they do not come, or more come.
    pub fn wait_for_cdrs(&self, count: usize) -> Vec<Value> {
        let found =
            wait::until(&format!("{count} CDRs"), wait::SOON, || Some(self.cdrs()).filter(|cdrs| cdrs.len() >= count));
        assert_eq!(found.len(), count, "{found:#?}");
        found
    }

    /// Waits for the only CDR.
    pub fn wait_for_cdr(&self) -> Value {
        self.wait_for_cdrs(1).remove(0)
    }

    /// The journal's events of `kind` so far.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        records::json_lines(&self.data()).into_iter().filter(|line| line["event"] == kind).collect()
    }

    /// Waits for the `count`th event of `kind`.
    ///
    /// # Panics
    /// If it does not come within `limit`.
    pub fn wait_for_event(&self, kind: &str, count: usize, limit: Duration) -> Value {
        wait::until(&format!("event {kind} number {count}"), limit, || self.events(kind).into_iter().nth(count - 1))
    }

    /// The recordings so far.
    pub fn recordings(&self) -> Vec<PathBuf> {
        records::files(&self.data(), ".wav")
    }

    /// SIGTERM; its exit status is waited for.
    ///
    /// # Panics
    /// If it does not end within `limit`.
    pub fn terminate(&mut self, limit: Duration) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait(limit)
    }

    /// What its threads of a name have used of the processor so far, in ticks.
    ///
    /// # Panics
    /// If it has none.
    pub fn processor_time(&self, thread: &str) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.pid())).expect("it runs");
        let stats = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
        let named = format!("({thread}) ");
        let fields = stats.filter_map(|stat| Some(stat.split_once(&named)?.1.to_owned()));
        // Behind the name, which is the second field: the 14th and 15th are its own time, and the system's for it.
        let times = fields.map(|rest| {
            let ticks = rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks"));
            ticks.sum::<u64>()
        });
        times.reduce(|all, time| all + time).unwrap_or_else(|| panic!("no thread is called {thread}"))
    }

    /// Asserts that nothing is left of any call: the port for RTP is free again and no `call_began` lacks its `call_ended`.
    ///
    /// # Panics
    /// If something is.
    pub fn assert_quiet(&self) {
        wait::until_true("each call that began has ended", wait::SOON, || {
            self.events("call_began").len() == self.events("call_ended").len()
        });
        let pid = self.process.pid();
        wait::until_true("no RTP socket is left", wait::SOON, || udp_sockets(pid) <= 1);
    }
}

/// A folder with the configuration of `company`.
fn written(company: &Company) -> TempDir {
    let folder = tempfile::Builder::new().prefix("strowger-e2e-").tempdir().expect("a folder");
    company.write(&folder.path().join("config"));
    folder
}

/// Runs the binary on the configuration in `folder` until it is ready; also where it listens.
fn run(folder: &Path, change: impl FnOnce(Command) -> Command) -> (Process, SocketAddr, Option<SocketAddr>) {
    let mut command = Command::new(binary());
    command.args(["run", "--config"]).arg(folder.join("config"));
    let mut process = Process::start("strowger", change(command), folder);
    let line = process.wait_for_line("listener", Duration::from_secs(30), |line| line.starts_with("listening udp "));
    let address = line.trim_start_matches("listening udp ").parse().expect("an address");
    process.wait_for_line("ready", Duration::from_secs(30), |line| line == "ready");
    let lines = process.lines();
    let tcp = lines.iter().find_map(|line| line.strip_prefix("listening tcp ")?.parse().ok());
    (process, address, tcp)
}

/// UDP sockets of a process.
pub fn udp_sockets(pid: u32) -> usize {
    let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let inodes: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(9)).collect();
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return 0 };
    let targets = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let sockets =
        targets.filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()));
    sockets.filter(|inode| inodes.contains(&inode.as_str())).count()
}
