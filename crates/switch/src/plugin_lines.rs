//! What each queue's plugin is to do, one thing after the other: it decides, or is told, by the state that the thing before left.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use acd::{Binding, QueueName};
use base::DecisionId;
use routing::{Outcome, Snapshot};

/// The most outcomes that a plugin is told at once.
const BATCH: usize = 64;
/// With so many that wait to be told, they go before a decision.
const URGENT: usize = 32;
/// Of more that wait the oldest are not told any more.
const MAX_UNTOLD: usize = 256;

/// What the driver of plugins is to do. A queue's next order comes after its last one was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum PluginOrder {
    /// Have a decision made; [`crate::Switch::handle_plugin`] is to be told once what came of it.
    Decide(PluginAsk),
    /// Tell of outcomes; [`crate::Switch::handle_told`] likewise.
    Tell(PluginTell),
}

/// A decision that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginAsk {
    /// Names the decision.
    pub id: DecisionId,
    /// The queue that asks.
    pub queue: QueueName,
    /// The plugin, and what it is to go by.
    pub binding: Arc<Binding>,
    /// What is known.
    pub snapshot: Arc<Snapshot>,
}

/// Outcomes that a plugin is to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginTell {
    /// The queue whose they are.
    pub queue: QueueName,
    /// The plugin, and what it is to go by.
    pub binding: Arc<Binding>,
    /// In the order in which they came about.
    pub outcomes: Arc<[Outcome]>,
    /// The plugin's state for the queue.
    pub state: Option<String>,
}

/// What is next in a queue's line.
#[derive(Debug)]
pub(crate) enum Next {
    Ask(PluginAsk),
    Tell(Arc<Binding>, Vec<Outcome>),
}

/// All queues' lines, and what the driver is to do.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    orders: VecDeque<PluginOrder>,
    lines: BTreeMap<QueueName, Line>,
    /// Of each decision that the driver was given, the queue.
    deciding: BTreeMap<DecisionId, QueueName>,
}

#[derive(Debug, Default)]
struct Line {
    under_way: Option<PluginOrder>,
    asks: VecDeque<PluginAsk>,
    outcomes: VecDeque<Outcome>,
    /// Who is told.
    binding: Option<Arc<Binding>>,
}

impl Lines {
    /// A decision takes its place.
    pub fn ask(&mut self, ask: PluginAsk) {
        self.lines.entry(ask.queue.clone()).or_default().asks.push_back(ask);
    }

    /// An outcome takes its place. True if another one is not told any more, as too many wait.
    pub fn tell(&mut self, binding: &Arc<Binding>, outcome: Outcome) -> bool {
        let line = self.lines.entry(outcome.queue.clone()).or_default();
        line.binding = Some(Arc::clone(binding));
        line.outcomes.push_back(outcome);
        line.outcomes.len() > MAX_UNTOLD && line.outcomes.pop_front().is_some()
    }

    /// What a queue's plugin is to do next, if it is at nothing.
    pub fn next(&mut self, queue: &QueueName) -> Option<Next> {
        let line = self.lines.get_mut(queue)?;
        if line.under_way.is_some() {
            return None;
        }
        if line.outcomes.len() < URGENT
            && let Some(ask) = line.asks.pop_front()
        {
            return Some(Next::Ask(ask));
        }
        let batch = line.outcomes.len().min(BATCH);
        let outcomes: Vec<Outcome> = line.outcomes.drain(..batch).collect();
        match line.binding.clone().filter(|_| batch > 0) {
            Some(binding) => Some(Next::Tell(binding, outcomes)),
            None => {
                self.lines.remove(queue);
                None
            }
        }
    }

    /// A queue's plugin is to do this now.
    pub fn order(&mut self, order: PluginOrder) {
        let queue = match &order {
            PluginOrder::Decide(ask) => {
                self.deciding.insert(ask.id, ask.queue.clone());
                &ask.queue
            }
            PluginOrder::Tell(tell) => &tell.queue,
        };
        self.lines.entry(queue.clone()).or_default().under_way = Some(order.clone());
        self.orders.push_back(order);
    }

    /// The next thing for the driver.
    pub fn poll(&mut self) -> Option<PluginOrder> {
        self.orders.pop_front()
    }

    /// A decision was made, or will not be: its queue's plugin is at nothing.
    pub fn decided(&mut self, id: DecisionId) -> Option<PluginAsk> {
        let queue = self.deciding.remove(&id)?;
        match self.lines.get_mut(&queue)?.under_way.take()? {
            PluginOrder::Decide(ask) => Some(ask),
            PluginOrder::Tell(_) => None,
        }
    }

