//! A company made for a test: the configuration folder that the switch is started with.
//!
//! Everything that it plays is a tone of its own, so that one can measure which prompt is heard.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::ports::Ports;
use crate::sound;

/// The tones, in Hz: far enough apart for a window of 10 ms.
pub mod tones {
    /// The caller says this.
    pub const CALLER: f64 = 550.0;
    /// The prompt for a wrong key.
    pub const WRONG: f64 = 800.0;
    /// The main menu's prompt.
    pub const WELCOME: f64 = 1000.0;
    /// The prompt for no key.
    pub const NOTHING: f64 = 1250.0;
    /// The prompt before the switch hangs up.
    pub const GOODBYE: f64 = 1500.0;
    /// What those hear who wait.
    pub const MUSIC: f64 = 1750.0;
    /// What those hear who are held, if the company has music for it.
    pub const HOLD: f64 = 3000.0;
    /// What a caller hears whose agent is lost.
    pub const LOST: f64 = 2250.0;
    /// What agents hear whose code is obeyed.
    pub const DONE: f64 = 2700.0;
    /// And whose is not.
    pub const REFUSED: f64 = 3250.0;
    /// A digit that is read back, whichever.
    pub const DIGIT: f64 = 3500.0;
    /// The first agent says this.
    pub const AGENT: f64 = 2100.0;
    /// The second agent says this.
    pub const OTHER_AGENT: f64 = 2400.0;
}

/// The texts of a company; each can be changed before the switch is started.
#[derive(Clone, Debug)]
pub struct Company {
    /// Lines below `media:`.
    pub media: BTreeMap<&'static str, String>,
    /// Lines below `calls:`.
    pub calls: BTreeMap<&'static str, String>,
    /// The address that it listens on.
    pub address: IpAddr,
    /// The UDP port that it listens on; 0: any.
    pub port: u16,
    /// Whether it listens for TCP, too.
    pub tcp: bool,
    /// More listeners, each an item of the list: `tls: …` and the keys below it.
    pub listeners: Vec<String>,
    /// More lines below `trunks:`.
    pub trunks: Vec<String>,
    /// The DNS server that it asks, if not those of the machine.
    pub dns: Option<SocketAddr>,
    /// Lines below `control:`.
    pub control: BTreeMap<&'static str, String>,
    /// Lines below `registrations:`.
    pub registrations: BTreeMap<&'static str, String>,
    /// What `trace` says, if anything.
    pub trace: Option<String>,
    /// Whether its folder is watched.
    pub watch: bool,
    /// What `speech` says, if anything.
    pub speech: Option<String>,
    /// What `http` and `secrets` say, keys included, if anything.
    pub web: Option<String>,
    /// What `srtp` says, if anything.
    pub srtp: Option<&'static str>,
    /// Where calls are taken from.
    pub trunk: String,
    /// The port of a carrier that calls out go to, if there is one.
    pub carrier: Option<u16>,
    /// What carries calls to it: empty, or `;transport=tcp`.
    pub carrier_way: &'static str,
    /// More of that carrier: keys with their values, each with a comma before it.
    pub carrier_more: String,
    /// Files with a password each, by name.
    pub secrets: BTreeMap<&'static str, String>,
    /// Lines below `grants:`.
    pub grants: BTreeMap<&'static str, String>,
    /// Agents of the queue `sales`, in order: name and contact.
    pub agents: Vec<(String, String)>,
    /// One more line of these, by name.
    pub user_lines: BTreeMap<&'static str, String>,
    /// Users who register and are no agents, each with his name as his number.
    pub users: Vec<String>,
    /// Lines above the queues.
    pub duties: &'static str,
    /// Lines below the queue `sales`, which all agents serve unless they say otherwise.
    pub queue: BTreeMap<&'static str, String>,
    /// More queues: name, and what stands behind it.
    pub queues: BTreeMap<&'static str, String>,
    /// `hours.yaml`, if there is one.
    pub hours: Option<&'static str>,
    /// Flows by name.
    pub flows: BTreeMap<&'static str, String>,
    /// What callers can hear, the first one first, if not English alone. They have the shipped recordings of numbers, dates
    /// and the like.
    pub languages: Vec<&'static str>,
    /// The number plan: number and what it reaches.
    pub numbers: BTreeMap<&'static str, String>,
    /// `mailboxes`.
    pub mailboxes: BTreeMap<&'static str, String>,
}

