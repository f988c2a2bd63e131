//! Keys of strangers lead through a menu, by each means, and cut its prompt short within 40 ms: of what the switch sends behind
//! the first packet of a key, at most two frames of 20 ms are of the prompt.
//!
//! That is counted on the wire, in the order in which the kernel saw the datagrams, so that it does not matter how late this
//! process or the stranger gets to run. A machine that pauses in mid-key costs that key, not the test: most keys must do.

use std::ops::RangeInclusive;
use std::time::Duration;

use tests::baresip::{Baresip, Manner};
use tests::company::{Company, tones};
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::sound;
use tests::switch::Switch;
use tests::tap::{Datagram, Tap};
use tests::wait::{SOON, pause};

/// Asks with a prompt of 2 s; 1 and 2 are answered by one of 0.6 s, and it asks again.
const FLOW: &str = "version: 1
nodes:
  ask: { menu: { prompt: welcome, keys: { 1: one, 2: two, '#': hangup }, exhausted: hangup } }
  one: { play: { prompt: wrong, barge_in: false }, next: ask }
  two: { play: { prompt: wrong, barge_in: false }, next: ask }
";

/// A key each so many milliseconds; SIPp's events begin some 400 ms later. Both fall into the midst of the prompt, be it the
/// first or one behind an answer.
const BETWEEN: u64 = 1200;

/// The payload types of events: SIPp's and baresip's. SIPp sends others, too, before each key.
const EVENTS: [u8; 2] = [96, 101];

/// 20 ms each.
const MOST: usize = 2;

struct Scene {
    ports: Ports,
    media: RangeInclusive<u16>,
    switch: Switch,
    tap: Tap,
}

fn scene() -> Scene {
    let ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.flows.insert("ask", FLOW.to_owned());
    company.numbers.insert("1005", "{ flow: ask }".to_owned());
    let switch = Switch::start(&company);
    let (first, last) = company.media["ports"].split_once('-').expect("a range");
    let media = first.parse().expect("a port")..=last.parse().expect("a port");
    let filter = format!("udp portrange {first}-{last} or udp port {}", switch.address().port());
    let tap = Tap::start(&filter, switch.folder());
    Scene { ports, media, switch, tap }
}

impl Scene {
    /// SIPp calls and presses keys.
    fn sipp(&mut self, scenario: &str) {
        let (port, media) = (self.ports.take(2), self.ports.take(6));
        let wait = BETWEEN.to_string();
        let options = ["-m", "1", "-d", &wait];
        Sipp::calling(scenario, "1005", self.switch.address(), port, media, self.switch.folder(), &options)
            .succeed(Duration::from_secs(60));
    }

    /// The nodes that the caller came to, after all is over, and how many frames of the prompt were sent behind each key.
    fn outcome(self) -> (Vec<String>, Vec<usize>) {
        self.switch.wait_for_cdr();
        self.switch.assert_quiet();
        let entered = self.switch.events("node_entered");
        let nodes = entered.iter().filter_map(|event| Some(event["node"].as_str()?.to_owned())).collect();
        let wire = self.tap.stop();
        let keys = keys(&wire, &self.media, self.switch.address().port());
        let rests = keys.iter().filter_map(|key| rest(&wire, *key, &self.media)).collect();
        (nodes, rests)
    }
}

/// Where on the wire each key is told first: by the first packet of an event, or by an INFO.
fn keys(wire: &[Datagram], media: &RangeInclusive<u16>, signalling: u16) -> Vec<usize> {
    let mut known = Vec::new();
    let mut keys = Vec::new();
    for (at, datagram) in wire.iter().enumerate() {
        let name = if media.contains(&datagram.to) && datagram.payload_type().is_some_and(|kind| EVENTS.contains(&kind))
        {
            datagram.event().to_vec()
        } else if datagram.to == signalling && datagram.octets.starts_with(b"INFO ") {
            let text = String::from_utf8_lossy(&datagram.octets);
            let cseq = text.lines().find(|line| line.starts_with("CSeq")).expect("a CSeq");
            cseq.as_bytes().to_vec()
        } else {
            continue;
        };
        if !known.contains(&name) {
            known.push(name);
            keys.push(at);
        }
    }
    keys
}

/// How many frames of the prompt the switch sends behind the datagram `at`; `None` if it sent none right before.
fn rest(wire: &[Datagram], at: usize, media: &RangeInclusive<u16>) -> Option<usize> {
    let is_sound = |datagram: &&Datagram| media.contains(&datagram.from) && datagram.payload_type() == Some(0);
    let is_prompt = |datagram: &Datagram| sound::heard(&datagram.sound(), tones::WELCOME).is_some();
    let before = wire[..at].iter().rfind(is_sound).is_some_and(is_prompt);
    before.then(|| wire[at..].iter().filter(is_sound).take_while(|datagram| is_prompt(datagram)).count())
}

/// All keys came in mid-prompt, and most of them cut it in time.
fn assert_cut(rests: &[usize], keys: usize) {
    println!("frames of the prompt behind each key: {rests:?}");
    assert!(rests.len() * 2 > keys, "only so many of {keys} keys came in mid-prompt: {rests:?}");
    let good = rests.iter().filter(|rest| **rest <= MOST).count();
    assert!(good * 2 > rests.len(), "frames of the prompt behind each key: {rests:?}");
}

#[test]
fn keys_by_rfc_4733_cut_the_prompt_within_40_ms() {
    let mut scene = scene();
    scene.sipp("caller_interrupts");
    let (nodes, rests) = scene.outcome();
    assert_eq!(nodes, [&["ask", "one"].repeat(7)[..], &["ask"]].concat());
    assert_cut(&rests, 8);
}

#[test]
fn keys_by_info_of_both_kinds_cut_the_prompt_within_40_ms() {
    let mut scene = scene();
    scene.sipp("caller_interrupts_by_info");
    let (nodes, rests) = scene.outcome();
    assert_eq!(nodes, [&["ask", "one", "ask", "two"].repeat(4)[..], &["ask"]].concat());
    assert_cut(&rests, 9);
}

#[test]
fn keys_of_baresip_cut_the_prompt_within_40_ms() {
    let mut scene = scene();
    let manner = Manner { hertz: tones::CALLER, codecs: "PCMU/8000/1", answers: false };
    let mut caller = Baresip::start("caller", manner, &mut scene.ports, scene.switch.folder());
    caller.dial("1005", scene.switch.address());
    caller.wait_for("CALL_ESTABLISHED", 1, SOON);
    for key in "1212121#".chars() {
        pause(Duration::from_millis(BETWEEN));
        caller.press(key);
    }
    caller.wait_for("CALL_CLOSED", 1, SOON);
    let (nodes, rests) = scene.outcome();
    assert_eq!(nodes, [&["ask", "one", "ask", "two"].repeat(3)[..], &["ask", "one", "ask"]].concat());
    assert_cut(&rests, 8);
}
