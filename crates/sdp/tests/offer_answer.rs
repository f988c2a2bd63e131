//! Offer/answer, table-driven.
//!
//! RFC 3264: 5.1 (payload types of offer and answer, direction, ptime), 6 (an answer has the offer's m= lines in
//! order; rejected ones have port 0; t= is repeated), 6.1 (direction reversed, order of formats), 7 (processing the
//! answer), 8 (o= version), 8.4 (hold at 0.0.0.0). RFC 8866: 5.7 (c=), 6.4–6.7. RFC 3605 (a=rtcp). RFC 4733: 2.4.1
//! (a=fmtp of telephone-event). RFC 3261: 13.2.1 (offer in the 2xx), 20.43 (Warning), 21.4.26 (488).

#![allow(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp::{Agreed, Codec, Description, Direction, Local, Preferences, Refusal, answer, conclude, offer, parse};

const LOCAL: Local =
    Local { address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), port: 16_384, session_id: 42, version: 7 };

/// A description of `media` lines for a session at 192.0.2.1.
fn described(media: &str) -> Description {
    parse(format!("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{media}").as_bytes()).unwrap()
}

fn answered(media: &str) -> Result<(Description, Agreed), Refusal> {
    answer(&described(media), &LOCAL, &Preferences::default())
}

fn agreed(media: &str) -> Agreed {
    answered(media).unwrap().1
}

fn socket(text: &str) -> Option<SocketAddr> {
    Some(text.parse().unwrap())
}

#[test]
fn a_plain_offer_is_answered_with_its_first_codec_and_its_payload_types() {
    let (description, agreed) = answered(
        "m=audio 5000 RTP/AVP 18 8 0 96\na=rtpmap:18 G729/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\n\
         a=rtpmap:96 telephone-event/8000\na=fmtp:96 0-15\na=ptime:20\na=sendrecv\n",
    )
    .unwrap();
    assert_eq!(
        agreed,
        Agreed {
            remote: socket("192.0.2.1:5000"),
            remote_rtcp: socket("192.0.2.1:5001"),
            direction: Direction::SendRecv,
            codec: Codec::Pcma,
            send_pt: 8,
            receive_pt: 8,
            receive_other: None,
            dtmf_send_pt: Some(96),
            dtmf_receive_pt: Some(96),
            send_ptime_ms: 20,
            srtp: None,
        }
    );
    let expected = "v=0\r\no=- 42 7 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
                    m=audio 16384 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\n\
                    a=fmtp:96 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
    assert_eq!(description.to_string(), expected);
}

#[test]
fn a_codec_is_found_by_static_payload_type_or_by_any_mapping() {
    let cases = [
        ("0", "", Codec::Pcmu, 0),
        ("8", "", Codec::Pcma, 8),
        ("8", "a=rtpmap:8 PCMA/8000/1\n", Codec::Pcma, 8),
        ("97 0", "a=rtpmap:97 pcma/8000\n", Codec::Pcma, 97),
        ("3 0", "a=rtpmap:0 pcmu/8000\n", Codec::Pcmu, 0),
        // Two channels or 16 kHz are other codecs.
        ("97 98 0", "a=rtpmap:97 PCMA/8000/2\na=rtpmap:98 PCMA/16000\n", Codec::Pcmu, 0),
        // A mapping may give a static number another meaning.
        ("0 8", "a=rtpmap:0 opus/48000/2\n", Codec::Pcma, 8),
        // A mapping for a format that is not listed maps nothing.
        ("8", "a=rtpmap:0 PCMU/8000\n", Codec::Pcma, 8),
        ("300 -1 x 8", "", Codec::Pcma, 8),
    ];
    for (formats, mappings, codec, pt) in cases {
        let agreed = agreed(&format!("m=audio 5000 RTP/AVP {formats}\n{mappings}"));
        assert_eq!((agreed.codec, agreed.send_pt, agreed.receive_pt), (codec, pt, pt), "{formats} {mappings}");
    }
}

