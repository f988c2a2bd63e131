//! The plugin that a command is about: a component, a service, or what a configuration has, asked as the switch asks it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use company::{Component, Decider, MAX_DESCRIPTION_BYTES, MAX_PLUGIN_BYTES, Plugin, Plugins as _, Service};
use plugins::{Decide, Fault};
use routing::{Decision, Description, Outcome, Snapshot};
use serde_json::Value;
use workbench::{Failed, Tested};

use crate::error::Error;
use crate::folder::{read_company, read_file, read_secret};
use crate::plugins::{Loader, ready};
use crate::tls::Vault;

/// What a plugin may use up, and how a service is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(super) struct Means {
    /// How much memory a component may use, in MiB up to 256, as `memory` in queues.yaml [default: 16]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u16).range(1..=256))]
    memory: Option<u16>,
    /// The file with the secret that requests to a service are signed with, its only line
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,
    /// The file with the certificate that a service is shown, with those of its issuers
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// The file with the certificate's key
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// The file with those who vouch for a service [default: whom this machine believes]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The file that describes a service, as `plugins/NAME.json`: its order, and the schema of its parameters
    #[arg(long, value_name = "FILE")]
    description: Option<PathBuf>,
}

/// The longest deadline that a plugin can have: where it is not the time that matters, but what is decided.
pub(super) const LONGEST: Duration = Duration::from_secs(1);

/// A deadline that queues.yaml could have.
pub(super) fn deadline(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_millis(1)..=LONGEST;
    let read = yaml::duration(text).filter(|time| allowed.contains(time));
    read.ok_or_else(|| "write a time from 1ms to 1s, such as `20ms`".to_owned())
}

/// A text of JSON.
pub(super) fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))
}

/// True if this is where a service is, and no file.
pub(super) fn is_url(named: &str) -> bool {
    let lower = named.get(..8).unwrap_or(named).to_ascii_lowercase();
    lower.starts_with("http://") || lower == "https://"
}

/// # Errors
/// If a folder of a configuration is given, from which plugins are taken by their names, and this is no name.
pub(super) fn by_name(named: Option<&str>, config: Option<&Path>) -> Result<(), Error> {
    if config.is_none() || named.is_some_and(company::is_name) {
        return Ok(());
    }
    let named = named.unwrap_or("the folder's own plugin");
    Err(Error::Option(format!(
        "with --config a plugin is named as queues.yaml has it, and {named} is no such name; leave --config out"
    )))
}

/// A plugin that can be run.
pub(super) struct Loaded {
    /// As it was named.
    pub named: String,
    pub plugin: Plugin,
    /// What it says of itself, or what is said of it.
    pub description: Description,
    /// Where the files lie that it names.
    vault: Vault,
}

impl Loaded {
    /// The plugin of a file, at a URL, or by its name in the configuration of a folder; `deadline` is what is said there, or that of
    /// its kind, if none is said.
    ///
    /// # Errors
    /// If a file cannot be read, it is no plugin, or an option is for others.
    pub fn new(named: &str, means: &Means, deadline: Option<Duration>, config: Option<&Path>) -> Result<Self, Error> {
        if let Some(folder) = config.filter(|_| company::is_name(named)) {
            return Self::configured(named, means, deadline, folder);
        }
        let (decider, usual) = if is_url(named) {
            (Decider::Service(Box::new(means.service(named)?)), Service::USUAL_DEADLINE)
        } else {
            (Decider::Component(means.component(named)?), Component::USUAL_DEADLINE)
        };
        // Files are named from where one stands.
        let vault = Vault { folder: PathBuf::new() };
        Self::load(named, Plugin { decider, deadline: deadline.unwrap_or(usual) }, vault)
    }

    fn configured(named: &str, means: &Means, deadline: Option<Duration>, folder: &Path) -> Result<Self, Error> {
        if *means != Means::default() {
            let remedy = "leave --memory, --sign, --certificate, --key, --ca and --description out";
            return Err(Error::Option(format!("{named} is asked as queues.yaml says; {remedy}")));
        }
        let company = read_company(folder)?;
        let Some(plugin) = company.plugins.get(named).cloned() else {
            let known = company.plugins.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(Error::NoSuchPlugin { plugin: named.to_owned(), folder: folder.to_owned(), known });
        };
        let plugin = Plugin { deadline: deadline.unwrap_or(plugin.deadline), ..plugin };
        Self::load(named, plugin, Vault { folder: folder.to_owned() })
    }

    fn load(named: &str, plugin: Plugin, vault: Vault) -> Result<Self, Error> {
        let named = named.to_owned();
        match Loader.load(&plugin) {
            Ok(description) => Ok(Self { named, plugin, description, vault }),
            Err(why) => Err(Error::NoPlugin { what: named, why }),
        }
    }

    /// The same, but that this decides.
    pub fn like(&self, decider: Decider) -> Self {
        let plugin = Plugin { decider, deadline: self.plugin.deadline };
        let (named, description, vault) = (self.named.clone(), self.description.clone(), self.vault.clone());
        Self { named, plugin, description, vault }
    }

