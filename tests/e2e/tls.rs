//! SIP under TLS: OpenSSL and baresip as peers, certificates that change, and those who only hold a handshake.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tests::baresip::{Baresip, Manner, Registrar};
use tests::certificates::{Authority, Pair};
use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::process::Process;
use tests::sound::assert_heard;
use tests::switch::{Switch, binary};
use tests::tunnel::Tunnel;
use tests::wait::{SOON, pause, until_true};

use crate::control::{get, metrics_of};
use crate::tcp::{is_closed, slow};

const MANNER: Manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: true };

/// An authority and what it vouches for: `127.0.0.1` and `localhost`.
struct World {
    ports: Ports,
    folder: TempDir,
    authority: Authority,
    pair: Pair,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new(folder.path(), "authority");
        let pair = authority.issue("switch", &["IP:127.0.0.1", "DNS:localhost"], 30);
        Self { ports: Ports::slice(), folder, authority, pair }
    }

    /// A company with a listener that shows the certificate, with more keys of it.
    fn company(&self, more: &str) -> Company {
        let mut company = Company::new(&self.ports);
        company.listeners.push(format!("tls: 127.0.0.1:0\n    {}{more}", self.pair.lines()));
        company
    }

    fn open(&self, switch: &Switch, options: &[&str]) -> Tunnel {
        Tunnel::open(switch.listening("tls"), &self.authority.file(), options)
    }
}

