//! SRTP in offer and answer (RFC 4568): 5.1.1 (offer), 5.1.2 (answer: tag and suite of the chosen line), 5.1.3 (the answer
//! read), 6.1 (inline), 6.3 (session parameters), 7.1.4 (changes). RFC 7714 14.1. RFC 5124 (RTP/SAVPF). RFC 3261 21.4.26.

#![allow(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::net::{IpAddr, Ipv4Addr};

use base::Rng;
use rtp::srtp::{Mki, Suite};
use sdp::{Agreed, Description, Keys, Local, Preferences, Refusal, Security, answer, conclude, offer, parse};

const LOCAL: Local =
    Local { address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), port: 16_384, session_id: 42, version: 7 };
const KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
const OTHER: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
/// 28 octets.
const GCM: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaQ==";

fn described(media: &str) -> Description {
    parse(format!("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{media}").as_bytes()).unwrap()
}

fn keys(seed: u64) -> Box<Keys> {
    Box::new(Keys::random(&mut Rng::from_number(seed)))
}

fn allowed() -> Preferences {
    Preferences { security: Security::Allowed(keys(1)), ..Preferences::default() }
}

fn required() -> Preferences {
    Preferences { security: Security::Required(keys(1)), ..Preferences::default() }
}

fn answered(media: &str, preferences: &Preferences) -> Result<(Description, Agreed), Refusal> {
    answer(&described(media), &LOCAL, preferences)
}

fn line(transport: &str, cryptos: &str) -> String {
    format!("m=audio 5000 {transport} 0 101\na=rtpmap:101 telephone-event/8000\n{cryptos}")
}

fn crypto(tag: u32, suite: &str, key: &str) -> String {
    format!("a=crypto:{tag} {suite} inline:{key}\n")
}

#[test]
fn an_offer_of_srtp_is_answered_with_its_tag_and_a_key_of_ours() {
    let offered = line("RTP/SAVP", &crypto(5, "AES_CM_128_HMAC_SHA1_80", &format!("{KEY}|2^31|1:4")));
    let (description, agreed) = answered(&offered, &allowed()).unwrap();
    let srtp = agreed.srtp.unwrap();
    assert_eq!(srtp.remote.reveal(), b"=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ");
    assert_eq!((srtp.mki, srtp.local.suite()), (Mki::new(1, 4), Suite::AesCm128HmacSha1_80));
    let ours = &description.media()[0];
    assert_eq!((ours.protocol(), ours.port()), ("RTP/SAVP", 16_384));
    let value = ours.attribute("crypto").unwrap();
    assert!(value.starts_with("5 AES_CM_128_HMAC_SHA1_80 inline:") && !value.contains('|'), "{value}");
    // And the peer reads from it what we protect with.
    let theirs = conclude(&described(&offered), &description).unwrap().srtp.unwrap();
    assert_eq!((theirs.local, theirs.remote), (srtp.remote, srtp.local));
}

#[test]
fn the_best_suite_is_chosen_in_our_order_whatever_theirs() {
    let [sha_32, sha_80] = ["AES_CM_128_HMAC_SHA1_32", "AES_CM_128_HMAC_SHA1_80"].map(|suite| crypto(1, suite, KEY));
    let gcm = crypto(3, "AEAD_AES_128_GCM", GCM);
    let unknown = crypto(9, "F8_128_HMAC_SHA1_80", KEY);
    let cases = [
        (format!("{sha_32}{sha_80}{gcm}{unknown}"), Suite::AeadAes128Gcm),
        (format!("{unknown}{sha_32}{sha_80}"), Suite::AesCm128HmacSha1_80),
        (sha_32.clone(), Suite::AesCm128HmacSha1_32),
        (format!("{}{sha_32}", sha_80.replace(KEY, &format!("{KEY} UNENCRYPTED_SRTP"))), Suite::AesCm128HmacSha1_32),
    ];
    for (cryptos, suite) in cases {
        let (_, agreed) = answered(&line("RTP/SAVP", &cryptos), &allowed()).unwrap();
        assert_eq!(agreed.srtp.unwrap().remote.suite(), suite, "{cryptos}");
    }
}

