//! Operators and a running switch: the commands, the control socket's bounds and rights, metrics and health.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tests::company::Company;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::{Switch, binary};
use tests::wait::{SOON, until, until_true};

/// A user who is neither root nor runs the tests.
const NOBODY: u32 = 65_534;

/// Runs a command against the switch.
fn ask(switch: &Switch, arguments: &[&str]) -> Output {
    ask_at(&switch.folder().join("config"), arguments)
}

fn ask_at(config: &Path, arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).arg("--config").arg(config).output().expect("the binary runs")
}

/// Exit code and words of a command that fails.
fn refused(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The live calls, each as `strowger calls --json` prints it.
fn calls(switch: &Switch) -> Vec<Value> {
    switch.told(&["calls", "--json"]).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A company whose metrics are served, and the switch on it.
fn with_metrics() -> (Ports, Switch, SocketAddr) {
    let ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.control.insert("metrics", "127.0.0.1:0".to_owned());
    let mut switch = Switch::start(&company);
    let address = metrics_of(&mut switch);
    (ports, switch, address)
}

/// Where the switch serves its metrics.
pub(crate) fn metrics_of(switch: &mut Switch) -> SocketAddr {
    let line = switch.process().wait_for_line("metrics", SOON, |line| line.starts_with("listening metrics "));
    line.trim_start_matches("listening metrics ").parse().expect("an address")
}

pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("text");
    text
}

/// The value of a series in the metrics.
pub(crate) fn metric(address: SocketAddr, series: &str) -> f64 {
    let page = get(address, "/metrics");
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{page}")).parse().expect("a number")
}

fn socket(switch: &Switch) -> UnixStream {
    let stream = UnixStream::connect(switch.data().join("control.sock")).expect("connects");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    stream
}

/// Sends octets and reads a line; empty if the switch closed.
fn exchange(stream: &mut UnixStream, octets: &[u8]) -> String {
    let _ = stream.write_all(octets);
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("a line");
    line
}

#[test]
fn a_live_sipp_call_is_listed_and_hung_up() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let (port, media) = (ports.take(2), ports.take(4));
    let mut caller =
        Sipp::calling("caller_waits_for_bye", "1002", switch.address(), port, media, switch.folder(), &["-m", "1"]);
    until_true("the call is in its flow", SOON, || calls(&switch).iter().any(|call| call["place"]["flow"].is_object()));
    let listed = calls(&switch).remove(0);
    assert_eq!((listed["to"].as_str(), listed["place"]["flow"]["flow"].as_str()), (Some("1002"), Some("talk")));
    let id = listed["call"].as_str().expect("an id").to_owned();
    let table = switch.told(&["calls"]);
    assert!(table.contains(&id) && table.contains("flow talk/talk") && table.contains("\n1 call\n"), "{table}");
    assert!(switch.told(&["status"]).contains("calls     1 of 50"));
    assert_eq!(switch.told(&["hangup", &id]), format!("{id} hung up\n"));
    // SIPp ends well only if BYE came.
    caller.succeed(SOON);
    let cdr = switch.wait_for_cdr();
    assert_eq!((cdr["call"].as_str(), cdr["hung_up_by"].as_str()), (Some(&*id), Some("system")), "{cdr:#}");
    assert_eq!(switch.wait_for_event("hung_up", 1, SOON)["cause"], "operator");
    let (code, words) = refused(&ask(&switch, &["hangup", &id]));
    assert!(code == Some(1) && words.contains("no such call"), "{code:?} {words}");
    switch.assert_quiet();
}

#[test]
fn what_is_no_call_is_a_fault_of_usage() {
    for arguments in [&["hangup"][..], &["hangup", "1"], &["hangup", "../../etc"], &["drain", "--grace", "20"]] {
        let (code, words) = refused(&ask_at(Path::new("/nonexistent"), arguments));
        assert!(code == Some(2) && !words.contains("panicked"), "{arguments:?}: {code:?} {words}");
    }
}

#[test]
fn status_is_json_if_one_wants() {
    let ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let status: Value = serde_json::from_str(&switch.told(&["status", "--json"])).expect("JSON");
    assert_eq!((status["calls"].as_u64(), status["draining"].as_bool()), (Some(0), Some(false)), "{status:#}");
    assert_eq!(status["queues"][0]["name"], "sales");
}

