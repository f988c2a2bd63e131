//! The laws of the journal: numbers without a gap, everything that began ends, one record a call, one offer an agent, and
//! nobody is offered a call that does not wait; and each call in a queue counts as what became of it.

use std::collections::{BTreeMap, BTreeSet};

use base::{CallId, LegId, OfferId};
use journal::kpi::{Figures, KpiFold};
use journal::{
    CallbackStep, CallbackTold, Cdr, CdrFold, ConsultBegan, Event, Kind, Name, OfferEnded, OfferMade, QueueExit,
};

use super::Breach;

/// What the journal told, folded: records, and whether the laws were kept.
#[derive(Debug, Default)]
pub(crate) struct Books {
    fold: CdrFold,
    live: BTreeMap<CallId, Call>,
    ended: BTreeSet<CallId>,
    offers: BTreeMap<OfferId, (CallId, Name)>,
    kpis: KpiFold,
    /// By queue, what was counted, and how many wait of whom nobody is called back.
    queues: BTreeMap<Name, (Figures, u64)>,
    breaches: Vec<Breach>,
}

/// A call that has not ended.
#[derive(Debug, Default)]
struct Call {
    next: u32,
    hung_up: bool,
    queue: Option<Name>,
    /// It is an attempt to call somebody back, who has not talked yet.
    is_callback: bool,
    bridged: Option<(LegId, LegId)>,
    /// Whom the caller hears before anybody answers.
    early: Option<(LegId, LegId)>,
    /// The question to a third one in the talk.
    consult: Option<Consult>,
    legs: BTreeSet<LegId>,
}

/// A question to a third one.
#[derive(Debug)]
struct Consult {
    by: LegId,
    /// The leg that began last, and whether it has answered.
    third: Option<(LegId, bool)>,
    /// All three talk.
    all: bool,
}

impl Call {
    /// The two who hear each other alone.
    fn pair(&self) -> Option<(LegId, LegId)> {
        match &self.consult {
            None => self.bridged.or(self.early),
            Some(Consult { by, third: Some((third, true)), all: false }) => Some((*by, *third)),
            Some(Consult { all: false, .. }) => self.early,
            Some(_) => None,
        }
    }

    /// The three who hear each other.
    fn three(&self) -> Option<[LegId; 3]> {
        let Consult { by, third: Some((third, _)), all: true } = self.consult.as_ref()? else { return None };
        let caller = self.bridged.map(|(a, b)| if a == *by { b } else { a })?;
        Some([caller, *by, *third])
    }
}

impl Books {
    /// Takes the next event; gives the record that it completes.
    pub(crate) fn feed(&mut self, event: &Event) -> Option<Cdr> {
        let cdr = self.fold.feed(event);
        self.count(event);
        if let Some(id) = event.call {
            self.judge(id, event, cdr.as_ref());
        }
        cdr
    }

    /// The last events of the calls that a killed switch left, as its successor writes them. The offers of those calls are
    /// gone with it.
    pub(crate) fn cut(&mut self) -> Vec<Event> {
        self.offers.clear();
        self.fold.cut()
    }

    /// Calls that began and did not end.
    pub(crate) fn live(&self) -> usize {
        self.live.len()
    }

    /// Who hears whom: each with whom he hears.
    pub(crate) fn hearing(&self) -> BTreeSet<(LegId, LegId)> {
        let pairs = self.live.values().filter_map(Call::pair).flat_map(|(a, b)| [(a, b), (b, a)]);
        let of_three = |three: [LegId; 3]| {
            three.into_iter().flat_map(move |a| three.into_iter().filter(move |b| a != *b).map(move |b| (a, b)))
        };
        pairs.chain(self.live.values().filter_map(Call::three).flat_map(of_three)).collect()
    }

    /// Callers who are held while their other side asks a third one.
    pub(crate) fn held(&self) -> impl Iterator<Item = LegId> {
        let held = self.live.values().filter(|call| call.consult.as_ref().is_some_and(|consult| !consult.all));
        held.filter_map(|call| {
            let (by, (a, b)) = (call.consult.as_ref()?.by, call.bridged?);
            Some(if a == by { b } else { a })
        })
    }

    /// Who talks with whom.
    pub(crate) fn talks(&self) -> impl Iterator<Item = (LegId, LegId)> {
        self.live.values().filter(|call| call.bridged.is_some()).filter_map(Call::pair)
    }

    /// Calls that wait in a queue, or are offered.
    pub(crate) fn queued(&self) -> impl Iterator<Item = CallId> {
        self.live.iter().filter(|(_, call)| call.queue.is_some()).map(|(id, _)| *id)
    }

    /// Calls that ended.
    pub(crate) fn ended(&self) -> usize {
        self.ended.len()
    }

    pub(crate) fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    fn judge(&mut self, id: CallId, event: &Event, cdr: Option<&Cdr>) {
        if matches!(event.kind, Kind::CallBegan { .. }) {
            let again = self.live.insert(id, Call::default()).is_some() || self.ended.contains(&id);
            self.require(!again, "a call begins once", || id.to_string());
        }
        let Some(mut call) = self.live.remove(&id) else {
            return self.require(false, "nothing of a call before its begin or after its end", || said(id, event));
        };
        self.require(call.next == event.seq, "numbers without a gap", || said(id, event));
        call.next = event.seq.saturating_add(1);
        if let Kind::CallEnded { cut } = event.kind {
            self.ended.insert(id);
            let whole = call.hung_up && call.queue.is_none() && call.bridged.is_none() && call.legs.is_empty();
            let open = self.offers.values().any(|(of, _)| *of == id);
            self.require(cut || (whole && !open), "what began ends before the call", || format!("{id}: {call:?}"));
            let right = cdr.is_some_and(|cdr| cdr.call == id && cdr.cut == cut);
            return self.require(right, "one record a call", || said(id, event));
        }
        self.follow(id, &mut call, event);
        self.live.insert(id, call);
    }