    /// One that is ready to be asked with these parameters.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn decider(&self, parameters: &str) -> Result<Box<dyn Decide>, Error> {
        self.ready(parameters).map(|(binding, _)| binding.decider())
    }

    /// One that is ready to be asked, and the service if it is one.
    pub fn ready(&self, parameters: &str) -> Result<(plugins::Binding, Option<plugins::Service>), Error> {
        ready(&self.plugin, parameters.into(), &self.vault).map_err(|why| self.wrong(why))
    }

    /// What is wrong with parameters by the schema that stands in the description, a line each.
    pub fn misfits(&self, parameters: &Value) -> Vec<String> {
        let wrong = Loader.check(&self.description.parameters, parameters);
        let line =
            |(pointer, wrong): (String, String)| if pointer.is_empty() { wrong } else { format!("{pointer}: {wrong}") };
        wrong.into_iter().map(line).collect()
    }

    /// # Errors
    /// If parameters do not fit.
    pub fn fits(&self, parameters: &Value) -> Result<(), Error> {
        let wrong = self.misfits(parameters);
        if wrong.is_empty() {
            return Ok(());
        }
        let wrong = wrong.join("; ");
        Err(self.wrong(format!("the parameters do not fit its schema: {wrong}; give others with --parameters")))
    }

    pub fn wrong(&self, why: String) -> Error {
        Error::NoPlugin { what: self.named.clone(), why }
    }

    /// What a fault of it is to whoever needs its answer.
    pub fn failed(&self, fault: &Fault) -> Error {
        self.wrong(format!("{}: {fault}", fault.name()))
    }
}

impl Means {
    /// The same, but that a service is described by this file if no other is named.
    pub fn described_by(mut self, file: PathBuf) -> Self {
        self.description.get_or_insert(file);
        self
    }

    fn component(&self, named: &str) -> Result<Component, Error> {
        let of_services = [
            ("--sign", &self.sign),
            ("--certificate", &self.certificate),
            ("--ca", &self.ca),
            ("--description", &self.description),
        ];
        if let Some((option, _)) = of_services.iter().find(|(_, given)| given.is_some()) {
            return Err(Error::Option(format!(
                "{option} is for services, and {named} is a file; name the URL of a service, or leave it out"
            )));
        }
        let file = read(Path::new(named), MAX_PLUGIN_BYTES)?.into();
        Ok(Component { file, memory: usize::from(self.memory.unwrap_or(16)) << 20, kept: false })
    }

    fn service(&self, url: &str) -> Result<Service, Error> {
        let option = |text: String| Err(Error::Option(text));
        if self.memory.is_some() {
            return option(format!("--memory is for components, and {url} is a service; leave it out"));
        }
        let wrong = |(why, remedy): (String, &str)| Error::Option(format!("{url}: {why}; {remedy}"));
        let mut service = Service::at("service", url).map_err(wrong)?;
        let of_tls = [("--certificate", &self.certificate), ("--ca", &self.ca)];
        if let Some((name, _)) = of_tls.iter().find(|(_, given)| given.is_some()).filter(|_| !service.origin.is_https())
        {
            return option(format!("{name} is for services with https://, and {url} has none; leave it out"));
        }
        service.identity = self.certificate.clone().zip(self.key.clone());
        service.ca.clone_from(&self.ca);
        if let Some(path) = &self.sign {
            let read = read_secret(path).map_err(|error| error.to_string());
            let secret = read.and_then(|octets| company::read_secret(&octets).map_err(str::to_owned));
            let no_secret = |why| {
                let remedy = "write it there as the only line, readable for its owner alone (`chmod 600`)";
                Error::Option(format!("no secret in {}: {why}; {remedy}", path.display()))
            };
            service.key = Some(secret.map_err(no_secret)?);
        }
        if let Some(path) = &self.description {
            let text = read(path, MAX_DESCRIPTION_BYTES)?;
            let what = path.display().to_string();
            let described = |why| Error::NoPlugin { what, why: format!("this describes none: {why}") };
            service.description = Service::read_description(&text).map_err(described)?;
        }
        Ok(service)
    }
}

fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    read_file(path, limit).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// A plugin under test.
pub(super) struct Asked(pub Box<dyn Decide>);

impl Tested for Asked {
    fn decide(&mut self, snapshot: &Snapshot, parameters: &str) -> Result<Decision, Failed> {
        self.0.decide(snapshot, parameters).map_err(|fault| failed(&fault))
    }

    fn told(&mut self, outcomes: &[Outcome], state: Option<&str>, parameters: &str) -> Result<Option<String>, Failed> {
        self.0.told(outcomes, state, parameters).map_err(|fault| failed(&fault))
    }
}

fn failed(fault: &Fault) -> Failed {
    Failed { kind: fault.name(), text: fault.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_a_url_is_a_service() {
        for url in ["http://127.0.0.1:8080/decide", "https://a.example", "HTTPS://a.example/", "http://"] {
            assert!(is_url(url), "{url}");
        }
        for file in
            ["first.wasm", "./http/first.wasm", "http:/x", "https", "ftp://a.example", "", "é".repeat(9).as_str()]
        {
            assert!(!is_url(file), "{file}");
        }
    }

    #[cfg(not(feature = "wasm"))]
    #[test]
    fn a_component_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("first.wasm");
        std::fs::write(&file, "any").unwrap();
        let error = Loaded::new(file.to_str().unwrap(), &Means::default(), None, None).err().unwrap().to_string();
        assert!(
            error.ends_with("no plugin: this strowger was built without WebAssembly: build it with its feature `wasm`"),
            "{error}"
        );
    }
}
