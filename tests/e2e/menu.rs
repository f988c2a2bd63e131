//! What a caller hears in the menu, and what his keys do.

use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sound;
use tests::switch::Switch;
use tests::wait::{SOON, pause};

fn caller() -> (Switch, Phone) {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let phone = Phone::new(switch.address(), &mut ports);
    (switch, phone)
}

#[test]
fn wrong_keys_are_told_and_end_the_call_when_attempts_are_used_up() {
    let (switch, mut phone) = caller();
    let start = Instant::now();
    phone.call("1001");
    phone.media.wait_for_tone(tones::WELCOME, start, SOON);
    let pressed = Instant::now();
    phone.media.press("7");
    phone.media.wait_for_tone(tones::WRONG, pressed, SOON);
    // Asked again; the second wrong key is the last.
    phone.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    phone.media.press("8");
    phone.media.wait_for_tone(tones::GOODBYE, start, SOON);
    phone.wait_for_request("BYE", SOON);
    let cdr = switch.wait_for_cdr();
    assert_eq!(
        (cdr["disposition"].as_str(), cdr["hung_up_by"].as_str()),
        (Some("self_served"), Some("system")),
        "{cdr:#}"
    );
    assert_eq!(switch.events("digit").len(), 2);
    switch.assert_quiet();
}

#[test]
fn no_keys_are_told_and_end_the_call_when_attempts_are_used_up() {
    let (switch, mut phone) = caller();
    let start = Instant::now();
    phone.call("1001");
    phone.wait_for_request("BYE", Duration::from_secs(30));
    let all = phone.media.heard_since(start);
    let order = [tones::WELCOME, tones::NOTHING, tones::GOODBYE]
        .map(|hertz| sound::heard(&all, hertz).expect("each is heard").from);
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(sound::heard(&all, tones::WRONG), None);
    let welcome = sound::heard(&all, tones::WELCOME).expect("welcome").total;
    assert!((3.8..4.2).contains(&welcome), "the menu is played twice, 2 s each: {welcome}");
    assert_eq!(switch.wait_for_cdr()["hung_up_by"], "system");
    switch.assert_quiet();
}

#[test]
fn a_key_stops_the_prompt_at_once() {
    let (_switch, mut phone) = caller();
    let start = Instant::now();
    phone.call("1001");
    phone.media.wait_for_tone(tones::WELCOME, start, SOON);
    let pressed = Instant::now();
    phone.media.press("7");
    phone.media.wait_for_tone(tones::WRONG, pressed, SOON);
    // The key is on the wire within 20 ms; the prompt of 2 s would go on for more than a second.
    let rest = sound::heard(&phone.media.heard_since(pressed), tones::WELCOME).map_or(0.0, |heard| heard.to);
    assert!(rest < 0.3, "the prompt went on for {rest} s behind the key");
}

#[test]
fn keys_in_one_event_count_once_however_many_packets_it_has() {
    let (switch, mut phone) = caller();
    let start = Instant::now();
    phone.call("1001");
    phone.media.wait_for_tone(tones::WELCOME, start, SOON);
    phone.media.press("77");
    phone.wait_for_request("BYE", Duration::from_secs(30));
    assert_eq!(switch.events("digit").len(), 2, "eight packets an event, one digit each");
}

#[test]
fn a_waiting_caller_hears_music() {
    let mut ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let mut phone = Phone::new(switch.address(), &mut ports);
    let start = Instant::now();
    let mut dialog = phone.call("1003");
    phone.media.wait_for_tone(tones::MUSIC, start, SOON);
    let from = Instant::now();
    // Over the seam of the looped prompt of 2 s.
    pause(Duration::from_secs(4));
    let heard = sound::heard(&phone.media.heard_since(from), tones::MUSIC).expect("music");
    assert!(heard.total > 3.5, "{heard:?}");
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    assert_eq!(switch.wait_for_cdr()["disposition"], "abandoned");
}

#[test]
fn a_key_leads_a_waiting_caller_out_of_the_queue_while_an_agents_phone_rings() {
    let mut ports = Ports::slice();
    let mut agent = Phone::new(([127, 0, 0, 1], 9).into(), &mut ports);
    let mut company = Company::new(&ports).agent(&format!("sip:agent1@{}", agent.address()));
    let flow = "version: 1\nnodes:
  wait: { queue: { name: sales, hear: [goodbye, nothing], keys: { 5: out } }, next: hangup }
  out: { play: wrong, next: hangup }\n";
    company.flows.insert("waits", flow.to_owned());
    company.numbers.insert("1005", "{ flow: waits }".to_owned());
    let switch = Switch::start(&company);
    agent.set_switch(switch.address());
    let mut caller = Phone::new(switch.address(), &mut ports);
    let start = Instant::now();
    caller.call("1005");
    let invite = agent.wait_for("INVITE", SOON, |m| m.method() == Some("INVITE"));
    agent.respond(&invite, "180 Ringing", "", "");
    caller.media.wait_for_tone(tones::GOODBYE, start, SOON);
    caller.media.wait_for_tone(tones::NOTHING, start, SOON);
    let pressed = Instant::now();
    caller.media.press("45");
    agent.wait_for_request("CANCEL", SOON);
    agent.respond(&invite, "487 Request Terminated", "", "");
    caller.media.wait_for_tone(tones::WRONG, pressed, SOON);
    caller.wait_for_request("BYE", SOON);
    assert_eq!(sound::heard(&caller.media.heard_since(start), tones::MUSIC), None, "not the music of the queue");
    assert_eq!(switch.wait_for_cdr()["disposition"], "self_served");
    assert_eq!(switch.events("queue_left")[0]["why"], "moved_on");
    switch.assert_quiet();
}

#[test]
fn the_callers_number_and_a_flow_that_is_called_decide_what_he_hears() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    let main = "version: 1\nnodes:
  who: { when: [{ if: \"caller.number == '4711'\", next: ask }, { otherwise: stranger }] }
  ask: { call: pin, next: judge }
  judge: { when: [{ if: \"pin == '12'\", next: friend }, { otherwise: stranger }] }
  friend: { play: music, next: hangup }
  stranger: { play: wrong, next: hangup }\n";
    let pin = "version: 1\nnodes:
  ask: { collect: { prompt: welcome, into: pin, digits: 2, exhausted: hangup }, next: return }\n";
    company.flows.insert("who", main.to_owned());
    company.flows.insert("pin", pin.to_owned());
    company.numbers.insert("1005", "{ flow: who }".to_owned());
    let switch = Switch::start(&company);
    for (number, keys, heard) in
        [("4711", "12", tones::MUSIC), ("4711", "13", tones::WRONG), ("4712", "", tones::WRONG)]
    {
        let mut phone = Phone::new(switch.address(), &mut ports);
        let start = Instant::now();
        phone.call_as(number, "1005");
        if !keys.is_empty() {
            phone.media.wait_for_tone(tones::WELCOME, start, SOON);
            phone.media.press(keys);
        }
        phone.media.wait_for_tone(heard, start, SOON);
        phone.wait_for_request("BYE", SOON);
    }
    let chosen: Vec<_> = switch.events("chosen").iter().map(|event| event["case"].as_u64()).collect();
    assert_eq!(chosen, [Some(1), Some(1), Some(1), None, None]);
    switch.assert_quiet();
}
