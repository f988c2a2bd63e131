//! Any input ends in bounded time and memory, in a document or in faults, and never in a panic.

use std::fmt::Write as _;

use proptest::prelude::*;
use yaml::{Fault, Faults, MAX_BYTES, MAX_NODES, Shape, Source};

fn read(text: &str) -> (bool, Vec<Fault>) {
    read_bytes(text.as_bytes())
}

fn read_bytes(bytes: &[u8]) -> (bool, Vec<Fault>) {
    let source = Source::from_bytes("test.yaml", bytes);
    let faults = Faults::default();
    let some = yaml::read(&source, &faults).is_some();
    let sorted = faults.into_sorted();
    for fault in &sorted {
        let printed = fault.to_string();
        assert!(printed.len() < 2000, "{printed}");
        assert!(printed.chars().all(|c| c == '\n' || !c.is_control()), "{printed:?}");
    }
    assert!(some || !sorted.is_empty(), "nothing was read and nothing said");
    (some, sorted)
}

#[test]
fn a_bomb_of_aliases_is_a_fault_and_expands_to_nothing() {
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for level in 1..50 {
        let below = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", [&*below; 9].join(", ")).unwrap();
    }
    let (_, faults) = read(&bomb);
    assert!(faults.iter().any(|fault| fault.message.contains("aliases")));
    assert!(faults.len() <= 500);
}

#[test]
fn a_byte_order_mark_at_the_start_shifts_no_column() {
    let (some, faults) = read("\u{feff}}");
    assert!(!some);
    assert_eq!((faults[0].place.span.line, faults[0].place.span.column), (1, 1));
}

#[test]
fn a_file_that_is_too_large_is_one_fault() {
    for size in [MAX_BYTES + 1, 50 * MAX_BYTES] {
        let (some, faults) = read(&"a".repeat(size));
        assert!(!some);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].message.contains("larger than"), "{}", faults[0]);
    }
}

#[test]
fn nesting_beyond_the_limit_is_a_fault_however_it_is_written() {
    let mut steps = String::new();
    for depth in 0..1000 {
        writeln!(steps, "{:depth$}a:", "").unwrap();
    }
    let long = |part: &str| part.repeat(MAX_BYTES / part.len());
    for text in [long("["), long("{"), long("{a: "), long("- "), long("? "), long("[{a: "), steps] {
        let (some, faults) = read(&text);
        assert!(!some, "{}", &text[..20]);
        let expected = ["deeper than 32", "brackets nest too deep"];
        assert!(expected.iter().any(|words| faults[0].message.contains(words)), "{}", faults[0]);
    }
}

#[test]
fn more_values_than_the_limit_are_a_fault() {
    let (some, faults) = read(&"- a\n".repeat(MAX_NODES + 1));
    assert!(!some);
    assert!(faults[0].message.contains("more than 100000 values"), "{}", faults[0]);
}

#[test]
fn files_made_to_be_slow_are_read_in_bounded_time() {
    let parts = [
        ",", ":", "a:", "a: ", "#", "# ", "&a ", "*a ", "!a ", "!!a ", "%a\n", "\"", "'", "|\n", ">\n", "\n", " ",
        "\t", "\t\n", "a\n", "-\n", "?\n", ": ", ":\n", "---\n", "...\n", "]", "}", "[]", "[],", "\\", "\"\\x",
        "a #\n", "\u{feff}", "é", "#:\n",
    ];
    for part in parts {
        let long = part.repeat(MAX_BYTES / 10 / part.len());
        let within_quotes = long.replace('"', "x");
        for text in [long.clone(), format!("[{long}"), format!("a: \"{within_quotes}"), format!("a: |\n  {long}")] {
            read(&text);
        }
    }
    let mut keys = String::new();
    for key in 0..40_000 {
        writeln!(keys, "k{}: 1", key % 30_000).unwrap();
    }
    assert_eq!(read(&keys).1.len(), 500, "each second key is a fault, and 500 are kept");
}

/// The parser counts a line more than there is when the last one has no end, and faults once pointed there, at nothing.
#[test]
fn a_fault_lies_within_its_file_though_the_last_line_has_no_end() {
    const ANY: Shape = Shape { what: "a test", keys: &["a"] };
    for text in ["a: 1\nb", "\n---", "a: \"x", "a:\n- [b"] {
        let source = Source::new("test.yaml", text);
        let faults = Faults::default();
        let document = yaml::read(&source, &faults);
        let _ = document.as_ref().map(|document| document.root(&faults).map(&ANY).is_some());
        for fault in faults.into_sorted() {
            assert!(usize::try_from(fault.place.span.line).unwrap() <= text.lines().count(), "{text:?}:\n{fault}");
        }
    }
}

fn soup() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("a: "),
        Just("- "),
        Just("\n"),
        Just("\n  "),
        Just("\n    "),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(", "),
        Just("\""),
        Just("'"),
        Just("# "),
        Just("#:"),
        Just("*"),
        Just("&x "),
        Just("!t "),
        Just("|\n"),
        Just(">-\n"),
        Just("? "),
        Just(": "),
        Just("\t"),
        Just("x"),
        Just("0123"),
        Just("---\n"),
        Just("...\n"),
        Just("%YAML 1.2\n"),
        Just("\\"),
        Just("é"),
        Just("\r\n"),
        Just("\u{85}"),
        Just("\u{feff}"),
        Just("~"),
        Just("中"),
    ];
    proptest::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_bytes(&bytes);
    }

    #[test]
    fn random_yaml_never_panics(text in soup()) {
        read(&text);
    }
}

#[test]
fn an_entry_is_its_text_without_what_follows() {
    let text =
        "nodes:\n  a:\n    play: x   # said\n\n    # why\n    next: b\n\n  # of b\n  b: {hangup: normal}\nnote: z\n";
    let source = yaml::Source::new("f", text);
    let place = |line, column| source.place(yaml::Span { line, column, length: 1 });
    let (a, b) = (place(2, 3), place(9, 3));
    assert_eq!(source.entry(&a, Some(&b)), "a:\n    play: x   # said\n\n    # why\n    next: b");
    assert_eq!(source.entry(&b, None), "b: {hangup: normal}");
    let short = yaml::Source::new("f", "nodes: {ä: {play: x}, b: {play: y}}");
    let at = |column| short.place(yaml::Span { line: 1, column, length: 1 });
    assert_eq!(short.entry(&at(9), Some(&at(23))), "ä: {play: x},");
    assert_eq!(short.entry(&at(23), None), "b: {play: y}}");
}
