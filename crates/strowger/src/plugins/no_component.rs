//! In the place of `component.rs` where the program is built without WebAssembly.

use std::sync::Arc;
use std::time::Duration;

use company::Component;
use routing::Description;

fn none<T>() -> Result<T, String> {
    Err("this strowger was built without WebAssembly: build it with its feature `wasm`".to_owned())
}

/// What one says of itself.
pub(crate) fn describe(_: &Component, _: Duration) -> Result<Description, String> {
    none()
}

/// Nothing is loaded.
pub(crate) fn share(_: &mut Component) {}

/// For a queue's thread.
pub(crate) fn ready(_: &Component, _: Duration, _: Arc<str>) -> Result<plugins::Binding, String> {
    none()
}

/// The SHA-256 of one.
pub(crate) fn digest(_: &Component, _: Duration) -> Result<String, String> {
    none()
}

/// How long one takes to load.
pub(crate) fn load_times(_: &Component) -> Result<[Duration; 2], String> {
    none()
}

/// A component of a core module.
pub(crate) fn encode(_: &[u8]) -> Result<Vec<u8>, String> {
    none()
}
