//! What agents say of themselves: by operators, by registering, over restarts and reloads.
//!
//! Covered: logged out, in, on a break, ready by an operator, each told with who it was · unknown agents and reasons · a break
//! outlives a lost phone, a restart and a reload, and ends when the phone is taken back · log-in by code · the list of
//! agents with what they do, since when and with whom · paused by the switch itself, who missed too many calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use acd::AgentState;
use common::{SECOND, Scene};
use journal::{AgentStatus, Kind, StatusBy};
use sim::company;
use switch::control::{AgentLine, AgentPage, NotSaid, Request, Response, Saying};
use switch::{Config, Login};

fn company_with_breaks() -> Config {
    let mut config = company();
    config.duties.breaks = [("lunch".into(), 1), ("coaching".into(), 2)].into();
    config
}

fn lunch() -> Saying {
    Saying::Pause { reason: "lunch".into() }
}

impl Scene {
    fn ask(&mut self, request: Request) -> Response {
        let response = self.world.switch.handle_control(self.world.now, request);
        self.world.react();
        response
    }

    fn say(&mut self, agent: &str, saying: Saying) -> Response {
        self.ask(Request::SetAgent { agent: agent.into(), saying, by: "ada (uid 0)".to_owned() })
    }

    fn line(&mut self, agent: &str) -> AgentLine {
        let Response::Agents(AgentPage { agents, next: None, .. }) =
            self.ask(Request::Agents { after: None, limit: 0 })
        else {
            panic!("no page")
        };
        agents.into_iter().find(|line| *line.agent == *agent).unwrap()
    }

    /// What the journal says of an agent, with its reason, by what, and by whom.
    fn told(&self, agent: &str) -> Vec<(AgentStatus, Option<String>, StatusBy, String)> {
        let told = self.world.journal.iter().filter_map(|event| match &event.kind {
            Kind::AgentStatus(status) if *status.agent == *agent => {
                assert_eq!(event.call, None);
                Some((status.status, status.reason.as_deref().map(str::to_owned), status.by, status.who.clone()))
            }
            _ => None,
        });
        told.collect()
    }
}

#[test]
fn an_operator_has_an_agent_pause_and_a_caller_waits_for_him() {
    let mut s = Scene::of(company_with_breaks());
    let both = |s: &mut Scene, saying: Saying| ["101", "102"].map(|agent| s.say(agent, saying.clone()));
    let [first, _] = both(&mut s, lunch());
    let Response::Agent(line) = first else { panic!("{first:?}") };
    assert_eq!((line.status, line.reason.as_deref(), &*line.state), (AgentStatus::Break, Some("lunch"), "on_break"));
    s.call("1000");
    s.press('1');
    s.world.run(5 * SECOND);
    assert_eq!(s.agent("101"), Some(AgentState::OnBreak), "nobody rings him");
    both(&mut s, Saying::Ready);
    s.world.run(SECOND);
    assert!(matches!(s.agent("101"), Some(AgentState::Offered(_))), "the caller had waited");
    let by = (StatusBy::Operator, "ada (uid 0)".to_owned());
    assert_eq!(
        s.told("101"),
        [
            (AgentStatus::Available, None, StatusBy::Start, String::new()),
            (AgentStatus::Break, Some("lunch".to_owned()), by.0, by.1.clone()),
            (AgentStatus::Available, None, by.0, by.1),
        ]
    );
}

#[test]
fn what_an_agent_cannot_be_is_refused_and_told_why() {
    let mut s = Scene::of(company_with_breaks());
    let not = |why| Response::NotSaid { why };
    assert_eq!(s.say("1", Saying::Login), not(NotSaid::NoSuchAgent));
    let known = vec!["coaching".into(), "lunch".into()];
    assert_eq!(s.say("101", Saying::Pause { reason: "tea".into() }), Response::NoSuchReason { known });
    assert!(matches!(s.say("101", Saying::Logout), Response::Agent(_)));
    assert_eq!(s.agent("101"), Some(AgentState::LoggedOut));
    assert_eq!(s.say("101", lunch()), not(NotSaid::LoggedOut));
    assert_eq!(s.say("101", Saying::Ready), not(NotSaid::LoggedOut));
    let told = s.told("101").len();
    assert!(matches!(s.say("101", Saying::Logout), Response::Agent(_)), "he is that already");
    assert_eq!(s.told("101").len(), told, "nothing new");
    assert!(matches!(s.say("101", Saying::Login), Response::Agent(_)));
    s.say("101", lunch());
    assert!(matches!(s.say("101", Saying::Login), Response::Agent(_)));
    assert_eq!(s.agent("101"), Some(AgentState::OnBreak), "he was logged in already");
}

