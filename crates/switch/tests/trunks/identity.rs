//! RFC 3325, 3323, 5806, 7044: who calls is believed and told where the trunk is trusted, and nowhere else.

use super::*;
use sip_message::HeaderName;

const FAR: &str = "127.0.0.4:5060";

/// Calls come by `far` and leave by `carrier`; user 101 may call out, and send calls out.
fn scene(far: bool, carrier: bool, change: impl FnOnce(&mut Trunk)) -> Scene {
    let mut out = Trunk { trusted: carrier, ..trunk("carrier", CARRIER) };
    change(&mut out);
    let mut config = with(out);
    config.trunks.push(Trunk { trusted: far, ..trunk("far", FAR) });
    config.grants.values_mut().next().unwrap().askers.insert(Asker::Trunk("far".into()));
    config.emergency = Some(switch::Emergency { numbers: ["112".into()].into(), trunk: "carrier".into() });
    let mut s = Scene::of(config);
    let (carrier, far) = (s.carrier, s.world.phone(FAR));
    s.world.at(carrier).carrier = None;
    s.world.at(far).carrier = None;
    s
}

fn calls(s: &mut Scene, from: &str, me: &str, number: &str, headers: &[(&str, &str)]) -> SocketAddr {
    let phone = s.world.phone(from);
    s.world.at(phone).headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    s.world.with_phone(phone, |phone, now| phone.call(now, me, number));
    s.world.run(SECOND);
    phone
}

/// What stands in the INVITE that came last: From without its tag, and the values of a header field.
fn told(s: &mut Scene, who: SocketAddr, name: HeaderName) -> (String, Vec<String>) {
    let request = s.world.at(who).invited.clone().unwrap();
    let from = request.head.from.to_string();
    let values = request.head.headers(name).map(str::to_owned).collect();
    (from.split(";tag").next().unwrap().to_owned(), values)
}

const ANONYMOUS: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

#[test]
fn an_agents_phone_shows_who_a_trusted_trunk_says_calls_unless_he_wants_to_be_hidden() {
    let pai = ("P-Asserted-Identity", "\"Ann\" <sip:+49301@far.example>");
    let ppi = ("P-Preferred-Identity", "<sip:+49777@far.example>");
    let ann = "\"Ann\" <sip:+49301@127.0.0.1>";
    let claimed = "<sip:+49666@127.0.0.1>";
    for (trusted, headers, shown, record) in [
        (true, &[pai][..], ann, ("+49301", true, false)),
        (false, &[pai], claimed, ("+49666", false, false)),
        (true, &[], claimed, ("+49666", false, false)),
        (true, &[ppi], claimed, ("+49666", false, false)),
        (false, &[ppi], claimed, ("+49666", false, false)),
        (true, &[pai, ("Privacy", "id")], ANONYMOUS, ("+49301", true, true)),
        (true, &[pai, ("Privacy", "none")], ann, ("+49301", true, false)),
        (true, &[pai, ("Privacy", "session")], ann, ("+49301", true, false)),
        (true, &[("Privacy", "user;critical")], ANONYMOUS, ("+49666", false, true)),
        (false, &[("Privacy", "header")], ANONYMOUS, ("+49666", false, true)),
        (false, &[pai, ("Privacy", "id")], ANONYMOUS, ("+49666", false, true)),
        (true, &[("P-Asserted-Identity", "<tel:+49-30-2>")], "<sip:+49302@127.0.0.1>", ("+49302", true, false)),
    ] {
        let mut s = scene(trusted, true, |_| {});
        let caller = calls(&mut s, "127.0.0.4:6000", "+49666", "101", headers);
        let ada = s.ada;
        for hidden in [
            HeaderName::PAssertedIdentity,
            HeaderName::PPreferredIdentity,
            HeaderName::Privacy,
            HeaderName::Diversion,
            HeaderName::HistoryInfo,
        ] {
            let (from, values) = told(&mut s, ada, hidden);
            assert_eq!((&*from, values), (shown, vec![]), "{trusted} {headers:?} {hidden}");
        }
        s.hang_up(caller);
        s.end();
        let cdr = s.world.cdrs.last().unwrap();
        assert_eq!((&**cdr.from.reveal(), cdr.asserted, cdr.private), record, "{trusted} {headers:?}");
    }
}

