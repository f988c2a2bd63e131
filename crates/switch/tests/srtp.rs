//! SRTP by offer and answer, as calls go: policies of users, trunks and listeners; keys that stay over hold and those that
//! change; what is refused. What media makes of the keys is tested in `leg` and end to end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not know for such"
)]

mod common;

use base::LegId;
use common::Scene;
use journal::Kind;
use sdp::Srtp;
use sim::{Seen, company};
use switch::{Config, SrtpPolicy};

const KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
const OTHER: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

fn scene(change: impl FnOnce(&mut Config)) -> Scene {
    let mut config = company();
    change(&mut config);
    Scene::of(config)
}

/// A phone's description with a key.
fn secure(plain: &str, key: &str) -> String {
    let plain = plain.replace("RTP/AVP", "RTP/SAVP");
    format!("{plain}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n")
}

fn call_secure(s: &mut Scene, number: &str, key: &str) {
    s.world.with_phone(s.caller, |phone, now| {
        let body = secure(&phone.sdp("PCMU/8000", 0, "sendrecv"), key);
        phone.call_with(now, "4930123", number, body.into());
    });
    s.world.run(common::SECOND);
}

fn protection(s: &Scene, leg: LegId) -> Option<Srtp> {
    s.world.media.protections.get(&leg).copied()
}

/// The key that a description tells, and its profile.
fn told(body: &[u8]) -> (String, String) {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let media = text.lines().find(|line| line.starts_with("m=audio")).unwrap().to_owned();
    let key = text.lines().find_map(|line| line.split_once("inline:")).map(|(_, key)| key.to_owned());
    (key.unwrap_or_default(), media.split(' ').nth(2).unwrap().to_owned())
}

#[test]
fn a_caller_who_encrypts_is_answered_so_and_his_agent_is_not_asked_to() {
    let mut s = scene(|_| {});
    call_secure(&mut s, "101", KEY);
    let invited = s.world.at(s.ada).invited.clone().unwrap();
    assert_eq!(told(&invited.body), (String::new(), "RTP/AVP".to_owned()), "the policy `allowed` offers none over UDP");
    s.answer(s.ada);
    let leg = s.world.caller_leg();
    let srtp = protection(&s, leg).unwrap();
    assert_eq!(srtp.remote.reveal(), b"=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ");
    let (key, profile) = told(s.world.at(s.caller).heard.last().unwrap());
    assert_eq!((key.len(), &*profile), (40, "RTP/SAVP"));
    assert_eq!(s.world.media.protections.len(), 1, "one leg of two");
    // What the journal keeps tells the suite, and no key of either side.
    s.hang_up(s.caller);
    s.world.run(common::SECOND);
    let stats = s.world.journal.iter().filter_map(|event| match &event.kind {
        Kind::MediaStats(stats) => Some(stats.srtp.as_deref().map(str::to_owned)),
        _ => None,
    });
    let mut suites: Vec<_> = stats.collect();
    suites.sort();
    assert_eq!(suites, [None, Some("AES_CM_128_HMAC_SHA1_80".to_owned())]);
    let text = format!("{:?} {}", s.world.journal, serde_json::to_string(&s.world.journal).unwrap());
    assert!(!text.contains(KEY) && !text.contains(&key) && !text.contains("inline"));
    s.end();
}

