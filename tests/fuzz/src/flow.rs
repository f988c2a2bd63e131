//! Flows, and callers who are led through them.

use std::sync::Arc;
use std::time::Duration;

use base::{Mono, Now, Wall};
use ivr::{DialOutcome, Flows, Output, QueueOutcome, Session};
use yaml::{Faults, Source};

use crate::octets::Octets;

/// Reads a flow; behind a NUL stand the acts of a caller, whom the flow is then played to.
///
/// # Panics
/// If a flow is read that has a fault, or none and no fault is told; if outputs run on, or follow the end.
pub fn flow(data: &[u8]) -> bool {
    let (text, acts) = data.split_at(data.iter().position(|octet| *octet == 0).unwrap_or(data.len()));
    let source = Source::from_bytes("flow.yaml", text);
    let faults = Faults::default();
    let flows = Flows::read([("flow", &source)], &faults);
    assert_eq!(flows.is_some(), faults.is_empty());
    let Some(flows) = flows else { return false };
    play(&Arc::new(flows), &mut Octets::of(acts));
    true
}

fn play(flows: &Arc<Flows>, acts: &mut Octets<'_>) {
    use DialOutcome::{Busy, Declined, Ended, NoAnswer, Refused, Unreachable};
    use QueueOutcome::{AgentEnded, Closed, Full, NoAgents, TimedOut, Unknown};
    let mut now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(0) };
    let mut session = Session::new(Arc::clone(flows), "flow").expect("it was read");
    session.handle_start(now);
    let mut over = take_outputs(&mut session);
    while !acts.is_empty() {
        match acts.byte() % 8 {
            0 | 1 => session.handle_digit(now, acts.choose(&['0', '1', '2', '3', '4', '9', '*', '#', 'A', '?'])),
            2 => session.handle_queue_ended(now, acts.choose(&[AgentEnded, TimedOut, Full, NoAgents, Closed, Unknown])),
            3 => session.handle_dial_ended(now, acts.choose(&[Ended, Busy, NoAnswer, Declined, Unreachable, Refused])),
            4 | 5 => {
                let wait = session.poll_timeout().map_or(Duration::from_millis(20), |due| due.since(now.monotonic));
                now = now.after(wait);
                session.handle_timeout(now);
                assert!(session.poll_timeout().is_none_or(|due| due > now.monotonic), "a timeout that is due already");
            }
            6 => {
                let saved = session.save(now);
                session = Session::resume(Arc::clone(flows), saved, now).expect("the same flow");
            }
            _ => session.handle_play_done(now),
        }
        let ended = take_outputs(&mut session);
        assert!(!(over && ended), "it ends once");
        over |= ended;
        assert!(!over || session.poll_timeout().is_none(), "nothing is due behind the end");
    }
}

/// Takes out what one input led to. True: the call is over.
fn take_outputs(session: &mut Session) -> bool {
    let (mut count, mut over) = (0, false);
    while let Some(output) = session.poll_output() {
        assert!(!over, "{output:?} after the hangup");
        over = matches!(output, Output::Hangup { .. });
        if let Output::Play { items, .. } = &output {
            assert!(!items.is_empty(), "a prompt that says nothing takes no time");
        }
        count += 1;
        assert!(count <= 5000, "outputs without end");
    }
    over
}