#[test]
fn digits_go_by_the_event_format_of_8_khz_whatever_its_number() {
    let cases = [
        ("0 101", "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n", Some(101), Some(101)),
        ("0 127", "a=rtpmap:127 Telephone-Event/8000\n", Some(127), Some(127)),
        ("0 110 126", "a=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000\n", Some(126), Some(126)),
        ("0 101", "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-11,16,32-49\n", Some(101), Some(101)),
        ("0 101", "a=rtpmap:101 telephone-event/8000\na=fmtp:101 events=0-15\n", Some(101), Some(101)),
        // Only fax tones: it takes no digits from us.
        ("0 101", "a=rtpmap:101 telephone-event/8000\na=fmtp:101 32-36\n", None, Some(101)),
        ("0 101", "", None, None),
        ("0", "a=rtpmap:101 telephone-event/8000\n", None, None),
        ("0 110", "a=rtpmap:110 telephone-event/48000\n", None, None),
    ];
    for (formats, lines, send, receive) in cases {
        let agreed = agreed(&format!("m=audio 5000 RTP/AVP {formats}\n{lines}"));
        assert_eq!((agreed.dtmf_send_pt, agreed.dtmf_receive_pt), (send, receive), "{formats} {lines}");
    }
    let none = Preferences { dtmf: false, ..Preferences::default() };
    let with_events = described("m=audio 5000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n");
    let (description, agreed) = answer(&with_events, &LOCAL, &none).unwrap();
    assert_eq!((agreed.dtmf_send_pt, agreed.dtmf_receive_pt), (None, None));
    assert_eq!(description.media()[0].formats().collect::<Vec<_>>(), ["0"]);
}

#[test]
fn direction_is_reversed_and_the_media_level_wins() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let cases = [
        ("", "", SendRecv),
        ("", "a=sendrecv\n", SendRecv),
        ("", "a=sendonly\n", RecvOnly),
        ("", "a=recvonly\n", SendOnly),
        ("", "a=inactive\n", Inactive),
        ("a=sendonly\n", "", RecvOnly),
        ("a=inactive\n", "a=recvonly\n", SendOnly),
        ("", "a=SendOnly\n", RecvOnly),
        ("", "a=sendonly:no\n", SendRecv),
    ];
    for (session, media, ours) in cases {
        let (description, agreed) = answered(&format!("{session}m=audio 5000 RTP/AVP 0\n{media}")).unwrap();
        assert_eq!(agreed.direction, ours, "{session}{media}");
        assert_eq!(description.direction(&description.media()[0]), ours, "{session}{media}");
    }
}

#[test]
fn a_peer_on_hold_at_the_zero_address_is_sent_nothing() {
    for (connection, media, ours) in [
        ("c=IN IP4 0.0.0.0\n", "", Direction::RecvOnly),
        ("c=IN IP4 0.0.0.0\n", "a=sendonly\n", Direction::RecvOnly),
        ("c=IN IP4 0.0.0.0\n", "a=inactive\n", Direction::Inactive),
        ("c=IN IP4 0.0.0.0\n", "a=recvonly\n", Direction::Inactive),
        ("c=IN IP6 ::\n", "", Direction::RecvOnly),
    ] {
        let agreed = agreed(&format!("m=audio 5000 RTP/AVP 0\n{connection}{media}"));
        assert_eq!((agreed.remote, agreed.remote_rtcp, agreed.direction), (None, None, ours), "{connection}{media}");
    }
}

