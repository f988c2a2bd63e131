//! An agent asks a third one by keys of his phone: who hears whom is measured, and what one call's record and recording have of it.

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::baresip::{Baresip, Manner};
use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sound::{self, heard, heard_in_mix};
use tests::talk::{Talk, talk};
use tests::wait::{SOON, pause};

const ALL: [f64; 4] = [tones::CALLER, tones::AGENT, tones::OTHER_AGENT, tones::MUSIC];

/// agent1 alone serves the queue; the second one, at `contact`, has a number.
fn with_expert(company: &mut Company, contact: String) {
    company.agents.push(("agent2".to_owned(), contact));
    company.queue.insert("agents", "[agent1]".to_owned());
    company.numbers.insert("3001", "{ user: agent2 }".to_owned());
    let keys = "{ consult: \"*2\", confer: \"*3\", return: \"*4\", transfer: \"*5\" }";
    company.calls.insert("talk_keys", keys.to_owned());
}

/// Caller and agent talk, and are recorded; the third one is a phone of our own.
struct Three {
    talk: Talk,
    third: Phone,
    _ports: Ports,
}

fn three() -> Three {
    let mut ports = Ports::slice();
    let mut third = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let talk = talk("1000", "1", |company| with_expert(company, format!("sip:agent2@{}", third.address())));
    third.set_switch(talk.switch.address());
    third.media.say(Some(tones::OTHER_AGENT));
    Three { talk, third, _ports: ports }
}

impl Three {
    /// The agent asks the third one, who takes the call. Gives his side of it.
    fn asks(&mut self) -> tests::phone::Dialog {
        let start = Instant::now();
        self.talk.agent.media.press("*23001#");
        let dialog = self.third.take_call(SOON);
        self.talk.agent.media.wait_for_tone(tones::OTHER_AGENT, start, SOON);
        dialog
    }

    /// Caller, agent and third one hear these and nobody else, for a second.
    fn hear(&self, title: &str, wanted: [&[f64]; 3]) {
        let phones = [&self.talk.caller, &self.talk.agent, &self.third];
        hears_only(title, &phones, &wanted);
    }
}

/// Each phone hears the tones that are wanted of it for all of a second, without a gap, and no other one.
fn hears_only(title: &str, phones: &[&Phone], wanted: &[&[f64]]) {
    // What was on its way when the talk changed is not counted.
    pause(Duration::from_millis(400));
    let start = Instant::now();
    pause(Duration::from_millis(1200));
    for (number, (phone, wanted)) in phones.iter().zip(wanted).enumerate() {
        let sound = phone.media.heard_since(start);
        for tone in ALL {
            let found = heard_in_mix(&sound, tone);
            if wanted.contains(&tone) {
                let all = || ALL.map(|tone| heard_in_mix(&sound, tone));
                let found = found.unwrap_or_else(|| panic!("{title}: {number} does not hear {tone}: {:?}", all()));
                assert!(found.total >= 0.9 && found.gap <= 0.04, "{title}: {number} hears {tone} for {found:?}");
            } else {
                assert_eq!(found, None, "{title}: {number} hears {tone}");
            }
        }
    }
}

fn outcomes(cdr: &Value) -> Vec<&str> {
    let consults = cdr["consults"].as_array().into_iter().flatten();
    consults.map(|asked| asked["outcome"].as_str().unwrap_or_default()).collect()
}

const NOBODY: &[f64] = &[];
const MUSIC: &[f64] = &[tones::MUSIC];
const CALLER: &[f64] = &[tones::CALLER];
const AGENT: &[f64] = &[tones::AGENT];
const THIRD: &[f64] = &[tones::OTHER_AGENT];

