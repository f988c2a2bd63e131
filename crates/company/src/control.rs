//! `control` of `strowger.yaml`, and what the command line needs to find a running switch.

use std::net::SocketAddr;
use std::path::PathBuf;

use yaml::{Faults, Map, Shape};

use crate::section::Sheet;
use crate::{Files, Notes, ROOT, Report, system};

const CONTROL: Shape = Shape { what: "`control`", keys: &["metrics"] };

/// Where metrics and health are served; nowhere if the file does not say.
pub(crate) fn metrics(root: &Map<'_>) -> Option<SocketAddr> {
    let value = root.optional("control")?.map(&CONTROL)?.optional("metrics")?;
    let address = value.socket_addr()?;
    if !address.ip().is_loopback() {
        value.fault(
            format!("metrics are for this machine only, and others reach `{}`", address.ip()),
            format!("write `metrics: 127.0.0.1:{}`; a proxy may carry them further", address.port()),
        );
        return None;
    }
    Some(address)
}

/// The folder that the switch of this company writes to, as `strowger.yaml` names it. Only that key is read: a running
/// switch must be reached while an operator is half-way through a change of his files.
///
/// # Errors
/// [`Report`] if the file is not there, is no YAML, or the key is wrong.
pub fn data_folder(files: &Files) -> Result<PathBuf, Report> {
    let faults = Faults::default();
    let sheet = Sheet::read(files, "strowger.yaml", &faults);
    if matches!(sheet, Sheet::Missing) {
        faults.add(files.place("strowger.yaml"), "there is no such file", "name the folder that holds it");
    }
    // What else is wrong with the file matters only if this key cannot be read.
    let found = sheet.map(&ROOT, &faults).and_then(|root| match root.optional("data") {
        Some(value) => system::data(value),
        None => Some(system::usual_data()),
    });
    found.ok_or_else(|| Report::new(faults, Notes::default()))
}
