//! The torture messages of RFC 4475 and the IPv6 messages of RFC 5118 through the stack, its application accepting
//! every call. The answers must be those that the corpus's index accepts; after each message the stack still answers
//! an OPTIONS. Skipped where the corpus is missing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use harness::{World, address, request, stranger};
use sip::{Event, Flow};
use sip_message::parse_datagram;

/// Only a registrar can answer these as the index asks; until there is one they get 405.
const NEEDS_REGISTRAR: [&str; 7] = ["escnull", "dblreq", "unksm2", "regaut01", "cparam01", "cparam02", "regescrt"];
/// The REGISTERs of RFC 5118.
const NEEDS_REGISTRAR_6: [&str; 5] =
    ["ipv6-good", "port-ambiguous", "port-unambiguous", "ipv6-correct-abnf-2-colons", "via-received-param-no-delim"];

fn corpus() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/sip");
    let path = PathBuf::from(std::env::var("STROWGER_CORPUS").unwrap_or_else(|_| default.to_owned()));
    if !path.is_dir() {
        println!("skipped: no corpus");
        return None;
    }
    Some(path)
}

/// One line of an index: name, class and accepted answers.
fn index(folder: &Path) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    let column = |name: &str| columns.iter().position(|column| column.starts_with(name)).unwrap();
    let (class, accept) = (column("class"), column("accept"));
    lines.map(|line| (line[0].clone(), line[class].clone(), line[accept].clone())).collect()
}

/// The statuses that the message was answered with, in order.
fn answers(octets: Vec<u8>) -> Vec<u16> {
    let mut world = World::new(1);
    let flow = Flow::udp(0, address(0), stranger());
    let parsed = parse_datagram(Bytes::from(octets));
    world.act(0, |stack, now| stack.handle_datagram(now, flow, parsed));
    for event in world.events(0) {
        if let Event::Invited { session, .. } = event {
            world.act(0, |stack, now| stack.accept(now, session, Bytes::from_static(b"sdp")));
        }
    }
    let statuses = world.wire.iter().map(harness::Sent::status).collect();
    world.inject(stranger(), 0, &request("OPTIONS", "alive", ""));
    assert_eq!(world.last_to(stranger()).status(), 200, "alive");
    statuses
}

/// The index's words about answers, as the end-to-end scorer reads them.
fn fits(accepted: &str, class: &str, statuses: &[u16]) -> bool {
    let last = statuses.last();
    let named = last.is_some_and(|status| accepted.contains(&status.to_string()));
    match last {
        None => accepted.contains("silence") || class.contains("response"),
        Some(500) if accepted.contains("lenient") => false,
        Some(_) if accepted.contains("lenient") => true,
        Some(_) if accepted.contains("any but") => !named,
        Some(400) if accepted.contains("except 400") => false,
        Some(_) if accepted.contains("except 400") || accepted.starts_with("any") => true,
        Some(_) => named,
    }
}

fn score(folder: &str, waiting: &[&str]) {
    let Some(folder) = corpus().map(|corpus| corpus.join(folder)) else { return };
    let (mut good, mut all) = (0, 0);
    for (name, class, accepted) in index(&folder).iter().filter(|(name, ..)| name != "test") {
        let statuses = answers(std::fs::read(folder.join(format!("{name}.dat"))).unwrap());
        all += 1;
        if fits(accepted, class, &statuses) {
            good += 1;
        } else {
            assert!(waiting.contains(&name.as_str()), "{name}: {statuses:?}, wanted {accepted}");
            assert_eq!(statuses, [405], "{name} waits for the registrar");
        }
    }
    println!("{}: {good}/{all}, the rest waits for the registrar", folder.display());
}

#[test]
fn the_messages_of_rfc_4475_get_the_answers_of_the_index() {
    score("rfc4475", &NEEDS_REGISTRAR);
}

#[test]
fn the_messages_of_rfc_5118_get_the_answers_of_the_index() {
    score("rfc5118", &NEEDS_REGISTRAR_6);
}

/// The application-layer faults of RFC 4475 3.3, with what their answers say.
#[test]
fn faults_of_the_application_layer_get_their_own_status() {
    let Some(folder) = corpus().map(|corpus| corpus.join("rfc4475")) else { return };
    let cases = [
        ("unkscm", 416),
        ("novelsc", 416),
        ("bext01", 420),
        ("invut", 415),
        ("sdp01", 406),
        ("zeromf", 200),
        ("multi01", 400),
        ("mcl01", 400),
        ("badvers", 505),
        ("esc02", 501),
    ];
    for (name, status) in cases {
        assert_eq!(answers(std::fs::read(folder.join(format!("{name}.dat"))).unwrap()), [status], "{name}");
    }
}

/// Real products' messages: whatever they are, the stack stays whole, and nothing is left when its timers are through.
#[test]
fn captured_messages_leave_nothing_behind() {
    let Some(folder) = corpus().map(|corpus| corpus.join("messages")) else { return };
    let mut world = World::new(1);
    let flow = Flow::udp(0, address(0), stranger());
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    // Two hold faults of their own, which sip-message's tests name.
    let mut broken = 0;
    for file in &files {
        let parsed = parse_datagram(Bytes::from(std::fs::read(file).unwrap()));
        broken += usize::from(parsed.is_err());
        world.act(0, |stack, now| stack.handle_datagram(now, flow, parsed));
        for event in world.events(0) {
            if let Event::Invited { session, .. } = event {
                world.act(0, |stack, now| stack.accept(now, session, Bytes::from_static(b"sdp")));
            }
        }
        world.drive_ms(10);
    }
    assert!(files.len() > 100 && broken <= 2, "{broken} of {}", files.len());
    world.drive_to_the_end();
    world.events(0);
    world.assert_quiet();
}
