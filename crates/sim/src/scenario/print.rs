//! A scenario as a file: what [`Scenario::read`] reads back.

use std::fmt;

use yaml::show_duration;

use super::expect::{DISPOSITIONS, PARTIES};
use super::play::direction_word;
use super::{Act, CallExpected, Cast, Deed, Expected, Scenario, Whose};
use crate::manners::{RELIABLE, Reliable};
use crate::{Node, Seen};

impl Scenario {
    /// An act as a line of the timeline says it.
    pub(crate) fn act_text(&self, act: &Act) -> String {
        // In YAML a `#` may begin a comment.
        let quote = |what: &str| if what.contains('#') { "\"" } else { "" };
        let doer = |who: &str, what: &str| format!("who: {who}, does: {0}{what}{0}", quote(what));
        match act {
            Act::Phone(phone, deed) => doer(self.name(*phone), &deed.to_string()),
            Act::Restart => doer("switch", "restart"),
            Act::Drain => doer("switch", "drain"),
            Act::EndCall => doer("switch", "end_call"),
            Act::Fault => doer("switch", "fault"),
            Act::Reload(company) => doer("switch", &format!("reload {}", company.word())),
            Act::Jump(millis) => {
                let by = show_duration(std::time::Duration::from_millis(millis.unsigned_abs()));
                doer("clock", &format!("jump {}{by}", if *millis < 0 { "-" } else { "" }))
            }
            Act::NoPorts(none) => doer("ports", if *none { "run_out" } else { "recover" }),
            Act::DiskStalls(stalls) => doer("disk", if *stalls { "stall" } else { "recover" }),
            Act::Expect(expected) => format!("expect: {{{}}}", self.expected_text(expected).join(", ")),
        }
    }

    fn name(&self, phone: usize) -> &str {
        self.phones.get(phone).map_or("", |cast| &cast.name)
    }

    fn expected_text(&self, expected: &Expected) -> Vec<String> {
        let Expected { seen, agents, live, calls } = expected;
        let mut parts = Vec::new();
        if !seen.is_empty() {
            let words = |seen: &[Seen]| seen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let each = seen.iter().map(|(phone, seen)| format!("{}: [{}]", self.name(*phone), words(seen)));
            parts.push(format!("seen: {{{}}}", each.collect::<Vec<_>>().join(", ")));
        }
        if !agents.is_empty() {
            let each = agents.iter().map(|(agent, state)| format!("{agent}: {state}"));
            parts.push(format!("agents: {{{}}}", each.collect::<Vec<_>>().join(", ")));
        }
        if let Some(live) = live {
            parts.push(format!("live: {live}"));
        }
        if let Some(calls) = calls {
            let each = calls.iter().map(ToString::to_string);
            parts.push(format!("calls: [{}]", each.collect::<Vec<_>>().join(", ")));
        }
        parts
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "version: 1")?;
        writeln!(f, "about: \"{}\"", self.about)?;
        writeln!(f, "seed: {}", self.seed)?;
        if !self.network.is_empty() {
            writeln!(f, "network:")?;
            for node in &self.network {
                writeln!(f, "  - {{{node}}}")?;
            }
        }
        let pace = self.pace;
        let prompt = pace.prompt.map_or("forever".to_owned(), show_duration);
        let (media, disk) = (show_duration(pace.media), show_duration(pace.disk));
        writeln!(f, "pace: {{media: {media}, prompt: {prompt}, disk: {disk}}}")?;
        writeln!(f, "phones:")?;
        for cast in &self.phones {
            writeln!(f, "  {}: {{{cast}}}", cast.name)?;
        }
        writeln!(f, "timeline:")?;
        for step in &self.timeline {
            writeln!(f, "  - {{at: {}, {}}}", show_duration(step.at), self.act_text(&step.act))?;
        }
        if self.expected != Expected::default() {
            writeln!(f, "expect:")?;
            for part in self.expected_text(&self.expected) {
                writeln!(f, "  {part}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay { least, jitter } => {
                write!(f, "delay: {}, jitter: {}", show_duration(*least), show_duration(*jitter))
            }
            Self::Lose(percent) => write!(f, "lose: {percent}"),
            Self::Double(percent) => write!(f, "double: {percent}"),
        }
    }
}

