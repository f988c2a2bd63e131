//! Conferences over threads and codecs, with real sockets.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests of a driver: real sockets and time")]
#![allow(clippy::indexing_slicing, reason = "helpers of tests, which clippy does not know for such")]

mod support;

use std::time::Duration;

use leg::{Command, Law};
use support::{Phone, System, assert_tone, config, talk};

const HERTZ: [u16; 3] = [400, 1000, 1700];

fn three(system: &mut System) -> [Phone; 3] {
    let laws = [Law::Ulaw, Law::Alaw, Law::Ulaw];
    [0, 1, 2].map(|n| system.phone(n as u64 + 1, laws[n], HERTZ[n]))
}

fn listen(phones: &mut [Phone; 3], millis: u64) {
    talk(&mut phones.iter_mut().collect::<Vec<_>>(), Duration::from_millis(millis));
}

/// Which tones each hears over 300 ms, after as long.
fn heard(phones: &mut [Phone; 3]) -> [[bool; 3]; 3] {
    listen(phones, 300);
    let from = [0, 1, 2].map(|n: usize| phones[n].sound().len());
    listen(phones, 300);
    [0, 1, 2].map(|n: usize| {
        let sound = phones[n].sound().split_off(from[n]);
        HERTZ.map(|hertz| audio::analysis::amplitude_at(&sound, 8000, f64::from(hertz)) > 1000.0)
    })
}

#[test]
fn three_legs_of_three_threads_hear_each_other_without_a_gap() {
    let mut system = System::start(config(3));
    let mut phones = three(&mut system);
    listen(&mut phones, 300);
    let legs = [0, 1, 2].map(|n: usize| phones[n].leg);
    system.media.execute(Command::Confer { legs });
    listen(&mut phones, 300);
    let from = [0, 1, 2].map(|n: usize| phones[n].sound().len());
    listen(&mut phones, 2000);
    for (hearer, from) in from.into_iter().enumerate() {
        let sound = phones[hearer].sound().split_off(from);
        for (speaker, hertz) in HERTZ.into_iter().enumerate() {
            if speaker == hearer {
                assert!(
                    audio::analysis::amplitude_at(&sound, 8000, f64::from(hertz)) < 100.0,
                    "{hearer} hears himself"
                );
            } else {
                assert_tone(&sound, f64::from(hertz), 2);
            }
        }
        assert_eq!(phones[hearer].lost(), 0, "no packet is lost, also while the legs move");
    }
    for leg in legs {
        let stats = system.close(leg);
        assert_eq!((stats.lost, stats.strangers, stats.discarded, stats.moves), (0, 0, 0, 0), "{stats:?}");
    }
}

#[test]
fn two_of_a_conference_whom_the_third_leaves_talk_on_whichever_way_he_goes() {
    let mut system = System::start(config(3));
    let mut phones = three(&mut system);
    let legs = [0, 1, 2].map(|n: usize| phones[n].leg);
    let all = [[false, true, true], [true, false, true], [true, true, false]];
    system.media.execute(Command::Confer { legs });
    assert_eq!(heard(&mut phones), all);
    system.media.execute(Command::Unbridge { leg: legs[1] });
    assert_eq!(heard(&mut phones), [[false, false, true], [false; 3], [true, false, false]]);
    system.media.execute(Command::Confer { legs });
    assert_eq!(heard(&mut phones), all);
    // Two begin a bridge of their own: the third is alone.
    system.media.execute(Command::Bridge { a: legs[2], b: legs[1] });
    assert_eq!(heard(&mut phones), [[false; 3], [false, false, true], [false, true, false]]);
    system.media.execute(Command::Confer { legs });
    assert_eq!(heard(&mut phones), all);
    system.close(legs[0]);
    assert_eq!(heard(&mut phones), [[false; 3], [false, false, true], [false, true, false]]);
    // Nobody confers with himself, nor with whom there is no more.
    for legs in [[legs[1], legs[1], legs[2]], legs] {
        system.media.execute(Command::Confer { legs });
    }
    assert_eq!(heard(&mut phones), [[false; 3], [false, false, true], [false, true, false]]);
}
