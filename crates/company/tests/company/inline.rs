//! Companies for tests: folders read as a driver reads them, and a small one written inline.

use std::path::Path;

use base::{Day, Wall};
use company::{Certificates, FileFault, Files, Visit, visit};

/// The company in the folder `path` of the project.
pub fn folder(path: &str) -> Files {
    let mut files = Files::new(path);
    walk(path, &mut |path, bytes| files.insert(path, bytes));
    files
}

/// Reads every file of a company in the folder `path` of the project. A file that should not be there is a panic.
pub fn walk(path: &str, take: &mut impl FnMut(&str, Vec<u8>)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            match visit(&path, entry.path().is_dir()) {
                Visit::Enter => folders.push(path),
                Visit::Read { limit } => {
                    let bytes = std::fs::read(entry.path()).unwrap();
                    assert!(bytes.len() <= limit, "{path}");
                    take(&path, bytes);
                }
                Visit::Name => panic!("{path} is no file of a company"),
                Visit::Skip => {}
            }
        }
    }
}

/// Certificates without a disk, on 2026-11-25: the name of a file says what is in it.
#[derive(Debug)]
struct Cabinet;

impl Certificates for Cabinet {
    fn now(&self) -> Wall {
        day("2026-11-25")
    }

    fn pair(&self, certificate: &Path, key: &Path) -> Result<(Wall, Wall), FileFault> {
        let fault = |of_key, message: &str, remedy: &str| {
            Err(FileFault { of_key, message: message.to_owned(), remedy: remedy.to_owned() })
        };
        match (certificate.to_str().unwrap(), key.to_str().unwrap()) {
            ("missing.pem", _) => fault(false, "No such file or directory (os error 2)", ""),
            (_, "other.key") => fault(true, "the key does not belong to the certificate", "write the other one"),
            ("over.pem", _) => Ok((day("2025-11-25"), day("2026-11-24"))),
            ("soon.pem", _) => Ok((day("2026-11-01"), day("2026-12-01"))),
            ("early.pem", _) => Ok((day("2026-12-01"), day("2027-12-01"))),
            _ => Ok((day("2026-11-01"), day("2027-11-01"))),
        }
    }

    fn authorities(&self, file: &Path) -> Result<(), FileFault> {
        let message = "there is no certificate in it".to_owned();
        let fault = FileFault { of_key: false, message, remedy: "write a PEM file".to_owned() };
        if file.to_str() == Some("empty.pem") { Err(fault) } else { Ok(()) }
    }
}

fn day(text: &str) -> Wall {
    text.parse::<Day>().unwrap().start()
}

/// A WAV file of these samples, 8 kHz.
pub fn wav(samples: &[i16]) -> Vec<u8> {
    let bytes = u32::try_from(samples.len() * 2).unwrap();
    let mut wav = b"RIFF".to_vec();
    wav.extend((bytes + 36).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
    wav.extend(bytes.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}

/// 0.1 s of a tone.
fn tone() -> Vec<u8> {
    let samples: Vec<i16> = (0..800).map(|n| if n % 16 < 8 { 6000 } else { -6000 }).collect();
    wav(&samples)
}

/// The texts of a small company without fault: two users, a queue, a flow.
const GOOD: &[(&str, &str)] = &[
    (
        "strowger.yaml",
        "\
version: 1
listeners:
  - udp: 0.0.0.0:5060
trunks:
  carrier: { from: 192.0.2.0/24 }
numbers:
  1000: { flow: main }
  101: { user: 101 }
",
    ),
    (
        "users.yaml",
        "\
users:
  101: { display: Ada, contact: \"sip:101@192.0.2.10:5070\" }
  102: { contact: \"sip:102@192.0.2.11\" }
",
    ),
    ("queues.yaml", "queues:\n  sales: { agents: [101, 102], music: music }\n"),
    (
        "flows/main.yaml",
        "\
version: 1
nodes:
  hello:
    play: welcome
    next: sales
  sales:
    queue: sales
    next: hangup
",
    ),
];

/// That company without the files for which `is_left_out` is true.
pub fn good_but(is_left_out: impl Fn(&str) -> bool) -> Files {
    let mut files = Files::new("").with_certificates(Box::new(Cabinet));
    for path in ["prompts/en/welcome.wav", "prompts/en/music.wav"].into_iter().filter(|path| !is_left_out(path)) {
        files.insert(path, tone());
    }
    for (path, text) in GOOD.iter().filter(|(path, _)| !is_left_out(path)) {
        files.insert(*path, *text);
    }
    files
}

/// Brings a strategy `own` along. Takes a file that begins with `good` for a plugin that wants its `patience` as a number or a text.
#[derive(Debug)]
pub struct Runner;

impl company::Plugins for Runner {
    fn strategies(&self) -> Vec<routing::PluginName> {
        vec!["own".into()]
    }

    fn load(&self, plugin: &company::Plugin) -> Result<routing::Description, String> {
        match &plugin.decider {
            company::Decider::Component(component) if !component.file.starts_with(b"good") => {
                Err("it cannot run here".to_owned())
            }
            company::Decider::Service(service) => Ok(service.description.clone()),
            _ => Ok(routing::Description::new("value", "1", routing::Order::FewestCalls)),
        }
    }

    fn check(&self, _: &serde_json::Value, parameters: &serde_json::Value) -> Vec<(String, String)> {
        let wrong = |place: &str, what: &str| vec![(place.to_owned(), what.to_owned())];
        match parameters.get("patience") {
            Some(patience) if patience.is_array() => wrong("/patience/0", "an item that is too much"),
            Some(_) => Vec::new(),
            None => wrong("", "it has no patience"),
        }
    }
}
