use super::*;

impl Scene {
    /// Ada puts her caller aside, and talks with 105.
    fn consult(&mut self) {
        self.world.with_phone(self.ada, |phone, now| phone.change(now, "sendonly"));
        self.world.run(SECOND);
        self.world.at(self.ada).put_aside();
        self.dial(self.ada, "101", "105");
        self.answer(bob());
    }

    fn join(&mut self, who: SocketAddr) {
        self.world.with_phone(who, |phone, now| phone.join(now, "105"));
        self.world.run(SECOND);
    }

    /// Somebody calls to take the place of a phone's call.
    fn replace(&mut self, who: SocketAddr, me: &str, whose: SocketAddr, more: &str) {
        let replaces = self.world.at(whose).replaces().unwrap() + more;
        self.world.at(who).headers =
            vec![("Replaces".to_owned(), replaces), ("Require".to_owned(), "replaces".to_owned())];
        self.dial(who, me, "101");
    }
}

#[test]
fn an_agent_brings_her_caller_and_her_colleague_together() {
    let mut s = scene();
    s.call("1000");
    s.press('3');
    s.answer(s.ada);
    s.world.run(10 * SECOND);
    s.consult();
    s.sound();
    s.join(s.ada);
    assert_eq!(s.notified(s.ada), [(100, false), (200, true)]);
    assert!(s.hear(s.caller, bob()) && s.world.media.plays.is_empty() && s.saw(s.ada, &Seen::Ended));
    assert_eq!(s.world.at(s.ada).session.or(s.world.at(s.ada).aside), None, "both of her calls are over");
    assert_eq!(s.agent("101"), Some(AgentState::WrapUp));
    assert_eq!((s.world.switch.live_calls(), s.world.media.takes.len()), (1, 1));
    s.sound();
    s.world.run(20 * SECOND);
    s.hang_up(s.caller);
    let cdrs = s.end_all(2);
    let (second, first) = (&cdrs[0], &cdrs[1]);
    assert_eq!(
        (second.joined, &*second.cause, second.disposition),
        (Some(first.call), "joined", journal::Disposition::Answered)
    );
    assert_eq!((first.agent.as_deref(), first.recordings.len(), first.joined), (Some("105"), 1, None));
    assert_eq!(first.transfers[0].joined, Some(second.call));
    assert_eq!(s.transfers(), [(user("101"), TransferKind::Attended, "105".to_owned())]);
    assert!(s.saw(bob(), &Seen::Ended));
}

#[test]
fn two_calls_that_began_by_themselves_become_the_older_one() {
    let mut config = with_carrier();
    config.users.get_mut("105").unwrap();
    let mut s = with(config);
    // 105 is no agent: two callers reach him, one after the other.
    s.call("105");
    s.answer(bob());
    s.world.at(bob()).put_aside();
    s.dial(s.other, "4930124", "105");
    s.answer(bob());
    s.join(bob());
    assert_eq!(s.notified(bob()), [(100, false), (200, true)]);
    assert!(s.hear(s.caller, s.other));
    s.sound();
    s.hang_up(s.other);
    s.world.run(SECOND);
    assert!(s.saw(s.caller, &Seen::Ended));
    let cdrs = s.end_all(2);
    assert_eq!(cdrs[0].joined, Some(cdrs[1].call));
    assert!(cdrs[1].call < cdrs[0].call);
}

#[test]
fn whom_one_called_both_talk_with_each_other_and_are_charged_for_all_of_it() {
    let mut s = scene();
    s.dial(s.ada, "101", "+4930999");
    s.answer(s.carrier);
    s.world.run(10 * SECOND);
    s.world.at(s.ada).put_aside();
    s.dial(s.ada, "101", "105");
    s.answer(bob());
    s.join(s.ada);
    assert!(s.hear(s.carrier, bob()));
    s.sound();
    s.world.run(10 * SECOND);
    s.hang_up(bob());
    let cdrs = s.end_all(2);
    let charged: u64 = cdrs.iter().flat_map(|cdr| &cdr.outside).flat_map(|leg| leg.charged_ms.values()).sum();
    assert!((22_000..26_000).contains(&charged), "{charged}");
}

