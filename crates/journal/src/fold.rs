//! Events become records.

use std::collections::{BTreeMap, BTreeSet};

use base::{CallId, LegId, Pii, Wall};

use crate::visit::{Visits, millis};
use crate::{
    AgentDisposition, Cdr, Consult, ConsultBegan, ConsultOutcome, Direction, Disposed, Disposition, Event, Kind,
    LegRole, Name, OfferEnded, Origin, OutsideLeg, Party, QueueExit, Recording, SurveyAnswer, Transfer, by_day,
};

/// Milliseconds of a frame of recorded audio.
const FRAME_MS: u64 = 20;
/// Version of [`Cdr`].
const VERSION: u16 = 1;
/// Recordings of one call that its record lists; more of them are counted in its lost time only.
const MAX_RECORDINGS: usize = 256;
/// Answers to surveys of one call that its record lists.
const MAX_SURVEYS: usize = 16;
/// Agents of whose words on a call its record has the last.
const MAX_DISPOSITIONS: usize = 16;
/// Transfers of one call that its record lists, and questions to third ones.
const MAX_TRANSFERS: usize = 64;

/// Folds the events of all calls into one [`Cdr`] a call. Events of one call come in their order; those of a call that
/// never began, or has ended, are ignored.
#[derive(Debug, Default)]
pub struct CdrFold {
    live: BTreeMap<CallId, Account>,
}

/// What is known so far of a call that is not over.
#[derive(Debug)]
struct Account {
    cdr: Cdr,
    seq: u32,
    last: Wall,
    legs: BTreeMap<LegId, Name>,
    /// Since when the present stretch of talk lasts.
    talking_since: Option<Wall>,
    /// The bridged legs that hold, and since when there is one.
    holding: BTreeSet<LegId>,
    held_since: Option<Wall>,
    /// The question to a third one that runs: since when the caller waits, and since when all three talk.
    consult: Option<(Consult, Wall, Option<Wall>)>,
    /// Legs to trunks that are not over.
    outside: BTreeMap<LegId, LiveOutside>,
    visits: Visits,
    abandoned: bool,
    hung_up: Option<Wall>,
}

/// A leg to a trunk that is not over.
#[derive(Debug)]
struct LiveOutside {
    /// Its place in [`Cdr::outside`].
    index: usize,
    answered: Option<Wall>,
}

impl CdrFold {
    /// Takes the next event of any call; gives the call's record at its last.
    pub fn feed(&mut self, event: &Event) -> Option<Cdr> {
        let call = event.call?;
        if let Kind::CallBegan { direction, from, to, origin, received, .. } = &event.kind {
            let mut account = Account::new(call, event.at, *direction, from.clone(), to.clone(), origin.clone());
            account.cdr.received.clone_from(received);
            self.live.entry(call).or_insert(account);
            return None;
        }
        self.live.get_mut(&call)?.take(event);
        let Kind::CallEnded { cut } = event.kind else { return None };
        self.live.remove(&call).map(|account| account.close(event.at, cut))
    }

    /// Calls that began and did not end.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// The last event that each live call is to have after a crash, at the time of the last one that was found: feeding
    /// them gives their records. One that was hung up before was not cut: its book alone was open.
    #[must_use]
    pub fn cut(&self) -> Vec<Event> {
        let end = |(call, account): (&CallId, &Account)| Event {
            seq: account.seq.saturating_add(1),
            at: account.last,
            call: Some(*call),
            kind: Kind::CallEnded { cut: account.hung_up.is_none() },
        };
        self.live.iter().map(end).collect()
    }

    /// The number and time that one more event of a live call would have.
    #[must_use]
    pub fn next(&self, call: CallId) -> Option<(u32, Wall)> {
        self.live.get(&call).map(|account| (account.seq.saturating_add(1), account.last))
    }

    /// Closes the call that has been live longest, so that calls whose end got lost do not pile up.
    pub fn evict(&mut self) -> Option<Cdr> {
        self.live.pop_first().map(|(_, account)| {
            let last = account.last;
            account.close(last, true)
        })
    }
}

