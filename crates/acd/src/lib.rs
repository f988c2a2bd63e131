//! Queues, agents and offers: who waits, who is free, whose phone rings.
//!
//! One contract: inputs go in with the time as an argument ([`Acd::join`], [`Acd::leave`], [`Acd::handle_decision`],
//! [`Acd::offer_answered`], [`Acd::offer_failed`], [`Acd::agent_released`], [`Acd::reserve`], …); after each, and when
//! [`Acd::poll_timeout`] is due (then [`Acd::handle_timeout`]), the driver takes out all of [`Acd::poll_event`] and obeys.
//!
//! A call's way: `join` → [`Event::DecisionNeeded`] (the driver asks the strategy) → `handle_decision` →
//! [`Event::Offer`] → `offer_answered` → `agent_released` or `leave` → wrap-up. An offer that is not taken puts the call back at its old place in the line. The
//! ring time is kept here: when it is over, [`Event::OfferEnded`] comes by itself.
//!
//! Where to find what: `machine.rs` the inputs and timers, `decide.rs` when decisions are asked for and how they are
//! checked, `defer.rs` those to wait, `snapshot.rs` what strategies are shown, `offer.rs` offers, `penalty.rs` what follows when they fail, `leave.rs` ways out and leases, `wrap_up.rs` the time after a call, `outcome.rs` what plugins are told of, `lost.rs` agents whose phones die in mid-call, `presence.rs` who must be there for callers to wait, `overflow.rs` calls that go on to other queues, `reconfigure.rs` new lists of queues and agents, `floor.rs` agents
//! and their derived state, `queue.rs` a queue's indexes, `line.rs` who waits in which order, `figures.rs`, `agents.rs` and `whereabouts.rs` what operators see of queues, agents and calls, `estimate.rs` how long callers will wait, `foresee.rs` where each stands and what he is told of it,
//! `config.rs` and `event.rs` the words, `invariants.rs`
//! what must always hold.
//!
//! Invariants ([`Acd::check_invariants`] checks them all; tests call it after every step):
//! - An agent holds one thing at a time: an offer, a call or a reservation. (A call may be offered to several.) What he is doing is derived from that and
//!   from his lease, and stored nowhere else.
//! - A call that joined is waiting, offered or connected: one of these. It leaves by exactly one [`Event::LeftQueue`].
//! - Every offer, lease, decision and wait has a timer that ends it; no offer outlives its ring time.
//! - No call waits beside an idle agent of its queue who has what it needs unless a decision is under way or a timer will bring them together.
//! - Nobody waits in a queue where nobody is who must be there for that, be it that he logged out or that the configuration changed.
//! - An event costs O(log n) of agents and calls, and O(candidates shown) for a decision; nothing scans but a change of
//!   the configuration.

mod agents;
mod config;
mod decide;
mod defer;
mod estimate;
mod event;
mod figures;
mod floor;
mod foresee;
mod hold;
mod invariants;
mod leave;
mod line;
mod lost;
mod machine;
mod offer;
mod outcome;
mod overflow;
mod penalty;
mod presence;
mod queue;
mod reconfigure;
mod snapshot;
mod whereabouts;
mod wrap_up;

pub use agents::AgentFigures;
pub use config::{AgentConfig, Binding, Member, QueueConfig, ServiceLevel};
pub use estimate::{Forecasts, NOMINAL, Staff, WaitEstimator, WaitRange};
pub use event::{
    AgentState, Caller, Change, Chosen, Connected, DecisionFault, Event, JoinError, LeaveReason, Offer, OfferEnd,
    OfferFailure, OfferOver, ReserveError, Status,
};
pub use figures::QueueFigures;
pub use machine::Acd;
pub use overflow::{Excess, Overflow};
pub use penalty::{Penalties, Penalty};
pub use presence::{Attendance, Door, Presence};
pub use routing::{AgentName, QueueName};
pub use whereabouts::{CallStage, CallStanding};
pub use wrap_up::WrapUpFault;
