//! The configuration of a company: a folder of files, read whole, checked against itself, and taken only without fault.
//!
//! The one contract: a driver walks the folder, asks [`visit`] what to do with each file, hands what it read to
//! [`Files`], and gives that to [`read`] (or to [`read_again`], if a switch runs on what was read before), which returns a
//! [`Company`] or a [`Report`] of every fault with its place and remedy. Nothing here touches a disk.
//!
//! Where to find what: `files` the folder and which files belong to it · `system` what drivers need (`listeners`, `tls`, media,
//! data folder) · `dns` whom names are asked of · `control` how a running switch is reached · `traces` what is kept of the wire · `limits` · `trunks`, `peer` what calls are sent
//! to · `grants` who may call out, `outlook` the same for people · `numbers` the number plan · `users` · `queues` · `mailboxes` of voice messages · `hours` when it is open (read by the crate of that name) · `flows` (their language is crate
//! `ivr`) · `languages` which there are and what each can say · `tables` what conditions look into · `web` servers that flows ask, and secrets for them · `speech` who speaks texts, `voice` by the web · `plugins` that decide for queues, `services` those asked by the web · `prompts` · `names` references from one thing to another · `section` files that hold one map · `report`
//! faults and notes · `changes` what differs between two configurations, `plan` what that means for those who are in a flow.
//!
//! Invariants: a company has no dangling name (each flow, user, queue and prompt that is named exists); a fault is
//! reported where it is, not at each place that it spoils; order never hangs on a hash.

mod changes;
mod control;
mod dns;
mod files;
mod flows;
mod grants;
mod hours;
mod languages;
mod limits;
mod listeners;
mod login;
mod mailboxes;
mod names;
mod number_rules;
mod numbers;
mod outlook;
mod peer;
mod plan;
mod plugins;
mod prompts;
mod queues;
mod report;
mod section;
mod services;
mod speech;
mod system;
mod tables;
mod talk_keys;
mod tls;
mod traces;
mod trunks;
mod users;
mod voice;
mod web;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::hours::Zone;
use ivr::Need;
use routing::PluginName;
use sip::digest::Algorithm;
use switch::{Codes, Config, Destination, SrtpPolicy};
use yaml::{Faults, Form, Map, Shape, Value};

pub use changes::{NOTHING, changes};
pub use control::data_folder;
pub use files::{Files, Visit, visit};
pub use flows::flow_sources;
pub use login::{MAX_SECRET_BYTES, secret_files};
pub use outlook::Outlook;
pub use plan::plan;
pub use plugins::{Component, Decider, MAX_COMPONENT_QUEUES, MAX_PLUGIN_BYTES, Plugin, Plugins};
pub use prompts::is_name;
pub use report::{Note, Report};
pub use services::{MAX_DESCRIPTION_BYTES, Service};
pub use speech::{Programs, Speech, SpeechEngine};
pub use system::{Advertise, Listener, Media, System};
pub use tls::{Certificates, FileFault, TlsFiles};
pub use voice::{Scalar, Sent, WebVoice};
pub use web::read_secret;

use crate::hours::Opening;
use languages::Languages;
use names::{Catalogue, Names};
use report::Notes;
use section::{Section, Sheet};

/// A company without faults.
#[derive(Debug)]
pub struct Company {
    /// What the drivers need.
    pub system: System,
    /// What the switch needs.
    pub switch: Config,
    /// What decides for queues, by name.
    pub plugins: BTreeMap<PluginName, Plugin>,
    /// What a person may want to look at, though nothing is wrong.
    pub notes: Vec<Note>,
}

/// The version of the format that is read.
const VERSION: u32 = 1;

const ROOT: Shape = Shape {
    what: "`strowger.yaml`",
    keys: &[
        "version",
        "languages",
        "language",
        "http",
        "secrets",
        "zone",
        "listeners",
        "data",
        "dns",
        "media",
        "calls",
        "control",
        "registrations",
        "trace",
        "watch",
        "speech",
        "trunks",
        "number_rules",
        "numbers",
        "grants",
        "emergency",
        "mailboxes",
        "realm",
        "digest",
        "srtp",
    ],
};

