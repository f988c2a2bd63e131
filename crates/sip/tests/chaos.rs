//! Random calls on a bad network, over many seeds: 20 % loss, doubling and reordering, both sides doing whatever comes
//! to mind at any moment (invite, ring, early
//! media, accept, refuse, cancel, bye, re-invite, update, answers to them and to late offers, OPTIONS).
//!
//! What must hold for every seed:
//! - each session ends by exactly one of Cancelled, Refused and Ended, and tells nothing after it;
//! - each INVITE (by its branch) gets one final response, however often it is sent;
//! - when all is over, no session, transaction, dialog or timer is left.
//!
//! Once more with a network that also spoils datagrams: nothing panics, and the first and third still hold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use base::Rng;
use bytes::Bytes;
use harness::network::{Double, Garble, Lose, Reorder};
use harness::{World, address, invite_to};
use sip::{Event, Refusal, SessionId};
use sip_message::{Message, Method, parse_datagram};

/// What the test's application knows of its live sessions.
#[derive(Default)]
struct Live {
    sessions: Vec<SessionId>,
    ended: HashSet<SessionId>,
    answered: usize,
    changed: usize,
}

#[test]
fn every_seed_ends_each_session_once_and_leaves_nothing() {
    let (mut sessions, mut answered, mut changed) = (0, 0, 0);
    for seed in 0..250 {
        let lives = run(seed, 0);
        sessions += lives.iter().map(|live| live.ended.len()).sum::<usize>();
        answered += lives.iter().map(|live| live.answered).sum::<usize>();
        changed += lives.iter().map(|live| live.changed).sum::<usize>();
    }
    println!("{sessions} sessions, {answered} answered, {changed} changes accepted");
    assert!(sessions > 2500 && answered > 500 && changed > 150, "the operations must get somewhere");
}

#[test]
fn spoilt_datagrams_leave_nothing_either() {
    let ended: usize = (1000..1100).flat_map(|seed| run(seed, 20)).map(|live| live.ended.len()).sum();
    assert!(ended > 1000);
}

fn run(seed: u64, spoilt: u32) -> Vec<Live> {
    let nodes: Vec<Box<dyn harness::network::Node>> = vec![
        Box::new(Lose(20)),
        Box::new(Double(20)),
        Box::new(Reorder(30, Duration::from_millis(700))),
        Box::new(Garble(spoilt)),
    ];
    let mut world = World::with(2, seed, nodes, |mut config| {
        config.session_timer = Some(90);
        config
    });
    let mut rng = Rng::from_number(seed ^ 0xc0ff_ee00);
    let mut lives = vec![Live::default(), Live::default()];
    for _ in 0..90 {
        let party = usize::try_from(rng.below(2)).unwrap();
        act(&mut world, &mut lives[party], party, &mut rng);
        world.flush();
        world.drive_ms(u64::from(rng.below(1200)));
        lives.iter_mut().enumerate().for_each(|(party, live)| hear(&mut world, live, party, seed));
    }
    // A spoilt INVITE may begin a call of its own at any time, so the network is healed before the last hang-up.
    world.network.nodes.retain_mut(|_| spoilt == 0);
    // And an INVITE that was lost so far may arrive late.
    for _ in 0..12 {
        for (party, live) in lives.iter_mut().enumerate() {
            for session in &live.sessions {
                world.act(party, |stack, now| stack.hang_up(now, *session, None));
            }
            hear(&mut world, live, party, seed);
        }
        world.drive_ms(5_000);
    }
    world.drive_to_the_end();
    lives.iter_mut().enumerate().for_each(|(party, live)| hear(&mut world, live, party, seed));
    for (party, live) in lives.iter().enumerate() {
        assert!(live.sessions.is_empty(), "seed {seed}: party {party} has {:?}", live.sessions);
    }
    world.assert_quiet();
    if spoilt == 0 {
        one_final_response_each(&world, seed);
    }
    lives
}

fn act(world: &mut World, live: &mut Live, party: usize, rng: &mut Rng) {
    let now = world.now;
    let stack = &mut world.parties[party].stack;
    let pick = rng.below(u32::try_from(live.sessions.len().max(1)).unwrap());
    let session = live.sessions.get(usize::try_from(pick).unwrap()).copied();
    let sdp = Bytes::from_static(b"sdp");
    let Some(session) = session.filter(|_| live.sessions.len() > 1 || !rng.percent(15)) else {
        let mut invite = invite_to(party, address(1 - party));
        if rng.percent(20) {
            invite.headers.push(("Require".to_owned(), "100rel".to_owned()));
        }
        if rng.percent(20) {
            invite.offer = Bytes::new();
        }
        return live.sessions.push(stack.invite(now, invite));
    };
    match rng.below(24) {
        0..=2 => stack.ring(now, session, 180, None),
        3..=5 => stack.accept(now, session, sdp),
        6 => stack.refuse(now, session, Refusal::of(486)),
        7 => stack.hang_up(now, session, None),
        8..=10 => drop(stack.change(now, session, sdp)),
        11..=13 => stack.accept_change(now, session, sdp),
        14 => stack.refuse_change(now, session, Refusal::of(488)),
        15..=17 => stack.ring(now, session, 183, Some(sdp)),
        18..=19 => drop(stack.update(now, session, sdp)),
        20..=22 => stack.answer(now, session, &sdp),
        _ => {
            let number = rng.u32();
            world.inject(harness::stranger(), party, &harness::request("OPTIONS", &number.to_string(), ""));
        }
    }
}

/// Takes the events of a party and checks that each session's end is told once, and last.
fn hear(world: &mut World, live: &mut Live, party: usize, seed: u64) {
    for event in world.events(party) {
        let Some(session) = event.session() else { continue };
        match &event {
            Event::Invited { .. } => live.sessions.push(session),
            Event::Answered { .. } => live.answered += 1,
            Event::ChangeAnswered { .. } => live.changed += 1,
            _ => {}
        }
        assert!(!live.ended.contains(&session), "seed {seed}: {event:?} after the session's end");
        assert!(live.sessions.contains(&session), "seed {seed}: {event:?} of an unknown session");
        if event.is_end() {
            live.ended.insert(session);
            live.sessions.retain(|live| *live != session);
        }
    }
}

fn one_final_response_each(world: &World, seed: u64) {
    let mut finals: HashMap<String, Bytes> = HashMap::new();
    for sent in &world.wire {
        let Ok(Message::Response(response)) = parse_datagram(sent.payload.clone()) else { continue };
        if response.head.cseq.method != Method::Invite || !response.status.is_final() {
            continue;
        }
        let branch = response.head.via.branch().unwrap().to_owned();
        let first = finals.entry(branch).or_insert_with(|| sent.payload.clone());
        assert_eq!(*first, sent.payload, "seed {seed}: two final responses to one INVITE");
    }
}
