//! Every key of the language, a row each: what the reader takes, and what `strowger schema` tells editors of it. A new key
//! begins here, and whoever reads it asks for it by its form's [`yaml::Form::shape`].

use yaml::{Kind, form, key};

use super::inspect::MAX_LIST;
use super::menu::MAX_KEYS;

/// The verbs of a node.
pub(super) const VERBS: &[&str] = NODE.one_of;

form! {
    pub(crate) FLOW, "a flow", one of [],
    key("version", &Kind::Whole(1, 1), "The version of the flow language.", "1").needed(),
    key("note", &Kind::Text, "For people; nothing reads it.", "The main menu"),
    key("start", NODE_NAME, "The node that a call begins at.", "welcome").otherwise("the first node of the file"),
    key("nodes", &NODES, "The nodes by their names. Each has one verb, and says what follows.", "{ end: { hangup: normal } }").needed(),
}

form! {
    pub(super) NODE, "a node", one of ["play", "say", "menu", "collect", "hours", "queue", "callback", "dial", "voicemail", "mailbox", "transfer", "survey", "record", "language", "when", "set", "http", "call", "goto", "hangup"],
    key("play", &Kind::Any(&[PROMPT, &Kind::Form(&PLAY)]), "Plays prompts.", "welcome")
        .with_unless(&["next"], "repeat", "forever"),
    key("say", &SAID, "Speaks a text, in which plain words are spoken and `{{ name }}` is what a variable holds.", "Hello {{ caller.name }}")
        .with_unless(&["next"], "repeat", "forever"),
    key("menu", &Kind::Form(&MENU), "Asks for one key, and goes where that leads.", "{ prompt: main-menu, keys: { 1: sales }, exhausted: goodbye }")
        .without(&["next"]),
    key("collect", &Kind::Form(&COLLECT), "Asks for digits and keeps them in a variable.", "{ prompt: enter-account, into: account, digits: 4-8, exhausted: goodbye }")
        .with(&["next"]),
    key("hours", &Kind::Form(&HOURS), "Asks a calendar whether the company is open, and goes where that leads.", "{ calendar: office, open: main, closed: after-hours }")
        .without(&["next"]),
    key("queue", &Kind::Any(&[NAME, &Kind::Form(&QUEUE)]), "Lets the caller wait for an agent of a queue, and talk.", "sales")
        .with(&["next"]),
    key("callback", &Kind::Form(&CALLBACK), "Has an agent of a queue call back, when it would have been the caller's turn. The flow needs a grant for the number.", "{ queue: sales, hours: office, refused: goodbye }")
        .with(&["next"]),
    key("dial", &Kind::Any(&[NAME, &Kind::Form(&DIAL)]), "Rings a user or a number, and connects the caller.", "anna")
        .with(&["next"]),
    key("voicemail", &Kind::Any(&[NAME, &Kind::Form(&VOICEMAIL)]), "Takes a message: greeting, beep, what the caller says.", "{ mailbox: sales, greeting: leave-a-message }")
        .with(&["next"]),
    key("mailbox", &Kind::Form(&MAILBOX), "Lets the caller hear the messages of a mailbox that is his.", "{ name: own, menu: message-menu }")
        .with(&["next"]),
    key("transfer", &Kind::Form(&TRANSFER), "Sends the caller on to a user or a number for good.", "{ number: 1003, failed: nobody }")
        .without(&["next"]),
    key("survey", &Kind::Form(&SURVEY), "Asks for a score, for the record of the call; mostly behind a `queue`, when the agent has hung up.", "{ scale: csat, prompt: how-was-it }")
        .with(&["next"]),
    key("record", &Kind::Word(&["start", "stop", "mask", "unmask"]), "Begins or ends the recording of the call; or has it hold silence in place of what both sides say, until `unmask`.", "start").with(&["next"]),
    key("language", NAME, "From here on the caller hears this language, one of `languages` in `strowger.yaml`.", "zh").with(&["next"]),
    key("when", &WHEN, "Goes where the first case leads whose condition holds, or where a table says.", "[{ if: \"caller.number == ''\", next: ask }, { otherwise: main }]")
        .without(&["next"]),
    key("set", &SET, "Sets variables to what expressions come to.", "{ known: \"caller.number != ''\" }").with(&["next"]),
    key("http", &Kind::Form(&HTTP), "Asks a web server, and takes of its answer what variables are to hold.", "{ get: \"https://crm.example/customers\", query: { number: caller.number }, take: { name: reply.name }, failed: main }").with(&["next"]),
    key("call", NAME, "Plays another flow, and comes back when that leads to `return`.", "ask-language").with(&["next"]),
    key("goto", &Kind::Any(&[TARGET, &Kind::Form(&GOTO)]), "Goes to another node, or to another flow for good.", "main").without(&["next"]),
    key("hangup", &Kind::Any(&[&Kind::Word(&["normal", "busy", "no_answer", "rejected", "unavailable"]), &Kind::Empty]), "Ends the call.", "busy")
        .usual("normal").without(&["next"]),
    key("next", TARGET, "The node that follows, `hangup`, or `return`: back to the flow that called this one.", "goodbye"),
    key("note", &Kind::Text, "For people; nothing reads it.", "Asked for by the sales team"),
}

