//! ITU-T G.711: the µ-law and the A-law, and from one to the other, by table.
//!
//! The tables are built when this compiles, from the numbers of the Recommendation: 16 kB to encode µ-law (14 bits
//! matter), 4 kB to encode A-law (12 bits matter), half a kilobyte each for the rest.

/// Which of the two laws of G.711 an octet is coded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law, PCMU: North America and Japan.
    Ulaw,
    /// A-law, PCMA: the rest of the world.
    Alaw,
}

impl Law {
    /// The octet for silence: +0 of µ-law, the smallest positive value of A-law.
    #[must_use]
    pub const fn silence(self) -> u8 {
        match self {
            Self::Ulaw => 0xff,
            Self::Alaw => 0xd5,
        }
    }

    /// One sample to one octet (G.711 tables 1 and 2).
    #[inline]
    #[must_use]
    pub fn encode_sample(self, sample: i16) -> u8 {
        match self {
            Self::Ulaw => ulaw_encode(sample),
            Self::Alaw => alaw_encode(sample),
        }
    }

    /// One octet to one sample (G.711 tables 1 and 2), on the scale of 16 bits: the largest magnitude is 32,124 for
    /// µ-law and 32,256 for A-law.
    #[inline]
    #[must_use]
    pub fn decode_sample(self, octet: u8) -> i16 {
        let table = match self {
            Self::Ulaw => &ULAW_DECODE,
            Self::Alaw => &ALAW_DECODE,
        };
        table.get(usize::from(octet)).copied().unwrap_or(0)
    }

    /// Encodes as many samples as both slices hold.
    pub fn encode(self, samples: &[i16], octets: &mut [u8]) {
        let pairs = octets.iter_mut().zip(samples);
        match self {
            Self::Ulaw => pairs.for_each(|(octet, &sample)| *octet = ulaw_encode(sample)),
            Self::Alaw => pairs.for_each(|(octet, &sample)| *octet = alaw_encode(sample)),
        }
    }

    /// Decodes as many octets as both slices hold.
    pub fn decode(self, octets: &[u8], samples: &mut [i16]) {
        for (sample, &octet) in samples.iter_mut().zip(octets) {
            *sample = self.decode_sample(octet);
        }
    }

    /// Turns octets of this law into `to`'s, as many as both slices hold.
    pub fn transcode(self, to: Self, from_octets: &[u8], to_octets: &mut [u8]) {
        let pairs = to_octets.iter_mut().zip(from_octets);
        match (self, to) {
            (Self::Ulaw, Self::Alaw) => pairs.for_each(|(to, &from)| *to = ulaw_to_alaw(from)),
            (Self::Alaw, Self::Ulaw) => pairs.for_each(|(to, &from)| *to = alaw_to_ulaw(from)),
            (Self::Ulaw, Self::Ulaw) | (Self::Alaw, Self::Alaw) => pairs.for_each(|(to, &from)| *to = from),
        }
    }

    /// Turns octets of this law into `to`'s, in place.
    pub fn transcode_in_place(self, to: Self, octets: &mut [u8]) {
        match (self, to) {
            (Self::Ulaw, Self::Alaw) => octets.iter_mut().for_each(|octet| *octet = ulaw_to_alaw(*octet)),
            (Self::Alaw, Self::Ulaw) => octets.iter_mut().for_each(|octet| *octet = alaw_to_ulaw(*octet)),
            (Self::Ulaw, Self::Ulaw) | (Self::Alaw, Self::Alaw) => {}
        }
    }
}

/// A µ-law octet as A-law (G.711 table 3). This is not the same as decoding and encoding: some values go one step
/// further, so that fewer of them fall together.
#[inline]
#[must_use]
pub fn ulaw_to_alaw(octet: u8) -> u8 {
    ULAW_TO_ALAW.get(usize::from(octet)).copied().unwrap_or(0xd5)
}

/// An A-law octet as µ-law (G.711 table 4).
#[inline]
#[must_use]
pub fn alaw_to_ulaw(octet: u8) -> u8 {
    ALAW_TO_ULAW.get(usize::from(octet)).copied().unwrap_or(0xff)
}

#[inline]
fn ulaw_encode(sample: i16) -> u8 {
    ULAW_ENCODE.get(((sample >> 2) & 0x3fff) as usize).copied().unwrap_or(0xff)
}

#[inline]
fn alaw_encode(sample: i16) -> u8 {
    ALAW_ENCODE.get(((sample >> 4) & 0x0fff) as usize).copied().unwrap_or(0xd5)
}

