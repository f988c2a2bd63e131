//! What phones are told by SUBSCRIBE: the calls of others (busy lamps), and whether messages wait.
//!
//! RFC 6665: 4.2.1.1 (423, 489, 403), 4.2.1.2 (a NOTIFY at once), 4.2.2 (ends); RFC 4235: 3.7.1 (states and events), 4.1.1 (versions);
//! RFC 3842: 5.2; RFC 3891: 3 (the names that are told are those of a Replaces).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::net::SocketAddr;

use common::{QUIET, SECOND, Scene};
use sim::{Seen, company};
use sip::Transport;
use switch::{Config, Place, User, Watchers};

/// A console that watches, at an address where no phone of `sim` is.
struct Console {
    me: &'static str,
    address: SocketAddr,
    said: u32,
    /// The answer to its SUBSCRIBE.
    answer: String,
    notifies: Vec<String>,
    /// It answers what it is told.
    answers: bool,
}

fn header<'t>(text: &'t str, name: &str) -> &'t str {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
}

fn status(text: &str) -> u16 {
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

impl Console {
    /// The one of user 102, who is known by his address.
    fn new() -> Self {
        Self::of("102", "127.0.0.1:5079")
    }

    fn of(me: &'static str, address: &str) -> Self {
        let address = address.parse().unwrap();
        Self { me, address, said: 0, answer: String::new(), notifies: Vec::new(), answers: true }
    }

    /// Subscribes; the status that it gets.
    fn subscribe(&mut self, s: &mut Scene, whom: &str, event: &str, fields: &str) -> u16 {
        self.said += 1;
        let call_id = format!("console-{}-{}-{}", self.me, self.address.port(), self.said);
        let to = format!("<sip:{whom}@switch.example>");
        self.send(s, whom, &call_id, &to, 1, &format!("Event: {event}\r\n{fields}"))
    }

    /// Goes on with the subscription that was answered last.
    fn again(&mut self, s: &mut Scene, whom: &str, event: &str, cseq: u32, fields: &str) -> u16 {
        let (call_id, to) = (header(&self.answer, "Call-ID").to_owned(), header(&self.answer, "To").to_owned());
        self.send(s, whom, &call_id, &to, cseq, &format!("Event: {event}\r\n{fields}"))
    }

    fn send(&mut self, s: &mut Scene, whom: &str, call_id: &str, to: &str, cseq: u32, fields: &str) -> u16 {
        self.said += 1;
        let (me, at, said) = (self.me, self.address, self.said);
        let text = format!(
            "SUBSCRIBE sip:{whom}@switch.example SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKc{me}{said}\r\n\
             From: <sip:{me}@switch.example>;tag=console\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} SUBSCRIBE\r\n\
             Contact: <sip:{me}@{at}>\r\nMax-Forwards: 70\r\n{fields}Content-Length: 0\r\n\r\n"
        );
        let heard = s.world.say(Transport::Udp, self.address, &text);
        let mut status_of_answer = 0;
        for text in heard {
            if text.starts_with("SIP/2.0 ") && header(&text, "CSeq").ends_with("SUBSCRIBE") {
                status_of_answer = status(&text);
                if status_of_answer == 200 {
                    self.answer = text;
                }
            } else {
                self.told(s, text);
            }
        }
        self.listen(s);
        status_of_answer
    }

    fn told(&mut self, s: &mut Scene, text: String) {
        if !text.starts_with("NOTIFY ") {
            return;
        }
        let fields =
            ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| format!("{name}: {}\r\n", header(&text, name)));
        let repeated = self.notifies.iter().any(|known| {
            header(known, "Call-ID") == header(&text, "Call-ID") && header(known, "CSeq") == header(&text, "CSeq")
        });
        if !repeated {
            self.notifies.push(text);
        }
        if self.answers {
            let answer = format!("SIP/2.0 200 OK\r\n{}Content-Length: 0\r\n\r\n", fields.concat());
            let heard = s.world.say(Transport::Udp, self.address, &answer);
            heard.into_iter().for_each(|text| self.told(s, text));
        }
    }

    /// Takes what came.
    fn listen(&mut self, s: &mut Scene) {
        let heard = s.world.overhear(self.address);
        heard.into_iter().for_each(|text| self.told(s, text));
    }

    /// What it was told last.
    fn last(&mut self, s: &mut Scene) -> String {
        self.listen(s);
        self.notifies.last().cloned().unwrap_or_default()
    }

    /// The dialogs that it was told of last.
    fn lamps(&mut self, s: &mut Scene) -> Vec<Lamp> {
        let text = self.last(s);
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        body.split("<dialog ").skip(1).map(Lamp::read).collect()
    }

    fn states(&mut self, s: &mut Scene) -> Vec<String> {
        self.lamps(s).into_iter().map(|lamp| lamp.state).collect()
    }
}

