//! Calls by IPv6: callers and agents on [::1], and those who meet across the two versions; several listeners, each with
//! addresses of its own.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use tests::baresip::{Baresip, Manner};
use tests::company::{Company, tones};
use tests::phone::{Phone, media_address};
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::sound::{self, assert_heard};
use tests::switch::Switch;
use tests::wait::{SOON, pause};

const ONE: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// A company that is there by both versions.
fn company(ports: &Ports) -> Company {
    let mut company = Company::new(ports);
    company.listeners.push("udp: \"[::1]:0\"".to_owned());
    company.listeners.push("tcp: \"[::1]:0\"".to_owned());
    company.media.insert("bind", "\"::\"".to_owned());
    company.trunk = "[127.0.0.1, \"::1/128\"]".to_owned();
    for flow in company.flows.values_mut() {
        *flow = flow.replace("timeout: 1s", "timeout: 10s");
    }
    company
}

/// SIPp calls through the menu to an agent who is SIPp, too, each at `127.0.0.1` or `::1`.
fn menu_to_agent(caller: &str, agent: &str, suffix: &str, transport: &str) {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let options = |host: &'static str| ["-i", host, "-mi", host, "-t", transport];
    let host = |text: &str| if text == "::1" { "::1" } else { "127.0.0.1" };
    let (port, media) = (ports.take(2), ports.take(4));
    let mut answering = options(host(agent)).to_vec();
    answering.push("-rtp_echo");
    let mut phone = Sipp::answering("agent_answers", port, media, folder.path(), &answering);
    let address = std::net::SocketAddr::new(agent.parse().expect("an address"), port);
    let mut company = company(&ports).agent(&format!("\"sip:agent@{address}{suffix}\""));
    company.queue.insert("wrap_up", "1ms".to_owned());
    let switch = Switch::start(&company);
    let name = if transport == "t1" { "tcp" } else { "udp" };
    let target = if caller == "::1" { switch.listening_by_ipv6(name) } else { switch.listening(name) };
    let (port, media) = (ports.take(2), ports.take(4));
    let mut calling = options(host(caller)).to_vec();
    calling.extend(["-m", "1", "-l", "1", "-d", "1000"]);
    let mut callers = Sipp::calling("caller_presses_1", "1001", target, port, media, folder.path(), &calling);
    assert_eq!(callers.succeed(Duration::from_secs(60)).successful, 1);
    phone.wait_for_successes(1, SOON);
    let cdr = switch.wait_for_cdr();
    assert_eq!((cdr["disposition"].as_str(), cdr["agent"].as_str()), (Some("answered"), Some("agent1")), "{cdr:#}");
    switch.assert_quiet();
}

#[test]
fn a_caller_and_an_agent_by_ipv6_over_udp() {
    menu_to_agent("::1", "::1", "", "u1");
}

#[test]
fn a_caller_and_an_agent_by_ipv6_over_tcp() {
    menu_to_agent("::1", "::1", ";transport=tcp", "t1");
}

#[test]
fn a_caller_by_ipv4_reaches_an_agent_by_ipv6() {
    menu_to_agent("127.0.0.1", "::1", "", "u1");
}

#[test]
fn what_is_said_to_a_caller_by_ipv6_has_brackets_where_they_belong_and_audio_comes() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&company(&ports));
    let at = switch.listening_by_ipv6("udp");
    let mut phone = Phone::at(ONE, at, &mut ports);
    let mut dialog = phone.invite("1002", &phone.sdp());
    let answer = phone.final_response(&dialog, SOON);
    assert_eq!(answer.status(), Some(200), "{answer}");
    assert_eq!(answer.contact(), format!("sip:1002@{at}"));
    assert!(answer.must("Via").starts_with(&format!("SIP/2.0/UDP [::1]:{};", phone.address().port())), "{answer}");
    let text = answer.to_string();
    assert!(text.contains("c=IN IP6 ::1\r\n") && text.contains(" IN IP6 ::1\r\ns="), "{text}");
    phone.establish(&mut dialog, &answer);
    phone.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    // The same switch talks IPv4 at the same time.
    let mut other = Phone::new(switch.address(), &mut ports);
    let mut second = other.call("1002");
    other.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    assert_eq!(other.bye(&mut second).status(), Some(200));
    switch.wait_for_cdrs(2);
    switch.assert_quiet();
}

#[test]
fn baresip_at_ipv6_calls_and_both_are_heard() {
    let mut ports = Ports::slice();
    let mut company = company(&ports);
    company.numbers.insert("1009", "{ flow: recorded }".to_owned());
    let nodes =
        "  begin:\n    record: start\n    next: talk\n  talk:\n    play: { prompt: welcome, repeat: forever }\n";
    company.flows.insert("recorded", format!("version: 1\nnodes:\n{nodes}"));
    let switch = Switch::start(&company);
    let manner = Manner { hertz: tones::CALLER, codecs: "PCMU/8000/1", answers: false };
    let mut phone = Baresip::start_by_ipv6("me", manner, &mut ports, switch.folder());
    phone.dial("1009", switch.listening_by_ipv6("udp"));
    phone.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(Duration::from_secs(3));
    phone.hang_up();
    phone.wait_for("CALL_CLOSED", 1, SOON);
    switch.wait_for_cdr();
    assert_heard("the phone hears the flow", &phone.heard(), tones::WELCOME, 2.0);
    let [said, _] = sound::read_wav(&switch.recordings()[0]).try_into().expect("stereo");
    assert_heard("the switch hears the phone", &said, tones::CALLER, 2.0);
}

#[test]
fn both_versions_are_served_by_one_listener_for_all_or_by_two() {
    for two in [false, true] {
        let mut ports = Ports::slice();
        let port = ports.take(2);
        let mut company = company(&ports);
        company.port = ports.take(2);
        company.listeners = vec![format!("udp: \"[::]:{port}\"")];
        if two {
            company.listeners.push(format!("udp: 0.0.0.0:{port}"));
        }
        let _switch = Switch::start(&company);
        for host in [ONE, [127, 0, 0, 1].into()] {
            let mut phone = Phone::at(host, (host, port).into(), &mut ports);
            let mut dialog = phone.call("1002");
            phone.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
            assert_eq!(phone.bye(&mut dialog).status(), Some(200));
        }
    }
}

#[test]
fn each_listener_tells_its_own_addresses_for_signalling_and_audio() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.trunk = "127.0.0.0/8".to_owned();
    company.media.insert("bind", "0.0.0.0".to_owned());
    let (first, second) = (ports.take(2), ports.take(2));
    company.listeners.push(format!("udp: 127.0.0.1:{first}\n    advertise: 127.0.0.3:5099\n    media: 127.0.0.4"));
    company.listeners.push(format!("udp: 127.0.0.1:{second}\n    advertise: 127.0.0.5"));
    let switch = Switch::start(&company);
    for (port, contact, audio) in [
        (first, "127.0.0.3:5099".to_owned(), "127.0.0.4"),
        (second, format!("127.0.0.5:{second}"), "127.0.0.5"),
        (switch.address().port(), switch.address().to_string(), "127.0.0.1"),
    ] {
        let mut phone = Phone::at([127, 0, 0, 1].into(), ([127, 0, 0, 1], port).into(), &mut ports);
        let mut dialog = phone.invite("1002", &phone.sdp());
        let answer = phone.final_response(&dialog, SOON);
        assert_eq!(answer.contact(), format!("sip:1002@{contact}"));
        assert_eq!(media_address(&answer).ip(), audio.parse::<IpAddr>().expect("an address"));
        phone.establish(&mut dialog, &answer);
        phone.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    }
}
