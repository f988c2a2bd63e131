//! RTCP of a leg: a report every 5 s or so, and what the peer's reports tell (RFC 3550 section 6).

use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now, Rng};
use rtp::rtcp::{self, Report, SenderInfo};
use rtp::srtp::RTCP_TRAILER;

use crate::leg::{Bay, Leg};

/// Room that [`Leg::report`] needs, and what protects the report.
pub const MAX_REPORT: usize = rtcp::MAX_REPORT + RTCP_TRAILER;

/// The mean time between two reports; each is drawn from half to one and a half of it (RFC 3550 section 6.2).
const INTERVAL_MS: u32 = 5000;

/// When to report, and what the peer reported.
#[derive(Debug)]
pub(crate) struct Reporter {
    next: Option<Mono>,
    /// A report was sent.
    begun: bool,
    /// Packets sent by the time of the last report.
    sent: u64,
    /// The peer's last SR: the middle of its NTP time, and when it came.
    last_sr: Option<(u32, Mono)>,
    cname: [u8; 16],
}

impl Reporter {
    /// A reporter with a random name, new for each leg (RFC 7022 section 4.2).
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let bits = rng.u64();
        let mut cname = [b'0'; 16];
        for (place, symbol) in cname.iter_mut().enumerate() {
            let nibble = u8::try_from((bits >> (place * 4)) & 15).unwrap_or(0);
            *symbol = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        }
        Self { next: None, begun: false, sent: 0, last_sr: None, cname }
    }

    /// Media is agreed on: the first report is due half an interval on or later, so that a short call has none.
    pub(crate) fn start(&mut self, now: Mono, rng: &mut Rng) {
        self.next.get_or_insert_with(|| now + interval(rng));
    }
}

impl Leg {
    /// Writes a report if one is due and returns its length, to be sent to [`Leg::rtcp_destination`].
    pub fn report(&mut self, now: Now, out: &mut [u8; MAX_REPORT], bay: &mut Bay<'_>) -> Option<usize> {
        let due = self.reporter.next.filter(|next| *next <= now.monotonic)?;
        // Reports that were missed are not made up for.
        self.reporter.next = Some(due.max(now.monotonic) + interval(bay.rng));
        self.rtcp_destination()?;
        self.reporter.begun = true;
        self.write_report(now, out, false)
    }

    /// Writes the last report, with its BYE; `None` if there was none before.
    pub fn farewell(&mut self, now: Now, out: &mut [u8; MAX_REPORT]) -> Option<usize> {
        if !self.reporter.begun {
            return None;
        }
        self.rtcp_destination()?;
        self.write_report(now, out, true)
    }

    /// Where RTCP is to be sent: as signalled, or if RTP comes from elsewhere to the port after its.
    #[must_use]
    pub fn rtcp_destination(&self) -> Option<SocketAddr> {
        let agreed = self.agreed.as_ref()?;
        agreed.remote?;
        match self.latch.source() {
            Some(source) if !self.latch.is_as_signalled() => {
                Some(SocketAddr::new(source.ip(), source.port().checked_add(1)?))
            }
            _ => agreed.remote_rtcp,
        }
    }

    /// Takes a datagram from the leg's RTCP port. It changes counts and nothing else, and is decrypted in place.
    pub fn handle_rtcp(&mut self, now: Now, source: SocketAddr, datagram: &mut [u8]) {
        if self.latch.destination().is_none_or(|peer| peer.ip() != source.ip()) {
            self.stats.strangers += 1;
            return;
        }
        let Some(clear) = self.protection.open_rtcp(now.monotonic, datagram, &mut self.stats) else { return };
        let Ok(packets) = rtcp::parse(clear) else {
            self.stats.strangers += 1;
            return;
        };
        for packet in packets {
            if let rtcp::Rtcp::Report { sender: Some(sender), .. } = packet {
                self.reporter.last_sr = Some((rtcp::ntp_middle(sender.ntp), now.monotonic));
            }
            for block in packet.blocks().filter(|block| block.ssrc == self.sender.ssrc()) {
                self.stats.remote_loss = block.fraction_lost;
                if block.last_sr != 0 {
                    self.stats.round_trip_us = round_trip(now, block.last_sr, block.delay);
                }
            }
        }
    }

    fn write_report(&mut self, now: Now, out: &mut [u8; MAX_REPORT], bye: bool) -> Option<usize> {
        let sent = self.sender.packets();
        let is_sender = sent > self.reporter.sent;
        self.reporter.sent = sent;
        let sender = is_sender.then(|| SenderInfo {
            ntp: rtcp::ntp(now.wall),
            timestamp: self.sender.timestamp(),
            packets: low_32(sent),
            octets: low_32(self.sender.octets()),
        });
        let (last_sr, delay) = self.reporter.last_sr.map_or((0, 0), |(middle, came)| {
            let delay = now.monotonic.since(came).as_micros().saturating_mul(65_536) / 1_000_000;
            (middle, u32::try_from(delay).unwrap_or(u32::MAX))
        });
        let block = self.receiver.reception().map(|reception| reception.report(last_sr, delay));
        let cname = str::from_utf8(&self.reporter.cname).unwrap_or_default();
        let length = Report { ssrc: self.sender.ssrc(), sender, block, cname, bye }.write(out)?;
        self.protection.seal_rtcp(out, length)
    }
}

fn interval(rng: &mut Rng) -> Duration {
    Duration::from_millis(u64::from(INTERVAL_MS / 2 + rng.below(INTERVAL_MS)))
}

/// RFC 3550 section 6.4.1: now − LSR − DLSR, in 1/65536 s; `None` if that is no sane time.
fn round_trip(now: Now, last_sr: u32, delay: u32) -> Option<u32> {
    let middle = rtcp::ntp_middle(rtcp::ntp(now.wall));
    let units = middle.wrapping_sub(last_sr).wrapping_sub(delay);
    // More than a minute, or negative: clocks that jumped, or a lie.
    (units < 60 << 16).then(|| u32::try_from(u64::from(units) * 1_000_000 / 65_536).ok()).flatten()
}

fn low_32(count: u64) -> u32 {
    u32::try_from(count & u64::from(u32::MAX)).unwrap_or(0)
}
