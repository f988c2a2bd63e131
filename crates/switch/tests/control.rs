//! What operators ask of the switch machine: status, pages of calls, hang-up, drain.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::time::Duration;

use base::CallId;
use common::{QUIET, SECOND, Scene};
use journal::{Disposition, Kind, Party};
use sim::company;
use switch::control::{MAX_PAGE, Page, Place, Queue, Request, Response, Status};

impl Scene {
    fn ask(&mut self, request: Request) -> Response {
        let response = self.world.switch.handle_control(self.world.now, request);
        self.world.react();
        response
    }

    fn status(&mut self) -> Status {
        let Response::Status(status) = self.ask(Request::Status) else { panic!("no status") };
        status
    }

    fn page(&mut self, after: Option<CallId>, limit: u16) -> Page {
        let Response::Calls(page) = self.ask(Request::Calls { after, limit }) else { panic!("no page") };
        page
    }

    fn place(&mut self) -> Place {
        let page = self.page(None, 0);
        let [call] = &*page.calls else { panic!("{page:?}") };
        call.place.clone()
    }

    fn sales(&mut self) -> Queue {
        self.status().queues.remove(0)
    }

    /// So many callers dial, and a second goes by.
    fn calls(&mut self, callers: u16, number: &str) {
        for port in 6_000..6_000 + callers {
            let caller = self.world.phone(&format!("127.0.0.2:{port}"));
            self.world.with_phone(caller, |phone, now| phone.call(now, "4930123", number));
        }
        self.world.run(SECOND);
    }
}

#[test]
fn a_call_is_listed_where_it_is_at_each_step() {
    let mut s = Scene::without_alan();
    assert_eq!(s.page(None, 0), Page::default());
    s.call("1000");
    let line = s.page(None, 0).calls.remove(0);
    assert_eq!((&**line.from.reveal(), &**line.to.reveal()), ("4930123", "1000"));
    assert_eq!(s.world.now.wall.since(line.since), SECOND);
    assert_eq!(line.place, Place::Flow { flow: "main".into(), node: "menu".into() });
    s.press('1');
    assert_eq!(s.place(), Place::Queue { queue: "sales".into() });
    s.answer(s.ada);
    assert_eq!(s.place(), Place::Talking { user: "101".into() });
}

#[test]
fn a_dialled_user_rings_for_the_call() {
    let mut s = Scene::without_alan();
    s.call("101");
    assert_eq!(s.place(), Place::Dialling { user: "101".into() });
}

#[test]
fn pages_show_each_call_once_in_the_order_of_their_beginning() {
    let mut s = Scene::without_alan();
    s.calls(7, "1000");
    let all: Vec<CallId> = s.page(None, 0).calls.iter().map(|call| call.call).collect();
    assert!(all.len() == 7 && all.is_sorted());
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = s.page(after, 3);
        assert!(page.total == 7 && page.calls.len() <= 3);
        seen.extend(page.calls.iter().map(|call| call.call));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    // A full last page has no next one, and a page's bound is never taken away.
    assert_eq!(s.page(None, 7).next, None);
    assert_eq!(s.page(None, MAX_PAGE + 1).calls.len(), 7);
    assert_eq!(s.page(Some(all[6]), 3), Page { total: 7, ..Page::default() });
}

#[test]
fn a_page_goes_on_after_a_call_that_is_over() {
    let mut s = Scene::without_alan();
    s.calls(3, "1000");
    let all: Vec<CallId> = s.page(None, 0).calls.iter().map(|call| call.call).collect();
    assert_eq!(s.ask(Request::Hangup { call: all[1] }), Response::HungUp);
    s.world.run(SECOND);
    let rest = s.page(Some(all[1]), 0);
    assert_eq!((rest.total, rest.calls.len(), rest.calls[0].call), (2, 1, all[2]));
}

#[test]
fn a_number_as_long_as_a_datagram_is_cut() {
    let mut s = Scene::without_alan();
    s.dial(s.caller, &"4".repeat(3_000), "1000");
    assert_eq!(s.page(None, 0).calls[0].from.reveal().len(), 64);
}

#[test]
fn hang_up_in_a_talk_ends_both_sides_and_the_record_says_who_did_it() {
    let mut s = Scene::without_alan();
    s.call("1000");
    s.press('1');
    s.answer(s.ada);
    s.world.run(9 * SECOND);
    let call = s.only_call();
    assert_eq!(s.ask(Request::Hangup { call }), Response::HungUp);
    assert_eq!(s.ask(Request::Hangup { call }), Response::NoSuchCall);
    let cdr = s.end();
    assert_eq!((cdr.disposition, cdr.hung_up_by), (Disposition::Answered, Some(Party::System)));
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::HungUp { cause, .. } if &**cause == "operator")), 1);
    assert_eq!(s.sales().agents.in_call, 0, "the agent is free again");
}

