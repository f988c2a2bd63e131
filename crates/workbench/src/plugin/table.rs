//! Every key of a file of tests of plugins. Those of calls, agents, queues and decisions are named as in the JSON of the contract
//! (`crates/routing/schema`).

use yaml::{Kind, form, key};

form! {
    pub(crate) FILE, "a file of tests", one of [],
    key("version", &Kind::Whole(1, 1), "The version of the format.", "1").needed(),
    key("note", &Kind::Text, "For people; nothing reads it.", "What sales asked for"),
    key("parameters", &Kind::Anything, "What the plugin goes by.", "{ patience: 20 }").otherwise("none"),
    key("tests", &Kind::Map("^.{1,200}$", &Kind::Form(&TEST), 10_000), "The tests, each under a name of its own.", "{ first: { agents: [eva, ben], expect: { agent: eva } } }").needed(),
}

/// What can be asked and told, in a test as in one of its steps.
macro_rules! with_step {
    ($name:ident, $what:literal, $($key:expr),* $(,)?) => {
        form! {
            pub(super) $name, $what, one of [],
            $($key,)*
            key("told", &Kind::List(&Kind::Form(&OUTCOME), 1000), "What the plugin is told, before it is asked.", "[{ agent: ben, happened: timed_out }]").otherwise("nothing"),
            key("call", &Kind::Form(&CALL), "Agent surplus: the call that agents are free for.", "{ waited_ms: 4000 }").otherwise("one of which nothing more is known"),
            key("agents", &Kind::List(AGENT_OR_NAME, 32), "Agent surplus: the agents of whom one is to get it, as the plugin wants them ordered.", "[eva, { agent: ben, calls_today: 3 }]").without(&["agent", "calls"]),
            key("agent", AGENT_OR_NAME, "Call surplus: the agent who became free.", "eva").with(&["calls"]).without(&["call"]),
            key("calls", &Kind::List(&Kind::Form(&CALL), 32), "Call surplus: the calls of which he is to get one, as they are to be served.", "[{ priority: 80 }, { waited_ms: 9000 }]").with(&["agent"]),
            key("queue", &Kind::Form(&QUEUE), "The queue that asks.", "{ name: sales, waiting: 3 }").otherwise("`sales`, of which nothing more is known"),
            key("other_queues", &Kind::List(&Kind::Form(&QUEUE), 32), "Call surplus: the other queues of the calls.", "[{ name: support }]").otherwise("none"),
            key("at", TIME, "When it is asked, UTC.", "2026-12-24T10:00").usual("2026-01-05T09:00"),
            key("seed", &Kind::Whole(0, i64::MAX), "The number that was drawn for the decision.", "7").usual("0"),
            key("expect", &Kind::Form(&EXPECT), "What must come of it.", "{ action: offer, agent: ben }").otherwise("a decision that can be"),
        }
    };
}

with_step! {
    TEST, "a test",
    key("note", &Kind::Text, "For people; nothing reads it.", "Until March"),
    key("parameters", &Kind::Anything, "What the plugin goes by.", "{ patience: 20 }").otherwise("as the file says"),
    key("state", &Kind::Text, "What the queue holds for the plugin before.", "'{\"eva\":2}'").otherwise("nothing"),
    key("steps", &Kind::List(&Kind::Form(&STEP), 1000), "What happens one after the other; the state goes on from one to the next.", "[{ agents: [eva] }, { agents: [ben] }]")
        .without(&["told", "call", "agents", "agent", "calls", "expect"]),
}

with_step! { STEP, "a step", }