form! {
    pub(super) CASE, "a case", one of [],
    key("if", EXPRESSION, "The condition, in CEL.", "caller.number.startsWith('+49')").needed(),
    key("next", TARGET, "Where it leads if it holds.", "german").needed(),
}

form! {
    pub(super) OTHERWISE, "the last case", one of [],
    key("otherwise", TARGET, "Where it leads if no case holds.", "main").needed(),
}

form! {
    pub(super) LOOK, "a look into a table", one of [],
    key("value", EXPRESSION, "What is looked for, in CEL: a text, or a whole number.", "caller.number").needed(),
    key("in", NAME, "The table: `tables/NAME.csv`.", "vip").needed(),
    key("by", &Kind::Word(&["exact", "prefix"]), "The key of the row is all of that, or what it begins with (the longest such key).", "prefix").usual("exact"),
    key("into", VARIABLE, "The variable that gets the row that was found: a map of its cells by the names of their columns.", "row").otherwise("it is not kept"),
    key("found", LAST, "There is such a row.", "vip").needed(),
    key("otherwise", LAST, "There is none, or what is looked for cannot be worked out.", "main").needed(),
}

form! {
    pub(super) HTTP, "an http node", one of ["get", "post", "put"],
    key("get", URL, "The URL to be read. Its origin must be allowed in `strowger.yaml`.", "https://crm.example/customers").without(&["send"]),
    key("post", URL, "The URL to send something to.", "https://crm.example/tickets"),
    key("put", URL, "The URL of what is to be replaced.", "https://crm.example/customers/1"),
    key("query", &PARTS, "What is added to the URL behind `?`, in CEL.", "{ number: caller.number }").otherwise("nothing"),
    key("headers", &HEADERS, "Further headers: texts, or secrets of `strowger.yaml`.", "{ Authorization: { secret: crm-key } }").otherwise("none"),
    key("send", &PARTS, "What is sent, as a JSON object, in CEL.", "{ number: caller.number }").otherwise("nothing"),
    key("timeout", DURATION, "How long it may take, 100ms to 30s.", "5s").usual("3s"),
    key("hear", PROMPT, "What the caller hears meanwhile, over and over.", "one-moment").otherwise("nothing"),
    key("take", &TAKE, "Variables, each with what it gets of the answer, in CEL over `reply` and `status`.", "{ name: reply.name }").otherwise("nothing"),
    key("failed", OUTCOME_KIND, "There was no answer in time, it was no success or no JSON, or something of `take` is not in it. The variables of `take` are null then.", "main").needed(),
}

form! {
    pub(crate) SECRET, "a secret", one of [],
    key("secret", NAME, "Its name under `secrets` in `strowger.yaml`.", "crm-key").needed(),
}

form! {
    pub(super) GOTO, "a goto", one of [],
    key("flow", NAME, "The flow, which begins at its start. Nobody comes back from there.", "main").needed(),
}

