//! What operators work on flows with, without a switch.
//!
//! Pure functions: files come in as text, what is to be printed or written goes out as text.
//!
//! Where to find what: `graph` flows as drawings · `schema` what editors complete and explain by.

mod graph;
mod schema;

pub use graph::{Sketch, dot, mermaid};
pub use schema::schema;