#[test]
fn an_agent_asks_comes_back_asks_again_all_three_talk_and_he_leaves_on_one_recording() {
    let mut s = three();
    s.asks();
    s.hear("asked", [MUSIC, THIRD, AGENT]);
    s.talk.agent.media.press("*4");
    s.third.wait_for_request("BYE", SOON);
    s.third.media.hush();
    hears_only("back", &[&s.talk.caller, &s.talk.agent], &[AGENT, CALLER]);
    let asked = s.asks();
    s.talk.agent.media.press("*3");
    let [caller, agent, third] = [tones::CALLER, tones::AGENT, tones::OTHER_AGENT];
    pause(Duration::from_millis(500));
    s.hear("all", [&[agent, third], &[caller, third], &[caller, agent]]);
    assert_eq!(s.talk.agent.bye(&mut s.talk.answer).status(), Some(200));
    s.talk.agent.media.hush();
    s.hear("handed over", [THIRD, NOBODY, CALLER]);
    assert_eq!(s.talk.caller.bye(&mut s.talk.call).status(), Some(200));
    let bye = s.third.wait_for_request("BYE", SOON);
    assert_eq!(bye.header("Call-ID"), Some(asked.call_id()));
    let cdr = s.talk.switch.wait_for_cdr();
    assert_eq!(outcomes(&cdr), ["returned", "transferred"], "{cdr:#}");
    let second = &cdr["consults"][1];
    assert!(second["conference_ms"].as_u64() >= Some(1_500), "{cdr:#}");
    assert_eq!((second["by"]["user"].as_str(), second["target"].as_str()), (Some("agent1"), Some("3001")), "{cdr:#}");
    let waited: u64 = [0, 1].iter().filter_map(|n| cdr["consults"][n]["waited_ms"].as_u64()).sum();
    assert!(waited >= 1_500 && cdr["hold_ms"].as_u64() == Some(waited), "{cdr:#}");
    assert_eq!((cdr["transfers"][0]["kind"].as_str(), cdr["agent"].as_str()), (Some("attended"), Some("agent2")));
    let recording = &cdr["recordings"][0];
    let (length, duration) = (recording["length_ms"].as_u64(), cdr["duration_ms"].as_u64());
    assert_eq!((recording["lost_ms"].as_u64(), s.talk.switch.recordings().len()), (Some(0), 1), "{cdr:#}");
    assert!(length.zip(duration).is_some_and(|(length, duration)| length + 500 > duration), "{cdr:#}");
    let [left, right] = sound::read_wav(&s.talk.switch.recordings()[0]).try_into().expect("stereo");
    assert!(heard(&left, caller).is_some_and(|voice| voice.total > 6.0));
    for (tone, seconds) in [(tones::MUSIC, 1.5), (agent, 3.0), (third, 3.0)] {
        assert!(heard_in_mix(&right, tone).is_some_and(|voice| voice.total > seconds), "{tone}");
    }
    s.talk.switch.assert_quiet();
}

#[test]
fn whoever_of_three_hangs_up_the_others_talk_on_and_the_caller_ends_it_for_all() {
    for (conference, gone) in [(false, "third"), (true, "third"), (false, "agent"), (false, "caller"), (true, "caller")]
    {
        let title = format!("{gone}, conference: {conference}");
        let mut s = three();
        let mut asked = s.asks();
        if conference {
            s.talk.agent.media.press("*3");
            s.talk.switch.wait_for_event("conference_began", 1, SOON);
            pause(Duration::from_millis(500));
        }
        let outcome = match gone {
            "third" => {
                assert_eq!(s.third.bye(&mut asked).status(), Some(200));
                // He who asked hears first that the other one is gone.
                pause(Duration::from_secs(1));
                s.hear(&title, [AGENT, CALLER, NOBODY]);
                assert_eq!(s.talk.caller.bye(&mut s.talk.call).status(), Some(200));
                s.talk.agent.wait_for_request("BYE", SOON);
                "third_left"
            }
            "agent" => {
                assert_eq!(s.talk.agent.bye(&mut s.talk.answer).status(), Some(200));
                s.hear(&title, [THIRD, NOBODY, CALLER]);
                assert_eq!(s.third.bye(&mut asked).status(), Some(200));
                s.talk.caller.wait_for_request("BYE", SOON);
                "transferred"
            }
            _ => {
                assert_eq!(s.talk.caller.bye(&mut s.talk.call).status(), Some(200));
                s.talk.agent.wait_for_request("BYE", SOON);
                s.third.wait_for_request("BYE", SOON);
                "call_over"
            }
        };
        let cdr = s.talk.switch.wait_for_cdr();
        assert_eq!(outcomes(&cdr), [outcome], "{title}: {cdr:#}");
        assert_eq!(s.talk.switch.recordings().len(), 1, "{title}");
        s.talk.switch.assert_quiet();
    }
}