#[test]
fn media_goes_where_the_lines_say() {
    let v6 = Local { address: "2001:db8::5".parse().unwrap(), ..LOCAL };
    let cases = [
        (LOCAL, "", socket("192.0.2.1:5000"), socket("192.0.2.1:5001")),
        (LOCAL, "c=IN IP4 203.0.113.9\n", socket("203.0.113.9:5000"), socket("203.0.113.9:5001")),
        (LOCAL, "a=sendrecv\nc=IN IP4 203.0.113.9\n", socket("203.0.113.9:5000"), socket("203.0.113.9:5001")),
        (LOCAL, "c=IN IP6 ::ffff:203.0.113.9\n", socket("203.0.113.9:5000"), socket("203.0.113.9:5001")),
        (v6, "c=IN IP6 2001:db8::9\n", socket("[2001:db8::9]:5000"), socket("[2001:db8::9]:5001")),
        (LOCAL, "a=rtcp:53020\n", socket("192.0.2.1:5000"), socket("192.0.2.1:53020")),
        (LOCAL, "a=rtcp:53020 IN IP4 203.0.113.7\n", socket("192.0.2.1:5000"), socket("203.0.113.7:53020")),
        (LOCAL, "a=rtcp:9 IN IP4 0.0.0.0\na=rtcp-mux\n", socket("192.0.2.1:5000"), None),
        (LOCAL, "a=rtcp:5001 IN IP4 239.0.0.1\n", socket("192.0.2.1:5000"), None),
        (LOCAL, "a=rtcp:99999\n", socket("192.0.2.1:5000"), None),
        (LOCAL, "a=rtcp-mux\n", socket("192.0.2.1:5000"), socket("192.0.2.1:5001")),
    ];
    for (local, lines, rtp, rtcp) in cases {
        let offer = described(&format!("m=audio 5000 RTP/AVP 0\n{lines}"));
        let (description, agreed) = answer(&offer, &local, &Preferences::default()).unwrap();
        assert_eq!((agreed.remote, agreed.remote_rtcp), (rtp, rtcp), "{lines}");
        let family = if local.address.is_ipv4() { "IP4" } else { "IP6" };
        assert!(description.to_string().contains(&format!("\r\nc=IN {family} {}\r\n", local.address)));
    }
    assert_eq!(agreed("m=audio 65535 RTP/AVP 0\n").remote_rtcp, None, "there is no port after the last");
}

#[test]
fn the_packet_length_is_the_peers_wish_within_bounds() {
    let cases = [
        ("", 20),
        ("a=ptime:30\n", 30),
        ("a=ptime:20.0\n", 20),
        ("a=ptime:0\n", 20),
        ("a=ptime:5\n", 10),
        ("a=ptime:35\n", 30),
        ("a=ptime:4000\n", 60),
        ("a=ptime:70000\n", 20),
        ("a=maxptime:10\n", 10),
        ("a=ptime:60\na=maxptime:40\n", 40),
        ("a=maxptime:150\n", 20),
    ];
    for (lines, ms) in cases {
        assert_eq!(agreed(&format!("m=audio 5000 RTP/AVP 0\n{lines}")).send_ptime_ms, ms, "{lines}");
    }
}

#[test]
fn other_media_are_rejected_in_place() {
    let (description, agreed) = answered(
        "m=video 6000 RTP/AVP 31 34\na=rtpmap:31 H261/90000\nm=audio 5000 RTP/SAVP 0\nm=audio 5002 RTP/AVP 18\n\
         m=audio 5004 RTP/AVP 8\nm=audio 5006 RTP/AVP 0\n\
         m=image 7000 udptl t38\na=T38FaxVersion:0\nm=text 0 RTP/AVP 98\n",
    )
    .unwrap();
    assert_eq!(agreed.remote, socket("192.0.2.1:5004"));
    let lines: Vec<_> =
        description.to_string().lines().filter(|line| line.starts_with("m=")).map(str::to_owned).collect();
    let expected = [
        "m=video 0 RTP/AVP 31 34",
        "m=audio 0 RTP/SAVP 0",
        "m=audio 0 RTP/AVP 18",
        "m=audio 16384 RTP/AVP 8",
        "m=audio 0 RTP/AVP 0",
        "m=image 0 udptl t38",
        "m=text 0 RTP/AVP 98",
    ];
    assert_eq!(lines, expected);
    assert!(!description.to_string().contains("T38FaxVersion"));
}