#[test]
fn who_calls_out_is_asserted_to_trusted_trunks_alone() {
    let id = ("Privacy", "id");
    for (trusted, caller_id, headers, from, asserted, privacy) in [
        (
            true,
            CallerId::Number("+4930555".into()),
            &[][..],
            "<sip:+4930555@127.0.0.1>",
            Some("<sip:+4930555@127.0.0.1>"),
            None,
        ),
        (true, CallerId::Number("+4930555".into()), &[id], ANONYMOUS, Some("<sip:+4930555@127.0.0.1>"), Some("id")),
        (true, CallerId::Caller, &[], "<sip:101@127.0.0.1>", Some("<sip:101@127.0.0.1>"), None),
        (
            true,
            CallerId::Caller,
            &[("Privacy", "user;id;session")],
            ANONYMOUS,
            Some("<sip:101@127.0.0.1>"),
            Some("user;id"),
        ),
        (true, CallerId::Anonymous, &[], ANONYMOUS, None, None),
        (false, CallerId::Number("+4930555".into()), &[], "<sip:+4930555@127.0.0.1>", None, None),
        (false, CallerId::Number("+4930555".into()), &[id], ANONYMOUS, None, None),
        (false, CallerId::Caller, &[id], ANONYMOUS, None, None),
    ] {
        let mut s = scene(false, trusted, |trunk| trunk.caller_id = caller_id.clone());
        // What a phone asserts, or prefers, is its own word.
        let lies = [("P-Asserted-Identity", "<sip:+49110@x>"), ("P-Preferred-Identity", "<sip:+49110@x>")];
        let lies = [&lies[..], &[("Diversion", "<sip:+49110@x>"), ("History-Info", "<sip:+49110@x>;index=1")]].concat();
        calls(&mut s, "127.0.0.1:6000", "101", NUMBER, &[headers, &lies].concat());
        let carrier = s.carrier;
        let (shown, values) = told(&mut s, carrier, HeaderName::PAssertedIdentity);
        let case = format!("{trusted} {caller_id:?} {headers:?}");
        assert_eq!((&*shown, values.first().map(String::as_str)), (from, asserted), "{case}");
        assert_eq!(told(&mut s, carrier, HeaderName::Privacy).1.first().map(String::as_str), privacy, "{case}");
        let invite = s.world.at(carrier).invited.clone().unwrap();
        assert!(!invite.head.source().contains("+49110"), "{case}: {}", invite.head.source());
        let hides = from == ANONYMOUS && asserted.is_none();
        assert!(!hides || !invite.head.source().contains("sip:101@"), "{case}: {}", invite.head.source());
    }
}

#[test]
fn who_calls_through_is_asserted_where_both_trunks_are_trusted() {
    let headers = [("P-Asserted-Identity", "\"Ann\" <sip:+49301@far.example>"), ("Privacy", "id")];
    let ann = "\"Ann\" <sip:+49301@127.0.0.1>";
    let ours = "<sip:+4930555@127.0.0.1>";
    for (far, carrier, asserted, privacy) in [
        (true, true, Some(ann), Some("id")),
        (true, false, None, None),
        // He may be anybody: what we can stand up for is our own number.
        (false, true, Some(ours), Some("id")),
        (false, false, None, None),
    ] {
        let mut s = scene(far, carrier, |_| {});
        calls(&mut s, "127.0.0.4:6000", "+49666", NUMBER, &headers);
        let to = s.carrier;
        let (from, values) = told(&mut s, to, HeaderName::PAssertedIdentity);
        assert_eq!((&*from, values.first().map(String::as_str)), (ANONYMOUS, asserted), "{far} {carrier}");
        assert_eq!(told(&mut s, to, HeaderName::Privacy).1.first().map(String::as_str), privacy, "{far} {carrier}");
        let invite = s.world.at(to).invited.clone().unwrap();
        assert_eq!(invite.head.source().contains("+49301"), asserted == Some(ann), "{}", invite.head.source());
        assert!(!invite.head.source().contains("+49666"), "{}", invite.head.source());
    }
}

#[test]
fn nobody_stands_up_for_a_number_that_an_untrusted_trunk_wrote() {
    let mut s = scene(false, true, |trunk| trunk.caller_id = CallerId::Caller);
    calls(&mut s, "127.0.0.4:6000", "+49666", NUMBER, &[]);
    let to = s.carrier;
    assert_eq!(told(&mut s, to, HeaderName::PAssertedIdentity), ("<sip:+49666@127.0.0.1>".to_owned(), vec![]));
}

#[test]
fn who_wants_what_nobody_knows_hidden_at_any_price_is_refused() {
    for (value, fails) in [("secret;critical", true), ("secret", false), ("id;critical", false)] {
        for from in ["127.0.0.4:6000", "127.0.0.1:6000"] {
            let mut s = scene(true, true, |_| {});
            let caller = calls(&mut s, from, "101", "1000", &[("Privacy", value)]);
            assert_eq!(s.saw(caller, &Seen::Refused(500)), fails, "{value}: {:?}", s.world.at(caller).seen);
            s.hang_up(caller);
            s.end();
        }
    }
}

#[test]
fn what_a_trusted_trunk_garbles_is_told_and_costs_no_call() {
    let long = format!("<sip:{}@h>;index=1", "1".repeat(600));
    let many = vec!["<sip:1@h>"; 30].join(", ");
    for (headers, ignored) in [
        (&[("P-Asserted-Identity", "<sip:a@h>, <sip:b@h>")][..], vec!["P-Asserted-Identity too many values"]),
        (&[("P-Asserted-Identity", "\"x <sip:")], vec!["P-Asserted-Identity malformed"]),
        (&[("History-Info", &*long), ("Diversion", "<>")], vec!["History-Info malformed", "Diversion malformed"]),
        (&[("Diversion", &*many)], vec!["Diversion too many values"]),
        (&[("Privacy", ";;\u{7f};=")], vec![]),
    ] {
        for trusted in [true, false] {
            let mut s = scene(trusted, true, |_| {});
            let caller = calls(&mut s, "127.0.0.4:6000", "+49666", "1000", headers);
            assert!(s.saw(caller, &Seen::Answered), "{headers:?}: {:?}", s.world.at(caller).seen);
            let found = s.told(|kind| match kind {
                Kind::IdentityIgnored { header, why } => Some(format!("{header} {why}")),
                _ => None,
            });
            assert_eq!(found, if trusted { ignored.clone() } else { vec![] });
            s.hang_up(caller);
            s.end();
            assert_eq!(s.world.cdrs.last().unwrap().from.reveal(), "+49666");
        }
    }
}

