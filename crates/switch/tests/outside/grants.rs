//! Grants and their limits, the number that is shown, what a trunk refuses (RFC 3323 4.1.1.3: anonymous).

use super::*;

#[test]
fn a_user_calls_out_by_his_grant_and_the_record_says_so() {
    let mut s = scene();
    s.dial(s.ada, "101", NUMBER);
    assert_eq!(s.world.at(s.carrier).display, Some(("+4930555".into(), NUMBER.into())));
    s.world.with_phone(s.carrier, |phone, now| phone.ring(now));
    assert!(s.saw(s.ada, &Seen::Ringback) && !s.saw(s.ada, &Seen::Answered));
    let Place::DiallingOut { number, trunk } = s.place() else { panic!("{:?}", s.place()) };
    assert_eq!((&**number.reveal(), &*trunk), (NUMBER, "carrier"));
    s.world.with_phone(s.carrier, |phone, now| phone.answer(now));
    s.world.run(90 * SECOND);
    assert!(s.saw(s.ada, &Seen::Answered) && s.world.media.bridges.len() == 2);
    assert!(matches!(s.place(), Place::TalkingOut { .. }));
    s.world.with_phone(s.carrier, |phone, now| phone.hang_up(now));
    let cdr = s.end();
    assert_eq!((cdr.direction, cdr.origin), (journal::Direction::Outbound, Origin::User("101".into())));
    assert_eq!((cdr.disposition, cdr.hung_up_by), (Disposition::Answered, Some(Party::Agent)));
    let [leg] = &*cdr.outside else { panic!("{:?}", cdr.outside) };
    assert_eq!((&*leg.call.trunk, leg.call.grant.as_deref()), ("carrier", Some("germany")));
    assert_eq!((&leg.call.asked_by, &**leg.call.number.reveal()), (&user("101"), NUMBER));
    assert_eq!(leg.charged_ms, [(Day::of(cdr.ended), 90_000)].into());
}

#[test]
fn without_a_grant_no_leg_leaves() {
    let mut no_grants = with_carrier();
    no_grants.grants.clear();
    let cases = [
        // Another user; the user who may, but not there; who says he is the user, but is known by his address alone.
        (with_carrier(), "127.0.0.1:5072", "102", NUMBER),
        (with_carrier(), "127.0.0.1:5071", "101", "+1212555"),
        (with_carrier(), "127.0.0.1:5071", "101", "+49x"),
        (with_carrier(), "127.0.0.2:5090", "101", NUMBER),
        (with_carrier(), "127.0.0.2:5090", "4930123", "112"),
        (no_grants, "127.0.0.1:5071", "101", NUMBER),
    ];
    for (config, who, me, number) in cases {
        let mut s = Scene::of(config);
        let who: SocketAddr = who.parse().unwrap();
        s.dial(who, me, number);
        assert!(s.saw(who, &Seen::Refused(404)), "{me} {number}: {:?}", s.world.at(who).seen);
        assert_eq!(s.left(), 0);
        s.end();
    }
}

#[test]
fn a_user_who_registers_has_his_grants_by_his_password_alone() {
    let mut config = with_carrier();
    config.users.insert("101".into(), switch::User::at(switch::Place::Registered));
    config.secrets.insert("101".into(), sip::digest::Secret::of("101", "strowger", "secret"));
    config.realm = "strowger".into();
    config.algorithms = vec![sip::digest::Algorithm::Sha256];
    let mut s = Scene::of(config);
    for who in [s.ada, s.caller] {
        s.dial(who, "101", NUMBER);
        assert!(s.saw(who, &Seen::Refused(401)), "{:?}", s.world.at(who).seen);
    }
    assert_eq!(s.left(), 0);
}

#[test]
fn the_longest_prefix_decides_though_a_shorter_one_has_room() {
    let mut s = scene();
    s.dial(s.ada, "101", "+491711");
    assert_eq!(s.left(), 1);
    let other = s.world.phone("127.0.0.1:5079");
    s.dial(other, "101", "+491712");
    assert!(s.saw(other, &Seen::Refused(503)), "{:?}", s.world.at(other).seen);
    assert_eq!((s.left(), s.refusals()), (1, vec![NoWayOut::AtOnce]));
    s.dial(other, "101", NUMBER);
    assert_eq!(s.left(), 2, "another grant has its own room");
}

#[test]
fn a_call_that_is_over_makes_room_for_the_next() {
    let mut s = scene();
    for _ in 0..3 {
        s.dial(s.ada, "101", "+491711");
        s.hang_up(s.ada);
        assert!(s.saw(s.carrier, &Seen::Cancelled));
    }
    assert_eq!((s.left(), s.refusals()), (3, vec![]));
}

