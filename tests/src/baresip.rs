//! baresip without a head: a telephone whose microphone is a WAV file and whose ear is another.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::certificates::Pair;
use crate::ports::Ports;
use crate::process::Process;
use crate::{sound, wait};

/// Where phones are that nobody says otherwise of.
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// One baresip.
#[derive(Debug)]
pub struct Baresip {
    process: Process,
    control: TcpStream,
    events: Arc<Mutex<Vec<Value>>>,
    port: u16,
    heard: PathBuf,
}

/// How a [`Baresip`] behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// The tone that it says for as long as a call lasts.
    pub hertz: f64,
    /// Its codecs by preference, as baresip names them.
    pub codecs: &'static str,
    /// Whether it answers at once or on [`Baresip::accept`].
    pub answers: bool,
}

/// Where a [`Baresip`] registers.
#[derive(Clone, Copy, Debug)]
pub struct Registrar {
    /// Its address.
    pub address: SocketAddr,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
}

impl Registrar {
    fn account(self, user: &str, password: &str) -> String {
        let Self { address, transport } = self;
        format!("<sip:{user}@{address};transport={transport}>;auth_user={user};auth_pass={password};regint=60")
    }
}

impl Baresip {
    /// Starts the telephone `user`.
    ///
    /// # Panics
    /// If baresip is not there or does not get ready.
    pub fn start(user: &str, manner: Manner, ports: &mut Ports, folder: &Path) -> Self {
        Self::start_as(user, &format!("<sip:{user}@127.0.0.1>;regint=0"), manner, ports, folder)
    }

    /// Starts the telephone `user`, which encrypts its audio by `mediaenc`: `srtp` (as best it can), `srtp-mand`, `srtp-mandf`.
    ///
    /// # Panics
    /// If baresip is not there or does not get ready.
    pub fn start_encrypting(user: &str, mediaenc: &str, manner: Manner, ports: &mut Ports, folder: &Path) -> Self {
        let account = format!("<sip:{user}@127.0.0.1>;regint=0;mediaenc={mediaenc}");
        Self::start_as(user, &account, manner, ports, folder)
    }

    /// Starts the telephone `user`, which registers at `registrar` at once, maybe before its events are listened to.
    ///
    /// # Panics
    /// If baresip is not there or does not get ready.
    pub fn register(
        user: &str,
        password: &str,
        registrar: Registrar,
        manner: Manner,
        ports: &mut Ports,
        folder: &Path,
    ) -> Self {
        Self::start_as(user, &registrar.account(user, password), manner, ports, folder)
    }

    /// As [`Self::register`], of a telephone that believes those alone whose certificates are in the file `ca`.
    ///
    /// # Panics
    /// If baresip is not there or does not get ready.
    pub fn register_believing(
        user: &str,
        password: &str,
        registrar: Registrar,
        ca: &Path,
        manner: Manner,
        ports: &mut Ports,
        folder: &Path,
    ) -> Self {
        let more = format!("sip_cafile {}\nsip_verify_server yes\n", ca.display());
        Self::start_more(LOCAL, user, &registrar.account(user, password), &more, manner, ports, folder)
    }

    /// As [`Self::start`], of a telephone that can be called under TLS, at one port above that for datagrams.
    ///
    /// # Panics
    /// If baresip is not there or does not get ready.
    pub fn start_with_certificate(user: &str, own: &Pair, manner: Manner, ports: &mut Ports, folder: &Path) -> Self {
        let [certificate, key] =
            [&own.certificate, &own.key].map(|path| std::fs::read_to_string(path).expect("a file"));
        let both = folder.join(format!("{user}-both.pem"));
        std::fs::write(&both, certificate + &key).expect("a file");
        let more = format!("sip_certificate {}\n", both.display());
        Self::start_more(LOCAL, user, &format!("<sip:{user}@127.0.0.1>;regint=0"), &more, manner, ports, folder)
    }

    /// As [`Self::register`], from an address of its own.
    ///
    /// # Panics
    /// As there.
    pub fn register_from(
        own: IpAddr,
        (user, password): (&str, &str),
        registrar: Registrar,
        manner: Manner,
        ports: &mut Ports,
        folder: &Path,
    ) -> Self {
        Self::start_more(own, user, &registrar.account(user, password), "", manner, ports, folder)
    }

