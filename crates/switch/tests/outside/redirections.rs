//! RFC 3261: 8.1.3.4 (3xx).

use journal::OfferEnded;

use super::*;

#[test]
fn a_users_phone_sends_calls_on_to_another_user() {
    let mut s = scene();
    s.dial(s.caller, "4930123", "101");
    assert!(matches!(s.agent("101"), Some(acd::AgentState::Reserved(_))));
    s.world.with_phone(s.ada, |phone, now| phone.redirect(now, "sip:102@127.0.0.1"));
    assert!(s.saw(s.alan, &Seen::Rings));
    assert_eq!(s.agent("101"), Some(acd::AgentState::Idle));
    assert!(matches!(s.agent("102"), Some(acd::AgentState::Reserved(_))));
    s.world.with_phone(s.alan, |phone, now| phone.answer(now));
    s.hang_up(s.caller);
    assert_eq!((s.end().agent.as_deref(), s.agent("102")), (Some("102"), Some(acd::AgentState::Idle)));
}

#[test]
fn a_users_phone_sends_calls_outside_by_its_users_grant_alone() {
    for (user, phone_of, goes) in [("101", "127.0.0.1:5071", true), ("102", "127.0.0.1:5072", false)] {
        let mut s = scene();
        s.dial(s.caller, "4930123", user);
        let phone: SocketAddr = phone_of.parse().unwrap();
        s.world.with_phone(phone, |phone, now| phone.redirect(now, "sip:+4930999@evil.example"));
        s.world.run(SECOND);
        assert_eq!(s.saw(s.carrier, &Seen::Rings), goes, "{user}");
        assert_eq!(s.saw(s.caller, &Seen::Refused(603)), !goes, "{user}");
        s.hang_up(s.caller);
        let cdr = s.end();
        let asked: Vec<_> = cdr.outside.iter().map(|leg| leg.call.asked_by.clone()).collect();
        assert_eq!(asked, if goes { vec![Asker::User(user.into())] } else { vec![] });
    }
}

#[test]
fn phones_that_send_calls_round_in_a_circle_have_declined() {
    let mut s = scene();
    s.dial(s.caller, "4930123", "101");
    s.world.with_phone(s.ada, |phone, now| phone.redirect(now, "sip:102@127.0.0.1"));
    s.world.with_phone(s.alan, |phone, now| phone.redirect(now, "sip:101@127.0.0.1"));
    assert!(s.saw(s.caller, &Seen::Refused(603)), "{:?}", s.world.at(s.caller).seen);
    s.end();
    assert_eq!((s.agent("101"), s.agent("102")), (Some(acd::AgentState::Idle), Some(acd::AgentState::Idle)));
}

#[test]
fn redirections_ring_no_longer_than_the_call_may_ring() {
    let mut s = scene();
    s.dial(s.caller, "4930123", "101");
    s.world.run(25 * SECOND);
    s.world.with_phone(s.ada, |phone, now| phone.redirect(now, "sip:102@127.0.0.1"));
    s.world.run(5 * SECOND);
    assert!(s.saw(s.caller, &Seen::Refused(480)), "{:?}", s.world.at(s.caller).seen);
    s.end();
}

#[test]
fn a_redirection_for_help_a_flow_or_nobody_is_declined() {
    for target in ["sip:112@127.0.0.1", "sip:1000@127.0.0.1", "sip:201@127.0.0.1", "sip:127.0.0.1", "tel:+15551234"] {
        let mut s = scene();
        s.dial(s.caller, "4930123", "101");
        s.world.with_phone(s.ada, |phone, now| phone.redirect(now, target));
        assert!(s.saw(s.caller, &Seen::Refused(603)), "{target}: {:?}", s.world.at(s.caller).seen);
        assert_eq!(s.left(), 0, "{target}");
        s.end();
    }
}

#[test]
fn a_trunks_redirection_goes_where_the_same_grants_allow_and_nowhere_else() {
    for (target, goes) in
        [("sip:+4930777@127.0.0.9", true), ("sip:+1212@127.0.0.3", false), ("sip:102@127.0.0.1", false)]
    {
        let mut s = scene();
        s.dial(s.ada, "101", NUMBER);
        s.world.with_phone(s.carrier, |phone, now| phone.redirect(now, target));
        s.world.run(SECOND);
        let again = s.world.at(s.carrier).display.clone().unwrap().1;
        assert_eq!(again == "+4930777", goes, "{target}: {again}");
        assert_eq!(s.saw(s.ada, &Seen::Refused(603)), !goes, "{target}: {:?}", s.world.at(s.ada).seen);
        assert!(!s.saw(s.alan, &Seen::Rings));
        s.hang_up(s.ada);
        s.end();
    }
}

#[test]
fn an_agent_who_sends_a_queues_call_elsewhere_has_declined_it() {
    let mut s = scene();
    s.dial(s.caller, "4930123", "201");
    s.world.with_phone(s.ada, |phone, now| phone.redirect(now, "sip:+4930999@127.0.0.1"));
    s.world.run(SECOND);
    let declined = |k: &Kind| matches!(k, Kind::OfferEnded(OfferEnded { outcome: OfferOutcome::Declined, .. }));
    assert_eq!((s.world.count(declined), s.left()), (1, 0));
    assert!(s.saw(s.alan, &Seen::Rings), "the next agent is rung");
}
