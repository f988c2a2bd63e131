//! One order: what can come next, and what comes.

use std::net::SocketAddr;

use base::CallId;
use journal::{Event, Kind, OfferMade};
use sip::SessionId;

use super::{Crossing, Move};
use crate::company::Company;
use crate::laws::Breach;
use crate::scenario::{Act, Deed, Stage, Told, or_breaches};
use crate::{Phone, World, switch_address};

/// Whose a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Switch,
    Phone(usize),
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    owner: Owner,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// The next of this list of moves.
    Move { list: usize, at: usize },
    /// A message of the switch arrives at the phone.
    ToPhone,
    /// A message of this phone arrives at the switch.
    FromPhone(usize),
    /// The switch looks at the clock.
    Due,
    /// The media tells the switch something.
    Media,
}

impl Step {
    /// True if it matters which of two comes first.
    pub fn meets(self, other: Self) -> bool {
        self.owner == other.owner
    }
}

/// An order that is being played.
pub(super) struct Order<'a> {
    pub crossing: &'a Crossing,
    stage: Stage<'a>,
    /// How far each list of moves has come.
    done: Vec<usize>,
    /// The call that each phone took or refused last, or lets ring.
    took: Vec<Option<SessionId>>,
    rang: Vec<Option<SessionId>>,
    /// How many events of the journal were looked at.
    read: usize,
}

impl Crossing {
    /// Whose a phone is.
    pub(super) fn name(&self, phone: usize) -> &str {
        self.before.phones.get(phone).map_or("", |cast| &cast.name)
    }

    /// A step in words.
    pub(super) fn word(&self, step: Step) -> String {
        let name = |phone| self.name(phone);
        match (step.what, step.owner) {
            (What::Move { list, at }, _) => match self.now.get(list).and_then(|list| list.get(at)) {
                Some(Move::Act(Act::Phone(phone, deed))) => format!("{} {deed}", name(*phone)),
                Some(Move::Act(Act::Reload(company))) => format!("reload {}", company.word()),
                Some(Move::Act(act)) => format!("{act:?}"),
                Some(Move::Pass(time)) => format!("{} ms", time.as_millis()),
                None => String::new(),
            },
            (What::ToPhone, Owner::Phone(phone)) => format!(">{}", name(phone)),
            (What::ToPhone, Owner::Switch) => String::new(),
            (What::FromPhone(phone), _) => format!("{}>", name(phone)),
            (What::Due, _) => "due".to_owned(),
            (What::Media, _) => "media".to_owned(),
        }
    }
}

impl<'a> Order<'a> {
    /// What was done before is done; from now on everything is held.
    pub fn begin(crossing: &'a Crossing, telling: bool, config: &'a dyn Fn(Company) -> switch::Config) -> Self {
        let mut stage = Stage::new(&crossing.before, telling, config);
        let phones = crossing.before.phones.len();
        (0..phones).for_each(|phone| stage.set_up(phone));
        let mut order = Self {
            crossing,
            stage,
            done: vec![0; crossing.now.len()],
            took: vec![None; phones],
            rang: vec![None; phones],
            read: 0,
        };
        for step in &crossing.before.timeline {
            // These acts break no law by themselves.
            let _ = order.act(&step.act);
            order.world().react();
        }
        let slow = crossing.slow_media;
        order.world().hold(slow);
        order.read = order.stage.world.journal.len();
        order
    }

    pub fn world(&mut self) -> &mut World {
        &mut self.stage.world
    }

    pub fn world_ref(&self) -> &World {
        &self.stage.world
    }

