//! `plugins/NAME.wasm`, strategies that the program brings along, services, and `plugins` of `queues.yaml`: who decides for the
//! queues that ask.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use acd::Binding;
use routing::{Description, MAX_CANDIDATES, Order, PluginName};
use serde_json::{Map as Object, Value as Json};
use switch::Rest;
use yaml::{Faults, Kind, Map, Value, form, key};

use crate::names::Names;
use crate::queues::{DURATION, NAME};
use crate::report::Notes;
use crate::services::{self, DESCRIBES, Desk, Service};
use crate::{Files, or};

/// The largest file of a plugin that is read, in octets.
pub const MAX_PLUGIN_BYTES: usize = 64 << 20;

/// Queues that can ask components: each has an instance of its own.
pub const MAX_COMPONENT_QUEUES: usize = 128;

pub(crate) const FOLDER: &str = "plugins/";
const EXTENSION: &str = ".wasm";
const MIB: usize = 1 << 20;
/// How long a strategy in Rust may take for a decision unless that is written.
const STRATEGY_DEADLINE: Duration = Duration::from_millis(50);
/// What a decision may take beside the plugin's own time, before another one takes its place.
const GRACE: Duration = Duration::from_millis(50);

/// The settings of plugins.
pub(crate) static PLUGINS: Kind = Kind::Map(crate::queues::NAME_PATTERN, &Kind::Form(&PLUGIN), 1_000);
/// How a queue asks a plugin.
pub(crate) static BINDING: Kind = Kind::Any(&[NAME, &Kind::Form(&BOUND)]);

form! {
    PLUGIN, "a plugin", one of [],
    key("url", services::URL, "The service that decides, in the place of a file: asked by POST, JSON both ways.", "https://routing.example/decide").otherwise("the file `plugins/NAME.wasm` decides"),
    key("deadline", DURATION, "How long one decision may take, 1ms to 1s.", "20ms").otherwise("5ms of a component, else 50ms"),
    key("memory", &Kind::Whole(1, 256), "How much memory it may use, in MiB.", "64").usual("16"),
    key("instance", &Kind::Word(&["fresh", "kept"]), "Whether each decision is made by a fresh instance, or all of a queue by one that is kept until it fails.", "kept").usual("fresh"),
    key("outstanding", &Kind::Whole(1, 1_000), "How many questions may be under way to a service at once, of all queues.", "8").usual("32"),
    key("certificate", &Kind::Text, "The file with the certificate that a service is shown, with those of its issuers; with `key`.", "tls/routing.crt").otherwise("none is shown"),
    key("key", &Kind::Text, "The file with its key.", "tls/routing.key").otherwise("none is shown"),
    key("ca", &Kind::Text, "The file with those who vouch for a service.", "tls/ca.crt").otherwise("whom this machine believes"),
    key("sign", &Kind::Form(&services::SIGN), "What requests to a service are signed with, so that it knows who asks.", "{ secret: routing-key }").otherwise("they are not signed"),
    key("rest", &Kind::Form(&REST), "When it is left alone.", "{ after: 3, for: 1m }").otherwise("for 30s after 5 failures in a row"),
}

form! {
    REST, "a rest", one of [],
    key("after", &Kind::Whole(1, 100), "After so many failures in a row.", "3").usual("5"),
    key("for", DURATION, "For so long, 1s to 1h; then it is tried once.", "1m").usual("30s"),
}

form! {
    BOUND, "a plugin that a queue asks", one of [],
    key("name", NAME, "The plugin: the file `plugins/NAME.wasm`, or what the program brings along.", "value-based").needed(),
    key("order", &Kind::Word(ORDERS), "Which of many free agents it sees, and in what order.", "fewest-calls").otherwise("as the plugin itself wants"),
    key("candidates", &Kind::Whole(1, 32), "The most agents or calls that it sees.", "8").usual("32"),
    key("may_wait", DURATION, "How long it may have a call wait though an agent is free, 0s to 1h, all together; then the queue's strategy decides.", "10s").usual("0s"),
    key("parameters", &Kind::Anything, "What it goes by; it says itself what there is.", "{ patience: 20 }").otherwise("none"),
}

