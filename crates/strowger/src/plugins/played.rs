//! Plugins that are asked by whoever waits for them: of a centre that is played, and of recorded decisions.

use std::collections::BTreeMap;
use std::time::Duration;

use ::plugins::{Decide, Fault};
use company::Plugin;
use routing::{Decision, PluginName, QueueName};
use sim::Deciders;
use switch::{Config, PluginAsk, PluginFault, PluginTell};

use crate::error::Error;
use crate::tls::Vault;

/// However busy the machine is, what a plugin decides must not hang on it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The plugins of a company's queues.
#[derive(Default)]
pub(crate) struct Played(BTreeMap<QueueName, Box<dyn Decide>>);

impl Played {
    /// Of a company whose queues ask some; they may take their time.
    ///
    /// # Errors
    /// If one cannot be run.
    pub fn of(config: &Config, plugins: &BTreeMap<PluginName, Plugin>, vault: &Vault) -> Result<Option<Self>, Error> {
        let patient = |(name, plugin): (&PluginName, &Plugin)| (name.clone(), patient(plugin.clone()));
        let bound = super::bind(config, &plugins.iter().map(patient).collect(), vault)?;
        let bound = bound.into_iter().map(|bound| (bound.queue, bound.ready.decider()));
        let queues: BTreeMap<_, _> = bound.collect();
        Ok((!queues.is_empty()).then_some(Self(queues)))
    }

    /// The same, but that these decide for these queues.
    pub fn with(mut self, others: impl Iterator<Item = (QueueName, Box<dyn Decide>)>) -> Self {
        self.0.extend(others);
        self
    }
}

/// A plugin that may take its time.
fn patient(plugin: Plugin) -> Plugin {
    Plugin { deadline: plugin.deadline.max(PATIENCE), ..plugin }
}

impl Deciders for Played {
    fn decide(&mut self, ask: &PluginAsk) -> Result<Decision, PluginFault> {
        let plugin = self.0.get_mut(&ask.queue).ok_or(Fault::Unbound);
        plugin.and_then(|plugin| plugin.decide(&ask.snapshot, &ask.binding.parameters)).map_err(super::fault)
    }

    fn told(&mut self, tell: &PluginTell) -> Result<Option<String>, PluginFault> {
        let plugin = self.0.get_mut(&tell.queue).ok_or(Fault::Unbound);
        let told =
            |plugin: &mut Box<dyn Decide>| plugin.told(&tell.outcomes, tell.state.as_deref(), &tell.binding.parameters);
        plugin.and_then(told).map_err(super::fault)
    }
}
