//! Who calls, what is hidden, and whom a call was for: RFC 3325 9.1, RFC 3323 4.2, RFC 5806 4, RFC 7044 5 and 10, RFC 7544 7.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod common;

use sip_message::{Asserted, BadIdentity, DiversionReason, Diverted, Head, Message, Privacy, Uri};

fn head(lines: &str) -> Head {
    let text = format!(
        "INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n\
         Call-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n{lines}Content-Length: 0\r\n\r\n"
    );
    match common::parse(text.into_bytes()) {
        Ok(Message::Request(request)) => request.head,
        other => panic!("{other:?}"),
    }
}

fn asserted(values: &[&str]) -> Result<Option<String>, BadIdentity> {
    let lines: String = values.iter().map(|value| format!("P-Asserted-Identity: {value}\r\n")).collect();
    Asserted::of(&head(&lines)).map(|found| found.and_then(|found| found.number()))
}

#[test]
fn one_sip_address_and_one_number_are_who_calls() {
    let number = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(asserted(&[]), Ok(None));
    assert_eq!(asserted(&["\"Cullen Jennings\" <sip:fluffy@cisco.com>"]), number("fluffy"));
    assert_eq!(asserted(&["tel:+14085264000"]), number("+14085264000"));
    assert_eq!(asserted(&["<sip:fluffy@cisco.com>", "<tel:+1-408-526-4000>"]), number("+14085264000"));
    assert_eq!(asserted(&["<sip:fluffy@cisco.com>, <tel:+14085264000>"]), number("+14085264000"));
    assert_eq!(asserted(&["<tel:+1>, <sip:+492@h;user=phone>"]), number("+492"));
    assert_eq!(asserted(&["<sip:+49301;npdi@h>"]), number("+49301"));
    assert_eq!(asserted(&["<sip:h>"]), Ok(None), "nobody there");
}

#[test]
fn what_nobody_could_mean_counts_for_nothing() {
    let long = format!("<sip:{}@h>", "1".repeat(600));
    for (values, fault) in [
        (&["sip:"][..], BadIdentity::Malformed),
        (&["<sip:a@h"], BadIdentity::Malformed),
        (&["\"x <sip:a@h>"], BadIdentity::Malformed),
        (&["<http://h/>"], BadIdentity::Malformed),
        (&[&long], BadIdentity::Malformed),
        (&["<sip:a@h>, <sip:b@h>"], BadIdentity::TooMany),
        (&["<tel:+1>", "<tel:+2>"], BadIdentity::TooMany),
        (&["<sip:a@h>", "<tel:+2>", "<sip:c@h>"], BadIdentity::TooMany),
    ] {
        assert_eq!(asserted(values), Err(fault), "{values:?}");
    }
}

fn told(found: &[Diverted]) -> Vec<(&str, &str, bool)> {
    found.iter().map(|one| (&*one.number, one.reason.as_str(), one.private)).collect()
}

#[test]
fn diversion_names_the_last_one_first() {
    let found = Diverted::by_diversion(&head(
        "Diversion: <tel:+19195551002>;reason=user-busy;privacy=\"full\";counter=4;screen=no\r\n\
         Diversion: \"Bob\" <sip:bob@h>;reason=no-answer, <sip:+493@h>;reason=weather\r\n",
    ))
    .unwrap();
    assert_eq!(
        told(&found),
        [("+19195551002", "user-busy", true), ("bob", "no-answer", false), ("+493", "unknown", false)]
    );
    let many = "Diversion: <sip:1@h>\r\n".repeat(21);
    assert_eq!(Diverted::by_diversion(&head(&many)), Err(BadIdentity::TooMany));
    for bad in ["Diversion: sip:\r\n", "Diversion: <sip:1@h>, x\r\n", "Diversion: <sip:h>\r\n"] {
        assert_eq!(Diverted::by_diversion(&head(bad)), Err(BadIdentity::Malformed), "{bad}");
    }
}

