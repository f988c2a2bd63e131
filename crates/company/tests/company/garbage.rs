//! Whatever the files hold, reading ends and says something.

use proptest::prelude::*;

use crate::inline;

/// One change of one file: at a place (in thousandths of its length), cut so many bytes out and put others in.
#[derive(Clone, Debug)]
struct Change {
    file: usize,
    at: usize,
    cut: usize,
    put: Vec<u8>,
}

fn change() -> impl Strategy<Value = Change> {
    let pieces: Vec<&[u8]> = vec![
        b"",
        b":",
        b"- ",
        b"\n",
        b"\n  ",
        b"{",
        b"}",
        b"[",
        b"\"",
        b"'",
        b"#",
        b"&a ",
        b"*a",
        b"!t ",
        b"\t",
        b"\0",
        b"\xff",
        b"0",
        b"-1",
        b"99999999999999999999",
        b"h",
        b"~",
        b"null",
        b"|\n",
        b"? ",
        b"---\n",
        b"%YAML",
        "ü€".as_bytes(),
        b"sip:",
        b"[::1]:0",
        b"0.0.0.0/0",
        b"65535",
        b"1-65535",
        b"forever",
    ];
    let put = prop_oneof![
        4 => prop::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    (0..64usize, 0..1000usize, 0..40usize, put).prop_map(|(file, at, cut, put)| Change { file, at, cut, put })
}

/// A shipped company without its prompts, which take time to decode and are garbled on their own below.
fn texts(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut texts = Vec::new();
    inline::walk(folder, &mut |path, bytes| {
        if path.ends_with(".yaml") {
            texts.push((path.to_owned(), bytes));
        }
    });
    texts.sort();
    texts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_files_never_panic(bench in any::<bool>(), changes in prop::collection::vec(change(), 1..6)) {
        let mut texts = texts(if bench { "config/bench" } else { "config" });
        for Change { file, at, cut, put } in changes {
            let count = texts.len();
            let bytes = &mut texts[file % count].1;
            let start = bytes.len() * at / 1000;
            let end = (start + cut).min(bytes.len());
            bytes.splice(start..end, put);
        }
        let mut files = company::Files::new("x");
        for (path, bytes) in texts {
            files.insert(path, bytes);
        }
        // Prompts are missing, so there are always faults; what counts is that each has a place and words.
        let report = company::read(&files).unwrap_err();
        for fault in &report.faults {
            prop_assert!(!fault.message.is_empty() && fault.place.span.line >= 1 && fault.place.span.column >= 1);
        }
        prop_assert!(report.to_string().chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn a_changed_prompt_never_panics(at in 0..60usize, put in prop::collection::vec(any::<u8>(), 0..12)) {
        let mut wav = inline::wav(&[1000; 80]);
        let end = (at + put.len()).min(wav.len());
        wav.splice(at..end, put);
        let mut files = inline::good_but(|_| false);
        files.insert("prompts/en/welcome.wav", wav);
        let _ = company::read(&files);
    }
}