/// A dialog of a document.
#[derive(Debug)]
struct Lamp {
    id: String,
    state: String,
    direction: String,
    replaces: String,
    remote: String,
}

impl Lamp {
    fn read(text: &str) -> Self {
        let attribute = |name: &str| {
            let rest = text.split_once(&format!("{name}=\"")).map(|(_, rest)| rest).unwrap_or_default();
            rest.split('"').next().unwrap_or_default().to_owned()
        };
        let element = |begin: &str| {
            let rest = text.split_once(begin).map(|(_, rest)| rest).unwrap_or_default();
            rest.split_once('>').map(|(_, rest)| rest.split('<').next().unwrap_or_default().to_owned()).unwrap()
        };
        let event = if text.contains("<state event=") { format!(" {}", attribute("event")) } else { String::new() };
        Self {
            id: attribute("id"),
            state: element("<state") + &event,
            direction: attribute("direction"),
            replaces: format!(
                "{};to-tag={};from-tag={}",
                attribute("call-id"),
                attribute("remote-tag"),
                attribute("local-tag")
            ),
            remote: element("<remote><identity"),
        }
    }
}

/// 102 may watch 101.
fn watched() -> Config {
    let mut config = company();
    config.watchers.insert("101".into(), Watchers::Only(["102".into()].into()));
    config
}

fn version(text: &str) -> u32 {
    let rest = text.split_once(" version=\"").map(|(_, rest)| rest.trim_start_matches("1.0")).unwrap();
    let rest = if rest.starts_with("\" encoding") { rest.split_once(" version=\"").unwrap().1 } else { rest };
    rest.split('"').next().unwrap().parse().unwrap()
}

#[test]
fn a_lamp_shows_each_step_of_a_call_that_comes() {
    let (mut s, mut console) = (Scene::of(watched()), Console::new());
    assert_eq!(console.subscribe(&mut s, "101", "dialog", "Expires: 3600\r\n"), 200);
    assert_eq!(header(&console.answer, "Expires"), "3600");
    let first = console.last(&mut s);
    assert_eq!((header(&first, "Event"), header(&first, "Subscription-State")), ("dialog", "active;expires=3600"));
    assert_eq!(header(&first, "Content-Type"), "application/dialog-info+xml");
    assert!(first.contains("version=\"0\" state=\"full\" entity=\"sip:101@switch.example\""), "{first}");
    assert!(console.lamps(&mut s).is_empty());

    s.call("101");
    assert_eq!(console.states(&mut s), ["trying"]);
    s.world.with_phone(s.ada, |phone, now| phone.ring(now));
    let ringing = console.lamps(&mut s);
    assert_eq!((&*ringing[0].state, &*ringing[0].direction), ("early", "recipient"));
    assert_eq!(ringing[0].remote, "sip:4930123@switch.example");
    assert_eq!(ringing[0].replaces, s.world.at(s.ada).replaces().unwrap());
    s.answer(s.ada);
    let talking = console.lamps(&mut s);
    assert_eq!((&talking[0].id, &*talking[0].state), (&ringing[0].id, "confirmed"));
    s.hang_up(s.ada);
    s.world.run(SECOND);
    let over = console.lamps(&mut s);
    assert_eq!((&over[0].id, &*over[0].state), (&ringing[0].id, "terminated local-bye"));
    let versions: Vec<u32> = console.notifies.iter().map(|text| version(text)).collect();
    assert_eq!(versions, [0, 1, 2, 3, 4], "each change is told once");
    s.end();
    // What ended is told once.
    assert_eq!(console.again(&mut s, "101", "dialog", 2, "Expires: 0\r\n"), 200);
    let last = console.last(&mut s);
    assert_eq!(header(&last, "Subscription-State"), "terminated;reason=timeout");
    assert!(console.lamps(&mut s).is_empty());
    s.world.run(QUIET);
    assert_eq!(s.world.switch.sip_population(), sip::Population::default());
}

