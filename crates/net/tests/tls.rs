//! TLS under a listener's connections: who is shown which certificate, who is believed, and what becomes of handshakes that
//! do not come about.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is test code")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the peer of these tests is a plain socket")]

mod common;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use common::{LIMIT, World};
use net::Received;
use net::tcp::{Layer, Limits};
use net::tls::{Authorities, Identity, Ready, Settings, Tls, TlsError};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sip::{Flow, Transport};
use sip_message::Message;

const OPTIONS: &str = "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5099;branch=z9hG4bK1\r\n\
    From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: 1@x\r\nCSeq: 1 OPTIONS\r\n\
    Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

/// One who vouches for others.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Certificate and key for hosts of these names, in PEM.
    fn issue(&self, names: &[&str]) -> (String, String) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names
            .iter()
            .map(|name| match (name.parse(), name.strip_prefix("uri:")) {
                (Ok(ip), _) => SanType::IpAddress(ip),
                (_, Some(uri)) => SanType::URI(uri.try_into().unwrap()),
                _ => SanType::DnsName((*name).try_into().unwrap()),
            })
            .collect();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 2, 29), date_time_ymd(2049, 12, 31));
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn identity(&self, names: &[&str]) -> Identity {
        let (certificate, key) = self.issue(names);
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap()
    }

    fn believed(&self) -> Authorities {
        Authorities::from_pem(self.pem.as_bytes()).unwrap()
    }

    /// The settings of one who shows `identities` and believes this authority.
    fn settings(&self, identities: Vec<Identity>) -> Settings {
        Settings { identities, clients: None, servers: self.believed(), names: BTreeMap::new() }
    }
}

fn start(settings: Settings, limits: Limits) -> World {
    start_with(Arc::new(Tls::new(settings).unwrap()), limits)
}

fn start_with(tls: Arc<Tls>, limits: Limits) -> World {
    common::start(1, Transport::Tls, Layer::Tls(tls), limits)
}

impl World {
    /// Waits for a well-formed request, whatever ends meanwhile.
    fn request(&self) -> Flow {
        loop {
            match self.next() {
                Received::Message { flow, parsed: Ok(Message::Request(_)) } => return flow,
                Received::Closed { .. } => {}
                other => panic!("expected a request, got {other:?}"),
            }
        }
    }
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A client that believes `authority`, asks for `name`, and shows a certificate if it has one.
fn connect(world: &World, authority: &Authority, name: &str, own: Option<(String, String)>) -> Stream {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
    };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let socket = TcpStream::connect(world.listener.local()).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket)
}

/// True if the client and the listener understand one another.
fn works(world: &World, mut stream: Stream) -> bool {
    stream.write_all(OPTIONS.as_bytes()).is_ok() && {
        let flow = world.request();
        assert_eq!(flow.transport, Transport::Tls);
        true
    }
}

#[test]
fn a_message_goes_both_ways_between_two_who_believe_one_another() {
    let authority = Authority::new();
    let identity = || vec![authority.identity(&["127.0.0.1"])];
    let mut one = start(authority.settings(identity()), Limits::default());
    let mut other = start(authority.settings(identity()), Limits::default());
    let flow = one.to(other.listener.local());
    one.send(flow, OPTIONS.as_bytes());
    let back = other.request();
    assert_eq!((back.transport, back.local), (Transport::Tls, other.listener.local()));
    other.send(back, OPTIONS.as_bytes());
    // It comes on the connection that was there: the other side has one alone.
    let came = one.request();
    assert_eq!((came.remote, one.listener.connections(), other.listener.connections()), (flow.remote, 1, 1));
}

#[test]
fn a_peer_who_is_not_who_he_should_be_is_not_told_anything() {
    let (authority, other_authority) = (Authority::new(), Authority::new());
    let peer = start(authority.settings(vec![authority.identity(&["sip.example"])]), Limits::default());
    let remote = peer.listener.local();
    let unreachable = |settings: Settings| {
        let mut one = start(settings, Limits::default());
        let flow = one.to(remote);
        one.send(flow, OPTIONS.as_bytes());
        match one.next() {
            Received::Unreachable { transport: Transport::Tls, remote: told } => assert_eq!(told, remote),
            other => panic!("{other:?}"),
        }
        assert_eq!(one.sender.failed_handshakes(), [("certificate", 1)]);
    };
    unreachable(authority.settings(Vec::new()));
    let named = |name: &str| BTreeMap::from([(remote, name.to_owned())]);
    unreachable(Settings { names: named("other.example"), ..authority.settings(Vec::new()) });
    unreachable(Settings { names: named("sip.example"), ..other_authority.settings(Vec::new()) });
    let mut one = start(Settings { names: named("sip.example"), ..authority.settings(Vec::new()) }, Limits::default());
    let flow = one.to(remote);
    one.send(flow, OPTIONS.as_bytes());
    // Those that failed have left nothing but their ends.
    peer.request();
}

#[test]
fn the_name_that_is_asked_for_picks_the_certificate_and_else_it_is_the_first() {
    let authority = Authority::new();
    let names: [&[&str]; 3] = [&["one.example"], &["two.example", "127.0.0.1"], &["*.wild.example"]];
    let identities = names.map(|names| authority.identity(names)).into();
    let world = start(authority.settings(identities), Limits::default());
    for name in ["one.example", "two.example", "any.wild.example"] {
        assert!(works(&world, connect(&world, &authority, name, None)), "{name}");
    }
    // Who asks for an address asks for no name (RFC 6066 section 3) and gets the first, which is not for this one.
    let mut stream = connect(&world, &authority, "127.0.0.1", None);
    assert!(stream.write_all(OPTIONS.as_bytes()).is_err());
    let mut stream = connect(&world, &authority, "three.example", None);
    assert!(stream.write_all(OPTIONS.as_bytes()).is_err());
}