#[test]
fn hang_up_at_each_step_leaves_nothing_behind() {
    for (number, key, answer) in
        [("1000", None, false), ("1000", Some('1'), false), ("101", None, false), ("201", None, true)]
    {
        let mut s = Scene::without_alan();
        s.call(number);
        if let Some(key) = key {
            s.press(key);
        }
        if answer {
            s.world.with_phone(s.ada, |phone, now| phone.answer(now));
        }
        let call = s.only_call();
        assert_eq!(s.ask(Request::Hangup { call }), Response::HungUp);
        s.world.run(QUIET);
        assert!(s.world.switch.is_quiet(), "{number} {key:?}: {:?}", s.world.switch);
        assert_eq!(s.world.cdrs.len(), 1, "{number} {key:?}");
    }
}

#[test]
fn hang_up_takes_the_call_from_a_ringing_agent_at_once() {
    let mut s = Scene::without_alan();
    s.call("201");
    let call = s.only_call();
    let now = s.world.now;
    // Nothing else comes in that would make the switch go on.
    assert_eq!(s.world.switch.handle_control(now, Request::Hangup { call }), Response::HungUp);
    let mut events = std::iter::from_fn(|| s.world.switch.poll_journal());
    assert!(events.any(|event| matches!(event.kind, Kind::OfferEnded(_))), "his phone rings on");
}

#[test]
fn a_call_that_is_ending_is_listed_as_such_and_not_hung_up_again() {
    let mut s = Scene::without_alan();
    s.call("1000");
    let call = s.only_call();
    let now = s.world.now;
    // Its media has not closed yet: nobody has taken the command to.
    assert_eq!(s.world.switch.handle_control(now, Request::Hangup { call }), Response::HungUp);
    assert_eq!(s.world.switch.handle_control(now, Request::Hangup { call }), Response::NoSuchCall);
    let Response::Calls(page) = s.world.switch.handle_control(now, Request::Calls { after: None, limit: 0 }) else {
        panic!("no page")
    };
    assert_eq!(page.calls[0].place, Place::Ending);
}

#[test]
fn a_call_that_never_was_is_not_hung_up() {
    let mut s = Scene::without_alan();
    s.call("1000");
    assert_eq!(s.ask(Request::Hangup { call: CallId::from_raw(1) }), Response::NoSuchCall);
    assert_eq!(s.page(None, 0).total, 1);
}

#[test]
fn status_counts_calls_legs_and_agents() {
    let mut s = Scene::without_alan();
    let before = s.status();
    assert_eq!((before.calls, before.legs, before.max_calls, before.draining), (0, 0, 2_000, false));
    assert_eq!(before.queues[0].agents.idle, 2);
    s.calls(3, "201");
    s.world.run(4 * SECOND);
    let status = s.status();
    let queue = &status.queues[0];
    // 101 rings; the phone of 102 cannot be reached, so he rings until his time is over.
    assert_eq!((status.calls, status.legs, status.sessions), (3, 5, 5));
    assert_eq!((&*queue.name, queue.waiting, queue.offered), ("sales", 1, 2));
    assert_eq!((queue.agents.idle, queue.agents.offered), (0, 2));
    assert_eq!(queue.longest_wait_ms / 1_000, 5, "{queue:?}");
    s.world.with_phone(s.ada, |phone, now| phone.answer(now));
    assert_eq!((s.sales().agents.in_call, s.sales().offered), (1, 1));
    assert_eq!(s.world.now.wall.since(status.started), 5 * SECOND);
}

#[test]
fn drain_takes_no_new_call_and_ends_the_others_after_the_grace_time() {
    let mut s = Scene::without_alan();
    s.calls(2, "1000");
    assert_eq!(s.ask(Request::Drain { grace_s: Some(30) }), Response::Draining { calls: 2, already: false });
    assert!(s.status().draining && s.world.switch.is_draining());
    assert_eq!(s.ask(Request::Drain { grace_s: Some(0) }), Response::Draining { calls: 2, already: true });
    let late = s.world.phone("127.0.0.2:7000");
    s.world.with_phone(late, |phone, now| phone.call(now, "4930123", "1000"));
    s.world.run(3 * SECOND);
    assert_eq!(s.page(None, 0).total, 2, "a new call is taken, or a second drain cut the first one's grace short");
}

#[test]
fn drain_keeps_to_its_grace_time() {
    let grace = |request: Option<u32>| {
        let mut config = company();
        config.limits.grace = Duration::from_secs(7);
        let mut s = Scene::of(config);
        s.call("1000");
        s.ask(Request::Drain { grace_s: request });
        let began = s.world.now.monotonic;
        while s.world.switch.live_calls() > 0 {
            s.world.run(Duration::from_millis(100));
            // The menu would end the call by itself: it has the caller's patience.
            if s.world.now.monotonic.since(began) > 10 * SECOND {
                break;
            }
        }
        s.world.now.monotonic.since(began).as_millis() / 100
    };
    assert_eq!((grace(Some(0)), grace(Some(3)), grace(None)), (1, 30, 70));
}
