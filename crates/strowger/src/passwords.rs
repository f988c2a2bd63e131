//! Passwords of the users who register: made at the first start, told once, kept in the data folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use base::Rng;
use sip::digest::Secret;
use switch::{Config, Place};

use crate::error::Error;

/// Their file: a line a user, his name, a colon, a space, his password. Who wants another password writes it there.
const FILE: &str = "passwords";
/// 20 characters of 32: 100 bits.
const LENGTH: usize = 20;
/// Letters and digits that nobody takes for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Gives `config` the secret of each user who registers. Passwords that are missing are made, printed and kept.
///
/// # Errors
/// If the file cannot be read or written.
pub(crate) fn give(config: &mut Config, data: &Path, rng: &mut Rng) -> Result<(), Error> {
    let names: Vec<_> =
        config.users.iter().filter(|(_, user)| user.place == Place::Registered).map(|(name, _)| name.clone()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let path = data.join(FILE);
    let failed = |source| Error::System { what: "passwords", source };
    let mut known = match fs::read_to_string(&path) {
        Ok(text) => read(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(failed(error)),
    };
    let mut made = false;
    for name in names {
        let password = known.entry(name.to_string()).or_insert_with(|| {
            made = true;
            let password = password(rng);
            // A closed standard output loses nothing: the file has it.
            let _ = writeln!(io::stdout().lock(), "password {name} {password}");
            password
        });
        config.secrets.insert(name.clone(), Secret::of(&name, &config.realm, password));
    }
    if !made {
        return Ok(());
    }
    let write = |file: &mut dyn Write| known.iter().try_for_each(|(name, word)| writeln!(file, "{name}: {word}"));
    storage::replace(&path, write).map_err(failed)
}

fn read(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(name, password)| (name.trim().to_owned(), password.trim().to_owned())).collect()
}

fn password(rng: &mut Rng) -> String {
    let letter = |rng: &mut Rng| ALPHABET.get(usize::try_from(rng.below(32)).unwrap_or(0)).copied().unwrap_or(b'a');
    (0..LENGTH).map(|_| char::from(letter(rng))).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use switch::User;

    use super::*;

    #[test]
    fn a_password_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let start = |seed| {
            let mut config = Config::default();
            config.users.insert("105".into(), User::at(Place::Registered));
            give(&mut config, folder.path(), &mut Rng::from_number(seed)).unwrap();
            config.secrets
        };
        let first = start(1);
        assert_eq!(first.len(), 1);
        assert_eq!(first, start(2), "kept over a restart");
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "105: mine\n").unwrap();
        assert_eq!(start(3).get("105"), Some(&Secret::of("105", "", "mine")));
    }
}