fn request(method: &str, number: &str, body: &str) -> String {
    format!(
        "{method} sips:{number}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5099;branch=z9hG4bK{method}{number};rport\r\n\
         From: <sip:phone@127.0.0.1>;tag=a\r\nTo: <sips:{number}@127.0.0.1>\r\nCall-ID: {method}{number}\r\nCSeq: 1 {method}\r\n\
         Contact: <sips:phone@127.0.0.1:5099>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Asks by OPTIONS and waits for the answer.
fn probe(tunnel: &mut Tunnel) -> String {
    tunnel.send(request("OPTIONS", "1002", "").as_bytes());
    tunnel.wait_for("SIP/2.0 200 OK\r\n", SOON)
}

#[test]
fn openssl_is_answered_under_tls_1_2_and_1_3_and_under_nothing_older() {
    let world = World::new();
    let switch = Switch::start(&world.company(""));
    for version in ["-tls1_2", "-tls1_3"] {
        let mut tunnel = world.open(&switch, &[version, "-verify_ip", "127.0.0.1"]);
        let answer = probe(&mut tunnel);
        assert!(answer.contains("Via: SIP/2.0/TLS 127.0.0.1:5099;branch=z9hG4bKOPTIONS1002;"), "{answer}");
    }
    for version in ["-tls1", "-tls1_1"] {
        let mut tunnel = world.open(&switch, &[version, "-cipher", "ALL:@SECLEVEL=0"]);
        tunnel.wait_for_end(SOON);
        assert!(tunnel.said().contains("alert") && tunnel.text().is_empty(), "{}", tunnel.said());
    }
    // The switch's own answer keeps to the scheme that it was asked by.
    let mut tunnel = world.open(&switch, &[]);
    let sdp = "v=0\r\no=p 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";
    tunnel.send(request("INVITE", "1002", sdp).as_bytes());
    let answer = tunnel.wait_for("m=audio", SOON);
    assert!(answer.contains(&format!("Contact: <sips:1002@{}>", switch.listening("tls"))), "{answer}");
}

#[test]
fn the_name_that_is_asked_for_picks_the_certificate() {
    let world = World::new();
    let (one, two) = (&world.pair, world.authority.issue("two", &["DNS:two.example"], 30));
    let mut company = Company::new(&world.ports);
    let item = |pair: &Pair| format!("{{ certificate: {}, key: {} }}", pair.certificate.display(), pair.key.display());
    company.listeners.push(format!("tls: 127.0.0.1:0\n    certificates: [{}, {}]", item(one), item(&two)));
    let switch = Switch::start(&company);
    for (asked, wanted) in [("two.example", "two.example"), ("localhost", "localhost"), ("other.example", "localhost")]
    {
        probe(&mut world.open(&switch, &["-servername", asked, "-verify_hostname", wanted]));
    }
    let mut tunnel = world.open(&switch, &["-servername", "other.example", "-verify_hostname", "two.example"]);
    tunnel.wait_for_end(SOON);
}

#[test]
fn a_trunk_is_known_by_its_certificate_and_who_has_none_is_not_let_in() {
    let world = World::new();
    let mut company = world.company(&format!("\n    client_ca: {}", world.authority.file().display()));
    company.trunk = "127.0.0.9".to_owned();
    company.trunks.push("carrier: { certificate: sip.carrier.example }".to_owned());
    let switch = Switch::start(&company);
    let own = world.authority.issue("carrier", &["DNS:SIP.Carrier.example"], 30);
    let other = world.authority.issue("other", &["DNS:sip.other.example"], 30);
    let stranger = Authority::new(&world.folder.path().join("strangers"), "stranger");
    let forged = stranger.issue("forged", &["DNS:sip.carrier.example"], 30);
    let open = |pair: &Pair| {
        let paths = [&pair.certificate, &pair.key].map(|path| path.to_str().expect("text"));
        world.open(&switch, &["-cert", paths[0], "-key", paths[1]])
    };
    let sdp = "v=0\r\no=p 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";
    let invite = request("INVITE", "1002", sdp);
    let mut proven = open(&own);
    proven.send(invite.as_bytes());
    proven.wait_for("SIP/2.0 200 OK", SOON);
    let began = switch.wait_for_event("call_began", 1, SOON);
    assert_eq!(began["origin"]["trunk"], "carrier", "{began}");
    let mut unknown = open(&other);
    unknown.send(request("INVITE", "1003", sdp).as_bytes());
    unknown.wait_for("SIP/2.0 403", SOON);
    for mut refused in [world.open(&switch, &[]), open(&forged)] {
        refused.send(invite.as_bytes());
        refused.wait_for_end(SOON);
        assert_eq!(refused.text(), "");
    }
    assert_eq!(switch.events("call_began").len(), 1);
}

/// The address of baresip's own TLS: one above the port for datagrams.
fn tls_contact(phone: &Baresip, user: &str) -> String {
    let contact = phone.contact(user);
    let (host, port) = contact.rsplit_once(':').expect("a port");
    format!("{host}:{};transport=tls", port.parse::<u16>().expect("a port") + 1)
}

#[test]
fn baresip_registers_under_tls_is_called_and_calls_and_both_are_heard() {
    let mut world = World::new();
    // What baresip refuses, such as SRTP, it counts as a call, too.
    let company = Company { srtp: Some("never"), ..world.company("") };
    let switch = Switch::start(&company.agent("register"));
    let registrar = Registrar { address: switch.listening("tls"), transport: "tls" };
    let ca = world.authority.file();
    let mut phone = Baresip::register_believing(
        "agent1",
        &switch.password("agent1"),
        registrar,
        &ca,
        MANNER,
        &mut world.ports,
        switch.folder(),
    );
    switch.wait_for_event("bound", 1, SOON);
    let table = switch.told(&["registrations", "--json"]);
    assert!(table.contains("\"transport\":\"tls\""), "{table}");
    let mut caller = Phone::new(switch.address(), &mut world.ports);
    let mut dialog = caller.call("3000");
    phone.wait_for("CALL_ESTABLISHED", 1, SOON);
    caller.media.wait_for_tone(tones::AGENT, Instant::now(), SOON);
    caller.bye(&mut dialog);
    phone.wait_for("CALL_CLOSED", 1, SOON);

    phone.dial("1002", switch.listening("tls"));
    phone.wait_for("CALL_ESTABLISHED", 2, SOON);
    pause(Duration::from_secs(3));
    phone.hang_up();
    phone.wait_for("CALL_CLOSED", 2, SOON);
    assert_heard("the phone hears the flow", &phone.heard(), tones::WELCOME, 2.0);
    switch.wait_for_cdrs(2);
    switch.assert_quiet();
}

#[test]
fn a_phone_is_called_under_tls_if_it_proves_to_be_it_and_else_not() {
    for (names, reached) in [("IP:127.0.0.1", true), ("DNS:other.example", false)] {
        let mut world = World::new();
        let own = world.authority.issue("phone", &[names], 30);
        let phone = Baresip::start_with_certificate("agent1", &own, MANNER, &mut world.ports, world.folder.path());
        let company = world.company(&format!("\n    ca: {}", world.authority.file().display()));
        let switch = Switch::start(&company.agent(&tls_contact(&phone, "agent1")));
        let mut caller = Phone::new(switch.address(), &mut world.ports);
        if reached {
            let mut dialog = caller.call("3000");
            caller.media.wait_for_tone(tones::AGENT, Instant::now(), SOON);
            caller.bye(&mut dialog);
            phone.wait_for("CALL_CLOSED", 1, SOON);
        } else {
            let dialog = caller.invite("3000", &caller.sdp());
            assert_eq!(caller.final_response(&dialog, SOON).status(), Some(480));
            assert!(phone.events("CALL_INCOMING").is_empty());
        }
        switch.wait_for_cdr();
        switch.assert_quiet();
    }
}

#[test]
fn five_hundred_slow_handshakes_keep_no_call_waiting_and_are_cut_off() {
    let mut world = World::new();
    let switch = Switch::start(&world.company(""));
    // The beginning of a ClientHello.
    let octets = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    let began = Instant::now();
    let mut held: Vec<_> =
        (2..7).flat_map(|last| slow([127, 0, 0, last], 100, switch.listening("tls"), &octets)).collect();
    assert_eq!(held.len(), 500);
    let mut steady = world.open(&switch, &[]);
    probe(&mut steady);
    let mut by_udp = Phone::new(switch.address(), &mut world.ports);
    let mut dialog = by_udp.call("1002");
    assert_eq!(by_udp.bye(&mut dialog).status(), Some(200));
    assert!(!is_closed(&mut held[0], Duration::from_millis(1)), "they are held until their time is over");
    for stream in &mut held {
        assert!(is_closed(stream, SOON));
    }
    assert!(began.elapsed() > Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(!steady.is_over());
}

fn call(target: &str, options: &[&str], folder: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command.args(["call", target, "--hold", "1"]).args(options);
    let mut process = Process::start("call", command, folder);
    let code = process.wait(Duration::from_secs(60)).code();
    pause(Duration::from_millis(200));
    (code, process.lines().join("\n") + &process.errors())
}

#[test]
fn the_phone_of_the_command_line_calls_under_tls_whom_it_believes() {
    let world = World::new();
    let switch = Switch::start(&world.company(""));
    let stranger = Authority::new(&world.folder.path().join("strangers"), "stranger");
    let (ca, other) = (world.authority.file(), stranger.file());
    let believed = ["--ca", ca.to_str().expect("text")];
    let port = switch.listening("tls").port();
    let targets = [format!("sips:1002@127.0.0.1:{port}"), format!("sip:1002@localhost:{port};transport=tls")];
    for target in &targets {
        let (code, told) = call(target, &believed, switch.folder());
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("calling tls") && told.contains("first audio received"), "{told}");
    }
    let (code, told) = call(&targets[0], &["--ca", other.to_str().expect("text")], switch.folder());
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("no answer: nobody answers there"), "{told}");
    let (code, told) = call(&targets[0], &["--ca", "/nonexistent.pem"], switch.folder());
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("/nonexistent.pem"), "{told}");
    switch.wait_for_cdrs(2);
}

