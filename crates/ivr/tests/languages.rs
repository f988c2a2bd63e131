//! Tables of languages: what they say, and what is said of faulty ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

#[path = "../../yaml/tests/snapshot/mod.rs"]
mod snapshot;

use std::collections::BTreeSet;
use std::sync::Arc;

use ivr::{Clock, Spoken, Table, shipped_table};
use proptest::prelude::*;
use yaml::{Faults, Source};

const GERMAN: &str = include_str!("languages/de.yaml");

fn table(language: &str) -> Table {
    let text = shipped_table(language).unwrap_or(GERMAN);
    let faults = Faults::default();
    let table = Table::read(language, &Source::new(format!("languages/{language}.yaml"), text), &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    table.unwrap_or_else(|| panic!("{said}"))
}

fn money(currency: &str) -> Spoken {
    Spoken::Money { currency: currency.into() }
}

const TIME: Spoken = Spoken::Time { clock: None };
const TIME_24: Spoken = Spoken::Time { clock: Some(Clock::TwentyFour) };
const TIME_12: Spoken = Spoken::Time { clock: Some(Clock::Twelve) };

/// The clips without the folders that say nothing more: `2 thousand and 5`.
fn words(clips: &[Arc<str>]) -> String {
    let plain = |clip: &Arc<str>| {
        let (folder, name) = clip.split_once('/').unwrap_or(("", clip));
        match folder {
            "numbers" | "currencies" | "times" | "dates" | "letters" => name.to_owned(),
            _ => clip.to_string(),
        }
    };
    clips.iter().map(plain).collect::<Vec<_>>().join(" ")
}

/// What a Chinese reader would write down.
fn characters(clips: &[Arc<str>]) -> String {
    let one = |clip: &Arc<str>| match &**clip {
        "numbers/0" | "digits/0" => "零",
        "numbers/1" | "digits/1" => "一",
        "numbers/2" | "digits/2" => "二",
        "numbers/3" => "三",
        "numbers/4" => "四",
        "numbers/5" => "五",
        "numbers/6" => "六",
        "numbers/7" => "七",
        "numbers/8" => "八",
        "numbers/9" => "九",
        "numbers/10" => "十",
        "numbers/liang" => "两",
        "numbers/hundred" => "百",
        "numbers/thousand" => "千",
        "numbers/wan" => "万",
        "numbers/yi" => "亿",
        "numbers/minus" => "负",
        "numbers/point" => "点",
        "times/dian" => "点",
        "times/fen" | "currencies/fen" => "分",
        "times/lingchen" => "凌晨",
        "times/zaoshang" => "早上",
        "times/shangwu" => "上午",
        "times/zhongwu" => "中午",
        "times/xiawu" => "下午",
        "times/wanshang" => "晚上",
        "dates/nian" => "年",
        "dates/yue" => "月",
        "dates/ri" => "日",
        "weekdays/4" => "星期四",
        "weekdays/7" => "星期日",
        "currencies/yuan" => "元",
        "currencies/jiao" => "角",
        "currencies/euro" => "欧元",
        "currencies/euro-cent" => "欧分",
        other => panic!("{other}"),
    };
    clips.iter().map(one).collect()
}

fn assert_says(table: &Table, show: fn(&[Arc<str>]) -> String, spoken: &Spoken, cases: &[(&str, &str)]) {
    let named = table.clips(spoken).unwrap();
    for (text, expected) in cases {
        let clips = table.say(spoken, text);
        assert_eq!(show(&clips), *expected, "{text}");
        assert!(clips.iter().all(|clip| named.contains(clip)), "{text}: {clips:?} is not among {named:?}");
    }
}

#[test]
fn english_numbers() {
    let cases = [
        ("0", "0"),
        ("7", "7"),
        ("13", "13"),
        ("20", "20"),
        ("21", "20 1"),
        ("99", "90 9"),
        ("100", "1 hundred"),
        ("101", "1 hundred and 1"),
        ("342", "3 hundred and 40 2"),
        ("1000", "1 thousand"),
        ("1005", "1 thousand and 5"),
        ("2026", "2 thousand and 20 6"),
        ("1200", "1 thousand 2 hundred"),
        ("12345", "12 thousand 3 hundred and 40 5"),
        ("100000", "1 hundred thousand"),
        ("1000001", "1 million and 1"),
        ("1002000", "1 million 2 thousand"),
        ("999999999", "9 hundred and 90 9 million 9 hundred and 90 9 thousand 9 hundred and 90 9"),
        ("7000000000", "7 billion"),
        ("1000000000000", "1 trillion"),
        ("-5", "minus 5"),
        ("-0", "0"),
        ("007", "7"),
        ("3.14", "3 point 1 4"),
        ("-0.50", "minus 0 point 5 0"),
    ];
    assert_says(&table("en"), words, &Spoken::Number, &cases);
}

#[test]
fn those_who_wait_are_told_their_place_and_their_wait() {
    let english = [("1", "you-are-number 1 in-the-queue"), ("42", "you-are-number 40 2 in-the-queue")];
    let english = english.map(|(text, said)| (text, said.replace("you", "queue/you").replace(" in-", " queue/in-")));
    let (english_table, mandarin_table) = (table("en"), table("zh"));
    for (text, said) in &english {
        assert_eq!(words(&english_table.say(&Spoken::Position, text)), *said);
    }
    let waits = [
        (
            "2-4",
            "queue/you-will-wait-between 2 and 4 queue/minutes",
            "queue/you-will-wait-between liang queue/to 4 queue/minutes",
        ),
        ("0-1", "queue/you-will-wait-less-than 1 queue/minute", "queue/you-will-wait-less-than 1 queue/minutes"),
        ("0-20", "queue/you-will-wait-less-than 20 queue/minutes", "queue/you-will-wait-less-than 2 10 queue/minutes"),
    ];
    for (text, english, mandarin) in waits {
        assert_eq!(words(&english_table.say(&Spoken::Wait, text)), english);
        assert_eq!(words(&mandarin_table.say(&Spoken::Wait, text)), mandarin);
    }
    assert_eq!(words(&mandarin_table.say(&Spoken::Position, "12")), "queue/you-are-number 10 2 queue/in-the-queue");
    for nothing in ["", "0", "201", "x"] {
        assert_eq!(english_table.say(&Spoken::Position, nothing), Vec::<std::sync::Arc<str>>::new(), "{nothing}");
    }
    for nothing in ["", "3", "4-2", "3-3", "1-121", "a-b"] {
        assert_eq!(english_table.say(&Spoken::Wait, nothing), Vec::<std::sync::Arc<str>>::new(), "{nothing}");
    }
    let lacking = Table::digits_only("fr").clips(&Spoken::Wait).unwrap_err();
    assert!(lacking.message.contains("what callers who wait are told"), "{lacking:?}");
    for table in [english_table, mandarin_table] {
        assert!(table.clips(&Spoken::Position).unwrap().len() > 10 && table.clips(&Spoken::Wait).unwrap().len() > 10);
    }
}

#[test]
fn mandarin_numbers() {
    let cases = [
        ("0", "零"),
        ("2", "二"),
        ("10", "十"),
        ("12", "十二"),
        ("20", "二十"),
        ("22", "二十二"),
        ("100", "一百"),
        ("101", "一百零一"),
        ("110", "一百一十"),
        ("111", "一百一十一"),
        ("200", "二百"),
        ("222", "二百二十二"),
        ("1000", "一千"),
        ("1001", "一千零一"),
        ("1010", "一千零一十"),
        ("1012", "一千零一十二"),
        ("1100", "一千一百"),
        ("2000", "两千"),
        ("2002", "两千零二"),
        ("2222", "两千二百二十二"),
        ("10000", "一万"),
        ("10001", "一万零一"),
        ("10010", "一万零一十"),
        ("11000", "一万一千"),
        ("20000", "两万"),
        ("22000", "两万二千"),
        ("100000", "十万"),
        ("120000", "十二万"),
        ("205000", "二十万五千"),
        ("1010500", "一百零一万零五百"),
        ("10000000", "一千万"),
        ("100000000", "一亿"),
        ("100000001", "一亿零一"),
        ("100010000", "一亿零一万"),
        ("100100001", "一亿零一十万零一"),
        ("110000000", "一亿一千万"),
        ("100005000", "一亿零五千"),
        ("200000000", "两亿"),
        ("200000000000", "两千亿"),
        ("1000000000000", "一万亿"),
        ("-3", "负三"),
        ("3.05", "三点零五"),
        ("2.5", "二点五"),
    ];
    assert_says(&table("zh"), characters, &Spoken::Number, &cases);
}

#[test]
fn german_numbers_by_a_table_alone() {
    let cases = [
        ("1", "1"),
        ("16", "16"),
        ("20", "20"),
        ("21", "ein und 20"),
        ("99", "9 und 90"),
        ("101", "ein hundert 1"),
        ("121", "ein hundert ein und 20"),
        ("1000", "ein tausend"),
        ("21001", "ein und 20 tausend 1"),
        ("101000", "ein hundert ein tausend"),
        ("1000001", "eine million 1"),
        ("2500000", "2 millionen 5 hundert tausend"),
        ("-1.5", "minus 1 komma 5"),
    ];
    let german = table("de");
    assert_says(&german, words, &Spoken::Number, &cases);
    assert_says(
        &german,
        words,
        &money("EUR"),
        &[("1", "ein euro"), ("1.21", "ein euro ein und 20"), ("0.01", "ein cent")],
    );
    assert_says(&german, words, &money("JPY"), &[("100", "ein hundert yen"), ("1.5", "2 yen")]);
    let dates = [("2026-11-26", "weekdays/4 der 6 und ordinals/20 months/11 2 tausend 6 und 20")];
    assert_says(&german, words, &Spoken::Date, &dates);
    assert_says(&german, words, &TIME, &[("13:01", "13 uhr 1"), ("01:00", "ein uhr"), ("00:21", "0 uhr ein und 20")]);
    assert_says(&german, words, &Spoken::Digits, &[("10", "ziffern/1 ziffern/0")]);
}

#[test]
fn money_in_both_languages() {
    let euros = [
        ("0", "0 euros"),
        ("1", "1 euro"),
        ("-1", "minus 1 euro"),
        ("2", "2 euros"),
        ("1.01", "1 euro and 1 cent"),
        ("12.50", "12 euros and 50 cents"),
        ("12.5", "12 euros and 50 cents"),
        ("0.05", "5 cents"),
        ("0.005", "1 cent"),
        ("-0.001", "0 euros"),
        (
            "999999999999.99",
            "9 hundred and 90 9 billion 9 hundred and 90 9 million 9 hundred and 90 9 thousand 9 hundred and 90 9 euros and 90 9 cents",
        ),
    ];
    assert_says(&table("en"), words, &money("EUR"), &euros);
    assert_says(
        &table("en"),
        words,
        &money("GBP"),
        &[("1.01", "1 pound and 1 penny"), ("3.02", "3 pounds and 2 pence")],
    );
    let yuan = [
        ("2", "两元"),
        ("12", "十二元"),
        ("22", "二十二元"),
        ("0", "零元"),
        ("0.20", "两角"),
        ("0.02", "两分"),
        ("12.55", "十二元五角五分"),
        ("2.05", "两元零五分"),
        ("2000", "两千元"),
        ("-1.5", "负一元五角"),
    ];
    assert_says(&table("zh"), characters, &money("CNY"), &yuan);
    assert_says(&table("zh"), characters, &money("EUR"), &[("12.50", "十二欧元五十欧分"), ("0.02", "两欧分")]);
}

#[test]
fn dates_in_both_languages() {
    let english = [
        ("2026-11-26", "weekdays/4 the 20 ordinals/6 of months/11 20 20 6"),
        ("20261101", "weekdays/7 the ordinals/1 of months/11 20 20 6"),
        ("1999-12-30T23:59:00+01:00", "weekdays/4 the ordinals/30 of months/12 19 90 9"),
        ("1905-08-31", "weekdays/4 the 30 ordinals/1 of months/8 19 oh 5"),
        ("1900-03-01", "weekdays/4 the ordinals/1 of months/3 19 hundred"),
        ("2000-06-01", "weekdays/4 the ordinals/1 of months/6 2 thousand"),
        ("2005-09-01", "weekdays/4 the ordinals/1 of months/9 2 thousand and 5"),
        ("2010-04-01", "weekdays/4 the ordinals/1 of months/4 20 10"),
    ];
    assert_says(&table("en"), words, &Spoken::Date, &english);
    let mandarin = [
        ("2026-11-26", "二零二六年十一月二十六日星期四"),
        ("2000-10-01", "二零零零年十月一日星期日"),
        ("0987-02-01", "九八七年二月一日星期四"),
    ];
    assert_says(&table("zh"), characters, &Spoken::Date, &mandarin);
}

#[test]
fn times_in_both_languages() {
    let english = [
        ("00:00", "12 am"),
        ("9:05", "9 oh 5 am"),
        ("0930", "9 30 am"),
        ("12:00", "12 pm"),
        ("15:45:59", "3 40 5 pm"),
        ("2026-11-26T23:59:00Z", "11 50 9 pm"),
    ];
    assert_says(&table("en"), words, &TIME, &english);
    assert_says(&table("en"), words, &TIME_24, &[("15:00", "15 hundred"), ("00:05", "0 oh 5"), ("23:59", "20 3 50 9")]);
    let mandarin = [
        ("02:00", "凌晨两点"),
        ("8:05", "早上八点零五分"),
        ("10:30", "上午十点三十分"),
        ("12:00", "中午十二点"),
        ("14:20", "下午两点二十分"),
        ("22:02", "晚上十点零二分"),
    ];
    assert_says(&table("zh"), characters, &TIME_12, &mandarin);
    assert_says(&table("zh"), characters, &TIME_24, &[("14:20", "十四点二十分"), ("2:00", "两点"), ("00:00", "零点")]);
}

#[test]
fn what_is_not_what_is_wanted_is_read_digit_by_digit() {
    let english = table("en");
    for (spoken, text, heard) in [
        (Spoken::Number, "12 or 3", "digits/1 digits/2 digits/3"),
        (
            Spoken::Number,
            "1234567890123456789",
            "digits/1 digits/2 digits/3 digits/4 digits/5 digits/6 digits/7 digits/8 digits/9 digits/0 digits/1 digits/2 digits/3 digits/4 digits/5 digits/6 digits/7 digits/8 digits/9",
        ),
        (Spoken::Date, "20261340", "digits/2 digits/0 digits/2 digits/6 digits/1 digits/3 digits/4 digits/0"),
        (TIME, "2460", "digits/2 digits/4 digits/6 digits/0"),
        (money("EUR"), "5 EUR", "digits/5"),
        (Spoken::Date, "tomorrow", ""),
        (Spoken::Digits, "+49*7", "digits/4 digits/9 digits/7"),
        (Spoken::Spell, "A-b 3ß#", "a symbols/dash b digits/3 symbols/hash"),
    ] {
        assert_says(&english, words, &spoken, &[(text, heard)]);
    }
}

#[test]
fn what_a_table_lacks_is_told() {
    let german = table("de");
    let unsayable = german.clips(&money("CHF")).unwrap_err();
    assert_eq!(unsayable.message, "`languages/de.yaml` does not tell the currency `CHF`");
    assert_eq!(unsayable.remedy, "add it to `money` there");
    assert!(german.clips(&Spoken::Spell).unwrap_err().message.contains("how to spell"));
    let bare = Table::digits_only("fr");
    assert_eq!(bare.clips(&Spoken::Digits).unwrap().len(), 10);
    let unsayable = bare.clips(&Spoken::Number).unwrap_err();
    assert_eq!(unsayable.message, "the language `fr` has no table that tells how to say a number");
}

#[test]
fn the_shipped_tables_need_few_recordings() {
    for (language, number, all) in [("en", 46, 200), ("zh", 30, 200)] {
        let table = table(language);
        assert!(table.clips(&Spoken::Number).unwrap().len() <= number, "{:?}", table.clips(&Spoken::Number));
        let kinds = [Spoken::Digits, Spoken::Spell, Spoken::Number, Spoken::Date, TIME_12, TIME_24];
        let currencies = ["EUR", "USD", "GBP", "CNY"].map(money);
        let clips: BTreeSet<_> = kinds.iter().chain(&currencies).flat_map(|kind| table.clips(kind).unwrap()).collect();
        assert!(clips.len() <= all, "{language}: {}", clips.len());
    }
}

#[test]
fn every_kind_of_fault_reads_as_expected() {
    let files = snapshot::compare(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/languages/faults"), |source, faults| {
        assert_eq!(Table::read("xx", source, faults).is_some(), faults.is_empty());
    });
    assert!(files > 7, "the folder of faulty tables is read");
}