#[test]
fn a_call_that_the_watched_one_makes_shows_whom_he_calls() {
    let (mut s, mut console) = (Scene::of(watched()), Console::new());
    console.subscribe(&mut s, "101", "dialog", "");
    s.world.with_phone(s.ada, |phone, now| phone.call(now, "101", "102"));
    s.world.with_phone(s.alan, |phone, now| phone.ring(now));
    s.world.run(SECOND);
    let lamps = console.lamps(&mut s);
    assert_eq!((&*lamps[0].state, &*lamps[0].direction), ("early", "initiator"));
    assert_eq!(lamps[0].remote, "sip:102@switch.example");
    s.answer(s.alan);
    assert_eq!(console.states(&mut s), ["confirmed"]);
    s.hang_up(s.alan);
    s.world.run(SECOND);
    assert_eq!(console.states(&mut s), ["terminated remote-bye"]);
    s.end();
}

#[test]
fn how_a_call_ended_is_told() {
    // What the watched phone or its caller does, and what a lamp is told of that.
    type Act = fn(&mut Scene);
    let cases: [(Act, &str); 3] = [
        (|s| s.world.with_phone(s.ada, |phone, now| phone.refuse(now, 486)), "terminated rejected"),
        (|s| s.hang_up(s.caller), "terminated cancelled"),
        (|s| s.world.run(QUIET), "terminated cancelled"),
    ];
    for (act, ended) in cases {
        let (mut s, mut console) = (Scene::of(watched()), Console::new());
        console.subscribe(&mut s, "101", "dialog", "");
        s.call("101");
        s.world.with_phone(s.ada, |phone, now| phone.ring(now));
        assert_eq!(console.states(&mut s), ["early"]);
        act(&mut s);
        s.world.run(SECOND);
        assert_eq!(console.states(&mut s), [ended]);
        s.end();
    }
}

#[test]
fn a_call_that_rings_is_picked_up_by_the_names_that_a_lamp_gave() {
    let (mut s, mut console) = (Scene::of(watched()), Console::new());
    console.subscribe(&mut s, "101", "dialog", "");
    s.call("101");
    s.world.with_phone(s.ada, |phone, now| phone.ring(now));
    let replaces = console.lamps(&mut s)[0].replaces.clone() + ";early-only";
    s.world.at(s.alan).headers = vec![("Replaces".to_owned(), replaces)];
    s.dial(s.alan, "102", "101");
    assert!(s.saw(s.alan, &Seen::Answered) && s.saw(s.ada, &Seen::Cancelled));
    assert_eq!(console.states(&mut s), ["terminated replaced"]);
    assert_eq!(s.world.breaches(), []);
    s.hang_up(s.alan);
    s.end_all(2);
}

#[test]
fn who_watches_one_dialog_is_told_of_that_alone() {
    // He is no agent, whose phone rings for one call at a time.
    let mut config = watched();
    (config.agents, config.queues) = (Vec::new(), Vec::new());
    let (mut s, mut console) = (Scene::of(config), Console::new());
    let [mut of_dialog, mut of_invite, mut of_none] =
        [5080, 5081, 5082].map(|port| Console::of("102", &format!("127.0.0.1:{port}")));
    console.subscribe(&mut s, "101", "dialog", "");
    s.call("101");
    s.world.with_phone(s.ada, |phone, now| phone.ring(now));
    let ringing = console.lamps(&mut s).remove(0);
    let (call_id, tags) = ringing.replaces.split_once(';').unwrap();
    let (ours, theirs) = tags.split_once(';').unwrap();
    // A Replaces names our tag first, as the one who receives it; here the watched phone's comes first.
    let [ours, theirs] = [ours, theirs].map(|tag| tag.split_once('=').unwrap().1);
    let one = format!("dialog;call-id=\"{call_id}\";to-tag={theirs};from-tag={ours};include-session-description");
    assert_eq!(of_dialog.subscribe(&mut s, "101", &one, ""), 200);
    assert_eq!(of_invite.subscribe(&mut s, "101", &format!("dialog;call-id={call_id};to-tag={theirs}"), ""), 200);
    assert_eq!(of_none.subscribe(&mut s, "101", &format!("dialog;call-id={call_id};to-tag={ours}"), ""), 200);
    for console in [&mut of_dialog, &mut of_invite] {
        assert_eq!((console.states(&mut s), console.notifies.len()), (vec!["early".to_owned()], 1));
        assert!(!console.last(&mut s).contains("session-description"), "nobody may see that");
    }
    assert!(of_none.states(&mut s).is_empty());
    s.answer(s.ada);
    // Another call comes, and is refused: who watches all is told of it, and nobody else.
    s.dial(s.other, "4930124", "101");
    assert!(s.saw(s.other, &Seen::Refused(486)));
    assert_eq!(console.states(&mut s), ["confirmed", "terminated rejected"]);
    for console in [&mut of_dialog, &mut of_invite] {
        assert_eq!((console.states(&mut s), console.notifies.len()), (vec!["confirmed".to_owned()], 2));
    }
    s.hang_up(s.ada);
    s.world.run(SECOND);
    for console in [&mut of_dialog, &mut of_invite] {
        assert_eq!(console.states(&mut s), ["terminated local-bye"]);
        assert_eq!(console.notifies.iter().map(|text| version(text)).collect::<Vec<_>>(), [0, 1, 2]);
    }
    of_none.listen(&mut s);
    assert_eq!(of_none.notifies.len(), 1);
    assert_eq!(of_none.subscribe(&mut s, "101", "dialog;call-id=c", ""), 400);
    s.end_all(2);
}