/// 1000: welcome, 1 to the queue, 5 straight to the first agent; two attempts of a second each.
const MENU: &str = "
  menu:
    menu:
      prompt: welcome
      keys:
        1: sales
        5: direct
      timeout: 1s
      attempts: 2
      no_input: { prompt: nothing, next: repeat }
      wrong_input: { prompt: wrong, next: repeat }
      exhausted: goodbye
  sales:
    queue: sales
    next: hangup
  direct:
    dial: { user: agent1, ring_time: 5s }
    next: goodbye
  goodbye:
    play: goodbye
    next: hangup
";

impl Company {
    /// One switch, one queue, nobody in it.
    pub fn new(ports: &Ports) -> Self {
        let recorded = format!("  begin:\n    record: start\n    next: menu\n{MENU}");
        let wait = "  wait:\n    queue: sales\n    next: bye\n  bye:\n    play: goodbye\n    next: hangup\n";
        let talk = "  talk:\n    play: { prompt: welcome, repeat: forever }\n";
        let flow = |nodes: &str| format!("version: 1\nnodes:\n{nodes}");
        Self {
            media: [("bind", "127.0.0.1".to_owned()), ("ports", ports.for_media()), ("threads", "3".to_owned())].into(),
            calls: [("grace", "3s".to_owned()), ("max", "50".to_owned())].into(),
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            registrations: BTreeMap::new(),
            tcp: false,
            listeners: Vec::new(),
            trunks: Vec::new(),
            dns: None,
            speech: None,
            control: BTreeMap::new(),
            trace: None,
            watch: false,
            web: None,
            srtp: None,
            trunk: "127.0.0.1".to_owned(),
            carrier: None,
            carrier_way: "",
            carrier_more: String::new(),
            secrets: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            grants: BTreeMap::new(),
            agents: Vec::new(),
            user_lines: BTreeMap::new(),
            users: Vec::new(),
            hours: None,
            duties: "",
            queues: BTreeMap::new(),
            queue: [("ring_time", "5s"), ("wrap_up", "1s"), ("music", "music")].map(|(k, v)| (k, v.to_owned())).into(),
            flows: [("main", flow(&recorded)), ("plain", flow(MENU)), ("wait", flow(wait)), ("talk", flow(talk))]
                .into(),
            languages: Vec::new(),
            numbers: [
                ("1000", "{ flow: main }"),
                ("1001", "{ flow: plain }"),
                ("1002", "{ flow: talk }"),
                ("1003", "{ flow: wait }"),
                ("2000", "{ queue: sales }"),
                ("3000", "{ user: agent1 }"),
            ]
            .map(|(number, target)| (number, target.to_owned()))
            .into(),
        }
    }

    /// Adds an agent whose phone is at `contact`, or is to `register`: the first is `agent1`.
    #[must_use]
    pub fn agent(mut self, contact: &str) -> Self {
        self.agents.push((format!("agent{}", self.agents.len() + 1), contact.to_owned()));
        self
    }