impl Account {
    fn new(call: CallId, at: Wall, direction: Direction, from: Pii<String>, to: Pii<String>, origin: Origin) -> Self {
        let cdr = Cdr {
            version: VERSION,
            call,
            direction,
            from,
            to,
            received: None,
            asserted: false,
            private: false,
            diverted_from: Vec::new(),
            origin,
            began: at,
            answered: None,
            ended: at,
            duration_ms: 0,
            wait_ms: 0,
            ring_ms: 0,
            talk_ms: 0,
            hold_ms: 0,
            queue: None,
            agent: None,
            offers: 0,
            visits: Vec::new(),
            offered_to: Vec::new(),
            outside: Vec::new(),
            transfers: Vec::new(),
            consults: Vec::new(),
            surveys: Vec::new(),
            dispositions: Vec::new(),
            joined: None,
            disposition: Disposition::Refused,
            hung_up_by: None,
            cause: "".into(),
            reason: None,
            recordings: Vec::new(),
            recording_lost_ms: 0,
            cut: false,
        };
        Self {
            cdr,
            seq: 0,
            last: at,
            legs: BTreeMap::new(),
            talking_since: None,
            holding: BTreeSet::new(),
            held_since: None,
            consult: None,
            outside: BTreeMap::new(),
            visits: Visits::default(),
            abandoned: false,
            hung_up: None,
        }
    }

    fn take(&mut self, event: &Event) {
        self.seq = event.seq;
        self.last = event.at;
        match &event.kind {
            Kind::Identified { asserted, private, diverted_from } => {
                (self.cdr.asserted, self.cdr.private) = (*asserted, *private);
                self.cdr.diverted_from.clone_from(diverted_from);
            }
            Kind::Answered => self.cdr.answered = self.cdr.answered.or(Some(event.at)),
            Kind::HungUp { by, cause, reason } => {
                self.hung_up = Some(event.at);
                self.cdr.hung_up_by = Some(*by);
                self.cdr.reason = *reason;
                self.cdr.cause = cause.clone();
            }
            // Should the hang-up itself have been cut short by the fault, this is why the call ended.
            Kind::Fault { .. } if self.cdr.hung_up_by.is_none() => {
                self.cdr.hung_up_by = Some(Party::System);
                self.cdr.cause = "fault".into();
            }
            Kind::QueueJoined { .. }
            | Kind::PlaceResumed { .. }
            | Kind::QueueLeft { .. }
            | Kind::OfferMade(_)
            | Kind::OfferEnded(_) => {
                self.take_queue(event);
            }
            Kind::LegBegan { .. } | Kind::LegAnswered { .. } | Kind::LegEnded { .. } => self.take_leg(event),
            // Of a callback the agent's leg comes first.
            Kind::Bridged { a, b } => {
                self.talking_since = self.talking_since.or(Some(event.at));
                self.cdr.agent = self.legs.get(b).or_else(|| self.legs.get(a)).cloned().or(self.cdr.agent.take());
                self.cdr.disposition = Disposition::Answered;
            }
            Kind::Transferred { by, kind, target, joined } if self.cdr.transfers.len() < MAX_TRANSFERS => {
                let (by, target) = (by.clone(), target.clone());
                self.cdr.transfers.push(Transfer { by, kind: *kind, target, joined: *joined });
            }
            Kind::Surveyed { survey, scale, score } if self.cdr.surveys.len() < MAX_SURVEYS => {
                let (queue, agent) = (self.cdr.queue.clone(), self.cdr.agent.clone());
                let answer = SurveyAnswer { survey: survey.clone(), scale: *scale, score: *score, queue, agent };
                self.cdr.surveys.push(answer);
            }
            Kind::Disposition(Disposed { agent, code, .. }) => self.take_disposition(agent, code),
            Kind::Joined { into } => {
                self.cdr.joined = Some(*into);
                self.cdr.disposition = Disposition::Answered;
            }
            Kind::Unbridged { .. } => self.end_bridge(event.at),
            Kind::ConsultBegan(_) | Kind::ConferenceBegan { .. } | Kind::ConsultEnded { .. } => {
                self.take_consult(event)
            }
            Kind::Held { leg } => self.hold(event.at, *leg),
            Kind::Resumed { leg } => self.resume(event.at, *leg),
            Kind::RecordingStarted { .. } | Kind::RecordingLost { .. } | Kind::RecordingStopped { .. } => {
                self.take_recording(&event.kind);
            }
            _ => {}
        }
    }

