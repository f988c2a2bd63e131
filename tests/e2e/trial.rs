//! `strowger test` and `strowger try`: the shipped tests, what build servers are given, and a person who types.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tests::switch::binary;

fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config").canonicalize().unwrap()
}

fn strowger(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).arg("--config").arg(config()).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn the_shipped_tests_pass_and_take_nearly_every_way() {
    let output = strowger(&["test", "--coverage"]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    let last = told.lines().last().unwrap();
    let numbers: Vec<usize> = last.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
    let [tests, failed, taken, ways] = numbers[..] else { panic!("{last}") };
    assert!(tests > 20 && failed == 0 && ways > 40 && taken * 100 >= ways * 95, "{told}");
}

#[test]
fn exploring_the_shipped_flows_finds_an_end_for_every_call() {
    let output = strowger(&["test", "--explore"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("flow main: ") && !text(&output.stdout).contains("not all was tried"));
}

/// A stranger's XML parser: counts, and the message of the one failure.
const XML: &str = r"
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
cases = root.findall('./testsuite/testcase')
failure = root.find('.//failure')
print(root.tag, root.get('tests'), root.get('failures'), len(cases), cases[0].get('name'), failure.get('message'), 'expected' in failure.text)
";

#[test]
fn a_test_that_fails_is_told_here_and_to_build_servers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fails.yaml");
    let tests = "version: 1\nnumber: 1001\ntests:\n  \"<said> & 'done'\": {expect: {ends: caller}}\n  good: {expect: {ends: hangup}}\n";
    std::fs::write(&file, tests).unwrap();
    let (file, junit) = (file.to_string_lossy(), folder.path().join("junit.xml"));
    let output = strowger(&["test", &file, "--junit", &junit.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(told.contains("fails.yaml:4:32: failed: <said> & 'done'") && told.contains("2 tests, 1 failed"), "{told}");
    let output = Command::new("python3").args(["-c", XML]).arg(&junit).output().unwrap();
    let read = text(&output.stdout);
    assert_eq!(
        read.trim(),
        "testsuites 2 1 2 <said> & 'done' the call ended elsewhere True",
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_file_of_tests_with_a_fault_is_told_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faulty.yaml");
    std::fs::write(&file, "version: 1\nflow: mian\ntests:\n  a: {expects: {ends: hangup}}\n").unwrap();
    let output = strowger(&["test", &file.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    for words in [
        "faulty.yaml:2:7: error: there is no flow `mian`",
        "did you mean `main`?",
        "did you mean `expect`?",
        "2 faults",
    ] {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
}

#[test]
fn who_types_through_a_pipe_is_the_caller() {
    let mut process = Command::new(binary())
        .args(["try", "main", "--config"])
        .arg(config())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(b".\n1\nfull\nfull\n").unwrap();
    let output = process.wait_with_output().unwrap();
    let told = text(&output.stdout);
    assert!(output.status.success() && !told.contains("> "), "no prompt where nobody looks: {told}");
    for words in ["says: no-key, main-menu", "you are in the queue sales\n", "@ nobody\n", "hangs up (normal)\n"] {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
    let output = strowger(&["try", "1003"]);
    assert!(text(&output.stdout).starts_with("@ explain\n"), "by the number that leads there");
    let output = strowger(&["try", "mian"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("did you mean main?"));
}
