//! libsrtp, by its Python binding `pylibsrtp`: a stranger's SRTP, to be asked packet by packet.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Reads `OPERATION HEX` a line and prints the packet that comes of it, or `refused`.
const SCRIPT: &str = r"
import sys, pylibsrtp
from pylibsrtp import Policy, Session
profile = {
    'AES_CM_128_HMAC_SHA1_80': Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    'AES_CM_128_HMAC_SHA1_32': Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    'AEAD_AES_128_GCM': Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    'AEAD_AES_256_GCM': Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}[sys.argv[1]]
def session(direction):
    return Session(Policy(key=bytes.fromhex(sys.argv[2]), ssrc_type=direction, srtp_profile=profile))
out, into = session(Policy.SSRC_ANY_OUTBOUND), session(Policy.SSRC_ANY_INBOUND)
operations = {'seal': out.protect, 'seal_rtcp': out.protect_rtcp, 'open': into.unprotect, 'open_rtcp': into.unprotect_rtcp}
for line in sys.stdin:
    name, octets = line.split()
    try:
        print(operations[name](bytes.fromhex(octets)).hex(), flush=True)
    except pylibsrtp.Error as error:
        print('refused', flush=True)
";

/// Both directions under one key.
#[derive(Debug)]
pub struct Libsrtp {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Libsrtp {
    /// A session of that suite; key and salt as in SDP.
    ///
    /// # Panics
    /// If Python or pylibsrtp is not there.
    pub fn start(suite: &str, master: &[u8]) -> Self {
        // Where `scripts/test` installed it, else whatever Python there is.
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/pylibsrtp/bin/python");
        let python = if installed.exists() { installed } else { "python3".into() };
        let mut command = Command::new(python);
        command.args(["-c", SCRIPT, suite, &hex(master)]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("python3 runs");
        let (input, output) = (process.stdin.take().expect("a pipe"), process.stdout.take().expect("a pipe"));
        Self { process, input, output: BufReader::new(output) }
    }

    /// What it makes of a packet by `seal`, `seal_rtcp`, `open` or `open_rtcp`; `None` if it refuses.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn ask(&mut self, operation: &str, packet: &[u8]) -> Option<Vec<u8>> {
        writeln!(self.input, "{operation} {}", hex(packet)).expect("it listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it answers");
        match line.trim() {
            "" => panic!("no answer: is pylibsrtp installed?"),
            "refused" => None,
            octets => Some(octets.as_bytes().chunks(2).map(octet).collect()),
        }
    }
}

impl Drop for Libsrtp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn octet(digits: &[u8]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(digits).expect("digits"), 16).expect("an octet")
}