form! {
    pub(super) PLAY, "a play", one of [],
    key("prompt", PROMPT, "What is played.", "welcome").needed(),
    key("repeat", TIMES, "How often, 1 to 100, or `forever`: until the caller hangs up, or, if the node has `next`, presses a key.", "2").usual("1"),
    key("barge_in", &Kind::Bool, "A key cuts the prompt short, at once.", "false").usual("true"),
}

form! {
    pub(super) SAY, "a say", one of [],
    key("prompt", &SAID_PROMPT, "What is spoken.", "Hello {{ caller.name }}").needed(),
    key("repeat", TIMES, "How often, 1 to 100, or `forever`: until the caller hangs up, or, if the node has `next`, presses a key.", "2").usual("1"),
    key("barge_in", &Kind::Bool, "A key cuts the words short, at once.", "false").usual("true"),
}

form! {
    pub(super) MENU, "a menu", one of [],
    key("prompt", PROMPT, "The question.", "main-menu").needed(),
    key("keys", KEYS, "The keys, each with where it leads: digits such as `1` or `12`, `\"*\"`, `\"#\"`, or a range such as `4-6` or `20-29`.", "{ 1: sales, 20-29: rooms, \"*\": repeat }").needed(),
    key("digit_timeout", DURATION, "How long a further digit may take where more than one may follow, 1s to 1m. It must be written where a key begins another key or an extension.", "2s").usual("3s"),
    key("direct_dial", &Kind::Form(&DIRECT_DIAL), "Extensions of users may be dialled beside the keys: the numbers of the number plan that lead to them.", "{ digits: 3, next: goodbye }"),
    BARGE_IN,
    TYPE_AHEAD,
    TIMEOUT,
    ATTEMPTS,
    NO_INPUT,
    key("wrong_input", ANSWER_OR_WORDS, "A key came that is not in `keys`.", "{ prompt: wrong-key }").otherwise("it asks again"),
    EXHAUSTED,
}

form! {
    pub(super) COLLECT, "a collect", one of [],
    key("prompt", PROMPT, "The question.", "enter-account").needed(),
    key("into", VARIABLE, "The variable that gets the digits.", "account").needed(),
    key("digits", &Kind::Like("^[0-9]{1,2}(-[0-9]{1,2})?$"), "How many digits, 1 to 32; with the last one it goes on.", "4-8").needed(),
    key("end_key", &Kind::Word(&["#", "*", "none"]), "Ends the digits early. In quotes: `\"#\"`.", "\"*\"").usual("\"#\""),
    key("digit_timeout", DURATION, "A pause so long ends the digits, 1s to 1m.", "5s").usual("3s"),
    key("secret", &Kind::Bool, "What the caller types reaches no journal, no trace and no recording. Of a secret, `type_ahead` is `discard`.", "true").usual("false"),
    key("check", &Kind::Form(&CHECK), "What the digits must be, besides their number.", "{ luhn: true }"),
    key("invalid", ANSWER_OR_WORDS, "The digits did not pass the check.", "{ prompt: no-such-card }").otherwise("as `wrong_input`"),
    key("confirm", &Kind::Form(&CONFIRM), "Reads the digits back and asks whether they are right. A no asks for them again and costs an attempt; no answer, twice, is one.", "{ prompt: [you-typed, { digits: account }, is-that-right] }"),
    BARGE_IN,
    TYPE_AHEAD,
    TIMEOUT,
    ATTEMPTS,
    NO_INPUT,
    key("wrong_input", ANSWER_OR_WORDS, "Too few digits came, or a key that is none.", "{ prompt: wrong-key }").otherwise("it asks again"),
    EXHAUSTED,
}

