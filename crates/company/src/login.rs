//! `login` of a trunk: the name and password by which its far end knows us. Passwords lie in files of their own, or, for those
//! who want it so, in `strowger.yaml` itself.

use sip::digest::{Login, Secret};
use yaml::{Faults, Map, Shape, Source, Value};

use crate::{Files, Notes};

const LOGIN: Shape = Shape { what: "`login`", keys: &["user", "realm", "password", "password_file"] };

/// The largest file with a password that is read, in bytes.
pub const MAX_SECRET_BYTES: usize = 4096;
/// The longest password, name and realm.
const MAX_LENGTH: usize = 256;

/// The files with passwords that `strowger.yaml` names, as it names them: relative to the folder, or from the root on. A
/// driver reads them and hands them in by [`Files::insert_secret`].
#[must_use]
pub fn secret_files(files: &Files) -> Vec<String> {
    let faults = Faults::default();
    let document = files.source("strowger.yaml").and_then(|source: Source| yaml::read(&source, &faults));
    let Some(document) = document else { return Vec::new() };
    let mut found = Vec::new();
    let root = document.root(&faults);
    let sections = root.entries("").unwrap_or_default();
    let trunks = sections.iter().find(|(key, _)| key.raw() == Some("trunks")).map(|(_, value)| *value);
    for (_, trunk) in trunks.and_then(|value| value.entries("")).unwrap_or_default() {
        for (_, login) in trunk.entries("").unwrap_or_default() {
            let keys = if login.is_map() { login.entries("").unwrap_or_default() } else { Vec::new() };
            let path = keys.iter().find(|(key, _)| key.raw() == Some("password_file"));
            found.extend(path.and_then(|(_, value)| value.raw()).map(str::to_owned));
        }
    }
    let secrets = sections.iter().find(|(key, _)| key.raw() == Some("secrets")).map(|(_, value)| *value);
    for (_, secret) in secrets.filter(Value::is_map).and_then(|value| value.entries("")).unwrap_or_default() {
        let keys = if secret.is_map() { secret.entries("").unwrap_or_default() } else { Vec::new() };
        let path = keys.iter().find(|(key, _)| key.raw() == Some("file"));
        found.extend(path.and_then(|(_, value)| value.raw()).map(str::to_owned));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The login at `value`.
pub(crate) fn read(value: &Value<'_>, files: &Files, notes: &mut Notes) -> Option<Login> {
    let map = value.map(&LOGIN)?;
    let user = map.required("user").and_then(|value| word(&value, "a name"));
    let realm = map.required("realm").and_then(|value| word(&value, "a realm"));
    let password = password(&map, files, notes);
    let (user, realm, password) = (user?, realm?, password?);
    let secret = Secret::of(user, realm, &password);
    Some(Login { realm: realm.into(), user: user.into(), secret })
}

/// The password that a map names by `password_file` or holds.
pub(crate) fn password(map: &Map<'_>, files: &Files, notes: &mut Notes) -> Option<String> {
    let (key, value) = map.one_of(&["password_file", "password"])?;
    if key == "password" {
        let text = value.string()?;
        if !is_password(text) {
            value.fault_at_key(format!("a password is one line of 1 to {MAX_LENGTH} characters"), "");
            return None;
        }
        let text = text.to_owned();
        notes.add(
            value.key_place(),
            "the password stands in this file, for everybody who may read it; `password_file` keeps it apart",
        );
        return Some(text);
    }
    line(&value, files, "password", MAX_LENGTH)
}

/// The one line, of `most` characters at most, of the file that `value` names. `what` it holds is for people.
pub(crate) fn line(value: &Value<'_>, files: &Files, what: &str, most: usize) -> Option<String> {
    let path = value.string()?;
    let fault = |why: &str| {
        let remedy = format!("write the {what} into it as its only line, readable for its owner alone (`chmod 600`)");
        value.fault(format!("no {what} in `{}`: {why}", crate::names::short(path)), remedy);
        None
    };
    match files.secret(path) {
        Err(why) => fault(why),
        Ok(text) => only_line(text, most).map_or_else(fault, |line| Some(line.to_owned())),
    }
}

/// The one line, of `most` characters at most, that a text is.
///
/// # Errors
/// If it is something else.
pub(crate) fn only_line(text: &str, most: usize) -> Result<&str, &'static str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if is_line(text, most) { Ok(text) } else { Err("it does not hold one line of text alone") }
}

fn is_password(text: &str) -> bool {
    is_line(text, MAX_LENGTH)
}

fn is_line(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// A text that stands in quotes in a header field.
pub(crate) fn word<'a>(value: &Value<'a>, what: &str) -> Option<&'a str> {
    let text = value.string()?;
    if !is_password(text) || text.contains(['"', '\\']) {
        value.fault(format!("{what} is one line of 1 to {MAX_LENGTH} characters without quotes"), "");
        return None;
    }
    Some(text)
}
