//! Every key of a file of tests, a row each: what the reader takes, and what `strowger schema test` tells editors of it.

use yaml::{Kind, form, key};

/// One word or a list of them.
macro_rules! answers {
    ($word:expr) => {
        &Kind::Any(&[$word, &Kind::List($word, 1000)])
    };
}

form! {
    pub(crate) FILE, "a file of tests", one of [],
    key("version", &Kind::Whole(1, 1), "The version of the format.", "1").needed(),
    key("note", &Kind::Text, "For people; nothing reads it.", "What sales asked for"),
    key("flow", NAME, "The flow that the calls begin in.", "main").without(&["number"]),
    key("number", NUMBER, "The number that is dialled; it must lead to a flow.", "1000"),
    key("tests", &Kind::Map("^.{1,200}$", &Kind::Form(&TEST), 10_000), "The tests, each under a name of its own.", "{ sales: { does: { press: 1 }, expect: { ends: { queue: sales } } } }").needed(),
}

form! {
    pub(super) TEST, "a test", one of [],
    key("note", &Kind::Text, "For people; nothing reads it.", "Until March"),
    key("flow", NAME, "The flow that the call begins in.", "main").otherwise("as the file says").without(&["number"]),
    key("number", NUMBER, "The number that is dialled; it must lead to a flow.", "1000").otherwise("as the file says"),
    key("given", &Kind::Form(&GIVEN), "What the call meets.", "{ queues: { sales: full } }").otherwise("nothing"),
    key("does", &Kind::Any(&[STEP, &Kind::List(STEP, 1000)]), "What the caller does, in order. Before each he hears all that plays.", "[{ press: 1 }, { silence: 5s }]")
        .otherwise("he listens"),
    key("expect", &Kind::Form(&EXPECT), "What must come of it.", "{ ends: { queue: sales } }").needed(),
}

form! {
    pub(super) GIVEN, "what is given", one of [],
    key("variables", &Kind::Map(VARIABLE, &Kind::Text, 1000), "Variables that are set already.", "{ account: \"1234\" }").otherwise("none"),
    key("caller", &Kind::Text, "The caller's number, in quotes.", "\"+4930123456\"").otherwise("it is withheld"),
    key("caller_name", &Kind::Text, "The caller's name.", "Ada Lovelace").otherwise("nobody says it"),
    key("at", &Kind::Unlike("^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2})?$"), "The time on the clocks of the calendars.", "2026-12-24T10:00").otherwise("the first hour of 1970, UTC"),
    key("hours", &Kind::Map(NAME_PATTERN, answers![STATE], 1000), "How a calendar stands, whatever the time: one word, or a list of them, one for each time.", "{ office: closed }")
        .otherwise("as its hours have it at that time"),
    key("language", NAME, "What the caller hears.", "zh").otherwise("as `strowger.yaml` says"),
    key("repeat", &Kind::Form(&REPEAT), "Earlier calls of the same number.", "{ today: 2, last: 2026-12-24T09:12 }").otherwise("none"),
    key("figures", &Kind::Map(NAME_PATTERN, answers![&Kind::Form(&FIGURES)], 1000), "How a queue stands that a condition asks for: once for all, or a list, one for each time.", "{ sales: { waiting: 3, longest_wait: 2m } }")
        .otherwise("nobody waits, and no agent is free"),
    key("http", &Kind::Map(".", answers![&Kind::Form(&HTTP)], 1000), "What a web server answers to an `http` node (of another flow: `FLOW/NODE`): once for all, or a list, one for each time.", "{ look-up: { json: { name: Ada } } }")
        .otherwise("the call ends there"),
    key("queues", &Kind::Map(NAME_PATTERN, answers![QUEUE_END], 1000), "How the wait in a queue ends: one word, or a list of them, one for each time. `waits`: he waits on, and may press a key.", "{ sales: [full, agent] }")
        .otherwise("he waits on; so the call ends in the queue, unless a key leads out of it"),
    key("callbacks", &Kind::Map(NAME_PATTERN, answers![CALLBACK_END], 1000), "Whether a caller will be called back who wants it of a queue: one word, or a list of them, one for each time.", "{ sales: refused }")
        .otherwise("`promised`"),
    key("mailboxes", &Kind::Map(NAME_PATTERN, answers![MAILBOX_END], 1000), "What a caller does at a mailbox: leaves a message, is silent, or finds it full; or how many messages he hears there: one, two, none (`empty`), or that he may not. `own` is his own.", "{ sales: full, own: two }")
        .otherwise("`left` where messages are left, `empty` where they are heard"),
    key("dials", &Kind::Map(".", answers![DIAL_END], 1000), "How it ends to ring a user or number.", "{ anna: busy }")
        .otherwise("the call ends there"),
}

