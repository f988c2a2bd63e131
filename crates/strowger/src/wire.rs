//! `strowger trace`: what a call said on the wire, from the files of its switch, or as it is said, from the switch itself.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use api::{Tracing, Watched};
use bytes::Bytes;
use sip_message::{Str, Transport};
use trace::{Found, Packet, View, Wanted, capture, ladder, row, transcript};

use crate::cli::Trace;
use crate::error::Error;
use crate::operate::{connect, data_folder};

/// Shows a call, or what is being said.
///
/// # Errors
/// If there is no such call, it may not be seen, or the switch cannot be asked.
pub(crate) fn trace(request: &Trace) -> Result<(), Error> {
    let view = if request.clear { View::Clear } else { View::Masked };
    let Some(call) = &request.call else { return follow(request) };
    let data = data_folder(&request.at.config)?;
    if request.clear {
        check_right(&data)?;
    }
    let wanted = call.parse().map_or_else(|_| Wanted::call_id(call), Wanted::call);
    let found = storage::find(&data, wanted);
    let Found { packets, cut } = found.map_err(|source| Error::File { path: data.join("trace"), source })?;
    if packets.is_empty() {
        return Err(Error::NoTrace { call: call.clone() });
    }
    if let Some(path) = &request.pcap {
        return fs::write(path, capture(&packets, view)).map_err(|source| Error::File { path: path.clone(), source });
    }
    let mut text = ladder(&packets);
    if request.full {
        text += &transcript(&packets, view);
    }
    if cut {
        text += "more messages followed, which are not kept (`trace` › `per_call`)\n";
    }
    // Who reads no further has what he wanted.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    Ok(())
}

/// Only root and the user that the switch runs as see personal data, whoever else may read its files.
fn check_right(data: &Path) -> Result<(), Error> {
    let folder = data.join("trace");
    let owner = match fs::metadata(&folder) {
        Ok(found) => found.uid(),
        // Nothing there, nothing to hide.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::File { path: folder, source }),
    };
    let own = rustix::process::geteuid().as_raw();
    if own == 0 || own == owner { Ok(()) } else { Err(Error::NotInClear) }
}

fn follow(request: &Trace) -> Result<(), Error> {
    let mut switch = connect(&request.at.config)?;
    let view = if request.clear { View::Clear } else { View::Masked };
    let tracing = Tracing { from: request.from.clone(), clear: request.clear };
    let mut out = io::stdout().lock();
    let done = switch.client.watch(tracing, |watched| {
        let left_out = watched.left_out;
        let packet = packet(watched);
        let mut text = String::new();
        if left_out > 0 {
            text = format!("{left_out} messages left out here, as they came too fast\n");
        }
        text += &if request.full { transcript(&[packet], view) } else { row(&packet) };
        // Who reads no further has seen enough.
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
    });
    Ok(done?)
}

/// The message again, as far as it was shown.
fn packet(watched: Watched) -> Packet {
    let Watched { at, sent, transport, local, remote, left_out: _, text } = watched;
    let octets = Bytes::from(text).into();
    let known = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
    let found = known.into_iter().find(|known| known.as_str() == transport);
    let transport = found.unwrap_or_else(|| Transport::Other(Str::from(transport.as_str())));
    Packet { at, sent, transport, local, remote, octets }
}