const ORDERS: &[&str] =
    &["longest-idle", "list", "turn", "fewest-calls", "least-talk-time", "most-skilled", "least-skilled"];
const ORDERS_MEANT: [Order; 7] = [
    Order::LongestIdle,
    Order::List,
    Order::Turn,
    Order::FewestCalls,
    Order::LeastTalkTime,
    Order::MostSkilled,
    Order::LeastSkilled,
];

/// A plugin, as a driver is to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// What decides.
    pub decider: Decider,
    /// How long one decision may take.
    pub deadline: Duration,
}

/// What decides in a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    /// A component of WebAssembly.
    Component(Component),
    /// A strategy that the program brings along, of this name.
    Strategy(PluginName),
    /// A service.
    Service(Box<Service>),
}

/// A component of WebAssembly, and what it may use up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The file.
    pub file: Arc<[u8]>,
    /// How much memory it may use, in octets.
    pub memory: usize,
    /// An instance is kept for the next decision.
    pub kept: bool,
}

impl Component {
    /// How long one decision may take, unless something else is said.
    pub const USUAL_DEADLINE: Duration = Duration::from_millis(5);
}

/// The driver that runs plugins.
pub trait Plugins: Debug {
    /// The strategies that the program brings along.
    fn strategies(&self) -> Vec<PluginName>;

    /// What a plugin says of itself.
    ///
    /// # Errors
    /// In words, if it cannot run here.
    fn load(&self, plugin: &Plugin) -> Result<Description, String>;

    /// What is wrong with parameters by a JSON Schema: where, as a JSON Pointer, and in words.
    fn check(&self, schema: &Json, parameters: &Json) -> Vec<(String, String)>;
}

/// The plugins of a company.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub plugins: BTreeMap<PluginName, Plugin>,
    pub rests: BTreeMap<PluginName, Rest>,
    /// Of those that could be loaded.
    descriptions: BTreeMap<PluginName, Description>,
    /// Queues that ask components.
    ask_components: usize,
}

/// The names of all plugins, be they good or not.
pub(crate) fn names(settings: Option<Value<'_>>, files: &Files) -> Names {
    let of_files = files.between(FOLDER, EXTENSION).map(|(_, name)| name.to_owned());
    let brought = strategies(files).into_iter().map(|name| name.to_string());
    let settings = settings.filter(Value::is_map).and_then(|value| value.entries("")).unwrap_or_default();
    let has_url = |value: &Value<'_>| {
        let keys = if value.is_map() { value.entries("").unwrap_or_default() } else { Vec::new() };
        keys.iter().any(|(key, _)| key.raw() == Some("url"))
    };
    let services = settings.into_iter().filter(|(_, value)| has_url(value));
    let services = services.filter_map(|(key, _)| key.raw().map(str::to_owned));
    Names::new("plugin", Some(of_files.chain(brought).chain(services).collect()))
}

/// What the program brings along.
fn strategies(files: &Files) -> Vec<PluginName> {
    files.plugins().map(Plugins::strategies).unwrap_or_default()
}

/// What to do so that there is a plugin of this name.
fn remedy(name: &str) -> String {
    format!("put it into `{FOLDER}{name}{EXTENSION}`, or write its `url` below `plugins`")
}

