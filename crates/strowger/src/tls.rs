//! Files of certificates and keys: read for the check of a configuration, and made into what listeners need.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base::Wall;
use company::{Certificates, FileFault, System, TlsFiles};
use net::tls::{Authorities, Identity, Ready, Settings, Tls, TlsError};
use switch::Config;

use crate::error::Error;
use crate::folder::read_file;

/// The largest file of certificates or keys that is read, in bytes: all authorities of a machine are some 250 kB.
const MAX_BYTES: usize = 1_000_000;

/// Reads files of certificates for a company in `folder`.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    /// The company's folder.
    pub folder: PathBuf,
}

impl Certificates for Vault {
    fn now(&self) -> Wall {
        wall(SystemTime::now())
    }

    fn pair(&self, certificate: &Path, key: &Path) -> Result<(Wall, Wall), FileFault> {
        let read = |path: &Path, of_key| {
            let unreadable =
                |error: std::io::Error| FileFault { of_key, message: error.to_string(), remedy: String::new() };
            read_file(&self.folder.join(path), MAX_BYTES).map_err(unreadable)
        };
        let (pem, key) = (read(certificate, false)?, read(key, true)?);
        let (from, until) = Identity::from_pem(&pem, &key).map_err(|error| fault(&error))?.term();
        Ok((wall(from), wall(until)))
    }

    fn authorities(&self, file: &Path) -> Result<(), FileFault> {
        let unreadable =
            |error: std::io::Error| FileFault { of_key: false, message: error.to_string(), remedy: String::new() };
        let pem = read_file(&self.folder.join(file), MAX_BYTES).map_err(unreadable)?;
        Authorities::from_pem(&pem).map(drop).map_err(|error| fault(&error))
    }
}

fn fault(error: &TlsError) -> FileFault {
    let of_key = matches!(error, TlsError::NoKey | TlsError::LockedKey | TlsError::BadKey(_) | TlsError::Mismatch);
    FileFault { of_key, message: error.to_string(), remedy: error.remedy().to_owned() }
}

fn wall(time: SystemTime) -> Wall {
    let micros = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    Wall::from_unix_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

impl Vault {
    /// What the listeners of a system need, by their index; none for those without TLS.
    ///
    /// # Errors
    /// If a file has gone or changed for the worse since it was checked.
    pub fn settings(&self, system: &System, config: &Config) -> Result<Vec<Option<Settings>>, Error> {
        let names = names(config);
        let of = |files: &TlsFiles| self.read(files, names.clone());
        system.listeners.iter().map(|listener| listener.tls.as_ref().map(of).transpose()).collect()
    }

    fn read(&self, files: &TlsFiles, names: BTreeMap<SocketAddr, String>) -> Result<Settings, Error> {
        let authorities = |path: &Path| authorities(&self.folder.join(path));
        Ok(Settings {
            identities: files.pairs.iter().map(|pair| self.pair(pair)).collect::<Result<_, _>>()?,
            clients: files.client_ca.as_deref().map(authorities).transpose()?,
            servers: files.ca.as_deref().map_or_else(|| Ok(Authorities::of_machine()), authorities)?,
            names,
        })
    }

    /// What one who connects to others shows of himself, and whom he believes.
    ///
    /// # Errors
    /// As [`Self::settings`].
    pub fn client(
        &self,
        pair: Option<&(PathBuf, PathBuf)>,
        ca: Option<&Path>,
    ) -> Result<(Option<Identity>, Authorities), Error> {
        let believed = ca.map_or_else(|| Ok(Authorities::of_machine()), |ca| authorities(&self.folder.join(ca)))?;
        Ok((pair.map(|pair| self.pair(pair)).transpose()?, believed))
    }

    fn pair(&self, (certificate, key): &(PathBuf, PathBuf)) -> Result<Identity, Error> {
        let (pem, key) = (self.file(certificate)?, self.file(key)?);
        Identity::from_pem(&pem, &key).map_err(|source| Error::Tls { path: certificate.clone(), source })
    }

    fn file(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let path = self.folder.join(path);
        read_file(&path, MAX_BYTES).map_err(|source| Error::File { path, source })
    }
}

/// Those whom a file at `path` has believed.
pub(crate) fn authorities(path: &Path) -> Result<Authorities, Error> {
    let pem = read_file(path, MAX_BYTES).map_err(|source| Error::File { path: path.to_owned(), source })?;
    Authorities::from_pem(&pem).map_err(|source| Error::Tls { path: path.to_owned(), source })
}

/// The names that the far ends of trunks at fixed addresses must prove.
fn names(config: &Config) -> BTreeMap<SocketAddr, String> {
    let of = |trunk: &switch::Trunk| Some((trunk.to.as_ref()?.address()?, trunk.to_name.as_deref()?.to_owned()));
    config.trunks.iter().filter_map(of).collect()
}

/// The handshakes of all listeners, for a reload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handshakes(pub Vec<Option<Arc<Tls>>>);

impl Handshakes {
    /// Makes those of each listener from its settings.
    pub fn new(settings: Vec<Option<Settings>>) -> Result<Self, Error> {
        let made = |settings| Tls::new(settings).map(Arc::new).map_err(Error::Handshakes);
        settings.into_iter().map(|settings| settings.map(made).transpose()).collect::<Result<_, _>>().map(Self)
    }

    /// The names to be proven at addresses that the DNS gave.
    pub fn learn(&self, found: BTreeMap<SocketAddr, String>) {
        let found = Arc::new(found);
        self.0.iter().flatten().for_each(|tls| tls.learn(found.clone()));
    }

    /// Makes other settings ready, of the listeners for which they are others.
    pub fn prepare(&self, settings: Vec<Option<Settings>>) -> Result<Vec<(Arc<Tls>, Ready)>, Error> {
        let both = self.0.iter().zip(settings).filter_map(|(tls, settings)| Some((tls.clone()?, settings?)));
        let ready = both.map(|(tls, settings)| Ready::new(settings).map(|ready| (tls, ready)));
        let ready = ready.collect::<Result<Vec<_>, _>>().map_err(Error::Handshakes)?;
        Ok(ready.into_iter().filter(|(tls, ready)| !tls.has(ready)).collect())
    }
}
