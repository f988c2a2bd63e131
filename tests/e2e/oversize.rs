//! Calls whose INVITE or ACK is too large for a datagram, to phones that listen on TCP, that do not, and that only seem to.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use tests::baresip::{Baresip, Manner, Registrar};
use tests::company::{Company, tones};
use tests::phone::{Message, Phone};
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::SOON;

use crate::trace::traced;

/// As many calls of such a caller to an agent who has his fixed place at a port that `options` listen on; the Vias of the INVITEs
/// that he was sent, each once.
fn calls(count: u64, options: &[&str], deaf: bool) -> Vec<String> {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let mut agent = Sipp::answering("agent_answers", port, media, folder.path(), options);
    let _deaf = deaf.then(|| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a port"));
    let mut company = Company::new(&ports).agent(&format!("sip:agent1@127.0.0.1:{port}"));
    company.tcp = true;
    company.queue.insert("wrap_up", "1ms".to_owned());
    let switch = Switch::start(&company);
    for call in 1..=count {
        let (own, media) = (ports.take(2), ports.take(4));
        let options = ["-m", "1", "-d", "300"];
        let mut caller =
            Sipp::calling("caller_tells_much", "3000", switch.address(), own, media, folder.path(), &options);
        caller.succeed(Duration::from_secs(30));
        agent.wait_for_successes(call, SOON);
        switch.wait_for_cdrs(usize::try_from(call).expect("small"));
    }
    let mut vias = Vec::new();
    for cdr in switch.cdrs() {
        assert_eq!(cdr["disposition"], "answered", "{cdr:#}");
        let call = cdr["call"].as_str().expect("an id").to_owned();
        let text = traced(&switch, &[&call, "--full"], "CSeq: 2 BYE");
        let to_agent = format!(":{port} SIP/2.0");
        let invites = text
            .split("INVITE sip:")
            .filter(|invite| invite.lines().next().is_some_and(|line| line.ends_with(&to_agent)));
        let via = |invite: &str| invite.split("Via: SIP/2.0/").nth(1).map(|via| via.chars().take(3).collect());
        let mut found: Vec<String> = invites.filter_map(via).collect();
        found.dedup();
        vias.extend(found);
    }
    switch.assert_quiet();
    vias
}

#[test]
fn a_phone_that_listens_on_tcp_is_called_over_tcp() {
    assert_eq!(calls(1, &["-t", "t1", "-rtp_echo"], false), ["TCP"]);
}

#[test]
fn a_phone_without_tcp_is_asked_for_it_once_and_called_by_datagrams() {
    assert_eq!(calls(2, &["-rtp_echo"], false), ["TCP", "UDP", "UDP"]);
}

#[test]
fn a_phone_that_takes_a_connection_and_says_nothing_is_called_by_datagrams() {
    assert_eq!(calls(2, &["-rtp_echo"], true), ["TCP", "UDP", "UDP"]);
}

#[test]
fn a_phone_that_registered_over_udp_is_called_on_that_flow() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports).agent("register");
    company.tcp = true;
    let switch = Switch::start(&company);
    let manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: true };
    let registrar = Registrar { address: switch.address(), transport: "udp" };
    let password = switch.password("agent1");
    let _agent = Baresip::register("agent1", &password, registrar, manner, &mut ports, switch.folder());
    switch.wait_for_event("bound", 1, SOON);
    let (own, media) = (ports.take(2), ports.take(4));
    let options = ["-m", "1", "-d", "300"];
    let mut caller =
        Sipp::calling("caller_tells_much", "3000", switch.address(), own, media, switch.folder(), &options);
    caller.succeed(Duration::from_secs(30));
    let cdr = switch.wait_for_cdr();
    assert_eq!(cdr["disposition"], "answered", "{cdr:#}");
    let call = cdr["call"].as_str().expect("an id").to_owned();
    let text = traced(&switch, &[&call, "--full"], "CSeq: 2 BYE");
    let large = |invite: &&str| invite.split("\r\n\r\n").next().is_some_and(|head| head.contains("User-to-User: "));
    assert!(text.split("INVITE sip:").filter(large).count() >= 2 && !text.contains("SIP/2.0/TCP"), "{text}");
}

/// A call to an agent by datagrams whose Contact is so long that the ACK of his 200 is too large for one; with the caller.
fn long_contact(listens: bool) -> (Switch, Phone, Phone, Option<TcpListener>, Message) {
    let mut ports = Ports::slice();
    // His address is in the configuration, and the switch in his.
    let mut agent = Phone::new((Ipv4Addr::LOCALHOST, 9).into(), &mut ports);
    let listener = listens.then(|| TcpListener::bind(agent.address()).expect("a port"));
    let mut company = Company::new(&ports).agent(&format!("sip:agent1@{}", agent.address()));
    company.tcp = true;
    let switch = Switch::start(&company);
    agent.set_switch(switch.address());
    let mut caller = Phone::new(switch.address(), &mut ports);
    let call = caller.invite("3000", &caller.sdp());
    let invite = agent.wait_for("INVITE", SOON, |message| message.method() == Some("INVITE"));
    let contact = format!("Contact: <sip:agent1@{};line={}>\r\n", agent.address(), "x".repeat(1300));
    agent.respond(&invite, "200 OK", &contact, &agent.sdp());
    let answer = caller.final_response(&call, SOON);
    assert_eq!(answer.status(), Some(200), "{answer}");
    let mut call = call;
    caller.establish(&mut call, &answer);
    (switch, caller, agent, listener, invite)
}

#[test]
fn an_ack_that_is_too_large_goes_over_tcp_and_as_a_datagram_to_who_says_that_it_did_not_arrive() {
    let (switch, _caller, mut agent, listener, invite) = long_contact(true);
    let (stream, _) = listener.expect("it listens").accept().expect("a connection");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    let head: Vec<String> =
        BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    assert!(head[0].starts_with("ACK sip:agent1@") && head[1].starts_with("Via: SIP/2.0/TCP "), "{head:?}");
    let is_ack = |message: &Message| message.method() == Some("ACK");
    assert!(!agent.seen(Duration::ZERO).iter().any(is_ack), "by one way");
    // His 200 comes again, as it does for want of an ACK.
    let contact = format!("Contact: <sip:agent1@{};line={}>\r\n", agent.address(), "x".repeat(1300));
    agent.respond(&invite, "200 OK", &contact, &agent.sdp());
    let ack = agent.wait_for("ACK", SOON, is_ack);
    assert!(ack.must("Via").starts_with("SIP/2.0/UDP "), "{ack}");
    let branch = |via: &str| via.split("branch=").nth(1).map(str::to_owned);
    assert_eq!(branch(ack.must("Via")), branch(&head[1]), "the same");
    drop(switch);
}

#[test]
fn an_ack_that_is_too_large_goes_as_a_datagram_to_who_refuses_tcp() {
    let (switch, _caller, mut agent, _, _) = long_contact(false);
    let ack = agent.wait_for("ACK", SOON, |message| message.method() == Some("ACK"));
    assert!(ack.must("Via").starts_with("SIP/2.0/UDP "), "{ack}");
    drop(switch);
}