#[test]
fn an_agent_who_took_the_consultation_from_a_queue_stays_in_it() {
    let mut s = scene();
    s.talk();
    s.world.at(s.ada).put_aside();
    s.dial(s.ada, "101", "201");
    s.answer(s.alan);
    s.join(s.ada);
    assert!(s.hear(s.caller, s.alan));
    assert!(matches!(s.agent("102"), Some(AgentState::InCall(_))));
    assert_eq!(s.agent("101"), Some(AgentState::WrapUp));
    s.sound();
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!(s.agent("102"), Some(AgentState::WrapUp));
    s.end_all(2);
}

#[test]
fn an_agent_who_is_lost_after_that_leaves_the_caller_in_her_queue() {
    let mut config = with_carrier();
    config.waiting.entry("sales".into()).or_default().return_time = Some(5 * SECOND);
    let mut s = with(config);
    s.call("105");
    s.answer(bob());
    s.world.at(bob()).put_aside();
    s.dial(bob(), "105", "201");
    s.answer(s.ada);
    s.join(bob());
    assert!(s.hear(s.caller, s.ada));
    let media = s.world.at(s.ada).media();
    let leg = s.world.media.leg_to(media).unwrap();
    s.world.unplug(s.ada);
    s.world.silence(leg);
    s.world.run(7 * SECOND);
    s.answer(s.alan);
    assert!(s.hear(s.caller, s.alan), "though he never stood there himself");
    s.sound();
    s.hang_up(s.caller);
    s.end_all(2);
}

/// Ada talks with the caller and Alan with another one. Ada waits for his queue in her second call, and somebody after her.
fn two_wait(config: Config) -> Scene {
    let mut s = with(config);
    s.talk();
    s.dial(s.other, "4930124", "201");
    s.answer(s.alan);
    s.world.at(s.ada).put_aside();
    s.dial(s.ada, "101", "201");
    let late = s.world.phone(LATE);
    s.dial(late, "4930125", "201");
    s
}

const LATE: &str = "127.0.0.2:5093";

#[test]
fn who_waits_in_a_queue_for_his_caller_gives_him_his_place() {
    let mut s = two_wait(with_carrier());
    s.world.run(10 * SECOND);
    s.join(s.ada);
    assert_eq!(s.notified(s.ada), [(100, false), (200, true)]);
    assert_eq!(s.agent("101"), Some(AgentState::WrapUp));
    s.sound();
    // Her time after the call is over first.
    s.world.run(7 * SECOND);
    s.answer(s.ada);
    assert!(s.hear(s.caller, s.ada), "he stands where she stood, in front of who came after her");
    s.hang_up(s.caller);
    s.hang_up(s.other);
    s.hang_up(LATE.parse().unwrap());
    let cdrs = s.end_all(4);
    let his = cdrs.iter().find(|cdr| cdr.from.reveal() == "4930123").unwrap();
    let hers = cdrs.iter().find(|cdr| cdr.from.reveal() == "101").unwrap();
    assert_eq!(
        (hers.joined, &*hers.cause, hers.visits[0].left),
        (Some(his.call), "joined", Some(journal::QueueExit::MovedOn))
    );
    assert_eq!((his.agent.as_deref(), his.offers, his.transfers[0].joined), (Some("101"), 2, Some(hers.call)));
    assert_eq!(s.transfers(), [(user("101"), TransferKind::Attended, "105".to_owned())]);
}

#[test]
fn who_hears_a_flow_for_his_caller_has_him_begin_it() {
    let mut s = scene();
    s.talk();
    s.world.at(s.ada).put_aside();
    s.dial(s.ada, "101", "1000");
    s.join(s.ada);
    assert_eq!(s.notified(s.ada), [(100, false), (200, true)]);
    s.sound();
    let media = s.world.at(s.caller).media();
    let leg = s.world.media.leg_to(media).unwrap();
    s.world.press(leg, '1');
    s.world.run(SECOND);
    s.answer(s.alan);
    assert!(s.hear(s.caller, s.alan));
    s.hang_up(s.caller);
    s.end_all(2);
}