#[test]
fn what_cannot_be_used_is_refused_with_its_warning() {
    let cases = [
        ("", 488, 304),
        ("m=video 6000 RTP/AVP 31\n", 488, 304),
        ("m=audio 0 RTP/AVP 0\n", 488, 304),
        ("m=audio 5000 RTP/AVP 18 9\na=rtpmap:9 G722/8000\n", 488, 305),
        ("m=audio 5000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n", 488, 305),
        ("m=audio 5000 RTP/SAVP 0\n", 488, 302),
        ("m=audio 5000 RTP/AVPF 0\n", 488, 302),
        ("m=audio 5000 UDP/TLS/RTP/SAVPF 0\n", 488, 302),
        ("m=audio 5000 TCP/RTP/AVP 0\n", 488, 302),
        ("m=audio 5000/2 RTP/AVP 0\n", 488, 399),
        ("m=audio 5000 RTP/AVP 0\nc=IN IP4 224.2.1.1/127\n", 488, 330),
        ("m=audio 5000 RTP/AVP 0\nc=IN IP6 ff02::1\n", 488, 330),
        ("m=audio 5000 RTP/AVP 0\nc=IN IP6 2001:db8::1\n", 488, 300),
        ("m=audio 5000 RTP/AVP 0\nc=ATM NSAP 47.0091\n", 488, 300),
        ("m=audio 5000 RTP/AVP 0\nc=IN IP4 phone.example.com\n", 488, 301),
        ("m=audio 5000 RTP/AVP 0\nc=IN IP4 255.255.255.255\n", 488, 301),
        ("m=audio 5000 RTP/AVP 0\nc=IN IP4 192.0.2.1\nc=IN IP4 192.0.2.2\n", 400, 399),
        // The first audio line's fault is the one that is told.
        ("m=video 1 RTP/AVP 31\nm=audio 5000 RTP/SAVP 0\nm=audio 5000 RTP/AVP 18\n", 488, 302),
    ];
    for (media, status, warn_code) in cases {
        let refusal = answered(media).unwrap_err();
        assert_eq!((refusal.status, refusal.warn_code), (status, warn_code), "{media}");
        let warning = refusal.warning("pbx.example");
        assert!(warning.starts_with(&format!("{warn_code} pbx.example \"")), "{warning}");
        assert_eq!(warning.matches('"').count(), 2, "{warning}");
    }
    let without_c = parse(b"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 5000 RTP/AVP 0\n").unwrap();
    assert_eq!(answer(&without_c, &LOCAL, &Preferences::default()).unwrap_err().status, 400);
}

#[test]
fn the_answer_repeats_the_offers_time_and_counts_its_own_version() {
    let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=x\nc=IN IP4 192.0.2.1\n\
                t=3034423619 3042462419\nr=1 2 3\nm=audio 5 RTP/AVP 0";
    let offer = parse(text.as_bytes()).unwrap();
    let (first, _) = answer(&offer, &LOCAL, &Preferences::default()).unwrap();
    let (second, _) = answer(&offer, &LOCAL.next_version(), &Preferences::default()).unwrap();
    assert!(first.to_string().contains("\r\nt=3034423619 3042462419\r\n"));
    assert_eq!((first.origin().session_id(), first.origin().version()), ("42", "7"));
    assert_eq!((second.origin().session_id(), second.origin().version()), ("42", "8"));
    assert!(first.repeats(&first.clone()) && !second.repeats(&first));
}

#[test]
fn the_numbers_of_our_origin_fit_63_bits() {
    let local = Local { session_id: u64::MAX, version: u64::MAX, ..LOCAL };
    let origin = offer(&local, &Preferences::default()).origin().clone();
    assert_eq!(origin.session_id().parse::<i64>(), Ok(i64::MAX));
    assert_eq!(origin.version().parse::<i64>(), Ok(i64::MAX));
}

#[test]
fn our_offer_names_all_that_we_take() {
    let expected = "v=0\r\no=- 42 7 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
                    m=audio 16384 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
                    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
    let preferences = Preferences { codecs: vec![Codec::Pcma, Codec::Pcmu], ..Preferences::default() };
    assert_eq!(offer(&LOCAL, &preferences).to_string(), expected);
}

