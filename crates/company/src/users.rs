//! `users.yaml`: everyone who has a phone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use routing::Levels;
use switch::{LanguageName, Place, Ring, User, UserName, Watchers};
use yaml::{Faults, Kind, Value, form, key};

use crate::names::Names;
use crate::peer::{self, Form};
use crate::queues::{NAME_PATTERN, SKILL_MAP, levels};
use crate::system::Listener;
use crate::{Catalogue, Notes, or};

form! {
    pub(crate) FILE, "`users.yaml`", one of [],
    key("users", &Kind::Map(NAME_PATTERN, &Kind::Form(&USER), 100_000), "Everyone who has a phone, by name; mostly the number of his extension.", "{ 101: { display: Ada Lovelace, register: true } }").needed(),
}

form! {
    pub(crate) USER, "a user", one of ["contact", "register"],
    key("display", &Kind::Text, "What those see whom the user calls, 64 characters at most.", "Ada Lovelace").otherwise("his number alone"),
    key("contact", &Kind::Unlike("^sips?:"), "Where the phone is, if it stands at a fixed address: an IP address, by UDP, or by TCP or TLS with `;transport=tcp` or `;transport=tls` behind it.", "sip:101@192.0.2.10:5060")
        .without(&["register_for", "ring", "turn"]),
    key("register", &Kind::Bool, "The phone says where it is (SIP REGISTER), and proves itself by the user's password.", "true"),
    key("register_for", &Kind::Any(&[NAME, &Kind::List(NAME, 10_000)]), "Users who register, too, and for whom this user's phone may.", "[102, 103]").otherwise("for nobody"),
    key("ring", &Kind::Word(&["all", "in_turn"]), "Which of his registered phones ring together: all that he prefers equally, or one after the other.", "in_turn").usual("all"),
    key("turn", &Kind::Unlike("^[0-9]+(s|m)$"), "How long they ring before the next ones do, 3s to 2m.", "20s").usual("15s"),
    key("caller_id", &Kind::Like("^\\+?[0-9*#]{1,32}$"), "The number that his calls out show.", "\"+4930123456\"").otherwise("that of the trunk"),
    key("srtp", &Kind::Word(&["never", "allowed", "required"]), "Whether audio with his phones is encrypted.", "required").otherwise("as his listener says"),
    key("skills", SKILL_MAP, "What the user knows, each with a level from 0 to 100, for calls of queues that need it.", "{ spanish: 80 }").otherwise("none"),
    key("language", NAME, "The language in which the codes that he dials are answered, one of the company's.", "en").otherwise("the first of the company's"),
    key("watched_by", &Kind::Any(&[&Kind::Word(&["all"]), NAME, &Kind::List(NAME, 10_000)]), "Who may see this user's calls (busy lamps), and pick up one that rings at his phone.", "[102, 103]").otherwise("nobody but himself"),
}

const NAME: &Kind = &Kind::Like(NAME_PATTERN);
/// What a user's contact is to look like.
const PHONE: Form = Form { owner: "phone", remedy: "write `sip:USER@ADDRESS:PORT`, such as `sip:101@192.0.2.10:5060`" };

/// The most skills of a user.
const MAX_SKILLS: usize = 100;
/// The longest name that is shown on phones.
const MAX_DISPLAY: usize = 64;

/// All users, and for whom else each may register.
#[derive(Debug, Default)]
pub(crate) struct Users {
    pub users: BTreeMap<UserName, User>,
    pub registers_for: BTreeMap<UserName, BTreeSet<UserName>>,
    pub watchers: BTreeMap<UserName, Watchers>,
    pub skills: BTreeMap<UserName, Levels>,
    pub languages: BTreeMap<UserName, LanguageName>,
}

