//! Components of WebAssembly: loaded once for the process.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use company::Component;
use plugins::{Cache, Fault, Host, Instance, Keep, Limits, MAX_FILE, MAX_QUEUES, Module};
use routing::Description;
use wit_component::ComponentEncoder;

// What a configuration may ask for is what the host has room for.
const _: () = assert!(company::MAX_COMPONENT_QUEUES == MAX_QUEUES as usize && company::MAX_PLUGIN_BYTES == MAX_FILE);

/// Components that stay loaded, so that a configuration that is read again need not load them again.
const MAX_LOADED: usize = 64;

/// What runs plugins in this process.
struct Runner {
    host: Host,
    loaded: Mutex<Vec<(Component, Module)>>,
}

/// The one of this process, or why there is none.
fn runner() -> Result<&'static Runner, String> {
    static RUNNER: OnceLock<Result<Runner, String>> = OnceLock::new();
    let start = || Ok(Runner { host: host(cache())?, loaded: Mutex::default() });
    RUNNER.get_or_init(start).as_ref().map_err(Clone::clone)
}

fn host(cache: Option<Cache>) -> Result<Host, String> {
    Host::start(cache).map_err(|error| format!("WebAssembly cannot be run: {error}"))
}

/// Without one plugins are compiled at each start.
fn cache() -> Option<Cache> {
    cache_folder().and_then(|folder| Cache::open(&folder).ok())
}

/// Where compiled plugins are kept: below what the service manager or the user's environment names.
fn cache_folder() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = folder("CACHE_DIRECTORY").or_else(|| Some(folder("XDG_CACHE_HOME")?.join("strowger")));
    let own = own.or_else(|| Some(folder("HOME")?.join(".cache/strowger")));
    Some(own?.join("plugins"))
}

impl Runner {
    fn load(&self, component: &Component, limits: &Limits) -> Result<Module, Fault> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, module)) = loaded.iter().find(|(known, _)| known == component) {
            return Ok(module.clone());
        }
        let module = self.host.load(&component.file, limits)?;
        if loaded.len() == MAX_LOADED {
            loaded.remove(0);
        }
        loaded.push((component.clone(), module.clone()));
        Ok(module)
    }
}

fn load(component: &Component, limits: &Limits) -> Result<Module, String> {
    runner()?.load(component, limits).map_err(|fault| fault.to_string())
}

fn limits(component: &Component, deadline: Duration) -> Limits {
    Limits { deadline, memory: component.memory, ..Limits::default() }
}

/// What one says of itself.
pub(crate) fn describe(component: &Component, deadline: Duration) -> Result<Description, String> {
    load(component, &limits(component, deadline)).map(|module| module.description().clone())
}

/// Has it share its file with the equal one that is loaded, so that whoever compares them need not look into it.
pub(crate) fn share(component: &mut Component) {
    let Ok(runner) = runner() else { return };
    let loaded = runner.loaded.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, _)) = loaded.iter().find(|(known, _)| known == component) {
        component.clone_from(known);
    }
}

/// For a queue's thread.
pub(crate) fn ready(
    component: &Component,
    deadline: Duration,
    parameters: Arc<str>,
) -> Result<plugins::Binding, String> {
    let limits = limits(component, deadline);
    let module = load(component, &limits)?;
    let keep = if component.kept { Keep::Kept } else { Keep::Fresh };
    Ok(plugins::Binding::new(move || Instance::new(module.clone(), limits, keep), parameters))
}

/// The SHA-256 of one, in hexadecimal digits.
pub(crate) fn digest(component: &Component, deadline: Duration) -> Result<String, String> {
    load(component, &limits(component, deadline)).map(|module| module.digest())
}

/// How long one takes to load: compiled, and from the cache.
pub(crate) fn load_times(component: &Component) -> Result<[Duration; 2], String> {
    let time = |cache| {
        let (host, limits) = (host(cache)?, limits(component, Duration::from_secs(1)));
        let begun = Instant::now();
        host.load(&component.file, &limits).map_err(|fault| fault.to_string())?;
        Ok::<_, String>(begun.elapsed())
    };
    let compiled = time(None)?;
    // The first of these may compile it once more, for the cache; the second finds it there.
    time(cache())?;
    Ok([compiled, time(cache())?])
}

/// A component of a core module in which the types of the contract stand.
pub(crate) fn encode(core: &[u8]) -> Result<Vec<u8>, String> {
    let encoded = ComponentEncoder::default().module(core).and_then(|encoder| encoder.validate(true).encode());
    encoded.map_err(|error| format!("{error:#}"))
}
