//! Personal data as a type, so that it cannot reach a log by accident.

use std::fmt;

/// A value that tells about a person: a number, a name, dialled digits. It prints as `•••`; only [`Pii::reveal`]
/// gives it out, and whoever calls that says by calling it that the place is meant for personal data.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Marks `value` as personal.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for a place that is meant to hold personal data (a SIP header, the journal).
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl<T> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// For `#[serde(with = "base::revealed")]`: writes and reads the value itself. A field says by naming it that its record
/// (the journal, a CDR, a routing snapshot) is meant to hold personal data.
pub mod revealed {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Pii;

    /// Writes the value.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Serialize, S: Serializer>(value: &Pii<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.reveal().serialize(serializer)
    }

    /// Reads a value and marks it as personal.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Pii<T>, D::Error> {
        T::deserialize(deserializer).map(Pii::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_does_not_print() {
        let number = Pii::new("+4930123456".to_owned());
        assert_eq!(format!("{number} {number:?}"), "••• •••");
        assert_eq!(number.reveal(), "+4930123456");
    }
}
