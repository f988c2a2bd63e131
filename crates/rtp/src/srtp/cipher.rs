//! One packet sealed or opened, under one session key.
//!
//! RTP and RTCP differ in what is encrypted and where the index stands; counter mode with HMAC-SHA1 (RFC 3711) and AES-GCM
//! (RFC 7714) differ in where the tag stands. Both ciphers take the same 48-bit index for the nonce.

use aes::cipher::array::Array;
use aes::cipher::consts::{U12, U16};
use aes::cipher::{BlockCipherEncrypt, InnerIvInit as _, KeyInit, StreamCipherCore as _};
use aes::{Aes128Enc, Aes256Enc};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut as _;
use ctr::{CtrCore, flavors};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use super::SrtpError;
use super::derive::{Label, derive};
use super::inbound::Mki;
use super::suite::{MasterKey, Suite};
use crate::RtpError;

/// Octets of an RTCP packet that stay in clear: the first header and the SSRC (RFC 3711 section 3.4).
const RTCP_CLEAR: usize = 8;

/// The tag of RTCP with HMAC-SHA1 (RFC 4568 section 6.2.2).
const RTCP_HMAC_TAG: usize = 10;

/// The E bit of the word with SRTCP's index: the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;

/// A cipher with its session keys.
pub(crate) enum Cipher {
    Cm128(Cm<Aes128Enc>),
    Cm256(Cm<Aes256Enc>),
    Gcm128(Gcm<Aes128Enc>),
    Gcm256(Gcm<Aes256Enc>),
}

/// AES in counter mode and HMAC-SHA1.
pub(crate) struct Cm<A> {
    aes: A,
    salt: [u8; 14],
    /// Keyed: its two inner states are made already.
    mac: Hmac<Sha1>,
    tag: usize,
}

/// AES-GCM.
pub(crate) struct Gcm<A> {
    gcm: AesGcm<A, U12>,
    salt: [u8; 14],
}

/// Which packet of which stream it is; never twice the same under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub ssrc: u32,
    /// 48 bits for RTP (roll-over counter and sequence number), 31 for RTCP.
    pub index: u64,
}

impl Cipher {
    /// The cipher of a master key, for RTP or for RTCP.
    pub fn new(master: &MasterKey, rtcp: bool) -> Self {
        let (suite, mut salt) = (master.suite(), [0; 14]);
        derive(master, Label::Salt, rtcp, salt.get_mut(..suite.salt_length()).unwrap_or_default());
        let tag = if rtcp { RTCP_HMAC_TAG } else { suite.rtp_tag() };
        match suite {
            Suite::AeadAes256Gcm => Self::Gcm256(Gcm { gcm: keyed(master, rtcp), salt }),
            Suite::AeadAes128Gcm => Self::Gcm128(Gcm { gcm: keyed(master, rtcp), salt }),
            Suite::Aes256CmHmacSha1_80 | Suite::Aes256CmHmacSha1_32 => {
                Self::Cm256(Cm { aes: keyed(master, rtcp), salt, mac: mac(master, rtcp), tag })
            }
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => {
                Self::Cm128(Cm { aes: keyed(master, rtcp), salt, mac: mac(master, rtcp), tag })
            }
        }
    }

    /// AES-GCM with session keys as given: RFC 7714's examples name no master key.
    #[cfg(test)]
    pub fn of_session(suite: Suite, key: &[u8], salt: &[u8]) -> Self {
        let salt = [salt, &[0; 2]].concat().try_into().unwrap();
        if suite == Suite::AeadAes256Gcm {
            Self::Gcm256(Gcm { gcm: AesGcm::from(Aes256Enc::new(key.try_into().unwrap())), salt })
        } else {
            Self::Gcm128(Gcm { gcm: AesGcm::from(Aes128Enc::new(key.try_into().unwrap())), salt })
        }
    }

