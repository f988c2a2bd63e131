//! Reading a scenario's file.

use std::str::FromStr;
use std::time::Duration;

use sip::Transport;
use yaml::{Faults, Map, Shape, Source, Value};

use super::expect::{DISPOSITIONS, PARTIES, STATES};
use super::{Act, CallExpected, Cast, Deed, Expected, Scenario, Step, USERS, Whose, fixed_address};
use crate::company::Company;
use crate::manners::RELIABLE;
use crate::{Manners, Node, Pace, Seen};

const SCENARIO: Shape = Shape {
    what: "a scenario",
    keys: &["version", "about", "seed", "network", "pace", "phones", "timeline", "expect"],
};
const NODE: Shape = Shape { what: "a node of the network", keys: &["delay", "jitter", "lose", "double"] };
const PACE: Shape = Shape { what: "the pace", keys: &["media", "prompt", "disk"] };
const PHONE: Shape = Shape {
    what: "a phone",
    keys: &[
        "outside",
        "user",
        "stranger",
        "trunk",
        "transport",
        "answers",
        "rings_for",
        "talks_for",
        "reliable",
        "session_timer",
    ],
};
const STEP: Shape = Shape { what: "a step", keys: &["at", "who", "does", "expect"] };
const EXPECTED: Shape = Shape { what: "what is expected", keys: &["seen", "agents", "live", "calls"] };
const CALL: Shape = Shape {
    what: "an expected call",
    keys: &["disposition", "hung_up_by", "cause", "agent", "queue", "offers", "cut"],
};

/// Who acts besides phones, so that no phone may be called so.
const OTHERS: [&str; 4] = ["switch", "clock", "ports", "disk"];
/// The longest scenario.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How long prompts are if nothing is said.
const PROMPT: Duration = Duration::from_secs(3);

impl Scenario {
    /// Reads a file's octets; `path` is what people shall see in faults.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place and remedy.
    pub fn from_bytes(path: &str, octets: &[u8]) -> Result<Self, String> {
        let faults = Faults::default();
        let scenario = Self::read(&Source::from_bytes(path, octets), &faults);
        scenario.ok_or_else(|| faults.into_sorted().iter().map(ToString::to_string).collect::<Vec<_>>().concat())
    }

    /// Reads a file. What is wrong with it goes to `faults`; if anything is, there is no scenario.
    fn read(source: &Source, faults: &Faults) -> Option<Self> {
        let before = faults.len();
        let document = yaml::read(source, faults)?;
        let map = document.root(faults).map(&SCENARIO)?;
        if let Some(version) = map.required("version") {
            let _ = version.integer(1..=1);
        }
        let mut scenario =
            Self::empty(map.optional("seed").and_then(|value| value.integer(0..=i64::MAX)).unwrap_or(1).unsigned_abs());
        if let Some(about) = map.required("about").and_then(|value| value.string()) {
            about.clone_into(&mut scenario.about);
        }
        for node in map.optional("network").and_then(|value| value.list()).unwrap_or_default() {
            scenario.network.extend(read_node(node));
        }
        scenario.pace = map.optional("pace").map_or(Pace { prompt: Some(PROMPT), ..Pace::default() }, read_pace);
        let phones = map.required("phones").and_then(|value| value.entries("a map of phones")).unwrap_or_default();
        for (name, phone) in phones {
            let cast = read_phone(name, phone, &scenario.phones);
            scenario.phones.extend(cast);
        }
        for step in map.required("timeline").and_then(|value| value.list()).unwrap_or_default() {
            if let Some(step) = scenario.read_step(step) {
                scenario.timeline.push(step);
            }
        }
        if let Some(expected) = map.optional("expect").and_then(|value| scenario.read_expected(value)) {
            scenario.expected = expected;
        }
        (faults.len() == before).then_some(scenario)
    }

    fn read_step(&self, value: Value<'_>) -> Option<Step> {
        let map = value.map(&STEP)?;
        let at = map.required("at").and_then(|value| value.duration_in(Duration::ZERO..=LONGEST))?;
        if self.timeline.last().is_some_and(|last| last.at > at) {
            map.fault("this step is earlier than the one before it", "write the steps in order of time");
        }
        let act = match map.one_of(&["does", "expect"])? {
            ("expect", expected) => Act::Expect(self.read_expected(expected)?),
            (_, does) => {
                let who = map.required("who").and_then(|value| Some((value, value.string()?)));
                let text = does.string()?;
                self.read_act(who?, does, text)?
            }
        };
        Some(Step { at, act })
    }

