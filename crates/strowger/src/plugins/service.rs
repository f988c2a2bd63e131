//! Services that decide: each is there once in the process, for all queues that ask it.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use company::Service;
use net::tls::{Authorities, Identity, client_config};
use plugins::{Asker, Known, Settings, Web};

use crate::tls::Vault;

/// What makes two services the same: how they are asked, and what stands in the files that they name.
type Key = (Service, Option<Identity>, Authorities);

/// The thread that asks, or why there is none.
fn web() -> Result<&'static Web, String> {
    static WEB: OnceLock<Result<Web, String>> = OnceLock::new();
    let start = || Web::start().map_err(|error| format!("the thread that asks services cannot start: {error}"));
    WEB.get_or_init(start).as_ref().map_err(Clone::clone)
}

/// The service, with its connections.
pub(crate) fn find(service: &Service, vault: &Vault) -> Result<plugins::Service, String> {
    static KNOWN: Mutex<Vec<(Key, Known)>> = Mutex::new(Vec::new());
    let (identity, authorities) =
        vault.client(service.identity.as_ref(), service.ca.as_deref()).map_err(|error| error.to_string())?;
    let key = (service.clone(), identity, authorities);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|(_, known)| known.find().is_some());
    if let Some(found) = known.iter().find(|(like, _)| *like == key).and_then(|(_, known)| known.find()) {
        return Ok(found);
    }
    let tls = client_config(key.1.clone(), key.2.clone()).map_err(|error| error.to_string())?;
    let Service { origin, path, key: sign, outstanding, .. } = service.clone();
    let made = web()?.service(Settings { origin, path, tls, key: sign, outstanding });
    known.push((key, made.known()));
    Ok(made)
}

/// As a queue's thread asks it.
pub(crate) fn asker(service: plugins::Service, deadline: Duration) -> impl Fn() -> Asker + Send + Sync + 'static {
    move || Asker::new(service.clone(), deadline)
}
