//! Transfers: one side sends the other on (`blind`), a flow its caller (`flow`), two calls become one (`attended`), and by keys
//! typed in the talk, where a third one may be asked first (`consult`).
//!
//! RFC 3515 (REFER), RFC 3420 (sipfrag), RFC 3892 (Referred-By), RFC 4488 (norefersub), RFC 5589 (both kinds), RFC 3891
//! (Replaces): 3 (matching, early-only, 481, 486, 603).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod attended;
mod blind;
#[path = "../common/mod.rs"]
mod common;
mod consult;
mod flow;

use std::net::SocketAddr;
use std::sync::Arc;

use acd::AgentState;
use common::{SECOND, Scene};
use journal::{Kind, NoWayOut, TransferKind};
use sim::{Seen, company};
use switch::{Asker, CallerId, Config, Grant, Peer, Trunk, User, Watchers};

/// The company of `sim`, with a carrier that 101 may call in Germany, and 105, who is no agent.
fn with_carrier() -> Config {
    let mut config = company();
    let peer = |address: &str| {
        let address: SocketAddr = address.parse().unwrap();
        Peer {
            contact: sip_message::Uri::from_address(address).with_user("x"),
            address,
            reached_at: None,
            listener: None,
        }
    };
    let far =
        Peer { contact: sip_message::Uri::from_address("127.0.0.3:5060".parse().unwrap()), ..peer("127.0.0.3:5060") };
    let number = CallerId::Number("+4930555".into());
    config.trunks.push(Trunk { to: Some(far.into()), caller_id: number, ..Trunk::incoming("carrier", Vec::new()) });
    let grant = Grant {
        name: "germany".into(),
        askers: [Asker::User("101".into())].into(),
        prefixes: vec!["+49".into()],
        trunk: "carrier".into(),
        at_once: 2,
        minutes_a_day: 10,
    };
    config.grants = [(Arc::from("germany"), grant)].into();
    config.users.insert("105".into(), User::at(switch::Place::Fixed(peer(BOB))));
    config.numbers.insert("105".into(), switch::Destination::User("105".into()));
    config
}

/// Where 105's phone is.
const BOB: &str = "127.0.0.1:5075";

fn scene() -> Scene {
    with(with_carrier())
}

fn with(config: Config) -> Scene {
    let mut s = Scene::of(config);
    s.world.phone(BOB);
    s
}

fn bob() -> SocketAddr {
    BOB.parse().unwrap()
}

impl Scene {
    /// The caller talks with Ada, whom the queue found.
    fn talk(&mut self) {
        self.call("201");
        self.answer(self.ada);
        self.world.run(10 * SECOND);
    }

    fn refer(&mut self, who: SocketAddr, number: &str) {
        self.world.with_phone(who, |phone, now| phone.refer(now, number));
        self.world.run(SECOND);
    }

    /// What somebody was told of his REFER.
    fn notified(&mut self, who: SocketAddr) -> Vec<(u16, bool)> {
        self.world.at(who).notified.clone()
    }

    fn replies(&mut self, who: SocketAddr) -> Vec<u16> {
        self.world.at(who).replies.clone()
    }

    /// Whether two phones hear each other.
    fn hear(&mut self, one: SocketAddr, other: SocketAddr) -> bool {
        let media = [one, other].map(|phone| self.world.at(phone).media());
        let legs = media.map(|media| self.world.media.leg_to(media));
        let [Some(a), Some(b)] = legs else { return false };
        self.world.media.bridges.get(&a) == Some(&b)
    }

    /// The transfers that came about.
    fn transfers(&self) -> Vec<(Asker, TransferKind, String)> {
        let transfer = |event: &journal::Event| match &event.kind {
            Kind::Transferred { by, kind, target, .. } => Some((by.clone(), *kind, target.reveal().clone())),
            _ => None,
        };
        self.world.journal.iter().filter_map(transfer).collect()
    }

    /// The statuses of those that did not.
    fn failures(&self) -> Vec<u16> {
        let status = |event: &journal::Event| match event.kind {
            Kind::TransferFailed { status, .. } => Some(status),
            _ => None,
        };
        self.world.journal.iter().filter_map(status).collect()
    }

    fn sound(&mut self) {
        assert_eq!(self.world.breaches(), []);
    }
}

fn user(name: &str) -> Asker {
    Asker::User(name.into())
}
