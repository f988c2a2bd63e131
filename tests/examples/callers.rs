//! What callers in flows cost the domain thread: the real switch, on a virtual clock, with virtual media.
//!
//! `callers --config config --number 1000 --callers 10000 --seconds 60 [--keys 347#98*] [--every 3]`
//!
//! Each caller's INVITE is answered; then he hears what his flow plays, as long as the prompts are, and presses one of `keys`
//! every so many seconds; whose call ends calls again. Prints one JSON object: callers who were in a flow at the end, keys, calls, CPU microseconds for a second of
//! a caller (of this program, which is the switch and its small driver), and which share of a core that is for all of them.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program: it owns its clock and its files")]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use base::{LegId, Mono, Now, PlayId, Rng, Wall};
use company::{Files, Visit, visit};
use leg::{Command, Item, Prompt};
use rustix::time::{ClockId, Timespec, clock_gettime};
use sip::{Flow, Transport};
use sip_message::{HeaderName, Message, parse_datagram};
use switch::{Setup, Switch};

/// Callers begin over so long.
const CROWD: Duration = Duration::from_secs(20);
/// Where the switch listens.
const HERE: &str = "127.0.0.1:5060";
/// All callers are phones behind one address.
const THERE: &str = "127.0.0.1:6000";

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Call(usize),
    Key(usize),
    PlayEnds(LegId, PlayId),
}

struct Load {
    switch: Switch,
    now: Now,
    agenda: BinaryHeap<Reverse<(Mono, Due)>>,
    /// Each caller's leg, while he has one.
    legs: Vec<Option<LegId>>,
    callers: HashMap<LegId, usize>,
    /// Who calls now; his leg is opened at once.
    calling: usize,
    calls: u64,
    plays: HashMap<LegId, PlayId>,
    keys: Vec<leg::Digit>,
    every: Duration,
    number: String,
    pressed: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (mut config, mut number, mut callers, mut seconds) = ("config".to_owned(), "1000".to_owned(), 10_000, 60);
    let (mut keys, mut every) = ("347#98*".to_owned(), 3_u64);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
        match word.as_str() {
            "--config" => config = value,
            "--number" => number = value,
            "--callers" => callers = value.parse()?,
            "--seconds" => seconds = value.parse()?,
            "--keys" => keys = value,
            "--every" => every = value.parse()?,
            _ => return Err(format!("there is no {word}").into()),
        }
    }
    let mut files = Files::new(config.clone());
    read(Path::new(&config), "", &mut files)?;
    let company = company::read(&files).map_err(|report| report.to_string())?;
    let mut plan = company.switch;
    plan.limits.max_calls = callers.max(plan.limits.max_calls);
    let keys: Option<Vec<_>> = keys.chars().map(leg::Digit::from_char).collect();
    let now = Now { monotonic: Mono::from_nanos(1), wall: Wall::from_unix_micros(1_795_253_400_000_000) };
    let listener = sip::Listener { transport: Transport::Udp, local: HERE.parse()?, advertised: None };
    let setup = Setup {
        sip: sip::StackConfig::new("callers", vec![listener]),
        node: 0,
        version: "callers".into(),
        strategy: None,
        rng: Rng::from_number(1),
        charges: journal::Charges::default(),
    };
    let mut load = Load {
        switch: Switch::new(now, plan, setup),
        now,
        agenda: BinaryHeap::new(),
        legs: vec![None; callers],
        callers: HashMap::new(),
        calling: 0,
        calls: 0,
        plays: HashMap::new(),
        keys: keys.ok_or("these are no keys")?,
        every: Duration::from_secs(every),
        number,
        pressed: 0,
    };
    for caller in 0..callers {
        let at = CROWD * u32::try_from(caller)? / u32::try_from(callers)?;
        load.plan(at, Due::Call(caller));
        load.plan(at + Duration::from_secs(every), Due::Key(caller));
    }
    load.run(CROWD);
    let (before, pressed) = (cpu(), load.pressed);
    load.run(Duration::from_secs(seconds));
    let spent = cpu().saturating_sub(before);
    let inside: usize = load.switch.inside().values().flat_map(|nodes| nodes.values()).sum();
    let caller_seconds = f64::from(u32::try_from(callers)?) * f64::from(u32::try_from(seconds)?);
    println!(
        "{}",
        serde_json::json!({
            "callers": callers,
            "in_flows": inside,
            "keys": load.pressed - pressed,
            "calls": load.calls,
            "us_per_caller_second": spent.as_secs_f64() * 1e6 / caller_seconds,
            "share_of_a_core": spent.as_secs_f64() / f64::from(u32::try_from(seconds)?),
        })
    );
    Ok(())
}

impl Load {
    fn plan(&mut self, after: Duration, due: Due) {
        self.agenda.push(Reverse((self.now.monotonic + after, due)));
    }