    /// A queue's plugin was told, or cannot be: it is at nothing.
    pub fn told(&mut self, queue: &QueueName) -> Option<PluginTell> {
        let line = self.lines.get_mut(queue)?;
        match line.under_way.take()? {
            PluginOrder::Tell(tell) => Some(tell),
            order @ PluginOrder::Decide(_) => {
                line.under_way = Some(order);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base::{CallId, Wall};
    use routing::{Call, Candidate, Exclusions, Happened, Order, Question, Queue, Service, VERSION};

    use super::*;

    fn binding() -> Arc<Binding> {
        Arc::new(Binding::new("ours", Order::List))
    }

    fn outcome(number: usize) -> Outcome {
        Outcome {
            at: Wall::from_unix_micros(i64::try_from(number).unwrap()),
            queue: "sales".into(),
            call: CallId::from_raw(1),
            agent: "101".into(),
            happened: Happened::Accepted { rang_ms: 0 },
        }
    }

    fn ask(id: u64) -> PluginAsk {
        let queue = Queue {
            name: "sales".into(),
            waiting: 1,
            longest_wait_ms: 0,
            excluded: Exclusions::default(),
            ring_ms: 20_000,
            service: Service::default(),
        };
        let call = Call::new(CallId::from_raw(1), "sales");
        let snapshot = Snapshot {
            version: VERSION,
            id: DecisionId::from_raw(id),
            epoch: 1,
            at: Wall::from_unix_micros(0),
            seed: 0,
            queue,
            other_queues: Vec::new(),
            state: None,
            question: Question::Agent { call, candidates: vec![Candidate::new("101")] },
        };
        PluginAsk {
            id: DecisionId::from_raw(id),
            queue: "sales".into(),
            binding: binding(),
            snapshot: Arc::new(snapshot),
        }
    }

    fn told(lines: &mut Lines) -> Vec<i64> {
        match lines.next(&"sales".into()) {
            Some(Next::Tell(_, outcomes)) => outcomes.iter().map(|outcome| outcome.at.as_unix_micros()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn decisions_go_first_unless_too_much_waits_to_be_told() {
        let mut lines = Lines::default();
        for number in 0..URGENT {
            lines.ask(ask(number as u64));
            assert!(!lines.tell(&binding(), outcome(number)));
        }
        assert_eq!(told(&mut lines).len(), URGENT);
        lines.tell(&binding(), outcome(URGENT));
        for number in 0..URGENT {
            let next = lines.next(&"sales".into());
            assert!(matches!(&next, Some(Next::Ask(ask)) if ask.id.as_raw() == number as u64), "{next:?}");
        }
        assert_eq!(told(&mut lines), [32]);
        assert!(lines.next(&"sales".into()).is_none() && lines.lines.is_empty(), "nothing is kept of a queue at rest");
    }

    #[test]
    fn of_too_many_outcomes_the_oldest_are_given_up_and_the_rest_is_told_in_batches() {
        let mut lines = Lines::default();
        let given_up = (0..MAX_UNTOLD + 10).filter(|number| lines.tell(&binding(), outcome(*number))).count();
        assert_eq!(given_up, 10);
        let first = told(&mut lines);
        assert_eq!((first[0], first.len()), (10, BATCH));
        assert_eq!(told(&mut lines)[0], 10 + i64::try_from(BATCH).unwrap());
    }

    #[test]
    fn nothing_is_next_while_something_is_under_way() {
        let mut lines = Lines::default();
        lines.ask(ask(1));
        lines.ask(ask(2));
        let Some(Next::Ask(first)) = lines.next(&"sales".into()) else { panic!() };
        lines.order(PluginOrder::Decide(first));
        assert!(lines.next(&"sales".into()).is_none());
        assert!(lines.poll().is_some() && lines.poll().is_none());
        assert_eq!(lines.told(&"sales".into()), None, "it is to decide");
        assert_eq!(lines.decided(DecisionId::from_raw(2)), None, "not this one");
        assert_eq!(lines.decided(DecisionId::from_raw(1)).map(|ask| ask.id.as_raw()), Some(1));
        assert_eq!(lines.decided(DecisionId::from_raw(1)), None, "once");
        assert!(matches!(lines.next(&"sales".into()), Some(Next::Ask(_))));
    }
}