    fn read_act(&self, (who, name): (Value<'_>, &str), does: Value<'_>, text: &str) -> Option<Act> {
        let choose = |choices: &[(&str, Act)]| {
            let words: Vec<(&str, usize)> = choices.iter().zip(0..).map(|((word, _), at)| (*word, at)).collect();
            does.choose(&words).and_then(|at| choices.get(at)).map(|(_, act)| act.clone())
        };
        match name {
            "switch" => {
                let reloads = Company::ALL.map(|company| (format!("reload {}", company.word()), Act::Reload(company)));
                let others = [("restart", Act::Restart), ("drain", Act::Drain), ("end_call", Act::EndCall)];
                let mut choices = others.to_vec();
                choices.push(("fault", Act::Fault));
                choices.extend(reloads.iter().map(|(text, act)| (text.as_str(), act.clone())));
                choose(&choices)
            }
            "ports" => choose(&[("run_out", Act::NoPorts(true)), ("recover", Act::NoPorts(false))]),
            "disk" => choose(&[("stall", Act::DiskStalls(true)), ("recover", Act::DiskStalls(false))]),
            "clock" => {
                let jump = read_jump(text);
                if jump.is_none() {
                    does.fault(format!("`{text}` is nothing that a clock does"), "write `jump 1h` or `jump -90s`");
                }
                jump.map(Act::Jump)
            }
            _ => {
                let phone = self.find(who, name)?;
                let deed = Deed::from_str(text).map_err(|remedy| {
                    does.fault(format!("`{text}` is nothing that a phone's owner does"), remedy);
                });
                deed.ok().map(|deed| Act::Phone(phone, deed))
            }
        }
    }

    fn read_expected(&self, value: Value<'_>) -> Option<Expected> {
        let map = value.map(&EXPECTED)?;
        let mut expected = Expected::default();
        for (name, seen) in entries(&map, "seen", "a map of phones") {
            let phone = name.string().and_then(|text| self.find(name, text));
            let words = seen.list().unwrap_or_default().into_iter().filter_map(read_seen).collect();
            expected.seen.extend(phone.map(|phone| (phone, words)));
        }
        for (name, state) in entries(&map, "agents", "a map of agents") {
            let agent = name.choose(&USERS.map(|user| (user, user)));
            let state = state.choose(&STATES.map(|word| (word, word)));
            expected.agents.extend(agent.zip(state).map(|(agent, state)| (agent.to_owned(), state.to_owned())));
        }
        expected.live = map.optional("live").and_then(|value| value.integer(0..=1000));
        expected.calls = map
            .optional("calls")
            .and_then(|value| value.list())
            .map(|calls| calls.into_iter().filter_map(read_call).collect());
        Some(expected)
    }

    /// A phone by its name; a fault if there is none.
    fn find(&self, value: Value<'_>, name: &str) -> Option<usize> {
        let names = self.phones.iter().map(|cast| cast.name.as_str());
        let choices: Vec<(&str, usize)> = names.zip(0..).collect();
        let found = choices.iter().find(|(known, _)| *known == name).map(|(_, phone)| *phone);
        if found.is_none() {
            let known = choices.iter().map(|(name, _)| *name).chain(OTHERS);
            let remedy = yaml::did_you_mean(name, known).map(|word| format!("did you mean `{word}`?"));
            value.fault(
                format!("there is no phone `{name}`"),
                remedy.unwrap_or_else(|| "write it under `phones:`".into()),
            );
        }
        found
    }
}

fn entries<'a>(map: &Map<'a>, key: &'static str, what: &str) -> Vec<(Value<'a>, Value<'a>)> {
    map.optional(key).and_then(|value| value.entries(what)).unwrap_or_default()
}

pub(crate) fn read_node(value: Value<'_>) -> Option<Node> {
    let map = value.map(&NODE)?;
    let percent = |value: Value<'_>| value.integer(0..=100);
    let node = match map.one_of(&["delay", "lose", "double"])? {
        ("lose", value) => Node::Lose(percent(value)?),
        ("double", value) => Node::Double(percent(value)?),
        (_, value) => {
            let longest = Duration::from_secs(10);
            let jitter = map.optional("jitter").and_then(|value| value.duration_in(Duration::ZERO..=longest));
            let least = value.duration_in(Duration::ZERO..=longest)?;
            return Some(Node::Delay { least, jitter: jitter.unwrap_or_default() });
        }
    };
    if let Some(jitter) = map.optional("jitter") {
        jitter.fault_at_key("`jitter` belongs to a `delay`", "write it next to `delay:`");
    }
    Some(node)
}

