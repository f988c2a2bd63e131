//! aioice's STUN: a stranger who asks where he is seen from.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// Sends a Binding request, with or without a fingerprint, from an address to another, and prints the address in the answer.
const SCRIPT: &str = r"
import socket, sys
from aioice import stun
ours, theirs = [(host, int(port)) for host, port in (argument.rsplit(' ', 1) for argument in sys.argv[1:3])]
family = socket.AF_INET6 if ':' in ours[0] else socket.AF_INET
asked = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
if sys.argv[3] == 'fingerprint':
    asked.attributes['SOFTWARE'] = 'a phone'
    asked.add_fingerprint()
line = socket.socket(family, socket.SOCK_DGRAM)
line.bind(ours)
line.settimeout(0.5)
for attempt in range(20):
    line.sendto(bytes(asked), theirs)
    try:
        data, source = line.recvfrom(2048)
        break
    except socket.timeout:
        pass
told = stun.parse_message(data)
assert source[:2] == theirs, source
assert told.transaction_id == asked.transaction_id and told.message_class == stun.Class.RESPONSE, told
assert ('FINGERPRINT' in told.attributes) == (sys.argv[3] == 'fingerprint'), told
print(*told.attributes['XOR-MAPPED-ADDRESS'])
";

/// Where the switch at `theirs` sees who asks it from `ours`, as `ADDRESS PORT`.
///
/// # Panics
/// If Python or aioice is not there, or what comes is no answer.
pub fn ask(ours: SocketAddr, theirs: SocketAddr, fingerprint: bool) -> String {
    // Where `scripts/test` installed it, else whatever Python there is.
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/aioice/bin/python");
    let python = if installed.exists() { installed } else { "python3".into() };
    let end = |address: SocketAddr| format!("{} {}", address.ip(), address.port());
    let kind = if fingerprint { "fingerprint" } else { "plain" };
    let output =
        Command::new(python).args(["-c", SCRIPT, &end(ours), &end(theirs), kind]).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