/// The keys of `users.yaml`, all that stand below them included, with what people want to know of each.
#[must_use]
pub fn users_form() -> &'static Form {
    &users::FILE
}

/// The keys of `queues.yaml`, likewise.
#[must_use]
pub fn queues_form() -> &'static Form {
    &queues::FILE
}

/// Reads a company.
///
/// # Errors
/// [`Report`] with every fault, if there is one.
pub fn read(files: &Files) -> Result<Company, Report> {
    read_checked(files, None)
}

/// Reads a company that is to take the place of one that runs with `running`. What would need a restart is a fault, too.
///
/// # Errors
/// [`Report`] with every fault, if there is one.
pub fn read_again(files: &Files, running: &System) -> Result<Company, Report> {
    read_checked(files, Some(running))
}

fn read_checked(files: &Files, running: Option<&System>) -> Result<Company, Report> {
    let (faults, mut notes) = (Faults::default(), Notes::default());
    let company = read_all(files, running, &faults, &mut notes);
    match company {
        Some((system, switch, plugins)) if faults.is_empty() => {
            Ok(Company { system, switch, plugins, notes: notes.into_sorted() })
        }
        _ => Err(Report::new(faults, notes)),
    }
}

/// What the drivers and the switch need, and the plugins.
type Read = (System, Config, BTreeMap<PluginName, Plugin>);