/// 101 has two phones that register, and is watched.
fn with_two_phones() -> (Scene, Console, SocketAddr) {
    let mut config = watched();
    config.users.get_mut("101").unwrap().place = Place::Registered;
    config.secrets.insert("101".into(), sip::digest::Secret::of("101", "test", "open sesame"));
    let (mut s, mut console) = (Scene::of(config), Console::new());
    let home = s.world.phone("127.0.0.9:5060");
    for phone in [s.ada, home] {
        s.world.at(phone).set_account(sim::Account { user: "101".to_owned(), password: "open sesame".to_owned() });
        s.world.with_phone(phone, |phone, now| phone.register(now));
        s.world.run(SECOND);
    }
    console.subscribe(&mut s, "101", "dialog", "");
    (s, console, home)
}

#[test]
fn a_phone_that_declines_is_told_at_once_though_another_rings_on() {
    let (mut s, mut console, home) = with_two_phones();
    s.call("101");
    for phone in [s.ada, home] {
        s.world.with_phone(phone, |phone, now| phone.ring(now));
    }
    let ringing = console.lamps(&mut s);
    s.world.with_phone(s.ada, |phone, now| phone.refuse(now, 486));
    assert_eq!(console.states(&mut s), ["early", "terminated rejected"]);
    let told = console.lamps(&mut s);
    assert_eq!([&told[0].id, &told[1].id], [&ringing[1].id, &ringing[0].id]);
    assert!(console.last(&mut s).contains("event=\"rejected\" code=\"486\""));
    // The other one declines for both: the call is over.
    s.world.with_phone(home, |phone, now| phone.refuse(now, 603));
    s.world.run(SECOND);
    assert_eq!(console.states(&mut s), ["terminated rejected"]);
    assert!(console.last(&mut s).contains("code=\"603\""));
    s.end();
}

#[test]
fn of_two_that_ring_the_one_that_declines_for_both_did_so_and_the_other_did_not() {
    let (mut s, mut console, home) = with_two_phones();
    s.call("101");
    for phone in [s.ada, home] {
        s.world.with_phone(phone, |phone, now| phone.ring(now));
    }
    s.world.with_phone(home, |phone, now| phone.refuse(now, 603));
    s.world.run(SECOND);
    assert_eq!(console.states(&mut s), ["terminated cancelled", "terminated rejected"]);
    s.end();
}

#[test]
fn several_phones_that_ring_for_one_are_several_dialogs() {
    let (mut s, mut console, home) = with_two_phones();
    s.call("101");
    assert_eq!(console.states(&mut s), ["trying"]);
    for phone in [s.ada, home] {
        s.world.with_phone(phone, |phone, now| phone.ring(now));
    }
    assert_eq!(console.states(&mut s), ["early", "early"]);
    let names: Vec<String> = console.lamps(&mut s).into_iter().map(|lamp| lamp.replaces).collect();
    assert_eq!(names, [s.ada, home].map(|phone| s.world.at(phone).replaces().unwrap()));
    s.answer(home);
    assert_eq!(console.states(&mut s), ["confirmed", "terminated cancelled"]);
    s.hang_up(home);
    s.end();
}

#[test]
fn a_slow_subscriber_is_told_the_newest_and_what_ended_meanwhile() {
    let (mut s, mut console) = (Scene::of(watched()), Console::new());
    console.answers = false;
    console.subscribe(&mut s, "101", "dialog", "");
    s.call("101");
    s.world.with_phone(s.ada, |phone, now| phone.ring(now));
    s.answer(s.ada);
    s.hang_up(s.ada);
    s.world.run(SECOND);
    console.listen(&mut s);
    assert_eq!(console.notifies.len(), 1, "one at a time");
    console.answers = true;
    s.world.run(4 * SECOND);
    assert_eq!(console.states(&mut s), ["terminated local-bye"]);
    assert_eq!(version(console.notifies.last().unwrap()), 1);
    s.end();
}

