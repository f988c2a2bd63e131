//! What a source file may name, say and weigh.

use super::layers::{LAST_MACHINE_LAYER, TABLE};
use super::{Fault, Tree, scan};

/// Lines a Rust file may have. The median should be far below; the ceiling is for the tail.
pub const LINE_CEILING: usize = 600;

/// Files that may be longer: path, ceiling of its own, reason. An entry that is no longer needed is a fault.
pub const LONGER_FILES: &[(&str, usize, &str)] = &[];

/// Where calls of the system need `unsafe`; each use says why it is sound.
const UNSAFE_PLACES: &[&str] =
    &["crates/media/", "crates/net/", "crates/plugins/src/wasm/cache.rs", "crates/strowger/src/memory.rs"];

/// Paths that a machine may not name, with what to do instead. A path stands for everything below it.
const FORBIDDEN_PATHS: &[(&str, &str)] = &[
    ("std::time::Instant", "time is an argument: base::Now"),
    ("std::time::SystemTime", "time is an argument: base::Now"),
    ("std::fs", "a driver reads and writes files"),
    ("std::net::UdpSocket", "a driver owns sockets"),
    ("std::net::TcpStream", "a driver owns sockets"),
    ("std::net::TcpListener", "a driver owns sockets"),
    ("std::os", "system calls belong to drivers"),
    ("std::thread", "a machine has no threads"),
    ("std::process", "a machine starts no process"),
    ("std::env", "configuration comes as an argument"),
    ("std::sync::Mutex", "a machine is owned by one thread"),
    ("std::sync::RwLock", "a machine is owned by one thread"),
    ("std::sync::mpsc", "a machine's inputs and outputs are handle_* and poll_*"),
    ("std::sync::Condvar", "a machine never waits"),
    ("std::hash::RandomState", "randomness comes from base::Rng, which the driver seeds"),
    ("std::collections::hash_map::RandomState", "randomness comes from base::Rng, which the driver seeds"),
    ("tokio", "machines are driven; a driver owns the runtime"),
    ("getrandom", "randomness comes from base::Rng, which the driver seeds"),
    ("rand", "randomness comes from base::Rng, which the driver seeds"),
    ("dashmap", "a machine shares nothing with other threads"),
];

/// Words that a machine may not say wherever they come from.
const FORBIDDEN_WORDS: &[(&str, &str)] = &[
    ("Instant::now", "time is an argument: base::Now"),
    ("SystemTime::now", "time is an argument: base::Now"),
    ("thread_rng", "randomness comes from base::Rng, which the driver seeds"),
    ("rand::rng", "randomness comes from base::Rng, which the driver seeds"),
    ("thread::spawn", "a machine has no threads"),
    ("thread::sleep", "a machine never waits"),
    ("getrandom", "randomness comes from base::Rng, which the driver seeds"),
    ("async fn", "a machine never waits: handle_* and poll_*"),
    (".await", "a machine never waits: handle_* and poll_*"),
    ("println!", "a machine says what it has to say by poll_*"),
    ("eprintln!", "a machine says what it has to say by poll_*"),
];

/// Faults of the Rust files.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    let test_files = test_only_files(tree);
    for (path, text) in tree.sources() {
        let code = scan::code(text);
        faults.extend(too_long(path, text));
        faults.extend(bare_allows(path, &code, text));
        faults.extend(bad_unsafe(path, &code, text));
        let machine = machine_source(path) && !test_files.iter().any(|prefix| path.starts_with(prefix.as_str()));
        if machine {
            faults.extend(driver_things(path, &scan::without_tests(&code).0));
        }
    }
    faults.extend(stale_exceptions(tree, LONGER_FILES));
    faults
}

/// True for what is compiled into a crate of layers 0 to 2.
fn machine_source(path: &str) -> bool {
    let name = path.strip_prefix("crates/").and_then(|rest| rest.split_once("/src/")).map(|(name, _)| name);
    name.is_some_and(|name| TABLE.iter().any(|place| place.name == name && place.layer <= LAST_MACHINE_LAYER))
}

/// Path prefixes of the files behind `#[cfg(test)] mod name;`.
fn test_only_files(tree: &Tree) -> Vec<String> {
    let mut prefixes = Vec::new();
    for (path, text) in tree.sources() {
        let (_, modules) = scan::without_tests(&scan::code(text));
        let folder = match path.rsplit_once('/') {
            Some((folder, "lib.rs" | "main.rs" | "mod.rs")) => folder.to_owned(),
            _ => path.trim_end_matches(".rs").to_owned(),
        };
        prefixes.extend(modules.iter().flat_map(|m| [format!("{folder}/{m}.rs"), format!("{folder}/{m}/")]));
    }
    prefixes
}