#[test]
fn a_call_is_hung_up_when_the_minutes_of_its_day_are_used_up() {
    let mut s = scene();
    s.talk();
    s.world.run(9 * MINUTE + 50 * SECOND);
    assert!(!s.saw(s.ada, &Seen::Ended));
    s.world.run(10 * SECOND);
    assert!(s.saw(s.ada, &Seen::Ended) && s.saw(s.carrier, &Seen::Ended));
    s.dial(s.ada, "101", NUMBER);
    assert!(s.saw(s.ada, &Seen::Refused(403)));
    assert_eq!(s.refusals(), [NoWayOut::Minutes]);
    s.world.run(QUIET);
    let [first, second] = &*s.world.cdrs else { panic!("{:#?}", s.world.cdrs) };
    assert_eq!((&*first.cause, first.hung_up_by), ("minutes_used_up", Some(Party::System)));
    assert_eq!(first.outside[0].charged_ms.values().sum::<u64>(), 600_000);
    assert_eq!((&*second.cause, second.outside.len()), ("refused_403", 0));
    // The next day has its own.
    s.world.run(Duration::from_secs(24 * 3600));
    s.talk();
    assert_eq!(s.left(), 2);
}

#[test]
fn minutes_used_before_a_start_count_be_it_in_a_call_that_it_cut() {
    for cut in [false, true] {
        let mut s = scene();
        s.talk();
        s.world.run(9 * MINUTE - SECOND);
        if cut {
            // The journal's last word on the call.
            s.world.with_phone(s.ada, |phone, now| phone.change(now, "sendonly"));
        } else {
            s.hang_up(s.ada);
        }
        s.world.restart();
        s.hang_up(s.ada);
        s.hang_up(s.carrier);
        s.world.run(QUIET);
        s.world.at(s.ada).seen.clear();
        s.talk();
        s.world.run(58 * SECOND);
        assert!(!s.saw(s.ada, &Seen::Ended), "cut: {cut}");
        s.world.run(2 * SECOND);
        assert!(s.saw(s.ada, &Seen::Ended), "cut: {cut}");
    }
}

#[test]
fn a_flow_calls_out_by_its_own_grant_and_goes_on_afterwards() {
    let mut s = scene();
    s.dial(s.caller, "4930123", "1001");
    assert_eq!(s.world.at(s.carrier).display, Some(("+4930555".into(), NUMBER.into())));
    s.world.with_phone(s.carrier, |phone, now| phone.ring(now));
    assert_eq!(s.world.media.plays.len(), 1, "he is answered, so the ringing is ours");
    s.world.with_phone(s.carrier, |phone, now| phone.answer(now));
    assert!(s.world.media.plays.is_empty() && s.world.media.bridges.len() == 2);
    s.hang_up(s.carrier);
    let node = s.world.last(|kind| if let Kind::NodeEntered { node, .. } = kind { Some(node.clone()) } else { None });
    assert_eq!(&*node, "after");
    s.hang_up(s.caller);
    let cdr = s.end();
    assert_eq!(
        (cdr.direction, &cdr.outside[0].call.asked_by),
        (journal::Direction::Inbound, &Asker::Flow("out".into()))
    );
}

#[test]
fn a_flow_without_a_grant_goes_its_way_for_failures() {
    let mut config = with_carrier();
    config.grants.clear();
    let mut s = Scene::of(config);
    s.dial(s.caller, "4930123", "1001");
    let node = s.world.last(|kind| if let Kind::NodeEntered { node, .. } = kind { Some(node.clone()) } else { None });
    assert_eq!((&*node, s.left(), s.refusals()), ("failed", 0, vec![NoWayOut::NoGrant]));
}

#[test]
fn a_trunk_passes_calls_on_by_a_grant_of_its_own() {
    let mut config = with_carrier();
    config.grants.extend([grant("transit", &[Asker::Trunk("local".into())], &["+43"], 1, 10)]);
    let mut s = Scene::of(config);
    s.dial(s.caller, "101", "+431234");
    assert_eq!(s.left(), 1);
    s.hang_up(s.caller);
    assert_eq!(s.end().outside[0].call.asked_by, Asker::Trunk("local".into()));
}

#[test]
fn the_number_shown_is_the_trunks_the_users_own_or_the_callers() {
    let shown = |caller_id: CallerId, own: Option<&str>, who: &str, me: &str, number: &str| {
        let mut config = with_carrier();
        config.trunks.iter_mut().find(|trunk| &*trunk.name == "carrier").unwrap().caller_id = caller_id;
        config.users.get_mut("101").unwrap().caller_id = own.map(Into::into);
        let mut s = Scene::of(config);
        s.dial(who.parse().unwrap(), me, number);
        s.world.at(s.carrier).display.clone().unwrap().0
    };
    let (ada, stranger) = ("127.0.0.1:5071", "127.0.0.2:5090");
    let number = || CallerId::Number("+4930555".into());
    assert_eq!(shown(number(), None, stranger, "666", "1001"), "+4930555");
    assert_eq!(shown(number(), Some("+4930101"), ada, "101", NUMBER), "+4930101");
    assert_eq!(shown(number(), Some("+4930101"), stranger, "666", "1001"), "+4930555", "the flow is not the user");
    assert_eq!(shown(CallerId::Caller, None, stranger, "+4366", "1001"), "+4366");
    assert_eq!(shown(CallerId::Caller, None, stranger, "mallory", "1001"), "anonymous", "that is no number");
    assert_eq!(shown(CallerId::Caller, None, ada, "101", NUMBER), "101");
    assert_eq!(shown(CallerId::Anonymous, None, ada, "101", NUMBER), "anonymous");
}

