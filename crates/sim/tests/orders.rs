//! All orders of what crosses in a queue's call, with the strategy longest-idle (`sim::orders` says what an order is and what must hold).
#![allow(clippy::panic, reason = "this is test code")]

use std::time::Duration;

use sim::Deed::{Answer, HangUp, Refuse, Ring};
use sim::orders::{Crossing, MAX_WAIT, RING};
use sim::{Company, Deed};

/// All orders hold, and there are at least so many.
fn hold(crossing: &Crossing, at_least: usize) {
    let tried = crossing.try_all().unwrap_or_else(|failed| panic!("{failed}"));
    println!("{tried:?}");
    assert!(tried.orders >= at_least, "{tried:?}");
}

fn call(number: &str) -> Deed {
    Deed::Call(number.to_owned())
}

/// Carol's call, one agent.
fn one(agent: &str) -> Crossing {
    Crossing::of(&["carol"], &[agent])
}

/// Carol's call, two agents; the first one's phone rings.
fn two() -> Crossing {
    Crossing::of(&["carol"], &["101", "102"]).after("carol", call("201"))
}

#[test]
fn the_caller_goes_while_the_agent_answers() {
    let crossing = one("101").with_row("carol", [call("201"), HangUp]).with_row("101", [Ring, Answer]);
    hold(&crossing, 10);
    hold(&crossing.clone().with_slow_media(), 90);
    hold(&crossing.reliably(), 10);
}

#[test]
fn the_caller_goes_while_the_agent_declines_or_answers() {
    for status in [486, 603, 480, 503, 302] {
        let crossing = Crossing::of(&["carol"], &["101", "102"]).with_row("carol", [call("201"), HangUp]);
        let crossing = crossing.with("101", Ring).with("101", Answer).with("101", Refuse(status));
        hold(&crossing.with("102", Ring).with("102", Answer).with("102", Refuse(status)), 60);
    }
}

#[test]
fn all_hang_up_at_once() {
    let crossing = two().with("carol", HangUp).with_row("101", [Answer, HangUp]);
    hold(&crossing.clone().with_the_call_ended(), 80);
    let crossing = Crossing::of(&["carol", "dave"], &["101"]).after("carol", call("201")).after("101", Answer);
    let crossing = crossing.with("carol", HangUp).with("101", HangUp).with_row("dave", [call("201"), HangUp]);
    hold(&crossing.with_time(Duration::from_millis(50)), 700);
}

#[test]
fn the_ring_time_is_over_while_the_agent_answers() {
    let crossing = two().with_time(RING).with("101", Answer).with("101", Refuse(603)).with_row("102", [Ring, Answer]);
    hold(&crossing, 20);
    hold(&crossing.clone().with("101", Ring).with("carol", HangUp), 1800);
    hold(&crossing.with_time(RING), 500);
}

#[test]
fn the_caller_has_waited_long_enough_while_an_agent_answers() {
    let crossing = two().impatiently().with("101", Answer).with("102", Answer);
    let crossing = crossing.with_time(RING).with_time(MAX_WAIT - RING);
    hold(&crossing.clone().with("101", Ring), 1200);
    hold(&crossing.with("carol", HangUp), 400);
}

#[test]
fn two_callers_and_two_agents_meet() {
    let crossing = Crossing::of(&["carol", "dave"], &["101", "102"]);
    let crossing = crossing.with("carol", call("201")).with_row("dave", [call("201")]);
    hold(&crossing.clone().with("101", Answer).with("102", Answer), 20);
    let crossing = Crossing::of(&["carol", "dave"], &["101", "102"]).after("carol", call("201"));
    let crossing = crossing.with("carol", HangUp).with_row("dave", [call("201"), HangUp]);
    let crossing = crossing.with("101", Answer).with("101", Refuse(486)).with("102", Answer);
    hold(&crossing.clone(), 650);
    hold(&crossing.with_row("101", [Answer, HangUp]), 4500);
}

#[test]
fn two_callers_want_one_agent() {
    let crossing = Crossing::of(&["carol", "dave"], &["101"]).after("carol", call("201")).after("dave", call("201"));
    let crossing = crossing.with("carol", HangUp).with("dave", HangUp).with("101", Ring).with("101", Answer);
    hold(&crossing.clone().with("101", Answer), 80);
    hold(&crossing.with("101", Refuse(486)).with_time(RING), 800);
}

