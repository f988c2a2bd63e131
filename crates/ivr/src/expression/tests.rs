use std::collections::BTreeMap;

use std::time::Duration;

use base::Pii;
use hours::Zone;
use proptest::prelude::*;
use yaml::{Faults, Source};

use super::*;
use crate::{Facts, QueueFigures};

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
    let read = read(text, &[], &Kinds::new()).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
    within(&read)
}

/// Thursday, 2026-11-26, 10:12 in Berlin; the caller called at 9:05, too.
fn within(read: &Expression) -> Result<Value, Error> {
    let zone = zone("Europe/Berlin");
    let facts = Facts {
        caller_number: Pii::new("+4930123".to_owned()),
        caller_name: Pii::new("Ada".to_owned()),
        dialled: "1000".to_owned(),
        calls_today: 2,
        last_call: zone.at("2026-11-26T09:05"),
    };
    let sales = QueueFigures { waiting: 3, longest_wait: Duration::from_millis(61_900), free: 0 };
    read.evaluate(&Scope {
        variables: &variables(),
        facts: &facts,
        language: "zh",
        now: zone.at("2026-11-26T10:12").unwrap(),
        zone: &zone,
        queues: &[(Arc::from("sales"), sales)].into(),
        http: crate::web::Last::default(),
        given: &[],
    })
}

fn zone(name: &str) -> Zone {
    let source = Source::new("zone", name);
    let faults = Faults::default();
    Zone::read(yaml::read(&source, &faults).unwrap().root(&faults)).unwrap()
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
fn times_are_those_of_the_companys_zone() {
    let yes = [
        "now.getHours() == 10 && now.getMinutes() == 12 && now.getSeconds() == 0",
        "now.getFullYear() == 2026 && now.getMonth() == 10 && now.getDate() == 26 && now.getDayOfMonth() == 25",
        "now.getDayOfWeek() == 4 && now.getDayOfYear() == 329",
        "repeat.today == 2 && repeat.last != null && repeat.last.getHours() == 9",
        "now - repeat.last == duration('1h7m') && now > repeat.last && now - duration('67m') == repeat.last",
        "now - repeat.last < duration('2h') && repeat.last + duration('500ms') < now",
        "string(repeat.last) == '2026-11-26T09:05:00+01:00'",
        "[now, repeat.last][1].startsWith('2026') && {'at': now - repeat.last}.at == 4020",
        "(repeat.today > 0 ? repeat.last : now) < now && (repeat.today > 5 ? now : null) == null",
        "language == 'zh'",
    ];
    for text in yes {
        assert_eq!(evaluated(text), Ok(Value::Bool(true)), "{text}");
    }
    assert_eq!(evaluated("now"), Ok(Value::from("2026-11-26T10:12:00+01:00")));
    assert_eq!(evaluated("now - repeat.last"), Ok(Value::Integer(4020)));
}

#[test]
fn queues_are_read_by_name_and_one_that_is_gone_is_missing() {
    let yes = "queues['sales'].waiting == 3 && queues[\"sales\"].longest_wait == 61 && queues.sales.free < 1";
    assert_eq!(evaluated(yes), Ok(Value::Bool(true)));
    assert_eq!(evaluated("queues['gone'].waiting == 0"), Err(Error::Missing));
    let read = read("queues['sales'].waiting > queues.gone.free && now.getHours() > 8", &[], &Kinds::new()).unwrap();
    let named: Vec<_> = read.queues.iter().map(|(name, at)| (&**name, at.clone())).collect();
    assert_eq!(named, [("sales", 7..14), ("gone", 32..33)]);
    assert_eq!(read.clock.first(), Some(&(46..49)));
}

#[test]
fn what_lies_deep_in_a_map_is_reached_without_paying_for_the_rest() {
    let row = |n: i64| Value::Map([("n".to_owned(), Value::Integer(n))].into());
    let large = Value::List((0..30_000).map(row).collect());
    let given = [(Arc::from("reply"), Value::Map([("rows".to_owned(), large)].into()))];
    let scope = |read: &Expression| {
        read.evaluate(&Scope {
            variables: &BTreeMap::new(),
            facts: &Facts::default(),
            language: "en",
            now: base::Wall::default(),
            zone: &Zone::default(),
            queues: &BTreeMap::new(),
            http: crate::web::Last::default(),
            given: &given,
        })
    };
    let read = |text| super::read(text, &[("reply", Kind::Any)], &Kinds::new()).unwrap();
    assert_eq!(scope(&read("reply.rows[29999].n")), Ok(Value::Integer(29_999)));
    assert_eq!(scope(&read("has(reply.rows) && !has(reply.name)")), Ok(Value::Bool(true)));
    assert_eq!(scope(&read("reply.rows[30000].n")), Err(Error::Missing));
    assert_eq!(scope(&read("reply")), Err(Error::TooMuch));
    assert!(read("reply.rows").reads.is_empty());
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
    let read = read("count > 2 && list.exists(x, x == other)", &[], &Kinds::new()).unwrap();
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
        assert!(read(&text, &[], &Kinds::new()).is_err(), "{text}");
    }
    for text in [
        format!("1{}", "+1".repeat(199)),
        format!("a{}", ".b".repeat(190)),
        format!("a{}", "[0]".repeat(130)),
        format!("a{}", "&&a".repeat(130)),
    ] {
        let _ = read(&text, &[], &Kinds::new()).map(|read| within(&read));
    }
}

fn piece() -> impl Strategy<Value = String> {
    let words = [
        "caller",
        "now",
        "repeat.last",
        "repeat.today",
        "queues['sales'].waiting",
        "language",
        ".getHours()",
        "duration('1h')",
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
        match read(&text, &[], &Kinds::new()) {
            Ok(read) => {
                let _ = within(&read);
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