impl fmt::Display for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.whose {
            Whose::Outside(number) => write!(f, "outside: \"{number}\"")?,
            Whose::User(user) => write!(f, "user: {user}")?,
            Whose::Stranger(number) => write!(f, "stranger: \"{number}\"")?,
            Whose::Carrier => write!(f, "trunk: carrier")?,
        }
        if self.transport == sip::Transport::Tcp {
            write!(f, ", transport: tcp")?;
        }
        if let Some(status) = self.answers {
            write!(f, ", answers: {status}, rings_for: {}", show_duration(self.rings_for))?;
        }
        if let Some(time) = self.talks_for {
            write!(f, ", talks_for: {}", show_duration(time))?;
        }
        match RELIABLE.iter().find(|(_, value)| *value == self.manners.reliable) {
            Some((word, value)) if *value != Reliable::default() => write!(f, ", reliable: {word}")?,
            _ => {}
        }
        match self.manners.session_timer {
            Some(seconds) => write!(f, ", session_timer: {seconds}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Call(number) => return write!(f, "call {number}"),
            Self::CallOfferless(number) => return write!(f, "call_offerless {number}"),
            Self::Refuse(status) => return write!(f, "refuse {status}"),
            Self::Change(direction) => return write!(f, "change {}", direction_word(*direction)),
            Self::Update(direction) => return write!(f, "update {}", direction_word(*direction)),
            Self::Press(key) => return write!(f, "press {key}"),
            Self::Type(keys) => return write!(f, "type {keys}"),
            Self::Redirect(number) => return write!(f, "redirect {number}"),
            Self::Refer(number) => return write!(f, "refer {number}"),
            Self::Consult(number) => return write!(f, "consult {number}"),
            Self::TakeOver(user) => return write!(f, "take_over {user}"),
            Self::Watch(user) => return write!(f, "watch {user}"),
            Self::Unwatch => "unwatch",
            Self::Join => "join",
            Self::Ring => "ring",
            Self::SpeakEarly => "speak_early",
            Self::Answer => "answer",
            Self::HangUp => "hang_up",
            Self::ByeEarly => "bye_early",
            Self::Ask => "ask",
            Self::Move => "move",
            Self::Silence => "silence",
            Self::Register => "register",
            Self::Unregister => "unregister",
            Self::Vanish => "vanish",
            Self::Return => "return",
            Self::CutOff => "cut_off",
            Self::Reconnect => "reconnect",
            Self::BreakLines => "break_lines",
        };
        f.write_str(word)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Refused(status) => return write!(f, "refused {status}"),
            Self::Changed(direction) => return write!(f, "changed {direction}"),
            Self::NotChanged(status) => return write!(f, "not_changed {status}"),
            Self::NotRegistered(status) => return write!(f, "not_registered {status}"),
            Self::Rings => "rings",
            Self::Ringback => "ringback",
            Self::Early => "early",
            Self::Answered => "answered",
            Self::Told(status) => return write!(f, "told {status}"),
            Self::Cancelled => "cancelled",
            Self::Acked => "acked",
            Self::Ended => "ended",
            Self::Gone => "gone",
            Self::Registered => "registered",
            Self::Unregistered => "unregistered",
        };
        f.write_str(word)
    }
}

impl fmt::Display for CallExpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disposition = DISPOSITIONS.iter().find(|(_, value)| Some(*value) == self.disposition);
        let party = PARTIES.iter().find(|(_, value)| Some(*value) == self.hung_up_by);
        let parts = [
            disposition.map(|(word, _)| format!("disposition: {word}")),
            party.map(|(word, _)| format!("hung_up_by: {word}")),
            self.cause.as_ref().map(|cause| format!("cause: {cause}")),
            self.agent.as_ref().map(|agent| format!("agent: {agent}")),
            self.queue.as_ref().map(|queue| format!("queue: {queue}")),
            self.offers.map(|offers| format!("offers: {offers}")),
            self.cut.map(|cut| format!("cut: {cut}")),
        ];
        write!(f, "{{{}}}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}
