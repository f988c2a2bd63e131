//! One connection: a stream of octets on one side, messages on the other. Any stream will do, so TLS comes by here, too.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sip::Flow;
use sip_message::{Frame, Framer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::registry::Entry;
use super::{Limits, Sink};
use crate::Received;

/// Octets read at once.
const READ: usize = 16 * 1024;
/// How soon what the sink had no room for is offered again.
const AGAIN: Duration = Duration::from_millis(5);
/// How long the answer to what broke the framing may take, before the connection is closed behind it.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// That answer is out when something was written and nothing followed for so long.
const QUIET: Duration = Duration::from_millis(100);
/// How long the word that ends a connection may take.
const GOODBYE: Duration = Duration::from_millis(100);
/// The answer to a ping (RFC 5626 section 4.4.1).
const PONG: Bytes = Bytes::from_static(b"\r\n");

/// A connection that is served.
pub(crate) struct Connection {
    pub flow: Flow,
    pub entry: Arc<Entry>,
    pub limits: Limits,
    pub sink: Sink,
}

impl Connection {
    /// Reads and writes until either side has enough.
    pub async fn run(&self, stream: impl AsyncRead + AsyncWrite, queue: &mut mpsc::Receiver<Bytes>) {
        let (reader, writer) = tokio::io::split(stream);
        let (reader, mut writer) = (std::pin::pin!(reader), std::pin::pin!(writer));
        tokio::select! {
            () = self.read(reader) => {}
            () = self.write(&mut writer, queue) => {}
            () = self.entry.cut.notified() => return,
        }
        // Under TLS the peer is told that this is the end, and no cut by somebody on the way (RFC 8446 section 6.1).
        let _ = timeout(GOODBYE, writer.shutdown()).await;
    }

    async fn read(&self, mut reader: impl AsyncRead + Unpin) {
        let mut framer = Framer::new();
        let mut octets = vec![0; READ];
        let mut deadline = Instant::now() + self.limits.message;
        // Nothing whole came yet.
        let mut proven = false;
        loop {
            let Ok(Ok(count)) = timeout_at(deadline, reader.read(&mut octets)).await else { return };
            if count == 0 {
                return;
            }
            let was_within = framer.is_within_message();
            framer.push(octets.get(..count).unwrap_or_default());
            let mut whole = false;
            while let Some(frame) = framer.poll() {
                match frame {
                    Frame::Message(parsed) => {
                        tell(&self.sink, Received::Message { flow: self.flow, parsed }).await;
                        whole = true;
                    }
                    Frame::Ping => {
                        self.entry.put(PONG, self.limits.queue);
                    }
                    Frame::Lost(reject) => {
                        let before = self.entry.sent();
                        tell(&self.sink, Received::Message { flow: self.flow, parsed: Err(*reject) }).await;
                        return self.linger(reader, octets, before).await;
                    }
                }
            }
            proven |= whole;
            if framer.is_within_message() {
                // A message that is under way keeps the deadline that it got with its first octets.
                if proven && (whole || !was_within) {
                    deadline = Instant::now() + self.limits.message;
                }
            } else if proven {
                deadline = Instant::now() + self.limits.idle;
            }
        }
    }

    /// Reads on without looking, because a connection that is closed with octets unread takes our last answer with it.
    async fn linger(&self, mut reader: impl AsyncRead + Unpin, mut octets: Vec<u8>, before: usize) {
        let end = Instant::now() + LAST_WORDS;
        let mut last = before;
        while Instant::now() < end {
            match timeout(QUIET, reader.read(&mut octets)).await {
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(_)) => {}
                Err(_) => {
                    let sent = self.entry.sent();
                    if sent > before && sent == last {
                        return;
                    }
                    last = sent;
                }
            }
        }
    }

    async fn write(&self, mut writer: impl AsyncWrite + Unpin, queue: &mut mpsc::Receiver<Bytes>) {
        while let Some(payload) = queue.recv().await {
            let Ok(Ok(())) = timeout(self.limits.write, write_whole(&mut writer, &payload)).await else { return };
            self.entry.written(payload.len());
        }
    }
}

/// What lies in the buffers of a layer between here and the socket goes, too.
async fn write_whole(writer: &mut (impl AsyncWrite + Unpin), payload: &[u8]) -> std::io::Result<()> {
    writer.write_all(payload).await?;
    writer.flush().await
}

/// Hands over what must not be lost; waits while there is no room.
pub(crate) async fn tell(sink: &Sink, mut received: Received) {
    while let Err(back) = sink(received) {
        received = back;
        sleep(AGAIN).await;
    }
}
