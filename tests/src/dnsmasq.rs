//! dnsmasq: a DNS server with the records of a test.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Process;
use crate::wait;

/// One dnsmasq, which knows its own records and nothing else.
#[derive(Debug)]
pub struct Dnsmasq {
    process: Process,
    address: SocketAddr,
    folder: PathBuf,
}

impl Dnsmasq {
    /// Starts one on `port` of 127.0.0.1 with lines of its configuration: `srv-host=…`, `host-record=…`, `cname=…`.
    ///
    /// # Panics
    /// If it is not there, or does not listen.
    pub fn start(port: u16, records: &str, folder: &Path) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self { process: run(address, records, folder), address, folder: folder.to_owned() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Goes on with other records.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn change(&mut self, records: &str) {
        self.kill();
        self.process = run(self.address, records, &self.folder);
    }

    /// Ends it: nobody answers any more.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// The questions that it was asked so far, such as `query[SRV] _sip._udp.carrier.test`.
    pub fn asked(&self) -> Vec<String> {
        let errors = self.process.errors();
        let asked = errors.lines().filter_map(|line| line.find("query[").and_then(|at| line.get(at..)));
        asked.filter_map(|line| line.split_once(" from ")).map(|(asked, _)| asked.to_owned()).collect()
    }
}

fn run(address: SocketAddr, records: &str, folder: &Path) -> Process {
    let config = folder.join("dnsmasq.conf");
    // It leaves neither for another server nor for another user, and writes no file.
    let own = "no-resolv\nno-hosts\nno-daemon\nbind-interfaces\nlog-queries\nlog-facility=-\nuser=\npid-file=\nlocal-ttl=1\nlocal=/test/\n";
    let listen = format!("listen-address={}\nport={}\n", address.ip(), address.port());
    std::fs::write(&config, format!("{own}{listen}{records}")).expect("its configuration");
    let program =
        ["/usr/sbin/dnsmasq", "dnsmasq"].into_iter().find(|path| Path::new(path).exists()).unwrap_or("dnsmasq");
    let mut command = Command::new(program);
    command.arg("--conf-file=".to_owned() + &config.display().to_string());
    let process = Process::start("dnsmasq", command, folder);
    wait::until_true("dnsmasq listens", wait::SOON, || UdpSocket::bind(address).is_err());
    process
}
