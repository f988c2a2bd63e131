//! How many records of calls were made, by disposition: counted where they are made, read by other threads.

use std::sync::atomic::{AtomicU64, Ordering};

use journal::Disposition;

/// Counts of records since the start. Those that the start made of calls that a crash had cut are among them.
#[derive(Debug, Default)]
pub struct Records {
    answered: AtomicU64,
    abandoned: AtomicU64,
    self_served: AtomicU64,
    cancelled: AtomicU64,
    refused: AtomicU64,
}

impl Records {
    /// The counts by the words that the records themselves use.
    #[must_use]
    pub fn by_disposition(&self) -> Vec<(&'static str, u64)> {
        let counts = [
            ("answered", &self.answered),
            ("abandoned", &self.abandoned),
            ("self_served", &self.self_served),
            ("cancelled", &self.cancelled),
            ("refused", &self.refused),
        ];
        counts.into_iter().map(|(word, count)| (word, count.load(Ordering::Relaxed))).collect()
    }

    pub(crate) fn count(&self, disposition: Disposition) {
        let counter = match disposition {
            Disposition::Answered => &self.answered,
            Disposition::Abandoned => &self.abandoned,
            Disposition::SelfServed => &self.self_served,
            Disposition::Cancelled => &self.cancelled,
            Disposition::Refused => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_disposition_counts_under_its_own_word() {
        use Disposition::{Abandoned, Answered, Cancelled, Refused, SelfServed};
        for disposition in [Answered, Abandoned, SelfServed, Cancelled, Refused] {
            let records = Records::default();
            records.count(disposition);
            let counted: Vec<_> = records.by_disposition().into_iter().filter(|(_, count)| *count == 1).collect();
            let [(word, _)] = &*counted else { panic!("{counted:?}") };
            assert_eq!(serde_json::to_value(disposition).unwrap(), *word);
        }
    }
}