    /// As [`Self::start`], of a telephone at `::1`.
    ///
    /// # Panics
    /// If baresip is not there or does not get ready.
    pub fn start_by_ipv6(user: &str, manner: Manner, ports: &mut Ports, folder: &Path) -> Self {
        let own = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);
        let account = format!("<sip:{user}@[::1]>;regint=0");
        Self::start_more(own, user, &account, "net_prefer_ipv6 yes\n", manner, ports, folder)
    }

    fn start_as(user: &str, account: &str, manner: Manner, ports: &mut Ports, folder: &Path) -> Self {
        Self::start_more(LOCAL, user, account, "", manner, ports, folder)
    }

    fn start_more(
        own: IpAddr,
        user: &str,
        account: &str,
        more: &str,
        manner: Manner,
        ports: &mut Ports,
        folder: &Path,
    ) -> Self {
        // SIP, one above for TLS, the control socket; then RTP and RTCP of a few calls.
        let port = ports.take(4);
        let media = ports.take(10);
        let home = folder.join(format!("baresip-{user}"));
        let heard = home.join("heard");
        std::fs::create_dir_all(&heard).expect("a folder");
        sound::write_wav(&home.join("says.wav"), &sound::sine(manner.hertz, 120.0));
        let answer = if manner.answers { "auto" } else { "manual" };
        let account = format!("{account};answermode={answer};audio_codecs={}\n", manner.codecs);
        std::fs::write(home.join("accounts"), account).expect("accounts");
        std::fs::write(home.join("contacts"), "").expect("contacts");
        std::fs::write(home.join("config"), config(own, user, port, media, &home) + more).expect("config");
        let mut command = Command::new("baresip");
        command.arg("-f").arg(&home);
        let mut process = Process::start(&format!("baresip-{user}"), command, folder);
        process.wait_for_line("baresip is ready", wait::SOON, |line| line.contains("baresip is ready"));
        let control = TcpStream::connect(("127.0.0.1", port + 2)).expect("baresip's control socket");
        let events = Arc::new(Mutex::new(Vec::new()));
        let (reader, sink) = (control.try_clone().expect("a clone"), Arc::clone(&events));
        std::thread::spawn(move || read_events(reader, &sink));
        Self { process, control, events, port, heard }
    }

    /// Where it is called.
    pub fn contact(&self, user: &str) -> String {
        format!("sip:{user}@127.0.0.1:{}", self.port)
    }

    /// Calls `number` at the switch.
    pub fn dial(&mut self, number: &str, switch: SocketAddr) {
        self.command("dial", &format!("sip:{number}@{switch}"));
    }

    /// Answers what rings.
    pub fn accept(&mut self) {
        self.command("accept", "");
    }

    /// Hangs up, refuses or gives up, as the state of the call has it.
    pub fn hang_up(&mut self) {
        self.command("hangup", "");
    }

    /// Presses a key (RFC 4733).
    pub fn press(&mut self, key: char) {
        self.command("sndcode", &key.to_string());
    }

    /// Sends the other side of its call on to `target`, by REFER.
    pub fn transfer(&mut self, target: &str) {
        self.command("transfer", target);
    }

    /// Holds its call, and is back, by re-INVITE.
    pub fn hold(&mut self, on: bool) {
        self.command(if on { "hold" } else { "resume" }, "");
    }

    /// Waits for its `count`th event of `kind` (`CALL_INCOMING`, `CALL_ESTABLISHED`, `CALL_CLOSED`…).
    ///
    /// # Panics
    /// If it does not come within `limit`.
    pub fn wait_for(&self, kind: &str, count: usize, limit: Duration) -> Value {
        wait::until(&format!("baresip's {kind} number {count}"), limit, || self.events(kind).into_iter().nth(count - 1))
    }

    /// Its events of `kind` so far.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        self.events.lock().unwrap().iter().filter(|event| event["type"] == kind).cloned().collect()
    }

    /// What it heard in its last call, which must have ended.
    ///
    /// # Panics
    /// If it heard nothing.
    pub fn heard(&self) -> Vec<i16> {
        let files = std::fs::read_dir(&self.heard).expect("its folder").map(|entry| entry.expect("entry").path());
        let mut files: Vec<PathBuf> = files.filter(|path| path.to_string_lossy().ends_with("-dec.wav")).collect();
        files.sort();
        let path = files.last().expect("baresip heard nothing").clone();
        sound::read_wav(&path).remove(0)
    }

    /// Ends it at once, as if the phone lost its power.
    pub fn vanish(&mut self) {
        self.process.kill();
    }

    fn command(&mut self, command: &str, params: &str) {
        let text = serde_json::json!({ "command": command, "params": params }).to_string();
        write!(self.control, "{}:{text},", text.len()).expect("baresip listens");
    }
}

fn config(own: IpAddr, user: &str, port: u16, media: u16, home: &Path) -> String {
    let modules = ["srtp", "account", "g711", "aufile", "aubridge", "sndfile", "ctrl_tcp"];
    let modules: String = modules.iter().map(|name| format!("module {name}.so\n")).collect();
    format!(
        "poll_method epoll\nsip_listen {at}\nnet_interface {own}\nctrl_tcp_listen 127.0.0.1:{control}\n\
         audio_source aufile,{home}/says.wav\naudio_player aubridge,ear-{user}\naudio_alert aubridge,bell-{user}\n\
         audio_path /nonexistent\nausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\n\
         rtp_ports {media}-{last}\njitter_buffer_type fixed\njitter_buffer_delay 1-5\ncall_local_timeout 120\ncall_max_calls 4\n\
         snd_path {home}/heard\nmodule_path /usr/lib/baresip/modules\n{modules}module_app menu.so\n",
        at = SocketAddr::new(own, port),
        control = port + 2,
        last = media + 9,
        home = home.display(),
    )
}

/// Reads netstrings (`length:text,`) of JSON until the socket closes.
fn read_events(mut socket: TcpStream, sink: &Mutex<Vec<Value>>) {
    let (mut pending, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = socket.read(&mut buffer) {
        pending.extend_from_slice(&buffer[..read]);
        while let Some(colon) = pending.iter().position(|byte| *byte == b':') {
            let length: usize = String::from_utf8_lossy(&pending[..colon]).trim().parse().expect("a netstring");
            if pending.len() < colon + length + 2 {
                break;
            }
            let event = serde_json::from_slice(&pending[colon + 1..=colon + length]).unwrap_or(Value::Null);
            sink.lock().unwrap().push(event);
            pending.drain(..colon + length + 2);
        }
    }
}
