//! Bridges over threads and codecs, with real sockets.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests of a driver: real sockets and time")]

mod support;

use std::time::Duration;

use leg::{Command, Law};
use support::{Phone, System, assert_tone, config, talk};

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

#[test]
fn an_unbridged_leg_hears_silence_and_can_be_bridged_again() {
    let mut system = System::start(config(3));
    let mut phones =
        [system.phone(1, Law::Ulaw, 400), system.phone(2, Law::Ulaw, 700), system.phone(3, Law::Alaw, 1000)];
    let [caller, first, second] = [0, 1, 2].map(|n: usize| phones[n].leg);
    let listen = |system: &mut System, phones: &mut [Phone; 3], command: Command| {
        system.media.execute(command);
        talk(&mut phones.iter_mut().collect::<Vec<_>>(), Duration::from_millis(300));
        let from = phones[0].sound().len();
        talk(&mut phones.iter_mut().collect::<Vec<_>>(), Duration::from_millis(300));
        let heard = phones[0].sound().split_off(from);
        [400.0, 700.0, 1000.0].map(|hertz| audio::analysis::amplitude_at(&heard, 8000, hertz) > 1000.0)
    };
    let heard = listen(&mut system, &mut phones, Command::Bridge { a: caller, b: first });
    assert_eq!(heard, [false, true, false]);
    let heard = listen(&mut system, &mut phones, Command::Unbridge { leg: first });
    assert_eq!(heard, [false; 3], "either leg ends it for both");
    let heard = listen(&mut system, &mut phones, Command::Bridge { a: second, b: caller });
    assert_eq!(heard, [false, false, true]);
    let heard = listen(&mut system, &mut phones, Command::Bridge { a: caller, b: first });
    assert_eq!(heard, [false, true, false], "a new bridge ends the one before");
    let heard = listen(&mut system, &mut phones, Command::Close { leg: first });
    assert_eq!(heard, [false; 3]);
}
