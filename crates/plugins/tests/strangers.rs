//! Services of strangers: Python's standard library over HTTP/1.1, node's `http2` over TLS. Both decide by fewest calls, as it is
//! built in.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "servers on real sockets, which take their time"
)]

mod common;
#[path = "common/server.rs"]
mod server;

use std::path::Path;

use base::Pii;
use common::{LIMIT, recorded};
use plugins::{Asker, Decide as _, Service, Settings, Web};
use routing::{Builtin, Strategy as _};
use server::{Authority, Stranger, settings};

/// Many at once, and each as it is built in.
fn decides_as_built_in(service: &Service) {
    let snapshots = recorded(200);
    std::thread::scope(|scope| {
        for part in snapshots.chunks(50) {
            scope.spawn(move || {
                let mut asker = Asker::new(service.clone(), LIMIT);
                for snapshot in part {
                    let mut decision = asker.decide(snapshot, "{}").unwrap();
                    decision.state = None;
                    assert_eq!(decision, Builtin::FewestCalls.decide(snapshot));
                }
            });
        }
    });
}

#[test]
#[ignore = "needs python3"]
fn a_service_in_python_decides_as_fewest_calls_does_and_knows_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "wörd of honour\n").unwrap();
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/http/fewest_calls.py"));
    let stranger = Stranger::start("python3", &[script, Path::new("0"), &secret]);
    let web = Web::start().unwrap();
    let with = |key: Option<&str>| {
        let key = key.map(|key| Pii::new(key.to_owned()));
        web.service(Settings { key, ..settings(&format!("http://127.0.0.1:{}", stranger.port())) })
    };
    decides_as_built_in(&with(Some("wörd of honour")));
    for wrong in [None, Some("word of honour")] {
        let fault = Asker::new(with(wrong), LIMIT).decide(&recorded(1)[0], "{}").unwrap_err();
        assert!(fault.to_string().contains("401") && fault.to_string().contains("`sign`"), "{fault}");
    }
    let told = Asker::new(with(Some("wörd of honour")), LIMIT).told(&[], Some("{}"), "{}");
    assert_eq!(told, Ok(None));
}

#[test]
#[ignore = "needs node"]
fn a_service_that_speaks_http_2_alone_is_asked_many_things_over_one_connection() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Authority::new());
    let (certificate, key) = ca.signs("127.0.0.1");
    let files = [("certificate", certificate), ("key", key), ("ca", ca.pem.clone())].map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    });
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/node.js"));
    let stranger = Stranger::start("node", &[script, &files[0], &files[1], &files[2]]);
    let web = Web::start().unwrap();
    let origin = settings(&format!("https://127.0.0.1:{}", stranger.port()));
    let service = web.service(Settings { tls: ca.client(Some(&ca)), ..origin.clone() });
    assert_eq!(service.connect(LIMIT).as_deref(), Ok("HTTP/2 over TLS 1.3"));
    decides_as_built_in(&service);
    // What it saw: method, host, path, and how many connections there were.
    let decision = Asker::new(service, LIMIT).decide(&recorded(1)[0], "{}").unwrap();
    assert_eq!(decision.state.as_deref(), Some("POST 127.0.0.1 /decide?by=http 1"));
    let unknown = web.service(Settings { tls: ca.client(None), ..origin });
    let fault = Asker::new(unknown, LIMIT).decide(&recorded(1)[0], "{}").unwrap_err();
    assert_eq!(fault.name(), "tls", "{fault}");
}
