//! The driver: a thread for each queue that a plugin decides for.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base::DecisionId;
use routing::{Decision, Outcome, QueueName, Snapshot};

use crate::{Decide, Fault};

/// Questions of one queue that wait for its plugin. `acd` asks one at a time, and once more if the answer came too late.
const MAX_WAITING: usize = 8;

/// Which plugin decides for a queue, and how.
#[derive(Clone)]
pub struct Binding {
    make: Arc<dyn Fn() -> Box<dyn Decide> + Send + Sync>,
    parameters: Arc<str>,
}

impl Binding {
    /// The queue's thread makes its plugin by `make`, and asks it with `parameters`: JSON that fits the schema of its
    /// description.
    pub fn new<D: Decide + 'static>(make: impl Fn() -> D + Send + Sync + 'static, parameters: Arc<str>) -> Self {
        Self { make: Arc::new(move || Box::new(make())), parameters }
    }

    /// A plugin that is ready to be asked.
    #[must_use]
    pub fn decider(&self) -> Box<dyn Decide> {
        let mut plugin = (self.make)();
        plugin.prepare();
        plugin
    }
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Binding").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

/// A question.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Names it.
    pub id: DecisionId,
    /// Whose plugin is asked.
    pub queue: QueueName,
    /// What it may look at.
    pub snapshot: Arc<Snapshot>,
}

/// What a plugin said, or why it said nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A decision that was asked for.
    Decided {
        /// The question.
        id: DecisionId,
        /// The queue that asked.
        queue: QueueName,
        /// The decision. Whether it makes sense is not checked.
        result: Result<Decision, Fault>,
        /// How long the plugin was at it.
        took: Duration,
    },
    /// The state of a queue's plugin after it was told of outcomes.
    Told {
        /// The queue.
        queue: QueueName,
        /// The state that takes the old one's place; none if that stays.
        result: Result<Option<String>, Fault>,
        /// How long the plugin was at it.
        took: Duration,
    },
}

/// Takes answers. Called by the plugins' threads, or by whoever asks if there is no room for his question.
type Sink = Arc<dyn Fn(Answer) + Send + Sync>;

/// The way to the plugins of all queues. Their threads end when this is dropped, each after what it is at.
pub struct Plugins {
    lanes: HashMap<QueueName, Lane>,
    sink: Sink,
}

struct Lane {
    orders: SyncSender<Order>,
    bound: Arc<Mutex<Arc<Binding>>>,
}

enum Order {
    Decide(DecisionId, Arc<Snapshot>),
    Tell(Vec<Outcome>, Option<String>),
    /// Another plugin is bound, or one that hangs is to be begun with anew; whoever waits for a question gets ready for it now.
    Look,
}

impl Plugins {
    /// Without plugins so far.
    pub fn new(sink: impl Fn(Answer) + Send + Sync + 'static) -> Self {
        Self { lanes: HashMap::new(), sink: Arc::new(sink) }
    }

    /// Has a plugin decide for a queue from now on. If another one did, what it is at goes on, and what waits goes to the new one.
    ///
    /// # Errors
    /// If the system has no thread.
    pub fn bind(&mut self, queue: QueueName, binding: Binding) -> io::Result<()> {
        let binding = Arc::new(binding);
        if let Some(lane) = self.lanes.get(&queue) {
            *lane.bound.lock().unwrap_or_else(PoisonError::into_inner) = binding;
            // If it has no room, it looks with the next question.
            let _ = lane.orders.try_send(Order::Look);
            return Ok(());
        }
        let (orders, ordered) = sync_channel(MAX_WAITING);
        let bound = Arc::new(Mutex::new(binding));
        let worker = Worker { queue: queue.clone(), bound: Arc::clone(&bound), sink: Arc::clone(&self.sink) };
        std::thread::Builder::new().name("plugin".to_owned()).spawn(move || worker.serve(&ordered))?;
        self.lanes.insert(queue, Lane { orders, bound });
        Ok(())
    }

    /// Begins anew with a queue's plugin if it hangs.
    pub fn renew(&self, queue: &QueueName) {
        // If it has no room, it is at work.
        let _ = self.order(queue, Order::Look);
    }

    /// Has no plugin decide for a queue any more. What waits is still answered.
    pub fn unbind(&mut self, queue: &QueueName) {
        self.lanes.remove(queue);
    }

    /// Asks without waiting. The answer goes to the sink.
    ///
    /// # Errors
    /// If there is no room for the question, or nobody to answer it: no answer will come.
    pub fn ask(&self, ask: Ask) -> Result<(), Fault> {
        let Ask { id, queue, snapshot } = ask;
        self.order(&queue, Order::Decide(id, snapshot))
    }

    /// Tells what became of earlier decisions, with the queue's state as it is, without waiting.
    ///
    /// # Errors
    /// As for [`Plugins::ask`].
    pub fn tell(&self, queue: &QueueName, outcomes: Vec<Outcome>, state: Option<String>) -> Result<(), Fault> {
        self.order(queue, Order::Tell(outcomes, state))
    }

    fn order(&self, queue: &QueueName, order: Order) -> Result<(), Fault> {
        let lane = self.lanes.get(queue).ok_or(Fault::Unbound)?;
        lane.orders.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => Fault::Busy,
            TrySendError::Disconnected(_) => Fault::Unbound,
        })
    }
}

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugins").field("queues", &self.lanes.len()).finish_non_exhaustive()
    }
}

/// What a queue's thread has.
struct Worker {
    queue: QueueName,
    bound: Arc<Mutex<Arc<Binding>>>,
    sink: Sink,
}

impl Worker {
    fn serve(self, ordered: &Receiver<Order>) {
        let mut binding = self.bound();
        let mut plugin = binding.decider();
        for order in ordered {
            let now = self.bound();
            if !Arc::ptr_eq(&now, &binding) || matches!(order, Order::Look) && plugin.hangs() {
                // First the old one goes, which may make room for the new one.
                drop(plugin);
                (plugin, binding) = (now.decider(), now);
            }
            match order {
                Order::Decide(id, snapshot) => {
                    let begun = Instant::now();
                    let result = plugin.decide(&snapshot, &binding.parameters);
                    let (queue, took) = (self.queue.clone(), begun.elapsed());
                    (self.sink)(Answer::Decided { id, queue, result, took });
                }
                Order::Tell(outcomes, state) => {
                    let begun = Instant::now();
                    let result = plugin.told(&outcomes, state.as_deref(), &binding.parameters);
                    (self.sink)(Answer::Told { queue: self.queue.clone(), result, took: begun.elapsed() });
                }
                Order::Look => {}
            }
            plugin.prepare();
        }
    }

    fn bound(&self) -> Arc<Binding> {
        Arc::clone(&self.bound.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