#[test]
fn a_queue_that_takes_nobody_any_more_leaves_both_calls_as_they_are() {
    let mut config = with_carrier();
    config.queues[0].attendance = acd::Attendance { join: acd::Presence::Free, stay: acd::Presence::Nobody };
    let mut s = with(config);
    s.talk();
    s.world.at(s.ada).put_aside();
    s.dial(s.ada, "101", "201");
    assert!(s.saw(s.alan, &Seen::Rings), "he is not free any more");
    s.join(s.ada);
    assert_eq!((s.notified(s.ada), s.failures()), (vec![(100, false), (480, true)], vec![480]));
    s.answer(s.alan);
    assert_eq!(s.world.media.bridges.len(), 4, "she talks in both calls");
    s.sound();
    s.hang_up(s.ada);
    s.hang_up(s.caller);
    s.end_all(2);
}

#[test]
fn a_talk_that_is_over_and_one_of_others_cannot_be_joined() {
    let mut s = scene();
    s.talk();
    s.consult();
    let stale = s.world.at(s.ada).replaces().unwrap();
    s.hang_up(bob());
    s.world.run(SECOND);
    let value = stale.replace(';', "%3B").replace('=', "%3D");
    s.world.at(s.ada).session = s.world.at(s.ada).aside.take();
    let to = format!("<sip:105@h?Replaces={value}>");
    s.world.with_phone(s.ada, |phone, now| phone.refer_with(now, &to, &[]));
    s.world.run(SECOND);
    assert_eq!(
        (s.replies(s.ada), s.notified(s.ada), s.failures()),
        (vec![202], vec![(100, false), (481, true)], vec![481])
    );
    // Of others: 105 talks with the other caller.
    s.dial(s.other, "4930124", "105");
    s.answer(bob());
    let value = s.world.at(bob()).replaces().unwrap().replace(';', "%3B").replace('=', "%3D");
    let to = format!("<sip:105@h?Replaces={value}>");
    s.world.with_phone(s.ada, |phone, now| phone.refer_with(now, &to, &[]));
    s.world.run(SECOND);
    assert_eq!(s.replies(s.ada), [202, 403]);
    assert!(s.hear(s.caller, s.ada) && s.hear(s.other, bob()), "nothing has changed");
    s.sound();
    s.hang_up(s.caller);
    s.hang_up(s.other);
    s.end_all(3);
}

#[test]
fn a_user_takes_his_talk_to_another_of_his_phones() {
    let mut config = with_carrier();
    config.users.get_mut("105").unwrap().place = switch::Place::Registered;
    config.secrets.insert("105".into(), sip::digest::Secret::of("105", "test", "open sesame"));
    let mut s = with(config);
    let account = || sim::Account { user: "105".to_owned(), password: "open sesame".to_owned() };
    let home = s.world.phone("127.0.0.9:5060");
    s.world.at(bob()).set_account(account());
    s.world.at(home).set_account(account());
    s.world.with_phone(bob(), |phone, now| phone.register(now));
    s.world.run(SECOND);
    s.call("105");
    s.answer(bob());
    assert!(s.hear(s.caller, bob()));
    s.replace(home, "105", bob(), "");
    s.world.run(SECOND);
    assert!(s.hear(s.caller, home) && s.saw(bob(), &Seen::Ended));
    assert_eq!(s.transfers(), [(user("105"), TransferKind::Replaced, "101".to_owned())]);
    s.sound();
    s.hang_up(home);
    s.world.run(SECOND);
    assert!(s.saw(s.caller, &Seen::Ended));
    s.world.with_phone(bob(), |phone, now| phone.unregister(now));
    s.end_all(2);
}

#[test]
fn nobody_takes_a_strangers_place() {
    let mut s = scene();
    s.talk();
    for (who, me) in [(bob(), "105"), (s.other, "4930124")] {
        s.replace(who, me, s.ada, "");
        assert!(s.saw(who, &Seen::Refused(403)), "{me}");
    }
    assert!(s.hear(s.caller, s.ada));
    s.hang_up(s.caller);
    s.end_all(3);
}

