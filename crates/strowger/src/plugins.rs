//! Plugins that decide for queues: what they say of themselves, for whoever reads the configuration, and the way from the switch
//! to those that run.

#[cfg_attr(not(feature = "wasm"), path = "plugins/no_component.rs")]
pub(crate) mod component;
mod learnt;
mod played;
mod service;
mod strategies;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acd::Binding;
use base::Now;
use company::{Decider, Plugin};
use plugins::{Answer, Ask, Fault};
use routing::{Description, PluginName, QueueName};
use serde_json::Value;
use switch::{Config, PluginAsk, PluginFault, PluginOrder, PluginTell, Switch};

use crate::domain::Input;
use crate::error::Error;
use crate::mailbox::Sender;
use crate::tls::Vault;

pub(crate) use learnt::restore_states;
pub(crate) use played::Played;
pub(crate) use strategies::Strategies;

/// Loads plugins for whoever reads the configuration.
#[derive(Debug)]
pub(crate) struct Loader;

impl company::Plugins for Loader {
    fn strategies(&self) -> Vec<PluginName> {
        strategies::names()
    }

    fn load(&self, plugin: &Plugin) -> Result<Description, String> {
        let description = match &plugin.decider {
            Decider::Component(component) => component::describe(component, plugin.deadline)?,
            Decider::Strategy(name) => strategies::describe(name)?,
            Decider::Service(service) => service.description.clone(),
        };
        jsonschema::validator_for(&description.parameters)
            .map_err(|error| format!("the schema of its parameters is none: {error}"))?;
        Ok(description)
    }

    fn check(&self, schema: &Value, parameters: &Value) -> Vec<(String, String)> {
        // That it is a schema was seen when the plugin was loaded.
        let Ok(validator) = jsonschema::validator_for(schema) else { return Vec::new() };
        let errors = validator.iter_errors(parameters);
        errors.map(|error| (error.instance_path().to_string(), error.to_string())).collect()
    }
}

/// A queue with the plugin that it asks, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    queue: QueueName,
    binding: Arc<Binding>,
    plugin: Plugin,
    /// The service, if the plugin is one.
    service: Option<plugins::Service>,
    ready: plugins::Binding,
}

impl Bound {
    fn new(queue: QueueName, binding: Arc<Binding>, mut plugin: Plugin, vault: &Vault) -> Result<Self, String> {
        if let Decider::Component(component) = &mut plugin.decider {
            component::share(component);
        }
        let (ready, service) = ready(&plugin, binding.parameters.clone(), vault)?;
        Ok(Self { queue, binding, plugin, service, ready })
    }

    /// True if a queue need not be bound anew.
    fn is_same(&self, other: &Self) -> bool {
        let same = self.plugin == other.plugin && self.binding.parameters == other.binding.parameters;
        same && self.service == other.service
    }
}

/// A plugin, ready to be asked with these parameters; if it is a service, that, too.
///
/// # Errors
/// In words, if it cannot run here.
pub(crate) fn ready(
    plugin: &Plugin,
    parameters: Arc<str>,
    vault: &Vault,
) -> Result<(plugins::Binding, Option<plugins::Service>), String> {
    let deadline = plugin.deadline;
    Ok(match &plugin.decider {
        Decider::Component(component) => (component::ready(component, deadline, parameters)?, None),
        Decider::Strategy(name) => (strategies::ready(name, deadline, parameters)?, None),
        Decider::Service(service) => {
            let service = service::find(service, vault)?;
            let asker = service::asker(service.clone(), deadline);
            (plugins::Binding::new(asker, parameters), Some(service))
        }
    })
}

/// Loads what the queues of a configuration ask.
///
/// # Errors
/// If a plugin cannot be run any more.
pub(crate) fn bind(
    config: &Config,
    plugins: &BTreeMap<PluginName, Plugin>,
    vault: &Vault,
) -> Result<Vec<Bound>, Error> {
    let asked = config.queues.iter().filter_map(|queue| Some((queue.name.clone(), queue.plugin.clone()?)));
    let bound = asked.filter_map(|(queue, binding)| {
        let plugin = plugins.get(&binding.plugin)?.clone();
        Some((queue, binding, plugin))
    });
    let load = |(queue, binding, plugin): (QueueName, Arc<Binding>, Plugin)| {
        let name = binding.plugin.clone();
        let bound = Bound::new(queue, binding, plugin, vault);
        bound.map_err(|why| Error::Plugin { plugin: name.to_string(), why })
    };
    bound.map(load).collect()
}

