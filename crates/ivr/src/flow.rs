//! A flow that was read and checked.

use std::fmt;
use std::sync::Arc;

use yaml::{Faults, Place, Source};

/// A flow without faults. Immutable; calls share it.
#[derive(Debug)]
pub struct Flow {
    name: Arc<str>,
    hash: FlowHash,
    references: Vec<Reference>,
}

impl Flow {
    /// Reads and checks the flow `name` from its file. `None` if it has a fault; all of them are in `faults` then.
    /// What the flow refers to outside of itself is left to the caller: see [`Self::references`].
    #[must_use]
    pub fn read(name: &str, source: &Source, faults: &Faults) -> Option<Self> {
        let _ = (name, source, faults);
        None
    }

    /// The flow's name: that of its file without the ending.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The hash of the text that the flow was read from.
    #[must_use]
    pub const fn hash(&self) -> FlowHash {
        self.hash
    }

    /// Everything outside of this file that the flow names, with the place where it does.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }
}

/// Something that a flow names but does not hold.
#[derive(Clone, Debug)]
pub struct Reference {
    /// What kind of thing.
    pub kind: ReferenceKind,
    /// Its name.
    pub name: Arc<str>,
    /// Where the flow names it, for a fault there.
    pub place: Place,
}

/// What a flow can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    /// A prompt, which every language must have.
    Prompt,
    /// A queue.
    Queue,
    /// A user.
    User,
}

/// Names the text that a flow was read from; a saved session goes on only in the flow that it began in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowHash(u128);

impl fmt::Display for FlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
