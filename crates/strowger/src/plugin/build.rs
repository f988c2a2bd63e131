//! `strowger plugin build`: makes a component of a plugin's source, by the tools that are there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde_json::Value;

use super::{component, described};
use crate::error::Error;
use crate::operate::print;
use crate::plugins::component::encode;

/// How what makes components of Python is installed.
pub(super) const COMPONENTIZE_PY: &str = "pip install componentize-py==0.25.1";
/// How what makes components of JavaScript is installed.
pub(super) const COMPONENTIZE_JS: &str = "npm install @bytecodealliance/componentize-js@0.23.0";
/// How what compiles Rust for WebAssembly is installed.
const WASM_TARGET: &str = "rustup target add wasm32-unknown-unknown";

/// Builds the plugin in a folder.
///
/// # Errors
/// If there is nothing to build, a tool is missing, or finds a fault in the source.
pub(super) fn build(folder: &Path) -> Result<ExitCode, Error> {
    let made = component(folder)?;
    let file = made.file_name().unwrap_or_default();
    if folder.join("Cargo.toml").exists() {
        rust(folder, &made)?;
    } else if folder.join("strategy.py").exists() {
        let mut tool = Command::new("componentize-py");
        tool.args(["-d", "wit", "-w", "plugin", "componentize", "--stub-wasi", "strategy", "-o"]).arg(file);
        run(&mut tool, folder, COMPONENTIZE_PY)?;
    } else if folder.join("strategy.js").exists() {
        let mut tool = Command::new(componentize_js(folder)?);
        tool.args(["strategy.js", "--wit", "wit", "-n", "plugin", "-d", "stdio", "random", "clocks", "http"]);
        tool.args(["fetch-event", "-o"]).arg(file);
        run(&mut tool, folder, COMPONENTIZE_JS)?;
    } else if described(folder)?.is_some() {
        print(
            "there is nothing to build: it is a service, which decides where it runs; start it, and `strowger plugin check URL`\n",
        );
        return Ok(ExitCode::SUCCESS);
    } else {
        return Err(Error::NoSource { folder: folder.to_owned() });
    }
    let size = fs::metadata(&made).map_err(|source| Error::File { path: made.clone(), source })?.len();
    print(&format!("{}: {size} octets\n", made.display()));
    Ok(ExitCode::SUCCESS)
}

/// What cargo makes is a core module, in which the types of the contract stand already: what is missing is the shell.
fn rust(folder: &Path, made: &Path) -> Result<(), Error> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown"]);
    cargo.args(["--message-format", "json-render-diagnostics"]).stdout(Stdio::piped());
    let output = match run(&mut cargo, folder, WASM_TARGET) {
        Err(Error::NotMade { .. }) if lacks_target() => {
            return Err(Error::NoTool {
                tool: "Rust's library for wasm32-unknown-unknown".to_owned(),
                remedy: WASM_TARGET,
            });
        }
        output => output?,
    };
    let messages = output.split(|octet| *octet == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut files = messages.filter_map(|message| {
        let files = message.get("filenames")?.as_array()?.iter();
        files.filter_map(Value::as_str).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
    });
    // Cargo tells the package itself last.
    let core = files.next_back().ok_or_else(|| Error::NoSource { folder: folder.to_owned() })?;
    let core = fs::read(&core).map_err(|source| Error::File { path: core, source })?;
    let no_plugin = |why| Error::NoPlugin { what: made.display().to_string(), why };
    let encoded = encode(&core).map_err(no_plugin)?;
    fs::write(made, encoded).map_err(|source| Error::File { path: made.to_owned(), source })
}

/// True if the compiler has no library for WebAssembly.
fn lacks_target() -> bool {
    let asked = ["--print", "target-libdir", "--target", "wasm32-unknown-unknown"];
    let output = Command::new("rustc").args(asked).stderr(Stdio::null()).output();
    output.is_ok_and(|output| !Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// npm puts it into the folder, or one above, or where all programs are.
fn componentize_js(folder: &Path) -> Result<PathBuf, Error> {
    let whole = folder.canonicalize().map_err(|source| Error::File { path: folder.to_owned(), source })?;
    let local = whole.ancestors().map(|folder| folder.join("node_modules/.bin/componentize-js"));
    Ok(local.into_iter().find(|tool| tool.exists()).unwrap_or_else(|| "componentize-js".into()))
}

/// Runs a tool in a folder, and gives what it writes if that is taken.
fn run(tool: &mut Command, folder: &Path, remedy: &'static str) -> Result<Vec<u8>, Error> {
    let name = tool.get_program().to_string_lossy().into_owned();
    let output = tool.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|_| Error::NoTool { tool: name.clone(), remedy })?;
    if output.status.success() { Ok(output.stdout) } else { Err(Error::NotMade { tool: name }) }
}
