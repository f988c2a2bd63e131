//! Plugins with a `url`: services that decide, asked over HTTP. `plugins/NAME.json` describes one, so that it can be checked
//! without being asked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::Pii;
use ivr::web::{Origin, read_url};
use routing::{Description, Order};
use serde_json::json;
use yaml::{Kind, Map, Value, form, key};

use crate::names::Names;
use crate::or;
use crate::queues::NAME;
use crate::tls::{self, Shelf};

/// The largest description that is read, in octets.
pub const MAX_DESCRIPTION_BYTES: usize = 2 * Description::MAX_PARAMETERS;

/// Keys that only a service has, beside `url`.
pub(crate) const KEYS: [&str; 5] = ["outstanding", "certificate", "key", "ca", "sign"];

form! {
    pub(crate) SIGN, "a signature", one of [],
    key("secret", NAME, "The secret that requests are signed with, by its name under `secrets` in `strowger.yaml`.", "routing-key").needed(),
}

pub(crate) const URL: &Kind = &Kind::Unlike("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+([/?][^#]*)?$");

/// A service that decides, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Scheme, host and port.
    pub origin: Origin,
    /// The path, maybe with a query. Begins with `/`.
    pub path: String,
    /// The certificate that it is shown, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Who vouches for it; if none, whom the machine believes.
    pub ca: Option<PathBuf>,
    /// What requests are signed with.
    pub key: Option<Pii<String>>,
    /// The most questions that may be under way to it at once.
    pub outstanding: usize,
    /// What its file says of it, or that it takes any parameters.
    pub description: Description,
}

impl Service {
    /// How long one decision may take, unless something else is said.
    pub const USUAL_DEADLINE: Duration = Duration::from_millis(50);
    /// Questions that may be under way at once, unless something else is said.
    pub const USUAL_OUTSTANDING: usize = 32;

    /// The service `name` at a URL, of which nothing else is known.
    ///
    /// # Errors
    /// What is wrong with the URL, and what to do.
    pub fn at(name: &str, url: &str) -> Result<Self, (String, &'static str)> {
        let (origin, path) = locate(url)?;
        let (outstanding, description) = (Self::USUAL_OUTSTANDING, undescribed(name));
        Ok(Self { origin, path, identity: None, ca: None, key: None, outstanding, description })
    }

    /// What a text such as `plugins/NAME.json` says of a service.
    ///
    /// # Errors
    /// Why it describes none.
    pub fn read_description(text: &[u8]) -> Result<Description, String> {
        let read = serde_json::from_slice::<Description>(text).map_err(|error| error.to_string());
        read.and_then(|description| description.fault().map_or(Ok(description), Err))
    }
}

/// What services refer to.
pub(crate) struct Desk<'a> {
    pub shelf: Shelf<'a>,
    pub secrets: &'a BTreeMap<Arc<str>, Pii<String>>,
    pub secret_names: &'a mut Names,
}

/// The service of this name, whose URL is `url`.
pub(crate) fn read(name: &str, url: Value<'_>, map: &Map<'_>, desk: &mut Desk<'_>) -> Option<Service> {
    let asked = read_origin(url);
    let is_https = asked.as_ref().is_none_or(|(origin, _)| origin.is_https());
    for key in ["certificate", "key", "ca"] {
        if let Some(value) = map.optional(key).filter(|_| !is_https) {
            value.fault_at_key(format!("`{key}` is for services with `https://`"), "take it out");
        }
    }
    let shown = map.optional("certificate").or_else(|| map.optional("key"));
    let identity = shown.filter(|_| is_https).and_then(|_| tls::pair(map, &mut desk.shelf));
    let ca = map.optional("ca").filter(|_| is_https).and_then(|value| tls::authorities(&value, desk.shelf.files));
    let secret = map.optional("sign").and_then(|value| value.map(&SIGN.shape)?.required("secret"));
    let key = secret.and_then(|value| {
        let (name, remedy) = (value.name()?, "add it to `secrets` in `strowger.yaml`");
        desk.secret_names.refer(name, &value.place(), remedy, value.faults());
        desk.secrets.get(name).cloned()
    });
    let usual = Service::USUAL_OUTSTANDING;
    let outstanding = or(map, "outstanding", usual, |value| value.integer(1..=1_000_usize));
    let description = describe(name, url, desk);
    let (origin, path) = asked?;
    Some(Service { origin, path, identity, ca, key, outstanding, description: description? })
}

fn read_origin(value: Value<'_>) -> Option<(Origin, String)> {
    let text = value.string_for("a URL, such as `https://routing.example/decide`")?;
    locate(text).map_err(|(message, remedy)| value.fault(message, remedy)).ok()
}

/// The origin and the path of a URL; what is wrong with it, and what to do.
fn locate(url: &str) -> Result<(Origin, String), (String, &'static str)> {
    let (origin, path) = read_url(url)
        .map_err(|why| (format!("this is not a URL: {why}"), "write one such as `https://routing.example/decide`"))?;
    if !origin.is_private() {
        let message =
            format!("everybody on the way to `{origin}` could read callers' numbers, and answer in its place");
        return Err((message, "ask it by `https://`"));
    }
    Ok((origin, path))
}

/// A service without a description: it takes any parameters.
fn undescribed(name: &str) -> Description {
    Description { parameters: json!({ "type": "object" }), ..Description::new(name, "", Order::default()) }
}

/// What the file beside says; without one it takes any parameters.
fn describe(name: &str, url: Value<'_>, desk: &Desk<'_>) -> Option<Description> {
    let path = format!("{}{name}{DESCRIBES}", crate::plugins::FOLDER);
    let files = desk.shelf.files;
    let Some(bytes) = files.bytes(&path) else { return Some(undescribed(name)) };
    match Service::read_description(bytes) {
        Ok(description) => Some(description),
        Err(why) => {
            let remedy = "write `{ \"name\": …, \"version\": …, \"order\": …, \"parameters\": a JSON Schema }`";
            url.faults().add(files.place(&path), format!("this describes no plugin: {why}"), remedy);
            None
        }
    }
}

/// How the name of a file that describes a service ends.
pub(crate) const DESCRIBES: &str = ".json";