/// Goes on after a fault, so that all show at once; what it gives is of use only if there was none.
fn read_all(files: &Files, running: Option<&System>, faults: &Faults, notes: &mut Notes) -> Option<Read> {
    files.check(faults, notes);
    let [root, users, queues] =
        ["strowger.yaml", "users.yaml", "queues.yaml"].map(|path| Sheet::read(files, path, faults));
    if matches!(root, Sheet::Missing) {
        let remedy = "a company begins with this file; the shipped one is in `config/`";
        faults.add(files.place("strowger.yaml"), "there is no such file", remedy);
    }
    let root = root.map(&ROOT, faults);
    root.as_ref().map(check_version);
    let file = queues.map(&queues::FILE.shape, faults);
    let mut duties = file.as_ref().map(queues::read_duties).unwrap_or_default();
    let settings = file.and_then(|file| file.optional("plugins"));
    let mut plugin_names = plugins::names(settings, files);
    let users = users.section(&users::FILE.shape, "users", faults);
    let queues = queues.section(&queues::FILE.shape, "queues", faults);
    let hours = Opening::read(files, faults);
    let mut catalogue = catalogue(files, root.as_ref(), users, queues, (&hours, faults));

    let mut system = root.as_ref().map(|root| system::read(root, &mut tls::Shelf { files, notes }));
    let speech = root.as_ref().map(|root| speech::read(root, files, &catalogue.languages, &mut catalogue.secrets));
    if let (Some(system), Some(speech)) = (&mut system, &speech) {
        system.speech = speech.clone();
    }
    let no_secrets = BTreeMap::new();
    let secrets = system.as_ref().map_or(&no_secrets, |system| &system.secrets);
    let shelf = tls::Shelf { files, notes };
    let mut desk = services::Desk { shelf, secrets, secret_names: &mut catalogue.secrets };
    let mut plugins_known = plugins::read(settings, &mut desk, &plugin_names, faults);
    let listeners = system.as_ref().map_or(&[][..], |system| &system.listeners);
    let read_users = |value| users::read(&value, listeners, &catalogue, faults, notes);
    let users_read = users.value().map(read_users).unwrap_or_default();
    let queues_read = queues.value();
    let mut queues_read =
        queues_read.map(|value| queues::read(&value, &users_read.skills, &mut catalogue, faults)).unwrap_or_default();
    queues::bind(queues.value(), &mut queues_read.queues, |value| {
        plugins_known.bind(value, files, &mut plugin_names, faults)
    });
    let flows = flows::read(files, &mut catalogue, faults);
    if let Some(speech) = &speech {
        speech::check(flows.values().flatten(), speech, &catalogue.languages, faults);
    }
    // Who needs a skill needs it in each queue that he may come to.
    let of_flows = flows.values().flatten().flat_map(ivr::Flow::needs).flat_map(|need| {
        let queues = queues_read.reach.of(&need.queue);
        queues.map(|queue| Need { queue: queue.into(), ..need.clone() })
    });
    let needs: Vec<Need> = queues_read.needs.iter().cloned().chain(of_flows).collect();
    let needs = needs.iter();
    queues::check_needs(needs, &queues_read.queues, &queues_read.agents, faults);
    let ways_in = flows.values().flatten().flat_map(ivr::Flow::ways_in);
    queues::check_ways_in(ways_in, &queues_read.waiting, &queues_read.reach, faults);
    let numbers = root.as_ref().and_then(|root| root.optional("numbers"));
    // Where there are no agents nobody dials for them.
    if queues_read.agents.is_empty() {
        duties.codes = Codes::default();
    }
    duties.languages.clone_from(&users_read.languages);
    let numbers = numbers.map(|value| numbers::read(&value, &duties.codes, &mut catalogue, faults)).unwrap_or_default();
    let zone = root.as_ref().and_then(|root| root.optional("zone")).and_then(Zone::read);
    let flows = flows::join(flows, &numbers, &catalogue, faults);
    let rows = tables::read(files, faults);
    let flows = flows.map(|flows| flows.in_zone(zone.unwrap_or_default()).with_rows(rows));
    let prompts = prompts::read(files, &catalogue.languages, faults, notes);

    let (root, system) = (root?, system?);
    if let Some(running) = running {
        system::check_unchanged(&root, running, &system);
    }
    let mailboxes = mailboxes::read(&root, &users_read.users, &catalogue.users, faults);
    let limits = limits::read(&root, &system, notes);
    let hold_music = limits::hold_music(&root, &mut catalogue, faults);
    let talk_keys = limits::talk_keys(&root);
    let realm = or(&root, "realm", "strowger".into(), realm);
    let reading = trunks::Reading { listeners: &system.listeners, files, realm: &realm, users: &users_read.users };
    let mut rules = number_rules::Sets::read(&root);
    let trunks = root.optional("trunks").map(|value| trunks::read(&value, &reading, &mut rules, notes));
    let trunks = trunks.unwrap_or_default();
    let mut ways_out = grants::Reader::new(&trunks, trunks::names(&root), &mut catalogue, faults);
    let grants = root.optional("grants").map(|value| ways_out.grants(&value)).unwrap_or_default();
    let emergency = root.optional("emergency").and_then(|value| ways_out.emergency(&value, &numbers));
    let trunk_names = ways_out.names;
    // What a faulty reference meant is not known, so that nothing can be said to be unused.
    if faults.is_empty() {
        note_unused(files, &catalogue, users, queues, notes);
        plugins::note_unused(files, &plugin_names, &plugins_known, notes);
        hours.note(files, &catalogue, notes);
        rules.note_unused(&root, notes);
        grants::note(&root, &trunk_names, &trunks, !users_read.users.is_empty(), notes);
    }
    let users_numbers = numbers.iter().filter_map(|(number, destination)| match destination {
        Destination::User(user) => Some((number.clone(), user.clone())),
        Destination::Flow(_) | Destination::Queue(_) => None,
    });
    // What faulty flows and numbers do not agree on is of no use to anybody.
    let flows = flows.map(|flows| if faults.is_empty() { flows.with_extensions(users_numbers, faults) } else { flows });
    let config = Config {
        realm,
        algorithms: or(&root, "digest", ANY_DIGEST, digest).to_vec(),
        listener_algorithms: listener_algorithms(&system),
        srtp: or(&root, "srtp", SrtpPolicy::default(), srtp),
        listener_srtp: listener_srtp(&system),
        // The driver keeps the passwords.
        secrets: BTreeMap::new(),
        trunks,
        grants,
        emergency,
        watchers: users_read.watchers,
        registers_for: users_read.registers_for,
        users: users_read.users,
        numbers,
        flows: Arc::new(flows.unwrap_or_default()),
        calendars: hours.calendars(),
        switches: hours.switches(),
        mailboxes,
        plugins: plugins_known.rests,
        recorded: queues_read.recorded,
        queues: queues_read.queues,
        agents: queues_read.agents,
        duties,
        waiting: queues_read.waiting,
        hold_music,
        talk_keys,
        prompts,
        limits,
    };
    if faults.is_empty() {
        flows::check_numbers(&config, faults);
        flows::check_callbacks(&config, faults);
    }
    Some((system, config, plugins_known.plugins))
}

