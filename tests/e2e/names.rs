//! Trunks by names (RFC 3263): dnsmasq knows where they are, and where they are next.

use std::time::{Duration, Instant};

use tempfile::TempDir;
use tests::baresip::{Baresip, Manner};
use tests::certificates::{Authority, Pair};
use tests::company::{Company, tones};
use tests::dnsmasq::Dnsmasq;
use tests::phone::{Message, Phone};
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::{self, SOON};

use crate::control::{metric, metrics_of};

const NUMBER: &str = "+4930999";

struct Scene {
    switch: Switch,
    /// A user's, who may call numbers in Germany.
    phone: Phone,
    dns: Dnsmasq,
    _folder: TempDir,
}

/// The switch with a carrier known as `carrier.test`, which dnsmasq knows by `records`.
fn scene(records: &str, more: &str, ports: &mut Ports, folder: TempDir) -> Scene {
    let dns = Dnsmasq::start(ports.take(2), records, folder.path());
    let mut phone = Phone::new("127.0.0.1:9".parse().expect("an address"), ports);
    let mut company = Company::new(ports).agent("sip:agent1@127.0.0.1:9");
    company.agents.push(("phone".to_owned(), format!("sip:phone@{}", phone.address())));
    company.dns = Some(dns.address());
    company.trunks.push(format!("carrier: {{ to: \"sip:carrier.test\", caller_id: \"+4930555\"{more} }}"));
    let grant = "{ users: phone, prefixes: \"+49\", trunk: carrier, at_once: 2, minutes_a_day: 60 }";
    company.grants.insert("germany", grant.to_owned());
    let switch = Switch::start(&company);
    phone.set_switch(switch.address());
    switch.wait_for_event("trunk_located", 1, SOON);
    Scene { switch, phone, dns, _folder: folder }
}

fn service(priority: u16, port: u16) -> String {
    format!("srv-host=_sip._udp.carrier.test,h{port}.test,{port},{priority},10\nhost-record=h{port}.test,127.0.0.1\n")
}

fn answering(ports: &mut Ports, folder: &TempDir) -> (Sipp, u16) {
    let (port, media) = (ports.take(2), ports.take(4));
    (Sipp::answering("agent_answers", port, media, folder.path(), &["-rtp_echo"]), port)
}

/// Calls, is answered and hangs up.
fn talk(s: &mut Scene) {
    let mut dialog = s.phone.call(NUMBER);
    assert_eq!(s.phone.bye(&mut dialog).status(), Some(200));
}

#[test]
fn a_call_gets_through_past_hosts_that_refuse_say_nothing_and_are_busy() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let closed = ports.take(2);
    let mut silent = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let mut busy = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let (mut works, port) = answering(&mut ports, &folder);
    let records = service(1, closed)
        + &service(2, silent.address().port())
        + &service(3, busy.address().port())
        + &service(4, port);
    let mut s = scene(&records, ", silence: 1s", &mut ports, folder);
    busy.set_switch(s.switch.address());
    let mut dialog = s.phone.invite(NUMBER, &s.phone.sdp());
    let is_invite = |m: &Message| m.method() == Some("INVITE");
    silent.wait_for("INVITE", SOON, is_invite);
    let invite = busy.wait_for("INVITE", SOON, is_invite);
    busy.respond(&invite, "503 Service Unavailable", "Retry-After: 600\r\n", "");
    let answer = s.phone.final_response(&dialog, SOON);
    assert_eq!(answer.status(), Some(200), "{answer}");
    s.phone.establish(&mut dialog, &answer);
    assert_eq!(s.phone.bye(&mut dialog).status(), Some(200));
    works.wait_for_successes(1, SOON);
    let cdr = s.switch.wait_for_cdr();
    assert_eq!(cdr["outside"].as_array().map(Vec::len), Some(4), "{cdr:#}");
    let told = s.switch.told(&["trunks"]);
    assert!(told.contains("    carrier.test: addresses: 4, for "), "{told}");
    assert!(told.contains(&format!("      127.0.0.1:{port}  h{port}.test  priority 4 weight 10")), "{told}");
    assert!(told.contains("  rests until "), "{told}");
    let asked = s.dns.asked();
    assert_eq!(asked.first().map(String::as_str), Some("query[SRV] _sip._udp.carrier.test"), "{asked:?}");
    s.switch.assert_quiet();
}

#[test]
fn calls_follow_the_records_and_go_on_by_the_last_ones_when_the_server_is_dead() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let ((mut first, one), (mut second, two)) = (answering(&mut ports, &folder), answering(&mut ports, &folder));
    let mut s = scene(&service(1, one), "", &mut ports, folder);
    talk(&mut s);
    first.wait_for_successes(1, SOON);
    s.dns.change(&service(1, two));
    s.switch.wait_for_event("trunk_located", 2, Duration::from_secs(20));
    talk(&mut s);
    second.wait_for_successes(1, SOON);
    s.dns.kill();
    let lost = s.switch.wait_for_event("trunk_not_located", 1, Duration::from_secs(60));
    assert_eq!((lost["kept"].as_u64(), lost["name"].as_str()), (Some(1), Some("carrier.test")), "{lost:#}");
    talk(&mut s);
    second.wait_for_successes(2, SOON);
    wait::until_true("it is called stale", Duration::from_secs(20), || {
        s.switch.told(&["trunks"]).contains("    carrier.test: addresses: 1, stale since ")
    });
    s.switch.assert_quiet();
}

