//! What comes after a talk with an agent: the recording was masked, the caller is asked how it was, and is sent on.

use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::sound;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

const FLOW: &str = "version: 1
nodes:
  begin: { record: start, next: hide }
  hide: { record: mask, next: sales }
  sales: { queue: sales, next: show }
  show: { record: unmask, next: rate }
  rate:
    survey: { scale: csat, prompt: [welcome, welcome, welcome, welcome], timeout: 20s }
    next: on
  on: { transfer: { number: \"3001\", failed: hangup } }
";

#[test]
fn a_caller_whose_agent_hangs_up_says_how_it_was_and_is_sent_on() {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let mut agent = || {
        let (port, media) = (ports.take(2), ports.take(4));
        let sipp = Sipp::answering("callee_hangs_up", port, media, folder.path(), &["-m", "1", "-rtp_echo"]);
        (sipp, format!("sip:agent@127.0.0.1:{port}"))
    };
    let ((mut first, one), (mut second, two)) = (agent(), agent());
    let mut company = Company::new(&ports).agent(&one).agent(&two);
    company.flows.insert("ask", FLOW.to_owned());
    company.numbers.insert("1005", "{ flow: ask }".to_owned());
    company.numbers.insert("3001", "{ user: agent2 }".to_owned());
    let switch = Switch::start(&company);
    let mut caller = Phone::new(switch.address(), &mut ports);
    caller.media.say(Some(tones::CALLER));
    let start = Instant::now();
    let _call = caller.call("1005");
    caller.media.wait_for_tone(tones::WELCOME, start, SOON);
    first.succeed(SOON);
    // Longer than the mask goes on behind its end.
    pause(Duration::from_secs(2));
    caller.media.press("4");
    let sent = Instant::now();
    caller.media.wait_for_tone(tones::CALLER, sent, SOON);
    second.succeed(SOON);

    let cdr = switch.wait_for_cdr();
    let survey = serde_json::json!({
        "survey": "rate", "scale": "csat", "score": 4, "queue": "sales", "agent": "agent1",
    });
    assert_eq!(cdr["surveys"], serde_json::json!([survey]), "{cdr:#}");
    assert_eq!((&cdr["transfers"][0]["by"]["flow"], &cdr["agent"]), (&"ask".into(), &"agent2".into()), "{cdr:#}");
    let began = switch.wait_for_event("mask_began", 1, SOON);
    assert_eq!((&began["both"], switch.events("mask_ended").len()), (&true.into(), 1));
    let files = switch.recordings();
    assert_eq!(files.len(), 1, "{files:?}");
    let [left, right] = sound::read_wav(&files[0]).try_into().expect("stereo");
    let asked = sound::heard(&right, tones::WELCOME).expect("the question's end is recorded");
    assert!(asked.from > 2.0, "not a word of the talk: {asked:?}");
    for (side, who) in [(&left, "the caller"), (&right, "the agent, who says what he hears")] {
        let masked = &side[..sound::samples(asked.from - 0.04)];
        // What he says is not silent in G.711, but has no tone.
        assert_eq!(sound::heard(masked, tones::CALLER), None, "{who}");
        let after = &side[sound::samples(asked.from)..];
        assert!(sound::heard(after, tones::CALLER).is_some_and(|voice| voice.total > 1.0), "{who}");
    }
    switch.assert_quiet();
}