/// Reads every plugin, and its settings below `plugins`.
pub(crate) fn read(settings: Option<Value<'_>>, desk: &mut Desk<'_>, names: &Names, faults: &Faults) -> Known {
    let mut known = Known::default();
    let files = desk.shelf.files;
    let mut maps: BTreeMap<&str, Map<'_>> = BTreeMap::new();
    for (key, value) in settings.and_then(|value| value.entries("a map of plugins")).unwrap_or_default() {
        let Some(name) = key.name() else { continue };
        names.check(name, &key.place(), remedy(name), faults);
        maps.extend(value.map(&PLUGIN.shape).map(|map| (name, map)));
    }
    let strategies = strategies(files);
    for (path, name) in files.between(FOLDER, EXTENSION) {
        if !crate::prompts::is_name(name) {
            let remedy = "rename it: lower-case letters, digits and `-`, like `value-based.wasm`";
            faults.add(files.place(path), "this file name is not a name", remedy);
        }
        if strategies.iter().any(|strategy| strategy.as_str() == name) {
            let remedy = "rename the file, or take it out";
            faults.add(files.place(path), format!("the program brings a plugin `{name}` along"), remedy);
        }
        let Some(bytes) = files.bytes(path) else { continue };
        let map = maps.get(name);
        not_a_service(map, &format!("`{path}` decides already"));
        let plugin = Plugin {
            decider: Decider::Component(component(map, bytes)),
            deadline: deadline(map, Component::USUAL_DEADLINE),
        };
        known.add((path, name.into()), plugin, map, files, faults);
    }
    for name in strategies {
        let map = maps.get(name.as_str());
        not_a_service(map, "the program brings this plugin along");
        not_a_component(map, &format!("`{name}` is a strategy that the program brings along"));
        let plugin = Plugin { decider: Decider::Strategy(name.clone()), deadline: deadline(map, STRATEGY_DEADLINE) };
        known.add(("queues.yaml", name), plugin, map, files, faults);
    }
    for (name, map) in &maps {
        let Some(url) = map.optional("url").filter(|_| !known.plugins.contains_key(*name)) else { continue };
        not_a_component(Some(map), &format!("`{name}` is a service"));
        let Some(service) = services::read(name, url, map, desk) else { continue };
        let plugin = Plugin {
            decider: Decider::Service(Box::new(service)),
            deadline: deadline(Some(map), Service::USUAL_DEADLINE),
        };
        let path = format!("{FOLDER}{name}{DESCRIBES}");
        known.add((&path, (*name).into()), plugin, Some(map), files, faults);
    }
    known
}

/// Faults at keys that services have, of a plugin that is none.
fn not_a_service(map: Option<&Map<'_>>, why: &str) {
    let Some(map) = map else { return };
    if let Some(value) = map.optional("url") {
        value.fault_at_key(why, "take it out, or give the service another name");
        return;
    }
    for key in services::KEYS {
        if let Some(value) = map.optional(key) {
            value.fault_at_key(format!("`{key}` is for services"), "write the `url` of one, or take it out");
        }
    }
}

/// Faults at keys that components have, of a plugin that is none.
fn not_a_component(map: Option<&Map<'_>>, why: &str) {
    for key in ["memory", "instance"] {
        if let Some(value) = map.and_then(|map| map.optional(key)) {
            value.fault_at_key(format!("`{key}` is for plugins in WebAssembly"), format!("take it out: {why}"));
        }
    }
}

fn deadline(map: Option<&Map<'_>>, usual: Duration) -> Duration {
    let bounds = Duration::from_millis(1)..=Duration::from_secs(1);
    map.map_or(usual, |map| or(map, "deadline", usual, |value| value.duration_in(bounds)))
}

fn component(map: Option<&Map<'_>>, bytes: &[u8]) -> Component {
    let mut component = Component { file: bytes.into(), memory: 16 * MIB, kept: false };
    let Some(map) = map else { return component };
    component.memory = or(map, "memory", component.memory, |value| Some(value.integer(1..=256_usize)? * MIB));
    component.kept = or(map, "instance", false, |value| value.choose(&[("fresh", false), ("kept", true)]));
    component
}

fn rest(map: Option<&Map<'_>>) -> Rest {
    let mut rest = Rest::default();
    let map = map.and_then(|map| map.optional("rest")).and_then(|value| value.map(&REST.shape));
    let Some(map) = map else { return rest };
    let lasts = Duration::from_secs(1)..=Duration::from_secs(3_600);
    rest.after = or(&map, "after", rest.after, |value| value.integer(1..=100));
    rest.lasts = or(&map, "for", rest.lasts, |value| value.duration_in(lasts));
    rest
}

