//! The keys of a centre's scenario.

use yaml::{Kind, form, key};

form! {
    pub(super) FILE, "a centre's scenario", one of [],
    key("version", &Kind::Whole(1, 1), "The version of the format.", "1").needed(),
    key("about", &Kind::Text, "What is tried, in a sentence.", "A Monday with half of sales away").needed(),
    key("config", &Kind::Text, "The company's folder, relative to this file.", "../config").needed(),
    key("seed", &Kind::Whole(0, i64::MAX), "The seed of everything that is drawn.", "7").usual("1"),
    key("begin", &Kind::Text, "When it begins, on the company's clocks.", "2026-11-26T08:00").needed(),
    key("length", DURATION, "For how long calls come, up to 30 days; then those that live may end.", "10h").needed(),
    key("calls", &Kind::Map(NAME, &Kind::Form(&STREAM), 1_000), "Who calls, by a name for the report.", "{ sales: { number: 201, rate: 60, talk: 3m } }").needed(),
    key("agents", &Kind::List(&Kind::Form(&TEAM), 10_000), "Who works when.", "[{ users: [101, 102] }]").needed(),
    key("network", &Kind::List(&Kind::Anything, 20), "What happens to messages on their way.", "[{ delay: 20ms, jitter: 10ms }, { lose: 1 }]").otherwise("they come at once"),
    key("faults", &Kind::Form(&FAULTS), "What goes wrong.", "{ phones_die: { every: 1h, for: 2m } }").otherwise("nothing"),
    key("check", DURATION, "How often all invariants of the switch are checked, 1s to 24h.", "1s").usual("1m"),
}

form! {
    pub(super) STREAM, "calls", one of ["rate", "at"],
    key("number", &Kind::Text, "What they dial.", "201").needed(),
    key("rate", &Kind::Any(&[&Kind::Whole(0, 1_000_000), &Kind::Map("^[0-9]{1,2}:[0-9]{2}$", &Kind::Whole(0, 1_000_000), 200)]), "Calls an hour, by chance (Poisson); or from each time of day on until the next.", "{ 8:00: 20, 10:00: 60, 18:00: 0 }"),
    key("at", &Kind::List(DURATION, 100_000), "When they come, since the begin.", "[0s, 10s, 10s]"),
    key("patience", SPREAD, "How long callers wait in queues before they hang up.", "{ exponential: 3m }").usual("endless"),
    key("talk", SPREAD, "How long they talk with whoever answers.", "{ lognormal: 4m, deviation: 3m }").needed(),
    key("keys", &Kind::List(&Kind::Form(&KEY), 100), "Keys that they press.", "[{ after: 5s, press: 1 }]").otherwise("none"),
}

form! {
    pub(super) KEY, "a key", one of [],
    key("after", DURATION, "How long after the switch answered, 0s to 1h.", "5s").needed(),
    key("press", &Kind::Like("^[0-9*#]$"), "Which.", "1").needed(),
}

form! {
    pub(super) TEAM, "agents", one of ["users", "queue"],
    key("users", &Kind::List(&Kind::Like(NAME), 10_000), "Who they are.", "[101, 102]"),
    key("queue", &Kind::Like(NAME), "In place of `users`: all agents of this queue whom nothing above names.", "sales"),
    key("shifts", &Kind::List(&Kind::Text, 100), "From when to when they are logged in.", "[8:00-16:30]").otherwise("always"),
    key("breaks", &Kind::List(&Kind::Text, 100), "When they are on a break, in between.", "[12:00-12:30]").otherwise("none"),
    key("answers_after", SPREAD, "How long their phones ring before they answer, or decline.", "{ exponential: 4s }").usual("3s"),
    key("ignores", &Kind::Whole(0, 100), "Of 100 offers they let so many ring.", "3").usual("0"),
    key("declines", &Kind::Whole(0, 100), "Of 100 offers they decline so many.", "2").usual("0"),
}

form! {
    pub(super) FAULTS, "faults", one of [],
    key("phones_die", &Kind::Form(&FAULT_FOR), "A phone of any agent is dead, in a call or not.", "{ every: 1h, for: 2m }"),
    key("log_outs", &Kind::Form(&FAULT_FOR), "An agent logs out, in a call or not.", "{ every: 30m, for: 5m }"),
    key("clock_jumps", &Kind::Form(&FAULT_BY), "The clock on the wall jumps, forward or back.", "{ every: 6h, by: 1h }"),
    key("decisions_err", &Kind::Whole(0, 1_000), "Of 1,000 routing decisions so many are rubbish.", "5").usual("0"),
    key("reloads", &Kind::Form(&FAULT), "The configuration is changed (a queue or an agent less, other times), and the next time put back.", "{ every: 1h }"),
}

form! {
    pub(super) FAULT, "a fault", one of [],
    key("every", DURATION, "How often on average, by chance, in the whole centre.", "1h").needed(),
}

form! {
    pub(super) FAULT_FOR, "a fault", one of [],
    key("every", DURATION, "How often on average, by chance, in the whole centre.", "1h").needed(),
    key("for", DURATION, "For how long.", "2m").needed(),
}

form! {
    pub(super) FAULT_BY, "a fault", one of [],
    key("every", DURATION, "How often on average, by chance, in the whole centre.", "1h").needed(),
    key("by", DURATION, "By how much.", "1h").needed(),
}

form! {
    pub(super) DRAWN, "a distribution", one of ["exponential", "lognormal"],
    key("exponential", DURATION, "The mean.", "3m"),
    key("lognormal", DURATION, "The mean; with `deviation`.", "4m"),
    key("deviation", DURATION, "The standard deviation of `lognormal`.", "2m"),
}

const NAME: &str = "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$";
const DURATION: &Kind = &Kind::Unlike("^[0-9]+(ms|s|m|h)$");
const SPREAD: &Kind = &Kind::Any(&[DURATION, &Kind::Word(&["endless"]), &Kind::Form(&DRAWN)]);