#[test]
fn help_is_called_without_a_grant_and_whatever_the_limits() {
    let mut config = with_carrier();
    config.grants.clear();
    config.limits.max_calls = 1;
    let mut s = Scene::of(config);
    let help = s.world.phone("127.0.0.4:5060");
    s.dial(s.caller, "4930123", "1000");
    s.dial(s.ada, "101", "1000");
    let other = s.world.phone("127.0.0.2:5091");
    s.dial(other, "4930124", "112");
    for refused in [s.ada, other] {
        assert!(s.saw(refused, &Seen::Refused(503)), "there are as many calls as may be");
    }
    s.dial(s.alan, "102", "112");
    assert!(s.saw(help, &Seen::Rings));
    s.world.with_phone(help, |phone, now| phone.answer(now));
    s.world.run(11 * MINUTE);
    assert!(!s.saw(s.alan, &Seen::Ended));
    s.hang_up(s.alan);
    s.world.run(QUIET);
    let outside: Vec<_> = s.world.cdrs.iter().flat_map(|cdr| &cdr.outside).map(|leg| leg.call.clone()).collect();
    let [call] = &*outside else { panic!("{outside:?}") };
    assert_eq!((call.grant.as_deref(), &call.asked_by), (None, &user("102")));
}

#[test]
fn a_trunks_refusal_reaches_the_caller_without_what_is_none_of_his_business() {
    let cases = [
        (486, 486),
        (600, 486),
        (404, 404),
        (604, 404),
        (484, 484),
        (480, 480),
        (408, 480),
        (487, 480),
        (603, 603),
        (403, 403),
        (488, 488),
        (400, 480),
        (500, 503),
        (503, 503),
        (401, 503),
        (407, 503),
        (302, 603),
    ];
    for (theirs, ours) in cases {
        let mut s = scene();
        s.world.at(s.carrier).reflex = Some(theirs);
        s.dial(s.ada, "101", NUMBER);
        assert!(s.saw(s.ada, &Seen::Refused(ours)), "{theirs}: {:?}", s.world.at(s.ada).seen);
        let cdr = s.end();
        assert_eq!(cdr.outside[0].status, Some(theirs));
        let challenged = s.world.count(|kind| matches!(kind, Kind::LegEnded { cause, .. } if &**cause == "challenged"));
        assert_eq!(challenged, usize::from(matches!(theirs, 401 | 407)));
    }
    let mut s = scene();
    s.world.unplug(s.carrier);
    s.dial(s.ada, "101", NUMBER);
    s.world.run(40 * SECOND);
    assert!(s.saw(s.ada, &Seen::Refused(480)) || s.saw(s.ada, &Seen::Refused(503)), "{:?}", s.world.at(s.ada).seen);
    assert_eq!(s.end().outside.len(), 1);
}

#[test]
fn the_callers_cancel_cancels_the_leg_to_the_trunk() {
    let mut s = scene();
    s.dial(s.ada, "101", NUMBER);
    s.world.with_phone(s.carrier, |phone, now| phone.ring(now));
    s.hang_up(s.ada);
    assert!(s.saw(s.carrier, &Seen::Cancelled));
    assert_eq!(s.end().disposition, Disposition::Cancelled);
}

#[test]
fn a_user_for_whom_there_is_no_port_is_free_again() {
    let mut s = scene();
    let leg_opens = |s: &mut Scene| s.world.with_phone(s.caller, |phone, now| phone.call(now, "4930123", "1000"));
    leg_opens(&mut s);
    s.world.run(SECOND);
    let caller = s.world.caller_leg();
    s.world.media.exhausted = true;
    s.world.press(caller, '2');
    assert_eq!(s.agent("102"), Some(acd::AgentState::Idle));
    s.world.media.exhausted = false;
    s.hang_up(s.caller);
    s.end();
    let ended = s.world.count(|kind| matches!(kind, Kind::LegEnded { .. }));
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::LegBegan { .. })), ended);
}

#[test]
fn calls_through_a_trunk_count_by_their_final_response() {
    let mut s = scene();
    s.talk();
    s.hang_up(s.ada);
    s.dial(s.ada, "101", NUMBER);
    s.world.with_phone(s.carrier, |phone, now| phone.refuse(now, 503));
    s.world.run(SECOND);
    let counts: Vec<_> = s.world.switch.trunk_counts().into_iter().filter(|count| count.out).collect();
    let counts: Vec<_> = counts.iter().map(|count| (&*count.trunk, count.class, count.count)).collect();
    assert_eq!(counts, [("carrier", 2, 1), ("carrier", 5, 1)]);
    s.end_all(2);
}
