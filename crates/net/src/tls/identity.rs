//! A certificate with its key, and who is shown which.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, SignatureScheme};
use webpki::EndEntityCert;

use super::TlsError;
use super::validity::validity;

/// A certificate chain with its private key. It prints without the key.
#[derive(Clone, Debug)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    term: (u64, u64),
}

impl PartialEq for Identity {
    /// A certificate belongs to one key.
    fn eq(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }
}

impl Identity {
    /// The first certificate of the PEM text `certificate` with those of its issuers behind it, and its key.
    ///
    /// # Errors
    /// If either cannot be used, or they do not belong together.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let (chain, term) = chain(certificate)?;
        let key = private_key(key)?;
        let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
            other => TlsError::BadKey(other.to_string()),
        })?;
        Ok(Self { certified: Arc::new(certified), term })
    }

    /// From when to when the certificate holds.
    #[must_use]
    pub fn term(&self) -> (SystemTime, SystemTime) {
        let time = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        (time(self.term.0), time(self.term.1))
    }

    /// True if the certificate was made for a host of this name, be it by `*`.
    fn is_for(&self, name: &str) -> bool {
        let Ok(name) = ServerName::try_from(name) else { return false };
        let end = self.certified.cert.first().and_then(|der| EndEntityCert::try_from(der).ok());
        end.is_some_and(|end| end.verify_is_valid_for_subject_name(&name).is_ok())
    }
}

fn chain(pem: &[u8]) -> Result<(Vec<CertificateDer<'static>>, (u64, u64)), TlsError> {
    let bad = |why: &dyn std::fmt::Display| TlsError::BadCertificate(why.to_string());
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|error| bad(&error))?;
    let first = chain.first().ok_or(TlsError::NoCertificate)?;
    EndEntityCert::try_from(first).map_err(|error| bad(&error))?;
    let term = validity(first).ok_or_else(|| bad(&"its term is not written as RFC 5280 asks"))?;
    Ok((chain, term))
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    use rustls::pki_types::pem::Error as Pem;
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(Pem::NoItemsFound) if memchr::memmem::find(pem, b"ENCRYPTED PRIVATE KEY-----").is_some() => {
            Err(TlsError::LockedKey)
        }
        Err(Pem::NoItemsFound) => Err(TlsError::NoKey),
        Err(other) => Err(TlsError::BadKey(other.to_string())),
    }
}

/// Shows who connects the certificate for the name that he asks for.
#[derive(Debug)]
pub(super) struct ByName(pub Vec<Identity>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name().and_then(|name| self.0.iter().find(|identity| identity.is_for(name)));
        asked.or_else(|| self.0.first()).map(|identity| identity.certified.clone())
    }
}

/// Shows our certificate to a peer that we connect to and that asks for one.
#[derive(Debug)]
pub(super) struct Own(pub Identity);

impl ResolvesClientCert for Own {
    fn resolve(&self, _issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.certified.key.choose_scheme(schemes).map(|_| self.0.certified.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The names of hosts that a certificate stands for, in lower case (RFC 5922 §7.1): those of its `sip:` URIs, and its DNS
/// names. One with `*` names nobody (§7.2).
pub(crate) fn names_of(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(end) = EndEntityCert::try_from(certificate) else { return Vec::new() };
    let of_uris = end.valid_uri_names().filter_map(|uri| uri.strip_prefix("sip:")).filter(|host| !host.contains('@'));
    let all = of_uris.chain(end.valid_dns_names()).filter(|name| !name.contains('*'));
    all.map(str::to_ascii_lowercase).collect()
}
