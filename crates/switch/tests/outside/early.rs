//! RFC 3261: 13.2.1 (early answers), 21.1.5 (183); RFC 3262: 3 (PRACK, and none), 5 (offers and answers).

use sim::{Manners, Reliable};

use super::*;

#[test]
fn early_media_is_heard_before_the_answer_and_the_200_repeats_the_description() {
    let mut s = scene();
    s.world.at(s.ada).set_manners(Manners { reliable: Reliable::No, ..Manners::default() });
    s.dial(s.ada, "101", NUMBER);
    s.world.with_phone(s.carrier, |phone, now| phone.speak_early(now));
    assert!(s.saw(s.ada, &Seen::Early) && !s.saw(s.ada, &Seen::Answered));
    assert_eq!(s.world.media.bridges.len(), 2, "he hears the announcement");
    s.world.run(SECOND);
    // Once more, as of another fork: nothing new for the caller.
    s.world.with_phone(s.carrier, |phone, now| phone.speak_early(now));
    s.world.with_phone(s.carrier, |phone, now| phone.answer(now));
    assert!(s.saw(s.ada, &Seen::Answered) && s.world.media.bridges.len() == 2);
    let descriptions = s.world.at(s.ada).heard.clone();
    assert!(descriptions.len() >= 2 && descriptions.iter().all(|sdp| *sdp == descriptions[0]), "{descriptions:?}");
    let kinds = |fits: fn(&Kind) -> bool| s.world.count(fits);
    assert_eq!((kinds(|k| matches!(k, Kind::EarlyMedia { .. })), kinds(|k| matches!(k, Kind::Bridged { .. }))), (1, 1));
    s.world.run(10 * SECOND);
    s.hang_up(s.ada);
    let cdr = s.end();
    assert_eq!(
        (cdr.talk_ms, cdr.outside[0].charged_ms.values().sum::<u64>()),
        (10_000, 10_000),
        "not the announcement"
    );
}

#[test]
fn an_announcement_followed_by_a_refusal_is_no_answer() {
    let mut s = scene();
    s.dial(s.ada, "101", NUMBER);
    s.world.with_phone(s.carrier, |phone, now| phone.speak_early(now));
    s.world.run(5 * SECOND);
    s.world.with_phone(s.carrier, |phone, now| phone.refuse(now, 404));
    assert!(s.saw(s.ada, &Seen::Refused(404)));
    let cdr = s.end();
    assert_eq!((cdr.disposition, cdr.talk_ms, cdr.answered), (Disposition::Refused, 0, None));
    assert!(s.world.media.bridges.is_empty() && s.world.media.open.is_empty());
}