#[test]
fn a_baresip_that_is_asked_hears_both_others_and_not_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let manner = Manner { hertz: tones::OTHER_AGENT, codecs: "PCMU/8000/1", answers: true };
    let third = Baresip::start("agent2", manner, &mut ports, folder.path());
    let Talk { switch, mut caller, agent, mut call, ports: _ports, .. } =
        talk("1000", "1", |company| with_expert(company, third.contact("agent2")));
    let start = Instant::now();
    agent.media.press("*23001#");
    agent.media.wait_for_tone(tones::OTHER_AGENT, start, SOON);
    pause(Duration::from_secs(1));
    agent.media.press("*3");
    let [one, two, three] = [tones::CALLER, tones::AGENT, tones::OTHER_AGENT];
    pause(Duration::from_millis(500));
    hears_only("all", &[&caller, &agent], &[&[two, three], &[one, three]]);
    assert_eq!(caller.bye(&mut call).status(), Some(200));
    third.wait_for("CALL_CLOSED", 1, SOON);
    let sound = third.heard();
    let [his, agents, own] = [one, two, three].map(|tone| heard_in_mix(&sound, tone));
    let (his, agents) = (his.expect("the caller"), agents.expect("the agent"));
    assert!(his.total > 1.5 && agents.total > 2.5 && agents.from < his.from, "{his:?} {agents:?}");
    assert!(own.as_ref().is_none_or(|own| own.total < 0.05), "{own:?}");
    assert_eq!(outcomes(&switch.wait_for_cdr()), ["call_over"]);
    switch.assert_quiet();
}

#[test]
fn a_baresip_sends_its_caller_on_by_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: true };
    let mut agent = Baresip::start("agent1", manner, &mut ports, folder.path());
    let mut third = Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports);
    let mut company = Company::new(&ports).agent(&agent.contact("agent1"));
    with_expert(&mut company, format!("sip:agent2@{}", third.address()));
    let switch = tests::switch::Switch::start(&company);
    third.set_switch(switch.address());
    third.media.say(Some(tones::OTHER_AGENT));
    let mut caller = Phone::new(switch.address(), &mut ports);
    caller.media.say(Some(tones::CALLER));
    let start = Instant::now();
    let mut call = caller.call("1003");
    caller.media.wait_for_tone(tones::AGENT, start, SOON);
    for key in "*53001#".chars() {
        agent.press(key);
        pause(Duration::from_millis(300));
    }
    third.take_call(SOON);
    agent.wait_for("CALL_CLOSED", 1, SOON);
    third.media.wait_for_tone(tones::CALLER, start, SOON);
    hears_only("sent on", &[&caller, &third], &[THIRD, CALLER]);
    assert_eq!(caller.bye(&mut call).status(), Some(200));
    third.wait_for_request("BYE", SOON);
    let cdr = switch.wait_for_cdr();
    let transfer = &cdr["transfers"][0];
    assert_eq!(
        (transfer["kind"].as_str(), transfer["by"]["user"].as_str()),
        (Some("blind"), Some("agent1")),
        "{cdr:#}"
    );
    assert_eq!((cdr["agent"].as_str(), outcomes(&cdr).len()), (Some("agent2"), 0), "{cdr:#}");
    switch.assert_quiet();
}
