//! What the peer says is kept out of recordings while he types a secret.

use crate::control::Event;
use crate::leg::{Bay, Leg};

/// Ticks of 20 ms for which a mask goes on behind its end, counted anew while a key is held: the tone of the last key may
/// be on its way still, through the jitter buffer, or in the audio of a phone that told the key before its end.
const TAIL: u32 = 50;

/// Whether the peer's side of recordings is silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mask {
    #[default]
    Off,
    On,
    /// It ends after so many ticks in which no key is held.
    Ending(u32),
}

impl Leg {
    pub(crate) const fn set_mask(&mut self, on: bool) {
        self.mask = match (on, self.mask) {
            (true, _) => Mask::On,
            (false, Mask::On) => Mask::Ending(TAIL),
            (false, mask) => mask,
        };
    }

    /// Counts the ticks of a mask's end.
    pub(crate) fn tick_mask(&mut self, bay: &mut Bay<'_>) {
        let Mask::Ending(left) = self.mask else { return };
        self.mask = match left.checked_sub(self.ticks) {
            _ if self.digits.is_running() => Mask::Ending(TAIL),
            Some(left @ 1..) => Mask::Ending(left),
            _ => {
                bay.events.push(Event::MaskEnded { leg: self.id });
                Mask::Off
            }
        };
    }
}