#[test]
fn over_hold_and_resume_keys_stay_and_a_new_one_begins_anew() {
    let mut s = scene(|_| {});
    call_secure(&mut s, "101", KEY);
    s.answer(s.ada);
    let leg = s.world.caller_leg();
    let first = protection(&s, leg).unwrap();
    for (direction, key) in [("sendonly", KEY), ("sendrecv", KEY), ("sendrecv", OTHER)] {
        s.world.with_phone(s.caller, |phone, now| {
            let body = secure(&phone.sdp("PCMU/8000", 0, direction), key);
            assert!(phone.change_with(now, body.into()));
        });
        s.world.run(common::SECOND);
        let now = protection(&s, leg).unwrap();
        assert_eq!(now.local, first.local, "{direction}");
        assert_eq!(now.remote == first.remote, key == KEY, "{direction}");
    }
    // In clear from now on, as the policy allows it, and encrypted again: by another key of ours.
    s.world.with_phone(s.caller, |phone, now| assert!(phone.change(now, "sendrecv")));
    s.world.run(common::SECOND);
    assert_eq!(protection(&s, leg), None);
    s.world.with_phone(s.caller, |phone, now| {
        let body = secure(&phone.sdp("PCMU/8000", 0, "sendrecv"), KEY);
        assert!(phone.change_with(now, body.into()));
    });
    s.world.run(common::SECOND);
    assert_ne!(protection(&s, leg).unwrap().local, first.local, "no key counts its packets from the beginning twice");
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_user_who_must_encrypt_is_offered_nothing_else() {
    let required = |config: &mut Config| {
        config.users.get_mut("101").unwrap().srtp = Some(SrtpPolicy::Required);
    };
    let mut s = scene(required);
    s.call("101");
    let invited = s.world.at(s.ada).invited.clone().unwrap();
    let (key, profile) = told(&invited.body);
    assert_eq!((key.is_empty(), &*profile), (false, "RTP/SAVP"));
    s.world.with_phone(s.ada, |phone, now| {
        let body = secure(&phone.sdp("PCMU/8000", 0, "sendrecv"), KEY).replace("crypto:1", "crypto:3");
        phone.answer_with(now, body.into());
    });
    s.world.run(common::SECOND);
    assert!(s.saw(s.caller, &Seen::Answered));
    assert_eq!(s.world.media.protections.len(), 1, "the caller's own leg is plain");
    s.hang_up(s.caller);
    s.end();

    // Who answers in clear is hung up on.
    let mut s = scene(required);
    s.call("101");
    s.answer(s.ada);
    assert!(!s.saw(s.caller, &Seen::Answered));
    assert!(s.saw(s.ada, &Seen::Ended));
    s.end();
}

#[test]
fn policies_refuse_what_they_do_not_allow() {
    let trunk = |policy| scene(move |config| config.trunks[0].srtp = Some(policy));
    let mut s = trunk(SrtpPolicy::Required);
    s.call("1000");
    assert!(s.saw(s.caller, &Seen::Refused(488)));
    s.end();
    let mut s = trunk(SrtpPolicy::Never);
    call_secure(&mut s, "1000", KEY);
    assert!(s.saw(s.caller, &Seen::Refused(488)));
    s.end();
    // A trunk's own word counts more than the listener's, and that more than what holds for all.
    let mut s = scene(|config| {
        config.srtp = SrtpPolicy::Required;
        config.listener_srtp.insert(0, SrtpPolicy::Never);
        config.trunks[0].srtp = Some(SrtpPolicy::Allowed);
    });
    s.call("1000");
    assert!(s.saw(s.caller, &Seen::Answered));
    s.hang_up(s.caller);
    s.end();
    let mut s = scene(|config| {
        config.srtp = SrtpPolicy::Required;
        config.listener_srtp.insert(0, SrtpPolicy::Never);
    });
    s.call("1000");
    assert!(s.saw(s.caller, &Seen::Answered));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn who_leaves_the_offer_to_us_is_offered_what_his_trunk_asks_for() {
    let mut s = scene(|config| config.trunks[0].srtp = Some(SrtpPolicy::Required));
    s.world.with_phone(s.caller, |phone, now| phone.call_with(now, "4930123", "1000", bytes::Bytes::new()));
    s.world.run(common::SECOND);
    let (key, profile) = told(s.world.at(s.caller).heard.last().unwrap());
    assert_eq!((key.is_empty(), &*profile), (false, "RTP/SAVP"));
    // His phone answers in clear.
    assert!(s.saw(s.caller, &Seen::Ended));
    s.end();
}

#[test]
fn a_change_to_clear_is_refused_where_encryption_is_required_and_the_call_goes_on() {
    let mut s = scene(|config| config.trunks[0].srtp = Some(SrtpPolicy::Required));
    call_secure(&mut s, "101", KEY);
    s.answer(s.ada);
    let leg = s.world.caller_leg();
    s.world.with_phone(s.caller, |phone, now| assert!(phone.change(now, "sendrecv")));
    s.world.run(common::SECOND);
    assert!(s.saw(s.caller, &Seen::NotChanged(488)));
    assert!(protection(&s, leg).is_some());
    s.hang_up(s.caller);
    s.end();
}