fn catalogue(
    files: &Files,
    root: Option<&Map<'_>>,
    users: Section<'_>,
    queues: Section<'_>,
    (hours, faults): (&Opening, &Faults),
) -> Catalogue {
    Catalogue {
        mailboxes: Names::new("mailbox", mailboxes::names(root, users)),
        users: Names::new("user", users.names()),
        queues: Names::new("queue", queues.names()),
        flows: Names::new("flow", Some(flows::names(files))),
        tables: Names::new("table", Some(tables::names(files))),
        languages: Languages::read(files, root, faults),
        origins: Names::new("web server that flows may ask,", root.map(web::origins)),
        secrets: Names::new("secret", root.map(web::names)),
        calendars: Names::new("calendar", hours.names()),
        emergencies: hours.emergencies(),
        // Of a file that cannot be read, nothing is missed.
        has_zone: root.is_none_or(|root| root.optional("zone").is_some()),
    }
}

fn check_version(root: &Map<'_>) {
    let Some(value) = root.required("version") else { return };
    if value.integer(1..=u32::MAX).is_some_and(|version| version != VERSION) {
        value.fault("this version of the format is not known", format!("this Strowger reads version {VERSION}"));
    }
}

/// What is offered where nothing is written, the strongest first.
const ANY_DIGEST: &[Algorithm] = &[Algorithm::Sha256, Algorithm::Md5];

/// Old phones take fright at a challenge that they don't know, though another stands beside it.
fn digest(value: Value<'_>) -> Option<&'static [Algorithm]> {
    value.choose(&[("any", ANY_DIGEST), ("sha-256", &[Algorithm::Sha256]), ("md5", &[Algorithm::Md5])])
}

/// Whether audio is encrypted: of all, of a listener, a trunk or a user.
fn srtp(value: Value<'_>) -> Option<SrtpPolicy> {
    let words = [("never", SrtpPolicy::Never), ("allowed", SrtpPolicy::Allowed), ("required", SrtpPolicy::Required)];
    value.choose(&words)
}

fn listener_srtp(system: &System) -> BTreeMap<u16, SrtpPolicy> {
    system.listeners.iter().zip(0..).filter_map(|(listener, index)| Some((index, listener.srtp?))).collect()
}

fn listener_algorithms(system: &System) -> BTreeMap<u16, Vec<Algorithm>> {
    let own = system.listeners.iter().zip(0..).filter_map(|(listener, index)| Some((index, listener.digest?.to_vec())));
    own.collect()
}

/// The realm stands in quotes in each challenge.
fn realm(value: Value<'_>) -> Option<Arc<str>> {
    let text = value.string()?;
    if text.is_empty() || text.len() > 128 || text.chars().any(|c| c.is_control() || "\"\\".contains(c)) {
        value.fault("a realm is one line of at most 128 octets without quotes", "write a name such as `example.org`");
        return None;
    }
    Some(text.into())
}

fn note_unused(files: &Files, catalogue: &Catalogue, users: Section<'_>, queues: Section<'_>, notes: &mut Notes) {
    users.note_unused(|name| catalogue.users.is_used(name), "no number, queue or flow reaches this user", notes);
    queues.note_unused(|name| catalogue.queues.is_used(name), "no number or flow leads into this queue", notes);
    flows::note_unused(files, catalogue, notes);
    tables::note_unused(files, catalogue, notes);
    languages::note_unused(files, &catalogue.languages, notes);
}

/// The value of an optional key; `usual` if it is not written or wrong.
fn or<'a, T>(map: &Map<'a>, key: &'static str, usual: T, read: impl FnOnce(Value<'a>) -> Option<T>) -> T {
    map.optional(key).and_then(read).unwrap_or(usual)
}