#[test]
fn a_configuration_half_changed_keeps_nobody_from_the_switch() {
    let ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let file = switch.folder().join("config/strowger.yaml");
    let text = std::fs::read_to_string(&file).expect("there") + "nubmers:\n  5: {}\n";
    std::fs::write(&file, text).expect("written");
    assert!(switch.told(&["status"]).contains("takes calls"));
}

#[test]
fn where_no_switch_runs_that_is_told() {
    let ports = Ports::slice();
    let mut switch = Switch::start(&Company::new(&ports));
    switch.process().kill();
    // Its socket is still there, and nobody behind it.
    assert!(switch.data().join("control.sock").exists());
    for command in [&["status"][..], &["calls"], &["reload"], &["drain"]] {
        let (code, words) = refused(&ask(&switch, command));
        assert!(code == Some(3) && words.contains("no switch runs here"), "{code:?} {words}");
    }
    let (code, words) = refused(&ask_at(Path::new("/nonexistent/company"), &["status"]));
    assert!(code == Some(1) && words.contains("/nonexistent/company"), "{code:?} {words}");
}

#[test]
fn a_socket_that_a_killed_switch_left_is_replaced() {
    let ports = Ports::slice();
    let mut switch = Switch::start(&Company::new(&ports));
    switch.process().kill();
    let mut command = Command::new(binary());
    command.args(["run", "--config"]).arg(switch.folder().join("config"));
    let mut second = tests::process::Process::start("second", command, switch.folder());
    second.wait_for_line("ready", SOON, |line| line == "ready");
    assert!(switch.told(&["status"]).contains("takes calls"));
    second.signal("TERM");
    assert!(second.wait(SOON).success());
    assert!(!switch.data().join("control.sock").exists(), "an end in order leaves a socket");
}

#[test]
fn drain_refuses_new_calls_hangs_up_after_its_grace_time_and_ends_the_switch() {
    let (mut ports, mut switch, metrics) = with_metrics();
    let mut phone = Phone::new(switch.address(), &mut ports);
    phone.call("1002");
    assert!(get(metrics, "/health").starts_with("HTTP/1.1 200 "));
    assert_eq!(switch.told(&["drain", "--grace", "2s"]), "draining; live calls: 1\n");
    assert!(get(metrics, "/health").starts_with("HTTP/1.1 503 "));
    assert!(switch.told(&["status"]).contains("draining"));
    let mut late = Phone::new(switch.address(), &mut ports);
    let dialog = late.invite("1002", &late.sdp());
    let refusal = late.final_response(&dialog, SOON);
    late.acknowledge(&dialog, &refusal);
    assert_eq!(refusal.status(), Some(503), "{refusal}");
    let bye = phone.wait_for_request("BYE", SOON);
    phone.respond(&bye, "200 OK", "", "");
    assert!(switch.process().wait(SOON).success());
    assert_eq!(switch.wait_for_cdr()["hung_up_by"], "system");
}

#[test]
fn drain_of_a_quiet_switch_is_answered_before_the_switch_ends() {
    let ports = Ports::slice();
    for _ in 0..5 {
        let mut switch = Switch::start(&Company::new(&ports));
        assert_eq!(switch.told(&["drain"]), "draining; live calls: 0\n");
        assert!(switch.process().wait(SOON).success());
    }
}

#[test]
fn another_user_is_refused_by_the_socket_and_by_his_credentials() {
    let ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    // Everything is opened for him but the socket: the program, the configuration, the way to the data folder.
    let program = switch.folder().join("strowger");
    std::fs::copy(binary(), &program).expect("a copy");
    let open = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode));
    for path in [switch.folder(), &switch.folder().join("config"), &switch.data(), &program] {
        open(path, 0o755).expect("opened");
    }
    let status = |uid| {
        let mut command = Command::new(&program);
        command.args(["status", "--config"]).arg(switch.folder().join("config")).uid(uid).gid(uid).current_dir("/");
        command.output()
    };
    let Ok(output) = status(NOBODY) else {
        println!("skipped: only root can be somebody else");
        return;
    };
    let (code, words) = refused(&output);
    assert!(code == Some(1) && words.contains("not allowed"), "by the socket's mode: {code:?} {words}");
    // Even if somebody opens the socket to all, the peer's credentials count.
    open(&switch.data().join("control.sock"), 0o666).expect("opened");
    let (code, words) = refused(&status(NOBODY).expect("as before"));
    assert!(code == Some(1) && words.contains("not allowed"), "by credentials: {code:?} {words}");
    assert!(status(0).expect("as before").status.success(), "root is refused");
}