/// Reads English numerals as a person does: each word on its own, without a look at the table.
fn read_english(clips: &[Arc<str>]) -> Option<u64> {
    let (mut total, mut group, mut last) = (0u64, 0u64, "");
    for clip in clips {
        let word = clip.strip_prefix("numbers/")?;
        let scale = match word {
            "thousand" => Some(1_000),
            "million" => Some(1_000_000),
            "billion" => Some(1_000_000_000),
            "trillion" => Some(1_000_000_000_000),
            _ => None,
        };
        match (word, scale) {
            ("and", _) => (!last.is_empty() && last != "and").then_some(())?,
            ("hundred", _) => group = (1..10).contains(&group).then_some(group * 100)?,
            (_, Some(scale)) => {
                total += (1..1000).contains(&group).then_some(group * scale)?;
                group = 0;
            }
            (number, None) => {
                let number: u64 = number.parse().ok()?;
                // A unit stands behind a ten or alone; a hundred wants its “and”.
                let fits = match last.parse::<u64>() {
                    Ok(before) => before >= 20 && before.is_multiple_of(10) && (1..10).contains(&number),
                    Err(_) => last != "hundred",
                };
                group += fits.then_some(number)?;
            }
        }
        last = word;
    }
    (last != "and").then_some(total + group)
}