#[test]
fn of_many_that_ended_meanwhile_a_slow_subscriber_is_told_the_last_sixteen() {
    // He is no agent, who would rest after each.
    let mut config = watched();
    (config.agents, config.queues) = (Vec::new(), Vec::new());
    let (mut s, mut console) = (Scene::of(config), Console::new());
    console.answers = false;
    console.subscribe(&mut s, "101", "dialog", "");
    let ada = s.ada;
    s.world.at(ada).reflex = Some(486);
    for n in 0..20 {
        s.dial(s.caller, &format!("49301{n:02}"), "101");
    }
    console.answers = true;
    s.world.run(4 * SECOND);
    let told: Vec<String> = console.lamps(&mut s).into_iter().map(|lamp| lamp.remote).collect();
    let last: Vec<String> = (4..20).map(|n| format!("sip:49301{n:02}@switch.example")).collect();
    assert_eq!(told, last);
    s.end_all(20);
}

#[test]
fn a_user_subscribes_to_five_hundred_and_not_to_one_more_until_one_is_over() {
    let (mut s, mut console) = (Scene::of(watched()), Console::new());
    for n in 0..500 {
        assert_eq!(console.subscribe(&mut s, "101", "dialog", ""), 200, "{n}");
    }
    assert_eq!(console.subscribe(&mut s, "101", "dialog", ""), 503);
    assert_eq!(console.subscribe(&mut s, "102", "message-summary", ""), 503, "of all packages together");
    assert_eq!(Console::of("101", "127.0.0.1:5080").subscribe(&mut s, "101", "dialog", ""), 200, "another's count");
    assert_eq!(console.again(&mut s, "101", "dialog", 2, "Expires: 0\r\n"), 200);
    assert_eq!(console.subscribe(&mut s, "101", "dialog", ""), 200);
    assert_eq!(console.subscribe(&mut s, "101", "dialog", ""), 503);
}

#[test]
fn who_does_not_answer_is_told_no_more() {
    let (mut s, mut console) = (Scene::of(watched()), Console::new());
    console.answers = false;
    console.subscribe(&mut s, "101", "dialog", "");
    s.world.run(QUIET);
    assert_eq!(s.world.switch.sip_population().subscriptions, 0);
    assert_eq!(console.again(&mut s, "101", "dialog", 2, ""), 481);
}

#[test]
fn one_watches_whom_one_may_watch_and_a_stranger_learns_nothing() {
    let mut config = watched();
    config.users.insert("105".into(), User::at(Place::Registered));
    config.secrets.insert("105".into(), sip::digest::Secret::of("105", "test", "open sesame"));
    let mut s = Scene::of(config);
    let mut console = Console::new();
    for (whom, event, status) in [
        ("101", "dialog", 200),
        ("102", "dialog", 200),
        ("105", "dialog", 403),
        ("999", "dialog", 404),
        ("1000", "dialog", 404),
        ("102", "message-summary", 200),
        ("101", "message-summary", 403),
        ("101", "presence", 489),
    ] {
        assert_eq!(console.subscribe(&mut s, whom, event, ""), status, "{whom} {event}");
    }
    for (fields, status) in [("Accept: text/plain\r\n", 406), ("Expires: 59\r\n", 423), ("Expires: many\r\n", 200)] {
        assert_eq!(console.subscribe(&mut s, "101", "dialog", fields), status, "{fields}");
    }
    let long = format!("dialog;id={}", "x".repeat(65));
    assert_eq!(console.subscribe(&mut s, "101", &long, ""), 400);
    // Who registers has to prove himself, be there such a user or not; who comes by a trunk is no user.
    let mut answers = Vec::new();
    for me in ["105", "106"] {
        let mut stranger = Console::of(me, "127.0.0.77:5060");
        answers.extend(["101", "999"].map(|whom| stranger.subscribe(&mut s, whom, "dialog", "")));
        answers.push(stranger.subscribe(&mut s, "101", "presence", ""));
    }
    assert_eq!(answers, [401; 6]);
    for me in ["4930123", "102"] {
        assert_eq!(Console::of(me, "127.0.0.2:5099").subscribe(&mut s, "101", "dialog", ""), 403, "{me}");
    }
}

