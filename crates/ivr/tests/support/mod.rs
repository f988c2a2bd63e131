//! A caller on a virtual clock: says what he hears and does as short texts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helper")]
#![allow(dead_code, reason = "not every test uses all of it")]

use std::sync::Arc;
use std::time::Duration;

use base::{Mono, Now, Pii, Wall};
use ivr::web::{Failure, Reply};
use ivr::{DialOutcome, DialTarget, Facts, Flows, Output, Promise, QueueFigures, QueueOutcome, Session, Sound};
use yaml::{Faults, Source};

/// The flow `test`, alone.
pub fn flow(text: &str) -> Arc<Flows> {
    flows(&[("test", text)])
}

/// Flows by name, checked together.
pub fn flows(texts: &[(&str, &str)]) -> Arc<Flows> {
    let faults = Faults::default();
    let sources: Vec<_> =
        texts.iter().map(|(name, text)| (*name, Source::new(format!("{name}.yaml"), *text))).collect();
    let flows = Flows::read(sources.iter().map(|(name, source)| (*name, source)), &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    Arc::new(flows.unwrap_or_else(|| panic!("the flows have faults:\n{said}")))
}

/// A flow of these nodes, the first one first.
pub fn nodes(text: &str) -> Arc<Flows> {
    flow(&format!("version: 1\nnodes:\n{text}"))
}

pub struct Caller {
    pub session: Session,
    pub now: Now,
}

impl Caller {
    /// A caller who was just answered, and what he hears first.
    pub fn new(flows: &Arc<Flows>) -> (Self, String) {
        Self::begin(flows, "test")
    }

    /// A caller who was just answered by one of several flows, and what he hears first.
    pub fn begin(flows: &Arc<Flows>, flow: &str) -> (Self, String) {
        Self::known(flows, flow, Facts::default())
    }

    /// A caller of whom something is known.
    pub fn known(flows: &Arc<Flows>, flow: &str, facts: Facts) -> (Self, String) {
        let now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(0) };
        let mut caller = Self { session: Session::new(Arc::clone(flows), flow).unwrap().with_facts(facts), now };
        caller.session.handle_start(now);
        let heard = caller.heard();
        (caller, heard)
    }

    /// All outputs since the last look, as words parted by blanks.
    pub fn heard(&mut self) -> String {
        let words: Vec<String> =
            std::iter::from_fn(|| self.session.poll_output()).map(|output| word(&output)).collect();
        words.join(" ")
    }

    pub fn presses(&mut self, keys: &str) -> String {
        keys.chars().for_each(|key| self.session.handle_digit(self.now, key));
        self.heard()
    }

    pub fn calendar_says(&mut self, state: hours::State) -> String {
        self.session.handle_hours(self.now, state);
        self.heard()
    }

    pub fn queues_stand(&mut self, figures: &[(&str, QueueFigures)]) -> String {
        let figures = figures.iter().map(|(name, figures)| (Arc::from(*name), *figures)).collect();
        self.session.handle_figures(self.now, &figures);
        self.heard()
    }

    pub fn server_says(&mut self, status: u16, body: &str) -> String {
        let body = Pii::new(body.as_bytes().to_vec());
        self.session.handle_http(self.now, &Reply::Answer { status, body });
        self.heard()
    }

    pub fn request_fails(&mut self, failure: Failure) -> String {
        self.session.handle_http(self.now, &Reply::Failed { status: None, failure });
        self.heard()
    }

    pub fn hears_all(&mut self) -> String {
        self.session.handle_play_done(self.now);
        self.heard()
    }

    /// Lets time pass up to the session's next timeout, and says how many milliseconds that was.
    pub fn waits(&mut self) -> (u64, String) {
        let due = self.session.poll_timeout().unwrap();
        let by = due.since(self.now.monotonic);
        self.now = self.now.after(by);
        self.session.handle_timeout(self.now);
        (u64::try_from(by.as_millis()).unwrap(), self.heard())
    }

    pub fn passes(&mut self, time: Duration) -> String {
        self.now = self.now.after(time);
        self.session.handle_timeout(self.now);
        self.heard()
    }

    pub fn queue_ends(&mut self, outcome: QueueOutcome) -> String {
        self.session.handle_queue_ended(self.now, outcome);
        self.heard()
    }

    pub fn mailbox(&mut self, state: ivr::MailboxState) -> String {
        self.session.handle_mailbox(self.now, state);
        self.heard()
    }

    pub fn quiet(&mut self) -> String {
        self.session.handle_quiet(self.now);
        self.heard()
    }

    pub fn message(&mut self, outcome: ivr::MessageOutcome) -> String {
        self.session.handle_message(self.now, outcome);
        self.heard()
    }

    pub fn dial_ends(&mut self, outcome: DialOutcome) -> String {
        self.session.handle_dial_ended(self.now, outcome);
        self.heard()
    }
}