    /// Whoever came to a queue waits, or is counted as what became of him.
    fn count(&mut self, event: &Event) {
        let Self { kpis, queues, live, .. } = self;
        kpis.feed(event, &mut |credit| {
            if let Some(queue) = credit.queue {
                queues.entry(queue.clone()).or_default().0.add(&credit.figures);
            }
        });
        let call = event.call.and_then(|id| live.get_mut(&id));
        let (Some(call), kind) = (call, &event.kind) else { return };
        let queue = match kind {
            Kind::QueueJoined { queue } => queue.clone(),
            Kind::QueueLeft { queue, .. } => queue.clone(),
            Kind::Callback(CallbackTold { step: CallbackStep::Begun, .. }) => {
                call.is_callback = true;
                return;
            }
            // A call that the switch did not survive.
            Kind::CallEnded { .. } => match &call.queue {
                Some(queue) => queue.clone(),
                None => return,
            },
            _ => return,
        };
        let (sum, waiting) = queues.entry(queue).or_default();
        match kind {
            _ if call.is_callback => {}
            Kind::QueueJoined { .. } => *waiting += 1,
            _ if call.queue.is_some() => *waiting = waiting.saturating_sub(1),
            _ => {}
        }
        if matches!(kind, Kind::QueueLeft { why: QueueExit::Answered, .. }) {
            call.is_callback = false;
        }
        let (sum, waiting) = (*sum, *waiting);
        let right = sum.offered == sum.answered + sum.abandoned + sum.others() + waiting;
        let what = || format!("{event:?}: {sum:?}, {waiting} wait");
        self.require(right, "each call in a queue is counted as one thing", what);
    }

    fn follow(&mut self, id: CallId, call: &mut Call, event: &Event) {
        let law = "what begins once ends once";
        let once = match &event.kind {
            Kind::HungUp { .. } => !std::mem::replace(&mut call.hung_up, true),
            Kind::QueueJoined { queue } => call.queue.replace(queue.clone()).is_none(),
            // A queue that takes nobody is left without having been joined.
            Kind::QueueLeft { queue, waited_ms, .. } => {
                call.queue.take().map_or(*waited_ms == 0, |joined| joined == *queue)
            }
            Kind::EarlyMedia { a, b } => {
                let there = call.legs.contains(a) && call.legs.contains(b);
                call.early.replace((*a, *b)).is_none() && there
            }
            Kind::Bridged { a, b } => {
                call.early = None;
                let there = call.legs.contains(a) && call.legs.contains(b);
                call.bridged.replace((*a, *b)).is_none() && there
            }
            Kind::Unbridged { a, b } => call.bridged.take() == Some((*a, *b)),
            Kind::ConsultBegan(ConsultBegan { leg, .. }) => {
                let asks = Consult { by: *leg, third: None, all: false };
                let talks = call.bridged.is_some_and(|(a, b)| a == *leg || b == *leg);
                call.consult.replace(asks).is_none() && talks
            }
            Kind::ConferenceBegan { legs } => {
                call.consult.iter_mut().for_each(|consult| consult.all = true);
                call.three().is_some_and(|three| three.as_slice() == legs.as_slice())
            }
            Kind::ConsultEnded { .. } => {
                call.early = None;
                call.consult.take().is_some()
            }
            Kind::LegBegan { leg, .. } => {
                call.consult.iter_mut().for_each(|consult| consult.third = Some((*leg, false)));
                call.legs.insert(*leg)
            }
            Kind::LegAnswered { leg } => {
                let third = call.consult.as_mut().and_then(|consult| consult.third.as_mut());
                for (_, answered) in third.into_iter().filter(|(third, _)| third == leg) {
                    *answered = true;
                    call.early = None;
                }
                true
            }
            Kind::LegEnded { leg, .. } => {
                call.early.take_if(|(a, b)| a == leg || b == leg);
                call.legs.remove(leg)
            }
            Kind::OfferMade(OfferMade { offer, agent, queue, .. }) => {
                self.require(call.queue.as_ref() == Some(queue), "only who waits is offered", || said(id, event));
                let taken = self.offers.values().any(|(_, to)| to == agent);
                self.require(!taken, "one offer an agent", || said(id, event));
                self.offers.insert(*offer, (id, agent.clone())).is_none()
            }
            Kind::OfferEnded(OfferEnded { offer, agent, .. }) => self.offers.remove(offer) == Some((id, agent.clone())),
            _ => true,
        };
        self.require(once, law, || said(id, event));
    }

    fn require(&mut self, right: bool, law: &'static str, what: impl FnOnce() -> String) {
        if !right {
            self.breaches.push(Breach { law, what: what() });
        }
    }
}

fn said(call: CallId, event: &Event) -> String {
    format!("{call} {}: {:?}", event.seq, event.kind)
}
