//! The RFCs' own packets and keystreams.

use aes::cipher::array::Array;
use aes::cipher::{BlockCipherEncrypt, InnerIvInit as _, KeyInit, StreamCipherCore as _};
use aes::{Aes128Enc, Aes256Enc};
use ctr::{CtrCore, flavors};

use super::cipher::Cipher;
use super::{Inbound, MasterKey, Outbound, SrtpError, Suite};

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

fn keystream<A>(key: &str, block: &str, blocks: usize) -> Vec<u8>
where
    A: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16> + KeyInit,
{
    let aes = A::new(hex(key)[..].try_into().unwrap());
    let mut out = vec![0; blocks * 16];
    let block: [u8; 16] = hex(block).try_into().unwrap();
    CtrCore::<_, flavors::Ctr32BE>::inner_iv_init(&aes, &Array(block)).apply_keystream_partial((&mut out[..]).into());
    out
}

/// RFC 3711 appendix B.2: the first three blocks and, past 0xfeff of them, three more.
#[test]
fn keystream_of_128_bits() {
    let key = "2B7E151628AED2A6ABF7158809CF4F3C";
    let out = keystream::<Aes128Enc>(key, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000", 0xff02);
    let begin = "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0";
    let end = "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE 6A2CC3787889374FBEB4C81B17BA6C44";
    assert_eq!(out[..48], hex(begin));
    assert_eq!(out[0xfeff * 16..], hex(end));
}

/// RFC 6188 section 7.1.
#[test]
fn keystream_of_256_bits() {
    let key = "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98";
    let out = keystream::<Aes256Enc>(key, "f0f1f2f3f4f5f6f7f8f9fafbfcfd0000", 0xff02);
    let begin = "92bdd28a93c3f52511c677d08b5515a4 9da71b2378a854f67050756ded165bac 63c4868b7096d88421b563b8c94c9a31";
    let end = "cea518c90fd91ced9cbb18c078a54711 3dbc4814f4da5f00a08772b63c6a046d 6eb246913062a16891433e97dd01a57f";
    assert_eq!(out[..48], hex(begin));
    assert_eq!(out[0xfeff * 16..], hex(end));
}

const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SALT: &str = "517569642070726f2071756f";

/// Both directions with session keys as given: RFC 7714 names no master keys.
fn session(suite: Suite, next_report: u64) -> (Outbound, Inbound) {
    let key = if suite == Suite::AeadAes256Gcm { KEY_256 } else { KEY_128 };
    let cipher = || Cipher::of_session(suite, &hex(key), &hex(SALT));
    let master = MasterKey::new(suite, &[hex(key), hex(SALT)].concat()).unwrap();
    (Outbound::of_session(cipher(), cipher(), master, next_report), Inbound::of_session(cipher(), cipher(), master))
}

/// RFC 7714 sections 16.1 and 16.2.
#[test]
fn rtp_packets_by_gcm() {
    let clear = hex(
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573",
    );
    let cases = [
        (
            Suite::AeadAes128Gcm,
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf
             8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        ),
        (
            Suite::AeadAes256Gcm,
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799
             b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        ),
    ];
    for (suite, sealed) in cases {
        let (mut outbound, mut inbound) = session(suite, 0);
        let mut packet = [clear.clone(), vec![0; 16]].concat();
        assert_eq!(outbound.protect_rtp(&mut packet, clear.len()), Ok(clear.len() + 16));
        assert_eq!(packet, hex(sealed), "{suite}");
        assert_eq!(inbound.unprotect_rtp(&mut packet), Ok(clear.len()));
        assert_eq!(packet[..clear.len()], clear);
    }
}

/// RFC 7714 sections 17.1 and 17.2; 17.3 is a packet that is authenticated only, which we do not take.
#[test]
fn rtcp_packets_by_gcm() {
    let clear = hex(
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef",
    );
    let cases = [
        (
            Suite::AeadAes128Gcm,
            "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded
             0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
        ),
        (
            Suite::AeadAes256Gcm,
            "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658 c61de047
             6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
        ),
    ];
    for (suite, sealed) in cases {
        let (mut outbound, mut inbound) = session(suite, 0x5d4);
        let mut packet = [clear.clone(), vec![0; 20]].concat();
        assert_eq!(outbound.protect_rtcp(&mut packet, clear.len()), Ok(clear.len() + 20));
        assert_eq!(packet, hex(sealed), "{suite}");
        assert_eq!(inbound.unprotect_rtcp(&mut packet), Ok(clear.len()));
        assert_eq!(packet[..clear.len()], clear);
    }
    let mut tagged = [clear, hex("841dd968 3dd78ec9 2ae58790 125f62b3 000005d4")].concat();
    let (_, mut inbound) = session(Suite::AeadAes128Gcm, 0);
    assert_eq!(inbound.unprotect_rtcp(&mut tagged), Err(SrtpError::Unencrypted));
}