fn read_pace(value: Value<'_>) -> Pace {
    let mut pace = Pace { prompt: Some(PROMPT), ..Pace::default() };
    let Some(map) = value.map(&PACE) else { return pace };
    let longest = Duration::from_secs(60);
    let time = |key| map.optional(key).and_then(|value| value.duration_in(Duration::ZERO..=longest));
    pace.media = time("media").unwrap_or_default();
    pace.disk = time("disk").unwrap_or_default();
    if let Some(prompt) = map.optional("prompt") {
        pace.prompt = if prompt.raw() == Some("forever") { None } else { time("prompt") };
    }
    pace
}

fn read_phone(name: Value<'_>, value: Value<'_>, others: &[Cast]) -> Option<Cast> {
    let called = name.name();
    if let Some(reserved) = called.filter(|called| OTHERS.contains(called)) {
        name.fault(format!("`{reserved}` is not a phone"), "give the phone another name");
    }
    let map = value.map(&PHONE)?;
    let whose = match map.one_of(&["outside", "user", "stranger", "trunk"])? {
        ("user", user) => {
            let found = user.choose(&USERS.map(|user| (user, user)))?;
            let whose = Whose::User(found.to_owned());
            if fixed_address(found).is_some() && others.iter().any(|cast| cast.whose == whose) {
                user.fault(format!("{found} has one phone only"), "who registers, 103 and 104, may have several");
            }
            whose
        }
        ("trunk", trunk) => {
            let whose = trunk.choose(&[("carrier", ())]).map(|()| Whose::Carrier)?;
            if others.iter().any(|cast| cast.whose == whose) {
                trunk.fault("the trunk has one far end only", "write one phone of it");
            }
            whose
        }
        ("outside", number) => Whose::Outside(number.string()?.to_owned()),
        (_, number) => Whose::Stranger(number.string()?.to_owned()),
    };
    if let Some(rings) = map.optional("rings_for").filter(|_| map.optional("answers").is_none()) {
        rings.fault_at_key("`rings_for` does nothing without `answers`", "add `answers: 200`");
    }
    let time = |key| map.optional(key).and_then(|value| value.duration_in(Duration::ZERO..=LONGEST));
    let transports = [("udp", Transport::Udp), ("tcp", Transport::Tcp)];
    Some(Cast {
        name: called?.to_owned(),
        whose,
        transport: map.optional("transport").and_then(|value| value.choose(&transports)).unwrap_or_default(),
        answers: map.optional("answers").and_then(|value| value.integer(200..=699)),
        rings_for: time("rings_for").unwrap_or_default(),
        talks_for: time("talks_for"),
        manners: Manners {
            reliable: map.optional("reliable").and_then(|value| value.choose(&RELIABLE)).unwrap_or_default(),
            session_timer: map.optional("session_timer").and_then(|value| value.integer(90..=86_400)),
        },
    })
}

fn read_call(value: Value<'_>) -> Option<CallExpected> {
    let map = value.map(&CALL)?;
    let text = |key| map.optional(key).and_then(|value| value.string()).map(str::to_owned);
    Some(CallExpected {
        disposition: map.optional("disposition").and_then(|value| value.choose(&DISPOSITIONS)),
        hung_up_by: map.optional("hung_up_by").and_then(|value| value.choose(&PARTIES)),
        cause: text("cause"),
        agent: text("agent"),
        queue: text("queue"),
        offers: map.optional("offers").and_then(|value| value.integer(0..=1000)),
        cut: map.optional("cut").and_then(|value| value.bool()),
    })
}