form! {
    pub(super) SURVEY, "a survey", one of [],
    key("scale", &Kind::Word(&["csat", "nps"]), "What is asked: how satisfied the caller is, 1 to 5 (`csat`), or how likely he is to recommend the company, 0 to 10 (`nps`).", "csat").needed(),
    key("prompt", PROMPT, "The question.", "how-was-it").needed(),
    key("into", VARIABLE, "The variable that gets the score, a number.", "satisfaction").usual("score"),
    key("digit_timeout", DURATION, "How long a 0 may take behind a 1, 1s to 1m.", "2s").usual("3s"),
    BARGE_IN,
    TYPE_AHEAD,
    TIMEOUT,
    ATTEMPTS,
    NO_INPUT,
    key("wrong_input", ANSWER_OR_WORDS, "What was typed is not on the scale.", "{ prompt: wrong-key }").otherwise("it asks again"),
    key("exhausted", OUTCOME_KIND, "All attempts are used up.", "goodbye").otherwise("as `next`"),
}

form! {
    pub(super) DIRECT_DIAL, "a direct dial", one of [],
    key("digits", &Kind::Like("^[1-8](-[1-8])?$"), "How many digits the extensions have, 1 to 8.", "3-4").needed(),
    key("users", &Kind::Any(&[&Kind::Word(&["all"]), NAME, &Kind::List(NAME, MAX_KEYS)]), "The users that may be dialled.", "[anna, bob]").usual("all"),
    key("prefix", &Kind::Like("^[0-9*#]{1,4}$"), "Keys that are pressed before an extension, in quotes.", "\"*\"").otherwise("none"),
    key("ring_time", DURATION, "How long it rings, 1s to 5m.", "20s").usual("30s"),
    key("next", TARGET, "The node that follows when the one who was dialled has hung up, or `hangup`.", "goodbye").needed(),
    key("busy", ANSWER_OR_WORDS, "The other side is in a call.", "{ prompt: busy }").otherwise("it asks again"),
    key("no_answer", ANSWER_OR_WORDS, "Nobody answered in time.", "{ prompt: no-answer }").otherwise("it asks again"),
    key("declined", ANSWER_OR_WORDS, "The other side pressed the red key.", "{ prompt: no-answer }").otherwise("it asks again"),
    key("failed", ANSWER_OR_WORDS, "It cannot be rung.", "{ prompt: no-answer }").otherwise("it asks again"),
}

form! {
    pub(super) CHECK, "a check", one of [],
    key("regex", &Kind::Text, "A regular expression for the whole of the digits.", "\"[1-9][0-9]{5}\""),
    key("luhn", &Kind::Bool, "The last digit is the check digit of the others, as on cards.", "true").usual("false"),
    key("date", &Kind::Like("^(dd|mm|yyyy|yy){2,3}$"), "They are a date, typed in this order: a month, with a day, a year or both.", "ddmmyyyy"),
    key("in", &Kind::Any(&[DIGITS, &Kind::List(DIGITS, MAX_LIST)]), "They are one of these, or within one of these ranges.", "[1000-1999, 4711]"),
}

form! {
    pub(super) CONFIRM, "a confirmation", one of [],
    key("prompt", PROMPT, "What is played: the digits, and the question.", "[you-typed, { digits: account }, is-that-right]").needed(),
    key("yes", ONE_KEY, "The key for yes.", "\"#\"").usual("1"),
    key("no", ONE_KEY, "The key for no.", "\"*\"").usual("2"),
}

form! {
    pub(super) HOURS, "an hours node", one of [],
    key("calendar", NAME, "The calendar, as `hours.yaml` has it.", "office").needed(),
    key("open", LAST, "It is open.", "main").needed(),
    key("closed", LAST, "It is closed.", "{ prompt: closed, next: hangup }").needed(),
    key("break", LAST, "It is a break.", "{ prompt: lunch, next: hangup }").otherwise("as `closed`"),
    key("holiday", LAST, "It is closed, as it is a holiday.", "{ prompt: holiday, next: hangup }").otherwise("as `closed`"),
    key("emergency", LAST, "A switch of the calendar is on, whatever the time.", "{ prompt: evacuated, next: hangup }").otherwise("as `closed`"),
}

