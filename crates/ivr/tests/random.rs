//! Random flows and random callers: a flow that passes the check never panics, never goes round without taking a key or
//! time, and leaves nothing behind when the caller is gone.

#![allow(clippy::expect_used, reason = "a test's helpers")]

use std::sync::Arc;
use std::time::Duration;

use base::{Mono, Now, Pii, Wall};
use hours::State;
use ivr::web::{Failure, Reply};
use ivr::{DialOutcome, Flows, MailboxState, MessageOutcome, Output, QueueFigures, QueueOutcome, Session};
use proptest::prelude::*;
use yaml::{Faults, Source};

/// What a caller and the world around him do next.
#[derive(Clone, Copy, Debug)]
enum Act {
    Press(char),
    PlayDone,
    Queue(QueueOutcome),
    Hours(State),
    Dial(DialOutcome),
    Figures(u32),
    Http(u16, &'static str),
    Mailbox(MailboxState),
    Message(MessageOutcome),
    Quiet,
    Wait,
}

fn act() -> impl Strategy<Value = Act> {
    use DialOutcome::{Busy, Declined, Ended, NoAnswer, Refused, Unreachable};
    use QueueOutcome::{AgentEnded, Closed, Full, NoAgents, Pressed, TimedOut, Unknown};
    use State::{Break, Emergency, Holiday, Open};
    prop_oneof![
        4 => prop::sample::select(vec!['0', '1', '2', '3', '9', '*', '#', 'A', '?']).prop_map(Act::Press),
        4 => Just(Act::PlayDone),
        2 => prop::sample::select(vec![AgentEnded, TimedOut, Full, NoAgents, Closed, Unknown, Pressed('1'), Pressed('2')]).prop_map(Act::Queue),
        2 => prop::sample::select(vec![Ended, Busy, NoAnswer, Declined, Unreachable, Refused]).prop_map(Act::Dial),
        3 => prop::sample::select(vec![Open, Break, Holiday, State::Closed, Emergency]).prop_map(Act::Hours),
        2 => (0..3u32).prop_map(Act::Figures),
        3 => prop::sample::select(vec![(200, "{\"a\": 1}"), (404, ""), (200, "x")]).prop_map(|(status, body)| Act::Http(status, body)),
        2 => prop::sample::select(vec![MailboxState::Open { new: 1, old: 1 }, MailboxState::Open { new: 0, old: 0 }, MailboxState::Full, MailboxState::Denied]).prop_map(Act::Mailbox),
        2 => prop::sample::select(vec![MessageOutcome::Taken, MessageOutcome::NothingSaid, MessageOutcome::Failed]).prop_map(Act::Message),
        1 => Just(Act::Quiet),
        3 => Just(Act::Wait),
    ]
}

/// One of up to seven nodes, or a word.
fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..7usize).prop_map(|n| format!("n{n}")),
        1 => Just("hangup".to_owned()),
        1 => Just("return".to_owned()),
    ]
}

/// The names of flows, of which each calls those behind it alone: circles are faults.
const FLOWS: [&str; 3] = ["f0", "f1", "f2"];

fn outcome(key: &'static str) -> impl Strategy<Value = String> {
    let written = prop_oneof![
        target().prop_map(move |to| format!(", {key}: {to}")),
        target().prop_map(move |to| format!(", {key}: {{prompt: p, next: {to}}}")),
        Just(format!(", {key}: {{prompt: p, next: hangup}}")),
    ];
    prop_oneof![2 => Just(String::new()), 1 => written]
}

fn question() -> impl Strategy<Value = String> {
    let attempts = prop_oneof![
        (1..4u32, target()).prop_map(|(n, to)| format!("attempts: {n}, exhausted: {to}")),
        Just("attempts: forever".to_owned()),
    ];
    let words =
        prop::sample::select(vec!["", ", barge_in: false", ", type_ahead: discard", ", timeout: 0s", ", timeout: 1s"]);
    (attempts, words, outcome("no_input"), outcome("wrong_input"))
        .prop_map(|(a, w, n, i)| format!("prompt: q, {a}{w}{n}{i}"))
}

