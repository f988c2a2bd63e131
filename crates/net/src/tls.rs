//! TLS 1.2 and 1.3 under the connections of a listener (RFC 3261 §26.3, RFC 5246, RFC 8446): certificates and keys from
//! PEM files, who is trusted, and the handshakes of both directions.
//!
//! [`Identity`] and [`Authorities`] are what files hold, [`Settings`] what one listener has of them. [`Tls`] can be given
//! others while connections live: those keep what they began with.

mod identity;
mod validity;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

pub use identity::Identity;
pub(crate) use identity::names_of;
use identity::{ByName, Own};

/// What is wrong with a file of certificates or keys, or with what belongs together.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file has no certificate.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("a certificate in it cannot be read: {0}")]
    BadCertificate(String),
    /// The file has no private key.
    #[error("there is no private key in it")]
    NoKey,
    /// The key is locked by a password.
    #[error("its private key is locked by a password")]
    LockedKey,
    /// The key is of a kind that cannot be used.
    #[error("its private key cannot be used: {0}")]
    BadKey(String),
    /// Certificate and key belong to different pairs.
    #[error("the key does not belong to the certificate")]
    Mismatch,
    /// A listener needs at least one certificate.
    #[error("no certificate is given")]
    NoIdentity,
    /// The TLS library refuses what it was given.
    #[error("{0}")]
    Refused(String),
}

impl TlsError {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NoCertificate | Self::BadCertificate(_) | Self::NoIdentity => {
                "write a PEM file with the certificate first (`-----BEGIN CERTIFICATE-----`) and those of its issuers behind it"
            }
            Self::NoKey => "write a PEM file with the key (`-----BEGIN PRIVATE KEY-----`)",
            Self::LockedKey => "store it without a password: `openssl pkey -in OLD -out NEW`",
            Self::BadKey(_) => "take a key of RSA (2048 to 8192 bits), ECDSA (P-256, P-384) or Ed25519",
            Self::Mismatch => "write the key that the certificate was asked for with",
            Self::Refused(_) => "",
        }
    }
}

/// Whose certificates are believed.
#[derive(Clone, Debug)]
pub struct Authorities(Arc<RootCertStore>);

impl PartialEq for Authorities {
    fn eq(&self, other: &Self) -> bool {
        self.0.roots == other.0.roots
    }
}

impl Authorities {
    /// Those of a PEM file.
    ///
    /// # Errors
    /// If there is none in it, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let bad = |why: String| TlsError::BadCertificate(why);
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            store.add(certificate).map_err(|error| bad(error.to_string()))?;
        }
        if store.is_empty() { Err(TlsError::NoCertificate) } else { Ok(Self(store.into())) }
    }

    /// Those of this machine, as far as they can be read. There may be none; then nobody is believed.
    #[must_use]
    pub fn of_machine() -> Self {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self(store.into())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if nobody is believed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// For those who connect by other means than a listener's: shows `identity` to whom asks, believes whom `servers` vouch for.
///
/// # Errors
/// If the TLS library refuses them.
pub fn client_config(identity: Option<Identity>, servers: Authorities) -> Result<Arc<ClientConfig>, TlsError> {
    client(&Arc::new(ring::default_provider()), identity.as_slice(), servers).map(Arc::new)
}

/// What one listener has for TLS.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What it shows who connects: the first whose names fit the one that he asks for (SNI, RFC 6066 §3), else the first.
    /// That one also goes with connections of ours. Without any, nobody can connect.
    pub identities: Vec<Identity>,
    /// If given, who connects must show a certificate that one of these vouches for.
    pub clients: Option<Authorities>,
    /// Who vouches for those to whom we connect.
    pub servers: Authorities,
    /// The names that certificates of peers must bear, where it is not their address.
    pub names: BTreeMap<SocketAddr, String>,
}

/// Does the handshakes of a listener.
#[derive(Debug)]
pub struct Tls {
    ready: RwLock<Arc<Ready>>,
    /// As [`Settings::names`], at addresses that the DNS gave.
    found: RwLock<Arc<BTreeMap<SocketAddr, String>>>,
}

