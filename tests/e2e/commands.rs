//! The command line, and the configurations that are shipped.

use std::path::Path;
use std::process::{Command, Output, Stdio};

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
fn whoever_reads_no_further_ends_no_command_in_a_fault() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let config = config.to_string_lossy();
    for arguments in [&["graph"][..], &["test"], &["test", "--explore"], &["try", "main"], &["check"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = Command::new(binary());
        let command = command.args(arguments).args(["--config", &*config]).stdin(Stdio::null()).stdout(writer);
        let output = command.stderr(Stdio::piped()).output().expect("the binary runs");
        assert_eq!((output.status.code(), text(&output)), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn build_servers_are_told_faults_and_notes_as_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut company = Company::new(&Ports::slice()).agent("sip:agent1@127.0.0.1:9");
    let told = |company: &Company| -> (Option<i32>, serde_json::Value) {
        company.write(folder.path());
        let output = strowger(&["check", "--json", "--config", &folder.path().to_string_lossy()]);
        (output.status.code(), serde_json::from_slice(&output.stdout).expect("JSON, and nothing else"))
    };
    company.flows.insert("alone", "version: 1\nnodes:\n  a: { hangup: normal }\n".to_owned());
    let (code, all) = told(&company);
    assert_eq!(
        (code, &all["right"], all["faults"].as_array().map(Vec::len)),
        (Some(0), &true.into(), Some(0)),
        "{all}"
    );
    let note = &all["notes"][0];
    assert!(note["file"].as_str().is_some_and(|file| file.ends_with("flows/alone.yaml")), "{all}");
    company.flows.insert("alone", "version: 1\nnodes:\n  a: { hangup: norml }\n".to_owned());
    let (code, all) = told(&company);
    let fault = &all["faults"][0];
    assert_eq!((code, &all["right"]), (Some(1), &false.into()), "{all}");
    assert_eq!((&fault["line"], &fault["column"], &fault["length"]), (&3.into(), &16.into(), &5.into()), "{fault}");
    assert!(fault["message"].is_string() && fault["remedy"] == "did you mean `normal`?", "{fault}");
}

#[test]
fn what_there_is_one_of_is_told_as_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut company = Company::new(&Ports::slice()).agent("sip:agent1@127.0.0.1:9");
    let told = |company: &Company| {
        company.write(folder.path());
        let output = strowger(&["check", "--config", &folder.path().to_string_lossy()]);
        assert!(output.status.success(), "{}", text(&output));
        text(&output).lines().last().and_then(|line| line.split_once(" is right: ")).expect("the end").1.to_owned()
    };
    let line = told(&company);
    for words in [" numbers,", " flows,", " 1 queue,", " 1 user,", " 1 trunk,", " prompts"] {
        assert!(line.contains(words), "`{words}` is not in {line}");
    }
    company = company.agent("sip:agent2@127.0.0.1:10");
    company.numbers.retain(|number, _| *number == "1003");
    let line = told(&company);
    assert!(line.starts_with("1 number, ") && line.contains(" 2 users,"), "{line}");
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
fn a_data_folder_that_cannot_be_written_is_told_with_its_place_and_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    Company::new(&Ports::slice()).write(folder.path());
    // A file where the folder should be: so it is for root, too.
    std::fs::write(folder.path().join("data"), "").expect("written");
    let output = strowger(&["run", "--config", &folder.path().to_string_lossy()]);
    let told = text(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    let place = folder.path().join("data");
    assert!(told.contains("cannot write") && told.contains(&*place.to_string_lossy()), "{told}");
    assert!(!told.contains("ready") && !told.contains("panicked"), "{told}");
}

#[test]
fn help_and_version_are_there() {
    let help = text(&strowger(&["--help"]));
    for wanted in ["run", "check", "call", "sim", "config"] {
        assert!(help.contains(wanted), "{help}");
    }
    let version = strowger(&["--version"]);
    assert!(version.status.success() && text(&version).contains(char::is_numeric), "{}", text(&version));
}

#[test]
fn a_scenario_is_played_and_what_it_expects_in_vain_is_told() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("crates/sim/scenarios");
    let path = root.join("cancel-crosses-the-answer.yaml");
    let held = strowger(&["sim", &path.to_string_lossy()]);
    assert!(held.status.success() && text(&held).ends_with("\nholds\n"), "{}", text(&held));
    assert!(text(&held).contains("CallEnded"), "{}", text(&held));

    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, scenario: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, scenario).expect("it is written");
        path.to_string_lossy().into_owned()
    };
    let scenario = std::fs::read_to_string(&path).expect("it is there");
    let expected = scenario.split("\nexpect:").next().expect("a beginning").to_owned();
    let vain = write("vain.yaml", format!("{expected}\nexpect: {{live: 7}}\n"));
    let wrong = write("wrong.yaml", scenario.replace("version: 1", "version: 9"));
    // One that does not hold, or is wrong, does not keep the next from being played.
    let all = strowger(&["sim", &vain, &wrong, &path.to_string_lossy()]);
    assert_eq!(all.status.code(), Some(1), "{}", text(&all));
    for wanted in ["broken: what the scenario expects: 0 calls live", "does not hold\n", "wrong.yaml:1", "\nholds\n"] {
        assert!(text(&all).contains(wanted), "{wanted}: {}", text(&all));
    }
    assert_eq!(strowger(&["sim", "/nonexistent.yaml"]).status.code(), Some(2));
}