    pub fn stage(&mut self) -> &mut Stage<'a> {
        &mut self.stage
    }

    pub fn into_told(self) -> Vec<Told> {
        self.stage.into_told()
    }

    pub fn address(&self, phone: usize) -> SocketAddr {
        self.crossing.before.address(phone)
    }

    pub fn phone(&self, phone: usize) -> Option<&Phone> {
        self.stage.world.phones.get(&self.address(phone))
    }

    /// The call that a phone has taken or refused.
    pub fn took(&self, phone: usize) -> Option<SessionId> {
        self.took.get(phone).copied().flatten()
    }

    /// True if a phone has said nothing to the call that came last.
    pub fn is_mute(&self, phone: usize) -> bool {
        let session = self.phone(phone).and_then(|phone| phone.session);
        let rang = self.rang.get(phone).copied().flatten();
        session.is_some() && session != rang && session != self.took(phone)
    }

    /// The places of all phones.
    pub fn phones(&self) -> std::ops::Range<usize> {
        0..self.crossing.before.phones.len()
    }

    /// What may come next.
    pub fn ways(&self) -> Vec<Step> {
        let world = &self.stage.world;
        let of_switch = |what| Step { owner: Owner::Switch, what };
        let lists = self.crossing.now.iter().zip(&self.done).enumerate();
        let moves = lists.filter_map(|(list, (moves, &at))| {
            let owner = match moves.get(at)? {
                Move::Act(Act::Phone(phone, deed)) if !self.can(*phone, deed) => return None,
                // Keys come with the media, past the phone's signalling.
                Move::Act(Act::Phone(phone, deed)) if !matches!(deed, Deed::Press(_)) => Owner::Phone(*phone),
                Move::Act(_) | Move::Pass(_) => Owner::Switch,
            };
            Some(Step { owner, what: What::Move { list, at } })
        });
        let to = |phone: &usize| world.network.is_held(switch_address(), self.address(*phone));
        let to = self.phones().filter(to).map(|phone| Step { owner: Owner::Phone(phone), what: What::ToPhone });
        let from = |phone: &usize| world.network.is_held(self.address(*phone), switch_address());
        let from = self.phones().filter(from).map(|phone| of_switch(What::FromPhone(phone)));
        let due = world.is_due().then(|| of_switch(What::Due));
        let media = world.media_waits().then(|| of_switch(What::Media));
        let mut ways: Vec<Step> = to.chain(moves).chain(from).chain(due).chain(media).collect();
        // Nobody but the phone itself has a say in what it does with what is next on its path: its steps come first.
        if let Some(Step { owner, what: What::ToPhone }) = ways.first().copied() {
            ways.retain(|way| way.owner == owner);
        }
        ways
    }

    /// Whether somebody can do something with his phone now.
    fn can(&self, phone: usize, deed: &Deed) -> bool {
        let took = self.took(phone);
        let rang = self.rang.get(phone).copied().flatten();
        let Some(it) = self.phone(phone) else { return false };
        let is_asked = it.session.is_some() && !it.placed_its_call() && took != it.session;
        match deed {
            Deed::Call(_) | Deed::CallOfferless(_) => it.session.is_none(),
            Deed::Ring => is_asked && rang != it.session,
            Deed::Answer | Deed::Refuse(_) | Deed::Redirect(_) => is_asked,
            Deed::Press(_) => self.stage.world.media.leg_to(it.media()).is_some(),
            Deed::HangUp => it.session.is_some() && !is_asked,
            _ => true,
        }
    }

    /// The step comes.
    pub fn take(&mut self, step: Step) -> Result<(), Vec<Breach>> {
        let crossing = self.crossing;
        self.stage.tell(|_| crossing.word(step));
        let (here, now) = (switch_address(), self.stage.world.now.monotonic);
        match (step.what, step.owner) {
            (What::Move { list, at }, _) => {
                if let Some(done) = self.done.get_mut(list) {
                    *done += 1;
                }
                match crossing.now.get(list).and_then(|moves| moves.get(at)) {
                    Some(Move::Act(act)) => self.act(act)?,
                    Some(Move::Pass(time)) => self.world().pass(*time),
                    None => {}
                }
            }
            (What::ToPhone, Owner::Phone(phone)) => {
                let there = self.address(phone);
                self.world().network.let_through(now, here, there);
            }
            (What::FromPhone(phone), _) => {
                let there = self.address(phone);
                self.world().network.let_through(now, there, here);
            }
            (What::Due, _) => self.world().tell(switch::Switch::handle_timeout),
            (What::Media, _) => self.world().let_media_tell(),
            (What::ToPhone, Owner::Switch) => {}
        }
        self.world().react();
        or_breaches(self.wrongly_offered())
    }

    fn act(&mut self, act: &Act) -> Result<(), Vec<Breach>> {
        if let Act::Phone(phone, deed) = act {
            let session = self.phone(*phone).and_then(|phone| phone.session);
            let mark = match deed {
                Deed::Ring => self.rang.get_mut(*phone),
                Deed::Answer | Deed::Refuse(_) | Deed::Redirect(_) => self.took.get_mut(*phone),
                _ => None,
            };
            if let Some(mark) = mark {
                *mark = session;
            }
        }
        self.stage.act(act)
    }

    /// Nothing is against the laws. What is due and not yet seen by the switch may look so.
    pub fn check(&mut self) -> Result<(), Vec<Breach>> {
        if self.stage.world.is_due() { Ok(()) } else { self.stage.check() }
    }

    /// Offers, made since this was asked last, to those who do not serve the queue as it is configured now.
    fn wrongly_offered(&mut self) -> Vec<Breach> {
        let world = &self.stage.world;
        let is_wrong = |event: &&Event| match &event.kind {
            Kind::OfferMade(OfferMade { agent, queue, .. }) => {
                let queues = &world.config().queues;
                let queue = queues.iter().find(|config| config.name.as_str() == &**queue);
                !queue.is_some_and(|queue| queue.agents.iter().any(|member| member.agent.as_str() == &**agent))
            }
            _ => false,
        };
        let wrong = world.journal.iter().skip(self.read).filter(is_wrong);
        let law = "who does not serve a queue is offered nothing of it";
        let breaches = wrong.map(|event| Breach::new(law, &format!("{:?}", event.kind))).collect();
        self.read = world.journal.len();
        breaches
    }

    /// The agents of the queue and their phones' places.
    pub fn agents(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let crossing = self.crossing;
        let callers = crossing.before.phones.len() - crossing.agents.len();
        crossing.agents.iter().enumerate().map(move |(at, name)| (callers + at, name.as_str()))
    }

    /// The places of the callers' phones.
    pub fn callers(&self) -> std::ops::Range<usize> {
        0..self.crossing.before.phones.len() - self.crossing.agents.len()
    }

    /// Fails with these breaches, if there are any.
    pub fn or(breaches: Vec<Breach>) -> Result<(), Vec<Breach>> {
        or_breaches(breaches)
    }

    /// Calls that wait in a queue or are offered.
    pub fn queued(&self) -> Vec<CallId> {
        self.stage.world.books.queued().collect()
    }
}
