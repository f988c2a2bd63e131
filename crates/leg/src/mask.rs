//! What is said is kept out of recordings while a secret is typed or told.

use crate::Masked;
use crate::control::Event;
use crate::leg::{Bay, Leg};

/// Ticks of 20 ms for which a mask goes on behind its end, counted anew while a key is held: the tone of the last key may
/// be on its way still, through the jitter buffer, or in the audio of a phone that told the key before its end.
const TAIL: u32 = 50;

/// Which sides of recordings are silence, and until when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mask {
    what: Masked,
    /// It ends after so many ticks in which no key is held; `None`: not yet.
    ends: Option<u32>,
}

impl Mask {
    /// True if recordings have silence in place of what is received.
    pub(crate) const fn hides_peer(self) -> bool {
        !matches!(self.what, Masked::Nothing)
    }

    /// True if recordings have silence in place of what is sent.
    pub(crate) const fn hides_sent(self) -> bool {
        matches!(self.what, Masked::Both)
    }
}

impl Leg {
    pub(crate) const fn set_mask(&mut self, what: Masked) {
        match (what, self.mask) {
            (Masked::Nothing, Mask { what: Masked::Nothing, .. } | Mask { ends: Some(_), .. }) => {}
            (Masked::Nothing, _) => self.mask.ends = Some(TAIL),
            (what, _) => self.mask = Mask { what, ends: None },
        }
    }

    /// Counts the ticks of a mask's end.
    pub(crate) fn tick_mask(&mut self, bay: &mut Bay<'_>) {
        let Some(left) = self.mask.ends else { return };
        match left.checked_sub(self.ticks) {
            _ if self.digits.is_running() => self.mask.ends = Some(TAIL),
            Some(left @ 1..) => self.mask.ends = Some(left),
            _ => {
                bay.events.push(Event::MaskEnded { leg: self.id });
                self.mask = Mask::default();
            }
        }
    }
}