fn read_seen(value: Value<'_>) -> Option<Seen> {
    let text = value.string()?;
    let (word, rest) = text.split_once(' ').map_or((text, None), |(word, rest)| (word, Some(rest)));
    let status = || rest.and_then(|rest| rest.parse::<u16>().ok());
    let seen = match (word, rest) {
        ("refused", Some(_)) => status().map(Seen::Refused),
        ("told", Some(_)) => status().map(Seen::Told),
        ("not_changed", Some(_)) => status().map(Seen::NotChanged),
        ("not_registered", Some(_)) => status().map(Seen::NotRegistered),
        ("changed", Some(direction)) => Some(Seen::Changed(direction.to_owned())),
        (_, Some(_)) => None,
        (word, None) => PLAIN.iter().find(|seen| seen.to_string() == word).cloned(),
    };
    if seen.is_none() {
        let plain: Vec<String> = PLAIN.iter().map(ToString::to_string).collect();
        let known = plain.join(", ");
        let remedy = format!(
            "it is one of {known}, refused 486, changed sendonly, not_changed 491, not_registered 401, told 200"
        );
        value.fault(format!("`{text}` is nothing that one sees"), remedy);
    }
    seen
}

/// What one may see, without what goes with a status or a direction.
const PLAIN: [Seen; 10] = [
    Seen::Rings,
    Seen::Ringback,
    Seen::Early,
    Seen::Answered,
    Seen::Cancelled,
    Seen::Acked,
    Seen::Ended,
    Seen::Gone,
    Seen::Registered,
    Seen::Unregistered,
];

/// `jump 1h`, `jump -90s`: in milliseconds.
fn read_jump(text: &str) -> Option<i64> {
    let by = text.strip_prefix("jump ")?;
    let (sign, by) = by.strip_prefix('-').map_or((1, by), |by| (-1, by));
    i64::try_from(yaml::duration(by)?.as_millis()).ok().map(|millis| sign * millis)
}

/// What is done without anything to say about it.
const DEEDS: [Deed; 17] = [
    Deed::Unwatch,
    Deed::Join,
    Deed::Ring,
    Deed::SpeakEarly,
    Deed::Answer,
    Deed::HangUp,
    Deed::ByeEarly,
    Deed::Ask,
    Deed::Move,
    Deed::Silence,
    Deed::Register,
    Deed::Unregister,
    Deed::Vanish,
    Deed::Return,
    Deed::CutOff,
    Deed::Reconnect,
    Deed::BreakLines,
];

fn direction(word: &str) -> Option<sdp::Direction> {
    use sdp::Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let directions = [SendRecv, SendOnly, RecvOnly, Inactive];
    directions.into_iter().find(|direction| super::play::direction_word(*direction) == word)
}

impl FromStr for Deed {
    /// What to write instead.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, rest) = text.split_once(' ').map_or((text, None), |(word, rest)| (word, Some(rest)));
        let found = match (word, rest) {
            ("call", Some(number)) => Some(Self::Call(number.to_owned())),
            ("refer", Some(number)) => Some(Self::Refer(number.to_owned())),
            ("consult", Some(number)) => Some(Self::Consult(number.to_owned())),
            ("watch", Some(user)) => Some(Self::Watch(user.to_owned())),
            ("take_over", Some(user)) => Some(Self::TakeOver(user.to_owned())),
            ("call_offerless", Some(number)) => Some(Self::CallOfferless(number.to_owned())),
            ("redirect", Some(number)) => Some(Self::Redirect(number.to_owned())),
            ("refuse", Some(rest)) => rest.parse().ok().filter(|status| (300..700).contains(status)).map(Self::Refuse),
            ("press", Some(rest)) => {
                rest.parse().ok().filter(|key| leg::Digit::from_char(*key).is_some()).map(Self::Press)
            }
            ("type", Some(keys)) => {
                let typed = keys.chars().all(|key| leg::Digit::from_char(key).is_some());
                typed.then(|| Self::Type(keys.to_owned()))
            }
            ("change", Some(rest)) => direction(rest).map(Self::Change),
            ("update", Some(rest)) => direction(rest).map(Self::Update),
            (_, Some(_)) => None,
            (word, None) => DEEDS.iter().find(|deed| deed.to_string() == word).cloned(),
        };
        found.ok_or_else(|| {
            let plain: Vec<String> = DEEDS.iter().map(ToString::to_string).collect();
            format!(
                "it is one of call NUMBER, call_offerless NUMBER, refuse STATUS, redirect NUMBER, refer NUMBER, \
                 consult NUMBER, take_over USER, watch USER, press KEY, change DIRECTION, update DIRECTION, {}",
                plain.join(", ")
            )
        })
    }
}
