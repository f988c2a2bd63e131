//! Who has to do with a centre beside those who call and answer: plugins, asked in the place of the driver that runs them, in no time of
//! the virtual clock; and readers of its journal.

use std::time::Duration;

use journal::Event;
use routing::Decision;
use switch::{PluginAsk, PluginFault, PluginOrder, PluginTell};

use super::run::Centre;

/// Those that decide for the queues of a centre.
pub trait Deciders {
    /// Decides.
    ///
    /// # Errors
    /// Why it does not: the queue's strategy does.
    fn decide(&mut self, ask: &PluginAsk) -> Result<Decision, PluginFault>;

    /// Learns from outcomes; gives the state that takes the place of the queue's, if another does.
    ///
    /// # Errors
    /// Why it could not be told.
    fn told(&mut self, tell: &PluginTell) -> Result<Option<String>, PluginFault>;
}

/// Somebody who is told what is journaled.
pub type Reader = Box<dyn FnMut(&Event)>;

/// Who is there beside the centre.
#[derive(Default)]
pub struct Beside {
    /// Those who decide in the place of its plugins; without them the strategies of the queues do.
    pub plugins: Option<Box<dyn Deciders>>,
    /// Who is told all that is journaled.
    pub journal: Option<Reader>,
}

impl Centre {
    /// Has plugins decide and learn. True if there was nothing.
    pub(super) fn obey_plugins(&mut self) -> bool {
        let (now, mut idle) = (self.now, true);
        while let (Some(plugins), Some(order)) = (&mut self.beside.plugins, self.switch.poll_plugin()) {
            idle = false;
            match order {
                PluginOrder::Decide(ask) => {
                    let outcome = plugins.decide(&ask);
                    self.switch.handle_plugin(now, ask.id, outcome, Duration::ZERO);
                }
                PluginOrder::Tell(tell) => {
                    let outcome = plugins.told(&tell);
                    self.switch.handle_told(now, &tell.queue, outcome, Duration::ZERO);
                }
            }
        }
        idle
    }
}
