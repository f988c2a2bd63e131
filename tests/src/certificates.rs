//! Certificates as an authority of the test's own gives them, made by OpenSSL, a stranger to the switch.

use std::path::{Path, PathBuf};
use std::process::Command;

/// An authority with its files in a folder.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    name: String,
}

/// A certificate and its key, as files.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The key's file.
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority of this name in `folder`.
    ///
    /// # Panics
    /// If OpenSSL is not there or fails.
    pub fn new(folder: &Path, name: &str) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let authority = Self { folder: folder.to_owned(), name: name.to_owned() };
        let (key, certificate) = (authority.path(name, "key"), authority.path(name, "pem"));
        openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &text(&key)]);
        let subject = format!("/CN={name}");
        openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            &text(&key),
            "-days",
            "30",
            "-subj",
            &subject,
            "-out",
            &text(&certificate),
        ]);
        authority
    }

    /// The file with its own certificate.
    pub fn file(&self) -> PathBuf {
        self.path(&self.name, "pem")
    }

    /// A certificate for hosts of these names (`DNS:…`, `IP:…`, `URI:…`), for so many days from now on; below 0 it has ended.
    pub fn issue(&self, file: &str, names: &[&str], days: i32) -> Pair {
        let (key, request, certificate) = (self.path(file, "key"), self.path(file, "csr"), self.path(file, "pem"));
        let extensions = self.path(file, "ext");
        std::fs::write(&extensions, format!("subjectAltName={}\nbasicConstraints=CA:FALSE\n", names.join(",")))
            .expect("a file");
        openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &text(&key)]);
        let subject = format!("/CN={file}");
        openssl(&["req", "-new", "-key", &text(&key), "-subj", &subject, "-out", &text(&request)]);
        let (own, own_key) = (text(&self.file()), text(&self.path(&self.name, "key")));
        let days = days.to_string();
        openssl(&[
            "x509",
            "-req",
            "-in",
            &text(&request),
            "-CA",
            &own,
            "-CAkey",
            &own_key,
            "-CAcreateserial",
            "-days",
            &days,
            "-extfile",
            &text(&extensions),
            "-out",
            &text(&certificate),
        ]);
        Pair { certificate, key }
    }

    fn path(&self, name: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{name}.{ending}"))
    }
}

impl Pair {
    /// The keys of a listener that shows it.
    pub fn lines(&self) -> String {
        format!("certificate: {}\n    key: {}", self.certificate.display(), self.key.display())
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).output().expect("openssl; scripts/test installs it");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