#[test]
fn who_must_show_a_certificate_is_known_by_its_names_and_others_are_turned_away() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let settings = authority.settings(vec![authority.identity(&["sip.example"])]);
    let world = start(Settings { clients: Some(authority.believed()), ..settings }, Limits::default());
    let names = ["Carrier.Example", "uri:sip:example.org", "*.example.net", "uri:sip:alice@example.com"];
    let mut proven = connect(&world, &authority, "sip.example", Some(authority.issue(&names)));
    proven.write_all(OPTIONS.as_bytes()).unwrap();
    let Received::Proven { connection, names } = world.next() else { panic!("who is it?") };
    assert_eq!(names, ["example.org", "carrier.example"]);
    assert_eq!(world.request().connection, Some(connection));
    for own in [None, Some(stranger.issue(&["carrier.example"]))] {
        let mut stream = connect(&world, &authority, "sip.example", own);
        // TLS 1.3 tells the client only when it reads.
        let _ = stream.write_all(OPTIONS.as_bytes());
        assert!(!matches!(stream.read(&mut [0; 8]), Ok(1..)));
        assert!(matches!(world.next(), Received::Closed { .. }));
    }
    assert_eq!(world.sender.failed_handshakes(), [("certificate", 2)]);
}

#[test]
fn a_handshake_that_takes_too_long_is_cut_off_and_counts_meanwhile() {
    let authority = Authority::new();
    let limits = Limits { handshake: Duration::from_millis(300), per_source: 2, ..Limits::default() };
    let world = start(authority.settings(vec![authority.identity(&["sip.example"])]), limits);
    let slow = || {
        let stream = TcpStream::connect(world.listener.local()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // The beginning of a ClientHello.
        (&stream).write_all(&[22, 3, 1, 0, 200, 1, 0, 0, 196]).unwrap();
        stream
    };
    let held = [slow(), slow()];
    let mut third = slow();
    assert!(!matches!(third.read(&mut [0; 8]), Ok(1..)), "there is no room for it");
    for mut stream in held {
        assert!(!matches!(stream.read(&mut [0; 8]), Ok(1..)));
        assert!(matches!(world.next(), Received::Closed { transport: Transport::Tls, .. }));
    }
    assert_eq!(world.sender.failed_handshakes(), [("timeout", 2)], "who found no room began none");
    assert!(works(&world, connect(&world, &authority, "sip.example", None)));
}

#[test]
fn what_is_no_tls_ends_its_connection_alone() {
    let authority = Authority::new();
    let world = start(authority.settings(vec![authority.identity(&["sip.example"])]), Limits::default());
    let mut steady = connect(&world, &authority, "sip.example", None);
    steady.write_all(OPTIONS.as_bytes()).unwrap();
    world.request();
    let mut plain = TcpStream::connect(world.listener.local()).unwrap();
    plain.set_read_timeout(Some(LIMIT)).unwrap();
    plain.write_all(OPTIONS.as_bytes()).unwrap();
    let (began, mut octets) = (Instant::now(), Vec::new());
    let _ = plain.read_to_end(&mut octets);
    assert!(began.elapsed() < LIMIT && !octets.starts_with(b"SIP"), "{octets:?}");
    assert!(matches!(world.next(), Received::Closed { .. }));
    assert_eq!(world.sender.failed_handshakes(), [("not_tls", 1)]);
    steady.write_all(OPTIONS.as_bytes()).unwrap();
    world.request();
}

#[test]
fn another_certificate_is_shown_to_those_who_come_and_those_who_are_there_stay() {
    let authority = Authority::new();
    let tls = Arc::new(Tls::new(authority.settings(vec![authority.identity(&["old.example"])])).unwrap());
    let world = start_with(tls.clone(), Limits::default());
    let mut old = connect(&world, &authority, "old.example", None);
    old.write_all(OPTIONS.as_bytes()).unwrap();
    world.request();
    let new = authority.settings(vec![authority.identity(&["new.example"])]);
    assert!(!tls.has(&Ready::new(new.clone()).unwrap()));
    tls.replace(Ready::new(new.clone()).unwrap());
    assert!(tls.has(&Ready::new(new).unwrap()));
    assert!(works(&world, connect(&world, &authority, "new.example", None)));
    old.write_all(OPTIONS.as_bytes()).unwrap();
    world.request();
}

#[test]
fn files_are_read_and_each_fault_of_them_has_a_name() {
    let authority = Authority::new();
    let ((certificate, key), (_, other_key)) = (authority.issue(&["a.example"]), authority.issue(&["b.example"]));
    let read = |certificate: &str, key: &str| Identity::from_pem(certificate.as_bytes(), key.as_bytes());
    let term = read(&certificate, &key).unwrap().term();
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(term, (at(1_582_934_400), at(2_524_521_600)));
    assert!(matches!(read(&certificate, &other_key), Err(TlsError::Mismatch)));
    assert!(matches!(read(&key, &key), Err(TlsError::NoCertificate)));
    assert!(matches!(read("", &key), Err(TlsError::NoCertificate)));
    assert!(matches!(read(&certificate, &certificate), Err(TlsError::NoKey)));
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(matches!(read(&certificate, locked), Err(TlsError::LockedKey)));
    let broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert!(matches!(read(broken, &key), Err(TlsError::BadCertificate(_))));
    let bad_key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    assert!(matches!(read(&certificate, bad_key), Err(TlsError::BadKey(_))));
    assert!(matches!(Authorities::from_pem(b""), Err(TlsError::NoCertificate)));
    assert_eq!(authority.believed().len(), 1);
}
