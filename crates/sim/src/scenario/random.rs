//! Scenarios made from a seed: all who could cross each other do, at any moment.

use std::time::Duration;

use base::Rng;
use sip::Transport;

use super::{Act, Cast, Deed, Scenario, Step, Whose};
use crate::company::Company;
use crate::{Manners, Node, Pace, Reliable};

/// How many things are done in one scenario.
const STEPS: u32 = 60;
/// How much time lies between two, in milliseconds.
const PAUSES: [u64; 5] = [0, 5, 40, 300, 2_500];
/// In how many of a hundred it is this long instead: what waits comes to its end.
const LONG_PAUSES: u32 = 3;
/// 45 s: the shortest sessions are refreshed, and that crosses whatever comes next.
const LONG_PAUSE: [u64; 3] = [30_000, 44_950, 45_000];
/// Of a hundred changes so many meet those of all others.
const CROSSING: u32 = 30;
/// Callers outside, who are the first phones.
const CALLERS: usize = 4;
/// Of the users, who come after them, these register.
const REGISTERING: [usize; 2] = [CALLERS + 2, CALLERS + 3];
/// And these watch: they are known by their addresses.
const WATCHING: [usize; 2] = [CALLERS, CALLERS + 1];
/// In so many of a hundred steps one of them subscribes or ends it.
const LAMPS: u32 = 5;
/// The last one is the far end of the trunk.
const CARRIER: usize = CALLERS + 4;

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
        scenario.phones.push(cast(&mut dice, "carrier", Whose::Carrier));
        let mut at = Duration::ZERO;
        scenario.timeline = REGISTERING.map(|phone| Step { at, act: Act::Phone(phone, Deed::Register) }).into();
        let watches = |(phone, whom): (usize, &str)| Step { at, act: Act::Phone(phone, Deed::Watch(whom.to_owned())) };
        scenario.timeline.extend([(WATCHING[0], "101"), (WATCHING[1], "101"), (WATCHING[1], "103")].map(watches));
        for _ in 0..STEPS {
            let pause = one_of(&mut dice, &PAUSES);
            at += millis(if dice.percent(LONG_PAUSES) { one_of(&mut dice, &LONG_PAUSE) } else { pause });
            let act = act(&mut dice);
            if matches!(&act, Act::Phone(_, deed) if is_change(deed)) && dice.percent(CROSSING) {
                let all = (0..=CARRIER).map(|phone| Step { at, act: Act::Phone(phone, change(&mut dice)) });
                scenario.timeline.extend(all);
            }
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
    let is_fixed = match &whose {
        Whose::User(user) => super::fixed_address(user).is_some(),
        Whose::Carrier => true,
        Whose::Outside(_) | Whose::Stranger(_) => false,
    };
    let tcp = !is_fixed && dice.percent(30);
    let outside = matches!(whose, Whose::Outside(_));
    let answers = if outside { None } else { one_of(dice, &[None, None, Some(200), Some(200), Some(486), Some(302)]) };
    Cast {
        name: name.to_owned(),
        whose,
        transport: if tcp { Transport::Tcp } else { Transport::Udp },
        answers,
        rings_for: answers.map_or(Duration::ZERO, |_| millis(one_of(dice, &[0, 700, 6_000]))),
        talks_for: one_of(dice, &[None, None, Some(millis(4_000))]),
        manners: Manners {
            reliable: one_of(dice, &[Reliable::No, Reliable::Supported, Reliable::Supported, Reliable::Required]),
            session_timer: one_of(dice, &[None, Some(90), Some(120), Some(1_800)]),
        },
    }
}

fn act(dice: &mut Rng) -> Act {
    let anybody = at(dice, 0, CARRIER + 1);
    let caller = at(dice, 0, CALLERS);
    let agent = at(dice, CALLERS, CARRIER);
    let callee = if dice.percent(40) { CARRIER } else { agent };
    let registers = one_of(dice, &REGISTERING);
    if dice.percent(LAMPS) {
        let whom = one_of(dice, &["101", "101", "102", "103", "104"]).to_owned();
        return Act::Phone(one_of(dice, &WATCHING), if dice.percent(70) { Deed::Watch(whom) } else { Deed::Unwatch });
    }
    match dice.below(100) {
        0..17 => {
            let numbers = ["1000", "1000", "1000", "201", "201", "101", "103", "104", "999", "1001", "1001"];
            let number = one_of(dice, &numbers).to_owned();
            Act::Phone(caller, if dice.percent(20) { Deed::CallOfferless(number) } else { Deed::Call(number) })
        }
        17..24 => {
            let outside = ["+4930999", "+4930999", "+4930998", "+4917055", "112"];
            let codes = ["*50", "*51", "*52", "*521", "*53", "*54", "*562"];
            let numbers = [&["1000", "102", "104"][..], &outside[..], &codes[..]];
            let numbers = numbers.concat();
            let number = one_of(dice, &numbers).to_owned();
            Act::Phone(agent, if dice.percent(20) { Deed::CallOfferless(number) } else { Deed::Call(number) })
        }
        24..30 => Act::Phone(caller, Deed::HangUp),
        30..33 => Act::Phone(callee, Deed::HangUp),
        33..37 => Act::Phone(agent, transfer(dice)),
        37..42 => Act::Phone(callee, one_of(dice, &[Deed::Ring, Deed::SpeakEarly])),
        42..52 => Act::Phone(callee, Deed::Answer),
        52..55 => Act::Phone(callee, refuse(dice)),
        55..56 => Act::Phone(callee, one_of(dice, &[Deed::Refuse(486), Deed::ByeEarly])),
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

fn transfer(dice: &mut Rng) -> Deed {
    let number = one_of(dice, &["102", "104", "1000", "201", "+4930998", "+4917055", "112", "999"]).to_owned();
    match dice.below(6) {
        0 => Deed::Refer(number),
        1 | 2 => Deed::Type(code(dice, &number)),
        3 => Deed::Consult(number),
        4 => Deed::Join,
        _ => Deed::TakeOver(one_of(dice, &["101", "102", "103", "104"]).to_owned()),
    }
}

/// What a user types while he talks: a code, with a number where it wants one.
fn code(dice: &mut Rng, number: &str) -> String {
    let number = number.replace('+', "*");
    match dice.below(8) {
        0..3 => format!("*2{number}#"),
        3..5 => "*3".to_owned(),
        5 => "*4".to_owned(),
        6 => format!("*5{number}#"),
        _ => one_of(dice, &["*", "*2", "*21", "5", "*9", "#"]).to_owned(),
    }
}

fn refuse(dice: &mut Rng) -> Deed {
    if dice.percent(30) {
        return Deed::Redirect(one_of(dice, &["102", "104", "1000", "+4930998", "+4917055", "+33"]).to_owned());
    }
    Deed::Refuse(one_of(dice, &[486, 603, 480, 302, 500, 503, 407]))
}

fn change(dice: &mut Rng) -> Deed {
    use sdp::Direction::{Inactive, SendOnly, SendRecv};
    one_of(
        dice,
        &[
            Deed::Change(SendOnly),
            Deed::Change(Inactive),
            Deed::Change(SendRecv),
            Deed::Move,
            Deed::Ask,
            Deed::Update(SendOnly),
            Deed::Update(SendRecv),
            Deed::Update(SendRecv),
        ],
    )
}

const fn is_change(deed: &Deed) -> bool {
    matches!(deed, Deed::Change(_) | Deed::Move | Deed::Ask | Deed::Update(_))
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