#[test]
fn it_is_said_that_no_messages_wait() {
    let (mut s, mut console) = (Scene::new(), Console::new());
    assert_eq!(
        console.subscribe(&mut s, "102", "message-summary", "Accept: application/simple-message-summary\r\n"),
        200
    );
    let told = console.last(&mut s);
    assert_eq!(header(&told, "Content-Type"), "application/simple-message-summary");
    let body = told.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(body, "Messages-Waiting: no\r\nMessage-Account: sip:102@switch.example\r\n");
    assert_eq!(console.again(&mut s, "102", "message-summary", 2, ""), 200);
    assert_eq!(console.notifies.len(), 2);
}

#[test]
fn who_is_told_of_messages_hears_of_each_change_in_a_mailbox_of_his() {
    let mut config = company();
    let mailbox = |user: &str| switch::Mailbox { users: [user.into()].into(), max_messages: 9 };
    config.mailboxes =
        [("102", "102"), ("sales", "102"), ("101", "101")].map(|(name, user)| (name.into(), mailbox(user))).into();
    let (mut s, mut console) = (Scene::of(config), Console::new());
    console.subscribe(&mut s, "102", "message-summary", "");
    for (mailbox, new, old, told) in
        [("sales", 2, 3, "2/3"), ("102", 1, 0, "3/3"), ("101", 7, 7, "3/3"), ("sales", 0, 0, "1/0")]
    {
        s.world.switch.handle_letter(s.world.now, switch::LetterReport::Counted(mailbox.into(), new, old));
        s.world.run(SECOND);
        assert!(console.last(&mut s).ends_with(&format!("Voice-Message: {told}\r\n")), "{mailbox}");
    }
    assert_eq!(console.notifies.len(), 4, "others' mailboxes are no news");
    console.again(&mut s, "102", "message-summary", 2, "Expires: 0\r\n");
    let last = console.notifies.len();
    s.world.switch.handle_letter(s.world.now, switch::LetterReport::Counted("102".into(), 5, 0));
    s.world.run(SECOND);
    console.listen(&mut s);
    assert_eq!(console.notifies.len(), last, "who listens no more is told no more");
    assert_eq!(s.world.switch.check_invariants(s.world.now), Ok(()));
}

#[test]
fn another_configuration_a_drain_and_a_restart_end_subscriptions() {
    let (mut s, mut console) = (Scene::of(watched()), Console::new());
    console.subscribe(&mut s, "101", "dialog", "");
    s.world.reconfigure(company());
    assert_eq!(header(&console.last(&mut s), "Subscription-State"), "terminated;reason=rejected");
    s.world.reconfigure(watched());
    console.subscribe(&mut s, "101", "dialog", "");
    let mut gone = watched();
    gone.users.remove("101");
    gone.agents.clear();
    gone.queues.clear();
    s.world.reconfigure(gone);
    assert_eq!(header(&console.last(&mut s), "Subscription-State"), "terminated;reason=noresource");

    let (mut s, mut console) = (Scene::of(watched()), Console::new());
    console.subscribe(&mut s, "101", "dialog", "");
    s.world.restart();
    assert_eq!(console.again(&mut s, "101", "dialog", 2, ""), 481);
    console.subscribe(&mut s, "101", "dialog", "");
    let now = s.world.now;
    s.world.switch.drain(now, SECOND);
    s.world.react();
    assert_eq!(header(&console.last(&mut s), "Subscription-State"), "terminated;reason=deactivated");
    assert_eq!(console.subscribe(&mut s, "101", "dialog", ""), 503);
}

#[test]
fn names_are_told_as_text_whatever_they_say() {
    let mut config = watched();
    config.users.get_mut("102").unwrap().display = Some("A <b> & \"C\"".to_owned());
    let (mut s, mut console) = (Scene::of(config), Console::new());
    console.subscribe(&mut s, "101", "dialog", "");
    s.dial(s.alan, "102", "101");
    let told = console.last(&mut s);
    assert!(told.contains("display=\"A &lt;b&gt; &amp; &quot;C&quot;\""), "{told}");
    s.hang_up(s.alan);
    s.world.run(SECOND);
    assert_eq!(console.states(&mut s), ["terminated cancelled"]);
    s.end();
    // Who withholds his number is told of nobody.
    s.dial(s.caller, "anonymous", "101");
    assert_eq!(console.lamps(&mut s)[0].remote, "sip:anonymous@anonymous.invalid");
}
