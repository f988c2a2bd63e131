//! Feature codes: what agents dial on their own phones.
//!
//! Covered: log in and out, pause by number, alone where there is one reason, and asked for by keys; ready · what is refused, and told
//! otherwise · who may not: a trunk's caller, and a stranger with a user's name · who is no agent · the prompt of the user's language,
//! and tones without one · no call finds him at it · record and journal · on an agent's phone in mid-call.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::net::SocketAddr;

use acd::AgentState;
use common::{SECOND, Scene};
use journal::{AgentStatus, Disposition, Kind, StatusBy};
use leg::{Item, Prompt, Tone};
use sim::{Seen, company, feature_codes};
use switch::{Config, Prompts};

fn company_with_codes() -> Config {
    let mut config = company();
    config.duties.breaks = [("lunch".into(), 1), ("coaching".into(), 12)].into();
    config.duties.codes = feature_codes();
    let words =
        ["logged-in", "logged-out", "paused", "ready", "which-reason", "no-such-reason", "not-logged-in", "no-agent"];
    let shelf = |sample| words.map(|word| (format!("agent/{word}").into(), Prompt::from_samples(&[sample]))).into();
    let languages = [("en".into(), shelf(1)), ("zh".into(), shelf(2))];
    config.prompts = Prompts::new("en".into(), languages.into(), [("music".into(), Prompt::from_samples(&[0]))].into());
    config
}

impl Scene {
    /// Somebody dials a code, hears the answer to its end, and is hung up on. Gives what he heard.
    fn code(&mut self, who: SocketAddr, me: &str, code: &str) -> String {
        self.dial(who, me, code);
        let said = self.played();
        self.world.finish_play(self.world.caller_leg());
        self.world.run(SECOND);
        assert!(self.saw(who, &Seen::Ended), "{code}: the switch hangs up");
        said
    }

    fn status(&self) -> (AgentStatus, Option<String>, StatusBy) {
        self.world.last(|kind| match kind {
            Kind::AgentStatus(told) => Some((told.status, told.reason.as_deref().map(str::to_owned), told.by)),
            _ => None,
        })
    }
}

#[test]
fn an_agent_comes_goes_pauses_and_is_ready_by_codes() {
    let mut s = Scene::of(company_with_codes());
    let ada = s.ada;
    let phone = StatusBy::Phone;
    for (code, said, status, reason, state) in [
        ("*51", "agent/logged-out", AgentStatus::LoggedOut, None, AgentState::LoggedOut),
        ("*50", "agent/logged-in", AgentStatus::Available, None, AgentState::Idle),
        ("*521", "agent/paused", AgentStatus::Break, Some("lunch"), AgentState::OnBreak),
        ("*5212", "agent/paused", AgentStatus::Break, Some("coaching"), AgentState::OnBreak),
        ("*53", "agent/ready", AgentStatus::Available, None, AgentState::Idle),
    ] {
        assert_eq!(s.code(ada, "101", code), said);
        assert_eq!(s.status(), (status, reason.map(str::to_owned), phone), "{code}");
        assert_eq!(s.agent("101"), Some(state), "{code}");
    }
    for cdr in s.end_all(5) {
        assert_eq!(
            (cdr.disposition, &*cdr.cause, cdr.from.reveal().as_str()),
            (Disposition::SelfServed, "code", "101")
        );
    }
}

#[test]
fn what_cannot_be_is_refused_in_other_words() {
    let mut s = Scene::of(company_with_codes());
    let ada = s.ada;
    assert_eq!(s.code(ada, "101", "*522"), "agent/no-such-reason");
    assert_eq!(s.agent("101"), Some(AgentState::Idle));
    s.code(ada, "101", "*51");
    for code in ["*521", "*52", "*53"] {
        assert_eq!(s.code(ada, "101", code), "agent/not-logged-in", "{code}");
        assert_eq!(s.agent("101"), Some(AgentState::LoggedOut));
    }
    let mut config = company_with_codes();
    config.agents.retain(|agent| agent.name.as_str() != "101");
    config.queues[0].agents.retain(|member| member.agent.as_str() != "101");
    s.world.reconfigure(config);
    for code in ["*50", "*521", "*52"] {
        assert_eq!(s.code(ada, "101", code), "agent/no-agent", "{code}");
    }
}

