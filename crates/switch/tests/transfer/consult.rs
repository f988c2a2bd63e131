use base::LegId;
use journal::ConsultOutcome::{CallOver, Failed, Returned, ThirdLeft, Transferred};
use leg::{Item, Tone};

use super::*;

/// The company with codes, and music for who is held.
fn with_keys() -> Config {
    let mut config = with_carrier();
    config.talk_keys = sim::talk_keys();
    config.hold_music = Some("music".into());
    config
}

/// Ada, whom the queue found, talks with the caller.
fn talk() -> Scene {
    let mut s = with(with_keys());
    s.talk();
    s
}

impl Scene {
    fn leg(&mut self, who: SocketAddr) -> LegId {
        let media = self.world.at(who).media();
        self.world.media.leg_to(media).unwrap()
    }

    /// Somebody types keys, and a second goes by.
    fn types(&mut self, who: SocketAddr, keys: &str) {
        let leg = self.leg(who);
        keys.chars().for_each(|key| self.world.press(leg, key));
        self.world.run(SECOND);
    }

    /// Ada asks Alan, who takes the call.
    fn asks(&mut self) {
        self.types(self.ada, "*2102#");
        self.answer(self.alan);
    }

    fn hears_music(&mut self, who: SocketAddr) -> bool {
        let leg = self.leg(who);
        let is_music = self.world.media.heard.get(&leg).is_some_and(|items| matches!(**items, [Item::Prompt(_)]));
        is_music && self.world.media.plays.contains_key(&leg)
    }

    fn hears_ringing(&mut self, who: SocketAddr) -> bool {
        let leg = self.leg(who);
        let ringing = [Item::Tone(Tone::Ringback)];
        self.world.media.heard.get(&leg).is_some_and(|items| **items == ringing)
            && self.world.media.plays.contains_key(&leg)
    }

    /// How often somebody heard that it does not work.
    fn refusals(&mut self, who: SocketAddr) -> usize {
        let leg = self.leg(who);
        self.world.media.told.iter().filter(|(of, items)| *of == leg && **items == [Item::Tone(Tone::Busy)]).count()
    }

    /// All three hear each other.
    fn all_talk(&mut self) -> bool {
        let legs = [self.caller, self.ada, self.alan].map(|who| self.leg(who));
        let others = |leg| self.world.media.conferences.get(&leg).map(|others| others.to_vec());
        legs.into_iter().all(|leg| {
            let mut heard = others(leg).unwrap_or_default();
            heard.push(leg);
            heard.sort_unstable();
            let mut all = legs.to_vec();
            all.sort_unstable();
            heard == all
        })
    }
}

#[test]
fn an_agent_asks_an_expert_comes_back_and_all_of_it_is_one_call() {
    let mut s = talk();
    s.types(s.ada, "*2102#");
    assert!(s.hears_music(s.caller) && s.hears_ringing(s.ada) && s.world.media.bridges.is_empty());
    assert!(s.saw(s.alan, &Seen::Rings));
    assert_eq!(s.world.at(s.alan).display.clone().unwrap().0, "101", "she calls, not the caller");
    s.sound();
    s.answer(s.alan);
    assert!(s.hear(s.ada, s.alan) && s.hears_music(s.caller) && !s.hears_ringing(s.ada));
    assert!(matches!(s.agent("101"), Some(AgentState::InCall(_))));
    assert!(matches!(s.agent("102"), Some(AgentState::Reserved(_))), "no queue's call for him");
    s.sound();
    s.world.run(9 * SECOND);
    s.types(s.ada, "*4");
    assert!(s.saw(s.alan, &Seen::Ended) && s.hear(s.caller, s.ada) && !s.hears_music(s.caller));
    assert_eq!(s.agent("102"), Some(AgentState::Idle));
    s.sound();
    s.hang_up(s.caller);
    let cdr = s.end();
    let [asked] = &*cdr.consults else { panic!("{:?}", cdr.consults) };
    assert_eq!((&asked.by, asked.target.reveal().as_str(), asked.outcome), (&user("101"), "102", Some(Returned)));
    assert!((10_000..13_000).contains(&asked.waited_ms) && asked.conference_ms == 0, "{asked:?}");
    assert_eq!((cdr.hold_ms, cdr.agent.as_deref()), (asked.waited_ms, Some("101")), "the caller waited");
    assert!((10_000..13_000).contains(&cdr.talk_ms), "{}", cdr.talk_ms);
    assert!(s.world.media.digits.is_empty(), "what belongs to a code goes to nobody");
}

