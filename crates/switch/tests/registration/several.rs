//! Users with several phones (RFC 3261 16.6, 16.7).

use super::*;

const OTHER: &str = "127.0.0.1:5078";

impl Scene {
    /// Registers his phone, and another one with such a q; both ring.
    fn register_two(&mut self, q: &str) -> [SocketAddr; 2] {
        let first = self.phone;
        self.register("101", PASSWORD);
        self.phone = self.world.phone(OTHER);
        let fields = format!("Contact: <sip:101@{OTHER}>;q={q}\r\nExpires: 600\r\n");
        assert!(self.register_as("101", PASSWORD, &fields).starts_with("SIP/2.0 200"));
        self.world.run(SECOND);
        [first, self.phone]
    }

    /// A caller dials a number, and a second goes by.
    fn dial(&mut self, number: &str) -> SocketAddr {
        let caller = self.world.phone("127.0.0.2:5090");
        self.world.with_phone(caller, |phone, now| phone.call(now, "1", number));
        self.world.run(SECOND);
        caller
    }

    fn rang(&mut self, phone: SocketAddr) -> bool {
        self.world.at(phone).saw(&sim::Seen::Rings)
    }

    fn saw(&mut self, phone: SocketAddr, what: &sim::Seen) -> bool {
        self.world.at(phone).saw(what)
    }

    fn quiet(&mut self) {
        self.world.run(60 * SECOND);
        assert!(self.world.switch.is_quiet() && self.world.media.open.is_empty(), "{:?}", self.world.switch);
    }
}

#[test]
fn phones_that_he_prefers_equally_ring_at_once_and_the_first_to_answer_has_the_call() {
    for number in ["101", "201"] {
        let mut s = scene();
        let [first, other] = s.register_two("1.0");
        let caller = s.dial(number);
        assert!(s.rang(first) && s.rang(other), "{number}");
        s.world.with_phone(first, |phone, now| phone.answer(now));
        s.world.run(SECOND);
        assert!(s.saw(first, &sim::Seen::Acked) && s.saw(other, &sim::Seen::Cancelled), "{number}");
        assert!(s.saw(caller, &sim::Seen::Answered));
        s.world.with_phone(caller, sim::Phone::hang_up);
        s.world.run(SECOND);
        assert!(s.saw(first, &sim::Seen::Ended));
        s.quiet();
        assert_eq!(s.world.cdrs.len(), 1);
    }
}

#[test]
fn a_phone_that_he_prefers_less_rings_after_the_others_time() {
    let mut s = scene();
    let [first, other] = s.register_two("0.5");
    let caller = s.dial("101");
    assert!(s.rang(first) && !s.rang(other));
    s.world.run(13 * SECOND);
    assert!(!s.rang(other));
    s.world.run(2 * SECOND);
    assert!(s.saw(first, &sim::Seen::Cancelled) && s.rang(other));
    s.world.with_phone(other, |phone, now| phone.answer(now));
    s.world.run(SECOND);
    assert!(s.saw(caller, &sim::Seen::Answered));
    s.world.with_phone(other, sim::Phone::hang_up);
    s.world.run(SECOND);
    assert!(s.saw(caller, &sim::Seen::Ended));
    s.quiet();
}

#[test]
fn who_wants_it_is_rung_at_one_phone_after_the_other_the_newest_first() {
    let mut s = scene_with(|config| {
        let user = config.users.get_mut("101").unwrap();
        (user.ring, user.turn) = (switch::Ring::InTurn, 5 * SECOND);
    });
    let [first, other] = s.register_two("1.0");
    s.dial("101");
    assert!(s.rang(other) && !s.rang(first));
    s.world.run(5 * SECOND);
    assert!(s.saw(other, &sim::Seen::Cancelled) && s.rang(first));
    s.world.with_phone(first, |phone, now| phone.refuse(now, 486));
    s.world.run(SECOND);
    s.quiet();
}

#[test]
fn one_phone_that_is_busy_stops_no_other_and_one_that_declines_for_all_does() {
    for (status, stops, told) in [(486, false, 486), (603, true, 603)] {
        let mut s = scene();
        let [first, other] = s.register_two("1.0");
        let caller = s.dial("101");
        s.world.with_phone(first, |phone, now| phone.refuse(now, status));
        s.world.run(SECOND);
        assert_eq!(s.saw(other, &sim::Seen::Cancelled), stops, "{status}");
        assert_eq!(s.saw(caller, &sim::Seen::Refused(told)), stops);
        if !stops {
            s.world.with_phone(other, |phone, now| phone.refuse(now, 486));
            s.world.run(SECOND);
            assert!(s.saw(caller, &sim::Seen::Refused(told)));
        }
        s.quiet();
        assert_eq!(s.agent(), Some(AgentState::Idle));
    }
}

#[test]
fn a_caller_who_gives_up_is_followed_by_none_of_the_phones() {
    let mut s = scene();
    let [first, other] = s.register_two("1.0");
    let caller = s.dial("101");
    s.world.with_phone(caller, sim::Phone::hang_up);
    s.world.run(SECOND);
    assert!(s.saw(first, &sim::Seen::Cancelled) && s.saw(other, &sim::Seen::Cancelled));
    s.quiet();
}
