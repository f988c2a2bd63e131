//! Reads the files of a company's folder for crate `company`, which says which of them it wants.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use company::{Files, System, Visit, visit};

use crate::error::Error;
use crate::plugins::Loader;
use crate::speech::OnPath;
use crate::tls::Vault;

/// Reads and checks the company in `folder`.
///
/// # Errors
/// [`Error::Folder`] if there is no such folder, [`Error::Faults`] with all that is wrong in it.
pub(crate) fn read_company(folder: &Path) -> Result<company::Company, Error> {
    company::read(&read_files(folder)?).map_err(Error::Faults)
}

/// Reads and checks the company in `folder`, which is to take the place of one that runs with `running`.
///
/// # Errors
/// As [`read_company`].
pub(crate) fn read_company_again(folder: &Path, running: &System) -> Result<company::Company, Error> {
    company::read_again(&read_files(folder)?, running).map_err(Error::Faults)
}

/// Reads what belongs to the company in `folder`, right or not.
///
/// # Errors
/// [`Error::Folder`] if there is no such folder.
pub(crate) fn read_files(folder: &Path) -> Result<Files, Error> {
    let vault = Vault { folder: folder.to_owned() };
    let mut files = Files::new(folder.display().to_string())
        .with_certificates(Box::new(vault))
        .with_programs(Box::new(OnPath))
        .with_plugins(Box::new(Loader));
    walk(folder, "", &mut files).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
    for path in company::secret_files(&files) {
        let secret = read_secret(&folder.join(&path)).map_err(|error| error.to_string());
        files.insert_secret(path, secret);
    }
    Ok(files)
}

/// Reads a file that nobody but its owner may read or write.
pub(crate) fn read_secret(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    let found = file.metadata()?;
    let mode = found.permissions().mode() & 0o777;
    if !found.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if mode & 0o077 != 0 {
        return Err(io::Error::other(format!("others than its owner may read or write it (mode {mode:04o})")));
    }
    read_at_most(&mut file, company::MAX_SECRET_BYTES)
}

fn walk(folder: &Path, prefix: &str, files: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // Follows links: a prompt may be one.
        let is_folder = fs::metadata(entry.path()).is_ok_and(|found| found.is_dir());
        match visit(&path, is_folder) {
            Visit::Enter => {
                if let Err(error) = walk(&entry.path(), &format!("{path}/"), files) {
                    files.insert_unreadable(path, error);
                }
            }
            Visit::Read { limit } => match read_file(&entry.path(), limit) {
                Ok(bytes) => files.insert(path, bytes),
                Err(error) => files.insert_unreadable(path, error),
            },
            Visit::Name => files.insert_name(path),
            Visit::Skip => {}
        }
    }
    Ok(())
}

/// Reads at most `limit` bytes, however long the file says it is.
pub(crate) fn read_file(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    read_at_most(&mut fs::File::open(path)?, limit)
}

fn read_at_most(file: &mut fs::File, limit: usize) -> io::Result<Vec<u8>> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "word\n").unwrap();
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o644] {
            set(mode);
            let why = read_secret(&path).unwrap_err().to_string();
            assert!(why.contains(&format!("{mode:04o}")), "{why}");
        }
        for mode in [0o600, 0o400] {
            set(mode);
            assert_eq!(read_secret(&path).unwrap(), b"word\n");
        }
        assert!(read_secret(folder.path()).is_err());
        assert!(read_secret(&folder.path().join("none")).is_err());
    }
}