    /// Seals the RTP packet in the first `length` octets, of which `header` stay in clear; its new length.
    pub fn seal_rtp(&self, place: Place, packet: &mut [u8], header: usize, length: usize) -> Result<usize, SrtpError> {
        match self {
            Self::Cm128(cm) => cm.seal_rtp(place, packet, header, length),
            Self::Cm256(cm) => cm.seal_rtp(place, packet, header, length),
            Self::Gcm128(gcm) => gcm.seal_rtp(place, packet, header, length),
            Self::Gcm256(gcm) => gcm.seal_rtp(place, packet, header, length),
        }
    }

    /// Opens an RTP packet; its length then.
    pub fn open_rtp(
        &self,
        place: Place,
        packet: &mut [u8],
        header: usize,
        mki: Option<Mki>,
    ) -> Result<usize, SrtpError> {
        match self {
            Self::Cm128(cm) => cm.open_rtp(place, packet, header, mki),
            Self::Cm256(cm) => cm.open_rtp(place, packet, header, mki),
            Self::Gcm128(gcm) => gcm.open_rtp(place, packet, header, mki),
            Self::Gcm256(gcm) => gcm.open_rtp(place, packet, header, mki),
        }
    }

    /// Seals the RTCP compound in the first `length` octets; its new length.
    pub fn seal_rtcp(&self, place: Place, packet: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        match self {
            Self::Cm128(cm) => cm.seal_rtcp(place, packet, length),
            Self::Cm256(cm) => cm.seal_rtcp(place, packet, length),
            Self::Gcm128(gcm) => gcm.seal_rtcp(place, packet, length),
            Self::Gcm256(gcm) => gcm.seal_rtcp(place, packet, length),
        }
    }

    /// Opens an RTCP compound whose word with the index is known; its length then.
    pub fn open_rtcp(&self, place: Place, packet: &mut [u8], mki: Option<Mki>) -> Result<usize, SrtpError> {
        match self {
            Self::Cm128(cm) => cm.open_rtcp(place, packet, mki),
            Self::Cm256(cm) => cm.open_rtcp(place, packet, mki),
            Self::Gcm128(gcm) => gcm.open_rtcp(place, packet, mki),
            Self::Gcm256(gcm) => gcm.open_rtcp(place, packet, mki),
        }
    }

    /// The index of an RTCP packet, read before it is proven.
    pub fn rtcp_index(&self, packet: &[u8], mki: Option<Mki>) -> Result<u32, SrtpError> {
        let behind = match self {
            Self::Cm128(_) | Self::Cm256(_) => RTCP_HMAC_TAG,
            Self::Gcm128(_) | Self::Gcm256(_) => 0,
        };
        let end = packet.len().checked_sub(behind + mki.map_or(0, Mki::length)).ok_or(RtpError::TooShort)?;
        let word = packet.get(..end).and_then(|packet| packet.last_chunk()).ok_or(RtpError::TooShort)?;
        let word = u32::from_be_bytes(*word);
        if word & ENCRYPTED == 0 {
            return Err(SrtpError::Unencrypted);
        }
        Ok(word & !ENCRYPTED)
    }
}

impl<A: BlockCipherEncrypt<BlockSize = U16>> Cm<A> {
    fn seal_rtp(&self, place: Place, packet: &mut [u8], header: usize, length: usize) -> Result<usize, SrtpError> {
        let (sealed, room) = packet.split_at_mut_checked(length).ok_or(SrtpError::NoRoom)?;
        let tag = room.get_mut(..self.tag).ok_or(SrtpError::NoRoom)?;
        self.crypt(place, sealed.get_mut(header..).ok_or(RtpError::TooShort)?);
        let mac = self.mac.clone().chain_update(sealed).chain_update(roc(place)).finalize().into_bytes();
        tag.iter_mut().zip(mac).for_each(|(place, octet)| *place = octet);
        Ok(length + self.tag)
    }

    fn open_rtp(&self, place: Place, packet: &mut [u8], header: usize, mki: Option<Mki>) -> Result<usize, SrtpError> {
        let (sealed, tag) = cut(packet, self.tag)?;
        let sealed = Mki::cut(mki, sealed)?;
        let mac = self.mac.clone().chain_update(&*sealed).chain_update(roc(place));
        mac.verify_truncated_left(tag).map_err(|_| SrtpError::Unauthentic)?;
        self.crypt(place, sealed.get_mut(header..).ok_or(RtpError::TooShort)?);
        Ok(sealed.len())
    }

