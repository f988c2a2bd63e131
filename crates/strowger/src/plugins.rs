//! Plugins that decide for queues: what they say of themselves, for whoever reads the configuration, and the way from the switch
//! to those that run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use acd::Binding;
use base::DecisionId;
use company::Plugin;
use plugins::{Answer, Ask, Cache, Fault, Host, Instance, Keep, Limits, Module};
use routing::{Description, PluginName, QueueName};
use serde_json::Value;
use switch::{Config, PluginAsk, PluginFault};

use crate::domain::Input;
use crate::error::Error;
use crate::mailbox::Sender;

/// Plugins that stay loaded, so that a configuration that is read again need not load them again.
const MAX_LOADED: usize = 64;

/// What runs plugins in this process.
struct Runner {
    host: Host,
    loaded: Mutex<Vec<(Plugin, Module)>>,
}

/// The one of this process, or why there is none.
fn runner() -> Result<&'static Runner, String> {
    static RUNNER: OnceLock<Result<Runner, String>> = OnceLock::new();
    let start = || {
        // Without a cache plugins are compiled at each start.
        let cache = cache_folder().and_then(|folder| Cache::open(&folder).ok());
        let host = Host::start(cache).map_err(|error| format!("WebAssembly cannot be run: {error}"))?;
        Ok(Runner { host, loaded: Mutex::default() })
    };
    RUNNER.get_or_init(start).as_ref().map_err(Clone::clone)
}

/// Where compiled plugins are kept: below what the service manager or the user's environment names.
fn cache_folder() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = folder("CACHE_DIRECTORY").or_else(|| Some(folder("XDG_CACHE_HOME")?.join("strowger")));
    let own = own.or_else(|| Some(folder("HOME")?.join(".cache/strowger")));
    Some(own?.join("plugins"))
}

impl Runner {
    fn load(&self, plugin: &Plugin) -> Result<Module, Fault> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, module)) = loaded.iter().find(|(known, _)| known == plugin) {
            return Ok(module.clone());
        }
        let module = self.host.load(&plugin.file, &limits(plugin))?;
        if loaded.len() == MAX_LOADED {
            loaded.remove(0);
        }
        loaded.push((plugin.clone(), module.clone()));
        Ok(module)
    }
}

fn limits(plugin: &Plugin) -> Limits {
    Limits { deadline: plugin.deadline, memory: plugin.memory, ..Limits::default() }
}

/// Loads plugins for whoever reads the configuration.
#[derive(Debug)]
pub(crate) struct Loader;

impl company::Plugins for Loader {
    fn load(&self, plugin: &Plugin) -> Result<Description, String> {
        let module = runner()?.load(plugin).map_err(|fault| fault.to_string())?;
        let description = module.description();
        jsonschema::validator_for(&description.parameters)
            .map_err(|error| format!("the schema of its parameters is none: {error}"))?;
        Ok(description.clone())
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
    module: Module,
}

impl Bound {
    /// For the queue's thread.
    fn ready(&self) -> plugins::Binding {
        let (module, limits) = (self.module.clone(), limits(&self.plugin));
        let keep = if self.plugin.kept { Keep::Kept } else { Keep::Fresh };
        let make = move || Instance::new(module.clone(), limits, keep);
        plugins::Binding::new(make, self.binding.parameters.clone())
    }
}

/// Loads what the queues of a configuration ask.
///
/// # Errors
/// If a plugin cannot be run any more.
pub(crate) fn bind(config: &Config, plugins: &BTreeMap<PluginName, Plugin>) -> Result<Vec<Bound>, Error> {
    let asked = config.queues.iter().filter_map(|queue| Some((queue.name.clone(), queue.plugin.clone()?)));
    let bound = asked.filter_map(|(queue, binding)| {
        let plugin = plugins.get(&binding.plugin)?.clone();
        Some((queue, binding, plugin))
    });
    let load = |(queue, binding, plugin): (QueueName, Arc<Binding>, Plugin)| {
        let module = runner().and_then(|runner| runner.load(&plugin).map_err(|fault| fault.to_string()));
        let module = module.map_err(|why| Error::Plugin { plugin: binding.plugin.to_string(), why })?;
        Ok(Bound { queue, binding, plugin, module })
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

    /// Has these decide from now on, and no others. Who decides as before goes on.
    ///
    /// # Errors
    /// If the system has no thread; then some decide as before.
    pub fn bind(&mut self, bound: Vec<Bound>) -> std::io::Result<()> {
        let bound: BTreeMap<QueueName, Bound> = bound.into_iter().map(|bound| (bound.queue.clone(), bound)).collect();
        for gone in self.bound.keys().filter(|queue| !bound.contains_key(*queue)) {
            self.plugins.unbind(gone);
        }
        for (queue, new) in &bound {
            let same = |old: &Bound| old.plugin == new.plugin && old.binding.parameters == new.binding.parameters;
            if self.bound.get(queue).is_some_and(same) {
                continue;
            }
            self.plugins.bind(queue.clone(), new.ready())?;
        }
        self.bound = bound;
        Ok(())
    }

    /// Asks without waiting.
    ///
    /// # Errors
    /// If it is too busy, or not there: there will be no answer.
    pub fn ask(&self, ask: PluginAsk) -> Result<(), PluginFault> {
        let PluginAsk { id, queue, snapshot, .. } = ask;
        self.plugins.ask(Ask { id, queue, snapshot }).map_err(|fault| told(&fault))
    }
}

/// What a plugin answered, as the switch takes it; none of what it was only told.
pub(crate) fn decided(answer: Answer) -> Option<(DecisionId, Result<routing::Decision, PluginFault>, Duration)> {
    match answer {
        Answer::Decided { id, result, took, .. } => Some((id, result.map_err(|fault| told(&fault)), took)),
        Answer::Told { .. } => None,
    }
}

fn told(fault: &Fault) -> PluginFault {
    PluginFault { kind: fault.name(), text: fault.to_string() }
}
