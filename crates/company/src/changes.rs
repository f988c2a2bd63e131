//! What differs between two configurations, in few words for whoever changed them.

use std::collections::{BTreeMap, BTreeSet};

use acd::QueueConfig;
use audio::Prompt;
use ivr::FlowHash;
use switch::{Config, Prompts, Trunk, User, UserName, Waiting, Watchers};

/// What [`changes`] says of what is the same.
pub const NOTHING: &str = "nothing changed";

/// What is new in `new`: `users: 1 added; flows: 2 changed`, or [`NOTHING`].
#[must_use]
pub fn changes(old: &Config, new: &Config) -> String {
    // Taken apart, so that whoever adds to a configuration is reminded of this place. Agents are those whom queues name.
    let Config {
        secrets,
        numbers,
        prompts,
        calendars,
        switches,
        realm,
        algorithms,
        listener_algorithms,
        srtp,
        listener_srtp,
        hold_music,
        talk_keys,
        limits,
        duties,
        grants,
        emergency,
        users: _,
        registers_for: _,
        watchers: _,
        trunks: _,
        flows: _,
        queues: _,
        agents: _,
        mailboxes: _,
        waiting: _,
        plugins,
        recorded: _,
    } = old;
    let digest = (realm, algorithms, listener_algorithms);
    let digest_same = digest == (&new.realm, &new.algorithms, &new.listener_algorithms);
    let srtp_same = (srtp, listener_srtp) == (&new.srtp, &new.listener_srtp);
    let told = [
        count("numbers", numbers, &new.numbers),
        count("users", &users(old), &users(new)),
        count("passwords", secrets, &new.secrets),
        count("queues", &queues(old), &queues(new)),
        count("flows", &flows(old), &flows(new)),
        count("languages", &tables(old), &tables(new)),
        count("tables", old.flows.rows(), new.flows.rows()),
        count("prompts", &sounds(prompts), &sounds(&new.prompts)),
        (prompts.usual() != new.prompts.usual()).then(|| "first language changed".to_owned()),
        (old.flows.zone() != new.flows.zone()).then(|| "time zone changed".to_owned()),
        count("mailboxes", &mailboxes(old), &mailboxes(new)),
        count("plugins", plugins, &new.plugins),
        count("calendars", calendars, &new.calendars),
        count("switches", switches, &new.switches),
        count("trunks", &trunks(old), &trunks(new)),
        count("grants", grants, &new.grants),
        (*emergency != new.emergency).then(|| "emergency changed".to_owned()),
        (*hold_music != new.hold_music).then(|| "hold music changed".to_owned()),
        (*talk_keys != new.talk_keys).then(|| "talk keys changed".to_owned()),
        (*duties != new.duties).then(|| "breaks or login of agents changed".to_owned()),
        (*limits != new.limits).then(|| "limits changed".to_owned()),
        (!digest_same).then(|| "digest changed".to_owned()),
        (!srtp_same).then(|| "srtp changed".to_owned()),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() { NOTHING.to_owned() } else { told.join("; ") }
}

/// How many things of a kind are new, gone or another; none if all is as it was.
fn count<K: Ord, V: PartialEq>(what: &str, old: &BTreeMap<K, V>, new: &BTreeMap<K, V>) -> Option<String> {
    let added = new.keys().filter(|name| !old.contains_key(name)).count();
    let removed = old.keys().filter(|name| !new.contains_key(name)).count();
    let changed = new.iter().filter(|(name, value)| old.get(name).is_some_and(|before| before != *value)).count();
    let counts = [(added, "added"), (removed, "removed"), (changed, "changed")];
    let told: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    (!told.is_empty()).then(|| format!("{what}: {}", told.join(", ")))
}

/// The mailboxes that `strowger.yaml` says something of.
fn mailboxes(config: &Config) -> BTreeMap<&switch::MailboxName, &switch::Mailbox> {
    let usual = switch::Mailbox::default().max_messages;
    let is_own = |name: &switch::MailboxName, mailbox: &switch::Mailbox| {
        config.users.contains_key(name) && mailbox.users.len() == 1 && mailbox.max_messages == usual
    };
    config.mailboxes.iter().filter(|(name, mailbox)| !is_own(name, mailbox)).collect()
}

/// A user with those for whom he may register, and those who may see what his phone does.
type Person<'a> = (&'a User, Option<&'a BTreeSet<UserName>>, Option<&'a Watchers>);

fn users(config: &Config) -> BTreeMap<&str, Person<'_>> {
    let others = |name: &UserName| config.registers_for.get(name);
    config.users.iter().map(|(name, user)| (&**name, (user, others(name), config.watchers.get(name)))).collect()
}

/// A queue with what it is to those who wait, and whether its decisions are kept.
type Queue<'a> = (&'a QueueConfig, Option<&'a Waiting>, bool);

fn queues(config: &Config) -> BTreeMap<&str, Queue<'_>> {
    let waiting = |queue: &QueueConfig| config.waiting.get(&queue.name);
    let kept = |queue: &QueueConfig| config.recorded.contains(&queue.name);
    config.queues.iter().map(|queue| (queue.name.as_str(), (queue, waiting(queue), kept(queue)))).collect()
}

/// Prompts by language and name.
fn sounds(prompts: &Prompts) -> BTreeMap<(&str, &str), &Prompt> {
    prompts.iter().map(|(language, name, prompt)| ((language, &**name), prompt)).collect()
}

/// How languages say numbers and the like.
fn tables(config: &Config) -> BTreeMap<&str, FlowHash> {
    config.flows.languages().tables().map(|table| (&**table.language(), table.hash())).collect()
}

fn flows(config: &Config) -> BTreeMap<&str, FlowHash> {
    config.flows.iter().map(|flow| (&**flow.name(), flow.hash())).collect()
}

fn trunks(config: &Config) -> BTreeMap<&str, &Trunk> {
    config.trunks.iter().map(|trunk| (&*trunk.name, trunk)).collect()
}
