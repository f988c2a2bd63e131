//! The switch: SIP, leg control, menus and queues joined into one deterministic machine.
//!
//! One contract: a driver hands in what happens ([`Switch::handle_datagram`], [`Switch::handle_media`],
//! [`Switch::handle_take`], [`Switch::handle_timeout`], …) with the time, and after each takes out all of
//! [`Switch::poll_take`] and [`Switch::poll_letter`] (before [`Switch::poll_media`]), [`Switch::poll_media`], [`Switch::poll_transmit`],
//! [`Switch::poll_journal`], [`Switch::poll_locations`], [`Switch::poll_turned`], [`Switch::poll_said`], [`Switch::poll_callback`], [`Switch::poll_ask`] and [`Switch::poll_proofs`] (before [`Switch::poll_transmit`]), and comes back at [`Switch::poll_timeout`]. The same inputs at the same times with the same
//! seed give the same outputs.
//!
//! A call's way through the modules:
//!
//! ```text
//! incoming   who calls, what he dialled, SDP answered         INVITE → 200
//! flow       the menu speaks: play, digits, queue, dial       ivr::Session
//! outgoing   an agent's or user's phone is rung               acd::Offer → INVITE
//! outside    a number outside is called, by a grant          302 → the same door
//! early      ringing and early media until the answer        183 → 183
//! talk       bridged; re-INVITEs; one side hangs up
//! hold       music for who is held
//! transfer   one side sends the other on by REFER
//! talk_keys  codes that a user types while he talks
//! consult    he asks a third one, and all three talk
//! joining    two calls become one: REFER and INVITE with Replaces
//! digits     keys by RFC 4733 and by INFO, each once
//! recording  takes begin and end; their files report
//! voicemail  messages are left in mailboxes, and heard
//! mask       secrets that a caller types, in no recording and no journal
//! ending     everything given back; the call's last event
//! ```
//!
//! `identity` knows who calls by whose word, and who may learn of it. `message` passes short messages on, `lamps` tells phones of
//! the calls of others.
//!
//! Before that, `registration` decides who is let in (digest), and knows where users are who register; `locations` keeps
//! that over a restart.
//!
//! A queue decision: the ACD asks (`DecisionNeeded`), `queueing` calls the queue's `routing::Strategy`, the ACD
//! checks the answer and says `Offer`.
//!
//! `login` says who we are to trunks that ask, `trunks` what is known of them while the switch runs. `grant` counts what of each grant is in use, `fault` ends the call whose handling panicked, `health` knows what the
//! machine lacks. `switch` holds the machine and passes events around, `call` what is kept of calls and legs, `book` what
//! leaves for the journal, `config` what is known of the company (`far_end`: where trunks lead), `numbers` how trunks write numbers, `reconfigure` how that changes while calls live,
//! `hours` the calendars and emergency switches, `fetch` requests to web servers, `control` what operators ask, `duty` what agents say of themselves, `codes` by which on their phones, `wrap_up` and after calls, `lost` agents whose phones die in mid-call, `agents` what operators see of that, `registrations` what they see of who is registered, `trunk_counts` what becomes of
//! calls from and to trunks, `invariants` what tests check of the whole.
//!
//! Invariants:
//! - A leg is in `legs` until its media is closed, a session in `sessions` until it is over for us, a call in `calls` until
//!   its legs and recordings are closed: then its last event (`call_ended`) is written, exactly one a call.
//! - Every way out goes through [`ending`](self): no other module removes a call or a leg.
//! - A flow, the ACD and the SIP stack are never told anything while they speak: what one says is taken out whole first.

mod acquaintances;
mod agents;
mod announce;
mod book;
mod call;
mod callback_call;
mod callbacks;
mod codes;
mod config;
mod consult;
pub mod control;
mod digits;
mod doors;
mod duty;
mod early;
mod ending;
mod far_end;
mod fault;
mod fetch;
mod flow;
mod grant;
mod health;
mod hold;
mod hours;
mod identity;
mod incoming;
mod invariants;
mod joining;
mod lamps;
mod locations;
mod login;
mod lost;
mod mask;
mod message;
mod numbers;
mod offering;
mod outgoing;
mod outside;
mod overflow;
mod places;
mod plugin_lines;
mod plugins;
mod prompts;
mod queueing;
mod queues;
mod reconfigure;
mod recording;
mod registration;
mod registrations;
mod repeats;
mod returning;
mod secrecy;
mod speech;
mod switch;
mod talk;
mod talk_keys;
mod timer;
mod transfer;
mod trunk_counts;
mod trunks;
mod voicemail;
mod whisper;
mod wrap_up;

pub use callbacks::{CallbackLine, CallbackPage, CallbackWait};
pub use codes::{Codes, Feature};
pub use config::{
    Account, CallerId, Config, Destination, Emergency, FlowName, Grant, GrantName, Limits, Mailbox, MailboxName, Peer,
    Place, Register, Registration, Ring, SrtpPolicy, Trunk, TrunkName, User, UserName, Waiting, Watchers, is_number,
};
pub use doors::QueueHours;
pub use duty::{Duties, Login, NotSaid, Saying};
pub use far_end::FarEnd;
pub use fetch::HttpOrder;
pub use journal::Asker;
pub use numbers::{NumberRules, Of as NumbersOf, Rule, RuleFault, Way as RuleWay};
pub use plugin_lines::{PluginAsk, PluginOrder, PluginTell};
pub use plugins::{PluginFault, PluginState, Rest};
pub use prompts::{LanguageName, PromptName, Prompts};
pub use recording::{TakeOrder, TakeReport};
pub use speech::Speak;
pub use switch::{Setup, Switch, Traced};
pub use talk_keys::{TalkKey, TalkKeys};
pub use trunks::usual_watch;
pub use voicemail::LetterReport;
