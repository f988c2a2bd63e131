use super::*;

#[test]
fn an_agent_sends_his_caller_on_to_a_user_who_answers() {
    let mut s = scene();
    s.talk();
    s.refer(s.ada, "105");
    assert_eq!((s.replies(s.ada), s.notified(s.ada)), (vec![202], vec![(100, false)]));
    assert!(s.saw(bob(), &Seen::Rings));
    let invited = s.world.at(bob()).invited.clone().unwrap();
    assert!(invited.head.header(sip_message::HeaderName::ReferredBy).unwrap().contains("sip:101@"));
    assert_eq!(s.world.at(bob()).display.clone().unwrap().0, "4930123", "the caller calls");
    let caller = s.world.caller_leg();
    assert!(s.world.media.bridges.is_empty() && s.world.media.plays.contains_key(&caller), "he hears that it rings");
    assert!(matches!(s.agent("101"), Some(AgentState::InCall(_))), "she waits for how it goes");
    s.sound();
    s.world.with_phone(bob(), |phone, now| phone.ring(now));
    s.answer(bob());
    assert_eq!(s.notified(s.ada), [(100, false), (180, false), (200, true)]);
    assert!(s.saw(s.ada, &Seen::Ended) && s.hear(s.caller, bob()) && s.world.media.plays.is_empty());
    assert_eq!(s.agent("101"), Some(AgentState::WrapUp));
    s.sound();
    s.world.run(30 * SECOND);
    s.hang_up(bob());
    let cdr = s.end();
    assert_eq!((cdr.agent.as_deref(), cdr.queue.as_deref(), cdr.offers), (Some("105"), Some("sales"), 1));
    assert!((41_000..43_000).contains(&cdr.talk_ms), "{}", cdr.talk_ms);
    assert_eq!(cdr.hung_up_by, Some(journal::Party::Agent));
    let [transfer] = &*cdr.transfers else { panic!("{:?}", cdr.transfers) };
    assert_eq!((&transfer.by, transfer.kind, transfer.joined), (&user("101"), TransferKind::Blind, None));
    assert!(s.saw(s.caller, &Seen::Ended), "his flow is left: the call is over with the talk");
}

#[test]
fn the_recording_goes_on_over_a_transfer_in_one_file() {
    let mut s = scene();
    s.call("1000");
    s.press('3');
    s.answer(s.ada);
    s.refer(s.ada, "105");
    s.answer(bob());
    assert_eq!(s.world.media.takes.len(), 1);
    s.hang_up(s.caller);
    assert_eq!(s.end().recordings.len(), 1);
}

#[test]
fn if_nobody_answers_the_two_talk_again() {
    for status in [486, 603, 480, 0] {
        let mut s = scene();
        s.talk();
        s.refer(s.ada, "105");
        match status {
            0 => s.world.run(31 * SECOND),
            status => s.world.with_phone(bob(), |phone, now| phone.refuse(now, status)),
        }
        s.world.run(SECOND);
        let told = s.notified(s.ada);
        assert_eq!(told[0], (100, false));
        assert!(matches!(told[..], [_, (480 | 486 | 603, true)]), "{status}: {told:?}");
        assert!(s.hear(s.caller, s.ada) && s.world.media.plays.is_empty(), "{status}");
        assert!(matches!(s.agent("101"), Some(AgentState::InCall(_))));
        assert_eq!((s.transfers().len(), s.failures().len()), (0, 1));
        s.sound();
        // She may try again: of the second subscription the NOTIFYs have an id, which the phone of `sim` does not need.
        s.refer(s.ada, "102");
        s.answer(s.alan);
        assert!(s.hear(s.caller, s.alan));
        assert_eq!(s.notified(s.ada).last(), Some(&(200, true)));
        s.hang_up(s.caller);
        s.end();
    }
}

