//! Servers that do what a test wants, on real sockets, and certificates for them.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ivr::web::Origin;
use plugins::Settings;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// Either half of a connection may be under TLS.
pub trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

/// What a server does with a request: gets number, head and body, writes what it likes. False ends the connection.
pub type Deed = dyn Fn(&mut dyn Wire, &str, &[u8]) -> bool + Send + Sync;

/// A server on a port of its own.
pub struct Server {
    pub address: SocketAddr,
    /// What it does; may be changed at any time.
    pub deed: Arc<Mutex<Arc<Deed>>>,
    /// Connections that it took.
    pub taken: Arc<AtomicUsize>,
}

impl Server {
    pub fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), tls)
    }

    pub fn on(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        let address = listener.local_addr().unwrap();
        let good: Arc<Deed> = Arc::new(good);
        let deed = Arc::new(Mutex::new(good));
        let taken = Arc::new(AtomicUsize::new(0));
        let (its, count) = (Arc::clone(&deed), Arc::clone(&taken));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let (deed, tls) = (Arc::clone(&its), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream, &deed),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::<_, TcpStream>::new(connection, stream), &deed);
                    }
                });
            }
        });
        Self { address, deed, taken }
    }

    pub fn does(&self, deed: impl Fn(&mut dyn Wire, &str, &[u8]) -> bool + Send + Sync + 'static) {
        *self.deed.lock().unwrap() = Arc::new(deed);
    }

    pub fn connections(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }
}

fn serve<S: Wire>(stream: S, deed: &Mutex<Arc<Deed>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut line) = (String::new(), String::new());
        while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
            head += &line.to_ascii_lowercase();
            line.clear();
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let Some(length) = length else { return };
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        let deed = Arc::clone(&deed.lock().unwrap());
        if !deed(stream.get_mut(), &head, &body) {
            return;
        }
    }
}

/// Answers with status 200.
pub fn answer(wire: &mut dyn Wire, body: &str) -> bool {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    wire.write_all(format!("{head}{body}").as_bytes()).is_ok()
}

/// Offers the first call to the first agent.
pub fn good(wire: &mut dyn Wire, _: &str, body: &[u8]) -> bool {
    let asked: serde_json::Value = serde_json::from_slice(body).unwrap();
    let question = &asked["snapshot"]["question"];
    let (call, agent) = (&question["call"]["id"], &question["candidates"][0]["agent"]);
    answer(wire, &format!(r#"{{"action":"offer","call":{call},"agent":{agent},"reason":"first of all"}}"#))
}

/// Somebody who vouches for certificates, for a day as for a thousand years.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub certificate: CertificateDer<'static>,
    pub pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("authority {}", NUMBER.fetch_add(1, Ordering::SeqCst));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let (der, pem) = (certificate.der().clone(), certificate.pem());
        Self { issuer: Issuer::new(params, key), certificate: der, pem }
    }

    /// A certificate for a name or address, and its key, as PEM.
    pub fn signs(&self, name: &str) -> (String, String) {
        let (certificate, key) = self.made(name);
        (certificate.pem(), key.serialize_pem())
    }

    fn made(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn pair(&self, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let (certificate, key) = self.made(name);
        (vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }

    /// A server on 127.0.0.1; with `clients` who connects must show a certificate of theirs.
    pub fn server(&self, clients: Option<&Self>) -> Arc<ServerConfig> {
        let provider = Arc::new(default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let roots = Arc::new(clients.roots());
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder.with_client_cert_verifier(verifier.unwrap())
            }
        };
        let (chain, key) = self.pair("127.0.0.1");
        Arc::new(builder.with_single_cert(chain, key).unwrap())
    }

    /// Who believes this one, and shows a certificate of `own`.
    pub fn client(&self, own: Option<&Self>) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(self.roots());
        Arc::new(match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let (chain, key) = own.pair("switch.example");
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        })
    }
}

/// A service at an origin, without TLS of its own and without a signature.
pub fn settings(origin: &str) -> Settings {
    let tls = Authority::new().client(None);
    let origin = Origin::read(origin).unwrap();
    Settings { origin, path: "/decide?by=http".to_owned(), tls, key: None, outstanding: 32 }
}

/// A program that says where it listens; it ends with this.
pub struct Stranger(Child, u16);

impl Stranger {
    pub fn start(program: &str, arguments: &[&Path]) -> Self {
        let mut command = Command::new(program);
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{program}: {line}"));
        Self(child, port.parse().unwrap())
    }

    pub fn port(&self) -> u16 {
        self.1
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
