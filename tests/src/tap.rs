//! A tap on the wire: what crosses the loopback interface, in the order in which the kernel saw it, by tshark.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Process;
use crate::sound;
use crate::wait::{self, SOON};

/// The octets of an RTP header, as we and all strangers here send it.
const RTP_HEADER: usize = 12;

/// A UDP datagram that crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The port that it came from.
    pub from: u16,
    /// The port that it went to.
    pub to: u16,
    /// Its payload.
    pub octets: Vec<u8>,
}

impl Datagram {
    /// The payload type, if it is RTP.
    pub fn payload_type(&self) -> Option<u8> {
        (self.octets.len() >= RTP_HEADER && self.octets[0] == 0x80).then(|| self.octets[1] & 0x7f)
    }

    /// What tells an event of RTP from others: its timestamp, and whose it is.
    pub fn event(&self) -> &[u8] {
        &self.octets[4..RTP_HEADER]
    }

    /// The octets behind the header of RTP, up to 20 ms of them, each taken for µ-law, be they encrypted.
    pub fn sound(&self) -> Vec<i16> {
        self.octets[RTP_HEADER..].iter().take(sound::FRAME).map(|octet| sound::from_ulaw(*octet)).collect()
    }
}

/// Listens on the loopback interface from its start to its stop. It takes root.
#[derive(Debug)]
pub struct Tap {
    process: Process,
    file: PathBuf,
}

impl Tap {
    /// Listens to what `filter` lets through, as tcpdump writes it: `udp portrange 20000-20010`.
    ///
    /// # Panics
    /// If it cannot.
    pub fn start(filter: &str, folder: &Path) -> Self {
        let file = folder.join("wire.pcap");
        let mut command = Command::new("tshark");
        command.args(["-i", "lo", "-f", filter, "-w"]).arg(&file);
        let process = Process::start("tshark", command, folder);
        wait::until_true("tshark listens", SOON, || process.errors().contains("Capturing on"));
        wait::until_true("tshark writes", SOON, || file.metadata().is_ok_and(|file| file.len() > 0));
        Self { process, file }
    }

    /// All that crossed.
    ///
    /// # Panics
    /// If tshark cannot read what it wrote.
    pub fn stop(mut self) -> Vec<Datagram> {
        self.process.signal("INT");
        self.process.wait(SOON);
        let mut command = Command::new("tshark");
        command.arg("-r").arg(&self.file).args(["-Y", "udp", "-T", "fields"]);
        let output = command.args(["-e", "udp.srcport", "-e", "udp.dstport", "-e", "udp.payload"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let datagram = |line: &str| {
            let fields: Vec<_> = line.split('\t').collect();
            let octet = |at: usize| u8::from_str_radix(&fields[2][at * 2..at * 2 + 2], 16).unwrap();
            let octets = (0..fields[2].len() / 2).map(octet).collect();
            Datagram { from: fields[0].parse().unwrap(), to: fields[1].parse().unwrap(), octets }
        };
        text.lines().map(datagram).collect()
    }
}