#[test]
fn a_transferor_who_hangs_up_at_once_is_told_all_the_same_and_the_call_goes_on() {
    let mut s = scene();
    s.talk();
    s.refer(s.ada, "105");
    s.hang_up(s.ada);
    s.world.run(SECOND);
    assert_eq!(s.agent("101"), Some(AgentState::WrapUp), "her part is over");
    s.sound();
    s.answer(bob());
    assert!(s.hear(s.caller, bob()));
    assert_eq!(s.notified(s.ada), [(100, false), (200, true)], "the subscription outlives the call");
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn if_nobody_answers_and_the_transferor_is_gone_his_phone_rings_again() {
    let mut s = scene();
    s.talk();
    s.refer(s.ada, "105");
    s.hang_up(s.ada);
    s.world.run(SECOND);
    s.world.at(s.ada).seen.clear();
    s.world.with_phone(bob(), |phone, now| phone.refuse(now, 486));
    s.world.run(SECOND);
    assert!(s.saw(s.ada, &Seen::Rings));
    assert_eq!(s.notified(s.ada), [(100, false), (486, true)]);
    s.sound();
    s.answer(s.ada);
    assert!(s.hear(s.caller, s.ada));
    s.hang_up(s.ada);
    let cdr = s.end();
    assert_eq!((cdr.agent.as_deref(), s.failures()), (Some("101"), vec![486]));
}

#[test]
fn a_caller_who_hangs_up_meanwhile_ends_it_for_all() {
    let mut s = scene();
    s.talk();
    s.refer(s.ada, "105");
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert!(s.saw(bob(), &Seen::Cancelled) && s.saw(s.ada, &Seen::Ended));
    assert_eq!((s.notified(s.ada), s.failures()), (vec![(100, false), (487, true)], vec![487]));
    assert_eq!(s.agent("101"), Some(AgentState::WrapUp));
    s.end();
}

#[test]
fn a_queue_and_a_flow_take_the_caller_at_once() {
    for number in ["201", "1000"] {
        let mut s = scene();
        s.talk();
        s.refer(s.ada, number);
        assert_eq!(s.notified(s.ada), [(100, false), (200, true)], "{number}");
        assert!(s.saw(s.ada, &Seen::Ended));
        assert_eq!(s.agent("101"), Some(AgentState::WrapUp));
        s.sound();
        if number == "1000" {
            let leg = s.world.caller_leg();
            s.world.press(leg, '1');
            s.world.run(SECOND);
        }
        assert!(s.saw(s.alan, &Seen::Rings), "{number}");
        s.answer(s.alan);
        assert!(s.hear(s.caller, s.alan));
        s.hang_up(s.caller);
        let cdr = s.end();
        assert_eq!((cdr.offers, cdr.agent.as_deref(), cdr.transfers.len()), (2, Some("102"), 1));
    }
}

#[test]
fn a_queue_that_nobody_serves_takes_nobody_and_they_talk_on() {
    let mut config = with_carrier();
    config.queues.push(acd::QueueConfig::new("empty", vec!["103".into()]));
    config.numbers.insert("202".into(), switch::Destination::Queue("empty".into()));
    let mut s = with(config);
    s.talk();
    s.refer(s.ada, "202");
    assert_eq!((s.notified(s.ada), s.failures()), (vec![(100, false), (480, true)], vec![480]));
    assert!(s.hear(s.caller, s.ada));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn out_of_the_company_by_the_grants_of_who_sends_alone() {
    let mut s = scene();
    s.talk();
    s.refer(s.ada, "+4930999");
    assert_eq!(s.replies(s.ada), [202]);
    s.answer(s.carrier);
    assert!(s.hear(s.caller, s.carrier) && s.saw(s.ada, &Seen::Ended));
    s.world.run(20 * SECOND);
    s.hang_up(s.caller);
    let cdr = s.end();
    assert_eq!(cdr.outside[0].call.asked_by, user("101"));
    assert!(cdr.outside[0].charged_ms.values().sum::<u64>() > 20_000);

    // 102 has none.
    let mut s = scene();
    s.call("102");
    s.answer(s.alan);
    s.refer(s.alan, "+4930999");
    assert_eq!((s.replies(s.alan), s.failures()), (vec![403], vec![403]));
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::OutsideRefused { why: NoWayOut::NoGrant, .. })), 1);
    assert!(s.hear(s.caller, s.alan) && s.notified(s.alan).is_empty(), "nothing has changed");
    // And what is there for nobody is not there.
    s.refer(s.alan, "999");
    s.refer(s.alan, "abc");
    assert_eq!(s.replies(s.alan)[1..], [403, 404]);
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn who_comes_by_a_trunk_transfers_only_if_the_trunk_may() {
    let mut s = scene();
    s.talk();
    s.refer(s.caller, "102");
    assert_eq!((s.replies(s.caller), s.hear(s.caller, s.ada)), (vec![403], true));
    s.hang_up(s.caller);
    s.end();

    let mut config = with_carrier();
    config.trunks[0].transfers = true;
    let mut s = with(config);
    s.call("1000");
    s.press('3');
    s.answer(s.ada);
    s.refer(s.caller, "105");
    s.sound();
    s.answer(bob());
    assert_eq!((s.replies(s.caller), s.notified(s.caller)), (vec![202], vec![(100, false), (200, true)]));
    assert!(s.hear(s.ada, bob()) && s.saw(s.caller, &Seen::Ended));
    assert!(matches!(s.agent("101"), Some(AgentState::Reserved(_))), "the call is about her now");
    s.sound();
    assert_eq!(s.world.media.takes.len(), 1, "and is recorded on her line");
    s.hang_up(s.ada);
    let cdr = s.end();
    assert_eq!((cdr.recordings.len(), cdr.transfers[0].by.clone()), (2, Asker::Trunk("local".into())));
    assert!(s.saw(bob(), &Seen::Ended));
}

