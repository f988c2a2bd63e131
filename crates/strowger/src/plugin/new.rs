//! `strowger plugin new`: a whole small plugin, to begin from. What is written are the examples of `crates/plugins`, which are built
//! and tested with every change.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::error::Error;
use crate::operate::print;

/// The name of the example that is copied.
const EXAMPLE: &str = "fewest-calls";

const TESTS: &str = include_str!("../../../plugins/examples/fewest-calls/tests.yaml");
const WIT: (&str, &str) = ("wit/routing.wit", include_str!("../../../routing/wit/routing.wit"));
const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../../plugins/examples/fewest-calls/rust/Cargo.toml")),
    ("Cargo.lock", include_str!("../../../plugins/examples/fewest-calls/rust/Cargo.lock")),
    ("src/lib.rs", include_str!("../../../plugins/examples/fewest-calls/rust/src/lib.rs")),
    WIT,
];
const PYTHON: &[(&str, &str)] =
    &[("strategy.py", include_str!("../../../plugins/examples/fewest-calls/python/strategy.py")), WIT];
const JAVASCRIPT: &[(&str, &str)] =
    &[("strategy.js", include_str!("../../../plugins/examples/fewest-calls/javascript/strategy.js")), WIT];
const HTTP: &[(&str, &str)] = &[
    ("service.py", include_str!("../../../plugins/examples/http/fewest_calls.py")),
    ("NAME.json", include_str!("../../../plugins/examples/http/fewest_calls.json")),
    ("schema/snapshot.json", include_str!("../../../routing/schema/snapshot.json")),
    ("schema/decision.json", include_str!("../../../routing/schema/decision.json")),
    ("schema/outcome.json", include_str!("../../../routing/schema/outcome.json")),
];

/// A language that plugins are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Rust, by cargo
    Rust,
    /// Python, by componentize-py
    Python,
    /// JavaScript, by componentize-js
    Javascript,
    /// A service in Python's standard library, asked over HTTP
    Http,
}

/// What is to be written.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// The plugin's name, which is the folder's, too: lower-case letters, digits and `-`
    name: String,
    /// What it is written in
    #[arg(long = "lang", value_enum)]
    language: Language,
}

/// Writes it.
///
/// # Errors
/// If the name is none, the folder is there, or cannot be written.
pub(super) fn new(request: &New) -> Result<ExitCode, Error> {
    let name = &request.name;
    if !is_name(name) {
        return Err(Error::NoPluginName { name: name.clone() });
    }
    let folder = PathBuf::from(name);
    if folder.symlink_metadata().is_ok() {
        return Err(Error::Exists { path: folder });
    }
    for (file, text) in files(name, request.language) {
        let path = folder.join(file);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            fs::write(&path, text)
        };
        write().map_err(|source| Error::File { path: path.clone(), source })?;
    }
    print(&format!("{name}/ is written; {name}/README.md says what to do next\n"));
    Ok(ExitCode::SUCCESS)
}

/// A name that a file of `plugins/` may have, and a package of Rust.
pub(super) fn is_name(name: &str) -> bool {
    let inside = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(inside)
}

/// The files of a plugin, by their paths in its folder.
fn files(name: &str, language: Language) -> Vec<(String, String)> {
    let (of_language, readme) = match language {
        Language::Rust => (RUST, readme(name, "src/lib.rs", "rustup target add wasm32-unknown-unknown")),
        Language::Python => (PYTHON, readme(name, "strategy.py", super::build::COMPONENTIZE_PY)),
        Language::Javascript => (JAVASCRIPT, readme(name, "strategy.js", super::build::COMPONENTIZE_JS)),
        Language::Http => (HTTP, include_str!("new/service.md").replace("NAME", name)),
    };
    let named = of_language.iter().map(|(path, text)| (path.replace("NAME", name), under(name, text)));
    let rest = [
        ("tests/first.yaml", TESTS.to_owned()),
        ("README.md", readme),
        (".gitignore", "/target\n/node_modules\n/*.wasm\n/secret\n__pycache__\n".to_owned()),
    ];
    named.chain(rest.map(|(path, text)| (path.to_owned(), text))).collect()
}

/// The example's text, where the plugin has another name and its contract beside it.
fn under(name: &str, text: &str) -> String {
    let text = text.replace("../../../../routing/wit", "wit").replace("fewest_calls.py", "service.py");
    // `order: "fewest-calls"` stays what it is.
    ["name: ", "name = ", "name=", "\"name\": "]
        .iter()
        .fold(text, |text, key| text.replace(&format!("{key}\"{EXAMPLE}\""), &format!("{key}\"{name}\"")))
}

fn readme(name: &str, source: &str, tool: &str) -> String {
    format!(
        "# {name}\n\nA routing plugin for Strowger: `{source}` decides which agent gets which call. Its tests are in `tests/`.\n\n\
         Once: `{tool}`. Then, in this folder:\n\n\
         ```sh\nstrowger plugin build\nstrowger plugin test\nstrowger plugin check {name}.wasm\n```\n\n\
         To go live: copy `{name}.wasm` to `plugins/` beside queues.yaml, write `plugin: {name}` below a queue there, then\n\
         `strowger check` and `strowger reload`. `strowger plugins` shows how it fares, `strowger explain CALL` why an agent had a call.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_has_the_name_that_it_was_given_and_nothing_of_the_example() {
        for language in Language::value_variants() {
            let files = files("gold-first", *language);
            let of = |text: &str| {
                files.iter().filter(|(path, content)| path != "wit/routing.wit" && content.contains(text)).count()
            };
            assert!(of("\"gold-first\"") >= 1, "{language:?}");
            assert_eq!(of("../"), 0, "{language:?}");
            let left: Vec<&str> =
                files.iter().flat_map(|(_, text)| text.lines()).filter(|line| line.contains(EXAMPLE)).collect();
            assert!(
                left.iter().all(|line| line.contains("order: \"fewest-calls\"")
                    || line.contains("//")
                    || line.contains("fewest-calls,")),
                "{left:?}"
            );
        }
    }

    #[test]
    fn names_are_those_of_files_and_packages() {
        for name in ["a", "gold-first", "v2"] {
            assert!(is_name(name), "{name}");
        }
        let long = "x".repeat(65);
        for name in ["", "Gold", "2fast", "-a", "a-", "a b", "../a", "a/b", "a.b", "ä", long.as_str()] {
            assert!(!is_name(name), "{name}");
        }
    }
}