#[test]
fn feedback_profiles_are_answered_as_such() {
    let offered = line("RTP/SAVPF", &crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY));
    let (description, agreed) = answered(&offered, &allowed()).unwrap();
    assert_eq!(description.media()[0].protocol(), "RTP/SAVPF");
    assert!(agreed.srtp.is_some());
}

#[test]
fn of_srtp_and_rtp_in_one_offer_srtp_is_taken_in_whatever_order() {
    let secure = line("RTP/SAVP", &crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY));
    let plain = line("RTP/AVP", "").replace("5000", "6000");
    for (offered, ports) in [(format!("{plain}{secure}"), [0, 16_384]), (format!("{secure}{plain}"), [16_384, 0])] {
        let (description, agreed) = answered(&offered, &allowed()).unwrap();
        assert_eq!(agreed.remote, Some("192.0.2.1:5000".parse().unwrap()));
        assert!(agreed.srtp.is_some());
        assert_eq!(description.media().iter().map(sdp::Media::port).collect::<Vec<_>>(), ports);
        // Where no encryption is allowed the other one is.
        let (description, agreed) = answered(&offered, &Preferences::default()).unwrap();
        assert_eq!((agreed.remote, agreed.srtp), (Some("192.0.2.1:6000".parse().unwrap()), None));
        assert!(!description.to_string().contains("crypto"));
    }
    // A line of SRTP that we cannot use leaves the plain one.
    let unusable = line("RTP/SAVP", &crypto(1, "AES_CM_128_HMAC_SHA1_80", "AAAA"));
    assert_eq!(answered(&format!("{unusable}{plain}"), &allowed()).unwrap().1.srtp, None);
    assert!(answered(&format!("{unusable}{plain}"), &required()).is_err());
}

#[test]
fn best_effort_is_srtp_over_a_plain_transport() {
    let offered = line("RTP/AVP", &crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY));
    for preferences in [allowed(), required()] {
        let (description, agreed) = answered(&offered, &preferences).unwrap();
        assert!(agreed.srtp.is_some());
        assert_eq!(description.media()[0].protocol(), "RTP/AVP");
        assert!(description.media()[0].attribute("crypto").is_some());
        assert!(conclude(&described(&offered), &description).unwrap().srtp.is_some());
    }
    let (description, agreed) = answered(&offered, &Preferences::default()).unwrap();
    assert_eq!((agreed.srtp, description.media()[0].attribute("crypto")), (None, None));
    assert_eq!(conclude(&described(&offered), &description).unwrap().srtp, None);
    let unusable = line("RTP/AVP", &crypto(1, "NEW_SUITE", KEY));
    assert_eq!(answered(&unusable, &allowed()).unwrap().1.srtp, None, "goes in clear, as the phone lets it");
}

#[test]
fn what_is_offered_otherwise_is_refused_with_a_warning() {
    let secure = line("RTP/SAVP", &crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY));
    let cases = [
        (line("RTP/AVP", ""), required(), "encrypted audio is required"),
        (secure, Preferences::default(), "encrypted audio is not allowed"),
        (line("RTP/SAVP", ""), allowed(), "no usable a=crypto"),
        (
            line("RTP/SAVP", &crypto(1, "AES_CM_128_HMAC_SHA1_80", &format!("{KEY} UNENCRYPTED_SRTCP"))),
            allowed(),
            "usable",
        ),
        (line("UDP/TLS/RTP/SAVP", ""), allowed(), "transport other"),
        (line("RTP/AVPF", ""), allowed(), "transport other"),
    ];
    for (offered, preferences, text) in cases {
        let refusal = answered(&offered, &preferences).unwrap_err();
        assert_eq!((refusal.status, refusal.warn_code), (488, 302), "{offered}");
        assert!(refusal.text.contains(text), "{refusal}");
    }
}

#[test]
fn our_offer_is_plain_unless_srtp_is_required() {
    for preferences in [Preferences::default(), allowed()] {
        let text = offer(&LOCAL, &preferences).to_string();
        assert!(text.contains("RTP/AVP") && !text.contains("crypto"), "{text}");
    }
    let text = offer(&LOCAL, &required()).to_string();
    assert!(text.contains("m=audio 16384 RTP/SAVP 0 8 101\r\n"), "{text}");
    let tags: Vec<_> =
        text.lines().filter_map(|line| line.strip_prefix("a=crypto:")?.split(" inline").next()).collect();
    assert_eq!(tags, ["1 AEAD_AES_256_GCM", "2 AEAD_AES_128_GCM", "3 AES_CM_128_HMAC_SHA1_80"]);
    assert!(text.len() < 600, "an INVITE must fit a datagram: {}", text.len());
}

