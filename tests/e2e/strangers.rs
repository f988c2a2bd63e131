//! The strangers among themselves, without a switch: where these fail, the tools or this machine are at fault and not the switch.

use std::time::{Duration, Instant};

use tests::baresip::{Baresip, Manner};
use tests::company::tones;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::sound::{assert_heard, heard};
use tests::wait::{SOON, pause};

#[test]
fn two_baresips_hear_each_other() {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let manner = Manner { hertz: tones::AGENT, codecs: "PCMU/8000/1", answers: false };
    let mut agent = Baresip::start("agent1", manner, &mut ports, folder.path());
    let mut caller = Baresip::start("caller", Manner { hertz: tones::CALLER, ..manner }, &mut ports, folder.path());
    let address = agent.contact("agent1").rsplit_once('@').expect("user@address").1.parse().expect("an address");
    caller.dial("agent1", address);
    agent.wait_for("CALL_INCOMING", 1, SOON);
    agent.accept();
    agent.wait_for("CALL_ESTABLISHED", 1, SOON);
    pause(Duration::from_secs(3));
    caller.press('1');
    pause(Duration::from_secs(1));
    caller.hang_up();
    agent.wait_for("CALL_CLOSED", 1, SOON);
    assert_heard("the caller", &caller.heard(), tones::AGENT, 3.5);
    let at_agent = assert_heard("the agent", &agent.heard(), tones::CALLER, 3.5);
    assert_eq!(heard(&agent.heard(), tones::AGENT), None, "{at_agent:?}");
}

#[test]
fn our_phone_hears_itself_by_way_of_sipp() {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let mut agent = Sipp::answering("agent_answers", port, media, folder.path(), &["-rtp_echo", "-m", "1"]);
    let mut phone = Phone::new(([127, 0, 0, 1], port).into(), &mut ports);
    phone.media.say(Some(tones::CALLER));
    let from = Instant::now();
    let mut dialog = phone.call("agent");
    phone.media.wait_for_tone(tones::CALLER, from, SOON);
    let from = Instant::now();
    pause(Duration::from_secs(2));
    let heard = heard(&phone.media.heard_since(from), tones::CALLER).expect("an echo");
    assert!(heard.total > 1.8 && heard.gap <= 0.04, "{heard:?}");
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    agent.succeed(SOON);
}
