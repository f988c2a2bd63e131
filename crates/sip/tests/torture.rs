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

use base::Now;
use bytes::Bytes;
use harness::{World, address, request, stranger};
use sip::registrar::{Registrar, RegistrarConfig};
use sip::{Event, Flow, Pending, Stack};
use sip_message::parse_datagram;

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

/// A registrar that trusts everyone.
fn register(stack: &mut Stack, now: Now, pending: Pending) {
    let record = pending.request().head.to.uri.as_sip().map(|uri| uri.user().unwrap_or_default().into());
    let reply = record.map(|record| {
        let mut registrar = Registrar::new(RegistrarConfig::default());
        registrar.register(now, &record, pending.request(), pending.flow())
    });
    let (status, headers) = reply.map_or((400, Vec::new()), |reply| (reply.status, reply.headers));
    stack.respond(now, pending, status, &headers);
}

/// The statuses that the message was answered with, in order.
fn answers(octets: Vec<u8>) -> Vec<u16> {
    let mut world = World::new(1);
    let flow = Flow::udp(0, address(0), stranger());
    let parsed = parse_datagram(Bytes::from(octets));
    world.act(0, |stack, now| stack.handle_datagram(now, flow, parsed, &mut sip::OpenGate));
    for event in world.events(0) {
        if let Event::Invited { session, .. } = event {
            world.act(0, |stack, now| stack.accept(now, session, Bytes::from_static(b"sdp")));
        } else if let Event::Registered { pending, .. } = event {
            world.act(0, |stack, now| register(stack, now, pending));
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

fn score(folder: &str) {
    let Some(folder) = corpus().map(|corpus| corpus.join(folder)) else { return };
    let mut all = 0;
    for (name, class, accepted) in index(&folder).iter().filter(|(name, ..)| name != "test") {
        let statuses = answers(std::fs::read(folder.join(format!("{name}.dat"))).unwrap());
        all += 1;
        assert!(fits(accepted, class, &statuses), "{name}: {statuses:?}, wanted {accepted}");
    }
    println!("{}: {all}/{all}", folder.display());
}

#[test]
fn the_messages_of_rfc_4475_get_the_answers_of_the_index() {
    score("rfc4475");
}

#[test]
fn the_messages_of_rfc_5118_get_the_answers_of_the_index() {
    score("rfc5118");
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
        world.act(0, |stack, now| stack.handle_datagram(now, flow, parsed, &mut sip::OpenGate));
        for event in world.events(0) {
            if let Event::Invited { session, .. } = event {
                world.act(0, |stack, now| stack.accept(now, session, Bytes::from_static(b"sdp")));
            } else if let Event::Registered { pending, .. } = event {
                world.act(0, |stack, now| register(stack, now, pending));
            } else if let Event::Subscribed { pending, .. } = event {
                world.act(0, |stack, now| stack.respond(now, pending, 403, &[]));
            }
        }
        world.drive_ms(10);
    }
    assert!(files.len() > 100 && broken <= 2, "{broken} of {}", files.len());
    world.drive_to_the_end();
    world.events(0);
    world.assert_quiet();
}