fn reload(switch: &Switch) -> Output {
    let config = switch.folder().join("config");
    Command::new(binary()).args(["reload", "--config"]).arg(config).output().expect("the binary runs")
}

#[test]
fn another_certificate_is_shown_after_a_reload_and_connections_stay() {
    let world = World::new();
    let switch = Switch::start(&world.company(""));
    let mut old = world.open(&switch, &["-verify_hostname", "localhost"]);
    probe(&mut old);
    let new = world.authority.issue("new", &["DNS:new.example"], 30);
    std::fs::copy(&new.certificate, &world.pair.certificate).expect("written");
    let output = reload(&switch);
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert!(report.contains("strowger.yaml:7:10: error:"), "{report}");
    assert!(report.contains("the key does not belong to the certificate"), "{report}");
    probe(&mut world.open(&switch, &["-verify_hostname", "localhost"]));
    std::fs::copy(&new.key, &world.pair.key).expect("written");
    let output = reload(&switch);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(told, "reloaded: TLS of listeners: 1 changed\n");
    probe(&mut world.open(&switch, &["-servername", "new.example", "-verify_hostname", "new.example"]));
    old.send(request("OPTIONS", "1003", "").as_bytes());
    old.wait_for("To: <sips:1003@", SOON);
}

#[test]
fn a_certificate_that_is_about_to_be_over_is_told() {
    let mut world = World::new();
    world.pair = world.authority.issue("short", &["IP:127.0.0.1"], 3);
    let company = world.company("");
    company.write(&world.folder.path().join("config"));
    let mut command = Command::new(binary());
    let output = command.args(["check", "--config"]).arg(world.folder.path().join("config")).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("strowger.yaml:6:18: note:") && told.contains("is over on 20"), "{told}");
}

#[test]
fn handshakes_that_fail_are_counted_by_why() {
    let world = World::new();
    let mut company = world.company(&format!("\n    client_ca: {}", world.authority.file().display()));
    company.control.insert("metrics", "127.0.0.1:0".to_owned());
    let mut switch = Switch::start(&company);
    let (metrics, at) = (metrics_of(&mut switch), switch.listening("tls"));
    world.open(&switch, &["-tls1", "-cipher", "ALL:@SECLEVEL=0"]).wait_for_end(SOON);
    world.open(&switch, &["-tls1_2"]).wait_for_end(SOON);
    let mut plain = TcpStream::connect(at).expect("a connection");
    plain.write_all(b"OPTIONS sip:1002@127.0.0.1 SIP/2.0\r\n\r\n").expect("sent");
    drop(TcpStream::connect(at).expect("a connection"));
    for reason in ["incompatible", "certificate", "not_tls", "closed"] {
        let series = format!("strowger_handshakes_failed_total{{listener=\"tls {at}\",reason=\"{reason}\"}} 1\n");
        until_true(&series, SOON, || get(metrics, "/metrics").contains(&series));
    }
    switch.assert_quiet();
}