#[test]
fn a_break_outlives_a_reload_and_a_restart() {
    let mut s = Scene::of(company_with_breaks());
    s.say("101", lunch());
    let began = s.line("101").status_since;
    s.world.run(SECOND);
    s.world.reconfigure(company_with_breaks());
    assert_eq!(s.agent("101"), Some(AgentState::OnBreak));
    s.world.restart();
    assert_eq!(s.agent("101"), Some(AgentState::OnBreak));
    assert_eq!(s.agent("102"), Some(AgentState::Idle));
    assert_eq!(s.line("101").status_since, began);
    let last = s.told("101").pop().unwrap();
    assert_eq!(last, (AgentStatus::Break, Some("lunch".to_owned()), StatusBy::Start, String::new()));
    s.say("101", Saying::Ready);
    assert_eq!(s.agent("101"), Some(AgentState::Idle));
}

#[test]
fn where_agents_log_in_by_code_nobody_is_there_until_he_says_so() {
    let mut config = company_with_breaks();
    config.duties.login = Login::Code;
    let mut s = Scene::of(config.clone());
    assert_eq!(s.agent("101"), Some(AgentState::LoggedOut));
    assert_eq!(s.told("101"), []);
    s.say("101", Saying::Login);
    assert_eq!(s.agent("101"), Some(AgentState::Idle));
    s.world.restart();
    assert_eq!((s.agent("101"), s.agent("102")), (Some(AgentState::Idle), Some(AgentState::LoggedOut)));
    config.duties.login = Login::Registration;
    s.world.reconfigure(config);
    assert_eq!(s.agent("102"), Some(AgentState::Idle));
    assert_eq!(s.told("102").pop().unwrap().2, StatusBy::Configuration);
}

#[test]
fn who_declines_twice_in_a_row_is_on_a_break_until_he_is_ready() {
    let mut config = company_with_breaks();
    config.queues[0].agents = vec!["101".into()];
    config.queues[0].penalties.declined.pause_after = Some(2);
    let mut s = Scene::of(config);
    let declined = |s: &mut Scene| {
        s.call("201");
        s.world.with_phone(s.ada, |phone, now| phone.refuse(now, 603));
        s.world.run(SECOND);
        s.hang_up(s.caller);
        s.world.run(60 * SECOND);
    };
    declined(&mut s);
    s.say("101", Saying::Ready);
    declined(&mut s);
    assert_eq!(s.agent("101"), Some(AgentState::Idle), "his word ended the row");
    declined(&mut s);
    assert_eq!(s.agent("101"), Some(AgentState::OnBreak));
    let paused = (AgentStatus::Break, Some("declined".to_owned()), StatusBy::Automatic, String::new());
    assert_eq!(s.told("101").last(), Some(&paused));
    s.world.restart();
    assert_eq!(s.line("101").reason.as_deref(), Some("declined"), "kept");
    s.say("101", Saying::Ready);
    assert_eq!(s.agent("101"), Some(AgentState::Idle));
}

#[test]
fn an_operator_sees_with_whom_agents_talk_and_how_often_today() {
    let mut s = Scene::of(company_with_breaks());
    s.call("1000");
    s.press('1');
    s.answer(s.ada);
    s.world.run(9 * SECOND);
    let line = s.line("101");
    assert_eq!((&*line.state, line.caller.reveal().as_str(), line.calls_today), ("in_call", "4930123", 1));
    assert!(line.call.is_some());
    let since = |at| s.world.now.wall.since(at).as_secs();
    assert_eq!((since(line.state_since), line.queues.contains(&"sales".into())), (10, true));
    s.hang_up(s.ada);
    s.world.run(90 * 3_600 * SECOND);
    assert_eq!(s.line("101").calls_today, 0, "another day");
}
