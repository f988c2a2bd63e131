//! The real binary among strangers.