/// Every user of the map at `value`, whose names `catalogue` has. A phone cannot be one of our own `listeners`.
pub(crate) fn read(
    value: &Value<'_>,
    listeners: &[Listener],
    catalogue: &Catalogue,
    faults: &Faults,
    notes: &mut Notes,
) -> Users {
    let names = &catalogue.users;
    let mut users: BTreeMap<UserName, User> = BTreeMap::new();
    let mut grants: Vec<(UserName, Vec<Value<'_>>)> = Vec::new();
    let mut watchers = BTreeMap::new();
    let mut skills = BTreeMap::new();
    let mut languages = BTreeMap::new();
    let mut phones: BTreeMap<String, Arc<str>> = BTreeMap::new();
    for (key, value) in value.entries("a map of users").unwrap_or_default() {
        let (Some(name), Some(map)) = (key.name(), value.map(&USER.shape)) else { continue };
        let display = map.optional("display").and_then(|value| display(&value));
        let caller_id = map.optional("caller_id").and_then(|value| peer::number(&value).map(Arc::from));
        let srtp = map.optional("srtp").and_then(crate::srtp);
        let name: UserName = name.into();
        if let Some(value) = map.optional("skills") {
            skills.insert(name.clone(), levels(&value, MAX_SKILLS));
        }
        if let Some((value, language)) = map.optional("language").and_then(|value| Some((value, value.name()?))) {
            catalogue.languages.refer(language, &value.place(), faults);
            languages.insert(name.clone(), language.into());
        }
        if let Some(wanted) = map.optional("watched_by").and_then(|value| watched_by(&name, &value, names, faults)) {
            watchers.insert(name.clone(), wanted);
        }
        if let Some(register) = map.optional("register") {
            registers(&register, map.optional("contact"));
            grants
                .push((name.clone(), map.optional("register_for").map_or_else(Vec::new, |value| value.one_or_list())));
            let usual = User::at(Place::Registered);
            let ring =
                or(&map, "ring", usual.ring, |value| value.choose(&[("all", Ring::All), ("in_turn", Ring::InTurn)]));
            let turn = or(&map, "turn", usual.turn, |value| {
                value.duration_in(Duration::from_secs(3)..=Duration::from_secs(120))
            });
            users.insert(name, User { display, caller_id, ring, turn, srtp, ..usual });
            continue;
        }
        if let Some(value) = map.optional("register_for") {
            let remedy = "take it out, or write `register: true` in the place of `contact`";
            value.fault("a phone at a fixed place registers for nobody", remedy);
        }
        for key in ["ring", "turn"] {
            if let Some(value) = map.optional(key) {
                value.fault_at_key(
                    "a phone at a fixed place is the only one",
                    format!("take `{key}` out, or let it register"),
                );
            }
        }
        let Some(contact) = map.required("contact") else { continue };
        let Some(peer) = peer::read(&contact, &PHONE, listeners) else { continue };
        if let Some(other) = phones.insert(peer.contact.to_string(), name.clone()) {
            notes.add(contact.place(), format!("users `{other}` and `{name}` have one phone"));
        }
        users.insert(name, User { display, caller_id, srtp, ..User::at(Place::Fixed(peer)) });
    }
    let granted = |(name, wanted): (UserName, Vec<Value<'_>>)| {
        let others = registers_for(&name, &wanted, &users, names, faults);
        (!others.is_empty()).then_some((name, others))
    };
    let registers_for = grants.into_iter().filter_map(granted).collect();
    Users { users, registers_for, watchers, skills, languages }
}

/// Who may see what the phone of `user` does: `all`, or users.
fn watched_by(user: &UserName, value: &Value<'_>, names: &Names, faults: &Faults) -> Option<Watchers> {
    if value.raw() == Some("all") {
        return Some(Watchers::All);
    }
    let mut watchers = BTreeSet::new();
    for value in value.one_or_list() {
        let Some(other) = value.name() else { continue };
        if *other == **user {
            value.fault(format!("`{user}` sees what his own phone does anyway"), "take it out");
        } else if !names.check(other, &value.place(), "add it to `users.yaml`, or write `all`", faults) {
            continue;
        } else if !watchers.insert(other.into()) {
            value.fault(format!("`{other}` is given twice"), "keep one of them");
        }
    }
    (!watchers.is_empty()).then_some(Watchers::Only(watchers))
}

/// The users for whom `user` may register besides himself.
fn registers_for(
    user: &UserName,
    wanted: &[Value<'_>],
    users: &BTreeMap<UserName, User>,
    names: &Names,
    faults: &Faults,
) -> BTreeSet<UserName> {
    let mut others = BTreeSet::new();
    for value in wanted {
        let Some(other) = value.name() else { continue };
        if *other == **user {
            value.fault(format!("`{user}` registers for itself anyway"), "take it out");
        } else if !names.check(other, &value.place(), "add it to `users.yaml`", faults) {
            continue;
        } else if users.get(other).is_some_and(|found| found.place != Place::Registered) {
            value.fault(format!("`{other}` does not register"), "write `register: true` in the place of its `contact`");
        } else if !others.insert(other.into()) {
            value.fault(format!("`{other}` is given twice"), "keep one of them");
        }
    }
    others
}

/// `register: true` stands in the place of a contact.
fn registers(value: &Value<'_>, contact: Option<Value<'_>>) {
    let _ = value.choose(&[("true", ())]);
    if let Some(contact) = contact {
        contact.fault("a phone that registers says itself where it is", "take out `contact` or `register`");
    }
}

fn display(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    if text.chars().count() > MAX_DISPLAY || text.chars().any(char::is_control) {
        value.fault(format!("a display name is one line of at most {MAX_DISPLAY} characters"), "");
        return None;
    }
    Some(text.to_owned())
}