/// More keys of a menu, and what stands behind them, with the brace that ends it.
fn keys() -> impl Strategy<Value = String> {
    let some = vec![
        "}}",
        ", 0: back}}",
        ", 0: {prompt: p, next: back}}}",
        ", 12: back, 30-39: repeat}, digit_timeout: 1s}",
        ", 00-09: back}, direct_dial: {digits: 1-3, next: hangup, busy: back}, digit_timeout: 2s}",
        "}, direct_dial: {digits: 2, prefix: \"*\", next: n1, failed: {prompt: p}, no_answer: n2}}",
    ];
    prop::sample::select(some).prop_map(str::to_owned)
}

/// More of a collect.
fn digits() -> impl Strategy<Value = String> {
    let some = vec![
        "",
        ", secret: true",
        ", confirm: {prompt: {digits: v}}",
        ", check: {luhn: true}, invalid: back",
        ", check: {in: [11, 200-399], regex: \"[1-3]*\"}, confirm: {prompt: p, yes: 3, no: \"#\"}",
        ", secret: true, check: {date: mmdd}, confirm: {prompt: p}",
    ];
    prop::sample::select(some).prop_map(str::to_owned)
}

/// What is heard in a queue, and what keys do there.
fn waiting() -> impl Strategy<Value = String> {
    (target(), target()).prop_flat_map(|(a, b)| {
        prop::sample::select(vec![
            String::new(),
            ", hear: [p, {silence: 1s}]".to_owned(),
            format!(", keys: {{1: {a}}}"),
            format!(", hear: p, keys: {{1: {{prompt: q, next: {a}}}, \"*\": {b}}}"),
        ])
    })
}

fn condition() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "true",
        "caller.number == ''",
        "dialled != '' || 1 / 0 == 1",
        "[1, 2, 3].exists(x, x > 2)",
        "int(dialled) > 3",
        "queues['s'].waiting > 1 && queues.gone.free == 0",
        "now.getHours() > 3 && repeat.today == 0 && repeat.last < now",
    ])
}

fn node(flow: usize) -> impl Strategy<Value = String> {
    let later = (flow + 1).min(FLOWS.len() - 1)..FLOWS.len();
    let repeat = prop::sample::select(vec!["1", "3", "forever"]);
    prop_oneof![
        (repeat, any::<bool>(), target())
            .prop_map(|(r, b, to)| format!("{{play: {{prompt: [p, q], repeat: {r}, barge_in: {b}}}, next: {to}}}")),
        (question(), keys(), target(), target()).prop_map(|(q, more, a, b)| format!(
            "{{menu: {{{q}, keys: {{1: {a}, 2-4: {{prompt: p, next: {b}}}, 9: repeat{more}}}"
        )),
        (question(), digits(), target())
            .prop_map(|(q, more, to)| format!("{{collect: {{{q}, into: v, digits: 2-4{more}}}, next: {to}}}")),
        (target(), target(), outcome("holiday"), outcome("emergency")).prop_map(|(o, c, h, e)| format!(
            "{{hours: {{calendar: c, open: {o}, closed: {{prompt: p, next: {c}}}{h}{e}}}}}"
        )),
        (outcome("full"), outcome("no_agents"), outcome("timed_out"), outcome("closed"), waiting(), target())
            .prop_map(|(f, n, t, c, w, to)| format!("{{queue: {{name: s{f}{n}{t}{c}{w}}}, next: {to}}}")),
        (outcome("busy"), outcome("failed"), outcome("declined"), target())
            .prop_map(|(b, f, d, to)| format!("{{dial: {{user: a{b}{f}{d}}}, next: {to}}}")),
        (outcome("full"), outcome("empty"), outcome("deleted"), target()).prop_map(|(f, e, d, to)| {
            format!("{{voicemail: {{mailbox: b, greeting: p{f}{e}, review: {{prompt: p{d}}}}}, next: {to}}}")
        }),
        (outcome("empty"), outcome("denied"), target())
            .prop_map(|(e, d, to)| format!("{{mailbox: {{name: own, into: v, menu: p{e}{d}}}, next: {to}}}")),
        (outcome("busy"), target()).prop_map(|(b, to)| format!("{{transfer: {{number: \"1\"{b}, failed: {to}}}}}")),
        (prop::sample::select(vec!["csat", "nps"]), outcome("exhausted"), outcome("no_input"), target())
            .prop_map(|(s, e, n, to)| format!("{{survey: {{scale: {s}, prompt: q{e}{n}}}, next: {to}}}")),
        (prop::sample::select(vec!["start", "stop", "mask", "unmask"]), target())
            .prop_map(|(r, to)| format!("{{record: {r}, next: {to}}}")),
        target().prop_map(|to| format!("{{goto: {to}}}")),
        (condition(), target(), target())
            .prop_map(|(c, a, b)| format!("{{when: [{{if: \"{c}\", next: {a}}}, {{otherwise: {b}}}]}}")),
        (condition(), target()).prop_map(|(c, to)| format!("{{set: {{v: \"{c}\", w: \"v\"}}, next: {to}}}")),
        (outcome("failed"), condition(), target()).prop_map(|(failed, c, to)| {
            let failed = if failed.is_empty() { ", failed: hangup" } else { &failed };
            format!("{{http: {{post: \"https://c\", hear: p, send: {{c: \"{c}\"}}, take: {{v: reply.a}}{failed}}}, next: {to}}}")
        }),
        (later, target()).prop_map(move |(to, next)| match to == flow {
            true => format!("{{goto: {next}}}"),
            false => format!("{{call: f{to}, next: {next}}}"),
        }),
        (0..FLOWS.len()).prop_map(|to| format!("{{goto: {{flow: f{to}}}}}")),
        Just("{hangup: normal}".to_owned()),
    ]
}

