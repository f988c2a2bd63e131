//! All orders of what crosses when a queue rings all its agents at once (`sim::orders` says what an order is and what must hold):
//! whoever answers first has the call, every other phone is let go (CANCEL, or ACK and BYE where it answered too late) and
//! its agent does not rest.
#![allow(clippy::panic, reason = "this is test code")]

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

/// Carol's call rings all of these.
fn ringing(agents: &[&str]) -> Crossing {
    let crossing = Crossing::of(&["carol"], agents).ringing_all().after("carol", call("201"));
    agents.iter().fold(crossing, |crossing, agent| crossing.after(agent, Ring))
}

#[test]
fn all_answer_at_once() {
    hold(&ringing(&["101", "102"]).with("101", Answer).with("102", Answer), 4);
    // Phones that have said nothing yet cannot be cancelled (RFC 3261 9.1).
    let mute = Crossing::of(&["carol"], &["101", "102"]).ringing_all().after("carol", call("201"));
    hold(&mute.with("101", Ring).with("101", Answer).with("102", Ring).with("102", Answer), 20);
}

#[test]
fn the_caller_goes_while_they_answer() {
    let crossing = ringing(&["101", "102"]).with("carol", HangUp).with("101", Answer).with("102", Answer);
    hold(&crossing, 70);
    hold(&crossing.clone().reliably(), 70);
    hold(&crossing.with_slow_media(), 4000);
}

#[test]
fn one_answers_while_another_declines() {
    for status in [486, 603, 503] {
        let crossing = ringing(&["101", "102"]).with("101", Answer).with("102", Refuse(status));
        hold(&crossing.clone().with("carol", HangUp), 40);
        hold(&crossing.with("101", Refuse(status)).with("102", Answer), 10);
    }
}

#[test]
fn the_ring_time_is_over_while_they_answer() {
    let crossing = ringing(&["101", "102"]).with_time(RING).with("101", Answer).with("102", Answer);
    hold(&crossing, 60);
    hold(&crossing.with("carol", HangUp), 800);
}

#[test]
fn he_has_waited_long_enough_while_they_answer() {
    let crossing = ringing(&["101", "102"]).impatiently().with("101", Answer).with("102", Answer);
    hold(&crossing.with_time(RING).with_time(MAX_WAIT - RING), 3500);
}

#[test]
fn another_agent_becomes_free_while_it_rings() {
    // 102 talks with dave when carol's call comes: it rings 101 alone, and 102 too once he is free.
    let crossing = Crossing::of(&["carol", "dave"], &["101", "102"]).ringing_all();
    let crossing =
        crossing.after("dave", call("201")).after("101", Ring).after("102", Answer).after("carol", call("201"));
    let crossing = crossing.with("102", HangUp).with("102", Answer).with("101", Answer);
    hold(&crossing.clone(), 3);
    hold(&crossing.with("carol", HangUp), 18);
}

#[test]
fn two_callers_ring_all() {
    let crossing = Crossing::of(&["carol", "dave"], &["101", "102"]).ringing_all().after("carol", call("201"));
    let crossing = crossing.after("101", Ring).after("102", Ring);
    let crossing = crossing.with_row("dave", [call("201")]).with("101", Answer).with("102", Answer);
    hold(&crossing.clone().with("101", Answer).with("102", Answer), 180);
    hold(&crossing.with("carol", HangUp), 2700);
}

#[test]
fn a_phone_dies_or_logs_out_while_it_rings() {
    let crossing = ringing(&["101", "102"]).with("101", Deed::Vanish).with("101", Answer).with("102", Answer);
    hold(&crossing.clone(), 10);
    hold(&crossing.with("carol", HangUp), 160);
    let crossing = Crossing::of(&["carol"], &["103", "101"]).ringing_all().after("103", Deed::Register);
    let crossing = crossing.after("carol", call("201")).with_row("103", [Deed::Unregister, Deed::Register]);
    hold(&crossing.with("103", Answer).with("101", Answer), 250);
}

#[test]
fn the_configuration_is_read_anew() {
    for company in [Company::Whole, Company::Without101, Company::Without102, Company::WithoutQueues] {
        let crossing = ringing(&["101", "102"]).with("101", Answer).with("102", Answer);
        hold(&crossing.clone().with_reloads([company]), 17);
        hold(&crossing.with("101", Refuse(603)).with_reloads([company, Company::Whole]), 60);
    }
}
