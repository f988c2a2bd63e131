//! The messages of RFC 4475 and RFC 5118, where the corpus is at hand.
//!
//! Cases: all 49 of RFC 4475 sections 3.1.1 (valid), 3.1.2 (invalid), 3.2 (transaction layer), 3.3 (application layer) and
//! 3.4 (backward compatibility); all 12 of RFC 5118 section 4. For the valid ones the values that matter are asserted. What
//! is left to the UAS core (405, 406, 415, 416, 420, 501) must be read here without fault.

mod common;

use common::{reject, request, response, torture};
use sip_message::{AnyUri, Contacts, HeaderName, Host, Method, ParseError, Transport};

/// Ends the test if the corpus is not there.
macro_rules! corpus {
    ($name:literal) => {
        match torture($name) {
            Some(bytes) => bytes,
            None => return,
        }
    };
}

#[test]
fn wsinv_a_tortuous_invite_is_read() {
    let invite = request(corpus!("rfc4475/wsinv"));
    let head = &invite.head;
    assert_eq!(invite.method, Method::Invite);
    assert!(invite.uri.as_sip().unwrap().has_param("unknownparam"));
    assert_eq!(head.to.tag(), Some("1918181833n"));
    assert_eq!(head.from.display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(head.from.tag(), Some("98asjd8"));
    assert_eq!((head.max_forwards, head.cseq.number), (Some(68), 9));
    assert_eq!((head.via.host.clone(), head.via.branch()), ("192.0.2.2".parse().unwrap(), Some("390skdjuw")));
    assert_eq!(head.via.unique_branch(), None);
    assert_eq!(head.via_count, 3);
    assert!(head.raw_vias().nth(2).unwrap().starts_with("SIP  /    2.0   / UDP  192.168.255.111"));
    assert_eq!(head.header(HeaderName::Subject), Some(""));
    let words: Vec<_> = head.named("newfangledheader").unwrap().split_whitespace().collect();
    assert_eq!(words.join(" "), "newfangled value continued newfangled value");
    assert_eq!(head.named("UnknownHeaderWithUnusualValue"), Some(";;,,;;,;"));
    assert!(head.routes[0].uri.as_sip().unwrap().has_param("lr"));
    let contact = head.contacts.first().unwrap();
    assert_eq!(contact.display.as_deref(), Some("Quoted string \"\""));
    assert_eq!((contact.params.value("newparam"), contact.params.value("q")), (Some("newvalue"), Some("0.33")));
    assert!(contact.params.has("secondparam"));
    assert_eq!(invite.body.len(), 150);
}

#[test]
fn intmeth_every_character_of_the_grammar_is_kept() {
    let request = request(corpus!("rfc4475/intmeth"));
    let head = &request.head;
    assert_eq!(request.method.as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(head.cseq.number, 139_122_385);
    let uri = request.uri.as_sip().unwrap();
    assert_eq!(uri.raw_user(), "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert_eq!(uri.raw_password(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(uri.host(), &"example.com".parse().unwrap());
    assert_eq!(head.to.display.as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"), "not cut at NUL");
    assert_eq!(head.from.display.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(head.from.params.value("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(head.from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(head.call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
    assert_eq!(head.via.branch(), Some("z9hG4bK-.!%66*_+`'~"));
    assert_eq!(head.max_forwards, Some(255));
    assert_eq!(head.named("extensionHeader-!.%*+_`'~"), Some("\u{feff}大停電"));
}

#[test]
fn esc01_escapes_are_decoded_exactly_once() {
    let invite = request(corpus!("rfc4475/esc01"));
    assert_eq!(invite.uri.user().as_deref(), Some("sips:user@example.com"));
    assert_eq!(invite.uri.as_sip().unwrap().host(), &"example.net".parse().unwrap());
    assert_eq!(invite.head.to.uri.user().as_deref(), Some("user"));
    assert_eq!(invite.head.from.uri.user().as_deref(), Some("I have spaces"));
    let contact = invite.head.contacts.first().unwrap().uri.as_sip().unwrap();
    assert_eq!(contact.user().as_deref(), Some("caller"));
    assert!(contact.has_param("lr"));
    assert_eq!(contact.param("name").as_deref(), Some("value%41"));
    assert_eq!(invite.head.media_type(), Some("application/sdp"));
    assert_eq!(invite.body.len(), 150);
}

#[test]
fn escnull_a_user_is_not_cut_at_nul() {
    let register = request(corpus!("rfc4475/escnull"));
    assert_eq!(register.head.to.uri.user().as_deref(), Some("null-\0-null"));
    let contacts = register.head.contacts.as_slice();
    assert_eq!(contacts.len(), 2);
    assert_eq!(contacts[1].uri.user().as_deref(), Some("\0\0"));
    assert!(!contacts[0].uri.matches(&contacts[1].uri));
}

#[test]
fn esc02_methods_and_names_know_no_escapes() {
    let request = request(corpus!("rfc4475/esc02"));
    assert_eq!(request.method, Method::Other("RE%47IST%45R".into()));
    assert_eq!(request.head.contacts.as_slice().len(), 2);
    assert_eq!(request.head.to.display.as_deref(), Some("%Z%45"));
    assert_eq!(request.head.via.branch(), Some("z9hG4bK209%fzsnel234"));
}

#[test]
fn lwsdisp_a_display_name_may_touch_its_bracket() {
    let options = request(corpus!("rfc4475/lwsdisp"));
    assert_eq!(options.head.from.display.as_deref(), Some("caller"));
    assert_eq!(options.head.from.tag(), Some("323"));
}

#[test]
fn longreq_long_values_and_many_vias_are_kept_in_order() {
    let invite = request(corpus!("rfc4475/longreq"));
    assert_eq!(invite.head.via_count, 34);
    let vias: Vec<_> = invite.head.raw_vias().collect();
    assert_eq!((vias.len(), vias[0], vias[32]), (34, "SIP/2.0/TCP sip33.example.com", "SIP/2.0/TCP sip1.example.com"));
    assert!(invite.head.via.branch().is_none());
    assert!(vias[33].ends_with("longbranchvalue"));
    assert!(invite.head.from.tag().unwrap().len() > 150);
    assert!(invite.head.to.display.as_deref().unwrap().ends_with("extreme proportion"));
    assert_eq!(invite.head.to.uri.as_sip().unwrap().port(), Some(6000));
    assert!(invite.head.call_id.len() > 100);
    assert_eq!(invite.body.len(), 150);
}

#[test]
fn dblreq_octets_after_the_body_count_for_nothing() {
    let register = request(corpus!("rfc4475/dblreq"));
    assert_eq!((register.method, register.body.len()), (Method::Register, 0));
    assert_eq!(register.head.call_id, "dblreq.0ha0isndaksdj99sdfafnl3lk233412");
}

#[test]
fn semiuri_semicolons_before_the_at_belong_to_the_user() {
    let options = request(corpus!("rfc4475/semiuri"));
    assert_eq!(options.uri.user().as_deref(), Some("user;par=u@example.net"));
    assert!(options.uri.as_sip().unwrap().params().is_empty());
    assert_eq!(options.head.list(HeaderName::Accept).count(), 6);
}

#[test]
fn transports_unknown_ones_are_no_fault() {
    let options = request(corpus!("rfc4475/transports"));
    assert_eq!((options.head.via.transport.clone(), options.head.via_count), (Transport::Udp, 5));
}

#[test]
fn mpart01_a_binary_body_is_whole() {
    let message = request(corpus!("rfc4475/mpart01"));
    assert_eq!(message.method, Method::Message);
    assert_eq!(message.head.media_type(), Some("multipart/mixed"));
    assert_eq!(message.body.len(), 553);
    assert!(message.body.contains(&0));
    assert!(message.body.ends_with(b"--7a9cbec02ceef655--\r\n"));
}

#[test]
fn unreason_and_noreason_responses_are_read() {
    let unusual = response(corpus!("rfc4475/unreason"));
    assert_eq!((unusual.status.code(), unusual.body.len()), (200, 154));
    assert_eq!(unusual.reason, "= 2**3 * 5**2 но сто девяносто девять - простое");
    let none = response(corpus!("rfc4475/noreason"));
    assert_eq!((none.status.code(), none.reason.as_str()), (100, ""));
}

#[test]
fn invalid_requests_get_their_status() {
    let malformed = ParseError::Malformed;
    let cases = [
        ("badinv01", malformed(HeaderName::Via), 400),
        ("clerr", ParseError::ShortBody, 400),
        ("ncl", malformed(HeaderName::ContentLength), 400),
        ("scalar02", malformed(HeaderName::CSeq), 400),
        ("quotbal", malformed(HeaderName::To), 400),
        ("ltgtruri", ParseError::RequestUri, 400),
        ("lwsruri", ParseError::StartLine, 400),
        ("lwsstart", ParseError::StartLine, 400),
        ("escruri", ParseError::RequestUri, 400),
        ("regbadct", malformed(HeaderName::Contact), 400),
        ("badaspec", malformed(HeaderName::To), 400),
        ("baddn", ParseError::UnfinishedHead, 400),
        ("variants/baddn-closed", malformed(HeaderName::From), 400),
        ("badvers", ParseError::Version, 505),
        ("mismatch01", ParseError::MethodMismatch, 400),
        ("mismatch02", ParseError::MethodMismatch, 501),
        ("insuf", ParseError::Missing(HeaderName::From), 400),
        ("multi01", ParseError::Repeated(HeaderName::CSeq), 400),
        ("mcl01", ParseError::Repeated(HeaderName::ContentLength), 400),
    ];
    for (name, cause, status) in cases {
        let Some(bytes) = torture(&format!("rfc4475/{name}")) else { return };
        let rejected = reject(bytes);
        assert_eq!((rejected.cause, rejected.status.map(|s| s.code())), (cause, Some(status)), "{name}");
        let answer = rejected.answer("127.0.0.2:5060".parse().unwrap()).unwrap();
        assert!(answer.starts_with(format!("SIP/2.0 {status} ").as_bytes()), "{name}");
        assert!(answer.windows(5).any(|w| w == b";tag="), "{name}");
    }
}

/// `test.dat`, which no section of the RFC has: no version, and no Via to answer to.
#[test]
fn what_cannot_be_answered_or_is_a_response_is_dropped() {
    let cases = [
        ("scalarlg", ParseError::Malformed(HeaderName::CSeq)),
        ("bigcode", ParseError::StatusCode),
        ("test", ParseError::StartLine),
    ];
    for (name, cause) in cases {
        let Some(bytes) = torture(&format!("rfc4475/{name}")) else { return };
        let rejected = reject(bytes);
        assert_eq!((rejected.cause, rejected.status), (cause, None), "{name}");
        assert!(rejected.answer("127.0.0.2:5060".parse().unwrap()).is_none(), "{name}");
    }
}

/// Invalid, but with one meaning only: white space after the request line; a Date, which we do not read.
#[test]
fn trws_and_baddate_are_read_tolerantly() {
    assert_eq!(request(corpus!("rfc4475/trws")).method, Method::Options);
    let invite = request(corpus!("rfc4475/baddate"));
    assert_eq!(invite.header(HeaderName::Date), Some("Fri, 01 Jan 2010 16:00:00 EST"));
    assert_eq!(invite.body.len(), 150);
}

#[test]
fn badbranch_names_no_transaction_alone() {
    let options = request(corpus!("rfc4475/badbranch"));
    assert_eq!((options.head.via.branch(), options.head.via.unique_branch()), (Some("z9hG4bK"), None));
}

#[test]
fn what_the_uas_core_refuses_is_read_without_fault() {
    let unknown = request(corpus!("rfc4475/unkscm"));
    assert!(matches!(&unknown.uri, AnyUri::Other { scheme, .. } if *scheme == "nobodyKnowsThisScheme"));
    let novel = request(corpus!("rfc4475/novelsc"));
    assert!(
        matches!(&novel.uri, AnyUri::Other { scheme, rest } if *scheme == "soap.beep" && *rest == "//192.0.2.103:3002")
    );
    let register = request(corpus!("rfc4475/unksm2"));
    assert_eq!(register.head.to.uri.to_string(), "isbn:2983792873");
    assert_eq!(register.head.from.tag(), Some("3234233"));
    assert_eq!(register.head.contacts.first().unwrap().uri.to_string(), "name:John_Smith");
    let options = request(corpus!("rfc4475/bext01"));
    assert_eq!(options.head.require, ["nothingSupportsThis", "nothingSupportsThisEither"]);
    assert_eq!(options.head.list(HeaderName::ProxyRequire).count(), 2);
    let invite = request(corpus!("rfc4475/invut"));
    assert_eq!((invite.head.media_type(), invite.body.len()), (Some("application/unknownformat"), 40));
    let register = request(corpus!("rfc4475/regaut01"));
    assert_eq!(register.header(HeaderName::Authorization), Some("NoOneKnowsThisScheme opaque-data=here"));
    let invite = request(corpus!("rfc4475/sdp01"));
    assert_eq!(invite.header(HeaderName::Accept), Some("text/nobodyKnowsThis"));
    assert_eq!(request(corpus!("rfc4475/zeromf")).head.max_forwards, Some(0));
}

#[test]
fn bcast_a_stray_response_is_read_and_its_vias_counted() {
    let stray = response(corpus!("rfc4475/bcast"));
    assert_eq!((stray.head.via_count, stray.status.code()), (2, 200));
}

#[test]
fn cparam_and_regescrt_contact_parameters_and_headers_stay_where_they_stood() {
    let header = request(corpus!("rfc4475/cparam01"));
    let contact = header.head.contacts.first().unwrap();
    assert!(contact.params.has("unknownparam") && contact.uri.as_sip().unwrap().params().is_empty());
    let uri = request(corpus!("rfc4475/cparam02"));
    let contact = uri.head.contacts.first().unwrap();
    assert!(contact.params.is_empty() && contact.uri.as_sip().unwrap().has_param("unknownparam"));
    assert_eq!(contact.to_string(), "<sip:+19725552222@gw1.example.net;unknownparam>");
    let escaped = request(corpus!("rfc4475/regescrt"));
    let contact = escaped.head.contacts.first().unwrap().uri.as_sip().unwrap().clone();
    assert_eq!(contact.raw_headers(), "Route=%3Csip:sip.example.com%3E");
    assert!(escaped.head.routes.is_empty(), "never a Route of this request");
}

#[test]
fn inv2543_an_old_invite_is_read_with_the_rest_as_its_body() {
    let invite = request(corpus!("rfc4475/inv2543"));
    assert_eq!((invite.head.via.branch(), invite.head.from.tag(), invite.head.max_forwards), (None, None, None));
    assert_eq!(invite.head.from.uri.as_sip().unwrap().param("user").as_deref(), Some("phone"));
    assert_eq!(invite.head.to.params.value("user"), Some("phone"), "without brackets it is the field's");
    assert_eq!(invite.head.record_routes.len(), 1);
    assert!(invite.body.starts_with(b"v=0") && invite.body.ends_with(b"RTP/AVP 0\r\n"));
}

#[test]
fn rfc_5118_addresses_are_read() {
    let host = |text: &str| text.parse::<Host>().unwrap();
    let register = request(corpus!("rfc5118/ipv6-good"));
    assert_eq!(register.uri.as_sip().unwrap().host(), &host("[2001:db8::10]"));
    assert_eq!((&register.head.via.host, register.head.via.port), (&host("[2001:db8::9:1]"), None));
    let uri = request(corpus!("rfc5118/port-ambiguous")).uri;
    assert_eq!((uri.as_sip().unwrap().host(), uri.as_sip().unwrap().port()), (&host("[2001:db8::10:5070]"), None));
    let uri = request(corpus!("rfc5118/port-unambiguous")).uri;
    assert_eq!((uri.as_sip().unwrap().host(), uri.as_sip().unwrap().port()), (&host("[2001:db8::10]"), Some(5070)));
    for name in ["no-delim", "with-delim"] {
        let Some(bytes) = torture(&format!("rfc5118/via-received-param-{name}")) else { return };
        assert_eq!(request(bytes).head.via.received(), Some("2001:db8::9:255".parse().unwrap()));
    }
    assert_eq!(request(corpus!("rfc5118/ipv6-in-sdp")).body.len(), 251);
    assert_eq!(request(corpus!("rfc5118/mult-ip-in-header")).head.via_count, 3);
    assert_eq!(request(corpus!("rfc5118/mult-ip-in-sdp")).body.len(), 189);
    let mapped = request(corpus!("rfc5118/ipv4-mapped-ipv6"));
    assert_eq!((&mapped.head.via.host, mapped.head.via.port), (&host("[::ffff:192.0.2.10]"), Some(19823)));
    for name in ["bug-abnf-3-colons", "correct-abnf-2-colons"] {
        let Some(bytes) = torture(&format!("rfc5118/ipv6-{name}")) else { return };
        assert_eq!(request(bytes).uri.as_sip().unwrap().host(), &host("[2001:db8::192.0.2.1]"), "{name}");
    }
}

#[test]
fn rfc_5118_an_address_without_brackets_is_refused() {
    let rejected = reject(corpus!("rfc5118/ipv6-bad"));
    assert_eq!((rejected.cause, rejected.status.map(|s| s.code())), (ParseError::RequestUri, Some(400)));
}

/// Every file of the index has its place above, so that none is passed over.
#[test]
fn every_message_of_the_index_is_in_this_file() {
    let own = include_str!("torture.rs");
    for folder in ["rfc4475", "rfc5118"] {
        let Some(index) = common::corpus(&format!("{folder}/INDEX.tsv")) else { return };
        let index = String::from_utf8(index).unwrap();
        for name in index.lines().skip(1).filter_map(|line| line.split('\t').next()) {
            let parts: Vec<_> = if folder == "rfc5118" { name.rsplitn(2, "param-").collect() } else { vec![name] };
            let short = parts[0].trim_start_matches("ipv6-");
            assert!(own.contains(&format!("\"{short}\"")) || own.contains(&format!("/{name}\"")), "{folder}/{name}");
        }
    }
}

#[test]
fn star_is_no_list_of_contacts() {
    let text =
        b"REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: 1\r\n\
CSeq: 1 REGISTER\r\nContact: *\r\nExpires: 0\r\n\r\n";
    let register = request(text.to_vec());
    assert_eq!((register.head.contacts, register.head.max_forwards), (Contacts::Star, None));
}