#[test]
fn who_is_answered_hears_early_media_in_place_of_our_ringing() {
    let mut s = scene();
    s.dial(s.caller, "4930123", "1001");
    s.world.with_phone(s.carrier, |phone, now| phone.ring(now));
    assert_eq!(s.world.media.plays.len(), 1);
    s.world.with_phone(s.carrier, |phone, now| phone.speak_early(now));
    assert!(s.world.media.plays.is_empty() && s.world.media.bridges.len() == 2);
    s.world.with_phone(s.carrier, |phone, now| phone.ring(now));
    assert!(s.world.media.plays.is_empty(), "what the network says goes on");
    s.world.with_phone(s.carrier, |phone, now| phone.refuse(now, 486));
    s.world.run(SECOND);
    assert!(s.world.media.bridges.is_empty() && s.world.media.plays.len() == 1, "the flow goes on");
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_caller_without_an_offer_is_told_that_it_rings() {
    let mut s = offerless(Reliable::No);
    s.world.with_phone(s.carrier, |phone, now| phone.speak_early(now));
    assert!(s.saw(s.ada, &Seen::Ringback) && !s.saw(s.ada, &Seen::Early));
    assert!(s.world.media.bridges.is_empty());
    s.hang_up(s.ada);
    s.end();
}

/// Ada, whose phone is of this make, calls out and leaves the offer to us.
fn offerless(reliable: Reliable) -> Scene {
    let mut s = scene();
    s.world.at(s.ada).set_manners(Manners { reliable, ..Manners::default() });
    s.world.with_phone(s.ada, |phone, now| phone.call_with(now, "101", NUMBER, bytes::Bytes::new()));
    s.world.run(SECOND);
    s
}

/// What breaks no law, ends.
fn ends_well(s: &mut Scene) -> journal::Cdr {
    let breaches = s.world.breaches();
    assert!(breaches.is_empty(), "{breaches:?}");
    s.end()
}

#[test]
fn a_reliable_description_is_sent_once_and_the_200_has_none() {
    for reliable in [Reliable::Supported, Reliable::Required] {
        let mut s = scene();
        s.world.at(s.ada).set_manners(Manners { reliable, ..Manners::default() });
        s.dial(s.ada, "101", NUMBER);
        s.world.with_phone(s.carrier, |phone, now| phone.ring(now));
        s.world.with_phone(s.carrier, |phone, now| phone.speak_early(now));
        s.world.with_phone(s.carrier, |phone, now| phone.answer(now));
        assert!(s.saw(s.ada, &Seen::Ringback) && s.saw(s.ada, &Seen::Early) && s.saw(s.ada, &Seen::Answered));
        assert_eq!((s.world.at(s.ada).heard.len(), s.world.at(s.carrier).heard.len()), (1, 0));
        assert_eq!(s.world.media.bridges.len(), 2);
        s.hang_up(s.ada);
        ends_well(&mut s);
    }
}

#[test]
fn a_caller_without_an_offer_hears_early_media_if_he_can_answer_ours_in_a_prack() {
    for reliable in [Reliable::Supported, Reliable::Required] {
        let mut s = offerless(reliable);
        s.world.with_phone(s.carrier, |phone, now| phone.ring(now));
        let offered = s.saw(s.ada, &Seen::Early);
        assert_eq!(offered, reliable == Reliable::Required, "who takes nothing else gets our offer with the 180");
        assert!(s.world.media.bridges.is_empty());
        s.world.with_phone(s.carrier, |phone, now| phone.speak_early(now));
        assert!(s.saw(s.ada, &Seen::Early) && s.world.media.bridges.len() == 2);
        s.world.with_phone(s.carrier, |phone, now| phone.answer(now));
        assert!(s.saw(s.ada, &Seen::Answered));
        assert_eq!(s.world.at(s.ada).heard.len(), 1, "one offer, one answer");
        s.world.run(5 * SECOND);
        s.hang_up(s.carrier);
        let cdr = ends_well(&mut s);
        assert_eq!((cdr.disposition, cdr.talk_ms), (Disposition::Answered, 5_000));
    }
}

#[test]
fn a_caller_who_never_acknowledges_is_given_up_and_so_is_whom_he_called() {
    let mut config = with_carrier();
    config.limits.ring_time = MINUTE;
    let mut s = Scene::of(config);
    s.dial(s.ada, "101", NUMBER);
    s.world.cut_off(s.ada, true);
    s.world.with_phone(s.carrier, |phone, now| phone.speak_early(now));
    s.world.run(31 * SECOND);
    assert_eq!(s.world.switch.live_calls(), 1);
    s.world.run(2 * SECOND);
    assert!(s.saw(s.carrier, &Seen::Cancelled));
    s.world.cut_off(s.ada, false);
    s.hang_up(s.ada);
    let cdr = s.end();
    assert_eq!((&*cdr.cause, cdr.hung_up_by, cdr.answered), ("no_prack", Some(Party::System), None));
}

#[test]
fn both_sides_change_a_call_by_update_before_it_is_answered() {
    let mut s = scene();
    let (ada, carrier) = (s.ada, s.carrier);
    s.dial(ada, "101", NUMBER);
    let update = |s: &mut Scene, who, direction| s.world.with_phone(who, |phone, now| phone.update(now, direction));
    assert!(!update(&mut s, ada, "sendonly") && !update(&mut s, carrier, "sendonly"), "nothing is agreed yet");
    s.world.with_phone(s.carrier, |phone, now| phone.speak_early(now));
    let leg = s.world.caller_leg();
    assert!(update(&mut s, ada, "inactive"));
    assert!(s.saw(s.ada, &Seen::Changed("inactive".to_owned())));
    assert_eq!(s.world.media.directions[&leg], sdp::Direction::Inactive);
    let callee = s.world.media.bridges[&leg];
    assert!(update(&mut s, carrier, "sendonly"));
    assert!(s.saw(s.carrier, &Seen::Changed("recvonly".to_owned())));
    assert_eq!(s.world.media.directions[&callee], sdp::Direction::RecvOnly);
    s.world.with_phone(s.carrier, |phone, now| phone.answer(now));
    assert!(s.saw(s.ada, &Seen::Answered));
    let directions = &s.world.media.directions;
    assert_eq!(
        (directions[&leg], directions[&callee]),
        (sdp::Direction::Inactive, sdp::Direction::RecvOnly),
        "they stay"
    );
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::Held { .. })), 2);
    assert!(update(&mut s, ada, "sendrecv") && update(&mut s, carrier, "sendrecv"));
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::Resumed { .. })), 2);
    s.hang_up(s.ada);
    ends_well(&mut s);
}