#[test]
fn three_talk_and_whoever_of_the_two_leaves_the_others_talk_on() {
    for (leaves, outcome) in [("ada", Transferred), ("alan", ThirdLeft), ("sent away", Returned)] {
        let mut s = talk();
        s.asks();
        s.types(s.ada, "*3");
        assert!(s.all_talk() && !s.hears_music(s.caller));
        s.sound();
        s.world.run(10 * SECOND);
        match leaves {
            "ada" => s.hang_up(s.ada),
            "alan" => s.hang_up(s.alan),
            _ => s.types(s.ada, "*4"),
        }
        s.world.run(SECOND);
        let stays = if leaves == "ada" { s.alan } else { s.ada };
        assert!(s.hear(s.caller, stays) && s.world.media.conferences.is_empty(), "{leaves}");
        s.sound();
        s.world.run(10 * SECOND);
        s.hang_up(stays);
        let cdr = s.end();
        assert_eq!(cdr.consults[0].outcome, Some(outcome));
        assert!((10_000..13_000).contains(&cdr.consults[0].conference_ms), "{leaves}: {:?}", cdr.consults);
        assert!((20_000..36_000).contains(&cdr.talk_ms), "{leaves}: {}", cdr.talk_ms);
        assert_eq!(cdr.transfers.len(), usize::from(leaves == "ada"));
        assert_eq!(cdr.agent.as_deref(), Some(if leaves == "ada" { "102" } else { "101" }));
    }
}

#[test]
fn hanging_up_while_the_expert_talks_gives_him_the_caller() {
    let mut s = talk();
    s.asks();
    s.hang_up(s.ada);
    s.world.run(SECOND);
    assert!(s.hear(s.caller, s.alan) && !s.hears_music(s.caller));
    assert_eq!(s.agent("101"), Some(AgentState::WrapUp));
    assert_eq!(s.transfers(), [(user("101"), TransferKind::Attended, "102".to_owned())]);
    s.sound();
    // He has her place, and her keys.
    s.types(s.alan, "*2105#");
    assert!(s.saw(bob(), &Seen::Rings) && s.hears_music(s.caller));
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert!(s.saw(bob(), &Seen::Cancelled));
    let cdr = s.end();
    assert_eq!(cdr.consults.iter().map(|asked| asked.outcome).collect::<Vec<_>>(), [Some(Transferred), Some(CallOver)]);
}

#[test]
fn hanging_up_while_the_expert_rings_lets_it_ring_for_the_caller_and_then_for_her() {
    for answers in [true, false] {
        let mut s = talk();
        s.types(s.ada, "*2102#");
        s.hang_up(s.ada);
        s.world.run(SECOND);
        assert!(s.hears_ringing(s.caller) && s.agent("101") == Some(AgentState::WrapUp));
        s.sound();
        if answers {
            s.answer(s.alan);
            assert!(s.hear(s.caller, s.alan));
        } else {
            s.world.at(s.ada).seen.clear();
            s.world.with_phone(s.alan, |phone, now| phone.refuse(now, 486));
            s.world.run(SECOND);
            assert!(s.saw(s.ada, &Seen::Rings));
        }
        s.sound();
        s.hang_up(s.caller);
        s.end();
    }
}