#[test]
fn who_names_no_reason_has_the_only_one_or_is_asked() {
    let mut s = Scene::of(company_with_codes());
    let ada = s.ada;
    for (keys, said) in
        [("12", "agent/paused"), ("1#", "agent/paused"), ("1", "agent/paused"), ("9#", "agent/no-such-reason")]
    {
        s.code(ada, "101", "*53");
        s.dial(ada, "101", "*52");
        assert_eq!(
            (s.played(), s.agent("101").unwrap() == AgentState::OnBreak),
            ("agent/which-reason".to_owned(), false)
        );
        for key in keys.chars() {
            s.press(key);
        }
        s.world.run(5 * SECOND);
        assert_eq!(s.played(), said, "{keys}");
        let wanted = if keys == "12" { "coaching" } else { "lunch" };
        let reason = (said == "agent/paused").then(|| wanted.to_owned());
        assert_eq!(s.status().1, reason, "{keys}");
        s.world.finish_play(s.world.caller_leg());
        s.world.run(SECOND);
    }
    // He hears the question to its end and says nothing.
    s.dial(ada, "101", "*52");
    s.world.finish_play(s.world.caller_leg());
    s.world.run(SECOND);
    assert_eq!(s.played(), "agent/which-reason", "he may think");
    s.world.run(5 * SECOND);
    assert_eq!(s.played(), "agent/no-such-reason");
    s.hang_up(ada);
    let mut config = company_with_codes();
    config.duties.breaks.remove("coaching");
    s.world.reconfigure(config);
    assert_eq!(s.code(ada, "101", "*52"), "agent/paused");
    assert_eq!(s.status().1.as_deref(), Some("lunch"));
    s.end_all(10);
}

#[test]
fn a_code_is_nothing_to_a_trunks_caller_nor_to_one_who_claims_to_be_a_user() {
    let mut s = Scene::of(company_with_codes());
    s.call("*51");
    assert!(s.saw(s.caller, &Seen::Refused(404)));
    s.dial(s.other, "101", "*51");
    assert!(s.saw(s.other, &Seen::Refused(404)), "his name does not make the trunk's caller an agent");
    let stranger = s.world.phone("127.0.0.9:5060");
    s.dial(stranger, "101", "*51");
    assert!(!s.saw(stranger, &Seen::Answered));
    assert_eq!(s.agent("101"), Some(AgentState::Idle));
}

#[test]
fn each_agent_hears_his_language_and_tones_where_there_is_no_prompt() {
    let mut config = company_with_codes();
    config.duties.languages = [("101".into(), "zh".into())].into();
    let mut s = Scene::of(config.clone());
    let (ada, alan) = (s.ada, s.alan);
    for (who, me, sample) in [(ada, "101", 2), (alan, "102", 1)] {
        s.dial(who, me, "*51");
        let heard = s.world.media.heard[&s.world.caller_leg()].to_vec();
        assert_eq!(heard, [Item::Prompt(Prompt::from_samples(&[sample]))]);
        s.hang_up(who);
        s.world.run(SECOND);
    }
    config.prompts = Prompts::default();
    s.world.reconfigure(config);
    let mut heard = |code: &str| {
        s.dial(ada, "101", code);
        let heard = s.world.media.heard[&s.world.caller_leg()].to_vec();
        s.hang_up(ada);
        s.world.run(SECOND);
        (s.played(), heard)
    };
    let (said, done) = heard("*50");
    assert_eq!((said.as_str(), &done[0], done.len()), ("beep", &Item::Tone(Tone::Beep), 3));
    let (said, refused) = heard("*525");
    assert_eq!((said.as_str(), &refused[0], refused.len()), ("congestion", &Item::Tone(Tone::Congestion), 4));
}

#[test]
fn no_call_finds_an_agent_who_is_being_told_that_he_is_ready() {
    let mut s = Scene::of(company_with_codes());
    let (ada, alan) = (s.ada, s.alan);
    s.code(alan, "102", "*51");
    s.code(ada, "101", "*521");
    s.call("201");
    s.dial(ada, "101", "*53");
    assert!(matches!(s.agent("101"), Some(AgentState::Reserved(_))), "he hears the answer");
    s.hang_up(ada);
    s.world.run(SECOND);
    assert!(matches!(s.agent("101"), Some(AgentState::Offered(_))), "and then the caller who waits is his");
}

#[test]
fn an_agent_who_talks_says_on_a_second_line_that_he_takes_a_break() {
    let mut s = Scene::of(company_with_codes());
    let ada = s.ada;
    s.call("201");
    s.answer(ada);
    assert_eq!(s.code(ada, "101", "*521"), "agent/paused");
    assert!(matches!(s.agent("101"), Some(AgentState::InCall(_))), "his call goes on");
    s.hang_up(s.caller);
    s.world.run(60 * SECOND);
    assert_eq!(s.agent("101"), Some(AgentState::OnBreak));
}
