//! Calls to the outside through a carrier: who may (`grants`), where phones and trunks send them on (`redirections`), what is
//! heard before the answer (`early`), and all of it in any order (`random`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

#[path = "../common/mod.rs"]
mod common;
mod early;
mod grants;
mod random;
mod redirections;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::Day;
use common::{QUIET, SECOND, Scene};
use journal::{Disposition, Kind, LegRole, NoWayOut, OfferOutcome, Origin, Party};
use sim::{Node, Seen, company};
use switch::control::{Place, Request, Response};
use switch::{Asker, CallerId, Config, Destination, Emergency, Grant, Peer, Trunk};

const MINUTE: Duration = Duration::from_secs(60);
const NUMBER: &str = "+4930999";
const FLOW: &str = "\
version: 1
nodes:
  out:
    dial: {number: \"+4930999\", ring_time: 20s, busy: busy, no_answer: none, declined: red, failed: failed}
    next: after
  busy: {play: welcome, next: hangup}
  none: {play: welcome, next: hangup}
  red: {play: welcome, next: hangup}
  failed: {play: goodbye, next: hangup}
  after: {play: goodbye, next: hangup}
";

fn peer(address: &str) -> Peer {
    let address: SocketAddr = address.parse().unwrap();
    Peer { contact: sip_message::Uri::from_address(address), address, reached_at: None, listener: None }
}

fn trunk(name: &str, to: &str, caller_id: CallerId) -> Trunk {
    Trunk { to: Some(peer(to).into()), caller_id, ..Trunk::incoming(name, Vec::new()) }
}

fn grant(name: &str, askers: &[Asker], prefixes: &[&str], at_once: usize, minutes_a_day: u32) -> (Arc<str>, Grant) {
    let grant = Grant {
        name: name.into(),
        askers: askers.iter().cloned().collect(),
        prefixes: prefixes.iter().map(|&prefix| prefix.into()).collect(),
        trunk: "carrier".into(),
        at_once,
        minutes_a_day,
    };
    (name.into(), grant)
}

fn user(name: &str) -> Asker {
    Asker::User(name.into())
}

/// The company of `sim` with a carrier, which 101 may call in Germany, ten minutes a day, and one call at a time to
/// mobile phones. 1001 is a flow that calls out, and may.
fn with_carrier() -> Config {
    let mut config = company();
    config.trunks.push(trunk("carrier", "127.0.0.3:5060", CallerId::Number("+4930555".into())));
    config.trunks.push(trunk("help", "127.0.0.4:5060", CallerId::Anonymous));
    let faults = yaml::Faults::default();
    let sources = [("main", sim::MENU), ("out", FLOW)].map(|(name, text)| (name, yaml::Source::new(name, text)));
    let flows = ivr::Flows::read(sources.iter().map(|(name, source)| (*name, source)), &faults).unwrap();
    config.flows = Arc::new(flows);
    config.numbers.insert("1001".into(), Destination::Flow("out".into()));
    config.numbers.insert("102".into(), Destination::User("102".into()));
    config.grants = [
        grant("germany", &[user("101"), Asker::Flow("out".into())], &["+49"], 2, 10),
        grant("mobile", &[user("101")], &["+4917"], 1, 10),
    ]
    .into();
    config.emergency = Some(Emergency { numbers: ["112".into()].into(), trunk: "help".into() });
    config
}

fn scene() -> Scene {
    Scene::of(with_carrier())
}

impl Scene {
    /// Ada calls out and is answered.
    fn talk(&mut self) {
        self.dial(self.ada, "101", NUMBER);
        self.answer(self.carrier);
    }

    fn refusals(&self) -> Vec<NoWayOut> {
        let events = self.world.journal.iter();
        events.filter_map(|e| if let Kind::OutsideRefused { why, .. } = e.kind { Some(why) } else { None }).collect()
    }

    /// Legs that left to a trunk.
    fn left(&self) -> usize {
        self.world.count(|kind| matches!(kind, Kind::LegBegan { role: LegRole::Outside(_), .. }))
    }

    fn place(&mut self) -> Place {
        let request = Request::Calls { after: None, limit: 0 };
        let Response::Calls(page) = self.world.switch.handle_control(self.world.now, request) else {
            panic!("no page")
        };
        page.calls[0].place.clone()
    }
}