#[test]
fn an_expert_who_is_busy_declines_or_does_not_answer_leaves_a_tone_and_the_caller() {
    for status in [486, 603, 0] {
        let mut s = talk();
        s.types(s.ada, "*2102#");
        match status {
            0 => s.world.run(31 * SECOND),
            status => s.world.with_phone(s.alan, |phone, now| phone.refuse(now, status)),
        }
        s.world.run(SECOND);
        assert!(s.hear(s.caller, s.ada) && !s.hears_music(s.caller) && !s.hears_ringing(s.ada), "{status}");
        assert_eq!((s.refusals(s.ada), s.agent("102")), (1, Some(AgentState::Idle)));
        s.sound();
        // She may try again, and return while it rings.
        s.types(s.ada, "*2105#");
        s.types(s.ada, "*4");
        assert!(s.saw(bob(), &Seen::Cancelled) && s.hear(s.caller, s.ada));
        s.sound();
        s.hang_up(s.ada);
        let cdr = s.end();
        assert_eq!(cdr.consults.iter().map(|asked| asked.outcome).collect::<Vec<_>>(), [Some(Failed), Some(Returned)]);
    }
}

#[test]
fn a_caller_who_hangs_up_ends_it_for_all_at_any_moment() {
    for keys in [&["*2102#"][..], &["*2102#", "answer"], &["*2102#", "answer", "*3"], &["*2102"]] {
        let mut s = talk();
        for key in keys {
            match *key {
                "answer" => s.answer(s.alan),
                keys => s.types(s.ada, keys),
            }
        }
        s.hang_up(s.caller);
        s.world.run(SECOND);
        assert!(s.saw(s.ada, &Seen::Ended), "{keys:?}");
        assert_eq!((s.agent("101"), s.agent("102")), (Some(AgentState::WrapUp), Some(AgentState::Idle)), "{keys:?}");
        s.sound();
        let cdr = s.end();
        assert_eq!(cdr.consults.len(), usize::from(keys != ["*2102"]), "{keys:?}");
    }
}

#[test]
fn an_outside_expert_is_asked_by_her_own_grants_alone() {
    let mut s = talk();
    s.types(s.ada, "*2*4930999#");
    s.answer(s.carrier);
    assert!(s.hear(s.ada, s.carrier) && s.hears_music(s.caller));
    s.types(s.ada, "*3");
    s.sound();
    s.hang_up(s.carrier);
    s.world.run(SECOND);
    assert!(s.hear(s.caller, s.ada));
    // No grant holds the first, nothing has the second, and of a queue and a flow nobody can be asked.
    for number in ["*33155", "999", "201", "1000", ""] {
        let before = s.refusals(s.ada);
        s.types(s.ada, &format!("*2{number}#"));
        assert_eq!(s.refusals(s.ada), before + 1, "{number}");
        assert!(s.hear(s.caller, s.ada), "{number}");
    }
    s.sound();
    s.hang_up(s.caller);
    let cdr = s.end();
    assert_eq!((cdr.outside.len(), cdr.consults.len()), (1, 6));
    assert!(cdr.outside[0].charged_ms.values().sum::<u64>() > 0, "her grant is charged");
}

