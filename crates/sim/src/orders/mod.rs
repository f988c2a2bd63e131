//! Every order of what crosses in a call: not at random but all of them.
//!
//! A [`Crossing`] names some phones, what was done before, and what is done now by each of them, by the operator and by the clock.
//! Each message that is sent is held, and each step of an order is one of: somebody does what is next for him, a message
//! arrives (those of one path as they were sent), the switch sees that something is due, the media tells something.
//! [`Crossing::try_all`] plays all orders of these steps until none is left; after each step nothing may be against the laws
//! (`laws/`, `oracle/`, `Switch::check_invariants`), and at the end of each order those of `judge.rs` hold.
//!
//! Two orders are one if they differ in steps alone that cannot matter to each other, as two phones that ring each by
//! itself. One of them is played ("sleep sets": a step that was tried need not be tried after others that
//! it does not meet). Steps meet if both are the same phone's or both the switch's.
//!
//! Time stands still but for [`Move::Pass`], so times in `hasty` are short: nothing is sent twice. An order that breaks a law is told as its steps
//! in words; [`Crossing::replay`] takes them.

mod explore;
mod judge;
mod stage;

use std::collections::BTreeMap;
use std::time::Duration;

use routing::Builtin;
use switch::Config;

use crate::company::Company;
use crate::laws::Breach;
use crate::scenario::{Act, Cast, Deed, Scenario, Told, Whose};
use crate::{Manners, Reliable};

/// How long phones ring for a queue: less than the time after which a message is sent again (500 ms), twice.
pub const RING: Duration = Duration::from_millis(100);
/// After this a caller has waited too long, where he does not wait for ever: his first phone has rung its time, no second one has.
pub const MAX_WAIT: Duration = Duration::from_millis(150);

/// What crosses.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// The phones, who they are and how they are built; what was done before, in this order, each message arriving at once.
    before: Scenario,
    /// What is done now: each list in its order, the lists in any.
    now: Vec<Vec<Move>>,
    /// Who serves the queue, in this order.
    agents: Vec<String>,
    /// The queue rings all of them at once, not one after the other.
    rings_all: bool,
    /// Callers wait for [`MAX_WAIT`] at most.
    impatient: bool,
    /// What the media tells waits, too.
    slow_media: bool,
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// A phone's owner, the operator or the machine does something.
    Act(Act),
    /// Time passes; the switch sees it in a step of its own.
    Pass(Duration),
}

/// How many orders were played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// To their end.
    pub orders: usize,
    /// Until it showed that they are the same as others.
    pub redundant: usize,
}

/// An order that broke a law.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Its steps, as [`Crossing::replay`] takes them.
    pub steps: Vec<String>,
    /// The laws.
    pub breaches: Vec<Breach>,
    /// What happened.
    pub told: Vec<Told>,
}

impl Crossing {
    /// Callers, and agents of the queue `sales`: `101` and `102` at fixed addresses, `103` and `104` where they register. All are
    /// named as they are called here; callers have the numbers 1, 2, ….
    #[must_use]
    pub fn of(callers: &[&str], agents: &[&str]) -> Self {
        let mut before = Scenario::empty(1);
        let outside = callers.iter().zip(1..).map(|(name, number)| (*name, Whose::Outside(number.to_string())));
        let users = agents.iter().map(|name| (*name, Whose::User((*name).to_owned())));
        before.phones = outside.chain(users).map(|(name, whose)| cast(name, whose)).collect();
        let agents = agents.iter().map(|name| (*name).to_owned()).collect();
        Self { before, now: Vec::new(), agents, rings_all: false, impatient: false, slow_media: false }
    }

    /// Everybody's phone makes reliable provisional responses (RFC 3262).
    #[must_use]
    pub fn reliably(mut self) -> Self {
        self.before.phones.iter_mut().for_each(|cast| cast.manners.reliable = Reliable::Supported);
        self
    }

    /// The queue rings all its agents at once (`ring-all`), not the one who is idle for longest.
    #[must_use]
    pub const fn ringing_all(mut self) -> Self {
        self.rings_all = true;
        self
    }

    /// Nobody waits for longer than [`MAX_WAIT`].
    #[must_use]
    pub const fn impatiently(mut self) -> Self {
        self.impatient = true;
        self
    }

    /// The media takes its time.
    #[must_use]
    pub const fn with_slow_media(mut self) -> Self {
        self.slow_media = true;
        self
    }

    /// This was done before.
    #[must_use]
    pub fn after(mut self, who: &str, deed: Deed) -> Self {
        let (at, act) = (Duration::ZERO, self.act(who, deed));
        self.before.timeline.push(crate::scenario::Step { at, act });
        self
    }

    /// A phone's owner does this now, at any moment at which he can.
    #[must_use]
    pub fn with(self, who: &str, deed: Deed) -> Self {
        self.with_row(who, [deed])
    }

    /// A phone's owner does this now, one after the other.
    #[must_use]
    pub fn with_row(mut self, who: &str, deeds: impl IntoIterator<Item = Deed>) -> Self {
        let row = deeds.into_iter().map(|deed| Move::Act(self.act(who, deed))).collect();
        self.now.push(row);
        self
    }

    /// So much time passes, at any moment.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.now.push(vec![Move::Pass(time)]);
        self
    }

    /// The operator ends the call that has lived longest, at any moment.
    #[must_use]
    pub fn with_the_call_ended(mut self) -> Self {
        self.now.push(vec![Move::Act(Act::EndCall)]);
        self
    }

    /// The operator has these configurations read, one after the other, at any moments.
    #[must_use]
    pub fn with_reloads(mut self, companies: impl IntoIterator<Item = Company>) -> Self {
        self.now.push(companies.into_iter().map(|company| Move::Act(Act::Reload(company))).collect());
        self
    }

    fn act(&self, who: &str, deed: Deed) -> Act {
        // A name that nobody has is a phone that is not there: nothing is ever done, which `try_all` tells.
        let place = self.before.phones.iter().position(|cast| cast.name == who);
        Act::Phone(place.unwrap_or(usize::MAX), deed)
    }

    /// The configuration of each company as it is for these orders.
    fn configs(&self) -> BTreeMap<&'static str, Config> {
        Company::ALL.map(|company| (company.word(), self.hasty(company))).into()
    }

    fn hasty(&self, company: Company) -> Config {
        let mut config = company.config();
        let impatient = self.impatient || company == Company::Impatient;
        for queue in &mut config.queues {
            let there = |name: &String| config.agents.iter().any(|agent| agent.name.as_str() == name);
            queue.agents = self
                .agents
                .iter()
                .filter(|name| there(name))
                .map(|name| acd::Member::new(name.as_str().into()))
                .collect();
            if self.rings_all {
                queue.method.strategy = Builtin::RingAll;
            }
            queue.ring_time = RING;
            queue.max_wait = impatient.then_some(MAX_WAIT);
        }
        config
    }
}

fn cast(name: &str, whose: Whose) -> Cast {
    Cast {
        name: name.to_owned(),
        whose,
        transport: sip::Transport::Udp,
        answers: None,
        rings_for: Duration::ZERO,
        talks_for: None,
        manners: Manners { reliable: Reliable::No, session_timer: None },
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.breaches.iter().try_for_each(|breach| writeln!(f, "{breach}"))?;
        writeln!(f, "in this order (give it to `Crossing::replay`):")?;
        writeln!(f, "  \"{}\"", self.steps.join(", "))?;
        self.told.iter().try_for_each(|told| writeln!(f, "{told}"))
    }
}