    fn seal_rtcp(&self, place: Place, packet: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let end = length + 4;
        let (sealed, room) = packet.split_at_mut_checked(end).ok_or(SrtpError::NoRoom)?;
        let tag = room.get_mut(..self.tag).ok_or(SrtpError::NoRoom)?;
        self.crypt(place, sealed.get_mut(RTCP_CLEAR..length).ok_or(RtpError::TooShort)?);
        *sealed.last_chunk_mut().ok_or(RtpError::TooShort)? = word(place);
        let mac = self.mac.clone().chain_update(sealed).finalize().into_bytes();
        tag.iter_mut().zip(mac).for_each(|(place, octet)| *place = octet);
        Ok(end + self.tag)
    }

    fn open_rtcp(&self, place: Place, packet: &mut [u8], mki: Option<Mki>) -> Result<usize, SrtpError> {
        let (sealed, tag) = cut(packet, self.tag)?;
        let sealed = Mki::cut(mki, sealed)?;
        let mac = self.mac.clone().chain_update(&*sealed);
        mac.verify_truncated_left(tag).map_err(|_| SrtpError::Unauthentic)?;
        let length = sealed.len().checked_sub(4).ok_or(RtpError::TooShort)?;
        self.crypt(place, sealed.get_mut(RTCP_CLEAR..length).ok_or(RtpError::TooShort)?);
        Ok(length)
    }

    /// Encrypts or decrypts (RFC 3711 section 4.1.1).
    fn crypt(&self, place: Place, octets: &mut [u8]) {
        let mut block = [0; 16];
        let [rest @ .., _, _] = &mut block;
        *rest = nonce(self.salt, place, 4);
        let keystream = CtrCore::<_, flavors::Ctr32BE>::inner_iv_init(&self.aes, &Array(block));
        keystream.apply_keystream_partial(octets.into());
    }
}

impl<A: BlockCipherEncrypt<BlockSize = U16>> Gcm<A> {
    fn seal_rtp(&self, place: Place, packet: &mut [u8], header: usize, length: usize) -> Result<usize, SrtpError> {
        let (sealed, room) = packet.split_at_mut_checked(length).ok_or(SrtpError::NoRoom)?;
        let room = room.first_chunk_mut().ok_or(SrtpError::NoRoom)?;
        let (clear, body) = sealed.split_at_mut_checked(header).ok_or(RtpError::TooShort)?;
        *room = self.seal(place, clear, body)?;
        Ok(length + TAG)
    }

    fn open_rtp(&self, place: Place, packet: &mut [u8], header: usize, mki: Option<Mki>) -> Result<usize, SrtpError> {
        let sealed = Mki::cut(mki, packet)?;
        let (sealed, tag) = sealed.split_last_chunk_mut::<TAG>().ok_or(RtpError::TooShort)?;
        let length = sealed.len();
        let (clear, body) = sealed.split_at_mut_checked(header).ok_or(RtpError::TooShort)?;
        self.open(place, clear, body, *tag)?;
        Ok(length)
    }

    fn seal_rtcp(&self, place: Place, packet: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let (sealed, room) = packet.split_at_mut_checked(length).ok_or(SrtpError::NoRoom)?;
        let (tag, room) = room.split_first_chunk_mut::<TAG>().ok_or(SrtpError::NoRoom)?;
        let room = room.first_chunk_mut().ok_or(SrtpError::NoRoom)?;
        let (clear, body) = sealed.split_first_chunk_mut().ok_or(RtpError::TooShort)?;
        *tag = self.seal(place, &rtcp_clear(*clear, word(place)), body)?;
        *room = word(place);
        Ok(length + TAG + 4)
    }