#[test]
fn the_agent_logs_out() {
    let crossing = one("103").after("103", Deed::Register).with("103", Deed::Unregister);
    let crossing = crossing.with_row("carol", [call("201"), HangUp]).with("103", Answer);
    hold(&crossing, 100);
    let crossing = Crossing::of(&["carol", "dave"], &["103"]).after("103", Deed::Register).after("carol", call("201"));
    let crossing = crossing.with("103", Answer).with("103", HangUp).with("dave", call("201"));
    hold(&crossing.with("103", Deed::Unregister), 30);
    let crossing = Crossing::of(&["carol"], &["103", "101"]).after("103", Deed::Register).after("carol", call("201"));
    let crossing = crossing.with_row("103", [Deed::Unregister, Deed::Register]).with("103", Ring).with("103", Answer);
    hold(&crossing.with("101", Answer).with("carol", HangUp), 900);
}

#[test]
fn the_agents_phone_dies() {
    let crossing = two().with("101", Deed::Vanish).with("101", Ring).with("101", Answer).with("102", Answer);
    hold(&crossing.clone().with_time(RING).with("carol", HangUp), 600);
    hold(&crossing.clone().with_time(RING).with("carol", Deed::Vanish), 80);
    hold(&crossing.with_row("carol", [HangUp, call("201")]), 250);
}

#[test]
fn the_configuration_is_read_anew() {
    for company in
        [Company::Whole, Company::Without101, Company::Without102, Company::WithoutQueues, Company::Impatient]
    {
        let crossing = two().with("101", Ring).with("101", Answer).with("102", Answer).with("carol", HangUp);
        hold(&crossing.clone().with_reloads([company]), 35);
        hold(&crossing.with("101", Refuse(603)).with_reloads([company, Company::Whole]), 200);
    }
}

#[test]
fn the_configuration_is_read_anew_as_the_ring_time_is_over() {
    for company in [Company::Without101, Company::Without102, Company::WithoutQueues, Company::Impatient] {
        let crossing = two().with("101", Answer).with("102", Answer).with_time(RING);
        hold(&crossing.clone().with_reloads([company, Company::Whole]), 60);
        let crossing = crossing.with("101", Refuse(603)).with_time(MAX_WAIT - RING);
        hold(&crossing.with_reloads([company]), 250);
    }
    let crossing = two().with("101", Answer).with("102", Answer).with("101", Refuse(603)).with("carol", HangUp);
    hold(&crossing.with_time(RING).with_reloads([Company::WithoutQueues, Company::Whole]), 1200);
}

#[test]
fn the_agent_is_dialled_directly() {
    let crossing = Crossing::of(&["carol", "dave"], &["101", "102"]).with("carol", call("201")).with("102", Answer);
    let crossing = crossing.with("101", Answer).with("101", Refuse(486));
    hold(&crossing.with_row("dave", [call("101"), HangUp]), 140);
    let crossing = Crossing::of(&["carol", "dave"], &["101"]).after("carol", call("201")).with("101", Answer);
    let crossing = crossing.with_row("dave", [call("101"), HangUp]).with("carol", HangUp).with("101", Answer);
    hold(&crossing.with("101", HangUp), 700);
}

#[test]
fn the_agent_calls_somebody_himself() {
    let crossing = Crossing::of(&["carol"], &["101", "102"]).with("carol", call("201"));
    let crossing = crossing.with_row("101", [call("102"), HangUp]).with("101", Answer).with("102", Answer);
    hold(&crossing.with("carol", HangUp).with("102", Refuse(486)), 1600);
}

#[test]
fn a_menu_leads_to_the_queue_and_on() {
    let crossing = Crossing::of(&["carol"], &["101"]).after("carol", call("1000"));
    let crossing = crossing.with("carol", Deed::Press('1')).with("carol", HangUp).with("101", Ring).with("101", Answer);
    hold(&crossing.clone().with("101", HangUp), 25);
    hold(&crossing.with("101", Refuse(480)).with_slow_media(), 70);
}

#[test]
fn an_order_is_played_again_by_its_words() {
    let crossing = one("101").with_row("carol", [call("201"), HangUp]).with("101", Answer);
    let late = "carol call 201, carol>, >carol, carol>, >101, 101 answer, carol hang_up, carol>, >carol, 101>";
    crossing.replay(late).unwrap_or_else(|failed| panic!("{failed}"));
    let failed = crossing.replay("carol call 201, >101").map_err(|failed| failed.to_string());
    let told = failed.expect_err("101 was offered nothing yet");
    assert!(told.contains("there is no step `>101` here, but carol hang_up, carol>"), "{told}");
}
