//! Trunks: who we are to their far ends (`login`), where we register (`enrolments`), who they must prove to be
//! (`authenticated`), whether they live (`health`), who takes their place (`failover`), where their names lead (`names`), how many calls they may have (`limits`), how they write numbers (`numbers`), what is said of who calls (`identity`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod authenticated;
mod enrolments;
mod failover;
mod health;
mod identity;
mod limits;
mod login;
mod names;
mod numbers;

use std::net::SocketAddr;
use std::time::Duration;

use journal::Kind;
use sim::{Carrier, Seen, World, company};
use sip::digest::{Login, Secret};
use sip::health::Watch;
use switch::{Account, Asker, CallerId, Config, Grant, Peer, Register, Trunk};

const SECOND: Duration = Duration::from_secs(1);
/// Longer than any transaction lingers.
const QUIET: Duration = Duration::from_secs(60);
const NUMBER: &str = "+4930999";
const REALM: &str = "carrier.example";
const CARRIER: &str = "127.0.0.3:5060";

fn peer(address: &str) -> Peer {
    let address: SocketAddr = address.parse().unwrap();
    Peer { contact: sip_message::Uri::from_address(address), address, reached_at: None, listener: None }
}

fn login(realm: &str) -> Login {
    Login { realm: realm.into(), user: "acct".into(), secret: Secret::of("acct", realm, "secret") }
}

/// A trunk to `to`, which sends calls from there, too.
fn trunk(name: &str, to: &str) -> Trunk {
    let to = peer(to);
    let sources = vec![to.address.ip().into()];
    Trunk { to: Some(to.into()), caller_id: CallerId::Number("+4930555".into()), ..Trunk::incoming(name, sources) }
}

/// The company of `sim`, whose user 101 may call everywhere by the trunk `carrier`.
fn with(carrier: Trunk) -> Config {
    let mut config = company();
    let grant = Grant {
        name: "all".into(),
        askers: [Asker::User("101".into())].into(),
        prefixes: vec!["+".into()],
        trunk: carrier.name.clone(),
        at_once: 5,
        minutes_a_day: 600,
    };
    config.trunks.push(carrier);
    config.grants = [("all".into(), grant)].into();
    config
}

struct Scene {
    world: World,
    ada: SocketAddr,
    carrier: SocketAddr,
}

impl Scene {
    /// A far end that lets `acct` in by the password `secret`.
    fn of(config: Config) -> Self {
        let mut world = World::with(config, 1);
        let ada = world.phone("127.0.0.1:5071");
        let carrier = world.phone(CARRIER);
        world.at(carrier).carrier = Some(Carrier::new(REALM, Some(("acct", "secret"))));
        Self { world, ada, carrier }
    }

    fn dial(&mut self) {
        self.world.with_phone(self.ada, |phone, now| phone.call(now, "101", NUMBER));
        self.world.run(SECOND);
    }

    fn answer(&mut self) {
        self.world.with_phone(self.carrier, |phone, now| phone.answer(now));
        self.world.run(SECOND);
    }

    fn saw(&mut self, who: SocketAddr, what: &Seen) -> bool {
        self.world.at(who).saw(what)
    }

    fn hang_up(&mut self, who: SocketAddr) {
        self.world.with_phone(who, |phone, now| phone.hang_up(now));
        self.world.run(SECOND);
    }

    /// All calls are over, and nothing is left of them.
    fn end(&mut self) {
        self.world.run(QUIET);
        assert!(self.world.switch.is_quiet(), "{:?}", self.world.switch);
        assert_eq!(self.world.breaches(), vec![]);
    }

    fn told<T>(&self, pick: impl Fn(&Kind) -> Option<T>) -> Vec<T> {
        self.world.journal.iter().filter_map(|event| pick(&event.kind)).collect()
    }
}