#[test]
fn a_user_who_called_sends_whom_he_called_on() {
    let mut s = scene();
    s.dial(s.ada, "101", "+4930999");
    s.answer(s.carrier);
    s.refer(s.ada, "105");
    assert_eq!(s.world.at(bob()).display.clone().unwrap().0, "+4930999", "who is sent on calls");
    s.sound();
    s.answer(bob());
    assert!(s.hear(s.carrier, bob()) && s.saw(s.ada, &Seen::Ended));
    s.sound();
    s.hang_up(s.carrier);
    let cdr = s.end();
    assert!(s.saw(bob(), &Seen::Ended));
    assert_eq!((cdr.agent.as_deref(), cdr.transfers.len()), (Some("105"), 1));
}

#[test]
fn who_wants_to_know_nothing_is_told_nothing() {
    let mut s = scene();
    s.talk();
    let to = format!("<sip:105@{}>", sim::SWITCH);
    let headers = [("Require", "norefersub"), ("Refer-Sub", "false")];
    s.world.with_phone(s.ada, |phone, now| phone.refer_with(now, &to, &headers));
    s.world.run(SECOND);
    s.answer(bob());
    assert_eq!((s.replies(s.ada), s.notified(s.ada)), (vec![202], vec![]));
    assert!(s.hear(s.caller, bob()));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn what_makes_no_sense_is_refused_and_harms_nothing() {
    let mut s = scene();
    s.call("1000");
    s.refer(s.caller, "102");
    s.press('1');
    s.answer(s.ada);
    for (to, status) in
        [("", 400), ("<sip:105@h;method=BYE>", 403), ("<sip:105@h>, <sip:102@h>", 400), ("<sip:h>", 404)]
    {
        s.world.with_phone(s.ada, |phone, now| phone.refer_with(now, to, &[]));
        s.world.run(SECOND);
        assert_eq!(s.replies(s.ada).last(), Some(&status), "{to}");
    }
    s.refer(s.ada, "105");
    s.refer(s.ada, "102");
    assert_eq!(s.replies(s.ada)[4..], [202, 491], "one at a time");
    assert_eq!(s.replies(s.caller), [403], "there was nobody to send on");
    s.answer(bob());
    assert!(s.hear(s.caller, bob()));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn held_or_not_whoever_is_sent_on_hears_the_next_one() {
    let mut s = scene();
    s.talk();
    s.world.with_phone(s.ada, |phone, now| phone.change(now, "sendonly"));
    s.world.run(SECOND);
    s.refer(s.ada, "105");
    s.sound();
    s.world.with_phone(bob(), |phone, now| phone.refuse(now, 486));
    s.world.run(SECOND);
    let caller = s.world.caller_leg();
    assert!(s.world.media.plays.contains_key(&caller), "she holds him as before");
    s.sound();
    s.refer(s.ada, "102");
    s.answer(s.alan);
    assert!(s.hear(s.caller, s.alan) && s.world.media.plays.is_empty());
    s.sound();
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn lost_messages_change_nothing() {
    for seed in 1..30 {
        let mut s = Scene::within(sim::World::with(with_carrier(), seed));
        s.world.phone(BOB);
        s.talk();
        s.world.network.nodes = vec![sim::Node::Lose(40)];
        s.refer(s.ada, "105");
        s.world.run(20 * SECOND);
        s.world.with_phone(bob(), |phone, now| phone.answer(now));
        s.world.run(40 * SECOND);
        s.world.network.nodes.clear();
        s.world.run(40 * SECOND);
        s.sound();
        s.hang_up(s.caller);
        s.hang_up(s.ada);
        s.hang_up(bob());
        s.world.run(120 * SECOND);
        s.sound();
        assert!(s.world.switch.is_quiet(), "seed {seed}: {:?}", s.world.switch);
        assert_eq!(s.world.switch.sip_population().subscriptions, 0, "seed {seed}");
        assert_eq!(s.world.cdrs.len(), 1, "seed {seed}");
    }
}