fn too_long(path: &str, text: &str) -> Option<Fault> {
    let exception = LONGER_FILES.iter().find(|(file, ..)| *file == path);
    let ceiling = exception.map_or(LINE_CEILING, |(_, ceiling, _)| *ceiling);
    let lines = text.lines().count();
    (lines > ceiling)
        .then(|| Fault::new(path, 0, format!("{lines} lines; the ceiling is {ceiling}: split it by meaning")))
}

fn stale_exceptions(tree: &Tree, exceptions: &[(&str, usize, &str)]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, _, reason) in exceptions {
        let lines = tree.sources().find(|(path, _)| path == file).map_or(0, |(_, text)| text.lines().count());
        if lines <= LINE_CEILING {
            faults.push(Fault::new(file, 0, "no longer needs its exception from the line ceiling: remove the entry"));
        }
        if reason.len() < 20 {
            faults.push(Fault::new(file, 0, "its exception from the line ceiling has no reason"));
        }
    }
    faults
}

/// `#[allow(…)]` and `#[expect(…)]` without a reason.
fn bare_allows(path: &str, code: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for opening in ["[allow(", "[expect("] {
        for (at, _) in code.match_indices(opening) {
            let end = code[at..].find(")]").map_or(code.len(), |len| at + len);
            // Literals are blanked in `code`, with lengths kept, so the reason's text is read from `text`.
            if !text.get(at..end).is_some_and(|attribute| attribute.contains("reason = \"")) {
                faults.push(Fault::new(path, line_of(code, at), "a suppressed lint needs its `reason = \"…\"`"));
            }
        }
    }
    faults
}

/// `unsafe` outside the places that may, or without a `SAFETY` comment close above.
fn bad_unsafe(path: &str, code: &str, text: &str) -> Vec<Fault> {
    let allowed = UNSAFE_PLACES.iter().any(|place| path.starts_with(place));
    let lines: Vec<&str> = text.lines().collect();
    let mut faults = Vec::new();
    for (at, _) in code.match_indices("unsafe") {
        if !whole_word(code, at, "unsafe") {
            continue;
        }
        let line = line_of(code, at);
        let above = lines.get(line.saturating_sub(8)..line).unwrap_or_default();
        if !allowed {
            faults.push(Fault::new(
                path,
                line,
                "`unsafe` belongs to system calls in `media` and `net`, to `plugins`' cache and `strowger`'s memory",
            ));
        } else if !above.iter().any(|line| line.contains("SAFETY") || line.contains("# Safety")) {
            faults.push(Fault::new(path, line, "`unsafe` needs a `// SAFETY:` comment above it"));
        }
    }
    faults
}

/// Clocks, I/O, threads, runtimes and randomness in a machine.
fn driver_things(path: &str, code: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut add =
        |line, what: &str, why: &str| faults.push(Fault::new(path, line, format!("`{what}` in a machine: {why}")));
    for (line, used) in scan::uses(code) {
        let used = used.trim_start_matches("::").replacen("core::", "std::", 1);
        if let Some((bad, why)) = FORBIDDEN_PATHS.iter().find(|(bad, _)| below(&used, bad)) {
            add(line, bad, why);
        }
    }
    for (bad, why) in FORBIDDEN_PATHS.iter().filter(|(bad, _)| bad.contains("::")).chain(FORBIDDEN_WORDS) {
        for (at, _) in code.match_indices(bad).filter(|(at, _)| whole_word(code, *at, bad)) {
            add(line_of(code, at), bad, why);
        }
    }
    for (bad, why) in FORBIDDEN_PATHS.iter().filter(|(bad, _)| !bad.contains("::")) {
        let named = format!("{bad}::");
        for (at, _) in code.match_indices(&named).filter(|(at, _)| starts_word(code, *at)) {
            add(line_of(code, at), &named, why);
        }
    }
    faults.sort_by_key(|fault| fault.line);
    faults.dedup_by_key(|fault| fault.line);
    faults
}

