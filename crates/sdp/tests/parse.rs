//! Reading: what is tolerated, what is refused and with which status.
//!
//! RFC 8866: 5 (line ends, type letters), 5.1–5.14. RFC 3261: 21.4.1 (400), 21.4.11 (413), 21.4.26 (488).

use sdp::{Direction, MAX_BYTES, MAX_FORMATS, MAX_LINES, MAX_MEDIA, Refusal, SdpError, parse};

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

#[test]
fn line_ends_order_and_empty_lines_are_tolerated() {
    let expected = parse(format!("{HEAD}m=audio 5000 RTP/AVP 0\r\na=sendonly\r\n").as_bytes());
    let variants = [
        "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 5000 RTP/AVP 0\na=sendonly",
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\na=sendonly",
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n\nm=audio 5000 RTP/AVP 0\na=sendonly\n\r\n\n",
        "v=0\nt=0 0\nc=IN IP4 192.0.2.1\ns=-\no=- 1 1 IN IP4 192.0.2.1\nm=audio 5000 RTP/AVP 0\na=sendonly\n",
        "v=0\no=-  1 1 IN IP4  192.0.2.1\ns=-\nc=IN IP4 192.0.2.1 \nt=0 0\nm=audio  5000 RTP/AVP 0 \na=sendonly\n",
    ];
    assert!(expected.is_ok());
    for text in variants {
        assert_eq!(parse(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn lines_that_only_describe_and_unknown_attributes_are_passed_over() {
    let text = format!(
        "{HEAD}i=info\r\nu=https://example.com\r\ne=j@example.com\r\np=+1\r\nb=AS:64\r\nr=604800 3600 0 90000\r\n\
         z=1 -1h\r\nk=prompt\r\na=x-new\r\na=x-other:1:2\r\nm=audio 5000 RTP/AVP 0\r\ni=x\r\nb=AS:64\r\nk=prompt\r\n"
    );
    let description = parse(text.as_bytes()).unwrap();
    assert_eq!(description.media().len(), 1);
    assert_eq!(description.direction(&description.media()[0]), Direction::SendRecv);
}

#[test]
fn a_description_without_name_or_time_or_in_another_charset_is_read() {
    assert!(parse(b"v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\nm=audio 49217 RTP/AVP 0 12\n").is_ok());
    assert!(parse(b"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=Gespr\xe4ch\nt=0 0\n").is_ok());
    assert!(parse(b"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=\n").is_ok());
}

#[test]
fn an_origin_may_hold_long_numbers_and_any_address() {
    for origin in ["- 99999999999999999999999999 0 IN IP4 host.example.com", "u 1 2 IN IP6 [fd17::1]", "- 1 1 x y z"] {
        assert!(parse(format!("v=0\no={origin}\ns=-\n").as_bytes()).is_ok(), "{origin}");
    }
}

#[test]
fn what_does_not_read_is_refused_with_its_place() {
    use SdpError::{Malformed, NoOrigin, NoVersion, NotALine, Repeated, UnknownType, UnknownVersion};
    let m = |line| Malformed { line, kind: 'm' };
    let cases = [
        (String::new(), NoVersion, 400),
        ("\r\n".to_owned(), NoVersion, 400),
        ("o=- 1 1 IN IP4 192.0.2.1\nv=0\n".to_owned(), NoVersion, 400),
        ("v=0\n".to_owned(), NoOrigin, 400),
        ("v=1\no=- 1 1 IN IP4 192.0.2.1\n".to_owned(), UnknownVersion, 488),
        ("v=0\r\ntesting=123\r\n".to_owned(), NotALine { line: 2 }, 400),
        (format!("{HEAD}m =audio 5000 RTP/AVP 0\n"), NotALine { line: 6 }, 400),
        (format!("{HEAD}hello\n"), NotALine { line: 6 }, 400),
        (format!("{HEAD}A=x\n"), NotALine { line: 6 }, 400),
        (format!("{HEAD}a=x\0y\n"), NotALine { line: 6 }, 400),
        (format!("{HEAD}a=x\ry\n"), NotALine { line: 6 }, 400),
        (format!("{HEAD}y=0100000001\n"), UnknownType { line: 6 }, 488),
        (format!("{HEAD}v=0\n"), Repeated { line: 6, kind: 'v' }, 400),
        (format!("{HEAD}c=IN IP4 192.0.2.2\n"), Repeated { line: 6, kind: 'c' }, 400),
        ("v=0\no=- 1 IN IP4 192.0.2.1\n".to_owned(), Malformed { line: 2, kind: 'o' }, 400),
        ("v=0\no=- 1 x IN IP4 192.0.2.1\n".to_owned(), Malformed { line: 2, kind: 'o' }, 400),
        ("v=0\nc=IN IP4\n".to_owned(), Malformed { line: 2, kind: 'c' }, 400),
        ("v=0\nt=0\n".to_owned(), Malformed { line: 2, kind: 't' }, 400),
        (format!("{HEAD}a=\n"), Malformed { line: 6, kind: 'a' }, 400),
        (format!("{HEAD}m=audio\n"), m(6), 400),
        (format!("{HEAD}m=audio 5000\n"), m(6), 400),
        (format!("{HEAD}m=audio 5000 RTP/AVP\n"), m(6), 400),
        (format!("{HEAD}m=audio 65536 RTP/AVP 0\n"), m(6), 400),
        (format!("{HEAD}m=audio -1 RTP/AVP 0\n"), m(6), 400),
        (format!("{HEAD}m=audio +5000 RTP/AVP 0\n"), m(6), 400),
        (format!("{HEAD}m=audio 5000/0 RTP/AVP 0\n"), m(6), 400),
        (format!("{HEAD}m=audio 5000 RTP/AVP 0\nt=0 0\n"), Malformed { line: 7, kind: 't' }, 400),
    ];
    for (text, error, status) in cases {
        assert_eq!(parse(text.as_bytes()), Err(error), "{text}");
        assert_eq!(Refusal::from(error).status, status, "{error}");
    }
}

#[test]
fn sizes_and_counts_have_limits() {
    let media = "m=audio 5000 RTP/AVP 0\n";
    let cases = [
        (format!("{HEAD}a={}\n", "x".repeat(MAX_BYTES)), SdpError::TooLong),
        (format!("{HEAD}{}", "a=x\n".repeat(MAX_LINES)), SdpError::TooManyLines),
        (format!("{HEAD}{}", media.repeat(MAX_MEDIA + 1)), SdpError::TooManyMedia),
        (format!("{HEAD}m=audio 5000 RTP/AVP{}\n", " 0".repeat(MAX_FORMATS + 1)), SdpError::TooManyFormats { line: 6 }),
    ];
    for (text, error) in cases {
        assert_eq!(parse(text.as_bytes()), Err(error));
        assert_eq!(Refusal::from(error).status, 413);
    }
    assert!(parse(format!("{HEAD}{}", media.repeat(MAX_MEDIA)).as_bytes()).is_ok());
    assert!(parse(format!("{HEAD}m=audio 5000 RTP/AVP{}\n", " 0".repeat(MAX_FORMATS)).as_bytes()).is_ok());
}

#[test]
fn what_was_read_prints_as_it_was() {
    let text = format!(
        "{HEAD}a=sendonly\r\nm=audio 5000/2 RTP/AVP 0 101\r\nc=IN IP4 192.0.2.2\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=x\r\nm=image 6000 udptl t38\r\na=T38FaxVersion:0\r\n"
    );
    assert_eq!(parse(text.as_bytes()).map(|description| description.to_string()), Ok(text));
}
