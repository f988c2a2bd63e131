//! Strict reading of YAML, for people who are no programmers: every fault at once, each with its place and remedy.
//!
//! The one contract: [`read`] turns a [`Source`] into a [`Document`], and the getters of [`Value`] and [`Map`] turn
//! that into typed values; whatever is wrong becomes a [`Fault`] in [`Faults`], and the getter gives `None`. A caller
//! goes on after `None` so that all faults show at once, and uses nothing while [`Faults::is_empty`] is false.
//!
//! ```
//! use yaml::{Faults, Shape, Source};
//!
//! const MENU: Shape = Shape { what: "a menu", keys: &["prompt", "timeout"] };
//! let source = Source::new("flows/main.yaml", "promt: welcome\ntimeout: 5s\n");
//! let faults = Faults::default();
//! let document = yaml::read(&source, &faults).unwrap();
//! let menu = document.root(&faults).map(&MENU).unwrap();
//! let timeout = menu.optional("timeout").and_then(|value| value.duration());
//! assert_eq!(timeout, Some(std::time::Duration::from_secs(5)));
//! assert_eq!(faults.into_sorted()[0].to_string(), "\
//! flows/main.yaml:1:1: error: unknown key `promt` in a menu
//!    1 | promt: welcome
//!      | ^^^^^
//!    help: did you mean `prompt`?
//! ");
//! ```
//!
//! Where to find what: `source` text and places in it · `fault` collecting and printing · `tree` events to nodes, limits,
//! what of YAML is refused · `syntax` the parser's errors in our words · `value` a node and its typed getters · `map`
//! keys of a map · `form` tables of keys, for the reader and for editors · `scalar` durations, addresses, prefixes, names · `nearest` "did you mean".
//!
//! Invariants: keys and values keep their text as written (`0123` stays `0123`); the size of what is read, its depth and
//! its number of nodes and faults are limited, so that any input ends in bounded time and memory; anchors, aliases and tags
//! are faults, so that what one sees is what there is.

mod fault;
mod form;
mod map;
mod nearest;
mod scalar;
mod source;
mod syntax;
mod tree;
mod value;

pub use fault::{Fault, Faults};
pub use form::{Form, Key, Kind, Usual, key};
pub use map::{Map, Shape};
pub use nearest::did_you_mean;
pub use scalar::{Prefix, duration, show_duration};
pub use source::{Place, Source, Span, TextPlace};
pub use tree::{Document, MAX_BYTES, MAX_DEPTH, MAX_NODES, read};
pub use value::Value;