#[test]
fn an_answer_to_our_offer_is_concluded_with_each_sides_payload_types() {
    let ours = offer(&LOCAL, &Preferences::default());
    let cases = [
        // (the answer's media, codec, send, receive, other, digits out, digits in)
        (
            "m=audio 5000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n",
            (Codec::Pcmu, 0, 0, None, Some(101), Some(101)),
        ),
        // Its own numbers for what it receives (RFC 3264 section 5.1).
        (
            "m=audio 5000 RTP/AVP 98 120\na=rtpmap:98 PCMA/8000\na=rtpmap:120 telephone-event/8000\n",
            (Codec::Pcma, 98, 8, None, Some(120), Some(101)),
        ),
        // Both codecs: it may send either.
        ("m=audio 5000 RTP/AVP 8 0\n", (Codec::Pcma, 8, 8, Some((0, Codec::Pcmu)), None, None)),
        // A dynamic number of our offer without its mapping.
        ("m=audio 5000 RTP/AVP 8 101\n", (Codec::Pcma, 8, 8, None, Some(101), Some(101))),
    ];
    for (media, expected) in cases {
        let agreed = conclude(&ours, &described(media)).unwrap();
        let Agreed { codec, send_pt, receive_pt, receive_other, dtmf_send_pt, dtmf_receive_pt, .. } = agreed;
        assert_eq!((codec, send_pt, receive_pt, receive_other, dtmf_send_pt, dtmf_receive_pt), expected, "{media}");
        assert_eq!((agreed.remote, agreed.direction), (socket("192.0.2.1:5000"), Direction::SendRecv), "{media}");
    }
}

#[test]
fn an_answers_direction_is_seen_from_its_side() {
    let ours = offer(&LOCAL, &Preferences::default());
    for (attribute, direction) in
        [("recvonly", Direction::SendOnly), ("sendonly", Direction::RecvOnly), ("inactive", Direction::Inactive)]
    {
        let agreed = conclude(&ours, &described(&format!("m=audio 5000 RTP/AVP 0\na={attribute}\n"))).unwrap();
        assert_eq!(agreed.direction, direction, "{attribute}");
    }
    let held = conclude(&ours, &described("m=audio 5000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n")).unwrap();
    assert_eq!((held.remote, held.direction), (None, Direction::RecvOnly));
}

#[test]
fn an_answer_that_fits_no_offer_is_refused() {
    let ours = offer(&LOCAL, &Preferences::default());
    let cases = [
        ("", 400),
        ("m=audio 5000 RTP/AVP 0\nm=video 0 RTP/AVP 31\n", 400),
        ("m=video 5000 RTP/AVP 0\n", 400),
        ("m=audio 0 RTP/AVP 0\n", 488),
        ("m=audio 5000 RTP/AVP 18\n", 488),
        ("m=audio 5000 RTP/SAVP 0\n", 488),
        ("m=audio 5000 RTP/AVP 0\nc=IN IP4 224.0.0.1\n", 488),
        ("m=audio 5000 RTP/AVP 0\nc=IN IP6 2001:db8::1\n", 488),
    ];
    for (media, status) in cases {
        assert_eq!(conclude(&ours, &described(media)).unwrap_err().status, status, "{media}");
    }
    let pcma = offer(&LOCAL, &Preferences { codecs: vec![Codec::Pcma], ..Preferences::default() });
    assert_eq!(conclude(&pcma, &described("m=audio 5000 RTP/AVP 0\n")).unwrap_err().warn_code, 305);
}

/// A call whose INVITE has no offer: ours goes in the 2xx, the answer comes in the ACK (RFC 3261 section 13.2.1).
#[test]
fn a_delayed_offer_comes_to_the_same_on_both_sides() {
    let ours = offer(&LOCAL, &Preferences::default());
    let theirs = Local { address: Ipv4Addr::new(192, 0, 2, 1).into(), port: 5000, session_id: 1, version: 1 };
    let (answered, they) = answer(&parse(&ours.to_bytes()).unwrap(), &theirs, &Preferences::default()).unwrap();
    let we = conclude(&ours, &parse(&answered.to_bytes()).unwrap()).unwrap();
    assert_eq!((we.remote, they.remote), (socket("192.0.2.1:5000"), socket("198.51.100.1:16384")));
    assert_eq!((we.codec, we.send_pt, we.receive_pt), (they.codec, they.receive_pt, they.send_pt));
    assert_eq!((we.dtmf_send_pt, we.dtmf_receive_pt), (they.dtmf_receive_pt, they.dtmf_send_pt));
}