#[test]
fn a_code_sends_the_caller_on_to_a_user_a_queue_a_flow_and_outside() {
    for (number, target) in [("105", "105"), ("201", "201"), ("1000", "1000"), ("*4930999", "+4930999")] {
        let mut s = talk();
        s.types(s.ada, &format!("*5{number}#"));
        s.sound();
        match number {
            "105" => s.answer(bob()),
            "201" => s.answer(s.alan),
            "*4930999" => s.answer(s.carrier),
            _ => {}
        }
        assert!(s.saw(s.ada, &Seen::Ended), "{number}");
        assert_eq!(s.transfers(), [(user("101"), TransferKind::Blind, target.to_owned())]);
        s.sound();
        s.hang_up(s.caller);
        s.end();
    }
    let mut s = talk();
    s.types(s.ada, "*5999#");
    assert_eq!((s.refusals(s.ada), s.failures()), (1, vec![403]));
    assert!(s.hear(s.caller, s.ada));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn keys_that_are_no_code_go_to_the_caller_and_a_pause_ends_a_number() {
    let mut s = talk();
    let caller = s.leg(s.caller);
    s.types(s.ada, "15*9#");
    s.types(s.ada, "*");
    let sent = |s: &Scene| s.world.media.digits.iter().map(|(to, key)| (*to == caller, *key)).collect::<Vec<_>>();
    assert_eq!(sent(&s), ['1', '5', '*', '9', '#'].map(|key| (true, key)));
    s.world.run(4 * SECOND);
    assert_eq!(sent(&s).last(), Some(&(true, '*')), "it did not become a code");
    assert_eq!(sent(&s).len(), 6);
    s.types(s.ada, "*2102");
    assert!(!s.saw(s.alan, &Seen::Rings));
    s.world.run(4 * SECOND);
    assert!(s.saw(s.alan, &Seen::Rings));
    s.answer(s.alan);
    // To whom she talks with now.
    s.types(s.ada, "7");
    let alan = s.leg(s.alan);
    assert_eq!(s.world.media.digits.last(), Some(&(alan, '7')));
    s.types(s.ada, "*3");
    s.types(s.ada, "8");
    assert_eq!(s.world.media.digits.last(), Some(&(alan, '7')), "of three, to nobody");
    // Neither the caller nor the expert does anything by codes.
    for who in [s.caller, s.alan] {
        s.types(who, "*4");
        assert!(s.all_talk());
    }
    s.sound();
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_number_without_end_is_none() {
    let mut s = talk();
    s.types(s.ada, "*2");
    s.types(s.ada, &"1".repeat(32));
    assert_eq!(s.refusals(s.ada), 0);
    s.types(s.ada, "1");
    assert_eq!(s.refusals(s.ada), 1, "without a pause, or a #");
    s.types(s.ada, "*2102#");
    s.answer(s.alan);
    assert!(s.hear(s.ada, s.alan));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_hold_while_a_third_one_is_asked_is_between_the_two_who_talk() {
    let mut s = talk();
    s.asks();
    s.world.with_phone(s.ada, |phone, now| phone.change(now, "sendonly"));
    s.world.run(SECOND);
    assert!(s.hears_music(s.alan) && s.hears_music(s.caller));
    s.types(s.ada, "*3");
    assert!(!s.hears_music(s.alan) && !s.hears_music(s.caller), "they have each other");
    s.world.with_phone(s.caller, |phone, now| phone.change(now, "sendonly"));
    s.world.run(SECOND);
    assert!(s.hears_music(s.alan) && !s.hears_music(s.ada), "both others hold; her phone takes the expert's voice");
    s.sound();
    s.world.with_phone(s.ada, |phone, now| phone.change(now, "sendrecv"));
    s.world.run(SECOND);
    assert!(!s.hears_music(s.alan));
    s.types(s.ada, "*4");
    assert!(s.hears_music(s.ada), "the caller holds still");
    s.sound();
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn who_asks_a_third_one_transfers_in_no_other_way_meanwhile() {
    let mut s = talk();
    s.asks();
    s.refer(s.ada, "105");
    s.types(s.ada, "*5105#");
    assert_eq!((s.replies(s.ada), s.refusals(s.ada)), (vec![491], 1));
    s.types(s.ada, "*2105#");
    assert_eq!(s.refusals(s.ada), 2, "one at a time");
    assert!(s.hear(s.ada, s.alan));
    s.sound();
    s.hang_up(s.alan);
    s.world.run(SECOND);
    assert!(s.hear(s.caller, s.ada) && s.refusals(s.ada) == 3);
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn without_codes_keys_are_the_medias_alone() {
    let mut s = scene();
    s.talk();
    s.types(s.ada, "*2102#");
    assert!(s.world.media.kept.is_empty() && s.world.media.digits.is_empty() && s.hear(s.caller, s.ada));
    s.hang_up(s.caller);
    s.end();
}
