//! Transfers by strangers: baresip sends its caller on, SIPp does so as an agent and hangs up when it is told; two talks of one phone
//! become one. Listened to: whoever is sent on hears ringing, then the one he came to.

use std::time::{Duration, Instant};

use tests::baresip::{Baresip, Manner};
use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::sound::heard;
use tests::switch::Switch;
use tests::talk::{Talk, talk};
use tests::wait::{SOON, pause};

const MANNER: Manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: true };

/// What the switch plays to whom it rings for.
const RINGING: f64 = 425.0;

#[test]
fn a_baresip_sends_its_caller_on_to_another_who_is_heard() {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = Baresip::start("agent1", MANNER, &mut ports, folder.path());
    let other = Manner { hertz: tones::OTHER_AGENT, answers: false, ..MANNER };
    let mut second = Baresip::start("agent2", other, &mut ports, folder.path());
    let mut company = Company::new(&ports).agent(&first.contact("agent1")).agent(&second.contact("agent2"));
    company.numbers.insert("3001", "{ user: agent2 }".to_owned());
    let switch = Switch::start(&company);
    let mut caller = Phone::new(switch.address(), &mut ports);
    caller.media.say(Some(tones::CALLER));
    let start = Instant::now();
    let mut call = caller.call("1003");
    caller.media.wait_for_tone(tones::AGENT, start, SOON);
    let sent = Instant::now();
    first.transfer(&format!("sip:3001@{}", switch.address()));
    second.wait_for("CALL_INCOMING", 1, SOON);
    caller.media.wait_for_tone(RINGING, sent, SOON);
    let taken = Instant::now();
    second.accept();
    caller.media.wait_for_tone(tones::OTHER_AGENT, taken, SOON);
    first.wait_for("CALL_CLOSED", 1, SOON);
    pause(Duration::from_secs(2));
    assert_eq!(caller.bye(&mut call).status(), Some(200));
    second.wait_for("CALL_CLOSED", 1, SOON);
    assert!(heard(&second.heard(), tones::CALLER).is_some_and(|voice| voice.total > 1.5), "both ways");
    let cdr = switch.wait_for_cdr();
    let transfer = &cdr["transfers"][0];
    assert_eq!((&transfer["kind"], &transfer["by"]["user"]), (&"blind".into(), &"agent1".into()), "{cdr:#}");
    assert_eq!(cdr["agent"], "agent2");
    switch.assert_quiet();
}

#[test]
fn a_sipp_that_transfers_is_told_how_it_went() {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let mut agent = |scenario: &str| {
        let (port, media) = (ports.take(2), ports.take(4));
        let options = ["-m", "1", "-rtp_echo"];
        (Sipp::answering(scenario, port, media, folder.path(), &options), format!("sip:agent@127.0.0.1:{port}"))
    };
    let (mut first, one) = agent("agent_transfers");
    let (mut second, two) = agent("agent_answers");
    let mut company = Company::new(&ports).agent(&one).agent(&two);
    company.numbers.insert("3001", "{ user: agent2 }".to_owned());
    let switch = Switch::start(&company);
    let mut caller = Phone::new(switch.address(), &mut ports);
    caller.media.say(Some(tones::CALLER));
    let mut call = caller.call("1003");
    // Ends well only if 202 came, and NOTIFYs with 100, 180 and 200 in order, and the last ended the subscription.
    first.succeed(SOON);
    let start = Instant::now();
    caller.media.wait_for_tone(tones::CALLER, start, SOON);
    assert_eq!(caller.bye(&mut call).status(), Some(200));
    second.succeed(SOON);
    assert_eq!(switch.wait_for_cdr()["agent"], "agent2");
    switch.assert_quiet();
}

#[test]
fn two_talks_of_a_phone_become_one_that_is_heard_and_recorded_on() {
    let mut ports_of_baresip = None;
    let folder = tempfile::tempdir().expect("a folder");
    let mut talk = talk("1000", "1", |company| {
        let mut ports = Ports::slice();
        let manner = Manner { hertz: tones::OTHER_AGENT, ..MANNER };
        let second = Baresip::start("agent2", manner, &mut ports, folder.path());
        company.agents.push(("agent2".to_owned(), second.contact("agent2")));
        company.numbers.insert("3001", "{ user: agent2 }".to_owned());
        ports_of_baresip = Some((second, ports));
    });
    let Some((second, _ports)) = ports_of_baresip else { panic!("no second agent") };
    let Talk { switch, caller, agent, call, answer, .. } = &mut talk;
    // The agent holds, and calls the second agent: as agent1, by her phone's address.
    let held = format!("{}a=sendonly\r\n", agent.sdp());
    assert_eq!(agent.reinvite(answer, &held).status(), Some(200));
    let start = Instant::now();
    let consultation = agent.call_as("agent1", "3001");
    agent.media.wait_for_tone(tones::OTHER_AGENT, start, SOON);
    let joined = Instant::now();
    assert_eq!(agent.refer(answer, "3001", Some(&consultation)).status(), Some(202));
    let first = agent.wait_for_request("NOTIFY", SOON);
    assert!(first.body().starts_with("SIP/2.0 100 "), "{first}");
    let last = agent.wait_for_request("NOTIFY", SOON);
    assert!(last.body().starts_with("SIP/2.0 200 "), "{last}");
    assert!(last.must("Subscription-State").starts_with("terminated"), "{last}");
    agent.wait_for_request("BYE", SOON);
    agent.wait_for_request("BYE", SOON);
    caller.media.wait_for_tone(tones::OTHER_AGENT, joined, SOON);
    caller.media.press("7");
    pause(Duration::from_secs(2));
    assert_eq!(caller.bye(call).status(), Some(200));
    second.wait_for("CALL_CLOSED", 1, SOON);
    assert!(heard(&second.heard(), tones::CALLER).is_some_and(|voice| voice.total > 1.0), "both ways");
    let cdrs = switch.wait_for_cdrs(2);
    let (joined, kept): (Vec<_>, Vec<_>) = cdrs.iter().partition(|cdr| cdr["joined"].is_string());
    assert_eq!((joined.len(), kept.len()), (1, 1), "{cdrs:#?}");
    assert_eq!(kept[0]["transfers"][0]["joined"], joined[0]["call"]);
    assert_eq!(kept[0]["agent"], "agent2");
    let files = switch.recordings();
    assert_eq!(files.len(), 1, "{files:?}");
    let [left, right] = tests::sound::read_wav(&files[0]).try_into().expect("stereo");
    assert!(heard(&right, tones::OTHER_AGENT).is_some_and(|voice| voice.total > 1.5));
    assert!(heard(&left, tones::CALLER).is_some());
    switch.assert_quiet();
}
