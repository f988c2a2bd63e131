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

/// For a queue's thread.
pub(crate) fn ready(_: &Component, _: Duration, _: Arc<str>) -> Result<plugins::Binding, String> {
    none()
}