    fn run(&mut self, time: Duration) {
        let end = self.now.monotonic + time;
        loop {
            let next = self.agenda.peek().map(|Reverse((at, _))| *at);
            let due = [next, self.switch.poll_timeout()].into_iter().flatten().min();
            let Some(due) = due.filter(|due| *due <= end) else { break };
            self.now = self.now.after(due.since(self.now.monotonic));
            while let Some(Reverse((at, due))) = self.agenda.peek().copied()
                && at <= self.now.monotonic
            {
                self.agenda.pop();
                self.happen(due);
            }
            if self.switch.poll_timeout().is_some_and(|due| due <= self.now.monotonic) {
                self.switch.handle_timeout(self.now);
            }
            self.carry_out();
        }
        self.now = self.now.after(end.since(self.now.monotonic));
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Call(caller) => {
                (self.calling, self.calls) = (caller, self.calls + 1);
                let call = self.calls;
                let text = format!(
                    "INVITE sip:{number}@{HERE} SIP/2.0\r\nVia: SIP/2.0/UDP {THERE};branch=z9hG4bKi{call};rport\r\nMax-Forwards: 70\r\n\
                     From: <sip:c{caller}@{THERE}>;tag=t\r\nTo: <sip:{number}@{HERE}>\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\n\
                     Contact: <sip:c{caller}@{THERE}>\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n\
                     c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6002 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
                    number = self.number
                );
                self.say(&text);
            }
            Due::Key(caller) => {
                let key = self.keys.get((caller + usize::try_from(self.pressed).unwrap_or_default()) % self.keys.len());
                if let (Some(leg), Some(digit)) = (self.legs.get(caller).copied().flatten(), key.copied()) {
                    self.pressed += 1;
                    self.switch.handle_media(self.now, &leg::Event::Digit { leg, digit });
                    self.switch.handle_media(self.now, &leg::Event::DigitEnd { leg, digit, duration_ms: 100 });
                }
                self.plan(self.every, Due::Key(caller));
            }
            Due::PlayEnds(leg, play) => {
                if self.plays.get(&leg) == Some(&play) {
                    self.plays.remove(&leg);
                    self.switch.handle_media(self.now, &leg::Event::PlayDone { leg, play });
                }
            }
        }
        self.carry_out();
    }

    fn say(&mut self, text: &str) {
        let there: SocketAddr = THERE.parse().unwrap_or_else(|_| unreachable!("it is an address"));
        let here = HERE.parse().unwrap_or_else(|_| unreachable!("it is an address"));
        self.switch.handle_datagram(self.now, Flow::udp(0, here, there), parse_datagram(text));
    }

    fn carry_out(&mut self) {
        loop {
            let mut idle = true;
            while let Some(command) = self.switch.poll_media() {
                idle = false;
                self.execute(command);
            }
            while let Some(transmit) = self.switch.poll_transmit() {
                idle = false;
                self.answer(&transmit.payload);
            }
            while let Some(speak) = self.switch.poll_speak() {
                idle = false;
                self.switch.handle_spoken(self.now, speak.id, Ok(Prompt::from_samples(&[0; 8000])));
            }
            while self.switch.poll_journal().is_some() {}
            while self.switch.poll_traced().is_some() {}
            if idle {
                return;
            }
        }
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Open { leg } => {
                if let Some(place) = self.legs.get_mut(self.calling) {
                    *place = Some(leg);
                }
                self.callers.insert(leg, self.calling);
                self.switch.handle_media(self.now, &leg::Event::Opened { leg, port: 16_384 });
            }
            Command::Play { leg, play, items, repeat } => {
                self.plays.insert(leg, play);
                if !repeat {
                    let length = |item: &Item| match item {
                        Item::Prompt(prompt) => prompt.duration(),
                        Item::Silence(time) => *time,
                        Item::Tone(_) => Duration::ZERO,
                    };
                    self.plan(items.iter().map(length).sum(), Due::PlayEnds(leg, play));
                }
            }
            Command::StopPlay { leg } => drop(self.plays.remove(&leg)),
            Command::Close { leg } => {
                self.plays.remove(&leg);
                self.switch.handle_media(self.now, &leg::Event::Closed { leg, stats: leg::Stats::default() });
                if let Some(caller) = self.callers.remove(&leg) {
                    if let Some(place) = self.legs.get_mut(caller) {
                        *place = None;
                    }
                    self.plan(Duration::from_secs(1), Due::Call(caller));
                }
            }
            _ => {}
        }
    }

    /// The phone's part: a 200 to INVITE wants its ACK, a BYE its 200, or both come again.
    fn answer(&mut self, payload: &[u8]) {
        let number = &self.number;
        let text = match parse_datagram(payload) {
            Ok(Message::Response(response)) if response.status.code() == 200 => {
                let head = &response.head;
                let field = |name| head.header(name).unwrap_or_default();
                format!(
                    "ACK sip:{number}@{HERE} SIP/2.0\r\nVia: SIP/2.0/UDP {THERE};branch=z9hG4bKa{call};rport\r\nMax-Forwards: 70\r\n\
                     From: {}\r\nTo: {}\r\nCall-ID: {call}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
                    field(HeaderName::From),
                    field(HeaderName::To),
                    call = head.call_id
                )
            }
            Ok(Message::Request(request)) => {
                let field = |name| request.head.header(name).unwrap_or_default();
                format!(
                    "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
                    field(HeaderName::Via),
                    field(HeaderName::From),
                    field(HeaderName::To),
                    request.head.call_id,
                    field(HeaderName::CSeq)
                )
            }
            _ => return,
        };
        self.say(&text);
    }
}

fn read(folder: &Path, prefix: &str, files: &mut Files) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match visit(&path, entry.path().is_dir()) {
            Visit::Enter => read(&entry.path(), &format!("{path}/"), files)?,
            Visit::Read { .. } => files.insert(path, std::fs::read(entry.path())?),
            Visit::Name => files.insert_name(path),
            Visit::Skip => {}
        }
    }
    Ok(())
}

fn cpu() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(tv_sec).unwrap_or_default(), u32::try_from(tv_nsec).unwrap_or_default())
}
