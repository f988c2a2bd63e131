//! A gallery of bad services, and good ones: what each costs, and that the next good answer counts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "servers on real sockets, which take their time"
)]

mod common;
#[path = "common/server.rs"]
mod server;

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base::{CallId, Wall};
use common::{LIMIT, agents, first};
use plugins::{Asker, Decide as _, Fault, Service, Settings, Web};
use routing::{Action, Decision, Happened, MAX_REASON, MAX_STATE, Outcome};
use server::{Authority, Server, Wire, answer, good, settings};

fn web() -> Web {
    Web::start().unwrap()
}

fn service(web: &Web, server: &Server) -> Service {
    web.service(settings(&format!("http://{}", server.address)))
}

fn decide(service: &Service, limit: Duration, id: u64) -> Result<Decision, Fault> {
    Asker::new(service.clone(), limit).decide(&agents(id), "{}")
}

/// The decision of a service that is well again: a pause for one that turned us away is over soon.
fn well(service: &Service, id: u64) {
    let until = Instant::now() + LIMIT;
    while decide(service, LIMIT, id) != Ok(first(id)) {
        assert!(Instant::now() < until, "{:?}", decide(service, LIMIT, id));
        std::thread::sleep(Duration::from_millis(10));
    }
}

type Deed = fn(&mut dyn Wire, &str, &[u8]) -> bool;

