//! Scenarios made from a seed: all who could cross each other do, at any moment.

use std::time::Duration;

use base::Rng;
use sip::Transport;

use super::{Act, Cast, Deed, Scenario, Step, Whose};
use crate::company::Company;
use crate::{Node, Pace};

/// How many things are done in one scenario.
const STEPS: u32 = 60;
/// How much time lies between two, in milliseconds.
const PAUSES: [u64; 5] = [0, 5, 40, 300, 2_500];
/// Callers outside, who are the first phones.
const CALLERS: usize = 4;

impl Scenario {
    /// The scenario of a seed: the same for the same seed.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let mut dice = Rng::from_number(seed ^ 0x5eed);
        let mut scenario = Self::empty(seed);
        scenario.about = format!("seed {seed}");
        scenario.network = network(&mut dice);
        scenario.pace = Pace {
            media: millis(one_of(&mut dice, &[0, 3, 40])),
            prompt: Some(millis(one_of(&mut dice, &[500, 3_000]))),
            disk: millis(one_of(&mut dice, &[0, 2_000])),
        };
        for caller in 0..CALLERS {
            let whose = Whose::Outside(format!("49301{caller}"));
            scenario.phones.push(cast(&mut dice, &format!("caller{caller}"), whose));
        }
        for user in super::USERS {
            scenario.phones.push(cast(&mut dice, &format!("user{user}"), Whose::User(user.to_owned())));
        }
        let mut at = Duration::ZERO;
        let registering = [CALLERS + 2, CALLERS + 3];
        scenario.timeline = registering.map(|phone| Step { at, act: Act::Phone(phone, Deed::Register) }).into();
        for _ in 0..STEPS {
            at += millis(one_of(&mut dice, &PAUSES));
            let act = act(&mut dice, scenario.phones.len());
            scenario.timeline.push(Step { at, act });
        }
        scenario
    }
}

fn network(dice: &mut Rng) -> Vec<Node> {
    let (least, jitter) = one_of(dice, &[(0, 0), (1, 0), (20, 30), (50, 400)]);
    let nodes = [
        Node::Delay { least: millis(least), jitter: millis(jitter) },
        Node::Lose(one_of(dice, &[0, 0, 5, 20])),
        Node::Double(one_of(dice, &[0, 0, 20])),
    ];
    let does_nothing = |node: &Node| {
        matches!(node, Node::Lose(0) | Node::Double(0) | Node::Delay { least: Duration::ZERO, jitter: Duration::ZERO })
    };
    nodes.into_iter().filter(|node| !does_nothing(node)).collect()
}

fn cast(dice: &mut Rng, name: &str, whose: Whose) -> Cast {
    let registers_or_calls = !matches!(&whose, Whose::User(user) if super::fixed_address(user).is_some());
    let tcp = registers_or_calls && dice.percent(30);
    let outside = matches!(whose, Whose::Outside(_));
    let answers = if outside { None } else { one_of(dice, &[None, None, Some(200), Some(200), Some(486), Some(302)]) };
    Cast {
        name: name.to_owned(),
        whose,
        transport: if tcp { Transport::Tcp } else { Transport::Udp },
        answers,
        rings_for: answers.map_or(Duration::ZERO, |_| millis(one_of(dice, &[0, 700, 6_000]))),
        talks_for: one_of(dice, &[None, None, Some(millis(4_000))]),
    }
}

fn act(dice: &mut Rng, phones: usize) -> Act {
    let anybody = at(dice, 0, phones);
    let caller = at(dice, 0, CALLERS);
    let agent = at(dice, CALLERS, phones);
    let registers = at(dice, CALLERS + 2, phones);
    match dice.below(100) {
        0..24 => {
            let number = one_of(dice, &["1000", "1000", "1000", "201", "201", "101", "103", "104", "999"]);
            Act::Phone(if dice.percent(80) { caller } else { agent }, Deed::Call(number.to_owned()))
        }
        24..32 => Act::Phone(caller, Deed::HangUp),
        32..37 => Act::Phone(agent, Deed::HangUp),
        37..42 => Act::Phone(agent, Deed::Ring),
        42..52 => Act::Phone(agent, Deed::Answer),
        52..56 => Act::Phone(agent, Deed::Refuse(one_of(dice, &[486, 603, 480, 302, 500]))),
        56..64 => Act::Phone(anybody, change(dice)),
        64..77 => Act::Phone(caller, Deed::Press(one_of(dice, &['1', '1', '2', '3', '3', '4', '5', '9']))),
        77..83 => Act::Phone(registers, if dice.percent(60) { Deed::Register } else { Deed::Unregister }),
        83..86 => Act::Phone(anybody, Deed::Silence),
        86..90 => Act::Phone(anybody, if dice.percent(50) { Deed::Vanish } else { Deed::Return }),
        90..94 => Act::Phone(anybody, if dice.percent(50) { Deed::CutOff } else { Deed::Reconnect }),
        94..95 => Act::Phone(anybody, Deed::BreakLines),
        95..97 => Act::Jump(one_of(dice, &[3_600_123, -3_600_321, 86_400_777, -5_003, 61_007])),
        97..98 => one_of(dice, &[Act::NoPorts(true), Act::NoPorts(false), Act::NoPorts(false)]),
        98..99 if dice.percent(50) => Act::Reload(one_of(dice, &Company::ALL)),
        98..99 => one_of(dice, &[Act::DiskStalls(true), Act::DiskStalls(false), Act::EndCall, Act::Fault]),
        _ => one_of(dice, &[Act::Restart, Act::Restart, Act::Restart, Act::Drain]),
    }
}

fn change(dice: &mut Rng) -> Deed {
    use sdp::Direction::{Inactive, SendOnly, SendRecv};
    one_of(
        dice,
        &[Deed::Change(SendOnly), Deed::Change(Inactive), Deed::Change(SendRecv), Deed::Change(SendRecv), Deed::Move],
    )
}

/// One of the indexes from `first` up to but without `end`.
fn at(dice: &mut Rng, first: usize, end: usize) -> usize {
    let many = u32::try_from(end.saturating_sub(first)).unwrap_or(0);
    first + usize::try_from(dice.below(many)).unwrap_or(0)
}

#[allow(clippy::indexing_slicing, reason = "the index is below the length, and no list here is empty")]
fn one_of<T: Clone>(dice: &mut Rng, of: &[T]) -> T {
    of[at(dice, 0, of.len())].clone()
}

fn millis(time: u64) -> Duration {
    Duration::from_millis(time)
}
