//! JsSIP, the SIP of many pages, under Node (`tests/scenarios/jssip.js`).

use std::path::Path;
use std::process::Command;

use crate::process::Process;
use crate::sipp::scenarios;

/// Starts a telephone of JsSIP at `url` for `user` with his password, as a page of `origin` would; under TLS it believes
/// those in the file `ca`. Its lines say what happens.
pub fn start(url: &str, user: &str, password: &str, origin: &str, ca: Option<&Path>, folder: &Path) -> Process {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/jssip/node_modules");
    let modules = modules.canonicalize().expect("JsSIP; scripts/test installs it");
    let mut command = Command::new("node");
    command.arg(scenarios().join("jssip.js")).arg(modules).args([url, user, password, origin]).args(ca);
    Process::start("jssip", command, folder)
}
