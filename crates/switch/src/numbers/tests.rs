use base::Rng;

use super::*;

fn rule(way: Way, prefix: &str, replace: &str, not: &[&str], digits: Option<(usize, usize)>) -> Rule {
    Rule::new(way, prefix, replace, not, digits, None).unwrap()
}

#[test]
fn what_a_german_carrier_writes_becomes_e164_and_back() {
    let rules = NumberRules {
        inward: vec![
            rule(Way::In, "00", "+", &[], None),
            rule(Way::In, "0", "+49", &["00"], None),
            rule(Way::In, "", "+4930", &["0"], Some((3, 8))),
        ],
        outward: vec![rule(Way::Out, "+49", "0", &[], None), rule(Way::Out, "+", "00", &["+49"], None)],
    };
    let inward = [
        ("004420794600", Some("+4420794600")),
        ("0301234567", Some("+49301234567")),
        ("1234567", Some("+49301234567")),
        ("+49301234567", None),
        ("00", None),
        ("0", None),
        ("000", None),
        ("0001", None),
        ("anonymous", None),
        ("", None),
        ("+", None),
        ("0301234567890123", Some("+49301234567890123").filter(|n| n.len() <= 16)),
    ];
    for (number, becomes) in inward {
        assert_eq!(rules.inward(number, Of::Called).as_deref(), becomes, "{number}");
    }
    for (number, becomes) in
        [("+49301234567", Some("0301234567")), ("+4420794600", Some("004420794600")), ("112", None)]
    {
        assert_eq!(rules.outward(number, Of::Calling).as_deref(), becomes, "{number}");
    }
}

#[test]
fn what_is_wrong_with_a_rule_alone() {
    let new = |way, prefix, replace, not: &[&str], digits| Rule::new(way, prefix, replace, not, digits, None);
    for (prefix, replace, not, digits, fault) in [
        ("0x", "+", &[][..], None, RuleFault::Prefix),
        ("++", "+", &[], None, RuleFault::Prefix),
        ("0", "+4-9", &[], None, RuleFault::NoNumber),
        ("0", "++", &[], None, RuleFault::NoNumber),
        ("0", "49", &[], None, RuleFault::NotE164),
        ("0", "", &[], None, RuleFault::NotE164),
        ("0", "+049", &[], None, RuleFault::NotE164),
        ("0", "+49", &["00", "1"], None, RuleFault::Exception(1)),
        ("0", "+49", &["0"], None, RuleFault::Exception(0)),
        ("", "+49", &["+49"], None, RuleFault::Exception(0)),
        ("00", "+", &[], Some((1, 2)), RuleFault::Never),
        ("0", "+49", &["00", "01", "02", "03", "04", "05", "06", "07", "08", "09"], None, RuleFault::Never),
        ("0", "+123456789012345", &[], None, RuleFault::Never),
        ("00", "+", &[], Some((20, 30)), RuleFault::Never),
    ] {
        assert_eq!(new(Way::In, prefix, replace, not, digits).unwrap_err(), fault, "{prefix} → {replace}");
    }
    assert_eq!(new(Way::Out, "+49", "x", &[], None).unwrap_err(), RuleFault::NoNumber);
    assert!(new(Way::Out, "+49", "", &[], None).is_ok());
}

/// All numbers up to four digits, with and without a `+`.
fn short_numbers() -> Vec<String> {
    let digits = (1..=4usize).flat_map(|length| (0..10usize.pow(length as u32)).map(move |n| format!("{n:0length$}")));
    digits.flat_map(|digits| [format!("+{digits}"), digits]).collect()
}

/// A rule whose numbers have four digits at most: of few digits, so that two often have something in common.
fn random_rule(rng: &mut Rng, way: Way) -> Option<Rule> {
    let mut digits = |most: u64| -> String {
        let length = rng.u64() % (most + 1);
        (0..length).map(|_| char::from(b'0' + (rng.u64() % 3) as u8)).collect()
    };
    let prefix = digits(2);
    let nots: Vec<String> = (0..3).map(|_| digits(2)).filter(|more| !more.is_empty()).collect();
    let plus = if rng.u64().is_multiple_of(3) { "+" } else { "" };
    let prefix = format!("{plus}{prefix}");
    let mut nots: Vec<String> = nots.into_iter().map(|more| format!("{prefix}{more}")).collect();
    if rng.u64().is_multiple_of(4) {
        // All but one of the digits that may follow.
        let but = rng.u64() % 10;
        nots.extend((0..10).filter(|digit| *digit != but).map(|digit| format!("{prefix}{digit}")));
    }
    let not: Vec<&str> = nots.iter().map(String::as_str).collect();
    let low = 1 + (rng.u64() % 4) as usize;
    let high = low + (rng.u64() % 3) as usize;
    let replace = ["+", "+49", "+7"][(rng.u64() % 3) as usize];
    Rule::new(way, &prefix, replace, &not, Some((low, high.min(4))), None).ok()
}

#[test]
fn the_verdict_of_ambiguity_agrees_with_all_short_numbers() {
    let (numbers, mut rng) = (short_numbers(), Rng::from_number(7));
    let (mut apart, mut together) = (0, 0);
    for round in 0..1500 {
        let way = if round % 2 == 0 { Way::In } else { Way::Out };
        let (Some(one), Some(other)) = (random_rule(&mut rng, way), random_rule(&mut rng, way)) else { continue };
        let both =
            |number: &&String| one.apply(number, Of::Called).is_some() && other.apply(number, Of::Called).is_some();
        let found = numbers.iter().find(both);
        let said = one.overlap(&other);
        assert_eq!(said.is_some(), found.is_some(), "{one:?}\n{other:?}\nbrute force: {found:?}, said: {said:?}");
        assert_eq!(other.overlap(&one).is_some(), said.is_some(), "either way round");
        if let Some(said) = said {
            assert!(both(&&said), "{said} is no example\n{one:?}\n{other:?}");
            together += 1;
        } else {
            apart += 1;
        }
    }
    assert!(apart > 100 && together > 100, "{apart} {together}");
}

#[test]
fn a_rule_that_is_taken_matches_some_short_number_and_all_results_are_numbers() {
    let (numbers, mut rng) = (short_numbers(), Rng::from_number(8));
    let mut taken = 0;
    for _ in 0..500 {
        let Some(rule) = random_rule(&mut rng, Way::In) else { continue };
        let results: Vec<String> = numbers.iter().filter_map(|number| rule.apply(number, Of::Called)).collect();
        assert!(!results.is_empty(), "{rule:?}");
        for result in results {
            let digits = result.strip_prefix('+').unwrap();
            assert!(crate::is_number(&result) && !digits.starts_with('0') && digits.len() <= E164_DIGITS, "{result}");
        }
        taken += 1;
    }
    assert!(taken > 100, "{taken}");
}

#[test]
fn rules_for_the_one_number_and_for_the_other_have_nothing_in_common() {
    let of = |of| Rule::new(Way::Out, "+49", "0", &[], None, Some(of)).unwrap();
    let (called, calling) = (of(Of::Called), of(Of::Calling));
    assert_eq!(called.overlap(&calling), None);
    assert!(called.overlap(&called).is_some());
    assert_eq!(called.apply("+4930", Of::Calling), None);
}