    /// Writes the folder.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, folder: &Path) {
        let mut agents = self.agents.clone();
        if agents.is_empty() {
            // The flows name an agent; nobody answers at his port.
            agents.push(("agent1".to_owned(), "sip:agent1@127.0.0.1:9".to_owned()));
        }
        let put = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        let mut text = "version: 1\ndigest: md5\nlisteners:\n".to_owned();
        let _ = writeln!(text, "  - udp: \"{}\"", SocketAddr::new(self.address, self.port));
        if self.tcp {
            let _ = writeln!(text, "  - tcp: \"{}\"", SocketAddr::new(self.address, 0));
        }
        text.extend(self.listeners.iter().map(|listener| format!("  - {listener}\n")));
        if !self.languages.is_empty() {
            let _ = writeln!(text, "languages: [{}]", self.languages.join(", "));
            self.languages.iter().for_each(|language| copy_clips(language, folder));
        }
        text += "data: data\n";
        text += &section("media", &self.media);
        text += &section("calls", &self.calls);
        if !self.control.is_empty() {
            text += &section("control", &self.control);
        }
        if !self.registrations.is_empty() {
            text += &section("registrations", &self.registrations);
        }
        text.extend(self.dns.iter().map(|server| format!("dns: {{ servers: [\"{server}\"] }}\n")));
        text.extend(self.speech.iter().map(|speech| format!("speech: {speech}\n")));
        text.extend(self.web.iter().map(|lines| format!("{lines}\n")));
        text.extend(self.srtp.iter().map(|srtp| format!("srtp: {srtp}\n")));
        text.extend(self.watch.then_some("watch: true\n"));
        text.extend(self.trace.iter().map(|trace| format!("trace: {trace}\n")));
        let quote = if self.trunk.starts_with('[') { "" } else { "\"" };
        let _ = write!(text, "trunks:\n  phones:\n    from: {quote}{}{quote}\n", self.trunk);
        if let Some(port) = self.carrier {
            let (way, more) = (self.carrier_way, &self.carrier_more);
            let _ = writeln!(text, "  carrier: {{ to: \"sip:127.0.0.1:{port}{way}\", caller_id: \"+4930555\"{more} }}");
        }
        text.extend(self.trunks.iter().map(|trunk| format!("  {trunk}\n")));
        if !self.grants.is_empty() {
            text += &section("grants", &self.grants);
        }
        text += &section("numbers", &self.numbers);
        if !self.mailboxes.is_empty() {
            text += &section("mailboxes", &self.mailboxes);
        }
        text.extend(self.users.iter().map(|name| format!("  {name}: {{ user: {name} }}\n")));
        put("strowger.yaml", text);
        let mut users = "users:\n".to_owned();
        for (name, contact) in &agents {
            let place = if contact == "register" { "register: true".to_owned() } else { format!("contact: {contact}") };
            let _ = write!(users, "  {name}:\n    {place}\n");
            users.extend(self.user_lines.get(&**name).map(|line| format!("    {line}\n")));
        }
        users.extend(self.users.iter().map(|name| format!("  {name}: {{ register: true }}\n")));
        put("users.yaml", users);
        let names: Vec<&str> = agents.iter().map(|(name, _)| name.as_str()).collect();
        let lines: String = self.queue.iter().map(|(key, value)| format!("    {key}: {value}\n")).collect();
        let all = if self.queue.contains_key("agents") {
            String::new()
        } else {
            format!("    agents: [{}]\n", names.join(", "))
        };
        let more: String = self.queues.iter().map(|(name, queue)| format!("  {name}: {queue}\n")).collect();
        put("queues.yaml", format!("{}queues:\n  sales:\n{all}{lines}{more}", self.duties));
        for (name, secret) in &self.secrets {
            put(name, secret.clone());
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(folder.join(name), mode).expect("a mode");
        }
        if let Some(hours) = self.hours {
            put("hours.yaml", hours.to_owned());
        }
        for (name, flow) in &self.flows {
            put(&format!("flows/{name}.yaml"), flow.clone());
        }
        let prompts = [
            ("welcome", tones::WELCOME, 2.0),
            ("wrong", tones::WRONG, 0.6),
            ("nothing", tones::NOTHING, 0.6),
            ("goodbye", tones::GOODBYE, 0.6),
            ("music", tones::MUSIC, 2.0),
            ("hold", tones::HOLD, 2.0),
            ("queue/agent-lost", tones::LOST, 0.6),
            ("agent/logged-in", tones::DONE, 0.6),
            ("agent/paused", tones::DONE, 0.6),
            ("agent/no-such-reason", tones::REFUSED, 0.6),
            ("agent/noted", tones::DONE, 0.6),
            ("agent/no-such-disposition", tones::REFUSED, 0.6),
            ("agent/no-call", tones::REFUSED, 0.6),
            ("agent/wrap-up-extended", tones::DONE, 0.6),
            ("agent/wrap-up-longest", tones::REFUSED, 0.6),
            ("agent/wrap-up-ended", tones::DONE, 0.6),
            ("agent/no-wrap-up", tones::REFUSED, 0.6),
        ];
        for digit in 0..10 {
            let path = folder.join(format!("prompts/en/digits/{digit}.wav"));
            sound::write_wav(&path, &sound::sine(tones::DIGIT, 0.1));
        }
        for (name, hertz, seconds) in prompts {
            // Tones have no language.
            let language = if self.languages.is_empty() { "en" } else { "common" };
            sound::write_wav(&folder.join(format!("prompts/{language}/{name}.wav")), &sound::sine(hertz, seconds));
        }
    }
}

/// The shipped recording of a word: `clip("en", "numbers/7")`.
#[must_use]
pub fn clip(language: &str, name: &str) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/prompts");
    shipped.join(language).join(format!("{name}.wav"))
}

/// Copies what is below folders: `numbers/7`, `months/11`. Sentences stay.
fn copy_clips(language: &str, folder: &Path) {
    let shipped = clip(language, "welcome");
    let folders = std::fs::read_dir(shipped.parent().expect("a folder")).expect("a folder");
    for from in folders.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()) {
        let to = folder.join("prompts").join(language).join(from.file_name().expect("a name"));
        std::fs::create_dir_all(&to).expect("a folder");
        for file in std::fs::read_dir(&from).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            std::fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("a copy");
        }
    }
}

fn section(name: &str, lines: &BTreeMap<&'static str, String>) -> String {
    let lines: String = lines.iter().map(|(key, value)| format!("  {key}: {value}\n")).collect();
    format!("{name}:\n{lines}")
}