/// Reads Chinese numerals as a person does.
fn read_mandarin(text: &str) -> Option<u64> {
    let (mut yi, mut wan, mut section, mut digit) = (0u64, 0u64, 0u64, None::<u64>);
    let mut unit = 10_000;
    for c in text.chars() {
        let small = match c {
            '十' => 10,
            '百' => 100,
            '千' => 1000,
            _ => 0,
        };
        match c {
            '零' => digit = None,
            '十' | '百' | '千' => {
                // Units descend within a section; only 十 may lead one without a digit.
                (small < unit).then_some(())?;
                unit = small;
                section += digit.take().or((c == '十' && section == 0).then_some(1))? * small;
            }
            '万' => {
                wan = (section + digit.take().unwrap_or(0)) * 10_000;
                (section, unit) = (0, 10_000);
            }
            '亿' => {
                yi = (wan + section + digit.take().unwrap_or(0)) * 100_000_000;
                (wan, section, unit) = (0, 0, 10_000);
            }
            _ => {
                digit.is_none().then_some(())?;
                let at = "零一二三四五六七八九".chars().position(|known| known == c);
                digit = Some(if c == '两' { 2 } else { u64::try_from(at?).ok()? });
            }
        }
    }
    Some(yi + wan + section + digit.unwrap_or(0))
}

