//! How large a snapshot may be.

use crate::{Call, Candidate, Levels, Question, Queue, Snapshot};

/// The most octets that a snapshot has as JSON.
pub const MAX_SNAPSHOT: usize = 64_000;

/// Of these, what the variables of all its calls may take if it would be larger otherwise.
const SHARED: usize = 24_000;

// What the names of fields, their numbers at their longest, and all signs round them take.
const FRAME: usize = 400;
const QUEUE: usize = 640;
const CANDIDATE: usize = 320;
const CALL: usize = 560;

impl Snapshot {
    /// Makes it no larger than [`MAX_SNAPSHOT`]: if it is, the variables of its calls share what room there is for them, and if
    /// that is not enough, the last candidates or calls are left out. Gives how many of those.
    pub fn fit(&mut self) -> u32 {
        // Nearly always it is far from being too large, which is seen without a look at each sign.
        if self.octets(roughly) <= MAX_SNAPSHOT || self.octets(text) <= MAX_SNAPSHOT {
            return 0;
        }
        let share = SHARED / self.calls().len().max(1);
        for call in self.calls_mut() {
            call.variables = call.variables.within(share);
        }
        let too_many = self.octets(text).saturating_sub(MAX_SNAPSHOT);
        match &mut self.question {
            Question::Agent { candidates, .. } => cut(candidates, too_many, |one| candidate(one, text)),
            Question::Call { calls, .. } => cut(calls, too_many, |one| call(one, text)),
        }
    }

    fn calls_mut(&mut self) -> &mut [Call] {
        match &mut self.question {
            Question::Agent { call, .. } => std::slice::from_mut(call),
            Question::Call { calls, .. } => calls,
        }
    }

    /// At least as many octets as it has as JSON, by what its texts have.
    fn octets(&self, text: Text) -> usize {
        let queues = std::iter::once(&self.queue).chain(&self.other_queues).map(|one| queue(one, text));
        let question = match &self.question {
            Question::Agent { call: asked, candidates } => {
                call(asked, text) + candidates.iter().map(|one| candidate(one, text)).sum::<usize>()
            }
            Question::Call { agent, calls } => {
                candidate(agent, text) + calls.iter().map(|one| call(one, text)).sum::<usize>()
            }
        };
        FRAME + self.state.as_deref().map_or(0, text) + queues.sum::<usize>() + question
    }
}

/// Leaves out the last ones, but never the first, until there are so many octets less. Gives how many.
fn cut<T>(list: &mut Vec<T>, too_many: usize, octets: impl Fn(&T) -> usize) -> u32 {
    let (mut freed, mut left_out) = (0, 0);
    while freed < too_many && list.len() > 1 {
        freed += list.pop().as_ref().map_or(0, &octets);
        left_out += 1;
    }
    left_out
}

/// How many octets a text has in JSON, with its quotes and a sign behind it, or a few more.
type Text = fn(&str) -> usize;

fn queue(queue: &Queue, text: Text) -> usize {
    QUEUE + text(queue.name.as_str())
}

fn candidate(candidate: &Candidate, text: Text) -> usize {
    CANDIDATE + text(candidate.agent.as_str()) + levels(&candidate.skills, text)
}

fn call(call: &Call, text: Text) -> usize {
    let diverted = call.diverted_from.reveal().as_deref().map_or(0, text);
    let language = call.language.as_deref().map_or(0, text);
    let last = call.last_agent.as_ref().map_or(0, |last| text(last.agent.as_str()));
    let way: usize = call.way.iter().map(|step| text(step)).sum();
    let names =
        text(call.queue.as_str()) + text(call.caller.reveal()) + text(&call.dialled) + diverted + language + last;
    CALL + names + way + levels(&call.needs, text) + call.variables.octets()
}

fn levels(levels: &Levels, text: Text) -> usize {
    levels.iter().map(|(skill, _)| text(skill.as_str()) + 5).sum()
}

/// However many of its signs must be escaped.
fn roughly(text: &str) -> usize {
    6 * text.len() + 3
}

