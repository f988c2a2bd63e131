//! The server of the control socket: one client after the other's lines, each within its bounds.

use std::io::Write as _;
use std::time::Duration;

use switch::control::Request;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::port::{Post, ask, reload};
use crate::protocol::{ErrorCode, Failure, MAX_LINE, Wish, read_request, write_response};
use crate::watching;

/// How long a client may take for its next line, and for taking an answer.
const LINE_TIME: Duration = Duration::from_secs(10);

/// Serves a client until it leaves or breaks a bound. `own` is the user that the switch runs as.
pub(crate) async fn serve(stream: UnixStream, own: u32, post: Post) {
    let peer = stream.peer_cred().map(|peer| peer.uid());
    let mut stream = BufReader::with_capacity(MAX_LINE, stream);
    let Some(peer) = peer.ok().filter(|peer| may_command(*peer, own)) else {
        let text = "only root and the user that the switch runs as may ask";
        send(&mut stream, &refuse(Failure::new(ErrorCode::NotAllowed, text))).await;
        return;
    };
    let mut line = Vec::new();
    loop {
        let (answer, go_on) = match next_line(&mut stream, &mut line).await {
            Ok(true) => match read_request(&line) {
                Ok(Wish::Trace(tracing)) => return watching::watch(&mut stream, &post, tracing).await,
                Ok(Wish::Reload { plan }) => (write_response(reload(&post, plan).await), true),
                Ok(Wish::Switch(request)) => {
                    let request = signed(request, peer);
                    (write_response(ask(&post, request).await.map_err(Failure::from)), true)
                }
                Err(failure) => (refuse(failure), true),
            },
            Ok(false) => return,
            Err(failure) => (refuse(failure), false),
        };
        if !send(&mut stream, &answer).await || !go_on {
            return;
        }
    }
}

/// Tells a client for whom there is no room, without waiting for it.
pub(crate) fn turn_away(stream: UnixStream) {
    let failure = Failure::new(ErrorCode::Busy, "too many clients; try again");
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(&refuse(failure));
    }
}

/// Root may do all; the switch's own user could do as much by a signal.
const fn may_command(peer: u32, own: u32) -> bool {
    peer == 0 || peer == own
}

/// Whoever says who he is may err; the system knows.
fn signed(request: Request, peer: u32) -> Request {
    match request {
        Request::Turn { switch, on, reason, by } => Request::Turn { switch, on, reason, by: signature(&by, peer) },
        Request::CancelCallback { callback, by } => Request::CancelCallback { callback, by: signature(&by, peer) },
        Request::SetAgent { agent, saying, by } => Request::SetAgent { agent, saying, by: signature(&by, peer) },
        request => request,
    }
}

fn signature(by: &str, peer: u32) -> String {
    if by.is_empty() { format!("uid {peer}") } else { format!("{by} (uid {peer})") }
}

fn refuse(failure: Failure) -> Vec<u8> {
    write_response::<()>(Err(failure))
}

/// Reads the next line; false at the end. A line without its end is none.
async fn next_line(stream: &mut BufReader<UnixStream>, line: &mut Vec<u8>) -> Result<bool, Failure> {
    line.clear();
    let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    let mut bounded = stream.take(most);
    match timeout(LINE_TIME, bounded.read_until(b'\n', line)).await {
        Err(_) => Err(Failure::new(ErrorCode::TooSlow, "no request came")),
        Ok(Err(_)) => Ok(false),
        Ok(Ok(_)) if line.last() == Some(&b'\n') => Ok(true),
        Ok(Ok(_)) if line.len() >= MAX_LINE => {
            Err(Failure::new(ErrorCode::TooLong, format!("a request has at most {MAX_LINE} octets")))
        }
        Ok(Ok(_)) => Ok(false),
    }
}

pub(crate) async fn send(stream: &mut BufReader<UnixStream>, answer: &[u8]) -> bool {
    matches!(timeout(LINE_TIME, stream.write_all(answer)).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use switch::control::Saying;

    use super::*;

    #[test]
    fn who_turns_a_switch_is_told_as_the_system_knows_him() {
        let turn = |by: &str| Request::Turn { switch: "fire".into(), on: true, reason: "smoke".into(), by: by.into() };
        assert_eq!(signed(turn("ada"), 1_000), turn("ada (uid 1000)"));
        assert_eq!(signed(turn(""), 0), turn("uid 0"));
        let pause = |by: &str| Request::SetAgent {
            agent: "101".into(),
            saying: Saying::Pause { reason: "lunch".into() },
            by: by.into(),
        };
        assert_eq!(signed(pause("ada"), 1_000), pause("ada (uid 1000)"));
        assert_eq!(signed(Request::Status, 0), Request::Status);
    }

    #[test]
    fn only_root_and_the_own_user_may_command() {
        assert!(may_command(0, 1000) && may_command(1000, 1000) && may_command(0, 0));
        assert!(!may_command(1001, 1000) && !may_command(65_534, 0) && !may_command(1000, 0));
    }
}
