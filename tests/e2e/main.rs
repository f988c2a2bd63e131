//! The real binary among strangers: SIPp, baresip and sipsak on loopback, each test with a switch, a company, ports and a data
//! folder of its own. `scripts/test` builds the binary and runs these.
//!
//! - `audio`: who hears whom, measured; recordings; A-law with µ-law. Run alone.
//! - `load`, `crash`: 300 calls at once; and the switch killed among them. `crowd`: 10,000 users who register. Run alone.
//! - `barge_in`: keys of strangers by each means, and how soon they cut a prompt short. Run alone.
//! - `menu`, `digits`, `hangups`, `agents`: the ways that a call can go. `crossings`: callers gone at any moment, a reload under load.
//! - `fifty`: a company of fifty agents among callers of all kinds. Run alone.
//! - `plugins`: one decides for a queue, and what is none does not.
//! - `plugin_tools`: plugins are written, built, checked, tested and measured; and the way of the README to a live one.
//! - `questions`: menus and collects, by SIPp's keys: of several digits, extensions, confirmed, typed ahead, secret.
//! - `http`: flows ask a web server that is right, slow, down, or lies.
//! - `hours`: an emergency switch is turned while the switch runs.
//! - `message`: short texts from user to user. `lamps`: phones are told of the calls of others.
//! - `ring_all`: all phones ring, and one answers, or all do.
//! - `waiting`: what becomes of those who wait, be they called back.
//! - `transfer`: whoever is sent on is heard where he comes to.
//! - `signals`: digits by INFO, reasons, data for the agent's system.
//! - `hold`: hold, resume and change by re-INVITE; who hears what meanwhile.
//! - `recording`, `disk`, `limits`, `shutdown`: what is left when something ends or fails.
//! - `admission`, `noise`, `spray`, `torture`, `flood`, `scanners`: strangers in the bad sense. `flood` runs alone.
//! - `ipv6`: the other version of IP, and several listeners.
//! - `refusals`: what requests are answered that cannot be served.
//! - `outbound`: calls to a carrier, and grants.
//! - `tcp`, `tls`, `websocket`: calls over connections, and what strangers do with those.
//! - `consult`: a third one is asked by keys, and all three talk.
//! - `codes`: what agents dial on their own phones.
//! - `control`, `reload`: operators and a running switch. `call`: the phone of the command line. `commands`: the rest of it.
//! - `forks`: users with several phones.
//! - `graph`: flows as drawings, judged by Graphviz and Mermaid.
//! - `linphone`: another make of phone.
//! - `lossy`: datagrams that are lost, doubled and overtaken on the way.
//! - `nat`: phones behind a NAT, in networks of the test's own.
//! - `trace`: what calls said on the wire, drawn, followed, and read by tshark.
//! - `schema`: what editors are told, judged by a validator.
//! - `spoken`: numbers and dates, in two languages.
//! - `sbc`: Kamailio in front of the switch; all phones behind it.
//! - `srtp`: encrypted calls.
//! - `survey`: what comes after a talk: a masked recording, a score, the caller sent on.
//! - `trial`: tests of flows, and a person as their caller.
//! - `sipsak`: what that tool does.
//! - `strangers`: the others among themselves, so that a fault of theirs is told from ours.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests drive real processes and sockets in real time"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what panics fails the test with its place, which is what a test wants"
)]
#![allow(missing_docs, reason = "a test's name says what it shows")]

mod admission;
mod agents;
mod audio;
mod barge_in;
mod call;
mod codes;
mod commands;
mod consult;
mod control;
mod crash;
mod crossings;
mod crowd;
mod dialogs;
mod digits;
mod disk;
mod fifty;
mod flood;
mod forks;
mod graph;
mod hangups;
mod hold;
mod hours;
mod http;
mod ipv6;
mod lamps;
mod limits;
mod linphone;
mod load;
mod lossy;
mod menu;
mod message;
mod names;
mod nat;
mod noise;
mod outbound;
mod oversize;
mod plugin_load;
mod plugin_services;
mod plugin_tools;
mod plugins;
mod questions;
mod recording;
mod refusals;
mod registration;
mod reload;
mod ring_all;
mod sbc;
mod scanners;
mod schema;
mod shutdown;
mod signals;
mod sipsak;
mod speech;
mod spoken;
mod spray;
mod srtp;
mod strangers;
mod stun;
mod survey;
mod tcp;
mod tls;
mod torture;
mod trace;
mod transfer;
mod trial;
mod trunk_identity;
mod trunk_limits;
mod trunk_numbers;
mod trunks;
mod voicemail;
mod waiting;
mod websocket;
