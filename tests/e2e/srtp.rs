//! SRTP with keys in SDP (RFC 3711, 4568, 7714) among strangers: libsrtp packet by packet, and calls of baresip, whose
//! packets tshark listens to.

use std::process::Command;
use std::time::{Duration, Instant};

use base::Rng;
use rtp::srtp::{Inbound, MasterKey, Outbound, RTCP_TRAILER, RTP_TRAILER, Suite};
use rtp::{HEADER, Header};
use tests::baresip::{Baresip, Manner, Registrar};
use tests::certificates::Authority;
use tests::company::{Company, tones};
use tests::libsrtp::Libsrtp;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sound::{self, assert_heard, heard};
use tests::switch::{Switch, binary};
use tests::tap::Tap;
use tests::wait::{SOON, pause};

const ULAW: &str = "PCMU/8000/1";
const SECOND: Duration = Duration::from_secs(1);

fn sealed(packet: &[u8], room: usize, seal: impl FnOnce(&mut [u8]) -> usize) -> Vec<u8> {
    let mut packet = [packet, &vec![0; room]].concat();
    let length = seal(&mut packet);
    packet.truncate(length);
    packet
}

/// Both ways, over the wrap of the sequence number, with some packets lost on the way.
#[test]
fn libsrtp_opens_what_we_seal_and_we_what_it_seals() {
    let suites = [Suite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_32, Suite::AeadAes128Gcm, Suite::AeadAes256Gcm];
    for suite in suites {
        let mut rng = Rng::from_number(5);
        let master = MasterKey::random(suite, &mut rng);
        let mut stranger = Libsrtp::start(suite.name(), master.reveal());
        let (mut outbound, mut inbound) = (Outbound::new(&master), Inbound::new(&master, None));
        for n in 0..2000u32 {
            let sequence = 0xfff0u16.wrapping_add(((n * 70) & 0xffff) as u16);
            let header = Header { marker: n == 0, payload_type: 0, sequence, timestamp: n * 160, ssrc: 0xdead_beef };
            let payload: Vec<u8> = (0..rng.below(200)).map(|_| rng.u32().to_be_bytes()[0]).collect();
            let clear = [&header.to_bytes()[..], &payload].concat();

            let ours = sealed(&clear, RTP_TRAILER, |packet| outbound.protect_rtp(packet, clear.len()).unwrap());
            let mut theirs = stranger.ask("seal", &clear).expect("it seals");
            assert_eq!(ours, theirs, "{suite} {n}");
            // Not the first: libsrtp takes a stream that it first sees after the wrap for one that begins there.
            if n > 0 && rng.percent(20) {
                continue;
            }
            assert_eq!(stranger.ask("open", &ours).as_ref(), Some(&clear), "{suite} {n}");
            assert_eq!(stranger.ask("open", &ours), None, "a replay");
            let length = inbound.unprotect_rtp(&mut theirs).unwrap();
            assert_eq!(theirs[..length], clear);
        }
        let mut changed = stranger.ask("seal", &[&[0x80; HEADER][..], b"abc"].concat()).expect("it seals");
        changed[HEADER] ^= 1;
        assert!(inbound.unprotect_rtp(&mut changed).is_err());
        for n in 0..5u32 {
            let clear = [&[0x80, 201, 0, 1][..], &n.to_be_bytes(), &[0x81, 202, 0, 2], &n.to_be_bytes(), &[1, 2, 3, 4]]
                .concat();
            let ours = sealed(&clear, RTCP_TRAILER, |packet| outbound.protect_rtcp(packet, clear.len()).unwrap());
            assert_eq!(stranger.ask("open_rtcp", &ours).as_ref(), Some(&clear), "{suite} {n}");
            let mut theirs = stranger.ask("seal_rtcp", &clear).expect("it seals");
            let length = inbound.unprotect_rtcp(&mut theirs).unwrap();
            assert_eq!(theirs[..length], clear);
        }
    }
}

/// Payloads of RTP by the ports that they went from and to, each 160 octets taken for µ-law.
fn streams(tap: Tap) -> Vec<((u16, u16), usize, Vec<i16>)> {
    let mut streams: Vec<((u16, u16), usize, Vec<i16>)> = Vec::new();
    for datagram in tap.stop() {
        let length = datagram.octets.len();
        if length < HEADER + 160 || datagram.octets[1] & 0x7f != 0 {
            continue;
        }
        let (ports, samples) = ((datagram.from, datagram.to), datagram.sound());
        match streams.iter_mut().find(|(found, size, _)| (*found, *size) == (ports, length)) {
            Some((.., sound)) => sound.extend(samples),
            None => streams.push((ports, length, samples)),
        }
    }
    streams
}