form! {
    pub(super) QUEUE, "a queue node", one of [],
    key("name", NAME, "The queue, as `queues.yaml` has it.", "sales").needed(),
    key("max_wait", DURATION, "How long the caller waits at most, 1s to 24h.", "5m").otherwise("as long as the queue says"),
    key("priority", &Kind::Whole(0, 100), "Who has a higher one is served first; the queue's `aging` may let waiting make up for it.", "70").usual("50"),
    key("skills", &SKILLS, "What an agent must have to get the call: names, or names with the least level, 0 to 100; the one that matters most first.", "{ spanish: 50 }").otherwise("none"),
    key("announce", &Kind::Form(&ANNOUNCE), "How often the caller is told his place, and how long he will wait; the first time at once.", "{ position: 30s, wait: 1m }").otherwise("never"),
    key("hear", PROMPT, "What the caller hears over and over while he waits.", "[one-moment, music]").otherwise("the music of the queue"),
    key("keys", &QUEUE_KEYS, "The keys that lead out of the queue while the caller waits, each with where it leads.", "{ 1: leave-a-message, \"*\": goodbye }").otherwise("none does"),
    key("timed_out", OUTCOME_KIND, "Nobody came in time.", "{ prompt: all-busy, next: goodbye }").otherwise("as `next`"),
    key("full", OUTCOME_KIND, "The queue has no place left.", "goodbye").otherwise("as `next`"),
    key("no_agents", OUTCOME_KIND, "Nobody works there now.", "goodbye").otherwise("as `next`"),
    key("closed", OUTCOME_KIND, "The queue is closed by its `hours`, or closed while he waited; must be written where it has some.", "{ prompt: office-closed, next: goodbye }").otherwise("it never closes"),
}

form! {
    pub(super) TRANSFER, "a transfer", one of ["user", "number"],
    key("user", NAME, "The user to send the caller to, as `users.yaml` has him.", "anna"),
    key("number", &Kind::Like("^\\+?[0-9*#]{1,32}$"), "The number, in quotes: one of the number plan, be it a user's, a queue's or a flow's, or one outside that a grant of the flow holds.", "\"1003\""),
    key("ring_time", DURATION, "How long it rings, 1s to 5m.", "20s").usual("30s"),
    key("failed", LAST, "He cannot be sent there.", "nobody").needed(),
    key("busy", LAST, "The other side is in a call.", "nobody").otherwise("as `failed`"),
    key("no_answer", LAST, "Nobody answered in time.", "nobody").otherwise("as `failed`"),
    key("declined", LAST, "The other side pressed the red key.", "nobody").otherwise("as `failed`"),
}

form! {
    pub(super) ANNOUNCE, "an announcement", one of [],
    key("position", DURATION, "How often the caller is told his place in the queue, 10s to 10m.", "30s").otherwise("never"),
    key("wait", DURATION, "How often he is told how long he will wait, 10s to 10m; nothing while that is uncertain.", "1m").otherwise("never"),
}

form! {
    pub(super) CALLBACK, "a callback", one of [],
    key("queue", NAME, "The queue whose agents call. The caller keeps the place that he has in it, or had last.", "sales").needed(),
    key("hours", NAME, "The calendar in whose open hours he is called.", "office").needed(),
    key("number", EXPRESSION, "The number that is called, in CEL.", "phone").usual("caller.number"),
    key("attempts", &Kind::Whole(1, 10), "How often it is tried.", "2").usual("3"),
    key("retry", DURATION, "How long after an attempt that failed the next one comes, 1m to 24h.", "30m").usual("10m"),
    key("except", NAME, "The table of numbers that are not called: `tables/NAME.csv`, numbers in the first column.", "do-not-call").otherwise("any may be called"),
    key("refused", LAST, "He cannot be called back: there is no number, or it must not be called.", "{ prompt: sorry, next: goodbye }").needed(),
}

form! {
    pub(super) DIAL, "a dial", one of ["user", "number"],
    key("user", NAME, "The user to ring, as `users.yaml` has him.", "anna"),
    key("number", &Kind::Like("^\\+?[0-9*#]{1,32}$"), "The number to ring, in quotes: one that leads to a user, or one outside that a grant of the flow holds.", "\"+4930123456\""),
    key("ring_time", DURATION, "How long it rings, 1s to 5m.", "20s").usual("30s"),
    key("busy", OUTCOME_KIND, "The other side is in a call.", "goodbye").otherwise("as `next`"),
    key("no_answer", OUTCOME_KIND, "Nobody answered in time.", "goodbye").otherwise("as `next`"),
    key("declined", OUTCOME_KIND, "The other side pressed the red key.", "goodbye").otherwise("as `next`"),
    key("failed", OUTCOME_KIND, "It cannot be rung, or is not let out.", "goodbye").otherwise("as `next`"),
}

