//! The certificates of a listener with `tls`: which files it names, and whether they are fit for use. They are read by the
//! driver, which knows the library for them; what is a fault and what a note is said here.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{Day, Wall};
use sip::Transport;
use yaml::{Map, Shape, Value};

use crate::Files;
use crate::report::Notes;

const PAIR: Shape = Shape { what: "a certificate with its key", keys: &["certificate", "key"] };

/// How long before its end a certificate is told to be renewed: those that live for 90 days are renewed 30 days before.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// More than any company has domains; each is read at the start.
const MAX_PAIRS: usize = 64;

/// The files of a listener with TLS, as the configuration names them: a relative path lies in the company's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate (with those of its issuers) and key, at least one; who asks for no name that fits gets the first.
    pub pairs: Vec<(PathBuf, PathBuf)>,
    /// Who connects must show a certificate that one of these vouches for.
    pub client_ca: Option<PathBuf>,
    /// Who vouches for those to whom we connect; if none, whom the machine believes.
    pub ca: Option<PathBuf>,
}

/// What is wrong with a file, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    /// It is the key's; else the certificate's.
    pub of_key: bool,
    /// What is wrong.
    pub message: String,
    /// What to do; may be empty.
    pub remedy: String,
}

/// The driver that reads files of certificates. Relative paths lie in the company's folder.
pub trait Certificates: Debug {
    /// The time, to tell which certificates are over.
    fn now(&self) -> Wall;

    /// From when to when a certificate holds whose key is `key`.
    ///
    /// # Errors
    /// If one of them cannot be used, or they do not belong together.
    fn pair(&self, certificate: &Path, key: &Path) -> Result<(Wall, Wall), FileFault>;

    /// Reads those who vouch for others.
    ///
    /// # Errors
    /// If there is none, or one that cannot be used.
    fn authorities(&self, file: &Path) -> Result<(), FileFault>;
}

/// Where certificates are looked up, and notes on them go.
pub(crate) struct Shelf<'a> {
    pub files: &'a Files,
    pub notes: &'a mut Notes,
}

/// The keys of a listener that are about TLS. Those of other transports have none.
pub(crate) fn read(
    map: &Map<'_>,
    (transport, place): (Transport, &Value<'_>),
    shelf: &mut Shelf<'_>,
) -> Option<TlsFiles> {
    if !transport.is_secure() {
        for key in ["certificate", "key", "certificates", "client_ca", "ca"] {
            if let Some(value) = map.optional(key) {
                value.fault_at_key(
                    format!("`{key}` is for listeners with `tls` or `wss`"),
                    "write `- tls:`, or take it out",
                );
            }
        }
        return None;
    }
    let pairs = match map.optional("certificates") {
        None if map.optional("certificate").is_none() || map.optional("key").is_none() => {
            place.fault("TLS needs a certificate and its key", "add `certificate: FILE` and `key: FILE`");
            Vec::new()
        }
        None => pair(map, shelf).into_iter().collect(),
        Some(list) => {
            for key in ["certificate", "key"] {
                if let Some(value) = map.optional(key) {
                    value.fault_at_key("`certificates` holds all of them", "move it there");
                }
            }
            let items = list.list().unwrap_or_default();
            if list.is_list() && !(1..=MAX_PAIRS).contains(&items.len()) {
                list.fault(format!("a listener has 1 to {MAX_PAIRS} certificates"), "");
            }
            items.iter().take(MAX_PAIRS).filter_map(|item| pair(&item.map(&PAIR)?, shelf)).collect()
        }
    };
    let authorities = |key: &'static str| authorities(&map.optional(key)?, shelf.files);
    let (client_ca, ca) = (authorities("client_ca"), authorities("ca"));
    Some(TlsFiles { pairs, client_ca, ca })
}

/// A file of those who vouch for others.
pub(crate) fn authorities(value: &Value<'_>, files: &Files) -> Option<PathBuf> {
    let path = path(value)?;
    if let Some(Err(fault)) = files.certificates().map(|files| files.authorities(&path)) {
        value.fault(format!("`{}`: {}", path.display(), fault.message), fault.remedy);
    }
    Some(path)
}

/// `certificate` with its `key`.
pub(crate) fn pair(map: &Map<'_>, shelf: &mut Shelf<'_>) -> Option<(PathBuf, PathBuf)> {
    let (certificate, key) = (map.required("certificate"), map.required("key"));
    let (certificate, key) = (certificate?, key?);
    let (file, key_file) = (path(&certificate)?, path(&key)?);
    let Some(files) = shelf.files.certificates() else {
        certificate.fault("certificates cannot be read here", "");
        return None;
    };
    match files.pair(&file, &key_file) {
        Ok(term) => check_term(&certificate, &file, files.now(), term, shelf.notes),
        Err(fault) => {
            let (value, shown) = if fault.of_key { (&key, &key_file) } else { (&certificate, &file) };
            value.fault(format!("`{}`: {}", shown.display(), fault.message), fault.remedy);
            return None;
        }
    }
    Some((file, key_file))
}

/// A certificate that is over is a note and no fault: the other listeners need not stand still for it.
fn check_term(value: &Value<'_>, file: &Path, now: Wall, (from, until): (Wall, Wall), notes: &mut Notes) {
    let file = file.display();
    let day = |time: Wall| Day::of(time);
    if until < now {
        notes.add(value.place(), format!("`{file}` is over since {}: nobody who checks it connects", day(until)));
    } else if now < from {
        notes.add(value.place(), format!("`{file}` holds from {} on: nobody who checks it connects before", day(from)));
    } else if until < now + SOON {
        notes.add(value.place(), format!("`{file}` is over on {}: renew it, then `strowger reload`", day(until)));
    }
}

fn path(value: &Value<'_>) -> Option<PathBuf> {
    let text = value.string()?;
    if text.is_empty() || text.contains('\0') {
        value.fault("the name of a file is missing", "write its path, from this folder or from `/` on");
        return None;
    }
    Some(PathBuf::from(text))
}
