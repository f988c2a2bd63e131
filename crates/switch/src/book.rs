//! What leaves for the journal: events of calls, and notices about the switch that are counted before they are told.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use base::{CallId, Mono, Now};
use journal::kpi::Board;
use journal::{Event, Kind};

use crate::Config;

/// How often counted notices are told, so that a flood of bad messages is no flood of events.
const NOTICE_INTERVAL: Duration = Duration::from_secs(5);

/// Events on their way to the journal.
#[derive(Debug, Default)]
pub(crate) struct Book {
    events: VecDeque<Event>,
    /// What is counted of them.
    pub figures: Board,
    seq: u32,
    malformed: Option<Notice>,
    strangers: Option<Notice>,
    unproven: Option<Notice>,
    overload: u64,
    due: Option<Mono>,
}

/// Something that is counted between two tellings; of its details the last ones are told.
#[derive(Debug)]
struct Notice {
    source: IpAddr,
    cause: String,
    count: u64,
}

impl Book {
    /// An empty one.
    pub fn new(now: Now, config: &Config) -> Self {
        let mut figures = Board::default();
        figures.set_targets(config.targets());
        figures.turn_to(config.flows.zone().day_of(now.wall));
        Self { figures, ..Self::default() }
    }

    /// Writes an event of a call, whose number is `seq`.
    pub fn write(&mut self, now: Now, call: CallId, seq: &mut u32, kind: Kind) {
        self.put(Event { seq: *seq, at: now.wall, call: Some(call), kind });
        *seq = seq.saturating_add(1);
    }

    /// Writes an event of the switch itself.
    pub fn write_system(&mut self, now: Now, kind: Kind) {
        self.put(Event { seq: self.seq, at: now.wall, call: None, kind });
        self.seq = self.seq.saturating_add(1);
    }

    fn put(&mut self, event: Event) {
        self.figures.feed(&event);
        self.events.push_back(event);
    }

    /// Counts on from `figures`, which know nothing of this run: what it told so far is still to be polled.
    pub fn restore(&mut self, mut figures: Board) {
        self.events.iter().for_each(|event| figures.feed(event));
        self.figures = figures;
    }

    /// Counts a message that could not be read.
    pub fn malformed(&mut self, now: Now, source: IpAddr, cause: impl FnOnce() -> String) {
        count(&mut self.malformed, source, cause);
        self.notice_due(now);
    }

    /// Counts a call from somebody who may not call.
    pub fn stranger(&mut self, now: Now, source: IpAddr, dialled: impl FnOnce() -> String) {
        count(&mut self.strangers, source, dialled);
        self.notice_due(now);
    }

    /// Counts a request with credentials that proved nothing.
    pub fn unproven(&mut self, now: Now, source: IpAddr) {
        count(&mut self.unproven, source, String::new);
        self.notice_due(now);
    }

    /// Counts a call that was turned away as there are as many as may be.
    pub fn overload(&mut self, now: Now) {
        self.overload += 1;
        self.notice_due(now);
    }

    /// Tells what was counted, if its time has come.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.due.is_none_or(|due| due > now.monotonic) {
            return;
        }
        self.tell(now);
    }

    /// Tells what was counted.
    pub fn tell(&mut self, now: Now) {
        self.due = None;
        if let Some(Notice { source, cause, count }) = self.malformed.take() {
            self.write_system(now, Kind::Malformed { source, cause, count });
        }
        if let Some(Notice { source, cause, count }) = self.strangers.take() {
            self.write_system(now, Kind::Strangers { source, dialled: base::Pii::new(cause), count });
        }
        if let Some(Notice { source, count, .. }) = self.unproven.take() {
            self.write_system(now, Kind::Unproven { source, count });
        }
        if self.overload > 0 {
            let refused = std::mem::take(&mut self.overload);
            self.write_system(now, Kind::Overload { refused });
        }
    }

    /// When to call [`Book::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.due
    }

    /// The next event for the journal.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn notice_due(&mut self, now: Now) {
        self.due.get_or_insert(now.monotonic + NOTICE_INTERVAL);
    }
}

/// One more; the text is made for the first of a kind between two tellings only.
fn count(notice: &mut Option<Notice>, source: IpAddr, cause: impl FnOnce() -> String) {
    match notice {
        Some(notice) => notice.count += 1,
        None => *notice = Some(Notice { source, cause: cause(), count: 1 }),
    }
}

#[cfg(test)]
mod tests {
    use base::{Mono, Wall};

    use super::*;

    #[test]
    fn a_flood_of_bad_messages_is_one_event() {
        let now = Now { monotonic: Mono::ZERO, wall: Wall::default() };
        let mut book = Book::default();
        for _ in 0..1000 {
            book.malformed(now, IpAddr::from([127, 0, 0, 1]), || "no Via".to_owned());
        }
        assert!(book.poll_event().is_none());
        let later = now.after(NOTICE_INTERVAL);
        assert_eq!(book.poll_timeout(), Some(later.monotonic));
        book.handle_timeout(later);
        assert!(matches!(book.poll_event().unwrap().kind, Kind::Malformed { count: 1000, .. }));
        assert!(book.poll_event().is_none() && book.poll_timeout().is_none());
    }
}
