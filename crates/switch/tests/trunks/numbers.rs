//! Numbers as a trunk writes them: E.164 within, and leave is given for that alone.

use super::*;
use switch::{NumberRules, Rule, RuleWay};

fn rule(way: RuleWay, prefix: &str, replace: &str, not: &[&str]) -> Rule {
    Rule::new(way, prefix, replace, not, None, None).unwrap()
}

/// As carriers in Germany write them.
fn german() -> NumberRules {
    NumberRules {
        inward: vec![rule(RuleWay::In, "00", "+", &[]), rule(RuleWay::In, "0", "+49", &["00"])],
        outward: vec![rule(RuleWay::Out, "+49", "0", &[]), rule(RuleWay::Out, "+", "00", &["+49"])],
    }
}

/// User 101, and whoever comes by the trunk `other`, may call numbers with these beginnings by `carrier`.
fn scene(prefixes: &[&str], numbers: NumberRules) -> Scene {
    let mut config = with(Trunk { numbers: numbers.clone(), ..trunk("carrier", CARRIER) });
    config.trunks.push(Trunk { numbers, ..trunk("other", "127.0.0.4:5060") });
    let grant = config.grants.values_mut().next().unwrap();
    grant.prefixes = prefixes.iter().map(|&prefix| prefix.into()).collect();
    grant.askers.insert(Asker::Trunk("other".into()));
    config.emergency = Some(switch::Emergency { numbers: ["112".into()].into(), trunk: "carrier".into() });
    let menu = config.numbers["1000"].clone();
    config.numbers.insert("+4930100".into(), menu);
    let mut s = Scene::of(config);
    let carrier = s.carrier;
    s.world.at(carrier).carrier = None;
    s
}

fn calls(s: &mut Scene, from: &str, me: &str, number: &str) -> SocketAddr {
    let phone = s.world.phone(from);
    s.world.with_phone(phone, |phone, now| phone.call(now, me, number));
    s.world.run(SECOND);
    phone
}

#[test]
fn who_comes_by_the_trunk_has_a_number_of_e164_and_reaches_one() {
    let mut s = scene(&["+49"], german());
    let phone = calls(&mut s, "127.0.0.3:6000", "0044207", "030100");
    assert!(s.saw(phone, &Seen::Answered), "{:?}", s.world.at(phone).seen);
    s.hang_up(phone);
    s.end();
    let cdr = s.world.cdrs.last().unwrap();
    assert_eq!((&**cdr.from.reveal(), &**cdr.to.reveal()), ("+44207", "+4930100"));
    let received = cdr.received.clone().unwrap();
    assert_eq!((&**received.from.reveal(), &**received.to.reveal()), ("0044207", "030100"));
    let phone = calls(&mut s, "127.0.0.3:6001", "+44207", "+4930100");
    assert!(s.saw(phone, &Seen::Answered));
    s.hang_up(phone);
    s.end();
    assert_eq!(s.world.cdrs.last().unwrap().received, None, "nothing to add");
}

#[test]
fn what_goes_out_is_written_as_the_trunk_wants_and_kept_as_it_is() {
    for (number, written) in [("+4930999", "030999"), ("+44207", "0044207")] {
        let mut s = scene(&["+"], german());
        calls(&mut s, "127.0.0.1:6000", "101", number);
        let (from, to) = s.world.at(s.carrier).display.clone().unwrap();
        assert_eq!((&*from, &*to), ("030555", written));
        let told = s.told(|kind| match kind {
            Kind::LegBegan { role: journal::LegRole::Outside(outside), .. } => Some(outside.clone()),
            _ => None,
        });
        assert_eq!((told[0].number.reveal().as_str(), told[0].sent.reveal().as_str()), (number, written));
    }
}

#[test]
fn leave_is_given_for_the_number_as_it_is_before_any_rule_of_the_way_out() {
    // Each rule leads to what the grant holds, or from it to what it does not: what counts is what was asked for.
    let out =
        |prefix, replace| NumberRules { inward: Vec::new(), outward: vec![rule(RuleWay::Out, prefix, replace, &[])] };
    for (rules, number, goes) in [
        (out("0900", "+49"), "0900123", None),
        (out("+1900", "+49"), "+1900123", None),
        (out("", "+49"), "30999", None),
        (out("+49", "0"), "030999", None),
        (out("+49", "0"), "+4930999", Some("030999")),
    ] {
        let mut s = scene(&["+49"], rules);
        let phone = calls(&mut s, "127.0.0.1:6000", "101", number);
        assert_eq!(s.world.at(s.carrier).display.as_ref().map(|(_, to)| &**to), goes, "{number}");
        assert_eq!(s.saw(phone, &Seen::Refused(404)), goes.is_none(), "{number}: {:?}", s.world.at(phone).seen);
    }
}

#[test]
fn a_trunk_that_passes_calls_on_asks_for_leave_by_e164() {
    for (prefix, number, goes) in
        [("+49", "030999", true), ("0", "030999", false), ("+4930", "0049301", true), ("+4930", "0031301", false)]
    {
        let mut s = scene(&[prefix], german());
        let phone = calls(&mut s, "127.0.0.4:6000", "0171", number);
        assert_eq!(s.saw(s.carrier, &Seen::Rings), goes, "{prefix} {number}");
        assert_eq!(s.saw(phone, &Seen::Refused(404)), !goes, "{prefix} {number}");
    }
}

#[test]
fn whom_a_trunk_names_by_302_is_called_by_e164_and_by_the_same_leave() {
    for (target, goes) in [
        ("0301", Some("0301")),
        ("0049301", Some("0301")),
        ("+49301", Some("0301")),
        ("00900123", None),
        ("0900123", None),
        ("900123", None),
    ] {
        let mut s = scene(&["+4930"], german());
        let ada = calls(&mut s, "127.0.0.1:6000", "101", "+4930999");
        let carrier = s.carrier;
        s.world.at(carrier).display = None;
        s.world.with_phone(carrier, |phone, now| phone.redirect(now, &format!("sip:{target}@127.0.0.3")));
        s.world.run(SECOND);
        assert_eq!(s.world.at(carrier).display.as_ref().map(|(_, to)| &**to), goes, "{target}");
        assert_eq!(s.saw(ada, &Seen::Refused(603)), goes.is_none(), "{target}: {:?}", s.world.at(ada).seen);
    }
}

#[test]
fn help_is_called_for_by_the_number_that_was_dialled_and_no_rule_makes_it_another() {
    let mut rules = german();
    rules.outward.push(rule(RuleWay::Out, "1", "+491", &[]));
    rules.inward.push(rule(RuleWay::In, "1", "+491", &[]));
    let mut s = scene(&["+49"], rules);
    calls(&mut s, "127.0.0.1:6000", "101", "112");
    assert_eq!(s.world.at(s.carrier).display.as_ref().map(|(_, to)| &**to), Some("112"));
    // Help is for users; a trunk's 112 is a number like any other.
    let mut s = scene(&["+1"], german());
    let phone = calls(&mut s, "127.0.0.4:6000", "0171", "112");
    assert!(s.saw(phone, &Seen::Refused(404)), "{:?}", s.world.at(phone).seen);
}