form! {
    pub(super) REPEAT, "earlier calls", one of [],
    key("today", &Kind::Whole(0, 1_000_000), "How many there were on the same day.", "2").otherwise("0"),
    key("last", &Kind::Unlike("^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2})?$"), "When the last one began, in the time zone of the company.", "2026-12-24T09:12").otherwise("none is known"),
}

form! {
    pub(super) FIGURES, "how a queue stands", one of [],
    key("waiting", &Kind::Whole(0, 1_000_000), "Callers who wait.", "3").otherwise("0"),
    key("longest_wait", &Kind::Unlike("^[0-9]+(ms|s|m|h)$"), "How long the first of them has waited.", "2m").otherwise("0s"),
    key("free", &Kind::Whole(0, 1_000_000), "Agents who could take a call.", "1").otherwise("0"),
}

form! {
    pub(super) HTTP, "an answer", one of [],
    key("status", &Kind::Whole(200, 599), "Its status.", "404").usual("200"),
    key("json", &Kind::Anything, "What it holds, written as YAML.", "{ name: Ada }").without(&["body", "failed"]),
    key("body", &Kind::Text, "What it holds, as a text; so that a server can lie.", "<html>").without(&["failed"]),
    key("failed", &Kind::Word(&["timeout", "refused", "not_json", "too_large"]), "There is none that could be taken, for this reason.", "timeout"),
}

form! {
    pub(super) DO, "what a caller does", one of ["press", "interrupt", "silence", "hangup"],
    key("press", KEYS, "He hears all that plays, and presses these keys.", "1234#"),
    key("interrupt", KEYS, "He presses these keys while it still plays.", "1"),
    key("silence", &Kind::Any(&[&Kind::Unlike("^[0-9]+(ms|s|m|h)$"), &Kind::Empty]), "He says nothing for so long, after all was played.", "10s")
        .otherwise("until it waits no longer"),
    key("hangup", &Kind::Empty, "He hangs up.", ""),
}

form! {
    pub(super) EXPECT, "what is expected", one of [],
    key("said", PROMPTS, "All prompts that were played, in order, and no others.", "[welcome, main-menu]"),
    key("includes", PROMPTS, "Prompts that were played in this order, maybe with others between.", "[main-menu, goodbye]"),
    key("nodes", PROMPTS, "All nodes that the call came to, in order; those of other flows as `FLOW/NODE`.", "[welcome, main]"),
    key("variables", &Kind::Map(VARIABLE, &Kind::Any(&[&Kind::Text, &Kind::Empty]), 1000), "What variables hold at the end; nothing: it is not set.", "{ account: \"1234\" }"),
    key("ends", &Kind::Any(&[&Kind::Word(&["hangup", "caller"]), &Kind::Form(&ENDS)]), "Where the call ends.", "{ queue: sales }"),
}

form! {
    pub(super) ENDS, "an end", one of ["hangup", "queue", "dial", "waits", "caller"],
    key("hangup", &Kind::Any(&[&Kind::Word(CAUSES), &Kind::Empty]), "The flow hangs up, with this cause.", "busy").usual("normal"),
    key("queue", NAME, "In this queue.", "sales"),
    key("dial", &Kind::Text, "Where this user or number is rung.", "anna"),
    key("waits", &Kind::Text, "At this node, which waits for a key or plays for ever.", "main"),
    key("caller", &Kind::Empty, "The caller hung up.", ""),
}

pub(super) const CAUSES: &[&str] = &["normal", "busy", "no_answer", "rejected", "unavailable"];
const STATE: &Kind = &Kind::Word(&["open", "break", "holiday", "closed", "emergency"]);
const QUEUE_END: &Kind = &Kind::Word(&["waits", "agent", "timed_out", "full", "no_agents", "closed"]);
const CALLBACK_END: &Kind = &Kind::Word(&["promised", "refused"]);
const MAILBOX_END: &Kind = &Kind::Word(&["left", "silent", "full", "one", "two", "empty", "denied"]);
const DIAL_END: &Kind = &Kind::Word(&["answered", "busy", "no_answer", "declined", "failed"]);
const NAME_PATTERN: &str = "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$";
const NAME: &Kind = &Kind::Named("name", &Kind::Like(NAME_PATTERN));
const NUMBER: &Kind = &Kind::Like("^\\+?[0-9*#]{1,32}$");
const VARIABLE: &str = "^[a-z][a-z0-9_]{0,39}$";
const KEYS: &Kind = &Kind::Like("^[0-9*#A-D]{1,100}$");
const PROMPTS: &Kind = &Kind::Any(&[&Kind::Text, &Kind::List(&Kind::Text, 10_000)]);
static STEP: &Kind = &Kind::Form(&DO);
