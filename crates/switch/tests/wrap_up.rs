//! After a call: what agents say came of it, that they are done, that they want more time.
//!
//! Covered: dispositions in the call and after it, by phone and operator, the last word counts · the record waits for them, and not without
//! them · wrap-up ended and extended up to its longest · what is refused · the number asked for by keys · the switch ends meanwhile.
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
use journal::{Kind, StatusBy};
use sim::{company, feature_codes};
use switch::Config;
use switch::control::{NotSaid, Request, Response, Saying};

/// Wrap-ups of 30 s, 50 s in all.
fn company_with_dispositions() -> Config {
    let mut config = company();
    config.duties.dispositions = [("sold".into(), 1), ("callback".into(), 2)].into();
    config.duties.codes = feature_codes();
    (config.queues[0].wrap_up, config.queues[0].wrap_up_max) = (30 * SECOND, 50 * SECOND);
    config
}

impl Scene {
    fn say(&mut self, agent: &str, saying: Saying) -> Response {
        let request = Request::SetAgent { agent: agent.into(), saying, by: "ada (uid 0)".to_owned() };
        let response = self.world.switch.handle_control(self.world.now, request);
        self.world.react();
        response
    }

    /// Somebody dials a code and hears the answer; true if it is the one of what is done.
    fn code(&mut self, who: SocketAddr, me: &str, code: &str) -> bool {
        self.dial(who, me, code);
        let done = self.answer_of_code();
        self.hang_up(who);
        self.world.run(SECOND);
        done
    }

    /// There are no prompts for codes here.
    fn answer_of_code(&self) -> bool {
        let said = self.played();
        assert!(["beep", "congestion"].contains(&&*said), "{said}");
        said == "beep"
    }

    /// What was said of calls: the agent, what, by what, and by whom.
    fn words(&self) -> Vec<(String, String, StatusBy, String)> {
        let words = self.world.journal.iter().filter_map(|event| match &event.kind {
            Kind::Disposition(said) => {
                assert!(event.call.is_some());
                Some((said.agent.to_string(), said.code.to_string(), said.by, said.who.clone()))
            }
            _ => None,
        });
        words.collect()
    }

    /// What the records of calls to the queue have of it.
    fn recorded(&self) -> Vec<Vec<(String, String)>> {
        let of_queue = self.world.cdrs.iter().filter(|cdr| cdr.queue.is_some());
        let codes = |cdr: &journal::Cdr| {
            cdr.dispositions.iter().map(|said| (said.agent.to_string(), said.code.to_string())).collect()
        };
        of_queue.map(codes).collect()
    }
}

fn sold() -> Saying {
    Saying::Disposition { code: "sold".into() }
}

/// A caller talks with agent 101.
fn talking(config: Config) -> Scene {
    let mut s = Scene::of(config);
    s.call("201");
    s.answer(s.ada);
    assert!(matches!(s.agent("101"), Some(AgentState::InCall(_))));
    s
}

#[test]
fn the_last_word_on_a_call_is_in_its_record_which_waits_for_the_end_of_the_wrap_up() {
    let mut s = talking(company_with_dispositions());
    let ada = s.ada;
    assert!(matches!(s.say("101", sold()), Response::Agent(_)), "while he talks");
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!((s.agent("101"), s.recorded().len()), (Some(AgentState::WrapUp), 0));
    assert_eq!(s.world.switch.live_calls(), 0, "its book alone is open");
    assert!(s.code(ada, "101", "*562"));
    assert_eq!(s.recorded().len(), 0);
    s.world.run(10 * SECOND);
    assert!(s.code(ada, "101", "*54"));
    assert_eq!(s.agent("101"), Some(AgentState::Idle));
    let said = |code: &str, by, who: &str| ("101".to_owned(), code.to_owned(), by, who.to_owned());
    assert_eq!(s.words(), [said("sold", StatusBy::Operator, "ada (uid 0)"), said("callback", StatusBy::Phone, "")]);
    assert_eq!(s.recorded(), [[("101".to_owned(), "callback".to_owned())]]);
    let cdr = s.world.cdrs.iter().find(|cdr| cdr.queue.is_some()).unwrap();
    assert!(cdr.duration_ms < 5_000, "a wrap-up is no part of the call: {}", cdr.duration_ms);
    s.end_all(3);
}

#[test]
fn without_dispositions_no_record_waits() {
    let mut config = company_with_dispositions();
    config.duties.dispositions.clear();
    let mut s = talking(config);
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!((s.agent("101"), s.recorded().len()), (Some(AgentState::WrapUp), 1));
}

#[test]
fn a_wrap_up_is_extended_to_its_longest_and_ends() {
    let mut s = talking(company_with_dispositions());
    let ada = s.ada;
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert!(matches!(s.say("101", Saying::ExtendWrapUp), Response::Agent(_)));
    assert!(!s.code(ada, "101", "*55"), "it is as long as it may be");
    assert_eq!(s.say("101", Saying::ExtendWrapUp), Response::NotSaid { why: NotSaid::Longest });
    s.world.run(40 * SECOND);
    assert_eq!((s.agent("101"), s.recorded().len()), (Some(AgentState::WrapUp), 0));
    s.world.run(10 * SECOND);
    assert_eq!((s.agent("101"), s.recorded()), (Some(AgentState::Idle), vec![vec![]]));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut s = Scene::of(company_with_dispositions());
    let ada = s.ada;
    let not = |why| Response::NotSaid { why };
    assert_eq!(s.say("101", sold()), not(NotSaid::NoCall));
    assert_eq!(s.say("101", Saying::EndWrapUp), not(NotSaid::NoWrapUp));
    assert_eq!(s.say("101", Saying::ExtendWrapUp), not(NotSaid::NoWrapUp));
    assert_eq!(s.say("nobody", sold()), not(NotSaid::NoSuchAgent));
    let known = vec!["callback".into(), "sold".into()];
    assert_eq!(s.say("101", Saying::Disposition { code: "lost".into() }), Response::NoSuchDisposition { known });
    for code in ["*54", "*55", "*56", "*561", "*569"] {
        assert!(!s.code(ada, "101", code), "{code}");
    }
    assert_eq!(s.words(), []);
}

#[test]
fn an_agent_who_names_no_number_is_asked_for_it() {
    let mut s = talking(company_with_dispositions());
    let ada = s.ada;
    s.hang_up(s.caller);
    s.world.run(SECOND);
    s.dial(ada, "101", "*56");
    s.press('2');
    s.press('#');
    assert!(s.answer_of_code());
    assert_eq!(s.words(), [("101".to_owned(), "callback".to_owned(), StatusBy::Phone, String::new())]);
}

#[test]
fn a_switch_that_ends_closes_the_books_that_are_open() {
    let mut s = talking(company_with_dispositions());
    s.say("101", sold());
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!(s.recorded().len(), 0);
    s.world.switch.handle_stopped(s.world.now, "asked");
    s.world.react();
    assert_eq!(s.recorded(), [[("101".to_owned(), "sold".to_owned())]]);
    assert!(s.world.cdrs.iter().all(|cdr| !cdr.cut));
}