fn sound(sound: &Sound) -> String {
    match sound {
        Sound::Prompt(name) => name.to_string(),
        Sound::Silence(time) => format!("{}ms", time.as_millis()),
        Sound::Text(speech) => format!("{}:“{}”", speech.language, speech.text.reveal()),
        Sound::Beep => "beep".to_owned(),
        Sound::Taken => "taken".to_owned(),
        Sound::Message(index) => format!("message-{index}"),
    }
}

/// `@node`, `play:a+b`, `loop:a`, `stop`, `queue:sales`, `dial:user/agent`, `record:start`, `account=1234`, `hangup:Normal`.
fn word(output: &Output) -> String {
    match output {
        Output::Entered { flow, node } if **flow == *"test" => format!("@{node}"),
        Output::Entered { flow, node } => format!("@{flow}/{node}"),
        Output::Play { items, repeat } => {
            assert!(!items.is_empty(), "nothing to play");
            let names: Vec<String> = items.iter().map(sound).collect();
            format!("{}:{}", if *repeat { "loop" } else { "play" }, names.join("+"))
        }
        Output::Language { language } => format!("language:{language}"),
        Output::Unsaid { why } => format!("unsaid:{why}"),
        Output::StopPlay => "stop".to_owned(),
        Output::Queue { queue, max_wait, priority, skills, hear, announce } => {
            let most = max_wait.map_or(String::new(), |most| format!("/{}s", most.as_secs()));
            let heard: Vec<String> = hear.iter().map(|item| format!("~{}", sound(item))).collect();
            let told = [("position", announce.position), ("wait", announce.wait)];
            let told =
                told.map(|(what, often)| often.map_or(String::new(), |often| format!("!{what}/{}s", often.as_secs())));
            let prior = priority.map_or(String::new(), |priority| format!("^{priority}"));
            let needs: Vec<String> = skills.iter().map(|(skill, least)| format!("+{skill}/{least}")).collect();
            format!("queue:{queue}{most}{prior}{}{}{}", needs.concat(), heard.concat(), told.concat())
        }
        Output::Callback(promise) => {
            let Promise { queue, hours, number, attempts, retry, except } = &**promise;
            let except = except.as_deref().map_or(String::new(), |table| format!("-{table}"));
            format!("callback:{queue}/{hours}/{}/{attempts}/{}s{except}", number.reveal(), retry.as_secs())
        }
        Output::LeaveQueue { key } => format!("leave:{key}"),
        Output::Dial { target: DialTarget::User(name), ring_time } => {
            format!("dial:user/{name}/{}s", ring_time.as_secs())
        }
        Output::Dial { target: DialTarget::Number(number), ring_time } => {
            format!("dial:{number}/{}s", ring_time.as_secs())
        }
        Output::Http { request } => {
            let body = request.body.reveal().as_deref().map_or(String::new(), |body| format!("={body}"));
            format!("{}:{}{}{body}", request.method.word(), request.origin, request.path.reveal())
        }
        Output::HttpCancel => "cancel".to_owned(),
        Output::HttpDone { status, failure, .. } => {
            let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
            format!("http:{status}{}", failure.map_or(String::new(), |failure| format!("/{}", failure.word())))
        }
        Output::Figures { queues } => format!("figures:{}", queues.join("+")),
        Output::Hours { calendar } => format!("hours:{calendar}"),
        Output::LeaveMessage { mailbox } => format!("leave:{mailbox}"),
        Output::TakeMessage { quiet } => format!("take/{}s", quiet.as_secs()),
        Output::EndMessage => "end-message".to_owned(),
        Output::KeepMessage => "keep".to_owned(),
        Output::DropMessage => "drop".to_owned(),
        Output::OpenMailbox { mailbox } => format!("open:{mailbox}"),
        Output::Heard { index, heard } => format!("{}:{index}", if *heard { "heard" } else { "unheard" }),
        Output::DeleteMessage { index } => format!("delete:{index}"),
        Output::Record { order } => format!("record:{order:?}").to_lowercase(),
        Output::Transfer { target: DialTarget::User(name), ring_time } => {
            format!("transfer:user/{name}/{}s", ring_time.as_secs())
        }
        Output::Transfer { target: DialTarget::Number(number), ring_time } => {
            format!("transfer:{number}/{}s", ring_time.as_secs())
        }
        Output::Surveyed { survey, scale, score } => format!("{survey}:{scale:?}={score}").to_lowercase(),
        Output::Mask { on: true } => "mask".to_owned(),
        Output::Mask { on: false } => "unmask".to_owned(),
        Output::Collected { variable, digits } => {
            format!("{variable}={}", digits.reveal().as_deref().unwrap_or("•••"))
        }
        Output::Chosen { case, failed: None } => {
            case.map_or_else(|| "otherwise".to_owned(), |case| format!("case:{case}"))
        }
        Output::Chosen { failed: Some((case, why)), .. } => format!("case:{case}/{why}"),
        Output::Set { variable, failed } => {
            format!("set:{variable}{}", failed.map_or(String::new(), |why| format!("/{why}")))
        }
        Output::Hangup { cause } => format!("hangup:{cause:?}"),
    }
}