fn text(flow: usize, nodes: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(node(flow), nodes).prop_map(|nodes| {
        let lines = nodes.iter().zip(0..).map(|(node, n)| format!("  n{n}: {node}\n"));
        format!("version: 1\nnodes:\n{}", lines.collect::<String>())
    })
}

/// One flow of seven nodes, and smaller ones that it may call.
fn texts() -> impl Strategy<Value = [String; 3]> {
    (text(0, 7), text(1, 7), text(2, 7)).prop_map(|(a, b, c)| [a, b, c])
}

fn check(texts: &[String]) -> Result<Flows, Vec<yaml::Fault>> {
    let faults = Faults::default();
    let sources: Vec<_> =
        FLOWS.iter().zip(texts).map(|(name, text)| (*name, Source::new(*name, text.as_str()))).collect();
    let flows = Flows::read(sources.iter().map(|(name, source)| (*name, source)), &faults);
    flows.ok_or_else(|| faults.into_sorted())
}

/// The flows, with nodes that no way leads to taken out: random targets leave many of them. Where a flow that is called never
/// returns, the call becomes a goto.
fn read(texts: &[String]) -> Option<Arc<Flows>> {
    let mut texts = texts.to_vec();
    loop {
        let faults = match check(&texts) {
            Ok(flows) => {
                let numbers =
                    [("1", "u"), ("21", "v"), ("055", "w")].map(|(number, user)| (number.into(), user.into()));
                // They may clash with keys: that is no reason to panic.
                return Some(Arc::new(flows.with_extensions(numbers, &Faults::default())));
            }
            Err(faults) => faults,
        };
        let told = |name: &str, words: &str, line: u32| {
            let same = |f: &&yaml::Fault| f.place.source.path() == name && f.place.span.line == line;
            faults.iter().filter(same).any(|f| f.message.contains(words))
        };
        if !faults.iter().all(|f| f.message.contains("no way leads") || f.message.contains("never returns")) {
            return None;
        }
        for (name, text) in FLOWS.iter().zip(&mut texts) {
            let kept = (1..).zip(text.lines()).filter(|(line, _)| !told(name, "no way leads", *line));
            let mended = kept.map(|(line, text)| match told(name, "never returns", line) {
                true => text.replace("{call: ", "{goto: {flow: ").replace(", next:", "}} #"),
                false => text.to_owned(),
            });
            *text = mended.map(|line| format!("{line}\n")).collect();
        }
    }
}