static ULAW_DECODE: [i16; 256] = ulaw_decode_table();
static ALAW_DECODE: [i16; 256] = alaw_decode_table();
static ULAW_ENCODE: [u8; 16384] = ulaw_encode_table();
static ALAW_ENCODE: [u8; 4096] = alaw_encode_table();
static ULAW_TO_ALAW: [u8; 256] = ulaw_to_alaw_table();
static ALAW_TO_ULAW: [u8; 256] = alaw_to_ulaw_table();

/// µ-law sends its value number complemented (table 2a, note 2): sign, segment of 3 bits, step of 4 bits. In segment
/// `s` the steps are `2^s` wide, in units of 8, and begin at `33 · 2^s − 33` in units of 4.
#[allow(clippy::indexing_slicing, reason = "runs when this compiles: a wrong index does not build")]
const fn ulaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let number = !octet & 0x7f;
        let (segment, step) = (number >> 4, number & 15);
        let magnitude = (((33 + 2 * step) << segment) - 33) * 4;
        table[octet] = if octet & 0x80 != 0 { magnitude as i16 } else { -(magnitude as i16) };
        octet += 1;
    }
    table
}

/// A-law sends its value number with the even bits inverted (table 1a, note 2). Segments 0 and 1 have steps of 16,
/// each further one twice that; a step decodes to its middle.
#[allow(clippy::indexing_slicing, reason = "runs when this compiles: a wrong index does not build")]
const fn alaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let number = (octet ^ 0x55) & 0x7f;
        let (segment, step) = (number >> 4, number & 15);
        let magnitude = if segment == 0 { step * 16 + 8 } else { (step * 16 + 264) << (segment - 1) };
        table[octet] = if octet & 0x80 != 0 { magnitude as i16 } else { -(magnitude as i16) };
        octet += 1;
    }
    table
}

/// The magnitude of a sample in one's complement, `bits` of them: −1 has the magnitude of 0, so that both signs have
/// as many values.
const fn magnitude(index: usize, bits: u32) -> (bool, usize) {
    let negative = index >> bits != 0;
    let mask = (1 << bits) - 1;
    (negative, if negative { !index & mask } else { index & mask })
}

#[allow(clippy::indexing_slicing, reason = "runs when this compiles: a wrong index does not build")]
const fn ulaw_encode_table() -> [u8; 16384] {
    let mut table = [0; 16384];
    let mut index = 0;
    while index < 16384 {
        let (negative, magnitude) = magnitude(index, 13);
        let biased = if magnitude + 33 > 0x1fff { 0x1fff } else { magnitude + 33 };
        let segment = biased.ilog2() - 5;
        let number = (segment << 4) as usize | ((biased >> (segment + 1)) & 15);
        table[index] = (if negative { 0x7f } else { 0xff }) ^ number as u8;
        index += 1;
    }
    table
}

#[allow(clippy::indexing_slicing, reason = "runs when this compiles: a wrong index does not build")]
const fn alaw_encode_table() -> [u8; 4096] {
    let mut table = [0; 4096];
    let mut index = 0;
    while index < 4096 {
        let (negative, magnitude) = magnitude(index, 11);
        let number = if magnitude < 32 {
            magnitude
        } else {
            let shift = magnitude.ilog2() - 4;
            (shift << 4) as usize + (magnitude >> shift)
        };
        table[index] = (if negative { 0x55 } else { 0xd5 }) ^ number as u8;
        index += 1;
    }
    table
}

/// Table 3 counts µ-law's values from 0 and A-law's from 1, either sign alike.
#[allow(clippy::indexing_slicing, reason = "runs when this compiles: a wrong index does not build")]
const fn ulaw_to_alaw_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut number = 0;
    while number < 128 {
        let alaw = match number {
            0..=15 => number / 2 + 1,
            16..=31 => number - 7,
            32..=35 => 2 * number - 39,
            36..=47 => number - 3,
            48 => 46,
            49..=63 => number - 1,
            64..=80 => number,
            _ => number + 1,
        };
        table[0xff - number] = 0xd5 ^ (alaw - 1) as u8;
        table[0x7f - number] = 0x55 ^ (alaw - 1) as u8;
        number += 1;
    }
    table
}

/// Table 4, the other way.
#[allow(clippy::indexing_slicing, reason = "runs when this compiles: a wrong index does not build")]
const fn alaw_to_ulaw_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut number = 1;
    while number <= 128 {
        let ulaw = match number {
            1..=8 => 2 * number - 1,
            9..=24 => number + 7,
            25..=32 => (number - 25) / 2 + 32,
            33..=44 => number + 3,
            45..=48 => (number - 45) / 2 + 48,
            49..=62 => number + 1,
            63..=64 => 64,
            65..=79 => number,
            _ => number - 1,
        };
        table[0xd5 ^ (number - 1)] = 0xff - ulaw as u8;
        table[0x55 ^ (number - 1)] = 0x7f - ulaw as u8;
        number += 1;
    }
    table
}