/// Settings that the TLS library has taken.
#[derive(Debug)]
pub struct Ready {
    server: Option<Arc<ServerConfig>>,
    client: Arc<ClientConfig>,
    settings: Settings,
}

impl Tls {
    /// Handshakes by `settings`.
    ///
    /// # Errors
    /// If the TLS library refuses them.
    pub fn new(settings: Settings) -> Result<Self, TlsError> {
        Ok(Self { ready: RwLock::new(Arc::new(Ready::new(settings)?)), found: RwLock::default() })
    }

    /// True if `ready` is what holds already.
    #[must_use]
    pub fn has(&self, ready: &Ready) -> bool {
        self.state().settings == ready.settings
    }

    /// Takes other settings for connections to come.
    pub fn replace(&self, ready: Ready) {
        *self.ready.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ready);
    }

    /// From now on certificates of peers at these addresses, too, must bear these names; those of [`Settings`] come first.
    pub fn learn(&self, found: Arc<BTreeMap<SocketAddr, String>>) {
        *self.found.write().unwrap_or_else(PoisonError::into_inner) = found;
    }

    fn state(&self) -> Arc<Ready> {
        self.ready.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The handshake with who connected.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let server = self.state().server.clone();
        let server = server.ok_or_else(|| io::Error::other(TlsError::NoIdentity))?;
        TlsAcceptor::from(server).accept(stream).await.map(TlsStream::from)
    }

    /// The handshake with the one to whom we connected, who must prove to be it: by his name if one is known, else by his
    /// address.
    pub(crate) async fn connect(&self, stream: TcpStream, remote: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let state = self.state();
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner).clone();
        let name = match name_of([&state.settings.names, &found], remote) {
            Some(name) => ServerName::try_from(name.to_owned()).map_err(io::Error::other)?,
            None => ServerName::from(remote.ip()),
        };
        TlsConnector::from(state.client.clone()).connect(name, stream).await.map(TlsStream::from)
    }
}

impl Ready {
    /// Makes `settings` ready for [`Tls::replace`].
    ///
    /// # Errors
    /// If the TLS library refuses them.
    pub fn new(settings: Settings) -> Result<Self, TlsError> {
        let Settings { identities, clients, servers, .. } = settings.clone();
        let provider = Arc::new(ring::default_provider());
        let client = client(&provider, &identities, servers)?;
        let server = if identities.is_empty() { None } else { Some(server(&provider, identities, clients)?) };
        Ok(Self { server: server.map(Arc::new), client: Arc::new(client), settings })
    }
}

/// The name that the one at `remote` must prove, by the first of `tables` that knows. A peer may call from, or name in its
/// Contact, another port than is known of it.
fn name_of(tables: [&BTreeMap<SocketAddr, String>; 2], remote: SocketAddr) -> Option<&str> {
    let here = || tables.iter().find_map(|names| names.get(&remote));
    let of_host = || tables.iter().find_map(|names| names.iter().find(|(address, _)| address.ip() == remote.ip()));
    here().or_else(|| of_host().map(|(_, name)| name)).map(String::as_str)
}

fn server(
    provider: &Arc<CryptoProvider>,
    identities: Vec<Identity>,
    clients: Option<Authorities>,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Refused(error.to_string()))?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(Authorities(roots)) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| TlsError::Refused(error.to_string()))?)
        }
    };
    Ok(builder.with_cert_resolver(Arc::new(ByName(identities))))
}

fn client(
    provider: &Arc<CryptoProvider>,
    identities: &[Identity],
    servers: Authorities,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Refused(error.to_string()))?;
    let own = identities.first().map(|identity| Arc::new(Own(identity.clone())));
    let builder = if servers.is_empty() {
        // The library wants someone to be believed; a store without anyone refuses all.
        builder.with_root_certificates(servers.0)
    } else {
        let verifier = WebPkiServerVerifier::builder_with_provider(servers.0, provider.clone()).build();
        builder.with_webpki_verifier(verifier.map_err(|error| TlsError::Refused(error.to_string()))?)
    };
    Ok(match own {
        Some(own) => builder.with_client_cert_resolver(own),
        None => builder.with_no_client_auth(),
    })
}