    fn take_disposition(&mut self, agent: &Name, code: &Name) {
        let said = AgentDisposition { agent: agent.clone(), code: code.clone() };
        let room = self.cdr.dispositions.len() < MAX_DISPOSITIONS;
        match self.cdr.dispositions.iter_mut().find(|before| before.agent == *agent) {
            Some(before) => *before = said,
            None if room => self.cdr.dispositions.push(said),
            None => {}
        }
    }

    fn take_leg(&mut self, event: &Event) {
        match &event.kind {
            Kind::LegBegan { leg, role: LegRole::Agent(name) | LegRole::Party(name) } => {
                self.legs.insert(*leg, name.clone());
            }
            Kind::LegBegan { leg, role: LegRole::Outside(call) } => {
                let index = self.cdr.outside.len();
                self.cdr.outside.push(OutsideLeg { call: call.clone(), status: None, charged_ms: BTreeMap::new() });
                self.outside.insert(*leg, LiveOutside { index, answered: None });
            }
            Kind::LegAnswered { leg } => {
                if let Some(found) = self.outside.get_mut(leg) {
                    found.answered = Some(event.at);
                }
            }
            Kind::LegEnded { leg, status, charged_ms, .. } => {
                self.legs.remove(leg);
                if let Some(found) = self.outside.remove(leg)
                    && let Some(record) = self.cdr.outside.get_mut(found.index)
                {
                    record.status = *status;
                    record.charged_ms = by_day(event.at, charged_ms.unwrap_or(0));
                }
            }
            _ => {}
        }
    }

    fn take_queue(&mut self, event: &Event) {
        let waited_ms = self.visits.take(event);
        self.cdr.wait_ms = self.cdr.wait_ms.saturating_add(waited_ms.unwrap_or(0));
        match &event.kind {
            Kind::QueueJoined { queue } => {
                self.cdr.queue = Some(queue.clone());
                self.abandoned = false;
            }
            Kind::QueueLeft { queue, why, .. } => {
                self.cdr.queue = Some(queue.clone());
                self.abandoned = matches!(why, QueueExit::Abandoned | QueueExit::Cut);
            }
            Kind::OfferMade(_) => self.cdr.offers = self.cdr.offers.saturating_add(1),
            Kind::OfferEnded(OfferEnded { rang_ms, .. }) => {
                self.cdr.ring_ms = self.cdr.ring_ms.saturating_add(*rang_ms);
            }
            _ => {}
        }
    }

    fn take_recording(&mut self, kind: &Kind) {
        match kind {
            Kind::RecordingStarted { take, file } if self.cdr.recordings.len() < MAX_RECORDINGS => {
                let file = Some(file.clone());
                self.cdr.recordings.push(Recording { take: *take, file, length_ms: 0, lost_ms: 0 });
            }
            Kind::RecordingLost { take, frames, .. } => {
                if let Some(recording) = self.cdr.recordings.iter_mut().find(|recording| recording.take == *take) {
                    recording.lost_ms = recording.lost_ms.saturating_add(frames.saturating_mul(FRAME_MS));
                }
            }
            Kind::RecordingStopped { take, file, frames, lost } => {
                let file = Some(file.clone()).filter(|file| !file.is_empty());
                let (length_ms, lost_ms) = (frames.saturating_mul(FRAME_MS), lost.saturating_mul(FRAME_MS));
                let stopped = Recording { take: *take, file, length_ms, lost_ms };
                let room = self.cdr.recordings.len() < MAX_RECORDINGS;
                match self.cdr.recordings.iter_mut().find(|recording| recording.take == *take) {
                    Some(recording) => *recording = stopped,
                    None if room => self.cdr.recordings.push(stopped),
                    None => self.cdr.recording_lost_ms = self.cdr.recording_lost_ms.saturating_add(lost_ms),
                }
            }
            _ => {}
        }
    }