form! {
    pub(super) CALL, "a call", one of [],
    key("queue", NAME, "The queue in which it waits.", "support").otherwise("the one that asks"),
    key("caller", &Kind::Text, "The caller's number, in quotes.", "\"+4930123456\"").otherwise("withheld"),
    key("dialled", &Kind::Text, "The number that was dialled.", "\"1000\"").otherwise("empty"),
    key("diverted_from", &Kind::Text, "Who sent the call on last.", "\"+4930123456\"").otherwise("nobody"),
    key("waited_ms", COUNT, "How long it has waited.", "4000").usual("0"),
    key("offers", &Kind::Whole(0, U32), "How often it was offered so far.", "1").usual("0"),
    key("priority", &Kind::Whole(0, 100), "Who has more is served first.", "80").usual("50"),
    key("needs", LEVELS, "The skills that its agent must have.", "{ spanish: 60 }").otherwise("none"),
    key("language", &Kind::Text, "The language that the caller chose.", "es").otherwise("none"),
    key("way", &Kind::List(&Kind::Text, 1000), "The flows and nodes by which it came.", "[main/welcome]").otherwise("none"),
    key("variables", &Kind::Map("^.{1,200}$", &Kind::Anything, 1000), "The variables of its flow.", "{ tier: gold }").otherwise("none"),
    key("repeats", &Kind::Whole(0, U32), "Earlier calls of the same number today.", "2").usual("0"),
    key("last_agent", &Kind::Form(&LAST), "Who spoke with this caller last.", "{ agent: eva, presence: busy }").otherwise("nobody"),
    key("level", &Kind::Whole(0, 255), "Call surplus: the agent's level in this queue.", "1").usual("0"),
}

form! {
    pub(super) LAST, "the last agent", one of [],
    key("agent", NAME, "Who.", "eva").needed(),
    key("presence", &Kind::Word(&["free", "busy", "away"]), "What he is doing.", "busy").needed(),
}

form! {
    pub(super) AGENT, "an agent", one of [],
    key("agent", NAME, "Who.", "eva").needed(),
    key("idle_ms", COUNT, "How long he has been idle.", "4000").usual("0"),
    key("calls", &Kind::Whole(0, U32), "Queue calls that he answered since the switch started.", "3").usual("0"),
    key("level", &Kind::Whole(0, 255), "Who has a higher one is asked only if nobody with a lower one is free.", "1").usual("0"),
    key("position", &Kind::Whole(0, U32), "His place in the queue's list.", "2").usual("0"),
    key("weight", &Kind::Whole(0, 65_535), "His share of the calls beside others'.", "5").usual("1"),
    key("turn", COUNT, "The number of his last offer from this queue.", "12").usual("0"),
    key("calls_today", &Kind::Whole(0, U32), "Queue calls that he answered today.", "3").usual("0"),
    key("talk_today_ms", COUNT, "How long he spoke in queue calls today.", "600000").usual("0"),
    key("occupancy", &Kind::Whole(0, 1000), "In thousandths.", "850").usual("0"),
    key("skills", LEVELS, "His skills.", "{ spanish: 60 }").otherwise("none"),
}

form! {
    pub(super) QUEUE, "a queue", one of [],
    key("name", NAME, "Its name.", "sales").usual("sales"),
    key("waiting", &Kind::Whole(0, U32), "Calls that wait and are offered to nobody.", "3").usual("1"),
    key("longest_wait_ms", COUNT, "How long the first of them has waited.", "4000").usual("0"),
    key("ring_ms", COUNT, "How long a phone rings if the decision does not say.", "15000").usual("20000"),
    key("service", &Kind::Form(&SERVICE), "What it has promised, and how it kept that.", "{ kept: 7500 }").otherwise("80 of 100 within 20 s"),
    key("excluded", &Kind::Form(&EXCLUDED), "Agents who could not be candidates, counted by the reason.", "{ in_call: 4 }").otherwise("none"),
}

form! {
    pub(super) SERVICE, "a service level", one of [],
    key("within_ms", COUNT, "Calls are to be answered within this time…", "30000").usual("20000"),
    key("target", &Kind::Whole(0, 100), "…in so many of a hundred cases.", "90").usual("80"),
    key("kept", &Kind::Whole(0, 10_000), "What was kept of late, in hundredths of a percent.", "7500").otherwise("there were no calls"),
}