#[test]
fn garbage_oversize_and_silence_on_the_socket_harm_nobody() {
    let ports = Ports::slice();
    let mut switch = Switch::start(&Company::new(&ports));
    let mut stream = socket(&switch);
    assert!(exchange(&mut stream, b"\xff\x00{}}{\n").contains("bad_request"));
    assert!(exchange(&mut stream, b"{\"v\":1,\"request\":\"status\"}\n").contains("\"response\""));
    assert!(exchange(&mut socket(&switch), &vec![b'x'; 1 << 20]).contains("too_long"));
    // Silent ones take every seat: the next is told, and theirs come free by their deadline.
    drop(stream);
    let seated = || {
        let mut stream = socket(&switch);
        exchange(&mut stream, b"\n").contains("bad_request").then_some(stream)
    };
    // Seats of the earlier ones may come free a moment later.
    let _silent: Vec<UnixStream> = (0..16).map(|_| until("a seat", SOON, seated)).collect();
    let (code, words) = refused(&ask(&switch, &["status"]));
    assert!(code == Some(1) && words.contains("too many clients"), "{code:?} {words}");
    until("a seat", Duration::from_secs(20), || ask(&switch, &["status"]).status.success().then_some(()));
    assert!(switch.process().poll().is_none());
}

#[test]
fn metrics_move_with_a_call() {
    let (mut ports, switch, metrics) = with_metrics();
    let ended = "strowger_calls_ended_total{disposition=\"self_served\"}";
    let requests = "strowger_sip_total{kind=\"requests\"}";
    assert_eq!((metric(metrics, "strowger_calls"), metric(metrics, ended), metric(metrics, requests)), (0.0, 0.0, 0.0));
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.call("1002");
    assert_eq!((metric(metrics, "strowger_calls"), metric(metrics, "strowger_legs")), (1.0, 1.0));
    assert!(metric(metrics, requests) >= 1.0, "INVITE");
    until_true("media ticks", SOON, || metric(metrics, "strowger_media_ticks_total{kind=\"run\"}") >= 1.0);
    phone.bye(&mut dialog);
    switch.wait_for_cdr();
    until_true("the call is counted", SOON, || metric(metrics, ended) == 1.0);
    assert_eq!(metric(metrics, "strowger_calls"), 0.0);
}

#[test]
fn a_caller_in_a_queue_shows_in_calls_status_and_metrics() {
    let mut ports = Ports::slice();
    let agent = Phone::new("127.0.0.1:5060".parse().expect("an address"), &mut ports);
    let mut company = Company::new(&ports).agent(&format!("sip:agent1@{}", agent.address()));
    company.control.insert("metrics", "127.0.0.1:0".to_owned());
    let mut switch = Switch::start(&company);
    let line = switch.process().wait_for_line("metrics", SOON, |line| line.starts_with("listening metrics "));
    let metrics: SocketAddr = line.trim_start_matches("listening metrics ").parse().expect("an address");
    let mut phone = Phone::new(switch.address(), &mut ports);
    phone.call("2000");
    until_true("the call waits", SOON, || calls(&switch).iter().any(|call| call["place"]["queue"]["queue"] == "sales"));
    // The only agent's phone rings and nobody answers.
    assert_eq!(metric(metrics, "strowger_queue_calls{queue=\"sales\",state=\"offered\"}"), 1.0);
    assert_eq!(metric(metrics, "strowger_queue_agents{queue=\"sales\",state=\"offered\"}"), 1.0);
    let status = switch.told(&["status"]);
    assert!(status.contains("queue sales: 0 waiting") && status.contains("1 offered; agents: 0 idle"), "{status}");
}

#[test]
fn without_a_word_in_the_configuration_no_metrics_are_served() {
    let ports = Ports::slice();
    let mut switch = Switch::start(&Company::new(&ports));
    let lines = switch.process().lines();
    assert!(!lines.iter().any(|line| line.contains("metrics")), "{lines:?}");
}