/// Plays the acts to one caller. Gives how many outputs there were for the busiest input.
fn play(flow: &Arc<Flows>, acts: &[Act]) -> usize {
    let mut now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(0) };
    let mut session = Session::new(Arc::clone(flow), "f0").expect("it was read");
    session.handle_start(now);
    let mut most = take(&mut session);
    for act in acts {
        match *act {
            Act::Http(status, body) => {
                let body = Pii::new(body.as_bytes().to_vec());
                session.handle_http(now, &Reply::Answer { status, body });
            }
            Act::Press(key) => session.handle_digit(now, key),
            Act::PlayDone => session.handle_play_done(now),
            Act::Hours(state) => session.handle_hours(now, state),
            Act::Queue(outcome) => session.handle_queue_ended(now, outcome),
            Act::Dial(outcome) => session.handle_dial_ended(now, outcome),
            Act::Figures(waiting) => {
                let sales = QueueFigures { waiting, ..QueueFigures::default() };
                session.handle_figures(now, &[("s".into(), sales)].into());
            }
            Act::Mailbox(state) => session.handle_mailbox(now, state),
            Act::Message(outcome) => session.handle_message(now, outcome),
            Act::Quiet => session.handle_quiet(now),
            Act::Wait => {
                let due = session.poll_timeout().map_or(Duration::from_millis(20), |due| due.since(now.monotonic));
                now = now.after(due);
                session.handle_timeout(now);
                assert!(
                    session.poll_timeout().is_none_or(|next| next > now.monotonic),
                    "a timeout that is due already"
                );
            }
        }
        let outputs = take(&mut session);
        if session.is_over() {
            assert_eq!(session.poll_timeout(), None);
        }
        most = most.max(outputs);
    }
    most
}

/// Takes all outputs out; nothing may follow a hangup.
fn take(session: &mut Session) -> usize {
    let mut count = 0;
    let mut over = false;
    while let Some(output) = session.poll_output() {
        assert!(!over, "{output:?} after the hangup");
        over = matches!(output, Output::Hangup { .. });
        if let Output::Play { items, .. } = &output {
            assert!(!items.is_empty(), "a prompt that says nothing takes no time");
        }
        count += 1;
        assert!(count < 1000, "outputs without end");
    }
    count
}

/// Answers whatever takes no time at once: calendars, full queues, busy users. False if there is no end of it.
fn comes_to_rest(flow: &Arc<Flows>, hours: State, queue: QueueOutcome, dial: DialOutcome) -> bool {
    let now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(0) };
    let mut session = Session::new(Arc::clone(flow), "f0").expect("it was read");
    session.handle_start(now);
    for _ in 0..100 {
        let mut waits_for_us = false;
        while let Some(output) = session.poll_output() {
            waits_for_us |= matches!(
                output,
                Output::Hours { .. }
                    | Output::Figures { .. }
                    | Output::Queue { .. }
                    | Output::Callback(_)
                    | Output::Dial { .. }
                    | Output::Http { .. }
                    | Output::Transfer { .. }
            );
        }
        if !waits_for_us {
            return true;
        }
        session.handle_hours(now, hours);
        session.handle_figures(now, &[("s".into(), QueueFigures::default())].into());
        session.handle_queue_ended(now, queue);
        session.handle_dial_ended(now, dial);
        session.handle_callback(now, dial == DialOutcome::Busy);
        let (status, failure) = (None, Failure::Refused);
        session.handle_http(now, &Reply::Failed { status, failure });
        let full = if queue == QueueOutcome::Full { MailboxState::Full } else { MailboxState::Open { new: 0, old: 0 } };
        session.handle_mailbox(now, full);
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 500_000, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn checked_flows_never_panic_and_never_spin(texts in texts(), acts in prop::collection::vec(act(), 0..120)) {
        let Some(flow) = read(&texts) else { return Err(TestCaseError::reject("faulty")) };
        let most = play(&flow, &acts);
        prop_assert!(most <= 200, "{most} outputs for one input");
        for queue in [QueueOutcome::Full, QueueOutcome::NoAgents, QueueOutcome::Closed, QueueOutcome::Unknown] {
            for dial in [DialOutcome::Busy, DialOutcome::Unreachable, DialOutcome::Refused] {
                for hours in [State::Open, State::Break, State::Holiday, State::Closed, State::Emergency] {
                    prop_assert!(comes_to_rest(&flow, hours, queue, dial), "a loop that takes neither a key nor time");
                }
            }
        }
    }

    #[test]
    fn faulty_flows_never_panic(texts in texts(), cut in 0..4000usize, put in "[ -~\n]{0,12}") {
        let [text, others @ ..] = texts;
        let at = text.char_indices().map(|(at, _)| at).nth(cut % text.len()).unwrap_or(0);
        let (before, after) = text.split_at(at);
        for text in [format!("{before}{put}{after}"), format!("{before}{put}")] {
            let texts = [&[text], others.as_slice()].concat();
            prop_assert!(check(&texts).is_ok_and(|flows| flows.len() == 3) || check(&texts).is_err_and(|faults| !faults.is_empty()));
        }
    }
}