form! {
    pub(super) EXCLUDED, "counts of agents", one of [],
    key("unavailable", &Kind::Whole(0, U32), "Not logged in.", "4").usual("0"),
    key("on_break", &Kind::Whole(0, U32), "On a break.", "4").usual("0"),
    key("unskilled", &Kind::Whole(0, U32), "Free, without a skill that the call needs.", "4").usual("0"),
    key("offered", &Kind::Whole(0, U32), "Being offered another call.", "4").usual("0"),
    key("in_call", &Kind::Whole(0, U32), "In a call.", "4").usual("0"),
    key("wrap_up", &Kind::Whole(0, U32), "In the time after a call.", "4").usual("0"),
    key("resting", &Kind::Whole(0, U32), "Did not take an offer a short while ago.", "4").usual("0"),
    key("tried", &Kind::Whole(0, U32), "Were offered this call a short while ago.", "4").usual("0"),
    key("undecided", &Kind::Whole(0, U32), "Another decision about them is under way.", "4").usual("0"),
    key("surplus", &Kind::Whole(0, U32), "Free, but behind the best 32.", "4").usual("0"),
}

form! {
    pub(super) OUTCOME, "an outcome", one of [],
    key("agent", NAME, "Whose offer or call it was.", "ben").needed(),
    key("happened", &Kind::Word(&["accepted", "declined", "timed_out", "unreachable", "withdrawn", "ended"]), "What happened.", "timed_out").needed(),
    key("call", PLACE, "The call, by its place among the calls of the test, from 1.", "2").usual("1"),
    key("rang_ms", COUNT, "How long it rang.", "20000").usual("5000"),
    key("talk_ms", COUNT, "`ended`: how long they spoke.", "90000").usual("60000"),
    key("disposition", &Kind::Text, "`ended`: the code that the agent gave the call.", "sold").otherwise("none"),
}

form! {
    pub(super) EXPECT, "what is expected", one of [],
    key("action", &Kind::Word(&["offer", "offer_all", "offer_in_turn", "wait", "widen", "prioritise", "overflow", "refuse"]), "What is decided.", "offer"),
    key("call", PLACE, "The call, by its place among the calls, from 1.", "2"),
    key("agent", NAME, "Whose phone rings.", "ben"),
    key("agents", &Kind::List(NAME, 32), "Whose phones ring, in this order.", "[eva, ben]"),
    key("ring_ms", COUNT, "How long the phone rings.", "15000"),
    key("at_most_ms", COUNT, "How long nothing is done.", "1000"),
    key("needs", LEVELS, "What the call needs from now on.", "{ spanish: 40 }"),
    key("priority", &Kind::Whole(0, 100), "Its priority from now on.", "80"),
    key("to", &Kind::Form(&TARGET), "Where the call goes.", "{ queue: support }"),
    key("reason", &Kind::Text, "The reason, word by word.", "\"1 calls today, fewest of 2\""),
    key("scores", &Kind::List(&Kind::Whole(i64::MIN, i64::MAX), 32), "How good each option was.", "[3, 1]"),
    key("state", &Kind::Any(&[&Kind::Text, &Kind::Empty]), "What the queue holds for the plugin afterwards; empty: nothing.", "'{\"eva\":2}'"),
    key("fault", &Kind::Text, "Why there is no decision, in the one word of the journal.", "declined"),
}

form! {
    pub(super) TARGET, "a target", one of ["queue", "flow", "number", "voicemail"],
    key("queue", NAME, "Another queue.", "support"),
    key("flow", NAME, "A flow.", "sorry"),
    key("number", &Kind::Text, "A number.", "\"1000\""),
    key("voicemail", NAME, "A mailbox.", "sales"),
}

/// The most that a count of 32 bits holds.
const U32: i64 = 4_294_967_295;
const COUNT: &Kind = &Kind::Whole(0, i64::MAX);
const PLACE: &Kind = &Kind::Whole(1, 32);
const NAME: &Kind = &Kind::Named("name", &Kind::Like("^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"));
const LEVELS: &Kind = &Kind::Map("^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", &Kind::Whole(0, 100), 8);
const TIME: &Kind = &Kind::Unlike("^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2})?$");
static AGENT_OR_NAME: &Kind = &Kind::Any(&[NAME, &Kind::Form(&AGENT)]);