form! {
    pub(super) VOICEMAIL, "a voicemail", one of [],
    key("mailbox", NAME, "Whose: a user's name, or one of `mailboxes` in `strowger.yaml`.", "sales").needed(),
    key("greeting", PROMPT, "What is played before the beep. A key skips it.", "leave-a-message").otherwise("nothing"),
    key("max_time", DURATION, "How long the message may be, 10s to 10m.", "1m").usual("3m"),
    key("silence", DURATION, "A silence so long ends the message, 1s to 30s.", "8s").usual("5s"),
    key("end_key", &Kind::Word(&["#", "*", "none"]), "Ends the message. In quotes: `\"#\"`.", "\"*\"").usual("\"#\""),
    key("review", &Kind::Form(&REVIEW), "Asks what is to be done with the message. No key keeps it, and so does hanging up.", "{ prompt: review-menu }").otherwise("it is kept"),
    key("full", OUTCOME_KIND, "The mailbox has no room, or the message could not be written.", "{ prompt: mailbox-full, next: goodbye }").otherwise("as `next`"),
    key("empty", OUTCOME_KIND, "Nothing was said, so that nothing is kept.", "goodbye").otherwise("as `next`"),
}

form! {
    pub(super) REVIEW, "a review", one of [],
    key("prompt", PROMPT, "The question.", "review-menu").needed(),
    key("listen", ONE_KEY, "The key that plays the message.", "7").usual("1"),
    key("again", ONE_KEY, "The key that takes it anew.", "8").usual("2"),
    key("keep", ONE_KEY, "The key that keeps it.", "\"#\"").usual("3"),
    key("delete", ONE_KEY, "The key that deletes it.", "\"*\"").usual("4"),
    key("timeout", DURATION, "How long it waits for a key, 1s to 1m.", "8s").usual("5s"),
    key("deleted", OUTCOME_KIND, "The caller deleted it.", "{ prompt: message-deleted, next: main }").otherwise("as `next`"),
}

form! {
    pub(super) MAILBOX, "a mailbox node", one of [],
    key("name", NAME, "`own`: that of the user whose phone calls; or a user's name, or one of `mailboxes` in `strowger.yaml`. Only their own users may hear them.", "sales").needed(),
    key("into", VARIABLE, "The variable that gets the number of new messages, before the greeting.", "new_messages"),
    key("greeting", PROMPT, "What is played first, if there are messages.", "[you-have, { number: new_messages }, new-messages]").otherwise("nothing"),
    key("menu", PROMPT, "What is asked behind each message: those that nobody has heard come first.", "message-menu").needed(),
    key("again", ONE_KEY, "The key that plays the message once more.", "7").usual("1"),
    key("skip", ONE_KEY, "The key that goes on to the next message.", "\"#\"").usual("2"),
    key("delete", ONE_KEY, "The key that deletes the message.", "9").usual("3"),
    key("keep", ONE_KEY, "The key that keeps the message as if it were not heard, and goes on.", "8").usual("4"),
    key("leave", ONE_KEY, "The key that ends it.", "0").usual("\"*\""),
    key("timeout", DURATION, "How long it waits for a key, 1s to 1m.", "8s").usual("5s"),
    key("empty", OUTCOME_KIND, "There is no message.", "{ prompt: no-messages, next: goodbye }").otherwise("as `next`"),
    key("denied", OUTCOME_KIND, "The mailbox is not this caller's.", "goodbye").otherwise("as `next`"),
}

