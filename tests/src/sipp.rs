//! SIPp with scenarios of ours (`tests/scenarios/`).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::wait;

/// One SIPp process and its statistics.
#[derive(Debug)]
pub struct Sipp {
    process: Process,
    folder: PathBuf,
    name: String,
}

/// What SIPp counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that went as the scenario says.
    pub successful: u64,
    /// Calls that did not.
    pub failed: u64,
    /// Calls that are up.
    pub current: u64,
}

/// The folder of our scenarios.
pub fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

impl Sipp {
    /// A phone that answers calls on `port` as `scenario` says, for any number of calls.
    pub fn answering(scenario: &str, port: u16, media_port: u16, folder: &Path, options: &[&str]) -> Self {
        let sipp = Self::start(scenario, port, media_port, None, folder, options);
        // SIPp has no word for "ready": its socket is bound when the port is taken.
        let tcp = options.contains(&"t1");
        let host = if options.contains(&"::1") { "::1" } else { "127.0.0.1" };
        wait::until_true("SIPp binds its port", wait::SOON, || match tcp {
            true => std::net::TcpListener::bind((host, port)).is_err(),
            false => std::net::UdpSocket::bind((host, port)).is_err(),
        });
        sipp
    }

    /// A caller that runs `scenario` against `number` at the switch.
    pub fn calling(
        scenario: &str,
        number: &str,
        switch: SocketAddr,
        port: u16,
        media_port: u16,
        folder: &Path,
        options: &[&str],
    ) -> Self {
        Self::start(scenario, port, media_port, Some((number, switch)), folder, options)
    }

    fn start(
        scenario: &str,
        port: u16,
        media_port: u16,
        to: Option<(&str, SocketAddr)>,
        folder: &Path,
        options: &[&str],
    ) -> Self {
        let name = format!("sipp-{scenario}-{port}");
        let mut command = Command::new("sipp");
        // SIPp opens audio by a name relative to the folder that it runs in.
        command.current_dir(scenarios()).arg("-sf").arg(format!("{scenario}.xml"));
        command.args(["-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin", "-trace_stat", "-fd", "1", "-trace_err"]);
        command.args(["-p", &port.to_string(), "-mp", &media_port.to_string()]);
        command
            .arg("-stf")
            .arg(folder.join(format!("{name}.csv")))
            .arg("-error_file")
            .arg(folder.join(format!("{name}.errors")));
        if let Some((number, switch)) = to {
            command.args(["-s", number, &switch.to_string()]);
        }
        command.args(options).env("TERM", "dumb");
        Self { process: Process::start(&name, command, folder), folder: folder.to_owned(), name }
    }

    /// Waits until it ends by itself and asserts that each call went as its scenario says.
    ///
    /// # Panics
    /// If a call failed, with SIPp's reason, or it does not end within `limit`.
    pub fn succeed(&mut self, limit: Duration) -> Counts {
        let status = self.process.wait(limit);
        assert!(status.success(), "{} {status}: {}", self.name, self.reasons());
        self.counts()
    }

    /// Waits until `count` of its calls have ended well.
    ///
    /// # Panics
    /// If that does not come within `limit`, or one failed.
    pub fn wait_for_successes(&mut self, count: u64, limit: Duration) {
        wait::until_true(&format!("{} sees {count} calls through", self.name), limit, || {
            let counts = self.counts();
            assert_eq!(counts.failed, 0, "{}: {}", self.name, self.reasons());
            counts.successful >= count
        });
    }

    /// What it counted so far: its statistics are a second old at most.
    pub fn counts(&self) -> Counts {
        let text = std::fs::read_to_string(self.folder.join(format!("{}.csv", self.name))).unwrap_or_default();
        let mut lines = text.lines();
        let (Some(head), Some(last)) = (lines.next(), lines.next_back()) else { return Counts::default() };
        let row: HashMap<_, _> = head.split(';').zip(last.split(';')).collect();
        let number = |key: &str| row.get(key).and_then(|text| text.parse().ok()).unwrap_or(0);
        Counts {
            successful: number("SuccessfulCall(C)"),
            failed: number("FailedCall(C)"),
            current: number("CurrentCall"),
        }
    }

    /// Ends it at once, as if the phone lost its power.
    pub fn vanish(&mut self) {
        self.process.kill();
    }

    fn reasons(&self) -> String {
        let text = std::fs::read(self.folder.join(format!("{}.errors", self.name))).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        text.chars().take(3000).collect()
    }
}
