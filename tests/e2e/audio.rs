//! A caller and an agent, both baresip: menu, digit, queue, ringing, talk, hang-up, recording, CDR. What each hears is measured.

use std::time::Duration;

use tests::baresip::{Baresip, Manner};
use tests::company::{Company, tones};
use tests::ports::Ports;
use tests::sound::{self, assert_heard, heard};
use tests::switch::Switch;
use tests::wait::{SOON, pause};

const ULAW: &str = "PCMU/8000/1";
const ALAW: &str = "PCMA/8000/1";
/// How long the two talk.
const TALK: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Caller,
    Agent,
}

/// Who may be heard where, once the agent has answered.
fn talk(caller_codecs: &'static str, who_ends: Side) {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let mut start = |name, hertz, codecs, answers| {
        Baresip::start(name, Manner { hertz, codecs, answers }, &mut ports, folder.path())
    };
    let mut agent = start("agent1", tones::AGENT, ULAW, false);
    let mut caller = start("caller", tones::CALLER, caller_codecs, false);
    let switch = Switch::start(&Company::new(&ports).agent(&agent.contact("agent1")));

    caller.dial("1000", switch.address());
    caller.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(Duration::from_secs(1));
    caller.press('1');
    agent.wait_for("CALL_INCOMING", 1, SOON);
    pause(Duration::from_millis(600));
    agent.accept();
    agent.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(TALK);
    if who_ends == Side::Caller {
        caller.hang_up()
    } else {
        agent.hang_up()
    };
    agent.wait_for("CALL_CLOSED", 1, SOON);
    caller.wait_for("CALL_CLOSED", 1, SOON);

    let cdr = switch.wait_for_cdr();
    let ended_by = if who_ends == Side::Caller { "caller" } else { "agent" };
    let facts = ["disposition", "queue", "agent", "to", "hung_up_by"].map(|key| cdr[key].as_str().unwrap_or_default());
    assert_eq!(facts, ["answered", "sales", "agent1", "1000", ended_by], "{cdr:#}");
    assert_eq!((cdr["offers"].as_u64(), cdr["recording_lost_ms"].as_u64()), (Some(1), Some(0)), "{cdr:#}");
    assert!(cdr["from"].as_str().is_some_and(|from| from.contains("caller")), "{cdr:#}");
    let between = |key: &str, least: u64, most: u64| {
        assert!(
            cdr[key].as_u64().is_some_and(|ms| (least..=most).contains(&ms)),
            "{key} not in {least}-{most}: {cdr:#}"
        );
    };
    between("talk_ms", 4800, 6500);
    between("ring_ms", 500, 2500);
    between("duration_ms", 6500, 12_000);

    // Each heard the other for as long as they talked, and the caller the menu before.
    let (caller_heard, agent_heard) = (caller.heard(), agent.heard());
    assert_heard("the caller hears the menu", &caller_heard, tones::WELCOME, 0.8);
    assert_heard("the caller hears the agent", &caller_heard, tones::AGENT, 4.5);
    assert_heard("the agent hears the caller", &agent_heard, tones::CALLER, 4.5);
    assert_eq!(heard(&agent_heard, tones::WELCOME), None, "the menu is not for the agent");

    // The recording holds the caller on the left, what he heard on the right, both of one length.
    let files = switch.recordings();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(cdr["recordings"].as_array().map(Vec::len), Some(1), "{cdr:#}");
    let [left, right] = sound::read_wav(&files[0]).try_into().expect("stereo");
    assert_eq!(left.len(), right.len());
    assert_heard("the menu is on the right", &right, tones::WELCOME, 0.8);
    let talk = assert_heard("the agent is on the right", &right, tones::AGENT, 4.5);
    let talk = sound::samples(talk.from)..sound::samples(talk.to);
    assert_heard("the caller is on the left for as long", &left[talk.clone()], tones::CALLER, 4.5);
    assert_eq!((heard(&left, tones::AGENT), heard(&right[talk], tones::CALLER)), (None, None), "each on its own side");

    // Each side was hung up once, and nothing is left.
    let closed = |phone: &Baresip| phone.events("CALL_CLOSED").len();
    assert_eq!((closed(&caller), closed(&agent), switch.events("hung_up").len()), (1, 1, 1));
    switch.assert_quiet();
}

#[test]
fn a_caller_reaches_an_agent_and_hangs_up() {
    talk(ULAW, Side::Caller);
}

#[test]
fn a_caller_reaches_an_agent_who_hangs_up() {
    talk(ULAW, Side::Agent);
}

#[test]
fn an_a_law_caller_and_a_mu_law_agent_hear_each_other() {
    talk(ALAW, Side::Caller);
}

#[test]
fn an_agent_dialled_straight_from_the_menu_is_heard() {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let manner = Manner { hertz: tones::AGENT, codecs: ULAW, answers: true };
    let agent = Baresip::start("agent1", manner, &mut ports, folder.path());
    let mut caller = Baresip::start("caller", Manner { hertz: tones::CALLER, ..manner }, &mut ports, folder.path());
    let switch = Switch::start(&Company::new(&ports).agent(&agent.contact("agent1")));
    caller.dial("1001", switch.address());
    caller.wait_for("CALL_ESTABLISHED", 1, SOON);
    caller.press('5');
    agent.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(Duration::from_secs(3));
    caller.hang_up();
    agent.wait_for("CALL_CLOSED", 1, SOON);
    assert_heard("the caller hears the agent", &caller.heard(), tones::AGENT, 2.5);
    assert_heard("the agent hears the caller", &agent.heard(), tones::CALLER, 2.5);
    assert_eq!(switch.recordings().len(), 0, "this flow records nothing");
    switch.assert_quiet();
}
