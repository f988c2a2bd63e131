//! The command line, and the configurations that are shipped.

use std::path::Path;
use std::process::{Command, Output};

use tests::company::Company;
use tests::ports::Ports;
use tests::switch::binary;

fn strowger(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().expect("the binary runs")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_shipped_configurations_have_no_fault() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in ["config", "config/bench"] {
        let output = strowger(&["check", "--config", &root.join(folder).to_string_lossy()]);
        assert!(output.status.success(), "{folder}: {}", text(&output));
    }
}

#[test]
fn every_fault_is_told_at_once_with_its_place_and_nothing_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut company = Company::new(&Ports::slice());
    company.numbers.insert("1009", "{ flow: nowhere }".to_owned());
    company.queue.insert("rign_time", "5s".to_owned());
    for flow in company.flows.values_mut() {
        *flow = flow.replace("prompt: welcome", "promt: welcome");
    }
    company.write(folder.path());
    for command in ["check", "run"] {
        let output = strowger(&[command, "--config", &folder.path().to_string_lossy()]);
        assert!(!output.status.success(), "{command} must fail");
        let told = text(&output);
        for wanted in [
            "strowger.yaml:",
            "nowhere",
            "queues.yaml:",
            "rign_time",
            "ring_time",
            "flows/plain.yaml:",
            "promt",
            "help:",
        ] {
            assert!(told.contains(wanted), "{command} does not tell {wanted}:\n{told}");
        }
        assert!(!told.contains("listening"), "{told}");
    }
}

#[test]
fn a_missing_folder_is_told_plainly() {
    let output = strowger(&["run", "--config", "/nonexistent/company"]);
    assert!(!output.status.success() && text(&output).contains("/nonexistent/company"), "{}", text(&output));
    assert!(!text(&output).contains("panicked"));
}

#[test]
fn help_and_version_are_there() {
    let help = text(&strowger(&["--help"]));
    for wanted in ["run", "check", "call", "config"] {
        assert!(help.contains(wanted), "{help}");
    }
    let version = strowger(&["--version"]);
    assert!(version.status.success() && text(&version).contains(char::is_numeric), "{}", text(&version));
}