#[test]
fn whom_a_call_was_for_before_is_known_where_the_trunk_is_trusted() {
    let diversion = ("Diversion", "<sip:+49302@h>;reason=user-busy, <sip:+49303@h>;reason=no-answer;privacy=full");
    let history = ("History-Info", "<sip:+49309@h>;index=1, <sip:101@h;cause=408>;index=1.1;mp=1");
    for (trusted, headers, expected) in [
        (true, &[diversion][..], vec![("+49302", "user-busy", false), ("+49303", "no-answer", true)]),
        (true, &[history], vec![("+49309", "no-answer", false)]),
        (true, &[diversion, history], vec![("+49309", "no-answer", false)]),
        (false, &[diversion, history], vec![]),
    ] {
        let mut s = scene(trusted, true, |_| {});
        let caller = calls(&mut s, "127.0.0.4:6000", "+49666", "1000", headers);
        s.hang_up(caller);
        s.end();
        let cdr = s.world.cdrs.last().unwrap();
        let found: Vec<_> = cdr.diverted_from.iter().map(|d| (&**d.number.reveal(), &*d.reason, d.private)).collect();
        assert_eq!(found, expected, "{trusted} {headers:?}");
    }
}

#[test]
fn who_sends_a_call_out_is_told_to_trusted_trunks_before_those_who_did_so_earlier() {
    for trusted in [true, false] {
        let mut s = scene(true, trusted, |_| {});
        let earlier = ("Diversion", "<sip:+49302@h>;reason=user-busy;privacy=full");
        calls(&mut s, "127.0.0.4:6000", "+49666", "101", &[earlier]);
        s.world.with_phone(s.ada, |phone, now| phone.redirect(now, "sip:+49309@127.0.0.1"));
        s.world.run(SECOND);
        let to = s.carrier;
        let (diversion, history) =
            (told(&mut s, to, HeaderName::Diversion).1, told(&mut s, to, HeaderName::HistoryInfo).1);
        if trusted {
            assert_eq!(
                diversion,
                [
                    "<sip:101@127.0.0.1>;reason=unconditional;privacy=off;counter=1",
                    "<sip:+49302@127.0.0.1>;reason=user-busy;privacy=full;counter=1"
                ]
            );
            assert_eq!(
                history,
                ["<sip:+49302@127.0.0.1?Privacy=history>;index=1, <sip:101@127.0.0.1;cause=486>;index=1.1;mp=1, \
                  <sip:+49309@127.0.0.3:5060;cause=302>;index=1.1.1;mp=1.1"]
            );
        } else {
            assert_eq!((diversion, history), (vec![], vec![]));
            let invite = s.world.at(to).invited.clone().unwrap();
            assert!(!invite.head.source().contains("+49302"), "{}", invite.head.source());
        }
    }
}

#[test]
fn who_transfers_a_call_out_is_told_and_who_calls_himself_is_not_diverted() {
    let mut s = scene(true, true, |_| {});
    calls(&mut s, "127.0.0.4:6000", "+49666", "101", &[]);
    s.world.with_phone(s.ada, |phone, now| phone.answer(now));
    s.world.run(SECOND);
    s.world.with_phone(s.ada, |phone, now| phone.refer(now, NUMBER));
    s.world.run(SECOND);
    let to = s.carrier;
    let diversion = told(&mut s, to, HeaderName::Diversion).1;
    assert_eq!(diversion, ["<sip:101@127.0.0.1>;reason=unknown;privacy=off;counter=1"]);
    let mut s = scene(true, true, |_| {});
    s.dial();
    assert_eq!(told(&mut s, to, HeaderName::Diversion).1, Vec::<String>::new());
    assert_eq!(told(&mut s, to, HeaderName::HistoryInfo).1, Vec::<String>::new());
}

#[test]
fn who_calls_for_help_is_shown_whatever_he_asks_for() {
    for asked in ["id", "header;user;secret;critical"] {
        let mut s = scene(true, true, |_| {});
        calls(&mut s, "127.0.0.1:6000", "101", "112", &[("Privacy", asked)]);
        let to = s.carrier;
        let (from, asserted) = told(&mut s, to, HeaderName::PAssertedIdentity);
        assert_eq!((&*from, &*asserted[0]), ("<sip:+4930555@127.0.0.1>", "<sip:+4930555@127.0.0.1>"));
        assert_eq!(told(&mut s, to, HeaderName::Privacy).1, Vec::<String>::new());
    }
}
