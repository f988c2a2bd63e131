//! Bridges over threads and codecs, with real sockets.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests of a driver: real sockets and time")]

mod support;

use std::time::Duration;

use leg::{Command, Law};
use support::{System, assert_tone, config, talk};

#[test]
fn a_ulaw_and_an_alaw_leg_of_two_threads_hear_each_other_without_a_gap() {
    let mut system = System::start(config(3));
    let mut caller = system.phone(1, Law::Ulaw, 400);
    let mut agent = system.phone(2, Law::Alaw, 1000);
    talk(&mut [&mut caller, &mut agent], Duration::from_millis(500));
    system.media.execute(Command::Bridge { a: caller.leg, b: agent.leg });
    talk(&mut [&mut caller, &mut agent], Duration::from_millis(300));
    let (from_caller, from_agent) = (agent.sound().len(), caller.sound().len());
    talk(&mut [&mut caller, &mut agent], Duration::from_millis(2000));
    assert_tone(&agent.sound()[from_caller..], 400.0, 2);
    assert_tone(&caller.sound()[from_agent..], 1000.0, 2);
    assert_eq!((caller.lost(), agent.lost()), (0, 0), "no packet is lost, also while the leg moves");
    let stats = [system.close(caller.leg), system.close(agent.leg)];
    for stats in stats {
        assert_eq!((stats.lost, stats.strangers, stats.discarded, stats.moves), (0, 0, 0, 0), "{stats:?}");
        assert!(stats.received >= 135, "{stats:?}");
    }
}
