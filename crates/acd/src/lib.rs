//! Queues, agents and offers: who waits, who is free, who is rung.
//!
//! One contract: inputs go in by `join`, `leave`, `handle_decision`, `offer_*`, `reserve`, … with the time as an argument;
//! after each, and when [`Acd::poll_timeout`] is due (then [`Acd::handle_timeout`]), take out all of [`Acd::poll_event`].
mod config;
mod event;
mod machine;

pub use config::{AgentConfig, QueueConfig, Rest};
pub use event::{
    AgentState, Caller, Connected, DecisionFault, Event, JoinError, LeaveReason, Offer, OfferEnd, OfferFailure,
    OfferOver, ReserveError, Status,
};
pub use machine::Acd;
pub use routing::{AgentName, QueueName};
