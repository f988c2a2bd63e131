//! RFC 3261: 13.2.1 (early answers), 21.1.5 (183).

use super::*;

#[test]
fn early_media_is_heard_before_the_answer_and_the_200_repeats_the_description() {
    let mut s = scene();
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
    let mut s = scene();
    s.world.with_phone(s.ada, |phone, now| phone.call_with(now, "101", NUMBER, bytes::Bytes::new()));
    s.world.run(SECOND);
    s.world.with_phone(s.carrier, |phone, now| phone.speak_early(now));
    assert!(s.saw(s.ada, &Seen::Ringback) && !s.saw(s.ada, &Seen::Early));
    assert!(s.world.media.bridges.is_empty());
    s.hang_up(s.ada);
    s.end();
}