fn manner(hertz: f64) -> Manner {
    Manner { hertz, codecs: ULAW, answers: false }
}

/// What the journal says of the protection of each leg that closed.
fn suites(switch: &Switch, legs: usize) -> Vec<String> {
    switch.wait_for_event("media_stats", legs, SOON);
    let mut suites: Vec<_> = switch.events("media_stats").iter().map(|event| event["srtp"].to_string()).collect();
    suites.sort();
    suites
}

/// The caller encrypts; the agent does as `agent_srtp` says.
fn call_of_two(agent_srtp: bool) {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let mut agent = if agent_srtp {
        Baresip::start_encrypting("agent1", "srtp-mand", manner(tones::AGENT), &mut ports, folder.path())
    } else {
        Baresip::start("agent1", manner(tones::AGENT), &mut ports, folder.path())
    };
    let caller = Baresip::start_encrypting("caller", "srtp-mand", manner(tones::CALLER), &mut ports, folder.path());
    let mut caller = caller;
    let policy = if agent_srtp { "required" } else { "allowed" };
    let contact = format!("{}\n    srtp: {policy}", agent.contact("agent1"));
    let switch = Switch::start(&Company::new(&ports).agent(&contact));
    let tap = Tap::start(&format!("udp portrange {}", ports.for_media()), folder.path());

    caller.dial("1000", switch.address());
    caller.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(SECOND);
    caller.press('1');
    agent.wait_for("CALL_INCOMING", 1, SOON);
    agent.accept();
    agent.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(3 * SECOND);
    caller.hold(true);
    switch.wait_for_event("held", 1, SOON);
    pause(2 * SECOND);
    caller.hold(false);
    switch.wait_for_event("resumed", 1, SOON);
    pause(3 * SECOND);
    caller.hang_up();
    agent.wait_for("CALL_CLOSED", 1, SOON);
    caller.wait_for("CALL_CLOSED", 1, SOON);

    let (caller_heard, agent_heard) = (caller.heard(), agent.heard());
    assert_heard("the caller hears the menu", &caller_heard, tones::WELCOME, 0.8);
    let both = |what: &str, sound: &[i16], tone: f64| {
        let heard = heard(sound, tone).unwrap_or_else(|| panic!("{what}"));
        assert!(heard.total > 5.0, "{what}, before the hold and after: {heard:?}");
    };
    both("the agent hears the caller", &agent_heard, tones::CALLER);
    assert_heard("the agent hears music while he is held", &agent_heard, tones::MUSIC, 1.0);
    // baresip 1.0 is deaf after its own hold, though it is sent to (`hold.rs`): so the recording tells what came after.
    assert_heard("the caller hears the agent", &caller_heard, tones::AGENT, 2.5);
    let [left, right] = sound::read_wav(&switch.recordings()[0]).try_into().expect("stereo");
    both("the recording has the caller in clear", &left, tones::CALLER);
    both("and the agent", &right, tones::AGENT);
    assert_eq!(switch.wait_for_cdr()["recording_lost_ms"], 0);

    // What baresip offers, and what it likes best of our offer.
    let (sha, gcm) = ("\"AES_CM_128_HMAC_SHA1_80\"", "\"AEAD_AES_256_GCM\"");
    assert_eq!(suites(&switch, 2), if agent_srtp { [gcm, sha] } else { [sha, "null"] });
    let stats = switch.events("media_stats");
    assert!(
        stats.iter().all(|stats| stats["unauthentic"].is_null() && stats["received"].as_u64() > Some(200)),
        "{stats:#?}"
    );
    assert_no_keys(&switch);

    // On the wire, who encrypts is heard by nobody.
    let streams = streams(tap);
    let (clear, secret): (Vec<_>, Vec<_>) = streams.iter().partition(|(_, length, _)| *length == HEADER + 160);
    assert_eq!((clear.len(), secret.len()), if agent_srtp { (0, 4) } else { (2, 2) }, "both ways of each leg");
    for (ports, _, sound) in secret {
        assert!(sound.len() > 8000, "{ports:?}");
        for tone in [tones::CALLER, tones::AGENT, tones::WELCOME, tones::MUSIC] {
            assert_eq!(heard(sound, tone), None, "{ports:?}");
        }
    }
    assert!(agent_srtp || clear.iter().any(|(.., sound)| heard(sound, tones::CALLER).is_some()), "the tap works");
    switch.assert_quiet();
}

