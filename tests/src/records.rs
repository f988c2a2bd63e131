//! What the switch wrote: journal, CDRs and recordings, found below its data folder.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// All files below `folder` whose name ends in `ending`, sorted.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The JSON lines below `folder`. A last line that is still being written, or was when the writer was killed, is left out.
///
/// # Panics
/// If a whole line is no JSON.
pub fn json_lines(folder: &Path) -> Vec<Value> {
    let mut found = Vec::new();
    for path in files(folder, ".jsonl") {
        let text = std::fs::read_to_string(&path).expect("text");
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        found.extend(whole.lines().map(|line| {
            serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()))
        }));
    }
    found
}
