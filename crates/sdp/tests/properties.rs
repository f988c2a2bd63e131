//! What holds for every text: nothing panics, and an answer mirrors its offer's m= lines (RFC 3264 section 6).

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use sdp::{Local, Preferences, answer, conclude, offer, parse};

const LOCAL: Local =
    Local { address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), port: 16_384, session_id: 1, version: 1 };

/// The value of an a= line that means something to us.
const ATTRIBUTE: &str = concat!(
    "(rtpmap:(0|8|97|101) (PCMU|pcma|telephone-event|opus)/(8000|48000)|fmtp:(97|101) [0-9,-]{1,9}",
    "|ptime:[0-9.]{1,3}|maxptime:[0-9]{1,3}|rtcp:[0-9]{1,5}( IN IP4 192\\.0\\.2\\.9)?",
    "|sendonly|recvonly|inactive|sendrecv)",
);

/// A line that is likely to be half right.
fn line() -> impl Strategy<Value = String> {
    let media = concat!(
        "(audio|video|image|AUDIO) (0|9|5000|65535|65536|5000/2) ",
        "(RTP/AVP|RTP/SAVP|udptl|rtp/avp)( (0|8|18|97|101|t38)){1,4}",
    );
    let connection = "IN (IP4|IP6) (0\\.0\\.0\\.0|192\\.0\\.2\\.1|::|2001:db8::1|239\\.0\\.0\\.1/1|example)";
    let value = prop_oneof![
        media.prop_map(|value| format!("m={value}")),
        connection.prop_map(|value| format!("c={value}")),
        ATTRIBUTE.prop_map(|value| format!("a={value}")),
        "[a-z]=\\PC{0,20}",
        "\\PC{0,20}",
    ];
    (value, prop_oneof![Just("\r\n"), Just("\n")]).prop_map(|(value, end)| value + end)
}

fn text() -> impl Strategy<Value = String> {
    (any::<bool>(), prop::collection::vec(line(), 0..25)).prop_map(|(head, lines)| {
        let head = if head { "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n" } else { "v=0\n" };
        head.to_owned() + &lines.concat()
    })
}

/// A media section that reads, and is more often audio that we can use than not.
fn section() -> impl Strategy<Value = String> {
    let media = concat!(
        "(audio|audio|AUDIO|video|image) (0|9|5000|5000|65535|5000/2) ",
        "(RTP/AVP|RTP/AVP|rtp/avp|RTP/SAVP|udptl)( (0|8|18|97|101|t38)){1,4}",
    );
    let connection = prop_oneof![
        6 => Just(String::new()),
        3 => "c=IN IP4 (192\\.0\\.2\\.9|0\\.0\\.0\\.0)\n",
        1 => "c=IN (IP6 2001:db8::1|IP6 ::|IP4 239\\.0\\.0\\.1/1|IP4 example)\n",
    ];
    (media, connection, prop::collection::vec(ATTRIBUTE.prop_map(|value| format!("a={value}\n")), 0..6))
        .prop_map(|(media, connection, attributes)| format!("m={media}\n{connection}{}", attributes.concat()))
}

fn offered() -> impl Strategy<Value = String> {
    prop::collection::vec(section(), 1..6).prop_map(|sections| {
        format!("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{}", sections.concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_octets_make_the_reader_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&octets);
    }

    #[test]
    fn what_reads_prints_and_reads_again(text in text()) {
        if let Ok(description) = parse(text.as_bytes()) {
            prop_assert_eq!(parse(&description.to_bytes()), Ok(description));
        }
    }

    #[test]
    fn an_answer_has_the_offers_lines_in_order_and_one_stream(text in offered()) {
        let Ok(offered) = parse(text.as_bytes()) else { return Ok(()) };
        let _ = conclude(&offer(&LOCAL, &Preferences::default()), &offered);
        let Ok((answered, agreed)) = answer(&offered, &LOCAL, &Preferences::default()) else { return Ok(()) };
        let shape = |description: &sdp::Description| -> Vec<_> {
            let lines = description.media().iter();
            lines.map(|media| (media.kind().to_lowercase(), media.protocol().to_uppercase())).collect()
        };
        prop_assert_eq!(shape(&answered), shape(&offered));
        let open: Vec<_> = answered.media().iter().filter(|media| media.port() != 0).collect();
        prop_assert_eq!(open.len(), 1);
        prop_assert_eq!(open[0].port(), LOCAL.port);
        prop_assert!(agreed.remote.is_some() || !agreed.direction.sends());
        prop_assert!(parse(&answered.to_bytes()).is_ok());
    }
}

/// The property above says nothing about offers that are refused: enough of the generated ones must not be.
#[test]
fn enough_of_the_generated_offers_are_taken() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let texts = (0..500).filter_map(|_| Some(offered().new_tree(&mut runner).ok()?.current()));
    let taken = texts.filter(|text| {
        parse(text.as_bytes()).is_ok_and(|offer| answer(&offer, &LOCAL, &Preferences::default()).is_ok())
    });
    let taken = taken.count();
    println!("{taken} of 500 taken");
    assert!(taken > 100, "{taken}");
}
