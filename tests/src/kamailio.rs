//! Kamailio: a proxy that asks who calls, a registrar, a session border controller in front of SIPp.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::process::Process;
use crate::wait;

/// One Kamailio.
#[derive(Debug)]
pub struct Kamailio {
    process: Process,
    address: SocketAddr,
}

/// What it is.
#[derive(Clone, Debug)]
pub struct Manner {
    /// The hash that it asks for: `MD5` or `SHA-256`.
    pub algorithm: &'static str,
    /// Where calls go that it lets in, or that are for nobody who is registered.
    pub behind: SocketAddr,
    /// The account of all who must prove themselves.
    pub password: &'static str,
}

/// The realm of its digest authentication.
pub const REALM: &str = "carrier.test";

impl Kamailio {
    /// Starts one on `port`, for UDP and TCP.
    ///
    /// # Panics
    /// If it is not there, or does not listen.
    pub fn start(port: u16, manner: &Manner, folder: &Path) -> Self {
        Self::run(port, &config(port, manner), folder)
    }

    /// Starts one on `port`, for UDP and TCP, that stands in front of `switch` (UDP): phones register and call through it.
    ///
    /// # Panics
    /// As there.
    pub fn start_in_front(port: u16, switch: SocketAddr, folder: &Path) -> Self {
        Self::run(port, &config_in_front(port, switch), folder)
    }

    fn run(port: u16, config: &str, folder: &Path) -> Self {
        let path = folder.join("kamailio.cfg");
        std::fs::write(&path, config).expect("its configuration");
        let run = folder.join("kamailio-run");
        std::fs::create_dir_all(&run).expect("a folder");
        let mut command = Command::new("kamailio");
        command.arg("-f").arg(&path).args(["-DD", "-E", "-e", "-m", "32", "-M", "4", "-Y"]).arg(&run);
        let process = Process::start("kamailio", command, folder);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        // It has its UDP port before it listens for TCP: to try the former any sooner could take it away just then.
        wait::until_true("Kamailio listens", wait::SOON, || {
            std::net::TcpStream::connect(address).is_ok() && std::net::UdpSocket::bind(address).is_err()
        });
        Self { process, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The lines that its script wrote: each request that it let through, as `METHOD USER SOURCE`.
    pub fn told(&self) -> Vec<String> {
        let errors = self.process.errors();
        let lines = errors.lines().filter_map(|line| line.split_once("told: "));
        lines.map(|(_, told)| told.trim().to_owned()).collect()
    }

    /// Waits until it let a request through that begins with `start`.
    ///
    /// # Panics
    /// If it does not.
    pub fn wait_for(&self, start: &str) {
        wait::until_true(&format!("Kamailio lets {start} through"), wait::SOON, || {
            self.told().iter().any(|told| told.starts_with(start))
        });
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its children end with it, if it is asked to.
        if self.process.poll().is_none() {
            self.process.signal("TERM");
            self.process.wait(wait::SOON);
        }
    }
}

/// What each configuration begins with.
fn head(port: u16) -> String {
    format!(
        r#"#!KAMAILIO
debug=2
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
"#
    )
}

/// It keeps nothing of phones: the way to each stands in the Path of its REGISTER, and that of a call in its Record-Route.
fn config_in_front(port: u16, switch: SocketAddr) -> String {
    format!(
        r#"{head}loadmodule "path.so"
modparam("path", "use_received", 1)

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    force_rport();
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (!loose_route()) {{
            if (is_method("ACK") && t_check_trans()) {{ t_relay(); exit; }}
            sl_send_reply("404", "No Route");
            exit;
        }}
        xlog("L_WARN", "told: $rm $si:$sp\n");
        t_relay();
        exit;
    }}
    if ($si == "{ip}" && $sp == {switch_port}) {{
        # It is content only where more of the route follows than itself.
        loose_route();
        xlog("L_WARN", "told: $rm to $rU by $du\n");
        if (is_method("INVITE|SUBSCRIBE")) record_route();
        t_relay();
        exit;
    }}
    xlog("L_WARN", "told: $rm from $fU $proto\n");
    if (is_method("REGISTER")) {{ add_path_received(); }} else {{ record_route(); }}
    $du = "sip:{switch}";
    t_relay();
}}
"#,
        head = head(port),
        ip = switch.ip(),
        switch_port = switch.port(),
    )
}

fn config(port: u16, manner: &Manner) -> String {
    let Manner { algorithm, behind, password } = manner;
    format!(
        r#"{head}loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "nathelper.so"
loadmodule "registrar.so"
modparam("auth", "algorithm", "{algorithm}")
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
modparam("auth", "nonce_expire", 300)
modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 60)
modparam("registrar", "max_expires", 120)
modparam("registrar|nathelper", "received_avp", "$avp(RECEIVED)")

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("OPTIONS") && $rU == $null) {{ xlog("L_WARN", "told: OPTIONS\n"); sl_send_reply("200", "OK"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (is_method("ACK") && t_check_trans()) {{ t_relay(); exit; }}
        if (!loose_route()) {{ sl_send_reply("404", "No Route"); exit; }}
        if (is_method("BYE") && $fU == "+4930555") {{ route(PROVEN); }}
        xlog("L_WARN", "told: $rm $fU $si\n");
        t_relay();
        exit;
    }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{REALM}", "{password}", "0")) {{ www_challenge("{REALM}", "1"); exit; }}
        if ($proto == "tcp") {{ fix_nated_register(); }}
        if (!save("location")) {{ sl_reply_error(); exit; }}
        xlog("L_WARN", "told: REGISTER $tU $hdr(Expires)\n");
        exit;
    }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    record_route();
    if (lookup("location")) {{ xlog("L_WARN", "told: INVITE to $ru by $du\n"); t_relay(); exit; }}
    route(PROVEN);
    consume_credentials();
    xlog("L_WARN", "told: INVITE $rU $si\n");
    $du = "sip:{behind}";
    t_relay();
}}

route[PROVEN] {{
    if (!pv_proxy_authenticate("{REALM}", "{password}", "0")) {{ proxy_challenge("{REALM}", "1"); exit; }}
}}
"#,
        head = head(port)
    )
}