#[test]
fn a_replaces_is_answered_as_rfc_3891_has_it() {
    let mut s = scene();
    s.talk();
    // Whose it is does not matter for these.
    let (cases, ada) = ([(";early-only", 486)], s.ada);
    for (more, status) in cases {
        s.replace(bob(), "105", ada, more);
        assert!(s.saw(bob(), &Seen::Refused(status)), "{more}");
    }
    for (value, status) in [("nobody;to-tag=1;from-tag=2", 481), ("x;to-tag=1", 400)] {
        s.world.at(bob()).headers = vec![("Replaces".to_owned(), value.to_owned())];
        s.dial(bob(), "105", "101");
        assert!(s.saw(bob(), &Seen::Refused(status)), "{value}");
    }
    s.hang_up(s.caller);
    s.end_all(4);
}

#[test]
fn a_call_that_is_over_and_still_rings_at_its_phone_is_declined_to_who_would_pick_it_up() {
    let mut s = scene();
    s.call("101");
    s.world.with_phone(s.ada, |phone, now| phone.ring(now));
    s.world.run(SECOND);
    let replaces = s.world.at(s.ada).replaces().unwrap();
    // The CANCEL does not arrive.
    let ada = s.ada;
    s.world.cut_off(ada, true);
    s.hang_up(s.caller);
    s.world.run(SECOND);
    s.world.at(bob()).headers = vec![("Replaces".to_owned(), replaces)];
    s.dial(bob(), "105", "101");
    assert!(s.saw(bob(), &Seen::Refused(603)), "{:?}", s.world.at(bob()).seen);
}

#[test]
fn whoever_may_watch_a_phone_picks_its_call_up_and_it_has_not_missed_one() {
    for (number, watched) in [("201", true), ("101", true), ("101", false)] {
        let mut config = with_carrier();
        if watched {
            config.watchers.insert("101".into(), Watchers::Only(["105".into()].into()));
        }
        let mut s = with(config);
        s.call(number);
        s.world.with_phone(s.ada, |phone, now| phone.ring(now));
        s.world.run(SECOND);
        s.replace(bob(), "105", s.ada, ";early-only");
        if !watched {
            assert!(s.saw(bob(), &Seen::Refused(403)));
            s.hang_up(s.caller);
            s.end_all(2);
            continue;
        }
        assert!(s.saw(bob(), &Seen::Answered) && s.saw(s.ada, &Seen::Cancelled) && s.hear(s.caller, bob()));
        assert_eq!(s.world.at(s.ada).reason.sip, Some(200), "answered elsewhere");
        assert_eq!(s.agent("101"), Some(AgentState::Idle));
        assert_eq!(s.transfers()[0].1, TransferKind::PickedUp);
        s.sound();
        s.hang_up(bob());
        s.world.run(SECOND);
        assert!(s.saw(s.caller, &Seen::Ended));
        let cdrs = s.end_all(2);
        assert_eq!((cdrs[0].joined, cdrs[1].agent.as_deref()), (Some(cdrs[1].call), Some("105")), "{number}");
    }
}

#[test]
fn a_call_that_was_answered_as_it_was_picked_up_stays_whose_it_is() {
    let mut config = with_carrier();
    config.watchers.insert("101".into(), Watchers::All);
    let mut s = with(config);
    s.call("101");
    s.world.with_phone(s.ada, |phone, now| phone.ring(now));
    s.world.run(SECOND);
    let replaces = s.world.at(s.ada).replaces().unwrap() + ";early-only";
    s.answer(s.ada);
    s.world.at(bob()).headers = vec![("Replaces".to_owned(), replaces)];
    s.dial(bob(), "105", "101");
    assert!(s.saw(bob(), &Seen::Refused(486)) && s.hear(s.caller, s.ada));
    s.hang_up(s.caller);
    s.end_all(2);
}