#[test]
fn other_servers_are_asked_after_a_reload_without_a_restart() {
    let (folder, elsewhere) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut ports = Ports::slice();
    let ((mut first, one), (mut second, two)) = (answering(&mut ports, &folder), answering(&mut ports, &folder));
    let mut s = scene(&service(1, one), "", &mut ports, folder);
    talk(&mut s);
    first.wait_for_successes(1, SOON);
    let other = Dnsmasq::start(ports.take(2), &service(1, two), elsewhere.path());
    let file = s.switch.folder().join("config/strowger.yaml");
    let text = std::fs::read_to_string(&file).expect("there");
    std::fs::write(&file, text.replace(&s.dns.address().to_string(), &other.address().to_string())).expect("written");
    assert_eq!(s.switch.told(&["reload"]), "reloaded: dns changed\n");
    let located = s.switch.wait_for_event("trunk_located", 2, SOON);
    assert_eq!(located["at"][0], format!("127.0.0.1:{two}"), "{located:#}");
    talk(&mut s);
    second.wait_for_successes(1, SOON);
    // Its word holds when it is gone, and nothing more is asked of the first.
    let asked = s.dns.asked().len();
    assert_eq!(s.switch.told(&["reload"]), "reloaded: nothing changed\n");
    talk(&mut s);
    second.wait_for_successes(2, SOON);
    assert_eq!(s.dns.asked().len(), asked);
    s.switch.assert_quiet();
}

#[test]
fn answers_without_end_are_cut_and_the_first_of_them_serves() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let (mut works, port) = answering(&mut ports, &folder);
    // More than a datagram holds, and hosts that are aliases of each other.
    let mut records = service(1, port);
    for n in 0..300 {
        records += &format!("srv-host=_sip._udp.carrier.test,loop{n}.test,5060,{},1\n", 2 + n);
    }
    records += "cname=loop0.test,loop1.test\ncname=loop1.test,loop2.test\nhost-record=loop2.test,127.0.0.77\n";
    let mut s = scene(&records, "", &mut ports, folder);
    talk(&mut s);
    works.wait_for_successes(1, SOON);
    let asked = s.dns.asked();
    let hosts = asked.iter().filter(|line| line.starts_with("query[A] ")).collect::<std::collections::BTreeSet<_>>();
    // An alias that is followed is asked for by its own name, too.
    assert!(hosts.len() <= 34, "{}: {hosts:?}", hosts.len());
    let located = s.switch.events("trunk_located");
    assert!(located[0]["at"].as_array().is_some_and(|at| at.len() <= 4), "{located:#?}");
}

#[test]
fn under_tls_a_host_that_does_not_prove_the_name_is_passed_over_for_one_that_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let [ours, theirs] = ["ours", "theirs"].map(|name| Authority::new(folder.path(), name));
    let manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: true };
    let mut answering = |own: &Pair| {
        let folder = tempfile::tempdir().expect("a folder");
        (Baresip::start_with_certificate(NUMBER, own, manner, &mut ports, folder.path()), folder)
    };
    // The name of the host that the records lead to is not the name that was looked up (RFC 5922 7.1); the name from an
    // authority that nobody here believes is nobody's.
    let hosts = [
        answering(&ours.issue("host", &["DNS:host1.test", "IP:127.0.0.1"], 30)),
        answering(&theirs.issue("stranger", &["DNS:carrier.test"], 30)),
        answering(&ours.issue("carrier", &["DNS:carrier.test"], 30)),
    ];
    let records: String = hosts
        .iter()
        .zip(1..)
        .map(|((host, _), n)| {
            // TLS has the port after that for datagrams.
            let contact = host.contact(NUMBER);
            let port = contact.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).expect("a port") + 1;
            format!("srv-host=_sips._tcp.carrier.test,host{n}.test,{port},{n},10\nhost-record=host{n}.test,127.0.0.1\n")
        })
        .collect();
    let dns = Dnsmasq::start(ports.take(2), &records, folder.path());
    let mut phone = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let mut company = Company::new(&ports).agent("sip:agent1@127.0.0.1:9");
    let own = ours.issue("switch", &["IP:127.0.0.1"], 30);
    company.listeners.push(format!("tls: 127.0.0.1:0\n    {}\n    ca: {}", own.lines(), ours.file().display()));
    company.agents.push(("phone".to_owned(), format!("sip:phone@{}", phone.address())));
    company.dns = Some(dns.address());
    company.control.insert("metrics", "127.0.0.1:0".to_owned());
    company.trunks.push("carrier: { to: \"sips:carrier.test\", caller_id: \"+4930555\", srtp: never }".to_owned());
    let grant = "{ users: phone, prefixes: \"+49\", trunk: carrier, at_once: 2, minutes_a_day: 60 }";
    company.grants.insert("germany", grant.to_owned());
    let mut switch = Switch::start(&company);
    let metrics = metrics_of(&mut switch);
    phone.set_switch(switch.address());
    switch.wait_for_event("trunk_located", 1, SOON);
    let mut dialog = phone.call(NUMBER);
    phone.media.wait_for_tone(tones::AGENT, Instant::now(), SOON);
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    let [(host, _), (stranger, _), (carrier, _)] = &hosts;
    carrier.wait_for("CALL_CLOSED", 1, SOON);
    assert!(host.events("CALL_INCOMING").is_empty() && stranger.events("CALL_INCOMING").is_empty());
    let cdr = switch.wait_for_cdr();
    assert_eq!(cdr["outside"].as_array().map(Vec::len), Some(3), "{cdr:#}");
    let listener = switch.listening("tls");
    let failed = format!("strowger_handshakes_failed_total{{listener=\"tls {listener}\",reason=\"certificate\"}}");
    assert!((metric(metrics, &failed) - 2.0).abs() < 0.1);
    assert!(dns.asked().iter().any(|asked| asked == "query[SRV] _sips._tcp.carrier.test"), "{:?}", dns.asked());
    switch.assert_quiet();
}
