//! A client of the control socket that sees messages as they come and go.

use tokio::io::{AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc::{self, error::TrySendError};
use trace::{Packet, Told, View, Watch, mask};

use crate::control::send;
use crate::port::{Post, Query, Unanswered};
use crate::protocol::{Failure, Tracing, Watched, write_response};

/// Messages that wait for a client; beyond them some are left out, and counted.
const QUEUE: usize = 1_024;

/// The answer before the first message.
pub(crate) const WATCHING: &str = "watching";

/// Shows messages until the client leaves, sends anything, or does not take them.
pub(crate) async fn watch(stream: &mut BufReader<UnixStream>, post: &Post, tracing: Tracing) {
    let view = if tracing.clear { View::Clear } else { View::Masked };
    let (queue, mut waiting) = mpsc::channel::<(Packet, u64)>(QUEUE);
    let tell = move |packet: &Packet, left_out| match queue.try_send((packet.clone(), left_out)) {
        Ok(()) => Told::Taken,
        Err(TrySendError::Full(_)) => Told::Full,
        Err(TrySendError::Closed(_)) => Told::Gone,
    };
    if !post(Query::Watch(Watch { from: tracing.from, tell: Box::new(tell) })) {
        send(stream, &write_response::<()>(Err(Failure::from(Unanswered::Busy)))).await;
        return;
    }
    if !send(stream, &write_response(Ok(WATCHING))).await {
        return;
    }
    loop {
        let mut octet = [0];
        let next = tokio::select! {
            next = waiting.recv() => next,
            _ = stream.read(&mut octet) => return,
        };
        let Some((packet, left_out)) = next else { return };
        if !send(stream, &write_response(Ok(shown(&packet, left_out, view)))).await {
            return;
        }
    }
}

fn shown(packet: &Packet, left_out: u64, view: View) -> Watched {
    let octets = mask(&packet.octets.to_vec(), view);
    Watched {
        at: packet.at,
        sent: packet.sent,
        transport: packet.transport.as_str().to_owned(),
        local: packet.local,
        remote: packet.remote,
        left_out,
        text: String::from_utf8_lossy(&octets).into_owned(),
    }
}
