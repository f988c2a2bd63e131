//! How a phone changes its call, by re-INVITE and UPDATE.

use base::Now;
use bytes::Bytes;

use super::{MEDIA_PORTS, Phone, SECOND_MEDIA_PORT};

impl Phone {
    /// Offers a new direction by re-INVITE. False if the stack does not allow it now.
    pub fn change(&mut self, now: Now, direction: &str) -> bool {
        self.change_with(now, self.sdp("PCMU/8000", 0, direction).into())
    }

    /// As [`Phone::change`], with a body of one's own.
    pub fn change_with(&mut self, now: Now, offer: Bytes) -> bool {
        self.session.is_some_and(|session| self.stack.change(now, session, offer).is_ok())
    }

    /// Offers a new direction by UPDATE, also before the call is answered. False if the stack does not allow it now.
    pub fn update(&mut self, now: Now, direction: &str) -> bool {
        let offer = self.sdp("PCMU/8000", 0, direction);
        self.session.is_some_and(|session| self.stack.update(now, session, offer.into()).is_ok())
    }

    /// Wants its media at another port from now on, by re-INVITE. False if the stack does not allow it now.
    pub fn move_media(&mut self, now: Now) -> bool {
        let before = self.media;
        let port = before.port();
        let other = if port < SECOND_MEDIA_PORT { port + MEDIA_PORTS } else { port - MEDIA_PORTS };
        self.media.set_port(other);
        let moved = self.change(now, "sendrecv");
        if !moved {
            self.media = before;
        }
        moved
    }
}

/// The direction line of a description.
pub(super) fn direction(body: Option<&Bytes>) -> &'static str {
    let text = body.map(|octets| String::from_utf8_lossy(octets)).unwrap_or_default();
    let directions = ["sendrecv", "sendonly", "recvonly", "inactive"];
    directions.into_iter().find(|name| text.contains(&format!("a={name}"))).unwrap_or("sendrecv")
}

/// The direction that goes with an offered one (RFC 3264 6.1).
pub(super) fn answer_to(offered: &str) -> &'static str {
    match offered {
        "sendonly" => "recvonly",
        "recvonly" => "sendonly",
        "inactive" => "inactive",
        _ => "sendrecv",
    }
}
