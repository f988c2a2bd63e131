//! What must be true of every world, whatever happened in it. Each law is looked after from outside, by what can be seen
//! of the switch; `switch::Switch::check_invariants` looks after the inside.

mod books;
mod grants;
mod lifetimes;
mod reliable;
mod wire;

pub(crate) use books::Books;
pub(crate) use grants::Grants;
pub(crate) use lifetimes::Lifetimes;
pub(crate) use reliable::Reliable;
pub(crate) use wire::Wire;

/// A law that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub law: &'static str,
    /// By what.
    pub what: String,
}

impl Breach {
    pub(crate) fn new(law: &'static str, what: &str) -> Self {
        Self { law, what: what.to_owned() }
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.law, self.what)
    }
}
