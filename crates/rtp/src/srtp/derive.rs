//! Session keys of a master key: the AES counter-mode function of RFC 3711 section 4.3.3 (RFC 6188 section 3 for longer
//! keys, RFC 7714 section 11 for GCM). The key derivation rate is 0: derived once.

use aes::cipher::array::Array;
use aes::cipher::{BlockCipherEncrypt, InnerIvInit as _, KeyInit, StreamCipherCore as _};
use aes::{Aes128Enc, Aes256Enc};
use ctr::{CtrCore, flavors};

use super::suite::MasterKey;

/// What a session key is for: the labels of RFC 3711 section 4.3.2. The three of RTCP are three higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Encryption = 0,
    Authentication = 1,
    Salt = 2,
}

/// Fills `out` with the session key of that label.
pub(crate) fn derive(master: &MasterKey, label: Label, rtcp: bool, out: &mut [u8]) {
    let label = label as u8 + if rtcp { 3 } else { 0 };
    let mut block = [0; 16];
    block.iter_mut().zip(master.salt()).for_each(|(place, octet)| *place = octet);
    // key_id is the label before 48 bits of index, aligned with the salt's end (section 4.3.1).
    if let Some(place) = block.get_mut(7) {
        *place ^= label;
    }
    out.fill(0);
    match master.key() {
        key if key.len() == 32 => key.try_into().map(|key| keystream::<Aes256Enc>(key, block, out)).unwrap_or(()),
        key => key.try_into().map(|key| keystream::<Aes128Enc>(key, block, out)).unwrap_or(()),
    }
}

fn keystream<A>(key: &Array<u8, A::KeySize>, block: [u8; 16], out: &mut [u8])
where
    A: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16> + KeyInit,
{
    let aes = A::new(key);
    CtrCore::<_, flavors::Ctr32BE>::inner_iv_init(&aes, &Array(block)).apply_keystream_partial(out.into());
}

#[cfg(test)]
mod tests {
    use super::super::vectors::hex;
    use super::*;
    use crate::srtp::Suite;

    fn derived(master: &MasterKey, label: Label, rtcp: bool, length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        derive(master, label, rtcp, &mut out);
        out
    }

    /// RFC 3711 appendix B.3.
    #[test]
    fn session_keys_of_128_bits() {
        let octets = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
        let master = MasterKey::new(Suite::AesCm128HmacSha1_80, &octets).unwrap();
        assert_eq!(derived(&master, Label::Encryption, false, 16), hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(derived(&master, Label::Salt, false, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
        let mac = "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
                   E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
                   6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2DC68";
        assert_eq!(derived(&master, Label::Authentication, false, 94), hex(mac)[..94]);
    }

    /// RFC 6188 section 7.3.
    #[test]
    fn session_keys_of_256_bits() {
        let octets =
            hex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2");
        let master = MasterKey::new(Suite::Aes256CmHmacSha1_80, &octets).unwrap();
        let key = "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4";
        assert_eq!(derived(&master, Label::Encryption, false, 32), hex(key));
        assert_eq!(derived(&master, Label::Salt, false, 14), hex("fa31791685ca444a9e07c6c64e93"));
        assert_eq!(derived(&master, Label::Authentication, false, 20), hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
    }
}
