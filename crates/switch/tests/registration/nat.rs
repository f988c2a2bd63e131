//! Phones behind NATs: rung where they send from, asked whether they are there.

use super::*;

impl Scene {
    /// Registers a phone behind a NAT, as its Contact tells.
    fn register_behind_nat(&mut self) {
        let answer = self.register_as("101", PASSWORD, "Contact: <sip:101@10.0.0.9:5060>\r\nExpires: 3600\r\n");
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
        self.world.run(SECOND);
    }

    /// The only registration, as an operator sees it.
    fn line(&mut self) -> switch::control::Registration {
        let request = Request::Registrations { after: None, limit: 0 };
        match self.world.switch.handle_control(self.world.now, request) {
            Response::Registrations(mut page) => page.contacts.remove(0),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_phone_behind_a_nat_is_rung_there_and_talks_there_and_is_asked_whether_it_is() {
    let mut s = scene();
    s.register_behind_nat();
    let (caller, phone) = (s.world.phone("127.0.0.2:5090"), s.phone);
    s.world.run(120 * SECOND);
    assert!(s.line().nat && !s.line().lost);
    assert!(s.world.now.wall.since(s.line().seen) <= 40 * SECOND, "it answers");
    s.world.with_phone(caller, |phone, now| phone.call(now, "1", "101"));
    s.world.run(SECOND);
    s.world.with_phone(phone, |phone, now| phone.answer(now));
    s.world.run(SECOND);
    s.world.with_phone(caller, sim::Phone::hang_up);
    s.world.run(SECOND);
    assert!(s.world.at(phone).saw(&sim::Seen::Ended), "{:?}", s.world.at(phone).seen);
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::PhoneLost { .. })), 0);
}

#[test]
fn a_phone_behind_a_nat_that_is_gone_is_not_rung_and_its_agent_logged_out_until_it_is_back() {
    let mut s = scene();
    s.register_behind_nat();
    let phone = s.phone;
    s.world.unplug(phone);
    s.world.run(150 * SECOND);
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::PhoneLost { .. })), 1);
    assert!(s.line().lost);
    assert_eq!(s.agent(), Some(AgentState::LoggedOut));
    let caller = s.world.phone("127.0.0.2:5090");
    s.world.with_phone(caller, |phone, now| phone.call(now, "1", "101"));
    s.world.run(SECOND);
    assert!(s.world.at(caller).saw(&sim::Seen::Refused(480)), "{:?}", s.world.at(caller).seen);
    s.world.phone("127.0.0.1:5077");
    s.world.run(40 * SECOND);
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::PhoneFound { .. })), 1);
    assert_eq!(s.agent(), Some(AgentState::Idle));
}

#[test]
fn another_interval_holds_at_once_and_none_asks_nobody() {
    let mut s = scene_with(|config| config.limits.registration.keep_alive = None);
    s.register_behind_nat();
    let phone = s.phone;
    s.world.unplug(phone);
    s.world.run(300 * SECOND);
    assert!(!s.line().lost);
    s.reconfigure(|config| {
        let usual = sip::registrar::KeepAlive::default();
        config.limits.registration.keep_alive = Some(sip::registrar::KeepAlive { interval: 5 * SECOND, ..usual });
    });
    s.world.run(50 * SECOND);
    assert!(s.line().lost);
}