    fn open_rtcp(&self, place: Place, packet: &mut [u8], mki: Option<Mki>) -> Result<usize, SrtpError> {
        let sealed = Mki::cut(mki, packet)?;
        let (sealed, word) = sealed.split_last_chunk_mut::<4>().ok_or(RtpError::TooShort)?;
        let (sealed, tag) = sealed.split_last_chunk_mut::<TAG>().ok_or(RtpError::TooShort)?;
        let length = sealed.len();
        let (clear, body) = sealed.split_first_chunk_mut().ok_or(RtpError::TooShort)?;
        self.open(place, &rtcp_clear(*clear, *word), body, *tag)?;
        Ok(length)
    }

    fn seal(&self, place: Place, clear: &[u8], body: &mut [u8]) -> Result<[u8; TAG], SrtpError> {
        let nonce = Array(nonce(self.salt, place, 2));
        // It fails for gigabytes only.
        let tag = self.gcm.encrypt_inout_detached(&nonce, clear, body.into()).map_err(|_| SrtpError::NoRoom)?;
        Ok(tag.into())
    }

    fn open(&self, place: Place, clear: &[u8], body: &mut [u8], tag: [u8; TAG]) -> Result<(), SrtpError> {
        let nonce = Array(nonce(self.salt, place, 2));
        let opened = self.gcm.decrypt_inout_detached(&nonce, clear, body.into(), &Array(tag));
        opened.map_err(|_| SrtpError::Unauthentic)
    }
}

/// The tag of AES-GCM (RFC 7714 section 13).
const TAG: usize = 16;

/// What RTCP's tag covers in clear: the first header, and the word with the index (RFC 7714 section 9.2).
fn rtcp_clear(head: [u8; RTCP_CLEAR], word: [u8; 4]) -> [u8; RTCP_CLEAR + 4] {
    let mut clear = [0; RTCP_CLEAR + 4];
    clear.iter_mut().zip(head.into_iter().chain(word)).for_each(|(place, octet)| *place = octet);
    clear
}

/// Salt, SSRC and index combined: the SSRC begins at octet `at`, the index behind it. Counter mode has `at` 4 and 14 octets
/// (RFC 3711 section 4.1.1), GCM 2 and 12 (RFC 7714 sections 8.1 and 9.1).
fn nonce<const N: usize>(salt: [u8; 14], place: Place, at: usize) -> [u8; N] {
    let mut nonce = [0; N];
    nonce.iter_mut().zip(salt).for_each(|(place, octet)| *place = octet);
    let [_, _, index @ ..] = place.index.to_be_bytes();
    let octets = place.ssrc.to_be_bytes().into_iter().chain(index);
    nonce.iter_mut().skip(at).zip(octets).for_each(|(place, octet)| *place ^= octet);
    nonce
}

/// The roll-over counter, which RTP's HMAC covers though no packet has it (RFC 3711 section 4.2).
fn roc(place: Place) -> [u8; 4] {
    let [_, _, roc @ .., _, _] = place.index.to_be_bytes();
    roc
}

/// The word with SRTCP's index; what we send is encrypted.
fn word(place: Place) -> [u8; 4] {
    let [_, _, _, _, index @ ..] = place.index.to_be_bytes();
    (u32::from_be_bytes(index) | ENCRYPTED).to_be_bytes()
}

/// A block cipher, or GCM with it.
fn keyed<A: KeyInit>(master: &MasterKey, rtcp: bool) -> A {
    let mut key = Array::<u8, A::KeySize>::default();
    derive(master, Label::Encryption, rtcp, &mut key);
    A::new(&key)
}

/// HMAC-SHA1 with a key of 160 bits (RFC 3711 section 5.2).
fn mac(master: &MasterKey, rtcp: bool) -> Hmac<Sha1> {
    let mut key = [0; 20];
    derive(master, Label::Authentication, rtcp, &mut key);
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(place, octet)| *place = octet);
    // HMAC fills a shorter key up with zeros itself (RFC 2104); a whole block leaves no error to handle.
    Hmac::new(&Array(block))
}

fn cut(packet: &mut [u8], behind: usize) -> Result<(&mut [u8], &mut [u8]), SrtpError> {
    let length = packet.len().checked_sub(behind).ok_or(RtpError::TooShort)?;
    Ok(packet.split_at_mut_checked(length).ok_or(RtpError::TooShort)?)
}
