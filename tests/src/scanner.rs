//! The scanners of SIPVicious (`svmap`, `svwar`, `svcrack`), as those run them who look for telephones to abuse.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::ports::Ports;
use crate::process::Process;

/// How long a scan of a few hundred names may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `tool` against the switch, and gives what it found (its standard output) and what it said besides.
///
/// # Panics
/// If the tool is not there or does not end.
pub fn scan(tool: &str, options: &[&str], switch: SocketAddr, ports: &mut Ports, folder: &Path) -> (String, String) {
    let mut command = Command::new(installed(tool));
    command.args(options).args(["-b", "127.0.0.1", "-P", &ports.take(2).to_string()]);
    match tool {
        "svmap" => command.args(["-p", &switch.port().to_string(), &switch.ip().to_string()]),
        _ => command.arg(format!("udp://{switch}")),
    };
    let mut process = Process::start(tool, command, folder);
    // Its exit code says whether it found something, by bits of its own.
    let status = process.wait(LIMIT);
    let said = process.errors();
    assert!(status.code().is_some() && !said.contains("Traceback"), "{tool} {options:?}: {status}\n{said}");
    // The thread that reads its output may be a moment behind its end.
    let found = crate::wait::until(&format!("the end of {tool}'s output"), LIMIT, || {
        let lines = process.lines();
        let whole = lines.last().is_some_and(|last| last.starts_with("+-")) || said.contains("found nothing");
        whole.then(|| lines.join("\n"))
    });
    (found, said)
}

/// Where `scripts/test` installed a tool.
fn installed(tool: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/sipvicious/bin").join(format!("sipvicious_{tool}"))
}