form! {
    pub(super) ITEM, "an item of a prompt", one of ["text", "digits", "number", "money", "date", "time", "spell", "silence"],
    key("text", TEXT, "Speaks a text; `{{ name }}` in it is what a variable holds. Where the company has several languages it is written for each.", "Hello {{ caller.name }}").without(&["currency", "clock"]),
    key("digits", VARIABLE, "Says the digits of a variable one by one.", "account"),
    key("number", VARIABLE, "Says a variable as a number.", "place").without(&["currency", "clock"]),
    key("money", VARIABLE, "Says a variable as an amount of money.", "balance").with(&["currency"]).without(&["clock"]),
    key("date", VARIABLE, "Says a variable as a date: `2026-11-26`, `20261126`, or one with a time behind it.", "due"),
    key("time", VARIABLE, "Says a variable as a time of day: `9:05`, `0905`, or one with a date before it.", "opens").without(&["currency"]),
    key("spell", VARIABLE, "Says the letters, digits and signs of a variable one by one.", "code"),
    key("silence", DURATION, "Silence, 20ms to 1m.", "500ms"),
    key("currency", &Kind::Like("^[A-Z]{3}$"), "The currency of `money`, by ISO 4217.", "EUR").with(&["money"]),
    key("clock", &Kind::Any(&[&Kind::Whole(12, 12), &Kind::Whole(24, 24)]), "The clock of `time`: of 12 or of 24 hours.", "24").otherwise("as the language does").with(&["time"]),
}

form! {
    pub(super) OUTCOME, "an outcome", one of [],
    key("prompt", PROMPT, "What is played first.", "all-busy").otherwise("nothing"),
    key("next", TARGET, "Where it leads then.", "goodbye"),
}

/// An outcome that must say where it leads, and of a question may lead back to it.
macro_rules! outcome_with_next {
    ($name:ident, $target:expr) => {
        form! {
            $name, "an outcome", one of [],
            key("prompt", PROMPT, "What is played first.", "one-moment").otherwise("nothing"),
            key("next", $target, "Where it leads then.", "sales").needed(),
        }
    };
}
outcome_with_next!(LAST_OUTCOME, TARGET);
outcome_with_next!(ANSWER, ANSWER_TARGET);

form! {
    ANSWER_WITH_WORDS, "an outcome", one of [],
    key("prompt", PROMPT, "What is played first.", "no-key").otherwise("nothing"),
    key("next", ANSWER_TARGET, "Where it leads then.", "repeat").usual("repeat"),
}

// Of both questions.
const BARGE_IN: yaml::Key =
    key("barge_in", &Kind::Bool, "A key cuts the prompt short, at once.", "false").usual("true");
const TYPE_AHEAD: yaml::Key = key(
    "type_ahead",
    &Kind::Word(&["keep", "discard"]),
    "Keys that were pressed before the question: they count, or they are thrown away.",
    "discard",
)
.usual("keep");
const TIMEOUT: yaml::Key =
    key("timeout", DURATION, "How long it waits for a key after the prompt, 0s to 5m.", "8s").usual("5s");
const ATTEMPTS: yaml::Key = key("attempts", TIMES, "How often it asks, 1 to 100, or `forever`.", "2").usual("3");
const NO_INPUT: yaml::Key =
    key("no_input", ANSWER_OR_WORDS, "No key came. Words alone are played, and it asks again.", "{ prompt: no-key }")
        .otherwise("it asks again");
const EXHAUSTED: yaml::Key =
    key("exhausted", LAST, "The last attempt failed, too.", "goodbye").needed_unless("attempts", "forever");

const ONE_KEY: &Kind = &Kind::Like("^[0-9*#]$");
const DIGITS: &Kind = &Kind::Like("^[0-9]{1,8}(-[0-9]{1,8})?$");
const NAME_PATTERN: &str = "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$";
const NAME: &Kind = &Kind::Named("name", &Kind::Like(NAME_PATTERN));
const VARIABLE: &Kind = &Kind::Named("variable", &Kind::Unlike("^[a-z][a-z0-9_]{0,39}$"));
const DURATION: &Kind = &Kind::Named("duration", &Kind::Unlike("^[0-9]+(ms|s|m|h)$"));
const TIMES: &Kind = &Kind::Named("times", &Kind::Any(&[&Kind::Whole(1, 100), &Kind::Word(&["forever"])]));
const NODE_NAME: &Kind = &Kind::Named("node-name", &Kind::Unlike(NODE_PATTERN));
const NODE_PATTERN: &str = "^(?!(hangup|repeat|back|return)$)[a-z]([a-z0-9-]{0,62}[a-z0-9])?$";
/// A node's name, `hangup` or `return`.
const TARGET: &Kind = &Kind::Named("target", &Kind::Unlike("^(?!(repeat|back)$)[a-z]([a-z0-9-]{0,62}[a-z0-9])?$"));
/// A node's name, `hangup`, `return`, `repeat` or `back`.
const ANSWER_TARGET: &Kind = &Kind::Named("answer-target", &Kind::Unlike("^[a-z]([a-z0-9-]{0,62}[a-z0-9])?$"));