fn bad() -> Vec<(&'static str, Deed, &'static str)> {
    vec![
        (
            "hangs",
            |_, _, _| {
                std::thread::sleep(Duration::from_secs(1));
                false
            },
            "deadline",
        ),
        (
            "answers after the time-out",
            |wire, head, body| {
                std::thread::sleep(Duration::from_millis(300));
                good(wire, head, body)
            },
            "deadline",
        ),
        (
            "half an answer",
            |wire, _, _| {
                let _ = wire.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"action\":");
                false
            },
            "closed",
        ),
        (
            "half a head",
            |wire, _, _| {
                let _ = wire.write_all(b"HTTP/1.1 200 OK\r\nContent-");
                false
            },
            "closed",
        ),
        ("closes", |_, _, _| false, "closed"),
        ("no HTTP", |wire, _, _| wire.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").is_ok(), "answer"),
        ("no JSON", |wire, _, _| answer(wire, "<html>"), "answer"),
        ("another JSON", |wire, _, _| answer(wire, r#"{"action":"offer","agent":"eva"}"#), "answer"),
        ("an id that is none", |wire, _, _| answer(wire, r#"{"action":"refuse","call":"7","reason":""}"#), "answer"),
        ("nothing", |wire, _, _| wire.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_ok(), "answer"),
        ("declines", |wire, _, _| answer(wire, r#"{"declined":"not today"}"#), "declined"),
        (
            "an error",
            |wire, _, _| wire.write_all(b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops").is_ok(),
            "status",
        ),
        (
            "a redirect",
            |wire, _, _| {
                wire.write_all(b"HTTP/1.1 307 Elsewhere\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n").is_ok()
            },
            "status",
        ),
        (
            "100 MB",
            |wire, _, _| wire.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n{").is_ok(),
            "too_large",
        ),
        (
            "100 MB without a word",
            |wire, _, _| {
                let _ = wire.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                while wire.write_all(format!("10000\r\n{}\r\n", " ".repeat(0x10000)).as_bytes()).is_ok() {}
                false
            },
            "too_large",
        ),
        (
            "a huge head",
            |wire, _, _| {
                wire.write_all(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20)).as_bytes()).is_ok()
            },
            "answer",
        ),
    ]
}

#[test]
fn each_bad_service_costs_its_own_say_and_the_next_good_answer_counts() {
    let (web, server) = (web(), Server::start(None));
    let service = service(&web, &server);
    for (what, deed, expected) in bad() {
        let limit = if expected == "deadline" { Duration::from_millis(100) } else { LIMIT };
        for again in 0..2 {
            server.does(good);
            well(&service, 1);
            server.does(deed);
            let fault = decide(&service, limit, 2).expect_err(what);
            assert_eq!(fault.name(), expected, "{what} {again}: {fault}");
        }
        server.does(good);
        // Who answered at all, or was only late, is asked again at once.
        if what != "closes" && what != "half a head" && what != "no HTTP" && what != "a huge head" {
            assert_eq!(decide(&service, LIMIT, 3), Ok(first(3)), "{what}");
        }
        well(&service, 3);
    }
    let texts = [
        (Fault::Status(307), "answered 307, not 200: no redirect is followed; write where it leads as `url`"),
        (Fault::Status(401), "answered 401, not 200: it does not know us; look at `sign` and `certificate`"),
        (Fault::Status(500), "answered 500, not 200"),
    ];
    texts.iter().for_each(|(fault, text)| assert_eq!(fault.to_string(), *text));
}

/// An answer for another call is one by its form: whether it makes sense is for `acd` to say, which has the snapshot.
#[test]
fn an_answer_for_another_call_is_handed_on_as_it_is() {
    let (web, server) = (web(), Server::start(None));
    let service = service(&web, &server);
    let other = CallId::from_raw(99);
    server.does(move |wire, _, _| {
        answer(wire, &format!(r#"{{"action":"refuse","call":"{other}","reason":"","later":1}}"#))
    });
    let decision = decide(&service, LIMIT, 1).unwrap();
    assert_eq!(decision.action, Action::Refuse { call: other });
    server.does(|wire, _, _| answer(wire, &format!(r#"{{"action":"wait","reason":"{}"}}"#, "ß".repeat(400))));
    assert!(decide(&service, LIMIT, 1).unwrap().reason.len() <= MAX_REASON);
    // What could not be kept for the next question is told, not lost without a word.
    let state = "x".repeat(MAX_STATE + 1);
    server.does(move |wire, _, _| answer(wire, &format!(r#"{{"action":"wait","reason":"","state":"{state}"}}"#)));
    assert_eq!(decide(&service, LIMIT, 1), Err(Fault::TooLarge(MAX_STATE)));
}

#[test]
fn one_that_is_down_costs_no_time_and_is_found_when_it_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let web = web();
    let service = web.service(settings(&format!("http://{address}")));
    // Nobody waits out his limit of a minute.
    for _ in 0..50 {
        let fault = decide(&service, LIMIT, 1).unwrap_err();
        assert_eq!(fault.name(), "connect", "{fault}");
    }
    let server = Server::on(TcpListener::bind(address).unwrap(), None);
    well(&service, 1);
    assert_eq!(server.connections(), 1);
    // Who takes connections and ends them is asked now and then, not for each decision.
    server.does(|_, _, _| false);
    let faults = (0..200).filter(|_| decide(&service, LIMIT, 1).is_err()).count();
    assert_eq!(faults, 200);
    assert!(server.connections() < 20, "{}", server.connections());
}

#[test]
fn a_host_without_an_address_is_told_with_its_remedy() {
    let web = web();
    let service = web.service(settings("http://nobody.invalid"));
    let fault = decide(&service, LIMIT, 1).unwrap_err();
    assert_eq!(fault.name(), "dns");
    assert!(fault.to_string().starts_with("no address of `nobody.invalid`"), "{fault}");
    assert!(fault.to_string().ends_with("look at `url`"), "{fault}");
}

#[test]
fn a_connection_is_kept_and_one_that_the_service_ends_is_made_anew() {
    let (web, server) = (web(), Server::start(None));
    let service = service(&web, &server);
    for id in 0..30 {
        assert_eq!(decide(&service, LIMIT, id), Ok(first(id)));
    }
    assert_eq!(server.connections(), 1);
    // It keeps none.
    server.does(|wire, head, body| {
        good(wire, head, body);
        false
    });
    for id in 0..30 {
        assert_eq!(decide(&service, LIMIT, id), Ok(first(id)), "{id}");
    }
    assert!(server.connections() >= 30, "{}", server.connections());
    // It ends one just when it is used again: a decision is asked for once more, what is told is not told twice.
    let odd = AtomicUsize::new(0);
    server.does(move |wire, head, body| {
        let number = odd.fetch_add(1, Ordering::SeqCst);
        number.is_multiple_of(2) && good(wire, head, body)
    });
    for id in 0..20 {
        well(&service, id);
    }
    let told = Arc::new(AtomicUsize::new(0));
    server.does(good);
    well(&service, 1);
    let count = Arc::clone(&told);
    server.does(move |_, _, _| {
        count.fetch_add(1, Ordering::SeqCst);
        false
    });
    let fault = Asker::new(service, LIMIT).told(&[], None, "{}").unwrap_err();
    assert_eq!((fault.name(), told.load(Ordering::SeqCst)), ("closed", 1));
}

#[test]
fn only_so_many_questions_are_under_way_and_the_next_is_told_at_once() {
    let (web, server) = (web(), Server::start(None));
    let one = web.service(Settings { outstanding: 3, ..settings(&format!("http://{}", server.address)) });
    let (asked, is_asked) = channel();
    let (let_go, gate) = channel::<()>();
    let (asked, gate) = (Mutex::new(asked), Mutex::new(gate));
    server.does(move |wire, head, body| {
        asked.lock().unwrap().send(()).unwrap();
        gate.lock().unwrap().recv().unwrap();
        good(wire, head, body)
    });
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..3)
            .map(|id| {
                (
                    id,
                    scope.spawn({
                        let one = &one;
                        move || decide(one, LIMIT, id)
                    }),
                )
            })
            .collect();
        for _ in 0..3 {
            is_asked.recv_timeout(LIMIT).unwrap();
        }
        assert_eq!(decide(&one, LIMIT, 9), Err(Fault::Busy));
        (0..3).for_each(|_| let_go.send(()).unwrap());
        for (id, waits) in waiting {
            assert_eq!(waits.join().unwrap(), Ok(first(id)));
        }
        let_go.send(()).unwrap();
        assert_eq!(decide(&one, LIMIT, 9), Ok(first(9)), "there is room again");
    });
}

#[test]
fn tls_believes_whom_it_is_told_to_and_shows_itself() {
    let (web, ours, theirs) = (web(), Authority::new(), Authority::new());
    let tell = |server: &Server, tls| {
        let origin = settings(&format!("https://{}", server.address));
        web.service(Settings { tls, ..origin })
    };
    let open = Server::start(Some(theirs.server(None)));
    let fault = decide(&tell(&open, ours.client(None)), LIMIT, 1).unwrap_err();
    assert_eq!(fault.name(), "tls");
    assert!(fault.to_string().contains("name who vouches for it as `ca`"), "{fault}");
    assert_eq!(decide(&tell(&open, theirs.client(None)), LIMIT, 1), Ok(first(1)));
    let closed = Server::start(Some(theirs.server(Some(&ours))));
    for (own, expected) in [(None, "tls"), (Some(&theirs), "tls")] {
        let fault = decide(&tell(&closed, theirs.client(own)), LIMIT, 1).unwrap_err();
        assert_eq!(fault.name(), expected, "{fault}");
        assert!(fault.to_string().contains("another `certificate` of ours"), "{fault}");
    }
    assert_eq!(decide(&tell(&closed, theirs.client(Some(&ours))), LIMIT, 1), Ok(first(1)));
    // Who speaks no TLS, and who speaks nothing else.
    let plain = Server::start(None);
    assert_eq!(decide(&tell(&plain, theirs.client(None)), LIMIT, 1).unwrap_err().name(), "tls");
    let service = service(&web, &open);
    // Some tell so by octets that are no HTTP.
    assert!(matches!(decide(&service, LIMIT, 1).unwrap_err().name(), "closed" | "answer"));
}

#[test]
fn what_is_sent_is_as_it_is_written_and_a_service_is_told_outcomes() {
    let (web, server) = (web(), Server::start(None));
    let (seen, requests) = channel();
    let seen = Mutex::new(seen);
    let said = Arc::new(Mutex::new(r#"{"state":"after"}"#.to_owned()));
    let says = Arc::clone(&said);
    server.does(move |wire, head, body| {
        seen.lock().unwrap().send((head.to_owned(), body.to_vec())).unwrap();
        answer(wire, &says.lock().unwrap())
    });
    let service = service(&web, &server);
    let mut asker = Asker::new(service, LIMIT);
    let outcome = Outcome {
        at: Wall::from_unix_micros(5),
        queue: "sales".into(),
        call: CallId::from_raw(7),
        agent: "eva".into(),
        happened: Happened::Accepted { rang_ms: 4_000 },
    };
    let told = asker.told(&[outcome], Some("before"), r#"{"a":1}"#);
    assert_eq!(told, Ok(Some("after".to_owned())));
    let (head, body) = requests.recv_timeout(LIMIT).unwrap();
    assert!(head.starts_with("post /decide?by=http http/1.1\r\n"), "{head}");
    let host = format!("host: {}\r\n", server.address);
    assert!(head.contains(&host) && head.contains("content-type: application/json\r\n"), "{head}");
    assert!(!head.contains("strowger-signature"), "{head}");
    let sent: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let expected = serde_json::json!({
        "ask": "told",
        "outcomes": [{ "at": 5, "queue": "sales", "call": "c0000000000007", "agent": "eva", "happened": "accepted", "rang_ms": 4000 }],
        "parameters": { "a": 1 },
        "state": "before",
    });
    assert_eq!(sent, expected);
    *said.lock().unwrap() = "{}".to_owned();
    assert_eq!(asker.told(&[], None, "{}"), Ok(None));
    *said.lock().unwrap() = format!(r#"{{"state":"{}"}}"#, "x".repeat(MAX_STATE + 1));
    assert_eq!(asker.told(&[], None, "{}"), Err(Fault::TooLarge(MAX_STATE)));
    *said.lock().unwrap() = r#"{"action":"wait","reason":""}"#.to_owned();
    while requests.try_recv().is_ok() {}
    let asked = agents(7);
    asker.decide(&asked, r#"{"a":1}"#).unwrap();
    let (_, body) = requests.recv_timeout(LIMIT).unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let snapshot = serde_json::to_value(&asked).unwrap();
    assert_eq!(sent, serde_json::json!({ "ask": "decide", "parameters": { "a": 1 }, "snapshot": snapshot }));
}

/// Nobody asks it any more: its connections end, and no others are made.
#[test]
fn a_service_ends_with_the_last_who_asks_it() {
    let (web, server) = (web(), Server::start(None));
    let service = service(&web, &server);
    let known = service.known();
    well(&service, 1);
    assert!(known.find().is_some_and(|found| found == service));
    drop(service);
    let until = Instant::now() + LIMIT;
    while known.find().is_some() {
        assert!(Instant::now() < until, "somebody still asks it");
        std::thread::sleep(Duration::from_millis(1));
    }
    let before = server.connections();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.connections(), before);
}
