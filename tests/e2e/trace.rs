//! What a call said on the wire: drawn, followed while it is said, and given to tshark.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use tests::company::Company;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::process::Process;
use tests::sipp::Sipp;
use tests::switch::{Switch, binary};
use tests::wait::{SOON, until, until_true};

use crate::control::{metric, metrics_of};

/// A user who is neither root nor runs the tests.
const NOBODY: u32 = 65_534;

fn run(switch: &Switch, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.arg("trace").args(arguments).arg("--config").arg(switch.folder().join("config"));
    command.output().expect("the binary runs")
}

/// What `strowger trace` prints, once it holds `last`: messages are written a moment after they were said.
pub(crate) fn traced(switch: &Switch, arguments: &[&str], last: &str) -> String {
    until(&format!("a trace with {last}"), SOON, || {
        let output = run(switch, arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success() && text.contains(last)).then_some(text)
    })
}

/// A caller's call to an agent, both SIPp's, that is over; and its id.
fn call_to_an_agent(company: impl FnOnce(Company) -> Company) -> (Ports, Switch, String, u16) {
    let mut ports = Ports::slice();
    let (port, media) = (ports.take(2), ports.take(4));
    let folder = tempfile::tempdir().expect("a folder");
    let mut agent = Sipp::answering("agent_answers", port, media, folder.path(), &["-m", "1"]);
    let company = company(Company::new(&ports).agent(&format!("sip:agent1@127.0.0.1:{port}")));
    let switch = Switch::start(&company);
    let (own, media) = (ports.take(2), ports.take(4));
    let mut caller =
        Sipp::calling("caller_hangs_up", "3000", switch.address(), own, media, folder.path(), &["-m", "1"]);
    caller.succeed(SOON);
    agent.succeed(SOON);
    let call = switch.wait_for_cdr()["call"].as_str().expect("an id").to_owned();
    (ports, switch, call, port)
}

#[test]
fn a_call_is_drawn_with_both_its_legs_and_without_numbers() {
    let (_ports, switch, call, agent) = call_to_an_agent(|company| company);
    let drawn = traced(&switch, &[&call], "200 OK (BYE)");
    let head = drawn.lines().next().expect("a line");
    assert!(head.contains("strowger") && head.contains(&format!("127.0.0.1:{agent} UDP")), "{drawn}");
    let count = |what: &str| drawn.lines().filter(|line| line.contains(what)).count();
    assert_eq!((count("─INVITE"), count("─ACK"), count("─BYE")), (2, 2, 2), "{drawn}");
    assert_eq!((count("200 OK (INVITE)"), count("180 Ringing (INVITE)")), (2, 2), "{drawn}");
    assert!(count("sendrecv") >= 3 && drawn.contains("PCMU"), "{drawn}");
    let full = traced(&switch, &[&call, "--full"], "200 OK (BYE)");
    assert!(full.contains("INVITE sip:xxxx@") && !full.contains("sip:3000@") && !full.contains("agent1@"), "{full}");
    let clear = traced(&switch, &[&call, "--full", "--clear"], "200 OK (BYE)");
    assert!(clear.contains("sip:3000@") && clear.contains("sip:agent1@"), "{clear}");
    // The leg alone, by what the caller's phone calls it.
    let sip_call_id = switch.events("call_began")[0]["sip_call_id"].as_str().expect("an id").to_owned();
    let leg = traced(&switch, &[&sip_call_id], "200 OK (BYE)");
    assert!(!leg.contains(&format!(":{agent} ")) && leg.contains("INVITE"), "{leg}");
}