#[test]
fn a_day_of_a_centre_is_played_in_its_company_and_reported() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let morning = root.join("config/centres/morning.yaml");
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("morning.html");
    let (morning, report) = (morning.to_string_lossy(), page.to_string_lossy());
    let played = strowger(&["sim", &morning, "--report", &report]);
    let told = text(&played);
    assert!(played.status.success() && told.ends_with("\nholds\n"), "{told}");
    for wanted in ["\nsales ", "\nsupport ", "\n08:00 ", "\n12:00 ", "offers: "] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    let page = std::fs::read_to_string(&page).expect("the report is there");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg"), "{page}");
    let figures = |arguments: &[&str]| -> serde_json::Value {
        let output = strowger(&[&["sim", &morning, "--json"], arguments].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
    };
    let (first, again, other) = (figures(&[]), figures(&[]), figures(&["--seed", "2"]));
    assert!(first["all"]["answered"].as_u64().is_some_and(|answered| answered > 50), "{first}");
    assert_eq!(first, again, "the same seed gives the same day");
    assert_ne!(first["all"], other["all"]);
    let two = strowger(&["sim", &morning, &morning, "--report", &report]);
    assert!(two.status.code() == Some(2) && text(&two).contains("name one file alone"), "{}", text(&two));

    // What is wrong is told with its place; an invariant that does not hold with the seed and the virtual time.
    let scenario = std::fs::read_to_string(&*morning).expect("it is there");
    let scenario = scenario.replace("config: ..", &format!("config: {}", root.join("config").display()));
    let path = folder.path().join("day.yaml");
    let play = |changed: &str| {
        std::fs::write(&path, changed).expect("it is written");
        strowger(&["sim", &path.to_string_lossy()])
    };
    let wrong = play(&scenario.replace("number: 201", "number: 200"));
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong).contains("day.yaml:11:13: error: nothing is reached by the number `200`"), "{}", text(&wrong));
    let never = play(&scenario.replace("talk: { lognormal: 3m, deviation: 2m }", "talk: endless"));
    let told = text(&never);
    assert_eq!(never.status.code(), Some(1), "{told}");
    assert!(told.contains("broken at 28800 s of virtual time with seed 1: everybody is served or gives up"), "{told}");
    assert!(told.contains("does not hold"), "{told}");
}