/// Nothing that the switch wrote holds a key; what is kept of SDP has an `x` for each of its octets.
fn assert_no_keys(switch: &Switch) {
    let output =
        Command::new("grep").args(["-rlaE", "inline:[A-Za-wyz0-9+/]"]).arg(switch.data()).output().expect("grep runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

#[test]
fn an_encrypting_caller_and_a_plain_agent_hear_each_other() {
    call_of_two(false);
}

#[test]
fn an_encrypting_caller_and_an_encrypting_agent_hear_each_other() {
    call_of_two(true);
}

/// baresip's `srtp` offers a=crypto in RTP/AVP, its `srtp-mandf` RTP/SAVPF.
#[test]
fn best_effort_and_feedback_profiles_are_encrypted() {
    for mediaenc in ["srtp", "srtp-mandf"] {
        let mut ports = Ports::slice();
        let folder = tempfile::tempdir().expect("a folder");
        let mut caller =
            Baresip::start_encrypting("caller", mediaenc, manner(tones::CALLER), &mut ports, folder.path());
        let switch = Switch::start(&Company::new(&ports));
        caller.dial("1000", switch.address());
        caller.wait_for("CALL_ESTABLISHED", 1, SOON);
        pause(2 * SECOND);
        caller.press('9');
        switch.wait_for_event("digit", 1, SOON);
        caller.hang_up();
        caller.wait_for("CALL_CLOSED", 1, SOON);
        assert_heard(mediaenc, &caller.heard(), tones::WELCOME, 0.8);
        assert_eq!(suites(&switch, 1), ["\"AES_CM_128_HMAC_SHA1_80\""], "{mediaenc}");
    }
}

#[test]
fn policies_refuse_with_a_warning() {
    for (policy, body, text) in [("required", "RTP/AVP", "required"), ("never", "RTP/SAVP", "not allowed")] {
        let mut ports = Ports::slice();
        let switch = Switch::start(&Company { srtp: Some(policy), ..Company::new(&ports) });
        let mut phone = Phone::new(switch.address(), &mut ports);
        let sdp = phone.sdp().replace("RTP/AVP", body);
        let sdp = sdp + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n";
        let sdp = if policy == "required" { phone.sdp() } else { sdp };
        let call = phone.invite("1000", &sdp);
        let answer = phone.final_response(&call, SOON);
        assert_eq!(answer.status(), Some(488), "{answer}");
        assert!(answer.to_string().contains("Warning: 302 ") && answer.to_string().contains(text), "{answer}");
    }
}

/// The phone of the command line encrypts by what both like best.
#[test]
fn strowger_call_encrypts() {
    let ports = Ports::slice();
    let switch = Switch::start(&Company { srtp: Some("required"), ..Company::new(&ports) });
    let target = format!("sip:1000@{}", switch.address());
    let output =
        Command::new(binary()).args(["call", &target, "--srtp", "--press", ",9", "--hold", "3"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("encrypted by AEAD_AES_256_GCM") && said.contains("first audio received"), "{said}");
    assert_eq!(suites(&switch, 1), ["\"AEAD_AES_256_GCM\""]);
    assert_eq!(switch.events("digit").len(), 1);
}

/// A phone that registered by TLS is offered SRTP though it need not be; one that has none is asked again in clear.
#[test]
fn srtp_is_offered_by_tls_and_a_phone_without_it_is_rung_all_the_same() {
    for (codecs, suite) in [("PCMU/8000/1;mediaenc=srtp-mand", "\"AEAD_AES_256_GCM\""), (ULAW, "null")] {
        let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
        let authority = Authority::new(folder.path(), "authority");
        let pair = authority.issue("switch", &["IP:127.0.0.1", "DNS:localhost"], 30);
        let mut company = Company::new(&ports).agent("register");
        company.listeners.push(format!("tls: 127.0.0.1:0\n    {}", pair.lines()));
        let switch = Switch::start(&company);
        let registrar = Registrar { address: switch.listening("tls"), transport: "tls" };
        // baresip reads what follows its codecs as more of the account.
        let manner = Manner { hertz: tones::AGENT, codecs, answers: true };
        let (password, ca) = (switch.password("agent1"), authority.file());
        let phone =
            Baresip::register_believing("agent1", &password, registrar, &ca, manner, &mut ports, switch.folder());
        switch.wait_for_event("bound", 1, SOON);
        let mut caller = Phone::new(switch.address(), &mut ports);
        let mut dialog = caller.call("3000");
        phone.wait_for("CALL_ESTABLISHED", 1, SOON);
        caller.media.wait_for_tone(tones::AGENT, Instant::now(), SOON);
        caller.bye(&mut dialog);
        let mut found = suites(&switch, 2);
        found.retain(|found| found != "null");
        assert_eq!(found, if suite == "null" { vec![] } else { vec![suite] });
        switch.assert_quiet();
    }
}
