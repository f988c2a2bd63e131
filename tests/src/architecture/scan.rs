//! Rust source made fit for looking names up in it: comments, literals and test-only items blanked, lines kept.

/// `text` with comments and the insides of literals replaced by spaces. Line breaks stay, so lines can be counted.
pub fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match &bytes[at..] {
            [b'/', b'/', ..] => find(bytes, at, b"\n"),
            [b'/', b'*', ..] => end_of_block_comment(bytes, at),
            [b'"', ..] => end_of_string(bytes, at),
            [b'r', b'"' | b'#', ..] if !in_word(bytes, at) => end_of_raw_string(bytes, at),
            [b'b', b'r', b'"' | b'#', ..] if !in_word(bytes, at) => end_of_raw_string(bytes, at + 1),
            [b'\'', ..] => end_of_char(bytes, at),
            _ => None,
        };
        let Some(end) = end else {
            at += 1;
            continue;
        };
        out[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `code` (of [`code`]) with the items under `#[cfg(test)]` blanked, and the names of modules that are test-only and
/// live in files of their own.
pub fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut out = code.to_owned();
    let mut modules = Vec::new();
    while let Some(start) = out.find("#[cfg(test)]") {
        let rest = &out[start..];
        let Some(stop) = rest.find(['{', ';']) else { break };
        let end = if rest.as_bytes()[stop] == b';' {
            let name = rest[..stop].split_whitespace().last().unwrap_or_default();
            modules.push(name.to_owned());
            start + stop + 1
        } else {
            end_of_braces(out.as_bytes(), start + stop)
        };
        let blank: String = out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
    }
    (out, modules)
}

/// The paths that the `use` declarations of `code` bring in, trees spelt out: line and full path.
pub fn uses(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let Some(len) = code[at..].find(';').filter(|_| !in_word(code.as_bytes(), at)) else { continue };
        let line = code[..at].matches('\n').count() + 1;
        let tree: String = code[at + 4..at + len].split(" as ").map(str::trim).collect::<Vec<_>>().join(" as ");
        expand("", &tree, &mut |path| found.push((line, path)));
    }
    found
}

/// Spells out one `use` tree: `a::{b, c::{d}}` gives `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, give: &mut impl FnMut(String)) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        let path: String = format!("{prefix}{path}").split_whitespace().collect();
        if !path.is_empty() {
            give(path.trim_end_matches("::self").to_owned());
        }
        return;
    };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let inside = tree[open + 1..].rfind('}').map_or("", |close| &tree[open + 1..open + 1 + close]);
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &inside[start..at], give);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inside[start..].trim().is_empty() {
        expand(&prefix, &inside[start..], give);
    }
}

fn in_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    Some(bytes[from..].windows(what.len()).position(|w| w == what).map_or(bytes.len(), |at| from + at))
}

fn end_of_block_comment(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut depth, mut at) = (0, from);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    Some(bytes.len())
}

fn end_of_string(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    Some((at + 1).min(bytes.len()))
}

fn end_of_raw_string(bytes: &[u8], from: usize) -> Option<usize> {
    let hashes = bytes[from + 1..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(from + 1 + hashes) != Some(&b'"') {
        return None; // a raw identifier
    }
    let close = [&b"\""[..], &vec![b'#'; hashes]].concat();
    find(bytes, from + 2 + hashes, &close).map(|at| (at + close.len()).min(bytes.len()))
}

/// The end of a character literal; `None` for a lifetime.
fn end_of_char(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.get(from + 1) == Some(&b'\\') {
        return find(bytes, from + 3, b"'").map(|at| (at + 1).min(bytes.len()));
    }
    let close = bytes[from + 1..].iter().take(5).position(|byte| *byte == b'\'')?;
    let one = std::str::from_utf8(&bytes[from + 1..from + 1 + close]).is_ok_and(|s| s.chars().count() == 1);
    one.then_some(from + close + 2)
}

fn end_of_braces(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_stay() {
        let text = "a // Instant::now\n/* std::fs /* in */ */ b \"unsafe \\\" x\" r#\"tokio\"# 'u' '\\'' c<'de>\nd";
        let code = code(text);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "b", "c<'de>", "d"]);
        assert_eq!(code.lines().count(), 3);
    }

    #[test]
    fn test_items_are_blanked_and_test_files_named() {
        let (code, modules) =
            without_tests("fn a() {}\n#[cfg(test)]\nmod tests { fn b() { {} } }\n#[cfg(test)]\nmod util;\nfn c() {}");
        assert_eq!(code.split_whitespace().collect::<String>(), "fna(){}fnc(){}");
        assert_eq!(modules, ["util"]);
    }

    #[test]
    fn use_trees_are_spelt_out() {
        let found = uses("use std::{fs, net::{IpAddr, UdpSocket as U}};\nuse std::time::Duration;");
        let paths: Vec<_> = found.iter().map(|(line, path)| (*line, path.as_str())).collect();
        let expected =
            [(1, "std::fs"), (1, "std::net::IpAddr"), (1, "std::net::UdpSocket"), (2, "std::time::Duration")];
        assert_eq!(paths, expected);
    }
}