fn below(path: &str, top: &str) -> bool {
    path == top || path.strip_prefix(top).is_some_and(|rest| rest.starts_with("::"))
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn starts_word(code: &str, at: usize) -> bool {
    !code[..at].chars().next_back().is_some_and(|c| is_word(c) || c == ':')
}

fn whole_word(code: &str, at: usize, word: &str) -> bool {
    let before = code[..at].chars().next_back().is_some_and(is_word) && word.starts_with(is_word);
    let after = code[at + word.len()..].chars().next().is_some_and(is_word) && word.ends_with(is_word);
    !before && !after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<(usize, String)> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|fault| (fault.line, fault.message)).collect()
    }

    #[test]
    fn a_machine_that_reads_the_clock_is_caught() {
        let found = faults("crates/sip/src/timer.rs", "fn f() {\n    let t = std::time::Instant::now();\n}");
        assert_eq!(found, [(2, "`std::time::Instant` in a machine: time is an argument: base::Now".to_owned())]);
    }

    #[test]
    fn a_clock_behind_an_alias_is_caught_where_it_is_imported() {
        let found = faults(
            "crates/leg/src/lib.rs",
            "use std::{fmt, time::{Duration, Instant as Tick}};\nfn f() { Tick::now(); }",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 1);
    }

    #[test]
    fn each_driver_thing_is_caught_in_a_machine() {
        for line in [
            "use std::net::UdpSocket;",
            "let f = std::fs::read(path);",
            "use std::net::{IpAddr, TcpStream};",
            "std::thread::spawn(f);",
            "use tokio::sync::mpsc;",
            "tokio::spawn(f);",
            "let x = rand::rng().random();",
            "let x = thread_rng();",
            "getrandom::fill(&mut seed);",
            "use dashmap::DashMap;",
            "async fn f() {}",
            "let m: std::sync::Mutex<u8>;",
            "let s = SystemTime::now();",
        ] {
            assert_eq!(faults("crates/switch/src/x.rs", line).len(), 1, "{line}");
        }
    }

    #[test]
    fn plain_machine_code_passes() {
        let text = "//! Never calls Instant::now.\nuse std::net::{IpAddr, SocketAddr};\nuse std::time::Duration;\n\
                    fn f(operand: u8) -> &'static str { \"std::fs tokio::\" }";
        assert_eq!(faults("crates/sip/src/lib.rs", text), []);
    }

    #[test]
    fn a_driver_and_a_machines_tests_may_touch_the_world() {
        let text = "fn f() { std::fs::read(p); }";
        assert_eq!(faults("crates/storage/src/lib.rs", text), []);
        assert_eq!(faults("crates/sip/tests/corpus.rs", text), []);
        assert_eq!(faults("crates/sip/src/lib.rs", "#[cfg(test)]\nmod tests { fn f() { std::fs::read(p); } }"), []);
        let tree =
            Tree::of(&[("crates/sip/src/lib.rs", "#[cfg(test)]\nmod corpus;"), ("crates/sip/src/corpus.rs", text)]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn unsafe_is_for_media_and_net_with_its_reason() {
        let sound = "// SAFETY: the buffer outlives the call.\nunsafe { recv() }";
        assert_eq!(faults("crates/net/src/socket.rs", sound), []);
        assert_eq!(faults("crates/media/src/socket.rs", "unsafe { recv() }").len(), 1);
        assert_eq!(faults("crates/storage/src/lib.rs", sound).len(), 1);
        assert_eq!(faults("crates/net/src/lib.rs", "#![allow(unsafe_code, reason = \"system calls\")]"), []);
    }

    #[test]
    fn a_suppressed_lint_needs_a_reason() {
        assert_eq!(faults("crates/net/src/lib.rs", "#[allow(dead_code)]\nfn f() {}").len(), 1);
        assert_eq!(
            faults("crates/net/src/lib.rs", "#[allow(\n    dead_code,\n    reason = \"why\"\n)]\nfn f() {}"),
            []
        );
    }

    #[test]
    fn a_long_file_is_caught() {
        assert_eq!(faults("crates/acd/src/lib.rs", &"\n".repeat(LINE_CEILING)), []);
        assert_eq!(faults("crates/acd/src/lib.rs", &"\n".repeat(LINE_CEILING + 1)).len(), 1);
    }

    #[test]
    fn an_exception_that_is_no_longer_needed_is_a_fault() {
        let tree = Tree::of(&[("crates/acd/src/lib.rs", "")]);
        let found = stale_exceptions(&tree, &[("crates/acd/src/lib.rs", 900, "one table, which reads best whole")]);
        assert_eq!(found.len(), 1);
    }
}
