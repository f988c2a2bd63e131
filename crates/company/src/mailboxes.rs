//! `mailboxes` of `strowger.yaml`: where voice messages lie, besides those of the users, who have one each.

use std::collections::{BTreeMap, BTreeSet};

use switch::{Mailbox, MailboxName, User, UserName};
use yaml::{Faults, Map, Shape, Value};

use crate::names::Names;
use crate::or;
use crate::section::Section;

const MAILBOX: Shape = Shape { what: "a mailbox", keys: &["users", "max_messages"] };
/// The word by which a flow names the mailbox of whoever calls.
const OWN: &str = "own";

/// The names of all mailboxes, as far as one can know.
pub(crate) fn names(root: Option<&Map<'_>>, users: Section<'_>) -> Option<BTreeSet<String>> {
    let mut names = users.names()?;
    let entries = root?.optional("mailboxes").and_then(|value| value.entries("a map of mailboxes"));
    names.extend(entries.unwrap_or_default().iter().filter_map(|(key, _)| key.raw()).map(str::to_owned));
    Some(names)
}

/// Reads the mailboxes; those of `users` are there in any case.
pub(crate) fn read(
    root: &Map<'_>,
    users: &BTreeMap<UserName, User>,
    known: &Names,
    faults: &Faults,
) -> BTreeMap<MailboxName, Mailbox> {
    let own = |user: &UserName| (user.clone(), Mailbox { users: BTreeSet::from([user.clone()]), ..Mailbox::default() });
    let mut mailboxes: BTreeMap<MailboxName, Mailbox> = users.keys().map(own).collect();
    let entries = root.optional("mailboxes").and_then(|value| value.entries("a map of mailboxes"));
    for (key, value) in entries.unwrap_or_default() {
        let (name, map) = (key.name(), value.map(&MAILBOX));
        let (Some(name), Some(map)) = (name, map) else { continue };
        if name == OWN {
            key.fault("`own` has a meaning of its own and cannot name a mailbox", "choose another name");
        }
        let mut mailbox = mailboxes.remove(name).unwrap_or_default();
        let most = mailbox.max_messages;
        mailbox.max_messages = or(&map, "max_messages", most, |value| value.integer(1..=1_000));
        match map.optional("users") {
            Some(value) => mailbox.users.extend(listeners(&value, known, faults)),
            None if mailbox.users.is_empty() => {
                let remedy = "add `users:` with the names of those who may; a user's own mailbox needs none";
                map.fault("nobody may hear the messages of this mailbox", remedy);
            }
            None => {}
        }
        mailboxes.insert(name.into(), mailbox);
    }
    mailboxes
}

/// One user or a list of them.
fn listeners(value: &Value<'_>, known: &Names, faults: &Faults) -> Vec<UserName> {
    let read = |item: Value<'_>| {
        let name = item.name()?;
        known.check(name, &item.place(), "add it to `users.yaml`", faults).then(|| name.into())
    };
    value.one_or_list().into_iter().filter_map(read).collect()
}
