//! Digits of the caller while he talks to an agent: they reach the agent's phone, in the payload type that it asked for.

use std::time::Instant;

use tests::company::{Company, tones};
use tests::phone::{Phone, media_address};
use tests::ports::Ports;
use tests::switch::Switch;
use tests::wait::{self, SOON};

#[test]
fn the_callers_digits_reach_an_agent_who_wants_another_payload_type() {
    let mut ports = Ports::slice();
    // The agent's phone is ours: it must exist before the switch, and learns of the switch by the INVITE.
    let mut agent = Phone::new(([127, 0, 0, 1], 9).into(), &mut ports);
    let switch = Switch::start(&Company::new(&ports).agent(&format!("sip:agent1@{}", agent.address())));
    agent.set_switch(switch.address());
    let mut caller = Phone::new(switch.address(), &mut ports);
    let mut dialog = caller.call("1003");
    let invite = agent.wait_for("INVITE", SOON, |m| m.method() == Some("INVITE"));
    agent.respond(&invite, "180 Ringing", "", "");
    let answer = agent.sdp().replace("101", "96");
    agent.respond(&invite, "200 OK", "", &answer);
    agent.media.send_to(media_address(&invite));
    agent.media.say(Some(tones::AGENT));
    caller.media.wait_for_tone(tones::AGENT, Instant::now(), SOON);

    caller.media.press("5#");
    let events = || {
        let packets = agent.media.received();
        let events = packets.iter().filter(|packet| packet.payload_type() == 96);
        let mut keys: Vec<_> = events.map(|packet| (packet.timestamp(), packet.payload()[0])).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().map(|(_, key)| key).collect::<Vec<_>>()
    };
    wait::until_true("both digits", SOON, || events() == [5, 11]);
    assert!(agent.media.received().iter().all(|packet| packet.payload_type() != 101), "in the caller's payload type");
    assert_eq!(caller.bye(&mut dialog).status(), Some(200));
    agent.wait_for_request("BYE", SOON);
}
