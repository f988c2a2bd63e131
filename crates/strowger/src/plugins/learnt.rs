//! What plugins had learnt when the switch stopped, from its journal.

use std::collections::BTreeMap;
use std::path::Path;

use base::{Day, Wall};
use journal::{Kind, Name};
use switch::{Config, Switch};

/// Octets of the journal that a start reads back for that, from its end.
const READ: u64 = 1 << 26;
/// Days that it reads at most.
const DAYS: usize = 7;

/// Gives each queue's plugin the state again that it had last. If the journal cannot be read, they begin anew.
pub(crate) fn restore_states(switch: &mut Switch, config: &Config, data: &Path, now: Wall) {
    if config.queues.iter().all(|queue| queue.plugin.is_none()) {
        return;
    }
    for (queue, (plugin, state)) in last_states(data, now) {
        switch.restore_plugin_state(&queue.into(), &plugin, state);
    }
}

/// By queue: the plugin, and the state that it left.
fn last_states(data: &Path, now: Wall) -> BTreeMap<Name, (Name, String)> {
    let today = Day::of(now);
    let first = std::iter::successors(Some(today), |day| Some(day.before())).nth(DAYS - 1).unwrap_or(today);
    let mut last = BTreeMap::new();
    let wanted = |head: storage::Head<'_>| matches!(head.event, "decided" | "plugin_learnt");
    let _ = storage::read_journal(data, first..=today, READ, wanted, |event| match event.kind {
        Kind::Decided(decided) => {
            if let Some(state) = decided.decision.state {
                last.insert(decided.queue, (decided.strategy, state));
            }
        }
        Kind::PluginLearnt(learnt) => drop(last.insert(learnt.queue, (learnt.plugin, learnt.state))),
        _ => {}
    });
    last
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::{CallId, DecisionId};
    use journal::{Decided, Event, PluginLearnt};
    use routing::{Action, Call, Candidate, Decision, Exclusions, Question, Queue, Service, Snapshot, VERSION};

    use super::*;

    const NOON: i64 = 1_795_262_400_000_000;

    fn decided(queue: &str, state: Option<&str>) -> Kind {
        let call = CallId::from_raw(7);
        let snapshot = Snapshot {
            version: VERSION,
            id: DecisionId::from_raw(1),
            epoch: 1,
            at: Wall::from_unix_micros(NOON),
            seed: u64::MAX,
            queue: Queue {
                name: queue.into(),
                waiting: 1,
                longest_wait_ms: 0,
                excluded: Exclusions::default(),
                ring_ms: 20_000,
                service: Service::default(),
            },
            other_queues: Vec::new(),
            state: None,
            question: Question::Agent { call: Call::new(call, queue), candidates: vec![Candidate::new("101")] },
        };
        let mut decision = Decision::new(Action::Wait { at_most_ms: None }, "");
        decision.state = state.map(str::to_owned);
        Kind::Decided(Decided {
            queue: queue.into(),
            strategy: "ours".into(),
            parameters: Some("{}".into()),
            took_us: Some(9),
            snapshot: Arc::new(snapshot),
            decision: Box::new(decision),
        })
    }

    fn learnt(queue: &str, state: &str) -> Kind {
        Kind::PluginLearnt(PluginLearnt {
            plugin: "ours".into(),
            queue: queue.into(),
            parameters: "{}".into(),
            outcomes: Vec::new(),
            before: None,
            state: state.to_owned(),
        })
    }

    #[test]
    fn the_last_state_of_each_queue_counts_be_it_of_a_decision_or_of_what_was_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("journal")).unwrap();
        let write = |days_ago: i64, kinds: Vec<Kind>| {
            let at = Wall::from_unix_micros(NOON - days_ago * 86_400_000_000);
            let line = |kind| serde_json::to_string(&Event { seq: 1, at, call: None, kind }).unwrap() + "\n";
            let text: String = kinds.into_iter().map(line).collect();
            std::fs::write(folder.path().join(format!("journal/{}.jsonl", Day::of(at))), text + "torn").unwrap();
        };
        write(9, vec![learnt("long-ago", "x")]);
        write(2, vec![learnt("sales", "a"), decided("support", Some("b"))]);
        write(0, vec![decided("sales", Some("c")), decided("sales", None), learnt("support", "d")]);
        let states = last_states(folder.path(), Wall::from_unix_micros(NOON));
        let states: Vec<_> = states.iter().map(|(queue, (plugin, state))| (&**queue, &**plugin, &**state)).collect();
        assert_eq!(states, [("sales", "ours", "c"), ("support", "ours", "d")]);
    }
}
