use std::collections::BTreeMap;

use base::Pii;
use proptest::prelude::*;

use super::*;
use crate::Facts;

fn variables() -> BTreeMap<String, Value> {
    let items = (0..5).map(Value::Integer).collect();
    let map = [("name".to_owned(), Value::from("Ada"))];
    [
        ("account".to_owned(), Value::from("0071")),
        ("count".to_owned(), Value::Integer(3)),
        ("share".to_owned(), Value::Decimal(0.5)),
        ("list".to_owned(), Value::List(items)),
        ("who".to_owned(), Value::Map(map.into())),
        ("long".to_owned(), Value::Text("x".repeat(4000))),
        ("none".to_owned(), Value::Null),
    ]
    .into()
}

fn evaluated(text: &str) -> Result<Value, Error> {
    let facts = Facts {
        caller_number: Pii::new("+4930123".to_owned()),
        caller_name: Pii::new("Ada".to_owned()),
        dialled: "1000".to_owned(),
    };
    let read = read(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
    read.evaluate(&Scope { variables: &variables(), facts: &facts })
}

#[test]
fn conditions_mean_what_cel_means() {
    let yes = [
        "caller.number.startsWith('+49') && dialled == '1000'",
        "caller.name == \"Ada\" || 1 / 0 == 1",
        "1 / 0 == 1 || true",
        "!(count > 3) && count >= 3 && count + 1 == 4 && -count == -3",
        "account == '0071' && int(account) == 71 && size(account) == 4",
        "count > 2 ? share < 1 : false",
        "count == 3.0 && share * 2 == 1",
        "list.exists(x, x == 4) && list.all(x, x < 5) && list.exists_one(x, x == 0)",
        "list.filter(x, x % 2 == 0) == [0, 2, 4] && list.map(x, x * x)[4] == 16",
        "3 in list && 'name' in who && !('age' in who) && has(who.name) && !has(who.age)",
        "who.name == 'Ada' && who['name'].contains('d') && who.name.endsWith('a')",
        "none == null && string(count) + '!' == '3!' && [1] + [2] == [1, 2]",
        "{'a': 1}.a == 1 && double('0.5') == share && 'Zoë'.size() == 3",
        "7 / 2 == 3 && 7 % 2 == 1 && 'a' < 'b' && false < true",
        "list.exists(x, list.exists(y, x + y == 8))",
    ];
    for text in yes {
        assert_eq!(evaluated(text), Ok(Value::Bool(true)), "{text}");
    }
}

#[test]
fn what_cannot_be_worked_out_is_an_error_and_no_panic() {
    let cases = [
        ("1 / 0", Error::NoNumber),
        ("9223372036854775807 + count", Error::NoNumber),
        ("(-9223372036854775807 - 1) / -1 + count", Error::NoNumber),
        ("share / 0", Error::NoNumber),
        ("int('x')", Error::NoNumber),
        ("account > 3", Error::WrongKind),
        ("who.age", Error::Missing),
        ("list[5]", Error::Missing),
        ("list[-1]", Error::Missing),
        ("count.name", Error::WrongKind),
        ("account", Error::Missing),
        ("long + long", Error::TooMuch),
        ("list.all(a, list.all(b, list.all(c, list.all(d, list.all(e, list.all(f, a >= 0))))))", Error::TooMuch),
        ("list.map(a, list.map(b, list.map(c, long)))", Error::TooMuch),
    ];
    for (text, error) in cases {
        let text = if text == "account" { "nobody_set_this" } else { text };
        assert_eq!(evaluated(text), Err(error), "{text}");
    }
}

#[test]
fn what_an_expression_reads_is_told_with_its_place() {
    let read = read("count > 2 && list.exists(x, x == other)").unwrap();
    let reads: Vec<_> = read.reads.iter().map(|(name, at)| (&**name, at.clone())).collect();
    assert_eq!(reads, [("count", 0..5), ("list", 13..17), ("other", 33..38)]);
    assert_eq!(read.kind, Kind::Bool);
}

#[test]
fn deep_and_long_texts_are_faults() {
    for text in [
        "(".repeat(200),
        "[".repeat(399),
        "!".repeat(400),
        "a".repeat(401),
        format!("{}1{}", "(".repeat(60), ")".repeat(60)),
    ] {
        assert!(read(&text).is_err(), "{text}");
    }
    for text in [
        format!("1{}", "+1".repeat(199)),
        format!("a{}", ".b".repeat(190)),
        format!("a{}", "[0]".repeat(130)),
        format!("a{}", "&&a".repeat(130)),
    ] {
        let _ = read(&text).map(|read| read.evaluate(&Scope { variables: &variables(), facts: &Facts::default() }));
    }
}

fn piece() -> impl Strategy<Value = String> {
    let words = [
        "caller",
        ".number",
        "account",
        "list",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "'a'",
        "1",
        "2.5",
        "+",
        "-",
        "==",
        "!",
        "&&",
        "||",
        "?",
        ":",
        ",",
        ".",
        "in",
        "has",
        "size",
        ".all(x, x)",
        "true",
        "null",
        "\\",
        "r'",
        "b'",
        "0x",
        "1u",
        "é",
        "`",
        "//",
        "\n",
        " ",
        "9223372036854775808",
        "1e999",
        ".map(x, [x, x])",
        ".exists(",
        "x",
    ];
    prop_oneof![8 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,4}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_panics_and_no_place_lies_outside(pieces in prop::collection::vec(piece(), 0..30)) {
        let text = pieces.concat();
        match read(&text) {
            Ok(read) => {
                let _ = read.evaluate(&Scope { variables: &variables(), facts: &Facts::default() });
            }
            Err(wrong) => {
                prop_assert!(!wrong.is_empty());
                let length = text.chars().count();
                for wrong in wrong {
                    prop_assert!(wrong.at.start <= length && wrong.at.start < wrong.at.end, "{:?} in {:?}", wrong, text);
                }
            }
        }
    }
}
