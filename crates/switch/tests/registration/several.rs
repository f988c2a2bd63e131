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

/// The SRTP keys that an offer tells, all of them.
fn keys(offer: &[u8]) -> Vec<String> {
    let text = String::from_utf8(offer.to_vec()).unwrap();
    text.lines().filter_map(|line| line.split_once("inline:")).map(|(_, key)| key.to_owned()).collect()
}

/// A scene whose user is offered SRTP, his two phones, who ring, and the keys that each was offered.
fn encrypted() -> (Scene, [SocketAddr; 2], [Vec<String>; 2]) {
    let mut s = scene_with(|config| {
        config.users.get_mut("101").unwrap().srtp = Some(switch::SrtpPolicy::Required);
    });
    let phones = s.register_two("1.0");
    s.dial("101");
    let offered = phones.map(|phone| keys(&s.world.at(phone).invited.as_ref().unwrap().body));
    (s, phones, offered)
}

/// A phone's answer to the last line of what it was offered, AES_CM_128_HMAC_SHA1_80, with a key of its own.
fn answer(s: &mut Scene, phone: SocketAddr) -> Bytes {
    let plain = s.world.at(phone).sdp("PCMU/8000", 0, "sendrecv").replace("RTP/AVP", "RTP/SAVP");
    let key = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
    (plain + &format!("a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n")).into()
}

impl Scene {
    /// The key of ours that the one protected leg sends by.
    fn sends_by(&self) -> Option<String> {
        let legs: Vec<_> = self.world.media.protections.values().collect();
        let [srtp] = legs[..] else { return None };
        Some(base64(srtp.local.reveal()))
    }
}

fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let of = |three: &[u8]| {
        let bits = three.iter().fold(0, |bits, octet| bits << 8 | usize::from(*octet));
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[bits >> shift & 63]))
    };
    octets.chunks_exact(3).flat_map(of).collect()
}

#[test]
fn each_phone_is_offered_keys_of_its_own_and_the_one_that_answers_is_sent_to_by_its() {
    for winner in 0..2 {
        let (mut s, phones, offered) = encrypted();
        assert_eq!(offered.each_ref().map(Vec::len), [3, 3]);
        assert!(offered[0].iter().all(|key| !offered[1].contains(key)), "nobody reads what another hears");
        let answer = answer(&mut s, phones[winner]);
        s.world.with_phone(phones[winner], |phone, now| phone.answer_with(now, answer));
        s.world.run(SECOND);
        assert!(s.saw(phones[winner], &sim::Seen::Acked));
        assert_eq!(s.sends_by().as_ref(), Some(&offered[winner][2]), "phone {winner}");
        // A change keeps it.
        let hold = self::answer(&mut s, phones[winner]);
        s.world.with_phone(phones[winner], |phone, now| assert!(phone.change_with(now, hold)));
        s.world.run(SECOND);
        assert_eq!(s.sends_by().as_ref(), Some(&offered[winner][2]), "phone {winner}");
        s.world.with_phone(phones[winner], sim::Phone::hang_up);
        s.quiet();
    }
}

#[test]
fn phones_that_speak_before_one_answers_are_each_sent_to_by_their_own_key() {
    let (mut s, phones, offered) = encrypted();
    for n in [0, 1] {
        let answer = answer(&mut s, phones[n]);
        s.world.with_phone(phones[n], |phone, now| phone.speak_early_with(now, answer));
        s.world.run(SECOND);
        assert_eq!(s.sends_by().as_ref(), Some(&offered[n][2]), "phone {n}");
    }
    let answer = answer(&mut s, phones[0]);
    s.world.with_phone(phones[0], |phone, now| phone.answer_with(now, answer));
    s.world.run(SECOND);
    assert_eq!(s.sends_by().as_ref(), Some(&offered[0][2]));
    s.world.with_phone(phones[0], sim::Phone::hang_up);
    s.quiet();
}

#[test]
fn where_no_keys_are_offered_no_phone_gets_any() {
    let mut s = scene_with(|config| {
        config.users.get_mut("101").unwrap().srtp = Some(switch::SrtpPolicy::Never);
    });
    let [first, other] = s.register_two("1.0");
    s.dial("101");
    for phone in [first, other] {
        assert_eq!(keys(&s.world.at(phone).invited.as_ref().unwrap().body), [""; 0]);
    }
    s.world.with_phone(other, |phone, now| phone.answer(now));
    s.world.run(SECOND);
    assert!(s.saw(other, &sim::Seen::Acked) && s.sends_by().is_none());
    s.world.with_phone(other, sim::Phone::hang_up);
    s.quiet();
}

#[test]
fn a_phone_that_hangs_up_while_it_rings_has_declined_and_the_others_ring_on() {
    for (q, number) in [("1.0", "101"), ("0.5", "101"), ("1.0", "201")] {
        let mut s = scene();
        let [first, other] = s.register_two(q);
        let caller = s.dial(number);
        s.world.with_phone(first, |phone, now| phone.ring(now));
        s.world.run(SECOND);
        s.world.with_phone(first, sim::Phone::bye_early);
        s.world.run(SECOND);
        assert!(s.saw(first, &sim::Seen::Cancelled) && s.rang(other), "{q} {number}");
        assert!(!s.saw(other, &sim::Seen::Cancelled), "{q} {number}");
        s.world.with_phone(other, |phone, now| phone.answer(now));
        s.world.run(SECOND);
        assert!(s.saw(caller, &sim::Seen::Answered) && s.saw(other, &sim::Seen::Acked), "{q} {number}");
        s.world.with_phone(caller, sim::Phone::hang_up);
        s.quiet();
    }
}

#[test]
fn an_only_phone_that_hangs_up_while_it_rings_has_declined() {
    for number in ["101", "201"] {
        let mut s = scene();
        let phone = s.phone;
        s.register("101", PASSWORD);
        let caller = s.dial(number);
        s.world.with_phone(phone, |phone, now| phone.ring(now));
        s.world.run(SECOND);
        s.world.with_phone(phone, sim::Phone::bye_early);
        s.world.run(SECOND);
        assert!(s.saw(phone, &sim::Seen::Cancelled), "{number}");
        if number == "101" {
            assert!(s.saw(caller, &sim::Seen::Refused(603)), "{:?}", s.world.at(caller).seen);
            assert_eq!(s.agent(), Some(AgentState::Idle));
        } else {
            // The queue goes on, and leaves her alone for a while.
            assert_eq!(s.agent(), Some(AgentState::Resting));
            s.world.with_phone(caller, sim::Phone::hang_up);
        }
        s.quiet();
    }
}