/// How often 零 is said in a number: once for each run of zeros before another digit, but not for one that only ends a
/// group of four.
fn zeros_said(n: u64) -> usize {
    let digits: Vec<char> = n.to_string().chars().collect();
    let mut said = 0;
    let mut run = 0;
    for (at, digit) in digits.iter().enumerate() {
        if *digit == '0' {
            run += 1;
            continue;
        }
        let begins_group = (digits.len() - at).is_multiple_of(4);
        said += usize::from(run >= 4 || run > 0 && !begins_group);
        run = 0;
    }
    said
}

/// Numbers of all lengths, with many zeros in them.
fn number() -> impl Strategy<Value = u64> {
    let sparse = prop::collection::vec(prop_oneof![2 => Just(0u64), 1 => 1..10u64], 1..13);
    let sparse = sparse.prop_map(|digits| digits.into_iter().fold(0, |n, digit| n * 10 + digit));
    prop_oneof![0..1_000_000_000_000u64, 0..100_000u64, sparse, Just(1_000_000_000_000)]
}

fn assert_reads_back(english: &Table, mandarin: &Table, n: u64) {
    let clips = english.say(&Spoken::Number, &n.to_string());
    assert_eq!(read_english(&clips), Some(n), "{n}: {clips:?}");
    let text = characters(&mandarin.say(&Spoken::Number, &n.to_string()));
    assert_eq!(read_mandarin(&text), Some(n), "{n}: {text}");
    let zeros = text.matches('零').count();
    assert!(n == 0 || zeros == zeros_said(n) && !text.contains("零零") && !text.ends_with('零'), "{n}: {text}");
}