/// Exactly.
fn text(text: &str) -> usize {
    let escaped = |octet: u8| match octet {
        b'"' | b'\\' => 2,
        ..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum::<usize>() + 3
}

#[cfg(test)]
mod tests {
    use base::{CallId, DecisionId, Pii, Wall};

    use super::*;
    use crate::{Exclusions, LastAgent, MAX_CANDIDATES, MAX_STATE, Presence, Service, Variables};

    const MAX: u32 = u32::MAX;

    fn long(letter: &str, number: usize) -> String {
        format!("{number:02}{}", letter.repeat(62))
    }

    fn skills(number: usize) -> Levels {
        Levels::new((0..number).map(|n| (long("s", n).into(), 100)))
    }

    fn queue(number: usize) -> Queue {
        let excluded = Exclusions {
            unavailable: MAX,
            on_break: MAX,
            unskilled: MAX,
            offered: MAX,
            in_call: MAX,
            wrap_up: MAX,
            resting: MAX,
            tried: MAX,
            undecided: MAX,
            surplus: MAX,
        };
        let service = Service { within_ms: u64::MAX, target: 100, kept: Some(10_000) };
        let name = long("q", number).into();
        Queue { name, waiting: MAX, longest_wait_ms: u64::MAX, excluded, ring_ms: u64::MAX, service }
    }

    fn call(number: usize, variables: &Variables) -> Call {
        Call {
            caller: Pii::new("+49301234567890".to_owned()),
            dialled: "+4930\"12\\3".to_owned(),
            diverted_from: Pii::new(Some("+4930".to_owned())),
            waited_ms: u64::MAX,
            offers: MAX,
            priority: 100,
            needs: skills(8),
            language: Some("de-DE".to_owned()),
            way: vec!["flow/node".to_owned(); 8],
            variables: variables.clone(),
            repeats: MAX,
            last_agent: Some(LastAgent { agent: long("a", number).into(), presence: Presence::Free }),
            level: 255,
            ..Call::new(CallId::from_raw(u64::MAX), long("q", number).as_str())
        }
    }

    fn candidate(number: usize, skilled: usize) -> Candidate {
        Candidate {
            idle_ms: u64::MAX,
            calls: MAX,
            level: 255,
            position: MAX,
            weight: u16::MAX,
            turn: u64::MAX,
            calls_today: MAX,
            talk_today_ms: u64::MAX,
            occupancy: 1_000,
            skills: skills(skilled),
            ..Candidate::new(long("a", number).as_str())
        }
    }

    fn snapshot(question: Question, others: usize) -> Snapshot {
        Snapshot {
            version: u16::MAX,
            id: DecisionId::from_raw(u64::MAX),
            epoch: u64::MAX,
            at: Wall::from_unix_micros(i64::MAX),
            seed: u64::MAX,
            queue: queue(0),
            other_queues: (1..=others).map(queue).collect(),
            state: Some("\u{1}".repeat(MAX_STATE)),
            question,
        }
    }

    fn agents(skilled: usize) -> Snapshot {
        let candidates = (0..MAX_CANDIDATES).map(|number| candidate(number, skilled)).collect();
        snapshot(Question::Agent { call: call(0, &Variables::default()), candidates }, 0)
    }

    fn calls(variables: &Variables) -> Snapshot {
        let calls = (0..MAX_CANDIDATES).map(|number| call(number, variables)).collect();
        snapshot(Question::Call { agent: candidate(0, 1), calls }, MAX_CANDIDATES - 1)
    }

    fn json(snapshot: &Snapshot) -> usize {
        serde_json::to_string(snapshot).unwrap().len()
    }

    #[test]
    fn what_it_takes_is_never_more_than_is_reckoned_with() {
        let variables = Variables::copied([("a", "x\n\"y\""), ("b", "ü")]);
        for snapshot in [agents(0), agents(3), calls(&Variables::default()), calls(&variables)] {
            assert!(json(&snapshot) <= snapshot.octets(text), "{} {}", json(&snapshot), snapshot.octets(text));
            assert!(snapshot.octets(text) <= snapshot.octets(roughly));
            // And not much more than is taken, or good candidates would be left out.
            assert!(snapshot.octets(text) < json(&snapshot) * 13 / 10, "{} {}", json(&snapshot), snapshot.octets(text));
        }
    }

    #[test]
    fn one_that_is_usual_stays_as_it_is() {
        let mut snapshot = agents(3);
        snapshot.state = None;
        let before = snapshot.clone();
        assert_eq!((snapshot.fit(), snapshot), (0, before));
    }

    #[test]
    fn the_last_candidates_make_room_if_they_know_a_great_deal() {
        let mut snapshot = agents(100);
        let left_out = snapshot.fit();
        assert!(json(&snapshot) <= MAX_SNAPSHOT, "{}", json(&snapshot));
        assert_eq!(snapshot.candidates().len(), MAX_CANDIDATES - left_out as usize);
        assert!(snapshot.candidates().len() > 2 && snapshot.candidates()[0].skills.iter().count() == 100);
    }

    #[test]
    fn what_the_flows_of_many_calls_found_out_shares_the_room_and_what_has_none_is_counted() {
        let word = "x".repeat(300);
        let names: Vec<String> = (0..13).map(|number| format!("v{number:02}")).collect();
        let variables = Variables::copied(names.iter().map(|name| (name.as_str(), &word)));
        assert_eq!((variables.iter().count(), variables.left_out()), (13, 0));
        let mut snapshot = calls(&variables);
        snapshot.state = None;
        snapshot.other_queues.clear();
        assert!(json(&snapshot) > 2 * MAX_SNAPSHOT);
        let left_out = snapshot.fit();
        assert!(json(&snapshot) <= MAX_SNAPSHOT, "{}", json(&snapshot));
        let first = &snapshot.calls()[0].variables;
        assert_eq!((first.iter().count(), first.left_out()), (2, 11));
        assert!(left_out < 16 && snapshot.calls().len() == MAX_CANDIDATES - left_out as usize, "{left_out}");
        // One call alone keeps all of its.
        let mut alone = agents(100);
        let Question::Agent { call: asked, .. } = &mut alone.question else { unreachable!() };
        asked.variables = variables.clone();
        alone.fit();
        assert_eq!(alone.calls()[0].variables, variables);
        assert!(json(&alone) <= MAX_SNAPSHOT);
    }
}