#[test]
fn an_answer_chooses_one_line_of_ours() {
    let ours = offer(&LOCAL, &required());
    let chosen = |cryptos: &str| conclude(&ours, &described(&line("RTP/SAVP", cryptos)));
    let srtp = chosen(&crypto(3, "AES_CM_128_HMAC_SHA1_80", KEY)).unwrap().srtp.unwrap();
    assert!(ours.to_string().contains("AES_CM_128_HMAC_SHA1_80"));
    assert_eq!(srtp.remote.reveal(), b"=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ");
    assert_eq!(srtp.local.suite(), Suite::AesCm128HmacSha1_80);
    for wrong in [
        String::new(),
        crypto(2, "AES_CM_128_HMAC_SHA1_80", KEY),
        crypto(4, "AES_CM_128_HMAC_SHA1_80", KEY),
        crypto(1, "AES_CM_128_HMAC_SHA1_32", KEY),
        crypto(3, "AES_CM_128_HMAC_SHA1_80", "AAAA"),
        format!("{}{}", crypto(3, "AES_CM_128_HMAC_SHA1_80", KEY), crypto(2, "AEAD_AES_128_GCM", GCM)),
    ] {
        assert!(chosen(&wrong).is_err(), "{wrong}");
    }
    assert!(conclude(&ours, &described(&line("RTP/AVP", ""))).is_err(), "an answer in clear");
    let plain = offer(&LOCAL, &allowed());
    let unasked = line("RTP/SAVP", &crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY));
    assert!(conclude(&plain, &described(&unasked)).is_err());
    let unasked = line("RTP/AVP", &crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY));
    assert_eq!(conclude(&plain, &described(&unasked)).unwrap().srtp, None, "we have given no key");
}

/// Section 7.1.4: who offers or answers again with the same key goes on, with another one begins anew.
#[test]
fn a_second_exchange_keeps_our_key_and_suite() {
    let mut rng = Rng::from_number(3);
    let mut keys = keys(1);
    let with =
        |keys: &Keys| Preferences { security: Security::Required(Box::new(keys.clone())), ..Preferences::default() };
    let sha = crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY);
    let (_, first) = answered(&line("RTP/SAVP", &sha), &with(&keys)).unwrap();
    keys.settle(first.srtp.as_ref(), &mut rng);
    let again = format!("{}{}", crypto(7, "AEAD_AES_128_GCM", GCM), sha.replace("crypto:1", "crypto:8"));
    let (description, second) = answered(&line("RTP/SAVP", &again), &with(&keys)).unwrap();
    assert_eq!(second.srtp, first.srtp, "the suite in use, though a better one is offered");
    assert!(description.media()[0].attribute("crypto").unwrap().starts_with("8 "));
    let (_, third) = answered(&line("RTP/SAVP", &sha.replace(KEY, OTHER)), &with(&keys)).unwrap();
    assert_eq!(third.srtp.unwrap().local, first.srtp.unwrap().local);
    assert_ne!(third.srtp.unwrap().remote, first.srtp.unwrap().remote);
    let text = offer(&LOCAL, &with(&keys)).to_string();
    assert_eq!(text.matches("a=crypto").count(), 1, "our own offer has the one in use: {text}");
    let ours = described(&format!("{}\n", text.split("t=0 0\r\n").nth(1).unwrap()));
    let concluded = conclude(&ours, &described(&line("RTP/SAVP", &sha))).unwrap().srtp;
    assert_eq!(concluded, first.srtp);
}

#[test]
fn no_debug_text_holds_a_key() {
    let offered = described(&line("RTP/SAVP", &crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY)));
    let (description, agreed) = answer(&offered, &LOCAL, &allowed()).unwrap();
    let ours = description.media()[0].attribute("crypto").unwrap().split("inline:").nth(1).unwrap();
    let text = format!("{offered:?} {description:?} {agreed:?} {:?}", allowed());
    assert!(!text.contains(KEY) && !text.contains(ours), "{text}");
    assert!(description.to_string().contains(ours));
}