impl Known {
    /// Asks a plugin what it is. `path`: where a fault of it stands.
    fn add(
        &mut self,
        (path, name): (&str, PluginName),
        plugin: Plugin,
        map: Option<&Map<'_>>,
        files: &Files,
        faults: &Faults,
    ) {
        if let Some(driver) = files.plugins() {
            match driver.load(&plugin) {
                Ok(description) => drop(self.descriptions.insert(name.clone(), description)),
                Err(why) => faults.add(files.place(path), format!("no plugin: {why}"), ""),
            }
        }
        self.rests.insert(name.clone(), rest(map));
        self.plugins.insert(name, plugin);
    }

    /// How a queue asks a plugin, with how long a decision may take.
    pub fn bind(
        &mut self,
        value: Value<'_>,
        files: &Files,
        names: &mut Names,
        faults: &Faults,
    ) -> Option<(Binding, Duration)> {
        let map = if value.is_map() { Some(value.map(&BOUND.shape)?) } else { None };
        let named = map.map_or(Some(value), |map| map.required("name"));
        let order = map.and_then(|map| map.optional("order")).map(order);
        let most = MAX_CANDIDATES;
        let candidates = map.map_or(most, |map| or(&map, "candidates", most, |value| value.integer(1..=most)));
        let waits = Duration::ZERO..=Duration::from_secs(3_600);
        let none = Duration::ZERO;
        let may_wait = map.map_or(none, |map| or(&map, "may_wait", none, |value| value.duration_in(waits)));
        let written = map.and_then(|map| map.optional("parameters"));
        let parameters = written.map_or_else(|| Json::Object(Object::new()), |value| value.json());
        let named = named?;
        let name = named.name()?;
        if !names.refer(name, &named.place(), remedy(name), faults) {
            return None;
        }
        let description = self.descriptions.get(name);
        if let (Some(driver), Some(description)) = (files.plugins(), description) {
            for (pointer, wrong) in driver.check(&description.parameters, &parameters) {
                let place = written.map_or_else(|| named.place(), |value| at(value, &pointer).place());
                faults.add(place, format!("the plugin `{name}` does not take this: {wrong}"), "");
            }
        }
        let order = match order {
            Some(order) => order?,
            None => description.map(|description| description.order).unwrap_or_default(),
        };
        let plugin = self.plugins.get(name)?;
        if let Decider::Component(_) = plugin.decider {
            self.ask_components += 1;
            if self.ask_components == MAX_COMPONENT_QUEUES + 1 {
                let message = format!("more than {MAX_COMPONENT_QUEUES} queues ask plugins in WebAssembly");
                faults.add(named.place(), message, "have fewer ask one, or make a service of it");
            }
        }
        let parameters = parameters.to_string().into();
        Some((Binding { plugin: name.into(), parameters, order, candidates, may_wait }, plugin.deadline + GRACE))
    }
}

fn order(value: Value<'_>) -> Option<Order> {
    let words: Vec<(&str, Order)> = ORDERS.iter().copied().zip(ORDERS_MEANT).collect();
    value.choose(&words)
}

/// The part of a value that a JSON Pointer names; as much of it as is there.
fn at<'a>(value: Value<'a>, pointer: &str) -> Value<'a> {
    pointer
        .split('/')
        .skip(1)
        .try_fold(value, |value, step| {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = if value.is_map() {
                let entries = value.entries("").unwrap_or_default().into_iter();
                entries.into_iter().find(|(key, _)| key.raw() == Some(&step)).map(|(_, value)| value)
            } else if value.is_list() {
                step.parse().ok().and_then(|place: usize| value.list()?.get(place).copied())
            } else {
                None
            };
            next.ok_or(value)
        })
        .unwrap_or_else(|last| last)
}

/// Notes plugins that no queue asks, and descriptions of none.
pub(crate) fn note_unused(files: &Files, names: &Names, known: &Known, notes: &mut Notes) {
    for (path, name) in files.between(FOLDER, EXTENSION) {
        if !names.is_used(name) {
            notes.add(files.place(path), "no queue asks this plugin");
        }
    }
    for (path, name) in files.between(FOLDER, DESCRIBES) {
        let plugin = known.plugins.get(name);
        if !plugin.is_some_and(|plugin| matches!(plugin.decider, Decider::Service(_))) {
            notes.add(files.place(path), format!("not used: no plugin `{name}` has a `url` in `queues.yaml`"));
        }
    }
}