#[test]
fn small_numbers_read_back() {
    let (english, mandarin) = (table("en"), table("zh"));
    (0..=20_000).for_each(|n| assert_reads_back(&english, &mandarin, n));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn numbers_read_back(n in number()) {
        assert_reads_back(&table_en(), &table_zh(), n);
    }

    #[test]
    fn nothing_is_said_that_is_not_named(text in "[-+0-9.:TZ a-z@#]{0,24}") {
        for table in [table_en(), table_zh()] {
            for kind in [Spoken::Digits, Spoken::Spell, Spoken::Number, Spoken::Date, TIME_12, TIME_24, money("EUR"), money("CNY")] {
                let named = table.clips(&kind).unwrap();
                for clip in table.say(&kind, &text) {
                    prop_assert!(named.contains(&clip), "{kind:?} of `{text}` names {clip}");
                }
            }
        }
    }

    #[test]
    fn faulty_tables_never_panic(cut in 0..4000usize, put in "[ -~\n]{0,12}") {
        let text = shipped_table("zh").unwrap();
        let at = text.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(0);
        let (before, after) = text.split_at(at);
        for text in [format!("{before}{put}{after}"), format!("{before}{put}")] {
            let faults = Faults::default();
            let table = Table::read("zh", &Source::new("zh.yaml", text.as_str()), &faults);
            prop_assert_eq!(table.is_some(), faults.is_empty());
        }
    }
}

fn table_en() -> Arc<Table> {
    static TABLE: std::sync::OnceLock<Arc<Table>> = std::sync::OnceLock::new();
    Arc::clone(TABLE.get_or_init(|| Arc::new(table("en"))))
}

fn table_zh() -> Arc<Table> {
    static TABLE: std::sync::OnceLock<Arc<Table>> = std::sync::OnceLock::new();
    Arc::clone(TABLE.get_or_init(|| Arc::new(table("zh"))))
}
