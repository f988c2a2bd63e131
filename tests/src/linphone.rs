//! linphonec without a head: a telephone whose microphone is a WAV file and whose ear is another, told by lines what to do.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::time::Duration;

use crate::ports::Ports;
use crate::process::Process;
use crate::{sound, wait};

/// One linphonec.
#[derive(Debug)]
pub struct Linphone {
    process: Process,
    stdin: ChildStdin,
    transport: &'static str,
    heard: PathBuf,
}

/// Where a [`Linphone`] registers, and how it proves itself.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The user.
    pub user: &'a str,
    /// His password.
    pub password: &'a str,
    /// The registrar's address.
    pub address: SocketAddr,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// Under TLS: the file of the authority that it believes.
    pub ca: Option<&'a Path>,
}

impl Linphone {
    /// Starts one that registers at once, and says a tone of `hertz` for as long as a call lasts.
    ///
    /// # Panics
    /// If it is not there.
    pub fn register(account: Account<'_>, hertz: f64, ports: &mut Ports, folder: &Path) -> Self {
        let home = folder.join(format!("linphone-{}", account.user));
        // Without a place for its data base it does not register; nor while it looks for a network beyond this machine.
        std::fs::create_dir_all(home.join(".local/share/linphone")).expect("its folders");
        let (says, heard) = (home.join("says.wav"), home.join("heard.wav"));
        sound::write_wav(&says, &sound::sine(hertz, 60.0));
        let rc = home.join("linphonerc");
        std::fs::write(&rc, config(account, ports.take(2), ports.take(2))).expect("its configuration");
        let mut command = Command::new("linphonec");
        command.arg("-c").arg(&rc).args(["-d", "6", "-l"]).arg(home.join("log")).env("HOME", &home);
        let (process, stdin) = Process::start_with_input(&format!("linphone-{}", account.user), command, folder);
        let mut phone = Self { process, stdin, transport: account.transport, heard };
        // Files in place of a sound card, which is not there.
        phone.tell("soundcard use files");
        phone.tell(&format!("play {}", says.display()));
        let heard = phone.heard.display().to_string();
        phone.tell(&format!("record {heard}"));
        phone
    }

    /// Calls `number` at the switch.
    pub fn dial(&mut self, number: &str, switch: SocketAddr) {
        self.tell(&format!("call sip:{number}@{};transport={}", named(switch, self.transport), self.transport));
    }

    /// Answers what rings.
    pub fn accept(&mut self) {
        self.tell("answer");
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.tell(keys);
    }

    /// Hangs up.
    pub fn hang_up(&mut self) {
        self.tell("terminate");
    }

    /// Waits until it has printed `words` `count` times.
    ///
    /// # Panics
    /// If it does not within `limit`.
    pub fn wait_for(&self, words: &str, count: usize, limit: Duration) {
        wait::until_true(&format!("linphonec says `{words}` {count} times"), limit, || {
            self.process.lines().iter().filter(|line| line.contains(words)).count() >= count
        });
    }

    /// What it heard in its last call, which must have ended.
    pub fn heard(&self) -> Vec<i16> {
        sound::read_wav(&self.heard).remove(0)
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").and_then(|()| self.stdin.flush()).expect("linphonec listens");
    }
}

/// The switch by the name that its certificate has: linphonec looks for no addresses in one.
fn named(address: SocketAddr, transport: &str) -> String {
    if transport == "tls" { format!("localhost:{}", address.port()) } else { address.to_string() }
}

fn config(account: Account<'_>, port: u16, media: u16) -> String {
    let Account { user, password, address, transport, ca } = account;
    let mut text =
        "[sip]\nguess_hostname=0\nuse_ipv6=0\nregister_only_when_network_is_up=0\nmedia_encryption=none\nkeepalive_period=30000\nping_with_options=0\n\
                    verify_server_certs=1\nverify_server_cn=1\n"
            .to_owned();
    let port_of = |name| if name == transport { i32::from(port) } else { 0 };
    for (key, name) in [("sip_port", "udp"), ("sip_tcp_port", "tcp"), ("sip_tls_port", "tls")] {
        let _ = writeln!(text, "{key}={}", port_of(name));
    }
    if let Some(ca) = ca {
        let _ = writeln!(text, "root_ca={}", ca.display());
    }
    let _ = write!(
        text,
        "default_proxy=0\n[net]\nfirewall_policy=0\nauto_net_state_mon=0\n[rtp]\naudio_rtp_port={media}\n[sound]\nechocancellation=0\nagc=0\n\
         remote_ring=\nlocal_ring=\n[misc]\nstore_friends=0\n\
         [proxy_0]\nreg_proxy=<sip:{};transport={transport}>\nreg_identity=sip:{user}@{address}\nreg_expires=600\n\
         reg_sendregister=1\npublish=0\n[auth_info_0]\nusername={user}\npasswd={password}\nrealm=\"strowger\"\n",
        named(address, transport)
    );
    let codecs = [("opus", 48_000, 0), ("PCMU", 8_000, 1), ("PCMA", 8_000, 1)];
    for (n, (name, rate, on)) in codecs.iter().enumerate() {
        let _ = write!(text, "[audio_codec_{n}]\nmime={name}\nrate={rate}\nenabled={on}\n");
    }
    text
}