#[test]
fn a_trace_survives_the_switch() {
    let (_ports, mut switch, call, _) = call_to_an_agent(|company| company);
    traced(&switch, &[&call], "200 OK (BYE)");
    switch.process().kill();
    assert!(run(&switch, &[&call]).status.success());
    let output = run(&switch, &["c0000000000000"]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && words.contains("no message of c0000000000000 is kept"), "{words}");
    let output = run(&switch, &["--follow"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn tshark_reads_the_capture_and_finds_every_checksum_right() {
    let (_ports, switch, call, agent) = call_to_an_agent(|company| company);
    traced(&switch, &[&call], "200 OK (BYE)");
    let file = switch.folder().join("call.pcap");
    let path = file.to_str().expect("a path");
    assert!(run(&switch, &[&call, "--pcap", path]).status.success());
    let fields =
        ["sip.Method", "sip.Status-Code", "udp.checksum.status", "ip.checksum.status", "udp.dstport", "sdp.media"];
    let mut tshark = Command::new("tshark");
    tshark.args(["-r", path, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields"]);
    tshark.args(["-d", &format!("udp.port=={},sip", switch.address().port())]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let output = tshark.output().expect("tshark runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert!(rows.len() >= 12, "{text}");
    for row in &rows {
        assert!(row[0].is_empty() != row[1].is_empty(), "no SIP: {row:?} in {text}");
        // 1: right.
        assert_eq!((row[2], row[3]), ("1", "1"), "{text}");
    }
    let invites = rows.iter().filter(|row| row[0] == "INVITE").count();
    let to_agent = rows.iter().any(|row| row[0] == "INVITE" && row[4] == agent.to_string() && row[5].contains("audio"));
    assert!(invites == 2 && to_agent, "{text}");
}

#[test]
fn who_follows_sees_the_number_that_he_asked_for_and_no_other() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let follow = |arguments: &[&str]| {
        let mut command = Command::new(binary());
        command.args(["trace", "--follow"]).args(arguments).arg("--config").arg(switch.folder().join("config"));
        Process::start("follow", command, switch.folder())
    };
    let (mut all, some, mut clear) =
        (follow(&[]), follow(&["--from", "nobody"]), follow(&["--full", "--clear", "--from", "phone"]));
    let mut phone = Phone::new(switch.address(), &mut ports);
    // Nobody says when they watch: until they do, they see nothing.
    until_true("they watch", SOON, || {
        assert!(phone.probe());
        all.lines().iter().any(|line| line.contains("OPTIONS"))
    });
    let mut dialog = phone.call("1002");
    phone.bye(&mut dialog);
    let line = all.wait_for_line("a BYE", SOON, |line| line.contains("  BYE"));
    assert!(line.contains("◀──") && line.contains(&phone.address().to_string()), "{line}");
    clear.wait_for_line("the number", SOON, |line| line.starts_with("INVITE sip:1002@"));
    assert_eq!(some.lines(), Vec::<String>::new());
    for mut process in [all, some, clear] {
        assert!(process.poll().is_none());
    }
}

#[test]
fn nobody_else_may_see_anything() {
    let (_ports, switch, call, _) = call_to_an_agent(|company| company);
    traced(&switch, &[&call], "200 OK (BYE)");
    let program = switch.folder().join("strowger");
    std::fs::copy(binary(), &program).expect("a copy");
    let open = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode));
    for path in [switch.folder(), &switch.folder().join("config"), &switch.data(), &program] {
        open(path, 0o755).expect("opened");
    }
    let as_nobody = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("trace").args(arguments).arg("--config").arg(switch.folder().join("config"));
        command.uid(NOBODY).gid(NOBODY).current_dir("/").output()
    };
    let Ok(output) = as_nobody(&[&call]) else {
        println!("skipped: only root can be somebody else");
        return;
    };
    let words = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && words(&output).contains("ermission denied"), "{}", words(&output));
    let output = as_nobody(&["--follow"]).expect("as before");
    assert!(output.status.code() == Some(1) && words(&output).contains("not allowed"), "{}", words(&output));
    // Even where somebody has opened the files to all.
    let trace = switch.data().join("trace");
    open(&trace, 0o755).expect("opened");
    let files = std::fs::read_dir(&trace).expect("a folder").map(|entry| entry.expect("an entry").path());
    files.for_each(|path| open(&path, 0o644).expect("opened"));
    let output = as_nobody(&[&call, "--clear"]).expect("as before");
    assert!(output.status.code() == Some(1) && words(&output).contains("only root"), "{}", words(&output));
}

#[test]
fn with_trace_false_nothing_is_kept() {
    let (_ports, switch, call, _) = call_to_an_agent(|company| Company { trace: Some("false".to_owned()), ..company });
    assert!(!switch.data().join("trace").exists());
    assert_eq!(run(&switch, &[&call]).status.code(), Some(1));
}

#[test]
fn messages_count_by_what_they_are_and_calls_by_their_trunk() {
    let (_ports, mut switch, _, _) = call_to_an_agent(|mut company| {
        company.control.insert("metrics", "127.0.0.1:0".to_owned());
        company
    });
    let metrics = metrics_of(&mut switch);
    let count = |series: &str| metric(metrics, series);
    let requests = |direction, method| {
        let series =
            format!("strowger_sip_requests_total{{direction=\"{direction}\",transport=\"udp\",method=\"{method}\"}}");
        count(&series)
    };
    assert!(requests("in", "INVITE") >= 1.0 && requests("out", "INVITE") >= 1.0 && requests("in", "ACK") >= 1.0);
    assert!(count("strowger_sip_responses_total{direction=\"in\",transport=\"udp\",class=\"2xx\"}") >= 2.0);
    assert_eq!(count("strowger_trunk_invites_total{trunk=\"phones\",direction=\"in\",class=\"2xx\"}"), 1.0);
}