    fn hold(&mut self, at: Wall, leg: LegId) {
        self.holding.insert(leg);
        if self.talking_since.is_some() {
            self.end_talk(at);
            self.held_since = Some(at);
        }
    }

    fn resume(&mut self, at: Wall, leg: LegId) {
        self.holding.remove(&leg);
        self.talk_again(at);
    }

    /// The caller is held no longer, if nobody holds and no third one is asked.
    fn talk_again(&mut self, at: Wall) {
        let asks = self.consult.as_ref().is_some_and(|(_, _, all)| all.is_none());
        if self.holding.is_empty() && !asks && self.held_since.is_some() {
            self.end_hold(at);
            self.talking_since = Some(at);
        }
    }

    fn take_consult(&mut self, event: &Event) {
        let at = event.at;
        match &event.kind {
            Kind::ConsultBegan(ConsultBegan { by, target, .. }) => {
                let (by, target) = (by.clone(), target.clone());
                let asked = Consult { by, target, waited_ms: 0, conference_ms: 0, outcome: None };
                self.consult = Some((asked, at, None));
                if self.talking_since.is_some() {
                    self.end_talk(at);
                    self.held_since = Some(at);
                }
            }
            Kind::ConferenceBegan { .. } => {
                if let Some((_, _, all)) = &mut self.consult {
                    *all = Some(at);
                }
                self.talk_again(at);
            }
            Kind::ConsultEnded { outcome, .. } => self.end_consult(at, Some(*outcome)),
            _ => {}
        }
    }

    fn end_consult(&mut self, at: Wall, outcome: Option<ConsultOutcome>) {
        let Some((asked, since, all)) = self.consult.take() else { return };
        if self.cdr.consults.len() < MAX_TRANSFERS {
            let waited_ms = millis(since, all.unwrap_or(at));
            let conference_ms = all.map_or(0, |all| millis(all, at));
            self.cdr.consults.push(Consult { waited_ms, conference_ms, outcome, ..asked });
        }
        self.talk_again(at);
    }

    fn end_bridge(&mut self, at: Wall) {
        self.end_talk(at);
        self.end_hold(at);
        self.holding.clear();
    }

    fn end_talk(&mut self, at: Wall) {
        if let Some(since) = self.talking_since.take() {
            self.cdr.talk_ms = self.cdr.talk_ms.saturating_add(millis(since, at));
        }
    }

    fn end_hold(&mut self, at: Wall) {
        if let Some(since) = self.held_since.take() {
            self.cdr.hold_ms = self.cdr.hold_ms.saturating_add(millis(since, at));
        }
    }

    /// The record. What was still going on ended now.
    fn close(mut self, at: Wall, cut: bool) -> Cdr {
        // Its book may have stayed open for what agents say of it.
        let at = self.hung_up.unwrap_or(at);
        self.end_consult(at, None);
        self.end_bridge(at);
        for LiveOutside { index, answered } in self.outside.values() {
            if let (Some(record), Some(answered)) = (self.cdr.outside.get_mut(*index), answered) {
                record.charged_ms = by_day(at, millis(*answered, at));
            }
        }
        let mut cdr = self.cdr;
        let (visits, offered_to, cut_ms) = self.visits.close(at);
        (cdr.visits, cdr.offered_to, cdr.wait_ms) = (visits, offered_to, cdr.wait_ms.saturating_add(cut_ms));
        cdr.ended = at;
        cdr.duration_ms = millis(cdr.began, at);
        cdr.cut = cut;
        if cut && cdr.cause.is_empty() {
            cdr.cause = "crash".into();
            cdr.hung_up_by = Some(Party::System);
        }
        cdr.recording_lost_ms =
            cdr.recordings.iter().fold(cdr.recording_lost_ms, |sum, r| sum.saturating_add(r.lost_ms));
        if cdr.disposition != Disposition::Answered {
            cdr.disposition = match (self.abandoned, cdr.answered, cdr.hung_up_by) {
                (true, ..) => Disposition::Abandoned,
                (_, Some(_), _) => Disposition::SelfServed,
                (_, None, Some(Party::Caller)) => Disposition::Cancelled,
                _ => Disposition::Refused,
            };
        }
        cdr
    }
}