#[test]
fn history_is_a_tree_and_names_who_sent_the_call_on() {
    for (lines, expected) in [
        // RFC 7044 appendix B.1, in part: Bob's phone at the office sends it on, after it was mapped there.
        (
            "History-Info: <sip:bob@example.com>;index=1\r\n\
             History-Info: <sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1\r\n\
             History-Info: <sip:office@example.com>;index=1.2;mp=1\r\n",
            vec![("bob", "unconditional", false)],
        ),
        // RFC 7544 8.1 in short: two, by causes.
        (
            "History-Info: <sip:+49301@h>;index=1, <sip:+49302@h;cause=302>;index=1.1;mp=1,\r\n \
             <sip:+49303@h;cause=486>;index=1.1.1;mp=1.1\r\n",
            vec![("+49302", "user-busy", false), ("+49301", "unconditional", false)],
        ),
        // Without `mp` the one above is meant; one is hidden.
        (
            "History-Info: <sip:1@h?Privacy=history>;index=1,<sip:2@h;cause=408>;index=1.1\r\n",
            vec![("1", "no-answer", true)],
        ),
        (
            "Privacy: history\r\nHistory-Info: <sip:1@h>;index=1,<sip:2@h;cause=487>;index=1.1\r\n",
            vec![("1", "deflection", true)],
        ),
        ("History-Info: <sip:1@h>;index=1\r\n", vec![]),
        ("History-Info: <sip:1@h;cause=302>;index=1;mp=7\r\n", vec![]),
    ] {
        let found = Diverted::by_history(&head(lines)).unwrap();
        assert_eq!(told(&found), expected, "{lines}");
    }
    for bad in [
        "<sip:1@h>",
        "<sip:1@h>;index=",
        "<sip:1@h>;index=1.x",
        "<sip:1@h>;index=1..2",
        "<sip:1@h>;index=99999999",
        "x;index=1",
        &format!("<sip:1@h>;index=1{}", ".1".repeat(30)),
    ] {
        let found = Diverted::by_history(&head(&format!("History-Info: {bad}\r\n")));
        assert_eq!(found, Err(BadIdentity::Malformed), "{bad}");
    }
}

#[test]
fn what_is_written_is_read_as_it_was_meant() {
    let one = |number: &str, reason, private| Diverted { number: number.to_owned(), reason, private };
    let diverted = [
        one("+49303", DiversionReason::UserBusy, false),
        one("+49302", DiversionReason::NoAnswer, true),
        one("+49301", DiversionReason::Unconditional, false),
    ];
    let uri = |text: &str| text.parse::<sip_message::AnyUri>().unwrap().as_sip().unwrap().clone();
    let (host, target): (Uri, Uri) = (uri("sip:192.0.2.1"), uri("sip:+49304@192.0.2.9"));
    let history = Diverted::history(&diverted, &host, &target);
    assert_eq!(
        history,
        "<sip:+49301@192.0.2.1>;index=1, <sip:+49302@192.0.2.1;cause=302?Privacy=history>;index=1.1;mp=1, \
         <sip:+49303@192.0.2.1;cause=408>;index=1.1.1;mp=1.1, <sip:+49304@192.0.2.9;cause=486>;index=1.1.1.1;mp=1.1.1"
    );
    assert_eq!(Diverted::by_history(&head(&format!("History-Info: {history}\r\n"))).unwrap(), diverted);
    let lines: String = diverted.iter().map(|one| format!("Diversion: {}\r\n", one.diversion(&host))).collect();
    assert_eq!(Diverted::by_diversion(&head(&lines)).unwrap(), diverted);
}

#[test]
fn captured_messages_say_who_calls() {
    let dir = common::corpus_dir().join("messages");
    let Ok(entries) = std::fs::read_dir(dir) else {
        println!("skipped: no corpus");
        return;
    };
    let mut found = Vec::new();
    for entry in entries {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let head = match common::parse(bytes) {
            Ok(Message::Request(request)) => request.head,
            Ok(Message::Response(response)) => response.head,
            _ => continue,
        };
        let asserted = Asserted::of(&head).unwrap();
        found.extend(asserted.map(|a| (a.number().unwrap(), a.display().unwrap_or_default().to_owned())));
        assert_eq!(Privacy::of(&head), Privacy::default());
        assert_eq!((Diverted::by_diversion(&head), Diverted::by_history(&head)), (Ok(vec![]), Ok(vec![])));
    }
    assert_eq!(found, [("08019200026".to_owned(), "uas".to_owned())]);
}