/// The way to the plugins of all queues.
#[derive(Debug)]
pub(crate) struct Lanes {
    plugins: plugins::Plugins,
    bound: BTreeMap<QueueName, Bound>,
}

impl Lanes {
    /// The plugins of these queues; what they say goes to `inputs`.
    ///
    /// # Errors
    /// If the system has no thread.
    pub fn start(bound: Vec<Bound>, inputs: Sender<Input>) -> Result<Self, Error> {
        // Their threads may wait for the domain thread, which never waits for them.
        let plugins = plugins::Plugins::new(move |answer| inputs.send(Input::Plugin(answer)));
        let mut lanes = Self { plugins, bound: BTreeMap::new() };
        lanes.bind(bound).map_err(|source| Error::System { what: "thread", source })?;
        Ok(lanes)
    }

    /// Has these decide from now on, and no others. Who decides as before goes on, unless it hangs.
    ///
    /// # Errors
    /// If the system has no thread; then some decide as before.
    pub fn bind(&mut self, bound: Vec<Bound>) -> std::io::Result<()> {
        let bound: BTreeMap<QueueName, Bound> = bound.into_iter().map(|bound| (bound.queue.clone(), bound)).collect();
        for gone in self.bound.keys().filter(|queue| !bound.contains_key(*queue)) {
            self.plugins.unbind(gone);
        }
        for (queue, new) in &bound {
            if self.bound.get(queue).is_some_and(|old| old.is_same(new)) {
                self.plugins.renew(queue);
                continue;
            }
            self.plugins.bind(queue.clone(), new.ready.clone())?;
        }
        self.bound = bound;
        Ok(())
    }

    /// Has a plugin decide, or be told, without waiting. If it is too busy, or not there, that is the answer: no other will come.
    pub fn execute(&self, order: PluginOrder) -> Option<Answer> {
        let took = Duration::ZERO;
        match order {
            PluginOrder::Decide(PluginAsk { id, queue, snapshot, .. }) => {
                let asked = self.plugins.ask(Ask { id, queue: queue.clone(), snapshot });
                asked.err().map(|fault| Answer::Decided { id, queue, result: Err(fault), took })
            }
            PluginOrder::Tell(PluginTell { queue, outcomes, state, .. }) => {
                let told = self.plugins.tell(&queue, outcomes.to_vec(), state);
                told.err().map(|fault| Answer::Told { queue, result: Err(fault), took })
            }
        }
    }
}

fn fault(fault: Fault) -> PluginFault {
    PluginFault { kind: fault.name(), text: fault.to_string() }
}

/// Tells the switch what a plugin answered.
pub(crate) fn tell_answer(switch: &mut Switch, now: Now, answer: Answer) {
    match answer {
        Answer::Decided { id, result, took, .. } => switch.handle_plugin(now, id, result.map_err(fault), took),
        Answer::Told { queue, result, took } => switch.handle_told(now, &queue, result.map_err(fault), took),
    }
}

#[cfg(test)]
mod tests {
    use company::Plugins as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_checked_by_the_schema_of_the_plugin() {
        let schema = json!({
            "type": "object",
            "properties": { "tiers": { "items": { "enum": ["gold", "silver"] } } },
            "required": ["tiers"],
        });
        let wrong = |parameters| Loader.check(&schema, &parameters);
        assert_eq!(wrong(json!({ "tiers": ["gold"] })), []);
        assert_eq!(wrong(json!({}))[0].0, "");
        assert!(wrong(json!({}))[0].1.contains("tiers"));
        let [(pointer, what)] = &wrong(json!({ "tiers": ["gold", "tin"] }))[..] else { panic!("one is wrong") };
        assert!(pointer == "/tiers/1" && what.contains("tin"), "{pointer}: {what}");
    }
}
