//! Components of WebAssembly: loaded once, asked by whoever has a thread to spare.
//!
//! A component gets nothing but its arguments: what it imports is refused, so it has no file, network, clock or chance. What it
//! computes is the same on every machine (one way to write a NaN, no relaxed SIMD), so equal snapshots give equal decisions. Its
//! time is bounded by an epoch that a thread moves, its memory by a count over all that it has, its stack and the rest by the
//! engine's pool.

mod cache;
mod contract;
mod instance;
mod ticker;

pub use cache::Cache;
pub use instance::{Instance, Keep};

use std::sync::Arc;
use std::time::Duration;

use routing::Description;
use sha2::{Digest as _, Sha256};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::Fault;
use instance::{Guard, Live};
use ticker::Ticker;

/// The interface that a component must export.
const STRATEGY: &str = "strowger:routing/strategy@1.0.0";
/// Its name without the version.
const ANY_STRATEGY: &str = "strowger:routing/strategy@";

/// The most octets of a component's file.
pub const MAX_FILE: usize = 64 << 20;
/// The most memory that the limits of a plugin can allow, in octets.
pub const MAX_MEMORY: usize = 256 << 20;
/// The most octets that a component hands out at once: its description is the largest.
const MAX_ANSWER: usize = 96 << 10;
/// Its stack, in octets. Of a thread's usual 2 MiB the host keeps the rest.
const STACK: usize = 512 << 10;
/// Queues that components can decide for.
pub const MAX_QUEUES: u32 = 128;
/// Components that live at once: one for each queue, and as many that take their places.
const INSTANCES: u32 = MAX_QUEUES * 2;
/// Core modules, and tables, of one component. Those made of Python have many.
const PARTS: u32 = 64;
/// Memories of one component.
const MAX_MEMORIES: u32 = 4;
/// Tables of a component, on the average of all that live.
const TABLES: u32 = 16;
/// Entries of one table.
const TABLE: usize = 1 << 16;

/// What a plugin may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The time of one decision.
    pub deadline: Duration,
    /// Its memory, in octets, at most [`MAX_MEMORY`].
    pub memory: usize,
    /// The time in which an instance must be made, and say what it is. No caller waits for that.
    pub start: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Duration::from_millis(5), memory: 16 << 20, start: Duration::from_secs(1) }
    }
}

/// What compiles and runs components. One for the process.
#[derive(Clone, Debug)]
pub struct Host(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    ticker: Ticker,
    cache: Option<Cache>,
}

impl Host {
    /// Starts the clock, with a cache of machine code if there is one.
    ///
    /// # Errors
    /// If the system has no thread, or not enough address space for the pool.
    pub fn start(cache: Option<Cache>) -> Result<Self, std::io::Error> {
        let engine = Engine::new(&config()).map_err(std::io::Error::other)?;
        let ticker = Ticker::start(&engine)?;
        Ok(Self(Arc::new(Inner { engine, ticker, cache })))
    }

    /// Compiles a component, or takes it from the cache; checks that it is a plugin, and asks what it is.
    ///
    /// # Errors
    /// What is wrong with it, with the remedy if there is one.
    pub fn load(&self, file: &[u8], limits: &Limits) -> Result<Module, Fault> {
        let digest: [u8; 32] = Sha256::digest(file).into();
        let component = self.component(file, &digest)?;
        let exports = self.check(&component)?;
        let linker = Linker::<Guard>::new(&self.0.engine);
        let ready = linker.instantiate_pre(&component).map_err(|error| Fault::World(format!("{error:#}")))?;
        let code = Code { host: self.clone(), ready, exports };
        let description = Live::describe(&code, limits)?;
        Ok(Module(Arc::new(Loaded { code, digest, description })))
    }

    fn component(&self, file: &[u8], digest: &[u8; 32]) -> Result<Component, Fault> {
        if file.len() > MAX_FILE {
            return Err(Fault::Component(format!("it has {} octets, more than {MAX_FILE}", file.len())));
        }
        // `\0asm`, then the version: a core module is 1, a component 13 of another layer.
        if file.starts_with(b"\0asm\x01\0\0\0") {
            let remedy = "this is a core module; make a component of it (`wasm-tools component new`)";
            return Err(Fault::Component(remedy.to_owned()));
        }
        let Inner { engine, cache, .. } = &*self.0;
        if let Some(found) = cache.as_ref().and_then(|cache| cache.find(engine, digest)) {
            return Ok(found);
        }
        let component = Component::from_binary(engine, file).map_err(|error| Fault::Component(format!("{error:#}")))?;
        if let Some(cache) = cache {
            cache.keep(engine, digest, &component);
        }
        Ok(component)
    }

    /// Checks what it imports and exports, by name; the types are checked when it is made.
    fn check(&self, component: &Component) -> Result<Exports, Fault> {
        let ty = component.component_type();
        if let Some((import, _)) = ty.imports(&self.0.engine).next() {
            return Err(Fault::World(format!(
                "it imports `{import}`: a plugin gets nothing but its arguments. {}",
                remedy(import)
            )));
        }
        let names: Vec<&str> = ty.exports(&self.0.engine).map(|(name, _)| name).collect();
        if !names.contains(&STRATEGY) {
            return Err(match names.iter().find(|name| name.starts_with(ANY_STRATEGY)) {
                Some(found) => Fault::Version { found: (*found).to_owned(), known: STRATEGY },
                None => Fault::World(format!("it does not export `{STRATEGY}`, but {names:?}")),
            });
        }
        let strategy = component.get_export_index(None, STRATEGY);
        let export = |name: &str| {
            let lacks = || Fault::World(format!("its `{STRATEGY}` lacks `{name}`"));
            component.get_export_index(strategy.as_ref(), name).ok_or_else(lacks)
        };
        Ok(Exports { describe: export("describe")?, decide: export("decide")?, told: export("told")? })
    }
}

/// How to build without an import, by what makes such imports.
fn remedy(import: &str) -> &'static str {
    if import.starts_with("wasi:") {
        "Build without WASI: in Rust for `wasm32-unknown-unknown` and not `wasm32-wasip2`, with `componentize-py --stub-wasi`, \
         with `componentize-js --disable all`"
    } else {
        "Build it for the world `plugin` of `routing.wit` alone"
    }
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    // Core instances are counted alone; tables and memories are addresses, without memory behind them.
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * PARTS)
        .total_memories(INSTANCES)
        .total_tables(INSTANCES * TABLES)
        .max_core_instances_per_component(PARTS)
        .max_memories_per_component(MAX_MEMORIES)
        .max_tables_per_component(PARTS)
        .max_tables_per_module(8)
        .table_elements(TABLE)
        .max_memory_size(MAX_MEMORY);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(STACK)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Where a component's functions are.
#[derive(Debug)]
struct Exports {
    describe: ComponentExportIndex,
    decide: ComponentExportIndex,
    told: ComponentExportIndex,
}

/// A plugin that was checked and is ready to run.
#[derive(Clone)]
pub struct Module(Arc<Loaded>);

struct Loaded {
    code: Code,
    digest: [u8; 32],
    description: Description,
}

/// What instances are made of.
struct Code {
    host: Host,
    ready: InstancePre<Guard>,
    exports: Exports,
}

impl Module {
    /// What it says of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// SHA-256 of its file, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(&self.0.digest)
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Module").field(&self.0.description).field(&self.digest()).finish()
    }
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}