static NODES: Kind = Kind::Map(NODE_PATTERN, &Kind::Form(&NODE), super::MAX_NODES);
static KEYS: &Kind =
    &Kind::Map("^([0-9*#]{1,8}|[0-9]{1,8}-[0-9]{1,8})$", &Kind::Any(&[ANSWER_TARGET, &Kind::Form(&ANSWER)]), MAX_KEYS);

static SKILLS: Kind = Kind::Any(&[
    NAME,
    &Kind::List(NAME, super::connect::MAX_SKILLS),
    &Kind::Map(NAME_PATTERN, &Kind::Whole(0, 100), super::connect::MAX_SKILLS),
]);
static QUEUE_KEYS: Kind = Kind::Map("^[0-9*#]$", LAST, 12);

static WHEN: Kind = Kind::Any(&[
    &Kind::List(&Kind::Any(&[&Kind::Form(&CASE), &Kind::Form(&OTHERWISE)]), super::decide::MAX_CASES),
    &Kind::Form(&LOOK),
]);
static SET: Kind = Kind::Map("^[a-z][a-z0-9_]{0,39}$", EXPRESSION, super::decide::MAX_SET);
static PARTS: Kind = Kind::Map("^.+$", EXPRESSION, super::http::MAX_PARTS);
static TAKE: Kind = Kind::Map("^[a-z][a-z0-9_]{0,39}$", EXPRESSION, super::http::MAX_PARTS);
static HEADERS: Kind = Kind::Map(
    "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$",
    &Kind::Any(&[&Kind::Text, &Kind::Form(&SECRET)]),
    super::http::MAX_PARTS,
);
const URL: &Kind = &Kind::Named("url", &Kind::Unlike("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+([/?][^#]*)?$"));
const EXPRESSION: &Kind = &Kind::Named("expression", &Kind::Text);

static ITEM_KIND: Kind = Kind::Any(&[
    &Kind::Like("^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?(/[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?)*$"),
    &Kind::Form(&ITEM),
]);
static PROMPT: &Kind = &Kind::Named("prompt", &Kind::Any(&[&ITEM_KIND, &Kind::List(&ITEM_KIND, 32)]));
/// A text, or one for each language.
static TEXT: &Kind = &Kind::Named("text", &Kind::Any(&[&Kind::Text, LANGUAGES]));
static LANGUAGES: &Kind = &Kind::Map("^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", &Kind::Text, super::texts::MAX_LANGUAGES);
static SAID_ITEM: Kind = Kind::Any(&[&Kind::Text, &Kind::Form(&ITEM), LANGUAGES]);
static SAID_PROMPT: Kind = Kind::Any(&[&SAID_ITEM, &Kind::List(&SAID_ITEM, 32)]);
static SAID: Kind = Kind::Any(&[&SAID_PROMPT, &Kind::Form(&SAY)]);
static OUTCOME_KIND: &Kind = &Kind::Named("outcome", &Kind::Any(&[TARGET, &Kind::Form(&OUTCOME)]));
static LAST: &Kind = &Kind::Named("last-outcome", &Kind::Any(&[TARGET, &Kind::Form(&LAST_OUTCOME)]));
static ANSWER_OR_WORDS: &Kind = &Kind::Named("answer", &Kind::Any(&[ANSWER_TARGET, &Kind::Form(&ANSWER_WITH_WORDS)]));
